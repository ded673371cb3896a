//! The option `--filter`, and what the help of its commands says of the language.

use std::fmt::Write as _;

use crate::filter;

/// A filter that is one.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<String, String> {
    match filter::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(problem) => Err(problem.why),
    }
}

/// The command with the filter language in its help, if it has the option.
pub fn explained(command: clap::Command) -> clap::Command {
    let has_filter = command.get_arguments().any(|argument| argument.get_id() == "filter");
    if !has_filter {
        return command;
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = filter::help_lines();
    let width = lines.iter().map(|(example, _)| example.chars().count()).max().unwrap_or(0);
    let mut text = format!("{examples}\n\nFilters: all of their terms must hold\n");
    for (example, help) in lines {
        let _ = writeln!(text, "  {example:width$}  {help}");
    }
    command.after_help(text.trim_end().to_owned())
}
