//! The detail: tabs, a rule that says what failed, and the text of the tab in its window.

use ratatui::layout::{Position, Rect};

use super::{
    filter,
    pen::Pen,
    verdict,
    widgets::{frame, scrollbar},
};
use crate::app::{
    Areas, Content, Focus, OnePane, Side, State,
    areas::{self, DetailArea},
    format,
    styled::Styled,
    wrap,
};
use crate::slots::Slot;
use crate::tabs::Tab;

/// Draws the pane on one side; returns where the next letter of a phrase to be found goes.
pub fn draw(pen: &mut Pen, state: &State, areas: &Areas, area: &DetailArea, side: Side) -> Option<Position> {
    let pane = state.detail.on(side);
    let focused = state.focus == Focus::Detail && pane.has_keys();
    let border = if focused || areas.tree.is_none() { Slot::BorderFocused } else { Slot::Border };
    if area.verdict.height > 0 {
        verdict::draw(pen, state, areas, area);
    }
    tabs(pen, state, pane, area.tabs);
    let typed = rule(pen, state, areas, pane, area.rule);
    text(pen, state, pane, area.text, focused);

    let scroll = pane.scroll();
    let length = pane.document().len();
    let rows = area.text.y..area.text.bottom();
    // On the frame where there is one, else in the column that is left beside the text.
    let bar = if areas.bordered { area.text.right().saturating_add(1) } else { area.text.right() };
    scrollbar::draw(pen, bar, rows, length, scroll.top(), border);
    if areas.bordered && length > 0 {
        let line = Rect {
            x: area.rule.x.saturating_sub(1),
            y: areas.body.bottom() - 1,
            width: area.rule.width + 2,
            height: 1,
        };
        frame::words_right(pen, line, &place(pane, length, area.text.height.into()));
    }
    typed
}

/// `[1 Messages]  2 Tools 5·4✗  3 Reasoning  4 Cost  5 Raw`
fn tabs(pen: &mut Pen, state: &State, pane: OnePane, line: Rect) {
    let labels = pane.labels(line.width);
    let places = areas::tabs(line, &labels);
    for ((tab, label), place) in Tab::ALL.iter().copied().zip(&labels).zip(places) {
        let (y, right) = (place.y, place.right());
        let active = tab == pane.tab();
        let slot = if active { Slot::TabActive } else { Slot::Tab };
        let [open, close] = if active { ["[", "]"] } else { [" ", " "] };
        let x = pen.put(place.x, y, right, open, slot);
        // What failed in a tab shows on its label.
        let failed = label.find(['·', '✗']).unwrap_or(label.len());
        let (name, failed) = label.split_at(failed);
        let x = pen.put(x, y, right.saturating_sub(1), name, slot);
        let x = pen.put(x, y, right.saturating_sub(1), failed, Slot::Error);
        pen.put(x, y, right, close, slot);
    }
    if pane.is_late(state.now) {
        pen.texts_right(line, &[Styled::new("… ", Slot::Dim)]);
    }
}

/// Between tabs and text; here stands what is looked for in it, or why the text is not as new as it should be.
fn rule(pen: &mut Pen, state: &State, areas: &Areas, pane: OnePane, line: Rect) -> Option<Position> {
    frame::across(pen, state, areas, line);
    if let Some(phrase) = state.detail.finds().filter(|_| pane.has_keys()) {
        return find(pen, state, line, phrase);
    }
    if let Some(why) = pane.failed() {
        frame::words(pen, line, &[Styled::new(format!("✗ {why}"), Slot::Error)]);
    }
    None
}

