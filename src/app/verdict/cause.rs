//! Why a run failed: the deepest step on its failing path; else what is wrong with how it ended.

use crate::app::document::{
    hash::HashMap,
    short_error,
    tools::schema::{self, Violation},
};
use crate::app::{format, step, wrap};
use crate::model::{
    AssembledTrace, Category, Content, Failure, Finish, ModelCall, Node, NodeState, Role, SpanId, ToolRun, ToolStatus,
    TraceState, Tree, Value,
};

/// So many of the newest tool runs have their arguments checked before a run is looked at.
const CHECKED: usize = 256;

/// What is wrong with a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub what: What,
    /// The whole run failed or has no answer.
    pub fatal: bool,
    /// It is complete, and ended well.
    pub went_on: bool,
    /// The way to the step, outermost first: agents, the turn, the tool.
    pub path: Vec<String>,
    /// The kind of the error, `ValidationError`.
    pub kind: Option<String>,
    /// The error's message on one line.
    pub message: Option<String>,
    /// The span at which it can be seen.
    pub span: Option<SpanId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Failed {
        by: By,
        /// How many failures the run has.
        failures: u64,
    },
    /// A model call ended at a limit of tokens; the finish reason as it was sent.
    CutOff(String),
    /// A filter or the model itself refused; the finish reason as it was sent.
    Refused(String),
    /// The last message of the run has no text.
    NoAnswer,
    /// A tool was asked for and no result is known.
    Unanswered,
    /// The sender threw away some of what it recorded of model calls; what, in words.
    Dropped(String),
    /// Arguments are not as the schema wants them with which the tool was offered.
    BadArguments,
}

/// Where a run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Tool,
    Model,
    Program,
}

/// What is wrong with a run; `None` where nothing is.
pub fn of(trace: &AssembledTrace) -> Option<Cause> {
    failed_path(trace)
        .or_else(|| last_failure(trace))
        .or_else(|| failed_result(trace))
        .or_else(|| bad_finish(trace))
        .or_else(|| unanswered(trace))
        .or_else(|| bad_arguments(trace))
        .or_else(|| no_answer(trace))
        .or_else(|| dropped(trace))
}

/// Whether a run is complete and did not fail as a whole.
fn went_on(trace: &AssembledTrace) -> bool {
    trace.waits.is_none() && trace.state == TraceState::Ok
}

/// The deepest failed step on the path from a failed root.
fn failed_path(trace: &AssembledTrace) -> Option<Cause> {
    if trace.state != TraceState::Error {
        return None;
    }
    let nodes = &trace.tree.nodes;
    let mut at = nodes.iter().rposition(|node| node.depth == 0 && node.state == NodeState::Error)?;
    while let Some(child) = cause_beneath(trace, at) {
        at = child;
    }
    Some(at_node(trace, at, true))
}

/// The failed child that made a span fail: the last one, if nothing began after it or the span's own error repeats it.
fn cause_beneath(trace: &AssembledTrace, at: usize) -> Option<usize> {
    let nodes = &trace.tree.nodes;
    let end = (at + 1 + nodes[at].beneath).min(nodes.len());
    let (mut last, mut failed) = (None, None);
    let mut child = at + 1;
    while child < end {
        let later = |than: Option<usize>| than.is_none_or(|than: usize| nodes[than].started <= nodes[child].started);
        if later(last) {
            last = Some(child);
        }
        // What failed may lie beneath a span that kept its own status.
        if nodes[child].state == NodeState::Error && later(failed) {
            failed = Some(child);
        }
        child += 1 + nodes[child].beneath;
    }
    let failed = failed?;
    let own = message(trace, nodes[at].id);
    let repeats = match (own, message(trace, nodes[failed].id)) {
        (Some(own), Some(beneath)) => own.contains(beneath) || beneath.contains(own),
        (None, _) => true,
        (Some(_), None) => false,
    };
    (repeats || last == Some(failed)).then_some(failed)
}

/// The message of a span's failure; a failure is kept at the deepest span that carries it.
fn message(trace: &AssembledTrace, span: SpanId) -> Option<&str> {
    let message = failure_of(trace, span).and_then(|failure| failure.message.as_deref());
    let node = || trace.tree.nodes.iter().find(|node| node.id == span).and_then(|node| node.error.as_deref());
    message.or_else(node).map(str::trim).filter(|message| !message.is_empty())
}

fn failure_of(trace: &AssembledTrace, span: SpanId) -> Option<&Failure> {
    trace.errors.iter().rfind(|error| error.span == span).map(|error| &error.failure)
}

