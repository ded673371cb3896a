//! The Reasoning pane: what the models thought, in order, and what stayed hidden.

use std::sync::Arc;

use super::build::Builder;
use super::hash::HashMap;
use super::outline::{Blocks, Outline, Pane};
use super::{parts, runs};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Content, Detail, Reasoning};
use crate::slots::Slot;

/// The thoughts of a trace, or of the traces of a session, under the turns that they belong to.
#[must_use]
pub fn blocks(detail: &Arc<Detail>) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    if detail.left_out > 0 {
        outline.push(Block::LeftOut, "left out", 1, 0);
    }
    let mut traces = Vec::new();
    let mut any = false;
    for (at, (trace, number)) in runs::numbered(detail).enumerate() {
        let thoughts = thoughts(trace);
        let mut headed = false;
        for (call, facts) in trace.calls.iter().enumerate() {
            let of_call = thoughts.get(&call).map_or(&[][..], Vec::as_slice);
            if of_call.is_empty() && reasoning_tokens(trace, call).is_none() {
                continue;
            }
            if !headed {
                outline.push(Block::Run { trace: at }, ("run", trace.trace), if number.is_some() { 2 } else { 0 }, 0);
            }
            (any, headed) = (true, true);
            outline.push(Block::Turn { trace: at, call }, ("turn", trace.trace, facts.span), 2, 0);
            outline.holds(facts.span);
            for (nth, thought) in of_call.iter().enumerate() {
                let bytes =
                    reasoning(trace, *thought).and_then(|thought| thought.text.as_ref()).map_or(40, String::len);
                let id = ("thought", trace.trace, facts.span, nth);
                outline.push(Block::Thought { trace: at, thought: *thought }, id, 0, bytes);
            }
            if of_call.is_empty() {
                outline.push(Block::Unsent, ("unsent", trace.trace, facts.span), 1, 0);
            }
        }
        traces.push(TraceIndex { number, turns: trace.turns() });
    }
    if !any {
        outline.push(Block::Nothing, "nothing", 1, 0);
    }
    outline.of(Thoughts { detail: detail.clone(), traces })
}

#[derive(Debug)]
struct Thoughts {
    detail: Arc<Detail>,
    traces: Vec<TraceIndex>,
}

#[derive(Debug)]
struct TraceIndex {
    /// The run's number in its session.
    number: Option<u64>,
    turns: Vec<Option<usize>>,
}

/// What one block shows; numbers are places in the answer.
#[derive(Debug)]
enum Block {
    LeftOut,
    Run {
        trace: usize,
    },
    Turn {
        trace: usize,
        call: usize,
    },
    Thought {
        trace: usize,
        thought: PartPlace,
    },
    /// That a call has reasoning tokens and no text.
    Unsent,
    Nothing,
}

/// A part of a message: places of the conversation in its trace, of the message, of the part.
type PartPlace = (usize, usize, usize);

impl Pane for Thoughts {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        match *block {
            Block::LeftOut => runs::left_out(to, &self.detail),
            Block::Run { trace } => runs::heading(to, &self.detail.traces[trace], self.traces[trace].number),
            Block::Turn { trace, call } => rule(to, &self.detail.traces[trace], call, self.traces[trace].turns[call]),
            Block::Thought { trace, thought } => {
                let Some(thought) = reasoning(&self.detail.traces[trace], thought) else { return };
                parts::reasoning_text(to, 2, thought);
                if thought.signature.is_some() {
                    to.line(vec![Styled::new("  signed by the provider", Slot::Dim)]);
                }
            }
            Block::Unsent => {
                let unsent = "the model thought, but its text was not sent";
                to.wrapped(2, 0, &[Styled::new(unsent, Slot::MessageHidden)]);
            }
            Block::Nothing => to.line(vec![Styled::new("No reasoning was recorded.", Slot::Dim)]),
        }
    }
}

/// `── turn 2 · gpt-5 · 640 reasoning tokens ──`.
fn rule(to: &mut Builder, trace: &AssembledTrace, call: usize, turn: Option<usize>) {
    to.blank();
    let facts = &trace.calls[call];
    to.anchor(facts.span);
    let head = Some(format!("── {}", runs::turn(turn, facts)));
    let model = facts.model.as_deref().map(|model| wrap::clean_line(format::model(model)));
    let tokens = reasoning_tokens(trace, call).map(|tokens| format!("{} reasoning tokens", format::count(tokens)));
    // In a narrow pane how much was thought is worth more than who did.
    let forms = [[&head, &model, &tokens], [&head, &None, &tokens]];
    let joined = forms.map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · "));
    let text = to.fitting(joined);
    to.rule(vec![Styled::new(format!("{text} "), Slot::MessageTurn)], vec![], Slot::MessageTurn);
}

fn reasoning_tokens(trace: &AssembledTrace, call: usize) -> Option<u64> {
    trace.calls[call].usage.and_then(|usage| usage.reasoning).filter(|tokens| *tokens > 0)
}

/// The thoughts that are new in each call, in reading order.
fn thoughts(trace: &AssembledTrace) -> HashMap<usize, Vec<PartPlace>> {
    let mut thoughts: HashMap<usize, Vec<PartPlace>> = HashMap::default();
    for (conversation, messages) in trace.conversations.iter().enumerate() {
        for (message, at) in messages.messages.iter().enumerate().filter(|(_, at)| !at.history) {
            for (part, content) in at.message.parts.iter().enumerate() {
                if matches!(content.content, Content::Reasoning(_)) {
                    thoughts.entry(at.turn).or_default().push((conversation, message, part));
                }
            }
        }
    }
    thoughts
}

fn reasoning(trace: &AssembledTrace, (conversation, message, part): PartPlace) -> Option<&Reasoning> {
    let message = trace.conversations.get(conversation)?.messages.get(message)?;
    match &message.message.parts.get(part)?.content {
        Content::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    }
}
