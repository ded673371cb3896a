//! The light part of a span or log record: what sums, states and names need of it.
//!
//! A store keeps these for recent traces, so nothing of what was said is in them, only numbers made of it.

use std::sync::Arc;

use super::{
    failures,
    fingerprint::{self, asked},
    reading_digest::{ReadingDigest, ToolExecution, execution, reading_digests},
    text_hash::hash,
};
use crate::model::{
    Category, Content, Cost, LogRow, Message, Project, Reading, Role, SpanId, SpanKind, SpanRow, Timestamp, TokenUsage,
    Translation, is_aside, question_in,
};

/// How much of an error's message is kept to compare it by.
const MESSAGE: usize = 400;

/// How long a trace's question is in a list, in characters.
const QUESTION: usize = 120;

/// A span or log record without what was said in it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are facts and have nothing to do with each other")]
pub struct SpanDigest {
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
    /// See [`Translation::unconfirmed`].
    pub(super) unconfirmed: bool,
    /// It hands on what an agent said: the agent's calls are elsewhere, if they are anywhere.
    pub(super) relays: bool,
    /// Someone who bills is named.
    pub(super) billed: bool,
    pub(super) usage: Option<Box<TokenUsage>>,
    pub(super) cost: Option<Box<Cost>>,
    /// The response's id as a number.
    pub(super) response: Option<u64>,
    pub(super) model: Option<Box<str>>,
    pub(super) provider: Option<Box<str>>,
    pub(super) failure: Option<Box<FailureDigest>>,
    pub(super) session: Option<Box<str>>,
    pub(super) user: Option<Box<str>>,
    pub(super) framework: Option<Box<str>>,
    pub(super) question: Option<Box<str>>,
    /// The question is not of what the prompt brings along: nobody has answered it yet.
    pub(super) anew: bool,
    /// The whole prompt as a number, of a model call that lacks an answer or that ends a stream; else 0.
    pub(super) asked: u64,
    /// See [`crate::model::GenAi::ends_stream`].
    pub(super) ends_stream: bool,
    pub(super) reading_digests: Box<[ReadingDigest]>,
    pub(super) execution: Option<Box<ToolExecution>>,
    /// The order of log records of equal time: as they stood in their export; where two exports leave that open,
    /// instructions before prompts before answers; and at last by a hash of the content, so that the order in which
    /// exports arrive changes nothing.
    pub(super) rank: (u32, u8, u64),
}

/// A failure, as far as it is compared with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailureDigest {
    pub kind: Option<String>,
    pub message: Option<String>,
}

impl SpanDigest {
    /// Takes what sums need of a span.
    pub fn of_span(row: &SpanRow) -> Self {
        let translation = &*row.translation;
        let name = translation.context.display_name.as_ref().unwrap_or(&row.name);
        let understood = Self::understood(translation);
        let answers = understood.reading_digests.iter().any(|digest| digest.answers);
        let is_half = understood.category == Category::Llm && (!answers || understood.ends_stream);
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
            failure: failures::of_span(row).map(|failure| Box::new(FailureDigest::of(&failure))),
            execution: (translation.genai.category == Category::Tool).then(|| execution(translation)).flatten(),
            asked: if is_half { prompt(&translation.readings) } else { 0 },
            ..understood
        }
    }

    /// Takes what sums need of a log record.
    pub fn of_log(row: &LogRow) -> Self {
        let understood = Self::understood(&row.translation);
        let prompts = understood.reading_digests.iter().any(|digest| digest.prompts);
        let answers = understood.reading_digests.iter().any(|digest| digest.answers);
        let opens = row.translation.readings.iter().flat_map(|reading| &reading.prompt).next();
        let role = match opens.map(|message| message.role) {
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
            rank: (
                row.position,
                role,
                hash((&row.name, &row.text, row.severity, &row.severity_text, completion_text(&row.translation))),
            ),
            ..understood
        }
    }

    fn understood(translation: &Translation) -> Self {
        let Translation { context, genai, readings, error, unconfirmed, .. } = translation;
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
            unconfirmed: *unconfirmed,
            relays: genai.delivery.is_some(),
            billed: genai.provider.is_some(),
            usage: genai.usage.map(Box::new),
            cost: genai.cost.clone().map(Box::new),
            response: genai.response_id.as_ref().map(hash),
            model: genai.model.as_deref().or(genai.response_model.as_deref()).map(Box::from),
            provider: genai.provider.as_deref().map(Box::from),
            failure: error.as_ref().map(|failure| Box::new(FailureDigest::of(failure))),
            session: context.session.as_deref().map(Box::from),
            user: context.user.as_deref().map(Box::from),
            framework: context.framework.as_deref().map(Box::from),
            question: question.map(Box::from),
            anew,
            asked: 0,
            ends_stream: genai.ends_stream,
            reading_digests: reading_digests(readings).into(),
            execution: None,
            rank: (0, 0, 0),
        }
    }

    /// Whether anything in it is worth a place of its own: plain application logs are not.
    pub(super) fn tells(&self) -> bool {
        self.usage.is_some()
            || self.failure.is_some()
            || self.reading_digests.iter().any(|digest| digest.prompts || digest.answers)
    }
}

