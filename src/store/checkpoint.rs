//! Checkpoints: the write-ahead log is brought into the file, on a thread and a connection of its own.
//!
//! Commits go on meanwhile, except to the table that is being written at that moment. So a checkpoint should not be so
//! seldom that it takes long, nor so frequent that the same row groups are written each time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use duckdb::Connection;
use tracing::warn;

use super::{DatabaseError, lock, pool::PooledConnection};

/// Bytes of log from which on a checkpoint is due. Until then the rows of the log are in memory as well, uncompressed.
const LOG: u64 = 64 * 1024 * 1024;

/// Decides when a checkpoint is due, and writes it.
pub struct Checkpointer {
    connection: Arc<PooledConnection>,
    state: Mutex<State>,
    /// Wakes the thread when `state` changes.
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The log is small.
    Idle,
    /// A checkpoint is due, or is being written.
    Due,
    /// The thread ends.
    Closed,
}

impl Checkpointer {
    /// Makes it; [`Checkpointer::run`] does the work, on a thread of its own.
    pub fn new(connection: Arc<PooledConnection>) -> Self {
        Self { connection, state: Mutex::new(State::Idle), changed: Condvar::new() }
    }

    /// Notes how large the log is; to be called after each commit.
    pub fn notice(&self, log_bytes: u64) {
        let mut state = lock(&self.state);
        if log_bytes > LOG && *state == State::Idle {
            *state = State::Due;
            self.changed.notify_all();
        }
    }

    /// Ends the thread, after the checkpoint that it is writing.
    pub fn close(&self) {
        *lock(&self.state) = State::Closed;
        self.changed.notify_all();
    }

    /// Writes each checkpoint that is due, until it is closed.
    pub fn run(&self) {
        loop {
            let state = self.changed.wait_while(lock(&self.state), |state| *state == State::Idle);
            let state = *state.unwrap_or_else(PoisonError::into_inner);
            if state == State::Closed {
                return;
            }
            self.checkpoint();
            let mut state = lock(&self.state);
            if *state == State::Due {
                *state = State::Idle;
            }
        }
    }

    /// Writes a checkpoint. A failure is logged: the log stays, and the next checkpoint brings it into the file.
    ///
    /// `force` makes it wait for the transaction that is open. Without it, a checkpoint fails while one is open, which a
    /// busy writer always has.
    pub fn checkpoint(&self) {
        let run = |connection: &Connection| -> Result<(), DatabaseError> {
            Ok(connection.execute_batch("force checkpoint store")?)
        };
        if let Err(error) = self.connection.with(run) {
            warn!(%error, "checkpoint failed");
        }
    }
}
