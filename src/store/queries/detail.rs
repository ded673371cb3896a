//! The tree of a trace, and the detail of a trace or session.

use std::sync::Arc;

use duckdb::{Connection, named_params};

use super::{LISTED, count, followers, limit, lines, maybe_text, states, totals};
use crate::{
    assemble, dialects,
    model::{
        Detail, Instrumentation, Judged, LogRow, SessionFacts, SessionId, Subject, Timestamp, Totals, TraceId,
        TraceRows, Tree,
    },
    pricing::Prices,
    store::{
        DatabaseError,
        rows::{self, trace_id},
    },
};

/// Most traces of a session that are assembled at once, more than anybody scrolls through.
const TRACES: usize = 50;
/// Most scores of a session that name none of its traces, the newest.
const SCORES: usize = 200;

/// The spans of one trace as the screen walks them; of a trace that is not there, none.
pub fn tree(connection: &Connection, prices: &Prices, trace: TraceId) -> Result<Tree, DatabaseError> {
    let rows = stored(connection, &[trace])?;
    Ok(rows.first().map(|rows| assemble::tree(rows, &|genai, at| prices.price(genai, at))).unwrap_or_default())
}

pub fn detail(connection: &Connection, prices: &Prices, subject: &Subject) -> Result<Option<Detail>, DatabaseError> {
    let (traces, left_out) = match subject {
        Subject::Trace(trace) => (vec![*trace], 0),
        Subject::Session(session) => newest(connection, session)?,
    };
    let mut traces = traces;
    if let Subject::Trace(trace) = subject {
        traces.extend(followers::of(connection, &[*trace])?.remove(trace).unwrap_or_default());
        traces.extend(followers::of_session(connection, *trace)?);
    }
    let mut rows = stored(connection, &traces)?;
    let Some(newest) = rows.first_mut() else { return Ok(None) };
    if let Subject::Session(session) = subject {
        // They judge all that was said until then.
        newest.logs.extend(scores(connection, session)?);
    }
    let mut found = assemble::session(rows, &|genai, at| prices.price(genai, at));
    if let Subject::Trace(trace) = subject {
        // The others only complete it.
        found.retain(|assembled| assembled.trace == *trace);
    }
    for call in found.iter_mut().flat_map(|assembled| &mut assembled.calls) {
        let recorder = call.unrecorded.as_ref();
        let hints = |by: &Instrumentation| dialects::recording_hints(&by.scope, by.framework.as_deref());
        call.recording_hint = recorder.map(|by| hints(by).messages.into());
        let (requested, answered) = (call.model.as_deref(), call.response_model.as_deref());
        call.window = prices.window(call.provider.as_deref(), requested, answered);
    }
    let whole = Detail::whole(found.into_iter().map(Arc::new).collect());
    let Subject::Session(session) = subject else { return Ok(Some(whole)) };
    let (sums, facts) = of_session(connection, session)?;
    let sums = if left_out > 0 { sums } else { whole.sums };
    Ok(Some(Detail { left_out, sums, session: facts, ..whole }))
}

/// The sums of all traces of a session, and what they have together.
fn of_session(connection: &Connection, session: &SessionId) -> Result<(Totals, Option<SessionFacts>), DatabaseError> {
    let statement = format!("with listed as (\n{LISTED})\n{}", include_str!("session_sums.sql"));
    let mut statement = connection.prepare_cached(&statement)?;
    let mut found = statement.query(named_params! { "session": session.as_str(), "now": Timestamp::now().0 })?;
    let Some(row) = found.next()? else { return Ok((Totals::default(), None)) };
    let mut models = lines(maybe_text(row, 20)?);
    models.sort_unstable();
    models.dedup();
    let users = lines(maybe_text(row, 19)?);
    let facts = SessionFacts { session: session.clone(), states: states(row, 0)?, users, models };
    Ok((totals(row, 6)?, Some(facts)))
}

/// The scores of a session that name none of its traces.
fn scores(connection: &Connection, session: &SessionId) -> Result<Vec<LogRow>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("load_session_scores.sql"))?;
    let mut found = statement.query(named_params! { "session": session.as_str(), "limit": limit(SCORES) })?;
    let mut logs = Vec::new();
    while let Some(row) = found.next()? {
        logs.push(rows::log_row(row)?);
    }
    let fetched = rows::fetch(connection, logs.iter().map(|(_, translation)| translation))?;
    let mut logs = rows::join_logs(logs, &fetched);
    logs.retain(|log| log.translation.evaluations.iter().any(|of| of.judged == Judged::Session));
    Ok(logs)
}

/// The rows of some traces, in this order, without the traces of which nothing is stored.
fn stored(connection: &Connection, traces: &[TraceId]) -> Result<Vec<TraceRows>, DatabaseError> {
    let mut rows = rows::load(connection, traces)?.by_trace(traces);
    rows.retain(|rows| !rows.spans.is_empty() || !rows.logs.is_empty());
    Ok(rows)
}

/// The newest traces of a session, newest first, and the number of those that are left out.
fn newest(connection: &Connection, session: &SessionId) -> Result<(Vec<TraceId>, u64), DatabaseError> {
    let newest = format!("with listed as (\n{LISTED})\n{}", include_str!("newest.sql"));
    let mut statement = connection.prepare_cached(&newest)?;
    let mut found = statement.query(named_params! {
        "session": session.as_str(), "limit": limit(TRACES), "now": Timestamp::now().0,
    })?;
    let (mut traces, mut all) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        traces.extend(trace_id(row.get(0)?));
        all = count(row, 1)?;
    }
    let left_out = all.saturating_sub(traces.len() as u64);
    Ok((traces, left_out))
}
