//! Checkpoints: the write-ahead log is brought into the file, on a thread and a connection of its own.
//!
//! Commits wait while it is written. So a checkpoint should not be so seldom that it takes long, and it should write nothing
//! but what is new: the engine would also merge small row groups, with all that is in them, which took up to 8 s where rows
//! have 100 kB (`checkpoints` in tests/bench). They are merged while nothing is committed, or seldom.
//!
//! After a checkpoint that failed the engine answers nothing any more until the file is opened again. So none is begun
//! where the disk has no room for it and a reserve: what is committed stays in the log, and it is tried again until there is room.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use duckdb::Connection;
use tracing::{info, warn};

use super::{
    StoreHealth, lock, open,
    pool::{Database, PooledConnection},
    queue::WriteQueue,
    reserve::Reserve,
};

/// Bytes of log from which on a checkpoint is due. Until then the rows of the log are in memory as well, uncompressed.
const LOG: u64 = 32 * 1024 * 1024;
/// The same where the file is to be kept small: so much of its limit, and not less than that.
const SHARE: u64 = 8;
const LEAST: u64 = 2 * 1024 * 1024;
/// Bytes that have to be left on the disk beside those that the log may need in the file.
const SPARE: u64 = 8 * 1024 * 1024;
/// How long after a checkpoint that was not written it is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How long nothing has to be committed before small row groups are merged.
const IDLE: Duration = Duration::from_secs(15);
/// Checkpoints that merged nothing, after which the next one does, though commits have to wait for it.
const MOST_UNMERGED: u32 = 64;
/// How many are taken to have been left when the file was opened: each time that it is, one small row group more is in it.
const UNMERGED_BEFORE: u32 = 2;

/// From what part of the size that the file is kept below on every checkpoint merges all.
const NEAR: (u64, u64) = (3, 4);

/// Bytes that a little merging may write, about, where the file has as many.
const MERGED: u64 = 1 << 30;

/// How much of the small row groups a checkpoint merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merging {
    /// Nothing. Row groups whose rows were all deleted are dropped all the same.
    Nothing,
    /// Up to three of each table.
    Little,
    /// All: what was removed is to make the file smaller.
    All,
}

impl Merging {
    /// The engine's setting for it.
    fn setting(self) -> &'static str {
        match self {
            Self::Nothing => "set max_vacuum_tasks = 0",
            Self::Little => "set max_vacuum_tasks = 1",
            Self::All => "set max_vacuum_tasks = 100",
        }
    }
}

/// Decides when a checkpoint is due, and writes it.
pub struct Checkpointer {
    database: Arc<Database>,
    connection: Arc<PooledConnection>,
    /// Wakes the writer after a failure, so that it opens the file again.
    queue: Arc<WriteQueue>,
    /// Where a full disk is reported to the screen.
    health: Arc<Mutex<StoreHealth>>,
    state: Mutex<State>,
    /// Wakes the thread when `state` changes.
    changed: Condvar,
}

struct State {
    due: Due,
    /// Bytes of log from which on a checkpoint is due.
    log: u64,
    /// The size that the file is kept below.
    kept: Option<u64>,
    /// How many checkpoints were asked for, and how many of those have ended: written, or failed.
    asked: u64,
    ended: u64,
    /// When the writer committed something last, or was only woken.
    committed: Instant,
    /// Checkpoints that merged nothing and were not made up for since. 0 in memory, where no file is written.
    unmerged: u32,
}

impl State {
    fn new(unmerged: u32) -> Self {
        Self { due: Due::Not, log: LOG, kept: None, asked: 0, ended: 0, committed: Instant::now(), unmerged }
    }

    /// What the checkpoint that is due now merges. The error says how much later one is due, if one is.
    fn due(&self, not_before: Option<Instant>, now: Instant) -> Result<Merging, Option<Duration>> {
        let at = match self.due {
            Due::Now => None,
            _ if self.unmerged > 0 => Some(self.committed + IDLE),
            _ => return Err(None),
        };
        let left = at.max(not_before).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        if !left.is_zero() {
            return Err(Some(left));
        }
        Ok(match self.due {
            // What is asked for is to free the room of what was removed.
            _ if self.asked > self.ended => Merging::All,
            Due::Now if self.unmerged < MOST_UNMERGED => Merging::Nothing,
            _ => Merging::Little,
        })
    }

