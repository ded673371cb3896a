//! What an agent did, as a person reads it: conversations, tool runs, calls, errors.

use std::{borrow::Cow, collections::HashSet, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Arguments, Category, Context, Cost, Dropped, Failure, Message, Parameters, Part, Request, RunState, SpanId,
    Timestamp, TokenUsage, ToolDefinition, Totals, TraceId, TraceState, Tree, Waits, shared,
};

/// The span id of its first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConversationId(pub TraceId, pub SpanId);

/// One conversation of one agent, without the repetitions that each request's history makes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conversation {
    pub id: ConversationId,
    pub agent: Option<String>,
    /// `None` for a top-level conversation.
    pub opened_by: Option<Opener>,
    pub messages: Vec<ConversationMessage>,
}

/// What started a sub-agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opener {
    pub span: SpanId,
    pub call_id: Option<String>,
}

/// One message where it was said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConversationMessage {
    #[serde(with = "shared")]
    pub message: Arc<Message>,
    /// The event's or record's time, else the span's start (sent) or end (answered).
    pub at: Timestamp,
    /// The counted span that produced it (assistant) or first carried it (others).
    pub span: SpanId,
    /// Index into [`AssembledTrace::calls`]; past its end for what no counted call carried.
    pub turn: usize,
    /// It came in with a request and was not produced in this trace.
    pub history: bool,
    /// History that stands in the place of what was said: a summary of it, a message cut short, a result taken out.
    pub rewritten: bool,
}

impl ConversationMessage {
    /// A message that was produced in this trace.
    #[must_use]
    pub fn new(message: Arc<Message>, at: Timestamp, span: SpanId, turn: usize) -> Self {
        Self { message, at, span, turn, history: false, rewritten: false }
    }
}

/// One call of a tool, whether known from the model's message, an execution span, a log record or several of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToolRun {
    pub call_id: Option<String>,
    pub name: String,
    pub input: Arguments,
    /// As the tool returned it, else as the model saw it.
    pub output: Option<Vec<Part>>,
    pub status: ToolStatus,
    pub error: Option<String>,
    /// The execution span.
    pub span: Option<SpanId>,
    /// The model call that asked for it.
    pub called_by: Option<SpanId>,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// Whether an earlier trace asked for it that no session joins with this one, which has only the request that
    /// brought the result. It is in no sum.
    pub earlier: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolStatus {
    Ok,
    Error,
    Pending,
}

impl ToolStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Pending => "pending",
        }
    }
}

/// A search for documents, an ordering of some, or an embedding: what was asked, and what came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Retrieval {
    pub span: SpanId,
    /// Of a retriever, a reranker or an embedding.
    pub category: Category,
    /// As people should read it.
    pub name: String,
    pub model: Option<String>,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failed: bool,
    /// The query or the texts; of a reranker also the documents that it was given.
    #[serde(with = "shared::list")]
    pub asked: Vec<Arc<Message>>,
    /// The documents in their order, or how long the vectors are.
    #[serde(with = "shared::list")]
    pub found: Vec<Arc<Message>>,
}

/// A score that somebody gave what a span did, a trace or a session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Evaluation {
    pub judged: Judged,
    /// The span that it judges; `None`: the whole trace or session. Always `None` in a translation, where it is the span
    /// that the evaluation was sent with.
    pub span: Option<SpanId>,
    pub at: Timestamp,
    /// What was judged: `relevance`, `toxicity`.
    pub name: String,
    pub score: Option<f64>,
    /// What the score means: `pass`, `relevant`.
    pub label: Option<String>,
    pub explanation: Option<String>,
    /// Why it could not be made.
    pub failure: Option<String>,
    /// Who judged, in lower case: `human`, `llm`, `code`.
    pub judge: Option<String>,
    /// By which its sender tells it from others of the same name; a later one of the same id replaces it.
    pub id: Option<String>,
}

