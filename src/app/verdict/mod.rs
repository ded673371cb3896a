//! What there is to say of a run before anything of it is read: why it failed, what it did again and again, how full the
//! model's context was. All of it follows from what was received; where there is nothing to say, nothing is said.
//!
//! ```text
//!   ✗ tool failed  planner › turn 5 › book_room #4                          ValidationError  e
//!   'guests' must be >= 1 (got 0)                                      ↻ LOOP 4× same arguments
//!   after the repeat began: 3 model calls · 69k tokens · $.194
//!   context ██▍············· 12% of 200k   cached 88% → 12% in turn 3   first token 1.1s
//! ```
//!
//! ```text
//!   cause     what failed, was cut off or is missing
//!   fan_out   agents that worked side by side
//!   context   the prompt's share of the model's window    usual     the cost against that of earlier runs
//!   lines     all of it as lines of a width
//! ```

mod cause;
mod context;
mod fan_out;
mod lines;
#[cfg(test)]
mod tests;
mod usual;

use super::{
    browse::Browse,
    document,
    waiting::{self, Waiting},
};
use crate::model::{AssembledTrace, Detail, Query, RunState, SpanId, Timestamp, TraceId, Usd};

pub use super::document::repeats::{Repeat, equal_runs};
pub use cause::{By, Cause, What};
pub use context::ContextUse;
pub use fan_out::{Agent, FanOut};
pub use lines::VerdictLine;
pub use usual::Unusual;

/// What there is to say of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    trace: TraceId,
    /// Which run of its session it is, where the answer holds several.
    run: Option<u64>,
    cause: Option<Cause>,
    repeat: Option<Repeat>,
    context: Option<ContextUse>,
    fan_out: Option<FanOut>,
    unfinished: Option<Unfinished>,
}

/// What is known of a run that may never end.
#[derive(Debug, Clone, PartialEq)]
struct Unfinished {
    /// From this moment on nothing more is expected of it.
    until: Timestamp,
    last_seen: Timestamp,
    /// When its program ended, where that is why nothing more is expected.
    program_ended: Option<Timestamp>,
    waiting: Option<Waiting>,
}

impl Verdict {
    /// What there is to say of an answer: of its run; of a session, of the newest run that failed or repeated itself.
    #[must_use]
    pub fn of(detail: &Detail) -> Option<Self> {
        let several = detail.traces.len() > 1 || detail.left_out > 0;
        let newest_first = detail.traces.iter().enumerate().rev();
        let mut verdicts =
            newest_first.map(|(at, trace)| Self::of_run(trace, several.then_some(detail.left_out + at as u64 + 1)));
        if several {
            verdicts.find(|verdict| verdict.cause.is_some() || verdict.repeat.is_some())
        } else {
            verdicts.next()
        }
    }

    fn of_run(trace: &AssembledTrace, run: Option<u64>) -> Self {
        let unfinished = trace.run_state(Timestamp(u64::MAX)) == RunState::NeverEnded;
        Self {
            trace: trace.trace,
            run,
            cause: cause::of(trace),
            repeat: document::repeats::of(trace),
            context: if run.is_none() { context::of(trace) } else { None },
            fan_out: if run.is_none() { fan_out::of(trace) } else { None },
            unfinished: trace.running_until().filter(|_| unfinished).map(|until| Unfinished {
                until,
                last_seen: trace.last_seen,
                program_ended: trace.program_ended.filter(|ended| *ended == until),
                waiting: waiting::of(trace),
            }),
        }
    }

    /// The run that it is about.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// The query of what runs before it cost that have its label; `None` where it is about one run of several.
    #[must_use]
    pub fn question(&self) -> Option<Query> {
        self.run.is_none().then_some(Query::Usual { trace: self.trace })
    }

    /// Compares the cost of the run with that of runs before it; see [`usual::of`].
    #[must_use]
    pub fn unusual(&self, tree: &Browse, earlier: &[Usd]) -> Option<Unusual> {
        let run = tree.trace(&self.trace).filter(|_| self.run.is_none())?;
        usual::of(&run.totals, earlier)
    }

    /// The run that it is about, and the span at which the run failed.
    #[must_use]
    pub fn proof(&self) -> Option<(TraceId, SpanId)> {
        Some((self.trace, self.cause.as_ref()?.span?))
    }
}
