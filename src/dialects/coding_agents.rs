//! Coding agents in a terminal: log records that stand for work of which no span was sent (`coding_agents.md` 1).
//!
//! They send logs with everything in them and spans only if asked to. A record that names no trace is given a place in
//! one of its own making, and the few that stand for work make a span there:
//!
//! ```text
//!   trace: session and prompt ─ root: the prompt ─┬─ a call of the model    span: api_request, api_response, sse_event
//!                                                 ├─ a run of a tool        span: tool_result, tool_call
//!                                                 └─ other messages         records of the root
//! ```
//!
//! Record by record, and every id is a hash of what the record names: in whatever order they come, and however often,
//! the same trace results. No two kinds of record make the same span.

use std::sync::Arc;

use super::exchange_halves::ExchangeHalf;
use crate::model::{
    Attributes, ContentId, Dropped, Failure, LogRecord, Note, Source, Span, SpanId, SpanKind, Status, StatusCode,
    Timestamp, TraceId, Translation, Value,
};

const UNCONFIRMED: &str =
    "such a record comes without a trace even beside spans: it counts only where no spans were sent";

/// Marks what was read of a record that its sender gives no trace even where spans are sent.
pub fn leave_unconfirmed(into: &mut Translation) {
    into.unconfirmed = true;
    into.notes.push(Note(UNCONFIRMED.to_owned()));
}

/// Where a log record without a trace belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPlace {
    pub trace: TraceId,
    pub span: SpanId,
    /// The span that it stands for.
    pub made: Option<Span>,
}

/// What a record of a coding agent is about.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRecord<'a> {
    /// What names the run: the agent, its session, and its prompt where the record names it.
    pub run: [&'a str; 3],
    pub work: Work<'a>,
    /// The model's call that it is a record of, where that of the request names its span and that of the response none.
    pub call: Option<CallMoment<'a>>,
}

/// What the records of a request and of its response have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CallMoment<'a> {
    pub model: &'a str,
    /// When the request was sent, in milliseconds since 1970.
    pub sent: u64,
    pub is_response: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Work<'a> {
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
    /// A message or an event within the run, for which no span is made.
    Part,
}

/// Which half of which exchange a record is: that of a request names its span, that of a response none.
pub(super) fn half(record: &LogRecord, about: &AgentRecord) -> Option<ExchangeHalf> {
    let CallMoment { model, sent, is_response } = about.call?;
    let is_placed = record.trace.is_some() && record.span.is_some();
    let of = u128::from_be_bytes(number("exchange", &[about.run[0], about.run[1], about.run[2], model]));
    let half = ExchangeHalf { of, sent, is_response };
    (if is_response { record.trace.is_none() } else { is_placed }).then_some(half)
}

/// Takes back that what was read of a record may not count, once the span is known that it is about.
pub fn confirm(into: &mut Translation) {
    if std::mem::take(&mut into.unconfirmed) {
        into.notes.retain(|note| note.0 != UNCONFIRMED);
    }
}

/// The place of a record whose sender gave it none.
pub(super) fn place(record: &LogRecord, about: AgentRecord) -> Option<RecordPlace> {
    let AgentRecord { run, work, call: _ } = about;
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
    Some(RecordPlace { trace, span, made: name.map(|name| made(record, name, (trace, span, parent))) })
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
        scope: Arc::clone(&record.scope),
        resource: Arc::clone(&record.resource),
        synthetic: true,
    }
}

/// Milliseconds in fifteen months: nothing that an agent does takes as long, so that such a duration is none.
const LONGEST_WORK: f64 = 4e10;

/// Milliseconds as nanoseconds; 0 for what is no duration.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn nanos(millis: f64) -> u64 {
    if (0.0..LONGEST_WORK).contains(&millis) { (millis * 1e6) as u64 } else { 0 }
}

