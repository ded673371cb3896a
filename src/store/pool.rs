//! Connections, pooled: each thread has one, and all of them can be taken back.
//!
//! After a sync fails, the engine refuses everything until the last connection to the file is closed and it is
//! opened again. So nobody owns a connection; they work with it inside [`PooledConnection::with`].

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
};

use duckdb::{Connection, InterruptHandle};
use tracing::warn;

use super::{DatabaseError, OpenError, Place, lock, open};

/// The open file, and everyone who works with it.
pub struct Database {
    place: Place,
    root: Mutex<Root>,
    pooled: Mutex<Vec<Weak<PooledConnection>>>,
}

enum Root {
    Open(Connection),
    /// Why there is none.
    Away(String),
}

/// One thread's connection: opened when it is first needed, and again after it was closed.
pub struct PooledConnection {
    database: Arc<Database>,
    connection: Mutex<Option<Connection>>,
    interrupt: Mutex<Option<Arc<InterruptHandle>>>,
}

impl Database {
    pub fn open(place: &Place) -> Result<Arc<Self>, OpenError> {
        let root = Mutex::new(Root::Open(open::connect(place)?));
        Ok(Arc::new(Self { place: place.clone(), root, pooled: Mutex::default() }))
    }

    pub fn pooled(self: &Arc<Self>) -> Arc<PooledConnection> {
        let pooled = Arc::new(PooledConnection {
            database: self.clone(),
            connection: Mutex::default(),
            interrupt: Mutex::default(),
        });
        let mut all = lock(&self.pooled);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&pooled));
        pooled
    }

    /// Takes every connection back, closes the file and opens it again. What was committed is still there.
    pub fn reopen(&self) -> Result<(), DatabaseError> {
        self.close_all("it is being opened again");
        match open::connect(&self.place) {
            Ok(connection) => {
                *lock(&self.root) = Root::Open(connection);
                Ok(())
            }
            Err(error) => {
                warn!(%error, "the store could not be opened again");
                *lock(&self.root) = Root::Away(error.to_string());
                Err(DatabaseError::Away(error.to_string()))
            }
        }
    }

    pub fn close(&self) {
        self.close_all("it is closed");
    }

    fn close_all(&self, why: &str) {
        // First the root: from here on nobody gets a new connection. Whoever has one is interrupted and waited for.
        let root = std::mem::replace(&mut *lock(&self.root), Root::Away(why.to_owned()));
        let pooled: Vec<_> = lock(&self.pooled).iter().filter_map(Weak::upgrade).collect();
        for one in pooled {
            one.interrupt();
            one.close();
        }
        drop(root);
    }

    /// Bytes that wait in the log to be brought into the file.
    pub fn log_bytes(&self) -> u64 {
        self.path().map_or(0, |path| bytes(&with_suffix(path, ".wal")))
    }

    /// Bytes of the file and its log; `None` in memory.
    pub fn size(&self) -> Option<u64> {
        Some(bytes(self.path()?) + self.log_bytes())
    }

    fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory => None,
        }
    }

    fn connection(&self) -> Result<Connection, DatabaseError> {
        match &*lock(&self.root) {
            Root::Open(root) => Ok(open::another(root)?),
            Root::Away(why) => Err(DatabaseError::Away(why.clone())),
        }
    }
}

impl PooledConnection {
    /// Works with the connection; nobody else does meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        let mut slot = lock(&self.connection);
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

    /// Stops what the connection is doing. Between two statements it does nothing, and the next one is not stopped.
    pub fn interrupt(&self) {
        if let Some(handle) = &*lock(&self.interrupt) {
            handle.interrupt();
        }
    }

    /// Closes the connection, which ends its transaction; the next piece of work gets a new one.
    pub fn close(&self) {
        *lock(&self.connection) = None;
        *lock(&self.interrupt) = None;
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn bytes(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
