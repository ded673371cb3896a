//! Has the engine open a file, and says whether it may.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use duckdb::{Config, Connection};

use super::error::OpenError;
use crate::store::schema::Fit;

/// Number of rows in a row group. A checkpoint rewrites row groups that are not full. With the engine's default of
/// 122,880 rows that took up to 370 ms for 40 MB of log, and the file was a quarter larger; with this it takes 80 ms.
pub const ROW_GROUP: usize = 30_720;

/// Memory that the engine may take: for rows that are only in the log yet, blocks of the file and what queries work with. It
/// keeps the blocks that it has read or written, so that after a while it takes as much as this.
pub const NARROW: &str = "112MB";
/// The same while something is read.
pub const READING: &str = "144MB";
/// The same for what needs more: reading what does not do with that, messages of some ten megabytes, the next checkpoint
/// after them, and the opening of a file.
pub const WIDE: &str = "256MB";

/// How the engine opens a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A file, to write and read it.
    Write,
    /// A file, only to read it.
    Read,
    Memory,
}

/// Attaches the file to an engine in memory: the size of row groups can only be chosen when a file is attached. The error
/// is the engine's, in words.
pub fn attach(path: &Path, access: Access) -> Result<Connection, String> {
    let quoted = quoted(path)?;
    let open = || {
        let connection = Connection::open_in_memory_with_flags(settings(access)?)?;
        match access {
            Access::Write => connection.execute_batch(&format!("set temp_directory = '{quoted}.tmp'"))?,
            Access::Read => {
                let folder = std::env::temp_dir().to_string_lossy().replace('\'', "''");
                connection.execute_batch(&format!("set temp_directory = '{folder}'"))?;
            }
            Access::Memory => {}
        }
        let options = match access {
            Access::Read => "read_only".to_owned(),
            Access::Write | Access::Memory => format!("row_group_size {ROW_GROUP}"),
        };
        connection.execute_batch(&format!(
            "attach '{quoted}' as store (type duckdb, {options}); use store;
             set enable_external_access = false"
        ))?;
        Ok(connection)
    };
    open().map_err(|error: duckdb::Error| error.to_string())
}

/// A path as it stands between quotes in a statement.
pub fn quoted(path: &Path) -> Result<String, String> {
    Ok(path.to_str().ok_or("its name is not UTF-8")?.replace('\'', "''"))
}

/// The engine's settings for a file, or for a database in memory.
pub fn settings(access: Access) -> duckdb::Result<Config> {
    let settings = Config::default()
        // What is stored comes from senders that are not trusted. So the engine loads no extensions from the network, and
        // once the file is attached it opens no other.
        .enable_autoload_extension(false)?
        .threads(2)?
        .with("preserve_insertion_order", "false")?
        // On macOS the other mode leaves what is synced in the disk's own memory.
        .with("fsync_mode", "full")?
        // Checkpoints are written by `checkpoint`, so that no commit has to wait for one.
        .with("checkpoint_threshold", "1TB")?;
    if access == Access::Memory {
        // All data is in memory, and there is no folder beside a file to spill into.
        settings.with("max_temp_directory_size", "0B")
    } else {
        settings.max_memory(WIDE)
    }
}

/// Refuses a file that the engine may not open.
pub fn check(path: &Path) -> Result<(), OpenError> {
    match is_database(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::NotAStore { path: path.to_owned() }),
        Err(error) => Err(OpenError::Unusable { path: path.to_owned(), why: error.to_string() }),
    }
}

/// Refuses a file whose tables this program cannot read.
pub fn fitting(path: &Path, fit: &Fit) -> Result<(), OpenError> {
    let path = path.to_owned();
    match *fit {
        Fit::Ready | Fit::Older(_) => Ok(()),
        Fit::Newer { found, known } => Err(OpenError::Newer { path, found, known }),
        Fit::Foreign => Err(OpenError::NotAStore { path }),
    }
}

/// Makes sure that a file that was moved is found after a loss of power.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Makes the file accessible to its owner only, whatever the umask was.
pub fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Whether the engine may open the file: there is none yet, or it has the engine's mark at its ninth byte.
///
/// This is checked before the engine opens it, because the engine loads an extension for some other files (those of
/// `SQLite`).
pub fn is_database(path: &Path) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut start = [0; 12];
    match file.read_exact(&mut start) {
        Ok(()) => Ok(&start[8..] == b"DUCK"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
