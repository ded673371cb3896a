//! `OpenInference`: the conventions of Arize Phoenix and its instrumentors (`conventions.md` 4).
//!
//! Mark: `openinference.span.kind`, a scope `openinference.instrumentation.…`, or keys `llm.input_messages.…`. Lists are
//! spread over keys, one attribute a field; the whole request and answer stand beside them in any form:
//!
//! ```text
//!   llm.input_messages.0.message.role, .content, .contents.0.message_content.type, .tool_calls.0.tool_call.id, …
//!   llm.output_messages.0.…, llm.tools.0.tool.json_schema, llm.prompts.0.prompt.text, llm.choices.0.completion.text
//!   input.value, output.value       what the library sent and got; of a tool see `openinference_tool`
//!   retrieval.documents.0.document.…, reranker.…, embedding.embeddings.0.embedding.text        see `documents`
//! ```
//!
//! Flat keys leave out what their instrumentor does not know (reasoning, the ids of calls), and an SDK's limit of
//! attributes drops the first of them; then the whole request or answer is read. Scalars are in `facts`.

use std::borrow::Cow;

use super::{
    Dialect, FactRow, Field, Framework, How, KindKey, ParameterKeys, Rank, RecordingHints, definitions, documents,
    doubled_pieces, haystack_messages, indexed, langchain,
    maybe_json::MaybeJson,
    openinference_flat::{flat, texts},
    openinference_forms as forms,
    openinference_fuller::fuller,
    openinference_tool as tool, provider_payload, provider_payload_facts, reading, spliced_calls,
};
use crate::model::{
    Attributes, Carrier, Category, Content, ContentKind, GenAi, GivenName, Message, Role, Source, Translation, Usd,
    Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "openinference",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    category: Some(own_category),
    kinds: &[KindKey::of_words("openinference.span.kind", Rank::BeforeConventions)],
    ai_keys: &["openinference."],
    facts: FACTS,
    complete_facts: Some(name_agent),
    cache_in_input: Some(|source, _| source.attributes.has_prefix("llm.token_count.").then_some(true)),
    parameters: Some(ParameterKeys { prefix: "llm.", names: PARAMETERS }),
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "openinference",
        rank: 300,
        scopes: &["openinference.instrumentation.", "@arizeai/openinference"],
        keys: &["openinference."],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["openinference.instrumentation.", "@arizeai/openinference-"],
        framework: "openinference",
        ..HINTS
    }],
    ..Dialect::PLAIN
};

/// What the instrumentation of Claude's agent SDK calls its spans is no name of an agent; others write the method that
/// they wrap after the agent's name.
fn given_name(source: &Source) -> Option<GivenName> {
    let instrumented = source.scope.name.strip_prefix("openinference.instrumentation.")?;
    if instrumented == "claude_agent_sdk" && source.name.starts_with("ClaudeAgentSDK.") {
        return Some(GivenName::Nothing);
    }
    (instrumented == "agno").then(|| super::without_ending(source.name, ".run")).flatten()
}

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Provider, How::Text, &["llm.provider", "llm.system"]),
    FactRow::of(Field::Model, How::Text, &["llm.model_name", "embedding.model_name", "reranker.model_name"]),
    FactRow::of(Field::StopReason, How::Last, &["llm.finish_reason"]),
    // A node of a graph may be an agent that is named elsewhere, too.
    FactRow::of(Field::Agent, How::Text, &["graph.node.name"]).ranked(Rank::Last),
    FactRow::of(Field::Input, How::Count, &["llm.token_count.prompt"]),
    FactRow::of(Field::Output, How::Count, &["llm.token_count.completion"]),
    FactRow::of(Field::Total, How::Count, &["llm.token_count.total"]),
    FactRow::of(Field::CacheRead, How::Count, &["llm.token_count.prompt_details.cache_read"]),
    FactRow::of(Field::CacheWrite, How::Count, &["llm.token_count.prompt_details.cache_write"]),
    FactRow::of(Field::Reasoning, How::Count, &["llm.token_count.completion_details.reasoning"]),
    FactRow::of(Field::InputAudio, How::Count, &["llm.token_count.prompt_details.audio"]),
    FactRow::of(Field::OutputAudio, How::Count, &["llm.token_count.completion_details.audio"]),
    FactRow::of(Field::Cost, How::Dollars, &["llm.cost.total"]),
];

