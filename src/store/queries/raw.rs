//! One span as it was received, with its log records.

use std::sync::Arc;

use duckdb::{Connection, named_params};

use crate::{
    decode,
    model::{LogRow, RawSpan, SpanId, TraceId},
    store::{
        DatabaseError,
        pieces::{Pieces, StoredRaw},
        rows::{self, blob, project, span_number, text, trace_number},
        stored_translation::StoredTranslation,
    },
};

pub fn raw(connection: &Connection, trace: TraceId, span: SpanId) -> Result<Option<RawSpan>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("raw.sql"))?;
    let mut found = statement.query(named_params! { "trace": trace_number(&trace), "span": span_number(span) })?;
    let Some(row) = found.next()? else { return Ok(None) };
    let unreadable = |error: decode::Malformed| DatabaseError::Unreadable { what: "span", why: error.to_string() };
    let resource = decode::resource_from_raw(blob(row, 5)?).map_err(unreadable)?;
    let scope = decode::scope_from_raw(blob(row, 6)?).map_err(unreadable)?;
    let raw = StoredRaw::of_row("span", row, 2, 3)?;
    let pieces = Pieces::load(connection, raw.pieces())?;
    let raw = raw.join(&pieces)?;
    let mut span_found =
        decode::span_from_raw(&raw, project(text(row, 0)?), Arc::new(resource), Arc::new(scope)).map_err(unreadable)?;
    span_found.synthetic = row.get(1)?;
    let (dialects, notes) = StoredTranslation::read(blob(row, 4)?).dialects_and_notes();
    let logs = logs(connection, trace, span)?;
    Ok(Some(RawSpan { span: span_found, notes, dialects, logs }))
}

fn logs(connection: &Connection, trace: TraceId, span: SpanId) -> Result<Vec<LogRow>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("raw_logs.sql"))?;
    let mut found = statement.query(named_params! { "trace": trace_number(&trace), "span": span_number(span) })?;
    let mut logs = Vec::new();
    while let Some(row) = found.next()? {
        logs.push(rows::log_row(row)?);
    }
    let fetched = rows::fetch(connection, logs.iter().map(|(_, translation)| translation))?;
    Ok(rows::join_logs(logs, &fetched))
}
