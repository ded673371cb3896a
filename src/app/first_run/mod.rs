//! The screen of an empty store: what to do first, and what has been seen so far.
//!
//! ```text
//!   snippet   what to copy        checks    what was seen
//! ```

mod checks;
mod snippet;

use ratatui::layout::{Margin, Rect};

use super::{areas::Areas, event::Listening, state::State, styled::Styled, wrap};
use crate::keymap::Action;
use crate::slots::Slot;

use super::sdk::Sdk;
pub use snippet::{command, snippet};

/// From here on there is room for boxes around what is to be copied.
const WIDE: u16 = 108;
/// What to do has at least so many lines; where that leaves too few for what was seen, both scroll together.
const LEAST: usize = 10;
/// What goes on in another line stands in by so much.
const HANG: usize = 4;

/// The slot of what a newcomer must not miss.
const TRAP: Slot = Slot::Warning;

/// One line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// What stands at the right is a key.
    Words {
        left: Vec<Styled>,
        right: Vec<Styled>,
    },
    Rule,
    /// The upper or the lower edge of a box.
    Edge {
        upper: bool,
    },
    Boxed {
        left: Vec<Styled>,
        right: Vec<Styled>,
    },
}

/// The screen, laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What to do, and where it is seen; it scrolls.
    pub todo: Vec<Line>,
    pub window: Rect,
    /// How many lines of it are scrolled away.
    pub top: usize,
    /// What was seen stays beneath; empty where it scrolls too.
    pub seen: Vec<Line>,
    /// Free columns at the left and the right of a line.
    pub margin: u16,
}

impl Page {
    /// The last line that may be scrolled to the top.
    #[must_use]
    pub fn last_top(&self) -> usize {
        self.todo.len().saturating_sub(self.window.height.into())
    }
}

/// Whether the screen is longer than its window.
#[must_use]
pub fn scrolls(state: &State) -> bool {
    state.areas().is_some_and(|areas| page(state, &areas).last_top() > 0)
}

/// Lays the screen out.
#[must_use]
pub fn page(state: &State, areas: &Areas) -> Page {
    let inner = if areas.bordered { areas.body.inner(Margin::new(1, 1)) } else { areas.body };
    let fits = |seen: &[Line]| areas.bordered && usize::from(inner.height) > seen.len() + LEAST;
    let lay = |wide: bool| {
        let margin = if wide { 3 } else { 1 };
        let room = usize::from(inner.width.saturating_sub(2 * margin));
        let todo = if wide { boxed(state, room) } else { plain(state, room, areas.bordered) };
        (margin, todo, checks::lines(state, room, wide, areas.bordered))
    };
    let wide = areas.bordered && inner.width >= WIDE;
    let (mut margin, mut todo, mut seen) = lay(wide);
    if wide && !fits(&seen) {
        // What was refused is to be seen also on a low screen: it has no room for boxes.
        (margin, todo, seen) = lay(false);
    }
    let mut window = inner;
    if fits(&seen) {
        window.height -= u16::try_from(seen.len() + 1).unwrap_or(inner.height);
    } else {
        todo.push(Line::Rule);
        todo.append(&mut seen);
    }
    let mut page = Page { todo, window, top: 0, seen, margin };
    page.top = state.first_run_top.min(page.last_top());
    page
}

fn words(left: Vec<Styled>) -> Line {
    Line::Words { left, right: Vec::new() }
}

fn dim(text: &str) -> Line {
    words(vec![Styled::new(text, Slot::Dim)])
}

fn blank() -> Line {
    words(Vec::new())
}

/// `EASIEST   leave this open …`
fn headed(head: &str, text: &str) -> Vec<Styled> {
    vec![Styled::new(format!("{head:<10}"), Slot::Title), Styled::new(text, Slot::Text)]
}

/// `[y] yank`; nothing where no key does it.
fn key(state: &State, action: Action, does: &str) -> Vec<Styled> {
    let label = state.keymap.label(action);
    if label.is_empty() {
        return Vec::new();
    }
    vec![Styled::new(format!("[{label}]"), Slot::StatusKey), Styled::new(format!(" {does}"), Slot::Dim)]
}

fn listening(state: &State) -> &[Listening] {
    state.listening.as_deref().unwrap_or_default()
}

/// Code, and behind it a comment; the one that says the trap stands out.
fn code(line: &str) -> [Styled; 2] {
    let comment = if line.starts_with('#') { Some(0) } else { line.find("   #") };
    let (code, comment) = line.split_at(comment.unwrap_or(line.len()));
    let slot = if code.contains("sideseat[aws]") { TRAP } else { Slot::Dim };
    [Styled::new(code, Slot::FirstRunCommand), Styled::new(comment, slot)]
}

/// The lines to copy, none of them cut: a comment that has no room stands before its line, long code goes on below.
///
/// With the first code stands the key that copies it all.
fn to_copy(state: &State, room: usize) -> Vec<(Vec<Styled>, Vec<Styled>)> {
    let mut lines: Vec<(Vec<Styled>, Vec<Styled>)> = Vec::new();
    let mut yank = key(state, Action::YankSnippet, "yank");
    let mut put = |wrapped: Vec<Vec<Styled>>, mut key: Vec<Styled>| {
        lines.extend(wrapped.into_iter().map(|line| (line, std::mem::take(&mut key))));
    };
    for line in snippet(state.sdk, listening(state), state.seen.needs_token) {
        let key = std::mem::take(&mut yank);
        let beside = if key.is_empty() { room } else { room.saturating_sub(wrap::styled_width(&key) + 2) };
        let [code, comment] = code(&line);
        if wrap::width(&line) <= beside {
            put(vec![vec![code, comment]], key);
            continue;
        }
        if !comment.text.is_empty() {
            put(hanging(&Styled::new(comment.text.trim_start(), comment.slot), room), Vec::new());
        }
        put(hanging(&code, beside), key);
    }
    lines
}

