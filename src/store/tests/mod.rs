//! What the store promises, seen from outside; and the spans that its tests send.

mod adoption;
mod damage;
mod filters;
pub mod halves;
mod lists;
mod pieces;
pub mod removal;

use std::{sync::Arc, thread, time::Duration};

use bytes::Bytes;

use super::{DatabaseError, Pick, Place, PreparedLog, PreparedSpan, Store, StoreError, Submission};
use crate::{
    decode::{Encoding, encode, logs, scores},
    model::{
        Answer, Attributes, Carrier, Dropped, Failure, Filter, LogRecord, Message, Overview, Page, Project, Query,
        Reading, Resource, Role, RunState, Scope, SessionId, SessionSummary, Span, SpanId, SpanKind, StateCounts,
        Status, StatusCode, Subject, Timestamp, TraceId, TraceRows, TraceSummary, Translation, Value,
    },
    pricing::Prices,
    understand::Understood,
};

/// A span on its way.
#[derive(Clone)]
pub struct Sent {
    pub span: Span,
    pub translation: Translation,
}

pub fn trace(name: &str) -> TraceId {
    TraceId::from_bytes(&blake3::hash(name.as_bytes()).as_bytes()[..16]).unwrap()
}

pub fn span(of: &str, id: u8) -> Sent {
    let span = Span {
        project: Project::default(),
        trace: trace(of),
        id: SpanId::from_bytes(&[id, 0, 0, 0, 0, 0, 0, 7]).unwrap(),
        parent: None,
        flags: 1,
        trace_state: String::new(),
        name: "work".into(),
        kind: SpanKind::Client,
        status: Status::default(),
        started: Timestamp(u64::from(id) * 1_000),
        ended: Some(Timestamp(u64::MAX)),
        attributes: Attributes::default(),
        events: vec![],
        links: vec![],
        dropped: Dropped::default(),
        scope: Arc::new(Scope { name: "scope".into(), ..Scope::default() }),
        resource: Arc::new(Resource {
            attributes: [("service.name".to_owned(), Value::from("shop"))].into_iter().collect(),
            ..Resource::default()
        }),
        synthetic: false,
    };
    Sent { span, translation: Translation::default() }
}

impl Sent {
    pub fn named(mut self, name: &str) -> Self {
        self.span.name = name.into();
        self
    }

    fn unfinished(mut self) -> Self {
        self.span.ended = None;
        self
    }

    pub fn full(mut self, attributes: usize) -> Self {
        self.span.attributes = (0..attributes).map(|n| (format!("key.{n}"), Value::Int(1))).collect();
        self
    }

    pub fn with_prompt(mut self, text: &str) -> Self {
        let prompt = vec![Arc::new(Message::text(Role::User, text))];
        self.translation.readings.push(Reading::sample("test", Carrier::Attributes, prompt, vec![]));
        self
    }

    pub fn of(mut self, session: &str) -> Self {
        self.translation.context.session = Some(session.into());
        self
    }

    pub fn prepared(self) -> PreparedSpan {
        let raw = Bytes::from(encode::span_bytes(&self.span));
        PreparedSpan::new(Understood { item: self.span, raw, translation: self.translation, half: None })
    }
}

pub fn memory() -> Store {
    Store::open(&Place::Memory, Arc::default()).unwrap()
}

/// A closed store of forty runs, each with twenty spans whose messages hardly compress; returns the bytes of its file.
pub fn written(path: &std::path::Path) -> Vec<u8> {
    let store = Store::open(&Place::File(path.to_owned()), Arc::default()).unwrap();
    for run in 0..40_u8 {
        let spans = (1..=20).map(|id| {
            let noise = blake3::hash(&[run, id]).to_hex().repeat(12);
            span(&run.to_string(), id).named(&noise).with_prompt(&noise)
        });
        send(&store, spans);
    }
    store.close();
    std::fs::read(path).unwrap()
}

pub fn submission(spans: impl IntoIterator<Item = Sent>) -> Submission {
    Submission { spans: spans.into_iter().map(Sent::prepared).collect(), ..Submission::default() }
}

