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
    conversations::{Anchor, Chain, Conversations, Seeker, Told},
    exchange::{Exchange, TimedMessage},
    fingerprint::{ContentHash, KeyedMessage},
    open_conversation::{OpenConversation, new_in_prompt},
    text_hash::hash,
};
use crate::model::{Content, ConversationMessage, Message, Part, Role, SpanId, Timestamp, ToolCall};

/// A call to be told.
#[derive(Debug)]
pub struct PlacedExchange {
    /// Its index among the calls.
    pub turn: usize,
    pub span: SpanId,
    pub node: usize,
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
    pub placed: PlacedExchange,
    pub system: Vec<TimedMessage>,
    pub lines: Vec<TimedMessage>,
    pub completion: Vec<TimedMessage>,
    /// The prompt without its system prompt, line by line.
    pub prompt: Vec<KeyedMessage>,
    pub chain: Chain,
    /// The system prompt, line by line; `None` where a line cannot be compared.
    pub in_force: Vec<Option<ContentHash>>,
}

impl Heard {
    /// Puts the messages of a call in the form in which they are compared; `None` where it has none.
    pub fn new(mut placed: PlacedExchange) -> Option<Self> {
        let Exchange { system, prompt: mut lines, mut completion, by_event, spoken } =
            std::mem::take(&mut placed.exchange);
        if placed.failed {
            completion.clear();
        } else if completion.is_empty() && by_event && placed.ended.is_some() {
            completion = unmarked_answer(&mut lines);
        }
        // What a program was given may be a state in which the answer stands already; what a model was sent is not.
        if by_event || !spoken[0] {
            drop_answer(&mut lines, &completion);
        }
        if system.is_empty() && lines.is_empty() && completion.is_empty() {
            return None;
        }
        let prompt: Vec<KeyedMessage> = lines.iter().map(keyed).collect();
        let chain = Chain::of(&prompt);
        let in_force = system.iter().map(|line| line.fingerprint.key).collect();
        Some(Self { placed, system, lines, completion, prompt, chain, in_force })
    }

    /// What it asks: the messages of its prompt after the last answer.
    fn question(&self) -> &[KeyedMessage] {
        let answered = self.prompt.iter().rposition(|keyed| keyed.fingerprint.role == Role::Assistant);
        &self.prompt[answered.map_or(0, |answered| answered + 1)..]
    }

    fn seeker(&self) -> Seeker<'_> {
        let PlacedExchange { scope, step, started, .. } = self.placed;
        Seeker { scope, step, system: &self.in_force, started }
    }
}

/// How a call meets what was told before.
enum Continuation {
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
pub struct ConversationBuilder<'s> {
    pub conversations: Conversations,
    /// The whole prompts of earlier traces of the session, what ended each from its last answer on, and the results that
    /// came in them.
    past: &'s HashSet<u64>,
    /// Those of this trace.
    pub prompts: Vec<u64>,
    /// What was asked last in an agent or tool, if that call failed.
    failed: HashMap<Option<usize>, FailedPrompt>,
    /// Turns that begin conversations of their own, although their prompts go on from another; how much of them that is.
    forks: HashMap<usize, usize>,
}

/// What a call that failed was sent.
#[derive(Debug)]
struct FailedPrompt {
    conversation: usize,
    system: Vec<Option<ContentHash>>,
    prompt: Vec<Option<ContentHash>>,
}

/// A line about to be said, and by whom where it was not this call.
struct NewMessage<'l> {
    line: &'l TimedMessage,
    history: bool,
    /// It stands in the place of what was said: a summary, a shortened message. That is history, too.
    rewritten: bool,
    by: Option<Told>,
}

impl<'l> NewMessage<'l> {
    fn new(line: &'l TimedMessage) -> Self {
        Self { line, history: false, rewritten: false, by: None }
    }
}

impl<'s> ConversationBuilder<'s> {
    pub fn new(past: &'s HashSet<u64>, forks: HashMap<usize, usize>) -> Self {
        Self { conversations: Conversations::default(), past, prompts: Vec::new(), failed: HashMap::new(), forks }
    }

