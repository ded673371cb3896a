//! `LangChain`'s messages as its programs dump them, for every dialect that carries such dumps.
//!
//! ```text
//!   {"lc": 1, "id": […, "HumanMessage"], "kwargs": {"content": …}}       a constructor
//!   {"type": "human", "data": {"content": …}}, {"type": "human", "content": …}
//!   in    [[…]], {"messages": …}, {"generations": [[{"text": …, "message": …}]]}, {"update": {"messages": …}}, …
//! ```
//!
//! Tokens and the reason to stop are in the answer itself: `usage_metadata`, `response_metadata`.

use std::{borrow::Cow, collections::HashMap};

use super::{
    calls::{self, first, first_str},
    lenient::{self, Notation},
    maybe_json::MaybeJson,
    parts, reading, reasoning, token_counts,
};
use crate::model::{Content, GenAi, Message, Part, Role, Value};

/// How deep messages may lie in a state or a result.
const DEEPEST: usize = 8;

/// The messages in a dump of a state, a prompt or a result; `None` where there are none or something else beside them.
pub fn messages(value: &Value, fallback: Role) -> Option<Vec<Message>> {
    let mut found = Vec::new();
    (gather(value, DEEPEST, &mut found) && !found.is_empty()).then_some(())?;
    let mut into = Vec::new();
    for one in found {
        read_message(one, fallback, &mut into);
    }
    // Messages without content are messages all the same: an empty list, not `None`.
    Some(into)
}

/// What a chain was given or gave back: its messages, else its one text, else its state as it is.
pub fn io(value: &Value, fallback: Role) -> Vec<Message> {
    const TEXTS: &[&str] =
        &["input", "output", "inputs", "outputs", "question", "query", "answer", "text", "result", "messages"];
    if let Some(found) = messages(value, fallback).or_else(|| super::provider_payload::messages(value, fallback)) {
        return found;
    }
    let data = |value| MaybeJson::Data(Cow::Borrowed(value));
    match value.as_map() {
        // `{"question": "q"}`, `{"messages": [["human", "q"]]}`, `{"input": {…}}`
        Some([(key, inner)]) if TEXTS.contains(&key.as_str()) => reading::side(data(inner), fallback, pairs),
        _ => reading::side(data(value), fallback, |_| None),
    }
}

fn pairs(value: &Value) -> Option<Vec<Message>> {
    let pair = |item: &Value| match item.as_array()? {
        [Value::String(word), Value::String(words)] => {
            Some(reading::from_parts(role_of(word)?, parts::text(words).into_iter().collect()))
        }
        _ => None,
    };
    let read_message: Option<Vec<Vec<Message>>> = value.as_array()?.iter().map(pair).collect();
    Some(read_message?.concat()).filter(|read_message| !read_message.is_empty())
}

/// What a state holds more than what was given: a graph, and each of its nodes, may give back all of it.
pub fn added(given: &[Message], mut state: Vec<Message>) -> Vec<Message> {
    let repeated = given.last().and_then(|last| state.iter().rposition(|message| message == last));
    state.drain(..repeated.map_or(0, |last| last + 1));
    state
}

/// What a tool returned, where that is a `ToolMessage`, or a command that puts one into the state.
pub fn tool_result(value: &Value) -> Option<Part> {
    let read_message = messages(value, Role::Tool)?;
    // The command of a hand-over holds the whole history before it.
    let mut results = read_message.into_iter().flat_map(|message| message.parts);
    results.rfind(|part| matches!(part.content, Content::Result(_)))
}

/// A `ToolMessage` as Python prints it: `content='18C' name='w' tool_call_id='c1'`.
pub fn printed_result(value: &Value) -> Option<Part> {
    let (content, rest) = value.as_str()?.strip_prefix("content=")?.rsplit_once(" tool_call_id='")?;
    let (call_id, rest) = rest.split_once('\'')?;
    // A name and an id may stand between; each begins with a space.
    let mut ends = [" id='", " name='"].into_iter().filter_map(|key| content.rfind(key)).collect::<Vec<_>>();
    ends.push(content.len());
    let literal = |end: &usize| {
        let list = format!("[{}]", content.get(..*end)?);
        let read = lenient::parse(&list, Notation::Python).filter(|read| !read.cut)?;
        read.value.as_array()?.first().cloned()
    };
    let content = ends.iter().find_map(literal)?;
    let mut part = calls::answered(calls::usable_id(call_id).map(str::to_owned), None, Some(&content));
    if let Content::Result(result) = &mut part.content {
        result.is_error = rest.contains("status='error'").then_some(true);
    }
    Some(part)
}

