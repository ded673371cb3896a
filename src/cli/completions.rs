//! `completions`: scripts that make a shell complete this program's command lines.
//!
//! ```text
//!   bash, zsh, fish, elvish   each time, the script asks this program: main ─▶ complete ─▶ the command table
//!                                for sessions and traces ─▶ a process of its own, `candidates`
//!   nushell                   a module made from the command table; only sessions and traces are asked for
//! ```

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write as _},
    process::{self, Stdio},
};

use clap::{Arg, Command, ValueEnum, ValueHint};
use clap_complete::{
    CompleteEnv,
    engine::{ArgValueCompleter, CompletionCandidate},
    env::{Bash, Elvish, EnvCompleter, Fish, Zsh},
};
use clap_complete_nushell::Nushell;

use super::{GOOD, NOT_STARTED};
use crate::{config::Paths, theme::Themes};

pub const EXAMPLES: &str = "\
Examples, each for good (a package installs them already):
  sideseat-tui completions bash > ~/.local/share/bash-completion/completions/sideseat-tui
  sideseat-tui completions zsh > ~/.zfunc/_sideseat-tui       # with `fpath+=~/.zfunc` before compinit
  sideseat-tui completions fish > ~/.config/fish/completions/sideseat-tui.fish
  sideseat-tui completions elvish >> ~/.config/elvish/rc.elv
  sideseat-tui completions nushell > sideseat-tui.nu          # then `use sideseat-tui.nu *` in config.nu";

/// Set by the scripts, to the name of the shell.
const VARIABLE: &str = "SIDESEAT_TUI_COMPLETE";
const NAME: &str = "sideseat-tui";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Nushell,
    Elvish,
}

/// Prints the script of a shell.
pub fn completions(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    let dynamic: Option<&dyn EnvCompleter> = match arguments.shell {
        Shell::Bash => Some(&Bash),
        Shell::Zsh => Some(&Zsh),
        Shell::Fish => Some(&Fish),
        Shell::Elvish => Some(&Elvish),
        Shell::Nushell => None,
    };
    match dynamic {
        Some(shell) => shell.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?,
        None => script.extend(nushell().into_bytes()),
    }
    if arguments.shell == Shell::Zsh {
        // Where zsh loads the file at the first completion, the file is the function that completes.
        script.extend(b"\nif [ \"$funcstack[1]\" = \"_sideseat-tui\" ]; then\n    _clap_dynamic_completer_sideseat_tui \"$@\"\nfi\n");
    }
    io::stdout().write_all(&script)?;
    Ok(GOOD)
}

/// Whether a shell's script started this process.
pub fn are_asked_for() -> bool {
    env::var_os(VARIABLE).is_some_and(|shell| !shell.is_empty() && shell != "0")
}

/// Answers the script. Returns the exit code.
pub fn complete(words: Vec<OsString>) -> u8 {
    let completing = CompleteEnv::with_factory(command).var(VARIABLE).bin(NAME).completer(NAME);
    match completing.try_complete(words, env::current_dir().ok().as_deref()) {
        Ok(_) => GOOD,
        // The shell shows nothing then, which is all that it can do.
        Err(_) => NOT_STARTED,
    }
}

/// The command table, with what the values of its arguments may be.
fn command() -> Command {
    with_values(super::command())
}

fn with_values(command: Command) -> Command {
    command.mut_args(with_value).mut_subcommands(with_values)
}

fn with_value(argument: Arg) -> Arg {
    let id = argument.get_id().as_str();
    match id {
        "session" => argument.add(ArgValueCompleter::new(|begun: &OsStr| stored("sessions", begun))),
        "trace" => argument.add(ArgValueCompleter::new(|begun: &OsStr| stored("traces", begun))),
        "theme" => argument.add(ArgValueCompleter::new(themes)),
        "db" => argument.value_hint(ValueHint::FilePath),
        _ => argument,
    }
}

/// The stored sessions or traces whose names begin so.
fn stored(what: &str, begun: &OsStr) -> Vec<CompletionCandidate> {
    let asked = env::current_exe().and_then(|program| {
        let mut asking = process::Command::new(program);
        asking.args(of_store(env::args_os())).args(["candidates", what]);
        asking.env_remove(VARIABLE).stdin(Stdio::null()).stderr(Stdio::null()).output()
    });
    let Ok(asked) = asked else { return Vec::new() };
    let text = String::from_utf8_lossy(&asked.stdout);
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    let fitting = lines.filter(|(name, _)| begun.to_str().is_some_and(|begun| name.starts_with(begun)));
    fitting.map(|(name, says)| CompletionCandidate::new(name).help(Some(says.to_owned().into()))).collect()
}

/// The options of a command line that say which store is meant.
fn of_store(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.skip_while(|word| word != "--").skip(1);
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text.starts_with("--db=") || text.starts_with("--config=") {
            options.push(word);
        } else if (word == "--db" || word == "--config")
            && let Some(value) = words.next().filter(|value| !value.is_empty())
        {
            options.extend([word, value]);
        }
    }
    options
}

/// The themes whose names begin so.
fn themes(begun: &OsStr) -> Vec<CompletionCandidate> {
    let themes = Themes::load(Paths::of_user().themes().as_deref()).or_else(|_| Themes::load(None));
    let Ok(themes) = themes else { return Vec::new() };
    let fitting = themes.names().iter().filter(|name| begun.to_str().is_some_and(|begun| name.starts_with(begun)));
    fitting.map(CompletionCandidate::new).collect()
}

/// The module of nushell, which asks for sessions and traces.
fn nushell() -> String {
    const ASKS: &str = r#"
  def "nu-complete sideseat-tui stored" [what: string] {
    do --ignore-errors { ^sideseat-tui candidates $what err> /dev/null } | lines | each {|line|
      let parts = ($line | split row "\t")
      { value: $parts.0, description: ($parts | get --optional 1) }
    }
  }
  def "nu-complete sideseat-tui sessions" [] { nu-complete sideseat-tui stored sessions }
  def "nu-complete sideseat-tui traces" [] { nu-complete sideseat-tui stored traces }
"#;
    let mut module = Vec::new();
    clap_complete::generate(Nushell, &mut super::command(), NAME, &mut module);
    let module = String::from_utf8_lossy(&module);
    let module = module.replacen("module completions {\n", &format!("module completions {{\n{ASKS}"), 1);
    let module = module.replace("--session: string", "--session: string@\"nu-complete sideseat-tui sessions\"");
    module.replace("--trace: string", "--trace: string@\"nu-complete sideseat-tui traces\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_that_of_the_line_that_is_completed() {
        let options = |line: &[&str]| of_store(line.iter().map(OsString::from));
        assert_eq!(options(&["x", "--db", "no", "--", "sideseat-tui", "--db", "a", "export"]), ["--db", "a"]);
        assert_eq!(options(&["x", "--", "sideseat-tui", "--config=c", "--db=b"]), ["--config=c", "--db=b"]);
        assert!(options(&["x", "--", "sideseat-tui", "--db", ""]).is_empty() && options(&["x"]).is_empty());
    }

    #[test]
    fn nushell_asks_for_what_is_stored() {
        let module = nushell();
        for line in [
            "--session: string@\"nu-complete",
            "--trace: string@\"nu-complete",
            "def \"nu-complete sideseat-tui stored\"",
        ] {
            assert!(module.contains(line), "no {line}:\n{module}");
        }
    }
}
