//! Turns of which no answer can be shown, and why.

use super::super::build::Builder;
use super::super::hash::HashMap;
use super::index::TraceIndex;
use crate::app::styled::Styled;
use crate::model::{AssembledTrace, Content, Part, Role};
use crate::slots::Slot;

/// Why a turn that ended well shows no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// It has one without anything in it.
    Empty,
    /// What was asked is known, and no answer.
    Unrecorded,
}

/// The turns of a trace with messages and without an answer, by their calls.
pub fn turns(trace: &AssembledTrace, index: &TraceIndex) -> HashMap<usize, NoAnswer> {
    let mut turns: HashMap<usize, Option<NoAnswer>> = HashMap::default();
    let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
    for at in messages.filter(|at| !at.history) {
        let turn = turns.entry(at.turn).or_insert(Some(NoAnswer::Unrecorded));
        if at.message.role == Role::Assistant && turn.is_some() {
            let says = at.message.parts.iter().any(|part| !is_empty(part));
            *turn = (!says).then_some(NoAnswer::Empty);
        }
    }
    let ended_well = |turn: usize| {
        let call = trace.calls.get(turn).filter(|_| index.turns[turn].is_some());
        call.is_some_and(|call| call.ended.is_some() && call.failure.is_none())
    };
    let found = turns.into_iter().filter_map(|(turn, why)| Some((turn, why?)));
    // An answer may have come with a span around the call.
    let known = |why: NoAnswer| why == NoAnswer::Empty || !index.answers_around_calls;
    found.filter(|(turn, why)| ended_well(*turn) && known(*why)).collect()
}

/// Whether a part is a text without any letters.
fn is_empty(part: &Part) -> bool {
    matches!(&part.content, Content::Text(text) if text.trim().is_empty()) && !part.hidden && !part.truncated
}

pub fn write(to: &mut Builder, why: NoAnswer) {
    let (indent, words) = match why {
        NoAnswer::Empty => (4, "an empty answer"),
        NoAnswer::Unrecorded => {
            to.gap();
            (2, "the answer was not recorded")
        }
    };
    to.wrapped(indent, 0, &[Styled::new(words, Slot::Dim)]);
}
