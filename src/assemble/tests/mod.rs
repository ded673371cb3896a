//! The room as its callers see it: rows in, what a person reads.

#![expect(clippy::cloned_ref_to_slice_refs, reason = "one message reads like several")]

mod agents;
mod backfill;
mod calls;
mod conversations;
mod exchanges;

mod merges;
mod properties;
mod records;
mod requests;
mod retrievals;
mod sessions;
mod tools;
mod tools_asked_later;
mod trees;
mod vectors;

use std::{collections::HashMap, sync::Arc};

use super::{SpanDigest, TraceListing};
use crate::model::{
    AssembledTrace, Carrier, Category, Content, ContentKind, Cost, Delivery, Failure, GenAi, LogRow, Message, Part,
    PriceSource, Project, Reading, Role, SpanId, SpanKind, SpanRow, Status, StatusCode, Timestamp, TokenUsage,
    ToolCall, ToolName, ToolResult, TraceId, TraceRows, Translation, Tree, Usd, json,
};

/// A span under construction. Times are in seconds from some day.
#[derive(Debug, Clone)]
struct Made {
    row: SpanRow,
    translation: Translation,
}

fn span_id(id: u64) -> SpanId {
    SpanId::from_bytes(&id.to_be_bytes()).unwrap()
}

fn trace_id(id: u64) -> TraceId {
    TraceId::from_bytes(&[[0; 8], id.to_be_bytes()].concat()).unwrap()
}

fn seconds(at: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small times of tests")]
    Timestamp((1e18 + at * 1e9) as u64)
}

/// A span of a kind; it begins at its id's second and lasts one.
fn made(id: u64, parent: u64, category: Category) -> Made {
    #[expect(clippy::cast_precision_loss, reason = "small ids of tests")]
    let at = id as f64;
    let mut translation = Translation::default();
    translation.genai.category = category;
    let row = SpanRow {
        project: Project::default(),
        trace: trace_id(1),
        id: span_id(id),
        parent: (parent > 0).then(|| span_id(parent)),
        name: format!("span {id}"),
        kind: SpanKind::Internal,
        status: Status::default(),
        started: seconds(at),
        ended: Some(seconds(at + 1.0)),
        service: None,
        scope_name: "test".to_owned(),
        scope_version: String::new(),
        synthetic: false,
        remote_parent: false,
        translation: Arc::default(),
    };
    Made { row, translation }
}

fn llm(id: u64, parent: u64) -> Made {
    made(id, parent, Category::Llm)
}

/// A record of a model call by the library that sends it.
fn rpc(id: u64, parent: u64) -> Made {
    llm(id, parent).scope("rpc")
}

fn agent(id: u64, parent: u64, name: &str) -> Made {
    let mut made = made(id, parent, Category::Agent).at(0.0, 1000.0);
    made.translation.genai.agent = Some(name.to_owned());
    made
}

fn chain(id: u64, parent: u64) -> Made {
    made(id, parent, Category::Chain)
}

/// An execution with its arguments and what it returned.
fn tool(id: u64, parent: u64, call: Option<&str>, name: &str, input: &str, output: Option<&str>) -> Made {
    let mut made = made(id, parent, Category::Tool).named(&format!("execute_tool {name}"));
    let call_id = call.map(str::to_owned);
    made.translation.genai.tool = Some(ToolName { name: Some(name.to_owned()), call_id, ..ToolName::default() });
    let output: Vec<Message> = output.map(|output| results(&[(call, output)])).into_iter().collect();
    made.asked(&[calls("", &[(call, name, input)])]).answered(&output)
}

impl Made {
    fn at(mut self, started: f64, ended: f64) -> Self {
        self.row.started = seconds(started);
        self.row.ended = Some(seconds(ended));
        self
    }

    fn running(mut self) -> Self {
        self.row.ended = None;
        self
    }

    fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.row.name);
        self
    }

    fn scope(mut self, scope: &str) -> Self {
        scope.clone_into(&mut self.row.scope_name);
        self
    }

    fn tokens(mut self, input: u64, output: u64) -> Self {
        let usage = TokenUsage { uncached_input: Some(input), output: Some(output), ..TokenUsage::default() };
        self.translation.genai.usage = Some(usage);
        self
    }

    /// Of the input so much was read from a cache, and written to it.
    fn caches(mut self, read: u64, write: u64) -> Self {
        let usage = self.translation.genai.usage.as_mut().unwrap();
        usage.uncached_input = usage.uncached_input.map(|input| input - read - write);
        (usage.cache_read, usage.cache_write) = (Some(read), Some(write));
        self
    }

    /// Its sender threw away so many attributes.
    fn dropped(mut self, attributes: u32) -> Self {
        self.translation.dropped.attributes = attributes;
        self
    }

    fn model(mut self, name: &str) -> Self {
        self.translation.genai.model = Some(name.into());
        self
    }

    fn response(mut self, id: &str) -> Self {
        self.translation.genai.response_id = Some(id.to_owned());
        self
    }

    fn aggregate(mut self) -> Self {
        self.translation.genai.aggregate = true;
        self
    }

    fn cost(mut self, pico: i64, source: PriceSource) -> Self {
        self.translation.genai.cost = Some(Cost { total: Usd(pico), parts: None, source, computed: None });
        self
    }

    fn session(mut self, session: &str) -> Self {
        self.translation.context.session = Some(session.to_owned());
        self
    }

    fn failed(mut self, kind: &str, message: &str) -> Self {
        self.translation.error =
            Some(Failure { kind: Some(kind.to_owned()), message: Some(message.to_owned()), stack: None });
        self.broken("")
    }

    /// An error status and nothing else but a message, perhaps.
    fn broken(mut self, message: &str) -> Self {
        self.row.status = Status { code: StatusCode::Error, message: message.to_owned() };
        self.translation.error.get_or_insert_default();
        self
    }

    fn asked(self, prompt: &[Message]) -> Self {
        self.read("genai-3", Carrier::Attributes, prompt, &[])
    }

    fn answered(mut self, completion: &[Message]) -> Self {
        match self.translation.readings.last_mut() {
            Some(reading) => reading.completion.extend(completion.iter().cloned().map(Arc::new)),
            None => self = self.read("genai-3", Carrier::Attributes, &[], completion),
        }
        self
    }

    fn read(mut self, dialect: &str, carrier: Carrier, prompt: &[Message], completion: &[Message]) -> Self {
        self.translation.readings.push(reading(dialect, carrier, prompt, completion));
        if !self.translation.dialects.iter().any(|known| known == dialect) {
            self.translation.dialects.push(dialect.to_owned());
        }
        self
    }

    fn row(self) -> SpanRow {
        SpanRow { translation: Arc::new(self.translation), ..self.row }
    }
}

fn reading(dialect: &str, carrier: Carrier, prompt: &[Message], completion: &[Message]) -> Reading {
    let arcs = |messages: &[Message]| messages.iter().cloned().map(Arc::new).collect();
    Reading::sample(dialect, carrier, arcs(prompt), arcs(completion))
}

/// A log record that carries messages: so many hundredths of a second after its span began.
fn log(span: u64, nth: u32, prompt: &[Message], completion: &[Message]) -> LogRow {
    #[expect(clippy::cast_precision_loss, reason = "small ids of tests")]
    let at = span as f64 + f64::from(nth) / 100.0;
    let readings = vec![Reading { answer_unmarked: true, ..reading("events", Carrier::Log, prompt, completion) }];
    LogRow {
        trace: Some(trace_id(1)),
        span: (span > 0).then(|| span_id(span)),
        at: seconds(at),
        position: 0,
        name: String::new(),
        severity: 9,
        severity_text: String::new(),
        text: String::new(),
        translation: Arc::new(Translation { readings, ..Translation::default() }),
    }
}

fn rows(id: u64, spans: Vec<Made>, logs: Vec<LogRow>) -> TraceRows {
    let mut spans: Vec<SpanRow> = spans.into_iter().map(Made::row).collect();
    for span in &mut spans {
        span.trace = trace_id(id);
    }
    TraceRows { spans, logs, ..TraceRows::empty(trace_id(id)) }
}

/// Assembles one trace, and checks that a list would say the same of it.
fn one(spans: Vec<Made>) -> AssembledTrace {
    of(rows(1, spans, Vec::new()))
}

fn of(rows: TraceRows) -> AssembledTrace {
    let settled = settled(&rows);
    let assembled = session(vec![rows]).remove(0);
    let says =
        |assembled: &AssembledTrace| (assembled.totals, assembled.state, assembled.name.clone(), assembled.started);
    assert_eq!(says(&assembled), (settled.totals, settled.state, settled.name.clone(), settled.started));
    assert_eq!((assembled.ended, assembled.spans), (settled.ended, settled.spans));
    assembled
}

/// One pico-dollar a token, of models that have a name.
fn price(genai: &GenAi, _: Timestamp) -> Option<Cost> {
    let total = Usd(i64::try_from(genai.usage?.total()?).ok()?);
    let source = PriceSource::Table { table: "t".to_owned(), model: genai.model.clone()?, terms: None };
    Some(Cost { total, parts: None, source, computed: None })
}

/// Assembles traces of one session, and holds that each tree is the one that is answered without conversations.
fn session(traces: Vec<TraceRows>) -> Vec<AssembledTrace> {
    let trees: HashMap<TraceId, Tree> = traces.iter().map(|rows| (rows.trace, super::tree(rows, &price))).collect();
    let assembled = super::session(traces, &price);
    for trace in &assembled {
        assert_eq!(trace.tree, trees[&trace.trace]);
    }
    assembled
}

