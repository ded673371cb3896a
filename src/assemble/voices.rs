//! What the dialects heard in a span or log record, as numbers: the text of its answer, the tools it speaks of.

use std::sync::Arc;

use super::{
    plan::Place,
    same::{asked, named},
    squash::{Squash, hash},
};
use crate::model::{Carrier, Content, ContentKind, Message, Part, Reading, Translation};

/// A request brings its new results at its end; of a long history no more than these are remembered.
const RESULTS: usize = 128;

/// What one dialect found in one kind of carrier: the text it heard as numbers, and the tools spoken of.
#[derive(Debug, Clone)]
pub struct Voice {
    /// Dialect, carrier and whether it is a fallback as a number: a span's and its log records' are put together by it.
    pub channel: u64,
    pub fallback: bool,
    /// The text of what came back.
    pub speech: Squash,
    pub prompts: bool,
    pub answers: bool,
    pub calls: Vec<Called>,
    /// The last results that the prompt brings; then those that came with the answer itself.
    pub results: Vec<Given>,
}

impl Voice {
    fn new(channel: u64, fallback: bool) -> Self {
        let (calls, results) = (Vec::new(), Vec::new());
        Self { channel, fallback, speech: Squash::EMPTY, prompts: false, answers: false, calls, results }
    }
}

/// A call of a tool that a model made.
#[derive(Debug, Clone, Copy)]
pub struct Called {
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
pub struct Given {
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
pub struct Execution {
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
pub fn voices(readings: &[Reading]) -> Vec<Voice> {
    let mut voices: Vec<Voice> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        let fallback = reading.content == ContentKind::Fallback;
        let channel = hash((&reading.dialect, carrier(reading.carrier), fallback));
        let known = voices.iter().position(|voice| voice.channel == channel).unwrap_or_else(|| {
            voices.push(Voice::new(channel, fallback));
            voices.len() - 1
        });
        let voice = &mut voices[known];
        voice.prompts |= !reading.prompt.is_empty();
        voice.answers |= !reading.completion.is_empty();
        let at = number(at);
        let mut brought = results(&reading.prompt, at);
        voice.results.extend(brought.drain(brought.len().saturating_sub(RESULTS)..));
        for (spot, part) in parts(&reading.completion, at) {
            match &part.content {
                Content::Text(text) => voice.speech = voice.speech.then(Squash::of(text)),
                Content::Call(call) => voice.calls.push(Called {
                    id: call.known_id().map(hash),
                    name: named(&call.name),
                    asked: asked(call),
                    item: call.id.is_none() && call.item_id.is_some(),
                    at: spot,
                }),
                Content::Result(result) => voice.results.push(Given {
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
    voices
}

/// The results that a prompt brings, each with what the call before it asked.
fn results(prompt: &[Arc<Message>], at: u32) -> Vec<Given> {
    let mut open: Vec<(Option<u64>, u64, u64)> = Vec::new();
    let mut results = Vec::new();
    for (spot, part) in parts(prompt, at) {
        match &part.content {
            Content::Call(call) => open.push((call.known_id().map(hash), named(&call.name), asked(call))),
            Content::Result(result) => {
                let id = result.call_id.as_ref().map(hash);
                let name = result.name.as_deref().map(named);
                // Calls are answered soon after they were made, so few are open at a time.
                let answered = open.iter().position(|(call, called, _)| match (id, call) {
                    (Some(id), Some(call)) => id == *call,
                    _ => name.is_none_or(|name| name == *called),
                });
                let asked = answered.map(|answered| open.remove(answered).2);
                results.push(Given { id, name, asked, is_error: result.is_error, prompt: true, at: spot });
            }
            _ => {}
        }
        if open.len() > RESULTS {
            open.remove(0);
        }
    }
    results
}

/// What a dialect heard at one place, from its span and its log records.
#[derive(Default)]
pub struct Heard<'a> {
    pub calls: Vec<(usize, &'a Called)>,
    pub results: Vec<(usize, &'a Given)>,
    fallback: bool,
}

/// Of what the dialects heard of one call the most: calls with ids before others, then more of them.
pub fn hear<'p, 'a: 'p>(places: impl Iterator<Item = &'p Place<'a>>) -> Heard<'a> {
    let mut channels: Vec<((usize, u64), Heard)> = Vec::new();
    for (nth, place) in places.enumerate() {
        for (at, facts) in place.sources() {
            for voice in &facts.voices {
                let Voice { channel, fallback, calls, results, .. } = voice;
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
    let ids = |calls: &[(usize, &Called)]| calls.iter().filter(|(_, called)| called.id.is_some()).count();
    let named = |results: &[(usize, &Given)]| results.iter().filter(|(_, given)| given.id.is_some()).count();
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
pub fn execution(translation: &Translation) -> Option<Box<Execution>> {
    let tool = translation.genai.tool.as_ref();
    let mut execution = Execution {
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
