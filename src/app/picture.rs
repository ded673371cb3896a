//! A picture of a message, laid over the screen.
//!
//! ```text
//!   Enter on its line ─▶ Reading ─ painted by the terminal ─▶ There
//!                           └────── or not ────────────────▶ Not(why)
//! ```
//!
//! The state knows which picture and where; its pixels are the terminal's.

use ratatui::layout::{Margin, Rect};

use super::{
    document::{DocLine, Opens},
    event::Effect,
    state::State,
};
use crate::keymap::Action;

/// Which picture is laid over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub what: Opens,
    /// Type, pixels and size, as its line says.
    pub title: String,
    pub shown: Shown,
}

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shows {
    #[default]
    Text,
    Pictures,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Reading,
    There,
    /// It cannot be; the text says why.
    Not(String),
}

impl Picture {
    /// What a line names, if that is a picture whose bytes are here.
    pub(super) fn of(line: &DocLine) -> Option<Self> {
        let what = line.opens.clone()?;
        let Opens::Blob { mime: Some(mime), .. } = &what else { return None };
        // Drawings are programs for browsers, not pixels.
        if !mime.starts_with("image/") || mime.starts_with("image/svg") {
            return None;
        }
        let title = line.text().trim().trim_start_matches('▪').trim().to_owned();
        Some(Self { what, title, shown: Shown::Reading })
    }
}

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
        _ => Vec::new(),
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
    use crate::app::{Start, document::Run};
    use crate::slots::Slot;

    fn line(text: &str, opens: Option<Opens>) -> DocLine {
        DocLine { runs: vec![Run::new(text, Slot::Text)], opens, ..DocLine::default() }
    }

    #[test]
    fn only_stored_pictures_are_shown_and_by_what_their_line_says() {
        let blob = |mime: &str| Some(Opens::Blob { sha256: [1; 32], mime: Some(mime.to_owned()) });
        let picture = Picture::of(&line("  ▪ image/png · 2×2 · 91 B", blob("image/png"))).unwrap();
        assert_eq!((picture.title.as_str(), picture.shown), ("image/png · 2×2 · 91 B", Shown::Reading));
        for opens in [
            None,
            blob("application/pdf"),
            blob("image/svg+xml"),
            Some(Opens::Blob { sha256: [1; 32], mime: None }),
            Some(Opens::Address("https://x/y.png".to_owned())),
        ] {
            assert_eq!(Picture::of(&line("▪", opens)), None);
        }
    }

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
