//! `openai-agents`: OpenAI's Agents SDK as Logfire traces it, with the SDK's own names (`sdks.md` 8).
//!
//! Mark: scope `logfire.openai_agents`, earlier `openai.agents`. Spans are named by templates:
//!
//! ```text
//!   OpenAI Agents trace: {name}                       group_id (the session), metadata
//!   └ Task ─ Agent run: {name!r}                      tools and handoffs by name
//!     └ Turn {turn} for agent …                       usage of its call
//!       ├ Responses API with {gen_ai.request.model!r} raw_input ─▶ response (the whole object, instructions included)
//!       ├ Chat completion with …                      input ─▶ output, lists of messages; usage
//!       ├ Function: {name}                            input ─▶ output, error
//!       └ Handoff: {from_agent} → {to_agent}
//! ```

use std::borrow::Cow;

use super::{
    Dialect, FactRow, Failures, Field, Framework, How, Rank, RecordingHints,
    calls::{first, first_str},
    category, definitions, gen_ai, logfire,
    maybe_json::MaybeJson,
    openinference, parameters, reading, token_counts,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, Failure, GivenName, Message, Part, Role, Source, ToolName, Translation,
    Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "openai-agents",
    content: ContentKind::Conversation,
    matches,
    translate,
    unstated_category: Some(unstated_category),
    is_plumbing: Some(is_plumbing),
    facts: &[FactRow::of(Field::Session, How::Id, &["group_id"]).within("logfire.openai_agents").ranked(Rank::Last)],
    failures: Failures { describe: Some(describe_failure), ..Failures::SHARED },
    frameworks: &[Framework {
        label: "openai-agents",
        rank: 180,
        scopes: &[
            "openinference.instrumentation.openai_agents",
            "opentelemetry.instrumentation.openai_agents",
            "logfire.openai_agents",
            "openai.agents",
        ],
        keys: &["openai.agents.", "openai.agent."],
        is_service: Some(|name| name.contains("openai-agents")),
        ..Framework::PLAIN
    }],
    recording_hints: HINTS,
    given_name: Some(given_name),
    ..Dialect::PLAIN
};

/// What a workflow is called that nobody named.
const UNNAMED: &str = "Agent workflow";

/// The name of the workflow: the exporters put their own words before it. Logfire names the span by a template, and has
/// the name beside it.
fn given_name(source: &Source) -> Option<GivenName> {
    let shown = source.name.strip_prefix("OpenAI Agents trace: ")?;
    let name = if shown == "{name}" { source.attributes.str("name").unwrap_or_default() } else { shown };
    let is_given = !name.trim().is_empty() && name != UNNAMED;
    Some(if is_given { GivenName::Part(name.to_owned()) } else { GivenName::Nothing })
}

/// Whether a span is a turn of an agent's loop, or the workflow around it that nobody named.
fn is_plumbing(source: &Source) -> bool {
    if !source.scope.name.ends_with("openai_agents") {
        return false;
    }
    match source.attributes.str("sdk_span_type") {
        Some(kind) => kind == "turn" || kind == "task",
        None => {
            [source.name, source.attributes.str("name").unwrap_or_default()].contains(&UNNAMED) || source.name == "turn"
        }
    }
}

const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &["openinference.instrumentation.openai_agents"],
        messages: "leave RunConfig(trace_include_sensitive_data=True), and unset OPENINFERENCE_HIDE_INPUTS and \
            OPENINFERENCE_HIDE_OUTPUTS",
        usage: "ModelSettings(include_usage=True)",
        ..openinference::HINTS
    },
    RecordingHints {
        scopes: &["logfire.openai_agents"],
        messages: "leave RunConfig(trace_include_sensitive_data=True)",
        usage: "ModelSettings(include_usage=True)",
        session: "run it within `with trace(\"NAME\", group_id=\"ID\"):` from agents",
        ..RecordingHints::ANY
    },
];

