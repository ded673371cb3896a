//! Keeps two processes from rescuing one store.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::store::{OpenError, log_file::with_suffix};

/// A file beside the store that is locked, and is removed when this is dropped. A lock on the store itself would be lost as
/// soon as any thread closes it.
pub struct Lock {
    path: PathBuf,
    /// Holds the lock while it is open.
    _file: File,
}

impl Lock {
    /// # Errors
    /// Another process has it.
    pub fn take(store: &Path) -> Result<Self, OpenError> {
        let path = with_suffix(store, ".salvaging-lock");
        let unusable = |error: io::Error| OpenError::Unusable { path: store.to_owned(), why: error.to_string() };
        loop {
            let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(unusable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::Held { path: store.to_owned(), pid: None }),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
            // Whoever had it before may have removed it since it was opened here.
            let mine = file.metadata().map_err(unusable)?;
            if fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == (mine.dev(), mine.ino())) {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}
