//! What several places of an answer share is encoded once, and is shared again where the answer is decoded.
//!
//! A message stands in a conversation and in the requests of many calls, and the tools that are offered are those of
//! every call: written out wherever they are named, an answer would be many times as large as it is in memory.
//!
//! ```text
//!   the first time    0, the value      and gets the next number
//!   every other time  its number
//! ```
//!
//! Numbers are of one [`encoding`] or [`decoding`]; outside of one nothing is shared, and each is written out.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    collections::HashMap,
    fmt,
    marker::PhantomData,
    sync::Arc,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Visitor},
    ser::SerializeTuple as _,
};

/// The numbers of what was written, by type and address: what is encoded is borrowed meanwhile, so that no address is
/// used twice.
type Written = HashMap<(TypeId, usize), u32>;
/// What was read, in the order of its numbers; each is an `Arc`.
type Read = Vec<Box<dyn Any>>;

thread_local! {
    static WRITTEN: RefCell<Option<Written>> = const { RefCell::new(None) };
    static READ: RefCell<Option<Read>> = const { RefCell::new(None) };
}

/// Encodes something on this thread, what it shares once.
pub fn encoding<T>(encode: impl FnOnce() -> T) -> T {
    let outer = WRITTEN.replace(Some(Written::new()));
    let encoded = encode();
    WRITTEN.set(outer);
    encoded
}

/// Decodes on this thread what was encoded within [`encoding`].
pub fn decoding<T>(decode: impl FnOnce() -> T) -> T {
    let outer = READ.replace(Some(Read::new()));
    let decoded = decode();
    READ.set(outer);
    decoded
}

/// For `#[serde(with = "shared")]`.
pub fn serialize<S, T>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    T: ?Sized + Serialize + 'static,
{
    let key = (TypeId::of::<Arc<T>>(), Arc::as_ptr(value).cast::<()>().addr());
    let known = WRITTEN.with_borrow(|written| written.as_ref().and_then(|written| written.get(&key).copied()));
    if let Some(number) = known {
        let mut tuple = serializer.serialize_tuple(1)?;
        tuple.serialize_element(&number)?;
        return tuple.end();
    }
    let mut tuple = serializer.serialize_tuple(2)?;
    tuple.serialize_element(&0_u32)?;
    tuple.serialize_element(&**value)?;
    // After what is within it: so does the other side.
    WRITTEN.with_borrow_mut(|written| {
        if let Some(written) = written {
            let number = u32::try_from(written.len() + 1).unwrap_or(u32::MAX);
            written.insert(key, number);
        }
    });
    tuple.end()
}

/// For `#[serde(with = "shared")]`.
pub fn deserialize<'de, D, T>(deserializer: D) -> Result<Arc<T>, D::Error>
where
    D: Deserializer<'de>,
    T: ?Sized + 'static,
    Arc<T>: Deserialize<'de>,
{
    struct Shared<T: ?Sized>(PhantomData<T>);

    impl<'de, T> Visitor<'de> for Shared<T>
    where
        T: ?Sized + 'static,
        Arc<T>: Deserialize<'de>,
    {
        type Value = Arc<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, and a value behind the number 0")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Arc<T>, A::Error> {
            let missing = || A::Error::custom("a value that is shared is missing");
            let number: u32 = parts.next_element()?.ok_or_else(missing)?;
            let Some(place) = number.checked_sub(1) else {
                let value: Arc<T> = parts.next_element()?.ok_or_else(missing)?;
                READ.with_borrow_mut(|read| {
                    if let Some(read) = read {
                        read.push(Box::new(Arc::clone(&value)));
                    }
                });
                return Ok(value);
            };
            let known = READ.with_borrow(|read| {
                let known = read.as_ref()?.get(usize::try_from(place).ok()?)?;
                known.downcast_ref::<Arc<T>>().cloned()
            });
            known.ok_or_else(missing)
        }
    }

    deserializer.deserialize_tuple(2, Shared(PhantomData))
}

/// For `#[serde(with = "shared::list")]`.
pub mod list {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    #[serde(bound(serialize = "T: Serialize + 'static", deserialize = "T: Deserialize<'de> + 'static"))]
    struct Item<T>(#[serde(with = "super")] Arc<T>);

    /// For `#[serde(with = "shared::list")]`.
    pub fn serialize<S, T>(values: &[Arc<T>], serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: Serialize + 'static,
    {
        serializer.collect_seq(values.iter().map(|value| Item(Arc::clone(value))))
    }

    /// For `#[serde(with = "shared::list")]`.
    pub fn deserialize<'de, D, T>(deserializer: D) -> Result<Vec<Arc<T>>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de> + 'static,
    {
        let items = Vec::<Item<T>>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Answer {
        #[serde(with = "super")]
        first: Arc<String>,
        #[serde(with = "super::list")]
        all: Vec<Arc<String>>,
        #[serde(with = "super")]
        texts: Arc<[String]>,
        #[serde(with = "super")]
        again: Arc<[String]>,
    }

    #[test]
    fn what_is_shared_is_written_once_and_shared_again() {
        let (one, other) = (Arc::new("x".repeat(500)), Arc::new("y".to_owned()));
        let texts: Arc<[String]> = vec!["z".repeat(500)].into();
        let answer =
            Answer { first: one.clone(), all: vec![other, one.clone(), one], texts: texts.clone(), again: texts };
        let bytes = encoding(|| postcard::to_stdvec(&answer)).unwrap();
        assert!(bytes.len() < 1100, "{}", bytes.len());
        let read: Answer = decoding(|| postcard::from_bytes(&bytes)).unwrap();
        assert!(Arc::ptr_eq(&read.first, &read.all[1]) && Arc::ptr_eq(&read.first, &read.all[2]));
        assert!(Arc::ptr_eq(&read.texts, &read.again) && *read.all[0] == "y" && read.texts[0].len() == 500);
        // Numbers that were not given, and those of something else, are refused.
        assert!(postcard::from_bytes::<Answer>(&bytes).is_err(), "there is nothing that it could be shared with");
        for wrong in [[9, 0, 0], [1, 0, 0]] {
            assert!(decoding(|| postcard::from_bytes::<Answer>(&wrong)).is_err());
        }
    }

    #[test]
    fn alone_everything_is_written_out() {
        let text = Arc::new("x".to_owned());
        let answer =
            Answer { first: text.clone(), all: vec![text.clone(), text], texts: Arc::default(), again: Arc::default() };
        let bytes = postcard::to_stdvec(&answer).unwrap();
        let read: Answer = postcard::from_bytes(&bytes).unwrap();
        assert_eq!((read.first.as_str(), read.all.len(), read.again.len()), ("x", 2, 0));
    }
}
