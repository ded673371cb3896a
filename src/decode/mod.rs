//! OTLP → the types of `model`, and back. The only room that knows OTLP's own types. Pure; what it rejects it returns with
//! the reasons.
//!
//! ```text
//!   traces, logs, metrics   what one request holds
//!   request                 resource ▸ scope ▸ item, walked in protobuf so that one bad item costs only itself
//!   wire, value             protobuf without a schema; AnyValue → Value
//!   json                    OTLP/JSON, read leniently into the same nouns
//!   cut, json_text          a request that is too large to be sent whole, in pieces
//!   memory                  how much memory a request will take, before it is decoded
//!   sniff                   which signals and which encoding a file has
//!   reply                   what answers an export
//!   scores                  what Langfuse's SDKs send beside OTLP, as log records
//!   encode                  back to OTLP, without loss
//! ```
//!
//! What is accepted is in a document of its own:
//!
#![doc = include_str!("otlp.md")]

use bytes::Bytes;
use prost::DecodeError;

use crate::model::{IdError, LogRecord, Project, Span};

mod cut;
pub mod encode;
mod json;
mod json_text;
mod logs;
mod memory;
mod metrics;
mod reply;
mod request;
mod scores;
mod sniff;
mod traces;
mod value;
mod wire;

pub use cut::cut;
pub use logs::log_from_raw;
pub use memory::memory;
pub use reply::{Accepted, RpcStatus};
pub use request::{resource_from_raw, scope_from_raw};
pub use scores::{Scores, scores};
pub use sniff::{sniff, sniff_all};
pub use traces::span_from_raw;
pub use wire::WireError;

/// How an OTLP message is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    /// The content type of OTLP over HTTP.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// What an export is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub const ALL: [Self; 3] = [Self::Traces, Self::Logs, Self::Metrics];

    /// The last part of its path in OTLP over HTTP: `traces` of `/v1/traces`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// The items of one request: those that could be decoded, and why the others were rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    pub items: Vec<Received<T>>,
    /// The reasons of the first [`Self::REASONS`] rejected items.
    pub reasons: Vec<String>,
    /// Number of rejected items.
    pub rejected: u64,
}

/// A span or log record with its OTLP protobuf message: the bytes that were sent, or the encoded record if JSON was.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<T> {
    pub item: T,
    pub raw: Bytes,
}

impl<T> Decoded<T> {
    /// Most reasons that are kept: two bytes are enough for a bad span, so a body may have millions.
    pub const REASONS: usize = 100;
    /// Most characters of a reason, which may quote what was sent.
    const CHARS: usize = 300;

    /// Adds a rejected item.
    fn reject(&mut self, why: impl FnOnce() -> String) {
        self.rejected += 1;
        if self.reasons.len() == Self::REASONS {
            return;
        }
        let mut reason = why();
        if let Some((end, _)) = reason.char_indices().nth(Self::CHARS) {
            reason.truncate(end);
        }
        self.reasons.push(reason);
    }
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Self { items: Vec::new(), reasons: Vec::new(), rejected: 0 }
    }
}

/// Why a body, or one message in it, is not OTLP; the text is for its sender.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    #[error("not protobuf: {0}")]
    Wire(#[from] WireError),
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{what} is {found}, not {wanted}")]
    Shape { what: &'static str, found: &'static str, wanted: &'static str },
    #[error("{}", plain(.0))]
    Message(#[from] DecodeError),
    #[error("{which}: {error}")]
    Id { which: &'static str, error: IdError },
    #[error("schema_url: data is not UTF-8 encoded")]
    SchemaUrl,
}

/// The error with the outermost field only: `in Span.name: invalid string value: data is not UTF-8 encoded`. `prost` names
/// every message that the field is in, the innermost first.
fn plain(error: &DecodeError) -> String {
    let text = error.to_string();
    let mut what = text.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&text);
    let mut outermost = None;
    while let Some((place, rest)) = what.split_once(": ").filter(|(place, _)| place.contains('.')) {
        (outermost, what) = (Some(place), rest);
    }
    outermost.map_or_else(|| what.to_owned(), |place| format!("in {place}: {what}"))
}

/// Reads an `ExportTraceServiceRequest`.
///
/// # Errors
/// [`Malformed`] if the request itself cannot be read; a span that cannot be is among the rejected ones.
pub fn traces(project: &Project, body: &Bytes, encoding: Encoding) -> Result<Decoded<Span>, Malformed> {
    match encoding {
        Encoding::Protobuf => request::read(body, "span", |raw, resource, scope| {
            span_from_raw(raw, project.clone(), resource.clone(), scope.clone())
        }),
        Encoding::Json => json::traces(project, body),
    }
}

/// Reads an `ExportLogsServiceRequest`.
///
/// # Errors
/// As [`traces`].
pub fn logs(project: &Project, body: &Bytes, encoding: Encoding) -> Result<Decoded<LogRecord>, Malformed> {
    match encoding {
        Encoding::Protobuf => request::read(body, "record", |raw, resource, scope| {
            log_from_raw(raw, project.clone(), resource.clone(), scope.clone())
        }),
        Encoding::Json => json::logs(project, body),
    }
}

/// Counts the data points of an `ExportMetricsServiceRequest`. Nothing else of metrics is read.
///
/// # Errors
/// [`Malformed`] if the request cannot be walked.
pub fn metrics(body: &Bytes, encoding: Encoding) -> Result<u64, Malformed> {
    match encoding {
        Encoding::Protobuf => metrics::points(body),
        Encoding::Json => json::metric_points(body),
    }
}
