//! A line being typed: the filter, and what narrows a list. It is edited with readline's keys.

use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation;

use super::wrap;
use crate::keymap::{Code, Key};

/// One line of text with a cursor in it.
#[derive(Debug, Clone, Default)]
pub struct Line {
    input: Input,
    /// Its text when it was opened.
    before: String,
}

/// At most so many bytes are taken: no one types more, and a paste is cut here.
const LONGEST: usize = 1000;

impl Line {
    /// Opens a line with a text in it, the cursor behind that.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { input: Input::from(text), before: text.to_owned() }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Its text when it was opened.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The terminal columns left of the cursor.
    #[must_use]
    pub fn column(&self) -> usize {
        wrap::width(&self.text()[..self.at()])
    }

    /// Puts a text between two places in bytes, and the cursor behind it.
    pub fn replace(&mut self, from: usize, to: usize, text: &str) {
        let (Some(start), Some(end)) = (self.text().get(..from), self.text().get(to..)) else { return };
        let (start, end) = (start.to_owned(), end.to_owned());
        if start.len() + text.len() + end.len() <= LONGEST {
            let at = start.chars().count() + text.chars().count();
            self.input = Input::new(start + text + &end).with_cursor(at);
        }
    }

    /// Deletes what stands left of the cursor.
    pub fn delete_to_start(&mut self) {
        self.input.handle(InputRequest::DeleteFromStart);
    }

    /// Edits by one key that is no action.
    pub fn press(&mut self, key: &Key) {
        if let Some(c) = key.types() {
            self.insert(c.encode_utf8(&mut [0; 4]));
        } else if let Some(request) = request(key) {
            // What was cut may be longer than what is left of the room.
            let before = self.input.clone();
            self.input.handle(request);
            if self.text().len() > LONGEST {
                self.input = before;
            }
        }
    }

    /// Inserts text at the cursor: line ends become spaces, control characters are dropped.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text().len());
        let mut fit = String::new();
        for c in text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !c.is_control()) {
            if fit.len() + c.len_utf8() > room {
                break;
            }
            fit.push(c);
        }
        for c in fit.chars() {
            self.input.handle(InputRequest::InsertChar(c));
        }
        // What was inserted may join what stands behind it: the cursor goes behind the whole.
        let (text, after) = (self.text(), self.at());
        let at = text.grapheme_indices(true).map(|(at, _)| at).find(|at| *at >= after).unwrap_or(text.len());
        let at = text[..at].chars().count();
        self.input.handle(InputRequest::SetCursor(at));
    }

    /// Where the cursor is, in bytes.
    #[must_use]
    pub fn at(&self) -> usize {
        let text = self.text();
        text.char_indices().nth(self.input.cursor()).map_or(text.len(), |(at, _)| at)
    }
}

/// What a key does in readline, where it has not been given an action of ours.
fn request(key: &Key) -> Option<InputRequest> {
    Some(match (key.code, key.ctrl, key.alt) {
        (Code::Backspace, false, false) | (Code::Char('h'), true, false) => InputRequest::DeletePrevChar,
        (Code::Delete, false, false) | (Code::Char('d'), true, false) => InputRequest::DeleteNextChar,
        (Code::Left, false, false) | (Code::Char('b'), true, false) => InputRequest::GoToPrevChar,
        (Code::Right, false, false) | (Code::Char('f'), true, false) => InputRequest::GoToNextChar,
        (Code::Home, ..) | (Code::Char('a'), true, false) => InputRequest::GoToStart,
        (Code::End, ..) | (Code::Char('e'), true, false) => InputRequest::GoToEnd,
        (Code::Left, ..) | (Code::Char('b'), false, true) => InputRequest::GoToPrevWord,
        (Code::Right, ..) | (Code::Char('f'), false, true) => InputRequest::GoToNextWord,
        (Code::Backspace, ..) | (Code::Char('w'), true, false) => InputRequest::DeletePrevWord,
        (Code::Delete, ..) | (Code::Char('d'), false, true) => InputRequest::DeleteNextWord,
        (Code::Char('u'), true, false) => InputRequest::DeleteFromStart,
        (Code::Char('k'), true, false) => InputRequest::DeleteTillEnd,
        (Code::Char('y'), true, false) => InputRequest::Yank,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut Line, keys: &str) {
        for key in keys.split_whitespace() {
            line.press(&key.parse().unwrap());
        }
    }

    /// The text left of the cursor, `|`, and the text right of it.
    fn after(text: &str, keys: &str) -> String {
        let mut line = Line::new(text);
        press(&mut line, keys);
        let (left, right) = line.text().split_at(line.at());
        format!("{left}|{right}")
    }

    #[test]
    fn keys_edit_by_whole_graphemes() {
        assert_eq!(after("añ👨‍👩‍👧b", "left backspace"), "añ|b");
        assert_eq!(after("añb", "x left left delete"), "añ|x");
        assert_eq!(after("axb", "home y end z"), "yaxbz|");
        assert_eq!(Line::new("añ👨‍👩‍👧b").before(), "añ👨‍👩‍👧b");
    }

    #[test]
    fn a_combining_character_joins_what_stands_before_the_cursor() {
        let mut line = Line::new("an");
        line.insert("\u{303}");
        line.insert("b");
        assert_eq!((line.text(), line.column()), ("an\u{303}b", 3));
        press(&mut line, "backspace backspace");
        assert_eq!(line.text(), "a");
    }

    #[test]
    fn readlines_keys_move_and_delete_by_words_and_to_the_ends() {
        let words = "book the ryokan";
        assert_eq!(after(words, "ctrl-a"), "|book the ryokan");
        assert_eq!(after(words, "ctrl-a ctrl-f ctrl-e ctrl-b"), "book the ryoka|n");
        assert_eq!(after(words, "alt-b"), "book the |ryokan");
        assert_eq!(after(words, "ctrl-left ctrl-left"), "book |the ryokan");
        assert_eq!(after(words, "home alt-f"), "book |the ryokan");
        assert_eq!(after(words, "home ctrl-right ctrl-right"), "book the |ryokan");
        assert_eq!(after(words, "ctrl-w"), "book the |");
        assert_eq!(after(words, "alt-b ctrl-u"), "|ryokan");
        assert_eq!(after(words, "alt-b alt-b ctrl-k"), "book |");
        assert_eq!(after(words, "home alt-d"), "|the ryokan");
        assert_eq!(after(words, "ctrl-h ctrl-a ctrl-d"), "|ook the ryoka");
        assert_eq!(after(words, "ctrl-w ctrl-a ctrl-y"), "ryokan|book the ");
        assert_eq!(after(words, "ctrl-t alt-x f5"), "book the ryokan|", "other keys do nothing");
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
        press(&mut line, "ctrl-w ctrl-y ctrl-y");
        assert_eq!(line.text().len(), LONGEST, "what was cut does not come twice where there is no room");
    }
}
