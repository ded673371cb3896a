//! Which messages, and pieces of raw forms, the log records without a trace have. Those of a trace are in `trace_contents`;
//! these have no trace to be noted of.

use std::collections::BTreeSet;

use duckdb::{Connection, named_params, params};

use super::{
    DatabaseError,
    hash_ids::LogId,
    rows::{self, uhugeints},
    stored_translation::StoredTranslation,
};
use crate::model::ContentId;

/// So many log records are looked through at a time: the answer to a query is in memory as a whole.
const STRETCH: usize = 10_000;

/// Appends what some log records carry.
pub fn append(connection: &Connection, carried: &BTreeSet<(LogId, ContentId)>) -> Result<(), DatabaseError> {
    if carried.is_empty() {
        return Ok(());
    }
    let mut table = connection.appender("log_contents")?;
    for (log, content) in carried {
        table.append_row(params![log, content])?;
    }
    Ok(table.flush()?)
}

/// Deletes what is noted of some log records.
pub fn delete(connection: &Connection, logs: impl Iterator<Item = LogId>) -> Result<(), DatabaseError> {
    let sql = "delete from log_contents where log in (select unnest($ids::uhugeint[]) as id)";
    connection.prepare_cached(sql)?.execute(named_params! { "ids": uhugeints(logs) })?;
    Ok(())
}

/// Notes of all stored log records without a trace what they carry. That was not noted by earlier versions.
pub fn name_all(connection: &Connection) -> Result<(), DatabaseError> {
    let end = "select coalesce(max(rowid) + 1, 0)::bigint from logs";
    let end: i64 = connection.query_row(end, [], |row| row.get(0))?;
    let sql = "select id, understood from logs where trace is null and rowid >= $from and rowid < $to";
    let mut statement = connection.prepare(sql)?;
    for from in (0..end).step_by(STRETCH) {
        let to = from.saturating_add_unsigned(STRETCH as u64);
        let mut carried = BTreeSet::new();
        let mut found = statement.query(named_params! { "from": from, "to": to })?;
        while let Some(row) = found.next()? {
            let log: LogId = row.get(0)?;
            carried.extend(StoredTranslation::read(rows::blob(row, 1)?).contents().map(|content| (log, content)));
        }
        drop(found);
        append(connection, &carried)?;
    }
    Ok(())
}
