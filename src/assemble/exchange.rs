//! Merges the readings of one call into one exchange: system prompt, prompt and completion (`conversations.md` 2).
//!
//! Several dialects may have read the same span, each in attributes, events and log records. The readings of one
//! dialect from one kind of carrier are pieces of one group. The prompt is taken from the group with most structure,
//! and so is the completion; the other groups only fill what it lacks: a system prompt, the ids of tool calls,
//! reasoning, media. Nothing is listed twice.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    rc::Rc,
    sync::Arc,
};

use super::{
    content_hash::result_hash,
    fill_missing::{self, is_nameless},
    fingerprint::{Fingerprint, Fingerprints},
    hashes::CallIdHash,
    reading_groups::{ReadingSource, choose, extends, groups, others},
};
use crate::model::{Content, ContentKind, Message, Role, Timestamp};

/// A message of an exchange.
#[derive(Debug, Clone)]
pub struct TimedMessage {
    /// The message; all its parts are of its role.
    pub message: Arc<Message>,
    /// What `message` is compared by.
    pub fingerprint: Rc<Fingerprint>,
    /// When it was sent, or came back.
    pub at: Timestamp,
}

/// What was sent to a model (or agent, or function) and what came back, each message once.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The system messages, which stand before everything else.
    pub system: Vec<TimedMessage>,
    /// The other messages that were sent, in list order.
    pub prompt: Vec<TimedMessage>,
    /// The messages that came back; empty where none is known.
    pub completion: Vec<TimedMessage>,
    /// Whether the prompt is a list of messages without a mark for the answer, which may be the last of them
    /// ([`crate::model::Reading::answer_unmarked`]).
    pub answer_unmarked: bool,
    /// Whether the prompt, and whether the completion, is a conversation ([`ContentKind::Conversation`]) and not the
    /// input or output of a function.
    pub is_conversation: [bool; 2],
}

impl Exchange {
    /// Whether it has no message at all.
    pub fn is_empty(&self) -> bool {
        self.system.is_empty() && self.prompt.is_empty() && self.completion.is_empty()
    }
}

/// Merges the readings of one call. `sources` are in the order of its nodes, the span of each before its log records.
pub fn merge(sources: &[ReadingSource], fingerprints: &mut Fingerprints) -> Exchange {
    let mut groups = groups(sources);
    let chosen = choose(&groups, |group| group.prompt.as_slice());
    let answer_unmarked = chosen.is_some_and(|at| groups[at].answer_unmarked);
    let prompt_is_conversation = chosen.is_some_and(|at| groups[at].content == ContentKind::Conversation);
    let mut prompt = chosen.map(|at| mem::take(&mut groups[at].prompt)).unwrap_or_default();
    if let Some(chosen) = chosen {
        for other in others(&groups, chosen) {
            if extends(&other.prompt, &prompt, fingerprints) {
                prompt.clone_from(&other.prompt);
            }
            fill_missing::fill_system(&mut prompt, &other.prompt);
            fill_missing::fill_ids(&mut prompt, &other.prompt);
            fill_missing::fill_media(&mut prompt, &other.prompt);
        }
    }
    let chosen = choose(&groups, |group| group.completion.as_slice());
    let completion_is_conversation = chosen.is_some_and(|at| groups[at].content == ContentKind::Conversation);
    let mut completion = chosen.map(|at| mem::take(&mut groups[at].completion)).unwrap_or_default();
    if let Some(chosen) = chosen {
        for other in others(&groups, chosen) {
            fill_missing::fill_ids(&mut completion, &other.completion);
            fill_missing::fill_reasoning(&mut completion, &other.completion);
            fill_missing::fill_media(&mut completion, &other.completion);
        }
    }
    let is_system = |line: &TimedMessage| line.fingerprint.role == Role::System;
    let (system, completion): (Vec<TimedMessage>, Vec<TimedMessage>) =
        lines(completion, fingerprints).into_iter().partition(is_system);
    let mut prompt = lines(prompt, fingerprints);
    // A system message among the answers belongs to the prompt.
    prompt.splice(0..0, system);
    // A prompt that does not begin with a system message may have some elsewhere; they are moved to its beginning.
    if !prompt.first().is_some_and(is_system) {
        prompt.sort_by_key(|line| !is_system(line));
    }
    let opening = prompt.iter().position(|line| !is_system(line)).unwrap_or(prompt.len());
    let mut rest = prompt.split_off(opening);
    calls_first(&mut rest);
    name_results(&mut rest, fingerprints);
    once_each(&mut rest, fingerprints);
    let mut keys = HashSet::new();
    // Some senders list the system prompt apart and again as the first message; each message is kept once.
    prompt.retain(|line| line.fingerprint.key.is_none_or(|key| keys.insert(key)));
    Exchange {
        system: prompt,
        prompt: rest,
        completion,
        answer_unmarked,
        is_conversation: [prompt_is_conversation, completion_is_conversation],
    }
}

