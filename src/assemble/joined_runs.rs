//! Tool runs as indexes into a trace, before anything of them is read.

use std::collections::HashSet;

use super::{
    hashes::{CallHash, CallIdHash, ToolNameHash},
    reading_digest::Spot,
    span_tree::{SpanNode, SpanTree},
};
use crate::model::{SpanId, Timestamp, ToolStatus};

/// One tool run: any of a call, an execution and a result.
#[derive(Debug, Clone)]
pub struct JoinedRun {
    /// Index of the counted call whose answer asks for the tool, and the tool call in it; `None` if no model call is
    /// known.
    pub called: Option<(usize, Source)>,
    /// The node of the execution; `None` if none is known.
    pub node: Option<usize>,
    /// A failed tool node beneath that node with the same call id; its failure is the run's.
    pub failed_part: Option<usize>,
    /// The arguments as the execution records them.
    pub input: Option<Source>,
    /// The result as the execution records it.
    pub output: Option<Source>,
    /// The result as a model saw it: in the first request that carries it, or in the answer that holds call and result.
    /// Also one that only an agent's own messages hold.
    pub seen: Option<Source>,
    /// Hash of the result's content: of what the execution returned, else of what a model saw; `None` without a result.
    pub result: Option<u64>,
    /// The tool call in an agent's own messages, where no model call is known to have asked for it; or in the prompt
    /// that carries the result, where no answer has it.
    pub reported: Option<Source>,
    /// The tool call as the request that carries the result repeats it, where it differs from the one in the answer, or
    /// where the answer has no name of it.
    pub repeated: Option<Source>,
    /// Whether a request is all that is known of it, and an earlier trace asked for it.
    pub earlier: bool,
    /// How the run went.
    pub status: ToolStatus,
    /// Hash of the call id.
    pub id: Option<CallIdHash>,
    /// Hash of the tool's name.
    pub name: Option<ToolNameHash>,
    /// Hash of name and arguments.
    pub call_hash: Option<CallHash>,
    /// Sort key: start and span id of the model call, and the index of the tool call in its answer; without a model
    /// call, those of the execution.
    pub order: (Timestamp, SpanId, usize),
}

impl JoinedRun {
    /// A run of which only its keys and its place among the runs are known.
    pub fn new(
        id: Option<CallIdHash>,
        name: ToolNameHash,
        call_hash: Option<CallHash>,
        order: (Timestamp, SpanId, usize),
    ) -> Self {
        Self {
            called: None,
            node: None,
            failed_part: None,
            input: None,
            output: None,
            seen: None,
            result: None,
            reported: None,
            repeated: None,
            earlier: false,
            status: ToolStatus::Pending,
            id,
            name: Some(name),
            call_hash,
            order,
        }
    }
}

/// Where a part stands in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Index of the span or log record among the digests of the trace.
    pub facts: usize,
    /// Whether it is in the prompt of its reading; otherwise in the completion.
    pub prompt: bool,
    /// Where it stands in the translation.
    pub spot: Spot,
}

/// The tool runs of a trace, and the results that its requests carry for calls of earlier traces.
#[derive(Debug, Default)]
pub struct JoinedRuns {
    /// In the order in which the calls were made.
    pub runs: Vec<JoinedRun>,
    /// Results with an id that no run of this trace has, each id once: hash of the id, whether it is an error (`None`
    /// if it states neither), and where it stands.
    pub foreign: Vec<(CallIdHash, Option<bool>, Source)>,
    /// Executions of calls of earlier traces, which a person or a program let wait until now.
    pub foreign_runs: Vec<JoinedRun>,
    /// The nodes of executions that record no failure, and of which only the result that a request carries says that they
    /// failed.
    pub failed_by_result: HashSet<usize>,
}

/// How a run went: failed if the execution, a part of it or the result is an error; well if there is a result, or the
/// execution has ended and `waits` is false; else pending.
pub fn status(run: &JoinedRun, waits: bool, tree: &SpanTree) -> ToolStatus {
    let node = run.node.map(|at| &tree.nodes[at]);
    if run.status == ToolStatus::Error || run.failed_part.is_some() || node.is_some_and(SpanNode::failed) {
        ToolStatus::Error
    } else if run.output.is_some() || run.seen.is_some() || (!waits && node.is_some_and(|node| node.ended.is_some())) {
        ToolStatus::Ok
    } else {
        ToolStatus::Pending
    }
}
