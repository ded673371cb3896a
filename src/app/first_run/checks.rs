//! What the listeners and the store have really seen, and what else keeps a store empty.

use super::{Line, blank, listening, words};
use crate::app::{event::Listening, format, state::State, styled::Styled, wrap};
use crate::slots::Slot;

/// So many of the last refusals are shown.
const REFUSALS: usize = 2;

/// How wide a mark is, and what a finding is about, where there is room for all in one line, and where there is less.
const MARK: usize = 4;
const ABOUT: [usize; 2] = [16, 13];

/// What is written in a short line, and how it goes on in a long one.
const SHORT_SCRIPT: [&str; 2] =
    ["call force_flush() or shutdown() before it exits", ", or the last batch never leaves"];
const CONTENT: [&str; 2] =
    ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true", " sends text; it is off by default"];

/// One finding: a mark, what it is about, what was found.
struct Check {
    mark: Mark,
    about: &'static str,
    found: String,
}

#[derive(Clone, Copy)]
enum Mark {
    Good,
    Bad,
    Nothing,
    Hint,
}

/// The findings as lines; `beside`: what was found stands beside what it is about, else beneath.
pub fn lines(state: &State, room: usize, wide: bool, beside: bool) -> Vec<Line> {
    let mut lines = vec![words(vec![Styled::new(if wide { "STILL EMPTY?" } else { "Still empty?" }, Slot::Title)])];
    for check in checks(state, wide) {
        let (mark, slot) = match check.mark {
            Mark::Good => ("ok", Slot::Ok),
            Mark::Bad => ("!!", Slot::Warning),
            Mark::Nothing => ("..", Slot::Dim),
            Mark::Hint => ("--", Slot::Dim),
        };
        let found_slot = if matches!(check.mark, Mark::Bad) { Slot::Warning } else { Slot::Dim };
        let about = ABOUT[usize::from(!wide)];
        let mut head = vec![Styled::new(format!("{mark:<MARK$}"), slot), Styled::new(check.about, Slot::Text)];
        let hang = if beside { MARK + about } else { MARK };
        let mut found = wrap::wrap(&wrap::clean_line(&check.found), room.saturating_sub(hang)).into_iter();
        if beside {
            head[1].text = format!("{:<about$}", check.about);
            head.extend(found.next().map(|line| Styled::new(line, found_slot)));
        }
        lines.push(words(head));
        let beneath =
            |line: String| words(vec![Styled::new(" ".repeat(hang), Slot::Text), Styled::new(line, found_slot)]);
        lines.extend(found.map(beneath));
    }
    if wide {
        lines.push(blank());
    }
    lines
}

fn checks(state: &State, wide: bool) -> Vec<Check> {
    let check = |mark, about, found: String| Check { mark, about, found };
    let mut checks = Vec::new();
    match state.listening.as_deref() {
        None => checks.push(check(Mark::Nothing, "listeners", "being opened".to_owned())),
        Some([]) => checks.push(check(Mark::Bad, "listeners", "none is open; nothing can arrive".to_owned())),
        Some(listening) => checks.extend(listeners(state, listening, wide)),
    }
    let seen = &state.seen;
    if let Some(why) = &state.failing {
        checks.push(check(Mark::Bad, "store", why.clone()));
    }
    if let Some(rescue) = &seen.rescue {
        checks.push(check(Mark::Bad, "file", rescue.says()));
    }
    // The newest are last.
    for refusal in seen.refusals.iter().rev().take(if wide { REFUSALS } else { 1 }) {
        checks.push(check(Mark::Bad, "refused", refusal.clone()));
    }
    if seen.refused_for.len() > 1 {
        let reasons = seen.refused_for.iter().map(|(reason, times)| format!("{} {reason}", format::count(*times)));
        checks.push(check(Mark::Bad, "in all", reasons.collect::<Vec<_>>().join(", ")));
    }
    if seen.refusals.is_empty() {
        checks.push(check(Mark::Nothing, "refused", "nothing yet; whatever is not OTLP is named here".to_owned()));
    }
    if seen.metric_points > 0 && seen.spans == 0 {
        checks.push(check(Mark::Bad, "only metrics", "came so far; traces must be exported too".to_owned()));
    }
    checks.push(check(Mark::Good, "database", format!("{}  0 runs", state.db)));
    let more = |[found, more]: [&str; 2]| format!("{found}{}", if wide { more } else { "" });
    checks.push(check(Mark::Hint, "short script", more(SHORT_SCRIPT)));
    checks.extend(port_of_http(state).map(|port| {
        let found = format!("--network host; Docker Desktop: host.docker.internal:{port}");
        check(Mark::Hint, "in Docker", found)
    }));
    checks.push(check(Mark::Hint, "no messages", more(CONTENT)));
    checks
}

