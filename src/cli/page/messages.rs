//! The conversations of a run, turn by turn: what is new in each, with tools where they were asked for.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Writing, html::Html};
use crate::{
    app::{
        document::{media_line, opaque},
        format, wrap,
    },
    model::{
        AssembledTrace, Content, ConversationMessage, Evaluation, Media, MediaData, Message, ModelCall, Part,
        Reasoning, Role, ToolCall, ToolRun, ToolStatus, json, secrets,
    },
};

/// A system prompt of more letters than this begins closed.
const LONG_PROMPT: usize = 400;
/// So many letters of a text stand beside the head of what is closed.
const PREVIEW: usize = 90;

/// Pictures that every browser shows, by their type.
const PICTURES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

/// What of a run was written already.
struct Told<'a> {
    trace: &'a AssembledTrace,
    turns: Vec<Option<usize>>,
    calls: Vec<bool>,
    tools: Vec<bool>,
}

/// Writes all that was said in a run, and what was done beside that.
pub fn write(html: &mut Html, writing: &mut Writing, trace: &AssembledTrace) {
    let (calls, tools) = (vec![false; trace.calls.len()], vec![false; trace.tools.len()]);
    let mut told = Told { trace, turns: trace.turns(), calls, tools };
    let several = trace.conversations.len() > 1;
    for conversation in &trace.conversations {
        let name = conversation.agent.as_deref().map(wrap::clean_line);
        match name {
            Some(name) if several => html.element("h3", "agent", &format!("Messages of {name}")),
            _ => html.markup("<h3>Messages</h3>\n"),
        }
        let mut turn = None;
        let earlier = conversation.messages.iter().filter(|said| is_told_earlier(said)).count();
        if earlier > 0 {
            let messages = if earlier == 1 { "message was" } else { "messages were" };
            html.element("p", "note", &format!("{earlier} earlier {messages} sent again and left out here"));
        }
        for said in conversation.messages.iter().filter(|said| !is_told_earlier(said)) {
            if turn != Some(said.turn) {
                turn = Some(said.turn);
                told.heading(html, said.turn);
            }
            told.message(html, writing, said);
        }
    }
    for at in 0..trace.calls.len() {
        if !told.calls[at] {
            told.heading(html, at);
            html.element("p", "note", "no messages came with this call");
        }
    }
    if told.tools.iter().any(|told| !told) {
        html.markup("<h3>Tools that no message asked for</h3>\n");
        for (run, _) in trace.tools.iter().zip(&told.tools).filter(|(_, told)| !**told) {
            tool(html, writing, run);
        }
    }
    searches(html, writing, trace);
    scores(html, &trace.evaluations);
}

/// What was sent along of earlier runs is theirs.
fn is_told_earlier(said: &ConversationMessage) -> bool {
    said.history && said.message.role != Role::System
}

