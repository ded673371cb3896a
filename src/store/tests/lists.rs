//! What lists, searches and sums show of what is stored.

use super::*;

fn filter(text: &str) -> Filter {
    Filter { text: text.into(), ..Filter::default() }
}

fn sessions(store: &Store, filter: Filter) -> Page<SessionSummary> {
    let Ok(Answer::Sessions(page)) = store.answer(&Query::Sessions { filter, limit: 10 }) else {
        panic!("no sessions")
    };
    page
}

#[test]
fn all_words_of_a_filter_must_occur_somewhere_in_a_trace_in_any_case() {
    let store = memory();
    send(&store, [span("a", 1).with_prompt("Weather in OSLO").of("s-1"), span("a", 2).named("get_weather")]);
    send(&store, [span("b", 1).with_prompt("Weather in Bergen").of("s-2")]);
    let found = |text: &str| {
        let mut found: Vec<_> = sessions(&store, filter(text))
            .rows
            .into_iter()
            .filter_map(|row| row.session)
            .map(|s| s.to_string())
            .collect();
        found.sort();
        found
    };
    assert_eq!(found("weather"), ["s-1", "s-2"]);
    assert_eq!(found("  oslo GET_ "), ["s-1"]);
    assert_eq!(found("S-2 bergen"), ["s-2"]);
    assert_eq!(found("oslo bergen"), [""; 0]);
    assert_eq!(found("' or 1=1"), [""; 0]);
    let shown = overview(&store, filter("oslo"));
    assert_eq!((shown.states.all(), shown.sessions, shown.all.states.all()), (1, 1, 2));
}

/// A coding agent logs under a trace of its own what its spans do not name.
#[test]
fn a_trace_of_log_records_that_say_nothing_is_not_listed_beside_spans_of_its_session() {
    let store = memory();
    let records = || {
        let record = LogRecord { trace: Some(trace("quiet")), ..log("hm") };
        let mut translation = Translation::default();
        translation.context.session = Some("s".into());
        let logs = vec![prepared_log_of(record, translation)];
        store.writer().submit_blocking(Submission { logs, ..Submission::default() }).unwrap();
    };
    records();
    assert_eq!(traces(&store, Some("s"), Filter::default(), 9).total, 1, "it is all there is of the session");
    send(&store, [span("told", 1).of("s")]);
    let page = traces(&store, Some("s"), Filter::default(), 9);
    assert_eq!(page.rows.iter().map(|row| row.trace).collect::<Vec<_>>(), [trace("told")]);
    assert_eq!((page.total, sessions(&store, Filter::default()).rows[0].states.all()), (1, 1));
    let shown = overview(&store, Filter::default());
    assert_eq!((shown.states.all(), shown.all.states.all()), (1, 1));
    let subject = Subject::Session(SessionId::from("s"));
    let Ok(Answer::Detail(Some(detail))) = store.answer(&Query::Detail { subject }) else { panic!("no detail") };
    assert_eq!((detail.traces.len(), detail.left_out), (1, 0));
    assert_eq!(rows(&store, "quiet").logs.len(), 1, "nothing is lost");
}

/// A session that is picked up tomorrow did not take a day.
#[test]
fn a_session_takes_as_long_as_any_of_its_traces_went_on() {
    let store = memory();
    // The second began while the first went on, and the third within the first.
    for (of, from, to) in [("a", 1_000, 3_000), ("c", 2_000, 4_000), ("d", 1_500, 2_500), ("b", 900_000, 905_000)] {
        let mut sent = span(of, 1).of("s");
        (sent.span.started, sent.span.ended) = (Timestamp(from), Some(Timestamp(to)));
        send(&store, [sent]);
    }
    let page = sessions(&store, Filter::default());
    assert_eq!(page.rows.iter().map(|row| row.lasted.as_nanos()).collect::<Vec<_>>(), [8_000]);
}

#[test]
fn lists_have_the_newest_and_say_how_many_there_are() {
    let store = memory();
    for (id, session) in [(3, Some("s")), (1, Some("s")), (2, Some("s")), (9, None), (4, None)] {
        let sent = span(&format!("t{id}"), id);
        send(&store, [session.into_iter().fold(sent, Sent::of)]);
    }
    let page = traces(&store, Some("s"), Filter::default(), 2);
    let started: Vec<_> = page.rows.iter().map(|row| row.started.0).collect();
    assert_eq!((started, page.total), (vec![2_000, 3_000], 3));
    assert_eq!(traces(&store, None, Filter::default(), 9).total, 2);
    let page = sessions(&store, Filter::default());
    let gathered = page.rows.iter().find(|row| row.session.is_none()).unwrap();
    assert_eq!((page.total, gathered.states.all(), gathered.first_seen), (2, 2, Timestamp(4_000)));
    let only = Filter { session: Some(Some("s".into())), ..Filter::default() };
    assert_eq!(sessions(&store, only).total, 1);
    let without = Filter { session: Some(None), ..Filter::default() };
    let shown = overview(&store, without.clone());
    assert_eq!((sessions(&store, without).total, shown.states.all(), shown.all.states.all()), (1, 2, 5));
    let elsewhere = Filter { project: Some("other".into()), ..Filter::default() };
    assert_eq!(overview(&store, elsewhere).states.all(), 0);
    let groups: Vec<_> = store.sessions(&Pick::default()).unwrap().iter().map(Vec::len).collect();
    assert_eq!(groups, [3, 1, 1]);
    assert_eq!(store.session_of(trace("t1")).unwrap(), Some("s".into()));
    let query = Query::Detail { subject: Subject::Session("s".into()) };
    let Ok(Answer::Detail(Some(detail))) = store.answer(&query) else { panic!("no detail") };
    assert_eq!((detail.traces.len(), detail.left_out), (3, 0));
}

