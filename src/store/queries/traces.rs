//! The traces of one session, or of all, oldest first.

use duckdb::{Connection, types::Value as Sql};

use super::{Asked, count, limit, lines, maybe_text, repeat, totals};
use crate::{
    model::{Filter, Order, Page, Score, SessionId, Timestamp, TraceState, TraceSummary, Waits},
    store::{
        DatabaseError,
        rows::{project, text, trace_id},
    },
};

/// Which traces are listed.
pub enum Of<'a> {
    /// Those of this session; `None`: those without one.
    Session(Option<&'a SessionId>),
    All,
}

pub fn traces(
    connection: &Connection,
    of: &Of,
    filter: &Filter,
    rows: usize,
) -> Result<Page<TraceSummary>, DatabaseError> {
    let session = match of {
        Of::Session(Some(session)) => Sql::Text(session.to_string()),
        Of::Session(None) | Of::All => Sql::Null,
    };
    let statement = include_str!("traces.sql").replace("{weight}", weight(filter.order));
    let asked = Asked::of(filter, &statement)?
        .with("of", session)
        .with("of_any", Sql::Boolean(matches!(of, Of::All)))
        .with("limit", limit(rows));
    let mut total = 0;
    let rows = asked.rows(connection, |row| {
        total = count(row, 33)?;
        let Some(trace) = trace_id(row.get(0)?) else { return Ok(None) };
        Ok(Some(TraceSummary {
            trace,
            project: project(text(row, 1)?),
            name: row.get(2)?,
            session: maybe_text(row, 3)?.map(SessionId::from),
            user: row.get(4)?,
            service: row.get(5)?,
            framework: row.get(6)?,
            question: row.get(7)?,
            started: Timestamp(row.get(8)?),
            ended: row.get::<_, Option<u64>>(9)?.map(Timestamp),
            last_seen: Timestamp(row.get(10)?),
            state: state(text(row, 11)?),
            waits: maybe_text(row, 12)?.and_then(waits),
            program_ended: row.get::<_, Option<u64>>(34)?.map(Timestamp),
            label: row.get(13)?,
            spans: count(row, 14)?,
            models: lines(maybe_text(row, 15)?),
            repeat: repeat(row, 16)?,
            score: Score::of(row.get(35)?, row.get(36)?, lines(maybe_text(row, 37)?)),
            totals: totals(row, 20)?,
        }))
    })?;
    Ok(Page { rows: rows.into_iter().flatten().collect(), total })
}

/// By what runs are ordered, before their start.
fn weight(order: Order) -> &'static str {
    match order {
        Order::Newest => "0",
        Order::Cost => "if(priced > 0, cost, -1)",
        Order::Duration => "if(started > 0, greatest(coalesce(ended, last_seen), started) - started, 0)",
        Order::Tokens => {
            "coalesce(uncached_input, 0)::hugeint + coalesce(cache_read, 0) + coalesce(cache_write, 0) + coalesce(output, 0)"
        }
        Order::Errors => "errors",
        // What nobody judged comes last.
        Order::Score => "coalesce(-score, '-infinity'::double)",
    }
}

/// The reverse of [`TraceState::as_str`].
fn state(name: &str) -> TraceState {
    use TraceState::{Error, Ok, Running};
    [Ok, Error, Running].into_iter().find(|state| state.as_str() == name).unwrap_or_default()
}

fn waits(word: &str) -> Option<Waits> {
    Waits::ALL.into_iter().find(|waits| waits.as_str() == word)
}
