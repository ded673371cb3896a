//! A transcript as a page that a person can review: who said what, which tools ran, what was counted.

use std::fmt::Write as _;

use serde_json::Value;

/// The page of one transcript document.
pub fn digest(transcript: &Value) -> String {
    let mut page = String::new();
    for trace in items(&transcript["traces"]) {
        one(&mut page, trace);
    }
    for session in items(&transcript["sessions"]) {
        let ids = items(&session["trace_ids"]).len();
        let users: Vec<String> = items(&session["user_ids"]).iter().map(plain).collect();
        line(
            &mut page,
            0,
            &format!(
                "session {} · users {users:?} · {ids} traces · {}",
                plain(&session["session_id"]),
                totals(&session["totals"])
            ),
        );
    }
    page
}

fn one(page: &mut String, trace: &Value) {
    let facts = ["status", "session_id", "user_id", "service", "framework", "environment"];
    let facts: Vec<String> = facts.iter().map(|key| format!("{key} {}", plain(&trace[key]))).collect();
    line(page, 0, &format!("trace {} · {}", plain(&trace["name"]), facts.join(" · ")));
    line(page, 1, &totals(&trace["totals"]));
    let spans = items(&trace["spans"]);
    line(page, 1, "spans");
    for span in spans {
        let mut depth = 0;
        let mut above = &span["parent_span_id"];
        while let Some(parent) = spans.iter().find(|other| other["span_id"] == *above) {
            depth += 1;
            above = &parent["parent_span_id"];
            if depth > 50 {
                break;
            }
        }
        let mut words = vec![plain(&span["category"]), plain(&span["name"])];
        for key in ["provider", "model", "response_model", "stop_reason", "agent", "status"] {
            if !span[key].is_null() {
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
            words.push(format!("error={}: {}", plain(&span["error"]["type"]), plain(&span["error"]["message"])));
        }
        words.push(format!("dialects={}", items(&span["dialects"]).iter().map(plain).collect::<Vec<_>>().join(",")));
        line(page, 2 + depth, &words.join(" · "));
    }
    for thread in items(&trace["threads"]) {
        let opened = if thread["opened_by"].is_null() { "" } else { " (sub-agent)" };
        line(page, 1, &format!("thread {}{opened}", plain(&thread["agent"])));
        for message in items(&thread["messages"]) {
            let history = if message["history"] == true { " (history)" } else { "" };
            line(page, 2, &format!("{}{history}", plain(&message["role"])));
            for part in items(&message["parts"]) {
                line(page, 3, &self::part(part));
            }
        }
    }
    for tool in items(&trace["tools"]) {
        let output: Vec<String> = items(&tool["output"]).iter().map(part).collect();
        line(
            page,
            1,
            &format!(
                "tool {} {} · {} · {} → {}",
                plain(&tool["name"]),
                plain(&tool["call_id"]),
                plain(&tool["status"]),
                tool["input"],
                output.join(" + ")
            ),
        );
    }
    for tool in items(&trace["tool_definitions"]) {
        line(page, 1, &format!("offered {} · {}", plain(&tool["name"]), short(&plain(&tool["description"]))));
    }
    for error in items(&trace["errors"]) {
        line(page, 1, &format!("error {}: {}", plain(&error["type"]), short(&plain(&error["message"]))));
    }
}

fn part(part: &Value) -> String {
    let mut text = match part["type"].as_str().unwrap_or("?") {
        "text" => format!("text {}", short(&plain(&part["text"]))),
        "reasoning" => {
            format!("reasoning {} redacted={} bytes={}", short(&plain(&part["text"])), part["redacted"], part["bytes"])
        }
        "tool_call" => format!("call {} {} {}", plain(&part["name"]), plain(&part["call_id"]), part["input"]),
        "tool_result" => {
            let content: Vec<String> = items(&part["content"]).iter().map(self::part).collect();
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

fn totals(totals: &Value) -> String {
    let counts = ["model_calls", "tool_calls", "failed_tools", "errors"].map(|key| format!("{key} {}", totals[key]));
    format!("{} · cost {} · {}", usage(&totals["usage"]), plain(&totals["cost_usd"]), counts.join(" · "))
}

fn usage(usage: &Value) -> String {
    let known = ["uncached_input", "cache_read", "cache_write", "output", "reasoning"].into_iter();
    let known: Vec<String> =
        known.filter(|key| !usage[key].is_null()).map(|key| format!("{key}={}", usage[key])).collect();
    if known.is_empty() { "no tokens known".to_owned() } else { known.join(" ") }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A long text by its beginning and its length: a snapshot is to be read.
fn short(text: &str) -> String {
    let text = text.replace('\n', "⏎");
    if text.chars().count() <= 160 {
        return format!("«{text}»");
    }
    let head: String = text.chars().take(120).collect();
    format!("«{head}…» of {} characters", text.chars().count())
}

fn line(page: &mut String, depth: usize, text: &str) {
    let _ = writeln!(page, "{}{text}", "  ".repeat(depth));
}
