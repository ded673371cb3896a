//! The last lines: the keys that do something here, and where one is.

use std::net::IpAddr;

use ratatui::layout::Rect;

use super::{header, pen::Pen, tree, widgets::strip::Strip};
use crate::{
    app::{Areas, Focus, Mode, Stage, State, format, stats::words, styled::Styled, target::Target, wrap},
    keymap::{Action, Context, Hint},
    model::{Rescue, RunState, StateCounts},
    slots::Slot,
};

/// A name in the breadcrumb is no wider.
const CRUMB: usize = 28;

/// `j/k move  h/l fold  …                                ? help  q quit`
pub fn hints(pen: &mut Pen, state: &State, line: Rect) {
    let mut strip = Strip::default();
    let mut rank = 2;
    let run = |hint: &Hint| {
        let word = if hint.does.is_empty() { String::new() } else { format!(" {}", hint.does) };
        let texts = [Styled::new(hint.keys.as_str(), Slot::StatusKey), Styled::new(word, Slot::Status)];
        texts.map(|styled| clickable(state, styled, hint.action)).to_vec()
    };
    let hints = state.hints();
    // From the right: what ends things, and what explains the rest.
    let lasting = |hint: &&Hint| matches!(hint.action, Action::Help | Action::Close);
    for hint in hints.iter().filter(lasting).rev() {
        // In a list what it is for comes before what explains it.
        let rank = if hint.action == Action::Help && !state.lists.is_empty() { 4 } else { 0 };
        strip.right(rank, run(hint));
    }
    for hint in hints.iter().filter(|hint| !lasting(hint)) {
        // The way back, and the demo for who only looks, are kept the longest.
        let kept = matches!(hint.action, Action::Back | Action::Demo);
        strip.left(if kept { 1 } else { rank }, run(hint));
        rank = rank.saturating_add(1);
    }
    strip.draw(pen, line);
}

/// A text that does what an action's first key does, where it is clicked on.
pub fn clickable(state: &State, styled: Styled, action: Action) -> Styled {
    match state.keymap.chords(action).first().and_then(|chord| chord.keys().first()) {
        Some(key) => styled.with_target(Target::Key(*key)),
        None => styled,
    }
}

