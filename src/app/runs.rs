//! The states of runs and sessions, how many runs are in each, by the store and by the clock, and what is told of them to
//! whoever looks elsewhere.

use super::state::State;
use crate::model::{RunState, SessionSummary, StateCounts, TraceSummary};

impl State {
    /// The state of a run now.
    #[must_use]
    pub fn run_state(&self, trace: &TraceSummary) -> RunState {
        trace.run_state(self.now)
    }

    /// The state that stands for a session: running while any of its runs is, else that of the worst of them.
    #[must_use]
    pub fn session_state(&self, session: &SessionSummary) -> RunState {
        let StateCounts { running, never_ended, failed, recovered, .. } = session.states;
        let worst = [
            (running, RunState::Running),
            (failed, RunState::Failed),
            (never_ended, RunState::NeverEnded),
            (recovered, RunState::Recovered),
        ];
        worst.into_iter().find(|(count, _)| *count > 0).map_or(RunState::Done, |(_, state)| state)
    }

    /// How many of the runs that the filter lets through are in each state; `None` until the sums are known.
    #[must_use]
    pub fn run_counts(&self) -> Option<StateCounts> {
        self.overview.shown().map(|overview| overview.states)
    }

    /// How many runs go on, whatever the filter.
    #[must_use]
    pub fn running(&self) -> u64 {
        self.overview.shown().map_or(0, |overview| overview.all.states.running)
    }

    /// Shows the programs that `run` has started, above what a filter lets through only where there is none.
    pub(super) fn show_programs(&mut self) {
        let all = self.mode.is_live() && self.filter.is_empty();
        let programs = if all { self.seen.programs.clone() } else { Vec::new() };
        self.tree.set_programs(programs);
    }

    /// Asks for the counts again when the clock alone has changed one of them.
    pub(super) fn recount(&mut self) {
        let now = self.now;
        let is_over = |counts: &StateCounts| counts.until.is_some_and(|until| until <= now);
        if self.overview.shown().is_some_and(|sums| is_over(&sums.states) || is_over(&sums.all.states)) {
            self.overview.touch();
        }
        self.tree.recount(is_over);
        self.stats.recount(now);
        if self.picker.shown().is_some_and(|page| page.rows.iter().any(|session| is_over(&session.states))) {
            self.picker.touch();
        }
    }

    /// Looks at the counts of all runs; a sentence where some have ended since. Recorded runs are nobody's news.
    pub(super) fn note_ended(&mut self) -> Option<String> {
        let counts = self.overview.shown()?.all.states;
        self.watched.note(&counts).filter(|_| self.mode.is_live())
    }

    /// `● 2 running · ✗ 1 — sideseat-tui`: how many runs go on, and how many have failed while the screen watched.
    #[must_use]
    pub fn window_title(&self) -> String {
        let running = Some(self.running()).filter(|running| *running > 0).map(|running| format!("● {running} running"));
        let failed = Some(self.watched.failed).filter(|failed| *failed > 0).map(|failed| format!("✗ {failed}"));
        let facts: Vec<String> = [running, failed].into_iter().flatten().collect();
        if facts.is_empty() { "sideseat-tui".to_owned() } else { format!("{} — sideseat-tui", facts.join(" · ")) }
    }
}
