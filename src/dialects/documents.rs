//! What is searched and found: retrievers, rerankers and embeddings, spread over OpenInference's keys or returned whole
//! (`messages.md` 6).
//!
//! ```text
//!   retrieval.documents.0.document.id, .content, .score, .metadata
//!   reranker.query, reranker.input_documents.0.document.…, reranker.output_documents.0.document.…
//!   embedding.embeddings.0.embedding.text, .vector
//!   [{"page_content": …, "metadata": …}], {"documents": […]}                  what a function returned
//! ```
//!
//! Documents are shown as data, one part each. Vectors are never shown: only how many numbers they have.

use super::{calls, indexed, maybe_json::MaybeJson, parts, reading, redaction_markers};
use crate::model::{Attributes, Content, Message, Part, Role, Value};

/// Lists of so many numbers are vectors.
const VECTOR: usize = 8;
/// How deep vectors are looked for: more levels than any API nests.
const DEEPEST: usize = 32;

/// The documents that a retriever found.
pub fn retrieved(attributes: &Attributes) -> Vec<Message> {
    reading::from_parts(Role::Assistant, listed(attributes, "retrieval.documents."))
}

/// What was to be put in order, and that order.
pub fn reranked(attributes: &Attributes) -> (Vec<Message>, Vec<Message>) {
    let mut sent: Vec<Part> = attributes.str("reranker.query").and_then(parts::text).into_iter().collect();
    sent.extend(listed(attributes, "reranker.input_documents."));
    let found = listed(attributes, "reranker.output_documents.");
    (reading::from_parts(Role::User, sent), reading::from_parts(Role::Assistant, found))
}

/// The documents in what a retriever returned: a list, or a list under `documents`; `None` for anything else.
pub fn found(returned: &Value) -> Option<Vec<Message>> {
    let is_document = |item: &Value| {
        let item = item.get("document").unwrap_or(item);
        ["page_content", "content", "text"].iter().any(|key| item.str(key).is_some())
    };
    let items = returned.get("documents").unwrap_or(returned).as_array()?;
    let documents = items.iter().map(|item| document(item.get("document").unwrap_or(item))).collect();
    let all = !items.is_empty() && items.iter().all(is_document);
    all.then(|| reading::from_parts(Role::Assistant, documents))
}

/// The documents of a list in one attribute, structured or as JSON.
pub fn of_list(value: &Value) -> Vec<Part> {
    let MaybeJson::Data(list) = MaybeJson::of(value) else {
        return parts::text(&value.to_text()).into_iter().collect();
    };
    let items = list.as_array().unwrap_or_else(|| std::slice::from_ref(list.as_ref()));
    items.iter().map(|item| document(item.get("document").unwrap_or(item))).collect()
}

fn listed(attributes: &Attributes, prefix: &str) -> Vec<Part> {
    let list = indexed::tree(attributes, prefix);
    let items = list.as_ref().and_then(Value::as_array).unwrap_or_default();
    items.iter().map(|item| document(item.get("document").unwrap_or(item))).collect()
}

/// A document with its metadata as data. One whose content is hidden is marked as hidden.
fn document(document: &Value) -> Part {
    let entries = document.as_map().unwrap_or_default().iter().map(|(key, value)| match MaybeJson::of(value) {
        MaybeJson::Data(data) if key == "metadata" => (key.clone(), data.into_owned()),
        _ => (key.clone(), value.clone()),
    });
    let hidden =
        calls::first_str(document, &["content", "page_content", "text"]).is_some_and(redaction_markers::is_hidden);
    Part { hidden, ..Part::new(Content::Json(Value::Map(entries.collect()))) }
}

/// The texts that were embedded, and the size of their vectors.
pub fn embedded(attributes: &Attributes) -> (Vec<Message>, Vec<Message>) {
    let list = indexed::tree(attributes, "embedding.embeddings.");
    let items = list.as_ref().and_then(Value::as_array).unwrap_or_default();
    let each = || items.iter().map(|item| item.get("embedding").unwrap_or(item));
    let texts = each().filter_map(|one| one.str("text").and_then(parts::text));
    let sizes = each().filter_map(|one| one.get("vector")).map(|vector| match MaybeJson::of(vector) {
        MaybeJson::Data(numbers) => Part::new(Content::Json(without_vectors(&numbers, DEEPEST))),
        _ if vector.as_str().is_some_and(redaction_markers::is_hidden) => {
            Part { hidden: true, ..Part::text(vector.to_text()) }
        }
        _ => Part::new(Content::Json(Value::from("a vector"))),
    });
    let mut sizes: Vec<Part> = sizes.collect();
    if sizes.is_empty()
        && let Some(MaybeJson::Data(response)) = attributes.get("output.value").map(MaybeJson::of)
    {
        sizes.push(Part::new(Content::Json(without_vectors(&response, DEEPEST))));
    }
    (reading::from_parts(Role::User, texts.collect()), reading::from_parts(Role::Assistant, sizes))
}