const PARAMETERS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("chat.stop_sequences", "stop_sequences"),
];

/// What all instrumentations of `OpenInference` record, for the rows of those that differ in something.
pub const HINTS: RecordingHints = RecordingHints {
    messages: "unset OPENINFERENCE_HIDE_INPUTS, OPENINFERENCE_HIDE_OUTPUTS, OPENINFERENCE_HIDE_INPUT_MESSAGES and \
        OPENINFERENCE_HIDE_OUTPUT_MESSAGES, and the hide_… of a TraceConfig",
    session: "run it within `with using_session(\"ID\"):` from openinference.instrumentation",
    ..RecordingHints::ANY
};

/// Whether an agent hands over to another here: the instrumentation of the Agents SDK calls that a tool, given one's name
/// and returning the other's. The model's call of a tool for it is known by its id.
pub fn hands_over(source: &Source) -> bool {
    source.scope.name == "openinference.instrumentation.openai_agents"
        && source.name.starts_with("handoff to ")
        && !source.attributes.has("tool.name")
}

fn own_category(source: &Source) -> Option<Category> {
    hands_over(source).then_some(Category::Agent)
}

/// The agent of an agent's span, as the node of its framework's graph.
fn name_agent(source: &Source, into: &mut Translation) {
    if into.genai.agent.is_none() && source.attributes.str("openinference.span.kind") == Some("AGENT") {
        into.genai.agent = source.attributes.str("graph.node.id").map(str::to_owned);
    }
}

fn matches(source: &Source) -> bool {
    const PREFIXES: &[&str] = &[
        "llm.input_messages.",
        "llm.output_messages.",
        "llm.tools.",
        "llm.prompts.",
        "llm.choices.",
        "retrieval.documents.",
        "embedding.embeddings.",
        "reranker.",
    ];
    let scope = source.scope.name.as_str();
    !source.is_log()
        && (source.attributes.has("openinference.span.kind")
            || scope.starts_with("openinference.")
            || scope.starts_with("@arizeai/openinference")
            || PREFIXES.iter().any(|prefix| source.attributes.has_prefix(prefix)))
}