/// The category by the template that names a span, else by the kind that is the name of an older version's span.
fn unstated_category(source: &Source) -> Option<Category> {
    const NAMES: &[(&str, &str, Category)] = &[
        ("logfire.openai_agents", "Agent run", Category::Agent),
        ("logfire.openai_agents", "Handoff", Category::Agent),
        ("logfire.openai_agents", "Function", Category::Tool),
        ("logfire.openai_agents", "Guardrail", Category::Guardrail),
        ("logfire.openai_agents", "Turn ", Category::Chain),
        ("logfire.openai_agents", "Task", Category::Chain),
        ("logfire.openai_agents", "OpenAI Agents trace", Category::Chain),
        ("logfire.openai_agents", "Chat completion", Category::Llm),
        ("openai.agents", "function", Category::Tool),
    ];
    let by_word = || (source.scope.name == "openai.agents").then(|| category::of_word(source.name)).flatten();
    category::by_scope_and_name(source, NAMES).or_else(by_word)
}

fn matches(source: &Source) -> bool {
    !source.is_log() && logfire::is_agents(source)
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let name = || attributes.str("name").map(str::to_owned);
    match AgentsSpan::of(source) {
        AgentsSpan::Agent => {
            into.genai.agent = name().or_else(|| into.genai.agent.take());
            if let Some(tools) = attributes.get("tools") {
                definitions::read(tools, &mut into.tools);
            }
        }
        AgentsSpan::Function => {
            let tool = into.genai.tool.get_or_insert_with(ToolName::default);
            tool.name = tool.name.take().or_else(name);
            let (input, output) = (attributes.get("input"), attributes.get("output"));
            let is_present = |value: &&Value| !matches!(value, Value::Null);
            let (prompt, mut completion) =
                gen_ai::execution(input.filter(is_present), output.filter(is_present), &into.genai);
            if logfire::json(source, "error").is_some() {
                completion.iter_mut().for_each(fail);
            }
            reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
        }
        AgentsSpan::Call => call(source, into),
        AgentsSpan::Other => {}
    }
}

/// What a span of the SDK is, by the template that names it, else by its attribute `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgentsSpan {
    Agent,
    Function,
    Call,
    Other,
}

impl AgentsSpan {
    fn of(source: &Source) -> Self {
        let kinds = [
            (Self::Agent, ["Agent run", "agent"]),
            (Self::Function, ["Function", "function"]),
            (Self::Call, ["Responses API", "response"]),
            (Self::Call, ["Chat completion", "generation"]),
        ];
        let word = source.attributes.str("type");
        let is = |[template, kind]: &[&str; 2]| {
            source.name.starts_with(template) || source.name == *kind || word == Some(*kind)
        };
        kinds.into_iter().find(|(_, names)| is(names)).map_or(Self::Other, |(kind, _)| kind)
    }
}

