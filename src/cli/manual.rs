//! `man`: manual pages, made from the command table.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::{Arg, Command};
use clap_mangen::Man;

use super::GOOD;
use crate::config::HEADING;

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui man | man -l -                       # read it
  sideseat-tui man ~/.local/share/man/man1          # install all of them (a package has done that already)";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write the page of every command into this folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

const FILES: &str = "\
~/.config/sideseat-tui/config.toml        settings (`sideseat-tui config init` writes one)
~/.config/sideseat-tui/themes/            themes
~/.local/share/sideseat-tui/traces.duckdb what was received
~/.local/state/sideseat-tui/              the log, and the list of running instances

XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_STATE_HOME are heeded.";

/// Prints the page of the program, or writes those of all commands into a folder.
pub fn man(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut command = super::commands::table().mut_args(in_settings).mut_subcommands(|sub| sub.mut_args(in_settings));
    command.build();
    let Some(folder) = &arguments.folder else {
        page(&command, &mut io::stdout().lock())?;
        return Ok(GOOD);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    write_all(&command, folder)?;
    Ok(GOOD)
}

/// Writes the pages of a command and of those beneath it.
fn write_all(command: &Command, folder: &std::path::Path) -> anyhow::Result<()> {
    let path = folder.join(Man::new(command.clone()).get_filename());
    let written = File::create(&path).and_then(|file| {
        let mut out = BufWriter::new(file);
        page(command, &mut out)?;
        out.flush()
    });
    written.with_context(|| format!("cannot write {}", path.display()))?;
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| write_all(sub, folder))
}

/// A heading of `--help` is a sentence; that of a section is a word.
fn in_settings(argument: Arg) -> Arg {
    let is_setting = argument.get_help_heading() == Some(HEADING);
    if is_setting { argument.help_heading("Settings") } else { argument }
}

fn page(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.clone());
    let source = format!("sideseat-tui {}", env!("CARGO_PKG_VERSION"));
    let man = man.source(source).manual("sideseat-tui");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.get_subcommands().any(|sub| !sub.is_hide_set()) {
        man.render_subcommands_section(out)?;
    }
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        let text = after.strip_prefix("Examples:\n").unwrap_or(&after);
        section(out, if text.len() < after.len() { "EXAMPLES" } else { "MORE" }, text)?;
    }
    if command.get_name() == "sideseat-tui" {
        section(out, "FILES", FILES)?;
    }
    Ok(())
}

/// A section whose lines are broken where they are.
fn section(out: &mut dyn Write, heading: &str, text: &str) -> io::Result<()> {
    writeln!(out, ".SH {heading}\n.nf")?;
    for line in text.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-");
        // A line that begins so would be a command of roff.
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        writeln!(out, "{guard}{line}")?;
    }
    writeln!(out, ".fi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_that_says_what_its_help_says() {
        let folder = tempfile::tempdir().unwrap();
        man(&Arguments { folder: Some(folder.path().join("man1")) }).unwrap();
        let text = |name: &str| fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        let visible = super::super::commands::table();
        for command in visible.get_subcommands().filter(|command| !command.is_hide_set()) {
            let page = text(&format!("sideseat-tui-{}.1", command.get_name()));
            assert!(page.contains(".SH DESCRIPTION") && page.contains(".SH SETTINGS"), "{page}");
        }
        let all = text("sideseat-tui.1");
        for says in ["EXAMPLES", "FILES", "sideseat\\-tui run \\-\\- python", "SUBCOMMANDS"] {
            assert!(all.contains(says), "no {says}:\n{all}");
        }
        assert!(!all.contains("candidates"));
    }

    #[test]
    fn no_line_of_text_is_a_command() {
        let mut out = Vec::new();
        section(&mut out, "X", ".so /etc/passwd\n'x\na\\b").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), ".SH X\n.nf\n\\&.so /etc/passwd\n\\&'x\na\\eb\n.fi\n");
    }
}
