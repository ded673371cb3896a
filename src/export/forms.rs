//! The shapes of the transcript: a struct for each table of `transcript.md`, its fields in that order.

mod adopted;

use std::{collections::HashMap, fmt, time::Duration};

use serde::{Serialize, Serializer};

use super::{
    parts::{AttributesForm, Parts, Plain},
    transcript::Trace,
};
use crate::model::{
    AssembledTrace, Conversation, ConversationMessage, Failure, ModelCall, Opener, Span, SpanEvent, SpanId, SpanRow,
    Timestamp, TokenUsage, ToolDefinition, ToolName, ToolRun, Totals, TraceFailure, TraceId, Usd, Waits,
};

/// What is written as people read it: an id in hex, a time in RFC 3339.
pub struct Shown<T>(pub T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// OTLP's time of zero is no time.
pub fn time(at: Timestamp) -> Option<Shown<Timestamp>> {
    at.known().map(Shown)
}

/// OTLP sends a text that was not said as an empty one.
fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[derive(Serialize)]
pub struct TraceForm<'a> {
    trace_id: Shown<TraceId>,
    name: Option<&'a str>,
    session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    project: &'a str,
    service: Option<&'a str>,
    framework: Option<&'a str>,
    environment: Option<&'a str>,
    tags: &'a [String],
    started_at: Option<Shown<Timestamp>>,
    ended_at: Option<Shown<Timestamp>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    program_ended_at: Option<Shown<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted_by: Option<Shown<TraceId>>,
    spans: Vec<SpanForm<'a>>,
    threads: Vec<ThreadForm<'a>>,
    tools: Vec<ToolForm<'a>>,
    tool_definitions: Vec<DefinitionForm<'a>>,
    errors: Vec<ErrorForm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<LimitForm<'a>>,
    totals: TotalsForm,
}

impl<'a> TraceForm<'a> {
    pub fn of(trace: &Trace<'a>) -> Self {
        let Trace { assembled, rows, spans } = *trace;
        let received: HashMap<_, _> = spans.iter().map(|span| (span.id, span)).collect();
        let context = &assembled.context;
        Self {
            trace_id: Shown(assembled.trace),
            name: assembled.name.as_deref(),
            session_id: context.session.as_deref(),
            user_id: context.user.as_deref(),
            project: &assembled.project,
            service: assembled.service.as_deref(),
            framework: context.framework.as_deref(),
            environment: context.environment.as_deref(),
            tags: &context.tags,
            started_at: time(assembled.started),
            ended_at: assembled.ended.and_then(time),
            status: assembled.state.as_str(),
            waits_for: assembled.waits.map(Waits::as_str),
            program_ended_at: assembled.program_ended.and_then(time),
            adopted_by: None,
            spans: span_forms(
                assembled,
                &received,
                rows.spans.iter().filter(|row| received.get(&row.id).is_none_or(|span| span.trace == assembled.trace)),
            ),
            threads: assembled.conversations.iter().map(ThreadForm::of).collect(),
            tools: assembled.tools.iter().map(ToolForm::of).collect(),
            tool_definitions: assembled.definitions.iter().map(DefinitionForm::of).collect(),
            errors: assembled.errors.iter().map(ErrorForm::of).collect(),
            limits: assembled.limits.iter().map(|limit| LimitForm { lost: &limit.lost, times: limit.times }).collect(),
            totals: TotalsForm::of(&totals(assembled)),
        }
    }
}

/// Some spans of a trace in their order.
fn span_forms<'a>(
    assembled: &'a AssembledTrace,
    received: &HashMap<SpanId, &'a Span>,
    rows: impl Iterator<Item = &'a SpanRow>,
) -> Vec<SpanForm<'a>> {
    let calls: HashMap<_, _> = assembled.calls.iter().map(|call| (call.span, call)).collect();
    let mut ordered: Vec<_> = rows.collect();
    ordered.sort_by_key(|row| (row.started, row.ended.is_none(), row.ended, row.id));
    let form = |row: &'a SpanRow| SpanForm::of(row, received.get(&row.id).copied(), calls.get(&row.id).copied());
    ordered.into_iter().map(form).collect()
}

#[derive(Serialize)]
struct SpanForm<'a> {
    span_id: Shown<SpanId>,
    parent_span_id: Option<Shown<SpanId>>,
    name: &'a str,
    kind: &'static str,
    started_at: Option<Shown<Timestamp>>,
    ended_at: Option<Shown<Timestamp>>,
    status: &'static str,
    scope: ScopeForm<'a>,
    /// Unknown, as `events`, where the span as received is not at hand.
    attributes: Option<AttributesForm<'a>>,
    events: Option<Vec<EventForm<'a>>>,
    category: &'static str,
    dialects: &'a [String],
    synthetic: bool,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    response_model: Option<&'a str>,
    usage: Option<UsageForm>,
    counted: bool,
    cost_usd: Option<f64>,
    stop_reason: Option<&'a str>,
    ttft_ms: Option<f64>,
    agent: Option<&'a str>,
    tool: Option<ToolNameForm<'a>>,
    error: Option<FailureForm<'a>>,
}

