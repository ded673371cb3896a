//! A trace that is to be summarized, and the row that comes of it.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    CachedTrace,
    steps::{self, StepChange},
};
use crate::{
    assemble::{self, SpanDigest, TraceListing},
    model::{SessionId, Timestamp, TraceId},
    pricing::Prices,
};

/// A row for `traces`.
#[derive(Clone)]
pub struct Row {
    pub trace: TraceId,
    pub listing: TraceListing,
    /// How long it took to make.
    pub(super) took: Duration,
    /// How many changes the digests had then.
    pub(super) changes: u64,
    /// Number of spans and log records that it was made from.
    pub records: usize,
    /// The share of its model's window that the largest prompt filled, in thousandths; `None` where no window is known.
    pub filled: Option<u64>,
    /// When the last program ended that had sent some of it, where one is known to have.
    pub program_ended: Option<Timestamp>,
    pub steps: StepChange,
}

/// A trace to be summarized.
pub struct Job {
    trace: TraceId,
    digests: Arc<Vec<SpanDigest>>,
    changes: u64,
    program_ended: Option<Timestamp>,
    /// The hashes of the steps that are stored; `None`: anything may be stored.
    steps: Option<Vec<u64>>,
}

impl Job {
    pub(super) fn of(trace: TraceId, cached: &CachedTrace) -> Self {
        Self {
            trace,
            digests: Arc::clone(&cached.digests),
            changes: cached.changes,
            program_ended: cached.program_ended,
            steps: cached.steps.clone(),
        }
    }

    /// The trace.
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// Summarizes it.
    pub fn row(&self, prices: &Prices) -> Row {
        let began = Instant::now();
        let listing = assemble::summarize(self.trace, &self.digests, &|genai, at| prices.price(genai, at));
        let steps = StepChange::of(&listing.steps, self.steps.as_deref());
        let filled = steps::filled(&listing.steps, prices);
        Row {
            trace: self.trace,
            listing,
            took: began.elapsed(),
            changes: self.changes,
            records: self.digests.len(),
            filled,
            program_ended: self.program_ended,
            steps,
        }
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
    /// The traces that are to be summarized on a thread of their own.
    pub huge: Vec<TraceId>,
    /// The sessions that the traces belong to or belonged to before.
    pub sessions: HashSet<SessionId>,
}
