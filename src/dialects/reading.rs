//! What a dialect found in a carrier, as a [`Reading`]; fields that hold messages, one side of a span, or encoded content
//! (`messages.md` 1).

use std::{borrow::Cow, sync::Arc};

pub use super::message::{from_parts, message, role, unwrapped};
use super::{
    calls,
    maybe_json::{MaybeJson, unquoted},
    parts,
};
use crate::model::{
    Carrier, Content, ContentKind, Message, Note, Part, Reading, Role, Source, Timestamp, Translation, Value,
};

/// Adds what a dialect found in one carrier, if it found anything.
pub fn push(
    into: &mut Translation,
    dialect: &str,
    (carrier, at): (Carrier, Option<Timestamp>),
    mut prompt: Vec<Message>,
    completion: Vec<Message>,
) {
    if prompt.is_empty() && completion.is_empty() {
        return;
    }
    calls::answer_calls_of_items(&mut prompt);
    let shared = |messages: Vec<Message>| messages.into_iter().map(Arc::new).collect();
    into.readings.push(Reading {
        dialect: dialect.to_owned(),
        carrier,
        content: ContentKind::Conversation,
        answer_unmarked: false,
        choice: None,
        at,
        prompt: shared(prompt),
        completion: shared(completion),
    });
}

/// All messages of all readings.
pub fn all(into: &mut Translation) -> impl Iterator<Item = &mut Arc<Message>> {
    into.readings.iter_mut().flat_map(|reading| reading.prompt.iter_mut().chain(&mut reading.completion))
}

/// What a span's attributes, or a record's, are read from, and when that was.
pub fn carrier(source: &Source) -> (Carrier, Option<Timestamp>) {
    if source.is_log() { (Carrier::Log, Some(source.at)) } else { (Carrier::Attributes, None) }
}

/// Reads a list of messages, or one; a bare text is a message of the `fallback` role.
pub fn messages(value: &Value, fallback: Role) -> Vec<Message> {
    let mut into = Vec::new();
    match value {
        Value::Array(items) => items.iter().for_each(|item| message(item, fallback, &mut into)),
        other => message(other, fallback, &mut into),
    }
    into
}

/// Reads a field that should hold messages, once it is decoded; leaves a note where it holds something else.
pub fn messages_in_field(value: &MaybeJson, name: &str, fallback: Role, notes: &mut Vec<Note>) -> Vec<Message> {
    match value {
        MaybeJson::Data(data) => messages(data, fallback),
        MaybeJson::Cut(data) => {
            notes.push(cut_off(name));
            ends(messages(data, fallback), true)
        }
        MaybeJson::Text(text) => {
            let inner = unquoted(text);
            if inner.is_none() {
                notes.push(Note(format!("{name} is not JSON: shown as text")));
            }
            from_parts(fallback, parts::text(inner.as_deref().unwrap_or(text)).into_iter().collect())
        }
        MaybeJson::Scalar(scalar) => from_parts(fallback, vec![Part::text(scalar.to_text())]),
        MaybeJson::Nothing => Vec::new(),
    }
}

/// One side of a span as messages: those that are found in its data, else the data, else the text.
pub fn side(value: MaybeJson, role: Role, find: impl Fn(&Value) -> Option<Vec<Message>>) -> Vec<Message> {
    let (data, cut) = match value {
        MaybeJson::Nothing => return Vec::new(),
        MaybeJson::Text(text) => return from_parts(role, parts::text(text).into_iter().collect()),
        MaybeJson::Scalar(scalar) => return from_parts(role, vec![Part::text(scalar.to_text())]),
        MaybeJson::Data(data) => (data, false),
        MaybeJson::Cut(data) => (Cow::Owned(data), true),
    };
    let found = match &*data {
        Value::String(text) => from_parts(role, parts::text(text).into_iter().collect()),
        empty if empty.is_empty() => return Vec::new(),
        data => find(data).unwrap_or_else(|| vec![Message::new(role, vec![Part::new(Content::Json(data.clone()))])]),
    };
    ends(found, cut)
}

/// Says that a field is not whole.
pub fn cut_off(name: &str) -> Note {
    Note(format!("{name} was cut off by the sender: shown up to the cut"))
}

/// Marks the end of the last message, where what it was read from was cut.
pub fn ends(mut messages: Vec<Message>, cut: bool) -> Vec<Message> {
    if let (true, Some(part)) = (cut, messages.last_mut().and_then(|message| message.parts.last_mut())) {
        part.truncated = true;
    }
    messages
}

/// Takes the assistant's last messages out of a conversation that ends with them.
pub fn take_answer(conversation: &mut Vec<Message>) -> Vec<Message> {
    let end = conversation.iter().rposition(|message| message.role != Role::Assistant).map_or(0, |last| last + 1);
    conversation.split_off(end)
}

/// The parts of an encoded content: JSON of blocks, else the text as it is.
pub fn encoded(value: &Value) -> Vec<Part> {
    let (data, cut) = match MaybeJson::of(value) {
        MaybeJson::Data(data) => (data, false),
        MaybeJson::Cut(data) => (Cow::Owned(data), true),
        MaybeJson::Text(text) => return parts::text(text).into_iter().collect(),
        MaybeJson::Scalar(scalar) => return vec![Part::text(scalar.to_text())],
        MaybeJson::Nothing => return Vec::new(),
    };
    let mut found = Vec::new();
    parts::content(&data, &mut found);
    let all_maps = data.as_array().is_none_or(|items| items.iter().all(|item| item.as_map().is_some()));
    let unknown = found.iter().filter(|part| matches!(part.content, Content::Unknown(_))).count();
    if !all_maps || (unknown > 0 && unknown == found.len()) {
        // No block of a known form is in it: it is a text, or data.
        return match value {
            Value::String(text) => parts::text(text).into_iter().collect(),
            other => vec![Part::new(Content::Json(other.clone()))],
        };
    }
    if let (true, Some(last)) = (cut, found.last_mut()) {
        last.truncated = true;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn an_answer_stays_the_text_that_it_is() {
        for text in ["4", "true", "null", "3.14", r#"{"a": 1}"#, r#"[{"text":"x"}]"#] {
            let answer = Value::Map(vec![("role".into(), "assistant".into()), ("content".into(), text.into())]);
            let read = messages(&answer, Role::User);
            assert_eq!(read, [Message::text(Role::Assistant, text)], "{text}");
        }
    }

    #[test]
    fn encoded_content_is_decoded_where_it_is_blocks() {
        let words = |text: &str| encoded(&text.into()).iter().map(sample::part).collect::<Vec<_>>();
        assert_eq!(words(r#"[{"text":"a"},{"toolUse":{"toolUseId":"t","name":"w","input":{}}}]"#), ["a", "w#t{}"]);
        assert_eq!(words(r#"[{"text":"a"},{"hologram":1}]"#), ["a", r#"unknown {"hologram":1}"#]);
        assert_eq!(words(r#"[{"text":"a"},{"text":"b and"#), ["a", "b and…"]);
        for text in ["plain", r#"{"a":1}"#, r#"["a","b"]"#, "[see above]", "4", "null"] {
            assert_eq!(words(text), [text], "{text}");
        }
    }
}
