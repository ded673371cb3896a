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
    Dialect, FactRow, Failures, Field, Framework, How, RecordingHints, definitions, function_io, gen_ai,
    haystack_messages, maybe_json::MaybeJson, openinference, provider_payload_facts, reading, token_counts,
};
use crate::model::{Carrier, Category, ContentKind, GenAi, GivenName, Reported, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "haystack",
    content: ContentKind::Conversation,
    matches,
    translate,
    is_plumbing: Some(is_plumbing),
    category: Some(category),
    replaces: Some((openinference::DIALECT.name, is_agent)),
    ai_keys: &["haystack."],
    facts: &[FactRow::of(Field::Tool, How::Text, &["haystack.tool.name"])],
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "haystack",
        rank: 206,
        scopes: &["openinference.instrumentation.haystack", "opentelemetry.instrumentation.haystack"],
        keys: &["haystack."],
        names: &["haystack."],
        ..Framework::PLAIN
    }],
    failures: Failures {
        tool_failed: Some(|source| source.attributes.get("haystack.tool.error")?.as_bool()),
        ..Failures::SHARED
    },
    recording_hints: &[RecordingHints {
        framework: "haystack",
        messages: "set HAYSTACK_CONTENT_TRACING_ENABLED=true",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

/// Its own pipelines and agents have no names.
fn given_name(source: &Source) -> Option<GivenName> {
    const NAMES: &[&str] = &[
        "Agent.run",
        "AsyncPipeline.run",
        "Pipeline.run",
        "haystack.agent.run",
        "haystack.async_pipeline.run",
        "haystack.pipeline.run",
    ];
    let is_own = source.scope.name == SCOPE || source.name.starts_with("haystack.");
    (is_own && NAMES.contains(&source.name)).then_some(GivenName::Nothing)
}

fn matches(source: &Source) -> bool {
    !source.is_log() && (source.name.starts_with("haystack.") || is_agent(source))
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
        _ => recategorized(source),
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
    if is_agent(source) {
        return agent(source, into);
    }
    let side = |end: &str| {
        let key = match source.name {
            "haystack.component.run" => format!("haystack.component.{end}"),
            name => format!("{name}.{end}"),
        };
        source.attributes.get(&key)
    };
    match into.genai.category {
        Category::Llm => {
            let decoded = |end| side(end).and_then(haystack_messages::data).unwrap_or(Value::Null);
            let (input, output) = (decoded("input"), decoded("output"));
            for tool in input.get("tools").and_then(Value::as_array).unwrap_or_default() {
                definitions::read(tool.get("data").unwrap_or(tool), &mut into.tools);
            }
            if let Some(parameters) = input.get("generation_kwargs").filter(|given| given.as_map().is_some()) {
                provider_payload_facts::of_request(parameters, &mut into.genai);
            }
            let restored = |list: Option<&Value>| -> Vec<Value> {
                let items = list.and_then(Value::as_array).unwrap_or_default();
                items.iter().filter_map(haystack_messages::restored).collect()
            };
            let replies = restored(output.get("replies"));
            let metas = output.get("meta").and_then(Value::as_array).unwrap_or_default();
            if let Some(meta) = replies.iter().find_map(|reply| reply.get("meta")).or(metas.first()) {
                provider_payload_facts::of_response(meta, &mut into.genai);
            }
            let prompt = match input.get("messages") {
                Some(messages) => restored(Some(messages))
                    .iter()
                    .flat_map(|item| haystack_messages::message(item, Role::User))
                    .collect(),
                // A generator that is no chat has one prompt.
                None => {
                    input.get("prompt").map_or_else(Vec::new, |prompt| haystack_messages::message(prompt, Role::User))
                }
            };
            let completion =
                replies.iter().flat_map(|item| haystack_messages::message(item, Role::Assistant)).collect();
            reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
        }
        Category::Tool => {
            let why = side("output").and_then(|output| why_failed(source, output));
            let output = why.as_ref().or_else(|| side("output"));
            let (prompt, completion) = gen_ai::execution(side("input"), output, &into.genai);
            reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
        }
        Category::Retriever | Category::Embedding | Category::Reranker => {
            let data = |end| side(end).map(MaybeJson::of);
            function_io::read(source, DIALECT.name, data("input"), data("output"), into);
        }
        // Others hold what is passed on to those beneath them.
        _ => {}
    }
}

/// The words of a failed tool, which Haystack wraps: `{"error": "Failed to invoke …"}`. A model is given them alone.
fn why_failed(source: &Source, output: &Value) -> Option<Value> {
    source.attributes.get("haystack.tool.error")?.as_bool().filter(|failed| *failed)?;
    let data = MaybeJson::of(output).into_data()?;
    match data.as_map()? {
        [(key, Value::String(words))] if key == "error" => Some(Value::from(words.as_str())),
        _ => None,
    }
}

const SCOPE: &str = "openinference.instrumentation.haystack";

/// Whether a span is that of an agent with its messages printed, which is a chain to OpenInference.
fn is_agent(source: &Source) -> bool {
    source.scope.name == SCOPE && source.name.starts_with("Agent.run") && !source.is_log()
}

/// The category of a span that OpenInference calls otherwise: an agent, and a template of a prompt, which is no call.
fn recategorized(source: &Source) -> Option<Category> {
    if is_agent(source) {
        return Some(Category::Agent);
    }
    let is_template = source.scope.name == SCOPE && source.attributes.has("llm.prompt_template.variables");
    is_template.then_some(Category::Chain)
}

/// Reads the messages of an agent. It gives those that it was given, with its instructions before them, and its own.
fn agent(source: &Source, into: &mut Translation) {
    let read = |side| source.attributes.get(side).and_then(|value| MaybeJson::of(value).into_data());
    let (input, output) = (read("input.value"), read("output.value"));
    let side = |value: &Option<Value>, role| {
        value.as_ref().and_then(|value| haystack_messages::messages(value, role)).unwrap_or_default()
    };
    let (mut prompt, mut completion) = (side(&input, Role::User), side(&output, Role::Assistant));
    let instructions = completion.iter().take_while(|message| message.role == Role::System).count();
    let repeated = openinference::common(&prompt, &completion[instructions..]);
    if repeated == prompt.len() {
        let answers = completion.split_off(instructions + repeated);
        (prompt, completion) = (completion, answers);
    }
    if let Some(output) = &output {
        let sent = input
            .as_ref()
            .and_then(haystack_messages::listed)
            .unwrap_or_default()
            .iter()
            .filter(|item| haystack_messages::meta(item).is_some())
            .count();
        usage(output, sent, &mut into.genai);
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// Adds the model and the tokens of all calls of an agent. `sent` is how many of the answers among its messages it was
/// given.
fn usage(value: &Value, sent: usize, genai: &mut GenAi) {
    let metas: Vec<Value> =
        haystack_messages::listed(value).unwrap_or_default().iter().filter_map(haystack_messages::meta).collect();
    let model = metas.last().and_then(|meta| meta.str("model"));
    genai.response_model = genai.response_model.take().or_else(|| model.map(str::to_owned));
    // Why its own last answer ended, not the last one that it was given.
    let ended = metas.get(sent..).and_then(<[Value]>::last).and_then(|meta| meta.str("finish_reason"));
    genai.stop_reason = genai.stop_reason.take().or_else(|| ended.map(str::to_owned));
    if let Some(usage) = value.get("token_usage").filter(|usage| !usage.is_empty()) {
        return token_counts::of_provider(usage, &mut genai.reported);
    }
    let add = |left: Option<u64>, right: Option<u64>| match (left, right) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (one, other) => one.or(other),
    };
    for usage in metas.iter().skip(sent).filter_map(|meta| meta.get("usage")) {
        let (mut one, sum) = (Reported::default(), &mut genai.reported);
        token_counts::of_provider(usage, &mut one);
        *sum = Reported {
            input: add(sum.input, one.input),
            output: add(sum.output, one.output),
            cache_read: add(sum.cache_read, one.cache_read),
            cache_write: add(sum.cache_write, one.cache_write),
            reasoning: add(sum.reasoning, one.reasoning),
            convention: one.convention,
            ..*sum
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

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

    const ASKED: &str =
        "ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='How many?')], _name=None, _meta={})";

    fn span(name: &str, kind: &str, input: &[&str], key: &str, output: &[&str], more: &str) -> Sample {
        let list = |items: &[&str]| {
            let items = items.iter().map(|item| Value::from(*item)).collect();
            crate::model::json::to_string(&Value::Array(items))
        };
        let (input, output) =
            (format!("{{\"messages\":{}}}", list(input)), format!("{{\"{key}\":{}{more}}}", list(output)));
        Sample::span(name).scope(SCOPE).with(&[
            ("openinference.span.kind", kind),
            ("input.value", &input),
            ("output.value", &output),
        ])
    }

    #[test]
    fn an_agents_printed_messages_are_read() {
        let system = "ChatMessage(_role=<ChatRole.SYSTEM: 'system'>, _content=[TextContent(text=\"It's so.\\n\")], _name=None, _meta={})";
        let call = "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[ReasoningContent(reasoning_text='Hm.', extra={}), \
            ToolCall(tool_name='count', arguments={'sku': 'a'}, id='c1', extra=None)], _name=None, \
            _meta={'model': 'm', 'usage': {'prompt_tokens': 9, 'completion_tokens': 2}})";
        let result = "ChatMessage(_role=<ChatRole.TOOL: 'tool'>, _content=[ToolCallResult(result='42', \
            origin=ToolCall(tool_name='count', arguments={'sku': 'a'}, id='c1', extra=None), error=True)], _name=None, _meta={})";
        let answer = "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[TextContent(text='42')], _name=None, \
            _meta={'model': 'm', 'usage': {'prompt_tokens': 20, 'completion_tokens': 3}})";
        let given = [system, ASKED, call, result, answer];
        let read = span("Agent.run", "CHAIN", &[ASKED], "messages", &given, "").translate();
        let words = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(sides(&read).0, words(&["system: It's so.\n", "user: How many?"]));
        let answered = [r#"assistant: (thought) Hm. · count#c1{"sku":"a"}"#, "tool: =!c1 42", "assistant: 42"];
        assert_eq!(sides(&read).1, words(&answered));
        assert_eq!((read.genai.category, read.genai.aggregate), (Category::Agent, true));
        assert_eq!(read.dialects, ["haystack"]);
        assert_eq!((read.genai.reported.input, read.genai.reported.output), (Some(29), Some(5)));
        let summed = span(
            "Agent.run",
            "CHAIN",
            &[ASKED],
            "messages",
            &given,
            r#","token_usage":{"prompt_tokens":7,"completion_tokens":1}"#,
        );
        assert_eq!(summed.translate().genai.reported.input, Some(7));
    }

    #[test]
    fn an_agents_answer_ends_for_its_own_reason() {
        let answer = |text: &str, reason: &str| {
            format!(
                "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[TextContent(text='{text}')], _name=None, \
                 _meta={{'model': 'm', 'finish_reason': '{reason}', 'usage': {{'prompt_tokens': 9}}}})"
            )
        };
        let (earlier, cut) = (answer("It ends.", "stop"), answer("It begins in the", "length"));
        let read =
            span("Agent.run", "CHAIN", &[ASKED, &earlier, ASKED], "messages", &[ASKED, &earlier, ASKED, &cut], "");
        assert_eq!(read.translate().genai.stop_reason.as_deref(), Some("length"));
        let silent = span("Agent.run", "CHAIN", &[ASKED, &earlier, ASKED], "messages", &[ASKED, &earlier, ASKED], "");
        assert_eq!(silent.translate().genai.stop_reason, None);
    }

    #[test]
    fn a_failed_tool_says_why_in_the_words_that_the_model_is_given() {
        let ran = |output: &str, failed: &str| {
            let span = Sample::span("haystack.agent.step.tool")
                .with(&[("haystack.tool.name", "run_job"), ("haystack.agent.step.tool.output", output)]);
            sides(&span.typed("haystack.tool.error", failed).translate()).1
        };
        assert_eq!(ran(r#"{"error": "It is locked."}"#, "true"), ["tool: =!- It is locked."]);
        assert_eq!(ran(r#"{"error": "none"}"#, "false"), [r#"tool: =- json {"error":"none"}"#]);
        assert_eq!(
            ran(r#"{"error": "It is locked.", "pid": 4}"#, "true"),
            [r#"tool: =!- json {"error":"It is locked.","pid":4}"#]
        );
    }

    #[test]
    fn a_generators_printed_messages_have_more_than_the_flat_ones() {
        let reply = "ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[ToolCall(tool_name='count', arguments={}, id='c1', extra=None)], \
            _name=None, _meta={'model': 'm', 'finish_reason': 'tool_calls', 'usage': {'prompt_tokens': 9, 'completion_tokens': 2, \
            'prompt_tokens_details': {'cached_tokens': 4}}})";
        let flat = [
            ("llm.input_messages.0.message.role", "user"),
            ("llm.input_messages.0.message.content", "How many?"),
            ("llm.output_messages.0.message.role", "assistant"),
            ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "count"),
            ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{}"),
        ];
        let read = span("OpenAIChatGenerator.run", "LLM", &[ASKED], "replies", &[reply], "").with(&flat).translate();
        assert_eq!(sides(&read), (vec!["user: How many?".to_owned()], vec!["assistant: count#c1{}".to_owned()]));
        assert_eq!((read.genai.stop_reason.as_deref(), read.genai.reported.cache_read), (Some("tool_calls"), Some(4)));
    }

    #[test]
    fn a_template_of_a_prompt_is_no_model_call() {
        let pairs =
            [("openinference.span.kind", "LLM"), ("llm.prompt_template.variables", "{}"), ("output.value", "Ask.")];
        assert_eq!(
            Sample::span("PromptBuilder.run").scope(SCOPE).with(&pairs).translate().genai.category,
            Category::Chain
        );
    }
}
