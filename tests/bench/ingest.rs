//! Spans a second that are acknowledged after their commit is synced, how long a sender waits, and the memory that it takes.
//! `SIDESEAT_TUI_SPANS` says how many are sent (100,000).

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::load::{self, Body};

pub fn run() {
    let spans = std::env::var("SIDESEAT_TUI_SPANS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let bodies = load::bedrock(spans);
    let bytes: usize = bodies.iter().map(|body| body.bytes.len()).sum();
    let spans: usize = bodies.iter().map(|body| body.spans).sum();
    println!("{spans} spans in {} requests, {} MB", bodies.len(), bytes / 1_000_000);
    for senders in [1, 8, 64] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start(&folder.path().join("bench.duckdb"));
        let began = Instant::now();
        let mut waits = send(&bodies, senders, server.port);
        let took = began.elapsed();
        waits.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = spans as f64 / took.as_secs_f64();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        println!(
            "{senders:>3} senders: {rate:>8.0} spans/s   answers p50 {:?} p99 {:?} max {:?}   peak memory {} MiB",
            at(50),
            at(99),
            at(100),
            server.peak_memory() / 1024,
        );
        server.stop();
        let size = fs::metadata(folder.path().join("bench.duckdb")).map_or(0, |file| file.len());
        println!("             {} MB on disk, {} B a span", size / 1_000_000, size / spans as u64);
    }
}

/// Sends all bodies over `senders` connections; the time each answer took.
pub fn send(bodies: &[Body], senders: usize, port: u16) -> Vec<Duration> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..senders)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = Stream::to(port);
                    let mut waits = Vec::new();
                    while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let began = Instant::now();
                        stream.post(&body.bytes);
                        waits.push(began.elapsed());
                    }
                    waits
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// A connection that is kept.
pub struct Stream(TcpStream);

impl Stream {
    pub fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends one body; anything but 200 is tried again, as SDKs do.
    pub fn post(&mut self, body: &[u8]) {
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        loop {
            self.0.write_all(head.as_bytes()).unwrap();
            self.0.write_all(body).unwrap();
            let mut reader = BufReader::new(&mut self.0);
            let mut status = String::new();
            reader.read_line(&mut status).unwrap();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut answer = vec![0; length];
            reader.read_exact(&mut answer).unwrap();
            if status.contains(" 200 ") {
                return;
            }
            assert!(status.contains(" 503 "), "{status}{}", String::from_utf8_lossy(&answer));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// `sideseat-tui serve` on a port of its own.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    pub fn start(db: &Path) -> Self {
        Self::start_with(db, &[], db.parent().unwrap())
    }

    /// With more arguments, and a home of its own.
    pub fn start_with(db: &Path, arguments: &[&str], home: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sideseat-tui"))
            .args(["serve", "--grpc-port", "off", "--sideseat-port", "off", "--http-port", "0", "--db"])
            .arg(db)
            .args(arguments)
            .env("HOME", home)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
        // The pipe must stay open, or the program's later lines would end it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }

    /// Kilobytes, at their highest so far (Linux; 0 elsewhere).
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// Kilobytes now.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Bytes that it had the disk write so far (Linux; 0 elsewhere).
    pub fn written(&self) -> u64 {
        self.about_it("io", "write_bytes:")
    }

    fn status(&self, what: &str) -> u64 {
        self.about_it("status", what)
    }

    fn about_it(&self, file: &str, what: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(what)).unwrap_or("0");
        line.split_whitespace().next().unwrap().parse().unwrap_or(0)
    }

    pub fn stop(&mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap();
    }
}
