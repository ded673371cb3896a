//! A message of any shape → [`Message`]s: its role, where its content is, what belongs beside it (`messages.md` 1, 2).

use std::collections::HashSet;

use super::{
    calls::{self, first, first_str},
    maybe_json::MaybeJson,
    parts, reasoning, spliced_calls,
};
use crate::model::{Content, Message, Part, Role, ToolResult, Value};

/// The role that a word means, whatever its case; `None` for words that mean none.
pub fn role(word: &str) -> Option<Role> {
    const WORDS: &[(&str, Role)] = &[
        ("user", Role::User),
        ("assistant", Role::Assistant),
        ("system", Role::System),
        ("tool", Role::Tool),
        ("model", Role::Assistant),
        ("developer", Role::System),
        ("human", Role::User),
        ("ai", Role::Assistant),
        ("function", Role::Tool),
        ("instruction", Role::System),
        ("instructions", Role::System),
        ("customer", Role::User),
        ("bot", Role::Assistant),
        ("choice", Role::Assistant),
        ("ipython", Role::Tool),
        ("tool_result", Role::Tool),
        ("FunctionExecutionResult", Role::Tool),
    ];
    // The classes of LangChain and AutoGen: `HumanMessage`, `AIMessageChunk`.
    let word = word.strip_suffix("Chunk").unwrap_or(word);
    let word = word.strip_suffix("Message").unwrap_or(word);
    WORDS.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)).map(|(_, role)| *role)
}

/// Parts under a role, as messages: each run of tool results is a message of role `tool`, calls are the assistant's.
pub fn from_parts(role: Role, parts: Vec<Part>) -> Vec<Message> {
    let mut into = Vec::new();
    split(role, None, parts, &mut into);
    into
}

fn split(role: Role, name: Option<&str>, parts: Vec<Part>, into: &mut Vec<Message>) {
    let first = into.len();
    for part in parts {
        let role = match &part.content {
            Content::Result(_) => Role::Tool,
            Content::Call(_) | Content::Reasoning(_) => Role::Assistant,
            _ => role,
        };
        match into[first..].last_mut() {
            Some(message) if message.role == role => message.parts.push(part),
            _ => into.push(Message { role, name: name.map(str::to_owned), parts: vec![part] }),
        }
    }
}

/// Reads one message. A message of nothing is no message.
pub fn message(value: &Value, fallback: Role, into: &mut Vec<Message>) {
    match value {
        Value::Null => {}
        // A list in a list: LangChain's batches.
        Value::Array(items) => items.iter().for_each(|item| message(item, fallback, into)),
        Value::Map(_) => map_message(value, fallback, into),
        other => into.extend(from_parts(fallback, content_parts(other))),
    }
}

fn map_message(map: &Value, fallback: Role, into: &mut Vec<Message>) {
    let (map, class) = unwrapped(map);
    // A choice: `{"index": 0, "message": {…}, "finish_reason": …}`.
    let inner = map.get("message").filter(|inner| inner.as_map().is_some());
    if let (Some(inner), None) = (inner, map.get("content")) {
        return message(inner, fallback, into);
    }
    let stated = map.str("role").or(class).and_then(role);
    let has_content = CONTENT.iter().any(|key| map.get(key).is_some());
    // LangChain has the role in `type`; other types are those of blocks, or of items of the Responses API.
    let by_type = || map.str("type").filter(|_| has_content).and_then(role);
    let Some(role) = stated.or_else(by_type) else {
        let is_block = map.str("type").is_some_and(|kind| kind != "message" && kind != "generic" && kind != "chat");
        let is_message = has_content
            || BESIDE.iter().any(|key| map.get(key).is_some())
            // With content capture off, the id of the call is all that is left of a tool's message.
            || (fallback == Role::Tool && map.get("id").is_some());
        if is_block || !is_message {
            let mut found = Vec::new();
            parts::content(map, &mut found);
            if let ([part], None) = (found.as_mut_slice(), map.str("type")) {
                as_data(part);
            }
            return split(fallback, None, found, into);
        }
        return with_role(map, fallback, into);
    };
    with_role(map, role, into);
}

/// Where the content of a message is, the most reliable key first.
const CONTENT: &[&str] = &["parts", "content", "contents", "blocks", "message", "text", "output"];

/// What a message may have beside its content.
const BESIDE: &[&str] = &[
    "tool_calls",
    "toolCalls",
    "function_call",
    "refusal",
    "reasoning_content",
    "thinking_blocks",
    "reasoning_details",
    "tool_call_id",
];

