//! The Reasoning pane: what the models thought, in order, what stayed hidden, and what each thought led to.
//!
//! ```text
//! 1,204 reasoning tokens in 3 of 5 turns · 38% of the output · ~$.018
//!
//! ── turn 2 · gpt-5 · 640 reasoning tokens ──
//!   summed up by the provider
//!   The tool keeps rejecting guests=0.
//!   → book_room  hotel_id=ryk-118 guests=2
//! ▸ → "I'll retry with two guests."
//! ```

use std::sync::Arc;

use super::build::Builder;
use super::hash::HashMap;
use super::line::{Copied, Piece};
use super::outline::{Blocks, Outline, Pane};
use super::parts::Prose;
use super::{json, parts, runs};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Content, Detail, Part, Reasoning, ReasoningForm, Role, Usd};
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
    let sums = Sums::of(detail);
    if sums.is_worth() {
        outline.push(Block::Sums, "sums", 1, 0);
    }
    for (at, (trace, number)) in runs::numbered(detail).enumerate() {
        let said = said(trace);
        let mut headed = false;
        for (call, facts) in trace.calls.iter().enumerate() {
            let of_call = said.get(&call).map_or(&[][..], Vec::as_slice);
            let thoughts = || of_call.iter().filter(|place| reasoning(trace, **place).is_some());
            let unsent = thoughts().next().is_none();
            if unsent && reasoning_tokens(trace, call).is_none() {
                continue;
            }
            if !headed {
                outline.push(Block::Run { trace: at }, ("run", trace.trace), if number.is_some() { 2 } else { 0 }, 0);
            }
            (any, headed) = (true, true);
            outline.push(Block::Turn { trace: at, call }, ("turn", trace.trace, facts.span), 2, 0);
            outline.holds(facts.span);
            for (nth, thought) in thoughts().enumerate() {
                let bytes =
                    reasoning(trace, *thought).and_then(|thought| thought.text.as_ref()).map_or(40, String::len);
                let id = ("thought", trace.trace, facts.span, nth);
                outline.push(Block::Thought { trace: at, thought: *thought }, id, 0, bytes);
            }
            if unsent {
                outline.push(Block::Unsent, ("unsent", trace.trace, facts.span), 1, 0);
            }
            let answers = of_call.iter().filter(|place| reasoning(trace, **place).is_none());
            for (nth, answer) in answers.enumerate() {
                let id = ("answer", trace.trace, facts.span, nth);
                outline.push(Block::Answer { trace: at, answer: *answer, nth }, id, 1, 0);
            }
        }
        traces.push(TraceIndex { number, turns: trace.turns() });
    }
    if !any {
        outline.push(Block::Nothing, "nothing", 1, 0);
    }
    outline.of(Thoughts { detail: detail.clone(), traces, sums })
}