/// Adds the tokens, the model and the stop reason of the last answer, where they are not known yet.
pub fn facts(value: &Value, genai: &mut GenAi) {
    let mut found = Vec::new();
    gather(value, DEEPEST, &mut found);
    for one in found.into_iter().rev() {
        let body = reading::unwrapped(one).0;
        let about = body.get("response_metadata").unwrap_or(&Value::Null);
        if genai.stop_reason.is_none() {
            let ended = first_str(about, &["finish_reason", "stop_reason", "stopReason", "done_reason"])
                .or_else(|| first_str(one.get("generation_info")?, &["finish_reason", "stop_reason"]));
            genai.stop_reason = ended.map(str::to_owned);
        }
        if genai.response_model.is_none() {
            genai.response_model = first_str(about, &["model_name", "model"]).map(str::to_owned);
        }
        if let Some(usage) = body.get("usage_metadata") {
            return token_counts::read(usage, &mut genai.reported);
        }
    }
}

/// Collects messages and generations; false where something else is among them.
fn gather<'v>(value: &'v Value, depth: usize, into: &mut Vec<&'v Value>) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| gather(item, depth, into)),
        Value::Map(_) if is_message(value) => {
            into.push(value);
            true
        }
        Value::Map(_) => {
            const WITHIN: &[&str] =
                &["messages", "generations", "message", "update", "output", "outputs", "kwargs", "chunk"];
            if let Some(inner) = first(value, WITHIN) {
                let before = into.len();
                if gather(inner, depth, into) {
                    return true;
                }
                into.truncate(before);
            }
            // A generation of a model that completes texts.
            let is_text = value.str("text").is_some() && value.get("generation_info").is_some();
            into.extend(is_text.then_some(value));
            is_text
        }
        _ => false,
    }
}

fn is_message(map: &Value) -> bool {
    let (body, class) = reading::unwrapped(map);
    let role = class.or_else(|| body.str("type")).or_else(|| body.str("role"));
    let stands = body.get("content").is_some() || body.get("tool_calls").is_some();
    stands && role.is_some_and(|role| role_of(role).is_some())
}

fn role_of(word: &str) -> Option<Role> {
    let is_chat = ["chat", "ChatMessage", "ChatMessageChunk"].iter().any(|chat| chat.eq_ignore_ascii_case(word));
    if is_chat { Some(Role::User) } else { reading::role(word) }
}

/// Reads one message, put into the form that `reading` knows.
fn read_message(one: &Value, fallback: Role, into: &mut Vec<Message>) {
    let (body, class) = reading::unwrapped(one);
    // A state may hold messages as a provider's API has them.
    if class.is_none() && body.get("role").is_some() && body.get("additional_kwargs").is_none() {
        return reading::message(body, fallback, into);
    }
    if let (None, Some(text)) = (body.get("content"), body.str("text")) {
        return into.extend(reading::from_parts(fallback, parts::text(text).into_iter().collect()));
    }
    let stated = body.str("role").filter(|_| class.is_none() || body.str("type") == Some("chat"));
    let role = stated.or(class).or_else(|| body.str("type")).and_then(role_of).unwrap_or(fallback);
    let more = body.get("additional_kwargs").unwrap_or(&Value::Null);
    let calls = first(body, &["tool_calls"]).filter(|calls| !calls.is_empty());
    let calls = calls.or_else(|| first(more, &["tool_calls"])).cloned();
    let mut entries = vec![("role".to_owned(), Value::from(role.as_str()))];
    if let Some(content) = body.get("content") {
        entries.push(("content".to_owned(), whole(content, calls.as_ref())));
    }
    // The name is that of the agent; in a tool's message that of the tool.
    for key in ["name", "tool_call_id", "status"] {
        entries.extend(body.get(key).filter(|value| !value.is_empty()).map(|value| (key.to_owned(), value.clone())));
    }
    for key in reasoning::BESIDE.iter().copied().chain(["refusal", "function_call"]) {
        let stands = key != "function_call" || calls.is_none();
        let found = first(more, &[key]).or_else(|| first(body, &[key])).filter(|_| stands);
        entries.extend(found.map(|value| (key.to_owned(), value.clone())));
    }
    let mut listed = calls.and_then(|calls| calls.as_array().map(<[Value]>::to_vec)).unwrap_or_default();
    // What a model wrote that is no JSON: `{"type": "invalid_tool_call", "args": "…", "error": …}`.
    listed.extend(body.get("invalid_tool_calls").and_then(Value::as_array).unwrap_or_default().iter().cloned());
    if !listed.is_empty() {
        entries.push(("tool_calls".to_owned(), Value::Array(listed)));
    }
    reading::message(&Value::Map(entries), fallback, into);
}

