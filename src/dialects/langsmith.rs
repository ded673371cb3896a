//! `langsmith`: what the LangSmith SDK exports as OpenTelemetry, one span a run (`sdks.md` 11).
//!
//! Marks: scope `langsmith`, keys `langsmith.*`. `gen_ai.prompt` and `gen_ai.completion` are the inputs and the outputs
//! of a whole run, each as one JSON:
//!
//! ```text
//! llm        {"messages": [[{"lc": 1, ..}]]} ─▶ {"generations": [[{"text", "message": {"lc": 1, ..}}]]}
//!            {"messages": [{"role", ..}], "model", "tools"} ─▶ {"choices": [..]}       a wrapped client's own
//! tool       {"city": "Paris"} or {"input": "{'city': 'Paris'}"} ─▶ {"output": ..}
//! chain      {"messages": [{"type": "human", ..}]} ─▶ the state that came of it
//! retriever  {"query": ".."} ─▶ {"documents": [..]}
//! ```

use super::{
    ByProvider, Dialect, FactRow, Failures, Field, Framework, How, KindKey, Rank, RecordingHints, calls, context,
    definitions, documents, gen_ai, gen_ai_content, langchain,
    maybe_json::{MaybeJson, unquoted},
    openinference, parts, provider_payload, provider_payload_facts, reading, token_counts,
};
use crate::model::{Carrier, Category, ContentKind, GenAi, Message, Part, Reported, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "langsmith",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    replaces: Some((gen_ai_content::DIALECT.name, is_langsmith)),
    kinds: &[KindKey::of_words("langsmith.span.kind", Rank::BeforeConventions)],
    ai_keys: &["langsmith."],
    facts: FACTS,
    complete_facts: Some(name_agent),
    tags: &["langsmith.tags", "langsmith.span.tags"],
    metadata_prefixes: &[("langsmith.metadata.", "")],
    cache_in_input: Some(cache_in_input),
    failures: Failures { despite_ok: Some(despite_ok), ..Failures::SHARED },
    frameworks: &[Framework {
        label: "langchain",
        rank: 140,
        scopes: &["openinference.instrumentation.langchain", "opentelemetry.instrumentation.langchain", "langsmith"],
        keys: &["langchain.", "langsmith."],
        providers: &["langchain"],
        ..Framework::PLAIN
    }],
    recording_hints: HINTS,
    ..Dialect::PLAIN
};

/// `langsmith.trace.session_id` is not among them: it is the *project*, and would make one session of all its runs.
const FACTS: &[FactRow] = &[
    FactRow::of(
        Field::Session,
        How::Id,
        &[
            "langsmith.session.id",
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
            "langsmith.metadata.conversation_id",
        ],
    ),
    FactRow::of(Field::User, How::Id, &["langsmith.metadata.user_id"]),
    FactRow::of(Field::ProviderBehind, How::Text, &["langsmith.metadata.ls_provider"]),
];

const STREAM_USAGE: &str = "ChatOpenAI(…, stream_usage=True)";
const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &["langsmith"],
        framework: "langchain",
        messages: "set LANGSMITH_HIDE_INPUTS=false and LANGSMITH_HIDE_OUTPUTS=false",
        usage: STREAM_USAGE,
        session: "config={\"metadata\": {\"session_id\": \"ID\"}}",
        ..RecordingHints::ANY
    },
    RecordingHints {
        scopes: &["openinference.instrumentation.langchain"],
        usage: STREAM_USAGE,
        ..openinference::HINTS
    },
];

const INPUTS: &str = "gen_ai.prompt";
const OUTPUTS: &str = "gen_ai.completion";

/// Whether the SDK made this span: its keys are on no one else's, its metadata may be.
fn is_langsmith(source: &Source) -> bool {
    source.scope.name == "langsmith" || source.attributes.has("langsmith.span.kind")
}

