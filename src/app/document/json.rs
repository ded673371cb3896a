//! Values as people read them: indented, coloured JSON, and summaries of it.

use super::long::AT_ONCE;
use crate::app::styled::{self, Styled};
use crate::app::wrap;
use crate::model::{Value, json::parse};
use crate::slots::Slot;

/// Levels that are indented; what is deeper stays on one line.
pub const DEEPEST: usize = 24;

/// Bytes of a large value that a summary may show: more than any screen is wide.
const BRIEF: usize = 2048;

/// What stands in front of what a text holds, where that is JSON.
pub const TEXT: &str = "text of JSON ";

/// How a value is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub columns: usize,
    /// Texts that are JSON are laid out as what they hold.
    pub unfolds: bool,
}

impl From<usize> for Room {
    fn from(columns: usize) -> Self {
        Self { columns, unfolds: true }
    }
}

/// A value as indented, coloured JSON: one line where it fits into its room.
pub fn lines(value: &Value, room: impl Into<Room>) -> Vec<Vec<Styled>> {
    let mut lines = vec![Vec::new()];
    write(value, 0, room.into(), &mut lines);
    lines
}

/// Whether a text has a number of more digits than are kept when it is parsed: shown as JSON it would be another one.
pub fn is_rounded(text: &str) -> bool {
    const KEPT: usize = 15;
    let (mut quoted, mut escaped, mut digits) = (false, false, 0_usize);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'0'..=b'9' if !quoted => digits += 1,
            b'.' if !quoted => {}
            _ => digits = 0,
        }
        if digits > KEPT {
            return true;
        }
    }
    false
}

/// The array or map that a text holds; `None` where it holds none, or an empty one.
pub fn held(text: &str) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']) && text.len() <= AT_ONCE && !is_rounded(text);
    let value = begins.then(|| parse(text).ok()).flatten()?;
    let is_empty = match &value {
        Value::Array(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => true,
    };
    (!is_empty).then_some(value)
}

/// Whether a value is small enough to be laid out at once.
pub fn is_light(value: &Value) -> bool {
    let mut room = AT_ONCE;
    value.weighs(&mut room)
}

/// A value on one line, as short as can be, for summaries; of a large one its beginning.
pub fn brief(value: &Value) -> String {
    if !is_light(value) {
        return brief(&beginning(value, &mut { BRIEF }));
    }
    match value {
        Value::Map(entries) => {
            let pairs = entries.iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={}", other.to_text()),
            });
            wrap::clean_line(&pairs.collect::<Vec<_>>().join(" "))
        }
        other => wrap::clean_line(&other.to_text()),
    }
}

/// The first parts of a value that make up some text of `room` bytes.
pub fn beginning(value: &Value, room: &mut usize) -> Value {
    match value {
        Value::String(text) => {
            let end = text.floor_char_boundary(*room);
            *room -= end;
            Value::String(text[..end].to_owned())
        }
        Value::Array(items) => {
            let mut some = Vec::new();
            for item in items {
                if *room < 2 {
                    break;
                }
                *room -= 2;
                some.push(beginning(item, room));
            }
            Value::Array(some)
        }
        Value::Map(entries) => {
            let mut some = Vec::new();
            for (name, item) in entries {
                if *room < name.len() + 2 {
                    break;
                }
                *room -= name.len() + 2;
                some.push((name.clone(), beginning(item, room)));
            }
            Value::Map(some)
        }
        other => other.clone(),
    }
}

fn write(value: &Value, depth: usize, room: Room, lines: &mut Vec<Vec<Styled>>) {
    let indent = depth * 2;
    match value {
        Value::Array(items) if !items.is_empty() && !fits(value, depth, room.columns) => {
            append(lines, "[", Slot::JsonPunctuation);
            for (index, item) in items.iter().enumerate() {
                newline(lines, indent + 2);
                write(item, depth + 1, room, lines);
                if index + 1 < items.len() {
                    append(lines, ",", Slot::JsonPunctuation);
                }
            }
            newline(lines, indent);
            append(lines, "]", Slot::JsonPunctuation);
        }
        Value::Map(entries) if !entries.is_empty() && !fits(value, depth, room.columns) => {
            append(lines, "{", Slot::JsonPunctuation);
            for (index, (name, item)) in entries.iter().enumerate() {
                newline(lines, indent + 2);
                self::name(lines, Some(name));
                write(item, depth + 1, room, lines);
                if index + 1 < entries.len() {
                    append(lines, ",", Slot::JsonPunctuation);
                }
            }
            newline(lines, indent);
            append(lines, "}", Slot::JsonPunctuation);
        }
        Value::Map(entries) if !entries.is_empty() && depth < DEEPEST => {
            append(lines, "{", Slot::JsonPunctuation);
            for (index, (name, item)) in entries.iter().enumerate() {
                append(lines, if index == 0 { "" } else { ", " }, Slot::JsonPunctuation);
                self::name(lines, Some(name));
                write(item, DEEPEST, Room { columns: usize::MAX, unfolds: false }, lines);
            }
            append(lines, "}", Slot::JsonPunctuation);
        }
        Value::String(text) => match (room.unfolds && depth + 1 < DEEPEST).then(|| held(text)).flatten() {
            Some(held) => {
                append(lines, TEXT, Slot::JsonPunctuation);
                write(&held, depth, room, lines);
            }
            None => append(lines, &quoted(text), Slot::JsonString),
        },
        Value::Int(_) | Value::UInt(_) | Value::Double(_) => append(lines, &value.to_text(), Slot::JsonNumber),
        Value::Null | Value::Bool(_) => append(lines, &value.to_text(), Slot::JsonLiteral),
        Value::Bytes(bytes) => append(lines, &format!("<{} bytes>", bytes.len()), Slot::JsonLiteral),
        Value::Array(_) | Value::Map(_) => append(lines, &wrap::clean_line(&value.to_text()), Slot::JsonPunctuation),
    }
}

