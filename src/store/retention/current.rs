//! What is being removed, and what its steps do.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::choosing::Choosing;
use crate::{
    model::{Changes, Doomed, Limit, Removal, Removed, SessionId},
    store::{
        DatabaseError, StoreError,
        checkpoint::Checkpointer,
        compaction::Stretch,
        doomed::{self, By},
        hash_ids::LogId,
        open,
        pool::{Database, PooledConnection},
        queue::AskedRemoval,
        removal,
        stored_ids::StoredIds,
        summaries::Summaries,
    },
};

/// How long a step is to take.
pub const STEP: Duration = Duration::from_millis(60);
/// Rows that the first step moves, least and most. A step takes some time however few it moves, most of it for its sync: fewer
/// are moved only where they are so long that it takes much more. If the engine's memory does not suffice, fewer are as well.
const FIRST_ROWS: u64 = 1024;
const LEAST_ROWS: u64 = 1024;
const LEAST_LONG_ROWS: u64 = 64;
const MOST_ROWS: u64 = 4096;
/// Most traces of a step, whatever they hold.
const TRACES: usize = 1000;

/// What a step works with.
pub struct Within<'a> {
    pub connection: &'a PooledConnection,
    pub database: &'a Arc<Database>,
    pub stored_ids: &'a mut StoredIds,
    pub summaries: &'a mut Summaries,
    pub checkpointer: &'a Checkpointer,
}

/// What is being removed.
#[expect(clippy::struct_excessive_bools, reason = "each is so or not, whatever the others are")]
pub struct Current {
    pub removal: Removal,
    pub by: By,
    /// Who waits for it; `None` for the settings.
    pub asked: Option<AskedRemoval>,
    pub phase: Phase,
    pub choosing: Option<Choosing>,
    pub traces: VecDeque<Doomed>,
    pub logs: VecDeque<LogId>,
    pub stretches: VecDeque<Stretch>,
    /// Whether they were looked for.
    pub is_compacted: bool,
    /// Blocks that the file had before it was made smaller, and that it was to have; `None`: that was not tried.
    pub shrunk: Option<(u64, u64)>,
    /// Rows that the next step moves, and most that memory suffices for.
    pub rows: u64,
    pub most_rows: u64,
    pub removed: Removed,
    pub sessions: HashSet<SessionId>,
    pub because: Option<Limit>,
    /// What the file held when traces were chosen first, or last when it was seen whether it was of use to remove some.
    pub held: Option<Content>,
    /// The bytes in use when traces were chosen last.
    pub used: Option<u64>,
    /// Whether nothing was chosen yet.
    pub is_new: bool,
    /// Whether what earlier versions left of runs is still to be looked for: once after each start, and where somebody asks.
    pub seeks_left_over: bool,
    /// The file is still too large, and what was removed last made it no smaller.
    pub is_futile: bool,
    /// How often in a row the room of what was removed was looked for again.
    pub looks: u32,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// That are in use.
    pub bytes: u64,
    /// Spans and log records.
    pub records: u64,
    /// How many of them were removed so far.
    pub removed: u64,
}

impl Content {
    /// Whether what was removed since was of use; `None`: it is too little to tell.
    pub fn judge(self, now: Self) -> Option<bool> {
        let (before, removed) = (u128::from(self.records), u128::from(now.removed.saturating_sub(self.removed)));
        if removed == 0 || removed * 20 < before {
            return None;
        }
        // If it was of no use, a record has as many bytes more as there are records less; half of that is allowed.
        let left = before.saturating_sub(removed / 2);
        Some(u128::from(now.bytes) * left <= u128::from(self.bytes) * u128::from(now.records))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Choose,
    /// Until that is done, on a thread of its own.
    Choosing,
    Remove,
    Sweep,
    /// Move the rows that are left together.
    Compact,
    /// Move the rows at the end of the file to where it is unused.
    Shrink,
    /// Until so many checkpoints were written, or failed.
    Await(u64),
    Done,
}

impl Current {
    pub fn new(removal: Removal, asked: Option<AskedRemoval>) -> Self {
        Self {
            removal,
            by: if asked.is_some() { By::Person } else { By::Settings },
            seeks_left_over: asked.is_some(),
            asked,
            phase: Phase::Choose,
            choosing: None,
            traces: VecDeque::new(),
            logs: VecDeque::new(),
            stretches: VecDeque::new(),
            is_compacted: false,
            shrunk: None,
            rows: FIRST_ROWS,
            most_rows: MOST_ROWS,
            removed: Removed::default(),
            sessions: HashSet::new(),
            because: None,
            held: None,
            used: None,
            is_new: true,
            is_futile: false,
            looks: 0,
        }
    }

    /// Whether what was removed made the file no smaller. While much is stored its size says nothing about that, but the bytes
    /// of a record do: they grow if the room of what was removed is not free.
    pub fn was_of_no_use(&mut self, used: Option<u64>, records: u64) -> bool {
        let removed = self.removed.spans + self.removed.logs;
        let Some(bytes) = used else { return false };
        self.used = used;
        let now = Content { bytes, records, removed };
        let before = *self.held.get_or_insert(now);
        let judged = before.judge(now);
        if judged == Some(true) {
            self.held = Some(now);
        }
        judged == Some(false)
    }