#[derive(Debug)]
struct Thoughts {
    detail: Arc<Detail>,
    traces: Vec<TraceIndex>,
    sums: Sums,
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
    Sums,
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
    /// A part of what the thoughts of a call led to; `nth`: which of them it is.
    Answer {
        trace: usize,
        answer: PartPlace,
        nth: usize,
    },
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
                if thought.form == ReasoningForm::Summary && thought.text.is_some() {
                    to.line(vec![Styled::new("  summed up by the provider", Slot::Dim)]);
                }
                parts::reasoning_text(to, 2, thought);
                if thought.signature.is_some() && thought.text.is_some() {
                    to.line(vec![Styled::new("  signed by the provider", Slot::Dim)]);
                }
            }
            Block::Unsent => {
                let unsent = "the model thought, but its text was not sent";
                to.wrapped(2, 0, &[Styled::new(unsent, Slot::MessageHidden)]);
            }
            Block::Sums => self.sums.write(to),
            Block::Answer { trace, answer, nth } => {
                let trace = &self.detail.traces[trace];
                if let Some(part) = part(trace, answer) {
                    let name = format!("led to {} {answer:?} {nth}", trace.trace);
                    led_to(to, name, part);
                }
            }
            Block::Nothing => to.line(vec![Styled::new("No reasoning was recorded.", Slot::Dim)]),
        }
    }

    fn copied(&self, block: &Block, piece: Piece) -> Option<Copied> {
        let (trace, place) = match *block {
            Block::Thought { trace, thought } => (trace, thought),
            Block::Answer { trace, answer, .. } => (trace, answer),
            _ => return None,
        };
        let part = part(&self.detail.traces[trace], place)?;
        let is_call = matches!(part.content, Content::Call(_));
        let fits = match piece {
            Piece::Arguments => is_call,
            Piece::Result => false,
            Piece::Other | Piece::Text => true,
        };
        if fits { parts::copied_part(Role::Assistant, part) } else { None }
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

/// `→ book_room  guests=2`, `▸ → "I'll retry."`: what thoughts led to, which opens.
fn led_to(to: &mut Builder, name: String, part: &Part) {
    let (mark, brief) = match &part.content {
        Content::Call(call) => {
            let name = Styled::new(format!("→ {}  ", wrap::clean_line(&call.name)), Slot::MessageTool);
            (name, Styled::new(json::brief(&call.input), Slot::Dim))
        }
        // Quotation marks show that the model wrote the text.
        Content::Text(_) => (
            Styled::new("→ ", Slot::MessageAssistant),
            Styled::new(format!("\"{}\"", parts::preview(std::slice::from_ref(part))), Slot::Dim),
        ),
        _ => (
            Styled::new("→ ", Slot::MessageAssistant),
            Styled::new(parts::preview(std::slice::from_ref(part)), Slot::Dim),
        ),
    };
    if to.fold(name, false, 2, vec![mark, brief], vec![]) {
        parts::content(to, 6, part, Prose::Markdown);
    }
}

/// The parts that each call answered, in reading order: its thoughts, and what they led to.
fn said(trace: &AssembledTrace) -> HashMap<usize, Vec<PartPlace>> {
    let mut said: HashMap<usize, Vec<PartPlace>> = HashMap::default();
    for (conversation, messages) in trace.conversations.iter().enumerate() {
        let own = messages.messages.iter().enumerate();
        for (message, at) in own.filter(|(_, at)| !at.history && at.message.role == Role::Assistant) {
            let places = (0..at.message.parts.len()).map(|part| (conversation, message, part));
            said.entry(at.turn).or_default().extend(places);
        }
    }
    said
}

fn part(trace: &AssembledTrace, (conversation, message, part): PartPlace) -> Option<&Part> {
    trace.conversations.get(conversation)?.messages.get(message)?.message.parts.get(part)
}

fn reasoning(trace: &AssembledTrace, place: PartPlace) -> Option<&Reasoning> {
    match &part(trace, place)?.content {
        Content::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    }
}

/// How much was thought in all runs that are shown.
#[derive(Debug, Default)]
struct Sums {
    /// Turns whose reasoning tokens are known, all turns.
    thought: u64,
    turns: u64,
    reasoning: u64,
    /// Output tokens of the turns that thought.
    output: u64,
    /// What the reasoning cost: its share of the cost of the output; `None` where that is not known of every such turn.
    cost: Option<Usd>,
}

impl Sums {
    fn of(detail: &Detail) -> Self {
        let mut sums = Self { cost: Some(Usd(0)), ..Self::default() };
        for call in detail.traces.iter().flat_map(|trace| &trace.calls).filter(|call| call.category.takes_turns()) {
            sums.turns += 1;
            let Some(usage) = call.usage else { continue };
            let Some(reasoning) = usage.reasoning.filter(|reasoning| *reasoning > 0) else { continue };
            let output = usage.output.unwrap_or(reasoning).max(reasoning);
            sums.thought += 1;
            sums.reasoning = sums.reasoning.saturating_add(reasoning);
            sums.output = sums.output.saturating_add(output);
            let paid = call.cost.as_ref().and_then(|cost| cost.parts).map(|parts| parts.output);
            let share = |paid: Usd| i64::try_from(i128::from(paid.0) * i128::from(reasoning) / i128::from(output)).ok();
            let cost = paid.and_then(share).map(Usd);
            sums.cost = sums.cost.zip(cost).map(|(sum, cost)| sum + cost);
        }
        sums
    }

    /// Of one turn the rule above it says as much.
    fn is_worth(&self) -> bool {
        self.thought > 0 && self.turns > 1
    }

    /// `1,204 reasoning tokens in 3 of 5 turns · 38% of their output · ~$.018`
    fn write(&self, to: &mut Builder) {
        let tokens = format!("{} reasoning tokens", format::exact(self.reasoning));
        #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
        let share = format::percent(self.reasoning as f64 / self.output.max(1) as f64);
        let cost = self.cost.filter(|cost| cost.0 > 0);
        let cost = cost.map_or_else(String::new, |cost| format!(" · ~{}", format::money(cost)));
        let rest = format!(" in {} of {} turns · {share} of their output{cost}", self.thought, self.turns);
        to.wrapped(0, 2, &[Styled::new(tokens, Slot::CostReasoning), Styled::new(rest, Slot::Dim)]);
    }
}