fn settled(rows: &TraceRows) -> TraceListing {
    let facts: Vec<SpanDigest> =
        rows.spans.iter().map(SpanDigest::of_span).chain(rows.logs.iter().map(SpanDigest::of_log)).collect();
    super::summarize(rows.trace, &facts, &price)
}

/// Calls one after another under one root, each with its prompt and answer.
fn conversation(exchanges: &[(&[Message], &[Message])]) -> AssembledTrace {
    let mut spans = vec![made(1, 0, Category::Span).at(0.0, 1000.0)];
    for ((prompt, completion), id) in exchanges.iter().zip(2..) {
        spans.push(llm(id, 1).asked(prompt).answered(completion));
    }
    one(spans)
}

/// Traces of one session, each beginning a thousand seconds after the one before.
fn several(traces: Vec<Vec<Made>>) -> Vec<AssembledTrace> {
    let mut all = Vec::new();
    for (nth, spans) in traces.into_iter().enumerate() {
        let mut trace = rows(nth as u64 + 1, spans, Vec::new());
        for span in &mut trace.spans {
            let later = nth as u64 * 1_000_000_000_000;
            span.started.0 += later;
            span.ended = span.ended.map(|ended| Timestamp(ended.0 + later));
            Arc::make_mut(&mut span.translation).context.session.get_or_insert_with(|| "s".to_owned());
        }
        all.push(trace);
    }
    // The order in which a store hands them out does not matter.
    all.reverse();
    session(all)
}

fn system(text: &str) -> Message {
    Message::text(Role::System, text)
}

fn user(text: &str) -> Message {
    Message::text(Role::User, text)
}

fn assistant(text: &str) -> Message {
    Message::text(Role::Assistant, text)
}

/// An answer that calls tools: id, name, arguments.
fn calls(text: &str, calls: &[(Option<&str>, &str, &str)]) -> Message {
    let mut parts = if text.is_empty() { Vec::new() } else { vec![Part::text(text)] };
    parts.extend(calls.iter().map(|(id, name, input)| {
        let input = json::parse(input).unwrap();
        let (id, name) = (id.map(str::to_owned), (*name).to_owned());
        // As an API names its items.
        let (item_id, id) =
            if id.as_deref().is_some_and(|id| id.starts_with("item_")) { (id, None) } else { (None, id) };
        Part::new(Content::Call(ToolCall { id, item_id, name, input, server_side: false }))
    }));
    Message::new(Role::Assistant, parts)
}

fn results(results: &[(Option<&str>, &str)]) -> Message {
    let part = |(id, text): &(Option<&str>, &str)| {
        let content = vec![Part::text(*text)];
        Part::new(Content::Result(ToolResult { call_id: id.map(str::to_owned), name: None, is_error: None, content }))
    };
    Message::new(Role::Tool, results.iter().map(part).collect())
}

/// A message as a line: `assistant Let me look. w{"a":1}#c1`, `tool c1=18C`, with `~` before history.
fn line(message: &Message, history: bool) -> String {
    let part = |part: &Part| match &part.content {
        Content::Text(text) => text.clone(),
        Content::Call(call) => {
            let id = call.id.as_ref().map(|id| format!("#{id}")).unwrap_or_default();
            format!("{}{}{id}", call.name, json::to_string(&call.input))
        }
        Content::Result(result) => {
            let text = super::tool_runs::text(&result.content).unwrap_or_default();
            format!("{}={text}", result.call_id.as_deref().unwrap_or_default())
        }
        Content::Reasoning(reasoning) => format!("({})", reasoning.text.as_deref().unwrap_or("…")),
        other => format!("{other:?}"),
    };
    let parts: Vec<String> = message.parts.iter().map(part).collect();
    format!("{}{} {}", if history { "~" } else { "" }, message.role.as_str(), parts.join(" "))
}

/// The conversations of a trace, each as its lines.
fn conversations(trace: &AssembledTrace) -> Vec<Vec<String>> {
    let lines = |conversation: &crate::model::Conversation| {
        conversation.messages.iter().map(|placed| line(&placed.message, placed.history)).collect()
    };
    trace.conversations.iter().map(lines).collect()
}

/// The only conversation of a trace.
fn only_conversation(trace: &AssembledTrace) -> Vec<String> {
    let mut found = conversations(trace);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// The tool runs of a trace: id, status, output.
fn ran(trace: &AssembledTrace) -> Vec<(Option<&str>, &'static str, Option<String>)> {
    let run = |run: &'_ crate::model::ToolRun| super::tool_runs::text(run.output.as_deref()?);
    trace.tools.iter().map(|tool| (tool.call_id.as_deref(), tool.status.as_str(), run(tool))).collect()
}
