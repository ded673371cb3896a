//! Which traces are records of a call of another one: calls that ran within others, by one process (`calls.md` 2).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hash::Hash,
};

use super::{lone_calls, span_digest::SpanDigest};
use crate::model::{SpanId, Timestamp, TraceId};

/// A span of a trace.
type Place = (TraceId, SpanId);

/// Most calls that are kept, the newest: a call and the one around it end within a batch of their exporter.
const KEPT: usize = 8192;
/// Most calls that are looked at of those that began before another call, and of those that began after it.
const NEAR: usize = 128;
/// With so many of them that ran around it or within it, it is compared.
const COMPARED: usize = 16;
/// Most pairs that wait to be compared. More are only sent by who means to keep others waiting.
const WAITING: usize = 10_000;
/// How much later than a call one within it may end, in nanoseconds.
const CLOCK: u64 = 1_000_000;

/// A call that ended. `S` is what tells scopes apart.
#[derive(Debug)]
pub struct EndedCall<S> {
    pub place: Place,
    pub parent: Option<SpanId>,
    pub scope: S,
    pub started: Timestamp,
    pub ended: Timestamp,
}

/// Two calls of which the one ran within the other, in another trace.
#[derive(Debug)]
pub struct Pair<S> {
    /// The one within, which has no parent.
    lone: Place,
    started: Timestamp,
    scope: S,
    /// The one around it.
    call: Place,
    call_started: Timestamp,
}

impl<S> Pair<S> {
    /// The traces of both.
    pub fn traces(&self) -> [TraceId; 2] {
        [self.lone.0, self.call.0]
    }
}

/// The calls that ended lately, by their origin `O`, which is what tells processes apart; and the pairs among them.
#[derive(Debug)]
pub struct EndedCalls<O, S> {
    of: HashMap<O, Calls<S>>,
    /// In order of arrival.
    order: VecDeque<(O, Key)>,
    /// How many there were so far.
    count: u64,
    pairs: Vec<Pair<S>>,
}

/// The start of a call, and how many came before it.
type Key = (Timestamp, u64);

/// The calls of one origin.
#[derive(Debug)]
struct Calls<S> {
    by_start: BTreeMap<Key, EndedCall<S>>,
    /// What made them: of one scope no call is a record of another.
    scopes: HashSet<S>,
}

impl<O, S> Default for EndedCalls<O, S> {
    fn default() -> Self {
        Self { of: HashMap::new(), order: VecDeque::new(), count: 0, pairs: Vec::new() }
    }
}

impl<O: Clone + Eq + Hash, S: Clone + Eq + Hash> EndedCalls<O, S> {
    /// Notes a call that ended.
    pub fn add(&mut self, origin: O, call: EndedCall<S>) {
        let none = || Calls { by_start: BTreeMap::new(), scopes: HashSet::new() };
        let calls = self.of.entry(origin.clone()).or_insert_with(none);
        calls.scopes.insert(call.scope.clone());
        if calls.scopes.len() > 1 {
            let pairs = calls.around(&call).take(COMPARED).chain(calls.within(&call).take(COMPARED));
            self.pairs.extend(pairs.take(WAITING.saturating_sub(self.pairs.len())));
        }
        let key = (call.started, self.count);
        self.count += 1;
        calls.by_start.insert(key, call);
        self.order.push_back((origin, key));
        if self.order.len() > KEPT
            && let Some((origin, oldest)) = self.order.pop_front()
            && let Some(calls) = self.of.get_mut(&origin)
        {
            calls.by_start.remove(&oldest);
            if calls.by_start.is_empty() {
                self.of.remove(&origin);
            }
        }
    }

    /// Forgets the calls of some traces.
    pub fn forget(&mut self, traces: &HashSet<TraceId>) {
        for calls in self.of.values_mut() {
            calls.by_start.retain(|_, call| !traces.contains(&call.place.0));
        }
    }

