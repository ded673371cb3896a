//! The light part of a span or log record: what sums, states and names need of it.
//!
//! A store keeps these for recent traces, so nothing of what was said is in them, only numbers made of it.

use std::sync::Arc;

use super::{
    errors,
    same::asked,
    squash::{Squash, hash},
};
use crate::model::{
    Carrier, Category, Cost, LogRow, Message, Part, Project, Reading, Role, SpanId, SpanKind, SpanRow,
    Timestamp, TokenUsage, Translation, What,
};

/// What an unknown producer's payload is read by, when nothing better speaks.
pub const FALLBACK: &str = "plain-io";

/// A request brings its new results at its end; of a long history no more than these are remembered.
const RESULTS: usize = 128;

/// How much of an error's message is kept to compare it by.
const MESSAGE: usize = 400;

/// How long a trace's question is in a list, in characters.
const QUESTION: usize = 120;

/// A span or log record without what was said in it.
#[derive(Debug, Clone)]
pub struct Facts {
    pub(super) is_log: bool,
    /// A log record may have none.
    pub(super) span: Option<SpanId>,
    pub(super) parent: Option<SpanId>,
    /// As people should read it; empty for a log record.
    pub(super) name: String,
    pub(super) project: Project,
    pub(super) service: Option<String>,
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) synthetic: bool,
    /// The instrumentation's name as a number.
    pub(super) scope: u64,
    /// A request to somewhere else.
    pub(super) client: bool,
    pub(super) category: Category,
    pub(super) aggregate: bool,
    /// Someone who bills is named.
    pub(super) billed: bool,
    pub(super) usage: Option<TokenUsage>,
    pub(super) cost: Option<Cost>,
    /// The response's id as a number.
    pub(super) response: Option<u64>,
    pub(super) model: Option<String>,
    pub(super) trouble: Option<Trouble>,
    pub(super) session: Option<String>,
    pub(super) user: Option<String>,
    pub(super) framework: Option<String>,
    pub(super) question: Option<String>,
    /// It brings answers of earlier calls along: what was asked before is not what is asked now.
    pub(super) recalls: bool,
    pub(super) voices: Vec<Voice>,
    pub(super) execution: Option<Box<Execution>>,
    /// Puts log records of one moment in an order that does not depend on how they arrived.
    pub(super) rank: (u8, u64),
}

/// A failure, as far as it is compared with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub kind: Option<String>,
    pub message: Option<String>,
}

/// What one dialect found in one kind of carrier: the text it heard as numbers, and the tools spoken of.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    /// Dialect and carrier as a number: a span's and its log records' are put together by it.
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

/// A call of a tool that a model made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called {
    pub id: Option<u64>,
    pub name: u64,
    /// Name and arguments together.
    pub asked: u64,
    pub at: Spot,
}

/// A tool's result as a model saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
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
pub(super) struct Spot(pub u32, pub u32, pub u32);

/// What a tool's own span says of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Execution {
    pub id: Option<u64>,
    pub name: Option<u64>,
    pub asked: Option<u64>,
    pub input: Option<Spot>,
    pub output: Option<Spot>,
    pub is_error: Option<bool>,
}

impl Facts {
    /// Takes what sums need of a span.
    pub fn of_span(row: &SpanRow) -> Self {
        let translation = &*row.translation;
        let name = translation.context.display_name.as_ref().unwrap_or(&row.name);
        Self {
            is_log: false,
            span: Some(row.id),
            parent: row.parent,
            name: name.clone(),
            project: row.project.clone(),
            service: row.service.clone(),
            started: row.started,
            ended: row.ended,
            synthetic: row.synthetic,
            scope: hash(&row.scope_name),
            client: row.kind == SpanKind::Client,
            trouble: errors::of_span(row).map(|failure| Trouble::of(&failure)),
            execution: (translation.genai.category == Category::Tool).then(|| execution(translation)).flatten(),
            ..Self::understood(translation)
        }
    }

