//! A list laid over the screen: sessions, themes, and the help that is made from the keymap.

use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation;

use super::{filter, pen::Pen, tree, widgets::scrollbar};
use crate::{
    app::{
        State,
        areas::Overlay,
        find::Finder,
        help::HelpLine,
        item::{Item, Kind, Pick},
        list::{List, MARGINS},
        styled::{Styled, append},
        wrap,
    },
    keymap::Action,
    slots::Slot,
};

/// Columns between what stands at the right of a row.
const GAP: usize = 2;

/// Draws it; returns where the next typed letter goes.
pub fn draw(pen: &mut Pen, state: &State, list: &List) -> Option<Position> {
    let Overlay { outer, line, rows } = list.area();
    pen.erase(outer, Slot::Overlay);
    border(pen, outer, list.title());
    let typed = narrow(pen, state, list, inset(line));
    match list.kind {
        Kind::Help { .. } => help(pen, list, rows),
        Kind::Sessions
        | Kind::Facets
        | Kind::Themes { .. }
        | Kind::Palette { .. }
        | Kind::Delete { .. }
        | Kind::Import { .. }
        | Kind::Ended
        | Kind::Token => {
            entries(pen, list, rows);
        }
    }
    let (all, left) = list.counts();
    if left == 0 && rows.height > 0 {
        let why = if all == 0 { "nothing here yet" } else { "nothing matches" };
        pen.put(rows.x + 2, rows.y, rows.right(), why, Slot::Dim);
    }
    let (length, top) = list.scrolled();
    scrollbar::draw(pen, rows.right(), rows.y..rows.bottom(), length, top, Slot::OverlayBorder);
    typed
}

fn inset(area: Rect) -> Rect {
    let margins = u16::try_from(MARGINS).unwrap_or(0);
    Rect { x: area.x.saturating_add(margins / 2), width: area.width.saturating_sub(margins), ..area }
}

/// The double line around what is laid over everything.
pub fn border(pen: &mut Pen, area: Rect, title: &str) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for (y, [start, middle, end]) in [(area.y, ["╔", "═", "╗"]), (bottom, ["╚", "═", "╝"])] {
        pen.line(Rect { y, ..area }, middle, Slot::OverlayBorder);
        pen.dot(area.x, y, start, Slot::OverlayBorder);
        pen.dot(right, y, end, Slot::OverlayBorder);
    }
    for x in [area.x, right] {
        pen.column(x, area.y + 1..bottom, "║", Slot::OverlayBorder);
    }
    pen.put(area.x + 2, area.y, right, &format!(" {title} "), Slot::OverlayTitle);
}

/// The same without its upper edge, for what hangs on a line.
pub fn sides(pen: &mut Pen, area: Rect) {
    if area.width < 2 || area.height < 1 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    pen.line(Rect { y: bottom, ..area }, "═", Slot::OverlayBorder);
    for (x, corner) in [(area.x, "╚"), (right, "╝")] {
        pen.column(x, area.y..bottom, "║", Slot::OverlayBorder);
        pen.dot(x, bottom, corner, Slot::OverlayBorder);
    }
}

/// The line above the rows: what narrows them, or how to.
fn narrow(pen: &mut Pen, state: &State, list: &List, line: Rect) -> Option<Position> {
    let said = match &list.kind {
        Kind::Delete { what, .. } | Kind::Import { what, .. } => Some(what.as_str()),
        Kind::Ended => state.ended.as_ref().map(|ended| ended.why.as_str()),
        Kind::Token => Some("It is shown this once: Enter copies it, or the line that an SDK needs."),
        _ => None,
    };
    if let Some(said) = said {
        let (said, width) = (wrap::clean_line(said), usize::from(line.width));
        let mut lines = wrap::wrap(&said, width);
        if lines.len() > usize::from(line.height) {
            let rest = lines.split_off(usize::from(line.height.saturating_sub(1)));
            lines.push(wrap::cut(&rest.concat(), width));
        }
        for (y, text) in (line.y..line.bottom()).zip(lines) {
            pen.texts(Rect { y, height: 1, ..line }, &[Styled::new(text, Slot::Text)]);
        }
        return None;
    }
    let (all, left) = list.counts();
    let aside = match (&list.kind, list.narrow()) {
        (Kind::Help { of }, "") => vec![Styled::new(format!("here: {}", of.title()), Slot::Dim)],
        (Kind::Sessions, "") => vec![Styled::new(counted(list.sessions(), "session"), Slot::Dim)],
        (Kind::Palette { .. }, "") => Vec::new(),
        (Kind::Facets, "") => vec![Styled::new(counted(all, "value"), Slot::Dim)],
        (Kind::Themes { .. }, "") => vec![Styled::new(counted(all, "theme"), Slot::Dim)],
        (_, _) => vec![Styled::new(format!("{left}/{all}"), Slot::Dim)],
    };
    let from = pen.texts_right(line, &aside);
    let place = Rect { width: from.saturating_sub(line.x).saturating_sub(2), ..line };
    if let Some(typed) = list.line() {
        let mark = if matches!(list.kind, Kind::Palette { .. }) { "> " } else { "/ " };
        let x = pen.put(place.x, place.y, place.right(), mark, Slot::FilterActive);
        let place = Rect { x, width: place.right().saturating_sub(x), ..place };
        return Some(filter::type_in(pen, typed, place, Slot::FilterActive));
    }
    if list.narrow().is_empty() {
        let key = state.keymap.label(Action::Narrow);
        pen.texts(
            place,
            &[Styled::new(key, Slot::StatusKey), Styled::new(format!(" {}", Action::Narrow.row().hint), Slot::Dim)],
        );
    } else {
        pen.texts(place, &[Styled::new(format!("/ {}", list.narrow()), Slot::Filter)]);
    }
    None
}

