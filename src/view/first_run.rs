//! The screen of an empty store: what to do first, and what has been seen so far.
//!
//! ```text
//!  ┌─ Send your first trace ───────────────────────────────────────────────────┐
//!  │ EASIEST   leave this open, and in another terminal …                      │
//!  │ OR        point your SDK here:  [1 SideSeat, Bedrock]  2 Strands  …       │  what to do: scrolls
//!  │ OR        look around first:    [d] play a few recorded runs              │
//!  ├───────────────────────────────────────────────────────────────────────────┤
//!  │ STILL EMPTY?                                                              │
//!  │ ok  gRPC listener   127.0.0.1:4317  0 connections                         │  what was seen: stays
//!  │ !!  refused         17:42:09 POST /v1/trace …                             │
//!  └───────────────────────────────────────────────────────────────────────────┘
//! ```

mod checks;

use ratatui::layout::{Margin, Rect};

use super::{
    pen::Pen,
    widgets::{frame, scrollbar},
};
use crate::{
    app::{
        Areas, Focus, State,
        document::Run,
        first_run::{Sdk, command, snippet},
        wrap,
    },
    keymap::Action,
};

/// From here on there is room for boxes around what is to be copied.
const WIDE: u16 = 108;
/// What to do has at least so many lines; where that leaves too few for what was seen, both scroll together.
const LEAST: usize = 10;

/// The slot of what a newcomer must not miss.
const TRAP: &str = "warning";

/// One line of the screen.
enum Line {
    Words {
        left: Vec<Run>,
        right: Vec<Run>,
    },
    Rule,
    /// The edge of a box, from its corners.
    Edge(&'static str, &'static str),
    Boxed {
        left: Vec<Run>,
        right: Vec<Run>,
    },
}

pub fn draw(pen: &mut Pen, state: &State, areas: &Areas) {
    let inner = if areas.bordered { areas.body.inner(Margin::new(1, 1)) } else { areas.body };
    if areas.bordered {
        frame::draw(pen, areas.body, None, Focus::Tree);
        frame::words(pen, areas.body, &[Run::new("Send your first trace", "title")]);
    }
    let mut todo = if areas.bordered && inner.width >= WIDE {
        wide(state)
    } else if areas.bordered {
        medium(state)
    } else {
        narrow(state, inner.width)
    };
    let mut seen = checks::lines(state, inner.width, areas.bordered);
    let height = usize::from(inner.height);
    let stays = seen.len() + 1;
    let mut window = inner;
    if areas.bordered && height >= stays + LEAST {
        let below = u16::try_from(stays).unwrap_or(inner.height);
        window.height = inner.height - below;
        let mut place = Rect { y: window.bottom(), height: 1, ..inner };
        rule(pen, place, true);
        for line in &seen {
            place.y += 1;
            paint(pen, line, place);
        }
    } else {
        todo.push(Line::Rule);
        todo.append(&mut seen);
    }
    let height = usize::from(window.height);
    let top = state.first_run_top.min(todo.len().saturating_sub(height));
    for (y, line) in (window.y..window.bottom()).zip(todo.iter().skip(top)) {
        paint(pen, line, Rect { y, height: 1, ..window });
    }
    let bar = if areas.bordered { window.right() } else { window.right().saturating_sub(1) };
    scrollbar::draw(pen, bar, window.y..window.bottom(), todo.len(), top, "border.focused");
}

fn paint(pen: &mut Pen, line: &Line, place: Rect) {
    let margin = if place.width >= WIDE { 3 } else { 1 };
    let inner = Rect { x: place.x + margin, width: place.width.saturating_sub(2 * margin), ..place };
    match line {
        Line::Words { left, right } => both(pen, left, right, inner),
        Line::Rule => rule(pen, place, false),
        Line::Edge(start, end) => {
            pen.line(inner, "─", "border");
            pen.dot(inner.x, inner.y, start, "border");
            pen.dot(inner.right().saturating_sub(1), inner.y, end, "border");
        }
        Line::Boxed { left, right } => {
            pen.dot(inner.x, inner.y, "│", "border");
            pen.dot(inner.right().saturating_sub(1), inner.y, "│", "border");
            let text = Rect { x: inner.x + 2, width: inner.width.saturating_sub(4), ..inner };
            both(pen, left, right, text);
        }
    }
}

