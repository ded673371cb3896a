//! When two messages are one message, sent once and repeated by later requests (`conversations.md` 4).
//!
//! Every message is read once and leaves a [`Fingerprint`]. Only fingerprints are compared, looked up and joined from
//! then on, so a history of a thousand messages costs a thousand look-ups.
//!
//! Reasoning is no part of a fingerprint: senders drop it from the history that they send back.

use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::text_hash::{self, TextHash, hash};
use crate::model::{Content, Media, MediaData, Message, Part, Role, ToolCall, ToolResult};

/// Two messages with one text of at least so many bytes, white space left out, are hardly equal by chance.
const DISTINCTIVE: u64 = 16;

/// The content of a message as hashes, or of several neighbouring messages of one role: the key by which messages are
/// compared and looked up.
///
/// Texts are concatenated, so it does not matter how a sender cut them. Calls, results and media are sums, so their
/// order among the texts does not matter either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash {
    /// The role of the messages.
    pub role: Role,
    /// All texts and JSON.
    text: TextHash,
    /// The sum of [`asked`] over the tool calls; 0 where there is none.
    calls: u64,
    /// The sum of [`given`] over the tool results; 0 where there is none.
    results: u64,
    /// The sum of the hashes of media and unknown parts; 0 where there is none.
    others: u64,
}

impl ContentHash {
    /// The key of these messages followed by others of the same role.
    pub fn then(self, next: Self) -> Self {
        Self {
            role: self.role,
            text: self.text.then(next.text),
            calls: self.calls.wrapping_add(next.calls),
            results: self.results.wrapping_add(next.results),
            others: self.others.wrapping_add(next.others),
        }
    }

    /// Whether the two are equal but for tool calls, which this one has and `words` has not.
    pub fn calls_after(&self, words: &Self) -> bool {
        let said = |key: &Self| (key.role, key.text, key.others);
        words.calls == 0 && self.calls != 0 && self.results == 0 && words.results == 0 && said(self) == said(words)
    }

    /// This key and, where it has tool calls, that of the text beside them: some senders repeat an answer without its
    /// calls.
    ///
    /// A text of less than [`DISTINCTIVE`] bytes proves nothing by itself, so it gives a second key only with `in_place`:
    /// where the key is compared with nothing but messages in the same place.
    pub fn repeated(self, in_place: bool) -> impl Iterator<Item = Self> {
        let is_enough = if in_place { !self.text.is_empty() } else { self.text.len() >= DISTINCTIVE };
        let text = (self.calls != 0 && is_enough).then_some(Self { calls: 0, ..self });
        [Some(self), text].into_iter().flatten()
    }

    /// Whether two messages with this key are hardly equal by chance: it is more than a short text such as "yes" or
    /// "4".
    pub fn is_distinctive(&self) -> bool {
        self.calls != 0 || self.results != 0 || self.others != 0 || self.text.len() >= DISTINCTIVE
    }
}

/// What is kept of a message to compare it by.
#[derive(Debug, Clone)]
pub struct Fingerprint {
    /// The content; `None` where there is nothing to compare: only reasoning, or hidden by its sender.
    pub key: Option<ContentHash>,
    /// The role of the message.
    pub role: Role,
    /// Its sender put a marker in place of some content, so it is never equal to another message by content.
    pub hidden: bool,
    /// Its sender cut some of its content.
    pub truncated: bool,
    /// The number of its texts, and a hash of them that includes the white space within each.
    pub texts: (u32, u64),
    /// For each tool call with an id, the hash of the id and the name of the tool; of a counter (see [`is_counter`]),
    /// of the id, the name and the arguments.
    pub calls: Box<[u64]>,
    /// For each tool call with an id, the hash of the id alone.
    pub asks: Box<[u64]>,
    /// For each tool result, the hash of the id of the call that it answers; of a counter, of the id and the content of
    /// the result.
    pub answers: Box<[u64]>,
    /// For each tool result, the hash of the id of the call that it answers, alone.
    pub answered: Box<[u64]>,
}

