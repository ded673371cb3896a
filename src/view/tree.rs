//! Sessions ▸ runs ▸ steps, with their numbers in columns.
//!
//! ```text
//!                               dur  tok    cost
//! ▾ ✗ trip-planner      6 runs 1m28 202k   $.428
//!   ▸ ✓ run 5 compare the top… 9.8s  22k   $.051
//!   ▾ ✗ run 6 book the ryokan…  46s 118k   $.272
//!     ▾ ✗ A planner             46s 118k   $.272
//!         M turn 1  sonnet-4-5 3.1s  14k   $.012
//! ▌     ✗ T book_room  #4      5.6s    ·       ·
//! ```
//!
//! A name goes up to the row's own numbers. It is cut in its middle, so that the number at its end survives, prose at
//! its end; what does not fit beside it is left out.
//!
//! ```text
//!   line      what a row shows       names     how it is called
//! ```

mod line;
mod names;

use std::borrow::Cow;

use ratatui::layout::Rect;

use self::line::{Line, line};
use super::{numbers, pen::Pen, widgets::scrollbar};
use crate::app::{
    Areas, Focus, Row, State,
    areas::{Columns, NAMED_SCORE, TreeArea, indent},
    format,
    styled::Styled,
    wrap,
};
use crate::slots::Slot;

pub use self::names::short_name;
pub use crate::app::step::mark;

/// Widths of the columns, a space before each included.
const AGE: u16 = 5;
const DURATION: u16 = 6;
const TOKENS: u16 = 5;
const COST: u16 = 8;

/// Columns between a name and what is written beside it.
const GAP: usize = 2;
/// What is written beside a name is not worth fewer columns than these.
const LEAST_NOTE: usize = 8;

pub fn draw(pen: &mut Pen, state: &State, areas: &Areas, area: &TreeArea) {
    head(pen, state, area);
    let tree = &state.tree;
    let height = usize::from(area.rows.height);
    let window = tree.scroll().window(tree.rows().len(), height);
    for (y, at) in (area.rows.y..).zip(window) {
        let Some(row) = tree.rows().get(at) else { break };
        let place = Rect { y, height: 1, ..area.rows };
        let content = tree.content(row);
        lay(pen, row, &line(state, row, content), place, area.columns);
        if state.detail.mark().is_some_and(|mark| mark.row() == row.id) {
            let x = if areas.bordered { place.x.saturating_sub(1) } else { place.x };
            pen.dot(x, y, "A", Slot::Accent);
        }
        if at == tree.scroll().cursor {
            let focused = state.focus == Focus::Tree;
            pen.wash(place, if focused { Slot::Cursor } else { Slot::CursorInactive });
            // The cursor's mark stands on the frame; where there is none before the row, or right after its fold mark.
            let x = match (areas.bordered, row.depth) {
                (true, _) => place.x.saturating_sub(1),
                (false, 0) => place.x + 1,
                (false, _) => place.x,
            };
            pen.dot(x, y, "▌", if focused { Slot::Accent } else { Slot::Dim });
        }
    }
    if tree.rows().is_empty() {
        let why = match tree.sessions().shown() {
            Some(_) if !state.filter.is_empty() => "nothing passes the filter",
            Some(_) => "no runs yet",
            None => "",
        };
        pen.put(area.rows.x + 2, area.rows.y, area.rows.right(), why, Slot::Dim);
    }
    if areas.bordered {
        let rows = area.rows.y..area.rows.bottom();
        let slot = if state.focus == Focus::Tree { Slot::BorderFocused } else { Slot::Border };
        scrollbar::draw(pen, area.rows.right(), rows, tree.rows().len(), tree.scroll().top(), slot);
    }
}

/// `↑ 2 new`: sessions that arrived above the window.
pub fn news(state: &State) -> Option<String> {
    let new = state.tree.new_above();
    (new > 0).then(|| format!("↑ {} new", format::count(new as u64)))
}

/// The titles of the columns; over them what failed, or that something newer is on its way.
fn head(pen: &mut Pen, state: &State, area: &TreeArea) {
    let sessions = state.tree.sessions();
    if let Some(why) = sessions.failed() {
        pen.put(area.head.x, area.head.y, area.head.right(), &format!("✗ {why}"), Slot::Error);
        return;
    }
    let Columns { age, duration, tokens, score, cost } = area.columns;
    let mut right = area.head.right();
    for (shown, width, title) in [
        (cost, COST, "cost"),
        (score > 0, score, if score == NAMED_SCORE { "scores" } else { "score" }),
        (tokens, TOKENS, "tok"),
        (duration, DURATION, "dur"),
        (age, AGE, "age"),
    ] {
        if shown {
            let place = Rect { x: right.saturating_sub(width).max(area.head.x), width: width.min(right), ..area.head };
            pen.texts_right(place, &[Styled::new(title, Slot::Dim)]);
            right = right.saturating_sub(width);
        }
    }
    if sessions.is_refreshing(state.now) {
        pen.put(area.head.x, area.head.y, right, "…", Slot::Dim);
    }
}