/// Moves tool results after the tool calls that they answer, where a sender lists them before.
fn calls_first(prompt: &mut Vec<TimedMessage>) {
    let mut called: HashMap<CallIdHash, usize> = HashMap::new();
    for (at, line) in prompt.iter().enumerate() {
        for call in &line.fingerprint.call_ids {
            called.entry(*call).or_insert(at);
        }
    }
    // The index of the message that a message must stand after; `None` where it stands right.
    let after = |(at, line): (usize, &TimedMessage)| {
        let calls = || line.fingerprint.result_ids.iter().map(|call| called.get(call).copied());
        let is_early = line.fingerprint.role == Role::Tool && calls().all(|call| call.is_some_and(|call| call > at));
        calls().flatten().max().filter(|_| is_early)
    };
    let mut order: Vec<(usize, bool, usize)> = Vec::with_capacity(prompt.len());
    order.extend(prompt.iter().enumerate().map(|line| match after(line) {
        Some(call) => (call, true, line.0),
        None => (line.0, false, line.0),
    }));
    if order.is_sorted() {
        return;
    }
    let mut lines: Vec<_> = order.into_iter().zip(prompt.drain(..)).collect();
    lines.sort_by_key(|(node, _)| *node);
    prompt.extend(lines.into_iter().map(|(_, line)| line));
}

/// Gives tool results that name no call the ids of the tool calls before them, in order.
fn name_results(prompt: &mut [TimedMessage], fingerprints: &mut Fingerprints) {
    let is_open =
        |line: &TimedMessage| line.fingerprint.role == Role::Tool && line.message.parts.iter().all(is_nameless);
    if !prompt.iter().any(is_open) {
        return;
    }
    let mut open: VecDeque<String> = VecDeque::new();
    for line in prompt {
        if line.fingerprint.role != Role::Tool {
            let calls = line.message.parts.iter().filter_map(|part| match &part.content {
                Content::Call(call) => call.known_id().map(str::to_owned),
                _ => None,
            });
            let calls: Vec<String> = calls.collect();
            // The tool calls of one answer may come in several messages.
            if calls.is_empty() || line.fingerprint.role != Role::Assistant {
                open.clear();
            }
            open.extend(calls);
        } else if !open.is_empty() && is_open(line) {
            let mut message = (*line.message).clone();
            for part in &mut message.parts {
                if let Content::Result(result) = &mut part.content {
                    result.call_id = open.pop_front();
                }
            }
            line.message = Arc::new(message);
            line.fingerprint = fingerprints.fingerprint(&line.message);
        }
    }
}

/// Keeps each tool result once, where a sender lists it as a message of its own and again within the user's. The ids of
/// calls and the contents are equal, and no answer stands between the two.
fn once_each(prompt: &mut Vec<TimedMessage>, fingerprints: &mut Fingerprints) {
    let results = |line: &TimedMessage| line.fingerprint.result_ids.len();
    // Mostly each id of a call comes once between two answers: nothing need be copied.
    let mut seen: HashSet<CallIdHash> = HashSet::new();
    let is_twice = prompt.iter().any(|line| {
        if line.fingerprint.role == Role::Assistant {
            seen.clear();
        }
        line.fingerprint.result_ids.iter().filter(|id| !seen.insert(**id)).count() > 0
    });
    if !is_twice || prompt.windows(2).all(|pair| results(&pair[0]) == 0 || results(&pair[1]) == 0) {
        return;
    }
    // By the id of the call and the content: where the result stands, and whether it says how it went.
    let mut known: HashMap<(CallIdHash, u64), (usize, usize)> = HashMap::new();
    for at in 0..prompt.len() {
        if prompt[at].fingerprint.role == Role::Assistant {
            known.clear();
        }
        if results(&prompt[at]) == 0 {
            continue;
        }
        let mut message = (*prompt[at].message).clone();
        let mut again = Vec::new();
        message.parts.retain(|part| {
            let Content::Result(result) = &part.content else { return true };
            let Some(id) = &result.call_id else { return true };
            let key = (CallIdHash::of(id), result_hash(result));
            match known.get(&key) {
                Some(place) if place.0 < at => {
                    again.push((*place, result.is_error));
                    false
                }
                _ => true,
            }
        });
        for (nth, part) in message.parts.iter().enumerate() {
            if let Content::Result(result) = &part.content
                && let Some(id) = &result.call_id
            {
                known.insert((CallIdHash::of(id), result_hash(result)), (at, nth));
            }
        }
        if again.is_empty() {
            continue;
        }
        prompt[at].message = Arc::new(message);
        prompt[at].fingerprint = fingerprints.fingerprint(&prompt[at].message);
        for ((line, nth), is_error) in again {
            let first = &mut prompt[line];
            let mut kept = (*first.message).clone();
            if let Some(Content::Result(result)) = kept.parts.get_mut(nth).map(|part| &mut part.content) {
                result.is_error = result.is_error.or(is_error);
            }
            first.message = Arc::new(kept);
        }
    }
    prompt.retain(|line| !line.message.parts.is_empty());
}