/// Keys that say something about a message and are no part of what it says, in lower case and without underscores.
const ABOUT: &[&str] = &[
    "role",
    "type",
    "name",
    "id",
    "uuid",
    "index",
    "finishreason",
    "stopreason",
    "status",
    "model",
    "provider",
    "timestamp",
    "createdat",
    "messageid",
];

/// Whether a key is one of [`ABOUT`], or says of a message an id, a time or a reason: `createdAt`, `run_id`.
fn is_about(key: &str) -> bool {
    const LAST: [&str; 3] = ["id", "at", "reason"];
    let plain: String = key.chars().filter(|letter| *letter != '_').collect::<String>().to_ascii_lowercase();
    let is_last = |word: &str| {
        // The last of several words: `format` and `paid` are one.
        let (before, last) = key.split_at_checked(key.len().saturating_sub(word.len())).unwrap_or_default();
        let begins_word = before.ends_with('_') || last.starts_with(|first: char| first.is_ascii_uppercase());
        last.eq_ignore_ascii_case(word) && begins_word && !before.is_empty()
    };
    ABOUT.contains(&plain.as_str()) || LAST.into_iter().any(is_last)
}

/// The texts that a message without any known content has under other keys, as data: `{"role": "assistant", "answer":
/// "Yes."}`. Maps and lists there are mostly counts and settings.
fn said_otherwise(map: &Value) -> Option<Part> {
    if CONTENT.iter().chain(BESIDE).any(|key| map.get(key).is_some()) {
        return None;
    }
    let is_said = |(key, value): &&(String, Value)| {
        let is_text = value.as_str().is_some_and(|text| !text.is_empty());
        is_text && !is_about(key) && !key.contains('.')
    };
    let said: Vec<(String, Value)> = map.as_map()?.iter().filter(is_said).cloned().collect();
    (!said.is_empty()).then(|| Part::new(Content::Json(Value::Map(said))))
}

/// Unpacks LangChain's serialised messages: `{"lc": 1, "id": […, "HumanMessage"], "kwargs": {…}}`, `{"type", "data": {…}}`.
pub fn unwrapped(map: &Value) -> (&Value, Option<&str>) {
    if let Some(kwargs) = map.get("kwargs").filter(|kwargs| kwargs.as_map().is_some()) {
        let class = map.get("id").and_then(Value::as_array).and_then(|path| path.last()).and_then(Value::as_str);
        return (kwargs, class);
    }
    let has_message = |data: &&Value| data.get("content").is_some() || data.get("tool_calls").is_some();
    let data = map.get("data").filter(|data| has_message(data) && map.get("content").is_none());
    data.map_or((map, None), |data| (data, map.str("type")))
}

/// Gemini's `{"content": {"role": "model", "parts": […]}}`.
fn content_role(map: &Value) -> Option<Role> {
    map.get("content")?.str("role").and_then(role)
}

fn with_role(map: &Value, role: Role, into: &mut Vec<Message>) {
    let name = first_str(map, &["name"]);
    let body = CONTENT.iter().find_map(|key| map.get(key).filter(|content| !content.is_empty()));
    let body = body.map(|content| content.get("parts").unwrap_or(content));
    let role = content_role(map).unwrap_or(role);
    if role == Role::Tool {
        return tool_message(map, body, name, into);
    }
    let mut found = body.map_or_else(Vec::new, content_parts);
    thoughts(map, &mut found);
    if let Some(words) = map.str("refusal").filter(|words| !words.is_empty()) {
        found.push(Part::new(Content::Refusal(words.to_owned())));
    }
    calls_beside(map, &mut found);
    if found.is_empty() {
        found.extend(said_otherwise(map));
    }
    // Some senders leave out every part that is no plain text: an empty prompt is a hidden one.
    if found.is_empty() && role != Role::Assistant && map.get("parts").is_some_and(is_empty_list) {
        found.push(Part { hidden: true, ..Part::text("") });
    }
    split(role, name.filter(|_| role != Role::System), found, into);
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(<[Value]>::is_empty)
}

/// The parts of a content. Its texts are content and stay as they are.
fn content_parts(body: &Value) -> Vec<Part> {
    let mut found = Vec::new();
    parts::content(body, &mut found);
    if let ([part], Some(_)) = (found.as_mut_slice(), body.as_map()) {
        as_data(part);
    }
    found
}

