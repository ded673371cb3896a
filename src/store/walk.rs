//! The store for exports and other programs: all traces and log records that are picked, piece by piece, so that an
//! export needs no more memory than its largest session.

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

/// Which traces and log records are picked: those for which all that is set holds. The default picks everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// Only this trace.
    pub trace: Option<TraceId>,
    /// Only traces of this session; of log records those whose trace is of it, or that name it themselves.
    pub session: Option<SessionId>,
    /// Only traces of this project; of log records those whose trace is of it, or that were sent to it without one.
    pub project: Option<String>,
}

/// The id of a stored log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogId(u128);

impl Store {
    /// The traces picked, by start.
    pub fn trace_ids(&self, pick: &Pick) -> Result<Vec<TraceId>, StoreError> {
        Ok(self.picked(pick)?.into_iter().map(|(trace, _)| trace).collect())
    }

    /// The traces picked, grouped by session, as [`crate::assemble::session`] takes them; a trace without a session is
    /// a group of its own. Traces are ordered by start, and groups by their first trace.
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

    /// The session of a trace; `None` if it has none, or if there is no such trace.
    pub fn session_of(&self, trace: TraceId) -> Result<Option<SessionId>, StoreError> {
        let pick = Pick { trace: Some(trace), ..Pick::default() };
        Ok(self.picked(&pick)?.into_iter().find_map(|(_, session)| session))
    }

    /// The spans and log records of some traces with their translations, in the order of `traces`, all as of one
    /// moment. Equal messages share one allocation.
    pub fn rows(&self, traces: &[TraceId]) -> Result<Vec<TraceRows>, StoreError> {
        let load = |connection: &Connection| {
            queries::at_one_moment(connection, || Ok(rows::load(connection, traces)?.by_trace(traces)))
        };
        Ok(self.connection.with(load)?)
    }

    /// The spans of a trace as they were received, by start.
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

    /// The log records picked, by time; also those without a trace, unless the pick names one.
    pub fn log_ids(&self, pick: &Pick) -> Result<Vec<LogId>, StoreError> {
        let ask = |connection: &Connection| {
            ask(connection, include_str!("queries/pick_logs.sql"), pick, |row| Ok(Some(LogId(row.get(0)?))))
        };
        Ok(self.connection.with(ask)?)
    }

    /// Some log records as they were received, by time; ids that are not stored are left out.
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

    /// The traces picked, by start, each with its session.
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

/// Runs a query with a pick as its parameters. Rows for which `read` returns `None` are left out.
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

/// The error for a stored form that cannot be decoded; `what` names its kind.
fn unreadable(what: &'static str, error: &Malformed) -> DatabaseError {
    DatabaseError::Unreadable { what, why: error.to_string() }
}

/// A span or log record in its raw form, with what is needed to decode it.
pub struct Arrived {
    /// The project that it was sent to.
    project: String,
    /// Its OTLP protobuf message, unpacked.
    pub raw: Vec<u8>,
    /// Id of its resource.
    resource: u128,
    /// Id of its instrumentation scope.
    scope: u128,
}

impl Arrived {
    /// Reads the columns with these indices from a row. `what` names the kind of record in errors.
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

    /// Decodes the raw form as a span. It is never marked as synthetic: the caller must do that.
    pub fn span(&self, origins: &Origins) -> Result<Span, DatabaseError> {
        let (resource, scope) = origins.of(self);
        let span = decode::span_from_raw(&self.raw, project(&self.project), resource, scope);
        span.map_err(|error| unreadable("span", &error))
    }

    /// Decodes the raw form as a log record.
    pub fn log(&self, origins: &Origins) -> Result<LogRecord, DatabaseError> {
        let (resource, scope) = origins.of(self);
        let log = decode::log_from_raw(&self.raw, project(&self.project), resource, scope);
        log.map_err(|error| unreadable("log record", &error))
    }
}

/// The resources and scopes of some spans or log records, each loaded once.
pub struct Origins {
    /// By id.
    resources: HashMap<u128, Arc<Resource>>,
    /// By id.
    scopes: HashMap<u128, Arc<Scope>>,
}

impl Origins {
    /// Loads the resources and scopes that some raw records name.
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

    /// The resource and scope of a raw record; empty ones if they are not stored.
    fn of(&self, arrived: &Arrived) -> (Arc<Resource>, Arc<Scope>) {
        let resource = self.resources.get(&arrived.resource).cloned().unwrap_or_default();
        (resource, self.scopes.get(&arrived.scope).cloned().unwrap_or_default())
    }
}

/// Loads and decodes rows by id: the query selects id and encoded form. `what` names their kind in errors.
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
