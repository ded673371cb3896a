//! The hint of the demo that is next: a line beneath the header.

use ratatui::layout::Rect;

use super::pen::Pen;
use crate::{
    app::{State, styled::Styled, wrap},
    keymap::Action,
    slots::Slot,
};

/// `demo 2/10  e goes to what failed …                                          Esc ends the hints`
pub fn draw(pen: &mut Pen, state: &State, line: Rect) {
    let Some((number, [long, short])) = state.demo_hint() else { return };
    let inner = Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line };
    let room = usize::from(inner.width);
    let head = format!("demo {number}  ");
    let end = format!("{} ends the hints", state.keymap.label(Action::Back));
    let beside = |said: &str| wrap::width(&head) + wrap::width(said) + 2 + wrap::width(&end) <= room;
    let said = if wrap::width(&head) + wrap::width(&long) <= room { &long } else { &short };
    if beside(said) {
        pen.texts_right(inner, &[Styled::new(end.as_str(), Slot::Dim)]);
    }
    let x = pen.put(inner.x, inner.y, inner.right(), &head, Slot::Dim);
    pen.put(x, inner.y, inner.right(), said, Slot::Accent);
}
