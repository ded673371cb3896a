//! Calls told one after another, each adding to its conversation what was not said there before
//! (`conversations.md` 5, 6).
//!
//! ```text
//!   a call ─▶ asked before?  ─ yes ▶ only its answer: an attempt, a sample, another answer
//!          ─▶ met somewhere? ─ yes ▶ what is new in its prompt, its answer
//!          ─▶ else a conversation of its own: what it brings along, the question, its answer
//! ```

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    lane::{Lane, unsaid},
    lanes::{Anchor, Chain, Lanes, Told},
    merge::{Exchange, Line},
    same::{Key, Piece},
    squash::hash,
};
use crate::model::{Content, ConversationMessage, Message, Part, Role, SpanId, Timestamp, ToolCall};

/// A call to be told.
#[derive(Debug)]
pub struct Talk {
    /// Its index among the calls.
    pub turn: usize,
    pub span: SpanId,
    pub place: usize,
    /// The nearest agent or tool around it.
    pub scope: Option<usize>,
    /// What is right above it.
    pub step: Option<usize>,
    pub in_agent: bool,
    pub agent: Option<String>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failed: bool,
    pub exchange: Exchange,
}

/// How a call meets what was told before.
enum Meeting {
    /// The same prompt again: nothing is new but the answer.
    Again(usize),
    /// It goes on from there. The call of whose answer nothing was known, if the prompt brings it.
    GoesOn(Anchor, Option<Told>),
    /// It stays in the conversation of its agent, although it repeats nothing of it.
    Stays(usize),
    Opens,
}

/// The conversations of one trace, while they are told.
#[derive(Debug)]
pub struct Telling<'s> {
    pub lanes: Lanes,
    /// The whole prompts of earlier traces of the session, what ended each from its last answer on, and the results that
    /// came in them.
    past: &'s HashSet<u64>,
    /// Those of this trace.
    pub prompts: Vec<u64>,
    /// What was asked last in an agent or tool, if that call failed.
    failed: HashMap<Option<usize>, Refused>,
}

/// What a call that failed was sent.
#[derive(Debug)]
struct Refused {
    lane: usize,
    system: Vec<Option<Key>>,
    prompt: Vec<Option<Key>>,
}

/// A line about to be said, and by whom where it was not this call.
struct Saying<'l> {
    line: &'l Line,
    history: bool,
    by: Option<Told>,
}

impl<'s> Telling<'s> {
    pub fn new(past: &'s HashSet<u64>) -> Self {
        Self { lanes: Lanes::default(), past, prompts: Vec::new(), failed: HashMap::new() }
    }

    /// Tells a call. Calls are told in the order in which they began.
    pub fn tell(&mut self, mut talk: Talk) {
        let Exchange { system, prompt: mut lines, mut completion, by_event, .. } = std::mem::take(&mut talk.exchange);
        if talk.failed {
            completion.clear();
        } else if completion.is_empty() && by_event && talk.ended.is_some() {
            completion = unmarked_answer(&mut lines);
        }
        drop_answer(&mut lines, &completion);
        if system.is_empty() && lines.is_empty() && completion.is_empty() {
            return;
        }
        let prompt: Vec<Piece> = lines.iter().map(piece).collect();
        let chain = Chain::of(&prompt);
        self.complete(&talk, &prompt, &chain);
        let in_force: Vec<Option<Key>> = system.iter().map(|line| line.print.key).collect();
        let (lane, sayings) = match self.meet(&talk, &in_force, &prompt, &chain) {
            Meeting::Again(lane) => (lane, Vec::new()),
            Meeting::GoesOn(anchor, unanswered) => {
                let new = unsaid(&self.lanes.all[anchor.lane], &prompt, Some((anchor.after, anchor.entry)));
                self.recall(anchor, &lines);
                (anchor.lane, added(&lines, &new, anchor.after, unanswered))
            }
            Meeting::Stays(lane) => {
                let new = unsaid(&self.lanes.all[lane], &prompt, None);
                self.lanes.all[lane].rename_open(&lines);
                (lane, added(&lines, &new, 0, None))
            }
            Meeting::Opens => {
                let known = self.known(&lines, &prompt, &chain);
                let say = |(at, line)| Saying { line, history: at < known, by: None };
                (self.open(&talk), lines.iter().enumerate().map(say).collect())
            }
        };
        let changed = self.lanes.all[lane].changed(talk.agent.as_deref(), &system);
        let changed: Vec<Saying> = changed.into_iter().map(|line| Saying { line, history: false, by: None }).collect();
        self.hear(lane, &talk, &changed);
        self.hear(lane, &talk, &sayings);
        self.prompts.extend(chain.whole());
        let answered = prompt.iter().rposition(|piece| piece.print.role == Role::Assistant);
        self.prompts.extend(answered.and_then(|answered| Chain::of(&prompt[answered..]).whole()).map(last));
        self.lanes.tell(
            Told {
                lane,
                scope: talk.scope,
                step: talk.step,
                turn: talk.turn,
                span: talk.span,
                ended: talk.ended,
                failed: talk.failed,
                answers: completion.len(),
                system: hash(&in_force),
                entries: self.lanes.all[lane].len(),
            },
            &chain,
        );
        if talk.failed {
            self.failed.insert(talk.scope, Refused { lane, system: in_force, prompt: keys(&prompt) });
        } else {
            self.failed.remove(&talk.scope);
        }
        let answers: Vec<Saying> = completion.iter().map(|line| Saying { line, history: false, by: None }).collect();
        let pieces = completion.iter().map(piece).collect();
        self.lanes.answer(lane, pieces, prompt.last().and_then(|last| last.print.key));
        self.say(lane, &talk, &answers);
        let ended = &mut self.lanes.all[lane].ended;
        *ended = ended.zip(talk.ended).map(|(before, now)| before.max(now));
    }

