//! Milliseconds for each question the screen asks, with 100 k spans stored.

use std::time::Instant;

use sideseat_tui::model::{Answer, Filter, Query, Subject};
use sideseat_tui::pricing::Prices;
use sideseat_tui::store::{Place, Store};

use crate::ingest::{self, Server};
use crate::load;

const SPANS: usize = 100_000;
const ROUNDS: usize = 9;

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path());
    let began = Instant::now();
    let store = Store::open(&Place::File(path), std::sync::Arc::new(Prices::bundled())).unwrap();
    println!("open: {:?}", began.elapsed());

    let all = Filter::default();
    let words = Filter { text: "weather paris".into(), ..Filter::default() };
    let Ok(Answer::Sessions(sessions)) = store.answer(&Query::Sessions { filter: all.clone(), limit: 500 }) else {
        panic!("sessions are listed");
    };
    let session = sessions.rows.iter().find_map(|row| row.session.clone()).unwrap();
    let Ok(Answer::Traces(traces)) =
        store.answer(&Query::Traces { session: Some(session.clone()), filter: all.clone(), limit: 500 })
    else {
        panic!("traces are listed");
    };
    let trace = traces.rows[0].trace;
    for (name, query) in [
        ("overview", Query::Overview { filter: all.clone(), today: None }),
        ("sessions", Query::Sessions { filter: all.clone(), limit: 500 }),
        ("sessions, filtered by words", Query::Sessions { filter: words, limit: 500 }),
        ("traces of a session", Query::Traces { session: Some(session.clone()), filter: all.clone(), limit: 500 }),
        ("traces of no session", Query::Traces { session: None, filter: all, limit: 500 }),
        ("tree of a trace", Query::Tree { trace }),
        ("detail of a trace", Query::Detail { subject: Subject::Trace(trace) }),
        ("detail of a session", Query::Detail { subject: Subject::Session(session) }),
    ] {
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let began = Instant::now();
                store.answer(&query).unwrap();
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        println!("{name:<30} median {:>9.2?}   slowest {:>9.2?}", times[ROUNDS / 2], times[ROUNDS - 1]);
    }
    store.close();
}

/// A store with the load in it, closed.
pub fn filled(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("filled.duckdb");
    let mut server = Server::start(&path);
    ingest::send(&load::bedrock(SPANS), 8, server.port);
    server.stop();
    path
}
