//! The lines that were taken before: of the filter, of what is looked for, of the palette. They are gone through with
//! `up` and `down`, and kept from one start to the next.

use std::collections::BTreeMap;

/// So many lines of a kind are remembered.
pub const MOST: usize = 100;

/// Which line is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineOf {
    Filter,
    /// What is looked for in the detail.
    Find,
    Palette,
}

impl LineOf {
    /// As the file of lines names it.
    fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Find => "find",
            Self::Palette => "palette",
        }
    }
}

/// Lines by the name of what they were typed for, the newest first.
pub type Lines = BTreeMap<String, Vec<String>>;

/// What was taken before, and where one is in it.
#[derive(Debug, Default)]
pub struct History {
    lines: Lines,
    /// What was taken since the start, the newest first.
    new: Lines,
    walk: Option<Walk>,
}

/// Somebody goes through the lines.
#[derive(Debug)]
struct Walk {
    of: LineOf,
    /// Which of the lines is shown.
    at: usize,
    /// What stood there before.
    typed: String,
    /// Only lines that begin so are shown.
    begins: String,
}

impl History {
    #[must_use]
    pub fn new(lines: Lines) -> Self {
        Self { lines, ..Self::default() }
    }

    /// The lines of a kind, the newest first.
    #[must_use]
    pub fn of(&self, of: LineOf) -> &[String] {
        self.lines.get(of.name()).map_or(&[], Vec::as_slice)
    }

    /// Remembers a line that was taken.
    pub fn remember(&mut self, of: LineOf, text: &str) {
        self.walk = None;
        let text = text.trim();
        if !text.is_empty() {
            for lines in [&mut self.lines, &mut self.new] {
                put(lines.entry(of.name().to_owned()).or_default(), text);
            }
        }
    }

    /// What was taken since the start.
    #[must_use]
    pub fn news(&self) -> &Lines {
        &self.new
    }

    /// Whether a line shows one of before, as it was.
    #[must_use]
    pub fn walks(&self, of: LineOf, text: &str) -> bool {
        let walk = self.walk.as_ref().filter(|walk| walk.of == of);
        walk.and_then(|walk| self.of(of).get(walk.at)).is_some_and(|line| line == text)
    }

    /// The line before the one that is shown; `None`: there is none. `begins`: only lines that begin so, where somebody
    /// typed that.
    pub fn older(&mut self, of: LineOf, text: &str, begins: &str) -> Option<String> {
        let is_shown = self.walks(of, text);
        let walk = self.walk.take().filter(|_| is_shown);
        let from = walk.as_ref().map_or(0, |walk| walk.at + 1);
        let (typed, begins) = match &walk {
            Some(walk) => (walk.typed.clone(), walk.begins.clone()),
            None => (text.to_owned(), begins.to_owned()),
        };
        let found = |(_, line): &(usize, &String)| line.starts_with(&begins) && *line != text;
        let found = self.of(of).iter().enumerate().skip(from).find(found).map(|(at, line)| (at, line.clone()));
        let Some((at, line)) = found else {
            // The oldest stays.
            self.walk = walk;
            return None;
        };
        self.walk = Some(Walk { of, at, typed, begins });
        Some(line)
    }

    /// The line after the one that is shown, at last what was typed; `None` where none of before is shown.
    pub fn newer(&mut self, of: LineOf, text: &str) -> Option<String> {
        if !self.walks(of, text) {
            return None;
        }
        let Walk { at, typed, begins, .. } = self.walk.take()?;
        let found = self.of(of)[..at].iter().rposition(|line| line.starts_with(&begins) && *line != typed);
        let Some(at) = found else { return Some(typed) };
        let line = self.of(of)[at].clone();
        self.walk = Some(Walk { of, at, typed, begins });
        Some(line)
    }
}

/// Puts a line in front of others, where it stands once.
pub fn put(lines: &mut Vec<String>, text: &str) {
    lines.retain(|line| line != text);
    lines.insert(0, text.to_owned());
    lines.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_begin_with_what_is_typed_are_gone_through_and_back() {
        let mut history = History::default();
        for line in ["cost>1", "is:failed", "cost>2", "is:failed"] {
            history.remember(LineOf::Filter, line);
        }
        history.remember(LineOf::Find, "ryokan");
        assert_eq!(history.of(LineOf::Filter), ["is:failed", "cost>2", "cost>1"]);
        let mut text = "cost".to_owned();
        let mut shown = Vec::new();
        while let Some(line) = history.older(LineOf::Filter, &text, "cost") {
            shown.push(line.clone());
            text = line;
        }
        assert_eq!(shown, ["cost>2", "cost>1"]);
        assert!(history.walks(LineOf::Filter, "cost>1") && !history.walks(LineOf::Filter, "cost>10"));
        assert_eq!(history.newer(LineOf::Filter, "cost>1").as_deref(), Some("cost>2"));
        assert_eq!(history.newer(LineOf::Filter, "cost>2").as_deref(), Some("cost"), "what was typed comes last");
        assert_eq!(history.newer(LineOf::Filter, "cost"), None);
        assert_eq!(history.older(LineOf::Find, "", "").as_deref(), Some("ryokan"));
        assert_eq!(history.older(LineOf::Palette, "", ""), None);
        // The line opens with the filter in force, which nobody typed.
        assert_eq!(history.older(LineOf::Filter, "tool:x", "").as_deref(), Some("is:failed"));
        assert_eq!(history.newer(LineOf::Filter, "is:failed").as_deref(), Some("tool:x"));
    }

    #[test]
    fn only_so_many_lines_are_remembered() {
        let mut history = History::default();
        for number in 0..2 * MOST {
            history.remember(LineOf::Palette, &number.to_string());
        }
        assert_eq!(history.of(LineOf::Palette).len(), MOST);
        assert_eq!(history.of(LineOf::Palette).first().map(String::as_str), Some("199"));
    }
}
