//! Conversations under construction, and how a call finds the one that it continues (`dialects.md` 11.3, 2–3).
//!
//! A call continues a conversation when its prompt holds what was said in it: the id of a call or result,
//! an answer in its place, an earlier prompt as its beginning. All of that is looked up, never searched
//! for, so a prompt costs as many steps as it has messages.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    merge::Line,
    same::{self, Key, Piece},
    squash::hash,
};
use crate::model::{Part, Role, Said, SpanId, Timestamp, What};

/// Answers cut into more messages than this are compared piece by piece only.
const PIECES: usize = 8;

/// Of conversations in which the same was said, so many of the newest are looked at.
const NEWEST: usize = 8;

/// Cut texts are compared with so many of the newest messages.
const CUT: usize = 64;

/// One agent's conversation.
#[derive(Debug)]
pub struct Lane {
    /// The nearest agent or tool around its first call.
    pub scope: Option<usize>,
    pub agent: Option<String>,
    /// The first call, and its place.
    pub first: SpanId,
    pub place: usize,
    pub started: Timestamp,
    /// When its latest call ended; `None` while one runs.
    pub ended: Option<Timestamp>,
    /// What was said, in order.
    pub said: Vec<Said>,
    /// The same without what was put together of it: one entry a message as it was sent.
    entries: Vec<Piece>,
    /// Where in `said` each entry is.
    shown: Vec<usize>,
    by_key: HashMap<Key, Vec<usize>>,
    by_id: HashMap<Id, Vec<usize>>,
    cut: Vec<usize>,
    hidden: HashSet<Role>,
    /// The system prompt last in force, for each agent and for all.
    systems: HashMap<Option<String>, Vec<Option<Key>>>,
    system: Vec<Option<Key>>,
    /// Each call's number, by its id.
    asked: HashMap<u64, usize>,
}

/// The id of a call, or of the call that a result answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Call(u64),
    Answer(u64),
}

impl Lane {
    /// An empty conversation, opened by a call.
    pub fn new(scope: Option<usize>, agent: Option<String>, (first, place): (SpanId, usize), started: Timestamp) -> Self {
        Self {
            scope,
            agent,
            first,
            place,
            started,
            ended: Some(started),
            said: Vec::new(),
            entries: Vec::new(),
            shown: Vec::new(),
            by_key: HashMap::new(),
            by_id: HashMap::new(),
            cut: Vec::new(),
            hidden: HashSet::new(),
            systems: HashMap::new(),
            system: Vec::new(),
            asked: HashMap::new(),
        }
    }

    /// Whether a call that repeats nothing goes on here all the same: of one agent, under the same
    /// instructions, after everything else. Its history may be kept elsewhere, or was rewritten.
    pub fn stays(&self, system: &[Option<Key>], prompt: &[Piece], started: Timestamp) -> bool {
        let instructed = !system.is_empty() && system.iter().all(Option::is_some) && self.system == system;
        (instructed || (system.is_empty() && prompt.is_empty())) && self.ended.is_some_and(|ended| ended <= started)
    }

    /// Notes a message as said; returns its entry.
    fn note(&mut self, piece: Piece) -> usize {
        let at = self.entries.len();
        for ask in &piece.print.asks {
            let next = self.asked.len();
            self.asked.entry(*ask).or_insert(next);
        }
        for id in ids(&piece) {
            self.by_id.entry(id).or_default().push(at);
        }
        if piece.print.truncated {
            self.cut.push(at);
        }
        if piece.print.hidden {
            self.hidden.insert(piece.print.role);
        }
        self.entries.push(piece);
        for (_, key) in self.endings(at) {
            self.by_key.entry(key).or_default().push(at);
        }
        at
    }

    /// The keys of the messages of one role that end with an entry: the entry itself, the last two, …
    fn endings(&self, at: usize) -> Vec<(usize, Key)> {
        endings(&self.entries, at)
    }

    /// Says a message that was noted as so many entries.
    pub fn say(&mut self, said: Said, entries: usize) {
        self.shown.resize(self.shown.len() + entries, self.said.len());
        self.said.push(said);
    }

    /// Adds the reasoning of an answer, where only a later prompt tells it.
    pub fn think(&mut self, entry: usize, thought: &[Part]) {
        let Some(last) = self.shown.get(entry).copied() else { return };
        let is_thought = |part: &Part| matches!(part.what, What::Reasoning(_));
        let turn = self.said[last].turn;
        let is_answer = |said: &&Said| said.turn == turn && !said.history && said.message.role == Role::Assistant;
        let answer = self.said[..=last].iter().rev().take_while(is_answer).count();
        let answer = &mut self.said[last + 1 - answer..=last];
        if answer.iter().any(|said| said.message.parts.iter().any(is_thought)) {
            return;
        }
        if let Some(first) = answer.first_mut() {
            Arc::make_mut(&mut first.message).parts.splice(0..0, thought.iter().cloned());
        }
    }

