//! What spans repeat of others is stored once, and each comes back as it was sent.

use std::{fs, path::Path};

use super::{removal::left_over, *};
use crate::{
    model::Removal,
    store::{
        pieces::PIECE,
        salvage::{Damaged, salvage_into},
    },
};

/// Text of so many bytes that has nothing twice and hardly compresses; another for each `of`.
pub fn text(of: &str, bytes: usize) -> String {
    let lines = (0_u32..).map(|n| format!("{} ", blake3::hash(format!("{of} {n}").as_bytes()).to_hex()));
    let mut text = String::new();
    for line in lines {
        if text.len() >= bytes {
            break;
        }
        text.push_str(&line);
    }
    text.truncate(bytes);
    text
}

/// The spans of a conversation, each of which repeats what was said before it.
fn conversation(of: &str, turns: u8) -> Vec<Sent> {
    let mut said = String::new();
    let spans = (1..=turns).map(|turn| {
        said.push_str(&text(&format!("{of} {turn}"), 1500));
        let mut sent = span(of, turn).with_prompt(&format!("{of} {turn}"));
        sent.span.attributes = [("messages".to_owned(), Value::from(said.as_str()))].into_iter().collect();
        sent
    });
    spans.collect()
}

/// Sends spans one by one, as they end.
fn send_each(store: &Store, spans: &[Sent]) {
    for sent in spans {
        send(store, [sent.clone()]);
    }
}

fn came_back(store: &Store, of: &str, sent: &[Sent]) {
    let sent: Vec<_> = sent.iter().map(|sent| sent.span.clone()).collect();
    assert!(store.raw_spans(&[trace(of)]).unwrap()[&trace(of)] == sent, "{of} is not as it was sent");
    for span in [sent.first(), sent.last()].into_iter().flatten() {
        let Ok(Answer::Raw(Some(raw))) = store.answer(&Query::Raw { trace: trace(of), span: span.id }) else {
            panic!("no raw span")
        };
        assert!(raw.span == *span, "{of} is not as it was sent");
    }
}

fn pieces(store: &Store) -> u64 {
    number(store, &format!("select count(*) from contents where kind = '{PIECE}'"))
}

fn file(path: &Path) -> Store {
    Store::open(&Place::File(path.to_owned()), Arc::default()).unwrap()
}

/// Has all spans understood anew when the store is opened next.
fn make_stale(store: &Store) {
    sql(store, "update spans set dialects = 1; update logs set dialects = 1").unwrap();
}

#[test]
fn what_a_conversation_takes_grows_with_its_turns_and_not_with_their_square() {
    let bytes = |of: &str, turns: u8| {
        let store = memory();
        let sent = conversation(of, turns);
        send_each(&store, &sent);
        came_back(&store, of, &sent);
        // The ids of pieces are left out, one for a kilobyte: the engine compresses them, and those before are the same.
        let sum = "(select sum(octet_length(raw)) from spans) + (select sum(octet_length(body)) from contents)";
        number(&store, &format!("select ({sum})::ubigint"))
    };
    let (some, twice) = (bytes("grows some", 60), bytes("grows twice", 120));
    assert!(twice < some * 5 / 2, "{some} bytes for 60 turns, {twice} for 120");

    let folder = tempfile::tempdir().unwrap();
    let store = file(&folder.path().join("a.duckdb"));
    send_each(&store, &conversation("grows in a file", 60));
    sql(&store, "force checkpoint store").unwrap();
    let others = "select count(*) from pragma_storage_info('spans')
        where column_name = 'pieces' and segment_type = 'BLOB' and compression <> 'ZSTD'";
    assert_eq!(number(&store, others), 0);
    assert!(number(&store, &others.replace("<>", "=")) > 0);
}

#[test]
fn log_records_name_pieces_as_spans_do_and_those_go_with_the_last_of_them() {
    let store = memory();
    let body = text("records", 30_000);
    let record = |name: &str, trace: Option<TraceId>| LogRecord { name: name.into(), trace, ..log(&body) };
    let records = [record("first", None), record("second", None), record("third", Some(trace("a")))];
    for record in &records {
        let logs = vec![prepared_log(record.clone())];
        store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    }
    assert!(pieces(&store) > 5);
    let mut found = store.raw_logs(&store.log_ids(&Pick::default()).unwrap()).unwrap();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(found == records);
    store.remove(Removal::Trace(trace("a"))).unwrap();
    assert!(pieces(&store) > 5 && left_over(&store).is_empty());
    store.remove(Removal::All).unwrap();
    assert_eq!(pieces(&store), 0);
}

#[test]
fn what_two_runs_have_alike_stays_until_both_are_removed() {
    let store = memory();
    let shared = text("shared", 40_000);
    let of = |name: &str| {
        let attributes = |sent: &mut Sent| {
            let own = Value::from(text(name, 20_000).as_str());
            sent.span.attributes =
                [("a".to_owned(), Value::from(shared.as_str())), ("b".to_owned(), own)].into_iter().collect();
        };
        let mut spans = [span(name, 1), span(name, 2), span(name, 3).named("again")];
        spans.iter_mut().for_each(attributes);
        spans
    };
    let (one, other) = (of("one"), of("other"));
    send_each(&store, &one);
    send_each(&store, &other);
    // Of two records of a span the fuller one is kept.
    send(&store, [span("other", 2)]);
    let both = pieces(&store);
    store.remove(Removal::Trace(trace("one"))).unwrap();
    assert!(pieces(&store) < both);
    came_back(&store, "other", &other);
    assert_eq!(left_over(&store), []);
    store.remove(Removal::Trace(trace("other"))).unwrap();
    assert_eq!((pieces(&store), number(&store, "select count(*) from contents")), (0, 0));
    // What is sent again is new.
    send_each(&store, &one);
    came_back(&store, "one", &one);
}

