//! The command line: a file a command. The table of them is `commands`; what runs them is here.
//!
//! ```text
//!   watch (no command)  screen and listeners        serve      listeners without a screen
//!   demo                recorded runs               run        a program, its exports delivered
//!   open                files, looked at            written    what the screen writes to files
//!   page                runs as a page for a browser
//!   sending             the test span, and files that were dropped on the screen
//!   attach              the screen of another machine's
//!   import, inputs      files → store               export     store → files; blobs: bytes beside them
//!   tables, table       sessions, traces, stats     doctor     what instrumentations leave out
//!   tail                what runs do, a line a step
//!   check               what of a damaged store can be read
//!   prune, clear        remove runs from the store
//!   print               keys, themes, config            json       JSON that a terminal may show
//!   filtering           `--filter`, and the help of its language
//!   assembled           whole sessions, for export and doctor
//!   delivery, instance  where the exports of a command go: to the instance that is running, else into the store
//!   watching, screens   what is behind the screen: the store here, or that of the instance that is attached to; seen
//!   reading             commands that read or remove: here, or (asking, frames, answering) in the instance that holds
//!                       the store
//! ```
//!
//! Every command returns an exit code: 0 good, 1 some input was bad, 2 could not start; `run` returns its program's.

mod answering;
mod asking;
mod assembled;
mod attach;
mod blobs;
mod candidates;
mod check;
mod clear;
mod commands;
mod compact;
mod completions;
mod delivery;
pub mod demo;
mod doctor;
mod export;
mod filtering;
mod frames;
mod import;
mod init;
mod inputs;
mod instance;
mod json;
mod manual;
mod open;
mod packed;
mod page;
mod print;
mod prune;
mod reading;
mod run;
mod screens;
mod seen;
mod sending;
mod serve;
mod setup;
mod stats;
mod table;
mod tables;
mod tail;
mod watch;
mod watching;
mod written;

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
};

pub use commands::command;
pub use export::write_transcript;
pub use screens::words;

use clap::FromArgMatches as _;

use crate::{
    config::{Layer, Paths, Settings},
    keymap::Keymap,
    start,
};
use commands::{Cli, Command, Config, ConfigCommand, Themes};

/// All went well.
pub const GOOD: u8 = 0;
/// Some input was bad, and was named on stderr; the rest was processed.
pub const BAD_INPUT: u8 = 1;
/// Nothing was done.
pub const NOT_STARTED: u8 = 2;

/// Runs the program with these arguments, the first of which is its name. Returns the exit code. Errors are printed on
/// stderr, one line each.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = arguments.into_iter().collect();
    if completions::are_asked_for() {
        return completions::complete(words);
    }
    let matches = match command().try_get_matches_from(&words) {
        Ok(matches) => matches,
        Err(error) => {
            // `--help` and `--version` are errors to clap, and exit with 0. If stderr is closed nobody reads it.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(NOT_STARTED);
        }
    };
    match run_command(&matches, &words) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => GOOD,
        Err(error) => {
            complain(&format!("{error:#}"));
            NOT_STARTED
        }
    }
}

