//! The prompt of a call, or a comparison, laid over the messages and taken away again.

use std::sync::Arc;

use super::{
    DetailPane, Hold, Shown,
    over::{Made, Mark, Over, View},
    sides::Side,
};
use crate::{
    app::{
        document::{
            Blocks,
            compare::{self, Marked},
            prompt,
        },
        pane::Pane,
    },
    model::{Changes, Detail, Query, SpanId, Subject, Timestamp, TraceId},
    tabs::Tab,
};

impl DetailPane {
    /// What was marked.
    #[must_use]
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    pub fn set_mark(&mut self, mark: Option<Mark>) {
        if mark.is_none() && self.over == Some(Over::Comparison) {
            self.over = None;
        }
        self.mark = mark;
        self.read_from_start();
    }

    /// Whether a call of a model is known whose prompt could be shown.
    #[must_use]
    pub fn has_call(&self) -> bool {
        let detail = self.detail.shown().and_then(Option::as_ref);
        detail.is_some_and(|detail| detail.traces.iter().any(|trace| !trace.calls.is_empty()))
    }

    /// Shows the prompt of a call: of the one that the text's cursor is in, else of the one at the tree's cursor. Once
    /// more: all of it, or only what is new.
    pub fn show_prompt(&mut self, at_cursor: bool) {
        if let Some(Over::Prompt { full }) = self.over() {
            self.over = Some(Over::Prompt { full: !full });
        } else {
            self.chosen = if at_cursor && self.over().is_none() { self.step_read() } else { None };
            self.cover(Over::Prompt { full: false });
        }
        self.read_from_start();
    }

    /// Compares what was marked with what the tree's cursor is on.
    pub fn show_comparison(&mut self) {
        self.chosen = None;
        self.cover(Over::Comparison);
        self.read_from_start();
    }

    /// Lays something over the messages, and gives that pane the keys.
    fn cover(&mut self, over: Over) {
        self.turn_to(Side::Main);
        self.show(Tab::default());
        self.over = Some(over);
    }

    /// Takes away what lies over the messages; false where nothing does.
    pub fn uncover(&mut self) -> bool {
        self.over.take_if(|_| self.sides.keys == Side::Main).is_some()
    }

    fn read_from_start(&mut self) {
        for view in [View::Prompt, View::Comparison] {
            let Shown { hold, lost, .. } = self.texts.entry(view).or_default();
            (*hold, *lost) = (Hold::Start, true);
        }
    }

    /// The step that the cursor of the text is in: the last one whose part begins at it or above it.
    pub(super) fn step_read(&self) -> Option<(TraceId, SpanId)> {
        if let Some(step) = self.step_at_cursor() {
            return Some(step);
        }
        let (document, cursor) = (self.document(), self.shown().place.block);
        let detail = self.detail.shown()?.as_ref()?;
        let steps = detail.traces.iter().flat_map(|trace| {
            let tools = trace.tools.iter().filter_map(|run| run.span);
            let spans = trace.calls.iter().map(|call| call.span).chain(tools);
            spans.map(|span| (trace.trace, span))
        });
        let placed = steps.filter_map(|step| Some((document.block_of_span(step.1)?, step)));
        placed.filter(|(block, _)| *block <= cursor).max_by_key(|(block, _)| *block).map(|(_, step)| step)
    }

    /// The trace and the step that a text about one step is about.
    fn step_of_text(&self) -> (Option<TraceId>, Option<SpanId>) {
        match (self.chosen, &self.subject) {
            (Some((trace, step)), _) => (Some(trace), Some(step)),
            (None, Some(Subject::Trace(trace))) => (Some(*trace), self.at),
            (None, _) => (None, None),
        }
    }

    pub(super) fn made_over(&self) -> Option<Made> {
        let over = self.over()?;
        let mark = self.mark.as_ref().filter(|_| over == Over::Comparison);
        let of_step = match over {
            Over::Prompt { .. } => true,
            Over::Comparison => mark.is_some_and(|mark| mark.call.is_some()),
        };
        let step = if of_step { self.step_of_text() } else { (None, None) };
        Some(Made { over, step, marked: mark.map(|mark| (mark.trace, mark.call, self.versions.marked)) })
    }

    pub(super) fn blocks_over(&self) -> Option<Box<dyn Blocks>> {
        let detail = self.detail.shown()?.as_ref()?;
        let (trace, step) = self.step_of_text();
        match self.over()? {
            Over::Prompt { full } => {
                let place = |trace| detail.traces.iter().position(|one| one.trace == trace);
                Some(prompt::blocks(detail, trace.and_then(place), step, full))
            }
            Over::Comparison => {
                let mark = self.mark.as_ref()?;
                // Until its answer is there nothing is shown.
                let is_answer = self.marked.failed().is_none() && self.marked.answered() == Some(&mark.question());
                let marked = self.marked.shown().filter(|_| is_answer)?;
                let marked = Marked { detail: marked.as_ref(), trace: mark.trace, call: mark.call };
                Some(compare::blocks(marked, detail, step))
            }
        }
    }
}

/// The question about what was marked, and its answer.
impl DetailPane {
    /// `None` where nothing is compared.
    #[must_use]
    pub fn question_of_marked(&self) -> Option<Query> {
        self.mark.as_ref().filter(|_| self.over == Some(Over::Comparison)).map(Mark::question)
    }

    pub fn marked_mut(&mut self) -> &mut Pane<Option<Arc<Detail>>> {
        &mut self.marked
    }

    pub fn take_marked(&mut self, ticket: u64, answer: Result<Option<Arc<Detail>>, String>, now: Timestamp) {
        self.versions.marked += u64::from(self.marked.take(ticket, answer, now));
    }

    /// Notes that the answer about what was marked may be old.
    pub fn touch_marked(&mut self, changes: &Changes) {
        if self.mark.as_ref().is_some_and(|mark| changes.touches(&mark.trace)) {
            self.marked.touch();
        }
    }
}
