//! Replays the model calls of a trace in the order of their start. The prompt of each is matched to a conversation, and
//! only the messages that this conversation does not hold yet are added to it (`conversations.md` 5, 6).
//!
//! ```text
//!   a call ─▶ the same prompt was sent before?      ─ yes ▶ add its answer: another attempt or sample
//!          ─▶ its prompt continues a conversation?  ─ yes ▶ add what is new in its prompt, and its answer
//!          ─▶ else                                        ▶ open a conversation: add its prompt and its answer
//! ```

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use super::{
    conversations::{Anchor, Chain, Conversations, PlacedCall},
    exchange::TimedMessage,
    fingerprint::{ContentHash, KeyedMessage},
    open_conversation::{OpenConversation, new_in_prompt},
    prepared_exchange::{PlacedExchange, PreparedExchange, keyed},
    text_hash::hash,
};
use crate::model::{Content, ConversationMessage, Message, Part, Role, ToolCall};

/// How a call continues what was added before. Conversations are given by their index.
enum Continuation {
    /// The same prompt was sent before in this conversation: only the answer is new.
    Again(usize),
    /// It continues a conversation from an anchor. The earlier call is given where the anchor is the end of its prompt
    /// and its answer was not recorded: then this prompt may have that answer.
    GoesOn(Anchor, Option<PlacedCall>),
    /// It continues this conversation, although its prompt repeats nothing of it.
    Stays(usize),
    /// It opens a conversation.
    Opens,
}

/// The conversations of one trace, to which one call after another is added.
#[derive(Debug)]
pub struct ConversationBuilder<'s> {
    /// The conversations so far.
    pub conversations: Conversations,
    /// Hashes of what earlier traces of the session hold, of three kinds: whole prompts (see [`Chain`]); what followed
    /// the last answer in each prompt, with that answer (see [`last`]); ids of tool results (see [`result_key`]).
    past: &'s HashSet<u64>,
    /// The hashes of the first two kinds for this trace.
    pub prompts: Vec<u64>,
    /// For each scope the prompt of its latest call, if that call failed.
    failed: HashMap<Option<usize>, FailedPrompt>,
    /// The calls that open conversations although their prompts continue another, as [`super::forks::forks`] gives
    /// them.
    forks: HashMap<usize, usize>,
}

/// The prompt of a failed call as keys, and the conversation that it is in.
#[derive(Debug)]
struct FailedPrompt {
    conversation: usize,
    system: Vec<Option<ContentHash>>,
    prompt: Vec<Option<ContentHash>>,
}

/// A message that is to be shown.
struct NewMessage<'l> {
    line: &'l TimedMessage,
    /// It came with a request and was not produced in this trace.
    history: bool,
    /// It stands in the place of earlier messages: a summary, a shortened message. Such a message is history, too.
    rewritten: bool,
    /// The earlier call whose answer it is, where that was not recorded with the call; `None` for any other message.
    by: Option<PlacedCall>,
}

impl<'l> NewMessage<'l> {
    /// A message of the call that is being added.
    fn new(line: &'l TimedMessage) -> Self {
        Self { line, history: false, rewritten: false, by: None }
    }
}

impl<'s> ConversationBuilder<'s> {
    /// A builder without conversations; for the arguments see the fields.
    pub fn new(past: &'s HashSet<u64>, forks: HashMap<usize, usize>) -> Self {
        Self { conversations: Conversations::default(), past, prompts: Vec::new(), failed: HashMap::new(), forks }
    }

