//! One layer of the settings. A field is the flag, the variable and the key in the file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Args, parser::ValueSource};
use serde::Deserialize;

use super::{
    Origin,
    secret::TokenChoice,
    value::{Age, Bind, Bytes, Chords, Db, Keep, LogLevel, Port},
};

/// The heading of the settings in `--help`.
pub const HEADING: &str = "Settings, also as SIDESEAT_TUI_DB and so on, and in config.toml";

/// The settings of one source (command line and environment, or the file); `None` if it does not set one.
///
/// A new setting is one field here: [`Layer::over`] and `Settings` do not compile without it.
#[derive(Debug, Clone, PartialEq, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(next_help_heading = HEADING)]
#[allow(clippy::doc_markdown, reason = "these texts are printed as they are")]
pub struct Layer {
    /// Keep spans in this file; `:memory:` keeps nothing
    #[arg(long, global = true, env = "SIDESEAT_TUI_DB", hide_env = true, value_name = "FILE")]
    pub db: Option<Db>,

    /// Listen on this address; `0.0.0.0`, which other machines reach, needs a token
    #[arg(long, global = true, env = "SIDESEAT_TUI_BIND", hide_env = true, value_name = "IP")]
    pub bind: Option<Bind>,

    /// Take only what has this token (authorization: Bearer …); `generate` makes one. Others on this machine can read
    /// a command line: better set the variable
    #[arg(
        long,
        global = true,
        env = "SIDESEAT_TUI_TOKEN",
        hide_env = true,
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<TokenChoice>,

    /// Listen for OTLP over gRPC here: a number, 0 for any free port, `off` for none
    #[arg(long, global = true, env = "SIDESEAT_TUI_GRPC_PORT", hide_env = true, value_name = "PORT")]
    pub grpc_port: Option<Port>,

    /// Listen for OTLP over HTTP here
    #[arg(long, global = true, env = "SIDESEAT_TUI_HTTP_PORT", hide_env = true, value_name = "PORT")]
    pub http_port: Option<Port>,

    /// Listen for the SideSeat SDK here; it speaks OTLP over HTTP, on a port of its own
    #[arg(long, global = true, env = "SIDESEAT_TUI_SIDESEAT_PORT", hide_env = true, value_name = "PORT")]
    pub sideseat_port: Option<Port>,

    /// Draw with this theme, on a ground of its own unless the terminal's is alike; `sideseat-tui themes` lists them
    #[arg(long, global = true, env = "SIDESEAT_TUI_THEME", hide_env = true, value_name = "NAME")]
    pub theme: Option<String>,

    /// Draw marks and lines in ASCII; without it, where the locale is not UTF-8 and on Linux's console
    #[arg(long, global = true, env = "SIDESEAT_TUI_ASCII", hide_env = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub ascii: Option<bool>,

    /// The terminal draws characters of ambiguous width two columns wide, as some do for Chinese, Japanese and Korean;
    /// marks and lines are then in ASCII
    #[arg(long, global = true, env = "SIDESEAT_TUI_WIDE_AMBIGUOUS", hide_env = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub wide_ambiguous: Option<bool>,

    /// Ring the terminal's bell when a run ends or fails
    #[arg(long, global = true, env = "SIDESEAT_TUI_BELL", hide_env = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub bell: Option<bool>,

    /// Have the terminal show a notification when a run ends or fails (OSC 9 or 777)
    #[arg(long, global = true, env = "SIDESEAT_TUI_NOTIFY", hide_env = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub notify: Option<bool>,

    /// Show in the terminal's title how many runs go on and have failed; `--title=false` leaves the title alone
    #[arg(long, global = true, env = "SIDESEAT_TUI_TITLE", hide_env = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub title: Option<bool>,

    /// Send addresses of the web in texts as links, which some terminals open by a click (OSC 8): http and https only
    #[arg(long, global = true, env = "SIDESEAT_TUI_LINKS", hide_env = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub links: Option<bool>,

    /// Keep the store's file no larger than this: the runs of the oldest sessions go; `all` keeps everything
    #[arg(long, global = true, env = "SIDESEAT_TUI_KEEP_SIZE", hide_env = true, value_name = "SIZE")]
    pub keep_size: Option<Keep<Bytes>>,

    /// Keep runs that were active in the last so many days (`30d`), weeks (`8w`) or hours; older ones go
    #[arg(long, global = true, env = "SIDESEAT_TUI_KEEP_AGE", hide_env = true, value_name = "AGE")]
    pub keep_age: Option<Keep<Age>>,

    /// Keep at most so many runs: those of the oldest sessions go
    #[arg(long, global = true, env = "SIDESEAT_TUI_KEEP_RUNS", hide_env = true, value_name = "NUMBER")]
    pub keep_runs: Option<Keep<u64>>,

