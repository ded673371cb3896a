//! What the dialects heard in a span or log record, as numbers: the text of its answer, the tools it speaks of.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU64,
    sync::Arc,
};

use super::{
    fingerprint::{asked, named},
    span_tree::SpanNode,
    text_hash::{TextHash, hash},
};
use crate::model::{Carrier, Content, ContentKind, Message, Part, Reading, Role, Translation};

/// A request brings its new results at its end. Of those before its last answer no more than these are remembered.
const RESULTS: usize = 128;

/// What one dialect found in one kind of carrier: the text it heard as numbers, and the tools spoken of.
#[derive(Debug, Clone)]
pub struct ReadingDigest {
    /// Dialect, carrier and whether it is a fallback as a number: a span's and its log records' are put together by it.
    pub channel: u64,
    pub fallback: bool,
    /// The text of what came back.
    pub completion_text: TextHash,
    /// What the user said last in the prompt, as a number; `None` where nothing is known, or only a part.
    pub question: Option<NonZeroU64>,
    pub prompts: bool,
    pub answers: bool,
    pub calls: Vec<ToolCallDigest>,
    /// The last results that the prompt brings; then those that came with the answer itself.
    pub results: Vec<ToolResultDigest>,
}

impl ReadingDigest {
    fn new(channel: u64, fallback: bool) -> Self {
        let (calls, results) = (Vec::new(), Vec::new());
        Self {
            channel,
            fallback,
            completion_text: TextHash::EMPTY,
            question: None,
            prompts: false,
            answers: false,
            calls,
            results,
        }
    }
}

/// A call of a tool that a model made.
#[derive(Debug, Clone, Copy)]
pub struct ToolCallDigest {
    pub id: Option<u64>,
    pub name: u64,
    /// Name and arguments together.
    pub asked: u64,
    /// The id is only that of an item: the result names another.
    pub item: bool,
    pub at: Spot,
}

/// A tool's result as a model saw it.
#[derive(Debug, Clone, Copy)]
pub struct ToolResultDigest {
    pub id: Option<u64>,
    pub name: Option<u64>,
    /// Name and arguments of the call that it answers in the same prompt.
    pub asked: Option<u64>,
    pub is_error: Option<bool>,
    pub prompt: bool,
    pub at: Spot,
}

/// Where a part is: reading, message, part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot(pub u32, pub u32, pub u32);

/// What a tool's own span says of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolExecution {
    pub id: Option<u64>,
    pub name: Option<u64>,
    pub asked: Option<u64>,
    pub input: Option<Spot>,
    /// The input is not all that the tool was given.
    pub partial: bool,
    pub output: Option<Spot>,
    pub is_error: Option<bool>,
    /// See [`crate::model::ToolName::merged`].
    pub merged: bool,
}

/// Puts together what each dialect found in each kind of carrier.
pub fn reading_digests(readings: &[Reading]) -> Vec<ReadingDigest> {
    let mut reading_digests: Vec<ReadingDigest> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        let fallback = reading.content == ContentKind::Fallback;
        let channel = hash((&reading.dialect, carrier(reading.carrier), fallback));
        let known = reading_digests.iter().position(|digest| digest.channel == channel).unwrap_or_else(|| {
            reading_digests.push(ReadingDigest::new(channel, fallback));
            reading_digests.len() - 1
        });
        let digest = &mut reading_digests[known];
        digest.prompts |= !reading.prompt.is_empty();
        digest.answers |= !reading.completion.is_empty();
        digest.question = question(&reading.prompt).or(digest.question);
        let at = number(at);
        let mut brought = results(&reading.prompt, at);
        let answered = reading.prompt.iter().rposition(|message| message.role == Role::Assistant).map_or(0, number);
        let old = brought.partition_point(|given| given.at.1 < answered);
        digest.results.extend(brought.drain(old.saturating_sub(RESULTS)..));
        for (spot, part) in parts(&reading.completion, at) {
            match &part.content {
                Content::Text(text) => digest.completion_text = digest.completion_text.then(TextHash::of(text)),
                Content::Call(call) => digest.calls.push(ToolCallDigest {
                    id: call.known_id().map(hash),
                    name: named(&call.name),
                    asked: asked(call),
                    item: call.id.is_none() && call.item_id.is_some(),
                    at: spot,
                }),
                Content::Result(result) => digest.results.push(ToolResultDigest {
                    id: result.call_id.as_ref().map(hash),
                    name: result.name.as_deref().map(named),
                    asked: None,
                    is_error: result.is_error,
                    prompt: false,
                    at: spot,
                }),
                _ => {}
            }
        }
    }
    reading_digests
}