/// A value with each vector in it replaced by how long it is.
fn without_vectors(value: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    match value {
        Value::Array(items) if items.len() >= VECTOR && items.iter().all(|item| item.as_number().is_some()) => {
            format!("{} numbers", items.len()).into()
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| without_vectors(item, depth)).collect()),
        Value::Map(entries) => {
            Value::Map(entries.iter().map(|(key, inner)| (key.clone(), packed(key, inner, depth))).collect())
        }
        other => other.clone(),
    }
}

/// OpenAI's client asks for vectors as base64.
fn packed(key: &str, value: &Value, depth: usize) -> Value {
    match value.as_str() {
        Some(text) if matches!(key, "embedding" | "vector") && text.len() > VECTOR => {
            format!("{} letters of base64", text.len()).into()
        }
        _ => without_vectors(value, depth),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    fn span(kind: &str) -> Sample {
        Sample::span("x").with(&[("openinference.span.kind", kind)])
    }

    #[test]
    fn a_retriever_shows_what_it_found() {
        let read = span("RETRIEVER")
            .with(&[("input.value", "how long?"), ("retrieval.documents.0.document.content", "Seven days.")])
            .with(&[("retrieval.documents.0.document.metadata", r#"{"page":3}"#)])
            .typed("retrieval.documents.0.document.score", "0.9")
            .with(&[("retrieval.documents.1.document.content", "__REDACTED__")])
            .with(&[("output.value", r#"["<NodeWithScore(…)>"]"#)])
            .translate();
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["user: how long?"]);
        let documents = r#"assistant: json {"content":"Seven days.","metadata":{"page":3},"score":0.9} · json {"content":"__REDACTED__"}(hidden)"#;
        assert_eq!(completion, [documents]);
        assert_eq!(read.genai.category, Category::Retriever);
    }

    #[test]
    fn what_a_function_found_is_shown_one_by_one() {
        let retrieved = |documents: &str| {
            let marks = [("mlflow.spanType", r#""RETRIEVER""#), ("mlflow.spanOutputs", documents)];
            sides(&Sample::span("search").with(&marks).translate()).1
        };
        let two = r#"[{"page_content":"a","metadata":{"page":3}},{"page_content":"b"}]"#;
        let each = r#"json {"page_content":"a","metadata":{"page":3}} · json {"page_content":"b"}"#;
        assert_eq!(retrieved(two), [format!("assistant: {each}")]);
        assert_eq!(retrieved(&format!(r#"{{"documents":{two}}}"#)), [format!("assistant: {each}")]);
        assert_eq!(retrieved(r#"[{"id":7}]"#), [r#"assistant: json [{"id":7}]"#]);
    }

    #[test]
    fn a_reranker_shows_both_orders() {
        let read = span("RERANKER")
            .with(&[("reranker.query", "q"), ("reranker.input_documents.0.document.id", "a")])
            .with(&[("reranker.input_documents.1.document.id", "b"), ("reranker.output_documents.0.document.id", "b")])
            .translate();
        assert_eq!(sides(&read).0, [r#"user: q · json {"id":"a"} · json {"id":"b"}"#]);
        assert_eq!(sides(&read).1, [r#"assistant: json {"id":"b"}"#]);
    }

    #[test]
    fn vectors_are_never_shown() {
        let vector = format!("[{}0.5]", "0.5,".repeat(1535));
        let read = span("EMBEDDING")
            .with(&[
                ("embedding.embeddings.0.embedding.text", "seven days"),
                ("input.value", r#"{"text":"seven days"}"#),
            ])
            .typed("embedding.embeddings.0.embedding.vector", &vector)
            .translate();
        assert_eq!(sides(&read).0, ["user: seven days"]);
        assert_eq!(sides(&read).1, [r#"assistant: json "1536 numbers""#]);
        let response = format!(
            r#"{{"data":[{{"embedding":{vector}}},{{"embedding":"AAAAPwAAAD8="}}],"usage":{{"prompt_tokens":4}}}}"#
        );
        let read = span("EMBEDDING").with(&[("output.value", &response)]).translate();
        let sizes = r#"{"data":[{"embedding":"1536 numbers"},{"embedding":"12 letters of base64"}],"usage":{"prompt_tokens":4}}"#;
        assert_eq!(sides(&read).1, [format!("assistant: json {sizes}")]);
        let hidden = span("EMBEDDING").with(&[("embedding.embeddings.0.embedding.vector", "__REDACTED__")]).translate();
        assert_eq!(sides(&hidden).1, ["assistant: __REDACTED__(hidden)"]);
    }
}
