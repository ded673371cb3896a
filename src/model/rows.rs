//! What the store hands to `assemble`: stored spans and log records with what was understood of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LogRecord, Project, Span, SpanId, SpanKind, Status, Timestamp, TraceId, Translation, Value};

/// One stored span, without its raw form. Equal messages of one query share one allocation.
#[derive(Debug, Clone)]
pub struct SpanRow {
    pub project: Project,
    pub trace: TraceId,
    pub id: SpanId,
    pub parent: Option<SpanId>,
    pub name: String,
    pub kind: SpanKind,
    pub status: Status,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub service: Option<String>,
    pub scope_name: String,
    pub scope_version: String,
    pub synthetic: bool,
    /// The sender says that its parent is of another process.
    pub remote_parent: bool,
    pub translation: Arc<Translation>,
}

/// OTLP's `SpanFlags`: it is known whether the parent is of another process, and it is.
const REMOTE: u32 = 0x300;

impl SpanRow {
    /// What is kept beside a span's raw form.
    #[must_use]
    pub fn of(span: &Span, translation: Arc<Translation>) -> Self {
        Self {
            project: span.project.clone(),
            trace: span.trace,
            id: span.id,
            parent: span.parent,
            name: span.name.clone(),
            kind: span.kind,
            status: span.status.clone(),
            started: span.started,
            ended: span.ended,
            service: span.resource.service().map(str::to_owned),
            scope_name: span.scope.name.clone(),
            scope_version: span.scope.version.clone(),
            synthetic: span.synthetic,
            remote_parent: span.parent.is_some() && span.flags & REMOTE == REMOTE,
            translation,
        }
    }
}

/// One stored log record, without its raw form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogRow {
    pub trace: Option<TraceId>,
    pub span: Option<SpanId>,
    pub at: Timestamp,
    /// Where it stood among the records of its export, from 0: records of equal time are in this order. It compares
    /// nothing between two exports.
    pub position: u32,
    pub name: String,
    /// OTLP's severity number.
    pub severity: i32,
    pub severity_text: String,
    /// The body as text, for records that carry no message.
    pub text: String,
    pub translation: Arc<Translation>,
}

impl LogRow {
    /// What is kept beside a log record's raw form; `position` is its place in its export.
    #[must_use]
    pub fn of(record: &LogRecord, position: u32, translation: Arc<Translation>) -> Self {
        let has_message =
            translation.readings.iter().any(|reading| !reading.prompt.is_empty() || !reading.completion.is_empty());
        Self {
            trace: record.trace,
            span: record.span,
            at: record.time(),
            position,
            name: record.name.clone(),
            severity: record.severity,
            severity_text: record.severity_text.clone(),
            text: if has_message || record.body == Value::Null { String::new() } else { record.body.to_text() },
            translation,
        }
    }
}

/// Everything known of one trace, in any order.
#[derive(Debug, Clone)]
pub struct TraceRows {
    pub trace: TraceId,
    /// When the last program ended that had sent some of it, as `run` saw it end; `None` where none is known to have.
    pub program_ended: Option<Timestamp>,
    pub spans: Vec<SpanRow>,
    pub logs: Vec<LogRow>,
}

impl TraceRows {
    /// A trace of which nothing is known.
    #[must_use]
    pub fn empty(trace: TraceId) -> Self {
        Self { trace, program_ended: None, spans: Vec::new(), logs: Vec::new() }
    }
}
