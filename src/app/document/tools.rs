//! The Tools pane: what each tool was called with, what it gave, how long it took; what was offered and never called.

use std::{collections::HashMap, time::Duration};

use super::build::Builder;
use super::ordinals::{Ordinal, ordinals};
use super::{Anchor, Document, Folds, Run, json, parts, runs};
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Content, Detail, Part, ToolDefinition, ToolRun, ToolStatus, TraceId};
use crate::slots::Slot;

/// Up to this many runs are open from the start.
const FEW: usize = 3;

/// A pane of so many columns has room for when a tool was called.
const ROOMY: usize = 60;

#[must_use]
pub fn tools(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let traces = runs::each(&mut to, detail);
    let elsewhere = elsewhere(detail);
    let tellers: HashMap<Place, TraceId> = elsewhere.iter().map(|((told, _), ran)| (*ran, *told)).collect();
    let mut called: Vec<Called> = Vec::new();
    for (trace, number) in &traces {
        for (index, (run, ordinal)) in trace.tools.iter().zip(ordinals(trace)).enumerate() {
            let place = (trace.trace, index);
            if !elsewhere.contains_key(&place) {
                let teller = tellers.get(&place);
                let asked_in = traces.iter().find(|(trace, _)| Some(&trace.trace) == teller).and_then(|found| found.1);
                called.push(Called { trace, number: *number, name: name(trace, run), run, index, ordinal, asked_in });
            }
        }
    }
    let here = if traces.len() > 1 { "in these runs" } else { "in this run" };
    if called.is_empty() {
        to.line(vec![Run::new(format!("No tool was called {here}."), Slot::Dim)]);
    } else {
        table(&mut to, &called);
        to.blank();
        let open = called.len() <= FEW;
        let mut before = None;
        for called in &called {
            if before.replace(called.trace.trace) != Some(called.trace.trace) {
                runs::heading(&mut to, called.trace, called.number);
            }
            one(&mut to, called, open);
        }
    }
    definitions(&mut to, detail, &called, here);
    to.done()
}

/// The tool runs of a session, each once.
pub fn called(detail: &Detail) -> impl Iterator<Item = &ToolRun> {
    let elsewhere = elsewhere(detail);
    let runs = detail
        .traces
        .iter()
        .flat_map(|trace| trace.tools.iter().enumerate().map(move |(index, run)| ((trace.trace, index), run)));
    runs.filter(move |(place, _)| !elsewhere.contains_key(place)).map(|(_, run)| run)
}

/// One run of a tool: its trace, that trace's number where there are several, its place among the trace's runs.
struct Called<'a> {
    trace: &'a AssembledTrace,
    number: Option<u64>,
    name: String,
    run: &'a ToolRun,
    index: usize,
    ordinal: Ordinal,
    /// The number of the run that asked for it, where that is another one.
    asked_in: Option<u64>,
}

/// A trace, and a place among its tool runs.
type Place = (TraceId, usize);

/// Tool runs that another trace of the session holds as well: one tells of the call, the other has the span in which it
/// ran. Each one that only tells, with the one that ran.
fn elsewhere(detail: &Detail) -> HashMap<Place, Place> {
    let mut runs: HashMap<(&str, &str), Vec<(Place, bool)>> = HashMap::new();
    for trace in &detail.traces {
        for (index, run) in trace.tools.iter().enumerate() {
            if let Some(id) = run.call_id.as_deref() {
                runs.entry((id, &run.name)).or_default().push(((trace.trace, index), run.span.is_some()));
            }
        }
    }
    // An id that comes more than twice is that of a counter that began anew.
    let pairs = runs.into_values().filter_map(|same| match same.as_slice() {
        [(told, false), (ran, true)] | [(ran, true), (told, false)] if told.0 != ran.0 => Some((*told, *ran)),
        _ => None,
    });
    pairs.collect()
}

