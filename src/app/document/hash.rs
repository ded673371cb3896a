//! Maps and hashes of what one answer holds: fast ones, as large answers are looked through in a frame.

use std::{
    collections,
    hash::{BuildHasher as _, Hash, Hasher as _},
};

use foldhash::fast::FixedState;

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

/// A hash of texts, one after another.
pub fn fingerprint_of_text<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    for text in texts {
        text.hash(&mut hasher);
    }
    hasher.finish()
}
