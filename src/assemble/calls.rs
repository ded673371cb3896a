//! Which spans count as model calls, so that a call that was recorded twice counts once (`calls.md` 2).
//!
//! The walk goes from the leaves to the root. A call span above exactly one call with tokens is a second record of that
//! call if response ids, texts or tokens agree: usually a framework recorded the one and a client library the other. A
//! call span above several calls whose tokens or answer it repeats is their sum and does not count. Tokens on any other
//! span count only where no call was recorded beneath it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    num::NonZeroU64,
};

use super::{
    Price,
    limits::{CALLS_BENEATH, NEIGHBOURS, NODES_OF_A_CALL},
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
    streams,
    text_hash::TextHash,
    usage,
};
use crate::model::{Category, Cost, GenAi, PriceSource, Timestamp, TokenUsage};

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

/// One call that counts, merged from all its records.
#[derive(Debug, Clone)]
pub struct Call {
    /// The node that stands for the call.
    pub node: usize,
    /// The other nodes that record the same call, in order.
    pub also: Vec<usize>,
    /// The tokens that its records know together; `None` if none reports any.
    pub usage: Option<TokenUsage>,
    /// Reported by a record, else computed; `None` if there is no price, no tokens, or if a payer above reports it.
    pub cost: Option<Cost>,
    /// The call has tokens, but neither a price nor a payer above it.
    pub unpriced: bool,
    /// Whether the call failed, by its own node or by another record merged into it.
    pub failed: bool,
}

impl Call {
    /// The node that stands for the call, then those of its other records.
    pub fn nodes(&self) -> impl Iterator<Item = usize> + '_ {
        [self.node].into_iter().chain(self.also.iter().copied())
    }

    /// Whether any record reports tokens.
    fn has_tokens(&self) -> bool {
        self.usage.is_some_and(|usage| usage.has_tokens())
    }
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

/// What two records show about being of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// They are of one call.
    Same,
    /// They are of two calls.
    Different,
    /// Nothing decides it: tokens and times may.
    None,
}

/// How much later than a span another may end and still count as ended within it: a millisecond, in nanoseconds.
const CLOCK: u64 = 1_000_000;

/// An answer of at least this many bytes, white space left out, is hardly given twice by chance.
const DISTINCTIVE: u64 = 16;

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
    counting.twins(&top.near);
    // Tokens on a message between agents count only if no call is known in the whole trace (`calls.md` 4).
    let told_better = |holder: &usize| top.any && tree.nodes[*holder].relays();
    counting.finish(top.holders.into_iter().filter(|holder| !told_better(holder)).collect(), price)
}

