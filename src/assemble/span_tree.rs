//! The span tree of a trace: one node for each span, with its log records, parents before children (`tree.md` 1).
//!
//! ```text
//!   spans in any order ─▶ one node for each id ─▶ placeholders for parents that never came
//!     ─▶ cycles cut ─▶ siblings by start, end, id ─▶ nodes, each before its descendants
//! ```
//!
//! Traces may be arbitrarily deep, so nothing here recurses.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    span_digest::{FailureDigest, SpanDigest},
    usage,
};
use crate::model::{Category, Cost, PriceSource, SpanId, Timestamp, TokenUsage, TraceId};

/// The nodes of a trace, and the log records that found no node.
#[derive(Debug)]
pub struct SpanTree<'a> {
    /// Depth first: each node before its descendants, siblings by start, end and span id.
    pub nodes: Vec<SpanNode<'a>>,
    /// Index of the earliest received span that names no parent; `None` if every span names one.
    pub root: Option<usize>,
    /// Log records without a span id, in a trace that has no node at all; empty otherwise.
    pub orphan_logs: Vec<&'a SpanDigest>,
}

/// A span, or the placeholder of one that was never received but is named by a child or a log record.
#[derive(Debug)]
pub struct SpanNode<'a> {
    /// The span's id; in a trace of log records without span ids, an id derived from the trace id.
    pub id: SpanId,
    /// The span's digest and its index among the digests handed in; `None` for a placeholder.
    pub span: Option<(usize, &'a SpanDigest)>,
    /// The log records of this node, each with its index among the digests handed in, ordered by time and rank.
    pub logs: Vec<(usize, &'a SpanDigest)>,
    /// Index of the parent node; `None` at the top.
    pub parent: Option<usize>,
    /// Number of ancestors.
    pub depth: usize,
    /// Index of the first node after all descendants: those are `at + 1..after`.
    pub after: usize,
    /// Start of the span. A placeholder starts with its first log record, else with its earliest child.
    pub started: Timestamp,
    /// End of the span, `None` while it runs; for a placeholder the time of its last log record.
    pub ended: Option<Timestamp>,
    /// That of the span; for a placeholder that of a log record, else a guess.
    pub category: Category,
    /// The tokens that the span and its log records report, merged; `None` if they report none.
    pub usage: Option<TokenUsage>,
    /// A reported cost of the span or a log record, else a computed one; `None` if neither has any.
    pub cost: Option<&'a Cost>,
    /// Every record of the trace is unconfirmed (`calls.md` 5). The node is shown, but it keeps the category `Span`,
    /// has no tokens and adds nothing to counts or conversations.
    pub unconfirmed: bool,
}

impl<'a> SpanNode<'a> {
    /// The span, then its log records, each with its index among the digests handed in.
    pub fn sources(&self) -> impl Iterator<Item = (usize, &'a SpanDigest)> + '_ {
        self.span.into_iter().chain(self.logs.iter().copied())
    }

    /// The sources that describe this node. A log record without a span id describes only the trace, except in a node
    /// that has no span.
    fn own(&self) -> impl Iterator<Item = &'a SpanDigest> + '_ {
        self.sources().map(|(_, facts)| facts).filter(|facts| facts.span.is_some() || self.span.is_none())
    }

    /// The first failure that a source reports; `None` if there is none, or if the trace is unconfirmed.
    pub fn failure(&self) -> Option<&'a FailureDigest> {
        self.own().find_map(|facts| facts.failure.as_deref()).filter(|_| !self.unconfirmed)
    }

    /// Whether a node is a model, embedding or reranker call and not an aggregate.
    pub fn is_call(&self) -> bool {
        self.category.is_call() && !self.aggregate()
    }

    /// Whether a source reports a failure.
    pub fn failed(&self) -> bool {
        self.failure().is_some()
    }

    /// Whether the node's tokens are a sum over calls beneath it. Where there is a span it decides, because a log
    /// record may merely name the agent that made the call.
    pub fn aggregate(&self) -> bool {
        self.span.map_or_else(|| self.own().any(|facts| facts.aggregate), |(_, facts)| facts.aggregate)
    }

    /// Whether the span delivers a message between agents.
    pub fn relays(&self) -> bool {
        self.span.is_some_and(|(_, facts)| facts.relays)
    }

    /// Whether a framework made the span around its own machinery.
    pub fn is_plumbing(&self) -> bool {
        matches!(self.category, Category::Span | Category::Chain) && self.span.is_some_and(|(_, facts)| facts.plumbing)
    }

    /// Whether a source has messages, of a prompt or of a completion. Always `false` in an unconfirmed trace.
    pub fn has_messages(&self) -> bool {
        !self.unconfirmed
            && self
                .sources()
                .flat_map(|(_, facts)| &facts.reading_digests)
                .any(|digest| digest.prompts || digest.answers)
    }

    /// Sort key for siblings, calls and everything else that is listed by time.
    pub fn order(&self) -> Order {
        order(self.started, self.ended, self.id)
    }

    /// The category of a placeholder: the first specific one of its log records; else, if there are messages, a model
    /// call.
    fn guess(&self) -> Category {
        let said = self.own().map(|facts| facts.category).find(|category| *category != Category::Span);
        said.unwrap_or(if self.has_messages() { Category::Llm } else { Category::Span })
    }

    /// Sets category, tokens and cost from the sources, and the times of a placeholder. To be called again after log
    /// records were added or removed. An unconfirmed node is left as it is.
    pub fn summarize(&mut self) {
        if self.unconfirmed {
            return;
        }
        self.category = self.span.map_or_else(|| self.guess(), |(_, facts)| facts.category);
        self.usage = self.own().map(|facts| facts.usage.as_deref().copied()).fold(None, usage::fullest);
        let cost =
            self.own().filter_map(|facts| facts.cost.as_deref()).find(|cost| cost.source == PriceSource::Reported);
        self.cost = cost.or_else(|| self.own().find_map(|facts| facts.cost.as_deref()));
        if self.span.is_none() {
            let started = self.own().map(|facts| facts.started).min();
            let ended = self.own().filter_map(|facts| facts.ended).max();
            (self.started, self.ended) = (started.unwrap_or(self.started), ended);
        }
    }
}

/// Start, whether the span still runs, end, span id. Running spans come last among those of equal start.
pub type Order = (Timestamp, bool, Option<Timestamp>, SpanId);

/// Makes the sort key of a span or node.
pub fn order(started: Timestamp, ended: Option<Timestamp>, id: SpanId) -> Order {
    (started, ended.is_none(), ended, id)
}

impl<'a> SpanTree<'a> {
    /// Builds the tree from the digests of a trace's spans and log records, in any order.
    pub fn new(trace: TraceId, facts: &'a [SpanDigest]) -> Self {
        let mut nodes = spans(facts);
        let mut index: HashMap<SpanId, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        placeholders(&mut nodes, &mut index);
        let orphan_logs = logs(facts, &mut nodes, &mut index, trace);
        let unconfirmed = is_unconfirmed(&nodes);
        for node in &mut nodes {
            node.unconfirmed = unconfirmed;
            node.summarize();
        }
        let parents = parents(&nodes, &index);
        let nodes = walk(nodes, &parents);
        let root = nodes.iter().position(|node| node.span.is_some_and(|(_, facts)| facts.parent.is_none()));
        let mut tree = Self { nodes, root, orphan_logs: Vec::new() };
        tree.adopt(orphan_logs);
        tree
    }

    /// Gives log records without a span id to the root, else to the first node. `orphan_logs` keeps them if there is no
    /// node.
    fn adopt(&mut self, orphan_logs: Vec<(usize, &'a SpanDigest)>) {
        match self.nodes.get_mut(self.root.unwrap_or(0)) {
            Some(node) => {
                node.logs.extend(orphan_logs);
                node.logs.sort_by_key(|(_, facts)| (facts.started, facts.rank));
                node.summarize();
            }
            None => self.orphan_logs = orphan_logs.into_iter().map(|(_, facts)| facts).collect(),
        }
    }

    /// The received spans whose parent was not received: those without a parent, and the children of placeholders.
    pub fn tops(&self) -> impl Iterator<Item = &SpanNode<'a>> {
        let came = |at: usize| self.nodes.get(at).is_some_and(|node| node.span.is_some());
        self.nodes.iter().filter(move |node| node.span.is_some() && !node.parent.is_some_and(came))
    }

    /// For each node the index of its nearest ancestor for which `is` holds. A node is never its own ancestor.
    pub fn above(&self, is: impl Fn(&SpanNode) -> bool) -> Vec<Option<usize>> {
        let mut above: Vec<Option<usize>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let found =
                node.parent.and_then(|parent| if is(&self.nodes[parent]) { Some(parent) } else { above[parent] });
            above.push(found);
        }
        above
    }
}

