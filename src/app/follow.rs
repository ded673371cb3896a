//! Following the newest run, or the program that is about to make it.

use super::{
    activity::Arrivals,
    browse::{Browse, RowId},
};
use crate::model::{ProgramId, SpanId, Timestamp, TraceId};

/// Which run is followed, while following is on.
///
/// It only ever goes on to a run that started later, so that two that run at once do not pull the cursor to and fro.
#[derive(Debug, Clone, Default)]
pub struct Follow {
    on: bool,
    at: Option<(TraceId, Timestamp)>,
    span: Option<SpanId>,
    /// The last program that was gone on to, before it had sent anything.
    program: Option<ProgramId>,
}

/// What following did to the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    No,
    /// To a run that was there already: read it from its start.
    ToStart,
    /// To what just arrived: read it at its end.
    ToEnd,
}

impl Follow {
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Follows from now on, whatever is newest.
    pub fn start(&mut self) {
        *self = Self { on: true, ..Self::default() };
    }

    pub fn stop(&mut self, tree: &mut Browse) {
        if self.on {
            self.on = false;
            tree.unfollow();
        }
    }

    /// Puts the cursor on the newest run, and on its newest span where that arrived while someone watched.
    pub fn advance(&mut self, tree: &mut Browse, arrivals: &Arrivals, height: usize) -> Moved {
        if !self.on {
            return Moved::No;
        }
        if let Some(program) = tree.silent_program() {
            if self.program != Some(program) {
                self.program = Some(program);
                tree.relay(height);
                tree.select(&RowId::Program(program), height);
                return Moved::ToStart;
            }
            // Its run is the next one, whatever arrives of those before it.
            if tree.newest().is_none_or(|newest| newest.started < program.started) {
                return Moved::No;
            }
        }
        let mut moved = Moved::No;
        if let Some(newest) = tree.newest()
            && self.at.is_none_or(|(trace, started)| {
                // A root that comes last began before what had come of its run.
                let started = tree.trace(&trace).map(|trace| trace.started.min(started));
                trace != newest.trace && started.is_none_or(|started| newest.started > started)
            })
        {
            self.at = Some((newest.trace, newest.started));
            self.span = None;
            moved = Moved::ToStart;
        }
        let Some((trace, _)) = self.at else { return Moved::No };
        // A trace may move to a session that a later span named.
        if let Some(session) = tree.trace(&trace).map(|summary| summary.session.clone()) {
            tree.follow(session, trace);
        }
        tree.relay(height);
        if moved == Moved::ToStart {
            tree.select(&RowId::Trace(trace), height);
        }
        if arrivals.has(&trace) {
            let newest = tree.newest_span(&trace);
            if newest.is_some() && newest != self.span {
                self.span = newest;
                if let Some(span) = newest
                    && tree.select(&RowId::Span(trace, span), height)
                {
                    moved = Moved::ToEnd;
                }
            }
            // Its messages arrive after its row: they are read at their end too.
            if moved == Moved::ToStart {
                moved = Moved::ToEnd;
            }
        }
        moved
    }
}
