//! The rows of `traces`: the summary of each trace for lists and sums, made anew when its records change.
//!
//! `assemble::summarize` adds up a trace from the facts of its spans. The facts of recent traces are kept here, so that
//! a span that arrives costs no reading; those of an older trace are loaded when it is touched again.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use duckdb::{Connection, named_params};

use super::{
    DatabaseError,
    prepared::{PreparedSpan, Rank},
    rows,
    stored_ids::StoredIds,
};
use crate::{
    assemble::{self, SpanDigest, TraceListing},
    model::{ContentId, SessionId, SpanId, TraceId},
    pricing::Prices,
};

/// Digests kept beyond those of the traces in hand; a few hundred bytes each.
const KEPT: usize = 100_000;
/// A trace of more digests than this is settled at most every [`PAUSE`]: adding up all of it for each span that comes
/// would be quadratic.
const LARGE: usize = 2000;
const PAUSE: Duration = Duration::from_millis(500);
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Recent traces, and those that wait to be settled.
#[derive(Default)]
pub struct Summaries {
    prices: Arc<Prices>,
    traces: HashMap<TraceId, CachedTrace>,
    waiting: HashMap<TraceId, Instant>,
    facts: usize,
    /// Counts groups, to know which traces were touched last.
    clock: u64,
}

#[derive(Default)]
struct CachedTrace {
    facts: Vec<SpanDigest>,
    spans: HashMap<SpanId, (usize, Rank)>,
    contents: HashSet<ContentId>,
    session: Option<SessionId>,
    touched: u64,
    settled: Option<Instant>,
}

/// What to do with a span.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is the first record of its span.
    Fresh,
    /// It takes the place of an earlier record.
    Better,
    /// What is stored is more complete: a partial record that came late.
    Worse,
}

/// A row for `traces`.
pub struct Row {
    pub trace: TraceId,
    pub settled: TraceListing,
    /// How many spans and log records it was made from.
    pub from: usize,
}

impl Summaries {
    pub fn new(prices: Arc<Prices>) -> Self {
        Self { prices, ..Self::default() }
    }

    /// Forgets everything that it knows of the store.
    pub fn clear(&mut self) {
        *self = Self::new(Arc::clone(&self.prices));
    }

    /// Marks traces as not settled, as they are found when the store is opened.
    pub fn expect(&mut self, traces: impl IntoIterator<Item = TraceId>) {
        let now = Instant::now();
        self.waiting.extend(traces.into_iter().map(|trace| (trace, now)));
    }

    /// When the next trace that waits may be settled.
    pub fn due(&self) -> Option<Instant> {
        self.waiting.values().min().copied()
    }

    /// Lets all that wait do so for longer: a commit failed, perhaps on one of them.
    pub fn postpone(&mut self) {
        let later = Instant::now() + AFTER_FAILURE;
        self.waiting.values_mut().for_each(|due| *due = later);
    }

    /// Which of the waiting may be settled now.
    pub fn due_at(&self, now: Instant) -> Vec<TraceId> {
        self.waiting.iter().filter(|(_, due)| **due <= now).map(|(trace, _)| *trace).collect()
    }

    /// Takes traces in hand: all that is stored of them is known from here on.
    pub fn load_missing(
        &mut self,
        connection: &Connection,
        stored_ids: &StoredIds,
        touched: &HashSet<TraceId>,
    ) -> Result<(), DatabaseError> {
        self.clock += 1;
        let mut absent = Vec::new();
        for trace in touched {
            match self.traces.get_mut(trace) {
                Some(cached) => cached.touched = self.clock,
                None if stored_ids.traces.contains(trace) => absent.push(*trace),
                None => {
                    self.traces.insert(*trace, CachedTrace { touched: self.clock, ..CachedTrace::default() });
                }
            }
        }
        // In portions: a group may touch thousands of old traces, and all their messages come along.
        absent.chunks(64).try_for_each(|some| self.load(connection, some))
    }

