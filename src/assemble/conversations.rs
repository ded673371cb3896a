//! All conversations of a trace while they are built, and the indexes by which a call finds the one that it continues
//! (`conversations.md` 3, 5).
//!
//! A call continues a conversation if its prompt repeats something of it: the id of a tool call or tool result, an
//! answer after the message that it answered, or an earlier prompt as the beginning of its own. Each of these is looked
//! up in a map, so a prompt takes as many steps as it has messages.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{
    content_hash::ContentHash,
    entries::{Id, endings},
    fingerprint::{Fingerprint, KeyedMessage},
    hashes::{CallIdHash, CallKey, ModelHash, PromptHash, ResultKey, SystemHash},
    limits::{Limited, NEWEST, PIECES},
    open_conversation::OpenConversation,
};
use crate::model::{Role, SpanId, Timestamp};

/// What of a call decides between several conversations that it could continue.
#[derive(Debug, Clone, Copy)]
pub struct Seeker<'s> {
    /// The node of the nearest agent or tool around the call; `None` where there is none.
    pub scope: Option<usize>,
    /// The node of the call's parent span; `None` where it has none.
    pub step: Option<usize>,
    /// The keys of its system messages; `None` for a message that cannot be compared.
    pub system: &'s [Option<ContentHash>],
    /// When the call began.
    pub started: Timestamp,
}

/// What is kept of a call that was added to its conversation.
#[derive(Debug, Clone)]
pub struct PlacedCall {
    /// The index of its conversation in [`Conversations::all`].
    pub conversation: usize,
    /// As in [`Seeker`].
    pub scope: Option<usize>,
    /// As in [`Seeker`].
    pub step: Option<usize>,
    /// The hash of the model name; `None` where it is unknown.
    pub model: Option<ModelHash>,
    /// The messages of its prompt after the last answer in it.
    pub question: Rc<[Rc<Fingerprint>]>,
    /// The index of the call among the counted calls of the trace.
    pub turn: usize,
    /// The span that counts for the call.
    pub span: SpanId,
    /// `None` while it runs.
    pub ended: Option<Timestamp>,
    /// Whether the call failed; then it has no answer.
    pub failed: bool,
    /// The number of messages of its answer.
    pub answers: usize,
    /// The hash of the keys of its system messages.
    pub system: SystemHash,
    /// The number of the conversation's entries after its prompt was added, and before its answer is.
    pub entries: usize,
}

/// The last place that a prompt and a conversation have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The index of the conversation in [`Conversations::all`].
    pub conversation: usize,
    /// The index of the first message of the prompt after that place.
    pub after: usize,
    /// The index of the first entry of the conversation after that place.
    pub entry: usize,
}

/// A message in a conversation: the index of the conversation, and of the entry in it.
type Spot = (usize, usize);

/// The conversations of a trace that were opened so far, with their indexes.
#[derive(Debug, Default)]
pub struct Conversations {
    /// In the order in which they were opened.
    pub all: Vec<OpenConversation>,
    /// The calls that were added so far, in order.
    pub calls: Vec<PlacedCall>,
    /// The last message of each answer that a call of this trace gave, by the key of the message that the answer
    /// followed (`None` where that has no key, or there is none) and by its own key.
    answers: HashMap<(Option<ContentHash>, ContentHash), Vec<Spot>>,
    /// The same answers by their own key alone.
    any: HashMap<ContentHash, Vec<Spot>>,
    /// The tool calls that answers of this trace made, and the results of such calls, by id.
    by_id: HashMap<Id, Vec<Spot>>,
    /// The same tool calls by the id that their results name, without what is called.
    call_ids: HashMap<CallIdHash, Vec<Spot>>,
    /// Indexes in `calls`, by the hash of the whole prompt (see [`Chain`]).
    prompts: HashMap<PromptHash, Vec<usize>>,
    /// For each scope the conversation of the newest call in it.
    newest: HashMap<Option<usize>, usize>,
    /// For each scope the prompt of its latest call, if that call failed.
    failed: HashMap<Option<usize>, FailedPrompt>,
}

/// The prompt of a failed call as keys, and the index of the conversation that it is in.
#[derive(Debug)]
pub struct FailedPrompt {
    /// The index of the conversation.
    pub conversation: usize,
    /// The keys of its system messages; `None` for a message that cannot be compared.
    pub system: Vec<Option<ContentHash>>,
    /// The same of its other messages.
    pub prompt: Vec<Option<ContentHash>>,
}

