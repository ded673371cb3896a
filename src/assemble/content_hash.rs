//! The content of messages as hashes, by which messages, tool calls and tool results are compared and looked up.

use super::{
    hashes::call_hash,
    text_hash::{self, TextHash, hash},
};
use crate::model::{Content, Media, MediaData, Message, Part, Role, ToolResult, json};

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
    /// The sum of [`call_hash`] over the tool calls; 0 where there is none.
    calls: u64,
    /// The sum of [`result_hash`] over the tool results; 0 where there is none.
    results: u64,
    /// The sum of the hashes of media and unknown parts; 0 where there is none.
    others: u64,
}

impl ContentHash {
    /// The key of a message, whose parts are all of its role; `None` where it has nothing but reasoning.
    pub fn of(message: &Message) -> Option<Self> {
        let empty = Self { role: message.role, text: TextHash::EMPTY, calls: 0, results: 0, others: 0 };
        let mut key = empty;
        for part in &message.parts {
            match &part.content {
                Content::Text(text) | Content::Refusal(text) => {
                    let text = text.get(..text.len().saturating_sub(part.stop_bytes as usize)).unwrap_or(text);
                    key.text = key.text.then(TextHash::of(text));
                }
                Content::Json(value) => key.text = key.text.then(TextHash::of(&json::to_string(value))),
                Content::Reasoning(_) => {}
                Content::Call(call) => key.calls = key.calls.wrapping_add(hash(call_hash(call))),
                Content::Result(result) => key.results = key.results.wrapping_add(result_hash(result)),
                Content::Media(media) => key.others = key.others.wrapping_add(media_hash(media)),
                Content::Unknown(value) => key.others = key.others.wrapping_add(text_hash::value(value)),
            }
        }
        let is_empty = key.text.is_empty() && key.calls == 0 && key.results == 0 && key.others == 0;
        (!is_empty).then_some(key)
    }

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
        let beside_calls = |key: &Self| (key.role, key.text, key.others);
        words.calls == 0
            && self.calls != 0
            && self.results == 0
            && words.results == 0
            && beside_calls(self) == beside_calls(words)
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

/// The hash of the content of a tool result; the order of its parts does not count.
pub fn result_hash(result: &ToolResult) -> u64 {
    result.content.iter().fold(hash(0_u8), |sum, part| sum.wrapping_add(part_hash(part)))
}

/// The hash of the content of a part; 0 for reasoning.
pub fn part_hash(part: &Part) -> u64 {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => hash(TextHash::of(text)),
        Content::Json(value) | Content::Unknown(value) => text_hash::value(value),
        Content::Media(media) => media_hash(media),
        Content::Call(call) => hash(call_hash(call)),
        // No sender is known to put a result within a result, and reasoning is not compared.
        Content::Result(_) | Content::Reasoning(_) => 0,
    }
}

/// The hash of media: of its bytes, digest or URI, or where it has none of its kind and name.
fn media_hash(media: &Media) -> u64 {
    match &media.data {
        MediaData::Inline(bytes) => hash((0_u8, bytes)),
        MediaData::Stored { sha256, .. } => hash((1_u8, sha256)),
        MediaData::Uri(uri) => hash((2_u8, uri)),
        MediaData::Absent => hash((3_u8, media.kind.as_str(), &media.name)),
    }
}
