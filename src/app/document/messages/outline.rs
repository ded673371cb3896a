//! Lists the blocks of the Messages pane, turn by turn.

use std::{borrow::Cow, sync::Arc};

use super::super::hash::{HashMap, HashSet};
use super::super::{outline, parts, runs};
use super::blocks::Block;
use super::evaluations;
use super::failures::{Failed, Failures};
use super::index::TraceIndex;
use super::pairs::PartPlace;
use super::unanswered::{self, NoAnswer};
use crate::model::{AssembledTrace, Content, ConversationMessage, Detail, ModelCall, Part, Role, SpanId, Timestamp};

/// The blocks of an answer, and what is looked up in each of its traces.
pub fn of(detail: &Arc<Detail>) -> (Vec<TraceIndex>, outline::Outline<Block>) {
    let mut outline = outline::Outline::default();
    if detail.traces.iter().all(|trace| trace.only_wrapper_spans) {
        outline.push(Block::OnlyRoots, "only roots", 6, 0);
    }
    if detail.session.as_ref().is_some_and(|facts| facts.states.all() > 1) {
        outline.push(Block::Session, "session", 3, 0);
    }
    if detail.left_out > 0 {
        outline.push(Block::LeftOut, "left out", 1, 0);
    }
    let mut shown = Shown::default();
    let mut traces = Vec::new();
    outline.expect(detail.traces.iter().map(|trace| trace.calls.len() + trace.tools.len()).sum());
    for (at, (trace, number)) in runs::numbered(detail).enumerate() {
        let index = TraceIndex::of(trace, number);
        let mut writer = Writer {
            silent: index.silent_calls(trace).into_iter().peekable(),
            failures: Failures::of(trace, &index.pairs),
            retrievals: 0,
            judged: evaluations::numbers(trace),
            unanswered: unanswered::turns(trace, &index),
            at,
            trace,
            index,
            outline: &mut outline,
            shown: &mut shown,
        };
        writer.trace();
        traces.push(writer.index);
    }
    (traces, outline)
}

/// What the runs before one show already: in a session it is shown once.
#[derive(Default)]
struct Shown<'a> {
    /// The system prompts, each with the number of the run that began with it.
    prompts: Vec<(u64, &'a [Part])>,
    /// What makes an instrumentation record messages.
    hints: HashSet<Cow<'static, str>>,
}

struct Writer<'a, 'o> {
    at: usize,
    trace: &'a AssembledTrace,
    index: TraceIndex,
    failures: Failures,
    /// The spans that somebody gave a score.
    judged: HashMap<SpanId, usize>,
    /// The turns that show no answer, by their calls: each says so once.
    unanswered: HashMap<usize, NoAnswer>,
    /// So many of the trace's retrievals are listed.
    retrievals: usize,
    /// Calls without messages, in order: each still has its turn.
    silent: std::iter::Peekable<std::vec::IntoIter<usize>>,
    outline: &'o mut outline::Outline<Block>,
    shown: &'o mut Shown<'a>,
}

