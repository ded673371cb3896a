//! What an answer said, where only the history of a later trace of the session tells it: reasoning, calls, or all.

use std::{collections::HashMap, sync::Arc};

use super::{
    fingerprint::{ContentHash, Fingerprints},
    text_hash::hash,
};
use crate::model::{AssembledTrace, Content, ConversationMessage, Message, ModelCall, Part, Role};

/// An answer without reasoning.
struct Answer {
    trace: usize,
    thread: usize,
    /// Its first and its last message.
    messages: (usize, usize),
    key: ContentHash,
}

/// What may be told later, by a number for all that was said before.
#[derive(Default)]
struct Open {
    answers: HashMap<u64, Vec<Answer>>,
    /// The newest conversation that ends there without an answer: its trace, and where it is among its threads.
    asked: HashMap<u64, Option<(usize, usize)>>,
}

/// An answer as the history of a later trace has it.
struct LaterAnswer {
    before: u64,
    key: ContentHash,
    messages: Vec<Arc<Message>>,
}

/// Adds to the answers of each trace what later ones know of them.
pub fn recall(traces: &mut [AssembledTrace], fingerprints: &mut Fingerprints) {
    let mut open = Open::default();
    for nth in 0..traces.len() {
        for known in look(nth, &traces[nth], &mut open, fingerprints) {
            match open.asked.remove(&known.before) {
                Some(Some((trace, thread))) => answer(&mut traces[trace], thread, &known),
                _ => tell(traces, &mut open.answers, &known),
            }
        }
    }
}

/// Notes the answers of a trace; returns those that it knows of earlier ones.
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
                if !run.iter().any(|said| said.history || thinks(said)) {
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

/// Whether the last call of a conversation ended well, and nothing is known of its answer.
fn is_unanswered(trace: &AssembledTrace, said: &[ConversationMessage]) -> bool {
    let Some(last) = said.last().filter(|last| !last.history) else { return false };
    let ended = |call: &ModelCall| call.failure.is_none() && call.ended.is_some();
    let is_answer =
        |said: &ConversationMessage| said.turn == last.turn && !said.history && said.message.role == Role::Assistant;
    trace.calls.get(last.turn).is_some_and(ended) && !said.iter().any(is_answer)
}

/// Gives a conversation the answer that it ends without.
fn answer(trace: &mut AssembledTrace, thread: usize, known: &LaterAnswer) {
    let said = &mut trace.conversations[thread].messages;
    let Some((span, turn, at)) = said.last().map(|last| (last.span, last.turn, last.at)) else { return };
    let at = trace.calls.get(turn).and_then(|call| call.ended).unwrap_or(at);
    let messages = known.messages.iter();
    said.extend(messages.map(|message| ConversationMessage {
        message: Arc::clone(message),
        at,
        span,
        turn,
        history: false,
        rewritten: false,
    }));
}

fn tell(traces: &mut [AssembledTrace], answers: &mut HashMap<u64, Vec<Answer>>, known: &LaterAnswer) {
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
    // What it was said to be is all that it was.
    answers.swap_remove(at);
}

fn thinks(said: &ConversationMessage) -> bool {
    said.message.parts.iter().any(is_thought)
}

fn is_thought(part: &Part) -> bool {
    matches!(part.content, Content::Reasoning(_))
}
