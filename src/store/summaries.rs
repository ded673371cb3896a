//! The rows of `traces`: the summary of each trace for lists and sums, made anew when its records change.
//!
//! `assemble::summarize` adds up a trace from the digests of its spans and log records. The digests of recent traces are
//! kept here, so that nothing is read from the file for a span that arrives; those of an older trace are loaded when it
//! is touched again.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::{Duration, Instant},
};

use duckdb::{Connection, named_params};

use super::{DatabaseError, prepared::PreparedSpan, rows, stored_ids::StoredIds};
use crate::{
    assemble::{self, SpanDigest, Step, TraceListing},
    model::{ContentId, Rank, SessionId, SpanId, TraceId},
    pricing::Prices,
};

/// Most digests that are kept beside those of the traces of the current group; each is a few hundred bytes.
const KEPT: usize = 100_000;
/// Most digests that are kept of traces that were touched in the last [`RECENT`], which are likely to be touched again. To
/// load a large trace takes seconds, for which everything else waits.
const KEPT_RECENT: usize = 400_000;
const RECENT: Duration = Duration::from_mins(2);
/// A trace of more digests than this is summarized at most once in each [`PAUSE`]: to add up all of it for each span that
/// arrives would take time quadratic in their number. If that takes long it is done at most in one part of [`SHARE`] of
/// the time.
const LARGE: usize = 2000;
const PAUSE: Duration = Duration::from_millis(500);
const SHARE: u32 = 20;
/// How long summaries that are due are put off after a commit failed, perhaps because of one of them.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// The digests of recent traces, and the traces whose summary is out of date.
#[derive(Default)]
pub struct Summaries {
    prices: Arc<Prices>,
    /// The traces whose digests are all here.
    traces: HashMap<TraceId, CachedTrace>,
    /// The traces whose row is out of date, and when it may be made anew.
    due: HashMap<TraceId, Instant>,
    /// Number of digests in `traces`.
    digests: usize,
    /// Number of groups so far.
    groups: u64,
}

/// What is known of a trace: all that is stored of it, and what the current group adds.
#[derive(Default)]
struct CachedTrace {
    /// One for each span and log record, in order of arrival.
    digests: Vec<SpanDigest>,
    /// The place of each span in `digests`, and how complete its record is.
    spans: HashMap<SpanId, (usize, Rank)>,
    /// The messages and tool definitions that the trace has.
    contents: HashSet<ContentId>,
    /// Its session in the last committed summary; `None` if it has none.
    session: Option<SessionId>,
    /// The hashes of its steps as they are stored, in order; `None` where that is not known.
    steps: Option<Vec<u64>>,
    /// The number of the last group that touched it.
    touched: u64,
    /// When it was last touched.
    touched_at: Option<Instant>,
    /// When its next summary may be made; `None` if none was made since it was loaded.
    next_summary: Option<Instant>,
}

/// What to do with a record of a span.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer {
    /// Append it: it is the first record of its span.
    First,
    /// Append it in the place of an earlier record.
    Better,
    /// Drop it: the record that is there is more complete. An exporter sent a partial record late.
    Worse,
}

/// A row for `traces`.
pub struct Row {
    pub trace: TraceId,
    pub listing: TraceListing,
    /// How long it took to make.
    took: Duration,
    /// Number of spans and log records that it was made from.
    pub records: usize,
    /// The share of its model's window that the largest prompt filled, in thousandths; `None` where no window is known.
    pub filled: Option<u64>,
    pub steps: StepChange,
}

/// How the steps of a trace differ from those that are stored.
pub struct StepChange {
    /// So many of them are stored as they are.
    pub kept: usize,
    /// There may be others stored after those.
    pub gone: bool,
    /// The hashes of all of them.
    hashes: Vec<u64>,
}

impl StepChange {
    /// Compares steps with the hashes of those that are stored; `None`: anything may be stored.
    fn of(steps: &[Step], stored: Option<&[u64]>) -> Self {
        let builder = BuildHasherDefault::<DefaultHasher>::default();
        let hashes: Vec<u64> = steps.iter().map(|step| builder.hash_one(step)).collect();
        let kept = stored.unwrap_or_default().iter().zip(&hashes).take_while(|(stored, now)| stored == now).count();
        Self { kept, gone: stored.is_none_or(|stored| stored.len() > kept), hashes }
    }
}

