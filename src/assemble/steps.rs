//! The counted model calls and the tool runs of a trace in numbers, for statistics; and its worst repeat.
//!
//! Their costs and tokens add up to the totals of the trace, whoever recorded them and however often.

use std::{collections::HashMap, time::Duration};

use super::{
    call::Call,
    calls::CountedCalls,
    hashes::{CallHash, ToolNameHash},
    joined_runs::{JoinedRun, JoinedRuns},
    span_digest::SpanDigest,
    span_tree::SpanTree,
    text_hash,
    tool_executions::tool_name,
};
use crate::model::{
    CacheBreak, Category, EqualRuns, Outcome, RepeatSummary, SpanId, Timestamp, TokenUsage, ToolStatus, Usd, Value,
};

/// What a [`Step`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// A counted call of a model.
    Call,
    /// A counted call for embeddings or of a reranker, which nobody converses with.
    Vectors,
    /// A run of a tool.
    Tool,
    /// A cost that a span reports for the calls beneath it, which have none.
    Payer,
}

impl StepKind {
    /// The word for it in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Vectors => "vectors",
            Self::Tool => "tool",
            Self::Payer => "payer",
        }
    }
}

/// One counted model call, tool run or payer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    pub kind: StepKind,
    pub started: Timestamp,
    /// `None` while it goes on, and where no execution is known.
    pub lasted: Option<Duration>,
    pub first_token: Option<Duration>,
    /// The requested model, else the one that answered.
    pub model: Option<Box<str>>,
    /// Who serves the model.
    pub provider: Option<Box<str>>,
    /// The agent that called the model or the tool.
    pub agent: Option<Box<str>>,
    /// The tool's name; empty where it is not known, `None` for anything but a tool.
    pub tool: Option<Box<str>>,
    pub usage: TokenUsage,
    /// `None` where it is not known.
    pub cost: Option<Usd>,
    /// Nobody knows what it cost, see [`Call::unpriced`].
    pub unpriced: bool,
    pub failed: bool,
    /// Why the answer ended, as its sender said; `None` for anything but a call, and where it is not known.
    pub finish: Option<Box<str>>,
}

/// What is known of a trace: its nodes, the calls that count, the tool runs, and the digests of all records.
pub struct Counted<'t, 'a> {
    pub tree: &'t SpanTree<'a>,
    pub calls: &'t CountedCalls,
    pub runs: &'t JoinedRuns,
    pub digests: &'t [&'a SpanDigest],
}

/// The steps of a trace, by start.
pub fn steps(trace: &Counted) -> Vec<Step> {
    let names = Names::of(trace);
    let mut steps: Vec<((Timestamp, SpanId, usize), Step)> = Vec::new();
    let nodes = &trace.tree.nodes;
    for call in &trace.calls.calls {
        let node = &nodes[call.node];
        let step = Step {
            kind: if node.category.takes_turns() { StepKind::Call } else { StepKind::Vectors },
            lasted: node
                .ended
                .and_then(|_| call.nodes().filter_map(|at| nodes[at].ended).max())
                .map(since(node.started)),
            first_token: call.digests(trace.tree).find_map(|digest| digest.facts.as_ref()?.first_token),
            model: call.model(trace.tree).map(Box::from),
            provider: call.digests(trace.tree).find_map(|digest| digest.provider.clone()),
            agent: names.agent_of(call.node),
            usage: call.usage.unwrap_or_default(),
            cost: cost_of(call),
            unpriced: call.unpriced,
            failed: call.failed,
            finish: call.digests(trace.tree).find_map(|digest| digest.facts.as_ref()?.finish.clone()),
            ..Step::new(StepKind::Call, node.started)
        };
        steps.push(((node.started, node.id, 0), step));
    }
    for run in trace.runs.runs.iter().filter(|run| !run.earlier) {
        let node = run.node.map(|at| &nodes[at]);
        let started = node.map_or(run.order.0, |node| node.started);
        let caller = run.called.map(|(call, _)| trace.calls.calls[call].node);
        let step = Step {
            lasted: node.and_then(|node| node.ended).map(since(started)),
            agent: caller.or(run.node).and_then(|at| names.agent_of(at)),
            tool: Some(names.tool(run)),
            failed: run.status == ToolStatus::Error,
            ..Step::new(StepKind::Tool, started)
        };
        steps.push(((started, run.order.1, run.order.2 + 1), step));
    }
    for payer in &trace.calls.payers {
        let node = &nodes[*payer];
        let step = Step {
            model: node.sources().find_map(|(_, digest)| digest.model.clone()),
            agent: names.agent_of(*payer),
            cost: Some(node.cost.map(|cost| cost.total).unwrap_or_default()),
            ..Step::new(StepKind::Payer, node.started)
        };
        steps.push(((node.started, node.id, 0), step));
    }
    steps.sort_by_key(|(order, _)| *order);
    steps.into_iter().map(|(_, step)| step).collect()
}

/// The worst repeat of a trace; `None` where no tool was called again and again.
pub fn repeat(trace: &Counted) -> Option<RepeatSummary> {
    let runs: Vec<&JoinedRun> = trace.runs.runs.iter().filter(|run| !run.earlier).collect();
    let equal = EqualRuns::worst(runs.iter().map(|run| arguments(run)), |at| outcome(runs[at]))?;
    let second = runs[*equal.runs.get(1)?];
    let calls = &trace.calls.calls;
    let after = match (second.called, second.node) {
        (Some((call, _)), _) => &calls[call + 1..],
        (None, Some(node)) => {
            let started = trace.tree.nodes[node].started;
            &calls[calls.partition_point(|call| trace.tree.nodes[call.node].started < started)..]
        }
        (None, None) => &[],
    };
    Some(RepeatSummary {
        tool: Names::of(trace).tool(second).into(),
        times: equal.runs.len() as u64,
        is_loop: equal.is_loop(),
        spent: after.iter().filter_map(cost_of).reduce(|left, right| left + right),
    })
}

