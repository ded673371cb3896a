//! The queue in front of the writer thread: a submission waits in it for its commit.
//!
//! It has no bound of its own: whoever submits has counted the memory before (`receive::budget`).

use std::{
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use super::{StoreError, StoreHealth, Submission, lock, replace::Reprocessed, summaries::Row};
use crate::model::{Limits, Removal, Removed, Rescue, TraceId};

/// Whether something was committed.
pub type Outcome = Result<(), StoreError>;

/// Something that is to be removed, and whoever waits for that.
pub struct AskedRemoval {
    pub removal: Removal,
    pub answered: oneshot::Sender<Result<Removed, StoreError>>,
}

/// What the writer thread takes out of the queue.
pub enum QueueItem {
    /// New spans and log records.
    Submission(Queued<Submission>),
    /// Rows that were translated again.
    Reprocessed(Queued<Reprocessed>),
    /// A huge trace was summarized; `None` if that failed.
    Summarized(TraceId, Option<Box<Row>>),
    /// Something is to be removed.
    Remove(AskedRemoval),
    /// So much is to be kept from now on.
    Keep(Limits),
    /// Something that was waited for has happened elsewhere.
    Wake,
    /// The engine may have given up: it is to be seen whether it still works.
    Probe,
    /// A part of the file could not be read: its checksum is wrong.
    Damaged,
    /// The queue is closed; no item follows.
    Close,
}

/// Something to be committed, and whoever waits for that.
pub struct Queued<T> {
    pub item: T,
    answered: oneshot::Sender<Outcome>,
}

impl<T> Queued<T> {
    /// Also returns where the outcome arrives.
    fn new(item: T) -> (Self, oneshot::Receiver<Outcome>) {
        let (answered, answer) = oneshot::channel();
        (Self { item, answered }, answer)
    }

    /// Reports the outcome; nobody may be waiting any more.
    pub fn answer(self, outcome: Outcome) {
        drop(self.answered.send(outcome));
    }
}

/// The sending end of the queue.
pub struct WriteQueue {
    is_closed: AtomicBool,
    /// Whether the writer was told of damage that it has not looked at yet.
    is_damage_told: Mutex<bool>,
    /// Wakes who waits until it has looked at it.
    damage_looked_at: Condvar,
    sender: Sender<QueueItem>,
    /// How what takes the items out of it does.
    health: Arc<Mutex<StoreHealth>>,
}

impl WriteQueue {
    /// Makes an empty queue, and the end that the writer thread receives from.
    pub fn new() -> (Arc<Self>, Receiver<QueueItem>) {
        let (sender, items) = mpsc::channel();
        (
            Arc::new(Self {
                is_closed: AtomicBool::new(false),
                is_damage_told: Mutex::default(),
                damage_looked_at: Condvar::new(),
                sender,
                health: Arc::default(),
            }),
            items,
        )
    }

    /// How what takes the items out of it does, to be kept up to date by that.
    pub fn health(&self) -> Arc<Mutex<StoreHealth>> {
        self.health.clone()
    }

    /// Hands the writer the summary of a huge trace.
    pub fn summarized(&self, trace: TraceId, row: Option<Row>) {
        drop(self.sender.send(QueueItem::Summarized(trace, row.map(Box::new))));
    }

    /// Sets how much is to be kept.
    pub fn keep(&self, limits: Limits) {
        drop(self.sender.send(QueueItem::Keep(limits)));
    }

    /// Has the writer see what it waits for.
    pub fn wake(&self) {
        drop(self.sender.send(QueueItem::Wake));
    }

    /// Has the writer see whether the engine still works.
    pub fn probe(&self) {
        drop(self.sender.send(QueueItem::Probe));
    }

    /// Has the writer put right what can be in the file, of which a part could not be read. Of one damage it is told once,
    /// however many meet it.
    pub fn damaged(&self) {
        if !std::mem::replace(&mut *lock(&self.is_damage_told), true) {
            drop(self.sender.send(QueueItem::Damaged));
        }
    }

    /// Notes that the writer has looked at the damage that it was told of.
    pub fn damage_was_looked_at(&self) {
        *lock(&self.is_damage_told) = false;
        self.damage_looked_at.notify_all();
    }

    /// Waits until the writer has looked at the damage that it was told of, but not longer than this. Returns whether it has.
    pub fn wait_until_looked_at(&self, patience: Duration) -> bool {
        let waits = |is_told: &mut bool| *is_told && !self.is_closed.load(Ordering::Relaxed);
        let told = self.damage_looked_at.wait_timeout_while(lock(&self.is_damage_told), patience, waits);
        !*told.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Refuses new submissions. Those in the queue are still stored and answered.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.damage_looked_at.notify_all();
        drop(self.sender.send(QueueItem::Close));
    }

    /// Puts a submission into the queue; returns where its outcome arrives.
    fn push(&self, submission: Submission) -> Result<oneshot::Receiver<Outcome>, StoreError> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let (waiting, answer) = Queued::new(submission);
        self.sender.send(QueueItem::Submission(waiting)).map_err(|_| StoreError::Closed)?;
        Ok(answer)
    }
}

