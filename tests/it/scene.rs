//! A scene: exports and keys go through the real update, areas and view onto a terminal made of cells.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use sideseat_tui::app::format::Zone;
use sideseat_tui::app::{Effect, Event, Listening, Mode, Seen, Start, Tick};
use sideseat_tui::decode::{Encoding, Signal};
use sideseat_tui::keymap::Keymap;
use sideseat_tui::model::{Answer, Filter, Query, Timestamp, TraceId};
use sideseat_tui::store::{Store, Submission};
use sideseat_tui::theme::{Theme, Themes};
use sideseat_tui::view;

use crate::painted;
use crate::replay::{Capture, send, send_as, store_of};

/// A minute after the newest span, so that every run is done and every age is the same each time.
const LATER: u64 = 60_000_000_000;

/// The harness that the tests of `app` and `view` share.
#[allow(dead_code, reason = "some of it is for those alone")]
#[path = "../../src/app/scene.rs"]
mod shared;

pub struct Scene {
    scene: shared::Scene<Store>,
    terminal: Terminal<TestBackend>,
}

impl shared::Store for Store {
    fn answer(&self, query: &Query, _: Timestamp) -> Result<Answer, String> {
        Store::answer(self, query).map_err(|error| error.to_string())
    }
}

impl Scene {
    /// The screen of a program that was sent these captures (`client/name`).
    pub fn of(captures: &[&str], columns: u16, rows: u16) -> Self {
        let bodies: Vec<(Signal, Vec<u8>)> =
            captures.iter().flat_map(|capture| Capture::named(capture).bodies()).collect();
        Self::of_store(store_of(&bodies), columns, rows)
    }

    /// The screen over a store, a minute after its newest span.
    pub fn of_store(store: Store, columns: u16, rows: u16) -> Self {
        let now = newest(&store).plus(std::time::Duration::from_nanos(LATER));
        Self::started(store, now, columns, rows)
    }

    /// The screen of a program that was sent nothing yet, with the clock of this machine.
    pub fn live(columns: u16, rows: u16) -> Self {
        Self::started(store_of(&[]), Timestamp::now(), columns, rows)
    }

    fn started(store: Store, now: Timestamp, columns: u16, rows: u16) -> Self {
        store.changes().take();
        let themes = Themes::load(None).unwrap().names().to_vec();
        let start = Start {
            columns,
            rows,
            keymap: Keymap::default(),
            now,
            mode: Mode::Live,
            zone: Zone::default(),
            db: "~/traces.duckdb".into(),
            theme: "dark".into(),
            themes,
            by_terminal: false,
            ..Start::default()
        };
        let terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut scene = shared::Scene::new(start, store);
        scene.event(Event::Listening(listening()));
        scene.event(Event::Opened(Mode::Live));
        scene.event(Event::Tick(Tick { now, seen: Seen::default(), failing: None }));
        Self { scene, terminal }
    }

    /// Presses keys, written as settings write them: `"j j enter"`, `"ctrl-d"`, `"/"`.
    pub fn press(mut self, keys: &str) -> Self {
        self.scene.press(keys);
        self
    }

    /// The window gets another size.
    pub fn resize(mut self, columns: u16, rows: u16) -> Self {
        self.scene.resize(columns, rows);
        self.terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        self
    }

    pub fn paste(mut self, text: &str) -> Self {
        self.scene.event(Event::Paste(text.to_owned()));
        self
    }

    /// More arrives while the screen is looked at.
    pub fn arrive(mut self, capture: &str) -> Self {
        send(&self.scene.store, &Capture::named(capture).bodies());
        let changes = self.scene.store.changes().take();
        self.scene.event(Event::Changed(changes));
        self
    }

    /// A request of spans as OTLP/JSON arrives, and the clock goes on.
    pub fn sends(self, spans: Vec<u8>) -> Self {
        self.sends_as(Signal::Traces, spans, Encoding::Json)
    }

    /// The same with an export of either signal.
    pub fn sends_as(mut self, signal: Signal, export: Vec<u8>, encoding: Encoding) -> Self {
        send_as(&self.scene.store, signal, export, encoding);
        let changes = self.scene.store.changes().take();
        self.scene.event(Event::Changed(changes));
        self.tick(Tick { now: Timestamp::now(), seen: Seen::default(), failing: None })
    }

    /// `run` saw a program end that had left this trace unfinished, and the clock goes on.
    pub fn program_ends(mut self, trace: TraceId, ended: Timestamp) -> Self {
        let submission = Submission { program_ends: vec![(trace, ended)], ..Submission::default() };
        self.scene.store.writer().submit_blocking(submission).unwrap();
        let changes = self.scene.store.changes().take();
        self.scene.event(Event::Changed(changes));
        self.tick(Tick { now: Timestamp::now(), seen: Seen::default(), failing: None })
    }

    pub fn store(&self) -> &Store {
        &self.scene.store
    }

    pub fn tick(mut self, tick: Tick) -> Self {
        self.scene.event(Event::Tick(tick));
        self
    }

    /// The store is that of the demo.
    pub fn demo(mut self) -> Self {
        self.scene.event(Event::Opened(Mode::Demo));
        self
    }

    /// What the app wanted, but for questions.
    pub fn effects(&self) -> &[Effect] {
        &self.scene.effects
    }

    /// What the status line says of the last key.
    pub fn notice(&self) -> Option<&str> {
        self.scene.state.notice.as_ref().map(|notice| notice.text.as_str())
    }

    pub fn now(&self) -> Timestamp {
        self.scene.state.now
    }

    /// The screen's cells, painted with the default theme.
    pub fn cells(&mut self) -> &Buffer {
        self.draw(&Themes::load(None).unwrap().get("dark").unwrap())
    }

    /// The screen as text.
    pub fn text(&mut self) -> String {
        text(self.cells())
    }

    /// The screen as text, and beneath it with which slot each cell is painted.
    pub fn page(&mut self) -> String {
        page(self.draw(&painted::marking_theme()))
    }

    pub fn draw(&mut self, theme: &Theme) -> &Buffer {
        let state = &self.scene.state;
        self.terminal.draw(|frame| view::draw(frame, state, theme)).unwrap();
        self.terminal.backend().buffer()
    }
}

pub fn page(buffer: &Buffer) -> String {
    format!("{}\n\n{}", text(buffer), painted::slots(buffer))
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let lines = buffer.content.chunks(width).map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn listening() -> Vec<Listening> {
    [("gRPC", 4317), ("HTTP", 4318), ("SideSeat", 5388)]
        .into_iter()
        .map(|(what, port)| Listening { what: what.into(), address: "127.0.0.1".into(), port, note: None })
        .collect()
}

/// When the store last saw something.
fn newest(store: &Store) -> Timestamp {
    let Ok(Answer::Sessions(page)) = store.answer(&Query::Sessions { filter: Filter::default(), limit: 100 }) else {
        panic!("the store lists its sessions");
    };
    page.rows.iter().map(|row| row.last_seen).max().unwrap_or(Timestamp(1_790_000_000_000_000_000))
}
