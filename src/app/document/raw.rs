//! The Raw pane: one span exactly as it arrived, typed, with nothing left out.

use std::fmt::Write as _;

use super::build::Builder;
use super::{Document, Folds, Run, json, parts};
use crate::app::{format, wrap};
use crate::model::{Attributes, Dropped, RawSpan, Span, Value};
use crate::slots::Slot;

/// A text of more lines than this starts folded.
const LONG: usize = 4;

#[must_use]
pub fn raw(raw: &RawSpan, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let span = &raw.span;
    identity(&mut to, span);
    for note in &raw.notes {
        to.wrapped(0, 2, &[Run::new("! ", Slot::Warning), Run::new(wrap::clean_line(&note.0), Slot::Warning)]);
    }
    if !raw.dialects.is_empty() {
        field(&mut to, "read as", &raw.dialects.join(", "));
    }
    section(&mut to, "attributes", &span.attributes, span.dropped);
    events(&mut to, span);
    links(&mut to, span);
    for (index, log) in raw.logs.iter().enumerate() {
        to.blank();
        let name = if log.name.is_empty() { "log record" } else { &log.name };
        let head = vec![
            Run::new(format!("log {}  ", wrap::clean_line(name)), Slot::Title),
            Run::new(parts::first_line(&log.text), Slot::Dim),
        ];
        let right =
            vec![Run::new(format!(" {} {}", wrap::clean_line(&log.severity_text), format::clock(log.at)), Slot::Dim)];
        if to.fold(format!("log {index}"), false, 0, head, right) {
            to.text(4, &log.text, Slot::Text);
        }
    }
    let scope = &span.scope;
    to.blank();
    let version = if scope.version.is_empty() { String::new() } else { format!(" {}", scope.version) };
    let named = wrap::clean_line(&format!("{}{version}", scope.name));
    to.wrapped(0, 7, &[Run::new("scope  ", Slot::Title), Run::new(named, Slot::Text)]);
    values(&mut to, "scope", &scope.attributes);
    to.blank();
    to.line(vec![Run::new("resource", Slot::Title)]);
    values(&mut to, "resource", &span.resource.attributes);
    to.done()
}

fn identity(to: &mut Builder, span: &Span) {
    to.line(vec![Run::new(wrap::clean_line(&span.name), Slot::Title)]);
    field(to, "trace", &span.trace.to_string());
    field(to, "span", &span.id.to_string());
    field(to, "parent", &span.parent.map_or_else(|| "none: a root".to_owned(), |parent| parent.to_string()));
    field(to, "kind", span.kind.as_str());
    let status = if span.status.message.is_empty() {
        span.status.code.as_str().to_owned()
    } else {
        format!("{}: {}", span.status.code.as_str(), span.status.message)
    };
    field(to, "status", &status);
    field(to, "started", &span.started.to_string());
    field(to, "ended", &span.ended.map_or_else(|| "not yet".to_owned(), |ended| ended.to_string()));
    if let Some(ended) = span.ended {
        field(to, "took", &format::duration(ended.since(span.started)));
    }
    field(to, "project", span.project.as_str());
    if span.flags != 0 {
        field(to, "flags", &format!("{:#x}", span.flags));
    }
    if !span.trace_state.is_empty() {
        field(to, "state", &span.trace_state);
    }
    if span.synthetic {
        field(to, "made of", "log records: no span was sent");
    }
}

fn field(to: &mut Builder, name: &str, value: &str) {
    to.wrapped(0, 10, &[Run::new(format!("{name:<10}"), Slot::Dim), Run::new(wrap::clean_line(value), Slot::Text)]);
}

fn section(to: &mut Builder, title: &'static str, attributes: &Attributes, dropped: Dropped) {
    to.blank();
    to.line(vec![Run::new(format!("{title}  {}", attributes.len()), Slot::Title), Run::new("  by name", Slot::Dim)]);
    for (count, what) in [(dropped.attributes, "attributes"), (dropped.events, "events"), (dropped.links, "links")] {
        if count > 0 {
            to.line(vec![Run::new(format!("  the sender dropped {count} {what}"), Slot::Warning)]);
        }
    }
    values(to, title, attributes);
}

