//! Both ends of a dialect: what it reads, and what it understood.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Attributes, Dropped, Evaluation, GenAi, LogRecord, Message, Resource, Scope, Span, SpanEvent, Status, StatusCode,
    Timestamp, ToolDefinition, Value,
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
    /// OTLP's severity number of a log record, 0 (unspecified) to 24; 0 for a span.
    pub severity: i32,
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
            severity: 0,
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
            severity: record.severity,
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
    /// `None` also where something was thrown that is no failure, or that was dealt with before the span ended well.
    pub error: Option<Failure>,
    /// Of a log record whose sender gives it no trace even where spans of the same work are sent, and of the span that
    /// is made of it: it counts only in a trace of which nothing else shows that spans were sent.
    pub unconfirmed: bool,
    /// A span that an SDK puts around a program's work and that does none itself.
    pub is_wrapper: bool,
    /// A framework or an instrumentation made the span around its own machinery: a cycle of a loop, a runnable, the
    /// delivery of a message. Nobody named it, and it is no work of a model, a tool, an agent or a retriever. Always
    /// `false` of a log record.
    pub plumbing: bool,
    /// What of the span's name people chose. Of no meaning for a log record.
    pub given_name: GivenName,
    /// For readers of the raw span; nothing is decided by them.
    pub notes: Vec<Note>,
    /// Scores that were sent with it, in their order.
    pub evaluations: Vec<Evaluation>,
    /// How much of it its sender threw away, which may have been content. No dialect reads it: it is counted by the
    /// sender's SDK, and no part of what [`crate::dialects::VERSION`] stands for.
    #[serde(skip)]
    pub dropped: Dropped,
}

/// What of a span's name people chose, and not the instrumentation that made the span.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum GivenName {
    /// All of it, as far as is known.
    #[default]
    Whole,
    /// This of it, or what the span holds elsewhere for its name: `desk` of `desk.workflow`.
    Part(String),
    /// Nothing: `ai.generateText`.
    Nothing,
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
    pub content: ContentKind,
    /// The prompt comes message by message, and no mark tells which of the assistant's messages is the answer.
    pub answer_unmarked: bool,
    /// The number of the answer among those to one request, where the sender counts them.
    pub choice: Option<u64>,
    /// The event's or record's own time; `None` for attributes.
    pub at: Option<Timestamp>,
    /// What was sent to the model (or tool, or agent), in list order, system prompt first.
    pub prompt: Vec<Arc<Message>>,
    /// What came back.
    pub completion: Vec<Arc<Message>>,
}

#[cfg(test)]
impl Reading {
    /// What a dialect of this name might have found.
    pub fn sample(dialect: &str, carrier: Carrier, prompt: Vec<Arc<Message>>, completion: Vec<Arc<Message>>) -> Self {
        Self {
            dialect: dialect.to_owned(),
            carrier,
            content: ContentKind::Conversation,
            answer_unmarked: false,
            choice: None,
            at: None,
            prompt,
            completion,
        }
    }
}

/// What the messages of a reading are worth, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum ContentKind {
    /// What people, agents and models said.
    #[default]
    Conversation,
    /// What a function was given and what it returned, be that words or a program's state.
    FunctionIo,
    /// Counts only where nothing better was read.
    Fallback,
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
