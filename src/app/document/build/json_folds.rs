//! Indented JSON whose arrays and maps open and close.

use super::Builder;
use crate::app::document::hash;
use crate::app::{styled::Styled, wrap};
use crate::slots::Slot;

/// What lines of JSON are lines of. Numbers stand for values: by them their folds are named, whatever the width is.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// One value.
    Value(u64),
    /// Items of an array or a map, from one of them on.
    Items(u64, usize),
}

/// The number of an item of an array or a map.
pub fn item_of(parent: u64, nth: usize) -> u64 {
    hash::of((parent, nth))
}

/// What the fold of a value is called.
pub fn name_of(value: u64) -> String {
    format!("json {value:x}")
}

impl Builder<'_> {
    /// The number of the value that is written next: the same for the same value of a block each time it is written.
    pub fn next_json(&mut self) -> u64 {
        let (block, fold, count) = &mut self.within;
        *count += 1;
        hash::of(("json", *block, &*fold, *count))
    }

    /// Lines of indented JSON. What opens in one and closes in a later one is a fold, open at first.
    pub fn json_lines(&mut self, indent: usize, lines: Vec<Vec<Styled>>, of: Of) {
        if self.passes_over() {
            return;
        }
        if lines.len() < 2 {
            return self.styled_lines(indent, lines);
        }
        let ends = ends(&lines);
        let mut values = Values::of(of);
        let mut rest = lines.into_iter().enumerate();
        while let Some((at, line)) = rest.next() {
            let value = values.next(&line);
            let Some(end) = ends[at] else {
                self.styled_lines(indent, vec![line]);
                continue;
            };
            if self.is_open(&name_of(value), true) {
                self.opening(indent, line, value);
                continue;
            }
            // What is closed is one line, with the bracket and the comma that end it.
            let last = rest.nth(end - at - 1).map(|(_, line)| line).unwrap_or_default();
            values.leave();
            self.closed_json(indent, line, last, value);
        }
    }

    /// The line of a bracket that opens what stands in the lines beneath it.
    pub fn opening(&mut self, indent: usize, line: Vec<Styled>, value: u64) {
        if indent + wrap::styled_width(&line) + CLOSED > self.width {
            // Cut to the width it would not be all there.
            return self.styled_lines(indent, vec![line]);
        }
        let line = indented(indent, line);
        self.fold_line(name_of(value), true, line);
    }

    /// `"near": { … },`: an array or a map that is closed. `last`: its last line.
    pub fn closed_json(&mut self, indent: usize, line: Vec<Styled>, last: Vec<Styled>, value: u64) {
        let mut texts = indented(indent, line);
        texts.push(Styled::new(" … ", Slot::Dim));
        texts.extend(last.into_iter().filter(|styled| !styled.text.trim().is_empty()));
        self.fold_line(name_of(value), true, texts);
    }
}

fn indented(indent: usize, mut line: Vec<Styled>) -> Vec<Styled> {
    if indent > 0 {
        line.insert(0, Styled::new(" ".repeat(indent), Slot::Text));
    }
    line
}

/// Columns that a closed fold takes beside what opens it: ` … },`.
const CLOSED: usize = 6;

/// Numbers the values that lines begin with: each item of an array or a map has a line of its own.
struct Values {
    of: Of,
    /// What is open around a line: its number, and how many of its items were seen.
    open: Vec<(u64, usize)>,
}

impl Values {
    fn of(of: Of) -> Self {
        let open = match of {
            Of::Value(_) => Vec::new(),
            Of::Items(parent, first) => vec![(parent, first)],
        };
        Self { of, open }
    }

    /// The number of the value that begins in a line; of a line that only closes something nobody asks.
    fn next(&mut self, line: &[Styled]) -> u64 {
        if closes(line) {
            self.leave();
            return 0;
        }
        let value = match (self.open.last_mut(), self.of) {
            (Some((parent, count)), _) => {
                *count += 1;
                item_of(*parent, *count - 1)
            }
            (None, Of::Value(value) | Of::Items(value, _)) => value,
        };
        if opens(line) {
            self.open.push((value, 0));
        }
        value
    }

    /// The innermost array or map is over.
    fn leave(&mut self) {
        self.open.pop();
    }
}

/// For each line that opens an array or a map the line that closes it.
fn ends(lines: &[Vec<Styled>]) -> Vec<Option<usize>> {
    let mut ends = vec![None; lines.len()];
    let mut open = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if closes(line)
            && let Some(from) = open.pop()
        {
            ends[from] = Some(at);
        }
        if opens(line) {
            open.push(at);
        }
    }
    ends
}

/// Whether something opens at the end of a line.
pub fn opens(line: &[Styled]) -> bool {
    line.last().is_some_and(|last| last.slot == Slot::JsonPunctuation && last.text.ends_with(['{', '[']))
}

/// Whether a line begins with what closes something.
pub fn closes(line: &[Styled]) -> bool {
    let first = line.iter().find(|styled| !styled.text.trim().is_empty());
    first.is_some_and(|first| first.slot == Slot::JsonPunctuation && first.text.trim_start().starts_with(['}', ']']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::document::json, model::json::parse};

    #[test]
    fn each_bracket_that_opens_a_line_finds_the_one_that_closes_it() {
        let value = parse(
            r#"{"a":{"text":"not { a bracket ["},"b":[{"c":"long enough to stand alone"},{"d":"and so is this one"}]}"#,
        );
        let lines = json::lines(&value.unwrap(), 30);
        let text = |line: &Vec<Styled>| line.iter().map(|styled| styled.text.as_str()).collect::<String>();
        for (at, end) in ends(&lines).into_iter().enumerate() {
            let (first, last) = (text(&lines[at]), end.map(|end| text(&lines[end])));
            match first.chars().last() {
                Some('{') => assert_eq!(last.unwrap().trim().chars().next(), Some('}'), "{first}"),
                Some('[') => assert_eq!(last.unwrap().trim().chars().next(), Some(']'), "{first}"),
                _ => assert_eq!(last, None, "{first}"),
            }
        }
    }
}
