//! Brings the write-ahead log into the file, on a thread and a connection of its own.
//!
//! Commits go on meanwhile, except to the table that is being written at that moment; so it should neither be seldom
//! and long nor so often that the same row groups are written again and again.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use duckdb::Connection;
use tracing::warn;

use super::{DatabaseError, lock, pool::PooledConnection};

/// How large the log may become. Until then its rows are in memory too, uncompressed.
const LOG: u64 = 64 * 1024 * 1024;

pub struct Checkpointer {
    connection: Arc<PooledConnection>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Wanted,
    Closed,
}

impl Checkpointer {
    pub fn new(connection: Arc<PooledConnection>) -> Self {
        Self { connection, state: Mutex::new(State::Idle), changed: Condvar::new() }
    }

    /// Hears how large the log is.
    pub fn notice(&self, log_bytes: u64) {
        let mut state = lock(&self.state);
        if log_bytes > LOG && *state == State::Idle {
            *state = State::Wanted;
            self.changed.notify_all();
        }
    }

    pub fn close(&self) {
        *lock(&self.state) = State::Closed;
        self.changed.notify_all();
    }

    pub fn run(&self) {
        loop {
            let state = self.changed.wait_while(lock(&self.state), |state| *state == State::Idle);
            let state = *state.unwrap_or_else(PoisonError::into_inner);
            if state == State::Closed {
                return;
            }
            self.checkpoint();
            let mut state = lock(&self.state);
            if *state == State::Wanted {
                *state = State::Idle;
            }
        }
    }

    /// `force` waits for the transaction that is open; without it a busy writer might never leave a gap.
    pub fn checkpoint(&self) {
        let run = |connection: &Connection| -> Result<(), DatabaseError> {
            Ok(connection.execute_batch("force checkpoint store")?)
        };
        if let Err(error) = self.connection.with(run) {
            warn!(%error, "checkpoint failed");
        }
    }
}