    /// Adds a call to the conversation that it continues, or to one of its own. Calls must come in the order of their
    /// start.
    pub fn add(&mut self, prepared: &PreparedExchange) {
        let PreparedExchange { placed, system, lines, completion, prompt, chain, in_force } = prepared;
        self.complete(placed, prompt, chain);
        let (conversation, new_messages) = match self.meet(prepared) {
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
                for new_message in &mut new_messages {
                    new_message.rewritten = new_message.history;
                }
                (conversation, new_messages)
            }
            Continuation::Opens => {
                let handed = self.forks.get(&placed.turn).copied().unwrap_or_default();
                let known = self.count_history(lines, prompt, chain).max(handed);
                let say = |(at, line)| NewMessage { history: at < known, ..NewMessage::new(line) };
                (self.open(prepared), lines.iter().enumerate().map(say).collect())
            }
        };
        let brings_results = !prompt.is_empty() && prompt.iter().all(|keyed| keyed.fingerprint.role == Role::Tool);
        self.conversations.all[conversation].kept_elsewhere |= brings_results;
        let changed = self.conversations.all[conversation].changed(placed.agent.as_deref(), system);
        let changed: Vec<NewMessage> = changed.into_iter().map(NewMessage::new).collect();
        self.append_prompt(conversation, placed, &changed);
        self.append_prompt(conversation, placed, &new_messages);
        self.prompts.extend(chain.whole());
        let answered = prompt.iter().rposition(|keyed| keyed.fingerprint.role == Role::Assistant);
        self.prompts.extend(answered.and_then(|answered| Chain::of(&prompt[answered..]).whole()).map(last));
        self.conversations.note_call(
            PlacedCall {
                conversation,
                scope: placed.scope,
                step: placed.step,
                model: placed.model,
                question: prepared.question().iter().map(|keyed| Rc::clone(&keyed.fingerprint)).collect(),
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
        self.append(conversation, placed, &answers);
        let conversation = &mut self.conversations.all[conversation];
        conversation.step = placed.step;
        conversation.ended = conversation.ended.zip(placed.ended).map(|(before, now)| before.max(now));
    }

    /// Opens a conversation without messages for a call; returns its index.
    fn open(&mut self, prepared: &PreparedExchange) -> usize {
        let PlacedExchange { scope, agent, span, node, started, .. } = &prepared.placed;
        let mut conversation = OpenConversation::new(*scope, agent.clone(), (*span, *node), *started);
        conversation.had_history = prepared.prompt.iter().any(|keyed| keyed.fingerprint.role == Role::Assistant);
        self.conversations.open(conversation)
    }

    /// The conversation of an earlier call of which this one is another attempt or sample; `None` where there is no
    /// such call.
    ///
    /// The earlier call has the same system prompt and an equal prompt, its question to the letter, and the same scope
    /// or agent. In the same scope this call is another attempt if the earlier one was the latest and failed; a sample
    /// if the two overlap in time within one step, with one model and a prompt that is not cut; and another attempt if
    /// the prompt continues from an answer that was given in that conversation. In another scope of the agent, only the
    /// first of these counts. Anything else is asked anew: a service that keeps no history and is asked "ping" twice
    /// has two conversations.
    fn asked_before(&self, prepared: &PreparedExchange) -> Option<usize> {
        let PreparedExchange { placed, prompt, chain, in_force, .. } = prepared;
        let question = prepared.question();
        let is_cut = question.iter().any(|keyed| keyed.fingerprint.truncated);
        let goes_on = LazyCell::new(|| {
            let anchor = self.conversations.anchor(prompt, prepared.seeker())?;
            (anchor.after > 0 && prompt[anchor.after - 1].fingerprint.role == Role::Assistant)
                .then_some(anchor.conversation)
        });
        let system = hash(in_force);
        let mut newest = true;
        for earlier in self.conversations.asked_before(chain) {
            let same_scope = earlier.scope == placed.scope;
            let same_agent =
                placed.agent.is_some() && self.conversations.all[earlier.conversation].agent == placed.agent;
            if earlier.system != system || !(same_scope || same_agent) {
                continue;
            }
            let is_letter_for_letter = earlier.question.len() != question.len()
                || earlier.question.iter().zip(question).all(|(left, right)| left.is_exactly(&right.fingerprint));
            let overlaps = earlier.ended.is_none_or(|ended| placed.started < ended);
            let fits = if same_scope {
                // Equal prompts of several steps of a workflow, or to several models, at one time are no samples of one
                // call.
                let is_sample = || overlaps && earlier.step == placed.step && earlier.model == placed.model && !is_cut;
                (earlier.failed && newest)
                    || is_sample()
                    || (!overlaps && !is_cut && *goes_on == Some(earlier.conversation))
            } else {
                earlier.failed && newest && !overlaps
            };
            if fits && is_letter_for_letter {
                return Some(earlier.conversation);
            }
            newest = false;
        }
        None
    }

    /// Decides how a call continues, by the surest evidence first.
    fn meet(&self, prepared: &PreparedExchange) -> Continuation {
        let PreparedExchange { placed, prompt, chain, in_force: system, .. } = prepared;
        if self.forks.contains_key(&placed.turn) {
            return Continuation::Opens;
        }
        let conversation = |earlier: &PlacedCall| &self.conversations.all[earlier.conversation];
        let same_agent = |earlier: &PlacedCall| placed.agent.is_some() && conversation(earlier).agent == placed.agent;
        let overlaps = |earlier: &PlacedCall| earlier.ended.is_none_or(|ended| placed.started < ended);
        if let Some(conversation) = self.asked_before(prepared) {
            return Continuation::Again(conversation);
        }
        // The latest call of this scope failed, and its prompt ends with this one: it was too long, and is sent again
        // without its beginning.
        if let Some(refused) = self.failed.get(&placed.scope)
            && refused.system == *system
            && prompt.last().is_some_and(|keyed| keyed.fingerprint.key.is_some())
            && refused.prompt.ends_with(&keys(prompt))
        {
            return Continuation::Again(refused.conversation);
        }
        let anchor = self.conversations.anchor(prompt, prepared.seeker());
        let begun = self.conversations.begun(chain, |earlier| earlier.scope == placed.scope || same_agent(earlier));
        // The anchor is an answer or a result; `begun` is the end of an earlier prompt. The later place in this prompt
        // is taken, for a call that failed has left nothing but its prompt.
        let met = anchor.map_or(0, |anchor| anchor.after);
        let is_open = |earlier: &PlacedCall| earlier.answers == 0 && !earlier.failed && !overlaps(earlier);
        // Of equal places that of the earlier prompt is taken where its answer was not recorded: what follows it here
        // is that answer.
        let knows_more = |(after, call): &(usize, usize)| {
            let earlier = &self.conversations.calls[*call];
            *after > met || (*after == met && is_open(earlier))
        };
        if let Some((after, call)) = begun.filter(knows_more) {
            let earlier = &self.conversations.calls[call];
            let unanswered = is_open(earlier).then(|| earlier.clone());
            return Continuation::GoesOn(
                Anchor { conversation: earlier.conversation, after, entry: earlier.entries },
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

    /// Adds the tool calls to an earlier answer that was recorded as text alone, where this prompt repeats that answer
    /// with its calls.
    fn complete(&mut self, placed: &PlacedExchange, prompt: &[KeyedMessage], chain: &Chain) {
        let conversations = &self.conversations;
        let same_agent = |earlier: &PlacedCall| {
            placed.agent.is_some() && conversations.all[earlier.conversation].agent == placed.agent
        };
        let Some((after, call)) =
            conversations.begun(chain, |earlier| earlier.scope == placed.scope || same_agent(earlier))
        else {
            return;
        };
        let earlier = conversations.calls[call].clone();
        let whole: Vec<KeyedMessage> =
            prompt[after..].iter().take_while(|keyed| keyed.fingerprint.role == Role::Assistant).cloned().collect();
        let key = |keyed_messages: &[KeyedMessage]| {
            keyed_messages.iter().filter_map(|keyed| keyed.fingerprint.key).reduce(ContentHash::then)
        };
        let answer = conversations.all[earlier.conversation]
            .entries
            .get(earlier.entries..earlier.entries + earlier.answers)
            .unwrap_or_default();
        let (Some(words), Some(all)) = (key(answer), key(&whole)) else { return };
        if !all.calls_after(&words) {
            return;
        }
        let parts = whole.iter().flat_map(|keyed| &keyed.message.parts);
        let calls: Vec<Part> = parts.filter(|part| matches!(part.content, Content::Call(_))).cloned().collect();
        let entries = whole.len();
        self.conversations.answer(
            earlier.conversation,
            whole,
            prompt[..after].last().and_then(|last| last.fingerprint.key),
        );
        self.conversations.all[earlier.conversation].call(
            earlier.entries + earlier.answers - 1,
            calls.into_iter(),
            entries,
        );
    }

    /// Adds to the answer before the anchor what some senders send only with the next prompt: its reasoning, and the
    /// ids of its tool calls.
    fn recall(&mut self, anchor: Anchor, lines: &[TimedMessage]) {
        // Between the answer and the anchor there may be results.
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
            self.conversations.all[anchor.conversation].add_reasoning(entry, &thought);
        }
    }

    /// The number of messages at the beginning of the first prompt of a conversation that are history.
    fn count_history(&self, lines: &[TimedMessage], prompt: &[KeyedMessage], chain: &Chain) -> usize {
        let is_answer = |line: &TimedMessage| line.fingerprint.role == Role::Assistant;
        // Answers at the very end are a prefill, from which the model goes on; they are new.
        let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
        let answered = lines[..end].iter().rposition(is_answer).map_or(0, |last| last + 1);
        // Results after the last answer are history where an earlier trace has all of them.
        let is_past = |line: &&TimedMessage| {
            let answers = &line.fingerprint.answers;
            line.fingerprint.role == Role::Tool
                && !answers.is_empty()
                && answers.iter().all(|id| self.past.contains(&result_key(*id)))
        };
        let answered = answered + lines[answered..].iter().take_while(is_past).count();
        // A question without an answer is history as well where it is the whole prompt of an earlier trace, and this
        // prompt has more.
        let asked = chain.beginnings().find(|(_, chain)| self.past.contains(chain)).map_or(0, |(after, _)| after);
        // The same, where what stood before the last answer was left out since.
        let asked_last = || {
            let tails = Chain::of(prompt.get(answered.checked_sub(1)?..)?);
            tails.beginnings().find(|(_, tail)| self.past.contains(&last(*tail))).map(|(after, _)| answered - 1 + after)
        };
        answered.max(asked).max(asked_last().unwrap_or_default())
    }

    /// Adds messages of a prompt to a conversation: to its entries, and to what is shown.
    fn append_prompt(&mut self, conversation: usize, placed: &PlacedExchange, new_messages: &[NewMessage]) {
        for new_message in new_messages {
            match &new_message.by {
                // An answer that was given in this trace, although only this prompt has it.
                Some(_) => self.conversations.answer(conversation, vec![keyed(new_message.line)], None),
                None => self.conversations.note_prompt(conversation, keyed(new_message.line)),
            }
        }
        self.append(conversation, placed, new_messages);
    }

    /// Adds messages that are entries already to those that are shown.
    fn append(&mut self, conversation: usize, placed: &PlacedExchange, new_messages: &[NewMessage]) {
        let conversation = &mut self.conversations.all[conversation];
        // Neighbours that are shown as one message: results, and the pieces of one answer.
        let together = |left: &NewMessage, right: &NewMessage| {
            let roles = (left.line.fingerprint.role, right.line.fingerprint.role);
            match roles {
                (Role::Tool, Role::Tool) => (left.history, left.rewritten) == (right.history, right.rewritten),
                // Answers that are history stay as they were sent.
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
                Some(earlier) => (earlier.span, earlier.turn, earlier.ended.unwrap_or(first.line.at)),
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
            conversation.push(ConversationMessage { message, at, span, turn, history, rewritten }, new_messages.len());
        }
    }
}

/// Whether two messages are pieces of one answer: some APIs give reasoning, text and each tool call as a message of its
/// own.
fn are_one(before: &Message, after: &Message) -> bool {
    let all = |message: &Message, is: fn(&Content) -> bool| message.parts.iter().all(|part| is(&part.content));
    let thinks = all(before, |what| matches!(what, Content::Reasoning(_)));
    let calls = all(after, |what| matches!(what, Content::Call(_)));
    (thinks || calls) && before.name == after.name
}

/// Marks the id of the tool call that a result answers, among the hashes of earlier traces.
pub fn result_key(id: u64) -> u64 {
    hash(("result", id))
}

/// Marks the hash of what ends a prompt, from its last answer on, among the hashes of earlier traces.
fn last(tail: u64) -> u64 {
    hash(("last", tail))
}

/// The key of each message.
fn keys(keyed_messages: &[KeyedMessage]) -> Vec<Option<ContentHash>> {
    keyed_messages.iter().map(|keyed| keyed.fingerprint.key).collect()
}

/// The new messages of a prompt, as they are to be shown.
///
/// `new` are their indexes in `lines`, and `after` is the first index after the anchor. Where an answer among them was
/// not given by a call here, everything up to it is history. What is new before the anchor stands in the place of
/// earlier messages. `unanswered` is the call whose answer may follow the anchor.
fn added<'l>(
    conversation: &OpenConversation,
    lines: &'l [TimedMessage],
    new: &[usize],
    after: usize,
    unanswered: Option<&PlacedCall>,
) -> Vec<NewMessage<'l>> {
    let is_answer = |at: usize| lines[at].fingerprint.role == Role::Assistant;
    let end = (0..lines.len()).rev().find(|at| !is_answer(*at)).map_or(0, |last| last + 1);
    // The answer of `unanswered` is all messages of the assistant right after the prompt of that call.
    let earlier = unanswered.map_or(0, |_| (after..end).take_while(|at| is_answer(*at)).count());
    let given = after..after + earlier;
    // The result of a tool call that the conversation holds is new, and stands in the place of no other message.
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

/// Several results as one message, in the order of their tool calls if the conversation holds all of these.
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
