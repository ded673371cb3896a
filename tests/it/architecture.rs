//! Who may see whom, held as a table and checked against every `crate::` path in the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sideseat_tui::slots::Slot;

/// A room and the rooms it may name. `start`, `cli` and `main` see everything.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("decode", &["model"]),
    ("dialects", &["model"]),
    ("pricing", &["model"]),
    ("assemble", &["model"]),
    ("export", &["model", "decode"]),
    ("store", &["model", "decode", "dialects", "pricing", "assemble"]),
    ("receive", &["model", "decode", "dialects", "pricing", "store"]),
    // Leaves that several rooms share: a table, and a function.
    ("slots", &[]),
    ("nearest", &[]),
    ("keymap", &["nearest"]),
    ("theme", &["nearest", "slots"]),
    ("config", &["nearest"]),
    // `app` names slots and must not know how they are painted.
    ("app", &["model", "keymap", "slots"]),
    ("view", &["model", "app", "keymap", "slots", "theme"]),
    ("terminal", &["model", "app", "view", "keymap", "theme", "store"]),
];

/// Crates that only some rooms may name.
const OWNED: &[(&str, &[&str])] = &[
    ("duckdb::", &["store"]),
    ("opentelemetry_proto::", &["decode"]),
    ("tonic::", &["receive"]),
    ("axum::", &["receive"]),
    ("genai_prices::", &["pricing"]),
    ("crossterm::", &["terminal"]),
    ("clap::", &["cli", "config"]),
];

#[test]
fn every_room_sees_only_what_it_may() {
    let mut wrong = Vec::new();
    for (room, seen) in sights() {
        let Some((_, allowed)) = MAY_SEE.iter().find(|(name, _)| *name == room) else {
            continue;
        };
        for (other, place) in seen {
            if other != room && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{place}: {room} must not see {other}"));
            }
        }
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
    let sights = sights();
    for room in sights.keys() {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = sights[room].keys().map(String::as_str).filter(|other| other != room).collect();
        while let Some(next) = open.pop() {
            assert_ne!(next, room, "{room} sees itself by way of {reached:?}");
            if reached.insert(next) {
                open.extend(
                    sights
                        .get(next)
                        .into_iter()
                        .flat_map(|seen| seen.keys().map(String::as_str))
                        .filter(|n| *n != next),
                );
            }
        }
    }
}

#[test]
fn every_slot_of_the_table_is_used() {
    let code: Vec<String> = sources()
        .into_iter()
        .filter(|(room, path, _)| {
            ["app", "view"].contains(&room.as_str()) && !path.to_string_lossy().contains("/tests")
        })
        .filter_map(|(_, _, text)| text.split("#[cfg(test)]").next().map(str::to_owned))
        .collect();
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
    for (room, path, text) in sources() {
        for (owned, rooms) in OWNED {
            // OTLP's types live in a module that is called `tonic`, too.
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let named = code.map(|line| line.replace("proto::tonic::", "proto::")).any(|line| line.contains(owned));
            if named && !rooms.contains(&room.as_str()) {
                wrong.push(format!("{}: {room} must not name {owned}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Room → the rooms it names, each with one place where it does.
fn sights() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sights: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (room, path, text) in sources() {
        let seen = sights.entry(room).or_default();
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for other in named_in(line) {
                seen.entry(other).or_insert_with(|| format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    sights
}

/// The rooms that a line names: `crate::store::Writer` and `use crate::{app, model::Span}`.
fn named_in(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = true;
            for (index, c) in list.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    ' ' => {}
                    _ if start && depth == 0 => {
                        names.push(word(&list[index..]));
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            names.push(word(rest));
        }
    }
    let rooms: BTreeSet<&str> = MAY_SEE.iter().map(|(room, _)| *room).chain(["start", "cli"]).collect();
    names.retain(|name| rooms.contains(name.as_str()));
    names
}

/// Every source file: its room, its path, its text.
fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(Path::new("src"), &mut files);
    let room = |path: &Path| {
        let part = path.components().nth(1).unwrap().as_os_str().to_str().unwrap();
        part.trim_end_matches(".rs").to_owned()
    };
    files.into_iter().map(|path| (room(&path), path.clone(), fs::read_to_string(&path).unwrap())).collect()
}
