//! Names of things: traces, spans, sessions, projects, contents.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Why a text or some bytes are not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("an id of {found} bytes; {wanted} are needed")]
    Length { found: usize, wanted: usize },
    #[error("an id of zeroes")]
    Zero,
    #[error("`{0}` is not {1} hex digits")]
    NotHex(String, usize),
    #[error("`{0}` is not a project: 1 to 64 of A-Z a-z 0-9 _ -")]
    Project(String),
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Reads an id off the wire.
            ///
            /// All zeroes means "no id" in OTLP, so it is an error here.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
                let bytes: [u8; $bytes] =
                    bytes.try_into().map_err(|_| IdError::Length { found: bytes.len(), wanted: $bytes })?;
                if bytes == [0; $bytes] { Err(IdError::Zero) } else { Ok(Self(bytes)) }
            }

            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0_u8; $bytes * 2];
                hex::encode_to_slice(self.0, &mut text).expect("it is twice as long");
                f.pad(std::str::from_utf8(&text).expect("hex digits are ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| IdError::NotHex(text.to_owned(), $bytes * 2))?;
                Self::from_bytes(&bytes)
            }
        }
    };
}

id!(
    /// A trace's id: 16 bytes, not all zero. Shown as 32 lower-case hex digits.
    TraceId,
    16
);
id!(
    /// A span's id: 8 bytes, not all zero, unique within its trace. Shown as 16 lower-case hex digits.
    SpanId,
    8
);

/// The hash of a content: the first 16 bytes of BLAKE3 over its stored form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentId(pub u128);

impl ContentId {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let hash = blake3::hash(bytes);
        let (first, _) = hash.as_bytes().split_first_chunk::<16>().expect("BLAKE3 gives 32 bytes");
        Self(u128::from_be_bytes(*first))
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A session's (conversation's) id, as the application gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub Arc<str>);

impl SessionId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SessionId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What `POST /otel/{project}/v1/traces` calls a project: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Project(Arc<str>);

impl Project {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Project {
    fn default() -> Self {
        Self("default".into())
    }
}

impl FromStr for Project {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(IdError::Project(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_what_it_wrote() {
        let id: TraceId = "0AF7651916cd43dd8448eb211c80319c".parse().unwrap();
        assert_eq!(id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!("0000000000000000".parse::<SpanId>(), Err(IdError::Zero));
        assert!("00000000000000é".parse::<SpanId>().is_err());
    }

    #[test]
    fn a_project_is_a_short_plain_word() {
        assert!("my_app-2".parse::<Project>().is_ok());
        for wrong in ["", "a/b", "ü", &"x".repeat(65)] {
            assert!(wrong.parse::<Project>().is_err(), "{wrong}");
        }
    }
}
