//! Opens a store for a command that only reads. Nothing of it is written, so it may lie on a disk that cannot be written,
//! and a store that a killed program left is left as it is.
//!
//! What has to be worked out before all of it can be read is worked out in a copy, which is removed when the store is
//! closed: commits that are only in the write-ahead log, summaries that were due, what another version understood, and what can
//! be read of a damaged file.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use duckdb::Connection;
use tempfile::TempDir;

use super::{
    ChangeFeed, DatabaseError, OpenError, Place, Store, StoreHealth,
    checkpoint::Checkpointer,
    log_file::files_beside,
    open::{is_corrupt, put_right, whole_path},
    pool::{Database, PooledConnection},
    queue::WriteQueue,
    reprocess,
    rescue::rescue,
    schema::{self, Fit},
    writer::stale_summaries,
};
use crate::pricing::Prices;

/// Bytes of a file whose checksums are read before it is read, which takes some hundredths of a second. What is damaged in a
/// larger one is found when it is needed.
const LOOKED: u64 = 64 << 20;

impl Store {
    /// Opens the store to read it; an empty one if there is no file. `says` is handed what takes long, in words.
    pub fn open_to_read(path: &Path, prices: Arc<Prices>, says: impl Fn(&str)) -> Result<Self, OpenError> {
        if !path.exists() {
            return Self::open(&Place::Memory, prices);
        }
        let path = &whole_path(path)?;
        if let Some(store) = Self::open_settled_to_read(path, Arc::clone(&prices), &says)? {
            return Ok(store);
        }
        let unusable = |why: String| OpenError::Unusable { path: path.to_owned(), why };
        let beside = files_beside(path).map_err(|error| unusable(error.to_string()))?;
        let copy = copy(path, &beside).map_err(|error| unusable(format!("it cannot be copied to be read: {error}")))?;
        let name = path.file_name().ok_or_else(|| unusable("it has no name".to_owned()))?;
        let copied = copy.path().join(name);
        // All of it is copied anyway, so all of it is looked through.
        put_right(&copied);
        let rescued = rescue(&copied, &prices, &|_| ()).map_err(|error| error.about(path, &copied))?;
        let mut store = Self::open(&Place::File(copied.clone()), prices).map_err(|error| error.about(path, &copied))?;
        store.copy = Some(copy);
        if let Some(lost) = rescued.and_then(|rescued| rescued.lost()) {
            says(&format!("a part of {} cannot be read: {lost}; all else is shown", path.display()));
            store.is_partial = true;
        }
        if let Some(mended) = store.mended() {
            says(&format!(
                "the log of {} is damaged: its last {} of {} bytes cannot be read, and with them the newest spans; it is left \
                 as it is",
                path.display(),
                mended.length - mended.at,
                mended.length
            ));
        }
        store.wait_until_reprocessed().map_err(|error| unusable(error.to_string()))?;
        store.wait_until_summarized().map_err(|error| unusable(error.to_string()))?;
        Ok(store)
    }

    /// Opens the store to read it, where nothing has to be worked out before; `None` where something has, or there is no
    /// file.
    pub fn open_settled_to_read(
        path: &Path,
        prices: Arc<Prices>,
        says: impl Fn(&str),
    ) -> Result<Option<Self>, OpenError> {
        if !path.exists() {
            return Ok(None);
        }
        let path = &whole_path(path)?;
        let unusable = |why: String| OpenError::Unusable { path: path.to_owned(), why };
        if files_beside(path).map_err(|error| unusable(error.to_string()))?.is_empty() {
            let database = match Database::open_to_read(path) {
                Err(OpenError::Unusable { why, .. }) if is_corrupt(&why) => return Ok(None),
                opened => opened?,
            };
            if database.has_wrong_blocks(LOOKED) {
                database.close();
                return Ok(None);
            }
            let is_settled = database.pooled().with(is_settled).map_err(|error| unusable(error.to_string()))?;
            if is_settled {
                return Ok(Some(Self::reading(database, Arc::default(), prices)));
            }
            says(
                "what is stored was understood by another version; it is read again in a copy, which may take a while",
            );
            database.close();
            return Ok(None);
        }
        // Another process may hold it. If it cannot be opened for another reason, the copy says so too.
        match Database::open_to_read(path) {
            Err(error @ (OpenError::Held { .. } | OpenError::Newer { .. } | OpenError::NotAStore { .. })) => Err(error),
            Err(_) => Ok(None),
            Ok(database) => {
                database.close();
                Ok(None)
            }
        }
    }

    /// For other handles to this store, which only read.
    pub fn read_access(&self) -> ReadAccess {
        ReadAccess {
            database: self.database.clone(),
            queue: self.queue.clone(),
            changes: self.changes.clone(),
            health: self.health.clone(),
            prices: self.prices.clone(),
        }
    }

