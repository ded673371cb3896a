//! Who may see whom, held as a table and checked against every `crate::` path in the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sideseat_tui::{dialects::DIALECTS, slots::Slot};

/// A room and the rooms it may name. `start`, `cli` and `main` see everything.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("decode", &["model"]),
    ("dialects", &["model"]),
    ("pricing", &["model"]),
    ("assemble", &["model"]),
    ("export", &["model", "decode"]),
    ("understand", &["model", "decode", "dialects", "pricing"]),
    ("store", &["model", "decode", "dialects", "pricing", "assemble", "understand"]),
    ("receive", &["model", "decode", "pricing", "store", "understand"]),
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
    ("CrosstermBackend", &["terminal"]),
    ("rustix::", &["terminal", "cli", "config", "start"]),
    ("tui_input::", &["app"]),
    ("nucleo_matcher::", &["app"]),
    ("strsim::", &["nearest"]),
    ("image::", &["terminal"]),
    ("clap::", &["cli", "config"]),
    ("ratatui::", &["app", "theme", "view", "terminal"]),
    ("tokio::", &["cli", "receive", "start", "store"]),
    ("jiff::", &["app", "dialects"]),
    ("postcard::", &["store"]),
    ("pulldown_cmark::", &["app"]),
    ("prost::", &["cli", "decode", "receive"]),
    ("unicode_width::", &["app"]),
    ("unicode_segmentation::", &["app", "view"]),
];

/// Files and folders of one room that see each other in a circle, each circle with the reason. What is not here is none.
/// A circle may lose files; a row whose circle is gone goes as well.
const CIRCLES: &[(&str, &[&str], &str)] = &[
    ("dialects", &["calls", "parts", "reasoning"], "a grammar: the result of a call holds parts, a part may be a call"),
    (
        "app",
        &[
            "areas",
            "detail",
            "document",
            "event",
            "first_run",
            "help",
            "line",
            "list",
            "picture",
            "runs",
            "state",
            "tabs",
            "wrap",
        ],
        "types stand in the files of what is done with them",
    ),
];

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

/// Rooms whose files must not use each other in circles; the others come to it one by one.
const WITHOUT_CIRCLES: &[&str] = &["app"];

#[test]
fn files_of_a_room_do_not_use_each_other_in_circles() {
    for room in WITHOUT_CIRCLES {
        let found = circles(&uses_within(room));
        assert!(found.is_empty(), "in {room} these use each other in a circle: {found:?}");
    }
}

#[test]
fn files_of_a_room_see_each_other_in_no_circle_but_those_that_are_known() {
    for room in ["dialects", "assemble", "store", "app"] {
        let found = circles(&sights_within(room));
        let known: Vec<_> = CIRCLES.iter().filter(|(of, ..)| *of == room).collect();
        for circle in &found {
            let is_known = known.iter().any(|(_, files, _)| circle.iter().all(|file| files.contains(&file.as_str())));
            assert!(is_known, "in {room} these see each other in a circle: {circle:?}");
        }
        for (_, files, reason) in known {
            let is_there = found.iter().any(|circle| circle.iter().all(|file| files.contains(&file.as_str())));
            assert!(is_there, "{room} is free of the circle {files:?} ({reason}): take it out of CIRCLES");
        }
    }
}

