//! A trace that only records a call of another one is in that one, in whatever order both come, and stays there.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;

use super::{
    halves::{PRICES, becomes, of_log, of_span, stored, sums_and_lines},
    removal::{counts, left_over},
    *,
};
use crate::{
    decode::{self, Encoding, Received},
    model::{Removal, Totals},
    store::Marked,
    understand,
};

/// The exports of a conversation of three turns that LangChain's instrumentation and one of the client both recorded, a span or
/// log record each, in the order in which they were sent.
fn exports(of: &str) -> Vec<Submission> {
    let read = |ending: &str| {
        let path = format!("{}/tests/pairs/{of}.{ending}.gz", env!("CARGO_MANIFEST_DIR"));
        let mut body = Vec::new();
        GzDecoder::new(std::fs::File::open(path).ok()?).read_to_end(&mut body).unwrap();
        Some(Bytes::from(body))
    };
    let project = Project::default();
    let spans = decode::traces(&project, &read("pb").unwrap(), Encoding::Protobuf).unwrap().items;
    let logs =
        read("logs.pb").map_or_else(Vec::new, |body| decode::logs(&project, &body, Encoding::Protobuf).unwrap().items);
    spans.into_iter().map(of_span).chain(logs.into_iter().zip(0..).map(of_log)).collect()
}

/// The sums of all traces; where each span and log record is, and what adopted what.
fn found(store: &Store) -> (Totals, Vec<String>) {
    let placed = "select concat('span ', trace, ' ', parent, ' ', id) as line from spans
        union all select concat('log ', trace, ' ', span, ' ', id) from logs
        union all select concat('adopted ', trace, ' ', adopter, ' ', call) from adopted_traces
        union all select concat('trace ', trace, ' ', cost, ' ', model_calls, ' ', spans) from traces order by line";
    sums_and_lines(store, placed)
}

fn number_of(what: &str, found: &(Totals, Vec<String>)) -> usize {
    found.1.iter().filter(|line| line.starts_with(what)).count()
}

#[test]
fn a_call_that_two_traces_have_counts_once_whichever_comes_first() {
    let alone = overview(&stored(exports("lc.converse")), Filter::default()).totals;
    for of in ["lc+oi.converse", "lc+olm.converse", "lc+otel.converse", "lc+otellatest.converse_stream"] {
        let expected = found(&stored(exports(of)));
        let totals = &expected.0;
        assert_eq!((totals.model_calls, totals.usage.output), (alone.model_calls, alone.usage.output), "{of}");
        assert_eq!(totals.cost, alone.cost, "{of}");
        let traces = ["trace", "adopted"].map(|what| number_of(what, &expected));
        assert!(traces[0] == 3 && traces[1] >= 4, "{of}: {traces:?}");
        let reversed = stored(exports(of).into_iter().rev());
        assert_eq!(found(&reversed), expected, "{of}");
        let (first, rest): (Vec<_>, Vec<_>) = exports(of).into_iter().enumerate().partition(|(nth, _)| nth % 3 == 0);
        let mixed = stored(rest.into_iter().chain(first).map(|(_, export)| export).chain(exports(of)));
        assert_eq!(found(&mixed), expected, "{of}");
        for store in [&reversed, &mixed] {
            assert_eq!(left_over(store), [], "{of}");
        }
    }
}

#[test]
fn what_was_adopted_stays_when_the_store_is_opened_again_and_its_spans_are_translated_again_or_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a"));
    let store = Store::open(&place, PRICES.clone()).unwrap();
    for export in exports("lc+otel.converse") {
        store.writer().submit_blocking(export).unwrap();
    }
    let expected = found(&store);
    assert!(number_of("log", &expected) > 0 && number_of("adopted", &expected) > 0);
    sql(&store, "update spans set dialects = 1; update logs set dialects = 1").unwrap();
    store.close();
    let store = Store::open(&place, PRICES.clone()).unwrap();
    store.wait_until_reprocessed().unwrap();
    becomes(&store, found, expected.clone());
    for export in exports("lc+otel.converse") {
        store.writer().submit_blocking(export).unwrap();
    }
    assert_eq!((found(&store), left_over(&store)), (expected, vec![]));
}

