//! A theme file: what it says, and where it says what cannot be understood.
//!
//! ```toml
//! inherits = "dark"                        # what is not painted here is as there
//!
//! [palette]                                # names for colours
//! rose = "#ff7a90"
//!
//! [slots]                                  # what is painted how
//! "tree.error" = { fg = "rose", bold = true }
//! "dim" = "gray"                           # the same as { fg = "gray" }
//! ```
//!
//! A colour is a name of the palette, `#rrggbb`, an index from `0` to `255`, or one of the terminal's own:
//! `black`, `red`, …, `bright-red`, …, and `default`.

use std::{collections::BTreeMap, ops::Range};

use ratatui::style::{Color, Modifier, Style};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::ThemeError;
use crate::{nearest::nearest, slots};

/// What one file says. Names of colours are looked up later, because a theme that inherits from this one may have another
/// palette.
#[derive(Debug, Clone)]
pub struct File {
    /// For messages: a path, or the name of an embedded file.
    pub origin: String,
    pub inherits: Option<OnLine<String>>,
    palette: BTreeMap<String, Color>,
    slots: BTreeMap<String, Paint>,
}

/// A value, and the line on which it stands, from 1.
#[derive(Debug, Clone)]
pub struct OnLine<T> {
    pub value: T,
    pub line: usize,
}

#[derive(Debug, Clone, Default)]
struct Paint {
    fg: Option<OnLine<String>>,
    bg: Option<OnLine<String>>,
    modifiers: Modifier,
}

const ADORNMENTS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
    ("strike", Modifier::CROSSED_OUT),
];

/// The terminal's own colours, in the order of their indexes.
const TERMINAL: [(&str, Color); 18] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("white", Color::Gray),
    ("bright-black", Color::DarkGray),
    ("bright-red", Color::LightRed),
    ("bright-green", Color::LightGreen),
    ("bright-yellow", Color::LightYellow),
    ("bright-blue", Color::LightBlue),
    ("bright-magenta", Color::LightMagenta),
    ("bright-cyan", Color::LightCyan),
    ("bright-white", Color::White),
    ("gray", Color::DarkGray),
    ("default", Color::Reset),
];

/// Reads a file's text.
pub fn parse(origin: &str, text: &str) -> Result<File, ThemeError> {
    let reader = Reader { origin, text };
    let top = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        reader.wrong(&span, error.message().replace('\n', ", "))
    })?;
    let mut file = File { origin: origin.to_owned(), inherits: None, palette: BTreeMap::new(), slots: BTreeMap::new() };
    for (key, value) in top.get_ref() {
        match &**key.get_ref() {
            "inherits" => file.inherits = Some(reader.text_of(value)?),
            "palette" => file.palette = reader.palette(value)?,
            "slots" => file.slots = reader.slots(value)?,
            other => return Err(reader.unknown(&key.span(), "key", other, ["inherits", "palette", "slots"])),
        }
    }
    Ok(file)
}

/// The style of every slot or group that one of the files paints, by its name. The files inherit from each other, the
/// eldest first.
pub fn paint(line_of_descent: &[&File]) -> Result<BTreeMap<String, Style>, ThemeError> {
    let mut palette: BTreeMap<&str, Color> = TERMINAL.into();
    let mut slots: BTreeMap<&str, (&Paint, &File)> = BTreeMap::new();
    for file in line_of_descent {
        palette.extend(file.palette.iter().map(|(name, color)| (name.as_str(), *color)));
        slots.extend(file.slots.iter().map(|(slot, paint)| (slot.as_str(), (paint, *file))));
    }
    let painted = slots.into_iter().map(|(slot, (paint, file))| Ok((slot.to_owned(), paint.style(&palette, file)?)));
    painted.collect()
}

/// A colour of the palette of the youngest file that has one of that name.
pub fn color(line_of_descent: &[&File], name: &str) -> Option<Color> {
    line_of_descent.iter().rev().find_map(|file| file.palette.get(name).copied())
}

impl Paint {
    fn style(&self, palette: &BTreeMap<&str, Color>, file: &File) -> Result<Style, ThemeError> {
        let color = |name: &Option<OnLine<String>>| {
            let Some(name) = name else { return Ok(None) };
            let known = palette.get(name.value.as_str()).copied().or_else(|| literal(&name.value));
            known.map(Some).ok_or_else(|| ThemeError::Broken {
                file: file.origin.clone(),
                line: name.line,
                what: unknown("colour", &name.value, palette.keys().copied()),
            })
        };
        Ok(Style { fg: color(&self.fg)?, bg: color(&self.bg)?, ..Style::new() }.add_modifier(self.modifiers))
    }
}

/// `#rrggbb`, or an index.
fn literal(text: &str) -> Option<Color> {
    let Some(hex) = text.strip_prefix('#') else { return text.parse().ok().map(Color::Indexed) };
    let is_hex = hex.len() == 6 && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u32::from_str_radix(hex, 16).ok().filter(|_| is_hex)?;
    let [_, r, g, b] = number.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}

pub fn unknown<'a>(what: &str, wrong: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(wrong, words) {
        Some(right) => format!("no {what} `{wrong}`; did you mean `{right}`?"),
        None => format!("no {what} `{wrong}`"),
    }
}

