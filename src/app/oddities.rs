//! What is odd in a run: loops, arguments that break their schema, answers that were cut off, tools without a result.

use std::{cmp::Reverse, collections::HashMap};

use super::{document::tools::schema, verdict, wrap};
use crate::model::{
    AssembledTrace, Detail, Finish, ModelCall, RunState, SpanId, Timestamp, ToolDefinition, ToolRun, ToolStatus,
    TraceId,
};

/// Arguments of so many runs of tools are compared with their schemas at a time.
const MOST: usize = 4_000;

/// One odd thing, and the step at which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    pub trace: TraceId,
    pub span: SpanId,
    /// In a line, for people.
    pub why: String,
}

/// All that is odd in an answer, in the order in which it happened.
#[must_use]
pub fn of(detail: &Detail, now: Timestamp) -> Vec<Odd> {
    let mut all = Vec::new();
    for trace in &detail.traces {
        let first = all.len();
        in_trace(trace, now, &mut all);
        let starts = starts(trace);
        all[first..].sort_by_key(|odd: &Odd| starts.get(&odd.span).copied());
    }
    all
}

/// Where a step stands among all steps of an answer: by run, then by start; of those that start at once, the outer one first.
#[must_use]
pub fn place(detail: &Detail, trace: TraceId, span: SpanId) -> Option<(usize, Timestamp, usize)> {
    let at = detail.traces.iter().position(|one| one.trace == trace)?;
    let nodes = &detail.traces[at].tree.nodes;
    let node = nodes.iter().position(|node| node.id == span)?;
    Some((at, nodes[node].started, node))
}

fn starts(trace: &AssembledTrace) -> HashMap<SpanId, (Timestamp, usize)> {
    trace.tree.nodes.iter().enumerate().map(|(at, node)| (node.id, (node.started, at))).collect()
}

fn in_trace(trace: &AssembledTrace, now: Timestamp, all: &mut Vec<Odd>) {
    let mut add =
        |span: Option<SpanId>, why: String| all.extend(span.map(|span| Odd { trace: trace.trace, span, why }));
    let step = |run: &ToolRun| run.span.or(run.called_by);
    if let Some(equal) = verdict::equal_runs(trace).filter(crate::model::EqualRuns::is_loop) {
        let run = &trace.tools[equal.runs[1]];
        let name = wrap::clean_line(&run.name);
        let how = if equal.failing { "failed each time" } else { "the same result each time" };
        add(step(run), format!("loop: {name} {}× with the same arguments, {how}", equal.runs.len()));
    }
    for call in &trace.calls {
        let why = match call.stop_reason.as_deref().and_then(Finish::of) {
            Some(Finish::CutOff) => "the answer was cut off at its limit of tokens",
            Some(Finish::Refused) => "the model or a filter refused to answer",
            None => continue,
        };
        add(Some(call.span), why.to_owned());
    }
    let is_over = trace.run_state(now) != RunState::Running;
    for run in trace.tools.iter().filter(|run| run.status == ToolStatus::Pending && is_over && !run.earlier) {
        add(step(run), format!("no result of {} was recorded", wrap::clean_line(&run.name)));
    }
    let schemas = Schemas::of(trace);
    for run in trace.tools.iter().filter(|run| !run.earlier).take(MOST) {
        let Some(schema) = schemas.of_run(run) else { continue };
        if let Some(wrong) = schema::violations(schema, &run.input).into_iter().next() {
            let path = if wrong.path.is_empty() { "arguments".to_owned() } else { wrong.path };
            let name = wrap::clean_line(&run.name);
            add(
                step(run),
                format!("{name}: {} is not as its schema wants it: {}", wrap::clean_line(&path), wrong.wants),
            );
        }
    }
}

/// The schemas of the tools that were offered.
struct Schemas<'a> {
    calls: HashMap<SpanId, &'a [ToolDefinition]>,
    offered: HashMap<&'a str, &'a ToolDefinition>,
}

impl<'a> Schemas<'a> {
    fn of(trace: &'a AssembledTrace) -> Self {
        let calls = trace.calls.iter().map(|call| (call.span, &*call.request.tools)).collect();
        let offered = trace.definitions.iter().map(|tool| (tool.name.as_str(), tool)).collect();
        Self { calls, offered }
    }

    /// As the call that asked for it was sent it, else as any was.
    fn of_run(&self, run: &ToolRun) -> Option<&'a crate::model::Value> {
        let sent = run.called_by.and_then(|call| self.calls.get(&call));
        let sent = sent.and_then(|tools| tools.iter().find(|tool| tool.name == run.name));
        sent.or_else(|| self.offered.get(run.name.as_str()).copied())?.parameters.as_ref()
    }
}

/// The model calls of an answer by what they cost, the dearest first; those that cost nothing are left out.
#[must_use]
pub fn dearest(detail: &Detail) -> Vec<(u64, (TraceId, SpanId))> {
    foremost(detail, |call| u64::try_from(call.cost.as_ref()?.total.0).ok())
}

/// The model calls of an answer by how many nanoseconds they took, the slowest first.
#[must_use]
pub fn slowest(detail: &Detail) -> Vec<(u64, (TraceId, SpanId))> {
    foremost(detail, |call| {
        let took = call.ended?.since(call.started);
        Some(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
    })
}

fn foremost(detail: &Detail, size: impl Fn(&ModelCall) -> Option<u64>) -> Vec<(u64, (TraceId, SpanId))> {
    let calls = detail.traces.iter().flat_map(|trace| trace.calls.iter().map(|call| (trace.trace, call)));
    let mut foremost: Vec<_> = calls
        .filter_map(|(trace, call)| Some((size(call)?, (trace, call.span))))
        .filter(|(size, _)| *size > 0)
        .collect();
    foremost.sort_by_key(|(size, _)| Reverse(*size));
    foremost
}
