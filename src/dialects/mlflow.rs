//! `mlflow`: `MLflow`'s tracing and its autologging of other libraries (`sdks.md` 12).
//!
//! Mark: `mlflow.*`. Every value is JSON, texts too: `mlflow.spanType` is `"LLM"` with its quotes.
//!
//! ```text
//!   spanType                     "CHAT_MODEL", "LLM", "AGENT", "TOOL", "CHAIN", "RETRIEVER", …
//!   spanInputs, spanOutputs      a provider's own request and response; what a function took and gave
//!   chat.tokenUsage              {"input_tokens": 431, "output_tokens": 64, "cache_read_input_tokens": 256}
//!   chat.tools, chat.messages    what was offered; older versions: the conversation, the answer last
//!   llm.cost                     {"input_cost": 0.1, "output_cost": 0.2, "total_cost": 0.3}
//! ```
//!
//! Streams come in events, a piece each: `mlflow.chunk.item.0 {mlflow.chunk.value}`. The outputs of a streamed call
//! have only its text.
//!
//! Where it writes OpenTelemetry's own attributes (`genai-3`), of all this only the pieces are left, and that a tool's
//! arguments are those of the function: `{"kw": {"city": "Paris"}}`.

use std::{borrow::Cow, sync::Arc};

use super::{
    Dialect, FactRow, Field, Framework, How, KindKey, Rank, chunks::Stream, definitions, function_io,
    maybe_json::MaybeJson, reading, token_counts,
};
use crate::model::{Carrier, Category, Content, ContentKind, GenAi, Role, Source, Translation, Usd, Value, json};

pub const DIALECT: Dialect = Dialect {
    name: "mlflow",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    kinds: &[KindKey::of_words("mlflow.spanType", Rank::Own)],
    ai_keys: &["mlflow."],
    facts: &[
        FactRow::of(Field::Session, How::Id, &["mlflow.trace.session"]),
        FactRow::of(Field::User, How::Id, &["mlflow.trace.user"]),
        FactRow::of(Field::Provider, How::Text, &["mlflow.llm.provider"]),
        FactRow::of(Field::Model, How::Text, &["mlflow.llm.model"]),
    ],
    tag_prefix: Some("mlflow.traceTag."),
    quotes_results: &[SCOPE],
    frameworks: &[Framework {
        label: "mlflow",
        rank: 360,
        scopes: &["mlflow"],
        keys: &["mlflow."],
        ..Framework::PLAIN
    }],
    ..Dialect::PLAIN
};

const CHUNK: &str = "mlflow.chunk.item.";

/// The scope of its spans, where it writes OpenTelemetry's attributes.
const SCOPE: &str = "mlflow.tracing.provider";

fn matches(source: &Source) -> bool {
    const KEYS: &[&str] = &[
        "mlflow.spanType",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "mlflow.chat.messages",
        "mlflow.chat.tokenUsage",
    ];
    !source.is_log() && (source.scope.name == SCOPE || KEYS.iter().any(|key| source.attributes.has(key)))
}

fn translate(source: &Source, into: &mut Translation) {
    if !source.attributes.has_prefix("mlflow.") {
        called(source, into);
        return streamed(source, into);
    }
    let given = |key: &str| source.attributes.get(key).map(decoded);
    let (input, output) = (given("mlflow.spanInputs"), given("mlflow.spanOutputs"));
    let asked = into.genai.model.take();
    describe(source, &mut into.genai);
    if let Some(tools) = source.attributes.get("mlflow.chat.tools") {
        definitions::read(tools, &mut into.tools);
    }
    let before = into.readings.len();
    function_io::read(source, DIALECT.name, input.as_ref().map(maybe_json), output.as_ref().map(maybe_json), into);
    // What it calls the model is the one that answered; the request names the one that was asked.
    match (&into.genai.model, asked) {
        (None, asked) => into.genai.model = asked,
        (Some(own), Some(other)) if *own != other => {
            into.genai.response_model.get_or_insert(other);
        }
        _ => {}
    }
    if into.readings.len() == before {
        chat_messages(source, into);
    }
    streamed(source, into);
}

