//! Removes whole traces, and log records without one, with all that only they name. Whoever calls has begun a transaction:
//! of a trace either everything is there or nothing.

use std::collections::HashSet;

use duckdb::{Connection, named_params, types::FromSql, types::Value as Sql};

use super::{
    DatabaseError,
    hash_ids::{BlobId, LogId, ResourceId, ScopeId},
    rows::{trace_id, trace_number, uhugeints},
    stored_ids::StoredIds,
};
use crate::model::{ContentId, TraceId};

/// Every table but `meta`: what there is of spans, log records, and what is made of them.
pub(super) const TABLES: [&str; 15] = [
    "spans",
    "logs",
    "contents",
    "trace_contents",
    "content_blobs",
    "blobs",
    "resources",
    "scopes",
    "traces",
    "steps",
    "marks",
    "trace_attributes",
    "program_ends",
    "log_contents",
    "adopted_traces",
];

/// What was removed, to be taken out of the stored ids once it is committed.
#[derive(Default)]
pub struct Gone {
    pub spans: u64,
    pub logs: Vec<LogId>,
    traces: Vec<TraceId>,
    adopted: Vec<u128>,
    contents: Vec<ContentId>,
    blobs: Vec<BlobId>,
}

impl Gone {
    /// To be called after the commit.
    pub fn take_out_of(&self, stored_ids: &mut StoredIds) {
        for trace in &self.traces {
            stored_ids.traces.remove(trace_number(trace));
        }
        for trace in &self.adopted {
            stored_ids.adopted.remove(*trace);
        }
        for log in &self.logs {
            stored_ids.logs.remove(*log);
        }
        for content in &self.contents {
            stored_ids.contents.remove(*content);
        }
        for blob in &self.blobs {
            stored_ids.blobs.remove(*blob);
        }
    }
}

/// Removes some traces, and some log records without one.
pub fn remove(connection: &Connection, traces: &[TraceId], logs: &[LogId]) -> Result<Gone, DatabaseError> {
    let mut gone = Gone { logs: logs.to_vec(), ..Gone::default() };
    let mut contents = HashSet::new();
    if !traces.is_empty() {
        let list = uhugeints(traces.iter().map(trace_number));
        gone.traces = traces.to_vec();
        gone.logs.extend(ids::<LogId>(connection, "select id from logs where trace in ({ids})", &list)?);
        gone.spans = delete(connection, "delete from spans where trace in ({ids})", &list)?;
        delete(connection, "delete from traces where trace in ({ids})", &list)?;
        delete(connection, "delete from steps where trace in ({ids})", &list)?;
        delete(connection, "delete from trace_attributes where trace in ({ids})", &list)?;
        delete(connection, "delete from marks where trace in ({ids})", &list)?;
        delete(connection, "delete from program_ends where trace in ({ids})", &list)?;
        gone.adopted = ids(connection, "select trace from adopted_traces where adopter in ({ids})", &list)?;
        if !gone.adopted.is_empty() {
            delete(connection, "delete from adopted_traces where adopter in ({ids})", &list)?;
        }
        let named = "select distinct content from trace_contents where trace in ({ids})";
        contents.extend(ids::<ContentId>(connection, named, &list)?);
        delete(connection, "delete from trace_contents where trace in ({ids})", &list)?;
    }
    if !gone.logs.is_empty() {
        let list = uhugeints(gone.logs.iter().copied());
        delete(connection, "delete from logs where id in ({ids})", &list)?;
        let named = "select distinct content from log_contents where log in ({ids})";
        contents.extend(ids::<ContentId>(connection, named, &list)?);
        delete(connection, "delete from log_contents where log in ({ids})", &list)?;
    }
    if !contents.is_empty() {
        let still_named = "select content from trace_contents where content in ({ids})
            union select content from log_contents where content in ({ids})";
        gone.contents = unnamed(connection, contents.into_iter().collect(), still_named)?;
    }
    if !gone.contents.is_empty() {
        let list = uhugeints(gone.contents.iter().copied());
        delete(connection, "delete from contents where id in ({ids})", &list)?;
        let named = "select distinct blob from content_blobs where content in ({ids})";
        let blobs: Vec<BlobId> = ids(connection, named, &list)?;
        if !blobs.is_empty() {
            delete(connection, "delete from content_blobs where content in ({ids})", &list)?;
            gone.blobs = unnamed(connection, blobs, "select distinct blob from content_blobs where blob in ({ids})")?;
            let list = uhugeints(gone.blobs.iter().copied());
            delete(connection, "delete from blobs where id in ({ids})", &list)?;
        }
    }
    Ok(gone)
}

