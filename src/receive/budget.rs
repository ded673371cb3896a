//! The memory and the time that exports may take, in one place.
//!
//! ```text
//!   a body comes         it is read when it has a turn: some at once, of IN_TURN bytes; the others stay with their senders
//!   it is read           at most BODY bytes, before and after decompression; all of them at most ALL_BODIES
//!   it is understood     takes at most LARGEST in memory, estimated before it is decoded, else it is refused
//!   it is stored         all that are understood and not stored yet take at most AHEAD; the others wait as they were sent
//! ```
//!
//! A body that takes more than [`AHEAD`] is let in alone. So the peak is `ALL_BODIES` + `LARGEST` for whatever is sent,
//! and [`IN_TURN`] + [`AHEAD`] for what real senders send. An export that waits for longer than [`PATIENCE`] is refused, so
//! that its sender can try again before it gives up.

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::Refusal;

/// Most bytes of one body, before and after decompression.
pub(super) const BODY: usize = 64 << 20;
/// Most bytes of all bodies that are not answered yet.
const ALL_BODIES: usize = 256 << 20;
/// Most bytes of memory that one body may take, as [`crate::decode::memory`] estimates it: what a body of [`BODY`] bytes
/// of text takes, and half as much again.
pub(super) const LARGEST: usize = 384 << 20;
/// Bytes of memory that all bodies may take that are being understood or wait for their commit: enough for the group
/// that is written and the next one.
const AHEAD: usize = 36 << 20;
/// Bytes of bodies that have a turn at once: enough for the group that is written and those that follow it.
const IN_TURN: usize = 12 << 20;
/// What one of them counts as if its length is not known before it was read, and at most.
const UNKNOWN_TURN: usize = 256 << 10;
const MOST_TURN: usize = 4 << 20;
/// A body of no more bytes has to wait for no turn.
const SHORT: usize = 16 << 10;
/// How long an export waits, for its turn and for room. SDKs give an export ten seconds, and a refusal must reach them well before.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes that one permit stands for.
pub(super) const PAGE: usize = 4096;

/// The bytes that all bodies together may have, and the cores that decompress them. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    all: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    cores: Arc<Semaphore>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(ALL_BODIES)
    }
}

impl Budget {
    pub(super) fn of(bytes: usize) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let [all, turns, cores] =
            [bytes / PAGE, IN_TURN / PAGE, cores].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { all, turns, cores }
    }

    /// An empty share of it.
    pub(super) fn share(&self) -> Share {
        Share { budget: self.clone(), pages: None, turn: None, waited: Duration::ZERO }
    }
}

/// The part of the budget that one body takes; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    pages: Option<OwnedSemaphorePermit>,
    turn: Option<OwnedSemaphorePermit>,
    waited: Duration,
}

impl Share {
    /// Waits for a core to decompress the body on: one body a core, as more at once would only take more memory.
    pub(super) async fn core(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Deadline::from_now().permits(&self.budget.cores, 1).await
    }

    /// Waits for the turn of a body of which so many bytes were announced. It lasts until the share is dropped.
    pub(super) async fn turn(&mut self, announced: u64) -> Result<(), Refusal> {
        let bytes = match usize::try_from(announced).unwrap_or(MOST_TURN) {
            0 => UNKNOWN_TURN,
            1..=SHORT => return Ok(()),
            bytes => bytes.min(MOST_TURN),
        };
        let pages = u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(u32::MAX);
        let began = time::Instant::now();
        self.turn = Some(Deadline::from_now().permits(&self.budget.turns, pages).await?);
        self.waited = began.elapsed();
        Ok(())
    }

    /// How long it waited for its turn.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    /// Lets others have the turn: the body is sent so slowly that they would wait for nothing.
    pub(super) fn lose_turn(&mut self) {
        self.turn = None;
    }

