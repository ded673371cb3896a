//! Recorded exports, taken in as if a sender had sent them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use sideseat_tui::decode::{Encoding, Signal};
use sideseat_tui::model::Project;
use sideseat_tui::pricing::Prices;
use sideseat_tui::receive::{Counts, Intake};
use sideseat_tui::store::{Pick, Place, Store};

/// One recorded run of one client.
#[derive(Debug, Clone)]
pub struct Capture {
    pub client: String,
    pub name: String,
    pub folder: PathBuf,
}

impl Capture {
    pub fn named(path: &str) -> Self {
        let (client, name) = path.split_once('/').unwrap();
        let folder = fixtures().join(client);
        assert!(folder.join(format!("{name}.pb")).exists(), "{path}");
        Self { client: client.to_owned(), name: name.to_owned(), folder }
    }

    /// The requests, in order, with their signals.
    pub fn bodies(&self) -> Vec<(Signal, Vec<u8>)> {
        let mut bodies = Vec::new();
        for (ending, signal) in [("pb", Signal::Traces), ("logs.pb", Signal::Logs)] {
            if let Ok(body) = fs::read(self.folder.join(format!("{}.{ending}", self.name))) {
                bodies.push((signal, body));
            }
        }
        bodies
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Every capture there is, by client and name.
pub fn captures() -> Vec<Capture> {
    let mut captures = Vec::new();
    for client in fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(&client).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            if let Some(name) = file.strip_suffix(".expected.json") {
                let client_name = client.file_name().unwrap().to_str().unwrap();
                captures.push(Capture::named(&format!("{client_name}/{name}")));
            }
        }
    }
    captures.sort_by(|left, right| (&left.client, &left.name).cmp(&(&right.client, &right.name)));
    captures
}

/// A store in memory that was sent these requests, one after another.
pub fn store_of(bodies: &[(Signal, Vec<u8>)]) -> Store {
    let store = Store::open(&Place::Memory, prices()).unwrap();
    send(&store, bodies);
    store
}

/// Sends more to a store.
pub fn send(store: &Store, bodies: &[(Signal, Vec<u8>)]) {
    for (signal, body) in bodies {
        send_as(store, *signal, body.clone(), Encoding::Protobuf);
    }
}

/// Sends one request in an encoding.
pub fn send_as(store: &Store, signal: Signal, body: Vec<u8>, encoding: Encoding) {
    let intake = Intake::new(store.writer(), prices(), Counts::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = body.into();
    let taken = match signal {
        Signal::Traces => runtime.block_on(intake.traces(Project::default(), body, encoding)),
        Signal::Logs => runtime.block_on(intake.logs(Project::default(), body, encoding)),
        Signal::Metrics => runtime.block_on(intake.metrics(body, encoding)),
    };
    taken.unwrap();
}

/// What a store exports.
pub fn transcript_of(store: &Store) -> Value {
    let mut out = Vec::new();
    sideseat_tui::cli::write_transcript(store, &Pick::default(), &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

/// What a capture's transcript is.
pub fn transcript(capture: &Capture) -> Value {
    transcript_of(&store_of(&capture.bodies()))
}

/// Every capture with what really happened and its transcript, made once for all tests.
pub fn replays() -> &'static [Replay] {
    static REPLAYS: LazyLock<Vec<Replay>> = LazyLock::new(|| captures().into_iter().map(Replay::of).collect());
    &REPLAYS
}

/// One capture, what its programs did, and what is shown of them.
pub struct Replay {
    pub capture: Capture,
    /// `NAME.expected.json`: written from the programs and the mock model's answers, not from telemetry.
    pub expected: Value,
    pub transcript: Value,
}

impl Replay {
    fn of(capture: Capture) -> Self {
        let path = capture.folder.join(format!("{}.expected.json", capture.name));
        let expected = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        Self { transcript: transcript(&capture), expected, capture }
    }

    /// `client/name`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.capture.client, self.capture.name)
    }

    /// The traces that are shown of those with these ids.
    pub fn traces(&self, ids: &[String]) -> Vec<&Value> {
        let is_one = |trace: &&Value| ids.iter().any(|id| trace["trace_id"] == **id);
        list(&self.transcript["traces"]).iter().filter(is_one).collect()
    }
}

/// The items of a JSON list; none where it is no list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text without its white space.
pub fn squash(text: &str) -> String {
    text.split_whitespace().collect()
}

/// The price table is unpacked once for all tests.
pub fn prices() -> Arc<Prices> {
    static PRICES: LazyLock<Arc<Prices>> = LazyLock::new(|| Arc::new(Prices::bundled()));
    PRICES.clone()
}
