//! Whether the dialects' version was raised when what they understand changed.
//!
//! Stored spans are translated again only when `dialects::VERSION` is raised. So the translations of all captures are
//! kept as hashes in `tests/fixtures/translations.txt`, with the version that made them.

use std::{collections::BTreeMap, env, fmt::Write as _, fs, path::PathBuf};

use sideseat_tui::{
    decode::{self, Encoding, Signal},
    dialects,
    model::{ContentId, Project, Source, Translation},
};

use crate::replay::{captures, fixtures};

const WRITE: &str = "SIDESEAT_TUI_WRITE_TRANSLATIONS";

/// The version, and a hash for each capture.
type Known = (u32, BTreeMap<String, String>);

#[test]
fn what_is_understood_changes_only_with_the_version() {
    let (now, before) = (understood(), read());
    let changed: Vec<&str> = before
        .1
        .iter()
        .filter(|(name, hash)| now.1.get(*name).is_some_and(|now| now != *hash))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        changed.is_empty() || now.0 > before.0,
        "the translations of {} captures changed ({}): raise `VERSION` in src/dialects/mod.rs, else stored spans keep \
         what was understood of them before; then run this test with {WRITE}=1",
        changed.len(),
        changed.join(" ")
    );
    assert!(now.0 >= before.0, "version {} was lowered to {}", before.0, now.0);
    if env::var_os(WRITE).is_some() {
        fs::write(path(), written(&now)).unwrap();
    } else {
        assert!(now == before, "there is a new version, or captures came or went: run this test with {WRITE}=1");
    }
}

fn path() -> PathBuf {
    fixtures().join("translations.txt")
}

fn read() -> Known {
    let text = fs::read_to_string(path()).unwrap();
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix("version ")).unwrap().parse().unwrap();
    let hashes = lines.map(|line| line.split_once(' ').unwrap()).map(|(name, hash)| (name.to_owned(), hash.to_owned()));
    (version, hashes.collect())
}

fn written((version, hashes): &Known) -> String {
    let mut text = format!("version {version}\n");
    for (name, hash) in hashes {
        writeln!(text, "{name} {hash}").unwrap();
    }
    text
}

fn understood() -> Known {
    let hashes = captures().into_iter().map(|capture| {
        let mut translations = Vec::new();
        for (signal, body) in capture.bodies() {
            translate(signal, body, &mut translations);
        }
        assert!(!translations.is_empty(), "{}/{}", capture.client, capture.name);
        (format!("{}/{}", capture.client, capture.name), ContentId::of(&translations).to_string())
    });
    (dialects::VERSION, hashes.collect())
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
