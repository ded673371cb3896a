//! The only room that knows `DuckDB`: keeps spans and log records, and answers queries about them.
//!
//! ```text
//!   Submission ─▶ queue ─▶ writer ─▶ group ─▶ append ─▶ one commit ─▶ changes ─▶ a listener
//!    prepared             a thread  stored_ids,            │
//!                                   summaries              └──▶ checkpoint, a thread
//!   Query ─▶ reader ─▶ queries ─▶ rows ─▶ assemble ─▶ Answer
//!            two threads
//!   walk: the same rows for commands, a session or a trace at a time; received: spans and log records as they came
//!   read_only: the store as commands open it that only read; salvage: what can be read of a damaged one
//!   removal, a step at a time on the writer's thread: retention ─▶ doomed (which), removal (how), compaction
//!   source: what a screen shows, a store or that of another instance
//!   reprocess, a thread: raw_records of another version ─▶ understand ─▶ queue ─▶ writer ─▶ replace ─▶ group
//!              reprice: where only prices have changed, stored translations instead of raw records
//! ```
//!
//! A submission is answered once its commit is synced. Readers never block the writer. Every thread takes its
//! connection from `pool`, which can close them all when the engine refuses to go on after a failed sync.
//!
//! A trace that records one call of another is put into that one (`adoption`), and a response that names no span to that of
//! its request (`exchange_halves`): what is stored elsewhere than it says are `placements`.
//!
//! A submission may also say which traces a program left unfinished that has ended (`program_ends`).
//!
//! `schema` makes and migrates the tables; `stored_translation` is the form in which translations are stored, their
//! messages once each in `contents`; `summaries` keeps the rows of `traces`, which lists and sums read. What is stored
//! once is known by the `hash_ids`, and `pack` compresses it; so are the `pieces` that raw forms repeat of others. `listed`
//! cuts the names that lists show. `log_file` mends a log that was damaged, `file_blocks` single bytes of the file; `rescue` puts
//! what can be read of one that is damaged otherwise into a new file, `scan` finds out that it is; `rewrite` makes the file as
//! small as it can be.

mod adoption;
mod append;
mod blobs;
mod changes;
mod checkpoint;
mod compaction;
mod doomed;
mod engine_errors;
mod error;
mod exchange_halves;
mod file_blocks;
mod found_by;
mod group;
mod hash_ids;
mod interned;
mod listed;
mod log_contents;
mod log_file;
mod marking;
mod moved_spans;
mod open;
mod pack;
mod pieces;
mod placements;
mod pool;
mod prepared;
mod queries;
mod queue;
mod raw_records;
mod read_only;
mod reader;
mod received;
mod removal;
mod replace;
mod reprice;
mod reprocess;
mod rescue;
mod reserve;
mod retention;
mod rewrite;
mod rows;
mod salvage;
mod scan;
mod schema;
mod source;
mod stored_ids;
mod stored_translation;
mod summaries;
#[cfg(test)]
mod tests;
mod walk;
mod writer;

use std::{
    any::Any,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

pub use changes::{ChangeFeed, Listener};
pub use doomed::Held;
pub use error::StoreError;
pub use file_blocks::{RightedBytes, put_right};
pub use hash_ids::LogId;
pub use log_file::Mended;
pub use marking::Marked;
pub use open::{OpenError, is_being_rescued};
pub use prepared::{PreparedLog, PreparedSpan, Submission};
pub use queue::Writer;
pub use read_only::{Canceller, ReadAccess};
pub use reader::{Answered, Readers};
pub use reprocess::Progress;
pub use rewrite::{Rewritten, rewrite};
pub use salvage::{Damaged, Examined, Salvaged, salvage_into};
pub use source::{Asks, OnAnswer, OnChange, Remover, Source};
pub use walk::{Pick, Picked, by_session};

use tempfile::TempDir;

use crate::{
    model::{Answer, Limits, Pruned, Query, Removal, Removed, Rescue},
    pricing::Prices,
};
use checkpoint::Checkpointer;
use error::DatabaseError;
use pool::{Database, PooledConnection};
use queue::WriteQueue;
use reader::QueryPool;

/// Where the store keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this file, which is made if there is none.
    File(PathBuf),
    /// In memory: nothing is left once the store is closed.
    Memory,
}

