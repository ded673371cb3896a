//! Which spans count as model calls, so that a call that was recorded twice counts once (`calls.md` 2).
//!
//! The walk goes from the leaves to the root. A call span above exactly one call with tokens is a second record of that
//! call if response ids, texts or tokens agree: usually a framework recorded the one and a client library the other. A
//! call span above several calls whose tokens or answer it repeats is their sum and does not count. Tokens on any other
//! span count only where no call was recorded beneath it.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet, VecDeque},
    mem,
};

use super::{
    Price, broken_off,
    call::Call,
    hashes::ResponseHash,
    known_calls::KnownCalls,
    limits::{CALLS_BENEATH, COUSINS, Limit, NEIGHBOURS},
    same_call::{Evidence, are_cousins, are_twins, compare, is_record_of, is_sum, is_wrapper},
    span_tree::{SpanNode, SpanTree},
    streams, usage,
};
use crate::model::{Category, Cost, GenAi, PriceSource, Timestamp};

/// The model calls of a trace that count, embeddings and rerankings included.
#[derive(Debug, Default)]
pub struct CountedCalls {
    /// Ordered by start, end and span id.
    pub calls: Vec<Call>,
    /// For each node the index of the call that it stands for or is another record of; `None` for all other nodes.
    pub of: Vec<Option<usize>>,
    /// Nodes that report a cost for the calls beneath them, none of which has a cost of its own; in tree order.
    pub payers: Vec<usize>,
}

/// Calls of one kind in a subtree. A call span above them may be another record of one of them, or their sum. Indices
/// into [`Counting::calls`].
#[derive(Default)]
struct Open {
    /// Calls with tokens.
    full: Vec<usize>,
    /// Calls without tokens.
    bare: Vec<usize>,
}

/// What is known of the subtree of a node while the walk goes up.
#[derive(Default)]
struct Subtree {
    /// One for each [`kind`] of call.
    open: [Open; 3],
    /// The calls that the children stand for: neighbours, of which two may be records of one call.
    near: Vec<usize>,
    /// Whether any call is in it.
    any: bool,
    /// Nodes that are no calls but have tokens, with no call beneath: they count unless a node above takes their place.
    holders: Vec<usize>,
    /// Whether any call or node in it has a cost that counts.
    paid: bool,
}

impl Subtree {
    /// Adds the subtree of a child.
    fn join(&mut self, mut child: Self) {
        for (mine, theirs) in self.open.iter_mut().zip(&mut child.open) {
            join(&mut mine.full, &mut theirs.full);
            join(&mut mine.bare, &mut theirs.bare);
        }
        join(&mut self.holders, &mut child.holders);
        self.any |= child.any;
        self.paid |= child.paid;
    }
}

/// Appends one list to the other, in any order: the shorter one moves.
fn join(mine: &mut Vec<usize>, theirs: &mut Vec<usize>) {
    if theirs.len() > mine.len() {
        mem::swap(mine, theirs);
    }
    mine.append(theirs);
}

/// Index of the kind of call: 0 models, 1 embeddings, 2 rerankers. A call is never a record or a part of one of another
/// kind.
fn kind(category: Category) -> usize {
    match category {
        Category::Embedding => 1,
        Category::Reranker => 2,
        _ => 0,
    }
}

/// The state of the walk.
struct Counting<'p, 'a> {
    tree: &'p SpanTree<'a>,
    /// Every call found so far; those merged into another, and sums, are in `dead`.
    calls: Vec<Call>,
    /// Indices of calls that do not count.
    dead: HashSet<usize>,
    /// See [`CountedCalls::payers`]; in the order of the walk.
    payers: Vec<usize>,
    /// For the node of a streamed request the node that ends its stream.
    streams: HashMap<usize, usize>,
    /// The nodes that end a stream: they are no calls of their own.
    ends: HashSet<usize>,
    /// Start times of the placeholders without log records, sorted: something began then beneath a span that never
    /// came.
    gaps: Vec<Timestamp>,
}

