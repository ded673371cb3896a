//! The statistics: sums, and tables whose rows open the runs behind them.
//!
//! ```text
//!   1h [24h] 7d all   64 runs · 9 sessions · 2,911 spans                                    runs since 17:30:00
//!  ┌─ Spend ──────────────────────────────┐┌─ Outcome ────────────────────────────┐┌─ Speed and cost ─────────────┐
//!  │  $1.84                               ││                 runs                 ││             p50    p95    max│
//!  │  412 model calls · 91 tool runs      ││  ✓ ok             55   86%  ███████  ││  run        8.2s    41s  6m02│
//! ```

use std::time::Duration;

use ratatui::layout::Rect;

use super::{
    numbers,
    pen::Pen,
    widgets::{frame, scrollbar, sparkline, strip::Strip},
};
use crate::{
    app::{
        State, format,
        stats::{
            Layout, Order, Panel, Place, Range,
            columns::{GAP, widths},
            table::Column,
            words,
        },
        styled::Styled,
        wrap,
    },
    model::{Outcomes, Spend, Stats, Timed},
    slots::Slot,
};

pub fn draw(pen: &mut Pen, state: &State) {
    let Some(laid) = state.stats_layout() else { return };
    head(pen, state, laid.head);
    let found = state.stats.answer().shown().map(AsRef::as_ref);
    if let Some(found) = found {
        if laid.names.is_none() {
            boxed(pen, laid.sums, false, &[Styled::new("Spend", Slot::Title)]);
            spend(pen, state, found, laid.sums);
        } else {
            sums(pen, state, found, laid.sums);
        }
    }
    for place in &laid.panels {
        panel(pen, state, found, &laid, place);
    }
    if let Some(names) = laid.names {
        panel_names(pen, state, found, names, laid.framed);
    }
}

/// ` 1h [24h] 7d all   64 runs · 9 sessions · 2,911 spans                     runs since 17:30:00`
fn head(pen: &mut Pen, state: &State, line: Rect) {
    let mut strip = Strip::default();
    let mut ranges = Vec::new();
    let mark = Some(state.stats.range()).filter(|range| !Range::ALL.contains(range));
    for range in Range::ALL.into_iter().chain(mark) {
        let chosen = range == state.stats.range();
        let [open, close] = if chosen { ["[", "]"] } else { [" ", " "] };
        let slot = if chosen { Slot::TabActive } else { Slot::Tab };
        ranges.push(Styled::new(format!("{open}{}{close}", range.title()), slot));
    }
    strip.left(0, ranges);
    let answer = state.stats.answer();
    if let Some(why) = answer.failed() {
        strip.left(1, vec![Styled::new(format!("✗ {}", wrap::clean_line(why)), Slot::Error)]);
    } else if let Some(found) = answer.shown() {
        let many =
            |number: u64, one: &str| format!("{} {one}{}", format::count(number), if number == 1 { "" } else { "s" });
        strip.left(1, vec![Styled::new(many(found.states.all(), "run"), Slot::HeaderTotal)]);
        strip.left(3, vec![Styled::new(many(found.sessions, "session"), Slot::Dim)]);
        strip.left(4, vec![Styled::new(many(found.spans, "span"), Slot::Dim)]);
    } else {
        strip.left(1, vec![Styled::new("adding up…", Slot::Dim)]);
    }
    let since = state.stats.range().since(state.now);
    let since = since
        .map_or_else(|| "all runs".to_owned(), |since| format!("runs since {}", state.zone.when(since, state.now)));
    strip.right(2, vec![Styled::new(since, Slot::Dim)]);
    if answer.is_refreshing(state.now) {
        strip.right(5, vec![Styled::new("…", Slot::Dim)]);
    }
    strip.draw(pen, line);
}