/// What stands at the right is a key: what stands at the left gives way to it.
fn both(pen: &mut Pen, left: &[Run], right: &[Run], place: Rect) {
    let from = pen.runs_right(place, right);
    let gap = if right.is_empty() { 0 } else { 2 };
    pen.runs(Rect { width: from.saturating_sub(place.x).saturating_sub(gap), ..place }, left);
}

fn rule(pen: &mut Pen, place: Rect, joined: bool) {
    if joined {
        pen.line(place, "─", "border.focused");
        pen.dot(place.x.saturating_sub(1), place.y, "├", "border.focused");
        pen.dot(place.right(), place.y, "┤", "border.focused");
    } else {
        pen.line(Rect { x: place.x + 1, width: place.width.saturating_sub(2), ..place }, "─", "border");
    }
}

fn words(left: Vec<Run>) -> Line {
    Line::Words { left, right: Vec::new() }
}

fn dim(text: &str) -> Line {
    words(vec![Run::new(text, "dim")])
}

fn blank() -> Line {
    words(Vec::new())
}

/// `EASIEST   leave this open …`
fn headed(head: &str, text: &str) -> Vec<Run> {
    vec![Run::new(format!("{head:<10}"), "title"), Run::new(text, "text")]
}

/// `[y] yank`; nothing where no key does it.
fn key(state: &State, action: Action, does: &str) -> Vec<Run> {
    let label = state.keymap.label(action);
    if label.is_empty() {
        return Vec::new();
    }
    vec![Run::new(format!("[{label}]"), "status.key"), Run::new(format!(" {does}"), "dim")]
}

fn lines_to_copy(state: &State) -> Vec<String> {
    snippet(state.sdk, state.listening.as_deref().unwrap_or_default())
}

/// Code, and behind it a comment; the one that says the trap stands out.
fn code(line: &str) -> Vec<Run> {
    let comment = if line.starts_with('#') { Some(0) } else { line.find("   #") };
    let (code, comment) = line.split_at(comment.unwrap_or(line.len()));
    let slot = if code.contains("sideseat[aws]") { TRAP } else { "dim" };
    vec![Run::new(code, "first_run.command"), Run::new(comment, slot)]
}

/// `[1 SideSeat, Bedrock]  2 Strands  …`
fn choices(state: &State, name: fn(Sdk) -> &'static str) -> Vec<Run> {
    let mut runs = Vec::new();
    for sdk in Sdk::ALL {
        let action = match sdk {
            Sdk::Sideseat => Action::SdkSideseat,
            Sdk::Strands => Action::SdkStrands,
            Sdk::Langgraph => Action::SdkLanggraph,
            Sdk::Openai => Action::SdkOpenai,
            Sdk::Other => Action::SdkOther,
        };
        let (key, name) = (state.keymap.label(action), name(sdk));
        if sdk == state.sdk {
            runs.push(Run::new(format!("[{key} {name}]"), "tab.active"));
        } else {
            runs.push(Run::new(format!(" {key} "), "status.key"));
            runs.push(Run::new(format!("{name} "), "tab"));
        }
    }
    runs
}

