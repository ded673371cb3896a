//! A tool call with its outcome: arguments, status, time, which call of its tool it is, result.
//!
//! ```text
//!   ▾ → book_room                                #2/4  tooluse_9f2  5.6s  ✗
//!       hotel_id  "ryk-118"
//!       same arguments as #1
//!     ← 'guests' must be >= 1 (got 0)
//!     ▸ ✗ ValidationError  traceback                              17:42:09
//! ```

use super::super::build::Builder;
use super::super::json;
use super::super::line::{Copied, Piece};
use super::super::long::AT_ONCE;
use super::super::ordinals::Ordinal;
use super::super::parts;
use super::index::TraceIndex;
use super::pairs::PartPlace;
use crate::app::styled::Styled;
use crate::app::{format, waiting, wrap};
use crate::model::{AssembledTrace, Part, RunState, ToolCall, ToolResult, ToolRun, ToolStatus};
use crate::slots::Slot;

/// A result of more lines than this starts folded.
const LONG_RESULT: usize = 24;

/// Columns of a call's id.
const ID: usize = 14;

/// A call at its place in the trace, with its result and what failed in it.
pub fn call(
    to: &mut Builder,
    trace: &AssembledTrace,
    index: &TraceIndex,
    name: String,
    call: &ToolCall,
    at: PartPlace,
) {
    let pair = index.pairs.of_call(at);
    let result = pair.result.and_then(|place| place.result(trace));
    let run = pair.run.map(|at| &trace.tools[at]);
    if let Some(span) = run.and_then(|run| run.span) {
        to.anchor(span);
    }
    let status = status(run, result);
    let failed = status == Some(ToolStatus::Error);
    let ordinal = pair.run.map(|at| index.ordinals[at]);
    let arrow = if call.server_side { "⇢" } else { "→" };
    let title = format!("{arrow} {}", wrap::clean_line(&call.name));
    let waits = run.filter(|_| status == Some(ToolStatus::Pending)).and_then(|run| waits(to, trace, run));
    let right =
        facts(to, &title, call.known_id(), ordinal.and_then(Ordinal::label).as_ref(), run, status, waits.as_deref());
    let mut head = vec![Styled::new(title, if failed { Slot::Error } else { Slot::MessageTool })];
    let error = run.and_then(|run| run.error.as_deref());
    if !to.is_open(&name, true) {
        head.push(Styled::new(format!("  {}", json::brief(&call.input)), Slot::Dim));
        to.fold(name, true, 2, head, right);
        // A closed call still shows that it failed, and why.
        if let Some(error) = error {
            to.line(vec![parts::pad(6), Styled::new(parts::first_line(error), Slot::Error)]);
        }
        return;
    }
    to.fold(name.clone(), true, 2, head, right);
    to.piece(Piece::Arguments);
    parts::arguments(to, 6, call);
    if let Some(same) = ordinal.and_then(|ordinal| ordinal.same) {
        to.line(vec![parts::pad(6), Styled::new(format!("same arguments as #{same}"), Slot::Warning)]);
    }
    let content = result.map(|result| &result.content).or_else(|| run?.output.as_ref());
    if let Some(content) = content {
        to.piece(Piece::Result);
        returned(to, format!("{name} result"), content, if failed { Slot::Error } else { Slot::Text });
    }
    to.piece(Piece::Other);
    let failures = index.failures_of(at);
    if failures.is_empty() && error.is_none() {
        return;
    }
    // Most results repeat the failure's message.
    let above = content.map_or_else(String::new, |content| parts::all_text(content));
    for failure in failures.iter().filter(|failure| failure.adds_to(trace, &above)) {
        failure.show(trace, to, 4, &above);
    }
    if let Some(error) = error.filter(|error| failures.is_empty() && !above.contains(error.trim())) {
        to.text(6, error, Slot::Error);
    }
}

/// A result whose call is in no message of this run; `call`: that of the history which it answers.
pub fn result(to: &mut Builder, name: String, result: &ToolResult, call: Option<&ToolCall>) {
    let tool = result.name.as_deref().or_else(|| Some(call?.name.as_str())).unwrap_or("result");
    let status = result.is_error.map(|failed| if failed { ToolStatus::Error } else { ToolStatus::Ok });
    let slot = if status == Some(ToolStatus::Error) { Slot::Error } else { Slot::MessageTool };
    let title = format!("← {}", wrap::clean_line(tool));
    let brief = call.map_or_else(String::new, |call| format!("  {}", json::brief(&call.input)));
    let right = facts(to, &format!("{title}{brief}"), result.call_id.as_deref(), None, None, status, None);
    let head = vec![Styled::new(title, slot), Styled::new(brief, Slot::Dim)];
    if to.fold(name, true, 2, head, right) {
        let slot = if status == Some(ToolStatus::Error) { Slot::Error } else { Slot::Text };
        to.piece(Piece::Result);
        parts::result_content(to, 6, &result.content, slot);
    }
}