/// `─ / ryokan ────────────────────── 3/17 ─`
fn find(pen: &mut Pen, state: &State, line: Rect, phrase: &str) -> Option<Position> {
    if let Some(count) = state.detail.found_count() {
        let more = if count.goes_on { "…" } else { "" };
        let (all, slot) = (
            format::exact(count.all as u64),
            if count.all == 0 && !count.goes_on { Slot::Warning } else { Slot::Accent },
        );
        let text = match count.at {
            _ if count.all == 0 && !count.goes_on => "not found".to_owned(),
            Some(at) => format!("{}/{all}{more}", format::exact(at as u64)),
            None => format!("{all}{more} found"),
        };
        frame::words_right(pen, line, &[Styled::new(text, slot)]);
    }
    let place = Rect { x: line.x + 1, width: (line.width / 2).max(12).min(line.width.saturating_sub(2)), ..line };
    let slot = if state.finds.is_some() { Slot::FilterActive } else { Slot::Filter };
    let x = pen.put(place.x, place.y, place.right(), " / ", slot);
    let rest = Rect { x, width: place.right().saturating_sub(x), ..place };
    if let Some(typed) = &state.finds {
        return Some(filter::type_in(pen, typed, rest, slot));
    }
    let end = pen.put(rest.x, rest.y, rest.right(), phrase, slot);
    pen.put(end, rest.y, rest.right(), " ", slot);
    None
}

fn text(pen: &mut Pen, state: &State, pane: OnePane, area: Rect, focused: bool) {
    let (document, scroll) = (pane.document(), pane.scroll());
    let window = scroll.window(document.len(), area.height.into());
    let selected = state.detail.selected_lines().filter(|_| pane.has_keys()).unwrap_or_default();
    for (y, at) in (area.y..).zip(window) {
        let Some(line) = document.line(at) else { break };
        pen.texts(Rect { y, height: 1, ..area }, &line.texts);
        let found = match state.detail.finds() {
            Some(_) if pane.has_keys() => state.detail.found_at(at),
            Some(_) => Vec::new(),
            None => pane.lit_at(at),
        };
        for found in found {
            let column = |at: usize| area.x.saturating_add(u16::try_from(at).unwrap_or(u16::MAX)).min(area.right());
            let (start, end) = (column(found.start), column(found.end));
            pen.wash(Rect { x: start, y, width: end - start, height: 1 }, Slot::ListMatch);
        }
        // From the cursor's column to the one beyond the text.
        let row = Rect { x: area.x.saturating_sub(1), y, width: area.width + 2, height: 1 };
        if line.span.is_some() && line.span == pane.step() {
            pen.wash(row, Slot::CursorInactive);
        }
        if selected.contains(&at) {
            pen.wash(row, Slot::Cursor);
            pen.dot(row.x, y, "▌", Slot::Dim);
        }
        if focused && at == scroll.cursor {
            pen.wash(row, Slot::Cursor);
            pen.dot(row.x, y, "▌", Slot::Accent);
        }
    }
    if document.is_empty() {
        let lines = wrap::wrap(empty(state, pane), usize::from(area.width.saturating_sub(1)));
        for (y, line) in (area.y..area.bottom()).zip(lines) {
            pen.put(area.x + 1, y, area.right(), &line, Slot::Dim);
        }
    }
}

/// Why there is no text.
fn empty(state: &State, pane: OnePane) -> &'static str {
    let row = state.tree.cursor().map(|row| state.tree.content(row));
    let raw = pane.tab().is_of_span();
    let nothing = match row {
        None => "nothing is chosen",
        Some(Content::Session(session)) if session.session.is_none() => {
            "these runs belong to no session; choose one of them"
        }
        Some(Content::Session(_)) if raw => "a session has no raw form; choose a run or a step",
        Some(Content::Span { .. }) if raw => "not received yet; its children name it as their parent",
        Some(_) => "nothing to show",
    };
    match pane.found() {
        Some(false) if pane.asks() => "it is no longer in the store",
        // Its answer is on its way, or the rule says why not: an empty pane does not flicker.
        None if pane.asks() => "",
        _ => nothing,
    }
}

/// `line 118/136  87%`
fn place(pane: OnePane, length: usize, height: usize) -> Vec<Styled> {
    let scroll = pane.scroll();
    if length <= height {
        return Vec::new();
    }
    let (at, of) = (format::exact((scroll.cursor + 1).min(length) as u64), format::exact(length as u64));
    let end = if pane.sticks() { "  end" } else { "" };
    vec![
        Styled::new(format!("line {at:>0$}/{of}", of.len()), Slot::Dim),
        Styled::new(format!("  {:>3}%", (scroll.cursor + 1).min(length) * 100 / length), Slot::Dim),
        Styled::new(end, Slot::Running),
    ]
}
