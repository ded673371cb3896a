//! The value that the cursor is on, as a term of the filter.

use super::{
    areas::Focus,
    browse::{Content, RowId},
    state::State,
    typing::add_term,
};
use crate::{
    filter,
    model::{Category, Facet, Node, NodeState, SessionSummary, TraceSummary},
};

/// Filters by what the cursor of the tree is on.
pub fn add(state: &mut State) {
    match term(state) {
        Some(term) => {
            state.follow.stop(&mut state.tree);
            add_term(state, &term);
        }
        None => state.notify("nothing here has a value to filter by"),
    }
}

fn term(state: &State) -> Option<String> {
    // While one reads the detail, its step is what the tree's cursor is on, or goes to.
    if state.focus == Focus::Detail
        && let Some((trace, span)) = state.detail.step_at_cursor()
    {
        return of_node(state, state.tree.nodes(&trace).iter().position(|node| node.id == span)?, &RowId::Trace(trace));
    }
    let row = state.tree.cursor()?;
    match state.tree.content(row) {
        Content::Session(session) => Some(of_session(session)),
        Content::Trace(trace) => of_trace(trace),
        Content::Span { node, .. } => {
            let RowId::Span(trace, _) = row.id else { return None };
            let at = state.tree.nodes(&trace).iter().position(|other| other.id == node.id)?;
            of_node(state, at, &RowId::Trace(trace))
        }
        Content::Program(_)
        | Content::Quiet(_)
        | Content::Day(_)
        | Content::Earlier(_)
        | Content::Waiting
        | Content::Nothing
        | Content::Failed(_) => None,
    }
}

fn named(facet: Facet, value: &str) -> String {
    format!("{}:{}", facet.key(), filter::quoted(value))
}

fn of_session(session: &SessionSummary) -> String {
    named(Facet::Session, session.session.as_ref().map_or("", |session| session.as_str()))
}

/// The name of the run, else its model.
fn of_trace(trace: &TraceSummary) -> Option<String> {
    let name = trace.label.as_deref().map(|label| named(Facet::Name, label));
    let model = || trace.models.first().map(|model| named(Facet::Model, model));
    name.or_else(model).or_else(|| trace.name.as_deref().map(|name| named(Facet::Name, name)))
}

/// What the step is of: its tool, its model, its agent; of anything else that of the step that it lies in.
fn of_node(state: &State, at: usize, of: &RowId) -> Option<String> {
    let RowId::Trace(trace) = of else { return None };
    let nodes = state.tree.nodes(trace);
    let mut depth = usize::MAX;
    nodes[..=at].iter().rev().find_map(|node| {
        let lies_in = node.depth < depth;
        if !lies_in {
            return None;
        }
        depth = node.depth;
        of_step(node)
    })
}

fn of_step(node: &Node) -> Option<String> {
    let failure = node.error.as_deref().filter(|_| node.state == NodeState::Error).and_then(kind);
    match node.category {
        Category::Tool => Some(named(Facet::Tool, tool(&node.name))),
        Category::Agent => Some(named(Facet::Agent, agent(&node.name))),
        _ => node.model.as_deref().map(|model| named(Facet::Model, model)).or(failure),
    }
}

/// The name of a tool in that of its step, which may say the kind as well.
fn tool(name: &str) -> &str {
    let name = name.strip_prefix("execute_tool ").or_else(|| name.strip_prefix("tools/call ")).unwrap_or(name);
    name.strip_suffix(".tool").unwrap_or(name).trim()
}

/// The same of an agent.
fn agent(name: &str) -> &str {
    name.strip_prefix("invoke_agent ").unwrap_or(name).trim()
}

/// `ValidationError` of `ValidationError: …`.
fn kind(failure: &str) -> Option<String> {
    let (kind, _) = failure.split_once(':')?;
    let is_kind = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    is_kind.then(|| named(Facet::Error, kind.rsplit('.').next().unwrap_or(kind)))
}