impl Conversations {
    /// Adds a conversation; returns its index.
    pub fn open(&mut self, conversation: OpenConversation) -> usize {
        self.all.push(conversation);
        self.all.len() - 1
    }

    /// Adds a message of a prompt to the entries of a conversation.
    pub fn note_prompt(&mut self, conversation: usize, keyed: KeyedMessage) {
        let at = self.all[conversation].entries.push(keyed);
        // A later prompt may continue after the result of a call that was made here. A result that is part of the
        // history is not indexed.
        for answer in &self.all[conversation].entries.all()[at].fingerprint.results {
            if answer.call_id().is_some_and(|id| self.call_ids.contains_key(&id)) {
                push(&mut self.by_id, Id::Result(*answer), (conversation, at));
            }
        }
    }

    /// Adds an answer, of one or more messages, to the entries of a conversation. `followed` is the key of the last
    /// message of the prompt that it answers; `None` where that cannot be compared.
    pub fn answer(&mut self, conversation: usize, keyed_messages: Vec<KeyedMessage>, followed: Option<ContentHash>) {
        let from = self.all[conversation].entries.len();
        for keyed in keyed_messages {
            let at = self.all[conversation].entries.push(keyed);
            let fingerprint = Rc::clone(&self.all[conversation].entries.all()[at].fingerprint);
            for call in &fingerprint.calls {
                push(&mut self.by_id, Id::Call(*call), (conversation, at));
            }
            for id in &fingerprint.call_ids {
                push(&mut self.call_ids, *id, (conversation, at));
            }
            // Where the provider ran the tool itself, the answer has the result as well.
            for answer in &fingerprint.results {
                push(&mut self.by_id, Id::Result(*answer), (conversation, at));
            }
            if fingerprint.role == Role::Assistant {
                for (start, key) in self.all[conversation].entries.endings(at) {
                    let before = start
                        .checked_sub(1)
                        .and_then(|before| self.all[conversation].entries.all()[before].fingerprint.key);
                    self.answered(conversation, at, key, if start == from { followed } else { before });
                    // The messages of an answer may be several choices for one prompt. So each is also indexed as if it
                    // followed the prompt.
                    if start == at && at > from {
                        self.answered_in_place(conversation, at, key, followed);
                    }
                }
            }
        }
        self.answer_whole(conversation, from, followed);
    }

    /// Indexes a long answer as one message as well: one that was streamed in many messages comes back joined in the
    /// next prompt. The shorter ones are covered by [`super::entries::Entries::endings`].
    fn answer_whole(&mut self, conversation: usize, from: usize, followed: Option<ContentHash>) {
        let answer = &self.all[conversation].entries.all()[from..];
        if answer.len() > PIECES.most() && answer.iter().all(|keyed| keyed.fingerprint.role == Role::Assistant) {
            let keys = answer.iter().filter_map(|keyed| keyed.fingerprint.key);
            if let Some(key) = keys.reduce(ContentHash::then) {
                let end = self.all[conversation].entries.len() - 1;
                self.all[conversation].entries.note_joined(key, end);
                self.answered(conversation, end, key, followed);
            }
        }
    }

    /// Indexes an answer by what it followed, and by its content alone.
    fn answered(&mut self, conversation: usize, end: usize, key: ContentHash, followed: Option<ContentHash>) {
        self.answered_in_place(conversation, end, key, followed);
        for key in key.repeated(false) {
            push(&mut self.any, key, (conversation, end));
        }
    }

    /// Indexes an answer by what it followed.
    fn answered_in_place(&mut self, conversation: usize, end: usize, key: ContentHash, followed: Option<ContentHash>) {
        for key in key.repeated(true) {
            push(&mut self.answers, (followed, key), (conversation, end));
            self.all[conversation].entries.note_answer(followed, key);
        }
    }

    /// Adds a call, so that later ones find its prompt. `failed` is that prompt, if the call failed.
    pub fn note_call(&mut self, call: PlacedCall, prompt: &Chain, failed: Option<FailedPrompt>) {
        match failed {
            Some(failed) => self.failed.insert(call.scope, failed),
            None => self.failed.remove(&call.scope),
        };
        if let Some(whole) = prompt.whole() {
            self.prompts.entry(whole).or_default().push(self.calls.len());
        }
        self.newest.insert(call.scope, call.conversation);
        self.calls.push(call);
    }

