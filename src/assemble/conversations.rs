//! Conversations under construction, and how a call finds the one that it continues (`conversations.md` 3, 5).
//!
//! A call continues a conversation when its prompt holds what was said in it: the id of a call or result,
//! an answer in its place, an earlier prompt as its beginning. All of that is looked up, never searched
//! for, so a prompt costs as many steps as it has messages.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{
    fingerprint::{ContentHash, Fingerprint, KeyedMessage},
    open_conversation::{Id, OpenConversation, PIECES, endings},
    text_hash::hash,
};
use crate::model::{Role, SpanId, Timestamp};

/// Of conversations in which the same was said, so many of the newest are looked at.
const NEWEST: usize = 8;

/// Who looks for a conversation to go on with.
#[derive(Debug, Clone, Copy)]
pub struct Seeker<'s> {
    /// The nearest agent or tool around it, and what is right above it.
    pub scope: Option<usize>,
    pub step: Option<usize>,
    pub system: &'s [Option<ContentHash>],
    pub started: Timestamp,
}

/// What is known of a call that was told.
#[derive(Debug, Clone)]
pub struct Told {
    pub conversation: usize,
    pub scope: Option<usize>,
    pub step: Option<usize>,
    /// The model as a number, where it is known.
    pub model: Option<u64>,
    /// What its prompt asks: its messages after the last answer.
    pub question: Rc<[Rc<Fingerprint>]>,
    /// The index of the call, its span and times.
    pub turn: usize,
    pub span: SpanId,
    pub ended: Option<Timestamp>,
    pub failed: bool,
    /// The messages of its answer.
    pub answers: usize,
    /// Its system prompt as a number.
    pub system: u64,
    /// The lane's entries when its prompt had been told.
    pub entries: usize,
}

/// Where a prompt meets a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    pub conversation: usize,
    /// The first message of the prompt after it.
    pub after: usize,
    /// The first entry of the conversation after it.
    pub entry: usize,
}

/// A message in a conversation.
type Spot = (usize, usize);

/// All conversations of a trace.
#[derive(Debug, Default)]
pub struct Conversations {
    pub all: Vec<OpenConversation>,
    pub told: Vec<Told>,
    /// Answers given here, by what they followed and what they say.
    answers: HashMap<(Option<ContentHash>, ContentHash), Vec<Spot>>,
    /// The same whatever they followed.
    any: HashMap<ContentHash, Vec<Spot>>,
    /// Calls made here, and results of such calls.
    by_id: HashMap<Id, Vec<Spot>>,
    /// Calls made here by their id alone, for the results that answer them.
    asks: HashMap<u64, Vec<Spot>>,
    /// Calls by their whole prompt, a chain of its messages.
    prompts: HashMap<u64, Vec<usize>>,
    /// The newest conversation around each agent or tool.
    newest: HashMap<Option<usize>, usize>,
}

impl Conversations {
    pub fn open(&mut self, conversation: OpenConversation) -> usize {
        self.all.push(conversation);
        self.all.len() - 1
    }

    /// Notes messages of a prompt as said in a conversation.
    pub fn hear(&mut self, conversation: usize, keyed: KeyedMessage) {
        let at = self.all[conversation].note(keyed);
        // A result of a call made here is a place to go on from; what was only brought along is none.
        for answer in &self.all[conversation].entries[at].fingerprint.answers {
            if self.asks.contains_key(answer) {
                push(&mut self.by_id, Id::Answer(*answer), (conversation, at));
            }
        }
    }

    /// Notes an answer, given in one or more pieces, to a prompt that ended with a certain message.
    pub fn answer(&mut self, conversation: usize, keyed_messages: Vec<KeyedMessage>, followed: Option<ContentHash>) {
        let from = self.all[conversation].entries.len();
        for keyed in keyed_messages {
            let at = self.all[conversation].note(keyed);
            let fingerprint = Rc::clone(&self.all[conversation].entries[at].fingerprint);
            for call in &fingerprint.calls {
                push(&mut self.by_id, Id::Call(*call), (conversation, at));
            }
            for ask in &fingerprint.asks {
                push(&mut self.asks, *ask, (conversation, at));
            }
            // What a provider ran itself comes with its results.
            for answer in &fingerprint.answers {
                push(&mut self.by_id, Id::Answer(*answer), (conversation, at));
            }
            if fingerprint.role == Role::Assistant {
                for (start, key) in self.all[conversation].endings(at) {
                    let before =
                        start.checked_sub(1).and_then(|before| self.all[conversation].entries[before].fingerprint.key);
                    self.answered(conversation, at, key, if start == from { followed } else { before });
                    // One answer of several to the same prompt stands after the others, and not after what it answers.
                    if start == at && at > from {
                        self.answered_in_place(conversation, at, key, followed);
                    }
                }
            }
        }
        self.answer_whole(conversation, from, followed);
    }

