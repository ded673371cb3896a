//! The Messages pane: the conversation, turn by turn, each message once.
//!
//! ```text
//! ── turn 5 · claude-sonnet-4-5 · 3.3s · in 22.9k (12% cached) out 196 · $.064 ──
//!   assistant                                                  finish: end_turn
//!     I'll retry with the same guest details.
//!   ▾ → book_room                                              tooluse_9f2  5.6s
//!       hotel_id  "ryk-118"
//! ```

use std::collections::{HashMap, HashSet};

use super::build::Builder;
use super::parts::{self, Prose};
use super::{Anchor, Document, Folds, Run};
use crate::app::{format, wrap};
use crate::model::{
    Assembled, CallFacts, Detail, Missing, Part, Reasoning, Role, RunError, Said, SpanId, Thread, ToolRun, ToolStatus,
    TraceState, What,
};

/// A system prompt of more lines than this starts folded.
const LONG_PROMPT: usize = 6;

/// What was said in a trace, or in the traces of a session one after another.
#[must_use]
pub fn messages(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    if detail.left_out > 0 {
        to.line(vec![Run::new(format!("{} earlier runs of this session are not shown here", detail.left_out), "dim")]);
    }
    if let Some(missing) = &detail.missing {
        explain(&mut to, missing);
    }
    let several = detail.traces.len() > 1;
    for trace in &detail.traces {
        to.blank();
        to.anchor(Anchor::Trace(trace.trace));
        if several {
            let name = trace.name.as_deref().map_or_else(|| trace.trace.to_string(), wrap::clean_line);
            to.rule(
                vec![Run::new(format!("━━ {name} "), "title")],
                vec![Run::new(format!(" {}", format::date(trace.started)), "dim")],
                "dim",
            );
        }
        conversation(&mut to, trace);
    }
    to.done()
}

fn conversation(to: &mut Builder, trace: &Assembled) {
    let known = Known::of(trace);
    let mut errors: HashMap<SpanId, &RunError> = trace.errors.iter().map(|error| (error.span, error)).collect();
    let mut silent = Silent::of(trace);
    for thread in &trace.threads {
        heading(to, thread, trace);
        let mut turn = None;
        let mut history = 0;
        for (index, said) in thread.said.iter().enumerate() {
            if said.history && said.message.role != Role::System {
                history += 1;
                if thread.said.get(index + 1).is_some_and(|next| next.history && next.message.role != Role::System) {
                    continue;
                }
                earlier(to, thread, index + 1 - history, history);
                history = 0;
                continue;
            }
            if turn != Some(said.turn) {
                if let Some(before) = turn.and_then(|before| trace.calls.get::<usize>(before)) {
                    failure(to, &mut errors, before.span);
                }
                turn = Some(said.turn);
                if let Some(call) = trace.calls.get(said.turn) {
                    silent.show_before(said.turn, to, trace, &mut errors);
                    rule(to, said.turn, call);
                }
            }
            message(to, said, index, trace, &known);
        }
        if let Some(last) = turn.and_then(|last| trace.calls.get(last)) {
            failure(to, &mut errors, last.span);
        }
    }
    silent.show_before(trace.calls.len(), to, trace, &mut errors);
    let mut rest: Vec<&RunError> = errors.into_values().collect();
    rest.sort_by_key(|error| (error.at, error.span));
    for error in rest {
        show_error(to, error);
    }
    end(to, trace);
}

/// Calls of which no message is known; they still happened, so each has its turn, in order.
struct Silent(Vec<usize>);

impl Silent {
    fn of(trace: &Assembled) -> Self {
        let heard: HashSet<usize> = trace
            .threads
            .iter()
            .flat_map(|thread| &thread.said)
            .filter(|said| !said.history)
            .map(|said| said.turn)
            .collect();
        Self((0..trace.calls.len()).rev().filter(|turn| !heard.contains(turn)).collect())
    }