/// Finds the calls of a trace that count, and prices those without a reported cost.
pub fn count(tree: &SpanTree, price: Price) -> CountedCalls {
    let streams = streams::streams(tree);
    let ends = streams.values().copied().collect();
    let missing = tree.nodes.iter().filter(|node| node.span.is_none() && node.logs.is_empty());
    let mut gaps: Vec<Timestamp> = missing.map(|node| node.started).collect();
    gaps.sort_unstable();
    let (calls, dead, payers) = (Vec::new(), HashSet::new(), Vec::new());
    let mut counting = Counting { tree, calls, dead, payers, streams, ends, gaps };
    let mut beneath: Vec<Subtree> = tree.nodes.iter().map(|_| Subtree::default()).collect();
    let mut top = Subtree::default();
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        let mut here = mem::take(&mut beneath[at]);
        let call = counting.visit(at, &mut here);
        let above = node.parent.map_or(&mut top, |parent| &mut beneath[parent]);
        above.join(here);
        above.near.extend(call);
    }
    counting.twins(&top.near, are_twins, &NEIGHBOURS);
    counting.cousins();
    // The sum of what an agent used, in a step of its own, does not count beside the calls of that agent.
    let agents = LazyCell::new(|| agents_with_calls(tree));
    let is_sum_of_agent = |at: usize| {
        let node = &tree.nodes[at];
        let is_step = node.category == Category::Chain && node.after == at + 1;
        let is_beside = |(last, end): &(usize, usize)| *last > at || *end <= at;
        is_step && agent_named(node).and_then(|name| agents.get(name)).is_some_and(is_beside)
    };
    // Tokens on a message between agents count only if no call is known in the whole trace (`calls.md` 4).
    let is_known_otherwise = |holder: &usize| top.any && (tree.nodes[*holder].relays() || is_sum_of_agent(*holder));
    counting.finish(top.holders.into_iter().filter(|holder| !is_known_otherwise(holder)).collect(), price)
}

impl Counting<'_, '_> {
    /// Looks at one node after all its descendants, and updates what is known of its subtree. Returns the index of the
    /// call that the node stands for; `None` if it stands for none.
    fn visit(&mut self, at: usize, here: &mut Subtree) -> Option<usize> {
        let node = &self.tree.nodes[at];
        self.twins(&mem::take(&mut here.near), are_twins, &NEIGHBOURS);
        if self.ends.contains(&at) {
            return None;
        }
        let mut own = None;
        if node.is_call() {
            own = self.call(at, here);
            here.any = true;
        } else if is_remote_agent(self.tree, at) && !here.any && !self.has_gap(node) {
            own = Some(self.add(at));
            (here.any, here.holders) = (true, Vec::new());
        } else if node.usage.is_some_and(|usage| usage.has_tokens()) && !here.any {
            // Of several such nodes within each other the top-most counts.
            here.holders = vec![at];
        }
        if own.is_none() && node.category == Category::Chain {
            self.take_reasoning(node, &here.open[kind(Category::Llm)]);
        }
        if let Some(call) = own {
            let open = &mut here.open[kind(node.category)];
            if self.calls[call].has_tokens() { &mut open.full } else { &mut open.bare }.push(call);
            here.paid |= self.calls[call].cost.is_some();
        }
        if node.cost.is_some_and(|cost| cost.source == PriceSource::Reported) {
            if here.any && !here.paid {
                self.payers.push(at);
            }
            here.paid = true;
        }
        // Calls within a tool are never part of a call above the tool.
        if node.category == Category::Tool {
            here.open = Default::default();
        }
        own
    }

    /// Whether a span that was never received began while this node ran. It was most likely beneath this node.
    fn has_gap(&self, node: &SpanNode) -> bool {
        // One that began at the same moment may be the span around this node, so it does not count.
        let first = self.gaps.partition_point(|started| *started <= node.started);
        self.gaps.get(first).is_some_and(|started| node.ended.is_none_or(|ended| *started <= ended))
    }

    /// Gives a call without reasoning tokens those of the chain span around it, if it is the only call there. They are
    /// part of the output, so more than that is not believed.
    fn take_reasoning(&mut self, step: &SpanNode, open: &Open) {
        let Some(reasoning) = step.usage.and_then(|usage| usage.reasoning) else { return };
        if !CALLS_BENEATH.allows(open.full.len() + open.bare.len()) {
            return;
        }
        let mut alive = open.full.iter().chain(&open.bare).filter(|call| !self.dead.contains(call));
        let (Some(&one), None) = (alive.next(), alive.next()) else { return };
        if let Some(usage) = &mut self.calls[one].usage
            && usage.reasoning.is_none()
            && usage.output.is_some_and(|output| reasoning <= output)
        {
            usage.reasoning = Some(reasoning);
        }
    }

