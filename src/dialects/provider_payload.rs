//! A provider's own request or response, found whole in some attribute: where its messages are.
//!
//! What stands beside them (the model, parameters, tokens, why it ended) is in `provider_payload_facts`.

use std::borrow::Cow;

use super::{calls::first, maybe_json::MaybeJson, parts, reading, reasoning};
use crate::model::{Message, Role, Value};

/// The messages of a request, a response, or a bare list of messages; `None` for any other data.
pub fn messages(value: &Value, fallback: Role) -> Option<Vec<Message>> {
    match value {
        Value::Array(items) if list(items) => Some(reading::messages(value, fallback)),
        // An answer without anything in it.
        Value::Array(items) if !items.is_empty() && items.iter().all(is_role_alone) => Some(Vec::new()),
        Value::Map(_) => body(value, fallback),
        _ => None,
    }
}

/// The messages in a value, or its blocks as one.
pub fn messages_or_blocks(value: &Value, role: Role) -> Option<Vec<Message>> {
    messages(value, role).or_else(|| Some(reading::from_parts(role, parts::blocks(value)?)))
}

fn list(items: &[Value]) -> bool {
    let is_one = |item: &Value| match item {
        // LangChain sends a list of batches.
        Value::Array(batch) => !batch.is_empty() && batch.iter().all(is_message),
        item => is_message(item),
    };
    // Among messages, an answer may be empty, or have its content under a key of its sender's own.
    let is_answer = |item: &Value| item.str("role") == Some("assistant");
    items.iter().any(is_one) && items.iter().all(|item| is_one(item) || is_answer(item))
}

fn is_message(item: &Value) -> bool {
    let has = |key: &str| item.get(key).is_some();
    let has_content = has("content")
        || has("parts")
        || has("tool_calls")
        || has("contents")
        || has("blocks")
        || has("reasoning_content");
    let stated = item.str("role").or_else(|| item.str("type"));
    let is_item = matches!(item.str("type"), Some("function_call" | "function_call_output" | "reasoning" | "message"));
    (has_content && stated.is_some_and(|word| reading::role(word).is_some())) || (has("kwargs") && has("lc")) || is_item
}

fn body(map: &Value, fallback: Role) -> Option<Vec<Message>> {
    if is_message(map) {
        return Some(reading::messages(map, fallback));
    }
    // Mistral's client wraps the events of a stream.
    if let Some(event) = map.get("data").filter(|data| data.get("choices").is_some() && map.get("choices").is_none()) {
        return body(event, fallback);
    }
    let mut found = system(map);
    let before = found.len();
    // `input` is the Responses API's: too common a word to be that without a model.
    let is_request = map.str("model").is_some();
    for key in ["messages", "contents", "input"] {
        let stands = key != "input" || is_request;
        match map.get(key).filter(|_| stands) {
            Some(Value::Array(items)) if list(items) => {
                found.extend(reading::messages(map.get(key)?, Role::User));
            }
            Some(Value::String(text)) if key != "messages" => found.push(Message::text(Role::User, text)),
            _ => {}
        }
    }
    let is_response = found.len() == before && (answers(map, &mut found) || is_silent(map));
    if found.len() > before {
        return Some(found);
    }
    // An answer may be empty: then the response is not shown as data instead.
    is_response.then(Vec::new)
}

/// Whether a map has nothing but a role.
fn is_role_alone(item: &Value) -> bool {
    matches!(item.as_map(), Some([(key, role)]) if key == "role" && role.as_str().and_then(reading::role).is_some())
}

/// The instructions that stand beside the messages of a request; Gemini's are in its configuration.
pub fn system(map: &Value) -> Vec<Message> {
    let found = instructions(map);
    let config = first(map, &["config", "generation_config"]).filter(|_| found.is_empty());
    config.map_or(found, instructions)
}

fn instructions(map: &Value) -> Vec<Message> {
    let mut found = Vec::new();
    for key in ["system", "instructions", "system_instruction", "systemInstruction"] {
        if let Some(system) = map.get(key).filter(|system| !system.is_empty()) {
            let system = system.get("parts").unwrap_or(system);
            let mut parts = Vec::new();
            parts::content(system, &mut parts);
            found.extend(reading::from_parts(Role::System, parts));
        }
    }
    found
}