/// What the user said last in a prompt, as a number.
fn question(prompt: &[Arc<Message>]) -> Option<NonZeroU64> {
    let asked = prompt.iter().rev().find(|message| message.role == Role::User)?;
    let is_whole = asked.parts.iter().all(|part| !part.truncated && !part.hidden);
    let texts = asked.parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(TextHash::of(text)),
        _ => None,
    });
    let text = texts.reduce(TextHash::then).filter(|text| is_whole && !text.is_empty())?;
    NonZeroU64::new(hash(text))
}

/// The results that a prompt brings, each with what the call before it asked.
fn results(prompt: &[Arc<Message>], at: u32) -> Vec<ToolResultDigest> {
    let mut open = OpenCalls::default();
    let mut results = Vec::new();
    for (spot, part) in parts(prompt, at) {
        match &part.content {
            Content::Call(call) => open.add(call.known_id().map(hash), named(&call.name), asked(call)),
            Content::Result(result) => {
                let id = result.call_id.as_ref().map(hash);
                let name = result.name.as_deref().map(named);
                let asked = open.answer(id, name);
                results.push(ToolResultDigest { id, name, asked, is_error: result.is_error, prompt: true, at: spot });
            }
            _ => {}
        }
    }
    results
}

/// The calls of a prompt that no result has answered yet, in order.
#[derive(Default)]
struct OpenCalls {
    /// What each asked, and whether it has an id; `None` once it was answered.
    calls: Vec<Option<(u64, bool)>>,
    by_id: HashMap<u64, VecDeque<usize>>,
    /// All of a name, then all that have no id.
    by_name: HashMap<(u64, bool), VecDeque<usize>>,
    /// Every call before this one was answered.
    first: usize,
}

impl OpenCalls {
    fn add(&mut self, id: Option<u64>, name: u64, asked: u64) {
        let at = self.calls.len();
        self.calls.push(Some((asked, id.is_some())));
        self.by_name.entry((name, false)).or_default().push_back(at);
        match id {
            Some(id) => self.by_id.entry(id).or_default().push_back(at),
            None => self.by_name.entry((name, true)).or_default().push_back(at),
        }
    }

    /// Takes out the first call that a result can answer: that of its id, else one of its name, else the first one. A
    /// result with an id answers no call of another id.
    fn answer(&mut self, id: Option<u64>, name: Option<u64>) -> Option<u64> {
        let calls = &mut self.calls;
        let mut take = |queue: &mut VecDeque<usize>| {
            while let Some(at) = queue.pop_front() {
                if let Some((asked, _)) = calls[at].take() {
                    return Some(asked);
                }
            }
            None
        };
        if let Some(asked) = id.and_then(|id| self.by_id.get_mut(&id)).and_then(&mut take) {
            return Some(asked);
        }
        if let Some(name) = name {
            return self.by_name.get_mut(&(name, id.is_some())).and_then(&mut take);
        }
        while self.calls.get(self.first).is_some_and(Option::is_none) {
            self.first += 1;
        }
        let fits = |call: &&mut Option<(u64, bool)>| call.is_some_and(|(_, has_id)| id.is_none() || !has_id);
        self.calls[self.first..].iter_mut().find(fits).and_then(Option::take).map(|(asked, _)| asked)
    }
}

