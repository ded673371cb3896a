//! The messages of a conversation as they were sent, and the indexes by which the messages of a prompt are found among
//! them.

use std::collections::{HashMap, HashSet};

use super::{
    content_hash::ContentHash,
    fingerprint::{KeyedMessage, is_cut_of},
    hashes::{CallIdHash, CallKey, ResultKey},
    limits::{ENTRIES_FOR_CUT_MESSAGES, Limited, PIECES},
};
use crate::model::Role;

/// The messages of one conversation as they were sent, in order: its *entries*.
#[derive(Debug, Default)]
pub struct Entries {
    all: Vec<KeyedMessage>,
    /// Entries by key: by their own, and by that of the messages of their role which end with them.
    by_key: HashMap<ContentHash, Vec<usize>>,
    /// Entries by the ids of their tool calls and tool results.
    by_id: HashMap<Id, Vec<usize>>,
    /// The ids of the tool calls of which a result is among the entries.
    result_ids: HashSet<CallIdHash>,
    /// Each answer as the key of the message that it followed and its own key, with and without its tool calls.
    answers: HashSet<(Option<ContentHash>, ContentHash)>,
    /// The entries that their sender cut.
    cut: Vec<usize>,
    /// The roles of which an entry is hidden.
    hidden: HashSet<Role>,
    /// The place of each tool call among those of the conversation, by the hash of its id.
    numbers: HashMap<CallIdHash, usize>,
    /// The last entry that makes a tool call, by the hash of its id.
    made_at: HashMap<CallIdHash, usize>,
}

/// What an entry is found by, apart from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    /// A tool call that the entry makes, as in [`Fingerprint::calls`](super::fingerprint::Fingerprint::calls).
    Call(CallKey),
    /// A tool call that a result in the entry answers, as in
    /// [`Fingerprint::results`](super::fingerprint::Fingerprint::results).
    Result(ResultKey),
}

