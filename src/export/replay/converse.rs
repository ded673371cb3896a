//! The body of Bedrock's `Converse`.

use super::{
    Body,
    conversation::{Conversation, Said, Turn},
    map, parameters,
};
use crate::model::{ModelCall, Value};

pub fn body(of: &ModelCall, conversation: &Conversation) -> Body {
    let mut left_out = conversation.left_out.clone();
    let known = [
        ("max_tokens", "maxTokens"),
        ("temperature", "temperature"),
        ("top_p", "topP"),
        ("stop_sequences", "stopSequences"),
        ("top_k", "top_k"),
    ];
    let mut inference = parameters(of, &known, &mut left_out);
    let more = inference.iter().position(|(name, _)| name == "top_k").map(|at| inference.remove(at));
    let text = |text: &str| map([("text", Some(text.into()))]);
    let system: Vec<Value> = conversation.system.iter().map(|said| text(said)).collect();
    let tools: Vec<Value> = conversation
        .tools
        .iter()
        .map(|tool| {
            let schema = tool.parameters.clone().unwrap_or_else(|| map([("type", Some("object".into()))]));
            let spec = map([
                ("name", Some(tool.name.as_str().into())),
                ("description", tool.description.as_deref().filter(|text| !text.is_empty()).map(Value::from)),
                ("inputSchema", Some(map([("json", Some(schema))]))),
            ]);
            map([("toolSpec", Some(spec))])
        })
        .collect();
    let messages = conversation.turns.iter().map(turn).collect();
    let value = map([
        ("system", (!system.is_empty()).then_some(Value::Array(system))),
        ("messages", Some(Value::Array(messages))),
        ("inferenceConfig", (!inference.is_empty()).then_some(Value::Map(inference))),
        ("toolConfig", (!tools.is_empty()).then(|| map([("tools", Some(Value::Array(tools)))]))),
        ("additionalModelRequestFields", more.map(|more| Value::Map(vec![more]))),
    ]);
    Body { value, left_out }
}

fn turn(turn: &Turn) -> Value {
    let parts = turn.parts.iter().filter_map(|said| {
        Some(match said {
            // It refuses texts of nothing.
            Said::Text(text) if text.trim().is_empty() => return None,
            Said::Text(text) => map([("text", Some((*text).into()))]),
            Said::Reasoning(reasoning) => {
                let signature = reasoning.signature.as_deref()?;
                let text =
                    map([("text", reasoning.text.as_deref().map(Value::from)), ("signature", Some(signature.into()))]);
                map([("reasoningContent", Some(map([("reasoningText", Some(text))])))])
            }
            Said::Call { id, name, input } => {
                let call = map([
                    ("toolUseId", Some(id.as_str().into())),
                    ("name", Some((*name).into())),
                    ("input", Some((*input).clone())),
                ]);
                map([("toolUse", Some(call))])
            }
            Said::Result { id, text, failed } => {
                let content = Value::Array(vec![map([("text", Some(text.as_str().into()))])]);
                let result = map([
                    ("toolUseId", Some(id.as_str().into())),
                    ("content", Some(content)),
                    ("status", failed.then(|| "error".into())),
                ]);
                map([("toolResult", Some(result))])
            }
        })
    });
    let role = if turn.is_answer { "assistant" } else { "user" };
    map([("role", Some(role.into())), ("content", Some(Value::Array(parts.collect())))])
}
