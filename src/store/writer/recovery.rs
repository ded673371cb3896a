//! How the writer goes on after a failure: of the engine, of the file, or of the disk.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use duckdb::Connection;
use tracing::{error, warn};

use super::StoreWriter;
use crate::{
    model::Changes,
    store::{DatabaseError, lock, open, rescue::rescue},
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
        let is_to_be_mended = std::mem::take(&mut self.is_damaged) && !self.is_beyond_repair;
        let is_whole = !is_to_be_mended && !self.is_unsure && self.reopens.is_none();
        if is_whole && self.connection.with(probe).is_ok() {
            return false;
        }
        error!("the store's engine gave up; opening the file again");
        self.stored_ids = None;
        self.summaries.clear();
        let opened = if is_to_be_mended { self.mend() } else { self.database.reopen() };
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

    /// Puts right what can be in the file, or puts what can be read into a new one; opens it again, and says what came of it.
    fn mend(&mut self) -> Result<Option<String>, DatabaseError> {
        let path = self.database.path().unwrap_or(Path::new("")).display().to_string();
        // Who sends meanwhile is told to come again.
        self.report(Some(format!("a part of {path} cannot be read; what can be is being put into a new file")));
        let prices = &self.prices;
        let mend = |path: &Path| match open::put_right(path) {
            Some(righted) => Ok(Some(righted.says(path))),
            None => rescue(path, prices, &|says| warn!("{says}")).map(|rescued| rescued.map(|done| done.says(path))),
        };
        let why = "a part of it cannot be read; what can be is being put into a new file";
        let reopened = self.database.reopen_after(why, mend);
        self.checkpointer.queue().damage_was_looked_at();
        let (mended, told) = reopened?;
        let mended = mended.unwrap_or(Ok(None));
        self.is_beyond_repair = !matches!(mended, Ok(Some(_)));
        let mended = mended.unwrap_or_else(|why| {
            Some(format!(
                "a part of {path} is damaged and cannot be read, nor put right ({why}); what can be read is put into a new file \
                 when sideseat-tui is next started"
            ))
        });
        let said: Vec<String> = mended.into_iter().chain(told).collect();
        Ok((!said.is_empty()).then(|| said.join("; ")))
    }

    /// Why nothing can be stored before the file is opened again; `None` if it is open, or now to be opened.
    pub(super) fn away(&self) -> Option<String> {
        self.reopens.filter(|at| *at > Instant::now())?;
        lock(&self.health).failing.clone()
    }
}
