//! The Tools pane: what each tool was called with, what it gave, how long it took; what was offered and never called.

use std::time::Duration;

use super::build::Builder;
use super::ordinals::{Ordinal, ordinals};
use super::{Anchor, Document, Folds, Run, json, parts, runs};
use crate::app::{format, wrap};
use crate::model::{Assembled, Detail, ToolDefinition, ToolRun, ToolStatus};

/// Up to this many runs are open from the start.
const FEW: usize = 3;

/// A pane of so many columns has room for when a tool was called.
const ROOMY: usize = 60;

#[must_use]
pub fn tools(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let traces = runs::each(&mut to, detail);
    let called: Vec<&ToolRun> = traces.iter().flat_map(|(trace, _)| &trace.tools).collect();
    let here = if traces.len() > 1 { "in these runs" } else { "in this run" };
    if called.is_empty() {
        to.line(vec![Run::new(format!("No tool was called {here}."), "dim")]);
    } else {
        table(&mut to, &called);
        to.blank();
        let open = called.len() <= FEW;
        for (trace, number) in traces.into_iter().filter(|(trace, _)| !trace.tools.is_empty()) {
            runs::heading(&mut to, trace, number);
            for (index, (run, ordinal)) in trace.tools.iter().zip(ordinals(trace)).enumerate() {
                one(&mut to, trace, run, index, ordinal, open);
            }
        }
    }
    definitions(&mut to, detail, &called, here);
    to.done()
}

/// A row a tool: calls, errors, median and slowest, distinct arguments.
fn table(to: &mut Builder, runs: &[&ToolRun]) {
    /// Columns of the numbers behind a name, and of the last one of them.
    const NUMBERS: usize = 26;
    const DISTINCT: usize = 15;

    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        if !names.contains(&run.name.as_str()) {
            names.push(&run.name);
        }
    }
    let widest = names.iter().map(|name| wrap::width(&wrap::clean_line(name))).max().unwrap_or(4).clamp(4, 28);
    let widest = widest.min(to.width.saturating_sub(NUMBERS).max(4));
    let distinct = widest + NUMBERS + DISTINCT <= to.width;
    let head = format!("{:widest$}  {:>5}  {:>3}  {:>5}  {:>5}", "tool", "calls", "err", "p50", "max");
    to.line(vec![Run::new(head + if distinct { "  distinct args" } else { "" }, "dim")]);
    for name in names {
        let own: Vec<&ToolRun> = runs.iter().copied().filter(|run| run.name == name).collect();
        let failed = own.iter().filter(|run| run.status == ToolStatus::Error).count();
        let mut times: Vec<Duration> = own.iter().filter_map(|run| Some(run.ended?.since(run.started?))).collect();
        times.sort_unstable();
        let time = |at: usize| times.get(at).map_or_else(|| "?".to_owned(), |time| format::duration(*time));
        let mut inputs: Vec<String> = own.iter().map(|run| run.input.to_text()).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let shown = wrap::cut_middle(&wrap::clean_line(name), widest);
        let padding = " ".repeat(widest - wrap::width(&shown));
        let mut row = vec![
            Run::new(format!("{shown}{padding}"), "message.tool"),
            Run::new(format!("  {:>5}", own.len()), "text"),
            Run::new(format!("  {failed:>3}"), if failed > 0 { "error" } else { "dim" }),
            Run::new(format!("  {:>5}  {:>5}", time(times.len() / 2), time(times.len().saturating_sub(1))), "text"),
        ];
        row.extend(distinct.then(|| Run::new(format!("  {} of {}", inputs.len(), own.len()), "dim")));
        to.line(row);
    }
}

