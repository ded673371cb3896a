//! Large answers, as the store would give them: what a screen has to open without a pause.

use std::sync::Arc;

use sideseat_tui::model::{
    AssembledTrace, Attributes, Category, Content, Conversation, ConversationId, ConversationMessage, Detail, Dropped,
    Failure, Message, ModelCall, Node, NodeState, Parameters, Part, Project, RawSpan, Reasoning, Request, Resource,
    Role, Scope, Span, SpanId, SpanKind, Status, Timestamp, TokenUsage, ToolCall, ToolResult, ToolRun, ToolStatus,
    TraceFailure, TraceId, Value, json,
};

/// What the panes are asked about one input.
pub struct Large {
    pub name: &'static str,
    pub detail: Arc<Detail>,
    pub raw: Arc<RawSpan>,
}

/// Every input, one after another: they are too large to be held together.
pub fn all() -> [fn() -> Large; 8] {
    [failures, agents, message, json_result, turns, tools, session, counters]
}

/// A batch job of 100,000 spans, 20,000 of them failed, nothing of an agent above them.
fn failures() -> Large {
    let mut trace = Trace::new(1);
    trace.node(0, Category::Span, "nightly import", false);
    for chunk in 0..200 {
        trace.node(1, Category::Span, &format!("chunk {chunk}"), false);
        for item in 0..499 {
            let failed = item % 5 == 0;
            let span = trace.node(2, Category::Http, "POST /items", failed);
            if failed {
                let failure = Failure {
                    kind: Some("requests.exceptions.HTTPError".into()),
                    message: Some(format!("item {}: shop is busy", trace.spans)),
                    stack: Some("Traceback (most recent call last):\n  File \"import.py\", line 17, in put\n".into()),
                };
                trace.made.errors.push(TraceFailure { span, at: trace.at(), failure });
            }
        }
    }
    trace.large("100,000 spans, 20,000 failed")
}

/// 200 agents at once, each with 500 steps one after another: 100,000 steps in all.
fn agents() -> Large {
    const MILLI: u64 = 1_000_000;
    let mut trace = Trace::new(7);
    trace.node(0, Category::Agent, "planner", false);
    for agent in 0..200 {
        trace.node(1, Category::Agent, &format!("researcher {agent}"), false);
        for step in 0..500 {
            let category = if step % 2 == 0 { Category::Llm } else { Category::Tool };
            trace.node(2, category, "search", false);
        }
    }
    let began = trace.made.started.0;
    let (mut agent, mut step) = (0, 0);
    for node in &mut trace.made.tree.nodes {
        let (from, lasts, beneath) = match node.depth {
            0 => (0, 6_000, 200 * 501),
            1 => {
                (agent, step) = (agent + 1, 0);
                (agent, 5_000, 500)
            }
            _ => {
                step += 1;
                (agent + (step - 1) * 10, 10, 0)
            }
        };
        node.started = Timestamp(began + from * MILLI);
        node.ended = Some(Timestamp(began + (from + lasts) * MILLI));
        node.beneath = beneath;
    }
    trace.large("200 agents at once, 100,000 steps")
}

/// One answer of 2 MB, in paragraphs.
fn message() -> Large {
    let mut trace = Trace::new(2);
    let words = "the sea is wide and ships are small upon it while gulls cry over grey water. ".repeat(8);
    let text = format!("{words}\n\n").repeat(2_000_000 / words.len());
    trace.turn(vec![(Role::User, vec![text_of("Write a long book.")]), (Role::Assistant, vec![Part::text(text)])]);
    trace.large("one message of 2 MB")
}

