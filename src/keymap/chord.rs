//! Keys as text and back: `ctrl-d`, `shift-tab`, `g g`, `?`.
//!
//! What a terminal sends is turned into a [`Key`] elsewhere; nothing here knows a terminal.

use std::{fmt, str::FromStr};

/// One press of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    /// Never set for a character: `G` is a character of its own.
    pub shift: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// The names of the keys that are no characters.
const NAMES: [(Code, &str); 15] = [
    (Code::Enter, "enter"),
    (Code::Esc, "esc"),
    (Code::Tab, "tab"),
    (Code::Backspace, "backspace"),
    (Code::Delete, "delete"),
    (Code::Insert, "insert"),
    (Code::Up, "up"),
    (Code::Down, "down"),
    (Code::Left, "left"),
    (Code::Right, "right"),
    (Code::Home, "home"),
    (Code::End, "end"),
    (Code::PageUp, "pageup"),
    (Code::PageDown, "pagedown"),
    (Code::Char(' '), "space"),
];

impl Key {
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c), ctrl: true, alt: false, shift: false }
    }

    /// The character this key types into a line; `None` for keys that type nothing.
    #[must_use]
    pub fn types(&self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// As hints and help show it: `↓`, `^d`, `Tab`.
    #[must_use]
    pub fn label(&self) -> String {
        let name = match self.code {
            Code::Up => "↑".to_owned(),
            Code::Down => "↓".to_owned(),
            Code::Left => "←".to_owned(),
            Code::Right => "→".to_owned(),
            Code::PageUp => "PgUp".to_owned(),
            Code::PageDown => "PgDn".to_owned(),
            Code::Char(c) if c != ' ' => c.to_string(),
            code => {
                let name = Self::plain(code).to_string();
                let first = name.chars().next().map(|c| c.to_ascii_uppercase());
                first.into_iter().chain(name.chars().skip(1)).collect()
            }
        };
        let mut label = String::new();
        if self.ctrl {
            label.push('^');
        }
        if self.alt {
            label.push_str("Alt-");
        }
        if self.shift {
            label.push_str("S-");
        }
        label + &name
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (NAMES.iter().find(|(code, _)| *code == self.code), self.code) {
            (Some((_, name)), _) => f.write_str(name),
            (None, Code::Char(c)) => write!(f, "{c}"),
            (None, Code::F(number)) => write!(f, "f{number}"),
            (None, _) => unreachable!("every key that is neither a character nor F has a name"),
        }
    }
}

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let mut key = Self::plain(Code::Esc);
        let mut rest = text;
        // A single character is that key, `-` too; so a modifier needs something after it.
        while rest.chars().nth(1).is_some() {
            let held = [("ctrl-", &mut key.ctrl), ("alt-", &mut key.alt), ("shift-", &mut key.shift)];
            let Some((after, flag)) = held.into_iter().find_map(|(name, flag)| {
                let after = strip(rest, name)?;
                (!after.is_empty()).then_some((after, flag))
            }) else {
                break;
            };
            *flag = true;
            rest = after;
        }
        key.code = code(rest).ok_or_else(|| NotAKey(text.to_owned()))?;
        if let Code::Char(c) = key.code {
            if key.shift {
                key.code = Code::Char(c.to_uppercase().next().unwrap_or(c));
                key.shift = false;
            }
            // Terminals send ctrl with a letter without saying which case it had.
            if key.ctrl && c.is_ascii_uppercase() {
                key.code = Code::Char(c.to_ascii_lowercase());
            }
        }
        Ok(key)
    }
}

fn code(name: &str) -> Option<Code> {
    let mut letters = name.chars();
    if let (Some(only), None) = (letters.next(), letters.next()) {
        return (!only.is_control()).then_some(Code::Char(only));
    }
    let named = NAMES.iter().find(|(_, other)| other.eq_ignore_ascii_case(name)).map(|(code, _)| *code);
    named.or_else(|| {
        let number: u8 = strip(name, "f")?.parse().ok()?;
        (1..=24).contains(&number).then_some(Code::F(number))
    })
}

/// What follows a prefix, in any case of letters.
fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write `x`, `X`, `ctrl-x`, `alt-x`, `enter`, `esc`, `tab`, `shift-tab`, `up`, `f1` …")]
pub struct NotAKey(pub String);

/// Keys pressed one after another: one for most actions, two for `g g`. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord(Vec<Key>);

impl Chord {
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// Whether one of the two begins with the other, so that the longer could never be typed.
    #[must_use]
    pub fn hides(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0) || other.0.starts_with(&self.0)
    }

    /// As hints and help show it: `g g`, `^d`.
    #[must_use]
    pub fn label(&self) -> String {
        self.0.iter().map(Key::label).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            write!(f, "{}{key}", if index > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for Chord {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        if text == " " {
            return Ok(Self(vec![Key::char(' ')]));
        }
        let keys = text.split_whitespace().map(str::parse).collect::<Result<Vec<Key>, _>>()?;
        if keys.is_empty() { Err(NotAKey(text.to_owned())) } else { Ok(Self(keys)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_reads_what_it_wrote() {
        let all = ["j", "G", "g g", "ctrl-d", "alt-x", "shift-tab", "space", "-", "ctrl--", "?", "enter", "f12", "ä"];
        for text in all {
            let chord: Chord = text.parse().unwrap();
            assert_eq!(chord.to_string(), text);
        }
    }

    #[test]
    fn spellings_of_one_key_are_one_key() {
        assert_eq!("Shift-g".parse::<Key>(), Ok(Key::char('G')));
        assert_eq!("CTRL-D".parse::<Key>(), Ok(Key::ctrl('d')));
        assert_eq!("PageDown".parse::<Key>(), Ok(Key::plain(Code::PageDown)));
        assert_eq!(" ".parse::<Chord>(), "space".parse::<Chord>());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for wrong in ["", "  ", "ctrl-", "meta-x", "f0", "f25", "hyper", "g  oops", "\u{1b}"] {
            assert!(wrong.parse::<Chord>().is_err(), "{wrong:?}");
        }
    }
}
