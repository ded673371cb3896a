//! What may follow a key that begins several chords, at the foot of the panes.
//!
//! ```text
//!   ╔═ y … ═══════════════════════════════════════════════╗
//!   ║  y  Copy the text under the cursor as it was received ║
//!   ║  a  Copy what the tool was called with                ║
//!   ╚═══════════════════════════════════════════════════════╝
//! ```

use ratatui::layout::Rect;

use super::{list::border, pen::Pen};
use crate::{
    app::{State, wrap},
    keymap::Key,
    slots::Slot,
};

/// Columns before the keys, between them and what they do, and behind that.
const MARGIN: usize = 2;

/// Draws it over the foot of an area, where there is something to choose.
pub fn draw(pen: &mut Pen, state: &State, body: Rect) {
    let following = state.following();
    if following.is_empty() || body.height < 4 {
        return;
    }
    // The first clause says enough.
    let does = |text: &'static str| text.split(';').next().unwrap_or(text);
    let keys = following.iter().map(|one| wrap::width(&one.keys)).max().unwrap_or(0);
    let widest = following.iter().map(|one| wrap::width(does(one.does))).max().unwrap_or(0);
    let wide = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
    let width = wide(keys + widest + 3 * MARGIN + 2).min(body.width);
    let height = wide(following.len() + 2).min(body.height);
    let outer = Rect { x: body.right() - width, y: body.bottom() - height, width, height };
    pen.erase(outer, Slot::Overlay);
    let pressed = state.half.iter().map(Key::label).collect::<Vec<_>>().join(" ");
    border(pen, outer, &format!("{pressed} …"));
    let right = outer.right() - 1;
    for (y, one) in (outer.y + 1..outer.bottom() - 1).zip(&following) {
        let x = outer.x + 1 + wide(MARGIN);
        pen.put(x, y, right, &one.keys, Slot::StatusKey);
        pen.put(x + wide(keys + MARGIN), y, right, does(one.does), Slot::Text);
    }
}
