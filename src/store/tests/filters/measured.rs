//! What a key in the filter's line costs the store.

use std::{sync::Arc, time::Duration};

use crate::{
    model::{Answer, Facet, Filter, Query},
    store::{
        Place, Store,
        tests::{overview, sql},
    },
};

/// Fills a store with so many runs, of five spans, five steps and three messages each.
fn fill(store: &Store, runs: u32) {
    let statements = [
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
            if(n % 50 = 0, 'tool 1', null) as repeat_tool, if(n % 20 = 0, 'ValidationError', null) as failure_kinds,
            if(n % 20 = 0, 'ValidationError: guests must be >= 1', null) as failure_texts
         from range($runs) as of (n)",
        "insert into steps by name
         select
            (n // 5 * 7919)::uhugeint as trace, n % 5 as nth, if(n % 5 < 3, 'call', 'tool') as kind,
            (1750000000000000000 + n * 2000000000)::ubigint as started, (n * 7919 % 9000000007)::ubigint as lasted,
            if(n % 5 < 3, (n * 104729 % 900000007)::ubigint, null) as first_token,
            if(n % 5 < 3, 'model ' || n % 12, null) as model, 'agent ' || n % 40 as agent,
            if(n % 5 < 3, null, 'tool ' || n % 60) as tool, 400 as uncached_input, 40 as output,
            if(n % 5 < 3, n * 7919 % 1000000007, null)::bigint as cost, false as unpriced, n % 50 = 0 as failed,
            if(n % 5 < 3, 'end_turn', null) as finish
         from range($runs * 5) as of (n)",
        "insert into spans by name
         select
            (n // 5 * 7919)::uhugeint as trace, n as id, 'default' as project, 'chat model ' || n % 12 as name,
            'client' as kind, 'unset' as status, '' as status_message, 0 as started, 's' as scope_name, '' as scope_version,
            false as synthetic, 1 as weight, 1 as resource, 1 as scope, 'llm' as category, 'model ' || n % 12 as model,
            'agent ' || n % 40 as agent, 1 as dialects, 'x'::blob as understood, 'x'::blob as raw
         from range($runs * 5) as of (n)",
        "insert into contents by name
         select
            n as id, 'message' as kind, 'x'::blob as body,
            'the weather in town ' || n || ' is ' || md5(n::varchar) || repeat(' and so the story goes on and on', 8) as text
         from range($runs * 3) as of (n)",
        "insert into trace_contents select (n // 3 * 7919)::uhugeint, n from range($runs * 3) as of (n)",
        "insert into trace_attributes
         select
            (n * 7919)::uhugeint,
            chr(10) || 'service.name=shop' || chr(10) || 'tenant.id=' || n % 1000 || chr(10) || 'http.url=https://x/' || n || chr(10)
         from range($runs) as of (n)",
    ];
    for statement in statements {
        sql(store, &statement.replace("$runs", &runs.to_string())).unwrap();
    }
}

/// Measures what a key in the filter's line costs the store; asserts nothing about time, as a machine may be busy.
#[test]
#[ignore = "it measures: `cargo test --lib measures_filters -- --ignored --nocapture`"]
fn measures_filters_over_many_runs() {
    for runs in [10_000, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Place::File(folder.path().join("a.duckdb")), Arc::default()).unwrap();
        fill(&store, runs);
        sql(&store, "checkpoint").unwrap();
        for text in [
            "",
            "weather",
            "weather town",
            "\"town 77 \"",
            "error",
            "is:dear",
            "tool:\"tool 3\"",
            "model:~\"l 7\" cost>.0005",
            "dur>5s tokens>1k",
            "cache<50%",
            "ttft>.8s",
            "-agent:\"agent 7\" (error or loop)",
            "attr.tenant.id=42",
            "error:ValidationError weather",
            "1a2b3c",
        ] {
            let filter = Filter { text: text.into(), ..Filter::default() };
            let list = median(|| assert!(matches!(sessions(&store, filter.clone()), Answer::Sessions(_))));
            let sums = median(|| assert!(overview(&store, filter.clone()).all.states.all() > 0));
            let facets = median(|| {
                let query =
                    Query::Facets { of: vec![Facet::Tool], part: String::new(), filter: filter.clone(), limit: 50 };
                assert!(store.answer(&query).is_ok());
            });
            println!("{runs:>7} runs, {text:<34} list {list:>7.1?}  sums {sums:>7.1?}  values {facets:>7.1?}");
        }
    }
}

fn sessions(store: &Store, filter: Filter) -> Answer {
    store.answer(&Query::Sessions { filter, limit: 200 }).unwrap()
}

fn median(mut ask: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let began = std::time::Instant::now();
            ask();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[2]
}
