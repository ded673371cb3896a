//! `claude-code`: Claude Code, in spans, in log records, or in both (`coding_agents.md` 4).
//!
//! ```text
//!   claude_code.interaction  user_prompt                   user_prompt{prompt}, assistant_response{response}
//!   ├ claude_code.llm_request  model, tokens               api_request{model, tokens, cost_usd}, api_request_body{body}
//!   └ claude_code.tool  tool_name, tool_use_id             tool_result{tool_input, success, error}
//!     │ event tool.output{output}
//!     └ claude_code.tool.execution  success, error
//! ```
//!
//! Texts are in the records; those of a run name the interaction, whatever they are about. Input tokens leave both
//! caches out. The system prompt is only in the bodies.

use super::{
    Dialect, FactRow, Failures, Field, Framework, How, RecordingHints, calls,
    coding_agents::{self, AgentRecord, Work, record_name},
    definitions, gen_ai,
    maybe_json::MaybeJson,
    parts, provider_payload, reading,
};
use crate::model::{
    Attributes, Category, ContentKind, Failure, GivenName, LogRecord, Message, Role, Source, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "claude-code",
    content: ContentKind::Conversation,
    matches,
    translate,
    category: Some(own_category),
    is_plumbing: Some(is_claude_code),
    record: Some(agent_record),
    facts: FACTS,
    cache_in_input: Some(|source, _| is_scope(source).then_some(false)),
    failures: Failures { describe: Some(describe_failure), tool_failed: Some(tool_failed), ..Failures::SHARED },
    frameworks: &[Framework { label: "claude-code", rank: 20, scopes: &[SCOPE], names: &[PREFIX], ..Framework::PLAIN }],
    recording_hints: &[RecordingHints {
        scopes: &[SCOPE],
        framework: "claude-code",
        messages: "set OTEL_LOG_USER_PROMPTS=1, OTEL_LOG_ASSISTANT_RESPONSES=1, OTEL_LOG_TOOL_DETAILS=1, \
            OTEL_LOG_TOOL_CONTENT=1 and OTEL_LOGS_EXPORTER=otlp: the messages are in the logs",
        ..RecordingHints::ANY
    }],
    given_name: Some(|source| is_claude_code(source).then_some(GivenName::Nothing)),
    ..Dialect::PLAIN
};

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Model, How::Text, &["model"]).within(SCOPE),
    FactRow::of(Field::StopReason, How::Text, &["stop_reason"]).within(SCOPE),
    FactRow::of(Field::ToolCall, How::Id, &["tool_use_id"]).within(SCOPE),
    FactRow::of(Field::Input, How::Count, &["input_tokens"]).within(SCOPE),
    FactRow::of(Field::Output, How::Count, &["output_tokens"]).within(SCOPE),
    FactRow::of(Field::CacheRead, How::Count, &["cache_read_tokens"]).within(SCOPE),
    FactRow::of(Field::CacheWrite, How::Count, &["cache_creation_tokens"]).within(SCOPE),
    FactRow::of(Field::Cost, How::Dollars, &["cost_usd"]).within(SCOPE),
];

const SCOPE: &str = "com.anthropic.claude_code";
const PREFIX: &str = "claude_code.";

/// Whether Claude Code made it.
fn is_claude_code(source: &Source) -> bool {
    is_scope(source) || source.name.starts_with(PREFIX)
}

fn is_scope(source: &Source) -> bool {
    source.scope.name.starts_with(SCOPE)
}

fn describe_failure(source: &Source, failure: &mut Failure) {
    if is_claude_code(source) {
        coding_agents::describe_failure(source.attributes, failure);
    }
}

fn tool_failed(source: &Source) -> Option<bool> {
    if is_claude_code(source) { coding_agents::tool_failed(source.attributes) } else { None }
}

fn matches(source: &Source) -> bool {
    is_claude_code(source)
}

fn own_category(source: &Source) -> Option<Category> {
    if is_claude_code(source) { category(source) } else { None }
}

/// What a span or a record is of an agent's work.
fn category(source: &Source) -> Option<Category> {
    Some(match record_name(source, PREFIX).or_else(|| source.attributes.str("span.type"))? {
        "interaction" | "user_prompt" | "assistant_response" => Category::Agent,
        "llm_request" | "api_request" | "api_error" | "api_request_body" | "api_response_body" => Category::Llm,
        "tool" | "tool.execution" | "tool_result" => Category::Tool,
        // Waiting for a person, hooks, decisions: what the machinery does.
        _ => Category::Span,
    })
}

