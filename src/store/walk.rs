//! The store for programs: everything picked, piece by piece, so that an export needs no more memory than its largest
//! session.

use std::{collections::HashMap, sync::Arc};

use duckdb::{Connection, Row, named_params, types::Value as Sql};

use super::{
    DatabaseError, Store, StoreError,
    pack::unpack,
    queries,
    rows::{self, blob, project, text, trace_id, trace_number},
};
use crate::{
    decode::{self, Malformed},
    model::{LogRecord, Resource, Scope, SessionId, Span, TraceId, TraceRows},
};

/// Which traces and log records are meant; all of these must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    pub trace: Option<TraceId>,
    pub session: Option<SessionId>,
    pub project: Option<String>,
}

/// A stored log record's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId(u128);

impl Store {
    /// The traces picked, in the order in which they began.
    pub fn trace_ids(&self, pick: &Pick) -> Result<Vec<TraceId>, StoreError> {
        Ok(self.picked(pick)?.into_iter().map(|(trace, _)| trace).collect())
    }

    /// The traces picked, those of a session together, because [`crate::assemble::session`] wants them together. In
    /// the order in which they began, a session where its first trace is.
    pub fn sessions(&self, pick: &Pick) -> Result<Vec<Vec<TraceId>>, StoreError> {
        let mut sessions: Vec<Vec<TraceId>> = Vec::new();
        let mut places = HashMap::new();
        for (trace, session) in self.picked(pick)? {
            let place = session.map_or(sessions.len(), |session| *places.entry(session).or_insert(sessions.len()));
            match sessions.get_mut(place) {
                Some(traces) => traces.push(trace),
                None => sessions.push(vec![trace]),
            }
        }
        Ok(sessions)
    }

    /// The session of a trace; `None` if it has none, or there is no such trace.
    pub fn session_of(&self, trace: TraceId) -> Result<Option<SessionId>, StoreError> {
        let pick = Pick { trace: Some(trace), ..Pick::default() };
        Ok(self.picked(&pick)?.into_iter().find_map(|(_, session)| session))
    }

    /// All that is known of some traces, in the order asked for; equal messages share one allocation.
    pub fn rows(&self, traces: &[TraceId]) -> Result<Vec<TraceRows>, StoreError> {
        let load = |connection: &Connection| {
            queries::at_one_moment(connection, || Ok(rows::load(connection, traces)?.by_trace(traces)))
        };
        Ok(self.connection.with(load)?)
    }

    /// The spans of a trace as they arrived, in the order in which they began.
    pub fn raw_spans(&self, trace: TraceId) -> Result<Vec<Span>, StoreError> {
        let ask = |connection: &Connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/raw_spans_of_trace.sql"))?;
            let mut found = statement.query(named_params! { "trace": trace_number(&trace) })?;
            let mut spans = Vec::new();
            while let Some(row) = found.next()? {
                spans.push((Arrived::read(row, [0, 2, 3, 4], "span")?, row.get(1)?));
            }
            let origins = Origins::load(connection, spans.iter().map(|(arrived, _)| arrived))?;
            let read = |(arrived, synthetic): (Arrived, bool)| Ok(Span { synthetic, ..arrived.span(&origins)? });
            spans.into_iter().map(read).collect()
        };
        Ok(self.connection.with(ask)?)
    }

    /// The log records picked, in the order in which they were made; also those without a trace, if none is asked for.
    pub fn log_ids(&self, pick: &Pick) -> Result<Vec<LogId>, StoreError> {
        let ask = |connection: &Connection| {
            ask(connection, include_str!("queries/pick_logs.sql"), pick, |row| Ok(Some(LogId(row.get(0)?))))
        };
        Ok(self.connection.with(ask)?)
    }

    /// Some log records as they arrived, in the order in which they were made.
    pub fn raw_logs(&self, ids: &[LogId]) -> Result<Vec<LogRecord>, StoreError> {
        let ids = rows::uhugeints(ids.iter().map(|id| id.0));
        let ask = |connection: &Connection| {
            let mut statement = connection.prepare_cached(include_str!("queries/raw_logs_by_id.sql"))?;
            let mut found = statement.query(named_params! { "ids": ids })?;
            let mut logs = Vec::new();
            while let Some(row) = found.next()? {
                logs.push(Arrived::read(row, [0, 1, 2, 3], "log record")?);
            }
            let origins = Origins::load(connection, logs.iter())?;
            logs.iter().map(|arrived| arrived.log(&origins)).collect()
        };
        Ok(self.connection.with(ask)?)
    }

    fn picked(&self, pick: &Pick) -> Result<Vec<(TraceId, Option<SessionId>)>, StoreError> {
        let ask = |connection: &Connection| {
            ask(connection, include_str!("queries/pick_traces.sql"), pick, |row| {
                let session: Option<String> = row.get(1)?;
                Ok(trace_id(row.get(0)?).map(|trace| (trace, session.as_deref().map(SessionId::from))))
            })
        };
        Ok(self.connection.with(ask)?)
    }
}