/// Where the cache of prompts broke first.
pub fn cache_break(steps: &[Step]) -> Option<CacheBreak> {
    let turns = steps.iter().filter(|step| step.kind == StepKind::Call).zip(1..);
    CacheBreak::first(turns.map(|(step, turn)| ((&step.agent, &step.model), turn, step.usage.cached_share())))
}

/// The newest tool whose result nobody knows, though a model was called after the call that asked for it.
pub fn unanswered(trace: &Counted) -> Option<String> {
    let went_on = |run: &&JoinedRun| run.called.is_some_and(|(call, _)| call + 1 < trace.calls.calls.len());
    let mut pending = trace.runs.runs.iter().rev().filter(|run| run.status == ToolStatus::Pending && !run.earlier);
    let run = pending.find(went_on)?;
    Some(Names::of(trace).tool(run).into())
}

/// What the arguments of a run are known by; `None` where none were recorded.
fn arguments(run: &JoinedRun) -> Option<CallHash> {
    let unknown = run.name.map(|name| CallHash::of((name, text_hash::value(&Value::Null))));
    run.call_hash.filter(|arguments| Some(*arguments) != unknown)
}

fn outcome(run: &JoinedRun) -> Outcome {
    match (run.status, run.result) {
        (ToolStatus::Error, _) => Outcome::Failed,
        (ToolStatus::Ok, Some(result)) => Outcome::Returned(result),
        _ => Outcome::Unknown,
    }
}

/// Whether the last answer of the trace was cut at a limit of tokens.
pub fn is_cut_off(trace: &Counted) -> bool {
    let takes_turns = |call: &&Call| trace.tree.nodes[call.node].category.takes_turns();
    let last = trace.calls.calls.iter().rev().find(takes_turns);
    last.is_some_and(|call| {
        call.digests(trace.tree).any(|digest| digest.facts.as_ref().is_some_and(|facts| facts.cut_off))
    })
}

/// What a call cost; what a provider refused costs nothing, and that is known.
fn cost_of(call: &Call) -> Option<Usd> {
    let free = call.failed && !call.has_tokens() && !call.broke_off;
    call.cost.as_ref().map(|cost| cost.total).or(free.then_some(Usd(0)))
}

fn since(started: Timestamp) -> impl Fn(Timestamp) -> Duration {
    move |ended| ended.since(started)
}

impl Step {
    /// A step of which only its kind and its start are known.
    fn new(kind: StepKind, started: Timestamp) -> Self {
        Self {
            kind,
            started,
            lasted: None,
            first_token: None,
            model: None,
            provider: None,
            agent: None,
            tool: None,
            usage: TokenUsage::default(),
            cost: None,
            unpriced: false,
            failed: false,
            finish: None,
        }
    }
}

/// The names of tools and agents in a trace.
struct Names<'t, 'a> {
    trace: &'t Counted<'t, 'a>,
    tools: HashMap<ToolNameHash, &'a str>,
    /// For each node the nearest agent or tool above it.
    above: Vec<Option<usize>>,
}

impl<'t, 'a> Names<'t, 'a> {
    fn of(trace: &'t Counted<'t, 'a>) -> Self {
        let named = trace.digests.iter().filter_map(|digest| digest.facts.as_ref()).flat_map(|facts| &facts.tool_names);
        Self {
            trace,
            tools: named.map(|(hash, name)| (*hash, &**name)).collect(),
            above: trace.tree.above(|node| matches!(node.category, Category::Agent | Category::Tool)),
        }
    }

    /// The name of a run's tool; empty where it is not known.
    fn tool(&self, run: &JoinedRun) -> Box<str> {
        let stated = run.name.and_then(|name| self.tools.get(&name).copied());
        let span = || self.trace.tree.nodes[run.node?].span.map(|(_, digest)| tool_name(&digest.name));
        stated.or_else(span).unwrap_or_default().into()
    }

    /// The name of the agent that a node belongs to: the nearest agent around it if that has a name, else the one
    /// that the node records itself.
    fn agent_of(&self, node: usize) -> Option<Box<str>> {
        let nodes = &self.trace.tree.nodes;
        let is_agent = |at: &usize| nodes[*at].category == Category::Agent;
        let scope = Some(node).filter(is_agent).or(self.above[node]).filter(is_agent);
        scope.and_then(|scope| self.agent(scope)).or_else(|| self.recorded(node))
    }

    fn agent(&self, node: usize) -> Option<Box<str>> {
        let named = || {
            let (_, digest): (_, &SpanDigest) = self.trace.tree.nodes[node].span?;
            let name = digest.name.strip_prefix("invoke_agent ")?.trim();
            Some(name).filter(|name| Some(*name) != digest.model.as_deref()).map(Box::from)
        };
        self.recorded(node).or_else(named)
    }

    fn recorded(&self, node: usize) -> Option<Box<str>> {
        self.trace.tree.nodes[node].sources().find_map(|(_, digest)| digest.facts.as_ref()?.agent.clone())
    }
}
