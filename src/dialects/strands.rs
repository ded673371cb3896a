//! `strands`: Strands Agents, for Python and TypeScript (`sdks.md` 3).
//!
//! Mark: scope `strands.telemetry.tracer` or `strands-agents`, or the latter as system or provider. Content is in span
//! events, every value JSON of Bedrock's blocks (an agent's answer alone is plain text):
//!
//! ```text
//!   invoke_agent      system, user ─▶ choice{message: text}      tokens are a sum over the agent's life
//!   └ execute_event_loop_cycle      history ─▶ choice{message, tool.result}
//!     ├ chat          system, history ─▶ choice{message, finish_reason}
//!     └ execute_tool  tool.message{content: arguments, id} ─▶ choice{message: result}
//! ```
//!
//! The latest form has the same in several `gen_ai.client.inference.operation.details` events, each with a part of it.

use super::{
    ByProvider, Dialect, Framework, RecordingHints, calls, definitions, gen_ai, maybe_json::unquoted, parts, reading,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, Message, Part, Role, Source, SpanEvent, ToolName, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "strands",
    content: ContentKind::Conversation,
    matches,
    translate,
    claims_events: true,
    is_plumbing: Some(is_cycle),
    unstated_category: Some(unstated_category),
    ai_keys: &["agent_loop.", "event_loop."],
    cache_in_input: Some(cache_in_input),
    frameworks: &[Framework {
        label: "strands",
        rank: 200,
        scopes: &["strands.telemetry.tracer", "strands-agents"],
        keys: &["strands."],
        providers: &["strands-agents", "strands"],
        is_service: Some(|name| name.contains("strands-agents")),
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["strands.telemetry.tracer", "strands-agents"],
        framework: "strands",
        messages: "keep the span events, which hold the messages: raise OTEL_SPAN_EVENT_COUNT_LIMIT, look at collectors",
        session: "Agent(…, trace_attributes={\"session.id\": \"ID\"}); in TypeScript traceAttributes",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

/// Whether a span is one round of an agent's loop.
fn is_cycle(source: &Source) -> bool {
    source.attributes.has("event_loop.cycle_id") || source.attributes.has("agent_loop.cycle_id")
}

/// Whether Strands made this span.
pub fn is_strands(source: &Source) -> bool {
    let names_strands = |key| source.attributes.str(key) == Some("strands-agents");
    matches!(source.scope.name.as_str(), "strands.telemetry.tracer" | "strands-agents")
        || names_strands("gen_ai.system")
        || names_strands("gen_ai.provider.name")
}

fn matches(source: &Source) -> bool {
    !source.is_log() && is_strands(source)
}

/// A cycle of the agent's loop, in versions that state no operation. Spans of tools and agents carry its id, too.
fn unstated_category(source: &Source) -> Option<Category> {
    let has = |key: &&str| source.attributes.has(key);
    let is_other = ["gen_ai.tool.call.id", "gen_ai.tool.name", "gen_ai.agent.name", "gen_ai.agent.id"].iter().any(has);
    (is_cycle(source) && !is_other).then_some(Category::Chain)
}

/// Strands for TypeScript passes the provider's numbers through, under the conventions' names too.
fn cache_in_input(source: &Source, by_provider: ByProvider) -> Option<bool> {
    (source.scope.name == "strands-agents").then_some(by_provider)
}

/// What kind of span of Strands' tree it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StrandsSpan {
    Agent,
    Cycle,
    Chat,
    Tool,
}

impl StrandsSpan {
    fn of(source: &Source) -> Self {
        let operation = source.attributes.str("gen_ai.operation.name").unwrap_or(source.name);
        if operation.starts_with("execute_tool") {
            Self::Tool
        } else if operation.ends_with("_loop_cycle") {
            Self::Cycle
        } else if operation.starts_with("invoke_") {
            Self::Agent
        } else {
            Self::Chat
        }
    }
}

fn translate(source: &Source, into: &mut Translation) {
    let kind = StrandsSpan::of(source);
    describe(source, into);
    for event in source.events {
        match event.name.as_str() {
            gen_ai::DETAILS => details(kind, event, into),
            "gen_ai.choice" => choice(kind, event, into),
            "gen_ai.tool.message" if kind == StrandsSpan::Tool => arguments(event, into),
            "gen_ai.system.message" => message(Role::System, event, into),
            "gen_ai.user.message" => message(Role::User, event, into),
            "gen_ai.assistant.message" => message(Role::Assistant, event, into),
            "gen_ai.tool.message" => message(Role::Tool, event, into),
            _ => {}
        }
    }
}

/// Reads the span's own attributes: the tools, and in TypeScript the system prompt.
fn describe(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    if let Some(names) = attributes.get("gen_ai.agent.tools") {
        definitions::read(names, &mut into.tools);
    }
    if let Some(value) = attributes.get("system_prompt") {
        let parts = match value.as_str().and_then(unquoted) {
            Some(text) => parts::text(&text).into_iter().collect(),
            None => reading::encoded(value),
        };
        let prompt = reading::from_parts(Role::System, parts);
        reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, vec![]);
    }
}

fn message(role: Role, event: &SpanEvent, into: &mut Translation) {
    let parts = event.attributes.get("content").map_or_else(Vec::new, reading::encoded);
    // A tool's answer is a block of its own; what else stands in such a message is the user's.
    let role = if role == Role::Tool { Role::User } else { role };
    push(event, reading::from_parts(role, parts), vec![], into);
}

fn choice(kind: StrandsSpan, event: &SpanEvent, into: &mut Translation) {
    let value = event.attributes.get("message");
    let completion = match (kind, value) {
        (StrandsSpan::Tool, Some(value)) => {
            note_call_id(event, into);
            let tool = into.genai.tool.clone().unwrap_or_default();
            vec![Message::new(Role::Tool, vec![result(&tool, value)])]
        }
        // `str(result)`, whatever it looks like.
        (StrandsSpan::Agent, Some(Value::String(text))) => {
            reading::from_parts(Role::Assistant, parts::text(text).into_iter().collect())
        }
        (_, Some(value)) => reading::from_parts(Role::Assistant, reading::encoded(value)),
        (_, None) => vec![],
    };
    // What the tools of this very cycle returned.
    let results = event.attributes.get("tool.result").map_or_else(Vec::new, reading::encoded);
    let results = reading::from_parts(Role::User, results);
    if into.genai.stop_reason.is_none() {
        into.genai.stop_reason = event.attributes.str("finish_reason").map(str::to_owned);
    }
    push(event, vec![], completion.into_iter().chain(results).collect(), into);
}

fn arguments(event: &SpanEvent, into: &mut Translation) {
    note_call_id(event, into);
    let (prompt, _) = gen_ai::execution(event.attributes.get("content"), None, &into.genai);
    push(event, prompt, vec![], into);
}

fn details(kind: StrandsSpan, event: &SpanEvent, into: &mut Translation) {
    let before = into.readings.len();
    let carrier = (Carrier::Event, Some(event.at));
    gen_ai::carried(DIALECT.name, carrier, |key| event.attributes.get(key), into);
    // At its end a cycle has its tools' results, as input messages.
    if let (StrandsSpan::Cycle, Some(reading)) = (kind, into.readings.get_mut(before))
        && reading.prompt.iter().all(|message| message.role == Role::Tool)
    {
        reading.completion.splice(0..0, std::mem::take(&mut reading.prompt));
    }
}

/// A result as Strands writes it: JSON of a list of blocks.
fn result(tool: &ToolName, value: &Value) -> Part {
    let mut part = calls::answered(tool.call_id.clone(), tool.name.as_deref(), None);
    if let Content::Result(result) = &mut part.content {
        result.content = reading::encoded(value);
    }
    part
}

/// The event of a tool's span names the call, where the span itself does not.
fn note_call_id(event: &SpanEvent, into: &mut Translation) {
    let Some(id) = event.attributes.str("id").and_then(calls::usable_id) else { return };
    let tool = into.genai.tool.get_or_insert_default();
    tool.call_id.get_or_insert_with(|| id.to_owned());
}

fn push(event: &SpanEvent, prompt: Vec<Message>, completion: Vec<Message>, into: &mut Translation) {
    reading::push(into, DIALECT.name, (Carrier::Event, Some(event.at)), prompt, completion);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::gen_ai::DETAILS;
    use crate::model::{Category, Content};

    fn span(name: &str, operation: &str) -> Sample {
        Sample::span(name)
            .scope("strands.telemetry.tracer")
            .with(&[("gen_ai.system", "strands-agents"), ("gen_ai.operation.name", operation)])
    }

    const ASKED: &str =
        r#"[{"text":"Let me check."},{"toolUse":{"toolUseId":"t1","name":"w","input":{"city":"Paris"}}}]"#;

    #[test]
    fn a_chat_is_read_from_its_events() {
        let read = span("chat", "chat")
            .with(&[("gen_ai.request.model", "gpt-4o-mini")])
            .event("gen_ai.system.message", &[("content", r#"[{"text":"You are W"}]"#)])
            .event("gen_ai.user.message", &[("content", r#"[{"text":"Weather in Paris?"}]"#)])
            .event("gen_ai.choice", &[("finish_reason", "tool_use"), ("message", ASKED)])
            .translate();
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["system: You are W", "user: Weather in Paris?"]);
        assert_eq!(completion, [r#"assistant: Let me check. · w#t1{"city":"Paris"}"#]);
        assert_eq!(read.dialects, ["strands"]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("tool_use"));
        assert_eq!(
            (read.genai.provider.as_deref(), read.context.framework.as_deref()),
            (Some("openai"), Some("strands"))
        );
    }

    #[test]
    fn a_tool_shows_its_arguments_and_its_result() {
        let read = span("execute_tool w", "execute_tool")
            .with(&[("gen_ai.tool.name", "w"), ("gen_ai.tool.status", "error"), ("gen_ai.tool.description", "Weather")])
            .event("gen_ai.tool.message", &[("role", "tool"), ("content", r#"{"city":"Paris"}"#), ("id", "t1")])
            .event("gen_ai.choice", &[("message", r#"[{"text":"18C"}]"#), ("id", "t1")])
            .translate();
        assert_eq!(
            sides(&read),
            (vec![r#"assistant: w#t1{"city":"Paris"}"#.to_owned()], vec!["tool: =!t1 18C".to_owned()])
        );
        assert_eq!(read.genai.category, Category::Tool);
        assert_eq!(read.genai.tool.and_then(|tool| tool.call_id).as_deref(), Some("t1"));
        assert_eq!(read.tools[0].description.as_deref(), Some("Weather"));
        assert_eq!(read.error.and_then(|error| error.message).as_deref(), Some("18C"));
    }

    #[test]
    fn an_agents_answer_is_text_whatever_it_looks_like() {
        let answer = r#"[{"text":"not a block"}]"#;
        let read = span("invoke_agent W", "invoke_agent")
            .with(&[("gen_ai.agent.tools", r#"["w"]"#)])
            .typed("gen_ai.usage.input_tokens", "300")
            .event("gen_ai.choice", &[("message", answer), ("finish_reason", "end_turn")])
            .translate();
        assert_eq!(sides(&read).1, [format!("assistant: {answer}")]);
        assert!(read.genai.aggregate);
        assert_eq!(read.genai.agent.as_deref(), Some("W"));
        assert_eq!(read.tools[0].name, "w");
    }

    #[test]
    fn a_cycle_ends_with_what_its_tools_returned() {
        let result = r#"[{"toolResult":{"toolUseId":"t1","status":"success","content":[{"text":"18C"}]}}]"#;
        let read = span("execute_event_loop_cycle", "execute_event_loop_cycle")
            .event("gen_ai.tool.message", &[("content", result)])
            .event("gen_ai.choice", &[("message", ASKED), ("tool.result", result)])
            .translate();
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["tool: =t1 18C"]);
        assert_eq!(completion, [r#"assistant: Let me check. · w#t1{"city":"Paris"}"#, "tool: =t1 18C"]);
        assert_eq!(read.genai.category, Category::Chain);
    }

    #[test]
    fn the_latest_form_has_the_same_in_parts() {
        let instructions = r#"[{"type":"text","content":"You are W"}]"#;
        let input = r#"[{"role":"user","parts":[{"type":"text","content":"Weather?"}]}]"#;
        let output = r#"[{"role":"assistant","parts":[{"type":"reasoningContent","content":{"reasoningText":{"text":"hm"}}},
            {"type":"tool_call","name":"w","id":"t1","arguments":{}}],"finish_reason":"tool_use"}]"#;
        let read = span("chat", "chat")
            .event(DETAILS, &[("gen_ai.system_instructions", instructions)])
            .event(DETAILS, &[("gen_ai.input.messages", input)])
            .event(DETAILS, &[("gen_ai.output.messages", output)])
            .translate();
        assert_eq!(read.readings.len(), 3);
        assert_eq!(sides(&read).0, ["system: You are W", "user: Weather?"]);
        assert_eq!(sides(&read).1, ["assistant: (thought) hm · w#t1{}"]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("tool_use"));
        let asked = r#"[{"role":"tool","parts":[{"type":"tool_call","name":"w","id":"t1","arguments":{"city":"P"}}]}]"#;
        let returned =
            r#"[{"role":"tool","parts":[{"type":"tool_call_response","id":"t1","response":[{"text":"18C"}]}]}]"#;
        let tool = span("execute_tool w", "execute_tool")
            .with(&[("gen_ai.tool.name", "w"), ("gen_ai.tool.status", "success")])
            .event(DETAILS, &[("gen_ai.input.messages", asked)])
            .event(DETAILS, &[("gen_ai.output.messages", returned)])
            .translate();
        assert_eq!(sides(&tool).0, [r#"assistant: w#t1{"city":"P"}"#]);
        assert_eq!(tool.genai.tool.and_then(|tool| tool.call_id).as_deref(), Some("t1"));
        let Content::Result(result) = &tool.readings[1].completion[0].parts[0].content else { panic!("no result") };
        assert_eq!((result.name.as_deref(), result.is_error), (Some("w"), Some(false)));
    }

    #[test]
    fn in_typescript_the_system_prompt_is_an_attribute() {
        let read = span("invoke_agent W", "invoke_agent").with(&[("system_prompt", r#""You are W""#)]).translate();
        assert_eq!(sides(&read).0, ["system: You are W"]);
    }
}
