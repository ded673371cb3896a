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

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use duckdb::{Connection, named_params};
use tracing::{info, warn};

use super::{
    DatabaseError, StoreError, StoreHealth, Writer, lock,
    pool::PooledConnection,
    prepared::{PreparedLog, PreparedSpan},
    raw_records::{Origins, RawRecord},
    replace::Reprocessed,
    rows::{span_id, trace_id},
};
use crate::{
    model::Span,
    pricing::Prices,
    understand::{self, version},
};

/// Most spans or log records in a batch.
const BATCH: u64 = 500;

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
    /// Set when the store closes.
    pub ends: Arc<AtomicBool>,
}

impl Reprocessor {
    /// Reprocesses batch by batch. Returns when no row is left, when the store closes, or after a failure.
    pub fn run(&self) {
        let all = match self.connection.with(count) {
            Ok(0) => return,
            Ok(all) => all,
            Err(error) => return warn!(%error, "what another version understood cannot be found"),
        };
        info!(rows = all, "reprocessing what another version understood");
        let mut done = 0;
        while !self.ends.load(Ordering::Relaxed) {
            lock(&self.health).reprocessing = Some(Progress { done, of: all.max(done) });
            let batch = match self.connection.with(|connection| next_batch(connection, &self.prices)) {
                Ok(batch) => batch,
                Err(error) => {
                    warn!(%error, "reprocessing was given up");
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
                    warn!(%error, "reprocessing was given up");
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
        spans.push((trace.zip(id), synthetic, RawRecord::read(row, [3, 4, 5, 6], "span")?));
    }
    let origins = Origins::load(connection, spans.iter().map(|(_, _, record)| record))?;
    for (key, synthetic, record) in spans {
        let Some(key) = key else { continue };
        match record.span(&origins) {
            Ok(span) => {
                let span = Span { synthetic, ..span };
                let understood = understand::span(span, Bytes::from(record.raw), prices);
                reprocessed.spans.push(PreparedSpan::new(understood));
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
        logs.push((row.get(0)?, row.get(1)?, RawRecord::read(row, [2, 3, 4, 5], "log record")?));
    }
    let origins = Origins::load(connection, logs.iter().map(|(_, _, record)| record))?;
    for (id, position, record) in logs {
        match record.log(&origins) {
            Ok(log) => {
                let (log, made) = understand::log(log, Bytes::from(record.raw), prices);
                reprocessed.logs.push((id, PreparedLog::new(log, position)));
                reprocessed.made.extend(made.map(PreparedSpan::new));
            }
            Err(_) => reprocessed.logs_left.push(id),
        }
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
        store.wait_until_reprocessed();
        store
    }

    /// Waits until this many model calls are in the totals, which the writer updates when nothing else waits.
    fn summarized(store: &Store, calls: u64) -> crate::model::Overview {
        for _ in 0..200 {
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
            PreparedLog::new(understand::log(record, raw.into(), &Prices::default()).0, position)
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
    fn a_record_that_was_received_meanwhile_is_not_overwritten_by_an_older_one() {
        let store = Store::open(&Place::Memory, Arc::new(Prices::bundled())).unwrap();
        send(&store, [call(1, 10), call(2, 20)]);
        make_stale(&store);
        let read = store.connection.with(|connection| next_batch(connection, &Prices::bundled())).unwrap();
        assert_eq!(read.spans.len(), 2);
        let newer = understand::span(call(1, 11).span, Bytes::new(), &Prices::default());
        send(&store, [Sent { translation: newer.translation, ..call(1, 11) }]);
        store.writer().submit_reprocessed(read).unwrap();
        assert_eq!(summarized(&store, 2).totals.usage.input(), Some(31));
    }
}
