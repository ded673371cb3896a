//! What is removed from the store, and what is kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{OfSession, SessionId, Timestamp, TraceId};

/// How much is kept. `None`: there is no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of the store's file.
    pub size: Option<u64>,
    /// How long ago a run may have been active last, by its own times.
    pub age: Option<Duration>,
    /// Number of runs.
    pub runs: Option<u64>,
}

impl Limits {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { size, age, runs } = self;
        size.is_none() && age.is_none() && runs.is_none()
    }
}

/// One of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    Size(u64),
    Age(Duration),
    Runs(u64),
}

/// What is to be removed, always whole traces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    Trace(TraceId),
    /// All traces of a session; of `None` those without one.
    Session(OfSession),
    /// What is more than these limits let be kept: of the sessions that were active longest ago first. Marked traces are
    /// kept.
    Beyond(Limits),
    /// Everything, marked traces as well.
    All,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Removed {
    /// Traces that lists show.
    pub traces: u64,
    /// How many sessions they were of.
    pub sessions: u64,
    pub spans: u64,
    pub logs: u64,
}

impl Removed {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A trace that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    pub trace: TraceId,
    pub session: Option<SessionId>,
    /// Whether lists show it: it is more than a few log records of a session that has spans.
    pub is_listed: bool,
    pub spans: u64,
    /// Number of its spans and log records.
    pub records: u64,
    pub last_seen: Timestamp,
}

/// What was removed because of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// How often that happened since the store was opened, this time included.
    pub times: u64,
    pub removed: Removed,
    pub because: Limit,
}