    /// Write the log here
    #[arg(long, global = true, env = "SIDESEAT_TUI_LOG_FILE", hide_env = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// Log this much: off, error, warn, info, debug or trace
    #[arg(
        long,
        global = true,
        env = "SIDESEAT_TUI_LOG_LEVEL",
        hide_env = true,
        value_name = "LEVEL",
        hide_possible_values = true
    )]
    pub log_level: Option<LogLevel>,

    /// Keys by the name of their action, as `sideseat-tui keys` prints them
    #[arg(skip)]
    pub keys: Option<BTreeMap<String, Chords>>,
}

impl Layer {
    /// The settings of this layer, and those of `beneath` that it does not set.
    #[must_use]
    pub fn over(self, beneath: Self) -> Self {
        let Self {
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
        } = self;
        Self {
            db: db.or(beneath.db),
            bind: bind.or(beneath.bind),
            token: token.or(beneath.token),
            grpc_port: grpc_port.or(beneath.grpc_port),
            http_port: http_port.or(beneath.http_port),
            sideseat_port: sideseat_port.or(beneath.sideseat_port),
            theme: theme.or(beneath.theme),
            ascii: ascii.or(beneath.ascii),
            wide_ambiguous: wide_ambiguous.or(beneath.wide_ambiguous),
            bell: bell.or(beneath.bell),
            notify: notify.or(beneath.notify),
            title: title.or(beneath.title),
            links: links.or(beneath.links),
            keep_size: keep_size.or(beneath.keep_size),
            keep_age: keep_age.or(beneath.keep_age),
            keep_runs: keep_runs.or(beneath.keep_runs),
            log_file: log_file.or(beneath.log_file),
            log_level: log_level.or(beneath.log_level),
            keys: keys.or(beneath.keys),
        }
    }

    /// Resolves relative paths of a settings file: from the folder of the file, and `~` as the home folder.
    #[must_use]
    pub(super) fn beside(mut self, folder: &Path, home: Option<&Path>) -> Self {
        let resolve = |path: &Path| match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => folder.join(path),
        };
        if let Some(Db::File(path)) = &mut self.db {
            *path = resolve(path);
        }
        if let Some(path) = &mut self.log_file {
            *path = resolve(path);
        }
        self
    }
}

/// Whether clap found a setting as a flag or as a variable; `None` if it found neither.
pub(super) fn origin(matches: &ArgMatches, name: &str) -> Option<Origin> {
    // `value_source` panics for a name that is no argument, as `keys` is.
    matches.try_contains_id(name).ok()?;
    match matches.value_source(name)? {
        ValueSource::CommandLine => Some(Origin::Flag),
        ValueSource::EnvVariable => Some(Origin::Variable),
        _ => None,
    }
}

/// A setting as documents list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The key in the file.
    pub name: String,
    pub flag: String,
    pub variable: String,
    pub help: String,
}

/// Every setting that has a flag, in the order of `--help`.
#[must_use]
pub fn described() -> Vec<Described> {
    let command = Layer::augment_args(clap::Command::new(""));
    let described = command.get_arguments().filter_map(|argument| {
        Some(Described {
            name: argument.get_id().to_string(),
            flag: format!("--{}", argument.get_long()?),
            variable: argument.get_env()?.to_string_lossy().into_owned(),
            help: argument.get_help()?.to_string(),
        })
    });
    described.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_layer_wins_and_its_silence_shows_the_lower() {
        let upper = Layer { theme: Some("light".into()), ..Layer::default() };
        let lower = Layer { theme: Some("dark".into()), http_port: Some(Port::Off), ..Layer::default() };
        let both = upper.over(lower);
        assert_eq!((both.theme.as_deref(), both.http_port), (Some("light"), Some(Port::Off)));
    }

    #[test]
    fn a_setting_has_one_name_everywhere() {
        for Described { name, flag, variable, help } in described() {
            assert_eq!(flag, format!("--{}", name.replace('_', "-")));
            assert_eq!(variable, format!("SIDESEAT_TUI_{}", name.to_uppercase()));
            assert!(!help.is_empty());
        }
    }

    #[test]
    fn paths_in_the_file_start_at_its_folder_or_at_home() {
        let layer =
            Layer { db: Some(Db::File("t.duckdb".into())), log_file: Some("~/logs/t.log".into()), ..Layer::default() };
        let resolved = layer.beside(Path::new("/etc/tui"), Some(Path::new("/home/ada")));
        assert_eq!(resolved.db, Some(Db::File("/etc/tui/t.duckdb".into())));
        assert_eq!(resolved.log_file, Some("/home/ada/logs/t.log".into()));
    }
}
