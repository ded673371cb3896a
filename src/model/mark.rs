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
    /// The session of the run; `None` where it has none, or the store holds the run no more.
    pub session: Option<SessionId>,
    /// Whether the store holds the run.
    pub is_held: bool,
}