    /// Notes what a checkpoint merged, or failed to.
    fn merged(&mut self, merging: Merging, is_written: bool) {
        self.unmerged = match (merging, is_written) {
            (Merging::Nothing, true) => self.unmerged.saturating_add(1),
            (Merging::Little, true) => self.unmerged.saturating_sub(2),
            // What cannot be merged must not keep the log from the file, nor have the file opened again and again.
            (Merging::All, true) | (Merging::Little, false) => 0,
            (Merging::Nothing | Merging::All, false) => self.unmerged,
        };
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// The log is small.
    Not,
    /// A checkpoint is due, or is being written.
    Now,
    /// The thread ends.
    Closed,
}

impl Checkpointer {
    /// Makes it; [`Checkpointer::run`] does the work, on a thread of its own.
    pub fn new(database: &Arc<Database>, queue: Arc<WriteQueue>, health: Arc<Mutex<StoreHealth>>) -> Self {
        let unmerged = if database.path().is_some() { UNMERGED_BEFORE } else { 0 };
        Self {
            database: database.clone(),
            connection: database.pooled(),
            queue,
            health,
            state: Mutex::new(State::new(unmerged)),
            changed: Condvar::new(),
        }
    }

    /// Notes how large the log is; to be called after each round of the writer.
    pub fn notice(&self, log_bytes: u64) {
        let mut state = lock(&self.state);
        state.committed = Instant::now();
        if log_bytes > state.log && state.due == Due::Not {
            state.due = Due::Now;
            self.changed.notify_all();
        }
    }

    /// Takes the size that the file is kept below: until a checkpoint the log is as much beside it.
    pub fn keep(&self, size: Option<u64>) {
        let mut state = lock(&self.state);
        (state.log, state.kept) = (log_of(size), size);
    }

    /// Asks for a checkpoint of what is committed now, however small the log is. It has ended, written or failed, when
    /// [`Self::ended`] is as large as the number that is returned; the writer is woken then. It also brings
    /// together what was left of row groups from which rows were removed.
    pub fn request(&self) -> u64 {
        let mut state = lock(&self.state);
        state.asked += 1;
        if state.due == Due::Not {
            state.due = Due::Now;
        }
        self.changed.notify_all();
        state.asked
    }

    /// How many of the checkpoints that were asked for have ended.
    pub fn ended(&self) -> u64 {
        lock(&self.state).ended
    }

    /// The queue of the writer, to wake it.
    pub fn queue(&self) -> Arc<WriteQueue> {
        self.queue.clone()
    }

    /// Ends the thread, after the checkpoint that it is writing.
    pub fn close(&self) {
        lock(&self.state).due = Due::Closed;
        self.changed.notify_all();
    }

    /// Writes each checkpoint that is due, until it is closed.
    pub fn run(&self) {
        let mut not_before = None;
        while let Some(merging) = self.wait_until_due(not_before) {
            let asked = lock(&self.state).asked;
            let merging = self.fitting(merging);
            let is_written = self.write(merging);
            not_before = if is_written { None } else { Some(Instant::now() + RETRY) };
            let mut state = lock(&self.state);
            let was_awaited = asked > state.ended;
            state.ended = asked;
            state.merged(merging, is_written);
            // What was asked for meanwhile may be about what was committed meanwhile.
            if is_written && state.due == Due::Now && state.asked == asked {
                state.due = Due::Not;
            }
            drop(state);
            if was_awaited {
                self.queue.wake();
            }
        }
    }

