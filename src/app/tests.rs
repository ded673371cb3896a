//! States, keys, states: the app against a store that answers at once.

mod ahead;
mod around;
mod detail;
mod every_key;
mod fakes;
mod filter;
mod follow;
mod keys;
mod lists;
mod states;
mod tree;

use proptest::prelude::*;

use super::{
    areas::Focus,
    browse::{Content, RowId},
    detail::{Mark, Over},
    event::{Effect, Ended, Event, Listening, Mode, Mouse, MouseDoes, NewToken, Seen, Sends, Tick},
    help::HelpLine,
    item::{Dropped, Kind},
    scene,
    state::{Lamp, Stage, Start, State},
    update::update,
};
use crate::{
    keymap::{Context, Key},
    model::{Category, Changes, Limit, NodeState, Pruned, Query, Removal, Removed, SessionId, Subject, Timestamp},
    tabs::Tab,
};
use fakes::{Fake, Fakes, fake, span, trace};

type Scene = scene::Scene<Fakes>;

fn names() -> Vec<String> {
    ["dark", "light", "plain"].map(str::to_owned).to_vec()
}

impl Scene {
    fn empty() -> Self {
        let start = Start {
            columns: 120,
            rows: 40,
            now: Timestamp(1_000),
            themes: names(),
            by_terminal: true,
            theme: "dark".into(),
            ..Start::default()
        };
        let mut scene = Self::new(start, Fakes::default());
        scene.event(Event::Opened(Mode::Live));
        scene
    }

    fn with(traces: impl IntoIterator<Item = Fake>) -> Self {
        let mut scene = Self::empty();
        scene.store.traces.extend(traces);
        scene.changed();
        // That they have come is no news to these tests.
        scene.effects.clear();
        scene
    }

    /// Without following, the cursor on the first row.
    fn still(mut self) -> Self {
        self.press("g g");
        self
    }

    /// These traces pass a filter of this text, and of its beginnings.
    fn passes(mut self, text: &'static str, numbers: &[u8]) -> Self {
        let ends = (1..=text.len()).filter(|end| text.is_char_boundary(*end));
        self.store.passing.extend(ends.map(|end| (&text[..end], numbers.to_vec())));
        self
    }

    fn changed(&mut self) {
        let traces = &self.store.traces;
        let changes = Changes {
            traces: traces.iter().map(|fake| trace(fake.number)).collect(),
            sessions: traces.iter().filter_map(|fake| fake.session).map(SessionId::from).collect(),
            spans: 1,
            ..Changes::default()
        };
        self.event(Event::Changed(changes));
    }

    /// A trace arrives, alone.
    fn arrives(&mut self, fake: Fake) {
        let changes = Changes {
            traces: [trace(fake.number)].into(),
            sessions: fake.session.map(SessionId::from).into_iter().collect(),
            spans: 1,
            ..Changes::default()
        };
        self.store.traces.retain(|other| other.number != fake.number);
        self.store.traces.push(fake);
        self.event(Event::Changed(changes));
    }

    /// What the cursor is on.
    fn cursor(&self) -> RowId {
        self.state.tree.cursor().map(|row| row.id.clone()).expect("a row has the cursor")
    }

    /// The line of the window that the cursor is on.
    fn line(&self) -> usize {
        self.state.tree.scroll().cursor - self.state.tree.scroll().top()
    }

    fn rows(&self) -> Vec<RowId> {
        self.state.tree.rows().iter().map(|row| row.id.clone()).collect()
    }

    /// The text on the line that has the detail's cursor.
    fn reads(&self) -> String {
        self.state.detail.document().text(self.state.detail.scroll().cursor)
    }
}
