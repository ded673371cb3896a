//! `genai-2`: OpenTelemetry's GenAI conventions 1.28 to 1.36: one event, or log record, a message (`conventions.md` 2).
//!
//! Marks: `gen_ai.system.message`, `gen_ai.user.message`, `gen_ai.assistant.message`, `gen_ai.tool.message`,
//! `gen_ai.choice`. The body is the log record's, structured or as JSON; Azure's attribute `gen_ai.event.content`; or
//! the event's own attributes, in SideSeat's Rust SDK flattened (`message.content`).
//!
//! AWS's distribution moves the events of a span into one log record: `{"input": {"messages": […]}, "output": {…}}`.

mod moved;

use std::{borrow::Cow, sync::Arc};

use super::{
    Dialect, FactRow, Field, How, ParameterKeys, RecordingHints, indexed, maybe_json::MaybeJson, parts, reading,
};
use crate::model::{
    Attributes, Carrier, Content, ContentKind, Message, Note, Part, Role, Source, StatusCode, Timestamp, Translation,
    Value,
};
use moved::{moved, moved_body};

pub const DIALECT: Dialect = Dialect {
    name: "genai-2",
    content: ContentKind::Conversation,
    matches,
    translate,
    is_general: true,
    facts: &[FactRow::of(Field::ServiceTier, How::Text, &["gen_ai.openai.response.service_tier"])],
    parameters: Some(ParameterKeys { prefix: "gen_ai.openai.request.", names: &[("service_tier", "service_tier")] }),
    recording_hints: &[RecordingHints {
        scopes: &["opentelemetry.instrumentation.", "opentelemetry.instrumentation.openai_v2"],
        messages: "set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and export the logs as well: the \
            messages are in them",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

/// The role of the message that an event of this name holds.
fn role_of(name: &str) -> Option<Role> {
    Some(match name {
        "gen_ai.system.message" => Role::System,
        "gen_ai.user.message" => Role::User,
        "gen_ai.assistant.message" | CHOICE => Role::Assistant,
        "gen_ai.tool.message" => Role::Tool,
        _ => return None,
    })
}

const CHOICE: &str = "gen_ai.choice";

fn matches(source: &Source) -> bool {
    match source.body {
        Some(body) => role_of(source.name).is_some() || moved_body(body).is_some(),
        None => source.events.iter().any(|event| role_of(&event.name).is_some()),
    }
}

fn translate(source: &Source, into: &mut Translation) {
    match source.body {
        Some(body) if role_of(source.name).is_none() => {
            if let Some(body) = moved_body(body) {
                let (prompt, completion) = moved(&body, &mut into.genai);
                push(into, (Carrier::Log, Some(source.at)), prompt, completion);
            }
        }
        Some(body) => event(source.name, &of_record(body, source.attributes), (Carrier::Log, source), into),
        None => {
            let first = into.readings.len();
            for sent in source.events {
                let source = Source { at: sent.at, ..*source };
                event(&sent.name, &of_event(&sent.attributes), (Carrier::Event, &source), into);
            }
            let has_choice = source.events.iter().any(|event| event.name == CHOICE);
            if !has_choice && source.status.code != StatusCode::Error {
                promote(into, first);
            }
        }
    }
}

/// Where the fields of an event are.
enum Body<'a> {
    Map(Cow<'a, Value>),
    Attributes(&'a Attributes),
    /// No fields: the message itself.
    Text(&'a str),
}

impl Body<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(map) => map.get(key),
            Self::Attributes(attributes) => attributes.get(key),
            Self::Text(_) => None,
        }
        .filter(|value| **value != Value::Null)
    }
}

fn of_record<'a>(body: &'a Value, attributes: &'a Attributes) -> Body<'a> {
    let inner = ["gen_ai.event.content", "event.content"].iter().find_map(|key| attributes.get(key));
    match MaybeJson::of(body) {
        MaybeJson::Data(data) if data.as_map().is_some() => Body::Map(data),
        MaybeJson::Cut(data) => Body::Map(Cow::Owned(data)),
        MaybeJson::Text(text) if inner.is_none() => Body::Text(text),
        _ => inner.map_or(Body::Attributes(attributes), |inner| of_content(inner, attributes)),
    }
}

fn of_event(attributes: &Attributes) -> Body<'_> {
    match attributes.get("gen_ai.event.content") {
        Some(content) => of_content(content, attributes),
        None => Body::Attributes(attributes),
    }
}

/// Azure's attribute holds the whole body as JSON.
fn of_content<'a>(content: &'a Value, attributes: &'a Attributes) -> Body<'a> {
    match MaybeJson::of(content) {
        MaybeJson::Data(data) => Body::Map(data),
        MaybeJson::Cut(data) => Body::Map(Cow::Owned(data)),
        MaybeJson::Text(text) => Body::Text(text),
        MaybeJson::Scalar(_) | MaybeJson::Nothing => Body::Attributes(attributes),
    }
}

/// Adds a message. Only the event that carries it marks it as the answer.
fn push(into: &mut Translation, carrier: (Carrier, Option<Timestamp>), prompt: Vec<Message>, completion: Vec<Message>) {
    let before = into.readings.len();
    reading::push(into, DIALECT.name, carrier, prompt, completion);
    into.readings.iter_mut().skip(before).for_each(|reading| reading.answer_unmarked = true);
}

fn event(name: &str, body: &Body, (carrier, source): (Carrier, &Source), into: &mut Translation) {
    let (prompt, completion) = messages_of(name, body, &mut into.notes);
    if name == CHOICE && into.genai.stop_reason.is_none() {
        into.genai.stop_reason = body.get("finish_reason").and_then(Value::as_str).map(str::to_owned);
    }
    let before = into.readings.len();
    push(into, (carrier, Some(source.at)), prompt, completion);
    if name == CHOICE {
        let number = body.get("index").and_then(Value::as_count);
        into.readings[before..].iter_mut().for_each(|reading| reading.choice = number);
    }
}

/// The messages of one event: those of the request, and those of the answer.
fn messages_of(name: &str, body: &Body, notes: &mut Vec<Note>) -> (Vec<Message>, Vec<Message>) {
    match role_of(name) {
        Some(_) if name == CHOICE => (vec![], choice(body, notes)),
        Some(role) => {
            let mut sent = message(role, body);
            if role == Role::Tool && body.get("content").is_none() {
                sent.iter_mut().for_each(unrecorded);
            }
            (sent, vec![])
        }
        None => (vec![], vec![]),
    }
}

/// Marks results without content as not recorded: with content capture off it is known that there was one, and not which.
fn unrecorded(message: &mut Message) {
    for part in &mut message.parts {
        if let Content::Result(result) = &mut part.content
            && result.content.is_empty()
        {
            result.content.push(Part::unrecorded());
        }
    }
}

/// Reads an event that some sender wrote as JSON, its body and its attributes in one map.
pub fn of_json(name: &str, map: &Value, notes: &mut Vec<Note>) -> (Vec<Message>, Vec<Message>) {
    messages_of(name, &Body::Map(Cow::Borrowed(map)), notes)
}

/// The fields that make a message. With content capture off an event may have none of them.
const FIELDS: &[&str] = &["role", "content", "parts", "tool_calls", "id", "tool_call_id", "name", "refusal"];

/// One message of a request. Its text is content and stays as it is.
fn message(role: Role, body: &Body) -> Vec<Message> {
    match body {
        Body::Text(text) => reading::from_parts(role, parts::text(text).into_iter().collect()),
        Body::Map(map) if map.as_array().is_none() && !FIELDS.iter().any(|key| map.get(key).is_some()) => vec![],
        Body::Map(map) => reading::messages(map, role),
        Body::Attributes(attributes) => {
            let field = |key: &&str| Some(((*key).to_owned(), attributes.get(key)?.clone()));
            reading::messages(&Value::Map(FIELDS.iter().filter_map(field).collect()), role)
        }
    }
}

/// An answer: the `message`, and calls that stand beside it.
fn choice(body: &Body, notes: &mut Vec<Note>) -> Vec<Message> {
    let mut found = match (body.get("message"), body) {
        (Some(text @ Value::String(_)), _) => answer(text, notes),
        (Some(message), _) => assistant(message),
        // SideSeat's Rust SDK: `message.content`, `message.tool_calls`.
        (None, Body::Attributes(attributes)) => {
            indexed::tree(attributes, "message.").map_or_else(Vec::new, |message| assistant(&message))
        }
        // Google's ADK puts the content beside the finish reason.
        (None, body) => return message(Role::Assistant, body),
    };
    let has_calls =
        found.iter().flat_map(|message| &message.parts).any(|part| matches!(part.content, Content::Call(_)));
    if let Some(calls) = body.get("tool_calls").filter(|_| !has_calls) {
        let beside = assistant(&Value::Map(vec![("tool_calls".to_owned(), calls.clone())]));
        match found.last_mut() {
            Some(last) => last.parts.extend(beside.into_iter().flat_map(|message| message.parts)),
            None => found = beside,
        }
    }
    found
}

fn assistant(message: &Value) -> Vec<Message> {
    reading::messages(message, Role::Assistant)
}

/// An answer that came as a text: JSON of a message or of blocks, and nothing else, is that; else it is a text.
fn answer(text: &Value, notes: &mut Vec<Note>) -> Vec<Message> {
    let is_message = |data: &Value| FIELDS[..4].iter().any(|key| data.get(key).is_some());
    let found = match MaybeJson::of(text) {
        MaybeJson::Data(data) if is_message(&data) => return assistant(&data),
        MaybeJson::Cut(data) if is_message(&data) => {
            notes.push(reading::cut_off("the answer"));
            return assistant(&data);
        }
        MaybeJson::Data(data) => parts::blocks(&data),
        _ => None,
    };
    let plain = || text.as_str().and_then(parts::text).into_iter().collect();
    reading::from_parts(Role::Assistant, found.unwrap_or_else(plain))
}

/// Where no choice was sent, the answer is an assistant's message: the last one, or a lone one that came too early.
fn promote(into: &mut Translation, first: usize) {
    let readings = &mut into.readings[first..];
    let is_answer = |messages: &[Arc<Message>]| {
        !messages.is_empty() && messages.iter().all(|message| message.role == Role::Assistant)
    };
    let answers = readings.iter().filter(|reading| is_answer(&reading.prompt)).count();
    let place = match readings.iter().rposition(|reading| is_answer(&reading.prompt)) {
        Some(last) if last + 1 == readings.len() => last,
        Some(only) if answers == 1 && readings[..only].iter().all(|reading| is_system(&reading.prompt)) => only,
        _ => return,
    };
    let reading = &mut readings[place];
    reading.completion = std::mem::take(&mut reading.prompt);
    // An answer goes last.
    into.readings[first + place..].rotate_left(1);
}

fn is_system(messages: &[Arc<Message>]) -> bool {
    messages.iter().all(|message| message.role == Role::System)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    pub fn words(read: &crate::model::Translation) -> (Vec<String>, Vec<String>, Option<&str>) {
        let (prompt, completion) = sides(read);
        (prompt, completion, read.genai.stop_reason.as_deref())
    }

    #[test]
    fn each_event_is_a_message() {
        let calls = r#"[{"id":"c1","type":"function","function":{"name":"w","arguments":"{\"city\":\"Paris\"}"}}]"#;
        let read = Sample::span("chat m")
            .event("gen_ai.user.message", &[("content", "Weather?")])
            .event(
                "gen_ai.choice",
                &[("finish_reason", "tool_calls"), ("message", r#"{"role":"assistant"}"#), ("tool_calls", calls)],
            )
            .translate();
        let expected = vec![r#"assistant: w#c1{"city":"Paris"}"#.to_owned()];
        assert_eq!(words(&read), (vec!["user: Weather?".to_owned()], expected, Some("tool_calls")));
        assert_eq!(read.readings.len(), 2);
    }

    #[test]
    fn a_choice_has_its_answer_in_many_forms() {
        for (pairs, expected) in [
            (vec![("message", "4")], "assistant: 4"),
            (vec![("message", r#"{"content":"hey"}"#)], "assistant: hey"),
            (vec![("message", r#"{"answer": 42}"#)], r#"assistant: {"answer": 42}"#),
            (vec![("message.content", "hello"), ("index", "0")], "assistant: hello"),
            (
                vec![("gen_ai.event.content", r#"{"message":{"content":"hey"},"finish_reason":"stop","index":0}"#)],
                "assistant: hey",
            ),
            (
                vec![(
                    "message",
                    r#"{"content":"so","tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"}}]}"#,
                )],
                "assistant: so · w#c1{}",
            ),
            (vec![("message", r#"[{"type":"text","text":"hey"}]"#)], "assistant: hey"),
        ] {
            let read = Sample::span("chat m").event("gen_ai.choice", &pairs).translate();
            assert_eq!(sides(&read).1, [expected], "{pairs:?}");
        }
    }

    #[test]
    fn answers_have_the_numbers_that_their_sender_counts_them_by() {
        let read = Sample::span("chat m")
            .event("gen_ai.choice", &[("message.content", "a"), ("index", "1")])
            .event("gen_ai.choice", &[("message.content", "b")])
            .translate();
        assert_eq!(read.readings.iter().map(|reading| reading.choice).collect::<Vec<_>>(), [Some(1), None]);
    }

    #[test]
    fn the_rust_sdk_flattens_its_choice() {
        let read = Sample::span("converse")
            .event("gen_ai.user.message", &[("content", "hi")])
            .event("gen_ai.choice", &[("index", "0"), ("finish_reason", "endturn"), ("message.content", "hello")])
            .translate();
        assert_eq!(words(&read), (vec!["user: hi".into()], vec!["assistant: hello".into()], Some("endturn")));
    }

    #[test]
    fn log_records_have_the_same_in_their_body() {
        for (name, body, prompt, completion) in [
            ("gen_ai.system.message", r#"{"content":"S"}"#, "system: S", ""),
            ("gen_ai.user.message", r#"{"content":[{"text":"q"}]}"#, "user: q", ""),
            (
                "gen_ai.user.message",
                r#"{"content":[{"toolResult":{"toolUseId":"c1","content":[{"text":"18C"}]}}]}"#,
                "tool: =c1 18C",
                "",
            ),
            (
                "gen_ai.user.message",
                r#"{"content":{"role":"model","parts":[{"text":"a","thought":null}]}}"#,
                "assistant: a",
                "",
            ),
            (
                "gen_ai.assistant.message",
                r#"{"tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"}}]}"#,
                "assistant: w#c1{}",
                "",
            ),
            ("gen_ai.tool.message", r#"{"content":"18C","id":"c1"}"#, "tool: =c1 18C", ""),
            ("gen_ai.tool.message", r#"{"id":"c1"}"#, "tool: =c1 (hidden)", ""),
            (
                "gen_ai.choice",
                r#"{"index":0,"message":{"role":"assistant","content":[{"text":"a"}]}}"#,
                "",
                "assistant: a",
            ),
            ("gen_ai.choice", r#"{"index":0,"finish_reason":"stop"}"#, "", ""),
            ("gen_ai.user.message", "{}", "", ""),
            (
                "gen_ai.choice",
                r#"{"content":{"role":"model","parts":[{"text":"a"}]},"finish_reason":"STOP"}"#,
                "",
                "assistant: a",
            ),
            ("gen_ai.choice", r#"{"index":0,"finish_reason":"stop"}"#, "", ""),
            ("gen_ai.user.message", "{}", "", ""),
            ("gen_ai.choice", r#""{\"message\":{\"content\":\"a\"}}""#, "", "assistant: a"),
        ] {
            let read = Sample::log(name, body).translate();
            let found = sides(&read);
            let first = |side: &[String]| side.first().cloned().unwrap_or_default();
            assert_eq!((first(&found.0).as_str(), first(&found.1).as_str()), (prompt, completion), "{name} {body}");
        }
    }

    #[test]
    fn azure_puts_the_body_in_an_attribute() {
        let content = [("gen_ai.event.content", r#"{"content":"18C","id":"c1"}"#)];
        assert_eq!(
            sides(&Sample::span("chat m").event("gen_ai.tool.message", &content).translate()).0,
            ["tool: =c1 18C"]
        );
        assert_eq!(sides(&Sample::log("gen_ai.tool.message", "null").with(&content).translate()).0, ["tool: =c1 18C"]);
    }

    #[test]
    fn without_a_choice_the_assistants_message_is_the_answer() {
        let message = |role: &str| format!("gen_ai.{role}.message");
        let read = |roles: &[&str]| {
            let span = Sample::span("chat m");
            sides(&roles.iter().fold(span, |span, role| span.event(&message(role), &[("content", role)])).translate())
        };
        assert_eq!(read(&["user", "assistant"]).1, ["assistant: assistant"]);
        assert_eq!(read(&["assistant", "system", "user"]).1, ["assistant: assistant"]);
        let (prompt, completion) = read(&["user", "assistant", "user"]);
        assert_eq!((prompt.len(), completion.len()), (3, 0));
    }
}
