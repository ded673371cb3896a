//! Reprocesses stored spans and log records that an older version translated: today's dialects and prices read their
//! raw form again. Where only prices have changed, `reprice` does with what is stored of the translation.
//!
//! ```text
//!   rows of another version ─▶ raw form ─▶ dialects ─▶ pricing ─▶ the writer: their rows, replaced
//!        a batch at a time                                          if no newer record came meanwhile
//! ```
//!
//! It runs on a thread and a connection of its own while everything else goes on. If the program is killed meanwhile,
//! the rest is reprocessed when the store is next opened.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use duckdb::{Connection, named_params, types::Value as Sql};
use tracing::{error, info, warn};

use super::{
    DatabaseError, StoreError, StoreHealth, Writer, adoption, lock, panic_text,
    pool::PooledConnection,
    prepared::{PreparedLog, PreparedSpan},
    queries,
    raw_records::{Origins, RawRecord},
    replace::Reprocessed,
    reprice::{BATCH, BATCH_BYTES, Repriced},
    rows::{span_id, trace_id},
};
use crate::{
    model::Span,
    pricing::Prices,
    understand::{self, version},
};

/// How many packed bytes of a raw form one byte of an id of a piece stands for, about.
const PACKED_PIECE: u64 = 32;
/// How long after a failure the reprocessing goes on.
const RETRY: Duration = Duration::from_secs(10);

/// How far the reprocessing is, in spans and log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows reprocessed so far.
    pub done: u64,
    /// Rows that there were to reprocess when it began, or `done` if that is more.
    pub of: u64,
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
    /// Ends it when the store closes.
    pub ends: Arc<Ends>,
}

/// Tells the reprocessing that the store closes.
#[derive(Default)]
pub struct Ends {
    has_come: Mutex<bool>,
    changed: Condvar,
}

impl Ends {
    /// Ends it after its batch.
    pub fn come(&self) {
        *lock(&self.has_come) = true;
        self.changed.notify_all();
    }

    /// Waits for so long, or until the store closes; returns whether it does.
    pub(super) fn come_within(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.has_come), time, |come| !*come);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Reprocessor {
    /// Reprocesses batch by batch. Returns when no row is left, or when the store closes. After a failure, such as of a
    /// full disk, it goes on a while later.
    pub fn run(&self) {
        let mut all = 0;
        let mut done = 0;
        while !self.ends.come_within(Duration::ZERO) {
            // As many as there are now: after a failure that may be others.
            let step = if all == 0 { self.connection.with_room(count).map(Step::Counted) } else { self.batch() };
            match step {
                Ok(Step::Counted(0) | Step::Batch(0)) => break,
                Ok(Step::Counted(rows)) => {
                    info!(rows, "reprocessing what another version understood");
                    all = rows;
                }
                Ok(Step::Batch(rows)) => done += rows,
                Err(error) => {
                    let why = error.to_string();
                    let before = lock(&self.health).reprocessing_fails.replace(why);
                    if before.is_none() {
                        warn!(%error, "reprocessing failed; it will go on later");
                    }
                    if self.ends.come_within(RETRY) {
                        break;
                    }
                    (all, done) = (0, 0);
                    continue;
                }
            }
            let mut health = lock(&self.health);
            (health.reprocessing, health.reprocessing_fails) = (Some(Progress { done, of: all.max(done) }), None);
        }
        let mut health = lock(&self.health);
        (health.reprocessing, health.reprocessing_fails) = (None, None);
        drop(health);
        self.connection.close();
    }

    /// Reprocesses one batch.
    fn batch(&self) -> Result<Step, DatabaseError> {
        let batch = self.connection.with_room(|connection| {
            // The numbers of rows hold within a transaction.
            queries::at_one_moment(connection, || next_batch(connection, &self.prices))
        })?;
        let rows = batch.len();
        if rows > 0 {
            match self.writer.submit_reprocessed(batch) {
                Ok(()) => {}
                Err(StoreError::Closed) => return Ok(Step::Batch(0)),
                Err(error) => return Err(DatabaseError::Away(error.to_string())),
            }
        }
        Ok(Step::Batch(rows))
    }
}

/// What a step of the reprocessing did.
enum Step {
    /// Counted the rows that there are to reprocess.
    Counted(u64),
    /// Reprocessed so many.
    Batch(u64),
}

