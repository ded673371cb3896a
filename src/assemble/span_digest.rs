//! A span or log record reduced to what trace listings need: times, ids, state, tokens, names, and hashes of its
//! content.
//!
//! The store keeps the digests of recent traces in memory. So a digest holds no messages, only hashes of them; the only
//! texts are names, the question on one line, the shortened failure, and shortened names, labels and ids of scores.

mod question;

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{
    content_hash::{part_hash, result_hash},
    hashes::{PromptHash, ResponseHash, ScopeHash, ToolNameHash, call_hash},
    reading_digest::{ReadingDigest, ToolExecution, execution, reading_digests},
    span_failure,
    text_hash::hash,
};
use crate::model::{
    Category, Content, Cost, Evaluation, Finish, GivenName, LogRow, Message, Project, Reading, Role, SpanId, SpanKind,
    SpanRow, Timestamp, TokenUsage, Translation,
};
use question::question;

/// Failure kinds and messages are cut to this many bytes, or a few more to end between two characters.
const MESSAGE: usize = 400;

/// What is kept of one span or log record: everything that trees, counts and listings are made from.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are facts and have nothing to do with each other")]
pub struct SpanDigest {
    /// Whether this is a log record; otherwise it is a span.
    pub(super) is_log: bool,
    /// The span's own id; for a log record the span that it names, `None` if it names none.
    pub(super) span: Option<SpanId>,
    /// The parent span; `None` for a span without one, and for every log record.
    pub(super) parent: Option<SpanId>,
    /// The display name that a dialect found, else the span's name; empty for a log record.
    pub(super) name: Box<str>,
    /// See [`Translation::given_name`]; `None` for the whole name.
    pub(super) given_name: Option<Box<GivenName>>,
    /// `None` for a log record.
    pub(super) project: Option<Project>,
    /// `service.name` of the resource; `None` if the resource has none, and for a log record.
    pub(super) service: Option<Box<str>>,
    /// Start of the span, or time of the log record.
    pub(super) started: Timestamp,
    /// End of the span, `None` while it runs; for a log record its time.
    pub(super) ended: Option<Timestamp>,
    /// Whether the span was made from log records and was not received itself.
    pub(super) synthetic: bool,
    /// See [`SpanRow::remote_parent`]; `false` for a log record.
    pub(super) remote_parent: bool,
    /// Hash of the instrumentation scope's name; `None` for a log record.
    pub(super) scope: Option<ScopeHash>,
    /// Whether the span's kind is `CLIENT`; `false` for a log record.
    pub(super) client: bool,
    /// What kind of work the dialects found.
    pub(super) category: Category,
    /// See [`crate::model::GenAi::aggregate`].
    pub(super) aggregate: bool,
    /// See [`Translation::unconfirmed`].
    pub(super) unconfirmed: bool,
    /// Whether the span delivers a message between agents ([`crate::model::GenAi::delivery`]). The model call that made
    /// the message is recorded elsewhere, if at all.
    pub(super) relays: bool,
    /// See [`Translation::plumbing`].
    pub(super) plumbing: bool,
    /// Whether a provider is named.
    pub(super) billed: bool,
    /// The tokens that this record reports; `None` if it reports none.
    pub(super) usage: Option<Box<TokenUsage>>,
    /// The cost that the record reports, else the one computed from its own model and tokens; `None` if neither is
    /// known.
    pub(super) cost: Option<Box<Cost>>,
    /// Hash of the response id.
    pub(super) response: Option<ResponseHash>,
    /// The requested model, else the one that answered.
    pub(super) model: Option<Box<str>>,
    /// Who serves the model, as the record names it.
    pub(super) provider: Option<Box<str>>,
    /// What only statistics need; `None` where there is nothing of it.
    pub(super) facts: Option<Box<StepFacts>>,
    /// The failure that this record reports; `None` if it reports none.
    pub(super) failure: Option<Box<FailureDigest>>,
    /// The session that the record names.
    pub(super) session: Option<Box<str>>,
    /// The end user that the record names.
    pub(super) user: Option<Box<str>>,
    /// The agent framework or SDK that made the record, where a dialect knows it.
    pub(super) framework: Option<Box<str>>,
    /// The user's last text in the prompt, on one line; `None` if the prompt has none.
    pub(super) question: Option<Box<str>>,
    /// `true` if no assistant message follows `question` in the prompt; `false` where there is no question.
    pub(super) anew: bool,
    /// Hash of the whole prompt, for a model call's span that has no completion or that ends a stream; `None` for
    /// everything else. `streams` joins such spans by it.
    pub(super) half_prompt: Option<PromptHash>,
    /// See [`crate::model::GenAi::ends_stream`].
    pub(super) ends_stream: bool,
    /// One digest for each dialect and carrier in which messages were found.
    pub(super) reading_digests: Box<[ReadingDigest]>,
    /// What a tool's span or any log record states about a tool execution; `None` if it states nothing.
    pub(super) execution: Option<Box<ToolExecution>>,
    /// The order of log records of equal time: position in the export; then instructions (0) before prompts (1) before
    /// answers (2), for records of two exports; then a hash of the content, so that the order in which exports arrive
    /// changes nothing. All zeroes for a span.
    pub(super) rank: (u32, u8, u64),
}

