//! Spans as the screen walks them.

use serde::{Deserialize, Serialize};

use super::{Category, Cost, SpanId, Timestamp, TokenUsage, TraceId};

/// The spans of one trace, each parent before its children, siblings by start, end, id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The nodes that one lies in, innermost first.
    pub fn above(&self, at: usize) -> impl Iterator<Item = &Node> {
        let mut depth = self.nodes[at].depth;
        self.nodes[..at].iter().rev().filter(move |node| {
            let lies_in = node.depth < depth;
            depth = depth.min(node.depth);
            lies_in
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub trace: Option<TraceId>,
    pub id: SpanId,
    /// 0 for a root.
    pub depth: usize,
    /// How many nodes are beneath it, at any depth; they follow it.
    pub beneath: usize,
    /// What people should read.
    pub name: String,
    pub category: Category,
    /// A framework made it around its own machinery ([`super::Translation::plumbing`]).
    pub plumbing: bool,
    pub state: NodeState,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub model: Option<String>,
    /// Sums over the counted calls at and beneath it; `None` where none reports tokens.
    pub usage: Option<TokenUsage>,
    pub cost: Option<Cost>,
    /// Calls at or beneath it have tokens but no price.
    pub unpriced: bool,
    /// Which model call of its trace this is, from 1, for counted calls.
    pub turn: Option<usize>,
    /// Which call of its tool this is, from 1, for executions of a tool that is called more than once.
    pub ordinal: Option<usize>,
    /// Why it failed, in a line.
    pub error: Option<String>,
}

#[cfg(test)]
impl Node {
    /// A root of nothing that is known but its name and when it began.
    pub fn sample(id: SpanId, name: impl Into<String>, started: Timestamp) -> Self {
        Self {
            trace: None,
            id,
            depth: 0,
            beneath: 0,
            name: name.into(),
            category: Category::Span,
            plumbing: false,
            state: NodeState::Ok,
            started,
            ended: None,
            model: None,
            usage: None,
            cost: None,
            unpriced: false,
            turn: None,
            ordinal: None,
            error: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    Ok,
    Error,
    /// It has not ended.
    Running,
    /// Its children name it; it has not come.
    Missing,
}
