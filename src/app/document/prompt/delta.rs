//! What is new in what a call was sent, against what another was sent.

use std::hash::{BuildHasher as _, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::super::diff::{self, Stretch};
use super::super::hash::HashMap;
use super::super::parts;
use super::side::Side;
use crate::model::{Arguments, Content, MediaData, Message, Parameters, Part, Role, ToolDefinition, Value};
use crate::slots::Slot;

/// How one element of a request stands to the other request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    New,
    Changed,
    /// Only the other request has it.
    Gone,
}

impl Change {
    /// The mark of a change, and its slot; where nothing is compared there is none for what is new.
    #[must_use]
    pub fn sign(self, compared: bool) -> (&'static str, Slot) {
        match self {
            Self::New if compared => ("+", Slot::Ok),
            Self::Changed => ("~", Slot::Warning),
            Self::Gone => ("-", Slot::Error),
            Self::New | Self::Same => (" ", Slot::Text),
        }
    }
}

/// An element of either request, by its places in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub before: Option<usize>,
    pub now: Option<usize>,
    pub change: Change,
}

impl Entry {
    fn new(before: Option<usize>, now: Option<usize>, is_equal: bool) -> Self {
        let change = match (before, now) {
            (Some(_), Some(_)) if is_equal => Change::Same,
            (Some(_), Some(_)) => Change::Changed,
            (None, _) => Change::New,
            (Some(_), None) => Change::Gone,
        };
        Self { before, now, change }
    }
}

/// The messages of both, in order. Without another request all are new.
#[must_use]
pub fn messages(before: Option<&Side>, now: &Side) -> Vec<Entry> {
    let (before, now) = (before.map_or(&[][..], |side| &side.messages), &now.messages[..]);
    let is_equal = |(left, right): &(&Arc<Message>, &Arc<Message>)| Arc::ptr_eq(left, right) || left == right;
    let shared = before.iter().zip(now).take_while(is_equal).count();
    let hashes = |messages: &[Arc<Message>]| messages.iter().map(|message| hash_of(message)).collect::<Vec<u64>>();
    let mut entries: Vec<Entry> = (0..shared).map(|at| Entry::new(Some(at), Some(at), true)).collect();
    for stretch in diff::stretches(&hashes(&before[shared..]), &hashes(&now[shared..])) {
        let Stretch { is_equal, before: left, now: right } = stretch;
        let shifted = |range: Range<usize>| range.start + shared..range.end + shared;
        let (mut left, mut right) = (shifted(left), shifted(right));
        if is_equal {
            entries.extend(left.zip(right).map(|(before, now)| Entry::new(Some(before), Some(now), true)));
            continue;
        }
        // What stands in the place of a message and says much the same is that message, changed.
        while let (Some(one), Some(other)) = (left.clone().next(), right.clone().next()) {
            if !is_changed(&before[one], &now[other]) {
                break;
            }
            entries.push(Entry::new(Some(one), Some(other), false));
            (left.start, right.start) = (one + 1, other + 1);
        }
        entries.extend(left.map(|at| Entry::new(Some(at), None, false)));
        entries.extend(right.map(|at| Entry::new(None, Some(at), false)));
    }
    entries
}

/// Whether a message is another one, changed.
fn is_changed(before: &Message, now: &Message) -> bool {
    before.role == now.role && (before.role == Role::System || are_alike(&parts::text_of(before), &parts::text_of(now)))
}

/// Whether two texts have at least half of their words in common.
pub fn are_alike(before: &str, now: &str) -> bool {
    /// Words of each that are compared.
    const WORDS: usize = 4000;
    let mut words: HashMap<&str, usize> = HashMap::default();
    let mut all = 0;
    for word in before.split_whitespace().take(WORDS) {
        *words.entry(word).or_default() += 1;
        all += 1;
    }
    let mut common = 0;
    for word in now.split_whitespace().take(WORDS) {
        all += 1;
        if let Some(left) = words.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            common += 2;
        }
    }
    common * 2 >= all && all > 0
}

/// The tools of both, those of `now` in its order, then those that are gone.
#[must_use]
pub fn tools(before: Option<&[ToolDefinition]>, now: &[ToolDefinition]) -> Vec<Entry> {
    let before = before.unwrap_or_default();
    let mut places: HashMap<&str, Vec<usize>> = HashMap::default();
    for (at, tool) in before.iter().enumerate().rev() {
        places.entry(&tool.name).or_default().push(at);
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(now.len());
    for (at, tool) in now.iter().enumerate() {
        let earlier = places.get_mut(tool.name.as_str()).and_then(Vec::pop);
        let is_equal = earlier.is_some_and(|earlier| before[earlier] == *tool);
        entries.push(Entry::new(earlier, Some(at), is_equal));
    }
    let mut gone: Vec<usize> = places.into_values().flatten().collect();
    gone.sort_unstable();
    entries.extend(gone.into_iter().map(|at| Entry::new(Some(at), None, false)));
    entries
}

/// A parameter of either request.
#[derive(Debug)]
pub struct Parameter<'a> {
    pub name: &'a str,
    pub before: Option<&'a Value>,
    pub now: Option<&'a Value>,
    pub change: Change,
}

/// The parameters of both, in order of name. Without another request all of them are as they are.
#[must_use]
pub fn parameters<'a>(before: Option<&'a Parameters>, now: &'a Parameters) -> Vec<Parameter<'a>> {
    let value = |of: &'a Parameters, name: &str| of.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let other = before.unwrap_or(now);
    let gone = other.iter().filter(|(name, _)| value(now, name).is_none());
    let mut names: Vec<&str> = now.iter().chain(gone).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let parameter = |name: &'a str| {
        let (before, now) = (value(other, name), value(now, name));
        let Entry { change, .. } = Entry::new(before.map(|_| 0), now.map(|_| 0), before == now);
        Parameter { name, before, now, change }
    };
    names.into_iter().map(parameter).collect()
}

/// How many entries are of each kind: as before, new, changed, gone.
#[must_use]
pub fn counts(entries: &[Entry]) -> [usize; 4] {
    let mut counts = [0; 4];
    for entry in entries {
        counts[entry.change as usize] += 1;
    }
    counts
}

/// Whether two messages say the same: ids and signatures, which are others in each run, do not count.
#[must_use]
pub fn is_same(left: &Message, right: &Message) -> bool {
    hash_of(left) == hash_of(right)
}

/// A hash of what a message says: that of its role and its parts.
fn hash_of(message: &Message) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    (message.role, &message.name).hash(&mut hasher);
    add_parts(&message.parts, &mut hasher);
    hasher.finish()
}

fn add_parts(parts: &[Part], to: &mut impl Hasher) {
    parts.len().hash(to);
    for part in parts {
        std::mem::discriminant(&part.content).hash(to);
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => text.hash(to),
            Content::Reasoning(reasoning) => (&reasoning.text, reasoning.data.is_some()).hash(to),
            Content::Call(call) => (&call.name, Arguments::hash_of(&call.input)).hash(to),
            Content::Result(result) => {
                result.is_error.hash(to);
                add_parts(&result.content, to);
            }
            Content::Media(media) => {
                (&media.mime, &media.name).hash(to);
                match &media.data {
                    MediaData::Inline(bytes) => bytes.hash(to),
                    MediaData::Stored { sha256, .. } => sha256.hash(to),
                    MediaData::Uri(uri) => uri.hash(to),
                    MediaData::Absent => {}
                }
            }
            Content::Json(value) | Content::Unknown(value) => Arguments::hash_of(value).hash(to),
        }
    }
}
