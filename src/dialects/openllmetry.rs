//! `openllmetry`: model calls as Traceloop's instrumentations write them (`conventions.md` 5).
//!
//! ```text
//! until 2026   gen_ai.prompt.0.role = user, gen_ai.prompt.0.content = q or JSON of blocks
//!              gen_ai.completion.0.tool_calls.0.{id, name, arguments}, gen_ai.completion.0.finish_reason
//!              llm.request.functions.0.{name, description, parameters}
//! since        the lists of messages of `genai-3`, with deviations that `openllmetry_repairs` undoes
//! ```
//!
//! What workflows, tasks and tools were given and gave back is in `traceloop.rs`.

use super::{
    ByProvider, Dialect, FactRow, Field, Framework, How, KindKey, Rank, RecordingHints, calls, definitions, gen_ai,
    indexed,
    maybe_json::{MaybeJson, unquoted},
    openllmetry_repairs as repairs, parts, reading,
};
use crate::model::{Carrier, Content, ContentKind, Message, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "openllmetry",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    replaces: Some((gen_ai::DIALECT.name, is_openllmetry)),
    // Before the kind that `traceloop` reads: through LlamaIndex a model's call is a task as well.
    kinds: &[KindKey { operation: |_| None, ..KindKey::of_words("llm.request.type", Rank::Own) }],
    facts: FACTS,
    cache_in_input: Some(cache_in_input),
    frameworks: &[Framework {
        label: "openllmetry",
        rank: 370,
        scopes: &["traceloop.tracer"],
        keys: &["traceloop."],
        providers: &["traceloop"],
        is_sdk: Some(|sdk| sdk.contains("traceloop")),
        ..Framework::PLAIN
    }],
    recording_hints: HINTS,
    ..Dialect::PLAIN
};

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Operation, How::Text, &["llm.request.type"]),
    FactRow::of(Field::Model, How::Text, &["llm.request.model_name", "llm.request.model"]),
    FactRow::of(Field::ResponseModel, How::Text, &["llm.response.model_name", "llm.response.model"]),
    FactRow::of(
        Field::StopReason,
        How::Last,
        &["llm.response.finish_reason", "llm.response.stop_reason", "gen_ai.completion.0.finish_reason"],
    ),
    FactRow::of(Field::Input, How::Count, &["llm.usage.prompt_tokens"]),
    FactRow::of(Field::Output, How::Count, &["llm.usage.completion_tokens"]),
    FactRow::of(Field::Total, How::Count, &["llm.usage.total_tokens"]),
    FactRow::of(Field::CacheRead, How::Count, &["llm.usage.cache_read_input_tokens"]),
    FactRow::of(Field::CacheWrite, How::Count, &["llm.usage.cache_creation_input_tokens"]),
    FactRow::of(Field::Reasoning, How::Count, &["llm.usage.reasoning_tokens"]),
];

const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &[
            "traceloop.",
            "opentelemetry.instrumentation.openai",
            "opentelemetry.instrumentation.openai_agents",
            "opentelemetry.instrumentation.anthropic",
            "opentelemetry.instrumentation.bedrock",
            "opentelemetry.instrumentation.cohere",
            "opentelemetry.instrumentation.crewai",
            "opentelemetry.instrumentation.google_generativeai",
            "opentelemetry.instrumentation.groq",
            "opentelemetry.instrumentation.langchain",
            "opentelemetry.instrumentation.llamaindex",
            "opentelemetry.instrumentation.mistralai",
            "opentelemetry.instrumentation.ollama",
            "opentelemetry.instrumentation.together",
            "opentelemetry.instrumentation.watsonx",
        ],
        framework: "openllmetry",
        messages: "set TRACELOOP_TRACE_CONTENT=true, which is its default",
        usage: "if these are streams of an OpenAI API, ask for it with stream_options={\"include_usage\": true}; of \
            OpenLLMetry, 0.40 leaves it out all the same, and 0.62 does not",
        session: "Traceloop.set_association_properties({\"session_id\": \"ID\"})",
        ..RecordingHints::ANY
    },
    // OpenLLMetry and OpenTelemetry give it one name.
    RecordingHints {
        scopes: &["opentelemetry.instrumentation.vertexai"],
        messages: "set TRACELOOP_TRACE_CONTENT=true if it is OpenLLMetry's; if it is OpenTelemetry's own, set \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and export the logs as well",
        ..RecordingHints::ANY
    },
];

