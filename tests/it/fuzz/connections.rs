//! Whole connections: bytes on a socket, of HTTP/1 and HTTP/2, of which most are almost right.
//!
//! Each is sent to the program as it is, in pieces; whatever is answered, the program answers others afterwards, says
//! nothing of a bug, and has kept what it acknowledged.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use sideseat_tui::model::ContentId;

use crate::{
    fuzz::LARGEST,
    program::{JSON, PATIENCE, Program, post, request, span},
    replay::captures,
};

/// Connections where no time is given.
const USUAL: u32 = 200;

/// What requests carry: captures, and the same damaged or packed.
static BODIES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let small = captures().into_iter().flat_map(|capture| {
        capture
            .bodies()
            .into_iter()
            .map(|(_, body)| body.clone())
            .filter(|body| body.len() <= LARGEST / 4)
            .collect::<Vec<_>>()
    });
    let mut bodies: Vec<Vec<u8>> = small.take(40).collect();
    let packed = |body: &Vec<u8>| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(body).unwrap();
        packed.finish().unwrap()
    };
    bodies.extend(bodies.iter().take(10).map(packed).collect::<Vec<_>>());
    bodies.extend([Vec::new(), b"{}".to_vec(), request(&[span(7, 7, "fuzz")]), vec![0; 70_000], vec![0xff; 100]]);
    bodies
});

fn body() -> impl Strategy<Value = Vec<u8>> {
    any::<Index>().prop_map(|nth| nth.get(&BODIES).clone())
}

const PATHS: [&str; 14] = [
    "/v1/traces",
    "/v1/logs",
    "/v1/metrics",
    "/otel/shop/v1/traces",
    "/otel/%00/v1/traces",
    "/otel/../v1/traces",
    "/api/public/otel/v1/traces",
    "/api/public/ingestion",
    "/api/v1/health",
    "/api/v1/attach",
    "/api/v1/programs",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "*",
];

const NAMES: [&str; 18] = [
    "content-type",
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "host",
    "origin",
    "connection",
    "upgrade",
    "http2-settings",
    "expect",
    "authorization",
    "te",
    "trailer",
    "grpc-encoding",
    "grpc-timeout",
    "access-control-request-method",
    "x-empty",
    "cookie",
];

const VALUES: [&str; 28] = [
    "application/x-protobuf",
    "application/json",
    "application/grpc",
    "application/grpc+proto",
    "text/plain; charset=\"",
    "gzip",
    "deflate, gzip",
    "zstd",
    "identity",
    "0",
    "5",
    "-1",
    "18446744073709551616",
    "chunked",
    "chunked, chunked",
    "localhost",
    "evil.example:99999",
    "null",
    "http://localhost:3000",
    "close",
    "keep-alive, upgrade",
    "h2c",
    "websocket",
    "AAMAAABkAAQCAAAAAAIAAAAA",
    "100-continue",
    "Bearer \u{7f}",
    "99999999H",
    "",
];

fn header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![9 => select(&NAMES[..]).prop_map(str::to_owned), 1 => "[a-z:]{0,9}"];
    let value = prop_oneof![6 => select(&VALUES[..]).prop_map(str::to_owned), 1 => "\\PC{0,20}", 1 => "[x]{0,9000}"];
    (name, value)
}

/// A part of what is sent.
#[derive(Debug, Clone)]
enum Piece {
    Raw(Vec<u8>),
    /// A request of HTTP/1.
    Request {
        method: String,
        path: String,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        sent: Sent,
    },
    /// What HTTP/2 begins with.
    Preface,
    /// A frame of HTTP/2. Its length is that of the content, plus `longer`.
    Frame {
        kind: u8,
        flags: u8,
        stream: u32,
        content: Vec<u8>,
        longer: i32,
    },
}

/// How long a body is said to be.
#[derive(Debug, Clone)]
enum Sent {
    Unsaid,
    Length(i64),
    /// In chunks of so many bytes, each said to be longer than it is by this.
    Chunks(usize, i64),
}

impl Piece {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Raw(bytes) => to.extend(bytes),
            Self::Request { method, path, headers, body, sent } => {
                to.extend(format!("{method} {path} HTTP/1.1\r\n").bytes());
                for (name, value) in headers {
                    to.extend(format!("{name}: {value}\r\n").bytes());
                }
                let length = |length: usize, longer: i64| i64::try_from(length).unwrap() + longer;
                match sent {
                    Sent::Unsaid => to.extend(b"\r\n"),
                    Sent::Length(longer) => {
                        to.extend(format!("content-length: {}\r\n\r\n", length(body.len(), *longer)).bytes());
                    }
                    Sent::Chunks(size, longer) => {
                        to.extend(b"transfer-encoding: chunked\r\n\r\n");
                        for chunk in body.chunks(*size) {
                            to.extend(format!("{:x}\r\n", length(chunk.len(), *longer)).bytes());
                            to.extend(chunk);
                            to.extend(b"\r\n");
                        }
                        to.extend(b"0\r\n\r\n");
                        return;
                    }
                }
                to.extend(body);
            }
            Self::Preface => to.extend(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            Self::Frame { kind, flags, stream, content, longer } => {
                let length = i64::try_from(content.len()).unwrap() + i64::from(*longer);
                to.extend(&u32::try_from(length.max(0)).unwrap().to_be_bytes()[1..]);
                to.extend([*kind, *flags]);
                to.extend(stream.to_be_bytes());
                to.extend(content);
            }
        }
    }
}

