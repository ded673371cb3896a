//! The content-part vocabulary: every spelling of text, calls, results and media (`messages.md` 3). Reasoning has a file
//! of its own.
//!
//! A part is known by its `type`; without one, by its one distinguishing key. What is of no known form is kept as
//! [`Content::Unknown`], never dropped; cache markers and empty texts are no parts.

use super::{
    block_forms,
    calls::{self, first, first_str},
    media,
    reasoning::reasoning,
    redaction_markers,
};
use crate::model::{Content, Part, Reasoning, Value};

/// Reads the content of a message: a text, a list of parts, or one part.
pub fn content(value: &Value, into: &mut Vec<Part>) {
    match value {
        Value::Null => {}
        Value::String(words) => into.extend(text(words)),
        Value::Bytes(bytes) => into.push(media::bytes(bytes)),
        Value::Array(items) => items.iter().for_each(|item| content(item, into)),
        Value::Map(entries) => {
            if !read_block(value, into) && !block_forms::is_nothing(entries) {
                into.push(Part::new(Content::Unknown(value.clone())));
            }
        }
        // The answer `4`, sent as a number.
        scalar => into.push(Part::text(scalar.to_text())),
    }
}

/// A text, with the marks that it carries; `None` for the empty one.
pub fn text(words: &str) -> Option<Part> {
    let part = || Part {
        truncated: redaction_markers::is_cut(words),
        hidden: redaction_markers::is_hidden(words),
        ..Part::text(words)
    };
    (!words.is_empty()).then(part)
}

/// Reads a value that holds blocks or else something quite different: a tool's result, an encoded content.
///
/// `None` unless every item is a block of known form, and nothing but that.
pub fn blocks(value: &Value) -> Option<Vec<Part>> {
    let mut into = Vec::new();
    let mut read = |item: &Value| block_forms::is_block(item) && read_block(item, &mut into);
    let all = match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(read),
        Value::Map(_) => read(value),
        _ => false,
    };
    let doubtful = |part: &Part| match &part.content {
        Content::Unknown(_) => true,
        Content::Media(media) => media.data == crate::model::MediaData::Absent && !part.hidden,
        _ => false,
    };
    (all && !into.iter().any(doubtful)).then_some(into)
}

/// Reads a map by its type, else by its keys; `false` where neither is known.
fn read_block(map: &Value, into: &mut Vec<Part>) -> bool {
    match block_forms::type_of(map) {
        Some(kind) => by_type(kind, map, into) || by_key(map, into),
        None => by_key(map, into),
    }
}