    /// Tells a call. Calls are told in the order in which they began.
    pub fn tell(&mut self, heard: &Heard) {
        let Heard { placed, system, lines, completion, prompt, chain, in_force } = heard;
        self.complete(placed, prompt, chain);
        let (conversation, new_messages) = match self.meet(heard) {
            Continuation::Again(conversation) => (conversation, Vec::new()),
            Continuation::GoesOn(anchor, unanswered) => {
                let new = new_in_prompt(
                    &self.conversations.all[anchor.conversation],
                    prompt,
                    Some((anchor.after, anchor.entry)),
                );
                self.recall(anchor, lines);
                (
                    anchor.conversation,
                    added(&self.conversations.all[anchor.conversation], lines, &new, anchor.after, unanswered.as_ref()),
                )
            }
            Continuation::Stays(conversation) => {
                let new = new_in_prompt(&self.conversations.all[conversation], prompt, None);
                self.conversations.all[conversation].rename_open(lines);
                let mut new_messages = added(&self.conversations.all[conversation], lines, &new, 0, None);
                new_messages.iter_mut().for_each(|new_message| new_message.rewritten = new_message.history);
                (conversation, new_messages)
            }
            Continuation::Opens => {
                let handed = self.forks.get(&placed.turn).copied().unwrap_or_default();
                let known = self.known(lines, prompt, chain).max(handed);
                let say = |(at, line)| NewMessage { history: at < known, ..NewMessage::new(line) };
                (self.open(heard), lines.iter().enumerate().map(say).collect())
            }
        };
        let brings_results = !prompt.is_empty() && prompt.iter().all(|keyed| keyed.fingerprint.role == Role::Tool);
        self.conversations.all[conversation].kept_elsewhere |= brings_results;
        let changed = self.conversations.all[conversation].changed(placed.agent.as_deref(), system);
        let changed: Vec<NewMessage> = changed.into_iter().map(NewMessage::new).collect();
        self.hear(conversation, placed, &changed);
        self.hear(conversation, placed, &new_messages);
        self.prompts.extend(chain.whole());
        let answered = prompt.iter().rposition(|keyed| keyed.fingerprint.role == Role::Assistant);
        self.prompts.extend(answered.and_then(|answered| Chain::of(&prompt[answered..]).whole()).map(last));
        self.conversations.tell(
            Told {
                conversation,
                scope: placed.scope,
                step: placed.step,
                model: placed.model,
                question: heard.question().iter().map(|keyed| Rc::clone(&keyed.fingerprint)).collect(),
                turn: placed.turn,
                span: placed.span,
                ended: placed.ended,
                failed: placed.failed,
                answers: completion.len(),
                system: hash(in_force),
                entries: self.conversations.all[conversation].len(),
            },
            chain,
        );
        if placed.failed {
            self.failed
                .insert(placed.scope, FailedPrompt { conversation, system: in_force.clone(), prompt: keys(prompt) });
        } else {
            self.failed.remove(&placed.scope);
        }
        let answers: Vec<NewMessage> = completion.iter().map(NewMessage::new).collect();
        let keyed_messages = completion.iter().map(keyed).collect();
        self.conversations.answer(conversation, keyed_messages, prompt.last().and_then(|last| last.fingerprint.key));
        self.say(conversation, placed, &answers);
        let conversation = &mut self.conversations.all[conversation];
        conversation.step = placed.step;
        conversation.ended = conversation.ended.zip(placed.ended).map(|(before, now)| before.max(now));
    }

    fn open(&mut self, heard: &Heard) -> usize {
        let PlacedExchange { scope, agent, span, node, started, .. } = &heard.placed;
        let mut conversation = OpenConversation::new(*scope, agent.clone(), (*span, *node), *started);
        conversation.had_history = heard.prompt.iter().any(|keyed| keyed.fingerprint.role == Role::Assistant);
        self.conversations.open(conversation)
    }

