//! Milliseconds that a key in the filter's line costs the store: the list, the sums, and the values of a facet that pass.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sideseat_tui::{
    model::{Answer, Facet, Filter, Query},
    store::{Place, Store},
    understand,
};

use crate::rows;

const ROUNDS: usize = 5;

const FILTERS: [&str; 15] = [
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
];

/// What is stored beside the rows of lists: five spans and three messages of each run.
const STORED: [&str; 4] = [
    "insert into spans by name
     select
        (n // 5 * 7919)::uhugeint as trace, n as id, 'default' as project, 'chat model ' || n % 12 as name,
        'client' as kind, 'unset' as status, '' as status_message, 0 as started, 's' as scope_name, '' as scope_version,
        false as synthetic, 1 as weight, 1 as resource, 1 as scope, 'llm' as category, 'model ' || n % 12 as model,
        'agent ' || n % 40 as agent, $version as dialects, 'x'::blob as understood, 'x'::blob as raw
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

pub fn run() {
    for runs in [10_000, 100_000] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("filters.duckdb");
        Store::open(&Place::File(path.clone()), Arc::default()).unwrap().close();
        // They say that today's version understood them, so that the store does not reprocess them.
        let spans = STORED[0].replace("$version", &understand::version().to_string());
        let statements = [&[rows::TRACES, rows::STEPS, &spans][..], &STORED[1..]].concat();
        rows::fill(&path, &statements, runs, 5);
        let store = Store::open(&Place::File(path), Arc::default()).unwrap();
        for text in FILTERS {
            let filter = Filter { text: text.into(), ..Filter::default() };
            let ask = |query: Query| median(|| store.answer(&query).unwrap());
            let list = ask(Query::Sessions { filter: filter.clone(), limit: 200 });
            let sums = ask(Query::Overview { filter: filter.clone(), today: None });
            let facets = ask(Query::Facets { of: vec![Facet::Tool], part: String::new(), filter, limit: 50 });
            println!("{runs:>7} runs, {text:<34} list {list:>7.1?}  sums {sums:>7.1?}  values {facets:>7.1?}");
        }
        store.close();
    }
}

fn median(mut ask: impl FnMut() -> Answer) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            ask();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2]
}