/// The traces that rows name though nothing of them is stored, as earlier versions left some.
pub fn left_over(connection: &Connection, stored_ids: &StoredIds) -> Result<Vec<TraceId>, DatabaseError> {
    let sql = "select trace from trace_contents where trace not in (select trace from traces)
        union select trace from trace_attributes where trace not in (select trace from traces)";
    let mut statement = connection.prepare(sql)?;
    let named = statement.query_map([], |row| row.get::<_, u128>(0))?.collect::<Result<Vec<_>, _>>()?;
    // Of a large trace that is new the row may not be made yet.
    Ok(named
        .into_iter()
        .filter_map(trace_id)
        .filter(|trace| !stored_ids.traces.may_have(trace_number(trace)))
        .collect())
}

/// Resources and scopes that were removed.
pub struct Swept {
    resources: Vec<ResourceId>,
    scopes: Vec<ScopeId>,
}

impl Swept {
    /// To be called after the commit.
    pub fn take_out_of(&self, stored_ids: &mut StoredIds) {
        for resource in &self.resources {
            stored_ids.resources.remove(*resource);
        }
        for scope in &self.scopes {
            stored_ids.scopes.remove(*scope);
        }
    }
}

/// Removes the resources and scopes that no span and no log record names any more.
pub fn sweep(connection: &Connection) -> Result<Swept, DatabaseError> {
    Ok(Swept { resources: sweep_table(connection, "resource")?, scopes: sweep_table(connection, "scope")? })
}

fn sweep_table<Id: FromSql + Copy + Into<u128>>(connection: &Connection, what: &str) -> Result<Vec<Id>, DatabaseError> {
    let sql = format!(
        "select id from {what}s where id not in (select {what} from spans) and id not in (select {what} from logs)"
    );
    let unnamed = connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect::<Result<Vec<Id>, _>>()?;
    if !unnamed.is_empty() {
        let list = uhugeints(unnamed.iter().copied());
        delete(connection, &format!("delete from {what}s where id in ({{ids}})"), &list)?;
    }
    Ok(unnamed)
}

/// Removes everything; returns how many spans and log records that were.
pub fn remove_all(connection: &Connection) -> Result<(u64, u64), DatabaseError> {
    let (mut spans, mut logs) = (0, 0);
    for table in TABLES {
        let rows = connection.execute(&format!("delete from {table}"), [])? as u64;
        match table {
            "spans" => spans = rows,
            "logs" => logs = rows,
            _ => {}
        }
    }
    Ok((spans, logs))
}

/// Those of some ids that a statement does not find.
fn unnamed<Id: FromSql + Copy + Eq + std::hash::Hash + Into<u128>>(
    connection: &Connection,
    candidates: Vec<Id>,
    still_named: &str,
) -> Result<Vec<Id>, DatabaseError> {
    let list = uhugeints(candidates.iter().copied());
    let named: HashSet<Id> = ids(connection, still_named, &list)?.into_iter().collect();
    Ok(candidates.into_iter().filter(|id| !named.contains(id)).collect())
}

/// `{ids}` stands for a list of ids in a statement. The reason for the semi-join is in `load_spans.sql`, that for the name
/// in `load_contents.sql`.
fn with_list(sql: &str) -> String {
    sql.replace("{ids}", "select unnest($ids::uhugeint[]) as id")
}

fn ids<Id: FromSql>(connection: &Connection, sql: &str, list: &Sql) -> Result<Vec<Id>, DatabaseError> {
    let mut statement = connection.prepare_cached(&with_list(sql))?;
    let mut found = statement.query(named_params! { "ids": list })?;
    let mut ids = Vec::new();
    while let Some(row) = found.next()? {
        ids.push(row.get(0)?);
    }
    Ok(ids)
}

fn delete(connection: &Connection, sql: &str, list: &Sql) -> Result<u64, DatabaseError> {
    Ok(connection.prepare_cached(&with_list(sql))?.execute(named_params! { "ids": list })? as u64)
}
