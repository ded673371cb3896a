//! A scene for tests: events go through the real update, and what the app asks is answered at once by a store of the
//! test's choice. The tests of `app`, of `view` and of the whole program (`tests/it`, which includes this file) use it.

use std::collections::VecDeque;

use sideseat_tui::{
    app::{Effect, Event, Prepared, Start, State, update},
    keymap::{Chord, Key},
    model::{Answer, Query, QuerySlot, Timestamp},
};

/// What answers the questions of a scene.
pub trait Store {
    /// The answer at a moment, or in words why there is none.
    fn answer(&self, query: &Query, now: Timestamp) -> Result<Answer, String>;
}

pub struct Scene<S> {
    pub state: State,
    pub store: S,
    /// What the app wanted, but for questions.
    pub effects: Vec<Effect>,
    /// Every question, in order.
    pub asked: Vec<Query>,
    /// Questions are kept here instead of being answered, with where and under which number the app awaits the answer.
    pub silent: Option<Vec<(QuerySlot, u64, Query)>>,
}

impl<S: Store> Scene<S> {
    /// A program that has started and opened no store yet.
    pub fn new(start: Start, store: S) -> Self {
        Self { state: State::new(start), store, effects: Vec::new(), asked: Vec::new(), silent: None }
    }

    /// One event, and every question that it leads to.
    pub fn event(&mut self, event: Event) {
        let mut open = VecDeque::from(update(&mut self.state, event));
        let asked = self.asked.len();
        while let Some(effect) = open.pop_front() {
            let (slot, query, ticket) = match effect {
                Effect::Ask { slot, query, ticket } => (slot, query, ticket),
                Effect::Work => {
                    open.extend(update(&mut self.state, Event::Work));
                    continue;
                }
                effect => {
                    self.effects.push(effect);
                    continue;
                }
            };
            assert!(self.asked.len() < asked + 1000, "the app asks without end: {query:?}");
            self.asked.push(query.clone());
            if let Some(kept) = &mut self.silent {
                kept.push((slot, ticket, query));
            } else {
                let answer = self.store.answer(&query, self.state.now);
                // As the threads of the store do it.
                let prepared = Prepared::of(&slot, &answer, self.state.detail.showing());
                open.extend(update(&mut self.state, Event::Answered { slot, ticket, answer, prepared }));
            }
        }
    }

    /// Presses keys, written as settings write them: `"j j enter"`, `"ctrl-d"`, `"/"`.
    pub fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            for key in key.parse::<Chord>().unwrap().keys() {
                self.event(Event::Key(*key));
            }
        }
    }

    pub fn type_in(&mut self, text: &str) {
        for letter in text.chars() {
            self.event(Event::Key(Key::char(letter)));
        }
    }

    /// The window gets another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.event(Event::Resize { columns, rows });
    }
}
