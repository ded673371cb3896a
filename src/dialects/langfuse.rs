//! `langfuse`: the Langfuse SDKs, and what writes their attributes by hand (`sdks.md` 14).
//!
//! Mark: `langfuse.observation.*`. Input and output are texts as they are, anything else as JSON:
//!
//! ```text
//!   type                    generation, embedding, tool, agent, chain, span, event, retriever, …
//!   input, output           a request or its messages, a message or its text; what a function took and gave
//!   usage_details           {"input": 175, "input_cached_tokens": 256, "output": 64}, or the provider's own counts
//!   cost_details            {"input": 0.1, "output": 0.2, "total": 0.3}
//!   model.parameters        {"temperature": 0.2, "max_tokens": "Infinity"}
//!   level, status_message   ERROR and why
//! ```
//!
//! LangChain's handler puts the tools among the messages: `{"role": "tool", "content": {"type": "function", …}}`.

use std::borrow::Cow;

use super::{
    Dialect, FactRow, Failures, Field, Framework, How, KindKey, Rank, RecordingHints, definitions, function_io,
    maybe_json::MaybeJson, maybe_json::unquoted, parameters, provider_payload, token_counts,
};
use crate::model::{Category, ContentKind, Failure, Source, Timestamp, Translation, Usd, Value};

