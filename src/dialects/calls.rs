//! Tool calls and tool results, in the spellings of `messages.md` 4.

use std::collections::HashMap;

use super::{doubled_pieces, maybe_json::MaybeJson, parts, redaction_markers};
use crate::model::{Content, Message, Part, ToolCall, ToolResult, Value, json};

/// An id, unless it is a stand-in for none.
pub fn usable_id(id: &str) -> Option<&str> {
    const NONE: &[&str] = &["", "<not specified>", "None", "none", "null", "undefined", "N/A", "<replaced>"];
    let id = id.trim();
    (!NONE.contains(&id) && !redaction_markers::is_hidden(id)).then_some(id)
}

/// The first key that holds something other than null.
pub fn first<'a>(map: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| map.get(key).filter(|value| !matches!(value, Value::Null)))
}

/// The first key that holds a text.
pub fn first_str<'a>(map: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| map.str(key).filter(|text| !text.is_empty()))
}

/// The id that a call or a result names. The Responses API's own `id` names the item: its `call_id` goes first.
pub fn id_of(map: &Value) -> Option<String> {
    const IDS: &[&str] = &["call_id", "toolUseId", "tool_use_id", "toolCallId", "tool_call_id", "id"];
    let mut ids = IDS.iter().filter_map(|key| map.str(key));
    ids.find_map(usable_id).map(str::to_owned)
}

/// Reads a call; `None` where not even a name or an id is there.
pub fn call(map: &Value) -> Option<Part> {
    let function = map.get("function").filter(|inner| inner.as_map().is_some());
    let name = first_str(map, &["name", "toolName", "tool_name", "function", "functionName"])
        .or_else(|| first_str(function?, &["name"]));
    let id = id_of(map);
    let given = first(map, &["input", "args", "arguments", "server_tool_call", "parameters", "tool_kwargs"])
        .or_else(|| first(function?, &["arguments", "parameters", "input"]));
    if name.is_none() && id.is_none() && given.is_none() {
        return None;
    }
    let free_form = map.str("type") == Some("custom_tool_call");
    let (input, truncated) = match given {
        Some(text) if free_form => (text.clone(), false),
        Some(given) => arguments(given),
        None => (Value::Null, false),
    };
    let hidden = input.as_str().is_some_and(redaction_markers::is_hidden);
    let mut part = made(id, name.unwrap_or_default(), input, false);
    if let Content::Call(call) = &mut part.content
        && let Some(item) = map.str("id").filter(|item| names_item(item))
    {
        call.item_id.get_or_insert_with(|| item.to_owned());
    }
    Some(Part { truncated, hidden, ..part })
}

/// Gives results that name the item of a call (as [`names_item`] has it) the id of that call, where these messages have
/// both. Agno's results do.
pub fn answer_calls_of_items(messages: &mut [Message]) {
    let mut ids: HashMap<String, String> = HashMap::new();
    for part in messages.iter().flat_map(|message| &message.parts) {
        if let Content::Call(ToolCall { id: Some(id), item_id: Some(item), .. }) = &part.content {
            ids.insert(item.clone(), id.clone());
        }
    }
    if ids.is_empty() {
        return;
    }
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        if let Content::Result(ToolResult { call_id: Some(named), .. }) = &mut part.content
            && let Some(id) = ids.get(named.as_str())
        {
            named.clone_from(id);
        }
    }
}

/// A call of a tool that the provider runs itself.
pub fn server_call(map: &Value) -> Option<Part> {
    let mut part = call(map)?;
    if let Content::Call(call) = &mut part.content {
        call.server_side = true;
    }
    Some(part)
}

/// Whether an id is that of an item of `OpenAI`'s Responses API. A call has another one, which its result names, and which
/// not all senders record.
fn names_item(id: &str) -> bool {
    id.starts_with("fc_")
}

pub fn made(id: Option<String>, name: &str, input: Value, server_side: bool) -> Part {
    let is_item = id.as_deref().is_some_and(names_item);
    let (id, item_id) = if is_item { (None, id) } else { (id, None) };
    Part::new(Content::Call(ToolCall { id, item_id, name: name.to_owned(), input, server_side }))
}

