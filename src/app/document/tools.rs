//! The Tools pane: what each tool was called with, what it gave, how long it took; what was offered and never called.

mod called;
mod offered;
pub(in crate::app) mod schema;
mod table;

use std::sync::Arc;

use super::build::Builder;
use super::json;
use super::line::{Copied, Piece};
use super::outline::{Blocks, Counts, Outline, Pane};
use super::{parts, runs};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Detail, ToolDefinition, ToolRun, ToolStatus};
use crate::slots::Slot;
use called::{Called, Elsewhere};
use offered::{Offered, Unused, definition, offered};
use schema::{Violation, violations};
use table::Table;

/// Up to this many runs are open from the start.
const FEW: usize = 3;

/// A pane of so many columns has room for when a tool was called.
const ROOMY: usize = 60;

/// The tool runs of a trace or of the traces of a session, and what was offered.
#[must_use]
pub fn blocks(detail: &Arc<Detail>) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    if detail.left_out > 0 {
        outline.push(Block::LeftOut, "left out", 1, 0);
    }
    let called = called::called(detail);
    let numbers: Vec<Option<u64>> = runs::numbered(detail).map(|(_, number)| number).collect();
    let offered = offered(detail, &called);
    let table = Table::of(detail, &called);
    let unused = Unused::of(detail, &offered);
    if called.is_empty() {
        outline.push(Block::None, "none", 1, 0);
        if unused.is_some() {
            outline.push(Block::Unused, "unused", 1, 0);
        }
    } else {
        outline.push(Block::TableHead, "table", 1, 0);
        for (row, tool) in table.tools.iter().enumerate() {
            outline.push(Block::TableRow { row }, ("row", &tool.name), 1, 0);
        }
        if unused.is_some() {
            outline.push(Block::Unused, "unused", 1, 0);
        }
        outline.push(Block::Gap, "gap", 1, 0);
        let mut before = None;
        let open = called.len() <= FEW;
        for (at, run) in called.iter().enumerate() {
            let trace = detail.traces[run.trace].trace;
            if before.replace(run.trace) != Some(run.trace) {
                let lines = if numbers[run.trace].is_some() { 2 } else { 0 };
                outline.push(Block::Run { trace: run.trace }, ("run", trace), lines, 0);
            }
            outline.push(Block::Tool { called: at }, ("tool", trace, run.index), if open { 10 } else { 1 }, 0);
            if let Some(span) = run.run(detail).span {
                outline.holds(span);
            }
        }
    }
    if !offered.is_empty() {
        outline.push(Block::Offered, "offered", 2, 0);
        for (at, tool) in offered.iter().enumerate() {
            outline.push(Block::Definition { at }, ("definition", &tool.definition.name), 1, 0);
        }
    }
    outline.of(Tools { detail: detail.clone(), numbers, called, table, offered, unused })
}

/// How many runs of tools there are, each counted once, and how many of them failed.
#[must_use]
pub fn counts(detail: &Detail) -> Counts {
    if detail.left_out > 0 {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        return Counts { all: number(detail.sums.tool_calls), failed: number(detail.sums.failed_tools) };
    }
    let elsewhere = Elsewhere::of(detail);
    let mut counts = Counts::default();
    for (trace, at) in detail.traces.iter().enumerate() {
        for (_, run) in at.tools.iter().enumerate().filter(|(index, _)| !elsewhere.has((trace, *index))) {
            counts.all += 1;
            counts.failed += usize::from(run.status == ToolStatus::Error);
        }
    }
    counts
}

#[derive(Debug)]
struct Tools {
    detail: Arc<Detail>,
    /// The number of each trace of the answer in its session.
    numbers: Vec<Option<u64>>,
    called: Vec<Called>,
    table: Table,
    offered: Vec<Offered>,
    unused: Option<Unused>,
}

/// What one block shows; numbers are places in the answer or in [`Tools`].
#[derive(Debug)]
enum Block {
    LeftOut,
    /// That no tool was called.
    None,
    TableHead,
    TableRow {
        row: usize,
    },
    /// What was offered and never called.
    Unused,
    /// The empty line between the table and the runs.
    Gap,
    Run {
        trace: usize,
    },
    Tool {
        called: usize,
    },
    Offered,
    Definition {
        at: usize,
    },
}

