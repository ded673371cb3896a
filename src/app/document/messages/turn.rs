//! One turn: the rule above it, then the messages that are new in it.

use super::super::build::Builder;
use super::super::parts::{self, Prose};
use super::super::{Anchor, Run, runs};
use super::{Scene, block};
use crate::app::{format, wrap};
use crate::model::{Content, Conversation, ConversationMessage, ModelCall, Part, Reasoning, Role, TokenUsage};
use crate::slots::Slot;

/// A system prompt of more lines than this starts folded.
const LONG_PROMPT: usize = 6;

/// `── turn 5 · model · 3.3s · in 22.9k (12% cached) out 196 · $.064 ──`; what it cost is the last to go.
pub fn rule(to: &mut Builder, turn: Option<usize>, call: &ModelCall) {
    to.blank();
    to.anchor(Anchor::Span(call.span));
    let model = call.model.as_deref().map(|model| wrap::clean_line(format::model(model)));
    let took = call.ended.map_or_else(|| "running".to_owned(), |ended| format::duration(ended.since(call.started)));
    let usage = call.usage.as_ref();
    let split = usage.map(|usage| format!("in {} out {}", format::known(usage.input()), format::known(usage.output)));
    let share = usage.and_then(TokenUsage::cached_share).filter(|share| *share > 0.0).map(format::percent);
    let cached = share.zip(usage).map(|(share, usage)| {
        format!("in {} ({share} cached) out {}", format::known(usage.input()), format::known(usage.output))
    });
    let tokens = usage.and_then(TokenUsage::total).map(|total| format!("{} tokens", format::count(total)));
    let cost = match &call.cost {
        Some(cost) => Some(format::money(cost.total)),
        None => call.unpriced.then(|| "unpriced".to_owned()),
    };
    let head = Some(format!("── {}", runs::turn(turn, call)));
    let (took, none) = (Some(took), None);
    let forms = [
        [&head, &model, &took, if cached.is_some() { &cached } else { &split }, &cost],
        [&head, &model, &took, &split, &cost],
        [&head, &model, &took, &tokens, &cost],
        [&head, &none, &took, &split, &cost],
        [&head, &none, &took, &tokens, &cost],
        [&head, &none, &took, &none, &cost],
        [&head, &none, &none, &none, &cost],
    ];
    let text = to.fitting(forms.map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · ")));
    to.rule(vec![Run::new(format!("{text} "), Slot::MessageTurn)], vec![], Slot::MessageTurn);
}

/// Shows a message at its place: the thread in the trace, the message in the thread.
pub fn message<'a>(
    to: &mut Builder,
    scene: &mut Scene<'a>,
    said: &'a ConversationMessage,
    (thread, index): (usize, usize),
) {
    let message = &said.message;
    let name = |part: usize| format!("message {} {} {index} {part}", scene.trace.trace, said.span);
    if message.role == Role::System {
        return system(to, scene, message.parts.as_slice(), name(0));
    }
    if (0..message.parts.len()).all(|part| scene.pairs.is_told((thread, index, part))) {
        return;
    }
    to.gap();
    let mut headed = false;
    for (position, part) in message.parts.iter().enumerate() {
        let spot = (thread, index, position);
        match &part.content {
            Content::Call(call) => block::call(to, scene, name(position), call, spot),
            Content::Result(_) if scene.pairs.is_told(spot) => {}
            Content::Result(result) => block::result(to, scene, name(position), result),
            Content::Reasoning(reasoning) => fold_reasoning(to, reasoning, name(position)),
            _ => {
                if !headed {
                    speaker(to, said, scene);
                    headed = true;
                }
                let prose = if message.role == Role::Tool { Prose::Plain(Slot::Text) } else { Prose::Markdown };
                parts::content(to, 4, part, prose);
            }
        }
    }
}

fn fold_reasoning(to: &mut Builder, reasoning: &Reasoning, name: String) {
    // Only the model's own words stand in quotation marks.
    let words = match &reasoning.text {
        Some(text) => Run::new(format!("\"{}\"", parts::first_line(text)), Slot::Dim),
        None => Run::new(parts::opaque(reasoning), Slot::MessageHidden),
    };
    if to.fold(name, false, 2, vec![Run::new("reasoning  ", Slot::MessageReasoning), words], vec![]) {
        parts::reasoning_text(to, 6, reasoning);
    }
}

