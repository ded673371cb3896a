//! Milliseconds for the statistics of half a million steps in 100,000 runs: of all of them, and of the newer half.

use std::sync::Arc;
use std::time::Instant;

use sideseat_tui::model::{Answer, Filter, Query, Timestamp};
use sideseat_tui::store::{Place, Store};

use crate::rows;

const ROUNDS: usize = 9;
/// The first run begins at this moment, in nanoseconds since 1970, the others every ten seconds.
const FIRST: u64 = 1_750_000_000_000_000_000;

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.duckdb");
    Store::open(&Place::File(path.clone()), Arc::default()).unwrap().close();
    rows::fill(&path, &[rows::TRACES, rows::STEPS], 100_000, 0);
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