/// What came of the traces that a group touches.
#[derive(Default)]
pub struct Summarized {
    pub rows: Vec<Row>,
    /// The traces of which nothing is stored any more: they have no row.
    pub emptied: Vec<TraceId>,
    /// The traces that have to wait.
    pub later: Vec<TraceId>,
    /// The sessions that the traces belong to or belonged to before.
    pub sessions: HashSet<SessionId>,
}

impl Summaries {
    /// Knows nothing of what is stored yet.
    pub fn new(prices: Arc<Prices>) -> Self {
        Self { prices, ..Self::default() }
    }

    /// Drops everything, because the file was opened again.
    pub fn clear(&mut self) {
        *self = Self::new(Arc::clone(&self.prices));
    }

    /// Marks summaries as out of date and due at once.
    pub fn expect(&mut self, traces: impl IntoIterator<Item = TraceId>) {
        let now = Instant::now();
        self.due.extend(traces.into_iter().map(|trace| (trace, now)));
    }

    /// Number of traces whose summary is out of date.
    pub fn out_of_date(&self) -> usize {
        self.due.len()
    }

    /// When the next summary is due; `None` if all are up to date.
    pub fn due(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    /// Puts off every summary that is due.
    pub fn postpone(&mut self) {
        let later = Instant::now() + AFTER_FAILURE;
        self.due.values_mut().for_each(|due| *due = later);
    }

    /// Traces whose summary is due by `now`, at most so many: after a migration that is the whole store.
    pub fn due_at(&self, now: Instant, most: usize) -> Vec<TraceId> {
        self.due.iter().filter(|(_, due)| **due <= now).map(|(trace, _)| *trace).take(most).collect()
    }

    /// Begins a group that touches these traces: loads the stored digests of those that are not cached.
    pub fn load_missing(
        &mut self,
        connection: &Connection,
        stored_ids: &StoredIds,
        touched: &HashSet<TraceId>,
    ) -> Result<(), DatabaseError> {
        self.groups += 1;
        let touched_at = Some(Instant::now());
        let mut missing = Vec::new();
        for trace in touched {
            match self.traces.get_mut(trace) {
                Some(cached) => (cached.touched, cached.touched_at) = (self.groups, touched_at),
                None if stored_ids.traces.contains(trace) => missing.push(*trace),
                None => {
                    let steps = Some(Vec::new());
                    let cached = CachedTrace { touched: self.groups, touched_at, steps, ..CachedTrace::default() };
                    self.traces.insert(*trace, cached);
                }
            }
        }
        // In portions: a group may touch thousands of old traces, and all their messages are loaded with them.
        missing.chunks(64).try_for_each(|some| self.load(connection, some))
    }

    fn load(&mut self, connection: &Connection, traces: &[TraceId]) -> Result<(), DatabaseError> {
        let touched_at = Some(Instant::now());
        let empty = || CachedTrace { touched: self.groups, touched_at, ..CachedTrace::default() };
        let mut loaded: HashMap<_, _> = traces.iter().map(|trace| (*trace, empty())).collect();
        let stored = rows::load(connection, traces)?;
        for (span, rank) in &stored.spans {
            if let Some(cached) = loaded.get_mut(&span.trace) {
                cached.spans.insert(span.id, (cached.digests.len(), *rank));
                cached.digests.push(SpanDigest::of_span(span));
            }
        }
        for log in &stored.logs {
            if let Some(cached) = log.trace.and_then(|trace| loaded.get_mut(&trace)) {
                cached.digests.push(SpanDigest::of_log(log));
            }
        }
        let list = rows::uhugeints(traces.iter().map(rows::trace_number));
        let mut statement = connection.prepare_cached(include_str!("queries/load_trace_contents.sql"))?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            if let Some(cached) = rows::trace_id(row.get(0)?).and_then(|trace| loaded.get_mut(&trace)) {
                cached.contents.insert(row.get(1)?);
            }
        }
        let mut statement = connection.prepare_cached(include_str!("queries/load_sessions.sql"))?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            if let Some(cached) = rows::trace_id(row.get(0)?).and_then(|trace| loaded.get_mut(&trace)) {
                cached.session = row.get::<_, Option<String>>(1)?.as_deref().map(SessionId::from);
            }
        }
        self.digests += loaded.values().map(|cached| cached.digests.len()).sum::<usize>();
        self.traces.extend(loaded);
        Ok(())
    }

    /// Adds the digest of a span, unless a more complete record of the span is there. The trace must be one that
    /// [`Self::load_missing`] was called with.
    pub fn offer(&mut self, span: &PreparedSpan) -> Offer {
        let cached = self.traces.entry(span.row.trace).or_default();
        let Some((place, rank)) = cached.spans.get_mut(&span.row.id) else {
            cached.spans.insert(span.row.id, (cached.digests.len(), span.rank));
            cached.digests.push(span.digest.clone());
            self.digests += 1;
            return Offer::First;
        };
        if span.rank < *rank {
            return Offer::Worse;
        }
        *rank = span.rank;
        if let Some(digest) = cached.digests.get_mut(*place) {
            *digest = span.digest.clone();
        }
        Offer::Better
    }

    /// Adds the digest of a log record.
    pub fn add_log(&mut self, trace: TraceId, digest: &SpanDigest) {
        self.traces.entry(trace).or_default().digests.push(digest.clone());
        self.digests += 1;
    }

    /// Notes that a trace has a content. Returns whether it had it not before.
    pub fn is_new_content(&mut self, trace: TraceId, content: ContentId) -> bool {
        self.traces.entry(trace).or_default().contents.insert(content)
    }

    /// Summarizes the traces that a group touches, but for large ones that were summarized less than [`PAUSE`] ago.
    pub fn summarize(&self, touched: &HashSet<TraceId>, now: Instant) -> Summarized {
        let Summarized { mut rows, mut emptied, mut later, mut sessions } = Summarized::default();
        for trace in touched {
            let Some(cached) = self.traces.get(trace) else { continue };
            sessions.extend(cached.session.clone());
            if cached.digests.is_empty() {
                emptied.push(*trace);
                continue;
            }
            if cached.digests.len() > LARGE && cached.next_summary.is_some_and(|next| now < next) {
                later.push(*trace);
                continue;
            }
            let began = Instant::now();
            let listing = assemble::summarize(*trace, &cached.digests, &|genai, at| self.prices.price(genai, at));
            sessions.extend(listing.session.clone());
            let steps = StepChange::of(&listing.steps, cached.steps.as_deref());
            let filled = self.filled(&listing.steps);
            let took = began.elapsed();
            rows.push(Row { trace: *trace, listing, took, records: cached.digests.len(), filled, steps });
        }
        Summarized { rows, emptied, later, sessions }
    }

    /// The largest share of a model's window that a prompt filled, in thousandths.
    fn filled(&self, steps: &[Step]) -> Option<u64> {
        let mut windows: HashMap<(Option<&str>, &str), Option<u64>> = HashMap::new();
        let filled = steps.iter().filter_map(|step| {
            let (provider, model, input) = (step.provider.as_deref(), step.model.as_deref()?, step.usage.input()?);
            let window =
                *windows.entry((provider, model)).or_insert_with(|| self.prices.window(provider, Some(model), None));
            let share = u128::from(input) * 1000 / u128::from(window.filter(|window| *window > 0)?);
            Some(u64::try_from(share).unwrap_or(u64::MAX))
        });
        filled.max()
    }

    /// To be called after the commit: notes which summaries are up to date as of `now`, and when those that had to wait
    /// are due. Then drops the digests of traces that were not touched for long, if there are more than [`KEPT`].
    pub fn committed(&mut self, rows: Vec<Row>, emptied: &[TraceId], later: Vec<TraceId>, now: Instant) {
        for trace in emptied {
            self.due.remove(trace);
            self.traces.remove(trace);
        }
        for row in rows {
            self.due.remove(&row.trace);
            if let Some(cached) = self.traces.get_mut(&row.trace) {
                cached.session = row.listing.session;
                // From now on, and not from before the commit: what took longer than the pause would be due at once.
                cached.next_summary = Some(Instant::now() + PAUSE.max(row.took * SHARE));
                cached.steps = Some(row.steps.hashes);
            }
        }
        for trace in later {
            let next = self.traces.get(&trace).and_then(|cached| cached.next_summary).unwrap_or(now);
            self.due.entry(trace).or_insert(next);
        }
        if self.digests > KEPT {
            self.evict(now);
        }
    }

    /// Drops what is known of these traces: it was not committed, or is out of date. They are loaded when they are next
    /// touched.
    pub fn forget(&mut self, traces: impl IntoIterator<Item = TraceId>) {
        for trace in traces {
            if let Some(cached) = self.traces.remove(&trace) {
                self.digests -= cached.digests.len();
            }
        }
    }

    /// Drops the traces that were touched longest ago, down to three quarters of [`KEPT`], so that this is seldom. Those
    /// of the current group stay, and those whose summary is due. So do large ones that were touched in the last
    /// [`RECENT`], up to [`KEPT_RECENT`].
    fn evict(&mut self, now: Instant) {
        let is_recent = |cached: &CachedTrace| {
            let touched = cached.touched_at.is_some_and(|touched| now.duration_since(touched) < RECENT);
            touched && cached.digests.len() > LARGE
        };
        let recent = self.traces.values().filter(|cached| is_recent(cached)).map(|cached| cached.digests.len()).sum();
        let recent = if recent <= KEPT_RECENT { recent } else { 0 };
        if self.digests <= KEPT + recent {
            return;
        }
        let mut by_age: Vec<_> = self
            .traces
            .iter()
            .filter(|(trace, cached)| cached.touched != self.groups && !self.due.contains_key(trace))
            .filter(|(_, cached)| recent == 0 || !is_recent(cached))
            .map(|(trace, cached)| (cached.touched, *trace))
            .collect();
        by_age.sort_unstable();
        for (_, trace) in by_age {
            if self.digests <= KEPT / 4 * 3 + recent {
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

    fn wait_until_summarized(store: &Store, spans: u64) {
        for _ in 0..100 {
            if overview(store, Filter::default()).spans == spans {
                return;
            }
            thread::sleep(Duration::from_millis(30));
        }
        panic!("still {}", overview(store, Filter::default()).spans);
    }

    #[test]
    fn a_large_trace_that_was_just_touched_is_kept_and_others_make_room() {
        let digest = SpanDigest::of_span(&crate::store::tests::span("a", 1).prepared().row);
        let trace = |n: u8| crate::store::tests::trace(&n.to_string());
        let now = Instant::now();
        let mut summaries = Summaries { groups: 9, ..Summaries::default() };
        let mut add = |n: u8, digests: usize| {
            let cached =
                CachedTrace { digests: vec![digest.clone(); digests], touched_at: Some(now), ..CachedTrace::default() };
            summaries.digests += digests;
            summaries.traces.insert(trace(n), cached);
        };
        add(1, KEPT + 1);
        (2..9).for_each(|n| add(n, LARGE));
        summaries.evict(now);
        assert_eq!(summaries.traces.len(), 8);
        summaries.evict(now + RECENT);
        assert!(!summaries.traces.contains_key(&trace(1)) && summaries.digests <= KEPT);
    }

    #[test]
    fn a_large_trace_is_summarized_in_the_end_even_if_the_program_is_killed_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let store = Store::open(&Place::File(file("a")), Arc::default()).unwrap();
        send(&store, (0..2100).map(numbered));
        send(&store, [numbered(2100)]);
        fs::copy(file("a"), file("b")).unwrap();
        fs::copy(file("a.wal"), file("b.wal")).unwrap();
        wait_until_summarized(&store, 2101);
        let copy = Store::open(&Place::File(file("b")), Arc::default()).unwrap();
        wait_until_summarized(&copy, 2101);
    }
}
