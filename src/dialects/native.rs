//! A provider's own request or response, found whole in some attribute: where its messages are.

use super::reading;
use crate::model::{Message, Role, Value};

/// The messages of a request, a response, or a bare list of messages; `None` for any other data.
pub fn messages(value: &Value, fallback: Role) -> Option<Vec<Message>> {
    match value {
        Value::Array(items) => list(items).then(|| reading::messages(value, fallback)),
        Value::Map(_) => body(value, fallback),
        _ => None,
    }
}

fn list(items: &[Value]) -> bool {
    !items.is_empty()
        && items.iter().all(|item| match item {
            // LangChain sends a list of batches.
            Value::Array(batch) => !batch.is_empty() && batch.iter().all(is_message),
            item => is_message(item),
        })
}

fn is_message(item: &Value) -> bool {
    let has = |key: &str| item.get(key).is_some();
    let says = has("content") || has("parts") || has("tool_calls") || has("contents");
    let stated = item.str("role").or_else(|| item.str("type"));
    let is_item = matches!(item.str("type"), Some("function_call" | "function_call_output" | "reasoning" | "message"));
    (says && stated.is_some_and(|word| reading::role(word).is_some())) || (has("kwargs") && has("lc")) || is_item
}

fn body(map: &Value, fallback: Role) -> Option<Vec<Message>> {
    if is_message(map) {
        return Some(reading::messages(map, fallback));
    }
    let mut found = Vec::new();
    for key in ["system", "instructions", "system_instruction", "systemInstruction"] {
        if let Some(system) = map.get(key).filter(|system| !system.is_empty()) {
            let system = system.get("parts").unwrap_or(system);
            let mut parts = Vec::new();
            super::parts::content(system, &mut parts);
            found.extend(reading::said(Role::System, parts));
        }
    }
    let before = found.len();
    for key in ["messages", "contents"] {
        match map.get(key) {
            Some(Value::Array(items)) if list(items) => {
                found.extend(reading::messages(map.get(key)?, Role::User));
            }
            Some(Value::String(text)) if key == "contents" => found.push(Message::text(Role::User, text)),
            _ => {}
        }
    }
    if found.len() == before {
        answers(map, &mut found);
    }
    (found.len() > before).then_some(found)
}

/// What a response says: in `choices`, `output`, `candidates` or `content`, by whose API it is.
fn answers(map: &Value, found: &mut Vec<Message>) {
    let items = |key: &str| map.get(key).and_then(Value::as_array).filter(|items| !items.is_empty());
    if let Some(choices) = items("choices") {
        for choice in choices {
            let said = choice.get("message").or_else(|| choice.get("text"));
            found.extend(said.map_or_else(Vec::new, |said| reading::messages(said, Role::Assistant)));
        }
    } else if let Some(candidates) = items("candidates") {
        for content in candidates.iter().filter_map(|candidate| candidate.get("content")) {
            found.extend(reading::messages(content, Role::Assistant));
        }
    } else if let Some(output) = items("output").filter(|output| list(output)) {
        for item in output {
            reading::message(item, Role::Assistant, found);
        }
    } else if items("content").is_some_and(|content| content.iter().all(|block| block.str("type").is_some())) {
        found.extend(reading::messages(map, Role::Assistant));
    } else if let Some(message) = map.get("message").filter(|message| is_message(message)) {
        found.extend(reading::messages(message, Role::Assistant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    fn read(text: &str) -> Option<Vec<(Role, String)>> {
        let found = messages(&json::parse(text).unwrap(), Role::User)?;
        Some(found.iter().map(|message| (message.role, message.plain_text())).collect())
    }

    #[test]
    fn a_request_and_a_response_say_their_messages() {
        let said = |role, text: &str| Some(vec![(role, text.to_owned())]);
        for (text, expected) in [
            (r#"[{"role":"user","content":"q"}]"#, said(Role::User, "q")),
            (r#"{"messages":[[{"role":"user","content":"q"}]]}"#, said(Role::User, "q")),
            (r#"{"messages":[{"type":"human","content":"q"}]}"#, said(Role::User, "q")),
            (r#"{"contents":[{"role":"user","parts":[{"text":"q"}]}]}"#, said(Role::User, "q")),
            (r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#, said(Role::Assistant, "a")),
            (r#"{"choices":[{"text":"a"}]}"#, said(Role::Assistant, "a")),
            (r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}]}"#, said(Role::Assistant, "a")),
            (r#"{"id":"m","content":[{"type":"text","text":"a"}]}"#, said(Role::Assistant, "a")),
            (
                r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
                said(Role::Assistant, "a"),
            ),
            (
                r#"{"system":"S","messages":[{"role":"user","content":"q"}]}"#,
                Some(vec![(Role::System, "S".into()), (Role::User, "q".into())]),
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn other_data_has_no_messages() {
        for text in [r#"{"city":"Paris"}"#, "[1,2]", "[]", r#"[{"id":1}]"#, r#"{"messages":"x"}"#, r#"{"system":"S"}"#]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
