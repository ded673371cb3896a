//! One trace under assembly: its rows beside what was worked out of them.

use std::collections::HashMap;

use super::{
    Price,
    exchange::{self, Exchange, ReadingSource},
    fingerprint::Fingerprints,
    join_tools::Source,
    span_digest::SpanDigest,
    span_tree::SpanNode,
    totals::TraceDigest,
};
use crate::model::{Category, Part, SpanId, SpanRow, TraceRows, Translation};

/// A trace's rows, and the work done on their facts.
#[derive(Debug)]
pub struct LoadedTrace<'a> {
    pub rows: &'a TraceRows,
    pub work: TraceDigest<'a>,
    /// For each place the nearest agent or tool around it; an agent is its own.
    pub scopes: Vec<Option<usize>>,
    /// The same, but always above.
    pub above: Vec<Option<usize>>,
    by_id: HashMap<SpanId, usize>,
}

/// Takes the facts of a trace's rows: of its spans, then of its log records.
pub fn facts(rows: &TraceRows) -> Vec<SpanDigest> {
    rows.spans.iter().map(SpanDigest::of_span).chain(rows.logs.iter().map(SpanDigest::of_log)).collect()
}

impl<'a> LoadedTrace<'a> {
    pub fn new(rows: &'a TraceRows, facts: &'a [SpanDigest], price: Price) -> Self {
        let work = TraceDigest::of(rows.trace, facts, price);
        let above = work.tree.above(|node| matches!(node.category, Category::Agent | Category::Tool));
        let own = |at: usize| work.tree.nodes[at].category == Category::Agent;
        let scopes = above.iter().enumerate().map(|(at, above)| if own(at) { Some(at) } else { *above }).collect();
        let by_id = work.tree.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        Self { rows, work, scopes, above, by_id }
    }

    pub fn node_of(&self, span: SpanId) -> Option<usize> {
        self.by_id.get(&span).copied()
    }

    pub fn nodes(&self) -> &[SpanNode<'a>] {
        &self.work.tree.nodes
    }

    /// The span of a place; none where it never came.
    pub fn row(&self, node: usize) -> Option<&'a SpanRow> {
        self.rows.spans.get(self.nodes()[node].span?.0)
    }

    /// The translation behind some facts.
    pub fn translation(&self, facts: usize) -> Option<&'a Translation> {
        match facts.checked_sub(self.rows.spans.len()) {
            None => self.rows.spans.get(facts).map(|row| &*row.translation),
            Some(log) => self.rows.logs.get(log).map(|row| &*row.translation),
        }
    }

    /// Translations of a place, of its span before its log records.
    pub fn translations(&self, node: usize) -> impl Iterator<Item = &'a Translation> + '_ {
        self.nodes()[node].sources().filter_map(|(facts, _)| self.translation(facts))
    }

    /// The first value that a translation of these places has.
    pub fn first<T>(
        &self,
        nodes: impl IntoIterator<Item = usize>,
        value: impl Fn(&'a Translation) -> Option<T>,
    ) -> Option<T> {
        nodes.into_iter().find_map(|node| self.translations(node).find_map(&value))
    }

    pub fn part(&self, source: Source) -> Option<&'a Part> {
        let reading = self.translation(source.facts)?.readings.get(source.spot.0 as usize)?;
        let messages = if source.prompt { &reading.prompt } else { &reading.completion };
        messages.get(source.spot.1 as usize)?.parts.get(source.spot.2 as usize)
    }

    /// What was sent and what came back at some places together.
    pub fn exchange(&self, nodes: impl IntoIterator<Item = usize>, fingerprints: &mut Fingerprints) -> Exchange {
        let mut bearers = Vec::new();
        for (nth, at) in nodes.into_iter().enumerate() {
            let node = &self.nodes()[at];
            for (facts, said) in node.sources() {
                let Some(translation) = self.translation(facts).filter(|translation| !translation.readings.is_empty())
                else {
                    continue;
                };
                let source = if said.is_log {
                    (said.started, said.started)
                } else {
                    (node.started, node.ended.unwrap_or(node.started))
                };
                bearers.push(ReadingSource { node: nth, translation, started: source.0, ended: source.1 });
            }
        }
        exchange::merge(&bearers, fingerprints)
    }

    /// The name of an agent, as its span gives it.
    pub fn agent(&self, node: usize) -> Option<String> {
        let named = self.first([node], |translation| translation.genai.agent.clone());
        named.or_else(|| {
            let row = self.row(node)?;
            // The AI SDK names the model there.
            let is_model = |name: &&str| row.translation.genai.model.as_deref() == Some(name);
            let name = row.name.strip_prefix("invoke_agent ")?.trim();
            Some(name).filter(|name| !is_model(name)).map(str::to_owned)
        })
    }

    /// The agent whose work a place is.
    pub fn agent_of(&self, node: usize) -> Option<String> {
        let scope = self.scopes[node].filter(|scope| self.nodes()[*scope].category == Category::Agent);
        scope
            .and_then(|scope| self.agent(scope))
            .or_else(|| self.first([node], |translation| translation.genai.agent.clone()))
    }
}