/// Number of rows of another version.
pub fn count(connection: &Connection) -> Result<u64, DatabaseError> {
    let sql = "select (select count(*) from spans where dialects <> $version)
        + (select count(*) from logs where dialects <> $version)";
    let count: i64 = connection.query_row(sql, named_params! { "version": version() }, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Prices or translates the next rows of another version again: a batch of spans, or of log records once no span is left.
pub(super) fn next_batch(connection: &Connection, prices: &Prices) -> Result<Reprocessed, DatabaseError> {
    let repriced = Repriced::next(connection, prices)?;
    if repriced.len() > 0 {
        return Ok(Reprocessed { repriced, ..Reprocessed::default() });
    }
    let spans = next_spans(connection, prices)?;
    if spans.len() > 0 { Ok(spans) } else { next_logs(connection, prices) }
}

/// The next rows of a table that another version understood: at most [`BATCH`], and no more than [`BATCH_BYTES`], but at
/// least one.
fn next_rows(connection: &Connection, table: &str) -> Result<Sql, DatabaseError> {
    // The id of a piece stands for some hundred packed bytes.
    let bytes = format!("octet_length(raw) + {PACKED_PIECE} * coalesce(octet_length(pieces), 0)");
    let sql = format!("select rowid, {bytes} from {table} where dialects <> $version limit $limit");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(named_params! { "version": version(), "limit": BATCH })?;
    let (mut rows, mut bytes) = (Vec::new(), 0_u64);
    while let Some(row) = found.next()? {
        bytes = bytes.saturating_add(u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0));
        if !rows.is_empty() && bytes > BATCH_BYTES {
            break;
        }
        rows.push(Sql::BigInt(row.get(0)?));
    }
    Ok(Sql::List(rows))
}

/// What could be read; `None` for a stored form that cannot, which costs only its row.
fn readable<T>(read: Result<T, DatabaseError>) -> Result<Option<T>, DatabaseError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(DatabaseError::Unreadable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What came of work on one row; `None` if it panicked, which costs only that row. Of all rows it would be the first in the
/// next batch again.
pub(super) fn surviving<T>(work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.inspect_err(|panic| error!(error = panic_text(&**panic), "a row could not be translated again")).ok()
}

fn next_spans(connection: &Connection, prices: &Prices) -> Result<Reprocessed, DatabaseError> {
    let mut reprocessed = Reprocessed::default();
    let rows = next_rows(connection, "spans")?;
    let mut statement = connection.prepare_cached(include_str!("queries/stale_spans.sql"))?;
    let mut found = statement.query(named_params! { "rows": rows })?;
    let mut spans = Vec::new();
    while let Some(row) = found.next()? {
        let Some(key) = trace_id(row.get(0)?).zip(span_id(row.get(1)?)) else { continue };
        match readable(RawRecord::read(row, [3, 4, 5, 6, 7], "span"))? {
            Some(record) => spans.push((key, row.get(2)?, row.get::<_, Option<u64>>(8)?.and_then(span_id), record)),
            None => reprocessed.spans_left.push(key),
        }
    }
    let origins = Origins::load(connection, spans.iter().map(|(.., record)| record))?;
    for (key, synthetic, parent, record) in spans {
        let span = readable(record.span(&origins))?;
        let prepared = span.and_then(|(span, raw)| {
            surviving(|| {
                // The records of what it says of others are stored, each a row of its own.
                // One of an adopted trace stays where it is.
                let (understood, _) = understand::span(Span { synthetic, trace: key.0, parent, ..span }, raw, prices);
                PreparedSpan::new(understood)
            })
        });
        match prepared {
            Some(span) => reprocessed.spans.push(span),
            None => reprocessed.spans_left.push(key),
        }
    }
    Ok(reprocessed)
}

fn next_logs(connection: &Connection, prices: &Prices) -> Result<Reprocessed, DatabaseError> {
    let mut reprocessed = Reprocessed::default();
    let rows = next_rows(connection, "logs")?;
    let mut statement = connection.prepare_cached(include_str!("queries/stale_logs.sql"))?;
    let mut found = statement.query(named_params! { "rows": rows })?;
    let mut logs = Vec::new();
    while let Some(row) = found.next()? {
        let before =
            row.get::<_, Option<u128>>(7)?.and_then(trace_id).zip(row.get::<_, Option<u64>>(8)?.and_then(span_id));
        match readable(RawRecord::read(row, [2, 3, 4, 5, 6], "log record"))? {
            Some(record) => logs.push((row.get(0)?, row.get(1)?, before, record)),
            None => reprocessed.logs_left.push(row.get(0)?),
        }
    }
    let origins = Origins::load(connection, logs.iter().map(|(_, _, _, record)| record))?;
    let mut decoded = Vec::new();
    for (id, position, before, record) in logs {
        match readable(record.log(&origins))? {
            Some((log, raw)) => decoded.push((id, position, before, log, raw)),
            None => reprocessed.logs_left.push(id),
        }
    }
    // One of an adopted trace stays where it is.
    let moved = decoded.iter().filter_map(|(_, _, before, log, _)| {
        log.trace.filter(|trace| before.is_some_and(|(other, _)| other != *trace))
    });
    let adopters = adoption::adopters(connection, moved)?;
    for (id, position, before, mut log, raw) in decoded {
        log.trace = log.trace.map(|trace| adopters.get(&trace).map_or(trace, |adopter| adopter.0));
        // A response that had been placed at the span of its request is placed there again once it is stored.
        let understood = surviving(|| {
            let (log, made) = understand::log(log, raw, prices, None);
            let place = log.item.trace.zip(log.item.span);
            (PreparedLog::new(log, position), made.map(PreparedSpan::new), place)
        });
        let Some((log, made, place)) = understood else {
            reprocessed.logs_left.push(id);
            continue;
        };
        reprocessed.moved.extend(before.filter(|before| place != Some(*before)));
        reprocessed.logs.push((id, log));
        reprocessed.made.extend(made.map(|span| (id, span)));
    }
    Ok(reprocessed)
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
    fn make_stale(store: &Store) {
        let age = |connection: &Connection| {
            Ok(connection.execute_batch("update spans set dialects = 1; update logs set dialects = 1")?)
        };
        store.connection.with(age).unwrap();
    }

    /// Opens a store, with its rows reprocessed.
    fn opened(path: &std::path::Path) -> Store {
        let store = Store::open(&Place::File(path.to_owned()), Arc::new(Prices::bundled())).unwrap();
        store.wait_until_reprocessed().unwrap();
        store
    }

    /// Waits until this many model calls are in the totals, which the writer updates when nothing else waits.
    fn summarized(store: &Store, calls: u64) -> crate::model::Overview {
        for _ in 0..1000 {
            let now = overview(store, Filter::default());
            if now.totals.model_calls == calls {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("never summarized")
    }

    #[test]
    fn what_another_version_understood_is_reprocessed_when_the_store_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        send(&store, (1..=250).flat_map(|id| [call(id, 10)]));
        let prepared = |(text, position)| {
            let record = log(text);
            let raw = crate::decode::encode::log_bytes(&record);
            PreparedLog::new(understand::log(record, raw.into(), &Prices::default(), None).0, position)
        };
        let mut records = [("hello", 7), ("there", 8)].map(prepared).into();
        store
            .writer()
            .submit_blocking(Submission { logs: std::mem::take(&mut records), ..Submission::default() })
            .unwrap();
        assert_eq!(overview(&store, Filter::default()).totals.model_calls, 0);
        make_stale(&store);
        store.close();

        let store = opened(&path);
        let overview = summarized(&store, 250);
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
    fn a_panic_costs_one_row() {
        assert_eq!(surviving(|| 7), Some(7));
        assert_eq!(surviving(|| -> u8 { panic!("out of cheese") }), None);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_left_and_the_others_are_translated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        send(&store, (1..=9).map(|id| call(id, 10)));
        let spoil = |connection: &Connection| {
            let first = "(select min(id) from spans)";
            let sql = format!("update spans set raw = 'nonsense'::blob where id = {first}");
            Ok(connection.execute_batch(&sql)?)
        };
        store.connection.with(spoil).unwrap();
        make_stale(&store);
        store.close();
        let store = opened(&path);
        assert_eq!(summarized(&store, 8).spans, 9);
        assert_eq!(store.connection.with(count).unwrap(), 0);
    }

    #[test]
    fn a_record_that_was_received_meanwhile_is_not_overwritten_by_an_older_one() {
        let store = Store::open(&Place::Memory, Arc::new(Prices::bundled())).unwrap();
        send(&store, [call(1, 10), call(2, 20)]);
        make_stale(&store);
        let read = store.connection.with(|connection| next_batch(connection, &Prices::bundled())).unwrap();
        assert_eq!(read.spans.len(), 2);
        let (newer, _) = understand::span(call(1, 11).span, bytes::Bytes::new(), &Prices::default());
        send(&store, [Sent { translation: newer.translation, ..call(1, 11) }.full(9)]);
        store.writer().submit_reprocessed(read).unwrap();
        assert_eq!(summarized(&store, 2).totals.usage.input(), Some(31));
    }
}
