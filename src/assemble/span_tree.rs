//! The places of a trace: its spans as a tree, with the log records of each, parents before children.
//!
//! ```text
//!   spans in any order ─▶ one place an id ─▶ placeholders for parents that never came
//!     ─▶ cycles cut ─▶ siblings by start, end, id ─▶ places, each before those beneath it
//! ```
//!
//! Traces come as deep as senders please, so nothing here recurses.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    reassign_logs,
    span_digest::{FailureDigest, SpanDigest},
    usage,
};
use crate::model::{Category, Cost, PriceSource, SpanId, Timestamp, TokenUsage, TraceId};

/// A trace's places, each before those beneath it.
#[derive(Debug)]
pub struct SpanTree<'a> {
    pub nodes: Vec<SpanNode<'a>>,
    /// The span that nothing is above: the earliest, if there are several.
    pub root: Option<usize>,
    /// Log records that belong nowhere, because there is no place at all.
    pub orphan_logs: Vec<&'a SpanDigest>,
}

/// A span, or the place of one that never came.
#[derive(Debug)]
pub struct SpanNode<'a> {
    pub id: SpanId,
    /// The span and its index among what was handed in.
    pub span: Option<(usize, &'a SpanDigest)>,
    /// Its log records, in order.
    pub logs: Vec<(usize, &'a SpanDigest)>,
    pub parent: Option<usize>,
    pub depth: usize,
    /// The first place after all that is beneath it.
    pub after: usize,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub category: Category,
    pub usage: Option<TokenUsage>,
    pub cost: Option<&'a Cost>,
    /// Nothing in its trace is more than unconfirmed: it is shown, but neither counts nor tells.
    pub unconfirmed: bool,
}

impl<'a> SpanNode<'a> {
    /// The span and its log records: everything that was said here.
    pub fn sources(&self) -> impl Iterator<Item = (usize, &'a SpanDigest)> + '_ {
        self.span.into_iter().chain(self.logs.iter().copied())
    }

    /// Those that speak of this place, and not only of its trace.
    fn own(&self) -> impl Iterator<Item = &'a SpanDigest> + '_ {
        self.sources().map(|(_, facts)| facts).filter(|facts| facts.span.is_some() || self.span.is_none())
    }

    pub fn failure(&self) -> Option<&'a FailureDigest> {
        self.own().find_map(|facts| facts.failure.as_deref()).filter(|_| !self.unconfirmed)
    }

    pub fn failed(&self) -> bool {
        self.failure().is_some()
    }

    /// Whether it sums up calls. Its span knows better than a record, which may name but the agent that called.
    pub fn aggregate(&self) -> bool {
        self.span.map_or_else(|| self.own().any(|facts| facts.aggregate), |(_, facts)| facts.aggregate)
    }

    /// Whether it hands on what an agent said.
    pub fn relays(&self) -> bool {
        self.span.is_some_and(|(_, facts)| facts.relays)
    }

    pub fn speaks(&self) -> bool {
        !self.unconfirmed
            && self
                .sources()
                .flat_map(|(_, facts)| &facts.reading_digests)
                .any(|digest| digest.prompts || digest.answers)
    }

    /// By start, end and id: the order of siblings, calls and everything else.
    pub fn order(&self) -> Order {
        order(self.started, self.ended, self.id)
    }

    /// What a span that never came was: its messages are most likely those of a model call.
    fn guess(&self) -> Category {
        let said = self.own().map(|facts| facts.category).find(|category| *category != Category::Span);
        said.unwrap_or(if self.speaks() { Category::Llm } else { Category::Span })
    }

    /// Reads what its sources say together.
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

/// Start, end (none last), id.
pub type Order = (Timestamp, bool, Option<Timestamp>, SpanId);

pub fn order(started: Timestamp, ended: Option<Timestamp>, id: SpanId) -> Order {
    (started, ended.is_none(), ended, id)
}

impl<'a> SpanTree<'a> {
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
        let mut nodes = walk(nodes, &parents);
        reassign_logs::reassign(&mut nodes);
        let root = nodes.iter().position(|node| node.span.is_some_and(|(_, facts)| facts.parent.is_none()));
        let mut tree = Self { nodes, root, orphan_logs: Vec::new() };
        tree.adopt(orphan_logs);
        tree
    }

    /// Gives log records without a span to the root, else to the first place.
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

    /// The places that nothing that came is above.
    pub fn tops(&self) -> impl Iterator<Item = &SpanNode<'a>> {
        let came = |at: usize| self.nodes.get(at).is_some_and(|node| node.span.is_some());
        self.nodes.iter().filter(move |node| node.span.is_some() && !node.parent.is_some_and(came))
    }

    /// For each place the nearest one above it for which `is` holds.
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

/// Whether a trace holds nothing but spans made from records that prove nothing, and these records.
fn is_unconfirmed(nodes: &[SpanNode]) -> bool {
    let mut sources = nodes.iter().flat_map(SpanNode::sources).map(|(_, facts)| facts.unconfirmed).peekable();
    sources.peek().is_some() && sources.all(|unconfirmed| unconfirmed)
}

/// One place a span. Of a span that came twice the more complete one is taken.
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

/// Adds a place for each parent that never came, as early as its earliest child.
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

/// Gives each log record to its place, adding those of spans that never came; returns those that name no span.
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
        if !index.contains_key(&id) && facts.tells() {
            index.insert(id, nodes.len());
            nodes.push(empty(id, facts.started));
        }
        if let Some(at) = index.get(&id) {
            nodes[*at].logs.push(record);
        }
    }
    // Nothing but records without a span: one place stands for them all.
    if nodes.is_empty()
        && let Some((_, first)) = orphan_logs.iter().find(|(_, facts)| facts.tells())
    {
        nodes.push(empty(stand_in(trace), first.started));
    }
    orphan_logs
}

/// An id for what has none, made of the trace's.
fn stand_in(trace: TraceId) -> SpanId {
    let bytes = trace.as_bytes();
    let half = |bytes| SpanId::from_bytes(bytes);
    half(&bytes[8..]).or_else(|_| half(&bytes[..8])).expect("a trace's id is not all zeroes")
}

/// The parent of each place, with cycles cut at their earliest span.
fn parents(nodes: &[SpanNode], index: &HashMap<SpanId, usize>) -> Vec<Option<usize>> {
    let parent = |node: &SpanNode| index.get(&node.span?.1.parent?).copied();
    let mut parents: Vec<Option<usize>> = nodes.iter().map(parent).collect();
    // The walk on which a place was first met; a walk that meets itself went round a cycle.
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

/// Puts the places in the order in which a tree is read.
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
    // Latest first on the stack, so that the earliest is taken next.
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
