//! Haystack's messages: as Haystack records them, and as Python prints them, which is how OpenInference's instrumentation
//! does (`sdks.md` 19).
//!
//! ```text
//!   Agent.run             {"messages": [printed…], …} ─▶ {"messages": [printed…], "token_usage": {…}, …}
//!   OpenAIChatGenerator.run   {"messages": [printed…], …} ─▶ {"replies": [printed…]}
//!   printed   ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[part…], _name=None, _meta={'model': …, 'usage': …})
//!   part      TextContent(text='…'), ToolCall(tool_name='w', arguments={…}, id='c1', extra=None), ReasoningContent(…),
//!             ToolCallResult(result='…', origin=ToolCall(…), error=False), ImageContent(…), FileContent(…)
//! ```
//!
//! Images and files are cut to a hundred letters.

use super::{
    calls,
    lenient::{self, CLASS, Notation},
    maybe_json::MaybeJson,
    media, parts, provider_payload_facts, reading,
};
use crate::model::{Content, GenAi, Message, Part, Role, ToolResult, Value};

/// The messages in what a component was given or gave; `None` for any other data.
pub fn messages(value: &Value, fallback: Role) -> Option<Vec<Message>> {
    let read: Option<Vec<Value>> = listed(value)?.iter().map(restored).collect();
    Some(read?.iter().flat_map(|item| message(item, fallback)).collect())
}

/// Adds what a generator's reply holds of the call: the model, the tokens, why it ended.
pub fn reply(value: &Value, genai: &mut GenAi) {
    if let Some(meta) = listed(value).and_then(|items| items.iter().find_map(meta)) {
        provider_payload_facts::of_response(&meta, genai);
    }
}

/// The printed messages in what a component was given or gave.
pub fn listed(value: &Value) -> Option<&[Value]> {
    let items = ["messages", "replies"].iter().find_map(|key| value.get(key)?.as_array())?;
    let is_printed = |item: &Value| item.as_str().is_some_and(|text| text.starts_with("ChatMessage("));
    (!items.is_empty() && items.iter().all(is_printed)).then_some(items)
}

/// What stands beside the content of a printed message, if anything does.
pub fn meta(item: &Value) -> Option<Value> {
    restored(item)?.get("meta").filter(|meta| !meta.is_empty()).cloned()
}

/// What a component was given or gave, where Haystack's own tracing prints it all: a callback is no JSON.
pub fn data(value: &Value) -> Option<Value> {
    let printed = || lenient::parse(value.as_str()?, Notation::Objects).map(|read| read.value);
    MaybeJson::of(value).into_data().or_else(printed)
}

/// One printed message in the form in which Haystack itself records it; such a one as it is.
pub fn restored(item: &Value) -> Option<Value> {
    let read = match item.as_str() {
        Some(text) => lenient::parse(text, Notation::Objects)?.value,
        None => item.clone(),
    };
    if read.str(CLASS).is_none() {
        return Some(read);
    }
    // Until version 2.9 the fields had no underscore, and the content was a text.
    let field = |name: &str| read.get(&format!("_{name}")).or_else(|| read.get(name)).cloned();
    let content = match field("content")? {
        Value::Array(parts) => Value::Array(parts.into_iter().map(keyed).collect()),
        other => other,
    };
    let fields =
        [("role", field("role")), ("name", field("name")), ("meta", field("meta")), ("content", Some(content))];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Some(Value::Map(fields.collect()))
}

/// One part of a message, with its class as the key that Haystack gives it.
fn keyed(part: Value) -> Value {
    let kind = match part.str(CLASS) {
        Some("TextContent") => {
            return Value::Map(vec![("text".to_owned(), part.get("text").cloned().unwrap_or_default())]);
        }
        Some("ToolCall") => "tool_call",
        Some("ToolCallResult") => "tool_call_result",
        Some("ReasoningContent") => "reasoning",
        Some("ImageContent") => "image",
        Some("FileContent") => "file",
        _ => return part,
    };
    Value::Map(vec![(kind.to_owned(), part)])
}

/// Reads a message in the form in which Haystack records it.
pub fn message(value: &Value, fallback: Role) -> Vec<Message> {
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

/// A picture or a file, of which a trace has the bytes only if they are few.
fn picture(kind: &str, file: &Value) -> Part {
    let data = ["base64_image", "base64_data"].iter().find_map(|key| file.str(key));
    let data = data.filter(|data| !data.ends_with("...") && media::base64(data).is_some()).unwrap_or_default();
    let entries = [("data", data.into()), ("mime_type", file.get("mime_type").cloned().unwrap_or_default())];
    let file = Value::Map(entries.map(|(key, value)| (key.to_owned(), value)).into());
    media::part(kind, &file).unwrap_or_else(|| Part::new(Content::Unknown(file)))
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
    } else if let Some((kind, file)) = ["image", "file"].iter().find_map(|kind| Some((*kind, block.get(kind)?))) {
        into.push(picture(kind, file));
    } else {
        parts::content(block, into);
    }
}
