//! Calls whose prompts go on from an earlier call, and that nevertheless begin conversations of their own.
//!
//! ```text
//!   one agent's answer ─┬─▶ its next call                    the conversation goes on
//!                       ├─▶ a worker that was handed it all   a conversation of its own
//!                       └─▶ another worker                    a conversation of its own
//!
//!   one question ─┬─▶ one answer ─▶ its next call             one conversation
//!                 └─▶ another     ─▶ its next call             another one
//! ```
//!
//! Looked at before conversations are built, since that a conversation parts is known only from what comes later. The
//! evidence is exact: the whole prompt of the earlier call and its whole answer, message by message.

use std::collections::{HashMap, HashSet};

use super::{builder::Heard, conversations::Chain, fingerprint::KeyedMessage};

/// Of earlier calls with one prompt so many of the newest are asked whether they still ran.
const LOOKED_AT: usize = 64;

/// The turns that begin conversations of their own, each with how many messages of its prompt were said before. Calls
/// are in the order in which they began.
pub fn forks(calls: &[Heard]) -> HashMap<usize, usize> {
    // Of each state of a conversation the first call that left it so, and the calls that go on from there, each with how
    // many messages of its prompt that is.
    let mut left: HashMap<u64, usize> = HashMap::new();
    let mut goes_on: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for (at, call) in calls.iter().enumerate() {
        let whole = call.chain.whole().map(|whole| (call.prompt.len(), whole));
        let mut beginnings = whole.into_iter().chain(call.chain.beginnings());
        if let Some((after, before)) = beginnings.find_map(|(after, chain)| Some((after, *left.get(&chain)?))) {
            goes_on.entry(before).or_default().push((at, after));
        }
        if let Some(state) = state(call) {
            left.entry(state).or_insert(at);
        }
    }
    let mut forks = HashMap::new();
    for (before, after) in &goes_on {
        let scope = calls[*before].placed.scope;
        let scopes: HashSet<Option<usize>> = after.iter().map(|(at, _)| calls[*at].placed.scope).collect();
        // Several agents go on from one point: each has its own copy of what was said until then.
        if scopes.len() > 1 {
            let placed = after.iter().map(|(at, after)| (&calls[*at].placed, *after));
            forks
                .extend(placed.filter(|(placed, _)| placed.scope != scope).map(|(placed, after)| (placed.turn, after)));
        }
    }
    // Of those who were asked the same at the same time each that goes on alone, but for the first.
    let mut asked: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, call) in calls.iter().enumerate() {
        let Some(whole) = call.chain.whole().filter(|_| goes_on.contains_key(&at)) else { continue };
        let others = asked.entry(whole).or_default();
        let overlaps = |other: &usize| {
            let (first, second) = (&calls[*other].placed, &call.placed);
            first.scope == second.scope && first.ended.is_none_or(|ended| second.started < ended)
        };
        if others.iter().rev().take(LOOKED_AT).any(overlaps) {
            forks.insert(call.placed.turn, 0);
        }
        others.push(at);
    }
    forks
}

/// The number of a conversation once a call was answered; `None` where a message of it is hidden, or nothing came back.
fn state(call: &Heard) -> Option<u64> {
    if call.completion.is_empty() || call.placed.failed {
        return None;
    }
    let answer = call
        .completion
        .iter()
        .map(|line| KeyedMessage { message: line.message.clone(), fingerprint: line.fingerprint.clone() });
    let all: Vec<KeyedMessage> = call.prompt.iter().cloned().chain(answer).collect();
    Chain::of(&all).whole()
}
