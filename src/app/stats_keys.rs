//! What keys and the mouse do while the statistics are shown, and how one comes to them and back.

use super::{
    areas::{self, Focus},
    event::Effect,
    state::{Stage, State},
    stats::{Layout, Opens, columns::widths, layout::layout},
    typing::refilter,
};
use crate::model::Filter;

impl State {
    /// Where the statistics go; `None` where they are not shown.
    #[must_use]
    pub fn stats_layout(&self) -> Option<Layout> {
        let areas = self.areas().filter(|_| self.stats.is_open() && self.stage() == Stage::Browsing)?;
        Some(layout(areas.body, self.stats.panel()))
    }

    /// How many rows of the panel with the cursor are seen.
    pub(super) fn stats_height(&self) -> usize {
        let laid = self.stats_layout();
        laid.and_then(|laid| laid.place(self.stats.panel()).map(|place| place.rows.height)).unwrap_or(1).into()
    }
}

/// Chooses the next figure of the row with the cursor, or the one before.
pub fn choose_figure(state: &mut State, forward: bool) {
    let panel = state.stats.panel();
    let laid = state.stats_layout();
    let Some(room) = laid.and_then(|laid| laid.place(panel).map(|place| place.head.width)) else { return };
    if !state.stats.choose_figure(forward, &widths(panel.columns(), room.into())) {
        state.notify(if forward { "no figure further right opens anything" } else { "the whole row is chosen" });
    }
}

/// Looks at a longer time, or a shorter one.
pub fn choose_range(state: &mut State, longer: bool) {
    if !state.stats.go_back_by(longer) {
        state.notify(if longer { "there is no longer time than all" } else { "there is no shorter time than an hour" });
    }
}

/// Orders the rows of the panel by something else.
pub fn sort(state: &mut State) {
    if state.stats.panel().orders().len() < 2 {
        state.notify("the rows of this panel have one order");
    }
    state.stats.sort();
}

/// Shows the statistics, or closes them.
pub fn toggle(state: &mut State) {
    if state.stats.is_open() {
        state.stats.close();
    } else if state.stage() == Stage::Browsing && state.lists.is_empty() {
        state.follow.stop(&mut state.tree);
        // From the rows behind a number one goes back to where one came from.
        if !back(state) {
            state.stats.open();
        }
    } else if state.lists.is_empty() {
        state.notify("there is no run yet to be counted");
    } else {
        state.notify("close what lies on top first");
    }
}

/// Shows the runs behind the row with the cursor: the newest of them is chosen.
pub fn open_rows(state: &mut State) -> Vec<Effect> {
    let since = state.stats.range().since(state.now);
    let Some(opens) = state.stats.open_rows(&state.filter) else {
        state.notify("there are no runs behind this");
        return Vec::new();
    };
    refilter(state, |filter| {
        filter.since = since;
        match opens {
            Opens::Only(only) => filter.only = Some(only),
            Opens::Session(session) => filter.session = Some(session),
            Opens::InSession(session, only) => (filter.session, filter.only) = (Some(session), Some(only)),
        }
    });
    state.focus = Focus::Tree;
    state.zoomed = false;
    state.follow.start();
    Vec::new()
}

/// Goes back to the statistics, if the lists show the rows behind one of their numbers.
pub fn back(state: &mut State) -> bool {
    let Some(before) = state.stats.go_back() else { return false };
    state.follow.stop(&mut state.tree);
    refilter(state, |filter| *filter = before);
    true
}

/// Lets go of what the statistics narrow the lists to.
pub fn forget(filter: &mut Filter) {
    (filter.since, filter.only) = (None, None);
}

/// The mouse at a place: a click chooses a panel and a row, on the row with the cursor it opens the rows behind it.
pub fn point(state: &mut State, column: u16, row: u16, wheel: Option<isize>) -> Vec<Effect> {
    let Some(laid) = state.stats_layout() else { return Vec::new() };
    let Some(place) = laid.panels.iter().find(|place| areas::holds(place.outer, column, row)) else {
        return Vec::new();
    };
    let was = state.stats.panel();
    state.stats.choose(place.panel);
    let height = usize::from(place.rows.height);
    if let Some(by) = wheel {
        state.stats.move_by(by, height);
    } else if areas::holds(place.rows, column, row) {
        let scroll = state.stats.scroll(place.panel);
        let at = scroll.top() + usize::from(row - place.rows.y);
        if at == scroll.cursor && was == place.panel {
            return open_rows(state);
        }
        if at < state.stats.places(place.panel).len() {
            let by = isize::try_from(at).unwrap_or(isize::MAX).saturating_sub_unsigned(scroll.cursor);
            state.stats.move_by(by, height);
        }
    }
    Vec::new()
}
