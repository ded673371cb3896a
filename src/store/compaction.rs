//! Moves rows together, where most of those beside them were removed.
//!
//! A table is kept in row groups, and the engine gives the room of one back only when none of its rows is left. A row group
//! has the same number of rows however long they are, so that a few long rows may hold the room of many. So the rows that
//! are left are appended again, and deleted where they were.

use std::collections::{HashMap, VecDeque};

use duckdb::{Connection, named_params};

use super::{DatabaseError, open::ROW_GROUP};

/// The tables whose rows may be long.
const TABLES: [&str; 4] = ["spans", "contents", "logs", "blobs"];
/// Rows are moved when one in so many, or more, of those that were beside them was removed.
const GONE: u64 = 3;

/// Rows of a table that are to be moved: those with these numbers, `to` left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    table: &'static str,
    from: u64,
    to: u64,
}

/// Of each table the number up to which the rows of the last stretch were moved already: there they are not missing.
#[derive(Debug, Default)]
pub struct Moved(HashMap<&'static str, u64>);

impl Moved {
    /// The rows that are to be moved. They are looked at in stretches of as many numbers as a row group has rows; which
    /// numbers a row group really has the engine does not say, and it is the same wherever none was merged with another.
    pub fn stretches(&self, connection: &Connection) -> Result<VecDeque<Stretch>, DatabaseError> {
        let mut stretches = VecDeque::new();
        for table in TABLES {
            let floor = self.0.get(table).copied().unwrap_or(0);
            let end = end(connection, table)?;
            let sql = format!(
                "select (rowid // {ROW_GROUP})::ubigint as stretch, count(*)::ubigint from {table}
                 group by stretch order by stretch"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                let (nth, left): (u64, u64) = (row.get(0)?, row.get(1)?);
                let (from, to) = (nth * ROW_GROUP as u64, ((nth + 1) * ROW_GROUP as u64).min(end));
                let begins = if (from..to).contains(&floor) { floor } else { from };
                let gone = (to - begins).saturating_sub(left);
                if gone > 0 && gone >= (left + gone) / GONE {
                    stretches.push_back(Stretch { table, from, to });
                }
            }
        }
        Ok(stretches)
    }

    /// Notes that all rows of a stretch were moved.
    pub fn note(&mut self, stretch: Stretch) {
        self.0.insert(stretch.table, stretch.to);
    }
}

/// The number after that of a table's last row.
fn end(connection: &Connection, table: &str) -> Result<u64, DatabaseError> {
    let sql = format!("select coalesce(max(rowid) + 1, 0)::ubigint from {table}");
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

impl Stretch {
    /// Moves the first so many of them, in a transaction of the caller's. Returns those that are still to be moved; `None`:
    /// all were.
    pub fn move_some(self, connection: &Connection, rows: u64) -> Result<Option<Self>, DatabaseError> {
        let Self { table, from, to } = self;
        let until = from.saturating_add(rows.max(1)).min(to);
        let some = named_params! { "from": from, "to": until };
        let copy = format!("insert into {table} select * from {table} where rowid >= $from and rowid < $to");
        if connection.prepare_cached(&copy)?.execute(some)? > 0 {
            let delete = format!("delete from {table} where rowid >= $from and rowid < $to");
            connection.prepare_cached(&delete)?.execute(some)?;
        }
        Ok((until < to).then_some(Self { from: until, ..self }))
    }
}
