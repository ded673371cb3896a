//! The ids of all that is stored, in memory, so that the writer need not query before it appends.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
};

use duckdb::Connection;

use super::{DatabaseError, rows};
use crate::model::{ContentId, TraceId};

/// Ids that are hashes already. They are kept whole: of two contents of one id, one would be lost.
pub type Ids = HashSet<u128, BuildHasherDefault<IdHasher>>;

/// All that was ever stored; a million contents or log records take about 36 MB.
#[derive(Default)]
pub struct StoredIds {
    pub contents: Ids,
    pub blobs: Ids,
    pub resources: Ids,
    pub scopes: Ids,
    pub logs: Ids,
    /// Those that have a row in `traces`; which spans they have, `settle` knows.
    pub traces: HashSet<TraceId>,
}

impl StoredIds {
    pub fn load(connection: &Connection) -> Result<Self, DatabaseError> {
        let ids = |sql: &str| -> Result<Ids, DatabaseError> {
            let mut statement = connection.prepare(sql)?;
            let mut found = statement.query([])?;
            let mut ids = Ids::default();
            while let Some(row) = found.next()? {
                ids.insert(row.get(0)?);
            }
            Ok(ids)
        };
        Ok(Self {
            contents: ids("select id from contents")?,
            blobs: ids("select id from blobs")?,
            resources: ids("select id from resources")?,
            scopes: ids("select id from scopes")?,
            logs: ids("select id from logs")?,
            traces: ids("select trace from traces")?.into_iter().filter_map(rows::trace_id).collect(),
        })
    }

    pub fn has_content(&self, id: ContentId) -> bool {
        self.contents.contains(&id.0)
    }
}

/// Hashes a hash: its last eight bytes are as good as any.
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