    fn open(&mut self, talk: &Talk) -> usize {
        self.lanes.open(Lane::new(talk.scope, talk.agent.clone(), (talk.span, talk.place), talk.started))
    }

    fn meet(&self, talk: &Talk, system: &[Option<Key>], prompt: &[Piece], chain: &Chain) -> Meeting {
        let lane = |told: &Told| &self.lanes.all[told.lane];
        let same_agent = |told: &Told| talk.agent.is_some() && lane(told).agent == talk.agent;
        let overlaps = |told: &Told| told.ended.is_none_or(|ended| talk.started < ended);
        let brings_answers = prompt.iter().any(|piece| piece.print.role == Role::Assistant);
        let again = self.lanes.asked_before(chain, |told| {
            // Someone without a memory who asks twice, and is answered twice, asks two questions.
            told.system == hash(system)
                && if told.scope == talk.scope {
                    // Steps of a workflow that ask the same at one time are several who ask it.
                    told.failed || (overlaps(told) && told.step == talk.step) || brings_answers
                } else {
                    told.failed && same_agent(told) && !overlaps(told)
                }
        });
        if let Some(told) = again {
            return Meeting::Again(told.lane);
        }
        // What was too long is asked again with its beginning left out.
        if let Some(refused) = self.failed.get(&talk.scope)
            && refused.system == system
            && prompt.last().is_some_and(|piece| piece.print.key.is_some())
            && refused.prompt.ends_with(&keys(prompt))
        {
            return Meeting::Again(refused.lane);
        }
        let anchor = self.lanes.anchor(prompt, talk.scope);
        let begun = self.lanes.begun(chain, |told| told.scope == talk.scope || same_agent(told));
        // Whichever knows more of the prompt; a call that failed left nothing but its prompt.
        let met = anchor.map_or(0, |anchor| anchor.after);
        let is_open = |told: &Told| told.answers == 0 && !told.failed && !overlaps(told);
        // So does one whose answer nobody told: what follows its prompt is that answer.
        let knows_more = |(after, call): &(usize, usize)| {
            let told = &self.lanes.told[*call];
            *after > met || (*after == met && is_open(told))
        };
        if let Some((after, call)) = begun.filter(knows_more) {
            let told = self.lanes.told[call];
            let unanswered = Some(told).filter(is_open);
            return Meeting::GoesOn(Anchor { lane: told.lane, after, entry: told.entries }, unanswered);
        }
        if let Some(anchor) = anchor {
            return Meeting::GoesOn(anchor, None);
        }
        if let Some(anchor) = self.lanes.hidden(prompt, talk.scope) {
            return Meeting::GoesOn(anchor, None);
        }
        let goes_on = |lane: &usize| talk.in_agent || self.lanes.all[*lane].waits(prompt);
        match self.lanes.newest(talk.scope).filter(|lane| !brings_answers && goes_on(lane)) {
            Some(lane) if self.lanes.all[lane].stays(system, prompt, talk.started) => Meeting::Stays(lane),
            _ => Meeting::Opens,
        }
    }

