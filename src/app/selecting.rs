//! Selecting lines of the detail by keys and by the mouse, and copying them.

use super::{
    areas::Focus,
    detail::Side,
    document::{Copied, DocLine, Selected},
    event::Effect,
    state::State,
    yank,
};
use crate::keymap::Action;

/// So many lines are counted for the status line; of more it says about how many they are.
const COUNTED: usize = 2_000;

/// Begins with the line under the detail's cursor; from the tree the detail has the keys then.
pub fn begin(state: &mut State) {
    state.follow.stop(&mut state.tree);
    if state.detail.select() {
        state.focus = Focus::Detail;
    } else {
        state.notify("there is no text whose lines could be selected");
    }
}

/// Copies the lines that are selected, which ends it.
pub fn copy(state: &mut State) -> Vec<Effect> {
    let Some(Selected { text, lines }) = state.detail.selected() else {
        let key = state.keymap.label(Action::SelectLines);
        state.notify(format!("no lines are selected: {key} begins"));
        return Vec::new();
    };
    state.detail.end_selection();
    if text.trim().is_empty() {
        state.notify("there is no text on the selected lines: nothing is copied");
        return Vec::new();
    }
    let what = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    vec![yank::copy(Copied::new(what, text))]
}

/// The mouse moves over the text with its button down: what lies between is selected. `row`: of the screen.
pub fn drag(state: &mut State, row: u16) {
    let area = state.areas().and_then(|areas| match state.detail.side() {
        Side::Beside if areas.beside.is_some() => areas.beside,
        _ => areas.detail,
    });
    let (Some(folded), Some(area)) = (state.pressed, area) else { return };
    let (text, height) = (area.text, usize::from(area.text.height));
    let scroll = state.detail.scroll();
    if !state.detail.is_selecting() {
        if scroll.top() + usize::from(row.saturating_sub(text.y)) == scroll.cursor {
            return;
        }
        if folded {
            // Whoever selects did not mean to open or close what the first line is the head of.
            state.detail.fold(None);
            state.pressed = Some(false);
            return;
        }
        if !state.detail.select() {
            return;
        }
    }
    if row < text.y {
        state.detail.move_by(-1, height);
    } else if row >= text.bottom() {
        state.detail.move_by(1, height);
    } else {
        state.detail.go(scroll.top() + usize::from(row - text.y), height);
    }
}

impl State {
    /// The path of the JSON value under the cursor; `None` where there is none, or where the detail has no keys.
    #[must_use]
    pub fn json_path(&self) -> Option<String> {
        (self.focus == Focus::Detail).then(|| self.detail.json_path()).flatten()
    }

    /// `3 lines selected`; `None` where none are.
    #[must_use]
    pub fn selected_words(&self) -> Option<String> {
        let selected = self.detail.selected_lines()?;
        if selected.len() > COUNTED {
            return Some(format!("~{} lines selected", super::format::count(selected.len() as u64)));
        }
        let document = self.detail.document();
        let whole: usize = selected.map(|at| document.line(at).map_or(1, DocLine::begins)).sum();
        Some(if whole == 1 { "1 line selected".to_owned() } else { format!("{whole} lines selected") })
    }
}
