//! What a row of the tree shows, before it is laid out.

use std::time::Duration;

use super::names;
use crate::{
    app::{
        Content, Row, RowId, State, format, program,
        step::{self, FAILED, mark},
        styled::Styled,
        wrap,
    },
    model::{Exit, Node, NodeState, Order, Program, RunState, Score, SessionSummary, TraceSummary, Usd},
    slots::Slot,
    view::numbers,
};

#[derive(Default)]
pub struct Line {
    /// `✓ ✗ ● ◌`, or `None`.
    pub mark: Option<(&'static str, Slot)>,
    /// The letter of its kind.
    pub kind: Option<(&'static str, Slot)>,
    pub name: String,
    pub name_slot: Slot,
    /// It is prose, which is read from its start; a name is cut in its middle.
    pub prose: bool,
    /// Signs right after the name, which gives way to them.
    pub signs: Vec<Styled>,
    pub model: String,
    /// What else is shown where there is room, most needed first.
    pub notes: Vec<Styled>,
    /// At the right end of the name's place.
    pub aside: String,
    /// How long ago it began; of a session, when something of it was last seen.
    pub age: Option<String>,
    pub duration: Option<String>,
    pub tokens: Option<String>,
    /// What it was judged by; `None` where nobody did.
    pub score: Option<Score>,
    pub cost: Option<String>,
}

pub fn line(state: &State, row: &Row, content: Content) -> Line {
    let mut line = of(state, row, content);
    if state.is_marked(row) {
        line.signs.push(Styled::new(MARKED, Slot::Accent));
    }
    line
}

/// Somebody marked it with a letter.
const MARKED: &str = "◈";

fn of(state: &State, row: &Row, content: Content) -> Line {
    let aside = |text: String, slot| Line { name: text, name_slot: slot, ..Line::default() };
    match content {
        Content::Program(program) => of_program(state, program),
        Content::Session(session) => of_session(state, session),
        Content::Trace(trace) => of_trace(state, trace),
        Content::Span { node, folded } => of_span(state, row, node, folded),
        Content::Quiet(runs) => aside(format!("{} runs without a model call", format::exact(runs as u64)), Slot::Dim),
        Content::Day(moment) => aside(state.zone.day_name(moment, state.now), Slot::Dim),
        Content::Earlier(count) => {
            let what = if state.filter.order == Order::Newest { "earlier" } else { "more" };
            aside(format!("↓ {} {what} runs", format::exact(count)), Slot::Dim)
        }
        Content::Waiting => aside("…".to_owned(), Slot::Dim),
        Content::Nothing if state.filter.is_empty() => aside("nothing here yet".to_owned(), Slot::Dim),
        Content::Nothing => aside("nothing passes the filter".to_owned(), Slot::Dim),
        Content::Failed(why) => aside(format!("✗ {}", wrap::clean_line(why)), Slot::Error),
    }
}

/// `● python my_agent.py  no span yet  pid 812`
fn of_program(state: &State, program: &Program) -> Line {
    let facts = match &program.ended {
        Some(ended) if program.has_failed() => Styled::new(program::exit(ended.exit), Slot::TreeError),
        _ => Styled::new(program::sent(program), Slot::Dim),
    };
    let ended = program.ended.as_ref().map(|ended| ended.at);
    Line {
        mark: Some(mark(program::state(program))),
        name: wrap::clean_line(&program.command),
        name_slot: Slot::TreeSession,
        prose: true,
        notes: vec![facts, Styled::new(format!("pid {}", program.id.pid), Slot::Dim)],
        age: Some(format::age(program.id.started, state.now, &state.zone)),
        duration: Some(numbers::duration(program.id.started, ended, state.now)),
        ..Line::default()
    }
}

fn of_session(state: &State, session: &SessionSummary) -> Line {
    let number = session.states.all();
    let runs = if number == 1 { "run" } else { "runs" };
    // Failures show beside runs that go on, and how many there are where several runs are folded away.
    let failed = Some(session.states.failed).filter(|failed| *failed > 0 && number > 1);
    let failed = failed.map(|failed| Styled::new(format!("✗{}", format::count(failed)), Slot::TreeError));
    let loops = (session.loops > 0).then(|| Styled::new(format!("↻{}", format::count(session.loops)), Slot::Error));
    let users = session.users.first().filter(|_| session.session.is_some()).map(|first| {
        let more = session.users.len() - 1;
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        Styled::new(format!("{}{more}", wrap::clean_line(first)), Slot::Dim)
    });
    Line {
        mark: Some(mark(state.session_state(session))),
        name: names::session(session),
        name_slot: Slot::TreeSession,
        signs: loops.into_iter().collect(),
        notes: failed.into_iter().chain(users).collect(),
        aside: format!("{} {runs}", format::count(number)),
        age: Some(format::age(session.last_seen, state.now, &state.zone)),
        duration: Some(numbers::lasted(session, state.now)),
        tokens: Some(numbers::tokens_of(&session.totals)),
        score: session.score.clone(),
        cost: Some(numbers::cost_of(&session.totals)),
        ..Line::default()
    }
}

fn of_trace(state: &State, trace: &TraceSummary) -> Line {
    let run_state = state.run_state(trace);
    let errors = (trace.totals.failures() > 0).then(|| Styled::new(errors(trace), Slot::Warning));
    let quiet = state.now.since(trace.last_seen);
    let since = format!("{} since last", numbers::whole_seconds(quiet));
    let since = (quiet >= QUIET).then(|| Styled::new(since, Slot::TreeRunning));
    let state_notes = match run_state {
        RunState::Running => [since, errors],
        RunState::NeverEnded => [Some(Styled::new("never ended", Slot::Warning)), errors],
        RunState::Recovered => [errors, None],
        RunState::Failed | RunState::Done => [None, None],
    };
    // The same call of a tool, again and again.
    let repeat = trace.repeat.as_ref().map(|repeat| {
        let slot = if repeat.is_loop { Slot::Error } else { Slot::Warning };
        Styled::new(format!("↻{}", format::count(repeat.times)), slot)
    });
    // It explains why a run was cut off.
    let program = state.tree.program_of(trace.trace).and_then(|program| program.ended.as_ref());
    let exit = program.filter(|ended| ended.exit != Exit::Code(0) && run_state != RunState::Done);
    let exit = exit.map(|ended| Styled::new(program::exit(ended.exit), Slot::TreeError));
    let (ended, now) = match run_state {
        RunState::Running => (None, state.now),
        // Nobody knows when its program stopped: its clock stands.
        RunState::NeverEnded => (None, trace.last_seen),
        _ => (trace.ended.or(Some(trace.last_seen)), state.now),
    };
    let label = trace.label.as_deref().map(wrap::clean_line);
    let question = trace.question.as_deref().map(wrap::clean_line).filter(|question| !question.trim().is_empty());
    // The name that people gave, then what was asked; a name that an instrumentation made only where there is neither.
    let also = question.clone().filter(|_| label.is_some()).map(|question| Styled::new(question, Slot::Dim));
    let name = || trace.name.as_deref().map(wrap::clean_line);
    Line {
        mark: Some(mark(run_state)),
        prose: label.is_none() && question.is_some(),
        name: label.or(question).or_else(name).unwrap_or_else(|| format!("{:.8}", trace.trace.to_string())),
        name_slot: Slot::TreeTrace,
        signs: repeat.into_iter().collect(),
        notes: exit.into_iter().chain(state_notes.into_iter().flatten()).chain(also).collect(),
        age: Some(format::age(trace.started, state.now, &state.zone)),
        duration: Some(numbers::duration(trace.started, ended, now)),
        tokens: Some(numbers::tokens_of(&trace.totals)),
        score: trace.score.clone(),
        cost: Some(numbers::cost_of(&trace.totals)),
        ..Line::default()
    }
}

/// Nothing of a running run arrived for so long: the row says so.
const QUIET: Duration = Duration::from_secs(3);

/// `1 error`; `1 tool failed`, where nothing but the results of tools says so.
fn errors(trace: &TraceSummary) -> String {
    if trace.totals.errors == 0 {
        let failed = trace.totals.failed_tools;
        return format!("{} {} failed", format::count(failed), if failed == 1 { "tool" } else { "tools" });
    }
    let errors = if trace.totals.errors == 1 { "error" } else { "errors" };
    format!("{} {errors}", format::count(trace.totals.errors))
}

fn of_span(state: &State, row: &Row, node: &Node, folded: usize) -> Line {
    let mut notes: Vec<Styled> =
        names::ordinal(node).map(|ordinal| Styled::new(ordinal, Slot::Text)).into_iter().collect();
    notes.extend(node.error.as_deref().map(|error| Styled::new(wrap::clean_line(error), Slot::TreeError)));
    if folded > 0 {
        notes.push(Styled::new(format!("+{folded}"), Slot::Dim));
    }
    let model = node.turn.and(node.model.as_deref()).map(|model| wrap::clean_line(format::model(model)));
    let going = match node.state {
        NodeState::Running => {
            // Its clock stands where its run is given up.
            let RowId::Span(trace, _) = row.id else { return Line::default() };
            let given_up = state.tree.trace(&trace).filter(|trace| state.run_state(trace) == RunState::NeverEnded);
            numbers::duration(node.started, None, given_up.map_or(state.now, |trace| trace.last_seen))
        }
        NodeState::Missing => numbers::NONE.to_owned(),
        NodeState::Ok | NodeState::Error => numbers::duration(node.started, node.ended, state.now),
    };
    let is_call = node.category.is_call() && node.turn.is_some();
    // Nobody is charged for what a provider refused.
    let free = is_call && node.state == NodeState::Error && node.usage.is_none() && !node.unpriced;
    let cost = node.cost.as_ref().map(|cost| cost.total).or_else(|| free.then_some(Usd(0)));
    Line {
        mark: match node.state {
            NodeState::Ok => None,
            NodeState::Error => Some(FAILED),
            NodeState::Running => Some(mark(RunState::Running)),
            NodeState::Missing => Some(("◌", Slot::TreeMissing)),
        },
        kind: Some(step::kind(node.category)),
        name: step::name(node),
        // What stands for it is no name, and read from its start.
        prose: node.state == NodeState::Missing,
        model: model.unwrap_or_default(),
        name_slot: if node.state == NodeState::Missing { Slot::TreeMissing } else { Slot::Text },
        notes,
        duration: Some(going),
        // Of two records of one call the second has none of its own.
        tokens: Some(numbers::tokens(node.usage.as_ref(), is_call)),
        cost: Some(numbers::cost(cost, node.unpriced || (is_call && cost.is_none()))),
        ..Line::default()
    }
}