pub const DIALECT: Dialect = Dialect {
    name: "langfuse",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    kinds: &[KindKey::of_words("langfuse.observation.type", Rank::First)],
    ai_keys: &["langfuse."],
    facts: FACTS,
    complete_facts: Some(time_first_token),
    tags: &["langfuse.trace.tags"],
    metadata: &["langfuse.trace.metadata", "langfuse.observation.metadata"],
    metadata_prefixes: &[("langfuse.trace.metadata.", ""), ("langfuse.observation.metadata.", "")],
    failures: Failures { describe: Some(describe_failure), ..Failures::SHARED },
    frameworks: &[Framework {
        label: "langfuse",
        rank: 340,
        scopes: &["langfuse-sdk"],
        keys: &["langfuse.observation."],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["langfuse-sdk"],
        framework: "langfuse",
        messages: "set LANGFUSE_OBSERVE_DECORATOR_IO_CAPTURE_ENABLED=true, and leave capture_input and capture_output of \
            @observe on",
        session: "run it within `with propagate_attributes(session_id=\"ID\"):` from langfuse",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Session, How::Id, &["langfuse.session.id"]).ranked(Rank::BeforeConventions),
    FactRow::of(Field::User, How::Id, &["langfuse.user.id"]).ranked(Rank::BeforeConventions),
    FactRow::of(Field::Environment, How::Text, &["langfuse.environment"]).ranked(Rank::BeforeConventions),
    FactRow::of(Field::Model, How::Text, &["langfuse.observation.model.name"]),
];

const INPUT: &str = "langfuse.observation.input";
const OUTPUT: &str = "langfuse.observation.output";
/// Of the whole trace; older SDKs and some programs write nothing else on its root.
const TRACE_INPUT: &str = "langfuse.trace.input";
const TRACE_OUTPUT: &str = "langfuse.trace.output";

/// The moment of the first token is recorded, not the time until then.
fn time_first_token(source: &Source, into: &mut Translation) {
    let until = || {
        let text = source.attributes.str("langfuse.observation.completion_start_time")?;
        let moment: jiff::Timestamp = text.trim_matches('"').parse().ok()?;
        let nanos = u64::try_from(moment.as_nanosecond()).ok()?;
        Some(Timestamp(nanos).since(source.at.known()?))
    };
    into.genai.ttft = into.genai.ttft.or_else(until);
}

fn describe_failure(source: &Source, failure: &mut Failure) {
    let level = source.attributes.str("langfuse.observation.level");
    if level.is_some_and(|level| level.trim_matches('"') == "ERROR") {
        failure.kind.get_or_insert_with(|| "error".to_owned());
        let why = source.attributes.get("langfuse.observation.status_message").filter(|why| !why.is_empty());
        failure.message = failure.message.take().or_else(|| why.map(Value::to_text));
    }
}

fn matches(source: &Source) -> bool {
    let has = |key: &str| source.attributes.has(key);
    !source.is_log() && (source.attributes.has_prefix("langfuse.observation.") || has(TRACE_INPUT) || has(TRACE_OUTPUT))
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    describe(source, into);
    let given = |own, of_trace| {
        attributes.get(own).or_else(|| attributes.get(of_trace)).map(|value| (value, MaybeJson::of(value)))
    };
    let input = given(INPUT, TRACE_INPUT).map(|(_, value)| without_tools(value, into));
    let is_model = into.genai.category.is_call();
    let output = given(OUTPUT, TRACE_OUTPUT).map(|(raw, value)| match (raw, &value) {
        // An answer stays a text, also where it is JSON, unless it is a message.
        (Value::String(text), MaybeJson::Data(data)) if is_model && provider_payload::response(data).is_none() => {
            MaybeJson::Text(text)
        }
        _ => value,
    });
    function_io::read(source, DIALECT.name, input, output, into);
    if let Some(ended) = attributes.str("langfuse.observation.metadata.finish_reason") {
        into.genai.stop_reason.get_or_insert_with(|| unquoted(ended).unwrap_or_else(|| ended.to_owned()));
    }
}

/// What stands beside input and output.
fn describe(source: &Source, into: &mut Translation) {
    let data = |key: &str| match source.attributes.get(&format!("langfuse.observation.{key}")).map(MaybeJson::of) {
        Some(MaybeJson::Data(data)) if data.as_map().is_some() => Some(data.into_owned()),
        _ => None,
    };
    let genai = &mut into.genai;
    if let Some(usage) = data("usage_details").or_else(|| data("usage")) {
        token_counts::read(&usage, &mut genai.reported);
    }
    if let Some(cost) = data("cost_details") {
        genai.reported.cost = genai.reported.cost.or_else(|| total(&cost));
    }
    let given = data("model.parameters").or_else(|| data("model_parameters"));
    for (name, value) in given.as_ref().and_then(Value::as_map).unwrap_or_default() {
        // The SDK writes that there is no limit.
        if !value.is_empty() && value.as_str() != Some("Infinity") {
            parameters::add(&mut genai.parameters, name, value);
        }
    }
    if genai.agent.is_none() && genai.category == Category::Agent && !source.name.is_empty() {
        genai.agent = Some(source.name.to_owned());
    }
}

/// What an observation cost, or what its parts cost together.
fn total(cost: &Value) -> Option<Usd> {
    let dollars = |value: &Value| value.as_number().and_then(Usd::from_dollars);
    let parts = || {
        let costs: Vec<Usd> =
            cost.as_map().unwrap_or_default().iter().filter_map(|(_, value)| dollars(value)).collect();
        (!costs.is_empty()).then(|| costs.into_iter().sum())
    };
    cost.get("total").and_then(dollars).or_else(parts)
}

/// The messages without the tools that stand among them.
fn without_tools<'a>(value: MaybeJson<'a>, into: &mut Translation) -> MaybeJson<'a> {
    let MaybeJson::Data(data) = &value else { return value };
    let Some(items) = data.as_array().filter(|items| items.iter().any(|item| tool(item).is_some())) else {
        return value;
    };
    for found in items.iter().filter_map(tool) {
        definitions::read(found, &mut into.tools);
    }
    MaybeJson::Data(Cow::Owned(Value::Array(items.iter().filter(|item| tool(item).is_none()).cloned().collect())))
}