    fn load(&mut self, connection: &Connection, traces: &[TraceId]) -> Result<(), DatabaseError> {
        let fresh = || CachedTrace { touched: self.clock, ..CachedTrace::default() };
        let mut loaded: HashMap<_, _> = traces.iter().map(|trace| (*trace, fresh())).collect();
        let stored = rows::load(connection, traces)?;
        for (span, weight) in &stored.spans {
            if let Some(cached) = loaded.get_mut(&span.trace) {
                cached.spans.insert(span.id, (cached.facts.len(), (span.ended.is_some(), *weight)));
                cached.facts.push(SpanDigest::of_span(span));
            }
        }
        for log in &stored.logs {
            if let Some(cached) = log.trace.and_then(|trace| loaded.get_mut(&trace)) {
                cached.facts.push(SpanDigest::of_log(log));
            }
        }
        let list = rows::uhugeints(traces.iter().map(rows::trace_number));
        let mut statement = connection.prepare_cached(include_str!("queries/load_trace_contents.sql"))?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            if let Some(cached) = rows::trace_id(row.get(0)?).and_then(|trace| loaded.get_mut(&trace)) {
                cached.contents.insert(ContentId(row.get(1)?));
            }
        }
        let mut statement = connection.prepare_cached(include_str!("queries/load_sessions.sql"))?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            if let Some(cached) = rows::trace_id(row.get(0)?).and_then(|trace| loaded.get_mut(&trace)) {
                cached.session = row.get::<_, Option<String>>(1)?.as_deref().map(SessionId::from);
            }
        }
        self.facts += loaded.values().map(|cached| cached.facts.len()).sum::<usize>();
        self.traces.extend(loaded);
        Ok(())
    }

    /// Counts a span in, unless a better record of it is there. Its trace has been taken up.
    pub fn offer(&mut self, span: &PreparedSpan) -> Offer {
        let cached = self.traces.entry(span.row.trace).or_default();
        let rank = span.rank();
        let Some((place, stored)) = cached.spans.get_mut(&span.row.id) else {
            cached.spans.insert(span.row.id, (cached.facts.len(), rank));
            cached.facts.push(span.facts.clone());
            self.facts += 1;
            return Offer::Fresh;
        };
        if rank < *stored {
            return Offer::Worse;
        }
        *stored = rank;
        if let Some(facts) = cached.facts.get_mut(*place) {
            *facts = span.facts.clone();
        }
        Offer::Better
    }

    /// Counts a log record in.
    pub fn add_log(&mut self, trace: TraceId, facts: &SpanDigest) {
        self.traces.entry(trace).or_default().facts.push(facts.clone());
        self.facts += 1;
    }

    /// Whether this is the first time that a trace says this.
    pub fn is_new_content(&mut self, trace: TraceId, content: ContentId) -> bool {
        self.traces.entry(trace).or_default().contents.insert(content)
    }

    /// Adds up the traces whose turn it is; the others have to wait. Also gives the sessions concerned, old and new.
    pub fn settle(&self, touched: &HashSet<TraceId>, now: Instant) -> (Vec<Row>, Vec<TraceId>, HashSet<SessionId>) {
        let (mut rows, mut later, mut sessions) = (Vec::new(), Vec::new(), HashSet::new());
        for trace in touched {
            let Some(cached) = self.traces.get(trace) else { continue };
            sessions.extend(cached.session.clone());
            let lately = cached.settled.is_some_and(|settled| now.duration_since(settled) < PAUSE);
            if cached.facts.len() > LARGE && lately {
                later.push(*trace);
                continue;
            }
            let settled = assemble::summarize(*trace, &cached.facts, &|genai, at| self.prices.price(genai, at));
            sessions.extend(settled.session.clone());
            rows.push(Row { trace: *trace, settled, from: cached.facts.len() });
        }
        (rows, later, sessions)
    }

    /// What was settled is committed: notes when, and what has to wait; then lets go of traces not touched for long.
    pub fn committed(&mut self, rows: Vec<Row>, later: Vec<TraceId>, now: Instant) {
        for row in rows {
            self.waiting.remove(&row.trace);
            if let Some(cached) = self.traces.get_mut(&row.trace) {
                cached.session = row.settled.session;
                cached.settled = Some(now);
            }
        }
        for trace in later {
            let settled = self.traces.get(&trace).and_then(|cached| cached.settled).unwrap_or(now);
            self.waiting.entry(trace).or_insert(settled + PAUSE);
        }
        if self.facts > KEPT {
            self.evict();
        }
    }

    /// What was counted in for these traces was not committed: they are loaded again when they are next touched.
    pub fn forget(&mut self, touched: impl IntoIterator<Item = TraceId>) {
        for trace in touched {
            if let Some(cached) = self.traces.remove(&trace) {
                self.facts -= cached.facts.len();
            }
        }
    }

    /// Down to three quarters, so that this is seldom.
    fn evict(&mut self) {
        let mut by_age: Vec<_> = self
            .traces
            .iter()
            .filter(|(trace, cached)| cached.touched != self.clock && !self.waiting.contains_key(trace))
            .map(|(trace, cached)| (cached.touched, *trace))
            .collect();
        by_age.sort_unstable();
        for (_, trace) in by_age {
            if self.facts <= KEPT / 4 * 3 {
                break;
            }
            self.forget([trace]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc, thread};

    use super::*;
    use crate::{
        model::Filter,
        store::{
            Place, Store,
            tests::{Sent, overview, send, span},
        },
    };

    fn numbered(n: u16) -> Sent {
        let mut sent = span("a", 1);
        let [high, low] = n.to_be_bytes();
        sent.span.id = SpanId::from_bytes(&[9, 0, 0, 0, 0, 0, high, low]).unwrap();
        sent
    }

    fn wait_until_settled(store: &Store, spans: u64) {
        for _ in 0..100 {
            if overview(store, Filter::default()).spans == spans {
                return;
            }
            thread::sleep(Duration::from_millis(30));
        }
        panic!("still {}", overview(store, Filter::default()).spans);
    }

    #[test]
    fn a_large_trace_is_settled_by_and_by_even_if_the_program_is_killed_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let store = Store::open(&Place::File(file("a")), Arc::default()).unwrap();
        send(&store, (0..2100).map(numbered));
        send(&store, [numbered(2100)]);
        fs::copy(file("a"), file("b")).unwrap();
        fs::copy(file("a.wal"), file("b.wal")).unwrap();
        wait_until_settled(&store, 2101);
        let copy = Store::open(&Place::File(file("b")), Arc::default()).unwrap();
        wait_until_settled(&copy, 2101);
    }
}
