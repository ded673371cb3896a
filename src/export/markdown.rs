//! What happened, as Markdown for people and for models to read: what failed first, then turn by turn, cut to a number of
//! tokens.
//!
//! Where there is too much, the longest texts are cut first, in their middle, all to one length; if even that is too much,
//! messages in the middle are left out. What was left out is said where it stood.

mod fit;

use std::fmt::Write as _;

use serde::Serialize as _;

use super::parts::Plain;
use crate::model::{
    AssembledTrace, Content, ConversationMessage, ModelCall, Part, Role, RunState, Timestamp, ToolRun, ToolStatus,
    Value,
};
pub use fit::Written;
use fit::{Piece, fit};

/// Bytes of text that are about one token.
const TOKEN: usize = 4;

/// What is written of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One turn of the only trace: the call of this place among its calls.
    Turn(usize),
    /// All of the traces.
    Whole,
}

/// Writes traces of one session, or one trace. `tokens`: about how many the document may have; `now`: runs are in the state
/// that they have at this moment.
#[must_use]
pub fn write(title: &str, traces: &[&AssembledTrace], scope: Scope, tokens: usize, now: Timestamp) -> Written {
    let mut pieces = vec![Piece::fixed(format!("# {}\n", one_line(title)))];
    let several = traces.len() > 1;
    for (at, trace) in traces.iter().enumerate() {
        if several {
            let question = trace.question.as_deref().or(trace.name.as_deref()).unwrap_or_default();
            pieces.push(Piece::fixed(format!("\n## Run {}: {}\n", at + 1, one_line(question))));
        }
        of_trace(trace, scope, several, now, &mut pieces);
    }
    fit(&pieces, tokens.saturating_mul(TOKEN))
}

fn of_trace(trace: &AssembledTrace, scope: Scope, several: bool, now: Timestamp, pieces: &mut Vec<Piece>) {
    let level = if several { "###" } else { "##" };
    if scope == Scope::Whole {
        pieces.push(Piece::fixed(facts(trace, now)));
        failures(trace, level, pieces);
    }
    let turns = trace.turns();
    let wanted = |at: usize| match scope {
        Scope::Turn(turn) => at == turn,
        Scope::Whole => true,
    };
    let mut shown = vec![false; trace.calls.len()];
    for conversation in &trace.conversations {
        if trace.conversations.len() > 1 && scope == Scope::Whole {
            let name = conversation.agent.as_deref().unwrap_or("conversation");
            pieces.push(Piece::fixed(format!("\n{level} {}\n", one_line(name))));
        }
        let mut turn = None;
        for said in conversation.messages.iter().filter(|said| wanted(said.turn)) {
            // What was sent along of earlier runs is theirs.
            if said.history && said.message.role != Role::System {
                continue;
            }
            if turn != Some(said.turn) {
                turn = Some(said.turn);
                if let Some(call) = trace.calls.get(said.turn) {
                    shown[said.turn] = true;
                    pieces.push(Piece::fixed(heading(level, turns.get(said.turn).copied().flatten(), call)));
                }
            }
            message(said, trace, pieces);
        }
    }
    for (at, call) in trace.calls.iter().enumerate().filter(|(at, _)| wanted(*at)) {
        if !shown[at] {
            pieces.push(Piece::fixed(heading(level, turns.get(at).copied().flatten(), call)));
            pieces.push(Piece::fixed("\nNo messages came with this call.\n".to_owned()));
        }
    }
}

/// What is known of a run, one fact a line.
fn facts(trace: &AssembledTrace, now: Timestamp) -> String {
    let mut out = String::from("\n");
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = writeln!(out, "- {name}: {}", one_line(&value));
        }
    };
    let state = match trace.run_state(now) {
        RunState::Done => "ok",
        RunState::Recovered => "ok, though a step failed",
        RunState::Failed => "failed",
        RunState::NeverEnded => "never ended",
        RunState::Running => "running",
    };
    fact("state", Some(state.to_owned()));
    fact("started", trace.started.known().map(|at| at.to_string()));
    fact("took", trace.ended.map(|ended| seconds(ended.since(trace.started))));
    let totals = &trace.totals;
    fact("model calls", (totals.model_calls > 0).then(|| totals.model_calls.to_string()));
    let tools = match totals.failed_tools {
        0 => totals.tool_calls.to_string(),
        failed => format!("{} ({failed} failed)", totals.tool_calls),
    };
    fact("tool calls", (totals.tool_calls > 0).then_some(tools));
    fact("tokens", totals.usage.total().map(|tokens| tokens.to_string()));
    fact("cost", totals.cost_if_known().map(|cost| format!("${:.4}", cost.dollars())));
    fact("framework", trace.context.framework.clone());
    fact("service", trace.service.clone());
    fact("session", trace.context.session.clone());
    fact("trace", Some(trace.trace.to_string()));
    out
}