/// What was spent, in the frame where all panels show.
fn spend(pen: &mut Pen, state: &State, found: &Stats, outer: Rect) {
    let inner = Rect {
        x: outer.x + 2,
        y: outer.y + 1,
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    };
    let totals = &found.totals;
    let mut lines = vec![vec![Styled::new(numbers::cost_of(totals), Slot::HeaderTotal)], work(found), tokens(found)];
    let unpriced = totals.unpriced;
    lines.push(if unpriced == 0 {
        Vec::new()
    } else {
        let calls =
            if unpriced == 1 { "1 call is".to_owned() } else { format!("{} calls is", format::count(unpriced)) };
        vec![Styled::new(format!("the cost of {calls} not known"), Slot::Warning)]
    });
    lines.push(Vec::new());
    let bars = bars(state, &found.spend, inner.width.into());
    lines.push(vec![Styled::new(bars.as_str(), Slot::Sparkline)]);
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        pen.texts(Rect { y, height: 1, ..inner }, line);
    }
    let axis = inner.y + u16::try_from(lines.len()).unwrap_or_default();
    if !bars.is_empty() && axis < inner.bottom() {
        let width = u16::try_from(wrap::width(&bars)).unwrap_or(inner.width).min(inner.width);
        let line = Rect { y: axis, height: 1, width, ..inner };
        pen.texts(line, &[Styled::new(state.zone.when(found.spend.from, state.now), Slot::Dim)]);
        let until = if state.stats.range() == Range::All { "" } else { "now" };
        pen.texts_right(line, &[Styled::new(until, Slot::Dim)]);
    }
}

/// `412 model calls · 91 tool runs`
fn work(found: &Stats) -> Vec<Styled> {
    let many = |number: u64, what: &str| {
        (number > 0).then(|| format!("{} {what}{}", format::count(number), if number == 1 { "" } else { "s" }))
    };
    let facts = [many(found.totals.model_calls, "model call"), many(found.totals.tool_calls, "tool run")];
    vec![Styled::new(facts.into_iter().flatten().collect::<Vec<_>>().join(" · "), Slot::Text)]
}

/// `1.2M in · 42% cached · 67k out`
fn tokens(found: &Stats) -> Vec<Styled> {
    let usage = &found.totals.usage;
    let facts = [
        usage.input().map(|input| format!("{} in", format::count(input))),
        usage.cached_share().map(|share| format!("{} cached", format::percent(share))),
        usage.output.map(|output| format!("{} out", format::count(output))),
    ];
    vec![Styled::new(facts.into_iter().flatten().collect::<Vec<_>>().join(" · "), Slot::Text)]
}

/// What was spent over time as bars, the newest at the right; nothing where nothing was.
fn bars(state: &State, spend: &Spend, columns: usize) -> String {
    if spend.costs.is_empty() || columns == 0 {
        return String::new();
    }
    let mut costs: Vec<u64> = spend.costs.iter().map(|cost| u64::try_from(cost.0).unwrap_or_default()).collect();
    if state.stats.range() != Range::All {
        // Up to now, though nothing was spent of late.
        let stretches =
            state.now.since(spend.from).as_nanos() / spend.stretch.max(Duration::from_nanos(1)).as_nanos() + 1;
        let most = usize::try_from(Stats::STRETCHES).unwrap_or(usize::MAX);
        costs.resize(usize::try_from(stretches).unwrap_or(most).min(most).max(costs.len()), 0);
    }
    let each = costs.len().div_ceil(columns);
    sparkline::text(&costs, costs.len().div_ceil(each), each)
}

/// The sums in few lines, where one panel shows at a time.
fn sums(pen: &mut Pen, state: &State, found: &Stats, area: Rect) {
    let cost = vec![Styled::new(numbers::cost_of(&found.totals), Slot::HeaderTotal)];
    let columns = usize::from(area.width).saturating_sub(44).min(32);
    let line = |at: u16| Rect { y: area.y + at, height: 1, ..area };
    let mut first = Strip::default();
    first.left(0, cost);
    if area.height == 1 {
        first.left(1, outcomes(found));
        first.draw(pen, line(0));
        return;
    }
    let bars = bars(state, &found.spend, columns);
    first.left(2, work(found)).left(1, tokens(found)).right(3, vec![Styled::new(bars, Slot::Sparkline)]);
    first.draw(pen, line(0));
    let mut second = Strip::default();
    second.left(0, outcomes(found));
    second.draw(pen, line(1));
    let mut third = Strip::default();
    for (rank, timed) in (1..).zip(Timed::ALL) {
        if let Some(took) = found.took(timed) {
            let times = format!(" {} {}", format::duration(took.p50), format::duration(took.p95));
            third.left(rank, vec![Styled::new(timed.as_str(), Slot::Dim), Styled::new(times, Slot::Text)]);
        }
    }
    let percentiles = if found.rounded { "~p50 ~p95" } else { "p50 p95" };
    third.right(0, vec![Styled::new(percentiles, Slot::Dim)]);
    third.draw(pen, line(2));
}

