//! Calls of which a recorder lost id and name: which tool they are of is known by their arguments (`tools.md` 1).
//!
//! A later request repeats them with both; where there is none, what ran with these arguments has the name.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{
    hashes::{ArgumentsHash, CallHash, CallIdHash, ToolNameHash},
    joined_runs::Source,
    reading_digest::{AskedCall, ToolCallDigest},
    span_tree::SpanTree,
    tool_executions::{self, execution},
    tool_messages::ToolMessages,
};
use crate::model::Category;

/// What may be the calls without a name. Empty where there are none.
#[derive(Default)]
pub struct UnnamedCalls {
    /// By arguments the calls that requests repeat, each once: its id, the first counted call that carries it, and
    /// where it stands.
    repeated: HashMap<ArgumentsHash, VecDeque<(CallIdHash, usize, Source, AskedCall)>>,
    /// By arguments the name and the hash of each tool that ran with them and that no call with a name asked for.
    ran: HashMap<ArgumentsHash, Vec<(ToolNameHash, CallHash)>>,
}

impl UnnamedCalls {
    /// Gathers what is known beside the calls of a trace. `messages` are those of each counted call.
    pub fn new(messages: &[ToolMessages], tree: &SpanTree) -> Self {
        let mut found = Self::default();
        let calls = || messages.iter().flat_map(|messages| &messages.calls);
        if !calls().any(|(_, called)| called.unnamed.is_some()) {
            return found;
        }
        let mut seen: HashSet<CallIdHash> = calls().filter_map(|(_, called)| called.id).collect();
        for (call, messages) in messages.iter().enumerate() {
            for (facts, given) in messages.results.iter().filter(|(_, given)| given.prompt) {
                let (Some(id), Some(asked)) = (given.id, given.call) else { continue };
                if seen.insert(id) {
                    let source = Source { facts: *facts, prompt: true, spot: asked.at };
                    found.repeated.entry(asked.arguments).or_default().push_back((id, call, source, asked));
                }
            }
        }
        for at in (0..tree.nodes.len()).filter(|at| tree.nodes[*at].category == Category::Tool) {
            let Some((_, execution)) = execution(tree, at) else { continue };
            if let (Some(arguments), Some(call_hash)) = (execution.arguments, execution.call_hash) {
                found.ran.entry(arguments).or_default().push((tool_executions::name(tree, at), call_hash));
            }
        }
        let mut named: HashMap<CallHash, usize> = HashMap::new();
        for (_, called) in calls().filter(|(_, called)| called.unnamed.is_none()) {
            *named.entry(called.call_hash).or_default() += 1;
        }
        for ran in found.ran.values_mut() {
            ran.retain(|(_, call_hash)| match named.get_mut(call_hash).filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => true,
            });
            // They are taken from the end.
            ran.reverse();
        }
        found
    }

    /// A call of the counted call `call`, with the name and the id that are known of it beside its own record, and where
    /// a later request has it.
    pub fn named(&mut self, call: usize, mut called: ToolCallDigest) -> (ToolCallDigest, Option<Source>) {
        let Some(arguments) = called.unnamed else { return (called, None) };
        let repeated = self.repeated.get_mut(&arguments).and_then(|repeated| {
            let at = repeated.iter().position(|(_, carrier, ..)| *carrier > call)?;
            repeated.remove(at)
        });
        let mut ran = self.ran.get_mut(&arguments);
        if let Some((id, _, source, asked)) = repeated {
            (called.id, called.name, called.call_hash) = (Some(id), asked.name, asked.call_hash);
            let at = ran.as_ref().and_then(|ran| ran.iter().rposition(|(_, call_hash)| *call_hash == asked.call_hash));
            if let (Some(ran), Some(at)) = (&mut ran, at) {
                ran.remove(at);
            }
            return (called, Some(source));
        }
        if let Some((name, call_hash)) = ran.and_then(Vec::pop) {
            (called.name, called.call_hash) = (name, call_hash);
        }
        (called, None)
    }
}
