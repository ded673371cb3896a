//! Reads the source: which files there are, and which paths each of them names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module of a room → the modules of the room that it uses. A module is a file; a folder's `mod.rs` is named as the
/// folder, and that of the room "".
pub type Uses = BTreeMap<String, BTreeSet<String>>;

/// A file of `src`.
pub struct SourceFile {
    /// The folder or file directly in `src` that it belongs to.
    pub room: String,
    pub path: PathBuf,
    pub text: String,
}

impl SourceFile {
    /// Whether all of it is tests.
    pub fn is_test(&self) -> bool {
        let name = |part: &std::ffi::OsStr| part.to_str().map(|name| name.trim_end_matches(".rs").to_owned());
        self.path.components().any(|part| name(part.as_os_str()).as_deref() == Some("tests"))
    }

    /// Its text without comments and tests.
    pub fn code(&self) -> String {
        without_comments(self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default())
    }

    /// The rooms that it names, also in its tests: `crate::store::Writer` and `use crate::{app, model::Span}`.
    pub fn rooms(&self) -> BTreeSet<String> {
        let paths = paths_of(&without_comments(&self.text)).into_iter();
        let rooms = paths.filter_map(|named| Some(named.path.strip_prefix("crate::")?.split("::").next()?.to_owned()));
        rooms.collect()
    }

    /// `src/app/browse/rows.rs` → `browse::rows`.
    fn module(&self) -> String {
        let path = self.path.with_extension("");
        let parts = path.components().skip(2).map(|part| part.as_os_str().to_string_lossy().into_owned());
        parts.filter(|part| part != "mod").collect::<Vec<_>>().join("::")
    }
}

/// Every file of `src`.
pub fn sources() -> Vec<SourceFile> {
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
    let read = |path: PathBuf| {
        let room = path.components().nth(1).unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        SourceFile { room, path, text }
    };
    files.into_iter().map(read).collect()
}

/// What each file of a room uses of the room. Tests do not count, and neither does what a file only exports.
pub fn uses_within(room: &str) -> Uses {
    let files = sources().into_iter().filter(|file| file.room == room && !file.is_test());
    let files: BTreeMap<String, String> = files.map(|file| (file.module(), file.code())).collect();
    let uses = |module: &String, code: &String| {
        let paths = paths_of(code).into_iter().filter(|named| !named.is_exported);
        let modules = paths.filter_map(|named| resolve(room, module, &named.path, &files));
        modules.filter(|used| used != module).collect::<BTreeSet<String>>()
    };
    files.iter().map(|(module, code)| (module.clone(), uses(module, code))).collect()
}

/// The same between the files and folders that lie directly in a folder of the room, "" for the room itself. The
/// `mod.rs` of the folder counts as a file, `mod`; that of the room does not: it is what other rooms see.
pub fn uses_between(uses: &Uses, folder: &str) -> Uses {
    let child = |module: &str| {
        let within = match folder {
            "" if module.is_empty() => return None,
            "" => module,
            folder if module == folder => "mod",
            folder => module.strip_prefix(folder)?.strip_prefix("::")?,
        };
        within.split("::").next().map(str::to_owned)
    };
    let mut between = Uses::new();
    for (module, used) in uses {
        if let Some(from) = child(module) {
            let others = used.iter().filter_map(|other| child(other)).filter(|other| *other != from);
            between.entry(from.clone()).or_default().extend(others);
        }
    }
    between
}

/// The folders of a room, the room itself first.
pub fn folders(uses: &Uses) -> BTreeSet<String> {
    let above = |module: &String| module.match_indices("::").map(|(at, _)| module[..at].to_owned()).collect::<Vec<_>>();
    uses.keys().flat_map(above).chain([String::new()]).collect()
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

struct NamedPath {
    path: String,
    /// It stands in a `pub use`.
    is_exported: bool,
}

/// Every path of some code: those of its `use` lines, one for each name, and those of `crate` and `super` that are
/// written out.
fn paths_of(code: &str) -> Vec<NamedPath> {
    let mut paths = Vec::new();
    let mut written = String::new();
    // The `use` that is being read, and whether it exports.
    let mut reading: Option<(String, bool)> = None;
    for line in code.lines().map(str::trim) {
        if let Some((tree, _)) = &mut reading {
            tree.push_str(line);
        } else if let Some(start) = line.strip_prefix("use ") {
            reading = Some((start.to_owned(), false));
        } else if let Some(start) = line.strip_prefix("pub use ") {
            reading = Some((start.to_owned(), true));
        } else {
            written.push_str(line);
            written.push('\n');
        }
        if line.ends_with(';')
            && let Some((tree, is_exported)) = reading.take()
        {
            let mut names = Vec::new();
            flatten("", tree.trim_end_matches(';'), &mut names);
            paths.extend(names.into_iter().map(|path| NamedPath { path, is_exported }));
        }
    }
    for start in ["super::", "crate::"] {
        for (at, _) in written.match_indices(start).filter(|(at, _)| !written[..*at].ends_with(':')) {
            let end = written[at..].find(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
            let path = written[at..at + end.unwrap_or(written.len() - at)].trim_end_matches(':').to_owned();
            paths.push(NamedPath { path, is_exported: false });
        }
    }
    paths
}

/// `super::{a::B, c}` → `super::a::B` and `super::c`.
fn flatten(before: &str, tree: &str, paths: &mut Vec<String>) {
    let mut depth = 0;
    let branches = tree.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for branch in branches.map(str::trim).filter(|branch| !branch.is_empty()) {
        match branch.split_once('{') {
            Some((start, rest)) => {
                let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
                flatten(&format!("{before}{}", start.trim()), inner, paths);
            }
            None => paths.push(format!("{before}{}", branch.split(" as ").next().unwrap_or_default())),
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

#[test]
fn the_reader_finds_every_path() {
    let code = "use super::{\n    a::{self, B},\n    c,\n};\npub use d::E;\nfn f() {\n    use crate::{g, h::I};\n    \
                let x = crate::j::k(super::super::l::M);\n}";
    let paths = paths_of(code);
    let named = |exported: bool| {
        paths.iter().filter(|named| named.is_exported == exported).map(|named| named.path.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        named(false),
        ["super::a::self", "super::a::B", "super::c", "crate::g", "crate::h::I", "super::super::l::M", "crate::j::k"]
    );
    assert_eq!(named(true), ["d::E"]);
}

#[test]
fn a_path_belongs_to_the_file_in_which_it_ends() {
    let files = ["", "line", "document", "document::line", "document::messages", "document::messages::turn"];
    let files: BTreeMap<String, String> = files.map(|module| (module.to_owned(), String::new())).into();
    let ends = |module: &str, path: &str| resolve("app", module, path, &files);
    let ends = |module: &str, path: &str| ends(module, path).unwrap_or_else(|| "none".to_owned());
    assert_eq!(ends("document::messages::turn", "super::super::line::Fold"), "document::line");
    assert_eq!(ends("document::messages", "super::line::Fold"), "document::line");
    assert_eq!(ends("document", "super::line::Line"), "line");
    assert_eq!(ends("document", "line::Fold"), "document::line");
    assert_eq!(ends("line", "crate::app::document::Fold"), "document");
    assert_eq!(ends("line", "crate::model::Span"), "none");
}
