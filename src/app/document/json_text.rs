//! Large JSON that is still text, taken apart by its brackets: only what is looked at is parsed.

use std::{ops::Range, sync::Arc};

use super::json::{self, DEEPEST, Room};
use super::large::{Part, Taken, step};
use super::long::AT_ONCE;
use crate::app::styled::Styled;
use crate::model::{Value, json::parse};
use crate::slots::Slot;

/// Some of the lines of a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextExtent {
    lines: Lines,
    /// The array or map that it is of, by places in those around it, and where their names stand.
    at: Arc<Way>,
    /// Whether something follows it in the array or map that it is in.
    more: bool,
}

/// The way to an array or a map: places in those around it, and where its name stands in each that is a map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Way {
    places: Vec<usize>,
    names: Vec<Option<Range<usize>>>,
}

/// Ranges are bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lines {
    /// The one with the opening bracket, and the name in front of it.
    Open {
        name: Option<Range<usize>>,
        is_map: bool,
    },
    /// Those of some items, or of some entries of a map, from one of them on.
    Items {
        items: Range<usize>,
        first: usize,
        are_entries: bool,
    },
    Close {
        is_map: bool,
    },
}

/// The extents of a text, in order, each with about how many lines it takes; `None` where it is no JSON array or map.
pub fn extents(text: &str) -> Option<Vec<(TextExtent, usize)>> {
    let start = text.len() - text.trim_start().len();
    let whole = start..start + text.trim().len();
    let mut extents = Vec::new();
    take_apart(text, None, whole, Way::default(), false, &mut extents)?;
    // The brackets may be right by chance.
    let items = extents.iter().find(|(extent, _)| matches!(extent.lines, Lines::Items { .. }));
    items.is_none_or(|(extent, _)| parsed(text, &extent.lines).is_some()).then_some(extents)
}

fn take_apart(
    text: &str,
    name: Option<Range<usize>>,
    value: Range<usize>,
    way: Way,
    more: bool,
    into: &mut Vec<(TextExtent, usize)>,
) -> Option<()> {
    let inside = value.start + 1..value.end.checked_sub(1)?;
    let is_map = match (text.as_bytes().get(value.start)?, text.as_bytes().get(inside.end)?) {
        (b'[', b']') => false,
        (b'{', b'}') => true,
        _ => return None,
    };
    let items = items(text, inside)?;
    let (depth, at) = (way.places.len(), Arc::new(way));
    let extent = |lines, more| TextExtent { lines, at: at.clone(), more };
    into.push((extent(Lines::Open { name, is_map }, more), 1));
    // Bytes of some items, the first one, and how many they are.
    let mut group: Option<(Range<usize>, usize, usize)> = None;
    let put = |group: &mut Option<(Range<usize>, usize, usize)>, more, into: &mut Vec<(TextExtent, usize)>| {
        if let Some((items, first, count)) = group.take() {
            let lines = count + items.len() / 24;
            into.push((extent(Lines::Items { items, first, are_entries: is_map }, more), lines));
        }
    };
    for (nth, item) in items.iter().enumerate() {
        let more = nth + 1 < items.len();
        if group.as_ref().is_some_and(|(range, ..)| range.len() + item.len() > AT_ONCE) {
            put(&mut group, true, into);
        }
        if item.len() > AT_ONCE && depth + 1 < DEEPEST {
            let (name, value) = if is_map { entry(text, item)? } else { (None, item.clone()) };
            if text[value.clone()].starts_with(['[', '{']) {
                let mut way = (*at).clone();
                way.places.push(nth);
                way.names.push(name.clone());
                take_apart(text, name, value, way, more, into)?;
                continue;
            }
        }
        let (range, _, count) = group.get_or_insert((item.clone(), nth, 0));
        (range.end, *count) = (item.end, *count + 1);
    }
    put(&mut group, false, into);
    into.push((extent(Lines::Close { is_map }, more), 1));
    Some(())
}

/// The name that stands in some bytes of the text, in quotes.
fn read_name(text: &str, name: Option<&Range<usize>>) -> Option<String> {
    let name = parse(&text[name?.clone()]).ok()?;
    name.as_str().map(str::to_owned)
}

impl Taken for TextExtent {
    type Whole = str;

    fn place(&self) -> &[usize] {
        &self.at.places
    }

    fn part(&self) -> Part {
        match &self.lines {
            Lines::Open { .. } => Part::Opens,
            Lines::Items { first, .. } => Part::Items(*first),
            Lines::Close { .. } => Part::Closes,
        }
    }

    fn lines(&self, whole: &str, room: Room) -> Vec<Vec<Styled>> {
        lines(whole, self, room)
    }

    fn closing(&self) -> Self {
        let is_map = match self.lines {
            Lines::Open { is_map, .. } | Lines::Close { is_map } => is_map,
            Lines::Items { are_entries, .. } => are_entries,
        };
        Self { lines: Lines::Close { is_map }, ..self.clone() }
    }

