//! Streamed calls that come as two spans: a request that ends with the first byte, and the answer to it.

use std::collections::HashMap;

use super::{calls::is_call, span_tree::SpanTree};

/// Of requests with one prompt so many are asked whether they are of the same step.
const LOOKED_AT: usize = 64;

/// Finds the answers to streamed requests that are spans of their own: of each request its place and that of its end.
///
/// Logfire's request ends when the first byte comes; when the last one has come, a span without duration repeats the
/// request and brings the answer, wherever in the trace the stream was read.
pub fn streams(tree: &SpanTree) -> HashMap<usize, usize> {
    let half =
        |at: &usize| tree.nodes[*at].span.is_some_and(|(_, facts)| facts.asked != 0) && is_call(&tree.nodes[*at]);
    let mut halves: Vec<usize> = (0..tree.nodes.len()).filter(half).collect();
    halves.sort_by_key(|at| tree.nodes[*at].order());
    let mut open: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    let mut streams = HashMap::new();
    for at in halves {
        let node = &tree.nodes[at];
        let Some((_, facts)) = node.span else { continue };
        let waiting = open.entry((facts.scope, facts.asked)).or_default();
        // The end of a stream may have nothing to tell: only calls of tools, which the first versions left out.
        if facts.ends_stream {
            // Of several that asked the same the one of the same step, then the one that has waited longest.
            let same_step =
                waiting.iter().take(LOOKED_AT).position(|request| tree.nodes[*request].parent == node.parent);
            if !waiting.is_empty() {
                streams.insert(waiting.remove(same_step.unwrap_or_default()), at);
            }
        } else if !node.failed() {
            waiting.push(at);
        }
    }
    streams
}
