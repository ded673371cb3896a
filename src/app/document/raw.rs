//! The Raw pane: one span exactly as it arrived, typed, with nothing left out.

use std::sync::Arc;

use super::build::Builder;
use super::line::{Copied, Piece};
use super::outline::{Blocks, Outline, Pane};
use super::{json, parts};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{Attributes, Dropped, Link, LogRow, RawSpan, Span, SpanEvent, Value};
use crate::slots::Slot;

/// A text of more lines than this starts folded.
const LONG: usize = 4;

/// The parts of a span.
#[must_use]
pub fn blocks(raw: &Arc<RawSpan>) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    let span = &raw.span;
    outline.push(Block::Identity, "identity", 12 + raw.notes.len(), 0);
    outline.push(Block::Title(List::Attributes), "attributes", 2, 0);
    list(&mut outline, List::Attributes, &span.attributes);
    for (nth, event) in span.events.iter().enumerate() {
        outline.push(Block::Event { nth }, ("event", nth), 2 + event.attributes.len(), 0);
    }
    for (nth, link) in span.links.iter().enumerate() {
        outline.push(Block::Link { nth }, ("link", nth), 2 + link.attributes.len(), 0);
    }
    for nth in 0..raw.logs.len() {
        outline.push(Block::Log { nth }, ("log", nth), 2, 0);
    }
    for (of, attributes) in [(List::Scope, &span.scope.attributes), (List::Resource, &span.resource.attributes)] {
        outline.push(Block::Title(of), ("title", of), 2, 0);
        list(&mut outline, of, attributes);
    }
    outline.of(Raw { raw: raw.clone() })
}

/// Adds a block for each attribute of a list.
fn list(outline: &mut Outline<Block>, list: List, attributes: &Attributes) {
    for (nth, (name, value)) in attributes.iter().enumerate() {
        let block = Block::Attribute { list, nth };
        outline.push(block, ("attribute", list, nth, name), 1, value.as_str().map_or(0, |text| text.len().min(400)));
    }
}

#[derive(Debug)]
struct Raw {
    raw: Arc<RawSpan>,
}

/// Which attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum List {
    Attributes,
    Scope,
    Resource,
}

/// What one block shows; `nth`: the place in its list.
#[derive(Debug)]
enum Block {
    Identity,
    Title(List),
    Attribute { list: List, nth: usize },
    Event { nth: usize },
    Link { nth: usize },
    Log { nth: usize },
}

impl Pane for Raw {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        let span = &self.raw.span;
        match *block {
            Block::Identity => {
                identity(to, span);
                for note in &self.raw.notes {
                    let runs =
                        [Styled::new("! ", Slot::Warning), Styled::new(wrap::clean_line(&note.0), Slot::Warning)];
                    to.wrapped(0, 2, &runs);
                }
                if !self.raw.dialects.is_empty() {
                    field(to, "read as", &self.raw.dialects.join(", "));
                }
            }
            Block::Title(List::Attributes) => attributes_title(to, &span.attributes, span.dropped),
            Block::Title(List::Scope) => {
                to.blank();
                let scope = &span.scope;
                let version = if scope.version.is_empty() { String::new() } else { format!(" {}", scope.version) };
                let named = wrap::clean_line(&format!("{}{version}", scope.name));
                to.wrapped(0, 7, &[Styled::new("scope  ", Slot::Title), Styled::new(named, Slot::Text)]);
            }
            Block::Title(List::Resource) => {
                to.blank();
                to.line(vec![Styled::new("resource", Slot::Title)]);
            }
            Block::Attribute { list, nth } => {
                let (fold, attributes) = match list {
                    List::Attributes => ("attributes", &span.attributes),
                    List::Scope => ("scope", &span.scope.attributes),
                    List::Resource => ("resource", &span.resource.attributes),
                };
                if let Some((name, value)) = attributes.iter().nth(nth) {
                    attribute(to, &format!("{fold} {nth} {name}"), name, value);
                }
            }
            Block::Event { nth } => self.event(to, nth, &span.events[nth]),
            Block::Link { nth } => link(to, nth, &span.links[nth]),
            Block::Log { nth } => log(to, nth, &self.raw.logs[nth]),
        }
    }

    fn copied(&self, block: &Block, piece: Piece) -> Option<Copied> {
        if piece != Piece::Other {
            return None;
        }
        let span = &self.raw.span;
        match *block {
            Block::Attribute { list, nth } => {
                let attributes = match list {
                    List::Attributes => &span.attributes,
                    List::Scope => &span.scope.attributes,
                    List::Resource => &span.resource.attributes,
                };
                let (name, value) = attributes.iter().nth(nth)?;
                Some(Copied::new(wrap::clean_line(name), value.to_text()))
            }
            Block::Log { nth } => Some(Copied::new("log record", self.raw.logs.get(nth)?.text.clone())),
            Block::Identity | Block::Title(_) | Block::Event { .. } | Block::Link { .. } => None,
        }
    }
}