    /// Learns the calls of an answer of which only the words were told, from the prompt that goes on from it.
    fn complete(&mut self, talk: &Talk, prompt: &[Piece], chain: &Chain) {
        let lanes = &self.lanes;
        let same_agent = |told: &Told| talk.agent.is_some() && lanes.all[told.lane].agent == talk.agent;
        let Some((after, call)) = lanes.begun(chain, |told| told.scope == talk.scope || same_agent(told)) else {
            return;
        };
        let told = lanes.told[call];
        let whole: Vec<Piece> =
            prompt[after..].iter().take_while(|piece| piece.print.role == Role::Assistant).cloned().collect();
        let key = |pieces: &[Piece]| pieces.iter().filter_map(|piece| piece.print.key).reduce(Key::then);
        let answer = lanes.all[told.lane].entries.get(told.entries..told.entries + told.answers).unwrap_or_default();
        let (Some(words), Some(all)) = (key(answer), key(&whole)) else { return };
        if !all.calls_after(&words) {
            return;
        }
        let parts = whole.iter().flat_map(|piece| &piece.message.parts);
        let calls: Vec<Part> = parts.filter(|part| matches!(part.content, Content::Call(_))).cloned().collect();
        let entries = whole.len();
        self.lanes.answer(told.lane, whole, prompt[..after].last().and_then(|last| last.print.key));
        self.lanes.all[told.lane].call(told.entries + told.answers - 1, calls.into_iter(), entries);
    }

    /// Learns the reasoning of the answer that a prompt goes on from and the ids of its calls, which some senders tell
    /// only now.
    fn recall(&mut self, anchor: Anchor, lines: &[Line]) {
        // Before the last result that the prompt brings there may be others.
        let others = lines[..anchor.after].iter().rev().take_while(|line| line.print.role == Role::Tool).count();
        let end = anchor.after - others;
        let answer = lines[..end].iter().rev().take_while(|line| line.print.role == Role::Assistant).count();
        let parts = || lines[end - answer..end].iter().flat_map(|line| &line.message.parts);
        let calls = parts().filter_map(|part| match &part.content {
            Content::Call(call) => Some(call),
            _ => None,
        });
        let calls: Vec<&ToolCall> = calls.collect();
        if let (false, Some(entry)) = (calls.is_empty(), anchor.entry.checked_sub(1)) {
            self.lanes.all[anchor.lane].rename(entry, &calls);
        }
        let thought: Vec<Part> =
            parts().filter(|part| matches!(part.content, Content::Reasoning(_))).cloned().collect();
        if let (false, Some(entry)) = (thought.is_empty(), anchor.entry.checked_sub(1)) {
            self.lanes.all[anchor.lane].think(entry, &thought);
        }
    }

    /// How much of the first prompt of a conversation was said before this trace.
    fn known(&self, lines: &[Line], prompt: &[Piece], chain: &Chain) -> usize {
        let is_answer = |line: &Line| line.print.role == Role::Assistant;
        // Answers at the very end are there for the model to go on from.
        let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
        let answered = lines[..end].iter().rposition(is_answer).map_or(0, |last| last + 1);
        // So are the results of its calls that came then.
        let is_past = |line: &&Line| {
            let answers = &line.print.answers;
            line.print.role == Role::Tool
                && !answers.is_empty()
                && answers.iter().all(|id| self.past.contains(&came(*id)))
        };
        let answered = answered + lines[answered..].iter().take_while(is_past).count();
        // A question that got no answer is history as well, if an earlier trace asked it and this one asks more.
        let asked = chain.beginnings().find(|(_, chain)| self.past.contains(chain)).map_or(0, |(after, _)| after);
        // What was said before it may have been left out since.
        let asked_last = || {
            let tails = Chain::of(prompt.get(answered.checked_sub(1)?..)?);
            tails.beginnings().find(|(_, tail)| self.past.contains(&last(*tail))).map(|(after, _)| answered - 1 + after)
        };
        answered.max(asked).max(asked_last().unwrap_or_default())
    }

    /// Says what a prompt brings.
    fn hear(&mut self, lane: usize, talk: &Talk, sayings: &[Saying]) {
        for saying in sayings {
            match saying.by {
                // Given here, although only this prompt tells it.
                Some(_) => self.lanes.answer(lane, vec![piece(saying.line)], None),
                None => self.lanes.hear(lane, piece(saying.line)),
            }
        }
        self.say(lane, talk, sayings);
    }

    /// Says lines that were noted.
    fn say(&mut self, lane: usize, talk: &Talk, sayings: &[Saying]) {
        let lane = &mut self.lanes.all[lane];
        let together = |left: &Saying, right: &Saying| {
            let roles = (left.line.print.role, right.line.print.role);
            match roles {
                (Role::Tool, Role::Tool) => left.history == right.history,
                // What is sent back stays as it was sent.
                (Role::Assistant, Role::Assistant) => {
                    !left.history && !right.history && are_one(&left.line.message, &right.line.message)
                }
                _ => false,
            }
        };
        for sayings in sayings.chunk_by(together) {
            let Some(first) = sayings.first() else { continue };
            let lines: Vec<&Line> = sayings.iter().map(|saying| saying.line).collect();
            let (span, turn, at) = match first.by {
                Some(told) => (told.span, told.turn, told.ended.unwrap_or(first.line.at)),
                None => (talk.span, talk.turn, lines.iter().map(|line| line.at).min().unwrap_or(first.line.at)),
            };
            let message = match (first.line.print.role, &lines[..]) {
                (Role::Tool, _) => results(&lines, |id| lane.number(hash(id))),
                (_, [one]) => Arc::clone(&one.message),
                (role, lines) => {
                    let parts = lines.iter().flat_map(|line| &line.message.parts).cloned().collect();
                    Arc::new(Message { role, name: first.line.message.name.clone(), parts })
                }
            };
            lane.say(ConversationMessage { message, at, span, turn, history: first.history }, sayings.len());
        }
    }
}

