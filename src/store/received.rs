//! Spans and log records as they were received.

use std::collections::HashMap;

use duckdb::{Connection, named_params};

use super::{
    DatabaseError,
    hash_ids::LogId,
    raw_records::{Origins, RawRecord},
    rows::{self, trace_id, trace_number},
};
use crate::model::{LogRecord, Span, TraceId};

/// The spans of some traces, those of each by start; traces without spans are left out.
pub fn spans(connection: &Connection, traces: &[TraceId]) -> Result<HashMap<TraceId, Vec<Span>>, DatabaseError> {
    let list = rows::uhugeints(traces.iter().map(trace_number));
    let mut statement = connection.prepare_cached(include_str!("queries/raw_spans_of_traces.sql"))?;
    let mut found = statement.query(named_params! { "traces": list })?;
    let mut records = Vec::new();
    while let Some(row) = found.next()? {
        let Some(trace) = trace_id(row.get(0)?) else { continue };
        records.push((trace, RawRecord::read(row, [1, 3, 4, 5, 6], "span")?, row.get(2)?));
    }
    let origins = Origins::load(connection, records.iter().map(|(_, record, _)| record))?;
    let mut spans: HashMap<TraceId, Vec<Span>> = HashMap::new();
    for (trace, record, synthetic) in records {
        let (span, _) = record.span(&origins)?;
        spans.entry(trace).or_default().push(Span { synthetic, ..span });
    }
    Ok(spans)
}

/// The log records of some traces, by time.
pub fn log_ids(connection: &Connection, traces: &[TraceId]) -> Result<Vec<LogId>, DatabaseError> {
    let list = rows::uhugeints(traces.iter().map(trace_number));
    let mut statement = connection.prepare_cached(include_str!("queries/logs_of_traces.sql"))?;
    let mut found = statement.query(named_params! { "traces": list })?;
    let mut ids = Vec::new();
    while let Some(row) = found.next()? {
        ids.push(row.get(0)?);
    }
    Ok(ids)
}

/// Some log records, by time; ids that are not stored are left out.
pub fn logs(connection: &Connection, ids: &[LogId]) -> Result<Vec<LogRecord>, DatabaseError> {
    let ids = rows::uhugeints(ids.iter().copied());
    let mut statement = connection.prepare_cached(include_str!("queries/raw_logs_by_id.sql"))?;
    let mut found = statement.query(named_params! { "ids": ids })?;
    let mut logs = Vec::new();
    while let Some(row) = found.next()? {
        logs.push(RawRecord::read(row, [0, 1, 2, 3, 4], "log record")?);
    }
    let origins = Origins::load(connection, logs.iter())?;
    logs.into_iter().map(|record| Ok(record.log(&origins)?.0)).collect()
}
