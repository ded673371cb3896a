//! The Tools pane: what each tool was called with, what it gave, how long it took; what was offered and never called.

use std::time::Duration;

use super::build::Builder;
use super::parts::{self, Prose};
use super::{Anchor, Document, Folds, Run, json};
use crate::app::{format, wrap};
use crate::model::{Assembled, Detail, SpanId, ToolDefinition, ToolRun, ToolStatus};

/// Up to this many runs are open from the start.
const FEW: usize = 3;

#[must_use]
pub fn tools(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let runs: Vec<(&Assembled, &ToolRun)> =
        detail.traces.iter().flat_map(|trace| trace.tools.iter().map(move |run| (trace.as_ref(), run))).collect();
    if runs.is_empty() {
        let here = if detail.traces.len() > 1 { "in these runs" } else { "in this run" };
        to.line(vec![Run::new(format!("No tool was called {here}."), "dim")]);
    } else {
        table(&mut to, &runs);
        to.blank();
        let open = runs.len() <= FEW;
        let mut seen: Vec<&str> = Vec::new();
        for (index, (trace, run)) in runs.iter().enumerate() {
            seen.push(&run.name);
            let ordinal = seen.iter().filter(|name| **name == run.name).count();
            let same =
                runs[..index].iter().rposition(|(_, before)| before.name == run.name && before.input == run.input);
            one(&mut to, trace, run, index, ordinal, same, open);
        }
    }
    definitions(&mut to, detail, &runs);
    to.done()
}

/// A row a tool: calls, errors, median and slowest, distinct arguments.
fn table(to: &mut Builder, runs: &[(&Assembled, &ToolRun)]) {
    let mut names: Vec<&str> = Vec::new();
    for (_, run) in runs {
        if !names.contains(&run.name.as_str()) {
            names.push(&run.name);
        }
    }
    let widest = names.iter().map(|name| wrap::width(&wrap::clean_line(name))).max().unwrap_or(4).clamp(4, 28);
    let head =
        format!("{:widest$}  {:>5}  {:>3}  {:>5}  {:>5}  {}", "tool", "calls", "err", "p50", "max", "distinct args");
    to.line(vec![Run::new(head, "dim")]);
    for name in names {
        let own: Vec<&ToolRun> = runs.iter().map(|(_, run)| *run).filter(|run| run.name == name).collect();
        let failed = own.iter().filter(|run| run.status == ToolStatus::Error).count();
        let mut times: Vec<Duration> = own.iter().filter_map(|run| Some(run.ended?.since(run.started?))).collect();
        times.sort_unstable();
        let time = |at: usize| times.get(at).map_or_else(|| "?".to_owned(), |time| format::duration(*time));
        let mut inputs: Vec<String> = own.iter().map(|run| run.input.to_text()).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let shown = wrap::cut_middle(&wrap::clean_line(name), widest);
        let padding = " ".repeat(widest - wrap::width(&shown));
        to.line(vec![
            Run::new(format!("{shown}{padding}"), "message.tool"),
            Run::new(format!("  {:>5}", own.len()), "text"),
            Run::new(format!("  {failed:>3}"), if failed > 0 { "error" } else { "dim" }),
            Run::new(format!("  {:>5}  {:>5}", time(times.len() / 2), time(times.len().saturating_sub(1))), "text"),
            Run::new(format!("  {} of {}", inputs.len(), own.len()), "dim"),
        ]);
    }
}

fn one(
    to: &mut Builder,
    trace: &Assembled,
    run: &ToolRun,
    index: usize,
    ordinal: usize,
    same: Option<usize>,
    open: bool,
) {
    if let Some(span) = run.span {
        to.anchor(Anchor::Span(span));
    }
    let (mark, slot) = match run.status {
        ToolStatus::Ok => ("✓", "ok"),
        ToolStatus::Error => ("✗", "error"),
        ToolStatus::Pending => ("no result", "warning"),
    };
    let mut head = vec![Run::new(format!("#{ordinal} "), "dim")];
    if let Some(started) = run.started {
        head.push(Run::new(format!("{} ", format::clock(started)), "dim"));
    }
    head.push(Run::new(format!("{}  ", wrap::clean_line(&run.name)), "message.tool"));
    head.push(match same {
        Some(_) => Run::new("same arguments as before", "warning"),
        None => Run::new(json::brief(&run.input), "dim"),
    });
    let took = match (run.started, run.ended) {
        (Some(started), Some(ended)) => format!("{}  ", format::duration(ended.since(started))),
        _ => String::new(),
    };
    let right = vec![Run::new(format!(" {took}"), "dim"), Run::new(mark, slot)];
    if !to.fold(format!("tool {} {index}", trace.trace), open, 0, head, right) {
        if let Some(error) = &run.error {
            to.line(vec![Run::new(format!("     {}", parts::first_line(error)), "error")]);
        }
        return;
    }
    facts(to, run);
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
            let slot = if run.status == ToolStatus::Error { "error" } else { "text" };
            for part in output {
                parts::content(to, 6, part, Prose::Plain(slot));
            }
            if output.is_empty() {
                to.line(vec![Run::new("      empty", "dim")]);
            }
        }
    }
    if let Some(error) = &run.error {
        to.line(vec![Run::new("    error", "dim")]);
        to.text(6, error, "error");
    }
    to.blank();
}

/// Where it stands in the trace: the call's id, the spans that asked and ran.
fn facts(to: &mut Builder, run: &ToolRun) {
    let span = |span: Option<SpanId>| span.map_or_else(|| "?".to_owned(), |span| span.to_string());
    let id = run.call_id.as_deref().map_or_else(|| "no id".to_owned(), wrap::clean_line);
    let ran = run.span.map_or_else(|| "no span of its own".to_owned(), |span| format!("ran in {span}"));
    to.line(vec![Run::new(format!("    {id} · asked for by {} · {ran}", span(run.called_by)), "dim")]);
}

fn definitions(to: &mut Builder, detail: &Detail, runs: &[(&Assembled, &ToolRun)]) {
    let mut offered: Vec<&ToolDefinition> = Vec::new();
    for definition in detail.traces.iter().flat_map(|trace| &trace.definitions) {
        if !offered.iter().any(|known| known.name == definition.name) {
            offered.push(definition);
        }
    }
    if offered.is_empty() {
        return;
    }
    to.blank();
    to.rule(vec![Run::new(format!("── offered: {} ", offered.len()), "dim")], vec![], "dim");
    for definition in offered {
        let called = runs.iter().any(|(_, run)| run.name == definition.name);
        let head = vec![
            Run::new(format!("{}  ", wrap::clean_line(&definition.name)), "message.tool"),
            Run::new(definition.description.as_deref().map_or_else(String::new, parts::first_line), "dim"),
        ];
        let right = if called { vec![] } else { vec![Run::new(" not called", "dim")] };
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
