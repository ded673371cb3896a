//! The frame of a picture; its pixels are the terminal's.

use ratatui::layout::Rect;

use super::{list::border, pen::Pen};
use crate::app::{
    State,
    picture::{Picture, Shown},
    picture_keys,
    styled::Styled,
    wrap,
};
use crate::slots::Slot;

/// Draws the frame, and what stands in it until the picture does.
pub fn draw(pen: &mut Pen, state: &State, picture: &Picture) {
    let (outer, room) = picture_keys::areas(state);
    pen.erase(outer, Slot::Overlay);
    border(pen, outer, &picture.title);
    let (text, slot) = match &picture.shown {
        Shown::There => return,
        Shown::Reading => ("reading the picture…".to_owned(), Slot::Dim),
        Shown::Not(why) => (format!("cannot be shown: {why}"), Slot::Error),
    };
    let lines = wrap::wrap(&text, usize::from(room.width.saturating_sub(2)).max(1));
    for (y, line) in (room.y..room.bottom()).zip(lines) {
        pen.texts(
            Rect { x: room.x + 1, y, width: room.width.saturating_sub(1), height: 1 },
            &[Styled::new(line, slot)],
        );
    }
}