    /// The earlier call that was sent this very prompt, if this one is another attempt or sample of it: it failed, it
    /// runs at the same time, or the prompt goes on from an answer that was given here.
    ///
    /// Someone without a memory who asks twice, and is answered twice, asks two questions.
    fn asked_before(&self, heard: &Heard) -> Option<usize> {
        let Heard { placed, prompt, chain, in_force, .. } = heard;
        let question = heard.question();
        let is_cut = question.iter().any(|keyed| keyed.fingerprint.truncated);
        let goes_on = || {
            let anchor = self.conversations.anchor(prompt, heard.seeker())?;
            (anchor.after > 0 && prompt[anchor.after - 1].fingerprint.role == Role::Assistant)
                .then_some(anchor.conversation)
        };
        let mut newest = true;
        for told in self.conversations.asked_before(chain) {
            let same_scope = told.scope == placed.scope;
            let same_agent = placed.agent.is_some() && self.conversations.all[told.conversation].agent == placed.agent;
            if told.system != hash(in_force) || !(same_scope || same_agent) {
                continue;
            }
            let is_letter_for_letter = told.question.len() != question.len()
                || told.question.iter().zip(question).all(|(left, right)| left.is_exactly(&right.fingerprint));
            let overlaps = told.ended.is_none_or(|ended| placed.started < ended);
            let fits = if same_scope {
                // Steps of a workflow that ask the same at one time are several who ask it, as are several models.
                let is_sample = || overlaps && told.step == placed.step && told.model == placed.model && !is_cut;
                (told.failed && newest) || is_sample() || (!overlaps && !is_cut && goes_on() == Some(told.conversation))
            } else {
                told.failed && newest && !overlaps
            };
            if fits && is_letter_for_letter {
                return Some(told.conversation);
            }
            newest = false;
        }
        None
    }

    /// Where a call goes on, by the surest evidence that there is.
    fn meet(&self, heard: &Heard) -> Continuation {
        let Heard { placed, prompt, chain, in_force: system, .. } = heard;
        if self.forks.contains_key(&placed.turn) {
            return Continuation::Opens;
        }
        let conversation = |told: &Told| &self.conversations.all[told.conversation];
        let same_agent = |told: &Told| placed.agent.is_some() && conversation(told).agent == placed.agent;
        let overlaps = |told: &Told| told.ended.is_none_or(|ended| placed.started < ended);
        if let Some(conversation) = self.asked_before(heard) {
            return Continuation::Again(conversation);
        }
        // What was too long is asked again with its beginning left out.
        if let Some(refused) = self.failed.get(&placed.scope)
            && refused.system == *system
            && prompt.last().is_some_and(|keyed| keyed.fingerprint.key.is_some())
            && refused.prompt.ends_with(&keys(prompt))
        {
            return Continuation::Again(refused.conversation);
        }
        let anchor = self.conversations.anchor(prompt, heard.seeker());
        let begun = self.conversations.begun(chain, |told| told.scope == placed.scope || same_agent(told));
        // Whichever knows more of the prompt; a call that failed left nothing but its prompt.
        let met = anchor.map_or(0, |anchor| anchor.after);
        let is_open = |told: &Told| told.answers == 0 && !told.failed && !overlaps(told);
        // So does one whose answer nobody told: what follows its prompt is that answer.
        let knows_more = |(after, call): &(usize, usize)| {
            let told = &self.conversations.told[*call];
            *after > met || (*after == met && is_open(told))
        };
        if let Some((after, call)) = begun.filter(knows_more) {
            let told = &self.conversations.told[call];
            let unanswered = is_open(told).then(|| told.clone());
            return Continuation::GoesOn(
                Anchor { conversation: told.conversation, after, entry: told.entries },
                unanswered,
            );
        }
        if let Some(anchor) = anchor {
            return Continuation::GoesOn(anchor, None);
        }
        if let Some(anchor) = self.conversations.hidden(prompt, placed.scope) {
            return Continuation::GoesOn(anchor, None);
        }
        let waits = |conversation: &OpenConversation| conversation.waits(prompt) && conversation.is_instructed(system);
        let stays =
            |conversation: &OpenConversation| placed.in_agent && conversation.stays(system, prompt, placed.started);
        match self.conversations.newest(placed.scope) {
            Some(conversation)
                if waits(&self.conversations.all[conversation]) || stays(&self.conversations.all[conversation]) =>
            {
                Continuation::Stays(conversation)
            }
            _ => Continuation::Opens,
        }
    }