/// Whether two messages are of one answer, which some APIs give piece by piece: thoughts, then words, then each call.
fn are_one(before: &Message, after: &Message) -> bool {
    let all = |message: &Message, is: fn(&Content) -> bool| message.parts.iter().all(|part| is(&part.content));
    let thinks = all(before, |what| matches!(what, Content::Reasoning(_)));
    let calls = all(after, |what| matches!(what, Content::Call(_)));
    (thinks || calls) && before.name == after.name
}

/// What is kept of a result by the id of what it answers, among the prompts of earlier traces.
pub fn came(id: u64) -> u64 {
    hash(("result", id))
}

/// The number of what ends a prompt, from its last answer on, among those of whole prompts.
fn last(tail: u64) -> u64 {
    hash(("last", tail))
}

fn keys(pieces: &[Piece]) -> Vec<Option<Key>> {
    pieces.iter().map(|piece| piece.print.key).collect()
}

fn piece(line: &Line) -> Piece {
    Piece { message: Arc::clone(&line.message), print: Rc::clone(&line.print) }
}

/// The new lines of a prompt. What ends with an answer that nobody here gave was not said here either.
fn added<'l>(lines: &'l [Line], new: &[usize], after: usize, unanswered: Option<Told>) -> Vec<Saying<'l>> {
    let is_answer = |at: usize| lines[at].print.role == Role::Assistant;
    let end = (0..lines.len()).rev().find(|at| !is_answer(*at)).map_or(0, |last| last + 1);
    // The answer to an earlier call that told none itself: it comes right after that call's prompt.
    let told = unanswered.map_or(0, |_| (after..end).take_while(|at| is_answer(*at)).count());
    let given = after..after + told;
    let foreign = new.iter().copied().filter(|at| *at < end && is_answer(*at) && !given.contains(at)).max();
    let say = |at: &usize| {
        let by = unanswered.filter(|_| given.contains(at));
        Saying { line: &lines[*at], history: by.is_none() && foreign.is_some_and(|last| *at <= last), by }
    };
    new.iter().map(say).collect()
}

/// Results as one message, in the order of their calls where that is known.
fn results(lines: &[&Line], number: impl Fn(&str) -> Option<usize>) -> Arc<Message> {
    let order = |part: &Part| match &part.content {
        Content::Result(result) => result.call_id.as_deref().and_then(&number),
        _ => None,
    };
    let parts = || lines.iter().flat_map(|line| &line.message.parts);
    let numbers: Option<Vec<usize>> = parts().map(order).collect();
    match (lines, &numbers) {
        ([one], numbers) if numbers.as_ref().is_none_or(|numbers| numbers.is_sorted()) => Arc::clone(&one.message),
        _ => {
            let mut parts: Vec<Part> = parts().cloned().collect();
            if numbers.is_some() {
                parts.sort_by_key(order);
            }
            Arc::new(Message {
                role: Role::Tool,
                name: lines.first().and_then(|line| line.message.name.clone()),
                parts,
            })
        }
    }
}

/// Takes the answer out of a prompt whose sender has no word for it.
///
/// Some tell every message as it comes, the answer as one more of the assistant's: at the end, or before
/// the only question.
fn unmarked_answer(lines: &mut Vec<Line>) -> Vec<Line> {
    let is_answer = |line: &Line| line.print.role == Role::Assistant;
    let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
    if end < lines.len() {
        return lines.split_off(end);
    }
    let answers = lines.iter().take_while(|line| is_answer(line)).count();
    if answers > 0 && lines[answers..].iter().all(|line| line.print.role == Role::User) {
        return lines.drain(..answers).collect();
    }
    Vec::new()
}

/// Takes an answer off a prompt that ends with the very answer it got.
fn drop_answer(lines: &mut Vec<Line>, completion: &[Line]) {
    let is_answer = |line: &&Line| line.print.role == Role::Assistant;
    let key = |lines: &[Line]| lines.iter().filter_map(|line| line.print.key).reduce(Key::then);
    let run = lines.iter().rev().take_while(is_answer).count();
    let start = lines.len() - run;
    if run > 0 && key(completion).is_some() && key(&lines[start..]) == key(completion) {
        lines.truncate(start);
    }
}
