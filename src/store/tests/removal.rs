//! What is removed goes whole, and nothing else goes.

use std::collections::BTreeMap;

use super::*;
use crate::{
    model::{Content, Limits, Media, MediaData, MediaKind, Part, Removal, Removed},
    store::{Place, doomed, reprocess},
};

/// A span that was at work in the second before so many seconds after 1970.
fn at(mut sent: Sent, second: u64) -> Sent {
    sent.span.ended = Some(Timestamp(second * 1_000_000_000));
    sent.span.started = Timestamp((second - 1) * 1_000_000_000);
    sent
}

fn with_image(mut sent: Sent, bytes: &[u8]) -> Sent {
    let data = MediaData::Inline(bytes.to_vec());
    let media = Media { kind: MediaKind::Image, mime: Some("image/gif".into()), name: None, data };
    let message = Message::new(Role::User, vec![Part::new(Content::Media(media))]);
    sent.translation.readings.push(Reading::sample("test", Carrier::Attributes, vec![Arc::new(message)], vec![]));
    sent
}

fn of_trace(name: &str) -> Removal {
    Removal::Trace(trace(name))
}

fn beyond(limits: Limits) -> Removal {
    Removal::Beyond(limits)
}

/// How many rows each table has; `meta`, which says what the file is, left out.
pub fn counts(store: &Store) -> BTreeMap<String, u64> {
    let tables = |connection: &duckdb::Connection| {
        let sql =
            "select table_name from duckdb_tables() where database_name = current_database() and table_name <> 'meta'";
        let names = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(names)
    };
    let names = store.connection.with(tables).unwrap();
    names.into_iter().map(|name| (name.clone(), number(store, &format!("select count(*) from {name}")))).collect()
}

/// The tables with rows that name what is not stored: a trace without spans and log records, or a message or an image
/// that nothing names.
pub fn left_over(store: &Store) -> Vec<(&'static str, u64)> {
    const OF_TRACES: [&str; 6] = ["trace_contents", "trace_attributes", "traces", "steps", "program_ends", "marks"];
    let held = "select trace from spans union select trace from logs where trace is not null";
    let of_traces = OF_TRACES.map(|table| (table, format!("select count(*) from {table} where trace not in ({held})")));
    let others = [
        (
            "log_contents",
            "select count(*) from log_contents where log not in (select id from logs where trace is null)",
        ),
        (
            "contents",
            "select count(*) from contents where id not in
             (select content from trace_contents union select content from log_contents)",
        ),
        ("content_blobs", "select count(*) from content_blobs where content not in (select id from contents)"),
        ("blobs", "select count(*) from blobs where id not in (select blob from content_blobs)"),
        (
            "adopted_traces",
            "select count(*) from adopted_traces where adopter not in (select trace from spans)
             or trace in (select trace from spans union select trace from logs where trace is not null)",
        ),
    ];
    let all = of_traces.into_iter().chain(others.map(|(table, sql)| (table, sql.to_owned())));
    all.map(|(table, sql)| (table, number(store, &sql))).filter(|(_, rows)| *rows > 0).collect()
}

fn stored(store: &Store) -> Vec<&'static str> {
    ["a", "b", "c", "d", "e"].into_iter().filter(|name| !rows(store, name).spans.is_empty()).collect()
}

#[test]
fn a_trace_goes_from_every_table_and_what_others_name_as_well_stays() {
    let store = memory();
    let tick = LogRecord { trace: Some(trace("b")), ..log("tick") };
    send(&store, [with_image(span("a", 1).with_prompt("Hello").of("s"), b"GIF89a one")]);
    let before = counts(&store);
    send(
        &store,
        [
            with_image(
                with_image(span("b", 1).with_prompt("Hello").with_prompt("Bye").of("s"), b"GIF89a one"),
                b"GIF89a two",
            ),
            span("b", 2),
        ],
    );
    let logs = || vec![prepared_log(tick.clone())];
    store.writer().submit_blocking(Submission { logs: logs(), ..Submission::default() }).unwrap();
    store.changes().take();
    assert_eq!((number(&store, "select count(*) from contents"), number(&store, "select count(*) from blobs")), (4, 2));
    let removed = store.remove(of_trace("b")).unwrap();
    assert_eq!(removed, Removed { traces: 1, sessions: 1, spans: 2, logs: 1 });
    assert_eq!(left_over(&store), []);
    assert_eq!(counts(&store), before);
    let changes = store.changes().take();
    assert!(changes.touches(&trace("b")) && changes.sessions.contains(&SessionId::from("s")));
    assert_eq!((stored(&store), store.remove(of_trace("b")).unwrap()), (vec!["a"], Removed::default()));
    // What is sent again is new.
    send(&store, [with_image(span("b", 1).with_prompt("Bye"), b"GIF89a two"), span("a", 2).with_prompt("Hello")]);
    store.writer().submit_blocking(Submission { logs: logs(), ..Submission::default() }).unwrap();
    let again = rows(&store, "b");
    assert_eq!((again.spans.len(), again.logs.len(), again.spans[0].translation.readings.len()), (1, 1, 2));
    assert_eq!((rows(&store, "a").spans.len(), number(&store, "select count(*) from contents")), (2, 4));
}

