//! What an answer said, where only the history of a later trace of the session tells it: reasoning, and calls.

use std::{collections::HashMap, sync::Arc};

use super::{
    same::{Key, Library},
    squash::hash,
};
use crate::model::{Assembled, Message, Part, Role, Said, What};

/// An answer without reasoning.
struct Answer {
    trace: usize,
    thread: usize,
    /// Its first and its last message.
    messages: (usize, usize),
    key: Key,
}

/// Answers by a number for all that was said before them.
type Answers = HashMap<u64, Vec<Answer>>;

/// An answer as the history of a later trace has it.
struct Known {
    before: u64,
    key: Key,
    messages: Vec<Arc<Message>>,
}

/// Adds to the answers of each trace what later ones know of them.
pub fn recall(traces: &mut [Assembled], library: &mut Library) {
    let mut answers = Answers::new();
    for nth in 0..traces.len() {
        for known in look(nth, &traces[nth], &mut answers, library) {
            tell(traces, &mut answers, &known);
        }
    }
}

/// Notes the answers of a trace; returns those that it knows of earlier ones.
fn look(nth: usize, trace: &Assembled, answers: &mut Answers, library: &mut Library) -> Vec<Known> {
    let mut all = Vec::new();
    for (thread, told) in trace.threads.iter().enumerate() {
        let (mut before, mut from) = (0, 0);
        for run in told.said.chunk_by(|left, right| left.message.role == right.message.role) {
            let messages = (from, from + run.len() - 1);
            from += run.len();
            let role = run[0].message.role;
            let key = run.iter().filter_map(|said| library.print(&said.message).key).reduce(Key::then);
            let (Some(key), false) = (key, role == Role::System) else { continue };
            if role == Role::Assistant && run.iter().all(|said| said.history) {
                let messages = || run.iter().map(|said| Arc::clone(&said.message)).collect();
                all.extend(answers.contains_key(&before).then(|| Known { before, key, messages: messages() }));
            } else if role == Role::Assistant && !run.iter().any(|said| said.history || thinks(said)) {
                answers.entry(before).or_default().push(Answer { trace: nth, thread, messages, key });
            }
            before = hash((before, key));
        }
    }
    all
}

fn tell(traces: &mut [Assembled], answers: &mut Answers, known: &Known) {
    let Some(answers) = answers.get_mut(&known.before) else { return };
    let is = |answer: &Answer| answer.key == known.key || known.key.calls_after(&answer.key);
    let Some(at) = answers.iter().rposition(is) else { return };
    let Answer { trace, thread, messages: (first, last), key } = answers[at];
    let said = &mut traces[trace].threads[thread].said;
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
        learn(last, None, |part| matches!(part.what, What::Call(_)));
    }
    learn(first, Some(0), is_thought);
    // What it was said to be is all that it was.
    answers.swap_remove(at);
}

fn thinks(said: &Said) -> bool {
    said.message.parts.iter().any(is_thought)
}

fn is_thought(part: &Part) -> bool {
    matches!(part.what, What::Reasoning(_))
}