#[test]
fn its_raw_form_is_what_was_sent_and_it_goes_with_the_trace_that_adopted_it() {
    let store = stored(exports("lc+oi.converse"));
    let Ok(Answer::Traces(page)) = store.answer(&Query::Runs { limit: 9 }) else { panic!("runs are listed") };
    let ids: Vec<TraceId> = page.rows.iter().map(|row| row.trace).collect();
    let raw = store.raw_spans(&ids).unwrap();
    let sent = exports("lc+oi.converse").len();
    assert_eq!((ids.len(), raw.values().map(Vec::len).sum::<usize>()), (3, sent));
    let of_others = raw.iter().flat_map(|(trace, spans)| spans.iter().filter(move |span| span.trace != *trace));
    let of_others: Vec<_> = of_others.collect();
    assert!(of_others.len() >= 4 && of_others.iter().all(|span| span.parent.is_none()));
    // By its own id it is found where it is.
    for span in &of_others {
        let picked = store.picked(&Pick { trace: Some(span.trace), ..Pick::default() }).unwrap();
        assert!(picked.len() == 1 && ids.contains(&picked[0].trace));
    }
    for trace in ids {
        store.remove(Removal::Trace(trace)).unwrap();
    }
    let left = counts(&store);
    assert!(
        left.iter().all(|(table, rows)| *rows == 0 || ["resources", "scopes"].contains(&table.as_str())),
        "{left:?}"
    );
}

