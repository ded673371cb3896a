//! How many colours the terminal shows, and what becomes of a colour where there are fewer.

use ratatui::style::{Color, Style};

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colour at all: bold, dim, underlined, reversed.
    None,
    Ansi16,
    Ansi256,
    True,
}

impl Depth {
    /// What the environment says about the terminal. `variable` looks one up.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        // https://no-color.org: present and not empty, whatever it says.
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Self::None;
        }
        let term = variable("TERM").unwrap_or_default();
        let promised = variable("COLORTERM").unwrap_or_default();
        if term == "dumb" {
            Self::None
        } else if matches!(promised.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") || !promised.is_empty() {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }

    /// The nearest style that this many colours can paint.
    #[must_use]
    pub fn fit(self, style: Style) -> Style {
        let mut fitted = Style {
            fg: style.fg.and_then(|color| self.fit_color(color, foreground)),
            bg: style.bg.and_then(|color| self.fit_color(color, background)),
            underline_color: None,
            ..style
        };
        // With sixteen colours, the background of a row may be the same grey as a dim word on it: so the whole row is
        // written in a colour that can be read there.
        if self == Self::Ansi16 && fitted.fg.is_none() {
            fitted.fg = fitted.bg.map(|ground| if ground == Color::DarkGray { Color::White } else { Color::Black });
        }
        fitted
    }

    fn fit_color(self, color: Color, of_sixteen: fn([u8; 3]) -> Color) -> Option<Color> {
        match self {
            Self::True => Some(color),
            Self::None => None,
            Self::Ansi256 => Some(match color {
                Color::Rgb(r, g, b) => Color::Indexed(indexed([r, g, b])),
                other => other,
            }),
            Self::Ansi16 => Some(match color {
                Color::Rgb(r, g, b) => of_sixteen([r, g, b]),
                Color::Indexed(index) => match ANSI.get(usize::from(index)) {
                    Some((color, _)) => *color,
                    None => of_sixteen(of_index(index)),
                },
                other => other,
            }),
        }
    }
}

/// The sixteen colours as xterm paints them; a terminal's own may differ, their order of light does not.
const ANSI: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

/// The levels of the 6×6×6 cube that fills the indexes 16 to 231.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// How far apart two colours look ("redmean", a cheap weighting of the channels by what the eye sees).
fn apart(left: [u8; 3], right: [u8; 3]) -> u32 {
    let red_mean = u32::midpoint(left[0].into(), right[0].into());
    let [r, g, b] = [0, 1, 2].map(|at| u32::from(left[at].abs_diff(right[at])).pow(2));
    ((512 + red_mean) * r + 1024 * g + (767 - red_mean) * b) / 256
}

fn foreground(color: [u8; 3]) -> Color {
    let [low, high] = [color.iter().min(), color.iter().max()].map(|channel| channel.map_or(0, |c| u32::from(*c)));
    if (high - low) * 4 <= high {
        return nearest(color, &ANSI);
    }
    // A pastel lies nearest to a grey, yet its hue is what it says: it is compared at full strength.
    let full = if high > 214 { 255 } else { 205 };
    let strengthen = |channel: u8| u8::try_from((u32::from(channel) - low) * full / (high - low)).unwrap_or(u8::MAX);
    nearest(color.map(strengthen), &ANSI)
}

/// Black and bright white are what most terminals have behind everything: a background that falls on
/// one of them would vanish, and with it the cursor.
fn background(color: [u8; 3]) -> Color {
    nearest(color, &ANSI[1..15])
}

fn nearest(color: [u8; 3], among: &[(Color, [u8; 3])]) -> Color {
    let nearest = among.iter().min_by_key(|(_, ansi)| apart(color, *ansi));
    nearest.map_or(Color::Reset, |(name, _)| *name)
}

fn indexed(color: [u8; 3]) -> u8 {
    let step = |channel: u8| (0_u8..6).min_by_key(|at| CUBE[usize::from(*at)].abs_diff(channel)).unwrap_or(0);
    let [r, g, b] = color.map(step);
    let in_cube = 16 + 36 * r + 6 * g + b;
    let mean = color.iter().map(|channel| u32::from(*channel)).sum::<u32>() / 3;
    let grey = 232 + u8::try_from(mean.saturating_sub(3) / 10).unwrap_or(0).min(23);
    if apart(color, of_index(grey)) < apart(color, of_index(in_cube)) { grey } else { in_cube }
}

/// What an index paints.
fn of_index(index: u8) -> [u8; 3] {
    match index {
        0..16 => ANSI[usize::from(index)].1,
        16..232 => [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(|step| CUBE[usize::from(step)]),
        232.. => [8 + 10 * (index - 232); 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> Depth {
        Depth::from_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::None);
        assert_eq!(depth(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Ansi256);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn a_pastel_keeps_its_hue_at_sixteen_colours() {
        let fit = |r, g, b| Depth::Ansi16.fit(Style::new().fg(Color::Rgb(r, g, b))).fg;
        assert_eq!(fit(0xff, 0x7a, 0x90), Some(Color::LightRed));
        assert_eq!(fit(0x8f, 0xd6, 0x94), Some(Color::Green));
        assert_eq!(fit(0xb3, 0x26, 0x1e), Some(Color::Red));
        assert_eq!(fit(0x7f, 0x87, 0x9b), Some(Color::DarkGray), "a grey stays one");
    }

    #[test]
    fn a_background_never_falls_on_the_terminals_own() {
        let fit = |r, g, b| Depth::Ansi16.fit(Style::new().bg(Color::Rgb(r, g, b)));
        assert_eq!(fit(0x20, 0x22, 0x26), Style::new().bg(Color::DarkGray).fg(Color::White));
        assert_eq!(fit(0xf4, 0xf4, 0xf6), Style::new().bg(Color::Gray).fg(Color::Black));
    }

    #[test]
    fn every_colour_has_a_nearest_index_that_paints_nearly_the_same() {
        for (color, index) in [([0, 0, 0], 16), ([255, 255, 255], 231), ([128, 128, 128], 244), ([95, 135, 175], 67)] {
            assert_eq!(indexed(color), index, "{color:?}");
        }
        for index in 16..=u8::MAX {
            assert_eq!(of_index(indexed(of_index(index))), of_index(index));
        }
    }
}