/// What statistics need of a record beside its tokens and times.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct StepFacts {
    /// The agent that the record names.
    pub agent: Option<Box<str>>,
    /// Time to the first token.
    pub first_token: Option<Duration>,
    /// Whether the answer was cut at a limit of tokens.
    pub cut_off: bool,
    /// Why the answer ended, as it was sent.
    pub finish: Option<Box<str>>,
    /// The names of the tools that its answers call and that it states to have run, each with its hash.
    pub tool_names: Box<[(ToolNameHash, Box<str>)]>,
    /// The evaluations that it holds, without their reasons.
    pub evaluations: Box<[Evaluation]>,
}

impl StepFacts {
    /// Those of a translation; `None` where there are none.
    fn of(translation: &Translation) -> Option<Box<Self>> {
        let genai = &translation.genai;
        let facts = Self {
            agent: genai.agent.as_deref().map(Box::from),
            first_token: genai.ttft,
            cut_off: genai.stop_reason.as_deref().and_then(Finish::of) == Some(Finish::CutOff),
            finish: genai.stop_reason.as_deref().map(|reason| cut(reason).into()),
            tool_names: tool_names(translation),
            evaluations: evaluations(translation),
        };
        (facts != Self::default()).then(|| Box::new(facts))
    }
}

/// A failure, shortened to what is needed to compare it with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailureDigest {
    /// Exception type or status code; `None` if the record names none.
    pub kind: Option<String>,
    /// The failure's message, cut to [`MESSAGE`]; `None` if the record has none.
    pub message: Option<String>,
}

impl SpanDigest {
    /// Digests a span.
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
            remote_parent: row.remote_parent,
            scope: Some(ScopeHash::of(&row.scope_name)),
            client: row.kind == SpanKind::Client,
            failure: span_failure::of_span(row).map(|failure| Box::new(FailureDigest::of(&failure))),
            execution: (translation.genai.category == Category::Tool).then(|| execution(translation)).flatten(),
            half_prompt: if is_half { prompt(&translation.readings) } else { None },
            ..understood
        }
    }

    /// What of the name people gave; `None` where the instrumentation made all of it.
    pub fn given_name(&self) -> Option<&str> {
        let given = match self.given_name.as_deref() {
            None | Some(GivenName::Whole) => &*self.name,
            Some(GivenName::Part(part)) => part,
            Some(GivenName::Nothing) => "",
        };
        Some(given.trim()).filter(|given| !given.is_empty())
    }

    /// Whether it is a log record that names this span.
    pub fn is_record_of(&self, span: SpanId) -> bool {
        self.is_log && self.span == Some(span)
    }

    /// The id of the span that it digests; `None` for a log record.
    pub fn own_span(&self) -> Option<SpanId> {
        self.span.filter(|_| !self.is_log)
    }

    /// Whether it is a span without a parent that was received.
    pub fn is_top(&self) -> bool {
        !self.is_log && self.parent.is_none() && !self.synthetic
    }

    /// The same span or log record in a trace that adopted its own, because that is a record of `call`.
    #[must_use]
    pub fn beneath(self, call: SpanId) -> Self {
        let parent = if self.is_log { None } else { self.parent.or(Some(call)) };
        Self { parent, ..self }
    }

    /// Digests a log record.
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

    /// The part of a digest that comes from the translation, equal for spans and log records. All other fields are
    /// empty.
    fn understood(translation: &Translation) -> Self {
        let Translation { context, genai, readings, error, unconfirmed, .. } = translation;
        let (question, anew) = question(genai.category, readings).unzip();
        let anew = anew.unwrap_or_default();
        Self {
            is_log: false,
            span: None,
            parent: None,
            name: Box::default(),
            given_name: Some(&translation.given_name)
                .filter(|given| **given != GivenName::Whole)
                .cloned()
                .map(Box::new),
            project: None,
            service: None,
            started: Timestamp::default(),
            ended: None,
            synthetic: false,
            remote_parent: false,
            scope: None,
            client: false,
            category: genai.category,
            aggregate: genai.aggregate,
            unconfirmed: *unconfirmed,
            relays: genai.delivery.is_some(),
            plumbing: translation.plumbing,
            // To make an agent is no request to it.
            billed: genai.provider.is_some() && genai.operation.as_deref() != Some("create_agent"),
            usage: genai.usage.map(Box::new),
            cost: genai.cost.clone().map(Box::new),
            response: genai.response_id.as_ref().map(ResponseHash::of),
            model: genai.model.as_deref().or(genai.response_model.as_deref()).map(Box::from),
            provider: genai.provider.as_deref().map(Box::from),
            facts: StepFacts::of(translation),
            failure: error.as_ref().map(|failure| Box::new(FailureDigest::of(failure))),
            session: context.session.as_deref().map(Box::from),
            user: context.user.as_deref().map(Box::from),
            framework: context.framework.as_deref().map(Box::from),
            question: question.map(Box::from),
            anew,
            half_prompt: None,
            ends_stream: genai.ends_stream,
            reading_digests: reading_digests(readings).into(),
            execution: None,
            rank: (0, 0, 0),
        }
    }

    /// Whether the record has tokens, a failure or messages, so that a placeholder node is made for its span if that
    /// was never received. Plain application logs have none of these.
    pub(super) fn has_content(&self) -> bool {
        self.usage.is_some()
            || self.failure.is_some()
            || self.reading_digests.iter().any(|digest| digest.prompts || digest.answers)
    }

    /// Whether it is a log record that only says what somebody judged: no sign of the program itself.
    pub(super) fn only_judges(&self) -> bool {
        let judges = self.facts.as_ref().is_some_and(|facts| !facts.evaluations.is_empty());
        self.is_log && judges && !self.has_content()
    }
}