/// A text over several lines, all but the first standing in.
fn hanging(styled: &Styled, room: usize) -> Vec<Vec<Styled>> {
    let mut lines = wrap::wrap_styled(std::slice::from_ref(styled), room);
    if lines.len() > 1 {
        // What is left of the first is wrapped again: there is less room for it.
        let first = lines.remove(0);
        let rest: String = lines.into_iter().flatten().map(|styled| styled.text).collect();
        lines = wrap::wrap_styled(&[Styled::new(rest, styled.slot)], room.saturating_sub(HANG));
        for line in &mut lines {
            line.insert(0, Styled::new(" ".repeat(HANG), Slot::Text));
        }
        lines.insert(0, first);
    }
    lines
}

/// `[1 SideSeat, Bedrock]  2 Strands  …`
fn choices(state: &State, name: fn(Sdk) -> &'static str) -> Vec<Styled> {
    let mut texts = Vec::new();
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
            texts.push(Styled::new(format!("[{key} {name}]"), Slot::TabActive));
        } else {
            texts.push(Styled::new(format!(" {key} "), Slot::StatusKey));
            texts.push(Styled::new(format!("{name} "), Slot::Tab));
        }
    }
    texts
}

/// With boxes around what is to be copied.
fn boxed(state: &State, room: usize) -> Vec<Line> {
    let command = vec![Styled::new(command(), Slot::FirstRunCommand)];
    let easiest = headed("EASIEST", "leave this open, and in another terminal put this in front of your command:");
    let mut lines = vec![
        blank(),
        words(easiest),
        Line::Edge { upper: true },
        Line::Boxed { left: command, right: key(state, Action::YankCommand, "yank") },
        Line::Edge { upper: false },
        dim(
            "It sets the variables below for that process only, streams here, and exits with your program's exit code.",
        ),
        blank(),
    ];
    let demo = key(state, Action::Demo, "play a few recorded runs; nothing is kept");
    let test = gapped(key(state, Action::TestSpan, "send one test span"));
    lines.push(words(headed("OR", "look around first:  ").into_iter().chain(demo).chain(test).collect()));
    lines.push(blank());
    let or = headed("OR", "point your SDK here:  ").into_iter().chain(choices(state, Sdk::title));
    lines.push(words(or.collect()));
    lines.push(Line::Edge { upper: true });
    // A box takes its edges and a column beside each.
    lines.extend(to_copy(state, room.saturating_sub(4)).into_iter().map(|(left, right)| Line::Boxed { left, right }));
    lines.push(Line::Edge { upper: false });
    lines.push(dim(about_ports(state)));
    lines
}

/// Without boxes; `titled`: there is room for whole titles. Nothing is cut: what is too long goes on in the next line.
fn plain(state: &State, room: usize, titled: bool) -> Vec<Line> {
    let title = |long: &str, short: &str| vec![Styled::new(if titled { long } else { short }, Slot::Title)];
    let mut lines = vec![Line::Words {
        left: title("Easiest, in another terminal:", "In another terminal:"),
        right: key(state, Action::YankCommand, "yank"),
    }];
    let inner = room.saturating_sub(2);
    lines.extend(
        hanging(&Styled::new(command(), Slot::FirstRunCommand), inner).into_iter().map(|line| words(indented(line))),
    );
    let demo = key(state, Action::Demo, if titled { "play a few recorded runs" } else { "recorded runs" });
    let test = key(state, Action::TestSpan, "send one test span");
    let mut around = title("Or look around first: ", "Or look around: ");
    around.extend(demo);
    if titled {
        around.extend(gapped(test));
        lines.push(words(around));
    } else {
        lines.push(words(around));
        lines.push(words(title("", "Or test it: ").into_iter().chain(test).collect()));
    }
    let choices = choices(state, Sdk::short);
    if titled {
        lines.push(blank());
        lines.push(words(title("Or set this yourself ", "").into_iter().chain(choices).collect()));
    } else {
        lines.push(words(title("", "Or by hand:")));
        lines.extend(wrap::wrap_styled(&choices, inner).into_iter().map(|line| words(indented(line))));
    }
    let copied = to_copy(state, inner).into_iter().filter(|(left, _)| wrap::styled_width(left) > 0);
    lines.extend(copied.map(|(left, right)| Line::Words { left: indented(left), right }));
    lines
}

fn indented(mut texts: Vec<Styled>) -> Vec<Styled> {
    texts.insert(0, Styled::new("  ", Slot::Text));
    texts
}

/// The same, apart from what stands before it.
fn gapped(mut texts: Vec<Styled>) -> Vec<Styled> {
    if !texts.is_empty() {
        texts.insert(0, Styled::new("   ", Slot::Text));
    }
    texts
}

/// Whether SDKs find us by themselves.
fn about_ports(state: &State) -> &'static str {
    let open = |port: u16| listening(state).iter().any(|listening| listening.port == port);
    match state.sdk {
        Sdk::Sideseat if open(5388) => "5388 is where the SideSeat SDK sends by itself: it needs no address.",
        Sdk::Strands | Sdk::Langgraph | Sdk::Openai | Sdk::Other if open(4317) && open(4318) => {
            "4317 and 4318 are where OpenTelemetry sends by itself; the endpoint is for programs told otherwise."
        }
        _ => "Not all of the usual ports are ours: the lines above say which are.",
    }
}
