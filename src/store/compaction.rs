//! Moves rows together, where most of those beside them were removed.
//!
//! A table is kept in row groups, and the engine gives the room of one back only when none of its rows is left. A row group
//! has the same number of rows however long they are, so that a few long rows may hold the room of many. So the rows that
//! are left are appended again, and deleted where they were.
//!
//! The file becomes smaller only where nothing is left at its end. So where much of it is unused, the rows whose blocks stand
//! behind the place where it could end are appended again as well: new blocks are the first that are free.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
};

use duckdb::{Connection, named_params};

use super::{DatabaseError, open::ROW_GROUP, removal};

/// The tables whose rows may be long.
const TABLES: [&str; 4] = ["spans", "contents", "logs", "blobs"];
/// Rows are moved when one in so many, or more, of those that were beside them was removed.
const GONE: u64 = 3;
/// They are moved at all when one in so many rows of their table, or more, was removed and has its room still. Where the
/// oldest rows go first, those beside them go next, and were moved for nothing.
const GONE_OF_TABLE: u64 = 4;

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
            let (mut of_table, mut all_left, mut all_gone) = (Vec::new(), 0, 0);
            while let Some(row) = found.next()? {
                let (nth, left): (u64, u64) = (row.get(0)?, row.get(1)?);
                let (from, to) = (nth * ROW_GROUP as u64, ((nth + 1) * ROW_GROUP as u64).min(end));
                let begins = if (from..to).contains(&floor) { floor } else { from };
                let gone = (to - begins).saturating_sub(left);
                (all_left, all_gone) = (all_left + left, all_gone + gone);
                if gone > 0 && gone >= (left + gone) / GONE {
                    of_table.push(Stretch { table, from, to });
                }
            }
            if all_gone >= (all_left + all_gone) / GONE_OF_TABLE {
                stretches.extend(of_table);
            }
        }
        Ok(stretches)
    }

    /// Notes that all rows of a stretch were moved.
    pub fn note(&mut self, stretch: Stretch) {
        self.0.insert(stretch.table, stretch.to);
    }
}

/// A file is made smaller of which so many blocks, and one in so many, hold nothing.
const UNUSED: u64 = 32;
const SLACK: u64 = 4;
/// Rows are looked for in stretches of so many numbers, to find where row groups begin.
const BUCKET: u64 = 1024;

/// Blocks of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    pub all: u64,
    pub used: u64,
    /// Bytes of one.
    pub bytes: u64,
}

impl Blocks {
    /// Counts them.
    pub fn of(connection: &Connection) -> Result<Self, DatabaseError> {
        let sql = "select total_blocks::ubigint, used_blocks::ubigint, block_size::ubigint from pragma_database_size()
            where database_name = 'store'";
        Ok(connection.query_row(sql, [], |row| Ok(Self { all: row.get(0)?, used: row.get(1)?, bytes: row.get(2)? }))?)
    }

    /// The number of blocks that the file is to have; `None`: it may stay as it is. `most`: the bytes that it may have, and
    /// those that it is to have if it has more.
    pub fn wanted(self, most: Option<(u64, u64)>) -> Option<u64> {
        let unused = self.all.saturating_sub(self.used);
        let beyond = most.filter(|(most, _)| self.all.saturating_mul(self.bytes) > *most);
        let wanted = match beyond {
            Some((_, wanted)) => (wanted / self.bytes.max(1)).max(self.used),
            None if unused >= UNUSED && unused >= self.all / SLACK => self.used + self.used / (2 * SLACK),
            None => return None,
        };
        (wanted < self.all).then_some(wanted)
    }

    /// The rows that have blocks behind so many.
    pub fn behind(connection: &Connection, limit: u64) -> Result<VecDeque<Stretch>, DatabaseError> {
        let mut stretches = VecDeque::new();
        for table in removal::TABLES {
            let buckets = buckets(connection, table)?;
            let groups = groups(connection, table)?;
            stretches.extend(behind(table, limit, &groups, &buckets));
        }
        Ok(stretches)
    }
}

/// A row group: how many rows it has, deleted ones too, and its last block in the file.
struct Group {
    rows: u64,
    last_block: Option<u64>,
}

