//! Rows of the lists: sessions and traces.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Project, RepeatSummary, Score, SessionId, Timestamp, Totals, TraceId};

/// One session: the sum of its traces, each once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// `None` gathers the traces without a session.
    pub session: Option<SessionId>,
    pub users: Vec<String>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// How long any of its traces went on, the times between them left out; of one that runs, up to when it was last seen.
    pub lasted: Duration,
    /// How many of its traces are in each state.
    pub states: StateCounts,
    /// How often the worst loop of any of its traces called its tool; 0 without a loop.
    pub loops: u64,
    /// The lowest score of its traces; `None` where nobody judged them.
    pub score: Option<Score>,
    pub totals: Totals,
}

/// One trace, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceSummary {
    pub trace: TraceId,
    pub project: Project,
    /// The root's name, else that of the earliest span; `None` if only log records are known.
    pub name: Option<String>,
    /// The name that people gave the run: that of their agent or of their own root span; `None` where an
    /// instrumentation made the name, as of a lone model call.
    pub label: Option<String>,
    pub session: Option<SessionId>,
    pub user: Option<String>,
    pub service: Option<String>,
    pub framework: Option<String>,
    /// What the user first said in it, cut to a line.
    pub question: Option<String>,
    pub started: Timestamp,
    /// `None` while it runs.
    pub ended: Option<Timestamp>,
    pub last_seen: Timestamp,
    pub state: TraceState,
    /// What has to come before it is complete; `None` where nothing is missing.
    pub waits: Option<Waits>,
    /// When the last program ended that had sent some of it, as `run` saw it end; `None` where none is known to have.
    pub program_ended: Option<Timestamp>,
    pub spans: u64,
    pub models: Vec<String>,
    /// Its worst repeat; `None` where no tool was called again and again.
    pub repeat: Option<RepeatSummary>,
    /// `None` where nobody judged it.
    pub score: Option<Score>,
    pub totals: Totals,
}

impl TraceSummary {
    /// The state of the run at a moment. Every list, sum and pane says the same, because all of them ask this.
    #[must_use]
    pub fn run_state(&self, now: Timestamp) -> RunState {
        RunState::of(self.running_until(), self.waits, self.state, self.totals.failures(), now)
    }

    /// The moment from which on nothing more is expected of it; `None` where nothing is missing.
    #[must_use]
    pub fn running_until(&self) -> Option<Timestamp> {
        Some(self.waits?.until(self.last_seen, self.program_ended))
    }
}

/// What a trace waits for: a fact of what was received, without any clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Waits {
    /// A span was received without its end.
    Spans,
    /// Spans name parents that have not been received, and no span without a parent has.
    Root,
    /// The same, but each of these parents is of another process than the span that names it, which may send it elsewhere
    /// or never.
    Remote,
    /// Its root has ended, and something of the trace is later than that end: there may be more.
    Late,
}

impl Waits {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spans, Self::Root, Self::Remote, Self::Late];

    /// The word that stands for it in the store and in exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Root => "root",
            Self::Remote => "remote",
            Self::Late => "late",
        }
    }

    /// The same once a program is known to have ended that had sent some of the trace. `run` notes that of a trace that waits
    /// for another process only where the program failed: then it is to be expected that it took the other one with it.
    #[must_use]
    pub fn after(self, last_seen: Timestamp, program_ended: Option<Timestamp>) -> Self {
        let has_ended = program_ended.is_some_and(|ended| ended >= last_seen);
        if self == Self::Remote && has_ended { Self::Root } else { self }
    }

    /// The moment from which on nothing more is expected, for a trace that was last seen at `last_seen`. A model call
    /// may take minutes without a span; what comes after the root's end comes in one of the sender's next batches. Of a
    /// program that ended nothing comes, and what is later than its end is of another program, which may go on.
    #[must_use]
    pub fn until(self, last_seen: Timestamp, program_ended: Option<Timestamp>) -> Timestamp {
        let patience = match self {
            Self::Spans | Self::Root => Duration::from_mins(10),
            Self::Remote => Duration::from_mins(1),
            Self::Late => Duration::from_secs(6),
        };
        let until = last_seen.plus(patience);
        program_ended.filter(|ended| *ended >= last_seen).map_or(until, |ended| ended.min(until))
    }
}

/// The state of a run at a moment: what was received of it, and the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Something is still to come, and something came not long ago.
    Running,
    /// Its root or the end of a span never came, and nothing has come for long: its program was probably stopped.
    NeverEnded,
    /// Its root failed; without a root, a top-most span.
    Failed,
    /// It went well in the end, though something in it failed.
    Recovered,
    /// It went well.
    Done,
}

impl RunState {
    /// The state of a run at a moment, from when nothing more is expected of it, what it waits for, its state by its spans
    /// and how many failures it has.
    #[must_use]
    pub fn of(
        until: Option<Timestamp>,
        waits: Option<Waits>,
        state: TraceState,
        failures: u64,
        now: Timestamp,
    ) -> Self {
        match (waits, state) {
            _ if until.is_some_and(|until| until > now) => Self::Running,
            (Some(Waits::Root | Waits::Spans), _) => Self::NeverEnded,
            (_, TraceState::Error) => Self::Failed,
            _ if failures > 0 => Self::Recovered,
            _ => Self::Done,
        }
    }

