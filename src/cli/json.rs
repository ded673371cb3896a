//! JSON that may be printed on a terminal.
//!
//! JSON itself requires only control characters below U+0020 to be escaped. A terminal also obeys U+0080 to U+009F, and
//! shows text in another order after a bidirectional control: a sender could make it show what is not there.

use std::io::{self, Write};

use serde_json::Value as Json;

/// Writes JSON on, with every character that a terminal obeys as `\uXXXX`, which is the same JSON.
pub struct Printable<W> {
    out: W,
    /// The first bytes of a character whose last ones were not written yet.
    held: Vec<u8>,
}

impl<W: Write> Printable<W> {
    pub fn new(out: W) -> Self {
        Self { out, held: Vec::new() }
    }
}

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let joined;
        let mut rest = if self.held.is_empty() {
            bytes
        } else {
            joined = [&self.held, bytes].concat();
            self.held.clear();
            &joined
        };
        while let Some(start) = rest.iter().position(|byte| matches!(byte, 0x7f | 0xc2 | 0xe2)) {
            let (plain, from) = rest.split_at(start);
            self.out.write_all(plain)?;
            let length = match from {
                [0x7f, ..] => 1,
                [0xc2, ..] => 2,
                _ => 3,
            };
            let Some((character, after)) = from.split_at_checked(length) else {
                self.held.extend_from_slice(from);
                return Ok(bytes.len());
            };
            match obeyed(character) {
                Some(code) => write!(self.out, "\\u{code:04x}")?,
                None => self.out.write_all(character)?,
            }
            rest = after;
        }
        self.out.write_all(rest)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Prints rows as one JSON array.
pub fn print(rows: impl Iterator<Item = Json>, out: &mut dyn Write) -> io::Result<()> {
    print_value(&Json::Array(rows.collect()), out)
}

/// Prints one JSON value.
pub fn print_value(value: &Json, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(Printable::new(&mut *out), value)?;
    writeln!(out)
}

/// The number of a character that a terminal obeys; `None` for any other.
fn obeyed(character: &[u8]) -> Option<u32> {
    let character = std::str::from_utf8(character).ok()?.chars().next()?;
    let is_obeyed = character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_obeyed.then_some(u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_means_the_same() {
        let evil = "é\u{a0}…\u{2069}a\u{9b}31m\u{202e}b\u{85}c\u{7f}d\u{2066}\u{1b}“";
        let json = serde_json::to_string(evil).unwrap();
        for piece in [1, 2, 3, 1000] {
            let mut out = Printable::new(Vec::new());
            json.as_bytes().chunks(piece).for_each(|piece| out.write_all(piece).unwrap());
            let printed = String::from_utf8(out.out).unwrap();
            assert!(!printed.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{printed}");
            assert!(printed.contains("é\u{a0}…\\u2069a\\u009b31m") && printed.contains('“'), "{printed}");
            assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), evil);
        }
    }
}
