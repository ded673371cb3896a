//! The span tree as the screen shows it: each node with a name, sums and numbers.

use std::collections::HashMap;

use super::{
    call::is_short_for,
    joined_runs::JoinedRun,
    loaded_trace::LoadedTrace,
    span_digest::SpanDigest,
    span_tree::SpanNode,
    tool_runs,
    totals::{self, TraceDigest},
};
use crate::model::{Category, Cost, Node, NodeState, TokenUsage, Tree};

/// Sums over the counted calls at and beneath a node.
#[derive(Default, Clone)]
struct Sum {
    /// `None` if no call reports tokens.
    usage: Option<TokenUsage>,
    /// `None` if no cost is known.
    cost: Option<Cost>,
    /// Whether nobody knows what a call among them cost.
    unpriced: bool,
}

impl Sum {
    /// Adds another sum to this one.
    fn join(&mut self, other: &Self) {
        self.usage = totals::usage([self.usage, other.usage].into_iter());
        self.cost = totals::sum([&self.cost, &other.cost].into_iter().flatten());
        self.unpriced |= other.unpriced;
    }
}

/// Builds the shown tree of a trace from its digests and its tool runs. Conversations are not needed for it.
pub fn tree(trace: &LoadedTrace) -> Tree {
    let work = &trace.work;
    let nodes = &work.tree.nodes;
    let sums = sums(work);
    let turns = turns(work);
    let nodes = nodes.iter().enumerate().zip(sums).map(|((at, node), sum)| {
        let failed = work.runs.failed_by_result.contains(&at);
        let call = work.counted.of[at].filter(|call| work.counted.calls[*call].node == at);
        Node {
            trace: Some(trace.rows.trace),
            id: node.id,
            depth: node.depth,
            beneath: node.after - at - 1,
            name: name(trace, at),
            category: node.category,
            plumbing: node.is_plumbing(),
            state: if failed { NodeState::Error } else { state(node) },
            started: node.started,
            ended: node.ended,
            model: model(work, at, call).map(str::to_owned),
            usage: sum.usage,
            cost: sum.cost,
            unpriced: sum.unpriced,
            turn: call.and_then(|call| turns[call]),
            ordinal: None,
            error: error(node).or_else(|| failed.then(|| "failed".to_owned())),
        }
    });
    let mut nodes: Vec<Node> = nodes.collect();
    name_tools(&mut nodes, trace);
    for run in &work.runs.runs {
        if let Some(at) = run.node.filter(|at| work.runs.failed_by_result.contains(at))
            && let Some(reason) = tool_runs::reason(trace, run)
        {
            nodes[at].error = reason.trim().lines().next().map(str::to_owned);
        }
    }
    Tree { nodes }
}

/// The model that a node names; of one that stands for a call the name that the call has.
fn model<'w>(work: &'w TraceDigest, at: usize, call: Option<usize>) -> Option<&'w str> {
    let own = work.tree.nodes[at].sources().find_map(|(_, facts)| facts.model.as_deref());
    let of_call = call.and_then(|call| work.counted.calls[call].model(&work.tree));
    own.map(|own| of_call.filter(|fuller| is_short_for(own, fuller)).unwrap_or(own))
}

/// The name to show for a node. The conventions' `invoke_agent NAME` and `execute_tool NAME` repeat the category, so
/// only NAME is shown; where that is the model's, the agent's own name is shown instead.
pub fn name(trace: &LoadedTrace, at: usize) -> String {
    let node = &trace.nodes()[at];
    let repeated = match node.category {
        Category::Agent => "invoke_agent ",
        Category::Tool => "execute_tool ",
        _ => "",
    };
    match node.span {
        Some((_, facts)) => {
            let rest = facts.name.strip_prefix(repeated).map(str::trim).filter(|rest| !rest.is_empty());
            let is_model = node.category == Category::Agent && rest.is_some() && rest == facts.model.as_deref();
            let agent = if is_model { trace.agent(at) } else { None };
            agent.unwrap_or_else(|| rest.unwrap_or(&facts.name).to_owned())
        }
        None if node.logs.is_empty() => "parent not received".to_owned(),
        None => "span not received".to_owned(),
    }
}