#[test]
fn when_everything_goes_no_table_has_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    fill(&store, 0..20);
    store.remove(Removal::All).unwrap();
    assert!(store.size().unwrap() < 4 << 20, "{:?}", store.size());
    for name in ["a", "b"] {
        send(&store, [with_image(span(name, 1).with_prompt(name).of("s"), b"GIF89a one")]);
    }
    let alone = LogRecord { trace: None, span: None, ..log("alone") };
    let logs = vec![prepared_log(log("of a")), prepared_log(alone)];
    store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    sql(&store, "insert into marks values ('x', 4711, null, '', 1)").unwrap();
    assert_eq!(store.remove(Removal::All).unwrap(), Removed { traces: 2, sessions: 1, spans: 2, logs: 2 });
    assert!(counts(&store).values().all(|rows| *rows == 0), "{:?}", counts(&store));
    send(&store, [span("a", 1)]);
    store.close();
    let store = Store::open(&Place::File(path), Arc::default()).unwrap();
    assert_eq!((stored(&store), overview(&store, Filter::default()).spans), (vec!["a"], 1));
}

#[test]
fn of_too_many_runs_those_of_the_session_that_rested_longest_go_and_marked_ones_stay() {
    let store = memory();
    let limit = |runs: u64| beyond(Limits { runs: Some(runs), ..Limits::default() });
    // The session of `a` and `d` was active last, though `a` is the oldest.
    send(&store, [at(span("a", 1).of("long"), 10), at(span("b", 1).of("short"), 20), at(span("c", 1), 30)]);
    send(&store, [at(span("d", 1).of("long"), 40), at(span("e", 1).of("short"), 25)]);
    let doomed: Vec<_> = store.doomed(&limit(1)).unwrap().into_iter().map(|doomed| doomed.trace).collect();
    assert_eq!(doomed, ["b", "e", "c", "a"].map(trace));
    assert_eq!(store.remove(limit(5)).unwrap(), Removed::default());
    assert_eq!(store.remove(limit(3)).unwrap(), Removed { traces: 2, sessions: 1, spans: 2, logs: 0 });
    assert_eq!(stored(&store), ["a", "c", "d"]);
    let marked = u128::from_be_bytes(*trace("c").as_bytes());
    sql(&store, &format!("insert into marks values ('x', {marked}, null, '', 1)")).unwrap();
    store.remove(limit(1)).unwrap();
    assert_eq!(stored(&store), ["c"]);
    store.remove(limit(0)).unwrap();
    assert_eq!(stored(&store), ["c"]);
    // Who names it means it.
    store.remove(of_trace("c")).unwrap();
    assert_eq!((counts(&store)["marks"], left_over(&store)), (0, vec![]));
}

#[test]
fn runs_that_were_active_too_long_ago_go_with_log_records_as_old() {
    let store = memory();
    let now = Timestamp::now().0 / 1_000_000_000;
    let day = 86_400;
    send(&store, [at(span("a", 1), now - 3 * day), at(span("b", 1), now - day)]);
    let mut unknown = span("c", 1);
    (unknown.span.started, unknown.span.ended) = (Timestamp(0), None);
    send(&store, [unknown]);
    let alone = |text: &str, days: u64| LogRecord {
        trace: None,
        span: None,
        at: Timestamp((now - days * day) * 1_000_000_000),
        ..log(text)
    };
    let logs = vec![prepared_log(alone("old", 3)), prepared_log(alone("new", 1))];
    store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    let limits = Limits { age: Some(Duration::from_secs(2 * day)), ..Limits::default() };
    assert_eq!(store.remove(beyond(limits)).unwrap(), Removed { traces: 1, sessions: 0, spans: 1, logs: 1 });
    // Of what has no time nobody knows that it is old.
    assert_eq!((stored(&store), counts(&store)["logs"], left_over(&store)), (vec!["b", "c"], 1, vec![]));
}

