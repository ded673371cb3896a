//! The messages of a conversation as they are shown, while it is built.
//!
//! Messages are only ever added at the end. What a sender writes of an answer only into a later request (its reasoning,
//! its tool calls, their ids) is added to that answer when the request is matched with the conversation: nothing earlier
//! shows to which answer it belongs.

use std::{collections::HashMap, mem, ops::Range, sync::Arc};

use super::{
    exchange::TimedMessage,
    fill_missing::is_garbled,
    hashes::{CallHash, CallIdHash, call_hash},
    provenance::Provenance,
    returned_results::{self, ReturnedResult},
};
use crate::model::{Content, ConversationMessage, Part, Role, ToolCall};

/// A message of a conversation, and where it comes from.
#[derive(Debug, Clone)]
pub struct PlacedMessage {
    /// The message as it is shown.
    pub shown: ConversationMessage,
    /// From which records it comes.
    pub provenance: Provenance,
}

impl PlacedMessage {
    /// Whether it is an answer that was given in this trace.
    fn is_answer(&self) -> bool {
        is_answer(&self.shown)
    }
}

/// What belongs to a message that is added.
#[derive(Debug, Default)]
pub struct Shown {
    /// The number of entries that it stands for, the next ones; 0 where it is none.
    pub entries: usize,
    /// Results of its tool calls that no request carries.
    pub results: Vec<ReturnedResult>,
    /// What follows it in its answer was said after these results: one record stands for several calls.
    pub ends: bool,
}

/// The messages of one conversation as they are shown, in order.
#[derive(Debug, Default)]
pub struct ShownMessages {
    all: Vec<PlacedMessage>,
    /// `of_entry[i]` is the index of the message that shows entry `i`. One message may join several entries.
    of_entry: Vec<usize>,
    /// Results for the answer at the end: they are added before what follows it, together with the results that the
    /// next request carries.
    returned: Vec<ReturnedResult>,
    /// Whether these results stand before whatever follows, also before the rest of the answer.
    ended: bool,
}

impl ShownMessages {
    /// The messages so far; without the results that [`Self::finish`] adds.
    pub fn all(&self) -> &[PlacedMessage] {
        &self.all
    }

    /// Adds messages, each with what belongs to it. `number` gives the place of a tool call among those of the
    /// conversation, by the hash of its id.
    pub fn append(
        &mut self,
        mut messages: Vec<ConversationMessage>,
        belongings: impl IntoIterator<Item = Shown>,
        provenance: Provenance,
        number: impl Fn(CallIdHash) -> Option<usize>,
    ) {
        for (at, Shown { entries, results, ends }) in belongings.into_iter().enumerate() {
            if self.ended || !self.is_continued_by(&messages[at], provenance) {
                self.add_returned(&mut messages[at..], &number);
            }
            self.of_entry.resize(self.of_entry.len() + entries, self.all.len());
            self.all.push(PlacedMessage { shown: messages[at].clone(), provenance });
            self.returned.extend(results);
            self.ended = ends;
        }
    }

    /// Adds the results that are left, and returns all messages.
    pub fn finish(mut self, number: impl Fn(CallIdHash) -> Option<usize>) -> Vec<PlacedMessage> {
        self.add_returned(&mut [], &number);
        self.all
    }

    /// Whether a message belongs to the answer at the end.
    fn is_continued_by(&self, message: &ConversationMessage, provenance: Provenance) -> bool {
        let is_same =
            |last: &PlacedMessage| last.is_answer() && last.shown.turn == message.turn && last.provenance == provenance;
        is_answer(message) && self.all.last().is_some_and(is_same)
    }

    /// Adds the results for the answer at the end, or those of them that do not belong into the messages that follow.
    fn add_returned(&mut self, next: &mut [ConversationMessage], number: &impl Fn(CallIdHash) -> Option<usize>) {
        let returned = mem::take(&mut self.returned);
        let Some(answer) = self.all.last().filter(|_| !returned.is_empty()) else { return };
        let (span, turn) = (answer.shown.span, answer.shown.turn);
        if let Some((message, at)) = returned_results::merge(returned, next, number) {
            let shown = ConversationMessage::new(message, at, span, turn);
            self.all.push(PlacedMessage { shown, provenance: Provenance::ToolExecution });
        }
    }

