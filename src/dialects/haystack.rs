//! `haystack`: Haystack's own spans, made by whichever tracer the program has (`sdks.md` 19).
//!
//! Content is there where `HAYSTACK_CONTENT_TRACING_ENABLED` is set, as JSON:
//!
//! ```text
//!   haystack.agent.run         around the steps of an agent
//!   haystack.agent.step.llm    {"messages": […], "tools": […]} ─▶ {"replies": [message…]}
//!   haystack.agent.step.tool   the arguments ─▶ what the tool returned
//!   haystack.component.run     one component of a pipeline, by its type: a generator, an embedder, a retriever, …
//!
//!   a message   {"role", "meta": {"model", "finish_reason", "usage"}, "content": [block…]}
//!   a block     {"text"}, {"tool_call": {"tool_name", "arguments", "id"}}, {"reasoning": {"reasoning_text"}},
//!               {"tool_call_result": {"result", "error", "origin": the call}}
//! ```

use super::{
    Dialect, FactRow, Field, Framework, How, RecordingHints, calls, definitions, function_io, maybe_json::MaybeJson,
    parts, provider_payload_facts, reading, token_counts,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, Message, Part, Role, Source, ToolResult, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "haystack",
    content: ContentKind::Conversation,
    matches,
    translate,
    is_plumbing: Some(is_plumbing),
    category: Some(category),
    ai_keys: &["haystack."],
    facts: &[FactRow::of(Field::Tool, How::Text, &["haystack.tool.name"])],
    frameworks: &[Framework {
        label: "haystack",
        rank: 206,
        scopes: &["openinference.instrumentation.haystack", "opentelemetry.instrumentation.haystack"],
        keys: &["haystack."],
        names: &["haystack."],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        framework: "haystack",
        messages: "set HAYSTACK_CONTENT_TRACING_ENABLED=true",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

fn matches(source: &Source) -> bool {
    !source.is_log() && source.name.starts_with("haystack.")
}

fn category(source: &Source) -> Option<Category> {
    let component = || {
        let kind = source.attributes.str("haystack.component.type")?;
        Some(match kind {
            _ if kind.ends_with("Generator") => Category::Llm,
            _ if kind.ends_with("Embedder") => Category::Embedding,
            _ if kind.ends_with("Retriever") => Category::Retriever,
            _ if kind.ends_with("Ranker") => Category::Reranker,
            _ => Category::Chain,
        })
    };
    match source.name {
        "haystack.agent.step.llm" => Some(Category::Llm),
        "haystack.agent.step.tool" => Some(Category::Tool),
        "haystack.agent.run" => Some(Category::Agent),
        "haystack.agent.step" | "haystack.pipeline.run" | "haystack.async_pipeline.run" => Some(Category::Chain),
        "haystack.component.run" => component(),
        _ => None,
    }
}

/// A pipeline and a step have no name of their own, and an agent's component has the agent's span beneath it.
fn is_plumbing(source: &Source) -> bool {
    matches!(source.name, "haystack.agent.step" | "haystack.pipeline.run" | "haystack.async_pipeline.run")
        || (source.name == "haystack.component.run"
            && source.attributes.str("haystack.component.type") == Some("Agent"))
        || (source.scope.name == "openinference.instrumentation.haystack" && source.name == "Pipeline.run")
}

fn translate(source: &Source, into: &mut Translation) {
    let side = |end: &str| {
        let key = match source.name {
            "haystack.component.run" => format!("haystack.component.{end}"),
            name => format!("{name}.{end}"),
        };
        source.attributes.get(&key).map(MaybeJson::of)
    };
    match into.genai.category {
        Category::Llm => {
            let decoded = |end| side(end).and_then(MaybeJson::into_data).unwrap_or(Value::Null);
            let (input, output) = (decoded("input"), decoded("output"));
            for tool in input.get("tools").and_then(Value::as_array).unwrap_or_default() {
                definitions::read(tool.get("data").unwrap_or(tool), &mut into.tools);
            }
            if let Some(parameters) = input.get("generation_kwargs").filter(|given| given.as_map().is_some()) {
                provider_payload_facts::of_request(parameters, &mut into.genai);
            }
            let replies = output.get("replies").and_then(Value::as_array).unwrap_or_default();
            let metas = output.get("meta").and_then(Value::as_array).unwrap_or_default();
            if let Some(meta) = replies.iter().find_map(|reply| reply.get("meta")).or(metas.first()) {
                describe(meta, into);
            }
            let prompt = match input.get("messages").and_then(Value::as_array) {
                Some(messages) => messages.iter().flat_map(|item| message(item, Role::User)).collect(),
                // A generator that is no chat has one prompt.
                None => input.get("prompt").map_or_else(Vec::new, |prompt| message(prompt, Role::User)),
            };
            let completion = replies.iter().flat_map(|item| message(item, Role::Assistant)).collect();
            reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
        }
        Category::Tool | Category::Retriever | Category::Embedding | Category::Reranker => {
            function_io::read(source, DIALECT.name, side("input"), side("output"), into);
        }
        // Others hold what is passed on to those beneath them.
        _ => {}
    }
}

/// What the meta data of a reply holds of its call.
fn describe(meta: &Value, into: &mut Translation) {
    let genai = &mut into.genai;
    if let Some(model) = meta.str("model") {
        genai.response_model.get_or_insert_with(|| model.to_owned());
    }
    if let Some(reason) = meta.str("finish_reason") {
        genai.stop_reason.get_or_insert_with(|| reason.to_owned());
    }
    if let Some(usage) = meta.get("usage") {
        token_counts::of_provider(usage, &mut genai.reported);
    }
}

fn message(value: &Value, fallback: Role) -> Vec<Message> {
    let Some(role) = value.str("role") else { return reading::messages(value, fallback) };
    let mut read = Vec::new();
    match value.get("content") {
        Some(Value::Array(blocks)) => {
            for block in blocks {
                part(block, &mut read);
            }
        }
        Some(other) => parts::content(other, &mut read),
        None => {}
    }
    reading::from_parts(reading::role(role).unwrap_or(fallback), read)
}

fn part(block: &Value, into: &mut Vec<Part>) {
    if let Some(result) = block.get("tool_call_result") {
        let origin = result.get("origin").unwrap_or(&Value::Null);
        let mut content = Vec::new();
        if let Some(output) = result.get("result") {
            calls::returned(output, &mut content);
        }
        into.push(Part::new(Content::Result(ToolResult {
            call_id: calls::id_of(origin),
            name: origin.str("tool_name").map(str::to_owned),
            is_error: result.get("error").and_then(Value::as_bool),
            content,
        })));
    } else if let Some(words) = block.get("reasoning").and_then(|reasoning| reasoning.str("reasoning_text")) {
        into.push(parts::thought(words));
    } else {
        parts::content(block, into);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    #[test]
    fn a_step_of_an_agent_is_a_model_call() {
        let input = r#"{"messages":[{"role":"user","meta":{},"content":[{"text":"How many?"}]},
            {"role":"assistant","content":[{"tool_call":{"tool_name":"count","arguments":{"sku":"a"},"id":"c1"}}]},
            {"role":"tool","content":[{"tool_call_result":{"result":"42","error":false,
              "origin":{"tool_name":"count","arguments":{"sku":"a"},"id":"c1"}}}]}],
            "tools":[{"type":"haystack.tools.tool.Tool","data":{"name":"count","parameters":{"type":"object"}}}]}"#;
        let output = r#"{"replies":[{"role":"assistant","content":[{"text":"42"}],
            "meta":{"model":"gpt-4o-mini","finish_reason":"stop","usage":{"prompt_tokens":9,"completion_tokens":2}}}]}"#;
        let span = Sample::span("haystack.agent.step.llm")
            .with(&[("haystack.agent.step.llm.input", input), ("haystack.agent.step.llm.output", output)]);
        let read = span.translate();
        let prompt = ["user: How many?", r#"assistant: count#c1{"sku":"a"}"#, "tool: =c1 42"];
        assert_eq!(sides(&read), (prompt.map(str::to_owned).to_vec(), vec!["assistant: 42".to_owned()]));
        assert_eq!((read.genai.category, read.genai.response_model.as_deref()), (Category::Llm, Some("gpt-4o-mini")));
        assert_eq!((read.genai.reported.input, read.tools.len()), (Some(9), 1));
    }

    #[test]
    fn components_are_what_their_type_is() {
        for (kind, expected) in [
            ("OpenAIChatGenerator", Category::Llm),
            ("InMemoryBM25Retriever", Category::Retriever),
            ("SentenceTransformersTextEmbedder", Category::Embedding),
            ("PromptBuilder", Category::Chain),
        ] {
            let read = Sample::span("haystack.component.run").with(&[("haystack.component.type", kind)]).translate();
            assert_eq!((read.genai.category, read.plumbing), (expected, false), "{kind}");
        }
    }
}
