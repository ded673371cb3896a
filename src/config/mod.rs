//! Settings, from the command line, the environment, the settings file and defaults, in this order of precedence.
//!
//! ```text
//!   layer    Layer: the settings of one of these; a field is the flag, the variable and the key in the file
//!   value    the types of settings with rules of their own (a port, an address, …)
//!   secret   the token that senders need
//!   file     reads config.toml; errors name the line
//!   paths    the user's folders
//!   views    saved filters; history: the lines of before
//!   log      the log file
//!   instances  the registry of running instances
//! ```
//!
//! [`Settings`] is what the rooms are handed. It has the origin of each value.

mod file;
pub mod history;
pub mod instances;
mod layer;
mod log;
mod paths;
mod secret;
mod value;
pub mod views;

use std::{collections::BTreeMap, fmt, io, path::PathBuf};

use clap::ArgMatches;

pub use layer::{Described, HEADING, Layer, described};
pub use log::logging;
pub use paths::Paths;
pub use secret::{Secret, TokenChoice};
pub use value::{Age, Bind, Bytes, Chords, Db, Keep, LogLevel, Port};

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}:{line}: {message}", .file.display())]
    Bad { file: PathBuf, line: usize, message: String },
    #[error("cannot read {}: {error}", .file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    #[error("cannot write the log {}: {error}; choose another with --log-file", .file.display())]
    Log { file: PathBuf, error: io::Error },
    #[error("no home folder is known, so there is no place for the store; set HOME, or give --db FILE")]
    NoHome,
}

/// Where the value of a setting is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Variable,
    File,
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Flag => "flag",
            Self::Variable => "variable",
            Self::File => "file",
            Self::Default => "default",
        })
    }
}

/// The value of a setting and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    pub value: T,
    pub from: Origin,
}

impl<T> Given<T> {
    /// Whether the user did not set it.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.from == Origin::Default
    }
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Settings {
    pub db: Given<Db>,
    pub bind: Given<Bind>,
    /// What senders need, and screens that attach from elsewhere; `None` if the user set none.
    pub token: Given<Option<TokenChoice>>,
    pub grpc_port: Given<Port>,
    pub http_port: Given<Port>,
    pub sideseat_port: Given<Port>,
    /// The name of the theme; empty if the screen is to choose by the terminal's background.
    pub theme: Given<String>,
    /// Whether marks and lines are drawn in ASCII; `None`: where the terminal shows no others.
    pub ascii: Given<Option<bool>>,
    /// Whether the terminal draws characters of ambiguous width two columns wide.
    pub wide_ambiguous: Given<bool>,
    /// Whether the bell rings when a run ends or fails.
    pub bell: Given<bool>,
    /// Whether the terminal shows a notification then.
    pub notify: Given<bool>,
    /// Whether the title of the terminal's window shows how many runs go on.
    pub title: Given<bool>,
    /// Whether addresses of the web are sent as links.
    pub links: Given<bool>,
    /// How large the store's file may become.
    pub keep_size: Given<Keep<Bytes>>,
    /// How old runs may become.
    pub keep_age: Given<Keep<Age>>,
    /// How many runs there may be.
    pub keep_runs: Given<Keep<u64>>,
    /// `None` if no home folder is known: then nothing is logged.
    pub log_file: Given<Option<PathBuf>>,
    pub log_level: Given<LogLevel>,
    /// The user's keys, by the name of the action.
    pub keys: Given<BTreeMap<String, Vec<String>>>,
    /// The path of the settings file, whether it exists or not; `None` if no home folder is known.
    pub file: Option<PathBuf>,
    pub paths: Paths,
}

