//! Who is running: one small file for each instance, so that `run` and `import` find it.
//!
//! An instance writes its file once it listens and removes it when it closes. A file outlives its instance only
//! if that was killed, so whoever reads the folder removes those of the dead.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{io::Errno, process};
use serde::{Deserialize, Serialize};

/// No instance's file comes near this.
const FILE_LIMIT: u64 = 64 * 1024;

/// One running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub pid: u32,
    pub version: String,
    /// RFC 3339.
    pub started: String,
    /// `None`: a store in memory.
    pub db: Option<PathBuf>,
    pub addresses: Vec<Listening>,
}

/// One address that an instance listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// `grpc`, `http` or `sideseat`.
    pub what: String,
    pub address: SocketAddr,
}

impl Entry {
    /// Where it takes OTLP over HTTP.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        self.addresses.iter().find(|listening| listening.what != "grpc").map(|listening| listening.address)
    }

    /// Whether it keeps its spans in this file, whatever the file is called there and here.
    #[must_use]
    pub fn holds(&self, db: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.db.as_deref().is_some_and(|held| real(held) == real(db))
    }
}

/// Removes the file again.
#[derive(Debug)]
pub struct Registered(PathBuf);

impl Drop for Registered {
    fn drop(&mut self) {
        // It may be gone already: then all is as it should be.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes this instance known.
///
/// # Errors
/// Whatever the disk says; an instance that is not known works all the same.
pub fn register(folder: &Path, entry: &Entry) -> io::Result<Registered> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let file = file_of(folder, entry.pid);
    // Written aside and renamed, so that nobody reads half a file.
    let half = folder.join(format!("{}.new", entry.pid));
    let mut writing = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    writing.write_all(&serde_json::to_vec_pretty(entry)?)?;
    fs::rename(&half, &file)?;
    Ok(Registered(file))
}

/// The instances whose process is alive, the newest first. Files of dead ones are removed.
#[must_use]
pub fn alive(folder: &Path) -> Vec<Entry> {
    let mut entries: Vec<Entry> = files(folder).filter_map(|file| read(&file)).collect();
    entries.sort_by(|left, right| right.started.cmp(&left.started));
    entries
}

/// Forgets one whose process is alive, but is another.
pub fn forget(folder: &Path, entry: &Entry) {
    drop(Registered(file_of(folder, entry.pid)));
}

fn file_of(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("{pid}.json"))
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    found.filter(|path| path.extension().is_some_and(|extension| extension == "json"))
}

fn read(file: &Path) -> Option<Entry> {
    let mut text = String::new();
    fs::File::open(file).ok()?.take(FILE_LIMIT).read_to_string(&mut text).ok()?;
    let entry: Entry = serde_json::from_str(&text).ok()?;
    if is_alive(entry.pid) {
        return Some(entry);
    }
    drop(Registered(file.to_owned()));
    None
}

fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(process::Pid::from_raw) else { return false };
    // "Not permitted" is said of a process that is there.
    process::test_kill_process(pid) != Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn entry(pid: u32) -> Entry {
        Entry {
            pid,
            version: "0.1.0".into(),
            started: "2026-11-03T09:12:44Z".into(),
            db: Some("/tmp/../tmp".into()),
            addresses: vec![
                Listening { what: "grpc".into(), address: "127.0.0.1:4317".parse().unwrap() },
                Listening { what: "http".into(), address: "127.0.0.1:4318".parse().unwrap() },
            ],
        }
    }

    #[test]
    fn an_instance_is_known_until_it_closes_and_only_to_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state/instances");
        let registered = register(&folder, &entry(std::process::id())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&registered.0)), (0o700, 0o600));
        assert_eq!(alive(&folder), [entry(std::process::id())]);
        drop(registered);
        assert_eq!(alive(&folder), []);
    }

    #[test]
    fn the_dead_are_forgotten_and_what_is_no_entry_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        // Above every limit that Linux or macOS has for process ids.
        std::mem::forget(register(folder.path(), &entry(2_000_000_000)).unwrap());
        fs::write(folder.path().join("7.json"), "{}").unwrap();
        assert_eq!(alive(folder.path()), []);
        assert_eq!(files(folder.path()).count(), 1);
    }

    #[test]
    fn an_instance_is_found_by_the_file_it_holds() {
        assert!(entry(1).holds(Path::new("/tmp")) && !entry(1).holds(Path::new("/")));
        assert_eq!(entry(1).http(), Some("127.0.0.1:4318".parse().unwrap()));
    }
}
