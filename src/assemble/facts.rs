//! The light part of a span or log record: what sums, states and names need of it.
//!
//! A store keeps these for recent traces, so nothing of what was said is in them, only numbers made of it.

use std::sync::Arc;

use super::{
    errors,
    same::asked,
    squash::hash,
    voices::{Execution, Voice, execution, voices},
};
use crate::model::{
    Category, Cost, DELIVERED, LogRow, Message, Note, Project, RELAYED, Reading, Role, SpanId, SpanKind, SpanRow,
    Timestamp, TokenUsage, Translation, What, is_aside, question_in,
};

/// How much of an error's message is kept to compare it by.
const MESSAGE: usize = 400;

/// How long a trace's question is in a list, in characters.
const QUESTION: usize = 120;

/// A span or log record without what was said in it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are facts and have nothing to do with each other")]
pub struct Facts {
    pub(super) is_log: bool,
    /// A log record may have none.
    pub(super) span: Option<SpanId>,
    pub(super) parent: Option<SpanId>,
    /// As people should read it; empty for a log record.
    pub(super) name: Box<str>,
    /// A log record has none.
    pub(super) project: Option<Project>,
    pub(super) service: Option<Box<str>>,
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) synthetic: bool,
    /// The instrumentation's name as a number.
    pub(super) scope: u64,
    /// A request to somewhere else.
    pub(super) client: bool,
    pub(super) category: Category,
    pub(super) aggregate: bool,
    /// See [`Note::HEARSAY`].
    pub(super) hearsay: bool,
    /// It hands on what an agent said: the agent's calls are elsewhere, if they are anywhere.
    pub(super) relays: bool,
    /// Someone who bills is named.
    pub(super) billed: bool,
    pub(super) usage: Option<Box<TokenUsage>>,
    pub(super) cost: Option<Box<Cost>>,
    /// The response's id as a number.
    pub(super) response: Option<u64>,
    pub(super) model: Option<Box<str>>,
    pub(super) trouble: Option<Box<Trouble>>,
    pub(super) session: Option<Box<str>>,
    pub(super) user: Option<Box<str>>,
    pub(super) framework: Option<Box<str>>,
    pub(super) question: Option<Box<str>>,
    /// The question is not of what the prompt brings along: nobody has answered it yet.
    pub(super) anew: bool,
    /// It brings answers of earlier calls along: what was asked before is not what is asked now.
    pub(super) recalls: bool,
    /// The whole prompt as a number, of a record that lacks the answer or the duration of a call; else 0.
    pub(super) asked: u64,
    pub(super) voices: Box<[Voice]>,
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

impl Facts {
    /// Takes what sums need of a span.
    pub fn of_span(row: &SpanRow) -> Self {
        let translation = &*row.translation;
        let name = translation.context.display_name.as_ref().unwrap_or(&row.name);
        let understood = Self::understood(translation);
        let answers = understood.voices.iter().any(|voice| voice.answers);
        let is_half = understood.category == Category::Llm && (!answers || row.ended == Some(row.started));
        Self {
            is_log: false,
            span: Some(row.id),
            parent: row.parent,
            name: name.as_str().into(),
            project: Some(row.project.clone()),
            service: row.service.as_deref().map(Box::from),
            started: row.started,
            ended: row.ended,
            synthetic: row.synthetic,
            scope: hash(&row.scope_name),
            client: row.kind == SpanKind::Client,
            trouble: errors::of_span(row).map(|failure| Box::new(Trouble::of(&failure))),
            execution: (translation.genai.category == Category::Tool).then(|| execution(translation)).flatten(),
            asked: if is_half { prompt(&translation.readings) } else { 0 },
            ..understood
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
        let Translation { context, genai, readings, error, notes, .. } = translation;
        let (question, anew) = question(genai.category, readings).unzip();
        let anew = anew.unwrap_or_default();
        Self {
            is_log: false,
            span: None,
            parent: None,
            name: Box::default(),
            project: None,
            service: None,
            started: Timestamp::default(),
            ended: None,
            synthetic: false,
            scope: 0,
            client: false,
            category: genai.category,
            aggregate: genai.aggregate,
            hearsay: notes.iter().any(|note| note.0 == Note::HEARSAY),
            relays: genai.operation.as_deref().is_some_and(|operation| [DELIVERED, RELAYED].contains(&operation)),
            billed: genai.provider.is_some(),
            usage: genai.usage.map(Box::new),
            cost: genai.cost.clone().map(Box::new),
            response: genai.response_id.as_ref().map(hash),
            model: genai.model.as_deref().or(genai.response_model.as_deref()).map(Box::from),
            trouble: error.as_ref().map(|failure| Box::new(Trouble::of(failure))),
            session: context.session.as_deref().map(Box::from),
            user: context.user.as_deref().map(Box::from),
            framework: context.framework.as_deref().map(Box::from),
            question: question.map(Box::from),
            anew,
            recalls: readings.iter().flat_map(|reading| &reading.prompt).any(|message| message.role == Role::Assistant),
            asked: 0,
            voices: voices(readings).into(),
            execution: None,
            rank: (0, 0),
        }
    }

    /// Whether anything in it is worth a place of its own: plain application logs are not.
    pub(super) fn tells(&self) -> bool {
        self.usage.is_some() || self.trouble.is_some() || self.voices.iter().any(|voice| voice.prompts || voice.answers)
    }
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
    words(translation.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion)))
}

