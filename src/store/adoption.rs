//! Puts a trace that only records a call of another trace into that one, beneath that call (`assemble/calls.md` 2).
//!
//! ```text
//!   a group is stored ─▶ ended_calls: which ran within which, of one resource ─▶ candidates
//!                             assemble: are they one call? ─▶ adoptions ─▶ their rows, under the other trace
//!   more of an adopted trace is stored ────────────────────────┘
//! ```
//!
//! Which trace adopted which is a table, so that what comes later follows, and what is translated again stays.

mod moving;

use std::collections::HashMap;

use duckdb::{Connection, named_params};

use super::{
    DatabaseError,
    group::GroupPlan,
    hash_ids::{ResourceId, ScopeId},
    placements::Place,
    rows::{project, span_id, text, trace_id, trace_number, uhugeints},
    stored_ids::StoredIds,
    summaries::Summaries,
};
use crate::{
    assemble::{self, Adopted, Adoption, EndedCall, SpanDigest},
    model::{Project, Timestamp, TraceId},
};
pub use moving::Adoptions;

/// Most pairs of calls that are compared in one step.
const STEP: usize = 64;
/// Most calls that are known once a store is opened, and how long before the last one they began, in nanoseconds.
const LATEST: u64 = 1024;
const LATELY: u64 = 600_000_000_000;

/// The calls that ended lately, and the adopted traces of which something came.
#[derive(Default)]
pub struct EndedCalls {
    calls: assemble::EndedCalls<(ResourceId, Project), ScopeId>,
    late: Vec<TraceId>,
}

impl EndedCalls {
    /// Those of a store that was just opened: what a kill kept from being put into others is found.
    pub fn load(connection: &Connection) -> Result<Self, DatabaseError> {
        let mut all = Self::default();
        let sql = "select trace from adopted_traces where trace in (select trace from traces)";
        let mut statement = connection.prepare(sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            all.late.extend(trace_id(row.get(0)?));
        }
        let newest: Option<u64> = connection.query_row("select max(started) from traces", [], |row| row.get(0))?;
        let since = newest.unwrap_or_default().saturating_sub(LATELY);
        let mut statement = connection.prepare(include_str!("queries/ended_calls.sql"))?;
        let mut found = statement.query(named_params! { "since": since, "most": LATEST })?;
        while let Some(row) = found.next()? {
            let Some(place) = trace_id(row.get(0)?).zip(span_id(row.get(1)?)) else { continue };
            let parent = row.get::<_, Option<u64>>(2)?.and_then(span_id);
            let origin = (row.get(4)?, project(text(row, 3)?));
            let (started, ended) = (Timestamp(row.get(6)?), Timestamp(row.get(7)?));
            all.calls.add(origin, EndedCall { place, parent, scope: row.get(5)?, started, ended });
        }
        Ok(all)
    }

    /// Notes the calls of a group that is committed, and which adopted traces got something.
    pub fn note(&mut self, plan: &GroupPlan, stored_ids: &StoredIds) {
        let late = plan.touched.iter().filter(|trace| stored_ids.adopted.may_have(trace_number(trace)));
        self.late.extend(late);
        for span in &plan.spans {
            let Some(ended) = span.row.ended.filter(|_| span.columns.category.is_call()) else { continue };
            let (resource, scope) = (plan.resources.id(&span.stored.resource), plan.scopes.id(&span.stored.scope));
            let Some((resource, scope)) = resource.zip(scope) else { continue };
            let place = (span.row.trace, span.row.id);
            let call = EndedCall { place, parent: span.row.parent, scope, started: span.row.started, ended };
            self.calls.add((resource, span.row.project.clone()), call);
        }
    }

    /// Forgets the calls of traces that are in others now.
    pub fn forget<'a>(&mut self, traces: impl Iterator<Item = &'a TraceId>) {
        self.calls.forget(&traces.copied().collect());
    }

    pub fn has_candidates(&self) -> bool {
        self.calls.has_pairs() || !self.late.is_empty()
    }

    /// The candidates for one step; what is left is for the next one.
    pub fn take_candidates(&mut self) -> Candidates {
        let late = self.late.drain(..STEP.min(self.late.len())).collect();
        Candidates { pairs: self.calls.take_pairs(STEP), late }
    }
}

/// Traces that may have to be put into others.
pub struct Candidates {
    pairs: Vec<assemble::Pair<ScopeId>>,
    /// Adopted traces of which something came.
    late: Vec<TraceId>,
}

impl Candidates {
    /// The traces that are looked at.
    pub fn traces(&self) -> impl Iterator<Item = TraceId> + '_ {
        self.pairs.iter().flat_map(assemble::Pair::traces).chain(self.late.iter().copied())
    }

    /// Decides which of them are adopted, and loads what `summaries` does not have of them.
    pub fn decide(
        self,
        connection: &Connection,
        stored_ids: &StoredIds,
        summaries: &mut Summaries,
    ) -> Result<Adoptions, DatabaseError> {
        summaries.load_missing(connection, stored_ids, &self.traces().collect())?;
        let before = adopters(connection, self.traces())?;
        let into = before.values().map(|adoption| adoption.adopter).collect();
        summaries.load_missing(connection, stored_ids, &into)?;
        // A further call without a parent is none that the trace was put there for.
        let is_known = |to: &Adoption, digest: &SpanDigest| {
            digest.own_span().is_none_or(|span| !digest.is_top() || summaries.has((to.adopter, span)))
        };
        let late = self.late.iter().filter_map(|trace| {
            let (to, digests) = (before.get(trace)?, Summaries::digests(summaries, *trace));
            let is_to_follow = !digests.is_empty() && digests.iter().all(|digest| is_known(to, digest));
            is_to_follow.then_some((*trace, *to))
        });
        let late = late.collect();
        let adopted = Adopted::decide(self.pairs, before, summaries);
        Ok(Adoptions { adopted, late })
    }
}

impl assemble::KnownTraces for Summaries {
    fn digests(&self, trace: TraceId, most: usize) -> Vec<&SpanDigest> {
        Summaries::digests(self, trace).iter().take(most + 1).collect()
    }

    fn digests_of(&self, place: Place, most: usize) -> Vec<&SpanDigest> {
        Summaries::digests_of(self, place).take(most).collect()
    }

    fn has(&self, place: Place) -> bool {
        Summaries::has(self, place)
    }
}

/// Which of some traces are in others, and where.
pub fn adopters(
    connection: &Connection,
    traces: impl Iterator<Item = TraceId>,
) -> Result<HashMap<TraceId, Adoption>, DatabaseError> {
    let mut adopters = HashMap::new();
    let mut traces = traces.peekable();
    if traces.peek().is_none() {
        return Ok(adopters);
    }
    let list = uhugeints(traces.map(|trace| trace_number(&trace)));
    let sql = "select trace, adopter, call, lone from adopted_traces
        where trace in (select unnest($traces::uhugeint[]) as trace)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(named_params! { "traces": list })?;
    while let Some(row) = found.next()? {
        let (trace, adopter) = (trace_id(row.get(0)?), trace_id(row.get(1)?));
        let (call, lone) = (span_id(row.get(2)?), span_id(row.get(3)?));
        if let (Some(trace), Some(adopter), Some(call), Some(lone)) = (trace, adopter, call, lone) {
            adopters.insert(trace, Adoption { adopter, call, lone });
        }
    }
    Ok(adopters)
}
