//! Forks: model calls whose prompts continue an earlier call, and that nevertheless open conversations of their own
//! (`conversations.md` 5).
//!
//! ```text
//!   one agent's answer ─┬─▶ its next call                      the conversation goes on
//!                       ├─▶ a worker that was handed it all    a conversation of its own
//!                       └─▶ another worker                     a conversation of its own
//!
//!   one prompt ─┬─▶ one answer     ─▶ the next call after it   one conversation
//!               └─▶ another answer ─▶ the next call after it   another one
//! ```
//!
//! Forks are found before any conversation is built, because only later calls show that a conversation splits. The
//! evidence is exact: an earlier call's whole prompt and whole answer, message by message, begin the later prompt.

use std::collections::{HashMap, HashSet};

use super::{
    hashes::PromptHash,
    limits::{CALLS_OF_ONE_PROMPT, Limited},
    prepared_exchange::PreparedExchange,
};

/// Finds the calls that open conversations of their own.
///
/// `calls` are in the order of their start. The result maps a call's index among the counted calls (its `turn`) to the
/// number of messages at the beginning of its prompt that belong to the conversation it parts from, and so are history.
/// It is 0 for one of several calls with an equal prompt: what is history in that is found when the conversation is
/// opened.
pub fn forks(calls: &[PreparedExchange]) -> HashMap<usize, usize> {
    // `states` maps the hash of a prompt with its answer to the first call that has them. `continued` maps such a call to
    // the calls that continue from it, each with the number of messages of its prompt that the two have in common.
    let mut states: HashMap<PromptHash, usize> = HashMap::new();
    let mut continued: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for (at, call) in calls.iter().enumerate() {
        let whole = call.chain.whole().map(|whole| (call.prompt.len(), whole));
        let mut beginnings = whole.into_iter().chain(call.chain.beginnings());
        if let Some((after, before)) = beginnings.find_map(|(after, chain)| Some((after, *states.get(&chain)?))) {
            continued.entry(before).or_default().push((at, after));
        }
        if let Some(state) = state(call) {
            states.entry(state).or_insert(at);
        }
    }
    let mut forks = HashMap::new();
    for (before, after) in &continued {
        let scope = calls[*before].placed.scope;
        let scopes: HashSet<Option<usize>> = after.iter().map(|(at, _)| calls[*at].placed.scope).collect();
        // Calls of several scopes continue from one answer. Those in another scope than the answered call have a copy
        // of the history each.
        if scopes.len() > 1 {
            let placed = after.iter().map(|(at, after)| (&calls[*at].placed, *after));
            forks
                .extend(placed.filter(|(placed, _)| placed.scope != scope).map(|(placed, after)| (placed.turn, after)));
        }
    }
    // Of calls of one scope that overlap in time, have equal prompts and are continued each by a later call, every one
    // but the first is a conversation of its own.
    let mut of_prompt: HashMap<PromptHash, Vec<usize>> = HashMap::new();
    for (at, call) in calls.iter().enumerate() {
        let Some(whole) = call.chain.whole().filter(|_| continued.contains_key(&at)) else { continue };
        let others = of_prompt.entry(whole).or_default();
        let overlaps = |other: &usize| {
            let (first, second) = (&calls[*other].placed, &call.placed);
            first.scope == second.scope && first.ended.is_none_or(|ended| second.started < ended)
        };
        if others.iter().rev().within(&CALLS_OF_ONE_PROMPT).any(overlaps) {
            forks.insert(call.placed.turn, 0);
        }
        others.push(at);
    }
    forks
}

/// The hash of a prompt with its answer; `None` where a message is hidden, the call failed or it has no answer.
fn state(call: &PreparedExchange) -> Option<PromptHash> {
    if call.completion.is_empty() || call.placed.failed {
        return None;
    }
    call.chain.whole_with(call.completion.iter().map(|line| &*line.fingerprint))
}