    fn steps(&self, whole: &str) -> Vec<String> {
        let way = self.at.names.iter().zip(&self.at.places);
        way.map(|(name, nth)| step(read_name(whole, name.as_ref()).as_deref(), *nth)).collect()
    }

    fn step(&self, whole: &str, nth: usize) -> String {
        let name = match &self.lines {
            Lines::Items { items, are_entries: true, .. } => entry(whole, items).and_then(|(name, _)| name),
            _ => None,
        };
        step(read_name(whole, name.as_ref()).as_deref(), nth)
    }
}

/// The items between two brackets, without the white space around them; `None` where brackets or quotes do not match.
fn items(text: &str, inside: Range<usize>) -> Option<Vec<Range<usize>>> {
    let trimmed = |range: Range<usize>| {
        let item = &text[range.clone()];
        let start = range.start + item.len() - item.trim_start().len();
        start..start + item.trim().len()
    };
    let (mut items, mut from, mut depth) = (Vec::new(), inside.start, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.as_bytes()[inside.clone()].iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                items.push(trimmed(from..inside.start + at));
                from = inside.start + at + 1;
            }
            _ => {}
        }
    }
    let last = trimmed(from..inside.end);
    if !(items.is_empty() && last.is_empty()) {
        items.push(last);
    }
    (depth == 0 && !quoted && items.iter().all(|item| !item.is_empty())).then_some(items)
}

/// The name and the value of a map's entry.
fn entry(text: &str, entry: &Range<usize>) -> Option<(Option<Range<usize>>, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut at = entry.start + 1;
    while at < entry.end && bytes[at] != b'"' {
        at += 1 + usize::from(bytes[at] == b'\\');
    }
    let name = entry.start..at + 1;
    let rest = text.get(name.end..entry.end)?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    Some((Some(name), entry.end - value.len()..entry.end))
}

/// The items of an extent; `None` where they are no JSON.
fn parsed(text: &str, lines: &Lines) -> Option<Value> {
    let Lines::Items { items, are_entries, .. } = lines else { return None };
    let [open, close] = if *are_entries { ["{", "}"] } else { ["[", "]"] };
    parse(&format!("{open}{}{close}", &text[items.clone()])).ok()
}

/// The lines of one extent of a text.
fn lines(text: &str, extent: &TextExtent, room: Room) -> Vec<Vec<Styled>> {
    let TextExtent { lines: which, at, more } = extent;
    let depth = at.places.len();
    let indent = depth * 2;
    let mut lines = Vec::new();
    match which {
        Lines::Open { name, is_map } => {
            json::newline(&mut lines, indent);
            json::name(&mut lines, read_name(text, name.as_ref()).as_deref());
            json::append(&mut lines, if *is_map { "{" } else { "[" }, Slot::JsonPunctuation);
        }
        Lines::Items { items, .. } => match parsed(text, which) {
            Some(Value::Array(items)) => {
                let items: Vec<_> = items.iter().map(|item| (None, item)).collect();
                json::items(&mut lines, &items, depth, room, *more);
            }
            Some(Value::Map(entries)) => {
                let entries: Vec<_> = entries.iter().map(|(name, item)| (Some(name.as_str()), item)).collect();
                json::items(&mut lines, &entries, depth, room, *more);
            }
            _ => {
                json::newline(&mut lines, indent + 2);
                let raw = crate::app::wrap::clean_line(&text[items.clone()]);
                json::append(&mut lines, &raw, Slot::JsonString);
            }
        },
        Lines::Close { is_map } => {
            json::newline(&mut lines, indent);
            json::append(&mut lines, if *is_map { "}" } else { "]" }, Slot::JsonPunctuation);
            if *more {
                json::append(&mut lines, ",", Slot::JsonPunctuation);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Vec<Vec<Styled>>) -> Vec<String> {
        lines.into_iter().map(|line| line.into_iter().map(|styled| styled.text).collect()).collect()
    }

    #[test]
    fn a_json_text_in_extents_is_what_it_is_as_a_whole() {
        let row = |n: usize| format!(r#"{{"id":{n}, "na\"me]":"row {n},\\","tags":["a","b"],"note":null}}"#);
        let rows = (0..3000).map(row).collect::<Vec<_>>().join(" ,\n");
        let nested = format!(r#" {{"a":[], "ro\"ws" : [{rows}],"more":{{"again":[{rows}]}},"end":[1,2]}} "#);
        for text in [format!("[{rows}]"), nested] {
            let value = parse(&text).unwrap();
            let extents = extents(&text).unwrap();
            assert!(extents.len() > 5);
            let apart: Vec<_> = extents.iter().flat_map(|(extent, _)| lines(&text, extent, 60.into())).collect();
            assert_eq!(texts(apart), texts(json::lines(&value, 60)));
        }
    }

    #[test]
    fn what_is_no_json_is_not_taken_apart() {
        for text in ["[link](to) and more", "[1,2", "{\"a\":1]", "[1,,2]", "[a word, another]", "[1] [2]", ""] {
            assert!(extents(text).is_none(), "{text}");
        }
    }
}
