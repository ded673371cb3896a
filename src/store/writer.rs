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
    ChangeFeed, StoreError, StoreHealth, Submission, Trouble,
    again::{Again, write_again},
    checkpoint::Checkpointer,
    connections::{Database, Lent},
    door::{Arrival, Waiting, WaitingAgain},
    group::Plan,
    hold,
    known::Known,
    rows,
    settle::Settling,
};
use crate::{
    model::{Changes, TraceId},
    pricing::Prices,
};

/// A group is closed at this many bytes sent: a transaction is held in memory until it is committed.
const GROUP: usize = 8 * 1024 * 1024;

pub struct StoreWriter {
    database: Arc<Database>,
    lent: Arc<Lent>,
    arrivals: Receiver<Arrival>,
    /// `None` until it is loaded, and again when the file was opened anew.
    known: Option<Known>,
    settling: Settling,
    changes: Arc<ChangeFeed>,
    health: Arc<Mutex<StoreHealth>>,
    checkpointer: Arc<Checkpointer>,
    /// Waits until the group in hand is stored.
    again: Option<WaitingAgain>,
    is_open: bool,
}

/// Why a group was not committed.
struct Failed {
    why: String,
    /// The engine had to be given up; the file was opened again, or could not be.
    fatal: bool,
}

impl StoreWriter {
    pub fn new(
        database: Arc<Database>,
        arrivals: Receiver<Arrival>,
        changes: Arc<ChangeFeed>,
        health: Arc<Mutex<StoreHealth>>,
        checkpointer: Arc<Checkpointer>,
        prices: Arc<Prices>,
    ) -> Self {
        let (lent, known, settling) = (database.lend(), None, Settling::new(prices));
        Self { database, lent, arrivals, known, settling, changes, health, checkpointer, again: None, is_open: true }
    }

    pub fn run(mut self) {
        // Known before the first submission asks for it. If this fails, that submission says why.
        drop(self.load());
        while self.is_open {
            let group = self.gather();
            if group.is_empty() {
                if self.settling.due().is_some_and(|due| due <= Instant::now()) {
                    drop(self.attempt(&[]));
                }
            } else {
                self.store(group);
            }
            if let Some(waiting) = self.again.take() {
                let outcome = self.attempt_again(&waiting.again).map_err(|failed| StoreError::Failing(failed.why));
                waiting.answer(outcome);
            }
            self.checkpointer.notice(self.database.log_bytes());
        }
    }

    /// Waits for a submission, then takes what else is there.
    fn gather(&mut self) -> Vec<Waiting> {
        let first = match self.settling.due() {
            None => self.arrivals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => self.arrivals.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let (mut group, mut bytes) = (Vec::new(), 0_usize);
        let mut next = match first {
            Ok(arrival) => Some(arrival),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Arrival::Close),
        };
        while let Some(arrival) = next {
            match arrival {
                Arrival::Close => self.is_open = false,
                Arrival::Submission(waiting) => {
                    bytes = bytes.saturating_add(waiting.submission.bytes);
                    group.push(waiting);
                }
                Arrival::Again(waiting) => self.again = Some(waiting),
            }
            if !self.is_open || self.again.is_some() || bytes > GROUP {
                break;
            }
            next = self.arrivals.try_recv().ok();
        }
        group
    }