    /// An answer streamed in many pieces comes back as one message.
    fn answer_whole(&mut self, conversation: usize, from: usize, followed: Option<ContentHash>) {
        let answer = &self.all[conversation].entries[from..];
        if answer.len() > PIECES && answer.iter().all(|keyed| keyed.fingerprint.role == Role::Assistant) {
            let keys = answer.iter().filter_map(|keyed| keyed.fingerprint.key);
            if let Some(key) = keys.reduce(ContentHash::then) {
                let end = self.all[conversation].entries.len() - 1;
                self.all[conversation].know(key, end);
                self.answered(conversation, end, key, followed);
            }
        }
    }

    fn answered(&mut self, conversation: usize, end: usize, key: ContentHash, followed: Option<ContentHash>) {
        self.answered_in_place(conversation, end, key, followed);
        for key in key.repeated(false) {
            push(&mut self.any, key, (conversation, end));
        }
    }

    fn answered_in_place(&mut self, conversation: usize, end: usize, key: ContentHash, followed: Option<ContentHash>) {
        for key in key.repeated(true) {
            push(&mut self.answers, (followed, key), (conversation, end));
            self.all[conversation].answered(followed, key);
        }
    }

    /// Notes that a call was told, so that later ones find its prompt.
    pub fn tell(&mut self, told: Told, prompt: &Chain) {
        if let Some(whole) = prompt.whole() {
            self.prompts.entry(whole).or_default().push(self.told.len());
        }
        self.newest.insert(told.scope, told.conversation);
        self.told.push(told);
    }

    /// Earlier calls with this very prompt, the newest first.
    pub fn asked_before(&self, prompt: &Chain) -> impl Iterator<Item = &Told> {
        let calls = prompt.whole().and_then(|whole| self.prompts.get(&whole)).map(Vec::as_slice).unwrap_or_default();
        calls.iter().rev().take(NEWEST).map(|call| &self.told[*call])
    }

    /// The newest conversation around an agent or tool.
    pub fn newest(&self, scope: Option<usize>) -> Option<usize> {
        self.newest.get(&scope).copied()
    }

    /// Where a prompt meets a conversation: at its last message that is an answer or a result known here.
    pub fn anchor(&self, prompt: &[KeyedMessage], seeker: Seeker) -> Option<Anchor> {
        let calls = LazyCell::new(|| prompt.iter().flat_map(|keyed| keyed.fingerprint.calls.iter().copied()).collect());
        (0..prompt.len()).rev().find_map(|at| match prompt[at].fingerprint.role {
            Role::Tool => prompt[at].fingerprint.answers.iter().find_map(|ask| self.result(*ask, at, seeker)),
            Role::Assistant => {
                let (conversation, entry) = self.met(prompt, at, &calls, seeker)?;
                Some(Anchor { conversation, after: at + 1, entry: entry + 1 })
            }
            Role::System | Role::User => None,
        })
    }

    /// A result that was told here, or of a call that was made here.
    fn result(&self, ask: u64, at: usize, seeker: Seeker) -> Option<Anchor> {
        let asked = self.pick(self.asks.get(&ask)?, seeker)?;
        let told = self.by_id.get(&Id::Answer(ask)).and_then(|spots| self.pick(spots, seeker));
        // An id used again: the newest call has no result yet.
        let told = told.filter(|(conversation, entry)| *conversation == asked.0 && *entry >= asked.1);
        let (conversation, entry, after) =
            told.map_or((asked.0, asked.1, at), |(conversation, entry)| (conversation, entry, at + 1));
        Some(Anchor { conversation, after, entry: entry + 1 })
    }

