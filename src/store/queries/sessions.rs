//! Sessions, newest activity first.

use std::{collections::HashMap, time::Duration};

use duckdb::{Connection, named_params, types::Value as Sql};

use super::{Asked, count, limit, lines, maybe_text, states, totals};
use crate::{
    assemble,
    model::{Evaluation, Filter, Judged, Order, Page, Score, SessionId, SessionSummary, Timestamp},
    store::{DatabaseError, rows},
};

pub fn sessions(connection: &Connection, filter: &Filter, rows: usize) -> Result<Page<SessionSummary>, DatabaseError> {
    let statement = include_str!("sessions.sql").replace("{weight}", weight(filter.order));
    let asked = Asked::of(filter, &statement)?.with("limit", limit(rows));
    let mut total = 0;
    let mut rows = asked.rows(connection, |row| {
        total = count(row, 25)?;
        Ok(SessionSummary {
            session: maybe_text(row, 0)?.map(SessionId::from),
            users: lines(maybe_text(row, 1)?),
            first_seen: Timestamp(row.get(2)?),
            last_seen: Timestamp(row.get(3)?),
            lasted: Duration::from_nanos(count(row, 4)?),
            states: states(row, 5)?,
            loops: count(row, 11)?,
            score: Score::of(row.get(26)?, row.get(27)?, lines(maybe_text(row, 28)?))
                .map(|score| score.join(Score::default())),
            totals: totals(row, 12)?,
        })
    })?;
    let named = rows.iter().filter_map(|row| row.session.clone()).collect();
    let mut scores = scores(connection, named)?;
    for row in &mut rows {
        let own = row.session.as_ref().and_then(|session| scores.remove(session));
        row.score = match (row.score.take(), own) {
            (Some(of_runs), Some(own)) => Some(of_runs.join(own)),
            (of_runs, own) => of_runs.or(own),
        };
    }
    Ok(Page { rows, total })
}

/// What sessions were judged by whose scores name no run.
fn scores(connection: &Connection, sessions: Vec<SessionId>) -> Result<HashMap<SessionId, Score>, DatabaseError> {
    /// Most scores that are read, the newest.
    const MOST: usize = 10_000;
    let sessions = sessions.into_iter().map(|session| Sql::Text(session.to_string())).collect();
    let mut statement = connection.prepare_cached(include_str!("session_scores.sql"))?;
    let mut found = statement.query(named_params! { "sessions": Sql::List(sessions), "limit": limit(MOST) })?;
    let (mut of, mut logs) = (Vec::new(), Vec::new());
    while let Some(row) = found.next()? {
        of.extend(maybe_text(row, 9)?.map(SessionId::from));
        logs.push(rows::log_row(row)?);
    }
    let fetched = rows::fetch(connection, logs.iter().map(|(_, translation)| translation))?;
    let mut evaluations: HashMap<SessionId, Vec<Evaluation>> = HashMap::new();
    for (session, log) in of.into_iter().zip(rows::join_logs(logs, &fetched)) {
        let own = log.translation.evaluations.iter().filter(|of| of.judged == Judged::Session);
        evaluations.entry(session).or_default().extend(own.cloned());
    }
    Ok(evaluations.into_iter().filter_map(|(session, all)| Some((session, assemble::score(all)?))).collect())
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
