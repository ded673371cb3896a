//! Digests of readings: what each dialect found in a span or log record, as hashes of its answer, question and tools.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU64,
    sync::Arc,
};

use super::{
    content_hash::result_hash,
    hashes::{ArgumentsHash, CallHash, CallIdHash, ChannelHash, ToolNameHash, arguments_hash, call_hash},
    limits::OLD_RESULTS,
    text_hash::{TextHash, hash},
};
use crate::model::{Carrier, Content, ContentKind, Message, Part, Reading, Role, Translation, is_aside};

/// What one dialect found in one kind of carrier of a span or log record.
#[derive(Debug, Clone)]
pub struct ReadingDigest {
    /// Hash of dialect, carrier and `fallback`. The digests of a span and of its log records that share it are put
    /// together.
    pub channel: ChannelHash,
    /// Whether the dialect is used only where no other dialect found messages.
    pub fallback: bool,
    /// Hash of the completion's texts, white space left out.
    pub completion_text: TextHash,
    /// Hash of the last user message's texts in the prompt; `None` if there is none, or if it is cut or partly hidden.
    pub question: Option<NonZeroU64>,
    /// Whether there is a prompt.
    pub prompts: bool,
    /// Whether there is a completion.
    pub answers: bool,
    /// The tool calls of the completion, in order.
    pub calls: Vec<ToolCallDigest>,
    /// The tool results of the prompt (see [`OLD_RESULTS`]), then those in the completion.
    pub results: Vec<ToolResultDigest>,
}

impl ReadingDigest {
    /// A digest of nothing yet.
    fn new(channel: ChannelHash, fallback: bool) -> Self {
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

/// A tool call in a model's answer.
#[derive(Debug, Clone, Copy)]
pub struct ToolCallDigest {
    /// Hash of the call's id, else of its item's id; `None` if it has neither.
    pub id: Option<CallIdHash>,
    /// Hash of the tool's name.
    pub name: ToolNameHash,
    /// Hash of name and arguments.
    pub call_hash: CallHash,
    /// Hash of the arguments of a call that has neither an id nor a name, because its recorder lost them.
    pub unnamed: Option<ArgumentsHash>,
    /// `true` if only the item's id is known: the result will name another id.
    pub item: bool,
    /// Where the call stands in the translation.
    pub at: Spot,
}

/// A tool result as it was sent to a model.
#[derive(Debug, Clone, Copy)]
pub struct ToolResultDigest {
    /// Hash of the id of the call that it answers; `None` if it names none.
    pub id: Option<CallIdHash>,
    /// Hash of the tool's name; `None` if the result does not give it.
    pub name: Option<ToolNameHash>,
    /// The call that it answers in the same prompt; `None` if that call is not in the prompt.
    pub call: Option<AskedCall>,
    /// Whether the tool failed, as the result states it; `None` if it states neither.
    pub is_error: Option<bool>,
    /// Hash of its content.
    pub content: u64,
    /// Whether the result stands in the prompt; otherwise it came with the completion.
    pub prompt: bool,
    /// Whether it stands in the prompt after the last answer there, so that this request is the first that carries it.
    pub fresh: bool,
    /// Whether somebody asks something after it in the prompt.
    pub asked_after: bool,
    /// Where the result stands in the translation.
    pub at: Spot,
}

impl ToolResultDigest {
    /// Hash of name and arguments of the call that it answers in the same prompt.
    pub fn call_hash(&self) -> Option<CallHash> {
        self.call.map(|call| call.call_hash)
    }
}

/// A tool call in a prompt.
#[derive(Debug, Clone, Copy)]
pub struct AskedCall {
    /// Hash of the tool's name.
    pub name: ToolNameHash,
    /// Hash of name and arguments.
    pub call_hash: CallHash,
    /// Hash of the arguments.
    pub arguments: ArgumentsHash,
    /// Where the call stands in the translation.
    pub at: Spot,
}

/// Where a part stands in a translation: index of the reading, of the message in its prompt or completion, of the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot(pub u32, pub u32, pub u32);

/// What a tool's span or log record states about one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolExecution {
    /// Hash of the id of the tool call; `None` if it is not known.
    pub id: Option<CallIdHash>,
    /// Hash of the tool's name; `None` if it is not known.
    pub name: Option<ToolNameHash>,
    /// Hash of name and arguments; `None` if the arguments are not known.
    pub call_hash: Option<CallHash>,
    /// Hash of the arguments; `None` if they are not known.
    pub arguments: Option<ArgumentsHash>,
    /// Where the arguments stand, in a prompt.
    pub input: Option<Spot>,
    /// Whether the input was cut.
    pub partial: bool,
    /// Where the result stands, in a completion.
    pub output: Option<Spot>,
    /// Hash of the result's content; 0 without a result.
    pub content: u64,
    /// Whether the tool failed, as the result or else the span states it; `None` if neither does.
    pub is_error: Option<bool>,
    /// See [`crate::model::ToolName::merged`].
    pub merged: bool,
}

/// Digests the readings of one translation: one digest for each dialect, carrier and fallback flag.
pub fn reading_digests(readings: &[Reading]) -> Vec<ReadingDigest> {
    let mut reading_digests: Vec<ReadingDigest> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        let fallback = reading.content == ContentKind::Fallback;
        let channel = ChannelHash::of((&reading.dialect, carrier(reading.carrier), fallback));
        let of_channel = reading_digests.iter().position(|digest| digest.channel == channel).unwrap_or_else(|| {
            reading_digests.push(ReadingDigest::new(channel, fallback));
            reading_digests.len() - 1
        });
        let digest = &mut reading_digests[of_channel];
        digest.prompts |= !reading.prompt.is_empty();
        digest.answers |= !reading.completion.is_empty();
        digest.question = question(&reading.prompt).or(digest.question);
        let at = number(at);
        let mut in_prompt = results(&reading.prompt, at);
        let answered = reading.prompt.iter().rposition(|message| message.role == Role::Assistant).map_or(0, number);
        let old = in_prompt.partition_point(|given| given.at.1 < answered);
        in_prompt[old..].iter_mut().for_each(|given| given.fresh = true);
        let asked = last_question(reading.prompt.iter().map(|message| &**message)).map_or(0, number);
        in_prompt[old..].iter_mut().for_each(|given| given.asked_after = given.at.1 < asked);
        digest.results.extend(
            in_prompt
                .drain(old.saturating_sub(OLD_RESULTS.most())..)
                .map(|given| ToolResultDigest { content: content_at(&reading.prompt, given.at), ..given }),
        );
        for (spot, part) in parts(&reading.completion, at) {
            match &part.content {
                Content::Text(text) => digest.completion_text = digest.completion_text.then(TextHash::of(text)),
                Content::Call(call) => digest.calls.push(ToolCallDigest {
                    id: call.known_id().map(CallIdHash::of),
                    name: ToolNameHash::of(&call.name),
                    call_hash: call_hash(call),
                    unnamed: (call.name.is_empty() && call.known_id().is_none()).then(|| arguments_hash(call)),
                    item: call.id.is_none() && call.item_id.is_some(),
                    at: spot,
                }),
                Content::Result(result) => digest.results.push(ToolResultDigest {
                    id: result.call_id.as_deref().map(CallIdHash::of),
                    name: result.name.as_deref().map(ToolNameHash::of),
                    call: None,
                    is_error: result.is_error,
                    content: result_hash(result),
                    prompt: false,
                    fresh: false,
                    asked_after: false,
                    at: spot,
                }),
                _ => {}
            }
        }
    }
    reading_digests
}

