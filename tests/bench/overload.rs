//! More than the program can store, for a minute: every refused request is told so in time, every acknowledged span is
//! there, and memory stays within its bounds. `SIDESEAT_TUI_SECONDS` says for how long (60).

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::attached;
use crate::ingest::Server;
use crate::load::{Bedrock, Body};

/// How many senders are as much as it can do, and then as many again several times: each sends as soon as it is answered.
const SENDERS: u64 = 128;
/// How many spans a sender may make before the ids of the next one begin.
const APART: u64 = 10_000_000;
/// SDKs give up after ten seconds; the program says by then that it is too busy.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Answers {
    /// The traces and spans of what was acknowledged.
    acknowledged: Vec<(u128, u64)>,
    waits: Vec<Duration>,
    refused: u64,
    slowest_refusal: Duration,
    without_retry_after: u64,
}

pub fn run() {
    let seconds = std::env::var("SIDESEAT_TUI_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let lasts = Duration::from_secs(seconds);
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("bench.duckdb");
    let mut server = Server::start(&db);
    let ended = AtomicBool::new(false);
    let all = Mutex::new(Answers::default());
    let began = Instant::now();
    let mut keys = std::thread::scope(|scope| {
        let screen = scope.spawn(|| attached::watch(&db, folder.path(), &ended));
        let senders: Vec<_> = (0..SENDERS)
            .map(|nth| {
                let (server, all) = (&server, &all);
                scope.spawn(move || {
                    let mut answers = Answers::default();
                    let mut stream = connect(server.port);
                    for body in Bedrock::after(nth * APART) {
                        while began.elapsed() < lasts && !send(&mut stream, &body, &mut answers) {}
                        if began.elapsed() >= lasts {
                            break;
                        }
                    }
                    let mut all = all.lock().unwrap();
                    all.acknowledged.extend(answers.acknowledged);
                    all.waits.extend(answers.waits);
                    all.refused += answers.refused;
                    all.without_retry_after += answers.without_retry_after;
                    all.slowest_refusal = all.slowest_refusal.max(answers.slowest_refusal);
                })
            })
            .collect();
        for sender in senders {
            sender.join().unwrap();
        }
        ended.store(true, Ordering::Relaxed);
        screen.join().unwrap()
    });
    let took = began.elapsed();
    let peak = server.peak_memory() / 1024;
    server.stop();
    let mut answers = all.into_inner().unwrap();
    answers.waits.sort_unstable();
    let at = |share: usize| answers.waits[(answers.waits.len() - 1) * share / 100];
    let spans = answers.acknowledged.len();
    println!(
        "{SENDERS} senders, {took:.0?}: {} requests acknowledged ({spans} spans), answers p50 {:?} p99 {:?} max {:?}",
        answers.waits.len(),
        at(50),
        at(99),
        at(100),
    );
    println!(
        "{} refused, the slowest after {:?}, {} without Retry-After; peak memory {peak} MiB",
        answers.refused, answers.slowest_refusal, answers.without_retry_after,
    );
    keys.sort_unstable();
    if let (Some(median), Some(slowest)) = (keys.get(keys.len() / 2), keys.last()) {
        println!("{} keys of an attached screen, p50 {median:?} max {slowest:?}", keys.len());
    }
    let stored = stored(&db);
    let lost = answers.acknowledged.iter().filter(|id| !stored.contains(id)).count();
    println!("{} spans stored, {lost} of those that were acknowledged lost", stored.len());
    assert_eq!((lost, answers.without_retry_after), (0, 0));
    assert!(answers.slowest_refusal < PATIENCE, "{:?}", answers.slowest_refusal);
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE * 3)).unwrap();
    stream
}

/// Sends a body once; returns whether it was acknowledged. One that is refused waits a little, but far less than it is told
/// to, or there would be no overload.
fn send(stream: &mut TcpStream, body: &Body, answers: &mut Answers) -> bool {
    let began = Instant::now();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
        body.bytes.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.bytes).unwrap();
    let mut reader = BufReader::new(&mut *stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let is_stored = line.contains(" 200 ");
    assert!(is_stored || line.contains(" 503 "), "{line}");
    let (mut length, mut says_when) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "retry-after" => says_when = true,
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let took = began.elapsed();
    if is_stored {
        answers.acknowledged.extend(ids(body));
        answers.waits.push(took);
    } else {
        answers.refused += 1;
        answers.without_retry_after += u64::from(!says_when);
        answers.slowest_refusal = answers.slowest_refusal.max(took);
        std::thread::sleep(Duration::from_millis(20));
    }
    is_stored
}

/// The ids of a body's spans: of the trace and of the span.
fn ids(body: &Body) -> Vec<(u128, u64)> {
    let request = ExportTraceServiceRequest::decode(body.bytes.as_slice()).unwrap();
    let spans = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans);
    let number = |id: &[u8]| id.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    spans.map(|span| (number(&span.trace_id), u64::try_from(number(&span.span_id)).unwrap())).collect()
}

fn stored(db: &std::path::Path) -> HashSet<(u128, u64)> {
    let store = duckdb::Connection::open(db).unwrap();
    let mut statement = store.prepare("select trace, id from spans").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let all: Vec<(u128, u64)> = rows.collect::<Result<_, _>>().unwrap();
    let count = all.len();
    let once: HashSet<_> = all.into_iter().collect();
    assert_eq!(once.len(), count, "a span is there twice");
    once
}