/// Whether a response has answers, and all of them are empty.
pub fn is_silent(response: &Value) -> bool {
    let is_bare = |value: &Value, besides: &str| {
        value.as_map().is_some_and(|entries| entries.iter().all(|(key, value)| key == besides || value.is_empty()))
    };
    let is_empty = |answer: &Value| match answer.get("parts").and_then(Value::as_array) {
        Some(parts) => parts.iter().all(|part| is_bare(part, "type")),
        None => is_bare(answer, "role"),
    };
    let answers = first(response, &["choices", "candidates"]).and_then(Value::as_array).unwrap_or_default();
    let answer = |answer: &Value| first(answer, &["message", "content"]).is_some_and(is_empty);
    let is_empty_list =
        matches!(response.as_map(), Some([(key, Value::Array(list))]) if key == "messages" && list.is_empty());
    let is_bare_response = response.str("object") == Some("response")
        && response.get("output").and_then(Value::as_array).is_some_and(<[Value]>::is_empty);
    // LlamaIndex's completion of a prompt.
    let is_bare_text =
        response.str("text") == Some("") && ["raw", "additional_kwargs"].iter().all(|key| response.get(key).is_some());
    (!answers.is_empty() && answers.iter().all(answer)) || is_bare_response || is_bare_text || is_empty_list
}

/// Adds the answers of a response: in `choices`, `output`, `candidates` or `content`, by whose API it is. True where it
/// is surely a response, even if its answers are empty.
fn answers(map: &Value, found: &mut Vec<Message>) -> bool {
    let mut is_response = false;
    let items = |key: &str| map.get(key).and_then(Value::as_array).filter(|items| !items.is_empty());
    if let Some(choices) = items("choices") {
        for choice in choices {
            let answer = choice.get("message").or_else(|| choice.get("text"));
            is_response |= answer.is_some_and(|answer| answer.as_str() == Some("") || is_message(answer));
            found.extend(answer.map_or_else(Vec::new, |answer| reading::messages(answer, Role::Assistant)));
        }
    } else if let Some(candidates) = items("candidates") {
        for content in candidates.iter().filter_map(|candidate| candidate.get("content")) {
            is_response |= content.get("parts").is_some() || content.str("role") == Some("model");
            found.extend(reading::messages(content, Role::Assistant));
        }
    } else if let Some(output) = items("output").filter(|output| list(output)) {
        for item in output {
            reading::message(item, Role::Assistant, found);
        }
    } else if items("content").is_some_and(|content| content.iter().all(|block| block.str("type").is_some())) {
        found.extend(reading::messages(map, Role::Assistant));
    } else if let Some(message) = map.get("message").filter(|message| is_message(message)) {
        is_response = true;
        found.extend(reading::messages(message, Role::Assistant));
    } else if let Some(message) = map.get("output").and_then(|output| output.get("message")).filter(|it| is_message(it))
    {
        // Bedrock's Converse.
        found.extend(reading::messages(message, Role::Assistant));
    } else if let Some(batches) = items("generations") {
        for generation in batches.iter().flat_map(|batch| batch.as_array().unwrap_or(std::slice::from_ref(batch))) {
            let answer =
                generation.get("message").filter(|message| is_message(message)).or_else(|| generation.get("text"));
            is_response |= answer.is_some();
            found.extend(answer.map_or_else(Vec::new, |answer| reading::messages(answer, Role::Assistant)));
        }
    } else if map.get("finish_reason").is_some() && map.get("content").is_some() {
        // AutoGen's result of a call.
        is_response = true;
        found.extend(reading::messages(map, Role::Assistant));
    }
    is_response
}

