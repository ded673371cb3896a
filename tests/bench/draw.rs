//! Microseconds a frame of the main view, and to lay a long conversation out.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sideseat_tui::app::{Effect, Event, Mode, Start, State, update};
use sideseat_tui::decode::Encoding;
use sideseat_tui::keymap::Keymap;
use sideseat_tui::model::{Project, Timestamp};
use sideseat_tui::pricing::Prices;
use sideseat_tui::receive::{Counts, Intake};
use sideseat_tui::store::{Place, Store};
use sideseat_tui::theme::Themes;
use sideseat_tui::view;

use crate::load;

const ROUNDS: u32 = 500;

pub fn run() {
    let prices = Arc::new(Prices::bundled());
    let store = Store::open(&Place::Memory, prices.clone()).unwrap();
    let intake = Intake::new(store.writer(), prices, Counts::new());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for path in load::captures("bedrock").into_iter().chain(load::captures("strands")) {
        let body = fs::read(path).unwrap().into();
        runtime.block_on(intake.traces(Project::default(), body, Encoding::Protobuf)).unwrap();
    }
    let theme = Themes::load(None).unwrap().get("dark").unwrap();
    for (columns, rows) in [(120, 40), (80, 24), (240, 70)] {
        let start = Start { columns, rows, keymap: Keymap::default(), now: Timestamp::now(), ..Start::default() };
        let mut state = State::new(start);
        let mut open = update(&mut state, Event::Opened(Mode::Live));
        while let Some(effect) = open.pop() {
            if let Effect::Ask { slot, query, ticket } = effect {
                let answer = store.answer(&query).map_err(|error| error.to_string());
                open.extend(update(&mut state, Event::Answered { slot, ticket, answer, prepared: None }));
            }
        }
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let began = Instant::now();
        for _ in 0..ROUNDS {
            terminal.draw(|frame| view::draw(frame, &state, &theme)).unwrap();
        }
        println!("{columns}x{rows}: {:?} a frame", began.elapsed() / ROUNDS);
    }
}
