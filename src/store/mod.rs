//! The only room that says DuckDB: keeps what arrived, and answers questions about it.
//!
//! ```text
//!   Submission ─▶ queue ─▶ writer ─▶ group ─▶ one commit ─▶ changes ─▶ whoever listens
//!    prepared    permits  a thread  stored_ids,   │
//!                                   summaries     └──▶ checkpoint, a thread
//!   Query ─▶ reader ─▶ queries ─▶ rows ─▶ assemble ─▶ Answer
//!            two threads
//!   walk: the same rows for programs, a session or a trace at a time
//!   reprocess ─▶ writer: rows that an older version translated, a few at a time, a thread
//! ```
//!
//! A submission is answered once its commit is synced. Readers never block the writer. Every thread takes its
//! connection from `pool`, which can close them all when the engine refuses to go on after a failed sync.
//!
//! `schema` makes and migrates the tables; `stored_translation` is the form in which translations are stored, their
//! messages once each in `contents`; `summaries` keeps the rows of `traces`, which lists and sums read.

mod blobs;
mod changes;
mod checkpoint;
mod group;
mod open;
mod pack;
mod pool;
mod prepared;
mod queries;
mod queue;
mod reader;
mod reprocess;
mod rows;
mod schema;
mod stored_ids;
mod stored_translation;
mod summaries;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

pub use changes::ChangeFeed;
pub use open::OpenError;
pub use prepared::{PreparedLog, PreparedSpan, Submission};
pub use queue::Writer;
pub use reader::{Answered, Readers};
pub use reprocess::Progress;
pub use walk::{LogId, Pick};

use crate::{
    model::{Answer, Query},
    pricing::Prices,
};
use checkpoint::Checkpointer;
use pool::{Database, PooledConnection};
use queue::WriteQueue;
use reader::QueryPool;

/// Where the store keeps what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// Gone when it is closed.
    Memory,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("the store is behind; try again in {} s", .retry_after.as_secs())]
    Busy { retry_after: Duration },
    #[error("the store cannot write: {0}")]
    Failing(String),
    #[error("the store is closed")]
    Closed,
    #[error("the store cannot answer: {0}")]
    Query(String),
}

/// Why something inside the store went wrong.
#[derive(Debug, thiserror::Error)]
enum DatabaseError {
    #[error("{0}")]
    Engine(#[from] duckdb::Error),
    #[error("a stored {what} cannot be read: {why}")]
    Unreadable { what: &'static str, why: String },
    #[error("the store could not be opened again: {0}")]
    Away(String),
}

impl From<DatabaseError> for StoreError {
    fn from(trouble: DatabaseError) -> Self {
        Self::Query(trouble.to_string())
    }
}

/// How the store is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreHealth {
    /// What the last commit died of; `None` once one succeeds.
    pub failing: Option<String>,
    /// While stored spans are understood again, because the dialects or the prices have changed.
    pub reprocessing: Option<Progress>,
}

/// The open store.
pub struct Store {
    database: Arc<Database>,
    /// For questions on the caller's own thread.
    connection: Arc<PooledConnection>,
    queue: Arc<WriteQueue>,
    changes: Arc<ChangeFeed>,
    health: Arc<Mutex<StoreHealth>>,
    prices: Arc<Prices>,
    checkpointer: Arc<Checkpointer>,
    writing: Option<JoinHandle<()>>,
    reprocessing: Mutex<Option<JoinHandle<()>>>,
    ends: Arc<AtomicBool>,
    checkpointing: Option<JoinHandle<()>>,
    reading: Mutex<Vec<Weak<QueryPool>>>,
}

impl Store {
    /// Opens the store, making or migrating its file, and starts its threads.
    pub fn open(place: &Place, prices: Arc<Prices>) -> Result<Self, OpenError> {
        let database = Database::open(place)?;
        let changes = Arc::new(ChangeFeed::default());
        let health = Arc::new(Mutex::new(StoreHealth::default()));
        let checkpointer = Arc::new(Checkpointer::new(database.pooled()));
        let (queue, items) = WriteQueue::new();
        let writer = writer::StoreWriter::new(
            database.clone(),
            items,
            changes.clone(),
            health.clone(),
            checkpointer.clone(),
            prices.clone(),
        );
        let writing = start("store-writer", move || writer.run());
        let ends = Arc::new(AtomicBool::new(false));
        let reprocessing = reprocess::Reprocessor {
            connection: database.pooled(),
            writer: Writer::new(queue.clone()),
            prices: prices.clone(),
            health: health.clone(),
            ends: ends.clone(),
        };
        let reprocessing = start("store-reprocess", move || reprocessing.run());
        let checkpoints = checkpointer.clone();
        let checkpointing = start("store-checkpoint", move || checkpoints.run());
        Ok(Self {
            connection: database.pooled(),
            database,
            queue,
            changes,
            health,
            prices,
            checkpointer,
            writing: Some(writing),
            reprocessing: Mutex::new(Some(reprocessing)),
            ends,
            checkpointing: Some(checkpointing),
            reading: Mutex::default(),
        })
    }

    /// What it prices calls by.
    pub fn prices(&self) -> &Prices {
        &self.prices
    }

    /// A hand to submit with; clones share one queue.
    pub fn writer(&self) -> Writer {
        Writer::new(self.queue.clone())
    }

    /// Starts two threads that answer queries; each answer is handed to `answered` on one of them.
    pub fn readers(&self, answered: Box<dyn Fn(Answered) + Send + Sync>) -> Readers {
        let readers = Readers::start(&self.database, &self.prices, answered);
        lock(&self.reading).push(readers.pool());
        readers
    }

    /// Answers a query on the caller's thread.
    pub fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        let answer = |connection: &_| queries::answer(connection, &self.database, &self.prices, query);
        Ok(self.connection.with(answer)?)
    }

    /// What commits touch.
    pub fn changes(&self) -> Arc<ChangeFeed> {
        self.changes.clone()
    }

    pub fn health(&self) -> StoreHealth {
        lock(&self.health).clone()
    }

    /// Waits until all that is stored is understood as this version understands it. At once, mostly.
    pub fn wait_until_reprocessed(&self) {
        if let Some(reprocessing) = lock(&self.reprocessing).take() {
            drop(reprocessing.join());
        }
    }

    /// Commits what waits, stops the readers, brings everything into the one file and closes it.
    pub fn close(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.queue.close();
        self.wait_until_reprocessed();
        if let Some(writing) = self.writing.take() {
            drop(writing.join());
        }
        for pool in lock(&self.reading).drain(..).filter_map(|pool| pool.upgrade()) {
            pool.close();
        }
        self.checkpointer.close();
        if let Some(checkpointing) = self.checkpointing.take() {
            drop(checkpointing.join());
            self.checkpointer.checkpoint();
        }
        self.database.close();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).expect("the system lets a process start a thread")
}

/// Takes a lock. What a panic may have left beneath ours is still whole: each change under them is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
