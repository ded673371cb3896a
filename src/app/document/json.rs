//! Values as people read them: indented JSON, or a table of arguments.

use super::Run;
use crate::app::wrap;
use crate::model::Value;
use crate::slots::Slot;

/// Levels that are indented; what is deeper stays on one line.
const DEEPEST: usize = 24;

/// A value as indented, coloured JSON: one line where it fits into `columns`.
pub fn lines(value: &Value, columns: usize) -> Vec<Vec<Run>> {
    let mut lines = vec![Vec::new()];
    write(value, 0, columns, &mut lines);
    lines
}

/// The arguments of a call, a line each: the name, then the value; texts of several lines stand beneath.
pub fn arguments(input: &Value, columns: usize) -> Vec<Vec<Run>> {
    let Some(entries) = input.as_map() else {
        return lines(input, columns);
    };
    let names = entries.iter().map(|(name, _)| wrap::width(&wrap::clean_line(name)));
    let widest = names.max().unwrap_or(0).min(columns / 3).min(24);
    let mut rows = Vec::new();
    for (name, value) in entries {
        let name = wrap::cut(&wrap::clean_line(name), widest);
        let gap = " ".repeat(widest - wrap::width(&name) + 2);
        let mut head = vec![Run::new(name, Slot::JsonKey), Run::new(gap, Slot::Text)];
        match value {
            Value::String(text) if text.contains('\n') => {
                rows.push(head);
                for line in wrap::clean(text).split('\n') {
                    rows.push(vec![Run::new("  ", Slot::Text), Run::new(line, Slot::JsonString)]);
                }
            }
            value => {
                let mut value_lines = lines(value, columns.saturating_sub(widest + 2)).into_iter();
                head.extend(value_lines.next().unwrap_or_default());
                rows.push(head);
                rows.extend(value_lines.map(|mut line| {
                    line.insert(0, Run::new(" ".repeat(widest + 2), Slot::Text));
                    line
                }));
            }
        }
    }
    rows
}

/// A value on one line, as short as can be: for summaries.
pub fn brief(value: &Value) -> String {
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

fn write(value: &Value, depth: usize, columns: usize, lines: &mut Vec<Vec<Run>>) {
    let indent = depth * 2;
    match value {
        Value::Array(items) if !items.is_empty() && !fits(value, depth, columns) => {
            append(lines, "[", Slot::JsonPunctuation);
            for (index, item) in items.iter().enumerate() {
                newline(lines, indent + 2);
                write(item, depth + 1, columns, lines);
                if index + 1 < items.len() {
                    append(lines, ",", Slot::JsonPunctuation);
                }
            }
            newline(lines, indent);
            append(lines, "]", Slot::JsonPunctuation);
        }
        Value::Map(entries) if !entries.is_empty() && !fits(value, depth, columns) => {
            append(lines, "{", Slot::JsonPunctuation);
            for (index, (name, item)) in entries.iter().enumerate() {
                newline(lines, indent + 2);
                append(lines, &quoted(name), Slot::JsonKey);
                append(lines, ": ", Slot::JsonPunctuation);
                write(item, depth + 1, columns, lines);
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
                append(lines, &quoted(name), Slot::JsonKey);
                append(lines, ": ", Slot::JsonPunctuation);
                write(item, DEEPEST, usize::MAX, lines);
            }
            append(lines, "}", Slot::JsonPunctuation);
        }
        Value::String(text) => append(lines, &quoted(text), Slot::JsonString),
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

fn quoted(text: &str) -> String {
    wrap::clean_line(&serde_json::to_string(text).unwrap_or_default())
}

fn newline(lines: &mut Vec<Vec<Run>>, indent: usize) {
    lines.push(vec![Run::new(" ".repeat(indent), Slot::Text)]);
}

fn append(lines: &mut [Vec<Run>], text: &str, slot: Slot) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some(run) if run.slot == slot => run.text.push_str(text),
        _ => line.push(Run::new(text, slot)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::parse;

    fn texts(lines: &[Vec<Run>]) -> Vec<String> {
        lines.iter().map(|line| line.iter().map(|run| run.text.as_str()).collect()).collect()
    }

    #[test]
    fn short_json_stays_on_one_line_and_long_json_is_indented() {
        let value = parse(r#"{"city":"Paris","days":[1,2]}"#).unwrap();
        assert_eq!(texts(&lines(&value, 60)), [r#"{"city": "Paris", "days": [1,2]}"#]);
        assert_eq!(texts(&lines(&value, 20)), ["{", r#"  "city": "Paris","#, r#"  "days": [1,2]"#, "}"]);
    }

    #[test]
    fn arguments_are_a_table() {
        let value = parse(r#"{"hotel_id":"ryk-118","guests":0,"note":"a\nb"}"#).unwrap();
        assert_eq!(texts(&arguments(&value, 60)), ["hotel_id  \"ryk-118\"", "guests    0", "note      ", "  a", "  b"]);
    }
}