/// `1 session`, `2 sessions`
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What can be picked: beside it the frame, before it a column for the cursor.
fn entries(pen: &mut Pen, list: &List, rows: Rect) {
    let mut finder = list.finder();
    let mut widths: Vec<usize> = Vec::new();
    for (item, _) in list.window() {
        widths.resize(widths.len().max(item.cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(&item.cells) {
            *width = (*width).max(wrap::width(cell));
        }
    }
    // The name has at least half of the row.
    let room = usize::from(inset(rows).width) / 2;
    while widths.iter().map(|width| width + GAP).sum::<usize>() > room {
        widths.pop();
    }
    for (y, (item, at_cursor)) in (rows.y..).zip(list.window()) {
        let row = Rect { y, height: 1, ..rows };
        entry(pen, item, inset(row), &widths, &mut finder);
        if at_cursor {
            pen.wash(row, Slot::Cursor);
            pen.dot(row.x, y, "▌", Slot::Accent);
        }
    }
}

/// `✗ trip-planner  ana  1 failed            3 runs  $.313  17:42:09`
fn entry(pen: &mut Pen, item: &Item, row: Rect, widths: &[usize], finder: &mut Finder) {
    let mut right = row.right();
    for (width, cell) in widths.iter().zip(&item.cells).rev() {
        let width = u16::try_from(*width).unwrap_or(u16::MAX);
        let left = right.saturating_sub(width).max(row.x);
        pen.texts_right(Rect { x: left, width: right - left, ..row }, &[Styled::new(cell.as_str(), Slot::Dim)]);
        right = left.saturating_sub(2).max(row.x);
    }
    let mut x = row.x;
    if let Some(run_state) = item.mark {
        let (mark, slot) = tree::mark(run_state);
        pen.put(x, row.y, right, mark, slot);
        x += 2;
    }
    let room = right.saturating_sub(x);
    let text = wrap::clean_line(&item.text);
    // A name is known by its end as well; a sentence is not.
    let text = match item.pick {
        Pick::Does(_) => wrap::cut(&text, room.into()),
        _ => wrap::cut_middle(&text, room.into()),
    };
    let x = matched(pen, Rect { x, width: room, ..row }, &text, finder);
    let note = x.saturating_add(2);
    if usize::from(right.saturating_sub(note)) >= wrap::width(&item.note) {
        pen.put(note, row.y, right, &item.note, Slot::Dim);
    }
}

/// What is only to be read: keys, and what they do.
fn help(pen: &mut Pen, list: &List, rows: Rect) {
    let area = inset(rows);
    let help = list.help();
    let mut finder = list.finder();
    let (_, top) = list.scrolled();
    let wide = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
    let mut x = area.x;
    for column in &help.columns {
        let place = Rect { x, width: wide(help.width).min(area.right().saturating_sub(x)), ..area };
        for (y, line) in (place.y..place.bottom()).zip(column.iter().skip(top)) {
            let line_place = Rect { y, height: 1, ..place };
            match line {
                HelpLine::Blank => {}
                HelpLine::Place { title, here } => {
                    _ = pen.put(place.x, y, place.right(), title, if *here { Slot::Title } else { Slot::Dim });
                }
                HelpLine::Elsewhere => {
                    pen.line(line_place, "─", Slot::OverlayBorder);
                    pen.put(place.x, y, place.right(), "elsewhere ", Slot::Dim);
                }
                HelpLine::Keys { keys, does } => {
                    pen.put(place.x, y, place.right(), keys, Slot::StatusKey);
                    let from = place.x.saturating_add(wide(help.keys));
                    let rest = Rect { x: from, width: place.right().saturating_sub(from), ..line_place };
                    matched(pen, rest, does, &mut finder);
                }
            }
        }
        x = x.saturating_add(wide(help.width + help.between));
    }
}

/// Writes a text with what the search found in it standing out; returns where it ended.
fn matched(pen: &mut Pen, place: Rect, text: &str, finder: &mut Finder) -> u16 {
    let found = finder.found(text);
    let mut runs: Vec<Styled> = Vec::new();
    for (at, grapheme) in text.graphemes(true).enumerate() {
        let slot = if found.binary_search(&at).is_ok() { Slot::ListMatch } else { Slot::Text };
        append(&mut runs, grapheme, slot);
    }
    pen.texts(place, &runs)
}
