//! One turn: the rule above it, then the messages that are new in it.

use super::super::build::Builder;
use super::super::line::Piece;
use super::super::parts::{self, Prose};
use super::super::runs;
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{
    AssembledTrace, Content, ConversationMessage, ModelCall, Part, Reasoning, Role, RunState, TokenUsage,
};
use crate::slots::Slot;

/// A system prompt of more lines than this starts folded.
const LONG_PROMPT: usize = 6;

/// `── turn 5 · model · 3.3s · in 22.9k (12% cached) out 196 · $.064 ──`; what it cost is the last to go.
pub fn rule(to: &mut Builder, trace: &AssembledTrace, turn: Option<usize>, call: &ModelCall) {
    to.blank();
    to.anchor(call.span);
    let model = call.model.as_deref().map(|model| wrap::clean_line(format::model(model)));
    let took = took(to, trace, call);
    let first = first_token(call).map(|first| format!("{took} {first}"));
    let usage = call.usage.as_ref();
    let split = usage.map(|usage| format!("in {} out {}", format::known(usage.input()), format::known(usage.output)));
    let share = usage.and_then(TokenUsage::cached_share).filter(|share| *share > 0.0).map(format::percent);
    let cached = share.zip(usage).map(|(share, usage)| {
        format!("in {} ({share} cached) out {}", format::known(usage.input()), format::known(usage.output))
    });
    let tokens = usage.and_then(TokenUsage::total).map(|total| format!("{} tokens", format::count(total)));
    let cost = match &call.cost {
        Some(cost) => Some(format::money(cost.total)),
        None if call.broke_off => Some("cost unknown".to_owned()),
        None => call.lacks_price().then(|| "unpriced".to_owned()),
    };
    let head = Some(format!("── {}", runs::turn(turn, call)));
    let (took, none) = (Some(took), None);
    let timed = if first.is_some() { &first } else { &took };
    let forms = [
        [&head, &model, timed, if cached.is_some() { &cached } else { &split }, &cost],
        [&head, &model, timed, &split, &cost],
        [&head, &model, &took, if cached.is_some() { &cached } else { &split }, &cost],
        [&head, &model, &took, &split, &cost],
        [&head, &model, &took, &tokens, &cost],
        [&head, &none, &took, &split, &cost],
        [&head, &none, &took, &tokens, &cost],
        [&head, &none, &took, &none, &cost],
        [&head, &none, &none, &none, &cost],
    ];
    let text = to.fitting(forms.map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · ")));
    to.rule(vec![Styled::new(format!("{text} "), Slot::MessageTurn)], vec![], Slot::MessageTurn);
    if let Some(dropped) = format::dropped(call.dropped) {
        let text = to.fitting([
            format!("  its sender dropped {dropped}: not all of it is here"),
            format!("  its sender dropped {dropped}"),
        ]);
        to.wrapped(2, 0, &[Styled::new(text.trim_start(), Slot::Warning)]);
    }
}

/// `3.3s`; of a call without an end how long it has been under way.
fn took(to: &mut Builder, trace: &AssembledTrace, call: &ModelCall) -> String {
    if let Some(ended) = call.ended {
        return format::duration(ended.since(call.started));
    }
    let now = to.now();
    match trace.run_state(now) {
        RunState::Running => format!("running {}", format::whole_seconds(now.since(call.started))),
        _ => "never ended".to_owned(),
    }
}

/// `(first 0.6s) · 114 tok/s`: when the first token came, and how fast the others did; `None` where the sender does not
/// say so.
fn first_token(call: &ModelCall) -> Option<String> {
    let first = call.ttft?;
    let rest = call.ended.map(|ended| ended.since(call.started).saturating_sub(first)).unwrap_or_default();
    let output = call.usage.and_then(|usage| usage.output).filter(|output| *output > 1);
    // Of what came almost at once a rate means nothing.
    let millis = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
    let rate = output.filter(|_| millis >= 100).map(|output| (output - 1).saturating_mul(1000) / millis);
    let rate = rate.filter(|rate| *rate > 0).map(|rate| format!(" · {} tok/s", format::count(rate)));
    Some(format!("(first {}){}", format::duration(first), rate.unwrap_or_default()))
}

pub fn reasoning(to: &mut Builder, reasoning: &Reasoning, name: String) {
    // Quotation marks show that the model wrote the text.
    let beginning = match &reasoning.text {
        Some(text) => Styled::new(format!("\"{}\"", parts::first_line(text)), Slot::Dim),
        None => Styled::new(parts::opaque(reasoning), Slot::MessageHidden),
    };
    if to.fold(name, false, 2, vec![Styled::new("reasoning  ", Slot::MessageReasoning), beginning], vec![]) {
        to.piece(Piece::Text);
        parts::reasoning_text(to, 6, reasoning);
    }
}

/// `  assistant                    finish: tool_use`, above the message's text.
pub fn role(to: &mut Builder, trace: &AssembledTrace, at: &ConversationMessage) {
    let role = at.message.role;
    let mut left = vec![Styled::new(format!("  {}", role.as_str()), parts::role_slot(role))];
    if let Some(name) = &at.message.name {
        left.push(Styled::new(format!(" {}", wrap::clean_line(name)), Slot::Dim));
    }
    let stop = trace.calls.get(at.turn).and_then(|call| call.stop_reason.as_deref());
    let right = match stop {
        Some(stop) if at.message.role == Role::Assistant => {
            let slot = if is_ordinary(stop) { Slot::Dim } else { Slot::Warning };
            vec![Styled::new(format!("finish: {} ", wrap::clean_line(stop)), slot)]
        }
        _ => vec![],
    };
    to.spread(left, right);
}

/// Whether a finish reason is a usual one, which needs no attention.
fn is_ordinary(stop: &str) -> bool {
    let letters: String = stop.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    ["stop", "endturn", "tooluse", "toolcalls", "toolcall", "stopsequence", "complete", "completed", "end"]
        .contains(&letters.as_str())
}

/// A system prompt. `as_in_run`: the number of an earlier run of the session that began with the same.
pub fn system(to: &mut Builder, prompt: &[Part], name: String, as_in_run: Option<u64>) {
    to.gap();
    if let Some(run) = as_in_run {
        let head =
            vec![Styled::new("system  ", Slot::MessageSystem), Styled::new(format!("as in run {run}"), Slot::Dim)];
        if to.fold(name, false, 2, head, vec![]) {
            show_prompt(to, prompt);
        }
        return;
    }
    let mut lines = prompt.iter().map(|part| lines_of(part, to.width));
    let mut total = 0;
    if lines.any(|lines| {
        total += lines;
        total > LONG_PROMPT
    }) {
        let head = vec![Styled::new("system  ", Slot::MessageSystem), Styled::new(parts::preview(prompt), Slot::Dim)];
        if !to.fold(name, false, 2, head, vec![]) {
            return;
        }
    } else {
        to.line(vec![Styled::new("  system", Slot::MessageSystem)]);
    }
    show_prompt(to, prompt);
}

fn show_prompt(to: &mut Builder, prompt: &[Part]) {
    to.piece(Piece::Text);
    for part in prompt {
        parts::content(to, 4, part, Prose::Markdown);
    }
}

/// About how many lines a part takes; of a long one enough to know that it is.
fn lines_of(part: &Part, width: usize) -> usize {
    match &part.content {
        Content::Text(text) => text.lines().take(LONG_PROMPT + 1).map(|line| 1 + line.len() / width.max(1)).sum(),
        _ => 1,
    }
}

/// Messages of a request that are not of this run: one dim line until opened. `answered`: among them is an answer of an
/// earlier run of the session. Where there is none, they may also be examples that a program wrote, so that nothing is
/// claimed about where they come from.
pub fn earlier(to: &mut Builder, messages: &[ConversationMessage], name: String, answered: bool) {
    let count = if messages.len() == 1 { "1 message" } else { &format!("{} messages", messages.len()) };
    // All of a block are rewritten, or none.
    let (short, long) = if messages.first().is_some_and(|at| at.rewritten) {
        (format!("context rewritten: {count}"), format!("context rewritten: {count} in place of what was sent before"))
    } else if answered {
        (format!("{count} of earlier runs"), format!("{count} of earlier runs, sent along with this request"))
    } else {
        (format!("{count} sent along"), format!("{count} sent along with this request"))
    };
    let line = if wrap::width(&long) + 4 > to.width { short } else { long };
    to.gap();
    if !to.fold(name, false, 2, vec![Styled::new(line, Slot::MessageHistory)], vec![]) {
        return;
    }
    for at in messages {
        if at.message.role != Role::Tool {
            to.line(vec![parts::pad(4), Styled::new(at.message.role.as_str(), Slot::MessageHistory)]);
        }
        parts::as_sent(to, 6, &at.message.parts, Slot::MessageHistory, Slot::MessageHistory);
    }
}
