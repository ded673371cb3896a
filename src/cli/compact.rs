//! `prune --compact`: writes the file of the store anew, so that it is no larger than it has to be.

use std::io::{self, Write as _};

use super::GOOD;
use crate::{
    app::format,
    config::{Db, Settings},
    start,
    store::{self, Rewritten},
};

/// Writes the file anew, and says what came of it.
pub fn compact(settings: &Settings) -> anyhow::Result<u8> {
    let Db::File(path) = &settings.db.value else { anyhow::bail!("a store in memory has no file; name one with --db") };
    anyhow::ensure!(path.exists(), "there is no store at {}", path.display());
    let Rewritten { before, after } = store::rewrite(path).map_err(|error| start::named(settings, error))?;
    let mut out = io::stdout();
    if after < before {
        writeln!(out, "The file has {} now, {} before.", format::size(after), format::size(before))?;
    } else {
        writeln!(out, "The file has {}; it cannot be smaller.", format::size(before))?;
    }
    Ok(GOOD)
}
