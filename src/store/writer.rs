//! The writer thread: takes what waits in the queue as one group, commits it, answers, and looks again.
//!
//! The duration of a commit is the batching window: whatever arrives meanwhile becomes the next group. So a quiet store
//! answers at once, and a busy one shares its syncs. There is no timer, except for large traces whose summary is due and
//! for what is to be removed, a step of it between two groups.

mod commit;
mod next_rescue;
mod recovery;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use tracing::{error, warn};

use super::{
    ChangeFeed, DatabaseError, StoreError, StoreHealth, Submission,
    adoption::EndedCalls,
    checkpoint::Checkpointer,
    lock, open, panic_text,
    pool::{Database, PooledConnection},
    queue::{QueueItem, Queued, WriteQueue},
    replace::Reprocessed,
    retention::Retention,
    start,
    stored_ids::StoredIds,
    summaries::{Job, Summaries},
};
use crate::{
    model::{Changes, Rescue, TraceId},
    pricing::Prices,
};
pub use commit::stale_summaries;
use next_rescue::NextRescue;

/// A group takes no more submissions once their exports have more bytes than this, because DuckDB holds a transaction
/// in memory until it is committed.
const GROUP: usize = 8 * 1024 * 1024;

/// How long a store that is closed may take for summaries that are out of date: after a migration all of them are. What is
/// left is made when it is opened again.
const CLOSES: Duration = Duration::from_secs(1);

/// The state of the writer thread.
#[expect(clippy::struct_excessive_bools, reason = "each is so or not, whatever the others are")]
pub struct StoreWriter {
    database: Arc<Database>,
    connection: Arc<PooledConnection>,
    items: Receiver<QueueItem>,
    /// `None` until loaded, and again after the file was reopened.
    stored_ids: Option<StoredIds>,
    /// The digests of recent traces, and which summaries are due.
    summaries: Summaries,
    /// Where each commit reports what it changed.
    changes: Arc<ChangeFeed>,
    /// Where a failing commit is reported to the screen.
    health: Arc<Mutex<StoreHealth>>,
    /// Prices calls whose records are placed anew.
    prices: Arc<Prices>,
    /// Calls that ended lately: of two traces the one may be a record of a call of the other.
    ended_calls: EndedCalls,
    /// The traces that a commit moves records between, until it is done.
    moving: Vec<TraceId>,
    /// Is given the size of the write-ahead log after each commit.
    checkpointer: Arc<Checkpointer>,
    /// What is to be removed.
    retention: Retention,
    /// Rows translated again that were taken out of the queue; they are stored after the group in hand.
    reprocessed: Option<Queued<Reprocessed>>,
    /// When the file is to be opened again, after that failed; `None` while it is open.
    reopens: Option<Instant>,
    /// Whether it is to be seen if the engine still works.
    is_doubtful: bool,
    /// Whether a part of the file could not be read, and it is to be seen if that can be put right.
    is_damaged: bool,
    /// When that is seen again, after something could not be put right; `None`: at once.
    next_rescue: Option<NextRescue>,
    /// Whether the disk failed, so that what was written last may be on it or not.
    is_unsure: bool,
    /// How often it has failed since something was stored.
    disk_errors: u32,
    /// `false` once the queue was closed: the thread ends after the group in hand.
    is_open: bool,
}

/// Why a group was not committed.
struct CommitError {
    /// The error in words.
    why: String,
    /// It was a panic: the same group would panic again.
    panicked: bool,
    /// The engine gave up and the file was closed; it was opened again, or could not be.
    fatal: bool,
    /// The disk does not take what is written.
    is_disk: bool,
}

impl From<CommitError> for StoreError {
    fn from(failed: CommitError) -> Self {
        match failed {
            CommitError { panicked: true, .. } => Self::Panicked,
            CommitError { is_disk: true, why, .. } => Self::Disk(why),
            CommitError { why, .. } => Self::Failing(why),
        }
    }
}

impl StoreWriter {
    /// Makes the writer of a queue; [`StoreWriter::run`] does the work.
    pub fn new(
        database: Arc<Database>,
        (queue, items): (Arc<WriteQueue>, Receiver<QueueItem>),
        changes: Arc<ChangeFeed>,
        health: Arc<Mutex<StoreHealth>>,
        checkpointer: Arc<Checkpointer>,
        prices: Arc<Prices>,
    ) -> Self {
        let (connection, stored_ids) = (database.pooled(), None);
        let has_failed = matches!(lock(&health).rescue, Some(Rescue::Failed(_)));
        let next_rescue = has_failed.then(|| NextRescue::after(None));
        let summaries = Summaries::new(prices.clone(), Some(summarizer(queue, prices.clone())));
        Self {
            database,
            connection,
            items,
            stored_ids,
            summaries,
            changes,
            health,
            prices,
            ended_calls: EndedCalls::default(),
            moving: Vec::new(),
            checkpointer,
            retention: Retention::default(),
            reprocessed: None,
            reopens: None,
            is_doubtful: false,
            is_damaged: false,
            next_rescue,
            is_unsure: false,
            disk_errors: 0,
            is_open: true,
        }
    }

