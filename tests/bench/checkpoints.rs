//! How long a sender of single steps waits while others send long texts: what it waits for are checkpoints.
//! `SIDESEAT_TUI_SECONDS` says for how long each case is sent (40).

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::ingest::{Server, Stream};
use crate::load;

/// Bytes of the texts of each case, and how long one of the senders rests after each of them.
const CASES: [(usize, Duration); 2] = [(2_000, Duration::from_millis(1)), (100_000, Duration::from_millis(10))];
/// Senders of texts.
const SENDERS: usize = 3;
/// How long the sender of single steps rests after each.
const REST: Duration = Duration::from_millis(10);

pub fn run() {
    let seconds = std::env::var("SIDESEAT_TUI_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    for (bytes, rest) in CASES {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("bench.duckdb");
        let mut server = Server::start(&db);
        let ends = Instant::now() + Duration::from_secs(seconds);
        let texts = AtomicU64::new(0);
        let mut waits = std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    let mut stream = Stream::to(server.port);
                    while Instant::now() < ends {
                        stream.post(&load::step_with_a_question(texts.fetch_add(1, Relaxed), bytes));
                        std::thread::sleep(rest);
                    }
                });
            }
            let mut stream = Stream::to(server.port);
            let mut waits = Vec::new();
            for nth in 1.. {
                if Instant::now() >= ends {
                    break;
                }
                let body = load::step_of_one_run(nth);
                let began = Instant::now();
                stream.post(&body);
                waits.push(began.elapsed());
                std::thread::sleep(REST);
            }
            waits
        });
        waits.sort_unstable();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        println!(
            "texts of {bytes:>6} B: {} were sent; {} single steps wait p50 {:.1?} p99 {:.1?} max {:.1?}; {} MB written for a file of {} MB",
            texts.into_inner(),
            waits.len(),
            at(50),
            at(99),
            at(100),
            server.written() / 1_000_000,
            fs::metadata(&db).map_or(0, |file| file.len()) / 1_000_000,
        );
        server.stop();
    }
}
