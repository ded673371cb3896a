//! `codex`: the Codex CLI (`coding_agents.md` 5).
//!
//! Its spans are the program's own, some hundreds for a prompt; messages are in its log records, by `event.name`:
//!
//! ```text
//!   session_task.turn                              codex.user_prompt{prompt}, codex.agent_response{response}
//!   └ run_sampling_request
//!     └ try_run_sampling_request  model
//!       └ handle_responses  gen_ai.usage.*         codex.sse_event{event.kind: response.completed, …_token_count}
//!         └ exec_command  call_id, tool_name       codex.tool_result{call_id, arguments, output, success}
//! ```
//!
//! Records name a trace only where spans are sent, but `codex.sse_event` never does: alone it proves nothing.

use super::{
    Dialect, FactRow, Failures, Field, Framework, How, Rank, RecordingHints,
    coding_agents::{self, AgentRecord, Work, record_name},
    gen_ai, parts, provider, reading,
};
use crate::model::{Category, ContentKind, Failure, LogRecord, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "codex",
    content: ContentKind::Conversation,
    matches,
    translate,
    category: Some(own_category),
    is_plumbing: Some(is_codex),
    record: Some(agent_record),
    facts: FACTS,
    failures: Failures { describe: Some(describe_failure), tool_failed: Some(tool_failed), ..Failures::SHARED },
    frameworks: &[Framework { label: "codex", rank: 30, scopes: &[SCOPE], keys: &[PREFIX], ..Framework::PLAIN }],
    recording_hints: &[RecordingHints {
        scopes: &[SCOPE],
        framework: "codex",
        messages: "in config.toml, under [otel], log_user_prompt = true and an exporter for the logs",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Session, How::Id, &["conversation.id"]).within(SCOPE).ranked(Rank::Last),
    FactRow::of(Field::ToolCall, How::Id, &["call_id"]).within(SCOPE),
    FactRow::of(Field::Input, How::Count, &["input_token_count"]).within(SCOPE),
    FactRow::of(Field::Output, How::Count, &["output_token_count"]).within(SCOPE),
    FactRow::of(Field::CacheRead, How::Count, &["cached_token_count"]).within(SCOPE),
    FactRow::of(Field::CacheWrite, How::Count, &["cache_write_token_count"]).within(SCOPE),
    FactRow::of(Field::Reasoning, How::Count, &["reasoning_token_count", "codex.usage.reasoning_output_tokens"])
        .within(SCOPE),
];

const SCOPE: &str = "codex";
const PREFIX: &str = "codex.";

/// Whether Codex made it.
fn is_codex(source: &Source) -> bool {
    source.scope.name.starts_with(SCOPE)
}

fn describe_failure(source: &Source, failure: &mut Failure) {
    if is_codex(source) {
        coding_agents::describe_failure(source.attributes, failure);
    }
}

fn tool_failed(source: &Source) -> Option<bool> {
    if is_codex(source) { coding_agents::tool_failed(source.attributes) } else { None }
}

fn matches(source: &Source) -> bool {
    is_codex(source) && category(source).is_some()
}

fn own_category(source: &Source) -> Option<Category> {
    if is_codex(source) { category(source) } else { None }
}

/// What a span or a record is of an agent's work.
fn category(source: &Source) -> Option<Category> {
    let attributes = source.attributes;
    if let Some(name) = record_name(source, PREFIX) {
        return Some(match name {
            "conversation_starts" | "user_prompt" | "agent_response" => Category::Agent,
            "sse_event" if is_answer(source) => Category::Llm,
            "api_request" if !source.is_log() => Category::Llm,
            "tool_result" => Category::Tool,
            _ => return None,
        });
    }
    if source.is_log() {
        return None;
    }
    match source.name {
        "session_task.turn" | "run_task" => Some(Category::Agent),
        // One attempt at a request; what reads the answer, beneath it, has the tokens.
        "try_run_sampling_request" => Some(Category::Llm),
        _ if attributes.has("gen_ai.usage.input_tokens") => Some(Category::Llm),
        // What watches a tool names it, too.
        name if attributes.has("call_id") && attributes.str("tool_name") == Some(name) => Some(Category::Tool),
        _ => None,
    }
}

/// Of the events of a stream the last one, with the tokens, or the one that ended it.
fn is_answer(source: &Source) -> bool {
    source.attributes.has("input_token_count") || is_failure(source.attributes.get("error.message"))
}

fn is_failure(why: Option<&Value>) -> bool {
    why.is_some_and(|why| !why.is_empty())
}

/// What a record stands for. Records name no prompt: a conversation is one run.
pub fn agent_record(record: &LogRecord) -> Option<AgentRecord<'_>> {
    let attributes = &record.attributes;
    let name = attributes.str("event.name").unwrap_or(&record.name).strip_prefix(PREFIX)?;
    let conversation = attributes.str("conversation.id")?;
    let source = Source::from(record);
    let refused = || {
        let status = attributes.get("http.response.status_code").and_then(Value::as_count);
        is_failure(attributes.get("error.message")) || status.is_some_and(|status| status >= 400)
    };
    let work = match name {
        "conversation_starts" => Work::Run { name: "codex.conversation" },
        "sse_event" if is_answer(&source) => Work::Call { name: "codex.response" },
        "api_request" if refused() => Work::Call { name: "codex.response" },
        "tool_result" => Work::Tool { name: "codex.tool", id: attributes.str("call_id") },
        "user_prompt" | "agent_response" | "api_request" => Work::Part,
        _ => return None,
    };
    Some(AgentRecord { run: ["codex", conversation, ""], work, call: None })
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let is_cut = |key: &str| attributes.get(key).and_then(Value::as_bool) == Some(true);
    let message = |role, key: &str, cut: bool| {
        let part = attributes.str(key).and_then(parts::text).map(|mut part| {
            part.truncated |= cut;
            part
        });
        reading::from_parts(role, part.into_iter().collect())
    };
    let (mut prompt, mut completion) = (vec![], vec![]);
    match record_name(source, PREFIX) {
        Some("user_prompt") => prompt = message(Role::User, "prompt", false),
        Some("agent_response") => completion = message(Role::Assistant, "response", is_cut("response_truncated")),
        Some("tool_result") => {
            let output = attributes.get("output").filter(|output| !output.is_empty());
            (prompt, completion) = gen_ai::execution(attributes.get("arguments"), output, &into.genai);
            if let (true, Some(last)) = (is_cut("output_truncated"), completion.last_mut()) {
                last.parts.iter_mut().for_each(|part| part.truncated = true);
            }
        }
        Some("sse_event") if is_answer(source) => coding_agents::leave_unconfirmed(into),
        _ => {}
    }
    if category(source) == Some(Category::Llm) {
        into.genai.model = into.genai.model.take().or_else(|| attributes.str("model").map(str::to_owned));
        let provider = into.genai.model.as_deref().and_then(provider::of_model).map(str::to_owned);
        into.genai.provider = into.genai.provider.take().or(provider);
    }
    reading::push(into, DIALECT.name, reading::carrier(source), prompt, completion);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    /// As it sends them: the name of an event is where it stands in the source.
    fn log(name: &str) -> Sample {
        let record = Sample::log("event otel/src/events/session_telemetry.rs:1200", "null");
        record.scope("codex_otel.log_only").with(&[("event.name", name), ("conversation.id", "c")])
    }

    fn span(name: &str) -> Sample {
        Sample::span(name).scope("codex_exec")
    }

    #[test]
    fn records_hold_the_messages() {
        let read = log("codex.user_prompt").with(&[("prompt", "q")]).translate();
        assert_eq!((sides(&read).0, read.genai.category), (vec!["user: q".to_owned()], Category::Agent));
        assert_eq!(read.context.session.as_deref(), Some("c"));
        assert_eq!((read.context.framework.as_deref(), read.dialects), (Some("codex"), vec!["codex".to_owned()]));
        let hidden = log("codex.user_prompt").with(&[("prompt", "[REDACTED]")]).translate();
        assert!(hidden.readings[0].prompt[0].parts[0].hidden);
        let answer = log("codex.agent_response").with(&[("response", "It is al")]).typed("response_truncated", "true");
        assert_eq!(sides(&answer.translate()).1, ["assistant: It is al…"]);
    }

    #[test]
    fn a_record_of_a_tool_has_arguments_and_output() {
        let read = log("codex.tool_result")
            .with(&[("tool_name", "exec_command"), ("call_id", "c1"), ("success", "true")])
            .with(&[("arguments", r#"{"cmd": "ls"}"#), ("output", "Exit code: 0")])
            .translate();
        assert_eq!(sides(&read).0, [r#"assistant: exec_command#c1{"cmd":"ls"}"#]);
        assert_eq!(sides(&read).1, ["tool: =c1 Exit code: 0"]);
        assert_eq!((read.genai.category, read.error), (Category::Tool, None));
    }

    #[test]
    fn of_its_hundreds_of_spans_a_few_are_the_agents_work() {
        let category = |sample: Sample| sample.translate().genai.category;
        assert_eq!(category(span("session_task.turn").with(&[("model", "gpt-5")])), Category::Agent);
        let call = span("try_run_sampling_request").with(&[("model", "gpt-5")]).translate();
        assert_eq!((call.genai.category, call.genai.model.as_deref()), (Category::Llm, Some("gpt-5")));
        let answer =
            span("handle_responses").typed("gen_ai.usage.input_tokens", "52").typed("gen_ai.usage.output_tokens", "4");
        let answer = answer.typed("codex.usage.reasoning_output_tokens", "3").translate();
        assert_eq!(answer.genai.category, Category::Llm);
        assert_eq!(answer.genai.usage.and_then(|usage| usage.reasoning), Some(3));
        let names = [("tool_name", "exec_command"), ("call_id", "c1")];
        assert_eq!(category(span("exec_command").with(&names)), Category::Tool);
        assert_eq!(category(span("guardian_scoring_observation").with(&names)), Category::Span);
        assert_eq!(category(span("handle_responses").with(&[("tool_name", "exec_command")])), Category::Span);
        assert_eq!(category(span("get_model_info").with(&[("model", "gpt-5")])), Category::Span);
    }
}