/// A log record without a trace that carries a message, so many days old.
fn saying(text: &str, days: u64) -> PreparedLog {
    let Sent { translation, .. } = span("a", 1).with_prompt(text);
    let at = Timestamp(Timestamp::now().0 - days * 86_400_000_000_000);
    prepared_log_of(LogRecord { trace: None, span: None, at, ..log("said") }, translation)
}

#[test]
fn messages_of_log_records_without_a_trace_go_with_them_and_stay_where_others_carry_them() {
    let store = memory();
    send(&store, [span("a", 1).with_prompt("Both"), span("b", 1).with_prompt("Log and b")]);
    let logs = vec![saying("Old", 3), saying("Both", 3), saying("Two logs", 3), saying("Two logs", 1)];
    let logs = logs.into_iter().chain([saying("Log and b", 1)]).collect();
    store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    assert_eq!((counts(&store)["contents"], counts(&store)["log_contents"]), (4, 5));
    let limits = Limits { age: Some(Duration::from_hours(48)), ..Limits::default() };
    assert_eq!(store.remove(beyond(limits)).unwrap().logs, 3);
    let left = || {
        let ask = |connection: &duckdb::Connection| {
            let mut statement = connection.prepare("select text from contents order by text")?;
            let texts = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok(texts.iter().map(|text| text.trim().to_owned()).collect::<Vec<_>>())
        };
        store.connection.with(ask).unwrap()
    };
    assert_eq!(
        (left(), counts(&store)["log_contents"]),
        (vec!["both".into(), "log and b".into(), "two logs".into()], 2)
    );
    // A trace goes, and the log record that says the same keeps its message.
    store.remove(of_trace("b")).unwrap();
    store.remove(of_trace("a")).unwrap();
    assert_eq!(left(), ["log and b", "two logs"]);
    assert_eq!(left_over(&store), []);
}

#[test]
fn messages_of_log_records_are_found_for_a_store_of_a_version_that_did_not_note_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a.duckdb"));
    let store = Store::open(&place, Arc::default()).unwrap();
    let logs = vec![saying("Old", 3), saying("New", 1)];
    store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    let before = counts(&store);
    assert_eq!(before["log_contents"], 2);
    let later = "alter table spans drop column pieces; alter table logs drop column pieces;
        alter table traces drop column called_tools; alter table traces drop column score_names";
    sql(&store, &format!("{later}; drop table adopted_traces; drop table log_contents; update meta set value = 21 where name = 'schema'"))
        .unwrap();
    store.close();
    assert_eq!(counts(&Store::open(&place, Arc::default()).unwrap()), before);
}

#[test]
fn a_session_goes_with_its_log_records_and_the_traces_without_one_go_apart() {
    let store = memory();
    send(&store, [span("a", 1).of("s"), span("b", 1).of("s"), span("c", 1).of("t"), span("d", 1)]);
    assert_eq!(store.remove(Removal::Session(Some("s".into()))).unwrap().traces, 2);
    assert_eq!(stored(&store), ["c", "d"]);
    assert_eq!(store.remove(Removal::Session(None)).unwrap().traces, 1);
    assert_eq!((stored(&store), left_over(&store)), (vec!["c"], vec![]));
}

#[test]
fn what_an_earlier_version_left_of_runs_goes_when_others_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a.duckdb"));
    let store = Store::open(&place, Arc::default()).unwrap();
    send(&store, [with_image(span("a", 1).with_prompt("Hello"), b"GIF89a one"), span("b", 1).full(2)]);
    sql(&store, "delete from spans; delete from traces").unwrap();
    let tables: Vec<_> = left_over(&store).into_iter().map(|(table, _)| table).collect();
    assert_eq!(tables, ["trace_contents", "trace_attributes"]);
    store.close();
    let store = Store::open(&place, Arc::default()).unwrap();
    send(&store, [at(span("c", 1), 3), at(span("d", 1).with_prompt("Bye"), 4)]);
    store.remove(beyond(Limits { runs: Some(1), ..Limits::default() })).unwrap();
    assert_eq!((stored(&store), left_over(&store)), (vec!["d"], vec![]));
    assert_eq!((counts(&store)["contents"], counts(&store)["blobs"]), (1, 0));
    // What went is stored again when it comes again.
    send(&store, [span("a", 1).with_prompt("Hello")]);
    assert_eq!((counts(&store)["contents"], left_over(&store)), (2, vec![]));
}

