//! Every failure of a trace once, at the deepest span that carries it (`failures.md` 1).
//!
//! An exception is recorded on every span that it passes. A span whose failure is also that of a span beneath it only
//! passes it on. Where the deepest span has nothing but a status, its failure is described by the nearest span above
//! that has a message.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use super::{
    calls::CountedCalls,
    joined_runs::JoinedRuns,
    limits::{FAILURES_BENEATH, Limited},
    span_digest::FailureDigest,
    span_tree::{SpanNode, SpanTree},
    text_hash::{hash, without_white_space},
};
use crate::model::{Category, Timestamp};

/// A message of fewer bytes than this may be contained in another by chance.
const DISTINCTIVE: usize = 8;

/// A failure: where it is listed, and which span describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFailure {
    /// The deepest node that carries the failure.
    pub node: usize,
    /// The node whose kind and message are shown: `node` itself, or one above it.
    pub described_by: usize,
    /// End of the node, or its start while it runs.
    pub at: Timestamp,
}

/// A failure found so far, in the form in which others are compared with it.
struct ComparedFailure {
    /// Where it will be listed.
    failure_site: PlacedFailure,
    /// Exception type or status code; `None` if unknown.
    kind: Option<String>,
    /// The message without white space; empty if there is only a status or a kind.
    words: String,
    /// Index of the counted call that failed with it; `None` if its node records no call.
    call: Option<usize>,
}

impl ComparedFailure {
    /// Whether a failure further up is this one, passed on.
    fn is(&self, above: &FailureDigest, words: &str, call: Option<usize>) -> bool {
        if self.call.is_some() && self.call == call {
            return true;
        }
        if words.is_empty() || self.words.is_empty() {
            // A status alone, above another failure, is the consequence of that failure.
            return above.message.is_none() && (is_status(above.kind.as_deref()) || above.kind == self.kind);
        }
        let within = |whole: &str, part: &str| part.len() >= DISTINCTIVE && whole.contains(part);
        words == self.words || within(words, &self.words) || within(&self.words, words)
    }
}

/// Whether a kind adds nothing to a status: it is an HTTP or gRPC code, or missing.
fn is_status(kind: Option<&str>) -> bool {
    let code = kind.map_or("", |kind| kind.strip_prefix("gRPC ").unwrap_or(kind));
    code.bytes().all(|byte| byte.is_ascii_digit())
}

/// The failures beneath a node.
#[derive(Default)]
struct Subtree {
    /// The failures found so far, each once.
    listed: Vec<ComparedFailure>,
    /// Hashes of their messages.
    messages: HashSet<u64>,
}

impl Subtree {
    /// Adds a failure.
    fn add(&mut self, listed: ComparedFailure) {
        self.messages.insert(hash(&listed.words));
        self.listed.push(listed);
    }

    /// Gives a tool's node the failure that an event of its framework within it has as well: people look for the tool.
    fn adopt(&mut self, tree: &SpanTree, tool: usize, words: &str) {
        if tree.nodes[tool].category != Category::Tool {
            return;
        }
        let newest = self.listed.len().saturating_sub(FAILURES_BENEATH.most());
        let is_event =
            |listed: &&mut ComparedFailure| listed.words == words && tree.nodes[listed.failure_site.node].is_plumbing();
        if let Some(listed) = self.listed[newest..].iter_mut().find(is_event) {
            listed.failure_site.node = tool;
        }
    }

    /// Adds the failures of another subtree; the shorter list moves.
    fn join(&mut self, mut other: Self) {
        if other.listed.len() > self.listed.len() {
            mem::swap(self, &mut other);
        }
        self.listed.append(&mut other.listed);
        self.messages.extend(other.messages);
    }
}

/// Every failure of a trace once, by time. A tool of which only its result says that it failed has a failure without
/// words.
pub fn failures(tree: &SpanTree, counted: &CountedCalls, runs: &JoinedRuns) -> Vec<PlacedFailure> {
    let wordless = FailureDigest { kind: None, message: None };
    let mut beneath: Vec<Subtree> = tree.nodes.iter().map(|_| Subtree::default()).collect();
    let mut found = Subtree::default();
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        let mut here = mem::take(&mut beneath[at]);
        let by_result = runs.failed_by_result.contains(&at).then_some(&wordless);
        if let Some(failure) = node.failure().or(by_result) {
            let words = without_white_space(reason(failure.message.as_deref().unwrap_or_default()));
            let call = counted.of.get(at).copied().flatten();
            if handed_on(&mut here, at, failure, &words, call) {
                here.adopt(tree, at, &words);
            } else {
                let failure_site = PlacedFailure { node: at, described_by: at, at: node.ended.unwrap_or(node.started) };
                here.add(ComparedFailure { failure_site, kind: failure.kind.clone(), words, call });
            }
        }
        match node.parent {
            Some(parent) => beneath[parent].join(here),
            None => found.join(here),
        }
    }
    let listed = recorded_once(tree, once_a_call(found.listed));
    let mut failures: Vec<PlacedFailure> = listed.into_iter().map(|listed| listed.failure_site).collect();
    failures.sort_by_key(|failure_site| (failure_site.at, tree.nodes[failure_site.node].id));
    failures
}

