//! Stored spans and log records in their raw form, and how they are decoded.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use bytes::Bytes;
use duckdb::{Connection, Row, named_params, types::FromSql};

use super::{
    DatabaseError,
    hash_ids::{ResourceId, ScopeId},
    pieces::{Pieces, StoredRaw},
    rows::{self, blob, project, text},
};
use crate::{
    decode::{self, Malformed},
    model::{ContentId, LogRecord, Resource, Scope, Span},
};

/// The error for a stored form that cannot be decoded; `what` names its kind.
fn unreadable(what: &'static str, error: &Malformed) -> DatabaseError {
    DatabaseError::Unreadable { what, why: error.to_string() }
}

/// A span or log record in its raw form, with what is needed to decode it.
pub struct RawRecord {
    /// The project that it was sent to.
    project: String,
    /// Its OTLP protobuf message.
    raw: StoredRaw,
    /// Id of its resource.
    resource: ResourceId,
    /// Id of its instrumentation scope.
    scope: ScopeId,
}

impl RawRecord {
    /// Reads the columns with these indices from a row. `what` names the kind of record in errors.
    pub fn read(
        row: &Row,
        [project, raw, pieces, resource, scope]: [usize; 5],
        what: &'static str,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            project: text(row, project)?.to_owned(),
            raw: StoredRaw::of_row(what, row, raw, pieces)?,
            resource: row.get(resource)?,
            scope: row.get(scope)?,
        })
    }

    /// Decodes the raw form as a span, and returns both. The span is never marked as synthetic: the caller must do that.
    pub fn span(self, origins: &Origins) -> Result<(Span, Bytes), DatabaseError> {
        let (resource, scope) = origins.of(&self);
        let raw = self.raw.join(&origins.pieces)?;
        let span = decode::span_from_raw(&raw, project(&self.project), resource, scope);
        Ok((span.map_err(|error| unreadable("span", &error))?, raw))
    }

    /// Decodes the raw form as a log record, and returns both.
    pub fn log(self, origins: &Origins) -> Result<(LogRecord, Bytes), DatabaseError> {
        let (resource, scope) = origins.of(&self);
        let raw = self.raw.join(&origins.pieces)?;
        let log = decode::log_from_raw(&raw, project(&self.project), resource, scope);
        Ok((log.map_err(|error| unreadable("log record", &error))?, raw))
    }

    /// The pieces that are needed to decode it.
    pub fn pieces(&self) -> impl Iterator<Item = ContentId> {
        self.raw.pieces()
    }
}

/// What the rows of some spans or log records name: their resources, scopes and pieces, each loaded once.
#[derive(Default)]
pub struct Origins {
    /// By id.
    resources: HashMap<ResourceId, Arc<Resource>>,
    /// By id.
    scopes: HashMap<ScopeId, Arc<Scope>>,
    /// The pieces of their raw forms that stand apart.
    pieces: Pieces,
}

impl Origins {
    /// Loads what some raw records name.
    pub fn load<'a>(
        connection: &Connection,
        of: impl Iterator<Item = &'a RawRecord> + Clone,
    ) -> Result<Self, DatabaseError> {
        let pieces = Pieces::load(connection, of.clone().flat_map(RawRecord::pieces))?;
        Ok(Self { pieces, ..Self::without_pieces(connection, of)? })
    }

    /// Loads the resources and scopes that some raw records name.
    fn without_pieces<'a>(
        connection: &Connection,
        of: impl Iterator<Item = &'a RawRecord> + Clone,
    ) -> Result<Self, DatabaseError> {
        let resources = of.clone().map(|record| record.resource).collect();
        let scopes = of.map(|record| record.scope).collect();
        Ok(Self {
            resources: by_id(
                connection,
                include_str!("queries/resources_by_id.sql"),
                resources,
                "resource",
                decode::resource_from_raw,
            )?,
            scopes: by_id(
                connection,
                include_str!("queries/scopes_by_id.sql"),
                scopes,
                "scope",
                decode::scope_from_raw,
            )?,
            pieces: Pieces::default(),
        })
    }

    /// Of a damaged store: pieces that could be read, and the resources and scopes unless one of those cannot be. Without its
    /// resource or scope a record is still worth having.
    pub fn salvaged<'a>(
        connection: &Connection,
        of: impl Iterator<Item = &'a RawRecord> + Clone,
        pieces: Pieces,
    ) -> Self {
        Self { pieces, ..Self::without_pieces(connection, of).unwrap_or_default() }
    }

    /// The resource and scope of a raw record; empty ones if they are not stored.
    fn of(&self, record: &RawRecord) -> (Arc<Resource>, Arc<Scope>) {
        let resource = self.resources.get(&record.resource).cloned().unwrap_or_default();
        (resource, self.scopes.get(&record.scope).cloned().unwrap_or_default())
    }
}

/// Loads and decodes rows by id: the query selects id and encoded form. `what` is what an error calls them.
fn by_id<Id: Copy + Ord + Hash + FromSql + Into<u128>, T>(
    connection: &Connection,
    sql: &str,
    mut ids: Vec<Id>,
    what: &'static str,
    decode: fn(&[u8]) -> Result<T, Malformed>,
) -> Result<HashMap<Id, Arc<T>>, DatabaseError> {
    ids.sort_unstable();
    ids.dedup();
    let mut loaded = HashMap::new();
    if ids.is_empty() {
        return Ok(loaded);
    }
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(named_params! { "ids": rows::uhugeints(ids.into_iter()) })?;
    while let Some(row) = found.next()? {
        let decoded = decode(blob(row, 1)?).map_err(|error| unreadable(what, &error))?;
        loaded.insert(row.get(0)?, Arc::new(decoded));
    }
    Ok(loaded)
}
