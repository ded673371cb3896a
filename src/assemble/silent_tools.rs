//! The tool runs that no message of a model call asks for, as messages of the agent that they ran in.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    hashes::CallIdHash,
    limits::{AGENTS_BENEATH, Limited},
    loaded_trace::LoadedTrace,
    prepared_exchange::PreparedExchange,
    tool_runs::result,
};
use crate::model::{Content, Message, Part, Role, ToolCall, ToolRun};

/// Tool runs that one answer asked for, with the index of its call among the counted calls; `None` where that is
/// unknown.
pub type ToolGroup<'r> = (Option<usize>, Vec<&'r ToolRun>);

/// Groups the tool runs of a trace that no message asks for, by the nearest agent or tool around them. `calls` are the
/// model calls with messages.
pub fn groups<'r>(
    trace: &LoadedTrace,
    calls: &[PreparedExchange],
    runs: &'r [ToolRun],
) -> HashMap<Option<usize>, Vec<ToolGroup<'r>>> {
    let in_messages: LazyCell<HashSet<CallIdHash>, _> = LazyCell::new(|| {
        let lines = calls.iter().flat_map(|call| call.lines.iter().chain(&call.completion));
        lines.flat_map(|line| line.fingerprint.call_ids.iter().copied()).collect()
    });
    let counted = &trace.work.counted.calls;
    let mut of_scope: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (call, counted) in counted.iter().enumerate() {
        of_scope.entry(trace.scopes[counted.node]).or_default().push(call);
    }
    let mut groups: HashMap<Option<usize>, Vec<ToolGroup>> = HashMap::new();
    for (joined, run) in trace.work.runs.runs.iter().zip(runs) {
        // A run that is known from an agent's own messages is shown with those.
        let is_shown = joined.called.is_some()
            || joined.reported.is_some()
            || run.call_id.as_ref().is_some_and(|id| in_messages.contains(&CallIdHash::of(id)));
        if is_shown || (run.input.is_empty() && run.output.is_none()) {
            continue;
        }
        let Some(at) = run.span.and_then(|span| trace.node_of(span)) else { continue };
        let scope = trace.above[at];
        // The last call that began before a tool run is taken to have asked for it.
        let caller = of_scope.get(&scope).and_then(|calls| {
            let node = &trace.nodes()[at];
            let of = |call: &usize| &trace.nodes()[counted[*call].node];
            let (before, later) = calls.split_at(calls.partition_point(|call| of(call).started <= node.started));
            // A call that is known from a log record may begin only when it ended, and its tools before that.
            let meanwhile = later.iter().take_while(|call| Some(of(call).started) < node.ended).within(&AGENTS_BENEATH);
            meanwhile.filter(|call| of(call).ended == Some(of(call).started)).last().or(before.last()).copied()
        });
        let groups = groups.entry(scope).or_default();
        match groups.last_mut().filter(|(call, _)| call.is_some() && *call == caller) {
            Some((_, group)) => group.push(run),
            None => groups.push((caller, vec![run])),
        }
    }
    groups
}

/// The tool calls that must have been made for these tools to run, as one message.
pub fn calls_message(runs: &[&ToolRun]) -> Arc<Message> {
    let call = |run: &&ToolRun| {
        let (id, name, input) = (run.call_id.clone(), run.name.clone(), (*run.input).clone());
        Part::new(Content::Call(ToolCall { id, item_id: None, name, input, server_side: false }))
    };
    Arc::new(Message::new(Role::Assistant, runs.iter().map(call).collect()))
}

/// Their results as one message; `None` where none of them is known.
pub fn results_message(runs: &[&ToolRun]) -> Option<Arc<Message>> {
    let parts: Vec<Part> = runs.iter().filter_map(|run| result(run)).collect();
    (!parts.is_empty()).then(|| Arc::new(Message::new(Role::Tool, parts)))
}