    fn show_before(
        &mut self,
        before: usize,
        to: &mut Builder,
        trace: &Assembled,
        errors: &mut HashMap<SpanId, &RunError>,
    ) {
        while let Some(turn) = self.0.pop_if(|turn| *turn < before) {
            let Some(call) = trace.calls.get(turn) else { continue };
            rule(to, turn, call);
            if call.failure.is_none() {
                to.line(vec![Run::new("  no messages came with this call", "dim")]);
            }
            failure(to, errors, call.span);
        }
    }
}

/// What is known of tool calls by their ids.
struct Known<'a> {
    runs: HashMap<&'a str, &'a ToolRun>,
    /// Also of calls that only the history holds.
    names: HashMap<&'a str, &'a str>,
}

impl<'a> Known<'a> {
    fn of(trace: &'a Assembled) -> Self {
        let runs = trace.tools.iter().filter_map(|run| Some((run.call_id.as_deref()?, run))).collect();
        let parts = trace.threads.iter().flat_map(|thread| &thread.said).flat_map(|said| &said.message.parts);
        let names = parts.filter_map(|part| match &part.what {
            What::Call(call) => Some((call.id.as_deref()?, call.name.as_str())),
            _ => None,
        });
        Self { runs, names: names.collect() }
    }
}

fn heading(to: &mut Builder, thread: &Thread, trace: &Assembled) {
    if trace.threads.len() < 2 {
        return;
    }
    to.blank();
    let name = thread.agent.as_deref().map_or_else(|| "conversation".to_owned(), wrap::clean_line);
    let opened = if thread.opened_by.is_some() { "  sub-agent" } else { "" };
    to.line(vec![Run::new(format!("◆ {name}"), "tree.agent"), Run::new(opened, "dim")]);
}

/// `── turn 5 · model · 3.3s · in 22.9k (12% cached) out 196 · $.064 ──`
fn rule(to: &mut Builder, turn: usize, call: &CallFacts) {
    to.blank();
    to.anchor(Anchor::Span(call.span));
    let mut facts = vec![format!("── turn {}", turn + 1)];
    facts.extend(call.model.as_deref().map(|model| wrap::clean_line(format::model(model))));
    facts.push(call.ended.map_or_else(|| "running".to_owned(), |ended| format::duration(ended.since(call.started))));
    if let Some(usage) = &call.usage {
        let cached = usage.cached_share().filter(|share| *share > 0.0);
        let cached = cached.map_or_else(String::new, |share| format!(" ({} cached)", format::percent(share)));
        facts.push(format!("in {}{cached} out {}", format::known(usage.input()), format::known(usage.output)));
    }
    match &call.cost {
        Some(cost) => facts.push(format::money(cost.total)),
        None if call.unpriced => facts.push("unpriced".to_owned()),
        None => {}
    }
    to.rule(vec![Run::new(format!("{} ", facts.join(" · ")), "message.turn")], vec![], "message.turn");
}

fn message(to: &mut Builder, said: &Said, index: usize, trace: &Assembled, known: &Known) {
    let message = &said.message;
    let name = |part: usize| format!("message {} {} {index} {part}", trace.trace, said.span);
    if message.role == Role::System {
        return system(to, message.parts.as_slice(), name(0));
    }
    let mut headed = false;
    for (position, part) in message.parts.iter().enumerate() {
        match &part.what {
            What::Call(call) => {
                let run = call.id.as_deref().and_then(|id| known.runs.get(id)).copied();
                if let Some(span) = run.and_then(|run| run.span) {
                    to.anchor(Anchor::Span(span));
                }
                let right = call_facts(call.id.as_deref(), run);
                let arrow = if call.server_side { "⇢" } else { "→" };
                let head = vec![Run::new(format!("{arrow} {}", wrap::clean_line(&call.name)), "message.tool")];
                if to.fold(name(position), true, 2, head, right) {
                    parts::arguments(to, 6, call);
                }
            }
            What::Result(result) => {
                let failed = result.is_error == Some(true);
                let name_of = || known.names.get(result.call_id.as_deref()?).copied();
                let tool = result.name.as_deref().or_else(name_of).unwrap_or("result");
                let slot = if failed { "error" } else { "message.tool" };
                let head = vec![Run::new(format!("← {}", wrap::clean_line(tool)), slot)];
                let mark = if failed { vec![Run::new("✗", "error")] } else { vec![] };
                if to.fold(name(position), true, 2, head, mark) {
                    parts::result_content(to, 6, result);
                }
            }
            What::Reasoning(reasoning) => fold_reasoning(to, reasoning, name(position)),
            _ => {
                if !headed {
                    speaker(to, said, trace);
                    headed = true;
                }
                let prose = if message.role == Role::Tool { Prose::Plain("text") } else { Prose::Markdown };
                parts::content(to, 4, part, prose);
            }
        }
    }
}

