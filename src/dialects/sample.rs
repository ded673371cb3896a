//! For tests: spans and log records in a line, and what was understood of them in words.

use std::sync::Arc;

use super::translate;
use crate::model::{
    Attributes, Content, MediaData, Message, Part, Resource, Scope, Source, SpanEvent, Status, StatusCode, Timestamp,
    Translation, Value, json,
};

/// One span, or log record, to be translated.
#[derive(Default)]
pub struct Sample {
    name: String,
    status: Status,
    scope: Scope,
    resource: Resource,
    attributes: Vec<(String, Value)>,
    events: Vec<SpanEvent>,
    body: Option<Value>,
    severity: i32,
    at: u64,
}

/// A value from its JSON; what is no JSON is a text.
pub fn value(text: &str) -> Value {
    json::parse(text).unwrap_or_else(|_| text.into())
}

fn entries(pairs: &[(&str, &str)]) -> Vec<(String, Value)> {
    pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text))).collect()
}

impl Sample {
    pub fn span(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub fn log(name: &str, body: &str) -> Self {
        Self { body: Some(value(body)), ..Self::span(name) }
    }

    pub fn scope(mut self, name: &str) -> Self {
        name.clone_into(&mut self.scope.name);
        self
    }

    pub fn resource(mut self, pairs: &[(&str, &str)]) -> Self {
        self.resource.attributes = Attributes::new(entries(pairs));
        self
    }

    pub fn at(mut self, nanos: u64) -> Self {
        self.at = nanos;
        self
    }

    pub fn failed(mut self, message: &str) -> Self {
        self.status = Status { code: StatusCode::Error, message: message.to_owned() };
        self
    }

    /// The severity number of a log record.
    pub fn severity(mut self, number: i32) -> Self {
        self.severity = number;
        self
    }

    pub fn ok(mut self) -> Self {
        self.status.code = StatusCode::Ok;
        self
    }

    /// Attributes as texts.
    pub fn with(mut self, pairs: &[(&str, &str)]) -> Self {
        self.attributes.extend(entries(pairs));
        self
    }

    /// One attribute with its type, from its JSON.
    pub fn typed(mut self, key: &str, text: &str) -> Self {
        self.attributes.push((key.to_owned(), value(text)));
        self
    }

    pub fn event(mut self, name: &str, pairs: &[(&str, &str)]) -> Self {
        let at = Timestamp(self.events.len() as u64 + 1);
        let attributes = Attributes::new(entries(pairs));
        self.events.push(SpanEvent { name: name.to_owned(), at, attributes, dropped_attributes: 0 });
        self
    }

    pub fn translate(self) -> Translation {
        let attributes = Attributes::new(self.attributes);
        translate(&Source {
            name: &self.name,
            status: &self.status,
            scope: &self.scope,
            resource: &self.resource,
            attributes: &attributes,
            events: &self.events,
            body: self.body.as_ref(),
            severity: self.severity,
            at: Timestamp(self.at),
        })
    }
}

/// The prompts and the completions of all readings, in order, each message in words.
pub fn sides(translation: &Translation) -> (Vec<String>, Vec<String>) {
    let side = |messages: fn(&crate::model::Reading) -> &Vec<Arc<Message>>| {
        translation.readings.iter().flat_map(messages).map(|message| in_words(message)).collect()
    };
    (side(|reading| &reading.prompt), side(|reading| &reading.completion))
}

/// `assistant: (thought) hm · w#c1{"a":1}`
pub fn in_words(message: &Message) -> String {
    let parts: Vec<String> = message.parts.iter().map(part).collect();
    format!("{}: {}", message.role.as_str(), parts.join(" · "))
}

pub fn part(part: &Part) -> String {
    let mark = match (part.truncated, part.hidden) {
        (true, _) => "…",
        (_, true) => "(hidden)",
        _ => "",
    };
    let words = match &part.content {
        Content::Text(text) => text.clone(),
        Content::Reasoning(thought) => match (&thought.text, &thought.data) {
            (Some(text), _) => format!("(thought) {text}"),
            (None, data) => format!("(opaque {})", data.as_ref().map_or(0, Vec::len)),
        },
        Content::Call(call) => {
            let server = if call.server_side { "@server " } else { "" };
            let id = call.id.as_deref().unwrap_or("-");
            format!("{server}{}#{id}{}", call.name, json::to_string(&call.input))
        }
        Content::Result(result) => {
            let error = if result.is_error == Some(true) { "!" } else { "" };
            let content: Vec<String> = result.content.iter().map(self::part).collect();
            format!("={error}{} {}", result.call_id.as_deref().unwrap_or("-"), content.join(" + "))
        }
        Content::Media(media) => {
            let data = match &media.data {
                MediaData::Inline(bytes) => format!("{} bytes", bytes.len()),
                MediaData::Uri(uri) => uri.clone(),
                MediaData::Stored { .. } | MediaData::Absent => "absent".to_owned(),
            };
            format!("<{} {} {data}>", media.kind.as_str(), media.mime.as_deref().unwrap_or("?"))
        }
        Content::Json(data) => format!("json {}", json::to_string(data)),
        Content::Refusal(text) => format!("(refused) {text}"),
        Content::Unknown(raw) => format!("unknown {}", json::to_string(raw)),
    };
    words + mark
}
