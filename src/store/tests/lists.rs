//! What lists, searches and sums show of what is stored.

use super::*;
use crate::model::{Groups, Spread, Usd, nanoseconds};

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

/// Percentiles of many values are found in buckets: they occur, and are at most 2 % too large. Of few they are exact.
#[test]
fn percentiles_of_many_runs_and_steps_are_close_and_those_of_few_are_exact() {
    for number in [3_000_u64, 12_000] {
        let store = memory();
        let took = |n: u64| n * n * 7919 % 9_000_000_007;
        let insert = format!(
            "insert into traces by name
             select
                n::uhugeint as trace, 'default' as project, n::ubigint + 1 as started, n + 1 + n * n * 7919 % 9000000007 as ended,
                n + 1 as last_seen, 'ok' as state, 5 as spans, '' as models, n * n * 7919 % 9000000007 as cost, 1 as priced,
                0 as unpriced, 1 as model_calls, 1 as tool_calls, 0 as failed_tools, 0 as errors, true as has_ai,
                5 as settled_from
             from range({number}) as of (n);
             insert into steps by name
             select
                n::uhugeint as trace, nth, if(nth = 0, 'call', 'tool') as kind, n + 1 as started,
                n * n * 7919 % 9000000007 as lasted, if(nth = 0, n * n * 7919 % 9000000007, null) as first_token,
                if(nth = 0, 'model ' || n % 2, null) as model, if(nth = 1, 'tool ' || n % 2, null) as tool,
                false as unpriced, false as failed
             from range({number}) as of (n), range(2) as other (nth)"
        );
        sql(&store, &insert).unwrap();
        let query = Query::Stats { filter: Filter::default(), stretch: None };
        let Ok(Answer::Stats(stats)) = store.answer(&query) else { panic!("no statistics") };
        let close = |what: &str, found: Spread<Duration>, of: &dyn Fn(u64) -> bool| {
            let mut all: Vec<u64> = (0..number).filter(|n| of(*n)).map(took).collect();
            all.sort_unstable();
            for (percent, found) in [(50, found.p50), (95, found.p95), (100, found.max)] {
                let exact = all[(all.len() * percent).div_ceil(100) - 1];
                let found = nanoseconds(found);
                assert!(all.contains(&found), "{what} {percent}: {found}");
                let slack = if stats.rounded && percent < 100 { exact / 50 } else { 0 };
                assert!((exact..=exact + slack).contains(&found), "{what} {percent}: {found} for {exact} of {number}");
            }
        };
        let every = |_| true;
        close("run", stats.run.unwrap(), &every);
        close("call", stats.call.unwrap(), &every);
        close("first token", stats.first_token.unwrap(), &every);
        close("tool", stats.tool.unwrap(), &every);
        let costs = stats.cost_of_run.unwrap();
        let cost = |cost: Usd| Duration::from_nanos(cost.0.try_into().unwrap());
        close("cost", Spread { p50: cost(costs.p50), p95: cost(costs.p95), max: cost(costs.max) }, &every);
        for (groups, name) in [(&stats.models, "model"), (&stats.tools, "tool")] {
            assert_eq!(groups.rows.len(), 2);
            for group in &groups.rows {
                let odd = group.name.as_deref().unwrap().ends_with('1');
                close(name, group.took.unwrap(), &|n| n % 2 == u64::from(odd));
            }
        }
        assert_eq!(stats.rounded, number > 10_000);
    }
}

#[test]
fn statistics_are_as_of_one_moment_while_runs_arrive() {
    let store = memory();
    let ask = || {
        let query = Query::Stats { filter: Filter::default(), stretch: None };
        let Ok(Answer::Stats(stats)) = store.answer(&query) else { panic!("no statistics") };
        let of = |groups: &Groups| groups.rows.iter().map(|group| group.runs).sum::<u64>();
        // Sessions and users are counted on another connection than all runs.
        assert_eq!((of(&stats.by_session), of(&stats.users)), (stats.states.all(), stats.states.all()));
        stats.states.all()
    };
    std::thread::scope(|scope| {
        let sends = scope.spawn(|| {
            for n in 0..60 {
                send(&store, [span(&format!("run {n}"), 1).of(&format!("session {}", n % 7))]);
            }
        });
        while !sends.is_finished() {
            ask();
        }
        sends.join().unwrap();
    });
    assert_eq!(ask(), 60);
    // Nothing can begin to be read by two while something is committed; one does it alone then.
    let alone = store.connection.between_commits(|| Ok(ask())).unwrap();
    assert_eq!(alone, Some(60));
}

#[test]
fn what_a_program_left_unfinished_never_ended_from_its_end_on_and_stays_so() {
    let store = memory();
    let now = Timestamp::now();
    let seconds_ago = |seconds: u64| Timestamp(now.0 - seconds * 1_000_000_000);
    let child = |of: &str, id: u8, ended: Timestamp| {
        let mut sent = span(of, id);
        sent.span.parent = SpanId::from_bytes(&[9; 8]).ok();
        (sent.span.started, sent.span.ended) = (ended, Some(ended));
        sent
    };
    let states = || {
        let page = traces(&store, None, Filter::default(), 9);
        let mut states: Vec<_> = page.rows.iter().map(|row| (row.trace, row.run_state(Timestamp::now()))).collect();
        states.sort_by_key(|(trace, _)| *trace != super::trace("a"));
        let counts = sessions(&store, Filter::default()).rows[0].states;
        assert_eq!(overview(&store, Filter::default()).states, counts);
        (states.into_iter().map(|(_, state)| state).collect::<Vec<_>>(), counts.running, counts.never_ended)
    };
    send(&store, [child("a", 1, seconds_ago(9)), child("b", 1, seconds_ago(9))]);
    assert_eq!(states(), (vec![RunState::Running; 2], 2, 0));
    let ends = |traces: &[&str], at: Timestamp| {
        let program_ends = traces.iter().map(|name| (trace(name), at)).collect();
        store.writer().submit_blocking(Submission { program_ends, ..Submission::default() }).unwrap();
    };
    ends(&["a", "never sent"], seconds_ago(5));
    ends(&["a"], seconds_ago(7));
    assert_eq!(states(), (vec![RunState::NeverEnded, RunState::Running], 1, 1));
    assert_eq!(number(&store, "select count(*)::ubigint from program_ends"), 1);
    let assembled = || {
        let subject = Subject::Trace(trace("a"));
        let Ok(Answer::Detail(Some(detail))) = store.answer(&Query::Detail { subject }) else { panic!("no detail") };
        (detail.traces[0].program_ended, detail.traces[0].run_state(Timestamp::now()))
    };
    assert_eq!(assembled(), (Some(seconds_ago(5)), RunState::NeverEnded));
    // Another record of what was sent before it ended changes nothing, also where the trace is loaded from the file.
    send(&store, [child("a", 2, seconds_ago(6))]);
    assert_eq!(states().0, [RunState::NeverEnded, RunState::Running]);
    // What another program sends later opens the run again.
    send(&store, [child("a", 3, seconds_ago(1))]);
    assert_eq!((states(), assembled().1), ((vec![RunState::Running; 2], 2, 0), RunState::Running));
}