impl Entries {
    /// The entries in order.
    pub fn all(&self) -> &[KeyedMessage] {
        &self.all
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Adds a message and indexes it; returns its index.
    pub fn push(&mut self, keyed: KeyedMessage) -> usize {
        let at = self.all.len();
        for id in &keyed.fingerprint.call_ids {
            let next = self.numbers.len();
            self.numbers.entry(*id).or_insert(next);
            self.made_at.insert(*id, at);
        }
        for id in ids(&keyed) {
            self.by_id.entry(id).or_default().push(at);
        }
        self.result_ids.extend(&keyed.fingerprint.result_ids);
        if keyed.fingerprint.truncated {
            self.cut.push(at);
        }
        if keyed.fingerprint.hidden {
            self.hidden.insert(keyed.fingerprint.role);
        }
        self.all.push(keyed);
        for (_, key) in self.endings(at) {
            for key in key.repeated(false) {
                self.by_key.entry(key).or_default().push(at);
            }
        }
        at
    }

    /// Records the key of an answer with that of the message that it followed.
    pub fn note_answer(&mut self, followed: Option<ContentHash>, key: ContentHash) {
        self.answers.insert((followed, key));
    }

    /// Makes several entries, of which `end` is the last, known by the key of all of them.
    pub fn note_joined(&mut self, key: ContentHash, end: usize) {
        self.by_key.entry(key).or_default().push(end);
    }

    /// What [`endings`] gives for the entries up to one.
    pub fn endings(&self, at: usize) -> Vec<(usize, ContentHash)> {
        endings(&self.all, at)
    }

    /// The place of a tool call among those of the conversation, by the hash of its id; `None` where no entry has that
    /// call.
    pub fn number(&self, id: CallIdHash) -> Option<usize> {
        self.numbers.get(&id).copied()
    }

    /// Whether the entries hold the message at `at` of a prompt, in any place.
    pub fn holds(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        let keyed = &prompt[at];
        // Hidden messages of one role cannot be distinguished, so a second one is never new. Neither is a message of
        // reasoning alone.
        if keyed.fingerprint.is_empty() || (keyed.fingerprint.hidden && self.hidden.contains(&keyed.fingerprint.role)) {
            return true;
        }
        // A tool call has one result; with other content it is still the same one.
        if !keyed.fingerprint.result_ids.is_empty()
            && keyed.fingerprint.result_ids.iter().all(|id| self.result_ids.contains(id))
        {
            return true;
        }
        let by_id = ids(keyed).any(|id| self.by_id.contains_key(&id));
        // What stands before a call is no result of it, though an earlier call returned the same.
        let call = keyed.fingerprint.result_ids.iter().filter_map(|id| self.made_at.get(id)).max();
        if let Some(call) = call.filter(|_| !by_id) {
            let same = keyed.fingerprint.key.and_then(|key| self.by_key.get(&key)?.last());
            return same.is_some_and(|last| last > call) || self.holds_cut(keyed);
        }
        let alone = by_id
            || keyed.fingerprint.key.is_some_and(|key| {
                let before = at.checked_sub(1).and_then(|before| prompt[before].fingerprint.key);
                self.by_key.contains_key(&key) || self.answers.contains(&(before, key))
            });
        alone || self.holds_cut(keyed) || self.holds_run(prompt, at)
    }

    /// Whether the message at `at` of a prompt has a result that the conversation holds, by id.
    pub fn holds_result(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        prompt[at].fingerprint.results.iter().any(|result| self.by_id.contains_key(&Id::Result(*result)))
    }

    /// Whether a message is the beginning of an entry, or an entry its beginning, because its sender cut one of them.
    fn holds_cut(&self, keyed: &KeyedMessage) -> bool {
        if keyed.fingerprint.truncated {
            return self.all.iter().rev().within(&ENTRIES_FOR_CUT_MESSAGES).any(|entry| is_cut_of(entry, keyed));
        }
        self.cut.iter().rev().within(&ENTRIES_FOR_CUT_MESSAGES).any(|at| is_cut_of(&self.all[*at], keyed))
    }

    /// Whether the message at `at` of a prompt, joined with its neighbours of the same role, is known by one key.
    fn holds_run(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        let role = prompt[at].fingerprint.role;
        let same = |keyed: &&KeyedMessage| keyed.fingerprint.role == role;
        let after = prompt[at..].iter().take_while(same).within(&PIECES).count();
        if after == 1 && at.checked_sub(1).is_none_or(|before| prompt[before].fingerprint.role != role) {
            return false;
        }
        (at..at + after)
            .any(|end| endings(prompt, end).iter().any(|(start, key)| *start <= at && self.by_key.contains_key(key)))
    }

    /// The first entry from `from` on that is this message, by id or else by content.
    pub fn next(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let after = |entries: &Vec<usize>| entries.get(entries.partition_point(|at| *at < from)).copied();
        let by_id = ids(keyed).filter_map(|id| after(self.by_id.get(&id)?)).min();
        by_id.or_else(|| after(self.by_key.get(&keyed.fingerprint.key?)?))
    }

    /// The first entry from `from` on of which this message is the beginning, because its sender cut it, or which is the
    /// beginning of this message.
    pub fn next_cut(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let mut entries = self.all.iter().enumerate().skip(from).within(&ENTRIES_FOR_CUT_MESSAGES);
        entries.find(|(_, entry)| is_cut_of(entry, keyed)).map(|(at, _)| at)
    }

    /// The entry that is this message, if it is the first from `from` on that is no answer. A tool result may be any of
    /// the results that stand there.
    pub fn follows(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let others = self.all.iter().enumerate().skip(from).within(&ENTRIES_FOR_CUT_MESSAGES);
        let mut others = others.filter(|(_, entry)| entry.fingerprint.role != Role::Assistant);
        let is = |entry: &KeyedMessage| entry.fingerprint.is_exactly(&keyed.fingerprint);
        if keyed.fingerprint.role == Role::Tool {
            // The results of parallel tool calls come in any order.
            return others
                .take_while(|(_, entry)| entry.fingerprint.role == Role::Tool)
                .find(|(_, entry)| is(entry))
                .map(|(at, _)| at);
        }
        others.next().filter(|(_, entry)| is(entry)).map(|(at, _)| at)
    }

    /// The number of entries that are no system messages, if a prompt begins with all of them and has more messages;
    /// `None` otherwise. Two hidden messages of one role in the same place count as equal.
    pub fn is_beginning_of(&self, prompt: &[KeyedMessage]) -> Option<usize> {
        let is = |(mine, theirs): (&KeyedMessage, &KeyedMessage)| {
            let hidden = mine.fingerprint.hidden
                && theirs.fingerprint.hidden
                && mine.fingerprint.role == theirs.fingerprint.role;
            hidden
                || mine.fingerprint.is(&theirs.fingerprint)
                || (mine.fingerprint.is_empty() && theirs.fingerprint.is_empty())
        };
        let compared = || self.all.iter().filter(|entry| entry.fingerprint.role != Role::System);
        let length = compared().count();
        (length > 0 && length < prompt.len() && compared().zip(prompt).all(is)).then_some(length)
    }
}

/// The ids by which a message is found.
fn ids(keyed: &KeyedMessage) -> impl Iterator<Item = Id> + '_ {
    let calls = keyed.fingerprint.calls.iter().copied().map(Id::Call);
    calls.chain(keyed.fingerprint.results.iter().copied().map(Id::Result))
}

/// The runs of messages of one role that end with the message `end`, the shortest first and at most [`PIECES`] long:
/// where each starts, and the key of its messages as one.
///
/// A run stops at a hidden message; a message without a key is left out.
pub fn endings(keyed_messages: &[KeyedMessage], end: usize) -> Vec<(usize, ContentHash)> {
    let mut keys = Vec::new();
    let mut all: Option<ContentHash> = None;
    for start in (0..=end).rev().take(PIECES.most()) {
        let fingerprint = &keyed_messages[start].fingerprint;
        if fingerprint.role != keyed_messages[end].fingerprint.role || fingerprint.hidden {
            break;
        }
        let Some(key) = fingerprint.key else { continue };
        let joined = all.map_or(key, |after| key.then(after));
        all = Some(joined);
        keys.push((start, joined));
    }
    keys
}
