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
    lanes::{Anchor, Chain, Lanes, Seeker, Told},
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
    /// The model as a number, where it is known.
    pub model: Option<u64>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failed: bool,
    pub exchange: Exchange,
}

/// A call with its messages as they are compared.
#[derive(Debug)]
pub struct Heard {
    pub talk: Talk,
    pub system: Vec<Line>,
    pub lines: Vec<Line>,
    pub completion: Vec<Line>,
    /// The prompt without its system prompt, line by line.
    pub prompt: Vec<Piece>,
    pub chain: Chain,
    /// The system prompt, line by line; `None` where a line cannot be compared.
    pub in_force: Vec<Option<Key>>,
}

impl Heard {
    /// Puts the messages of a call in the form in which they are compared; `None` where it has none.
    pub fn new(mut talk: Talk) -> Option<Self> {
        let Exchange { system, prompt: mut lines, mut completion, by_event, spoken } =
            std::mem::take(&mut talk.exchange);
        if talk.failed {
            completion.clear();
        } else if completion.is_empty() && by_event && talk.ended.is_some() {
            completion = unmarked_answer(&mut lines);
        }
        // What a program was given may be a state in which the answer stands already; what a model was sent is not.
        if by_event || !spoken[0] {
            drop_answer(&mut lines, &completion);
        }
        if system.is_empty() && lines.is_empty() && completion.is_empty() {
            return None;
        }
        let prompt: Vec<Piece> = lines.iter().map(piece).collect();
        let chain = Chain::of(&prompt);
        let in_force = system.iter().map(|line| line.print.key).collect();
        Some(Self { talk, system, lines, completion, prompt, chain, in_force })
    }

    /// What it asks: the messages of its prompt after the last answer.
    fn question(&self) -> &[Piece] {
        let answered = self.prompt.iter().rposition(|piece| piece.print.role == Role::Assistant);
        &self.prompt[answered.map_or(0, |answered| answered + 1)..]
    }

    fn seeker(&self) -> Seeker<'_> {
        let Talk { scope, step, started, .. } = self.talk;
        Seeker { scope, step, system: &self.in_force, started }
    }
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
    /// Turns that begin conversations of their own, although their prompts go on from another; how much of them that is.
    forks: HashMap<usize, usize>,
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
    /// It stands in the place of what was said: a summary, a shortened message. That is history, too.
    rewritten: bool,
    by: Option<Told>,
}

impl<'l> Saying<'l> {
    fn new(line: &'l Line) -> Self {
        Self { line, history: false, rewritten: false, by: None }
    }
}

impl<'s> Telling<'s> {
    pub fn new(past: &'s HashSet<u64>, forks: HashMap<usize, usize>) -> Self {
        Self { lanes: Lanes::default(), past, prompts: Vec::new(), failed: HashMap::new(), forks }
    }

