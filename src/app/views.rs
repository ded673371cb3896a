//! Filters that were saved under a name.

use super::{event::Effect, line::Line, state::State, typing::refilter};
use crate::filter;

/// A longer name is no name.
const LONGEST: usize = 60;

/// Asks for the name under which the filter is saved.
pub fn name(state: &mut State) {
    if filter_to_save(state).is_some() {
        state.completion.reset();
        state.naming = Some(Line::new(""));
    } else {
        state.notify("there is no filter to save");
    }
}

/// The filter that is typed, if it is one, else that in force.
fn filter_to_save(state: &State) -> Option<String> {
    let typed = state.line.as_ref().map(Line::text).filter(|text| filter::parse(text).is_ok());
    let text = typed.unwrap_or(&state.filter.text).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Ends the typing of a name; `taken` saves the filter under it.
pub fn end_naming(state: &mut State, taken: bool) -> Vec<Effect> {
    let Some(line) = state.naming.take().filter(|_| taken) else { return Vec::new() };
    save(state, line.text())
}

/// Saves the filter under a name, in the place of one that has it.
pub fn save(state: &mut State, name: &str) -> Vec<Effect> {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    let Some(filter) = filter_to_save(state).filter(|_| !name.is_empty()) else {
        state.notify("a view has a name and a filter");
        return Vec::new();
    };
    state.views.insert(name.clone(), filter.clone());
    state.notify(format!("saved as {name}; {} lists it", state.keymap.label(crate::keymap::Action::Facets)));
    vec![Effect::SaveView { name, filter }]
}

/// Filters by a view.
pub fn show(state: &mut State, name: &str) {
    let Some(text) = state.views.get(name).cloned() else {
        state.notify("there is no such view");
        return;
    };
    match filter::parse(&text) {
        Ok(_) => {
            state.follow.stop(&mut state.tree);
            state.completion.remember(&text);
            refilter(state, |filter| filter.text = text);
        }
        Err(problem) => state.notify(format!("{name}: {problem}")),
    }
}
