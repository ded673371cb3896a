//! Examines a store that may be damaged, and salvages what can be read of it into a new one.
//!
//! The engine refuses to read a block whose checksum is wrong, and with it whatever query needs it. So tables are read a
//! stretch of rows at a time, and where that fails, in smaller stretches. Whole rows are copied. Of those that cannot be read
//! whole it suffices that a span or log record can be read as it was received; all else is made of that again.
//!
//! ```text
//!   source: the file, or a copy of which more can be read ─▶ copying: stretches of whole rows
//!                                                        ─▶ records: what is left of spans and log records
//! ```

mod copying;
mod records;
mod source;
mod stretches;

use std::{path::Path, sync::Arc};

use duckdb::{Connection, named_params};

use super::{OpenError, Place, Store, StoreError, open::make_at, rewrite::attach_beside};
use crate::pricing::Prices;
use copying::Left;
pub use source::Source;
use stretches::{LEAST, STRETCH, halves, rows_between};
pub use stretches::{read_all, rows_of, stretches};

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
    /// Spans, log records and marks that could not be read.
    pub lost: u64,
    /// Resources and scopes that could not be read: what sent spans and log records.
    pub origins: u64,
    /// Whether there may be more of which not even the number can be read.
    pub is_unknown: bool,
}

impl Salvaged {
    /// Whether all could be read.
    pub fn is_all(&self) -> bool {
        self.lost == 0 && self.origins == 0 && !self.is_unknown
    }

    /// In words, what could not be read.
    pub fn lost(&self) -> String {
        let count = |count: u64, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            more => Some(format!("{more} {many}")),
        };
        let lost = count(self.lost, "span or log record", "spans and log records");
        let origins = count(self.origins, "resource or scope", "resources and scopes");
        let parts: Vec<String> = lost.into_iter().chain(origins).collect();
        let parts = parts.join(" and ");
        match (self.lost.saturating_add(self.origins), self.is_unknown) {
            (0, false) => "nothing is lost".to_owned(),
            (0, true) => "how much is lost cannot be told".to_owned(),
            (1, false) => format!("{parts} is lost"),
            (_, false) => format!("{parts} are lost"),
            (_, true) => format!("at least {parts} are lost"),
        }
    }
}

/// A store that is open to be examined. Nothing of it is written.
pub struct Damaged {
    connection: Connection,
    source: Source,
}

impl Damaged {
    /// Opens a store.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let source = Source::of(path, || tempfile::Builder::new().prefix("sideseat-tui-").tempdir())?;
        let connection = source.open().map_err(|error| error.about(path, &source.path))?;
        Ok(Self { connection, source })
    }

    /// In words, what is wrong with its log; `None` if nothing is.
    pub fn log(&self) -> Option<&str> {
        self.source.log.as_deref()
    }

    /// Whether what says where its rows are is wrong, and was read as it is.
    pub fn is_doubtful(&self) -> bool {
        self.source.is_doubtful
    }

    /// Whether a byte had changed that can be put right; it was in the copy that is examined.
    pub fn is_righted(&self) -> bool {
        self.source.is_righted
    }

    /// Reads all of every table.
    pub fn examine(&self) -> Vec<Examined> {
        TABLES.into_iter().map(|(table, what)| self.examine_table(table, what)).collect()
    }

    fn examine_table(&self, table: &'static str, what: &'static str) -> Examined {
        let sql = format!(
            "select count(*)::ubigint, bit_xor(hash(whole)) from {table} as whole where rowid >= $from and rowid < $to"
        );
        let read = |from: i64, to: i64| {
            let mut statement = self.connection.prepare_cached(&sql)?;
            statement.query_row(named_params! { "from": from, "to": to }, |row| row.get::<_, u64>(0))
        };
        let mut examined = Examined { what, rows: 0, unreadable: 0, why: None };
        let Some(end) = rows_of(&self.connection, table) else {
            let why = read(0, 1).err().map_or_else(String::new, |error| error.to_string());
            return Examined { unreadable: 1, rows: 1, why: Some(why), ..examined };
        };
        for stretch in stretches(end, STRETCH) {
            let mut left = vec![stretch];
            while let Some((from, to)) = left.pop() {
                match read(from, to) {
                    Ok(rows) => examined.rows += rows,
                    Err(error) => {
                        examined.why.get_or_insert_with(|| error.to_string());
                        if let Some(halves) = halves(from, to, LEAST) {
                            left.extend(halves);
                        } else {
                            let rows = rows_between(&self.connection, table, from, to);
                            examined.rows += rows;
                            examined.unreadable += rows;
                        }
                    }
                }
            }
        }
        examined
    }
}

