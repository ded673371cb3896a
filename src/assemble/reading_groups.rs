//! The readings of one call, gathered in groups: the pieces that one dialect read in one kind of carrier of one node
//! (`conversations.md` 2).

use std::{collections::HashMap, sync::Arc};

use super::{fill_missing::TimedMessages, fingerprint::Fingerprints, reading_digest::carrier};
use crate::model::{Carrier, Content, ContentKind, Message, Reading, Role, Timestamp, Translation};

/// The translation of one span or log record of a call.
#[derive(Debug, Clone, Copy)]
pub struct ReadingSource<'r> {
    /// Which of the nodes of the call it belongs to, counted from 0; readings of two nodes are never in one group.
    pub node: usize,
    /// What the dialects read in it.
    pub translation: &'r Translation,
    /// The time of a prompt whose reading has none of its own: the start of the span, or the time of the log record.
    pub started: Timestamp,
    /// The same for a completion: the end of the span (its start while it runs), or the time of the log record.
    pub ended: Timestamp,
}

/// What one dialect found in one kind of carrier of one node.
pub struct ReadingGroup<'r> {
    /// As in [`ReadingSource`].
    node: usize,
    dialect: &'r str,
    /// What kind of content the readings have.
    pub content: ContentKind,
    carrier: Carrier,
    /// As in [`Reading::answer_unmarked`].
    pub answer_unmarked: bool,
    /// The messages that were sent, of all its readings, in order, with their times.
    pub prompt: Vec<(Arc<Message>, Timestamp)>,
    /// The same of the messages that came back.
    pub completion: Vec<(Arc<Message>, Timestamp)>,
}

/// Gathers the readings by node, dialect and kind of carrier, the most trusted group of each node first.
pub fn groups<'r>(sources: &[ReadingSource<'r>]) -> Vec<ReadingGroup<'r>> {
    // The dialects of a node are trusted in the order that its span gives, then those that only its log records have.
    let mut trust: HashMap<(usize, &str), usize> = HashMap::new();
    for source in sources {
        let named = source.translation.dialects.iter().map(String::as_str);
        let read = source.translation.readings.iter().map(|reading| reading.dialect.as_str());
        for dialect in named.chain(read) {
            let next = trust.len();
            trust.entry((source.node, dialect)).or_insert(next);
        }
    }
    let mut groups: Vec<ReadingGroup> = Vec::new();
    // For each group its last reading with both a prompt and a completion.
    let mut whole: Vec<Option<&Reading>> = Vec::new();
    // For each group, length of the prompt before it and number of an answer the last reading that has it.
    let mut answers: HashMap<(usize, usize, u64), &Reading> = HashMap::new();
    let mut by_key: HashMap<(usize, &str, u8, bool), usize> = HashMap::new();
    for source in sources {
        for reading in &source.translation.readings {
            let is_fallback = reading.content == ContentKind::Fallback;
            let key = (source.node, reading.dialect.as_str(), carrier(reading.carrier), is_fallback);
            let at = *by_key.entry(key).or_insert_with(|| {
                let Reading { ref dialect, content, carrier, answer_unmarked, .. } = *reading;
                let (prompt, completion) = (Vec::new(), Vec::new());
                groups.push(ReadingGroup {
                    node: source.node,
                    dialect,
                    content,
                    carrier,
                    answer_unmarked,
                    prompt,
                    completion,
                });
                whole.push(None);
                groups.len() - 1
            });
            let time = |else_at: Timestamp| reading.at.and_then(Timestamp::known).unwrap_or(else_at);
            // Some senders write the one record of a whole call twice; the second is left out.
            let is_whole = !reading.prompt.is_empty() && !reading.completion.is_empty();
            if is_whole && whole[at].replace(reading).is_some_and(|last| is_repeated(last, reading)) {
                continue;
            }
            // So do some with an answer, when its stream ends and again when it is closed.
            let asked = groups[at].prompt.len();
            let before = reading.choice.and_then(|number| answers.insert((at, asked, number), reading));
            if before.is_some_and(|last| is_repeated(last, reading)) {
                continue;
            }
            let group = &mut groups[at];
            group.prompt.extend(reading.prompt.iter().map(|message| (Arc::clone(message), time(source.started))));
            group.completion.extend(reading.completion.iter().map(|message| (Arc::clone(message), time(source.ended))));
        }
    }
    let is_fallback = |group: &ReadingGroup| group.content == ContentKind::Fallback;
    groups.sort_by_key(|group| {
        let trust = trust.get(&(group.node, group.dialect)).copied();
        (group.node, is_fallback(group), trust, carrier(group.carrier))
    });
    groups
}

