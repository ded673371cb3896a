//! What arrived: spans and log records, whole, as OTLP means them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Attributes, Project, SpanId, Timestamp, TraceId, Value};

/// One span as it was sent. Nothing that OTLP carries is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// How complete this record of the span is; `raw` is its OTLP protobuf message.
    #[must_use]
    pub fn rank(&self, raw: &[u8]) -> Rank {
        let count = u16::try_from(self.attributes.len() + self.events.len()).unwrap_or(u16::MAX);
        let weight = u32::from(count) << 16 | u32::from(tie(raw));
        Rank::of(self.ended, self.status.code, weight)
    }
}

/// How complete a record of a span is. Of several records of one span the greatest is kept, so that the order in which
/// they arrive decides nothing.
///
/// A record with an end is more complete than any without; then the number of attributes and events decides; then, as of
/// two attempts under one id, the later end, and a good end before a failure; then the bytes, so that something decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    has_ended: bool,
    /// Number of attributes and events.
    count: u16,
    ended: Option<Timestamp>,
    /// The greatest of a good end, the least of a failure.
    outcome: u8,
    /// A hash of the bytes.
    tie: u16,
}

impl Rank {
    /// The rank of a record by what is stored of it.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the weight")]
    pub fn of(ended: Option<Timestamp>, status: StatusCode, weight: u32) -> Self {
        let outcome = match status {
            StatusCode::Error => 0,
            StatusCode::Unset => 1,
            StatusCode::Ok => 2,
        };
        Self { has_ended: ended.is_some(), count: (weight >> 16) as u16, ended, outcome, tie: weight as u16 }
    }

    /// What is stored of it beside the end and the status: the number of attributes and events in the upper half, the hash
    /// of the bytes in the lower.
    #[must_use]
    pub fn weight(&self) -> u32 {
        u32::from(self.count) << 16 | u32::from(self.tie)
    }
}

/// A hash of some bytes (FNV-1a, folded) that stays the same in every version, for it is stored.
fn tie(bytes: &[u8]) -> u16 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    #[expect(clippy::cast_possible_truncation, reason = "both halves are folded into one")]
    let folded = (hash ^ (hash >> 16)) as u16;
    folded
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpanEvent {
    pub name: String,
    pub at: Timestamp,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

/// A reference to another span. Ids of wrong length are kept as they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub trace: Vec<u8>,
    pub span: Vec<u8>,
    pub trace_state: String,
    pub flags: u32,
    pub attributes: Attributes,
    pub dropped_attributes: u32,
}

/// How many of each the sender says it threw away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dropped {
    pub attributes: u32,
    pub events: u32,
    pub links: u32,
}

impl Dropped {
    /// What may have held content of a span: its attributes and events, and the attributes of its events.
    #[must_use]
    pub fn of_content(span: &Span) -> Self {
        let of_events = span.events.iter().map(|event| event.dropped_attributes);
        let attributes = of_events.fold(span.dropped.attributes, u32::saturating_add);
        Self { attributes, links: 0, ..span.dropped }
    }

    #[must_use]
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }

    /// These and others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            attributes: self.attributes.saturating_add(other.attributes),
            events: self.events.saturating_add(other.events),
            links: self.links.saturating_add(other.links),
        }
    }
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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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

    /// The instrumentation scope of the records that are made of the scores of Langfuse's SDKs.
    pub const SCORED_BY: &str = "langfuse-sdk";

    /// Whether it is a score of which its sender said no time, so that its time is that of its arrival. Sent again, it has
    /// another.
    #[must_use]
    pub fn is_timed_on_arrival(&self) -> bool {
        self.scope.name == Self::SCORED_BY && self.at.known() == self.observed.known() && self.at.known().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_records_the_same_one_is_kept_whichever_came_first() {
        let rank = |ended: Option<u64>, status, weight: u32| Rank::of(ended.map(Timestamp), status, weight << 16);
        // Each is more complete than those before it.
        let ranks = [
            rank(None, StatusCode::Unset, 9),
            rank(Some(5), StatusCode::Ok, 2),
            rank(Some(3), StatusCode::Unset, 3),
            rank(Some(5), StatusCode::Error, 3),
            rank(Some(5), StatusCode::Unset, 3),
            rank(Some(5), StatusCode::Ok, 3),
            Rank::of(Some(Timestamp(5)), StatusCode::Ok, 3 << 16 | 7),
            rank(Some(6), StatusCode::Error, 3),
        ];
        assert!(ranks.is_sorted() && ranks.windows(2).all(|pair| pair[0] != pair[1]), "{ranks:?}");
        for rank in ranks.iter().filter(|rank| rank.has_ended) {
            assert_eq!(
                Rank::of(
                    rank.ended,
                    [StatusCode::Error, StatusCode::Unset, StatusCode::Ok][usize::from(rank.outcome)],
                    rank.weight()
                ),
                *rank
            );
        }
        assert_ne!(tie(b"one"), tie(b"two"));
    }
}
