//! Results that tools returned and that no request carries, or carries without saying to which call they belong.
//!
//! They are shown after the answer that asked for them. Where the next request of the conversation carries results as
//! well, all of them are one message.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::{
    exchange::TimedMessage,
    fill_missing,
    hashes::{CallIdHash, RunKey},
    loaded_trace::LoadedTrace,
    text_hash::without_white_space,
    tool_runs::{result, text},
};
use crate::model::{Content, ConversationMessage, Message, Part, Role, Timestamp, ToolRun};

/// A result as the tool returned it.
#[derive(Debug, Clone)]
pub struct ReturnedResult {
    /// The result, with the id of its call if that is known.
    pub part: Part,
    /// When the tool ended, or began where it has no end; `None` where only a log record without times is known.
    pub at: Option<Timestamp>,
    /// Whether a request carries the result, without an id and without a name. Then it only completes the one that is
    /// carried.
    pub carried: bool,
}

/// The tool runs whose results are to be shown, by the call that asked for them.
#[derive(Debug)]
pub struct ReturnedResults<'r> {
    /// By the index of the counted call, and the hash of the id of the tool call, or where it has none of its name and
    /// arguments. Runs with one key are in order.
    by_call: HashMap<(usize, RunKey), VecDeque<(&'r ToolRun, bool)>>,
}

impl<'r> ReturnedResults<'r> {
    /// Finds the runs with a result that no request carries with an id or a name. `runs` are those of the trace, in the
    /// same order.
    pub fn new(trace: &LoadedTrace, runs: &'r [ToolRun]) -> Self {
        let mut by_call: HashMap<(usize, RunKey), VecDeque<(&ToolRun, bool)>> = HashMap::new();
        for (joined, run) in trace.work.runs.runs.iter().zip(runs) {
            if let (Some((turn, source)), Some(_)) = (joined.called, joined.output)
                && joined.seen.is_none_or(|seen| trace.part(seen).is_some_and(fill_missing::is_nameless))
                && let Some(Content::Call(call)) = trace.part(source).map(|part| &part.content)
            {
                let key = RunKey::of(call);
                by_call.entry((turn, key)).or_default().push_back((run, joined.seen.is_some()));
            }
        }
        Self { by_call }
    }

    /// Takes the results for the tool calls of an answer: for the index of each of its messages that has some, in the
    /// order of the calls. `turn` is the index of the counted call.
    pub fn take(&mut self, turn: usize, answer: &[TimedMessage]) -> HashMap<usize, Vec<ReturnedResult>> {
        if self.by_call.is_empty() {
            return HashMap::new();
        }
        let mut of_message = |line: &TimedMessage| -> Vec<ReturnedResult> {
            let calls = line.message.parts.iter().filter_map(|part| match &part.content {
                Content::Call(call) => Some(call),
                _ => None,
            });
            let returned = calls.filter_map(|call| {
                let key = (turn, RunKey::of(call));
                let (run, carried) = self.by_call.get_mut(&key).and_then(VecDeque::pop_front)?;
                Some(ReturnedResult { part: result(run)?, at: run.ended.or(run.started), carried })
            });
            returned.collect()
        };
        let found = answer.iter().enumerate().filter(|(_, line)| line.message.role == Role::Assistant);
        found.map(|(at, line)| (at, of_message(line))).filter(|(_, returned)| !returned.is_empty()).collect()
    }
}

/// Merges results that tools returned with those that the next messages of the conversation carry. Returns what is to be
/// shown before these messages, with its time; `None` where nothing is.
///
/// `next` are the messages that follow the answer; only results that stand right after it, or after history, belong to
/// it. `number` gives the place of a tool call among those of the conversation, by the hash of its id.
pub fn merge(
    returned: Vec<ReturnedResult>,
    next: &mut [ConversationMessage],
    number: impl Fn(CallIdHash) -> Option<usize>,
) -> Option<(Arc<Message>, Timestamp)> {
    let at = returned.iter().filter_map(|returned| returned.at).min().unwrap_or_default();
    let is_result = |message: &ConversationMessage| message.message.role == Role::Tool && !message.history;
    let mut reachable = next.iter().take_while(|message| message.history || message.message.role == Role::Tool);
    let carrier = reachable.position(is_result);
    let mut parts = match carrier {
        Some(carrier) => complete(returned, &mut next[carrier].message),
        None => returned.into_iter().filter(|returned| !returned.carried).map(|returned| returned.part).collect(),
    };
    if parts.is_empty() {
        return None;
    }
    if carrier == Some(0) {
        parts.splice(0..0, next[0].message.parts.iter().cloned());
    }
    // In the order of the calls; results of calls without an id come last.
    parts.sort_by_key(|part| {
        let number = match &part.content {
            Content::Result(result) => result.call_id.as_ref().and_then(|id| number(CallIdHash::of(id))),
            _ => None,
        };
        number.map_or((true, 0), |number| (false, number))
    });
    let message = Arc::new(Message::new(Role::Tool, parts));
    if carrier == Some(0) {
        next[0].message = message;
        return None;
    }
    Some((message, at))
}

/// Puts results that tools returned in the place of those without ids that have the same text. Returns the results that
/// no request carries.
fn complete(returned: Vec<ReturnedResult>, carrier: &mut Arc<Message>) -> Vec<Part> {
    // JSON may have been sent as text, so texts are compared.
    let plain = |content: &[Part]| text(content).map(|text| without_white_space(&text));
    let mut open: HashMap<String, Vec<usize>> = HashMap::new();
    let mut named = HashSet::new();
    for (at, part) in carrier.parts.iter().enumerate().rev() {
        let Content::Result(result) = &part.content else { continue };
        match &result.call_id {
            Some(id) => {
                named.insert(id.clone());
            }
            None => {
                if let Some(text) = plain(&result.content) {
                    open.entry(text).or_default().push(at);
                }
            }
        }
    }
    let mut rest = Vec::new();
    for ReturnedResult { part, carried, .. } in returned {
        let Content::Result(result) = &part.content else { continue };
        if result.call_id.as_ref().is_some_and(|id| named.contains(id)) {
            continue;
        }
        match plain(&result.content).and_then(|text| open.get_mut(&text)?.pop()) {
            Some(at) => Arc::make_mut(carrier).parts[at] = part,
            None if carried => {}
            None => rest.push(part),
        }
    }
    rest
}
