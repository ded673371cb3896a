//! `tail`: what runs do, a line a step, for screen readers, pipes and logs.
//!
//! Where an instance holds the store it runs there, like every command that reads; else it listens itself. It asks the
//! store again and again: what it prints follows from what is stored, so it says what the screen says.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    io::{self, Write as _},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use super::{
    filtering,
    reading::{self, Output, Reads},
    serve,
};
use crate::{
    app::{
        format::{self, Zone},
        step,
        wrap::clean_line,
    },
    config::Settings,
    model::{
        Answer, Category, Filter, Node, NodeState, Query, RunState, SessionId, SessionSummary, SpanId, Timestamp,
        TraceId, TraceSummary, Usd,
    },
    start,
    store::Store,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui tail                          # whatever happens from now on
  sideseat-tui tail --last 3                 # the newest three runs first
  sideseat-tui tail --filter travel | tee run.log";

/// How long it waits between two looks at the store.
const PAUSE: Duration = Duration::from_millis(300);
/// Most sessions that are looked at, the newest activity first, and most runs of each.
const SESSIONS: usize = 100;
const RUNS: usize = 100;
/// Most runs that are remembered.
const REMEMBERED: usize = 20_000;
/// A question is cut after this many characters.
const QUESTION: usize = 120;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Arguments {
    /// Only runs that this lets through: words, agent:, tool:, cost> and more, as `traces --help` explains
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true, allow_hyphen_values = true, value_parser = filtering::read)]
    filter: String,

    /// Begin with the newest runs that are stored: so many of them
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    last: usize,
}

/// Prints what runs do until it is stopped; `words` is the command line that it came from.
pub fn tail(settings: &Settings, arguments: &Arguments, words: &[OsString]) -> anyhow::Result<u8> {
    if start::answering(settings).is_some() {
        return reading::read(settings, arguments, words);
    }
    serve::serve(settings, Some(arguments))
}

/// Prints what is stored until it is told to stop, or the other end is gone. `ready` is called once it is known what was
/// there before.
pub fn follow(store: &Store, arguments: &Arguments, stop: &Receiver<()>, ready: impl FnOnce()) -> anyhow::Result<()> {
    let mut follower = Follower::new(arguments, Zone::system());
    let mut out = io::stdout();
    follower.look(store, Timestamp::now(), &mut out)?;
    out.flush()?;
    ready();
    while stop.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        follower.look(store, Timestamp::now(), &mut out)?;
        out.flush()?;
    }
    // What was stored last.
    follower.look(store, Timestamp::now(), &mut out)?;
    Ok(out.flush()?)
}

impl Reads for Arguments {
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let mut follower = Follower::new(self, output.printer.zone());
        loop {
            follower.look(store, Timestamp::now(), output.out)?;
            // Says as well that nothing new is there: it fails when nobody reads any more.
            output.out.flush()?;
            std::thread::sleep(PAUSE);
        }
    }
}

/// What was printed, so that nothing is printed twice.
struct Follower {
    filter: Filter,
    zone: Zone,
    /// How many of the runs that were there before are printed.
    last: usize,
    /// When it began; `None` until the store was looked at once.
    began: Option<Timestamp>,
    /// Whether the first look saw all sessions there were.
    saw_all: bool,
    /// The sessions as they were when they were last looked at.
    sessions: HashMap<Option<SessionId>, SessionSummary>,
    runs: HashMap<TraceId, Run>,
}

/// What is known of a run.
#[derive(Default)]
struct Run {
    /// The spans that were printed, or need not be.
    steps: HashSet<SpanId>,
    /// The run as it was when it was last looked at.
    seen: Option<TraceSummary>,
    /// Whether its beginning was printed.
    is_open: bool,
    /// The state whose line was printed last.
    ended: Option<RunState>,
}

impl Follower {
    fn new(arguments: &Arguments, zone: Zone) -> Self {
        Self {
            filter: Filter { text: arguments.filter.clone(), ..Filter::default() },
            zone,
            last: arguments.last,
            began: None,
            saw_all: false,
            sessions: HashMap::new(),
            runs: HashMap::new(),
        }
    }

