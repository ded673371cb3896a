//! The queue before the writer: submissions wait for room, then for their commit.
//!
//! Room is counted in bytes and held until the answer, so what waits has a limit however many send. A sender that
//! finds none for a few seconds is told to come back.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot},
    time::timeout,
};

use super::{StoreError, Submission, reprocess::Reprocessed};

/// What one permit stands for.
const PERMIT: usize = 1024;
/// 16 MiB of exports, about a second of a busy disk's work; prepared, they take some four times that in memory. A larger
/// export waits until it is alone.
const PERMITS: u32 = 16 * 1024;
/// SDKs give an export ten seconds; a no must reach them well before.
const PATIENCE: Duration = Duration::from_secs(3);
const RETRY_AFTER: Duration = Duration::from_secs(2);

pub type Outcome = Result<(), StoreError>;

/// What the writer thread gets.
pub enum QueueItem {
    Submission(QueuedSubmission),
    Reprocessed(QueuedReprocessed),
    /// Nothing comes after this.
    Close,
}

/// What was understood again, and who waits for it.
pub struct QueuedReprocessed {
    pub reprocessed: Reprocessed,
    answered: oneshot::Sender<Outcome>,
}

impl QueuedReprocessed {
    pub fn answer(self, outcome: Outcome) {
        drop(self.answered.send(outcome));
    }
}

/// A submission and who waits for it.
pub struct QueuedSubmission {
    pub submission: Submission,
    answered: oneshot::Sender<Outcome>,
    _room: OwnedSemaphorePermit,
}

impl QueuedSubmission {
    /// Answers; the sender may have gone.
    pub fn answer(self, outcome: Outcome) {
        drop(self.answered.send(outcome));
    }
}

/// The sending end of the queue, and the room that is left in it.
pub struct WriteQueue {
    room: Arc<Semaphore>,
    sender: Sender<QueueItem>,
}

impl WriteQueue {
    pub fn new() -> (Arc<Self>, Receiver<QueueItem>) {
        // Unbounded as a channel; what is in it is bounded by its permits.
        let (sender, items) = mpsc::channel();
        let room = Arc::new(Semaphore::new(PERMITS as usize));
        (Arc::new(Self { room, sender }), items)
    }

    /// Lets nobody in any more. Those who are in get their answer.
    pub fn close(&self) {
        self.room.close();
        drop(self.sender.send(QueueItem::Close));
    }

    fn push(
        &self,
        submission: Submission,
        room: OwnedSemaphorePermit,
    ) -> Result<oneshot::Receiver<Outcome>, StoreError> {
        let (answered, answer) = oneshot::channel();
        let waiting = QueuedSubmission { submission, answered, _room: room };
        self.sender.send(QueueItem::Submission(waiting)).map_err(|_| StoreError::Closed)?;
        Ok(answer)
    }
}

/// A hand to submit with.
#[derive(Clone)]
pub struct Writer {
    queue: Arc<WriteQueue>,
}

impl Writer {
    pub(super) fn new(queue: Arc<WriteQueue>) -> Self {
        Self { queue }
    }

    /// Resolves once what was submitted is committed and synced, or will not be.
    pub async fn submit(&self, submission: Submission) -> Result<(), StoreError> {
        if submission.is_empty() {
            return Ok(());
        }
        let room = self.queue.room.clone().acquire_many_owned(permits(&submission));
        let room = match timeout(PATIENCE, room).await {
            Ok(room) => room.map_err(|_| StoreError::Closed)?,
            Err(_) => return Err(StoreError::Busy { retry_after: RETRY_AFTER }),
        };
        self.queue.push(submission, room)?.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The same for a thread that may wait, and does so for as long as it takes. Not for async code.
    pub fn submit_blocking(&self, submission: Submission) -> Result<(), StoreError> {
        if submission.is_empty() {
            return Ok(());
        }
        let permits = permits(&submission);
        let room = match self.queue.room.clone().try_acquire_many_owned(permits) {
            Ok(room) => room,
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
            Err(TryAcquireError::NoPermits) => {
                let here = tokio::runtime::Builder::new_current_thread().build();
                let here = here.expect("a runtime without I/O and timers takes nothing from the system");
                here.block_on(self.queue.room.clone().acquire_many_owned(permits)).map_err(|_| StoreError::Closed)?
            }
        };
        self.queue.push(submission, room)?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Writer {
    /// Hands over what was understood again, and waits for its commit. One such is on its way at a time, so it needs
    /// no room.
    pub(super) fn submit_reprocessed(&self, reprocessed: Reprocessed) -> Result<(), StoreError> {
        let (answered, answer) = oneshot::channel();
        let waiting = QueuedReprocessed { reprocessed, answered };
        self.queue.sender.send(QueueItem::Reprocessed(waiting)).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

/// Room for a submission: all there is, if it is larger than that.
fn permits(submission: &Submission) -> u32 {
    u32::try_from(submission.bytes / PERMIT + 1).unwrap_or(PERMITS).min(PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::span;

    fn submission(bytes: usize) -> Submission {
        Submission { spans: vec![span("a", 1).prepared()], bytes, ..Submission::default() }
    }

    #[test]
    fn who_finds_no_room_is_told_to_come_back_and_room_is_free_again_after_the_answer() {
        let (queue, items) = WriteQueue::new();
        let writer = Writer::new(queue.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let first = tokio::spawn({
                let writer = writer.clone();
                async move { writer.submit(submission(usize::MAX)).await }
            });
            tokio::task::yield_now().await;
            let busy = writer.submit(submission(1)).await;
            assert_eq!(busy, Err(StoreError::Busy { retry_after: RETRY_AFTER }));
            let Ok(QueueItem::Submission(waiting)) = items.try_recv() else { panic!("nothing came in") };
            waiting.answer(Ok(()));
            assert_eq!(first.await.unwrap(), Ok(()));
            assert_eq!(queue.room.available_permits(), PERMITS as usize);
            queue.close();
            assert_eq!(writer.submit(submission(1)).await, Err(StoreError::Closed));
        });
        assert_eq!(writer.submit_blocking(submission(1)), Err(StoreError::Closed));
    }

    #[test]
    fn an_empty_submission_is_done_at_once() {
        let (queue, _items) = WriteQueue::new();
        assert_eq!(Writer::new(queue).submit_blocking(Submission::default()), Ok(()));
    }
}