#[derive(Serialize)]
struct ScopeForm<'a> {
    name: Option<&'a str>,
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct EventForm<'a> {
    name: &'a str,
    at: Option<Shown<Timestamp>>,
    attributes: AttributesForm<'a>,
}

impl<'a> EventForm<'a> {
    fn of(event: &'a SpanEvent) -> Self {
        Self { name: &event.name, at: time(event.at), attributes: AttributesForm(&event.attributes) }
    }
}

impl<'a> SpanForm<'a> {
    /// `call` is what a counted span stands for, so it also fills what only another record of that call says.
    fn of(row: &'a SpanRow, received: Option<&'a Span>, call: Option<&'a ModelCall>) -> Self {
        let genai = &row.translation.genai;
        // Totals are sums over counted spans: of each, what all records of its call know together.
        let usage = call.and_then(|call| call.usage).or(genai.usage).filter(|usage| *usage != TokenUsage::default());
        let ttft = genai.ttft.or(call.and_then(|call| call.ttft));
        let of_call = |own: &'a Option<String>, field: fn(&ModelCall) -> &Option<String>| {
            own.as_deref().or_else(|| field(call?).as_deref())
        };
        Self {
            span_id: Shown(row.id),
            parent_span_id: received.map_or(row.parent, |span| span.parent).map(Shown),
            name: &row.name,
            kind: row.kind.as_str(),
            started_at: time(row.started),
            ended_at: row.ended.and_then(time),
            status: if row.ended.is_none() { "running" } else { row.status.code.as_str() },
            scope: ScopeForm { name: said(&row.scope_name), version: said(&row.scope_version) },
            attributes: received.map(|span| AttributesForm(&span.attributes)),
            events: received.map(|span| span.events.iter().map(EventForm::of).collect()),
            category: call.map_or(genai.category, |call| call.category).as_str(),
            dialects: &row.translation.dialects,
            synthetic: row.synthetic,
            provider: of_call(&genai.provider, |call| &call.provider),
            // Of two names of a model the one that says where it runs is that of the call.
            model: call.and_then(|call| call.model.as_deref()).or(genai.model.as_deref()),
            response_model: of_call(&genai.response_model, |call| &call.response_model),
            usage: usage.map(UsageForm::of),
            counted: call.is_some(),
            cost_usd: call.and_then(cost).map(Usd::dollars),
            stop_reason: of_call(&genai.stop_reason, |call| &call.stop_reason),
            ttft_ms: ttft.map(milliseconds),
            agent: genai.agent.as_deref(),
            tool: genai.tool.as_ref().map(ToolNameForm::of),
            error: row.translation.error.as_ref().map(FailureForm::of),
        }
    }
}

/// The call's cost; nothing for one that was refused, and unknown where it broke off.
fn cost(call: &ModelCall) -> Option<Usd> {
    let free = call.failure.is_some() && !call.broke_off && !call.usage.is_some_and(|usage| usage.has_tokens());
    call.cost.as_ref().map(|cost| cost.total).or(free.then_some(Usd(0)))
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds are exact for a hundred days")]
fn milliseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

#[derive(Serialize)]
struct ToolNameForm<'a> {
    name: Option<&'a str>,
    call_id: Option<&'a str>,
}

impl<'a> ToolNameForm<'a> {
    fn of(tool: &'a ToolName) -> Self {
        Self { name: tool.name.as_deref(), call_id: tool.call_id.as_deref() }
    }
}

#[derive(Serialize)]
struct FailureForm<'a> {
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    message: Option<&'a str>,
    stack: Option<&'a str>,
}

impl<'a> FailureForm<'a> {
    fn of(failure: &'a Failure) -> Self {
        let Failure { kind, message, stack } = failure;
        Self { kind: kind.as_deref(), message: message.as_deref(), stack: stack.as_deref() }
    }
}

#[derive(Serialize)]
struct LimitForm<'a> {
    lost: &'a str,
    times: u64,
}

#[derive(Serialize)]
struct ErrorForm<'a> {
    span_id: Shown<SpanId>,
    #[serde(flatten)]
    failure: FailureForm<'a>,
}

impl<'a> ErrorForm<'a> {
    fn of(error: &'a TraceFailure) -> Self {
        Self { span_id: Shown(error.span), failure: FailureForm::of(&error.failure) }
    }
}

#[derive(Serialize)]
struct UsageForm {
    uncached_input: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    reasoning: Option<u64>,
}

