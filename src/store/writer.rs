//! The writing thread: takes what is waiting, commits it, answers, looks again.
//!
//! The commit is the batching window: whatever arrives during one becomes the next group, so a quiet store answers
//! at once and a busy one shares its syncs. No timer runs, but for large traces that wait to be settled.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Instant,
};

use duckdb::Connection;
use tracing::{error, warn};

use super::{
    ChangeFeed, DatabaseError, StoreError, StoreHealth, Submission,
    checkpoint::Checkpointer,
    group::GroupPlan,
    lock,
    pool::{Database, PooledConnection},
    queue::{QueueItem, QueuedReprocessed, QueuedSubmission},
    reprocess::{Reprocessed, write_reprocessed},
    rows,
    stored_ids::StoredIds,
    summaries::Summaries,
};
use crate::{
    model::{Changes, TraceId},
    pricing::Prices,
};

/// A group is closed at this many bytes sent: a transaction is held in memory until it is committed.
const GROUP: usize = 8 * 1024 * 1024;

pub struct StoreWriter {
    database: Arc<Database>,
    connection: Arc<PooledConnection>,
    items: Receiver<QueueItem>,
    /// `None` until it is loaded, and again when the file was opened anew.
    stored_ids: Option<StoredIds>,
    summaries: Summaries,
    changes: Arc<ChangeFeed>,
    health: Arc<Mutex<StoreHealth>>,
    checkpointer: Arc<Checkpointer>,
    /// Waits until the group in hand is stored.
    reprocessed: Option<QueuedReprocessed>,
    is_open: bool,
}

/// Why a group was not committed.
struct CommitError {
    why: String,
    /// The engine had to be given up; the file was opened again, or could not be.
    fatal: bool,
}

impl StoreWriter {
    pub fn new(
        database: Arc<Database>,
        items: Receiver<QueueItem>,
        changes: Arc<ChangeFeed>,
        health: Arc<Mutex<StoreHealth>>,
        checkpointer: Arc<Checkpointer>,
        prices: Arc<Prices>,
    ) -> Self {
        let (connection, stored_ids, summaries) = (database.pooled(), None, Summaries::new(prices));
        Self {
            database,
            connection,
            items,
            stored_ids,
            summaries,
            changes,
            health,
            checkpointer,
            reprocessed: None,
            is_open: true,
        }
    }

    pub fn run(mut self) {
        // StoredIds before the first submission asks for it. If this fails, that submission says why.
        drop(self.load());
        while self.is_open {
            let group = self.gather();
            if group.is_empty() {
                if self.summaries.due().is_some_and(|due| due <= Instant::now()) {
                    drop(self.try_commit(&[]));
                }
            } else {
                self.store(group);
            }
            if let Some(waiting) = self.reprocessed.take() {
                let outcome =
                    self.try_commit_reprocessed(&waiting.reprocessed).map_err(|failed| StoreError::Failing(failed.why));
                waiting.answer(outcome);
            }
            self.checkpointer.notice(self.database.log_bytes());
        }
    }

