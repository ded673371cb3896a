//! Whether the dialects' version was raised when what they understand changed.
//!
//! Stored spans are translated again only when `dialects::VERSION` is raised. So the translations of all captures are
//! kept as hashes, those of one client in `tests/fixtures/CLIENT/translations.txt`, with the version that made them. A
//! file is written anew only where its hashes change: a new client touches no other's.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf};

use sideseat_tui::{
    decode::{self, Encoding, Signal},
    dialects,
    model::{ContentId, Project, Source, Translation},
};

use crate::replay::{captures, fixtures};

const WRITE: &str = "SIDESEAT_TUI_WRITE_TRANSLATIONS";

/// A hash for each capture of a client, by the capture's name.
type Hashes = BTreeMap<String, String>;

#[test]
fn what_is_understood_changes_only_with_the_version() {
    let (now, before) = (understood(), read());
    let newest = before.values().map(|(version, _)| *version).max().unwrap();
    assert!(dialects::VERSION >= newest, "version {newest} was lowered to {}", dialects::VERSION);
    let mut changed = Vec::new();
    for (client, hashes) in &now {
        let known = before.get(client).map(|(_, hashes)| hashes);
        let is_other = |(name, hash): &(&String, &String)| {
            known.and_then(|known| known.get(*name)).is_some_and(|known| known != *hash)
        };
        changed.extend(hashes.iter().filter(is_other).map(|(name, _)| format!("{client}/{name}")));
        // What a new client sends was stored before it was understood.
        changed.extend(known.is_none().then(|| format!("{client} is new")));
    }
    assert!(
        changed.is_empty() || dialects::VERSION > newest,
        "what is understood of {} captures or clients changed ({}): raise `VERSION` in src/dialects/mod.rs, else stored spans keep \
         what was understood of them before; then run this test with {WRITE}=1",
        changed.len(),
        changed.join(" ")
    );
    for (client, hashes) in &now {
        if before.get(client).is_none_or(|(_, known)| known != hashes) {
            assert!(
                env::var_os(WRITE).is_some(),
                "captures of {client} changed or are new: run this test with {WRITE}=1"
            );
            fs::write(path(client), written(hashes)).unwrap();
        }
    }
    let gone: Vec<_> = before.keys().filter(|client| !now.contains_key(*client)).collect();
    assert!(gone.is_empty(), "there are no captures of {gone:?}: remove their translations.txt");
}

fn path(client: &str) -> PathBuf {
    fixtures().join(client).join("translations.txt")
}

/// What is kept of each client: the version, and the hashes that it made.
fn read() -> BTreeMap<String, (u32, Hashes)> {
    let folders = fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap());
    let clients = folders.map(|folder| folder.file_name().into_string().unwrap());
    let texts = clients.filter_map(|client| Some((fs::read_to_string(path(&client)).ok()?, client)));
    let one = |(text, client): (String, String)| {
        let mut lines = text.lines();
        let version = lines.next().and_then(|line| line.strip_prefix("version ")).unwrap().parse().unwrap();
        let hashes = lines.map(|line| line.split_once(' ').unwrap());
        (client, (version, hashes.map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect()))
    };
    texts.map(one).collect()
}

fn written(hashes: &Hashes) -> String {
    let mut text = format!("version {}\n", dialects::VERSION);
    for (name, hash) in hashes {
        writeln!(text, "{name} {hash}").unwrap();
    }
    text
}

/// The hashes of all captures as they are translated now, by client.
fn understood() -> BTreeMap<String, Hashes> {
    let mut clients: BTreeMap<String, Hashes> = BTreeMap::new();
    for capture in captures() {
        let mut translations = Vec::new();
        for (signal, body) in capture.bodies() {
            translate(signal, body, &mut translations);
        }
        assert!(!translations.is_empty(), "{}/{}", capture.client, capture.name);
        let hash = ContentId::of(&translations).to_string();
        clients.entry(capture.client.clone()).or_default().insert(capture.name.clone(), hash);
    }
    clients
}

/// Appends the stored form of all translations, in order.
fn translate(signal: Signal, body: Vec<u8>, into: &mut Vec<u8>) {
    let mut add = |translation: &Translation| into.extend(postcard::to_stdvec(translation).unwrap());
    let (project, body) = (Project::default(), body.into());
    match signal {
        Signal::Traces => {
            let decoded = decode::traces(&project, &body, Encoding::Protobuf).unwrap();
            for span in &decoded.items {
                add(&dialects::translate(&Source::from(&span.item)));
            }
        }
        Signal::Logs => {
            let decoded = decode::logs(&project, &body, Encoding::Protobuf).unwrap();
            for record in decoded.items.iter().map(|record| &record.item) {
                add(&dialects::translate(&Source::from(record)));
                if let Some(made) = dialects::place_of(record).and_then(|place| place.made) {
                    add(&dialects::translate(&Source::from(&made)));
                }
            }
        }
        Signal::Metrics => {}
    }
}