fn by_type(kind: &str, map: &Value, into: &mut Vec<Part>) -> bool {
    match kind {
        "text" | "input_text" | "output_text" | "textBlock" | "summary_text" | "reasoning_text" | "plain_text" => {
            let Some(words) = first(map, &["text", "content", "value"]) else { return block_forms::is_empty(map) };
            match words {
                Value::String(words) => into.extend(text(words)),
                nested => content(nested, into),
            }
        }
        "reasoning" | "thinking" | "reasoningContent" | "reasoning_content" | "reasoningBlock" | "thinkingBlock"
        | "thought" | "redacted_thinking" | "redacted-reasoning" | "redacted_reasoning" => {
            into.extend(reasoning(kind, map));
        }
        "function_call" | "custom_tool_call" | "tool_use" | "toolUse" | "toolUseBlock" | "tool_call" | "tool-call"
        | "function" | "FunctionCall" | "invalid_tool_call" => {
            // OpenInference wraps once more: `{"type": "tool_use", "tool_call": {…}}`.
            let inner = map.get("tool_call").filter(|inner| inner.as_map().is_some());
            // The AI SDK's mark of a tool that the provider runs.
            let server_side = map.get("providerExecuted").and_then(Value::as_bool) == Some(true);
            let read = if server_side { calls::server_call } else { calls::call };
            return push(read(inner.unwrap_or(map)), into);
        }
        "server_tool_call" | "server_tool_use" | "mcp_tool_use" => return push(calls::server_call(map), into),
        "web_search_call"
        | "file_search_call"
        | "code_interpreter_call"
        | "computer_call"
        | "image_generation_call"
        | "mcp_call"
        | "local_shell_call"
        | "shell_call"
        | "apply_patch_call" => {
            calls::provider_item(kind, map, into);
        }
        "tool_result"
        | "toolResult"
        | "toolResultBlock"
        | "tool_call_response"
        | "tool-result"
        | "function_response"
        | "function_call_output"
        | "custom_tool_call_output"
        | "computer_call_output"
        | "local_shell_call_output"
        | "server_tool_call_response"
        | "tool_response"
        | "tool-error" => into.push(calls::result(map)),
        _ if kind.ends_with("_tool_result") => into.push(calls::result(map)),
        "refusal" => {
            let Some(words) = first_str(map, &["refusal", "text", "content"]) else {
                return block_forms::is_empty(map);
            };
            into.push(Part::new(Content::Refusal(words.to_owned())));
        }
        "image" | "image_url" | "input_image" | "output_image" | "image-url" | "imageBlock" | "image_content"
        | "audio" | "input_audio" | "output_audio" | "audio-url" | "audio_url" | "audioBlock" | "audio_content"
        | "video" | "video_url" | "video-url" | "videoBlock" | "document" | "document-url" | "documentBlock"
        | "file" | "input_file" | "fileBlock" | "blob" | "uri" | "binary" | "media" | "file_url" | "file_data"
        | "inline_data" | "image-data" | "image-file-id" | "file-data" | "file-url" | "file-id" | "reasoning-file" => {
            return push(media::part(kind, map), into);
        }
        "json" | "output_json" | "jsonBlock" => {
            let Some(data) = first(map, &["json", "value", "data", "content"]) else { return false };
            into.push(Part::new(Content::Json(block_forms::bare(data).clone())));
        }
        "search_result" | "source" | "tool-approval-request" | "tool-approval-response" | "tool_approval_response" => {
            into.push(Part::new(Content::Json(map.clone())));
        }
        "cachePoint" | "cache_point" | "cachePointBlock" | "cache_breakpoint" | "step-start" => {}
        "message" | "citationsBlock" | "guardContentBlock" | "item" => {
            let Some(inner) = first(map, &["content", "text", "image"]) else { return false };
            content(inner, into);
        }
        // Anthropic's own SDK leaves of most blocks nothing but what they were.
        "anthropic_image" | "anthropic_document" => return push(media::part(&kind["anthropic_".len()..], map), into),
        "anthropic_redacted_thinking" => into.extend(reasoning("redacted_thinking", map)),
        // Strands writes a block of a kind it does not know as `{"type": key, "content": value}`.
        _ => return map.get("content").is_some_and(|inner| keyed(kind, inner, into)),
    }
    true
}

fn push(part: Option<Part>, into: &mut Vec<Part>) -> bool {
    let found = part.is_some();
    into.extend(part);
    found
}

fn by_key(map: &Value, into: &mut Vec<Part>) -> bool {
    let Some(entries) = map.as_map() else { return false };
    if map.get("thought") == Some(&Value::Bool(true)) && map.str("text").is_some() {
        into.extend(reasoning("thought", map));
        return true;
    }
    let mut present = entries.iter().filter(|(_, value)| *value != Value::Null);
    if present.any(|(key, value)| block_forms::is_block_key(key) && keyed(key, value, into)) {
        return true;
    }
    if first(map, &["toolUseId", "toolCallId", "tool_call_id", "call_id"]).is_some() {
        if first(map, &["result", "output", "content", "response"]).is_some() {
            into.push(calls::result(map));
            return true;
        }
        return push(calls::call(map), into);
    }
    // OpenAI's and AutoGen's calls come without a type in some dumps.
    let is_call = map.get("function").is_some_and(|inner| inner.as_map().is_some())
        || (map.str("name").is_some() && first(map, &["arguments", "args"]).is_some());
    is_call && push(calls::call(map), into)
}

