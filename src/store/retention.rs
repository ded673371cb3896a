//! Removes what somebody asked to be removed, and what is more than the settings let be kept: step by step on the writer's
//! thread, between the groups, so that no sender waits for more than one step.
//!
//! ```text
//!   choose ─▶ remove, a portion of the traces a step ─▶ sweep what nobody names ─▶ move what is left together
//!     ▲                                                                                │
//!     ├────────────── if the file is still too large ◀── checkpoint: blocks are free ◀─┤
//!     └─▶ when nothing more goes: move what stands at the end of a file of which much is unused
//! ```
//!
//! Each step is one transaction. If the program is killed between two of them, the traces of the first are gone and the
//! others are there.

mod choosing;
mod current;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use duckdb::Connection;
use tracing::info;

use super::{
    DatabaseError, StoreError,
    checkpoint::Checkpointer,
    compaction::{Blocks, Moved},
    doomed::{self, By, Chosen},
    queue::AskedRemoval,
    removal,
};
use crate::model::{Changes, Limit, Limits, Pruned, Removal, Removed, SessionId, TraceId};
use choosing::Choosing;
use current::{Current, Phase, STEP, remove_all, sweep};

pub use current::Within;

/// How many more checkpoints have to leave the file as large before what was removed is taken to be of no use.
const LOOKS: u32 = 4;

/// How long after a look whether something is beyond the limits it is looked again, if something was stored meanwhile.
const EVERY: Duration = Duration::from_secs(5);
/// The same if nothing was: runs become old by themselves.
const EVERY_WHILE_IDLE: Duration = Duration::from_mins(10);
/// Spans and log records of the first step, and of later ones by how long the steps before took. A trace is never parted.
/// However few are removed, every table is looked through once: with fewer than the least, what goes would not keep up with
/// what comes.
const FIRST: u64 = 4000;
const LEAST: u64 = 4000;
const MOST: u64 = 20_000;

/// What is to be removed, and how far that is.
pub struct Retention {
    /// What the settings let be kept.
    limits: Limits,
    asked: VecDeque<AskedRemoval>,
    current: Option<Current>,
    /// Spans and log records of the next step.
    portion: u64,
    /// When it was last looked whether something is beyond the limits; `None`: it is to be looked at once.
    looked: Option<Instant>,
    /// When it was last looked whether something is too old.
    aged: Option<Instant>,
    /// Something was stored since.
    is_dirty: bool,
    /// Whether something was beyond the limits once.
    has_begun: bool,
    /// The bytes in use up to which removing more made the file no smaller; it is tried again when there are more.
    futile: u64,
    /// The blocks up to which the file cannot be made smaller.
    smallest: u64,
    /// How often something was removed because of the limits.
    times: u64,
    moved: Moved,
}

/// What a step did.
#[derive(Default)]
pub struct Step {
    pub changes: Changes,
    /// What was removed because of the limits, once all of it is.
    pub pruned: Option<Pruned>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            asked: VecDeque::new(),
            current: None,
            portion: FIRST,
            looked: None,
            aged: None,
            is_dirty: true,
            has_begun: false,
            futile: 0,
            smallest: 0,
            times: 0,
            moved: Moved::default(),
        }
    }
}

impl Retention {
    /// Sets what is kept from now on.
    pub fn keep(&mut self, limits: Limits) {
        (self.limits, self.looked, self.aged) = (limits, None, None);
    }

    /// Whether there is a step to do by `now`.
    pub fn is_due(&self, checkpointer: &Checkpointer, now: Instant) -> bool {
        let is_awaited = self.current.as_ref().is_some_and(|current| current.is_awaited(checkpointer));
        is_awaited || self.next(now).is_some_and(|next| next <= now)
    }

    /// Takes what somebody asks to be removed; it is removed when what was asked before has gone.
    pub fn ask(&mut self, asked: AskedRemoval) {
        self.asked.push_back(asked);
    }

    /// Notes that something was stored.
    pub fn note_stored(&mut self) {
        self.is_dirty = true;
    }

    /// When there is something to do; `None`: when something is stored or asked.
    pub fn next(&self, now: Instant) -> Option<Instant> {
        match self.current.as_ref().map(|current| current.phase) {
            // The end of either wakes the writer.
            Some(Phase::Await(_) | Phase::Choosing) => None,
            Some(_) => Some(now),
            None if !self.asked.is_empty() => Some(now),
            None if self.limits.is_empty() => None,
            None => match self.looked {
                None => Some(now),
                Some(looked) if self.is_dirty => Some(looked + EVERY),
                Some(_) => self.limits.age.and(self.aged).map(|aged| aged + EVERY_WHILE_IDLE),
            },
        }
    }

