//! Tool runs with what the conversations and later traces of the session have of them: the call that asked for a run, and
//! its result (`tools.md` 1).

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::{
    builder::BuiltConversation,
    hashes::CallIdHash,
    loaded_trace::LoadedTrace,
    provenance::Provenance,
    tool_runs::{self, text},
};
use crate::model::{
    Arguments, Content, Conversation, ConversationMessage, Part, Role, SpanId, ToolCall, ToolRun, ToolStatus,
};

/// Gives the runs whose call has no id those that it has in a conversation: a later request may have it.
pub fn name(runs: &mut [ToolRun], conversations: &[BuiltConversation]) {
    let is_nameless = |run: &ToolRun| run.call_id.is_none() && run.called_by.is_some();
    if !runs.iter().any(is_nameless) {
        return;
    }
    let known: HashSet<String> = runs.iter().filter_map(|run| run.call_id.clone()).collect();
    let mut asked: HashMap<(SpanId, String, u64), VecDeque<String>> = HashMap::new();
    let messages = conversations.iter().flat_map(|conversation| &conversation.messages);
    for placed in messages.filter(|placed| !placed.shown.history && placed.shown.message.role == Role::Assistant) {
        for part in &placed.shown.message.parts {
            let Content::Call(call) = &part.content else { continue };
            let Some(id) = call.known_id().filter(|id| !known.contains(*id)) else { continue };
            let key = (placed.shown.span, call.name.clone(), Arguments::hash_of(&call.input));
            asked.entry(key).or_default().push_back(id.to_owned());
        }
    }
    for run in runs.iter_mut().filter(|run| is_nameless(run)) {
        let Some(caller) = run.called_by else { continue };
        let key = (caller, run.name.clone(), run.input.hash());
        run.call_id = asked.get_mut(&key).and_then(VecDeque::pop_front);
    }
}

/// The calls that asked for tools, as the conversations of a trace have them.
///
/// A sender may record a tool call only in the history of a later request, or only the tool that ran. Only its conversation
/// shows then which call's answer it is part of.
pub struct Callers {
    /// By the id of the tool call.
    by_id: HashMap<String, SpanId>,
    /// Those of tool calls without an id, by the tool's name and a hash of the arguments, in order.
    nameless: HashMap<(String, u64), VecDeque<SpanId>>,
}

impl Callers {
    /// Reads the conversations. `runs` are the tool runs of their trace: a call without an id that one of them has asked
    /// for it is no other's.
    pub fn of(conversations: &[BuiltConversation], runs: &[ToolRun]) -> Self {
        let mut callers = Self { by_id: HashMap::new(), nameless: HashMap::new() };
        let mut taken: HashMap<(&str, u64, SpanId), usize> = HashMap::new();
        for run in runs.iter().filter(|run| run.call_id.is_none()) {
            if let Some(by) = run.called_by {
                *taken.entry((run.name.as_str(), run.input.hash(), by)).or_default() += 1;
            }
        }
        let messages = conversations.iter().flat_map(|conversation| &conversation.messages);
        for placed in messages.filter(|placed| !placed.shown.history && placed.shown.message.role == Role::Assistant) {
            for part in &placed.shown.message.parts {
                let Content::Call(call) = &part.content else { continue };
                match call.known_id() {
                    Some(id) if placed.provenance == Provenance::ModelCall => {
                        callers.by_id.insert(id.to_owned(), placed.shown.span);
                    }
                    Some(_) => {}
                    None => {
                        let (hash, by) = (Arguments::hash_of(&call.input), placed.shown.span);
                        match taken.get_mut(&(call.name.as_str(), hash, by)).filter(|left| **left > 0) {
                            Some(left) => *left -= 1,
                            None => callers.nameless.entry((call.name.clone(), hash)).or_default().push_back(by),
                        }
                    }
                }
            }
        }
        callers
    }

    /// The call that asked for a run of which its own records do not say so.
    fn take(&mut self, run: &ToolRun) -> Option<SpanId> {
        match &run.call_id {
            Some(id) => self.by_id.get(id).copied(),
            None => self.nameless.get_mut(&(run.name.clone(), run.input.hash()))?.pop_front(),
        }
    }
}

/// The tool runs with what other traces and the conversations have of them: results that a later trace carries, by the
/// index of the run, and the calls that asked for them.
pub fn complete(runs: Vec<ToolRun>, mut later: HashMap<usize, LaterResult>, mut callers: Callers) -> Vec<ToolRun> {
    let complete = |(at, run): (usize, ToolRun)| {
        let called_by = run.called_by.or_else(|| callers.take(&run));
        let run = ToolRun { called_by, ..run };
        match later.remove(&at) {
            Some(result) => result.complete(run),
            None => run,
        }
    };
    runs.into_iter().enumerate().map(complete).collect()
}

