//! The sums of what the filter lets through, and of all.

use duckdb::Connection;

use super::{Asked, count, states, totals};
use crate::{
    model::{Everything, Filter, Overview},
    store::DatabaseError,
};

pub fn overview(connection: &Connection, filter: &Filter, size: Option<u64>) -> Result<Overview, DatabaseError> {
    let rows = Asked::of(filter, include_str!("overview.sql"))?.rows(connection, |row| {
        Ok(Overview {
            sessions: count(row, 0)?,
            states: states(row, 1)?,
            spans: count(row, 7)?,
            totals: totals(row, 8)?,
            all: Everything { states: states(row, 21)?, totals: totals(row, 27)? },
            size,
        })
    })?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
