//! Why a span failed: exception events, attributes, what its dialect knows, and the status, merged into one
//! (`facts.md` 8).

use std::sync::LazyLock;

use super::{DIALECTS, Dialect, dialect::SourceTest};
use crate::model::{Attributes, Category, Content, Failure, Source, StatusCode, Translation, Value};

/// What the rows of all dialects hold for failures, in their order.
#[derive(Default)]
struct Tables {
    describe: Vec<fn(&Source, &mut Failure)>,
    tool_failed: Vec<fn(&Source) -> Option<bool>>,
    despite_ok: Vec<SourceTest>,
    control_exceptions: Vec<&'static str>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables::default();
    for failures in DIALECTS.iter().map(|dialect| &dialect.failures) {
        tables.describe.extend(failures.describe);
        tables.tool_failed.extend(failures.tool_failed);
        tables.despite_ok.extend(failures.despite_ok);
        tables.control_exceptions.extend(failures.control_exceptions);
    }
    tables
});

/// The failure of a span or a log record; `None` where nothing shows that it failed.
pub fn of(source: &Source, translation: &Translation) -> Option<Failure> {
    if is_aside(source, translation) {
        return None;
    }
    let status = source.status;
    let is_tool = translation.genai.category == Category::Tool;
    let by_tool = of_tool(source) == Some(true) || (is_tool && by_result(translation));
    // A span that ended well may still have the exception that it recovered from.
    let ended_well = status.code == StatusCode::Ok && !TABLES.despite_ok.iter().any(|despite_ok| despite_ok(source));
    if ended_well && !(by_tool && is_tool) {
        return None;
    }
    // A response of which a dialect read that it is an error, unless something was thrown.
    let mut failure = exception(source).or_else(|| translation.error.clone()).unwrap_or_default();
    by_attributes(source, &mut failure);
    if failure.message.is_none() && by_tool {
        failure.message = result_text(translation);
    }
    let described = Some(status.message.as_str()).filter(|text| !text.is_empty() && status.code == StatusCode::Error);
    if let (None, Some(text)) = (&failure.message, described) {
        // Python's SDK writes `Type: message`: a type that is known already is taken off.
        let kind = failure.kind.as_deref().map(|kind| kind.rsplit('.').next().unwrap_or(kind));
        let rest = kind.and_then(|kind| text.strip_prefix(kind)?.strip_prefix(": "));
        failure.message = Some(rest.unwrap_or(text).to_owned());
    }
    let failed = status.code == StatusCode::Error || by_tool || failure != Failure::default();
    (failed && !is_control(&failure)).then_some(failure)
}

/// The severity number from which on a log record reports an error.
const ERROR: i32 = 17;

/// The record or event of a score that somebody gave a span, whose own failure it is not if it could not be made.
pub const EVALUATION: &str = "gen_ai.evaluation.result";

/// Whether a log record only tells something about the span that it names: a retry, a cache miss, an evaluation. Then no
/// failure in it is that of the span. The records that stand for a call or a tool's run tell how that went.
fn is_aside(source: &Source, translation: &Translation) -> bool {
    let category = translation.genai.category;
    let stands_for_work = || {
        let is_record = |dialect: &Dialect| dialect.record.is_some() && (dialect.matches)(source);
        category.is_call() || category == Category::Tool || DIALECTS.iter().any(is_record)
    };
    source.is_log() && (source.name == EVALUATION || (source.severity < ERROR && !stands_for_work()))
}

/// Whether what was thrown is how a framework waits for a person or goes elsewhere, and no failure at all.
fn is_control(failure: &Failure) -> bool {
    let thrown = &TABLES.control_exceptions;
    let kind = failure.kind.as_deref().unwrap_or_default();
    // Where every exception is called `Exception`, its message may begin with the class: `Interrupt((…),)`.
    let printed = failure.message.as_deref().filter(|_| matches!(kind, "" | "Exception"));
    let class = printed.and_then(|message| message.split_once('(')).map_or("", |(class, _)| class);
    thrown.contains(&kind.rsplit('.').next().unwrap_or(kind)) || thrown.contains(&class)
}

/// The last exception event: it is what ended the span.
fn exception(source: &Source) -> Option<Failure> {
    let events = source.events.iter().rev().filter(|event| event.name == "exception");
    events.map(|event| of_exception(&event.attributes)).find(|failure| *failure != Failure::default())
}