/// Arguments as JSON, and whether they were cut: parsed where they are a text of JSON or of Python, else that text.
pub fn arguments(given: &Value) -> (Value, bool) {
    match MaybeJson::or_python(given) {
        MaybeJson::Data(data) => (data.into_owned(), false),
        MaybeJson::Cut(data) => (data, true),
        MaybeJson::Text(text) => {
            // Whole objects one after another are the arguments of several calls (`spliced_calls`).
            let of_one = || json::parse_all(text).is_err().then(|| doubled_pieces::once(text))?;
            match of_one() {
                Some(once) => (once, false),
                None => (text.into(), redaction_markers::has_cut_length(text)),
            }
        }
        MaybeJson::Scalar(scalar) => (scalar.clone(), false),
        // A model that passes no arguments may stream an empty text.
        MaybeJson::Nothing => (Value::Map(Vec::new()), false),
    }
}

/// Reads a result: the id it answers, what came back, and whether that was an error.
pub fn result(map: &Value) -> Part {
    let content =
        first(map, &["response", "result", "content", "output", "outputs", "value", "server_tool_call_response"]);
    let mut part = answered(id_of(map), name_of(map), content);
    if let Content::Result(result) = &mut part.content {
        result.is_error = is_error(map).or(result.is_error);
    }
    part
}

/// Bedrock's result, whose content is always a list of blocks.
pub fn block_result(map: &Value) -> Part {
    let mut content = Vec::new();
    parts::content(map.get("content").unwrap_or(&Value::Null), &mut content);
    let name = name_of(map).map(str::to_owned);
    Part::new(Content::Result(ToolResult { call_id: id_of(map), name, is_error: is_error(map), content }))
}

fn name_of(map: &Value) -> Option<&str> {
    first_str(map, &["name", "toolName", "tool_name"])
}

/// A result with the content that belongs to it.
pub fn answered(call_id: Option<String>, name: Option<&str>, content: Option<&Value>) -> Part {
    let mut parts = Vec::new();
    if let Some(content) = content {
        returned(content, &mut parts);
    }
    let is_error = content.and_then(content_error);
    let result = ToolResult { call_id, name: name.map(str::to_owned), is_error, content: parts };
    Part::new(Content::Result(unwrapped(result)))
}

/// A result without the message around it in which the model gets it: what a framework's tool returned may be that.
pub fn unwrapped(result: ToolResult) -> ToolResult {
    let [Part { content: Content::Result(inner), .. }] = result.content.as_slice() else { return result };
    let ToolResult { call_id, name, is_error, content } = inner.clone();
    ToolResult {
        call_id: result.call_id.or(call_id),
        name: result.name.or(name),
        is_error: is_error.or(result.is_error),
        content,
    }
}

/// Whether the content itself is marked as an error: Vercel's `{"type": "error-text"}`, MCP's `isError`.
pub fn content_error(content: &Value) -> Option<bool> {
    match content.str("type") {
        Some("error-text" | "error-json" | "execution-denied") => Some(true),
        _ => is_error(content).filter(|_| content.get("content").is_some()),
    }
}

/// Whether a result, or a message that is one, is marked as an error; `None` where it is not marked either way.
pub fn is_error(map: &Value) -> Option<bool> {
    let flag = first(map, &["is_error", "isError", "tool_call_error"]).and_then(Value::as_bool);
    flag.or_else(|| match map.str("status")? {
        "error" | "failed" => Some(true),
        "success" => Some(false),
        _ => None,
    })
}

/// What a tool returned: texts as they are, lists of blocks as parts, anything else as JSON.
pub fn returned(value: &Value, into: &mut Vec<Part>) {
    match value {
        Value::Null => {}
        Value::String(text) => into.extend(parts::text(text)),
        Value::Bytes(bytes) => into.push(super::media::bytes(bytes)),
        Value::Array(items) if items.is_empty() => {}
        Value::Array(_) => match parts::blocks(value) {
            Some(parts) => into.extend(parts),
            None => into.push(Part::new(Content::Json(value.clone()))),
        },
        Value::Map(_) => returned_map(value, into),
        scalar => into.push(Part::new(Content::Json(scalar.clone()))),
    }
}

