//! `OpenInference`: what Arize Phoenix and its instrumentors speak (`dialects.md` 6.6).
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
//! attributes drops the first of them; then the whole request or answer speaks. Scalars are in `facts`.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Dialect, category, definitions, documents, indexed, json_ish::Ish, langchain, native, native_facts,
    openinference_forms as forms, openinference_tool as tool, parameters, parts, reading,
};
use crate::model::{
    Attributes, Carrier, Category, GenAi, MediaData, Message, Role, Source, Translation, Usd, Value, What, json,
};

pub const DIALECT: Dialect = Dialect { name: "openinference", speaks, translate };

fn speaks(source: &Source) -> bool {
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
    if category::hands_over(source) {
        return;
    }
    let attributes = source.attributes;
    tools(attributes, into);
    scalars(attributes, &mut into.genai);
    let (mut prompt, mut completion) = match category::of(source, &into.genai) {
        Category::Tool => tool::run(source, into),
        Category::Retriever => (vec![], documents::retrieved(attributes)),
        Category::Reranker => documents::reranked(attributes),
        Category::Embedding => documents::embedded(attributes),
        kind => {
            // smolagents names its agents nowhere else.
            if kind == Category::Agent && source.scope.name.ends_with("smolagents") && into.genai.agent.is_none() {
                into.genai.agent = source.name.strip_suffix(".run").map(str::to_owned);
            }
            exchange(source, kind, into)
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
        if let What::Call(call) = &mut part.what
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
    if let Some(Ish::Data(given)) = attributes.get("llm.invocation_parameters").map(Ish::of) {
        parameters::of_request(&given, &mut genai.parameters);
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
            native_facts::of_response(value, &mut into.genai);
        }
        Some(Whole { value, .. }) => forms::crew_usage(value, &mut into.genai),
        None => {}
    }
    let messages = |whole: Option<Whole>| whole.map(|whole| whole.messages).unwrap_or_default();
    let mut flat = flat(attributes, "llm.output_messages.", Role::Assistant);
    flat.extend(texts(attributes, "llm.choices", "completion", Role::Assistant));
    let answer = messages(answer);
    if source.scope.name.ends_with("smolagents") {
        forms::thoughts_apart(&mut flat, &answer);
    }
    let completion = fuller(flat, answer);
    let mut flat = self::flat(attributes, "llm.input_messages.", Role::User);
    flat.extend(texts(attributes, "llm.prompts", "prompt", Role::User));
    let mut prompt = fuller(flat, messages(sent));
    // A graph's state is told whole again at its end.
    let state = if kind == Category::Llm { 0 } else { common(&prompt, &completion) };
    let mut completion = completion.into_iter().skip(state).peekable();
    // A run that is told only at its end begins with what was asked.
    if prompt.is_empty() {
        let is_asked = |message: &Message| matches!(message.role, Role::System | Role::User);
        prompt.extend(std::iter::from_fn(|| completion.next_if(is_asked)));
    }
    (prompt, completion.collect())
}

fn common(prompt: &[Message], completion: &[Message]) -> usize {
    prompt.iter().zip(completion).take_while(|(sent, told)| sent == told).count()
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
    let (value, cut) = Ish::of(attributes.get(&format!("{side}.value"))?).data()?;
    // Only of a model call is it known that it talks to a model's API.
    let api = || if kind == Category::Llm { api(&value, role) } else { None };
    // Such a request has its instructions beside the messages.
    let instructed = || api().filter(|_| value.get("system").or_else(|| value.get("instructions")).is_some());
    let found = forms::messages(&value, role).or_else(instructed).or_else(|| langchain::messages(&value, role));
    let found = found.or_else(api).unwrap_or_default();
    Some(Whole { value, messages: reading::ends(found, cut) })
}

/// A provider's own request or response, or a list of responses.
fn api(value: &Value, role: Role) -> Option<Vec<Message>> {
    native::messages(value, role).or_else(|| {
        let items = value.as_array().filter(|items| !items.is_empty())?;
        let read: Option<Vec<_>> = items.iter().map(|item| native::messages(item, role)).collect();
        Some(read?.into_iter().flatten().collect())
    })
}

/// The flat messages, unless the whole ones say all of that and more.
fn fuller(flat: Vec<Message>, whole: Vec<Message>) -> Vec<Message> {
    let (had, has) = (weight(&flat), weight(&whole));
    // Older versions of Anthropic's instrumentor tell results as a text of blocks, which has more letters.
    let results = |messages: &[Message]| {
        messages.iter().flat_map(|message| &message.parts).any(|part| matches!(part.what, What::Result(_)))
    };
    let says_more = has.1 >= had.1 || (results(&whole) && !results(&flat));
    let more = flat.is_empty() || (has.0 >= had.0 && says_more && has != had);
    if more && !whole.is_empty() { whole } else { flat }
}

/// How much structure is in messages, and how much text; what is hidden counts for nothing.
fn weight(messages: &[Message]) -> (usize, usize) {
    let letters = |text: &str| text.split_whitespace().map(str::len).sum::<usize>();
    let parts = messages.iter().flat_map(|message| &message.parts).filter(|part| !part.hidden);
    parts.fold((0, 0), |(structure, text), part| match &part.what {
        // That a call has no arguments, or that it failed, may be said in one of the two only.
        What::Call(call) => {
            (structure + 1 + usize::from(call.id.is_some()) + usize::from(call.input != Value::Null), text)
        }
        What::Result(result) => {
            let failed = usize::from(result.is_error == Some(true));
            (structure + 1 + usize::from(result.call_id.is_some()) + failed, text)
        }
        What::Reasoning(thought) => (structure + 1, text + thought.text.as_deref().map_or(0, letters)),
        What::Media(media) => (structure + 1 + usize::from(media.data != MediaData::Absent), text),
        What::Text(words) | What::Refusal(words) => (structure, text + letters(words)),
        What::Json(_) | What::Unknown(_) => (structure, text),
    })
}

/// The messages that are spread over keys.
fn flat(attributes: &Attributes, prefix: &str, role: Role) -> Vec<Message> {
    let mut into = Vec::new();
    let list = indexed::tree(attributes, prefix);
    let items = list.as_ref().and_then(Value::as_array).unwrap_or_default();
    let first = if role == Role::User { lost_role(attributes, prefix, items).unwrap_or(role) } else { role };
    for (at, item) in items.iter().enumerate() {
        message(item, if at == 0 { first } else { role }, &mut into);
    }
    into
}

/// The role of a first message that does not say it: an SDK that keeps so many attributes drops those set first.
///
/// What is left of it, and who speaks next, tells which it was.
fn lost_role(attributes: &Attributes, prefix: &str, items: &[Value]) -> Option<Role> {
    let [first, second, ..] = items else { return None };
    let (first, second) = (first.get("message").unwrap_or(first), second.get("message").unwrap_or(second));
    if first.get("role").is_some() {
        return None;
    }
    let next = reading::role(second.str("role")?)?;
    let is_whole = attributes.has_prefix(&format!("{prefix}0."));
    Some(match next {
        _ if first.get("tool_call_id").is_some() => Role::Tool,
        _ if first.get("tool_calls").is_some() => Role::Assistant,
        Role::User if is_whole => Role::System,
        Role::User | Role::Tool => Role::Assistant,
        Role::System | Role::Assistant => return None,
    })
}

/// The texts of the completions API: `llm.prompts.0.prompt.text`, or once a list of texts.
fn texts(attributes: &Attributes, key: &str, field: &str, role: Role) -> Vec<Message> {
    let spread = indexed::tree(attributes, &format!("{key}."));
    let list = spread.as_ref().or_else(|| attributes.get(key)).and_then(Value::as_array).unwrap_or_default();
    let text = |item: &Value| {
        let inner = item.get(field).unwrap_or(item);
        inner.as_str().or_else(|| inner.str("text")).and_then(parts::text)
    };
    list.iter().filter_map(text).flat_map(|part| reading::said(role, vec![part])).collect()
}

/// Reads one flat message in the words that all messages are read in.
fn message(item: &Value, fallback: Role, into: &mut Vec<Message>) {
    let message = item.get("message").filter(|inner| inner.as_map().is_some()).unwrap_or(item);
    if forms::message(item, message, into) {
        return;
    }
    let mut entries = Vec::new();
    let mut content = Vec::new();
    let mut blocks = Vec::new();
    let mut called = Vec::new();
    for (key, value) in message.as_map().unwrap_or_default() {
        match (key.as_str(), value) {
            ("content", Value::String(_)) if is_tool(message) => content.extend(encoded(value)),
            ("content", _) => content.push(value.clone()),
            ("contents", Value::Array(items)) => blocks.extend(items.iter().map(block)),
            ("tool_calls", Value::Array(items)) => called.extend(items.iter().map(unwrapped)),
            ("function_call_name", name) => {
                let input = message.get("function_call_arguments_json").cloned().unwrap_or_default();
                let call = vec![("name".to_owned(), name.clone()), ("arguments".to_owned(), input)];
                entries.push(("function_call".to_owned(), Value::Map(call)));
            }
            ("function_call_arguments_json", _) => {}
            (_, value) => entries.push((key.clone(), value.clone())),
        }
    }
    // Some say a text both ways.
    content.retain(|text| !blocks.iter().any(|block| block.get("text") == Some(text)));
    content.extend(blocks);
    forget_asked(&content, &mut called);
    match <[Value; 1]>::try_from(content) {
        Ok([one]) => entries.push(("content".to_owned(), one)),
        Err(content) => entries.push(("content".to_owned(), Value::Array(content))),
    }
    entries.push(("tool_calls".to_owned(), Value::Array(called)));
    let mut said = Vec::new();
    reading::message(&Value::Map(entries), fallback, &mut said);
    if let Some(words) = item.str("thought") {
        forms::think(words, &mut said);
    }
    into.append(&mut said);
}

fn is_tool(message: &Value) -> bool {
    message.str("role").and_then(reading::role) == Some(Role::Tool)
}

/// A tool's answer: JSON of blocks, or whatever text it is.
fn encoded(value: &Value) -> Vec<Value> {
    match Ish::of(value) {
        Ish::Data(data) if parts::blocks(&data).is_some() => match data.into_owned() {
            Value::Array(blocks) => blocks,
            block => vec![block],
        },
        _ => vec![value.clone()],
    }
}

/// `{"message_content": {…}}`, which for a call stands beside it: `{"message_content": {"type": "tool_use"}, "tool_call": {…}}`.
fn block(item: &Value) -> Value {
    let kind = ("type".to_owned(), Value::from("tool_use"));
    match (item.get("message_content"), item.get("tool_call")) {
        (_, Some(call)) => Value::Map(vec![kind, ("tool_call".to_owned(), call.clone())]),
        (Some(content), None) => content.clone(),
        (None, None) => item.clone(),
    }
}

fn unwrapped(item: &Value) -> Value {
    item.get("tool_call").unwrap_or(item).clone()
}

/// Drops the calls that are among the blocks of the content, too, where not both have an id: by what they ask.
fn forget_asked(content: &[Value], called: &mut Vec<Value>) {
    let function = |call: &Value| call.get("function").map(json::to_string);
    let asked = content.iter().filter(|block| block.str("type") == Some("tool_use"));
    let asked: Vec<&Value> = asked.filter_map(|block| block.get("tool_call")).collect();
    let nameless = asked.iter().filter(|call| call.get("id").is_none()).map(|call| function(call)).collect();
    let all: HashSet<Option<String>> = asked.iter().map(|call| function(call)).collect();
    called.retain(|call| {
        let known: &HashSet<Option<String>> = if call.get("id").is_some() { &nameless } else { &all };
        !known.contains(&function(call))
    });
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, said};
    use super::*;
    use crate::model::TokenUsage;

    fn span(kind: &str, pairs: &[(&str, &str)]) -> Sample {
        Sample::span("x").with(&[("openinference.span.kind", kind)]).with(pairs)
    }

    #[test]
    fn the_agents_sdk_hands_over_without_a_word_and_calls_without_arguments() {
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
        assert_eq!(said(&span("LLM", &call).scope(scope).translate()).0, ["assistant: w#c1{}"]);
    }

    fn sent(pairs: &[(&str, &str)]) -> Vec<String> {
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (format!("llm.input_messages.{key}"), *text)).collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (key.as_str(), *text)).collect();
        said(&span("LLM", &pairs).translate()).0
    }

    #[test]
    fn a_model_call_is_read_from_flat_keys() {
        let call = "llm.output_messages.0.message.tool_calls";
        let read = span("LLM", &[("llm.input_messages.0.message.role", "user")])
            .with(&[("llm.input_messages.0.message.content", "ping hosts"), ("llm.model_name", "gpt-4o")])
            .with(&[("llm.output_messages.0.message.role", "assistant")])
            .with(&[(&format!("{call}.0.tool_call.id"), "c1"), (&format!("{call}.0.tool_call.function.name"), "ping")])
            .with(&[(&format!("{call}.0.tool_call.function.arguments"), r#"{"h":"a"}"#)])
            .with(&[(&format!("{call}.1.tool_call.id"), "c2"), (&format!("{call}.1.tool_call.function.name"), "ping")])
            .with(&[(&format!("{call}.1.tool_call.function.arguments"), r#"{"h":"b"}"#)])
            .with(&[("llm.tools.0.tool.json_schema", r#"{"name":"ping","input_schema":{"type":"object"}}"#)])
            .with(&[("llm.invocation_parameters", r#"{"temperature":0.5,"max_output_tokens":64,"stop":null}"#)])
            .typed("llm.token_count.prompt", "50")
            .typed("llm.token_count.prompt_details.cache_read", "20")
            .typed("llm.cost.prompt", "0.25")
            .translate();
        assert_eq!(said(&read).0, ["user: ping hosts"]);
        assert_eq!(said(&read).1, [r#"assistant: ping#c1{"h":"a"} · ping#c2{"h":"b"}"#]);
        assert_eq!(read.dialects, ["openinference"]);
        let usage = TokenUsage { uncached_input: Some(30), cache_read: Some(20), ..TokenUsage::default() };
        assert_eq!(read.genai.usage, Some(usage));
        assert_eq!((read.genai.category, read.tools[0].name.as_str()), (Category::Llm, "ping"));
        let names: Vec<_> = read.genai.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["max_tokens", "temperature"]);
        assert_eq!(read.genai.reported.cost, Usd::from_dollars(0.25));
    }

    #[test]
    fn contents_of_every_kind_are_read_in_order() {
        let content = |at: usize, field: &str| format!("0.message.contents.{at}.message_content.{field}");
        let pairs = [
            ("0.message.role".to_owned(), "assistant"),
            (content(0, "type"), "reasoning"),
            (content(0, "text"), "hm"),
            (content(0, "signature"), "s"),
            (content(1, "type"), "reasoning"),
            (content(1, "data"), "aGk="),
            (content(2, "type"), "text"),
            (content(2, "text"), "Look."),
            (content(3, "type"), "image"),
            (content(3, "image.image.url"), "https://x/y.png"),
            (content(4, "type"), "audio"),
            (content(4, "audio.audio.url"), "data:audio/wav;base64,aGk="),
            (content(5, "type"), "tool_use"),
            ("0.message.contents.5.tool_call.function.name".to_owned(), "w"),
            ("0.message.contents.5.tool_call.function.arguments".to_owned(), "{}"),
            ("0.message.tool_calls.0.tool_call.function.name".to_owned(), "w"),
            ("0.message.tool_calls.0.tool_call.function.arguments".to_owned(), "{}"),
            ("0.message.content".to_owned(), "Look."),
        ];
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (key.as_str(), *text)).collect();
        let expected = "assistant: (thought) hm · (opaque 2) · Look. · <image ? https://x/y.png> · \
            <audio audio/wav 2 bytes> · w#-{}";
        assert_eq!(sent(&pairs), [expected]);
    }

    #[test]
    fn the_texts_of_people_stay_texts_and_a_tools_blocks_are_blocks() {
        let block = r#"[{"type":"text","text":"18C"}]"#;
        assert_eq!(sent(&[("0.message.role", "user"), ("0.message.content", block)]), [format!("user: {block}")]);
        let tool = [("3.message.role", "tool"), ("3.message.tool_call_id", "c1"), ("3.message.content", block)];
        assert_eq!(sent(&tool), ["tool: =c1 18C"]);
        let data = [("3.message.role", "tool"), ("3.message.tool_call_id", "c1"), ("3.message.content", r#"{"a":1}"#)];
        assert_eq!(sent(&data), [r#"tool: =c1 {"a":1}"#]);
        let hidden = [("0.message.role", "user"), ("0.message.content", "__REDACTED__")];
        assert_eq!(sent(&hidden), ["user: __REDACTED__(hidden)"]);
        let legacy = [
            ("0.message.role", "assistant"),
            ("0.message.function_call_name", "w"),
            ("0.message.function_call_arguments_json", r#"{"a":1}"#),
        ];
        assert_eq!(sent(&legacy), [r#"assistant: w#-{"a":1}"#]);
    }

    #[test]
    fn a_role_that_an_sdk_dropped_is_told_by_what_is_left() {
        let next = |role, rest: &[(&str, &str)]| {
            let pairs = [rest, &[("9.message.role", role), ("9.message.content", "b")]].concat();
            sent(&pairs)[0].clone()
        };
        assert_eq!(next("user", &[("0.message.content", "a")]), "system: a");
        assert_eq!(next("user", &[("4.message.content", "a")]), "assistant: a");
        assert_eq!(next("assistant", &[("4.message.content", "a")]), "user: a");
        assert_eq!(next("tool", &[("4.message.contents.0.message_content.text", "a")]), "assistant: a");
        assert_eq!(next("user", &[("4.message.content", "a"), ("4.message.tool_call_id", "c1")]), "tool: =c1 a");
    }

    #[test]
    fn texts_of_the_completions_api_are_read() {
        let read = span("LLM", &[("llm.prompts.0.prompt.text", "Once"), ("llm.choices.0.completion.text", "upon")]);
        assert_eq!(said(&read.translate()), (vec!["user: Once".to_owned()], vec!["assistant: upon".to_owned()]));
        let listed = span("LLM", &[]).typed("llm.prompts", r#"["Once"]"#).translate();
        assert_eq!(said(&listed).0, ["user: Once"]);
    }

    #[test]
    fn the_whole_answer_speaks_where_it_says_more() {
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
        assert_eq!(said(&read).1.join(" | "), "assistant: (thought) hm | assistant: Hi. | assistant: w#c1{}");
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
        assert_eq!(said(&read).1, ["assistant: (thought) hm · Hi."]);
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
        assert_eq!(said(&span("LLM", &document).translate()).0, ["user: <document application/pdf 2 bytes>"]);
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
        let told = said(&span("LLM", &older).translate()).0;
        assert_eq!(told, ["system: S", "user: q", "assistant: w#c1{}", "tool: =c1 18C"]);
        // Of a request that an SDK cut to so many attributes the first messages are gone.
        let cut = [
            (
                "input.value",
                r#"{"messages":[{"role":"user","content":"q1"},{"role":"assistant","content":"a1"},{"role":"user","content":"q2"}]}"#,
            ),
            ("llm.input_messages.2.message.role", "user"),
            ("llm.input_messages.2.message.content", "q2"),
        ];
        assert_eq!(said(&span("LLM", &cut).translate()).0, ["user: q1", "assistant: a1", "user: q2"]);
    }

    #[test]
    fn a_graphs_state_is_told_once() {
        let human = r#"{"type":"human","data":{"content":"q"}}"#;
        let answer = r#"{"type":"ai","data":{"content":"a"}}"#;
        let read = span("CHAIN", &[("input.value", &format!(r#"{{"messages":[{human}]}}"#))])
            .with(&[("output.value", &format!(r#"{{"messages":[{human},{answer}]}}"#))])
            .translate();
        assert_eq!(said(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        // Data that is no message is nobody's but the fallback's.
        let plain = span("CHAIN", &[("output.value", r#"{"messages":"none"}"#)]).translate();
        assert_eq!(plain.dialects, ["plain-io"]);
    }
}
