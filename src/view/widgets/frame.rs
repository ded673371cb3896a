//! The frame around panes, with a line between them; the pane that has the keys stands out. One pane that has the screen to
//! itself has lines above and beneath it and none at its sides: what the terminal selects there is text alone.

use ratatui::layout::Rect;

use crate::{
    app::{Areas, Focus, Side, State, styled::Styled},
    slots::Slot,
    view::pen::Pen,
};

const PLAIN: Slot = Slot::Border;
const FOCUSED: Slot = Slot::BorderFocused;

/// The columns of the lines that stand upright, from left to right: between two neighbours is a pane.
fn edges(areas: &Areas) -> Vec<u16> {
    let body = areas.body;
    let inner = [areas.divider, areas.beside_divider].into_iter().flatten();
    let inner = inner.filter(|column| (body.x..body.right()).contains(column));
    [body.x].into_iter().chain(inner).chain([body.right().saturating_sub(1)]).collect()
}

/// Whether the detail is enlarged to all of the screen.
fn is_alone(areas: &Areas) -> bool {
    areas.tree.is_none() && areas.divider.is_none()
}

/// Which pane has the keys, counted from the left.
fn with_keys(state: &State, areas: &Areas) -> usize {
    match (state.focus, state.detail.side()) {
        _ if areas.divider.is_none() => 0,
        (Focus::Tree, _) => 0,
        (Focus::Detail, Side::Beside) if areas.beside.is_some() => 2,
        (Focus::Detail, _) => 1,
    }
}

/// Frames the panes. The line between two of them is that of the pane with the keys, if it is one of the two.
pub fn draw(pen: &mut Pen, state: &State, areas: &Areas) {
    let (body, edges, focus) = (areas.body, edges(areas), with_keys(state, areas));
    let pane = |at: usize| Rect { x: edges[at], width: edges[at + 1] + 1 - edges[at], ..body };
    let panes = edges.len() - 1;
    if is_alone(areas) {
        for y in [body.y, body.bottom().saturating_sub(1)] {
            pen.line(Rect { y, height: 1, ..body }, "─", FOCUSED);
        }
        return;
    }
    for at in (0..panes).filter(|at| *at != focus) {
        boxed(pen, pane(at), PLAIN);
    }
    boxed(pen, pane(focus), FOCUSED);
    for (at, x) in edges.iter().copied().enumerate().take(panes).skip(1) {
        let slot = if [at, at - 1].contains(&focus) { FOCUSED } else { PLAIN };
        pen.dot(x, body.y, "┬", slot);
        pen.dot(x, body.bottom().saturating_sub(1), "┴", slot);
    }
}

/// A line across a pane of the detail, joined to the frame at its sides.
pub fn across(pen: &mut Pen, state: &State, areas: &Areas, line: Rect) {
    if !areas.bordered {
        pen.line(line, "─", PLAIN);
        return;
    }
    if is_alone(areas) {
        pen.line(Rect { x: areas.body.x, width: areas.body.width, ..line }, "─", FOCUSED);
        return;
    }
    let (edges, focus) = (edges(areas), with_keys(state, areas));
    let left = line.x.saturating_sub(1);
    let at = edges.iter().position(|edge| *edge == left).unwrap_or(0);
    let slot = |focused: bool| if focused { FOCUSED } else { PLAIN };
    // The pane to the left may have a line at the same height.
    let meets = areas
        .detail
        .filter(|_| at == 2)
        .is_some_and(|detail| [detail.rule, detail.divide].iter().any(|other| other.height > 0 && other.y == line.y));
    pen.line(line, "─", slot(focus == at));
    pen.dot(left, line.y, if meets { "┼" } else { "├" }, slot(focus == at || focus + 1 == at));
    pen.dot(line.right(), line.y, "┤", slot(focus == at || (focus == at + 1 && at + 2 < edges.len())));
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