    /// How many messages were noted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of a call of this conversation.
    pub fn number(&self, ask: u64) -> Option<usize> {
        self.asked.get(&ask).copied()
    }

    /// Whether a message of a prompt was said here, wherever.
    pub fn holds(&self, prompt: &[Piece], at: usize) -> bool {
        let piece = &prompt[at];
        // What is hidden cannot be told apart, so it is not told again.
        if piece.print.is_empty() || (piece.print.hidden && self.hidden.contains(&piece.print.role)) {
            return true;
        }
        let alone = ids(piece).any(|id| self.by_id.contains_key(&id))
            || piece.print.key.is_some_and(|key| self.by_key.contains_key(&key));
        alone || self.holds_cut(piece) || self.holds_run(prompt, at)
    }

    /// Whether this message is one of those said here, cut by its sender now or then.
    fn holds_cut(&self, piece: &Piece) -> bool {
        if piece.print.truncated {
            return self.entries.iter().rev().take(CUT).any(|entry| same::is_cut_of(entry, piece));
        }
        self.cut.iter().rev().take(CUT).any(|at| same::is_cut_of(&self.entries[*at], piece))
    }

    /// Whether this message and its neighbours of the same role were said here as one.
    fn holds_run(&self, prompt: &[Piece], at: usize) -> bool {
        let role = prompt[at].print.role;
        let same = |piece: &&Piece| piece.print.role == role;
        let after = prompt[at..].iter().take(PIECES).take_while(same).count();
        if after == 1 && at.checked_sub(1).is_none_or(|before| prompt[before].print.role != role) {
            return false;
        }
        (at..at + after).any(|end| {
            endings(prompt, end).iter().any(|(start, key)| *start <= at && self.by_key.contains_key(key))
        })
    }

    /// The first entry from one on that is this message.
    fn next(&self, from: usize, piece: &Piece) -> Option<usize> {
        let after = |entries: &Vec<usize>| entries.get(entries.partition_point(|at| *at < from)).copied();
        let by_id = ids(piece).filter_map(|id| after(self.by_id.get(&id)?)).min();
        by_id.or_else(|| after(self.by_key.get(&piece.print.key?)?))
    }

    /// The entry that is this message, if it comes right after others, answers left aside.
    fn follows(&self, from: usize, piece: &Piece) -> Option<usize> {
        let others = self.entries.iter().enumerate().skip(from).take(CUT);
        let mut others = others.filter(|(_, entry)| entry.print.role != Role::Assistant);
        let is = |entry: &Piece| entry.print.is(&piece.print);
        if piece.print.role == Role::Tool {
            // Results of parallel calls come in any order.
            return others.take_while(|(_, entry)| entry.print.role == Role::Tool).find(|(_, entry)| is(entry)).map(|(at, _)| at);
        }
        others.next().filter(|(_, entry)| is(entry)).map(|(at, _)| at)
    }

    /// Whether a prompt is all that was said here and more, message by message, where hidden ones can be
    /// known by nothing but their place.
    fn is_beginning_of(&self, prompt: &[Piece]) -> bool {
        let is = |(mine, theirs): (&Piece, &Piece)| {
            let hidden = mine.print.hidden && theirs.print.hidden && mine.print.role == theirs.print.role;
            hidden || mine.print.is(&theirs.print) || (mine.print.is_empty() && theirs.print.is_empty())
        };
        !self.entries.is_empty() && self.entries.len() < prompt.len() && self.entries.iter().zip(prompt).all(is)
    }

    /// The system messages of a call that are not in force yet; from then on they are.
    pub fn changed<'l>(&mut self, agent: Option<&str>, system: &'l [Line]) -> Vec<&'l Line> {
        if system.is_empty() {
            return Vec::new();
        }
        let keys: Vec<Option<Key>> = system.iter().map(|line| line.print.key).collect();
        let agent = agent.map(str::to_owned);
        let before = self.systems.get(&agent).unwrap_or(&self.system);
        // Hidden ones have no key; where there is one for each they may well be the same.
        let new = if *before == keys {
            Vec::new()
        } else {
            system.iter().filter(|line| line.print.key.is_none() || !before.contains(&line.print.key)).collect()
        };
        self.system.clone_from(&keys);
        self.systems.insert(agent, keys);
        new
    }
}

