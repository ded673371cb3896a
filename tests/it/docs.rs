//! What is written down is true: the README's tables are made from the program's own and checked against them, its
//! commands can be given, and every section that a comment or a document cites is there.
//!
//! `SIDESEAT_TUI_WRITE_DOCS=1 cargo test --release docs` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::error::ErrorKind;
use sideseat_tui::cli;
use sideseat_tui::config::described;
use sideseat_tui::keymap::{ACTIONS, Keymap, Preset};
use sideseat_tui::theme::Themes;

use crate::picture::{Frame, film, svg};
use crate::scene::Scene;

const PICTURE: &str = "tests/docs/screen.svg";
const TOUR: &str = "tests/docs/tour.svg";

/// The documents at the top level.
const TOP: &[&str] = &["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "packaging/README.md"];

#[test]
fn the_readme_has_the_keys_themes_and_settings_that_there_are() {
    let mut readme = fs::read_to_string("README.md").unwrap();
    let before = readme.clone();
    for (name, text) in [
        ("keys", keys()),
        ("presets", presets()),
        ("filters", filters()),
        ("themes", themes()),
        ("settings", settings()),
    ] {
        readme = with_section(&readme, name, &text);
    }
    if std::env::var_os("SIDESEAT_TUI_WRITE_DOCS").is_some() {
        fs::write("README.md", &readme).unwrap();
    } else {
        let behind = before.lines().zip(readme.lines()).find(|(before, now)| before != now);
        assert!(
            before == readme,
            "README.md is behind ({behind:?}): SIDESEAT_TUI_WRITE_DOCS=1 cargo test --release docs"
        );
    }
}

#[test]
fn the_picture_is_that_of_the_screen_as_it_is() {
    let mut scene = Scene::of(&["bedrock/seed_session", "strands/anthropic_travel"], 120, 34).press("g g j l j j");
    is_drawn(PICTURE, &svg(scene.cells()));
}

/// What one does with a run that went wrong: what failed, its tools, its cost, its time, what the model saw; then all runs.
#[test]
fn the_tour_is_that_of_the_screen_as_it_is() {
    let captures = ["bedrock/seed_session", "strands/anthropic_travel", "openai/gen_responses_support"];
    let mut scene = Scene::of(&captures, 120, 34);
    let mut frames = Vec::new();
    for (keys, caption) in [
        ("g g", "sessions, their runs, and what was said"),
        ("e", "e   to what failed, and why it did"),
        ("2", "2   its tools: calls, failures, times, arguments"),
        ("4", "4   what it cost, how full the context was, and what filled it"),
        ("6", "6   where the time went"),
        ("1 a", "a   what the model was sent, and what was new in it"),
        ("esc / i s : f a i l e d", "/   a filter narrows the runs as it is typed"),
        ("enter esc :", ":   everything by its name, with its key"),
        ("esc S", "S   all runs: spending, failures, times, models, tools"),
    ] {
        scene = scene.press(keys);
        frames.push(Frame { cells: scene.cells().clone(), caption });
    }
    let tour = film(&frames, 4);
    assert!(tour.len() < 300_000, "{} bytes", tour.len());
    is_drawn(TOUR, &tour);
}

/// Holds a picture against its file, or writes that.
fn is_drawn(file: &str, picture: &str) {
    if std::env::var_os("SIDESEAT_TUI_WRITE_DOCS").is_some() {
        fs::create_dir_all("tests/docs").unwrap();
        fs::write(file, picture).unwrap();
    } else {
        let drawn = fs::read_to_string(file).unwrap();
        assert!(drawn == picture, "{file} is behind: SIDESEAT_TUI_WRITE_DOCS=1 cargo test --release docs");
    }
}

#[test]
fn the_readme_lists_the_commands_that_there_are() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, table) = readme.split_once("| command | does |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<String> = rows
        .flat_map(|row| code(row.split('|').nth(1).unwrap()))
        .map(|code| code.split(' ').next().unwrap().to_owned())
        .collect();
    let command = cli::command();
    let visible = command.get_subcommands().filter(|command| !command.is_hide_set());
    let there_are = visible.map(|command| command.get_name().to_owned());
    assert_eq!(listed, there_are.chain(["sideseat-tui".to_owned()]).collect());
}