impl<'a> Writer<'a, '_> {
    fn trace(&mut self) {
        let (at, trace) = (self.at, self.trace);
        self.outline.push(
            Block::Run { trace: at },
            ("run", trace.trace),
            if self.index.number.is_some() { 2 } else { 1 },
            0,
        );
        for (conversation, messages) in trace.conversations.iter().enumerate() {
            if trace.conversations.len() > 1 {
                let id = (messages.id.0, messages.id.1);
                self.outline.push(Block::Conversation { trace: at, conversation }, ("conversation", id), 2, 0);
            }
            self.conversation(conversation, &messages.messages);
        }
        self.silent_before(trace.calls.len());
        self.retrievals_before(Timestamp(u64::MAX));
        for failed in self.failures.take_rest(trace) {
            self.failure(failed);
        }
        self.evaluations(None);
        self.outline.push(Block::End { trace: at }, ("end", trace.trace), 2, 0);
    }

    /// The turns of one conversation, in each what is new.
    fn conversation(&mut self, conversation: usize, messages: &'a [ConversationMessage]) {
        let is_earlier = |at: &ConversationMessage| at.history && at.message.role != Role::System;
        let mut turn = None;
        let mut history = 0;
        for (message, at) in messages.iter().enumerate() {
            if turn != Some(at.turn) {
                self.close(turn);
                turn = Some(at.turn);
                if at.turn < self.trace.calls.len() {
                    self.silent_before(at.turn);
                    self.turn(at.turn);
                }
            }
            let place = PartPlace { conversation, message, part: 0 };
            if is_earlier(at) {
                history += 1;
                let goes_on = |next: &ConversationMessage| {
                    is_earlier(next) && Some(next.turn) == turn && next.rewritten == at.rewritten
                };
                if !messages.get(message + 1).is_some_and(goes_on) {
                    let first = PartPlace { message: message + 1 - history, ..place };
                    let block = Block::Earlier { trace: self.at, at: first, count: history };
                    self.push(block, "history", first, 1, 0);
                    history = 0;
                }
            } else if at.message.role == Role::System {
                self.system(place, &at.message.parts);
            } else {
                self.message(place, &at.message.parts);
            }
        }
        self.close(turn);
    }

    fn system(&mut self, place: PartPlace, prompt: &'a [Part]) {
        let (number, prompts) = (self.index.number, &mut self.shown.prompts);
        let earlier = prompts.iter().find(|(_, earlier)| *earlier == prompt).map(|(run, _)| *run);
        prompts.extend(number.filter(|_| earlier.is_none()).map(|run| (run, prompt)));
        let as_in_run = earlier.filter(|run| Some(*run) != number);
        self.push(Block::System { trace: self.at, at: place, as_in_run }, "part", place, 2, 0);
    }

    /// The parts of a message, but for results that are shown with their calls.
    fn message(&mut self, place: PartPlace, parts: &[Part]) {
        let (mut first, mut headed, mut after_text) = (true, false, false);
        // A model's answer may be cut into pieces anywhere; texts of a user stand for themselves.
        let is_users = self.trace.conversations[place.conversation].messages[place.message].message.role == Role::User;
        for (part, content) in parts.iter().enumerate() {
            let at = PartPlace { part, ..place };
            if self.index.pairs.is_shown_with_call(at) {
                continue;
            }
            let (mut role, mut lines, mut bytes) = (false, usize::from(first), 0);
            let mut span = None;
            match &content.content {
                Content::Call(call) => {
                    let pair = self.index.pairs.of_call(at);
                    span = pair.run.and_then(|run| self.trace.tools[run].span);
                    lines += 1 + call.input.as_map().map_or(1, <[_]>::len) + usize::from(pair.result.is_some());
                }
                Content::Result(_) => lines += 2,
                Content::Reasoning(_) => lines += 1,
                _ => {
                    role = !headed;
                    let is_text = matches!(content.content, Content::Text(_));
                    first |= is_text && after_text && is_users;
                    (headed, after_text) = (true, is_text);
                    lines += usize::from(role);
                    bytes = parts::weight(content);
                }
            }
            self.push(Block::Part { trace: self.at, at, first, role }, "part", at, lines, bytes);
            first = false;
            if let Some(span) = span {
                self.outline.holds(span);
                let failed = self.failures.take(span);
                for failed in &failed {
                    self.outline.holds(self.trace.errors[failed.error].span);
                }
                self.index.add_failures(at, failed);
            }
        }
    }

    /// The turns of calls without messages, up to a call.
    fn silent_before(&mut self, before: usize) {
        while let Some(call) = self.silent.next_if(|call| *call < before) {
            self.turn(call);
            let hint = self.trace.calls[call].recording_hint.as_ref();
            let hint = hint.is_some_and(|hint| self.shown.hints.insert(hint.clone()));
            let id = ("silent", self.trace.trace, self.trace.calls[call].span);
            self.outline.push(Block::Silent { trace: self.at, call, hint }, id, 1 + usize::from(hint), 0);
            self.close(Some(call));
        }
    }

    fn turn(&mut self, call: usize) {
        self.retrievals_before(self.trace.calls[call].started);
        let ModelCall { span, dropped, .. } = self.trace.calls[call];
        let lines = 2 + usize::from(dropped.is_any());
        self.outline.push(Block::Turn { trace: self.at, call }, ("turn", self.trace.trace, span), lines, 0);
        self.outline.holds(span);
    }

    /// The retrievals that began before a moment and are not listed yet.
    fn retrievals_before(&mut self, moment: Timestamp) {
        while let Some(retrieval) = self.trace.retrievals.get(self.retrievals).filter(|next| next.started <= moment) {
            let found = retrieval.found.iter().map(|message| message.parts.len()).sum::<usize>();
            let block = Block::Retrieval { trace: self.at, at: self.retrievals };
            self.outline.push(block, ("retrieval", self.trace.trace, retrieval.span), 2 + found, 0);
            self.outline.holds(retrieval.span);
            self.retrievals += 1;
        }
    }

    /// Shows the failures of a turn's call beneath its messages.
    fn close(&mut self, turn: Option<usize>) {
        if let Some(why) = turn.and_then(|turn| self.unanswered.remove(&turn)) {
            let id = ("no answer", self.trace.trace, turn);
            self.outline.push(Block::NoAnswer { why }, id, 2, 0);
        }
        if let Some(call) = turn.and_then(|turn| self.trace.calls.get(turn)) {
            self.failures_at(call.span);
            self.evaluations(Some(call.span));
        }
    }

    /// How a call was judged, or where `span` is `None` all else of the run.
    fn evaluations(&mut self, span: Option<SpanId>) {
        let trace = self.trace;
        let number = match span {
            // A turn that is closed twice lists them once.
            Some(span) => self.judged.remove(&span).unwrap_or(0),
            None if trace.evaluations.is_empty() => 0,
            None => evaluations::of(trace, None).len(),
        };
        if number > 0 {
            let block = Block::Evaluations { trace: self.at, span };
            self.outline.push(block, ("evaluations", trace.trace, span), 1 + number, 0);
        }
    }

    fn failures_at(&mut self, span: SpanId) {
        for failed in self.failures.take(span) {
            self.failure(failed);
        }
    }

    fn failure(&mut self, failed: Failed) {
        let error = &self.trace.errors[failed.error];
        let bytes = error.failure.message.as_ref().map_or(0, String::len);
        let id = ("failure", self.trace.trace, error.span, failed.error);
        self.outline.push(Block::Failure { trace: self.at, failed }, id, 2, bytes);
        self.outline.holds(error.span);
    }

    fn push(&mut self, block: Block, kind: &str, at: PartPlace, lines: usize, bytes: usize) {
        let conversation = &self.trace.conversations[at.conversation].id;
        self.outline.push(block, (kind, conversation.0, conversation.1, at), lines, bytes);
    }
}
