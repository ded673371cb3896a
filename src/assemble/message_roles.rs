//! Messages in the role and the order of parts that they have in a conversation, however their sender wrote them.

use std::sync::Arc;

use crate::model::{Content, Message, Part, Role};

/// Splits a message where results and other parts meet: many providers send results as messages of the user.
pub fn in_role(message: &Arc<Message>) -> Vec<Arc<Message>> {
    let is_result = |part: &Part| matches!(part.content, Content::Result(_));
    let results = message.parts.iter().filter(|part| is_result(part)).count();
    let calls = message.parts.iter().any(|part| matches!(part.content, Content::Call(_)));
    let role = |of_results| match message.role {
        _ if of_results => Role::Tool,
        _ if calls => Role::Assistant,
        // What stands beside results in a message of role `tool` is what the user wrote.
        Role::Tool if results > 0 => Role::User,
        role => role,
    };
    if results == message.parts.len() || results == 0 {
        let role = role(results > 0);
        let parts = if calls { calls_last(&message.parts) } else { None };
        let parts = reasoning_first(parts.as_deref().unwrap_or(&message.parts)).or(parts);
        if role == message.role && parts.is_none() {
            return vec![Arc::clone(message)];
        }
        let parts = parts.unwrap_or_else(|| message.parts.clone());
        return vec![Arc::new(Message { role, name: message.name.clone(), parts })];
    }
    let parts = message.parts.chunk_by(|left, right| is_result(left) == is_result(right));
    parts
        .map(|parts| {
            let role = role(parts.iter().any(is_result));
            Arc::new(Message { role, name: message.name.clone(), parts: parts.to_vec() })
        })
        .collect()
}

/// The parts of an answer with its texts before its tool calls, where a sender put all calls first; `None` where
/// nothing is to be moved.
///
/// A model writes text and then calls tools. A call that the provider ran itself may stand before the text about it,
/// and is not moved.
fn calls_last(parts: &[Part]) -> Option<Vec<Part>> {
    let is_call = |part: &Part| matches!(&part.content, Content::Call(call) if !call.server_side);
    let calls = parts.iter().take_while(|part| is_call(part)).count();
    let (calls, texts) = parts.split_at(calls);
    let is_moved =
        !calls.is_empty() && !texts.is_empty() && !texts.iter().any(|part| matches!(part.content, Content::Call(_)));
    is_moved.then(|| texts.iter().chain(calls).cloned().collect())
}

/// The parts of an answer with its reasoning before its texts, where a sender put the reasoning after them; `None`
/// where nothing is to be moved.
///
/// Only reasoning without a signature is moved: the sender had it apart from the texts, and chose its place. Signed
/// reasoning took place between other parts, and stays there.
fn reasoning_first(parts: &[Part]) -> Option<Vec<Part>> {
    let is_reasoning =
        |part: &Part| matches!(&part.content, Content::Reasoning(reasoning) if reasoning.signature.is_none());
    let first =
        parts.iter().position(|part| matches!(part.content, Content::Reasoning(_))).filter(|first| *first > 0)?;
    let (texts, rest) = parts.split_at(first);
    let reasoning = rest.iter().take_while(|part| is_reasoning(part)).count();
    let (reasoning, rest) = rest.split_at(reasoning);
    let is_text = |part: &Part| matches!(part.content, Content::Text(_) | Content::Refusal(_) | Content::Json(_));
    let is_call = |part: &Part| matches!(part.content, Content::Call(_));
    let is_moved = !reasoning.is_empty() && texts.iter().all(is_text) && rest.iter().all(is_call);
    is_moved.then(|| reasoning.iter().chain(texts).chain(rest).cloned().collect())
}
