//! What the writer commits: groups, what is removed, and rows that were translated again, each in one transaction.

use std::{cell::OnceCell, collections::HashSet, time::Instant};

use duckdb::Connection;

use super::{StoreWriter, lock};
use crate::{
    model::{Changes, TraceId},
    store::{
        DatabaseError, Submission,
        adoption::EndedCalls,
        group::GroupPlan,
        placements::Placements,
        removal::{self, Gone},
        replace::{Reprocessed, write_reprocessed},
        retention::Within,
        rows,
        stored_ids::StoredIds,
        summaries::{Summaries, Summarized},
    },
};

/// A group that was written, and what went because nothing else of its trace is left.
struct Written<'a> {
    plan: GroupPlan<'a>,
    gone: Gone,
}

impl<'a> Written<'a> {
    /// Takes out what `placements` move, and writes the group. The caller has begun a transaction.
    fn write(
        connection: &Connection,
        stored_ids: &mut StoredIds,
        summaries: &mut Summaries,
        submissions: &[&'a Submission],
        placements: &'a Placements,
        now: Instant,
    ) -> Result<Self, DatabaseError> {
        // What is cached of these traces has what is taken out.
        summaries.forget(placements.left_traces());
        placements.take_out(connection)?;
        let plan = GroupPlan::new(connection, stored_ids, summaries, submissions, placements, now)?;
        plan.write(connection)?;
        // Of what was never stored nothing is left.
        let is_stored = |trace: &&TraceId| stored_ids.traces.may_have(rows::trace_number(trace));
        let emptied: Vec<TraceId> = plan.emptied().iter().filter(is_stored).copied().collect();
        let gone = removal::remove(connection, &emptied, &[])?;
        Ok(Self { plan, gone })
    }

    /// To be called after the commit: also notes which calls have ended. Returns what changed.
    fn committed(
        self,
        stored_ids: &mut StoredIds,
        summaries: &mut Summaries,
        ended_calls: &mut EndedCalls,
        now: Instant,
    ) -> Changes {
        ended_calls.note(&self.plan, stored_ids);
        let changes = self.plan.committed(stored_ids, summaries, now);
        self.gone.take_out_of(stored_ids);
        changes
    }
}

impl StoreWriter {
    /// Loads the stored ids, and marks the traces whose summary is out of date, if that was not done since the file was
    /// opened.
    pub(super) fn load(&mut self) -> Result<(), DatabaseError> {
        if self.stored_ids.is_none() {
            let load = |connection: &Connection| {
                Ok((StoredIds::load(connection)?, stale_summaries(connection)?, EndedCalls::load(connection)?))
            };
            let (mut stored_ids, stale_summaries, ended_calls) = self.connection.with(load)?;
            self.ended_calls = ended_calls;
            // Some have no row, because they were reprocessed and the program was killed. Something of them is stored.
            stored_ids.traces.add(stale_summaries.iter().map(rows::trace_number));
            self.summaries.expect(stale_summaries);
            self.stored_ids = Some(stored_ids);
        }
        Ok(())
    }

    /// Stores some submissions in one transaction. Stored ids are added only after the commit; digests are added to
    /// `summaries` before it, so the caller must forget them if it fails. Stored responses of these submissions are moved
    /// to the spans of their requests.
    pub(super) fn commit(&mut self, submissions: &[&Submission]) -> Result<Changes, DatabaseError> {
        let Self {
            connection, stored_ids: Some(stored_ids), summaries, retention, ended_calls, prices, moving, ..
        } = self
        else {
            return Ok(Changes::default());
        };
        let now = Instant::now();
        if connection.with(|connection| stored_ids.renew(connection))? {
            stored_ids.traces.add(summaries.waiting().map(rows::trace_number));
        }
        let placements =
            connection.with(|connection| Placements::of_halves(connection, submissions, HashSet::new(), prices))?;
        moving.extend(placements.traces());
        let written = connection
            .write(|connection| Written::write(connection, stored_ids, summaries, submissions, &placements, now))?;
        moving.clear();
        retention.note_stored();
        Ok(written.committed(stored_ids, summaries, ended_calls, now))
    }

    /// Puts traces that are records of a call of another trace into that one, in one transaction; what of them came later
    /// as well.
    pub(super) fn adopt(&mut self) -> Result<Changes, DatabaseError> {
        let Self { connection, stored_ids: Some(stored_ids), summaries, ended_calls, prices, moving, .. } = self else {
            return Ok(Changes::default());
        };
        let now = Instant::now();
        let candidates = ended_calls.take_candidates();
        moving.extend(candidates.traces());
        let mut adoptions = connection.with(|connection| candidates.decide(connection, stored_ids, summaries))?;
        let placements = connection.with(|connection| adoptions.placements(connection, prices))?;
        moving.extend(placements.traces());
        if adoptions.is_empty() {
            moving.clear();
            // What was loaded to be compared is not kept for ever.
            summaries.committed(Summarized::default(), now);
            return Ok(Changes::default());
        }
        let written = connection.write(|connection| {
            adoptions.write(connection)?;
            Written::write(connection, stored_ids, summaries, &[], &placements, now)
        })?;
        moving.clear();
        ended_calls.forget(adoptions.traces());
        let changes = written.committed(stored_ids, summaries, ended_calls, now);
        stored_ids.adopted.add(adoptions.traces().map(rows::trace_number));
        // No spans or log records arrived.
        Ok(Changes { spans: 0, logs: 0, ..changes })
    }