fn of_exception(attributes: &Attributes) -> Failure {
    let text = |key| attributes.str(key).map(str::to_owned);
    let (mut message, mut stack) = (text("exception.message"), text("exception.stacktrace"));
    // A message with its traceback after it, and both again as the stack.
    let at = message.as_deref().and_then(|text| text.find("Traceback (most recent call last):")).filter(|at| *at > 0);
    if let (Some(at), Some(text)) = (at, &mut message) {
        stack = Some(text.split_off(at));
        text.truncate(text.trim_end().len());
    }
    Failure { kind: text("exception.type"), message, stack }
}

fn by_attributes(source: &Source, failure: &mut Failure) {
    let attributes = source.attributes;
    let stated = of_exception(attributes);
    failure.kind = failure.kind.take().or(stated.kind).or_else(|| text(attributes, "error.type"));
    failure.message = failure.message.take().or(stated.message).or_else(|| text(attributes, "error.message"));
    failure.stack = failure.stack.take().or(stated.stack);
    for describe in &TABLES.describe {
        describe(source, failure);
    }
    let code = |keys: [&str; 2]| keys.into_iter().find_map(|key| attributes.get(key)?.as_count());
    if let Some(code) = code(["http.response.status_code", "http.status_code"]).filter(|code| *code >= 400) {
        failure.kind.get_or_insert_with(|| code.to_string());
    }
    if let Some(code) = attributes.get("rpc.grpc.status_code").and_then(Value::as_count).filter(|code| *code != 0) {
        failure.kind.get_or_insert_with(|| format!("gRPC {code}"));
    }
}

/// An attribute as text; `None` where there is none, or an empty one.
fn text(attributes: &Attributes, key: &str) -> Option<String> {
    attributes.get(key).filter(|value| !value.is_empty()).map(Value::to_text)
}

/// Whether the tool of a tool's span failed, whatever the span's status; `None` where the span does not show it.
pub fn of_tool(source: &Source) -> Option<bool> {
    let status = || source.attributes.str("tool.status");
    match source.attributes.str("gen_ai.tool.status").or_else(status) {
        Some("error" | "failed") => Some(true),
        Some("success") => Some(false),
        _ => TABLES.tool_failed.iter().find_map(|failed| failed(source)),
    }
}

/// Whether a result that a tool's span holds says that it is an error: MCP's `isError`, `is_error`, a status.
fn by_result(translation: &Translation) -> bool {
    let messages = translation.readings.iter().flat_map(|reading| &reading.completion);
    messages.flat_map(|message| &message.parts).any(|part| match &part.content {
        Content::Result(result) => result.is_error == Some(true),
        _ => false,
    })
}