impl Fingerprint {
    /// Reads a message, whose parts are all of its role.
    fn of(message: &Message) -> Self {
        let mut key = ContentHash { role: message.role, text: TextHash::EMPTY, calls: 0, results: 0, others: 0 };
        let (mut calls, mut asks, mut answers, mut answered) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut texts = (0, 0);
        for part in &message.parts {
            if let Content::Text(text) | Content::Refusal(text) = &part.content {
                texts = (texts.0 + 1, hash((texts.1, text.trim())));
            }
            match &part.content {
                Content::Text(text) | Content::Refusal(text) => {
                    let text = text.get(..text.len().saturating_sub(part.stop_bytes as usize)).unwrap_or(text);
                    key.text = key.text.then(TextHash::of(text));
                }
                Content::Json(value) => key.text = key.text.then(TextHash::of(&crate::model::json::to_string(value))),
                Content::Reasoning(_) => {}
                Content::Call(call) => {
                    key.calls = key.calls.wrapping_add(asked(call));
                    if let Some(id) = call.known_id() {
                        calls.push(if is_counter(id) { hash((id, asked(call))) } else { hash((id, &call.name)) });
                        asks.push(hash(id));
                    }
                }
                Content::Result(result) => {
                    key.results = key.results.wrapping_add(given(result));
                    let answer = |id: &String| if is_counter(id) { hash((id, given(result))) } else { hash(id) };
                    answers.extend(result.call_id.as_ref().map(answer));
                    answered.extend(result.call_id.as_ref().map(hash));
                }
                Content::Media(media) => key.others = key.others.wrapping_add(digest(media)),
                Content::Unknown(value) => key.others = key.others.wrapping_add(text_hash::value(value)),
            }
        }
        let said = !key.text.is_empty() || key.calls != 0 || key.results != 0 || key.others != 0;
        let hidden = message.parts.iter().any(|part| part.hidden);
        Self {
            key: (said && !hidden).then_some(key),
            role: message.role,
            hidden,
            truncated: message.parts.iter().any(|part| part.truncated),
            texts,
            calls: calls.into(),
            asks: asks.into(),
            answers: answers.into(),
            answered: answered.into(),
        }
    }

    /// Whether it has nothing that a history would repeat: reasoning alone.
    pub fn is_empty(&self) -> bool {
        self.key.is_none() && !self.hidden
    }

    /// Whether the two are one message: by an id of a tool call or result that both have, else by content.
    pub fn is(&self, other: &Self) -> bool {
        self.role == other.role
            && (share(&self.calls, &other.calls)
                || share(&self.answers, &other.answers)
                || (self.key.is_some() && self.key == other.key))
    }

    /// Whether the two are one message to the letter, white space included. Where one has its text in more pieces than
    /// the other, white space does not count: senders join texts with what they like.
    pub fn is_exactly(&self, other: &Self) -> bool {
        self.is(other) && (self.texts.0 != other.texts.0 || self.texts.1 == other.texts.1)
    }
}

/// Whether an id is a counter that begins anew in every turn, such as `call_0`, `tool-12` or `3`: it has at most three
/// digits and identifies no call by itself.
fn is_counter(id: &str) -> bool {
    let count = ["tool_call", "function", "call", "tool"].into_iter().find_map(|word| id.strip_prefix(word));
    let count = count.unwrap_or(id).trim_start_matches(['_', '-']);
    (1..4).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether two lists of ids have one in common.
fn share(left: &[u64], right: &[u64]) -> bool {
    left.iter().any(|id| right.contains(id))
}

/// The hash of the name and the arguments of a tool call; its id is no part of it.
pub fn asked(call: &ToolCall) -> u64 {
    hash((named(&call.name), text_hash::value(&call.input)))
}

/// The hash of the name of a tool.
pub fn named(name: &str) -> u64 {
    hash(name)
}

/// The hash of the content of a tool result; the order of its parts does not count.
pub fn given(result: &ToolResult) -> u64 {
    result.content.iter().fold(hash(0_u8), |sum, part| sum.wrapping_add(content(part)))
}

/// The hash of the content of a part; 0 for reasoning.
pub fn content(part: &Part) -> u64 {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => hash(TextHash::of(text)),
        Content::Json(value) | Content::Unknown(value) => text_hash::value(value),
        Content::Media(media) => digest(media),
        Content::Call(call) => asked(call),
        // No sender is known to put a result within a result, and reasoning is not compared.
        Content::Result(_) | Content::Reasoning(_) => 0,
    }
}

