//! What really happened: `NAME.expected.json`, in its two forms, as conversations of parts.
//!
//! `bedrock`'s says at each message and part whether it is `carried`; the others' have a list `not_in_telemetry`, by
//! path. Both list what a turn added, in order, by `thread`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::part::{Wanted, WantedContent, output, owned};
use crate::replay::{list, squash};

/// One turn: what a user asked and what came of it.
pub struct Turn {
    /// The traces that it left. Several where a client splits a turn.
    pub traces: Vec<String>,
    /// Each separate conversation, in order.
    pub conversations: Vec<Vec<Wanted>>,
    /// The framework rewrites the history that it sends: of what others than the model wrote, the truth knows only a
    /// part.
    pub is_rewritten: bool,
}

pub fn turns(expected: &Value) -> Vec<Turn> {
    list(&expected["traces"]).iter().enumerate().map(|(number, turn)| one(expected, number, turn)).collect()
}

fn one(expected: &Value, number: usize, turn: &Value) -> Turn {
    let messages = list(&turn["conversation"]);
    let mut conversations: BTreeMap<u64, Vec<Wanted>> = BTreeMap::new();
    for (at, message) in messages.iter().enumerate() {
        let thread = message["thread"].as_u64().unwrap_or(0);
        let conversation = conversations.entry(thread).or_default();
        if message["history"] == true {
            // It came in with a request, and with it whatever stands before it.
            conversation.retain(|part| part.role == "system");
            continue;
        }
        for (part_at, part) in list(&message["parts"]).iter().enumerate() {
            let place = format!("traces[{number}].conversation[{at}].parts[{part_at}]");
            let missing: Vec<&str> = list(&expected["not_in_telemetry"])
                .iter()
                .filter(|missing| missing["where"] == place)
                .filter_map(|missing| missing["what"].as_str())
                .collect();
            if message["carried"] == false || part["carried"] == false {
                continue;
            }
            conversation.extend(wanted(turn, at, message, part, &missing));
        }
    }
    let trace = owned(&turn["trace_id"]);
    Turn {
        traces: trace.into_iter().chain(list(&turn["trace_ids"]).iter().filter_map(owned)).collect(),
        conversations: conversations.into_values().map(results_in_call_order).collect(),
        is_rewritten: !turn["conversation_source"].is_null(),
    }
}

fn wanted(turn: &Value, at: usize, message: &Value, part: &Value, missing: &[&str]) -> Option<Wanted> {
    let is_missing = |what: &str| missing.contains(&what);
    let is_partly_missing = is_missing("tool_call id") || is_missing("tool_call input");
    let mut is_carried = missing.is_empty() || is_partly_missing;
    let mut role = owned(&message["role"])?;
    let content = match part["type"].as_str()? {
        "text" => match part["text_cut"]["sha256"].as_str().or(part["sha256"].as_str()) {
            Some(sha256) => {
                let start = part["text"].as_str().or(part["head"].as_str()).unwrap_or_default();
                WantedContent::Hash { sha256: sha256.to_owned(), start: start.to_owned() }
            }
            None if squash(part["text"].as_str()?).is_empty() => return None,
            None => WantedContent::Text(owned(&part["text"])?),
        },
        "reasoning" => {
            let text = owned(&part["text"]).filter(|_| part["redacted"] != true);
            WantedContent::Reasoning { text, signature: owned(&part["signature"]) }
        }
        "tool_call" => {
            // Code that the model wrote as a text need not be shown as a call.
            is_carried &= part["as_text"].is_null();
            WantedContent::Call {
                name: owned(&part["name"])?,
                id: owned(&part["id"]).filter(|_| !is_missing("tool_call id")),
                input: Some(part["input"].clone()).filter(|_| !is_missing("tool_call input")),
            }
        }
        "tool_result" => {
            "tool".clone_into(&mut role);
            let runs = || list(&turn["tools"]).iter().filter(|run| run["name"] == part["name"]);
            let outputs = runs().filter_map(|run| owned(&run["output"]));
            let content = Some(&part["content"]).filter(|content| content.is_array()).map(output);
            WantedContent::Result {
                id: owned(&part["id"]),
                outputs: owned(&part["text"]).into_iter().chain(content).chain(outputs).collect(),
                errors: runs().filter_map(|run| owned(&run["error"])).collect(),
                is_error: part["is_error"].as_bool(),
            }
        }
        _ => WantedContent::Media {
            sha256: owned(&part["sha256"]),
            bytes: part["bytes"].as_u64().or(part["bytes_b64_len"].as_u64().map(|length| length * 3 / 4)),
        },
    };
    Some(Wanted { role, message: at, content, is_carried, as_text: owned(&part["as_text"]) })
}

/// Results that follow each other in the order of their calls, as a transcript has them: the truth lists them as they
/// came in.
fn results_in_call_order(mut parts: Vec<Wanted>) -> Vec<Wanted> {
    let calls: Vec<Option<String>> = parts
        .iter()
        .filter_map(|part| match &part.content {
            WantedContent::Call { id, .. } => Some(id.clone()),
            _ => None,
        })
        .collect();
    let order = |part: &Wanted| match &part.content {
        WantedContent::Result { id, .. } => calls.iter().position(|call| call == id),
        _ => None,
    };
    let is_result = |part: &Wanted| matches!(part.content, WantedContent::Result { .. });
    for run in parts.chunk_by_mut(|left, right| is_result(left) && is_result(right)) {
        run.sort_by_key(order);
    }
    parts
}