    /// The word for it in tables and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NeverEnded => "never ended",
            Self::Failed => "error",
            Self::Recovered | Self::Done => "ok",
        }
    }
}

/// How many runs are in each state at a moment; each run counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StateCounts {
    pub running: u64,
    pub never_ended: u64,
    pub failed: u64,
    pub recovered: u64,
    pub done: u64,
    /// The first moment at which a run leaves `running` though nothing comes; `None` where none runs.
    pub until: Option<Timestamp>,
}

impl StateCounts {
    /// Counts the states of runs at a moment.
    #[must_use]
    pub fn of<'t>(traces: impl IntoIterator<Item = &'t TraceSummary>, now: Timestamp) -> Self {
        let mut counts = Self::default();
        for trace in traces {
            match trace.run_state(now) {
                RunState::Running => counts.running += 1,
                RunState::NeverEnded => counts.never_ended += 1,
                RunState::Failed => counts.failed += 1,
                RunState::Recovered => counts.recovered += 1,
                RunState::Done => counts.done += 1,
            }
            let until = trace.running_until().filter(|until| *until > now);
            counts.until = counts.until.into_iter().chain(until).min();
        }
        counts
    }

    /// All runs.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.running + self.never_ended + self.failed + self.recovered + self.done
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TraceState {
    #[default]
    Ok,
    Error,
    Running,
}

impl TraceState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Running => "running",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(waits: Option<Waits>, state: TraceState, errors: u64) -> TraceSummary {
        TraceSummary {
            trace: TraceId::from_bytes(&[1; 16]).unwrap(),
            project: Project::default(),
            name: None,
            label: None,
            session: None,
            user: None,
            service: None,
            framework: None,
            question: None,
            started: at(0),
            ended: None,
            last_seen: at(100),
            state,
            waits,
            program_ended: None,
            spans: 1,
            models: Vec::new(),
            repeat: None,
            score: None,
            totals: Totals { errors, ..Totals::default() },
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000_000)
    }

    #[test]
    fn what_is_complete_is_done_at_once_and_what_waits_runs_until_nothing_has_come_for_long() {
        use {RunState as Run, TraceState as Trace};
        let state = |waits, state, errors, now| trace(waits, state, errors).run_state(at(now));
        assert_eq!(state(None, Trace::Ok, 0, 100), Run::Done);
        assert_eq!(state(None, Trace::Ok, 1, 100), Run::Recovered);
        assert_eq!(state(None, Trace::Error, 1, 100), Run::Failed);
        let mut told = trace(None, Trace::Ok, 0);
        told.totals.failed_tools = 1;
        assert_eq!(told.run_state(at(100)), Run::Recovered, "only the result of a tool says that it failed");
        for waits in [Waits::Root, Waits::Spans] {
            assert_eq!(state(Some(waits), Trace::Ok, 0, 699), Run::Running);
            assert_eq!(state(Some(waits), Trace::Error, 1, 700), Run::NeverEnded);
        }
        assert_eq!(state(Some(Waits::Remote), Trace::Ok, 0, 159), Run::Running);
        assert_eq!(state(Some(Waits::Remote), Trace::Ok, 0, 160), Run::Done);
        assert_eq!(state(Some(Waits::Remote), Trace::Error, 1, 160), Run::Failed);
        assert_eq!(state(Some(Waits::Late), Trace::Ok, 0, 105), Run::Running);
        assert_eq!(state(Some(Waits::Late), Trace::Error, 1, 106), Run::Failed);
    }

    #[test]
    fn what_its_program_left_unfinished_never_ended_from_then_on_unless_another_one_went_on() {
        use RunState as Run;
        let state = |waits, ended, now| {
            let trace = TraceSummary { program_ended: Some(at(ended)), ..trace(Some(waits), TraceState::Ok, 0) };
            trace.run_state(at(now))
        };
        assert_eq!(state(Waits::Root, 101, 100), Run::Running);
        assert_eq!(state(Waits::Root, 101, 101), Run::NeverEnded);
        assert_eq!(state(Waits::Spans, 100, 102), Run::NeverEnded);
        assert_eq!(state(Waits::Late, 101, 102), Run::Done);
        assert_eq!(state(Waits::Root, 99, 102), Run::Running, "something of it is later than the end of that program");
        assert_eq!(Waits::Remote.after(at(100), Some(at(101))), Waits::Root);
        assert_eq!(
            (Waits::Remote.after(at(100), None), Waits::Remote.after(at(100), Some(at(99)))),
            (Waits::Remote, Waits::Remote)
        );
        assert_eq!(state(Waits::Root, 5000, 700), Run::NeverEnded, "its program went on for long without it");
    }

    #[test]
    fn the_counts_say_when_the_clock_alone_changes_them() {
        let traces = [
            trace(None, TraceState::Ok, 0),
            trace(Some(Waits::Root), TraceState::Ok, 0),
            trace(Some(Waits::Late), TraceState::Ok, 0),
        ];
        let counts = StateCounts::of(&traces, at(101));
        assert_eq!((counts.running, counts.done, counts.until, counts.all()), (2, 1, Some(at(106)), 3));
        let counts = StateCounts::of(&traces, at(106));
        assert_eq!((counts.running, counts.done, counts.until), (1, 2, Some(at(700))));
        let counts = StateCounts::of(&traces, at(700));
        assert_eq!((counts.running, counts.never_ended, counts.until), (0, 1, None));
    }
}