/// A block of headers of HTTP/2 without an index, as HPACK writes them.
fn block(headers: &[(String, String)]) -> Vec<u8> {
    let mut block = Vec::new();
    let text = |text: &str, block: &mut Vec<u8>| {
        let mut left = text.len();
        if left < 127 {
            block.push(u8::try_from(left).unwrap());
        } else {
            block.push(127);
            left -= 127;
            while left >= 128 {
                block.push(u8::try_from(left % 128).unwrap() | 128);
                left /= 128;
            }
            block.push(u8::try_from(left).unwrap());
        }
        block.extend(text.bytes());
    };
    for (name, value) in headers {
        block.push(0);
        text(name, &mut block);
        text(value, &mut block);
    }
    block
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![12 => select(&PATHS[..]).prop_map(str::to_owned), 1 => "/\\PC{0,30}"]
}

fn one_request() -> impl Strategy<Value = Piece> {
    let method = prop_oneof![12 => Just("POST".to_owned()), 2 => Just("GET".to_owned()), 1 => Just("OPTIONS".to_owned()),
        1 => Just("CONNECT".to_owned()), 1 => "[A-Z \\x00]{0,8}"];
    let longer = || prop_oneof![8 => Just(0_i64), 1 => -3..9_i64, 1 => Just(i64::from(u32::MAX)), 1 => Just(-100_000)];
    let sent = prop_oneof![
        6 => longer().prop_map(Sent::Length),
        3 => (1..9000_usize, longer()).prop_map(|(size, longer)| Sent::Chunks(size, longer)),
        1 => Just(Sent::Unsaid),
    ];
    let usual = select(&["application/x-protobuf", "application/json"][..]);
    (method, path(), usual, vec(header(), 0..4), body(), sent).prop_map(
        |(method, path, kind, mut headers, body, sent)| {
            headers.insert(0, ("host".to_owned(), "localhost".to_owned()));
            headers.push(("content-type".to_owned(), kind.to_owned()));
            Piece::Request { method, path, headers, body, sent }
        },
    )
}

fn frame() -> impl Strategy<Value = Piece> {
    let content = prop_oneof![vec(any::<u8>(), 0..40), body(), Just(vec![0; 8]), Just(vec![0; 4]), Just(vec![0xff; 6])];
    let longer = prop_oneof![12 => Just(0), 1 => -3..9, 1 => Just(0x00ff_0000)];
    let stream = prop_oneof![Just(0), Just(1), Just(3), Just(2), Just(0x8000_0001), any::<u32>()];
    (0..12_u8, select(&[0_u8, 1, 4, 5, 8, 0x20, 0x2d, 0xff][..]), stream, content, longer)
        .prop_map(|(kind, flags, stream, content, longer)| Piece::Frame { kind, flags, stream, content, longer })
}

/// An export over gRPC, on the stream with this number.
fn call(stream: u32) -> impl Strategy<Value = Vec<Piece>> {
    (path(), vec(header(), 0..3), body(), any::<bool>(), 1..9000_usize).prop_map(
        move |(path, more, body, is_whole, size)| {
            let mut headers = vec![
                (":method".to_owned(), "POST".to_owned()),
                (":scheme".to_owned(), "http".to_owned()),
                (":authority".to_owned(), "localhost".to_owned()),
                (":path".to_owned(), path),
                ("content-type".to_owned(), "application/grpc".to_owned()),
            ];
            headers.extend(more);
            let length = u32::try_from(body.len()).unwrap() + u32::from(!is_whole) * 5;
            let message = [&[0][..], &length.to_be_bytes(), &body].concat();
            let parts = message.chunks(size).count();
            let head = Piece::Frame { kind: 1, flags: 4, stream, content: block(&headers), longer: 0 };
            let data = message.chunks(size).enumerate().map(|(nth, part)| {
                let flags = u8::from(nth + 1 == parts);
                Piece::Frame { kind: 0, flags, stream, content: part.to_vec(), longer: 0 }
            });
            std::iter::once(head).chain(data).collect()
        },
    )
}

fn http2() -> impl Strategy<Value = Vec<Piece>> {
    let settings = Piece::Frame { kind: 4, flags: 0, stream: 0, content: Vec::new(), longer: 0 };
    (call(1), vec(frame(), 0..4), call(3), any::<Index>()).prop_map(move |(first, frames, second, at)| {
        let mut pieces = vec![Piece::Preface, settings.clone()];
        pieces.extend(first.into_iter().chain(second));
        let at = 1 + at.index(pieces.len());
        pieces.splice(at..at, frames);
        pieces
    })
}

