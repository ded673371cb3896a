//! A search, a reranking or an embedding among the turns: what was asked, and what came back in its order.
//!
//! ```text
//!   ▾ R rerank-v3.5  3 of 5 documents                                     12ms
//!       "How long are spans kept?"
//!     ▸ 1  0.98  Spans are kept for seven days.                    was 3  0.52
//!     ▸ 2  0.71  Exporters retry five times.                       was 1  0.80
//!       left out: 2, 4, 5
//! ```

use std::fmt::Write as _;

use super::super::build::Builder;
use super::super::hash::HashMap;
use super::super::{json, parts};
use crate::app::styled::Styled;
use crate::app::{format, step, wrap};
use crate::model::{Category, Content, Part, Retrieval, Value};
use crate::slots::Slot;

/// The keys of a document's text, of its relevance and of its id, in every spelling.
const TEXTS: [&str; 4] = ["content", "page_content", "text", "document"];
const SCORES: [&str; 5] = ["score", "relevance_score", "relevanceScore", "similarity", "distance"];
const IDS: [&str; 3] = ["id", "document_id", "id_"];

/// A document as it was given or found.
struct Document<'a> {
    part: &'a Part,
    /// Its data, where it is that.
    fields: Option<&'a Value>,
    text: Option<&'a str>,
    id: Option<String>,
    score: Option<f64>,
    /// Its place among the documents that a reranker was given, where the reranker names it by that.
    index: Option<usize>,
}

impl<'a> Document<'a> {
    fn of(part: &'a Part) -> Self {
        let mut document = Self { part, fields: None, text: None, id: None, score: None, index: None };
        match &part.content {
            Content::Text(text) => document.text = Some(text),
            Content::Json(value) | Content::Unknown(value) => {
                let inner = value.get("document").filter(|inner| inner.as_map().is_some()).unwrap_or(value);
                let first = |keys: &[&str]| keys.iter().find_map(|key| inner.get(key).or_else(|| value.get(key)));
                document.fields = Some(inner);
                document.text = first(&TEXTS).and_then(Value::as_str);
                document.score = first(&SCORES).and_then(Value::as_number);
                document.id = first(&IDS).filter(|id| !id.is_empty()).map(|id| wrap::clean_line(&id.to_text()));
                document.index = value.get("index").and_then(Value::as_count).and_then(|at| usize::try_from(at).ok());
            }
            _ => {}
        }
        document
    }

    /// Its beginning, on one line.
    fn brief(&self) -> String {
        match self.text {
            Some(text) => parts::first_line(text),
            None => parts::preview(std::slice::from_ref(self.part)),
        }
    }
}

/// Where the documents that a reranker found stood among those that it was given.
struct Before<'a> {
    given: Vec<Document<'a>>,
    by_id: HashMap<String, usize>,
    by_text: HashMap<&'a str, usize>,
}

impl<'a> Before<'a> {
    fn of(retrieval: &'a Retrieval) -> Self {
        let asked = retrieval.asked.iter().flat_map(|message| &message.parts);
        let is_given =
            |part: &&Part| matches!(part.content, Content::Json(_)) && retrieval.category == Category::Reranker;
        let given: Vec<Document> = asked.filter(is_given).map(Document::of).collect();
        let (mut by_id, mut by_text) = (HashMap::default(), HashMap::default());
        for (at, document) in given.iter().enumerate() {
            by_id.extend(document.id.clone().map(|id| (id, at)));
            by_text.extend(document.text.map(|text| (text, at)));
        }
        Self { given, by_id, by_text }
    }

    /// The place of a document among those that were given.
    fn place(&self, document: &Document) -> Option<usize> {
        let by_id = document.id.as_ref().and_then(|id| self.by_id.get(id)).copied();
        let by_index = document.index.filter(|at| *at < self.given.len());
        by_id.or(by_index).or_else(|| document.text.and_then(|text| self.by_text.get(text)).copied())
    }
}

