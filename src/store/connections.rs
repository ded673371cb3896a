//! Connections, lent: each thread has one, and all of them can be taken back.
//!
//! After a sync fails, the engine refuses everything until the last connection to the file is closed and it is
//! opened again. So nobody owns a connection; they work with it inside [`Lent::with`].

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
};

use duckdb::{Connection, InterruptHandle};
use tracing::warn;

use super::{OpenError, Place, Trouble, hold, open};

/// The open file, and everyone who works with it.
pub struct Database {
    place: Place,
    root: Mutex<Root>,
    lent: Mutex<Vec<Weak<Lent>>>,
}

enum Root {
    Open(Connection),
    /// Why there is none.
    Away(String),
}

/// One thread's connection: made when it is first needed, and again after it was taken back.
pub struct Lent {
    database: Arc<Database>,
    connection: Mutex<Option<Connection>>,
    interrupt: Mutex<Option<Arc<InterruptHandle>>>,
}

impl Database {
    pub fn open(place: &Place) -> Result<Arc<Self>, OpenError> {
        let root = Mutex::new(Root::Open(open::connect(place)?));
        Ok(Arc::new(Self { place: place.clone(), root, lent: Mutex::default() }))
    }

    pub fn lend(self: &Arc<Self>) -> Arc<Lent> {
        let lent = Arc::new(Lent { database: self.clone(), connection: Mutex::default(), interrupt: Mutex::default() });
        let mut all = hold(&self.lent);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&lent));
        lent
    }

    /// Takes every connection back, closes the file and opens it again. What was committed is still there.
    pub fn reopen(&self) -> Result<(), Trouble> {
        self.take_back("it is being opened again");
        match open::connect(&self.place) {
            Ok(connection) => {
                *hold(&self.root) = Root::Open(connection);
                Ok(())
            }
            Err(error) => {
                warn!(%error, "the store could not be opened again");
                *hold(&self.root) = Root::Away(error.to_string());
                Err(Trouble::Away(error.to_string()))
            }
        }
    }

    pub fn close(&self) {
        self.take_back("it is closed");
    }

    fn take_back(&self, why: &str) {
        // First the root: from here on nobody gets a new connection. Whoever has one is interrupted and waited for.
        let root = std::mem::replace(&mut *hold(&self.root), Root::Away(why.to_owned()));
        let lent: Vec<_> = hold(&self.lent).iter().filter_map(Weak::upgrade).collect();
        for one in lent {
            one.interrupt();
            one.give_back();
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

    fn connection(&self) -> Result<Connection, Trouble> {
        match &*hold(&self.root) {
            Root::Open(root) => Ok(open::another(root)?),
            Root::Away(why) => Err(Trouble::Away(why.clone())),
        }
    }
}

impl Lent {
    /// Works with the connection; nobody else does meanwhile.
    pub fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let mut slot = hold(&self.connection);
        let connection = match &mut *slot {
            Some(connection) => connection,
            empty => {
                let connection = self.database.connection()?;
                connection.set_prepared_statement_cache_capacity(32);
                *hold(&self.interrupt) = Some(connection.interrupt_handle());
                empty.insert(connection)
            }
        };
        work(connection)
    }

    /// Stops what the connection is doing. Between two statements it does nothing, and the next one is not stopped.
    pub fn interrupt(&self) {
        if let Some(handle) = &*hold(&self.interrupt) {
            handle.interrupt();
        }
    }

    /// Closes the connection, which ends its transaction; the next piece of work gets a new one.
    pub fn give_back(&self) {
        *hold(&self.connection) = None;
        *hold(&self.interrupt) = None;
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
