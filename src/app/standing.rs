//! How runs stand, by the store and by the clock: a run's row, its session's and the sums all say the same.

use super::{pulse::Pulse, state::State};
use crate::model::{SessionSummary, TraceState, TraceSummary};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Running,
    Failed,
    /// It went well in the end, though something in it failed.
    Recovered,
    Done,
}

/// Runs by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub done: u64,
    pub recovered: u64,
    pub failed: u64,
    pub running: u64,
}

impl State {
    /// How a run stands: one of which something came a moment ago still runs.
    #[must_use]
    pub fn standing(&self, trace: &TraceSummary) -> Standing {
        if self.pulse(trace) == Pulse::Done { ended(trace) } else { Standing::Running }
    }

    /// How a session stands: as the worst of its runs, while none of them runs.
    #[must_use]
    pub fn standing_of(&self, session: &SessionSummary) -> Standing {
        let settles = || self.tree.traces(session.session.as_ref()).iter().any(|trace| self.settles(trace));
        if session.running > 0 || settles() {
            Standing::Running
        } else if session.failed > 0 {
            Standing::Failed
        } else if session.totals.errors > 0 {
            Standing::Recovered
        } else {
            Standing::Done
        }
    }

    /// The runs that the filter lets through, by how they stand.
    #[must_use]
    pub fn tally(&self) -> Option<Tally> {
        let overview = self.overview.shown()?;
        let ended = overview.traces.saturating_sub(overview.running);
        let mut tally = Tally {
            done: ended.saturating_sub(overview.failed).saturating_sub(overview.recovered),
            recovered: overview.recovered,
            failed: overview.failed,
            running: overview.running,
        };
        for trace in self.settling() {
            let counted = match self::ended(trace) {
                Standing::Failed => &mut tally.failed,
                Standing::Recovered => &mut tally.recovered,
                Standing::Running | Standing::Done => &mut tally.done,
            };
            if *counted > 0 {
                *counted -= 1;
                tally.running += 1;
            }
        }
        Some(tally)
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
        trace.state != TraceState::Running && self.pulse(trace) != Pulse::Done
    }
}

/// How a run stands when nothing more comes of it.
fn ended(trace: &TraceSummary) -> Standing {
    match trace.state {
        TraceState::Error => Standing::Failed,
        TraceState::Ok if trace.totals.errors > 0 => Standing::Recovered,
        TraceState::Ok | TraceState::Running => Standing::Done,
    }
}
