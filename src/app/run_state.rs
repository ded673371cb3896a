//! The states of runs: a run's row, its session's and the counts all show the same.

use crate::model::{TraceState, TraceSummary};

/// The state of a run, by the store and by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    Running,
    Failed,
    /// It went well in the end, though something in it failed.
    Recovered,
    Done,
}

/// How many runs are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunCounts {
    pub done: u64,
    pub recovered: u64,
    pub failed: u64,
    pub running: u64,
}

impl RunState {
    /// The state of a run of which nothing more arrives.
    #[must_use]
    pub fn when_ended(trace: &TraceSummary) -> Self {
        match trace.state {
            TraceState::Error => Self::Failed,
            TraceState::Ok if trace.totals.errors > 0 => Self::Recovered,
            TraceState::Ok | TraceState::Running => Self::Done,
        }
    }
}
