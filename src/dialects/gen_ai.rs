//! `genai-3`: OpenTelemetry's GenAI conventions from 1.37 on: whole lists of messages (`conventions.md` 3).
//!
//! Marks: `gen_ai.input.messages`, `gen_ai.output.messages`, `gen_ai.system_instructions`, `gen_ai.tool.definitions`;
//! on attributes, or on the event or log record `gen_ai.client.inference.operation.details`; structured or as JSON.
//! Tool spans: `gen_ai.tool.call.arguments` and `gen_ai.tool.call.result`. Searches: `gen_ai.retrieval.query.text` and
//! `gen_ai.retrieval.documents`.

use std::sync::LazyLock;

use super::{
    DIALECTS, Dialect, FactRow, Field, How, ParameterKeys, RecordingHints, calls, definitions, documents, langchain,
    maybe_json::{MaybeJson, unquoted},
    parts, reading,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, GenAi, Message, Part, Reading, Role, Source, Timestamp, ToolResult,
    Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "genai-3",
    content: ContentKind::Conversation,
    matches,
    translate,
    is_general: true,
    facts: &[FactRow::of(Field::ServiceTier, How::Text, &["openai.response.service_tier"])],
    parameters: Some(ParameterKeys { prefix: "openai.request.", names: &[("service_tier", "service_tier")] }),
    recording_hints: &[RecordingHints {
        scopes: &["opentelemetry.util.genai", "opentelemetry.instrumentation.genai"],
        ..HINTS
    }],
    ..Dialect::PLAIN
};

/// What OpenTelemetry's own instrumentations record in the newest form of the conventions.
pub const HINTS: RecordingHints = RecordingHints {
    messages: "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_and_event and \
        OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental",
    ..RecordingHints::ANY
};

/// The event, or the log record, that carries the messages of one request.
pub const DETAILS: &str = "gen_ai.client.inference.operation.details";

pub const INPUT: &str = "gen_ai.input.messages";
pub const OUTPUT: &str = "gen_ai.output.messages";
pub const INSTRUCTIONS: &str = "gen_ai.system_instructions";
const DEFINITIONS: &str = "gen_ai.tool.definitions";
const ARGUMENTS: &str = "gen_ai.tool.call.arguments";
const RESULT: &str = "gen_ai.tool.call.result";
const QUERY: &str = "gen_ai.retrieval.query.text";
const DOCUMENTS: &str = "gen_ai.retrieval.documents";
/// Anthropic's own SDK names the blocks that its tool runner sends back.
const BLOCKS: &str = "anthropic.tool_result.content";

/// The scopes of all dialects whose tools' results are JSON whatever they are.
static QUOTING_SCOPES: LazyLock<Vec<&str>> =
    LazyLock::new(|| DIALECTS.iter().flat_map(|dialect| dialect.quotes_results).copied().collect());

fn matches(source: &Source) -> bool {
    let has = |key: &&str| source.attributes.has(key) || source.body.is_some_and(|body| body.get(key).is_some());
    (source.is_log() && source.name == DETAILS)
        || [INPUT, OUTPUT, INSTRUCTIONS, DEFINITIONS, ARGUMENTS, RESULT, QUERY, DOCUMENTS, BLOCKS].iter().any(has)
        || source.events.iter().any(|event| event.name == DETAILS)
}

fn translate(source: &Source, into: &mut Translation) {
    let carrier = reading::carrier(source);
    // A record may carry the fields in its body, and that as JSON.
    let body = source.body.filter(|_| source.name == DETAILS).map(MaybeJson::of);
    let body = match &body {
        Some(MaybeJson::Data(body)) => body.as_ref(),
        _ => source.body.unwrap_or(&Value::Null),
    };
    let get = |key: &str| source.attributes.get(key).or_else(|| body.get(key));
    let before = into.readings.len();
    carried(DIALECT.name, carrier, get, into);
    // A model's answer is no search, whatever was found for it.
    let is_search = into.genai.category != Category::Llm;
    let asked = get(QUERY).filter(|_| is_search).and_then(Value::as_str).and_then(parts::text);
    let found = get(DOCUMENTS).filter(|_| is_search).map_or_else(Vec::new, documents::of_list);
    let asked = reading::from_parts(Role::User, asked.into_iter().collect());
    reading::push(into, DIALECT.name, carrier, asked, reading::from_parts(Role::Assistant, found));
    let (called, returned) = runs(&into.readings[before..]);
    // On a model call's span OpenLIT joins the arguments of all tools that are called: no execution of one.
    let is_run = !into.genai.category.is_call();
    // Some senders have the same call and result among the messages.
    let result = get(RESULT).or_else(|| get(BLOCKS));
    let (arguments, result) = (get(ARGUMENTS).filter(|_| is_run && !called), result.filter(|_| is_run && !returned));
    let is_json = QUOTING_SCOPES.contains(&source.scope.name.as_str());
    let quoted = result.filter(|_| is_json).and_then(|result| unquoted(result.as_str()?));
    let quoted = quoted.map(Value::String);
    let (prompt, completion) = execution(arguments, quoted.as_ref().or(result), &into.genai);
    reading::push(into, DIALECT.name, carrier, prompt, completion);
    for event in source.events.iter().filter(|event| event.name == DETAILS) {
        carried(DIALECT.name, (Carrier::Event, Some(event.at)), |key| event.attributes.get(key), into);
    }
}