    /// Learns the calls of an answer of which only the words were told, from the prompt that goes on from it.
    fn complete(&mut self, placed: &PlacedExchange, prompt: &[KeyedMessage], chain: &Chain) {
        let conversations = &self.conversations;
        let same_agent =
            |told: &Told| placed.agent.is_some() && conversations.all[told.conversation].agent == placed.agent;
        let Some((after, call)) = conversations.begun(chain, |told| told.scope == placed.scope || same_agent(told))
        else {
            return;
        };
        let told = conversations.told[call].clone();
        let whole: Vec<KeyedMessage> =
            prompt[after..].iter().take_while(|keyed| keyed.fingerprint.role == Role::Assistant).cloned().collect();
        let key = |keyed_messages: &[KeyedMessage]| {
            keyed_messages.iter().filter_map(|keyed| keyed.fingerprint.key).reduce(ContentHash::then)
        };
        let answer = conversations.all[told.conversation]
            .entries
            .get(told.entries..told.entries + told.answers)
            .unwrap_or_default();
        let (Some(words), Some(all)) = (key(answer), key(&whole)) else { return };
        if !all.calls_after(&words) {
            return;
        }
        let parts = whole.iter().flat_map(|keyed| &keyed.message.parts);
        let calls: Vec<Part> = parts.filter(|part| matches!(part.content, Content::Call(_))).cloned().collect();
        let entries = whole.len();
        self.conversations.answer(
            told.conversation,
            whole,
            prompt[..after].last().and_then(|last| last.fingerprint.key),
        );
        self.conversations.all[told.conversation].call(told.entries + told.answers - 1, calls.into_iter(), entries);
    }

    /// Learns the reasoning of the answer that a prompt goes on from and the ids of its calls, which some senders tell
    /// only now.
    fn recall(&mut self, anchor: Anchor, lines: &[TimedMessage]) {
        // Before the last result that the prompt brings there may be others.
        let others = lines[..anchor.after].iter().rev().take_while(|line| line.fingerprint.role == Role::Tool).count();
        let end = anchor.after - others;
        let answer = lines[..end].iter().rev().take_while(|line| line.fingerprint.role == Role::Assistant).count();
        let parts = || lines[end - answer..end].iter().flat_map(|line| &line.message.parts);
        let calls = parts().filter_map(|part| match &part.content {
            Content::Call(call) => Some(call),
            _ => None,
        });
        let calls: Vec<&ToolCall> = calls.collect();
        if let (false, Some(entry)) = (calls.is_empty(), anchor.entry.checked_sub(1)) {
            self.conversations.all[anchor.conversation].rename(entry, &calls);
        }
        let thought: Vec<Part> =
            parts().filter(|part| matches!(part.content, Content::Reasoning(_))).cloned().collect();
        if let (false, Some(entry)) = (thought.is_empty(), anchor.entry.checked_sub(1)) {
            self.conversations.all[anchor.conversation].think(entry, &thought);
        }
    }

