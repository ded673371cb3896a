//! Traces that go on with what others began, where no session says so: a program that sends each of its calls as a trace
//! of its own.

use std::{collections::HashMap, time::Duration};

use duckdb::{Connection, named_params};

use crate::{
    model::{TraceId, nanoseconds},
    store::{
        DatabaseError,
        rows::{self, trace_id, trace_number},
    },
};

/// How long after a trace one may begin that goes on with it: tools take a while, and people who are asked.
const WITHIN: Duration = Duration::from_mins(5);
/// Most that are read with a trace, the first.
const MOST: u64 = 8;
/// Most spans of one.
const SPANS: u64 = 100;

/// Those of some traces whose tool calls have no result, or that are a call by itself; traces of sessions have none.
pub fn of(connection: &Connection, traces: &[TraceId]) -> Result<HashMap<TraceId, Vec<TraceId>>, DatabaseError> {
    let mut found: HashMap<TraceId, Vec<TraceId>> = HashMap::new();
    if traces.is_empty() {
        return Ok(found);
    }
    let mut statement = connection.prepare_cached(include_str!("followers.sql"))?;
    let mut selected = statement.query(named_params! {
        "traces": rows::uhugeints(traces.iter().map(trace_number)),
        "within": nanoseconds(WITHIN), "spans": SPANS, "most": MOST,
    })?;
    while let Some(row) = selected.next()? {
        if let (Some(own), Some(other)) = (trace_id(row.get(0)?), trace_id(row.get(1)?)) {
            found.entry(own).or_default().push(other);
        }
    }
    Ok(found)
}
