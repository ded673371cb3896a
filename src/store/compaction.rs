//! Moves rows together, where most of those beside them were removed.
//!
//! A table is kept in row groups, and the engine gives the room of one back only when none of its rows is left. A row group
//! has the same number of rows however long they are, so that a few long rows may hold the room of many. So the rows that
//! are left are appended again, and deleted where they were.

use std::collections::VecDeque;

use duckdb::{Connection, named_params};

use super::DatabaseError;

/// The tables whose rows may be long.
const TABLES: [&str; 4] = ["spans", "contents", "logs", "blobs"];
/// The rows of a group are moved when one in so many, or more, was removed.
const GONE: u64 = 3;

/// Rows of a table that are to be moved: those with these numbers, `to` left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    table: &'static str,
    from: u64,
    to: u64,
}

/// The row groups whose rows are to be moved.
pub fn stretches(connection: &Connection) -> Result<VecDeque<Stretch>, DatabaseError> {
    let mut stretches = VecDeque::new();
    for table in TABLES {
        let mut from = 0;
        for rows in row_groups(connection, table)? {
            let stretch = Stretch { table, from, to: from + rows };
            let left = stretch.left(connection)?;
            let gone = rows.saturating_sub(left);
            if left > 0 && gone > 0 && gone >= rows / GONE {
                stretches.push_back(stretch);
            }
            from += rows;
        }
    }
    Ok(stretches)
}

/// The number of rows of each row group, those that were removed counted.
fn row_groups(connection: &Connection, table: &str) -> Result<Vec<u64>, DatabaseError> {
    let sql = format!(
        "select sum(count)::ubigint from pragma_storage_info('{table}')
         where column_id = 0 and segment_type <> 'VALIDITY'
         group by row_group_id order by row_group_id"
    );
    Ok(connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

impl Stretch {
    /// How many of the rows are left.
    fn left(&self, connection: &Connection) -> Result<u64, DatabaseError> {
        let sql = format!("select count(*)::ubigint from {} where rowid >= $from and rowid < $to", self.table);
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_row(named_params! { "from": self.from, "to": self.to }, |row| row.get(0))?)
    }

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