impl FailureDigest {
    /// Copies a failure with its texts cut to [`MESSAGE`].
    pub(super) fn of(failure: &crate::model::Failure) -> Self {
        let cut = |text: &String| cut(text).to_owned();
        Self { kind: failure.kind.as_ref().map(cut), message: failure.message.as_ref().map(cut) }
    }
}

/// At most [`MESSAGE`] bytes of a text, or a few more.
fn cut(text: &str) -> &str {
    text.char_indices().find(|(at, _)| *at >= MESSAGE).map_or(text, |(at, _)| &text[..at])
}

/// The evaluations of a record with what lists need of them.
fn evaluations(translation: &Translation) -> Box<[Evaluation]> {
    let short = |text: &Option<String>| text.as_deref().map(|text| cut(text).to_owned());
    let evaluations = translation.evaluations.iter().map(|of| Evaluation {
        judged: of.judged,
        span: None,
        at: of.at,
        name: cut(&of.name).to_owned(),
        score: of.score,
        label: short(&of.label),
        id: short(&of.id),
        ..Evaluation::default()
    });
    evaluations.collect()
}

/// The names of the tools that answers call, that the last answer in a prompt and prompts of an execution call, and that
/// the record states; each once.
fn tool_names(translation: &Translation) -> Box<[(ToolNameHash, Box<str>)]> {
    let mut names: Vec<(ToolNameHash, Box<str>)> = Vec::new();
    let mut known = HashSet::new();
    let mut add = |name: &str| {
        let hash = ToolNameHash::of(name);
        if !name.is_empty() && known.insert(hash) {
            names.push((hash, cut(name).into()));
        }
    };
    let tool = translation.genai.tool.as_ref();
    tool.and_then(|tool| tool.name.as_deref()).into_iter().for_each(&mut add);
    let is_execution = translation.genai.category == Category::Tool;
    for reading in &translation.readings {
        // Some calls are recorded only in the request that brings their results: in the last answer there.
        let last = reading.prompt.iter().rposition(|message| message.role == Role::Assistant).unwrap_or_default();
        let prompt = reading.prompt.iter().skip(if is_execution { 0 } else { last });
        for part in reading.completion.iter().chain(prompt).flat_map(|message| &message.parts) {
            if let Content::Call(call) = &part.content {
                add(&call.name);
            }
        }
    }
    names.into()
}

/// Hash of all prompts and completions of a log record, to order records of equal time and position.
fn completion_text(translation: &Translation) -> u64 {
    words(translation.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion)))
}

/// Hash of the prompt as the first dialect and carrier with a prompt found it; `None` if none found one.
fn prompt(readings: &[Reading]) -> Option<PromptHash> {
    let first = readings.iter().find(|reading| !reading.prompt.is_empty())?;
    let same = |reading: &&Reading| reading.dialect == first.dialect && reading.carrier == first.carrier;
    Some(PromptHash::of(words(readings.iter().filter(same).flat_map(|reading| &reading.prompt))))
}

/// Folds messages into one hash, in order.
fn words<'m>(messages: impl Iterator<Item = &'m Arc<Message>>) -> u64 {
    messages.fold(0, |sum, message| {
        message.parts.iter().fold(hash((sum, message.role)), |sum, part| match &part.content {
            Content::Text(text) => hash((sum, text)),
            Content::Call(call) => hash((sum, call.known_id(), call_hash(call))),
            Content::Result(result) => hash((sum, &result.call_id, result_hash(result))),
            _ => hash((sum, part.hidden, part_hash(part))),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_small() {
        assert!(size_of::<SpanDigest>() <= 336, "{}", size_of::<SpanDigest>());
        assert!(size_of::<ReadingDigest>() <= 96, "{}", size_of::<ReadingDigest>());
    }
}
