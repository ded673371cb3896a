//! The ids of what is stored once however often it is sent. Each is 16 bytes of a hash, and a type of its own; that of
//! messages and tool definitions is [`ContentId`], which other rooms see as well.

use std::hash::{BuildHasherDefault, Hasher};

use duckdb::{
    ToSql,
    types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef},
};

use crate::model::ContentId;

macro_rules! hash_ids {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        columns!($name);
    )* };
}

/// Reads and writes an id as a column of type `uhugeint`.
macro_rules! columns {
    ($name:ident) => {
        impl ToSql for $name {
            fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                u128::column_result(value).map(Self)
            }
        }

        impl From<$name> for u128 {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

columns!(ContentId);

hash_ids! {
    /// The id of a stored resource: of the BLAKE3 hash of its encoded form.
    ResourceId
    /// The id of a stored instrumentation scope: of the BLAKE3 hash of its encoded form.
    ScopeId
    /// The id of an image or document: of the SHA-256 of its decoded bytes, by which messages name it.
    BlobId
    /// The id of a stored log record, which OTLP gives none. See `group` for what it is a hash of.
    LogId
}

impl ResourceId {
    /// The id of a resource with this encoded form.
    pub(super) fn of(encoded: &[u8]) -> Self {
        Self(half(blake3::hash(encoded).as_bytes()))
    }
}

impl ScopeId {
    /// The id of a scope with this encoded form.
    pub(super) fn of(encoded: &[u8]) -> Self {
        Self(half(blake3::hash(encoded).as_bytes()))
    }
}

impl BlobId {
    /// The id of bytes with this SHA-256.
    pub(super) fn of(sha256: &[u8; 32]) -> Self {
        Self(half(sha256))
    }
}

/// The hash of a log record's raw form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLogHash(u128);

impl RawLogHash {
    /// The hash of an OTLP protobuf message.
    pub fn of(raw: &[u8]) -> Self {
        Self(half(blake3::hash(raw).as_bytes()))
    }
}

/// What a log record is known by: all that the hash in its [`LogId`] is made of.
pub struct LogIdentity<'a> {
    pub raw: RawLogHash,
    pub resource: ResourceId,
    pub scope: ScopeId,
    pub project: &'a str,
}

impl LogIdentity<'_> {
    /// The hash of the identity without a number: equal records of one submission have the same.
    pub fn hash(&self) -> IdentityHash {
        IdentityHash(self.hasher().finalize())
    }

    /// The id of the record; `number` tells it from equal ones: how many of them stand before it in its submission, or,
    /// of a record without a time, when it arrived.
    pub fn id(&self, number: u64) -> LogId {
        let mut hasher = self.hasher();
        hasher.update(&number.to_be_bytes());
        // Hashed twice, as it was since the first version: the ids of stored records depend on it.
        LogId(half(blake3::hash(hasher.finalize().as_bytes()).as_bytes()))
    }

    fn hasher(&self) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.raw.0.to_be_bytes());
        hasher.update(&self.resource.0.to_be_bytes());
        hasher.update(&self.scope.0.to_be_bytes());
        hasher.update(self.project.as_bytes());
        hasher
    }
}

/// See [`LogIdentity::hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdentityHash(blake3::Hash);

/// The first 16 bytes of a hash, as a number.
fn half(hash: &[u8; 32]) -> u128 {
    let (half, _) = hash.split_first_chunk::<16>().expect("16 bytes are half of 32");
    u128::from_be_bytes(*half)
}

/// Builds the hasher of sets and maps whose keys are such ids.
pub type BuildIdHasher = BuildHasherDefault<IdHasher>;

/// Hashes an id by its last eight bytes: it is a hash already.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}
