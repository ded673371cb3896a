//! The decoding ladder of `values.md` 2, for values that a dialect knows to be structured.
//!
//! Texts of people and models are never passed through here: an answer of `4`, `true` or of JSON text stays that text.

use std::borrow::Cow;

use super::lenient::{self, Notation};
use crate::model::{Value, json};

/// A value that may be JSON.
#[derive(Debug, PartialEq)]
pub enum MaybeJson<'a> {
    /// A list or an object, as it was sent or parsed from its text.
    Data(Cow<'a, Value>),
    /// What could be saved of a list or an object that was cut off.
    Cut(Value),
    Text(&'a str),
    /// A number, a boolean, bytes.
    Scalar(&'a Value),
    Nothing,
}

impl<'a> MaybeJson<'a> {
    /// Reads a field that holds a list or an object: typed, as JSON, as JSON in a JSON string, or cut off.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Array(_) | Value::Map(_) => Self::Data(Cow::Borrowed(value)),
            Value::String(text) => Self::of_text(text),
            Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Double(_) | Value::Bytes(_) => Self::Scalar(value),
        }
    }

    /// Like [`Self::of`]; also reads Python's `repr`. Only for tool arguments and dumps of frameworks.
    pub fn or_python(value: &'a Value) -> Self {
        match Self::of(value) {
            Self::Text(text) => match lenient::parse(text, Notation::Python) {
                Some(read) if !read.cut => Self::Data(Cow::Owned(read.value)),
                _ => Self::Text(text),
            },
            other => other,
        }
    }

    /// The list or object, and whether it was cut off; `None` for anything else.
    pub fn data(self) -> Option<(Cow<'a, Value>, bool)> {
        match self {
            Self::Data(data) => Some((data, false)),
            Self::Cut(data) => Some((Cow::Owned(data), true)),
            Self::Text(_) | Self::Scalar(_) | Self::Nothing => None,
        }
    }

    /// The list or object by itself, whole or cut off; `None` for anything else.
    pub fn into_data(self) -> Option<Value> {
        self.data().map(|(data, _)| data.into_owned())
    }

    fn of_text(text: &'a str) -> Self {
        match text.trim_start().as_bytes().first() {
            None => Self::Nothing,
            Some(b'{' | b'[') => match read(text) {
                Some((value, false)) => Self::Data(Cow::Owned(value)),
                Some((value, true)) => Self::Cut(value),
                None => Self::Text(text),
            },
            Some(b'"') => twice_encoded(text).map_or(Self::Text(text), |value| Self::Data(Cow::Owned(value))),
            Some(_) => Self::Text(text),
        }
    }
}

/// The value, and whether its text was cut.
fn read(text: &str) -> Option<(Value, bool)> {
    match json::parse(text) {
        Ok(value) => Some((value, false)),
        Err(_) => lenient::parse(text, Notation::Json).map(|read| (read.value, read.cut)),
    }
}

/// How often a JSON string is looked into for a value: an SDK and its exporter may each encode it once more.
const ENCODINGS: usize = 3;

/// A list or object that was made JSON more than once.
fn twice_encoded(text: &str) -> Option<Value> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ENCODINGS {
        let inner = unquoted(&text)?;
        if inner.trim_start().starts_with(['{', '[']) {
            return json::parse(&inner).ok();
        }
        text = Cow::Owned(inner);
    }
    None
}

/// The text in a JSON string, for dialects that encode even plain texts; `None` for what is no JSON string.
pub fn unquoted(text: &str) -> Option<String> {
    let trimmed = text.trim();
    if trimmed.len() < 2 || !trimmed.starts_with('"') || !trimmed.ends_with('"') {
        return None;
    }
    match json::parse(trimmed) {
        Ok(Value::String(inner)) => Some(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_of_the_ladder_reads_its_own() {
        let data = |text: &str| MaybeJson::Data(Cow::Owned(json::parse(text).unwrap()));
        let typed = Value::Array(vec![Value::Int(1)]);
        assert_eq!(MaybeJson::of(&typed), MaybeJson::Data(Cow::Borrowed(&typed)));
        assert_eq!(MaybeJson::of(&" [1]".into()), data("[1]"));
        assert_eq!(MaybeJson::of(&r#""{\"a\":1}""#.into()), data(r#"{"a":1}"#));
        assert_eq!(MaybeJson::of(&r#""\"[1]\"""#.into()), data("[1]"));
        assert_eq!(MaybeJson::of(&r#"[{"a":"b"#.into()), MaybeJson::Cut(json::parse(r#"[{"a":"b"}]"#).unwrap()));
        for text in ["4", "true", "null", "3.14", "\"hi\"", "plain", "[see]", "{'a': 1}"] {
            assert_eq!(MaybeJson::of(&text.into()), MaybeJson::Text(text));
        }
        assert_eq!(MaybeJson::of(&"".into()), MaybeJson::Nothing);
        assert_eq!(MaybeJson::of(&Value::Int(4)), MaybeJson::Scalar(&Value::Int(4)));
    }

    #[test]
    fn python_is_read_only_where_it_is_asked_for() {
        let repr: Value = "{'city': 'Paris'}".into();
        assert_eq!(
            MaybeJson::or_python(&repr),
            MaybeJson::Data(Cow::Owned(json::parse(r#"{"city":"Paris"}"#).unwrap()))
        );
        assert_eq!(MaybeJson::or_python(&"it's {'a".into()), MaybeJson::Text("it's {'a"));
    }

    #[test]
    fn a_json_string_is_unwrapped_once() {
        assert_eq!(unquoted(r#""LLM""#).as_deref(), Some("LLM"));
        assert_eq!(unquoted(r#""\"x\"""#).as_deref(), Some("\"x\""));
        assert_eq!(unquoted("LLM"), None);
        assert_eq!(unquoted(r#""a" and "b""#), None);
    }
}