#[test]
fn what_puts_traces_together_knows_no_vendor() {
    let mut words: Vec<String> = VENDORS.iter().map(|word| (*word).to_owned()).collect();
    words.extend(DIALECTS.iter().flat_map(|dialect| [dialect.name.to_owned(), dialect.name.replace('-', "_")]));
    let is_word = |text: &str, word: &str| {
        let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        text.match_indices(word).any(|(at, _)| {
            ends(text[..at].chars().next_back())
                && (word.ends_with('_') || ends(text[at + word.len()..].chars().next()))
        })
    };
    let mut wrong = Vec::new();
    for (_, path, text) in sources().into_iter().filter(|(room, path, _)| room == "assemble" && !is_test(path)) {
        for line in code(&text).lines().map(str::to_lowercase) {
            wrong.extend(
                words.iter().filter(|word| is_word(&line, word)).map(|word| format!("{}: {word}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "what a dialect knows travels in typed fields of `Translation`:\n{}", wrong.join("\n"));
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_str().is_some_and(|name| name.trim_end_matches(".rs") == "tests"))
}

/// A file without its comments and its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The files and folders directly in a room → those of the same room that they name.
fn sights_within(room: &str) -> BTreeMap<String, BTreeSet<String>> {
    let part = |path: &Path| {
        let part = path.components().nth(2).map(|part| part.as_os_str().to_string_lossy().into_owned());
        part.unwrap_or_default().trim_end_matches(".rs").to_owned()
    };
    let files: Vec<_> = sources().into_iter().filter(|(of, path, _)| of == room && !is_test(path)).collect();
    let mut seen: BTreeMap<String, BTreeSet<String>> =
        files.iter().map(|(_, path, _)| (part(path), BTreeSet::new())).filter(|(name, _)| name != "mod").collect();
    let known: BTreeSet<String> = seen.keys().cloned().collect();
    for (_, path, text) in &files {
        let (name, depth) = (part(path), path.components().count());
        let is_door = path.ends_with("mod.rs");
        // `super` of a file directly in the room, and of a folder's `mod.rs`, is the room.
        let above = if depth == 3 || (depth == 4 && is_door) { "super::" } else { "super::super::" };
        let code = code(text);
        let named = named_after(&code, above).into_iter().chain(named_after(&code, &format!("crate::{room}::")));
        let named: BTreeSet<String> = named.filter(|other| known.contains(other) && *other != name).collect();
        if let Some(seen) = seen.get_mut(&name) {
            seen.extend(named);
        }
    }
    seen
}

/// What stands after a path: `super::calls::first` and `super::{calls::{self, first}, parts}`.
fn named_after(code: &str, path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for (at, _) in code.match_indices(path) {
        let rest = &code[at + path.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let (mut depth, mut starts) = (0, true);
        for (index, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ if starts && depth == 0 && !c.is_whitespace() => {
                    names.push(word(&list[index..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// The groups of names of which each sees each other, by whatever way.
fn circles(seen: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
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

/// File of a room → the files of the room that it uses. Tests do not count, and neither do the front doors' own `mod`
/// and `pub use` lines.
fn uses_within(room: &str) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<String, String> = sources()
        .into_iter()
        .filter(|(own, path, _)| own == room && !path.components().any(|part| part.as_os_str() == "tests"))
        .map(|(_, path, text)| (module(&path), text))
        .filter(|(module, _)| module.rsplit("::").next() != Some("tests"))
        .collect();
    let uses = |module: &String, text: &String| {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let paths = paths_of(&code).into_iter().filter_map(|path| resolve(room, module, &path, &files));
        paths.filter(|used| used != module).collect::<BTreeSet<String>>()
    };
    files.iter().map(|(module, text)| (module.clone(), uses(module, text))).collect()
}

/// `src/app/browse/rows.rs` → `browse::rows`; a front door is named as its folder, that of the room "".
fn module(path: &Path) -> String {
    let path = path.with_extension("");
    let parts = path.components().skip(2).map(|part| part.as_os_str().to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect::<Vec<_>>().join("::")
}

/// Every path of some code: those of its `use` lines, one for each name, and those that are written out.
fn paths_of(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut written = String::new();
    let mut uses: Option<String> = None;
    for line in code.lines() {
        let start = line.strip_prefix("use ").map(str::to_owned);
        // What a front door exports, it does not use.
        let exports = line.starts_with("pub use ").then(String::new);
        if let Some(line) = start.or(exports) {
            uses = Some(line);
        } else if let Some(uses) = uses.as_mut().filter(|uses| !uses.is_empty()) {
            uses.push_str(line);
        } else if uses.is_none() {
            written.push_str(line);
            written.push('\n');
        }
        if line.ends_with(';')
            && let Some(tree) = uses.take()
        {
            flatten("", tree.trim_end_matches(';'), &mut paths);
        }
    }
    for start in ["super::", "crate::"] {
        for (at, _) in written.match_indices(start).filter(|(at, _)| !written[..*at].ends_with(':')) {
            let end = written[at..].find(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
            paths.push(written[at..at + end.unwrap_or(written.len() - at)].trim_end_matches(':').to_owned());
        }
    }
    paths
}

/// `super::{a::B, c}` → `super::a::B` and `super::c`.
fn flatten(before: &str, tree: &str, paths: &mut Vec<String>) {
    let mut depth = 0;
    let pieces = tree.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for piece in pieces.map(str::trim).filter(|piece| !piece.is_empty()) {
        match piece.split_once('{') {
            Some((start, rest)) => {
                let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
                flatten(&format!("{before}{}", start.trim()), inner, paths);
            }
            None => paths.push(format!("{before}{piece}")),
        }
    }
}

/// The file of the room in which a path ends, if it does in one.
fn resolve(room: &str, module: &str, path: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut at: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut rest: Vec<&str> = path.split("::").collect();
    match rest[..] {
        ["crate", first, ..] if first == room => {
            at.clear();
            rest.drain(..2);
        }
        ["crate", ..] => return None,
        ["self", ..] => _ = rest.remove(0),
        ["super", ..] => {
            while rest.first() == Some(&"super") {
                at.pop()?;
                rest.remove(0);
            }
        }
        // A path into one of the file's own modules, or of another crate.
        [first, ..] if files.contains_key([&at[..], &[first]].concat().join("::").as_str()) => {}
        _ => return None,
    }
    for part in rest {
        let within = [&at[..], &[part]].concat();
        if !files.contains_key(within.join("::").as_str()) {
            break;
        }
        at = within;
    }
    Some(at.join("::")).filter(|module| files.contains_key(module))
}
