//! `check`: examines a store that may be damaged, and salvages what can be read into a new one.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

use super::{
    BAD_INPUT, GOOD,
    table::{self, Align, Column},
    tables::terminal_width,
};
use crate::{
    app::format,
    config::{Db, Settings},
    pricing::Prices,
    start,
    store::{self, Damaged, Examined, OpenError},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui check
  sideseat-tui check --mend
  sideseat-tui check --db damaged.duckdb --salvage new.duckdb

Without --mend nothing of the store is changed. Exit code 1: something cannot be read. Where sideseat-tui finds that itself, at
its start or while it runs, it does the same without being asked: it puts right what can be, else it puts what can be read
into a new file, and keeps the old one beside it as NAME.damaged-N.";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Put all spans and log records that can be read into this new file
    #[arg(long, value_name = "FILE")]
    salvage: Option<PathBuf>,
    /// First put right single bytes that have changed on the disk, as far as checksums tell what they were
    #[arg(long)]
    mend: bool,
}

/// Prints what can be read of each table, and salvages it if that is asked for.
pub fn check(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    let Db::File(path) = &settings.db.value else {
        anyhow::bail!("a store in memory is not damaged; name one with --db")
    };
    anyhow::ensure!(path.exists(), "there is no store at {}", path.display());
    if let Some(new) = &arguments.salvage {
        anyhow::ensure!(!new.exists(), "{} is there already; choose a new file", new.display());
    }
    let mut out = io::stdout().lock();
    if arguments.mend {
        let looked = store::put_right(path);
        match looked.with_context(|| format!("{} cannot be looked through for changed bytes", path.display()))? {
            Some(righted) => writeln!(out, "{}.\n", righted.says(path))?,
            None => writeln!(out, "There is no byte that could be put right.\n")?,
        }
    }
    let damaged = Damaged::open(path).map_err(|error| match error {
        OpenError::Unusable { why, .. } if why.contains(DAMAGED) => unreadable(path, &why),
        error => start::named(settings, error),
    })?;
    let found = damaged.examine();
    write_tables(&mut out, &found)?;
    if let Some(log) = damaged.log() {
        writeln!(out, "\nThe log beside it is damaged: {log}.")?;
    }
    if damaged.is_doubtful() {
        writeln!(out, "\nA block that says where its rows are is damaged; it was read as it is.")?;
    }
    if damaged.is_righted() {
        writeln!(out, "\nA byte of it has changed since it was written, which can be put right; so it was here.")?;
    }
    let is_wrong = damaged.log().is_some() || damaged.is_doubtful() || damaged.is_righted();
    let is_whole = !is_wrong && found.iter().all(|table| table.unreadable == 0);
    drop(damaged);
    if let Some(new) = &arguments.salvage {
        let salvaged = store::salvage_into(path, new, &Arc::new(Prices::bundled()))?;
        writeln!(
            out,
            "\nSalvaged {} spans and {} log records into {}; {}.\n{} is left as it is.",
            format::exact(salvaged.spans),
            format::exact(salvaged.logs),
            new.display(),
            salvaged.lost(),
            path.display(),
        )?;
    } else if is_whole {
        writeln!(out, "\nAll of it can be read.")?;
    } else {
        writeln!(
            out,
            "\nNot all of it can be read. The next start puts right single bytes that have changed, else it puts what can \
             be read into a new file and keeps this one under another name. `--mend` and `--salvage NEW.duckdb` do the \
             one or the other now; the latter leaves this file where it is."
        )?;
    }
    Ok(if is_whole { GOOD } else { BAD_INPUT })
}

/// How the engine says that a checksum is wrong.
const DAMAGED: &str = "Data Corruption";

/// What is said of a store that cannot be opened at all, not even with the damaged descriptions of its tables read as they are:
/// bytes that could be put right were, in a copy.
fn unreadable(path: &Path, why: &str) -> anyhow::Error {
    let why = why.split("; the next start").next().unwrap_or_default();
    anyhow::anyhow!(
        "{} cannot be opened: {why}. Nothing of it can be read, not even of a copy in which bytes that have changed were put \
         right. The next start keeps it under another name and begins a new one",
        path.display()
    )
}

fn write_tables(out: &mut dyn io::Write, found: &[Examined]) -> io::Result<()> {
    const COLUMNS: [Column; 4] = [
        Column::new("WHAT", Align::Left, 0),
        Column::new("ROWS", Align::Right, 0),
        Column::new("UNREADABLE", Align::Right, 0),
        Column::new("WHY", Align::LeftShrinking, 1),
    ];
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|table| {
            let Examined { what, rows, unreadable, why } = table;
            // Of what can be read in smaller stretches nothing is lost.
            let why = why.as_ref().filter(|_| *unreadable > 0).cloned().unwrap_or_default();
            vec![(*what).to_owned(), format::exact(*rows), format::exact(*unreadable), why]
        })
        .collect();
    table::write(out, &COLUMNS, &rows, terminal_width())
}