/// Structured content that is no block: an answer by a schema, or a framework's own data.
fn as_data(part: &mut Part) {
    if let Content::Unknown(data) = &mut part.content {
        part.content = Content::Json(std::mem::take(data));
    }
}

/// Reasoning that stands beside the content, as OpenAI-compatible servers write it.
fn thoughts(map: &Value, found: &mut Vec<Part>) {
    if found.iter().any(|part| matches!(part.content, Content::Reasoning(_))) {
        return;
    }
    let beside = reasoning::beside(map);
    if !beside.is_empty() {
        found.splice(0..0, beside);
    } else if let Some(words) = map.str("thought").filter(|words| !words.is_empty()) {
        // AutoGen uses this key for reasoning before an answer, and also for text beside calls.
        let calls = found.iter().any(|part| matches!(part.content, Content::Call(_)));
        let part = if calls { parts::text(words) } else { Some(parts::thought(words)) };
        found.splice(0..0, part);
    }
}

/// Calls that stand beside the content; not those that the content has already.
fn calls_beside(map: &Value, found: &mut Vec<Part>) {
    let ids =
        found.iter().filter_map(|part| if let Content::Call(call) = &part.content { call.id.clone() } else { None });
    let ids: HashSet<String> = ids.collect();
    // LangChain's older messages and LlamaIndex's keep what is the provider's own apart.
    let beside = || first(map.get("additional_kwargs")?, &["tool_calls"]);
    let listed =
        first(map, &["tool_calls", "toolCalls"]).filter(|list| !list.is_empty()).or_else(beside).map(MaybeJson::of);
    let list = match &listed {
        Some(MaybeJson::Data(list)) => list.as_array(),
        Some(MaybeJson::Cut(list)) => list.as_array(),
        _ => None,
    };
    for item in list.unwrap_or_default() {
        // OpenInference wraps each: `{"tool_call": {…}}`.
        let item = item.get("tool_call").filter(|inner| inner.as_map().is_some()).unwrap_or(item);
        let is_new = |part: &Part| match &part.content {
            Content::Call(call) => call.id.as_ref().is_none_or(|id| !ids.contains(id)),
            _ => true,
        };
        found.extend(spliced_calls::calls(item).into_iter().filter(is_new));
    }
    let legacy = map.get("function_call").filter(|call| call.as_map().is_some());
    found.extend(legacy.and_then(calls::call));
}

