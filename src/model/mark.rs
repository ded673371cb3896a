//! Places to come back to.

use serde::{Deserialize, Serialize};

use super::{SessionId, SpanId, Timestamp, TraceId};

/// A place that somebody marked with a letter: a run, or a step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceMark {
    pub letter: char,
    pub trace: TraceId,
    /// `None`: the whole run.
    pub span: Option<SpanId>,
    /// What it was called when it was marked.
    pub note: String,
    pub at: Timestamp,
    /// When the run began; `None` where the store holds it no more.
    pub began: Option<Timestamp>,
    /// The session of the run; `None` where it has none, or the store holds the run no more.
    pub session: Option<SessionId>,
}

impl PlaceMark {
    /// Whether the store holds the run.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.began.is_some()
    }

    /// From when on a run began since the mark: with the marked run, or after it. Of a run that is gone nobody knows more
    /// than when it was marked.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.began.unwrap_or(self.at)
    }
}
