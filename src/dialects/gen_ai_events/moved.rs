//! The log record into which AWS's distribution moves the events of a span.

use std::borrow::Cow;

use crate::{
    dialects::{calls, maybe_json::MaybeJson, reading},
    model::{Content, GenAi, Message, Part, Role, Value},
};

/// The body of a record into which the events of a span were moved; some send it as JSON.
pub(super) fn moved_body(body: &Value) -> Option<Cow<'_, Value>> {
    let is_moved = |body: &Value| {
        ["input", "output"].iter().any(|side| body.get(side).and_then(|side| side.get("messages")).is_some())
    };
    let body = match body {
        // Most records are plain text: JSON is parsed only where the body can be this.
        Value::String(text) if text.starts_with('{') && text.contains("\"messages\"") => match MaybeJson::of(body) {
            MaybeJson::Data(data) => data,
            MaybeJson::Cut(data) => Cow::Owned(data),
            _ => return None,
        },
        Value::Map(_) => Cow::Borrowed(body),
        _ => return None,
    };
    is_moved(&body).then_some(body)
}

/// What a tool's own span was given or gave back: only there the event of Strands has the id of the call.
fn tool_run(side: &str, role: Role, inner: &Value, content: &Value) -> Option<Message> {
    let id = content.str("id").and_then(calls::usable_id).map(str::to_owned)?;
    if side == "output" && content.get("finish_reason").is_none() {
        let mut part = calls::answered(Some(id), None, None);
        if let Content::Result(result) = &mut part.content {
            result.content = reading::encoded(inner);
        }
        return Some(Message::new(Role::Tool, vec![part]));
    }
    let is_result = || reading::encoded(inner).iter().any(|part| matches!(part.content, Content::Result(_)));
    (side == "input" && role == Role::Tool && !is_result()).then(|| {
        let (input, truncated) = calls::arguments(inner);
        Message::new(Role::Assistant, vec![Part { truncated, ..calls::made(Some(id), "", input, false) }])
    })
}

/// All that AWS's distribution took out of one span.
///
/// Returns the messages of the request, and those of the answer.
pub(super) fn moved(body: &Value, genai: &mut GenAi) -> (Vec<Message>, Vec<Message>) {
    let side = |key: &str, fallback| {
        let messages = body.get(key).and_then(|side| side.get("messages")).and_then(Value::as_array);
        let mut found = Vec::new();
        for message in messages.unwrap_or_default() {
            let role = message.str("role").and_then(reading::role).unwrap_or(fallback);
            let content = message.get("content");
            // The fields of the event that was moved, its content still encoded.
            let inner = content.and_then(|content| content.get("message").or_else(|| content.get("content")));
            if let Some(run) = inner.zip(content).and_then(|(inner, content)| tool_run(key, role, inner, content)) {
                found.push(run);
                continue;
            }
            let parts = inner.or(content).map_or_else(Vec::new, reading::encoded);
            let role = if role == Role::Tool { Role::User } else { role };
            found.extend(reading::from_parts(role, parts));
        }
        found
    };
    if genai.stop_reason.is_none() {
        let messages = body.get("output").and_then(|side| side.get("messages")).and_then(Value::as_array);
        let mut reasons = messages
            .unwrap_or_default()
            .iter()
            .rev()
            .filter_map(|message| message.get("content")?.str("finish_reason"));
        genai.stop_reason = reasons.next().map(str::to_owned);
    }
    (side("input", Role::User), side("output", Role::Assistant))
}

#[cfg(test)]
mod tests {
    use super::super::tests::words;
    use crate::dialects::sample::{Sample, sides};

    #[test]
    fn aws_moves_the_events_of_a_span_into_one_record() {
        let body = r#"{"input":{"messages":[{"role":"system","content":"S"},
            {"role":"user","content":{"content":"[{\"text\": \"q\"}]"}},
            {"role":"tool","content":{"content":"[{\"toolResult\": {\"toolUseId\": \"c1\", \"content\": [{\"text\": \"18C\"}]}}]"}}]},
            "output":{"messages":[{"role":"assistant","content":{"message":"[{\"text\": \"a\"}]","finish_reason":"end_turn"}}]}}"#;
        let read = Sample::log("strands.telemetry.tracer", body).scope("strands.telemetry.tracer").translate();
        let prompt = vec!["system: S".to_owned(), "user: q".to_owned(), "tool: =c1 18C".to_owned()];
        let expected = (prompt, vec!["assistant: a".to_owned()], Some("end_turn"));
        assert_eq!(words(&read), expected);
        let json = Sample::log("strands.telemetry.tracer", &crate::model::json::to_string(&body.into())).translate();
        assert_eq!(words(&json), expected);
        let tool = r#"{"input":{"messages":[{"role":"tool","content":{"role":"tool","content":"{\"a\": 1}","id":"t1"}}]},
            "output":{"messages":[{"role":"unknown","content":{"message":"[{\"text\": \"18C\"}]","id":"t1"}}]}}"#;
        let read = Sample::log("strands.telemetry.tracer", tool).translate();
        assert_eq!(sides(&read), (vec![r#"assistant: #t1{"a":1}"#.to_owned()], vec!["tool: =t1 18C".to_owned()]));
    }
}
