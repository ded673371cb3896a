//! Reads JSON values as fields of OTLP, in every form that senders write them in.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::super::Malformed;
use crate::model::{Attributes, IdError, Timestamp, Value};

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// A JSON object whose fields are taken out one by one. What is not taken is unknown, and ignored.
#[derive(Default)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    pub fn of(value: Value) -> Option<Self> {
        if let Value::Map(entries) = value { Some(Self(entries)) } else { None }
    }

    /// Takes the field of this name, given in camel case; `Null` if there is none.
    pub fn take(&mut self, name: &str) -> Value {
        let field = self.0.iter_mut().find(|(key, _)| means(key, name));
        field.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

/// `resource_spans`, `ResourceSpans` and `resourceSpans` are one name.
fn means(key: &str, name: &str) -> bool {
    key == name
        || key
            .bytes()
            .filter(|byte| *byte != b'_')
            .map(|byte| byte.to_ascii_lowercase())
            .eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
}

/// The kind of a JSON value, for error messages.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::UInt(_) | Value::Double(_) => "a number",
        Value::String(_) => "a text",
        Value::Bytes(_) => "bytes",
        Value::Array(_) => "a list",
        Value::Map(_) => "an object",
    }
}

pub fn list(value: Value, what: &'static str) -> Result<Vec<Value>, Malformed> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        other => Err(Malformed::Shape { what, found: kind_of(&other), wanted: "a list" }),
    }
}

pub fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_text(),
    }
}

/// Nanoseconds, written as a number or as a text; also as a rounded double, by senders without 64-bit integers.
pub fn time(value: &Value) -> Timestamp {
    Timestamp(u64_of(value).unwrap_or_default())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts from float saturate")]
fn u64_of(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::UInt(number) => Some(*number),
        Value::Double(number) => Some(*number as u64),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse().ok().map(|number: f64| number as u64))
        }
        Value::Null | Value::Bool(_) | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => None,
    }
}

pub fn u32_of(value: &Value) -> u32 {
    u32::try_from(u64_of(value).unwrap_or_default()).unwrap_or(u32::MAX)
}

/// The number of an enum's value, written as a number or by name; 0 if it is neither.
pub fn enumeration(value: &Value, named: impl Fn(&str) -> Option<i32>) -> i32 {
    let by_name = value.as_str().and_then(|name| named(&name.trim().to_ascii_uppercase()));
    let by_number = || u64_of(value).and_then(|number| i32::try_from(number).ok());
    by_name.or_else(by_number).unwrap_or_default()
}

/// An id in hex of `digits` digits, or in base64.
pub fn id<T>(value: Value, digits: usize, read: impl Fn(&[u8]) -> Result<T, IdError>) -> Result<T, IdError> {
    let text = text(value);
    let short = text.chars().take(80).collect();
    read(&decoded_id(&text, digits).ok_or(IdError::NotHex(short, digits))?)
}

/// Like [`id`], for ids that are not checked: the bytes of the text if it cannot be decoded.
pub fn bytes_of_id(text: &str, digits: usize) -> Vec<u8> {
    decoded_id(text, digits).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// The bytes of an id; `None` if it can be neither hex nor base64. Base64 is tried only for a text of the length that such
/// an id has in base64, because hex of a wrong length is often valid base64.
fn decoded_id(text: &str, digits: usize) -> Option<Vec<u8>> {
    hex::decode(text).ok().or_else(|| (text.len() == (digits / 2).div_ceil(3) * 4).then(|| base64(text)).flatten())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

pub fn attributes(value: Value) -> Attributes {
    Attributes::new(entries(value))
}

/// The entries of a list of `{"key": …, "value": …}`; anything else in it is ignored.
fn entries(value: Value) -> Vec<(String, Value)> {
    let items = if let Value::Array(items) = value { items } else { Vec::new() };
    let entry = |mut entry: Object| (text(entry.take("key")), any(entry.take("value")));
    items.into_iter().filter_map(Object::of).map(entry).collect()
}

/// An `AnyValue`. An object without a known key is null; a value that is not in an object is taken as it is.
///
/// The recursion is as deep as the JSON is nested, which its parser limits, so that its protobuf form is never nested
/// deeper than `prost` reads.
pub fn any(value: Value) -> Value {
    match value {
        Value::Map(entries) => entries.into_iter().find_map(|(key, value)| typed(&key, value)).unwrap_or_default(),
        Value::UInt(_) | Value::Array(_) => Value::String(value.to_text()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::String(_) | Value::Bytes(_) => value,
    }
}

fn typed(key: &str, value: Value) -> Option<Value> {
    if value == Value::Null {
        None
    } else if means(key, "stringValue") {
        Some(Value::String(text(value)))
    } else if means(key, "intValue") {
        Some(int(value))
    } else if means(key, "doubleValue") {
        Some(double(value))
    } else if means(key, "boolValue") {
        Some(boolean(value))
    } else if means(key, "arrayValue") {
        let items = Object::of(value).map(|mut array| array.take("values"));
        let items = if let Some(Value::Array(items)) = items { items } else { Vec::new() };
        Some(Value::Array(items.into_iter().map(any).collect()))
    } else if means(key, "kvlistValue") {
        Some(Value::Map(Object::of(value).map(|mut list| entries(list.take("values"))).unwrap_or_default()))
    } else if means(key, "bytesValue") {
        let text = text(value);
        Some(base64(&text).map_or(Value::String(text), Value::Bytes))
    } else {
        None
    }
}

/// An integer of 64 bits; the text of anything else.
fn int(value: Value) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "doubles hold whole numbers exactly up to 2^53")]
    let whole = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    let number = match &value {
        Value::Int(number) => Some(*number),
        Value::Double(number) => whole(*number),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map_or_else(|| Value::String(text(value)), Value::Int)
}

/// A double; the text of anything else. Rust parses "NaN", "Infinity" and "-Infinity", as protobuf's JSON has them.
fn double(value: Value) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "the sender calls it a double")]
    let number = match &value {
        Value::Int(number) => Some(*number as f64),
        Value::UInt(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map_or_else(|| Value::String(text(value)), Value::Double)
}

fn boolean(value: Value) -> Value {
    match value {
        Value::Bool(yes) => Value::Bool(yes),
        Value::String(text) if text == "true" => Value::Bool(true),
        Value::String(text) if text == "false" => Value::Bool(false),
        other => Value::String(text(other)),
    }
}