fn values(to: &mut Builder, place: &str, attributes: &Attributes) {
    for (index, (name, value)) in attributes.iter().enumerate() {
        one(to, &format!("{place} {index} {name}"), name, value);
    }
}

fn one(to: &mut Builder, fold: &str, name: &str, value: &Value) {
    let name = wrap::clean_line(name);
    let columns = to.width.saturating_sub(6);
    let (kind, lines) = shown(value, columns);
    let height: usize = lines.iter().map(|line| 1 + line_width(line) / columns.max(1)).sum();
    let kind = kind.map(|kind| Run::new(format!("  {kind}"), Slot::Dim));
    if height <= 1 && kind.is_none() {
        let mut line = vec![Run::new(format!("  {name}  "), Slot::JsonKey)];
        line.extend(lines.into_iter().next().unwrap_or_default());
        to.wrapped(0, 6, &line);
    } else if height <= LONG {
        to.wrapped(0, 6, &[Run::new(format!("  {name}"), Slot::JsonKey)].into_iter().chain(kind).collect::<Vec<_>>());
        to.runs(6, lines);
    } else {
        let mut head = vec![Run::new(name, Slot::JsonKey)];
        head.extend(kind);
        head.push(Run::new(format!("  {}", parts::first_line(&value.to_text())), Slot::Dim));
        let right = vec![Run::new(format!("  {height} lines"), Slot::Dim)];
        if to.fold(fold.to_owned(), false, 0, head, right) {
            to.runs(6, lines);
        }
    }
}

fn line_width(line: &[Run]) -> usize {
    line.iter().map(|run| wrap::width(&run.text)).sum()
}

/// A value with its type visible: as JSON, so that a text has quotes. A text of several lines, or of JSON, is laid out
/// as what it holds; then a word says that it is one.
fn shown(value: &Value, columns: usize) -> (Option<&'static str>, Vec<Vec<Run>>) {
    match value {
        Value::String(text) => {
            let inside =
                text.trim_start().starts_with(['{', '[']).then(|| crate::model::json::parse(text).ok()).flatten();
            match inside {
                Some(inside) => (Some("text of JSON"), json::lines(&inside, columns)),
                None if text.trim_end_matches('\n').contains('\n') => {
                    let lines = wrap::clean(text);
                    let lines = lines.trim_end_matches('\n').split('\n');
                    (Some("text"), lines.map(|line| vec![Run::new(line, Slot::JsonString)]).collect())
                }
                None => (None, json::lines(value, columns)),
            }
        }
        Value::Null => (None, vec![vec![Run::new("unset", Slot::JsonLiteral)]]),
        other => (None, json::lines(other, columns)),
    }
}

fn events(to: &mut Builder, span: &Span) {
    for (index, event) in span.events.iter().enumerate() {
        to.blank();
        let head = vec![Run::new(format!("event {}", wrap::clean_line(&event.name)), Slot::Title)];
        let right = vec![Run::new(format!(" +{}", format::duration(event.at.since(span.started))), Slot::Dim)];
        if to.fold(format!("event {index}"), true, 0, head, right) {
            values(to, &format!("event {index}"), &event.attributes);
            if event.dropped_attributes > 0 {
                to.line(vec![Run::new(
                    format!("  the sender dropped {} attributes", event.dropped_attributes),
                    Slot::Warning,
                )]);
            }
        }
    }
}

fn links(to: &mut Builder, span: &Span) {
    for (index, link) in span.links.iter().enumerate() {
        to.blank();
        let head = vec![Run::new(format!("link to {} {}", hex(&link.trace), hex(&link.span)), Slot::Title)];
        if to.fold(format!("link {index}"), true, 0, head, vec![]) {
            values(to, &format!("link {index}"), &link.attributes);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
