//! How a run ended, and why one shows no conversation.

use super::super::build::Builder;
use crate::app::{format, styled::Styled, waiting, wrap};
use crate::model::{AssembledTrace, LimitReached, NodeState, RunState, Timestamp};
use crate::slots::Slot;

/// `── end of run 6 · 45.8s · 118k tokens · $.272`
pub fn end(to: &mut Builder, trace: &AssembledTrace, number: Option<u64>) {
    if to.is_first() || trace.calls.is_empty() {
        return generic(to, trace, number);
    }
    to.blank();
    let run = number.map_or_else(|| "run".to_owned(), |number| format!("run {number}"));
    // A complete run is the same at any moment.
    let now = if trace.waits.is_some() { to.now() } else { Timestamp::default() };
    let quiet = || format!("last span {} ago", format::whole_seconds(now.since(trace.last_seen)));
    let (head, took) = match trace.run_state(now) {
        RunState::Running => return going_on(to, trace, number, now, &quiet()),
        RunState::NeverEnded => (format!("── {run} never ended · {}", quiet()), None),
        RunState::Failed | RunState::Recovered | RunState::Done => {
            let ended = trace.ended.unwrap_or(trace.last_seen);
            (format!("── end of {run}"), Some(format::duration(ended.since(trace.started))))
        }
    };
    let (head, none) = (Some(head), None);
    let tokens = trace.totals.usage.total().map(|total| format!("{} tokens", format::count(total)));
    let totals = &trace.totals;
    let is_part = totals.priced > 0 && (totals.unpriced == 0 || totals.cost.0 > 0);
    let cost = is_part.then(|| format::money(totals.cost));
    let lacking = trace.calls.iter().filter(|call| call.lacks_price()).count() as u64;
    let broke_off = trace.calls.iter().any(|call| call.broke_off);
    // Where no call has tokens there is nothing to say of their cost.
    let unpriced = match totals.unpriced {
        0 => None,
        unpriced if lacking > 0 || broke_off || totals.priced > 0 => Some(format::unknown_costs(unpriced, lacking)),
        _ => None,
    };
    let forms = [
        [&head, &took, &tokens, &cost, &unpriced],
        [&head, &took, &none, &cost, &unpriced],
        [&head, &none, &none, &cost, &unpriced],
    ];
    let text = to.fitting(forms.map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · ")));
    to.rule(vec![Styled::new(format!("{text} "), Slot::Dim)], vec![], Slot::Dim);
    limits(to, trace);
}

/// `── running · 1m07 · last span 4s ago · waiting for search_logs 3s`
fn going_on(to: &mut Builder, trace: &AssembledTrace, number: Option<u64>, now: Timestamp, quiet: &str) {
    let run = number.map_or_else(String::new, |number| format!("run {number} "));
    let head = format!("── {run}running");
    let clock = format::whole_seconds(now.since(trace.started));
    let waiting = waiting::of(trace).map(|waiting| {
        let name = wrap::cut_middle(&waiting.name, WAITING);
        format!("waiting for {name} {}", format::whole_seconds(now.since(waiting.since)))
    });
    let (head, clock, quiet, none) = (Some(head), Some(clock), Some(quiet.to_owned()), None);
    let forms = [[&head, &clock, &quiet, &waiting], [&head, &clock, &none, &waiting], [&head, &clock, &none, &none]];
    let text = to.fitting(forms.map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · ")));
    to.rule(vec![Styled::new(format!("{text} "), Slot::Running)], vec![], Slot::Dim);
    limits(to, trace);
}

/// Columns of the name of what a run waits for.
const WAITING: usize = 24;

/// What was left out because a limit bounds how much is compared: what is shown must not be taken for all there is.
fn limits(to: &mut Builder, trace: &AssembledTrace) {
    for LimitReached { lost, times } in &trace.limits {
        let times = if *times == 1 { String::new() } else { format!(" ({} times)", format::count(*times)) };
        to.wrapped(0, 0, &[Styled::new(format!("compared in part: {lost}{times}"), Slot::Warning)]);
    }
}

/// A trace in which no call of a model was recorded.
fn generic(to: &mut Builder, trace: &AssembledTrace, number: Option<u64>) {
    if trace.only_wrapper_spans || !trace.calls.is_empty() {
        return;
    }
    to.blank();
    to.wrapped(2, 0, &[Styled::new("No model call was recorded in this run.", Slot::Dim)]);
    if trace.conversations.iter().any(|conversation| !conversation.messages.is_empty()) {
        return;
    }
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    // A span that others name as their parent and that has not arrived is not counted.
    for node in trace.tree.nodes.iter().filter(|node| node.state != NodeState::Missing) {
        let kind = match node.category.as_str() {
            "span" => "other",
            kind => kind,
        };
        match kinds.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let all: usize = kinds.iter().map(|(_, count)| count).sum();
    let spans = if all == 1 { "span" } else { "spans" };
    // Where no span is of a kind that has a name, they are only counted.
    let kinds = match kinds.as_slice() {
        [] | [("other", _)] => String::new(),
        kinds => {
            let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            format!(": {}", kinds.join(", "))
        }
    };
    // In a session the cursor is on none of its spans.
    let raw = if number.is_none() { " The Raw tab shows the one under the cursor." } else { "" };
    to.wrapped(2, 0, &[Styled::new(format!("It has {all} {spans}{kinds}.{raw}"), Slot::Dim)]);
}

/// Plain `sideseat` was installed, not `sideseat[aws]`.
pub fn explain_roots(to: &mut Builder) {
    let what = "Only client.trace() roots arrived: no model call is in this run.";
    to.wrapped(0, 0, &[Styled::new(what, Slot::Warning)]);
    to.blank();
    let why = "Plain `sideseat` does not instrument Amazon Bedrock. \
               Install its extra in the program's environment, then run it again:";
    to.wrapped(0, 0, &[Styled::new(why, Slot::Text)]);
    to.line(vec![Styled::new("  pip install 'sideseat[aws]'", Slot::FirstRunCommand)]);
    to.blank();
}
