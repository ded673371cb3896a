//! A mixed load for long, with old runs removed, a second screen attached and other processes that read: what memory, file
//! and answers do. `SIDESEAT_TUI_SECONDS` says for how long (1800).
//!
//! Senders are of three kinds: some send a few spans at a time, as agents do; one sends a run that grows and does not end;
//! and each minute several send as fast as they are answered for a while.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::attached;
use crate::ingest::{self, Server, Stream};
use crate::load::{self, Bedrock};

/// Senders of a few spans at a time, the spans of each body, and how long one rests after each.
const SENDERS: u64 = 6;
const FEW: usize = 60;
const REST: Duration = Duration::from_millis(250);
/// Spans that are sent at once by eight senders, each minute.
const BURST: usize = 10_000;
/// How many spans a sender may make before the ids of the next one begin.
const APART: u64 = 10_000_000;
/// How often a line is printed.
const EVERY: Duration = Duration::from_mins(1);

/// What the program is asked by other processes, in turn.
const COMMANDS: [&[&str]; 6] = [
    &["sessions", "--json", "-n", "100"],
    &["traces", "--json", "-n", "100"],
    &["stats"],
    &["traces", "--filter", "paris", "-n", "20"],
    &["export", "--filter", "since:1m"],
    &["doctor"],
];

#[derive(Default)]
struct Soak {
    ended: AtomicBool,
    sent: AtomicUsize,
    /// How long senders waited for each answer, those of bursts apart.
    waits: Mutex<Vec<Duration>>,
    waits_of_bursts: Mutex<Vec<Duration>>,
    /// How long each command took.
    asked: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
    failed: AtomicUsize,
}

pub fn run() {
    let seconds = std::env::var("SIDESEAT_TUI_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1800);
    let lasts = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("bench.duckdb");
    let mut server = Server::start_with(&db, &["--keep-size", "256MiB", "--keep-runs", "60000"], folder.path());
    let (soak, began) = (Soak::default(), Instant::now());
    let mut keys = std::thread::scope(|scope| {
        for nth in 0..SENDERS {
            let (soak, port) = (&soak, server.port);
            scope.spawn(move || soak.send(port, Bedrock::recent(nth * APART, FEW)));
        }
        scope.spawn(|| soak.grow(server.port));
        scope.spawn(|| soak.ask(&db, folder.path()));
        let screen = scope.spawn(|| attached::watch(&db, folder.path(), &soak.ended));
        let mut bursts = 0;
        while began.elapsed() < lasts {
            let burst = load::enough(Bedrock::recent((SENDERS + bursts) * APART, load::BATCH), BURST);
            bursts += 1;
            soak.sent.fetch_add(burst.iter().map(|body| body.spans).sum(), Relaxed);
            soak.waits_of_bursts.lock().unwrap().extend(ingest::send(&burst, 8, server.port));
            std::thread::sleep(EVERY.min(lasts.saturating_sub(began.elapsed())));
            soak.say(began, &server, &db);
        }
        soak.ended.store(true, Relaxed);
        screen.join().unwrap()
    });
    println!("a key of the attached screen: {}", shares(&mut keys));
    server.stop();
    let store = duckdb::Connection::open(&db).unwrap();
    let number = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let twice = number("select count(*) from (select trace, id from spans group by all having count(*) > 1)");
    let wrong =
        number(concat!("select count(*) from (", include_str!("../../src/store/queries/stale_summaries.sql"), ")"));
    let (runs, spans) = (number("select count(*) from traces"), number("select count(*) from spans"));
    println!(
        "at the end {runs} runs, {spans} spans, {twice} of them twice; {wrong} rows of runs that are not of their spans"
    );
    assert_eq!((soak.failed.into_inner(), twice, wrong), (0, 0, 0));
}

impl Soak {
    fn send(&self, port: u16, bodies: Bedrock) {
        let mut stream = Stream::to(port);
        for body in bodies {
            if self.ended.load(Relaxed) {
                return;
            }
            let began = Instant::now();
            stream.post(&body.bytes);
            self.waits.lock().unwrap().push(began.elapsed());
            self.sent.fetch_add(body.spans, Relaxed);
            std::thread::sleep(REST);
        }
    }

    /// Sends a run whose spans come one by one.
    fn grow(&self, port: u16) {
        let mut stream = Stream::to(port);
        for nth in 1.. {
            if self.ended.load(Relaxed) {
                return;
            }
            stream.post(&load::step_of_one_run(nth));
            self.sent.fetch_add(1, Relaxed);
            std::thread::sleep(REST);
        }
    }

    fn ask(&self, db: &Path, home: &Path) {
        for words in COMMANDS.into_iter().cycle() {
            if self.ended.load(Relaxed) {
                return;
            }
            let mut command = Command::new(env!("CARGO_BIN_EXE_sideseat-tui"));
            command.args(words).arg("--db").arg(db).env("HOME", home);
            let began = Instant::now();
            let done = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
            let took = began.elapsed();
            self.asked.lock().unwrap().entry(words[0]).or_default().push(took);
            if !done.status.success() {
                self.failed.fetch_add(1, Relaxed);
                println!("{words:?}: {}", String::from_utf8_lossy(&done.stderr));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn say(&self, began: Instant, server: &Server, db: &Path) {
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len()) / 1_000_000;
        println!(
            "{:>5.0?}: {} spans sent, answers {}; in bursts {}; memory {} MiB, at its highest {}; file {} MB, log {}",
            began.elapsed(),
            self.sent.load(Relaxed),
            shares(&mut std::mem::take(&mut *self.waits.lock().unwrap())),
            shares(&mut std::mem::take(&mut *self.waits_of_bursts.lock().unwrap())),
            server.memory() / 1024,
            server.peak_memory() / 1024,
            bytes(db),
            bytes(&db.with_extension("duckdb.wal")),
        );
        for (command, mut took) in std::mem::take(&mut *self.asked.lock().unwrap()) {
            println!("       {command}: {} times, {}", took.len(), shares(&mut took));
        }
    }
}

/// The median of some durations, the ninety-ninth of a hundred, and the longest.
fn shares(durations: &mut [Duration]) -> String {
    durations.sort_unstable();
    let Some(last) = durations.len().checked_sub(1) else { return "none".to_owned() };
    let at = |share: usize| durations[last * share / 100];
    format!("p50 {:.1?} p99 {:.1?} max {:.1?}", at(50), at(99), at(100))
}