/// Adds the fingerprints; a message that mixes roles becomes several, all of its time.
fn lines(messages: Vec<(Arc<Message>, Timestamp)>, fingerprints: &mut Fingerprints) -> Vec<TimedMessage> {
    let mut lines = Vec::with_capacity(messages.len());
    for (message, at) in messages {
        lines.extend(fingerprints.keyed_messages(&message).iter().map(|keyed| TimedMessage {
            message: Arc::clone(&keyed.message),
            fingerprint: Rc::clone(&keyed.fingerprint),
            at,
        }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Carrier, Part, Reading, Reasoning, ToolCall, ToolResult, Translation, Value};

    fn reading(dialect: &str, carrier: Carrier, prompt: Vec<Message>, completion: Vec<Message>) -> Reading {
        let arcs = |messages: Vec<Message>| messages.into_iter().map(Arc::new).collect();
        let mut reading = Reading::sample(dialect, carrier, arcs(prompt), arcs(completion));
        if dialect == "plain-io" {
            reading.content = ContentKind::Fallback;
        }
        reading
    }

    /// Merges readings of one span, whose `dialects` are given the most trusted first. Returns what was sent, each
    /// message as `role text`, and the completion.
    fn merged(dialects: &[&str], readings: Vec<Reading>) -> (Vec<String>, Vec<Message>) {
        let dialects = dialects.iter().map(|name| (*name).to_owned()).collect();
        let translation = Translation { dialects, readings, ..Translation::default() };
        let source = ReadingSource { node: 0, translation: &translation, started: Timestamp(1), ended: Timestamp(2) };
        let exchange = merge(&[source], &mut Fingerprints::default());
        let sent = exchange.system.iter().chain(&exchange.prompt);
        let sent = sent.map(|line| format!("{} {}", line.message.role.as_str(), line.message.plain_text())).collect();
        (sent, exchange.completion.iter().map(|line| (*line.message).clone()).collect())
    }

    fn user(text: &str) -> Message {
        Message::text(Role::User, text)
    }

    fn call(id: Option<&str>) -> Message {
        let call = ToolCall {
            id: id.map(str::to_owned),
            item_id: None,
            name: "w".to_owned(),
            input: Value::Null,
            server_side: false,
        };
        Message::new(Role::Assistant, vec![Part::new(Content::Call(call))])
    }

    #[test]
    fn what_came_in_several_events_is_one_exchange() {
        let system = reading("genai-3", Carrier::Event, vec![Message::text(Role::System, "S")], vec![]);
        let sent = reading("genai-3", Carrier::Event, vec![user("q")], vec![]);
        let answer = reading("genai-3", Carrier::Event, vec![], vec![Message::text(Role::Assistant, "a")]);
        let (prompt, completion) = merged(&["genai-3"], vec![system, sent, answer]);
        assert_eq!(prompt, ["system S", "user q"]);
        assert_eq!(completion, [Message::text(Role::Assistant, "a")]);
    }

    #[test]
    fn nameless_results_answer_the_calls_before_them() {
        let result = |id: Option<&str>| {
            let call_id = id.map(str::to_owned);
            let result = ToolResult { call_id, name: None, is_error: None, content: vec![Part::text("18C")] };
            Message::new(Role::Tool, vec![Part::new(Content::Result(result))])
        };
        let sent = vec![user("q"), call(Some("c1")), call(Some("c2")), result(None), result(None), result(None)];
        let sent = reading("x", Carrier::Log, sent, vec![]);
        let translation = Translation { readings: vec![sent], ..Translation::default() };
        let source = ReadingSource { node: 0, translation: &translation, started: Timestamp(1), ended: Timestamp(2) };
        let prompt = merge(&[source], &mut Fingerprints::default()).prompt;
        let id = |line: &TimedMessage| match &line.message.parts[0].content {
            Content::Result(result) => result.call_id.clone(),
            _ => None,
        };
        let ids: Vec<Option<String>> = prompt[3..].iter().map(id).collect();
        assert_eq!(ids, [Some("c1".to_owned()), Some("c2".to_owned()), None]);
    }

    #[test]
    fn a_call_that_is_recorded_twice_is_one_exchange() {
        let record = || reading("genai-3", Carrier::Log, vec![user("ok")], vec![Message::text(Role::Assistant, "ok")]);
        let (prompt, completion) = merged(&["genai-3"], vec![record(), record()]);
        assert_eq!((prompt.len(), completion.len()), (1, 1));
        let prompt_alone = || reading("genai-2", Carrier::Log, vec![user("ok")], vec![]);
        assert_eq!(merged(&["genai-2"], vec![prompt_alone(), prompt_alone()]).0.len(), 2);
    }

    #[test]
    fn what_two_dialects_read_is_listed_once() {
        let exchange = || (vec![user("q")], vec![Message::text(Role::Assistant, "a")]);
        let (prompt, completion) = exchange();
        let first = reading("genai-3", Carrier::Attributes, prompt, completion);
        let (prompt, completion) = exchange();
        let second = reading("genai-2", Carrier::Event, prompt, completion);
        let (prompt, completion) = merged(&["genai-3", "genai-2"], vec![second, first]);
        assert_eq!((prompt.len(), completion.len()), (1, 1));
    }

    #[test]
    fn the_reading_with_most_structure_is_taken_and_the_others_fill_what_it_lacks() {
        let bare = reading("genai-3", Carrier::Attributes, vec![user("q")], vec![call(None)]);
        let reasoning =
            Part::new(Content::Reasoning(Reasoning { text: Some("hm".to_owned()), ..Reasoning::default() }));
        let mut answer = call(Some("c1"));
        answer.parts.push(Part::text("Let me look."));
        answer.parts.push(reasoning.clone());
        let rich = reading("genai-2", Carrier::Event, vec![Message::text(Role::System, "S")], vec![answer]);
        let (prompt, completion) = merged(&["genai-3", "genai-2"], vec![bare, rich]);
        assert_eq!(prompt, ["system S", "user q"]);
        assert_eq!(completion.len(), 1);
        assert_eq!(completion[0].parts.len(), 3);

        let bare =
            reading("genai-3", Carrier::Attributes, vec![], vec![call(None), Message::text(Role::Assistant, "x")]);
        let ids = reading("genai-2", Carrier::Event, vec![], vec![call(Some("c1"))]);
        let (_, completion) = merged(&["genai-3", "genai-2"], vec![bare, ids]);
        assert!(matches!(&completion[0].parts[0].content, Content::Call(call) if call.id.as_deref() == Some("c1")));
    }

    #[test]
    fn a_prompt_of_which_another_reading_has_the_beginning_is_whole() {
        let image = Part::new(Content::Media(crate::model::Media {
            kind: crate::model::MediaKind::Image,
            mime: None,
            name: None,
            data: crate::model::MediaData::Absent,
        }));
        let last = reading(
            "genai-3",
            Carrier::Event,
            vec![Message::new(Role::User, vec![Part::text("q2"), image.clone()])],
            vec![],
        );
        let all = vec![
            user("q1"),
            Message::text(Role::Assistant, "a1"),
            Message::new(Role::User, vec![Part::text("q2"), image]),
        ];
        let all = reading("genai-2", Carrier::Event, all, vec![]);
        let (prompt, _) = merged(&["genai-3", "genai-2"], vec![last, all]);
        assert_eq!(prompt, ["user q1", "assistant a1", "user q2"]);
    }

    #[test]
    fn a_payload_of_no_known_form_is_read_only_where_there_is_no_other_reading() {
        let sent = reading("genai-2", Carrier::Event, vec![user("q")], vec![]);
        let dump = reading("plain-io", Carrier::Attributes, vec![user("{"), user("}")], vec![user("out")]);
        let (prompt, completion) = merged(&["genai-2", "plain-io"], vec![sent, dump]);
        assert_eq!(prompt, ["user q"]);
        assert_eq!(completion.len(), 1);
    }

    #[test]
    fn instructions_at_the_end_are_the_system_prompt() {
        let sent = vec![user("q1"), Message::text(Role::Assistant, "a1"), user("q2"), Message::text(Role::System, "S")];
        let (prompt, _) = merged(&["x"], vec![reading("x", Carrier::Attributes, sent, vec![])]);
        assert_eq!(prompt, ["system S", "user q1", "assistant a1", "user q2"]);
    }

    #[test]
    fn instructions_among_the_answers_are_the_system_prompt() {
        let answer = vec![Message::text(Role::System, "S"), Message::text(Role::Assistant, "a")];
        let (prompt, completion) = merged(&["x"], vec![reading("x", Carrier::Attributes, vec![user("q")], answer)]);
        assert_eq!((prompt, completion.len()), (vec!["system S".to_owned(), "user q".to_owned()], 1));
    }

    #[test]
    fn instructions_given_twice_are_one_system_prompt() {
        let system = || Message::text(Role::System, "Be brief.");
        let (prompt, _) = merged(
            &["genai-3"],
            vec![reading("genai-3", Carrier::Attributes, vec![system(), system(), user("q")], vec![])],
        );
        assert_eq!(prompt, ["system Be brief.", "user q"]);
    }
}