/// A row a tool: calls, errors, median and slowest, distinct arguments.
fn table(to: &mut Builder, called: &[Called]) {
    /// Columns of the numbers behind a name, and of the last one of them.
    const NUMBERS: usize = 26;
    const DISTINCT: usize = 15;

    let mut names: Vec<&str> = Vec::new();
    for run in called {
        if !names.contains(&run.name.as_str()) {
            names.push(&run.name);
        }
    }
    let widest = names.iter().map(|name| wrap::width(name)).max().unwrap_or(4).clamp(4, 28);
    let widest = widest.min(to.width.saturating_sub(NUMBERS).max(4));
    let distinct = widest + NUMBERS + DISTINCT <= to.width;
    let head = format!("{:widest$}  {:>5}  {:>3}  {:>5}  {:>5}", "tool", "calls", "err", "p50", "max");
    to.line(vec![Run::new(head + if distinct { "  distinct args" } else { "" }, Slot::Dim)]);
    for name in names {
        let own: Vec<&ToolRun> = called.iter().filter(|run| run.name == name).map(|called| called.run).collect();
        let failed = own.iter().filter(|run| run.status == ToolStatus::Error).count();
        let mut times: Vec<Duration> = own.iter().filter_map(|run| Some(run.ended?.since(run.started?))).collect();
        times.sort_unstable();
        let time = |at: usize| times.get(at).map_or_else(|| "?".to_owned(), |time| format::duration(*time));
        let mut inputs: Vec<String> = own.iter().map(|run| run.input.to_text()).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let shown = wrap::cut_middle(name, widest);
        let padding = " ".repeat(widest - wrap::width(&shown));
        let mut row = vec![
            Run::new(format!("{shown}{padding}"), Slot::MessageTool),
            Run::new(format!("  {:>5}", own.len()), Slot::Text),
            Run::new(format!("  {failed:>3}"), if failed > 0 { Slot::Error } else { Slot::Dim }),
            Run::new(
                format!("  {:>5}  {:>5}", time(times.len().saturating_sub(1) / 2), time(times.len().saturating_sub(1))),
                Slot::Text,
            ),
        ];
        row.extend(distinct.then(|| Run::new(format!("  {} of {}", inputs.len(), own.len()), Slot::Dim)));
        to.line(row);
    }
}

fn one(to: &mut Builder, called: &Called, open: bool) {
    let Called { trace, name, run, index, ordinal, .. } = called;
    if let Some(span) = run.span {
        to.anchor(Anchor::Span(span));
    }
    let failed = run.status == ToolStatus::Error;
    let (mark, slot) = match run.status {
        ToolStatus::Ok => ("✓", Slot::Ok),
        ToolStatus::Error => ("✗", Slot::Error),
        ToolStatus::Pending => ("no result", Slot::Warning),
    };
    let mut head = vec![Run::new(format!("#{} ", ordinal.nth), Slot::Dim)];
    // In a narrow pane with what it was called is worth more than when.
    if let Some(started) = run.started.filter(|_| to.width >= ROOMY) {
        head.push(Run::new(format!("{} ", format::clock(started)), Slot::Dim));
    }
    head.push(Run::new(format!("{name}  "), Slot::MessageTool));
    head.push(match ordinal.same {
        Some(same) => Run::new(format!("same arguments as #{same}"), Slot::Warning),
        None => Run::new(json::brief(&run.input), Slot::Dim),
    });
    let took = match (run.started, run.ended) {
        (Some(started), Some(ended)) => format!("{:>5}  ", format::duration(ended.since(started))),
        _ => String::new(),
    };
    let right = vec![Run::new(format!("  {took}"), Slot::Dim), Run::new(format!("{mark} "), slot)];
    if !to.fold(format!("tool {} {index}", trace.trace), open, 0, head, right) {
        if let Some(error) = &run.error {
            to.line(vec![parts::pad(4), Run::new(parts::first_line(error), Slot::Error)]);
        }
        return;
    }
    facts(to, called);
    let columns = to.width.saturating_sub(6);
    to.line(vec![Run::new("    arguments", Slot::Dim)]);
    match &run.input {
        input if input.is_empty() => to.line(vec![Run::new("      none", Slot::Dim)]),
        input => to.runs(6, json::arguments(input, columns)),
    }
    match &run.output {
        None => to.line(vec![Run::new("    no result was recorded", Slot::Warning)]),
        Some(output) => {
            to.line(vec![Run::new("    result", Slot::Dim)]);
            parts::result_content(to, 6, output, if failed { Slot::Error } else { Slot::Text });
        }
    }
    // A result mostly holds the words of the failure.
    let told = run.output.as_deref().map_or_else(String::new, parts::words);
    if let Some(error) = run.error.as_deref().filter(|error| !told.contains(error.trim())) {
        to.line(vec![Run::new("    error", Slot::Dim)]);
        to.text(6, error, Slot::Error);
    }
    to.blank();
}

