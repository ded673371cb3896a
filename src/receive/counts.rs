//! Counts what was received and what was refused, for the screen. Nothing here waits for a lock that is held for long.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use super::{Programs, Protocol, Reason};
use crate::model::Timestamp;

/// Most refusals that are kept with their text.
const KEPT: usize = 20;
/// Most characters that are kept of a text that a sender chose.
const LONGEST: usize = 300;

/// The sums since the program started; shared by everything that receives.
#[derive(Debug, Default)]
pub struct Counts {
    open: [AtomicU64; Protocol::ALL.len()],
    /// Whether requests need a token.
    needs_token: AtomicBool,
    exports: AtomicU64,
    spans: AtomicU64,
    logs: AtomicU64,
    points: AtomicU64,
    last_export: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
    last_refused: Mutex<VecDeque<Refused>>,
    /// What `run` has started.
    pub programs: Programs,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountsSnapshot {
    /// Connections that are open now.
    pub open: Vec<(Protocol, u64)>,
    /// Whether requests need a token.
    pub needs_token: bool,
    /// Number of exports that were accepted.
    pub exports: u64,
    /// Number of spans that were accepted.
    pub spans: u64,
    /// Number of log records that were accepted.
    pub logs: u64,
    /// Number of data points of metrics that were accepted; they are not stored.
    pub points: u64,
    /// When the last export was accepted; `None` if none was.
    pub last_export: Option<Timestamp>,
    /// How often each reason occurred, without those that did not.
    pub refused: Vec<(Reason, u64)>,
    /// The last [`KEPT`] refusals, the newest first.
    pub last_refused: Vec<Refused>,
}

impl CountsSnapshot {
    /// Refusals of every reason together.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.iter().map(|(_, times)| times).sum()
    }
}

/// One refusal. Its texts have no control characters, so they are safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub at: Timestamp,
    pub peer: SocketAddr,
    pub path: String,
    pub reason: Reason,
    pub why: String,
}

/// Number of items of one export that were accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ItemCounts {
    pub spans: u64,
    pub logs: u64,
    pub points: u64,
}

impl Counts {
    /// All counts at 0.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The counts as of now.
    #[must_use]
    pub fn snapshot(&self) -> CountsSnapshot {
        let refused = Reason::ALL.into_iter().zip(self.refused.iter().map(|times| times.load(Relaxed)));
        // A panic while the list was locked leaves it whole: it is changed by one call.
        let last = self.last_refused.lock().unwrap_or_else(PoisonError::into_inner);
        CountsSnapshot {
            open: Protocol::ALL.into_iter().zip(self.open.iter().map(|open| open.load(Relaxed))).collect(),
            needs_token: self.needs_token.load(Relaxed),
            exports: self.exports.load(Relaxed),
            spans: self.spans.load(Relaxed),
            logs: self.logs.load(Relaxed),
            points: self.points.load(Relaxed),
            last_export: Timestamp(self.last_export.load(Relaxed)).known(),
            refused: refused.filter(|(_, times)| *times > 0).collect(),
            last_refused: last.iter().rev().cloned().collect(),
        }
    }

    /// Notes that requests need a token.
    pub(super) fn need_token(&self) {
        self.needs_token.store(true, Relaxed);
    }

    /// Counts an export that was accepted.
    pub(super) fn accepted(&self, items: ItemCounts) {
        self.exports.fetch_add(1, Relaxed);
        self.spans.fetch_add(items.spans, Relaxed);
        self.logs.fetch_add(items.logs, Relaxed);
        self.points.fetch_add(items.points, Relaxed);
        self.last_export.store(Timestamp::now().0, Relaxed);
    }

    /// Counts a refusal `times` times, keeps it once, and logs it once.
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

    /// Counts a connection as open until the returned guard is dropped.
    pub(super) fn opened(self: &Arc<Self>, protocol: Protocol) -> OpenConnection {
        if let Some(open) = self.open.get(protocol as usize) {
            open.fetch_add(1, Relaxed);
        }
        OpenConnection { counts: Arc::clone(self), protocol }
    }
}

/// Counts a connection as open while it lives.
pub(super) struct OpenConnection {
    counts: Arc<Counts>,
    protocol: Protocol,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(open) = self.counts.open.get(self.protocol as usize) {
            open.fetch_sub(1, Relaxed);
        }
    }
}

/// The first [`LONGEST`] characters of a text that a sender chose, without control characters: it is printed on a
/// terminal and into a log.
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
        let snapshot = counts.snapshot();
        assert_eq!(snapshot.refused, [(Reason::Malformed, 30), (Reason::BadItem, 7)]);
        assert_eq!(snapshot.refusals(), 37);
        assert_eq!(snapshot.last_refused.len(), KEPT);
        assert_eq!(snapshot.last_refused[0].why, "an id of zeroes");
        assert_eq!(snapshot.last_refused[1].why, "number 29");
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
    fn accepted_exports_are_summed() {
        let counts = Counts::new();
        assert_eq!(counts.snapshot().last_export, None);
        counts.accepted(ItemCounts { spans: 3, ..ItemCounts::default() });
        counts.accepted(ItemCounts { points: 2, ..ItemCounts::default() });
        let snapshot = counts.snapshot();
        assert_eq!((snapshot.exports, snapshot.spans, snapshot.points), (2, 3, 2));
        assert!(snapshot.last_export.is_some());
    }
}
