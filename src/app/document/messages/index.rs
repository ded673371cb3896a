//! What is looked up while the messages of a trace are shown.

use super::super::hash::{HashMap, HashSet};
use super::super::ordinals::{Ordinal, ordinals};
use super::failures::Failed;
use super::pairs::{Pairs, PartPlace};
use crate::model::{AssembledTrace, Role};

#[derive(Debug)]
pub struct TraceIndex {
    /// The run's number in its session.
    pub number: Option<u64>,
    pub pairs: Pairs,
    pub ordinals: Vec<Ordinal>,
    /// Which turn each call is; `None` for calls that take none.
    pub turns: Vec<Option<usize>>,
    /// Whether an agent's or a step's span carries answers that no call carries.
    pub answers_around_calls: bool,
    /// What failed in the tool run of a call, by the call's part.
    failures: HashMap<PartPlace, Vec<Failed>>,
}

impl TraceIndex {
    pub fn of(trace: &AssembledTrace, number: Option<u64>) -> Self {
        let mut messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
        let around = messages.any(|at| at.turn >= trace.calls.len() && at.message.role == Role::Assistant);
        Self {
            number,
            pairs: Pairs::of(trace),
            ordinals: ordinals(trace),
            turns: trace.turns(),
            answers_around_calls: around,
            failures: HashMap::default(),
        }
    }

    /// The calls that take a turn and of which no message is known, in order: they still happened.
    pub fn silent_calls(&self, trace: &AssembledTrace) -> Vec<usize> {
        let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
        let with_messages: HashSet<usize> = messages.filter(|at| !at.history).map(|at| at.turn).collect();
        (0..trace.calls.len()).filter(|call| self.turns[*call].is_some() && !with_messages.contains(call)).collect()
    }

    /// Notes what failed in the tool run of a call.
    pub fn add_failures(&mut self, call: PartPlace, failed: Vec<Failed>) {
        if !failed.is_empty() {
            self.failures.insert(call, failed);
        }
    }

    pub fn failures_of(&self, call: PartPlace) -> &[Failed] {
        self.failures.get(&call).map_or(&[], Vec::as_slice)
    }
}