fn ask<T>(
    connection: &Connection,
    sql: &str,
    pick: &Pick,
    read: impl Fn(&Row) -> Result<Option<T>, DatabaseError>,
) -> Result<Vec<T>, DatabaseError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(named_params! {
        "trace": pick.trace.map_or(Sql::Null, |trace| Sql::UHugeInt(trace_number(&trace))),
        "session": pick.session.as_ref().map(SessionId::as_str),
        "project": pick.project,
    })?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.extend(read(row)?);
    }
    Ok(rows)
}

fn unreadable(what: &'static str, error: &Malformed) -> DatabaseError {
    DatabaseError::Unreadable { what, why: error.to_string() }
}

/// A raw form, and the ids of what made it.
pub struct Arrived {
    project: String,
    pub raw: Vec<u8>,
    resource: u128,
    scope: u128,
}

impl Arrived {
    /// Reads the columns of these numbers.
    pub fn read(
        row: &Row,
        [project, raw, resource, scope]: [usize; 4],
        what: &'static str,
    ) -> Result<Self, DatabaseError> {
        Ok(Self {
            project: text(row, project)?.to_owned(),
            raw: unpack(what, blob(row, raw)?)?.into_owned(),
            resource: row.get(resource)?,
            scope: row.get(scope)?,
        })
    }

    pub fn span(&self, origins: &Origins) -> Result<Span, DatabaseError> {
        let (resource, scope) = origins.of(self);
        let span = decode::span_from_raw(&self.raw, project(&self.project), resource, scope);
        span.map_err(|error| unreadable("span", &error))
    }

    pub fn log(&self, origins: &Origins) -> Result<LogRecord, DatabaseError> {
        let (resource, scope) = origins.of(self);
        let log = decode::log_from_raw(&self.raw, project(&self.project), resource, scope);
        log.map_err(|error| unreadable("log record", &error))
    }
}

/// The resources and scopes of some spans or log records, each once.
pub struct Origins {
    resources: HashMap<u128, Arc<Resource>>,
    scopes: HashMap<u128, Arc<Scope>>,
}

impl Origins {
    pub fn load<'a>(
        connection: &Connection,
        of: impl Iterator<Item = &'a Arrived> + Clone,
    ) -> Result<Self, DatabaseError> {
        let resources = of.clone().map(|arrived| arrived.resource).collect();
        let scopes = of.map(|arrived| arrived.scope).collect();
        Ok(Self {
            resources: named(
                connection,
                include_str!("queries/resources_by_id.sql"),
                resources,
                "resource",
                decode::resource_from_raw,
            )?,
            scopes: named(
                connection,
                include_str!("queries/scopes_by_id.sql"),
                scopes,
                "scope",
                decode::scope_from_raw,
            )?,
        })
    }

    fn of(&self, arrived: &Arrived) -> (Arc<Resource>, Arc<Scope>) {
        let resource = self.resources.get(&arrived.resource).cloned().unwrap_or_default();
        (resource, self.scopes.get(&arrived.scope).cloned().unwrap_or_default())
    }
}

fn named<T>(
    connection: &Connection,
    sql: &str,
    mut ids: Vec<u128>,
    what: &'static str,
    decode: fn(&[u8]) -> Result<T, Malformed>,
) -> Result<HashMap<u128, Arc<T>>, DatabaseError> {
    ids.sort_unstable();
    ids.dedup();
    let mut named = HashMap::new();
    if ids.is_empty() {
        return Ok(named);
    }
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(named_params! { "ids": rows::uhugeints(ids.into_iter()) })?;
    while let Some(row) = found.next()? {
        let thing = decode(blob(row, 1)?).map_err(|error| unreadable(what, &error))?;
        named.insert(row.get(0)?, Arc::new(thing));
    }
    Ok(named)
}