/// `✓ 55  ✗ 5  ↻ 2`
fn outcomes(found: &Stats) -> Vec<Styled> {
    let mut texts = Vec::new();
    for outcome in Outcomes::ALL.into_iter().filter(|outcome| found.runs(*outcome) > 0) {
        let (mark, slot) = words::mark(outcome);
        let gap = if texts.is_empty() { "" } else { "  " };
        texts.push(Styled::new(format!("{gap}{mark}"), slot));
        texts.push(Styled::new(format!(" {}", format::count(found.runs(outcome))), Slot::Text));
    }
    texts
}

/// How many rows a panel has in all; `None` where that says nothing.
fn number(found: Option<&Stats>, panel: Panel) -> Option<u64> {
    let counts = !panel.orders().is_empty() || panel == Panel::Attention;
    found.map(|found| panel.total(found)).filter(|number| *number > 0 && counts)
}

/// `Models 4`, and by what its rows are ordered.
fn title(state: &State, found: Option<&Stats>, panel: Panel) -> Vec<Styled> {
    let number = number(found, panel);
    let mut texts = vec![Styled::new(panel.title(), Slot::Title)];
    texts.extend(number.map(|number| Styled::new(format!(" {}", format::count(number)), Slot::Dim)));
    let order = state.stats.order(panel).map(|order| match order {
        Order::Cost => "cost",
        Order::Calls => "number",
        Order::Slowest => "p95",
        Order::Failed => "failures",
        Order::Name => "name",
    });
    texts.extend(order.map(|order| Styled::new(format!("  by {order}"), Slot::Dim)));
    texts
}

/// A frame with a title.
fn boxed(pen: &mut Pen, outer: Rect, focused: bool, title: &[Styled]) {
    frame::boxed(pen, outer, if focused { Slot::BorderFocused } else { Slot::Border });
    frame::words(pen, Rect { height: 1, ..outer }, title);
}

/// `[Needs attention 4]  Outcome  Speed and cost  Models 3 …`, as many as fit around the one that is chosen.
fn panel_names(pen: &mut Pen, state: &State, found: Option<&Stats>, line: Rect, framed: bool) {
    let chosen = state.stats.panel();
    let label = |panel: Panel| {
        let number = number(found, panel).map(|number| format!(" {}", format::count(number))).unwrap_or_default();
        let [open, close] = if panel == chosen { ["[", "]"] } else { [" ", " "] };
        let slot = if panel == chosen { Slot::TabActive } else { Slot::Tab };
        Styled::new(format!("{open}{}{number}{close}", panel.title()), slot)
    };
    let room = usize::from(line.width).saturating_sub(if framed { 6 } else { 2 });
    let at = chosen.at();
    // The chosen one, then what follows it, then what stands before it.
    let (mut from, mut to) = (at, at + 1);
    let fits = |from: usize, to: usize| {
        let marks = if from > 0 { 2 } else { 0 } + if to < Panel::ALL.len() { 2 } else { 0 };
        wrap::styled_width(&Panel::ALL[from..to].iter().map(|panel| label(*panel)).collect::<Vec<_>>()) + marks <= room
    };
    while to < Panel::ALL.len() && fits(from, to + 1) {
        to += 1;
    }
    while from > 0 && fits(from - 1, to) {
        from -= 1;
    }
    let mut texts = Vec::new();
    if from > 0 {
        texts.push(Styled::new("‹ ", Slot::Dim));
    }
    texts.extend(Panel::ALL[from..to].iter().map(|panel| label(*panel)));
    if to < Panel::ALL.len() {
        texts.push(Styled::new(" ›", Slot::Dim));
    }
    if framed {
        frame::words(pen, line, &texts);
    } else {
        pen.texts(Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line }, &texts);
    }
}