/// What failed, and the tool calls that did: what somebody who is asked for help needs before all else.
fn failures(trace: &AssembledTrace, level: &str, pieces: &mut Vec<Piece>) {
    let failed = trace.tools.iter().filter(|run| run.status == ToolStatus::Error);
    if trace.errors.is_empty() && failed.clone().next().is_none() {
        return;
    }
    pieces.push(Piece::fixed(format!("\n{level} What failed\n")));
    for error in trace.errors.iter().take(FAILURES) {
        let failure = &error.failure;
        let name = trace.tree.nodes.iter().find(|node| node.id == error.span).map(|node| node.name.as_str());
        let kind = failure.kind.as_deref().unwrap_or("failed");
        let first = format!("\n{}: {}\n", one_line(name.unwrap_or("a step")), one_line(kind));
        let body = [failure.message.as_deref(), failure.stack.as_deref()].into_iter().flatten();
        let body = body.collect::<Vec<_>>().join("\n");
        pieces.push(Piece::fenced(first, body).kept());
    }
    if trace.errors.len() > FAILURES {
        pieces.push(Piece::fixed(format!("\n{} more failures.\n", trace.errors.len() - FAILURES)));
    }
    // The same failure, with what the tool was asked.
    for run in failed.take(FAILURES) {
        let first = format!("\n`{}` was called with\n", code(&run.name));
        pieces.push(Piece::fenced(first, json(&run.input)).kept());
    }
}

/// So many failures are named one by one.
const FAILURES: usize = 5;

/// `## Turn 5 · claude-sonnet-4-5 · 3.3 s`
fn heading(level: &str, turn: Option<usize>, call: &ModelCall) -> String {
    let mut text = turn.map_or_else(|| call.name.clone(), |turn| format!("Turn {turn}"));
    let model = call.response_model.as_deref().or(call.model.as_deref());
    let took = call.ended.map(|ended| seconds(ended.since(call.started)));
    let tokens = call.usage.and_then(|usage| usage.total()).map(|tokens| format!("{tokens} tokens"));
    for fact in [model.map(str::to_owned), took, tokens, call.stop_reason.clone()].into_iter().flatten() {
        let _ = write!(text, " · {fact}");
    }
    format!("\n{level} {}\n", one_line(&text))
}

fn message(said: &ConversationMessage, trace: &AssembledTrace, pieces: &mut Vec<Piece>) {
    let message = &said.message;
    let speaker = message.name.as_deref().map_or_else(String::new, |name| format!(" ({})", one_line(name)));
    let mut head = format!("\n**{}{speaker}**\n\n", message.role.as_str());
    for part in &message.parts {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => {
                pieces.push(Piece::text(std::mem::take(&mut head), text));
            }
            Content::Reasoning(reasoning) => {
                if let Some(text) = &reasoning.text {
                    pieces.push(Piece::text("\n*reasoning*\n\n".to_owned(), text));
                }
            }
            Content::Call(call) => {
                let first = format!("\n→ `{}`\n", code(&call.name));
                pieces.push(Piece::fenced(first, json(&call.input)));
            }
            Content::Result(result) => {
                let of = |run: &&ToolRun| run.call_id.is_some() && run.call_id == result.call_id;
                let run = trace.tools.iter().find(of);
                let name = result.name.as_deref().or_else(|| run.map(|run| run.name.as_str())).unwrap_or("result");
                let failed = result.is_error == Some(true) || run.is_some_and(|run| run.status == ToolStatus::Error);
                let mark = if failed { " failed" } else { "" };
                let first = format!("\n← `{}`{mark}\n", code(name));
                pieces.push(Piece::fenced(first, text_of(&result.content)));
            }
            Content::Media(_) | Content::Json(_) | Content::Unknown(_) => {
                pieces.push(Piece::fenced(std::mem::take(&mut head), text_of(std::slice::from_ref(part))));
            }
        }
    }
}

