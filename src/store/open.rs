//! Opens the file: checks that it is a store of this program, that no other process holds it, and migrates its tables.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use duckdb::{Config, Connection};

use super::{
    DatabaseError, Place,
    schema::{self, Fit},
};

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open; `pid` is `None` if the engine cannot say which.
    #[error("{} is held by {}; stop that one, or choose another file with --db", .path.display(), holder(*.pid))]
    Held { path: PathBuf, pid: Option<u32> },
    #[error(
        "{} was made by a newer version (its tables are version {found}, this program knows {known}); \
         use that version, or choose another file with --db",
        .path.display()
    )]
    Newer { path: PathBuf, found: u64, known: u64 },
    #[error("{} is not a store of sideseat-tui; choose another file with --db", .path.display())]
    NotAStore { path: PathBuf },
    #[error("the folder {} cannot be made: {error}", .path.display())]
    Folder { path: PathBuf, error: io::Error },
    #[error("{} cannot be opened: {why}", .path.display())]
    Unusable { path: PathBuf, why: String },
}

/// The process that holds a file, in words.
fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("another process (pid {pid})"))
}

/// Number of rows in a row group. A checkpoint rewrites row groups that are not full. With the engine's default of
/// 122,880 rows that took up to 370 ms for 40 MB of log, and the file was a quarter larger; with this it takes 80 ms.
const ROW_GROUP: usize = 30_720;

/// Opens the file, or a database in memory, and brings its tables up to date.
pub fn connect(place: &Place) -> Result<Connection, OpenError> {
    let path = match place {
        // The engine reads some relative paths, such as `name:path`, as something else than a file.
        Place::File(path) => std::path::absolute(path)
            .map_err(|error| OpenError::Unusable { path: path.clone(), why: error.to_string() })?,
        Place::Memory => PathBuf::from(":memory:"),
    };
    let is_file = matches!(place, Place::File(_));
    if is_file {
        prepare_folder(&path)?;
        check(&path)?;
    }
    let access = if is_file { Access::Write } else { Access::Memory };
    let connection = attach(&path, access).map_err(|why| refused(&path, &why))?;
    let unusable = |why: String| OpenError::Unusable { path: path.clone(), why };
    if is_file {
        make_private(&path).map_err(|error| unusable(error.to_string()))?;
    }
    match schema::migrate(&connection).map_err(|error: DatabaseError| unusable(error.to_string()))? {
        Fit::Ready => Ok(connection),
        Fit::Newer { found, known } => Err(OpenError::Newer { path, found, known }),
        Fit::Foreign => Err(OpenError::NotAStore { path }),
    }
}

/// Opens the file to read it: nothing is written, and its tables are left as they are.
pub fn connect_to_read(path: &Path) -> Result<Connection, OpenError> {
    let path = std::path::absolute(path)
        .map_err(|error| OpenError::Unusable { path: path.to_owned(), why: error.to_string() })?;
    check(&path)?;
    let connection = attach(&path, Access::Read).map_err(|why| refused(&path, &why))?;
    match schema::newer(&connection) {
        Ok(None) => Ok(connection),
        Ok(Some((found, known))) => Err(OpenError::Newer { path, found, known }),
        Err(error) => Err(OpenError::Unusable { path, why: error.to_string() }),
    }
}

/// Refuses a file that the engine may not open.
fn check(path: &Path) -> Result<(), OpenError> {
    match is_database(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::NotAStore { path: path.to_owned() }),
        Err(error) => Err(OpenError::Unusable { path: path.to_owned(), why: error.to_string() }),
    }
}

/// How the engine opens a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// A file, to write and read it.
    Write,
    /// A file, only to read it.
    Read,
    Memory,
}

/// Another connection to the file that a connection has open.
pub fn another(connection: &Connection) -> duckdb::Result<Connection> {
    let another = connection.try_clone()?;
    another.execute_batch("use store")?;
    Ok(another)
}

/// Attaches the file to an engine in memory: the size of row groups can only be chosen when a file is attached. The error
/// is the engine's, in words.
fn attach(path: &Path, access: Access) -> Result<Connection, String> {
    let quoted = path.to_str().ok_or("its name is not UTF-8")?.replace('\'', "''");
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

/// The engine's settings for a file, or for a database in memory.
fn settings(access: Access) -> duckdb::Result<Config> {
    let settings = Config::default()
        // What is stored comes from senders that are not trusted. So the engine loads no extensions from the network, and
        // once the file is attached it opens no other.
        .enable_autoload_extension(false)?
        .threads(2)?
        .with("preserve_insertion_order", "false")?
        // Checkpoints are written by `checkpoint`, so that no commit has to wait for one.
        .with("checkpoint_threshold", "1TB")?;
    if access == Access::Memory {
        // All data is in memory, and there is no folder beside a file to spill into.
        settings.with("max_temp_directory_size", "0B")
    } else {
        settings.max_memory("256MB")
    }
}

/// Makes the folder of a file if there is none, accessible to its owner only.
fn prepare_folder(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| OpenError::Folder { path: folder.to_owned(), error })
}

/// Makes the file accessible to its owner only, whatever the umask was.
fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Whether the engine may open the file: there is none yet, or it has the engine's mark at its ninth byte.
///
/// This is checked before the engine opens it, because the engine loads an extension for some other files (those of
/// `SQLite`).
fn is_database(path: &Path) -> io::Result<bool> {
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

/// The error for the engine's message `why`. If another process holds the file and the engine knows which, the message
/// contains `… held in /usr/bin/x (PID 123)`.
fn refused(path: &Path, why: &str) -> OpenError {
    let path = path.to_owned();
    if why.contains("Could not set lock") || why.contains("Conflicting lock") {
        let pid = why.split_once("(PID ").and_then(|(_, rest)| rest.split(')').next()?.trim().parse().ok());
        return OpenError::Held { path, pid };
    }
    if why.contains("not a valid DuckDB database") {
        return OpenError::NotAStore { path };
    }
    OpenError::Unusable { path, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        connect(&Place::File(path.to_owned())).unwrap_err().to_string()
    }

    #[test]
    fn the_holder_is_read_from_the_engines_message() {
        let why = "IO Error: Could not set lock on file \"/a\": Conflicting lock is held in /bin/x (PID 123). See also";
        assert!(matches!(refused(Path::new("/a"), why), OpenError::Held { pid: Some(123), .. }));
        let why = "IO Error: Could not set lock on file \"/a\": Resource temporarily unavailable";
        assert!(matches!(refused(Path::new("/a"), why), OpenError::Held { pid: None, .. }));
    }

    #[test]
    fn a_file_that_is_no_store_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("empty", &b""[..]), ("text", b"some notes of mine"), ("lite", b"SQLite format 3\0....")]
        {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            assert!(refusal(&path).contains("is not a store"), "{name}: {}", refusal(&path));
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn a_newer_file_is_refused_by_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let connection = connect(&Place::File(path.clone())).unwrap();
        connection.execute_batch("update meta set value = 4711").unwrap();
        drop(connection);
        let both = format!("version 4711, this program knows {}", schema::STEPS.len());
        assert!(refusal(&path).contains(&both), "{}", refusal(&path));
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_file_are_made_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/a.duckdb");
        let _connection = connect(&Place::File(path.clone())).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    }
}
