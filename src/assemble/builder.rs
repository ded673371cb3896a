//! Places the exchanges of a trace in conversations, in the order of their start (`conversations.md` 5, 6).
//!
//! Everything that other records have of an exchange was added to it before ([`super::exchanges`]). The prompt of a call
//! is matched with the conversations so far, and only the messages that its conversation does not hold yet are placed:
//!
//! ```text
//!   a call ─▶ the same prompt was sent before?      ─ yes ▶ place its answer: another attempt or sample
//!          ─▶ its prompt continues a conversation?  ─ yes ▶ place what is new in its prompt, and its answer
//!          ─▶ else                                        ▶ open a conversation: place its prompt and its answer
//!
//!   the messages of an agent, workflow or tool, none of whose calls has any ▶ a conversation as they are
//! ```

use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::{
    collected_exchange::{CollectedExchange, StandaloneExchange},
    continuation::{Continuation, continuation},
    conversations::{Conversations, FailedPrompt, PlacedCall},
    exchange::TimedMessage,
    hashes::{CallIdHash, SystemHash},
    later_details,
    new_in_prompt::new_in_prompt,
    open_conversation::OpenConversation,
    prepared_exchange::{PlacedExchange, PreparedExchange, keyed, keys},
    provenance::Provenance,
    returned_results::ReturnedResult,
    session_history::SessionHistory,
    shown_messages::{PlacedMessage, Shown},
};
use crate::model::{Content, ConversationMessage, Message, Part, Role, SpanId, Timestamp};

/// A conversation with all its messages.
#[derive(Debug)]
pub struct BuiltConversation {
    /// The node of the nearest agent or tool around its first call; `None` where there is none.
    pub scope: Option<usize>,
    /// The agent's name; `None` where it is unknown.
    pub agent: Option<String>,
    /// The span that identifies the conversation: that of its first call, or of the agent or workflow where no call has
    /// messages.
    pub first: SpanId,
    /// The node of the first call, or of that agent or workflow.
    pub node: usize,
    /// When that node began.
    pub started: Timestamp,
    /// The messages in order.
    pub messages: Vec<PlacedMessage>,
}

/// Places all exchanges of a trace; conversations are in the order in which they were opened.
///
/// `exchanges` are in the order of their start. `history` is what earlier traces of the session hold. `forks` are the
/// calls that open conversations although their prompts continue another, as [`super::forks::forks`] gives them.
pub fn build(
    exchanges: &[CollectedExchange],
    history: &SessionHistory,
    forks: &HashMap<usize, usize>,
) -> Vec<BuiltConversation> {
    let mut builder = ConversationBuilder { conversations: Conversations::default(), history, forks };
    for exchange in exchanges {
        match exchange {
            CollectedExchange::Call(call) => builder.place_call(call),
            CollectedExchange::Standalone(standalone) => builder.place_standalone(standalone),
        }
    }
    let built = builder.conversations.all.into_iter().map(|conversation| {
        let OpenConversation { scope, agent, first, node, started, messages, entries, .. } = conversation;
        let messages = messages.finish(|id| entries.number(id));
        BuiltConversation { scope, agent, first, node, started, messages }
    });
    built.filter(|conversation| !conversation.messages.is_empty()).collect()
}

/// The conversations of one trace, in which one exchange after another is placed.
#[derive(Debug)]
struct ConversationBuilder<'s> {
    /// The conversations so far.
    conversations: Conversations,
    /// As in [`build`].
    history: &'s SessionHistory,
    /// As in [`build`].
    forks: &'s HashMap<usize, usize>,
}

/// A message that is to be shown.
struct NewMessage<'l> {
    line: &'l TimedMessage,
    /// It came with a request and was not produced in this trace.
    history: bool,
    /// It stands in the place of earlier messages: a summary, a shortened message. Such a message is history, too.
    rewritten: bool,
    /// Results of its tool calls that no request carries.
    results: &'l [ReturnedResult],
    /// The earlier call whose answer it is, where that was not recorded with the call; `None` for any other message.
    by: Option<PlacedCall>,
}

impl<'l> NewMessage<'l> {
    /// A message of the call that is being placed.
    fn new(line: &'l TimedMessage) -> Self {
        Self { line, history: false, rewritten: false, results: &[], by: None }
    }
}