/// A node without any source.
fn empty<'a>(id: SpanId, started: Timestamp) -> SpanNode<'a> {
    SpanNode {
        id,
        span: None,
        logs: Vec::new(),
        parent: None,
        depth: 0,
        after: 0,
        started,
        ended: None,
        category: Category::Span,
        usage: None,
        cost: None,
        unconfirmed: false,
    }
}

/// Whether a trace consists of unconfirmed records only: log records that do not prove that its spans were sent, and
/// spans made from them. `false` without any source.
fn is_unconfirmed(nodes: &[SpanNode]) -> bool {
    let mut sources = nodes.iter().flat_map(SpanNode::sources).map(|(_, facts)| facts.unconfirmed).peekable();
    sources.peek().is_some() && sources.all(|unconfirmed| unconfirmed)
}

/// One node for each span id, in order. Of several records of one span the most complete is kept: one that has an end,
/// a later end, more readings, tool calls and results, an earlier start.
fn spans<'a>(facts: &'a [SpanDigest]) -> Vec<SpanNode<'a>> {
    let mut best: HashMap<SpanId, (usize, &SpanDigest)> = HashMap::new();
    for (at, new) in facts.iter().enumerate() {
        let (false, Some(id)) = (new.is_log, new.span) else { continue };
        let full = |facts: &'a SpanDigest| {
            let said: usize =
                facts.reading_digests.iter().map(|digest| digest.calls.len() + digest.results.len() + 1).sum();
            (facts.ended.is_some(), facts.ended, said, Reverse(facts.started), &facts.name)
        };
        let known = best.entry(id).or_insert((at, new));
        if full(new) > full(known.1) {
            *known = (at, new);
        }
    }
    let mut nodes: Vec<SpanNode> = best
        .into_iter()
        .map(|(id, span)| SpanNode { span: Some(span), ended: span.1.ended, ..empty(id, span.1.started) })
        .collect();
    nodes.sort_by_key(SpanNode::order);
    nodes
}

