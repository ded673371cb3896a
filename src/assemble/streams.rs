//! Streamed model calls that are recorded as two spans: a request that ends with the first byte, and the end of its
//! stream.

use std::collections::HashMap;

use super::{
    hashes::{PromptHash, ScopeHash},
    limits::{Limited, OPEN_STREAMS},
    span_tree::SpanTree,
};

/// Pairs the two spans of each streamed call: maps the node of the request to the node that ends its stream.
///
/// Logfire's request span ends when the first byte comes. When the last one has come, a span without duration repeats
/// the request and carries the answer; it stands wherever in the trace the stream was read.
pub fn streams(tree: &SpanTree) -> HashMap<usize, usize> {
    let half = |at: &usize| {
        tree.nodes[*at].span.is_some_and(|(_, facts)| facts.half_prompt.is_some()) && tree.nodes[*at].is_call()
    };
    let mut halves: Vec<usize> = (0..tree.nodes.len()).filter(half).collect();
    halves.sort_by_key(|at| tree.nodes[*at].order());
    let mut open: HashMap<(Option<ScopeHash>, Option<PromptHash>), Vec<usize>> = HashMap::new();
    let mut streams = HashMap::new();
    for at in halves {
        let node = &tree.nodes[at];
        let Some((_, facts)) = node.span else { continue };
        let waiting = open.entry((facts.scope, facts.half_prompt)).or_default();
        // The end of a stream need not have a completion: early versions left out answers that are tool calls alone.
        if facts.ends_stream {
            // Several requests with one prompt: the one of the same step, else the one that has waited longest.
            let same_step =
                waiting.iter().within(&OPEN_STREAMS).position(|request| tree.nodes[*request].parent == node.parent);
            if !waiting.is_empty() {
                streams.insert(waiting.remove(same_step.unwrap_or_default()), at);
            }
        } else if !node.failed() {
            waiting.push(at);
        }
    }
    streams
}
