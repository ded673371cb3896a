//! Prices stored rows anew where only the prices have changed since: nothing is decoded or translated for that.
//!
//! A row has the version of dialects and prices together. Which version of the dialects was in it is noted in `meta`, when
//! a program of that version opens the store. Rows of a version that nobody noted are translated again.

use duckdb::{Connection, Row, named_params, types::Value as Sql};
use tracing::warn;

use super::{
    DatabaseError,
    hash_ids::LogId,
    rows::{blob, span_id, span_keys, trace_id, uhugeints},
    stored_translation::StoredTranslation,
};
use crate::{
    dialects,
    model::{GenAi, SpanId, Timestamp, TraceId, Usd},
    pricing::Prices,
    understand::version,
};

/// Most rows in a batch of those that another version understood.
pub const BATCH: u64 = 500;
/// Most bytes of their raw forms in a batch, as they are stored: unpacked they have several times as many.
pub const BATCH_BYTES: u64 = 4 << 20;
/// The version of a row that is to be translated again whatever the versions are.
const NONE: u32 = 0;

/// Notes which dialects are in today's version. If that fails, rows of it will be translated again, and not priced.
pub fn note_version(connection: &Connection) {
    let name = noted(version());
    let note = || {
        if !connection.prepare("select 1 from meta where name = ?")?.exists([&name])? {
            connection.execute("insert into meta values (?, ?)", duckdb::params![&name, dialects::VERSION])?;
        }
        Ok(())
    };
    note().unwrap_or_else(|error: duckdb::Error| warn!(%error, "the version was not noted"));
}

/// The name in `meta` of what is noted of a version.
fn noted(version: u32) -> String {
    format!("understood {version}")
}

/// The versions that have today's dialects and other prices.
fn of_other_prices(connection: &Connection) -> Result<Vec<u32>, DatabaseError> {
    let mut statement =
        connection.prepare_cached("select name from meta where value = ? and name like 'understood %'")?;
    let names = statement.query_map([dialects::VERSION], |row| row.get::<_, String>(0))?;
    let mut versions = Vec::new();
    for name in names {
        versions.extend(name?.strip_prefix("understood ").and_then(|number| number.parse::<u32>().ok()));
    }
    versions.retain(|other| *other != version());
    Ok(versions)
}

/// A batch of rows with other prices.
#[derive(Default)]
pub struct Repriced {
    spans: Vec<((TraceId, SpanId), Price)>,
    /// Each with its trace.
    logs: Vec<((LogId, Option<TraceId>), Price)>,
    /// The versions that its rows have, unless they were replaced meanwhile.
    before: Vec<u32>,
}

/// What replaces a row's stored translation and price.
struct Price {
    understood: Vec<u8>,
    cost: Option<Usd>,
    version: u32,
}