fn one(to: &mut Builder, trace: &Assembled, run: &ToolRun, index: usize, ordinal: Ordinal, open: bool) {
    if let Some(span) = run.span {
        to.anchor(Anchor::Span(span));
    }
    let failed = run.status == ToolStatus::Error;
    let (mark, slot) = match run.status {
        ToolStatus::Ok => ("✓", "ok"),
        ToolStatus::Error => ("✗", "error"),
        ToolStatus::Pending => ("no result", "warning"),
    };
    let mut head = vec![Run::new(format!("#{} ", ordinal.nth), "dim")];
    // In a narrow pane with what it was called is worth more than when.
    if let Some(started) = run.started.filter(|_| to.width >= ROOMY) {
        head.push(Run::new(format!("{} ", format::clock(started)), "dim"));
    }
    head.push(Run::new(format!("{}  ", wrap::clean_line(&run.name)), "message.tool"));
    head.push(match ordinal.same {
        Some(same) => Run::new(format!("same arguments as #{same}"), "warning"),
        None => Run::new(json::brief(&run.input), "dim"),
    });
    let took = match (run.started, run.ended) {
        (Some(started), Some(ended)) => format!("{:>5}  ", format::duration(ended.since(started))),
        _ => String::new(),
    };
    let right = vec![Run::new(format!("  {took}"), "dim"), Run::new(format!("{mark} "), slot)];
    if !to.fold(format!("tool {} {index}", trace.trace), open, 0, head, right) {
        if let Some(error) = &run.error {
            to.line(vec![parts::pad(4), Run::new(parts::first_line(error), "error")]);
        }
        return;
    }
    facts(to, trace, run);
    let columns = to.width.saturating_sub(6);
    to.line(vec![Run::new("    arguments", "dim")]);
    match &run.input {
        input if input.is_empty() => to.line(vec![Run::new("      none", "dim")]),
        input => to.runs(6, json::arguments(input, columns)),
    }
    match &run.output {
        None => to.line(vec![Run::new("    no result was recorded", "warning")]),
        Some(output) => {
            to.line(vec![Run::new("    result", "dim")]);
            parts::result_content(to, 6, output, if failed { "error" } else { "text" });
        }
    }
    // A result mostly holds the words of the failure.
    let told = run.output.as_deref().map_or_else(String::new, parts::words);
    if let Some(error) = run.error.as_deref().filter(|error| !told.contains(error.trim())) {
        to.line(vec![Run::new("    error", "dim")]);
        to.text(6, error, "error");
    }
    to.blank();
}

/// Where it stands in the trace: the call's id, the turn that asked, the span that ran.
fn facts(to: &mut Builder, trace: &Assembled, run: &ToolRun) {
    let id = run.call_id.as_deref().map_or_else(|| "no id".to_owned(), wrap::clean_line);
    let turn = run.called_by.and_then(|caller| trace.calls.iter().position(|call| call.span == caller));
    let asked =
        turn.map_or_else(|| "no turn asked for it".to_owned(), |turn| format!("asked for in turn {}", turn + 1));
    let ran = run.span.map_or_else(|| "no span of its own".to_owned(), |span| format!("span {span}"));
    let text = to.fitting([format!("    {id} · {asked} · {ran}"), format!("    {id} · {asked}")]);
    to.wrapped(4, 0, &[Run::new(text.trim_start(), "dim")]);
}

fn definitions(to: &mut Builder, detail: &Detail, runs: &[&ToolRun], here: &str) {
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
    to.rule(vec![Run::new(format!("── offered: {} ", offered.len()), "dim")], vec![], "dim");
    for definition in offered {
        let called = runs.iter().any(|run| run.name == definition.name);
        let head = vec![
            Run::new(format!("{}  ", wrap::clean_line(&definition.name)), "message.tool"),
            Run::new(definition.description.as_deref().map_or_else(String::new, parts::first_line), "dim"),
        ];
        let right = if called { vec![] } else { vec![Run::new(format!("  not called {here}"), "dim")] };
        if to.fold(format!("definition {}", definition.name), false, 0, head, right) {
            if let Some(description) = &definition.description {
                to.text(4, description, "text");
            }
            if let Some(parameters) = &definition.parameters {
                let columns = to.width.saturating_sub(4);
                to.runs(4, json::lines(parameters, columns));
            }
        }
    }
}