/// A connection: its bytes, and where they are parted.
#[derive(Debug, Clone)]
struct Case {
    bytes: Vec<u8>,
    parts: Vec<Index>,
}

fn case() -> impl Strategy<Value = Case> {
    let raw = vec(any::<u8>(), 0..300).prop_map(|bytes| vec![Piece::Raw(bytes)]);
    let pieces = prop_oneof![6 => vec(one_request(), 1..4), 6 => http2(), 1 => raw,
        1 => (vec(one_request(), 1..2), http2()).prop_map(|(one, other)| [one, other].concat())];
    let damage = prop_oneof![3 => Just(Vec::new()), 1 => vec((any::<Index>(), any::<u8>()), 1..6)];
    let cut = prop_oneof![4 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (pieces, damage, cut, vec(any::<Index>(), 0..3)).prop_map(|(pieces, damage, cut, parts)| {
        let mut bytes = Vec::new();
        for piece in &pieces {
            piece.write(&mut bytes);
        }
        for (at, byte) in damage.iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
            // Mostly where there is no body.
            let most = if byte % 4 == 0 { bytes.len() } else { bytes.len().min(400) };
            bytes[at.index(most)] = *byte;
        }
        if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
            bytes.truncate(cut.index(bytes.len()));
        }
        Case { bytes, parts }
    })
}

/// Sends these bytes and reads what is answered to its end. Fails where the connection is kept though nothing more comes.
fn send(address: SocketAddr, case: &Case) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).map_err(|error| format!("no connection: {error}"))?;
    stream.set_nodelay(true).unwrap();
    for limit in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        limit(&stream, Some(PATIENCE)).unwrap();
    }
    let mut ends: Vec<usize> = case.parts.iter().map(|at| at.index(case.bytes.len() + 1)).collect();
    ends.push(case.bytes.len());
    ends.sort_unstable();
    let mut from = 0;
    for end in ends {
        // It may have been refused meanwhile.
        if stream.write_all(&case.bytes[from..end]).is_err() {
            break;
        }
        from = end;
    }
    drop(stream.shutdown(Shutdown::Write));
    match io::copy(&mut stream.take(64 << 20), &mut io::sink()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err("the connection is kept though its sender has ended it".to_owned())
        }
        // It may be closed while something was still to come.
        _ => Ok(()),
    }
}

/// A program that is sent connections, and in between spans that it acknowledges.
struct Target {
    program: Program,
    acknowledged: u32,
}

impl Target {
    fn new() -> Self {
        Self { program: Program::serve(&["--log-file", "log", "--log-level", "error"]), acknowledged: 0 }
    }

    fn send(&mut self, nth: usize, case: &Case) -> Result<(), String> {
        let program = &self.program;
        send([program.http(), program.grpc(), program.sideseat()][nth % 3], case)
    }

    /// Others are answered, and what is sent is stored.
    fn answers(&mut self) {
        let sent = request(&[span(4711, self.acknowledged + 1, "kept")]);
        let reply = post(self.program.http(), "/v1/traces", &[JSON], &sent);
        assert_eq!(reply.status, 200, "{}", reply.text());
        self.acknowledged += 1;
    }

    /// Nothing was said of a bug, and all that was acknowledged is there.
    fn ends(mut self) {
        assert!(self.program.is_running(), "it has ended");
        let said = self.program.stop();
        assert!(!said.contains("a bug"), "{said}");
        let spans = self.program.home().spans();
        let kept = spans.iter().filter(|span| span["name"] == "kept").count();
        assert_eq!(kept, usize::try_from(self.acknowledged).unwrap());
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

/// The connections that are kept, by name.
fn kept() -> Vec<(String, Case)> {
    let files = fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "connection"));
    let case = |file: PathBuf| (file.display().to_string(), Case { bytes: fs::read(file).unwrap(), parts: Vec::new() });
    files.map(case).collect()
}

#[test]
fn connections_of_any_bytes_harm_no_other() {
    let mut target = Target::new();
    let kept = kept();
    assert!(kept.len() >= 3, "some are there from the beginning");
    for (name, case) in kept {
        for port in 0..3 {
            target.send(port, &case).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
        target.answers();
    }
    let seconds = std::env::var("SIDESEAT_TUI_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (mut runner, cases) = (TestRunner::default(), case());
    let mut tried = 0;
    while tried < USUAL || until.is_some_and(|until| Instant::now() < until) {
        let case = cases.new_tree(&mut runner).unwrap().current();
        let sent = target.send(usize::try_from(tried).unwrap(), &case);
        tried += 1;
        if let Err(why) = sent.and_then(|()| if target.program.is_running() { Ok(()) } else { Err("it ended".into()) })
        {
            let name = ContentId::of(&case.bytes).to_string().chars().take(12).collect::<String>();
            fs::write(corpus().join(format!("{name}.connection")), &case.bytes).unwrap();
            panic!("{why}\nkept as {name}.connection");
        }
        if tried % 50 == 0 {
            target.answers();
        }
    }
    eprintln!("{tried} connections");
    target.ends();
}
