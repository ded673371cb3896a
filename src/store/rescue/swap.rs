//! Puts a new file in the place of a store, which is kept under another name.

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use crate::store::{
    log_file::{files_beside, with_suffix},
    open::sync_folder,
};

const KEPT: &str = ".damaged-";
const COPY: &str = ".salvaging-copy-";

/// Puts `made` in the place of the store at `path`. Returns where the store is kept. What was done of that already, before
/// the program was killed, is not done again.
pub fn swap(path: &Path, made: &Path) -> io::Result<PathBuf> {
    let kept = match kept_already(path)? {
        Some(kept) => kept,
        None => keep(path)?,
    };
    for log in files_beside(path)? {
        let suffix = log.as_os_str().as_encoded_bytes().strip_prefix(path.as_os_str().as_encoded_bytes());
        let suffix = suffix.and_then(|suffix| std::str::from_utf8(suffix).ok()).unwrap_or(".wal");
        let kept = with_suffix(&kept, suffix);
        if !kept.exists() {
            link_or_copy(&log, &kept)?;
        }
        fs::remove_file(log)?;
    }
    sync_folder(path)?;
    fs::rename(made, path)?;
    sync_folder(path)?;
    Ok(kept)
}

/// The other name that a file has already.
fn kept_already(path: &Path) -> io::Result<Option<PathBuf>> {
    let same = |file: &Metadata| (file.dev(), file.ino());
    let file = same(&fs::metadata(path)?);
    Ok(beside(path, KEPT)?.into_iter().find(|other| fs::metadata(other).is_ok_and(|other| same(&other) == file)))
}

/// The files and folders beside a store whose names are its name, this, and something more.
fn beside(path: &Path, what: &str) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let other = entry.file_name();
        let suffix = other.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
        if suffix.is_some_and(|suffix| suffix.starts_with(what.as_bytes())) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Gives a file another name, which nothing has yet.
fn keep(path: &Path) -> io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    for nth in now.. {
        let kept = with_suffix(path, &format!("{KEPT}{nth}"));
        match link_or_copy(path, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|()| kept),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A second name for a file; where the file system has no such thing, a copy.
fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) => Ok(()),
        Err(_) if to.exists() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => {
            let part = with_suffix(to, ".part");
            fs::copy(from, &part)?;
            File::open(&part)?.sync_all()?;
            fs::rename(part, to)
        }
    }
}

/// A new folder beside a store, for a copy of it.
pub fn folder_for_a_copy(path: &Path) -> io::Result<TempDir> {
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(COPY);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    match path.parent() {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    }
}

/// Removes the folders for copies that a killed process left.
pub fn remove_copies(path: &Path) {
    for folder in beside(path, COPY).unwrap_or_default() {
        drop(fs::remove_dir_all(folder));
    }
}
