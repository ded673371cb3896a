//! One trace during assembly: its rows with full messages, beside what was computed from their digests.

use std::collections::HashMap;

use super::{
    Price,
    exchange::{self, Exchange},
    fingerprint::Fingerprints,
    joined_runs::Source,
    limits,
    reading_groups::ReadingSource,
    span_digest::SpanDigest,
    span_failure,
    span_tree::{SpanNode, SpanTree},
    totals::TraceDigest,
};
use crate::model::{Category, Failure, LimitReached, Part, SpanId, SpanRow, TraceRows, Translation};

/// The rows of a trace, and what was computed from their digests.
#[derive(Debug)]
pub struct LoadedTrace<'a> {
    /// The stored spans and log records, with their translations.
    pub rows: &'a TraceRows,
    /// Span tree, counted calls, tool runs and failures.
    pub work: TraceDigest<'a>,
    /// For each node the nearest agent or tool around it; for an agent the agent itself. `None` outside of any.
    pub scopes: Vec<Option<usize>>,
    /// The same, but an agent has the next agent or tool above it.
    pub above: Vec<Option<usize>>,
    /// The limits that were reached on the way to all of this.
    pub limits: Vec<LimitReached>,
    /// Index of the node of each span id.
    by_id: HashMap<SpanId, usize>,
}

/// Digests the rows of a trace: its spans, then its log records. An index among these digests finds the row again.
pub fn facts(rows: &TraceRows) -> Vec<SpanDigest> {
    rows.spans.iter().map(SpanDigest::of_span).chain(rows.logs.iter().map(SpanDigest::of_log)).collect()
}

impl<'a> LoadedTrace<'a> {
    /// Computes the tree, calls, tool runs and failures. `facts` are the digests of `rows`, as [`facts`] returns them.
    pub fn new(rows: &'a TraceRows, facts: &'a [SpanDigest], price: Price) -> Self {
        let (work, limits) = limits::counting(|| TraceDigest::of(rows.trace, facts, price));
        let above = work.tree.above(|node| matches!(node.category, Category::Agent | Category::Tool));
        let own = |at: usize| work.tree.nodes[at].category == Category::Agent;
        let scopes = above.iter().enumerate().map(|(at, above)| if own(at) { Some(at) } else { *above }).collect();
        let by_id = work.tree.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        Self { rows, work, scopes, above, limits, by_id }
    }

    /// Index of the node of a span; `None` if the trace has no such node.
    pub fn node_of(&self, span: SpanId) -> Option<usize> {
        self.by_id.get(&span).copied()
    }

    /// The span tree.
    pub fn tree(&self) -> &SpanTree<'_> {
        &self.work.tree
    }

    /// The nodes of the span tree.
    pub fn nodes(&self) -> &[SpanNode<'a>] {
        &self.work.tree.nodes
    }

    /// The span of a node; `None` for a placeholder.
    pub fn row(&self, node: usize) -> Option<&'a SpanRow> {
        self.rows.spans.get(self.nodes()[node].span?.0)
    }

    /// The translation that a digest was made from, by the digest's index.
    pub fn translation(&self, facts: usize) -> Option<&'a Translation> {
        match facts.checked_sub(self.rows.spans.len()) {
            None => self.rows.spans.get(facts).map(|row| &*row.translation),
            Some(log) => self.rows.logs.get(log).map(|row| &*row.translation),
        }
    }

    /// Whether a node is a further record of a model call that another node counts for.
    pub fn is_other_record(&self, node: usize) -> bool {
        self.work.counted.of[node].is_some_and(|call| self.work.counted.calls[call].node != node)
    }

    /// The translations at a node: that of its span, then those of its log records.
    pub fn translations(&self, node: usize) -> impl Iterator<Item = &'a Translation> + '_ {
        self.nodes()[node].sources().filter_map(|(facts, _)| self.translation(facts))
    }

    /// The first value that a translation of these nodes has.
    pub fn first<T>(
        &self,
        nodes: impl IntoIterator<Item = usize>,
        value: impl Fn(&'a Translation) -> Option<T>,
    ) -> Option<T> {
        nodes.into_iter().find_map(|node| self.translations(node).find_map(&value))
    }

    /// The failure that a node records: that of its span, with what only its log records say of it; else the first of
    /// these.
    pub fn failure(&self, node: usize) -> Option<Failure> {
        let told = || self.translations(node).filter_map(|translation| translation.error.as_ref());
        let Some(own) = self.row(node).and_then(span_failure::of_span) else { return told().next().cloned() };
        let kind = own.kind.or_else(|| told().find_map(|failure| failure.kind.clone()));
        let message = own.message.or_else(|| told().find_map(|failure| failure.message.clone()));
        Some(Failure { kind, message, stack: own.stack })
    }

    /// The part that a [`Source`] points to.
    pub fn part(&self, source: Source) -> Option<&'a Part> {
        let reading = self.translation(source.facts)?.readings.get(source.spot.0 as usize)?;
        let messages = if source.prompt { &reading.prompt } else { &reading.completion };
        messages.get(source.spot.1 as usize)?.parts.get(source.spot.2 as usize)
    }

    /// The prompt and completion of a call that some nodes record, merged from all of them.
    pub fn exchange(&self, nodes: impl IntoIterator<Item = usize>, fingerprints: &mut Fingerprints) -> Exchange {
        let mut sources = Vec::new();
        for (nth, at) in nodes.into_iter().enumerate() {
            let node = &self.nodes()[at];
            for (facts, digest) in node.sources() {
                let Some(translation) = self.translation(facts).filter(|translation| !translation.readings.is_empty())
                else {
                    continue;
                };
                let source = if digest.is_log {
                    (digest.started, digest.started)
                } else {
                    (node.started, node.ended.unwrap_or(node.started))
                };
                sources.push(ReadingSource { node: nth, translation, started: source.0, ended: source.1 });
            }
        }
        exchange::merge(&sources, fingerprints)
    }

    /// The agent's name that a node records, else the one in its span's name.
    pub fn agent(&self, node: usize) -> Option<String> {
        let named = self.first([node], |translation| translation.genai.agent.clone());
        named.or_else(|| {
            let row = self.row(node)?;
            // The AI SDK writes the model's name into the span's name.
            let is_model = |name: &&str| row.translation.genai.model.as_deref() == Some(name);
            let name = row.name.strip_prefix("invoke_agent ")?.trim();
            Some(name).filter(|name| !is_model(name)).map(str::to_owned)
        })
    }

    /// Name of the agent that a node belongs to: the nearest agent around it if that has a name, else the one that the
    /// node records itself.
    pub fn agent_of(&self, node: usize) -> Option<String> {
        let scope = self.scopes[node].filter(|scope| self.nodes()[*scope].category == Category::Agent);
        scope
            .and_then(|scope| self.agent(scope))
            .or_else(|| self.first([node], |translation| translation.genai.agent.clone()))
    }
}
