//! Model calls of which tokens or a cost are known: what lies around or beneath one may be another record of it
//! (`calls.md` 6).

use super::{call::Call, span_tree::SpanTree};

/// The nodes of the model calls with tokens or a cost.
pub struct KnownCalls {
    /// In the order of the tree.
    nodes: Vec<usize>,
    /// For each of them where the last of it and of those before it ends.
    ends: Vec<usize>,
}

impl KnownCalls {
    /// Finds them among the calls that count.
    pub fn of(tree: &SpanTree, calls: &[Call]) -> Self {
        let is_known = |call: &&Call| call.has_tokens() || call.cost.is_some();
        let takes_turns = |node: &usize| tree.nodes[*node].category.takes_turns();
        let mut nodes: Vec<usize> = calls.iter().filter(is_known).flat_map(Call::nodes).filter(takes_turns).collect();
        nodes.sort_unstable();
        let mut last = 0;
        let ends = nodes.iter().map(|node| {
            last = tree.nodes[*node].after.max(last);
            last
        });
        let ends = ends.collect();
        Self { nodes, ends }
    }

    /// Whether one of them lies above or beneath a node. `after` is where the node's subtree ends.
    pub fn is_near(&self, node: usize, after: usize) -> bool {
        let next = self.nodes.partition_point(|known| *known <= node);
        let is_beneath = self.nodes.get(next).is_some_and(|known| *known < after);
        // What begins before a node and ends behind it lies above it.
        let before = self.nodes.partition_point(|known| *known < node);
        is_beneath || before.checked_sub(1).is_some_and(|last| self.ends[last] > node)
    }
}
