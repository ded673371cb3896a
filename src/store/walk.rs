//! What commands read of the store: all traces and log records that are picked. They are read a session or a trace at
//! a time, so that an export needs no more memory than its largest session.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, Row, named_params, types::Value as Sql};

use super::{
    DatabaseError, Store, StoreError, adoption,
    hash_ids::LogId,
    open::is_out_of_memory,
    queries, received,
    rows::{self, trace_id, trace_number},
};
use crate::model::{Filter, LogRecord, Page, SessionId, Span, TraceId, TraceRows, TraceSummary};

/// Which traces and log records are picked: those for which all that is set holds. The default picks everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// Only this trace.
    pub trace: Option<TraceId>,
    /// Only traces of this session; of log records those whose trace is of it, or that name it themselves.
    pub session: Option<SessionId>,
    /// Only traces of this project; of log records those whose trace is of it, or that were sent to it without one.
    pub project: Option<String>,
    /// Only traces that this filter lets through, and their log records. Empty: all.
    pub filter: String,
}

/// A trace that was picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    pub trace: TraceId,
    /// Its session; `None` if it has none.
    pub session: Option<SessionId>,
    /// Number of its spans.
    pub spans: u64,
}

impl Store {
    /// The traces picked, grouped by session as [`by_session`] groups them.
    pub fn sessions(&self, pick: &Pick) -> Result<Vec<Vec<Picked>>, StoreError> {
        Ok(by_session(self.picked(pick)?))
    }

    /// The newest traces of all sessions that the filter lets through, oldest first.
    pub fn list_traces(&self, filter: &Filter, limit: usize) -> Result<Page<TraceSummary>, StoreError> {
        Ok(self.connection.with_room(|connection: &Connection| queries::all_traces(connection, filter, limit))?)
    }

    /// The session of a trace; `None` if it has none, or if there is no such trace.
    pub fn session_of(&self, trace: TraceId) -> Result<Option<SessionId>, StoreError> {
        let pick = Pick { trace: Some(trace), ..Pick::default() };
        Ok(self.picked(&pick)?.into_iter().find_map(|picked| picked.session))
    }

    /// The spans and log records of some traces with their translations, in the order of `traces`, all as of one
    /// moment. Equal messages share one allocation.
    pub fn rows(&self, traces: &[TraceId]) -> Result<Vec<TraceRows>, StoreError> {
        in_parts(traces, &|traces| {
            let load = |connection: &Connection| {
                queries::at_one_moment(connection, || Ok(rows::load(connection, traces)?.by_trace(traces)))
            };
            Ok(self.connection.with_room(load)?)
        })
    }

    /// The traces that may hold what the tools of some traces returned, by trace (`queries/followers.sql`).
    pub fn followers(&self, traces: &[TraceId]) -> Result<HashMap<TraceId, Vec<TraceId>>, StoreError> {
        Ok(self.connection.with_room(|connection: &Connection| queries::followers::of(connection, traces))?)
    }

    /// The spans of some traces as they were received, those of each by start; traces without spans are left out.
    pub fn raw_spans(&self, traces: &[TraceId]) -> Result<HashMap<TraceId, Vec<Span>>, StoreError> {
        in_parts(traces, &|traces| self.raw_spans_at_once(traces))
    }

    fn raw_spans_at_once(&self, traces: &[TraceId]) -> Result<HashMap<TraceId, Vec<Span>>, StoreError> {
        let read = |connection: &Connection| queries::at_one_moment(connection, || received::spans(connection, traces));
        Ok(self.connection.with_room(read)?)
    }

    /// The log records picked, by time; also those without a trace, unless the pick names one.
    pub fn log_ids(&self, pick: &Pick) -> Result<Vec<LogId>, StoreError> {
        let ask = |connection: &Connection| {
            queries::at_one_moment(connection, || {
                let pick = &followed(connection, pick)?;
                let passing = passing(connection, pick)?;
                let logs = ask(connection, include_str!("queries/pick_logs.sql"), pick, |row| {
                    let trace = row.get::<_, Option<u128>>(1)?.and_then(trace_id);
                    Ok(Some((row.get(0)?, trace)))
                })?;
                let passes = |trace: Option<TraceId>| {
                    passing.as_ref().is_none_or(|ids| trace.is_some_and(|id| ids.contains(&id)))
                };
                Ok(logs.into_iter().filter(|(_, trace)| passes(*trace)).map(|(id, _)| id).collect())
            })
        };
        Ok(self.connection.with_room(ask)?)
    }

