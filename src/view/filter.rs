//! The filter's line: what the lists are narrowed to. It is there as long as anything is.

use std::ops::Range;

use ratatui::layout::{Position, Rect};

use super::pen::Pen;
use crate::{
    app::{State, format, hints::CLEAR, line::Line, stats::words, styled::Styled, wrap},
    filter::{self as language, PieceKind},
    keymap::Action,
    slots::Slot,
};

/// Draws it; returns where the next typed letter goes.
pub fn draw(pen: &mut Pen, state: &State, line: Rect) -> Option<Position> {
    let inner = Rect { x: line.x + 1, width: line.width.saturating_sub(2), ..line };
    let slot = if state.line.is_some() { Slot::FilterActive } else { Slot::Filter };
    let facts = facts(state, inner.width);
    let from = pen.texts_right(inner, &facts);
    let end = if facts.is_empty() { inner.right() } else { from.saturating_sub(2) };

    let mut x = pen.put(inner.x, inner.y, end, "/ ", slot);
    if let Some(of) = &state.filter.session {
        let session = of.as_ref().map_or_else(|| "(none)".to_owned(), |session| wrap::clean_line(session.as_str()));
        // What is being typed needs the room more.
        let least = if state.line.is_some() || !state.filter.text.is_empty() { 16 } else { 0 };
        let room = usize::from(end.saturating_sub(x)).saturating_sub(least);
        let chip = wrap::cut_middle(&format!("session:{session}"), room.max(12));
        x = pen.put(x, inner.y, end, &chip, Slot::Filter);
        x = pen.put(x, inner.y, end, "  ", Slot::Text);
    }
    let only = state.filter.only.as_ref().map(words::only);
    let since = state.filter.since.map(|since| format!("since {}", state.zone.when(since, state.now)));
    for chip in only.into_iter().chain(since) {
        x = pen.put(
            x,
            inner.y,
            end,
            &wrap::cut_middle(&chip, usize::from(end.saturating_sub(x)).max(12)),
            Slot::Filter,
        );
        x = pen.put(x, inner.y, end, "  ", Slot::Text);
    }
    let place = Rect { x, width: end.saturating_sub(x), ..inner };
    if let Some(name) = &state.naming {
        let what = match &state.renames {
            Some(name) => format!("rename {} to ", wrap::cut(&wrap::clean_line(name), 24)),
            None => "save as ".to_owned(),
        };
        let x = pen.put(place.x, place.y, end, &what, Slot::Dim);
        return Some(type_in(pen, name, Rect { x, width: end.saturating_sub(x), ..place }, slot));
    }
    let Some(typed) = &state.line else {
        pieces(pen, place, &state.filter.text, 0, None, slot);
        return None;
    };
    let problem = state.filter_problem().filter(|problem| !problem.unfinished);
    let bad = problem.map(|problem| problem.from..problem.to);
    let (hidden, at) = scrolled(typed, place);
    pieces(pen, place, typed.text(), hidden, bad.as_ref(), slot);
    Some(at)
}

/// Draws a filter, what lies in `bad` as wrong; its first `hidden` bytes are scrolled away.
fn pieces(pen: &mut Pen, place: Rect, text: &str, hidden: usize, bad: Option<&Range<usize>>, slot: Slot) {
    let mut x = place.x;
    let mut put = |from: usize, to: usize, slot| {
        if let Some(part) = text.get(from.max(hidden)..to).filter(|part| !part.is_empty()) {
            x = pen.put(x, place.y, place.right(), part, slot);
        }
    };
    let mut done = 0;
    for piece in language::pieces(text) {
        put(done, piece.from, slot);
        let is_bad = bad.is_some_and(|bad| bad.start < piece.to && piece.from < bad.end);
        let slot = match piece.kind {
            _ if is_bad => Slot::Error,
            PieceKind::Key => Slot::Accent,
            PieceKind::Sign => Slot::Dim,
            PieceKind::Value | PieceKind::Text => slot,
        };
        put(piece.from, piece.to, slot);
        done = piece.to;
    }
    put(done, text.len(), slot);
}

/// Draws a line that is being typed, scrolled so that its cursor is seen; returns where that is.
pub fn type_in(pen: &mut Pen, line: &Line, area: Rect, slot: Slot) -> Position {
    let (hidden, at) = scrolled(line, area);
    pen.put(area.x, area.y, area.right(), wrap::take(&line.text()[hidden..], area.width.into()), slot);
    at
}

/// How many bytes of a line are scrolled away so that its cursor is seen, and where that is then.
fn scrolled(line: &Line, area: Rect) -> (usize, Position) {
    let room = usize::from(area.width.saturating_sub(1));
    let hidden = line.column().saturating_sub(room);
    let bytes = if hidden == 0 { 0 } else { wrap::take(line.text(), hidden).len() };
    let column = u16::try_from(line.column() - hidden).unwrap_or(u16::MAX);
    let x = area.x.saturating_add(column).min(area.right().saturating_sub(1).max(area.x));
    (bytes, Position::new(x, area.y))
}

/// `11/64 runs   Esc clear`; of that as much as leaves the filter itself at least half of the line.
fn facts(state: &State, width: u16) -> Vec<Styled> {
    let mut texts: Vec<Vec<Styled>> = Vec::new();
    if let Some(overview) = state.overview.shown() {
        let (shown, all) = (overview.states.all(), overview.all.states.all());
        let counts = format!("{}/{}", format::exact(shown), format::exact(all));
        texts.push(vec![Styled::new(counts, if shown == 0 { Slot::Warning } else { Slot::HeaderTotal })]);
        let late = if state.overview.is_refreshing(state.now) { " runs …" } else { " runs" };
        texts.push(vec![Styled::new(late, Slot::Dim)]);
    }
    let back = state.keymap.label(Action::Back);
    if let Some(does) = state
        .back_does()
        .filter(|does| (*does == CLEAR || state.stats.has_opened()) && state.line.is_none() && !back.is_empty())
    {
        texts
            .push(vec![Styled::new(format!("   {back}"), Slot::StatusKey), Styled::new(format!(" {does}"), Slot::Dim)]);
    }
    while texts.len() > 1 && texts.iter().map(|text| wrap::styled_width(text)).sum::<usize>() * 2 > width.into() {
        texts.pop();
    }
    texts.concat()
}
