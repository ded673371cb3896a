//! A state that a store with a few runs has answered, keys to press, and the screen that comes of it.

use std::sync::Arc;

use ratatui::{Terminal, backend::TestBackend};

use crate::{
    app::{Event, Listening, Mode, Seen, Start, Tick, scene},
    model::{
        Answer, AssembledTrace, Category, Content, Conversation, ConversationId, ConversationMessage, Cost, Detail,
        Everything, Filter, Message, ModelCall, Node, NodeState, Overview, Page, Part, PriceSource, Project, Query,
        Reasoning, Request, Role, SessionId, SessionSummary, SpanId, StateCounts, Subject, Timestamp, TokenUsage,
        ToolCall, ToolResult, ToolRun, ToolStatus, Totals, TraceId, TraceState, TraceSummary, Tree, Usd, Waits,
    },
    theme::{Depth, Themes},
    view::draw,
};

/// The first run starts here.
const START: u64 = 1_762_161_164;

pub fn at(seconds: f64) -> Timestamp {
    Timestamp(START * 1_000_000_000).plus(std::time::Duration::from_secs_f64(seconds))
}

fn trace_id(number: u8) -> TraceId {
    TraceId::from_bytes(&[number; 16]).unwrap()
}

fn span_id(number: u32) -> SpanId {
    SpanId::from_bytes(&u64::from(number).to_be_bytes()).unwrap()
}

fn usage(input: u64, output: u64) -> TokenUsage {
    TokenUsage { uncached_input: Some(input), output: Some(output), ..TokenUsage::default() }
}

fn dollars(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap()
}

fn totals(tokens: u64, cost: f64) -> Totals {
    let calls = if tokens > 0 { 6 } else { 0 };
    Totals {
        usage: if tokens > 0 { usage(tokens - 1, 1) } else { TokenUsage::default() },
        cost: dollars(cost),
        priced: calls,
        model_calls: calls,
        tool_calls: 5,
        failed_tools: 4,
        ..Totals::default()
    }
}

pub struct Run {
    number: u8,
    pub session: Option<&'static str>,
    pub question: &'static str,
    state: TraceState,
    /// Seconds after the start of the first.
    from: f64,
    to: Option<f64>,
    tokens: u64,
    cost: f64,
    /// Something in it failed, and it went on.
    pub recovered: bool,
}

impl Run {
    fn totals(&self) -> Totals {
        let failed_tools = if self.recovered || self.state == TraceState::Error { 4 } else { 0 };
        Totals { errors: self.recovered.into(), failed_tools, ..totals(self.tokens, self.cost) }
    }
}

pub fn runs() -> Vec<Run> {
    use TraceState::{Error, Ok, Running};

    let run = |number, session, question, state, from, to, tokens, cost| Run {
        number,
        session,
        question,
        state,
        from,
        to,
        tokens,
        cost,
        recovered: false,
    };
    vec![
        run(1, Some("trip-planner"), "plan a 5-day trip to Kyoto in autumn", Ok, 0.0, Some(8.1), 12_000, 0.019),
        run(2, Some("trip-planner"), "tell me about the second day", Ok, 10.0, Some(17.4), 13_000, 0.022),
        run(3, Some("trip-planner"), "book the ryokan for two nights", Error, 40.0, Some(85.8), 118_400, 0.272),
        run(4, None, "a question of no session", Ok, 20.0, Some(22.0), 0, 0.0),
        run(5, Some("doc-writer"), "draft the release notes", Running, 90.0, None, 9_000, 0.012),
    ]
}

/// The states of runs at a moment.
fn states<'r>(runs: impl IntoIterator<Item = &'r Run>, now: Timestamp) -> StateCounts {
    let runs: Vec<TraceSummary> = runs.into_iter().map(summary).collect();
    StateCounts::of(&runs, now)
}