fn fold_reasoning(to: &mut Builder, reasoning: &Reasoning, name: String) {
    let words = reasoning.text.as_deref().map_or_else(|| parts::opaque(reasoning), parts::first_line);
    let head = vec![Run::new("reasoning  ", "message.reasoning"), Run::new(format!("\"{words}\""), "dim")];
    if to.fold(name, false, 2, head, vec![]) {
        parts::reasoning_text(to, 6, reasoning);
    }
}

fn speaker(to: &mut Builder, said: &Said, trace: &Assembled) {
    to.gap();
    let (word, slot) = match said.message.role {
        Role::System => ("system", "message.system"),
        Role::User => ("user", "message.user"),
        Role::Assistant => ("assistant", "message.assistant"),
        Role::Tool => ("tool", "message.tool"),
    };
    let mut left = vec![Run::new(format!("  {word}"), slot)];
    if let Some(name) = &said.message.name {
        left.push(Run::new(format!(" {}", wrap::clean_line(name)), "dim"));
    }
    let stop = trace.calls.get(said.turn).and_then(|call| call.stop_reason.as_deref());
    let right = match stop {
        Some(stop) if said.message.role == Role::Assistant => {
            let slot = if is_ordinary(stop) { "dim" } else { "warning" };
            vec![Run::new(format!("finish: {} ", wrap::clean_line(stop)), slot)]
        }
        _ => vec![],
    };
    to.spread(left, right);
}

/// A finish reason that nobody has to look at.
fn is_ordinary(stop: &str) -> bool {
    let word: String = stop.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    ["stop", "endturn", "tooluse", "toolcalls", "toolcall", "stopsequence", "complete", "completed", "end"]
        .contains(&word.as_str())
}

fn system(to: &mut Builder, prompt: &[Part], name: String) {
    to.gap();
    let long = prompt.iter().map(|part| lines_of(part, to.width)).sum::<usize>() > LONG_PROMPT;
    let head = vec![Run::new("system  ", "message.system"), Run::new(parts::preview(prompt), "dim")];
    if long {
        if !to.fold(name, false, 2, head, vec![]) {
            return;
        }
    } else {
        to.line(vec![Run::new("  system", "message.system")]);
    }
    for part in prompt {
        parts::content(to, 4, part, Prose::Plain("text"));
    }
}

/// About how many lines a part takes.
fn lines_of(part: &Part, width: usize) -> usize {
    match &part.what {
        What::Text(text) => text.lines().map(|line| 1 + line.len() / width.max(1)).sum(),
        _ => 1,
    }
}

/// Messages that came in with a request: one dim line until opened.
fn earlier(to: &mut Builder, thread: &Thread, from: usize, count: usize) {
    let name = format!("history {} {from}", thread.id.1);
    let word = if count == 1 { "message" } else { "messages" };
    let head = vec![Run::new(format!("{count} earlier {word}, sent again with this request"), "message.history")];
    to.blank();
    if !to.fold(name, false, 0, head, vec![]) {
        return;
    }
    for said in thread.said.iter().skip(from).take(count) {
        to.line(vec![Run::new(format!("  {}", said.message.role.as_str()), "message.history")]);
        for part in &said.message.parts {
            match &part.what {
                What::Call(call) => {
                    to.line(vec![Run::new(format!("    → {}", wrap::clean_line(&call.name)), "message.history")]);
                    parts::arguments(to, 6, call);
                }
                _ => parts::content(to, 4, part, Prose::Plain("message.history")),
            }
        }
    }
}