impl Raw {
    fn event(&self, to: &mut Builder, nth: usize, event: &SpanEvent) {
        to.blank();
        let head = vec![Styled::new(format!("event {}", wrap::clean_line(&event.name)), Slot::Title)];
        let since = event.at.since(self.raw.span.started);
        let right = vec![Styled::new(format!(" +{}", format::duration(since)), Slot::Dim)];
        let name = format!("event {nth}");
        if to.fold(name.clone(), true, 0, head, right) {
            attributes(to, &name, &event.attributes);
            if event.dropped_attributes > 0 {
                let dropped = format!("  the sender dropped {} attributes", event.dropped_attributes);
                to.line(vec![Styled::new(dropped, Slot::Warning)]);
            }
        }
    }
}

fn link(to: &mut Builder, nth: usize, link: &Link) {
    to.blank();
    let head =
        vec![Styled::new(format!("link to {} {}", hex::encode(&link.trace), hex::encode(&link.span)), Slot::Title)];
    let name = format!("link {nth}");
    if to.fold(name.clone(), true, 0, head, vec![]) {
        attributes(to, &name, &link.attributes);
    }
}

fn attributes(to: &mut Builder, fold: &str, attributes: &Attributes) {
    for (nth, (name, value)) in attributes.iter().enumerate() {
        attribute(to, &format!("{fold} {nth} {name}"), name, value);
    }
}

fn log(to: &mut Builder, nth: usize, log: &LogRow) {
    to.blank();
    let name = if log.name.is_empty() { "log record" } else { &log.name };
    let head = vec![
        Styled::new(format!("log {}  ", wrap::clean_line(name)), Slot::Title),
        Styled::new(parts::first_line(&log.text), Slot::Dim),
    ];
    let right =
        vec![Styled::new(format!(" {} {}", wrap::clean_line(&log.severity_text), to.zone.clock(log.at)), Slot::Dim)];
    if to.fold(format!("log {nth}"), false, 0, head, right) {
        to.text(4, &log.text, Slot::Text);
    }
}

fn identity(to: &mut Builder, span: &Span) {
    to.line(vec![Styled::new(wrap::clean_line(&span.name), Slot::Title)]);
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
    to.wrapped(
        0,
        10,
        &[Styled::new(format!("{name:<10}"), Slot::Dim), Styled::new(wrap::clean_line(value), Slot::Text)],
    );
}

fn attributes_title(to: &mut Builder, attributes: &Attributes, dropped: Dropped) {
    to.blank();
    to.line(vec![
        Styled::new(format!("attributes  {}", attributes.len()), Slot::Title),
        Styled::new("  by name", Slot::Dim),
    ]);
    for (count, what) in [(dropped.attributes, "attributes"), (dropped.events, "events"), (dropped.links, "links")] {
        if count > 0 {
            to.line(vec![Styled::new(format!("  the sender dropped {count} {what}"), Slot::Warning)]);
        }
    }
}