/// What a failed tool answered is the best that is known of why.
fn result_text(translation: &Translation) -> Option<String> {
    let messages = translation.readings.iter().flat_map(|reading| &reading.completion);
    messages.flat_map(|message| &message.parts).find_map(|part| match &part.content {
        Content::Result(result) => result.content.iter().find_map(|part| match &part.content {
            Content::Text(text) => Some(text.clone()),
            Content::Json(value) => Some(value.to_text()),
            _ => None,
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    fn failure(span: Sample) -> Option<(Option<String>, Option<String>)> {
        span.translate().error.map(|failure| (failure.kind, failure.message))
    }

    fn reason(kind: &str, message: &str) -> (Option<String>, Option<String>) {
        let text = |words: &str| (!words.is_empty()).then(|| words.to_owned());
        (text(kind), text(message))
    }

    const THROTTLED: &[(&str, &str)] = &[("exception.type", "x.Throttled"), ("exception.message", "slow down")];

    #[test]
    fn an_exception_is_the_failure() {
        let span = Sample::span("chat").failed("Throttled: slow down");
        let first = [("exception.type", "x.First"), ("exception.message", "try again")];
        let span = span.event("exception", &first).event("exception", THROTTLED);
        assert_eq!(failure(span), Some(reason("x.Throttled", "slow down")));
    }

    #[test]
    fn to_wait_for_a_human_is_no_failure() {
        let printed = "GraphInterrupt((Interrupt(value='Go on?'),))";
        for thrown in [
            [
                ("exception.type", "langgraph.errors.GraphInterrupt"),
                ("exception.message", "(Interrupt(value='Go on?'),)"),
            ],
            [("exception.type", "langgraph.errors.ParentCommand"), ("exception.message", "Command(goto='b')")],
            [("exception.type", "Exception"), ("exception.message", printed)],
        ] {
            assert_eq!(failure(Sample::span("human").failed("").event("exception", &thrown)), None);
        }
        let other = [("exception.type", "x.Interrupted"), ("exception.message", "GraphInterrupt(no)")];
        assert!(failure(Sample::span("human").failed("").event("exception", &other)).is_some());
    }

    #[test]
    fn a_message_is_parted_from_its_traceback() {
        let message = "Boom('no')Traceback (most recent call last):\n\n  File x";
        let both = [("exception.type", "Exception"), ("exception.message", message), ("exception.stacktrace", "again")];
        let failure = Sample::span("tool").failed("").event("exception", &both).translate().error.unwrap();
        assert_eq!(failure.message.as_deref(), Some("Boom('no')"));
        assert_eq!(failure.stack.as_deref(), Some("Traceback (most recent call last):\n\n  File x"));
    }

    #[test]
    fn the_type_stands_once_in_a_failure() {
        let span = |kind| Sample::span("chat").failed("BadRequest: no such model").with(&[("error.type", kind)]);
        assert_eq!(failure(span("openai.BadRequest")), Some(reason("openai.BadRequest", "no such model")));
        assert_eq!(failure(span("500")), Some(reason("500", "BadRequest: no such model")));
        assert_eq!(failure(Sample::span("x").failed("")), Some(reason("", "")));
    }

    #[test]
    fn what_ended_well_did_not_fail() {
        assert_eq!(failure(Sample::span("chat").ok().event("exception", THROTTLED)), None);
        assert_eq!(
            failure(Sample::span("chat").event("exception", THROTTLED)),
            Some(reason("x.Throttled", "slow down"))
        );
        assert_eq!(failure(Sample::span("chat")), None);
        let run = Sample::span("chat").scope("langsmith").ok();
        assert_eq!(failure(run.event("exception", THROTTLED)), Some(reason("x.Throttled", "slow down")));
    }

    #[test]
    fn a_log_record_about_a_span_is_not_its_failure() {
        let log = |name, severity, keys: &[(&str, &str)]| failure(Sample::log(name, "").severity(severity).with(keys));
        let thrown = [("exception.type", "x.Timeout"), ("exception.message", "again")];
        assert_eq!(log("", 9, &[("error.type", "cache_miss")]), None);
        assert_eq!(log("", 13, &thrown), None);
        assert_eq!(log("", 17, &thrown), Some(reason("x.Timeout", "again")));
        assert_eq!(log("gen_ai.evaluation.result", 17, &[("error.type", "JudgeFailure")]), None);
        // The record of a call that has no other.
        let call = [("gen_ai.operation.name", "chat"), ("error.type", "timeout")];
        assert_eq!(log("gen_ai.client.inference.operation.details", 9, &call), Some(reason("timeout", "")));
    }

    #[test]
    fn a_result_may_say_that_its_tool_failed() {
        let tool = |result: &str| {
            let keys = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")];
            failure(Sample::span("execute_tool w").ok().with(&keys).with(&[("gen_ai.tool.call.result", result)]))
        };
        let mcp = r#"{"isError":true,"content":[{"type":"text","text":"no such city"}]}"#;
        assert_eq!(tool(mcp), Some(reason("", "no such city")));
        let bedrock = r#"{"toolResult":{"toolUseId":"t","status":"error","content":[{"text":"no such city"}]}}"#;
        assert_eq!(tool(bedrock), Some(reason("", "no such city")));
        assert_eq!(tool(r#"{"isError":false,"content":[{"type":"text","text":"18C"}]}"#), None);
        // A tool's own data.
        assert_eq!(tool(r#"{"status":"error","rows":0}"#), None);
    }

    #[test]
    fn codes_and_levels_are_failures() {
        let status = |code| Sample::span("GET").typed("http.response.status_code", code);
        assert_eq!(failure(status("502")), Some(reason("502", "")));
        assert_eq!(failure(status("200")), None);
        let level = [("langfuse.observation.level", "ERROR"), ("langfuse.observation.status_message", "no")];
        assert_eq!(failure(Sample::span("x").with(&level)), Some(reason("error", "no")));
        assert_eq!(
            failure(Sample::span("x").ok().with(&[("gen_ai.tool.name", "w"), ("gen_ai.tool.status", "error")])),
            Some(reason("", ""))
        );
        assert_eq!(failure(Sample::span("x").ok().with(&[("gen_ai.tool.status", "error")])), None);
        assert_eq!(failure(Sample::span("x").with(&[("gen_ai.tool.status", "success")])), None);
    }
}