impl ConversationBuilder<'_> {
    /// Places a call in the conversation that it continues, or in one of its own.
    fn place_call(&mut self, call: &PreparedExchange) {
        let PreparedExchange { placed, system, completion, prompt, chain, in_force, additions, .. } = call;
        later_details::add_calls(&mut self.conversations, placed, prompt, chain);
        let (conversation, mut new_messages) = self.match_prompt(call);
        if placed.is_partial {
            // What stood before them is lost, and nothing says that they stand in its place.
            for new_message in &mut new_messages {
                new_message.rewritten = false;
            }
        }
        let open = &mut self.conversations.all[conversation];
        open.kept_elsewhere |= !prompt.is_empty() && prompt.iter().all(|keyed| keyed.fingerprint.role == Role::Tool);
        let is_first = open.messages.all().is_empty();
        let changed: Vec<NewMessage> =
            open.changed(placed.agent.as_deref(), system).into_iter().map(NewMessage::new).collect();
        if is_first {
            self.show(conversation, placed, &additions.instructions, Provenance::AgentSpan);
        }
        self.append_prompt(conversation, placed, &changed);
        self.show(conversation, placed, &additions.question, Provenance::WorkflowSpan);
        self.append_prompt(conversation, placed, &new_messages);
        let placed_call = PlacedCall {
            conversation,
            scope: placed.scope,
            step: placed.step,
            model: placed.model,
            question: call.question().iter().map(|keyed| Rc::clone(&keyed.fingerprint)).collect(),
            turn: placed.turn,
            span: placed.span,
            ended: placed.ended,
            failed: placed.failed,
            answers: completion.len(),
            system: SystemHash::of(in_force),
            entries: self.conversations.all[conversation].entries.len(),
        };
        let failed = || FailedPrompt { conversation, system: in_force.clone(), prompt: keys(prompt) };
        self.conversations.note_call(placed_call, chain, placed.failed.then(failed));
        let followed = prompt.last().and_then(|last| last.fingerprint.key);
        self.conversations.answer(conversation, completion.iter().map(keyed).collect(), followed);
        let results = |at: usize| additions.results.get(&at).map(Vec::as_slice).unwrap_or_default();
        let answer = completion.iter().enumerate();
        let answer: Vec<NewMessage> =
            answer.map(|(at, line)| NewMessage { results: results(at), ..NewMessage::new(line) }).collect();
        self.append(conversation, placed, &answer);
        self.show(conversation, placed, &additions.answer, Provenance::AgentSpan);
        let conversation = &mut self.conversations.all[conversation];
        conversation.step = placed.step;
        conversation.ended = conversation.ended.zip(placed.ended).map(|(before, now)| before.max(now));
    }

    /// Finds the conversation of a call, or opens one, and which messages of the prompt are new in it.
    fn match_prompt<'l>(&mut self, call: &'l PreparedExchange) -> (usize, Vec<NewMessage<'l>>) {
        let PreparedExchange { placed, lines, prompt, chain, .. } = call;
        let fork = self.forks.get(&placed.turn).copied();
        match fork.map_or_else(|| continuation(&self.conversations, call), |_| Continuation::Opens) {
            Continuation::SamePrompt(conversation) => (conversation, Vec::new()),
            Continuation::Anchored(anchor, unanswered) => {
                let entries = &self.conversations.all[anchor.conversation].entries;
                let new = new_in_prompt(entries, prompt, Some((anchor.after, anchor.entry)));
                later_details::add_reasoning_and_ids(&mut self.conversations, anchor, lines);
                let conversation = &self.conversations.all[anchor.conversation];
                (anchor.conversation, new_messages(conversation, lines, &new, anchor.after, unanswered.as_ref()))
            }
            Continuation::Unanchored(conversation) => {
                let open = &mut self.conversations.all[conversation];
                let new = new_in_prompt(&open.entries, prompt, None);
                open.messages.add_call_ids_of(lines);
                let mut new_messages = new_messages(open, lines, &new, 0, None);
                for new_message in &mut new_messages {
                    new_message.rewritten = new_message.history;
                }
                (conversation, new_messages)
            }
            Continuation::Opens => {
                let history = self.history.count(lines, prompt, chain).max(fork.unwrap_or_default());
                let new_message = |(at, line)| NewMessage { history: at < history, ..NewMessage::new(line) };
                (self.open(call), lines.iter().enumerate().map(new_message).collect())
            }
        }
    }

    /// Opens a conversation without messages for a call; returns its index.
    fn open(&mut self, call: &PreparedExchange) -> usize {
        let PlacedExchange { scope, agent, span, node, started, .. } = &call.placed;
        let mut conversation = OpenConversation::new(*scope, agent.clone(), (*span, *node), *started);
        conversation.had_history = call.prompt.iter().any(|keyed| keyed.fingerprint.role == Role::Assistant);
        self.conversations.open(conversation)
    }

    /// Opens a conversation with messages that no call has, as they are.
    fn place_standalone(&mut self, standalone: &StandaloneExchange) {
        let StandaloneExchange { scope, agent, first, node, started, messages } = standalone;
        let mut conversation = OpenConversation::new(*scope, agent.clone(), (*first, *node), *started);
        for PlacedMessage { shown, provenance } in messages {
            conversation.messages.append(vec![shown.clone()], [Shown::default()], *provenance, |_| None);
        }
        self.conversations.open(conversation);
    }

    /// Shows messages with a call that its own records lack. They are no entries: later prompts do not repeat them.
    fn show(&mut self, conversation: usize, placed: &PlacedExchange, lines: &[TimedMessage], provenance: Provenance) {
        let shown = |line: &TimedMessage| {
            ConversationMessage::new(Arc::clone(&line.message), line.at, placed.span, placed.turn)
        };
        let OpenConversation { messages, entries, .. } = &mut self.conversations.all[conversation];
        let belongings = lines.iter().map(|_| Shown::default());
        messages.append(lines.iter().map(shown).collect(), belongings, provenance, |id| entries.number(id));
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
        let OpenConversation { messages, entries, .. } = &mut self.conversations.all[conversation];
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
        let chunks = || new_messages.chunk_by(together);
        let shown = chunks().map(|chunk| shown(placed, chunk, |id| entries.number(CallIdHash::of(id)))).collect();
        let belongings = chunks().map(|chunk| Shown {
            entries: chunk.len(),
            results: chunk.iter().flat_map(|new_message| new_message.results).cloned().collect(),
            ends: placed.sums_up,
        });
        messages.append(shown, belongings, Provenance::ModelCall, |id| entries.number(id));
    }
}