/// Whether a value is short enough for one line; anything deeper than [`DEEPEST`] has to be.
fn fits(value: &Value, depth: usize, columns: usize) -> bool {
    depth >= DEEPEST || short(value, &mut columns.saturating_sub(depth * 2).min(100))
}

/// Takes a value's rough length off `room`; false as soon as it does not fit, without measuring the rest.
fn short(value: &Value, room: &mut usize) -> bool {
    let own = match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => {
            if !items.iter().all(|item| short(item, room)) {
                return false;
            }
            2 * items.len() + 2
        }
        Value::Map(entries) => {
            if !entries.iter().all(|(name, item)| name.len() + 6 < *room && short(item, room)) {
                return false;
            }
            entries.iter().map(|(name, _)| name.len() + 6).sum::<usize>() + 2
        }
        Value::Bytes(_) => 16,
        other => other.to_text().len(),
    };
    let fits = own <= *room;
    *room = room.saturating_sub(own);
    fits
}

pub fn quoted(text: &str) -> String {
    wrap::clean_line(&serde_json::to_string(text).unwrap_or_default())
}

/// Some items of an array, or entries of a map, that is in `depth` others; `more`: others follow them.
pub fn items(lines: &mut Vec<Vec<Styled>>, items: &[(Option<&str>, &Value)], depth: usize, room: Room, more: bool) {
    for (nth, (name, item)) in items.iter().enumerate() {
        newline(lines, depth * 2 + 2);
        self::name(lines, *name);
        write(item, depth + 1, room, lines);
        if more || nth + 1 < items.len() {
            append(lines, ",", Slot::JsonPunctuation);
        }
    }
}

/// The name of a map's entry, and the colon behind it.
pub fn name(lines: &mut [Vec<Styled>], name: Option<&str>) {
    if let Some(name) = name {
        append(lines, &quoted(name), Slot::JsonKey);
        append(lines, ": ", Slot::JsonPunctuation);
    }
}

pub fn newline(lines: &mut Vec<Vec<Styled>>, indent: usize) {
    lines.push(vec![Styled::new(" ".repeat(indent), Slot::Text)]);
}

pub fn append(lines: &mut [Vec<Styled>], text: &str, slot: Slot) {
    if let Some(line) = lines.last_mut() {
        styled::append(line, text, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Vec<Styled>]) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(|styled| styled.text.as_str()).collect()).collect()
    }

    #[test]
    fn short_json_stays_on_one_line_and_long_json_is_indented() {
        let value = parse(r#"{"city":"Paris","days":[1,2]}"#).unwrap();
        assert_eq!(texts(&lines(&value, 60)), [r#"{"city": "Paris", "days": [1,2]}"#]);
        assert_eq!(texts(&lines(&value, 20)), ["{", r#"  "city": "Paris","#, r#"  "days": [1,2]"#, "}"]);
    }

    #[test]
    fn a_text_that_is_json_is_laid_out_as_what_it_holds() {
        let value = parse(
            r#"{"result":"{\"order_id\": 7, \"lines\": [\"one of them\", \"the other\"]}","note":"[not","none":"[]"}"#,
        );
        let value = value.unwrap();
        assert_eq!(
            texts(&lines(&value, 40)),
            [
                "{",
                r#"  "result": text of JSON {"#,
                r#"    "order_id": 7,"#,
                r#"    "lines": ["one of them","the other"]"#,
                "  },",
                r#"  "note": "[not","#,
                r#"  "none": "[]""#,
                "}"
            ]
        );
        let raw = texts(&lines(&value, Room { columns: 40, unfolds: false }));
        assert!(raw[1].starts_with(r#"  "result": "{\"order_id\""#), "{raw:?}");
    }
}