impl Settings {
    /// Puts the layers together. `layer` has the flags and variables, and `matches` is what clap read it from; `file` is the
    /// value of `--config`.
    ///
    /// # Errors
    /// A settings file that cannot be read or is invalid, and no home folder for a store that was not named.
    pub fn new(layer: Layer, matches: &ArgMatches, file: Option<PathBuf>, paths: Paths) -> Result<Self, ConfigError> {
        let asked_for = file.is_some();
        let file = file.or_else(|| paths.config_file());
        let beneath = match &file {
            Some(file) => file::read(file, asked_for, paths.home.as_deref())?.unwrap_or_default(),
            None => Layer::default(),
        };
        let Layer {
            db,
            bind,
            token,
            grpc_port,
            http_port,
            sideseat_port,
            theme,
            ascii,
            wide_ambiguous,
            bell,
            notify,
            title,
            links,
            keep_size,
            keep_age,
            keep_runs,
            log_file,
            log_level,
            keys,
        } = layer.over(beneath);

        let given = Sources(matches);
        Ok(Self {
            db: match (db, paths.store()) {
                (None, None) => return Err(ConfigError::NoHome),
                (db, place) => given.or("db", db, place.map_or(Db::Memory, Db::File)),
            },
            bind: given.or("bind", bind, Bind::default()),
            token: given.or("token", token.map(Some), None),
            grpc_port: given.or("grpc_port", grpc_port, Port::Number(4317)),
            http_port: given.or("http_port", http_port, Port::Number(4318)),
            sideseat_port: given.or("sideseat_port", sideseat_port, Port::Number(5388)),
            theme: given.or("theme", theme, String::new()),
            ascii: given.or("ascii", ascii.map(Some), None),
            wide_ambiguous: given.or("wide_ambiguous", wide_ambiguous, false),
            bell: given.or("bell", bell, false),
            notify: given.or("notify", notify, false),
            title: given.or("title", title, true),
            links: given.or("links", links, false),
            keep_size: given.or("keep_size", keep_size, Keep::Most(Bytes(4 << 30))),
            keep_age: given.or("keep_age", keep_age, Keep::All),
            keep_runs: given.or("keep_runs", keep_runs, Keep::All),
            log_file: given.or("log_file", log_file.map(Some), paths.log()),
            log_level: given.or("log_level", log_level, LogLevel::default()),
            keys: given.or("keys", keys.map(lists), BTreeMap::new()),
            file,
            paths,
        })
    }

    /// The settings of somebody who sets nothing.
    ///
    /// # Errors
    /// No home folder is known.
    pub fn defaults(paths: Paths) -> Result<Self, ConfigError> {
        let unread = Paths { config: None, ..paths.clone() };
        let defaults = Self::new(Layer::default(), &ArgMatches::default(), None, unread)?;
        Ok(Self { file: paths.config_file(), paths, ..defaults })
    }

    /// The place of the keys of some actions, for errors in them: `file:line` of the first that the file names, else the
    /// file.
    #[must_use]
    pub fn place_of_keys(&self, actions: &[&str]) -> String {
        let Some(file) = &self.file else { return "[keys]".to_owned() };
        match file::line_of_key(file, actions) {
            Some(line) => format!("{}:{line}", file.display()),
            None => file.display().to_string(),
        }
    }
}

fn lists(keys: BTreeMap<String, Chords>) -> BTreeMap<String, Vec<String>> {
    keys.into_iter().map(|(action, chords)| (action, chords.into())).collect()
}

/// Where clap found each value.
struct Sources<'a>(&'a ArgMatches);

impl Sources<'_> {
    /// A value with its origin: one that clap did not find is from the file; without one, the default.
    fn or<T>(&self, name: &str, value: Option<T>, default: T) -> Given<T> {
        match value {
            Some(value) => Given { value, from: layer::origin(self.0, name).unwrap_or(Origin::File) },
            None => Given { value: default, from: Origin::Default },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;

    fn settings(line: &[&str], file: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        let command = Layer::augment_args(clap::Command::new("tui").subcommand(clap::Command::new("serve")));
        let matches = command.get_matches_from([&["tui"], line].concat());
        let layer = <Layer as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        let paths = Paths { data: Some("/data".into()), ..Paths::default() };
        Settings::new(layer, &matches, Some(path), paths).unwrap()
    }

    #[test]
    fn each_setting_has_its_origin() {
        let found =
            settings(&["serve", "--theme", "light"], "theme = \"dark\"\ngrpc_port = \"off\"\n[keys]\nquit = \"x\"");
        assert_eq!(found.theme, Given { value: "light".into(), from: Origin::Flag });
        assert_eq!(found.grpc_port, Given { value: Port::Off, from: Origin::File });
        assert_eq!(found.http_port, Given { value: Port::Number(4318), from: Origin::Default });
        assert_eq!(found.db, Given { value: Db::File("/data/traces.duckdb".into()), from: Origin::Default });
        assert_eq!(found.keys.value["quit"], ["x"]);
    }
}