impl Repriced {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.spans.len() + self.logs.len()
    }

    /// The trace of each row that has one.
    pub fn traces(&self) -> impl Iterator<Item = TraceId> {
        let spans = self.spans.iter().map(|((trace, _), _)| *trace);
        spans.chain(self.logs.iter().filter_map(|((_, trace), _)| *trace))
    }

    /// Prices the next rows: a batch of spans, or of log records once no span is left.
    pub fn next(connection: &Connection, prices: &Prices) -> Result<Self, DatabaseError> {
        let before = of_other_prices(connection)?;
        if before.is_empty() {
            return Ok(Self::default());
        }
        let price = |genai: &GenAi, at| prices.price(genai, at);
        let spans = next_rows(
            connection,
            "select started, understood, octet_length(raw), cost, trace, id from spans",
            &before,
            |row| Ok(trace_id(row.get(4)?).zip(span_id(row.get(5)?))),
            &price,
        )?;
        if !spans.is_empty() {
            return Ok(Self { spans, before, ..Self::default() });
        }
        let logs = next_rows(
            connection,
            "select happened, understood, octet_length(raw), null::bigint, id, trace from logs",
            &before,
            |row| Ok(Some((row.get(4)?, row.get::<_, Option<u128>>(5)?.and_then(trace_id)))),
            &price,
        )?;
        Ok(Self { logs, before, ..Self::default() })
    }

    /// Replaces the rows that still have one of the versions from before. The caller has begun a transaction.
    pub fn write(&self, connection: &Connection) -> Result<(), DatabaseError> {
        let before = || Sql::List(self.before.iter().copied().map(Sql::UInt).collect());
        let blobs = |prices: &mut dyn Iterator<Item = &Price>| {
            Sql::List(prices.map(|price| Sql::Blob(price.understood.clone())).collect())
        };
        let versions = |prices: &mut dyn Iterator<Item = &Price>| {
            Sql::List(prices.map(|price| Sql::UInt(price.version)).collect())
        };
        if !self.spans.is_empty() {
            let mut prices = self.spans.iter().map(|(_, price)| price);
            let costs = prices.clone().map(|price| price.cost.map_or(Sql::Null, |cost| Sql::BigInt(cost.0))).collect();
            let (traces, ids) = span_keys(self.spans.iter().map(|(key, _)| *key));
            connection.prepare_cached(include_str!("queries/reprice_spans.sql"))?.execute(named_params! {
                "traces": traces,
                "ids": ids,
                "understood": blobs(&mut prices.clone()),
                "costs": Sql::List(costs),
                "versions": versions(&mut prices),
                "before": before(),
            })?;
            let gone = "delete from spans where dialects in (select unnest($before::uinteger[]) as version)
                and (trace, id) in (select unnest($traces::uhugeint[]) as trace, unnest($ids::ubigint[]) as id)";
            let gone_rows = named_params! { "before": before(), "traces": traces, "ids": ids };
            connection.prepare_cached(gone)?.execute(gone_rows)?;
        }
        if !self.logs.is_empty() {
            let mut prices = self.logs.iter().map(|(_, price)| price);
            let ids = uhugeints(self.logs.iter().map(|((id, _), _)| *id));
            connection.prepare_cached(include_str!("queries/reprice_logs.sql"))?.execute(named_params! {
                "ids": ids,
                "understood": blobs(&mut prices.clone()),
                "versions": versions(&mut prices),
                "before": before(),
            })?;
            let gone = "delete from logs where dialects in (select unnest($before::uinteger[]) as version)
                and id in (select unnest($ids::uhugeint[]) as id)";
            connection.prepare_cached(gone)?.execute(named_params! { "before": before(), "ids": ids })?;
        }
        Ok(())
    }
}