/// Whether two readings have the same messages.
fn is_repeated(last: &Reading, reading: &Reading) -> bool {
    last.prompt == reading.prompt && last.completion == reading.completion
}

/// The index of the group from which one side (the prompt or the completion) is taken; `None` where no group has
/// messages there.
///
/// It is no fallback if there is another group; then the one with most structure, then with most parts, then the most
/// trusted.
pub fn choose<'g, 'r>(
    groups: &'g [ReadingGroup<'r>],
    side: impl Fn(&'g ReadingGroup<'r>) -> &'g TimedMessages,
) -> Option<usize> {
    let with_messages = groups.iter().enumerate().filter(|(_, group)| !side(group).is_empty());
    // `max_by_key` returns the last of equals: in reverse order that is the most trusted.
    with_messages
        .rev()
        .max_by_key(|(_, group)| (group.content != ContentKind::Fallback, weight(side(group))))
        .map(|(at, _)| at)
}

/// The number of structured parts, where an id counts as one more, and the number of all parts. Hidden parts do not
/// count.
fn weight(messages: &[(Arc<Message>, Timestamp)]) -> (usize, usize) {
    let parts = messages.iter().flat_map(|(message, _)| &message.parts);
    let parts = parts.filter(|part| !part.hidden && !part.is_unrecorded());
    parts.fold((0, 0), |(structure, all), part| {
        let more = match &part.content {
            Content::Call(call) => 1 + usize::from(call.known_id().is_some()),
            Content::Result(result) => 1 + usize::from(result.call_id.is_some()),
            Content::Reasoning(_) | Content::Media(_) => 1,
            Content::Text(_) | Content::Json(_) | Content::Refusal(_) | Content::Unknown(_) => 0,
        };
        (structure + more, all + 1)
    })
}

/// The groups that fill what the chosen one lacks; fallbacks fill nothing.
pub fn others<'g, 'r>(groups: &'g [ReadingGroup<'r>], chosen: usize) -> impl Iterator<Item = &'g ReadingGroup<'r>> {
    groups
        .iter()
        .enumerate()
        .filter(move |(at, group)| *at != chosen && group.content != ContentKind::Fallback)
        .map(|(_, group)| group)
}

/// Whether `whole` ends with all of `part` and has more messages before it, system messages left aside.
pub fn extends(whole: &TimedMessages, part: &TimedMessages, fingerprints: &mut Fingerprints) -> bool {
    let mut is = |(left, right): (&(Arc<Message>, _), &(Arc<Message>, _))| {
        Arc::ptr_eq(&left.0, &right.0) || fingerprints.fingerprint(&left.0).is(&fingerprints.fingerprint(&right.0))
    };
    let count = |messages: &TimedMessages| without_system(messages).count();
    count(whole) > count(part)
        && count(part) > 0
        && without_system(whole).rev().zip(without_system(part).rev()).all(&mut is)
}

/// The messages of a prompt but for those of the system.
fn without_system(messages: &TimedMessages) -> impl DoubleEndedIterator<Item = &(Arc<Message>, Timestamp)> {
    messages.iter().filter(|(message, _)| message.role != Role::System)
}
