//! Gives answers of which only the tool calls were recorded the texts beside them that the history of a later trace
//! repeats (`conversations.md` 7).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::fingerprint::is_counter;
use crate::model::{Content, Conversation, ConversationMessage, Part, Role};

/// Completes the answers in the conversations of each trace from traces that begin later. The traces are in the order of
/// their start. A tool call's id that several answers have tells nothing, nor does a counter.
pub fn complete(conversations: &mut [Vec<Conversation>]) {
    let mut made: HashMap<String, usize> = HashMap::new();
    let mut silent: HashSet<String> = HashSet::new();
    for answer in conversations.iter().flatten().flat_map(|conversation| answers(&conversation.messages, false)) {
        let Some(ids) = ids(answer) else { continue };
        for id in &ids {
            *made.entry((*id).to_owned()).or_default() += 1;
        }
        if texts(answer).next().is_none() {
            silent.extend(ids.first().map(|id| (*id).to_owned()));
        }
    }
    silent.retain(|id| made.get(id) == Some(&1) && !is_counter(id));
    if silent.is_empty() {
        return;
    }
    // Of each answer that a history repeats the ids of its calls and its texts, by the first of those ids. From the last
    // trace to the first, so that the nearest one is kept.
    let mut repeated: HashMap<String, (Vec<String>, Vec<Part>)> = HashMap::new();
    for conversations in conversations.iter_mut().rev() {
        for conversation in conversations.iter_mut() {
            fill(&mut conversation.messages, &silent, &repeated);
        }
        for conversation in conversations.iter() {
            let mut seen: HashSet<&str> = HashSet::new();
            for answer in answers(&conversation.messages, true) {
                let Some(ids) = ids(answer) else { continue };
                let Some(first) = ids.first().filter(|id| silent.contains(**id)) else { continue };
                let texts: Vec<Part> = texts_before_calls(answer).filter(|part| !part.hidden).cloned().collect();
                if !seen.insert(first) {
                    // Two answers of this history have the id.
                    repeated.remove(*first);
                } else if !texts.is_empty() {
                    repeated.insert((*first).to_owned(), (ids.iter().map(|id| (*id).to_owned()).collect(), texts));
                }
            }
        }
    }
}

/// The assistant's messages in a row, those of one answer together: of the history, or those of the trace itself.
fn answers(messages: &[ConversationMessage], history: bool) -> impl Iterator<Item = &[ConversationMessage]> {
    let is_one = |left: &ConversationMessage, right: &ConversationMessage| {
        left.message.role == right.message.role && left.history == right.history && left.turn == right.turn
    };
    let answers = messages.chunk_by(is_one);
    answers.filter(move |answer| answer[0].message.role == Role::Assistant && answer[0].history == history)
}

fn parts(answer: &[ConversationMessage]) -> impl Iterator<Item = &Part> {
    answer.iter().flat_map(|shown| &shown.message.parts)
}

/// The ids of an answer's tool calls; `None` where it has no call, or one without an id.
fn ids(answer: &[ConversationMessage]) -> Option<Vec<&str>> {
    let calls = parts(answer).filter_map(|part| match &part.content {
        Content::Call(call) => Some(call.known_id()),
        _ => None,
    });
    calls.collect::<Option<Vec<&str>>>().filter(|ids| !ids.is_empty())
}

fn is_text(part: &Part) -> bool {
    matches!(part.content, Content::Text(_) | Content::Refusal(_) | Content::Json(_))
}

fn is_call(part: &Part) -> bool {
    matches!(part.content, Content::Call(_))
}

fn texts(answer: &[ConversationMessage]) -> impl Iterator<Item = &Part> {
    parts(answer).filter(|part| is_text(part))
}

fn texts_before_calls(answer: &[ConversationMessage]) -> impl Iterator<Item = &Part> {
    parts(answer).take_while(|part| !is_call(part)).filter(|part| is_text(part))
}

/// The texts of the answers that end the given messages and called nothing.
fn texts_at_end(messages: &[ConversationMessage]) -> impl Iterator<Item = &Part> {
    let answers = messages.iter().rev().take_while(|shown| shown.message.role == Role::Assistant);
    let own = answers.take_while(|shown| !shown.message.parts.iter().any(is_call));
    own.flat_map(|shown| &shown.message.parts).filter(|part| is_text(part))
}

/// Puts the texts of repeated answers before the first call of those without one. A history may have two answers in a row:
/// what stands before an answer as one of its own is not said again.
fn fill(
    messages: &mut [ConversationMessage],
    silent: &HashSet<String>,
    repeated: &HashMap<String, (Vec<String>, Vec<Part>)>,
) {
    for at in 0..messages.len() {
        let shown = &messages[at];
        if shown.history || shown.message.role != Role::Assistant {
            continue;
        }
        let call = shown.message.parts.iter().position(is_call);
        let Some(call) = call else { continue };
        let first = match &shown.message.parts[call].content {
            Content::Call(call) => call.known_id().filter(|id| silent.contains(*id)),
            _ => None,
        };
        let Some((ids_of_repeated, texts)) = first.and_then(|id| repeated.get(id)) else { continue };
        let own = answers(&messages[at..], false).next().and_then(ids);
        if own.is_some_and(|own| own == *ids_of_repeated) {
            let is_said = |text: &&Part| texts_at_end(&messages[..at]).any(|said| said.content == text.content);
            let texts: Vec<Part> = texts.iter().filter(|text| !is_said(text)).cloned().collect();
            let parts = &mut Arc::make_mut(&mut messages[at].message).parts;
            parts.splice(call..call, texts);
        }
    }
}
