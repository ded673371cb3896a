//! The sums of what the filter lets through, and of all.

use duckdb::{Connection, types::Value as Sql};

use super::{Asked, count, states, sum_of_costs, totals};
use crate::{
    model::{Everything, Filter, Overview, Timestamp, Totals},
    store::DatabaseError,
};

pub fn overview(
    connection: &Connection,
    filter: &Filter,
    today: Option<Timestamp>,
    size: Option<u64>,
) -> Result<Overview, DatabaseError> {
    // Of no day there is nothing.
    let today = Sql::UBigInt(today.map_or(u64::MAX, |today| today.0));
    let rows = Asked::of(filter, include_str!("overview.sql"))?.with("today", today).rows(connection, |row| {
        Ok(Overview {
            sessions: count(row, 0)?,
            states: states(row, 1)?,
            spans: count(row, 7)?,
            totals: totals(row, 8)?,
            scored: count(row, 21)?.saturating_add(count(row, 47)?),
            judged_for: if row.get(46)? { 2 } else { count(row, 45)?.saturating_add(count(row, 47)?.min(1)) },
            all: Everything {
                states: states(row, 22)?,
                totals: totals(row, 28)?,
                today: Totals {
                    model_calls: count(row, 41)?,
                    cost: sum_of_costs(row, 42)?,
                    priced: count(row, 43)?,
                    unpriced: count(row, 44)?,
                    ..Totals::default()
                },
            },
            size,
        })
    })?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