impl FailureDigest {
    pub(super) fn of(failure: &crate::model::Failure) -> Self {
        let cut = |text: &String| match text.char_indices().find(|(at, _)| *at >= MESSAGE) {
            Some((at, _)) => text[..at].to_owned(),
            None => text.clone(),
        };
        Self { kind: failure.kind.as_ref().map(cut), message: failure.message.as_ref().map(cut) }
    }
}

/// Everything that was said as one number, to tell log records of one moment apart.
fn completion_text(translation: &Translation) -> u64 {
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
        message.parts.iter().fold(hash((sum, message.role)), |sum, part| match &part.content {
            Content::Text(text) => hash((sum, text)),
            Content::Call(call) => hash((sum, call.known_id(), asked(call))),
            Content::Result(result) => hash((sum, &result.call_id, fingerprint::given(result))),
            _ => hash((sum, part.hidden, fingerprint::content(part))),
        })
    })
}

/// What the user asked last, and whether nobody has answered it yet. What stands before it without an answer was asked
/// earlier, or is there for the model to know; what was asked before an answer is not asked now.
fn question(category: Category, readings: &[Reading]) -> Option<(String, bool)> {
    if matches!(category, Category::Tool | Category::Embedding | Category::Reranker | Category::Retriever) {
        return None;
    }
    // One message may come in each reading, so the prompt is what one dialect found in all of them.
    let asks = |reading: &&Reading| reading.prompt.iter().any(|message| message.role == Role::User);
    let first = readings.iter().find(asks)?;
    let prompt = readings.iter().filter(|reading| reading.dialect == first.dialect && reading.carrier == first.carrier);
    let prompt: Vec<&Message> = prompt.flat_map(|reading| &reading.prompt).map(|message| &**message).collect();
    let asked = prompt.iter().rposition(|message| message.role == Role::User)?;
    let anew = !prompt[asked..].iter().any(|message| message.role == Role::Assistant);
    let turn = || {
        let back = prompt[..=asked].iter().rev().take_while(|message| message.role != Role::Assistant);
        back.filter(|message| message.role == Role::User).copied()
    };
    let written = |message: &Message| texts(message).find(|text| !is_aside(text) && !is_element(text)).map(line);
    let mut said = turn().filter(|message| !is_relayed(message));
    let text = said.find_map(written).or_else(|| turn().find_map(|message| texts(message).next().map(line)))?;
    Some((text, anew))
}

/// The texts of a message in which something is said.
fn texts(message: &Message) -> impl Iterator<Item = &str> {
    message.parts.iter().filter(|part| !part.hidden).filter_map(|part| match &part.content {
        Content::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    })
}