    /// Does the next step.
    pub fn step(&mut self, within: &mut Within, now: Instant) -> Result<Step, DatabaseError> {
        let Some(mut current) = self.current.take().or_else(|| self.begin(within, now)) else {
            return Ok(Step::default());
        };
        let done = match current.phase {
            Phase::Choose => self.choose(&mut current, within),
            Phase::Choosing => Self::chosen(&mut current, within),
            Phase::Remove => self.remove(&mut current, within),
            Phase::Sweep => sweep(&mut current, within),
            Phase::Compact => self.compact(&mut current, within),
            Phase::Shrink => self.shrink(&mut current, within),
            Phase::Await(_) => {
                current.phase = Phase::Choose;
                Ok(Changes::default())
            }
            Phase::Done => Ok(Changes::default()),
        };
        match done {
            Ok(changes) if current.phase == Phase::Done => Ok(Step { changes, pruned: self.finish(current) }),
            Ok(changes) => {
                self.current = Some(current);
                Ok(Step { changes, pruned: None })
            }
            Err(error) => {
                self.is_dirty = true;
                current.answer(Err(StoreError::Failing(error.to_string())));
                Err(error)
            }
        }
    }

    /// What is to be removed next: what was asked for, or what may be beyond the limits.
    fn begin(&mut self, within: &Within, now: Instant) -> Option<Current> {
        if let Some(asked) = self.asked.pop_front() {
            return Some(Current::new(asked.removal.clone(), Some(asked)));
        }
        (self.looked, self.is_dirty) = (Some(now), false);
        let Limits { size, age, runs } = self.limits;
        let is_large = size.is_some_and(|size| {
            let (most, _) = doomed::bounds(size, By::Settings);
            within.database.size().is_some_and(|bytes| bytes > most)
        });
        let are_many = runs.is_some_and(|most| within.stored_ids.traces.count() > most);
        let are_old = age.is_some() && self.aged.is_none_or(|aged| now.duration_since(aged) >= EVERY_WHILE_IDLE);
        if are_old {
            self.aged = Some(now);
        }
        (is_large || are_many || are_old).then(|| {
            let seeks_left_over = !std::mem::replace(&mut self.has_begun, true);
            Current { seeks_left_over, ..Current::new(Removal::Beyond(self.limits), None) }
        })
    }

    fn choose(&self, current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
        if current.removal == Removal::All {
            return remove_all(current, within);
        }
        current.choosing = Some(Choosing::begin(
            (within.database.clone(), within.checkpointer.queue()),
            current.removal.clone(),
            current.by,
            self.futile,
        ));
        current.phase = Phase::Choosing;
        Ok(Changes::default())
    }

    /// Goes on with what was chosen.
    fn chosen(current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
        let Some(outcome) = current.choosing.as_ref().and_then(Choosing::take) else { return Ok(Changes::default()) };
        let (chosen, used) = outcome?;
        let Chosen { traces, logs, because, records } = chosen;
        let is_size = matches!(because, Some(Limit::Size(_)));
        if is_size && current.is_new && within.database.log_bytes() > 0 {
            // What the log holds takes less room in the file.
            current.is_new = false;
            current.phase = Phase::Await(within.checkpointer.request());
            return Ok(Changes::default());
        }
        let was_of_no_use = is_size && current.was_of_no_use(used, records);
        if was_of_no_use && current.looks < LOOKS {
            // A checkpoint frees no room while something that was begun before may still read what was there.
            current.looks += 1;
            current.phase = Phase::Await(within.checkpointer.request());
            return Ok(Changes::default());
        }
        (current.is_futile, current.looks) = (was_of_no_use, 0);
        if current.is_futile || (traces.is_empty() && logs.is_empty()) {
            current.phase = match current.removal {
                // Somebody waits, and it is not worth a checkpoint.
                Removal::Session(_) => Phase::Done,
                _ => Phase::Shrink,
            };
            return Ok(Changes::default());
        }
        current.is_new = false;
        current.because = because.or(current.because);
        (current.traces, current.logs) = (traces.into(), logs.into());
        current.phase = Phase::Remove;
        Ok(Changes::default())
    }

