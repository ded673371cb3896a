//! Makes the new file of a damaged store.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::warn;

use super::swap;
use crate::pricing::Prices;
use crate::store::{
    OpenError,
    file_blocks::wrong_blocks,
    log_file::{files_beside, with_suffix},
    open::{Lock, is_corrupt, make_at, sync_folder, whole_path, with_advice},
    pool::Database,
    salvage::{Salvaged, Source, read_all, salvage},
};

/// Bytes that have to be left on the disk beside the new file.
const SPARE: u64 = 16 << 20;
/// How often it is begun to put what can be read into a new file without coming to an end of it: what kills the program would
/// kill it at each start.
const TRIES: u64 = 3;
/// A file beside the store that has one byte for each time.
const TRIED: &str = ".salvaging-tries";

/// A store that was rescued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Where the old file is.
    pub kept: PathBuf,
    found: Found,
}

/// What is in the new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// What could be read.
    Salvaged(Salvaged),
    /// What an earlier process could read, which made the file.
    Earlier,
    /// Nothing: nothing could be read.
    Nothing,
    /// Nothing: it was not read any more, because that had broken off [`TRIES`] times.
    Unread,
}

impl Rescued {
    /// In words, what could not be read; `None` if all could.
    pub fn lost(&self) -> Option<String> {
        match self.found {
            Found::Salvaged(salvaged) => (!salvaged.is_all()).then(|| salvaged.lost()),
            Found::Earlier => None,
            Found::Nothing => Some("nothing of it can be read".to_owned()),
            Found::Unread => Some(format!("reading it has broken off {TRIES} times")),
        }
    }

    /// In words; `path` is the store.
    pub fn says(&self, path: &Path) -> String {
        // Both stand in one folder, and a line has to hold all of it.
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (path, whole, kept) = (name(path), self.kept.display(), name(&self.kept));
        match self.found {
            Found::Nothing => format!(
                "nothing of {path} could be read, which is damaged: a new store was begun; the old file is kept beside it as {kept}"
            ),
            Found::Unread => format!(
                "{path} is damaged, and reading it has broken off {TRIES} times: a new store was begun; the old file is kept \
                 beside it, and `sideseat-tui check --db {whole} --salvage NEW.duckdb` tries once more"
            ),
            Found::Earlier => format!(
                "{path} was damaged: what could be read is in a new file; the old one is kept beside it as {kept}"
            ),
            Found::Salvaged(salvaged) if salvaged.is_all() => format!(
                "a part of {path} could not be read, but nothing is lost: all is in a new file, the old one is kept beside \
                 it as {kept}"
            ),
            Found::Salvaged(salvaged) => format!(
                "a part of {path} could not be read: {}; all else is in a new file, the old one is kept beside it as {kept}",
                salvaged.lost()
            ),
        }
    }
}

