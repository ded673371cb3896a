//! Reads rows as spans and log records with their translations, and converts between columns and ids.

use std::{collections::BTreeSet, sync::Arc};

use duckdb::{Connection, Row, named_params, types::Value as Sql};

use super::{
    DatabaseError,
    pack::unpack,
    stored_translation::{FetchedContents, StoredTranslation},
};
use crate::model::{
    LogRow, Project, Rank, SpanId, SpanKind, SpanRow, Status, StatusCode, Timestamp, TraceId, TraceRows,
};

/// The spans and log records of some traces, in no order.
#[derive(Default)]
pub struct Loaded {
    /// Each with how complete its record is.
    pub spans: Vec<(SpanRow, Rank)>,
    pub logs: Vec<LogRow>,
    /// When the last program ended that had sent some of a trace, where one is known to have.
    pub program_ends: Vec<(TraceId, Timestamp)>,
}

impl Loaded {
    /// The same by trace, in the order of `traces`; a trace without spans and log records is empty.
    pub fn by_trace(self, traces: &[TraceId]) -> Vec<TraceRows> {
        let mut all: Vec<_> = traces.iter().map(|trace| TraceRows::empty(*trace)).collect();
        let place: std::collections::HashMap<_, _> = traces.iter().enumerate().map(|(n, trace)| (*trace, n)).collect();
        for (span, _) in self.spans {
            if let Some(rows) = place.get(&span.trace).and_then(|n| all.get_mut(*n)) {
                rows.spans.push(span);
            }
        }
        for log in self.logs {
            let place = log.trace.and_then(|trace| place.get(&trace));
            if let Some(rows) = place.and_then(|n| all.get_mut(*n)) {
                rows.logs.push(log);
            }
        }
        for (trace, ended) in self.program_ends {
            if let Some(rows) = place.get(&trace).and_then(|n| all.get_mut(*n)) {
                rows.program_ended = Some(ended);
            }
        }
        all
    }
}

/// Loads some traces with their translations. Equal messages share one allocation.
pub fn load(connection: &Connection, traces: &[TraceId]) -> Result<Loaded, DatabaseError> {
    let list = uhugeints(traces.iter().map(trace_number));
    let mut spans = Vec::new();
    let mut statement = connection.prepare_cached(include_str!("queries/load_spans.sql"))?;
    let mut found = statement.query(named_params! { "traces": list })?;
    while let Some(row) = found.next()? {
        spans.push((span_row(row)?, row.get(15)?, StoredTranslation::read(blob(row, 16)?)));
    }
    let mut logs = Vec::new();
    let mut statement = connection.prepare_cached(include_str!("queries/load_logs.sql"))?;
    let mut found = statement.query(named_params! { "traces": list })?;
    while let Some(row) = found.next()? {
        logs.push(log_row(row)?);
    }
    let wanted =
        spans.iter().map(|(_, _, translation)| translation).chain(logs.iter().map(|(_, translation)| translation));
    let fetched = fetch(connection, wanted)?;
    let spans = spans.into_iter().map(|(mut row, weight, translation)| {
        row.translation = Arc::new(translation.join(&fetched));
        let rank = Rank::of(row.ended, row.status.code, weight);
        (row, rank)
    });
    let mut program_ends = Vec::new();
    let mut statement = connection.prepare_cached(include_str!("queries/load_program_ends.sql"))?;
    let mut found = statement.query(named_params! { "traces": list })?;
    while let Some(row) = found.next()? {
        let ended = Timestamp(row.get(1)?);
        program_ends.extend(trace_id(row.get(0)?).map(|trace| (trace, ended)));
    }
    Ok(Loaded { spans: spans.collect(), logs: join_logs(logs, &fetched), program_ends })
}

/// Joins the translations of log records with the fetched contents.
pub fn join_logs(logs: Vec<(LogRow, StoredTranslation)>, fetched: &FetchedContents) -> Vec<LogRow> {
    let join = |(mut row, translation): (LogRow, StoredTranslation)| {
        row.translation = Arc::new(translation.join(fetched));
        row
    };
    logs.into_iter().map(join).collect()
}

/// Fetches the contents whose ids are in some translations, each once.
pub fn fetch<'a>(
    connection: &Connection,
    wanted: impl Iterator<Item = &'a StoredTranslation>,
) -> Result<FetchedContents, DatabaseError> {
    let ids: BTreeSet<_> = wanted.flat_map(StoredTranslation::contents).collect();
    let mut fetched = FetchedContents::default();
    if ids.is_empty() {
        return Ok(fetched);
    }
    let list = uhugeints(ids.into_iter());
    let mut statement = connection.prepare_cached(include_str!("queries/load_contents.sql"))?;
    let mut found = statement.query(named_params! { "ids": list })?;
    while let Some(row) = found.next()? {
        let body = unpack("message", blob(row, 2)?)?;
        fetched.add(row.get(0)?, text(row, 1)?, &body)?;
    }
    Ok(fetched)
}

