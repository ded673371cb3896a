//! Whether a trace that is one model call is a record of a call that another trace has as well (`calls.md` 2).

use super::{calls, reassign_logs, span_digest::SpanDigest, span_tree::SpanTree};
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

/// Whether the call that is all of `trace` is a record of `call`, which is one of another trace: whether the two would be one
/// call if they were beside each other. `call` is given by all that is known of it, its span first.
pub fn is_record_of_call(trace: TraceId, lone: &[&SpanDigest], call: &[&SpanDigest]) -> bool {
    let Some((lone_span, call_span)) = lone_call(lone).zip(call.first().and_then(|digest| digest.span)) else {
        return false;
    };
    let beside = |digest: &&SpanDigest| SpanDigest { parent: None, ..(*digest).clone() };
    let both: Vec<SpanDigest> = call.iter().map(beside).chain(lone.iter().map(|digest| (*digest).clone())).collect();
    let mut tree = SpanTree::new(trace, &both);
    reassign_logs::reassign(&mut tree.nodes);
    let counted = calls::count(&tree, &|_, _| None);
    let call_of = |span: SpanId| {
        let node = tree.nodes.iter().position(|node| node.id == span)?;
        counted.of.get(node).copied().flatten()
    };
    let found = call_of(lone_span);
    found.is_some() && found == call_of(call_span)
}