impl UsageForm {
    fn of(usage: TokenUsage) -> Self {
        let TokenUsage { uncached_input, cache_read, cache_write, output, reasoning } = usage;
        Self { uncached_input, cache_read, cache_write, output, reasoning }
    }
}

/// The sums of a trace as this format counts them: a call that ended without tokens leaves the cost known.
pub fn totals(assembled: &AssembledTrace) -> Totals {
    let is_silent = |call: &&ModelCall| call.unpriced && !call.broke_off && !call.lacks_price();
    let silent = assembled.calls.iter().filter(is_silent).count() as u64;
    Totals { unpriced: assembled.totals.unpriced.saturating_sub(silent), ..assembled.totals }
}

#[derive(Serialize)]
pub struct TotalsForm {
    usage: UsageForm,
    cost_usd: Option<f64>,
    model_calls: u64,
    tool_calls: u64,
    failed_tools: u64,
    errors: u64,
}

impl TotalsForm {
    pub fn of(totals: &Totals) -> Self {
        Self {
            usage: UsageForm::of(totals.usage),
            cost_usd: totals.cost_if_known().map(Usd::dollars),
            model_calls: totals.model_calls,
            tool_calls: totals.tool_calls,
            failed_tools: totals.failed_tools,
            errors: totals.errors,
        }
    }
}

#[derive(Serialize)]
struct ThreadForm<'a> {
    thread_id: Shown<SpanId>,
    agent: Option<&'a str>,
    opened_by: Option<OpenerForm<'a>>,
    messages: Vec<MessageForm<'a>>,
}

impl<'a> ThreadForm<'a> {
    fn of(thread: &'a Conversation) -> Self {
        Self {
            thread_id: Shown(thread.id.1),
            agent: thread.agent.as_deref(),
            opened_by: thread.opened_by.as_ref().map(OpenerForm::of),
            messages: thread.messages.iter().map(MessageForm::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct OpenerForm<'a> {
    span_id: Shown<SpanId>,
    call_id: Option<&'a str>,
}

impl<'a> OpenerForm<'a> {
    fn of(opener: &'a Opener) -> Self {
        Self { span_id: Shown(opener.span), call_id: opener.call_id.as_deref() }
    }
}

#[derive(Serialize)]
struct MessageForm<'a> {
    role: &'static str,
    name: Option<&'a str>,
    parts: Parts<'a>,
    at: Option<Shown<Timestamp>>,
    span_id: Shown<SpanId>,
    history: bool,
    /// Only where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rewritten: bool,
}

impl<'a> MessageForm<'a> {
    fn of(said: &'a ConversationMessage) -> Self {
        let message = &*said.message;
        Self {
            role: message.role.as_str(),
            name: message.name.as_deref(),
            parts: Parts(&message.parts),
            at: time(said.at),
            span_id: Shown(said.span),
            history: said.history,
            rewritten: said.rewritten,
        }
    }
}

#[derive(Serialize)]
struct ToolForm<'a> {
    call_id: Option<&'a str>,
    name: &'a str,
    input: Plain<'a>,
    output: Option<Parts<'a>>,
    status: &'static str,
    error: Option<&'a str>,
    span_id: Option<Shown<SpanId>>,
    called_by: Option<Shown<SpanId>>,
    started_at: Option<Shown<Timestamp>>,
    ended_at: Option<Shown<Timestamp>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    earlier: bool,
}

impl<'a> ToolForm<'a> {
    fn of(tool: &'a ToolRun) -> Self {
        Self {
            call_id: tool.call_id.as_deref(),
            name: &tool.name,
            input: Plain(&tool.input),
            output: tool.output.as_deref().map(Parts),
            status: tool.status.as_str(),
            error: tool.error.as_deref(),
            span_id: tool.span.map(Shown),
            called_by: tool.called_by.map(Shown),
            started_at: tool.started.and_then(time),
            ended_at: tool.ended.and_then(time),
            earlier: tool.earlier,
        }
    }
}

#[derive(Serialize)]
struct DefinitionForm<'a> {
    name: &'a str,
    description: Option<&'a str>,
    parameters: Option<Plain<'a>>,
}

impl<'a> DefinitionForm<'a> {
    fn of(definition: &'a ToolDefinition) -> Self {
        Self {
            name: &definition.name,
            description: definition.description.as_deref(),
            parameters: definition.parameters.as_ref().map(Plain),
        }
    }
}

#[derive(Serialize)]
pub struct SessionForm<'a> {
    pub session_id: &'a str,
    pub user_ids: Vec<&'a str>,
    pub trace_ids: Vec<Shown<TraceId>>,
    pub started_at: Option<Shown<Timestamp>>,
    pub ended_at: Option<Shown<Timestamp>>,
    pub totals: TotalsForm,
}