/// The messages of what is known to be a request to a model: also those under keys that elsewhere mean anything.
pub fn request(value: &Value) -> Option<Vec<Message>> {
    if let Some(found) = messages(value, Role::User) {
        return Some(found);
    }
    let value = &*unpacked(value);
    if value.as_map().is_none() {
        return messages(value, Role::User).or_else(|| texts(value, Role::User));
    }
    let given =
        first(value, &["messages", "contents", "input", "inputs", "prompt", "prompts", "message", "query", "text"])?;
    let answer = messages(given, Role::User).or_else(|| texts(given, Role::User)).or_else(|| {
        // Gemini's one content, a list of its parts, or items of which not all are known.
        let is_list = given.as_array().is_some_and(|items| items.iter().all(|item| item.as_map().is_some()));
        let is_content = given.get("parts").is_some() || parts::blocks(given).is_some();
        (is_content || is_list).then(|| reading::messages(given, Role::User))
    })?;
    Some(system(value).into_iter().chain(answer).collect())
}

/// The messages of what is known to be a model's response.
pub fn response(value: &Value) -> Option<Vec<Message>> {
    const WORDS: &[&str] =
        &["output_text", "completion", "generated_text", "generation", "response", "text", "content", "output"];
    const BESIDE: &[&str] = &["model", "usage", "stop_reason", "finish_reason", "done", "id", "generation_token_count"];
    if let Some(found) = messages(value, Role::Assistant) {
        return Some(found);
    }
    let value = &*unpacked(value);
    if value.as_map().is_none() {
        return messages(value, Role::Assistant).or_else(|| texts(value, Role::Assistant));
    }
    let listed = || {
        let result = value.get("results")?.as_array()?.first()?;
        texts(result.get("outputText")?, Role::Assistant)
    };
    // What Langfuse records of a model that thinks: `{"completion": "", "reasoning": "hm"}`.
    let is_thinking = |key: &str| reasoning::BESIDE.contains(&key);
    let is_both = |(key, _): &(String, Value)| matches!(key.as_str(), "completion" | "content") || is_thinking(key);
    let entries = value.as_map().unwrap_or_default();
    if entries.len() > 1 && entries.iter().all(is_both) && entries.iter().any(|(key, _)| is_thinking(key)) {
        let mut parts = reasoning::beside(value);
        let answer = first(value, &["completion", "content"]).unwrap_or(&Value::Null);
        parts::content(answer, &mut parts);
        return Some(reading::from_parts(Role::Assistant, parts));
    }
    // An answer by a schema may have a field of such a name: then that field is not the whole answer.
    let is_response = value.as_map().is_some_and(|map| map.len() == 1) || first(value, BESIDE).is_some();
    let words = || WORDS.iter().filter(|_| is_response).find_map(|key| texts(value.get(key)?, Role::Assistant));
    messages(value, Role::Assistant).or_else(words).or_else(listed)
}

/// The body of Bedrock's `invoke_model`, which is JSON in a field; any other value as it is.
pub fn unpacked(value: &Value) -> Cow<'_, Value> {
    match value.get("body").map(MaybeJson::of) {
        Some(MaybeJson::Data(body)) => body,
        _ => Cow::Borrowed(value),
    }
}

