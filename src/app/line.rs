//! A line being typed: the filter, and what narrows a list.

use unicode_segmentation::UnicodeSegmentation;

use super::wrap;
use crate::keymap::{Code, Key};

/// One line of text with a cursor in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// Where the next character goes, in bytes; always between two graphemes.
    at: usize,
    /// What it said when it was opened.
    before: String,
}

/// No one types more; a paste is cut here.
const LONGEST: usize = 1000;

impl Line {
    /// Opens a line that says `text`, the cursor behind it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), at: text.len(), before: text.to_owned() }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it said when it was opened.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The terminal columns left of the cursor.
    #[must_use]
    pub fn column(&self) -> usize {
        wrap::width(&self.text[..self.at])
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.at = 0;
    }

    /// Edits by one key that is no action; true where the text is another now.
    pub fn press(&mut self, key: &Key) -> bool {
        let before = self.text.len();
        match (key.types(), key.code) {
            (Some(c), _) => self.insert(&c.to_string()),
            (None, Code::Backspace) => {
                let from = self.left();
                self.text.replace_range(from..self.at, "");
                self.at = from;
            }
            (None, Code::Delete) => self.text.replace_range(self.at..self.right(), ""),
            (None, Code::Left) => self.at = self.left(),
            (None, Code::Right) => self.at = self.right(),
            (None, Code::Home) => self.at = 0,
            (None, Code::End) => self.at = self.text.len(),
            _ => {}
        }
        self.text.len() != before
    }

    /// Inserts text at the cursor: line ends become spaces, control characters are dropped.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.len());
        let mut fit = String::new();
        for c in text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()) {
            if fit.len() + c.len_utf8() > room {
                break;
            }
            fit.push(c);
        }
        self.text.insert_str(self.at, &fit);
        self.at += fit.len();
        // A combining character joins what stands before it: the cursor goes behind the whole.
        self.at =
            self.text.grapheme_indices(true).map(|(at, _)| at).find(|at| *at >= self.at).unwrap_or(self.text.len());
    }

    fn left(&self) -> usize {
        self.text[..self.at].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        self.at + self.text[self.at..].graphemes(true).next().map_or(0, str::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut Line, keys: &str) {
        for key in keys.split_whitespace() {
            line.press(&key.parse().unwrap());
        }
    }

    #[test]
    fn keys_edit_by_whole_graphemes() {
        let mut line = Line::new("añ👨‍👩‍👧b");
        press(&mut line, "left backspace");
        assert_eq!(line.text(), "añb");
        press(&mut line, "x left left delete");
        assert_eq!(line.text(), "axb");
        press(&mut line, "home y end z");
        assert_eq!(line.text(), "yaxbz");
        assert_eq!(line.before(), "añ👨‍👩‍👧b");
    }

    #[test]
    fn a_paste_is_one_line_without_control_characters() {
        let mut line = Line::new("");
        line.insert("book\r\nroom\u{1b}[2J\u{7}");
        assert_eq!(line.text(), "book  room[2J");
        line.insert(&"x".repeat(5000));
        assert_eq!(line.text().len(), LONGEST);
        line.insert("ü");
        assert_eq!(line.column(), LONGEST);
    }
}