/// It sums what Anthropic counts apart, and passes Bedrock's numbers through.
fn cache_in_input(source: &Source, _: ByProvider) -> Option<bool> {
    match source.scope.name.as_str() {
        "opentelemetry.instrumentation.anthropic" => Some(true),
        "opentelemetry.instrumentation.bedrock" => Some(false),
        _ => None,
    }
}

const PROMPT: &str = "gen_ai.prompt.";
const COMPLETION: &str = "gen_ai.completion.";
const FUNCTIONS: &str = "llm.request.functions.";

/// What its instrumentations call their scopes, after `opentelemetry.instrumentation.` and up to the next dot.
const SCOPES: &[&str] = &[
    "agno",
    "alephalpha",
    "anthropic",
    "bedrock",
    "cohere",
    "crewai",
    "google_generativeai",
    "groq",
    "haystack",
    "langchain",
    "llamaindex",
    "mistralai",
    "ollama",
    "openai",
    "openai_agents",
    "replicate",
    "sagemaker",
    "together",
    "transformers",
    "vertexai",
    "voyageai",
    "watsonx",
    "writer",
];

/// Whether one of its instrumentations made this span, so that no other dialect reads its lists of messages.
pub fn is_openllmetry(source: &Source) -> bool {
    !source.is_log()
        && (source.scope.name == "traceloop.tracer"
            || source.scope.name.starts_with("@traceloop/instrumentation-")
            || package(source).is_some_and(|package| SCOPES.contains(&package)))
}

/// What is instrumented: `openai` of `opentelemetry.instrumentation.openai.v1`.
fn package<'s>(source: &Source<'s>) -> Option<&'s str> {
    let scope = source.scope.name.as_str();
    let rest = scope.strip_prefix("opentelemetry.instrumentation.");
    rest.or_else(|| scope.strip_prefix("@traceloop/instrumentation-"))?.split('.').next()
}

fn matches(source: &Source) -> bool {
    let has = |prefix: &&str| source.attributes.has_prefix(prefix);
    is_openllmetry(source) || [PROMPT, COMPLETION, FUNCTIONS].iter().any(has)
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let carrier = (Carrier::Attributes, None);
    if let Some(functions) = indexed::tree(attributes, FUNCTIONS) {
        definitions::read(&functions, &mut into.tools);
    }
    let before = into.readings.len();
    if is_openllmetry(source) {
        gen_ai::carried(DIALECT.name, carrier, |key| attributes.get(key), into);
        for reading in &mut into.readings[before..] {
            reading
                .prompt
                .iter_mut()
                .chain(&mut reading.completion)
                .for_each(|message| repairs::repair(package(source), message));
            repairs::unpack_items(source, &mut reading.prompt);
        }
    }
    let side = |prefix, role| {
        let Some(Value::Array(items)) = indexed::tree(attributes, prefix) else { return Vec::new() };
        items.into_iter().flat_map(|item| indexed_message(source, item, role)).collect()
    };
    let (prompt, completion) = (side(PROMPT, Role::User), side(COMPLETION, Role::Assistant));
    reading::push(into, DIALECT.name, carrier, prompt, completion);
    into.readings[before..].iter_mut().for_each(|reading| repairs::name_calls(&mut reading.prompt));
}