    /// Stores what comes out of the queue until that is closed.
    pub fn run(mut self) {
        // Loads the stored ids before the first submission needs them. If this fails, that submission loads them, and
        // reports why.
        let failing = self.load().err().map(|error| error.to_string());
        self.is_damaged = failing.as_deref().is_some_and(open::is_corrupt);
        if !(self.is_damaged && self.recover()) {
            self.report(failing.map(open::with_advice));
        }
        self.checkpointer.notice(self.database.log_bytes());
        while self.is_open {
            let group = self.gather();
            self.rescue_again();
            let is_doubtful = std::mem::take(&mut self.is_doubtful) || self.is_damaged;
            if is_doubtful || self.reopens.is_some_and(|at| at <= Instant::now()) {
                self.recover();
            }
            let began = Instant::now();
            if group.is_empty() {
                let is_due = self.summaries.due().is_some_and(|due| due <= Instant::now());
                if is_due || self.summaries.made().next().is_some() {
                    drop(self.try_commit(&[]));
                }
            } else {
                self.store(group);
            }
            if let Some(waiting) = self.reprocessed.take() {
                let outcome = self.try_commit_reprocessed(&waiting.item).map_err(StoreError::from);
                waiting.answer(outcome);
            }
            self.adopt_candidates();
            self.remove_for(began.elapsed() / 2);
            self.checkpointer.notice(self.database.log_bytes());
        }
        self.summarize_the_rest();
    }

    /// Makes the summaries that wait, so that whoever reads the closed file finds no row that is not of what is stored.
    fn summarize_the_rest(&mut self) {
        let began = Instant::now();
        self.summaries.hurry();
        while self.summaries.due().is_some() && began.elapsed() < CLOSES {
            if self.try_commit(&[]).is_err() {
                return;
            }
        }
    }

    /// Puts the traces that only record a call of another one into that one.
    fn adopt_candidates(&mut self) {
        while self.reopens.is_none() && self.ended_calls.has_candidates() {
            // Why it failed is reported. They stay traces of their own until the store is opened again.
            if self.with_recovery(std::iter::empty(), Self::adopt).is_err() {
                break;
            }
        }
    }

    /// Does a step of what is to be removed, if one is due, and more of them for so long: the longer groups take, the more
    /// is stored between two steps, and what goes has to keep up with that.
    fn remove_for(&mut self, time: Duration) {
        let began = Instant::now();
        while self.is_open && self.reopens.is_none() && self.retention.is_due(&self.checkpointer, Instant::now()) {
            // Why it failed is reported, and answered to who asked.
            let failed = self.with_recovery(std::iter::empty(), Self::remove).is_err();
            if failed || began.elapsed() >= time {
                break;
            }
        }
    }

