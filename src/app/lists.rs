//! What keys do with the lists that are laid over the screen, and with themes, which are chosen from one.

use super::{
    browse::RowId,
    document::Copied,
    event::Effect,
    item::{Deletes, Kind, Pick},
    line::Line,
    list::List,
    state::{State, ThemeBy},
    switches,
    typing::{add_term, refilter},
    views, wrap, yank,
};
use crate::keymap::Action;

/// Lays a list over the screen, unless one of its kind lies there.
pub fn open(state: &mut State, kind: Kind) {
    // The same list twice, one over the other, helps nobody.
    let same = |list: &List| std::mem::discriminant(&list.kind) == std::mem::discriminant(&kind);
    if state.lists.iter().any(same) {
        let key = state.keymap.label(Action::Back);
        state.notify(format!("it is open already: {key} closes it"));
        return;
    }
    let cursor = match &kind {
        Kind::Sessions => {
            state.picker.touch();
            state.filter.session.clone().map(Pick::Session)
        }
        Kind::Themes { before } => Some(Pick::Theme(before.clone())),
        Kind::Palette { .. } => {
            state.picker.touch();
            state.runs.touch();
            None
        }
        Kind::Facets => {
            state.facets.touch();
            None
        }
        Kind::Delete { .. } | Kind::Import { .. } => Some(Pick::Keep),
        Kind::Help { .. } | Kind::Ended | Kind::Token => None,
    };
    let items = state.items(&kind);
    let is_palette = matches!(kind, Kind::Palette { .. });
    // What is looked for is mostly known by its name.
    let is_typed = kind == Kind::Sessions;
    let mut list = List::new(kind, items, cursor, state.screen);
    if is_palette || is_typed {
        list.open_line();
    }
    state.lists.push(list);
}

/// Does what picking the item with the cursor means.
pub fn choose(state: &mut State) -> Vec<Effect> {
    let Some(pick) = state.lists.last().and_then(List::picked).map(|item| item.pick.clone()) else { return Vec::new() };
    // A key's help is to be read; there is nothing to choose.
    if let Pick::Key(_) = pick {
        let key = state.keymap.label(Action::Palette);
        state.notify(format!("help is to be read; {key} does anything by its name"));
        return Vec::new();
    }
    let list = state.lists.pop();
    match pick {
        Pick::Session(session) => {
            state.follow.stop(&mut state.tree);
            refilter(state, |filter| filter.session = Some(session.clone()));
            let id = RowId::Session(session);
            state.tree.set_open(id.clone(), true);
            let height = state.heights().rows;
            state.tree.relay(height);
            state.tree.select(&id, height);
        }
        Pick::Term(term) => {
            state.follow.stop(&mut state.tree);
            add_term(state, &term);
        }
        Pick::View(name) => views::show(state, &name),
        Pick::DeleteView(name) => ask_to_drop(state, name),
        Pick::RenameView(name) => rename(state, name),
        Pick::Switch(switch, on) => return switches::set(state, switch, on),
        Pick::AllSessions => refilter(state, |filter| filter.session = None),
        Pick::Theme(name) => {
            state.theme_by = ThemeBy::Person;
            return set_theme(state, name);
        }
        Pick::Delete => {
            if let Some(List { kind: Kind::Delete { deletes, .. }, .. }) = list {
                return match deletes {
                    Deletes::Stored(removal) => vec![Effect::Remove(removal)],
                    Deletes::View(name) => drop_view(state, name),
                };
            }
        }
        Pick::TakeOver => {
            state.notify("taking over …");
            return vec![Effect::TakeOver];
        }
        Pick::Copy(text) => {
            state.token = None;
            return vec![yank::copy(Copied::new("token", text))];
        }
        Pick::Quit => return vec![Effect::Quit],
        // Whoever knows what actions do takes the others.
        Pick::Keep | Pick::Import | Pick::Key(_) | Pick::Does(_) | Pick::Run(..) => {}
    }
    Vec::new()
}

/// Asks whether the saved filter under the cursor of the topmost list is to be deleted.
pub fn delete_view(state: &mut State) {
    match state.view_at_cursor() {
        Some(name) => ask_to_drop(state, name),
        None => state.notify("no saved filter is under the cursor"),
    }
}

/// Opens the line for another name of the saved filter under the cursor of the topmost list.
pub fn rename_view(state: &mut State) {
    match state.view_at_cursor() {
        Some(name) => {
            state.lists.pop();
            rename(state, name);
        }
        None => state.notify("no saved filter is under the cursor"),
    }
}

fn ask_to_drop(state: &mut State, name: String) {
    let filter = state.views.get(&name).map(String::as_str).unwrap_or_default();
    let what = wrap::cut(&wrap::clean_line(&format!("saved filter {name}: {filter}")), 80);
    open(state, Kind::Delete { deletes: Deletes::View(name), what });
}

fn rename(state: &mut State, name: String) {
    state.completion.reset();
    state.naming = Some(Line::new(&name));
    state.renames = Some(name);
}

fn drop_view(state: &mut State, name: String) -> Vec<Effect> {
    let effects = views::drop(state, name);
    let items = state.items(&Kind::Facets);
    for list in state.lists.iter_mut().filter(|list| list.kind == Kind::Facets) {
        list.put(items.clone());
    }
    effects
}

impl State {
    /// The saved filter that the cursor of the topmost list is on.
    pub(super) fn view_at_cursor(&self) -> Option<String> {
        match &self.lists.last()?.picked()?.pick {
            Pick::View(name) => Some(name.clone()),
            _ => None,
        }
    }
}

/// Shows the theme that the cursor of the topmost list is on.
pub fn preview(state: &mut State) -> Vec<Effect> {
    let themes = state.lists.last().filter(|list| matches!(list.kind, Kind::Themes { .. }));
    match themes.and_then(List::picked).map(|item| item.pick.clone()) {
        Some(Pick::Theme(name)) => set_theme(state, name),
        _ => Vec::new(),
    }
}

/// Shows the theme that fits the terminal, unless someone chose one, or is choosing.
pub fn fit_theme(state: &mut State, name: &str) -> Vec<Effect> {
    let choosing = state.lists.iter().any(|list| matches!(list.kind, Kind::Themes { .. }));
    let fits = state.theme_by == ThemeBy::Terminal && !choosing;
    if fits { set_theme(state, name.to_owned()) } else { Vec::new() }
}

/// Puts a theme in force.
pub fn set_theme(state: &mut State, name: String) -> Vec<Effect> {
    if state.theme == name {
        return Vec::new();
    }
    state.theme.clone_from(&name);
    vec![Effect::SetTheme(name)]
}

/// Moves the cursor of the topmost list; a theme is seen as soon as the cursor is on it.
pub fn move_by(state: &mut State, by: isize) -> Vec<Effect> {
    if let Some(list) = state.lists.last_mut() {
        list.move_by(by);
    }
    preview(state)
}
