//! Completes answers from the history that a later trace of the session repeats: with their reasoning, with their tool
//! calls, or as a whole (`conversations.md` 7).

use std::{collections::HashMap, sync::Arc};

use super::{
    fingerprint::{ContentHash, Fingerprints},
    text_hash::hash,
};
use crate::model::{AssembledTrace, Content, ConversationMessage, Message, ModelCall, Part, Role};

/// A recorded answer without reasoning, which a later trace may complete.
struct Answer {
    /// The index of its trace, and that of its conversation in the trace.
    trace: usize,
    thread: usize,
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
    answers: HashMap<u64, Vec<Answer>>,
    /// The newest conversation that ends without an answer: the index of its trace, and its own in the trace. The inner
    /// `None` says that an answer is known.
    asked: HashMap<u64, Option<(usize, usize)>>,
}

/// An answer as the history of a later trace repeats it.
struct LaterAnswer {
    /// The hash of all messages before it.
    before: u64,
    /// The key of its messages as one.
    key: ContentHash,
    messages: Vec<Arc<Message>>,
}

/// Completes the answers of each trace from those that begin later. `traces` are in the order of their start.
pub fn recall(traces: &mut [AssembledTrace], fingerprints: &mut Fingerprints) {
    let mut open = Open::default();
    for nth in 0..traces.len() {
        for known in look(nth, &traces[nth], &mut open, fingerprints) {
            match open.asked.remove(&known.before) {
                Some(Some((trace, thread))) => answer(&mut traces[trace], thread, &known),
                _ => complete(traces, &mut open.answers, &known),
            }
        }
    }
}

/// Adds the answers of a trace to `open`; returns those in its history that `open` has a place for. `nth` is the index
/// of the trace.
fn look(nth: usize, trace: &AssembledTrace, open: &mut Open, fingerprints: &mut Fingerprints) -> Vec<LaterAnswer> {
    let mut all = Vec::new();
    for (thread, told) in trace.conversations.iter().enumerate() {
        let (mut before, mut from) = (0, 0);
        for run in told.messages.chunk_by(|left, right| left.message.role == right.message.role) {
            let messages = (from, from + run.len() - 1);
            from += run.len();
            let role = run[0].message.role;
            let key =
                run.iter().filter_map(|said| fingerprints.fingerprint(&said.message).key).reduce(ContentHash::then);
            let (Some(key), false) = (key, role == Role::System) else { continue };
            if role == Role::Assistant && run.iter().all(|said| said.history) {
                let messages = || run.iter().map(|said| Arc::clone(&said.message)).collect();
                let is_open =
                    open.answers.contains_key(&before) || open.asked.get(&before).is_some_and(Option::is_some);
                all.extend(is_open.then(|| LaterAnswer { before, key, messages: messages() }));
            } else if role == Role::Assistant {
                open.asked.insert(before, None);
                if !run.iter().any(|said| said.history || has_reasoning(said)) {
                    open.answers.entry(before).or_default().push(Answer { trace: nth, thread, messages, key });
                }
            }
            before = hash((before, key));
        }
        if is_unanswered(trace, &told.messages) {
            open.asked.insert(before, Some((nth, thread)));
        }
    }
    all
}

/// Whether the last call of a conversation ended without a failure and has no answer.
fn is_unanswered(trace: &AssembledTrace, said: &[ConversationMessage]) -> bool {
    let Some(last) = said.last().filter(|last| !last.history) else { return false };
    let ended = |call: &ModelCall| call.failure.is_none() && call.ended.is_some();
    let is_answer =
        |said: &ConversationMessage| said.turn == last.turn && !said.history && said.message.role == Role::Assistant;
    trace.calls.get(last.turn).is_some_and(ended) && !said.iter().any(is_answer)
}

/// Adds an answer to the end of a conversation that has none there.
fn answer(trace: &mut AssembledTrace, thread: usize, known: &LaterAnswer) {
    let said = &mut trace.conversations[thread].messages;
    let Some((span, turn, at)) = said.last().map(|last| (last.span, last.turn, last.at)) else { return };
    let at = trace.calls.get(turn).and_then(|call| call.ended).unwrap_or(at);
    let messages = known.messages.iter();
    said.extend(messages.map(|message| ConversationMessage::new(Arc::clone(message), at, span, turn)));
}

/// Adds the reasoning and the tool calls that a repeated answer has to the recorded one, if there is one that it
/// repeats.
fn complete(traces: &mut [AssembledTrace], answers: &mut HashMap<u64, Vec<Answer>>, known: &LaterAnswer) {
    let Some(answers) = answers.get_mut(&known.before) else { return };
    let is = |answer: &Answer| answer.key == known.key || known.key.calls_after(&answer.key);
    let Some(at) = answers.iter().rposition(is) else { return };
    let Answer { trace, thread, messages: (first, last), key } = answers[at];
    let said = &mut traces[trace].conversations[thread].messages;
    let mut learn = |message: usize, at: Option<usize>, is: fn(&Part) -> bool| {
        let parts: Vec<Part> =
            known.messages.iter().flat_map(|said| &said.parts).filter(|part| is(part)).cloned().collect();
        if !parts.is_empty() {
            let mine = &mut Arc::make_mut(&mut said[message].message).parts;
            let at = at.unwrap_or(mine.len());
            mine.splice(at..at, parts);
        }
    };
    if known.key != key {
        learn(last, None, |part| matches!(part.content, Content::Call(_)));
    }
    learn(first, Some(0), is_thought);
    // The repeated answer is complete, so nothing more is added to this one.
    answers.swap_remove(at);
}

/// Whether a message has reasoning.
fn has_reasoning(said: &ConversationMessage) -> bool {
    said.message.parts.iter().any(is_thought)
}

/// Whether a part is reasoning.
fn is_thought(part: &Part) -> bool {
    matches!(part.content, Content::Reasoning(_))
}