/// What a record stands for. Before records named their prompt, a session was one run.
pub fn agent_record(record: &LogRecord) -> Option<AgentRecord<'_>> {
    let attributes = &record.attributes;
    let name = attributes.str("event.name").unwrap_or(&record.name);
    let is_ours = record.scope.name.starts_with(SCOPE) || name.starts_with(PREFIX);
    let session = attributes.str("session.id").filter(|_| is_ours)?;
    let prompt = attributes.str("prompt.id");
    let work = match name.strip_prefix(PREFIX).unwrap_or(name) {
        "user_prompt" if prompt.is_some() => Work::Run { name: "claude_code.interaction" },
        "api_request" | "api_error" => Work::Call { name: "claude_code.llm_request" },
        "tool_result" => Work::Tool { name: "claude_code.tool", id: attributes.str("tool_use_id") },
        "user_prompt" | "assistant_response" | "api_request_body" | "api_response_body" => Work::Part,
        _ => return None,
    };
    Some(AgentRecord { run: ["claude-code", session, prompt.unwrap_or_default()], work, call: None })
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let text = |key: &str| attributes.str(key).and_then(parts::text);
    let message = |role, part: Option<_>| reading::from_parts(role, part.into_iter().collect());
    let kind = record_name(source, PREFIX).or_else(|| attributes.str("span.type")).unwrap_or_default();
    if matches!(kind, "llm_request" | "api_request" | "api_error") {
        into.genai.provider.get_or_insert_with(|| "anthropic".to_owned());
    }
    let (prompt, completion) = match kind {
        "interaction" => (message(Role::User, text("user_prompt")), vec![]),
        "user_prompt" => (message(Role::User, text("prompt")), vec![]),
        "assistant_response" => (vec![], message(Role::Assistant, text("response"))),
        "llm_request" => (vec![], message(Role::Assistant, text("response.model_output"))),
        "api_request_body" => (body(attributes, Role::User, into), vec![]),
        "api_response_body" => (vec![], body(attributes, Role::Assistant, into)),
        "tool" | "tool_result" => tool(source, into),
        _ => return,
    };
    reading::push(into, DIALECT.name, reading::carrier(source), prompt, completion);
}

/// The API's own request or response.
fn body(attributes: &Attributes, role: Role, into: &mut Translation) -> Vec<Message> {
    let Some((data, cut)) = attributes.get("body").and_then(|body| MaybeJson::of(body).data()) else { return vec![] };
    if let Some(tools) = data.get("tools") {
        definitions::read(tools, &mut into.tools);
    }
    if into.genai.stop_reason.is_none() {
        into.genai.stop_reason = data.str("stop_reason").map(str::to_owned);
    }
    reading::ends(provider_payload::messages(&data, role).unwrap_or_default(), cut)
}

