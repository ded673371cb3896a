//! Which traces are records of a call of another one, within which they ran (`calls.md` 2).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hash::Hash,
};

use super::{
    lone_calls::{self, Verdict},
    same_call::CLOCK,
    span_digest::SpanDigest,
};
use crate::model::{LogRecord, SpanId, Timestamp, TraceId};

/// A span of a trace.
type Place = (TraceId, SpanId);

/// Most calls that are kept, the newest.
const KEPT: usize = 8192;
/// Most calls that are looked at of those that began before another call, and of those that began after it.
const NEAR: usize = 128;
/// With so many of them that ran around it or within it, it is compared.
const COMPARED: usize = 16;
/// Most pairs that wait to be compared. More are only sent by who means to keep others waiting.
const WAITING: usize = 10_000;

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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pair<S> {
    /// The one within, which has no parent.
    lone: Place,
    started: Timestamp,
    ended: Timestamp,
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

/// The calls that ended lately, by their origin `O`, which tells processes apart as far as it can; and the pairs among them.
#[derive(Debug)]
pub struct EndedCalls<O, S> {
    of: HashMap<O, Calls<S>>,
    /// In order of arrival.
    order: VecDeque<(O, Key)>,
    /// How many there were so far.
    count: u64,
    /// Those that were found and not taken yet.
    pairs: VecDeque<(O, Pair<S>)>,
}

/// The start of a call, and how many came before it.
type Key = (Timestamp, u64);

/// The calls of one origin.
#[derive(Debug)]
struct Calls<S> {
    by_start: BTreeMap<Key, EndedCall<S>>,
    /// Where they are.
    places: HashSet<Place>,
    /// What made them: of one scope no call is a record of another.
    scopes: HashSet<S>,
}

impl<O, S> Default for EndedCalls<O, S> {
    fn default() -> Self {
        Self { of: HashMap::new(), order: VecDeque::new(), count: 0, pairs: VecDeque::new() }
    }
}

impl<O: Clone + Eq + Hash, S: Clone + Eq + Hash> EndedCalls<O, S> {
    /// Notes a call that ended.
    pub fn add(&mut self, origin: O, call: EndedCall<S>) {
        let none = || Calls { by_start: BTreeMap::new(), places: HashSet::new(), scopes: HashSet::new() };
        let calls = self.of.entry(origin.clone()).or_insert_with(none);
        calls.scopes.insert(call.scope.clone());
        if calls.scopes.len() > 1 {
            let pairs = calls.around(&call).take(COMPARED).chain(calls.within(&call).take(COMPARED));
            let room = WAITING.saturating_sub(self.pairs.len());
            self.pairs.extend(pairs.take(room).map(|pair| (origin.clone(), pair)));
        }
        let key = (call.started, self.count);
        self.count += 1;
        calls.places.insert(call.place);
        calls.by_start.insert(key, call);
        self.order.push_back((origin, key));
        if self.order.len() > KEPT
            && let Some((origin, oldest)) = self.order.pop_front()
            && let Some(calls) = self.of.get_mut(&origin)
        {
            if let Some(call) = calls.by_start.remove(&oldest) {
                calls.places.remove(&call.place);
            }
            if calls.by_start.is_empty() {
                self.of.remove(&origin);
            }
        }
    }

    /// Forgets the calls of some traces.
    pub fn forget(&mut self, traces: &HashSet<TraceId>) {
        for calls in self.of.values_mut() {
            calls.by_start.retain(|_, call| !traces.contains(&call.place.0));
            calls.places.retain(|(trace, _)| !traces.contains(trace));
        }
        self.of.retain(|_, calls| !calls.by_start.is_empty());
    }

    pub fn has_pairs(&self) -> bool {
        !self.pairs.is_empty()
    }

    /// At most so many of the pairs that were found and not taken yet, but for those whose outer call has a record of the
    /// inner one's scope by now.
    pub fn take_pairs(&mut self, most: usize) -> Vec<Pair<S>> {
        let taken: Vec<_> = self.pairs.drain(..most.min(self.pairs.len())).collect();
        let is_open = |(origin, pair): &(O, Pair<S>)| self.of.get(origin).is_some_and(|calls| !calls.has_record(pair));
        taken.into_iter().filter(is_open).map(|(_, pair)| pair).collect()
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

    /// The calls that began since a moment.
    fn since(&self, started: Timestamp) -> impl Iterator<Item = &EndedCall<S>> {
        self.by_start.range((started, 0)..).take(NEAR).map(|(_, other)| other)
    }

    /// The calls that began while a call went on.
    fn during<'a>(&'a self, call: &'a EndedCall<S>) -> impl Iterator<Item = &'a EndedCall<S>> + 'a {
        self.since(call.started).take_while(|other| other.started <= call.ended)
    }

    /// Two calls, if the first one has no parent and ran within the second one.
    fn pair(&self, lone: &EndedCall<S>, call: &EndedCall<S>) -> Option<Pair<S>> {
        let is_pair = lone.parent.is_none()
            && lone.scope != call.scope
            && lone.place.0 != call.place.0
            && call.started <= lone.started
            && lone.ended.0 <= call.ended.0.saturating_add(CLOCK);
        let pair = || Pair {
            lone: lone.place,
            started: lone.started,
            ended: lone.ended,
            scope: lone.scope.clone(),
            call: call.place,
            call_started: call.started,
        };
        is_pair.then(pair).filter(|pair| !self.has_record(pair))
    }

    /// Whether the outer call has a record of the inner one's scope in its own trace: beneath it, or while it ran at a place
    /// that is beneath no other call.
    fn has_record(&self, pair: &Pair<S>) -> bool {
        let Some(call) = self.since(pair.call_started).find(|other| other.place == pair.call) else { return false };
        self.during(call).any(|other| {
            let is_beneath_another = |parent: SpanId| self.places.contains(&(other.place.0, parent));
            other.scope == pair.scope
                && other.place.0 == call.place.0
                && other.ended.0 <= call.ended.0.saturating_add(CLOCK)
                && other.parent.is_none_or(|parent| parent == call.place.1 || !is_beneath_another(parent))
        })
    }
}

/// What is known of the traces of pairs.
pub trait KnownTraces {
    /// All of a trace, or so much of it that it is more than `most`.
    fn digests(&self, trace: TraceId, most: usize) -> Vec<&SpanDigest>;
    /// A span, and then its log records, at most so many.
    fn digests_of(&self, place: Place, most: usize) -> Vec<&SpanDigest>;
    fn has(&self, place: Place) -> bool;
}

/// Where a trace is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adoption {
    /// The trace that it is put into.
    pub adopter: TraceId,
    /// The call of that trace that it is a record of.
    pub call: SpanId,
    /// The span of its own call.
    pub lone: SpanId,
}

