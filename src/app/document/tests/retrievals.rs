//! Searches, rerankings and embeddings among the turns.

use super::*;
use crate::model::{Message, Retrieval};

fn json(text: &str) -> Part {
    Part::new(Content::Json(crate::model::json::parse(text).unwrap()))
}

fn retrieval(category: Category, asked: Vec<Part>, found: Vec<Part>) -> Retrieval {
    let message = |role, parts: Vec<Part>| (!parts.is_empty()).then(|| Arc::new(Message::new(role, parts)));
    Retrieval {
        span: span(40),
        category,
        name: "search".into(),
        model: Some("rerank-v3.5".into()),
        started: Timestamp(900_000_000),
        ended: Some(Timestamp(912_000_000)),
        failed: false,
        asked: message(Role::User, asked).into_iter().collect(),
        found: message(Role::Assistant, found).into_iter().collect(),
    }
}

fn shown(retrieval: Retrieval) -> Vec<String> {
    let conversation = vec![message(0, Role::Assistant, vec![Content::Text("Seven days.".into())])];
    let mut trace = run(vec![call(1)], conversation, vec![]);
    trace.retrievals = vec![retrieval];
    lines(messages::blocks, &detail(vec![trace]), 70)
}

#[test]
fn a_search_shows_its_query_and_its_documents_in_their_order_before_the_turn_that_uses_them() {
    let found = vec![
        json(r#"{"id": "a", "content": "Seven days.", "score": 0.98}"#),
        json(r#"{"id": "b", "page_content": "Five times.", "score": 0.5}"#),
    ];
    let lines = shown(retrieval(Category::Retriever, vec![Part::text("How long?")], found));
    let head = place(&lines, "R search  2 documents");
    assert!(lines[head].ends_with("12ms"), "{lines:#?}");
    assert_eq!(lines[head + 1], "How long?");
    assert_eq!(lines[head + 2], "▸  1  0.980  Seven days.");
    assert_eq!(lines[head + 3], "▸  2  0.500  Five times.");
    assert!(head < place(&lines, "── turn 1"), "{lines:#?}");
}

#[test]
fn a_reranking_shows_where_each_document_stood_before() {
    let given = ["a", "b", "c"].map(|id| json(&format!(r#"{{"id": "{id}", "content": "text {id}", "score": 0.5}}"#)));
    let asked = std::iter::once(Part::text("How long?")).chain(given).collect();
    let found = vec![json(r#"{"index": 2, "relevanceScore": 0.9}"#), json(r#"{"id": "a", "score": 0.7}"#)];
    let lines = shown(retrieval(Category::Reranker, asked, found));
    place(&lines, "R rerank-v3.5  2 of 3 documents");
    assert!(lines[place(&lines, "1  0.900")].ends_with("was 3  0.500"), "{lines:#?}");
    assert!(lines[place(&lines, "2  0.700")].ends_with("was 1  0.500"), "{lines:#?}");
    place(&lines, "left out: 2");
}

#[test]
fn vectors_are_one_line() {
    let found = vec![json(r#""1536 numbers""#)];
    let lines = shown(retrieval(Category::Embedding, vec![Part::text("seven days")], found));
    let head = place(&lines, "R rerank-v3.5  1 text → 1536 numbers  \"seven days\"");
    assert!(lines[head].starts_with('▸') && lines[head + 1].starts_with("── turn 1"), "{lines:#?}");
}

#[test]
fn a_search_of_which_nothing_was_recorded_says_so() {
    let lines = shown(retrieval(Category::Retriever, vec![], vec![]));
    place(&lines, "no document was recorded");
}

#[test]
fn scores_stand_beneath_what_they_judge() {
    use crate::model::Evaluation;
    let score = |span, name: &str, score, label: Option<&str>| Evaluation {
        span,
        at: Timestamp(3_000_000_000),
        name: name.into(),
        score,
        label: label.map(str::to_owned),
        ..Evaluation::default()
    };
    let said = |turn, text: &str| message(turn, Role::Assistant, vec![Content::Text(text.into())]);
    let mut trace = run(vec![call(1), call(2)], vec![said(0, "First."), said(1, "Second.")], vec![]);
    trace.evaluations = vec![
        score(Some(span(1)), "accuracy", Some(0.9), Some("pass")),
        score(Some(span(1)), "grounded", Some(0.35), Some("fail")),
        score(None, "language", None, Some("de")),
        Evaluation {
            failure: Some("Timeout".into()),
            explanation: Some("no judge".into()),
            ..score(Some(span(77)), "toxicity", None, None)
        },
    ];
    let lines = lines(messages::blocks, &detail(vec![trace]), 70);
    let first = place(&lines, "◇ accuracy  0.9  pass");
    assert_eq!(lines[first + 1], "◇ grounded  0.35 fail");
    assert!(place(&lines, "First.") < first && first < place(&lines, "── turn 2"), "{lines:#?}");
    let whole = place(&lines, "◇ language  de");
    assert_eq!(lines[whole + 1], "◇ toxicity  ✗ Timeout  no judge");
    assert!(place(&lines, "Second.") < whole && whole < place(&lines, "── end of run"), "{lines:#?}");
}