fn returned_map(map: &Value, into: &mut Vec<Part>) {
    // The Vercel SDK's `{"type": "text", "value": …}`.
    let wrapped = match map.str("type") {
        Some("text" | "json" | "content" | "error-text" | "error-json") => map.get("value"),
        Some("execution-denied") => first(map, &["reason", "value"]),
        _ => None,
    };
    if let Some(value) = wrapped {
        return returned(value, into);
    }
    // MCP's `{"content": [blocks], "isError": …}`.
    let is_mcp = map.get("isError").is_some() || map.get("structuredContent").is_some();
    let blocks = parts::blocks(map.get("content").filter(|_| is_mcp).unwrap_or(map));
    into.extend(blocks.unwrap_or_else(|| vec![Part::new(Content::Json(map.clone()))]));
}

/// Reads an item of the Responses API that stands for a tool the provider runs, and what it gave back, if that is there.
pub fn provider_item(kind: &str, map: &Value, into: &mut Vec<Part>) {
    let name = match kind {
        "mcp_call" | "mcp_approval_request" => first_str(map, &["name"]).unwrap_or(kind),
        _ => kind.strip_suffix("_call").unwrap_or(kind),
    };
    let id = map.str("call_id").or_else(|| map.str("id")).and_then(usable_id).map(str::to_owned);
    let given = first(map, &["arguments", "action", "input", "code", "queries", "query", "prompt"]);
    let (input, truncated) = given.map_or((Value::Null, false), arguments);
    into.push(Part { truncated, ..made(id.clone(), name, input, true) });
    if kind == "image_generation_call" {
        let picture = map.get("result").filter(|value| !value.is_empty()).map(|data| {
            let data = Value::Map(vec![("data".to_owned(), data.clone())]);
            super::media::part("image", &data).unwrap_or_else(|| Part::new(Content::Unknown(data)))
        });
        into.extend(picture);
    } else if let Some(output) = first(map, &["output", "results", "outputs", "error"]) {
        let mut part = answered(id, Some(name), Some(output));
        if let (Content::Result(result), Some(_)) = (&mut part.content, first(map, &["error"])) {
            result.is_error = Some(true);
        }
        into.push(part);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::model::{Role, json};

    fn value(text: &str) -> Value {
        json::parse(text).unwrap()
    }

    #[test]
    fn arguments_are_json_where_they_can_be() {
        for (given, expected) in [
            (r#""{\"a\":1}""#, r#"{"a":1}"#),
            (r#""{'a': 1}""#, r#"{"a":1}"#),
            (r#""find me""#, r#""find me""#),
            (r#""""#, "{}"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#""4""#, r#""4""#),
        ] {
            assert_eq!(arguments(&value(given)), (value(expected), false), "{given}");
        }
        assert_eq!(arguments(&r#"{"a":"b"#.into()), (value(r#"{"a":"b"}"#), true));
    }

    #[test]
    fn a_result_that_names_the_item_of_a_call_answers_that_call() {
        let called = r#"{"id":"fc_1","call_id":"c1","type":"function","function":{"name":"w","arguments":"{}"}}"#;
        let asked = Message::new(Role::Assistant, vec![call(&value(called)).unwrap()]);
        let given = |id: &str| Message::new(Role::Tool, vec![answered(Some(id.to_owned()), None, Some(&"18C".into()))]);
        let mut messages = [asked, given("fc_1"), given("fc_2")];
        answer_calls_of_items(&mut messages);
        let told: Vec<String> = messages.iter().map(|message| sample::part(&message.parts[0])).collect();
        assert_eq!(told, ["w#c1{}", "=c1 18C", "=fc_2 18C"]);
    }

    #[test]
    fn a_stand_in_for_an_id_is_no_id() {
        assert_eq!(id_of(&value(r#"{"id":"<not specified>"}"#)), None);
        assert_eq!(id_of(&value(r#"{"id":"fc_1","call_id":"c1"}"#)).as_deref(), Some("c1"));
    }

    #[test]
    fn a_result_that_looks_like_data_stays_data() {
        let texts = |text: &str| {
            let mut parts = Vec::new();
            returned(&value(text), &mut parts);
            parts.into_iter().map(|part| part.content).collect::<Vec<_>>()
        };
        assert_eq!(texts(r#"[{"text":"18C"}]"#), [Content::Text("18C".into())]);
        assert_eq!(texts(r#""{\"a\":1}""#), [Content::Text(r#"{"a":1}"#.into())]);
        for data in [
            r#"[{"id":"doc-1","title":"x"}]"#,
            r#"[{"text":"18C","score":0.9}]"#,
            r#"[{"type":"file","name":"a.txt"}]"#,
            r#"{"result":"18C"}"#,
            r#"["a","b"]"#,
            "42",
        ] {
            assert_eq!(texts(data), [Content::Json(value(data))], "{data}");
        }
    }

    #[test]
    fn an_error_is_known_by_flag_or_status() {
        for (text, expected) in [
            (r#"{"tool_use_id":"c","content":"x","is_error":true}"#, Some(true)),
            (r#"{"tool_call_id":"c","content":"x","tool_call_error":true}"#, Some(true)),
            (r#"{"toolUseId":"c","status":"error","content":[{"text":"x"}]}"#, Some(true)),
            (r#"{"toolUseId":"c","status":"success","content":[{"text":"x"}]}"#, Some(false)),
            (r#"{"toolCallId":"c","output":{"type":"error-text","value":"x"}}"#, Some(true)),
            (r#"{"id":"c","response":{"content":[{"type":"text","text":"x"}],"isError":true}}"#, Some(true)),
            (r#"{"tool_call_id":"c","content":"x"}"#, None),
        ] {
            let Content::Result(result) = result(&value(text)).content else { panic!("{text}") };
            assert_eq!((result.is_error, result.call_id.as_deref()), (expected, Some("c")), "{text}");
            assert_eq!(result.content, [Part::text("x")], "{text}");
        }
    }

    #[test]
    fn what_the_provider_ran_is_a_call_and_its_result() {
        let mut parts = Vec::new();
        let item = r#"{"type":"mcp_call","id":"m1","name":"search","arguments":"{\"q\":1}","output":"found"}"#;
        provider_item("mcp_call", &value(item), &mut parts);
        let call = made(Some("m1".into()), "search", value(r#"{"q":1}"#), true);
        let result = answered(Some("m1".into()), Some("search"), Some(&"found".into()));
        assert_eq!(parts, [call, result]);
    }

    /// The parts of a content that is JSON, in words.
    fn parts_of(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        parts::content(&sample::value(text), &mut found);
        found.iter().map(sample::part).collect()
    }

    #[test]
    fn every_spelling_of_a_call_is_read() {
        for text in [
            r#"{"id":"c1","type":"function","function":{"name":"w","arguments":"{\"a\":1}"}}"#,
            r#"{"id":"fc_9","type":"function_call","call_id":"c1","name":"w","arguments":"{\"a\":1}"}"#,
            r#"{"type":"tool_use","id":"c1","name":"w","input":{"a":1}}"#,
            r#"{"toolUse":{"toolUseId":"c1","name":"w","input":{"a":1}}}"#,
            r#"{"type":"toolUse","toolUseId":"c1","name":"w","input":{"a":1}}"#,
            r#"{"type":"toolUseBlock","toolUseId":"c1","name":"w","input":{"a":1}}"#,
            r#"{"type":"tool_call","id":"c1","name":"w","arguments":{"a":1}}"#,
            r#"{"type":"tool_call","id":"c1","name":"w","args":{"a":1}}"#,
            r#"{"functionCall":{"id":"c1","name":"w","args":{"a":1}}}"#,
            r#"{"function_call":{"id":"c1","name":"w","args":{"a":1}},"text":null}"#,
            r#"{"type":"tool-call","toolCallId":"c1","toolName":"w","input":{"a":1}}"#,
            r#"{"type":"tool-call","toolCallId":"c1","toolName":"w","args":"{\"a\":1}"}"#,
            r#"{"id":"c1","name":"w","arguments":"{\"a\":1}"}"#,
            r#"{"type":"tool_use","tool_call":{"id":"c1","function":{"name":"w","arguments":"{\"a\":1}"}}}"#,
        ] {
            assert_eq!(parts_of(text), [r#"w#c1{"a":1}"#], "{text}");
        }
        for (text, expected) in [
            (r#"{"type":"custom_tool_call","call_id":"c1","name":"w","input":"{x"}"#, r#"w#c1"{x""#),
            (
                r#"{"type":"server_tool_use","id":"s1","name":"web_search","input":{"q":1}}"#,
                r#"@server web_search#s1{"q":1}"#,
            ),
            (
                r#"{"type":"server_tool_call","id":"s1","name":"code","server_tool_call":{"type":"code","q":1}}"#,
                r#"@server code#s1{"type":"code","q":1}"#,
            ),
            (
                r#"{"type":"web_search_call","id":"ws1","action":{"query":"x"}}"#,
                r#"@server web_search#ws1{"query":"x"}"#,
            ),
            (
                r#"{"executable_code":{"language":"PYTHON","code":"1"}}"#,
                r#"@server code_execution#-{"language":"PYTHON","code":"1"}"#,
            ),
            (
                r#"{"toolUse":{"toolUseId":"s1","name":"nova_code","input":{},"type":"server_tool_use"}}"#,
                "@server nova_code#s1{}",
            ),
        ] {
            assert_eq!(parts_of(text), [expected], "{text}");
        }
    }

    #[test]
    fn every_spelling_of_a_result_is_read() {
        for text in [
            r#"{"type":"tool_result","tool_use_id":"c1","content":"18C","is_error":false}"#,
            r#"{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"18C"}]}"#,
            r#"{"toolResult":{"toolUseId":"c1","status":"success","content":[{"text":"18C"}]}}"#,
            r#"{"type":"toolResultBlock","toolUseId":"c1","content":[{"type":"textBlock","text":"18C"}]}"#,
            r#"{"type":"tool_call_response","id":"c1","response":"18C"}"#,
            r#"{"type":"tool_call_response","id":"c1","response":[{"text":"18C"}]}"#,
            r#"{"type":"tool_call_response","id":"c1","name":"w","result":"18C"}"#,
            r#"{"type":"function_call_output","call_id":"c1","output":"18C"}"#,
            r#"{"type":"tool-result","toolCallId":"c1","toolName":"w","output":{"type":"text","value":"18C"}}"#,
            r#"{"type":"tool-result","toolCallId":"c1","toolName":"w","result":"18C"}"#,
            r#"{"call_id":"c1","name":"w","content":"18C","is_error":false}"#,
            r#"{"type":"web_search_tool_result","tool_use_id":"c1","content":"18C"}"#,
        ] {
            assert_eq!(parts_of(text), ["=c1 18C"], "{text}");
        }
        for (text, expected) in [
            (
                r#"{"functionResponse":{"id":"c1","name":"w","response":{"result":"18C"}}}"#,
                r#"=c1 json {"result":"18C"}"#,
            ),
            (r#"{"toolResult":{"toolUseId":"c1","status":"error","content":[{"text":"no"}]}}"#, "=!c1 no"),
            (r#"{"toolResult":{"toolUseId":"c1","content":[{"json":{"$value":[1]}}]}}"#, "=c1 json [1]"),
            (
                r#"{"toolResult":{"toolUseId":"c1","content":[{"image":{"format":"png","source":{"bytes":"aGk="}}}]}}"#,
                "=c1 <image image/png 2 bytes>",
            ),
            (r#"{"code_execution_result":{"outcome":"OUTCOME_OK","output":"1"}}"#, "=- 1"),
        ] {
            assert_eq!(parts_of(text), [expected], "{text}");
        }
    }
}