fn ids(piece: &Piece) -> impl Iterator<Item = Id> + '_ {
    let calls = piece.print.calls.iter().copied().map(Id::Call);
    calls.chain(piece.print.answers.iter().copied().map(Id::Answer))
}

/// For the messages of one role up to this one: where they start, and the key of all of them.
fn endings(pieces: &[Piece], end: usize) -> Vec<(usize, Key)> {
    let mut keys = Vec::new();
    let mut all: Option<Key> = None;
    for start in (0..=end).rev().take(PIECES) {
        let print = &pieces[start].print;
        if print.role != pieces[end].print.role || print.hidden {
            break;
        }
        let Some(key) = print.key else { continue };
        let joined = all.map_or(key, |after| key.then(after));
        all = Some(joined);
        keys.push((start, joined));
    }
    keys
}

/// What is known of a call that was told.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub lane: usize,
    pub scope: Option<usize>,
    /// The index of the call, its span and times.
    pub turn: usize,
    pub span: SpanId,
    pub ended: Option<Timestamp>,
    pub failed: bool,
    pub answered: bool,
    /// Its system prompt as a number.
    pub system: u64,
    /// The lane's entries when its prompt had been told.
    pub entries: usize,
}

/// Where a prompt meets a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    pub lane: usize,
    /// The first message of the prompt after it.
    pub after: usize,
    /// The first entry of the conversation after it.
    pub entry: usize,
}

/// A message in a conversation.
type Spot = (usize, usize);

/// All conversations of a trace.
#[derive(Debug, Default)]
pub struct Lanes {
    pub lanes: Vec<Lane>,
    pub told: Vec<Told>,
    /// Answers, by what they followed and what they say.
    answers: HashMap<(Option<Key>, Key), Vec<Spot>>,
    /// Answers that are hardly given twice.
    telling: HashMap<Key, Vec<Spot>>,
    by_id: HashMap<Id, Vec<Spot>>,
    /// Calls by their id alone, for the results that answer them.
    asks: HashMap<u64, Vec<Spot>>,
    /// Calls by their whole prompt, a chain of its messages.
    prompts: HashMap<u64, Vec<usize>>,
    /// The newest conversation around each agent or tool.
    newest: HashMap<Option<usize>, usize>,
}

impl Lanes {
    pub fn open(&mut self, lane: Lane) -> usize {
        self.lanes.push(lane);
        self.lanes.len() - 1
    }

    /// Notes messages as said in a conversation. What they followed counts where it is known better than by
    /// what stands before them: one answer of several to the same prompt.
    pub fn note(&mut self, lane: usize, pieces: impl IntoIterator<Item = Piece>, followed: Option<Option<Key>>) {
        let from = self.lanes[lane].entries.len();
        for piece in pieces {
            let at = self.lanes[lane].note(piece);
            let piece = self.lanes[lane].entries[at].clone();
            for id in ids(&piece) {
                push(&mut self.by_id, id, (lane, at));
            }
            for ask in &piece.print.asks {
                push(&mut self.asks, *ask, (lane, at));
            }
            if piece.print.role == Role::Assistant {
                for (start, key) in self.lanes[lane].endings(at) {
                    self.answered(lane, (start, at), key, followed.filter(|_| start == from));
                }
            }
        }
        self.note_whole(lane, from, followed);
    }

    /// An answer streamed in many pieces comes back as one message.
    fn note_whole(&mut self, lane: usize, from: usize, followed: Option<Option<Key>>) {
        let answer = &self.lanes[lane].entries[from..];
        if answer.len() > PIECES && answer.iter().all(|piece| piece.print.role == Role::Assistant) {
            let keys = answer.iter().filter_map(|piece| piece.print.key);
            if let Some(key) = keys.reduce(Key::then) {
                let end = self.lanes[lane].entries.len() - 1;
                self.lanes[lane].by_key.entry(key).or_default().push(end);
                self.answered(lane, (from, end), key, followed);
            }
        }
    }

    fn answered(&mut self, lane: usize, (start, end): (usize, usize), key: Key, followed: Option<Option<Key>>) {
        let before = || self.lanes[lane].entries.get(start.checked_sub(1)?)?.print.key;
        let followed = followed.unwrap_or_else(before);
        push(&mut self.answers, (followed, key), (lane, end));
        if key.is_telling() {
            push(&mut self.telling, key, (lane, end));
        }
    }

    /// Notes that a call was told, so that later ones find its prompt.
    pub fn tell(&mut self, told: Told, prompt: &Chain) {
        if let Some(whole) = prompt.whole() {
            self.prompts.entry(whole).or_default().push(self.told.len());
        }
        self.newest.insert(told.scope, told.lane);
        self.told.push(told);
    }

