//! The executions of tools: which nodes of a trace are runs of a tool, and what identifies them.

use std::collections::HashMap;

use super::{
    hashes::ToolNameHash,
    reading_digest::ToolExecution,
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
};
use crate::model::Category;

/// The executions of a trace.
#[derive(Debug, Default)]
pub struct Executions {
    /// Their nodes, in order.
    pub nodes: Vec<usize>,
    /// Failed tool nodes by the tool node above them that has the same call id.
    pub failed_parts: HashMap<usize, usize>,
}

/// Finds the executions of a trace. `agents` gives for each node the nearest agent above it.
///
/// A tool directly within a tool of the same name, or with the same call id, is how that one is implemented. It is a run
/// of its own if an agent in between called it, or if both have ids that differ.
pub fn executions(tree: &SpanTree, agents: &[Option<usize>]) -> Executions {
    let tools = tree.above(|node| node.category == Category::Tool);
    let id = |at: usize| execution(tree, at).and_then(|(_, execution)| execution.id);
    let is_tool = |at: &usize| tree.nodes[*at].category == Category::Tool;
    let is_run = |at: &usize| {
        tools[*at].is_none_or(|above| {
            let is_same_call = id(above).is_some() && id(*at) == id(above);
            let is_other_call = id(above).is_some() && id(*at).is_some() && !is_same_call;
            let is_within_agent = agents[*at].is_some_and(|agent| agent > above);
            !is_same_call && (is_other_call || is_within_agent || name(tree, above) != name(tree, *at))
        })
    };
    let mut executions = Executions::default();
    for at in (0..tree.nodes.len()).filter(is_tool) {
        let failed = |outer: &usize| tree.nodes[at].failed() && id(*outer).is_some() && id(*outer) == id(at);
        if let Some(outer) = tools[at].filter(failed) {
            executions.failed_parts.insert(outer, at);
        }
        if !is_internal(&tree.nodes[at]) && is_run(&at) {
            executions.nodes.push(at);
        }
    }
    executions.nodes.sort_by_key(|at| tree.nodes[*at].order());
    executions
}

/// What the first record of a node states about an execution, with the index of its digest.
pub fn execution<'t>(tree: &'t SpanTree, at: usize) -> Option<(usize, &'t ToolExecution)> {
    tree.nodes[at].sources().find_map(|(source, digest)| Some((source, digest.execution.as_deref()?)))
}

/// Hash of the tool's name at a node: as an execution states it, else taken from the name of the span.
pub fn name(tree: &SpanTree, at: usize) -> ToolNameHash {
    let stated = execution(tree, at).and_then(|(_, execution)| execution.name);
    let span = || tree.nodes[at].span.map_or("", |(_, digest)| &digest.name);
    stated.unwrap_or_else(|| ToolNameHash::of(tool_name(span())))
}

/// The name of a tool in that of its span: without `execute_tool `, `tools/call ` or `.tool`.
pub fn tool_name(span: &str) -> &str {
    let name = span.strip_prefix("execute_tool ").or_else(|| span.strip_prefix("tools/call ")).unwrap_or(span);
    name.strip_suffix(".tool").unwrap_or(name).trim()
}

/// Whether a span only gathers the results of parallel tool runs, each of which has a span of its own.
fn is_internal(node: &SpanNode) -> bool {
    node.span.is_some_and(|(_, digest): (usize, &SpanDigest)| digest.execution.as_ref().is_some_and(|run| run.merged))
}
