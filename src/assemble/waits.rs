//! What a trace waits for (`tree.md` 5): whether it is complete, by what was received and without any clock.

use std::collections::HashSet;

use super::{span_digest::SpanDigest, span_tree::SpanTree};
use crate::model::{SpanId, Timestamp, Waits};

/// How much later than its root something of a trace may be and still count as enclosed by it: clocks of two processes
/// differ by that much. A hundredth of a second, in nanoseconds.
const CLOCKS: u64 = 10_000_000;

/// Whether every parent that has not come is of another process than the span that names it.
fn is_of_others(digests: &[&SpanDigest]) -> bool {
    let spans = || digests.iter().filter(|digest| !digest.is_log);
    if !spans().any(|span| span.remote_parent) {
        return false;
    }
    let known: HashSet<SpanId> = spans().filter_map(|span| span.span).collect();
    let mut orphans = spans().filter(|span| span.parent.is_some_and(|parent| !known.contains(&parent)));
    orphans.all(|orphan| orphan.remote_parent)
}

/// What a trace waits for; `None` if nothing is missing. A trace of log records alone waits for nothing, because no
/// record says that it is the last. `digests` are those of all its spans and log records.
pub fn waits(tree: &SpanTree, digests: &[&SpanDigest]) -> Option<Waits> {
    let mut spans = digests.iter().filter(|digest| !digest.is_log).peekable();
    spans.peek()?;
    if spans.any(|span| span.ended.is_none()) {
        return Some(Waits::Spans);
    }
    // Several spans without a parent may follow each other: the last of them ends the trace.
    let roots = tree.tops().filter_map(|node| node.span).filter(|(_, span)| span.parent.is_none());
    let Some(ended) = roots.filter_map(|(_, span)| span.ended).max() else {
        return Some(if is_of_others(digests) { Waits::Remote } else { Waits::Root });
    };
    let is_late = |at: Timestamp| at.0 > ended.0.saturating_add(CLOCKS);
    // A log record without messages, tokens or a failure is no work: a score that somebody gave afterwards, a note.
    let mut work = digests.iter().filter(|digest| !digest.is_log || digest.has_content());
    work.any(|digest| is_late(digest.ended.unwrap_or(digest.started))).then_some(Waits::Late)
}
