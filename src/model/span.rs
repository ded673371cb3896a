//! What arrived: spans and log records, whole, as OTLP means them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Attributes, Project, SpanId, Timestamp, TraceId, Value};

/// One span as it was sent. Nothing that OTLP carries is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    pub project: Project,
    pub trace: TraceId,
    pub id: SpanId,
    pub parent: Option<SpanId>,
    pub flags: u32,
    pub trace_state: String,
    pub name: String,
    pub kind: SpanKind,
    pub status: Status,
    pub started: Timestamp,
    /// `None` while the span runs (OTLP's zero).
    pub ended: Option<Timestamp>,
    pub attributes: Attributes,
    pub events: Vec<SpanEvent>,
    pub links: Vec<Link>,
    pub dropped: Dropped,
    pub scope: Arc<Scope>,
    pub resource: Arc<Resource>,
    /// Made up from log records that stand for work of which no span was sent.
    pub synthetic: bool,
}

impl Span {
    /// How complete this record of the span is.
    #[must_use]
    pub fn rank(&self) -> Rank {
        let weight = u32::try_from(self.attributes.len() + self.events.len()).unwrap_or(u32::MAX);
        Rank { has_ended: self.ended.is_some(), weight }
    }
}

/// How complete a record of a span is. Of several records of one span the greatest is kept; of equal ones, the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// A record with an end time is more complete than any without.
    pub has_ended: bool,
    /// Number of attributes and events.
    pub weight: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SpanEvent {
    pub name: String,
    pub at: Timestamp,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

/// A reference to another span. Ids of wrong length are kept as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub trace: Vec<u8>,
    pub span: Vec<u8>,
    pub trace_state: String,
    pub flags: u32,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

/// How many of each the sender says it threw away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    pub attributes: u32,
    pub events: u32,
    pub links: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SpanKind {
    /// OTLP's "unspecified" is to be read as internal.
    #[default]
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl SpanKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    pub code: StatusCode,
    /// Empty where none was sent.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum StatusCode {
    #[default]
    Unset,
    Ok,
    Error,
}

impl StatusCode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

/// What made the spans: a service, its SDK, its host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    pub attributes: Attributes,
    pub dropped_attributes: u32,
    pub schema_url: String,
}

impl Resource {
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.attributes.str("service.name")
    }
}

/// The instrumentation that made the spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    pub name: String,
    pub version: String,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
    pub schema_url: String,
}

/// One log record, with or without a span.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRecord {
    pub project: Project,
    pub trace: Option<TraceId>,
    pub span: Option<SpanId>,
    pub flags: u32,
    pub at: Timestamp,
    pub observed: Timestamp,
    /// OTLP's severity number, 0 (unspecified) to 24.
    pub severity: i32,
    pub severity_text: String,
    /// `event_name`, else the attribute `event.name`, else empty.
    pub name: String,
    pub body: Value,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
    pub scope: Arc<Scope>,
    pub resource: Arc<Resource>,
}

impl LogRecord {
    /// When it happened: its own time, else when it was observed.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.at.known().unwrap_or(self.observed)
    }
}
