//! Rows of the lists: sessions and traces.

use std::time::Duration;

use super::{Project, SessionId, Timestamp, Totals, TraceId};

/// One session: the sum of its traces, each once.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSummary {
    /// `None` gathers the traces without a session.
    pub session: Option<SessionId>,
    pub users: Vec<String>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// How long its traces took, one after another; of one that runs, up to when it was last seen.
    pub lasted: Duration,
    pub traces: u64,
    pub failed: u64,
    pub running: u64,
    pub totals: Totals,
}

/// One trace, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSummary {
    pub trace: TraceId,
    pub project: Project,
    /// The root's name, else that of the earliest span; `None` if only log records are known.
    pub name: Option<String>,
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
    pub spans: u64,
    pub models: Vec<String>,
    pub totals: Totals,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
