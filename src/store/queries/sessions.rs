//! Sessions, newest activity first.

use std::time::Duration;

use duckdb::Connection;

use super::{Asked, count, limit, lines, maybe_text, states, totals};
use crate::{
    model::{Filter, Order, Page, Score, SessionId, SessionSummary, Timestamp},
    store::DatabaseError,
};

pub fn sessions(connection: &Connection, filter: &Filter, rows: usize) -> Result<Page<SessionSummary>, DatabaseError> {
    let statement = include_str!("sessions.sql").replace("{weight}", weight(filter.order));
    let asked = Asked::of(filter, &statement)?.with("limit", limit(rows));
    let mut total = 0;
    let rows = asked.rows(connection, |row| {
        total = count(row, 25)?;
        Ok(SessionSummary {
            session: maybe_text(row, 0)?.map(SessionId::from),
            users: lines(maybe_text(row, 1)?),
            first_seen: Timestamp(row.get(2)?),
            last_seen: Timestamp(row.get(3)?),
            lasted: Duration::from_nanos(count(row, 4)?),
            states: states(row, 5)?,
            loops: count(row, 11)?,
            score: Score::of(row.get(26)?, row.get(27)?),
            totals: totals(row, 12)?,
        })
    })?;
    Ok(Page { rows, total })
}

/// By what sessions are ordered, before their last activity.
fn weight(order: Order) -> &'static str {
    match order {
        // No constant: that would be the number of a column.
        Order::Newest => "null::ubigint",
        Order::Cost => "sum(cost) filter (priced > 0)",
        Order::Duration => "lasted",
        Order::Tokens => {
            "sum(coalesce(uncached_input, 0)::hugeint + coalesce(cache_read, 0) + coalesce(cache_write, 0) + coalesce(output, 0))"
        }
        Order::Errors => "sum(errors)",
        Order::Score => "-min(score)",
    }
}