/// What the screen shows of the store's work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreHealth {
    /// Why the last commit failed; `None` if it succeeded.
    pub failing: Option<String>,
    /// How far the reprocessing is; `None` if none is running.
    pub reprocessing: Option<Progress>,
    /// Why the reprocessing failed; `None` while it goes on, and where none is running. It is tried again.
    pub reprocessing_fails: Option<String>,
    /// Why what is committed cannot be brought into the file just now, though it is stored: how much the disk has left.
    pub disk_full: Option<String>,
    /// Number of traces whose summary is out of date; `None` until that is known.
    pub summaries_due: Option<usize>,
    /// What was removed last because of the limits; `None` if nothing was.
    pub pruned: Option<Pruned>,
    /// In words, what went wrong with the file last while it was open: what was put right of a part that could not be read,
    /// or that the disk failed; `None` if nothing did.
    pub damage: Option<String>,
    /// While a part of the file cannot be read: whether the rest is being put into a new file, or why that failed.
    pub rescue: Option<Rescue>,
}

/// The open store. Dropped or closed, it commits what waits and closes its file.
pub struct Store {
    database: Arc<Database>,
    /// For queries on the caller's own thread.
    connection: Arc<PooledConnection>,
    queue: Arc<WriteQueue>,
    changes: Arc<ChangeFeed>,
    health: Arc<Mutex<StoreHealth>>,
    prices: Arc<Prices>,
    checkpointer: Arc<Checkpointer>,
    /// The writer thread; `None` once it was joined.
    writing: Option<JoinHandle<()>>,
    /// The thread that reprocesses; `None` once it was joined.
    reprocessing: Mutex<Option<JoinHandle<()>>>,
    /// Ends the reprocessing when the store closes.
    ends: Arc<reprocess::Ends>,
    /// The thread that writes checkpoints; `None` once it was joined.
    checkpointing: Option<JoinHandle<()>>,
    /// The readers that were started, to stop those that are still there.
    reading: Mutex<Vec<Weak<QueryPool>>>,
    /// The thread that reads the checksums of the file; `None` once it was joined.
    scanning: Option<JoinHandle<()>>,
    /// The folder of the file, if that is a copy; removed with the store.
    copy: Option<TempDir>,
    /// In words, what was damaged when it was opened, and what was done about that.
    told: Option<String>,
    /// Whether it is only a part of another store, of which not all could be read.
    is_partial: bool,
    /// Whether the file is open elsewhere in this process as well, and stays open when this is closed.
    is_shared: bool,
}

impl Store {
    /// Opens the store, making or migrating its file, and starts its threads. What is damaged about it is put right; where that
    /// cannot be, what can be read is put into a new file, and the old one is kept.
    pub fn open(place: &Place, prices: Arc<Prices>) -> Result<Self, OpenError> {
        Self::open_saying(place, prices, &|_| ())
    }

    /// The same; `says` is handed what takes long, in words.
    pub fn open_saying(place: &Place, prices: Arc<Prices>, says: &dyn Fn(&str)) -> Result<Self, OpenError> {
        let rescue::Ready { database, told, left } = rescue::open(place, &prices, says)?;
        let mut store = Self::on(database, prices, left);
        store.told = told;
        Ok(store)
    }

    /// Opens a store of which it is known that nothing is damaged.
    fn open_unexamined(place: &Place, prices: Arc<Prices>) -> Result<Self, OpenError> {
        Ok(Self::on(Database::open(place)?, prices, None))
    }