    /// The messages of the answer that an entry belongs to, also those after it; none where the entry is no answer of
    /// this trace.
    fn answer_of(&mut self, entry: usize) -> &mut [PlacedMessage] {
        let (before, after) = self.around(entry);
        &mut self.all[before.start..after.end]
    }

    /// The places of the same messages: up to the one that shows the entry, and after it.
    fn around(&self, entry: usize) -> (Range<usize>, Range<usize>) {
        let Some(at) = self.of_entry.get(entry).copied() else { return (0..0, 0..0) };
        let turn = self.all[at].shown.turn;
        let is_same = |placed: &&PlacedMessage| placed.shown.turn == turn && placed.is_answer();
        let before = self.all[..=at].iter().rev().take_while(is_same).count();
        let after = if before == 0 { 0 } else { self.all[at + 1..].iter().take_while(is_same).count() };
        (at + 1 - before..at + 1, at + 1..at + 1 + after)
    }

    /// Adds tool calls to the shown message of an entry. The next so many entries repeat that message.
    pub fn add_calls(&mut self, entry: usize, calls: impl Iterator<Item = Part>, entries: usize) {
        let Some(last) = self.of_entry.get(entry).copied() else { return };
        Arc::make_mut(&mut self.all[last].shown.message).parts.extend(calls);
        self.of_entry.resize(self.of_entry.len() + entries, last);
    }

    /// Adds reasoning to the answer that an entry belongs to, if that has none.
    pub fn add_reasoning(&mut self, entry: usize, reasoning: &[Part]) {
        let is_reasoning = |part: &Part| matches!(part.content, Content::Reasoning(_));
        let answer = self.answer_of(entry);
        if answer.iter().any(|placed| placed.shown.message.parts.iter().any(is_reasoning)) {
            return;
        }
        if let Some(first) = answer.first_mut() {
            Arc::make_mut(&mut first.shown.message).parts.splice(0..0, reasoning.iter().cloned());
        }
    }

    /// Adds texts to the answer that an entry belongs to, if that has tool calls and no text: before the first call.
    pub fn add_texts(&mut self, entry: usize, texts: &[Part]) {
        let answer = self.answer_of(entry);
        let has = |is: fn(&Content) -> bool| {
            answer.iter().any(|placed| placed.shown.message.parts.iter().any(|part| is(&part.content)))
        };
        let is_call = |content: &Content| matches!(content, Content::Call(_));
        if !has(is_call) || has(|content| matches!(content, Content::Text(_) | Content::Refusal(_))) {
            return;
        }
        for placed in self.answer_of(entry) {
            let call = placed.shown.message.parts.iter().position(|part| is_call(&part.content));
            if let Some(call) = call {
                Arc::make_mut(&mut placed.shown.message).parts.splice(call..call, texts.iter().cloned());
                return;
            }
        }
    }

    /// Gives tool calls of the answer that an entry belongs to, where they have no call id, the ids that a later prompt
    /// has for them: they are paired by name and arguments. Arguments that were recorded as no JSON become those that the
    /// prompt has under the id. Where the prompt has as many calls, one with the arguments of the call in its place is
    /// that call by whatever name: of calls that were recorded as one, only the name of the first may be known.
    pub fn add_call_ids(&mut self, entry: usize, repeated: &[&Part]) {
        let calls = repeated.iter().filter_map(|part| match &part.content {
            Content::Call(call) => Some(call),
            _ => None,
        });
        let calls: Vec<&ToolCall> = calls.collect();
        let mut named: HashMap<CallHash, Vec<&ToolCall>> = HashMap::new();
        for call in calls.iter().rev() {
            named.entry(call_hash(call)).or_default().extend(call.known_id().map(|_| *call));
        }
        let is_unnamed = |part: &Part| matches!(&part.content, Content::Call(call) if call.id.is_none());
        let mut by_id: HashMap<&str, &Part> = HashMap::new();
        for part in repeated {
            if let Content::Call(call) = &part.content
                && let Some(id) = call.known_id()
            {
                by_id.entry(id).or_insert(part);
            }
        }
        let whole = |part: &Part| {
            let Content::Call(call) = &part.content else { return None };
            by_id.get(call.known_id()?).copied().filter(|repeated| is_garbled(part, repeated))
        };
        // The prompt has nothing of what follows the entry.
        let (before, _) = self.around(entry);
        self.rename_calls(before.clone(), &calls);
        for placed in self.all[before].iter_mut().rev() {
            if !placed.shown.message.parts.iter().any(|part| is_unnamed(part) || whole(part).is_some()) {
                continue;
            }
            let parts = &mut Arc::make_mut(&mut placed.shown.message).parts;
            for part in parts.iter_mut() {
                if let Some(whole) = whole(part) {
                    part.content = whole.content.clone();
                    part.truncated = false;
                }
            }
            for part in parts.iter_mut().filter(|part| is_unnamed(part)) {
                let Content::Call(call) = &mut part.content else { continue };
                if let Some(named) = named.get_mut(&call_hash(call)).and_then(Vec::pop) {
                    call.id.clone_from(&named.id);
                    call.item_id = named.item_id.clone().or_else(|| call.item_id.take());
                }
            }
        }
    }

