//! Responses that name no span are at the spans of their requests, in whatever order both come.

use std::sync::LazyLock;

use bytes::Bytes;

use super::{removal::left_over, *};
use crate::{
    decode::{self, Encoding, Received},
    model::Totals,
    store::reprocess,
    understand,
};

pub static PRICES: LazyLock<Arc<Prices>> = LazyLock::new(|| Arc::new(Prices::bundled()));

/// The exports of a run of Gemini CLI, a span or log record each, in the order in which they were sent.
pub fn exports() -> Vec<Submission> {
    let read = |name: &str| {
        let path = format!("{}/tests/fixtures/cli-agents/gemini_cli.{name}", env!("CARGO_MANIFEST_DIR"));
        Bytes::from(std::fs::read(path).unwrap())
    };
    let project = Project::default();
    let logs = decode::logs(&project, &read("logs.pb"), Encoding::Protobuf).unwrap().items;
    let spans = decode::traces(&project, &read("pb"), Encoding::Protobuf).unwrap().items;
    logs.into_iter().zip(0..).map(of_log).chain(spans.into_iter().map(of_span)).collect()
}

/// An export of one span.
pub fn of_span(span: Received<Span>) -> Submission {
    let span = PreparedSpan::new(understand::span(span.item, span.raw, &PRICES).0);
    Submission { spans: vec![span], ..Submission::default() }
}

/// An export of one log record, and its place among others.
pub fn of_log((log, position): (Received<LogRecord>, u32)) -> Submission {
    let (log, made) = understand::log(log.item, log.raw, &PRICES, None);
    Submission {
        logs: vec![PreparedLog::new(log, position)],
        spans: made.into_iter().map(PreparedSpan::new).collect(),
        ..Submission::default()
    }
}

/// The sums of all traces, where each log record is, and which spans were made of some.
fn found(store: &Store) -> (Totals, Vec<String>) {
    let placed = "select concat(id, ' ', trace, ' ', span, ' ', exchange, ' ', sent) as line from logs
        union all select concat('made ', trace, ' ', id) from spans where synthetic order by line";
    sums_and_lines(store, placed)
}

/// The sums of all traces, and the lines that a statement finds.
pub fn sums_and_lines(store: &Store, sql: &str) -> (Totals, Vec<String>) {
    let lines = store.connection.with(|connection| {
        let mut statement = connection.prepare(sql)?;
        let lines = statement.query_map([], |row| row.get(0))?;
        Ok(lines.collect::<Result<Vec<String>, _>>()?)
    });
    (overview(store, Filter::default()).totals, lines.unwrap())
}

pub fn stored(exports: impl IntoIterator<Item = Submission>) -> Store {
    let store = Store::open(&Place::Memory, PRICES.clone()).unwrap();
    for export in exports {
        store.writer().submit_blocking(export).unwrap();
    }
    store
}

/// Waits until this is found, and nothing is left of what was moved.
pub fn becomes(store: &Store, found: fn(&Store) -> (Totals, Vec<String>), expected: (Totals, Vec<String>)) {
    for _ in 0..1000 {
        if found(store) == expected {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!((found(store), left_over(store)), (expected, vec![]));
}

#[test]
fn responses_are_placed_by_what_is_stored_and_not_by_what_came_first() {
    let expected = found(&stored(exports()));
    let calls = expected.1.iter().filter(|line| line.starts_with("made ")).count();
    assert!(expected.0.model_calls > 1 && expected.0.usage.reasoning.is_some(), "{:?}", expected.0);
    let reversed = stored(exports().into_iter().rev());
    assert_eq!(found(&reversed), expected);
    // Every third first, then all once more.
    let (first, rest): (Vec<_>, Vec<_>) = exports().into_iter().enumerate().partition(|(nth, _)| nth % 3 == 0);
    let mixed = stored(rest.into_iter().chain(first).map(|(_, export)| export).chain(exports()));
    assert_eq!(found(&mixed), expected);
    // Without requests each response stands for work of its own.
    let requests = |export: &Submission| export.logs.iter().any(|log| log.half.is_some_and(|half| !half.is_response));
    let alone = stored(exports().into_iter().filter(|export| !requests(export)));
    let made = found(&alone).1.iter().filter(|line| line.starts_with("made ")).count();
    assert!(made > calls, "{made} and {calls}");
    for export in exports().into_iter().filter(requests) {
        alone.writer().submit_blocking(export).unwrap();
    }
    assert_eq!(found(&alone), expected);
    // Nothing is left of the runs that the responses were before.
    for store in [&reversed, &mixed, &alone] {
        assert_eq!(left_over(store), []);
    }
}

/// A store that a version without halves left: each response is a call of its own.
fn stored_apart(place: &Place) -> Store {
    let store = Store::open(place, PRICES.clone()).unwrap();
    for export in exports().into_iter().rev() {
        store.writer().submit_blocking(export).unwrap();
        sql(&store, "update logs set exchange = null, sent = null, is_response = null").unwrap();
    }
    sql(&store, "update spans set dialects = 1; update logs set dialects = 1").unwrap();
    store
}

#[test]
fn translated_again_responses_come_to_their_requests_and_leave_nothing_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a"));
    let expected = found(&stored(exports()));
    let apart = stored_apart(&place);
    assert_ne!(found(&apart), expected);
    apart.close();
    let store = Store::open(&place, PRICES.clone()).unwrap();
    store.wait_until_reprocessed().unwrap();
    becomes(&store, found, expected);
}

#[test]
fn a_response_is_translated_again_and_moved_at_once_or_not_at_all() {
    let store = stored_apart(&Place::Memory);
    let before = found(&store);
    let next = || store.connection.with(|connection| reprocess::next_batch(connection, &PRICES)).unwrap();
    store.writer().submit_reprocessed(next()).unwrap();
    let spans = found(&store);
    assert_eq!(spans.1, before.1);
    // The records are translated, and then what is moved cannot be written: its traces have no table.
    sql(&store, "alter table traces rename to away").unwrap();
    let halves = next();
    assert!(!halves.exchanges().is_empty() && halves.spans.is_empty());
    store.writer().submit_reprocessed(halves).unwrap_err();
    sql(&store, "alter table away rename to traces").unwrap();
    assert_eq!(found(&store).1, before.1);
    assert_eq!(number(&store, "select count(*) from logs where dialects <> 1 or exchange is not null"), 0);
    store.writer().submit_reprocessed(next()).unwrap();
    let expected = found(&stored(exports()));
    becomes(&store, found, expected);
}

#[test]
fn responses_stay_at_their_requests_when_they_are_translated_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a"));
    let store = Store::open(&place, PRICES.clone()).unwrap();
    for export in exports() {
        store.writer().submit_blocking(export).unwrap();
    }
    let expected = found(&store);
    // As an older version left it.
    sql(&store, "update spans set dialects = 1").unwrap();
    sql(&store, "update logs set dialects = 1, exchange = null, sent = null, is_response = null").unwrap();
    store.close();
    let store = Store::open(&place, PRICES.clone()).unwrap();
    store.wait_until_reprocessed().unwrap();
    becomes(&store, found, expected);
}