    /// Takes what sums need of a log record.
    pub fn of_log(row: &LogRow) -> Self {
        let understood = Self::understood(&row.translation);
        let prompts = understood.voices.iter().any(|voice| voice.prompts);
        let answers = understood.voices.iter().any(|voice| voice.answers);
        let opens = row.translation.readings.iter().flat_map(|reading| &reading.prompt).next();
        let rank = match opens.map(|message| message.role) {
            Some(Role::System) => 0,
            _ if answers && !prompts => 2,
            _ => 1,
        };
        Self {
            is_log: true,
            span: row.span,
            started: row.at,
            ended: Some(row.at),
            execution: execution(&row.translation),
            rank: (rank, hash((&row.name, &row.text, row.severity, &row.severity_text, speech(&row.translation)))),
            ..understood
        }
    }

    fn understood(translation: &Translation) -> Self {
        let Translation { context, genai, readings, error, .. } = translation;
        let id = |id: &Option<String>| id.clone().filter(|id| !is_placeholder(id));
        Self {
            is_log: false,
            span: None,
            parent: None,
            name: String::new(),
            project: Project::default(),
            service: None,
            started: Timestamp::default(),
            ended: None,
            synthetic: false,
            scope: 0,
            client: false,
            category: genai.category,
            aggregate: genai.aggregate,
            billed: genai.provider.is_some(),
            usage: genai.usage,
            cost: genai.cost.clone(),
            response: genai.response_id.as_ref().map(hash),
            model: genai.model.clone().or_else(|| genai.response_model.clone()),
            trouble: error.as_ref().map(Trouble::of),
            session: id(&context.session),
            user: id(&context.user),
            framework: context.framework.clone(),
            question: question(genai.category, readings),
            recalls: readings.iter().flat_map(|reading| &reading.prompt).any(|message| message.role == Role::Assistant),
            voices: voices(readings),
            execution: None,
            rank: (0, 0),
        }
    }

    /// Whether anything in it is worth a place of its own: plain application logs are not.
    pub(super) fn tells(&self) -> bool {
        self.usage.is_some() || self.trouble.is_some() || self.voices.iter().any(|voice| voice.prompts || voice.answers)
    }
}

/// `[Scrubbed due to 'session']` and the like stand for an id that its sender hid.
pub(super) fn is_placeholder(id: &str) -> bool {
    id.is_empty() || id.starts_with("[Scrubbed due to") || matches!(id, "__REDACTED__" | "<REDACTED>" | "[REDACTED]")
}

impl Trouble {
    pub(super) fn of(failure: &crate::model::Failure) -> Self {
        let cut = |text: &String| match text.char_indices().find(|(at, _)| *at >= MESSAGE) {
            Some((at, _)) => text[..at].to_owned(),
            None => text.clone(),
        };
        Self { kind: failure.kind.as_ref().map(cut), message: failure.message.as_ref().map(cut) }
    }
}

/// Everything that was said as one number, to tell log records of one moment apart.
fn speech(translation: &Translation) -> u64 {
    let said = translation.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    said.fold(0, |sum, message| {
        message.parts.iter().fold(hash((sum, message.role)), |sum, part| match &part.what {
            What::Text(text) => hash((sum, text)),
            What::Call(call) => hash((sum, &call.id, asked(call))),
            What::Result(result) => hash((sum, &result.call_id, result.content.len())),
            _ => hash((sum, part.hidden)),
        })
    })
}

/// What the user last asked: the first text after the last answer that the prompt brings along.
fn question(category: Category, readings: &[Reading]) -> Option<String> {
    if matches!(category, Category::Tool | Category::Embedding | Category::Reranker | Category::Retriever) {
        return None;
    }
    // One message may come in each reading, so the prompt is what one dialect found in all of them.
    let first = readings.iter().find(|reading| !reading.prompt.is_empty())?;
    let prompt = readings.iter().filter(|reading| reading.dialect == first.dialect && reading.carrier == first.carrier);
    let prompt: Vec<&Message> = prompt.flat_map(|reading| &reading.prompt).map(|message| &**message).collect();
    let answered = prompt.iter().rposition(|message| message.role == Role::Assistant);
    let (before, new) = prompt.split_at(answered.map_or(0, |at| at + 1));
    let text = |messages: &[&Message]| messages.iter().filter(|message| message.role == Role::User).find_map(|m| line(m));
    text(new).or_else(|| text(before))
}