    /// The log records of some traces, by time.
    pub fn log_ids_of(&self, traces: &[TraceId]) -> Result<Vec<LogId>, StoreError> {
        Ok(self.connection.with_room(|connection: &Connection| received::log_ids(connection, traces))?)
    }

    /// Some log records as they were received, by time; ids that are not stored are left out.
    pub fn raw_logs(&self, ids: &[LogId]) -> Result<Vec<LogRecord>, StoreError> {
        in_parts(ids, &|ids| self.raw_logs_at_once(ids))
    }

    fn raw_logs_at_once(&self, ids: &[LogId]) -> Result<Vec<LogRecord>, StoreError> {
        let read = |connection: &Connection| queries::at_one_moment(connection, || received::logs(connection, ids));
        Ok(self.connection.with_room(read)?)
    }

    /// The traces picked, by start. Of a trace that is in another one that is picked.
    pub fn picked(&self, pick: &Pick) -> Result<Vec<Picked>, StoreError> {
        let ask = |connection: &Connection| {
            queries::at_one_moment(connection, || {
                let pick = &followed(connection, pick)?;
                let passing = passing(connection, pick)?;
                let mut picked = ask(connection, include_str!("queries/pick_traces.sql"), pick, |row| {
                    let session = row.get::<_, Option<String>>(1)?.as_deref().map(SessionId::from);
                    let spans = row.get(2)?;
                    Ok(trace_id(row.get(0)?).map(|trace| Picked { trace, session, spans }))
                })?;
                picked.retain(|picked| passing.as_ref().is_none_or(|ids| ids.contains(&picked.trace)));
                Ok(picked)
            })
        };
        Ok(self.connection.with_room(ask)?)
    }
}

/// Groups traces, ordered by start, by session, as [`crate::assemble::session`] takes them; a trace without a session is a
/// group of its own. Groups are ordered by their first trace.
pub fn by_session(traces: Vec<Picked>) -> Vec<Vec<Picked>> {
    let mut sessions: Vec<Vec<Picked>> = Vec::new();
    let mut places = HashMap::new();
    for picked in traces {
        let session = picked.session.clone();
        let place = session.map_or(sessions.len(), |session| *places.entry(session).or_insert(sessions.len()));
        match sessions.get_mut(place) {
            Some(traces) => traces.push(picked),
            None => sessions.push(vec![picked]),
        }
    }
    sessions
}

/// A pick with the trace that its trace is in.
fn followed(connection: &Connection, pick: &Pick) -> Result<Pick, DatabaseError> {
    let Some(trace) = pick.trace else { return Ok(pick.clone()) };
    let adopters = adoption::adopters(connection, [trace].into_iter())?;
    let trace = adopters.get(&trace).map_or(trace, |to| to.adopter);
    Ok(Pick { trace: Some(trace), ..pick.clone() })
}

/// The traces that the filter of a pick lets through; `None` where it has none.
fn passing(connection: &Connection, pick: &Pick) -> Result<Option<HashSet<TraceId>>, DatabaseError> {
    if pick.filter.trim().is_empty() {
        return Ok(None);
    }
    let filter = Filter { text: pick.filter.clone(), ..Filter::default() };
    Ok(Some(queries::passing(connection, &filter)?))
}

/// Loads what some ids name: at once, else, where texts are so long that the engine's memory does not hold all of it, one
/// half after the other.
fn in_parts<I, T>(ids: &[I], load: &dyn Fn(&[I]) -> Result<T, StoreError>) -> Result<T, StoreError>
where
    T: IntoIterator + Extend<T::Item>,
{
    match load(ids) {
        Err(StoreError::Query(why)) if ids.len() > 1 && is_out_of_memory(&why) => {
            let (first, second) = ids.split_at(ids.len() / 2);
            let mut loaded = in_parts(first, load)?;
            loaded.extend(in_parts(second, load)?);
            Ok(loaded)
        }
        loaded => loaded,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_memory_at_once_is_loaded_in_parts_in_order() {
        let most = |most: usize| {
            move |ids: &[u32]| match ids.len() {
                count if count > most => Err(StoreError::Query("Out of Memory Error: could not allocate".into())),
                _ => Ok(ids.to_vec()),
            }
        };
        let ids: Vec<u32> = (0..9).collect();
        assert_eq!(in_parts(&ids, &most(9)), Ok(ids.clone()));
        assert_eq!(in_parts(&ids, &most(2)), Ok(ids.clone()));
        assert!(in_parts(&ids, &most(0)).is_err(), "not even one fits");
        let other = |_: &[u32]| -> Result<Vec<u32>, _> { Err(StoreError::Closed) };
        assert_eq!(in_parts(&ids, &other), Err(StoreError::Closed));
    }
}
