//! `keys`, `themes`, `config` and `licenses`: print the keys, themes and settings in force, and the licences.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use super::{BAD_INPUT, GOOD, complain, table};
use crate::{
    config::{Given, Origin, Settings, described},
    keymap::{ACTIONS, Chord},
    theme::Themes,
};

/// Prints every action: its name in `[keys]`, its keys, what it does; by the place where it works.
pub fn keys(settings: &Settings) -> anyhow::Result<u8> {
    let keymap = super::keymap(settings)?;
    let mut out = io::stdout().lock();
    let names = ACTIONS.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let shown = |chords: &[Chord]| chords.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let widest = ACTIONS.iter().map(|row| shown(keymap.chords(row.action)).chars().count()).max().unwrap_or(0);
    let mut place = None;
    for row in ACTIONS {
        if place != Some(row.place) {
            let gap = if place.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", row.place.title())?;
            place = Some(row.place);
        }
        writeln!(out, "  {:names$}  {:widest$}  {}", row.name, shown(keymap.chords(row.action)), row.help)?;
    }
    Ok(GOOD)
}

/// Prints the themes, the one in force marked.
pub fn themes(settings: &Settings) -> anyhow::Result<u8> {
    let folder = settings.paths.themes();
    let themes = Themes::load(folder.as_deref())?;
    let chosen = settings.theme.value.as_str();
    if !chosen.is_empty() {
        themes.get(chosen)?;
    }
    let mut out = io::stdout().lock();
    for name in themes.names() {
        let own = folder.as_ref().map(|folder| folder.join(format!("{name}.toml"))).filter(|file| file.exists());
        let mark = if name == chosen { "*" } else { " " };
        let source = own.map_or_else(|| "built in".to_owned(), |file| settings.paths.shown(&file));
        writeln!(out, "{mark} {name:16} {source}")?;
    }
    if chosen.is_empty() {
        writeln!(
            out,
            "\nNone is chosen: dark, or light where the terminal says that it is. Choose with --theme or T."
        )?;
    }
    Ok(GOOD)
}

/// Prints the licence of the program, and those of what is linked into it.
pub fn licenses() -> anyhow::Result<u8> {
    const OURS: &str = include_str!("../../LICENSE");
    const OTHERS: &str = include_str!("../../THIRD-PARTY.txt");
    let mut out = io::stdout().lock();
    write!(out, "sideseat-tui is licensed under the Apache License, Version 2.0:\n\n{OURS}\n\n{OTHERS}")?;
    Ok(GOOD)
}

/// Prints every setting, its value and who set it.
pub fn config(settings: &Settings) -> anyhow::Result<u8> {
    use table::{Align, Column};
    const COLUMNS: [Column; 3] = [
        Column::new("SETTING", Align::Left, 0),
        Column::new("VALUE", Align::Left, 0),
        Column::new("SET BY", Align::Left, 0),
    ];
    let mut rows = Vec::new();
    for setting in described() {
        let (value, from) = value_of(settings, &setting.name);
        let from = match from {
            Origin::Flag => setting.flag,
            Origin::Variable => setting.variable,
            Origin::File => "file".to_owned(),
            Origin::Default => "default".to_owned(),
        };
        rows.push(vec![setting.name, value, from]);
    }
    for (action, chords) in &settings.keys.value {
        rows.push(vec![format!("keys.{action}"), chords.join(", "), settings.keys.from.to_string()]);
    }
    let mut out = io::stdout().lock();
    let file = settings.file.as_ref();
    let file = file.map_or_else(|| "none: no home folder is known".to_owned(), |file| file.display().to_string());
    let is_there = settings.file.as_ref().is_some_and(|file| file.exists());
    writeln!(out, "file: {file}{}\n", if is_there { "" } else { " (not there)" })?;
    table::write(&mut out, &COLUMNS, &rows, None)?;
    // What a start would refuse is said here too.
    let theme = settings.theme.value.as_str();
    let themes = Themes::load(settings.paths.themes().as_deref());
    let themes = themes.and_then(|themes| if theme.is_empty() { Ok(()) } else { themes.get(theme).map(|_| ()) });
    let mut code = GOOD;
    for error in [super::keymap(settings).err(), themes.err().map(Into::into)].into_iter().flatten() {
        complain(&format!("{error:#}"));
        code = BAD_INPUT;
    }
    Ok(code)
}

/// The value and the origin of a setting, by its name in the file; `?` for an unknown name. A test holds that every setting
/// is known.
pub fn value_of(settings: &Settings, name: &str) -> (String, Origin) {
    fn shown<T: Display>(given: &Given<T>) -> (String, Origin) {
        (given.value.to_string(), given.from)
    }
    match name {
        "db" => shown(&settings.db),
        "bind" => shown(&settings.bind),
        "token" => {
            let token = settings.token.value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            (token, settings.token.from)
        }
        "grpc_port" => shown(&settings.grpc_port),
        "http_port" => shown(&settings.http_port),
        "sideseat_port" => shown(&settings.sideseat_port),
        "theme" if settings.theme.value.is_empty() => ("by the terminal".to_owned(), settings.theme.from),
        "theme" => shown(&settings.theme),
        "ascii" => match settings.ascii.value {
            Some(ascii) => (ascii.to_string(), settings.ascii.from),
            None => ("by the terminal".to_owned(), settings.ascii.from),
        },
        "wide_ambiguous" => shown(&settings.wide_ambiguous),
        "bell" => shown(&settings.bell),
        "notify" => shown(&settings.notify),
        "title" => shown(&settings.title),
        "links" => shown(&settings.links),
        "keep_size" => shown(&settings.keep_size),
        "keep_age" => shown(&settings.keep_age),
        "keep_runs" => shown(&settings.keep_runs),
        "log_file" => {
            let file = settings.log_file.value.as_ref();
            (file.map_or_else(|| "none".to_owned(), |file| file.display().to_string()), settings.log_file.from)
        }
        "log_level" => shown(&settings.log_level),
        _ => ("?".to_owned(), Origin::Default),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;
    use crate::config::{Layer, Paths};

    #[test]
    fn every_setting_is_printed() {
        let matches = Layer::augment_args(clap::Command::new("")).get_matches_from([""; 1]);
        let layer = Layer::from_arg_matches(&matches).unwrap();
        let paths = Paths { data: Some("/d".into()), ..Paths::default() };
        let settings = Settings::new(layer, &matches, None, paths).unwrap();
        for setting in described() {
            assert_ne!(value_of(&settings, &setting.name).0, "?", "{}", setting.name);
        }
    }
}
