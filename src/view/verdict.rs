//! What there is to say of a run, above the tabs of the detail.

use ratatui::layout::Rect;

use super::{pen::Pen, widgets::frame};
use crate::{
    app::{Areas, State, areas::DetailArea, styled::Styled},
    slots::Slot,
};

pub fn draw(pen: &mut Pen, state: &State, areas: &Areas, area: &DetailArea) {
    let lines = state.verdict_lines(area.verdict.width);
    for (y, line) in (area.verdict.y..area.verdict.bottom()).zip(lines) {
        let row = Rect { y, height: 1, ..area.verdict };
        pen.texts(row, &line.left);
        // A key with a longer name stands in the footer only.
        let key = line.proof.map(|action| state.keymap.label(action)).filter(|key| key.len() == 1);
        let key = key.map(|key| Styled::new(format!("  {key}"), Slot::StatusKey));
        let right: Vec<Styled> = line.right.into_iter().chain(key).collect();
        pen.texts_right(row, &right);
    }
    if area.divide.height > 0 {
        frame::across(pen, state, areas, area.divide);
    }
}