/// A tool execution: the call with its arguments, and the result, which only an event of the span has.
fn tool(source: &Source, into: &Translation) -> (Vec<Message>, Vec<Message>) {
    let attributes = source.attributes;
    let whole = attributes.get("tool_input").filter(|value| !value.is_empty());
    // Without OTEL_LOG_TOOL_DETAILS a tool's span has one argument only.
    let part = || {
        const ARGUMENTS: [(&str, &str); 4] = [
            ("full_command", "command"),
            ("file_path", "file_path"),
            ("skill_name", "skill"),
            ("subagent_type", "subagent_type"),
        ];
        let given = ARGUMENTS.iter().filter_map(|(key, name)| Some(((*name).to_owned(), attributes.get(key)?.clone())));
        Some(Value::Map(given.collect())).filter(|arguments| !arguments.is_empty())
    };
    let given = whole.cloned().or_else(part);
    let event = source.events.iter().find(|event| event.name == "tool.output");
    let output = event.and_then(|event| {
        let output = ["output", "content", "diff"].into_iter().find_map(|key| event.attributes.get(key));
        output.filter(|value| !value.is_empty())
    });
    let (mut prompt, mut completion) = gen_ai::execution(given.as_ref(), None, &into.genai);
    if let (None, Some(part)) = (whole, prompt.last_mut().and_then(|message| message.parts.last_mut())) {
        part.truncated = true;
    }
    if let Some(output) = output {
        let tool = into.genai.tool.clone().unwrap_or_default();
        // A tool's output is what it printed, even where that is JSON.
        let result = calls::answered(tool.call_id, tool.name.as_deref(), Some(output));
        completion.push(Message::new(Role::Tool, vec![result]));
    }
    (prompt, completion)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;
    use crate::model::Note;

    fn span(kind: &str) -> Sample {
        Sample::span(&format!("{PREFIX}{kind}")).scope("com.anthropic.claude_code.tracing").with(&[("span.type", kind)])
    }

    fn log(name: &str) -> Sample {
        Sample::log(name, "null").scope("com.anthropic.claude_code.events").with(&[("event.name", name)])
    }

    #[test]
    fn a_request_counts_its_caches_apart_from_its_input() {
        let read = span("llm_request")
            .with(&[("model", "claude-x"), ("response.model_output", "hello")])
            .typed("input_tokens", "10")
            .typed("output_tokens", "5")
            .typed("cache_read_tokens", "100")
            .typed("cache_creation_tokens", "3")
            .translate();
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.input(), usage.output, usage.cache_write), (Some(113), Some(5), Some(3)));
        assert_eq!((read.genai.category, read.genai.provider.as_deref()), (Category::Llm, Some("anthropic")));
        assert_eq!(sides(&read).1, ["assistant: hello"]);
    }

    #[test]
    fn a_prompt_may_be_hidden() {
        let read = span("interaction").with(&[("user_prompt", "<REDACTED>")]).translate();
        assert_eq!(
            (read.genai.category, sides(&read).0),
            (Category::Agent, vec!["user: <REDACTED>(hidden)".to_owned()])
        );
        assert_eq!(sides(&log("user_prompt").with(&[("prompt", "hi")]).translate()).0, ["user: hi"]);
    }

    #[test]
    fn a_tool_prints_its_output_in_an_event() {
        let tool = || span("tool").with(&[("tool_name", "Bash"), ("tool_use_id", "t1"), ("full_command", "ls")]);
        let read = tool().event("tool.output", &[("output", "[1]"), ("bash_command", "ls")]).translate();
        let (prompt, completion) = sides(&read);
        // One argument of several, perhaps.
        assert_eq!(prompt, [r#"assistant: Bash#t1{"command":"ls"}…"#]);
        assert_eq!(completion, ["tool: =t1 [1]"]);
        let read = tool().with(&[("tool_input", r#"{"command":"ls","timeout":5}"#)]).translate();
        assert_eq!(sides(&read).0, [r#"assistant: Bash#t1{"command":"ls","timeout":5}"#]);
    }

    #[test]
    fn the_machinery_around_a_tool_is_no_tool() {
        assert_eq!(span("tool.blocked_on_user").translate().genai.category, Category::Span);
        let broke = span("tool.execution").with(&[("error", "Shell command failed"), ("tool_use_id", "t1")]);
        let broke = broke.typed("success", "false").translate();
        assert_eq!(broke.genai.category, Category::Tool);
        assert_eq!(broke.error.and_then(|error| error.message).as_deref(), Some("Shell command failed"));
    }

    #[test]
    fn a_record_of_a_tool_has_its_outcome() {
        let read = log("tool_result")
            .with(&[("tool_name", "Bash"), ("tool_use_id", "t1"), ("success", "false"), ("error", "no")])
            .with(&[("error_type", "ShellError")])
            .translate();
        let failure = read.error.unwrap();
        assert_eq!((failure.kind.as_deref(), failure.message.as_deref()), (Some("ShellError"), Some("no")));
        assert_eq!(read.genai.category, Category::Tool);
    }

    #[test]
    fn bodies_carry_the_whole_request_and_the_whole_answer() {
        let request = r#"{"model":"claude-x","system":[{"type":"text","text":"S"}],
            "messages":[{"role":"user","content":[{"type":"text","text":"q"}]}],
            "tools":[{"name":"Bash","description":"Runs","input_schema":{"type":"object"}}]}"#;
        let read = log("api_request_body").with(&[("body", request)]).translate();
        assert_eq!(sides(&read).0, ["system: S", "user: q"]);
        assert_eq!((read.tools.len(), read.genai.category), (1, Category::Llm));
        let answer = r#"{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}}],
            "stop_reason":"tool_use"}"#;
        let read = log("claude_code.api_response_body").with(&[("body", answer)]).translate();
        assert_eq!(sides(&read).1, ["assistant: Bash#t1{}"]);
        assert_eq!((read.genai.stop_reason.as_deref(), read.notes), (Some("tool_use"), Vec::<Note>::new()));
        let cut =
            log("api_response_body").with(&[("body", r#"{"role":"assistant","content":[{"type":"text","text":"It i"#)]);
        assert_eq!(sides(&cut.translate()).1, ["assistant: It i…"]);
    }
}