fn tool(item: &Value) -> Option<&Value> {
    let content =
        item.get("content").filter(|_| item.str("role") == Some("tool") && item.get("tool_call_id").is_none())?;
    let schema = ["parameters", "input_schema"].iter().any(|key| content.get(key).is_some());
    let described = content.get("function").is_some_and(|function| function.as_map().is_some());
    (described || (schema && content.str("name").is_some())).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::{Category, TokenUsage, Usd, Value};

    fn observation(kind: &str, pairs: &[(&str, &str)]) -> Sample {
        let named: Vec<_> = pairs.iter().map(|(key, value)| (format!("langfuse.observation.{key}"), *value)).collect();
        let named: Vec<_> = named.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        Sample::span("llm").scope("langfuse-sdk").with(&[("langfuse.observation.type", kind)]).with(&named)
    }

    #[test]
    fn a_generation_is_a_model_call() {
        let read = observation(
            "generation",
            &[
                ("model.name", "gpt-4o"),
                ("input", r#"[{"role":"user","content":"q"}]"#),
                ("output", r#"{"role":"assistant","content":"a"}"#),
                ("usage_details", r#"{"input":10,"output":5,"total":15}"#),
                ("cost_details", r#"{"input":0.25,"output":0.5}"#),
                ("model.parameters", r#"{"temperature":0.2,"max_tokens":"Infinity"}"#),
                ("metadata.finish_reason", r#""stop""#),
            ],
        );
        let read = read.with(&[("langfuse.session.id", "s9")]).translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        assert_eq!((read.genai.category, read.genai.model.as_deref()), (Category::Llm, Some("gpt-4o")));
        assert_eq!(read.context.session.as_deref(), Some("s9"));
        let usage = TokenUsage { uncached_input: Some(10), output: Some(5), ..TokenUsage::default() };
        assert_eq!(read.genai.usage, Some(usage));
        assert_eq!(read.genai.reported.cost, Usd::from_dollars(0.75));
        assert_eq!(read.genai.parameters, [("temperature".to_owned(), Value::Double(0.2))]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("stop"));
        assert_eq!(read.dialects, ["langfuse"]);
    }

    #[test]
    fn a_request_has_its_tools_too() {
        let function = r#"{"type":"function","function":{"name":"w","parameters":{"type":"object"}}}"#;
        let whole = format!(r#"{{"tools":[{function}],"messages":[{{"role":"user","content":"q"}}]}}"#);
        let among = format!(r#"[{{"role":"user","content":"q"}},{{"role":"tool","content":{function}}}]"#);
        for input in [whole, among] {
            let read = observation("generation", &[("input", &input)]).translate();
            assert_eq!(sides(&read).0, ["user: q"], "{input}");
            assert_eq!(read.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["w"]);
        }
        let result = r#"[{"role":"tool","tool_call_id":"c1","content":{"name":"x","parameters":1}}]"#;
        let read = observation("generation", &[("input", result)]).translate();
        assert_eq!(sides(&read).0, [r#"tool: =c1 json {"name":"x","parameters":1}"#]);
    }

    #[test]
    fn an_answer_stays_a_text_unless_it_is_a_message() {
        for text in ["4", "true", r#"{"city":"Paris"}"#, r#"["a",1]"#, "plain"] {
            let read = observation("generation", &[("output", text)]).translate();
            assert_eq!(sides(&read).1, [format!("assistant: {text}")]);
        }
        for output in [
            r#"{"content":"Let me look.","role":"assistant","tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"}}]}"#,
            r#"[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Let me look."}]},
                {"type":"function_call","call_id":"c1","name":"w","arguments":"{}"}]"#,
            r#"{"role":"assistant","content":"Let me look.","tool_calls":[{"id":"c1","name":"w","args":{},"type":"tool_call"}]}"#,
            r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"Let me look."},
                {"type":"tool_use","id":"c1","name":"w","input":{}}]}"#,
        ] {
            let read = observation("generation", &[("output", output)]).translate();
            assert_eq!(sides(&read).1.join(" · ").replace("assistant: ", ""), "Let me look. · w#c1{}", "{output}");
        }
    }

    #[test]
    fn a_failed_tool_has_its_failure() {
        let read = observation("tool", &[("level", "ERROR"), ("status_message", "no"), ("input", "{}")]).translate();
        assert_eq!(read.error.and_then(|error| error.message).as_deref(), Some("no"));
        assert_eq!(read.genai.tool.and_then(|tool| tool.name).as_deref(), Some("llm"));
    }

    #[test]
    fn the_first_token_has_a_point_in_time() {
        let read = observation("generation", &[("completion_start_time", r#""1970-01-01T00:00:02.5Z""#)]);
        let ttft = read.at(2_000_000_000).translate().genai.ttft;
        assert_eq!(ttft.map(|ttft| ttft.as_millis()), Some(500));
    }
}
