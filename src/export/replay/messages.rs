//! The body of Anthropic's `messages`.

use super::{
    Body,
    conversation::{Conversation, Said, Turn},
    map, parameters,
};
use crate::model::{ModelCall, Value};

/// It wants a limit; where none is recorded this one is given.
const MOST_TOKENS: i64 = 4096;

pub fn body(of: &ModelCall, conversation: &Conversation) -> Body {
    let mut left_out = conversation.left_out.clone();
    let known = [
        ("max_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("top_k", "top_k"),
        ("stop_sequences", "stop_sequences"),
    ];
    let mut found = parameters(of, &known, &mut left_out);
    if !found.iter().any(|(name, _)| name == "max_tokens") {
        found.insert(0, ("max_tokens".to_owned(), Value::Int(MOST_TOKENS)));
    }
    let tools: Vec<Value> = conversation
        .tools
        .iter()
        .map(|tool| {
            let schema = tool.parameters.clone().unwrap_or_else(|| map([("type", Some("object".into()))]));
            map([
                ("name", Some(tool.name.as_str().into())),
                ("description", tool.description.as_deref().map(Value::from)),
                ("input_schema", Some(schema)),
            ])
        })
        .collect();
    let system = conversation.system.join("\n\n");
    let Value::Map(mut entries) = map([("model", Some(of.model.as_deref().unwrap_or_default().into()))]) else {
        return Body { value: Value::Null, left_out };
    };
    entries.extend(found);
    if !system.is_empty() {
        entries.push(("system".to_owned(), system.into()));
    }
    if !tools.is_empty() {
        entries.push(("tools".to_owned(), Value::Array(tools)));
    }
    entries.push(("messages".to_owned(), Value::Array(conversation.turns.iter().map(turn).collect())));
    Body { value: Value::Map(entries), left_out }
}

fn turn(turn: &Turn) -> Value {
    let parts = turn.parts.iter().filter_map(|said| {
        Some(match said {
            Said::Text(text) if text.trim().is_empty() => return None,
            Said::Text(text) => map([("type", Some("text".into())), ("text", Some((*text).into()))]),
            Said::Reasoning(reasoning) => map([
                ("type", Some("thinking".into())),
                ("thinking", Some(reasoning.text.as_deref()?.into())),
                ("signature", Some(reasoning.signature.as_deref()?.into())),
            ]),
            Said::Call { id, name, input } => map([
                ("type", Some("tool_use".into())),
                ("id", Some(id.as_str().into())),
                ("name", Some((*name).into())),
                ("input", Some((*input).clone())),
            ]),
            Said::Result { id, text, failed } => map([
                ("type", Some("tool_result".into())),
                ("tool_use_id", Some(id.as_str().into())),
                ("content", Some(text.as_str().into())),
                ("is_error", failed.then_some(Value::Bool(true))),
            ]),
        })
    });
    let role = if turn.is_answer { "assistant" } else { "user" };
    map([("role", Some(role.into())), ("content", Some(Value::Array(parts.collect())))])
}
