//! Streamed answers of the ADK: they come in chunks, each a log record or a message of its own, and mostly once
//! more as a whole.

use std::{collections::HashSet, sync::Arc};

use super::{calls::first, gen_ai, maybe_json::MaybeJson};
use crate::model::{Content, ContentKind, Message, Part, Role, Source, Translation, Value};

pub const SCOPE: &str = "gcp.vertex.agent";

const CHOICE: &str = "gen_ai.choice";

/// Drops the chunks of a streamed answer where the whole is there, and joins them where it is not.
pub fn settle(source: &Source, into: &mut Translation) {
    if let Some(body) = source.body.filter(|body| is_chunk(source, body)) {
        mistrust(body, into);
    }
    without_chunks(source, into);
}

/// Whether a log record holds a part of an answer that was streamed: its last part, or the whole, has a finish reason.
fn is_chunk(source: &Source, body: &Value) -> bool {
    let ended = || first(body, &["finish_reason"]).is_some_and(|reason| !reason.is_empty());
    source.scope.name == SCOPE && source.name == CHOICE && body.get("content").is_some() && !ended()
}

/// Marks a chunk's readings as a fallback, for calls of which neither another record nor the span has the whole. The
/// beginning of a tool call is dropped: it comes once more as a whole, else the tool was never called.
fn mistrust(chunk: &Value, into: &mut Translation) {
    let parts = chunk.get("content").and_then(|content| content.get("parts")).and_then(Value::as_array);
    let begun = parts.unwrap_or_default().iter().filter_map(|part| part.get("function_call")).any(|call| {
        call.get("will_continue").and_then(Value::as_bool) == Some(true) || call.get("partial_args").is_some()
    });
    for reading in &mut into.readings {
        reading.content = ContentKind::Fallback;
        reading.answer_unmarked = false;
        if begun {
            for message in &mut reading.completion {
                Arc::make_mut(message).parts.retain(|part| !matches!(part.content, Content::Call(_)));
            }
            reading.completion.retain(|message| !message.parts.is_empty());
        }
    }
}

/// Makes one message of a streamed answer, of which each chunk is a message without a finish reason. After them
/// the last may be the whole of it.
fn without_chunks(source: &Source, into: &mut Translation) {
    let output = source.attributes.get(gen_ai::OUTPUT).filter(|_| source.scope.name == SCOPE);
    let Some(MaybeJson::Data(data)) = output.map(MaybeJson::of) else { return };
    let Some((last, chunks)) = data.as_array().and_then(<[Value]>::split_last) else { return };
    let ended = |message: &Value| message.str("finish_reason").is_some_and(|reason| !reason.is_empty());
    if chunks.is_empty() || chunks.iter().any(ended) {
        return;
    }
    for reading in &mut into.readings {
        let answer = &mut reading.completion;
        // Were one of them empty, the last would be no more than the last chunk.
        if answer.len() == chunks.len() + 1 && ended(last) && repeats(answer) {
            answer.drain(..chunks.len());
        } else if answer.iter().all(|message| message.role == Role::Assistant) {
            join(answer);
        }
    }
}

fn join(chunks: &mut Vec<Arc<Message>>) {
    let mut rest = std::mem::take(chunks).into_iter().map(Arc::unwrap_or_clone);
    let Some(mut whole) = rest.next() else { return };
    for part in rest.flat_map(|chunk| chunk.parts) {
        match (whole.parts.last_mut().map(|last| &mut last.content), part.content) {
            (Some(Content::Text(text)), Content::Text(more)) => text.push_str(&more),
            (_, what) => whole.parts.push(Part { content: what, ..part }),
        }
    }
    chunks.push(Arc::new(whole));
}

/// Whether the last message has the texts and calls of those before it together.
fn repeats(messages: &[Arc<Message>]) -> bool {
    let Some((whole, chunks)) = messages.split_last() else { return false };
    let texts = |message: &Message| -> String {
        let texts = message.parts.iter().filter_map(|part| match &part.content {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    };
    let ids = |message: &Message| -> HashSet<String> {
        let ids = message.parts.iter().filter_map(|part| match &part.content {
            Content::Call(call) => call.id.clone(),
            _ => None,
        });
        ids.collect()
    };
    let called = ids(whole);
    let is_repeated = |part: &Part| match &part.content {
        Content::Text(_) => true,
        Content::Call(call) => call.id.as_ref().is_some_and(|id| called.contains(id)),
        _ => false,
    };
    let pieces: String = chunks.iter().map(|chunk| texts(chunk)).collect();
    chunks.iter().flat_map(|chunk| &chunk.parts).all(is_repeated) && pieces == texts(whole)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    #[test]
    fn a_chunk_of_a_stream_is_a_fallback() {
        let record = |body: &str| {
            let read = Sample::log(CHOICE, body).scope(SCOPE).translate();
            let dialects: Vec<_> = read.readings.iter().map(|reading| reading.content).collect();
            (sides(&read).1, dialects)
        };
        let chunk = record(r#"{"content":{"role":"model","parts":[{"text":"he"}]},"index":0}"#);
        assert_eq!(chunk, (vec!["assistant: he".to_owned()], vec![ContentKind::Fallback]));
        let whole =
            record(r#"{"content":{"role":"model","parts":[{"text":"hello"}]},"index":0,"finish_reason":"STOP"}"#);
        assert_eq!(whole, (vec!["assistant: hello".to_owned()], vec![ContentKind::Conversation]));
        let begun = record(
            r#"{"content":{"role":"model","parts":[{"function_call":{"id":"c1","name":"w","will_continue":true}}]}}"#,
        );
        assert!(begun.0.is_empty());
    }

    #[test]
    fn the_chunks_of_a_stream_are_one_message() {
        let message =
            |part: &str, ended: &str| format!(r#"{{"role":"assistant","parts":[{part}],"finish_reason":"{ended}"}}"#);
        let text = |text: &str| format!(r#"{{"type":"text","content":"{text}"}}"#);
        let call = |given: &str| format!(r#"{{"type":"tool_call","id":"c1","name":"w","arguments":{given}}}"#);
        let read = |messages: &[String]| {
            let output = format!("[{}]", messages.join(","));
            sides(&Sample::span("generate_content m").scope(SCOPE).with(&[(gen_ai::OUTPUT, &output)]).translate()).1
        };
        let (he, llo, begun) = (message(&text("he"), ""), message(&text("llo"), ""), message(&call("null"), ""));
        let whole = message(&format!("{},{}", text("hello"), call(r#"{"a":1}"#)), "stop");
        assert_eq!(read(&[he.clone(), llo.clone(), begun, whole]), [r#"assistant: hello · w#c1{"a":1}"#]);
        // Without the whole they are one message, whatever two of them have in common.
        assert_eq!(read(&[he.clone(), llo, message(&text(" there"), "stop")]), ["assistant: hello there"]);
        assert_eq!(read(&[he.clone(), he.clone(), message(&text(""), "stop")]), ["assistant: hehe"]);
        assert_eq!(read(&[he, message(&text("he"), "")]), ["assistant: hehe"]);
    }
}
