//! What a transcript shows as new in a trace, as conversations of parts.

use serde_json::Value;

use super::part::{Content, Shown, output, owned};
use crate::replay::{list, squash};

/// The conversations of one trace, what came in with its requests left out.
pub fn conversations(trace: &Value) -> impl Iterator<Item = Vec<Shown>> {
    list(&trace["threads"]).iter().map(|thread| {
        let messages = list(&thread["messages"]).iter().enumerate();
        let new = messages.filter(|(_, message)| message["history"] != true);
        new.flat_map(|(at, message)| list(&message["parts"]).iter().filter_map(move |part| shown(at, message, part)))
            .collect()
    })
}

fn shown(at: usize, message: &Value, part: &Value) -> Option<Shown> {
    let content = match part["type"].as_str()? {
        "text" | "refusal" if squash(part["text"].as_str()?).is_empty() => return None,
        "text" | "refusal" => Content::Text(owned(&part["text"])?),
        "json" => Content::Text(part["value"].to_string()),
        "reasoning" => Content::Reasoning {
            text: owned(&part["text"]).filter(|_| part["redacted"] != true),
            signature: owned(&part["signature"]),
        },
        "tool_call" => {
            let (name, id) = (owned(&part["name"])?, owned(&part["call_id"]));
            Content::Call { name, id, input: part["input"].clone() }
        }
        "tool_result" => Content::Result {
            id: owned(&part["call_id"]),
            output: output(&part["content"]),
            is_error: part["is_error"].as_bool(),
        },
        "unknown" => Content::Unknown(part["raw"].to_string()),
        _ => Content::Media { sha256: owned(&part["sha256"]), bytes: part["bytes"].as_u64() },
    };
    Some(Shown { role: owned(&message["role"])?, message: at, content })
}