    /// Tells a call. Calls are told in the order in which they began.
    pub fn tell(&mut self, heard: &Heard) {
        let Heard { talk, system, lines, completion, prompt, chain, in_force } = heard;
        self.complete(talk, prompt, chain);
        let (lane, sayings) = match self.meet(heard) {
            Meeting::Again(lane) => (lane, Vec::new()),
            Meeting::GoesOn(anchor, unanswered) => {
                let new = unsaid(&self.lanes.all[anchor.lane], prompt, Some((anchor.after, anchor.entry)));
                self.recall(anchor, lines);
                (anchor.lane, added(&self.lanes.all[anchor.lane], lines, &new, anchor.after, unanswered.as_ref()))
            }
            Meeting::Stays(lane) => {
                let new = unsaid(&self.lanes.all[lane], prompt, None);
                self.lanes.all[lane].rename_open(lines);
                let mut sayings = added(&self.lanes.all[lane], lines, &new, 0, None);
                sayings.iter_mut().for_each(|saying| saying.rewritten = saying.history);
                (lane, sayings)
            }
            Meeting::Opens => {
                let handed = self.forks.get(&talk.turn).copied().unwrap_or_default();
                let known = self.known(lines, prompt, chain).max(handed);
                let say = |(at, line)| Saying { history: at < known, ..Saying::new(line) };
                (self.open(heard), lines.iter().enumerate().map(say).collect())
            }
        };
        let brings_results = !prompt.is_empty() && prompt.iter().all(|piece| piece.print.role == Role::Tool);
        self.lanes.all[lane].kept_elsewhere |= brings_results;
        let changed = self.lanes.all[lane].changed(talk.agent.as_deref(), system);
        let changed: Vec<Saying> = changed.into_iter().map(Saying::new).collect();
        self.hear(lane, talk, &changed);
        self.hear(lane, talk, &sayings);
        self.prompts.extend(chain.whole());
        let answered = prompt.iter().rposition(|piece| piece.print.role == Role::Assistant);
        self.prompts.extend(answered.and_then(|answered| Chain::of(&prompt[answered..]).whole()).map(last));
        self.lanes.tell(
            Told {
                lane,
                scope: talk.scope,
                step: talk.step,
                model: talk.model,
                question: heard.question().iter().map(|piece| Rc::clone(&piece.print)).collect(),
                turn: talk.turn,
                span: talk.span,
                ended: talk.ended,
                failed: talk.failed,
                answers: completion.len(),
                system: hash(in_force),
                entries: self.lanes.all[lane].len(),
            },
            chain,
        );
        if talk.failed {
            self.failed.insert(talk.scope, Refused { lane, system: in_force.clone(), prompt: keys(prompt) });
        } else {
            self.failed.remove(&talk.scope);
        }
        let answers: Vec<Saying> = completion.iter().map(Saying::new).collect();
        let pieces = completion.iter().map(piece).collect();
        self.lanes.answer(lane, pieces, prompt.last().and_then(|last| last.print.key));
        self.say(lane, talk, &answers);
        let lane = &mut self.lanes.all[lane];
        lane.step = talk.step;
        lane.ended = lane.ended.zip(talk.ended).map(|(before, now)| before.max(now));
    }

    fn open(&mut self, heard: &Heard) -> usize {
        let Talk { scope, agent, span, place, started, .. } = &heard.talk;
        let mut lane = Lane::new(*scope, agent.clone(), (*span, *place), *started);
        lane.had_history = heard.prompt.iter().any(|piece| piece.print.role == Role::Assistant);
        self.lanes.open(lane)
    }

    /// The earlier call that was sent this very prompt, if this one is another attempt or sample of it: it failed, it
    /// runs at the same time, or the prompt goes on from an answer that was given here.
    ///
    /// Someone without a memory who asks twice, and is answered twice, asks two questions.
    fn asked_before(&self, heard: &Heard) -> Option<usize> {
        let Heard { talk, prompt, chain, in_force, .. } = heard;
        let question = heard.question();
        let is_cut = question.iter().any(|piece| piece.print.truncated);
        let goes_on = || {
            let anchor = self.lanes.anchor(prompt, heard.seeker())?;
            (anchor.after > 0 && prompt[anchor.after - 1].print.role == Role::Assistant).then_some(anchor.lane)
        };
        let mut newest = true;
        for told in self.lanes.asked_before(chain) {
            let same_scope = told.scope == talk.scope;
            let same_agent = talk.agent.is_some() && self.lanes.all[told.lane].agent == talk.agent;
            if told.system != hash(in_force) || !(same_scope || same_agent) {
                continue;
            }
            let is_letter_for_letter = told.question.len() != question.len()
                || told.question.iter().zip(question).all(|(left, right)| left.is_exactly(&right.print));
            let overlaps = told.ended.is_none_or(|ended| talk.started < ended);
            let fits = if same_scope {
                // Steps of a workflow that ask the same at one time are several who ask it, as are several models.
                let is_sample = || overlaps && told.step == talk.step && told.model == talk.model && !is_cut;
                (told.failed && newest) || is_sample() || (!overlaps && !is_cut && goes_on() == Some(told.lane))
            } else {
                told.failed && newest && !overlaps
            };
            if fits && is_letter_for_letter {
                return Some(told.lane);
            }
            newest = false;
        }
        None
    }