/// Whether a framework tells an agent, in the user's name, what another one did.
fn is_relayed(message: &Message) -> bool {
    message.parts.iter().any(|part| part.relayed)
}

/// Whether a text is one element from its first character to its last, as programs write what they add to what a
/// human asks: `<session_context>…</session_context>`.
fn is_element(text: &str) -> bool {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('<') else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    let name = rest.split(|c| !is_name(c)).next().unwrap_or_default();
    let end = text.strip_suffix('>').and_then(|text| text.strip_suffix(name)).is_some_and(|text| text.ends_with("</"));
    !name.is_empty() && end
}

/// A text on one line of a list.
fn line(text: &str) -> String {
    let mut line = String::new();
    let mut left = QUESTION;
    for word in question_in(text).split_whitespace() {
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
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_small() {
        assert!(size_of::<SpanDigest>() <= 336, "{}", size_of::<SpanDigest>());
        assert!(size_of::<ReadingDigest>() <= 96, "{}", size_of::<ReadingDigest>());
    }

    #[test]
    fn a_question_is_one_line() {
        assert_eq!(line(" What\n is  this? "), "What is this?");
        assert_eq!(line(&"x".repeat(500)).chars().count(), QUESTION);
    }

    #[test]
    fn what_programs_add_to_a_question_is_none_unless_nothing_else_is_asked() {
        let asked = |texts: &[&str]| {
            let message = |text: &&str| {
                let mut message = Message::text(Role::User, *text);
                message.parts[0].relayed = text.starts_with("[w] said");
                Arc::new(message)
            };
            let prompt = texts.iter().map(message).collect();
            let reading = Reading::sample("", crate::model::Carrier::Attributes, prompt, Vec::new());
            question(Category::Llm, &[reading]).map(|(text, _)| text)
        };
        let context = "<session_context>\nToday is Sunday.\n</session_context>\n";
        assert_eq!(asked(&[context, "Which module is broken?"]).as_deref(), Some("Which module is broken?"));
        assert_eq!(asked(&["[w] said: 4", "And why?"]).as_deref(), Some("And why?"));
        assert_eq!(asked(&["[w] said: 4"]).as_deref(), Some("[w] said: 4"));
        assert_eq!(asked(&["For context: 4", "And why?"]).as_deref(), Some("And why?"));
        assert_eq!(asked(&["x", "<b>Bold</b> or not?"]).as_deref(), Some("<b>Bold</b> or not?"));
        assert_eq!(asked(&["Which?", context]).as_deref(), Some("Which?"));
        assert_eq!(asked(&["  ", "<p>hi</p>"]).as_deref(), Some("<p>hi</p>"));
        assert_eq!(asked(&["  "]), None);
        let prompt = ["old", "newer", "<p>new</p>"].map(|text| Message::text(Role::User, text));
        let [old, newer, new] = &prompt;
        let answer = Message::text(Role::Assistant, "a");
        let of = |prompt: &[&Message]| {
            let prompt = prompt.iter().map(|message| Arc::new((*message).clone())).collect();
            let carrier = crate::model::Carrier::Attributes;
            let reading = Reading::sample("", carrier, prompt, Vec::new());
            question(Category::Agent, &[reading]).map(|(text, _)| text)
        };
        assert_eq!(of(&[old, &answer, new]).as_deref(), Some("<p>new</p>"));
        assert_eq!(of(&[old, &answer, newer, &answer]).as_deref(), Some("newer"));
    }

    #[test]
    fn a_system_prompt_that_is_told_apart_is_not_all_that_was_sent() {
        let reading = |carrier, message| Reading::sample("strands", carrier, vec![Arc::new(message)], Vec::new());
        let system = reading(crate::model::Carrier::Attributes, Message::text(Role::System, "S"));
        let user = reading(crate::model::Carrier::Event, Message::text(Role::User, "q"));
        assert_eq!(question(Category::Agent, &[system, user]), Some(("q".to_owned(), true)));
    }
}