/// A content whose streamed calls are whole: their blocks hold the arguments in pieces, the list beside it all of them.
fn whole(content: &Value, calls: Option<&Value>) -> Value {
    let (Some(blocks), Some(calls)) = (content.as_array(), calls.and_then(Value::as_array)) else {
        return content.clone();
    };
    let args = |call: &'_ Value| first(call, &["args", "arguments", "input"]).cloned();
    let by_id: HashMap<&str, &Value> = calls.iter().filter_map(|call| Some((call.str("id")?, call))).collect();
    let mended = blocks.iter().filter(|block| block.str("type") != Some("input_json_delta")).map(|block| {
        let is_call = matches!(block.str("type"), Some("tool_use" | "tool_call" | "function_call"));
        let id = || first_str(block, &["call_id", "id"]).filter(|_| is_call);
        let is_whole = block.get("partial_json").is_none() && !block.get("input").is_some_and(Value::is_empty);
        let Some(input) = id().and_then(|id| by_id.get(id)).and_then(|call| args(call)).filter(|_| !is_whole) else {
            return block.clone();
        };
        let kept = block.as_map().unwrap_or_default().iter().filter(|(key, _)| key != "partial_json" && key != "input");
        Value::Map(kept.cloned().chain([("input".to_owned(), input)]).collect())
    });
    Value::Array(mended.collect())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, value};
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        let sides = messages(&value(text), Role::Assistant)?;
        Some(sides.iter().map(sample::in_words).collect())
    }

    #[test]
    fn messages_are_found_wherever_they_are_dumped() {
        let human = r#"{"lc":1,"type":"constructor","id":["langchain","schema","messages","HumanMessage"],"kwargs":{"content":"q","type":"human"}}"#;
        for dump in [
            human.to_owned(),
            r#"{"type":"human","data":{"content":"q","type":"human"}}"#.to_owned(),
            r#"{"type":"human","content":"q","additional_kwargs":{}}"#.to_owned(),
            format!(r#"{{"messages":[[{human}]]}}"#),
            format!(r#"[{{"graph":null,"update":{{"messages":[{human}]}}}}]"#),
            format!(r#"{{"lc":1,"id":["ChatPromptValue"],"kwargs":{{"messages":[{human}]}}}}"#),
            format!(r#"{{"output":{human}}}"#),
        ] {
            assert_eq!(read(&dump).as_deref(), Some(&["user: q".to_owned()][..]), "{dump}");
        }
        let text = r#"{"generations":[[{"text":"a","generation_info":null,"type":"Generation"}]]}"#;
        assert_eq!(read(text).as_deref(), Some(&["assistant: a".to_owned()][..]));
    }

    #[test]
    fn a_chains_one_text_is_a_message_and_its_state_is_data() {
        let words = |text: &str| io(&value(text), Role::User).iter().map(sample::in_words).collect::<Vec<_>>();
        for (text, expected) in [
            (r#"{"question":"q"}"#, vec!["user: q"]),
            (r#"{"messages":[["human","q"],["ai","a"]]}"#, vec!["user: q", "assistant: a"]),
            (r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#, vec!["assistant: a"]),
            (r#"{"city":"Paris"}"#, vec![r#"user: json {"city":"Paris"}"#]),
            (r#"{"output":["a","b"]}"#, vec![r#"user: json ["a","b"]"#]),
            ("{}", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn of_a_state_only_what_was_added_is_new() {
        let message = |text: &str| Message::text(Role::User, text);
        let state = || vec![message("a"), message("b"), message("c")];
        assert_eq!(added(&[message("b")], state()), [message("c")]);
        assert_eq!(added(&[message("x")], state()), state());
        assert_eq!(added(&[], state()), state());
    }

    #[test]
    fn other_data_is_none_of_its_own() {
        for text in
            [r#"{"city":"Paris"}"#, "[]", r#"{"messages":["ChatMessage(role=…)"]}"#, r#"{"output":"text"}"#, "4"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        let endless = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&endless), None);
    }

    const ANSWER: &str = r#"{"generations":[[{"text":"Let me look.","generation_info":null,"type":"ChatGeneration","message":
        {"lc":1,"type":"constructor","id":["langchain","schema","messages","AIMessageChunk"],"kwargs":{
            "content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Let me look."},
                {"type":"tool_use","id":"t1","name":"w","input":{},"partial_json":"{\"city\":\"Par","index":2}],
            "tool_calls":[{"name":"w","args":{"city":"Paris"},"id":"t1","type":"tool_call"}],
            "response_metadata":{"stop_reason":"tool_use","model_name":"claude-x"},
            "usage_metadata":{"input_tokens":568,"output_tokens":87,"input_token_details":{"cache_read":0,"cache_creation":256}}}}}]]}"#;

    #[test]
    fn an_answer_is_whole_with_its_reasoning_and_its_calls() {
        assert_eq!(read(ANSWER).unwrap(), [r#"assistant: (thought) hm · Let me look. · w#t1{"city":"Paris"}"#]);
        let mut genai = GenAi::default();
        facts(&value(ANSWER), &mut genai);
        assert_eq!(
            (genai.stop_reason.as_deref(), genai.response_model.as_deref()),
            (Some("tool_use"), Some("claude-x"))
        );
        assert_eq!((genai.reported.input, genai.reported.cache_write), (Some(568), Some(256)));
    }

    #[test]
    fn what_stands_beside_the_content_is_read_too() {
        let text = r#"{"type":"ai","data":{"content":"","additional_kwargs":{"reasoning_content":"hm",
            "tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"},"type":"function"}]},
            "tool_calls":[],"invalid_tool_calls":[{"name":"x","args":"{a","id":"c2","error":"no JSON"}]}}"#;
        assert_eq!(read(text).unwrap(), [r#"assistant: (thought) hm · w#c1{} · x#c2"{a""#]);
    }

    #[test]
    fn a_state_may_hold_messages_of_an_api() {
        let text = r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"hm"}]}"#;
        assert_eq!(read(text).unwrap(), ["user: q", "assistant: (thought) hm · a"]);
    }

    #[test]
    fn a_tools_message_is_its_result() {
        let result = |text: &str| tool_result(&value(text)).map(|part| sample::part(&part));
        let tool =
            r#"{"type":"tool","data":{"content":"no such order","name":"w","tool_call_id":"c1","status":"error"}}"#;
        assert_eq!(result(tool).as_deref(), Some("=!c1 no such order"));
        assert_eq!(result(&format!(r#"{{"update":{{"messages":[{tool}]}}}}"#)).as_deref(), Some("=!c1 no such order"));
        let earlier = r#"{"type":"human","content":"q"},{"type":"tool","data":{"content":"18C","tool_call_id":"c0"}}"#;
        let handed = result(&format!(r#"{{"update":{{"messages":[{earlier},{tool}]}}}}"#));
        assert_eq!(handed.as_deref(), Some("=!c1 no such order"));
        assert_eq!(result(r#"{"city":"Paris"}"#), None);
    }

    #[test]
    fn a_printed_message_is_a_result() {
        for (text, expected) in [
            ("content='18C' name='w' tool_call_id='c1'", Some("=c1 18C")),
            (r#"content="it's name='x'" name='w' id='7' tool_call_id='c1'"#, Some("=c1 it's name='x'")),
            ("content='no' name='w' tool_call_id='c1' status='error'", Some("=!c1 no")),
            ("content is king", None),
        ] {
            assert_eq!(printed_result(&text.into()).map(|part| sample::part(&part)).as_deref(), expected, "{text}");
        }
    }
}