    /// What stops the reading of this handle, from another thread.
    pub fn canceller(&self) -> Canceller {
        Canceller(self.connection.clone())
    }

    /// A store without threads, for a database that is open to be read only.
    fn reading(database: Arc<Database>, health: Arc<Mutex<StoreHealth>>, prices: Arc<Prices>) -> Self {
        // Whatever is submitted is refused, because nothing takes it out of the queue.
        let (queue, _) = WriteQueue::new();
        queue.close();
        Self {
            connection: database.pooled(),
            checkpointer: Arc::new(Checkpointer::new(&database, queue.clone(), health.clone())),
            database,
            queue,
            changes: Arc::new(ChangeFeed::default()),
            health,
            prices,
            writing: None,
            reprocessing: Mutex::default(),
            ends: Arc::default(),
            checkpointing: None,
            reading: Mutex::default(),
            scanning: None,
            copy: None,
            told: None,
            is_partial: false,
            is_shared: false,
        }
    }

    /// Waits until the summary of every trace is that of all its spans, or a commit fails.
    fn wait_until_summarized(&self) -> Result<(), DatabaseError> {
        const PAUSE: Duration = Duration::from_millis(10);
        loop {
            let health = self.health();
            if let Some(why) = health.failing {
                return Err(DatabaseError::Away(why));
            }
            if health.summaries_due == Some(0) {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Opens handles to a store that is open in this process. Cheap to clone.
#[derive(Clone)]
pub struct ReadAccess {
    database: Arc<Database>,
    queue: Arc<WriteQueue>,
    changes: Arc<ChangeFeed>,
    health: Arc<Mutex<StoreHealth>>,
    prices: Arc<Prices>,
}

impl ReadAccess {
    /// Another handle, with a connection of its own. It reads, and sees every commit; what is to be removed through it the
    /// store's writer removes. The store stays open when it is closed.
    pub fn open(&self) -> Store {
        let mut store = Store::reading(self.database.clone(), self.health.clone(), self.prices.clone());
        store.changes = self.changes.clone();
        (store.is_shared, store.queue) = (true, self.queue.clone());
        store
    }
}

/// Stops the reading of one handle.
pub struct Canceller(Arc<PooledConnection>);

impl Canceller {
    /// Interrupts what the handle reads. Whatever it reads afterwards fails.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// Whether all that is stored can be read as it is: it has today's tables, today's version understood it, and every summary
/// is that of all spans.
fn is_settled(connection: &Connection) -> Result<bool, DatabaseError> {
    Ok(schema::fit(connection)? == Fit::Ready
        && reprocess::count(connection)? == 0
        && stale_summaries(connection)?.is_empty())
}

/// Copies a store and the files beside it into a new folder that only this user can read.
pub fn copy(path: &Path, beside: &[PathBuf]) -> io::Result<TempDir> {
    let copy = tempfile::Builder::new().prefix("sideseat-tui-").tempdir()?;
    for file in std::iter::once(path).chain(beside.iter().map(PathBuf::as_path)) {
        if let Some(name) = file.file_name() {
            fs::copy(file, copy.path().join(name))?;
        }
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{rows, send, span};

    /// The bytes of all files of a store.
    fn files(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let all = std::iter::once(path.to_owned()).chain(files_beside(path).unwrap());
        all.map(|file| (file.clone(), fs::read(&file).unwrap())).collect()
    }

    fn read(path: &Path) -> Store {
        Store::open_to_read(path, Arc::default(), |_| ()).unwrap()
    }

    #[test]
    fn a_closed_store_is_read_as_it_is_and_by_several_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        assert!(read(&path).picked(&super::super::Pick::default()).unwrap().is_empty());
        assert!(!path.exists());
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        send(&store, [span("a", 1), span("a", 2)]);
        store.close();
        let before = files(&path);
        let (one, other) = (read(&path), read(&path));
        assert!(one.copy.is_none() && other.copy.is_none());
        assert_eq!((rows(&one, "a").spans.len(), rows(&other, "a").spans.len()), (2, 2));
        one.close();
        drop(other);
        assert!(files(&path) == before);
    }

    #[test]
    fn what_a_killed_program_left_in_its_log_is_read_and_left_there() {
        let folder = tempfile::tempdir().unwrap();
        let (path, left) = (folder.path().join("a.duckdb"), folder.path().join("left.duckdb"));
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        send(&store, [span("a", 1), span("a", 2)]);
        fs::copy(&path, &left).unwrap();
        fs::copy(path.with_extension("duckdb.wal"), left.with_extension("duckdb.wal")).unwrap();
        store.close();
        let before = files(&left);
        assert_eq!(before.len(), 2);
        let reading = read(&left);
        let copy = reading.copy.as_ref().unwrap().path().to_owned();
        assert_eq!(rows(&reading, "a").spans.len(), 2);
        reading.close();
        assert!(files(&left) == before);
        assert!(!copy.exists());
    }
}