impl Told<'_> {
    /// `turn 5  claude-sonnet-4-5  3.3s (first 0.6s)  in 22.9k (12% cached) out 196  $.064`
    fn heading(&mut self, html: &mut Html, at: usize) {
        let Some(call) = self.trace.calls.get(at).filter(|_| !self.calls[at]) else { return };
        self.calls[at] = true;
        let turn = self.turns.get(at).copied().flatten();
        html.markup("<div class=\"turn\">");
        html.element("b", "number", &turn.map_or_else(|| wrap::clean_line(&call.name), |turn| format!("turn {turn}")));
        for fact in facts(call) {
            html.element("span", "fact", &fact);
        }
        html.markup("</div>\n");
        if let Some(failure) = &call.failure {
            let kind = failure.kind.as_deref().unwrap_or("failed");
            let message = failure.message.as_deref().unwrap_or_default();
            html.block("failure", &format!("✗ {kind}: {message}"));
        }
    }

    fn message(&mut self, html: &mut Html, writing: &mut Writing, said: &ConversationMessage) {
        let message = &said.message;
        let role = message.role;
        // Results stand with the calls that asked for them.
        let parts: Vec<&Part> = message.parts.iter().filter(|part| !self.is_told(part)).collect();
        if parts.is_empty() {
            return;
        }
        if role == Role::System {
            let text: String = message.parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n");
            let open = text.chars().count() <= LONG_PROMPT;
            let note = if open { String::new() } else { preview(&text) };
            return html.fold("system", open, "system", &note, |html| {
                for part in parts {
                    self.part(html, writing, part, said);
                }
            });
        }
        let name = message.name.as_deref().map_or_else(String::new, |name| format!(" {}", wrap::clean_line(name)));
        html.element("p", &format!("role {}", role.as_str()), &format!("{}{name}", role.as_str()));
        html.markup("<div class=\"message\">\n");
        for part in parts {
            self.part(html, writing, part, said);
        }
        html.markup("</div>\n");
    }

    /// Whether a part is the result of a tool that was written already.
    fn is_told(&self, part: &Part) -> bool {
        let Content::Result(result) = &part.content else { return false };
        let is_of = |run: &ToolRun| run.call_id.is_some() && run.call_id == result.call_id && run.output.is_some();
        self.trace.tools.iter().zip(&self.tools).any(|(run, told)| *told && is_of(run))
    }

    fn part(&mut self, html: &mut Html, writing: &mut Writing, part: &Part, said: &ConversationMessage) {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => html.prose("say", text),
            Content::Reasoning(reasoning) => thought(html, reasoning),
            Content::Call(call) => match self.run_of(call, said) {
                Some(at) => {
                    self.tools[at] = true;
                    tool(html, writing, &self.trace.tools[at]);
                }
                None => html.fold("tool", false, &format!("→ {}", wrap::clean_line(&call.name)), "", |html| {
                    html.block("data", &json::to_pretty(&call.input));
                }),
            },
            Content::Result(result) => {
                let name = result.name.as_deref().map_or_else(|| "result".to_owned(), wrap::clean_line);
                let failed = result.is_error == Some(true);
                let class = if failed { "tool failed" } else { "tool" };
                html.fold(class, failed, &format!("← {name}"), "", |html| content(html, writing, &result.content));
            }
            Content::Media(_) | Content::Json(_) | Content::Unknown(_) => {
                content(html, writing, std::slice::from_ref(part));
            }
        }
        if part.hidden || part.truncated {
            html.element("p", "hidden", if part.hidden { "hidden by its sender" } else { "cut by its sender" });
        }
    }

    /// The tool at work that a call asked for, where that was not written yet.
    fn run_of(&self, call: &ToolCall, said: &ConversationMessage) -> Option<usize> {
        let free = |at: &usize| !self.tools[*at];
        let tools = &self.trace.tools;
        let by_id = (0..tools.len()).filter(free).find(|at| call.id.is_some() && tools[*at].call_id == call.id);
        by_id.or_else(|| {
            let is_of = |run: &ToolRun| run.name == call.name && run.called_by == Some(said.span);
            (0..tools.len()).filter(free).find(|at| call.id.is_none() && is_of(&tools[*at]))
        })
    }
}

fn facts(call: &ModelCall) -> Vec<String> {
    let model = call.response_model.as_deref().or(call.model.as_deref()).map(wrap::clean_line);
    let first = call.ttft.map_or_else(String::new, |first| format!(" (first {})", format::duration(first)));
    let took = call.ended.map(|ended| format!("{}{first}", format::duration(ended.since(call.started))));
    let tokens = call.usage.map(|usage| {
        let cached = usage.cached_share().filter(|share| *share > 0.0).map(format::percent);
        let cached = cached.map_or_else(String::new, |share| format!(" ({share} cached)"));
        format!("in {}{cached} out {}", format::known(usage.input()), format::known(usage.output))
    });
    let cost = match &call.cost {
        Some(cost) => Some(format::money(cost.total)),
        None if call.broke_off => Some("cost unknown".to_owned()),
        None => call.lacks_price().then(|| "unpriced".to_owned()),
    };
    let stop = call.stop_reason.as_deref().map(|stop| format!("finish: {}", wrap::clean_line(stop)));
    [model, took, tokens, cost, stop].into_iter().flatten().collect()
}

fn thought(html: &mut Html, reasoning: &Reasoning) {
    match &reasoning.text {
        Some(text) => html.fold("reasoning", false, "reasoning", &preview(text), |html| html.prose("say", text)),
        None => html.element("p", "hidden", &opaque(reasoning)),
    }
}

