//! What may follow a key that begins several chords, or that waits for the letter of a mark, at the foot of the panes.
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
    app::{State, format, list_items::first_clause, places::Awaits, wrap},
    keymap::{Action, Key},
    slots::Slot,
};

/// Columns before the keys, between them and what they do, and behind that.
const MARGIN: usize = 2;

/// One line: a key, what it does, and what is known besides.
struct Line {
    key: String,
    does: String,
    /// The same in a word.
    word: String,
    aside: String,
}

/// Draws it over the foot of an area, where there is something to choose.
pub fn draw(pen: &mut Pen, state: &State, body: Rect) {
    let (title, lines) = match state.awaits {
        Some(awaits) => marks(state, awaits),
        None => chords(state),
    };
    if lines.is_empty() || body.height < 4 {
        return;
    }
    let widest = |of: fn(&Line) -> &str| lines.iter().map(|line| wrap::width(of(line))).max().unwrap_or(0);
    let (keys, does, asides) = (widest(|line| &line.key), widest(|line| &line.does), widest(|line| &line.aside));
    let wide = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
    let gap = if asides > 0 { MARGIN } else { 0 };
    let width = wide(keys + does + gap + asides + 3 * MARGIN + 2).max(wide(wrap::width(&title) + 6));
    let height = wide(lines.len() + 2);
    if (width > body.width || height > body.height) && lines.iter().all(|line| !line.word.is_empty()) {
        return words(pen, body, &title, &lines);
    }
    let (width, height) = (width.min(body.width), height.min(body.height));
    let outer = Rect { x: body.right() - width, y: body.bottom() - height, width, height };
    pen.erase(outer, Slot::Overlay);
    border(pen, outer, &title);
    let right = outer.right() - 1;
    for (y, line) in (outer.y + 1..outer.bottom() - 1).zip(&lines) {
        let x = outer.x + 1 + wide(MARGIN);
        pen.put(x, y, right, &line.key, Slot::StatusKey);
        let aside = right.saturating_sub(wide(wrap::width(&line.aside) + MARGIN));
        let x = x + wide(if keys > 0 { keys + MARGIN } else { 0 });
        pen.put(x, y, aside.max(x).saturating_sub(wide(gap)).max(x), &line.does, Slot::Text);
        pen.put(aside.max(x), y, right, &line.aside, Slot::Dim);
    }
}

/// Where there is no room for sentences: a word for each, in columns.
fn words(pen: &mut Pen, body: Rect, title: &str, lines: &[Line]) {
    let widest = |of: fn(&Line) -> &str| lines.iter().map(|line| wrap::width(of(line))).max().unwrap_or(0);
    let (keys, words) = (widest(|line| &line.key), widest(|line| &line.word));
    let wide = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
    let column = wide(keys + words + 2 * MARGIN);
    let columns = (body.width.saturating_sub(2 + wide(MARGIN)) / column.max(1)).max(1);
    let rows = wide(lines.len()).div_ceil(columns);
    let height = rows.saturating_add(2).min(body.height);
    let outer = Rect { y: body.bottom() - height, height, ..body };
    pen.erase(outer, Slot::Overlay);
    border(pen, outer, title);
    for (at, line) in lines.iter().enumerate() {
        let (row, nth) = (wide(at) % rows, wide(at) / rows);
        let (x, y) = (outer.x + 1 + wide(MARGIN) + nth * column, outer.y + 1 + row);
        if y + 1 < outer.bottom() {
            let right = (x + column).min(outer.right() - 1);
            pen.put(x, y, right, &line.key, Slot::StatusKey);
            pen.put(x + wide(keys + MARGIN), y, right, &line.word, Slot::Text);
        }
    }
}

fn chords(state: &State) -> (String, Vec<Line>) {
    let pressed = state.half.iter().map(Key::label).collect::<Vec<_>>().join(" ");
    let following = state.following();
    // `yank-arguments`: what is before the hyphen is the key that was pressed, where that is so of all.
    let begins = |name: &'static str| name.split_once('-').map(|(begins, _)| begins);
    let first = following.first().and_then(|one| begins(one.action.name()));
    let all = following.iter().all(|one| begins(one.action.name()) == first);
    let word = |name: &'static str| name.split_once('-').filter(|_| all).map_or(name, |(_, word)| word);
    let lines = following.into_iter().map(|one| Line {
        does: first_clause(one.does).to_owned(),
        word: word(one.action.name()).to_owned(),
        key: one.keys,
        aside: String::new(),
    });
    (format!("{pressed} …"), lines.collect())
}

fn marks(state: &State, awaits: Awaits) -> (String, Vec<Line>) {
    let (action, title) = match awaits {
        Awaits::Mark => (Action::SetMark, "a letter marks this"),
        Awaits::GoTo => (Action::GoToMark, "go to a mark"),
        Awaits::Since => (Action::SinceMark, "runs since a mark"),
    };
    let marks = state.marks.shown().map_or(&[][..], Vec::as_slice);
    let line = |mark: &crate::model::PlaceMark| Line {
        key: mark.letter.to_string(),
        does: wrap::clean_line(&mark.note),
        word: String::new(),
        aside: if mark.is_held() { format::age(mark.at, state.now, &state.zone) } else { "gone".to_owned() },
    };
    let mut lines: Vec<Line> = marks.iter().map(line).collect();
    if lines.is_empty() {
        let none = match (awaits, state.marks.shown()) {
            (_, None) => "…".to_owned(),
            (Awaits::Mark, _) => "nothing is marked yet".to_owned(),
            (Awaits::GoTo | Awaits::Since, _) => {
                format!("nothing is marked: {} and a letter does", state.keymap.label(Action::SetMark))
            }
        };
        lines.push(Line { key: String::new(), does: none, word: String::new(), aside: String::new() });
    }
    (format!("{} … {title}", state.keymap.label(action)), lines)
}