    /// The answer given here that a prompt's message is, alone or with those before it.
    fn met<C>(
        &self,
        prompt: &[KeyedMessage],
        at: usize,
        calls: &LazyCell<HashSet<u64>, C>,
        seeker: Seeker,
    ) -> Option<Spot>
    where
        C: FnOnce() -> HashSet<u64>,
    {
        // What calls the same again, by another id, is not what was called before.
        let is_other = |(conversation, entry): Spot| {
            let fingerprint = &self.all[conversation].entries[entry].fingerprint;
            !prompt[at].fingerprint.calls.is_empty() && fingerprint.calls.iter().any(|call| calls.contains(call))
        };
        let by_id =
            prompt[at].fingerprint.calls.iter().find_map(|call| self.pick(self.by_id.get(&Id::Call(*call))?, seeker));
        by_id.or_else(|| {
            let before = |start: usize| start.checked_sub(1).and_then(|before| prompt[before].fingerprint.key);
            let endings = endings(prompt, at);
            // An answer where it was given is surer than the same one given elsewhere.
            let in_place = endings.iter().find_map(|(start, key)| {
                let spots = self.answers.get(&(before(*start), *key))?;
                self.pick(spots, seeker).filter(|spot| !is_other(*spot))
            });
            if in_place.is_some() {
                return in_place;
            }
            endings.into_iter().find_map(|(start, key)| {
                let (conversation, entry) = self.pick(self.any.get(&key)?, seeker).filter(|spot| !is_other(*spot))?;
                // A word may be an answer to many questions, unless the prompt begins with it where we ended, or knows
                // what was said here just before: another agent is told the last word alone of how it was found.
                let tail = || {
                    let known = &self.all[conversation];
                    let follows = start
                        .checked_sub(1)
                        .map_or(known.scope == seeker.scope, |before| known.said_result(prompt, before));
                    known.entries.len() == entry + 1 && follows
                };
                (key.is_telling() || tail()).then_some((conversation, entry))
            })
        })
    }

    /// Of several conversations in which the same stands the likeliest: that of the same agent, under the same
    /// instructions, of the same step, that nobody went on with yet; of equals the newest.
    fn pick(&self, spots: &[Spot], seeker: Seeker) -> Option<Spot> {
        let newest = spots.iter().rev().take(NEWEST).rev().copied();
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

    /// The newest earlier call whose prompt is the beginning of this one, and how long that is.
    pub fn begun(&self, prompt: &Chain, is: impl Fn(&Told) -> bool) -> Option<(usize, usize)> {
        prompt.beginnings().find_map(|(after, chain)| {
            let calls = self.prompts.get(&chain)?.iter().rev().take(NEWEST);
            calls.copied().find(|call| is(&self.told[*call])).map(|call| (after, call))
        })
    }

    /// A conversation of hidden messages that a prompt of hidden messages goes on from.
    pub fn hidden(&self, prompt: &[KeyedMessage], scope: Option<usize>) -> Option<Anchor> {
        let conversation = self.newest(scope).filter(|_| prompt.iter().any(|keyed| keyed.fingerprint.hidden))?;
        let after = self.all[conversation].is_beginning_of(prompt)?;
        Some(Anchor { conversation, after, entry: self.all[conversation].len() })
    }
}

fn push<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<Spot>>, key: K, spot: Spot) {
    map.entry(key).or_default().push(spot);
}

/// A number for each beginning of a prompt.
#[derive(Debug)]
pub struct Chain(Vec<Option<u64>>);

impl Chain {
    pub fn of(prompt: &[KeyedMessage]) -> Self {
        let mut chain = Some(0);
        let links = prompt.iter().map(|keyed| {
            chain = match keyed.fingerprint.key {
                Some(key) => chain.map(|chain| hash((chain, key))),
                // No prompt is the same as another from a hidden message on.
                None if keyed.fingerprint.hidden => None,
                None => chain,
            };
            chain
        });
        Self(links.collect())
    }

    /// The number of the whole prompt; `None` where it says nothing or hides something.
    pub fn whole(&self) -> Option<u64> {
        self.0.last().copied().flatten().filter(|chain| *chain != 0)
    }

    /// How long each shorter beginning is, and its number, the longest first.
    pub fn beginnings(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let shorter = self.0.iter().enumerate().rev().skip(1);
        shorter.filter_map(|(at, chain)| Some((at + 1, (*chain)?))).filter(|(_, chain)| *chain != 0)
    }
}
