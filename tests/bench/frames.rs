//! Milliseconds from an event to its frame (`update` and `draw`), with large answers in the detail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sideseat_tui::app::{Effect, Event, Mode, Prepared, Seen, Start, State, Tick, update};
use sideseat_tui::keymap::{Chord, Keymap};
use sideseat_tui::model::{
    Answer, Changes, Detail, Overview, Page, Project, Query, QuerySlot, SessionId, SessionSummary, StateCounts,
    Subject, Timestamp, Totals, TraceState, TraceSummary, Tree,
};
use sideseat_tui::tabs::Tab;
use sideseat_tui::theme::{Theme, Themes};
use sideseat_tui::view;

use crate::large::{self, Large};

pub fn run() {
    for make in large::all() {
        let large = make();
        println!("-- {}", large.name);
        let mut bench = Bench::new(large);
        for row in Tab::ROWS {
            let name = row.title.to_lowercase();
            bench.press(row.keys[0]);
            bench.measure(&format!("{name}: an answer arrives"), Bench::arrives);
            bench.press("g g");
            bench.measure(&format!("{name}: one line down"), |bench, took| took.push(bench.press("j")));
            bench.measure(&format!("{name}: half a page down"), |bench, took| took.push(bench.press("ctrl-d")));
            bench.measure(&format!("{name}: to the end and the start"), |bench, took| {
                took.push(bench.press("G"));
                took.push(bench.press("g"));
                took.push(bench.press("g"));
            });
            bench.press("G");
            bench.measure(&format!("{name}: up from the end"), |bench, took| took.push(bench.press("k")));
            bench.measure(&format!("{name}: another size"), |bench, took| {
                for columns in [100, 140, 120] {
                    took.push(bench.timed(Event::Resize { columns, rows: 40 }));
                }
            });
            bench.folds(&name);
            bench.finds(&name);
        }
        bench.measure("tabs, one after another", |bench, took| {
            for row in Tab::ROWS {
                took.push(bench.press(row.keys[0]));
            }
        });
        for row in Tab::ROWS {
            bench.measure(&format!("{}, opened first", row.title.to_lowercase()), |bench, took| {
                // Another tab is shown when the answer comes.
                bench.press(if row.tab == Tab::default() { Tab::ROWS[1].keys[0] } else { Tab::ROWS[0].keys[0] });
                bench.arrives(&mut Vec::new());
                took.push(bench.press(row.keys[0]));
            });
        }
        bench.press("1  shift-tab  g g");
        bench.measure("the tree: one row down", |bench, took| took.push(bench.press("j")));
        bench.press("G");
        bench.measure("the tree: up from the end", |bench, took| took.push(bench.press("k")));
    }
}

/// How often each thing is done.
const ROUNDS: usize = 100;

/// What takes long is done less often: nobody waits for it.
const ENOUGH: Duration = Duration::from_secs(4);

struct Bench {
    large: Large,
    state: State,
    theme: Theme,
    terminal: Terminal<TestBackend>,
}

impl Bench {
    /// The screen of a store that holds one session with the input; the cursor is in the detail.
    fn new(large: Large) -> Self {
        let themes = Themes::load(None).unwrap();
        let now = Timestamp(1_800_000_000_000_000_000);
        let start = Start { columns: 120, rows: 40, keymap: Keymap::default(), now, ..Start::default() };
        let terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
        let mut bench = Self { large, state: State::new(start), theme: themes.get("dark").unwrap(), terminal };
        bench.timed(Event::Opened(Mode::Live));
        let several = bench.large.detail.traces.len() > 1;
        for keys in if several { vec!["g", "g", "tab"] } else { vec!["g", "g", "j", "l", "tab"] } {
            bench.press(keys);
        }
        bench
    }

    fn press(&mut self, keys: &str) -> Duration {
        let mut took = Duration::ZERO;
        for chord in keys.split("  ") {
            for key in chord.parse::<Chord>().unwrap().keys().to_vec() {
                took += self.timed(Event::Key(key));
            }
        }
        took
    }

    /// One event with every question that it leads to, and the frame that shows it. Making an answer is not measured.
    fn timed(&mut self, event: Event) -> Duration {
        if let Event::Resize { columns, rows } = event {
            self.terminal.backend_mut().resize(columns, rows);
        }
        let began = Instant::now();
        let mut open = update(&mut self.state, event);
        let mut took = began.elapsed();
        while let Some(effect) = open.pop() {
            if let Effect::Ask { slot, query, ticket } = effect {
                let answered = self.answered(slot, ticket, &query);
                let began = Instant::now();
                open.extend(update(&mut self.state, answered));
                took += began.elapsed();
            }
        }
        let began = Instant::now();
        self.terminal.draw(|frame| view::draw(frame, &self.state, &self.theme)).unwrap();
        took + began.elapsed()
    }

    /// A newer answer to what is shown comes, as it does while a run goes on.
    fn arrives(&mut self, took: &mut Vec<Duration>) {
        let now = self.state.now.plus(Duration::from_mins(1));
        self.timed(Event::Tick(Tick { now, seen: Seen::default(), failing: None }));
        let changes = Changes { all: true, ..Changes::default() };
        // The tree's answers are measured apart.
        let mut open = update(&mut self.state, Event::Changed(changes));
        while let Some(effect) = open.pop() {
            if let Effect::Ask { slot, query, ticket } = effect {
                let answered = self.answered(slot, ticket, &query);
                let measured = matches!(query, Query::Detail { .. } | Query::Raw { .. });
                let began = Instant::now();
                open.extend(update(&mut self.state, answered));
                if measured {
                    self.terminal.draw(|frame| view::draw(frame, &self.state, &self.theme)).unwrap();
                    took.push(began.elapsed());
                }
            }
        }
    }