struct Reader<'a> {
    origin: &'a str,
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn palette(&self, value: &Value) -> Result<BTreeMap<String, Color>, ThemeError> {
        let named = self.table_of(value)?.iter().map(|(name, value)| {
            let text = self.text_of(value)?;
            let terminal = TERMINAL.iter().find(|(name, _)| *name == text.value).map(|(_, color)| *color);
            let Some(color) = terminal.or_else(|| literal(&text.value)) else {
                return Err(self.unknown(&value.span(), "colour", &text.value, TERMINAL.map(|(name, _)| name)));
            };
            Ok((name.get_ref().to_string(), color))
        });
        named.collect()
    }

    fn slots(&self, value: &Value) -> Result<BTreeMap<String, Paint>, ThemeError> {
        let painted = self.table_of(value)?.iter().map(|(slot, value)| {
            if !slots::is_known(slot.get_ref()) {
                return Err(self.unknown(&slot.span(), "slot", slot.get_ref(), slots::names()));
            }
            Ok((slot.get_ref().to_string(), self.paint(value)?))
        });
        painted.collect()
    }

    fn paint(&self, value: &Value) -> Result<Paint, ThemeError> {
        let mut paint = Paint::default();
        if value.get_ref().is_str() {
            paint.fg = Some(self.text_of(value)?);
            return Ok(paint);
        }
        for (key, value) in self.table_of(value)? {
            let name: &str = key.get_ref();
            match (name, ADORNMENTS.iter().find(|(adornment, _)| *adornment == name)) {
                ("fg", _) => paint.fg = Some(self.text_of(value)?),
                ("bg", _) => paint.bg = Some(self.text_of(value)?),
                (_, Some((_, modifier))) => paint.modifiers.set(*modifier, self.yes_or_no(value)?),
                (_, None) => {
                    let words = ADORNMENTS.iter().map(|(name, _)| *name).chain(["fg", "bg"]);
                    return Err(self.unknown(&key.span(), "key", name, words));
                }
            }
        }
        Ok(paint)
    }

    fn table_of<'v, 'i>(&self, value: &'v Value<'i>) -> Result<&'v DeTable<'i>, ThemeError> {
        value.get_ref().as_table().ok_or_else(|| self.not_a("table", value))
    }

    fn text_of(&self, value: &Value) -> Result<OnLine<String>, ThemeError> {
        let text = match value.get_ref() {
            // An index need not be quoted.
            DeValue::Integer(index) => index.as_str().to_owned(),
            other => other.as_str().ok_or_else(|| self.not_a("text", value))?.to_owned(),
        };
        Ok(OnLine { value: text, line: self.line(&value.span()) })
    }

    fn yes_or_no(&self, value: &Value) -> Result<bool, ThemeError> {
        value.get_ref().as_bool().ok_or_else(|| self.not_a("true or false", value))
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }

    fn wrong(&self, span: &Range<usize>, what: String) -> ThemeError {
        ThemeError::Broken { file: self.origin.to_owned(), line: self.line(span), what }
    }

    fn not_a(&self, wanted: &str, value: &Value) -> ThemeError {
        self.wrong(&value.span(), format!("{} where {wanted} is needed", value.get_ref().type_str()))
    }

    fn unknown<'a>(
        &self,
        span: &Range<usize>,
        what: &str,
        wrong: &str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> ThemeError {
        self.wrong(span, unknown(what, wrong, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> String {
        match parse("mine.toml", text).and_then(|file| paint(&[&file])) {
            Ok(painted) => panic!("{painted:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_slot_is_painted_with_colours_of_the_palette_and_adornments() {
        let text =
            "[palette]\nrose = '#ff7a90'\n[slots]\n'tree.error' = { fg = 'rose', bg = 17, bold = true }\ndim = 'gray'";
        let painted = paint(&[&parse("mine.toml", text).unwrap()]).unwrap();
        let rose = Style::new().fg(Color::Rgb(0xff, 0x7a, 0x90)).bg(Color::Indexed(17));
        assert_eq!(painted["tree.error"], rose.add_modifier(Modifier::BOLD));
        assert_eq!(painted["dim"], Style::new().fg(Color::DarkGray));
    }

    #[test]
    fn a_wrong_word_is_answered_with_its_line_and_the_nearest_right_one() {
        assert_eq!(
            broken("\n[slots]\n\"tree.eror\" = \"red\""),
            "theme mine.toml, line 3: no slot `tree.eror`; did you mean `tree.error`?"
        );
        assert_eq!(
            broken("[palette]\nrose = '#f00000'\n[slots]\nerror = {\n  fg = 'rosa' }"),
            "theme mine.toml, line 5: no colour `rosa`; did you mean `rose`?"
        );
        assert_eq!(broken("[palette]\nx = 'blu'"), "theme mine.toml, line 2: no colour `blu`; did you mean `blue`?");
        assert_eq!(
            broken("[slots]\nerror = { bald = true }"),
            "theme mine.toml, line 2: no key `bald`; did you mean `bold`?"
        );
        assert_eq!(broken("[slot]\n"), "theme mine.toml, line 1: no key `slot`; did you mean `slots`?");
    }

    #[test]
    fn what_is_no_toml_or_of_the_wrong_type_is_answered_with_its_line() {
        assert!(broken("[slots]\nerror = = 1").starts_with("theme mine.toml, line 2: "));
        assert_eq!(broken("slots = 1"), "theme mine.toml, line 1: integer where table is needed");
        assert_eq!(
            broken("[slots]\nok = { bold = 1 }"),
            "theme mine.toml, line 2: integer where true or false is needed"
        );
        assert_eq!(broken("[palette]\nx = '#ff00é'"), "theme mine.toml, line 2: no colour `#ff00é`");
    }
}
