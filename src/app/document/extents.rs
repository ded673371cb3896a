//! Large JSON, taken apart where it is indented: each extent is some whole lines of it, written by itself.

use std::ops::Range;

use super::json::{self, DEEPEST, Room};
use super::large::{Part, Taken, step};
use super::long::{self, AT_ONCE};
use crate::app::styled::Styled;
use crate::model::Value;
use crate::slots::Slot;

/// Some of the lines of a value: those of the part that a path leads to, by places in arrays and maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonExtent {
    path: Vec<usize>,
    lines: Lines,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lines {
    /// The one with the opening bracket.
    Open,
    /// Those of some items.
    Items(Range<usize>),
    /// Bytes of a long text, in a line of their own.
    Text(Range<usize>),
    /// The one with the closing bracket.
    Close,
}

/// The extents of a value, in order, each with about how many lines it takes.
pub fn of(value: &Value) -> Vec<(JsonExtent, usize)> {
    let mut extents = Vec::new();
    take_apart(value, &mut Vec::new(), &mut extents);
    extents
}

fn take_apart(value: &Value, path: &mut Vec<usize>, into: &mut Vec<(JsonExtent, usize)>) {
    let mut add = |path: &[usize], lines, about| into.push((JsonExtent { path: path.to_vec(), lines }, about));
    if let Value::String(text) = value {
        for stretch in long::stretches(text) {
            let about = stretch.len() / 64 + 1;
            add(path, Lines::Text(stretch), about);
        }
        return;
    }
    add(path, Lines::Open, 1);
    let (mut first, mut weight, mut nth) = (0, 0, 0);
    while let Some((_, item)) = child(value, nth) {
        let mut room = AT_ONCE;
        let light = item.weighs(&mut room);
        let own = AT_ONCE - room;
        let apart = !light && path.len() + 1 < DEEPEST;
        if (apart || weight + own > AT_ONCE) && first < nth {
            into.push((JsonExtent { path: path.clone(), lines: Lines::Items(first..nth) }, nth - first + weight / 16));
            (first, weight) = (nth, 0);
        }
        weight += own;
        if apart {
            path.push(nth);
            take_apart(item, path, into);
            path.pop();
            (first, weight) = (nth + 1, 0);
        }
        nth += 1;
    }
    if first < nth {
        into.push((JsonExtent { path: path.clone(), lines: Lines::Items(first..nth) }, nth - first + weight / 16));
    }
    into.push((JsonExtent { path: path.clone(), lines: Lines::Close }, 1));
}

impl Taken for JsonExtent {
    type Whole = Value;

    fn place(&self) -> &[usize] {
        &self.path
    }

    fn part(&self) -> Part {
        match &self.lines {
            Lines::Open => Part::Opens,
            Lines::Items(range) => Part::Items(range.start),
            Lines::Text(_) => Part::Text,
            Lines::Close => Part::Closes,
        }
    }

    fn lines(&self, whole: &Value, room: Room) -> Vec<Vec<Styled>> {
        lines(whole, self, room)
    }

    fn closing(&self) -> Self {
        Self { path: self.path.clone(), lines: Lines::Close }
    }

    fn steps(&self, whole: &Value) -> Vec<String> {
        let (mut steps, mut part) = (Vec::new(), whole);
        for nth in &self.path {
            let Some((name, item)) = child(part, *nth) else { break };
            steps.push(step(name, *nth));
            part = item;
        }
        steps
    }

    fn step(&self, whole: &Value, nth: usize) -> String {
        let part = self.path.iter().try_fold(whole, |part, nth| Some(child(part, *nth)?.1));
        step(part.and_then(|part| child(part, nth)?.0), nth)
    }
}

/// The lines of one extent of a value.
fn lines(value: &Value, extent: &JsonExtent, room: Room) -> Vec<Vec<Styled>> {
    let (mut name, mut part, mut more) = (None, value, false);
    for nth in &extent.path {
        more = child(part, nth + 1).is_some();
        let Some((its_name, item)) = child(part, *nth) else { return Vec::new() };
        (name, part) = (its_name, item);
    }
    let indent = extent.path.len() * 2;
    let brackets = if matches!(part, Value::Array(_)) { ["[", "]"] } else { ["{", "}"] };
    let mut lines = Vec::new();
    match &extent.lines {
        Lines::Open => {
            json::newline(&mut lines, indent);
            json::name(&mut lines, name);
            json::append(&mut lines, brackets[0], Slot::JsonPunctuation);
        }
        Lines::Items(range) => {
            let items: Vec<_> = range.clone().filter_map(|nth| child(part, nth)).collect();
            json::items(&mut lines, &items, extent.path.len(), room, child(part, range.end).is_some());
        }
        Lines::Text(range) => {
            let text = part.as_str().unwrap_or_default();
            let quoted = json::quoted(text.get(range.clone()).unwrap_or_default());
            let (first, last) = (range.start == 0, range.end == text.len());
            json::newline(&mut lines, indent);
            json::name(&mut lines, name.filter(|_| first));
            let quoted = if first { &quoted } else { &quoted[1..] };
            let quoted = if last { quoted } else { &quoted[..quoted.len() - 1] };
            json::append(&mut lines, quoted, Slot::JsonString);
            if last && more {
                json::append(&mut lines, ",", Slot::JsonPunctuation);
            }
        }
        Lines::Close => {
            json::newline(&mut lines, indent);
            json::append(&mut lines, brackets[1], Slot::JsonPunctuation);
            if more {
                json::append(&mut lines, ",", Slot::JsonPunctuation);
            }
        }
    }
    lines
}

/// An item of an array, or an entry of a map.
fn child(value: &Value, nth: usize) -> Option<(Option<&str>, &Value)> {
    match value {
        Value::Array(items) => Some((None, items.get(nth)?)),
        Value::Map(entries) => entries.get(nth).map(|(name, value)| (Some(name.as_str()), value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::parse;

    fn texts(lines: Vec<Vec<Styled>>) -> Vec<String> {
        lines.into_iter().map(|line| line.into_iter().map(|styled| styled.text).collect()).collect()
    }

    #[test]
    fn the_extents_of_large_json_are_its_lines() {
        let row = |n: usize| format!(r#"{{"id":{n},"name":"row {n}","tags":["a","b"],"note":null}}"#);
        let rows = (0..3000).map(row).collect::<Vec<_>>().join(",");
        let nested = format!(r#"{{"rows":[{rows}],"more":{{"again":[{rows}]}},"end":[1,2]}}"#);
        for text in [format!("[{rows}]"), nested] {
            let value = parse(&text).unwrap();
            let extents = of(&value);
            assert!(extents.len() > 5);
            let apart: Vec<_> = extents.iter().flat_map(|(extent, _)| lines(&value, extent, 60.into())).collect();
            assert_eq!(texts(apart), texts(json::lines(&value, 60)));
        }
    }

    #[test]
    fn a_long_text_in_json_is_taken_apart_too() {
        let long = "words \\\"and\\\" marks, ".repeat(16_000);
        let value = parse(&format!(r#"{{"text":"{long}","n":1}}"#)).unwrap();
        let extents = of(&value);
        let apart: Vec<_> = extents.iter().flat_map(|(extent, _)| lines(&value, extent, 60.into())).collect();
        assert!(apart.len() > 6);
        let joined = |lines: Vec<Vec<Styled>>| {
            texts(lines).iter().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<String>()
        };
        assert_eq!(joined(apart), joined(json::lines(&value, 60)));
    }
}
