//! Opens the file: checks that it is a store of this program, that no other process holds it, and migrates its tables.

mod attaching;
mod error;
mod lock;
mod making;

use std::{
    fs,
    path::{Path, PathBuf},
};

use duckdb::Connection;
use tracing::warn;

pub use super::engine_errors::{is_corrupt, is_disk_error, is_out_of_memory, with_advice};
use super::{
    DatabaseError, Place,
    file_blocks::{self, RightedBytes},
    log_file::{self, Mended},
    reprice, reserve, schema,
};
pub use attaching::{
    Access, NARROW, READING, ROW_GROUP, WIDE, attach, check, fitting, make_private, quoted, settings, sync_folder,
};
pub use error::{OpenError, refused};
pub use lock::{Lock, is_being_rescued};
use making::make;
pub use making::make_at;

impl Place {
    /// The same with a path from the root: the engine reads some relative paths, such as `name:path`, as something else
    /// than a file.
    pub(super) fn whole(self) -> Result<Self, OpenError> {
        match self {
            Self::Memory => Ok(Self::Memory),
            Self::File(path) => whole_path(&path).map(Self::File),
        }
    }
}

/// A path from the root to the file itself, past the symbolic links that stand for it. So the files beside it are beside
/// the file, and a link whose file is not there yet stays one.
pub fn whole_path(path: &Path) -> Result<PathBuf, OpenError> {
    const MOST: usize = 40;
    let unusable = |why: String| OpenError::Unusable { path: path.to_owned(), why };
    let mut whole = std::path::absolute(path).map_err(|error| unusable(error.to_string()))?;
    for _ in 0..MOST {
        let Ok(target) = fs::read_link(&whole) else { return Ok(whole) };
        whole = whole.parent().unwrap_or(Path::new("/")).join(target);
    }
    Err(unusable("too many symbolic links stand for it".to_owned()))
}

/// A file that was opened.
#[derive(Debug)]
pub struct Opened {
    pub connection: Connection,
    /// What was wrong with its log, if anything was.
    pub mended: Option<Mended>,
    /// What was put right in the file, if anything was wrong.
    pub righted: Option<RightedBytes>,
}

/// Opens the file, or a database in memory, and brings its tables up to date. The path is [`Place::whole`].
pub fn connect(place: &Place) -> Result<Opened, OpenError> {
    let path = match place {
        Place::File(path) => path.clone(),
        Place::Memory => PathBuf::from(":memory:"),
    };
    let is_file = matches!(place, Place::File(_));
    let (mut righted, mut mended) = (None, None);
    let _alone = if is_file {
        prepare_folder(&path)?;
        Lock::take_to_open(&path)?
    } else {
        None
    };
    if is_file {
        make(&path)?;
        check(&path)?;
        reserve::release(&path);
        mended = self::mended(&path)?;
    }
    let access = if is_file { Access::Write } else { Access::Memory };
    let open = || {
        let connection = attach(&path, access)?;
        let fit = schema::migrate(&connection).map_err(|error: DatabaseError| error.to_string())?;
        Ok((connection, fit))
    };
    let mut attached = open();
    if is_file && attached.as_ref().is_err_and(|why: &String| is_corrupt(why)) {
        righted = put_right(&path);
        if righted.is_some() {
            attached = open();
        }
    }
    let (connection, fit) = attached.map_err(|why| refused(&path, &why))?;
    if is_file {
        make_private(&path).map_err(|error| OpenError::Unusable { path: path.clone(), why: error.to_string() })?;
    }
    fitting(&path, &fit)?;
    reprice::note_version(&connection);
    if is_file {
        // What was read of a long log may take more; then it is narrowed after the first checkpoint.
        drop(connection.execute_batch(&format!("set memory_limit = '{NARROW}'")));
    }
    Ok(Opened { connection, mended, righted })
}

/// Puts right what has changed in the file, which is not open. If that fails, the engine says what is wrong with it.
pub fn put_right(path: &Path) -> Option<RightedBytes> {
    let righted = file_blocks::put_right(path).unwrap_or_else(|error| {
        warn!(%error, "the store's file was not looked through for changed bytes");
        None
    });
    if let Some(righted) = &righted {
        warn!("{}", righted.says(path));
    }
    righted
}

/// Mends the log of the file.
fn mended(path: &Path) -> Result<Option<Mended>, OpenError> {
    let mended = log_file::mend(path).map_err(|error| OpenError::Unusable {
        path: path.to_owned(),
        why: format!("its log is damaged, and cannot be kept as it is: {error}"),
    })?;
    if let Some(mended) = &mended {
        warn!("{}", mended.says(path));
    }
    Ok(mended)
}

/// Opens the file to read it: nothing is written, and its tables are left as they are.
pub fn connect_to_read(path: &Path) -> Result<Connection, OpenError> {
    let path = whole_path(path)?;
    check(&path)?;
    let connection = attach(&path, Access::Read).map_err(|why| refused(&path, &why))?;
    match schema::fit(&connection) {
        Ok(fit) => fitting(&path, &fit).map(|()| connection),
        Err(error) => Err(OpenError::Unusable { path, why: with_advice(error.to_string()) }),
    }
}

/// Another connection to the file that a connection has open.
pub fn another(connection: &Connection) -> duckdb::Result<Connection> {
    let another = connection.try_clone()?;
    another.execute_batch("use store")?;
    Ok(another)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_the_store_is_made_where_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        std::os::unix::fs::symlink("far/b.duckdb", at("a.duckdb")).unwrap();
        std::os::unix::fs::symlink(at("a.duckdb"), at("c.duckdb")).unwrap();
        drop(connect(&Place::File(at("c.duckdb")).whole().unwrap()).unwrap().connection);
        assert!(fs::symlink_metadata(at("a.duckdb")).unwrap().is_symlink() && at("far/b.duckdb").is_file());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        drop(connect_to_read(&at("c.duckdb")).unwrap());
        std::os::unix::fs::symlink("d.duckdb", at("d.duckdb")).unwrap();
        assert!(whole_path(&at("d.duckdb")).unwrap_err().to_string().contains("too many"));
    }

    fn refusal(path: &Path) -> String {
        connect(&Place::File(path.to_owned())).unwrap_err().to_string()
    }

    #[test]
    fn a_file_that_is_no_store_is_refused_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("text", &b"some notes of mine"[..]), ("lite", b"SQLite format 3\0....")] {
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
        let Opened { connection, .. } = connect(&Place::File(path.clone())).unwrap();
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