    /// Prints what has happened since the last look.
    fn look(&mut self, store: &Store, now: Timestamp, out: &mut dyn io::Write) -> anyhow::Result<()> {
        let sessions = Query::Sessions { filter: self.filter.clone(), limit: SESSIONS };
        let Answer::Sessions(sessions) = store.answer(&sessions)? else { return Ok(()) };
        let first = self.began.is_none();
        if first {
            self.saw_all = sessions.total <= sessions.rows.len() as u64;
        }
        let mut changed: Vec<TraceSummary> = Vec::new();
        let open = self.runs.values().filter(|run| run.is_open).filter_map(|run| run.seen.as_ref());
        let open: HashSet<_> = open.map(|trace| trace.session.clone()).collect();
        for session in sessions.rows {
            // A run that is open may end by the clock alone.
            let is_open = session.states.running > 0 || open.contains(&session.session);
            let known = self.sessions.get(&session.session);
            if known == Some(&session) && !is_open {
                continue;
            }
            let traces = Query::Traces { session: session.session.clone(), filter: self.filter.clone(), limit: RUNS };
            let Answer::Traces(traces) = store.answer(&traces)? else { continue };
            changed.extend(traces.rows);
            self.sessions.insert(session.session.clone(), session);
        }
        changed.sort_by_key(|trace| (trace.started, trace.trace));
        if first {
            let old = changed.len().saturating_sub(self.last);
            for trace in changed.drain(..old) {
                self.skip(store, trace, now)?;
            }
        }
        for trace in changed {
            self.run(store, trace, now, out)?;
        }
        if first {
            self.began = Some(now);
        }
        self.forget();
        Ok(())
    }

    /// Forgets the runs that were seen longest ago, if there are too many. What is older than they counts as printed.
    fn forget(&mut self) {
        if self.runs.len() <= REMEMBERED {
            return;
        }
        let mut seen: Vec<Timestamp> = self.runs.values().filter_map(Run::last_seen).collect();
        let (_, middle, _) = seen.select_nth_unstable(REMEMBERED / 2);
        let middle = *middle;
        self.runs.retain(|_, run| run.is_open || run.last_seen().is_some_and(|seen| seen >= middle));
        self.began = self.began.max(Some(middle));
        self.saw_all = false;
    }

    /// A run that was there before: only what it does from now on is printed.
    fn skip(&mut self, store: &Store, trace: TraceSummary, now: Timestamp) -> anyhow::Result<()> {
        let mut run = Run::default();
        let state = trace.run_state(now);
        if state == RunState::Running {
            run.steps.extend(nodes(store, trace.trace)?.iter().filter(|node| has_ended(node)).map(|node| node.id));
            run.is_open = true;
        } else {
            run.ended = Some(state);
        }
        let id = trace.trace;
        run.seen = Some(trace);
        self.runs.insert(id, run);
        Ok(())
    }

    fn run(
        &mut self,
        store: &Store,
        trace: TraceSummary,
        now: Timestamp,
        out: &mut dyn io::Write,
    ) -> anyhow::Result<()> {
        let state = trace.run_state(now);
        if !self.runs.contains_key(&trace.trace) {
            let is_old = self.began.is_some_and(|began| trace.last_seen < began);
            if is_old && !self.saw_all {
                return self.skip(store, trace, now);
            }
        }
        let run = self.runs.entry(trace.trace).or_default();
        if run.seen.as_ref() == Some(&trace) && (run.ended == Some(state) || state == RunState::Running) {
            return Ok(());
        }
        let name = name(&trace);
        let mut line = |at: Timestamp, text: &str| writeln!(out, "{} {name}: {text}", self.zone.clock(at));
        if !run.is_open && run.ended.is_none() {
            let asked = trace.question.as_deref().map(clean_line).filter(|_| trace.label.is_some());
            let asked = asked.map(|asked| cut(asked.trim())).filter(|asked| !asked.is_empty());
            let session = trace.session.as_ref().map(|session| format!("session {}", clean_line(session.as_str())));
            let parts = ["started".to_owned()].into_iter().chain(asked).chain(session);
            line(trace.started, &parts.collect::<Vec<_>>().join(" · "))?;
            run.is_open = true;
        }
        for node in nodes(store, trace.trace)? {
            if has_ended(&node) && is_step(&node) && run.steps.insert(node.id) {
                line(node.ended.unwrap_or(node.started), &of_step(&node))?;
                run.ended = None;
            }
        }
        if state != RunState::Running && run.ended != Some(state) {
            line(trace.ended.unwrap_or(trace.last_seen), &of_end(&trace, state))?;
            run.ended = Some(state);
            run.is_open = false;
        }
        run.seen = Some(trace);
        Ok(())
    }
}