/// Bytes that nothing compresses.
fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut noise);
    noise
}

/// Sends one span of a megabyte for each number, in a trace of its own.
pub fn fill(store: &Store, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let mut submission = submission([at(span(&format!("t{number}"), 1), 1000 + u64::from(number))]);
        submission.spans[0].stored.raw.row = [vec![0], noise(number, 1 << 20)].concat();
        store.writer().submit_blocking(submission).unwrap();
    }
}

#[test]
fn a_store_that_is_too_large_becomes_smaller_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    fill(&store, 0..48);
    let limits = Limits { size: Some(24 << 20), ..Limits::default() };
    let removed = store.remove(beyond(limits)).unwrap();
    let left = || number(&store, "select count(*) from spans");
    assert!((20..40).contains(&removed.traces) && left() == 48 - removed.traces, "{removed:?}");
    assert!(!rows(&store, "t47").spans.is_empty() && rows(&store, "t0").spans.is_empty());
    let used = store.connection.with(|connection| doomed::used(connection, &store.database)).unwrap();
    assert!(used.unwrap() <= 24 << 20, "{used:?}");
    // By itself it keeps some room below the limit.
    store.keep(limits);
    for round in 1..4 {
        fill(&store, round * 48..round * 48 + 24);
        store.keep(limits);
        for _ in 0..6000 {
            if store.health().pruned.is_some_and(|pruned| pruned.times >= u64::from(round)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert!(store.health().pruned.is_some_and(|pruned| pruned.times >= u64::from(round)), "{:?}", store.health());
    }
    assert!(!rows(&store, "t167").spans.is_empty() && rows(&store, "t47").spans.is_empty());
    // How often it removed something says not that it is done with the last runs.
    for _ in 0..1500 {
        let used = store.connection.with(|connection| doomed::used(connection, &store.database)).unwrap();
        if used.unwrap() <= 24 << 20 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    store.close();
    // What is in use is below the limit, but for the last runs. The file may be larger: blocks are free only once a
    // checkpoint was written after their rows had gone, and it does not say which of them hold texts longer than a block.
    let store = Store::open(&Place::File(path), Arc::default()).unwrap();
    let used = store.connection.with(|connection| doomed::used(connection, &store.database)).unwrap();
    assert!(used.unwrap() <= 48 << 20, "{used:?}");
}

#[test]
fn which_images_are_named_is_found_out_for_a_store_of_a_version_that_did_not_note_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a.duckdb"));
    let store = Store::open(&place, Arc::default()).unwrap();
    send(&store, [with_image(span("a", 1), b"GIF89a one"), with_image(span("b", 1), b"GIF89a two")]);
    let before = counts(&store);
    assert_eq!(before["content_blobs"], 2);
    let later = "alter table spans drop column pieces; alter table logs drop column pieces;
        alter table logs drop column is_response; alter table logs drop column sent;
        alter table logs drop column exchange; alter table spans drop column remote_parent;
        alter table traces drop column called_tools;
        alter table traces drop column score_names; alter table traces drop column score_label; alter table traces drop column score;
        alter table traces drop column unanswered; alter table traces drop column cache_turn;
        alter table traces drop column cache_after; alter table traces drop column cache_before;
        alter table traces drop column program_ended; drop table program_ends; drop table log_contents;
        drop table adopted_traces";
    sql(&store, &format!("{later}; drop table content_blobs; update meta set value = 15 where name = 'schema'"))
        .unwrap();
    store.close();
    let store = Store::open(&place, Arc::default()).unwrap();
    assert_eq!(counts(&store), before);
    store.remove(of_trace("a")).unwrap();
    assert_eq!((counts(&store)["blobs"], rows(&store, "b").spans.len()), (1, 1));
}

#[test]
fn what_was_removed_while_it_was_translated_again_is_not_stored_again() {
    let store = memory();
    send(&store, [span("a", 1), span("b", 1)]);
    sql(&store, "update spans set dialects = 1").unwrap();
    let batch = store.connection.with(|connection| reprocess::next_batch(connection, &Prices::default())).unwrap();
    store.remove(of_trace("a")).unwrap();
    store.writer().submit_reprocessed(batch).unwrap();
    send(&store, [span("c", 1)]);
    assert_eq!(stored(&store), ["b", "c"]);
    for _ in 0..500 {
        if counts(&store)["traces"] == 2 {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!((counts(&store)["traces"], left_over(&store)), (2, vec![]));
}