/// Reads one message that was spread over keys.
fn indexed_message(source: &Source, item: Value, fallback: Role) -> Vec<Message> {
    let Value::Map(mut entries) = item else { return reading::messages(&item, fallback) };
    // `gen_ai.prompt.0.user`: the key is the role.
    if let [(word, content @ Value::String(_))] = entries.as_slice()
        && let Some(role) = reading::role(word)
    {
        return reading::messages(content, role);
    }
    if fallback == Role::Assistant && entries.iter().all(|(key, _)| key == "role" || key == "finish_reason") {
        // What a stream that only calls tools leaves of its answer, with an empty role.
        return Vec::new();
    }
    let mut cut = false;
    if fallback == Role::Assistant && package(source) == Some("cohere") {
        // An answer that only asks for tools.
        entries.retain(|(key, value)| key != "content" || value.as_str() != Some("[]"));
    }
    for (key, value) in &mut entries {
        match (key.as_str(), &*value) {
            ("content", Value::String(text)) => {
                let text = unwrapped(source, text);
                let blocks = blocks(&text);
                cut |= matches!(blocks, Some((_, true)));
                *value = blocks.map_or(text, |(blocks, _)| blocks);
            }
            // The Responses API's summary, as JSON.
            ("reasoning", Value::String(_)) => {
                let entries = [("type", "reasoning".into()), ("content", std::mem::take(value))];
                *value = Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into());
            }
            _ => {}
        }
    }
    let thought = entries.iter().position(|(key, value)| key == "reasoning" && value.as_map().is_some());
    let thought = thought.map(|at| entries.swap_remove(at).1);
    let map = Value::Map(entries);
    let role = map.str("role").unwrap_or_default();
    if reading::role(role) == Some(Role::Tool)
        && !["content", "tool_call_id", "id"].iter().any(|key| map.get(key).is_some())
    {
        // Empty texts are left out, and some leave out the id as well.
        return reading::from_parts(Role::Tool, vec![calls::answered(None, map.str("name"), None)]);
    }
    let mut messages = match role {
        // Anthropic's blocks are messages of their own, one each.
        "thinking" => map.str("content").map(parts::thought).into_iter().collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    if let Some(thought) = thought {
        parts::content(&thought, &mut messages);
    }
    let mut messages = reading::from_parts(Role::Assistant, messages);
    if role != "thinking" {
        reading::message(&map, fallback, &mut messages);
    }
    reading::ends(messages, cut)
}

/// For Bedrock every content is made JSON, a plain text too.
fn unwrapped(source: &Source, text: &str) -> Value {
    let inner = unquoted(text).filter(|_| package(source) == Some("bedrock"));
    inner.as_deref().unwrap_or(text).into()
}