/// Where a program in a container sends; `None` where HTTP is not served.
fn port_of_http(state: &State) -> Option<u16> {
    let http = listening(state).iter().find(|listening| listening.what.eq_ignore_ascii_case("http"));
    http.map(|listening| listening.port)
}

/// A line for gRPC and one for HTTP, or both in one; then what is unusual about any of them.
fn listeners(state: &State, listening: &[Listening], wide: bool) -> Vec<Check> {
    let is_grpc = |listening: &&Listening| listening.what.eq_ignore_ascii_case("grpc");
    let (grpc, http): (Vec<&Listening>, Vec<&Listening>) = listening.iter().partition(is_grpc);
    let connections = |which: &[&Listening]| -> u64 {
        let of = |name: &str| which.iter().any(|listening| listening.what.eq_ignore_ascii_case(name));
        state.seen.connections.iter().filter(|(name, _)| of(name)).map(|(_, count)| count).sum()
    };
    let arrived = |which: &[&Listening]| {
        let count = connections(which);
        format!("{} {}", format::exact(count), if count == 1 { "connection" } else { "connections" })
    };
    let exports = state.seen.exports;
    let mut checks = Vec::new();
    if wide {
        for (about, which) in [("gRPC listener", &grpc), ("HTTP listeners", &http)] {
            if !which.is_empty() {
                let found = format!("{}  {}", addresses(which), arrived(which));
                checks.push(Check { mark: Mark::Good, about, found });
            }
        }
        checks.push(match exports {
            0 => Check { mark: Mark::Nothing, about: "exports", found: "none yet".to_owned() },
            some => Check { mark: Mark::Good, about: "exports", found: format!("{} taken", format::exact(some)) },
        });
    } else {
        let all: Vec<&Listening> = listening.iter().collect();
        let (grpc, http, exports) = (ports(&grpc), ports(&http), format::exact(exports));
        let found = format!("gRPC {grpc}  HTTP {http}   {}, {exports} exports", arrived(&all));
        checks.push(Check { mark: Mark::Good, about: "listening", found });
    }
    let mut notes: Vec<String> = Vec::new();
    for listening in listening {
        // A port on both loopbacks has one note.
        let Listening { what, port, note, .. } = listening;
        let note = note.as_ref().map(|note| format!("{note}; {what} is at {port}"));
        notes.extend(note.filter(|note| !notes.contains(note)));
    }
    checks.extend(notes.into_iter().map(|found| Check { mark: Mark::Bad, about: "port", found }));
    checks
}

/// `127.0.0.1:4318 5388`
fn addresses(which: &[&Listening]) -> String {
    let mut hosts: Vec<&str> = Vec::new();
    for listening in which {
        if !hosts.contains(&listening.address.as_str()) {
            hosts.push(&listening.address);
        }
    }
    format!("{}:{}", hosts.join(", "), ports(which))
}

fn ports(which: &[&Listening]) -> String {
    let mut ports: Vec<u16> = which.iter().map(|listening| listening.port).collect();
    ports.dedup();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        return "off".to_owned();
    }
    ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
