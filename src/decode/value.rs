//! OTLP's `AnyValue` → [`Value`].
//!
//! The functions recurse as deep as a value is nested. `prost` rejects values that are nested more than 100 deep.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};

use crate::model::{Attributes, Value};

pub fn value(sent: Option<AnyValue>) -> Value {
    match sent.and_then(|any| any.value) {
        Some(any_value::Value::StringValue(text)) => Value::String(text),
        Some(any_value::Value::BoolValue(yes)) => Value::Bool(yes),
        Some(any_value::Value::IntValue(number)) => Value::Int(number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(number),
        Some(any_value::Value::ArrayValue(list)) => {
            Value::Array(list.values.into_iter().map(|item| value(Some(item))).collect())
        }
        Some(any_value::Value::KvlistValue(list)) => Value::Map(entries(list.values)),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(bytes),
        // An index into a table of strings is for profiles, and traces bring no such table.
        Some(any_value::Value::StringValueStrindex(_)) | None => Value::Null,
    }
}

pub fn attributes(sent: Vec<KeyValue>) -> Attributes {
    Attributes::new(entries(sent))
}

fn entries(sent: Vec<KeyValue>) -> Vec<(String, Value)> {
    sent.into_iter().map(|entry| (entry.key, value(entry.value))).collect()
}
