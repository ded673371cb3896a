//! What changes the filter.

use super::{history::LineOf, state::State};
use crate::{filter, model::Filter};

/// Changes the filter. What is shown stays until its answer arrives.
pub fn refilter(state: &mut State, change: impl FnOnce(&mut Filter)) {
    let before = state.filter.clone();
    change(&mut state.filter);
    if state.filter != before {
        state.tree.restart();
        if state.filter.text != before.text {
            state.seeks = !state.filter.text.trim().is_empty();
            // What was found stays open.
            if !state.seeks && !state.follow.is_on() {
                state.tree.unfollow();
            }
        }
        state.show_programs();
    }
}

/// Adds a term to the filter.
pub fn add_term(state: &mut State, term: &str) {
    let text = filter::with_term(&state.filter.text, term);
    // It may be longer than a filter can be.
    if let Err(problem) = filter::parse(&text) {
        state.notify(problem.why);
        return;
    }
    state.history.remember(LineOf::Filter, &text);
    refilter(state, |filter| filter.text = text);
}
