//! `logfire`: Logfire's integrations of OpenAI and Anthropic, and what its format shares with others
//! (`sdks.md` 7).
//!
//! Marks: attributes `logfire.…`, scopes `logfire.…`. The provider's own request and answer, as JSON; the newer
//! versions have the messages under the GenAI names, and only the tokens in the provider's form:
//!
//! ```text
//!   request_data        {model, messages | input | prompt, system, tools, …}
//!   response_data       {message, usage} | {combined_chunk_content} | {text, finish_reason} | a whole response
//!   events              [{"event.name": "gen_ai.user.message", content, …}, …]     answers last, with or without choice
//!   gen_ai.usage.raw    the provider's usage object
//! ```
//!
//! The answer of a stream is on a second span without duration, "streaming response from … took …", which repeats the
//! request: `assemble` joins the two to one call. A `pending_span` is sent when a span begins, beneath it.

use super::{
    Dialect, FactRow, Field, Framework, How, RecordingHints,
    calls::{first, first_str},
    category, definitions, gen_ai_events,
    maybe_json::MaybeJson,
    parameters, parts, provider, provider_payload, reading, token_counts,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, GenAi, Message, Note, Part, Role, Source, StatusCode, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "logfire",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    unstated_category: Some(unstated_category),
    is_pending: Some(is_pending),
    facts: &[FactRow::of(Field::Cost, How::Dollars, &["operation.cost"])],
    complete_facts: Some(name),
    tags: &["logfire.tags"],
    frameworks: &[Framework {
        label: "logfire",
        rank: 350,
        scopes: &["logfire"],
        keys: &["logfire."],
        is_sdk: Some(|sdk| sdk.contains("logfire")),
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["logfire"],
        framework: "logfire",
        messages: "logfire.configure(scrubbing=False), if they were scrubbed",
        session: "run it within `with logfire.set_baggage(**{\"session.id\": \"ID\"}):`, and let it through with \
            logfire.configure(scrubbing=False)",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

/// The category by the template of the message that names a span.
fn unstated_category(source: &Source) -> Option<Category> {
    const NAMES: &[(&str, &str, Category)] = &[
        ("logfire.openai", "Chat Completion", Category::Llm),
        ("logfire.openai", "Responses API", Category::Llm),
        ("logfire.openai", "Completion with", Category::Llm),
        ("logfire.openai", "Image Generation", Category::Llm),
        ("logfire.openai", "Embedding Creation", Category::Embedding),
        ("logfire.openai", STREAM_END, Category::Llm),
        ("logfire.anthropic", "Message with", Category::Llm),
        ("logfire.anthropic", STREAM_END, Category::Llm),
    ];
    category::by_scope_and_name(source, NAMES)
}

/// Adds the name that is shown, the template's message with its values, and the tool that it names: `running tool: w`.
fn name(source: &Source, into: &mut Translation) {
    let message = source.attributes.str("logfire.msg");
    // Without a template the message is a log line, and no name.
    let rendered = message.filter(|_| source.attributes.has("logfire.msg_template"));
    into.context.display_name = into.context.display_name.take().or_else(|| rendered.map(str::to_owned));
    let tool = into.genai.tool.get_or_insert_default();
    let message = message.filter(|_| source.name == "running tool");
    let named = message.map(|message| message.strip_prefix("running tool: ").unwrap_or(message).to_owned());
    tool.name = tool.name.take().or(named);
}

const REQUEST: &str = "request_data";
const RESPONSE: &str = "response_data";
const EVENTS: &str = "events";
const USAGE: &str = "gen_ai.usage.raw";

fn matches(source: &Source) -> bool {
    let attributes = source.attributes;
    attributes.has(USAGE) || (is_logfire(source) && [REQUEST, RESPONSE, EVENTS].iter().any(|key| attributes.has(key)))
}

/// Whether a span is in Logfire's format, so that common words among its attributes mean what they mean there.
pub fn is_logfire(source: &Source) -> bool {
    source.scope.name.starts_with("logfire") || source.attributes.has_prefix("logfire.")
}

/// Whether it only announces that a span began. That span has all its attributes, and more.
fn is_pending(source: &Source) -> bool {
    source.attributes.str("logfire.span_type") == Some("pending_span")
}

/// Beginning of the name of the second span of a streamed call.
const STREAM_END: &str = "streaming response from ";

/// Whether a span is one of the Agents SDK's.
pub fn is_agents(source: &Source) -> bool {
    matches!(source.scope.name.as_str(), "logfire.openai_agents" | "openai.agents" | "openai_agents")
}

fn translate(source: &Source, into: &mut Translation) {
    into.genai.ends_stream = source.name.starts_with(STREAM_END);
    let data = |key| json(source, key);
    let (request, response) = (data(REQUEST), data(RESPONSE));
    if let Some(request) = &request {
        asked(source, request, into);
    }
    let usage = data(USAGE).or_else(|| response.as_ref()?.get("usage").cloned());
    if let Some(usage) = usage {
        token_counts::of_provider(&usage, &mut into.genai.reported);
    }
    // Spans of OpenAI's Agents SDK have the same in more detail, in attributes that `openai_agents` reads.
    if is_agents(source) {
        return;
    }
    let prompt = request.as_ref().and_then(provider_payload::request).unwrap_or_default();
    let mut completion =
        response.as_ref().map_or_else(Vec::new, |response| answered(source, response, &mut into.genai));
    if source.scope.name == "logfire.anthropic" {
        completion.iter_mut().for_each(unwrap_arguments);
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
    if let Some(list) = data(EVENTS) {
        let (prompt, completion) = events(&list, source.status.code != StatusCode::Error, &mut into.notes);
        reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
    }
}

/// An attribute that holds a list or an object, typed or as JSON, whole or cut.
pub fn json(source: &Source, key: &str) -> Option<Value> {
    MaybeJson::of(source.attributes.get(key)?).into_data()
}

/// Adds what a request has beside its messages: tools, parameters, model, provider.
fn asked(source: &Source, request: &Value, into: &mut Translation) {
    if let Some(tools) = request.get("tools") {
        definitions::read(tools, &mut into.tools);
    }
    let genai = &mut into.genai;
    parameters::of_request(request, &mut genai.parameters);
    genai.model = genai.model.take().or_else(|| first_str(request, &["model"]).map(str::to_owned));
    genai.provider = genai.provider.take().or_else(|| {
        let named = match source.scope.name.as_str() {
            "logfire.anthropic" => Some("anthropic"),
            "logfire.openai" => Some("openai"),
            _ => genai.model.as_deref().and_then(provider::of_model),
        };
        let by_form = || match (request.get("system"), request.get("messages")) {
            (Some(_), _) => Some("anthropic"),
            (None, Some(_)) => Some("openai"),
            (None, None) => None,
        };
        named.or_else(by_form).map(str::to_owned)
    });
}

/// What came back, and how it ended.
fn answered(source: &Source, response: &Value, genai: &mut GenAi) -> Vec<Message> {
    let ended = first_str(response, &["finish_reason", "stop_reason"]);
    genai.stop_reason = genai.stop_reason.take().or_else(|| ended.map(str::to_owned));
    genai.response_model = genai.response_model.take().or_else(|| first_str(response, &["model"]).map(str::to_owned));
    if let Some(message) = response.get("message").filter(|message| message.as_map().is_some()) {
        return reading::messages(message, Role::Assistant);
    }
    if let Some(images) = response.get("images").and_then(Value::as_array) {
        return reading::from_parts(Role::Assistant, images.iter().map(picture).collect());
    }
    match first(response, &["combined_chunk_content", "text"]) {
        Some(Value::String(text)) => reading::from_parts(Role::Assistant, parts::text(text).into_iter().collect()),
        _ if source.name.starts_with("Embedding") => Vec::new(),
        _ => provider_payload::messages(response, Role::Assistant).unwrap_or_default(),
    }
}

/// OpenAI's `{"url": …}` or `{"b64_json": …}`.
fn picture(image: &Value) -> Part {
    let data = first(image, &["b64_json"]).map(|data| Value::Map(vec![("data".to_owned(), data.clone())]));
    let part = super::media::part("image", data.as_ref().unwrap_or(image));
    part.unwrap_or_else(|| Part::new(Content::Unknown(image.clone())))
}

/// The first versions wrap what Anthropic's model passes to a tool: `{"input": {…}}`.
fn unwrap_arguments(message: &mut Message) {
    for part in &mut message.parts {
        let Content::Call(call) = &mut part.content else { continue };
        let wrapped = call.input.as_map().is_some_and(|map| matches!(map, [(key, Value::Map(_))] if key == "input"));
        if wrapped && let Some(inner) = call.input.get("input").cloned() {
            call.input = inner;
        }
    }
}

/// What marks two events as pieces of one message.
#[derive(PartialEq)]
enum MessageKey {
    /// `gen_ai.message.index`, or that of a choice.
    Nth(bool, u64),
    /// The Responses API's content, each item an event of its own.
    Item,
}

/// Reads a list of events: what was sent, and what came back.
///
/// Not every sender has a choice among them: then an answer, if there is one, is the assistant's last message.
pub fn events(list: &Value, has_answer: bool, notes: &mut Vec<Note>) -> (Vec<Message>, Vec<Message>) {
    let (mut prompt, mut completion) = (Vec::new(), Vec::new());
    let mut before: Option<MessageKey> = None;
    for event in list.as_array().unwrap_or_default() {
        let name = event.str("event.name").unwrap_or_default();
        let (asked, answered) = match name {
            "gen_ai.unknown" => (item(event), Vec::new()),
            _ => gen_ai_events::of_json(name, event, notes),
        };
        let index = |key| event.get(key).and_then(Value::as_count);
        let piece = match name {
            "gen_ai.choice" => index("index").map(|nth| MessageKey::Nth(true, nth)),
            "gen_ai.unknown" => Some(MessageKey::Item),
            _ => index("gen_ai.message.index").map(|nth| MessageKey::Nth(false, nth)),
        };
        let goes_on = piece.is_some() && piece == before;
        before = piece;
        add(&mut prompt, asked, goes_on);
        add(&mut completion, answered, goes_on);
    }
    if completion.is_empty() && has_answer {
        completion = joined(reading::take_answer(&mut prompt));
    }
    (joined(prompt), completion)
}

fn add(into: &mut Vec<Message>, messages: Vec<Message>, goes_on: bool) {
    for message in messages {
        match into.last_mut().filter(|last| goes_on && last.role == message.role && last.role != Role::Tool) {
            Some(last) => last.parts.extend(message.parts),
            None => into.push(message),
        }
    }
}

/// An item of the Responses API that is no plain message: its data, in the role that its type has.
fn item(event: &Value) -> Vec<Message> {
    let Some(data) = event.get("data") else { return reading::messages(event, Role::Assistant) };
    let kind = data.str("type").unwrap_or_default();
    let stated = event.str("role").and_then(reading::role);
    let fallback = if kind.starts_with("input_") { Role::User } else { Role::Assistant };
    reading::messages(data, stated.unwrap_or(fallback))
}

/// Messages of the assistant in a row as one: the Responses API makes an item of each thought, text and call.
pub fn joined(messages: Vec<Message>) -> Vec<Message> {
    let mut into: Vec<Message> = Vec::with_capacity(messages.len());
    for message in messages {
        let goes_on = into.last().is_some_and(|last| last.role == Role::Assistant && last.name == message.name);
        let of_assistant = message.role == Role::Assistant;
        add(&mut into, vec![message], goes_on && of_assistant);
    }
    into
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::{Category, Translation};

    fn openai(name: &str, pairs: &[(&str, &str)]) -> Translation {
        let marks = [("logfire.msg_template", name), ("logfire.msg", "Chat Completion with 'gpt-4o'")];
        Sample::span(name).scope("logfire.openai").with(&marks).with(pairs).translate()
    }

    const CHAT: &str = "Chat Completion with {request_data[model]!r}";
    const ASKED: &str = r#"{"model":"gpt-4o","temperature":0.2,"messages":[{"role":"system","content":"S"},
        {"role":"user","content":"q"}],"tools":[{"type":"function","function":{"name":"w"}}]}"#;

    #[test]
    fn request_and_response_are_the_providers_own() {
        let answer = r#"{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",
            "function":{"name":"w","arguments":"{\"a\":1}"}}]},"usage":{"prompt_tokens":10,"completion_tokens":5,
            "prompt_tokens_details":{"cached_tokens":4}}}"#;
        let read = openai(CHAT, &[("request_data", ASKED), ("response_data", answer)]);
        assert_eq!(
            sides(&read),
            (vec!["system: S".into(), "user: q".into()], vec![r#"assistant: w#c1{"a":1}"#.to_owned()])
        );
        let genai = &read.genai;
        assert_eq!(
            (genai.model.as_deref(), genai.provider.as_deref(), genai.category),
            (Some("gpt-4o"), Some("openai"), Category::Llm)
        );
        let usage = genai.usage.unwrap_or_default();
        assert_eq!((usage.uncached_input, usage.cache_read, usage.output), (Some(6), Some(4), Some(5)));
        assert_eq!((read.tools[0].name.as_str(), genai.parameters[0].0.as_str()), ("w", "temperature"));
        assert_eq!(read.context.display_name.as_deref(), Some("Chat Completion with 'gpt-4o'"));
    }

    #[test]
    fn a_streams_answer_comes_in_many_forms() {
        let name = "streaming response from {request_data[model]!r} took {duration:.2f}s";
        for (response, expected) in [
            (r#"{"combined_chunk_content":"4","chunk_count":1}"#, "assistant: 4"),
            (r#"{"message":{"role":"assistant","content":"a"},"usage":null}"#, "assistant: a"),
            (r#"{"text":"a","finish_reason":"length"}"#, "assistant: a"),
            (
                r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
                "assistant: a",
            ),
        ] {
            let read = openai(name, &[("request_data", ASKED), ("response_data", response)]);
            assert_eq!(sides(&read).1, [expected], "{response}");
            assert_eq!(read.genai.category, Category::Llm);
        }
        let nothing = openai(name, &[("response_data", r#"{"combined_chunk_content":"","chunk_count":0}"#)]);
        assert!(nothing.readings.is_empty());
    }

    #[test]
    fn anthropics_first_form_wraps_the_arguments() {
        let answer = r#"{"message":{"role":"assistant","content":"so","tool_calls":[{"id":"t1","function":
            {"arguments":"{\"input\":{\"city\":\"Paris\"}}","name":"w"}}]},
            "usage":{"input_tokens":3,"cache_read_input_tokens":7,"output_tokens":2}}"#;
        let request = r#"{"model":"claude-x","system":"S","messages":[{"role":"user","content":"q"}]}"#;
        let read = Sample::span("Message with {request_data[model]!r}")
            .scope("logfire.anthropic")
            .with(&[("request_data", request), ("response_data", answer)])
            .typed("gen_ai.usage.input_tokens", "3")
            .translate();
        assert_eq!(sides(&read).0, ["system: S", "user: q"]);
        assert_eq!(sides(&read).1, [r#"assistant: so · w#t1{"city":"Paris"}"#]);
        assert_eq!((read.genai.provider.as_deref(), read.genai.category), (Some("anthropic"), Category::Llm));
        assert_eq!(read.genai.usage.and_then(|usage| usage.input()), Some(10));
    }

    #[test]
    fn events_without_a_choice_end_with_the_answer() {
        let events = r#"[{"event.name":"gen_ai.system.message","content":"S","role":"system"},
            {"event.name":"gen_ai.unknown","role":"unknown","data":{"type":"input_text","text":"see"}},
            {"event.name":"gen_ai.unknown","role":"unknown","data":{"type":"input_image","image_url":"https://x/y.png"}},
            {"event.name":"gen_ai.unknown","role":"assistant","content":"reasoning\n\nSee JSON for details",
                "data":{"id":"rs","type":"reasoning","summary":[{"text":"hm","type":"summary_text"}]}},
            {"event.name":"gen_ai.assistant.message","content":"a","role":"assistant"},
            {"event.name":"gen_ai.assistant.message","role":"assistant","tool_calls":[
                {"id":"c1","type":"function","function":{"name":"w","arguments":"{}"}}]}]"#;
        let read = openai("Responses API with {gen_ai.request.model!r}", &[("events", events)]);
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["system: S", "user: see · <image ? https://x/y.png>"]);
        assert_eq!(completion, ["assistant: (thought) hm · a · w#c1{}"]);
        assert_eq!(read.genai.category, Category::Llm);
        let failed = Sample::span("Responses API with x").scope("logfire.openai").failed("no");
        let asked = r#"[{"event.name":"gen_ai.user.message","content":"q"},
            {"event.name":"gen_ai.assistant.message","content":"Once upon"}]"#;
        assert_eq!(sides(&failed.with(&[("events", asked)]).translate()).0.len(), 2);
    }

    #[test]
    fn events_of_one_index_are_one_message() {
        let events = r#"[{"event.name":"gen_ai.user.message","content":"q","gen_ai.message.index":0},
            {"event.name":"gen_ai.assistant.message","content":"so","gen_ai.message.index":1},
            {"event.name":"gen_ai.assistant.message","tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"}}],
                "gen_ai.message.index":1},
            {"event.name":"gen_ai.tool.message","id":"c1","content":"18C","gen_ai.message.index":2},
            {"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"It is "}},
            {"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"18C"}}]"#;
        let read = Sample::span("chat m").with(&[("logfire.json_schema", "{}"), ("events", events)]).translate();
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["user: q", "assistant: so · w#c1{}", "tool: =c1 18C"]);
        assert_eq!(completion, ["assistant: It is  · 18C"]);
    }

    #[test]
    fn the_providers_own_count_splits_the_input() {
        let raw = r#"{"cache_creation_input_tokens":256,"cache_read_input_tokens":0,"input_tokens":312}"#;
        let read = Sample::span("Message with x")
            .scope("logfire.anthropic")
            .with(&[("gen_ai.request.model", "claude-x"), ("gen_ai.usage.raw", raw)])
            .typed("gen_ai.usage.input_tokens", "568")
            .translate();
        let usage = read.genai.usage.unwrap_or_default();
        assert_eq!((usage.uncached_input, usage.cache_write, usage.input()), (Some(312), Some(256), Some(568)));
    }

    #[test]
    fn of_a_span_that_only_announces_another_nothing_is_read() {
        let marks = [("logfire.span_type", "pending_span"), ("gen_ai.operation.name", "chat"), ("session.id", "s")];
        let read = openai(CHAT, &[("request_data", ASKED), marks[0], marks[1], marks[2]]);
        assert_eq!((read.genai.category, read.readings.len()), (Category::Span, 0));
        assert_eq!(read.context.session.as_deref(), Some("s"));
    }

    #[test]
    fn common_keys_mean_nothing_elsewhere() {
        let read = Sample::span("POST /").with(&[("events", "[]"), ("request_data", ASKED)]).translate();
        assert_eq!((read.readings.len(), read.genai.model), (0, None));
    }
}
