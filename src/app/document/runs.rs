//! The runs of a session, one after another: each pane puts the same heading above what it shows of one.

use super::build::Builder;
use crate::app::styled::Styled;
use crate::app::{format, step, wrap};
use crate::model::{AssembledTrace, Detail, ModelCall, NodeState, RunState, SessionFacts, StateCounts};
use crate::slots::Slot;

/// A pane of so many columns has room for the day on which a run began.
pub const ROOMY: usize = 60;

/// The traces of an answer, numbered as the tree numbers them where they are those of a session.
pub fn numbered(detail: &Detail) -> impl Iterator<Item = (&AssembledTrace, Option<u64>)> {
    let several = detail.traces.len() > 1 || detail.left_out > 0;
    let numbers = detail.left_out + 1..;
    detail.traces.iter().map(AsRef::as_ref).zip(numbers.map(move |number| Some(number).filter(|_| several)))
}

/// `━━ trip-planner ──────── 12 runs · ✗ 2 · ● 1`, and beneath it the users and the models of a session: above its runs,
/// where there are several.
pub fn session(to: &mut Builder, facts: &SessionFacts) {
    let StateCounts { running, never_ended, failed, .. } = facts.states;
    let all = facts.states.all();
    let mut right =
        vec![Styled::new(format!(" {} {}", format::count(all), if all == 1 { "run" } else { "runs" }), Slot::Dim)];
    for (state, number) in
        [(RunState::Failed, failed), (RunState::NeverEnded, never_ended), (RunState::Running, running)]
    {
        let (mark, slot) = step::mark(state);
        if number > 0 {
            right.extend([
                Styled::new(" · ", Slot::Dim),
                Styled::new(format!("{mark} {}", format::count(number)), slot),
            ]);
        }
    }
    right.push(Styled::new(" ", Slot::Dim));
    let name = wrap::clean_line(facts.session.as_str());
    to.rule(vec![Styled::new(format!("━━ {name} "), Slot::Title)], right, Slot::Dim);
    let mut models: Vec<String> = facts.models.iter().map(|model| wrap::clean_line(format::model(model))).collect();
    models.dedup();
    for (what, names) in [("user", users(&facts.users)), ("model", models)] {
        if names.is_empty() {
            continue;
        }
        let what = if names.len() == 1 { what.to_owned() } else { format!("{} {what}s", names.len()) };
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        to.wrapped(
            2,
            2,
            &[
                Styled::new(format!("{what}  "), Slot::Dim),
                Styled::new(named, Slot::Text),
                Styled::new(more, Slot::Dim),
            ],
        );
    }
}

/// Users and models of a session that are named.
const NAMED: usize = 6;

fn users(users: &[String]) -> Vec<String> {
    users.iter().map(|user| wrap::clean_line(user)).collect()
}

/// How many runs of a session are left out of its answer; nothing where none is.
pub fn left_out(to: &mut Builder, detail: &Detail) {
    if detail.left_out > 0 {
        let left_out = format!("{} earlier runs of this session are not shown here", detail.left_out);
        to.wrapped(0, 0, &[Styled::new(left_out, Slot::Dim)]);
    }
}

/// `━━ run 2 what about day two? ── 2026-11-03 17:42:09 · 1a2b3c4d`: nothing above a run that is alone.
pub fn heading(to: &mut Builder, trace: &AssembledTrace, number: Option<u64>) {
    to.blank();
    if let Some(number) = number {
        // In a narrow pane what was asked is worth more than the day.
        let began = if to.width < ROOMY { to.zone.clock(trace.started) } else { when(to, trace) };
        to.rule(
            vec![Styled::new(format!("━━ run {number} {} ", name(trace)), Slot::Title)],
            vec![Styled::new(format!(" {began}"), Slot::Dim)],
            Slot::Dim,
        );
    }
}

/// `━━ trip-planner ──────────── 2026-11-03 17:42:09 · 1a2b3c4d`: above a run that is alone, where there is room.
pub fn heading_alone(to: &mut Builder, trace: &AssembledTrace) {
    if to.width < ROOMY {
        return;
    }
    // An instrumentation's name for a lone call of a model says what the turn beneath it says.
    let root = trace.tree.nodes.first().filter(|node| !node.category.is_call() && node.state != NodeState::Missing);
    let name = root.and(trace.name.as_deref()).map_or_else(|| "run".to_owned(), wrap::clean_line);
    let name = name.strip_prefix("invoke_agent ").unwrap_or(&name);
    let when = when(to, trace);
    to.rule(
        vec![Styled::new(format!("━━ {name} "), Slot::Title)],
        vec![Styled::new(format!(" {when} "), Slot::Dim)],
        Slot::Dim,
    );
}

/// `2026-11-03 17:42:09 · 1a2b3c4d`: when a run began, and the beginning of its trace id.
pub fn when(to: &Builder, trace: &AssembledTrace) -> String {
    format!("{} · {:.8}", to.zone.date(trace.started), trace.trace.to_string())
}

/// `turn 2`; what takes none is called by its kind.
pub fn turn(turn: Option<usize>, call: &ModelCall) -> String {
    turn.map_or_else(|| call.category.as_str().to_owned(), |turn| format!("turn {turn}"))
}

/// What a run is called, as in the tree: what the user asked in it, else its root's name.
pub fn name(trace: &AssembledTrace) -> String {
    let question = trace.question.as_deref().filter(|question| !question.trim().is_empty());
    question.or(trace.name.as_deref()).map_or_else(|| trace.trace.to_string(), wrap::clean_line)
}
