//! Filters that were saved under a name.

use super::{
    event::{Effect, ViewChange},
    history::LineOf,
    line::Line,
    state::State,
    typing::refilter,
};
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
    let renames = state.renames.take();
    let Some(line) = state.naming.take().filter(|_| taken) else { return Vec::new() };
    match renames {
        Some(from) => rename(state, from, line.text()),
        None => save(state, line.text()),
    }
}

/// A name as it is kept.
fn cleaned(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Gives a saved filter another name.
fn rename(state: &mut State, from: String, to: &str) -> Vec<Effect> {
    let to = cleaned(to);
    if to.is_empty() || to == from {
        state.notify(format!("{from} keeps its name"));
        return Vec::new();
    }
    if state.views.contains_key(&to) {
        state.notify(format!("there is a saved filter {to} already"));
        return Vec::new();
    }
    let Some(filter) = state.views.remove(&from) else { return Vec::new() };
    state.views.insert(to.clone(), filter);
    state.notify(format!("{from} is called {to} now"));
    vec![Effect::ChangeView(ViewChange::Rename { from, to })]
}

/// Deletes a saved filter.
pub fn drop(state: &mut State, name: String) -> Vec<Effect> {
    if state.views.remove(&name).is_none() {
        return Vec::new();
    }
    state.notify(format!("the saved filter {name} is deleted"));
    vec![Effect::ChangeView(ViewChange::Drop { name })]
}

/// Saves the filter under a name, in the place of one that has it.
pub fn save(state: &mut State, name: &str) -> Vec<Effect> {
    let name = cleaned(name);
    let Some(filter) = filter_to_save(state).filter(|_| !name.is_empty()) else {
        state.notify("a view has a name and a filter");
        return Vec::new();
    };
    state.views.insert(name.clone(), filter.clone());
    state.notify(format!("saved as {name}; {} lists it", state.keymap.label(crate::keymap::Action::Facets)));
    vec![Effect::ChangeView(ViewChange::Save { name, filter })]
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
            state.history.remember(LineOf::Filter, &text);
            refilter(state, |filter| filter.text = text);
        }
        Err(problem) => state.notify(format!("{name}: {problem}")),
    }
}
