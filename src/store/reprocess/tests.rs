//! Rows of another version, some of which cannot be read.

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
    store.writer().submit_blocking(Submission { logs: std::mem::take(&mut records), ..Submission::default() }).unwrap();
    assert_eq!(overview(&store, Filter::default()).totals.model_calls, 0);
    make_stale(&store);
    store.close();

    let store = opened(&path);
    let overview = summarized(&store, 250);
    assert_eq!((overview.spans, overview.totals.model_calls), (250, 250));
    assert_eq!(overview.totals.usage.input(), Some(2500));
    assert!(overview.totals.cost_if_known().is_some());
    let words = Filter { text: "oslo".into(), ..Filter::default() };
    let Ok(crate::model::Answer::Sessions(found)) = store.answer(&Query::Sessions { filter: words, limit: 9 }) else {
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