pub fn send(store: &Store, spans: impl IntoIterator<Item = Sent>) {
    store.writer().submit_blocking(submission(spans)).unwrap();
}

pub fn rows(store: &Store, of: &str) -> TraceRows {
    store.rows(&[trace(of)]).unwrap().remove(0)
}

fn traces(store: &Store, session: Option<&str>, filter: Filter, limit: usize) -> Page<TraceSummary> {
    let query = Query::Traces { session: session.map(SessionId::from), filter, limit };
    let Ok(Answer::Traces(page)) = store.answer(&query) else { panic!("no traces") };
    page
}

pub fn overview(store: &Store, filter: Filter) -> Overview {
    let Ok(Answer::Overview(overview)) = store.answer(&Query::Overview { filter, today: None }) else {
        panic!("no overview")
    };
    *overview
}

fn sql(store: &Store, sql: &str) -> Result<(), DatabaseError> {
    store.connection.with(|connection| Ok(connection.execute_batch(sql)?))
}

fn number(store: &Store, sql: &str) -> u64 {
    store.connection.with(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

#[test]
fn what_was_sent_comes_back_whole() {
    let store = memory();
    let sent = span("a", 1).with_prompt("Hello\0there").named("nul\0name").full(40).of("s");
    send(&store, [sent.clone()]);
    assert_eq!(store.raw_spans(&[trace("a")]).unwrap()[&trace("a")], std::slice::from_ref(&sent.span));
    let rows = rows(&store, "a");
    assert_eq!(*rows.spans[0].translation, sent.translation);
    assert_eq!((rows.spans[0].name.as_str(), rows.spans[0].service.as_deref()), ("nul\0name", Some("shop")));
    assert_eq!(rows.spans[0].ended, Some(Timestamp(u64::MAX)));
    let query = Query::Raw { trace: trace("a"), span: sent.span.id };
    let Ok(Answer::Raw(Some(raw))) = store.answer(&query) else { panic!("no raw span") };
    assert_eq!(raw.span, sent.span);
    let query = Query::Detail { subject: Subject::Trace(trace("b")) };
    assert!(matches!(store.answer(&query), Ok(Answer::Detail(None))));
}

#[test]
fn a_span_sent_again_is_one_span_and_the_fuller_record_is_kept() {
    let store = memory();
    send(&store, [span("a", 1), span("a", 2)]);
    send(&store, [span("a", 1).named("again").full(1)]);
    send(&store, [span("a", 2).named("first of two").full(1), span("a", 2).named("second of two").full(2)]);
    let mut names: Vec<_> = rows(&store, "a").spans.into_iter().map(|span| span.name).collect();
    names.sort();
    assert_eq!(names, ["again", "second of two"]);
    assert_eq!(overview(&store, Filter::default()).spans, 2);
    assert_eq!(number(&store, "select count(*) from traces"), 1);
}

#[test]
fn of_records_that_are_alike_one_is_kept_whichever_comes_first() {
    let kept = |order: [&str; 2]| {
        let (together, apart) = (memory(), memory());
        send(&together, order.map(|name| span("a", 1).named(name)));
        for name in order {
            send(&apart, [span("a", 1).named(name)]);
        }
        [together, apart].map(|store| rows(&store, "a").spans.remove(0).name)
    };
    let [one, other] = kept(["red", "blue"]);
    assert_eq!(one, other);
    assert_eq!(kept(["blue", "red"]), [one, other]);
}

#[test]
fn the_most_complete_record_of_a_span_is_kept_whichever_comes_first() {
    let partial_first = [span("a", 1).unfinished().full(3), span("a", 1).named("done")];
    let complete_first = [span("a", 1).named("done"), span("a", 1).unfinished().full(3)];
    let fuller_first = [span("a", 1).full(3).named("done"), span("a", 1).full(2)];
    for order in [partial_first, complete_first, fuller_first] {
        let together = memory();
        send(&together, order.clone());
        let apart = memory();
        for sent in order {
            send(&apart, [sent]);
        }
        for store in [together, apart] {
            let spans = rows(&store, "a").spans;
            assert_eq!((spans.len(), spans[0].name.as_str()), (1, "done"));
            assert_eq!(traces(&store, None, Filter::default(), 9).rows[0].ended, Some(Timestamp(u64::MAX)));
        }
    }
}

#[test]
fn a_trace_that_was_let_go_is_loaded_again_and_its_spans_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a.duckdb"));
    let store = Store::open(&place, Arc::default()).unwrap();
    send(&store, [span("a", 1).full(3).with_prompt("Hello").of("s"), span("a", 2)]);
    store.close();
    let store = Store::open(&place, Arc::default()).unwrap();
    store.changes().take();
    send(&store, [span("a", 1).unfinished(), span("a", 2).named("again").with_prompt("Hello"), span("a", 3)]);
    let mut names: Vec<_> = rows(&store, "a").spans.into_iter().map(|span| span.name).collect();
    names.sort();
    assert_eq!(names, ["again", "work", "work"]);
    assert_eq!(number(&store, "select count(*) from contents"), 1);
    assert_eq!(number(&store, "select count(*) from resources"), 1);
    let changes = store.changes().take();
    assert_eq!((changes.spans, changes.sessions.into_iter().collect::<Vec<_>>()), (2, vec![SessionId::from("s")]));
    let traces = traces(&store, Some("s"), Filter::default(), 9);
    assert_eq!((traces.total, traces.rows[0].spans), (1, 3));
}

#[test]
fn what_was_answered_is_there_though_the_program_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.duckdb"), folder.path().join("b.duckdb"));
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    send(&store, (1..200).map(|id| span("a", id).with_prompt("Hello")));
    // As a kill leaves them: the file, and a log that nobody brought into it.
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(folder.path().join("a.duckdb.wal"), folder.path().join("b.duckdb.wal")).unwrap();
    let copy = Store::open(&Place::File(copy), Arc::default()).unwrap();
    assert_eq!(rows(&copy, "a").spans.len(), 199);
    send(&copy, [span("a", 1)]);
    assert_eq!(rows(&copy, "a").spans.len(), 199);
}

