//! Replaces rows that were reprocessed: which of a batch are still to be replaced, and by what.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, named_params};

use super::{
    DatabaseError, found_by,
    group::GroupPlan,
    hash_ids::LogId,
    log_contents, moved_spans,
    prepared::{PreparedLog, PreparedSpan},
    reprice::Repriced,
    rows::{span_id, span_keys, trace_id, trace_number, uhugeints},
    stored_ids::StoredIds,
};
use crate::{
    model::{SpanId, TraceId},
    understand,
};

/// A batch of rows that were translated again, to replace those that are stored.
#[derive(Default)]
pub struct Reprocessed {
    /// Spans, translated again.
    pub spans: Vec<PreparedSpan>,
    /// Log records, translated again, with the ids of their rows.
    pub logs: Vec<(LogId, PreparedLog)>,
    /// Spans made from those log records, with the record's id; each is stored unless there is such a span already.
    pub made: Vec<(LogId, PreparedSpan)>,
    /// Where log records of the batch were put by another version, and are not any more. A span that was made there is
    /// deleted.
    pub moved: Vec<(TraceId, SpanId)>,
    /// Spans whose raw form could not be read. Their rows stay, but get today's version so that they are not read
    /// again.
    pub spans_left: Vec<(TraceId, SpanId)>,
    /// The same for log records.
    pub logs_left: Vec<LogId>,
    /// Rows that need another price and nothing else.
    pub repriced: Repriced,
}

impl Reprocessed {
    /// Number of rows in the batch, unreadable ones included, made spans not.
    pub fn len(&self) -> u64 {
        let translated = self.spans.len() + self.logs.len() + self.spans_left.len() + self.logs_left.len();
        (translated + self.repriced.len()) as u64
    }

    /// The traces whose rows it replaces, adds to or takes from.
    pub fn traces(&self) -> HashSet<TraceId> {
        let spans = self.spans.iter().map(|span| span.row.trace);
        let made = self.made.iter().map(|(_, span)| span.row.trace);
        let moved = self.moved.iter().map(|(trace, _)| *trace);
        let logs = self.logs.iter().filter_map(|(_, log)| log.row.trace);
        spans.chain(made).chain(moved).chain(logs).chain(self.repriced.traces()).collect()
    }
}

impl Reprocessed {
    /// The exchanges of which it has halves: their responses belong to the spans of their requests.
    pub fn exchanges(&self) -> HashSet<u128> {
        self.logs.iter().filter_map(|(_, log)| log.half).map(|half| half.of).collect()
    }

    /// The trace that most of the batch is of: it may be a large one, of which the next batch is as well.
    pub fn main_trace(&self) -> Option<TraceId> {
        /// A smaller batch is the last one, or has very long rows.
        const LEAST: usize = 16;
        let spans = self.spans.iter().map(|span| span.row.trace);
        let logs = self.logs.iter().filter_map(|(_, log)| log.row.trace);
        let all: Vec<TraceId> = spans.chain(logs).chain(self.repriced.traces()).collect();
        let main = all.get(all.len() / 2).copied()?;
        let of_main = all.iter().filter(|trace| **trace == main).count();
        (all.len() >= LEAST && of_main * 5 > all.len() * 4).then_some(main)
    }
}

impl<'a> GroupPlan<'a> {
    /// Plans what replaces the rows that are still of another version; a row that was replaced by a newer record
    /// meanwhile is left as it is. Traces are not summarized here: see [`write_reprocessed`].
    fn of_reprocessed(
        connection: &Connection,
        stored_ids: &mut StoredIds,
        reprocessed: &'a Reprocessed,
    ) -> Result<Self, DatabaseError> {
        let stored = stored_spans(connection, reprocessed)?;
        let stale_logs = still_stale_logs(connection, reprocessed)?;
        let mut plan = Self { touched: reprocessed.traces(), ..Self::default() };
        let is_stale = |span: &&PreparedSpan| stored.get(&(span.row.trace, span.row.id)) == Some(&true);
        plan.spans = reprocessed.spans.iter().filter(is_stale).collect();
        plan.gone_spans = plan.spans.iter().map(|span| (span.row.trace, span.row.id)).collect();
        let mut made = HashMap::new();
        for (log, span) in &reprocessed.made {
            let key = (span.row.trace, span.row.id);
            // The record may have been removed meanwhile.
            if stale_logs.contains(log) && !stored.contains_key(&key) {
                made.insert(key, span);
            }
        }
        plan.spans.extend(made.into_values());
        let logs = reprocessed.logs.iter().filter(|(id, _)| stale_logs.contains(id));
        plan.logs = logs.map(|(id, log)| (*id, log)).collect();
        let mut added = HashSet::new();
        let (spans, logs) = (plan.spans.clone(), plan.logs.clone());
        let of_spans = spans.into_iter().map(|span| (span.row.trace, &span.stored));
        let of_logs = logs.iter().filter_map(|(_, log)| Some((log.row.trace?, &log.stored)));
        for (trace, stored) in of_spans.chain(of_logs) {
            let contents = plan.add_all_contents(&mut added, stored);
            plan.trace_contents.extend(contents.into_iter().map(|content| (trace, content)));
        }
        for (id, log) in logs.iter().filter(|(_, log)| log.row.trace.is_none()) {
            plan.add_contents_of_log(&mut added, *id, &log.stored);
        }
        plan.drop_stored(connection, stored_ids)?;
        Ok(plan)
    }
}