#[test]
fn what_is_understood_anew_comes_back_also_after_a_kill_and_from_a_file_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let (path, killed) = (folder.path().join("a.duckdb"), folder.path().join("killed.duckdb"));
    let sent = conversation("anew", 40);
    let store = file(&path);
    send_each(&store, &sent);
    make_stale(&store);
    store.close();
    let store = file(&path);
    store.wait_until_reprocessed().unwrap();
    assert_eq!(number(&store, "select count(*) from spans where dialects = 1"), 0);
    came_back(&store, "anew", &sent);
    assert!(pieces(&store) > 5 && left_over(&store).is_empty());
    // As a kill leaves them: the file, and a log that nobody brought into it.
    fs::copy(&path, &killed).unwrap();
    fs::copy(path.with_extension("duckdb.wal"), killed.with_extension("duckdb.wal")).unwrap();
    came_back(&file(&killed), "anew", &sent);
    store.close();

    // The former tables had all of it in the row.
    let before = folder.path().join("before.duckdb");
    let store = file(&before);
    let sent = [conversation("before", 1), vec![span("before", 2).full(700)]].concat();
    send_each(&store, &sent);
    assert_eq!(number(&store, "select count(*) from spans where pieces is not null"), 0);
    sql(
        &store,
        "alter table spans drop column pieces; alter table logs drop column pieces; drop table adopted_traces;
         update meta set value = 23 where name = 'schema'; update spans set dialects = 1",
    )
    .unwrap();
    drop(store);
    let store = file(&before);
    store.wait_until_reprocessed().unwrap();
    came_back(&store, "before", &sent);
    let more = conversation("more", 30);
    send_each(&store, &more);
    came_back(&store, "more", &more);
}

#[test]
fn the_file_written_anew_has_what_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let store = file(&path);
    let (kept, gone) = (conversation("kept", 60), conversation("gone", 60));
    send_each(&store, &gone);
    send_each(&store, &kept);
    store.remove(Removal::Trace(trace("gone"))).unwrap();
    store.close();
    crate::store::rewrite::rewrite(&path).unwrap();
    let store = Store::open_to_read(&path, Arc::default(), |_| ()).unwrap();
    came_back(&store, "kept", &kept);
}

#[test]
fn a_piece_that_is_lost_costs_the_spans_that_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let store = file(&path);
    let (whole, broken) = (conversation("whole", 20), conversation("broken", 20));
    send_each(&store, &whole);
    send_each(&store, &broken);
    let named = |connection: &duckdb::Connection| {
        let sql = "select pieces from spans where trace = ? and pieces is not null order by started desc";
        let number = u128::from_be_bytes(*trace("broken").as_bytes());
        Ok(connection.query_row(sql, [number], |row| row.get::<_, Vec<u8>>(0))?)
    };
    let ids = store.connection.with(named).unwrap();
    let first = u128::from_be_bytes(*ids.first_chunk().unwrap());
    sql(&store, &format!("delete from contents where kind = '{PIECE}' and id = {first}::uhugeint")).unwrap();
    store.close();
    let new = folder.path().join("new.duckdb");
    let salvaged = salvage_into(&path, &new, &Arc::default()).unwrap();
    let into = file(&new);
    assert!(salvaged.lost > 0 && salvaged.spans + salvaged.lost == 40, "{salvaged:?}");
    came_back(&into, "whole", &whole);
    assert_eq!(rows(&into, "broken").spans.len() as u64, 20 - salvaged.lost);
    // They stay as they were understood, and the others are understood anew.
    let store = file(&path);
    make_stale(&store);
    store.close();
    let store = file(&path);
    store.wait_until_reprocessed().unwrap();
    assert_eq!(rows(&store, "broken").spans.len(), 20);
    came_back(&store, "whole", &whole);
}

#[test]
fn pieces_in_a_block_that_cannot_be_read_cost_the_spans_that_have_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let store = file(&path);
    for of in 0..8 {
        send_each(&store, &conversation(&format!("block {of}"), 80));
    }
    store.close();
    let bytes = fs::read(&path).unwrap();
    let mut partly = false;
    for block in 0..(bytes.len() - 12_288) / 262_144 {
        let mut damaged = bytes.clone();
        damaged[12_288 + block * 262_144 + 5_000] ^= 0x55;
        fs::write(&path, &damaged).unwrap();
        let found = Damaged::open(&path).unwrap().examine();
        if found[0].unreadable > 0 || found[2].unreadable == 0 {
            continue;
        }
        let new = folder.path().join(format!("new-{block}.duckdb"));
        let salvaged = salvage_into(&path, &new, &Arc::default()).unwrap();
        assert_eq!(salvaged.spans + salvaged.lost, 640, "{salvaged:?}");
        partly |= salvaged.lost > 0 && salvaged.spans > 0;
    }
    assert!(partly, "no block held pieces of some spans");
}