/// A request to a model, by either API.
fn call(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let response = logfire::json(source, "response").unwrap_or_default();
    for settings in [logfire::json(source, "model_settings"), logfire::json(source, "model_config")].iter().flatten() {
        parameters::of_request(settings, &mut into.genai.parameters);
    }
    let given = ["raw_input", "input"].iter().find_map(|key| attributes.get(key).filter(|value| !value.is_empty()));
    let mut prompt = given.map_or_else(Vec::new, |given| messages(given, Role::User));
    let stated = first(&response, &["instructions"]).filter(|value| !value.is_empty());
    let stated = stated.or_else(|| ["instructions", "system_prompt"].iter().find_map(|key| attributes.get(key)));
    if let Some(instructions) = stated.map(|stated| messages(stated, Role::System)) {
        prompt.splice(0..0, instructions);
    }
    let mut completion = attributes.get("output").map_or_else(Vec::new, |output| messages(output, Role::Assistant));
    if let Some(output) = response.get("output").filter(|_| completion.is_empty()) {
        completion = logfire::joined(reading::messages(output, Role::Assistant));
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
    if let Some(tools) = response.get("tools") {
        definitions::read(tools, &mut into.tools);
    }
    let genai = &mut into.genai;
    let text = |key| first_str(&response, &[key]).map(str::to_owned);
    genai.response_id = genai.response_id.take().or_else(|| text("id"));
    genai.response_model = genai.response_model.take().or_else(|| text("model"));
    let cut = response.get("incomplete_details").and_then(|details| details.str("reason"));
    genai.stop_reason = genai.stop_reason.take().or_else(|| cut.map(str::to_owned));
    // The least detailed comes first, and each adds what is not known yet.
    let streamed = logfire::json(source, "output").and_then(|output| output.as_array()?.first()?.get("usage").cloned());
    let counted = [logfire::json(source, "usage"), response.get("usage").cloned(), streamed];
    counted.iter().flatten().for_each(|usage| token_counts::of_provider(usage, &mut genai.reported));
}

/// Messages of either API. A streamed answer of the older one comes as a whole response of the newer.
fn messages(value: &Value, fallback: Role) -> Vec<Message> {
    let data = match MaybeJson::of(value) {
        MaybeJson::Data(data) => data,
        MaybeJson::Cut(data) => Cow::Owned(data),
        MaybeJson::Text(text) => return reading::from_parts(fallback, super::parts::text(text).into_iter().collect()),
        MaybeJson::Scalar(scalar) => return reading::from_parts(fallback, vec![Part::text(scalar.to_text())]),
        MaybeJson::Nothing => return Vec::new(),
    };
    let whole = |item: &Value| item.get("output").filter(|_| item.get("type").is_none()).cloned();
    let items = data.as_array().unwrap_or(std::slice::from_ref(&*data));
    let read = |item: &Value| match whole(item) {
        Some(output) => reading::messages(&output, fallback),
        None => reading::messages(item, fallback),
    };
    logfire::joined(items.iter().flat_map(read).collect())
}

/// A tool that failed answers what the SDK made of it.
fn fail(message: &mut Message) {
    for part in &mut message.parts {
        if let Content::Result(result) = &mut part.content {
            result.is_error = Some(true);
        }
    }
}

/// Adds why a step failed, where only an attribute holds it: `{"message": "Error running tool", "data": {"error": …}}`.
fn describe_failure(source: &Source, failure: &mut Failure) {
    if failure.message.is_some() || !logfire::is_agents(source) {
        return;
    }
    let Some(error) = logfire::json(source, "error") else { return };
    let cause = error.get("data").and_then(|data| first_str(data, &["error"]));
    failure.message = cause.or_else(|| first_str(&error, &["message"])).map(str::to_owned);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    fn span(name: &str) -> Sample {
        Sample::span(name).scope("logfire.openai_agents").with(&[("gen_ai.system", "openai")])
    }

    const RESPONSE: &str = r#"{"id":"resp_1","model":"gpt-5-mini-x","instructions":"S","output":[
        {"id":"rs","type":"reasoning","summary":[{"text":"hm","type":"summary_text"}],"content":null},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"so","annotations":[]}]},
        {"type":"function_call","id":"fc","call_id":"c1","name":"w","arguments":"{\"a\": 1}"}],
        "tools":[{"type":"function","name":"w","description":"d","parameters":{"type":"object"}}],
        "usage":{"input_tokens":10,"output_tokens":5,"input_tokens_details":{"cached_tokens":4},
        "output_tokens_details":{"reasoning_tokens":2},"total_tokens":15}}"#;

    #[test]
    fn a_call_of_the_responses_api_is_its_input_and_the_whole_response() {
        let input = r#"[{"role":"user","content":"q"},{"call_id":"c0","output":"18C","type":"function_call_output"}]"#;
        let read = span("Responses API with {gen_ai.request.model!r}")
            .with(&[("raw_input", input), ("response", RESPONSE), ("gen_ai.request.model", "gpt-5-mini")])
            .typed("gen_ai.usage.input_tokens", "10")
            .translate();
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["system: S", "user: q", "tool: =c0 18C"]);
        assert_eq!(completion, [r#"assistant: (thought) hm · so · w#c1{"a":1}"#]);
        assert_eq!(read.dialects, ["openai-agents"]);
        let genai = &read.genai;
        assert_eq!((genai.category, genai.response_id.as_deref()), (Category::Llm, Some("resp_1")));
        let usage = genai.usage.unwrap_or_default();
        assert_eq!((usage.uncached_input, usage.cache_read, usage.reasoning), (Some(6), Some(4), Some(2)));
        assert_eq!(read.tools[0].description.as_deref(), Some("d"));
        let text = span("Responses API").with(&[("raw_input", "q")]).translate();
        assert_eq!((sides(&text).0, text.genai.category), (vec!["user: q".to_owned()], Category::Llm));
    }

    #[test]
    fn a_chat_completion_is_its_input_and_output() {
        let input = r#"[{"role":"system","content":"S"},{"role":"user","content":"q"}]"#;
        let plain = r#"[{"role":"assistant","content":"a","tool_calls":null}]"#;
        let streamed = r#"[{"id":"__fake_id__","output":[{"type":"message","role":"assistant","content":[
            {"type":"output_text","text":"a"}]}],"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":3}}}]"#;
        for output in [plain, streamed] {
            let read = span("Chat completion with {gen_ai.request.model!r}")
                .with(&[("input", input), ("output", output), ("usage", r#"{"input_tokens":7,"output_tokens":2}"#)])
                .with(&[("request_data", r#"{"model":"gpt-4o","messages":[]}"#)])
                .translate();
            assert_eq!(sides(&read), (vec!["system: S".into(), "user: q".into()], vec!["assistant: a".to_owned()]));
            assert_eq!((read.genai.reported.input, read.genai.model.as_deref()), (Some(7), Some("gpt-4o")));
            assert_eq!(read.genai.reported.cache_read, (output == streamed).then_some(3));
        }
    }

    #[test]
    fn a_function_is_a_tool() {
        let read = span("Function: {name}")
            .with(&[("name", "w"), ("input", r#"{"city": "Paris"}"#), ("output", "18C")])
            .translate();
        assert_eq!(sides(&read), (vec![r#"assistant: w#-{"city":"Paris"}"#.into()], vec!["tool: =- 18C".into()]));
        assert_eq!(read.genai.category, Category::Tool);
        let error = r#"{"message":"Error running tool (non-fatal)","data":{"tool_name":"w","error":"timed out"}}"#;
        let read = span("Function: {name}").with(&[("name", "w"), ("output", "sorry"), ("error", error)]);
        let read = read.failed("").translate();
        assert_eq!(sides(&read).1, ["tool: =!- sorry"]);
        assert_eq!(read.error.and_then(|failure| failure.message).as_deref(), Some("timed out"));
    }

    #[test]
    fn every_span_of_the_sdk_has_its_kind() {
        for (name, expected) in [
            ("OpenAI Agents trace: {name}", Category::Chain),
            ("Task: Agent workflow", Category::Chain),
            ("Turn {turn} for agent Support Bot", Category::Chain),
            ("Agent run: {name!r}", Category::Agent),
            ("Handoff: {from_agent} → {to_agent}", Category::Agent),
            ("Guardrail {name!r} {triggered=}", Category::Guardrail),
            ("Custom span: {name}", Category::Span),
        ] {
            let named = [("name", "Bot"), ("group_id", "s1"), ("metadata", r#"{"user_id":"u"}"#)];
            let read = span(name).with(&named).translate();
            assert_eq!(read.genai.category, expected, "{name}");
            assert_eq!((read.context.session.as_deref(), read.context.user.as_deref()), (Some("s1"), Some("u")));
            assert_eq!(read.genai.agent.as_deref(), (name.starts_with("Agent run")).then_some("Bot"));
        }
        assert_eq!(Sample::span("generation").scope("openai.agents").translate().genai.category, Category::Llm);
    }
}