#[test]
fn every_command_that_is_written_down_can_be_given() {
    let mut given = 0;
    for path in TOP {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| line.trim_start().to_owned());
        for line in lines.chain(code(&text)).filter(|line| line.starts_with("sideseat-tui ")) {
            // What follows a comment or a redirection is the shell's.
            let words = line.split(['#', '>', '|']).next().unwrap().split_whitespace();
            // Prose may name a command without what it needs.
            if let Err(error) = cli::command().try_get_matches_from(words) {
                let is_known = [ErrorKind::MissingRequiredArgument, ErrorKind::DisplayVersion].contains(&error.kind());
                assert!(is_known, "{path}: {line}: {error}");
            }
            given += 1;
        }
    }
    assert!(given > 4, "only {given} commands were found");
}

#[test]
fn both_set_up_commands_come_first() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, start) = readme.split_once("\n### From a clone\n").unwrap();
    let commands: Vec<&str> = start.lines().filter_map(|line| line.strip_prefix("    ")).take(2).collect();
    let commands: Vec<&str> = commands.iter().map(|line| line.split('#').next().unwrap().trim()).collect();
    assert_eq!(commands, ["cargo run --release", "cargo test --release"]);
}

#[test]
fn every_heading_that_is_cited_is_there() {
    let documents = documents();
    let mut wrong = Vec::new();
    let mut cited = 0;
    for (path, text) in texts() {
        for (name, numbers) in citations(&text) {
            let Some(headings) = documents.get(&name) else {
                wrong.push(format!("{path}: there is no {name}"));
                continue;
            };
            cited += 1;
            for number in numbers.iter().filter(|number| !headings.contains(*number)) {
                wrong.push(format!("{path}: {name} has no section {number}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cited > 50, "only {cited} citations were found");
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for (path, text) in markdown() {
        let folder = Path::new(&path).parent().unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            if !target.contains("://") && !file.is_empty() && !folder.join(file).exists() {
                wrong.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_that_is_named_is_there() {
    let mut named = 0;
    for path in TOP {
        let text = fs::read_to_string(path).unwrap();
        let starts = ["src/", "tests/", "themes/", "packaging/", ".ci/"];
        let files = code(&text).into_iter().filter(|code| starts.iter().any(|start| code.starts_with(start)));
        // Capital letters stand for whatever one likes.
        for file in files.filter(|file| !file.contains(|c: char| c == '*' || c.is_ascii_uppercase())) {
            let file = file.split(' ').next().unwrap();
            assert!(Path::new(file).exists(), "{path}: {file}");
            named += 1;
        }
    }
    assert!(named > 10, "only {named} files were found");
}

#[test]
fn every_document_of_a_room_is_shown_with_it() {
    let mut wrong = Vec::new();
    for (path, _) in markdown().into_iter().filter(|(path, _)| path.starts_with("src/")) {
        let (folder, name) = path.rsplit_once('/').unwrap();
        let room = fs::read_to_string(format!("{folder}/mod.rs")).unwrap();
        if !room.contains(&format!("#![doc = include_str!(\"{name}\")]")) {
            wrong.push(format!("{folder}/mod.rs does not include {name}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The filter language.
fn filters() -> String {
    let mut text = String::from("| filter | lets through |\n|---|---|\n");
    for (example, help) in sideseat_tui::filter::help_lines() {
        let codes: Vec<String> = example.split("  ").map(|one| format!("`{one}`")).collect();
        let _ = writeln!(text, "| {} | {help} |", codes.join(" "));
    }
    text
}

fn keys() -> String {
    let keymap = Keymap::default();
    let mut text = String::new();
    let mut place = None;
    for row in ACTIONS {
        if place != Some(row.place) {
            let gap = if place.is_some() { "\n" } else { "" };
            let _ = writeln!(text, "{gap}| {} | | `[keys]` |\n|---|---|---|", row.place.title());
            place = Some(row.place);
        }
        let chords: Vec<String> = keymap.chords(row.action).iter().map(|chord| format!("`{chord}`")).collect();
        let _ = writeln!(text, "| {} | {} | {} |", chords.join(" "), row.help, row.name);
    }
    text
}

/// What the presets have other than the table.
fn presets() -> String {
    let mut text = String::from("| preset | keys that are others |\n|---|---|\n");
    for preset in Preset::ALL {
        let others = preset.keys().iter().map(|(name, keys)| {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            format!("{name} {}", keys.join(" "))
        });
        let others: Vec<String> = others.collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(" · ") };
        let _ = writeln!(text, "| `{}` | {others} |", preset.name());
    }
    text
}

fn themes() -> String {
    let names: Vec<String> = Themes::load(None).unwrap().names().iter().map(|name| format!("`{name}`")).collect();
    format!("{}. Without a choice: dark, or light where the terminal says that it is.\n", names.join(", "))
}

fn settings() -> String {
    let mut text = "| flag | variable | key | |\n|---|---|---|---|\n".to_owned();
    for setting in described() {
        let _ =
            writeln!(text, "| `{}` | `{}` | `{}` | {} |", setting.flag, setting.variable, setting.name, setting.help);
    }
    text
}

/// The text with what stands between `<!-- name -->` and `<!-- /name -->` replaced.
fn with_section(text: &str, name: &str, section: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (head, rest) = text.split_once(&open).unwrap_or_else(|| panic!("README.md has no section {name}"));
    let (_, tail) = rest.split_once(&close).unwrap_or_else(|| panic!("section {name} does not end"));
    format!("{head}{open}{section}{close}{tail}")
}

/// The texts between backticks on each line.
fn code(text: &str) -> Vec<String> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Every source and every document of the repository: its path and its text.
fn texts() -> Vec<(String, String)> {
    fn walk(folder: &Path, into: &mut Vec<(String, String)>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|ending| ending == "rs" || ending == "md" || ending == "sql") {
                into.push((path.to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let top = TOP.iter().map(|top| ((*top).to_owned(), fs::read_to_string(top).unwrap()));
    let mut texts: Vec<(String, String)> = top.collect();
    walk(Path::new("src"), &mut texts);
    walk(Path::new("tests"), &mut texts);
    texts.retain(|(path, _)| path != file!());
    texts
}

/// Every document of the repository: its path and its text.
fn markdown() -> Vec<(String, String)> {
    let is_markdown = |path: &str| Path::new(path).extension().is_some_and(|ending| ending == "md");
    texts().into_iter().filter(|(path, _)| is_markdown(path)).collect()
}

/// The documents beside the code by their names, with the numbers of their headings. No two have one name.
fn documents() -> BTreeMap<String, BTreeSet<String>> {
    let mut documents = BTreeMap::new();
    for (path, text) in markdown() {
        let headings = text.lines().filter(|line| line.starts_with('#'));
        let number = |line: &str| line.trim_start_matches('#').split_whitespace().next().map(str::to_owned);
        let name = path.rsplit('/').next().unwrap().to_owned();
        let headings: BTreeSet<String> = headings.filter_map(number).collect();
        if name != "README.md" {
            assert!(documents.insert(name, headings).is_none(), "{path} has the name of another document");
        }
    }
    documents
}

/// What a text cites: the name of a document between backticks, and the numbers of sections that follow it.
fn citations(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(".md`") {
        let name = text[..at].rsplit('`').next().unwrap();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || name == "README" {
            continue;
        }
        let after = text[at + ".md`".len()..].lines().next().unwrap_or_default();
        let mut numbers = Vec::new();
        for word in after.strip_prefix(' ').unwrap_or_default().split(' ') {
            let number = word.trim_end_matches([',', '.', ')', ':', ';']);
            let joins = matches!(number, "and" | "to" | "or");
            if number.starts_with(|c: char| c.is_ascii_digit())
                && number.chars().all(|c| c.is_ascii_digit() || c == '.')
            {
                numbers.push(number.to_owned());
                if !(word.ends_with(',') || word == number) {
                    break;
                }
            } else if !joins {
                break;
            }
        }
        found.push((format!("{name}.md"), numbers));
    }
    found
}

#[test]
fn a_citation_is_a_name_and_the_numbers_after_it() {
    let read = |text: &str| citations(text).pop().unwrap();
    let expect = |name: &str, numbers: &[&str]| (name.to_owned(), numbers.iter().map(|n| (*n).to_owned()).collect());
    assert_eq!(read("(`a.md` 5, 6): and 7"), expect("a.md", &["5", "6"]));
    assert_eq!(read("see `a.md` 4 and 5."), expect("a.md", &["4", "5"]));
    assert_eq!(read("as in `a.md`, 3 times"), expect("a.md", &[]));
    assert_eq!(read("`a.md` 2.1; 3"), expect("a.md", &["2.1"]));
}