    /// Where a call goes on, by the surest evidence that there is.
    fn meet(&self, heard: &Heard) -> Meeting {
        let Heard { talk, prompt, chain, in_force: system, .. } = heard;
        if self.forks.contains_key(&talk.turn) {
            return Meeting::Opens;
        }
        let lane = |told: &Told| &self.lanes.all[told.lane];
        let same_agent = |told: &Told| talk.agent.is_some() && lane(told).agent == talk.agent;
        let overlaps = |told: &Told| told.ended.is_none_or(|ended| talk.started < ended);
        if let Some(lane) = self.asked_before(heard) {
            return Meeting::Again(lane);
        }
        // What was too long is asked again with its beginning left out.
        if let Some(refused) = self.failed.get(&talk.scope)
            && refused.system == *system
            && prompt.last().is_some_and(|piece| piece.print.key.is_some())
            && refused.prompt.ends_with(&keys(prompt))
        {
            return Meeting::Again(refused.lane);
        }
        let anchor = self.lanes.anchor(prompt, heard.seeker());
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
            let told = &self.lanes.told[call];
            let unanswered = is_open(told).then(|| told.clone());
            return Meeting::GoesOn(Anchor { lane: told.lane, after, entry: told.entries }, unanswered);
        }
        if let Some(anchor) = anchor {
            return Meeting::GoesOn(anchor, None);
        }
        if let Some(anchor) = self.lanes.hidden(prompt, talk.scope) {
            return Meeting::GoesOn(anchor, None);
        }
        let waits = |lane: &Lane| lane.waits(prompt) && lane.is_instructed(system);
        let stays = |lane: &Lane| talk.in_agent && lane.stays(system, prompt, talk.started);
        match self.lanes.newest(talk.scope) {
            Some(lane) if waits(&self.lanes.all[lane]) || stays(&self.lanes.all[lane]) => Meeting::Stays(lane),
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
        let told = lanes.told[call].clone();
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
            match &saying.by {
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
                (Role::Tool, Role::Tool) => (left.history, left.rewritten) == (right.history, right.rewritten),
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
            let (span, turn, at) = match &first.by {
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
            let (history, rewritten) = (first.history, first.rewritten);
            lane.say(ConversationMessage { message, at, span, turn, history, rewritten }, sayings.len());
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

/// The new lines of a prompt. What ends with an answer that nobody here gave was not said here either, and what stands
/// before the anchor and is not known was put there in place of something else.
fn added<'l>(
    lane: &Lane,
    lines: &'l [Line],
    new: &[usize],
    after: usize,
    unanswered: Option<&Told>,
) -> Vec<Saying<'l>> {
    let is_answer = |at: usize| lines[at].print.role == Role::Assistant;
    let end = (0..lines.len()).rev().find(|at| !is_answer(*at)).map_or(0, |last| last + 1);
    // The answer to an earlier call that told none itself: it comes right after that call's prompt.
    let told = unanswered.map_or(0, |_| (after..end).take_while(|at| is_answer(*at)).count());
    let given = after..after + told;
    // The first result of a call that was made here is none that stands for another one.
    let is_result = |at: usize| lines[at].print.answered.iter().any(|call| lane.number(*call).is_some());
    let foreign = new.iter().copied().filter(|at| *at < end && is_answer(*at) && !given.contains(at)).max();
    let say = |at: &usize| {
        let by = unanswered.filter(|_| given.contains(at)).cloned();
        let rewritten = *at < after && !is_result(*at);
        let history = rewritten || (by.is_none() && foreign.is_some_and(|last| *at <= last));
        Saying { line: &lines[*at], history, rewritten, by }
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
/// Some send every message as it comes, the answer as one more of the assistant's at the end. What an assistant says
/// before the question answers something else.
fn unmarked_answer(lines: &mut Vec<Line>) -> Vec<Line> {
    let is_answer = |line: &Line| line.print.role == Role::Assistant;
    let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
    lines.split_off(end)
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
