//! When two messages are one message, sent once and repeated by later requests (`conversations.md` 4).
//!
//! Every message is read once and leaves a [`Fingerprint`]. Only fingerprints are compared, looked up and joined from
//! then on, so a history of a thousand messages costs a thousand look-ups.
//!
//! Reasoning is no part of a fingerprint: senders drop it from the history that they send back.

use std::{collections::HashMap, rc::Rc, sync::Arc};

use super::{
    content_hash::{ContentHash, result_hash},
    hashes::{CallIdHash, CallKey, ContentOfResult, ResultKey, call_hash},
    message_roles::in_role,
    text_hash::{self, hash},
};
use crate::model::{Content, Message, Role};

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
    pub calls: Box<[CallKey]>,
    /// For each tool call with an id, the hash of the id alone.
    pub call_ids: Box<[CallIdHash]>,
    /// For each tool result, the hash of the id of the call that it answers; of a counter, of the id and the content of
    /// the result.
    pub results: Box<[ResultKey]>,
    /// For each tool result, the hash of the id of the call that it answers, alone.
    pub result_ids: Box<[CallIdHash]>,
}

impl Fingerprint {
    /// Reads a message, whose parts are all of its role.
    fn of(message: &Message) -> Self {
        let (mut calls, mut call_ids, mut results, mut result_ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut texts = (0, 0);
        for part in &message.parts {
            match &part.content {
                Content::Text(text) | Content::Refusal(text) => texts = (texts.0 + 1, hash((texts.1, text.trim()))),
                Content::Call(call) => {
                    if let Some(id) = call.known_id() {
                        calls.push(if is_counter(id) {
                            CallKey::of((id, call_hash(call)))
                        } else {
                            CallKey::of((id, &call.name))
                        });
                        call_ids.push(CallIdHash::of(id));
                    }
                }
                Content::Result(result) => {
                    let key = |id: &str| {
                        if is_counter(id) {
                            ResultKey::Content(ContentOfResult::of((id, result_hash(result))))
                        } else {
                            ResultKey::CallId(CallIdHash::of(id))
                        }
                    };
                    results.extend(result.call_id.as_deref().map(key));
                    result_ids.extend(result.call_id.as_deref().map(CallIdHash::of));
                }
                Content::Json(_) | Content::Reasoning(_) | Content::Media(_) | Content::Unknown(_) => {}
            }
        }
        let hidden = message.parts.iter().any(|part| part.hidden);
        Self {
            key: ContentHash::of(message).filter(|_| !hidden),
            role: message.role,
            hidden,
            truncated: message.parts.iter().any(|part| part.truncated),
            texts,
            calls: calls.into(),
            call_ids: call_ids.into(),
            results: results.into(),
            result_ids: result_ids.into(),
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
                || share(&self.results, &other.results)
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
pub fn is_counter(id: &str) -> bool {
    let count = ["tool_call", "function", "call", "tool"].into_iter().find_map(|word| id.strip_prefix(word));
    let count = count.unwrap_or(id).trim_start_matches(['_', '-']);
    (1..4).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether two lists of ids have one in common.
fn share<T: PartialEq>(left: &[T], right: &[T]) -> bool {
    left.iter().any(|id| right.contains(id))
}

/// Whether one of two messages is the beginning of the other, because its sender cut it; white space does not count.
pub fn is_cut_of(left: &KeyedMessage, right: &KeyedMessage) -> bool {
    if left.fingerprint.role != right.fingerprint.role || left.fingerprint.hidden || right.fingerprint.hidden {
        return false;
    }
    let begins = |cut: &KeyedMessage, whole: &KeyedMessage| {
        let text = text_hash::without_white_space(&cut.message.plain_text());
        let text = without_marker(&text);
        !text.is_empty() && text_hash::without_white_space(&whole.message.plain_text()).starts_with(text)
    };
    (left.fingerprint.truncated && begins(left, right)) || (right.fingerprint.truncated && begins(right, left))
}

/// A text without white space, and without what its sender wrote where it cut it. Some say how long it was:
/// `...[truncated,original3308chars]`.
fn without_marker(text: &str) -> &str {
    let counted = text.strip_suffix("chars]").and_then(|rest| {
        let (text, count) = rest.rsplit_once("[truncated,original")?;
        count.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.trim_end_matches(['.', '…']))
    });
    let marked = || MARKERS.iter().find_map(|marker| text.strip_suffix(marker));
    counted.or_else(marked).unwrap_or(text)
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
    by_address: HashMap<usize, (Arc<Message>, Rc<[KeyedMessage]>)>,
}

impl Fingerprints {
    /// A message split by role, with fingerprints: tool results are messages of role `tool`, and what has tool calls is
    /// one of the assistant.
    pub fn keyed_messages(&mut self, message: &Arc<Message>) -> Rc<[KeyedMessage]> {
        let address = Arc::as_ptr(message) as usize;
        let (_, keyed_messages) = self.by_address.entry(address).or_insert_with(|| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assemble::hashes::ToolNameHash,
        model::{Part, Reasoning, ToolCall, ToolResult, Value, json},
    };

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
    fn the_same_text_of_two_roles_is_two_messages() {
        assert!(!fingerprint(Message::text(Role::User, "yes")).is(&fingerprint(Message::text(Role::Assistant, "yes"))));
    }

    #[test]
    fn a_message_is_the_same_without_its_reasoning_and_with_other_white_space() {
        let reasoning = Part::new(Content::Reasoning(crate::model::Reasoning::default()));
        let message = Message::new(Role::Assistant, vec![reasoning, Part::text("Yes,\n I do.")]);
        assert!(fingerprint(message).is(&fingerprint(Message::text(Role::Assistant, "Yes, I do."))));
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
        assert_ne!(ToolNameHash::of("get_user"), ToolNameHash::of("getUser"));
    }

    #[test]
    fn calls_are_the_same_by_id_or_by_name_and_arguments() {
        let of = |id, input| fingerprint(Message::new(Role::Assistant, vec![call(id, "w", input)]));
        assert!(of(Some("c1"), r#"{"a":1}"#).is(&of(Some("c1"), "{}")));
        assert!(of(Some("new"), r#"{"a":1}"#).is(&of(Some("c1"), r#"{"a":1.0}"#)));
        assert!(!of(Some("c2"), r#"{"a":2}"#).is(&of(Some("c1"), r#"{"a":1}"#)));
    }

    #[test]
    fn results_become_messages_of_the_tool_and_the_rest_stays_with_the_user() {
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
    fn the_texts_of_an_answer_come_before_its_tool_calls() {
        let swapped = Message::new(Role::Assistant, vec![call(Some("c1"), "w", "{}"), Part::text("Let me look.")]);
        let keyed_messages = Fingerprints::default().keyed_messages(&Arc::new(swapped));
        assert!(matches!(keyed_messages[0].message.parts[0].content, Content::Text(_)));
    }

    #[test]
    fn the_reasoning_of_an_answer_comes_before_its_texts() {
        let reasoning = |signature: Option<&str>| {
            let reasoning = Reasoning {
                text: Some("hm".to_owned()),
                signature: signature.map(str::to_owned),
                ..Reasoning::default()
            };
            Part::new(Content::Reasoning(reasoning))
        };
        let first = |parts: Vec<Part>| {
            let message = Message::new(Role::Assistant, parts);
            let keyed_messages = Fingerprints::default().keyed_messages(&Arc::new(message));
            matches!(keyed_messages[0].message.parts[0].content, Content::Reasoning(_))
        };
        assert!(first(vec![Part::text("So."), reasoning(None)]));
        assert!(first(vec![Part::text("So."), reasoning(None), call(Some("c1"), "w", "{}")]));
        assert!(!first(vec![Part::text("So."), reasoning(Some("s")), call(Some("c1"), "w", "{}")]));
        assert!(!first(vec![Part::text("So."), reasoning(None), Part::text("Or so.")]));
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
        assert_eq!(without_marker("Why...[truncated,original3308chars]"), "Why");
        assert_eq!(without_marker("Why…[truncated]"), "Why");
        assert_eq!(without_marker("[truncated,originalfewchars]"), "[truncated,originalfewchars]");
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