/// `FOLLOW ▼  trip-planner › run 6 › turn 5                 19/41  db 38 MB  refused 0`
pub fn draw(pen: &mut Pen, state: &State, line: Rect, areas: &Areas) {
    let mut strip = Strip::default();
    if let Some(text) = standing(state) {
        strip.left(0, vec![Styled::new(wrap::cut(&wrap::clean_line(&text), line.width.into()), Slot::StatusError)]);
        strip.draw(pen, line);
        return;
    }
    let keys: Vec<String> = state.half.iter().chain(state.ahead.keys()).map(ToString::to_string).collect();
    if !keys.is_empty() {
        strip.left(0, vec![Styled::new(format!("{} …", keys.join(" ")), Slot::Accent)]);
    }
    if let Some(held) = &state.paused {
        let spans = if held.spans > 0 { format!("  {} spans came", format::count(held.spans)) } else { String::new() };
        strip.left(0, vec![Styled::new("PAUSED", Slot::HeaderPaused), Styled::new(spans, Slot::Status)]);
    } else if state.follows() && state.stage() == Stage::Browsing {
        // Where it is narrow the arrow says it.
        let text = if areas.bordered { "FOLLOW ▼" } else { "▼" };
        let follow = Styled::new(text, Slot::Running);
        // Where something is typed the key would be a letter of it.
        let has_keys = matches!(state.context(), Context::Tree | Context::Detail);
        strip.left(1, vec![if has_keys { clickable(state, follow, Action::Follow) } else { follow }]);
    }
    if let Some(notice) = &state.notice {
        strip.left(0, vec![Styled::new(wrap::cut(&wrap::clean_line(&notice.text), line.width.into()), Slot::Accent)]);
    } else if let Some(damage) = damage(state) {
        // What comes from the right gives way to it.
        let room = strip.room(line);
        strip.left(0, vec![Styled::new(wrap::cut(&damage, room), Slot::StatusError)]);
    } else {
        match state.stage() {
            Stage::Browsing if state.stats.is_open() => {
                let opens = state.stats.opens().map_or_else(String::new, |opens| format!("  {}", words::opens(&opens)));
                strip.left(1, vec![Styled::new("STATS", Slot::Status)]).left_cut(2, 10, Styled::new(opens, Slot::Dim));
            }
            Stage::Browsing => {
                if let Some(selected) = state.selected_words() {
                    strip.left(1, vec![Styled::new(selected, Slot::Accent)]);
                }
                if let Some(mark) = state.detail.mark() {
                    strip.left(1, vec![Styled::new(format!("A {}", mark.name), Slot::Accent)]);
                }
                if let Some(path) = state.json_path() {
                    let path = wrap::cut_middle(&wrap::clean_line(&path), usize::from(line.width) / 2);
                    strip.left(2, vec![Styled::new(path, Slot::Accent)]);
                }
                strip.path(2, 10, breadcrumb(state), Slot::Status);
            }
            Stage::FirstRun => {
                if areas.bordered {
                    let (_, word, _) = header::lamp(state);
                    strip.left(1, vec![Styled::new(word, Slot::HeaderWaiting)]);
                    strip.left(2, vec![Styled::new(reach(state), Slot::Status)]);
                } else {
                    // The header has no room for them, and says the rest.
                    strip.left(1, header::addresses(state, false));
                }
            }
            Stage::Opening => {}
        }
    }
    right(&mut strip, state, areas);
    strip.draw(pen, line);
}

/// Why nothing is stored, or soon will not be; `None` if all is.
fn standing(state: &State) -> Option<String> {
    let seen = &state.seen;
    if seen.rescue == Some(Rescue::Running) {
        return Some("✗ damaged file: what can be read is being put into a new one; senders try again".to_owned());
    }
    let failing = state.failing.as_ref().map(|why| format!("✗ nothing can be stored: {why}"));
    failing.or_else(|| seen.disk_full.as_ref().map(|left| format!("✗ the disk is nearly full: {left}; make room")))
}

/// What is wrong with a store that goes on with all else, in the place of where one is; `None` if nothing is.
fn damage(state: &State) -> Option<String> {
    match &state.seen.rescue {
        Some(Rescue::Failed(why) | Rescue::GivenUp(why)) => {
            Some(wrap::clean_line(&format!("✗ damaged file, not rescued: {why}")))
        }
        Some(Rescue::Running) | None => None,
    }
}

fn right(strip: &mut Strip, state: &State, areas: &Areas) {
    let refused = state.seen.refused;
    if areas.bordered || refused > 0 {
        let slot = if refused > 0 { Slot::Warning } else { Slot::Status };
        let rank = if refused > 0 { 1 } else { 5 };
        // Where there are several reasons the first-run screen and the log say which.
        let reason = match state.seen.refused_for.as_slice() {
            [(reason, _)] if areas.bordered => format!(": {reason}"),
            _ => String::new(),
        };
        strip.right(rank, vec![Styled::new(format!("refused {}{reason}", format::count(refused)), slot)]);
    }
    if let Some((done, of)) = state.seen.reprocessing {
        let percent = done.saturating_mul(100) / of.max(1);
        strip.right(2, vec![Styled::new(format!("reading anew {percent}%"), Slot::Running)]);
    }
    if let Some(overview) = state.overview.shown().filter(|_| areas.bordered) {
        let size = overview.size.map_or_else(|| "in memory".to_owned(), |size| format!("db {}", format::size(size)));
        strip.right(4, vec![Styled::new(size, Slot::Status)]);
    }
    // With a frame the tree's title says it.
    let news = tree::news(state).filter(|_| !areas.bordered && state.focus == Focus::Tree);
    if let Some(news) = news {
        strip.right(2, vec![Styled::new(news, Slot::Accent)]);
    }
    let rows = state.tree.length();
    if state.stage() == Stage::Browsing && (rows > 0 || state.stats.is_open()) {
        let (at, of) = if state.stats.is_open() {
            let panel = state.stats.panel();
            (state.stats.scroll(panel).cursor, state.stats.places(panel).len() as u64)
        } else if areas.bordered || state.focus == Focus::Tree {
            (state.tree.scroll().cursor, rows)
        } else {
            (state.detail.scroll().cursor, state.detail.document().len() as u64)
        };
        let (at, of) = (format::exact((at as u64 + 1).min(of)), format::exact(of));
        // As wide at the first row as at the last.
        strip.right(3, vec![Styled::new(format!("{at:>0$}/{of}", wrap::width(&of)), Slot::Status)]);
    }
}

