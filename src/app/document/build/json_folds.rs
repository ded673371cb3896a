//! Indented JSON whose arrays and maps open and close.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::Builder;
use crate::app::{styled::Styled, wrap};
use crate::slots::Slot;

impl Builder<'_> {
    /// Lines of indented JSON. What opens in one and closes in a later one is a fold, open at first.
    pub fn json_lines(&mut self, indent: usize, lines: Vec<Vec<Styled>>) {
        if self.is_partial() || lines.len() < 2 {
            return self.styled_lines(indent, lines);
        }
        let ends = ends(&lines);
        let name = self.name_of(&lines);
        let mut rest = lines.into_iter().enumerate();
        while let Some((at, line)) = rest.next() {
            let Some(end) = ends[at].filter(|_| indent + wrap::styled_width(&line) + CLOSED <= self.width) else {
                self.styled_lines(indent, vec![line]);
                continue;
            };
            let fold = format!("{name} {at}");
            let mut texts = line;
            if indent > 0 {
                texts.insert(0, Styled::new(" ".repeat(indent), Slot::Text));
            }
            if self.is_open(&fold, true) {
                self.fold_line(fold, true, texts);
                continue;
            }
            // What is closed is one line, with the bracket and the comma that end it.
            let last = rest.nth(end - at - 1).map(|(_, line)| line).unwrap_or_default();
            texts.push(Styled::new(" … ", Slot::Dim));
            texts.extend(last.into_iter().filter(|styled| !styled.text.trim().is_empty()));
            self.fold_line(fold, true, texts);
        }
    }

    /// A name for the folds of some JSON, which no other JSON at another place has.
    fn name_of(&self, lines: &[Vec<Styled>]) -> String {
        let mut hasher = DefaultHasher::new();
        for styled in lines.iter().flatten() {
            styled.text.hash(&mut hasher);
        }
        format!("json {} {:x}", self.place(), hasher.finish())
    }
}

/// Columns that a closed fold takes beside what opens it: ` … },`.
const CLOSED: usize = 6;

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
