//! The file that is read of a damaged store: the store itself, or a copy in which more of it can be read.
//!
//! A copy is needed where there is a log, which the engine would bring into the file; where the tables are those of an older
//! version; and where a block with the descriptions of tables and rows is wrong. Without that the engine finds nothing of
//! what stands behind it, though most of that is whole. So in the copy it is read as it is: one of its bytes is another than
//! was written, and what cannot be read because of that is lost. Blocks of rows whose checksum is wrong are not read.

use std::{
    fs,
    path::{Path, PathBuf},
};

use duckdb::Connection;
use tempfile::TempDir;

use crate::store::{
    DatabaseError, OpenError, Place,
    file_blocks::{WrongBlock, accept, refuse, wrong_blocks},
    log_file::files_beside,
    open::{self, Access, attach, check, fitting, is_corrupt, refused, whole_path},
    schema::{self, Fit},
};

/// What is read of a store, closed.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    /// In words, what is wrong with the log; `None` if nothing is.
    pub log: Option<String>,
    /// Whether a block that describes tables or rows is read as it is.
    pub is_doubtful: bool,
    /// Whether a byte of it had changed that could be put right in the copy.
    pub is_righted: bool,
    /// The folder of the copy, which is removed with this.
    copy: Option<TempDir>,
}

impl Source {
    /// Whether it is a copy.
    pub fn is_copy(&self) -> bool {
        self.copy.is_some()
    }

    /// Finds out how a store is best read; a copy is made by `folder`.
    pub fn of(path: &Path, folder: impl FnOnce() -> std::io::Result<TempDir>) -> Result<Self, OpenError> {
        Self::of_doubtful(path, folder, &|| ())
    }

    /// The same; `begins` is called before a block that describes tables or rows is read as it is, which may end the program.
    pub fn of_doubtful(
        path: &Path,
        folder: impl FnOnce() -> std::io::Result<TempDir>,
        begins: &dyn Fn(),
    ) -> Result<Self, OpenError> {
        let path = &whole_path(path)?;
        let unusable = |why: String| OpenError::Unusable { path: path.clone(), why };
        let io = |error: std::io::Error| unusable(error.to_string());
        let beside = files_beside(path).map_err(io)?;
        check(path)?;
        match attach(path, Access::Read).map_err(|why| refused(path, &why)) {
            Ok(connection) => {
                let fit = schema::fit(&connection);
                fit.as_ref().map_or(Ok(()), |fit| fitting(path, fit))?;
                // Where it cannot be told it will be: older versions are seldom.
                let is_ready = fit.is_ok_and(|fit| fit == Fit::Ready) || !is_readable(&connection);
                if beside.is_empty() && is_ready && !has_wrong_descriptions(&connection, path) {
                    return Ok(Self {
                        path: path.clone(),
                        log: None,
                        is_doubtful: false,
                        is_righted: false,
                        copy: None,
                    });
                }
            }
            Err(error @ (OpenError::Held { .. } | OpenError::NotAStore { .. })) => return Err(error),
            // The copy says why.
            Err(_) => {}
        }
        let copy = folder().map_err(io)?;
        for file in std::iter::once(path).chain(&beside) {
            let name = file.file_name().unwrap_or_default();
            fs::copy(file, copy.path().join(name)).map_err(io)?;
        }
        let copied = copy.path().join(path.file_name().unwrap_or_default());
        // Brings the log into it, and makes today's tables.
        let opened = open::connect(&Place::File(copied.clone())).map(|opened| (opened.mended, opened.righted));
        let (mended, righted) = opened.unwrap_or_default();
        let log = mended
            .map(|mended| format!("its last {} of {} bytes cannot be read", mended.length - mended.at, mended.length));
        let is_doubtful =
            !attach(&copied, Access::Write).is_ok_and(|connection| !has_wrong_descriptions(&connection, &copied));
        if is_doubtful {
            begins();
            read_as_it_is(&copied).map_err(|error| error.about(path, &copied))?;
        }
        Ok(Self { path: copied, log, is_doubtful, is_righted: righted.is_some(), copy: Some(copy) })
    }

    /// Opens it.
    pub fn open(&self) -> Result<Connection, OpenError> {
        let access = if self.is_copy() { Access::Write } else { Access::Read };
        attach(&self.path, access).map_err(|why| refused(&self.path, &why))
    }
}

/// Whether the version of the tables can be read.
fn is_readable(connection: &Connection) -> bool {
    !schema::fit(connection).is_err_and(|error| is_corrupt(&error.to_string()))
}

/// Whether a block that describes tables or rows of an open store is wrong.
fn has_wrong_descriptions(connection: &Connection, path: &Path) -> bool {
    let Ok(wrong) = wrong_blocks(path, u64::MAX) else { return true };
    !wrong.is_empty()
        && !descriptions(connection).is_ok_and(|blocks| !wrong.iter().any(|wrong| is_description(wrong, &blocks)))
}

/// The numbers of the blocks that describe tables and rows.
fn descriptions(connection: &Connection) -> Result<Vec<i64>, DatabaseError> {
    let mut statement = connection.prepare("select block_id::bigint from pragma_metadata_info('store')")?;
    let blocks = statement.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>();
    Ok(blocks?)
}

fn is_description(wrong: &WrongBlock, blocks: &[i64]) -> bool {
    wrong.number().is_none_or(|number| i64::try_from(number).is_ok_and(|number| blocks.contains(&number)))
}

/// Has the engine read the wrong blocks of a copy that describe tables and rows as they are.
fn read_as_it_is(copied: &Path) -> Result<(), OpenError> {
    let io = |error: std::io::Error| OpenError::Unusable { path: copied.to_owned(), why: error.to_string() };
    let wrong = wrong_blocks(copied, u64::MAX).map_err(io)?;
    accept(copied, &wrong).map_err(io)?;
    let connection = attach(copied, Access::Write).map_err(|why| refused(copied, &why))?;
    let blocks = descriptions(&connection).unwrap_or_default();
    drop(connection);
    let of_rows: Vec<WrongBlock> = wrong.into_iter().filter(|wrong| !is_description(wrong, &blocks)).collect();
    refuse(copied, &of_rows).map_err(io)
}
