//! What a key does where it is pressed; and keys that are pressed before the screen is where they are meant for.
//!
//! A jump, the first run of a filter and the messages of a run may have to wait for the store. Keys that come meanwhile
//! are meant for what is on its way: they are kept, and pressed in order once it is there.

use std::time::Duration;

use super::{act::act, event::Effect, filter_line::type_in, item::Kind, marking, state::State};
use crate::keymap::{Action, Code, Context, Found, Key};

/// More keys are not kept.
const MOST: usize = 32;
/// No answer is waited for longer; then keys do what they do where the cursor is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what a key means, or keeps it for what is on its way.
pub fn press(state: &mut State, key: Key) -> Vec<Effect> {
    if state.keymap.find(state.context(), std::slice::from_ref(&key)) == Found::Action(Action::Redraw) {
        return vec![Effect::Redraw];
    }
    if state.is_for_now(&key) {
        state.ahead.keys.clear();
        return take(state, key);
    }
    if state.ahead.keys.is_empty() {
        if !state.waits_for(&key) {
            return take(state, key);
        }
        state.ahead.since = state.now;
    }
    if state.ahead.keys.len() < MOST {
        state.ahead.keys.push_back(key);
    }
    Vec::new()
}

/// Presses what was kept, as far as it need not wait any longer.
pub fn go_on(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    while let Some(key) = state.ahead.keys.front().copied().filter(|key| !state.waits_for(key)) {
        state.ahead.keys.pop_front();
        state.ahead.since = state.now;
        effects.extend(take(state, key));
        effects.extend(state.settle());
    }
    state.ahead.is_over &= !state.ahead.keys.is_empty();
    effects
}

/// Waits no longer, once that takes too long: the keys do what they do without it.
pub fn lose_patience(state: &mut State) {
    if !state.ahead.keys.is_empty() && state.now.since(state.ahead.since) >= PATIENCE {
        state.ahead.is_over = true;
    }
}

fn take(state: &mut State, key: Key) -> Vec<Effect> {
    state.notice = None;
    state.goal = None;
    state.proof_of = None;
    // Keys with ctrl keep their meaning: `ctrl-c` must always work.
    if let Some(awaits) = state.awaits.take()
        && !key.ctrl
    {
        return marking::letter(state, awaits, key);
    }
    let context = state.context();
    // Whoever moves on goes nowhere else.
    state.seeks &= context == Context::Line;
    let half = std::mem::take(&mut state.half);
    let pressed: Vec<Key> = half.iter().copied().chain([key]).collect();
    match state.keymap.find(context, &pressed) {
        Found::Action(action) => act(state, action),
        Found::Half => {
            state.half = pressed;
            Vec::new()
        }
        Found::Nothing => {
            if context == Context::Line {
                type_in(state, |line| line.press(&key));
            } else if pressed.len() == 1 || key != Key::plain(Code::Esc) {
                let keys = pressed.iter().map(Key::label).collect::<Vec<_>>().join(" ");
                state.notify(format!("{keys} does nothing here; {} shows every key", state.keymap.label(Action::Help)));
            }
            Vec::new()
        }
    }
}

impl State {
    /// Whether a key is not meant for what is on its way: it gives that up, or leaves the program.
    fn is_for_now(&self, key: &Key) -> bool {
        match self.keymap.find(self.context(), std::slice::from_ref(key)) {
            Found::Action(Action::Quit | Action::Suspend | Action::Back) => true,
            // What was pressed before it may have opened what it closes.
            Found::Action(Action::Close) => self.ahead.keys.is_empty(),
            Found::Action(_) | Found::Half | Found::Nothing => *key == Key::plain(Code::Esc),
        }
    }

    /// Whether a key has to wait for an answer of the store.
    fn waits_for(&self, key: &Key) -> bool {
        let context = self.context();
        if let Some(list) = self.lists.last().filter(|_| !self.ahead.is_over) {
            let found = self.keymap.find(context, std::slice::from_ref(key));
            let chooses = matches!(found, Found::Action(Action::Take | Action::Open));
            return chooses && list.counts().1 == 0 && self.is_filled_later(&list.kind);
        }
        if self.ahead.is_over || self.awaits.is_some() || !matches!(context, Context::Tree | Context::Detail) {
            return false;
        }
        if self.is_under_way() {
            return true;
        }
        let pressed: Vec<Key> = self.half.iter().copied().chain([*key]).collect();
        match self.keymap.find(context, &pressed) {
            Found::Action(action) => is_of_answer(action) && self.detail.awaits_answer(),
            Found::Half | Found::Nothing => false,
        }
    }

    /// Whether the first answer about what a list holds is on its way.
    fn is_filled_later(&self, kind: &Kind) -> bool {
        let sessions = self.picker.shown().is_none() && self.picker.failed().is_none();
        match kind {
            Kind::Sessions => sessions,
            Kind::Palette { .. } => sessions || (self.runs.shown().is_none() && self.runs.failed().is_none()),
            Kind::Facets => self.facets.shown().is_none() && self.facets.failed().is_none(),
            _ => false,
        }
    }

    /// Whether the cursor is about to go somewhere by itself, as somebody wanted it to.
    fn is_under_way(&self) -> bool {
        self.goal.is_some() || self.seeks
    }
}

/// Whether an action is about what the detail shows of the row under the cursor.
fn is_of_answer(action: Action) -> bool {
    matches!(
        action,
        Action::NextFailed
            | Action::PreviousFailed
            | Action::NextOdd
            | Action::Dearest
            | Action::Slowest
            | Action::NextTurn
            | Action::PreviousTurn
            | Action::Prompt
            | Action::Pager
            | Action::Editor
            | Action::YankText
            | Action::YankArguments
            | Action::YankResult
            | Action::YankPath
            | Action::YankMarkdown
            | Action::YankAllMarkdown
            | Action::YankPrompt
            | Action::YankCurl
            | Action::YankPython
            | Action::ExportMarkdown
    )
}
