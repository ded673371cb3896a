//! The program as its users have it: a process of its own in a home of its own, and raw HTTP to talk to it.
//!
//! ```text
//!   Home      a user's folders, made for one test ─▶ serve, run, transcript, otlp
//!   Program   one that listens ─▶ addresses; stop, kill9
//!   post      HTTP/1.1 as it goes over the wire, so that a test sees what a sender sees
//! ```

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_sideseat-tui");

/// Nothing here is timed: this is only when to give up on what should have happened long ago.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub const JSON: (&str, &str) = ("content-type", "application/json");

/// The folders of a user who has nothing yet. They go with the last clone.
#[derive(Clone)]
pub struct Home(Arc<TempDir>);

impl Home {
    pub fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().unwrap()))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where everything that is started here keeps its spans, unless it is told otherwise.
    pub fn db(&self) -> PathBuf {
        self.path("traces.duckdb")
    }

    /// Writes a file, and the folders that it lies in.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// All that the program sees of an environment: nothing of the one that the tests run in. Every port is a free one.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut environment = vec![
            ("HOME", self.0.path().into()),
            ("XDG_CONFIG_HOME", self.path("config").into()),
            ("XDG_DATA_HOME", self.path("data").into()),
            ("XDG_STATE_HOME", self.path("state").into()),
            ("XDG_CACHE_HOME", self.path("cache").into()),
            ("TZ", "UTC".into()),
            ("LANG", "C.UTF-8".into()),
            ("SIDESEAT_TUI_DB", self.db().into()),
        ];
        environment.extend(PORTS.map(|variable| (variable, "0".into())));
        environment.extend(std::env::var_os("PATH").map(|path| ("PATH", path)));
        environment
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        finish(self.command(arguments).spawn().unwrap(), b"")
    }

    /// The same, with something to read.
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Done {
        finish(self.command(arguments).stdin(Stdio::piped()).spawn().unwrap(), input)
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub fn prints(&self, arguments: &[&str]) -> Vec<u8> {
        let done = self.run(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.err);
        done.out
    }

    pub fn serve(&self, arguments: &[&str]) -> Program {
        let off = arguments.iter().filter(|argument| **argument == "off").count();
        Program::start(self.clone(), self.command(&[&["serve"], arguments].concat()), PORTS.len() - off)
    }

    /// What is stored, as programs read it.
    pub fn transcript(&self) -> Value {
        serde_json::from_slice(&self.prints(&["export", "--format", "transcript"])).unwrap()
    }

    /// What is stored, as OTLP: the traces and the logs.
    pub fn otlp(&self) -> (Value, Value) {
        let out = self.prints(&["export", "--format", "otlp-json"]);
        let mut lines = out.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap_or_default());
        (lines.next().unwrap(), lines.next().unwrap())
    }

    /// The spans that are stored, as OTLP JSON has them, in order of id.
    pub fn spans(&self) -> Vec<Value> {
        let mut spans = items(&self.otlp().0, ["resourceSpans", "scopeSpans", "spans"]);
        spans.sort_by_key(|span| span["spanId"].to_string());
        spans
    }
}

const PORTS: [&str; 3] = ["SIDESEAT_TUI_GRPC_PORT", "SIDESEAT_TUI_HTTP_PORT", "SIDESEAT_TUI_SIDESEAT_PORT"];

/// Lets a command choose its ports as it does for a user who says nothing of them.
pub fn with_default_ports(command: &mut Command) -> &mut Command {
    PORTS.into_iter().fold(command, |command, variable| command.env_remove(variable))
}

/// The leaves of an OTLP JSON request.
pub fn items(request: &Value, [by_resource, by_scope, leaves]: [&str; 3]) -> Vec<Value> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let scopes = list(request, by_resource).into_iter().flat_map(|under| list(&under, by_scope));
    scopes.flat_map(|under| list(&under, leaves)).collect()
}

/// What a command left behind.
#[derive(Debug)]
pub struct Done {
    /// -1 if a signal ended it.
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Done {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// The one line that says why a command did not start.
    pub fn refusal(&self) -> &str {
        assert_eq!(self.code, 2, "{}{}", self.text(), self.err);
        let line = self.err.strip_suffix('\n').unwrap_or(&self.err);
        assert!(line.starts_with("sideseat-tui: ") && !line.contains('\n'), "not one line: {}", self.err);
        line
    }
}

fn finish(mut child: Child, input: &[u8]) -> Done {
    let (stdin, input) = (child.stdin.take(), input.to_vec());
    // It may end without having read everything; that is for its exit code to say.
    let feeding = thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    let out = collecting(child.stdout.take().unwrap());
    let err = collecting(child.stderr.take().unwrap());
    let status = ended(&mut child);
    drop(feeding.join().unwrap());
    let err = String::from_utf8_lossy(&err.join().unwrap()).into_owned();
    Done { code: status.code().unwrap_or(-1), out: out.join().unwrap(), err }
}

fn collecting(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).unwrap();
        all
    })
}

