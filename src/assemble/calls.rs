//! Which spans stand for a model call (`calls.md` 2): the same call seen twice is one.
//!
//! Walked from the leaves up. A call span with exactly one call beneath it that says the same (response
//! id, tokens, text) is that call, recorded once by a framework and once by a client library; one with
//! other calls beneath it is their sum and does not count. Tokens of anything else count only where no
//! call was recorded beneath it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem,
    num::NonZeroU64,
};

use super::{
    Price,
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
    streams,
    text_hash::TextHash,
    usage,
};
use crate::model::{Category, Cost, GenAi, PriceSource, Timestamp, TokenUsage};

/// The counted calls of a trace.
#[derive(Debug, Default)]
pub struct CountedCalls {
    /// By start, end, id.
    pub calls: Vec<Call>,
    /// For each place the call that it stands for or also describes.
    pub of: Vec<Option<usize>>,
    /// Places that report the cost of calls beneath them which have none of their own.
    pub payers: Vec<usize>,
}

/// One counted call.
#[derive(Debug, Clone)]
pub struct Call {
    pub node: usize,
    /// Other places that describe the same call, in order.
    pub also: Vec<usize>,
    /// What its records know of its tokens together.
    pub usage: Option<TokenUsage>,
    pub cost: Option<Cost>,
    /// It has tokens but no price.
    pub unpriced: bool,
    pub failed: bool,
}

impl Call {
    /// The place it stands for, then the others.
    pub fn nodes(&self) -> impl Iterator<Item = usize> + '_ {
        [self.node].into_iter().chain(self.also.iter().copied())
    }

    fn has_tokens(&self) -> bool {
        self.usage.is_some_and(|usage| usage.has_tokens())
    }
}

/// Calls that a call span above them may be the same as, or the sum of.
#[derive(Default)]
struct Open {
    /// With tokens.
    full: Vec<usize>,
    bare: Vec<usize>,
}

/// What is known of the subtree of a place while walking up.
#[derive(Default)]
struct Subtree {
    /// For each of the kinds of call.
    open: [Open; 3],
    /// Calls directly beneath.
    near: Vec<usize>,
    /// Whether any call is in it.
    any: bool,
    /// Places other than calls that count for now.
    holders: Vec<usize>,
    /// Whether anything in it has a cost.
    paid: bool,
}

impl Subtree {
    /// Takes in what a child has beneath it; the shorter list moves.
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

fn join(mine: &mut Vec<usize>, theirs: &mut Vec<usize>) {
    if theirs.len() > mine.len() {
        mem::swap(mine, theirs);
    }
    mine.append(theirs);
}

/// What speaks for two records being of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    Same,
    Different,
    /// Nothing speaks for the one or the other.
    None,
}

/// Two spans that end with each other may be so far apart: a millisecond, in nanoseconds.
const CLOCK: u64 = 1_000_000;

/// An answer of so many bytes is hardly given twice by chance.
const TELLING: u64 = 16;

/// The kinds of call, none of which is ever part of another.
fn kind(category: Category) -> usize {
    match category {
        Category::Embedding => 1,
        Category::Reranker => 2,
        _ => 0,
    }
}

/// Of more calls without tokens than this, a call span without tokens above them is not the record of one.
const MANY: usize = 64;

/// A call may be another record of one of so many before it.
const RECENT: usize = 16;

/// How many records of one call are asked what they heard.
const ASKED: usize = 8;

/// The walk, and what it found.
struct Counting<'p, 'a> {
    tree: &'p SpanTree<'a>,
    /// Every call span; those that became part of another are dead.
    calls: Vec<Call>,
    dead: HashSet<usize>,
    payers: Vec<usize>,
    /// For requests the place that tells what was streamed in answer; those places are no calls of their own.
    streams: HashMap<usize, usize>,
    ends: HashSet<usize>,
    /// When something began beneath a span that never came.
    gaps: Vec<Timestamp>,
}

/// Finds the counted calls of a trace.
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
    // What an agent's messages say of its calls is known better where those are.
    let told_better = |holder: &usize| top.any && tree.nodes[*holder].relays();
    counting.finish(top.holders.into_iter().filter(|holder| !told_better(holder)).collect(), price)
}

