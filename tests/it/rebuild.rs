//! What another version understood is reprocessed when a store is opened, and nothing is lost, doubled or hidden by that.

use serde_json::Value;

use crate::program::{Home, PROTOBUF, Program, eventually, fixture, post};

/// Log records of which a dialect makes spans.
const RECORDS: &str = "cli-agents/codex_cli.logs.pb";
/// Takes away what a version that did not know that dialect would not have stored.
const AS_BEFORE: &str = "create temp table made as select distinct trace from spans where synthetic;
    update logs set trace = null, span = null, dialects = 1 where trace in (from made);
    delete from trace_contents where trace in (from made);
    delete from traces where trace in (from made);
    delete from spans where synthetic";

/// A store that was sent the records and closed.
fn with_records() -> Home {
    let mut program = Program::serve(&[]);
    send(&program);
    program.stop();
    program.home().clone()
}

fn send(program: &Program) {
    let reply = post(program.http(), "/v1/logs", &[PROTOBUF], &fixture(RECORDS));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

fn change(home: &Home, sql: &str) {
    duckdb::Connection::open(home.db()).unwrap().execute_batch(sql).unwrap();
}

fn number(home: &Home, sql: &str) -> i64 {
    duckdb::Connection::open(home.db()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The rows of all traces, as commands list them.
fn listed(home: &Home) -> Value {
    serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap()
}

/// Opens the store and waits until its rows are those that are wanted.
fn reopened(home: &Home, wanted: &Value) -> Program {
    let program = home.serve(&[]);
    eventually("every row is right again", || (listed(home) == *wanted).then_some(()));
    program
}

fn doubled(home: &Home) -> i64 {
    number(home, "select count(*) from (select trace, id from spans group by all having count(*) > 1)")
}

#[test]
fn spans_that_a_newer_version_makes_of_records_are_listed_and_stored_once_though_the_records_come_again() {
    let home = with_records();
    let wanted = listed(&home);
    assert!(wanted.as_array().unwrap().len() > 1);
    change(&home, AS_BEFORE);
    let mut program = reopened(&home, &wanted);
    send(&program);
    program.stop();
    assert_eq!(doubled(&home), 0);
    assert_eq!(listed(&home), wanted);
}

#[test]
fn spans_without_a_row_of_their_trace_are_listed_when_the_store_is_opened_again() {
    let home = with_records();
    let wanted = listed(&home);
    // As a kill leaves it between the commit of reprocessed rows and that of their summaries.
    change(&home, "delete from traces");
    // A command that only reads tells of them as well, and leaves them so.
    assert_eq!(listed(&home), wanted);
    assert_eq!(number(&home, "select count(*) from traces"), 0);
    let mut program = reopened(&home, &wanted);
    send(&program);
    program.stop();
    assert_eq!((doubled(&home), listed(&home)), (0, wanted));
}

#[test]
fn a_span_made_of_a_record_is_not_where_another_version_put_it() {
    const OTHER: u128 = 4711;
    let home = with_records();
    let wanted = listed(&home);
    {
        let store = duckdb::Connection::open(home.db()).unwrap();
        let made = "select trace::varchar, id::varchar, raw from spans where synthetic";
        let mut statement = store.prepare(made).unwrap();
        let read = |row: &duckdb::Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let spans: Vec<(String, String, Vec<u8>)> =
            statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap();
        assert!(!spans.is_empty());
        store
            .execute_batch(
                "create temp table made as select distinct trace from spans where synthetic;
                 update logs set trace = 4711, dialects = 1 where trace in (from made);
                 update traces set trace = 4711 where trace in (select min(trace) from made);
                 delete from traces where trace in (from made)",
            )
            .unwrap();
        for (trace, id, packed) in spans {
            let mut raw = if packed[0] == 0 { packed[1..].to_vec() } else { zstd::decode_all(&packed[1..]).unwrap() };
            let right = trace.parse::<u128>().unwrap().to_be_bytes();
            let at = raw.windows(right.len()).position(|bytes| bytes == right).unwrap();
            raw[at..at + right.len()].copy_from_slice(&OTHER.to_be_bytes());
            let moved = [&[0], raw.as_slice()].concat();
            let sql =
                format!("update spans set trace = {OTHER}, dialects = 1, raw = ? where trace = {trace} and id = {id}");
            store.execute(&sql, [moved]).unwrap();
        }
    }
    reopened(&home, &wanted).stop();
    assert_eq!(number(&home, "select count(*) from spans where trace = 4711"), 0);
    assert_eq!(number(&home, "select count(*) from traces where trace = 4711"), 0);
    assert_eq!((doubled(&home), listed(&home)), (0, wanted));
}
