//! Jumps: to the next run, session, turn or failure, to what is odd or dear, and back to where one has been.

use std::time::Duration;

use super::{
    browse::RowId,
    failed_steps, format,
    oddities::{self, Odd},
    places::{Goal, Spot, Wants},
    state::State,
};
use crate::{
    keymap::Action,
    model::{RunState, SessionId, SessionSummary, SpanId, TraceId, TraceSummary, Usd},
};

/// Does a jump.
pub fn act(state: &mut State, action: Action) {
    state.follow.stop(&mut state.tree);
    let forward = matches!(action, Action::NextRun | Action::NextSession | Action::NextTurn | Action::NextFailed);
    match action {
        Action::NextRun | Action::PreviousRun => {
            let went = run(state, forward, Wants::Any);
            if !went {
                state.notify(if forward { "that is the last run" } else { "that is the first run" });
            }
        }
        Action::NextSession | Action::PreviousSession => session(state, forward),
        Action::NextTurn | Action::PreviousTurn => turn(state, forward),
        Action::NextFailed | Action::PreviousFailed => failed(state, forward),
        Action::NextOdd => odd(state),
        Action::Dearest | Action::Slowest => foremost(state, action == Action::Slowest),
        Action::JumpBack | Action::JumpForward => trail(state, action == Action::JumpBack),
        _ => {}
    }
}

/// Notes where the cursor is before a jump, so that there is a way back.
pub fn leave(state: &mut State) {
    if let Some(from) = state.spot() {
        state.trail.leave(from);
    }
}

/// Puts the cursor on a run, or a step of it, and opens the way to it.
pub fn go_to_run(state: &mut State, session: Option<SessionId>, trace: TraceId, span: Option<SpanId>) {
    leave(state);
    reach(state, session, trace, span);
}

fn reach(state: &mut State, session: Option<SessionId>, trace: TraceId, span: Option<SpanId>) {
    state.follow.stop(&mut state.tree);
    state.tree.set_open(RowId::Session(session.clone()), true);
    state.goal = Some(Goal::Run { session, trace, span });
}

/// Goes back to where the cursor was before a jump, or forward again.
pub fn trail(state: &mut State, back: bool) {
    let Some(from) = state.spot() else {
        state.notify("there is nothing to go back to");
        return;
    };
    let Some(to) = state.trail.step(from, back) else {
        state.notify(if back { "there is no place before this one" } else { "there is no place after this one" });
        return;
    };
    let height = state.heights().rows;
    let Spot { row, session } = to;
    match row {
        RowId::Span(trace, span) => reach(state, session, trace, Some(span)),
        RowId::Trace(trace) => reach(state, session, trace, None),
        other => {
            if !state.tree.select(&other, height) {
                state.notify("that place is not in the list any more");
            }
        }
    }
}

/// Goes to the next run, or the one before, that is wanted; false where there is none.
fn run(state: &mut State, forward: bool, wants: Wants) -> bool {
    let path: Vec<RowId> = state.tree.path().into_iter().map(|row| row.id.clone()).collect();
    let own = path.iter().find_map(|id| if let RowId::Trace(trace) = id { Some(*trace) } else { None });
    let has = |session: &SessionSummary| match wants {
        Wants::Any => true,
        Wants::Failed => session.states.failed.saturating_add(session.states.recovered) > 0,
        Wants::Odd => session.loops > 0,
    };
    let rows = state.tree.sessions().shown().map_or(&[][..], |page| &page.rows);
    // Each with whether a run of it is wanted.
    let sessions: Vec<(Option<SessionId>, bool)> =
        rows.iter().map(|session| (session.session.clone(), has(session))).collect();
    let here = match path.first() {
        Some(RowId::Session(session)) => sessions.iter().position(|(one, _)| one == session),
        _ => None,
    };
    let order: Vec<usize> = match (here, forward) {
        (Some(here), true) => (here..sessions.len()).collect(),
        (Some(here), false) => (0..=here).rev().collect(),
        (None, true) => (0..sessions.len()).collect(),
        (None, false) => Vec::new(),
    };
    for at in order.into_iter().filter(|at| sessions[*at].1) {
        let session = sessions[at].0.clone();
        let traces = state.tree.traces(session.as_ref());
        if traces.is_empty() {
            leave(state);
            state.tree.set_open(RowId::Session(session.clone()), true);
            state.goal = Some(Goal::RunOf { session, first: forward, wants });
            return true;
        }
        let is_here = Some(at) == here;
        // Rows have the newest first.
        let rows: Vec<&TraceSummary> = traces.iter().rev().collect();
        let place = own.filter(|_| is_here).and_then(|own| rows.iter().position(|row| row.trace == own));
        let found: Option<&&TraceSummary> = match (place, forward) {
            (Some(place), true) => rows[place + 1..].iter().find(|row| state.is_wanted(row, wants)),
            (Some(place), false) => rows[..place].iter().rfind(|row| state.is_wanted(row, wants)),
            // From a session's own row the runs are beneath it.
            (None, false) if is_here => None,
            (None, true) => rows.iter().find(|row| state.is_wanted(row, wants)),
            (None, false) => rows.iter().rfind(|row| state.is_wanted(row, wants)),
        };
        if let Some(trace) = found.map(|row| row.trace) {
            go_to_run(state, session, trace, None);
            state.proof_of = (wants == Wants::Failed).then_some(trace);
            return true;
        }
    }
    false
}

