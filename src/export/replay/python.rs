//! A value as Python writes it.

use std::fmt::Write as _;

use crate::model::Value;

/// A literal over several lines, indented by four.
pub fn literal(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => drop(write!(out, "{number}")),
        Value::UInt(number) => drop(write!(out, "{number}")),
        Value::Double(number) if number.is_finite() => drop(write!(out, "{number:?}")),
        Value::Null | Value::Double(_) => out.push_str("None"),
        Value::String(text) => string(text, out),
        // No request that is written here has any.
        Value::Bytes(bytes) => drop(write!(out, "bytes.fromhex(\"{}\")", hex::encode(bytes))),
        Value::Array(items) => list(['[', ']'], items.iter().map(|item| (None, item)), depth, out),
        Value::Map(entries) => {
            list(['{', '}'], entries.iter().map(|(name, value)| (Some(name.as_str()), value)), depth, out);
        }
    }
}

fn list<'a>(
    [open, close]: [char; 2],
    items: impl ExactSizeIterator<Item = (Option<&'a str>, &'a Value)>,
    depth: usize,
    out: &mut String,
) {
    out.push(open);
    let is_empty = items.len() == 0;
    for (name, value) in items {
        let _ = write!(out, "\n{}", "    ".repeat(depth + 1));
        if let Some(name) = name {
            string(name, out);
            out.push_str(": ");
        }
        write(value, depth + 1, out);
        out.push(',');
    }
    if !is_empty {
        let _ = write!(out, "\n{}", "    ".repeat(depth));
    }
    out.push(close);
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => drop(write!(out, "\\x{:02x}", u32::from(c))),
            // Python reads these two as ends of a line.
            '\u{2028}' | '\u{2029}' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json::parse;

    #[test]
    fn values_are_written_as_python_reads_them() {
        let value = parse(r#"{"a":[true,false,null,1,-2.5,1e30],"b \"c\"":"x\\ny\u001b é","d":{},"e":[]}"#).unwrap();
        assert_eq!(
            literal(&value),
            "{\n    \"a\": [\n        True,\n        False,\n        None,\n        1,\n        -2.5,\n        1e30,\n    ],\n    \"b \\\"c\\\"\": \"x\\\\ny\\x1b é\",\n    \"d\": {},\n    \"e\": [],\n}"
        );
    }
}