fn tool_message(map: &Value, body: Option<&Value>, name: Option<&str>, into: &mut Vec<Message>) {
    let call_id = calls::id_of(map);
    let mut content = Vec::new();
    match body {
        None if call_id.is_none() => return,
        None => {}
        Some(body) => calls::returned(body, &mut content),
    }
    // The results are blocks of the content, each with its own id.
    if content.iter().any(|part| matches!(part.content, Content::Result(_) | Content::Call(_))) {
        return split(Role::Tool, None, content, into);
    }
    let is_error = calls::is_error(map).or_else(|| body.and_then(calls::content_error));
    let result = ToolResult { call_id, name: name.map(str::to_owned), is_error, content };
    into.push(Message::new(Role::Tool, vec![Part::new(Content::Result(result))]));
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut read = Vec::new();
        message(&sample::value(text), Role::User, &mut read);
        read.iter().map(sample::in_words).collect()
    }

    #[test]
    fn every_name_of_a_role_means_one() {
        for (word, expected) in [
            ("developer", Role::System),
            ("Human", Role::User),
            ("model", Role::Assistant),
            ("AI", Role::Assistant),
            ("ipython", Role::Tool),
            ("AIMessageChunk", Role::Assistant),
        ] {
            assert_eq!(role(word), Some(expected), "{word}");
        }
        assert_eq!(role("narrator"), None);
    }

    #[test]
    fn messages_of_every_shape_are_read() {
        for (text, expected) in [
            (r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#, vec!["user: hi"]),
            (r#"{"role":"model","parts":[{"text":"hi"}]}"#, vec!["assistant: hi"]),
            (r#"{"content":{"role":"model","parts":[{"text":"hi"}]}}"#, vec!["assistant: hi"]),
            (r#"{"lc":1,"id":["langchain","HumanMessage"],"kwargs":{"content":"hi"}}"#, vec!["user: hi"]),
            (r#"{"type":"ai","data":{"content":"hi"}}"#, vec!["assistant: hi"]),
            (r#"{"type":"human","content":"hi"}"#, vec!["user: hi"]),
            (r#"{"index":0,"message":{"role":"assistant","content":"hi"}}"#, vec!["assistant: hi"]),
            (
                r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"}}]}"#,
                vec!["assistant: w#c1{}"],
            ),
            (
                r#"{"role":"assistant","content":"so","reasoning_content":"hm","refusal":"no"}"#,
                vec!["assistant: (thought) hm · so · (refused) no"],
            ),
            (
                r#"{"role":"assistant","content":"","thinking":[{"type":"thinking","content":"hm"}],"tool_calls":[{"id":"c1","name":"w","arguments":"{}"}]}"#,
                vec!["assistant: (thought) hm · w#c1{}"],
            ),
            (
                r#"{"role":"assistant","content":"so","reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"aGk="}]}"#,
                vec!["assistant: (thought) hm · (opaque 2) · so"],
            ),
            (
                r#"{"role":"assistant","content":"so","reasoning":"hm","reasoning_details":[{"type":"reasoning.encrypted","data":"aGk=","id":"r","format":"f","index":0}]}"#,
                vec!["assistant: (thought) hm · (opaque 2) · so"],
            ),
            (
                r#"{"role":"assistant","content":"so","reasoning_details":[{"type":"reasoning.summary","summary":"hm"},{"type":"reasoning.text","text":"ha","signature":"s"}]}"#,
                vec!["assistant: (thought) hm · (thought) ha · so"],
            ),
            (
                r#"{"role":"assistant","content":"so","reasoning":{"steps":3}}"#,
                vec![r#"assistant: unknown {"steps":3} · so"#],
            ),
            (
                r#"{"role":"assistant","content":"so","reasoning":{"effort":"low","summary":null}}"#,
                vec!["assistant: so"],
            ),
            (
                r#"{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"w","input":{}}],"tool_calls":[{"id":"c1","name":"w","args":{}},{"id":"c2","name":"w","args":{}}]}"#,
                vec!["assistant: w#c1{} · w#c2{}"],
            ),
            (r#"{"role":"assistant","function_call":{"name":"w","arguments":"{}"}}"#, vec!["assistant: w#-{}"]),
            (r#"{"role":"tool","tool_call_id":"c1","content":"18C"}"#, vec!["tool: =c1 18C"]),
            (r#"{"role":"tool","tool_call_id":"c1","content":"18C","status":"error"}"#, vec!["tool: =!c1 18C"]),
            (
                r#"{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"18C"}]}"#,
                vec!["tool: =c1 18C"],
            ),
            (r#"{"type":"function_call_output","call_id":"c1","output":"18C"}"#, vec!["tool: =c1 18C"]),
            (r#"{"type":"function_call","call_id":"c1","name":"w","arguments":"{}"}"#, vec!["assistant: w#c1{}"]),
            (r#"{"role":"assistant","content":{"answer":42}}"#, vec![r#"assistant: json {"answer":42}"#]),
            (r#"{"role":"assistant","answer":"Yes."}"#, vec![r#"assistant: json {"answer":"Yes."}"#]),
            (r#"{"role":"assistant","metrics":{"duration":0.1},"items":[1]}"#, vec![]),
            (r#"{"role":"assistant","id":"m1","name":"w","index":0,"answer":"","event.name":"e"}"#, vec![]),
            (
                r#"{"role":"assistant","finishReason":"stop","createdAt":"now","uuid":"u","message_id":"m","runId":"r"}"#,
                vec![],
            ),
            (
                r#"{"role":"assistant","format":"a","paid":"b","id":"m"}"#,
                vec![r#"assistant: json {"format":"a","paid":"b"}"#],
            ),
            (r#"{"role":"user","content":""}"#, vec![]),
            (r#"{"role":"user","parts":[{"type":"text","content":""}]}"#, vec![]),
            (r#"{"role":"user","parts":[]}"#, vec!["user: (hidden)"]),
            (r#"{"role":"assistant","parts":[]}"#, vec![]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn results_and_texts_in_one_message_are_parted_in_order() {
        let text = r#"{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"b","content":[{"text":"2"}]}},{"text":"go on"}]}"#;
        assert_eq!(read(text), ["tool: =a 1 · =b 2", "user: go on"]);
        let asked = r#"{"role":"tool","parts":[{"type":"tool_call","id":"c1","name":"w","arguments":{}}]}"#;
        assert_eq!(read(asked), ["assistant: w#c1{}"]);
    }
}
