//! Nine faults of agents, each made by a program with a mock model and sent as an SDK sends it, children first: each is
//! said on the screen right after its last span, without a key. Nothing is said of programs that went well.

use std::time::Duration;

use serde_json::{Value, json};
use sideseat_tui::{
    app::{Seen, Tick},
    model::Timestamp,
};

use crate::{program::request, replay::captures, scene::Scene};

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

/// The screen right after the last span arrived; no key was pressed.
fn screen(spans: &[Value]) -> String {
    // As a batch processor sends them: a few at a time, in the order in which they ended.
    let scene = spans.chunks(2).fold(Scene::live(120, 40), |scene, batch| scene.sends(request(batch)));
    scene.press("").text()
}

fn says(spans: &[Value], texts: &[&str]) {
    let screen = screen(spans);
    for text in texts {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
}

#[test]
fn a_tool_that_is_called_in_a_loop() {
    let mut agent = Agent::new(1);
    for call in ["a", "b", "c"] {
        agent.asks(call, 0, (9000, 0));
        agent.runs(call, 0, "'guests' must be >= 1", true);
    }
    agent.answers((9000, 0), "end_turn");
    says(&agent.ends(), &["↻ LOOP 3×", "planner ↻3", "book_room #3", "'guests' must be >= 1"]);
}

#[test]
fn a_cache_that_breaks() {
    let mut agent = Agent::new(2);
    for (call, cached) in [("a", 17_600), ("b", 17_800)] {
        agent.asks(call, 2, (20_000, cached));
        agent.runs(call, 2, if call == "a" { "full" } else { "booked" }, false);
    }
    agent.answers((20_000, 1000), "end_turn");
    says(&agent.ends(), &["cached 89% → 5% in turn 3"]);
}

#[test]
fn a_run_that_costs_much_more_than_those_of_its_name() {
    let mut spans = Vec::new();
    for trace in 3..9 {
        let mut agent = Agent::new(trace);
        agent.answers((if trace == 8 { 15_000 } else { 1000 }, 0), "end_turn");
        spans.extend(agent.ends());
    }
    // Each is of a session of its own.
    says(&spans, &["× the median of 5 earlier runs"]);
}

#[test]
fn arguments_that_break_the_schema_of_their_tool() {
    let mut agent = Agent::new(10);
    let guests = json!({"guests": {"type": "integer", "minimum": 1}});
    let schema = json!({"type": "object", "properties": guests, "required": ["guests"]});
    agent.tools.push(json!({"type": "function", "name": "book_room", "description": "Books", "parameters": schema}));
    agent.asks("a", 0, (9000, 0));
    agent.runs("a", 0, "booked for nobody", false);
    agent.answers((9000, 0), "end_turn");
    says(&agent.ends(), &["! arguments break the schema of", "book_room", "guests is 0: minimum 1"]);
}

#[test]
fn an_answer_that_was_cut_off() {
    let mut agent = Agent::new(11);
    agent.answers((9000, 0), "max_tokens");
    says(&agent.ends(), &["! cut off: max_tokens"]);
}

#[test]
fn a_context_window_that_is_full() {
    let mut agent = Agent::new(12);
    agent.answers((186_000, 0), "end_turn");
    says(&agent.ends(), &["93% of 200k"]);
}

#[test]
fn a_tool_that_nobody_answers() {
    let mut agent = Agent::new(13);
    agent.asks("a", 2, (9000, 0));
    agent.answers((9000, 0), "end_turn");
    says(&agent.ends(), &["! no result for", "book_room"]);
}

#[test]
fn three_agents_at_once() {
    let mut agent = Agent::new(14);
    for (id, name) in [(2, "flights"), (3, "hotels"), (4, "weather")] {
        let answer = json!([{"type": "text", "content": name}]);
        agent.steps = id;
        agent.model(id, &answer, (3000, 0), "end_turn");
        agent.sub_agent(id, name, (1, 12));
    }
    agent.steps = 20;
    agent.answers((9000, 0), "end_turn");
    says(&agent.ends(), &["A flights", "A hotels", "A weather"]);
}

#[test]
fn a_run_that_dies_in_the_middle() {
    let mut agent = Agent::new(15);
    agent.asks("a", 2, (9000, 0));
    agent.steps = SECONDS - 1;
    agent.asks("b", 3, (9000, 0));
    let scene = Scene::live(120, 40).sends(request(&agent.spans));
    let now = scene.now();
    let mut scene = scene;
    // Nobody can know yet that it will not go on: it runs, and says since when nothing has come.
    let screen = scene.text();
    assert!(screen.contains("1 running") && screen.contains("waiting"), "{screen}");
    let later = Tick { now: now.plus(Duration::from_mins(11)), seen: Seen::default(), failing: None };
    let screen = scene.tick(later).text();
    assert!(screen.contains("◌ never ended"), "{screen}");
}

/// The programs in which something is as it should not be.
const FAULTY: &[&str] = &["error_stream_midway", "error_throttling", "guardrail", "nova_converse"];

#[test]
fn nothing_is_said_of_programs_that_went_well() {
    let mut healthy = 0;
    for capture in captures().into_iter().filter(|capture| capture.client == "bedrock") {
        let name = format!("bedrock/{}", capture.name);
        let screen = Scene::of(&[&name], 120, 40).text();
        // The tabs stand right beneath the frame where nothing stands above them.
        let tabs = screen.lines().nth(2).unwrap();
        let is_said = !tabs.contains("[1 Messages]");
        assert_eq!(is_said, FAULTY.contains(&capture.name.as_str()), "{name}:\n{screen}");
        assert!(!screen.contains('↻'), "{name}:\n{screen}");
        healthy += usize::from(!is_said);
    }
    assert!(healthy >= 20, "{healthy}");
}
