//! The README says what is true: its tables are made from the program's own, and checked against them.
//!
//! `SIDESEAT_TUI_WRITE_DOCS=1 cargo test --release docs` writes them anew.

use std::fmt::Write as _;
use std::fs;

use sideseat_tui::config::described;
use sideseat_tui::keymap::{ACTIONS, Keymap};
use sideseat_tui::theme::Themes;

use crate::picture::svg;
use crate::scene::Scene;

const PICTURE: &str = "tests/docs/screen.svg";

#[test]
fn the_readme_has_the_keys_themes_and_settings_that_there_are() {
    let mut readme = fs::read_to_string("README.md").unwrap();
    let before = readme.clone();
    for (name, text) in [("keys", keys()), ("themes", themes()), ("settings", settings())] {
        readme = with_section(&readme, name, &text);
    }
    if std::env::var_os("SIDESEAT_TUI_WRITE_DOCS").is_some() {
        fs::write("README.md", &readme).unwrap();
    } else {
        assert_eq!(before, readme, "README.md is behind: SIDESEAT_TUI_WRITE_DOCS=1 cargo test --release docs");
    }
}

#[test]
fn the_picture_is_that_of_the_screen_as_it_is() {
    let mut scene = Scene::of(&["bedrock/seed_session", "strands/anthropic_travel"], 120, 34).press("g g j l j j");
    let picture = svg(scene.cells());
    if std::env::var_os("SIDESEAT_TUI_WRITE_DOCS").is_some() {
        fs::create_dir_all("tests/docs").unwrap();
        fs::write(PICTURE, &picture).unwrap();
    } else {
        let drawn = fs::read_to_string(PICTURE).unwrap();
        assert!(drawn == picture, "{PICTURE} is behind: SIDESEAT_TUI_WRITE_DOCS=1 cargo test --release docs");
    }
}

#[test]
fn the_readme_names_every_command_and_both_set_up_commands() {
    let readme = fs::read_to_string("README.md").unwrap();
    for word in [
        "cargo run --release",
        "cargo test --release",
        "`demo`",
        "`serve`",
        "`run -- CMD…`",
        "`import FILE…`",
        "`export`",
        "`sessions`",
        "`traces`",
        "`doctor`",
        "`keys`",
        "`themes`",
        "`config`",
        "sideseat[aws]",
    ] {
        assert!(readme.contains(word), "{word}");
    }
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
