//! Reprocesses stored spans and log records that an older version translated: today's dialects and prices read their
//! raw form again.
//!
//! ```text
//!   rows of another version ─▶ raw form ─▶ dialects ─▶ pricing ─▶ the writer: their rows, replaced
//!        a batch at a time                                          if no newer record came meanwhile
//! ```
//!
//! It runs on a thread and a connection of its own while everything else goes on. If the program is killed meanwhile,
//! the rest is reprocessed when the store is next opened.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use duckdb::{Connection, named_params, types::Value as Sql};
use tracing::{info, warn};

use super::{
    DatabaseError, StoreError, StoreHealth, Writer,
    group::GroupPlan,
    lock,
    pool::PooledConnection,
    prepared::{PreparedLog, PreparedSpan},
    rows::{span_id, span_number, trace_id, trace_number, uhugeints},
    stored_ids::StoredIds,
    walk::{Arrived, Origins},
};
use crate::{
    dialects,
    model::{ContentId, Span, SpanId, TraceId},
    pricing::{self, Prices},
};

/// Most spans or log records in a batch.
const BATCH: u64 = 500;

/// The version of dialects and prices that new rows are translated with; stored in the column `dialects`.
pub fn version() -> u32 {
    // One number that changes with either of the two: the price version is a hash, and that of the dialects a small
    // number, moved to the upper half.
    dialects::VERSION.rotate_left(16) ^ pricing::version()
}

/// How far the reprocessing is, in spans and log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows reprocessed so far.
    pub done: u64,
    /// Rows that there were to reprocess when it began, or `done` if that is more.
    pub of: u64,
}

/// A batch of rows that were translated again, to replace those that are stored.
#[derive(Default)]
pub struct Reprocessed {
    /// Spans, translated again.
    pub spans: Vec<PreparedSpan>,
    /// Log records, translated again, with the ids of their rows.
    pub logs: Vec<(ContentId, PreparedLog)>,
    /// Spans made from those log records; each is stored unless there is such a span already.
    pub made: Vec<PreparedSpan>,
    /// Spans whose raw form could not be read. Their rows stay, but get today's version so that they are not read
    /// again.
    pub spans_left: Vec<(TraceId, SpanId)>,
    /// The same for log records.
    pub logs_left: Vec<ContentId>,
    /// Bytes of the raw forms.
    pub bytes: usize,
}

impl Reprocessed {
    /// Number of rows in the batch, unreadable ones included, made spans not.
    fn len(&self) -> u64 {
        (self.spans.len() + self.logs.len() + self.spans_left.len() + self.logs_left.len()) as u64
    }

    /// The traces whose rows it replaces or adds to.
    pub fn traces(&self) -> HashSet<TraceId> {
        let spans = self.spans.iter().map(|span| span.row.trace);
        let made = self.made.iter().map(|span| span.row.trace);
        spans.chain(made).chain(self.logs.iter().filter_map(|(_, log)| log.row.trace)).collect()
    }
}

/// Finds rows of another version and reprocesses them.
pub struct Reprocessor {
    /// A connection of its own, to read with.
    pub connection: Arc<PooledConnection>,
    /// Stores each batch.
    pub writer: Writer,
    /// Today's prices.
    pub prices: Arc<Prices>,
    /// Where the progress is reported to the screen.
    pub health: Arc<Mutex<StoreHealth>>,
    /// Set when the store closes.
    pub ends: Arc<AtomicBool>,
}

impl Reprocessor {
    /// Reprocesses batch by batch. Returns when no row is left, when the store closes, or after a failure.
    pub fn run(&self) {
        let all = match self.connection.with(count) {
            Ok(0) => return,
            Ok(all) => all,
            Err(error) => return warn!(%error, "what an older version understood cannot be found"),
        };
        info!(rows = all, "understanding again what an older version understood");
        let mut done = 0;
        while !self.ends.load(Ordering::Relaxed) {
            lock(&self.health).reprocessing = Some(Progress { done, of: all.max(done) });
            let batch = match self.connection.with(|connection| next_batch(connection, &self.prices)) {
                Ok(batch) => batch,
                Err(error) => {
                    warn!(%error, "understanding again was given up");
                    break;
                }
            };
            let count = batch.len();
            if count == 0 {
                break;
            }
            match self.writer.submit_reprocessed(batch) {
                Ok(()) => done += count,
                Err(StoreError::Closed) => break,
                Err(error) => {
                    warn!(%error, "understanding again was given up");
                    break;
                }
            }
        }
        lock(&self.health).reprocessing = None;
        self.connection.close();
    }
}