fn panel(pen: &mut Pen, state: &State, found: Option<&Stats>, laid: &Layout, place: &Place) {
    let focused = place.panel == state.stats.panel();
    if laid.names.is_none() {
        boxed(pen, place.outer, focused, &title(state, found, place.panel));
    } else if laid.framed {
        boxed(pen, place.outer, focused, &[]);
    }
    let Some(found) = found else { return };
    let places = state.stats.places(place.panel);
    if places.is_empty() {
        let (text, slot) = match place.panel {
            Panel::Attention if found.states.all() > 0 => ("✓ nothing needs attention", Slot::Ok),
            Panel::Attention | Panel::Outcome | Panel::Sessions => ("no run began in this time", Slot::Dim),
            _ => ("none", Slot::Dim),
        };
        pen.put(place.head.x, place.head.y, place.head.right(), text, slot);
        return;
    }
    let columns = place.panel.columns();
    let widths = widths(columns, place.head.width.into());
    let heads: Vec<Styled> =
        columns.iter().map(|column| Styled::new(place.panel.head(column, found), Slot::Dim)).collect();
    cells(pen, place.head, columns, &widths, &heads);
    let (height, scroll) = (usize::from(place.rows.height), state.stats.scroll(place.panel));
    let window = scroll.window(places.len(), height);
    let top = window.start;
    let chosen = state.stats.column(place.panel);
    for (y, at) in (place.rows.y..).zip(window) {
        let row = Rect { y, height: 1, ..place.rows };
        cells(pen, row, columns, &widths, &place.panel.cells(found, places[at], state.now, &state.zone));
        if focused && at == scroll.cursor {
            // The mark stands on the frame, or in the column beside the rows.
            let (from, after) = if laid.framed { (row.x.saturating_sub(1), 1) } else { (row.x, 0) };
            pen.wash(Rect { x: from, width: row.right() + after - from, ..row }, Slot::Cursor);
            pen.dot(from.saturating_sub(1), y, "▌", Slot::Accent);
            // The figure that is chosen is in its row: a mark stands before it, in the gap between two columns.
            if let Some(x) = chosen.and_then(|chosen| left_of(&widths, row, chosen)) {
                pen.dot(x, y, "▸", Slot::Accent);
            }
        }
    }
    if laid.framed {
        let slot = if focused { Slot::BorderFocused } else { Slot::Border };
        scrollbar::draw(pen, place.outer.right() - 1, place.rows.y..place.rows.bottom(), places.len(), top, slot);
    }
}

/// The column of the screen before a column of a table; `None` where that is left out.
fn left_of(widths: &[Option<usize>], row: Rect, column: usize) -> Option<u16> {
    widths.get(column)?.as_ref()?;
    let before: usize = widths[..column].iter().flatten().map(|width| width + GAP).sum();
    let x = row.x.saturating_add(u16::try_from(before).ok()?);
    (x < row.right()).then(|| x.saturating_sub(1))
}

/// Writes cells: names and sentences from the left, numbers to the right.
fn cells(pen: &mut Pen, row: Rect, columns: &[Column], widths: &[Option<usize>], cells: &[Styled]) {
    let mut x = row.x;
    for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
        let Some(width) = width else { continue };
        let place =
            Rect { x, width: u16::try_from(*width).unwrap_or(u16::MAX).min(row.right().saturating_sub(x)), ..row };
        let text = match column.width {
            0 if x == row.x => wrap::cut_middle(&cell.text, place.width.into()),
            _ => wrap::cut(&cell.text, place.width.into()),
        };
        let styled = [Styled::new(text, cell.slot)];
        // A bar begins at its left.
        if column.width == 0 || (column.head.is_empty() && cell.text.starts_with(['█', '▌'])) {
            pen.texts(place, &styled);
        } else {
            pen.texts_right(place, &styled);
        }
        x = place.right().saturating_add(u16::try_from(GAP).unwrap_or(1)).min(row.right());
    }
}