/// A handle through which spans and log records are stored. Clones share one queue.
#[derive(Clone)]
pub struct Writer {
    queue: Arc<WriteQueue>,
}

impl Writer {
    /// A handle to a queue.
    pub(super) fn new(queue: Arc<WriteQueue>) -> Self {
        Self { queue }
    }

    /// Stores a submission. Resolves once it is committed and synced, or has failed. An empty submission succeeds at
    /// once.
    pub async fn submit(&self, submission: Submission) -> Result<(), StoreError> {
        if submission.is_empty() {
            return Ok(());
        }
        self.queue.push(submission)?.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same for a thread that may block. Not for async code.
    pub fn submit_blocking(&self, submission: Submission) -> Result<(), StoreError> {
        if submission.is_empty() {
            return Ok(());
        }
        self.queue.push(submission)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Whether nothing can be stored just now.
    pub fn is_failing(&self) -> bool {
        lock(&self.queue.health).failing.is_some()
    }

    /// How it stands with a part of the file that cannot be read; `None` if all can, as far as is known.
    pub fn rescue(&self) -> Option<Rescue> {
        lock(&self.queue.health).rescue.clone()
    }

    /// Has it stand so with a part of the file.
    #[cfg(test)]
    pub fn stands(&self, rescue: Option<Rescue>) {
        lock(&self.queue.health).rescue = rescue;
    }

    /// Removes something, and blocks until it has gone.
    pub fn remove(&self, removal: Removal) -> Result<Removed, StoreError> {
        if self.queue.is_closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let (answered, answer) = oneshot::channel();
        let asked = AskedRemoval { removal, answered };
        self.queue.sender.send(QueueItem::Remove(asked)).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }

    /// Stores rows that were translated again, and blocks until they are committed.
    pub(super) fn submit_reprocessed(&self, reprocessed: Reprocessed) -> Result<(), StoreError> {
        let (waiting, answer) = Queued::new(reprocessed);
        self.queue.sender.send(QueueItem::Reprocessed(waiting)).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::span;

    #[test]
    fn a_submission_is_answered_and_a_closed_queue_takes_none() {
        let (queue, items) = WriteQueue::new();
        let writer = Writer::new(queue.clone());
        let submission = || Submission { spans: vec![span("a", 1).prepared()], ..Submission::default() };
        let submitting = std::thread::spawn({
            let writer = writer.clone();
            move || writer.submit_blocking(submission())
        });
        let Ok(QueueItem::Submission(waiting)) = items.recv() else { panic!("nothing came in") };
        waiting.answer(Ok(()));
        assert_eq!(submitting.join().unwrap(), Ok(()));
        queue.close();
        assert_eq!(writer.submit_blocking(submission()), Err(StoreError::Closed));
    }

    #[test]
    fn an_empty_submission_is_done_at_once() {
        let (queue, _items) = WriteQueue::new();
        assert_eq!(Writer::new(queue).submit_blocking(Submission::default()), Ok(()));
    }
}