/// LangChain names the agent in the metadata of everything that works for it.
fn name_agent(_: &Source, into: &mut Translation) {
    if into.genai.agent.is_none() {
        let named = into.context.metadata.iter().find(|(name, _)| name == "lc_agent_name");
        into.genai.agent = named.and_then(|(_, name)| context::id(name));
    }
}

/// LangChain's usage is a sum over all kinds of input.
fn cache_in_input(source: &Source, _: ByProvider) -> Option<bool> {
    (source.scope.name.contains("langchain") || source.scope.name == "langsmith").then_some(true)
}

/// The SDK sets the status of every run to OK, also of those that ended with an exception.
fn despite_ok(source: &Source) -> bool {
    source.scope.name == "langsmith" && source.events.iter().any(|event| event.name == "exception")
}

fn matches(source: &Source) -> bool {
    is_langsmith(source) && (source.attributes.has(INPUTS) || source.attributes.has(OUTPUTS))
}

fn translate(source: &Source, into: &mut Translation) {
    let get = |key| source.attributes.get(key).map(MaybeJson::of);
    let (inputs, outputs) = (get(INPUTS), get(OUTPUTS));
    let kind = into.genai.category;
    if kind.is_call() {
        if let Some(MaybeJson::Data(outputs)) = &outputs {
            langchain::facts(outputs, &mut into.genai);
            provider_payload_facts::of_response(outputs, &mut into.genai);
        }
        usage(source, &mut into.genai.reported);
        if let Some(tools) = data(inputs.as_ref()).and_then(|inputs| calls::first(inputs, &["tools", "functions"])) {
            definitions::read(tools, &mut into.tools);
        }
    }
    let (prompt, completion) = if kind == Category::Tool {
        run(inputs.as_ref(), outputs.as_ref(), &into.genai)
    } else {
        let given = side(inputs.as_ref(), Role::User, kind);
        let mut returned = side(outputs.as_ref(), Role::Assistant, kind);
        if !kind.is_call() {
            returned = langchain::added(&given, returned);
        }
        (given, returned)
    };
    for (side, key) in [(&inputs, INPUTS), (&outputs, OUTPUTS)] {
        if matches!(side, Some(MaybeJson::Cut(_))) {
            into.notes.push(reading::cut_off(key));
        }
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

fn data<'i>(side: Option<&'i MaybeJson>) -> Option<&'i Value> {
    match side? {
        MaybeJson::Data(data) => Some(data),
        MaybeJson::Cut(data) => Some(data),
        _ => None,
    }
}

/// One side of a run that is no tool's.
fn side(side: Option<&MaybeJson>, role: Role, kind: Category) -> Vec<Message> {
    let read = |data: &Value| {
        let documents = (kind == Category::Retriever).then(|| documents::found(data)).flatten();
        documents.unwrap_or_else(|| instructed(data, role))
    };
    match side {
        Some(MaybeJson::Data(data)) => read(data),
        Some(MaybeJson::Cut(data)) => reading::ends(read(data), true),
        Some(MaybeJson::Text(text)) => {
            reading::from_parts(role, parts::text(unquoted(text).as_deref().unwrap_or(text)).into_iter().collect())
        }
        Some(MaybeJson::Scalar(scalar)) => reading::from_parts(role, vec![Part::text(scalar.to_text())]),
        Some(MaybeJson::Nothing) | None => Vec::new(),
    }
}

/// Messages, and before them the instructions that some clients are given apart.
fn instructed(data: &Value, role: Role) -> Vec<Message> {
    // A model that completes texts.
    if let Some(Value::Array(prompts)) = data.get("prompts") {
        return prompts.iter().flat_map(|prompt| reading::messages(prompt, role)).collect();
    }
    // The Responses API.
    let asked = data.get("input").filter(|_| data.get("model").is_some());
    let found = asked.map_or_else(|| langchain::io(data, role), |asked| reading::messages(asked, role));
    if found.iter().any(|message| message.role == Role::System) {
        return found;
    }
    provider_payload::system(data).into_iter().chain(found).collect()
}

