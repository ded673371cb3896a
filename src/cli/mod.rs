//! The command line: a file a command.
//!
//! ```text
//!   watch (no command)  screen and listeners        serve      listeners without a screen
//!   demo                recorded runs               run        a program, its exports delivered
//!   open                files, looked at            written    what the screen writes to files
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
mod print;
mod prune;
mod reading;
mod run;
mod screens;
mod seen;
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
    path::PathBuf,
};

pub use export::write_transcript;
pub use screens::words;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, builder::StyledStr};

use crate::{
    config::{HEADING, Layer, Paths, Settings},
    keymap::Keymap,
    start,
};
use reading::Reads;

/// All went well.
pub const GOOD: u8 = 0;
/// Some input was bad, and was named on stderr; the rest was processed.
pub const BAD_INPUT: u8 = 1;
/// Nothing was done.
pub const NOT_STARTED: u8 = 2;

/// See what your AI agent did
///
/// Receives OpenTelemetry from your agent's SDK, keeps it in one file on this machine, and shows it live: what was
/// asked, what the model answered and thought, which tools ran, what it cost. Nothing leaves this machine.
///
/// Without a command it opens the screen and listens on 127.0.0.1: port 4317 (OTLP over gRPC), 4318 (OTLP over HTTP)
/// and 5388 (the SideSeat SDK). These are the SDKs' own defaults, so mostly nothing need be configured. Where another
/// sideseat-tui holds the store already, this one shows what that one receives, and can take its place when it ends.
#[derive(Debug, Parser)]
#[allow(clippy::doc_markdown, reason = "these texts are printed as they are")]
#[command(
    name = "sideseat-tui",
    bin_name = "sideseat-tui",
    version = packed::version(),
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Read settings from this file instead of config.toml in your config folder
    #[arg(long, global = true, env = "SIDESEAT_TUI_CONFIG", hide_env = true, value_name = "FILE")]
    #[arg(help_heading = HEADING)]
    config: Option<PathBuf>,

    /// Without a command: no screen, but a line for each step, as `tail` prints them
    #[arg(long)]
    plain: bool,

    #[command(flatten)]
    layer: Layer,
}

const EXAMPLES: &str = "\
Examples:
  sideseat-tui                                      # watch; then, in another terminal:
  sideseat-tui run -- python my_agent.py            # your program, its spans on that screen
  sideseat-tui demo                                 # look around first
  sideseat-tui import traces.json.gz                # what somebody else recorded
  sideseat-tui export --format transcript > all.json

`sideseat-tui COMMAND --help` says more of each. `sideseat-tui config` prints the settings in force.
Exit codes: 0 good, 1 some input was bad, 2 could not start; `run` exits as its program does.";

#[derive(Debug, Subcommand)]
#[allow(clippy::doc_markdown, reason = "these texts are printed as they are")]
enum Command {
    /// Play a few recorded runs on the screen
    ///
    /// They are played into memory as if they happened now; nothing is received and nothing is kept. A good way to
    /// learn the keys.
    Demo,

    /// Listen without a screen
    ///
    /// Prints each address it listens on, one a line, and receives until it is interrupted (SIGINT, SIGTERM); then it
    /// stores what is under way and ends.
    #[command(after_help = serve::EXAMPLES)]
    Serve,

    /// Watch what a sideseat-tui on another machine receives
    ///
    /// The same screen with the same keys, over the store of the sideseat-tui that listens at ADDRESS and was started
    /// with a token (--token). What crosses the network is not encrypted: over anything but a network of your own,
    /// forward the port with ssh -L and attach to that. Both need the same version.
    #[command(after_help = attach::EXAMPLES)]
    Attach(attach::Arguments),

    /// Run a program with its telemetry sent here
    ///
    /// Sets, for that program only: where to send (SIDESEAT_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT and its protocol),
    /// to send every 200 ms instead of every 5 s, and to record what is said, not only that something was. What it
    /// sends goes to the sideseat-tui that is running, else straight into the store. Input, output and signals are
    /// the program's own; so is the exit code. At the end one line on stderr says what it did and what it cost.
    #[command(after_help = run::EXAMPLES, override_usage = "sideseat-tui run [OPTIONS] -- <CMD>...")]
    Run(run::Arguments),