/// Writes one of them.
pub fn write(to: &mut Builder, retrieval: &Retrieval, name: &str) {
    to.gap();
    to.anchor(retrieval.span);
    let found: Vec<&Part> = retrieval.found.iter().flat_map(|message| &message.parts).collect();
    let before = Before::of(retrieval);
    let (letter, slot) = step::kind(retrieval.category);
    let called = match &retrieval.model {
        Some(model) if retrieval.category != Category::Retriever && model != "unknown" => {
            wrap::clean_line(format::model(model))
        }
        _ => wrap::clean_line(&retrieval.name),
    };
    let texts = texts(retrieval);
    let what = match retrieval.category {
        Category::Embedding => {
            let vectors = found.first().map_or_else(String::new, |part| format!(" → {}", vector(part)));
            format!("{}{vectors}", counted(texts.len(), "text"))
        }
        Category::Reranker if !before.given.is_empty() => {
            format!("{} of {}", found.len(), counted(before.given.len(), "document"))
        }
        _ => counted(found.len(), "document"),
    };
    let mut head = vec![
        Styled::new(format!("{letter} "), slot),
        Styled::new(format!("{called}  "), Slot::Text),
        Styled::new(what, Slot::Dim),
    ];
    let is_open = retrieval.category != Category::Embedding;
    if let Some(asked) = texts.first().filter(|_| !to.is_open(name, is_open)) {
        head.push(Styled::new(format!("  \"{}\"", parts::first_line(asked)), Slot::Dim));
    }
    let took = retrieval.ended.map(|ended| format!("  {} ", format::duration(ended.since(retrieval.started))));
    let mut right = vec![Styled::new(took.unwrap_or_default(), Slot::Dim)];
    right.extend(retrieval.failed.then(|| Styled::new("✗ ", Slot::Error)));
    if !to.fold(name.to_owned(), is_open, 2, head, right) {
        return;
    }
    for text in texts {
        to.text(6, text, Slot::MessageUser);
    }
    if retrieval.category == Category::Embedding {
        return;
    }
    for (at, part) in found.iter().enumerate() {
        document(to, &Document::of(part), at, &before, &format!("{name} {at}"));
    }
    if found.is_empty() && !retrieval.failed {
        to.line(vec![Styled::new("      no document was recorded", Slot::Dim)]);
    }
    left_out(to, &found, &before);
}

/// What was searched for, or embedded.
fn texts(retrieval: &Retrieval) -> Vec<&str> {
    let parts = retrieval.asked.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.as_str()),
        Content::Json(value) if retrieval.category != Category::Reranker => {
            ["query", "text", "input"].iter().find_map(|key| value.get(key)?.as_str())
        }
        _ => None,
    });
    texts.collect()
}

/// `1  0.98  Spans are kept for seven days.`: a document, which opens.
fn document(to: &mut Builder, document: &Document, at: usize, before: &Before, name: &str) {
    let score = document.score.map_or_else(String::new, |score| format!("{score:.3}  "));
    let head = vec![
        Styled::new(format!("{:>2}  ", at + 1), Slot::Dim),
        Styled::new(score, Slot::JsonNumber),
        Styled::new(document.brief(), Slot::Text),
    ];
    let mut was = String::new();
    if let Some(place) = before.place(document) {
        let _ = write!(was, "  was {}", place + 1);
        if let Some(score) = before.given[place].score {
            let _ = write!(was, "  {score:.3}");
        }
        was.push(' ');
    }
    if !to.fold(name.to_owned(), false, 4, head, vec![Styled::new(was, Slot::Dim)]) {
        return;
    }
    match (document.text, document.fields) {
        (Some(text), Some(fields)) => {
            to.text(8, text, Slot::Text);
            let rest = fields.as_map().unwrap_or_default().iter().filter(|(key, _)| !TEXTS.contains(&key.as_str()));
            let rest = Value::Map(rest.cloned().collect());
            if !rest.is_empty() {
                parts::table(to, 8, &rest);
            }
        }
        _ => parts::content(to, 8, document.part, parts::Prose::Plain(Slot::Text)),
    }
}

/// `left out: 2, 4`: the documents that a reranker was given and did not give back, by their places.
fn left_out(to: &mut Builder, found: &[&Part], before: &Before) {
    let mut is_kept = vec![false; before.given.len()];
    for part in found {
        if let Some(place) = before.place(&Document::of(part)) {
            is_kept[place] = true;
        }
    }
    let out: Vec<String> = (1..).zip(&is_kept).filter(|(_, kept)| !**kept).map(|(at, _)| at.to_string()).collect();
    if !out.is_empty() && out.len() < is_kept.len() {
        to.wrapped(6, 2, &[Styled::new(format!("left out: {}", out.join(", ")), Slot::Dim)]);
    }
}

/// `1536 numbers`: a vector, on one line.
fn vector(part: &Part) -> String {
    match &part.content {
        Content::Json(Value::String(text)) => wrap::clean_line(text),
        Content::Json(value) => {
            let inner = value.get("data").and_then(Value::as_array).and_then(<[Value]>::first);
            let inner = inner.and_then(|first| first.get("embedding")).and_then(Value::as_str);
            inner.map_or_else(|| json::brief(value), wrap::clean_line)
        }
        _ => parts::preview(std::slice::from_ref(part)),
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{} {what}s", format::exact(number as u64)) }
}