fn summary(run: &Run) -> TraceSummary {
    TraceSummary {
        trace: trace_id(run.number),
        project: Project::default(),
        name: Some("invoke_agent planner".into()),
        label: (run.session == Some("doc-writer")).then(|| "release-notes".into()),
        session: run.session.map(SessionId::from),
        user: None,
        service: None,
        framework: None,
        question: Some(run.question.into()),
        started: at(run.from),
        ended: run.to.map(at),
        last_seen: at(run.to.unwrap_or(run.from + 6.0)),
        state: run.state,
        waits: (run.state == TraceState::Running).then_some(Waits::Spans),
        program_ended: None,
        spans: 12,
        models: vec!["claude-sonnet-4-5".into()],
        repeat: None,
        score: None,
        totals: run.totals(),
    }
}

fn node(number: u32, depth: usize, category: Category, name: &str) -> Node {
    let (started, ended) = (at(40.0 + f64::from(number) * 4.0), at(43.1 + f64::from(number) * 4.0));
    Node { depth, category, ended: Some(ended), ..Node::sample(span_id(number), name, started) }
}

fn turn(number: u32, turn: usize, tokens: u64, cost: f64) -> Node {
    Node {
        model: Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0".into()),
        usage: Some(usage(tokens, 196)),
        cost: Some(Cost { total: dollars(cost), parts: None, source: PriceSource::Reported, computed: None }),
        turn: Some(turn),
        ..node(number, 1, Category::Llm, "chat")
    }
}

fn booking(number: u32, ordinal: usize) -> Node {
    Node {
        state: NodeState::Error,
        ordinal: Some(ordinal),
        error: Some("ValidationError: 'guests' must be >= 1 (got 0)".into()),
        ..node(number, 1, Category::Tool, "book_room")
    }
}

fn tree(run: u8) -> Tree {
    let mut nodes = match run {
        3 => vec![
            Node {
                beneath: 9,
                state: NodeState::Error,
                usage: Some(usage(118_000, 400)),
                cost: turn(1, 1, 1, 0.272).cost,
                ended: Some(at(85.8)),
                started: at(40.0),
                ..node(1, 0, Category::Agent, "planner")
            },
            turn(2, 1, 14_100, 0.012),
            node(3, 1, Category::Tool, "search_hotels"),
            Node { beneath: 1, ..turn(4, 2, 16_000, 0.013) },
            node(5, 2, Category::Http, "POST /converse"),
            booking(6, 1),
            turn(7, 3, 18_700, 0.053),
            booking(8, 2),
            Node { state: NodeState::Missing, beneath: 1, ended: None, ..node(9, 1, Category::Span, "") },
            node(10, 2, Category::Retriever, "kb_retrieve"),
        ],
        5 => vec![
            Node { state: NodeState::Running, ended: None, beneath: 1, ..node(1, 0, Category::Agent, "writer") },
            Node { unpriced: true, cost: None, ..turn(2, 1, 4_000, 0.0) },
        ],
        _ => vec![node(1, 0, Category::Agent, "planner"), turn(2, 1, 12_000, 0.019)],
    };
    if nodes.len() == 2 {
        nodes[0].beneath = 1;
    }
    Tree { nodes }
}

