//! What keys do to the cursor of the tree and of the detail, and to how much of each is shown.

use super::{
    areas::Focus,
    event::Effect,
    failed_steps, first_run, jumps, lists, panes,
    state::{Heights, State},
};
use crate::{
    keymap::{Action, Context},
    model::{SpanId, TraceId},
    tabs::Tab,
};

/// Moves the cursor of whatever has the keys.
pub(super) fn step(state: &mut State, by: isize) -> Vec<Effect> {
    let Heights { rows, text, .. } = state.heights();
    match state.context() {
        Context::List => return lists::move_by(state, by),
        Context::Tree => {
            state.follow.stop(&mut state.tree);
            state.tree.move_by(by, rows);
        }
        Context::Detail | Context::Selecting => {
            // Whoever reads is not to be taken elsewhere.
            state.follow.stop(&mut state.tree);
            state.detail.move_by(by, text);
        }
        Context::FirstRun => {
            let page = state.areas().map(|areas| first_run::page(state, &areas));
            let (top, last) = page.map_or((0, 0), |page| (page.top, page.last_top()));
            state.first_run_top = top.saturating_add_signed(by).min(last);
        }
        Context::Stats => {
            let height = state.stats_height();
            state.stats.move_by(by, height);
        }
        Context::Line => {}
    }
    Vec::new()
}

pub(super) fn last(state: &mut State) -> Vec<Effect> {
    if matches!(state.context(), Context::Detail | Context::Selecting) {
        let height = state.heights().text;
        state.detail.go_to_end(height);
        return Vec::new();
    }
    if state.context() == Context::Tree {
        state.follow.stop(&mut state.tree);
        let height = state.heights().rows;
        state.tree.go_to_last(height);
        return Vec::new();
    }
    step(state, isize::MAX)
}

pub(super) fn half_page(state: &State) -> isize {
    let Heights { rows, text, .. } = state.heights();
    let height = match (state.lists.last(), state.context()) {
        (Some(list), _) => list.area().rows.height.into(),
        (None, Context::Detail | Context::Selecting) => text,
        (None, Context::Stats) => state.stats_height(),
        (None, _) => rows,
    };
    isize::try_from(height / 2).unwrap_or(1).max(1)
}

pub(super) fn fold(state: &mut State) {
    match state.focus {
        Focus::Tree => {
            let height = state.heights().rows;
            state.follow.stop(&mut state.tree);
            if !(state.tree.show_all(false) || state.tree.fold(false)) {
                state.tree.go_to_parent(height);
            }
        }
        Focus::Detail => {
            if !state.detail.pan(false) && !state.detail.fold(Some(false)) {
                panes::next(state, false);
            }
        }
    }
}

pub(super) fn unfold(state: &mut State) {
    match state.focus {
        Focus::Tree => {
            state.follow.stop(&mut state.tree);
            if !(state.tree.fold(true) || state.tree.show_all(true)) {
                state.notify("nothing more opens at this row");
            }
        }
        Focus::Detail => {
            if !state.detail.pan(true) && !state.detail.fold(Some(true)) {
                state.notify("nothing is closed on this line");
            }
        }
    }
}

/// Opens or closes what is under the cursor, or many rows of the tree at once.
pub(super) fn fold_many(state: &mut State, action: Action) {
    state.follow.stop(&mut state.tree);
    let height = state.heights().rows;
    let nothing = match action {
        Action::OpenAll => (!state.tree.open_beneath()).then_some("all that is known beneath it is open"),
        Action::CloseAll => (!state.tree.close_sessions(height)).then_some("all sessions are closed"),
        Action::ShowAll => match state.tree.show_all_of_run() {
            Some(true) => Some("all spans of the run are shown"),
            Some(false) => Some("spans of libraries are folded away again"),
            None => Some("no spans are folded away here"),
        },
        _ if state.focus == Focus::Detail => (!state.detail.fold(None)).then_some("the cursor is on no fold"),
        _ => {
            let folds = state.tree.fold(true) || state.tree.fold(false);
            (!folds).then_some("nothing is beneath this row")
        }
    };
    if let Some(text) = nothing {
        state.notify(text);
    }
}

/// Puts the tree's cursor on a step, and shows what was said there.
pub(super) fn go_to_step(state: &mut State, trace: TraceId, span: SpanId) {
    jumps::leave(state);
    failed_steps::go_to(state, trace, span);
    panes::show_messages(state);
}

/// Shows less of a run's time, or more, where the tab draws it.
pub(super) fn zoom(state: &mut State, closer: bool) {
    if !state.detail.has_time() {
        let key = state.keymap.label(Action::Tab(Tab::Timeline));
        state.notify(format!("only the timeline shows less or more of a run's time: {key} opens it"));
        return;
    }
    state.follow.stop(&mut state.tree);
    if !state.detail.zoom(closer) {
        state.notify(if closer { "there is no less of its time" } else { "this is all of its time" });
    }
}
