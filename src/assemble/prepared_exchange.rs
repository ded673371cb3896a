//! A model call with its place in the trace, and its messages in the form in which conversations compare them.

use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::{
    content_hash::ContentHash,
    conversations::{Chain, Seeker},
    exchange::{Exchange, TimedMessage},
    fingerprint::KeyedMessage,
    hashes::ModelHash,
    returned_results::ReturnedResult,
};
use crate::model::{Role, SpanId, Timestamp};

/// A counted call with its messages, and its place in the span tree.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is so or not, whatever the others are")]
pub struct PlacedExchange {
    /// Its index among the counted calls of the trace, [`crate::model::AssembledTrace::calls`].
    pub turn: usize,
    /// The span that counts for the call.
    pub span: SpanId,
    /// The index of its node in the span tree.
    pub node: usize,
    /// The node of the nearest agent or tool around it; `None` where there is none.
    pub scope: Option<usize>,
    /// The node of its parent span; `None` where it has none.
    pub step: Option<usize>,
    /// Whether `scope` is an agent.
    pub in_agent: bool,
    /// It is no call but stands for several: an agent's span with all that its calls said.
    pub sums_up: bool,
    /// The name of the agent that made the call; `None` where it is unknown.
    pub agent: Option<String>,
    /// The hash of the model name; `None` where it is unknown.
    pub model: Option<ModelHash>,
    /// When its span began.
    pub started: Timestamp,
    /// `None` while it runs.
    pub ended: Option<Timestamp>,
    /// Whether its span failed, or it has an error and no answer.
    pub failed: bool,
    /// Whether its sender threw away some of its records: what is not in its prompt may have been sent all the same.
    pub is_partial: bool,
    /// What was sent and what came back.
    pub exchange: Exchange,
}

/// A call with its messages in the form in which they are compared.
#[derive(Debug)]
pub struct PreparedExchange {
    /// The call; its `exchange` was moved to the fields below, and is empty.
    pub placed: PlacedExchange,
    /// Its system messages.
    pub system: Vec<TimedMessage>,
    /// Its prompt without the system messages, and without the answer where a sender lists that there.
    pub lines: Vec<TimedMessage>,
    /// Its answer; empty where the call failed.
    pub completion: Vec<TimedMessage>,
    /// The messages of `lines` without their times.
    pub prompt: Vec<KeyedMessage>,
    /// The hashes of the beginnings of `prompt`.
    pub chain: Chain,
    /// The keys of `system`; `None` for a message that cannot be compared.
    pub in_force: Vec<Option<ContentHash>>,
    /// What other records have of this exchange.
    pub additions: Additions,
}

/// Messages of an exchange that its own records lack and other records have.
///
/// They are shown with the exchange, and are not compared with the prompts of later calls.
#[derive(Debug, Default)]
pub struct Additions {
    /// The system messages of the agent span around the call. They are shown where the call opens a conversation.
    pub instructions: Vec<TimedMessage>,
    /// What the user asked, from the span of a workflow around the call. It is shown before the prompt.
    pub question: Vec<TimedMessage>,
    /// Results that tools returned, by the index in [`PreparedExchange::completion`] of the message with their calls.
    /// They are shown after the answer.
    pub results: HashMap<usize, Vec<ReturnedResult>>,
    /// The answer of the agent span around the call. It is shown after the call's own.
    pub answer: Vec<TimedMessage>,
}

impl PreparedExchange {
    /// Prepares the messages of a call; `None` where it has none.
    pub fn new(mut placed: PlacedExchange) -> Option<Self> {
        let Exchange { system, prompt: mut lines, mut completion, answer_unmarked, is_conversation } =
            std::mem::take(&mut placed.exchange);
        if placed.failed {
            completion.clear();
        } else if completion.is_empty() && answer_unmarked && placed.ended.is_some() {
            completion = unmarked_answer(&mut lines);
        }
        // A prompt may end with its own answer where a sender does not mark the answer, or where it is the input of a
        // function: the state of a program, which has the answer by then. What was sent to a model never does.
        if answer_unmarked || !is_conversation[0] {
            drop_answer(&mut lines, &completion);
        }
        if system.is_empty() && lines.is_empty() && completion.is_empty() {
            return None;
        }
        let prompt: Vec<KeyedMessage> = lines.iter().map(keyed).collect();
        let chain = Chain::of(&prompt);
        let in_force = system.iter().map(|line| line.fingerprint.key).collect();
        Some(Self { placed, system, lines, completion, prompt, chain, in_force, additions: Additions::default() })
    }

    /// The messages of its prompt after the last answer in it.
    pub fn question(&self) -> &[KeyedMessage] {
        let answered = self.prompt.iter().rposition(|keyed| keyed.fingerprint.role == Role::Assistant);
        &self.prompt[answered.map_or(0, |answered| answered + 1)..]
    }

    /// What decides between several conversations that the call could continue.
    pub fn seeker(&self) -> Seeker<'_> {
        let PlacedExchange { scope, step, started, .. } = self.placed;
        Seeker { scope, step, system: &self.in_force, started }
    }
}

/// A message without its time.
pub fn keyed(line: &TimedMessage) -> KeyedMessage {
    KeyedMessage { message: Arc::clone(&line.message), fingerprint: Rc::clone(&line.fingerprint) }
}

/// The key of each message.
pub fn keys(keyed_messages: &[KeyedMessage]) -> Vec<Option<ContentHash>> {
    keyed_messages.iter().map(|keyed| keyed.fingerprint.key).collect()
}

/// Splits the answer off a prompt whose sender does not mark it.
///
/// Some senders record every message by an event of one kind, the answer as the last of the assistant. An earlier
/// message of the assistant answers something else.
fn unmarked_answer(lines: &mut Vec<TimedMessage>) -> Vec<TimedMessage> {
    let is_answer = |line: &TimedMessage| line.fingerprint.role == Role::Assistant;
    let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
    lines.split_off(end)
}

/// Removes the answer from a prompt that ends with exactly that answer.
fn drop_answer(lines: &mut Vec<TimedMessage>, completion: &[TimedMessage]) {
    let is_answer = |line: &&TimedMessage| line.fingerprint.role == Role::Assistant;
    let key = |lines: &[TimedMessage]| lines.iter().filter_map(|line| line.fingerprint.key).reduce(ContentHash::then);
    let run = lines.iter().rev().take_while(is_answer).count();
    let start = lines.len() - run;
    if run > 0 && key(completion).is_some() && key(&lines[start..]) == key(completion) {
        lines.truncate(start);
    }
}