/// What a run or a session was judged by.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Score {
    /// The lowest of the numbers that it, or a step of it, was given, whatever was judged.
    pub number: Option<f64>,
    /// A label that says that it failed; else, where nothing gave it a number, the last label.
    pub label: Option<String>,
    /// What was judged, `relevance`, `toxicity`, each once, in order of name.
    pub names: Vec<String>,
}

impl Score {
    /// The score as the store keeps it; `None` where nobody judged.
    #[must_use]
    pub fn of(number: Option<f64>, label: Option<String>, names: Vec<String>) -> Option<Self> {
        (number.is_some() || label.is_some()).then_some(Self { number, label, names })
    }

    /// The label, if it says that something failed.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.label.as_deref().filter(|label| Self::says_failed(label))
    }

    /// Whether a label says that something failed. Others, such as `false`, are good or bad by what was judged.
    #[must_use]
    pub fn says_failed(label: &str) -> bool {
        ["fail", "failed"].iter().any(|failed| label.trim().eq_ignore_ascii_case(failed))
    }

    /// That of two which judge the same.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let number = self.number.into_iter().chain(other.number).min_by(f64::total_cmp);
        let failed = self.failed().or(other.failed()).map(str::to_owned);
        let label = failed.or_else(|| other.label.or(self.label).filter(|_| number.is_none()));
        let mut names = [self.names, other.names].concat();
        names.sort_unstable();
        names.dedup();
        Self { number, label, names }
    }
}

/// What an evaluation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Judged {
    /// The span that it was sent with, or that its log record names.
    #[default]
    Span,
    Trace,
    /// The session of the trace.
    Session,
}

/// One failure, at the deepest span that carries it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceFailure {
    pub span: SpanId,
    pub at: Timestamp,
    pub failure: Failure,
}

/// What made a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrumentation {
    /// The name of its instrumentation scope.
    pub scope: String,
    pub framework: Option<String>,
}

/// One counted call (a "turn" on the screen), in order of start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelCall {
    pub span: SpanId,
    pub name: String,
    pub category: Category,
    pub agent: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub response_model: Option<String>,
    pub parameters: Parameters,
    /// What it was sent.
    pub request: Request,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub ttft: Option<Duration>,
    pub stop_reason: Option<String>,
    /// The fullest of what the records of this call report.
    pub usage: Option<TokenUsage>,
    /// How many tokens a total that was reported has more than `usage`: nobody says what they are, and they have no price.
    pub unexplained: u64,
    pub cost: Option<Cost>,
    /// Nobody knows what it cost: it has tokens but no price, or it ended without tokens and was not refused.
    pub unpriced: bool,
    /// It failed while it was under way and reports no tokens: its provider may bill what it had generated.
    pub broke_off: bool,
    /// The model's context window in tokens, where it is known.
    pub window: Option<u64>,
    pub failure: Option<Failure>,
    /// How much of its records their sender threw away: not all that was sent or said is known.
    pub dropped: Dropped,
    /// Who recorded a model call that ended well and of which no message is known; `None` for any other call.
    pub unrecorded: Option<Instrumentation>,
    /// What makes the instrumentation of an unrecorded call record its messages, once that was looked up.
    pub recording_hint: Option<Cow<'static, str>>,
    /// Other spans that describe the same call.
    pub also: Vec<SpanId>,
}

impl ModelCall {
    /// Whether it has tokens, and nobody knows their price.
    #[must_use]
    pub fn lacks_price(&self) -> bool {
        self.unpriced && self.usage.is_some_and(|usage| usage.has_tokens())
    }
}

#[cfg(test)]
impl ModelCall {
    /// A model call that began then, of which nothing else is known.
    pub fn sample(span: SpanId, started: Timestamp) -> Self {
        Self {
            span,
            name: "chat".to_owned(),
            category: Category::Llm,
            agent: None,
            provider: None,
            model: None,
            response_model: None,
            parameters: Parameters::default(),
            request: Request::default(),
            started,
            ended: None,
            ttft: None,
            stop_reason: None,
            usage: None,
            unexplained: 0,
            cost: None,
            unpriced: false,
            broke_off: false,
            window: None,
            failure: None,
            dropped: Dropped::default(),
            unrecorded: None,
            recording_hint: None,
            also: Vec::new(),
        }
    }
}