fn lay(pen: &mut Pen, row: &Row, line: &Line, place: Rect, columns: Columns) {
    let y = place.y;
    let mut column = place.right();
    // Where the row's own numbers begin: up to there the name may go.
    let mut right = place.right();
    let score = line.score.as_ref().map(|score| numbers::score(score, columns.score));
    let has_failed = line.score.as_ref().is_some_and(|score| score.failed().is_some());
    let judged = if has_failed { Slot::TreeError } else { Slot::TreeNumber };
    let cells = [
        (columns.cost, COST, &line.cost, Slot::TreeCost),
        (columns.score > 0, columns.score, &score, judged),
        (columns.tokens, TOKENS, &line.tokens, Slot::TreeNumber),
        (columns.duration, DURATION, &line.duration, Slot::TreeNumber),
        (columns.age, AGE, &line.age, Slot::Dim),
    ];
    for (shown, width, text, slot) in cells {
        if !shown {
            continue;
        }
        let left = column.saturating_sub(width).max(place.x);
        if let Some(text) = text {
            let slot = if text == numbers::NONE || text == numbers::UNKNOWN { Slot::Dim } else { slot };
            let from =
                pen.texts_right(Rect { x: left, width: column - left, ..place }, &[Styled::new(text.as_str(), slot)]);
            right = from.saturating_sub(1).max(place.x);
        }
        column = left;
    }

    let mut x = place.x + indent(row.depth, place.width);
    if let Some(open) = row.open {
        pen.put(x, y, right, if open { "▾" } else { "▸" }, Slot::Dim);
        x += 2;
    } else if row.depth < 2 {
        x += 2;
    }
    // A step that went well has no mark; its place stays free, so that the letters stand in one column.
    if line.mark.is_some() || line.kind.is_some() {
        let (mark, slot) = line.mark.unwrap_or((" ", Slot::Text));
        pen.put(x, y, right, mark, slot);
        x += 2;
    }
    if let Some((letter, slot)) = line.kind {
        pen.put(x, y, right, letter, slot);
        x += 2;
    }
    let mut end = right;
    // What stands aside ends in one column in all rows; a name that needs its room has it.
    let aside = u16::try_from(wrap::width(&line.aside)).unwrap_or(u16::MAX);
    let sign: usize = line.signs.iter().map(|sign| wrap::width(&sign.text) + 1).sum();
    let name = u16::try_from(wrap::width(&line.name) + sign).unwrap_or(u16::MAX);
    let aside_from = column.checked_sub(aside).filter(|from| aside > 0 && x.saturating_add(name) < *from);
    if let Some(from) = aside_from {
        pen.put(from, y, right, &line.aside, Slot::Dim);
        end = from - 1;
    }
    let room = usize::from(end.saturating_sub(x)).saturating_sub(sign);
    let name = if line.prose { wrap::cut(&line.name, room) } else { wrap::cut_middle(&line.name, room) };
    x = pen.put(x, y, end, &name, line.name_slot);
    for sign in &line.signs {
        x = pen.put(x + 1, y, end, &sign.text, sign.slot);
    }
    if let Some(model) = shortened(&line.model, usize::from(end.saturating_sub(x)).saturating_sub(GAP)) {
        x = pen.put(x + 2, y, end, &model, Slot::Dim);
    }
    for note in &line.notes {
        let room = usize::from(end.saturating_sub(x)).saturating_sub(GAP);
        if room < LEAST_NOTE.min(wrap::width(&note.text)) {
            break;
        }
        x = pen.put(x + 2, y, end, &wrap::cut(&note.text, room), note.slot);
    }
}

/// A model in so many columns: whole, without its maker, or cut in its middle; `None` where nothing of use would be left.
///
/// `sonnet-4-5` says more than `clau…4-5`; but of `gpt-4o-mini` the maker is half the name.
fn shortened(model: &str, room: usize) -> Option<Cow<'_, str>> {
    if wrap::width(model) <= room {
        return Some(model.into()).filter(|model: &Cow<str>| !model.is_empty());
    }
    let without_maker =
        model.split_once('-').map(|(_, rest)| rest).filter(|rest| rest.starts_with(char::is_alphabetic));
    let name = without_maker.unwrap_or(model);
    (wrap::width(name) <= room || room >= LEAST_NOTE).then(|| wrap::cut_middle(name, room).into())
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_model_keeps_what_tells_it_from_others() {
        let cases = [
            ("claude-sonnet-4-5", 17, Some("claude-sonnet-4-5")),
            ("claude-sonnet-4-5", 10, Some("sonnet-4-5")),
            ("claude-sonnet-4-5", 9, Some("sonnet…-5")),
            ("gpt-4o-mini", 8, Some("gpt-4…ni")),
            ("gpt-4o-mini", 7, None),
            ("", 9, None),
        ];
        for (model, room, shown) in cases {
            assert_eq!(shortened(model, room).as_deref(), shown, "{model} in {room}");
        }
    }
}