    /// Decides what a call span is: a call of its own, a record of calls beneath it (which are merged into it), or
    /// their sum. Returns the call's index; `None` for a sum.
    fn call(&mut self, at: usize, here: &mut Subtree) -> Option<usize> {
        let node = &self.tree.nodes[at];
        let open = &mut here.open[kind(node.category)];
        for calls in [&mut open.full, &mut open.bare] {
            // Calls that were merged into a neighbour are still in the lists.
            if calls.len() <= CALLS_BENEATH.most() {
                calls.retain(|call| !self.dead.contains(call));
            }
        }
        let own = self.add(at);
        let has_tokens = self.calls[own].has_tokens();
        match (&open.full[..], open.bare.len()) {
            ([one], others) if is_record_of(self.tree, &self.calls[own], &self.calls[*one], others == 0) => {
                let one = *one;
                open.full.clear();
                self.fold(own, one, one);
            }
            ([], others) if has_tokens || CALLS_BENEATH.allows(others) => {
                let failed = self.calls[own].failed;
                // A failed attempt beneath a call that succeeded is a call of its own. A span that only began a stream,
                // without tokens or an answer, is not known to have succeeded.
                let answers =
                    || node.sources().flat_map(|(_, digest)| &digest.reading_digests).any(|reading| reading.answers);
                let went_well = !failed && (has_tokens || answers());
                let is_other = |call: &usize| {
                    let (own, call) = (&self.calls[own], &self.calls[*call]);
                    (call.failed && went_well) || compare(self.tree, own, call) == Evidence::Different
                };
                let (others, parts): (Vec<usize>, Vec<usize>) =
                    mem::take(&mut open.bare).into_iter().partition(is_other);
                let has_messages = |call: &usize| self.tree.nodes[self.calls[*call].node].has_messages();
                let is_one = parts.len() <= 1 || has_tokens || (node.has_messages() && !parts.iter().any(has_messages));
                let is_sum =
                    !is_one || (!others.is_empty() && is_wrapper(self.tree, &self.calls[own], &self.all(&others)));
                open.bare = others;
                if is_sum {
                    open.bare.extend(parts);
                    self.dead.insert(own);
                    return None;
                }
                for call in parts {
                    self.calls[own].failed |= self.calls[call].failed;
                    self.fold(own, call, call);
                }
            }
            (full @ [_, ..], bare) if CALLS_BENEATH.allows(full.len() + bare) => {
                let (above, full, bare) = (&self.calls[own], self.all(full), self.all(&open.bare));
                if is_sum(above, &full) || is_wrapper(self.tree, above, &[full, bare].concat()) {
                    self.dead.insert(own);
                    return None;
                }
            }
            _ => {
                self.dead.insert(own);
                return None;
            }
        }
        if has_tokens {
            here.holders.clear();
        } else if let [one] = here.holders[..]
            && !self.calls[own].has_tokens()
        {
            self.calls[own].usage = self.tree.nodes[one].usage;
            self.calls[own].also.push(one);
            here.holders.clear();
        }
        Some(own)
    }

    /// The calls with these indices.
    fn all(&self, calls: &[usize]) -> Vec<&Call> {
        calls.iter().map(|call| &self.calls[*call]).collect()
    }