    /// The newest earlier call with this very prompt.
    pub fn asked_before(&self, prompt: &Chain, is: impl Fn(&Told) -> bool) -> Option<Told> {
        let calls = self.prompts.get(&prompt.whole()?)?.iter().rev().take(NEWEST);
        calls.map(|call| self.told[*call]).find(|told| is(told))
    }

    /// The newest conversation around an agent or tool.
    pub fn newest(&self, scope: Option<usize>) -> Option<usize> {
        self.newest.get(&scope).copied()
    }

    /// Where a prompt meets a conversation: at its last message that is an answer or a result known here.
    pub fn anchor(&self, prompt: &[Piece], scope: Option<usize>) -> Option<Anchor> {
        (0..prompt.len()).rev().find_map(|at| {
            let print = &prompt[at].print;
            let met = |spots: Option<&Vec<Spot>>, after| {
                let (lane, entry) = self.pick(spots?, scope)?;
                Some(Anchor { lane, after, entry: entry + 1 })
            };
            match print.role {
                Role::Tool => ids(&prompt[at]).find_map(|id| met(self.by_id.get(&id), at + 1)).or_else(|| {
                    // The call is known, its result is new.
                    print.answers.iter().find_map(|ask| met(self.asks.get(ask), at))
                }),
                Role::Assistant => ids(&prompt[at]).find_map(|id| met(self.by_id.get(&id), at + 1)).or_else(|| {
                    endings(prompt, at).into_iter().find_map(|(start, key)| {
                        let before = start.checked_sub(1).and_then(|before| prompt[before].print.key);
                        let spots = self.answers.get(&(before, key)).or_else(|| self.telling.get(&key));
                        met(spots, at + 1)
                    })
                }),
                Role::System | Role::User => None,
            }
        })
    }

    /// Of several conversations the one around the same agent, then one that goes on from there, then the newest.
    fn pick(&self, spots: &[Spot], scope: Option<usize>) -> Option<Spot> {
        let newest = spots.iter().rev().take(NEWEST).rev().copied();
        newest.max_by_key(|(lane, entry)| {
            let lane = &self.lanes[*lane];
            (lane.scope == scope, lane.entries.len() == entry + 1)
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
    pub fn hidden(&self, prompt: &[Piece], scope: Option<usize>) -> Option<Anchor> {
        let lane = self.newest(scope).filter(|_| prompt.iter().any(|piece| piece.print.hidden))?;
        let entries = &self.lanes[lane];
        entries.is_beginning_of(prompt).then(|| Anchor { lane, after: entries.len(), entry: entries.len() })
    }
}

fn push<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<Spot>>, key: K, spot: Spot) {
    map.entry(key).or_default().push(spot);
}

/// A number for each beginning of a prompt.
#[derive(Debug)]
pub struct Chain(Vec<Option<u64>>);

impl Chain {
    pub fn of(prompt: &[Piece]) -> Self {
        let mut chain = Some(0);
        let links = prompt.iter().map(|piece| {
            chain = match piece.print.key {
                Some(key) => chain.map(|chain| hash((chain, key))),
                // No prompt is the same as another from a hidden message on.
                None if piece.print.hidden => None,
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

/// What is new in a prompt: the messages of it that the conversation does not hold.
///
/// Up to the anchor that is what was rewritten; after it, what does not repeat, in order, what followed
/// the anchor before.
pub fn unsaid(lane: &Lane, prompt: &[Piece], anchor: Option<Anchor>) -> Vec<usize> {
    let (after, mut next) = anchor.map_or((0, 0), |anchor| (anchor.after, anchor.entry));
    // Results sent one by one may have been put together before, and come in any order.
    let mut results = next;
    let mut unsaid: Vec<usize> = (0..after).filter(|at| !lane.holds(prompt, *at)).collect();
    let mut repeats = true;
    for (at, piece) in prompt.iter().enumerate().skip(after) {
        if repeats && piece.print.is_empty() {
            continue;
        }
        let is_result = piece.print.role == Role::Tool;
        let from = if is_result { next } else { next.max(results) };
        let known = if anchor.is_some() { lane.follows(from, piece) } else { lane.next(from, piece) };
        match known.filter(|_| repeats) {
            Some(found) if is_result => results = results.max(found + 1),
            Some(found) => next = found + 1,
            None => {
                repeats = false;
                unsaid.push(at);
            }
        }
    }
    if anchor.is_none() && unsaid.is_empty() {
        // Someone without a memory asks the same thing again.
        let answered = prompt.iter().rposition(|piece| piece.print.role == Role::Assistant);
        return (answered.map_or(0, |at| at + 1)..prompt.len()).collect();
    }
    unsaid
}
