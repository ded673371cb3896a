//! Jumps: to the next run, session, turn or failure, to what is odd or dear, to marks, and back to where one has been.

use super::{
    browse::{Content, RowId},
    event::Effect,
    failed_steps, format,
    oddities::{self, Odd},
    places::{Awaits, Goal, Wants},
    state::State,
    wrap,
};
use crate::{
    keymap::{Action, Code, Key},
    model::{PlaceMark, RunState, SessionId, SessionSummary, SpanId, TraceId, TraceSummary},
};

/// Does a jump.
pub fn act(state: &mut State, action: Action) {
    state.follow.stop(&mut state.tree);
    let forward = matches!(action, Action::NextRun | Action::NextSession | Action::NextTurn | Action::NextFailed);
    match action {
        Action::NextRun | Action::PreviousRun => {
            if !run(state, forward, Wants::Any) {
                state.notify(if forward { "that is the last run" } else { "that is the first run" });
            }
        }
        Action::NextSession | Action::PreviousSession => session(state, forward),
        Action::NextTurn | Action::PreviousTurn => turn(state, forward),
        Action::NextFailed | Action::PreviousFailed => failed(state, forward),
        Action::NextOdd => odd(state),
        Action::Dearest => dearest(state),
        Action::JumpBack | Action::JumpForward => trail(state, action == Action::JumpBack),
        _ => {}
    }
}

/// Waits for the letter of a mark.
pub fn await_letter(state: &mut State, awaits: Awaits) {
    if awaits == Awaits::Mark && marked_here(state).is_none() {
        state.notify("go to a run or a step to mark it");
        return;
    }
    state.marks.touch();
    state.awaits = Some(awaits);
}

/// Takes the letter that was waited for.
pub fn letter(state: &mut State, awaits: Awaits, key: Key) -> Vec<Effect> {
    state.awaits = None;
    let letter = key.types().filter(|letter| letter.is_alphanumeric());
    match (awaits, letter) {
        (Awaits::Mark, Some(letter)) => mark(state, letter),
        (Awaits::GoTo, Some(letter)) => {
            go_to_mark(state, letter);
            Vec::new()
        }
        // Twice the same key: back to where one was.
        (Awaits::GoTo, None) if key.types() == Some('\'') => {
            trail(state, true);
            Vec::new()
        }
        (_, None) if key == Key::plain(Code::Esc) => Vec::new(),
        (_, None) => {
            state.notify(format!("{} is no letter: a mark is a letter or a digit", key.label()));
            Vec::new()
        }
    }
}

