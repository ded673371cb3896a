//! One model call, merged from all its records.

use super::{
    hashes::{ResponseHash, ScopeHash},
    limits::{Limited, NODES_OF_A_CALL},
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
};
use crate::model::{Cost, TokenUsage};

/// One call that counts, merged from all its records.
#[derive(Debug, Clone)]
pub struct Call {
    /// The node that stands for the call.
    pub node: usize,
    /// The other nodes that record the same call, in order.
    pub also: Vec<usize>,
    /// The tokens that its records know together; `None` if none reports any.
    pub usage: Option<TokenUsage>,
    /// Reported by a record, else computed; `None` if there is no price, no tokens, or if a payer above reports it.
    pub cost: Option<Cost>,
    /// Nobody knows what the call cost: it has tokens, but neither a price nor a payer above it; or it ended without tokens,
    /// and was not refused.
    pub unpriced: bool,
    /// The call failed while it was under way and reports no tokens: its provider may bill what it had generated.
    pub broke_off: bool,
    /// Whether the call failed, by its own node or by another record merged into it.
    pub failed: bool,
}

impl Call {
    /// What one node records of a call.
    pub fn of_node(tree: &SpanTree, node: usize) -> Self {
        let SpanNode { usage, cost, .. } = &tree.nodes[node];
        let (usage, cost, failed) = (*usage, cost.cloned(), tree.nodes[node].failed());
        Self { node, also: Vec::new(), usage, cost, unpriced: false, broke_off: false, failed }
    }

    /// The node that stands for the call, then those of its other records.
    pub fn nodes(&self) -> impl Iterator<Item = usize> + '_ {
        [self.node].into_iter().chain(self.also.iter().copied())
    }

    /// Whether any record reports tokens.
    pub fn has_tokens(&self) -> bool {
        self.usage.is_some_and(|usage| usage.has_tokens())
    }

    /// The digests of the first [`NODES_OF_A_CALL`] nodes of the call.
    pub fn digests<'t>(&'t self, tree: &'t SpanTree) -> impl Iterator<Item = &'t SpanDigest> {
        self.nodes().within(&NODES_OF_A_CALL).flat_map(|node| tree.nodes[node].sources().map(|(_, digest)| digest))
    }

    /// The first response id that a record names, as a hash.
    pub fn response(&self, tree: &SpanTree) -> Option<ResponseHash> {
        self.digests(tree).find_map(|digest| digest.response)
    }

    /// The requested model as the record has it that names it most fully; `None` if none names it. Some leave out where a
    /// model runs, and its price depends on that: `us.anthropic.claude-sonnet-4`.
    pub fn model<'t>(&'t self, tree: &'t SpanTree) -> Option<&'t str> {
        let models = self.digests(tree).filter_map(|digest| digest.model.as_deref());
        models.reduce(|known, other| if is_short_for(known, other) { other } else { known })
    }

    /// Whether a record leaves out where the model runs, and another does not.
    pub fn is_named_shorter(&self, tree: &SpanTree) -> bool {
        let fullest = self.model(tree).unwrap_or_default();
        self.digests(tree).filter_map(|digest| digest.model.as_deref()).any(|model| is_short_for(model, fullest))
    }

    /// Hash of the name of the scope that recorded the call; `None` if its node has no span.
    pub fn scope(&self, tree: &SpanTree) -> Option<ScopeHash> {
        tree.nodes[self.node].span.and_then(|(_, digest)| digest.scope)
    }
}

/// Whether a model's name is the end of another, which says before it where the model runs, and perhaps after it which
/// version of its interface that is: `us.anthropic.claude-sonnet-4-20250514-v1:0`.
pub fn is_short_for(name: &str, fuller: &str) -> bool {
    let is_version = |rest: &str| {
        let number = rest.strip_prefix("-v").unwrap_or_default();
        number.starts_with(|first: char| first.is_ascii_digit())
            && number.chars().all(|letter| letter.is_ascii_digit() || letter == ':')
    };
    let ends = fuller.match_indices('.').filter_map(|(at, _)| fuller[at + 1..].strip_prefix(name));
    !name.is_empty() && ends.into_iter().any(|rest| rest.is_empty() || is_version(rest))
}
