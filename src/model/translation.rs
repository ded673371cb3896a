//! Both ends of a dialect: what it reads, and what it understood.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Attributes, GenAi, LogRecord, Message, Resource, Scope, Span, SpanEvent, Status, StatusCode, Timestamp,
    ToolDefinition, Value,
};

/// What a dialect reads: a span with its events, or a log record (`name` is its event name, `body` its body).
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub status: &'a Status,
    pub scope: &'a Scope,
    pub resource: &'a Resource,
    pub attributes: &'a Attributes,
    pub events: &'a [SpanEvent],
    /// `None` for a span.
    pub body: Option<&'a Value>,
    /// A span's start, a log record's time.
    pub at: Timestamp,
}

impl<'a> From<&'a Span> for Source<'a> {
    fn from(span: &'a Span) -> Self {
        Self {
            name: &span.name,
            status: &span.status,
            scope: &span.scope,
            resource: &span.resource,
            attributes: &span.attributes,
            events: &span.events,
            body: None,
            at: span.started,
        }
    }
}

impl<'a> From<&'a LogRecord> for Source<'a> {
    fn from(record: &'a LogRecord) -> Self {
        /// A log record has none of its own.
        static UNSET: Status = Status { code: StatusCode::Unset, message: String::new() };
        Self {
            name: &record.name,
            status: &UNSET,
            scope: &record.scope,
            resource: &record.resource,
            attributes: &record.attributes,
            events: &[],
            body: Some(&record.body),
            at: record.time(),
        }
    }
}

impl Source<'_> {
    #[must_use]
    pub fn is_log(&self) -> bool {
        self.body.is_some()
    }
}

/// What was understood of a source. Never an error: what could not be read is a note.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Translation {
    /// Which dialects understood something, most trusted first.
    pub dialects: Vec<String>,
    pub context: Context,
    pub genai: GenAi,
    /// What each dialect found in each carrier; merged only in `assemble`.
    pub readings: Vec<Reading>,
    /// Tools offered, in order.
    pub tools: Vec<ToolDefinition>,
    pub error: Option<Failure>,
    pub notes: Vec<Note>,
}

/// Whose work it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Context {
    pub session: Option<String>,
    pub user: Option<String>,
    /// A label for people (`strands`, `langgraph`, …), never a provider.
    pub framework: Option<String>,
    pub environment: Option<String>,
    pub tags: Vec<String>,
    pub metadata: Vec<(String, Value)>,
    /// The span's name as people should read it, where the sender gives a rendered form.
    pub display_name: Option<String>,
}

/// What one dialect found in one carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub dialect: String,
    pub carrier: Carrier,
    /// The event's or record's own time; `None` for attributes.
    pub at: Option<Timestamp>,
    /// What was sent to the model (or tool, or agent), in list order, system prompt first.
    pub prompt: Vec<Arc<Message>>,
    /// What came back.
    pub completion: Vec<Arc<Message>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carrier {
    Attributes,
    Event,
    Log,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// An exception's class, an error code.
    pub kind: Option<String>,
    pub message: Option<String>,
    pub stack: Option<String>,
}

/// Something a reader of the raw span should know: what could not be read, what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note(pub String);

impl Note {
    /// Of a log record whose sender gives it no trace even where spans are sent, and of the span made from it: they
    /// count, and tell, only in a trace in which anything else shows that no spans were sent.
    pub const HEARSAY: &'static str =
        "such a record comes without a trace even beside spans: it counts only where no spans were sent";
}