/// A tool's run: its arguments, and what came back.
fn run(inputs: Option<&MaybeJson>, outputs: Option<&MaybeJson>, genai: &GenAi) -> (Vec<Message>, Vec<Message>) {
    let given = inputs.and_then(|inputs| match inputs {
        MaybeJson::Data(data) => Some(arguments(data).clone()),
        MaybeJson::Cut(data) => Some(data.clone()),
        MaybeJson::Text(text) => Some(Value::from(*text)),
        MaybeJson::Scalar(scalar) => Some((*scalar).clone()),
        MaybeJson::Nothing => None,
    });
    let returned = match outputs {
        Some(MaybeJson::Data(data)) => {
            data.get("output").filter(|_| data.as_map().is_some_and(|map| map.len() == 1)).or(Some(data))
        }
        Some(MaybeJson::Cut(data)) => Some(data),
        Some(MaybeJson::Scalar(scalar)) => Some(*scalar),
        Some(MaybeJson::Text(_) | MaybeJson::Nothing) | None => None,
    };
    // A tool that failed has no outputs.
    let returned = returned.filter(|value| !value.is_empty());
    let text = match outputs {
        Some(MaybeJson::Text(text)) => Some(Value::from(unquoted(text).as_deref().unwrap_or(text))),
        _ => None,
    };
    let (prompt, completion) = gen_ai::execution(given.as_ref(), returned.or(text.as_ref()), genai);
    match returned.and_then(langchain::tool_result) {
        Some(part) => (prompt, vec![Message::new(Role::Tool, vec![part])]),
        None => (prompt, completion),
    }
}

/// A tool that takes one text may be called with all its arguments as that text.
fn arguments(data: &Value) -> &Value {
    match data.as_map() {
        Some([(key, text @ Value::String(_))]) if key == "input" => match MaybeJson::or_python(text) {
            MaybeJson::Data(_) | MaybeJson::Cut(_) => text,
            _ => data,
        },
        _ => data,
    }
}

