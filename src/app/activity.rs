//! What needs a clock: how fast spans arrive, and which runs are still going.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::model::{Timestamp, TraceId, TraceState, TraceSummary};

/// How far back the sparkline reaches, in seconds.
pub const SPARKLINE: usize = 60;
/// Nothing new for so long: a run that has ended is done, one that has not is quiet.
const QUIET: Duration = Duration::from_secs(3);
/// Nothing new for so long: whoever was running it is probably gone.
const ABANDONED: Duration = Duration::from_mins(10);

/// Spans a second over the last minute, from samples of a counter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rate {
    /// Spans by second, the newest (unfinished) last; never longer than [`SPARKLINE`].
    seconds: VecDeque<u64>,
    /// The second of the newest, and the counter then.
    newest: Option<(u64, u64)>,
}

impl Rate {
    /// Takes a sample of a counter that only grows; one that shrank has started anew.
    pub fn sample(&mut self, now: Timestamp, counter: u64) {
        let second = now.0 / 1_000_000_000;
        let (newest, before) = self.newest.unwrap_or((second, counter));
        // A clock that was set back starts the minute anew.
        let passed = second.checked_sub(newest).and_then(|passed| usize::try_from(passed).ok()).unwrap_or(SPARKLINE);
        for _ in 0..passed.min(SPARKLINE) {
            self.seconds.push_back(0);
        }
        if self.seconds.is_empty() {
            self.seconds.push_back(0);
        }
        while self.seconds.len() > SPARKLINE {
            self.seconds.pop_front();
        }
        if let Some(last) = self.seconds.back_mut() {
            *last += counter.saturating_sub(before);
        }
        self.newest = Some((second, counter));
    }

    /// Spans by second, oldest first.
    #[must_use]
    pub fn seconds(&self) -> Vec<u64> {
        self.seconds.iter().copied().collect()
    }

    /// Spans a second now: over the last three seconds, so that a batch does not make it jump.
    #[must_use]
    pub fn now(&self) -> u64 {
        let last = self.seconds.iter().rev().take(3);
        let seconds = u64::try_from(last.len()).unwrap_or(1).max(1);
        last.sum::<u64>().div_ceil(seconds)
    }

    /// Whether the line would move by itself.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.seconds.iter().all(|spans| *spans == 0)
    }
}

/// Whether a run is still going. The store only knows spans without an end; this also knows the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Done,
    /// It has not ended, or something of it arrived a moment ago.
    Running,
    /// It has not ended, and nothing of it has arrived for so long.
    Quiet(Duration),
    /// It has not ended, and nothing of it has arrived for ten minutes.
    Abandoned,
}

/// When something of each trace last arrived, while this screen watched.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(HashMap<TraceId, Arrival>);

#[derive(Debug, Clone, Copy)]
struct Arrival {
    last: Timestamp,
    /// The longest time between two arrivals since it is watched: the sender's batch interval.
    gap: Duration,
}

impl Arrivals {
    pub fn note(&mut self, trace: TraceId, now: Timestamp) {
        let arrival = self.0.entry(trace).or_insert(Arrival { last: now, gap: Duration::ZERO });
        let gap = now.since(arrival.last);
        // A pause of the agent is not the interval of a batch.
        if gap < Duration::from_secs(30) {
            arrival.gap = arrival.gap.max(gap);
        }
        arrival.last = now;
    }

    /// Forgets what has been still for long.
    pub fn tidy(&mut self, now: Timestamp) {
        self.0.retain(|_, arrival| now.since(arrival.last) < ABANDONED);
    }

    /// Whether something of it arrived while this screen watched, and not long ago.
    #[must_use]
    pub fn has(&self, trace: &TraceId) -> bool {
        self.0.contains_key(trace)
    }

    /// Whether a run is still going at `now`. `waits`: a parent is named that has not arrived.
    #[must_use]
    pub fn activity(&self, trace: &TraceSummary, waits: bool, now: Timestamp) -> Activity {
        let arrival = self.0.get(&trace.trace);
        let quiet = now.since(arrival.map_or(trace.last_seen, |arrival| arrival.last));
        let settled = QUIET.max(arrival.map_or(Duration::ZERO, |arrival| arrival.gap * 2));
        let ended = trace.state != TraceState::Running;
        if ended && (arrival.is_none() || (quiet >= settled && !waits) || quiet >= ABANDONED) {
            Activity::Done
        } else if quiet >= ABANDONED {
            Activity::Abandoned
        } else if quiet >= settled {
            Activity::Quiet(quiet)
        } else {
            Activity::Running
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Project, Totals};

    fn at(seconds: u64) -> Timestamp {
        Timestamp((1_000_000 + seconds) * 1_000_000_000)
    }

    fn trace(state: TraceState) -> TraceSummary {
        TraceSummary {
            trace: TraceId::from_bytes(&[1; 16]).unwrap(),
            project: Project::default(),
            name: None,
            session: None,
            user: None,
            service: None,
            framework: None,
            question: None,
            started: at(0),
            ended: None,
            last_seen: at(0),
            state,
            spans: 1,
            models: Vec::new(),
            totals: Totals::default(),
        }
    }

    #[test]
    fn the_rate_forgets_after_a_minute() {
        let mut rate = Rate::default();
        rate.sample(at(0), 100);
        assert_eq!(rate.now(), 0, "what came before the first sample is not counted as now");
        rate.sample(at(1), 130);
        rate.sample(at(2), 130);
        assert_eq!((rate.now(), rate.seconds()), (10, vec![0, 30, 0]));
        rate.sample(at(600), 131);
        assert_eq!((rate.seconds().len(), rate.seconds().iter().sum()), (SPARKLINE, 1_u64));
        rate.sample(at(3), 140);
        assert_eq!(rate.seconds().len(), SPARKLINE);
    }

    #[test]
    fn a_run_is_done_only_after_a_quiet_time() {
        let mut arrivals = Arrivals::default();
        let ended = trace(TraceState::Ok);
        assert_eq!(arrivals.activity(&ended, false, at(0)), Activity::Done, "it was in the store already");
        arrivals.note(ended.trace, at(0));
        assert_eq!(arrivals.activity(&ended, false, at(2)), Activity::Running);
        assert_eq!(arrivals.activity(&ended, false, at(3)), Activity::Done);
        assert_eq!(
            arrivals.activity(&ended, true, at(4)),
            Activity::Quiet(Duration::from_secs(4)),
            "a parent is missing"
        );
        arrivals.note(ended.trace, at(5));
        assert_eq!(arrivals.activity(&ended, false, at(12)), Activity::Running, "batches come every five seconds");
        assert_eq!(arrivals.activity(&ended, false, at(15)), Activity::Done);
    }

    #[test]
    fn a_run_without_an_end_grows_quiet_and_is_then_given_up() {
        let arrivals = Arrivals::default();
        let running = trace(TraceState::Running);
        assert_eq!(arrivals.activity(&running, false, at(1)), Activity::Running);
        assert_eq!(arrivals.activity(&running, false, at(6)), Activity::Quiet(Duration::from_secs(6)));
        assert_eq!(arrivals.activity(&running, false, at(700)), Activity::Abandoned);
    }
}