impl Counting<'_, '_> {
    /// Looks at one node after all its descendants, and updates what is known of its subtree. Returns the index of the
    /// call that the node stands for; `None` if it stands for none.
    fn visit(&mut self, at: usize, here: &mut Subtree) -> Option<usize> {
        let node = &self.tree.nodes[at];
        self.twins(&mem::take(&mut here.near));
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
        if open.full.len() + open.bare.len() > CALLS_BENEATH {
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
            if calls.len() <= CALLS_BENEATH {
                calls.retain(|call| !self.dead.contains(call));
            }
        }
        let own = self.add(at);
        let has_tokens = self.calls[own].has_tokens();
        match (&open.full[..], open.bare.len()) {
            ([one], others) if self.is_record_of(own, *one, others == 0) => {
                let one = *one;
                open.full.clear();
                self.fold(own, one, one);
            }
            ([], others) if has_tokens || others <= CALLS_BENEATH => {
                let failed = self.calls[own].failed;
                // A failed attempt beneath a call that succeeded is a call of its own. A span that only began a stream,
                // without tokens or an answer, is not known to have succeeded.
                let answers =
                    || node.sources().flat_map(|(_, facts)| &facts.reading_digests).any(|digest| digest.answers);
                let went_well = !failed && (has_tokens || answers());
                let is_other = |call: &usize| {
                    (self.calls[*call].failed && went_well) || self.compare(own, *call) == Evidence::Different
                };
                let (others, parts): (Vec<usize>, Vec<usize>) =
                    mem::take(&mut open.bare).into_iter().partition(is_other);
                let speaks = |call: &usize| self.tree.nodes[self.calls[*call].node].has_messages();
                let is_one = parts.len() <= 1 || has_tokens || (node.has_messages() && !parts.iter().any(speaks));
                let is_sum = !is_one || (!others.is_empty() && self.is_wrapper(own, &others));
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
            (full, bare) if full.len() + bare <= CALLS_BENEATH => {
                let beneath: Vec<usize> = full.iter().chain(&open.bare).copied().collect();
                if self.is_sum(own, full) || self.is_wrapper(own, &beneath) {
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

    /// Adds a node as a call, together with the node that ends its stream; returns the index of the call.
    fn add(&mut self, at: usize) -> usize {
        let node = &self.tree.nodes[at];
        let (mut usage, mut cost, failed) = (node.usage, node.cost.cloned(), node.failed());
        let end = self.streams.get(&at).copied();
        if let Some(end) = end.map(|end| &self.tree.nodes[end]) {
            cost = usage::cost_of((usage, cost.as_ref()), (end.usage, end.cost)).cloned();
            usage = usage::fullest(usage, end.usage);
        }
        self.calls.push(Call { node: at, also: end.into_iter().collect(), usage, cost, unpriced: false, failed });
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

    /// Whether a call span and the call with tokens beneath it are two records of one call. `only` is false if calls
    /// without tokens lie beneath it too.
    fn is_record_of(&self, above: usize, beneath: usize, only: bool) -> bool {
        match self.compare(above, beneath) {
            Evidence::Same => true,
            Evidence::Different => false,
            Evidence::None => {
                let (above, beneath) = (&self.calls[above], &self.calls[beneath]);
                let same_scope = self.scope(above) == self.scope(beneath);
                match above.usage.filter(TokenUsage::has_tokens) {
                    // A call that goes on after the one above it has ended is not part of it: it was only begun within
                    // it.
                    Some(usage) => {
                        beneath.usage.is_some_and(|other| equal(usage, other))
                            && (!same_scope || self.encloses(above, beneath))
                    }
                    None => only && self.encloses(above, beneath),
                }
            }
        }
    }

    /// What two records show about being of one call: by response id, else by answer and question, else by model.
    fn compare(&self, left: usize, right: usize) -> Evidence {
        let (left, right) = (&self.calls[left], &self.calls[right]);
        if let (Some(left), Some(right)) = (response(self.sources(left)), response(self.sources(right))) {
            return if left == right { Evidence::Same } else { Evidence::Different };
        }
        let (answers, others) = (completion_texts(self.sources(left)), completion_texts(self.sources(right)));
        let same_answer = both(&answers, &others);
        let same_question = both(&questions(self.sources(left)), &questions(self.sources(right)));
        match (same_answer, same_question) {
            (Some(true), Some(true) | None) => Evidence::Same,
            // A framework may record the question in other words than it sends; a long answer is hardly given twice.
            (Some(true), Some(false)) if answers.iter().any(|answer| answer.len() >= DISTINCTIVE) => Evidence::Same,
            // Two records of one answer may differ, for instance where one has reasoning among the text: tokens decide.
            (Some(false), Some(true)) => Evidence::None,
            (Some(false), _) | (_, Some(false)) => Evidence::Different,
            (None, _) if self.are_other_models(left, right) => Evidence::Different,
            (None, _) => Evidence::None,
        }
    }

    /// Whether both calls name models, and no name of the one contains or is contained in one of the other. Letter case
    /// and punctuation are left out.
    fn are_other_models(&self, left: &Call, right: &Call) -> bool {
        let plain = |call: &Call| -> Vec<String> {
            let models = self.sources(call).filter_map(|facts| facts.model.as_deref());
            models
                .map(|model| model.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase())
                .collect()
        };
        let (left, right) = (plain(left), plain(right));
        let is_one =
            |left: &String| right.iter().any(|right| left.contains(right.as_str()) || right.contains(left.as_str()));
        !left.is_empty() && !right.is_empty() && !left.iter().any(is_one)
    }

    /// Whether a call has ended when the one above it has. `true` while the one above runs.
    fn encloses(&self, above: &Call, beneath: &Call) -> bool {
        let ended = |call: &Call| self.tree.nodes[call.node].ended;
        ended(above).is_none_or(|above| ended(beneath).is_some_and(|beneath| beneath.0 <= above.0 + CLOCK))
    }

    /// Whether a call span's tokens are those of the calls beneath it together, of which there are at least two.
    fn is_sum(&self, above: usize, beneath: &[usize]) -> bool {
        let together = beneath.iter().filter_map(|call| self.calls[*call].usage).reduce(|left, right| left + right);
        let usage = self.calls[above].usage.filter(|usage| usage.has_tokens() && beneath.len() > 1);
        usage.zip(together).is_some_and(|(usage, together)| equal(usage, together))
    }

    /// Whether a call span only wraps the calls beneath it: it has no answer and no tokens and asks nothing of its own,
    /// or its answer is one of theirs.
    fn is_wrapper(&self, above: usize, beneath: &[usize]) -> bool {
        let call = &self.calls[above];
        let (answers, questions_) = (completion_texts(self.sources(call)), questions(self.sources(call)));
        if answers.is_empty() && !call.has_tokens() {
            // It has at most a prompt: that of one of them, or none that can be compared.
            let is_theirs =
                |other: &usize| both(&questions_, &questions(self.sources(&self.calls[*other]))) != Some(false);
            return beneath.iter().any(is_theirs);
        }
        let answered =
            |other: &usize| both(&answers, &completion_texts(self.sources(&self.calls[*other]))) == Some(true);
        beneath.iter().any(answered)
    }

    /// Merges neighbours that are two records of one call. The record with messages stands for the call.
    fn twins(&mut self, neighbours: &[usize]) {
        if neighbours.len() < 2 {
            return;
        }
        let mut neighbours = neighbours.to_vec();
        neighbours.sort_by_key(|call| self.tree.nodes[self.calls[*call].node].order());
        let mut answered: HashMap<u64, usize> = HashMap::new();
        let mut recent: VecDeque<usize> = VecDeque::new();
        for call in neighbours {
            let response = response(self.sources(&self.calls[call]));
            let known = response.and_then(|response| answered.get(&response).copied());
            let twin = known.into_iter().chain(recent.iter().copied()).find(|first| self.are_twins(*first, call));
            let Some(first) = twin else {
                answered.extend(response.map(|response| (response, call)));
                recent.push_back(call);
                if recent.len() > NEIGHBOURS {
                    recent.pop_front();
                }
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

    /// Hash of the name of the scope that recorded the call; 0 if its node has no span.
    fn scope(&self, call: &Call) -> u64 {
        self.tree.nodes[call.node].span.map_or(0, |(_, facts)| facts.scope)
    }

    /// Whether two neighbours are records of one call: they have one response id; or two scopes recorded them at the
    /// same time, both or neither failed, and answer and question agree. Equal tokens alone prove nothing.
    fn are_twins(&self, first: usize, second: usize) -> bool {
        let pair = (first, second);
        let (first, second) = (&self.calls[first], &self.calls[second]);
        let nodes = (&self.tree.nodes[first.node], &self.tree.nodes[second.node]);
        if nodes.0.category != nodes.1.category {
            return false;
        }
        if let (Some(left), Some(right)) = (response(self.sources(first)), response(self.sources(second))) {
            return left == right;
        }
        let overlap = nodes.0.ended.is_none_or(|ended| nodes.1.started < ended);
        if self.scope(first) == self.scope(second) || !overlap || first.failed != second.failed {
            return false;
        }
        let tokens = (first.usage.filter(TokenUsage::has_tokens), second.usage.filter(TokenUsage::has_tokens));
        match (self.compare(pair.0, pair.1), tokens) {
            (Evidence::Same, (Some(left), Some(right))) => equal(left, right),
            (Evidence::Same, _) => !self.are_other_models(first, second),
            // Two failed calls without tokens have nothing to compare: one must end within the other.
            (Evidence::None, (None, None)) => first.failed && nodes.1.ended <= nodes.0.ended,
            _ => false,
        }
    }

    /// The digests of the first [`NODES_OF_A_CALL`] nodes of a call.
    fn sources(&self, call: &Call) -> impl Iterator<Item = &SpanDigest> {
        let nodes: Vec<usize> = call.nodes().take(NODES_OF_A_CALL).collect();
        nodes.into_iter().flat_map(|node| self.tree.nodes[node].sources().map(|(_, facts)| facts))
    }

    /// Adds the holders that count, drops the dead, sorts, and prices calls that have tokens and no cost.
    fn finish(mut self, holders: Vec<usize>, price: Price) -> CountedCalls {
        // Nested teams deliver one message several times: its tokens count once for each response id.
        let mut relayed = HashSet::new();
        for holder in holders {
            let node = &self.tree.nodes[holder];
            let message = response(node.sources().map(|(_, facts)| facts)).filter(|_| node.relays());
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
        for call in &mut calls {
            if !call.has_tokens() || call.cost.is_some() || covered(call.node) {
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
    let facts = || call.nodes().flat_map(|at| tree.nodes[at].sources()).map(|(_, facts)| facts);
    GenAi {
        model: facts().find_map(|facts| facts.model.as_deref()).map(str::to_owned),
        provider: facts().find_map(|facts| facts.provider.as_deref()).map(str::to_owned),
        usage: call.usage,
        ..GenAi::default()
    }
}

/// Whether a node is a request to an agent that runs elsewhere: a `CLIENT` span of an agent that names a provider, has
/// nothing beneath it, and has tokens, messages or a failure.
fn is_remote_agent(tree: &SpanTree, at: usize) -> bool {
    let node = &tree.nodes[at];
    let Some((_, facts)) = node.span else { return false };
    let says = node.usage.is_some_and(|usage| usage.has_tokens()) || node.failed() || node.has_messages();
    node.category == Category::Agent && facts.client && facts.billed && node.after == at + 1 && says
}

/// The first response id, as a hash.
fn response<'a>(mut sources: impl Iterator<Item = &'a SpanDigest>) -> Option<u64> {
    sources.find_map(|facts| facts.response)
}

/// Hashes of the completion's texts, one for each dialect and carrier that found any.
fn completion_texts<'a>(sources: impl Iterator<Item = &'a SpanDigest>) -> Vec<TextHash> {
    sources
        .flat_map(|facts| &facts.reading_digests)
        .map(|digest| digest.completion_text)
        .filter(|completion_text| !completion_text.is_empty())
        .collect()
}

/// Hashes of the user's last message, one for each dialect and carrier that found one.
fn questions<'a>(sources: impl Iterator<Item = &'a SpanDigest>) -> Vec<NonZeroU64> {
    sources.flat_map(|facts| &facts.reading_digests).filter_map(|digest| digest.question).collect()
}

/// Whether two records have a hash in common; `None` if either has none at all.
fn both<T: PartialEq>(left: &[T], right: &[T]) -> Option<bool> {
    (!left.is_empty() && !right.is_empty()).then(|| left.iter().any(|completion_text| right.contains(completion_text)))
}

/// Whether two records have equal tokens. One may count caches within the input, or reasoning within the output, and
/// the other not.
fn equal(left: TokenUsage, right: TokenUsage) -> bool {
    let inputs = |usage: TokenUsage| [usage.input(), usage.uncached_input];
    let input = inputs(left).into_iter().flatten().any(|input| inputs(right).contains(&Some(input)));
    let outputs = |usage: TokenUsage| {
        let spoken = usage.output.zip(usage.reasoning).and_then(|(output, thought)| output.checked_sub(thought));
        [usage.output, spoken.or(usage.output)]
    };
    input && outputs(left).into_iter().any(|output| outputs(right).contains(&output))
}
