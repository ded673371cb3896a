//! How rows of the tree are called.

use crate::{
    app::{Content, Row, State, step, wrap},
    model::{Node, Order, SessionSummary, TraceSummary},
};

/// How a row is called in the breadcrumb.
pub fn short_name(state: &State, row: &Row) -> Option<String> {
    match state.tree.content(row) {
        Content::Program(program) => Some(wrap::clean_line(&program.command)),
        Content::Session(summary) => Some(session(summary)),
        Content::Trace(trace) => {
            let numbered = numbered(state, trace, row);
            let name = trace.label.as_ref().or(trace.question.as_ref()).or(trace.name.as_ref());
            let name = name.map(|name| wrap::clean_line(name));
            Some(if numbered.is_empty() { name.unwrap_or_else(|| "run".to_owned()) } else { numbered })
        }
        Content::Span { node, .. } => {
            let words: Vec<String> = [step::name(node)].into_iter().chain(ordinal(node)).collect();
            Some(words.join(" "))
        }
        Content::Quiet(_) => Some("runs without a model call".to_owned()),
        Content::Day(_) | Content::Earlier(_) | Content::Waiting | Content::Nothing | Content::Failed(_) => None,
    }
}

pub fn session(summary: &SessionSummary) -> String {
    summary.session.as_ref().map_or_else(|| "(no session)".to_owned(), |id| wrap::clean_line(id.as_str()))
}

/// Which call of its tool it is.
pub fn ordinal(node: &Node) -> Option<String> {
    Some(format!("#{}", node.ordinal?))
}

/// `run 6`, where numbers mean something: in a session of which nothing is filtered away, and whose runs stand in order of time.
pub fn numbered(state: &State, trace: &TraceSummary, row: &Row) -> String {
    let counts = trace.session.is_some() && state.filter.text.trim().is_empty() && state.filter.order == Order::Newest;
    match state.tree.run_number(row).filter(|_| counts) {
        Some(number) => format!("run {number}"),
        None => String::new(),
    }
}