/// Waits for a process; one that does not end is killed, and the test with it.
fn ended(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("process {} did not end", child.id());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Asks until there is an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// `sideseat-tui serve`, or anything that says where it listens; killed if the test forgets it.
pub struct Program {
    home: Home,
    child: Child,
    addresses: HashMap<String, SocketAddr>,
    printed: mpsc::Receiver<String>,
    err: Option<JoinHandle<Vec<u8>>>,
}

impl Program {
    /// One that keeps its spans in a home of its own.
    pub fn serve(arguments: &[&str]) -> Self {
        Home::new().serve(arguments)
    }

    /// Starts a command that prints so many addresses and then serves them.
    pub fn start(home: Home, mut command: Command, addresses: usize) -> Self {
        let mut child = command.spawn().unwrap();
        let err = Some(collecting(child.stderr.take().unwrap()));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (prints, printed) = mpsc::channel();
        // Reads to the end, whether or not anybody listens: a full pipe would stop the program.
        thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                drop(prints.send(line));
            }
        });
        let mut program = Self { home, child, addresses: HashMap::new(), printed, err };
        for _ in 0..addresses {
            let Some((what, address)) =
                program.line().split_once(' ').map(|(what, rest)| (what.to_owned(), rest.to_owned()))
            else {
                panic!("no address");
            };
            program.addresses.insert(what, address.parse().unwrap());
        }
        program
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let Ok(line) = self.printed.recv_timeout(PATIENCE) else {
            // The thread that reads its stderr ends with it.
            self.child.kill().unwrap();
            self.child.wait().unwrap();
            panic!("it did not start: {}", self.said());
        };
        line
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn grpc(&self) -> SocketAddr {
        self.addresses["grpc"]
    }

    pub fn http(&self) -> SocketAddr {
        self.addresses["http"]
    }

    pub fn sideseat(&self) -> SocketAddr {
        self.addresses["sideseat"]
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn tell(&self, signal: Signal) {
        tell(self.pid(), signal);
    }

    /// Ends it in good order, as `kill` and every supervisor does, and gives what it said on stderr.
    pub fn stop(&mut self) -> String {
        self.tell(Signal::TERM);
        self.ends()
    }

    /// Waits until it has ended in good order.
    pub fn ends(&mut self) -> String {
        let status = ended(&mut self.child);
        let said = self.said();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }

    /// Ends it in good order, and gives the transcript of what it stored.
    pub fn export(&mut self) -> Value {
        self.stop();
        self.home.transcript()
    }

    fn said(&mut self) -> String {
        let said = self.err.take().map(|err| err.join().unwrap()).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has mostly ended by now.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn tell(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// An HTTP answer as it came.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request that must be answered.
pub fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    try_post(address, path, headers, body).unwrap()
}

/// Sends a request to somebody who may be gone.
pub fn try_post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
    let length = body.len().to_string();
    let headers = [headers, &[("content-length", length.as_str())]].concat();
    exchange(address, "POST", path, &headers, body)
}

pub fn get(address: SocketAddr, path: &str) -> Reply {
    exchange(address, "GET", path, &[], b"").unwrap()
}

/// One request over a connection of its own, and its answer.
pub fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    stream.write_all(body)?;
    answer(BufReader::new(stream))
}

fn answer(mut from: impl io::BufRead) -> io::Result<Reply> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    from.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| bad(&line))?;
    let mut reply = Reply { status, headers: Vec::new(), body: Vec::new() };
    loop {
        line.clear();
        from.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => reply.headers.push((name.to_owned(), value.trim().to_owned())),
            None if line == "\r\n" => break,
            None => return Err(bad("the answer ends early")),
        }
    }
    // Not to the end of the stream: the connection of a refused sender stays open for what it still sends.
    let length =
        reply.header("content-length").and_then(|length| length.parse().ok()).ok_or_else(|| bad("no length"))?;
    reply.body.resize(length, 0);
    from.read_exact(&mut reply.body)?;
    Ok(reply)
}

/// A recorded export.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A JSON request that holds these spans.
pub fn request(spans: &[Value]) -> Vec<u8> {
    json!({ "resourceSpans": [{ "scopeSpans": [{ "scope": { "name": "test" }, "spans": spans }] }] }).to_string().into()
}

/// A span that has an end, with ids made from these numbers.
pub fn span(trace: u32, number: u32, name: &str) -> Value {
    json!({
        "traceId": format!("{:032x}", u128::from(trace) + (1 << 100)),
        "spanId": format!("{:016x}", u64::from(number) + (1 << 60)),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": "1795341130200000000",
        "endTimeUnixNano": "1795341130300000000",
    })
}
