//! The screen of an empty store: what to do first, and what has been seen so far.
//!
//! ```text
//!  ┌─ Send your first trace ───────────────────────────────────────────────────┐
//!  │ EASIEST   leave this open, and in another terminal …                      │
//!  │ OR        look around first:    [d] play a few recorded runs              │  what to do: scrolls
//!  │ OR        point your SDK here:  [1 SideSeat, Bedrock]  2 Strands  …       │
//!  ├───────────────────────────────────────────────────────────────────────────┤
//!  │ STILL EMPTY?                                                              │
//!  │ ok  gRPC listener   127.0.0.1:4317  0 connections                         │  what was seen: stays
//!  │ !!  refused         17:42:09 POST /v1/trace …                             │
//!  └───────────────────────────────────────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use super::{
    pen::Pen,
    widgets::{frame, scrollbar},
};
use crate::app::{
    Areas, State,
    first_run::{Line, page},
    styled::Styled,
};
use crate::slots::Slot;

pub fn draw(pen: &mut Pen, state: &State, areas: &Areas) {
    if areas.bordered {
        frame::boxed(pen, areas.body, Slot::BorderFocused);
        frame::words(pen, areas.body, &[Styled::new("Send your first trace", Slot::Title)]);
    }
    let page = page(state, areas);
    let window = page.window;
    for (y, line) in (window.y..window.bottom()).zip(page.todo.iter().skip(page.top)) {
        paint(pen, line, Rect { y, height: 1, ..window }, page.margin);
    }
    let bar = if areas.bordered { window.right() } else { window.right().saturating_sub(1) };
    scrollbar::draw(pen, bar, window.y..window.bottom(), page.todo.len(), page.top, Slot::BorderFocused);
    if !page.seen.is_empty() {
        let mut place = Rect { y: window.bottom(), height: 1, ..window };
        pen.line(place, "─", Slot::BorderFocused);
        pen.dot(place.x.saturating_sub(1), place.y, "├", Slot::BorderFocused);
        pen.dot(place.right(), place.y, "┤", Slot::BorderFocused);
        for line in &page.seen {
            place.y += 1;
            paint(pen, line, place, page.margin);
        }
    }
}

fn paint(pen: &mut Pen, line: &Line, place: Rect, margin: u16) {
    let inner = Rect { x: place.x + margin, width: place.width.saturating_sub(2 * margin), ..place };
    let right_edge = inner.right().saturating_sub(1);
    match line {
        Line::Words { left, right } => both(pen, left, right, inner),
        Line::Rule => pen.line(inner, "─", Slot::Border),
        Line::Edge { upper } => {
            let [start, end] = if *upper { ["┌", "┐"] } else { ["└", "┘"] };
            pen.line(inner, "─", Slot::Border);
            pen.dot(inner.x, inner.y, start, Slot::Border);
            pen.dot(right_edge, inner.y, end, Slot::Border);
        }
        Line::Boxed { left, right } => {
            pen.dot(inner.x, inner.y, "│", Slot::Border);
            pen.dot(right_edge, inner.y, "│", Slot::Border);
            let text = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
            both(pen, left, right, text);
        }
    }
}

/// What stands at the right is a key: what stands at the left gives way to it.
fn both(pen: &mut Pen, left: &[Styled], right: &[Styled], place: Rect) {
    let from = pen.texts_right(place, right);
    let gap = if right.is_empty() { 0 } else { 2 };
    pen.texts(Rect { width: from.saturating_sub(place.x).saturating_sub(gap), ..place }, left);
}
