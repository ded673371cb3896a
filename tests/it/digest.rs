//! A transcript as a page that a person can review in a diff: who wrote what, which tools ran, what was counted.
//!
//! What repeats something on the same page is folded: history, a prompt or tools that an earlier trace had, a tool that
//! ran as the conversation shows it; and spans that do no agent's work are counted by name. What is folded is held by
//! tests of its own (`invariants.rs`).

use std::{collections::HashSet, fmt::Write as _};

use serde_json::Value;

use crate::replay::list;

/// Categories of spans that are shown only where something is to be said of them.
const INFRASTRUCTURE: &[&str] = &["span", "chain", "http", "db", "messaging"];

/// The page of one transcript document.
pub fn digest(transcript: &Value) -> String {
    let mut page = Page::default();
    for trace in list(&transcript["traces"]) {
        page.trace(trace);
    }
    for session in list(&transcript["sessions"]) {
        let ids = list(&session["trace_ids"]).len();
        let users: Vec<String> = list(&session["user_ids"]).iter().map(plain).collect();
        let (id, totals) = (plain(&session["session_id"]), totals(&session["totals"]));
        page.line(0, &format!("session {id} · users {users:?} · {ids} traces · {totals}"));
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
    /// What stands on it: system prompts and lists of tools.
    shown: HashSet<String>,
}

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.text, "{}{text}", "  ".repeat(depth));
    }

    fn trace(&mut self, trace: &Value) {
        let facts = ["status", "session_id", "user_id", "service", "framework", "environment"];
        let facts: Vec<String> = facts
            .iter()
            .filter(|key| !trace[**key].is_null())
            .map(|key| format!("{key} {}", plain(&trace[*key])))
            .collect();
        let kind = if trace["adopted_by"].is_null() { "trace" } else { "adopted" };
        self.line(0, &format!("{kind} {} · {}", plain(&trace["name"]), facts.join(" · ")));
        let offered = self.offered(list(&trace["tool_definitions"]));
        self.line(1, &format!("{}{offered}", totals(&trace["totals"])));
        self.spans(list(&trace["spans"]));
        for conversation in list(&trace["threads"]) {
            self.conversation(conversation);
        }
        self.tools(trace);
        for error in list(&trace["errors"]) {
            self.line(1, &format!("error {}: {}", plain(&error["type"]), short(&plain(&error["message"]))));
        }
    }

    /// The tree of the spans, each beneath the nearest one that is shown, equal neighbours on one line.
    fn spans(&mut self, spans: &[Value]) {
        let (mut lines, mut folded) = (Vec::new(), Vec::new());
        let is_top = |span: &&Value| !spans.iter().any(|other| other["span_id"] == span["parent_span_id"]);
        let mut open: Vec<(&Value, usize)> = spans.iter().filter(is_top).rev().map(|span| (span, 1)).collect();
        while let Some((span, depth)) = open.pop() {
            let is_folded = is_folded(span);
            if is_folded {
                count(&mut folded, plain(&span["name"]), true);
            } else {
                count(&mut lines, format!("{}{}", "  ".repeat(depth), self::span(span)), false);
            }
            let children = spans.iter().filter(|other| other["parent_span_id"] == span["span_id"]);
            open.extend(children.rev().map(|child| (child, depth + usize::from(!is_folded))));
        }
        for (line, times) in lines {
            self.line(0, &if times > 1 { format!("{line} ×{times}") } else { line });
        }
        if !folded.is_empty() {
            let number: usize = folded.iter().map(|(_, times)| times).sum();
            // The most frequent; of equals the first.
            folded.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
            let names = folded.iter().take(5).map(|(name, times)| format!("{name} ×{times}"));
            let more = if folded.len() > 5 { ", …" } else { "" };
            self.line(1, &format!("and {number}: {}{more}", names.collect::<Vec<_>>().join(", ")));
        }
    }

    fn conversation(&mut self, conversation: &Value) {
        let opened = if conversation["opened_by"].is_null() { "" } else { " (sub-agent)" };
        self.line(1, &format!("conversation of {}{opened}", plain(&conversation["agent"])));
        let mut before: Vec<(String, usize)> = Vec::new();
        for message in list(&conversation["messages"]) {
            let role = plain(&message["role"]);
            if message["history"] == true {
                count(&mut before, role, true);
                continue;
            }
            let parts: Vec<String> = list(&message["parts"]).iter().map(part).collect();
            if role == "system" && !self.shown.insert(parts.join("\n")) {
                count(&mut before, role, true);
                continue;
            }
            self.before(&mut before);
            for (at, part) in parts.iter().enumerate() {
                self.line(2, &if at == 0 { format!("{role} {part}") } else { format!("  {part}") });
            }
        }
        self.before(&mut before);
    }

    /// How many messages of history there are, by role, and system prompts that stand further up on the page.
    fn before(&mut self, before: &mut Vec<(String, usize)>) {
        if !before.is_empty() {
            let roles = before.drain(..).map(|(role, times)| format!("{times} {role}"));
            let roles = roles.collect::<Vec<_>>().join(", ");
            self.line(2, &format!("(as before: {roles})"));
        }
    }

    fn tools(&mut self, trace: &Value) {
        let mut as_shown = 0;
        for tool in list(&trace["tools"]) {
            if tool["status"] == "ok" && ran_as_shown(trace, tool) {
                as_shown += 1;
                continue;
            }
            let output: Vec<String> = list(&tool["output"]).iter().map(part).collect();
            let (name, id, status) = (plain(&tool["name"]), plain(&tool["call_id"]), plain(&tool["status"]));
            self.line(1, &format!("tool {name} {id} · {status} · {} → {}", tool["input"], output.join(" + ")));
        }
        if as_shown > 0 {
            self.line(1, &format!("tools: {as_shown} ok, as the conversation shows them"));
        }
    }

    /// The tools that a model could call, as the end of a line.
    fn offered(&mut self, tools: &[Value]) -> String {
        let names = tools.iter().map(|tool| match plain(&tool["description"]) {
            none if none == "null" => plain(&tool["name"]),
            description => format!("{} {}", plain(&tool["name"]), head(&description, 30)),
        });
        let names = names.collect::<Vec<_>>().join(", ");
        match names.is_empty() {
            true => String::new(),
            false if self.shown.insert(names.clone()) => format!(" · offered: {names}"),
            false => " · offered: as before".to_owned(),
        }
    }
}

