//! The rows of `traces`: the summary of each trace for lists and sums, made anew when its records change.
//!
//! `assemble::summarize` adds up a trace from the digests of its spans and log records. The digests of recent traces are
//! kept here, so that nothing is read from the file for a span that arrives; those of an older trace are loaded when it
//! is touched again.

mod job;
mod load;
mod steps;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, mpsc::Sender},
    time::{Duration, Instant},
};

use super::{placements::Place, prepared::PreparedSpan};
use crate::{
    assemble::SpanDigest,
    model::{ContentId, Rank, SessionId, SpanId, Timestamp, TraceId},
    pricing::Prices,
};
pub use job::{Job, Row, Summarized};

/// Most digests that are kept beside those of the traces of the current group; each is a few hundred bytes.
const KEPT: usize = 20_000;
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
/// A trace of more digests than this is summarized on a thread of its own, because senders would wait for it.
const HUGE: usize = 20_000;
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
    /// Takes the traces that are summarized on a thread of their own; `None`: all are summarized at once.
    jobs: Option<Sender<Job>>,
    /// The traces that are being summarized there.
    under_way: HashSet<TraceId>,
    /// Their rows that came back and were not committed yet.
    made: HashMap<TraceId, Row>,
    /// Number of digests in `traces`.
    digests: usize,
    /// Number of groups so far.
    groups: u64,
}

/// What is known of a trace: all that is stored of it, and what the current group adds.
#[derive(Default)]
struct CachedTrace {
    /// One for each span and log record, in order of arrival. Shared with the thread that summarizes them.
    digests: Arc<Vec<SpanDigest>>,
    /// Number of changes to `digests` so far.
    changes: u64,
    /// The place of each span in `digests`, and how complete its record is.
    spans: HashMap<SpanId, (usize, Rank)>,
    /// The messages and tool definitions that the trace has, and the pieces of its raw forms.
    contents: HashSet<ContentId>,
    /// Its session in the last committed summary; `None` if it has none.
    session: Option<SessionId>,
    /// When the last program ended that had sent some of it, where one is known to have.
    program_ended: Option<Timestamp>,
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

impl Summaries {
    /// Knows nothing of what is stored yet. Huge traces are summarized by whoever takes the `jobs`.
    pub fn new(prices: Arc<Prices>, jobs: Option<Sender<Job>>) -> Self {
        Self { prices, jobs, ..Self::default() }
    }

    /// Drops everything, because the file was opened again, or everything was removed.
    pub fn clear(&mut self) {
        *self = Self::new(Arc::clone(&self.prices), self.jobs.take());
    }

    /// Takes what came of a job: the row, or nothing if it failed, and then it is tried again later.
    pub fn take_made(&mut self, trace: TraceId, row: Option<Row>) {
        if !self.under_way.contains(&trace) {
            // It was dropped meanwhile.
            return;
        }
        if let Some(row) = row {
            self.made.insert(trace, row);
        } else {
            self.under_way.remove(&trace);
            self.due.insert(trace, Instant::now() + AFTER_FAILURE);
        }
    }

    /// The traces whose rows came back and were not committed yet.
    pub fn made(&self) -> impl Iterator<Item = TraceId> {
        self.made.keys().copied()
    }

    /// Marks summaries as out of date and due at once.
    pub fn expect(&mut self, traces: impl IntoIterator<Item = TraceId>) {
        let now = Instant::now();
        self.due.extend(traces.into_iter().map(|trace| (trace, now)));
    }

    /// The same, but due only a while later: more of them is coming, and to load a large trace for each part of it would
    /// make everything else wait.
    pub fn expect_later(&mut self, traces: impl IntoIterator<Item = TraceId>) {
        let later = Instant::now() + 2 * PAUSE;
        self.due.extend(traces.into_iter().map(|trace| (trace, later)));
    }

    /// The traces whose summary is out of date. Of some there is none yet.
    pub fn waiting(&self) -> impl Iterator<Item = &TraceId> {
        self.due.keys().chain(&self.under_way)
    }