/// Gives the calls in the conversations of a trace that a recorder left without id and name the names of the runs that
/// they asked for: those with the same arguments, in order, that no call with a name shows.
pub fn name_calls(conversations: &mut [Conversation], runs: &[ToolRun]) {
    let is_nameless =
        |part: &Part| matches!(&part.content, Content::Call(call) if call.name.is_empty() && call.known_id().is_none());
    let key = |shown: &ConversationMessage, call: &ToolCall| (shown.span, Arguments::hash_of(&call.input));
    for conversation in conversations {
        let mut own = conversation.messages.iter().filter(|shown| !shown.history);
        if !own.any(|shown| shown.message.parts.iter().any(is_nameless)) {
            continue;
        }
        let mut left: HashMap<(SpanId, u64), VecDeque<&str>> = HashMap::new();
        for run in runs.iter().filter(|run| !run.name.is_empty()) {
            if let Some(by) = run.called_by {
                left.entry((by, run.input.hash())).or_default().push_back(&run.name);
            }
        }
        for shown in conversation.messages.iter().filter(|shown| !shown.history) {
            for part in &shown.message.parts {
                if let Content::Call(call) = &part.content
                    && let Some(names) = left.get_mut(&key(shown, call))
                    && let Some(at) = names.iter().position(|name| *name == call.name)
                {
                    names.remove(at);
                }
            }
        }
        for shown in conversation.messages.iter_mut().filter(|shown| !shown.history) {
            for at in 0..shown.message.parts.len() {
                let part = &shown.message.parts[at];
                let Content::Call(call) = &part.content else { continue };
                let names = left.get_mut(&key(shown, call)).filter(|_| is_nameless(part));
                let Some(name) = names.and_then(VecDeque::pop_front) else { continue };
                if let Content::Call(call) = &mut Arc::make_mut(&mut shown.message).parts[at].content {
                    name.clone_into(&mut call.name);
                }
            }
        }
    }
}

/// A result as a request of a later trace carries it.
#[derive(Debug)]
pub struct LaterResult {
    content: Vec<Part>,
    is_error: bool,
}

/// Finds the results that later traces carry for tool runs without one: for each trace, by the index of the run.
///
/// `traces` are in the order of their start, `runs` the tool runs of each.
pub fn later_results(traces: &[LoadedTrace], runs: &[Vec<ToolRun>]) -> Vec<HashMap<usize, LaterResult>> {
    let mut found: Vec<HashMap<usize, LaterResult>> = traces.iter().map(|_| HashMap::new()).collect();
    let mut open: HashMap<CallIdHash, (usize, usize)> = HashMap::new();
    for (nth, (trace, runs)) in traces.iter().zip(runs).enumerate() {
        // What ran only here: its call waited for a person, or each step is a trace of its own.
        let ran: Vec<ToolRun> = trace.work.runs.foreign_runs.iter().map(|run| tool_runs::shown(trace, run)).collect();
        for run in ran.iter().chain(runs.iter().filter(|run| run.called_by.is_none())) {
            let ToolRun { call_id: Some(id), output: Some(content), status, .. } = run else { continue };
            if let Some((earlier, run)) = open.remove(&CallIdHash::of(id)) {
                let later = LaterResult { content: content.clone(), is_error: *status == ToolStatus::Error };
                found[earlier].insert(run, later);
            }
        }
        for (id, is_error, source) in &trace.work.runs.foreign {
            let Some((earlier, run)) = open.remove(id) else { continue };
            let Some(Content::Result(result)) = trace.part(*source).map(|part| &part.content) else { continue };
            let later = LaterResult { content: result.content.clone(), is_error: *is_error == Some(true) };
            found[earlier].insert(run, later);
        }
        for (at, run) in runs.iter().enumerate() {
            if let (Some(id), None) = (&run.call_id, &run.output) {
                open.insert(CallIdHash::of(id), (nth, at));
            }
        }
    }
    found
}

impl LaterResult {
    /// The run with this result.
    ///
    /// The totals of its trace stay what they are: those of the trace alone, as in every list.
    fn complete(self, run: ToolRun) -> ToolRun {
        let (status, error) = match run.status {
            _ if self.is_error => (ToolStatus::Error, run.error.or_else(|| text(&self.content))),
            ToolStatus::Pending => (ToolStatus::Ok, run.error),
            status => (status, run.error),
        };
        ToolRun { output: Some(self.content), status, error, ..run }
    }
}
