//! The first line: what this is, whether it receives and where, how fast, how much there is.

use ratatui::layout::Rect;

use super::{
    numbers,
    pen::Pen,
    widgets::{sparkline, strip::Strip},
};
use crate::{
    app::{Lamp, Listening, State, activity::SPARKLINE, areas::FLOOR, format, styled::Styled},
    keymap::Action,
    slots::Slot,
};

/// From here on there is room for whole words.
const WIDE: u16 = 110;
/// And here for a column every three seconds.
const ROOMY: u16 = 150;
/// Below this there is room for what changes, and for nothing else.
const NARROW: u16 = 72;

pub fn draw(pen: &mut Pen, state: &State, line: Rect) {
    let (wide, narrow) = (line.width >= WIDE, line.width < NARROW);
    let mut strip = Strip::default();
    let (glyph, word, slot) = lamp(state);
    strip.left(0, vec![Styled::new(if wide { "sideseat-tui" } else { "sideseat" }, Slot::Header)]);
    let quiet = narrow && matches!(state.lamp(), Lamp::Live);
    let lamp = vec![Styled::new(if quiet { glyph.to_owned() } else { format!("{glyph} {word}") }, slot)];
    if wide {
        strip.left(0, lamp).left(4, addresses(state, wide));
    } else {
        strip.close(0, lamp).close(4, if narrow { Vec::new() } else { addresses(state, wide) });
    }
    if state.overview.shown().is_some() {
        rate(&mut strip, state, line);
    }
    let help = state.keymap.label(Action::Help);
    if !narrow && !help.is_empty() {
        strip.right(3, vec![Styled::new(help, Slot::StatusKey)]);
    }
    totals(&mut strip, state, wide, narrow);
    strip.draw(pen, line);
}

/// All there is where nothing else fits.
pub fn tiny(pen: &mut Pen, state: &State, screen: Rect) {
    let (glyph, word, slot) = lamp(state);
    let runs = [
        Styled::new(format!("{glyph} {word}"), slot),
        Styled::new(format!("  needs {}x{}", FLOOR.0, FLOOR.1), Slot::Text),
    ];
    pen.texts(screen, &runs);
}

/// The lamp's glyph, word and slot. The word alone says everything; glyph and colour repeat it.
pub fn lamp(state: &State) -> (&'static str, &'static str, Slot) {
    match state.lamp() {
        Lamp::Opening => ("○", "OPENING", Slot::HeaderWaiting),
        Lamp::Waiting => ("○", "WAITING", Slot::HeaderWaiting),
        Lamp::Live => ("●", "LIVE", Slot::HeaderLive),
        Lamp::Attached => ("●", "ATTACHED", Slot::HeaderLive),
        Lamp::Ended => ("✗", "ENDED", Slot::HeaderFailed),
        Lamp::Demo => ("●", "DEMO", Slot::HeaderLive),
        Lamp::Files => ("▪", "FILES", Slot::HeaderLive),
        Lamp::Paused => ("◐", "PAUSED", Slot::HeaderPaused),
        Lamp::Failing if state.failing.is_some() => ("✗", "NOT STORING", Slot::HeaderFailed),
        Lamp::Failing if state.seen.disk_full.is_some() => ("✗", "DISK FULL", Slot::HeaderFailed),
        Lamp::Failing => ("✗", "NOT LISTENING", Slot::HeaderFailed),
        Lamp::Rescuing => ("○", "RESCUING", Slot::HeaderFailed),
        Lamp::Damaged => ("✗", "DAMAGED", Slot::HeaderFailed),
    }
}

