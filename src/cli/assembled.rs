//! Reads whole sessions and assembles them. Small ones are read several at once: to find a session's rows takes as long as
//! to find those of a hundred.

use std::collections::HashMap;

use crate::{
    assemble,
    model::{AssembledTrace, TraceId, TraceRows},
    store::{Picked, Store, StoreError},
};

/// Spans that are read at once. A session or trace with more is read alone.
const SPANS: u64 = 3000;
/// Traces or sessions that are read at once.
const ITEMS: usize = 1500;

/// Sessions that are read at once.
pub type Batch = [Vec<Picked>];

/// Parts sessions into batches.
pub fn batches(sessions: &[Vec<Picked>]) -> Vec<&Batch> {
    in_stretches(sessions, |session| session.iter().map(|picked| picked.spans).sum())
}

/// Parts traces into stretches whose spans are read at once.
pub fn stretches(traces: &[Picked]) -> Vec<&[Picked]> {
    in_stretches(traces, |picked| picked.spans)
}

/// Parts a list into stretches of at most [`ITEMS`] with at most [`SPANS`], or of one item.
fn in_stretches<T>(items: &[T], spans: impl Fn(&T) -> u64) -> Vec<&[T]> {
    let mut stretches = Vec::new();
    let (mut start, mut held) = (0, 0_u64);
    for (at, item) in items.iter().enumerate() {
        let more = spans(item);
        if at > start && (held.saturating_add(more) > SPANS || at - start >= ITEMS) {
            stretches.extend(items.get(start..at));
            (start, held) = (at, 0);
        }
        held = held.saturating_add(more);
    }
    stretches.extend(items.get(start..).filter(|rest| !rest.is_empty()));
    stretches
}

/// The traces of a batch, assembled, each with its rows. The traces of a session are assembled together, because the
/// messages of one may be history in another, and what a tool returned may be in a later one. That also a trace without a
/// session is completed by.
pub fn assembled(store: &Store, batch: &Batch) -> Result<Vec<(AssembledTrace, TraceRows)>, StoreError> {
    let ids: Vec<TraceId> = batch.iter().flatten().map(|picked| picked.trace).collect();
    let mut rows = store.rows(&ids)?.into_iter();
    let alone: Vec<TraceId> =
        batch.iter().filter(|session| session.len() == 1).flatten().map(|one| one.trace).collect();
    let followers = store.followers(&alone)?;
    let mut wanted: Vec<TraceId> = followers.values().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let later: HashMap<TraceId, TraceRows> = store.rows(&wanted)?.into_iter().map(|rows| (rows.trace, rows)).collect();
    let mut all = Vec::new();
    for session in batch {
        let mut rows: Vec<TraceRows> = rows.by_ref().take(session.len()).collect();
        let mut by_trace: HashMap<TraceId, TraceRows> = rows.iter().map(|rows| (rows.trace, rows.clone())).collect();
        let of = session.first().and_then(|first| followers.get(&first.trace));
        rows.extend(of.into_iter().flatten().filter_map(|trace| later.get(trace).cloned()));
        let session = assemble::session(rows, &|genai, at| store.prices().price(genai, at));
        all.extend(session.into_iter().filter_map(|assembled| {
            let rows = by_trace.remove(&assembled.trace)?;
            Some((assembled, rows))
        }));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_items_are_read_together_and_a_large_one_alone() {
        let parted =
            |items: &[u64]| in_stretches(items, |spans| *spans).iter().map(|part| part.len()).collect::<Vec<_>>();
        assert_eq!(parted(&[]), [0; 0]);
        assert_eq!(parted(&[1, 2, SPANS - 3, 1, SPANS * 9, 1, 1]), [3, 1, 1, 2]);
        assert_eq!(parted(&[0; ITEMS + 1]), [ITEMS, 1]);
        assert_eq!(parted(&[u64::MAX, u64::MAX]), [1, 1]);
    }
}