/// Replaces rows inside a transaction of the caller's, and returns what it wrote. The traces it touched have to be
/// summarized afterwards, from what is stored then.
pub fn write_reprocessed<'a>(
    connection: &Connection,
    stored_ids: &mut StoredIds,
    reprocessed: &'a Reprocessed,
) -> Result<GroupPlan<'a>, DatabaseError> {
    let mut plan = GroupPlan::of_reprocessed(connection, stored_ids, reprocessed)?;
    plan.attributes = found_by::new_lines(connection, found_by::of_group(plan.found_by()))?;
    let gone = uhugeints(plan.logs.iter().map(|(id, _)| *id));
    connection.prepare_cached(include_str!("queries/delete_logs.sql"))?.execute(named_params! { "ids": gone })?;
    log_contents::delete(connection, plan.logs.iter().map(|(id, _)| *id))?;
    // The rows of these records are deleted just now, and appended later.
    let still: HashSet<_> = reprocessed.logs.iter().filter_map(|(_, log)| log.row.trace.zip(log.row.span)).collect();
    moved_spans::delete(connection, reprocessed.moved.iter().copied().filter(|place| !still.contains(place)))?;
    let contents = std::mem::take(&mut plan.trace_contents);
    connection.prepare_cached(include_str!("queries/add_trace_contents.sql"))?.execute(named_params! {
        "traces": uhugeints(contents.iter().map(|(trace, _)| trace_number(trace))),
        "contents": uhugeints(contents.iter().map(|(_, content)| *content)),
    })?;
    plan.write(connection)?;
    keep_unreadable(connection, reprocessed)?;
    reprocessed.repriced.write(connection)?;
    mark_unsettled(connection, reprocessed)?;
    Ok(plan)
}

/// Has the rows of the traces made again also if the program is killed before that. An update would wait for a checkpoint
/// that is being written.
fn mark_unsettled(connection: &Connection, reprocessed: &Reprocessed) -> Result<(), DatabaseError> {
    let traces = uhugeints(reprocessed.traces().iter().map(trace_number));
    for sql in [
        "insert into traces select * replace (0 as settled_from) from traces
         where settled_from <> 0 and trace in (select unnest($traces::uhugeint[]) as trace)",
        "delete from traces where settled_from <> 0 and trace in (select unnest($traces::uhugeint[]) as trace)",
    ] {
        connection.prepare_cached(sql)?.execute(named_params! { "traces": traces })?;
    }
    Ok(())
}

/// Gives rows that could not be read today's version, or they would be read for ever. There are hardly ever any, and an
/// update waits for a checkpoint that is being written.
fn keep_unreadable(connection: &Connection, reprocessed: &Reprocessed) -> Result<(), DatabaseError> {
    if !reprocessed.spans_left.is_empty() {
        let (traces, ids) = span_keys(reprocessed.spans_left.iter().copied());
        connection.execute(
            "update spans set dialects = $version
             where (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)",
            named_params! { "version": understand::version(), "traces": traces, "ids": ids },
        )?;
    }
    if !reprocessed.logs_left.is_empty() {
        connection.execute(
            "update logs set dialects = $version where id in (select unnest($ids::uhugeint[]) as id)",
            named_params! { "version": understand::version(), "ids": uhugeints(reprocessed.logs_left.iter().copied()) },
        )?;
    }
    Ok(())
}

/// Which spans of a batch are stored, and whether their rows are of another version.
fn stored_spans(
    connection: &Connection,
    reprocessed: &Reprocessed,
) -> Result<HashMap<(TraceId, SpanId), bool>, DatabaseError> {
    let (traces, ids) = span_keys(
        reprocessed
            .spans
            .iter()
            .chain(reprocessed.made.iter().map(|(_, span)| span))
            .map(|span| (span.row.trace, span.row.id)),
    );
    let mut statement = connection.prepare_cached(include_str!("queries/stored_spans.sql"))?;
    let mut found =
        statement.query(named_params! { "version": understand::version(), "traces": traces, "ids": ids })?;
    let mut stored = HashMap::new();
    while let Some(row) = found.next()? {
        let key = trace_id(row.get(0)?).zip(span_id(row.get(1)?));
        stored.extend(key.zip(row.get(2)?));
    }
    Ok(stored)
}

/// Which log records of a batch are still of another version.
fn still_stale_logs(connection: &Connection, reprocessed: &Reprocessed) -> Result<HashSet<LogId>, DatabaseError> {
    let ids = uhugeints(reprocessed.logs.iter().map(|(id, _)| *id));
    let mut statement = connection.prepare_cached(include_str!("queries/still_stale_logs.sql"))?;
    let mut found = statement.query(named_params! { "version": understand::version(), "ids": ids })?;
    let mut stale = HashSet::new();
    while let Some(row) = found.next()? {
        stale.insert(row.get(0)?);
    }
    Ok(stale)
}