/// Notes where the cursor is before a jump, so that there is a way back.
pub fn leave(state: &mut State) {
    if let Some(row) = state.tree.cursor() {
        let from = row.id.clone();
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

/// The place under the cursor, as it is marked.
fn marked_here(state: &State) -> Option<(TraceId, Option<SpanId>)> {
    let row = state.tree.cursor()?;
    let in_text = if state.focus == super::areas::Focus::Detail { state.detail.step_in_text() } else { None };
    match (in_text, &row.id) {
        (Some((trace, span)), _) => Some((trace, Some(span))),
        (None, RowId::Span(trace, span)) => Some((*trace, Some(*span))),
        (None, RowId::Trace(trace)) => Some((*trace, None)),
        (None, RowId::Session(session)) => match state.tree.traces(session.as_ref()) {
            [only] => Some((only.trace, None)),
            _ => None,
        },
        (None, _) => None,
    }
}

fn mark(state: &mut State, letter: char) -> Vec<Effect> {
    let Some((trace, span)) = marked_here(state) else {
        state.notify("go to a run or a step to mark it");
        return Vec::new();
    };
    let known = state.marks.shown().and_then(|marks| marks.iter().find(|mark| mark.letter == letter));
    let is_same = known.is_some_and(|mark| (mark.trace, mark.span) == (trace, span));
    let note = state.name_of_place(trace, span);
    let place = (!is_same).then_some((trace, span, note));
    vec![Effect::Mark { letter, place }]
}

fn go_to_mark(state: &mut State, letter: char) {
    let marks = state.marks.shown();
    let Some(marks) = marks else {
        state.notify("the marks are on their way: press it again");
        return;
    };
    let Some(mark) = marks.iter().find(|mark| mark.letter == letter).cloned() else {
        let mark = state.keymap.label(Action::SetMark);
        state.notify(format!("nothing is marked {letter}: {mark} and a letter marks what the cursor is on"));
        return;
    };
    let PlaceMark { trace, span, session, is_held, .. } = mark;
    if !is_held {
        state.notify(format!("what was marked {letter} is no longer in the store"));
        return;
    }
    go_to_run(state, session, trace, span);
}

fn trail(state: &mut State, back: bool) {
    let Some(from) = state.tree.cursor().map(|row| row.id.clone()) else {
        state.notify("there is nothing to go back to");
        return;
    };
    let Some(to) = state.trail.step(from, back) else {
        state.notify(if back { "there is no place before this one" } else { "there is no place after this one" });
        return;
    };
    let height = state.heights().rows;
    match to {
        RowId::Span(trace, span) => {
            let session = state.tree.trace(&trace).and_then(|summary| summary.session.clone());
            reach(state, session, trace, Some(span));
        }
        RowId::Trace(trace) => {
            let session = state.tree.trace(&trace).and_then(|summary| summary.session.clone());
            reach(state, session, trace, None);
        }
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
        state.notify("its turns are on their way: press it again");
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
    let Some(detail) = state.detail.current_answer() else {
        state.notify("its messages are on their way: press it again");
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

fn dearest(state: &mut State) {
    let Some(detail) = state.detail.current_answer() else {
        state.notify("its costs are on their way: press it again");
        return;
    };
    let dear = oddities::dearest(detail);
    let here = match state.tree.cursor().map(|row| &row.id) {
        Some(RowId::Span(trace, span)) => dear.iter().position(|(_, step)| *step == (*trace, *span)),
        _ => None,
    };
    let at = here.map_or(0, |at| if at + 1 < dear.len() { at + 1 } else { 0 });
    let Some((cost, (trace, span))) = dear.get(at).copied() else {
        state.notify("no call here has a price");
        return;
    };
    let rank = if at == 0 { "the dearest call".to_owned() } else { format!("the {} dearest call", ordinal(at + 1)) };
    let all = dear.len();
    step(state, trace, span);
    state.notify(format!("{rank} of {}: {}", format::count(all as u64), format::money(crate::model::Usd(cost))));
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
    fn is_wanted(&self, run: &TraceSummary, wants: Wants) -> bool {
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

    /// What a place is called: `turn 5 of run 6`.
    fn name_of_place(&self, trace: TraceId, span: Option<SpanId>) -> String {
        let run = self.name_of(trace);
        let Some(span) = span else { return run };
        let detail = self.detail.current_answer();
        let assembled = detail.and_then(|detail| detail.traces.iter().find(|one| one.trace == trace));
        let node = assembled.and_then(|one| one.tree.nodes.iter().find(|node| node.id == span));
        let name = node.map_or_else(|| "a step".to_owned(), super::step::name);
        wrap::cut(&wrap::clean_line(&format!("{name} of {run}")), 60)
    }

    /// Puts the cursor where it was to go, once the rows are there.
    pub(super) fn reach_goal(&mut self, height: usize) {
        match self.goal.clone() {
            None => {}
            Some(Goal::Step(trace, span)) => {
                if !self.tree.nodes(&trace).is_empty() {
                    self.goal = None;
                    self.tree.select(&RowId::Span(trace, span), height);
                }
            }
            Some(Goal::Run { session, trace, span }) => self.reach_run(session, trace, span, height),
            Some(Goal::RunOf { session, first, wants }) => {
                let mut rows = self.tree.traces(session.as_ref()).iter().rev();
                if rows.len() == 0 {
                    // What is seen is asked for.
                    self.tree.select(&RowId::Session(session), height);
                    return;
                }
                let wanted = |row: &&TraceSummary| self.is_wanted(row, wants);
                let found = if first { rows.find(wanted) } else { rows.rfind(wanted) };
                let found = found.map(|row| row.trace);
                self.goal = None;
                if let Some(trace) = found {
                    self.proof_of = (wants == Wants::Failed).then_some(trace);
                    self.reach_run(session, trace, None, height);
                }
            }
            Some(Goal::Proof(trace)) => {
                let is_here = self.detail.subject() == Some(&crate::model::Subject::Trace(trace));
                if is_here && self.detail.current_answer().is_some() {
                    self.goal = None;
                    let proof = self.detail.verdict().and_then(super::verdict::Verdict::proof);
                    if let Some((trace, span)) = proof.filter(|(of, _)| *of == trace) {
                        failed_steps::go_to(self, trace, span);
                        self.tree.relay(height);
                    }
                }
            }
        }
    }

    fn reach_run(&mut self, session: Option<SessionId>, trace: TraceId, span: Option<SpanId>, height: usize) {
        if self.tree.select(&RowId::Trace(trace), height) {
            self.goal = span.map(|span| Goal::Step(trace, span));
            if let Some(failed) = self.proof_of.take_if(|failed| *failed == trace) {
                self.goal = Some(Goal::Proof(failed));
            }
            if span.is_some() {
                self.tree.set_open(RowId::Trace(trace), true);
                self.tree.relay(height);
            }
            return;
        }
        let row = RowId::Session(session.clone());
        let is_listed = self.tree.select(&row, height);
        if self.tree.traces(session.as_ref()).is_empty() && is_listed {
            // Its runs are on their way.
            self.goal = Some(Goal::Run { session, trace, span });
            return;
        }
        if is_listed && self.tree.ask_for_earlier(session.as_ref()) {
            self.goal = Some(Goal::Run { session, trace, span });
            return;
        }
        self.goal = None;
        let clear = self.keymap.label(Action::Back);
        let hidden = !self.filter.is_empty();
        self.notify(if hidden {
            format!("the filter hides that run: {clear} clears the filter")
        } else {
            "that run is not in the list any more".to_owned()
        });
    }

    /// Whether the row with the cursor has a session whose runs could be gone through.
    #[must_use]
    pub fn is_on_a_run(&self) -> bool {
        self.tree.cursor().is_some_and(|row| !matches!(self.tree.content(row), Content::Program(_)))
    }
}
