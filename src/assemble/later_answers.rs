//! Completes answers from the history that a later trace of the session repeats: with their reasoning, with their tool
//! calls, or as a whole (`conversations.md` 7).
//!
//! It takes the conversations of all traces and makes new ones. That cannot be decided before conversations are built:
//! what identifies an answer of another trace are all messages before it in its conversation.

use std::{collections::HashMap, sync::Arc};

use super::{content_hash::ContentHash, fingerprint::Fingerprints, hashes::PromptHash};
use crate::model::{Content, Conversation, ConversationMessage, Message, ModelCall, Part, Role};

/// A recorded answer without reasoning, which a later trace may complete.
struct Answer {
    /// The index of its trace, and that of its conversation in the trace.
    conversation: (usize, usize),
    /// The indexes of its first and its last message in the conversation.
    messages: (usize, usize),
    /// The key of its messages as one.
    key: ContentHash,
}

/// What a later trace may complete, by the hash of all messages before it in its conversation; system messages are no
/// part of that hash.
#[derive(Default)]
struct Open {
    /// The answers of the traces so far, those of one hash in order.
    answers: HashMap<PromptHash, Vec<Answer>>,
    /// The newest conversation that ends without an answer: the index of its trace, and its own in the trace.
    unanswered: HashMap<PromptHash, (usize, usize)>,
}

/// An answer as the history of a later trace repeats it.
struct LaterAnswer {
    /// The hash of all messages before it.
    before: PromptHash,
    /// The key of its messages as one.
    key: ContentHash,
    messages: Vec<Arc<Message>>,
}

/// What is added to a conversation, which is given by the index of its trace and its own in the trace.
enum Addition {
    /// An answer at the end.
    Answer { conversation: (usize, usize), messages: Vec<Arc<Message>> },
    /// Tool calls at the end of one message, and reasoning at the beginning of one, each with the index of the message.
    Details { conversation: (usize, usize), calls: (usize, Vec<Part>), reasoning: (usize, Vec<Part>) },
}

/// Completes the answers of each trace from those that begin later. `traces` are the conversations of the traces, which
/// are in the order of their start; `calls` are the counted calls of each.
pub fn complete(
    mut traces: Vec<Vec<Conversation>>,
    calls: &[Vec<ModelCall>],
    fingerprints: &mut Fingerprints,
) -> Vec<Vec<Conversation>> {
    for addition in additions(&traces, calls, fingerprints) {
        match addition {
            Addition::Answer { conversation: (trace, at), messages } => {
                let conversation = &mut traces[trace][at].messages;
                let Some((span, turn, at)) = conversation.last().map(|last| (last.span, last.turn, last.at)) else {
                    continue;
                };
                let at = calls[trace].get(turn).and_then(|call| call.ended).unwrap_or(at);
                conversation
                    .extend(messages.into_iter().map(|message| ConversationMessage::new(message, at, span, turn)));
            }
            Addition::Details { conversation: (trace, at), calls: (last, calls), reasoning: (first, reasoning) } => {
                let conversation = &mut traces[trace][at].messages;
                if !calls.is_empty() {
                    Arc::make_mut(&mut conversation[last].message).parts.extend(calls);
                }
                if !reasoning.is_empty() {
                    Arc::make_mut(&mut conversation[first].message).parts.splice(0..0, reasoning);
                }
            }
        }
    }
    traces
}

/// Finds what later traces have of the answers of earlier ones.
fn additions(traces: &[Vec<Conversation>], calls: &[Vec<ModelCall>], fingerprints: &mut Fingerprints) -> Vec<Addition> {
    let mut open = Open::default();
    let mut additions = Vec::new();
    for (nth, (conversations, calls)) in traces.iter().zip(calls).enumerate() {
        for later in read(nth, conversations, calls, &mut open, fingerprints) {
            match open.unanswered.remove(&later.before) {
                Some(conversation) => additions.push(Addition::Answer { conversation, messages: later.messages }),
                None => additions.extend(details(&mut open.answers, &later)),
            }
        }
    }
    additions
}

/// Adds the answers of a trace to `open`; returns those in its history that `open` has a place for. `nth` is the index
/// of the trace.
fn read(
    nth: usize,
    conversations: &[Conversation],
    calls: &[ModelCall],
    open: &mut Open,
    fingerprints: &mut Fingerprints,
) -> Vec<LaterAnswer> {
    let mut all = Vec::new();
    for (at, conversation) in conversations.iter().enumerate() {
        let (mut before, mut from) = (PromptHash::EMPTY, 0);
        for run in conversation.messages.chunk_by(|left, right| left.message.role == right.message.role) {
            let messages = (from, from + run.len() - 1);
            from += run.len();
            let role = run[0].message.role;
            let key =
                run.iter().filter_map(|placed| fingerprints.fingerprint(&placed.message).key).reduce(ContentHash::then);
            let (Some(key), false) = (key, role == Role::System) else { continue };
            if role == Role::Assistant && run.iter().all(|placed| placed.history) {
                let messages = || run.iter().map(|placed| Arc::clone(&placed.message)).collect();
                let is_open = open.answers.contains_key(&before) || open.unanswered.contains_key(&before);
                all.extend(is_open.then(|| LaterAnswer { before, key, messages: messages() }));
            } else if role == Role::Assistant {
                open.unanswered.remove(&before);
                if !run.iter().any(|placed| placed.history || placed.message.parts.iter().any(is_reasoning)) {
                    let answer = Answer { conversation: (nth, at), messages, key };
                    open.answers.entry(before).or_default().push(answer);
                }
            }
            before = before.then(key);
        }
        if is_unanswered(calls, &conversation.messages) {
            open.unanswered.insert(before, (nth, at));
        }
    }
    all
}

/// Whether the last call of a conversation ended without a failure and has no answer. `calls` are the counted calls of
/// the trace.
fn is_unanswered(calls: &[ModelCall], messages: &[ConversationMessage]) -> bool {
    let Some(last) = messages.last().filter(|last| !last.history) else { return false };
    let ended = |call: &ModelCall| call.failure.is_none() && call.ended.is_some();
    let is_answer = |message: &ConversationMessage| {
        message.turn == last.turn && !message.history && message.message.role == Role::Assistant
    };
    calls.get(last.turn).is_some_and(ended) && !messages.iter().any(is_answer)
}

/// The reasoning and the tool calls that a repeated answer has and the recorded one lacks; `None` where no recorded
/// answer is repeated.
fn details(answers: &mut HashMap<PromptHash, Vec<Answer>>, later: &LaterAnswer) -> Option<Addition> {
    let answers = answers.get_mut(&later.before)?;
    let is_same = |answer: &Answer| answer.key == later.key || later.key.calls_after(&answer.key);
    // The repeated answer is complete, so nothing more is added to this one.
    let Answer { conversation, messages: (first, last), key } = answers.swap_remove(answers.iter().rposition(is_same)?);
    let parts = |is: fn(&Part) -> bool| -> Vec<Part> {
        later.messages.iter().flat_map(|message| &message.parts).filter(|part| is(part)).cloned().collect()
    };
    let calls = if later.key == key { Vec::new() } else { parts(|part| matches!(part.content, Content::Call(_))) };
    Some(Addition::Details { conversation, calls: (last, calls), reasoning: (first, parts(is_reasoning)) })
}

/// Whether a part is reasoning.
fn is_reasoning(part: &Part) -> bool {
    matches!(part.content, Content::Reasoning(_))
}