/// Puts all that can be read of a source into a new store. The source cannot be opened elsewhere to be written before `after`
/// has returned, which is called at the end.
pub fn salvage<T>(
    source: &Source,
    new: &Path,
    prices: &Arc<Prices>,
    after: impl FnOnce(Salvaged) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let unusable = |why: String| OpenError::Unusable { path: new.to_owned(), why };
    make_at(new)?;
    let connection = attach_beside(&source.path, source.is_copy(), new, "salvaged").map_err(unusable)?;
    let run = |sql: &str| connection.execute_batch(sql).map_err(|error| unusable(error.to_string()));
    run("use store")?;
    let left = copying::copy(&connection).map_err(|error| unusable(error.to_string()))?;
    run("detach salvaged")?;
    let store = Store::open_unexamined(&Place::File(new.to_owned()), Arc::clone(prices))?;
    let salvaged = finished(&connection, &left, &store, prices).map_err(|error| unusable(error.to_string()));
    store.close();
    after(salvaged?)
}

/// Stores what can be read of what is left, and counts what there is then.
fn finished(connection: &Connection, left: &Left, store: &Store, prices: &Prices) -> Result<Salvaged, StoreError> {
    let lost = records::salvage(connection, left, store, prices)?;
    let count = |connection: &Connection| {
        let sql =
            "select (select count(*) from spans where not synthetic)::ubigint, (select count(*) from logs)::ubigint";
        Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    };
    let (spans, logs) = store.connection.with(count)?;
    Ok(Salvaged {
        spans,
        logs,
        lost: lost + left.others + left.without_pieces,
        origins: left.origins,
        is_unknown: left.is_unknown,
    })
}

/// Salvages what can be read of a store into a new one.
pub fn salvage_into(path: &Path, new: &Path, prices: &Arc<Prices>) -> Result<Salvaged, OpenError> {
    let folder = || tempfile::Builder::new().prefix("sideseat-tui-").tempdir();
    let source = Source::of(path, folder)?;
    salvage(&source, new, prices, Ok)
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
        let found = whole.examine();
        assert!(found.iter().all(|table| table.unreadable == 0 && table.why.is_none()), "{found:?}");
        assert_eq!(found[0].rows, all);
        drop(whole);

        // Two bytes of every block after the headers are changed in turn, until one costs some rows.
        let bytes = fs::read(&path).unwrap();
        let mut seen = false;
        for block in 0..(bytes.len() - 12_288) / 262_144 {
            let mut damaged = bytes.clone();
            for at in [5_000, 5_100] {
                damaged[12_288 + block * 262_144 + at] ^= 0x55;
            }
            fs::write(&path, &damaged).unwrap();
            let open = Damaged::open(&path).unwrap();
            let found = open.examine();
            drop(open);
            let new = folder.path().join(format!("new-{block}.duckdb"));
            let salvaged = salvage_into(&path, &new, &Arc::default()).unwrap();
            let into = Store::open(&Place::File(new), Arc::default()).unwrap();
            into.wait_until_reprocessed().unwrap();
            let stored: u64 = into.picked(&Pick::default()).unwrap().iter().map(|picked| picked.spans).sum();
            assert_eq!(salvaged.spans + salvaged.lost, all, "{salvaged:?}");
            assert_eq!(stored, salvaged.spans);
            assert!(fs::read(&path).unwrap() == damaged);
            seen |= found[0].unreadable > 0 && salvaged.lost > 0;
        }
        assert!(seen, "no block held spans");
    }
}