/// The hash of media: of its bytes, digest or URI, or where it has none of its kind and name.
fn digest(media: &Media) -> u64 {
    match &media.data {
        MediaData::Inline(bytes) => hash((0_u8, bytes)),
        MediaData::Stored { sha256, .. } => hash((1_u8, sha256)),
        MediaData::Uri(uri) => hash((2_u8, uri)),
        MediaData::Absent => hash((3_u8, media.kind.as_str(), &media.name)),
    }
}

/// Whether one of two messages is the beginning of the other, because its sender cut it; white space does not count.
pub fn is_cut_of(left: &KeyedMessage, right: &KeyedMessage) -> bool {
    if left.fingerprint.role != right.fingerprint.role || left.fingerprint.hidden || right.fingerprint.hidden {
        return false;
    }
    let begins = |cut: &KeyedMessage, whole: &KeyedMessage| {
        let text = text_hash::without_white_space(&cut.message.plain_text());
        let text = MARKERS.iter().find_map(|marker| text.strip_suffix(marker)).unwrap_or(&text);
        !text.is_empty() && text_hash::without_white_space(&whole.message.plain_text()).starts_with(text)
    };
    (left.fingerprint.truncated && begins(left, right)) || (right.fingerprint.truncated && begins(right, left))
}

/// What senders write where they cut a text, without white space; of two that fit the longer comes first.
const MARKERS: &[&str] =
    &["...[truncated]", "…[truncated]", "...(truncated)", "[TRUNCATED]", "[truncated]", "...", "…"];

/// A message in the role that it has in a conversation, with its fingerprint.
#[derive(Debug, Clone)]
pub struct KeyedMessage {
    /// The message; all its parts are of its role.
    pub message: Arc<Message>,
    /// What `message` is compared by.
    pub fingerprint: Rc<Fingerprint>,
}

/// The fingerprints of all messages so far, so that each message is read once. Messages of one store query that are
/// equal share their allocation.
#[derive(Debug, Default)]
pub struct Fingerprints {
    /// By the address of a message. The `Arc` keeps that message, so that no other one gets its address.
    known: HashMap<usize, (Arc<Message>, Rc<[KeyedMessage]>)>,
}

impl Fingerprints {
    /// A message split by role, with fingerprints: tool results are messages of role `tool`, and what has tool calls is
    /// one of the assistant.
    pub fn keyed_messages(&mut self, message: &Arc<Message>) -> Rc<[KeyedMessage]> {
        let address = Arc::as_ptr(message) as usize;
        let (_, keyed_messages) = self.known.entry(address).or_insert_with(|| {
            let keyed_messages = in_role(message).into_iter().map(|message| {
                let fingerprint = Rc::new(Fingerprint::of(&message));
                KeyedMessage { message, fingerprint }
            });
            (Arc::clone(message), keyed_messages.collect())
        });
        Rc::clone(keyed_messages)
    }

    /// The fingerprint of a message whose parts are all of its role; of another message that of its first piece.
    pub fn fingerprint(&mut self, message: &Arc<Message>) -> Rc<Fingerprint> {
        match self.keyed_messages(message).first() {
            Some(keyed) => Rc::clone(&keyed.fingerprint),
            None => Rc::new(Fingerprint::of(message)),
        }
    }
}

/// Splits a message where results and other parts meet: many providers send results as messages of the user.
fn in_role(message: &Arc<Message>) -> Vec<Arc<Message>> {
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
        let parts = thoughts_first(parts.as_deref().unwrap_or(&message.parts)).or(parts);
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
    let (calls, words) = parts.split_at(calls);
    let turned =
        !calls.is_empty() && !words.is_empty() && !words.iter().any(|part| matches!(part.content, Content::Call(_)));
    turned.then(|| words.iter().chain(calls).cloned().collect())
}

