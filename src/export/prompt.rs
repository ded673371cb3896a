//! What a model call was sent, as one JSON document that is no provider's.

use serde::Serialize;

use super::parts::{Parts, Plain};
use crate::model::{AssembledTrace, Value};

#[derive(Serialize)]
struct PromptForm<'a> {
    provider: Option<&'a str>,
    model: Option<&'a str>,
    parameters: Plain<'a>,
    tools: Vec<ToolForm<'a>>,
    messages: Vec<MessageForm<'a>>,
}

#[derive(Serialize)]
struct ToolForm<'a> {
    name: &'a str,
    description: Option<&'a str>,
    parameters: Option<Plain<'a>>,
}

#[derive(Serialize)]
struct MessageForm<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    parts: Parts<'a>,
}

/// The prompt of a call, indented; `None` where the trace has no such call. `call`: its place among the trace's calls.
#[must_use]
pub fn json(trace: &AssembledTrace, call: usize) -> Option<String> {
    let of = trace.calls.get(call)?;
    let parameters = Value::Map(of.parameters.clone());
    let tools = of.request.tools.iter().map(|tool| ToolForm {
        name: &tool.name,
        description: tool.description.as_deref(),
        parameters: tool.parameters.as_ref().map(Plain),
    });
    let messages = trace.sent(call).into_iter().map(|message| MessageForm {
        role: message.role.as_str(),
        name: message.name.as_deref(),
        parts: Parts(&message.parts),
    });
    let form = PromptForm {
        provider: of.provider.as_deref(),
        model: of.model.as_deref(),
        parameters: Plain(&parameters),
        tools: tools.collect(),
        messages: messages.collect(),
    };
    serde_json::to_string_pretty(&form).ok()
}
