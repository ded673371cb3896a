//! Puts a trace that only records a call of another trace into that one, beneath that call (`assemble/calls.md` 2).
//!
//! ```text
//!   a group is stored ─▶ ended_calls: which ran within which, by one process ─▶ candidates
//!                             assemble: are they one call? ─▶ adoptions ─▶ their rows, under the other trace
//!   more of an adopted trace is stored ────────────────────────┘
//! ```
//!
//! Which trace adopted which is a table, so that what comes later follows, and what is translated again stays.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, named_params, params};

use super::{
    DatabaseError,
    group::GroupPlan,
    hash_ids::{LogId, ResourceId, ScopeId},
    placements::{Place, Placements},
    prepared::{PreparedLog, PreparedSpan},
    raw_records::{Origins, RawRecord},
    rows::{span_id, span_number, trace_id, trace_number, uhugeints},
    stored_ids::StoredIds,
    summaries::Summaries,
};
use crate::{
    assemble::{self, Adopted, EndedCall, SpanDigest},
    model::{Project, Span, TraceId},
    pricing::Prices,
    understand,
};

/// Most pairs of calls that are compared in one step.
const STEP: usize = 256;

/// The calls that ended lately, and the adopted traces of which something came.
#[derive(Default)]
pub struct EndedCalls {
    calls: assemble::EndedCalls<(ResourceId, Project), ScopeId>,
    late: Vec<TraceId>,
}

impl EndedCalls {
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
        let late = self.late.iter().copied().filter(|trace| !summaries.digests(*trace).is_empty());
        let late = adopters(connection, late)?;
        let mut adoptions = Adoptions { late: late.keys().copied().collect(), adopted: Adopted(late) };
        adoptions.adopted.decide(self.pairs, summaries);
        Ok(adoptions)
    }
}

impl assemble::KnownTraces for Summaries {
    fn digests(&self, trace: TraceId, most: usize) -> Vec<&SpanDigest> {
        Summaries::digests(self, trace).iter().take(most + 1).collect()
    }

    fn digests_of(&self, place: Place) -> Vec<&SpanDigest> {
        Summaries::digests_of(self, place).collect()
    }

    fn has(&self, place: Place) -> bool {
        Summaries::has(self, place)
    }
}

/// Traces that are put into others.
pub struct Adoptions {
    adopted: Adopted,
    /// Those that had been adopted before.
    late: HashSet<TraceId>,
}

impl Adoptions {
    pub fn is_empty(&self) -> bool {
        self.adopted.0.is_empty()
    }

    /// The traces that are adopted.
    pub fn traces(&self) -> impl Iterator<Item = &TraceId> {
        self.adopted.0.keys()
    }

