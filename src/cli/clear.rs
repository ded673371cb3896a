//! `clear`: removes everything from the store, after it has asked.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
};

use super::{
    GOOD,
    prune::sizes,
    reading::{self, Access, Output, Reads},
};
use crate::{
    app::{
        format,
        removed::{self, count},
    },
    config::Settings,
    model::Removal,
    store::Store,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui clear
  sideseat-tui clear --yes --db build.duckdb

All runs go, marked ones too, and cannot be brought back. `sideseat-tui prune` removes some.";

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Arguments {
    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Asks, and removes everything.
pub fn clear(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    if arguments.dry_run || !arguments.yes {
        let asks = !arguments.dry_run;
        anyhow::ensure!(
            !asks || io::stdin().is_terminal(),
            "clear asks first, and standard input is no terminal; give --yes"
        );
        let code = reading::read(settings, &Arguments { dry_run: true, yes: false }, &words("--dry-run"))?;
        if !asks || !is_sure(&settings.db.value.to_string())? {
            return Ok(code);
        }
    }
    reading::read(settings, &Arguments { dry_run: false, yes: true }, &words("--yes"))
}

fn words(flag: &str) -> Vec<OsString> {
    ["sideseat-tui", "clear", flag].map(OsString::from).to_vec()
}

/// Asks whether all of it is to go; anything but yes is no.
fn is_sure(place: &str) -> io::Result<bool> {
    let mut err = io::stderr();
    write!(err, "Remove all of it from {place}? It cannot be brought back. [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let is_sure = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !is_sure {
        writeln!(err, "Nothing was removed.")?;
    }
    Ok(is_sure)
}

impl Reads for Arguments {
    fn access(&self) -> Access {
        if self.dry_run { Access::Read } else { Access::Remove }
    }

    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let before = store.size();
        if self.dry_run {
            let held = store.held()?;
            let size = before.map_or_else(String::new, |size| format!(", {}", format::size(size)));
            writeln!(
                output.out,
                "The store holds {} of {}: {}{size}.",
                count(held.runs, "run", "runs"),
                count(held.sessions, "session", "sessions"),
                count(held.records, "span or log record", "spans and log records"),
            )?;
            output.out.flush()?;
            return Ok(GOOD);
        }
        // Only this process asks whoever sits before it.
        anyhow::ensure!(self.yes, "nobody was asked");
        let gone = store.remove(Removal::All)?;
        if gone.is_empty() {
            writeln!(output.out, "There was nothing to remove.")?;
        } else {
            writeln!(output.out, "Removed {}.{}", removed::removed(&gone), sizes(before, store.size()))?;
        }
        Ok(GOOD)
    }
}
