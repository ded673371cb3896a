//! Where a picture that is laid over the screen goes, and what keys do meanwhile.

use ratatui::layout::{Margin, Rect};

use super::{event::Effect, state::State};
use crate::keymap::Action;

/// Where a picture goes: the frame around both panes, and the room within it. None on a screen without panes.
#[must_use]
pub fn areas(state: &State) -> (Rect, Rect) {
    let outer = state.areas().map_or(Rect::ZERO, |areas| areas.body);
    (outer, outer.inner(Margin::new(1, 1)))
}

/// What keys do while a picture is laid over everything: it goes, or is shown by another program as well.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Open | Action::Back | Action::Close | Action::Fold => close(state),
        Action::OpenOutside => {
            state.picture.as_ref().map(|picture| Effect::OpenOutside(picture.what.clone())).into_iter().collect()
        }
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Quit => vec![Effect::Quit],
        // All that lies beneath it stays as it is.
        _ => {
            let back = state.keymap.label(Action::Back);
            state.notify(format!("a picture is shown: {back} closes it"));
            Vec::new()
        }
    }
}

/// Takes it away. Its pixels may lie where cells do not change, so everything is drawn again.
pub(super) fn close(state: &mut State) -> Vec<Effect> {
    state.picture = None;
    vec![Effect::Redraw]
}

/// What an action does then, by a word.
pub(super) fn does(action: Action, usual: &'static str) -> Option<&'static str> {
    match action {
        Action::Close => Some("close"),
        Action::OpenOutside | Action::Quit => Some(usual),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Start;

    #[test]
    fn the_room_lies_within_the_frame_at_every_size() {
        for (columns, rows) in [(1, 1), (40, 12), (80, 24), (200, 60)] {
            let state = State::new(Start { columns, rows, ..Start::default() });
            let (outer, room) = areas(&state);
            assert_eq!(outer.is_empty(), columns < 40);
            assert!(outer.is_empty() || outer.intersection(state.screen) == outer);
            assert!(room.is_empty() || outer.intersection(room) == room);
        }
    }
}