/// Whether nothing is to be said of a span but that it was there. Roots always are shown.
fn is_folded(span: &Value) -> bool {
    let is_infrastructure = INFRASTRUCTURE.iter().any(|category| span["category"] == *category);
    let says_nothing =
        ["model", "usage", "error", "agent", "tool", "stop_reason"].iter().all(|key| span[*key].is_null());
    let is_unset = span["counted"] != true && ["ok", "unset"].iter().any(|status| span["status"] == *status);
    is_infrastructure && says_nothing && is_unset && !span["parent_span_id"].is_null()
}

/// Counts a text: with all equal ones, or with the last one if that is equal.
fn count(counted: &mut Vec<(String, usize)>, text: String, all: bool) {
    let last = counted.len().saturating_sub(1);
    match counted.iter_mut().skip(if all { 0 } else { last }).find(|(known, _)| *known == text) {
        Some((_, times)) => *times += 1,
        None => counted.push((text, 1)),
    }
}

fn span(span: &Value) -> String {
    let mut words = vec![plain(&span["category"]), plain(&span["name"])];
    for key in ["provider", "model", "response_model", "stop_reason", "agent", "status"] {
        if !span[key].is_null() && span[key] != "unset" {
            words.push(format!("{key}={}", plain(&span[key])));
        }
    }
    if !span["tool"].is_null() {
        words.push(format!("tool={}", plain(&span["tool"]["name"])));
    }
    if span["counted"] == true {
        words.push(format!("counted cost={}", plain(&span["cost_usd"])));
    }
    if !span["usage"].is_null() {
        words.push(usage(&span["usage"]));
    }
    if !span["error"].is_null() {
        words.push(format!("error={}: {}", plain(&span["error"]["type"]), short(&plain(&span["error"]["message"]))));
    }
    if !list(&span["dialects"]).is_empty() {
        words.push(format!("dialects={}", list(&span["dialects"]).iter().map(plain).collect::<Vec<_>>().join(",")));
    }
    words.join(" · ")
}