    /// Takes as much of the budget as `bytes` need. Refuses instead of waiting: two bodies that wait for each other's share
    /// would wait for ever.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let has = self.pages.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes.div_ceil(PAGE).saturating_sub(has);
        if more == 0 {
            return Ok(());
        }
        let busy = Refusal::Busy { retry_after: Duration::from_secs(1) };
        let Ok(count) = u32::try_from(more) else { return Err(busy) };
        let more = Arc::clone(&self.budget.all).try_acquire_many_owned(count).map_err(|_| busy)?;
        match &mut self.pages {
            Some(pages) => pages.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

/// The memory that bodies may take that are being understood or wait for their commit. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Ahead(Arc<Semaphore>);

impl Default for Ahead {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AHEAD / PAGE)))
    }
}

impl Ahead {
    /// Waits, in order of arrival, until there is room for a body that takes `memory` bytes; one that takes more than
    /// there is takes all of it. It is refused if it takes more than [`LARGEST`], and at the deadline.
    pub(super) async fn room_for(&self, memory: usize, deadline: Deadline) -> Result<OwnedSemaphorePermit, Refusal> {
        if memory > LARGEST {
            return Err(Refusal::TooMuch { mib: memory >> 20 });
        }
        let pages = u32::try_from(memory.div_ceil(PAGE).min(AHEAD / PAGE)).unwrap_or(u32::MAX);
        deadline.permits(&self.0, pages).await
    }
}

/// When an export is refused that still waits then, whatever for: [`PATIENCE`] after it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(time::Instant);

impl Deadline {
    /// That of an export that comes now.
    pub(super) fn from_now() -> Self {
        Self::after(Duration::ZERO)
    }

    /// That of an export that has waited so long already.
    pub(super) fn after(waited: Duration) -> Self {
        Self(time::Instant::now() + PATIENCE.saturating_sub(waited))
    }

    /// Waits for permits.
    pub(super) async fn permits(self, semaphore: &Arc<Semaphore>, count: u32) -> Result<OwnedSemaphorePermit, Refusal> {
        match time::timeout_at(self.0, Arc::clone(semaphore).acquire_many_owned(count)).await {
            // The semaphores are never closed.
            Ok(permits) => permits.map_err(|_| Refusal::Closing),
            Err(_) => Err(Refusal::Busy { retry_after: Duration::from_secs(2) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_are_read_in_turn_and_none_waits_for_what_is_sent_slowly() {
        let budget = Budget::default();
        let mut shares: Vec<Share> = (0..IN_TURN / MOST_TURN).map(|_| budget.share()).collect();
        for share in &mut shares {
            share.turn(u64::MAX).await.unwrap();
        }
        assert!(matches!(budget.share().turn(SHORT as u64 + 1).await, Err(Refusal::Busy { .. })));
        assert!(budget.share().turn(SHORT as u64).await.is_ok());
        shares[0].lose_turn();
        assert!(budget.share().turn(0).await.is_ok());
        drop(shares);
        assert!(budget.share().turn(u64::MAX).await.is_ok());
    }

    #[tokio::test]
    async fn who_finds_no_room_is_told_to_come_back_in_time_however_often_it_waits() {
        let ahead = Ahead::default();
        let first = ahead.room_for(LARGEST, Deadline::from_now()).await.unwrap();
        let before = time::Instant::now();
        let deadline = Deadline::from_now();
        for _ in 0..3 {
            assert!(matches!(ahead.room_for(1, deadline).await, Err(Refusal::Busy { .. })));
        }
        assert!(before.elapsed() >= PATIENCE && before.elapsed() < 2 * PATIENCE, "{:?}", before.elapsed());
        drop(first);
        assert!(ahead.room_for(1, Deadline::from_now()).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_would_take_too_much_is_refused_at_once_and_for_good() {
        let refused = Ahead::default().room_for(LARGEST + 1, Deadline::from_now()).await.unwrap_err();
        assert_eq!(refused, Refusal::TooMuch { mib: LARGEST >> 20 });
        assert_eq!(refused.retry_after(), None);
    }
}