    /// Waits for an item or a due summary, then takes what else is in the queue, until there are more than [`GROUP`]
    /// bytes. Returns the submissions: none if a summary is due, or if only reprocessed rows or the end of the queue
    /// came.
    fn gather(&mut self) -> Vec<Queued<Submission>> {
        let next = self.reopens.or_else(|| {
            let due = self.summaries.due().into_iter().chain(self.retention.next(Instant::now()));
            due.chain(self.rescues_again()).min()
        });
        let first = match next {
            None => self.items.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => self.items.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let (mut group, mut bytes) = (Vec::new(), 0_usize);
        let mut next = match first {
            Ok(item) => Some(item),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(QueueItem::Close),
        };
        while let Some(item) = next {
            match item {
                QueueItem::Close => self.is_open = false,
                QueueItem::Probe => self.is_doubtful = true,
                QueueItem::Damaged => self.is_damaged = true,
                QueueItem::Wake => {}
                QueueItem::Keep(limits) => {
                    self.checkpointer.keep(limits.size);
                    self.retention.keep(limits);
                }
                QueueItem::Remove(asked) => self.retention.ask(asked),
                QueueItem::Summarized(trace, row) => self.summaries.take_made(trace, row.map(|row| *row)),
                QueueItem::Submission(waiting) => {
                    bytes = bytes.saturating_add(waiting.item.bytes);
                    group.push(waiting);
                }
                QueueItem::Reprocessed(waiting) => self.reprocessed = Some(waiting),
            }
            if !self.is_open || self.is_doubtful || self.is_damaged || self.reprocessed.is_some() || bytes > GROUP {
                break;
            }
            next = self.items.try_recv().ok();
        }
        group
    }

    /// Commits a group and answers its submissions. If that fails they are committed one by one, so that one that the
    /// engine rejects fails alone.
    fn store(&mut self, group: Vec<Queued<Submission>>) {
        let submissions: Vec<_> = group.iter().map(|waiting| &waiting.item).collect();
        let Err(failed) = self.try_commit(&submissions) else {
            // Before that is answered: whoever looks then finds no trace that is only a record of another one's call.
            self.adopt_candidates();
            for waiting in group {
                waiting.answer(Ok(()));
            }
            return;
        };
        if group.len() == 1 && !failed.fatal {
            let error = StoreError::from(failed);
            for waiting in group {
                waiting.answer(Err(error.clone()));
            }
            return;
        }
        // A full disk stays full: after a fatal failure of one submission the rest is not tried.
        let mut given_up: Option<StoreError> = None;
        for waiting in group {
            let outcome = match &given_up {
                Some(error) => Err(error.clone()),
                None => self.try_commit(&[&waiting.item]).map_err(|failed| {
                    let is_fatal = failed.fatal;
                    let error = StoreError::from(failed);
                    if is_fatal {
                        given_up = Some(error.clone());
                    }
                    error
                }),
            };
            waiting.answer(outcome);
        }
    }

    /// Commits some submissions in one transaction; without any, only the summaries that are due.
    fn try_commit(&mut self, submissions: &[&Submission]) -> Result<(), CommitError> {
        let touched = || {
            submissions.iter().flat_map(|submission| {
                let spans = submission.spans.iter().map(|span| span.row.trace);
                spans.chain(submission.logs.iter().filter_map(|log| log.row.trace))
            })
        };
        let bytes = submissions.iter().fold(0_usize, |bytes, submission| bytes.saturating_add(submission.bytes));
        let wide = (bytes > 2 * GROUP).then(|| self.database.wide());
        match self.with_recovery(touched(), |writer| writer.commit(submissions)) {
            Err(failed) if wide.is_none() && open::is_out_of_memory(&failed.why) => {
                let _wide = self.database.wide();
                self.with_recovery(touched(), |writer| writer.commit(submissions))
            }
            done => done,
        }
    }

    /// Replaces rows that were translated again, in one transaction.
    fn try_commit_reprocessed(&mut self, reprocessed: &Reprocessed) -> Result<(), CommitError> {
        let _wide = self.database.wide();
        self.with_recovery(reprocessed.traces().into_iter(), |writer| writer.commit_reprocessed(reprocessed))
    }

    /// Runs a commit and reports the outcome to `changes` and `health`. After a failure it drops the cached digests of
    /// the `touched` traces, puts off the summaries that are due, and makes sure that the thread can go on.
    fn with_recovery(
        &mut self,
        touched: impl Iterator<Item = TraceId>,
        commit: impl FnOnce(&mut Self) -> Result<Changes, DatabaseError>,
    ) -> Result<(), CommitError> {
        if let Some(why) = self.away() {
            return Err(CommitError { why, panicked: false, fatal: true, is_disk: self.is_disk_broken() });
        }
        // A panic, say in `assemble` on unexpected telemetry, is one more way to fail and does not end the thread.
        let caught = catch_unwind(AssertUnwindSafe(|| self.load().and_then(|()| commit(self))));
        let panicked = caught.is_err();
        let trouble = match caught {
            Ok(Ok(changes)) => {
                self.report(None);
                self.disk_errors = 0;
                self.changes.add(changes);
                return Ok(());
            }
            Ok(Err(trouble)) => open::with_advice(trouble.to_string()),
            Err(panic) => {
                self.connection.close();
                // They may have what was not committed.
                self.stored_ids = None;
                panic_text(&*panic)
            }
        };
        warn!(error = trouble, "commit failed");
        self.is_damaged |= open::is_corrupt(&trouble);
        if open::is_disk_error(&trouble) {
            self.is_unsure = true;
            self.disk_errors = self.disk_errors.saturating_add(1);
        }
        self.report(Some(trouble.clone()));
        self.summaries.forget(touched.chain(std::mem::take(&mut self.moving)));
        self.summaries.postpone();
        let fatal = self.recover();
        let is_disk = self.is_disk_broken();
        if is_disk {
            // That the file could be opened again does not mean that something can be stored.
            self.report(Some(trouble.clone()));
        }
        Err(CommitError { why: trouble, panicked, fatal, is_disk })
    }

    /// Reports whether commits fail, and how many summaries are out of date.
    fn report(&self, failing: Option<String>) {
        let due = self.stored_ids.as_ref().map(|_| self.summaries.out_of_date());
        let mut health = lock(&self.health);
        (health.failing, health.summaries_due) = (failing, due);
    }
}

/// Starts the thread that summarizes huge traces, and hands each summary to the queue. It ends when its jobs do.
fn summarizer(queue: Arc<WriteQueue>, prices: Arc<Prices>) -> Sender<Job> {
    let (jobs, taken) = mpsc::channel::<Job>();
    start("store-summaries", move || {
        for job in taken {
            let row = catch_unwind(AssertUnwindSafe(|| job.row(&prices)));
            if let Err(panic) = &row {
                error!(error = panic_text(&**panic), "a trace could not be summarized");
            }
            queue.summarized(job.trace(), row.ok());
        }
    });
    jobs
}

#[cfg(test)]
pub mod tests;