/// Whether a conversation of the trace has this tool's call with the same input, and its result with the same output.
fn ran_as_shown(trace: &Value, tool: &Value) -> bool {
    let messages = list(&trace["threads"]).iter().flat_map(|conversation| list(&conversation["messages"]));
    let parts: Vec<&Value> = messages.flat_map(|message| list(&message["parts"])).collect();
    let has = |kind: &str, key: &str, value: &Value| {
        parts.iter().any(|part| part["type"] == kind && part["call_id"] == tool["call_id"] && part[key] == *value)
    };
    let is_named = !tool["call_id"].is_null() && has("tool_call", "name", &tool["name"]);
    let outputs = parts.iter().filter(|part| part["type"] == "tool_result" && part["call_id"] == tool["call_id"]);
    let has_output = outputs.into_iter().any(|part| values(&part["content"]) == values(&tool["output"]));
    is_named && has("tool_call", "input", &tool["input"]) && has_output
}

/// What an output says, whether it is sent as JSON or as a text of JSON.
fn values(output: &Value) -> Vec<Value> {
    let value = |part: &Value| match (&part["value"], part["text"].as_str()) {
        (Value::Null, Some(text)) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        (Value::Null, None) => part.clone(),
        (value, _) => value.clone(),
    };
    list(output).iter().map(value).collect()
}

fn part(part: &Value) -> String {
    let mut text = match part["type"].as_str().unwrap_or("?") {
        "text" => format!("text {}", short(&plain(&part["text"]))),
        "reasoning" if part["redacted"] == true => format!("reasoning redacted, {} bytes", part["bytes"]),
        "reasoning" => format!("reasoning {}", short(&plain(&part["text"]))),
        "tool_call" => format!("call {} {} {}", plain(&part["name"]), plain(&part["call_id"]), part["input"]),
        "tool_result" => {
            let content: Vec<String> = list(&part["content"]).iter().map(self::part).collect();
            format!("result {} error={} {}", plain(&part["call_id"]), part["is_error"], content.join(" + "))
        }
        "json" => format!("json {}", part["value"]),
        "refusal" => format!("refusal {}", plain(&part["text"])),
        "unknown" => format!("unknown {}", part["raw"]),
        media => format!(
            "{media} {} {} bytes={} uri={}",
            plain(&part["mime"]),
            plain(&part["name"]),
            part["bytes"],
            plain(&part["uri"])
        ),
    };
    for flag in ["truncated", "hidden"] {
        if part[flag] == true {
            let _ = write!(text, " {flag}");
        }
    }
    text
}

/// The sums that are not zero.
fn totals(totals: &Value) -> String {
    let counts = ["model_calls", "tool_calls", "failed_tools", "errors"].into_iter();
    let counts = counts.filter(|key| totals[*key] != 0).map(|key| format!(" · {key} {}", totals[key]));
    format!("{} · cost {}{}", usage(&totals["usage"]), plain(&totals["cost_usd"]), counts.collect::<String>())
}

fn usage(usage: &Value) -> String {
    let known = ["uncached_input", "cache_read", "cache_write", "output", "reasoning"].into_iter();
    let known: Vec<String> =
        known.filter(|key| !usage[key].is_null()).map(|key| format!("{key}={}", usage[key])).collect();
    if known.is_empty() { "no tokens known".to_owned() } else { known.join(" ") }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A long text by its beginning and its length: a snapshot is to be read.
fn short(text: &str) -> String {
    head(text, 160)
}

fn head(text: &str, most: usize) -> String {
    let (text, length) = (text.replace('\n', "⏎"), text.chars().count());
    if length <= most {
        return format!("«{text}»");
    }
    let head: String = text.chars().take(most * 3 / 4).collect();
    format!("«{head}…» of {length} characters")
}
