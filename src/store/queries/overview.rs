//! Everything the store holds, in sums.

use duckdb::Connection;

use super::{Asked, count, totals};
use crate::{
    model::{Everything, Filter, Overview},
    store::DatabaseError,
};

pub fn overview(connection: &Connection, filter: &Filter, size: Option<u64>) -> Result<Overview, DatabaseError> {
    let rows = Asked::of(filter, include_str!("overview.sql")).rows(connection, |row| {
        Ok(Overview {
            sessions: count(row, 0)?,
            traces: count(row, 1)?,
            running: count(row, 2)?,
            failed: count(row, 3)?,
            recovered: count(row, 4)?,
            spans: count(row, 5)?,
            totals: totals(row, 6)?,
            all: Everything { traces: count(row, 18)?, running: count(row, 19)?, totals: totals(row, 20)? },
            size,
        })
    })?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
