//! The built conversations of a trace as they are shown: ordered, each with what opened it.

use std::collections::HashSet;

use super::{builder::BuiltConversation, loaded_trace::LoadedTrace};
use crate::model::{Category, Content, Conversation, ConversationId, Opener, Translation};

/// The conversations in the order of their first messages.
pub fn shown(trace: &LoadedTrace, mut built: Vec<BuiltConversation>) -> Vec<Conversation> {
    let scopes: HashSet<usize> = built.iter().filter_map(|conversation| conversation.scope).collect();
    built.sort_by_key(|conversation| {
        (conversation.messages.first().map(|first| first.shown.at), conversation.started, conversation.first)
    });
    let shown = |conversation: BuiltConversation| Conversation {
        id: ConversationId(trace.rows.trace, conversation.first),
        opened_by: opener(trace, &conversation, &scopes),
        agent: conversation.agent,
        messages: conversation.messages.into_iter().map(|placed| placed.shown).collect(),
    };
    built.into_iter().map(shown).collect()
}

/// What started a sub-agent: the tool around it, else its own span within that of an agent that has a conversation as
/// well. `scopes` are the scopes of all conversations.
fn opener(trace: &LoadedTrace, conversation: &BuiltConversation, scopes: &HashSet<usize>) -> Option<Opener> {
    let mut agent = None;
    let mut next = conversation.scope.or(trace.above[conversation.node]);
    while let Some(at) = next {
        let node = &trace.nodes()[at];
        if node.category == Category::Tool {
            let id = trace.first([at], |translation| translation.genai.tool.as_ref()?.call_id.clone());
            return Some(Opener { span: node.id, call_id: id.or_else(|| trace.first([at], given_id)) });
        }
        match agent {
            None => agent = Some(node.id),
            Some(span) if scopes.contains(&at) => return Some(Opener { span, call_id: None }),
            Some(_) => {}
        }
        next = trace.above[at];
    }
    None
}

/// The id of the tool call that a tool was given; `None` where there is none.
fn given_id(translation: &Translation) -> Option<String> {
    let prompts = translation.readings.iter().flat_map(|reading| &reading.prompt);
    let mut calls = prompts.flat_map(|message| &message.parts).filter_map(|part| match &part.content {
        Content::Call(call) => call.known_id().map(str::to_owned),
        _ => None,
    });
    calls.next()
}