impl Pane for Tools {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        match *block {
            Block::LeftOut => all_runs(to, &self.detail),
            Block::Unused => self.unused.iter().for_each(|unused| unused.write(to)),
            Block::None => to.line(vec![Styled::new(format!("No tool was called {}.", self.here()), Slot::Dim)]),
            Block::TableHead => self.table.head(to),
            Block::TableRow { row } => self.table.row(to, row),
            Block::Gap => to.blank(),
            Block::Run { trace } => runs::heading(to, &self.detail.traces[trace], self.numbers[trace]),
            Block::Tool { called } => {
                let called = &self.called[called];
                let trace = &self.detail.traces[called.trace];
                one(to, trace, called, self.definition_for(trace, called), self.called.len() <= FEW);
            }
            Block::Offered => {
                to.blank();
                let text = format!("── offered: {} ", self.offered.len());
                to.rule(vec![Styled::new(text, Slot::Dim)], vec![], Slot::Dim);
            }
            Block::Definition { at } => definition(to, &self.offered[at], self.here()),
        }
    }

    fn copied(&self, block: &Block, piece: Piece) -> Option<Copied> {
        match *block {
            Block::Tool { called } => {
                let run = self.called[called].run(&self.detail);
                match piece {
                    Piece::Arguments | Piece::Other => Some(parts::copied_arguments(&run.name, &run.input)),
                    Piece::Result => match (&run.output, &run.error) {
                        (Some(output), _) => Some(parts::copied_result(&run.name, output)),
                        (None, error) => {
                            Some(Copied::new(format!("error of {}", wrap::clean_line(&run.name)), error.as_ref()?))
                        }
                    },
                    Piece::Text => None,
                }
            }
            Block::Definition { at } => {
                let tool = &self.offered[at].definition;
                let schema = tool.parameters.as_ref()?;
                Some(Copied::new(
                    format!("schema of {}", wrap::clean_line(&tool.name)),
                    crate::model::json::to_pretty(schema),
                ))
            }
            _ => None,
        }
    }
}

impl Tools {
    fn here(&self) -> &'static str {
        if self.detail.traces.len() > 1 { "in these runs" } else { "in this run" }
    }

    /// The definition of a tool as the call that asked for its run was sent it, else as any was.
    fn definition_for<'a>(&'a self, trace: &'a AssembledTrace, called: &Called) -> Option<&'a ToolDefinition> {
        let name = &trace.tools[called.index].name;
        let sent = called.asked_by.and_then(|call| trace.calls.get(call));
        let sent = sent.and_then(|call| call.request.tools.iter().find(|tool| tool.name == *name));
        sent.or_else(|| Some(&self.offered.iter().find(|tool| tool.definition.name == *name)?.definition))
    }
}

/// The sums of all runs of a session, where those of the newest are listed beneath.
fn all_runs(to: &mut Builder, detail: &Detail) {
    let (sums, runs) = (&detail.sums, detail.left_out + detail.traces.len() as u64);
    let mut texts = vec![Styled::new(format!("{} tool calls", format::exact(sums.tool_calls)), Slot::Text)];
    if sums.failed_tools > 0 {
        texts.push(Styled::new(format!(", {} failed", format::exact(sums.failed_tools)), Slot::Error));
    }
    let text = format!(" in {} runs; beneath are those of the newest {}", format::exact(runs), detail.traces.len());
    texts.push(Styled::new(text, Slot::Dim));
    to.wrapped(0, 0, &texts);
}