fn translate(source: &Source, into: &mut Translation) {
    if hands_over(source) {
        return;
    }
    let attributes = source.attributes;
    tools(attributes, into);
    scalars(attributes, &mut into.genai);
    let (mut prompt, mut completion) = match into.genai.category {
        Category::Tool => tool::run(source, into),
        Category::Retriever => (vec![], documents::retrieved(attributes)),
        Category::Reranker => documents::reranked(attributes),
        Category::Embedding => documents::embedded(attributes),
        kind => {
            // smolagents names its agents nowhere else.
            if kind == Category::Agent && source.scope.name.ends_with("smolagents") && into.genai.agent.is_none() {
                into.genai.agent = source.name.strip_suffix(".run").map(str::to_owned);
            }
            let (prompt, mut completion) = exchange(source, kind, into);
            spliced_calls::name(&mut completion, &into.tools);
            (prompt, completion)
        }
    };
    if source.scope.name.ends_with(".openai_agents") {
        // Older versions name an agent only as the node of a graph.
        if into.genai.agent.is_none() && attributes.str("openinference.span.kind") == Some("AGENT") {
            into.genai.agent = attributes.str("graph.node.id").map(str::to_owned);
        }
        prompt.iter_mut().chain(&mut completion).for_each(without_arguments);
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// Of the Agents SDK's calls arguments are written unless they are `{}`.
fn without_arguments(message: &mut Message) {
    for part in &mut message.parts {
        if let Content::Call(call) = &mut part.content
            && call.input == Value::Null
        {
            call.input = Value::Map(Vec::new());
        }
    }
}

fn tools(attributes: &Attributes, into: &mut Translation) {
    let listed = indexed::tree(attributes, "llm.tools.");
    for item in listed.as_ref().and_then(Value::as_array).unwrap_or_default() {
        let tool = item.get("tool").unwrap_or(item);
        definitions::read(tool.get("json_schema").unwrap_or(tool), &mut into.tools);
    }
    for key in ["llm.tools", "smolagents.tools_names"] {
        if let Some(list) = attributes.get(key) {
            definitions::read(list, &mut into.tools);
        }
    }
}

/// What is JSON or a sum, and so in no table.
fn scalars(attributes: &Attributes, genai: &mut GenAi) {
    if let Some(MaybeJson::Data(given)) = attributes.get("llm.invocation_parameters").map(MaybeJson::of) {
        // Of a stream some have the model nowhere else.
        provider_payload_facts::of_request(&given, genai);
    }
    if genai.reported.cost.is_none() {
        let cost = |key| attributes.get(key).and_then(Value::as_number);
        let (prompt, completion) = (cost("llm.cost.prompt"), cost("llm.cost.completion"));
        if prompt.is_some() || completion.is_some() {
            let dollars = prompt.unwrap_or_default() + completion.unwrap_or_default();
            genai.reported.cost = Usd::from_dollars(dollars);
        }
    }
}

/// What was sent and what came back: of a model call, or of a chain or agent around some.
fn exchange(source: &Source, kind: Category, into: &mut Translation) -> (Vec<Message>, Vec<Message>) {
    let attributes = source.attributes;
    let sent = whole(attributes, "input", Role::User, kind);
    let answer = whole(attributes, "output", Role::Assistant, kind);
    match &answer {
        Some(Whole { value, .. }) if kind == Category::Llm => {
            langchain::facts(value, &mut into.genai);
            provider_payload_facts::of_response(value, &mut into.genai);
            haystack_messages::reply(value, &mut into.genai);
        }
        Some(Whole { value, .. }) => forms::crew_usage(value, &mut into.genai),
        None => {}
    }
    let messages = |whole: Option<Whole>| whole.map(|whole| whole.messages).unwrap_or_default();
    let mut flat = flat(attributes, "llm.output_messages.", Role::Assistant);
    flat.extend(texts(attributes, "llm.choices", "completion", Role::Assistant));
    let mut answer = messages(answer);
    if source.scope.name.ends_with("bedrock") {
        flat.iter_mut().chain(&mut answer).for_each(doubled_pieces::read_once);
    }
    if source.scope.name.ends_with("smolagents") {
        forms::thoughts_apart(&mut flat, &answer);
    }
    let completion = fuller(flat, answer);
    let mut flat = self::flat(attributes, "llm.input_messages.", Role::User);
    flat.extend(texts(attributes, "llm.prompts", "prompt", Role::User));
    let mut prompt = fuller(flat, messages(sent));
    // The output of a graph is its whole state, which begins with the input.
    let state = if kind == Category::Llm { 0 } else { common(&prompt, &completion) };
    let mut completion = completion.into_iter().skip(state).peekable();
    // Where only the output is recorded, it begins with the prompt.
    if prompt.is_empty() {
        let is_asked = |message: &Message| matches!(message.role, Role::System | Role::User);
        prompt.extend(std::iter::from_fn(|| completion.next_if(is_asked)));
    }
    (prompt, completion.collect())
}

/// How many messages two lists begin with together.
pub fn common(prompt: &[Message], completion: &[Message]) -> usize {
    prompt.iter().zip(completion).take_while(|(sent, repeated)| sent == repeated).count()
}

/// A whole request or answer, and the messages in it.
struct Whole<'a> {
    value: Cow<'a, Value>,
    messages: Vec<Message>,
}

/// Reads `input.value` or `output.value` where it is structured. A plain text there is `plain_io`'s.
fn whole<'a>(attributes: &'a Attributes, side: &str, role: Role, kind: Category) -> Option<Whole<'a>> {
    if attributes.str(&format!("{side}.mime_type")) == Some("text/plain") {
        return None;
    }
    let (value, cut) = MaybeJson::of(attributes.get(&format!("{side}.value"))?).data()?;
    let value = if kind == Category::Llm { of_event(value) } else { value };
    // Only a model call is known to be a request to a model's API.
    let api = || if kind == Category::Llm { api(&value, role) } else { None };
    // Such a request has its instructions beside the messages.
    let instructed = || api().filter(|_| value.get("system").or_else(|| value.get("instructions")).is_some());
    let printed = || haystack_messages::messages(&value, role);
    let found = forms::messages(&value, role)
        .or_else(printed)
        .or_else(instructed)
        .or_else(|| langchain::messages(&value, role));
    let found = found.or_else(api).unwrap_or_default();
    Some(Whole { value, messages: reading::ends(found, cut) })
}

