//! What keys do with the panes: which one has them, and how the width is divided.

use super::{areas::Focus, detail::Side, split::Divider, state::State};
use crate::tabs::Tab;

/// Gives the keys to the next pane that is shown, or to the one before; after the last comes the first.
pub fn next(state: &mut State, forward: bool) {
    const PANES: [(Focus, Side); 3] =
        [(Focus::Tree, Side::Main), (Focus::Detail, Side::Main), (Focus::Detail, Side::Beside)];
    state.zoomed = false;
    let shown = if has_beside(state) { 3 } else { 2 };
    let at = PANES.iter().position(|pane| *pane == (state.focus, state.detail.side())).unwrap_or(0);
    let (focus, side) = PANES[(at + if forward { 1 } else { shown - 1 }) % shown];
    state.focus = focus;
    state.detail.turn_to(side);
}

/// Gives the pane with the keys more of the width, or less.
pub fn split(state: &mut State, grow: bool) {
    const STEP: i16 = 5;
    if state.areas().is_none_or(|areas| areas.divider.is_none()) {
        state.notify("only one pane is shown: there is nothing to divide");
        return;
    }
    let (divider, right) = match (state.focus, state.detail.side()) {
        (Focus::Tree, _) => (Divider::Tree, grow),
        (Focus::Detail, Side::Main) => (Divider::Tree, !grow),
        (Focus::Detail, Side::Beside) => (Divider::Beside, !grow),
    };
    let split = state.split.moved(divider, if right { STEP } else { -STEP });
    if split == state.split {
        state.notify(if grow { "the other pane keeps the rest" } else { "the pane keeps the rest" });
    }
    state.split = split;
}

/// Shows the messages: a timeline that stands beside them stays.
pub fn show_messages(state: &mut State) {
    let side = if has_beside(state) { Side::Main } else { state.detail.side() };
    state.detail.within(side, |detail| detail.show(Tab::default()));
}

/// Whether a third pane is shown.
pub fn has_beside(state: &State) -> bool {
    state.areas().is_some_and(|areas| areas.beside.is_some())
}
