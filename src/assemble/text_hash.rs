//! Hashes of texts and values that do not depend on how a sender wrote them.
//!
//! [`TextHash`] ignores white space, and the hashes of two pieces give the hash of the whole. [`value`] ignores the
//! order of a map's entries and makes no difference between `1` and `1.0`.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::Value;

/// 2^61 - 1, a prime. Sums of a few products of numbers below it fit in 128 bits.
const PRIME: u64 = (1 << 61) - 1;
/// The base of the polynomial that a [`TextHash`] is; an arbitrary number below `PRIME`.
const BASE: u64 = 0x0ACE_5EA7_1D1A_1EC7;

/// The number of bytes that are hashed in one step. Their products do not depend on each other, so the processor can
/// compute them at the same time.
const STEP: usize = 8;
/// `POWERS[n]` is `BASE` to the power of `n`, modulo `PRIME`.
const POWERS: [u64; STEP + 1] = {
    let mut powers = [1; STEP + 1];
    let mut at = 1;
    while at <= STEP {
        powers[at] = times(powers[at - 1], BASE);
        at += 1;
    }
    powers
};

/// [`value`] descends so many levels; whatever lies deeper is taken for equal. OTLP allows fewer levels.
const DEPTH: usize = 256;

/// The hash of a text without its white space. [`TextHash::then`] makes the hash of a whole from those of its pieces.
///
/// Senders cut one text into several parts or messages, and join them with spaces or line breaks, as they like. So
/// `"a b"` and `"a"` followed by `"b"` have the same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TextHash {
    /// The sum of `(byte + 1) * BASE^n` over the bytes, where `n` is the number of bytes that follow; modulo `PRIME`.
    hash: u64,
    /// `BASE` to the power of `bytes`, modulo `PRIME`: what the hash of a text before this one is multiplied by.
    power: u64,
    /// The number of bytes that are not white space.
    bytes: u64,
}

impl TextHash {
    /// The hash of a text of nothing, or of nothing but white space.
    pub const EMPTY: Self = Self { hash: 0, power: 1, bytes: 0 };

    /// Hashes a text.
    pub fn of(text: &str) -> Self {
        let (mut hash, mut bytes) = (0, 0_u64);
        let mut step = [0; STEP];
        let mut filled = 0;
        for byte in text.split_whitespace().flat_map(str::bytes) {
            step[filled] = byte;
            filled += 1;
            bytes += 1;
            if filled == STEP {
                hash = add(hash, &step);
                filled = 0;
            }
        }
        Self { hash: add(hash, &step[..filled]), power: power(bytes), bytes }
    }

    /// The hash of this text followed by another one.
    pub fn then(self, next: Self) -> Self {
        Self {
            hash: reduce(u128::from(self.hash) * u128::from(next.power) + u128::from(next.hash)),
            power: times(self.power, next.power),
            bytes: self.bytes + next.bytes,
        }
    }

    /// The number of bytes that are not white space.
    pub fn len(self) -> u64 {
        self.bytes
    }

    /// Whether the text has nothing but white space.
    pub fn is_empty(self) -> bool {
        self.bytes == 0
    }
}

/// The hash after at most `STEP` more bytes.
fn add(hash: u64, bytes: &[u8]) -> u64 {
    let products = bytes.iter().rev().zip(POWERS).map(|(byte, power)| u128::from(power) * (u128::from(*byte) + 1));
    let shifted = u128::from(hash) * POWERS.get(bytes.len()).copied().map_or(0, u128::from);
    reduce(shifted + products.sum::<u128>())
}

/// `BASE` to a power, modulo `PRIME`.
fn power(mut exponent: u64) -> u64 {
    let (mut square, mut power) = (BASE, 1);
    while exponent > 0 {
        if exponent % 2 == 1 {
            power = times(power, square);
        }
        square = times(square, square);
        exponent /= 2;
    }
    power
}

/// A product modulo `PRIME`.
const fn times(left: u64, right: u64) -> u64 {
    reduce(left as u128 * right as u128)
}

/// The remainder of a division by `PRIME`. Modulo `PRIME`, 2^61 is 1, so the upper bits are added to the lower 61.
#[expect(clippy::cast_possible_truncation, reason = "each part has 61 bits")]
const fn reduce(number: u128) -> u64 {
    let folded = (number & PRIME as u128) + (number >> 61);
    let sum = (folded as u64 & PRIME) + (folded >> 61) as u64;
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// A text without its white space, for the few comparisons that need its characters and not only its hash.
pub fn without_white_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// A hash of anything, the same in every run of one build.
pub fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// A hash of a value. The order of a map's entries does not count, nor does `1` or `1.0`; the order of an array's items
/// does.
pub fn value(value: &Value) -> u64 {
    deep(value, DEPTH)
}

/// The hash of a value of which at most `left` levels are read; 0 where none is left.
fn deep(value: &Value, left: usize) -> u64 {
    let Some(left) = left.checked_sub(1) else { return 0 };
    match value {
        Value::Null => hash(0_u8),
        Value::Bool(yes) => hash((1_u8, yes)),
        Value::Int(number) => hash((2_u8, number)),
        Value::UInt(number) => hash((3_u8, number)),
        Value::Double(number) => match whole(*number) {
            Some(number) => hash((2_u8, number)),
            None => hash((4_u8, number.to_bits())),
        },
        Value::String(text) => hash((5_u8, text)),
        Value::Bytes(bytes) => hash((6_u8, bytes)),
        Value::Array(items) => {
            let mut hasher = DefaultHasher::new();
            7_u8.hash(&mut hasher);
            for item in items {
                deep(item, left).hash(&mut hasher);
            }
            hasher.finish()
        }
        Value::Map(entries) => {
            let sum = entries.iter().fold(0_u64, |sum, (key, value)| sum.wrapping_add(hash((key, deep(value, left)))));
            hash((8_u8, sum))
        }
    }
}

/// The whole number that a double stands for; `None` for a fraction, and for numbers too large to be held exactly
/// (doubles hold whole numbers exactly up to 2^53, about 9e15).
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    #[test]
    fn a_text_is_the_same_however_it_was_cut() {
        let whole = TextHash::of("It is  18 °C\nin Paris.");
        assert_eq!(TextHash::of("It is 18").then(TextHash::of("°C in")).then(TextHash::of(" Paris.")), whole);
        assert_eq!(TextHash::EMPTY.then(whole), whole.then(TextHash::EMPTY));
        assert_ne!(TextHash::of("It is 18 °C in Paris"), whole);
        assert_ne!(TextHash::of("ab"), TextHash::of("ba"));
        assert!(TextHash::of(" \n").is_empty());
    }

    #[test]
    fn a_value_is_the_same_however_it_was_written() {
        let of = |text| value(&json::parse(text).unwrap());
        assert_eq!(of(r#"{"a":1,"b":[1.0,"x"]}"#), of(r#"{"b":[1,"x"],"a":1.0}"#));
        assert_ne!(of(r#"{"a":"1"}"#), of(r#"{"a":1}"#));
        assert_ne!(of("[1,2]"), of("[2,1]"));
        let mut nested = Value::Null;
        (0..100).for_each(|_| nested = Value::Array(vec![std::mem::take(&mut nested)]));
        value(&nested);
    }
}