/// The response in the last event of a stream, which Mistral's client wraps in `data`; other values as they are.
fn of_event(value: Cow<Value>) -> Cow<Value> {
    let response = value.get("data").filter(|data| data.get("choices").is_some() && value.get("choices").is_none());
    response.cloned().map_or(value, Cow::Owned)
}

/// A provider's own request or response, or a list of responses.
fn api(value: &Value, role: Role) -> Option<Vec<Message>> {
    provider_payload::messages(value, role).or_else(|| {
        let items = value.as_array().filter(|items| !items.is_empty())?;
        let read: Option<Vec<_>> = items.iter().map(|item| provider_payload::messages(item, role)).collect();
        Some(read?.into_iter().flatten().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    fn span(kind: &str, pairs: &[(&str, &str)]) -> Sample {
        Sample::span("x").with(&[("openinference.span.kind", kind)]).with(pairs)
    }

    #[test]
    fn the_agents_sdk_hands_over_without_messages_and_calls_without_arguments() {
        let scope = "openinference.instrumentation.openai_agents";
        let names = [("input.value", "Front Desk"), ("output.value", "Refunds")];
        let read =
            Sample::span("handoff to Refunds").scope(scope).with(&[("openinference.span.kind", "TOOL")]).with(&names);
        let read = read.translate();
        assert_eq!((read.readings.len(), read.genai.category), (0, Category::Agent));
        let agent = span("AGENT", &[("graph.node.id", "Front Desk")]).scope(scope).translate();
        assert_eq!(agent.genai.agent.as_deref(), Some("Front Desk"));
        let call = [
            ("llm.input_messages.0.message.role", "assistant"),
            ("llm.input_messages.0.message.tool_calls.0.tool_call.id", "c1"),
            ("llm.input_messages.0.message.tool_calls.0.tool_call.function.name", "w"),
        ];
        assert_eq!(sides(&span("LLM", &call).scope(scope).translate()).0, ["assistant: w#c1{}"]);
    }

    #[test]
    fn the_whole_answer_is_read_where_it_has_more() {
        let response = r#"[{"id":"__fake_id__","object":"response","output":[
            {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
            {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."}]},
            {"type":"function_call","call_id":"c1","name":"w","arguments":"{}"}],
            "usage":{"input_tokens":207,"input_tokens_details":{"cached_tokens":192},"output_tokens":45,
                "output_tokens_details":{"reasoning_tokens":23}}}]"#;
        let read = span("LLM", &[("output.value", response), ("output.mime_type", "application/json")])
            .typed("llm.token_count.prompt", "207")
            .typed("llm.token_count.completion", "45")
            .translate();
        assert_eq!(sides(&read).1.join(" | "), "assistant: (thought) hm | assistant: Hi. | assistant: w#c1{}");
        assert_eq!((read.genai.reported.cache_read, read.genai.reported.reasoning), (Some(192), Some(23)));
        let flat = [
            ("llm.output_messages.0.message.role", "assistant"),
            ("llm.output_messages.0.message.contents.0.message_content.text", "hm"),
            ("llm.output_messages.0.message.contents.1.message_content.text", "Hi."),
            (
                "output.value",
                r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hi."}],"stop_reason":"end_turn"}"#,
            ),
        ];
        let read = span("LLM", &flat).translate();
        assert_eq!(sides(&read).1, ["assistant: (thought) hm · Hi."]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("end_turn"));
        // Of a document the flat keys have no bytes.
        let document = [
            (
                "input.value",
                r#"{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"aGk="}}]}]}"#,
            ),
            ("llm.input_messages.0.message.role", "user"),
            ("llm.input_messages.0.message.contents.0.message_content.type", "document"),
            ("llm.input_messages.0.message.contents.0.message_content.text", r#"{"type":"document","source":{}}"#),
        ];
        assert_eq!(sides(&span("LLM", &document).translate()).0, ["user: <document application/pdf 2 bytes>"]);
        let older = [
            (
                "input.value",
                r#"{"system":[{"type":"text","text":"S"}],"messages":[{"role":"user","content":"q"},
                    {"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"w","input":{}}]},
                    {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"18C"}]}]}]}"#,
            ),
            ("llm.input_messages.0.message.role", "user"),
            ("llm.input_messages.0.message.content", "q"),
            ("llm.input_messages.1.message.role", "assistant"),
            ("llm.input_messages.1.message.tool_calls.0.tool_call.function.name", "w"),
            ("llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments", "{}"),
            ("llm.input_messages.2.message.role", "user"),
            ("llm.input_messages.2.message.content", r#"[{"type": "text", "text": "18C"}]"#),
        ];
        let repeated = sides(&span("LLM", &older).translate()).0;
        assert_eq!(repeated, ["system: S", "user: q", "assistant: w#c1{}", "tool: =c1 18C"]);
        // Of a request that an SDK cut to so many attributes the first messages are gone.
        let cut = [
            (
                "input.value",
                r#"{"messages":[{"role":"user","content":"q1"},{"role":"assistant","content":"a1"},{"role":"user","content":"q2"}]}"#,
            ),
            ("llm.input_messages.2.message.role", "user"),
            ("llm.input_messages.2.message.content", "q2"),
        ];
        assert_eq!(sides(&span("LLM", &cut).translate()).0, ["user: q1", "assistant: a1", "user: q2"]);
    }

    #[test]
    fn a_graphs_state_is_shown_once() {
        let human = r#"{"type":"human","data":{"content":"q"}}"#;
        let answer = r#"{"type":"ai","data":{"content":"a"}}"#;
        let read = span("CHAIN", &[("input.value", &format!(r#"{{"messages":[{human}]}}"#))])
            .with(&[("output.value", &format!(r#"{{"messages":[{human},{answer}]}}"#))])
            .translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        // Data that is no message is only read by the fallback.
        let plain = span("CHAIN", &[("output.value", r#"{"messages":"none"}"#)]).translate();
        assert_eq!(plain.dialects, ["plain-io"]);
    }

    #[test]
    fn the_last_event_of_mistrals_stream_has_the_ids_of_calls_and_the_tokens() {
        let event = r#"{"data":{"choices":[{"message":{"content":"So:","tool_calls":[{"function":{"name":"w","arguments":"{\"a\":1}"},"id":"c1"}],"role":"assistant"},"index":0,"finish_reason":"tool_calls"}],
            "id":"r1","model":"mistral-small","usage":{"prompt_tokens":31,"completion_tokens":37,"prompt_tokens_details":{"cached_tokens":30}}}}"#;
        let message = "llm.output_messages.0.message";
        let call = format!("{message}.tool_calls.0.tool_call.function");
        let pairs = [
            ("output.value", event),
            (&*format!("{message}.role"), "assistant"),
            (&*format!("{message}.content"), "So:"),
            (&*format!("{call}.name"), "w"),
            (&*format!("{call}.arguments"), r#"{"a":1}"#),
        ];
        let read = span("LLM", &pairs).translate();
        let [reading] = &read.readings[..] else { panic!("one reading") };
        let Content::Call(call) = &reading.completion[0].parts[1].content else { panic!("a call") };
        assert_eq!((call.id.as_deref(), call.name.as_str(), reading.completion.len()), (Some("c1"), "w", 1));
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.input(), usage.cache_read, usage.output), (Some(31), Some(30), Some(37)));
    }

    #[test]
    fn only_the_whole_request_says_which_results_are_failures() {
        let result = |id: &str, status: &str| {
            format!(r#"{{"toolResult":{{"toolUseId":"{id}","content":[{{"text":"no"}}],"status":"{status}"}}}}"#)
        };
        let sent = [result("c1", "error"), result("c2", "success")].join(",");
        let pairs = [
            ("llm.input_messages.0.message.role", "system"),
            ("llm.input_messages.0.message.content", "Be brief."),
            ("llm.input_messages.1.message.role", "tool"),
            ("llm.input_messages.1.message.content", "no"),
            ("llm.input_messages.1.message.tool_call_id", "c1"),
            ("llm.input_messages.2.message.role", "tool"),
            ("llm.input_messages.2.message.content", "no"),
            ("llm.input_messages.2.message.tool_call_id", "c2"),
            ("input.value", &format!(r#"[{{"role":"user","content":[{sent}]}}]"#)),
        ];
        let read = span("LLM", &pairs).translate();
        let results = read.readings[0].prompt.iter().flat_map(|message| &message.parts).filter_map(|part| {
            let Content::Result(result) = &part.content else { return None };
            Some((result.call_id.clone()?, result.is_error))
        });
        let results: Vec<_> = results.collect();
        assert_eq!(results, [("c1".to_owned(), Some(true)), ("c2".to_owned(), None)]);
    }
}
