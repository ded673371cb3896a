//! Two runs, or two calls, beside each other: what differs first, the sums, then everything in order.
//!
//! ```text
//!   runs      two runs, step by step            calls     two calls: their prompts and answers
//!   steps     the steps of a run, and which steps of two runs belong together
//!   sides     what both are called
//!   differs   what is other in two such steps   figures   the sums of both, with their differences
//! ```

mod calls;
mod differs;
mod figures;
mod runs;
mod sides;
mod steps;

use std::sync::Arc;

use super::build::Builder;
use super::outline::{Blocks, Outline, Pane};
use super::prompt::side::{Side, call_at};
use crate::app::styled::Styled;
use crate::model::{AssembledTrace, Detail, SpanId, TraceId};
use crate::slots::Slot;

/// What was marked, and the answer that has it.
#[derive(Debug, Clone, Copy)]
pub struct Marked<'a> {
    /// `None`: the store does not have it any more.
    pub detail: Option<&'a Arc<Detail>>,
    pub trace: TraceId,
    /// The call that was marked; `None`: the whole run was.
    pub call: Option<SpanId>,
}

/// What was marked, compared with the run of an answer, or with the call at a step of it.
#[must_use]
pub fn blocks(marked: Marked, other: &Arc<Detail>, step: Option<SpanId>) -> Box<dyn Blocks> {
    let Some(detail) = marked.detail else {
        return only("What was marked is no longer in the store.");
    };
    let place = detail.traces.iter().position(|trace| trace.trace == marked.trace);
    let Some(place) = place else { return only("What was marked is no longer in the store.") };
    if other.traces.len() != 1 || other.left_out > 0 {
        return only("Go to a run to compare it with the one that is marked.");
    }
    let same_trace = other.traces[0].trace == marked.trace;
    if marked.call.is_none() {
        if same_trace {
            return only("This run is marked. Go to another one to compare it with this.");
        }
        return runs::blocks(&detail.traces[place], &other.traces[0]);
    }
    let call = |trace: &AssembledTrace, step| call_at(trace, step);
    let calls = (call(&detail.traces[place], marked.call), call(&other.traces[0], step));
    let (Some(left), Some(right)) = calls else { return only("Here is no call of a model to compare.") };
    let same = same_trace && detail.traces[place].calls[left].span == other.traces[0].calls[right].span;
    if same {
        return only("This call is marked. Go to another one to compare it with this.");
    }
    match (Side::of(detail, place, left), Side::of(other, 0, right)) {
        (Some(left), Some(right)) => calls::blocks(left, right),
        _ => only("Here is no call of a model to compare."),
    }
}

/// A text in the place of a comparison.
fn only(text: &'static str) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    outline.push(text, "only", 1, 0);
    outline.of(Only)
}

#[derive(Debug)]
struct Only;

impl Pane for Only {
    type Block = &'static str;

    fn write(&self, text: &&'static str, to: &mut Builder) {
        to.wrapped(0, 0, &[Styled::new(*text, Slot::Dim)]);
    }
}
