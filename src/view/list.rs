//! A list laid over the screen: sessions, themes, and the help that is made from the keymap.

use ratatui::layout::{Position, Rect};

use super::{filter, pen::Pen, widgets::scrollbar};
use crate::{
    app::{
        State,
        areas::Overlay,
        document::Run,
        list::{Item, Kind, List, Shown},
        wrap,
    },
    keymap::Action,
};

/// The column of keys in the help is no wider.
const KEYS: usize = 20;

/// Draws it; says where the next typed letter goes.
pub fn draw(pen: &mut Pen, state: &State, list: &List) -> Option<Position> {
    let Overlay { outer, line, rows } = list.area(state.screen);
    pen.erase(outer, "overlay");
    border(pen, outer, list.title());
    let typed = narrow(pen, state, list, inset(line));
    // Beside them the frame; before them a column for the cursor.
    let keys = keys_width(state, list);
    for (y, shown) in (rows.y..).zip(list.window(rows.height.into())) {
        let row = Rect { y, height: 1, ..rows };
        match shown {
            Shown::Group(title) => _ = pen.put(row.x + 1, y, row.right(), title, "title"),
            Shown::Item { item, at_cursor } => {
                match list.kind {
                    Kind::Help { .. } => key(pen, item, inset(row), keys, list.narrow()),
                    Kind::Sessions | Kind::Themes { .. } => entry(pen, item, inset(row), list.narrow()),
                }
                if at_cursor {
                    pen.wash(row, "cursor");
                    pen.dot(row.x, y, "▌", "accent");
                }
            }
        }
    }
    let (all, left) = list.counts();
    if left == 0 && rows.height > 0 {
        let why = if all == 0 { "nothing here yet" } else { "nothing matches" };
        pen.put(rows.x + 2, rows.y, rows.right(), why, "dim");
    }
    let (length, top) = list.scrolled();
    scrollbar::draw(pen, rows.right(), rows.y..rows.bottom(), length, top, "overlay.border");
    typed
}

fn inset(area: Rect) -> Rect {
    Rect { x: area.x.saturating_add(2), width: area.width.saturating_sub(4), ..area }
}

fn border(pen: &mut Pen, area: Rect, title: &str) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for (y, [start, middle, end]) in [(area.y, ["╔", "═", "╗"]), (bottom, ["╚", "═", "╝"])] {
        pen.line(Rect { y, ..area }, middle, "overlay.border");
        pen.dot(area.x, y, start, "overlay.border");
        pen.dot(right, y, end, "overlay.border");
    }
    for x in [area.x, right] {
        pen.column(x, area.y + 1..bottom, "║", "overlay.border");
    }
    pen.put(area.x + 2, area.y, right, &format!(" {title} "), "overlay.title");
}

/// The line above the rows: what narrows them, or how to.
fn narrow(pen: &mut Pen, state: &State, list: &List, line: Rect) -> Option<Position> {
    let (all, left) = list.counts();
    let aside = match (&list.kind, list.narrow()) {
        (Kind::Help { of }, "") => vec![Run::new(format!("here: {}", of.title()), "dim")],
        (Kind::Sessions, "") => vec![Run::new(format!("{all} sessions"), "dim")],
        (Kind::Themes { .. }, "") => vec![Run::new(format!("{all} themes"), "dim")],
        (_, _) => vec![Run::new(format!("{left}/{all}"), "dim")],
    };
    let from = pen.runs_right(line, &aside);
    let place = Rect { width: from.saturating_sub(line.x).saturating_sub(2), ..line };
    if let Some(typed) = list.line() {
        let x = pen.put(place.x, place.y, place.right(), "/ ", "filter.active");
        let place = Rect { x, width: place.right().saturating_sub(x), ..place };
        return Some(filter::type_in(pen, typed, place, "filter.active"));
    }
    if list.narrow().is_empty() {
        let key = state.keymap.label(Action::Narrow);
        let what = match list.kind {
            Kind::Sessions | Kind::Themes { .. } => "to search",
            Kind::Help { .. } => "to search these keys",
        };
        pen.runs(place, &[Run::new(key, "status.key"), Run::new(format!(" {what}"), "dim")]);
    } else {
        pen.runs(place, &[Run::new(format!("/ {}", list.narrow()), "filter")]);
    }
    None
}

/// A name, and at the right what is to know of it.
fn entry(pen: &mut Pen, item: &Item, row: Rect, narrow: &str) {
    let from = if item.note.is_empty() {
        row.right()
    } else {
        pen.runs_right(row, &[Run::new(item.note.as_str(), "dim")]).saturating_sub(2)
    };
    let room = from.saturating_sub(row.x);
    let text = wrap::cut_middle(&wrap::clean_line(&item.text), room.into());
    matched(pen, Rect { width: room, ..row }, &text, narrow);
}

/// Keys, and what they do.
fn key(pen: &mut Pen, item: &Item, row: Rect, keys: u16, narrow: &str) {
    let place = Rect { width: keys.min(row.width), ..row };
    pen.put(place.x, place.y, place.right(), &item.note, "status.key");
    let x = place.right().saturating_add(2);
    matched(pen, Rect { x, width: row.right().saturating_sub(x), ..row }, &item.text, narrow);
}

/// As wide as the widest keys of all, so that nothing moves while one scrolls or searches.
fn keys_width(state: &State, list: &List) -> u16 {
    let Kind::Help { of } = list.kind else { return 0 };
    let widest = state.keymap.help(of).iter().map(|row| wrap::width(&row.keys)).max().unwrap_or(0);
    u16::try_from(widest.min(KEYS)).unwrap_or(0)
}

/// Writes a text with what the search found in it standing out.
fn matched(pen: &mut Pen, place: Rect, text: &str, narrow: &str) {
    let words: Vec<Vec<char>> = narrow.split_whitespace().map(|word| word.chars().collect()).collect();
    let mut runs: Vec<Run> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = words.iter().map(|word| same(rest, word)).max().filter(|found| *found > 0);
        let (length, slot) = found.map_or((first.len_utf8(), "text"), |found| (found, "list.match"));
        let (piece, after) = rest.split_at(length);
        match runs.last_mut().filter(|run| run.slot == slot) {
            Some(run) => run.text.push_str(piece),
            None => runs.push(Run::new(piece, slot)),
        }
        rest = after;
    }
    pen.runs(place, &runs);
}

/// How many bytes at the start of a text are a word, in any case; 0 where they are not.
fn same(text: &str, word: &[char]) -> usize {
    let mut length = 0;
    let mut letters = text.chars();
    for wanted in word {
        match letters.next() {
            Some(letter) if letter.to_lowercase().eq(wanted.to_lowercase()) => length += letter.len_utf8(),
            _ => return 0,
        }
    }
    length
}
