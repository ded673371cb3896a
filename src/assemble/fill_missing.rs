//! Fills in what the chosen reading of a call lacks and another reading of it has: a system prompt, ids, reasoning,
//! media.
//!
//! Nothing that the chosen reading has is changed.

use std::{collections::HashMap, sync::Arc};

use crate::model::{Content, Message, Part, Role, Timestamp};

/// Messages with the times at which they were sent or answered.
pub type TimedMessages = [(Arc<Message>, Timestamp)];

/// Whether a part is a result that gives neither the id of its call nor the name of its tool.
pub fn is_nameless(part: &Part) -> bool {
    matches!(&part.content, Content::Result(result) if result.call_id.is_none() && result.name.is_none())
}

/// Whether the arguments of a call were recorded as no JSON, or as empty, and a later request, which repeats it under its
/// id, has them whole: some recorders put the pieces of a stream together wrongly, or lose them. An empty repetition is
/// not whole where something was recorded.
pub fn is_garbled(own: &Part, repeated: &Part) -> bool {
    let (Content::Call(call), Content::Call(other)) = (&own.content, &repeated.content) else { return false };
    let has_more = !other.input.is_empty() || call.input.is_empty();
    let is_whole = other.input.as_map().is_some() && !repeated.truncated && has_more;
    let is_same = call.known_id().is_some() && call.known_id() == other.known_id() && call.name == other.name;
    let is_lost = call.input.as_map().is_some_and(<[_]>::is_empty) && !other.input.is_empty();
    is_same && is_whole && (call.input.as_str().is_some() || own.truncated || is_lost) && !own.hidden
}

/// Puts the system messages of the other reading in front, if `prompt` has none.
pub fn fill_system(prompt: &mut Vec<(Arc<Message>, Timestamp)>, other: &TimedMessages) {
    let is_system = |timed: &&(Arc<Message>, Timestamp)| timed.0.role == Role::System;
    if !prompt.iter().any(|timed| is_system(&timed)) {
        let system: Vec<_> = other.iter().filter(is_system).cloned().collect();
        prompt.splice(0..0, system);
    }
}

/// Gives tool calls and tool results without an id that of their counterpart in the other reading.
///
/// Counterparts are paired in order: calls of one tool with calls of that tool, results with results. That is done only
/// where both readings have the same number of them, the other one has an id for each, and no two ids contradict.
pub fn fill_ids(messages: &mut [(Arc<Message>, Timestamp)], other: &TimedMessages) {
    // Whether the part is a result, the name of the called tool (empty for a result), and the id; `None` for other
    // parts.
    let ids = |part: &Part| match &part.content {
        Content::Call(call) => Some((false, call.name.clone(), call.known_id().map(str::to_owned))),
        Content::Result(result) => Some((true, String::new(), result.call_id.clone())),
        _ => None,
    };
    let all = |messages: &TimedMessages| -> HashMap<(bool, String), Vec<Option<String>>> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        for (is_result, name, id) in messages.iter().flat_map(|(message, _)| &message.parts).filter_map(ids) {
            found.entry((is_result, name)).or_default().push(id);
        }
        found
    };
    let nameless = |message: &Message| message.parts.iter().any(|part| matches!(ids(part), Some((_, _, None))));
    if !messages.iter().any(|(message, _)| nameless(message)) {
        return;
    }
    let mine = all(messages);
    let theirs = all(other);
    let fits = |key: &(bool, String), mine: &Vec<Option<String>>| {
        let theirs = theirs.get(key)?;
        let agree =
            theirs.iter().zip(mine).all(|(theirs, mine)| theirs.is_some() && (mine.is_none() || mine == theirs));
        (theirs.len() == mine.len() && agree).then(|| theirs.clone().into_iter())
    };
    let mut found: HashMap<_, _> =
        mine.iter().filter_map(|(key, mine)| Some((key.clone(), fits(key, mine)?))).collect();
    for (message, _) in messages {
        if !nameless(message) {
            // This message has all its ids; those of its counterparts are skipped.
            for (is_result, name, _) in message.parts.iter().filter_map(ids) {
                found.get_mut(&(is_result, name)).and_then(Iterator::next);
            }
            continue;
        }
        for part in &mut Arc::make_mut(message).parts {
            let Some((is_result, name, _)) = ids(part) else { continue };
            let Some(id) = found.get_mut(&(is_result, name)).and_then(Iterator::next).flatten() else { continue };
            match &mut part.content {
                Content::Call(call) => call.id = Some(id),
                Content::Result(result) => result.call_id = Some(id),
                _ => {}
            }
        }
    }
}

/// Puts the reasoning of the other reading at the beginning of the first assistant message, if `completion` has none.
pub fn fill_reasoning(completion: &mut [(Arc<Message>, Timestamp)], other: &TimedMessages) {
    let reasoning = |timed: &(Arc<Message>, Timestamp)| -> Vec<Part> {
        timed.0.parts.iter().filter(|part| matches!(part.content, Content::Reasoning(_))).cloned().collect()
    };
    if completion.iter().any(|timed| !reasoning(timed).is_empty()) {
        return;
    }
    let missing: Vec<Part> = other.iter().flat_map(reasoning).collect();
    if let Some((message, _)) = completion.iter_mut().find(|(message, _)| message.role == Role::Assistant)
        && !missing.is_empty()
    {
        Arc::make_mut(message).parts.splice(0..0, missing);
    }
}

/// Adds the media of the other reading, if `messages` has none, to the message of the same role in the same place. A
/// role of which the two readings have different numbers of messages is left alone.
pub fn fill_media(messages: &mut [(Arc<Message>, Timestamp)], other: &TimedMessages) {
    let media = |message: &Message| -> Vec<Part> {
        message.parts.iter().filter(|part| matches!(part.content, Content::Media(_))).cloned().collect()
    };
    let none = messages.iter().all(|(message, _)| media(message).is_empty());
    if !none || other.iter().all(|(message, _)| media(message).is_empty()) {
        return;
    }
    for role in [Role::User, Role::Assistant] {
        let theirs: Vec<&Arc<Message>> = other.iter().map(|(message, _)| message).filter(|m| m.role == role).collect();
        let mine: Vec<&mut Arc<Message>> =
            messages.iter_mut().map(|(message, _)| message).filter(|m| m.role == role).collect();
        if mine.len() == theirs.len() {
            for (mine, theirs) in mine.into_iter().zip(theirs) {
                let found = media(theirs);
                if !found.is_empty() {
                    Arc::make_mut(mine).parts.extend(found);
                }
            }
        }
    }
}
