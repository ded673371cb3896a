//! By what a block of content is known: its type, or the one key under which it stands.

use crate::model::Value;

/// Whether a map is a block and carries nothing beside it: `{"text": …, "score": 0.9}` is a tool's own data.
pub fn is_block(value: &Value) -> bool {
    const BESIDE: &[&str] = &[
        "thought",
        "thoughtSignature",
        "thought_signature",
        "cache_control",
        "cachePoint",
        "annotations",
        "citations",
    ];
    let Some(entries) = value.as_map() else { return false };
    if value.str("type").is_some_and(|kind| !kind.is_empty()) {
        return true;
    }
    let mut keys = entries.iter().filter(|(_, value)| *value != Value::Null).map(|(key, _)| key.as_str());
    keys.clone().any(is_block_key) && keys.all(|key| is_block_key(key) || BESIDE.contains(&key))
}

/// The keys under which Bedrock and Gemini put a block that has no `type`.
pub fn is_block_key(key: &str) -> bool {
    matches!(
        key,
        "text"
            | "reasoningContent"
            | "reasoning"
            | "toolUse"
            | "toolResult"
            | "image"
            | "video"
            | "audio"
            | "document"
            | "json"
            | "cachePoint"
            | "guardContent"
            | "citationsContent"
            | "searchResult"
            | "functionCall"
            | "function_call"
            | "functionResponse"
            | "function_response"
            | "inlineData"
            | "inline_data"
            | "fileData"
            | "file_data"
            | "executableCode"
            | "executable_code"
            | "codeExecutionResult"
            | "code_execution_result"
            | "message_content"
            | "tool_call"
            | "refusal"
    )
}

/// Whether a map has no content, or nothing but a cache marker.
pub fn is_nothing(entries: &[(String, Value)]) -> bool {
    entries.iter().all(|(key, value)| *value == Value::Null || key == "cache_control" || key == "cachePoint")
}

/// The type of a part; Pydantic's first format calls it `kind`, `LlamaIndex` `block_type`.
pub fn type_of(map: &Value) -> Option<&str> {
    map.str("type").filter(|kind| !kind.is_empty()).or_else(|| map.str("kind")).or_else(|| map.str("block_type"))
}

/// Whether a block has a type and no content: it is of a known form, but no part.
pub fn is_empty(map: &Value) -> bool {
    map.as_map().is_some_and(|entries| entries.iter().all(|(key, value)| key == "type" || value.is_empty()))
}

/// JSON without the map that Strands for TypeScript puts around what is no object: `{"$value": [1, 2]}`.
pub fn bare(value: &Value) -> &Value {
    match value.as_map() {
        Some([(key, inner)]) if key == "$value" => inner,
        _ => value,
    }
}