/// `127.0.0.1  gRPC 4317  HTTP 4318 5388`, or `:4317 :4318 :5388`. A port that is not the usual one stands out.
pub fn addresses(state: &State, wide: bool) -> Vec<Styled> {
    let mut runs = Vec::new();
    let mut shown: Vec<(&str, u16)> = Vec::new();
    let (mut host, mut protocol) = ("", "");
    for Listening { what, address, port, note } in state.listening.as_deref().unwrap_or_default() {
        // Both loopbacks have the same port; it is shown once.
        if shown.contains(&(what.as_str(), *port)) {
            continue;
        }
        shown.push((what, *port));
        let slot = if note.is_some() { Slot::Warning } else { Slot::Dim };
        let gap = if runs.is_empty() { "" } else { " " };
        if !wide {
            runs.push(Styled::new(format!("{gap}:{port}"), slot));
            continue;
        }
        if host != address {
            let gap = if host.is_empty() { "" } else { "  " };
            host = address;
            runs.push(Styled::new(format!("{gap}{address}"), Slot::Dim));
        }
        let its_protocol = if what.eq_ignore_ascii_case("grpc") { "gRPC" } else { "HTTP" };
        if protocol != its_protocol {
            protocol = its_protocol;
            runs.push(Styled::new(format!("  {its_protocol}"), Slot::Dim));
        }
        runs.push(Styled::new(format!(" {port}"), slot));
    }
    runs
}

/// The last minute as bars, and how many spans a second there are now.
fn rate(strip: &mut Strip, state: &State, line: Rect) {
    let spans = state.rate.now();
    let now = format::count(spans);
    // In columns of a steady number, so that nothing beside them moves.
    let (number, unit) = match line.width {
        ..NARROW => (format!("{now}/s"), ""),
        NARROW..WIDE => (format!("{now:>3}"), "/s"),
        WIDE.. if spans == 1 => (format!("{now:>4}"), " span/s "),
        WIDE.. => (format!("{now:>4}"), " spans/s"),
    };
    let columns = match line.width {
        ..NARROW => 0,
        NARROW..WIDE => 5,
        WIDE..ROOMY => 8,
        ROOMY.. => 20,
    };
    let bars = sparkline::text(&state.rate.seconds(), columns, SPARKLINE.div_ceil(columns.max(1)));
    strip.left(5, vec![Styled::new(bars, Slot::Sparkline)]);
    let number = vec![Styled::new(number, Slot::HeaderTotal), Styled::new(unit, Slot::Dim)];
    if columns > 0 {
        strip.close(2, number)
    } else {
        strip.left(2, number)
    };
}

/// `1 running · 64 runs · $1.84 today`: all there is, whatever the filter; what was spent today, or where nothing
/// was, ever.
fn totals(strip: &mut Strip, state: &State, wide: bool, narrow: bool) {
    if state.overview.failed().is_some() {
        // What is shown is the last that was known.
        strip.right(1, vec![Styled::new("✗", Slot::Error), Styled::new(" totals", Slot::Dim)]);
    }
    let Some(overview) = state.overview.shown() else { return };
    if overview.all.states.all() == 0 {
        strip.right(1, vec![Styled::new("nothing received yet", Slot::Dim)]);
        return;
    }
    let mut facts = Vec::new();
    let all = &overview.all;
    let running = state.running();
    if running > 0 && !narrow {
        facts.push(Styled::new(format!("{} running", format::count(running)), Slot::Running));
    }
    let number = all.states.all();
    let runs = if number == 1 { "run" } else { "runs" };
    facts.push(Styled::new(format!("{} {runs}", format::count(number)), Slot::HeaderTotal));
    let (spent, when) = if all.today.priced > 0 { (&all.today, " today") } else { (&all.totals, " in all") };
    let cost = numbers::cost_of(spent);
    if cost == numbers::UNKNOWN {
        facts.push(Styled::new("cost not known", Slot::Dim));
    } else if cost != numbers::NONE {
        let when = if narrow { "" } else { when };
        facts.push(Styled::new(format!("{cost}{when}"), Slot::HeaderTotal));
    }
    let gap = if wide { " · " } else { "  " };
    let mut runs = Vec::new();
    for fact in facts {
        if !runs.is_empty() {
            runs.push(Styled::new(gap, Slot::Dim));
        }
        runs.push(fact);
    }
    strip.right(1, runs);
}