/// What a dialect heard at one place, from its span and its log records.
#[derive(Default)]
pub struct Heard<'a> {
    pub calls: Vec<(usize, &'a ToolCallDigest)>,
    pub results: Vec<(usize, &'a ToolResultDigest)>,
    fallback: bool,
}

/// Of what the dialects heard of one call the most: calls with ids before others, then more of them.
pub fn hear<'p, 'a: 'p>(nodes: impl Iterator<Item = &'p SpanNode<'a>>) -> Heard<'a> {
    let mut channels: Vec<((usize, u64), Heard)> = Vec::new();
    for (nth, node) in nodes.enumerate() {
        for (at, facts) in node.sources() {
            for digest in &facts.reading_digests {
                let ReadingDigest { channel, fallback, calls, results, .. } = digest;
                let known = channels.iter().position(|(known, _)| *known == (nth, *channel));
                let known = known.unwrap_or_else(|| {
                    channels.push(((nth, *channel), Heard { fallback: *fallback, ..Heard::default() }));
                    channels.len() - 1
                });
                let heard = &mut channels[known].1;
                heard.calls.extend(calls.iter().map(|called| (at, called)));
                heard.results.extend(results.iter().map(|given| (at, given)));
            }
        }
    }
    let ids = |calls: &[(usize, &ToolCallDigest)]| calls.iter().filter(|(_, called)| called.id.is_some()).count();
    let named = |results: &[(usize, &ToolResultDigest)]| results.iter().filter(|(_, given)| given.id.is_some()).count();
    // The last of equals is taken by `max_by_key`, and the first one is wanted.
    let best = |weight: &dyn Fn(&Heard) -> (usize, usize)| {
        let weighed = channels.iter().enumerate().map(|(at, (_, heard))| (at, (!heard.fallback, weight(heard))));
        let found = weighed.filter(|(_, (_, (_, any)))| *any > 0).rev().max_by_key(|(_, weight)| *weight);
        found.map(|(at, _)| &channels[at].1)
    };
    let calls = best(&|heard| (ids(&heard.calls), heard.calls.len()));
    let results = best(&|heard| (named(&heard.results), heard.results.len()));
    Heard {
        calls: calls.map(|heard| heard.calls.clone()).unwrap_or_default(),
        results: results.map(|heard| heard.results.clone()).unwrap_or_default(),
        fallback: false,
    }
}

/// What a tool's span or log record says of its run; `None` if nothing.
pub fn execution(translation: &Translation) -> Option<Box<ToolExecution>> {
    let tool = translation.genai.tool.as_ref();
    let mut execution = ToolExecution {
        id: tool.and_then(|tool| tool.call_id.as_ref()).map(hash),
        name: tool.and_then(|tool| tool.name.as_deref()).map(named),
        asked: None,
        input: None,
        partial: false,
        output: None,
        is_error: None,
        merged: tool.is_some_and(|tool| tool.merged),
    };
    for (at, reading) in translation.readings.iter().enumerate() {
        for (spot, part) in parts(&reading.prompt, number(at)) {
            if let Content::Call(call) = &part.content
                && execution.input.is_none()
            {
                execution.id = execution.id.or_else(|| call.known_id().map(hash));
                execution.name = execution.name.or_else(|| Some(named(&call.name)));
                execution.asked = Some(asked(call));
                execution.input = Some(spot);
                execution.partial = part.truncated;
            }
        }
        for (spot, part) in parts(&reading.completion, number(at)) {
            if let Content::Result(result) = &part.content
                && execution.output.is_none()
            {
                execution.id = execution.id.or_else(|| result.call_id.as_ref().map(hash));
                execution.is_error = result.is_error;
                execution.output = Some(spot);
            }
        }
    }
    let known = execution.id.is_some() || execution.name.is_some() || execution.input.is_some();
    (known || execution.output.is_some()).then(|| Box::new(execution))
}

fn parts(messages: &[Arc<Message>], reading: u32) -> impl Iterator<Item = (Spot, &Part)> {
    messages.iter().enumerate().flat_map(move |(message, said)| {
        let spot = move |part| Spot(reading, number(message), number(part));
        said.parts.iter().enumerate().map(move |(part, what)| (spot(part), what))
    })
}

/// A place in a list; no list that fits in memory is longer than this counts.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A kind of carrier, as part of a number.
pub fn carrier(carrier: Carrier) -> u8 {
    match carrier {
        Carrier::Event => 0,
        Carrier::Log => 1,
        Carrier::Attributes => 2,
    }
}
