//! The messages that `OpenInference` spreads over keys, one attribute a field.
//!
//! ```text
//!   llm.input_messages.0.message.role, .content, .tool_call_id
//!                              .contents.0.message_content.{type, text, image.image.url, …}
//!                              .tool_calls.0.tool_call.{id, function.{name, arguments}}
//!   llm.prompts.0.prompt.text, llm.choices.0.completion.text      texts of the completions API
//! ```

use std::collections::HashSet;

use super::{indexed, maybe_json::MaybeJson, openinference_forms as forms, parts, reading};
use crate::model::{Attributes, Message, Role, Value, json};

/// The messages that are spread over keys.
pub fn flat(attributes: &Attributes, prefix: &str, role: Role) -> Vec<Message> {
    let mut into = Vec::new();
    let list = indexed::tree(attributes, prefix);
    let items = list.as_ref().and_then(Value::as_array).unwrap_or_default();
    let first = if role == Role::User { lost_role(attributes, prefix, items).unwrap_or(role) } else { role };
    for (at, item) in items.iter().enumerate() {
        message(item, if at == 0 { first } else { role }, &mut into);
    }
    into
}

/// The role of a first message that has lost it: an SDK over its limit of attributes drops those set first.
///
/// It follows from what is left of the message, and from the role of the next.
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
pub fn texts(attributes: &Attributes, key: &str, field: &str, role: Role) -> Vec<Message> {
    let spread = indexed::tree(attributes, &format!("{key}."));
    let list = spread.as_ref().or_else(|| attributes.get(key)).and_then(Value::as_array).unwrap_or_default();
    let text = |item: &Value| {
        let inner = item.get(field).unwrap_or(item);
        inner.as_str().or_else(|| inner.str("text")).and_then(parts::text)
    };
    list.iter().filter_map(text).flat_map(|part| reading::from_parts(role, vec![part])).collect()
}

/// Reads one flat message, put into the form that `reading` knows.
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
    // Some senders write a text both as `content` and as a block of `contents`.
    content.retain(|text| !blocks.iter().any(|block| block.get("text") == Some(text)));
    content.extend(blocks);
    forget_asked(&content, &mut called);
    match <[Value; 1]>::try_from(content) {
        Ok([one]) => entries.push(("content".to_owned(), one)),
        Err(content) => entries.push(("content".to_owned(), Value::Array(content))),
    }
    entries.push(("tool_calls".to_owned(), Value::Array(called)));
    let mut read = Vec::new();
    reading::message(&Value::Map(entries), fallback, &mut read);
    if let Some(words) = item.str("thought") {
        forms::think(words, &mut read);
    }
    into.append(&mut read);
}

fn is_tool(message: &Value) -> bool {
    message.str("role").and_then(reading::role) == Some(Role::Tool)
}

/// A tool's answer: JSON of blocks, or whatever text it is.
fn encoded(value: &Value) -> Vec<Value> {
    match MaybeJson::of(value) {
        MaybeJson::Data(data) if parts::blocks(&data).is_some() => match data.into_owned() {
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
        let repeated: &HashSet<Option<String>> = if call.get("id").is_some() { &nameless } else { &all };
        !repeated.contains(&function(call))
    });
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::{Category, TokenUsage, Usd};

    fn span(kind: &str, pairs: &[(&str, &str)]) -> Sample {
        Sample::span("x").with(&[("openinference.span.kind", kind)]).with(pairs)
    }

    fn sent(pairs: &[(&str, &str)]) -> Vec<String> {
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (format!("llm.input_messages.{key}"), *text)).collect();
        let pairs: Vec<_> = pairs.iter().map(|(key, text)| (key.as_str(), *text)).collect();
        sides(&span("LLM", &pairs).translate()).0
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
        assert_eq!(sides(&read).0, ["user: ping hosts"]);
        assert_eq!(sides(&read).1, [r#"assistant: ping#c1{"h":"a"} · ping#c2{"h":"b"}"#]);
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
    fn a_role_that_an_sdk_dropped_follows_from_what_is_left() {
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
        assert_eq!(sides(&read.translate()), (vec!["user: Once".to_owned()], vec!["assistant: upon".to_owned()]));
        let listed = span("LLM", &[]).typed("llm.prompts", r#"["Once"]"#).translate();
        assert_eq!(sides(&listed).0, ["user: Once"]);
    }
}