    /// Read recorded telemetry from files
    ///
    /// OTLP as protobuf or JSON, one JSON text a line or over many lines, plain, .gz or .zst, traces and logs: told
    /// apart by content, not by name. While a sideseat-tui is running, the files go through it and appear on its
    /// screen. A bad file is named and the others still go in; then the exit code is 1.
    #[command(after_help = import::EXAMPLES)]
    Import(import::Arguments),

    /// Look at recorded telemetry without keeping it
    ///
    /// Reads the same files as `import` into memory and shows them on the screen. Nothing is received, no port is opened,
    /// and the store is left alone: what a colleague sent is gone when the screen is.
    #[command(after_help = open::EXAMPLES)]
    Open(open::Arguments),

    /// Write what is stored, for other programs
    ///
    /// `transcript` is one JSON document of what was understood: conversations, tool calls, tokens, cost, errors.
    /// `otlp-json` and `otlp-proto` are what was received, whole, for `import` or any OTLP backend.
    #[command(after_help = export::EXAMPLES)]
    Export(export::Arguments),

    /// List sessions, newest activity first
    #[command(after_help = tables::SESSIONS_EXAMPLES)]
    Sessions(tables::Sessions),

    /// List traces, oldest first
    #[command(after_help = tables::TRACES_EXAMPLES)]
    Traces(tables::Traces),

    /// Print what runs do, a line a step
    ///
    /// For screen readers, pipes and logs: a line where a run starts, one for each step that has ended, and one where
    /// the run ends. It follows the sideseat-tui that is running; where none is it listens itself, until it is
    /// interrupted.
    #[command(after_help = tail::EXAMPLES)]
    Tail(tail::Arguments),

    /// Sum up all runs: cost, failures, loops and times
    ///
    /// What the screen shows under `S`: how the runs went, how long runs, model calls, first tokens and tools took
    /// (median, 95th percentile, longest), by model, tool, agent, session and user, and the runs that somebody should
    /// look at. Percentiles are values that occurred. Those of more than 10,000 runs or calls may be up to 2 % too large,
    /// which `~` marks.
    #[command(after_help = stats::EXAMPLES)]
    Stats(stats::Arguments),

    /// Say what is missing in the telemetry, and what to set
    ///
    /// One row for each instrumentation that sent spans: how many of its model calls came with messages, tokens
    /// (usage), a session and a finish reason. Below, for each that leaves something out, the switch that turns it on.
    /// Where two instrumentations describe one call, what one of them tells is not missing in the other.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Arguments),

    /// See whether all of the store can be read, and salvage what can
    ///
    /// Reads every row of every table, and the log that a killed or crashed program left. `--salvage` puts all spans and
    /// log records that can be read into a new store, and leaves the old one as it is.
    #[command(after_help = check::EXAMPLES)]
    Check(check::Arguments),

    /// Remove old runs from the store
    ///
    /// Whole runs go, those of the session that was active longest ago first, until what is left is within the limits:
    /// those that are given, else those of the settings. A sideseat-tui that is running does the same by itself, by its
    /// settings; then this asks it to.
    #[command(after_help = prune::EXAMPLES)]
    Prune(prune::Arguments),

    /// Remove everything from the store
    ///
    /// Says how much there is, and asks.
    #[command(after_help = clear::EXAMPLES)]
    Clear(clear::Arguments),

    /// Print every key and what it does
    ///
    /// The name before each is what the [keys] section of config.toml calls it:
    /// `[keys]` and `follow = ["Q", "F"]`.
    Keys,

    /// Print the themes there are
    ///
    /// A file NAME.toml in the `themes` folder beside config.toml is one more, or takes the place of the built-in one
    /// of its name. `--new` writes one to begin with, which looks like the theme in force.
    Themes(Themes),

    /// Print every setting, its value and who set it; or write a settings file
    ///
    /// `config init` writes a settings file in which every setting and every key is a comment, with its default. A file
    /// that is there is left as it is.
    #[command(args_conflicts_with_subcommands = true)]
    Config(Config),

    /// Say what the project in this folder has to add
    ///
    /// Looks at pyproject.toml, requirements.txt, Pipfile and package.json, and prints for each framework that it finds
    /// there what to install, which lines to add and which variables to set, so that its telemetry comes here. It changes
    /// nothing.
    #[command(after_help = setup::EXAMPLES)]
    Setup(setup::Arguments),