impl Run {
    fn last_seen(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|trace| trace.last_seen)
    }
}

fn nodes(store: &Store, trace: TraceId) -> anyhow::Result<Vec<Node>> {
    match store.answer(&Query::Tree { trace })? {
        Answer::Tree(tree) => Ok(tree.nodes),
        _ => Ok(Vec::new()),
    }
}

fn has_ended(node: &Node) -> bool {
    matches!(node.state, NodeState::Ok | NodeState::Error) && node.ended.is_some()
}

/// Whether a span is a step of a run: work of a model, a tool, an agent or of people's own code. The root is the run.
fn is_step(node: &Node) -> bool {
    match node.category {
        // Another record of a call that is printed.
        category if category.is_call() => node.turn.is_some(),
        Category::Http | Category::Db | Category::Messaging => node.error.is_some(),
        _ => node.depth > 0 && !node.plumbing,
    }
}

/// `turn 2 · claude-sonnet-4-5 · 1.2s · 1.4k tokens · $.012`
fn of_step(node: &Node) -> String {
    let name = step::called(node);
    let what = match node.category {
        Category::Tool => format!("tool {name}"),
        Category::Agent => format!("agent {name}"),
        _ => name,
    };
    let is_call = node.category.is_call();
    let model = node.model.as_deref().filter(|_| is_call).map(|model| clean_line(format::model(model)));
    let lasted = node.ended.map(|ended| format::duration(ended.since(node.started)));
    let tokens = node.usage.as_ref().and_then(crate::model::TokenUsage::total).filter(|_| is_call);
    let cost = node.cost.as_ref().map(|cost| cost.total).filter(|_| is_call);
    let failed = (node.state == NodeState::Error).then(|| match &node.error {
        Some(error) => format!("failed: {}", clean_line(error)),
        None => "failed".to_owned(),
    });
    joined([Some(what), model, lasted, tokens.map(tokens_in_words), cost.map(format::money), failed])
}

/// `done · 4.1s · 2 model calls · 1.4k tokens · $.012`
fn of_end(trace: &TraceSummary, state: RunState) -> String {
    let how = match state {
        RunState::Failed => "failed",
        RunState::NeverEnded => "never ended",
        RunState::Recovered => "done, with failures on the way",
        RunState::Done | RunState::Running => "done",
    };
    let lasted = trace.ended.map(|ended| format::duration(ended.since(trace.started)));
    let totals = &trace.totals;
    let calls = (totals.model_calls > 0).then(|| counted(totals.model_calls, "model call"));
    let tools = (totals.tool_calls > 0).then(|| counted(totals.tool_calls, "tool call"));
    let cost = match totals.cost_if_known() {
        _ if totals.model_calls == 0 => None,
        Some(cost) => Some(format::money(cost)),
        None if totals.cost > Usd(0) => Some(format::money_at_least(totals.cost)),
        None => Some("cost unknown".to_owned()),
    };
    let repeat = trace.repeat.as_ref().filter(|repeat| repeat.is_loop);
    let repeat = repeat.map(|repeat| format!("loop: {} called {} times alike", clean_line(&repeat.tool), repeat.times));
    joined([
        Some(how.to_owned()),
        lasted,
        calls,
        tools,
        totals.usage.total().map(tokens_in_words),
        cost,
        repeat,
        Some(format!("trace {}", trace.trace)),
    ])
}

fn joined(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", format::exact(number), if number == 1 { "" } else { "s" })
}

fn tokens_in_words(tokens: u64) -> String {
    format!("{} tokens", format::count(tokens))
}

/// What the run is called: the name that people gave, else what was asked, else its id.
fn name(trace: &TraceSummary) -> String {
    let asked = trace.question.as_deref().map(|asked| cut(clean_line(asked).trim()));
    let named = trace.label.as_deref().map(clean_line).or(asked).or_else(|| trace.name.as_deref().map(clean_line));
    named.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| format!("{:.8}", trace.trace.to_string()))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUESTION) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