impl Adoption {
    /// Puts a log record of the trace where the trace is put: one that names no span is about its call.
    pub fn place(&self, log: &mut LogRecord) {
        log.trace = Some(self.adopter);
        log.span = log.span.or(Some(self.lone));
    }
}

/// Which traces are put into others.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Those that were found out now.
    pub new: HashMap<TraceId, Adoption>,
    /// Those that had been before.
    before: HashMap<TraceId, Adoption>,
}

impl Adopted {
    /// Decides which lone calls are records of the calls around them. `before`: of the traces of the pairs those that had been
    /// put into others.
    pub fn decide<S: Clone + Eq + Hash>(
        mut pairs: Vec<Pair<S>>,
        before: HashMap<TraceId, Adoption>,
        traces: &impl KnownTraces,
    ) -> Self {
        let mut adopted = Self { new: HashMap::new(), before };
        // The outer ones first, and of several calls around one the nearest.
        pairs.sort_by_key(|pair| (pair.started, Reverse(pair.ended), pair.lone, Reverse(pair.call_started), pair.call));
        pairs.dedup();
        let verdicts = pairs.into_iter().map(|pair| (adopted.verdict(&pair, traces), pair));
        let verdicts: Vec<_> = verdicts.collect();
        let (mut taken, mut given) = (HashSet::new(), HashSet::new());
        for (_, pair) in verdicts.iter().filter(|(verdict, _)| *verdict == Verdict::Same) {
            adopted.add(pair, traces, &mut taken, &mut given);
        }
        // Where only tokens and times say so, there has to be one of each that they fit.
        let likely: Vec<&Pair<S>> = verdicts
            .iter()
            .filter(|(verdict, _)| *verdict == Verdict::Likely)
            .map(|(_, pair)| pair)
            .filter(|pair| !adopted.new.contains_key(&pair.lone.0) && !taken.contains(&(pair.call, pair.scope.clone())))
            .collect();
        let (mut of_lone, mut of_call) = (HashMap::new(), HashMap::new());
        for pair in &likely {
            *of_lone.entry(pair.lone).or_insert(0) += 1;
            *of_call.entry((pair.call, &pair.scope)).or_insert(0) += 1;
        }
        for pair in &likely {
            if of_lone[&pair.lone] == 1 && of_call[&(pair.call, &pair.scope)] == 1 {
                adopted.add(pair, traces, &mut taken, &mut given);
            }
        }
        // What was to go into one that is put elsewhere itself goes there.
        let places: Vec<_> = adopted.new.iter().map(|(trace, to)| (*trace, adopted.adopter_of(to.adopter))).collect();
        for (trace, adopter) in places {
            adopted.new.entry(trace).and_modify(|adoption| adoption.adopter = adopter);
        }
        adopted
    }