fn wide(state: &State) -> Vec<Line> {
    let easiest = headed("EASIEST", "leave this open, and in another terminal put this in front of your command:");
    let mut lines = vec![
        blank(),
        words(easiest),
        Line::Edge("┌", "┐"),
        Line::Boxed { left: code(command()), right: key(state, Action::YankCommand, "yank") },
        Line::Edge("└", "┘"),
        dim(
            "It sets the variables below for that process only, streams here, and exits with your program's exit code.",
        ),
        blank(),
    ];
    let mut or = headed("OR", "point your SDK here:  ");
    or.extend(choices(state, Sdk::title));
    lines.push(words(or));
    lines.push(Line::Edge("┌", "┐"));
    let copied = lines_to_copy(state);
    for (at, line) in copied.iter().enumerate() {
        let last = at + 1 == copied.len();
        let right = if last { key(state, Action::YankSnippet, "yank") } else { Vec::new() };
        lines.push(Line::Boxed { left: code(line), right });
    }
    lines.push(Line::Edge("└", "┘"));
    lines.push(dim(about_ports(state)));
    lines.push(blank());
    let mut or = headed("OR", "look around first:  ");
    or.extend(key(state, Action::Demo, "play a few recorded runs; nothing of them is kept"));
    lines.push(words(or));
    lines
}

fn medium(state: &State) -> Vec<Line> {
    let mut look = vec![Run::new("Or look around first: ", "title")];
    look.extend(key(state, Action::Demo, "play a few recorded runs"));
    let mut or = vec![Run::new("Or set this yourself ", "title")];
    or.extend(choices(state, Sdk::short));
    let mut lines = vec![
        Line::Words {
            left: vec![Run::new("Easiest, in another terminal:", "title")],
            right: key(state, Action::YankCommand, "yank"),
        },
        words(indented(code(command()))),
        words(look),
        blank(),
        words(or),
    ];
    let copied = lines_to_copy(state);
    for (at, line) in copied.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let right = if at + 1 == copied.len() { key(state, Action::YankSnippet, "yank") } else { Vec::new() };
        let mut runs = code(line);
        // The trap is said whole, on a line of its own.
        if let Some(trap) = runs.pop_if(|run| run.slot == TRAP) {
            lines.push(words(indented(vec![Run::new(trap.text.trim_start(), TRAP)])));
        }
        lines.push(Line::Words { left: indented(runs), right });
    }
    lines
}

/// Nothing is cut here: what is too long goes on in the next line.
fn narrow(state: &State, width: u16) -> Vec<Line> {
    let room = usize::from(width).saturating_sub(4);
    let wrapped = |runs: &[Run]| wrap::wrap_runs(runs, room).into_iter().map(|line| words(indented(line)));
    let mut lines = vec![Line::Words {
        left: vec![Run::new("In another terminal:", "title")],
        right: key(state, Action::YankCommand, "yank"),
    }];
    lines.extend(wrapped(&code(command())));
    lines.push(Line::Words {
        left: vec![Run::new("Or by hand:", "title")],
        right: key(state, Action::YankSnippet, "yank"),
    });
    lines.extend(wrapped(&choices(state, Sdk::short)));
    for line in lines_to_copy(state).iter().filter(|line| !line.is_empty()) {
        for run in code(line) {
            let text = run.text.trim_start();
            if !text.is_empty() {
                lines.extend(wrapped(&[Run::new(text, run.slot)]));
            }
        }
    }
    let mut or = vec![Run::new("Or look around: ", "title")];
    or.extend(key(state, Action::Demo, "recorded runs"));
    lines.push(words(or));
    lines
}

fn indented(mut runs: Vec<Run>) -> Vec<Run> {
    runs.insert(0, Run::new("  ", "text"));
    runs
}

/// Whether SDKs find us by themselves.
fn about_ports(state: &State) -> &'static str {
    let listening = state.listening.as_deref().unwrap_or_default();
    let usual = [4317, 4318, 5388].iter().all(|port| listening.iter().any(|listening| listening.port == *port));
    if usual {
        "4317, 4318 and 5388 are where SDKs send by themselves: mostly you need no variable at all."
    } else {
        "Not all of the usual ports are ours: the lines above say which are."
    }
}
