//! Moves log records that name one span but describe another to the node of that one (`tree.md` 2).
//!
//! Coding agents write every record of a run under the agent's span, or under whatever span was open. What a record
//! describes follows from its content: a tool run by its call id, a model call by its tokens and its time.

use std::collections::{HashMap, HashSet};

use super::{
    hashes::RunKey,
    limits::{CALLS_AROUND_A_RECORD, Limited},
    reading_digest::ToolExecution,
    span_digest::SpanDigest,
    span_tree::SpanNode,
};
use crate::model::{Category, Timestamp, TokenUsage};

/// Moves the records, and summarizes the nodes that lost or gained one. `nodes` are in depth-first order and
/// summarized.
pub fn reassign(nodes: &mut [SpanNode]) {
    let is_lost = |node: &SpanNode, facts: &SpanDigest| facts.span == Some(node.id) && is_elsewhere(node, facts);
    let lost: Vec<(usize, usize)> = nodes
        .iter()
        .enumerate()
        .flat_map(|(at, node)| {
            let logs = node.logs.iter().enumerate();
            logs.filter(move |(_, (_, facts))| is_lost(node, facts)).map(move |(nth, _)| (at, nth))
        })
        .collect();
    if lost.is_empty() {
        return;
    }
    let mut finding = Finding::new(nodes);
    let moves: Vec<(usize, usize, usize)> =
        lost.into_iter().filter_map(|(at, nth)| Some((at, nth, finding.find(at, nodes[at].logs[nth].1)?))).collect();
    let mut changed = HashSet::new();
    // From the last on, so that the indices of the records before stay valid.
    for (from, nth, to) in moves.into_iter().rev() {
        let record = nodes[from].logs.remove(nth);
        nodes[to].logs.push(record);
        changed.extend([from, to]);
    }
    for at in changed {
        nodes[at].logs.sort_by_key(|(_, facts)| (facts.started, facts.rank));
        nodes[at].summarize();
    }
}

/// Whether a log record describes another kind of work than the span that it names does.
fn is_elsewhere(node: &SpanNode, facts: &SpanDigest) -> bool {
    match facts.category {
        Category::Tool => {
            let identifies = |run: &ToolExecution| run.id.is_some() || run.call_hash.is_some();
            node.category != Category::Tool && facts.execution.as_deref().is_some_and(identifies)
        }
        Category::Llm => node.category == Category::Agent,
        Category::Agent => matches!(node.category, Category::Span | Category::Http) && facts.has_content(),
        _ => false,
    }
}

/// Indices over the nodes, to find the one that a record describes.
struct Finding<'p, 'a> {
    nodes: &'p [SpanNode<'a>],
    /// Tool nodes by the call's id and by its name and arguments. Of several within each other only the outermost.
    tools: HashMap<RunKey, Vec<usize>>,
    /// Start and node of each model call, sorted.
    by_start: Vec<(Timestamp, usize)>,
    /// End and node of each model call that has ended, sorted.
    by_end: Vec<(Timestamp, usize)>,
    /// Calls to which a record with their tokens was assigned already.
    described: HashSet<usize>,
}

impl<'p, 'a> Finding<'p, 'a> {
    /// Builds the indices.
    fn new(nodes: &'p [SpanNode<'a>]) -> Self {
        let mut tools: HashMap<RunKey, Vec<usize>> = HashMap::new();
        for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.category == Category::Tool) {
            let Some(run) = node.span.and_then(|(_, facts)| facts.execution.as_deref()) else { continue };
            for key in [run.id.map(RunKey::Id), run.call_hash.map(RunKey::Content)].into_iter().flatten() {
                let known: &mut Vec<usize> = tools.entry(key).or_default();
                if known.last().is_none_or(|outer| nodes[*outer].after <= at) {
                    known.push(at);
                }
            }
        }
        let calls = || nodes.iter().enumerate().filter(|(_, node)| node.category == Category::Llm);
        let mut by_start: Vec<_> = calls().map(|(at, node)| (node.started, at)).collect();
        let mut by_end: Vec<_> = calls().filter_map(|(at, node)| Some((node.ended?, at))).collect();
        by_start.sort_unstable();
        by_end.sort_unstable();
        Self { nodes, tools, by_start, by_end, described: HashSet::new() }
    }

    /// The node that a record at node `at` describes; `None` if no such node is known, and the record stays.
    fn find(&mut self, at: usize, facts: &SpanDigest) -> Option<usize> {
        match facts.category {
            Category::Tool => {
                let run = facts.execution.as_deref()?;
                let Some(tools) = run.id.and_then(|id| self.tools.get(&RunKey::Id(id))) else {
                    let alike = self.tools.get(&RunKey::Content(run.call_hash.filter(|_| run.id.is_none())?))?;
                    // The last one beneath the node that had begun by then.
                    let beneath = at + 1..self.nodes[at].after;
                    let is = |tool: &&usize| beneath.contains(*tool) && self.nodes[**tool].started <= facts.started;
                    return alike.iter().rev().within(&CALLS_AROUND_A_RECORD).find(is).copied();
                };
                // An id that several tools share is a counter that began anew: the newest that had begun by then is
                // meant.
                let begun = tools.iter().rev().find(|tool| self.nodes[**tool].started <= facts.started);
                begun.or_else(|| tools.first()).copied()
            }
            Category::Llm => self.call(at, facts),
            Category::Agent => {
                let mut above = self.nodes[at].parent;
                while let Some(node) = above.filter(|node| self.nodes[*node].category != Category::Agent) {
                    above = self.nodes[node].parent;
                }
                above
            }
            _ => None,
        }
    }

    /// The model call beneath an agent that a record describes: one with the same tokens, if the record has any; else
    /// any. Of several the one whose start (for a prompt) or end (for the rest) is nearest in time.
    fn call(&mut self, agent: usize, facts: &SpanDigest) -> Option<usize> {
        let beneath = agent + 1..self.nodes[agent].after;
        let usage = facts.usage.as_deref();
        let opens = usage.is_none() && facts.reading_digests.iter().any(|digest| digest.prompts);
        let times = if opens { &self.by_start } else { &self.by_end };
        let here = times.partition_point(|(time, _)| *time < facts.started);
        let most = CALLS_AROUND_A_RECORD.most();
        let near = &times[here.saturating_sub(most)..times.len().min(here + most)];
        let is = |call: usize| match usage {
            Some(usage) => {
                !self.described.contains(&call) && self.nodes[call].usage.is_some_and(|other| equal(usage, &other))
            }
            None => true,
        };
        let found = near
            .iter()
            .filter(|(_, call)| beneath.contains(call) && is(*call))
            .min_by_key(|(time, call)| (time.0.abs_diff(facts.started.0), *call))
            .map(|(_, call)| *call);
        if found.is_none() && near.len() < times.len() {
            CALLS_AROUND_A_RECORD.reach();
        }
        if usage.is_some() {
            self.described.extend(found);
        }
        found
    }
}

/// Whether input and output tokens are equal.
fn equal(left: &TokenUsage, right: &TokenUsage) -> bool {
    left.input() == right.input() && left.output == right.output
}