    /// All that is stored of the adopted traces, as it is to be stored in those that adopt them. A trace of which something
    /// cannot be read is not adopted.
    pub fn placements(&mut self, connection: &Connection, prices: &Prices) -> Result<Placements, DatabaseError> {
        let mut placements = Placements::default();
        let mut unreadable = HashSet::new();
        let traces = uhugeints(self.traces().map(trace_number));
        let mut statement = connection.prepare_cached(include_str!("queries/adopted_spans.sql"))?;
        let mut found = statement.query(named_params! { "traces": traces })?;
        let mut spans = Vec::new();
        while let Some(row) = found.next()? {
            let Some(trace) = trace_id(row.get(0)?) else { continue };
            let parent = row.get::<_, Option<u64>>(1)?.and_then(span_id);
            spans.push((trace, parent, row.get::<_, bool>(2)?, RawRecord::read(row, [3, 4, 5, 6, 7], "span")?));
        }
        let mut statement = connection.prepare_cached(include_str!("queries/adopted_logs.sql"))?;
        let mut found = statement.query(named_params! { "traces": traces })?;
        let mut logs = Vec::new();
        while let Some(row) = found.next()? {
            let Some(trace) = trace_id(row.get(0)?) else { continue };
            let span = row.get::<_, Option<u64>>(1)?.and_then(span_id);
            let record = RawRecord::read(row, [4, 5, 6, 7, 8], "log record")?;
            logs.push(((trace, span), row.get::<_, LogId>(2)?, row.get::<_, u32>(3)?, record));
        }
        let records = spans.iter().map(|(.., record)| record).chain(logs.iter().map(|(.., record)| record));
        let origins = Origins::load(connection, records)?;
        for (from, parent, synthetic, record) in spans {
            let (Ok((span, raw)), Some((trace, call))) = (record.span(&origins), self.adopted.0.get(&from).copied())
            else {
                unreadable.insert(from);
                continue;
            };
            let span = Span { trace, parent: parent.or(Some(call)), synthetic, ..span };
            // The records of what it says of others are stored, each a row of its own.
            let (understood, _) = understand::span(span, raw, prices);
            placements.made.push(PreparedSpan::new(understood));
        }
        for (place, id, position, record) in logs {
            let (from, span) = place;
            let (Ok((mut log, raw)), Some((trace, _))) = (record.log(&origins), self.adopted.0.get(&from).copied())
            else {
                unreadable.insert(from);
                continue;
            };
            // One that its dialect had put at another span than it names stays there.
            let elsewhere = (log.trace, log.span) != (Some(from), span);
            log.trace = Some(trace);
            // The span that it may stand for is among the spans.
            let (understood, _) =
                understand::log(log, raw, prices, span.filter(|_| elsewhere).map(|span| (trace, span)));
            placements.moved.push((id, PreparedLog::new(understood, position)));
        }
        if unreadable.is_empty() {
            placements.adopted = self.traces().copied().collect();
            return Ok(placements);
        }
        // Nothing may be lost with what cannot be read: none of this step are adopted.
        self.adopted.0.clear();
        Ok(Placements::default())
    }

    /// Writes down which trace adopted which. The caller must have begun a transaction.
    pub fn write(&self, connection: &Connection) -> Result<(), DatabaseError> {
        let new: Vec<(&TraceId, &Place)> =
            self.adopted.0.iter().filter(|(trace, _)| !self.late.contains(trace)).collect();
        // What an adopted trace had adopted goes on with it.
        let before = "select trace, adopter, call from adopted_traces
            where adopter in (select unnest($traces::uhugeint[]) as adopter)";
        let list = uhugeints(new.iter().map(|(trace, _)| trace_number(trace)));
        let mut rows = Vec::new();
        let mut statement = connection.prepare_cached(before)?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            let (adopter, call): (u128, u64) = (row.get(1)?, row.get(2)?);
            let adopter = trace_id(adopter).map(|adopter| self.adopted.adopter_of(adopter));
            rows.extend(adopter.map(|adopter| (row.get::<_, u128>(0), trace_number(&adopter), call)));
        }
        let gone = "delete from adopted_traces where adopter in (select unnest($traces::uhugeint[]) as adopter)";
        connection.prepare_cached(gone)?.execute(named_params! { "traces": list })?;
        let mut table = connection.appender("adopted_traces")?;
        for (trace, adopter, call) in rows {
            table.append_row(params![trace?, adopter, call])?;
        }
        for (trace, (adopter, call)) in new {
            table.append_row(params![trace_number(trace), trace_number(adopter), span_number(*call)])?;
        }
        Ok(table.flush()?)
    }
}

/// Which of some traces were adopted: for each the trace that adopted it, and the span of the call that it records.
pub fn adopters(
    connection: &Connection,
    traces: impl Iterator<Item = TraceId>,
) -> Result<HashMap<TraceId, Place>, DatabaseError> {
    let mut adopters = HashMap::new();
    let mut traces = traces.peekable();
    if traces.peek().is_none() {
        return Ok(adopters);
    }
    let list = uhugeints(traces.map(|trace| trace_number(&trace)));
    let sql = "select trace, adopter, call from adopted_traces
        where trace in (select unnest($traces::uhugeint[]) as trace)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(named_params! { "traces": list })?;
    while let Some(row) = found.next()? {
        let adopter = trace_id(row.get(1)?).zip(span_id(row.get(2)?));
        adopters.extend(trace_id(row.get(0)?).zip(adopter));
    }
    Ok(adopters)
}