    /// Print a manual page, or write those of all commands into a folder
    #[command(after_help = manual::EXAMPLES)]
    Man(manual::Arguments),

    /// Print a script that makes a shell complete command lines
    ///
    /// It completes commands, options and files, and the sessions, traces and themes that there are.
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Arguments),

    /// Print the licences of the program and of what is linked into it
    Licenses,

    /// Print names of stored sessions or traces for a shell
    #[command(hide = true)]
    Candidates(candidates::Arguments),
}

#[derive(Debug, clap::Args)]
struct Themes {
    /// Write this new theme into the `themes` folder
    #[arg(long, value_name = "NAME")]
    new: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Config {
    #[command(subcommand)]
    command: Option<ConfigCommand>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Write a settings file with every setting as a comment
    Init,
}

/// The command line, its help in one form: what a command does, its usage, its options a line each, examples.
#[must_use]
pub fn command() -> clap::Command {
    const TEMPLATE: &str = "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";
    // clap's long form takes four lines for every option, and its short one leaves out what a command does.
    let in_one_form = |command: clap::Command| {
        let text = |text: Option<&StyledStr>| text.map(ToString::to_string).unwrap_or_default();
        let (about, all) = (text(command.get_about()), text(command.get_long_about()));
        let more = all.strip_prefix(&about).unwrap_or_default().trim().to_owned();
        let command = command.help_template(TEMPLATE).long_about(None);
        if more.is_empty() { command } else { command.before_help(more) }
    };
    let command = in_one_form(table()).mut_subcommands(|command| in_one_form(command).mut_subcommands(in_one_form));
    command.mut_subcommands(filtering::explained)
}

/// The command line as it is declared.
fn table() -> clap::Command {
    Cli::command()
}

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

impl Command {
    /// The command, if it reads the store or removes something from it.
    fn reads(&self) -> Option<&dyn Reads> {
        match self {
            Self::Export(arguments) => Some(arguments),
            Self::Sessions(arguments) => Some(arguments),
            Self::Traces(arguments) => Some(arguments),
            Self::Tail(arguments) => Some(arguments),
            Self::Stats(arguments) => Some(arguments),
            Self::Doctor(arguments) => Some(arguments),
            Self::Candidates(arguments) => Some(arguments),
            Self::Prune(arguments) => Some(arguments),
            Self::Clear(arguments) => Some(arguments),
            Self::Demo
            | Self::Serve
            | Self::Attach(_)
            | Self::Run(_)
            | Self::Import(_)
            | Self::Open(_)
            | Self::Check(_)
            | Self::Keys
            | Self::Themes(_)
            | Self::Config(_)
            | Self::Setup(_)
            | Self::Man(_)
            | Self::Completions(_)
            | Self::Licenses => None,
        }
    }
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
    fn the_command_line_is_sound_and_every_command_has_help() {
        command().debug_assert();
        let help = |line: &[&str]| command().try_get_matches_from(line).unwrap_err().to_string();
        for name in command().get_subcommands().map(clap::Command::get_name) {
            let (short, long) = (help(&["tui", name, "-h"]), help(&["tui", name, "--help"]));
            assert!(long.contains("\nUsage: sideseat-tui ") && long.contains("\nSettings"), "{long}");
            assert_eq!(short, long, "there is one form of help");
        }
    }

    #[test]
    fn settings_may_stand_before_or_after_the_command() {
        for line in [["tui", "--theme", "light", "keys"], ["tui", "keys", "--theme", "light"]] {
            let matches = command().try_get_matches_from(line).unwrap();
            assert_eq!(Cli::from_arg_matches(&matches).unwrap().layer.theme.as_deref(), Some("light"));
        }
    }

    #[test]
    fn what_follows_run_belongs_to_the_program() {
        for line in [vec!["tui", "run", "--", "py", "-m", "x", "--db"], vec!["tui", "run", "py", "-m", "x", "--db"]] {
            let matches = command().try_get_matches_from(line).unwrap();
            let Some(Command::Run(arguments)) = Cli::from_arg_matches(&matches).unwrap().command else { panic!() };
            assert_eq!(arguments.command, ["py", "-m", "x", "--db"]);
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("cannot write");
        assert!(is_closed_pipe(&closed) && !is_closed_pipe(&anyhow::anyhow!("no")));
    }
}
