//! What came and what was refused, counted for the screen. Nothing here waits.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{Protocol, Reason};
use crate::model::Timestamp;

/// So many refusals are kept with their text.
const KEPT: usize = 20;
/// So many characters of a sender's text are kept.
const LONGEST: usize = 300;

/// The sums since the program started; shared by everything that receives.
#[derive(Debug, Default)]
pub struct Counts {
    open: [AtomicU64; Protocol::ALL.len()],
    exports: AtomicU64,
    spans: AtomicU64,
    logs: AtomicU64,
    points: AtomicU64,
    last_export: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
    last_refused: Mutex<VecDeque<Refused>>,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Connections that are open now.
    pub open: Vec<(Protocol, u64)>,
    /// Requests that were answered with yes.
    pub exports: u64,
    pub spans: u64,
    pub logs: u64,
    /// Data points of metrics: thanked, counted, let go.
    pub points: u64,
    /// When the last of those came.
    pub last_export: Option<Timestamp>,
    /// Only reasons that have occurred.
    pub refused: Vec<(Reason, u64)>,
    /// The newest first.
    pub last_refused: Vec<Refused>,
}

impl Seen {
    /// Refusals of every reason together.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.iter().map(|(_, times)| times).sum()
    }
}

/// One refusal, as text that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub at: Timestamp,
    pub peer: SocketAddr,
    pub path: String,
    pub reason: Reason,
    pub why: String,
}

/// What one export brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Brought {
    pub spans: u64,
    pub logs: u64,
    pub points: u64,
}

impl Counts {
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What was counted until now.
    #[must_use]
    pub fn snapshot(&self) -> Seen {
        let refused = Reason::ALL.into_iter().zip(self.refused.iter().map(|times| times.load(Relaxed)));
        // The list stays good whatever happened to the thread that held it.
        let last = self.last_refused.lock().unwrap_or_else(PoisonError::into_inner);
        Seen {
            open: Protocol::ALL.into_iter().zip(self.open.iter().map(|open| open.load(Relaxed))).collect(),
            exports: self.exports.load(Relaxed),
            spans: self.spans.load(Relaxed),
            logs: self.logs.load(Relaxed),
            points: self.points.load(Relaxed),
            last_export: Timestamp(self.last_export.load(Relaxed)).known(),
            refused: refused.filter(|(_, times)| *times > 0).collect(),
            last_refused: last.iter().rev().cloned().collect(),
        }
    }

    pub(super) fn took(&self, brought: Brought) {
        self.exports.fetch_add(1, Relaxed);
        self.spans.fetch_add(brought.spans, Relaxed);
        self.logs.fetch_add(brought.logs, Relaxed);
        self.points.fetch_add(brought.points, Relaxed);
        self.last_export.store(Timestamp::now().0, Relaxed);
    }

    /// Counts a refusal so many times, keeps it once, and logs it.
    pub(super) fn refused(&self, reason: Reason, times: u64, peer: SocketAddr, path: &str, why: &str) {
        if let Some(counter) = self.refused.get(reason as usize) {
            counter.fetch_add(times, Relaxed);
        }
        let refused = Refused { at: Timestamp::now(), peer, path: clean(path), reason, why: clean(why) };
        let (path, why) = (&refused.path, &refused.why);
        tracing::warn!(%peer, %path, reason = reason.as_str(), times, %why, "export refused");
        let mut last = self.last_refused.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(refused);
    }

    /// A connection is open until the guard is dropped.
    pub(super) fn opened(self: &Arc<Self>, protocol: Protocol) -> Open {
        if let Some(open) = self.open.get(protocol as usize) {
            open.fetch_add(1, Relaxed);
        }
        Open { counts: Arc::clone(self), protocol }
    }
}

pub(super) struct Open {
    counts: Arc<Counts>,
    protocol: Protocol,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(open) = self.counts.open.get(self.protocol as usize) {
            open.fetch_sub(1, Relaxed);
        }
    }
}

/// Senders choose this text, and it goes to a terminal and a log.
fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(LONGEST).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> SocketAddr {
        ([127, 0, 0, 1], 50_000).into()
    }

    #[test]
    fn refusals_are_counted_by_reason_and_the_last_few_are_kept() {
        let counts = Counts::new();
        for number in 0..30 {
            counts.refused(Reason::Malformed, 1, peer(), "/v1/traces", &format!("number {number}"));
        }
        counts.refused(Reason::BadItem, 7, peer(), "/v1/logs", "an id of zeroes");
        let seen = counts.snapshot();
        assert_eq!(seen.refused, [(Reason::Malformed, 30), (Reason::BadItem, 7)]);
        assert_eq!(seen.refusals(), 37);
        assert_eq!(seen.last_refused.len(), KEPT);
        assert_eq!(seen.last_refused[0].why, "an id of zeroes");
        assert_eq!(seen.last_refused[1].why, "number 29");
    }

    #[test]
    fn what_a_sender_wrote_cannot_reach_the_terminal_as_control() {
        let counts = Counts::new();
        counts.refused(Reason::WrongPlace, 1, peer(), "/\u{1b}[2J", &"x\n".repeat(1000));
        let refused = &counts.snapshot().last_refused[0];
        assert_eq!(refused.path, "/ [2J");
        assert_eq!(refused.why.chars().count(), LONGEST);
        assert!(!refused.why.contains('\n'));
    }

    #[test]
    fn a_connection_counts_while_it_is_open() {
        let counts = Counts::new();
        let open = counts.opened(Protocol::Http);
        assert!(counts.snapshot().open.contains(&(Protocol::Http, 1)));
        drop(open);
        assert!(counts.snapshot().open.contains(&(Protocol::Http, 0)));
    }

    #[test]
    fn what_came_is_summed() {
        let counts = Counts::new();
        assert_eq!(counts.snapshot().last_export, None);
        counts.took(Brought { spans: 3, ..Brought::default() });
        counts.took(Brought { points: 2, ..Brought::default() });
        let seen = counts.snapshot();
        assert_eq!((seen.exports, seen.spans, seen.points), (2, 3, 2));
        assert!(seen.last_export.is_some());
    }
}