    /// Waits for a submission, then takes what else is there.
    fn gather(&mut self) -> Vec<QueuedSubmission> {
        let first = match self.summaries.due() {
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
                QueueItem::Submission(waiting) => {
                    bytes = bytes.saturating_add(waiting.submission.bytes);
                    group.push(waiting);
                }
                QueueItem::Reprocessed(waiting) => self.reprocessed = Some(waiting),
            }
            if !self.is_open || self.reprocessed.is_some() || bytes > GROUP {
                break;
            }
            next = self.items.try_recv().ok();
        }
        group
    }

    /// Commits a group and answers it. If it fails, its submissions are tried one by one, so that a poisoned one
    /// fails alone.
    fn store(&mut self, group: Vec<QueuedSubmission>) {
        let submissions: Vec<_> = group.iter().map(|waiting| &waiting.submission).collect();
        let Err(failed) = self.try_commit(&submissions) else {
            for waiting in group {
                waiting.answer(Ok(()));
            }
            return;
        };
        if group.len() == 1 && !failed.fatal {
            for waiting in group {
                waiting.answer(Err(StoreError::Failing(failed.why.clone())));
            }
            return;
        }
        // A disk that is full stays full for all of them: after a second fatal failure nobody else is tried.
        let mut given_up = None;
        for waiting in group {
            let outcome = match &given_up {
                Some(why) => Err(StoreError::Failing(String::clone(why))),
                None => self.try_commit(&[&waiting.submission]).map_err(|failed| {
                    if failed.fatal {
                        given_up = Some(failed.why.clone());
                    }
                    StoreError::Failing(failed.why)
                }),
            };
            waiting.answer(outcome);
        }
    }

    /// Commits some submissions, or nothing of them.
    fn try_commit(&mut self, submissions: &[&Submission]) -> Result<(), CommitError> {
        let touched = submissions.iter().flat_map(|submission| {
            let spans = submission.spans.iter().map(|span| span.row.trace);
            spans.chain(submission.logs.iter().filter_map(|log| log.row.trace))
        });
        self.with_recovery(touched, |writer| writer.commit(submissions))
    }

    /// Commits what was understood again, or nothing of it.
    fn try_commit_reprocessed(&mut self, reprocessed: &Reprocessed) -> Result<(), CommitError> {
        self.with_recovery(reprocessed.traces().into_iter(), |writer| writer.commit_reprocessed(reprocessed))
    }

    /// Does what may fail, and sees that the thread can go on.
    fn with_recovery(
        &mut self,
        touched: impl Iterator<Item = TraceId>,
        commit: impl FnOnce(&mut Self) -> Result<Changes, DatabaseError>,
    ) -> Result<(), CommitError> {
        // A panic (in `assemble`, on telemetry it did not expect) is one more way to fail, not the end of the thread.
        let caught = catch_unwind(AssertUnwindSafe(|| self.load().and_then(|()| commit(self))));
        let trouble = match caught {
            Ok(Ok(changes)) => {
                lock(&self.health).failing = None;
                self.changes.add(changes);
                return Ok(());
            }
            Ok(Err(trouble)) => trouble.to_string(),
            Err(panic) => {
                self.connection.close();
                format!("a panic: {}", message(&*panic))
            }
        };
        warn!(error = trouble, "commit failed");
        lock(&self.health).failing = Some(trouble.clone());
        self.summaries.forget(touched);
        self.summaries.postpone();
        Err(CommitError { why: trouble, fatal: self.recover() })
    }

    fn load(&mut self) -> Result<(), DatabaseError> {
        if self.stored_ids.is_none() {
            let (stored_ids, stale_summaries) =
                self.connection.with(|connection| Ok((StoredIds::load(connection)?, stale_summaries(connection)?)))?;
            self.summaries.expect(stale_summaries);
            self.stored_ids = Some(stored_ids);
        }
        Ok(())
    }

    fn commit(&mut self, submissions: &[&Submission]) -> Result<Changes, DatabaseError> {
        let Self { connection, stored_ids: Some(stored_ids), summaries, .. } = self else {
            return Ok(Changes::default());
        };
        let now = Instant::now();
        let written = connection.with(|connection| {
            transaction(connection, || {
                let plan = GroupPlan::new(connection, stored_ids, summaries, submissions, now)?;
                plan.write(connection)?;
                Ok(plan)
            })
        })?;
        Ok(written.committed(stored_ids, summaries, now))
    }

    fn commit_reprocessed(&mut self, reprocessed: &Reprocessed) -> Result<Changes, DatabaseError> {
        let Self { connection, stored_ids: Some(stored_ids), summaries, .. } = self else {
            return Ok(Changes::default());
        };
        let written = connection
            .with(|connection| transaction(connection, || write_reprocessed(connection, stored_ids, reprocessed)))?;
        let changes = written.committed(stored_ids, summaries, Instant::now());
        // Nothing arrived; its traces are to be added up again from what is stored now.
        summaries.forget(reprocessed.traces());
        summaries.expect(reprocessed.traces());
        Ok(Changes { spans: 0, logs: 0, ..changes })
    }

    /// Sees whether the engine goes on after a failure. After a failed sync it never does: then the file is closed,
    /// by everyone, and opened again.
    fn recover(&mut self) -> bool {
        let probe = |connection: &Connection| Ok(connection.execute_batch("select value from meta")?);
        if self.connection.with(probe).is_ok() {
            return false;
        }
        error!("the store's engine gave up; opening the file again");
        self.stored_ids = None;
        self.summaries.clear();
        drop(self.database.reopen());
        true
    }
}

/// Does all of some work, or nothing of it.
fn transaction<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    connection.execute_batch("begin transaction")?;
    let done = work().and_then(|done| {
        connection.execute_batch("commit")?;
        Ok(done)
    });
    if done.is_err() {
        // A commit that failed has rolled back already; then this is refused, which does not matter.
        drop(connection.execute_batch("rollback"));
    }
    done
}

fn stale_summaries(connection: &Connection) -> Result<Vec<TraceId>, DatabaseError> {
    let mut statement = connection.prepare(include_str!("queries/stale_summaries.sql"))?;
    let mut found = statement.query([])?;
    let mut traces = Vec::new();
    while let Some(row) = found.next()? {
        traces.extend(rows::trace_id(row.get(0)?));
    }
    Ok(traces)
}

/// What a panic said.
pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of no known kind")
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;
    use crate::store::{
        Place, Writer,
        queue::WriteQueue,
        tests::{span, submission},
    };

    #[test]
    fn a_poisoned_submission_fails_alone() {
        let database = Database::open(&Place::Memory).unwrap();
        let (door, items) = WriteQueue::new();
        let health = Arc::new(Mutex::new(StoreHealth::default()));
        let checkpointer = Arc::new(Checkpointer::new(database.pooled()));
        let changes = Arc::new(ChangeFeed::default());
        let (changes_of, health_of) = (changes.clone(), health.clone());
        let writer = StoreWriter::new(database.clone(), items, changes_of, health_of, checkpointer, Arc::default());
        let mut poisoned = submission([span("a", 1)]);
        poisoned.spans[0].stored.raw.clear();
        // All are there before the writer looks, so they are one group.
        let sent = [submission([span("b", 1), span("a", 2)]), poisoned, submission([span("a", 3)])].map(|submission| {
            let writer = Writer::new(door.clone());
            let sent = thread::spawn(move || writer.submit_blocking(submission));
            thread::sleep(Duration::from_millis(50));
            sent
        });
        door.close();
        writer.run();
        let [first, poisoned, last] = sent.map(|sent| sent.join().unwrap());
        assert_eq!((first, last), (Ok(()), Ok(())));
        let refused = poisoned.unwrap_err().to_string();
        assert!(refused.contains("octet_length"), "{refused}");
        assert_eq!(lock(&health).failing, None);
        assert_eq!(changes.take().spans, 3);
        let sql = "select sum(spans)::ubigint from traces";
        let count = |connection: &Connection| Ok(connection.query_row(sql, [], |row| row.get::<_, u64>(0))?);
        assert_eq!(database.pooled().with(count).unwrap(), 3);
    }
}