/// Runs the command that the arguments name, with the settings in force.
fn run_command(matches: &clap::ArgMatches, words: &[OsString]) -> anyhow::Result<u8> {
    let Cli { command, config, plain, layer } = Cli::from_arg_matches(matches)?;
    if let Some(Command::Config(Config { command: Some(ConfigCommand::Init) })) = command {
        // A settings file that is to be written cannot be read.
        let defaults = Settings::defaults(Paths::of_user())?;
        return init::config(&Settings { file: config.or_else(|| defaults.file.clone()), ..defaults });
    }
    let settings = Settings::new(layer, matches, config, Paths::of_user())?;
    let inherited_umask = start::set_private_umask();
    if let Some(Command::Tail(arguments)) = &command {
        return tail::tail(&settings, arguments, words);
    }
    let command = match command {
        Some(Command::Prune(arguments)) if arguments.compact => return compact::compact(&settings),
        Some(Command::Prune(arguments)) => {
            let arguments = arguments.with(&settings);
            return reading::read(&settings, &arguments, &arguments.words());
        }
        Some(Command::Clear(arguments)) => return clear::clear(&settings, &arguments),
        other => other,
    };
    if let Some(reads) = command.as_ref().and_then(Command::reads) {
        let code = reading::read(&settings, reads, words)?;
        if let Some(Command::Doctor(arguments)) = &command
            && !arguments.json
        {
            let mut out = io::stdout().lock();
            for (at, line) in setup::uninstrumented().iter().enumerate() {
                writeln!(out, "{}{line}", if at == 0 { "\n" } else { "" })?;
            }
        }
        return Ok(code);
    }
    match command {
        // The words of a command line that an instance is asked with.
        None if plain => {
            let words = [OsString::from("sideseat-tui"), OsString::from("tail")];
            tail::tail(&settings, &tail::Arguments::default(), &words)
        }
        None => watch::watch(&settings),
        Some(Command::Demo) => demo::demo(&settings),
        Some(Command::Serve) => serve::serve(&settings, None),
        Some(Command::Attach(arguments)) => attach::attach(&settings, arguments),
        Some(Command::Run(arguments)) => run::run(&settings, &arguments, inherited_umask),
        Some(Command::Import(arguments)) => import::import(&settings, &arguments),
        Some(Command::Open(arguments)) => open::open(&settings, &arguments),
        Some(
            Command::Tail(_)
            | Command::Export(_)
            | Command::Sessions(_)
            | Command::Traces(_)
            | Command::Stats(_)
            | Command::Doctor(_)
            | Command::Candidates(_)
            | Command::Prune(_)
            | Command::Clear(_),
        ) => {
            unreachable!("a command that reads or removes was run above")
        }
        Some(Command::Check(arguments)) => check::check(&settings, &arguments),
        Some(Command::Keys) => print::keys(&settings),
        Some(Command::Themes(Themes { new: Some(name) })) => init::theme(&settings, &name),
        Some(Command::Themes(_)) => print::themes(&settings),
        Some(Command::Config(_)) => print::config(&settings),
        Some(Command::Setup(arguments)) => setup::setup(&settings, &arguments),
        Some(Command::Man(arguments)) => manual::man(&arguments),
        Some(Command::Completions(arguments)) => completions::completions(&arguments),
        Some(Command::Licenses) => print::licenses(),
    }
}

/// The command of a command line that another process of this program was given.
fn command_of(words: Vec<String>) -> anyhow::Result<Command> {
    let matches = command().try_get_matches_from(words).map_err(|error| anyhow::anyhow!("{}", error.kind()))?;
    let Cli { command, layer, .. } = Cli::from_arg_matches(&matches)?;
    let command = command.ok_or_else(|| anyhow::anyhow!("no command"))?;
    Ok(match command {
        // Limits are those of the line: the variables here are not of who asks.
        Command::Prune(arguments) => {
            let from_line = |name: &str| matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
            let flags = Layer {
                keep_size: layer.keep_size.filter(|_| from_line("keep_size")),
                keep_age: layer.keep_age.filter(|_| from_line("keep_age")),
                keep_runs: layer.keep_runs.filter(|_| from_line("keep_runs")),
                ..Layer::default()
            };
            Command::Prune(arguments.with_flags(&flags))
        }
        command => command,
    })
}

/// The keymap with the user's keys. An error in them names its line in the settings file.
fn keymap(settings: &Settings) -> anyhow::Result<Keymap> {
    Keymap::new(&settings.keys.value).map_err(|error| {
        let place = settings.place_of_keys(&error.names());
        anyhow::Error::from(error).context(place)
    })
}

/// Prints a message for the user on stderr, as one line, so that it does not mix with what stdout carries.
fn complain(message: &str) {
    let line: String = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    // A message may quote a file or a sender.
    let shown: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let _ = writeln!(io::stderr(), "sideseat-tui: {shown}");
}

/// `sideseat-tui export | head` ends when `head` has seen enough, which is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether stdout is a terminal, which a person reads.
fn is_read_by_a_person() -> bool {
    io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_error() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("cannot write");
        assert!(is_closed_pipe(&closed) && !is_closed_pipe(&anyhow::anyhow!("no")));
    }
}