/// The first text of a message, on one line of a list.
fn line(message: &Message) -> Option<String> {
    let mut texts = message.parts.iter().filter(|part| !part.hidden).filter_map(|part| match &part.what {
        What::Text(text) if !text.trim().is_empty() => Some(text),
        _ => None,
    });
    let mut line = String::new();
    let mut left = QUESTION;
    for word in texts.next()?.split_whitespace() {
        let space = usize::from(!line.is_empty());
        let length = word.chars().count() + space;
        if length > left {
            if line.is_empty() {
                line.extend(word.chars().take(left - 1));
            }
            line.push('…');
            break;
        }
        if space == 1 {
            line.push(' ');
        }
        line.push_str(word);
        left -= length;
    }
    Some(line)
}

fn voices(readings: &[Reading]) -> Vec<Voice> {
    let mut voices: Vec<Voice> = Vec::new();
    for (at, reading) in readings.iter().enumerate() {
        let channel = hash((&reading.dialect, carrier(reading.carrier)));
        let voice = match voices.iter_mut().position(|voice| voice.channel == channel) {
            Some(known) => &mut voices[known],
            None => {
                voices.push(Voice {
                    channel,
                    fallback: reading.dialect == FALLBACK,
                    speech: Squash::EMPTY,
                    prompts: false,
                    answers: false,
                    calls: Vec::new(),
                    results: Vec::new(),
                });
                voices.last_mut().expect("one was pushed")
            }
        };
        voice.prompts |= !reading.prompt.is_empty();
        voice.answers |= !reading.completion.is_empty();
        let at = number(at);
        let mut brought = results(&reading.prompt, at);
        voice.results.extend(brought.drain(brought.len().saturating_sub(RESULTS)..));
        for (spot, part) in parts(&reading.completion, at) {
            match &part.what {
                What::Text(text) => voice.speech = voice.speech.then(Squash::of(text)),
                What::Call(call) => voice.calls.push(Called {
                    id: call.id.as_ref().map(hash),
                    name: hash(&call.name),
                    asked: asked(call),
                    at: spot,
                }),
                What::Result(result) => voice.results.push(Given {
                    id: result.call_id.as_ref().map(hash),
                    name: result.name.as_ref().map(hash),
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
        match &part.what {
            What::Call(call) => open.push((call.id.as_ref().map(hash), hash(&call.name), asked(call))),
            What::Result(result) => {
                let id = result.call_id.as_ref().map(hash);
                let name = result.name.as_ref().map(hash);
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

fn execution(translation: &Translation) -> Option<Box<Execution>> {
    let tool = translation.genai.tool.as_ref();
    let mut execution = Execution {
        id: tool.and_then(|tool| tool.call_id.as_ref()).map(hash),
        name: tool.and_then(|tool| tool.name.as_ref()).map(hash),
        asked: None,
        input: None,
        output: None,
        is_error: None,
    };
    for (at, reading) in translation.readings.iter().enumerate() {
        for (spot, part) in parts(&reading.prompt, number(at)) {
            if let What::Call(call) = &part.what
                && execution.input.is_none()
            {
                execution.id = execution.id.or_else(|| call.id.as_ref().map(hash));
                execution.name = execution.name.or_else(|| Some(hash(&call.name)));
                execution.asked = Some(asked(call));
                execution.input = Some(spot);
            }
        }
        for (spot, part) in parts(&reading.completion, number(at)) {
            if let What::Result(result) = &part.what
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
pub(super) fn carrier(carrier: Carrier) -> u8 {
    match carrier {
        Carrier::Event => 0,
        Carrier::Log => 1,
        Carrier::Attributes => 2,
    }
}
