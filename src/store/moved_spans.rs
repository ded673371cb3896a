//! Deletes the spans that stood for log records which are somewhere else now.

use duckdb::{Connection, named_params};

use super::{DatabaseError, rows::span_keys};
use crate::model::{SpanId, TraceId};

/// Deletes the spans that were made where log records are not any more.
pub fn delete(
    connection: &Connection,
    left: impl Iterator<Item = (TraceId, SpanId)> + Clone,
) -> Result<(), DatabaseError> {
    if left.clone().next().is_none() {
        return Ok(());
    }
    let (traces, ids) = span_keys(left);
    let sql = include_str!("queries/delete_moved_spans.sql");
    connection.prepare_cached(sql)?.execute(named_params! { "traces": traces, "ids": ids })?;
    Ok(())
}
