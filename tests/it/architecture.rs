//! Who may see whom, held as a table and checked against every `crate::` path in the source.

mod uses;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sideseat_tui::{dialects::DIALECTS, slots::Slot};

use uses::{SourceFile, Uses, folders, sources, uses_between, uses_within};

/// A room and the rooms it may name. `start`, `cli` and `main` see everything.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("decode", &["model"]),
    ("dialects", &["model"]),
    ("pricing", &["model"]),
    ("assemble", &["model"]),
    ("export", &["model", "decode"]),
    ("understand", &["model", "decode", "dialects", "pricing"]),
    ("filter", &["model", "nearest"]),
    ("store", &["model", "decode", "dialects", "pricing", "assemble", "understand", "filter"]),
    ("receive", &["model", "decode", "platform", "pricing", "store", "understand"]),
    // Leaves that several rooms share: a table, and a function.
    ("slots", &[]),
    ("tabs", &[]),
    ("nearest", &[]),
    ("frameworks", &[]),
    ("platform", &[]),
    ("keymap", &["nearest", "tabs"]),
    ("theme", &["nearest", "slots"]),
    ("config", &["nearest"]),
    // `app` names slots and must not know how they are painted.
    ("app", &["model", "export", "filter", "frameworks", "keymap", "slots", "tabs"]),
    ("view", &["model", "app", "filter", "keymap", "slots", "tabs", "theme"]),
    ("terminal", &["model", "app", "view", "keymap", "platform", "theme", "store"]),
];

/// Crates that only some rooms may name.
const OWNED: &[(&str, &[&str])] = &[
    ("duckdb::", &["store"]),
    ("opentelemetry_proto::", &["decode"]),
    ("tonic::", &["receive"]),
    ("axum::", &["receive"]),
    ("genai_prices::", &["pricing"]),
    ("CrosstermBackend", &["terminal"]),
    ("rustix::", &["terminal", "cli", "config", "platform", "start", "store"]),
    ("tui_input::", &["app"]),
    ("nucleo_matcher::", &["app"]),
    ("similar::", &["app"]),
    ("strsim::", &["nearest"]),
    ("image::", &["terminal"]),
    ("clap::", &["cli", "config"]),
    ("ratatui::", &["app", "theme", "view", "terminal"]),
    ("tokio::", &["cli", "receive", "start", "store"]),
    ("jiff::", &["app", "decode", "dialects", "model"]),
    ("fastcdc::", &["store"]),
    ("postcard::", &["cli", "model", "store"]),
    ("pulldown_cmark::", &["app"]),
    ("prost::", &["cli", "decode"]),
    ("unicode_width::", &["app"]),
    ("unicode_segmentation::", &["app", "view"]),
];

/// Rooms in which files and folders must not use each other in circles.
const WITHOUT_CIRCLES: &[&str] = &[
    "dialects", "assemble", "store", "app", "view", "terminal", "keymap", "theme", "receive", "decode", "config",
    "filter",
];

/// The circles that there are nevertheless: the folder, the files and folders in it, and the reason. A circle may lose
/// files; a row whose circle is gone goes as well.
const CIRCLES: &[(&str, &[&str], &str)] = &[(
    "dialects",
    &["calls", "parts", "reasoning"],
    "a grammar: the result of a call holds parts, a part may be a call",
)];

/// Words that are known of vendors and libraries, beside the names of dialects.
const VENDORS: &[&str] = &[
    "adk",
    "anthropic",
    "bedrock",
    "claude",
    "fc_",
    "gemini",
    "langchain",
    "langgraph",
    "llama_index",
    "openai",
    "sideseat",
    "vercel",
];