#[test]
fn a_closed_store_is_one_file_and_refuses_submissions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let store = Store::open(&Place::File(path), Arc::default()).unwrap();
    send(&store, [span("a", 1)]);
    let writer = store.writer();
    store.close();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(writer.submit_blocking(submission([span("a", 2)])), Err(StoreError::Closed));
}

#[test]
fn an_engine_that_gives_up_is_opened_again_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a.duckdb"));
    let store = Store::open(&place, Arc::default()).unwrap();
    let readers = store.readers(Box::new(|_| ()));
    send(&store, [span("a", 1).with_prompt("Hello")]);
    sql(&store, "set debug_checkpoint_abort = 'before_header'").unwrap();
    assert!(sql(&store, "force checkpoint store").is_err());
    assert!(sql(&store, "select * from meta").unwrap_err().to_string().contains("invalidated"));
    send(&store, [span("a", 2).with_prompt("Hello")]);
    assert_eq!(rows(&store, "a").spans.len(), 2);
    assert_eq!(store.health().failing, None);
    assert_eq!(number(&store, "select count(*) from contents"), 1);
    drop(readers);
}

#[test]
fn an_engine_that_gives_up_in_a_checkpoint_is_opened_again_though_nobody_sends() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a.duckdb"));
    let store = Store::open(&place, Arc::default()).unwrap();
    send(&store, [span("a", 1)]);
    store.changes().take();
    sql(&store, "set debug_checkpoint_abort = 'before_header'").unwrap();
    assert!(!store.checkpointer.checkpoint());
    for _ in 0..500 {
        if store.changes().take().all {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(number(&store, "select count(*) from spans"), 1);
    assert_eq!(store.health().failing, None);
}

pub fn log(text: &str) -> LogRecord {
    let Sent { span, .. } = span("a", 1);
    LogRecord {
        project: Project::default(),
        trace: Some(trace("a")),
        span: Some(span.id),
        flags: 0,
        at: Timestamp(5),
        observed: Timestamp(6),
        severity: 9,
        severity_text: "INFO".into(),
        name: "note".into(),
        body: Value::from(text),
        attributes: Attributes::default(),
        dropped_attributes: 0,
        scope: span.scope,
        resource: span.resource,
    }
}

pub fn prepared_log(record: LogRecord) -> PreparedLog {
    prepared_log_of(record, Translation::default())
}

pub fn prepared_log_of(record: LogRecord, translation: Translation) -> PreparedLog {
    let raw = Bytes::from(encode::log_bytes(&record));
    PreparedLog::new(Understood { item: record, raw, translation, half: None }, 0)
}

#[test]
fn a_log_record_sent_again_is_one_but_two_equal_ones_at_once_are_two() {
    let store = memory();
    let send = |records: &[LogRecord]| {
        let logs = records.iter().cloned().map(prepared_log).collect();
        store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    };
    let alone = LogRecord { trace: None, span: None, ..log("alone") };
    for _ in 0..3 {
        send(&[log("hm"), log("hm"), log("so"), alone.clone()]);
    }
    let ids = store.log_ids(&Pick::default()).unwrap();
    let mut found = store.raw_logs(&ids).unwrap();
    found.sort_by_key(|log| (log.trace.is_some(), log.body.to_text()));
    assert_eq!(found, [alone, log("hm"), log("hm"), log("so")]);
    let rows = rows(&store, "a");
    assert_eq!(rows.logs.len(), 3);
    assert!(rows.logs.iter().any(|log| log.text == "so" && log.severity == 9));
    let pick = Pick { trace: Some(trace("a")), ..Pick::default() };
    let of_a = store.log_ids(&pick).unwrap();
    assert_eq!((of_a.len(), store.log_ids_of(&[trace("b"), trace("a")]).unwrap()), (3, of_a));
}

#[test]
fn a_score_without_a_time_that_is_sent_again_is_one() {
    let store = memory();
    let send = |value: f64| {
        let body = format!(r#"{{"id":"s","name":"a","value":{value},"traceId":"abcdef1234567890abcdef1234567890"}}"#);
        let request = scores(&Project::default(), body.as_bytes()).unwrap().request;
        let decoded = logs(&Project::default(), &request.into(), Encoding::Protobuf).unwrap();
        let logs: Vec<_> = decoded.items.into_iter().map(|received| prepared_log(received.item)).collect();
        assert!(logs.iter().all(|log| log.row.at.known().is_some()));
        store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    };
    for value in [0.5, 0.5, 0.75, 0.5] {
        send(value);
    }
    assert_eq!(store.log_ids(&Pick::default()).unwrap().len(), 2);
}

#[test]
fn log_records_without_a_time_are_never_the_same_one() {
    let store = memory();
    let tick = LogRecord { at: Timestamp(0), observed: Timestamp(0), trace: None, span: None, ..log("tick") };
    let send = |times: usize| {
        let logs = (0..times).map(|_| prepared_log(tick.clone())).collect();
        store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    };
    send(1);
    send(2);
    assert_eq!(store.log_ids(&Pick::default()).unwrap().len(), 3);
}

#[test]
fn a_file_held_by_another_process_is_refused_with_its_pid() {
    const HOLD: &str = "SIDESEAT_TUI_TEST_HOLD";
    if let Ok(path) = std::env::var(HOLD) {
        let _store = Store::open(&Place::File(path.into()), Arc::default()).unwrap();
        thread::sleep(Duration::from_mins(1));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let this = "store::tests::a_file_held_by_another_process_is_refused_with_its_pid";
    let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
        .args([this, "--exact"])
        .env(HOLD, &path)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let refused = (0..100).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        let made = std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
        made.then(|| Store::open(&Place::File(path.clone()), Arc::<Prices>::default()).err()).flatten()
    });
    holder.kill().unwrap();
    holder.wait().unwrap();
    let refused = refused.unwrap().to_string();
    assert!(refused.contains(&format!("(pid {})", holder.id())), "{refused}");
}