    /// How much of the first prompt of a conversation was said before this trace.
    fn known(&self, lines: &[TimedMessage], prompt: &[KeyedMessage], chain: &Chain) -> usize {
        let is_answer = |line: &TimedMessage| line.fingerprint.role == Role::Assistant;
        // Answers at the very end are there for the model to go on from.
        let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
        let answered = lines[..end].iter().rposition(is_answer).map_or(0, |last| last + 1);
        // So are the results of its calls that came then.
        let is_past = |line: &&TimedMessage| {
            let answers = &line.fingerprint.answers;
            line.fingerprint.role == Role::Tool
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
    fn hear(&mut self, conversation: usize, placed: &PlacedExchange, new_messages: &[NewMessage]) {
        for new_message in new_messages {
            match &new_message.by {
                // Given here, although only this prompt tells it.
                Some(_) => self.conversations.answer(conversation, vec![keyed(new_message.line)], None),
                None => self.conversations.hear(conversation, keyed(new_message.line)),
            }
        }
        self.say(conversation, placed, new_messages);
    }

    /// Says lines that were noted.
    fn say(&mut self, conversation: usize, placed: &PlacedExchange, new_messages: &[NewMessage]) {
        let conversation = &mut self.conversations.all[conversation];
        let together = |left: &NewMessage, right: &NewMessage| {
            let roles = (left.line.fingerprint.role, right.line.fingerprint.role);
            match roles {
                (Role::Tool, Role::Tool) => (left.history, left.rewritten) == (right.history, right.rewritten),
                // What is sent back stays as it was sent.
                (Role::Assistant, Role::Assistant) => {
                    !left.history && !right.history && are_one(&left.line.message, &right.line.message)
                }
                _ => false,
            }
        };
        for new_messages in new_messages.chunk_by(together) {
            let Some(first) = new_messages.first() else { continue };
            let lines: Vec<&TimedMessage> = new_messages.iter().map(|new_message| new_message.line).collect();
            let (span, turn, at) = match &first.by {
                Some(told) => (told.span, told.turn, told.ended.unwrap_or(first.line.at)),
                None => (placed.span, placed.turn, lines.iter().map(|line| line.at).min().unwrap_or(first.line.at)),
            };
            let message = match (first.line.fingerprint.role, &lines[..]) {
                (Role::Tool, _) => results(&lines, |id| conversation.number(hash(id))),
                (_, [one]) => Arc::clone(&one.message),
                (role, lines) => {
                    let parts = lines.iter().flat_map(|line| &line.message.parts).cloned().collect();
                    Arc::new(Message { role, name: first.line.message.name.clone(), parts })
                }
            };
            let (history, rewritten) = (first.history, first.rewritten);
            conversation.say(ConversationMessage { message, at, span, turn, history, rewritten }, new_messages.len());
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

fn keys(keyed_messages: &[KeyedMessage]) -> Vec<Option<ContentHash>> {
    keyed_messages.iter().map(|keyed| keyed.fingerprint.key).collect()
}

fn keyed(line: &TimedMessage) -> KeyedMessage {
    KeyedMessage { message: Arc::clone(&line.message), fingerprint: Rc::clone(&line.fingerprint) }
}

/// The new lines of a prompt. What ends with an answer that nobody here gave was not said here either, and what stands
/// before the anchor and is not known was put there in place of something else.
fn added<'l>(
    conversation: &OpenConversation,
    lines: &'l [TimedMessage],
    new: &[usize],
    after: usize,
    unanswered: Option<&Told>,
) -> Vec<NewMessage<'l>> {
    let is_answer = |at: usize| lines[at].fingerprint.role == Role::Assistant;
    let end = (0..lines.len()).rev().find(|at| !is_answer(*at)).map_or(0, |last| last + 1);
    // The answer to an earlier call that told none itself: it comes right after that call's prompt.
    let told = unanswered.map_or(0, |_| (after..end).take_while(|at| is_answer(*at)).count());
    let given = after..after + told;
    // The first result of a call that was made here is none that stands for another one.
    let is_result = |at: usize| lines[at].fingerprint.answered.iter().any(|call| conversation.number(*call).is_some());
    let foreign = new.iter().copied().filter(|at| *at < end && is_answer(*at) && !given.contains(at)).max();
    let say = |at: &usize| {
        let by = unanswered.filter(|_| given.contains(at)).cloned();
        let rewritten = *at < after && !is_result(*at);
        let history = rewritten || (by.is_none() && foreign.is_some_and(|last| *at <= last));
        NewMessage { line: &lines[*at], history, rewritten, by }
    };
    new.iter().map(say).collect()
}

/// Results as one message, in the order of their calls where that is known.
fn results(lines: &[&TimedMessage], number: impl Fn(&str) -> Option<usize>) -> Arc<Message> {
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
fn unmarked_answer(lines: &mut Vec<TimedMessage>) -> Vec<TimedMessage> {
    let is_answer = |line: &TimedMessage| line.fingerprint.role == Role::Assistant;
    let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
    lines.split_off(end)
}

/// Takes an answer off a prompt that ends with the very answer it got.
fn drop_answer(lines: &mut Vec<TimedMessage>, completion: &[TimedMessage]) {
    let is_answer = |line: &&TimedMessage| line.fingerprint.role == Role::Assistant;
    let key = |lines: &[TimedMessage]| lines.iter().filter_map(|line| line.fingerprint.key).reduce(ContentHash::then);
    let run = lines.iter().rev().take_while(is_answer).count();
    let start = lines.len() - run;
    if run > 0 && key(completion).is_some() && key(&lines[start..]) == key(completion) {
        lines.truncate(start);
    }
}
