//! Keeps two processes from rescuing one store, and others from opening it to be written meanwhile: while it is read from a copy
//! the engine holds no lock on it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use tracing::debug;

use super::{error::OpenError, whole_path};
use crate::store::log_file::with_suffix;

/// How long another one is waited for that only opens the store.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);
const SUFFIX: &str = ".salvaging-lock";

/// A file beside the store that is locked, and is removed when this is dropped. A lock on the store itself would be lost as
/// soon as any thread closes it.
pub struct Lock {
    path: PathBuf,
    /// Holds the lock while it is open.
    _file: File,
}

/// Whether another process rescues a store, or just opens it to be written. Nothing is written to find that out.
pub fn is_being_rescued(store: &Path) -> bool {
    let Ok(store) = whole_path(store) else { return false };
    let lock = File::options().write(true).open(with_suffix(&store, SUFFIX));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

impl Lock {
    /// Takes the lock to rescue a store.
    ///
    /// # Errors
    /// Another process has it.
    pub fn take(store: &Path) -> Result<Self, OpenError> {
        let began = Instant::now();
        loop {
            match Self::try_take(store) {
                Err(OpenError::Held { .. }) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }

    /// The same to open a store, until the engine has its own lock on the file. `None` where no file can be made, as on a full
    /// disk: there nobody rescues it either.
    ///
    /// # Errors
    /// Another process rescues it.
    pub fn take_to_open(store: &Path) -> Result<Option<Self>, OpenError> {
        match Self::take(store) {
            Err(error @ OpenError::Held { .. }) => Err(error),
            Err(error) => {
                debug!(%error, "the store is opened without a lock beside it");
                Ok(None)
            }
            Ok(lock) => Ok(Some(lock)),
        }
    }

    fn try_take(store: &Path) -> Result<Self, OpenError> {
        let path = with_suffix(store, SUFFIX);
        let unusable = |error: io::Error| OpenError::Unusable { path: store.to_owned(), why: error.to_string() };
        loop {
            let mut options = File::options();
            let mut file = options.create(true).truncate(false).read(true).write(true).open(&path).map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(OpenError::Held { path: store.to_owned(), pid: pid_in(&file) });
                }
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
            // Whoever had it before may have removed it since it was opened here.
            let mine = file.metadata().map_err(unusable)?;
            if fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == (mine.dev(), mine.ino())) {
                // It only helps whoever finds it locked.
                drop(file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())));
                return Ok(Self { path, _file: file });
            }
        }
    }
}

/// The process that has a lock, as it wrote it there; `None` if it has not yet.
fn pid_in(file: &File) -> Option<u32> {
    const LONGEST: u64 = 10;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{
        Place, Store,
        tests::{send, span},
    };

    #[test]
    fn a_store_that_is_being_rescued_is_opened_by_nobody_who_writes_and_by_all_who_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let place = Place::File(path.clone());
        let store = Store::open(&place, Arc::default()).unwrap();
        send(&store, [span("a", 1)]);
        store.close();
        assert!(!is_being_rescued(&path));
        let rescuing = Lock::take(&path).unwrap();
        assert!(is_being_rescued(&path));
        let pid = Some(std::process::id());
        assert!(matches!(Store::open(&place, Arc::default()), Err(OpenError::Held { pid: who, .. }) if who == pid));
        assert!(matches!(crate::store::rewrite(&path), Err(OpenError::Held { .. })));
        Store::open_to_read(&path, Arc::default(), |_| ()).unwrap().close();
        drop(rescuing);
        let store = Store::open(&place, Arc::default()).unwrap();
        assert!(!with_suffix(&path, SUFFIX).exists(), "only the engine's own lock is left");
        store.close();
    }

    #[test]
    fn a_store_is_opened_where_no_lock_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        fs::create_dir(with_suffix(&path, SUFFIX)).unwrap();
        assert!(Lock::take(&path).is_err());
        Store::open(&Place::File(path), Arc::default()).unwrap().close();
    }
}
