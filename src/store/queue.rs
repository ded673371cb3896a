//! The queue in front of the writer thread: a submission waits for room in it, then for its commit.
//!
//! Room is counted in bytes and held until the submission is answered, so however many clients send, what waits is
//! bounded. A client that gets no room within a few seconds is asked to try again later.

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

use super::{StoreError, Submission, replace::Reprocessed};

/// Bytes that one permit of the semaphore stands for.
const PERMIT: usize = 1024;
/// Room for 16 MiB of exports, about a second of work for a busy disk; prepared, they take some four times that in
/// memory. A larger export takes all the room, and so waits until it is alone.
const PERMITS: u32 = 16 * 1024;
/// How long a submission waits for room. SDKs give an export ten seconds, and a refusal must reach them well before.
const PATIENCE: Duration = Duration::from_secs(3);
/// When a client that got no room should try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Whether something was committed.
pub type Outcome = Result<(), StoreError>;

/// What the writer thread takes out of the queue.
pub enum QueueItem {
    /// New spans and log records.
    Submission(QueuedSubmission),
    /// Rows that were translated again.
    Reprocessed(QueuedReprocessed),
    /// The queue is closed; no item follows.
    Close,
}

/// Rows that were translated again, and whoever waits for their commit.
pub struct QueuedReprocessed {
    /// The rows.
    pub reprocessed: Reprocessed,
    answered: oneshot::Sender<Outcome>,
}

impl QueuedReprocessed {
    /// Reports the outcome; nobody may be waiting any more.
    pub fn answer(self, outcome: Outcome) {
        drop(self.answered.send(outcome));
    }
}

/// A submission, its room in the queue, and whoever waits for its commit.
pub struct QueuedSubmission {
    /// The spans and log records.
    pub submission: Submission,
    answered: oneshot::Sender<Outcome>,
    /// Given back when the submission is answered and dropped.
    _room: OwnedSemaphorePermit,
}

impl QueuedSubmission {
    /// Reports the outcome and gives back the room; nobody may be waiting any more.
    pub fn answer(self, outcome: Outcome) {
        drop(self.answered.send(outcome));
    }
}

/// The sending end of the queue, and the room that is left in it.
pub struct WriteQueue {
    /// One permit for each [`PERMIT`] bytes of room.
    room: Arc<Semaphore>,
    sender: Sender<QueueItem>,
}

impl WriteQueue {
    /// Makes an empty queue, and the end that the writer thread receives from.
    pub fn new() -> (Arc<Self>, Receiver<QueueItem>) {
        // The channel has no bound of its own; the permits bound what is in it.
        let (sender, items) = mpsc::channel();
        let room = Arc::new(Semaphore::new(PERMITS as usize));
        (Arc::new(Self { room, sender }), items)
    }

    /// Refuses new submissions. Those in the queue are still stored and answered.
    pub fn close(&self) {
        self.room.close();
        drop(self.sender.send(QueueItem::Close));
    }

    /// Puts a submission that has room into the queue; returns where its outcome arrives.
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

    /// Stores a submission. Resolves once it is committed and synced, or has failed. [`StoreError::Busy`] if the queue
    /// has no room for a few seconds. An empty submission succeeds at once.
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

    /// The same for a thread that may block. It waits for room as long as it takes. Not for async code.
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
    /// Stores rows that were translated again, and blocks until they are committed. There is one such batch at a time,
    /// so it needs no room.
    pub(super) fn submit_reprocessed(&self, reprocessed: Reprocessed) -> Result<(), StoreError> {
        let (answered, answer) = oneshot::channel();
        let waiting = QueuedReprocessed { reprocessed, answered };
        self.queue.sender.send(QueueItem::Reprocessed(waiting)).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

/// The permits for a submission; all there are, if it is larger than the queue.
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