/// The blocks in a text, and whether it was cut; `None` for plain text.
fn blocks(text: &Value) -> Option<(Value, bool)> {
    if !text.as_str()?.trim_start().starts_with('[') {
        return None;
    }
    let (data, cut) = MaybeJson::of(text).data()?;
    let all_maps = data.as_array().is_some_and(|items| items.iter().all(|item| item.as_map().is_some()));
    let mut found = Vec::new();
    parts::content(&data, &mut found);
    let any_known = found.iter().any(|part| !matches!(part.content, Content::Unknown(_)));
    // A stream that only calls tools has one with an empty text.
    let is_typed = |items: &[Value]| !items.is_empty() && items.iter().all(|item| item.str("type").is_some());
    let is_empty = found.is_empty() && data.as_array().is_some_and(is_typed);
    (all_maps && (any_known || is_empty)).then(|| (data.into_owned(), cut))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    #[test]
    fn messages_spread_over_keys_are_read() {
        let read = Sample::span("openai.chat")
            .with(&[
                ("llm.request.type", "chat"),
                ("gen_ai.system", "OpenAI"),
                ("gen_ai.prompt.0.role", "user"),
                ("gen_ai.prompt.0.content", "weather?"),
                ("gen_ai.prompt.prompt_filter_results", "[]"),
                ("gen_ai.completion.0.role", "assistant"),
                ("gen_ai.completion.0.finish_reason", "tool_calls"),
                ("gen_ai.completion.0.tool_calls.0.id", "c1"),
                ("gen_ai.completion.0.tool_calls.0.name", "w"),
                ("gen_ai.completion.0.tool_calls.0.arguments", r#"{"city":"P"}"#),
                ("llm.request.functions.0.name", "w"),
                ("llm.request.functions.0.description", "d"),
                ("llm.request.functions.0.parameters", r#"{"type":"object"}"#),
            ])
            .typed("gen_ai.usage.prompt_tokens", "10")
            .typed("gen_ai.usage.completion_tokens", "5")
            .translate();
        assert_eq!(
            sides(&read),
            (vec!["user: weather?".to_owned()], vec![r#"assistant: w#c1{"city":"P"}"#.to_owned()])
        );
        assert_eq!((read.genai.category, read.genai.stop_reason.as_deref()), (Category::Llm, Some("tool_calls")));
        let tool = (read.tools[0].description.as_deref(), read.tools[0].parameters.is_some());
        assert_eq!(tool, (Some("d"), true));
        assert_eq!((read.genai.provider.as_deref(), read.genai.reported.input), (Some("openai"), Some(10)));
        assert_eq!(read.dialects, ["openllmetry"]);
    }

    fn prompt(scope: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (format!("gen_ai.prompt.{key}"), *text)).collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (key.as_str(), *text)).collect();
        sides(&Sample::span("chat").scope(scope).with(&pairs).translate()).0
    }

    #[test]
    fn a_content_may_be_blocks_made_json() {
        let blocks = r#"[{"text":"see"},{"toolResult":{"toolUseId":"t","status":"error","content":[{"text":"no"}]}}]"#;
        for (content, expected) in [
            (blocks, vec!["user: see", "tool: =!t no"]),
            (
                r#"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]"#,
                vec!["user: a · <image ? https://x/y.png>"],
            ),
            (r#"[{"type":"text","text":"cut o"#, vec!["user: cut o…"]),
            ("[1, 2]", vec!["user: [1, 2]"]),
            ("[see above]", vec!["user: [see above]"]),
            (r#"{"text":"a"}"#, vec![r#"user: {"text":"a"}"#]),
            (r#""q""#, vec![r#"user: "q""#]),
            ("4", vec!["user: 4"]),
        ] {
            assert_eq!(prompt("x", &[("0.role", "user"), ("0.content", content)]), expected, "{content}");
        }
        let bedrock = "opentelemetry.instrumentation.bedrock";
        assert_eq!(prompt(bedrock, &[("0.role", "user"), ("0.content", r#""q""#)]), ["user: q"]);
        assert_eq!(prompt("x", &[("0.user", "q")]), ["user: q"]);
        assert_eq!(
            prompt("x", &[("0.role", "tool"), ("0.content", r#"[{"id":"doc-1"}]"#), ("0.tool_call_id", "c1")]),
            [r#"tool: =c1 [{"id":"doc-1"}]"#]
        );
    }

    #[test]
    fn what_is_empty_is_left_out_or_an_empty_list() {
        let asked = [("0.role", "assistant"), ("1.role", "tool"), ("2.role", "tool"), ("2.content", "18C")];
        assert_eq!(prompt("opentelemetry.instrumentation.cohere", &asked), ["tool: =- ", "tool: =- 18C"]);
        let span =
            |scope: &str| Sample::span("cohere.chat").scope(scope).with(&[("gen_ai.completion.0.content", "[]")]);
        assert!(sides(&span("opentelemetry.instrumentation.cohere").translate()).1.is_empty());
        let empty = [("gen_ai.completion.0.content", r#"[{"thinking": null, "text": "", "type": "text"}]"#)];
        let stream = Sample::span("cohere.chat").scope("opentelemetry.instrumentation.cohere").with(&empty);
        assert!(sides(&stream.translate()).1.is_empty());
        assert_eq!(sides(&span("opentelemetry.instrumentation.groq").translate()).1, ["assistant: []"]);
        let nothing = [("gen_ai.completion.0.finish_reason", "tool_calls"), ("gen_ai.completion.0.role", "")];
        let stream = Sample::span("mistralai.chat").scope("opentelemetry.instrumentation.mistralai").with(&nothing);
        assert!(sides(&stream.translate()).1.is_empty());
    }

    #[test]
    fn thoughts_are_thoughts_in_every_form() {
        let completion = |pairs: &[(&str, &str)]| sides(&Sample::span("chat").with(pairs).translate()).1.join(" | ");
        let summary = r#"[{"text":"hm","type":"summary_text"}]"#;
        assert_eq!(
            completion(&[("gen_ai.completion.0.reasoning", summary), ("gen_ai.completion.0.content", "a")]),
            "assistant: (thought) hm | assistant: a"
        );
        assert_eq!(
            completion(&[
                ("gen_ai.completion.0.role", "thinking"),
                ("gen_ai.completion.0.content", "hm"),
                ("gen_ai.completion.1.role", "assistant"),
                ("gen_ai.completion.1.content", "a"),
            ]),
            "assistant: (thought) hm | assistant: a"
        );
    }
}