/// All that is shown of one trace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssembledTrace {
    pub trace: TraceId,
    pub name: Option<String>,
    /// What the user asked in it, on one line, as lists show it; `None` where nobody asked anything.
    pub question: Option<String>,
    pub project: String,
    pub service: Option<String>,
    /// Session, user, framework, environment and tags that hold for the whole trace.
    pub context: Context,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub state: TraceState,
    /// The latest start or end of any span or log record.
    pub last_seen: Timestamp,
    /// What has to come before it is complete; `None` where nothing is missing.
    pub waits: Option<Waits>,
    /// When the last program ended that had sent some of it, as `run` saw it end; `None` where none is known to have.
    pub program_ended: Option<Timestamp>,
    pub tree: Tree,
    pub calls: Vec<ModelCall>,
    pub conversations: Vec<Conversation>,
    pub tools: Vec<ToolRun>,
    /// In order of start; a search within a search is left out.
    pub retrievals: Vec<Retrieval>,
    /// By time; added once they were looked up.
    pub evaluations: Vec<Evaluation>,
    pub definitions: Vec<ToolDefinition>,
    pub errors: Vec<TraceFailure>,
    pub totals: Totals,
    /// Only spans arrived that an SDK puts around a program's work: no model call, no tool, nothing else.
    pub only_wrapper_spans: bool,
    /// Span count, synthetic ones left out.
    pub spans: u64,
    /// The limits of comparison that were reached while it was assembled, each once; empty for almost every trace.
    pub limits: Vec<LimitReached>,
}

/// A limit that bounds how much of a trace is compared, and left something out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReached {
    /// What was lost, as a clause for people.
    pub lost: Cow<'static, str>,
    /// How often something was left out.
    pub times: u64,
}

impl AssembledTrace {
    /// A trace of which nothing is known but its id and its start.
    #[must_use]
    pub fn sample(trace: TraceId, started: Timestamp) -> Self {
        Self {
            trace,
            name: None,
            question: None,
            project: "default".to_owned(),
            service: None,
            context: Context::default(),
            started,
            ended: None,
            state: TraceState::Ok,
            last_seen: started,
            waits: None,
            program_ended: None,
            tree: Tree::default(),
            calls: Vec::new(),
            conversations: Vec::new(),
            tools: Vec::new(),
            retrievals: Vec::new(),
            evaluations: Vec::new(),
            definitions: Vec::new(),
            errors: Vec::new(),
            totals: Totals::default(),
            only_wrapper_spans: false,
            spans: 0,
            limits: Vec::new(),
        }
    }

    /// The state of the run at a moment, as lists show it.
    #[must_use]
    pub fn run_state(&self, now: Timestamp) -> RunState {
        RunState::of(self.running_until(), self.waits, self.state, self.totals.failures(), now)
    }

    /// The moment from which on nothing more is expected of it; `None` where nothing is missing.
    #[must_use]
    pub fn running_until(&self) -> Option<Timestamp> {
        Some(self.waits?.until(self.last_seen, self.program_ended))
    }

    /// The spans that count as a call and sum up several: agents' whose own calls are not recorded, and which tools ran
    /// for. Their tokens are those of no one prompt.
    #[must_use]
    pub fn sums(&self) -> HashSet<SpanId> {
        let agents: HashSet<SpanId> =
            self.calls.iter().filter(|call| call.category == Category::Agent).map(|call| call.span).collect();
        if agents.is_empty() {
            return agents;
        }
        self.tools.iter().filter_map(|run| run.called_by).filter(|by| agents.contains(by)).collect()
    }

    /// Which turn each of its calls is, from 1; `None` for calls that take none.
    #[must_use]
    pub fn turns(&self) -> Vec<Option<usize>> {
        let mut turns = 0;
        let mut turn = |call: &ModelCall| {
            turns += usize::from(call.category.takes_turns());
            call.category.takes_turns().then_some(turns)
        };
        self.calls.iter().map(&mut turn).collect()
    }
}