impl Counting<'_, '_> {
    /// Looks at one place, after all beneath it; returns the call it stands for.
    fn visit(&mut self, at: usize, here: &mut Subtree) -> Option<usize> {
        let node = &self.tree.nodes[at];
        self.twins(&mem::take(&mut here.near));
        if self.ends.contains(&at) {
            return None;
        }
        let mut own = None;
        if is_call(node) {
            own = self.call(at, here);
            here.any = true;
        } else if is_remote_agent(self.tree, at) && !here.any && !self.has_gap(node) {
            own = Some(self.add(at));
            (here.any, here.holders) = (true, Vec::new());
        } else if node.usage.is_some_and(|usage| usage.has_tokens()) && !here.any {
            // Of several that sum up the same calls the top-most counts.
            here.holders = vec![at];
        }
        if own.is_none() && node.category == Category::Chain {
            self.tell_reasoning(node, &here.open[kind(Category::Llm)]);
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
        // What a tool does is not part of the call that asked for it.
        if node.category == Category::Tool {
            here.open = Default::default();
        }
        own
    }

    /// Whether something began within a place of which nobody knows what it was part of: most likely of this.
    fn has_gap(&self, node: &SpanNode) -> bool {
        // One that begins with it may be what is around it.
        let first = self.gaps.partition_point(|started| *started <= node.started);
        self.gaps.get(first).is_some_and(|started| node.ended.is_none_or(|ended| *started <= ended))
    }

    /// What a step around a single call knows of its reasoning, from the answer that it gives back.
    fn tell_reasoning(&mut self, step: &SpanNode, open: &Open) {
        let Some(reasoning) = step.usage.and_then(|usage| usage.reasoning) else { return };
        if open.full.len() + open.bare.len() > MANY {
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

    /// Decides whether a call span is a call of its own, one of those beneath it, or their sum.
    fn call(&mut self, at: usize, here: &mut Subtree) -> Option<usize> {
        let node = &self.tree.nodes[at];
        let open = &mut here.open[kind(node.category)];
        for calls in [&mut open.full, &mut open.bare] {
            // Calls that turned out to be one with a neighbour are still in the lists.
            if calls.len() <= MANY {
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
            ([], others) if has_tokens || others <= MANY => {
                let failed = self.calls[own].failed;
                // A failed attempt within a call that went well is a call of its own. Of one that only began a stream
                // nothing says that it went well.
                let answers =
                    || node.sources().flat_map(|(_, facts)| &facts.reading_digests).any(|digest| digest.answers);
                let went_well = !failed && (has_tokens || answers());
                let is_other = |call: &usize| {
                    (self.calls[*call].failed && went_well) || self.compare(own, *call) == Evidence::Different
                };
                let (others, parts): (Vec<usize>, Vec<usize>) =
                    mem::take(&mut open.bare).into_iter().partition(is_other);
                let speaks = |call: &usize| self.tree.nodes[self.calls[*call].node].speaks();
                let is_one = parts.len() <= 1 || has_tokens || (node.speaks() && !parts.iter().any(speaks));
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
            (full, bare) if full.len() + bare <= MANY => {
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

    fn add(&mut self, at: usize) -> usize {
        let node = &self.tree.nodes[at];
        let (mut usage, mut cost, failed) = (node.usage, node.cost.cloned(), node.failed());
        let end = self.streams.get(&at).copied();
        if let Some(end) = end.map(|end| &self.tree.nodes[end]) {
            cost = usage::told((usage, cost.as_ref()), (end.usage, end.cost)).cloned();
            usage = usage::fullest(usage, end.usage);
        }
        self.calls.push(Call { node: at, also: end.into_iter().collect(), usage, cost, unpriced: false, failed });
        self.calls.len() - 1
    }

    /// Makes one call part of another. The inner one of two records is nearer to the wire.
    fn fold(&mut self, into: usize, call: usize, inner: usize) {
        self.dead.insert(call);
        let mut also = mem::take(&mut self.calls[call].also);
        also.push(self.calls[call].node);
        let outer = if inner == call { into } else { call };
        let (outer, inner) = (&self.calls[outer], &self.calls[inner]);
        let cost = usage::told((outer.usage, outer.cost.as_ref()), (inner.usage, inner.cost.as_ref())).cloned();
        let usage = usage::fullest(outer.usage, inner.usage);
        let whole = &mut self.calls[into];
        (whole.usage, whole.cost) = (usage, cost);
        join(&mut whole.also, &mut also);
    }

    /// Whether a call span and the only one with tokens beneath it are two records of one call. `only` is false where
    /// there are others without tokens beside that one.
    fn is_record_of(&self, above: usize, beneath: usize, only: bool) -> bool {
        match self.compare(above, beneath) {
            Evidence::Same => true,
            Evidence::Different => false,
            Evidence::None => {
                let (above, beneath) = (&self.calls[above], &self.calls[beneath]);
                let same_scope = self.scope(above) == self.scope(beneath);
                match above.usage.filter(TokenUsage::has_tokens) {
                    // What goes on after the call above it has ended was begun within it by chance.
                    Some(usage) => {
                        beneath.usage.is_some_and(|other| equal(usage, other))
                            && (!same_scope || self.encloses(above, beneath))
                    }
                    None => only && self.encloses(above, beneath),
                }
            }
        }
    }

    /// What two records say of whether they are of one call: the response's id, else the answer and the question, else
    /// the models.
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
            // A framework may write the question in other words than it sends them in; a long answer is hardly given twice.
            (Some(true), Some(false)) if answers.iter().any(|answer| answer.len() >= TELLING) => Evidence::Same,
            // Of one question two records may hold the answer differently, thoughts among the words: tokens decide.
            (Some(false), Some(true)) => Evidence::None,
            (Some(false), _) | (_, Some(false)) => Evidence::Different,
            (None, _) if self.are_other_models(left, right) => Evidence::Different,
            (None, _) => Evidence::None,
        }
    }

    /// Whether two calls name models of which neither name is part of the other.
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

    /// Whether a call is over when the one above it is.
    fn encloses(&self, above: &Call, beneath: &Call) -> bool {
        let ended = |call: &Call| self.tree.nodes[call.node].ended;
        ended(above).is_none_or(|above| ended(beneath).is_some_and(|beneath| beneath.0 <= above.0 + CLOCK))
    }

    /// Whether the tokens of a call span are those of the calls beneath it together.
    fn is_sum(&self, above: usize, beneath: &[usize]) -> bool {
        let together = beneath.iter().filter_map(|call| self.calls[*call].usage).reduce(|left, right| left + right);
        let usage = self.calls[above].usage.filter(|usage| usage.has_tokens() && beneath.len() > 1);
        usage.zip(together).is_some_and(|(usage, together)| equal(usage, together))
    }

    /// Whether a call span only holds the calls beneath it: it says nothing of its own, or their last answer.
    fn is_wrapper(&self, above: usize, beneath: &[usize]) -> bool {
        let call = &self.calls[above];
        let (answers, questions_) = (completion_texts(self.sources(call)), questions(self.sources(call)));
        if answers.is_empty() && !call.has_tokens() {
            // A prompt alone, that of one of them.
            let is_theirs =
                |other: &usize| both(&questions_, &questions(self.sources(&self.calls[*other]))) != Some(false);
            return beneath.iter().any(is_theirs);
        }
        let answered =
            |other: &usize| both(&answers, &completion_texts(self.sources(&self.calls[*other]))) == Some(true);
        beneath.iter().any(answered)
    }

    /// Joins neighbours that two instrumentations made of one call.
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
                if recent.len() > RECENT {
                    recent.pop_front();
                }
                continue;
            };
            let node = |call: usize| &self.tree.nodes[self.calls[call].node];
            let (main, other) =
                if node(call).speaks() && !node(first).speaks() { (call, first) } else { (first, call) };
            let inner = if node(call).ended <= node(first).ended { call } else { first };
            self.fold(main, other, inner);
            answered.extend(response.map(|response| (response, main)));
            // The next record like these is of the next call.
            recent.retain(|call| *call != first);
        }
    }

    /// The instrumentation that recorded a call.
    fn scope(&self, call: &Call) -> u64 {
        self.tree.nodes[call.node].span.map_or(0, |(_, facts)| facts.scope)
    }

    /// Whether two calls beside each other are one: by the response's id, else two instrumentations at the same time of
    /// which both say the same answer to the same question. Equal tokens alone prove nothing.
    fn are_twins(&self, first: usize, second: usize) -> bool {
        let evidence = self.compare(first, second);
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
        match (evidence, tokens) {
            (Evidence::Same, (Some(left), Some(right))) => equal(left, right),
            (Evidence::Same, _) => !self.are_other_models(first, second),
            // Two that failed have nothing else to compare.
            (Evidence::None, (None, None)) => first.failed && nodes.1.ended <= nodes.0.ended,
            _ => false,
        }
    }

    fn sources(&self, call: &Call) -> impl Iterator<Item = &SpanDigest> {
        let nodes: Vec<usize> = call.nodes().take(ASKED).collect();
        nodes.into_iter().flat_map(|node| self.tree.nodes[node].sources().map(|(_, facts)| facts))
    }

    fn finish(mut self, holders: Vec<usize>, price: Price) -> CountedCalls {
        // A team within a team hands a message on twice.
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
        // None is within another: a payer above another has a cost beneath it.
        payers.sort_unstable();
        let covered = |node: usize| {
            let before = payers.partition_point(|payer| *payer <= node);
            before.checked_sub(1).is_some_and(|at| node < tree.nodes[payers[at]].after)
        };
        for call in &mut calls {
            if !call.has_tokens() || call.cost.is_some() || covered(call.node) {
                continue;
            }
            // One record may tell the tokens, and another of whose model they are.
            call.cost = price(&told_together(tree, call), tree.nodes[call.node].started);
            call.unpriced = call.cost.is_none();
        }
        CountedCalls { calls, of, payers }
    }
}

/// What its records tell together of what a call is charged for.
fn told_together(tree: &SpanTree, call: &Call) -> GenAi {
    let facts = || call.nodes().flat_map(|at| tree.nodes[at].sources()).map(|(_, facts)| facts);
    GenAi {
        model: facts().find_map(|facts| facts.model.as_deref()).map(str::to_owned),
        provider: facts().find_map(|facts| facts.provider.as_deref()).map(str::to_owned),
        usage: call.usage,
        ..GenAi::default()
    }
}

/// A request to a model, or a record of one. A sum over several is none.
pub fn is_call(node: &SpanNode) -> bool {
    node.category.is_call() && !node.aggregate()
}

/// An agent that runs elsewhere, of which nothing but this request is known.
fn is_remote_agent(tree: &SpanTree, at: usize) -> bool {
    let node = &tree.nodes[at];
    let Some((_, facts)) = node.span else { return false };
    let says = node.usage.is_some_and(|usage| usage.has_tokens()) || node.failed() || node.speaks();
    node.category == Category::Agent && facts.client && facts.billed && node.after == at + 1 && says
}

fn response<'a>(mut sources: impl Iterator<Item = &'a SpanDigest>) -> Option<u64> {
    sources.find_map(|facts| facts.response)
}

/// The texts that came back, as each dialect heard them.
fn completion_texts<'a>(sources: impl Iterator<Item = &'a SpanDigest>) -> Vec<TextHash> {
    sources
        .flat_map(|facts| &facts.reading_digests)
        .map(|digest| digest.completion_text)
        .filter(|completion_text| !completion_text.is_empty())
        .collect()
}

/// What the user said last, as each dialect heard it.
fn questions<'a>(sources: impl Iterator<Item = &'a SpanDigest>) -> Vec<NonZeroU64> {
    sources.flat_map(|facts| &facts.reading_digests).filter_map(|digest| digest.question).collect()
}

/// Whether two records heard the same; `None` where one heard nothing.
fn both<T: PartialEq>(left: &[T], right: &[T]) -> Option<bool> {
    (!left.is_empty() && !right.is_empty()).then(|| left.iter().any(|completion_text| right.contains(completion_text)))
}

/// Equal tokens, where one record may count caches within the input or thoughts within the output and the other not.
fn equal(left: TokenUsage, right: TokenUsage) -> bool {
    let inputs = |usage: TokenUsage| [usage.input(), usage.uncached_input];
    let input = inputs(left).into_iter().flatten().any(|input| inputs(right).contains(&Some(input)));
    let outputs = |usage: TokenUsage| {
        let spoken = usage.output.zip(usage.reasoning).and_then(|(output, thought)| output.checked_sub(thought));
        [usage.output, spoken.or(usage.output)]
    };
    input && outputs(left).into_iter().any(|output| outputs(right).contains(&output))
}
