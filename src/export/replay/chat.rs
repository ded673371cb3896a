//! The body of OpenAI's `chat/completions`.

use super::{
    Body,
    conversation::{Conversation, Said, Turn},
    map, parameters,
};
use crate::model::{ModelCall, Value};

pub fn body(of: &ModelCall, conversation: &Conversation) -> Body {
    let mut left_out = conversation.left_out.clone();
    let model = of.model.as_deref().unwrap_or_default();
    // Newer models refuse the older name.
    let is_newer = ["o1", "o3", "o4", "gpt-5"].iter().any(|beginning| model.starts_with(beginning));
    let limit = if is_newer { "max_completion_tokens" } else { "max_tokens" };
    let known = [
        ("max_tokens", limit),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop_sequences", "stop"),
        ("seed", "seed"),
        ("frequency_penalty", "frequency_penalty"),
        ("presence_penalty", "presence_penalty"),
        ("choice.count", "n"),
    ];
    let found = parameters(of, &known, &mut left_out);
    let message = |role: &str, text: &str| map([("role", Some(role.into())), ("content", Some(text.into()))]);
    let mut messages: Vec<Value> = conversation.system.iter().map(|text| message("system", text)).collect();
    for turn in &conversation.turns {
        if turn.is_answer { messages.push(answer(turn)) } else { asked(turn, &mut messages) }
    }
    let tools: Vec<Value> = conversation
        .tools
        .iter()
        .map(|tool| {
            let function = map([
                ("name", Some(tool.name.as_str().into())),
                ("description", tool.description.as_deref().map(Value::from)),
                ("parameters", tool.parameters.clone()),
            ]);
            map([("type", Some("function".into())), ("function", Some(function))])
        })
        .collect();
    let mut entries = vec![("model".to_owned(), Value::from(model))];
    entries.extend(found);
    if !tools.is_empty() {
        entries.push(("tools".to_owned(), Value::Array(tools)));
    }
    entries.push(("messages".to_owned(), Value::Array(messages)));
    Body { value: Value::Map(entries), left_out }
}

/// Results go into messages of their own, before what the user says besides.
fn asked(turn: &Turn, messages: &mut Vec<Value>) {
    let mut texts = Vec::new();
    for said in &turn.parts {
        match said {
            Said::Result { id, text, .. } => messages.push(map([
                ("role", Some("tool".into())),
                ("tool_call_id", Some(id.as_str().into())),
                ("content", Some(text.as_str().into())),
            ])),
            Said::Text(text) => texts.push(*text),
            Said::Reasoning(_) | Said::Call { .. } => {}
        }
    }
    if !texts.is_empty() {
        messages.push(map([("role", Some("user".into())), ("content", Some(texts.join("\n").into()))]));
    }
}

fn answer(turn: &Turn) -> Value {
    let mut texts = Vec::new();
    let mut calls = Vec::new();
    for said in &turn.parts {
        match said {
            Said::Text(text) => texts.push(*text),
            Said::Call { id, name, input } => {
                let function = map([("name", Some((*name).into())), ("arguments", Some(input.to_text().into()))]);
                calls.push(map([
                    ("id", Some(id.as_str().into())),
                    ("type", Some("function".into())),
                    ("function", Some(function)),
                ]));
            }
            Said::Reasoning(_) | Said::Result { .. } => {}
        }
    }
    let text = if texts.is_empty() { Value::Null } else { texts.join("\n").into() };
    map([
        ("role", Some("assistant".into())),
        ("content", Some(text)),
        ("tool_calls", (!calls.is_empty()).then_some(Value::Array(calls))),
    ])
}
