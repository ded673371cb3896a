//! A mixed load for long, with old runs removed meanwhile and another process that reads: what memory, file and answers do.
//! `SIDESEAT_TUI_SECONDS` says for how long (1800).

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::ingest::{self, Server};
use crate::load;

/// Spans that are sent before the senders rest a while.
const SPANS: usize = 20_000;
const REST: Duration = Duration::from_secs(5);
/// How often a line is printed.
const EVERY: Duration = Duration::from_mins(1);

pub fn run() {
    let seconds = std::env::var("SIDESEAT_TUI_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1800);
    let lasts = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("bench.duckdb");
    let mut server = Server::start_with(&db, &["--keep-size", "256MiB", "--keep-runs", "20000"], folder.path());
    let (ended, asked, failed) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let commands: [&[&str]; 5] = [
                &["sessions", "--json", "-n", "100"],
                &["traces", "--json", "-n", "100"],
                &["stats"],
                &["traces", "--filter", "paris", "-n", "20"],
                &["doctor"],
            ];
            for words in commands.into_iter().cycle() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let mut command = Command::new(env!("CARGO_BIN_EXE_sideseat-tui"));
                command.args(words).arg("--db").arg(&db).env("HOME", folder.path());
                let done = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
                asked.fetch_add(1, Ordering::Relaxed);
                if !done.status.success() {
                    failed.fetch_add(1, Ordering::Relaxed);
                    println!("{words:?}: {}", String::from_utf8_lossy(&done.stderr));
                }
                std::thread::sleep(Duration::from_millis(500));
            }
        });
        let (mut sent, mut said) = (0, began);
        let mut waits = Vec::new();
        while began.elapsed() < lasts {
            let bodies = load::bedrock_after(SPANS, u64::try_from(sent).unwrap());
            waits.extend(ingest::send(&bodies, 8, server.port));
            sent += bodies.iter().map(|body| body.spans).sum::<usize>();
            if said.elapsed() >= EVERY {
                said = Instant::now();
                waits.sort_unstable();
                let at = |share: usize| waits[(waits.len() - 1) * share / 100];
                println!(
                    "{:>5.0?}: {sent} spans sent, answers p50 {:?} p99 {:?} max {:?}; memory {} MiB, at its highest {}; \
                     file {} MB; {} commands, {} failed",
                    began.elapsed(),
                    at(50),
                    at(99),
                    at(100),
                    server.memory() / 1024,
                    server.peak_memory() / 1024,
                    std::fs::metadata(&db).map_or(0, |file| file.len()) / 1_000_000,
                    asked.load(Ordering::Relaxed),
                    failed.load(Ordering::Relaxed),
                );
                waits.clear();
            }
            std::thread::sleep(REST);
        }
        ended.store(true, Ordering::Relaxed);
    });
    server.stop();
    let store = duckdb::Connection::open(&db).unwrap();
    let number = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    println!(
        "at the end {} runs, {} spans, {} of them twice",
        number("select count(*) from traces"),
        number("select count(*) from spans"),
        number("select count(*) from (select trace, id from spans group by all having count(*) > 1)"),
    );
    assert_eq!(failed.load(Ordering::Relaxed), 0);
}
