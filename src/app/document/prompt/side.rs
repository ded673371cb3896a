//! One call of an answer with what it was sent, so that it can be shown, and compared with another.

use std::sync::Arc;

use super::super::hash::HashSet;
use super::super::{parts, runs, tokens};
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Content, Detail, Message, ModelCall, Role, SpanId};

/// A call with the messages that it was sent.
#[derive(Debug)]
pub struct Side {
    detail: Arc<Detail>,
    trace: usize,
    /// Its place among the calls of its trace.
    pub call: usize,
    /// `turn 3`, `turn 3 of run 2`.
    pub name: String,
    pub messages: Vec<Arc<Message>>,
}

impl Side {
    /// A call by its place in an answer; `None` where there is no such call.
    #[must_use]
    pub fn of(detail: &Arc<Detail>, trace: usize, call: usize) -> Option<Self> {
        let (of, number) = runs::numbered(detail).nth(trace)?;
        let facts = of.calls.get(call)?;
        let turn = runs::turn(of.turns()[call], facts);
        let run = number.map_or_else(String::new, |number| format!(" of run {number}"));
        let messages = of.sent(call).into_iter().cloned().collect();
        Some(Self { detail: detail.clone(), trace, call, name: format!("{turn}{run}"), messages })
    }

    /// The call of the same agent that it continues.
    #[must_use]
    pub fn before(&self) -> Option<Self> {
        Self::of(&self.detail, self.trace, self.facts().request.previous?)
    }

    #[must_use]
    pub fn trace(&self) -> &AssembledTrace {
        &self.detail.traces[self.trace]
    }

    #[must_use]
    pub fn facts(&self) -> &ModelCall {
        &self.trace().calls[self.call]
    }

    /// The messages that came back.
    #[must_use]
    pub fn answers(&self) -> Vec<&Message> {
        let messages = self.trace().conversations.iter().flat_map(|conversation| &conversation.messages);
        let own = messages.filter(|at| at.turn == self.call && at.message.role == Role::Assistant && !at.history);
        own.map(|at| &*at.message).collect()
    }

    /// About how many tokens some of its messages are.
    #[must_use]
    pub fn tokens(&self, messages: impl IntoIterator<Item = usize>) -> u64 {
        let bytes = messages.into_iter().map(|at| tokens::bytes_of_parts(&self.messages[at].parts));
        tokens::of_bytes(bytes.sum())
    }

    /// `claude-sonnet-4-5`
    #[must_use]
    pub fn model(&self) -> Option<String> {
        self.facts().model.as_deref().map(|model| wrap::clean_line(format::model(model)))
    }
}

/// The call whose prompt is meant at a step of a trace: that call itself, the one that asked for a tool, the last one
/// beneath an agent; of the whole run its last turn. `None` where the trace has no call.
#[must_use]
pub fn call_at(trace: &AssembledTrace, step: Option<SpanId>) -> Option<usize> {
    let last = || {
        let turns = trace.calls.iter().rposition(|call| call.category.takes_turns());
        turns.or(trace.calls.len().checked_sub(1))
    };
    let Some(step) = step else { return last() };
    let of = |span: SpanId| trace.calls.iter().position(|call| call.span == span || call.also.contains(&span));
    let asked = || of(trace.tools.iter().find(|run| run.span == Some(step))?.called_by?);
    if let Some(call) = of(step).or_else(asked) {
        return Some(call);
    }
    let nodes = &trace.tree.nodes;
    let Some(at) = nodes.iter().position(|node| node.id == step) else { return last() };
    let end = at.saturating_add(1).saturating_add(nodes[at].beneath).min(nodes.len());
    let beneath: HashSet<SpanId> = nodes[at..end].iter().map(|node| node.id).collect();
    let beneath = trace.calls.iter().rposition(|call| beneath.contains(&call.span));
    let before = || trace.calls.iter().rposition(|call| call.started <= nodes[at].started);
    beneath.or_else(before).or((!trace.calls.is_empty()).then_some(0))
}

/// The ids of the tool calls in some messages.
pub fn called(messages: &[Arc<Message>]) -> HashSet<&str> {
    let parts = messages.iter().flat_map(|message| &message.parts);
    parts.filter_map(|part| if let Content::Call(call) = &part.content { call.known_id() } else { None }).collect()
}

/// The text of an answer, so that two can be compared.
#[must_use]
pub fn text_of_answers(side: &Side) -> String {
    side.answers().into_iter().map(parts::text_of).collect::<Vec<_>>().join("\n")
}