fn call_facts(id: Option<&str>, run: Option<&ToolRun>) -> Vec<Run> {
    let mut facts = Vec::new();
    if let Some(id) = id {
        facts.push(Run::new(format!("{}  ", wrap::cut_middle(&wrap::clean_line(id), 14)), "dim"));
    }
    let Some(run) = run else { return facts };
    if let (Some(started), Some(ended)) = (run.started, run.ended) {
        facts.push(Run::new(format!("{}  ", format::duration(ended.since(started))), "dim"));
    }
    facts.push(match run.status {
        ToolStatus::Ok => Run::new("✓ ", "ok"),
        ToolStatus::Error => Run::new("✗ ", "error"),
        ToolStatus::Pending => Run::new("no result ", "warning"),
    });
    facts
}

fn failure(to: &mut Builder, errors: &mut HashMap<SpanId, &RunError>, span: SpanId) {
    if let Some(error) = errors.remove(&span) {
        show_error(to, error);
    }
}

fn show_error(to: &mut Builder, error: &RunError) {
    to.blank();
    to.anchor(Anchor::Span(error.span));
    let failure = &error.failure;
    let kind = failure.kind.as_deref().map_or_else(|| "error".to_owned(), wrap::clean_line);
    let right = vec![Run::new(format!("{} ", format::clock(error.at)), "dim")];
    let stack = match &failure.stack {
        None => {
            to.spread(vec![Run::new(format!("  ✗ {kind}"), "error")], right);
            None
        }
        Some(stack) => {
            let head = vec![Run::new(format!("✗ {kind}"), "error"), Run::new("  traceback", "dim")];
            to.fold(format!("stack {}", error.span), false, 2, head, right).then_some(stack)
        }
    };
    if let Some(message) = &failure.message {
        to.text(4, message, "error");
    }
    if let Some(stack) = stack {
        to.text(6, stack, "dim");
    }
}

fn end(to: &mut Builder, trace: &Assembled) {
    if to.is_empty() || trace.calls.is_empty() {
        return generic(to, trace);
    }
    to.blank();
    let mut facts = vec!["── end".to_owned()];
    match (trace.state, trace.ended) {
        (TraceState::Running, _) | (_, None) => facts = vec!["── still running".to_owned()],
        (_, Some(ended)) => facts.push(format::duration(ended.since(trace.started))),
    }
    facts.extend(trace.totals.usage.total().map(|total| format!("{} tokens", format::count(total))));
    if trace.totals.priced > 0 {
        facts.push(format::money(trace.totals.cost));
    }
    if trace.totals.unpriced > 0 {
        facts.push(format!("{} unpriced", trace.totals.unpriced));
    }
    to.rule(vec![Run::new(format!("{} ", facts.join(" · ")), "dim")], vec![], "dim");
}

/// A trace in which no model was called.
fn generic(to: &mut Builder, trace: &Assembled) {
    if trace.only_sideseat_roots || !trace.calls.is_empty() {
        return;
    }
    to.blank();
    to.line(vec![Run::new("  No model was called in this trace.", "dim")]);
    let mut kinds: Vec<(&'static str, usize)> = Vec::new();
    for node in &trace.tree.nodes {
        let kind = node.category.as_str();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    to.wrapped(2, 0, &[Run::new(format!("Its spans: {}. 5 shows each as it arrived.", kinds.join(", ")), "dim")]);
}

fn explain(to: &mut Builder, missing: &Missing) {
    match missing {
        Missing::OnlySideseatRoots => {
            to.line(vec![Run::new("Only client.trace() roots arrived: no model call is in this trace.", "warning")]);
            to.blank();
            to.wrapped(0, 0, &[Run::new("Plain `sideseat` does not instrument Amazon Bedrock. Install its extra in the program's environment, then run it again:", "text")]);
            to.line(vec![Run::new("  pip install 'sideseat[aws]'", "first_run.command")]);
        }
        Missing::NoContent(how) => {
            to.line(vec![Run::new("The model calls came without their messages.", "warning")]);
            to.text(0, how, "text");
        }
    }
    to.blank();
}