fn session(state: &mut State, forward: bool) {
    let path: Vec<RowId> = state.tree.path().into_iter().map(|row| row.id.clone()).collect();
    let rows = state.tree.rows();
    let is_session = |id: &RowId| matches!(id, RowId::Session(_));
    let here = path.first().and_then(|id| rows.iter().position(|row| row.id == *id)).unwrap_or(0);
    let next = if forward {
        rows.iter().skip(here + 1).find(|row| is_session(&row.id))
    } else {
        rows.iter().take(here).rfind(|row| is_session(&row.id))
    };
    let Some(to) = next.map(|row| row.id.clone()) else {
        state.notify(if forward { "that is the last session" } else { "that is the first session" });
        return;
    };
    leave(state);
    let height = state.heights().rows;
    state.tree.select(&to, height);
}

/// A step of an answer.
type Step = (TraceId, SpanId);

fn turn(state: &mut State, forward: bool) {
    let Some(turns) = state.turns() else {
        let chosen = state.detail.subject().is_some();
        state.notify(if chosen { "its turns are on their way: press it again" } else { "choose a run for its turns" });
        return;
    };
    if turns.is_empty() {
        state.notify("no turn of a model is recorded here");
        return;
    }
    let next = match state.turn_here(&turns) {
        // On a turn, or between the one before and the next.
        (at, true) if forward => at + 1,
        (at, false) if forward => at,
        (at, _) => at.wrapping_sub(1),
    };
    match turns.get(next).copied() {
        Some((trace, span)) => step(state, trace, span),
        None => state.notify(if forward { "that is the last turn" } else { "that is the first turn" }),
    }
}

/// Goes to a step of the answer that the detail shows.
fn step(state: &mut State, trace: TraceId, span: SpanId) {
    leave(state);
    failed_steps::go_to(state, trace, span);
}

fn failed(state: &mut State, forward: bool) {
    let cursor = state.tree.cursor().map(|row| row.id.clone());
    if let Some((trace, span)) = state.next_failed(cursor.as_ref(), forward) {
        step(state, trace, span);
    } else if !run(state, forward, Wants::Failed) {
        let direction = if forward { "from here on" } else { "before this" };
        state.notify(format!("nothing failed {direction}"));
    }
}

fn odd(state: &mut State) {
    if state.detail.subject().is_none() && run(state, true, Wants::Odd) {
        return;
    }
    let Some(detail) = state.detail.current_answer() else {
        let chosen = state.detail.subject().is_some();
        state.notify(if chosen {
            "its messages are on their way: press it again"
        } else {
            "nothing odd is known here"
        });
        return;
    };
    let all = oddities::of(detail, state.now);
    let here = match state.tree.cursor().map(|row| &row.id) {
        Some(RowId::Span(trace, span)) => Some((*trace, *span)),
        _ => None,
    };
    // Several may be of one step.
    let last = here.and_then(|here| all.iter().rposition(|odd| (odd.trace, odd.span) == here));
    let next = match (here, last) {
        (_, Some(at)) => all.get(at + 1),
        (Some((trace, span)), None) => {
            let place = oddities::place(detail, trace, span);
            all.iter().find(|odd| oddities::place(detail, odd.trace, odd.span) > place)
        }
        (None, None) => all.first(),
    };
    if let Some(Odd { trace, span, why }) = next.cloned() {
        step(state, trace, span);
        state.notify(why);
        return;
    }
    if run(state, true, Wants::Odd) {
        return;
    }
    match all.into_iter().next() {
        Some(Odd { trace, span, why }) if last.is_some() || here.is_some() => {
            step(state, trace, span);
            state.notify(format!("from the end on at the start: {why}"));
        }
        _ => state.notify("nothing odd is known here: no loop, no broken arguments, no answer cut off"),
    }
}

