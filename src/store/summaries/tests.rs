//! Which traces are summarized when, where, and what is kept of them.

use std::{fs, sync::Arc, thread};

use super::*;
use crate::{
    model::Filter,
    store::{
        Place, Store,
        tests::{Sent, overview, send, span},
    },
};

fn numbered(n: u16) -> Sent {
    let mut sent = span("a", 1);
    let [high, low] = n.to_be_bytes();
    sent.span.id = SpanId::from_bytes(&[9, 0, 0, 0, 0, 0, high, low]).unwrap();
    sent
}

fn wait_until_summarized(store: &Store, spans: u64) {
    for _ in 0..100 {
        if overview(store, Filter::default()).spans == spans {
            return;
        }
        thread::sleep(Duration::from_millis(30));
    }
    panic!("still {}", overview(store, Filter::default()).spans);
}

#[test]
fn a_huge_trace_is_summarized_elsewhere_and_again_if_it_grew_meanwhile() {
    let (jobs, taken) = std::sync::mpsc::channel();
    let mut summaries = Summaries::new(Arc::default(), Some(jobs));
    let span = crate::store::tests::span("a", 1).prepared();
    let (trace, now) = (span.row.trace, Instant::now());
    let digests = Arc::new(vec![span.digest.clone(); HUGE + 1]);
    summaries.digests = digests.len();
    summaries.traces.insert(trace, CachedTrace { digests, ..CachedTrace::default() });
    let touched = HashSet::from([trace]);
    let group = |summaries: &mut Summaries| {
        let summarized = summaries.summarize(&touched, Instant::now());
        let records: Vec<_> = summarized.rows.iter().map(|row| row.records).collect();
        summaries.committed(summarized, Instant::now());
        records
    };
    assert_eq!(group(&mut summaries), [0; 0]);
    assert_eq!((summaries.due(), summaries.out_of_date()), (None, 1));
    let job = taken.recv().unwrap();
    assert_eq!(summaries.offer(&span), Offer::First);
    assert_eq!(group(&mut summaries), [0; 0]);
    assert!(taken.try_recv().is_err());
    summaries.take_made(trace, Some(job.row(&Prices::default())));
    assert_eq!(summaries.made().collect::<Vec<_>>(), [trace]);
    assert_eq!(group(&mut summaries), [HUGE + 1]);
    // The span that came meanwhile is still to be added up.
    assert!(summaries.due().is_some_and(|due| due > now) && summaries.made().next().is_none());
    // What was dropped is loaded again later, and a row that still comes is not taken.
    summaries.traces.get_mut(&trace).unwrap().next_summary = None;
    group(&mut summaries);
    let job = taken.recv().unwrap();
    summaries.forget([trace]);
    summaries.take_made(trace, Some(job.row(&Prices::default())));
    assert!(summaries.made().next().is_none() && summaries.due().is_some());
}

#[test]
fn a_large_trace_that_was_just_touched_is_kept_and_others_make_room() {
    let digest = SpanDigest::of_span(&crate::store::tests::span("a", 1).prepared().row);
    let trace = |n: u8| crate::store::tests::trace(&n.to_string());
    let now = Instant::now();
    let mut summaries = Summaries { groups: 9, ..Summaries::default() };
    let mut add = |n: u8, digests: usize| {
        let cached = CachedTrace {
            digests: Arc::new(vec![digest.clone(); digests]),
            touched_at: Some(now),
            ..CachedTrace::default()
        };
        summaries.digests += digests;
        summaries.traces.insert(trace(n), cached);
    };
    add(1, KEPT + 1);
    (2..9).for_each(|n| add(n, LARGE));
    summaries.evict(now);
    assert_eq!(summaries.traces.len(), 8);
    summaries.evict(now + RECENT);
    assert!(!summaries.traces.contains_key(&trace(1)) && summaries.digests <= KEPT);
}

#[test]
fn a_store_that_was_closed_has_no_summary_that_is_out_of_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    let store = Store::open(&Place::File(file.clone()), Arc::default()).unwrap();
    send(&store, (0..2100).map(numbered));
    send(&store, [numbered(2100)]);
    assert_eq!(store.health().summaries_due, Some(1));
    store.close();
    let connection = duckdb::Connection::open(file).unwrap();
    let spans = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    assert_eq!(spans("select spans from traces"), 2101);
}

#[test]
fn a_large_trace_is_summarized_in_the_end_even_if_the_program_is_killed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let store = Store::open(&Place::File(file("a")), Arc::default()).unwrap();
    send(&store, (0..2100).map(numbered));
    send(&store, [numbered(2100)]);
    fs::copy(file("a"), file("b")).unwrap();
    fs::copy(file("a.wal"), file("b.wal")).unwrap();
    wait_until_summarized(&store, 2101);
    let copy = Store::open(&Place::File(file("b")), Arc::default()).unwrap();
    wait_until_summarized(&copy, 2101);
}
