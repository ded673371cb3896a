//! Nine faults of agents, each made by a program with a mock model: its spans as it makes them, what has to be on the
//! screen then, and OpenTelemetry's SDK to send them.

use serde_json::{Value, json};
use sideseat_tui::model::Timestamp;

/// A fault: its name, the spans of a program that has it, and what has to be on the screen.
pub type Fault = (&'static str, fn() -> Vec<Value>, &'static [&'static str]);

/// Those of runs that end.
pub const FAULTS: &[Fault] = &[
    ("a run that costs much more than those of its name", dear, &["× the median of 5 earlier runs"]),
    ("a loop", looping, &["↻ LOOP 3×", "planner ↻3", "book_room #3", "'guests' must be >= 1"]),
    ("a cache that breaks", cache_breaks, &["cached 89% → 5% in turn 3"]),
    (
        "arguments that break the schema of their tool",
        bad_arguments,
        &["! arguments break the schema of", "book_room", "guests is 0: minimum 1"],
    ),
    ("an answer that was cut off", cut_off, &["! cut off: max_tokens"]),
    ("a context window that is full", full, &["93% of 200k"]),
    ("a tool that nobody answers", unanswered, &["! no result for", "book_room"]),
    (
        "three agents at once",
        three_agents,
        &[
            "A flights",
            "A hotels",
            "A weather",
            "3 agents side by side, hotels took longest",
            "hotels 11s $.013 · weather 7.0s $.013 · flights 4.0s $.013",
        ],
    ),
];

/// A run whose root never comes.
pub const DYING: Fault = ("a run that dies in the middle", dies, &["waiting for book_room"]);

/// One run of an agent, as it makes its spans. Each step takes a second, and the last one ends now.
struct Agent {
    trace: u64,
    session: String,
    spans: Vec<Value>,
    /// What was said so far.
    history: Vec<Value>,
    steps: u64,
    tools: Vec<Value>,
}

/// The seconds that every run takes.
const SECONDS: u64 = 30;

const ROOT: u64 = 1;

impl Agent {
    fn new(trace: u64) -> Self {
        let question = json!({"role": "user", "parts": [{"type": "text", "content": "book the ryokan"}]});
        let session = format!("session-{trace}");
        Self { trace, session, spans: Vec::new(), history: vec![question], steps: 0, tools: Vec::new() }
    }

    fn span(&mut self, id: u64, parent: u64, name: &str, seconds: (u64, u64), attributes: &Value, error: Option<&str>) {
        let began = Timestamp::now().0 - SECONDS * 1_000_000_000;
        let attribute = |(key, value): (&String, &Value)| {
            let value = match value {
                Value::Number(number) => json!({"intValue": number.to_string()}),
                Value::Array(items) => json!({"arrayValue": {"values": [{"stringValue": items[0]}]}}),
                text => json!({"stringValue": text}),
            };
            json!({"key": key, "value": value})
        };
        let mut attributes: Vec<Value> = attributes.as_object().unwrap().iter().map(attribute).collect();
        attributes.push(json!({"key": "session.id", "value": {"stringValue": self.session}}));
        let id_of = |id: u64| format!("{:016x}", self.trace * 1000 + id);
        let mut span = json!({
            "traceId": format!("{:032x}", self.trace),
            "spanId": id_of(id),
            "parentSpanId": if parent == 0 { String::new() } else { id_of(parent) },
            "name": name,
            "startTimeUnixNano": (began + seconds.0 * 1_000_000_000).to_string(),
            "endTimeUnixNano": (began + seconds.1 * 1_000_000_000).to_string(),
            "attributes": attributes,
        });
        if let Some(message) = error {
            span["status"] = json!({"code": 2, "message": message});
        }
        self.spans.push(span);
    }

    fn next(&mut self) -> (u64, (u64, u64)) {
        self.steps += 1;
        (10 + self.steps, (self.steps, self.steps + 1))
    }

    /// A call of the mock model, which answers with these parts.
    fn model(&mut self, parent: u64, parts: &Value, (input, cached): (u64, u64), stop: &str) {
        let (id, seconds) = self.next();
        let answer = json!({"role": "assistant", "parts": parts, "finish_reason": stop});
        let mut attributes = json!({
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "gen_ai.input.messages": Value::from(self.history.clone()).to_string(),
            "gen_ai.output.messages": json!([answer]).to_string(),
            "gen_ai.response.finish_reasons": [stop],
            "gen_ai.usage.input_tokens": input,
            "gen_ai.usage.cache_read.input_tokens": cached,
            "gen_ai.usage.output_tokens": 200,
        });
        if !self.tools.is_empty() {
            attributes["gen_ai.tool.definitions"] = Value::from(self.tools.clone()).to_string().into();
        }
        self.history.push(answer);
        self.span(id, parent, "chat claude", seconds, &attributes, None);
    }

    /// The model asks for a tool.
    fn asks(&mut self, call: &str, guests: i64, tokens: (u64, u64)) {
        let asked = json!([{"type": "tool_call", "id": call, "name": "book_room", "arguments": {"guests": guests}}]);
        self.model(ROOT, &asked, tokens, "tool_use");
    }

    /// The model answers.
    fn answers(&mut self, tokens: (u64, u64), stop: &str) {
        self.model(ROOT, &json!([{"type": "text", "content": "The room is booked for"}]), tokens, stop);
    }

    /// The tool runs.
    fn runs(&mut self, call: &str, guests: i64, result: &str, fails: bool) {
        let (id, seconds) = self.next();
        self.history.push(json!({"role": "tool", "parts": [
            {"type": "tool_call_response", "id": call, "response": result},
        ]}));
        let attributes = json!({
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "book_room",
            "gen_ai.tool.call.id": call,
            "gen_ai.tool.call.arguments": json!({"guests": guests}).to_string(),
            "gen_ai.tool.call.result": result,
        });
        self.span(id, ROOT, "execute_tool book_room", seconds, &attributes, fails.then_some(result));
    }

    fn sub_agent(&mut self, id: u64, name: &str, seconds: (u64, u64)) {
        let attributes = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name});
        self.span(id, ROOT, &format!("invoke_agent {name}"), seconds, &attributes, None);
    }

    /// The agent's own span comes last.
    fn ends(mut self) -> Vec<Value> {
        let attributes = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"});
        self.span(ROOT, 0, "invoke_agent planner", (0, SECONDS), &attributes, None);
        self.spans
    }
}

