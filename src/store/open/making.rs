//! Makes an empty store where there is none, so that nobody ever finds a part of one.

use std::{
    fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{
    attaching::{Access, attach, check, fitting, is_database, make_private, sync_folder},
    error::{OpenError, refused},
};
use crate::store::{log_file::with_suffix, schema};

/// Makes an empty store, if there is none: beside the path, and then moves it there. So neither a full disk nor a kill
/// leaves a part of one at the path.
pub fn make(path: &Path) -> Result<(), OpenError> {
    const PATIENCE: Duration = Duration::from_secs(5);
    const PAUSE: Duration = Duration::from_millis(20);
    /// The engine's lock on a file keeps other processes out, and not the other threads of this one.
    static ONE_THREAD: Mutex<()> = Mutex::new(());
    let unusable = |why: String| OpenError::Unusable { path: path.to_owned(), why };
    let _alone = ONE_THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    let new = with_suffix(path, ".new");
    let began = Instant::now();
    let mut left_over = new.exists();
    while is_unmade(path).map_err(|error| unusable(error.to_string()))? {
        match make_at(&new) {
            Ok(()) => {
                // Another process may have moved its own there meanwhile, and be using it.
                if !is_unmade(path).map_err(|error| unusable(error.to_string()))? {
                    let _ = fs::remove_file(&new);
                    return Ok(());
                }
                let moved = fs::rename(&new, path).and_then(|()| sync_folder(path));
                // Another process that found the new file complete may have moved it.
                return if path.exists() { Ok(()) } else { moved.map_err(|error| unusable(error.to_string())) };
            }
            // Another process is making it.
            Err(OpenError::Held { .. }) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Err(error @ (OpenError::Held { .. } | OpenError::NotAStore { .. } | OpenError::Newer { .. })) => {
                return Err(error);
            }
            Err(error) => {
                for part in [with_suffix(&new, ".wal"), new.clone()] {
                    // There may be none.
                    let _ = fs::remove_file(part);
                }
                // What an earlier start left may be broken; what this one made is not.
                if !std::mem::take(&mut left_over) {
                    return Err(error.about(path, &new));
                }
            }
        }
    }
    Ok(())
}

/// Makes an empty store at this path, and closes it.
pub fn make_at(new: &Path) -> Result<(), OpenError> {
    let unusable = |why: String| OpenError::Unusable { path: new.to_owned(), why };
    let is_unmade = is_unmade(new).map_err(|error| unusable(error.to_string()))?;
    if !is_unmade {
        check(new)?;
    }
    let connection = attach(new, Access::Write).map_err(|why| match refused(new, &why) {
        // The engine calls a part of a file that.
        OpenError::NotAStore { .. } if is_unmade => unusable(why),
        error => error,
    })?;
    let made = || {
        make_private(new).map_err(|error| error.to_string())?;
        let fit = schema::migrate(&connection).map_err(|error| error.to_string())?;
        connection.execute_batch("force checkpoint store").map_err(|error| error.to_string())?;
        Ok(fit)
    };
    fitting(new, &made().map_err(unusable)?)
}

/// Whether there is no store at a path: no file, or the beginning of one in which nothing can be stored yet. Versions that
/// did not make a store aside left such beginnings when the disk was full.
fn is_unmade(path: &Path) -> io::Result<bool> {
    /// Three headers, which the engine writes first.
    const HEADERS: u64 = 3 * 4096;
    let length = match fs::metadata(path) {
        Ok(file) if !file.is_file() => return Ok(false),
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let has_log = fs::metadata(with_suffix(path, ".wal")).is_ok_and(|log| log.len() > 0);
    Ok(!has_log && (length == 0 || (length < HEADERS && is_database(path)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        Place,
        open::{Opened, connect},
        schema::Fit,
    };

    #[test]
    fn what_a_full_disk_left_of_a_store_is_made_whole() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole.duckdb");
        drop(connect(&Place::File(whole.clone())).unwrap().connection);
        let whole = fs::read(whole).unwrap();
        for length in [0, 4096, 8192] {
            for name in ["a.duckdb", "b.duckdb.new"] {
                let path = folder.path().join(name);
                fs::write(&path, &whole[..length]).unwrap();
                let store = folder.path().join(name.trim_end_matches(".new"));
                let Opened { connection, .. } = connect(&Place::File(store.clone())).unwrap();
                assert_eq!(schema::fit(&connection).unwrap(), Fit::Ready);
                drop(connection);
                assert!(!with_suffix(&store, ".new").exists());
                fs::remove_file(store).unwrap();
            }
        }
    }

    #[test]
    fn several_that_make_one_store_at_once_all_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| make(&path).unwrap());
            }
        });
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(schema::fit(&connect(&Place::File(path)).unwrap().connection).unwrap(), Fit::Ready);
    }
}