    /// The earlier calls with an equal prompt, the newest first. None where the prompt is empty or has a hidden
    /// message.
    pub fn of_prompt(&self, prompt: &Chain) -> impl Iterator<Item = &PlacedCall> {
        let calls = prompt.whole().and_then(|whole| self.prompts.get(&whole)).map(Vec::as_slice).unwrap_or_default();
        calls.iter().rev().within(&NEWEST).map(|call| &self.calls[*call])
    }

    /// The prompt of the latest call of a scope, if that call failed.
    pub fn failed(&self, scope: Option<usize>) -> Option<&FailedPrompt> {
        self.failed.get(&scope)
    }

    /// The conversation of the newest call in a scope.
    pub fn newest(&self, scope: Option<usize>) -> Option<usize> {
        self.newest.get(&scope).copied()
    }

    /// Finds the last message of a prompt that is an answer given in this trace, or a result of a tool call made in it;
    /// `None` where no message is.
    pub fn anchor(&self, prompt: &[KeyedMessage], seeker: Seeker) -> Option<Anchor> {
        let calls = LazyCell::new(|| prompt.iter().flat_map(|keyed| keyed.fingerprint.calls.iter().copied()).collect());
        (0..prompt.len()).rev().find_map(|at| match prompt[at].fingerprint.role {
            Role::Tool => prompt[at].fingerprint.results.iter().find_map(|key| self.result(*key, at, seeker)),
            Role::Assistant => {
                let (conversation, entry) = self.met(prompt, at, &calls, seeker)?;
                Some(Anchor { conversation, after: at + 1, entry: entry + 1 })
            }
            Role::System | Role::User => None,
        })
    }

    /// The anchor of the tool result at `at`: after the result where the conversation holds it, else after the call
    /// that it answers, so that the result is new. `None` where that call was not made in this trace.
    fn result(&self, key: ResultKey, at: usize, seeker: Seeker) -> Option<Anchor> {
        let call = self.pick(self.call_ids.get(&key.call_id()?)?, seeker)?;
        let found = self.by_id.get(&Id::Result(key)).and_then(|spots| self.pick(spots, seeker));
        // A result from before the newest call of this id belongs to an earlier call with the same id; the newest has
        // none yet.
        let found = found.filter(|(conversation, entry)| *conversation == call.0 && *entry >= call.1);
        let (conversation, entry, after) =
            found.map_or((call.0, call.1, at), |(conversation, entry)| (conversation, entry, at + 1));
        Some(Anchor { conversation, after, entry: entry + 1 })
    }

    /// The entry of the answer that the message at `at` repeats: found by the id of a tool call, else by the content of
    /// the message, alone or joined with those of the same role before it. `calls` are the ids of all tool calls in the
    /// prompt.
    fn met<C>(
        &self,
        prompt: &[KeyedMessage],
        at: usize,
        calls: &LazyCell<HashSet<CallKey>, C>,
        seeker: Seeker,
    ) -> Option<Spot>
    where
        C: FnOnce() -> HashSet<CallKey>,
    {
        // The same call made again has the same content and another id. An entry whose own id stands somewhere else in
        // the prompt is not this message.
        let is_other = |(conversation, entry): Spot| {
            let fingerprint = &self.all[conversation].entries.all()[entry].fingerprint;
            !prompt[at].fingerprint.calls.is_empty() && fingerprint.calls.iter().any(|call| calls.contains(call))
        };
        let by_id =
            prompt[at].fingerprint.calls.iter().find_map(|call| self.pick(self.by_id.get(&Id::Call(*call))?, seeker));
        by_id.or_else(|| {
            let before = |start: usize| start.checked_sub(1).and_then(|before| prompt[before].fingerprint.key);
            let endings = endings(prompt, at);
            // An answer after the message that it followed is surer than the same text elsewhere.
            let in_place = endings.iter().find_map(|(start, key)| {
                let spots = self.answers.get(&(before(*start), *key))?;
                self.pick(spots, seeker).filter(|spot| !is_other(*spot))
            });
            if in_place.is_some() {
                return in_place;
            }
            endings.into_iter().find_map(|(start, key)| {
                let (conversation, entry) = self.pick(self.any.get(&key)?, seeker).filter(|spot| !is_other(*spot))?;
                // A short text may answer many questions. It counts where it is the last entry of its conversation, and
                // either begins the prompt of a call in the same scope, or stands after a result that the conversation
                // holds: an agent that takes over may be sent no more than that.
                let tail = || {
                    let candidate = &self.all[conversation];
                    let follows = start.checked_sub(1).map_or(candidate.scope == seeker.scope, |before| {
                        candidate.entries.holds_result(prompt, before)
                    });
                    candidate.entries.len() == entry + 1 && follows
                };
                (key.is_distinctive() || tail()).then_some((conversation, entry))
            })
        })
    }

