//! From one failed step of a run to the next.

use std::collections::HashSet;

use super::{browse::RowId, places::Goal, state::State, verdict::Verdict};
use crate::model::{AssembledTrace, SessionId, SpanId, Subject, TraceId};

/// Puts the tree's cursor on a step, and opens the way to it.
pub fn go_to(state: &mut State, trace: TraceId, span: SpanId) {
    state.follow.stop(&mut state.tree);
    let listed = state.tree.trace(&trace).map(|summary| summary.session.clone());
    let assembled = || state.assembled(&trace)?.context.session.as_deref().map(SessionId::from);
    let session = listed.unwrap_or_else(assembled);
    state.tree.set_open(RowId::Session(session.clone()), true);
    state.tree.set_open(RowId::Trace(trace), true);
    for above in state.above(&trace, span) {
        state.tree.set_open(RowId::Span(trace, above), true);
    }
    state.goal = Some(Goal::Run { session, trace, span: Some(span) });
}

impl State {
    /// Whether a step of the run that the detail is about failed.
    pub(super) fn has_failed_step(&self) -> bool {
        self.detail.verdict().and_then(Verdict::proof).is_some()
    }

    /// The failed step of the run that the detail is about to go to from a row: from a row that is none the step that the
    /// verdict names. `None` where there is none further on.
    pub(super) fn next_failed(&self, from: Option<&RowId>, forward: bool) -> Option<(TraceId, SpanId)> {
        let proof = self.detail.verdict().and_then(Verdict::proof);
        let trace = match self.detail.subject()? {
            Subject::Trace(trace) => *trace,
            Subject::Session(_) => proof?.0,
        };
        let mut seen = HashSet::new();
        let failed = self.assembled(&trace)?.errors.iter().map(|error| error.span);
        let proof = proof.filter(|(of, _)| *of == trace).map(|(_, span)| span);
        // What only the result of a tool says is no failure of a span.
        let steps: Vec<SpanId> = failed.chain(proof).filter(|span| seen.insert(*span)).collect();
        let at = match from {
            Some(RowId::Span(of, span)) if *of == trace => steps.iter().position(|step| step == span),
            _ => None,
        };
        let next = match at {
            Some(at) if forward => steps.get(at + 1).copied(),
            Some(at) => at.checked_sub(1).and_then(|before| steps.get(before)).copied(),
            // What lies behind is wanted, and this run is not.
            None if !forward && matches!(from, Some(RowId::Trace(_) | RowId::Session(_))) => None,
            None => proof.or(steps.first().copied()),
        };
        Some((trace, next?))
    }

    /// The spans that a span lies in.
    fn above(&self, trace: &TraceId, span: SpanId) -> Vec<SpanId> {
        let Some(tree) = self.assembled(trace).map(|trace| &trace.tree) else { return Vec::new() };
        let at = tree.nodes.iter().position(|node| node.id == span);
        at.map_or_else(Vec::new, |at| tree.above(at).map(|node| node.id).collect())
    }

    fn assembled(&self, trace: &TraceId) -> Option<&AssembledTrace> {
        let detail = self.detail.answer().shown()?.as_ref()?;
        detail.traces.iter().map(AsRef::as_ref).find(|one| one.trace == *trace)
    }
}