/// Hash of the last user message's texts in a prompt; `None` if it has no text, or if a part of it is cut or hidden.
fn question(prompt: &[Arc<Message>]) -> Option<NonZeroU64> {
    let question = prompt.iter().rev().find(|message| message.role == Role::User)?;
    let is_whole = question.parts.iter().all(|part| !part.truncated && !part.hidden);
    let texts = question.parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(TextHash::of(text)),
        _ => None,
    });
    let text = texts.reduce(TextHash::then).filter(|text| is_whole && !text.is_empty())?;
    NonZeroU64::new(hash(text))
}

/// Where the last question among messages stands. A turn whose results a question follows, with no answer between, broke
/// off.
pub fn last_question<'m>(messages: impl DoubleEndedIterator<Item = &'m Message> + ExactSizeIterator) -> Option<usize> {
    messages.into_iter().rposition(asks)
}

/// Whether a message is surely a person's question: it has a text, and more than what programs add to one. Programs also
/// hand over, in the user's name, the images and files that a tool returned.
fn asks(message: &Message) -> bool {
    let is_asked = |part: &Part| match &part.content {
        Content::Text(text) => !text.trim().is_empty() && !is_aside(text),
        _ => false,
    };
    let is_media = |part: &Part| matches!(part.content, Content::Media(_));
    message.role == Role::User && message.parts.iter().any(is_asked) && !message.parts.iter().any(is_media)
}

/// The tool results of the prompt of reading `at`, each joined to the call before it that it answers.
fn results(prompt: &[Arc<Message>], at: u32) -> Vec<ToolResultDigest> {
    let mut open = OpenCalls::default();
    let mut results = Vec::new();
    for (spot, part) in parts(prompt, at) {
        match &part.content {
            Content::Call(call) => {
                let asked = AskedCall {
                    name: ToolNameHash::of(&call.name),
                    call_hash: call_hash(call),
                    arguments: arguments_hash(call),
                    at: spot,
                };
                open.add(call.known_id().map(CallIdHash::of), asked);
            }
            Content::Result(result) => {
                let id = result.call_id.as_deref().map(CallIdHash::of);
                let name = result.name.as_deref().map(ToolNameHash::of);
                let call = open.answer(id, name);
                results.push(ToolResultDigest {
                    id,
                    name,
                    call,
                    is_error: result.is_error,
                    content: 0,
                    prompt: true,
                    fresh: false,
                    asked_after: false,
                    at: spot,
                });
            }
            _ => {}
        }
    }
    results
}