    /// Number of traces whose summary is out of date.
    pub fn out_of_date(&self) -> usize {
        self.due.len() + self.under_way.len()
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

    /// Has every summary that is out of date made at once, on the writer's own thread: the store is being closed.
    pub fn hurry(&mut self) {
        self.jobs = None;
        let now = Instant::now();
        self.due.extend(self.under_way.drain().map(|trace| (trace, now)));
        for (trace, due) in &mut self.due {
            *due = now;
            if let Some(cached) = self.traces.get_mut(trace) {
                cached.next_summary = None;
            }
        }
    }

    /// Traces whose summary is due by `now`, at most so many: after a migration that is the whole store.
    pub fn due_at(&self, now: Instant, most: usize) -> Vec<TraceId> {
        self.due.iter().filter(|(_, due)| **due <= now).map(|(trace, _)| *trace).take(most).collect()
    }

    /// Adds the digest of a span, unless a more complete record of the span is there. The trace must be one that
    /// [`Self::load_missing`] was called with.
    pub fn offer(&mut self, span: &PreparedSpan) -> Offer {
        let cached = self.traces.entry(span.row.trace).or_default();
        let Some((place, rank)) = cached.spans.get_mut(&span.row.id) else {
            cached.spans.insert(span.row.id, (cached.digests.len(), span.rank));
            Arc::make_mut(&mut cached.digests).push(span.digest.clone());
            cached.changes += 1;
            self.digests += 1;
            return Offer::First;
        };
        if span.rank < *rank {
            return Offer::Worse;
        }
        *rank = span.rank;
        cached.changes += 1;
        if let Some(digest) = Arc::make_mut(&mut cached.digests).get_mut(*place) {
            *digest = span.digest.clone();
        }
        Offer::Better
    }

    /// Adds the digest of a log record.
    pub fn add_log(&mut self, trace: TraceId, digest: &SpanDigest) {
        let cached = self.traces.entry(trace).or_default();
        Arc::make_mut(&mut cached.digests).push(digest.clone());
        cached.changes += 1;
        self.digests += 1;
    }

    /// Notes when a program ended that had sent some of a trace. Returns whether none is known that ended later.
    pub fn note_program_end(&mut self, trace: TraceId, ended: Timestamp) -> bool {
        let cached = self.traces.entry(trace).or_default();
        let is_last = cached.program_ended.is_none_or(|known| known < ended);
        if is_last {
            cached.program_ended = Some(ended);
            cached.changes += 1;
        }
        is_last
    }

    /// Notes that a trace has a content. Returns whether it had it not before.
    pub fn is_new_content(&mut self, trace: TraceId, content: ContentId) -> bool {
        self.traces.entry(trace).or_default().contents.insert(content)
    }

    /// What is kept of a trace that [`Self::load_missing`] was called with: a digest for each span and log record, in order of
    /// arrival.
    pub fn digests(&self, trace: TraceId) -> &[SpanDigest] {
        self.traces.get(&trace).map_or(&[], |cached| &cached.digests)
    }

    /// The digest of a span of such a trace, and then those of its log records.
    pub fn digests_of(&self, (trace, span): Place) -> impl Iterator<Item = &SpanDigest> {
        let digests = self.digests(trace);
        let place = self.traces.get(&trace).and_then(|cached| cached.spans.get(&span));
        let own = place.and_then(|(place, _)| digests.get(*place));
        let has_logs = self.traces.get(&trace).is_some_and(|cached| cached.spans.len() < digests.len());
        let logs = if has_logs { digests } else { &[] };
        own.into_iter().chain(logs.iter().filter(move |digest| digest.is_record_of(span)))
    }

    /// Whether such a trace has a span.
    pub fn has(&self, (trace, span): Place) -> bool {
        self.traces.get(&trace).is_some_and(|cached| cached.spans.contains_key(&span))
    }

    /// Summarizes the traces that a group touches, but for large ones that were summarized less than [`PAUSE`] ago.
    pub fn summarize(&self, touched: &HashSet<TraceId>, now: Instant) -> Summarized {
        let Summarized { mut rows, mut emptied, mut later, mut huge, mut sessions } = Summarized::default();
        for trace in touched {
            let Some(cached) = self.traces.get(trace) else { continue };
            sessions.extend(cached.session.clone());
            if cached.digests.is_empty() {
                emptied.push(*trace);
                continue;
            }
            if self.under_way.contains(trace) {
                if let Some(row) = self.made.get(trace) {
                    sessions.extend(row.listing.session.clone());
                    rows.push(row.clone());
                }
                continue;
            }
            if cached.digests.len() > LARGE && cached.next_summary.is_some_and(|next| now < next) {
                later.push(*trace);
                continue;
            }
            if cached.digests.len() > HUGE && self.jobs.is_some() {
                huge.push(*trace);
                continue;
            }
            let row = Job::of(*trace, cached).row(&self.prices);
            sessions.extend(row.listing.session.clone());
            rows.push(row);
        }
        Summarized { rows, emptied, later, huge, sessions }
    }

    /// To be called after the commit: notes which summaries are up to date as of `now`, and when those that had to wait
    /// are due. Then drops the digests of traces that were not touched for long, if there are more than [`KEPT`].
    pub fn committed(&mut self, summarized: Summarized, now: Instant) {
        let Summarized { rows, emptied, later, huge, sessions: _ } = summarized;
        for trace in emptied {
            self.due.remove(&trace);
            self.traces.remove(&trace);
        }
        for row in rows {
            self.due.remove(&row.trace);
            self.under_way.remove(&row.trace);
            self.made.remove(&row.trace);
            if let Some(cached) = self.traces.get_mut(&row.trace) {
                cached.session = row.listing.session;
                // From now on, and not from before the commit: what took longer than the pause would be due at once.
                let next = Instant::now() + PAUSE.max(row.took * SHARE);
                cached.next_summary = Some(next);
                cached.steps = Some(row.steps.hashes);
                if cached.changes != row.changes {
                    self.due.insert(row.trace, next);
                }
            }
        }
        for trace in later {
            let next = self.traces.get(&trace).and_then(|cached| cached.next_summary).unwrap_or(now);
            self.due.insert(trace, next);
        }
        for trace in huge {
            let Some((cached, jobs)) = self.traces.get(&trace).zip(self.jobs.as_ref()) else { continue };
            if jobs.send(Job::of(trace, cached)).is_ok() {
                self.due.remove(&trace);
                self.under_way.insert(trace);
            }
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
            self.made.remove(&trace);
            if self.under_way.remove(&trace) {
                self.due.insert(trace, Instant::now() + AFTER_FAILURE);
            }
        }
    }

    /// Drops all that is known of traces that were removed.
    pub fn removed(&mut self, traces: &[TraceId]) {
        self.forget(traces.iter().copied());
        for trace in traces {
            self.due.remove(trace);
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
            .filter(|(trace, _)| !self.under_way.contains(trace))
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