/// The status of the work: failed by the flag `success`, or where the record is that of an error.
fn status(attributes: &Attributes) -> Status {
    let why = ["error.message", "error"].into_iter().find_map(|key| attributes.str(key));
    let failed = succeeded(attributes).map_or(why.is_some(), |succeeded| !succeeded);
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Status { code, message: why.filter(|_| failed).unwrap_or_default().to_owned() }
}

/// Adds why the work of a span or a record failed, where the flag `success` is false; what is known stays.
pub(super) fn describe_failure(attributes: &Attributes, failure: &mut Failure) {
    let is_work = attributes.has("span.type") || attributes.has(NAME);
    if is_work && succeeded(attributes) == Some(false) {
        let text = |key: &str| attributes.get(key).filter(|value| !value.is_empty()).map(Value::to_text);
        failure.kind = failure.kind.take().or_else(|| text("error_type"));
        failure.message = failure.message.take().or_else(|| text("error"));
    }
}

/// Whether a tool failed, by the record of its execution; `None` where the record does not have the flag.
pub(super) fn tool_failed(attributes: &Attributes) -> Option<bool> {
    let is_run = attributes.has(NAME) && (attributes.has("tool_name") || attributes.has("function_name"));
    if is_run { succeeded(attributes).map(|succeeded| !succeeded) } else { None }
}

/// The flag `success`, which some send as a text.
fn succeeded(attributes: &Attributes) -> Option<bool> {
    match attributes.get("success")? {
        Value::Bool(yes) => Some(*yes),
        Value::String(word) => word.parse().ok(),
        _ => None,
    }
}

const NAME: &str = "event.name";

/// The name of a record, or of the one that a span was made from, without the agent's `prefix`.
///
/// The attribute goes first: in its place Codex puts a line of its source.
pub(super) fn record_name<'a>(source: &Source<'a>, prefix: &str) -> Option<&'a str> {
    let name = source.attributes.str(NAME).or_else(|| Some(source.name).filter(|_| source.is_log()))?;
    Some(name.strip_prefix(prefix).unwrap_or(name))
}

