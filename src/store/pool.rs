//! The connection pool: each thread has a connection of its own, and all of them can be closed at once.
//!
//! After a failed sync DuckDB refuses every statement until the last connection to the file is closed and the file is
//! opened again. So no thread owns its connection: it works with it inside [`PooledConnection::with`] and gets a new
//! one after a reopening.

mod reopening;

use std::{
    fs::{self, File},
    path::Path,
    sync::{
        Arc, Condvar, Mutex, OnceLock, TryLockError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use duckdb::{Connection, InterruptHandle};
use tracing::debug;

use super::{
    DatabaseError, Place,
    file_blocks::RightedBytes,
    lock,
    log_file::{Mended, with_suffix},
    open,
};

/// How long who reads waits while the file is being opened again. A large one that is damaged takes longer.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The open database file, and every connection to it.
pub struct Database {
    /// The file to open, and to open again; or memory.
    place: Place,
    /// The connection that others are cloned from. It runs no queries.
    root: Mutex<Root>,
    /// Wakes who waits while the file is being opened again.
    opened: Condvar,
    /// How often the file was closed.
    closings: AtomicU64,
    /// What was wrong with the log when the file was first opened.
    mended: Option<Mended>,
    /// What was put right in the file then.
    righted: Option<RightedBytes>,
    /// The file, for what reads it without the engine; `None` in memory, and while the file is closed. Whenever one that is
    /// open in this process is closed, the system drops the lock that the engine has on the file. So it stays open as long as
    /// the engine has it open.
    file: Mutex<Option<File>>,
    /// Every pooled connection that still has an owner.
    pooled: Mutex<Vec<Weak<PooledConnection>>>,
    /// How many need more of the engine's memory than it has otherwise; `None`: it always has all that it may have.
    wide: Option<Mutex<Needs>>,
    /// Whether something needed it since the last checkpoint, which may need it for what that stored.
    was_wide: AtomicBool,
    /// Held during each commit of what was sent, so that two connections can begin to read as of one moment.
    commits: Mutex<()>,
}

/// How many need how much memory of the engine.
#[derive(Default)]
struct Needs {
    /// [`open::READING`]
    reading: usize,
    /// [`open::WIDE`]
    wide: usize,
}

impl Needs {
    fn memory(&self) -> &'static str {
        match self {
            Self { wide: 1.., .. } => open::WIDE,
            Self { reading: 1.., .. } => open::READING,
            Self { .. } => open::NARROW,
        }
    }

    fn of(&mut self, room: Room) -> &mut usize {
        match room {
            Room::Reading => &mut self.reading,
            Room::Wide => &mut self.wide,
        }
    }
}

#[derive(Clone, Copy)]
enum Room {
    Reading,
    Wide,
}

/// While this is there, the engine may take more memory.
pub struct Wide {
    database: Arc<Database>,
    room: Room,
}

impl Drop for Wide {
    fn drop(&mut self) {
        // Rows of the log that are in memory may take more; then it is narrowed after the next checkpoint.
        self.database.need(self.room, |count| *count -= 1);
    }
}

/// Whether the file is open.
enum Root {
    Open(Connection),
    /// The file is closed and is being opened again, with the reason in words.
    Reopening(String),
    /// The file is closed, with the reason in words.
    Away(String),
}

/// One thread's connection: opened when it is first needed, and again after it was closed.
pub struct PooledConnection {
    database: Arc<Database>,
    /// `None` until it is needed, and after [`PooledConnection::close`]. Locked while the thread works with it.
    connection: Mutex<Option<Connection>>,
    /// Set by [`PooledConnection::cancel`].
    is_cancelled: AtomicBool,
    /// Stops the statement that runs on `connection`; behind a lock of its own, so that another thread can use it
    /// meanwhile.
    interrupt: Mutex<Option<Arc<InterruptHandle>>>,
    /// See [`PooledConnection::beside`].
    beside: OnceLock<Arc<Self>>,
}

impl Database {
    /// Adds a connection to the pool. It is opened when it is first used, and leaves the pool when its owner drops it.
    pub fn pooled(self: &Arc<Self>) -> Arc<PooledConnection> {
        let pooled = Arc::new(PooledConnection {
            database: self.clone(),
            connection: Mutex::default(),
            is_cancelled: AtomicBool::new(false),
            interrupt: Mutex::default(),
            beside: OnceLock::new(),
        });
        let mut all = lock(&self.pooled);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&pooled));
        pooled
    }

    /// Bytes in the write-ahead log that no checkpoint has brought into the file yet; 0 in memory.
    pub fn log_bytes(&self) -> u64 {
        self.path().map_or(0, |path| bytes(&with_suffix(path, ".wal")))
    }

    /// Bytes that are free on the disk of the file; `None` in memory, or if that cannot be found out.
    pub fn free_bytes(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.path()?.parent()?).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Bytes of the file and its write-ahead log; `None` in memory.
    pub fn size(&self) -> Option<u64> {
        Some(bytes(self.path()?) + self.log_bytes())
    }

    /// The path of the file; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory => None,
        }
    }

    /// Lets the engine take more memory, for what does not do with what it has otherwise.
    pub fn wide(self: &Arc<Self>) -> Wide {
        self.was_wide.store(true, Ordering::Relaxed);
        self.widen(Room::Wide)
    }

    /// The same for a checkpoint, if something needed it since the one before.
    pub fn wide_again(self: &Arc<Self>) -> Option<Wide> {
        self.was_wide.swap(false, Ordering::Relaxed).then(|| self.widen(Room::Wide))
    }

    fn widen(self: &Arc<Self>, room: Room) -> Wide {
        self.need(room, |count| *count += 1);
        Wide { database: Arc::clone(self), room }
    }

    /// Changes how many need so much memory, and has the engine take as much as is needed then.
    fn need(&self, room: Room, change: impl FnOnce(&mut usize)) {
        let Some(wide) = &self.wide else { return };
        let mut needs = lock(wide);
        let before = needs.memory();
        change(needs.of(room));
        if needs.memory() != before {
            self.set_memory(needs.memory());
        }
    }

    fn set_memory(&self, memory: &str) {
        if let Root::Open(root) = &*lock(&self.root)
            && let Err(error) = root.execute_batch(&format!("set memory_limit = '{memory}'"))
        {
            debug!(%error, memory, "the engine's memory is as it was");
        }
    }

    /// Makes another connection to the open file.
    fn connection(&self) -> Result<Connection, DatabaseError> {
        match &*lock(&self.root) {
            Root::Open(root) => Ok(open::another(root)?),
            Root::Reopening(why) => Err(DatabaseError::Reopening(why.clone())),
            Root::Away(why) => Err(DatabaseError::Away(why.clone())),
        }
    }
}