    /// Chooses between several entries that fit. What decides, in this order: the same scope, the same system prompt,
    /// the same step, being the last entry of its conversation, a conversation without a running call; of equals the
    /// newest.
    fn pick(&self, spots: &[Spot], seeker: Seeker) -> Option<Spot> {
        let newest = NEWEST.last(spots).iter().copied();
        newest.max_by_key(|(conversation, entry)| {
            let conversation = &self.all[*conversation];
            let is_free = conversation.ended.is_some_and(|ended| ended <= seeker.started);
            (
                conversation.scope == seeker.scope,
                conversation.is_instructed(seeker.system),
                conversation.step == seeker.step,
                conversation.entries.len() == entry + 1,
                is_free,
            )
        })
    }

    /// Finds the longest beginning of a prompt that is the whole prompt of an earlier call for which `is` holds.
    /// Returns the number of its messages and the index of that call in `calls`, the newest of several.
    pub fn begun(&self, prompt: &Chain, is: impl Fn(&PlacedCall) -> bool) -> Option<(usize, usize)> {
        prompt.beginnings().find_map(|(after, chain)| {
            let calls = self.prompts.get(&chain)?.iter().rev().within(&NEWEST);
            calls.copied().find(|call| is(&self.calls[*call])).map(|call| (after, call))
        })
    }

    /// The anchor of a prompt with hidden messages, which only their places identify: the newest conversation of the
    /// scope, if the prompt begins with all of it.
    pub fn hidden(&self, prompt: &[KeyedMessage], scope: Option<usize>) -> Option<Anchor> {
        let conversation = self.newest(scope).filter(|_| prompt.iter().any(|keyed| keyed.fingerprint.hidden))?;
        let after = self.all[conversation].entries.is_beginning_of(prompt)?;
        Some(Anchor { conversation, after, entry: self.all[conversation].entries.len() })
    }
}

fn push<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<Spot>>, key: K, spot: Spot) {
    map.entry(key).or_default().push(spot);
}

/// The hash of a prompt after one message more.
fn link(before: Option<PromptHash>, next: &Fingerprint) -> Option<PromptHash> {
    match next.key {
        Some(key) => before.map(|before| before.then(key)),
        // From a hidden message on no prompt is equal to another.
        None if next.hidden => None,
        None => before,
    }
}

/// For each message of a prompt the hash of the prompt up to and with it. `None` from the first hidden message on. A
/// message with nothing to compare (reasoning alone) leaves the hash as it was; [`PromptHash::EMPTY`] stands for a
/// beginning of such messages only.
#[derive(Debug)]
pub struct Chain(Vec<Option<PromptHash>>);

impl Chain {
    /// Hashes each beginning of a prompt.
    pub fn of(prompt: &[KeyedMessage]) -> Self {
        let mut chain = Some(PromptHash::EMPTY);
        let links = prompt.iter().map(|keyed| {
            chain = link(chain, &keyed.fingerprint);
            chain
        });
        Self(links.collect())
    }

    /// The hash of the whole prompt followed by more messages; `None` as for [`Self::whole`].
    pub fn whole_with<'f>(&self, more: impl Iterator<Item = &'f Fingerprint>) -> Option<PromptHash> {
        let whole = self.0.last().copied().unwrap_or(Some(PromptHash::EMPTY));
        more.fold(whole, link).filter(|chain| *chain != PromptHash::EMPTY)
    }

    /// The hash of the whole prompt; `None` where a message is hidden or none can be compared.
    pub fn whole(&self) -> Option<PromptHash> {
        self.0.last().copied().flatten().filter(|chain| *chain != PromptHash::EMPTY)
    }

    /// The number of messages and the hash of each beginning that is shorter than the prompt, the longest first.
    pub fn beginnings(&self) -> impl Iterator<Item = (usize, PromptHash)> + '_ {
        let shorter = self.0.iter().enumerate().rev().skip(1);
        shorter.filter_map(|(at, chain)| Some((at + 1, (*chain)?))).filter(|(_, chain)| *chain != PromptHash::EMPTY)
    }
}