/// A text, or a list of nothing else.
fn texts(value: &Value, role: Role) -> Option<Vec<Message>> {
    let all_texts = match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| item.as_str().is_some()),
        _ => false,
    };
    let mut parts = Vec::new();
    if all_texts {
        parts::content(value, &mut parts);
    }
    all_texts.then(|| reading::from_parts(role, parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    #[test]
    fn a_request_may_be_one_text_or_items() {
        let read = |text: &str| -> Vec<(Role, String)> {
            let found = request(&json::parse(text).unwrap()).unwrap_or_default();
            found.iter().map(|message| (message.role, message.plain_text())).collect()
        };
        let expected = [(Role::System, "S".to_owned()), (Role::User, "q".to_owned())];
        assert_eq!(read(r#"{"instructions":"S","input":"q"}"#), expected);
        assert_eq!(read(r#"{"instructions":"S","input":[{"role":"user","content":"q"}]}"#), expected);
        assert_eq!(read(r#"{"model":"m","prompt":"q"}"#), expected[1..]);
        assert_eq!(read(r#"{"model":"m"}"#), []);
    }

    fn read(text: &str) -> Option<Vec<(Role, String)>> {
        let found = messages(&json::parse(text).unwrap(), Role::User)?;
        Some(found.iter().map(|message| (message.role, message.plain_text())).collect())
    }

    #[test]
    fn a_request_and_a_response_have_their_messages() {
        let sides = |role, text: &str| Some(vec![(role, text.to_owned())]);
        for (text, expected) in [
            (r#"[{"role":"user","content":"q"}]"#, sides(Role::User, "q")),
            (r#"{"messages":[[{"role":"user","content":"q"}]]}"#, sides(Role::User, "q")),
            (r#"{"messages":[{"type":"human","content":"q"}]}"#, sides(Role::User, "q")),
            (r#"{"contents":[{"role":"user","parts":[{"text":"q"}]}]}"#, sides(Role::User, "q")),
            (r#"{"model":"m","input":[{"role":"user","content":"q"}]}"#, sides(Role::User, "q")),
            (r#"{"model":"m","input":"q"}"#, sides(Role::User, "q")),
            (r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#, sides(Role::Assistant, "a")),
            (r#"{"choices":[{"text":"a"}]}"#, sides(Role::Assistant, "a")),
            (r#"{"choices":[{"message":{"role":"assistant","content":""}}]}"#, Some(vec![])),
            (r#"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}"#, Some(vec![])),
            (r#"{"choices":["left","right"]}"#, None),
            (r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}]}"#, sides(Role::Assistant, "a")),
            (r#"{"id":"m","content":[{"type":"text","text":"a"}]}"#, sides(Role::Assistant, "a")),
            (
                r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
                sides(Role::Assistant, "a"),
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
    fn an_empty_answer_is_an_answer() {
        for text in [
            r#"{"choices":[{"message":{"role":"assistant"},"index":0,"finish_reason":"stop"}],"model":"m"}"#,
            r#"{"choices":[{"message":{"role":"assistant","content":""}}]}"#,
            r#"{"candidates":[{"content":{"role":"model","parts":null},"finish_reason":"STOP"}]}"#,
            r#"{"object":"response","output":[],"instructions":"S"}"#,
            r#"{"role":"assistant","content":[]}"#,
        ] {
            assert_eq!(read(text), Some(vec![]), "{text}");
        }
        assert_eq!(read(r#"{"choices":[{"message":"m"}]}"#).map(|found| found.len()), Some(1));
        assert_eq!(read(r#"{"choices":[{"label":"a"}]}"#), None);
    }

    #[test]
    fn an_answer_under_an_unknown_key_is_not_lost() {
        let text = r#"[{"role":"user","content":"q"},{"role":"assistant","answer":"Yes."},{"role":"assistant"}]"#;
        let found = messages(&json::parse(text).unwrap(), Role::User).unwrap();
        let read: Vec<String> = found.iter().map(super::super::sample::in_words).collect();
        assert_eq!(read, ["user: q", r#"assistant: json {"answer":"Yes."}"#]);
    }

    #[test]
    fn other_data_has_no_messages() {
        for text in [r#"{"city":"Paris"}"#, "[1,2]", "[]", r#"[{"id":1}]"#, r#"{"messages":"x"}"#, r#"{"input":"x"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_thought_beside_an_answer_is_no_data() {
        let read = |text: &str| {
            let found = response(&json::parse(text).unwrap())?;
            Some(found.iter().map(super::super::sample::in_words).collect::<Vec<_>>())
        };
        let thought = Some(vec!["assistant: (thought) hm".to_owned()]);
        assert_eq!(read(r#"{"completion":"","reasoning":"hm"}"#), thought);
        assert_eq!(read(r#"{"completion":null,"thinking":[{"type":"thinking","thinking":"hm"}]}"#), thought);
        let both = Some(vec!["assistant: (thought) hm · 42".to_owned()]);
        assert_eq!(read(r#"{"completion":"42","reasoning":"hm"}"#), both);
        // An answer by a schema.
        assert_eq!(read(r#"{"reasoning":"hm","answer":"42"}"#), None);
    }
}