/// The state of a node; a span that failed is shown as failed even while it runs.
pub fn state(node: &SpanNode) -> NodeState {
    match node.span {
        None => NodeState::Missing,
        Some(_) if node.failed() => NodeState::Error,
        Some((_, SpanDigest { ended: None, .. })) => NodeState::Running,
        Some(_) => NodeState::Ok,
    }
}

/// Why a node failed, in one line; `None` if it did not.
fn error(node: &SpanNode) -> Option<String> {
    let failure = node.failure()?;
    let message = failure.message.as_deref().unwrap_or_default().trim();
    let line = message.lines().next().unwrap_or_default();
    Some(match &failure.kind {
        Some(kind) if line.is_empty() => kind.clone(),
        // Python already writes `Type: message` into the message.
        Some(kind) if !line.starts_with(kind.as_str()) => format!("{kind}: {line}"),
        _ if line.is_empty() => "failed".to_owned(),
        _ => line.to_owned(),
    })
}

/// For each node the sum over the counted calls and payers at and beneath it.
fn sums(work: &TraceDigest) -> Vec<Sum> {
    let nodes = &work.tree.nodes;
    let mut sums = vec![Sum::default(); nodes.len()];
    for call in &work.counted.calls {
        sums[call.node] = Sum { usage: call.usage, cost: call.cost.clone(), unpriced: call.unpriced };
    }
    for payer in &work.counted.payers {
        sums[*payer].join(&Sum { cost: nodes[*payer].cost.cloned(), ..Sum::default() });
    }
    for at in (0..nodes.len()).rev() {
        if let Some(parent) = nodes[at].parent {
            let sum = sums[at].clone();
            sums[parent].join(&sum);
        }
    }
    sums
}

/// For each counted call the number of its turn, from 1; `None` for embeddings and rerankings, which are not turns.
fn turns(work: &TraceDigest) -> Vec<Option<usize>> {
    let mut turns = 0;
    let mut turn = |at: usize| {
        let takes_turns = work.tree.nodes[at].category.takes_turns();
        turns += usize::from(takes_turns);
        takes_turns.then_some(turns)
    };
    work.counted.calls.iter().map(|call| turn(call.node)).collect()
}

/// Names tool nodes after the tools that ran, and numbers the runs of one tool, from 1, if there are several.
///
/// A span may have one name for all tools (`ai.toolCall`), or a longer one than people need (`FunctionTool.acall`).
fn name_tools(nodes: &mut [Node], trace: &LoadedTrace) {
    let mut runs_of: HashMap<String, Vec<usize>> = HashMap::new();
    let runs = trace.work.runs.runs.iter().chain(&trace.work.runs.foreign_runs);
    // Of several runs that one span executed the last one names it.
    let named: HashMap<usize, &JoinedRun> = runs.filter_map(|run| Some((run.node?, run))).collect();
    for (at, node) in nodes.iter_mut().enumerate().filter(|(_, node)| node.category == Category::Tool) {
        let Some(run) = named.get(&at).filter(|_| trace.nodes()[at].span.is_some()) else { continue };
        let name = tool_runs::name(trace, run);
        if !name.trim().is_empty() {
            name.trim().clone_into(&mut node.name);
        }
        runs_of.entry(node.name.clone()).or_default().push(at);
    }
    for mut several in runs_of.into_values().filter(|runs| runs.len() > 1) {
        several.sort_by_key(|at| (nodes[*at].started, nodes[*at].ended, nodes[*at].id));
        for (nth, at) in several.into_iter().enumerate() {
            nodes[at].ordinal = Some(nth + 1);
        }
    }
}