/// Where the listeners can be reached from.
fn reach(state: &State) -> String {
    let mut hosts: Vec<&str> = Vec::new();
    for listening in state.listening.as_deref().unwrap_or_default() {
        if !hosts.contains(&listening.address.as_str()) {
            hosts.push(&listening.address);
        }
    }
    let is_open = |host: &&str| host.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback());
    match hosts.as_slice() {
        _ if state.mode == Mode::Attached => "what another sideseat-tui receives and stores is shown".to_owned(),
        hosts if hosts.iter().any(is_open) => {
            format!("other machines reach {} with the token", hosts.join(", "))
        }
        [] => "nothing leaves this machine".to_owned(),
        hosts => format!("nothing leaves this machine · bound to {} only", hosts.join(", ")),
    }
}

/// `trip-planner › run 6 › turn 5`
fn breadcrumb(state: &State) -> Vec<(String, Target)> {
    let path = state.tree.path();
    let above = (0..path.len()).rev();
    let named = path.into_iter().zip(above).filter_map(|(row, above)| Some((tree::short_name(state, row)?, above)));
    named.map(|(name, above)| (wrap::cut_middle(&name, CRUMB), Target::Above(above))).collect()
}

/// `✓ 9  ! 2  ✗ 1  ● 1   tools 41 (4✗)`: what there is, at the foot of the tree.
pub fn tally(state: &State, width: u16) -> Vec<Styled> {
    let Some(overview) = state.overview.shown() else { return Vec::new() };
    let StateCounts { done, recovered, failed, never_ended, running, until: _ } =
        state.run_counts().unwrap_or_default();
    let mut texts = Vec::new();
    for (run_state, count, term) in [
        (RunState::Done, done, "is:ok"),
        (RunState::Recovered, recovered, "is:recovered"),
        (RunState::Failed, failed, "is:failed"),
        (RunState::NeverEnded, never_ended, "is:never-ended"),
        (RunState::Running, running, "is:running"),
    ] {
        let (mark, slot) = tree::mark(run_state);
        if count > 0 {
            let gap = if texts.is_empty() { "" } else { "  " };
            texts.push(Styled::new(gap, Slot::Dim));
            let target = Target::Filter(term);
            texts.push(Styled::new(mark, slot).with_target(target));
            texts.push(Styled::new(format!(" {}", format::count(count)), Slot::Dim).with_target(target));
        }
    }
    let totals = &overview.totals;
    if totals.tool_calls > 0 {
        let failed = match totals.failed_tools {
            0 => String::new(),
            failed => format!(" ({}✗)", format::count(failed)),
        };
        let tools = Styled::new(format!("   tools {}{failed}", format::count(totals.tool_calls)), Slot::Dim);
        if wrap::styled_width(&texts) + wrap::width(&tools.text) + 6 <= usize::from(width) {
            texts.push(tools);
        }
    }
    texts
}
