//! Some traces as they were received, as OTLP JSON without secrets.

use duckdb::Connection;

use crate::{
    decode::encode,
    model::{Otlp, TraceId, secrets},
    store::{DatabaseError, received},
};

pub fn otlp(connection: &Connection, traces: &[TraceId]) -> Result<Otlp, DatabaseError> {
    let mut spans = received::spans(connection, traces)?;
    // Synthetic spans are left out: an import makes them of their log records again.
    let ordered = traces.iter().filter_map(|trace| spans.remove(trace)).flatten().filter(|span| !span.synthetic);
    let mut text = encode::traces_json(&ordered.collect::<Vec<_>>());
    text.push('\n');
    let ids = received::log_ids(connection, traces)?;
    if !ids.is_empty() {
        text.push_str(&encode::logs_json(&received::logs(connection, &ids)?));
        text.push('\n');
    }
    let (text, secrets) = secrets::hide(&text);
    Ok(Otlp { text, secrets })
}