/// The cause of a failure without what a program wraps around it; else the whole message. Example: `Error in agent run:
/// {'error': 'Connection error.'}`.
fn reason(message: &str) -> &str {
    let inner = message.split_once(": {'error': ").and_then(|(_, inner)| inner.strip_suffix('}'));
    inner.map(|inner| inner.trim_matches(['\'', '"'])).filter(|inner| inner.len() >= DISTINCTIVE).unwrap_or(message)
}

/// Keeps of the failures of one call the one with the longest message.
fn once_a_call(listed: Vec<ComparedFailure>) -> Vec<ComparedFailure> {
    let mut best: HashMap<usize, (usize, usize)> = HashMap::new();
    for (at, listed) in listed.iter().enumerate() {
        if let Some(call) = listed.call {
            let best = best.entry(call).or_insert((at, listed.words.len()));
            if listed.words.len() > best.1 {
                *best = (at, listed.words.len());
            }
        }
    }
    let is_best = |at: usize, listed: &ComparedFailure| {
        listed.call.and_then(|call| best.get(&call)).is_none_or(|best| best.0 == at)
    };
    listed.into_iter().enumerate().filter(|(at, listed)| is_best(*at, listed)).map(|(_, listed)| listed).collect()
}

/// Leaves out failures that another scope recorded in the same words for a call, where the one span lies within the other:
/// what is between the two never came, or one instrumentation does not enclose the other. What two calls, tools or
/// searches failed with is of each.
fn recorded_once(tree: &SpanTree, mut listed: Vec<ComparedFailure>) -> Vec<ComparedFailure> {
    let node = |failure: &ComparedFailure| &tree.nodes[failure.failure_site.node];
    let mut of_calls: HashMap<String, Vec<&SpanNode>> = HashMap::new();
    for failure in listed.iter().filter(|failure| failure.call.is_some() && failure.words.len() >= DISTINCTIVE) {
        of_calls.entry(failure.words.clone()).or_default().push(node(failure));
    }
    let scope = |node: &SpanNode| node.span.map(|(_, digest)| digest.scope);
    listed.retain(|failure| {
        let own = node(failure);
        let is_that = |call: &&SpanNode| {
            let is_other_scope = scope(own).zip(scope(call)).is_some_and(|(own, theirs)| own != theirs);
            is_other_scope && (within(call, own) || within(own, call))
        };
        let is_of_its_own = failure.call.is_some() || matches!(own.category, Category::Tool | Category::Retriever);
        let calls = of_calls.get(&failure.words).filter(|_| !is_of_its_own);
        !calls.is_some_and(|calls| calls.iter().copied().within(&FAILURES_BENEATH).any(|call| is_that(&call)))
    });
    listed
}

/// Whether a span ran while another did, and ended before it or with it.
fn within(inner: &SpanNode, outer: &SpanNode) -> bool {
    inner.started >= outer.started && inner.ended.zip(outer.ended).is_some_and(|(inner, outer)| inner <= outer)
}

/// Whether the failure of node `at` is one of those beneath it, passed on. If that one has no message, it takes this
/// one's.
fn handed_on(here: &mut Subtree, at: usize, failure: &FailureDigest, words: &str, call: Option<usize>) -> bool {
    if here.listed.is_empty() {
        return false;
    }
    if !words.is_empty() && here.messages.contains(&hash(words)) {
        return true;
    }
    let newest = here.listed.len().saturating_sub(FAILURES_BENEATH.most());
    let compared = &mut here.listed[newest..];
    let same = compared.iter().position(|listed| listed.is(failure, words, call));
    // The only failure beneath that has a status and no message must be the one that this message describes.
    let unconfirmed = || {
        let has_message =
            |listed: &ComparedFailure| listed.kind.is_none() || failure.kind.is_none() || listed.kind == failure.kind;
        let mut unconfirmed =
            compared.iter().enumerate().filter(|(_, listed)| listed.words.is_empty() && has_message(listed));
        unconfirmed.next().filter(|_| unconfirmed.next().is_none()).map(|(found, _)| found)
    };
    let Some(found) = same.or_else(|| if words.is_empty() { None } else { unconfirmed() }) else {
        if newest > 0 {
            FAILURES_BENEATH.reach();
        }
        return words.is_empty() && failure.kind.is_none();
    };
    let listed = &mut compared[found];
    if listed.words.is_empty() && !words.is_empty() {
        words.clone_into(&mut listed.words);
        listed.kind = listed.kind.take().or_else(|| failure.kind.clone());
        listed.failure_site.described_by = at;
        here.messages.insert(hash(words));
    }
    true
}
