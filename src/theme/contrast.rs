//! Whether what the themes paint can be read, and told apart by eyes that see fewer colours.
//!
//! Contrast is WCAG's ratio of luminances. Eyes that miss a kind of cone are simulated by the matrices of Machado, Oliveira
//! and Fernandes (2009); the distance of two colours is CIE76 in Lab, where about 2 can just be told apart side by side.

use ratatui::style::{Color, Modifier};

use super::{Depth, Theme, Themes};
use crate::slots::Slot;

/// What prose needs (WCAG 2, level AA).
const READABLE: f64 = 4.5;
/// What large and graphical things need; here, what stands on the ground of the cursor's row.
const VISIBLE: f64 = 3.0;
/// How far apart the colours of two states are at least.
const APART: f64 = 20.0;

type Rgb = [u8; 3];
type Matrix = [[f64; 3]; 3];

const PROTANOPIA: Matrix =
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
const DEUTERANOPIA: Matrix =
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
const TRITANOPIA: Matrix =
    [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]];
const ALL_CONES: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The grounds on which a theme that paints none is mostly seen.
fn grounds(theme: &str) -> &'static [Rgb] {
    if theme == "light" { &[[255, 255, 255], [245, 245, 245]] } else { &[[0, 0, 0], [30, 30, 46]] }
}

/// What is seen without being read: lines, and the empty part of a gauge.
fn is_drawing(slot: Slot) -> bool {
    matches!(slot, Slot::Border | Slot::GaugeEmpty)
}

fn rgb(color: Option<Color>) -> Option<Rgb> {
    match color {
        Some(Color::Rgb(red, green, blue)) => Some([red, green, blue]),
        _ => None,
    }
}

fn linear(color: Rgb) -> [f64; 3] {
    color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

fn luminance(color: Rgb) -> f64 {
    let [red, green, blue] = linear(color);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// A colour in Lab, as eyes see it.
fn lab(color: Rgb, eyes: &Matrix) -> [f64; 3] {
    let [red, green, blue] = linear(color);
    let [red, green, blue] = eyes.map(|row| (row[0] * red + row[1] * green + row[2] * blue).clamp(0.0, 1.0));
    let [x, y, z] = [
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83,
    ]
    .map(|part| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn distance(one: Rgb, other: Rgb, eyes: &Matrix) -> f64 {
    let squares = lab(one, eyes).into_iter().zip(lab(other, eyes)).map(|(one, other)| (one - other).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The themes whose colours are known: `auto` has those of the terminal, `plain` none.
fn themes() -> Vec<Theme> {
    let themes = Themes::load(None).unwrap();
    let known = themes.names().iter().filter(|name| !matches!(name.as_str(), "auto" | "plain"));
    // Each on the ground that it was made for, and where that is not known.
    known
        .flat_map(|name| {
            let theme = themes.get(name).unwrap();
            [theme.clone(), theme.fit(Depth::True, None)]
        })
        .collect()
}

#[test]
fn every_theme_has_a_ground_of_its_own_where_the_terminals_is_not_known() {
    for theme in themes().into_iter().skip(1).step_by(2) {
        let text = theme.style(Slot::Text);
        let (Some(paper), Some(ground)) = (rgb(text.fg), rgb(text.bg)) else { panic!("{} has none", theme.name()) };
        assert!(contrast(paper, ground) >= READABLE, "{}", theme.name());
        for cursor in [Slot::Cursor, Slot::CursorInactive].map(|slot| theme.style(slot)) {
            let (Some(row), None) = (rgb(cursor.bg), cursor.fg) else { continue };
            assert!(contrast(paper, row) >= READABLE, "{}", theme.name());
        }
    }
}

#[test]
fn what_a_theme_paints_can_be_read_on_its_ground() {
    let mut wrong = Vec::new();
    for theme in themes() {
        let own = rgb(theme.style(Slot::Text).bg);
        let grounds = own.as_ref().map_or_else(|| grounds(theme.name()), std::slice::from_ref);
        for slot in Slot::ALL.iter().copied().filter(|slot| !is_drawing(*slot)) {
            let style = theme.style(slot);
            // Without a colour of its own it has that of prose; reversed, the two change places.
            let Some(fg) = rgb(style.fg.or(theme.style(Slot::Text).fg)) else { continue };
            let painted = rgb(style.bg);
            for ground in painted.as_ref().map_or(grounds, std::slice::from_ref) {
                let found = contrast(fg, *ground);
                if found < READABLE {
                    wrong.push(format!("{} {}: {found:.1}", theme.name(), slot.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_row_can_be_read_under_the_cursor() {
    let mut wrong = Vec::new();
    for theme in themes() {
        for cursor in [Slot::Cursor, Slot::CursorInactive] {
            let style = theme.style(cursor);
            // A cursor with a colour of its own writes the row in it.
            let (Some(ground), None) = (rgb(style.bg), style.fg) else { continue };
            for slot in Slot::ALL.iter().copied().filter(|slot| !is_drawing(*slot)) {
                let style = theme.style(slot);
                let Some(fg) = rgb(style.fg).filter(|_| style.bg.is_none()) else { continue };
                let found = contrast(fg, ground);
                if found < VISIBLE && !style.add_modifier.contains(Modifier::REVERSED) {
                    wrong.push(format!("{} {} on {}: {found:.1}", theme.name(), slot.name(), cursor.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn states_can_be_told_apart_also_by_eyes_that_see_fewer_colours() {
    for theme in themes() {
        let eyes = match theme.name() {
            "deuteranopia" => &DEUTERANOPIA,
            "protanopia" => &PROTANOPIA,
            "tritanopia" => &TRITANOPIA,
            _ => &ALL_CONES,
        };
        let states = [Slot::Error, Slot::Warning, Slot::Ok, Slot::Running];
        for (at, one) in states.iter().enumerate() {
            for other in &states[..at] {
                let [a, b] = [one, other].map(|slot| rgb(theme.style(*slot).fg).unwrap());
                let found = distance(a, b, eyes);
                assert!(found >= APART, "{} {} and {}: {found:.0}", theme.name(), one.name(), other.name());
            }
        }
    }
}

#[test]
fn red_and_green_look_alike_to_eyes_without_green() {
    let (red, green) = ([0xb0, 0x60, 0x40], [0x80, 0x80, 0x30]);
    assert!(distance(red, green, &ALL_CONES) > 40.0);
    assert!(distance(red, green, &DEUTERANOPIA) < 20.0);
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
}
