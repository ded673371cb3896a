//! What the filter's line offers, beneath it: keys, states and values that there are; above them what is wrong.

use ratatui::layout::{Position, Rect};

use super::{list::sides, pen::Pen};
use crate::{
    app::{State, completion::Offer, format, wrap},
    slots::Slot,
};

/// So many offers are seen at once.
const ROWS: usize = 8;
/// The widest they are, with what they mean.
const WIDEST: usize = 76;

/// Draws them beneath the line, from the column of the cursor on.
pub fn draw(pen: &mut Pen, state: &State, line: Rect, cursor: Option<Position>) {
    let offers = state.offers();
    let problem = state.filter_problem().filter(|problem| !problem.unfinished || offers.is_empty());
    if offers.is_empty() && problem.is_none() {
        return;
    }
    let slot = |unfinished| if unfinished { Slot::Dim } else { Slot::Error };
    let problem = problem.map(|problem| (wrap::clean_line(&problem.why), slot(problem.unfinished)));
    let below = rows_beneath(state, line);
    let room = usize::from(below).saturating_sub(usize::from(problem.is_some()));
    // Where not all are seen the last row says how many more there are.
    let rows = if offers.len() <= room.min(ROWS) { offers.len() } else { room.saturating_sub(1).min(ROWS) };
    let top = state.completion.chosen().map_or(0, |chosen| (chosen + 1).saturating_sub(rows));
    let shown = &offers[top.min(offers.len())..(top + rows).min(offers.len())];
    let left_out = offers.len() - shown.len();
    let most = usize::from(line.width.saturating_sub(4)).min(WIDEST);
    let names = shown.iter().map(|offer| wrap::width(&offer.text)).max().unwrap_or(0).min(most * 2 / 3);
    let notes = shown.iter().map(|offer| wrap::width(&offer.note)).max().unwrap_or(0);
    let said = problem.as_ref().map_or(0, |(why, _)| wrap::width(why));
    let width = (names + 2 + notes).max(said).min(most) + 4;
    let width = u16::try_from(width).unwrap_or(line.width).min(line.width);
    let x = cursor.map_or(line.x, |at| at.x.saturating_sub(2)).min(line.right().saturating_sub(width));
    let height =
        u16::try_from(rows + usize::from(problem.is_some()) + usize::from(left_out > 0)).unwrap_or(1).min(below);
    let outer = Rect { x, y: line.y + 1, width, height: height + 1 };
    pen.erase(outer, Slot::Overlay);
    sides(pen, outer);
    let area = Rect { x: x + 1, width: width.saturating_sub(2), height, ..outer };
    let mut y = area.y;
    let (from, to) = (area.x + 1, area.right().saturating_sub(1));
    if let Some((why, slot)) = problem {
        pen.put(from, y, to, &wrap::cut(&why, usize::from(to.saturating_sub(from))), slot);
        y += 1;
    }
    for (at, (offer, y)) in shown.iter().zip(y..area.bottom()).enumerate() {
        let row = Rect { y, height: 1, ..area };
        draw_offer(pen, row, offer, names);
        if state.completion.chosen() == Some(top + at) {
            pen.wash(row, Slot::Cursor);
            pen.dot(row.x, row.y, "▌", Slot::Accent);
        }
    }
    if left_out > 0 {
        let text = format!("{} more", format::count(left_out as u64));
        pen.put(from, area.bottom() - 1, to, &text, Slot::Dim);
    }
}

/// How many rows are free beneath the line.
fn rows_beneath(state: &State, line: Rect) -> u16 {
    // The last line, the keys, and the edge.
    state.screen.bottom().saturating_sub(line.y + 1).saturating_sub(3)
}

/// `book_room       31 runs`
fn draw_offer(pen: &mut Pen, row: Rect, offer: &Offer, names: usize) {
    let (from, to) = (row.x + 1, row.right().saturating_sub(1));
    pen.put(from, row.y, to, &wrap::cut_middle(&offer.text, names), Slot::Text);
    let note = from + u16::try_from(names + 2).unwrap_or(0);
    if note < to {
        pen.put(note, row.y, to, &wrap::cut(&offer.note, usize::from(to - note)), Slot::Dim);
    }
}