    /// Adds a node as a call, together with the node that ends its stream; returns the index of the call.
    fn add(&mut self, at: usize) -> usize {
        let mut call = Call::of_node(self.tree, at);
        let end = self.streams.get(&at).copied();
        if let Some(end) = end.map(|end| &self.tree.nodes[end]) {
            call.cost = usage::cost_of((call.usage, call.cost.as_ref()), (end.usage, end.cost)).cloned();
            call.usage = usage::fullest(call.usage, end.usage);
        }
        call.also = end.into_iter().collect();
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// Merges `call` into `into`. `inner` is the one of the two that was recorded nearer to the wire.
    fn fold(&mut self, into: usize, call: usize, inner: usize) {
        self.dead.insert(call);
        let mut also = mem::take(&mut self.calls[call].also);
        also.push(self.calls[call].node);
        let outer = if inner == call { into } else { call };
        let (outer, inner) = (&self.calls[outer], &self.calls[inner]);
        let cost = usage::cost_of((outer.usage, outer.cost.as_ref()), (inner.usage, inner.cost.as_ref())).cloned();
        let usage = usage::fullest(outer.usage, inner.usage);
        let whole = &mut self.calls[into];
        (whole.usage, whole.cost) = (usage, cost);
        join(&mut whole.also, &mut also);
    }

    /// Merges records of one call that lie anywhere in the trace: an instrumentation that does not enclose what it calls
    /// leaves the other's span beside its own agents.
    fn cousins(&mut self) {
        let alive: Vec<usize> = (0..self.calls.len()).filter(|call| !self.dead.contains(call)).collect();
        let mut scopes = alive.iter().map(|call| self.calls[*call].scope(self.tree));
        let first = scopes.next();
        if scopes.any(|scope| Some(scope) != first) {
            self.twins(&alive, are_cousins, &COUSINS);
        }
    }

    /// Merges neighbours that are two records of one call, as `are` says of two. The record with messages stands for the
    /// call. Each is compared with so many of those before it that had not ended when it began.
    fn twins(&mut self, neighbours: &[usize], are: fn(&SpanTree, &Call, &Call) -> bool, limit: &Limit) {
        if neighbours.len() < 2 {
            return;
        }
        let mut neighbours = neighbours.to_vec();
        neighbours.sort_by_key(|call| self.tree.nodes[self.calls[*call].node].order());
        let mut answered: HashMap<ResponseHash, usize> = HashMap::new();
        let mut recent: VecDeque<usize> = VecDeque::new();
        for call in neighbours {
            let response = self.calls[call].response(self.tree);
            let same_response = response.and_then(|response| answered.get(&response).copied());
            let is_twin = |first: &usize| are(self.tree, &self.calls[*first], &self.calls[call]);
            let twin = same_response.into_iter().chain(recent.iter().copied()).find(is_twin);
            let Some(first) = twin else {
                answered.extend(response.map(|response| (response, call)));
                if recent.len() >= limit.most() {
                    // One that had ended by now is no twin of what follows, so nothing is lost.
                    let this = &self.tree.nodes[self.calls[call].node];
                    let ended = |first: &usize| self.tree.nodes[self.calls[*first].node].ended;
                    recent.retain(|first| ended(first).is_none_or(|ended| ended > this.started));
                    if recent.len() >= limit.most() {
                        recent.pop_front();
                        limit.reach();
                    }
                }
                recent.push_back(call);
                continue;
            };
            let node = |call: usize| &self.tree.nodes[self.calls[call].node];
            let (main, other) =
                if node(call).has_messages() && !node(first).has_messages() { (call, first) } else { (first, call) };
            let inner = if node(call).ended <= node(first).ended { call } else { first };
            self.fold(main, other, inner);
            answered.extend(response.map(|response| (response, main)));
            // A third record like these is of the next call, unless it has the same response id.
            recent.retain(|call| *call != first);
        }
    }

    /// Adds the holders that count, drops the dead, sorts, and prices calls that have tokens and no cost.
    fn finish(mut self, holders: Vec<usize>, price: Price) -> CountedCalls {
        // Nested teams deliver one message several times: its tokens count once for each response id.
        let mut relayed = HashSet::new();
        for holder in holders {
            let node = &self.tree.nodes[holder];
            let message = node.sources().find_map(|(_, digest)| digest.response).filter(|_| node.relays());
            if message.is_none_or(|message| relayed.insert(message)) {
                self.add(holder);
            }
        }
        let Self { tree, calls, dead, mut payers, .. } = self;
        let alive = calls.into_iter().enumerate().filter(|(at, _)| !dead.contains(at));
        let mut calls: Vec<Call> = alive.map(|(_, call)| call).collect();
        calls.sort_by_key(|call| tree.nodes[call.node].order());
        let mut of = vec![None; tree.nodes.len()];
        for (at, call) in calls.iter_mut().enumerate() {
            call.also.sort_by_key(|node| tree.nodes[*node].order());
            call.nodes().for_each(|node| of[node] = Some(at));
        }
        // No payer lies within another, because a node above a cost never becomes one. So only the nearest one before a
        // node can cover it.
        payers.sort_unstable();
        let covered = |node: usize| {
            let before = payers.partition_point(|payer| *payer <= node);
            before.checked_sub(1).is_some_and(|at| node < tree.nodes[payers[at]].after)
        };
        let known = KnownCalls::of(tree, &calls);
        for call in &mut calls {
            let standard = |cost: &Cost| matches!(&cost.source, PriceSource::Table { terms: None, .. });
            if call.cost.as_ref().is_some_and(standard) && call.is_named_shorter(tree) {
                // It may be the price of the shorter name.
                call.cost = price(&billed_facts(tree, call), tree.nodes[call.node].started).or(call.cost.take());
            }
            if call.cost.is_some() || covered(call.node) {
                continue;
            }
            if !call.has_tokens() {
                call.broke_off = call.failed && broken_off::is_broken_off(tree, call);
                // What goes on has no tokens yet, what a provider refused costs nothing, and an embedding may be made here.
                let node = &tree.nodes[call.node];
                let is_silent = !call.failed && node.ended.is_some() && node.category.takes_turns();
                // Near a call that is known it may be another record of that, whose text only differs.
                let is_silent = is_silent && !known.is_near(call.node, node.after);
                call.unpriced = call.broke_off || is_silent;
                continue;
            }
            // Tokens and model may come from two records of the call.
            call.cost = price(&billed_facts(tree, call), tree.nodes[call.node].started);
            call.unpriced = call.cost.is_none();
        }
        CountedCalls { calls, of, payers }
    }
}

/// What the records of a call together know of what its price depends on: model, provider and tokens.
fn billed_facts(tree: &SpanTree, call: &Call) -> GenAi {
    let digests = || call.nodes().flat_map(|at| tree.nodes[at].sources()).map(|(_, digest)| digest);
    GenAi {
        model: call.model(tree).map(str::to_owned),
        provider: digests().find_map(|digest| digest.provider.as_deref()).map(str::to_owned),
        usage: call.usage,
        ..GenAi::default()
    }
}

/// The agents with calls beneath them, by name: where the last one begins, and where the first one ends. A node lies
/// beneath all agents of a name only between the two.
fn agents_with_calls<'t>(tree: &SpanTree<'t>) -> HashMap<&'t str, (usize, usize)> {
    let calls: Vec<usize> = (0..tree.nodes.len()).filter(|at| tree.nodes[*at].is_call()).collect();
    let has_calls = |(at, agent): &(usize, &SpanNode)| {
        let first = calls.partition_point(|call| call <= at);
        agent.category == Category::Agent && calls.get(first).is_some_and(|call| *call < agent.after)
    };
    let mut found: HashMap<&str, (usize, usize)> = HashMap::new();
    for (at, agent) in tree.nodes.iter().enumerate().filter(has_calls) {
        if let Some(name) = agent_named(agent) {
            let (last, end) = found.entry(name).or_insert((at, agent.after));
            (*last, *end) = (at, agent.after.min(*end));
        }
    }
    found
}

/// The agent that a node's span names.
fn agent_named<'t>(node: &SpanNode<'t>) -> Option<&'t str> {
    node.span.and_then(|(_, digest)| digest.facts.as_ref()?.agent.as_deref())
}

/// Whether a node is a request to an agent that runs elsewhere: a `CLIENT` span of an agent that names a provider, has
/// nothing beneath it, and has tokens, messages or a failure.
fn is_remote_agent(tree: &SpanTree, at: usize) -> bool {
    let node = &tree.nodes[at];
    let Some((_, digest)) = node.span else { return false };
    let is_recorded = node.usage.is_some_and(|usage| usage.has_tokens()) || node.failed() || node.has_messages();
    node.category == Category::Agent && digest.client && digest.billed && node.after == at + 1 && is_recorded
}
