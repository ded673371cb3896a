//! What changes the filter.

use super::{line::Line, state::State};
use crate::model::Filter;

/// Edits the line that is open, and lets what it narrows follow at once.
pub fn type_in(state: &mut State, edit: impl FnOnce(&mut Line)) {
    if let Some(list) = state.lists.last_mut() {
        list.edit(edit);
    } else if let Some(line) = &mut state.finds {
        edit(line);
        state.detail.find(line.text());
    } else if let Some(line) = &mut state.line {
        edit(line);
        let text = line.text().to_owned();
        refilter(state, |filter| filter.text = text);
    }
}

/// Changes the filter. What is shown stays until its answer arrives.
pub fn refilter(state: &mut State, change: impl FnOnce(&mut Filter)) {
    let before = state.filter.clone();
    change(&mut state.filter);
    if state.filter != before {
        state.tree.restart();
        state.show_programs();
    }
}

/// Adds a term to the filter.
pub fn add_term(state: &mut State, term: &str) {
    let text = filter::with_term(&state.filter.text, term);
    state.completion.remember(&text);
    refilter(state, |filter| filter.text = text);
}
