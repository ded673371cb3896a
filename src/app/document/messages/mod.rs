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
use crate::model::{Assembled, Detail, Role, Said, SpanId, Thread};
use failures::Failures;
use pairs::Pairs;

/// What was said in a trace, or in the traces of a session one after another.
#[must_use]
pub fn messages(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    if detail.traces.iter().all(|trace| trace.only_sideseat_roots) {
        end::explain_roots(&mut to);
    }
    for (trace, number) in runs::each(&mut to, detail) {
        runs::heading(&mut to, trace, number);
        conversation(&mut to, trace, number);
    }
    to.done()
}

/// What is known of a trace while its messages are shown.
struct Scene<'a> {
    trace: &'a Assembled,
    pairs: Pairs<'a>,
    ordinals: Vec<Ordinal>,
    failures: Failures<'a>,
    /// Calls of which no message is known, the last one first; they still happened, so each has its turn, in order.
    silent: Vec<usize>,
}

impl<'a> Scene<'a> {
    fn of(trace: &'a Assembled) -> Self {
        let said = trace.threads.iter().flat_map(|thread| &thread.said);
        let heard: HashSet<usize> = said.filter(|said| !said.history).map(|said| said.turn).collect();
        Self {
            trace,
            pairs: Pairs::of(trace),
            ordinals: ordinals(trace),
            failures: Failures::of(trace),
            silent: (0..trace.calls.len()).rev().filter(|turn| !heard.contains(turn)).collect(),
        }
    }

    fn silent_before(&mut self, to: &mut Builder, before: usize) {
        while let Some(turn) = self.silent.pop_if(|turn| *turn < before) {
            let Some(call) = self.trace.calls.get(turn) else { continue };
            turn::rule(to, turn, call);
            if call.failure.is_none() {
                to.line(vec![Run::new("  no messages came with this call", "dim")]);
            }
            if let Some(how) = call.unheard {
                to.text(4, how, "warning");
            }
            self.fail(to, call.span);
        }
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

fn conversation(to: &mut Builder, trace: &Assembled, number: Option<u64>) {
    let mut scene = Scene::of(trace);
    for (at, thread) in trace.threads.iter().enumerate() {
        heading(to, thread, trace);
        lane(to, &mut scene, thread, at);
    }
    scene.silent_before(to, trace.calls.len());
    scene.failures.show_rest(to);
    end::end(to, trace, number);
}

/// One thread: its turns, in each what is new.
fn lane(to: &mut Builder, scene: &mut Scene, thread: &Thread, at: usize) {
    let mut turn = None;
    let mut history = 0;
    for (index, said) in thread.said.iter().enumerate() {
        let is_earlier = |said: &Said| said.history && said.message.role != Role::System;
        if is_earlier(said) {
            history += 1;
            if !thread.said.get(index + 1).is_some_and(is_earlier) {
                turn::earlier(to, thread, index + 1 - history, history);
                history = 0;
            }
            continue;
        }
        if turn != Some(said.turn) {
            scene.close(to, turn);
            turn = Some(said.turn);
            if let Some(call) = scene.trace.calls.get(said.turn) {
                scene.silent_before(to, said.turn);
                turn::rule(to, said.turn, call);
            }
        }
        turn::message(to, scene, said, (at, index));
    }
    scene.close(to, turn);
}

fn heading(to: &mut Builder, thread: &Thread, trace: &Assembled) {
    if trace.threads.len() < 2 {
        return;
    }
    to.blank();
    let name = thread.agent.as_deref().map_or_else(|| "conversation".to_owned(), wrap::clean_line);
    let opened = if thread.opened_by.is_some() { "  sub-agent" } else { "" };
    to.line(vec![Run::new(format!("◆ {name}"), "tree.agent"), Run::new(opened, "dim")]);
}
