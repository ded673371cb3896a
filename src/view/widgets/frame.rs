//! The frame around one pane or two, with a line between them; the pane that has the keys stands out.

use ratatui::layout::Rect;

use crate::{
    app::{Areas, Focus, State, styled::Styled},
    slots::Slot,
    view::pen::Pen,
};

const PLAIN: Slot = Slot::Border;
const FOCUSED: Slot = Slot::BorderFocused;

/// Frames `body`, divided at the column `divider` where two panes show.
pub fn draw(pen: &mut Pen, body: Rect, divider: Option<u16>, focus: Focus) {
    let Some(divider) = divider.filter(|divider| (body.x..body.right()).contains(divider)) else {
        boxed(pen, body, FOCUSED);
        return;
    };
    let left = Rect { width: divider + 1 - body.x, ..body };
    let right = Rect { x: divider, width: body.right() - divider, ..body };
    // The pane with the keys is drawn last: the line between the two is its own.
    let (other, focused) = if focus == Focus::Tree { (right, left) } else { (left, right) };
    boxed(pen, other, PLAIN);
    boxed(pen, focused, FOCUSED);
    pen.dot(divider, body.y, "┬", FOCUSED);
    pen.dot(divider, body.bottom().saturating_sub(1), "┴", FOCUSED);
}

/// A line across the detail, joined to the frame at its sides.
pub fn across(pen: &mut Pen, state: &State, areas: &Areas, line: Rect) {
    let slot = if areas.bordered && (state.focus == Focus::Detail || areas.tree.is_none()) { FOCUSED } else { PLAIN };
    pen.line(line, "─", slot);
    if areas.bordered {
        pen.dot(line.x.saturating_sub(1), line.y, "├", FOCUSED);
        pen.dot(line.right(), line.y, "┤", slot);
    }
}

/// Frames an area.
pub fn boxed(pen: &mut Pen, area: Rect, slot: Slot) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for (y, [start, middle, end]) in [(area.y, ["┌", "─", "┐"]), (bottom, ["└", "─", "┘"])] {
        pen.line(Rect { y, ..area }, middle, slot);
        pen.dot(area.x, y, start, slot);
        pen.dot(right, y, end, slot);
    }
    for x in [area.x, right] {
        pen.column(x, area.y + 1..bottom, "│", slot);
    }
}

/// Writes texts into the left of a horizontal line of the frame: `┌─ Runs ──`.
pub fn words(pen: &mut Pen, line: Rect, texts: &[Styled]) {
    if texts.iter().any(|styled| !styled.text.is_empty()) && line.width > 6 {
        let x = pen.put(line.x + 2, line.y, line.right(), " ", PLAIN);
        let x = pen.texts(Rect { x, width: line.right().saturating_sub(x + 2), ..line }, texts);
        pen.put(x, line.y, line.right(), " ", PLAIN);
    }
}

/// Writes texts into the right of a horizontal line of the frame: `── line 118/136 ─┘`.
pub fn words_right(pen: &mut Pen, line: Rect, texts: &[Styled]) {
    if texts.iter().any(|styled| !styled.text.is_empty()) && line.width > 6 {
        let mut padded = vec![Styled::new(" ", PLAIN)];
        padded.extend_from_slice(texts);
        padded.push(Styled::new(" ", PLAIN));
        pen.texts_right(Rect { x: line.x + 2, width: line.width - 4, ..line }, &padded);
    }
}