/// Rescues a store that this process does not have open; `None` if there is nothing damaged about it. `says` is handed what
/// takes long, in words.
///
/// # Errors
/// Another process rescues it or has it open, the disk has no room, or the new file cannot be written. Then the store is as it
/// was.
pub fn rescue(path: &Path, prices: &Arc<Prices>, says: &dyn Fn(&str)) -> Result<Option<Rescued>, OpenError> {
    let path = &whole_path(path)?;
    let unusable = |why: String| OpenError::Unusable { path: path.clone(), why };
    let io = |error: io::Error| unusable(error.to_string());
    let _alone = Lock::take(path)?;
    // Another process may have rescued it meanwhile.
    let (making, made) = (with_suffix(path, ".salvaging"), with_suffix(path, ".salvaged"));
    let given_up = || gave_up(path).filter(|_| is_readable(path));
    if !made.exists()
        && let Some(why) = given_up()
    {
        return Err(unusable(why));
    }
    // Zeros count as whole, because blocks that hold nothing have them; the engine says whether it needs one of them.
    if wrong_blocks(path, u64::MAX).map_err(io)?.is_empty() && is_all_readable(path) {
        remove(&made).map_err(io)?;
        drop(fs::remove_file(with_suffix(path, TRIED)));
        return Ok(None);
    }
    if made.exists() && !is_newest(path, &made).map_err(io)? {
        // It was made before something else was stored, which is not in it.
        remove(&made).map_err(io)?;
    }
    if made.exists() {
        let kept = swap::swap(path, &made).map_err(io)?;
        drop(fs::remove_file(with_suffix(path, TRIED)));
        return Ok(Some(told(path, Rescued { kept, found: Found::Earlier })));
    }
    remove(&making).map_err(io)?;
    swap::remove_copies(path);
    require_room(path).map_err(unusable)?;
    let size = fs::metadata(path).map_err(io)?.len() >> 20;
    says(&format!(
        "a part of {} cannot be read: what can be is put into a new file ({size} MiB), which may take a while",
        path.display()
    ));
    let done = |found: Found| {
        File::open(&making).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&making, &made).and_then(|()| sync_folder(&made)).map_err(io)?;
        let kept = swap::swap(path, &made).map_err(io)?;
        Ok(told(path, Rescued { kept, found }))
    };
    let about = |error: OpenError| error.about(path, &making);
    let begin_anew = |found: Found| {
        remove(&making).map_err(io)?;
        make_at(&making).map_err(about)?;
        done(found).map(Some)
    };
    if let Some(why) = given_up() {
        return Err(unusable(why));
    }
    if tries_of(path) >= TRIES {
        drop(fs::remove_file(with_suffix(path, TRIED)));
        return begin_anew(Found::Unread);
    }
    match salvaged(path, &making, prices, |salvaged| done(Found::Salvaged(salvaged))) {
        Ok(rescued) => Ok(Some(rescued)),
        Err(OpenError::Unusable { why, .. }) if !made.exists() && is_of_what_is_read(&why) && !is_readable(path) => {
            warn!(why, "nothing of the damaged store can be read");
            begin_anew(Found::Nothing)
        }
        Err(error) => {
            // What was begun takes room.
            drop(remove(&making));
            Err(about(error))
        }
    }
}

/// Whether an error says that what is stored makes no sense, so that reading it again would fail again. All others may pass, as
/// those of memory and of files that are open.
fn is_of_what_is_read(why: &str) -> bool {
    // The engine may say the latter two of descriptions that are read though their checksum is wrong.
    is_corrupt(why) || ["Serialization Error", "INTERNAL Error"].iter().any(|said| why.contains(said))
}

/// Whether neither the store nor a log beside it was written after a new file.
fn is_newest(path: &Path, made: &Path) -> io::Result<bool> {
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified());
    let at = written(made)?;
    let logs = files_beside(path)?;
    Ok(written(path)? <= at && logs.iter().all(|log| written(log).is_ok_and(|written| written <= at)))
}

fn told(path: &Path, rescued: Rescued) -> Rescued {
    warn!("{}", rescued.says(path));
    rescued
}

/// Puts what can be read into a new file.
fn salvaged(
    path: &Path,
    making: &Path,
    prices: &Arc<Prices>,
    done: impl FnOnce(Salvaged) -> Result<Rescued, OpenError>,
) -> Result<Rescued, OpenError> {
    let tries = with_suffix(path, TRIED);
    let count = tries_of(path);
    // Where it cannot be written it is tried all the same.
    let begins = || drop(fs::write(&tries, vec![b'.'; usize::try_from(count + 1).unwrap_or(1)]));
    let source = Source::of_doubtful(path, || swap::folder_for_a_copy(path), &begins);
    let rescued = source.and_then(|source| {
        begins();
        salvage(&source, making, prices, done)
    });
    drop(fs::remove_file(&tries));
    rescued
}