pub fn looping() -> Vec<Value> {
    let mut agent = Agent::new(1);
    for call in ["a", "b", "c"] {
        agent.asks(call, 0, (9000, 0));
        agent.runs(call, 0, "'guests' must be >= 1", true);
    }
    agent.answers((9000, 0), "end_turn");
    agent.ends()
}

pub fn cache_breaks() -> Vec<Value> {
    let mut agent = Agent::new(2);
    for (call, cached) in [("a", 17_600), ("b", 17_800)] {
        agent.asks(call, 2, (20_000, cached));
        agent.runs(call, 2, if call == "a" { "full" } else { "booked" }, false);
    }
    agent.answers((20_000, 1000), "end_turn");
    agent.ends()
}

/// Each is of a session of its own.
pub fn dear() -> Vec<Value> {
    let mut spans = Vec::new();
    for trace in 3..9 {
        let mut agent = Agent::new(trace);
        agent.answers((if trace == 8 { 15_000 } else { 1000 }, 0), "end_turn");
        spans.extend(agent.ends());
    }
    spans
}

pub fn bad_arguments() -> Vec<Value> {
    let mut agent = Agent::new(10);
    let guests = json!({"guests": {"type": "integer", "minimum": 1}});
    let schema = json!({"type": "object", "properties": guests, "required": ["guests"]});
    agent.tools.push(json!({"type": "function", "name": "book_room", "description": "Books", "parameters": schema}));
    agent.asks("a", 0, (9000, 0));
    agent.runs("a", 0, "booked for nobody", false);
    agent.answers((9000, 0), "end_turn");
    agent.ends()
}

pub fn cut_off() -> Vec<Value> {
    let mut agent = Agent::new(11);
    agent.answers((9000, 0), "max_tokens");
    agent.ends()
}

pub fn full() -> Vec<Value> {
    let mut agent = Agent::new(12);
    agent.answers((186_000, 0), "end_turn");
    agent.ends()
}

pub fn unanswered() -> Vec<Value> {
    let mut agent = Agent::new(13);
    agent.asks("a", 2, (9000, 0));
    agent.answers((9000, 0), "end_turn");
    agent.ends()
}