/// The row groups of a table, the last first.
fn groups(connection: &Connection, table: &str) -> Result<Vec<Group>, DatabaseError> {
    let sql = format!(
        "select
            coalesce(max(start + count) filter (column_id = 0), 0)::ubigint,
            max(greatest(block_id, coalesce(list_max(additional_block_ids), -1)))::bigint
         from pragma_storage_info('{table}')
         group by row_group_id
         order by row_group_id desc"
    );
    let mut statement = connection.prepare(&sql)?;
    let read = |row: &duckdb::Row| {
        let last: Option<i64> = row.get(1)?;
        Ok(Group { rows: row.get(0)?, last_block: last.and_then(|block| u64::try_from(block).ok()) })
    };
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// The number of the last row in each stretch of [`BUCKET`] numbers that has one, the last first.
fn buckets(connection: &Connection, table: &str) -> Result<Vec<u64>, DatabaseError> {
    let sql = format!("select max(rowid)::ubigint from {table} group by rowid // {BUCKET}");
    let mut statement = connection.prepare(&sql)?;
    let mut buckets = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<u64>, _>>()?;
    buckets.sort_unstable_by_key(|last| Reverse(*last));
    Ok(buckets)
}

/// The rows of the row groups with a block behind a limit. The engine does not say which numbers a row group has, and
/// there may be gaps between two: so each is taken to end with the last row before the one after it, and some more rows are
/// moved than have to be.
fn behind(table: &'static str, limit: u64, groups: &[Group], buckets: &[u64]) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let all = buckets.first().map_or(0, |last| last + 1);
    let mut end = all;
    for Group { rows, last_block } in groups {
        let before = buckets.iter().find(|last| *last - *last % BUCKET < end);
        let Some(last) = before.map(|last| (*last).min(end.saturating_sub(1))) else { break };
        let from = (last + 1).saturating_sub(*rows);
        if last_block.is_some_and(|block| block >= limit) {
            let (from, to) = (from.saturating_sub(BUCKET), (last + 1 + BUCKET).min(end.max(last + 1)).min(all));
            stretches.push(Stretch { table, from, to });
        }
        end = from;
    }
    stretches
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_moved_of_the_row_groups_that_stand_at_the_end_of_the_file() {
        let group = |rows: u64, last_block: u64| Group { rows, last_block: Some(last_block) };
        let moved = |limit: u64, groups: &[Group], buckets: &[u64]| -> Vec<(u64, u64)> {
            behind("spans", limit, groups, buckets).into_iter().map(|moved| (moved.from, moved.to)).collect()
        };
        // Three row groups without a gap, the last first.
        let buckets: Vec<u64> = (0..6).rev().map(|bucket| bucket * BUCKET + BUCKET - 1).collect();
        let groups = [group(2 * BUCKET, 9), group(2 * BUCKET, 50), group(2 * BUCKET, 70)];
        assert_eq!(moved(60, &groups, &buckets), [(0, 2 * BUCKET)]);
        assert_eq!(moved(40, &groups, &buckets), [(BUCKET, 4 * BUCKET), (0, 2 * BUCKET)]);
        assert_eq!(moved(100, &groups, &buckets), []);
        // A gap between the last and the one before, of which the first rows were deleted.
        let groups = [group(BUCKET, 9), group(2 * BUCKET, 70)];
        assert_eq!(moved(60, &groups, &[9 * BUCKET - 1, 2 * BUCKET - 1]), [(0, 3 * BUCKET)]);
        let transient = Group { rows: 10, last_block: None };
        assert_eq!(moved(0, &[transient], &[9]), []);
    }

    #[test]
    fn a_file_is_made_smaller_where_a_quarter_of_it_is_unused_or_where_it_is_beyond_its_limit() {
        let wanted = |all: u64, used: u64, most| Blocks { all, used, bytes: 10 }.wanted(most);
        assert_eq!((wanted(472, 249, None), wanted(128, 96, None)), (Some(280), Some(108)));
        assert_eq!([(128, 97), (40, 10), (10_000, 9_000)].map(|(all, used)| wanted(all, used, None)), [None; 3]);
        assert_eq!(wanted(104, 85, Some((1000, 900))), Some(90));
        assert_eq!(wanted(104, 95, Some((1000, 900))), Some(95));
        assert_eq!((wanted(100, 85, Some((1000, 900))), wanted(104, 104, Some((1000, 900)))), (None, None));
    }
}
