//! Which call of its tool a run is, so that the panes and the tree count alike.

use super::hash::{self, HashMap};
use crate::model::{AssembledTrace, SpanId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ordinal {
    /// From 1, among the calls of the same tool.
    pub nth: usize,
    pub of: usize,
    /// The first call of the tool that had the same arguments, where that is another one.
    pub same: Option<usize>,
}

impl Ordinal {
    /// `#2/4`; nothing where there is nothing to tell apart.
    pub fn label(self) -> Option<String> {
        (self.of > 1).then(|| format!("#{}/{}", self.nth, self.of))
    }
}

/// One for each of a trace's tool runs, in their order.
pub fn ordinals(trace: &AssembledTrace) -> Vec<Ordinal> {
    if trace.tools.is_empty() {
        return Vec::new();
    }
    let mut in_tree: HashMap<SpanId, usize> = hash::map_for(trace.tools.len());
    in_tree.extend(trace.tree.nodes.iter().filter_map(|node| Some((node.id, node.ordinal?))));
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::default();
    // What an earlier run called is none of the calls of this one.
    for (at, run) in trace.tools.iter().enumerate().filter(|(_, run)| !run.earlier) {
        by_name.entry(&run.name).or_default().push(at);
    }
    let mut ordinals = vec![Ordinal { nth: 1, of: 1, same: None }; trace.tools.len()];
    for runs in by_name.into_values() {
        // Parallel calls may start in another order than they were asked for: the tree goes by the start.
        let shown: Option<Vec<usize>> = runs.iter().map(|at| in_tree.get(&trace.tools[*at].span?).copied()).collect();
        let numbers = shown.unwrap_or_else(|| (1..=runs.len()).collect());
        let mut first: HashMap<u64, usize> = hash::map_for(runs.len());
        let mut in_order: Vec<(usize, usize)> = numbers.into_iter().zip(runs).collect();
        in_order.sort_unstable();
        let of = in_order.len();
        for (nth, at) in in_order {
            let earliest = *first.entry(trace.tools[at].input.hash()).or_insert(nth);
            ordinals[at] = Ordinal { nth, of, same: Some(earliest).filter(|earliest| *earliest != nth) };
        }
    }
    ordinals
}