    pub fn has_pairs(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// At most so many of the pairs that were found and not taken yet.
    pub fn take_pairs(&mut self, most: usize) -> Vec<Pair<S>> {
        self.pairs.drain(..most.min(self.pairs.len())).collect()
    }
}

impl<S: Clone + Eq + Hash> Calls<S> {
    /// A call and those around it, the nearest first.
    fn around<'a>(&'a self, call: &'a EndedCall<S>) -> impl Iterator<Item = Pair<S>> + 'a {
        let before = self.by_start.range(..=(call.started, u64::MAX)).rev().take(NEAR);
        before.filter_map(move |(_, outer)| self.pair(call, outer))
    }

    /// The calls within a call, and it.
    fn within<'a>(&'a self, call: &'a EndedCall<S>) -> impl Iterator<Item = Pair<S>> + 'a {
        self.during(call).filter_map(move |inner| self.pair(inner, call))
    }

    /// The calls that began while a call went on.
    fn during<'a>(&'a self, call: &'a EndedCall<S>) -> impl Iterator<Item = &'a EndedCall<S>> + 'a {
        let after = self.by_start.range((call.started, 0)..).take(NEAR).map(|(_, other)| other);
        after.take_while(|other| other.started <= call.ended)
    }

    /// Two calls, if the first one has no parent and ran within the second one, which has none of its scope yet.
    fn pair(&self, lone: &EndedCall<S>, call: &EndedCall<S>) -> Option<Pair<S>> {
        let is_pair = lone.parent.is_none()
            && lone.scope != call.scope
            && lone.place.0 != call.place.0
            && call.started <= lone.started
            && lone.ended.0 <= call.ended.0.saturating_add(CLOCK);
        let is_beneath = |other: &EndedCall<S>| other.place.0 == call.place.0 && other.parent == Some(call.place.1);
        let has_one = || self.during(call).any(|other| other.scope == lone.scope && is_beneath(other));
        (is_pair && !has_one()).then(|| Pair {
            lone: lone.place,
            started: lone.started,
            scope: lone.scope.clone(),
            call: call.place,
            call_started: call.started,
        })
    }
}

/// What is known of the traces of pairs.
pub trait KnownTraces {
    /// All of a trace, or so much of it that it is more than `most`.
    fn digests(&self, trace: TraceId, most: usize) -> Vec<&SpanDigest>;
    /// A span, and then its log records.
    fn digests_of(&self, place: Place) -> Vec<&SpanDigest>;
    fn has(&self, place: Place) -> bool;
}

/// Traces that are put into others: for each the trace that adopts it, and the span of the call that it records.
#[derive(Debug, Default)]
pub struct Adopted(pub HashMap<TraceId, Place>);

impl Adopted {
    /// Adds the lone calls that are records of the calls around them.
    pub fn decide<S: Clone + Eq + Hash>(&mut self, mut pairs: Vec<Pair<S>>, traces: &impl KnownTraces) {
        let mut taken = HashSet::new();
        // The outer ones first: what was to go into one that is adopted itself goes where that goes. Of several calls around
        // one the nearest is tried first.
        pairs.sort_by_key(|pair| (pair.started, pair.lone, Reverse(pair.call_started)));
        for Pair { lone, scope, call, .. } in pairs {
            let adopter = self.adopter_of(call.0);
            if self.0.contains_key(&lone.0) || adopter == lone.0 || taken.contains(&(call, scope.clone())) {
                continue;
            }
            let digests = traces.digests(lone.0, lone_calls::MOST);
            let is_held = |digest: &&SpanDigest| digest.own_span().is_some_and(|span| traces.has((adopter, span)));
            if lone_calls::lone_call(&digests) == Some(lone.1)
                && !digests.iter().any(is_held)
                && lone_calls::is_record_of_call(lone.0, &digests, &traces.digests_of(call))
            {
                taken.insert((call, scope));
                self.0.insert(lone.0, (adopter, call.1));
            }
        }
    }

    /// Where the spans of a trace are.
    #[must_use]
    pub fn adopter_of(&self, trace: TraceId) -> TraceId {
        let mut adopter = trace;
        // None is adopted by one that it has adopted, so this ends.
        while let Some((next, _)) = self.0.get(&adopter) {
            adopter = *next;
        }
        adopter
    }
}