pub fn three_agents() -> Vec<Value> {
    let mut agent = Agent::new(14);
    for (id, name, ended) in [(2, "flights", 5), (3, "hotels", 12), (4, "weather", 8)] {
        let answer = json!([{"type": "text", "content": name}]);
        agent.steps = id;
        agent.model(id, &answer, (3000, 0), "end_turn");
        agent.sub_agent(id, name, (1, ended));
    }
    agent.steps = 20;
    agent.answers((9000, 0), "end_turn");
    agent.ends()
}

/// Its root never comes.
pub fn dies() -> Vec<Value> {
    let mut agent = Agent::new(15);
    agent.asks("a", 2, (9000, 0));
    agent.steps = SECONDS - 1;
    agent.asks("b", 3, (9000, 0));
    agent.spans
}

/// Spans as OTLP/JSON, made and sent by OpenTelemetry's own SDK.
pub mod sdk {
    use std::{
        sync::{Arc, Mutex},
        time::{Duration, Instant, SystemTime, UNIX_EPOCH},
    };

    use opentelemetry::{
        Array, Context, KeyValue, SpanId, StringValue, TraceFlags, TraceId, Value as Attribute,
        trace::{Span as _, SpanContext, Status, TraceContextExt as _, TraceState, Tracer as _, TracerProvider as _},
    };
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
    use opentelemetry_sdk::{
        Resource,
        trace::{IdGenerator, SdkTracerProvider},
    };
    use serde_json::Value;

    /// Gives each span the ids that it is to have.
    #[derive(Debug, Clone)]
    struct Ids(Arc<Mutex<(TraceId, SpanId)>>);

    impl IdGenerator for Ids {
        fn new_trace_id(&self) -> TraceId {
            self.0.lock().unwrap().0
        }

        fn new_span_id(&self) -> SpanId {
            self.0.lock().unwrap().1
        }
    }

    /// Sends spans in their order; returns when the last of them ended.
    pub fn sends(endpoint: &str, spans: &[Value]) -> Instant {
        let ids = Ids(Arc::new(Mutex::new((TraceId::INVALID, SpanId::INVALID))));
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(endpoint);
        let provider = SdkTracerProvider::builder()
            .with_id_generator(ids.clone())
            .with_simple_exporter(exporter.build().unwrap())
            .with_resource(Resource::builder_empty().with_service_name("planner").build())
            .build();
        let tracer = provider.tracer("gen_ai");
        for span in spans {
            let text = |key: &str| span[key].as_str().unwrap();
            let time = |key: &str| -> SystemTime { UNIX_EPOCH + Duration::from_nanos(text(key).parse().unwrap()) };
            let trace = TraceId::from_hex(text("traceId")).unwrap();
            *ids.0.lock().unwrap() = (trace, SpanId::from_hex(text("spanId")).unwrap());
            let within = match text("parentSpanId") {
                "" => Context::new(),
                parent => {
                    let parent = SpanId::from_hex(parent).unwrap();
                    let of = SpanContext::new(trace, parent, TraceFlags::SAMPLED, true, TraceState::default());
                    Context::new().with_remote_span_context(of)
                }
            };
            let attributes = span["attributes"].as_array().unwrap().iter().map(attribute);
            let builder = tracer.span_builder(text("name").to_owned()).with_start_time(time("startTimeUnixNano"));
            let mut made = builder.with_attributes(attributes).start_with_context(&tracer, &within);
            if let Some(message) = span["status"]["message"].as_str() {
                made.set_status(Status::error(message.to_owned()));
            }
            made.end_with_timestamp(time("endTimeUnixNano"));
        }
        let ended = Instant::now();
        provider.shutdown().unwrap();
        ended
    }

    fn attribute(attribute: &Value) -> KeyValue {
        let (key, value) = (attribute["key"].as_str().unwrap().to_owned(), &attribute["value"]);
        let text = |value: &Value| StringValue::from(value["stringValue"].as_str().unwrap().to_owned());
        let value = if let Some(number) = value["intValue"].as_str() {
            Attribute::I64(number.parse().unwrap())
        } else if let Some(values) = value["arrayValue"]["values"].as_array() {
            Attribute::Array(Array::String(values.iter().map(text).collect()))
        } else {
            Attribute::String(text(value))
        };
        KeyValue::new(key, value)
    }
}
