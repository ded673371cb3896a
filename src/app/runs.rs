//! The states of runs and sessions, and how many runs are in each, by the store and by the clock.

use super::{
    activity::Activity,
    run_state::{RunCounts, RunState},
    state::State,
};
use crate::model::{SessionSummary, TraceState, TraceSummary};

impl State {
    /// The state of a run: one of which something arrived a moment ago still runs.
    #[must_use]
    pub fn run_state(&self, trace: &TraceSummary) -> RunState {
        if self.activity(trace) == Activity::Done { RunState::when_ended(trace) } else { RunState::Running }
    }

    /// The state of a session: that of the worst of its runs, while none of them runs.
    #[must_use]
    pub fn session_state(&self, session: &SessionSummary) -> RunState {
        let settles = || self.tree.traces(session.session.as_ref()).iter().any(|trace| self.settles(trace));
        if session.running > 0 || settles() {
            RunState::Running
        } else if session.failed > 0 {
            RunState::Failed
        } else if session.totals.errors > 0 {
            RunState::Recovered
        } else {
            RunState::Done
        }
    }

    /// How many of the runs that the filter lets through are in each state; `None` until the sums are known.
    #[must_use]
    pub fn run_counts(&self) -> Option<RunCounts> {
        let overview = self.overview.shown()?;
        let ended = overview.traces.saturating_sub(overview.running);
        let mut counts = RunCounts {
            done: ended.saturating_sub(overview.failed).saturating_sub(overview.recovered),
            recovered: overview.recovered,
            failed: overview.failed,
            running: overview.running,
        };
        for trace in self.settling() {
            let counted = match RunState::when_ended(trace) {
                RunState::Failed => &mut counts.failed,
                RunState::Recovered => &mut counts.recovered,
                RunState::Running | RunState::Done => &mut counts.done,
            };
            if *counted > 0 {
                *counted -= 1;
                counts.running += 1;
            }
        }
        Some(counts)
    }

    /// How many runs go on, whatever the filter.
    #[must_use]
    pub fn running(&self) -> u64 {
        let known = self.overview.shown().map_or(0, |overview| overview.all.running);
        known + self.settling().count() as u64
    }

    /// Runs that have ended by the store, and not by the clock: of those that are known, be their session open or not.
    fn settling(&self) -> impl Iterator<Item = &TraceSummary> {
        self.tree.known_traces().filter(|trace| self.settles(trace))
    }

    fn settles(&self, trace: &TraceSummary) -> bool {
        trace.state != TraceState::Running && self.activity(trace) != Activity::Done
    }
}
