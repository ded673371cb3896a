//! Whether a trace that is one model call is a record of a call that another trace has as well (`calls.md` 2).

use super::{call::Call, calls, reassign_logs, same_call, span_digest::SpanDigest, span_tree::SpanTree};
use crate::model::{SpanId, TraceId};

/// More digests than this no trace has that is one call: the call, its log records, and requests beneath it.
pub const MOST: usize = 64;

/// The call that is all of a trace: its only span without a parent. `None` for any other trace.
pub fn lone_call(trace: &[&SpanDigest]) -> Option<SpanId> {
    if trace.len() > MOST {
        return None;
    }
    let mut tops = trace.iter().filter(|digest| !digest.is_log && digest.parent.is_none());
    let (top, None) = (tops.next()?, tops.next()) else { return None };
    let is_call = top.category.is_call() && !top.aggregate && !top.synthetic && top.ended.is_some();
    top.span.filter(|_| is_call)
}

/// Whether two calls of different traces are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Different,
    /// Tokens and times agree, or both failed, and nothing else is known of one of them.
    Likely,
    /// What they say is the same.
    Same,
}

/// Whether the call that is all of `trace` is a record of `call`, which is one of another trace: whether the two would be one
/// call if they were beside each other. `call` is given by all that is known of it, its span first.
pub fn verdict(trace: TraceId, lone: &[&SpanDigest], call: &[&SpanDigest]) -> Verdict {
    let Some((lone_span, call_span)) = lone_call(lone).zip(call.first().and_then(|digest| digest.span)) else {
        return Verdict::Different;
    };
    let beside = |digest: &&SpanDigest| SpanDigest { parent: None, ..(*digest).clone() };
    let both: Vec<SpanDigest> = call.iter().map(beside).chain(lone.iter().map(|digest| (*digest).clone())).collect();
    let mut tree = SpanTree::new(trace, &both);
    reassign_logs::reassign(&mut tree.nodes);
    let node = |span: SpanId| tree.nodes.iter().position(|node| node.id == span);
    let Some((lone, call)) = node(lone_span).zip(node(call_span)) else { return Verdict::Different };
    let counted = calls::count(&tree, &|_, _| None);
    let call_of = |node: usize| counted.of.get(node).copied().flatten();
    if call_of(lone).is_none() || call_of(lone) != call_of(call) {
        return Verdict::Different;
    }
    let [lone, call] = [lone, call].map(|node| Call::of_node(&tree, node));
    if same_call::say_the_same(&tree, &lone, &call) {
        Verdict::Same
    } else if (lone.has_tokens() && call.has_tokens()) || (lone.failed && call.failed) {
        Verdict::Likely
    } else {
        Verdict::Different
    }
}
