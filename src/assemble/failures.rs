//! Every failure once, at the deepest span that carries it (`failures.md` 1).
//!
//! An exception is recorded on every span that it passes. So a span whose failure is also that of a span
//! beneath it only hands it on; and where the span at the bottom has nothing but a status, it takes the
//! words of the nearest span above that has some.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use super::{
    calls::CountedCalls,
    span_digest::FailureDigest,
    span_tree::SpanTree,
    text_hash::{hash, without_white_space},
};
use crate::model::{Failure, SpanRow, StatusCode, Timestamp};

/// How many failures beneath a span are compared with its own word by word; the rest by number only.
const COMPARED: usize = 64;

/// A text shorter than this may be part of another one by chance.
const TELLING: usize = 8;

/// A failure: where it is listed, and whose words tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFailure {
    pub node: usize,
    /// The place above whose words are borrowed; itself, mostly.
    pub described_by: usize,
    pub at: Timestamp,
}

/// What a span itself says of its failure; `None` where it did not fail.
pub fn of_span(row: &SpanRow) -> Option<Failure> {
    let mut failure = row.translation.error.clone()?;
    if failure.message.is_none() && row.status.code == StatusCode::Error {
        failure.message = Some(row.status.message.clone()).filter(|message| !message.trim().is_empty());
    }
    Some(failure)
}

/// A failure of which something was said, as it is compared.
struct ComparedFailure {
    failure_site: PlacedFailure,
    kind: Option<String>,
    /// Its message without white space; empty where it has only a status or a kind.
    words: String,
    /// The call that it ended, if it is one.
    call: Option<usize>,
}

impl ComparedFailure {
    /// Whether a failure further up is this one, handed on.
    fn is(&self, above: &FailureDigest, words: &str, call: Option<usize>) -> bool {
        if self.call.is_some() && self.call == call {
            return true;
        }
        if words.is_empty() || self.words.is_empty() {
            // A status alone, above another failure, is the consequence of that.
            return above.message.is_none() && (is_status(above.kind.as_deref()) || above.kind == self.kind);
        }
        let within = |whole: &str, part: &str| part.len() >= TELLING && whole.contains(part);
        words == self.words || within(words, &self.words) || within(&self.words, words)
    }
}

/// Whether a kind says no more than a status does: an HTTP or gRPC code, or nothing.
fn is_status(kind: Option<&str>) -> bool {
    let code = kind.map_or("", |kind| kind.strip_prefix("gRPC ").unwrap_or(kind));
    code.bytes().all(|byte| byte.is_ascii_digit())
}

/// The failures beneath a place.
#[derive(Default)]
struct Subtree {
    listed: Vec<ComparedFailure>,
    said: HashSet<u64>,
}

impl Subtree {
    fn add(&mut self, listed: ComparedFailure) {
        self.said.insert(hash(&listed.words));
        self.listed.push(listed);
    }

    /// Takes in what another place has beneath it; the smaller moves.
    fn join(&mut self, mut other: Self) {
        if other.listed.len() > self.listed.len() {
            mem::swap(self, &mut other);
        }
        self.listed.append(&mut other.listed);
        self.said.extend(other.said);
    }
}

/// Every failure of a trace once, by time.
pub fn failures(tree: &SpanTree, counted: &CountedCalls) -> Vec<PlacedFailure> {
    let mut beneath: Vec<Subtree> = tree.nodes.iter().map(|_| Subtree::default()).collect();
    let mut found = Subtree::default();
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        let mut here = mem::take(&mut beneath[at]);
        if let Some(failure) = node.failure() {
            let words = without_white_space(reason(failure.message.as_deref().unwrap_or_default()));
            let call = counted.of.get(at).copied().flatten();
            if !handed_on(&mut here, at, failure, &words, call) {
                let failure_site = PlacedFailure { node: at, described_by: at, at: node.ended.unwrap_or(node.started) };
                here.add(ComparedFailure { failure_site, kind: failure.kind.clone(), words, call });
            }
        }
        match node.parent {
            Some(parent) => beneath[parent].join(here),
            None => found.join(here),
        }
    }
    let mut failures: Vec<PlacedFailure> =
        once_a_call(found.listed).into_iter().map(|listed| listed.failure_site).collect();
    failures.sort_by_key(|failure_site| (failure_site.at, tree.nodes[failure_site.node].id));
    failures
}

/// What went wrong, without what a program says of where: `Error in agent run: {'error': 'Connection error.'}`.
fn reason(message: &str) -> &str {
    let inner = message.split_once(": {'error': ").and_then(|(_, inner)| inner.strip_suffix('}'));
    inner.map(|inner| inner.trim_matches(['\'', '"'])).filter(|inner| inner.len() >= TELLING).unwrap_or(message)
}

/// Of several records of one call that all failed, the one that says most.
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

/// Whether a place's failure is one of those beneath it; lends its words to one that has none.
fn handed_on(here: &mut Subtree, at: usize, failure: &FailureDigest, words: &str, call: Option<usize>) -> bool {
    if here.listed.is_empty() {
        return false;
    }
    if !words.is_empty() && here.said.contains(&hash(words)) {
        return true;
    }
    let newest = here.listed.len().saturating_sub(COMPARED);
    let compared = &mut here.listed[newest..];
    let same = compared.iter().position(|listed| listed.is(failure, words, call));
    // One that has only a status must be what this one puts into words.
    let unconfirmed = || {
        let tells =
            |listed: &ComparedFailure| listed.kind.is_none() || failure.kind.is_none() || listed.kind == failure.kind;
        let mut unconfirmed =
            compared.iter().enumerate().filter(|(_, listed)| listed.words.is_empty() && tells(listed));
        unconfirmed.next().filter(|_| unconfirmed.next().is_none()).map(|(found, _)| found)
    };
    let Some(found) = same.or_else(|| if words.is_empty() { None } else { unconfirmed() }) else {
        return words.is_empty() && failure.kind.is_none();
    };
    let listed = &mut compared[found];
    if listed.words.is_empty() && !words.is_empty() {
        words.clone_into(&mut listed.words);
        listed.kind = listed.kind.take().or_else(|| failure.kind.clone());
        listed.failure_site.described_by = at;
        here.said.insert(hash(words));
    }
    true
}