    fn measure(&mut self, name: &str, mut step: impl FnMut(&mut Self, &mut Vec<Duration>)) {
        let (mut took, began) = (Vec::new(), Instant::now());
        for _ in 0..ROUNDS {
            step(self, &mut took);
            if began.elapsed() > ENOUGH {
                break;
            }
        }
        report(name, took);
    }

    /// Opens and closes the first folds of a tab.
    fn folds(&mut self, tab: &str) {
        self.press("g g");
        let mut took = Vec::new();
        let began = Instant::now();
        for _ in 0..400 {
            if self.state.detail.fold_at_cursor().is_some() && took.len() < 200 && began.elapsed() < ENOUGH {
                took.push(self.press("enter"));
                took.push(self.press("enter"));
            }
            self.press("j");
            if began.elapsed() > ENOUGH {
                break;
            }
        }
        if !took.is_empty() {
            report(&format!("{tab}: folds"), took);
        }
    }

    /// The answer with what is worked out of it, as a thread of the store sends it.
    fn answered(&self, slot: QuerySlot, ticket: u64, query: &Query) -> Event {
        let answer = Ok(self.answer(query));
        let prepared = Prepared::of(&slot, &answer, self.state.detail.showing());
        Event::Answered { slot, ticket, answer, prepared }
    }

    /// Looks for a letter that is everywhere, and for a word that is nowhere, in all of a tab.
    fn finds(&mut self, tab: &str) {
        for (what, phrase) in [("what is everywhere", "e"), ("what is nowhere", "no such words")] {
            self.press("g g");
            self.press("/");
            let (mut took, began) = (Vec::new(), Instant::now());
            for letter in phrase.chars() {
                took.push(self.timed(Event::Key(sideseat_tui::keymap::Key::char(letter))));
            }
            while self.state.detail.is_searching() {
                took.push(self.timed(Event::Work));
            }
            println!("{tab}: finding {what} took {:.1} ms in all", began.elapsed().as_secs_f64() * 1e3);
            took.push(self.press("enter"));
            for _ in 0..20 {
                took.push(self.press("n"));
            }
            self.press("esc");
            report(&format!("{tab}: finding {what}"), took);
        }
    }

    fn answer(&self, query: &Query) -> Answer {
        let detail: &Arc<Detail> = &self.large.detail;
        let session = || Some(SessionId::from("a session"));
        let all = detail.left_out + detail.traces.len() as u64;
        let first = &detail.traces[0];
        match query {
            Query::Overview { .. } => {
                let states = StateCounts { done: all, ..StateCounts::default() };
                let mut overview = Overview { sessions: 1, states, ..Overview::default() };
                overview.all.states = states;
                Answer::Overview(Box::new(overview))
            }
            Query::Sessions { .. } => Answer::Sessions(Page {
                rows: vec![SessionSummary {
                    session: session(),
                    users: Vec::new(),
                    first_seen: first.started,
                    last_seen: first.started,
                    lasted: Duration::from_secs(100),
                    states: StateCounts { done: all, ..StateCounts::default() },
                    loops: 0,
                    score: None,
                    totals: Totals::default(),
                }],
                total: 1,
            }),
            Query::Traces { .. } => {
                let row = |trace: &Arc<sideseat_tui::model::AssembledTrace>| TraceSummary {
                    trace: trace.trace,
                    project: Project::default(),
                    name: trace.name.clone(),
                    label: None,
                    session: session(),
                    user: None,
                    service: None,
                    framework: None,
                    question: None,
                    started: trace.started,
                    ended: trace.ended,
                    last_seen: trace.started,
                    state: TraceState::Ok,
                    waits: None,
                    program_ended: None,
                    spans: trace.spans,
                    models: Vec::new(),
                    repeat: None,
                    score: None,
                    totals: Totals::default(),
                };
                Answer::Traces(Page { rows: detail.traces.iter().map(row).collect(), total: all })
            }
            Query::Tree { trace } => {
                let found = detail.traces.iter().find(|found| found.trace == *trace);
                Answer::Tree(found.map_or_else(Tree::default, |found| found.tree.clone()))
            }
            Query::Detail { subject: Subject::Trace(_) | Subject::Session(_) } => Answer::Detail(Some(detail.clone())),
            Query::Stats { .. } => Answer::Stats(Arc::default()),
            Query::Usual { .. } => Answer::Usual(Vec::new()),
            Query::Runs { .. } => Answer::Traces(Page::default()),
            Query::Marks => Answer::Marks(Vec::new()),
            Query::Otlp { .. } => Answer::Otlp(sideseat_tui::model::Otlp { text: "{}\n".to_owned(), secrets: 0 }),
            Query::Facets { .. } => Answer::Facets(Vec::new()),
            Query::Raw { .. } => Answer::Raw(Some(self.large.raw.clone())),
        }
    }
}

fn report(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let Some(last) = took.len().checked_sub(1) else { return };
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank"
        )]
        let rank = (last as f64 * share).ceil() as usize;
        took[rank].as_secs_f64() * 1000.0
    };
    let over = if at(0.99) > 16.0 { "  over 16 ms" } else { "" };
    println!("   {name:<38} p50 {:8.2}  p99 {:8.2}  max {:8.2} ms{over}", at(0.5), at(0.99), at(1.0));
}