/// A tool with what it was called with and what it gave back.
fn tool(html: &mut Html, writing: &mut Writing, run: &ToolRun) {
    let failed = run.status == ToolStatus::Error;
    let took = run.started.zip(run.ended).map(|(from, until)| format::duration(until.since(from)));
    let arguments = run.input.as_str().map_or_else(|| json::to_pretty(&run.input), str::to_owned);
    let note = [took, Some(preview(&arguments))].into_iter().flatten().collect::<Vec<_>>().join("  ");
    let (class, mark) = if failed { ("tool failed", "✗ ") } else { ("tool", "") };
    html.fold(class, failed, &format!("{mark}{}", wrap::clean_line(&run.name)), &note, |html| {
        html.element("p", "label", "called with");
        html.block("data", &arguments);
        match (&run.output, &run.error) {
            (Some(output), _) => {
                html.element("p", "label", "gave back");
                content(html, writing, output);
            }
            (None, Some(error)) => html.block("failure", error),
            (None, None) => html.element("p", "waits", "no result was recorded"),
        }
    });
}

fn content(html: &mut Html, writing: &mut Writing, parts: &[Part]) {
    for part in parts {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => html.block("data", text),
            Content::Json(value) | Content::Unknown(value) => html.block("data", &json::to_pretty(value)),
            Content::Media(media) => picture(html, writing, media),
            Content::Reasoning(reasoning) => thought(html, reasoning),
            Content::Call(call) => html.block("data", &json::to_pretty(&call.input)),
            Content::Result(result) => content(html, writing, &result.content),
        }
    }
}

/// A picture itself where a browser shows it; of all else what it is.
fn picture(html: &mut Html, writing: &mut Writing, media: &Media) {
    html.element("p", "note", &media_line(media));
    let mime = media.mime.as_deref().map(str::to_ascii_lowercase);
    let Some(mime) = PICTURES.iter().find(|known| mime.as_deref() == Some(**known)) else { return };
    let bytes = match &media.data {
        MediaData::Stored { sha256, bytes, .. } => writing.picture(sha256, *bytes),
        MediaData::Inline(_) | MediaData::Uri(_) | MediaData::Absent => None,
    };
    if let Some(bytes) = bytes {
        html.markup("<img alt=\"");
        html.text(&media_line(media));
        html.markup(&format!("\" src=\"data:{mime};base64,{}\">\n", STANDARD.encode(bytes)));
    }
}

fn searches(html: &mut Html, writing: &mut Writing, trace: &AssembledTrace) {
    if trace.retrievals.is_empty() {
        return;
    }
    html.markup("<h3>Searches</h3>\n");
    for search in &trace.retrievals {
        let took = search.ended.map_or_else(String::new, |ended| format::duration(ended.since(search.started)));
        let class = if search.failed { "tool failed" } else { "tool" };
        html.fold(class, false, &wrap::clean_line(&search.name), &took, |html| {
            for (what, messages) in [("asked", &search.asked), ("found", &search.found)] {
                if !messages.is_empty() {
                    html.element("p", "label", what);
                }
                for message in messages.iter().map(AsRef::<Message>::as_ref) {
                    content(html, writing, &message.parts);
                }
            }
        });
    }
}

fn scores(html: &mut Html, evaluations: &[Evaluation]) {
    if evaluations.is_empty() {
        return;
    }
    html.markup("<h3>Scores</h3>\n");
    for evaluation in evaluations {
        let score = evaluation.score.map(|score| score.to_string());
        let judge = evaluation.judge.as_deref().map(|judge| format!("by {judge}"));
        let facts =
            [score, evaluation.label.clone(), judge, evaluation.failure.clone(), evaluation.explanation.clone()];
        let facts = facts.into_iter().flatten().collect::<Vec<_>>().join("  ");
        html.markup("<p><b>");
        html.text(&wrap::clean_line(&evaluation.name));
        html.markup("</b>");
        html.element("span", "note", &facts);
        html.markup("</p>\n");
    }
}

fn text_of(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => Some(text),
        _ => None,
    }
}

/// The beginning of a text, on one line.
fn preview(text: &str) -> String {
    let line: String = text.split_whitespace().take(PREVIEW).collect::<Vec<_>>().join(" ");
    // Before it is cut: a part of a secret no longer looks like one.
    let (line, _) = secrets::hide(&line);
    wrap::cut(&wrap::clean_line(&line), PREVIEW)
}
