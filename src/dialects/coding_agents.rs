//! Coding agents in a terminal: log records that stand for work of which no span was sent (`dialects.md` 15).
//!
//! They send logs with everything in them and spans only if asked to. A record that names no trace is given a place in
//! one of its own making, and the few that stand for work make a span there:
//!
//! ```text
//!   trace: session and prompt ─ root: the prompt ─┬─ a call of the model    span: api_request, api_response, sse_event
//!                                                 ├─ a run of a tool        span: tool_result, tool_call
//!                                                 └─ what else was said     records of the root
//! ```
//!
//! Record by record, and every id is a hash of what the record names: in whatever order they come, and however often,
//! the same trace results. No two kinds of record make the same span.

use super::{claude_code, codex, gemini_cli};
use crate::model::{
    Attributes, Category, ContentId, Dropped, LogRecord, Source, Span, SpanId, SpanKind, Status, StatusCode, Timestamp,
    TraceId, Value,
};

/// Where a log record without a trace belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub trace: TraceId,
    pub span: SpanId,
    /// The span that it stands for.
    pub made: Option<Span>,
}

/// What a record of a coding agent is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct About<'a> {
    /// What names the run: the agent, its session, and its prompt where that is said.
    pub run: [&'a str; 3],
    pub work: Work<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work<'a> {
    /// The run itself, as it began.
    Run {
        name: &'a str,
    },
    Call {
        name: &'a str,
    },
    /// The id is the call's.
    Tool {
        name: &'a str,
        id: Option<&'a str>,
    },
    /// Something that was said in it.
    Part,
}

/// The agents, each with what it makes of a record.
const AGENTS: &[for<'a> fn(&'a LogRecord) -> Option<About<'a>>] =
    &[claude_code::about, codex::about, gemini_cli::about];

/// Finds the place of a record whose sender gave it none; `None` where it has one, or stands for nothing.
#[must_use]
pub fn place_of(record: &LogRecord) -> Option<Place> {
    // The span that it names is sent, or was.
    if record.trace.is_some() {
        return None;
    }
    let About { run, work } = AGENTS.iter().find_map(|about| about(record))?;
    let trace = TraceId::from_bytes(&number("trace", &run)).ok()?;
    let root = span_id("root", &run)?;
    let part = |kind: &str, key: &str| span_id(kind, &[run[0], run[1], run[2], key]);
    let (name, span) = match work {
        Work::Run { name } => (Some(name), root),
        Work::Call { name } => (Some(name), part("call", &moment(record))?),
        Work::Tool { name, id: Some(id) } => (Some(name), part("tool", id)?),
        Work::Tool { name, id: None } => (Some(name), part("tool at", &moment(record))?),
        Work::Part => (None, root),
    };
    let parent = Some(root).filter(|root| *root != span);
    Some(Place { trace, span, made: name.map(|name| made(record, name, (trace, span, parent))) })
}

fn made(record: &LogRecord, name: &str, (trace, id, parent): (TraceId, SpanId, Option<SpanId>)) -> Span {
    let ended = record.time();
    let nanos = record.attributes.get("duration_ms").and_then(Value::as_number).map_or(0, nanos);
    let mut attributes: Vec<(String, Value)> =
        record.attributes.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    if !record.attributes.has(NAME) {
        attributes.push((NAME.to_owned(), record.name.as_str().into()));
    }
    Span {
        project: record.project.clone(),
        trace,
        id,
        parent,
        flags: record.flags,
        trace_state: String::new(),
        name: name.to_owned(),
        kind: SpanKind::Internal,
        status: status(&record.attributes),
        started: Timestamp(ended.0.saturating_sub(nanos)),
        ended: Some(ended),
        attributes: Attributes::new(attributes),
        events: Vec::new(),
        links: Vec::new(),
        dropped: Dropped { attributes: record.dropped_attributes, ..Dropped::default() },
        scope: std::sync::Arc::clone(&record.scope),
        resource: std::sync::Arc::clone(&record.resource),
        synthetic: true,
    }
}

/// Milliseconds as nanoseconds; longer than a year is no duration of anything.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn nanos(millis: f64) -> u64 {
    if (0.0..4e10).contains(&millis) { (millis * 1e6) as u64 } else { 0 }
}

/// A record says that the work failed by a flag, or by being one of an error.
fn status(attributes: &Attributes) -> Status {
    let why = ["error.message", "error"].into_iter().find_map(|key| attributes.str(key));
    let failed = succeeded(attributes).map_or(why.is_some(), |succeeded| !succeeded);
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Status { code, message: why.filter(|_| failed).unwrap_or_default().to_owned() }
}

/// What the flag `success` says, which some send as a text.
pub(super) fn succeeded(attributes: &Attributes) -> Option<bool> {
    match attributes.get("success")? {
        Value::Bool(yes) => Some(*yes),
        Value::String(word) => word.parse().ok(),
        _ => None,
    }
}

const NAME: &str = "event.name";

/// The name of a record, or of the one that a span was made from, without what `prefix` says of its agent.
///
/// The attribute goes first: in its place Codex puts a line of its source.
pub(super) fn record_name<'a>(source: &Source<'a>, prefix: &str) -> Option<&'a str> {
    let name = source.attributes.str(NAME).or_else(|| Some(source.name).filter(|_| source.is_log()))?;
    Some(name.strip_prefix(prefix).unwrap_or(name))
}

/// The kind of work that a coding agent's span or record is.
pub fn category(source: &Source) -> Option<Category> {
    if claude_code::is_claude_code(source) {
        claude_code::category(source)
    } else if codex::is_codex(source) {
        codex::category(source)
    } else if gemini_cli::is_gemini_cli(source) {
        gemini_cli::category(source)
    } else {
        None
    }
}

/// What tells a record from the next of its kind.
fn moment(record: &LogRecord) -> String {
    const TELLING: [&str; 6] =
        ["event.sequence", "request_id", "model", "input_tokens", "input_token_count", "output_token_count"];
    let told = TELLING.iter().filter_map(|key| record.attributes.get(key)).map(Value::to_text);
    let mut moment = vec![record.time().0.to_string(), record.name.clone()];
    moment.extend(told);
    moment.join("\n")
}

fn span_id(kind: &str, parts: &[&str]) -> Option<SpanId> {
    let number = number(kind, parts);
    SpanId::from_bytes(&number[..8]).ok()
}

/// A hash of some texts, of which none can be taken for another's end.
fn number(kind: &str, parts: &[&str]) -> [u8; 16] {
    let mut bytes = kind.as_bytes().to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    ContentId::of(&bytes).0.to_be_bytes()
}
