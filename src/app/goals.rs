//! Puts the cursor where a jump goes, once there is a row: branches are opened, and what is not known is asked for first.

use super::{
    browse::{RowId, is_quiet},
    failed_steps,
    places::{Goal, Wants},
    state::State,
    verdict::Verdict,
};
use crate::{
    keymap::Action,
    model::{SessionId, SpanId, Subject, TraceId, TraceSummary},
};

impl State {
    /// Puts the cursor where it was to go, once the rows are there.
    pub(super) fn reach_goal(&mut self, height: usize) {
        // A run is reached before its step is.
        for _ in 0..3 {
            let before = self.goal.clone();
            self.approach_goal(height);
            if self.goal == before {
                break;
            }
        }
    }

    fn approach_goal(&mut self, height: usize) {
        match self.goal.clone() {
            None => {}
            Some(Goal::Step(trace, _)) if self.tree.nodes(&trace).is_empty() => {}
            Some(Goal::Step(trace, span)) => {
                self.goal = None;
                self.tree.select(&RowId::Span(trace, span), height);
            }
            Some(Goal::Run { session, trace, span }) => self.reach_run(session, trace, span, height),
            Some(Goal::RunOf { session, first, wants }) => {
                let mut rows = self.tree.traces(session.as_ref()).iter().rev();
                if rows.len() == 0 {
                    // What is seen is asked for.
                    self.tree.select(&RowId::Session(session), height);
                    return;
                }
                let wanted = |row: &&TraceSummary| self.is_wanted(row, wants);
                let found = if first { rows.find(wanted) } else { rows.rfind(wanted) };
                let found = found.map(|row| row.trace);
                self.goal = None;
                if let Some(trace) = found {
                    self.proof_of = (wants == Wants::Failed).then_some(trace);
                    self.reach_run(session, trace, None, height);
                }
            }
            Some(Goal::Proof(trace)) => {
                let is_here = self.detail.subject() == Some(&Subject::Trace(trace));
                if is_here && self.detail.current_answer().is_some() {
                    self.goal = None;
                    let proof = self.detail.verdict().and_then(Verdict::proof);
                    if let Some((trace, span)) = proof.filter(|(of, _)| *of == trace) {
                        failed_steps::go_to(self, trace, span);
                        self.tree.relay(height);
                    }
                }
            }
        }
    }

    fn reach_run(&mut self, session: Option<SessionId>, trace: TraceId, span: Option<SpanId>, height: usize) {
        if self.tree.trace(&trace).is_some_and(is_quiet) {
            self.tree.set_open(RowId::Quiet(session.clone()), true);
            self.tree.relay(height);
        }
        if self.tree.select(&RowId::Trace(trace), height) {
            self.goal = span.map(|span| Goal::Step(trace, span));
            if let Some(failed) = self.proof_of.take_if(|failed| *failed == trace) {
                self.goal = Some(Goal::Proof(failed));
            }
            if span.is_some() {
                self.tree.set_open(RowId::Trace(trace), true);
                self.tree.relay(height);
            }
            return;
        }
        let row = RowId::Session(session.clone());
        let is_listed = self.tree.select(&row, height);
        if self.tree.traces(session.as_ref()).is_empty() && is_listed {
            // Its runs are on their way.
            self.goal = Some(Goal::Run { session, trace, span });
            return;
        }
        if is_listed && self.tree.ask_for_earlier(session.as_ref()) {
            self.goal = Some(Goal::Run { session, trace, span });
            return;
        }
        self.goal = None;
        let clear = self.keymap.label(Action::Back);
        let hidden = !self.filter.is_empty();
        self.notify(if hidden {
            format!("the filter hides that run: {clear} clears the filter")
        } else {
            "that run is not in the list any more".to_owned()
        });
    }
}