/// Hash of the content of the result at a place of a prompt.
fn content_at(prompt: &[Arc<Message>], Spot(_, message, part): Spot) -> u64 {
    let part = prompt.get(message as usize).and_then(|message| message.parts.get(part as usize));
    match part.map(|part| &part.content) {
        Some(Content::Result(result)) => result_hash(result),
        _ => 0,
    }
}

/// The tool calls of a prompt that no result has answered yet.
#[derive(Default)]
struct OpenCalls {
    /// In order. Each call, and whether it has an id; `None` once a result answered it.
    calls: Vec<Option<(AskedCall, bool)>>,
    /// Indices into `calls` by the hash of the call's id.
    by_id: HashMap<CallIdHash, VecDeque<usize>>,
    /// Indices into `calls` by the hash of the tool's name: under `false` all calls, under `true` those without an id.
    by_name: HashMap<(ToolNameHash, bool), VecDeque<usize>>,
    /// Every call before this index was answered.
    first: usize,
}

impl OpenCalls {
    /// Adds a call that waits for its result.
    fn add(&mut self, id: Option<CallIdHash>, call: AskedCall) {
        let at = self.calls.len();
        self.calls.push(Some((call, id.is_some())));
        self.by_name.entry((call.name, false)).or_default().push_back(at);
        match id {
            Some(id) => self.by_id.entry(id).or_default().push_back(at),
            None => self.by_name.entry((call.name, true)).or_default().push_back(at),
        }
    }

    /// Removes the first call that a result can answer, and returns it: the call with the result's id, else the first
    /// one of its tool, else the first of all. A result with an id answers no call that has another id.
    fn answer(&mut self, id: Option<CallIdHash>, name: Option<ToolNameHash>) -> Option<AskedCall> {
        let calls = &mut self.calls;
        let mut take = |queue: &mut VecDeque<usize>| {
            while let Some(at) = queue.pop_front() {
                if let Some((call, _)) = calls[at].take() {
                    return Some(call);
                }
            }
            None
        };
        if let Some(call) = id.and_then(|id| self.by_id.get_mut(&id)).and_then(&mut take) {
            return Some(call);
        }
        if let Some(name) = name {
            return self.by_name.get_mut(&(name, id.is_some())).and_then(&mut take);
        }
        while self.calls.get(self.first).is_some_and(Option::is_none) {
            self.first += 1;
        }
        let fits = |call: &&mut Option<(AskedCall, bool)>| call.is_some_and(|(_, has_id)| id.is_none() || !has_id);
        self.calls[self.first..].iter_mut().find(fits).and_then(Option::take).map(|(call, _)| call)
    }
}

/// What a span or log record states of a tool execution: the first tool call in its prompts and the first result in its
/// completions. `None` if it gives no id, name, input or output.
pub fn execution(translation: &Translation) -> Option<Box<ToolExecution>> {
    let tool = translation.genai.tool.as_ref();
    let mut execution = ToolExecution {
        id: tool.and_then(|tool| tool.call_id.as_deref()).map(CallIdHash::of),
        name: tool.and_then(|tool| tool.name.as_deref()).map(ToolNameHash::of),
        call_hash: None,
        arguments: None,
        input: None,
        partial: false,
        output: None,
        content: 0,
        is_error: tool.and_then(|tool| tool.failed),
        merged: tool.is_some_and(|tool| tool.merged),
    };
    for (at, reading) in translation.readings.iter().enumerate() {
        for (spot, part) in parts(&reading.prompt, number(at)) {
            if let Content::Call(call) = &part.content
                && execution.input.is_none()
            {
                execution.id = execution.id.or_else(|| call.known_id().map(CallIdHash::of));
                execution.name = execution.name.or_else(|| Some(ToolNameHash::of(&call.name)));
                execution.call_hash = Some(call_hash(call));
                execution.arguments = Some(arguments_hash(call));
                execution.input = Some(spot);
                execution.partial = part.truncated;
            }
        }
        for (spot, part) in parts(&reading.completion, number(at)) {
            if let Content::Result(result) = &part.content
                && execution.output.is_none()
            {
                execution.id = execution.id.or_else(|| result.call_id.as_deref().map(CallIdHash::of));
                execution.is_error = result.is_error.or(execution.is_error);
                execution.output = Some(spot);
                execution.content = result_hash(result);
            }
        }
    }
    let is_call = execution.id.is_some() || execution.name.is_some() || execution.input.is_some();
    (is_call || execution.output.is_some()).then(|| Box::new(execution))
}

/// All parts of some messages, with where they stand.
fn parts(messages: &[Arc<Message>], reading: u32) -> impl Iterator<Item = (Spot, &Part)> {
    messages.iter().enumerate().flat_map(move |(index, message)| {
        let spot = move |part| Spot(reading, number(index), number(part));
        message.parts.iter().enumerate().map(move |(part, what)| (spot(part), what))
    })
}

/// An index as `u32`. A list that fits in memory is not longer.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A number for each carrier, to hash and to sort by: events, then log records, then attributes.
pub fn carrier(carrier: Carrier) -> u8 {
    match carrier {
        Carrier::Event => 0,
        Carrier::Log => 1,
        Carrier::Attributes => 2,
    }
}
