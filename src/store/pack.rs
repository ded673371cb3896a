//! Bytes as they are stored: compressed if that makes them smaller, after one byte that marks whether they are.

use std::{borrow::Cow, cell::RefCell};

use zstd::bulk::Compressor;

use super::DatabaseError;

/// The first byte of what is not compressed.
const PLAIN: u8 = 0;
/// The first byte of what is one zstd frame. `pieces` has another.
const ZSTD: u8 = 1;

/// Bytes up to which nothing is compressed: it would save less than the frame and the time cost.
const WORTH_IT: usize = 512;

thread_local! {
    /// One for each thread: making one takes longer (5 µs) than compressing a span. `None` if zstd has no memory for it.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(1).ok());
}

/// The stored form of some bytes.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() > WORTH_IT
        && let Some(squeezed) = COMPRESSOR.with_borrow_mut(|squeeze| squeeze.as_mut()?.compress(bytes).ok())
        && squeezed.len() < bytes.len()
    {
        return marked(ZSTD, &squeezed);
    }
    marked(PLAIN, bytes)
}

fn marked(mark: u8, bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() + 1);
    packed.push(mark);
    packed.extend_from_slice(bytes);
    packed
}

/// The bytes of a stored form. `what` is what an error calls them.
pub fn unpack<'a>(what: &'static str, packed: &'a [u8]) -> Result<Cow<'a, [u8]>, DatabaseError> {
    let unreadable = |why: String| DatabaseError::Unreadable { what, why };
    match packed.split_first() {
        Some((&PLAIN, bytes)) => Ok(Cow::Borrowed(bytes)),
        Some((&ZSTD, squeezed)) => {
            zstd::decode_all(squeezed).map(Cow::Owned).map_err(|error| unreadable(error.to_string()))
        }
        Some((mark, _)) => Err(unreadable(format!("its first byte is {mark}"))),
        None => Err(unreadable("it is empty".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_whether_it_shrinks_or_not() {
        let noise: Vec<u8> = (0..2000_u32).map(|n| blake3::hash(&n.to_le_bytes()).as_bytes()[0]).collect();
        for bytes in [&b""[..], b"short", &[7; 5000], &noise] {
            assert_eq!(unpack("test", &pack(bytes)).unwrap(), bytes);
        }
        assert!(pack(&[7; 5000]).len() < 100);
        assert!(unpack("test", b"").is_err() && unpack("test", b"\x09abc").is_err());
    }
}
