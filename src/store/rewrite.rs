//! Writes the file of a store anew, so that it has no more blocks than what is stored needs.
//!
//! ```text
//!   open, bring the log into it, close ─▶ copy into a new file beside it ─▶ compare both ─▶ put it in the old one's place
//! ```
//!
//! Nobody else may have it open. Until the new file is complete and on the disk the old one is left as it is: whatever
//! happens before, nothing is lost, and what happens after finds the new one.

use std::{
    fs::{self, File, Metadata},
    io,
    path::Path,
};

use duckdb::Connection;
use rustix::fs::{FlockOperation, fcntl_lock};

use super::{
    DatabaseError, OpenError, Place,
    compaction::Blocks,
    log_file::{files_beside, with_suffix},
    open::{Access, Lock, ROW_GROUP, make_private, quoted, settings, sync_folder, whole_path},
    pool::Database,
    removal::TABLES,
};

/// Bytes that have to be left on the disk beside the new file.
const SPARE: u64 = 16 << 20;

/// The size of a file that was written anew, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    pub before: u64,
    pub after: u64,
}

/// Writes the file of a store anew. Where that makes it no smaller, it is left as it is.
///
/// # Errors
/// Another process has it open, it cannot be opened or read whole, or the disk has no room for two of it. Then it is as it
/// was.
pub fn rewrite(path: &Path) -> Result<Rewritten, OpenError> {
    let path = &whole_path(path)?;
    let unusable = |why: String| OpenError::Unusable { path: path.clone(), why };
    let database = Database::open(&Place::File(path.clone()))?;
    let settle = |connection: &Connection| {
        connection.execute_batch("force checkpoint store")?;
        Blocks::of(connection)
    };
    let settled = database.pooled().with(settle);
    let free = database.free_bytes();
    database.close();
    let _alone = Lock::take(path)?;
    let blocks = settled.map_err(|error| unusable(error.to_string()))?;
    let needed = blocks.used.saturating_mul(blocks.bytes).saturating_add(SPARE);
    if let Some(free) = free.filter(|free| *free < needed) {
        return Err(unusable(format!("writing it anew needs {} MiB, the disk has {}", needed >> 20, free >> 20)));
    }
    let new = with_suffix(path, ".compact");
    let written = write(path, &new).map_err(unusable);
    if written.is_err() {
        // There may be none.
        drop(fs::remove_file(with_suffix(&new, ".wal")));
        drop(fs::remove_file(&new));
    }
    written
}

/// Copies a store that has no log into a new file, and puts that in its place.
fn write(path: &Path, new: &Path) -> Result<Rewritten, String> {
    let io = |error: io::Error| error.to_string();
    for left_over in [new.to_owned(), with_suffix(new, ".wal")] {
        match fs::remove_file(left_over) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    let connection = attach_beside(path, false, new, "compact")?;
    // While it is attached nobody writes to it.
    let state = State::of(path).map_err(io)?;
    copy(&connection).map_err(|error| error.to_string())?;
    drop(connection);
    make_private(new).map_err(io)?;
    File::open(new).and_then(|new| new.sync_all()).map_err(io)?;
    let sizes = Rewritten { before: state.file.len(), after: fs::metadata(new).map_err(io)?.len() };
    if sizes.after >= sizes.before {
        fs::remove_file(new).map_err(io)?;
        return Ok(Rewritten { after: sizes.before, ..sizes });
    }
    // From here on nobody else may open the old file; and nobody did meanwhile.
    let old = File::options().read(true).write(true).open(path).map_err(io)?;
    fcntl_lock(&old, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| "another process has opened it".to_owned())?;
    if State::of(path).map_err(io)? != state {
        return Err("another process has written to it meanwhile".to_owned());
    }
    fs::rename(new, path).and_then(|()| sync_folder(path)).map_err(io)?;
    drop(old);
    Ok(sizes)
}

/// Opens a store to read it, and beside it a new file by this name. A store that `has_log` is opened to be written.
pub fn attach_beside(path: &Path, has_log: bool, new: &Path, name: &str) -> Result<Connection, String> {
    let (path, new, access) = (quoted(path)?, quoted(new)?, if has_log { "" } else { ", read_only" });
    let open = || {
        let connection = Connection::open_in_memory_with_flags(settings(Access::Write)?)?;
        connection.execute_batch(&format!(
            "set temp_directory = '{new}.tmp';
             attach '{path}' as store (type duckdb{access});
             attach '{new}' as {name} (type duckdb, row_group_size {ROW_GROUP});
             set enable_external_access = false"
        ))?;
        Ok(connection)
    };
    open().map_err(|error: duckdb::Error| error.to_string())
}

/// What changes when somebody writes to a store.
struct State {
    file: Metadata,
    has_log: bool,
}

impl State {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { file: fs::metadata(path)?, has_log: !files_beside(path)?.is_empty() })
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let is_same = self.file.len() == other.file.len() && self.file.modified().ok() == other.file.modified().ok();
        is_same && !self.has_log && !other.has_log
    }
}