/// The sums count states in SQL, and `TraceSummary::run_state` finds them row by row: they must be equal.
#[test]
fn the_sums_count_the_states_that_the_rows_have() {
    let store = memory();
    let (now, second) = (Timestamp::now().0, 1_000_000_000);
    let at = |of: &str, id: u8, ended: u64| {
        let mut sent = span(of, id).of("s");
        (sent.span.started, sent.span.ended) = (Timestamp(ended - second), Some(Timestamp(ended)));
        sent
    };
    let orphan = |mut sent: Sent| {
        sent.span.parent = SpanId::from_bytes(&[9; 8]).ok();
        sent
    };
    let mut failed = at("failed", 1, now);
    failed.span.status.code = StatusCode::Error;
    failed.translation.error = Some(Failure::default());
    let mut late = at("late", 2, now);
    late.span.parent = Some(span("late", 1).span.id);
    send(&store, [at("done", 1, now), failed, orphan(at("running", 1, now))]);
    send(&store, [orphan(at("never ended", 1, now - 3600 * second)), at("late", 1, now - 2 * second), late]);
    let rows = traces(&store, Some("s"), Filter::default(), 9).rows;
    let counts = StateCounts::of(&rows, Timestamp::now());
    assert_eq!((counts.done, counts.failed, counts.running, counts.never_ended), (1, 1, 2, 1), "{rows:?}");
    assert_eq!(counts.until, Some(Timestamp(now + 6 * second)), "the late one");
    assert_eq!(sessions(&store, Filter::default()).rows[0].states, counts);
    let sums = overview(&store, Filter::default());
    assert_eq!((sums.states, sums.all.states), (counts, counts));
}

/// Measures the statistics of half a million spans; asserts nothing about time, as a machine may be busy.
#[test]
#[ignore = "it measures: `cargo test --lib half_a_million -- --ignored --nocapture`"]
fn statistics_of_half_a_million_spans() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Place::File(folder.path().join("a.duckdb")), Arc::default()).unwrap();
    sql(
        &store,
        "insert into traces by name
         select
            (n * 7919)::uhugeint as trace, 'default' as project, 'invoke_agent' as name, 'session-' || n // 4 as session,
            'user-' || n % 500 as user_id, 'question ' || n as question,
            (1750000000000000000 + n * 10000000000)::ubigint as started,
            (1750000000000000000 + n * 10000000000 + (n * 7919 % 9000) * 1000000)::ubigint as ended,
            (1750000000000000000 + n * 10000000000 + (n * 7919 % 9000) * 1000000)::ubigint as last_seen,
            case when n % 20 = 0 then 'error' else 'ok' end as state, 5 as spans, 'gpt-4o' as models,
            1000 as uncached_input, 100 as output, (n * 7919 % 1000000007) as cost, 3 as priced, 0 as unpriced,
            3 as model_calls, 2 as tool_calls, 0 as failed_tools, (n % 20 = 0)::ubigint as errors, true as has_ai,
            5 as settled_from, 'agent ' || n % 40 as label, if(n % 50 = 0, 4, 0) as repeats, n % 50 = 0 as is_loop,
            if(n % 50 = 0, 'tool 1', null) as repeat_tool
         from range(100000) as of (n)",
    )
    .unwrap();
    sql(
        &store,
        "insert into steps by name
         select
            (n // 5 * 7919)::uhugeint as trace, n % 5 as nth, if(n % 5 < 3, 'call', 'tool') as kind,
            (1750000000000000000 + n * 2000000000)::ubigint as started, (n * 7919 % 9000000007)::ubigint as lasted,
            if(n % 5 < 3, (n * 104729 % 900000007)::ubigint, null) as first_token,
            if(n % 5 < 3, 'model ' || n % 12, null) as model, 'agent ' || n % 40 as agent,
            if(n % 5 < 3, null, 'tool ' || n % 60) as tool, 400 as uncached_input, 40 as output,
            if(n % 5 < 3, n * 7919 % 1000000007, null)::bigint as cost, false as unpriced, n % 50 = 0 as failed
         from range(500000) as of (n)",
    )
    .unwrap();
    let since = Timestamp(1_750_000_000_000_000_000 + 50_000 * 10_000_000_000);
    for (name, filter) in
        [("all", Filter::default()), ("half of them", Filter { since: Some(since), ..Filter::default() })]
    {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let began = std::time::Instant::now();
                let query = Query::Stats { filter: filter.clone(), stretch: None };
                assert!(matches!(store.answer(&query), Ok(Answer::Stats(stats)) if stats.states.all() > 0));
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("statistics of {name}: median {:?}, slowest {:?}", times[4], times[8]);
    }
}
