//! BeeAI, whose spans OpenInference's instrumentation makes (`sdks.md` 19): what it knows of caches is in its metadata.
//!
//! Of parallel calls in a stream it keeps the arguments of all, and the id and the name of the first: the names of the
//! others are those of the tools that take such arguments. What a tool did not catch is a span of its own beneath the
//! tool's, which is named `error` and is a tool's by its kind.

use std::sync::Arc;

use super::{Dialect, FactRow, Field, Framework, How, dialect::Failures, spliced_calls};
use crate::model::{Category, Failure, Source, Translation};

pub const DIALECT: Dialect = Dialect {
    name: "beeai",
    matches: |source| !source.is_log() && source.scope.name == SCOPE,
    translate,
    category: Some(|source| is_event(source).then_some(Category::Span)),
    is_plumbing: Some(is_event),
    facts: FACTS,
    failures: Failures { describe: Some(name_cause), ..Failures::SHARED },
    frameworks: &[Framework { label: "beeai", rank: 209, scopes: &[SCOPE], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const SCOPE: &str = "openinference.instrumentation.beeai";

const FACTS: &[FactRow] = &[
    FactRow::of(Field::CacheRead, How::Count, &["metadata.usage.cached_prompt_tokens"]).within(SCOPE),
    FactRow::of(Field::CacheWrite, How::Count, &["metadata.usage.cached_creation_tokens"]).within(SCOPE),
];

/// Whether a span is an event of the framework that says what failed: `tool.custom.ping.error`.
fn is_event(source: &Source) -> bool {
    source.name == "error"
        && source.scope.name == SCOPE
        && source.attributes.str("metadata.path").is_some_and(|path| path.rsplit('.').next() == Some("error"))
}

/// Says why a tool failed. The framework's exception says of every tool the same (`Tool Error`); the output has the whole
/// chain, a line each, the cause last:
///
/// ```text
///   ToolError(beeai_framework.tools.errors): Tool Error
///   Context: {"name": "run_job"}
///     ToolFailure(tools): job x refused
/// ```
fn name_cause(source: &Source, failure: &mut Failure) {
    let is_own = |failure: &Failure| failure.kind.as_deref().is_some_and(|kind| kind.starts_with("beeai_framework."));
    if source.scope.name != SCOPE || !is_own(failure) {
        return;
    }
    let Some(chain) = source.attributes.str("output.value") else { return };
    // Each cause is indented by two spaces more than what it caused; its message may have several lines.
    let (mut from, mut depth, mut start) = (None, 0, 0);
    for line in chain.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent == depth + 2 && class(line).is_some() {
            (from, depth) = (Some(start), indent);
        }
        start += line.len();
    }
    let Some(cause) = from.and_then(|from| chain.get(from..)) else { return };
    if let Some((kind, message)) = class(cause) {
        let context = message.find("\nContext: ").unwrap_or(message.len());
        let message = message[..context].trim_end();
        if !message.is_empty() {
            (failure.kind, failure.message) = (Some(kind.to_owned()), Some(message.to_owned()));
        }
    }
}

/// The class and the message of an exception in a chain: `ToolFailure(tools): job x refused`.
fn class(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim_start_matches(' ').split_once('(')?;
    let (module, message) = rest.split_once("): ")?;
    let is_word = |text: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.'))
    };
    (is_word(name) && is_word(module)).then_some((name, message))
}

/// Names the calls that were recorded with the first of an answer.
fn translate(_: &Source, into: &mut Translation) {
    for message in into.readings.iter_mut().flat_map(|reading| &mut reading.completion) {
        if message.parts.len() > 1 {
            spliced_calls::name_by_arguments(Arc::make_mut(message), &into.tools);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::SCOPE;
    use crate::model::Category;

    #[test]
    fn caches_are_part_of_the_prompt() {
        let read = Sample::span("OpenAIChatModel")
            .scope(SCOPE)
            .with(&[("openinference.span.kind", "LLM"), ("llm.provider", "openai")])
            .typed("llm.token_count.prompt", "351")
            .typed("metadata.usage.cached_prompt_tokens", "256")
            .typed("metadata.usage.cached_creation_tokens", "0")
            .translate();
        let usage = read.genai.usage.unwrap();
        assert_eq!(
            (usage.input(), usage.cache_read, read.context.framework.as_deref()),
            (Some(351), Some(256), Some("beeai"))
        );
    }

    #[test]
    fn calls_of_a_stream_have_the_names_of_the_tools_that_take_their_arguments() {
        let call = |field: &str| format!("llm.output_messages.0.message.tool_calls.0.tool_call.{field}");
        let ping = r#"{"name":"ping","parameters":{"type":"object","properties":{"host":{}},"required":["host"]}}"#;
        let job = r#"{"name":"run_job","parameters":{"type":"object","properties":{"job":{}},"required":["job"]}}"#;
        let read = Sample::span("OpenAIChatModel")
            .scope(SCOPE)
            .with(&[("openinference.span.kind", "LLM"), ("llm.output_messages.0.message.role", "assistant")])
            .with(&[(&call("id"), "call_1"), (&call("function.name"), "ping")])
            .with(&[(&call("function.arguments"), r#"{"host":"a"}{"job":"x"}"#)])
            .with(&[("llm.tools.0.tool.json_schema", ping), ("llm.tools.1.tool.json_schema", job)])
            .translate();
        assert_eq!(sides(&read).1, [r#"assistant: ping#call_1{"host":"a"} · run_job#-{"job":"x"}"#]);
    }

    #[test]
    fn a_tool_failed_with_what_its_output_says_last() {
        let failed = |chain: &str| {
            let thrown =
                [("exception.type", "beeai_framework.tools.errors.ToolError"), ("exception.message", "Tool Error")];
            let span = Sample::span("run_job").scope(SCOPE).with(&[("openinference.span.kind", "TOOL")]).failed("");
            let failure = span.with(&[("output.value", chain)]).event("exception", &thrown).translate().error.unwrap();
            (failure.kind.unwrap(), failure.message.unwrap())
        };
        let chain = "ToolError(beeai_framework.tools.errors): Tool Error\nContext: {\"name\": \"run_job\"}\n  \
                     ToolFailure(tools_lib): job x refused:\n  lock held by pid 4711";
        let cause = ("ToolFailure".to_owned(), "job x refused:\n  lock held by pid 4711".to_owned());
        assert_eq!(failed(chain), cause);
        let own = ("beeai_framework.tools.errors.ToolError".to_owned(), "Tool Error".to_owned());
        for chain in ["ToolError(beeai_framework.tools.errors): Tool Error", "42", ""] {
            assert_eq!(failed(chain), own, "{chain}");
        }
    }

    #[test]
    fn an_error_of_a_tool_is_no_tool() {
        let event = [("openinference.span.kind", "TOOL"), ("metadata.path", "tool.custom.run_job.error")];
        let read = Sample::span("error").scope(SCOPE).with(&event).translate();
        assert_eq!((read.genai.category, read.plumbing), (Category::Span, true));
        let tool = Sample::span("error").scope(SCOPE).with(&event[..1]).with(&[("tool.name", "error")]).translate();
        assert_eq!(tool.genai.category, Category::Tool);
    }
}
