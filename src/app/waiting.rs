//! What a run that goes on is waiting for, as far as its spans say so.

use super::wrap;
use crate::model::{AssembledTrace, ModelCall, NodeState, Timestamp, ToolRun, ToolStatus};

/// A step that has begun and of which no end was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The name of the tool or of the span.
    pub name: String,
    pub since: Timestamp,
}

/// The step that began last among those without an end: a tool call without a result, else a span without an end.
/// `None` where no such step was received: between two spans nobody knows what goes on.
#[must_use]
pub fn of(trace: &AssembledTrace) -> Option<Waiting> {
    // Earlier calls without a result are forgotten, not waited for: only those of the last turn are.
    let last = trace.calls.iter().rfind(|call| call.category.takes_turns());
    let asked_last = |run: &&ToolRun| run.status == ToolStatus::Pending && run.called_by == last.map(|call| call.span);
    let tool = trace
        .tools
        .iter()
        .rfind(asked_last)
        .and_then(|run| Some(Waiting { name: wrap::clean_line(&run.name), since: since(trace, run)? }));
    tool.or_else(|| {
        let open = trace.tree.nodes.iter().filter(|node| node.state == NodeState::Running);
        let newest = open.max_by_key(|node| (node.depth, node.started))?;
        Some(Waiting { name: wrap::clean_line(&newest.name), since: newest.started })
    })
}

/// Since when a tool call has been waited for: the start of its execution, else the end of the model call that asked
/// for it. `None` where neither is known.
#[must_use]
pub fn since(trace: &AssembledTrace, run: &ToolRun) -> Option<Timestamp> {
    let asked = |call: &&ModelCall| Some(call.span) == run.called_by;
    run.started.or_else(|| trace.calls.iter().rfind(asked)?.ended).and_then(Timestamp::known)
}