/// Adds a node for each parent that was never received; it starts with its earliest child.
fn placeholders(nodes: &mut Vec<SpanNode>, index: &mut HashMap<SpanId, usize>) {
    for at in 0..nodes.len() {
        let node = &nodes[at];
        let Some(parent) = node.span.and_then(|(_, facts)| facts.parent) else { continue };
        let started = node.started;
        index.entry(parent).or_insert_with(|| {
            nodes.push(empty(parent, started));
            nodes.len() - 1
        });
    }
}

/// Gives each log record to the node of its span, adding placeholders for spans that were never received if the record
/// has messages, tokens or a failure. Returns the records that name no span.
fn logs<'a>(
    facts: &'a [SpanDigest],
    nodes: &mut Vec<SpanNode<'a>>,
    index: &mut HashMap<SpanId, usize>,
    trace: TraceId,
) -> Vec<(usize, &'a SpanDigest)> {
    let mut records: Vec<(usize, &SpanDigest)> = facts.iter().enumerate().filter(|(_, facts)| facts.is_log).collect();
    records.sort_by_key(|(_, facts)| (facts.started, facts.rank));
    let mut orphan_logs = Vec::new();
    for record in records {
        let (_, facts) = record;
        let Some(id) = facts.span else {
            orphan_logs.push(record);
            continue;
        };
        if !index.contains_key(&id) && facts.has_content() {
            index.insert(id, nodes.len());
            nodes.push(empty(id, facts.started));
        }
        if let Some(at) = index.get(&id) {
            nodes[*at].logs.push(record);
        }
    }
    // The trace has nothing but records without a span id: one node stands for all of them.
    if nodes.is_empty()
        && let Some((_, first)) = orphan_logs.iter().find(|(_, facts)| facts.has_content())
    {
        nodes.push(empty(stand_in(trace), first.started));
    }
    orphan_logs
}

/// A span id derived from the trace id, for a node that has none.
fn stand_in(trace: TraceId) -> SpanId {
    let bytes = trace.as_bytes();
    let half = |bytes| SpanId::from_bytes(bytes);
    half(&bytes[8..]).or_else(|_| half(&bytes[..8])).expect("a trace's id is not all zeroes")
}

/// The parent of each node, with each cycle cut above its earliest node.
fn parents(nodes: &[SpanNode], index: &HashMap<SpanId, usize>) -> Vec<Option<usize>> {
    let parent = |node: &SpanNode| index.get(&node.span?.1.parent?).copied();
    let mut parents: Vec<Option<usize>> = nodes.iter().map(parent).collect();
    // The number of the walk that visited each node first, 0 for none. A walk that meets its own number found a cycle.
    let mut met = vec![0; nodes.len()];
    for start in 0..nodes.len() {
        let walk = start + 1;
        let mut next = Some(start);
        while let Some(at) = next {
            if met[at] == walk {
                let mut first = at;
                let mut round = parents[at];
                while let Some(other) = round.filter(|other| *other != at) {
                    if nodes[other].order() < nodes[first].order() {
                        first = other;
                    }
                    round = parents[other];
                }
                parents[first] = None;
            }
            if met[at] != 0 {
                break;
            }
            met[at] = walk;
            next = parents[at];
        }
    }
    parents
}

/// Puts the nodes in depth-first order and sets their `parent`, `depth` and `after`.
fn walk<'a>(nodes: Vec<SpanNode<'a>>, parents: &[Option<usize>]) -> Vec<SpanNode<'a>> {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|at| Reverse(nodes[*at].order()));
    let mut beneath: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut waiting: Vec<(usize, Option<usize>, usize)> = Vec::new();
    for at in order {
        match parents[at] {
            Some(parent) => beneath[parent].push(at),
            None => waiting.push((at, None, 0)),
        }
    }
    let mut unread: Vec<Option<SpanNode>> = nodes.into_iter().map(Some).collect();
    let mut read: Vec<SpanNode> = Vec::with_capacity(unread.len());
    // The stack holds the latest sibling at the bottom, so that the earliest is taken first.
    while let Some((at, parent, depth)) = waiting.pop() {
        let Some(mut node) = unread[at].take() else { continue };
        (node.parent, node.depth, node.after) = (parent, depth, read.len() + 1);
        let here = read.len();
        read.push(node);
        waiting.extend(beneath[at].iter().map(|child| (*child, Some(here), depth + 1)));
    }
    for at in (0..read.len()).rev() {
        if let Some(parent) = read[at].parent {
            read[parent].after = read[parent].after.max(read[at].after);
        }
    }
    read
}