/// The last failure of a run whose root did not fail.
fn last_failure(trace: &AssembledTrace) -> Option<Cause> {
    let error = trace.errors.last()?;
    let at = trace.tree.nodes.iter().position(|node| node.id == error.span);
    at.map(|at| at_node(trace, at, false))
}

/// The last result that its sender marked as an error, though no span failed.
fn failed_result(trace: &AssembledTrace) -> Option<Cause> {
    let mut failed = trace.tools.iter().filter(|run| run.status == ToolStatus::Error && !run.earlier);
    let failures = failed.clone().count() as u64;
    let run = failed.next_back()?;
    Some(Cause {
        what: What::Failed { by: By::Tool, failures },
        fatal: false,
        went_on: went_on(trace),
        path: path_of_tool(trace, run, None),
        kind: None,
        message: run.error.as_deref().and_then(line),
        span: run.span.or(run.called_by),
    })
}

/// Whether nothing began after a step, but what is beneath it: then nothing shows that the run went on.
fn is_last(trace: &AssembledTrace, at: usize) -> bool {
    let nodes = &trace.tree.nodes;
    let step = &nodes[at];
    let around = nodes.iter().take(at).chain(nodes.iter().skip(at + step.beneath + 1));
    around.filter(|node| !node.plumbing).all(|node| node.started <= step.started)
}

/// A failed span: what it is, the way to it, and its error.
fn at_node(trace: &AssembledTrace, at: usize, fatal: bool) -> Cause {
    let node = &trace.tree.nodes[at];
    let failure = failure_of(trace, node.id);
    let by = match node.category {
        Category::Tool => By::Tool,
        category if category.is_call() => By::Model,
        _ => By::Program,
    };
    let text = failure.and_then(|failure| failure.message.as_deref()).or(node.error.as_deref());
    Cause {
        what: What::Failed { by, failures: trace.totals.errors.max(1) },
        fatal,
        went_on: !fatal && went_on(trace) && !is_last(trace, at),
        path: path_of_node(trace, at),
        kind: failure.and_then(|failure| failure.kind.as_deref()).map(|kind| wrap::clean_line(short_error(kind))),
        message: text.and_then(line),
        span: Some(node.id),
    }
}

/// The first line of a text that has any.
fn line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(wrap::clean_line)
}

/// `planner › turn 5 › book_room #4`
fn path_of_node(trace: &AssembledTrace, at: usize) -> Vec<String> {
    let node = &trace.tree.nodes[at];
    if let Some(run) = trace.tools.iter().find(|run| run.span == Some(node.id)) {
        return path_of_tool(trace, run, Some(at));
    }
    let mut path = agents_above(&trace.tree, at);
    path.push(step::called(node));
    path
}

fn path_of_tool(trace: &AssembledTrace, run: &ToolRun, at: Option<usize>) -> Vec<String> {
    let nodes = &trace.tree.nodes;
    let of = |span: Option<SpanId>| span.and_then(|span| nodes.iter().position(|node| node.id == span));
    let at = at.or_else(|| of(run.span));
    let caller = of(run.called_by);
    let mut path = at.or(caller).map(|at| agents_above(&trace.tree, at)).unwrap_or_default();
    path.extend(caller.and_then(|at| nodes[at].turn).map(|turn| format!("turn {turn}")));
    path.push(at.map_or_else(|| wrap::clean_line(&run.name), |at| step::called(&nodes[at])));
    path
}

/// The names of the agents that a span lies in, outermost first.
fn agents_above(tree: &Tree, at: usize) -> Vec<String> {
    let agents = tree.above(at).filter(|node| node.category == Category::Agent && node.state != NodeState::Missing);
    let name = |node: &Node| wrap::clean_line(node.name.strip_prefix("invoke_agent ").unwrap_or(&node.name));
    let mut names: Vec<String> = agents.map(name).collect();
    // Several spans of one agent lie in one another.
    names.dedup();
    names.reverse();
    names
}

/// The last model call that ended at a limit, or was refused.
fn bad_finish(trace: &AssembledTrace) -> Option<Cause> {
    let found = trace.calls.iter().enumerate().rev().find_map(|(at, call)| Some((at, call, finish(call)?)));
    let (at, call, what) = found?;
    let turns = trace.turns();
    let is_last = trace.calls.iter().rposition(|call| call.category.takes_turns()) == Some(at);
    let node = trace.tree.nodes.iter().position(|node| node.id == call.span);
    let mut path = node.map(|at| agents_above(&trace.tree, at)).unwrap_or_default();
    path.extend(turns[at].map(|turn| format!("turn {turn}")));
    Some(Cause {
        what,
        fatal: is_last,
        went_on: !is_last && went_on(trace),
        path,
        kind: None,
        message: None,
        span: Some(call.span),
    })
}