/// The text of some parts; of media what they are.
fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().map(|part| match &part.content {
        Content::Text(text) | Content::Refusal(text) => text.clone(),
        Content::Json(value) | Content::Unknown(value) => json(value),
        Content::Media(media) => {
            format!("[{} {}]", media.kind.as_str(), media.mime.as_deref().unwrap_or_default()).replace(" ]", "]")
        }
        Content::Reasoning(reasoning) => reasoning.text.clone().unwrap_or_default(),
        Content::Call(call) => format!("{} {}", call.name, json(&call.input)),
        Content::Result(result) => text_of(&result.content),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// A text as it is, any other value as indented JSON.
fn json(value: &Value) -> String {
    if let Value::String(text) = value {
        return text.clone();
    }
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut out);
    if Plain(value).serialize(&mut writer).is_err() {
        return String::new();
    }
    String::from_utf8(out).unwrap_or_default()
}

fn seconds(duration: std::time::Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A text in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name between backticks.
fn code(name: &str) -> String {
    one_line(name).replace('`', "'")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Conversation, ConversationId, Message, SpanId, ToolCall, ToolResult, TraceId};

    fn trace(messages: Vec<Message>) -> AssembledTrace {
        let span = SpanId::from_bytes(&[2; 8]).unwrap();
        let id = TraceId::from_bytes(&[1; 16]).unwrap();
        let calls = vec![ModelCall { model: Some("sonnet".into()), ..ModelCall::sample(span, Timestamp(1)) }];
        let said = |message| ConversationMessage::new(Arc::new(message), Timestamp(1), span, 0);
        let messages = messages.into_iter().map(said).collect();
        let conversation = Conversation { id: ConversationId(id, span), agent: None, opened_by: None, messages };
        AssembledTrace { calls, conversations: vec![conversation], ..AssembledTrace::sample(id, Timestamp(1)) }
    }

    fn written(trace: &AssembledTrace, tokens: usize) -> Written {
        write("a run", &[trace], Scope::Whole, tokens, Timestamp(u64::MAX))
    }

    #[test]
    fn messages_calls_and_results_stand_in_order() {
        let call = ToolCall {
            id: Some("c1".into()),
            item_id: None,
            name: "weather".into(),
            input: Value::Map(vec![("city".into(), "Oslo".into())]),
            server_side: false,
        };
        let result = ToolResult {
            call_id: Some("c1".into()),
            name: None,
            is_error: Some(true),
            content: vec![Part::text("```no```")],
        };
        let trace = trace(vec![
            Message::text(Role::User, "How is it?"),
            Message::new(Role::Assistant, vec![Part::text("I look."), Part::new(Content::Call(call))]),
            Message::new(Role::Tool, vec![Part::new(Content::Result(result))]),
        ]);
        let Written { text, is_cut } = written(&trace, 10_000);
        let (_, text) = text.split_once("## Turn 1 · sonnet\n").unwrap();
        assert!(!is_cut);
        assert_eq!(
            text,
            "\n**user**\n\nHow is it?\n\n**assistant**\n\nI look.\n\n→ `weather`\n```\n{\n  \"city\": \"Oslo\"\n}\n```\n\n← `result` failed\n````\n```no```\n````\n"
        );
    }

    #[test]
    fn the_longest_text_is_cut_first_and_short_ones_stay() {
        let trace = trace(vec![
            Message::text(Role::User, "short question"),
            Message::text(Role::Assistant, format!("begin {} end", "x".repeat(50_000))),
            Message::text(Role::User, "thanks"),
        ]);
        let Written { text, is_cut } = written(&trace, 1_000);
        assert!(is_cut && text.len() < 4_400, "{}", text.len());
        for kept in ["short question", "begin x", "x end", "characters left out", "thanks"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }

    #[test]
    fn of_very_many_messages_the_middle_is_left_out() {
        let many = (0..5_000).map(|n| Message::text(Role::User, format!("message {n} {}", "y".repeat(100)))).collect();
        let Written { text, is_cut } = written(&trace(many), 2_000);
        assert!(is_cut && text.len() < 9_000, "{}", text.len());
        assert!(text.contains("message 0 ") && text.contains("message 4999 ") && text.contains("parts left out"));
    }
}