/// Copies all tables, and makes sure that each has the same rows in both files.
fn copy(connection: &Connection) -> Result<(), DatabaseError> {
    connection.execute_batch("copy from database store to compact; force checkpoint compact")?;
    for table in TABLES.into_iter().chain(["meta"]) {
        let rows = |file: &str| {
            let sql = format!("select count(*)::ubigint, bit_xor(hash(whole)) from {file}.{table} as whole");
            connection.query_row(&sql, [], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Option<u64>>(1)?)))
        };
        if rows("store")? != rows("compact")? {
            return Err(DatabaseError::Away(format!("the copy of its table {table} is not the same")));
        }
    }
    Ok(connection.execute_batch("detach compact")?)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::{
        model::{Limits, Removal},
        store::{
            Store, StoreHealth,
            tests::{
                removal::{counts, fill},
                rows, send, span,
            },
        },
    };

    fn opened(path: &Path) -> Store {
        Store::open(&Place::File(path.to_owned()), Arc::default()).unwrap()
    }

    #[test]
    fn a_file_that_is_written_anew_has_the_same_in_it_and_is_smaller() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let store = opened(&path);
        // Rows longer than a block, which are not moved while the store is open.
        fill(&store, 0..24);
        send(&store, (1..50).map(|id| span("kept", id).with_prompt(&format!("Hello {id}"))));
        let limits = Limits { runs: Some(3), ..Limits::default() };
        store.remove(Removal::Beyond(limits)).unwrap();
        let before: BTreeMap<String, u64> = counts(&store);
        let raw = store.raw_spans(&[crate::store::tests::trace("kept")]).unwrap();
        store.close();
        let size = fs::metadata(&path).unwrap().len();
        let rewritten = rewrite(&path).unwrap();
        assert_eq!((rewritten.before, rewritten.after), (size, fs::metadata(&path).unwrap().len()));
        assert!(rewritten.after < size / 2, "{rewritten:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let store = opened(&path);
        assert_eq!((counts(&store), store.raw_spans(&[crate::store::tests::trace("kept")]).unwrap()), (before, raw));
        send(&store, [span("kept", 60)]);
        assert_eq!(
            (rows(&store, "kept").spans.len(), store.health()),
            (50, StoreHealth { summaries_due: Some(0), ..StoreHealth::default() })
        );
        store.close();
        // A second time there is nothing to be gained.
        rewrite(&path).unwrap();
        let again = rewrite(&path).unwrap();
        assert_eq!(again.before, again.after);
    }

    #[test]
    fn a_store_that_cannot_be_copied_whole_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let store = opened(&path);
        fill(&store, 0..4);
        store.close();
        // Two bytes of a block that cannot be put right.
        let mut damaged = fs::read(&path).unwrap();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x55;
        damaged[middle + 1000] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        assert!(rewrite(&path).unwrap_err().to_string().contains("checksum"));
        assert_eq!(fs::metadata(&path).unwrap().len(), damaged.len() as u64);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