    /// Removes the next portion.
    fn remove(&mut self, current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
        let began = Instant::now();
        let (mut traces, logs) = current.portion(self.portion);
        if matches!(current.removal, Removal::Beyond(_)) {
            // They were chosen a while ago, and may have been marked since.
            let marked = within.connection.with(doomed::marked)?;
            traces.retain(|doomed| !marked.contains(&doomed.trace));
        }
        let ids: Vec<TraceId> = traces.iter().map(|doomed| doomed.trace).collect();
        let gone = within.connection.write(|connection| removal::remove(connection, &ids, &logs))?;
        gone.take_out_of(within.stored_ids);
        within.summaries.removed(&ids);
        current.removed.spans += gone.spans;
        current.removed.logs += gone.logs.len() as u64;
        current.removed.traces += traces.iter().filter(|doomed| doomed.is_listed).count() as u64;
        let sessions: Vec<SessionId> = traces.into_iter().filter_map(|doomed| doomed.session).collect();
        current.sessions.extend(sessions.iter().cloned());
        if current.traces.is_empty() && current.logs.is_empty() {
            current.phase = Phase::Sweep;
        }
        let took = began.elapsed();
        self.portion = if took > STEP { self.portion / 2 } else { self.portion * 2 }.clamp(LEAST, MOST);
        let mut changes = Changes::default();
        changes.merge(Changes {
            traces: ids.into_iter().collect(),
            sessions: sessions.into_iter().collect(),
            // Log records without a trace are in no list, but in the size of the file.
            all: !logs.is_empty(),
            ..Changes::default()
        });
        Ok(changes)
    }

    /// Moves some of the rows that are left together; after the last of them has the blocks freed that held the others.
    fn compact(&mut self, current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
        let Some(stretch) = current.stretches.front().copied() else {
            if current.is_compacted {
                current.phase = Phase::Await(within.checkpointer.request());
            } else {
                current.stretches = within.connection.with(|connection| self.moved.stretches(connection))?;
                current.is_compacted = true;
            }
            return Ok(Changes::default());
        };
        if current.move_some(stretch, within)? {
            self.moved.note(stretch);
        }
        Ok(Changes::default())
    }

    /// Moves some of the rows at the end of the file, if much of it is unused; after the last of them has the end cut off,
    /// which every checkpoint does.
    fn shrink(&mut self, current: &mut Current, within: &mut Within) -> Result<Changes, DatabaseError> {
        if let Some(stretch) = current.stretches.front().copied() {
            current.move_some(stretch, within)?;
            if current.stretches.is_empty() {
                current.phase = Phase::Await(within.checkpointer.request());
            }
            return Ok(Changes::default());
        }
        if within.database.path().is_none() {
            current.phase = Phase::Done;
            return Ok(Changes::default());
        }
        let blocks = within.connection.with(|connection: &Connection| Blocks::of(connection))?;
        if let Some((before, wanted)) = current.shrunk {
            // Where that was of no use it is not tried again before the file has grown.
            let is_of_use = blocks.all <= before.saturating_sub((before - wanted) / 2);
            self.smallest = if is_of_use { 0 } else { before + before / 8 };
        } else if blocks.all > self.smallest
            && let Some(wanted) =
                blocks.wanted(self.limits.size.map(|size| (size, doomed::bounds(size, By::Settings).0)))
        {
            current.shrunk = Some((blocks.all, wanted));
            current.stretches = within.connection.with(|connection| Blocks::behind(connection, wanted))?;
            if !current.stretches.is_empty() {
                return Ok(Changes::default());
            }
        }
        current.phase = Phase::Done;
        Ok(Changes::default())
    }

    /// Answers who asked, or says what went because of the limits.
    fn finish(&mut self, current: Current) -> Option<Pruned> {
        let removed = current.all_removed();
        let because = current.because.filter(|_| current.by == By::Settings && !removed.is_empty());
        if !removed.is_empty() {
            let Removed { traces, sessions, spans, logs } = removed;
            info!(traces, sessions, spans, logs, removal = ?current.removal, "removed");
        }
        if current.is_futile {
            self.futile = current.used.unwrap_or(0) / 100 * 105;
        }
        // There may be more than was chosen at once.
        self.is_dirty |= !removed.is_empty();
        current.answer(Ok(removed));
        let because = because?;
        self.times += 1;
        Some(Pruned { times: self.times, removed, because })
    }
}