/// Prices the next rows of a table: at most [`BATCH`], and no more than [`BATCH_BYTES`], but at least one. The columns are
/// the time of the call, the stored translation, the bytes that are moved with it, its cost, and those that `key` reads.
fn next_rows<Key>(
    connection: &Connection,
    select: &str,
    before: &[u32],
    key: impl Fn(&Row) -> duckdb::Result<Option<Key>>,
    price: &dyn Fn(&GenAi, Timestamp) -> Option<crate::model::Cost>,
) -> Result<Vec<(Key, Price)>, DatabaseError> {
    let sql = format!("{select} where dialects in (select unnest($before::uinteger[]) as version) limit $limit");
    let mut statement = connection.prepare_cached(&sql)?;
    let before = Sql::List(before.iter().copied().map(Sql::UInt).collect());
    let mut found = statement.query(named_params! { "before": before, "limit": BATCH })?;
    let (mut rows, mut bytes) = (Vec::new(), 0_u64);
    while let Some(row) = found.next()? {
        let understood = blob(row, 1)?;
        let moved = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0).saturating_add(understood.len() as u64);
        bytes = bytes.saturating_add(moved);
        if !rows.is_empty() && bytes > BATCH_BYTES {
            break;
        }
        let Some(key) = key(row)? else { continue };
        let at = Timestamp(row.get(0)?);
        let repriced = if let Some((understood, cost)) = StoredTranslation::priced(understood, |genai| price(genai, at))
        {
            Price { understood, cost, version: version() }
        } else {
            let cost = row.get::<_, Option<i64>>(3)?.map(Usd);
            Price { understood: understood.to_vec(), cost, version: NONE }
        };
        rows.push((key, repriced));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use super::*;
    use crate::{
        model::Filter,
        store::{
            Place, Store,
            reprocess::count,
            tests::{halves::exports, overview},
        },
    };

    /// Takes the prices away from all rows, as if a version with the same dialects had known none.
    fn take_prices(store: &Store, other: u32) {
        let take = |connection: &Connection| {
            let none = |_: &GenAi, _| None;
            let spans = next_rows(
                connection,
                "select started, understood, 0::bigint, cost, trace, id from spans",
                &[version()],
                |row| Ok(trace_id(row.get(4)?).zip(span_id(row.get(5)?))),
                &none,
            )?;
            let logs = next_rows(
                connection,
                "select happened, understood, 0::bigint, null::bigint, id, trace from logs",
                &[version()],
                |row| Ok(Some((row.get(4)?, row.get::<_, Option<u128>>(5)?.and_then(trace_id)))),
                &none,
            )?;
            let mut all = Repriced { spans, logs, before: vec![version()] };
            let prices = all.spans.iter_mut().map(|(_, price)| price);
            prices.chain(all.logs.iter_mut().map(|(_, price)| price)).for_each(|price| price.version = other);
            all.write(connection)?;
            // What cannot be decoded cannot be translated.
            let raw = "update spans set raw = 'x'::blob; update logs set raw = 'x'::blob; update traces set cost = 0";
            Ok(connection.execute_batch(raw)?)
        };
        store.connection.with(take).unwrap();
    }

    fn note(store: &Store, other: u32, dialects: u32) {
        let note = |connection: &Connection| {
            Ok(connection.execute("insert into meta values (?, ?)", duckdb::params![noted(other), dialects])?)
        };
        store.connection.with(note).unwrap();
    }

    #[test]
    fn rows_that_only_prices_have_changed_for_are_priced_and_not_translated() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("a"));
        let prices = Arc::new(Prices::bundled());
        let store = Store::open(&place, prices.clone()).unwrap();
        for export in exports() {
            store.writer().submit_blocking(export).unwrap();
        }
        let expected = overview(&store, Filter::default()).totals;
        assert!(expected.cost_if_known().is_some() && expected.priced > 1);
        let costs = |store: &Store| {
            let ask = |connection: &Connection| {
                let mut statement = connection.prepare("select cost from spans order by trace, id")?;
                Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<Option<i64>>, _>>()?)
            };
            store.connection.with(ask).unwrap()
        };
        let before = costs(&store);
        take_prices(&store, 77);
        assert!(costs(&store).iter().all(Option::is_none));
        note(&store, 77, dialects::VERSION);
        store.close();

        let store = Store::open(&place, prices.clone()).unwrap();
        store.wait_until_reprocessed().unwrap();
        for _ in 0..1000 {
            if overview(&store, Filter::default()).totals == expected {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(overview(&store, Filter::default()).totals, expected);
        assert_eq!((costs(&store), store.connection.with(count).unwrap()), (before, 0));
    }

    #[test]
    fn rows_of_other_dialects_are_not_priced_alone() {
        let store = Store::open(&Place::Memory, Arc::default()).unwrap();
        for export in exports() {
            store.writer().submit_blocking(export).unwrap();
        }
        let next = || store.connection.with(|connection| Repriced::next(connection, &Prices::default())).unwrap().len();
        assert_eq!(next(), 0, "nothing is of another version");
        take_prices(&store, 77);
        assert_eq!(next(), 0, "nobody noted what that version was");
        note(&store, 77, dialects::VERSION - 1);
        assert_eq!(next(), 0);
        note(&store, 77, dialects::VERSION);
        assert!(next() > 0);
    }
}