    /// Does a step of what is to be removed, in one transaction.
    pub(super) fn remove(&mut self) -> Result<Changes, DatabaseError> {
        let Self { connection, database, stored_ids: Some(stored_ids), summaries, checkpointer, retention, .. } = self
        else {
            return Ok(Changes::default());
        };
        let mut within = Within { connection, database, stored_ids, summaries, checkpointer };
        let step = retention.step(&mut within, Instant::now())?;
        if step.pruned.is_some() {
            lock(&self.health).pruned = step.pruned;
        }
        Ok(step.changes)
    }

    /// Replaces rows, and moves the responses among them to the spans of their requests, in one transaction. The traces
    /// are summarized later, from what is stored then.
    pub(super) fn commit_reprocessed(&mut self, reprocessed: &Reprocessed) -> Result<Changes, DatabaseError> {
        let Self { connection, stored_ids: known, summaries, retention, ended_calls, prices, moving, .. } = self;
        let Some(stored_ids) = known else { return Ok(Changes::default()) };
        let now = Instant::now();
        let placements = OnceCell::new();
        let exchanges = reprocessed.exchanges();
        let committed = connection.write(|connection| {
            // What is written next has to know what this stored, though it is not committed yet.
            let changes = write_reprocessed(connection, stored_ids, reprocessed)?.committed(stored_ids, summaries, now);
            // A trace may be new, with spans made of log records. It has no row yet, but something of it is stored.
            stored_ids.traces.add(reprocessed.traces().iter().map(rows::trace_number));
            // No new spans or log records arrived, and the cached digests of these traces are out of date.
            summaries.forget(reprocessed.traces());
            summaries.expect(reprocessed.traces());
            summaries.expect_later(reprocessed.main_trace());
            if exchanges.is_empty() {
                return Ok((changes, None));
            }
            let placed = Placements::of_halves(connection, &[], exchanges, prices)?;
            let placements = placements.get_or_init(|| placed);
            moving.extend(placements.traces());
            Ok((changes, Some(Written::write(connection, stored_ids, summaries, &[], placements, now)?)))
        });
        let (changes, written) = match committed {
            Ok(committed) => committed,
            Err(error) => {
                // They have what was not committed.
                *known = None;
                return Err(error);
            }
        };
        moving.clear();
        retention.note_stored();
        let mut changes = Changes { spans: 0, logs: 0, ..changes };
        let written = written.map(|written| written.committed(stored_ids, summaries, ended_calls, now));
        changes.merge(written.unwrap_or_default());
        Ok(changes)
    }
}

/// The traces whose row in `traces` was made from another number of spans and log records than there are now.
pub fn stale_summaries(connection: &Connection) -> Result<Vec<TraceId>, DatabaseError> {
    let mut statement = connection.prepare(include_str!("../queries/stale_summaries.sql"))?;
    let mut found = statement.query([])?;
    let mut traces = Vec::new();
    while let Some(row) = found.next()? {
        traces.extend(rows::trace_id(row.get(0)?));
    }
    Ok(traces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        tests::{halves::exports, span, submission},
        writer::tests::writer,
    };

    #[test]
    fn a_trace_of_which_nothing_is_left_is_counted_out_once() {
        let (mut writer, _queue) = writer();
        writer.load().unwrap();
        // So many that not each of them is known.
        for run in 0..20 {
            writer.commit(&[&submission([span(&run.to_string(), 1)])]).unwrap();
        }
        let sql = "select count(*)::ubigint from traces";
        let count = |connection: &Connection| Ok(connection.query_row(sql, [], |row| row.get::<_, u64>(0))?);
        let mut counts = Vec::new();
        // A response is a run of its own until its request has come.
        for export in exports().iter().rev() {
            writer.commit(&[export]).unwrap();
            let counted = writer.stored_ids.as_ref().unwrap().traces.count();
            counts.push((counted, writer.connection.with(count).unwrap()));
            if counts.windows(2).any(|both| both[1].1 < both[0].1) {
                break;
            }
        }
        assert!(counts.iter().all(|(counted, stored)| counted == stored), "{counts:?}");
        assert!(counts.windows(2).any(|both| both[1].1 < both[0].1), "{counts:?}");
    }
}