/// Number of rows of another version.
fn count(connection: &Connection) -> Result<u64, DatabaseError> {
    let sql = "select (select count(*) from spans where dialects <> $version)
        + (select count(*) from logs where dialects <> $version)";
    let count: i64 = connection.query_row(sql, named_params! { "version": version() }, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Translates the next rows of another version again: a batch of spans, or of log records once no span is left.
fn next_batch(connection: &Connection, prices: &Prices) -> Result<Reprocessed, DatabaseError> {
    let mut reprocessed = Reprocessed::default();
    let mut statement = connection.prepare_cached(include_str!("queries/stale_spans.sql"))?;
    let mut found = statement.query(named_params! { "version": version(), "limit": BATCH })?;
    let mut spans = Vec::new();
    while let Some(row) = found.next()? {
        let (trace, id) = (trace_id(row.get(0)?), span_id(row.get(1)?));
        let synthetic: bool = row.get(2)?;
        spans.push((trace.zip(id), synthetic, Arrived::read(row, [3, 4, 5, 6], "span")?));
    }
    let origins = Origins::load(connection, spans.iter().map(|(_, _, arrived)| arrived))?;
    for (key, synthetic, arrived) in spans {
        let Some(key) = key else { continue };
        match arrived.span(&origins) {
            Ok(span) => {
                let span = Span { synthetic, ..span };
                reprocessed.bytes += arrived.raw.len();
                reprocessed.spans.push(PreparedSpan::understood(span, Bytes::from(arrived.raw), prices));
            }
            Err(_) => reprocessed.spans_left.push(key),
        }
    }
    if reprocessed.len() > 0 {
        return Ok(reprocessed);
    }
    let mut statement = connection.prepare_cached(include_str!("queries/stale_logs.sql"))?;
    let mut found = statement.query(named_params! { "version": version(), "limit": BATCH })?;
    let mut logs = Vec::new();
    while let Some(row) = found.next()? {
        logs.push((ContentId(row.get(0)?), row.get(1)?, Arrived::read(row, [2, 3, 4, 5], "log record")?));
    }
    let origins = Origins::load(connection, logs.iter().map(|(_, _, arrived)| arrived))?;
    for (id, position, arrived) in logs {
        match arrived.log(&origins) {
            Ok(record) => {
                reprocessed.bytes += arrived.raw.len();
                let (log, made) = PreparedLog::understood(record, position, Bytes::from(arrived.raw), prices);
                reprocessed.logs.push((id, log));
                reprocessed.made.extend(made);
            }
            Err(_) => reprocessed.logs_left.push(id),
        }
    }
    Ok(reprocessed)
}

impl<'a> GroupPlan<'a> {
    /// Plans what replaces the rows that are still of another version; a row that was replaced by a newer record
    /// meanwhile is left as it is. Traces are not summarized here: see [`write_reprocessed`].
    fn of_reprocessed(
        connection: &Connection,
        stored_ids: &StoredIds,
        reprocessed: &'a Reprocessed,
    ) -> Result<Self, DatabaseError> {
        let stored = stored_spans(connection, reprocessed)?;
        let stale_logs = still_stale_logs(connection, reprocessed)?;
        let mut plan = Self::default();
        plan.touched = reprocessed.traces();
        let is_stale = |span: &&PreparedSpan| stored.get(&(span.row.trace, span.row.id)) == Some(&true);
        plan.spans = reprocessed.spans.iter().filter(is_stale).collect();
        plan.gone_spans = plan.spans.iter().map(|span| (span.row.trace, span.row.id)).collect();
        let mut made = HashMap::new();
        for span in &reprocessed.made {
            let key = (span.row.trace, span.row.id);
            if !stored.contains_key(&key) {
                made.insert(key, span);
            }
        }
        plan.spans.extend(made.into_values());
        let logs = reprocessed.logs.iter().filter(|(id, _)| stale_logs.contains(id));
        plan.logs = logs.map(|(id, log)| (*id, log)).collect();
        let mut fresh = HashSet::new();
        let spans = plan.spans.clone().into_iter().map(|span| (Some(span.row.trace), &span.stored));
        let logs = plan.logs.clone().into_iter().map(|(_, log)| (log.row.trace, &log.stored));
        for (trace, stored) in spans.chain(logs) {
            let contents = plan.add_new_contents(stored_ids, &mut fresh, stored);
            plan.trace_contents
                .extend(trace.into_iter().flat_map(|trace| contents.iter().map(move |content| (trace, *content))));
        }
        Ok(plan)
    }
}

/// Replaces rows inside a transaction of the caller's, and returns what it wrote. The traces it touched have to be
/// summarized afterwards, from what is stored then.
pub fn write_reprocessed<'a>(
    connection: &Connection,
    stored_ids: &StoredIds,
    reprocessed: &'a Reprocessed,
) -> Result<GroupPlan<'a>, DatabaseError> {
    let mut plan = GroupPlan::of_reprocessed(connection, stored_ids, reprocessed)?;
    let gone = uhugeints(plan.logs.iter().map(|(id, _)| id.0));
    connection.prepare_cached(include_str!("queries/delete_logs.sql"))?.execute(named_params! { "ids": gone })?;
    let contents = std::mem::take(&mut plan.trace_contents);
    connection.prepare_cached(include_str!("queries/add_trace_contents.sql"))?.execute(named_params! {
        "traces": uhugeints(contents.iter().map(|(trace, _)| trace_number(trace))),
        "contents": uhugeints(contents.iter().map(|(_, content)| content.0)),
    })?;
    plan.write(connection)?;
    // Rows that could not be read get today's version, or they would be read for ever.
    let (traces, ids) = keys(reprocessed.spans_left.iter().copied());
    connection.execute(
        "update spans set dialects = $version
         where (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)",
        named_params! { "version": version(), "traces": traces, "ids": ids },
    )?;
    connection.execute(
        "update logs set dialects = $version where id in (select unnest($ids::uhugeint[]) as id)",
        named_params! { "version": version(), "ids": uhugeints(reprocessed.logs_left.iter().map(|id| id.0)) },
    )?;
    Ok(plan)
}

