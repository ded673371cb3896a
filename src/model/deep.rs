//! Bounds how deep what is decoded may nest, so that hostile bytes cannot use up the stack.

use std::cell::Cell;

use serde::{Deserialize, Deserializer, de::Error as _};

/// Most levels. What is received nests less deep: its decoders refuse more than some hundred levels.
const MOST: u16 = 300;

thread_local! {
    static LEVEL: Cell<u16> = const { Cell::new(0) };
}

/// Counts a level until it is dropped.
struct Level;

impl Level {
    fn enter() -> Option<Self> {
        let level = LEVEL.get();
        (level < MOST).then(|| {
            LEVEL.set(level + 1);
            Self
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        LEVEL.set(LEVEL.get() - 1);
    }
}

/// For `#[serde(deserialize_with = "deep::deserialize")]`, on what holds values of the type that it is a field of.
pub fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let _level = Level::enter().ok_or_else(|| D::Error::custom("it is nested too deep"))?;
    T::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use crate::model::Value;

    #[test]
    fn what_nests_for_ever_is_refused_and_what_nests_as_deep_as_anything_does_is_read() {
        let nested = |levels: usize| (0..levels).fold(Value::Null, |value, _| Value::Array(vec![value]));
        let bytes = postcard::to_stdvec(&nested(256)).unwrap();
        assert_eq!(postcard::from_bytes::<Value>(&bytes).unwrap(), nested(256));
        // An array of one array of one array …
        let array = *bytes.first().unwrap();
        let hostile: Vec<u8> = [array, 1].repeat(1 << 20);
        assert!(postcard::from_bytes::<Value>(&hostile).is_err());
        assert!(postcard::from_bytes::<Value>(&bytes).is_ok(), "levels are given back");
    }
}
