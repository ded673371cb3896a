//! Why a span failed: exception events, attributes and the status, merged into one (`facts.md` 8).

use super::{coding_agents, openai_agents};
use crate::model::{Attributes, Category, Content, Failure, Source, StatusCode, Translation, Value};

/// The failure of a span or a log record; `None` where nothing says that it failed.
pub fn of(source: &Source, translation: &Translation) -> Option<Failure> {
    let status = source.status;
    let by_tool = of_tool(source.attributes) == Some(true);
    // What was recovered from may leave its exception on a span that ended well. LangSmith says of every run that it did.
    let thrown = source.scope.name == "langsmith" && source.events.iter().any(|event| event.name == "exception");
    let is_tool = translation.genai.category == Category::Tool;
    if status.code == StatusCode::Ok && !(by_tool && is_tool) && !thrown {
        return None;
    }
    // A response of which a dialect read that it is an error, unless something was thrown.
    let mut failure = exception(source).or_else(|| translation.error.clone()).unwrap_or_default();
    by_attributes(source.attributes, &mut failure);
    if failure.message.is_none() && by_tool {
        failure.message = result_text(translation);
    }
    failure.message = failure.message.or_else(|| openai_agents::failure(source));
    let described = Some(status.message.as_str()).filter(|text| !text.is_empty() && status.code == StatusCode::Error);
    if let (None, Some(text)) = (&failure.message, described) {
        // Python's SDK writes `Type: message`: the type is said once.
        let kind = failure.kind.as_deref().map(|kind| kind.rsplit('.').next().unwrap_or(kind));
        let rest = kind.and_then(|kind| text.strip_prefix(kind)?.strip_prefix(": "));
        failure.message = Some(rest.unwrap_or(text).to_owned());
    }
    let failed = status.code == StatusCode::Error || by_tool || failure != Failure::default();
    (failed && !is_control(&failure)).then_some(failure)
}

/// Whether what was thrown is how LangGraph waits for a human or hands over to another graph, and no failure at all.
fn is_control(failure: &Failure) -> bool {
    const THROWN: [&str; 4] = ["GraphInterrupt", "NodeInterrupt", "ParentCommand", "GraphBubbleUp"];
    let kind = failure.kind.as_deref().unwrap_or_default();
    // LangSmith calls everything an exception, and prints it: `GraphInterrupt((Interrupt(…),))`.
    let printed = failure.message.as_deref().filter(|_| matches!(kind, "" | "Exception"));
    let called = printed.and_then(|message| message.split_once('(')).map_or("", |(called, _)| called);
    THROWN.contains(&kind.rsplit('.').next().unwrap_or(kind)) || THROWN.contains(&called)
}

/// The last exception event: it is what ended the span.
fn exception(source: &Source) -> Option<Failure> {
    let events = source.events.iter().rev().filter(|event| event.name == "exception");
    events.map(|event| of_exception(&event.attributes)).find(|failure| *failure != Failure::default())
}

fn of_exception(attributes: &Attributes) -> Failure {
    let text = |key| attributes.str(key).map(str::to_owned);
    let (mut message, mut stack) = (text("exception.message"), text("exception.stacktrace"));
    // LangSmith writes one after the other, and all of that again as the stack.
    let at = message.as_deref().and_then(|text| text.find("Traceback (most recent call last):")).filter(|at| *at > 0);
    if let (Some(at), Some(text)) = (at, &mut message) {
        stack = Some(text.split_off(at));
        text.truncate(text.trim_end().len());
    }
    Failure { kind: text("exception.type"), message, stack }
}

fn by_attributes(attributes: &Attributes, failure: &mut Failure) {
    let stated = of_exception(attributes);
    let text = |key: &str| attributes.get(key).filter(|value| !value.is_empty()).map(Value::to_text);

    failure.kind = failure.kind.take().or(stated.kind).or_else(|| text("error.type"));
    failure.message = failure.message.take().or(stated.message).or_else(|| text("error.message"));
    failure.stack = failure.stack.take().or(stated.stack);
    if attributes.str("langfuse.observation.level").is_some_and(|level| level.trim_matches('"') == "ERROR") {
        failure.kind.get_or_insert_with(|| "error".to_owned());
        failure.message = failure.message.take().or_else(|| text("langfuse.observation.status_message"));
    }
    // Coding agents' spans and records.
    let is_theirs = attributes.has("span.type") || attributes.has("event.name");
    if is_theirs && coding_agents::succeeded(attributes) == Some(false) {
        failure.kind = failure.kind.take().or_else(|| text("error_type"));
        failure.message = failure.message.take().or_else(|| text("error"));
    }
    let code = |keys: [&str; 2]| keys.into_iter().find_map(|key| attributes.get(key)?.as_count());
    if let Some(code) = code(["http.response.status_code", "http.status_code"]).filter(|code| *code >= 400) {
        failure.kind.get_or_insert_with(|| code.to_string());
    }
    if let Some(code) = attributes.get("rpc.grpc.status_code").and_then(Value::as_count).filter(|code| *code != 0) {
        failure.kind.get_or_insert_with(|| format!("gRPC {code}"));
    }
}

/// Whether a tool's span says that the tool failed, whatever the span's status; `None` where it does not say.
pub fn of_tool(attributes: &Attributes) -> Option<bool> {
    match attributes.str("gen_ai.tool.status") {
        Some("error" | "failed") => Some(true),
        Some("success") => Some(false),
        _ => {
            let is_error = attributes.get("lk.function_tool.is_error").and_then(Value::as_bool);
            // What coding agents write of a tool that ran.
            let is_run =
                || attributes.has("event.name") && (attributes.has("tool_name") || attributes.has("function_name"));
            is_error.or_else(|| Some(!coding_agents::succeeded(attributes).filter(|_| is_run())?))
        }
    }
}

/// What a failed tool answered is the best that is known of why.
fn result_text(translation: &Translation) -> Option<String> {
    let messages = translation.readings.iter().flat_map(|reading| &reading.completion);
    messages.flat_map(|message| &message.parts).find_map(|part| match &part.content {
        Content::Result(result) => result.content.iter().find_map(|part| match &part.content {
            Content::Text(text) => Some(text.clone()),
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
    fn an_exception_says_why() {
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
    fn a_message_with_its_traceback_is_told_apart() {
        let message = "Boom('no')Traceback (most recent call last):\n\n  File x";
        let both = [("exception.type", "Exception"), ("exception.message", message), ("exception.stacktrace", "again")];
        let failure = Sample::span("tool").failed("").event("exception", &both).translate().error.unwrap();
        assert_eq!(failure.message.as_deref(), Some("Boom('no')"));
        assert_eq!(failure.stack.as_deref(), Some("Traceback (most recent call last):\n\n  File x"));
    }

    #[test]
    fn the_status_says_its_type_once() {
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
    fn codes_and_levels_say_that_it_failed() {
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