/// A tool's result of 2 MB of JSON without a space, once as text, once as JSON.
fn json_result() -> Large {
    let mut trace = Trace::new(3);
    let row = |n: usize| format!(r#"{{"id":{n},"name":"row{n}","tags":["a","b"],"score":{}.5,"note":null}}"#, n / 7);
    let text = format!("[{}]", (0..30_000).map(row).collect::<Vec<_>>().join(","));
    let value = json::parse(&text).unwrap();
    let call = |id: &str| Part::new(Content::Call(tool_call(id, "dump", 0)));
    trace.turn(vec![(Role::User, vec![text_of("Read the table.")]), (Role::Assistant, vec![call("a"), call("b")])]);
    for (id, content) in [("a", Part::text(text)), ("b", Part::new(Content::Json(value)))] {
        trace.run(id, "dump", 0, vec![content.clone()], false);
        let result = ToolResult { call_id: Some(id.into()), name: None, is_error: None, content: vec![content] };
        trace.say(1, Role::Tool, vec![Part::new(Content::Result(result))], false);
    }
    trace.turn(vec![(Role::Assistant, vec![text_of("It has many rows.")])]);
    trace.large("results of 2 MB, minified JSON")
}

/// A conversation of 1,000 turns, a thought in each.
fn turns() -> Large {
    let mut trace = Trace::new(4);
    for turn in 0..1000 {
        let thought = Reasoning { text: Some(sentence(turn)), ..Reasoning::default() };
        let answer = vec![Part::new(Content::Reasoning(thought)), text_of(&sentence(turn + 7))];
        trace.turn(vec![(Role::User, vec![text_of(&sentence(turn + 3))]), (Role::Assistant, answer)]);
    }
    trace.large("1,000 turns")
}

/// 2,500 calls with 10,000 runs of tools, each result in the next request.
fn tools() -> Large {
    let mut trace = Trace::new(5);
    tool_turns(&mut trace, 2500, |turn, nth| format!("call_{turn:05}x{nth}"));
    trace.large("10,000 runs of tools")
}

/// The same of 1,000 calls whose ids are those of a counter that begins anew in each turn.
fn counters() -> Large {
    let mut trace = Trace::new(6);
    tool_turns(&mut trace, 1000, |_, nth| format!("call_{nth}"));
    trace.large("4,000 runs of tools, ids used again")
}

/// The newest 50 traces of a session of 5,000, each with some turns.
fn session() -> Large {
    let traces = (0..50).map(|number| {
        let mut trace = Trace::new(100 + number);
        tool_turns(&mut trace, 10, |turn, nth| format!("call_{number}x{turn}x{nth}"));
        Arc::new(trace.done())
    });
    let traces: Vec<_> = traces.collect();
    Large {
        name: "a session of 5,000 traces",
        detail: Arc::new(Detail { left_out: 4950, ..Detail::whole(traces) }),
        raw: raw("short"),
    }
}

fn tool_turns(trace: &mut Trace, turns: usize, id: impl Fn(usize, usize) -> String) {
    for turn in 0..turns {
        let calls = (0..4).map(|nth| Part::new(Content::Call(tool_call(&id(turn, nth), &format!("tool_{nth}"), turn))));
        trace.turn(vec![(Role::User, vec![text_of(&sentence(turn))]), (Role::Assistant, calls.collect())]);
        for nth in 0..4 {
            let (id, failed) = (id(turn, nth), (turn + nth) % 50 == 0);
            let output = vec![Part::text(if failed { "Error: no such row" } else { "the row is fine" })];
            trace.run(&id, &format!("tool_{nth}"), turn, output.clone(), failed);
            let result = ToolResult { call_id: Some(id), name: None, is_error: Some(failed), content: output };
            trace.say(turn + 1, Role::Tool, vec![Part::new(Content::Result(result))], false);
        }
    }
}

fn text_of(text: &str) -> Part {
    Part::text(text)
}

fn sentence(seed: usize) -> String {
    const WORDS: [&str; 12] =
        ["the", "sea", "is", "wide", "and", "ships", "are", "small", "while", "gulls", "cry", "over grey water"];
    (0..30).map(|at| WORDS[(seed * 7 + at * at + at) % WORDS.len()]).collect::<Vec<_>>().join(" ")
}

fn tool_call(id: &str, name: &str, number: usize) -> ToolCall {
    let input = json::parse(&format!(r#"{{"n":{number},"city":"Oslo"}}"#)).unwrap();
    ToolCall { id: Some(id.into()), item_id: None, name: name.into(), input, server_side: false }
}

/// A trace while it is made: each of its spans begins a millisecond after the one before.
struct Trace {
    made: AssembledTrace,
    spans: u64,
}

impl Trace {
    fn new(number: u64) -> Self {
        let trace = TraceId::from_bytes(&(u128::from(number) << 64 | 1).to_be_bytes()).unwrap();
        let id = ConversationId(trace, SpanId::from_bytes(&[1; 8]).unwrap());
        let made = AssembledTrace {
            name: Some("a large run".into()),
            question: None,
            ended: Some(Timestamp(1_700_000_100_000_000_000)),
            conversations: vec![Conversation { id, agent: None, opened_by: None, messages: Vec::new() }],
            ..AssembledTrace::sample(trace, Timestamp(1_700_000_000_000_000_000))
        };
        Self { made, spans: 0 }
    }

    fn at(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000_000 + self.spans * 1_000_000)
    }

    fn node(&mut self, depth: usize, category: Category, name: &str, failed: bool) -> SpanId {
        self.spans += 1;
        let mixed = self.spans.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let id = SpanId::from_bytes(&mixed.to_be_bytes()).unwrap();
        self.made.tree.nodes.push(Node {
            trace: None,
            id,
            depth,
            beneath: 0,
            name: name.into(),
            category,
            plumbing: false,
            state: if failed { NodeState::Error } else { NodeState::Ok },
            started: self.at(),
            ended: Some(self.at()),
            model: None,
            usage: None,
            cost: None,
            unpriced: false,
            turn: None,
            ordinal: None,
            error: None,
        });
        id
    }

    /// A call of a model and the messages that came with it.
    fn turn(&mut self, messages: Vec<(Role, Vec<Part>)>) {
        let span = self.node(0, Category::Llm, "chat", false);
        let usage = TokenUsage { uncached_input: Some(900), output: Some(90), ..TokenUsage::default() };
        self.made.calls.push(ModelCall {
            span,
            name: "chat".into(),
            category: Category::Llm,
            agent: None,
            provider: Some("openai".into()),
            model: Some("gpt-4o-mini".into()),
            response_model: None,
            parameters: Parameters::default(),
            request: Request::default(),
            started: self.at(),
            ended: Some(Timestamp(self.at().0 + 900_000_000)),
            ttft: None,
            stop_reason: Some("stop".into()),
            unexplained: 0,
            dropped: Dropped::default(),
            usage: Some(usage),
            cost: None,
            unpriced: true,
            broke_off: false,
            window: Some(128_000),
            failure: None,
            recording_hint: None,
            unrecorded: None,
            also: Vec::new(),
        });
        for (role, parts) in messages {
            self.say(self.made.calls.len() - 1, role, parts, false);
        }
    }

    fn say(&mut self, turn: usize, role: Role, parts: Vec<Part>, history: bool) {
        let span = self.made.calls.get(turn).map_or(SpanId::from_bytes(&[9; 8]).unwrap(), |call| call.span);
        let (message, at) = (Arc::new(Message::new(role, parts)), self.at());
        self.made.conversations[0].messages.push(ConversationMessage {
            message,
            at,
            span,
            turn,
            history,
            rewritten: false,
        });
    }

    fn run(&mut self, id: &str, name: &str, number: usize, output: Vec<Part>, failed: bool) {
        let called_by = self.made.calls.last().map(|call| call.span);
        let span = self.node(1, Category::Tool, name, failed);
        self.made.tools.push(ToolRun {
            call_id: Some(id.into()),
            name: name.into(),
            input: tool_call(id, name, number).input.into(),
            output: Some(output),
            status: if failed { ToolStatus::Error } else { ToolStatus::Ok },
            error: failed.then(|| "no such row".to_owned()),
            span: Some(span),
            called_by,
            started: Some(self.at()),
            ended: Some(Timestamp(self.at().0 + 5_000_000)),
            earlier: false,
        });
    }

    fn done(mut self) -> AssembledTrace {
        self.made.spans = self.spans;
        self.made
    }

    fn large(self, name: &'static str) -> Large {
        let made = self.done();
        let text = made.conversations[0].messages.iter().flat_map(|said| &said.message.parts).find_map(|part| {
            let Content::Result(result) = &part.content else { return None };
            result.content.iter().find_map(|part| match &part.content {
                Content::Text(text) if text.len() > 100_000 => Some(text.clone()),
                _ => None,
            })
        });
        let raw = raw(text.as_deref().unwrap_or("a value"));
        Large { name, detail: Arc::new(Detail::whole(vec![Arc::new(made)])), raw }
    }
}

/// A span with some attributes, one of them this text.
fn raw(text: &str) -> Arc<RawSpan> {
    let mut attributes: Vec<(String, Value)> =
        (0..60).map(|at| (format!("app.value.{at}"), Value::String(sentence(at)))).collect();
    attributes.push(("tool.result".into(), Value::String(text.to_owned())));
    let span = Span {
        project: Project::default(),
        trace: TraceId::from_bytes(&[1; 16]).unwrap(),
        id: SpanId::from_bytes(&[1; 8]).unwrap(),
        parent: None,
        flags: 0,
        trace_state: String::new(),
        name: "execute_tool dump".into(),
        kind: SpanKind::Internal,
        status: Status::default(),
        started: Timestamp(1_700_000_000_000_000_000),
        ended: Some(Timestamp(1_700_000_001_000_000_000)),
        attributes: attributes.into_iter().collect::<Attributes>(),
        events: Vec::new(),
        links: Vec::new(),
        dropped: Dropped::default(),
        scope: Arc::new(Scope::default()),
        resource: Arc::new(Resource::default()),
        synthetic: false,
    };
    Arc::new(RawSpan { span, notes: Vec::new(), dialects: Vec::new(), logs: Vec::new() })
}
