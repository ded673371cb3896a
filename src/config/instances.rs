//! The registry of running instances: one small file for each, by which other commands find it.
//!
//! An instance writes its file once it listens, holds a lock on it while it runs, and removes it when it closes. If it is
//! killed its file stays without the lock; whichever process reads the folder next removes it. The lock tells that more
//! surely than the process id, which another process may have by now, and which means nothing in another container.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::Secret;

/// Most bytes that are read of an entry; those of real ones are a few hundred.
const FILE_LIMIT: u64 = 64 * 1024;

/// One running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub pid: u32,
    pub version: String,
    /// When it was started, in RFC 3339.
    pub started: String,
    /// The file of its store; `None` for a store in memory.
    pub db: Option<PathBuf>,
    pub addresses: Vec<Listening>,
    /// The Unix socket at which it answers commands that only read the store; `None` if it answers none.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    /// What requests to its addresses need; only this user can read the file.
    #[serde(default)]
    pub token: Option<Secret>,
}

/// One address that an instance listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// `grpc`, `http` or `sideseat`.
    pub what: String,
    pub address: SocketAddr,
}

impl Entry {
    /// The address at which it accepts OTLP over HTTP; `None` if it does not.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        let listening = self.addresses.iter().find(|listening| listening.what != "grpc")?;
        Some(reached(listening.address))
    }

    /// The address at which one of its listeners is reached: `grpc`, `http` or `sideseat`; `None` if it is turned off.
    #[must_use]
    pub fn at(&self, what: &str) -> Option<SocketAddr> {
        let listening = self.addresses.iter().find(|listening| listening.what == what)?;
        Some(reached(listening.address))
    }

    /// Whether its store is this file, also if the two paths to it differ.
    #[must_use]
    pub fn holds(&self, db: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        self.db.as_deref().is_some_and(|held| real(held) == real(db))
    }
}

/// What listens on all addresses is reached at that of this machine.
#[must_use]
pub fn reached(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Keeps an instance registered; removes its file when it is dropped.
#[derive(Debug)]
pub struct Registered {
    file: PathBuf,
    /// The open file, whose lock says that the instance is alive.
    _lock: fs::File,
}

impl Drop for Registered {
    fn drop(&mut self) {
        // Another process may have removed it already.
        let _ = fs::remove_file(&self.file);
    }
}

/// Registers this instance.
///
/// # Errors
/// The file cannot be written. The instance works all the same, but `run` and `import` do not find it.
pub fn register(folder: &Path, entry: &Entry) -> io::Result<Registered> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // An instance in another container may have the same process id.
    let names = (0..).map(|number| match number {
        0 => folder.join(format!("{}.json", entry.pid)),
        _ => folder.join(format!("{}-{number}.json", entry.pid)),
    });
    let file = names.into_iter().find(|file| !is_alive(file)).ok_or(io::ErrorKind::AlreadyExists)?;
    // Written under another name and renamed, so that no process reads half a file.
    let half = folder.join(format!("{}.new", entry.pid));
    let mut writing = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    writing.write_all(&serde_json::to_vec_pretty(entry)?)?;
    flock(&writing, FlockOperation::NonBlockingLockExclusive)?;
    fs::rename(&half, &file)?;
    Ok(Registered { file, _lock: writing })
}

/// The registered instances that are alive, the newest first. The files of others are removed.
#[must_use]
pub fn alive(folder: &Path) -> Vec<Entry> {
    let mut entries: Vec<Entry> = files(folder).filter_map(|file| read(&file)).collect();
    entries.sort_by(|left, right| right.started.cmp(&left.started));
    entries
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    found.filter(|path| path.extension().is_some_and(|extension| extension == "json"))
}

fn read(file: &Path) -> Option<Entry> {
    let mut text = String::new();
    fs::File::open(file).ok()?.take(FILE_LIMIT).read_to_string(&mut text).ok()?;
    let entry: Entry = serde_json::from_str(&text).ok()?;
    if is_alive(file) {
        return Some(entry);
    }
    // Another process may have removed them already.
    let _ = fs::remove_file(file);
    if let Some(socket) = entry.socket {
        let _ = fs::remove_file(socket);
    }
    None
}

/// Whether an instance holds the lock on its file. Where the file system has no locks, none counts as alive.
fn is_alive(file: &Path) -> bool {
    let Ok(open) = fs::File::open(file) else { return false };
    flock(&open, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
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
            socket: None,
            token: None,
        }
    }

    #[test]
    fn an_instance_is_known_until_it_closes_and_only_to_its_user() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state/instances");
        let registered = register(&folder, &entry(std::process::id())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&registered.file)), (0o700, 0o600));
        assert_eq!(alive(&folder), [entry(std::process::id())]);
        drop(registered);
        assert_eq!(alive(&folder), []);
    }

    #[test]
    fn the_dead_are_forgotten_and_what_is_no_entry_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("5.sock");
        fs::write(&socket, "").unwrap();
        let killed = Entry { socket: Some(socket.clone()), ..entry(std::process::id()) };
        let killed = serde_json::to_vec(&killed).unwrap();
        fs::write(folder.path().join("5.json"), killed).unwrap();
        fs::write(folder.path().join("7.json"), "{}").unwrap();
        assert_eq!(alive(folder.path()), []);
        assert_eq!(files(folder.path()).count(), 1);
        assert!(!socket.exists());
    }

    #[test]
    fn instances_with_one_process_id_do_not_remove_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let first = register(folder.path(), &entry(1)).unwrap();
        let second = register(folder.path(), &Entry { db: None, ..entry(1) }).unwrap();
        assert_eq!(alive(folder.path()).len(), 2);
        drop(first);
        assert_eq!(alive(folder.path()), [Entry { db: None, ..entry(1) }]);
        drop(second);
    }

    #[test]
    fn an_instance_is_found_by_the_file_it_holds() {
        assert!(entry(1).holds(Path::new("/tmp")) && !entry(1).holds(Path::new("/")));
        assert_eq!(entry(1).http(), Some("127.0.0.1:4318".parse().unwrap()));
    }
}
