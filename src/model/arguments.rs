//! The arguments that a tool was run with, which screens compare again and again.

use std::hash::{BuildHasher as _, Hash, Hasher};
use std::ops::Deref;

use foldhash::fast::FixedState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Value;

/// Arguments with a hash of them, made once.
#[derive(Debug, Clone)]
pub struct Arguments {
    value: Value,
    hash: u64,
}

impl Arguments {
    /// Equal for arguments that are the same, in the same order. Only hashes of one process can be compared.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The hash that these arguments have.
    #[must_use]
    pub fn hash_of(value: &Value) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        add(value, &mut hasher);
        hasher.finish()
    }
}

impl From<Value> for Arguments {
    fn from(value: Value) -> Self {
        Self { hash: Self::hash_of(&value), value }
    }
}

impl Serialize for Arguments {
    /// Without the hash, which only this process knows.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl Deref for Arguments {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

fn add(value: &Value, to: &mut impl Hasher) {
    std::mem::discriminant(value).hash(to);
    match value {
        Value::Null => {}
        Value::Bool(yes) => yes.hash(to),
        Value::Int(number) => number.hash(to),
        Value::UInt(number) => number.hash(to),
        Value::Double(number) => number.to_bits().hash(to),
        Value::String(text) => text.hash(to),
        Value::Bytes(bytes) => bytes.hash(to),
        Value::Array(items) => {
            items.len().hash(to);
            for item in items {
                add(item, to);
            }
        }
        Value::Map(entries) => {
            entries.len().hash(to);
            for (name, item) in entries {
                name.hash(to);
                add(item, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Arguments {
        crate::model::json::parse(text).unwrap().into()
    }

    #[test]
    fn only_equal_arguments_have_one_hash() {
        assert_eq!(
            of(r#"{"city": "Oslo", "days": [1, 2.5, true, null]}"#).hash(),
            of(r#"{"city":"Oslo","days":[1,2.5,true,null]}"#).hash()
        );
        let others =
            ["null", "[]", "{}", "1", "\"1\"", "[1]", r#"{"a":1}"#, r#"{"a":2}"#, r#"{"b":1}"#, r#"{"a":1,"b":2}"#];
        let hashes: std::collections::HashSet<u64> = others.iter().map(|text| of(text).hash()).collect();
        assert_eq!(hashes.len(), others.len());
    }
}
