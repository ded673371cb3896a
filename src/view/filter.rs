//! The filter's line: what the lists are narrowed to. It is there as long as anything is.

use ratatui::layout::{Position, Rect};

use super::pen::Pen;
use crate::{
    app::{State, format, hints::CLEAR, line::Line, stats::words, styled::Styled, wrap},
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
    let Some(typed) = &state.line else {
        pen.put(x, inner.y, end, &state.filter.text, slot);
        return None;
    };
    Some(type_in(pen, typed, Rect { x, width: end.saturating_sub(x), ..inner }, slot))
}

/// Draws a line that is being typed, scrolled so that its cursor is seen; returns where that is.
pub fn type_in(pen: &mut Pen, line: &Line, area: Rect, slot: Slot) -> Position {
    let room = usize::from(area.width.saturating_sub(1));
    let hidden = line.column().saturating_sub(room);
    let text = line.text();
    let shown = if hidden == 0 { text } else { &text[wrap::take(text, hidden).len()..] };
    pen.put(area.x, area.y, area.right(), wrap::take(shown, area.width.into()), slot);
    let column = u16::try_from(line.column() - hidden).unwrap_or(u16::MAX);
    Position::new(area.x.saturating_add(column).min(area.right().saturating_sub(1).max(area.x)), area.y)
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
