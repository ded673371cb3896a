//! Gives calls whose arguments their recorder lost those that the history of a later trace of the session repeats
//! (`conversations.md` 7).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::fill_missing::is_garbled;
use crate::model::{Content, Conversation, ConversationMessage, Message, Part, ToolCall, ToolRun};

/// Completes the calls in the conversations of each trace, and its tool runs, from traces that begin later. An id that
/// several calls of the session have tells nothing.
pub fn complete(conversations: &mut [Vec<Conversation>], tools: &mut [Vec<ToolRun>]) {
    let mut made: HashMap<String, usize> = HashMap::new();
    let mut lost: HashSet<String> = HashSet::new();
    for messages in conversations.iter().flatten().flat_map(|conversation| &conversation.messages) {
        for part in messages.message.parts.iter().filter(|_| !messages.history) {
            let Some((id, call)) = known(part) else { continue };
            if part.truncated || call.input.is_empty() || call.input.as_str().is_some() {
                lost.insert(id.to_owned());
            }
            *made.entry(id.to_owned()).or_default() += 1;
        }
    }
    let is_lost = |run: &&ToolRun| run.input.is_empty() || run.input.as_str().is_some();
    lost.extend(tools.iter().flatten().filter(is_lost).filter_map(|run| run.call_id.clone()));
    lost.retain(|id| made.get(id) == Some(&1));
    if lost.is_empty() {
        return;
    }
    // By id the call as a later trace repeats it. From the last trace to the first, so that the nearest one is kept.
    let mut repeated: HashMap<String, Repeated> = HashMap::new();
    for (conversations, tools) in conversations.iter_mut().zip(tools).rev() {
        for message in conversations.iter_mut().flat_map(|conversation| &mut conversation.messages) {
            fill(message, &repeated);
        }
        // Of one call two records may be chosen, for its message the one and for its run the other.
        let own = calls(conversations, &lost, false);
        for run in tools.iter_mut().filter(|run| is_lost(&&**run)) {
            let Some(id) = &run.call_id else { continue };
            let found = [own.get(id), repeated.get(id)].into_iter().flatten().map(Repeated::part);
            let mut found = found.filter(|part| !part.truncated).filter_map(known).map(|(_, call)| call);
            let says_more = |call: &ToolCall| call.input.as_map().is_some_and(|arguments| !arguments.is_empty());
            if let Some(whole) = found.find(|call| call.name == run.name && says_more(call)) {
                run.input = whole.input.clone().into();
            }
        }
        repeated.extend(calls(conversations, &lost, true));
    }
}

/// The calls with these ids in conversations: those that were made there, or those of their history.
fn calls(conversations: &[Conversation], ids: &HashSet<String>, history: bool) -> HashMap<String, Repeated> {
    let messages = conversations.iter().flat_map(|conversation| &conversation.messages);
    let messages = messages.filter(|shown| shown.history == history).map(|shown| &shown.message);
    let found = messages.flat_map(|message| {
        message.parts.iter().enumerate().filter_map(move |(at, part)| Some((known(part)?.0, message, at)))
    });
    let found = found.filter(|(id, ..)| ids.contains(*id));
    found.map(|(id, message, at)| (id.to_owned(), Repeated { message: Arc::clone(message), at })).collect()
}

/// A call in a message.
struct Repeated {
    message: Arc<Message>,
    /// The index of its part.
    at: usize,
}

impl Repeated {
    fn part(&self) -> &Part {
        &self.message.parts[self.at]
    }
}

/// A call with its id.
fn known(part: &Part) -> Option<(&str, &ToolCall)> {
    match &part.content {
        Content::Call(call) => Some((call.known_id()?, call)),
        _ => None,
    }
}

fn fill(shown: &mut ConversationMessage, repeated: &HashMap<String, Repeated>) {
    let whole = |part: &Part| {
        let (id, _) = known(part)?;
        repeated.get(id).map(Repeated::part).filter(|repeated| is_garbled(part, repeated))
    };
    if shown.history || !shown.message.parts.iter().any(|part| whole(part).is_some()) {
        return;
    }
    for part in &mut Arc::make_mut(&mut shown.message).parts {
        if let Some(whole) = whole(part) {
            part.content = whole.content.clone();
            part.truncated = false;
        }
    }
}