/// A value with its type visible: as JSON, so that a text has quotes. A text of several lines, or of JSON, is laid out
/// as what it holds; then a word says that it is one.
enum Shown<'a> {
    Json(&'a Value),
    JsonInText(Value),
    Lines(&'a str),
}

fn attribute(to: &mut Builder, fold: &str, name: &str, value: &Value) {
    let name = wrap::clean_line(name);
    let columns = to.width.saturating_sub(6);
    let bytes = value.weight();
    // What is too large to be read at a glance is closed without being parsed.
    let head = |height: String, kind: Option<Styled>| {
        let first = parts::first_line(&json::beginning(value, &mut 4096).to_text());
        let head = [Styled::new(name.clone(), Slot::JsonKey)].into_iter().chain(kind);
        let head = head.chain([Styled::new(format!("  {first}"), Slot::Dim)]).collect();
        (head, vec![Styled::new(format!("  {height}"), Slot::Dim)])
    };
    if bytes > parts::COUNTED {
        let (head, right) = head(format::size(bytes as u64), None);
        if to.fold(fold.to_owned(), false, 0, head, right) {
            lay_out_large(to, value);
        }
        return;
    }
    let shown = shown(value);
    let kind = match shown {
        Shown::Json(_) => None,
        Shown::JsonInText(_) => Some("text of JSON"),
        Shown::Lines(_) => Some("text"),
    };
    let kind = kind.map(|kind| Styled::new(format!("  {kind}"), Slot::Dim));
    let height = height(&shown, columns);
    if height <= 1 && kind.is_none() {
        let mut line = vec![Styled::new(format!("  {name}  "), Slot::JsonKey)];
        if let Shown::Json(value) = shown {
            line.extend(value_lines(value, columns).into_iter().next().unwrap_or_default());
        }
        to.wrapped(0, 6, &line);
    } else if height <= LONG {
        to.wrapped(
            0,
            6,
            &[Styled::new(format!("  {name}"), Slot::JsonKey)].into_iter().chain(kind).collect::<Vec<_>>(),
        );
        to.stand_in(fold);
        lay_out(to, &shown);
    } else {
        let (head, right) = head(format!("{height} lines"), kind);
        if to.fold(fold.to_owned(), false, 0, head, right) {
            lay_out(to, &shown);
        }
    }
}

fn shown(value: &Value) -> Shown<'_> {
    let Value::String(text) = value else { return Shown::Json(value) };
    let inside = text.trim_start().starts_with(['{', '[']).then(|| crate::model::json::parse(text).ok()).flatten();
    match inside {
        Some(inside) => Shown::JsonInText(inside),
        None if text.trim_end_matches('\n').contains('\n') => Shown::Lines(text),
        None => Shown::Json(value),
    }
}

/// The same of a large value, of which only what is looked at is parsed.
fn lay_out_large(to: &mut Builder, value: &Value) {
    match value {
        Value::String(text) if to.json_text(6, text) => {}
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => lay_out(to, &Shown::Lines(text)),
        value => lay_out(to, &Shown::Json(value)),
    }
}

/// About how many lines a value takes.
fn height(shown: &Shown, columns: usize) -> usize {
    let lines_of = |width: usize| 1 + width / columns.max(1);
    let lines_of_json = |value: &Value| {
        value_lines(value, columns).iter().map(|line| lines_of(wrap::styled_width(line))).sum::<usize>()
    };
    match shown {
        Shown::Lines(text) => {
            wrap::clean(text).trim_end_matches('\n').split('\n').map(|line| lines_of(wrap::width(line))).sum()
        }
        Shown::Json(value) => lines_of_json(value),
        Shown::JsonInText(value) => lines_of_json(value),
    }
}

fn value_lines(value: &Value, columns: usize) -> Vec<Vec<Styled>> {
    match value {
        Value::Null => vec![vec![Styled::new("unset", Slot::JsonLiteral)]],
        value => json::lines(value, columns),
    }
}

fn lay_out(to: &mut Builder, shown: &Shown) {
    match shown {
        Shown::Lines(text) => to.prose(6, "", text.trim_end_matches('\n'), Slot::JsonString),
        Shown::Json(Value::Null) => to.styled_lines(6, value_lines(&Value::Null, 0)),
        Shown::Json(value) => to.json(6, value),
        Shown::JsonInText(value) => to.json(6, value),
    }
}
