//! JSON text ↔ [`Value`], with the order and the repetition of keys kept.
//!
//! Bytes, which JSON has not, are written as base64 under one key: `{"$bytes": "aGk="}`. NaN and the
//! infinities become `null`.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

use super::Value;

/// Reads one JSON text, with nothing but white space after it.
///
/// # Errors
/// Whatever `serde_json` refuses, nesting of more than 128 levels included.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Read>(text).map(|read| read.0)
}

/// Like [`parse`], but of bytes.
///
/// # Errors
/// As [`parse`]; also for text that is not UTF-8.
pub fn parse_bytes(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Read>(bytes).map(|read| read.0)
}

/// Reads JSON texts that follow each other, with nothing but white space between them.
///
/// # Errors
/// As [`parse`], of any of them.
pub fn parse_all(text: &str) -> Result<Vec<Value>, serde_json::Error> {
    serde_json::Deserializer::from_str(text).into_iter::<Read>().map(|read| Ok(read?.0)).collect()
}

/// Writes compact JSON.
#[must_use]
pub fn to_string(value: &Value) -> String {
    serde_json::to_string(&Written(value)).expect("a value always has a JSON form")
}

/// Writes indented JSON.
#[must_use]
pub fn to_pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&Written(value)).expect("a value always has a JSON form")
}

/// A value that serializes as plain JSON.
pub struct Written<'a>(pub &'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(yes) => serializer.serialize_bool(*yes),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::UInt(number) => serializer.serialize_u64(*number),
            Value::Double(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("$bytes", &STANDARD.encode(bytes))?;
                map.end()
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Written(item))?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Written(value))?;
                }
                map.end()
            }
        }
    }
}

struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::UInt(number), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Read(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Read(value))) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_order_repetition_and_wide_numbers() {
        let text = r#"{"b":1,"a":[18446744073709551615,-2,1.5,true,null],"b":"é"}"#;
        assert_eq!(to_string(&parse(text).unwrap()), text);
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