/// What distinguishes a record from others of its kind in the same run.
fn moment(record: &LogRecord) -> String {
    const TELLING: [&str; 6] =
        ["event.sequence", "request_id", "model", "input_tokens", "input_token_count", "output_token_count"];
    let values = TELLING.iter().filter_map(|key| record.attributes.get(key)).map(Value::to_text);
    let mut moment = vec![record.time().0.to_string(), record.name.clone()];
    moment.extend(values);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dialects::translate,
        model::{Category, Project, Resource, Scope, Usd},
    };

    /// A record of Claude Code's, of Codex's or of Gemini CLI's, by its name.
    fn record(name: &str, at: u64, pairs: &[(&str, &str)]) -> LogRecord {
        let scope = match name.split('.').next() {
            Some("codex") => "codex_otel.log_only",
            Some("gemini_cli") => "gemini-cli",
            _ => "com.anthropic.claude_code.events",
        };
        let entries = pairs.iter().map(|(key, text)| ((*key).to_owned(), crate::dialects::sample::value(text)));
        LogRecord {
            project: Project::default(),
            trace: None,
            span: None,
            flags: 0,
            at: Timestamp(at * 1_000_000),
            observed: Timestamp(1),
            severity: 0,
            severity_text: String::new(),
            name: name.to_owned(),
            body: Value::Null,
            attributes: entries.collect(),
            dropped_attributes: 0,
            scope: Arc::new(Scope { name: scope.to_owned(), ..Scope::default() }),
            resource: Arc::new(Resource::default()),
        }
    }

    fn place_of(record: &LogRecord) -> Option<RecordPlace> {
        crate::dialects::place_of(record)
    }

    #[test]
    fn a_request_that_names_its_span_and_a_response_that_names_none_are_halves_of_one_exchange() {
        let run = [("session.id", "s"), ("prompt_id", "p"), ("model", "m")];
        let of = |name: &str, at, more: &[(&str, &str)]| record(name, at, &[&run, more].concat());
        let half = crate::dialects::half_of;
        let (trace, span) = (TraceId::from_bytes(&[3; 16]).unwrap(), SpanId::from_bytes(&[4; 8]).unwrap());
        let bare = of("gemini_cli.api_request", 1000, &[]);
        let request = LogRecord { trace: Some(trace), span: Some(span), ..bare.clone() };
        let response = of("gemini_cli.api_response", 1116, &[("duration_ms", "116")]);
        let (asked, answered) = (half(&request).unwrap(), half(&response).unwrap());
        assert_eq!((asked.of, asked.sent, asked.is_response), (answered.of, 1000, false));
        assert_eq!((answered.sent, answered.is_response), (1000, true));
        assert_eq!(half(&bare), None);
        let other = of("gemini_cli.api_response", 1116, &[("duration_ms", "116"), ("model", "n")]);
        assert_ne!(half(&LogRecord { attributes: other.attributes, ..response.clone() }).unwrap().of, asked.of);
        assert_eq!(half(&LogRecord { trace: Some(trace), ..response.clone() }), None);
        // As long as no request is known it stands for work of its own.
        let alone = place_of(&response).unwrap();
        assert!(alone.trace != trace && alone.made.is_some());
        let mut read = translate(&Source::from(&response));
        let notes = read.notes.len();
        assert!(read.unconfirmed);
        crate::dialects::confirm(&mut read);
        assert!(!read.unconfirmed && read.notes.len() == notes - 1);
    }

    const RUN: [(&str, &str); 2] = [("session.id", "s"), ("prompt.id", "p")];

    fn of_run(name: &str, at: u64, pairs: &[(&str, &str)]) -> LogRecord {
        record(name, at, &[&RUN, pairs].concat())
    }

    #[test]
    fn v11_records_without_spans_make_a_run_of_their_own() {
        let prompt = place_of(&of_run("user_prompt", 100, &[("prompt", "Which module is broken?")])).unwrap();
        let root = prompt.made.unwrap();
        assert_eq!((root.id, root.parent, root.synthetic), (prompt.span, None, true));
        let read = translate(&Source::from(&root));
        assert_eq!((read.genai.category, read.context.session.as_deref()), (Category::Agent, Some("s")));
        assert_eq!(read.readings[0].prompt[0].plain_text(), "Which module is broken?");

        let tokens = [
            ("model", "claude-x"),
            ("cost_usd", "0.012"),
            ("duration_ms", "40"),
            ("input_tokens", "10"),
            ("output_tokens", "5"),
            ("cache_read_tokens", "100"),
            ("cache_creation_tokens", "3"),
        ];
        let call = place_of(&of_run("claude_code.api_request", 180, &tokens)).unwrap();
        let made = call.made.unwrap();
        assert_eq!((call.trace, made.parent), (prompt.trace, Some(root.id)));
        assert_eq!((made.started, made.ended), (Timestamp(140_000_000), Some(Timestamp(180_000_000))));
        let read = translate(&Source::from(&made));
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.input(), usage.output, usage.cache_read), (Some(113), Some(5), Some(100)));
        assert_eq!(read.genai.reported.cost, Usd::from_dollars(0.012));
        assert_eq!((read.genai.category, read.genai.provider.as_deref()), (Category::Llm, Some("anthropic")));

        let values =
            [("tool_name", "Bash"), ("tool_use_id", "t1"), ("success", "true"), ("tool_input", r#"{"command":"ls"}"#)];
        let tool = place_of(&of_run("tool_result", 200, &values)).unwrap();
        let read = translate(&Source::from(tool.made.as_ref().unwrap()));
        assert_eq!((tool.trace, read.genai.category, read.error), (prompt.trace, Category::Tool, None));
        assert_eq!(read.genai.tool.and_then(|tool| tool.call_id).as_deref(), Some("t1"));
        // Other messages belong to the run, and no span is made for them.
        let answer = place_of(&of_run("assistant_response", 181, &[("response", "a")])).unwrap();
        assert_eq!((answer.trace, answer.span, answer.made), (prompt.trace, root.id, None));
        assert_eq!(place_of(&of_run("auth", 1, &[])), None);
    }

    #[test]
    fn a_record_has_the_same_place_whenever_it_comes_and_another_than_its_neighbours() {
        let calls = [
            of_run("api_request", 5, &[("event.sequence", "1")]),
            of_run("api_request", 5, &[("event.sequence", "2")]),
            of_run("api_error", 5, &[("event.sequence", "1"), ("error", "overloaded")]),
            of_run("tool_result", 5, &[("tool_use_id", "t1")]),
            of_run("tool_result", 5, &[("tool_use_id", "t2")]),
            of_run("user_prompt", 5, &[]),
        ];
        let places: Vec<_> = calls.iter().map(|record| place_of(record).unwrap()).collect();
        assert_eq!(places, calls.iter().map(|record| place_of(record).unwrap()).collect::<Vec<_>>());
        let ids: std::collections::HashSet<_> = places.iter().map(|place| place.span).collect();
        assert_eq!(ids.len(), places.len());
        let failed = places[2].made.as_ref().map(|span| (span.status.code, span.status.message.as_str()));
        assert_eq!(failed, Some((StatusCode::Error, "overloaded")));
    }

    #[test]
    fn a_record_that_names_its_span_stays_with_it() {
        let mut sent = of_run("api_request", 5, &[]);
        sent.trace = TraceId::from_bytes(&[1; 16]).ok();
        assert_eq!(place_of(&sent), None);
    }

    #[test]
    fn before_records_named_their_prompt_a_session_was_one_run() {
        let old = |name, pairs| place_of(&record(name, 5, pairs)).unwrap();
        let prompt = old("user_prompt", &[("session.id", "s"), ("prompt", "q")]);
        let call = old("api_request", &[("session.id", "s"), ("model", "claude-x")]);
        assert_eq!((prompt.trace, prompt.made), (call.trace, None));
        assert_eq!(call.made.unwrap().parent, Some(prompt.span));
    }

    #[test]
    fn a_conversation_of_codex_is_one_run() {
        let of = |name: &str, pairs: &[(&str, &str)]| {
            place_of(&record(name, 5, &[&[("conversation.id", "c")], pairs].concat()))
        };
        let start = of("codex.conversation_starts", &[]).unwrap();
        let prompt = of("codex.user_prompt", &[("prompt", "q")]).unwrap();
        assert_eq!((prompt.span, prompt.made), (start.span, None));
        assert_eq!(of("codex.sse_event", &[("event.kind", "response.created")]), None);
        let tokens = [("input_token_count", "10"), ("output_token_count", "5"), ("model", "gpt-5-mini")];
        let answer = of("codex.sse_event", &tokens).unwrap();
        let read = translate(&Source::from(answer.made.as_ref().unwrap()));
        assert_eq!((answer.trace, read.genai.model.as_deref()), (start.trace, Some("gpt-5-mini")));
        assert_eq!(read.genai.usage.and_then(|usage| usage.total()), Some(15));
        assert!(read.unconfirmed);
        let refused = of("codex.api_request", &[("http.response.status_code", "429")]).unwrap();
        assert!(refused.made.is_some());
    }

    #[test]
    fn hostile_records_make_no_trouble() {
        let odd = of_run("api_request", u64::MAX / 1_000_000, &[("duration_ms", "1e300"), ("success", "maybe")]);
        let made = place_of(&odd).unwrap().made.unwrap();
        assert_eq!(Some(made.started), made.ended);
        let early = of_run("tool_result", 1, &[("duration_ms", "5000")]);
        assert_eq!(place_of(&early).unwrap().made.unwrap().started, Timestamp(0));
        assert_eq!(place_of(&record("api_request", 5, &[])), None);
    }
}