fn speaker(to: &mut Builder, said: &ConversationMessage, scene: &Scene) {
    let (word, slot) = match said.message.role {
        Role::System => ("system", Slot::MessageSystem),
        Role::User => ("user", Slot::MessageUser),
        Role::Assistant => ("assistant", Slot::MessageAssistant),
        Role::Tool => ("tool", Slot::MessageTool),
    };
    let mut left = vec![Run::new(format!("  {word}"), slot)];
    if let Some(name) = &said.message.name {
        left.push(Run::new(format!(" {}", wrap::clean_line(name)), Slot::Dim));
    }
    let stop = scene.trace.calls.get(said.turn).and_then(|call| call.stop_reason.as_deref());
    let right = match stop {
        Some(stop) if said.message.role == Role::Assistant => {
            let slot = if is_ordinary(stop) { Slot::Dim } else { Slot::Warning };
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

fn system<'a>(to: &mut Builder, scene: &mut Scene<'a>, prompt: &'a [Part], name: String) {
    to.gap();
    let known = scene.told.prompts.iter().find(|(_, known)| *known == prompt).map(|(run, _)| *run);
    if let Some(run) = known.filter(|run| Some(*run) != scene.number) {
        let head = vec![Run::new("system  ", Slot::MessageSystem), Run::new(format!("as in run {run}"), Slot::Dim)];
        if to.fold(name, false, 2, head, vec![]) {
            show_prompt(to, prompt);
        }
        return;
    }
    scene.told.prompts.extend(scene.number.filter(|_| known.is_none()).map(|run| (run, prompt)));
    let long = prompt.iter().map(|part| lines_of(part, to.width)).sum::<usize>() > LONG_PROMPT;
    let head = vec![Run::new("system  ", Slot::MessageSystem), Run::new(parts::preview(prompt), Slot::Dim)];
    if long {
        if !to.fold(name, false, 2, head, vec![]) {
            return;
        }
    } else {
        to.line(vec![Run::new("  system", Slot::MessageSystem)]);
    }
    show_prompt(to, prompt);
}

fn show_prompt(to: &mut Builder, prompt: &[Part]) {
    for part in prompt {
        parts::content(to, 4, part, Prose::Plain(Slot::Text));
    }
}

/// About how many lines a part takes.
fn lines_of(part: &Part, width: usize) -> usize {
    match &part.content {
        Content::Text(text) => text.lines().map(|line| 1 + line.len() / width.max(1)).sum(),
        _ => 1,
    }
}

/// Messages that came in with a request: one dim line until opened.
pub fn earlier(to: &mut Builder, thread: &Conversation, from: usize, count: usize) {
    let name = format!("history {} {from}", thread.id.1);
    let words = if count == 1 { "1 earlier message" } else { &format!("{count} earlier messages") };
    let again = format!("{words}, sent again with this request");
    let words = if wrap::width(&again) + 4 > to.width { words } else { &again };
    to.gap();
    if !to.fold(name, false, 2, vec![Run::new(words, Slot::MessageHistory)], vec![]) {
        return;
    }
    for said in thread.messages.iter().skip(from).take(count) {
        if said.message.role != Role::Tool {
            to.line(vec![parts::pad(4), Run::new(said.message.role.as_str(), Slot::MessageHistory)]);
        }
        for part in &said.message.parts {
            match &part.content {
                Content::Call(call) => {
                    let called = format!("→ {}", wrap::clean_line(&call.name));
                    to.line(vec![parts::pad(6), Run::new(called, Slot::MessageHistory)]);
                    parts::arguments(to, 8, call);
                }
                Content::Reasoning(reasoning) => {
                    to.line(vec![parts::pad(6), Run::new("reasoning", Slot::MessageHistory)]);
                    parts::reasoning_text(to, 8, reasoning);
                }
                Content::Result(result) => block::earlier(to, result, Slot::MessageHistory),
                _ => parts::content(to, 6, part, Prose::Plain(Slot::MessageHistory)),
            }
        }
    }
}
