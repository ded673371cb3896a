//! Records that are stored in another place than they name, or than they had.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, named_params};

use super::{
    DatabaseError,
    hash_ids::LogId,
    moved_spans,
    prepared::{PreparedLog, PreparedSpan},
    rows::{trace_number, uhugeints},
};
use crate::model::{SpanId, TraceId};

/// A span of a trace.
pub type Place = (TraceId, SpanId);

/// What a group puts elsewhere: responses at the spans of their requests (`exchange_halves`), and whole traces into others
/// (`adoption`).
#[derive(Default)]
pub struct Placements {
    /// The responses of the group that are at the span of their request.
    pub placed: HashMap<LogId, PreparedLog>,
    /// The spans of the group that stand for these alone, and are not made.
    pub unmade: HashSet<Place>,
    /// Stored log records that are somewhere else now.
    pub moved: Vec<(LogId, PreparedLog)>,
    /// Spans that moved log records stand for, because their request belongs to another now; and those of adopted traces, as
    /// they are in the trace that adopts them.
    pub made: Vec<PreparedSpan>,
    /// Where moved log records were.
    pub left: Vec<Place>,
    /// The traces whose spans and log records are all in others now.
    pub adopted: Vec<TraceId>,
}

impl Placements {
    /// Deletes the rows of what is moved, and the spans that stood for it. The caller must have begun a transaction,
    /// and stores in it what is moved.
    pub fn take_out(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if !self.moved.is_empty() {
            let ids = uhugeints(self.moved.iter().map(|(id, _)| *id));
            connection
                .prepare_cached(include_str!("queries/delete_logs.sql"))?
                .execute(named_params! { "ids": ids })?;
            moved_spans::delete(connection, self.left.iter().copied())?;
        }
        if !self.adopted.is_empty() {
            let traces = uhugeints(self.adopted.iter().map(trace_number));
            let sql = "delete from spans where trace in (select unnest($traces::uhugeint[]) as trace)";
            connection.prepare_cached(sql)?.execute(named_params! { "traces": traces })?;
        }
        Ok(())
    }

    /// The traces that something is taken out of.
    pub fn left_traces(&self) -> impl Iterator<Item = TraceId> {
        self.left.iter().map(|(trace, _)| *trace).chain(self.adopted.iter().copied())
    }

    /// The traces that something is taken out of, or comes into.
    pub fn traces(&self) -> impl Iterator<Item = TraceId> {
        let logs = self.placed.values().chain(self.moved.iter().map(|(_, log)| log));
        let spans = self.made.iter().map(|span| span.row.trace);
        self.left_traces().chain(logs.filter_map(|log| log.row.trace)).chain(spans)
    }
}