fn finish(call: &ModelCall) -> Option<What> {
    let stop = call.stop_reason.as_deref()?;
    let word = wrap::clean_line(stop);
    Some(match Finish::of(stop)? {
        Finish::CutOff => What::CutOff(word),
        Finish::Refused => What::Refused(word),
    })
}

/// A tool of which no result is known, in a run that went on or ended without it. A lone model call whose result is sent
/// with a later run is as it should be.
fn unanswered(trace: &AssembledTrace) -> Option<Cause> {
    if trace.waits.is_some() {
        return None;
    }
    let mut pending = trace.tools.iter().rev().filter(|run| run.status == ToolStatus::Pending && !run.earlier);
    let at = |span| trace.calls.iter().position(|call| Some(call.span) == span);
    let run = pending.find(|run| at(run.called_by).is_some_and(|at| at + 1 < trace.calls.len()))?;
    Some(Cause {
        what: What::Unanswered,
        fatal: false,
        went_on: went_on(trace),
        path: path_of_tool(trace, run, None),
        kind: None,
        message: None,
        span: run.span.or(run.called_by),
    })
}

/// The newest call whose arguments break the schema of its tool; of very many only the newest are looked at.
fn bad_arguments(trace: &AssembledTrace) -> Option<Cause> {
    let schemas = trace.definitions.iter().filter_map(|tool| Some((tool.name.as_str(), tool.parameters.as_ref()?)));
    let schemas: HashMap<&str, &Value> = schemas.collect();
    let mut runs = trace.tools.iter().rev().take(CHECKED).filter(|run| *run.input != Value::Null && !run.earlier);
    let (run, wrong) = runs.find_map(|run| {
        let schema = schemas.get(run.name.as_str())?;
        Some((run, schema::violations(schema, &run.input).into_iter().next()?))
    })?;
    let Violation { path, got, wants } = wrong;
    let path = if path.is_empty() { "arguments" } else { &path };
    let got = got.map_or_else(|| "missing".to_owned(), |got| format!("is {got}"));
    Some(Cause {
        what: What::BadArguments,
        fatal: false,
        went_on: went_on(trace),
        path: path_of_tool(trace, run, None),
        kind: None,
        message: line(&format!("{path} {got}: {wants}")),
        span: run.span.or(run.called_by),
    })
}

/// Calls of which the sender threw away some: what stands in the messages is not all.
fn dropped(trace: &AssembledTrace) -> Option<Cause> {
    let mut partial = trace.calls.iter().enumerate().filter(|(_, call)| call.dropped.is_any());
    let (first, call) = partial.next()?;
    let (sum, calls) =
        partial.fold((call.dropped, 1_u64), |(sum, calls), (_, call)| (sum.and(call.dropped), calls + 1));
    let place = match trace.turns()[first] {
        Some(turn) if calls == 1 => format!("turn {turn}"),
        _ if calls == 1 => "a model call".to_owned(),
        _ => format!("{} model calls", format::count(calls)),
    };
    Some(Cause {
        what: What::Dropped(format::dropped(sum)?),
        fatal: false,
        went_on: went_on(trace),
        path: vec![place],
        kind: None,
        message: None,
        span: Some(call.span),
    })
}

/// A complete run whose last message is a model's and says nothing.
fn no_answer(trace: &AssembledTrace) -> Option<Cause> {
    if trace.waits.is_some() {
        return None;
    }
    let last = trace.calls.iter().rposition(|call| call.category.takes_turns())?;
    let call = &trace.calls[last];
    let messages = trace.conversations.iter().filter(|one| one.opened_by.is_none()).flat_map(|one| &one.messages);
    let answers: Vec<_> = messages.filter(|at| at.turn == last && at.message.role == Role::Assistant).collect();
    let is_silent = |content: &Content| match content {
        Content::Text(text) => text.trim().is_empty(),
        Content::Reasoning(_) => true,
        _ => false,
    };
    let silent = answers.iter().all(|at| at.message.parts.iter().all(|part| is_silent(&part.content)));
    (!answers.is_empty() && silent && call.unrecorded.is_none() && call.ended.is_some()).then(|| Cause {
        what: What::NoAnswer,
        fatal: true,
        went_on: false,
        path: trace.turns()[last].map(|turn| format!("turn {turn}")).into_iter().collect(),
        kind: None,
        message: None,
        span: Some(call.span),
    })
}