/// The parts of an answer with its reasoning before its texts, where a sender put the reasoning after them; `None`
/// where nothing is to be moved.
///
/// Only reasoning without a signature is moved: the sender had it apart from the texts, and chose its place. Signed
/// reasoning took place between other parts, and stays there.
fn thoughts_first(parts: &[Part]) -> Option<Vec<Part>> {
    let is_thought = |part: &Part| matches!(&part.content, Content::Reasoning(thought) if thought.signature.is_none());
    let first =
        parts.iter().position(|part| matches!(part.content, Content::Reasoning(_))).filter(|first| *first > 0)?;
    let (words, rest) = parts.split_at(first);
    let thoughts = rest.iter().take_while(|part| is_thought(part)).count();
    let (thoughts, rest) = rest.split_at(thoughts);
    let is_word = |part: &Part| matches!(part.content, Content::Text(_) | Content::Refusal(_) | Content::Json(_));
    let is_call = |part: &Part| matches!(part.content, Content::Call(_));
    let turned = !thoughts.is_empty() && words.iter().all(is_word) && rest.iter().all(is_call);
    turned.then(|| thoughts.iter().chain(words).chain(rest).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reasoning, Value, json};

    fn fingerprint(message: Message) -> Rc<Fingerprint> {
        Fingerprints::default().fingerprint(&Arc::new(message))
    }

    fn call(id: Option<&str>, name: &str, input: &str) -> Part {
        let id = id.map(str::to_owned);
        Part::new(Content::Call(ToolCall {
            id,
            item_id: None,
            name: name.to_owned(),
            input: json::parse(input).unwrap(),
            server_side: false,
        }))
    }

    fn result(id: Option<&str>, text: &str) -> Part {
        let content = vec![Part::text(text)];
        Part::new(Content::Result(ToolResult { call_id: id.map(str::to_owned), name: None, is_error: None, content }))
    }

    #[test]
    fn the_same_words_of_two_roles_are_two_messages() {
        assert!(!fingerprint(Message::text(Role::User, "yes")).is(&fingerprint(Message::text(Role::Assistant, "yes"))));
    }

    #[test]
    fn a_message_is_the_same_without_its_reasoning_and_with_other_white_space() {
        let thought = Part::new(Content::Reasoning(crate::model::Reasoning::default()));
        let said = Message::new(Role::Assistant, vec![thought, Part::text("Yes,\n I do.")]);
        assert!(fingerprint(said).is(&fingerprint(Message::text(Role::Assistant, "Yes, I do."))));
    }

    #[test]
    fn a_text_and_its_parts_are_the_same_message() {
        let parts = Message::new(Role::User, vec![Part::text("one\n"), Part::text("two")]);
        assert!(fingerprint(parts).is(&fingerprint(Message::text(Role::User, "one two"))));
    }

    #[test]
    fn an_answer_is_the_same_with_the_sequence_at_which_it_stops() {
        let of = |text: &str, stop_bytes| {
            fingerprint(Message::new(Role::Assistant, vec![Part { stop_bytes, ..Part::text(text) }]))
        };
        assert!(of("print(4)", 0).is(&of("print(4)STOP", 4)));
        assert!(!of("print(4)", 0).is(&of("print(4)STOP", 0)));
    }

    #[test]
    fn a_tools_name_is_its_name_to_the_letter() {
        assert_ne!(named("get_user"), named("getUser"));
    }

    #[test]
    fn calls_are_the_same_by_id_or_by_what_they_ask() {
        let of = |id, input| fingerprint(Message::new(Role::Assistant, vec![call(id, "w", input)]));
        assert!(of(Some("c1"), r#"{"a":1}"#).is(&of(Some("c1"), "{}")));
        assert!(of(Some("new"), r#"{"a":1}"#).is(&of(Some("c1"), r#"{"a":1.0}"#)));
        assert!(!of(Some("c2"), r#"{"a":2}"#).is(&of(Some("c1"), r#"{"a":1}"#)));
    }

    #[test]
    fn results_take_the_role_of_a_tool_and_leave_the_user_the_rest() {
        let mixed = Message::new(
            Role::User,
            vec![result(Some("c1"), "18C"), result(Some("c2"), "19C"), Part::text("And now?")],
        );
        let keyed_messages = Fingerprints::default().keyed_messages(&Arc::new(mixed));
        let roles: Vec<_> =
            keyed_messages.iter().map(|keyed| (keyed.message.role, keyed.message.parts.len())).collect();
        assert_eq!(roles, [(Role::Tool, 2), (Role::User, 1)]);
    }

    #[test]
    fn an_answer_speaks_before_it_calls() {
        let turned = Message::new(Role::Assistant, vec![call(Some("c1"), "w", "{}"), Part::text("Let me look.")]);
        let keyed_messages = Fingerprints::default().keyed_messages(&Arc::new(turned));
        assert!(matches!(keyed_messages[0].message.parts[0].content, Content::Text(_)));
    }

    #[test]
    fn an_answer_is_thought_before_it_is_spoken() {
        let thought = |signature: Option<&str>| {
            let thought = Reasoning {
                text: Some("hm".to_owned()),
                signature: signature.map(str::to_owned),
                ..Reasoning::default()
            };
            Part::new(Content::Reasoning(thought))
        };
        let first = |parts: Vec<Part>| {
            let message = Message::new(Role::Assistant, parts);
            let keyed_messages = Fingerprints::default().keyed_messages(&Arc::new(message));
            matches!(keyed_messages[0].message.parts[0].content, Content::Reasoning(_))
        };
        assert!(first(vec![Part::text("So."), thought(None)]));
        assert!(first(vec![Part::text("So."), thought(None), call(Some("c1"), "w", "{}")]));
        assert!(!first(vec![Part::text("So."), thought(Some("s")), call(Some("c1"), "w", "{}")]));
        assert!(!first(vec![Part::text("So."), thought(None), Part::text("Or so.")]));
    }

    #[test]
    fn what_is_hidden_is_equal_to_nothing() {
        let hidden = || {
            let mut part = Part::text("[REDACTED]");
            part.hidden = true;
            fingerprint(Message::new(Role::User, vec![part]))
        };
        assert!(!hidden().is(&hidden()));
    }

    #[test]
    fn a_cut_text_is_the_beginning_of_the_whole() {
        let mut fingerprints = Fingerprints::default();
        let mut part = Part::text("The quick brown f…");
        part.truncated = true;
        let cut = fingerprints.keyed_messages(&Arc::new(Message::new(Role::User, vec![part])));
        let whole = fingerprints.keyed_messages(&Arc::new(Message::text(Role::User, "The quick brown fox jumps")));
        let other = fingerprints.keyed_messages(&Arc::new(Message::text(Role::User, "The quick red fox jumps")));
        assert!(is_cut_of(&cut[0], &whole[0]) && is_cut_of(&whole[0], &cut[0]));
        assert!(!is_cut_of(&cut[0], &other[0]));
    }

    #[test]
    fn a_counter_is_no_id_by_itself() {
        for (id, counts) in [("call_0", true), ("12", true), ("tool-3", true), ("c1", false), ("call_000001", false)] {
            assert_eq!(is_counter(id), counts, "{id}");
        }
        let of = |input| fingerprint(Message::new(Role::Assistant, vec![call(Some("call_0"), "w", input)]));
        assert!(!of("1").is(&of("2")) && of("1").is(&of("1")));
    }

    #[test]
    fn values_of_no_known_form_are_compared_whole() {
        let of =
            |text: &str| fingerprint(Message::new(Role::User, vec![Part::new(Content::Unknown(Value::from(text)))]));
        assert!(of("a").is(&of("a")) && !of("a").is(&of("b")));
    }
}