/// Whether two messages are pieces of one answer: some APIs give reasoning, text and each tool call as a message of its
/// own.
fn are_one(before: &Message, after: &Message) -> bool {
    let all = |message: &Message, is: fn(&Content) -> bool| message.parts.iter().all(|part| is(&part.content));
    let reasons = all(before, |what| matches!(what, Content::Reasoning(_)));
    let calls = all(after, |what| matches!(what, Content::Call(_)));
    (reasons || calls) && before.name == after.name
}

/// One shown message for new messages that belong together. `number` gives the place of a tool call among those of the
/// conversation, by its id.
fn shown(placed: &PlacedExchange, chunk: &[NewMessage], number: impl Fn(&str) -> Option<usize>) -> ConversationMessage {
    let first = &chunk[0];
    let lines: Vec<&TimedMessage> = chunk.iter().map(|new_message| new_message.line).collect();
    let (span, turn, at) = match &first.by {
        Some(earlier) => (earlier.span, earlier.turn, earlier.ended.unwrap_or(first.line.at)),
        None => (placed.span, placed.turn, lines.iter().map(|line| line.at).min().unwrap_or(first.line.at)),
    };
    let message = match (first.line.fingerprint.role, &lines[..]) {
        (Role::Tool, _) => results(&lines, number),
        (_, [one]) => Arc::clone(&one.message),
        (role, lines) => {
            let parts = lines.iter().flat_map(|line| &line.message.parts).cloned().collect();
            Arc::new(Message { role, name: first.line.message.name.clone(), parts })
        }
    };
    ConversationMessage { message, at, span, turn, history: first.history, rewritten: first.rewritten }
}

/// The new messages of a prompt, as they are to be shown.
///
/// `new` are their indexes in `lines`, and `after` is the first index after the anchor. Where an answer among them was
/// not given by a call here, everything up to it is history. What is new before the anchor stands in the place of
/// earlier messages. `unanswered` is the call whose answer may follow the anchor.
fn new_messages<'l>(
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
    let is_result =
        |at: usize| lines[at].fingerprint.result_ids.iter().any(|call| conversation.entries.number(*call).is_some());
    let foreign = new.iter().copied().filter(|at| *at < end && is_answer(*at) && !given.contains(at)).max();
    let new_message = |at: &usize| {
        let by = unanswered.filter(|_| given.contains(at)).cloned();
        let rewritten = *at < after && !is_result(*at);
        let history = rewritten || (by.is_none() && foreign.is_some_and(|last| *at <= last));
        NewMessage { history, rewritten, by, ..NewMessage::new(&lines[*at]) }
    };
    new.iter().map(new_message).collect()
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