/// A piece of a call as it was received; of no piece in particular its arguments.
pub fn copied(
    trace: &AssembledTrace,
    index: &TraceIndex,
    call: &ToolCall,
    at: PartPlace,
    piece: Piece,
) -> Option<Copied> {
    match piece {
        Piece::Arguments | Piece::Other => Some(parts::copied_arguments(&call.name, &call.input)),
        Piece::Result => {
            let pair = index.pairs.of_call(at);
            let result = pair.result.and_then(|place| place.result(trace)).map(|result| &result.content);
            let run = pair.run.map(|at| &trace.tools[at]);
            let content = result.or_else(|| run?.output.as_ref())?;
            Some(parts::copied_result(&call.name, content))
        }
        Piece::Text => None,
    }
}

/// `    ← ` and the result of a tool.
fn returned(to: &mut Builder, name: String, content: &[Part], slot: Slot) {
    // As JSON a text may weigh five times as much.
    if to.is_partial() && parts::weighs_at_most(content, AT_ONCE / 8) {
        return;
    }
    let extent = parts::extent(content, |parts| to.count(|to| parts::result_content(to, 6, parts, slot)));
    if extent.lines.is_none_or(|lines| lines > LONG_RESULT) {
        // While one extent is written, the head is not shown.
        let label = |text: &dyn Fn() -> String| if to.is_partial() { String::new() } else { text() };
        let (first, how_much) = (label(&|| parts::preview(content)), label(&|| format!("  {extent} ")));
        let head = vec![Styled::new("← ", slot), Styled::new(first, Slot::Dim)];
        if !to.fold(name, false, 4, head, vec![Styled::new(how_much, Slot::Dim)]) {
            return;
        }
    } else {
        to.stand_in(&name);
        to.mark(4, Styled::new("←", slot));
    }
    parts::result_content(to, 6, content, slot);
}

/// How a call went. Some results do not say; then its execution does.
fn status(run: Option<&ToolRun>, result: Option<&ToolResult>) -> Option<ToolStatus> {
    match (run.map(|run| run.status), result) {
        (Some(ToolStatus::Error), _) | (_, Some(ToolResult { is_error: Some(true), .. })) => Some(ToolStatus::Error),
        (Some(ToolStatus::Pending) | None, Some(_)) => Some(ToolStatus::Ok),
        (status, _) => status,
    }
}

/// `waiting 3s`: how long a call has been waited for while its run goes on; `None` where nothing more is expected.
fn waits(to: &mut Builder, trace: &AssembledTrace, run: &ToolRun) -> Option<String> {
    let now = trace.waits.map(|_| to.now())?;
    let goes_on = trace.run_state(now) == RunState::Running;
    let time = waiting::since(trace, run).map(|since| format!(" {}", format::whole_seconds(now.since(since))));
    goes_on.then(|| format!("waiting{}", time.unwrap_or_default()))
}

/// `#2/4  tooluse_9f2   5.6s  ✗`: in a narrow pane the id goes first, then which call it is.
fn facts(
    to: &Builder,
    title: &str,
    id: Option<&str>,
    ordinal: Option<&String>,
    run: Option<&ToolRun>,
    status: Option<ToolStatus>,
    waits: Option<&str>,
) -> Vec<Styled> {
    let took = run.and_then(|run| Some(format!("{:>5}", format::duration(run.ended?.since(run.started?)))));
    let mark = status.map(|status| match status {
        ToolStatus::Pending if waits.is_some() => (waits.unwrap_or_default(), Slot::Running),
        ToolStatus::Ok => ("✓", Slot::Ok),
        ToolStatus::Error => ("✗", Slot::Error),
        ToolStatus::Pending => ("no result", Slot::Warning),
    });
    let id = id.map(|id| wrap::cut_middle(&wrap::clean_line(id), ID));
    let (id, took) = (id.as_ref(), took.as_ref());
    let forms = [[ordinal, id, took], [ordinal, None, took], [None, None, took]];
    let mut facts = Vec::new();
    for form in forms {
        facts = form.into_iter().flatten().map(|fact| Styled::new(format!("  {fact}"), Slot::Dim)).collect();
        facts.extend(mark.map(|(mark, slot)| Styled::new(format!("  {mark} "), slot)));
        let wide: usize = facts.iter().map(|styled| wrap::width(&styled.text)).sum();
        // Where less is left of the line, nothing would stand at its end.
        if (4 + wrap::width(title)).max(16) + wide <= to.width {
            break;
        }
    }
    facts
}
