//! Everything the store holds, in sums.

use duckdb::Connection;

use super::{Asked, count, totals};
use crate::{
    model::{Filter, Overview},
    store::Trouble,
};

pub fn overview(connection: &Connection, filter: &Filter, size: u64) -> Result<Overview, Trouble> {
    let rows = Asked::of(filter, include_str!("overview.sql")).rows(connection, |row| {
        Ok(Overview {
            sessions: count(row, 0)?,
            traces: count(row, 1)?,
            running: count(row, 2)?,
            failed: count(row, 3)?,
            spans: count(row, 4)?,
            totals: totals(row, 5)?,
            size,
            all_traces: count(row, 17)?,
        })
    })?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