/// The ids of some spans as two lists for a query: trace ids and span ids.
fn keys(keys: impl Iterator<Item = (TraceId, SpanId)> + Clone) -> (Sql, Sql) {
    let traces = uhugeints(keys.clone().map(|(trace, _)| trace_number(&trace)));
    (traces, Sql::List(keys.map(|(_, id)| Sql::UBigInt(span_number(id))).collect()))
}

/// Which spans of a batch are stored, and whether their rows are of another version.
fn stored_spans(
    connection: &Connection,
    reprocessed: &Reprocessed,
) -> Result<HashMap<(TraceId, SpanId), bool>, DatabaseError> {
    let (traces, ids) =
        keys(reprocessed.spans.iter().chain(&reprocessed.made).map(|span| (span.row.trace, span.row.id)));
    let mut statement = connection.prepare_cached(include_str!("queries/stored_spans.sql"))?;
    let mut found = statement.query(named_params! { "version": version(), "traces": traces, "ids": ids })?;
    let mut stored = HashMap::new();
    while let Some(row) = found.next()? {
        let key = trace_id(row.get(0)?).zip(span_id(row.get(1)?));
        stored.extend(key.zip(row.get(2)?));
    }
    Ok(stored)
}

/// Which log records of a batch are still of another version.
fn still_stale_logs(connection: &Connection, reprocessed: &Reprocessed) -> Result<HashSet<ContentId>, DatabaseError> {
    let ids = uhugeints(reprocessed.logs.iter().map(|(id, _)| id.0));
    let mut statement = connection.prepare_cached(include_str!("queries/still_stale_logs.sql"))?;
    let mut found = statement.query(named_params! { "version": version(), "ids": ids })?;
    let mut stale = HashSet::new();
    while let Some(row) = found.next()? {
        stale.insert(ContentId(row.get(0)?));
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Filter, Query},
        store::{
            Place, Store, Submission,
            tests::{Sent, log, overview, send, span, trace},
        },
    };

    /// A span of a model call, translated by a version that recognised nothing in it.
    fn call(id: u8, tokens: i64) -> Sent {
        let mut sent = span("a", id);
        let message = r#"[{"role":"user","parts":[{"type":"text","content":"weather in Oslo"}]}]"#;
        sent.span.attributes = [
            ("gen_ai.operation.name".to_owned(), "chat".into()),
            ("gen_ai.request.model".to_owned(), "gpt-4o-mini".into()),
            ("gen_ai.provider.name".to_owned(), "openai".into()),
            ("gen_ai.usage.input_tokens".to_owned(), crate::model::Value::Int(tokens)),
            ("gen_ai.usage.output_tokens".to_owned(), crate::model::Value::Int(1)),
            ("gen_ai.input.messages".to_owned(), message.into()),
        ]
        .into_iter()
        .collect();
        sent
    }

    /// Marks all rows as those of another version.
    fn of_old(store: &Store) {
        let age = |connection: &Connection| {
            Ok(connection.execute_batch("update spans set dialects = 1; update logs set dialects = 1")?)
        };
        store.connection.with(age).unwrap();
    }

    /// Opens a store, with its rows reprocessed.
    fn opened(path: &std::path::Path) -> Store {
        let store = Store::open(&Place::File(path.to_owned()), Arc::new(Prices::bundled())).unwrap();
        store.wait_until_reprocessed();
        store
    }

    /// Waits until this many model calls are in the totals, which the writer updates when nothing else waits.
    fn settled(store: &Store, calls: u64) -> crate::model::Overview {
        for _ in 0..200 {
            let now = overview(store, Filter::default());
            if now.totals.model_calls == calls {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("never settled")
    }

    #[test]
    fn what_an_older_version_understood_is_understood_again_when_the_store_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        send(&store, (1..=250).flat_map(|id| [call(id, 10)]));
        let prepared = |(text, position)| {
            let record = log(text);
            let raw = crate::decode::encode::log_bytes(&record);
            PreparedLog::understood(record, position, raw.into(), &Prices::default()).0
        };
        let mut records = [("hello", 7), ("there", 8)].map(prepared).into();
        store
            .writer()
            .submit_blocking(Submission { logs: std::mem::take(&mut records), ..Submission::default() })
            .unwrap();
        assert_eq!(overview(&store, Filter::default()).totals.model_calls, 0);
        of_old(&store);
        store.close();

        let store = opened(&path);
        let overview = settled(&store, 250);
        assert_eq!((overview.spans, overview.totals.model_calls), (250, 250));
        assert_eq!(overview.totals.usage.input(), Some(2500));
        assert!(overview.totals.cost_if_known().is_some());
        let words = Filter { text: "oslo".into(), ..Filter::default() };
        let Ok(crate::model::Answer::Sessions(found)) = store.answer(&Query::Sessions { filter: words, limit: 9 })
        else {
            panic!("sessions are listed")
        };
        assert_eq!(found.rows.len(), 1);
        let left = |connection: &Connection| count(connection);
        assert_eq!(store.connection.with(left).unwrap(), 0);
        assert_eq!(store.health().reprocessing, None);
        let mut positions: Vec<_> = store.rows(&[trace("a")]).unwrap()[0].logs.iter().map(|log| log.position).collect();
        positions.sort_unstable();
        assert_eq!(positions, [7, 8]);
    }

    #[test]
    fn a_record_that_came_meanwhile_is_not_overwritten_by_an_older_one() {
        let store = Store::open(&Place::Memory, Arc::new(Prices::bundled())).unwrap();
        send(&store, [call(1, 10), call(2, 20)]);
        of_old(&store);
        let read = store.connection.with(|connection| next_batch(connection, &Prices::bundled())).unwrap();
        assert_eq!(read.spans.len(), 2);
        send(&store, [Sent { translation: dialects::translate(&(&call(1, 11).span).into()), ..call(1, 11) }]);
        store.writer().submit_reprocessed(read).unwrap();
        assert_eq!(settled(&store, 2).totals.usage.input(), Some(31));
    }
}
