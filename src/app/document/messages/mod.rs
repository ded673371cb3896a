//! The Messages pane: the conversation, turn by turn, each message once, each tool call with what came of it.
//!
//! ```text
//! ── turn 5 · claude-sonnet-4-5 · 3.3s · in 22.9k (12% cached) out 196 · $.064 ──
//!   assistant                                                  finish: tool_use
//!     I'll retry with the same guest details.
//!   ▾ → book_room                                 #2/4  tooluse_9f2  5.6s  ✗
//!       hotel_id  "ryk-118"
//!     ← 'guests' must be >= 1 (got 0)
//! ```

mod block;
mod end;
mod failures;
mod pairs;
mod turn;

use std::collections::HashSet;

use super::build::Builder;
use super::ordinals::{Ordinal, ordinals};
use super::{Document, Folds, Run, runs};
use crate::app::wrap;
use crate::model::{AssembledTrace, Conversation, ConversationMessage, Detail, Part, Role, SpanId};
use crate::slots::Slot;
use failures::Failures;
use pairs::Pairs;

/// What was said in a trace, or in the traces of a session one after another.
#[must_use]
pub fn messages(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    if detail.traces.iter().all(|trace| trace.only_wrapper_spans) {
        end::explain_roots(&mut to);
    }
    let mut told = Told::default();
    for (trace, number) in runs::each(&mut to, detail) {
        runs::heading(&mut to, trace, number);
        told = conversation(&mut to, trace, number, told);
    }
    to.done()
}

/// What a session has told already: it reads as one conversation, so nobody has to read it twice.
#[derive(Default)]
struct Told<'a> {
    /// The system prompts, each with the number of the run that began with it.
    prompts: Vec<(u64, &'a [Part])>,
    /// What makes an instrumentation record messages.
    hints: HashSet<&'static str>,
}

/// What is known of a trace while its messages are shown.
struct Scene<'a> {
    trace: &'a AssembledTrace,
    pairs: Pairs<'a>,
    ordinals: Vec<Ordinal>,
    failures: Failures<'a>,
    /// Calls of which no message is known, the last one first; they still happened, so each has its turn, in order.
    silent: Vec<usize>,
    /// Which turn each call is.
    turns: Vec<Option<usize>>,
    /// The run's number in its session.
    number: Option<u64>,
    told: Told<'a>,
}

impl<'a> Scene<'a> {
    fn of(trace: &'a AssembledTrace, number: Option<u64>, told: Told<'a>) -> Self {
        let said = trace.conversations.iter().flat_map(|thread| &thread.messages);
        let heard: HashSet<usize> = said.filter(|said| !said.history).map(|said| said.turn).collect();
        let turns = trace.turns();
        Self {
            trace,
            pairs: Pairs::of(trace),
            ordinals: ordinals(trace),
            failures: Failures::of(trace),
            silent: (0..trace.calls.len())
                .rev()
                .filter(|call| turns[*call].is_some() && !heard.contains(call))
                .collect(),
            turns,
            number,
            told,
        }
    }

    fn silent_before(&mut self, to: &mut Builder, before: usize) {
        while let Some(silent) = self.silent.pop_if(|call| *call < before) {
            let Some(call) = self.trace.calls.get(silent) else { continue };
            turn::rule(to, self.turns[silent], call);
            if call.failure.is_none() {
                let around = "what was said came with the spans around this call";
                let words = if self.told_around() { around } else { "no messages came with this call" };
                to.wrapped(2, 0, &[Run::new(words, Slot::Dim)]);
            }
            if let Some(how) = call.recording_hint.filter(|how| self.told.hints.insert(how)) {
                to.text(4, how, Slot::Warning);
            }
            self.fail(to, call.span);
        }
    }

    /// Whether an agent's or a step's span tells what no call does.
    fn told_around(&self) -> bool {
        let mut said = self.trace.conversations.iter().flat_map(|thread| &thread.messages);
        said.any(|said| said.turn >= self.trace.calls.len() && said.message.role == Role::Assistant)
    }

    /// What ended a turn is the last of it.
    fn close(&mut self, to: &mut Builder, turn: Option<usize>) {
        let Some(call) = turn.and_then(|turn| self.trace.calls.get(turn)) else { return };
        self.fail(to, call.span);
    }

    fn fail(&mut self, to: &mut Builder, span: SpanId) {
        for failed in self.failures.take(span) {
            to.gap();
            failed.show(to, 2, "");
        }
    }
}

fn conversation<'a>(to: &mut Builder, trace: &'a AssembledTrace, number: Option<u64>, told: Told<'a>) -> Told<'a> {
    let mut scene = Scene::of(trace, number, told);
    for (at, thread) in trace.conversations.iter().enumerate() {
        heading(to, thread, trace);
        lane(to, &mut scene, thread, at);
    }
    scene.silent_before(to, trace.calls.len());
    scene.failures.show_rest(to);
    end::end(to, trace, number);
    scene.told
}

/// One thread: its turns, in each what is new.
fn lane<'a>(to: &mut Builder, scene: &mut Scene<'a>, thread: &'a Conversation, at: usize) {
    let mut turn = None;
    let mut history = 0;
    for (index, said) in thread.messages.iter().enumerate() {
        if turn != Some(said.turn) {
            scene.close(to, turn);
            turn = Some(said.turn);
            if let Some(call) = scene.trace.calls.get(said.turn) {
                scene.silent_before(to, said.turn);
                turn::rule(to, scene.turns[said.turn], call);
            }
        }
        let is_earlier = |said: &ConversationMessage| said.history && said.message.role != Role::System;
        if is_earlier(said) {
            history += 1;
            let goes_on = |next: &ConversationMessage| is_earlier(next) && Some(next.turn) == turn;
            if !thread.messages.get(index + 1).is_some_and(goes_on) {
                turn::earlier(to, thread, index + 1 - history, history);
                history = 0;
            }
            continue;
        }
        turn::message(to, scene, said, (at, index));
    }
    scene.close(to, turn);
}

fn heading(to: &mut Builder, thread: &Conversation, trace: &AssembledTrace) {
    if trace.conversations.len() < 2 {
        return;
    }
    to.blank();
    let name = thread.agent.as_deref().map_or_else(|| "conversation".to_owned(), wrap::clean_line);
    let opened = if thread.opened_by.is_some() { "  sub-agent" } else { "" };
    to.line(vec![Run::new(format!("◆ {name}"), Slot::TreeAgent), Run::new(opened, Slot::Dim)]);
}