/// Whether there are calls in these readings, and results.
fn runs(readings: &[Reading]) -> (bool, bool) {
    let messages = readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    messages.flat_map(|message| &message.parts).fold((false, false), |(called, returned), part| {
        (called || matches!(part.content, Content::Call(_)), returned || matches!(part.content, Content::Result(_)))
    })
}

/// Reads the messages of one carrier under any dialect's name.
pub fn carried<'a>(
    dialect: &str,
    carrier: (Carrier, Option<Timestamp>),
    get: impl Fn(&str) -> Option<&'a Value>,
    into: &mut Translation,
) {
    if let Some(tools) = get(DEFINITIONS) {
        definitions::read(tools, &mut into.tools);
    }
    let notes = &mut into.notes;
    let mut messages = |name, fallback, value: &Option<MaybeJson>| {
        value.as_ref().map_or_else(Vec::new, |value| reading::messages_in_field(value, name, fallback, notes))
    };
    let (input, output) = (get(INPUT).map(MaybeJson::of), get(OUTPUT).map(MaybeJson::of));
    let input = messages(INPUT, Role::User, &input);
    let completion = messages(OUTPUT, Role::Assistant, &output);
    let mut prompt = get(INSTRUCTIONS).map_or_else(Vec::new, instructions);
    let instructed = prompt.first().map(Message::plain_text);
    // agent-framework repeats its instructions as the first message.
    let repeats = |message: &Message| {
        message.role == Role::System && instructed.as_ref().is_some_and(|text| *text == message.plain_text())
    };
    prompt.extend(input.into_iter().filter(|message| !repeats(message)));
    if into.genai.stop_reason.is_none() {
        into.genai.stop_reason = output.as_ref().and_then(finish_reason);
    }
    reading::push(into, dialect, carrier, prompt, completion);
}

/// The system prompt: a list of parts, or one text.
pub fn instructions(value: &Value) -> Vec<Message> {
    let mut found = Vec::new();
    match MaybeJson::of(value) {
        MaybeJson::Data(data) => match super::provider_payload::messages(&data, Role::System) {
            Some(messages) => return messages,
            None => parts::content(data.get("parts").unwrap_or(&data), &mut found),
        },
        MaybeJson::Cut(data) => {
            parts::content(&data, &mut found);
            if let Some(last) = found.last_mut() {
                last.truncated = true;
            }
        }
        MaybeJson::Text(text) => found.extend(parts::text(unquoted(text).as_deref().unwrap_or(text))),
        MaybeJson::Scalar(_) | MaybeJson::Nothing => {}
    }
    reading::from_parts(Role::System, found)
}

/// The reason that the last answer gives.
fn finish_reason(output: &MaybeJson) -> Option<String> {
    let MaybeJson::Data(data) = output else { return None };
    data.as_array()?
        .iter()
        .rev()
        .find_map(|message| message.str("finish_reason").filter(|word| !word.is_empty()))
        .map(str::to_owned)
}