/// Takes what a tool was called with out of the arguments of the function.
fn called(source: &Source, into: &mut Translation) {
    if into.genai.category != Category::Tool {
        return;
    }
    let genai = into.genai.clone();
    for message in into.readings.iter_mut().flat_map(|reading| &mut reading.prompt) {
        for part in &mut Arc::make_mut(message).parts {
            if let Content::Call(call) = &mut part.content {
                let input = std::mem::take(&mut call.input);
                call.input = function_io::arguments(input, source, &genai);
            }
        }
    }
}

/// Undoes the encoding of a value: a text in it is a text, whatever it looks like.
fn decoded(value: &Value) -> Cow<'_, Value> {
    match value.as_str().map(json::parse) {
        Some(Ok(value)) => Cow::Owned(value),
        _ => Cow::Borrowed(value),
    }
}

fn maybe_json<'a>(value: &'a Cow<'a, Value>) -> MaybeJson<'a> {
    match value {
        Cow::Owned(Value::String(text)) if text.is_empty() => MaybeJson::Nothing,
        Cow::Owned(Value::String(text)) => MaybeJson::Text(text),
        other => MaybeJson::of(other),
    }
}

/// What stands beside inputs and outputs.
fn describe(source: &Source, genai: &mut GenAi) {
    let data = |key: &str| source.attributes.get(key).map(decoded).filter(|value| value.as_map().is_some());
    if let Some(usage) = data("mlflow.chat.tokenUsage") {
        token_counts::read(&usage, &mut genai.reported);
    }
    if let Some(cost) = data("mlflow.llm.cost") {
        let dollars = |key: &str| cost.get(key)?.as_number();
        let parts = || Some(dollars("input_cost")? + dollars("output_cost")?);
        let total = dollars("total_cost").or_else(parts).and_then(Usd::from_dollars);
        genai.reported.cost = genai.reported.cost.or(total);
    }
    if genai.agent.is_none() && genai.category == Category::Agent && !source.name.is_empty() {
        genai.agent = Some(source.name.to_owned());
    }
}