#[test]
fn every_room_sees_only_what_it_may() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some((room, allowed)) = MAY_SEE.iter().find(|(name, _)| *name == file.room) else { continue };
        let seen = file.rooms();
        let others = rooms().filter(|other| other != room && !allowed.contains(other) && seen.contains(*other));
        wrong.extend(others.map(|other| format!("{}: {room} must not see {other}", file.path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_a_room_of_the_table() {
    let known: BTreeSet<&str> = MAY_SEE.iter().map(|(room, _)| *room).chain(["cli"]).collect();
    let folders = fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(known.contains(name.as_str()), "src/{name} is in no table");
    }
}

#[test]
fn rooms_do_not_see_each_other_in_circles() {
    let mut seen: Uses = rooms().map(|room| (room.to_owned(), BTreeSet::new())).collect();
    for file in sources() {
        let others = file.rooms().into_iter().filter(|other| *other != file.room && rooms().any(|room| room == other));
        if let Some(seen) = seen.get_mut(&file.room) {
            seen.extend(others);
        }
    }
    let found = circles(&seen);
    assert!(found.is_empty(), "these see each other in a circle: {found:?}");
}

#[test]
fn files_and_folders_use_each_other_in_no_circle_but_those_that_are_known() {
    for room in WITHOUT_CIRCLES {
        let uses = uses_within(room);
        let known: Vec<_> = CIRCLES.iter().filter(|(of, ..)| of == room).collect();
        let found: Vec<_> = folders(&uses).iter().flat_map(|folder| circles(&uses_between(&uses, folder))).collect();
        let is_of =
            |circle: &BTreeSet<String>, files: &[&str]| circle.iter().all(|file| files.contains(&file.as_str()));
        for circle in &found {
            let is_known = known.iter().any(|(_, files, _)| is_of(circle, files));
            assert!(is_known, "in {room} these use each other in a circle: {circle:?}");
        }
        for (_, files, reason) in known {
            let is_there = found.iter().any(|circle| is_of(circle, files));
            assert!(is_there, "{room} is free of the circle {files:?} ({reason}): take it out of CIRCLES");
        }
    }
}

#[test]
fn what_puts_traces_together_knows_no_vendor() {
    let wrong = vendors_in(&mut sources().iter().filter(|file| file.room == "assemble"));
    assert!(wrong.is_empty(), "what a dialect knows travels in typed fields of `Translation`:\n{}", wrong.join("\n"));
}

/// The files of `dialects` that every sender's spans go through. What they need of one sender is in its dialect's row.
const OF_ALL_SENDERS: &[&str] = &[
    "category",
    "context",
    "dialect",
    "errors",
    "fact_keys",
    "facts",
    "framework",
    "parameters",
    "recording_hints",
    "redaction_markers",
    "usage",
];

/// What these files may name nevertheless: the file, the word, and the reason.
const NAMED: &[(&str, &str, &str)] = &[
    ("recording_hints", "openai", "the hint for anybody is of the API that most streams are of"),
    ("usage", "anthropic", "a provider, whose API counts in a way of its own"),
    ("usage", "bedrock", "a provider, whose API counts in a way of its own"),
    ("usage", "claude", "a provider's models, where the provider is not named"),
    ("usage", "gemini", "a provider's models, which count reasoning apart"),
    ("usage", "openai", "a provider, and the API that others imitate"),
];

#[test]
fn what_all_senders_go_through_knows_none_of_them() {
    let is_of_all = |file: &&SourceFile| {
        let name = file.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        file.room == "dialects" && OF_ALL_SENDERS.contains(&name)
    };
    let sources = sources();
    assert_eq!(sources.iter().filter(is_of_all).count(), OF_ALL_SENDERS.len(), "a file of the list is not there");
    let found = vendors_in(&mut sources.iter().filter(is_of_all));
    let allowed: Vec<String> = NAMED.iter().map(|(file, word, _)| format!("src/dialects/{file}.rs: {word}")).collect();
    let wrong: Vec<_> = found.iter().filter(|one| !allowed.contains(one)).collect();
    assert!(wrong.is_empty(), "what is known of a sender is a field of its dialect's row:\n{wrong:#?}");
    let gone: Vec<_> = allowed.iter().filter(|one| !found.contains(one)).collect();
    assert!(gone.is_empty(), "take out of NAMED what is no longer named: {gone:?}");
}

/// The names of dialects, vendors and libraries in the code of some files, each with its file.
fn vendors_in(files: &mut dyn Iterator<Item = &SourceFile>) -> Vec<String> {
    let mut words: Vec<String> = VENDORS.iter().map(|word| (*word).to_owned()).collect();
    words.extend(DIALECTS.iter().flat_map(|dialect| [dialect.name.to_owned(), dialect.name.replace('-', "_")]));
    let is_word = |text: &str, word: &str| {
        let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        text.match_indices(word).any(|(at, _)| {
            ends(text[..at].chars().next_back())
                && (word.ends_with('_') || ends(text[at + word.len()..].chars().next()))
        })
    };
    let mut found = Vec::new();
    for file in files.filter(|file| !file.is_test()) {
        for line in file.code().lines().map(str::to_lowercase) {
            let words = words.iter().filter(|word| is_word(&line, word));
            found.extend(words.map(|word| format!("{}: {word}", file.path.display())));
        }
    }
    found
}

/// Every room, also those that may see everything.
fn rooms() -> impl Iterator<Item = &'static str> {
    MAY_SEE.iter().map(|(room, _)| *room).chain(["start", "cli"])
}

/// The groups of names of which each sees each other, by whatever way.
fn circles(seen: &Uses) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &str| {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(next) = open.pop() {
            for other in &seen[&next] {
                if reached.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        reached
    };
    let all: BTreeMap<&String, BTreeSet<String>> = seen.keys().map(|name| (name, reached(name))).collect();
    let of = |name: &String| all[name].iter().filter(|other| all[other].contains(name)).cloned().collect();
    seen.keys().filter(|name| all[name].contains(*name)).map(of).collect()
}

#[test]
fn every_slot_of_the_table_is_used() {
    let drawn = sources().into_iter().filter(|file| ["app", "view"].contains(&file.room.as_str()) && !file.is_test());
    let code: Vec<String> = drawn.map(|file| file.code()).collect();
    let named: BTreeSet<&str> = code
        .iter()
        .flat_map(|text| text.split("Slot::").skip(1))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
        .collect();
    let unused: Vec<_> = Slot::ALL.iter().filter(|slot| !named.contains(format!("{slot:?}").as_str())).collect();
    assert!(unused.is_empty(), "nothing is drawn with {unused:?}");
}

#[test]
fn the_outside_world_is_named_only_where_it_belongs() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (owned, rooms) in OWNED {
            // OTLP's types live in a module that is called `tonic`, too.
            let code = file.text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let named = code.map(|line| line.replace("proto::tonic::", "proto::")).any(|line| line.contains(owned));
            if named && !rooms.contains(&file.room.as_str()) {
                wrong.push(format!("{}: {} must not name {owned}", file.path.display(), file.room));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
