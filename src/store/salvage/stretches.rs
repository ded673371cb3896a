//! Stretches of the rows of a table: what is read of them at once, and what smaller ones there are where that fails.

use duckdb::Connection;

use crate::store::{DatabaseError, pool::PooledConnection, removal::TABLES};

/// Rows that are read at once: those of a row group.
pub const STRETCH: i64 = 30_720;
/// Rows that are read at once where nothing is done with them: as many as the engine reads at once.
const READ_AT_ONCE: i64 = 2048;
/// Rows of a stretch that is not made smaller.
pub const LEAST: i64 = 32;

/// How many rows a stretch has, of which no column can be read; all, if that cannot be read either. Rows that were deleted
/// have left numbers without a row.
pub fn rows_between(connection: &Connection, table: &str, from: i64, to: i64) -> u64 {
    let sql = format!("select count(*)::ubigint from {table} where rowid >= {from} and rowid < {to}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap_or_else(|_| u64::try_from(to - from).unwrap_or(0))
}

/// The number after that of a table's last row: about that, where it cannot be read; `None` if that cannot be either.
pub fn rows_of(connection: &Connection, table: &str) -> Option<i64> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).ok();
    number(&format!("select coalesce(max(rowid) + 1, 0)::bigint from {table}")).or_else(|| {
        number(&format!(
            "select estimated_size::bigint from duckdb_tables() where table_name = '{table}' and database_name = 'store'"
        ))
    })
}

/// The numbers of rows up to `end`, in stretches: each its first, and the one after its last.
pub fn stretches(end: i64, length: i64) -> impl Iterator<Item = (i64, i64)> {
    let mut from = 0_i64;
    std::iter::from_fn(move || {
        let to = from.checked_add(length)?.min(end);
        let stretch = (from < end).then_some((from, to));
        from = to;
        stretch
    })
}

/// Reads all rows of all tables, some at a time. `between` is called after each; its error ends the reading.
///
/// # Errors
/// The first that cannot be read, in the words of the engine, or that of `between`.
pub fn read_all(
    pooled: &PooledConnection,
    between: &dyn Fn() -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    for table in TABLES {
        let sql = format!("select bit_xor(hash(whole)) from {table} as whole where rowid >= ? and rowid < ?");
        let end = pooled.with(|connection: &Connection| Ok(rows_of(connection, table)))?;
        for (from, to) in stretches(end.unwrap_or(i64::from(u32::MAX)), READ_AT_ONCE) {
            pooled.with(|connection: &Connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                Ok(statement.query_row([from, to], |row| row.get::<_, Option<u64>>(0)).map(drop)?)
            })?;
            between()?;
        }
    }
    Ok(())
}

/// The halves of a stretch; `None` if it is not made smaller, because it has no more rows than `least`.
pub fn halves(from: i64, to: i64, least: i64) -> Option<[(i64, i64); 2]> {
    let middle = from + (to - from) / 2;
    (to - from > least).then_some([(from, middle), (middle, to)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_have_every_row_once() {
        assert_eq!(stretches(0, 10).count(), 0);
        assert_eq!(stretches(25, 10).collect::<Vec<_>>(), [(0, 10), (10, 20), (20, 25)]);
        assert_eq!(halves(0, LEAST, LEAST), None);
        assert_eq!(halves(10, 10 + LEAST * 3, LEAST), Some([(10, 58), (58, 106)]));
    }
}
