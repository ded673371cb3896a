//! Examines a store that may be damaged, and salvages what can be read of it into a new one.
//!
//! The engine refuses to read a block whose checksum is wrong, and with it whatever query needs it. So tables are read a
//! stretch of rows at a time, and where that fails, in smaller stretches. What is salvaged are the spans and log records as
//! they were received; all else is made of them again.

use std::{path::Path, sync::Arc};

use duckdb::{Connection, Row, named_params};

use super::{
    DatabaseError, OpenError, Place, Store, StoreError, Submission,
    open::whole_path,
    pieces::Pieces,
    pool::{Database, PooledConnection},
    prepared::{PreparedLog, PreparedSpan},
    raw_records::{Origins, RawRecord},
    read_only::{copy, files_beside},
    rows::{blob, uhugeints},
    schema::{self, Fit},
};
use crate::{model::ContentId, pricing::Prices, understand};

/// The tables of a store, and what is in them.
const TABLES: [(&str, &str); 9] = [
    ("spans", "spans"),
    ("logs", "log records"),
    ("contents", "messages and repeated parts of spans"),
    ("blobs", "images and documents"),
    ("resources", "resources"),
    ("scopes", "scopes"),
    ("trace_contents", "messages of traces"),
    ("trace_attributes", "attributes of traces"),
    ("traces", "traces"),
];
/// Rows that are read at once: those of a row group.
const STRETCH: i64 = 30_720;
/// Rows of a stretch that is not made smaller.
const LEAST: i64 = 32;
/// Rows that are salvaged at once, because their raw forms are in memory then.
const SALVAGED: i64 = 512;

/// What was found of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What is in it, in words.
    pub what: &'static str,
    pub rows: u64,
    /// Of the rows, how many stand in stretches that cannot be read.
    pub unreadable: u64,
    /// Why the first of them cannot be read, in the engine's words.
    pub why: Option<String>,
}

/// What was salvaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Salvaged {
    pub spans: u64,
    pub logs: u64,
    /// Spans and log records that could not be read.
    pub lost: u64,
}

/// A store that is open to be examined. Nothing of it is written.
pub struct Damaged {
    connection: Arc<PooledConnection>,
    database: Arc<Database>,
    /// In words, what was wrong with its log; `None` if nothing was.
    pub log: Option<String>,
    /// The folder of the copy that is examined where the store has a log; removed when this is dropped.
    _copy: Option<tempfile::TempDir>,
}

