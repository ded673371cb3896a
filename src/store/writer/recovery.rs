//! How the writer goes on after a failure: of the engine, of the file, or of the disk.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use duckdb::Connection;
use tracing::{error, warn};

use super::{StoreWriter, next_rescue::NextRescue};
use crate::{
    model::{Changes, Rescue},
    store::{
        DatabaseError, lock, open, panic_text,
        rescue::{self, rescue},
    },
};

/// How long after the file could not be opened again it is tried once more.
const REOPENS: Duration = Duration::from_secs(2);

impl StoreWriter {
    /// Tests whether the engine still works after a failure. After a failed sync or checkpoint it does not: then all
    /// connections and the file are closed, and the file is opened again. Returns whether that was necessary.
    ///
    /// Where it cannot be opened, that is reported, and tried again after [`REOPENS`], also if nothing is submitted. Where a
    /// part of it could not be read, what can be is put right before it is opened. After an error of the disk all of the log
    /// is brought into the file before anything else is stored: the log is read from the system's memory, and nobody knows
    /// what of it the disk has; what would be appended after a gap would be lost with it.
    pub(super) fn recover(&mut self) -> bool {
        let probe = |connection: &Connection| Ok(connection.execute_batch("select value from meta")?);
        let is_damaged = std::mem::take(&mut self.is_damaged);
        // What was given up is read as it is, as long as the engine opens it.
        let path = self.database.path().filter(|_| is_damaged && self.reopens.is_none());
        let given_up = path.and_then(rescue::gave_up);
        let is_to_be_mended = is_damaged && given_up.is_none() && self.next_rescue.is_none_or(NextRescue::is_due);
        if let Some(why) = given_up {
            lock(&self.health).rescue = Some(Rescue::GivenUp(why));
        }
        if is_damaged && !is_to_be_mended {
            self.checkpointer.queue().damage_was_looked_at();
        }
        let is_whole = !is_to_be_mended && !self.is_unsure && self.reopens.is_none();
        if is_whole && self.connection.with(probe).is_ok() {
            return false;
        }
        error!("the store's engine gave up; opening the file again");
        self.stored_ids = None;
        self.summaries.clear();
        let (failed, opened) = if is_to_be_mended {
            self.mend()
        } else {
            // A statement of its own: who asks how the store does is not to wait until the file is open.
            let rescue = lock(&self.health).rescue.clone();
            (rescue, self.database.reopen())
        };
        match opened.and_then(|told| self.make_sure().map(|()| told)) {
            Ok(told) => {
                if told.is_some() {
                    lock(&self.health).damage = told;
                }
                self.reopens = None;
                let failing = self.load().err().map(|error| open::with_advice(error.to_string()));
                self.report(failing);
                // Whatever is shown may be an error of the time when nothing could be read.
                self.changes.add(Changes { all: true, ..Changes::default() });
            }
            Err(error) => {
                self.reopens = Some(Instant::now() + REOPENS);
                self.report(Some(open::with_advice(error.to_string())));
            }
        }
        lock(&self.health).rescue = failed;
        self.checkpointer.queue().damage_was_looked_at();
        true
    }

    /// After an error of the disk, brings the log into the file; fails while the disk does not take that.
    fn make_sure(&mut self) -> Result<(), DatabaseError> {
        if self.is_unsure {
            let _wide = self.database.wide();
            let run = |connection: &Connection| Ok(connection.execute_batch("force checkpoint store")?);
            if let Err(error) = self.connection.with(run) {
                // After a checkpoint that failed nothing can be read before it is opened again.
                drop(self.database.reopen());
                return Err(error);
            }
            self.is_unsure = false;
        }
        Ok(())
    }

    /// Whether the disk failed again after all was written anew, or does not take that.
    pub(super) fn is_disk_broken(&self) -> bool {
        self.is_unsure || self.disk_errors > 1
    }

    /// Puts right what can be in the file, or puts what can be read into a new one; opens it again, and says what came of it, or
    /// that the rescue failed.
    fn mend(&mut self) -> (Option<Rescue>, Result<Option<String>, DatabaseError>) {
        // Who sends meanwhile is told to come again.
        self.report(Some(Rescue::Running.says()));
        lock(&self.health).rescue = Some(Rescue::Running);
        let prices = &self.prices;
        let mend = |path: &Path| {
            or_its_panic(|| match open::put_right(path) {
                Some(righted) => Ok(Some(righted.says(path))),
                None => rescue(path, prices, &|says| warn!("{says}"))
                    .map(|rescued| rescued.map(|done| done.says(path)))
                    .map_err(|error| rescue::why(path, &error)),
            })
        };
        let (mended, reopened) = self.database.reopen_after(Rescue::Running.advice(), mend);
        let mended = mended.unwrap_or(Ok(None));
        self.next_rescue = (!matches!(mended, Ok(Some(_)))).then(|| NextRescue::after(self.next_rescue));
        let failed = mended.as_ref().err().cloned().map(Rescue::Failed);
        if let Some(failed) = &failed {
            error!("{}", failed.says());
        }
        let told = reopened.map(|told| {
            let said: Vec<String> = mended.ok().flatten().into_iter().chain(told).collect();
            (!said.is_empty()).then(|| said.join("; "))
        });
        (failed, told)
    }

    /// When a rescue that failed is tried again; `None` if none did.
    pub(super) fn rescues_again(&self) -> Option<Instant> {
        let has_failed = matches!(lock(&self.health).rescue, Some(Rescue::Failed(_)));
        self.next_rescue.filter(|_| has_failed).map(NextRescue::at)
    }

    /// Has a rescue that failed tried again, if that is due, and the disk may have room for it.
    pub(super) fn rescue_again(&mut self) {
        if self.rescues_again().is_none_or(|at| at > Instant::now()) {
            return;
        }
        if self.database.path().is_some_and(rescue::lacks_room) {
            self.next_rescue = self.next_rescue.map(NextRescue::put_off);
        } else {
            self.is_damaged = true;
        }
    }

    /// Why nothing can be stored before the file is opened again; `None` if it is open, or now to be opened.
    pub(super) fn away(&self) -> Option<String> {
        self.reopens.filter(|at| *at > Instant::now())?;
        lock(&self.health).failing.clone()
    }
}

/// Does some work. The text of a panic is an error as well: the file has to be opened again after it.
fn or_its_panic<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_text(&*panic)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Place, pool::Database};

    #[test]
    fn after_a_panic_in_a_rescue_the_file_is_open_again() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&Place::File(folder.path().join("a.duckdb"))).unwrap();
        let work = |_: &Path| or_its_panic(|| -> Result<(), String> { panic!("on purpose") });
        let (done, opened) = database.reopen_after("a rescue", work);
        assert_eq!(done, Some(Err("a panic: on purpose".to_owned())));
        assert_eq!(opened.map_err(|error| error.to_string()), Ok(None));
        let reads = |connection: &Connection| Ok(connection.execute_batch("select value from meta")?);
        database.pooled().with(reads).unwrap();
    }
}