/// Where it stands in the trace: the call's id, the turn that asked, the span that ran.
fn facts(to: &mut Builder, called: &Called) {
    let Called { trace, run, asked_in, .. } = called;
    let id = run.call_id.as_deref().map_or_else(|| "no id".to_owned(), wrap::clean_line);
    let asked = asked(trace, run).and_then(|call| trace.turns().get(call).copied().flatten());
    let asked = match (asked, asked_in) {
        (Some(turn), _) => format!("asked for in turn {turn}"),
        (None, Some(number)) => format!("asked for in run {number}"),
        (None, None) => "no known turn asked for it".to_owned(),
    };
    let ran = run.span.map_or_else(|| "no span of its own".to_owned(), |span| format!("span {span}"));
    let text = to.fitting([format!("    {id} · {asked} · {ran}"), format!("    {id} · {asked}")]);
    to.wrapped(4, 0, &[Run::new(text.trim_start(), Slot::Dim)]);
}

/// The call that asked for a run: the one that says so, else that in whose answer it is told.
fn asked(trace: &AssembledTrace, run: &ToolRun) -> Option<usize> {
    let caller = run.called_by.and_then(|caller| trace.calls.iter().position(|call| call.span == caller));
    let told = || {
        let id = run.call_id.as_deref()?;
        let mut said = trace.conversations.iter().flat_map(|thread| &thread.messages).filter(|said| !said.history);
        let asks = |part: &Part| matches!(&part.content, Content::Call(call) if call.known_id() == Some(id));
        said.find(|said| said.message.parts.iter().any(asks)).map(|said| said.turn)
    };
    caller.or_else(told)
}

/// A run's tool; of one that nobody named, what its span is called.
fn name(trace: &AssembledTrace, run: &ToolRun) -> String {
    let named = Some(run.name.trim()).filter(|name| !name.is_empty());
    let span = || trace.tree.nodes.iter().find(|node| Some(node.id) == run.span).map(|node| node.name.trim());
    wrap::clean_line(named.or_else(span).filter(|name| !name.is_empty()).unwrap_or("unnamed tool"))
}

fn definitions(to: &mut Builder, detail: &Detail, runs: &[Called], here: &str) {
    let mut offered: Vec<ToolDefinition> = Vec::new();
    for definition in detail.traces.iter().flat_map(|trace| &trace.definitions) {
        // One run may tell of a tool what another leaves out.
        match offered.iter_mut().find(|known| known.name == definition.name) {
            Some(known) => {
                known.description = known.description.take().or_else(|| definition.description.clone());
                known.parameters = known.parameters.take().or_else(|| definition.parameters.clone());
            }
            None => offered.push(definition.clone()),
        }
    }
    if offered.is_empty() {
        return;
    }
    to.blank();
    to.rule(vec![Run::new(format!("── offered: {} ", offered.len()), Slot::Dim)], vec![], Slot::Dim);
    for definition in offered {
        let called = runs.iter().any(|called| called.run.name == definition.name);
        let head = vec![
            Run::new(format!("{}  ", wrap::clean_line(&definition.name)), Slot::MessageTool),
            Run::new(definition.description.as_deref().map_or_else(String::new, parts::first_line), Slot::Dim),
        ];
        let right = if called { vec![] } else { vec![Run::new(format!("  not called {here}"), Slot::Dim)] };
        if to.fold(format!("definition {}", definition.name), false, 0, head, right) {
            if let Some(description) = &definition.description {
                to.text(4, description, Slot::Text);
            }
            if let Some(parameters) = &definition.parameters {
                let columns = to.width.saturating_sub(4);
                to.runs(4, json::lines(parameters, columns));
            }
        }
    }
}
