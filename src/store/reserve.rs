//! Room on the disk that is kept free while a checkpoint is written.
//!
//! If the program is killed then, there are two logs, and the engine puts them into one when the file is opened again. On a
//! disk that became full meanwhile it could not. So a file as large as that beside the store is made before a checkpoint,
//! and removed after it, or before the store is opened again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};

use super::log_file::with_suffix;

/// The reserve, which is removed when this is dropped.
pub struct Reserve(PathBuf);

impl Reserve {
    /// Takes so many bytes of the disk of the store at `path`; `None` where its file system cannot do that.
    ///
    /// # Errors
    /// The disk has no such room.
    pub fn take(path: &Path, bytes: u64) -> io::Result<Option<Self>> {
        let reserve = Self(with_suffix(path, ".reserve"));
        let Ok(file) = File::create(&reserve.0) else { return Ok(None) };
        match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(Some(reserve)),
            Err(Errno::NOSPC | Errno::DQUOT) => Err(io::ErrorKind::StorageFull.into()),
            Err(_) => Ok(None),
        }
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes the reserve that a killed program left.
pub fn release(path: &Path) {
    // There hardly ever is one.
    let _ = fs::remove_file(with_suffix(path, ".reserve"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_takes_its_room_until_it_is_dropped_or_released() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let file = folder.path().join("a.duckdb.reserve");
        let reserve = Reserve::take(&path, 1 << 20).unwrap();
        // There are file systems without it.
        if reserve.is_some() {
            assert_eq!(fs::metadata(&file).unwrap().len(), 1 << 20);
        }
        drop(reserve);
        assert!(!file.exists());
        let left = Reserve::take(&path, 1 << 20).unwrap();
        release(&path);
        assert!(!file.exists());
        drop(left);
        assert!(Reserve::take(&path, 1 << 60).is_err() || !file.exists());
    }
}
