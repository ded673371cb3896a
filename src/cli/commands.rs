//! The table of commands: what each is called, what it takes, and its help.

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand, builder::StyledStr};

use super::{
    attach, candidates, check, clear, completions, doctor, export, filtering, import, manual, open, packed, prune,
    reading::Reads, run, serve, setup, stats, tables, tail,
};
use crate::config::{HEADING, Layer};

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
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// Read settings from this file instead of config.toml in your config folder
    #[arg(long, global = true, env = "SIDESEAT_TUI_CONFIG", hide_env = true, value_name = "FILE")]
    #[arg(help_heading = HEADING)]
    pub(super) config: Option<PathBuf>,

    /// Without a command: no screen, but a line for each step, as `tail` prints them
    #[arg(long)]
    pub(super) plain: bool,

    #[command(flatten)]
    pub(super) layer: Layer,
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
pub(super) enum Command {
    /// Play a story and a few recorded runs on the screen
    ///
    /// The story is of an agent that loops and fails; hints say what each pane shows of it. All is played into memory as
    /// if it happened now; nothing is received and nothing is kept. A good way to learn the keys.
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
pub(super) struct Themes {
    /// Write this new theme into the `themes` folder
    #[arg(long, value_name = "NAME")]
    pub(super) new: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Config {
    #[command(subcommand)]
    pub(super) command: Option<ConfigCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
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
pub(super) fn table() -> clap::Command {
    Cli::command()
}

impl Command {
    /// The command, if it reads the store or removes something from it.
    pub(super) fn reads(&self) -> Option<&dyn Reads> {
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

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

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
}