    /// Waits until a checkpoint is due, and until then. Returns what it merges, or `None` once it is closed.
    fn wait_until_due(&self, not_before: Option<Instant>) -> Option<Merging> {
        let mut state = lock(&self.state);
        loop {
            if state.due == Due::Closed {
                return None;
            }
            state = match state.due(not_before, Instant::now()) {
                Ok(merging) => return Some(merging),
                Err(Some(left)) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                Err(None) => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Writes a checkpoint now, which merges nothing unless the file is nearly as large as it may be. Returns whether it was written; why not is logged and reported. The log stays
    /// then, and the next checkpoint brings it into the file.
    pub fn checkpoint(&self) -> bool {
        self.write(self.fitting(Merging::Nothing))
    }

    /// What is merged of what would be, because of the room that there is.
    fn fitting(&self, merging: Merging) -> Merging {
        let size = self.database.size().unwrap_or(0);
        let has_room = |free: u64| free >= size.min(MERGED).saturating_add(SPARE);
        match merging {
            // Small row groups can wait until there is room on the disk, and the log cannot.
            Merging::Little if !self.database.free_bytes().is_none_or(has_room) => Merging::Nothing,
            // Old runs are removed soon, or are just being. What is left of them must not take the room of new ones.
            Merging::Nothing if lock(&self.state).kept.is_some_and(|kept| size > kept / NEAR.1 * NEAR.0) => {
                Merging::All
            }
            merging => merging,
        }
    }

    /// `force` makes it wait for the transaction that is open. Without it, a checkpoint fails while one is open, which a
    /// busy writer always has.
    fn write(&self, merging: Merging) -> bool {
        let (disk_full, _reserve) = match self.reserve() {
            Ok(reserve) => (None, reserve),
            Err(why) => (Some(why), None),
        };
        let was_full = std::mem::replace(&mut lock(&self.health).disk_full, disk_full.clone()).is_some();
        if let Some(why) = disk_full {
            if !was_full {
                warn!(why, "checkpoint failed");
            }
            return false;
        }
        if was_full {
            info!("the disk has room again");
        }
        let sql = format!("{}; force checkpoint store", merging.setting());
        let run = |connection: &Connection| Ok(connection.execute_batch(&sql)?);
        let _wide = self.database.wide_again();
        if let Err(error) = self.connection.with(run) {
            warn!(%error, "checkpoint failed");
            if open::is_disk_error(&error.to_string()) {
                lock(&self.health).damage = Some(open::with_advice(error.to_string()));
            }
            if open::is_out_of_memory(&error.to_string()) {
                // Notes that the next one needs more of it.
                drop(self.database.wide());
            }
            if open::is_corrupt(&error.to_string()) {
                self.queue.damaged();
            } else {
                self.queue.probe();
            }
            return false;
        }
        true
    }

    /// Keeps room free that opening the file again may need, see `reserve`; `None` where none is needed. The error says that
    /// the disk has no room for that and the checkpoint.
    fn reserve(&self) -> Result<Option<Reserve>, String> {
        let (log, path, free) = (self.database.log_bytes(), self.database.path(), self.database.free_bytes());
        let Some((path, free)) = path.zip(free).filter(|_| log > 0) else { return Ok(None) };
        let reserved = log.saturating_add(SPARE);
        let full = || format!("{} MiB are left", free >> 20);
        // Blocks of the file that hold nothing are used first.
        let unused = |connection: &Connection| {
            let sql =
                "select (free_blocks * block_size)::ubigint from pragma_database_size() where database_name = 'store'";
            Ok(connection.query_row(sql, [], |row| row.get::<_, u64>(0))?)
        };
        let unused = self.connection.with(unused).unwrap_or(0);
        if !has_room(log, free.saturating_sub(reserved), unused) {
            return Err(full());
        }
        Reserve::take(path, reserved).map_err(|_| full())
    }
}

/// The bytes of log from which on a checkpoint is due, of a file that is kept below a size.
fn log_of(size: Option<u64>) -> u64 {
    size.map_or(LOG, |size| (size / SHARE).clamp(LEAST, LOG))
}

/// Whether a checkpoint of so many bytes of log finds room. What it writes is rarely more than the log.
fn has_room(log: u64, free: u64, unused: u64) -> bool {
    log == 0 || free.saturating_add(unused) >= log.saturating_add(SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_a_small_part_of_what_the_file_may_be() {
        assert_eq!([None, Some(4 << 30), Some(64 << 20), Some(1)].map(log_of), [LOG, LOG, 8 << 20, LEAST]);
    }

    #[test]
    fn small_row_groups_are_merged_while_nothing_is_committed() {
        let now = Instant::now();
        let mut state = State { committed: now, ..State::new(0) };
        assert_eq!(state.due(None, now + IDLE), Err(None), "nothing is left to be merged");
        state.due = Due::Now;
        assert_eq!(state.due(None, now), Ok(Merging::Nothing));
        assert_eq!(state.due(Some(now + RETRY), now), Err(Some(RETRY)), "the last one failed");
        state.merged(Merging::Nothing, true);
        state.due = Due::Not;
        assert_eq!(state.due(None, now), Err(Some(IDLE)));
        assert_eq!(state.due(None, now + IDLE), Ok(Merging::Little));
        state.merged(Merging::Little, true);
        assert_eq!(state.due(None, now + IDLE), Err(None));
        (state.due, state.unmerged) = (Due::Now, MOST_UNMERGED);
        assert_eq!(state.due(None, now), Ok(Merging::Little), "it has been busy for long");
        state.merged(Merging::Little, false);
        assert_eq!(state.due(None, now), Ok(Merging::Nothing), "what cannot be merged keeps the log from nothing");
        state.asked = 1;
        assert_eq!(state.due(None, now), Ok(Merging::All), "rows were removed");
        state.merged(Merging::All, true);
        assert_eq!(state.unmerged, 0);
    }

    #[test]
    fn a_checkpoint_needs_as_much_room_as_the_log_has_bytes_and_some() {
        assert!(has_room(0, 0, 0) && has_room(LOG, LOG + SPARE, 0) && has_room(LOG, SPARE, LOG));
        assert!(!has_room(LOG, LOG, 0) && !has_room(1, 0, SPARE) && has_room(1, u64::MAX, u64::MAX));
    }
}