/// Adds token counts in more detail than the attributes of facts have: as metadata, or as Python prints a dictionary.
fn usage(source: &Source, reported: &mut Reported) {
    let read = |key: &str| match MaybeJson::or_python(source.attributes.get(key)?) {
        MaybeJson::Data(details) => Some(details.into_owned()),
        _ => None,
    };
    let metadata = read("langsmith.metadata.usage_metadata").unwrap_or_default();
    let mut counted = metadata.as_map().unwrap_or_default().to_vec();
    for key in ["input_token_details", "output_token_details"] {
        if metadata.get(key).is_none() {
            counted.extend(read(&format!("gen_ai.usage.{key}")).map(|details| (key.to_owned(), details)));
        }
    }
    token_counts::read(&Value::Map(counted), reported);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    fn span(kind: &str, inputs: &str, outputs: &str) -> Sample {
        Sample::span("run").scope("langsmith").with(&[
            ("langsmith.span.kind", kind),
            (INPUTS, inputs),
            (OUTPUTS, outputs),
        ])
    }

    #[test]
    fn a_chat_models_run_is_a_call() {
        let inputs = r#"{"messages":[[{"lc":1,"type":"constructor","id":["langchain","schema","messages","HumanMessage"],"kwargs":{"content":"q","type":"human"}}]]}"#;
        let outputs = r#"{"generations":[[{"text":"a","message":{"lc":1,"id":["…","AIMessage"],"kwargs":{"content":"a","type":"ai","response_metadata":{"finish_reason":"stop"}}}}]]}"#;
        let usage = r#"{"input_tokens":300,"output_tokens":20,"input_token_details":{"cache_read":256},"output_token_details":{"reasoning":5}}"#;
        let read = span("llm", inputs, outputs)
            .with(&[("langsmith.trace.session_id", "proj"), ("langsmith.span.tags", "x, y")])
            .with(&[("langsmith.metadata.usage_metadata", usage)])
            .typed("gen_ai.usage.input_tokens", "300")
            .typed("gen_ai.usage.output_tokens", "20")
            .translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        assert_eq!((read.context.tags.as_slice(), read.context.session), (&["x".to_owned(), "y".to_owned()][..], None));
        assert_eq!((read.genai.category, read.genai.stop_reason.as_deref()), (Category::Llm, Some("stop")));
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.uncached_input, usage.cache_read, usage.reasoning), (Some(44), Some(256), Some(5)));
        assert_eq!(read.dialects, ["langsmith"]);
    }

    #[test]
    fn a_wrapped_clients_request_is_read_as_its_own() {
        for (inputs, outputs, expected) in [
            (
                r#"{"messages":[{"role":"user","content":"q"}],"model":"m","tools":[{"type":"function","function":{"name":"w"}}]}"#,
                r#"{"id":"x","choices":[{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}"#,
                vec!["user: q"],
            ),
            (
                r#"{"input":"q","instructions":"S","model":"m","tools":[{"type":"function","name":"w"}]}"#,
                r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
                vec!["system: S", "user: q"],
            ),
            (
                r#"{"system":"S","messages":[{"role":"user","content":"q"}],"tools":[{"name":"w"}]}"#,
                r#"{"role":"assistant","content":[{"type":"text","text":"a"}],"stop_reason":"stop"}"#,
                vec!["system: S", "user: q"],
            ),
            (
                r#"{"prompts":["q"],"tools":["w"]}"#,
                r#"{"generations":[[{"text":"a","generation_info":{"finish_reason":"stop"}}]]}"#,
                vec!["user: q"],
            ),
        ] {
            let read = span("llm", inputs, outputs).translate();
            assert_eq!(sides(&read).0, expected, "{inputs}");
            assert_eq!(sides(&read).1, ["assistant: a"], "{outputs}");
            assert_eq!(read.tools[0].name, "w", "{inputs}");
        }
    }

    #[test]
    fn a_tools_run_shows_its_arguments_and_its_result() {
        let message = r#"{"output":{"content":"18C","type":"tool","tool_call_id":"c1","status":"success"}}"#;
        for (inputs, outputs, given, returned) in [
            (r#"{"city":"P"}"#, message, r#"assistant: w#-{"city":"P"}"#, vec!["tool: =c1 18C"]),
            (
                r#"{"input":"{'city': 'P'}"}"#,
                r#"{"output":"18C"}"#,
                r#"assistant: w#-{"city":"P"}"#,
                vec!["tool: =- 18C"],
            ),
            (r#"{"input":"P"}"#, r#"{"t":18}"#, r#"assistant: w#-{"input":"P"}"#, vec![r#"tool: =- json {"t":18}"#]),
            (r#"{"city":"P"}"#, "{}", r#"assistant: w#-{"city":"P"}"#, vec![]),
        ] {
            let read = span("tool", inputs, outputs).with(&[("gen_ai.tool.name", "w")]).translate();
            assert_eq!(sides(&read), (vec![given.to_owned()], returned.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn a_chain_has_what_it_adds_to_its_state() {
        let question = r#"{"content":"q","type":"human","id":"1"}"#;
        let inputs = format!(r#"{{"messages":[{question}]}}"#);
        let outputs = format!(r#"{{"messages":[{question},{{"content":"a","type":"ai"}}]}}"#);
        let read = span("chain", &inputs, &outputs).translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        let read = span("retriever", r#"{"query":"q"}"#, r#"{"documents":[{"page_content":"d"}]}"#).translate();
        assert_eq!(sides(&read).1, [r#"assistant: json {"page_content":"d"}"#]);
        assert_eq!(read.genai.category, Category::Retriever);
    }

    #[test]
    fn what_was_cut_is_shown_up_to_the_cut() {
        let read = span("llm", r#"{"messages":[{"type":"human","content":"a long ques"#, "4").translate();
        assert_eq!(sides(&read), (vec!["user: a long ques…".to_owned()], vec!["assistant: 4".to_owned()]));
        assert_eq!(read.notes.len(), 1);
    }
}