    /// Starts the threads of an open file, of which a part may be damaged.
    fn on(database: Arc<Database>, prices: Arc<Prices>, rescue: Option<Rescue>) -> Self {
        let changes = Arc::new(ChangeFeed::default());
        let (queue, items) = WriteQueue::new();
        let health = queue.health();
        lock(&health).rescue = rescue;
        let checkpointer = Arc::new(Checkpointer::new(&database, queue.clone(), health.clone()));
        let writer = writer::StoreWriter::new(
            database.clone(),
            (queue.clone(), items),
            changes.clone(),
            health.clone(),
            checkpointer.clone(),
            prices.clone(),
        );
        let writing = start("store-writer", move || writer.run());
        let ends = Arc::new(reprocess::Ends::default());
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
        let scan = scan::Scan::of(&database, &queue, &ends);
        let scanning = start("store-scan", move || scan.run());
        Self {
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
            scanning: Some(scanning),
            reading: Mutex::default(),
            copy: None,
            told: None,
            is_partial: false,
            is_shared: false,
        }
    }

    /// The price table that calls are priced with.
    pub fn prices(&self) -> &Prices {
        &self.prices
    }

    /// A handle through which spans and log records are stored.
    pub fn writer(&self) -> Writer {
        Writer::new(self.queue.clone())
    }

    /// Sets how much is kept from now on: what is more is removed. Until then everything is kept.
    pub fn keep(&self, limits: Limits) {
        self.queue.keep(limits);
    }

    /// Removes something, and blocks until it has gone.
    pub fn remove(&self, removal: Removal) -> Result<Removed, StoreError> {
        self.writer().remove(removal)
    }

    /// Starts two threads that answer queries; each answer is handed to `answered` on one of them.
    pub fn readers(&self, answered: Box<dyn Fn(Answered) + Send + Sync>) -> Readers {
        let readers = Readers::start(&self.database, &self.queue, &self.prices, answered);
        lock(&self.reading).push(readers.pool());
        readers
    }

    /// Answers a query on the caller's thread.
    pub fn answer(&self, query: &Query) -> Result<Answer, StoreError> {
        let answer =
            |connection: &_| queries::answer(connection, &self.connection, &self.database, &self.prices, query);
        Ok(self.connection.with_room(answer)?)
    }

    /// Where commits report what they changed.
    pub fn changes(&self) -> Arc<ChangeFeed> {
        self.changes.clone()
    }

    /// The health as of now.
    pub fn health(&self) -> StoreHealth {
        lock(&self.health).clone()
    }

    /// What was wrong with the log of the file when it was opened, which was mended then; `None` if nothing was.
    pub fn mended(&self) -> Option<&Mended> {
        self.database.mended()
    }

    /// In words, what was damaged when it was opened, and what was done about that; `None` if nothing was.
    pub fn mended_in_words(&self) -> Option<String> {
        self.told.clone()
    }

    /// Whether it is only a part of the store that was to be read, of which the rest could not be.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Waits until no row is left that another version understood, or the reprocessing fails, which the error says;
    /// returns at once if there is none.
    pub fn wait_until_reprocessed(&self) -> Result<(), StoreError> {
        const PAUSE: Duration = Duration::from_millis(2);
        while lock(&self.reprocessing).as_ref().is_some_and(|thread| !thread.is_finished()) {
            if let Some(why) = self.health().reprocessing_fails {
                return Err(StoreError::Failing(why));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Commits what waits, stops the readers, writes a checkpoint, so that there is no log beside the file, and closes it.
    pub fn close(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        self.ends.come();
        if !self.is_shared {
            self.queue.close();
        }
        for thread in lock(&self.reprocessing).take().into_iter().chain(self.scanning.take()) {
            drop(thread.join());
        }
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
        if self.is_shared {
            self.connection.close();
        } else {
            self.database.close();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a thread of this name.
fn start(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).expect("the system lets a process start a thread")
}

/// A caught panic in words: with its message, if it has one.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    format!("a panic: {}", text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("of no known kind"))
}

/// Takes a lock, also after a panic of its last holder: whatever our locks guard is changed by one assignment, so it is
/// never left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
