//! Milliseconds for the statistics of half a million steps in 100,000 runs: of all of them, and of the newer half.

use std::sync::Arc;
use std::time::Instant;

use duckdb::Connection;
use sideseat_tui::model::{Answer, Filter, Query, Timestamp};
use sideseat_tui::store::{Place, Store};

const ROUNDS: usize = 9;
/// The first run begins at this moment, in nanoseconds since 1970, the others every ten seconds.
const FIRST: u64 = 1_750_000_000_000_000_000;

/// The rows that the store would make of such runs. They say that they were made from nothing, which is what is stored of
/// the runs, so that the store does not make them anew.
const ROWS: &str = "
    insert into traces by name
    select
        (n * 7919)::uhugeint as trace, 'default' as project, 'invoke_agent' as name, 'session-' || n // 4 as session,
        'user-' || n % 500 as user_id, 'question ' || n as question,
        (1750000000000000000 + n * 10000000000)::ubigint as started,
        (1750000000000000000 + n * 10000000000 + (n * 7919 % 9000) * 1000000)::ubigint as ended,
        (1750000000000000000 + n * 10000000000 + (n * 7919 % 9000) * 1000000)::ubigint as last_seen,
        case when n % 20 = 0 then 'error' else 'ok' end as state, 5 as spans, 'gpt-4o' as models,
        1000 as uncached_input, 100 as output, n * 7919 % 1000000007 as cost, 3 as priced, 0 as unpriced,
        3 as model_calls, 2 as tool_calls, 0 as failed_tools, (n % 20 = 0)::ubigint as errors, true as has_ai,
        0 as settled_from, 'agent ' || n % 40 as label, if(n % 50 = 0, 4, 0) as repeats, n % 50 = 0 as is_loop,
        if(n % 50 = 0, 'tool 1', null) as repeat_tool
    from range(100000) as of (n);
    insert into steps by name
    select
        (n // 5 * 7919)::uhugeint as trace, n % 5 as nth, if(n % 5 < 3, 'call', 'tool') as kind,
        (1750000000000000000 + n * 2000000000)::ubigint as started, (n * 7919 % 9000000007)::ubigint as lasted,
        if(n % 5 < 3, (n * 104729 % 900000007)::ubigint, null) as first_token,
        if(n % 5 < 3, 'model ' || n % 12, null) as model, 'agent ' || n % 40 as agent,
        if(n % 5 < 3, null, 'tool ' || n % 60) as tool, 400 as uncached_input, 40 as output,
        if(n % 5 < 3, n * 7919 % 1000000007, null)::bigint as cost, false as unpriced, n % 50 = 0 as failed
    from range(500000) as of (n);
    checkpoint";

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.duckdb");
    Store::open(&Place::File(path.clone()), Arc::default()).unwrap().close();
    Connection::open(&path).unwrap().execute_batch(ROWS).unwrap();
    let store = Store::open(&Place::File(path), Arc::default()).unwrap();
    let since = Timestamp(FIRST + 50_000 * 10_000_000_000);
    for (name, since) in [("all", None), ("the newer half", Some(since))] {
        let query = Query::Stats { filter: Filter { since, ..Filter::default() }, stretch: None };
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let began = Instant::now();
                let Ok(Answer::Stats(stats)) = store.answer(&query) else { panic!("there are statistics") };
                assert!(stats.states.all() > 0 && stats.models.rows.len() == 12, "{stats:?}");
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("statistics of {name:<16} median {:>9.2?}   slowest {:>9.2?}", times[ROUNDS / 2], times[ROUNDS - 1]);
    }
    store.close();
}