    fn verdict<S>(&self, Pair { lone, call, .. }: &Pair<S>, traces: &impl KnownTraces) -> Verdict {
        if self.before.contains_key(&lone.0) {
            return Verdict::Different;
        }
        let digests = traces.digests(lone.0, lone_calls::MOST);
        if lone_calls::lone_call(&digests) != Some(lone.1) {
            return Verdict::Different;
        }
        lone_calls::verdict(lone.0, &digests, &traces.digests_of(*call, lone_calls::MOST))
    }

    /// Adds a pair, unless one of the two is in another already, the call is not where its trace is, or the two traces have spans
    /// of one id.
    fn add<S: Clone + Eq + Hash>(
        &mut self,
        Pair { lone, call, scope, .. }: &Pair<S>,
        traces: &impl KnownTraces,
        taken: &mut HashSet<(Place, S)>,
        given: &mut HashSet<Place>,
    ) {
        let adopter = self.adopter_of(call.0);
        let is_there = adopter == call.0 || self.new.contains_key(&call.0) || traces.has((adopter, call.1));
        let is_taken = self.new.contains_key(&lone.0) || taken.contains(&(*call, scope.clone()));
        if !is_there || is_taken || adopter == lone.0 {
            return;
        }
        let digests = traces.digests(lone.0, lone_calls::MOST);
        let places: Vec<Place> = digests.iter().filter_map(|digest| Some((adopter, digest.own_span()?))).collect();
        if places.iter().any(|place| traces.has(*place) || given.contains(place)) {
            return;
        }
        given.extend(places);
        taken.insert((*call, scope.clone()));
        self.new.insert(lone.0, Adoption { adopter, call: call.1, lone: lone.1 });
    }

    /// Where the spans of a trace are.
    #[must_use]
    pub fn adopter_of(&self, trace: TraceId) -> TraceId {
        /// More than so many instrumentations do not lie within each other.
        const DEEPEST: usize = 16;
        let next = |trace: &TraceId| self.new.get(trace).or_else(|| self.before.get(trace)).map(|to| to.adopter);
        std::iter::successors(Some(trace), next).take(DEEPEST).last().unwrap_or(trace)
    }
}
