//! `config init` and `themes --new`: files to begin with, in which everything stands as a comment. An existing file is
//! never written over.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{GOOD, print};
use crate::{
    config::{Described, Layer, Settings, described},
    keymap::{ACTIONS, Keymap, Preset},
    theme,
};

/// Writes the settings file that the program looks for.
pub fn config(settings: &Settings) -> anyhow::Result<u8> {
    let file = settings.file.clone().context("no home folder is known; say where with --config FILE")?;
    create(&file, &settings_text(settings))?;
    writeln!(io::stdout(), "{}: every setting, as a comment", file.display())?;
    Ok(GOOD)
}

/// Writes a theme into the user's folder. It inherits from the theme that is in force.
pub fn theme(settings: &Settings, name: &str) -> anyhow::Result<u8> {
    let folder = settings.paths.themes().context("no home folder is known, so there is no place for themes")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    anyhow::ensure!(
        !name.is_empty() && name.len() <= 64 && name.chars().all(is_plain),
        "a theme's name is letters, digits, `-` and `_`, as in `my-theme`"
    );
    let chosen = settings.theme.value.as_str();
    let parent = if chosen.is_empty() { "dark" } else { chosen };
    theme::Themes::load(Some(&folder))?.get(parent)?;
    let file = folder.join(format!("{name}.toml"));
    create(&file, &theme::template(parent))?;
    writeln!(
        io::stdout(),
        "{}: looks like {parent}; change what you like, and try it with `sideseat-tui --theme {name}`, or T",
        file.display()
    )?;
    Ok(GOOD)
}

/// Makes a file that is not there, and the folders above it.
fn create(file: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    let folder: PathBuf = file.parent().unwrap_or(Path::new("")).to_owned();
    fs::create_dir_all(&folder).with_context(cannot)?;
    let mut made = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            anyhow::bail!("{} is there already, and is left as it is", file.display())
        }
        made => made.with_context(cannot)?,
    };
    made.write_all(text.as_bytes()).with_context(cannot)
}

/// A settings file in which every setting and every key is a comment, with its default.
fn settings_text(settings: &Settings) -> String {
    let mut text = "\
# Settings of sideseat-tui. A flag or a variable of the environment goes before what stands here; `sideseat-tui config`
# prints what is in force. Take the `#` from a line to set it.
"
    .to_owned();
    for setting in described() {
        let Described { name, variable, help, .. } = &setting;
        let value = default_of(settings, name).unwrap_or_else(|| "…".to_owned());
        let _ = write!(text, "\n# {help}\n# ({variable})\n# {name} = {value}\n");
    }
    text.push_str("\n# Keys: one, as in \"f\", or several, as in [\"f\", \"F\"]; `sideseat-tui keys` says what each action does.\n[keys]\n");
    let presets: Vec<&str> = Preset::ALL.into_iter().map(Preset::name).collect();
    let _ = write!(text, "\n# A set of keys to begin with: {}.\n# preset = \"default\"\n", presets.join(", "));
    let keymap = Keymap::default();
    let mut place = None;
    for row in ACTIONS {
        if place != Some(row.place) {
            let _ = write!(text, "\n# {}\n", row.place.title());
            place = Some(row.place);
        }
        let chords: Vec<String> = keymap.chords(row.action).iter().map(|chord| quoted(&chord.to_string())).collect();
        let _ = writeln!(text, "# {} = [{}]", row.name, chords.join(", "));
    }
    text
}

/// The default of a setting as TOML has it: a number or a truth value as it is, else a text. `None` where there is no
/// value that stands for it.
fn default_of(settings: &Settings, name: &str) -> Option<String> {
    let value = match (name, print::value_of(settings, name).0) {
        // There is none unless somebody sets it.
        ("token", _) => return None,
        // Without one, the terminal decides.
        ("theme", _) => "dark".to_owned(),
        (_, path) if path.starts_with('/') => settings.paths.shown(Path::new(&path)),
        (_, value) => value,
    };
    let is_read = |value: &str| toml::from_str::<Layer>(&format!("{name} = {value}")).is_ok();
    [quoted(&value), value].into_iter().rev().find(|value| is_read(value))
}

/// A text in TOML's quotes.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Paths;

    fn settings(folder: &Path) -> Settings {
        let at = |name: &str| Some(folder.join(name));
        let paths = Paths { home: Some(folder.to_owned()), config: at("c"), data: at("d"), state: at("s") };
        Settings::defaults(paths).unwrap()
    }

    /// What a file says if the comments before `name = value` are taken away.
    fn switched_on(text: &str) -> String {
        let line = |line: &str| match line.strip_prefix("# ") {
            Some(set) if set.split_once(" = ").is_some_and(|(name, value)| !name.contains(' ') && value != "…") => {
                format!("{set}\n")
            }
            _ => format!("{line}\n"),
        };
        text.lines().map(line).collect()
    }

    #[test]
    fn the_settings_file_changes_nothing_and_has_everything_to_be_switched_on() {
        let folder = tempfile::tempdir().unwrap();
        let text = settings_text(&settings(folder.path()));
        assert_eq!(toml::from_str::<Layer>(&text).unwrap().keys.map(|keys| keys.len()), Some(0));
        let on: toml::Table = switched_on(&text).parse().unwrap();
        for Described { name, .. } in described() {
            assert!(on.contains_key(&name) || text.contains(&format!("# {name} = …")), "{name}:\n{text}");
        }
        let on: Layer = toml::from_str(&switched_on(&text)).unwrap();
        let keys = on.keys.unwrap().into_iter().map(|(action, chords)| (action, chords.into())).collect();
        assert!(Keymap::new(&keys).is_ok());
    }

    #[test]
    fn a_file_that_is_there_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        config(&settings).unwrap();
        let file = settings.file.clone().unwrap();
        fs::write(&file, "theme = \"light\"").unwrap();
        assert!(config(&settings).unwrap_err().to_string().contains("is there already"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "theme = \"light\"");
        theme(&settings, "mine").unwrap();
        assert!(
            theme(&settings, "mine").is_err() && theme(&settings, "../x").is_err() && theme(&settings, "").is_err()
        );
        theme::Themes::load(settings.paths.themes().as_deref()).unwrap().get("mine").unwrap();
    }
}
