//! A value of any kind that OTLP can carry, and the attributes made of them.

use serde::{Deserialize, Serialize};

use super::deep;

/// An OTLP `AnyValue`, or a piece of JSON that came inside one.
///
/// `serde`'s derive is the *stored* form (an enum with its type); JSON text is read and written by
/// [`super::json`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// OTLP's unset value, JSON's `null`.
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// Only for JSON integers above `i64::MAX`.
    UInt(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    Array(#[serde(deserialize_with = "deep::deserialize")] Vec<Value>),
    /// In the order in which it was sent; a key sent twice is here twice.
    Map(#[serde(deserialize_with = "deep::deserialize")] Vec<(String, Value)>),
}

impl Value {
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(yes) = self { Some(*yes) } else { None }
    }

    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    #[must_use]
    pub fn as_map(&self) -> Option<&[(String, Value)]> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// The value of a map's key (the first, if it was sent twice); `None` where there is none or this is no map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// About how many bytes of JSON it is.
    #[must_use]
    pub fn weight(&self) -> usize {
        let mut room = usize::MAX;
        self.weighs(&mut room);
        usize::MAX - room
    }

    /// Takes about how many bytes of JSON it is off `room`; false as soon as there is no more.
    pub fn weighs(&self, room: &mut usize) -> bool {
        let own = match self {
            Self::String(text) => text.len() + 2,
            Self::Bytes(_) => 16,
            Self::Array(items) => items.len() * 2,
            Self::Map(entries) => entries.iter().map(|(name, _)| name.len() + 6).sum(),
            _ => 8,
        };
        if own > *room {
            return false;
        }
        *room -= own;
        match self {
            Self::Array(items) => items.iter().all(|item| item.weighs(room)),
            Self::Map(entries) => entries.iter().all(|(_, item)| item.weighs(room)),
            _ => true,
        }
    }

    /// Like [`Self::get`] for a text.
    #[must_use]
    pub fn str(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// A whole number that is not negative, also where it was sent as a double or a text.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::UInt(number) => Some(*number),
            // Doubles hold whole numbers exactly up to 2^53.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
            Self::Double(number) if (0.0..9e15).contains(number) && number.fract() == 0.0 => Some(*number as u64),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A number, also where it was sent as a text. Never NaN or infinite.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number for people to read")]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::UInt(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// True for null, and for a text, list or map of nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::String(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Bool(_) | Self::Int(_) | Self::UInt(_) | Self::Double(_) => false,
        }
    }

    /// The text as it is, anything else as compact JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            other => super::json::to_string(other),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

/// Named values, sorted by name. Of a name sent twice both are kept, in the order sent; [`Self::get`] gives the last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attributes(Vec<(String, Value)>);

impl Attributes {
    #[must_use]
    pub fn new(mut entries: Vec<(String, Value)>) -> Self {
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        Self(entries)
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        // Most spans have a dozen attributes: telling names apart by their lengths is then five times as fast as searching.
        if self.0.len() <= 24 {
            return self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value);
        }
        let after = self.0.partition_point(|(other, _)| other.as_str() <= name);
        let (found, value) = self.0.get(after.checked_sub(1)?)?;
        (found == name).then_some(value)
    }

    /// True when the name is there, whatever its value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The text under a name; `None` where there is none, it is empty, or it is no text.
    #[must_use]
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whether any name starts with `prefix`.
    #[must_use]
    pub fn has_prefix(&self, prefix: &str) -> bool {
        self.under(prefix).next().is_some()
    }

    /// The entries whose names start with `prefix`, by name; the names are given without it.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let first = self.0.partition_point(|(name, _)| name.as_str() < prefix);
        self.0[first..].iter().map_while(move |(name, value)| Some((name.strip_prefix(prefix)?, value)))
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Value)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (String, Value)>>(entries: T) -> Self {
        Self::new(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name_and_by_prefix() {
        let entry = |name: &str, value: i64| (name.to_owned(), Value::Int(value));
        let found =
            Attributes::new(vec![entry("b.x", 1), entry("a", 2), entry("b.a", 3), entry("a", 4), entry("c", 5)]);
        assert_eq!(found.get("a"), Some(&Value::Int(4)));
        assert_eq!(found.get("b"), None);
        assert_eq!(found.under("b.").map(|(name, _)| name).collect::<Vec<_>>(), ["a", "x"]);
        assert!(found.has_prefix("b.") && !found.has_prefix("d"));
    }
}