/// A call: who recorded it, whether it has a parent, when, and with what answer.
fn call(of: &str, id: u8, scope: &str, [started, ended]: [u64; 2], answer: &str) -> Sent {
    let mut sent = span(of, id);
    let message =
        |role: &str, text: &str| format!(r#"[{{"role":"{role}","parts":[{{"type":"text","content":"{text}"}}]}}]"#);
    sent.span.attributes = [
        ("gen_ai.operation.name".to_owned(), "chat".into()),
        ("gen_ai.request.model".to_owned(), "gpt-4o-mini".into()),
        ("gen_ai.usage.input_tokens".to_owned(), Value::Int(10)),
        ("gen_ai.usage.output_tokens".to_owned(), Value::Int(5)),
        ("gen_ai.input.messages".to_owned(), message("user", "What is the weather?").as_str().into()),
        ("gen_ai.output.messages".to_owned(), message("assistant", answer).as_str().into()),
    ]
    .into_iter()
    .collect();
    (sent.span.started, sent.span.ended) = (Timestamp(started), Some(Timestamp(ended)));
    sent.span.scope = Arc::new(Scope { name: scope.into(), ..Scope::default() });
    sent
}

fn beneath(mut sent: Sent, parent: u8) -> Sent {
    sent.span.parent = Some(span("a", parent).span.id);
    sent
}

fn elsewhere(mut sent: Sent) -> Sent {
    let attributes = [("service.name".to_owned(), Value::from("bakery"))].into_iter().collect();
    sent.span.resource = Arc::new(Resource { attributes, ..Resource::default() });
    sent
}

/// A call of which no content was recorded.
fn silent(mut sent: Sent) -> Sent {
    let kept = sent.span.attributes.iter().filter(|(key, _)| !key.ends_with(".messages"));
    sent.span.attributes = kept.map(|(key, value)| (key.to_owned(), value.clone())).collect();
    sent
}

fn understood(Sent { span, .. }: Sent) -> Submission {
    let raw = Bytes::from(encode::span_bytes(&span));
    of_span(Received { item: span, raw })
}

/// How many traces there are, and how many calls count, once some calls were sent.
fn counted(calls: impl IntoIterator<Item = Sent>) -> (u64, u64) {
    counted_of(calls.into_iter().map(understood))
}

fn counted_of(exports: impl IntoIterator<Item = Submission>) -> (u64, u64) {
    let store = stored(exports);
    (number(&store, "select count(*) from traces"), overview(&store, Filter::default()).totals.model_calls)
}

#[test]
fn only_what_one_process_recorded_twice_is_one_call() {
    let sunny = "It is sunny in Oslo today.";
    let outer = || beneath(call("a", 2, "framework", [100, 900], sunny), 1);
    let root = || span("a", 1);
    let lone = || call("b", 3, "client", [200, 800], sunny);
    assert_eq!(counted([root(), outer(), lone()]), (1, 1));
    assert_eq!(counted([lone(), outer(), root()]), (1, 1));
    // What ended within the tick of a clock after it did.
    assert_eq!(counted([root(), outer(), call("b", 3, "client", [200, 901], sunny)]), (1, 1));
    // Another process; the same instrumentation; another answer; a call that began before, or went on long after.
    assert_eq!(counted([root(), outer(), elsewhere(lone())]), (2, 2));
    assert_eq!(counted([root(), outer(), call("b", 3, "framework", [200, 800], sunny)]), (2, 2));
    assert_eq!(counted([root(), outer(), call("b", 3, "client", [200, 800], "It rains in Bergen as always.")]), (2, 2));
    assert_eq!(counted([root(), outer(), call("b", 3, "client", [50, 800], sunny)]), (2, 2));
    assert_eq!(counted([root(), outer(), call("b", 3, "client", [200, 9_000_000], sunny)]), (2, 2));
    // One that is not all of its trace.
    let other = beneath(call("b", 4, "client", [300, 400], sunny), 1);
    assert_eq!(counted([root(), outer(), span("b", 1), beneath(lone(), 1), other]).0, 2);
    // A call is one call of a client: the second one is another.
    let again = || call("c", 4, "client", [300, 700], sunny);
    assert_eq!(counted([root(), outer(), lone(), again()]), (2, 2));
    // What a third one recorded is the same again, and what is in a trace that is adopted goes with it.
    let inner = || call("c", 4, "transport", [300, 700], sunny);
    assert_eq!(counted([inner(), lone(), outer(), root()]), (1, 1));
    assert_eq!(counted([root(), outer(), lone(), inner()]), (1, 1));
    assert_eq!(counted([inner(), outer(), lone(), root()]), (1, 1));
    // Requests beneath the call come with it, also later.
    let mut request = beneath(span("b", 5), 3);
    (request.span.started, request.span.ended) = (Timestamp(210), Some(Timestamp(790)));
    let late = counted([root(), outer(), lone(), request.clone()]);
    assert_eq!((late, counted([request, lone(), root(), outer()])), ((1, 1), (1, 1)));
}

#[test]
fn where_only_tokens_say_that_two_calls_are_one_there_has_to_be_one_of_each() {
    let root = || span("a", 1);
    let outer = || silent(beneath(call("a", 2, "framework", [100, 900], ""), 1));
    let lone = |of: &str, id, times| silent(call(of, id, "client", times, ""));
    assert_eq!(counted([lone("b", 3, [200, 800]), outer(), root()]), (1, 1));
    assert_eq!(counted([lone("b", 3, [200, 400]), lone("c", 4, [500, 800]), outer(), root()]), (3, 3));
    let other = silent(beneath(call("a", 5, "framework", [150, 950], ""), 1));
    let calls = [lone("b", 3, [200, 800]), outer(), other, root()].map(understood);
    let together =
        Submission { spans: calls.into_iter().flat_map(|call| call.spans).collect(), ..Submission::default() };
    assert_eq!(counted_of([together]), (2, 3));
    // A record of the same scope, beside the call in its own trace, is that of the call.
    let beside = beneath(call("a", 6, "client", [200, 800], ""), 1);
    assert_eq!(counted([silent(beside), lone("b", 3, [210, 790]), outer(), root()]).0, 2);
}

#[test]
fn a_further_call_under_the_id_of_an_adopted_trace_is_no_part_of_the_call_that_it_was_adopted_for() {
    let sunny = "It is sunny in Oslo today.";
    let outer = beneath(call("a", 2, "framework", [100, 900], sunny), 1);
    let lone = call("b", 3, "client", [200, 800], sunny);
    let next = call("b", 4, "client", [2000, 2100], "It rains in Bergen as always.");
    assert_eq!(counted([span("a", 1), outer, lone, next]), (2, 2));
}

#[test]
fn calls_are_known_when_the_store_is_opened_again_and_marks_and_scores_go_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::File(folder.path().join("a"));
    let sunny = "It is sunny in Oslo today.";
    let store = Store::open(&place, PRICES.clone()).unwrap();
    store.writer().submit_blocking(understood(call("b", 3, "client", [200, 800], sunny))).unwrap();
    store.mark('m', Some(&Marked { trace: trace("b"), span: None, note: "here".into() })).unwrap();
    // A score that names the trace and no span.
    let mut record = log("scored");
    (record.trace, record.span) = (Some(trace("b")), None);
    let raw = encode::log_bytes(&record);
    let prepared = PreparedLog::new(understand::log(record, raw.into(), &PRICES, None).0, 0);
    store.writer().submit_blocking(Submission { logs: vec![prepared], ..Submission::default() }).unwrap();
    store.close();
    let store = Store::open(&place, PRICES.clone()).unwrap();
    for sent in [beneath(call("a", 2, "framework", [100, 900], sunny), 1), span("a", 1)] {
        store.writer().submit_blocking(understood(sent)).unwrap();
    }
    let lone = span("b", 3).span.id;
    let places = |store: &Store| {
        let Ok(Answer::Marks(marks)) = store.answer(&Query::Marks) else { panic!("marks are listed") };
        let rows = rows(store, "a");
        let log = rows.logs.first().and_then(|log| log.span);
        (marks.iter().map(|mark| (mark.trace, mark.span)).collect::<Vec<_>>(), rows.spans.len(), log)
    };
    let expected = (vec![(trace("a"), Some(lone))], 3, Some(lone));
    assert_eq!((places(&store), left_over(&store)), (expected.clone(), vec![]));
    sql(&store, "update spans set dialects = 1; update logs set dialects = 1").unwrap();
    store.close();
    let store = Store::open(&place, PRICES.clone()).unwrap();
    store.wait_until_reprocessed().unwrap();
    assert_eq!((places(&store), left_over(&store)), (expected, vec![]));
}