/// Reads the columns of `load_spans.sql`, without the last two.
fn span_row(row: &Row) -> Result<SpanRow, DatabaseError> {
    Ok(SpanRow {
        trace: trace_id(row.get(0)?).ok_or_else(|| zero("trace id"))?,
        id: span_id(row.get(1)?).ok_or_else(|| zero("span id"))?,
        parent: row.get::<_, Option<u64>>(2)?.and_then(span_id),
        project: project(text(row, 3)?),
        name: row.get(4)?,
        kind: kind(text(row, 5)?),
        status: Status { code: status_code(text(row, 6)?), message: row.get(7)? },
        started: Timestamp(row.get(8)?),
        ended: row.get::<_, Option<u64>>(9)?.map(Timestamp),
        service: row.get(10)?,
        scope_name: row.get(11)?,
        scope_version: row.get(12)?,
        synthetic: row.get(13)?,
        remote_parent: row.get::<_, Option<bool>>(14)?.unwrap_or_default(),
        translation: Arc::default(),
    })
}

/// Reads the columns of `load_logs.sql`. The translation is not in the row yet, because its contents have to be fetched.
pub fn log_row(row: &Row) -> Result<(LogRow, StoredTranslation), DatabaseError> {
    let log = LogRow {
        trace: row.get::<_, Option<u128>>(0)?.and_then(trace_id),
        span: row.get::<_, Option<u64>>(1)?.and_then(span_id),
        at: Timestamp(row.get(2)?),
        position: row.get(3)?,
        name: row.get(4)?,
        severity: row.get(5)?,
        severity_text: row.get(6)?,
        text: row.get(7)?,
        translation: Arc::default(),
    };
    Ok((log, StoredTranslation::read(blob(row, 8)?)))
}

/// The error for an id of zeroes, which is no id.
fn zero(what: &'static str) -> DatabaseError {
    DatabaseError::Unreadable { what, why: "it is zero".to_owned() }
}

/// The bytes of a column of type `blob` that is not null.
pub fn blob<'a>(row: &'a Row, column: usize) -> Result<&'a [u8], DatabaseError> {
    Ok(row.get_ref(column)?.as_blob().map_err(duckdb::Error::from)?)
}

/// The text of a column of type `varchar` that is not null.
pub fn text<'a>(row: &'a Row, column: usize) -> Result<&'a str, DatabaseError> {
    Ok(row.get_ref(column)?.as_str().map_err(duckdb::Error::from)?)
}

/// A list of numbers or hash ids as a parameter of a query.
pub fn uhugeints(numbers: impl Iterator<Item = impl Into<u128>>) -> Sql {
    Sql::List(numbers.map(|number| Sql::UHugeInt(number.into())).collect())
}

/// The ids of some spans as two lists for a query: trace ids and span ids.
pub fn span_keys(keys: impl Iterator<Item = (TraceId, SpanId)> + Clone) -> (Sql, Sql) {
    let traces = uhugeints(keys.clone().map(|(trace, _)| trace_number(&trace)));
    (traces, Sql::List(keys.map(|(_, id)| Sql::UBigInt(span_number(id))).collect()))
}

/// A trace id as its column has it: a big-endian number.
pub fn trace_number(trace: &TraceId) -> u128 {
    u128::from_be_bytes(*trace.as_bytes())
}

/// The trace id of a column; `None` for 0, which is no id.
pub fn trace_id(number: u128) -> Option<TraceId> {
    TraceId::from_bytes(&number.to_be_bytes()).ok()
}

/// A span id as its column has it: a big-endian number.
pub fn span_number(span: SpanId) -> u64 {
    u64::from_be_bytes(*span.as_bytes())
}

/// The span id of a column; `None` for 0, which is no id.
pub fn span_id(number: u64) -> Option<SpanId> {
    SpanId::from_bytes(&number.to_be_bytes()).ok()
}

/// A project by its name; the default one for a name that is invalid.
pub fn project(name: &str) -> Project {
    name.parse().unwrap_or_default()
}

/// The reverse of [`SpanKind::as_str`].
fn kind(name: &str) -> SpanKind {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    [Internal, Server, Client, Producer, Consumer].into_iter().find(|kind| kind.as_str() == name).unwrap_or_default()
}

/// The reverse of [`StatusCode::as_str`].
fn status_code(name: &str) -> StatusCode {
    use StatusCode::{Error, Ok, Unset};
    [Unset, Ok, Error].into_iter().find(|code| code.as_str() == name).unwrap_or_default()
}
