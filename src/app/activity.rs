//! What needs a clock: how fast spans arrive, and when something of each trace last did.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::model::{Timestamp, TraceId};

/// How far back the sparkline reaches, in seconds.
pub const SPARKLINE: usize = 60;

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

/// When something of each trace last arrived, while this screen watched.
#[derive(Debug, Clone, Default)]
pub struct Arrivals(HashMap<TraceId, Timestamp>);

impl Arrivals {
    /// Notes that something of a trace arrived.
    pub fn note(&mut self, trace: TraceId, now: Timestamp) {
        self.0.insert(trace, now);
    }

    /// Forgets traces of which nothing has arrived for ten minutes.
    pub fn tidy(&mut self, now: Timestamp) {
        self.0.retain(|_, last| now.since(*last) < Duration::from_mins(10));
    }

    /// Whether something of it arrived while this screen watched, and not long ago.
    #[must_use]
    pub fn has(&self, trace: &TraceId) -> bool {
        self.0.contains_key(trace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp((1_000_000 + seconds) * 1_000_000_000)
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
}
