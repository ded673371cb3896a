//! Maps and hashes of what one answer holds: fast ones, as large answers are looked through in a frame.

use std::{
    collections,
    hash::{BuildHasher as _, Hash, Hasher},
};

use foldhash::fast::FixedState;

use crate::model::Value;

pub type HashMap<K, V> = collections::HashMap<K, V, FixedState>;
pub type HashSet<K> = collections::HashSet<K, FixedState>;

/// A map with room for so many keys: growing would move all of them several times.
pub fn map_for<K, V>(keys: usize) -> HashMap<K, V> {
    HashMap::with_capacity_and_hasher(keys, FixedState::default())
}

/// A hash that is the same in every answer.
pub fn of(value: impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// A hash of a value: equal for arguments that are the same, in the same order.
pub fn fingerprint(value: &Value) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    add(value, &mut hasher);
    hasher.finish()
}

/// A hash of texts, one after another.
pub fn fingerprint_of_text<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for text in texts {
        text.hash(&mut hasher);
    }
    hasher.finish()
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