    /// Gives calls without an id, in a range of messages that has as many calls as `repeated`, id and name of the call in
    /// the same place, if the first calls are one by id and if the arguments are equal.
    fn rename_calls(&mut self, within: Range<usize>, repeated: &[&ToolCall]) {
        let own = |placed: &PlacedMessage| {
            let calls = placed.shown.message.parts.iter().filter_map(|part| match &part.content {
                Content::Call(call) => Some((call.known_id().map(str::to_owned), call.id.is_none())),
                _ => None,
            });
            calls.collect::<Vec<_>>()
        };
        let calls: Vec<_> = self.all[within.clone()].iter().flat_map(own).collect();
        let is_first = calls
            .first()
            .is_some_and(|(id, _)| id.is_some() && id.as_deref() == repeated.first().and_then(|call| call.known_id()));
        if !is_first || calls.len() != repeated.len() || !calls.iter().any(|(_, is_unnamed)| *is_unnamed) {
            return;
        }
        let mut repeated = repeated.iter();
        for placed in &mut self.all[within] {
            for at in 0..placed.shown.message.parts.len() {
                let Content::Call(call) = &placed.shown.message.parts[at].content else { continue };
                let Some(other) = repeated.next() else { return };
                if call.id.is_none() && other.known_id().is_some() && call.input == other.input {
                    let item_id = other.item_id.clone().or_else(|| call.item_id.clone());
                    let content = Content::Call(ToolCall { item_id, ..(*other).clone() });
                    Arc::make_mut(&mut placed.shown.message).parts[at].content = content;
                }
            }
        }
    }

    /// Gives the tool calls of the last message the call ids that `results` name, in order: only where all of these
    /// calls have an item id alone, and there are as many results.
    pub fn add_call_ids_of(&mut self, results: &[TimedMessage]) {
        let results = results.iter().flat_map(|line| &line.message.parts).filter_map(|part| match &part.content {
            Content::Result(result) => result.call_id.as_ref(),
            _ => None,
        });
        let ids: Vec<&String> = results.collect();
        let Some(last) = self.all.last_mut().filter(|last| last.is_answer()) else { return };
        let has_item_id_alone = |part: &Part| match &part.content {
            Content::Call(call) => Some(call.id.is_none() && call.item_id.is_some()),
            _ => None,
        };
        let calls: Vec<bool> = last.shown.message.parts.iter().filter_map(has_item_id_alone).collect();
        if calls.len() != ids.len() || !calls.iter().all(|has_item_id_alone| *has_item_id_alone) {
            return;
        }
        let mut ids = ids.into_iter();
        for part in &mut Arc::make_mut(&mut last.shown.message).parts {
            if let Content::Call(call) = &mut part.content {
                call.id = ids.next().cloned().or_else(|| call.id.take());
            }
        }
    }
}

/// Whether a message is an answer that was given in this trace.
fn is_answer(message: &ConversationMessage) -> bool {
    !message.history && message.message.role == Role::Assistant
}