impl Damaged {
    /// Opens a store.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let path = &whole_path(path)?;
        let unusable = |why: String| OpenError::Unusable { path: path.to_owned(), why };
        let beside = files_beside(path).map_err(|error| unusable(error.to_string()))?;
        // Refuses a file that another process holds.
        let opened = Database::open_to_read(path);
        let (database, copy) = if beside.is_empty() {
            (opened?, None)
        } else {
            match opened {
                Ok(database) => database.close(),
                Err(error @ (OpenError::Held { .. } | OpenError::Newer { .. } | OpenError::NotAStore { .. })) => {
                    return Err(error);
                }
                // The log may be why.
                Err(_) => {}
            }
            let folder = copy(path, &beside).map_err(|error| unusable(error.to_string()))?;
            let copied = folder.path().join(path.file_name().unwrap_or_default());
            let opened = Database::open(&Place::File(copied.clone()));
            (opened.map_err(|error| error.about(path, &copied))?, Some(folder))
        };
        let log = database
            .mended()
            .map(|mended| format!("its last {} of {} bytes cannot be read", mended.length - mended.at, mended.length));
        Ok(Self { connection: database.pooled(), database, log, _copy: copy })
    }

    /// Reads all of every table.
    pub fn examine(&self) -> Result<Vec<Examined>, StoreError> {
        TABLES.into_iter().map(|(table, what)| self.examine_table(table, what)).collect()
    }

    fn examine_table(&self, table: &'static str, what: &'static str) -> Result<Examined, StoreError> {
        let sql = format!(
            "select count(*)::ubigint, bit_xor(hash(whole)) from {table} as whole where rowid >= $from and rowid < $to"
        );
        let read = |from: i64, to: i64| {
            self.connection.with(|connection: &Connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                Ok(statement.query_row(named_params! { "from": from, "to": to }, |row| row.get::<_, u64>(0))?)
            })
        };
        let end = self.rows(table)?;
        let mut examined = Examined { what, rows: 0, unreadable: 0, why: None };
        for (from, to) in stretches(end, STRETCH) {
            let mut left = vec![(from, to)];
            while let Some((from, to)) = left.pop() {
                match read(from, to) {
                    Ok(rows) => examined.rows += rows,
                    Err(error) => {
                        examined.why.get_or_insert_with(|| error.to_string());
                        if let Some(halves) = halves(from, to) {
                            left.extend(halves);
                        } else {
                            let rows = self.rows_between(table, from, to);
                            examined.rows += rows;
                            examined.unreadable += rows;
                        }
                    }
                }
            }
        }
        Ok(examined)
    }

    /// How many rows a stretch has, of which no column can be read; all, if that cannot be read either. Rows that were
    /// deleted have left numbers without a row.
    fn rows_between(&self, table: &str, from: i64, to: i64) -> u64 {
        let sql = format!("select count(*)::ubigint from {table} where rowid >= {from} and rowid < {to}");
        let count = |connection: &Connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?);
        self.connection.with(count).unwrap_or_else(|_| u64::try_from(to - from).unwrap_or(0))
    }

    /// The number after that of a table's last row.
    fn rows(&self, table: &str) -> Result<i64, StoreError> {
        let sql = format!("select coalesce(max(rowid) + 1, 0)::bigint from {table}");
        Ok(self.connection.with(|connection: &Connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?))?)
    }

    /// Stores all spans and log records that can be read in another store.
    pub fn salvage(&self, into: &Store, prices: &Prices) -> Result<Salvaged, StoreError> {
        let mut salvaged = Salvaged::default();
        let writer = into.writer();
        let spans = "select project, raw, {pieces}, resource, scope from spans
            where rowid >= $from and rowid < $to and not synthetic";
        salvaged.lost += self.each("spans", spans, |records, origins| {
            let mut submission = Submission::default();
            let mut lost = 0;
            for (record, _) in records {
                match record.span(origins) {
                    Ok((span, raw)) => {
                        let (understood, _) = understand::span(span, raw, prices);
                        submission.spans.push(PreparedSpan::new(understood));
                    }
                    Err(_) => lost += 1,
                }
            }
            salvaged.spans += submission.spans.len() as u64;
            writer.submit_blocking(submission).map(|()| lost)
        })?;
        let logs =
            "select project, raw, {pieces}, resource, scope, position from logs where rowid >= $from and rowid < $to";
        let mut lost_logs = 0;
        lost_logs += self.each("logs", logs, |records, origins| {
            let mut submission = Submission::default();
            let mut lost = 0;
            for (record, position) in records {
                match record.log(origins) {
                    Ok((log, raw)) => {
                        let (log, made) = understand::log(log, raw, prices, None);
                        submission.logs.push(PreparedLog::new(log, position));
                        submission.spans.extend(made.map(PreparedSpan::new));
                    }
                    Err(_) => lost += 1,
                }
            }
            salvaged.logs += submission.logs.len() as u64;
            writer.submit_blocking(submission).map(|()| lost)
        })?;
        salvaged.lost += lost_logs;
        Ok(salvaged)
    }

    /// Hands on all records of a table that can be read, with their positions, some at a time. Returns how many could not
    /// be, with those that `each` returns.
    fn each(
        &self,
        table: &str,
        sql: &str,
        mut each: impl FnMut(Vec<(RawRecord, u32)>, &Origins) -> Result<u64, StoreError>,
    ) -> Result<u64, StoreError> {
        // An older version made the file that never stored pieces.
        let older = |connection: &Connection| Ok(schema::fit(connection)? != Fit::Ready);
        let pieces = if self.connection.with(older)? { "null::blob" } else { "pieces" };
        let sql = sql.replace("{pieces}", pieces);
        let read = |from: i64, to: i64| {
            self.connection.with(|connection: &Connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                let mut found = statement.query(named_params! { "from": from, "to": to })?;
                let (mut records, mut unreadable) = (Vec::new(), 0);
                while let Some(row) = found.next()? {
                    match record(row) {
                        Ok(record) => records.push(record),
                        Err(DatabaseError::Unreadable { .. }) => unreadable += 1,
                        Err(error) => return Err(error),
                    }
                }
                let of = records.iter().map(|(record, _)| record);
                let pieces = salvaged_pieces(connection, of.clone().flat_map(RawRecord::pieces))?;
                let origins = Origins::salvaged(connection, of, pieces);
                Ok((records, origins, unreadable))
            })
        };
        let mut lost = 0;
        for (from, to) in stretches(self.rows(table)?, SALVAGED) {
            let mut left = vec![(from, to)];
            while let Some((from, to)) = left.pop() {
                match read(from, to) {
                    Ok((records, origins, unreadable)) => lost += unreadable + each(records, &origins)?,
                    Err(_) => match halves(from, to) {
                        // The later half is read after the earlier one.
                        Some([earlier, later]) => left.extend([later, earlier]),
                        None => lost += self.rows_between(table, from, to),
                    },
                }
            }
        }
        Ok(lost)
    }
}

