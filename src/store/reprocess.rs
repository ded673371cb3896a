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
        if let Some(to) = log.trace.and_then(|trace| adopters.get(&trace)) {
            to.place(&mut log);
        }
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
mod tests;
