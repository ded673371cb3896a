//! What a step of a run is called, and the letter of its kind, wherever it is shown.

use super::wrap;
use crate::{
    model::{Category, Node},
    slots::Slot,
};

/// The letter of a kind, and its slot.
#[must_use]
pub fn kind(category: Category) -> (&'static str, Slot) {
    match category {
        Category::Agent => ("A", Slot::TreeAgent),
        Category::Llm => ("M", Slot::TreeLlm),
        Category::Tool => ("T", Slot::TreeTool),
        Category::Retriever | Category::Reranker | Category::Embedding => ("R", Slot::TreeRetriever),
        Category::Chain => ("W", Slot::TreeChain),
        Category::Guardrail
        | Category::Evaluator
        | Category::Http
        | Category::Db
        | Category::Messaging
        | Category::Span => ("·", Slot::TreeOther),
    }
}

/// A step's name, without which call of its tool it is: `turn 2`, `search`; `?` where it has none.
#[must_use]
pub fn name(node: &Node) -> String {
    let name = wrap::clean_line(&node.name);
    match node.turn {
        Some(turn) => format!("turn {turn}"),
        None if name.trim().is_empty() => "?".to_owned(),
        None => name,
    }
}

/// The same with which call of its tool it is: `search #3`.
#[must_use]
pub fn called(node: &Node) -> String {
    let name = name(node);
    match (node.turn, node.ordinal) {
        (None, Some(ordinal)) => format!("{name} #{ordinal}"),
        _ => name,
    }
}