/// What one dialect found of a prompt as one number; 0 where no dialect found any.
fn prompt(readings: &[Reading]) -> u64 {
    let Some(first) = readings.iter().find(|reading| !reading.prompt.is_empty()) else { return 0 };
    let same = |reading: &&Reading| reading.dialect == first.dialect && reading.carrier == first.carrier;
    words(readings.iter().filter(same).flat_map(|reading| &reading.prompt))
}

fn words<'m>(said: impl Iterator<Item = &'m Arc<Message>>) -> u64 {
    said.fold(0, |sum, message| {
        message.parts.iter().fold(hash((sum, message.role)), |sum, part| match &part.what {
            What::Text(text) => hash((sum, text)),
            What::Call(call) => hash((sum, &call.id, asked(call))),
            What::Result(result) => hash((sum, &result.call_id, result.content.len())),
            _ => hash((sum, part.hidden)),
        })
    })
}

/// What the user last asked: the first text after the last answer that the prompt brings along, and whether there is
/// one; else the first of all.
fn question(category: Category, readings: &[Reading]) -> Option<(String, bool)> {
    if matches!(category, Category::Tool | Category::Embedding | Category::Reranker | Category::Retriever) {
        return None;
    }
    // One message may come in each reading, so the prompt is what one dialect found in all of them.
    let first = readings.iter().find(|reading| !reading.prompt.is_empty())?;
    let prompt = readings.iter().filter(|reading| reading.dialect == first.dialect && reading.carrier == first.carrier);
    let prompt: Vec<&Message> = prompt.flat_map(|reading| &reading.prompt).map(|message| &**message).collect();
    let answered = prompt.iter().rposition(|message| message.role == Role::Assistant);
    let (before, new) = prompt.split_at(answered.map_or(0, |at| at + 1));
    let text = |messages: &[&Message]| {
        let lines = || messages.iter().filter(|message| message.role == Role::User).copied();
        lines().find_map(|message| line(message, true)).or_else(|| lines().find_map(|message| line(message, false)))
    };
    text(new).map(|text| (text, true)).or_else(|| Some((text(before)?, false)))
}

/// The first text of a message, on one line of a list. `said`: by a person, not put there by a program.
fn line(message: &Message, said: bool) -> Option<String> {
    let texts = message.parts.iter().filter(|part| !part.hidden).filter_map(|part| match &part.what {
        What::Text(text) => Some(text),
        _ => None,
    });
    let mut texts = texts.filter(|text| !text.trim().is_empty()).filter(|text| !said || !is_aside(text));
    let mut line = String::new();
    let mut left = QUESTION;
    for word in question_in(texts.next()?).split_whitespace() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_small() {
        assert!(size_of::<Facts>() <= 336, "{}", size_of::<Facts>());
        assert!(size_of::<Voice>() <= 96, "{}", size_of::<Voice>());
    }

    #[test]
    fn a_question_is_one_line() {
        let line = |text: &str| line(&Message::text(Role::User, text), false);
        assert_eq!(line(" What\n is  this? ").as_deref(), Some("What is this?"));
        assert_eq!(line(&"x".repeat(500)).map(|line| line.chars().count()), Some(QUESTION));
        assert_eq!(line("  "), None);
    }
}