/// Goes to the call that cost most, or that took longest; from it to the one after.
fn foremost(state: &mut State, slowest: bool) {
    let Some(detail) = state.detail.current_answer() else {
        let chosen = state.detail.subject().is_some();
        state.notify(match (chosen, slowest) {
            (true, _) => "its calls are on their way: press it again",
            (false, true) => "choose a run or a session; S has the slowest calls of all runs, under Speed and cost",
            (false, false) => "choose a run or a session; S has the dearest runs of all",
        });
        return;
    };
    let calls = if slowest { oddities::slowest(detail) } else { oddities::dearest(detail) };
    let here = match state.tree.cursor().map(|row| &row.id) {
        Some(RowId::Span(trace, span)) => calls.iter().position(|(_, step)| *step == (*trace, *span)),
        _ => None,
    };
    let at = here.map_or(0, |at| if at + 1 < calls.len() { at + 1 } else { 0 });
    let Some((size, (trace, span))) = calls.get(at).copied() else {
        state.notify(if slowest { "no call of a model has ended here" } else { "no call here has a price" });
        return;
    };
    let mut all = detail.traces.iter().filter(|one| one.trace == trace).flat_map(|trace| &trace.calls);
    let call = all.find(|call| call.span == span);
    let (word, size) = if slowest {
        let first = match call.and_then(|call| call.ttft) {
            Some(ttft) => format!(", its first token after {}", format::duration(ttft)),
            None => ", when its first token came is not recorded".to_owned(),
        };
        ("slowest", format::duration(Duration::from_nanos(size)) + &first)
    } else {
        ("dearest", format::money(Usd(i64::try_from(size).unwrap_or(i64::MAX))))
    };
    let rank = if at == 0 { format!("the {word} call") } else { format!("the {} {word} call", ordinal(at + 1)) };
    let count = calls.len() as u64;
    step(state, trace, span);
    state.notify(format!("{rank} of {}: {size}", format::count(count)));
}

/// `2nd`
fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

impl State {
    /// Where the cursor is.
    fn spot(&self) -> Option<Spot> {
        let path = self.tree.path();
        let session =
            path.first().and_then(|row| if let RowId::Session(session) = &row.id { session.clone() } else { None });
        Some(Spot { row: path.last()?.id.clone(), session })
    }

    pub(super) fn is_wanted(&self, run: &TraceSummary, wants: Wants) -> bool {
        match wants {
            Wants::Any => true,
            Wants::Failed => matches!(self.run_state(run), RunState::Failed | RunState::Recovered),
            Wants::Odd => run.repeat.as_ref().is_some_and(|repeat| repeat.is_loop),
        }
    }

    /// The turns of the answer that the detail shows, in order; `None` while that is on its way.
    fn turns(&self) -> Option<Vec<Step>> {
        let detail = self.detail.current_answer()?;
        let turns = detail.traces.iter().flat_map(|trace| {
            let calls = trace.calls.iter().filter(|call| call.category.takes_turns());
            calls.map(|call| (trace.trace, call.span))
        });
        Some(turns.collect())
    }

    /// Which of the turns the cursor is on; where it is on none, the first one after it, and false.
    fn turn_here(&self, turns: &[Step]) -> (usize, bool) {
        let Some(detail) = self.detail.current_answer() else { return (0, false) };
        let in_text = if self.focus == super::areas::Focus::Detail { self.detail.step_in_text() } else { None };
        let here = match (in_text, self.tree.cursor().map(|row| &row.id)) {
            (Some(step), _) => step,
            (None, Some(RowId::Span(trace, span))) => (*trace, *span),
            (None, Some(RowId::Trace(trace))) => {
                return (turns.iter().position(|(of, _)| of == trace).unwrap_or(0), false);
            }
            _ => return (0, false),
        };
        if let Some(at) = turns.iter().position(|turn| *turn == here) {
            return (at, true);
        }
        let place = oddities::place(detail, here.0, here.1);
        let after = |turn: &Step| oddities::place(detail, turn.0, turn.1) > place;
        (turns.iter().position(after).unwrap_or(turns.len()), false)
    }
}