    /// Moves some rows of a stretch, the first of those that are to be moved; returns whether all of it was.
    pub fn move_some(&mut self, stretch: Stretch, within: &Within) -> Result<bool, DatabaseError> {
        let (began, rows) = (Instant::now(), self.rows);
        // One large row may need more memory than work of the background has otherwise.
        let _wide = (rows <= 1).then(|| within.database.wide());
        let moved = within.connection.write(|connection| stretch.move_some(connection, rows));
        let left = match moved {
            Err(error) if rows > 1 && open::is_out_of_memory(&error.to_string()) => {
                self.most_rows = rows / 2;
                self.rows = self.most_rows;
                return Ok(false);
            }
            moved => moved?,
        };
        self.stretches.pop_front();
        if let Some(left) = left {
            self.stretches.push_front(left);
        }
        let most = if rows > LEAST_ROWS { STEP } else { 5 * STEP };
        let is_slow = began.elapsed() > most;
        self.rows = if is_slow { (rows / 2).max(LEAST_LONG_ROWS.min(rows)) } else { rows * 2 }.min(self.most_rows);
        Ok(left.is_none())
    }

    pub fn is_awaited(&self, checkpointer: &Checkpointer) -> bool {
        match self.phase {
            Phase::Await(number) => checkpointer.ended() >= number,
            Phase::Choosing => self.choosing.as_ref().is_none_or(Choosing::is_done),
            _ => false,
        }
    }

    /// Takes the next traces, or when there are none any more the next log records.
    pub fn portion(&mut self, most: u64) -> (Vec<Doomed>, Vec<LogId>) {
        let (mut traces, mut records) = (Vec::new(), 0);
        while let Some(next) = self.traces.front()
            && traces.len() < TRACES
            && (records == 0 || records + next.records <= most)
        {
            records += next.records;
            traces.extend(self.traces.pop_front());
        }
        let logs = if traces.is_empty() {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.logs.len());
            self.logs.drain(..most).collect()
        } else {
            Vec::new()
        };
        (traces, logs)
    }

    pub fn all_removed(&self) -> Removed {
        Removed { sessions: self.removed.sessions + self.sessions.len() as u64, ..self.removed }
    }

    pub fn answer(self, answer: Result<Removed, StoreError>) {
        if let Some(asked) = self.asked {
            // Who asked may be gone.
            drop(asked.answered.send(answer));
        }
    }
}

/// Removes what nobody names any more, and has the blocks of all that was removed freed.
pub fn sweep(current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
    let stored_ids = &*within.stored_ids;
    let (gone, swept) = within.connection.write(|connection| {
        let left_over = match current.removal {
            Removal::Beyond(_) if current.seeks_left_over => removal::left_over(connection, stored_ids)?,
            // To look for them takes longer than what somebody waits for, and today's versions leave none.
            _ => Vec::new(),
        };
        Ok((removal::remove(connection, &left_over, &[])?, removal::sweep(connection)?))
    })?;
    current.seeks_left_over = false;
    gone.take_out_of(within.stored_ids);
    swept.take_out_of(within.stored_ids);
    current.phase = match current.removal {
        // These are not worth a checkpoint.
        Removal::Trace(_) => Phase::Done,
        // There may be more than was chosen at once.
        Removal::Session(_) => Phase::Choose,
        Removal::Beyond(_) | Removal::All => {
            current.is_compacted = false;
            Phase::Compact
        }
    };
    Ok(Changes::default())
}

/// Removes everything at once, the first time that it is called for a removal.
pub fn remove_all(current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
    if !current.is_new {
        current.phase = Phase::Done;
        return Ok(Changes::default());
    }
    let (held, (spans, logs)) =
        within.connection.write(|connection| Ok((doomed::held(connection)?, removal::remove_all(connection)?)))?;
    *within.stored_ids = StoredIds::default();
    within.summaries.clear();
    current.is_new = false;
    current.removed = Removed { traces: held.runs, sessions: held.sessions, spans, logs };
    current.phase = Phase::Await(within.checkpointer.request());
    Ok(Changes { all: true, ..Changes::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removing_is_of_use_where_the_room_of_what_went_is_free_however_much_came_meanwhile() {
        let before = Content { bytes: 1000, records: 1000, removed: 0 };
        let judged = |bytes, records, removed| before.judge(Content { bytes, records, removed });
        // Nothing came meanwhile, as much as went, and twice as much.
        assert_eq!([judged(900, 900, 100), judged(1000, 1000, 100), judged(1100, 1100, 100)], [Some(true); 3]);
        assert_eq!([judged(1000, 900, 100), judged(1100, 1000, 100), judged(1200, 1100, 100)], [Some(false); 3]);
        assert_eq!([judged(1000, 960, 40), judged(900, 1000, 0)], [None; 2]);
    }
}
