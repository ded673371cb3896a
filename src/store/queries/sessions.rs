//! Sessions, newest activity first.

use std::time::Duration;

use duckdb::Connection;

use super::{Asked, count, limit, lines, maybe_text, states, totals};
use crate::{
    model::{Filter, Page, SessionId, SessionSummary, Timestamp},
    store::DatabaseError,
};

pub fn sessions(connection: &Connection, filter: &Filter, rows: usize) -> Result<Page<SessionSummary>, DatabaseError> {
    let asked = Asked::of(filter, include_str!("sessions.sql")).with("limit", limit(rows));
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
            totals: totals(row, 12)?,
        })
    })?;
    Ok(Page { rows, total })
}
