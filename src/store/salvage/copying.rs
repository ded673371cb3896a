//! Copies the tables of a store into a new one, a stretch of rows at a time, but for what cannot be read.

use std::collections::HashSet;

use duckdb::{Connection, named_params, types::Value as Sql};

use super::stretches::{STRETCH, halves, rows_between, rows_of, stretches};
use crate::{
    model::ContentId,
    store::{
        DatabaseError, StoreError,
        open::{is_disk_error, is_out_of_memory},
        pieces::{PIECE, ids},
        rows::blob,
    },
};

/// The tables of which others are made come last. Those before them are made of these again where something of them is lost.
const MADE: [&str; 8] =
    ["contents", "content_blobs", "blobs", "trace_contents", "trace_attributes", "log_contents", "steps", "traces"];
/// What sent spans and log records, which they name.
const ORIGINS: [&str; 2] = ["resources", "scopes"];
/// Rows of a stretch that is not made smaller: the engine reads as many at once.
const LEAST: i64 = 2048;
/// What nobody can make again.
const KEPT: [&str; 3] = ["marks", "program_ends", "adopted_traces"];

/// What was not copied.
#[derive(Debug, Default)]
pub struct Left {
    /// Stretches of `spans` and of `logs`, each its first row and the one after its last.
    pub spans: Vec<(i64, i64)>,
    pub logs: Vec<(i64, i64)>,
    /// How many rows of what nobody can make again.
    pub others: u64,
    /// How many resources and scopes.
    pub origins: u64,
    /// How many spans and log records of which a piece is lost.
    pub without_pieces: u64,
    /// Whether there may be more rows of which not even the number can be read.
    pub is_unknown: bool,
}

/// Copies all tables of `store` into those of `salvaged`, which are empty. Returns what is left of spans and log records.
/// What is lost of the other tables is made again: then all that is stored is marked as what another version understood.
pub fn copy(connection: &Connection) -> Result<Left, StoreError> {
    let (mut left, mut is_incomplete) = (Left::default(), false);
    for table in MADE {
        is_incomplete |= copy_table(connection, table)?.is_none_or(|unreadable| !unreadable.is_empty());
    }
    for table in ORIGINS {
        for (from, to) in copy_table(connection, table)?.unwrap_or(vec![(0, 1)]) {
            left.origins += rows_between(connection, table, from, to);
        }
    }
    let mut copied = |table: &str| {
        let unreadable = copy_table(connection, table)?;
        left.is_unknown |= unreadable.is_none();
        Ok::<_, StoreError>(unreadable.unwrap_or_default())
    };
    let mut others = 0;
    for table in KEPT {
        others += copied(table)?.into_iter().map(|(from, to)| rows_between(connection, table, from, to)).sum::<u64>();
    }
    let (logs, spans) = (copied("logs")?, copied("spans")?);
    (left.others, left.logs, left.spans) = (others, logs, spans);
    let run = |sql: &str| connection.execute_batch(sql).map_err(|error| StoreError::from(DatabaseError::from(error)));
    // It only says by which prices rows were priced: without it they are priced again.
    drop(run("insert into salvaged.meta select * from store.meta where name not in (select name from salvaged.meta)"));
    if is_incomplete {
        run("update salvaged.spans set dialects = 0; update salvaged.logs set dialects = 0;
             update salvaged.traces set settled_from = 0")?;
    }
    left.without_pieces = remove_without_pieces(connection).map_err(StoreError::from)?;
    run("force checkpoint salvaged")?;
    Ok(left)
}

/// Removes the spans and log records of which a piece is not there: as they were received they cannot be read. Returns how many.
fn remove_without_pieces(connection: &Connection) -> Result<u64, DatabaseError> {
    let mut pieces: HashSet<ContentId> = HashSet::new();
    let mut statement = connection.prepare("select id from salvaged.contents where kind = ?")?;
    let mut found = statement.query([PIECE])?;
    while let Some(row) = found.next()? {
        pieces.insert(row.get(0)?);
    }
    let mut removed = 0;
    for (table, counted) in [("spans", "not synthetic"), ("logs", "true")] {
        let mut broken = Vec::new();
        let sql = format!("select rowid, pieces from salvaged.{table} where pieces is not null");
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            if !ids(blob(row, 1)?).all(|id| pieces.contains(&id)) {
                broken.push(Sql::BigInt(row.get(0)?));
            }
        }
        if broken.is_empty() {
            continue;
        }
        let those = "rowid in (select unnest($rows::bigint[]) as broken)";
        let rows = Sql::List(broken);
        let count = format!("select count(*)::ubigint from salvaged.{table} where {counted} and {those}");
        removed += connection.query_row(&count, named_params! { "rows": rows }, |row| row.get::<_, u64>(0))?;
        let delete = format!("delete from salvaged.{table} where {those}");
        connection.execute(&delete, named_params! { "rows": rows })?;
    }
    Ok(removed)
}

/// Copies a table, and returns the stretches of it that cannot be read; `None` if it is not known how many rows it has.
fn copy_table(connection: &Connection, table: &str) -> Result<Option<Vec<(i64, i64)>>, StoreError> {
    let mut unreadable: Vec<(i64, i64)> = Vec::new();
    let Some(end) = rows_of(connection, table) else { return Ok(None) };
    for stretch in stretches(end, STRETCH) {
        let mut left = vec![stretch];
        while let Some((from, to)) = left.pop() {
            let sql = format!(
                "insert into salvaged.{table} by name select * from store.{table} where rowid >= {from} and rowid < {to}"
            );
            let Err(error) = connection.execute_batch(&sql) else { continue };
            let why = error.to_string();
            match halves(from, to, LEAST) {
                _ if is_of_the_new_file(&why) => return Err(DatabaseError::from(error).into()),
                // The later half is read after the earlier one.
                Some([earlier, later]) => left.extend([later, earlier]),
                None if is_out_of_memory(&why) => return Err(DatabaseError::from(error).into()),
                None => unreadable.push((from, to)),
            }
        }
    }
    Ok(Some(unreadable))
}

/// Whether an error is that of what is written, not of what is read.
fn is_of_the_new_file(why: &str) -> bool {
    is_disk_error(why) || ["No space left", "Could not write", "INTERRUPT"].iter().any(|said| why.contains(said))
}