/// The conversation of a model call, as older versions write it beside inputs and outputs.
fn chat_messages(source: &Source, into: &mut Translation) {
    let Some(messages) = source.attributes.get("mlflow.chat.messages").map(MaybeJson::of) else { return };
    let mut prompt = reading::messages_in_field(&messages, "mlflow.chat.messages", Role::User, &mut into.notes);
    let completion = reading::take_answer(&mut prompt);
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// The answer as it came in pieces.
fn streamed(source: &Source, into: &mut Translation) {
    let mut stream = Stream::default();
    let pieces = source.events.iter().filter(|event| event.name.starts_with(CHUNK));
    let mut times = None;
    for event in pieces {
        let (first, _) = times.unwrap_or((event.at, event.at));
        times = Some((first, event.at));
        if let Some(value) = event.attributes.get("mlflow.chunk.value") {
            stream.add(&decoded(value));
        }
    }
    let Some((first, last)) = times.filter(|_| into.genai.category.is_call()) else { return };
    let (completion, facts) = stream.finish();
    let genai = &mut into.genai;
    // The outputs of every stream have the stop reason "stop".
    genai.stop_reason = facts.stop_reason.or_else(|| genai.stop_reason.take());
    genai.response_model = genai.response_model.take().or(facts.response_model);
    genai.response_id = genai.response_id.take().or(facts.response_id);
    genai.service_tier = genai.service_tier.take().or(facts.service_tier);
    let ttft = || Some(first.known()?.since(source.at.known()?));
    genai.ttft = genai.ttft.or_else(ttft);
    // What counts the same counts more, too: caches and reasoning.
    let same = |own: Option<u64>, counted| own.is_none() || own == counted;
    if same(genai.reported.input, facts.reported.input) && same(genai.reported.output, facts.reported.output) {
        genai.reported = crate::model::Reported { cost: genai.reported.cost, ..facts.reported };
    }
    reading::push(into, DIALECT.name, (Carrier::Event, Some(last)), vec![], completion);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::{Category, TokenUsage, Usd};

    fn span(kind: &str, input: &str, output: &str) -> Sample {
        Sample::span("w").scope("mlflow.tracing.provider").with(&[
            ("mlflow.spanType", &format!("\"{kind}\"")),
            ("mlflow.spanInputs", input),
            ("mlflow.spanOutputs", output),
        ])
    }

    const REQUEST: &str = r#"{"messages":[{"role":"user","content":"q"}],"model":"gpt-4o","temperature":0.5,
        "tools":[{"type":"function","function":{"name":"w"}}]}"#;

    #[test]
    fn a_chat_model_is_a_model_call() {
        let response = r#"{"id":"r1","model":"gpt-4o-x","choices":[{"message":{"role":"assistant","content":"a"},
            "finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,
            "completion_tokens_details":{"reasoning_tokens":2}}}"#;
        let read = span("CHAT_MODEL", REQUEST, response)
            .with(&[
                ("mlflow.chat.tokenUsage", r#"{"input_tokens":10,"output_tokens":5,"total_tokens":15}"#),
                ("mlflow.llm.model", "\"gpt-4o-x\""),
                ("mlflow.llm.cost", r#"{"input_cost":0.25,"output_cost":0.5,"total_cost":0.75}"#),
                ("mlflow.trace.session", "\"s3\""),
            ])
            .translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        let genai = &read.genai;
        assert_eq!((genai.category, genai.model.as_deref()), (Category::Llm, Some("gpt-4o")));
        assert_eq!((genai.response_model.as_deref(), genai.stop_reason.as_deref()), (Some("gpt-4o-x"), Some("stop")));
        let usage =
            TokenUsage { uncached_input: Some(10), output: Some(5), reasoning: Some(2), ..TokenUsage::default() };
        assert_eq!((genai.usage, genai.reported.cost), (Some(usage), Usd::from_dollars(0.75)));
        assert_eq!(genai.parameters.len(), 1);
        assert_eq!((read.tools.len(), read.context.session.as_deref()), (1, Some("s3")));
        assert_eq!(read.dialects, ["mlflow"]);
    }

    #[test]
    fn the_requests_and_responses_of_every_library_are_read() {
        let lc = r#"[[{"content":"S","type":"system"},{"content":"q","type":"human"}]]"#;
        let generations = r#"{"generations":[[{"text":"a","message":{"content":"a","type":"ai",
            "response_metadata":{"finish_reason":"stop"}}}]],"llm_output":{}}"#;
        let llama = r#"{"messages":[{"role":"system","blocks":[{"block_type":"text","text":"S"}]},
            {"role":"user","blocks":[{"block_type":"text","text":"q"}]}]}"#;
        let chat = r#"{"message":{"role":"assistant","additional_kwargs":{},"blocks":[{"block_type":"text","text":"a"}]},"raw":{}}"#;
        let autogen = r#"{"messages":[{"content":"S","type":"SystemMessage"},{"content":"q","source":"user","type":"UserMessage"}]}"#;
        for (input, output) in [
            (
                r#"{"input":"q","instructions":"S"}"#,
                r#"{"output":[{"type":"message","role":"assistant",
                "content":[{"type":"output_text","text":"a"}]}]}"#,
            ),
            (
                r#"{"system":"S","messages":[{"role":"user","content":"q"}]}"#,
                r#"{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"a"}]}"#,
            ),
            (lc, generations),
            (llama, chat),
            (
                r#"{"contents":"q","config":{"system_instruction":"S"}}"#,
                r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]},"finish_reason":"STOP"}]}"#,
            ),
            (
                r#"{"modelId":"m","system":[{"text":"S"}],"messages":[{"role":"user","content":[{"text":"q"}]}]}"#,
                r#"{"output":{"message":{"role":"assistant","content":[{"text":"a"}]}},"stopReason":"end_turn"}"#,
            ),
            (
                r#"{"modelId":"m","body":"{\"system\":\"S\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}"}"#,
                r#"{"body":"{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"}"#,
            ),
            (autogen, r#"{"finish_reason":"stop","content":"a","usage":{"prompt_tokens":1,"completion_tokens":1}}"#),
            (r#"[{"role":"system","content":"S"},{"role":"user","content":"q"}]"#, "\"a\""),
        ] {
            let read = span("CHAT_MODEL", input, output).translate();
            assert_eq!(sides(&read).0, ["system: S", "user: q"], "{input}");
            assert_eq!(sides(&read).1, ["assistant: a"], "{output}");
        }
    }

    #[test]
    fn a_stream_is_read_from_its_chunks() {
        let cut =
            r#"{"choices":[{"message":{"role":"assistant","content":"Hi","tool_calls":null},"finish_reason":"stop"}]}"#;
        let piece = |delta: &str| format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#);
        let call = r#"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"w","arguments":"{}"}}]}"#;
        let read = span("CHAT_MODEL", REQUEST, cut)
            .event("mlflow.chunk.item.0", &[("mlflow.chunk.value", &piece(r#"{"content":"Hi"}"#))])
            .event("mlflow.chunk.item.1", &[("mlflow.chunk.value", &piece(call))])
            .translate();
        assert_eq!(sides(&read).1, ["assistant: Hi", "assistant: Hi · w#c1{}"]);
    }

    #[test]
    fn a_stream_is_read_from_its_chunks_beside_opentelemetrys_attributes_too() {
        let piece = |delta: &str| format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#);
        let call = r#"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"w","arguments":"{}"}}]}"#;
        let usage = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,
            "prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}}}"#;
        let read = Sample::span("chat m")
            .scope(super::SCOPE)
            .with(&[("gen_ai.operation.name", "chat")])
            .with(&[("gen_ai.output.messages", r#"[{"role":"assistant","parts":[{"type":"text","content":"Hi"}]}]"#)])
            .typed("gen_ai.usage.input_tokens", "9")
            .typed("gen_ai.usage.output_tokens", "4")
            .event("mlflow.chunk.item.0", &[("mlflow.chunk.value", &piece(r#"{"content":"Hi"}"#))])
            .event("mlflow.chunk.item.1", &[("mlflow.chunk.value", &piece(call))])
            .event("mlflow.chunk.item.2", &[("mlflow.chunk.value", usage)])
            .translate();
        assert_eq!(sides(&read).1, ["assistant: Hi", "assistant: Hi · w#c1{}"]);
        let usage = TokenUsage {
            uncached_input: Some(4),
            cache_read: Some(5),
            output: Some(4),
            reasoning: Some(3),
            ..TokenUsage::default()
        };
        assert_eq!(read.genai.usage, Some(usage));
    }

    #[test]
    fn a_tools_arguments_are_not_those_of_the_function_around_it() {
        let read = Sample::span("execute_tool w")
            .scope(super::SCOPE)
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")])
            .with(&[("gen_ai.tool.call.arguments", r#"{"kw":{"city":"Paris"}}"#)])
            .with(&[("gen_ai.tool.call.result", r#""18C, \"light\" rain""#)])
            .translate();
        assert_eq!(sides(&read).0, [r#"assistant: w#-{"city":"Paris"}"#]);
        assert_eq!(sides(&read).1, [r#"tool: =- 18C, "light" rain"#]);
        let message = r#"{"content":"18C","additional_kwargs":{},"type":"tool","name":"w","tool_call_id":"c1","status":"success"}"#;
        let read = Sample::span("execute_tool w")
            .scope(super::SCOPE)
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")])
            .with(&[("gen_ai.tool.call.arguments", r#"{"city":"Paris"}"#), ("gen_ai.tool.call.result", message)])
            .translate();
        assert_eq!(
            sides(&read),
            (vec![r#"assistant: w#-{"city":"Paris"}"#.to_owned()], vec!["tool: =c1 18C".to_owned()])
        );
    }

    #[test]
    fn texts_are_texts_whatever_they_look_like() {
        let read = span("AGENT", r#"{"question":"q"}"#, r#""{\"a\": 1}""#).translate();
        assert_eq!(sides(&read).0, [r#"user: json {"question":"q"}"#]);
        assert_eq!(sides(&read).1, [r#"assistant: {"a": 1}"#]);
        assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Agent, Some("w")));
        let read = span("LLM", r#"["q"]"#, "\"4\"").translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: 4".to_owned()]));
        assert!(span("LLM", "null", "\"\"").translate().readings.is_empty());
    }

    #[test]
    fn older_versions_have_the_conversation_apart() {
        let messages = r#"[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]"#;
        let marks = [("mlflow.spanType", "\"CHAT_MODEL\""), ("mlflow.chat.messages", messages)];
        let read = Sample::span("chat").with(&marks).translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
    }
}