impl Drop for Damaged {
    fn drop(&mut self) {
        self.database.close();
    }
}

/// Those of some pieces that can be read.
fn salvaged_pieces(connection: &Connection, ids: impl Iterator<Item = ContentId>) -> Result<Pieces, DatabaseError> {
    let ids: Vec<ContentId> = ids.collect();
    if let Ok(pieces) = Pieces::load(connection, ids.iter().copied()) {
        return Ok(pieces);
    }
    let mut pieces = Pieces::default();
    let ids = uhugeints(ids.into_iter());
    let end = "select coalesce(max(rowid) + 1, 0)::bigint from contents";
    let end = connection.query_row(end, [], |row| row.get(0))?;
    let sql = "select id, body from contents
        where rowid >= $from and rowid < $to and id in (select unnest($ids::uhugeint[]) as id)";
    let mut statement = connection.prepare_cached(sql)?;
    for stretch in stretches(end, STRETCH) {
        let mut left = vec![stretch];
        while let Some((from, to)) = left.pop() {
            let mut read = || -> Result<(), DatabaseError> {
                let mut found = statement.query(named_params! { "from": from, "to": to, "ids": ids })?;
                while let Some(row) = found.next()? {
                    pieces.add(row.get(0)?, blob(row, 1)?);
                }
                Ok(())
            };
            if read().is_err() {
                left.extend(halves(from, to).into_iter().flatten());
            }
        }
    }
    Ok(pieces)
}

/// Reads the columns project, raw, pieces, resource and scope, and the position if there is one.
fn record(row: &Row) -> Result<(RawRecord, u32), DatabaseError> {
    let position = if row.as_ref().column_count() > 5 { row.get(5)? } else { 0 };
    Ok((RawRecord::read(row, [0, 1, 2, 3, 4], "record")?, position))
}

/// The numbers of rows up to `end`, in stretches: each its first, and the one after its last.
fn stretches(end: i64, length: i64) -> impl Iterator<Item = (i64, i64)> {
    let mut from = 0_i64;
    std::iter::from_fn(move || {
        let to = from.checked_add(length)?.min(end);
        let stretch = (from < end).then_some((from, to));
        from = to;
        stretch
    })
}

/// The halves of a stretch; `None` if it is not made smaller.
fn halves(from: i64, to: i64) -> Option<[(i64, i64); 2]> {
    let middle = from + (to - from) / 2;
    (to - from > LEAST).then_some([(from, middle), (middle, to)])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::{
        Pick,
        tests::{send, span},
    };

    #[test]
    fn stretches_have_every_row_once() {
        assert_eq!(stretches(0, 10).count(), 0);
        assert_eq!(stretches(25, 10).collect::<Vec<_>>(), [(0, 10), (10, 20), (20, 25)]);
        assert_eq!(halves(0, LEAST), None);
        assert_eq!(halves(10, 10 + LEAST * 3), Some([(10, 58), (58, 106)]));
    }

    #[test]
    fn what_can_be_read_of_a_damaged_file_is_salvaged_and_the_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        for round in 0..40_u16 {
            send(&store, (1..=100).map(|id| span(&format!("{}", round % 4), id).named(&format!("{round} {id}"))));
        }
        let all = store.picked(&Pick::default()).unwrap().iter().map(|picked| picked.spans).sum::<u64>();
        store.close();
        let whole = Damaged::open(&path).unwrap();
        let found = whole.examine().unwrap();
        assert!(found.iter().all(|table| table.unreadable == 0 && table.why.is_none()), "{found:?}");
        assert_eq!(found[0].rows, all);
        drop(whole);

        // Every block after the headers is changed in turn, until one costs some rows and not the tables' descriptions.
        let bytes = fs::read(&path).unwrap();
        let mut seen = false;
        for block in 0..(bytes.len() - 12_288) / 262_144 {
            let mut damaged = bytes.clone();
            damaged[12_288 + block * 262_144 + 5_000] ^= 0x55;
            fs::write(&path, &damaged).unwrap();
            let Ok(open) = Damaged::open(&path) else { continue };
            let Ok(found) = open.examine() else { continue };
            if found[0].unreadable == 0 {
                continue;
            }
            let into = Store::open(&Place::Memory, Arc::default()).unwrap();
            let salvaged = open.salvage(&into, &Prices::default()).unwrap();
            let stored: u64 = into.picked(&Pick::default()).unwrap().iter().map(|picked| picked.spans).sum();
            assert_eq!(salvaged.spans + salvaged.lost, all, "{salvaged:?}");
            assert_eq!(stored, salvaged.spans);
            drop(open);
            assert!(fs::read(&path).unwrap() == damaged);
            seen = true;
        }
        assert!(seen, "no block held spans");
    }
}