/// One run. `definition`: what its tool was offered as.
fn one(to: &mut Builder, trace: &AssembledTrace, called: &Called, definition: Option<&ToolDefinition>, open: bool) {
    let Called { name, index, ordinal, .. } = called;
    let run = &trace.tools[*index];
    if let Some(span) = run.span {
        to.anchor(span);
    }
    let failed = run.status == ToolStatus::Error;
    let (mark, slot) = match run.status {
        ToolStatus::Ok => ("✓", Slot::Ok),
        ToolStatus::Error => ("✗", Slot::Error),
        ToolStatus::Pending => ("no result", Slot::Warning),
    };
    let mut head = vec![Styled::new(format!("#{} ", ordinal.nth), Slot::Dim)];
    // In a narrow pane with what it was called is worth more than when.
    if let Some(started) = run.started.filter(|_| to.width >= ROOMY) {
        head.push(Styled::new(format!("{} ", to.zone.clock(started)), Slot::Dim));
    }
    head.push(Styled::new(format!("{name}  "), Slot::MessageTool));
    head.push(match ordinal.same {
        Some(same) => Styled::new(format!("= #{same}"), Slot::Warning),
        None => Styled::new(json::brief(&run.input), Slot::Dim),
    });
    let took = match (run.started, run.ended) {
        (Some(started), Some(ended)) => format!("{:>5}  ", format::duration(ended.since(started))),
        _ => String::new(),
    };
    let right = vec![Styled::new(format!("  {took}"), Slot::Dim), Styled::new(format!("{mark} "), slot)];
    let schema = definition.and_then(|definition| definition.parameters.as_ref());
    let wrong = if to.is_partial() {
        Vec::new()
    } else {
        schema.map_or_else(Vec::new, |schema| violations(schema, &run.input))
    };
    if !to.fold(format!("tool {} {index}", trace.trace), open, 0, head, right) {
        // A repeat of a call fails in the same way.
        if ordinal.same.is_none() {
            broken(to, &wrong);
        }
        if let Some(error) = &run.error {
            to.line(vec![parts::pad(4), Styled::new(parts::first_line(error), Slot::Error)]);
        }
        return;
    }
    facts(to, run, called);
    to.piece(Piece::Arguments);
    to.line(vec![Styled::new("    arguments", Slot::Dim)]);
    match &run.input {
        input if input.is_empty() => to.line(vec![Styled::new("      none", Slot::Dim)]),
        input => parts::table(to, 6, input),
    }
    broken(to, &wrong);
    to.piece(Piece::Result);
    match &run.output {
        None => to.line(vec![Styled::new("    no result was recorded", Slot::Warning)]),
        Some(output) => {
            to.line(vec![Styled::new("    result", Slot::Dim)]);
            parts::result_content(to, 6, output, if failed { Slot::Error } else { Slot::Text });
        }
    }
    // Most results repeat the failure's message.
    let is_new = |error: &&str| !parts::all_text(run.output.as_deref().unwrap_or_default()).contains(error.trim());
    if let Some(error) = run.error.as_deref().filter(is_new) {
        to.line(vec![Styled::new("    error", Slot::Dim)]);
        to.text(6, error, Slot::Error);
    }
    to.blank();
}

/// `    guests 0 ✗ minimum 1`: where arguments are not as the schema wants them that was sent with the request.
fn broken(to: &mut Builder, wrong: &[Violation]) {
    for Violation { path, got, wants } in wrong {
        let path = if path.is_empty() { "arguments" } else { path };
        let wants = if got.is_none() { format!("{wants}, not given") } else { wants.clone() };
        let got = got.as_ref().map_or_else(String::new, |got| format!(" {got}"));
        let texts = [
            Styled::new(path, Slot::JsonKey),
            Styled::new(format!("{got} "), Slot::Text),
            Styled::new(format!("✗ {wants}"), Slot::Error),
        ];
        to.wrapped(4, 2, &texts);
    }
}

/// Where it stands in the trace: the call's id, the turn that asked, the span that ran.
fn facts(to: &mut Builder, run: &ToolRun, called: &Called) {
    let id = run.call_id.as_deref().map_or_else(|| "no id".to_owned(), wrap::clean_line);
    let asked = match (called.asked_in_turn, called.asked_in_run) {
        (Some(turn), _) => format!("asked for in turn {turn}"),
        (None, Some(number)) => format!("asked for in run {number}"),
        (None, None) if run.earlier => "asked for in an earlier run".to_owned(),
        (None, None) => "no known turn asked for it".to_owned(),
    };
    let ran = run.span.map_or_else(|| "no span of its own".to_owned(), |span| format!("span {span}"));
    let text = to.fitting([format!("    {id} · {asked} · {ran}"), format!("    {id} · {asked}")]);
    to.wrapped(4, 0, &[Styled::new(text.trim_start(), Slot::Dim)]);
}