    /// Commits a group and answers it. If it fails, its submissions are tried one by one, so that a poisoned one
    /// fails alone.
    fn store(&mut self, group: Vec<Waiting>) {
        let submissions: Vec<_> = group.iter().map(|waiting| &waiting.submission).collect();
        let Err(failed) = self.attempt(&submissions) else {
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
                None => self.attempt(&[&waiting.submission]).map_err(|failed| {
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
    fn attempt(&mut self, submissions: &[&Submission]) -> Result<(), Failed> {
        let touched = submissions.iter().flat_map(|submission| {
            let spans = submission.spans.iter().map(|span| span.row.trace);
            spans.chain(submission.logs.iter().filter_map(|log| log.row.trace))
        });
        self.carefully(touched, |writer| writer.commit(submissions))
    }

    /// Commits what was understood again, or nothing of it.
    fn attempt_again(&mut self, again: &Again) -> Result<(), Failed> {
        self.carefully(again.traces().into_iter(), |writer| writer.commit_again(again))
    }

    /// Does what may fail, and sees that the thread can go on.
    fn carefully(
        &mut self,
        touched: impl Iterator<Item = TraceId>,
        commit: impl FnOnce(&mut Self) -> Result<Changes, Trouble>,
    ) -> Result<(), Failed> {
        // A panic (in `assemble`, on telemetry it did not expect) is one more way to fail, not the end of the thread.
        let caught = catch_unwind(AssertUnwindSafe(|| self.load().and_then(|()| commit(self))));
        let trouble = match caught {
            Ok(Ok(changes)) => {
                hold(&self.health).failing = None;
                self.changes.add(changes);
                return Ok(());
            }
            Ok(Err(trouble)) => trouble.to_string(),
            Err(panic) => {
                self.lent.give_back();
                format!("a panic: {}", message(&*panic))
            }
        };
        warn!(error = trouble, "commit failed");
        hold(&self.health).failing = Some(trouble.clone());
        self.settling.forget(touched);
        self.settling.put_off();
        Err(Failed { why: trouble, fatal: self.recover() })
    }

    fn load(&mut self) -> Result<(), Trouble> {
        if self.known.is_none() {
            let (known, unsettled) =
                self.lent.with(|connection| Ok((Known::load(connection)?, unsettled(connection)?)))?;
            self.settling.expect(unsettled);
            self.known = Some(known);
        }
        Ok(())
    }

    fn commit(&mut self, submissions: &[&Submission]) -> Result<Changes, Trouble> {
        let Self { lent, known: Some(known), settling, .. } = self else { return Ok(Changes::default()) };
        let now = Instant::now();
        let written = lent.with(|connection| {
            transaction(connection, || {
                let plan = Plan::new(connection, known, settling, submissions, now)?;
                plan.write(connection)?;
                Ok(plan)
            })
        })?;
        Ok(written.committed(known, settling, now))
    }

    fn commit_again(&mut self, again: &Again) -> Result<Changes, Trouble> {
        let Self { lent, known: Some(known), settling, .. } = self else { return Ok(Changes::default()) };
        let written = lent.with(|connection| transaction(connection, || write_again(connection, known, again)))?;
        let changes = written.committed(known, settling, Instant::now());
        // Nothing arrived; its traces are to be added up again from what is stored now.
        settling.forget(again.traces());
        settling.expect(again.traces());
        Ok(Changes { spans: 0, logs: 0, ..changes })
    }

    /// Sees whether the engine goes on after a failure. After a failed sync it never does: then the file is closed,
    /// by everyone, and opened again.
    fn recover(&mut self) -> bool {
        let probe = |connection: &Connection| Ok(connection.execute_batch("select value from meta")?);
        if self.lent.with(probe).is_ok() {
            return false;
        }
        error!("the store's engine gave up; opening the file again");
        self.known = None;
        self.settling.start_anew();
        drop(self.database.reopen());
        true
    }
}

/// Does all of some work, or nothing of it.
fn transaction<T>(connection: &Connection, work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
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

fn unsettled(connection: &Connection) -> Result<Vec<TraceId>, Trouble> {
    let mut statement = connection.prepare(include_str!("queries/unsettled.sql"))?;
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
        door::Door,
        tests::{span, submission},
    };

    #[test]
    fn a_poisoned_submission_fails_alone() {
        let database = Database::open(&Place::Memory).unwrap();
        let (door, arrivals) = Door::new();
        let health = Arc::new(Mutex::new(StoreHealth::default()));
        let checkpointer = Arc::new(Checkpointer::new(database.lend()));
        let changes = Arc::new(ChangeFeed::default());
        let (changes_of, health_of) = (changes.clone(), health.clone());
        let writer = StoreWriter::new(database.clone(), arrivals, changes_of, health_of, checkpointer, Arc::default());
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
        assert_eq!(hold(&health).failing, None);
        assert_eq!(changes.take().spans, 3);
        let sql = "select sum(spans)::ubigint from traces";
        let count = |connection: &Connection| Ok(connection.query_row(sql, [], |row| row.get::<_, u64>(0))?);
        assert_eq!(database.lend().with(count).unwrap(), 3);
    }
}
