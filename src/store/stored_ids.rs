//! The ids of all that is stored, in memory, so that the writer need not query before it appends.

use std::{collections::HashSet, hash::Hash};

use duckdb::{Connection, types::FromSql};

use super::{
    DatabaseError,
    hash_ids::{BlobId, BuildIdHasher, LogId, ResourceId, ScopeId},
    rows,
};
use crate::model::{ContentId, TraceId};

/// A set of ids. They are kept whole, not by half: of two contents with the same id one would be lost.
pub type Ids<T> = HashSet<T, BuildIdHasher>;

/// All that was ever stored. A million contents or log records take about 36 MB.
#[derive(Default)]
pub struct StoredIds {
    pub contents: Ids<ContentId>,
    pub blobs: Ids<BlobId>,
    pub resources: Ids<ResourceId>,
    pub scopes: Ids<ScopeId>,
    pub logs: Ids<LogId>,
    /// The traces of which something is stored; all that have a row in `traces` are among them. Which spans they have,
    /// `summaries` knows.
    pub traces: HashSet<TraceId>,
}

impl StoredIds {
    /// Reads the ids of every table. Takes as long as there are rows; it is done once after the file was opened.
    pub fn load(connection: &Connection) -> Result<Self, DatabaseError> {
        Ok(Self {
            contents: ids(connection, "select id from contents")?,
            blobs: ids(connection, "select id from blobs")?,
            resources: ids(connection, "select id from resources")?,
            scopes: ids(connection, "select id from scopes")?,
            logs: ids(connection, "select id from logs")?,
            traces: ids::<u128>(connection, "select trace from traces")?
                .into_iter()
                .filter_map(rows::trace_id)
                .collect(),
        })
    }
}

fn ids<T: FromSql + Eq + Hash>(connection: &Connection, sql: &str) -> Result<Ids<T>, DatabaseError> {
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}
