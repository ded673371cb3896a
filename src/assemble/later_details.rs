//! Adds to earlier answers what only a later request of their conversation has of them: reasoning, texts, tool calls, and
//! the ids of tool calls (`conversations.md` 7).

use super::{
    content_hash::ContentHash,
    conversations::{Anchor, Chain, Conversations, PlacedCall},
    exchange::TimedMessage,
    fingerprint::KeyedMessage,
    prepared_exchange::PlacedExchange,
};
use crate::model::{Content, Part, Role};

/// Adds the tool calls to an earlier answer that was recorded as text alone, where this prompt repeats that answer with
/// its calls.
pub fn add_calls(conversations: &mut Conversations, placed: &PlacedExchange, prompt: &[KeyedMessage], chain: &Chain) {
    let same_agent =
        |earlier: &PlacedCall| placed.agent.is_some() && conversations.all[earlier.conversation].agent == placed.agent;
    let Some((after, call)) =
        conversations.begun(chain, |earlier| earlier.scope == placed.scope || same_agent(earlier))
    else {
        return;
    };
    let earlier = conversations.calls[call].clone();
    let whole: Vec<KeyedMessage> =
        prompt[after..].iter().take_while(|keyed| keyed.fingerprint.role == Role::Assistant).cloned().collect();
    let key = |keyed_messages: &[KeyedMessage]| {
        keyed_messages.iter().filter_map(|keyed| keyed.fingerprint.key).reduce(ContentHash::then)
    };
    let answer = conversations.all[earlier.conversation]
        .entries
        .all()
        .get(earlier.entries..earlier.entries + earlier.answers)
        .unwrap_or_default();
    let (Some(texts), Some(all)) = (key(answer), key(&whole)) else { return };
    if !all.calls_after(&texts) {
        return;
    }
    let parts = whole.iter().flat_map(|keyed| &keyed.message.parts);
    let calls: Vec<Part> = parts.filter(|part| matches!(part.content, Content::Call(_))).cloned().collect();
    let entries = whole.len();
    let followed = prompt[..after].last().and_then(|last| last.fingerprint.key);
    conversations.answer(earlier.conversation, whole, followed);
    conversations.all[earlier.conversation].messages.add_calls(
        earlier.entries + earlier.answers - 1,
        calls.into_iter(),
        entries,
    );
}

/// Adds to the answer before the anchor the reasoning, the texts beside calls, the ids of tool calls and the whole
/// arguments of garbled ones that `lines`, the prompt, have of it.
pub fn add_reasoning_and_ids(conversations: &mut Conversations, anchor: Anchor, lines: &[TimedMessage]) {
    let Some(entry) = anchor.entry.checked_sub(1) else { return };
    // Between the answer and the anchor there may be results.
    let results = lines[..anchor.after].iter().rev().take_while(|line| line.fingerprint.role == Role::Tool).count();
    let end = anchor.after - results;
    let answer = lines[..end].iter().rev().take_while(|line| line.fingerprint.role == Role::Assistant).count();
    let parts = || lines[end - answer..end].iter().flat_map(|line| &line.message.parts);
    let calls: Vec<&Part> = parts().filter(|part| matches!(part.content, Content::Call(_))).collect();
    let messages = &mut conversations.all[anchor.conversation].messages;
    if !calls.is_empty() {
        messages.add_call_ids(entry, &calls);
        // Some senders record of an answer with calls nothing but these.
        let texts: Vec<Part> = parts().filter(|part| matches!(part.content, Content::Text(_))).cloned().collect();
        if !texts.is_empty() {
            messages.add_texts(entry, &texts);
        }
    }
    let reasoning: Vec<Part> = parts().filter(|part| matches!(part.content, Content::Reasoning(_))).cloned().collect();
    if !reasoning.is_empty() {
        messages.add_reasoning(entry, &reasoning);
    }
}
