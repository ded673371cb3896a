//! The calls that ended lately, and which of them ran within others of another trace.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::{Candidates, Pair, STEP};
use crate::{
    model::{Project, SpanId, Timestamp, TraceId},
    store::{
        group::GroupPlan,
        hash_ids::{ResourceId, ScopeId},
        placements::Place,
        rows::{span_number, trace_number},
        stored_ids::StoredIds,
    },
};

/// Most calls that are kept, the newest: a call and the one around it end within a batch of their exporter.
const KEPT: usize = 8192;
/// With so many that began last before a call, and after it, it is compared.
const COMPARED: usize = 128;
/// How much later than a call one within it may end, in nanoseconds.
const CLOCK: u64 = 1_000_000;

/// What sent a call: only within one process is a call around another.
type Origin = (ResourceId, Project);
/// The start of a call, and the numbers of its trace and span.
type Key = (Timestamp, u128, u64);

/// A call that ended.
struct EndedCall {
    place: Place,
    parent: Option<SpanId>,
    scope: ScopeId,
    started: Timestamp,
    ended: Timestamp,
}

impl EndedCall {
    fn key(&self) -> Key {
        (self.started, trace_number(&self.place.0), span_number(self.place.1))
    }
}

/// The calls of one origin.
#[derive(Default)]
struct Calls {
    by_start: BTreeMap<Key, EndedCall>,
    /// What made them: of one scope no call is a record of another.
    scopes: HashSet<ScopeId>,
}

/// The calls that ended lately, by origin, and what may have to be adopted of them.
#[derive(Default)]
pub struct EndedCalls {
    of: HashMap<Origin, Calls>,
    /// In order of arrival.
    order: VecDeque<(Origin, Key)>,
    candidates: Candidates,
}

impl EndedCalls {
    /// Notes the calls of a group that is committed, and which adopted traces got something.
    pub fn note(&mut self, plan: &GroupPlan, stored_ids: &StoredIds) {
        let late = plan.touched.iter().filter(|trace| stored_ids.adopted.may_have(trace_number(trace)));
        self.candidates.late.extend(late);
        for span in &plan.spans {
            let Some(ended) = span.row.ended.filter(|_| span.columns.category.is_call()) else { continue };
            let (resource, scope) = (plan.resources.id(&span.stored.resource), plan.scopes.id(&span.stored.scope));
            let Some((resource, scope)) = resource.zip(scope) else { continue };
            let place = (span.row.trace, span.row.id);
            let call = EndedCall { place, parent: span.row.parent, scope, started: span.row.started, ended };
            self.add((resource, span.row.project.clone()), call);
        }
    }

    /// Forgets the calls of traces that are in others now.
    pub fn forget<'a>(&mut self, traces: impl Iterator<Item = &'a TraceId>) {
        let traces: HashSet<u128> = traces.map(trace_number).collect();
        for calls in self.of.values_mut() {
            calls.by_start.retain(|(_, trace, _), _| !traces.contains(trace));
        }
        self.order.retain(|(_, (_, trace, _))| !traces.contains(trace));
    }

    pub fn has_candidates(&self) -> bool {
        !self.candidates.pairs.is_empty() || !self.candidates.late.is_empty()
    }

    /// The candidates for one step; what is left is for the next one.
    pub fn take_candidates(&mut self) -> Candidates {
        let Candidates { pairs, late } = &mut self.candidates;
        let (pairs, late) =
            (pairs.drain(..STEP.min(pairs.len())).collect(), late.drain(..STEP.min(late.len())).collect());
        Candidates { pairs, late }
    }

    fn add(&mut self, origin: Origin, call: EndedCall) {
        let calls = self.of.entry(origin.clone()).or_default();
        calls.scopes.insert(call.scope);
        if calls.scopes.len() > 1 {
            self.candidates.pairs.extend(calls.around(&call).chain(calls.within(&call)));
        }
        let key = call.key();
        if calls.by_start.insert(key, call).is_none() {
            self.order.push_back((origin, key));
        }
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
}

impl Calls {
    /// A call, and those around it.
    fn around<'a>(&'a self, call: &'a EndedCall) -> impl Iterator<Item = Pair> + 'a {
        let before = self.by_start.range(..=(call.started, u128::MAX, u64::MAX)).rev().take(COMPARED);
        before.filter_map(move |(_, outer)| self.pair(call, outer))
    }

    /// The calls within a call, and it.
    fn within<'a>(&'a self, call: &'a EndedCall) -> impl Iterator<Item = Pair> + 'a {
        self.during(call).filter_map(move |inner| self.pair(inner, call))
    }

    /// The calls that began while a call went on.
    fn during<'a>(&'a self, call: &'a EndedCall) -> impl Iterator<Item = &'a EndedCall> + 'a {
        let after = self.by_start.range((call.started, 0, 0)..).take(COMPARED).map(|(_, other)| other);
        after.take_while(|other| other.started <= call.ended)
    }

    /// Two calls, if the first one has no parent and ran within the second one, which has none of its scope yet.
    fn pair(&self, lone: &EndedCall, call: &EndedCall) -> Option<Pair> {
        let is_pair = lone.parent.is_none()
            && lone.scope != call.scope
            && lone.place.0 != call.place.0
            && call.started <= lone.started
            && lone.ended.0 <= call.ended.0.saturating_add(CLOCK);
        let is_beneath = |other: &EndedCall| other.place.0 == call.place.0 && other.parent == Some(call.place.1);
        let has_one = || self.during(call).any(|other| other.scope == lone.scope && is_beneath(other));
        (is_pair && !has_one()).then(|| Pair {
            lone: lone.place,
            scope: lone.scope,
            started: lone.started,
            call: call.place,
            call_started: call.started,
        })
    }
}
