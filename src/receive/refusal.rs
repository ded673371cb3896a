//! Why an export is refused. How that is answered is in `refusal_reply`.

use std::time::Duration;

use super::{
    budget,
    refusal_reply::{LONGEST_WAIT, seconds},
};
use crate::{model::IdError, store::StoreError};

/// Why an export is refused. The text is for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the body is not OTLP: {0}")]
    Malformed(String),
    #[error("the body cannot be decompressed: {0}")]
    Compressed(String),
    #[error("the body is too large; at most {} MiB are read, decompressed", budget::BODY >> 20)]
    TooLarge,
    #[error(
        "the body is too large: decoded it would take some {mib} MiB of memory, at most {} are given to one; send fewer \
         spans at once",
        budget::LARGEST >> 20
    )]
    TooMuch { mib: usize },
    #[error("the body did not arrive: {0}")]
    Unfinished(String),
    #[error("content type `{0}` is not OTLP; send application/x-protobuf or application/json")]
    ContentType(String),
    #[error("content encoding `{0}` is not known; send gzip, deflate, zstd or none")]
    ContentEncoding(String),
    #[error(transparent)]
    Project(#[from] IdError),
    #[error(
        "a token is needed here: authorization: Bearer TOKEN, of an SDK \
         OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN"
    )]
    NoToken,
    #[error("the token is not the one that this sideseat-tui was started with")]
    WrongToken,
    #[error("screens attach with a token only; start this sideseat-tui with --token")]
    Attach,
    #[error("a web page of `{0}` may not use this port")]
    Origin(String),
    #[error("`{0}` is no name of this machine; use localhost or its address")]
    Host(String),
    #[error("nothing is at this path; {0}")]
    Path(String),
    #[error("{0} is not for this path; exports are sent with POST")]
    Method(String),
    #[error("the store is behind; try again in {} s", seconds(*.retry_after))]
    Busy { retry_after: Duration },
    #[error("the store cannot write: {0}")]
    Failing(String),
    #[error("the store cannot write: {0}")]
    Disk(String),
    #[error("sideseat-tui is closing")]
    Closing,
    #[error("reading the body failed inside sideseat-tui; its log says where")]
    Panicked,
}

/// The kind of a refusal, by which it is counted: one for each thing that a person would do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    Malformed,
    TooLarge,
    /// A content type or encoding that is not OTLP's.
    WrongType,
    /// An unknown path or method, or a project with an invalid name.
    WrongPlace,
    Forbidden,
    NoToken,
    WrongToken,
    Busy,
    Failing,
    Panicked,
    /// A span or log record that was rejected in an export whose rest was accepted.
    BadItem,
}

impl Reason {
    /// Every reason, each at the place of its number.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::TooLarge,
        Self::WrongType,
        Self::WrongPlace,
        Self::Forbidden,
        Self::NoToken,
        Self::WrongToken,
        Self::Busy,
        Self::Failing,
        Self::Panicked,
        Self::BadItem,
    ];

    /// As it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "not OTLP",
            Self::TooLarge => "too large",
            Self::WrongType => "wrong content type",
            Self::WrongPlace => "wrong path",
            Self::Forbidden => "forbidden",
            Self::NoToken => "no token",
            Self::WrongToken => "wrong token",
            Self::Busy => "store behind",
            Self::Failing => "store failing",
            Self::Panicked => "panicked",
            Self::BadItem => "bad span or record",
        }
    }
}

impl Refusal {
    /// The reason by which it is counted.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Malformed(_) | Self::Compressed(_) | Self::Unfinished(_) => Reason::Malformed,
            Self::TooLarge | Self::TooMuch { .. } => Reason::TooLarge,
            Self::ContentType(_) | Self::ContentEncoding(_) => Reason::WrongType,
            Self::Project(_) | Self::Path(_) | Self::Method(_) => Reason::WrongPlace,
            Self::Origin(_) | Self::Host(_) | Self::Attach => Reason::Forbidden,
            Self::NoToken => Reason::NoToken,
            Self::WrongToken => Reason::WrongToken,
            Self::Busy { .. } => Reason::Busy,
            Self::Failing(_) | Self::Disk(_) | Self::Closing => Reason::Failing,
            Self::Panicked => Reason::Panicked,
        }
    }

    /// The refusal of a body that is too large, by its text.
    #[must_use]
    pub fn too_large(text: &str) -> Self {
        let mib = text.split_once("would take some ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        mib.map_or(Self::TooLarge, |mib| Self::TooMuch { mib })
    }

    /// How long the sender should wait before it tries again; `None` if the same export would be refused again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Failing(_) | Self::Closing => Some(LONGEST_WAIT),
            _ => None,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Panicked => Self::Panicked,
            StoreError::Failing(why) | StoreError::Query(why) => Self::Failing(why),
            StoreError::Disk(why) => Self::Disk(why),
            StoreError::Closed => Self::Closing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_place_and_a_name_of_its_own() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
        let names: std::collections::BTreeSet<_> = Reason::ALL.into_iter().map(Reason::as_str).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