fn assembled(run: &Run) -> AssembledTrace {
    let trace = trace_id(run.number);
    let call = ModelCall {
        span: span_id(2),
        name: "chat".into(),
        category: Category::Llm,
        agent: Some("planner".into()),
        provider: Some("aws.bedrock".into()),
        model: Some("claude-sonnet-4-5".into()),
        response_model: None,
        parameters: Vec::new(),
        request: Request::default(),
        started: at(run.from),
        ended: Some(at(run.from + 3.1)),
        ttft: None,
        stop_reason: Some("end_turn".into()),
        unexplained: 0,
        dropped: crate::model::Dropped::default(),
        usage: Some(usage(14_000, 196)),
        cost: turn(2, 1, 14_000, 0.012).cost,
        unpriced: false,
        broke_off: false,
        window: Some(200_000),
        failure: None,
        unrecorded: None,
        recording_hint: None,
        also: Vec::new(),
    };
    let message = |role, parts: Vec<Part>| ConversationMessage {
        message: Arc::new(Message::new(role, parts)),
        at: at(run.from),
        span: span_id(2),
        turn: 0,
        history: false,
        rewritten: false,
    };
    let input = crate::model::json::parse(r#"{"hotel_id": "ryk-118", "guests": 0}"#).unwrap();
    let asked = ToolCall {
        id: Some("tc_9f2".into()),
        item_id: None,
        name: "book_room".into(),
        input: input.clone(),
        server_side: false,
    };
    let answered = ToolResult {
        call_id: Some("tc_9f2".into()),
        name: Some("book_room".into()),
        is_error: Some(true),
        content: vec![Part::text("ValidationError: 'guests' must be >= 1 (got 0)")],
    };
    let thought = Reasoning { text: Some("The tool keeps rejecting guests=0.".into()), ..Reasoning::default() };
    let thread = Conversation {
        id: ConversationId(trace, span_id(2)),
        agent: Some("planner".into()),
        opened_by: None,
        messages: vec![
            message(Role::User, vec![Part::text(run.question)]),
            message(
                Role::Assistant,
                vec![
                    Part::new(Content::Reasoning(thought)),
                    Part::text("I'll **retry** with the same guest details.\u{1b}[31m\n\n".repeat(12)),
                    Part::new(Content::Call(asked)),
                ],
            ),
            message(Role::Tool, vec![Part::new(Content::Result(answered))]),
        ],
    };
    let tool = ToolRun {
        call_id: Some("tc_9f2".into()),
        name: "book_room".into(),
        input: input.into(),
        output: None,
        status: ToolStatus::Error,
        error: Some("ValidationError".into()),
        span: Some(span_id(6)),
        called_by: Some(span_id(2)),
        started: Some(at(run.from + 4.0)),
        ended: Some(at(run.from + 9.6)),
        earlier: false,
    };
    AssembledTrace {
        name: Some("planner".into()),
        question: Some(run.question.to_owned()),
        ended: run.to.map(at),
        state: run.state,
        tree: tree(run.number),
        calls: vec![call],
        conversations: vec![thread],
        tools: vec![tool],
        totals: run.totals(),
        spans: 10,
        ..AssembledTrace::sample(trace, at(run.from))
    }
}

fn answer(query: &Query, runs: &[Run], now: Timestamp) -> Answer {
    let passes = |run: &&Run, filter: &Filter| {
        run.question.contains(filter.text.trim())
            && filter.session.as_ref().is_none_or(|of| run.session == of.as_ref().map(SessionId::as_str))
    };
    match query {
        Query::Overview { filter, .. } => Answer::Overview(Box::new(Overview {
            sessions: 2,
            states: states(runs.iter().filter(|run| passes(run, filter)), now),
            spans: 60,
            totals: runs.iter().map(Run::totals).sum(),
            all: Everything {
                states: states(runs, now),
                totals: runs.iter().map(Run::totals).sum(),
                today: runs.iter().map(Run::totals).sum(),
            },
            size: Some(38_400_000),
            scored: 0,
            judged_for: 0,
        })),
        Query::Sessions { filter, .. } => {
            let mut rows: Vec<SessionSummary> = Vec::new();
            for name in [Some("doc-writer"), Some("trip-planner"), None] {
                let of: Vec<&Run> = runs.iter().filter(|run| run.session == name && passes(run, filter)).collect();
                let (Some(first), Some(last)) = (of.first(), of.last()) else { continue };
                rows.push(SessionSummary {
                    session: name.map(SessionId::from),
                    users: vec!["ana".into()],
                    first_seen: at(first.from),
                    last_seen: at(last.to.unwrap_or(last.from + 6.0)),
                    lasted: of.iter().map(|run| at(run.to.unwrap_or(run.from + 6.0)).since(at(run.from))).sum(),
                    states: states(of.iter().copied(), now),
                    loops: 0,
                    score: None,
                    totals: of.iter().map(|run| run.totals()).sum(),
                });
            }
            Answer::Sessions(Page { total: rows.len() as u64, rows })
        }
        Query::Traces { session, filter, .. } => {
            let of =
                runs.iter().filter(|run| run.session == session.as_ref().map(SessionId::as_str) && passes(run, filter));
            let rows: Vec<TraceSummary> = of.map(summary).collect();
            Answer::Traces(Page { total: rows.len() as u64, rows })
        }
        Query::Tree { trace } => {
            let found = runs.iter().find(|run| trace_id(run.number) == *trace);
            Answer::Tree(found.map_or_else(Tree::default, |run| tree(run.number)))
        }
        Query::Detail { subject } => {
            let of = |run: &&Run| match subject {
                Subject::Trace(trace) => trace_id(run.number) == *trace,
                Subject::Session(session) => run.session == Some(session.as_str()),
            };
            let traces = runs.iter().filter(of).map(|run| Arc::new(assembled(run))).collect();
            Answer::Detail(Some(Arc::new(Detail::whole(traces))))
        }
        Query::Stats { .. } => Answer::Stats(Arc::default()),
        Query::Usual { .. } => Answer::Usual(Vec::new()),
        Query::Runs { .. } => Answer::Traces(Page::default()),
        Query::Marks => Answer::Marks(Vec::new()),
        Query::Otlp { .. } => Answer::Otlp(crate::model::Otlp { text: "{}\n".to_owned(), secrets: 0 }),
        Query::Facets { .. } => Answer::Facets(Vec::new()),
        Query::Raw { .. } => Answer::Raw(None),
    }
}

pub type Scene = scene::Scene<Vec<Run>>;

impl scene::Store for Vec<Run> {
    fn answer(&self, query: &Query, now: Timestamp) -> Result<Answer, String> {
        Ok(answer(query, self, now))
    }
}

pub fn listening(port_of_http: u16) -> Vec<Listening> {
    let listening = |what: &str, address: &str, port, note: Option<&str>| Listening {
        what: what.into(),
        address: address.into(),
        port,
        note: note.map(str::to_owned),
    };
    let note = (port_of_http != 4318).then_some("4318 is taken by python3 (pid 4711)");
    vec![
        listening("gRPC", "127.0.0.1", 4317, None),
        listening("HTTP", "127.0.0.1", port_of_http, note),
        listening("SideSeat", "127.0.0.1", 5388, None),
    ]
}

impl Scene {
    pub fn of(runs: Vec<Run>) -> Self {
        let themes = Themes::load(None).unwrap();
        let start = Start {
            columns: 120,
            rows: 40,
            now: at(100.0),
            db: "~/.local/share/sideseat-tui/traces.duckdb".into(),
            theme: "dark".into(),
            themes: themes.names().to_vec(),
            by_terminal: false,
            ..Start::default()
        };
        let mut scene = Self::new(start, runs);
        scene.event(Event::Listening(listening(4318)));
        scene.event(Event::Opened(Mode::Live));
        for (second, spans) in [(101, 0), (102, 14), (103, 40), (104, 44)] {
            let seen = Seen { spans, ..Seen::default() };
            scene.event(Event::Tick(Tick { now: at(f64::from(second)), seen, failing: None }));
        }
        scene
    }

    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.resize(columns, rows);
        self
    }

    pub fn pressed(mut self, keys: &str) -> Self {
        self.press(keys);
        self
    }

    pub fn typed(mut self, text: &str) -> Self {
        self.type_in(text);
        self
    }

    pub fn screen(&self) -> String {
        let area = self.state.screen;
        let theme = Themes::load(None).unwrap().get("dark").unwrap().degrade(Depth::Ansi256);
        let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
        terminal.draw(|frame| draw(frame, &self.state, &theme)).unwrap();
        let cells = terminal.backend().buffer();
        let line = |y: u16| (0..area.width).map(|x| cells[(x, y)].symbol()).collect::<String>();
        (0..area.height).map(|y| line(y) + "\n").collect()
    }

    pub fn shows(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "no `{text}` in\n{screen}");
    }
}

/// Opens the failed run and goes to its second booking.
pub fn at_the_failure(scene: Scene) -> Scene {
    scene.pressed("g g  j  j  j  j  l  j  l  j  j  j  j  j")
}
