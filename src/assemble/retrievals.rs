//! Searches, rerankings and embeddings: what each was asked and what came back. No conversation holds them.

use std::sync::Arc;

use super::{exchange::TimedMessage, fingerprint::Fingerprints, loaded_trace::LoadedTrace, tree};
use crate::model::{Category, Message, NodeState, Retrieval};

/// The retrievals of a trace, by their start. Some frameworks make a span for a search and another within it for the
/// same: of these the outer one is kept, with what only the inner one has.
pub fn of(trace: &LoadedTrace, fingerprints: &mut Fingerprints) -> Vec<Retrieval> {
    let mut found: Vec<Retrieval> = Vec::new();
    // The retrievals around the node that is looked at: where each ends in the tree, and its place in `found`.
    let mut around: Vec<(usize, usize)> = Vec::new();
    for (at, node) in trace.nodes().iter().enumerate() {
        if !is_retrieval(trace, at) || node.unconfirmed || node.span.is_none() {
            continue;
        }
        let exchange = trace.exchange([at], fingerprints);
        let asked = messages(exchange.prompt);
        let answered = messages(exchange.completion);
        while around.last().is_some_and(|(after, _)| *after <= at) {
            around.pop();
        }
        let outer = around.iter().rev().map(|(_, place)| *place).find(|place| found[*place].category == node.category);
        if let Some(outer) = outer.and_then(|place| found.get_mut(place)) {
            if outer.found.is_empty() {
                outer.found = answered;
            }
            if outer.asked.is_empty() {
                outer.asked = asked;
            }
            continue;
        }
        if asked.is_empty() && answered.is_empty() && node.category != Category::Retriever {
            continue;
        }
        let retrieval = Retrieval {
            span: node.id,
            category: node.category,
            name: tree::name(trace, at),
            model: trace.first([at], |translation| translation.genai.model.clone()),
            started: node.started,
            ended: node.ended,
            failed: tree::state(node) == NodeState::Error,
            asked,
            found: answered,
        };
        around.push((node.after, found.len()));
        found.push(retrieval);
    }
    found.sort_by_key(|retrieval| (retrieval.started, retrieval.span));
    found
}

/// Whether a node is a search, or the record that counts for an embedding or a reranking.
fn is_retrieval(trace: &LoadedTrace, at: usize) -> bool {
    match trace.nodes()[at].category {
        Category::Retriever => true,
        Category::Embedding | Category::Reranker => {
            trace.work.counted.of[at].is_none_or(|call| trace.work.counted.calls[call].node == at)
        }
        _ => false,
    }
}

fn messages(lines: Vec<TimedMessage>) -> Vec<Arc<Message>> {
    lines.into_iter().map(|line| line.message).collect()
}