/// Why a store is not rescued any more, if a part of it cannot be read, in words that begin with what can be done; `None` if it
/// is.
pub fn gave_up(path: &Path) -> Option<String> {
    let again = with_suffix(path, TRIED);
    (tries_of(path) >= TRIES)
        .then(|| format!("remove {} to have it tried again; it has broken off {TRIES} times", again.display()))
}

/// How often it was begun to read the store without that having come to an end.
fn tries_of(path: &Path) -> u64 {
    fs::metadata(with_suffix(path, TRIED)).map_or(0, |file| file.len())
}

/// Whether the engine opens the store as it is.
fn is_readable(path: &Path) -> bool {
    match crate::store::open::connect_to_read(path) {
        Err(OpenError::Unusable { why, .. }) => !is_corrupt(&why),
        Ok(_) | Err(_) => true,
    }
}

/// Whether the engine opens the store as it is and finds no checksum wrong in any of its rows.
fn is_all_readable(path: &Path) -> bool {
    match Database::open_to_read(path) {
        Ok(database) => can_be_read(&database),
        Err(OpenError::Unusable { why, .. }) => !is_corrupt(&why),
        Err(_) => true,
    }
}

/// Whether all that is stored can be read. What else fails than that says nothing about it.
pub fn can_be_read(database: &Arc<Database>) -> bool {
    let connection = database.pooled();
    let read = read_all(&connection, &|| Ok(()));
    connection.close();
    !read.is_err_and(|error| is_corrupt(&error.to_string()))
}

/// Room that the disk lacks for a rescue, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lack {
    needed: u64,
    free: u64,
}

impl Lack {
    /// What is lacking for so many files of the size of a store, which is not opened; `None` if nothing is.
    fn of(path: &Path, files: u64) -> io::Result<Option<Self>> {
        let mut bytes = fs::metadata(path)?.len();
        for log in files_beside(path)? {
            bytes = bytes.saturating_add(fs::metadata(log)?.len());
        }
        let needed = bytes.saturating_mul(files).saturating_add(SPARE);
        let Ok(disk) = rustix::fs::statvfs(path.parent().unwrap_or(Path::new("/"))) else { return Ok(None) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        Ok((free < needed).then_some(Self { needed: needed >> 20, free: free >> 20 }))
    }
}

/// How many files of the size of a store may have to be written: the new one, and where the descriptions of tables are wrong or
/// there is a log a copy of the old one.
fn files(path: &Path) -> io::Result<u64> {
    Ok(if is_readable(path) && files_beside(path)?.is_empty() { 1 } else { 2 })
}

/// Refuses where the disk has no room for what may have to be written.
fn require_room(path: &Path) -> Result<(), String> {
    match files(path).and_then(|files| Lack::of(path, files)) {
        Ok(None) => Ok(()),
        Ok(Some(Lack { needed, free })) => Err(with_advice(format!(
            "a part of it cannot be read, and putting what can into a new file needs {needed} MiB, of which the disk has \
             {free}: make room, or choose another file with --db"
        ))),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the disk surely has no room to rescue a store, which may be open in this process and is not opened.
pub fn lacks_room(path: &Path) -> bool {
    Lack::of(path, 1).is_ok_and(|lack| lack.is_some())
}

/// Why a store could not be rescued, in a few words that begin with what can be done. It is not open in this process.
pub fn why(path: &Path, error: &OpenError) -> String {
    if let Ok(Some(Lack { needed, free })) = files(path).and_then(|files| Lack::of(path, files)) {
        return format!("make room: a new file needs {needed} MiB, the disk has {free}");
    }
    match error {
        OpenError::Unusable { why, .. } => why.clone(),
        OpenError::Held { .. } => "another process has it open".to_owned(),
        error => error.to_string(),
    }
}

/// Removes a new file that was begun.
fn remove(making: &Path) -> io::Result<()> {
    for part in [with_suffix(making, ".wal"), making.to_owned()] {
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io::Error::new(error.kind(), format!("{} cannot be removed: {error}", part.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
