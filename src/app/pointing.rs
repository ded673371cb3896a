//! What the mouse does: where it points, and what is there.

use ratatui::layout::Rect;

use super::{
    act::act,
    areas::{self, Areas, DetailArea, Focus},
    detail::Side,
    event::{Effect, Mouse, MouseDoes},
    lists, panes, picture_keys, selecting,
    split::Divider,
    state::{Stage, State},
    stats_keys, tour,
};
use crate::{keymap::Action, tabs::Tab};

/// So many lines a turn of the wheel moves.
const WHEEL: isize = 3;

/// The second click of two at one place. What the first one opened or closed stays so: the two are one.
pub fn click_again(state: &mut State, column: u16, row: u16) -> Vec<Effect> {
    if std::mem::take(&mut state.clicked) {
        return Vec::new();
    }
    point(state, Mouse { column, row, does: MouseDoes::Click })
}

/// The mouse that is held goes to a place: with it goes the line between two panes, or the end of a selection.
fn drag(state: &mut State, column: u16, row: u16) {
    if let Some(divider) = state.drags {
        let three = panes::has_beside(state);
        state.split = state.split.at(divider, column, state.screen.width, three);
    }
    selecting::drag(state, row);
}

/// The mouse at a place.
pub fn point(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    let Mouse { column, row, does } = mouse;
    if does == MouseDoes::Release {
        state.drags = None;
        state.pressed = None;
        return Vec::new();
    }
    if does == MouseDoes::Drag {
        drag(state, column, row);
        return Vec::new();
    }
    state.awaits = None;
    state.pressed = None;
    state.clicked = false;
    state.goes_nowhere();
    if state.picture.is_some() && state.lists.is_empty() {
        state.clicked = does == MouseDoes::Click;
        return if state.clicked { picture_keys::close(state) } else { Vec::new() };
    }
    if let Some(list) = state.lists.last_mut() {
        let area = list.area();
        return match does {
            MouseDoes::WheelUp => lists::move_by(state, -WHEEL),
            MouseDoes::WheelDown => lists::move_by(state, WHEEL),
            MouseDoes::Click if !areas::holds(area.outer, column, row) => {
                state.clicked = true;
                act(state, Action::Back)
            }
            MouseDoes::Click if areas::holds(area.rows, column, row) => {
                let before = list.picked().map(|item| item.pick.clone());
                let hit = list.click(usize::from(row - area.rows.y));
                let on_cursor = hit && list.picked().map(|item| &item.pick) == before.as_ref();
                state.clicked = on_cursor;
                if on_cursor { act(state, Action::Open) } else { lists::move_by(state, 0) }
            }
            MouseDoes::Click | MouseDoes::Drag | MouseDoes::Release => Vec::new(),
        };
    }
    if state.stage() == Stage::FirstRun {
        match does {
            MouseDoes::WheelUp => return act(state, Action::Up),
            MouseDoes::WheelDown => return act(state, Action::Down),
            MouseDoes::Click | MouseDoes::Drag | MouseDoes::Release => return Vec::new(),
        }
    }
    let Some(areas) = state.areas() else { return Vec::new() };
    let within = |area: Option<Rect>| area.is_some_and(|area| areas::holds(area, column, row));
    let wheel = match does {
        MouseDoes::WheelUp => Some(-WHEEL),
        MouseDoes::WheelDown => Some(WHEEL),
        MouseDoes::Click | MouseDoes::Drag | MouseDoes::Release => None,
    };
    if state.stats.is_open() {
        let effects = stats_keys::point(state, column, row, wheel);
        state.clicked = !state.stats.is_open();
        return effects;
    }
    if does == MouseDoes::Click && within(Some(areas.body)) {
        let lines = [(areas.divider, Divider::Tree), (areas.beside_divider, Divider::Beside)];
        state.drags = lines.into_iter().find(|(at, _)| *at == Some(column)).map(|(_, divider)| divider);
        if state.drags.is_some() {
            return Vec::new();
        }
    }
    if let Some(tree) = areas.tree.filter(|tree| within(Some(tree.rows))) {
        let height = usize::from(tree.rows.height);
        if let Some(by) = wheel {
            state.follow.stop(&mut state.tree);
            state.tree.scroll_by(by, height);
            return Vec::new();
        }
        let at = state.tree.scroll().top() + usize::from(row - tree.rows.y);
        let Some(clicked) = state.tree.rows().get(at) else { return Vec::new() };
        let mark = tree.rows.x + areas::indent(clicked.depth, tree.rows.width);
        let on_cursor = at == state.tree.scroll().cursor && state.focus == Focus::Tree;
        let open = clicked.open;
        state.follow.stop(&mut state.tree);
        state.focus = Focus::Tree;
        state.detail.end_selection();
        state.tree.go(at, height);
        state.clicked = on_cursor || (column == mark && open.is_some());
        if let Some(open) = open.filter(|_| column == mark || on_cursor) {
            state.tree.fold(!open);
        } else if on_cursor {
            return act(state, Action::Open);
        }
    } else if let Some((side, detail)) = pane_at(state, &areas, column, row) {
        point_at_text(state, side, &detail, (column, row), wheel);
    } else if wheel.is_none()
        && within(areas.filter)
        && state.has_filter_line()
        && state.line.is_none()
        && state.naming.is_none()
    {
        state.clicked = true;
        return act(state, Action::Filter);
    }
    Vec::new()
}

/// The pane of the detail that a cell lies in.
fn pane_at(state: &State, areas: &Areas, column: u16, row: u16) -> Option<(Side, DetailArea)> {
    // Where there is one pane it is the one with the keys.
    let main = if areas.beside.is_some() { Side::Main } else { state.detail.side() };
    let panes = [areas.detail.map(|area| (main, area)), areas.beside.map(|area| (Side::Beside, area))];
    let holds = |area: &DetailArea| [area.text, area.tabs].iter().any(|part| areas::holds(*part, column, row));
    panes.into_iter().flatten().find(|(_, area)| holds(area))
}

/// What the mouse does in a pane of the detail; `wheel`: so many lines it turns.
fn point_at_text(state: &mut State, side: Side, area: &DetailArea, (column, row): (u16, u16), wheel: Option<isize>) {
    let height = usize::from(area.text.height);
    if areas::holds(area.text, column, row) {
        state.follow.stop(&mut state.tree);
        if let Some(by) = wheel {
            state.detail.within(side, |detail| detail.scroll_by(by, height));
            return;
        }
        state.focus = Focus::Detail;
        state.detail.turn_to(side);
        state.detail.end_selection();
        let at = state.detail.scroll().top() + usize::from(row - area.text.y);
        if at < state.detail.document().len() {
            state.detail.go(at, height);
            let folded = state.detail.fold(None);
            (state.pressed, state.clicked) = (Some(folded), folded);
        }
    } else if wheel.is_none() {
        let labels = state.detail.on(side).labels(area.tabs.width);
        let tabs = areas::tabs(area.tabs, &labels);
        let hit = Tab::ALL.iter().copied().zip(tabs).find(|(_, area)| areas::holds(*area, column, row));
        if let Some((tab, _)) = hit {
            state.detail.within(side, |detail| detail.show(tab));
            tour::did(&mut state.tour, Action::Tab(tab));
        }
    }
}