/// Reads a block by the key that it stands under.
fn keyed(key: &str, value: &Value, into: &mut Vec<Part>) -> bool {
    match key {
        "text" | "citationsContent" | "guardContent" | "message_content" => match value {
            Value::Map(_) => match first(value, &["content", "text", "image"]) {
                Some(inner) if key != "message_content" => content(inner, into),
                _ => content(value, into),
            },
            other => content(other, into),
        },
        "reasoningContent" | "reasoning" => into.extend(reasoning(key, value)),
        "toolUse" | "functionCall" | "function_call" | "tool_call" => {
            let server_side = value.str("type") == Some("server_tool_use");
            return push(if server_side { calls::server_call(value) } else { calls::call(value) }, into);
        }
        "toolResult" => into.push(calls::block_result(value)),
        "functionResponse" | "function_response" => into.push(calls::result(value)),
        "image" | "video" | "audio" | "document" | "inlineData" | "inline_data" | "fileData" | "file_data" => {
            return push(media::part(key, value), into);
        }
        "json" => into.push(Part::new(Content::Json(block_forms::bare(value).clone()))),
        "searchResult" => into.push(Part::new(Content::Json(value.clone()))),
        "cachePoint" => {}
        "refusal" => match value.as_str() {
            Some(words) => into.push(Part::new(Content::Refusal(words.to_owned()))),
            None => return false,
        },
        "executableCode" | "executable_code" => {
            into.push(calls::made(calls::id_of(value), "code_execution", value.clone(), true));
        }
        "codeExecutionResult" | "code_execution_result" => {
            let mut part = calls::answered(calls::id_of(value), Some("code_execution"), value.get("output"));
            if let Content::Result(result) = &mut part.content {
                result.is_error = value.str("outcome").map(|outcome| !outcome.ends_with("OK"));
            }
            into.push(part);
        }
        _ => return false,
    }
    true
}

/// Reasoning of which only the text is known.
pub fn thought(words: &str) -> Part {
    let what = Content::Reasoning(Reasoning { text: Some(words.to_owned()), ..Reasoning::default() });
    Part { truncated: redaction_markers::is_cut(words), hidden: redaction_markers::is_hidden(words), ..Part::new(what) }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut parts = Vec::new();
        content(&sample::value(text), &mut parts);
        parts.iter().map(sample::part).collect()
    }

    #[test]
    fn every_spelling_of_a_text_is_read() {
        for text in [
            r#"{"type":"text","text":"hi"}"#,
            r#"{"type":"text","content":"hi"}"#,
            r#"{"text":"hi"}"#,
            r#"{"type":"input_text","text":"hi"}"#,
            r#"{"type":"output_text","text":"hi","annotations":[]}"#,
            r#"{"type":"textBlock","text":"hi"}"#,
            r#"{"guardContent":{"text":{"text":"hi"}}}"#,
            r#"{"citationsContent":{"content":[{"text":"hi"}],"citations":[]}}"#,
            r#"{"text":"hi","thought":null,"function_call":null,"inline_data":null}"#,
            r#"{"message_content":{"type":"text","text":"hi"}}"#,
            r#"["hi"]"#,
            "hi",
        ] {
            assert_eq!(read(text), ["hi"], "{text}");
        }
        // A number that was sent as a number is an answer, too.
        assert_eq!(read("4"), ["4"]);
    }

    #[test]
    fn what_is_no_content_is_no_part() {
        for text in [
            "null",
            r#""""#,
            r#"[null,{"type":"text","text":""}]"#,
            r#"{"cachePoint":{"type":"default"}}"#,
            r#"{"type":"cachePoint","cacheType":"default"}"#,
            r#"{"type":"step-start"}"#,
            r#"{"cache_control":{"type":"ephemeral"}}"#,
        ] {
            assert_eq!(read(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_of_no_known_form_is_kept() {
        for (text, expected) in [
            (r#"{"type":"refusal","refusal":"no"}"#, "(refused) no"),
            (r#"{"json":{"a":1}}"#, r#"json {"a":1}"#),
            (r#"{"type":"hologram","data":[1]}"#, r#"unknown {"type":"hologram","data":[1]}"#),
            (
                r#"{"image":{"format":"png","source":{"bytes":"not base64"}}}"#,
                r#"unknown {"image":{"format":"png","source":{"bytes":"not base64"}}}"#,
            ),
            (r#"{"type":"anthropic_image"}"#, "<image ? absent>"),
            (r#"{"type":"anthropic_compaction"}"#, r#"unknown {"type":"anthropic_compaction"}"#),
            (r#"{"type":"text","text":"__REDACTED__"}"#, "__REDACTED__(hidden)"),
            (r#"{"type":"text","text":"long...[truncated]"}"#, "long...[truncated]…"),
        ] {
            assert_eq!(read(text), [expected], "{text}");
        }
    }

    #[test]
    fn nested_results_take_linear_time() {
        let mut text = r#"{"type":"text","text":"x"}"#.to_owned();
        for _ in 0..30 {
            text = format!(
                r#"{{"type":"tool_result","isError":true,"content":[{{"toolResult":{{"content":[{text},{{"x":1}}]}}}},3]}}"#
            );
        }
        assert!(!read(&text).is_empty());
    }
}
