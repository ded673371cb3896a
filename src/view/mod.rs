//! `&State` → cells. Reads the state and never writes it; where things go is computed by `app::areas`.
//!
//! ```text
//!   sideseat-tui  ● LIVE  127.0.0.1  gRPC 4317  HTTP 4318 5388  ▁▂▅▇▃▂▁▁   14 spans/s   1 running · 64 runs · $1.84  ?
//!   / ryokan  session:trip-planner                                                       11/64 runs   Esc clear
//!  ┌─ Runs ───────────────────────────────────────┬─────────────────────────────────────────────────────────────────┐
//!  │                               dur  tok   cost│[1 Messages] 2 Tools 5·4✗  3 Reasoning  4 Cost  5 Raw            │
//!  │▾ ✗ trip-planner       6 runs 1m28 202k  $.428├─────────────────────────────────────────────────────────────────┤
//!  │  ▾ ✗ run 6 book the ryokan…   46s 118k  $.272│ ── turn 5 · sonnet-4.5 · 3.3s · in 23k out 196 · $.064 ──────── │
//!  │        M turn 1  sonnet-4-5  3.1s  14k  $.012│   assistant                                                     ┃
//!  ▌      ✗ T book_room  #1       5.6s    ·      ·│     The booking failed validation again. I'll retry.            ┃
//!  └─ ✓ 9  ✗ 1  ● 1   tools 41 (4✗) ──────────────┴──────────────────────────────────────────── line 118/136   87% ─┘
//!   j/k move  Enter open  h/l fold  Tab pane  1-5 tab  / filter  s session  F follow                  ? help  q quit
//!   FOLLOW ▼  trip-planner › run 6 › book_room #1                                    13/41  db 38 MB  refused 0
//! ```
//!
//! ```text
//!   header    name, lamp, addresses, rate, totals          detail     tabs, text
//!   filter    the filter, while there is one               status     hints, and where one is
//!   tree      sessions ▸ runs ▸ steps                      list       a list laid over all: sessions, themes, help
//!   verdict   what there is to say of a run                 stats      sums and tables of all runs
//!   which_key what may follow a key that begins several chords
//!   first_run what to do while the store is empty           picture    the frame of one
//!   numbers   known, unknown, none                         pen        the one way onto the cells
//!   widgets   frame, scrollbar, sparkline, strip
//! ```

mod detail;
mod filter;
mod first_run;
mod header;
mod links;
mod list;
mod numbers;
mod offers;
mod pen;
mod picture;
mod stats;
mod status;
#[cfg(test)]
mod tests;
mod tour;
mod tree;
mod verdict;
mod which_key;
mod widgets;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
};

use crate::{
    app::{Areas, Side, Stage, State, styled::Styled, target::Target},
    keymap::Context,
    model::Order,
    slots::Slot,
    theme::Theme,
};
use pen::Pen;
use widgets::frame;

pub use links::{Link, links};

/// Draws one frame.
pub fn draw(frame: &mut Frame, state: &State, theme: &Theme) {
    let screen = frame.area();
    let mut pen = Pen::new(frame.buffer_mut(), theme);
    pen.wash(screen, Slot::Text);
    let typed = paint(&mut pen, state, screen);
    // Where something is typed the terminal's own cursor shows it; screen readers follow it.
    if let Some(at) = typed.filter(|at| screen.contains(*at)) {
        frame.set_cursor_position(at);
    }
}

/// What a click on a cell does, where a text stands there that says something to do.
#[must_use]
pub fn target(state: &State, theme: &Theme, column: u16, row: u16) -> Option<Target> {
    let screen = state.screen;
    let mut cells = Buffer::empty(screen);
    let mut pen = Pen::new(&mut cells, theme);
    paint(&mut pen, state, screen);
    let target = pen.target_at(column, row)?;
    // What lies beneath a line that is typed in, or beneath a list, is not chosen.
    let beneath = matches!(state.context(), Context::Line | Context::List) && !matches!(target, Target::Key(_));
    (!beneath).then_some(target)
}

/// Paints everything, the topmost last; returns where the next typed letter goes.
fn paint(pen: &mut Pen, state: &State, screen: Rect) -> Option<Position> {
    // The terminal may have another size than the state for a frame: that is drawn in the old areas.
    let Some(areas) = state.areas() else {
        header::tiny(pen, state, screen);
        return None;
    };
    header::draw(pen, state, areas.header);
    let mut typed = None;
    match areas.filter {
        Some(line) if state.has_filter_line() => typed = filter::draw(pen, state, line),
        Some(line) => tour::draw(pen, state, line),
        None => {}
    }
    match state.stage() {
        Stage::FirstRun => first_run::draw(pen, state, &areas),
        Stage::Opening => {
            panes(pen, state, &areas);
            let at = areas.tree.map_or(areas.body, |tree| tree.rows);
            pen.put(at.x + 2, at.y, at.right(), "opening the store…", Slot::Dim);
        }
        Stage::Browsing if state.stats.is_open() => stats::draw(pen, state),
        Stage::Browsing => {
            panes(pen, state, &areas);
            if let Some(area) = &areas.tree {
                tree::draw(pen, state, &areas, area);
            }
            // Where there is one pane of the detail it is the one with the keys.
            let side = if areas.beside.is_some() { Side::Main } else { state.detail.side() };
            for (side, area) in [(side, &areas.detail), (Side::Beside, &areas.beside)] {
                if let Some(area) = area {
                    typed = detail::draw(pen, state, &areas, area, side).or(typed);
                }
            }
        }
    }
    if let Some(line) = areas.hints {
        status::hints(pen, state, line);
    }
    status::draw(pen, state, areas.status, &areas);
    if let Some(picture) = &state.picture {
        picture::draw(pen, state, picture);
    }
    if let Some(line) = areas.filter.filter(|_| state.line.is_some() && state.naming.is_none()) {
        offers::draw(pen, state, line, typed);
    }
    for list in &state.lists {
        typed = list::draw(pen, state, list);
    }
    which_key::draw(pen, state, areas.body);
    typed
}

/// The frame of the panes, with their titles.
fn panes(pen: &mut Pen, state: &State, areas: &Areas) {
    if !areas.bordered {
        return;
    }
    frame::draw(pen, state, areas);
    if let Some(tree) = &areas.tree {
        let top = Rect { x: areas.body.x, y: areas.body.y, width: tree.head.width + 2, height: 1 };
        let news = tree::news(state).map(|news| Styled::new(format!("  {news}"), Slot::Accent));
        let order = state.filter.order;
        let ordered = (order != Order::Newest).then(|| Styled::new(format!("  {}", order.as_str()), Slot::Dim));
        let title: Vec<Styled> = [Styled::new("Runs", Slot::Title)].into_iter().chain(ordered).chain(news).collect();
        frame::words(pen, top, &title);
        let bottom = Rect { y: areas.body.bottom() - 1, ..top };
        frame::words(pen, bottom, &status::tally(state, bottom.width));
    }
}