impl PooledConnection {
    /// Runs `work` with the connection, opening one if there is none. Other callers of this connection wait until it is
    /// done.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        let mut slot = lock(&self.connection);
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(DatabaseError::Away("nobody waits for what is read".to_owned()));
        }
        let connection = match &mut *slot {
            Some(connection) => connection,
            empty => {
                let connection = self.database.connection()?;
                connection.set_prepared_statement_cache_capacity(32);
                *lock(&self.interrupt) = Some(connection.interrupt_handle());
                empty.insert(connection)
            }
        };
        work(connection)
    }

    /// The same for work that only reads and may need more of the engine's memory, as large traces and lists of many runs
    /// do. With less, what is stored meanwhile would find none left. What does not do with that is done again with all that
    /// the engine may have.
    ///
    /// While the file is being opened again that is waited for, and what that broke off is done again. So it must not be called
    /// within other work.
    pub fn with_room<T>(&self, work: impl Fn(&Connection) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        /// How often it is broken off before that is its outcome.
        const TIMES: u32 = 4;
        let mut time = 1;
        loop {
            let closings = self.database.wait_until_open(PATIENCE, &self.is_cancelled)?;
            let done = self.in_its_room(&work);
            if done.is_ok() || time == TIMES || self.database.closings() == closings {
                return done;
            }
            time += 1;
        }
    }

    fn in_its_room<T>(&self, work: impl Fn(&Connection) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        let done = {
            let _reading = self.database.widen(Room::Reading);
            self.with(&work)
        };
        match done {
            Err(error) if open::is_out_of_memory(&error.to_string()) => {
                let _wide = self.database.widen(Room::Wide);
                self.with(&work)
            }
            done => done,
        }
    }

    /// Runs `work` in a transaction: commits it if that succeeds, else rolls it back.
    pub fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        self.with(|connection| transaction(connection, &self.database.commits, || work(connection)))
    }

    /// Another connection, to read with at the same time. It is stopped and closed together with this one.
    pub fn beside(&self) -> &Arc<Self> {
        self.beside.get_or_init(|| self.database.pooled())
    }

    /// Runs `begin` while nothing is committed; `None`, without running it, if something is just being.
    pub fn between_commits<T>(
        &self,
        begin: impl FnOnce() -> Result<T, DatabaseError>,
    ) -> Result<Option<T>, DatabaseError> {
        let _none = match self.database.commits.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Poisoned(lock)) => lock.into_inner(),
            Ok(lock) => lock,
        };
        begin().map(Some)
    }

    /// Stops the statement that the connection is running, which then fails. If none is running nothing happens, and
    /// the next one is not stopped.
    pub fn interrupt(&self) {
        if let Some(handle) = &*lock(&self.interrupt) {
            handle.interrupt();
        }
        if let Some(beside) = self.beside.get() {
            beside.interrupt();
        }
    }

    /// Stops the statement that the connection is running, and refuses all further work.
    pub fn cancel(&self) {
        for connection in std::iter::once(self).chain(self.beside.get().map(|beside| &**beside)) {
            connection.is_cancelled.store(true, Ordering::Relaxed);
        }
        self.interrupt();
    }

    /// Closes the connection, which rolls back its transaction. The next piece of work opens a new one. Waits while the
    /// connection is in use.
    pub fn close(&self) {
        *lock(&self.connection) = None;
        *lock(&self.interrupt) = None;
        if let Some(beside) = self.beside.get() {
            beside.close();
        }
    }
}

/// Runs `work` in a transaction: commits it if that succeeds, holding `commits`, else rolls it back.
fn transaction<T>(
    connection: &Connection,
    commits: &Mutex<()>,
    work: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    const BEGIN: &str = "begin transaction";
    if connection.execute_batch(BEGIN).is_err() {
        // A transaction may be open whose rollback failed. What was done in it was answered as failed.
        drop(connection.execute_batch("rollback"));
        connection.execute_batch(BEGIN)?;
    }
    let done = work().and_then(|done| {
        let _alone = lock(commits);
        connection.execute_batch("commit")?;
        Ok(done)
    });
    if done.is_err() {
        // A failed commit has rolled back already; then this fails, which does not matter.
        drop(connection.execute_batch("rollback"));
    }
    done
}

/// Size of a file; 0 if there is none.
fn bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests;
