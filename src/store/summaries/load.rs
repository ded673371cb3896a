//! Loads what is stored of traces that are touched again.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use duckdb::{Connection, named_params};

use super::{CachedTrace, Summaries};
use crate::{
    assemble::SpanDigest,
    model::{SessionId, TraceId},
    store::{DatabaseError, rows, stored_ids::StoredIds},
};

impl Summaries {
    /// Begins a group that touches these traces: loads the stored digests of those that are not cached.
    pub fn load_missing(
        &mut self,
        connection: &Connection,
        stored_ids: &StoredIds,
        touched: &HashSet<TraceId>,
    ) -> Result<(), DatabaseError> {
        self.groups += 1;
        let touched_at = Some(Instant::now());
        let mut missing = Vec::new();
        for trace in touched {
            match self.traces.get_mut(trace) {
                Some(cached) => (cached.touched, cached.touched_at) = (self.groups, touched_at),
                None if stored_ids.traces.may_have(rows::trace_number(trace)) => missing.push(*trace),
                None => {
                    let steps = Some(Vec::new());
                    let cached = CachedTrace { touched: self.groups, touched_at, steps, ..CachedTrace::default() };
                    self.traces.insert(*trace, cached);
                }
            }
        }
        // In portions: a group may touch thousands of old traces, and all their messages are loaded with them.
        missing.chunks(64).try_for_each(|some| self.load(connection, some))
    }

    fn load(&mut self, connection: &Connection, traces: &[TraceId]) -> Result<(), DatabaseError> {
        let touched_at = Some(Instant::now());
        let empty = || CachedTrace { touched: self.groups, touched_at, ..CachedTrace::default() };
        let mut loaded: HashMap<_, _> = traces.iter().map(|trace| (*trace, empty())).collect();
        let stored = rows::load(connection, traces)?;
        for (span, rank) in &stored.spans {
            if let Some(cached) = loaded.get_mut(&span.trace) {
                cached.spans.insert(span.id, (cached.digests.len(), *rank));
                Arc::make_mut(&mut cached.digests).push(SpanDigest::of_span(span));
            }
        }
        for log in &stored.logs {
            if let Some(cached) = log.trace.and_then(|trace| loaded.get_mut(&trace)) {
                Arc::make_mut(&mut cached.digests).push(SpanDigest::of_log(log));
            }
        }
        for (trace, ended) in stored.program_ends {
            if let Some(cached) = loaded.get_mut(&trace) {
                cached.program_ended = Some(ended);
            }
        }
        let list = rows::uhugeints(traces.iter().map(rows::trace_number));
        let mut statement = connection.prepare_cached(include_str!("../queries/load_trace_contents.sql"))?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            if let Some(cached) = rows::trace_id(row.get(0)?).and_then(|trace| loaded.get_mut(&trace)) {
                cached.contents.insert(row.get(1)?);
            }
        }
        let mut statement = connection.prepare_cached(include_str!("../queries/load_sessions.sql"))?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            if let Some(cached) = rows::trace_id(row.get(0)?).and_then(|trace| loaded.get_mut(&trace)) {
                cached.session = row.get::<_, Option<String>>(1)?.as_deref().map(SessionId::from);
            }
        }
        self.digests += loaded.values().map(|cached| cached.digests.len()).sum::<usize>();
        self.traces.extend(loaded);
        Ok(())
    }
}