/// A tool's run as messages: the call with its arguments, and what came back.
pub fn execution(arguments: Option<&Value>, result: Option<&Value>, genai: &GenAi) -> (Vec<Message>, Vec<Message>) {
    let tool = genai.tool.clone().unwrap_or_default();
    let prompt = arguments.map(|given| {
        let (input, truncated) = calls::arguments(given);
        let part = calls::made(tool.call_id.clone(), tool.name.as_deref().unwrap_or_default(), input, false);
        Message::new(Role::Assistant, vec![Part { truncated, ..part }])
    });
    let completion = result.map(|value| {
        if let Some(mut part) = langchain::printed_result(value)
            && let Content::Result(printed) = &mut part.content
        {
            printed.call_id = tool.call_id.or(printed.call_id.take());
            printed.name = tool.name;
            return Message::new(Role::Tool, vec![part]);
        }
        let (mut content, mut is_error) = (Vec::new(), None);
        match MaybeJson::of(value) {
            // An empty list is what a tool returned; an empty map may stand for what is not recorded.
            MaybeJson::Data(data) if data.as_array().is_some_and(<[Value]>::is_empty) => match value.as_str() {
                Some(text) => content.extend(parts::text(text)),
                None => content.push(Part::new(Content::Json(data.into_owned()))),
            },
            MaybeJson::Data(data) => {
                is_error = calls::content_error(&data);
                calls::returned(&data, &mut content);
            }
            MaybeJson::Cut(data) => {
                calls::returned(&data, &mut content);
                if let Some(last) = content.last_mut() {
                    last.truncated = true;
                }
            }
            MaybeJson::Text(_) | MaybeJson::Scalar(_) | MaybeJson::Nothing => calls::returned(value, &mut content),
        }
        let result = ToolResult { call_id: tool.call_id, name: tool.name, is_error, content };
        Message::new(Role::Tool, vec![Part::new(Content::Result(calls::unwrapped(result)))])
    });
    (prompt.into_iter().collect(), completion.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;
    use crate::model::TokenUsage;

    const INSTRUCTED: &str = r#"[{"type":"text","content":"S"}]"#;
    const ASKED: &str = r#"[{"role":"user","parts":[{"type":"text","content":"q"}]}]"#;
    const ANSWERED: &str = r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},
        {"type":"tool_call","id":"c1","name":"w","arguments":{"a":1}},
        {"type":"uri","modality":"image","uri":"https://x/y.png"}],"finish_reason":"tool_call"}]"#;

    fn expected() -> (Vec<String>, Vec<String>) {
        let answer = r#"assistant: (thought) hm · w#c1{"a":1} · <image ? https://x/y.png>"#;
        (vec!["system: S".into(), "user: q".into()], vec![answer.into()])
    }

    #[test]
    fn a_search_has_its_query_and_its_documents() {
        const FOUND: &str = r#"[{"id":"d1","score":0.9,"content":"Mild."},{"id":"d2"}]"#;
        let search = || Sample::span("retrieval s").with(&[("gen_ai.operation.name", "retrieval"), (QUERY, "q")]);
        for read in [search().with(&[(DOCUMENTS, FOUND)]).translate(), search().typed(DOCUMENTS, FOUND).translate()] {
            let found = r#"assistant: json {"id":"d1","score":0.9,"content":"Mild."} · json {"id":"d2"}"#;
            assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec![found.to_owned()]));
        }
        let answer = r#"[{"role":"assistant","parts":[{"type":"text","content":"Mild."}]}]"#;
        let chat = Sample::span("chat m").with(&[("gen_ai.operation.name", "chat"), (OUTPUT, answer), (QUERY, "q")]);
        let read = chat.with(&[(DOCUMENTS, FOUND)]).translate();
        assert_eq!(sides(&read), (Vec::new(), vec!["assistant: Mild.".to_owned()]));
    }

    #[test]
    fn what_a_tool_of_the_provider_returned_is_read() {
        let answer = r#"[{"role":"assistant","parts":[{"type":"server_tool_call_response","id":"s1",
            "server_tool_call_response":{"type":"web_search","results":["r"]}}]}]"#;
        let read = Sample::span("chat m").with(&[("gen_ai.operation.name", "chat"), (OUTPUT, answer)]).translate();
        assert!(sides(&read).1.concat().contains(r#"{"type":"web_search","results":["r"]}"#), "{:?}", sides(&read));
    }

    #[test]
    fn messages_are_read_as_json_and_structured() {
        let chat = || Sample::span("chat m").with(&[("gen_ai.operation.name", "chat")]);
        let as_json = chat().with(&[(INSTRUCTIONS, INSTRUCTED), (INPUT, ASKED), (OUTPUT, ANSWERED)]).translate();
        let typed = chat().typed(INSTRUCTIONS, INSTRUCTED).typed(INPUT, ASKED).typed(OUTPUT, ANSWERED).translate();
        let event =
            chat().event(DETAILS, &[(INSTRUCTIONS, INSTRUCTED), (INPUT, ASKED), (OUTPUT, ANSWERED)]).translate();
        let body = format!(r#"{{"{INSTRUCTIONS}":{INSTRUCTED},"{INPUT}":{ASKED},"{OUTPUT}":{ANSWERED}}}"#);
        let record = Sample::log(DETAILS, &body).translate();
        for (read, carrier) in [
            (as_json, Carrier::Attributes),
            (typed, Carrier::Attributes),
            (event, Carrier::Event),
            (record, Carrier::Log),
        ] {
            assert_eq!(sides(&read), expected());
            assert_eq!((read.readings.len(), read.readings[0].carrier), (1, carrier));
            assert_eq!(read.genai.stop_reason.as_deref(), Some("tool_call"));
            assert_eq!(read.dialects, ["genai-3"]);
        }
    }

    #[test]
    fn tokens_under_the_dotted_names_include_caches_and_reasoning() {
        let read = Sample::span("chat m")
            .typed("gen_ai.usage.input_tokens", "100")
            .typed("gen_ai.usage.cache_read.input_tokens", "80")
            .typed("gen_ai.usage.output_tokens", "20")
            .typed("gen_ai.usage.reasoning.output_tokens", "5")
            .translate();
        let expected = TokenUsage {
            uncached_input: Some(20),
            cache_read: Some(80),
            cache_write: None,
            output: Some(20),
            reasoning: Some(5),
        };
        assert_eq!(read.genai.usage, Some(expected));
    }

    #[test]
    fn instructions_that_are_repeated_are_shown_once() {
        let messages = r#"[{"role":"system","parts":[{"type":"text","content":"S"}]},
            {"role":"user","parts":[null,{"type":"text","content":"q"}]}]"#;
        let read = Sample::span("chat m")
            .with(&[(INSTRUCTIONS, INSTRUCTED), (INPUT, messages), ("gen_ai.response.finish_reasons", "[\"stop\"]")])
            .translate();
        assert_eq!(sides(&read).0, ["system: S", "user: q"]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("stop"));
        for plain in ["S", r#""S""#, r#"["S"]"#, r#"[{"type":"text","text":"S"}]"#, r#"{"parts":[{"text":"S"}]}"#] {
            let read = Sample::span("chat m").with(&[(INSTRUCTIONS, plain)]).translate();
            assert_eq!(sides(&read).0, ["system: S"], "{plain}");
        }
    }

    #[test]
    fn a_tools_run_is_a_call_and_its_result() {
        let tool = |pairs: &[(&str, &str)]| {
            let marks =
                [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w"), ("gen_ai.tool.call.id", "c1")];
            sides(&Sample::span("execute_tool w").with(&marks).with(pairs).translate())
        };
        let (prompt, completion) = tool(&[(ARGUMENTS, r#"{"city":"Paris"}"#), (RESULT, "18C")]);
        assert_eq!(
            (prompt[0].as_str(), completion[0].as_str()),
            (r#"assistant: w#c1{"city":"Paris"}"#, "tool: =c1 18C")
        );
        assert_eq!(tool(&[(RESULT, r#"{"result": "18C"}"#)]).1, [r#"tool: =c1 json {"result":"18C"}"#]);
        assert_eq!(tool(&[(RESULT, r#"[{"text": "18C"}]"#)]).1, ["tool: =c1 18C"]);
        // As MCP's servers send it.
        let failed = r#"{"content": [{"type": "text", "text": "no such city"}], "isError": true}"#;
        assert_eq!(tool(&[("mcp.method.name", "tools/call"), (RESULT, failed)]).1, ["tool: =!c1 no such city"]);
        assert_eq!(tool(&[(RESULT, "42")]).1, ["tool: =c1 42"]);
        assert_eq!(tool(&[(RESULT, r#"{"a":"cut of"#)]).1, [r#"tool: =c1 json {"a":"cut of"}…"#]);
    }

    #[test]
    fn what_is_no_json_is_shown_as_text_with_a_note() {
        let read = Sample::span("chat m").with(&[(INPUT, "just words")]).translate();
        assert_eq!(sides(&read).0, ["user: just words"]);
        assert_eq!(read.notes[0].0, "gen_ai.input.messages is not JSON: shown as text");
    }

    #[test]
    fn the_anthropic_sdk_names_what_its_tool_runner_sends_back() {
        let read = Sample::span("anthropic.custom_tool_use w")
            .with(&[
                ("gen_ai.operation.name", "execute_tool"),
                ("gen_ai.tool.name", "w"),
                ("gen_ai.tool.call.id", "c1"),
            ])
            .with(&[(ARGUMENTS, r#"{"a":1}"#), (BLOCKS, r#"[{"type":"text","text":"18C"}]"#)])
            .translate();
        assert_eq!(sides(&read), (vec![r#"assistant: w#c1{"a":1}"#.into()], vec!["tool: =c1 18C".into()]));
    }
}
