//! What a step of a run is called, and the letter of its kind, wherever it is shown.

use super::wrap;
use crate::{
    model::{Category, Node, RunState},
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

/// The mark of how a run stands, and its slot.
#[must_use]
pub fn mark(run_state: RunState) -> (&'static str, Slot) {
    match run_state {
        RunState::Running => ("●", Slot::TreeRunning),
        RunState::Failed => FAILED,
        RunState::NeverEnded => ("◌", Slot::Warning),
        RunState::Recovered => ("!", Slot::Warning),
        RunState::Done => ("✓", Slot::TreeOk),
    }
}

/// The mark of what failed.
pub const FAILED: (&str, Slot) = ("✗", Slot::TreeError);

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
