//! What the screen writes to files: in the folder that the program was started in, under a name that no file has.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

use super::{
    export::{write_otlp, write_transcript},
    page,
    screens::Remote,
};
use crate::{
    app::{
        Export, ExportForm, ExportOf,
        format::{self, Zone},
    },
    store::{Pick, Picked, Store},
};

/// So many names are tried.
const NAMES: usize = 1000;

/// Who holds what is written.
pub enum Holder<'a> {
    /// A store that is open in this process.
    Store(&'a Store),
    /// The instance that the screen is attached to.
    Remote(&'a Remote),
}

/// Writes it, and says where, or why not.
pub fn write(holder: &Holder, export: &Export) -> String {
    match write_in(Path::new("."), holder, export) {
        Ok((path, bytes)) => {
            let shows = if export.form == ExportForm::Otlp { "; `sideseat-tui open` shows it" } else { "" };
            format!("wrote {} to {}{shows}", format::bytes(bytes), path.display())
        }
        Err(error) => format!("nothing is written: {error:#}"),
    }
}

fn write_in(folder: &Path, holder: &Holder, export: &Export) -> anyhow::Result<(PathBuf, u64)> {
    let ending = match export.form {
        ExportForm::Otlp => "json.gz",
        ExportForm::Transcript => "transcript.json",
        ExportForm::Html => "html",
        ExportForm::Markdown(_) => "md",
    };
    let (file, path) = new_file(folder, &export.name, ending)?;
    let mut out = BufWriter::new(file);
    let written = match (&export.form, holder) {
        (ExportForm::Markdown(text), _) => out.write_all(text.as_bytes()).map_err(Into::into),
        (_, Holder::Store(store)) => fill(&mut out, store, export, &Zone::system()),
        (_, Holder::Remote(remote)) => remote.export(export, &mut out),
    };
    let written = written.and_then(|()| Ok(out.flush()?));
    if written.is_err() {
        // Half a file helps nobody.
        drop(fs::remove_file(&path));
    }
    written?;
    let bytes = fs::metadata(&path).map_or(0, |file| file.len());
    Ok((path, bytes))
}

/// Writes what a file is to hold; `zone`: that of whoever reads it.
///
/// # Errors
/// Those of the store and of `out`, and where nothing of it is stored.
pub fn fill(out: &mut dyn Write, store: &Store, export: &Export, zone: &Zone) -> anyhow::Result<()> {
    let picks = picked(store, &export.of)?;
    anyhow::ensure!(!picks.is_empty(), "the store holds no such run any more");
    match &export.form {
        ExportForm::Otlp => {
            let mut packed = GzEncoder::new(&mut *out, Compression::default());
            write_otlp(store, &picks, &mut packed)?;
            packed.finish()?;
        }
        ExportForm::Transcript => write_transcript(store, &pick(&export.of), out)?,
        ExportForm::Html => page::write(store, &pick(&export.of), &picks, zone, out)?,
        ExportForm::Markdown(text) => out.write_all(text.as_bytes())?,
    }
    out.flush()?;
    Ok(())
}

/// What commands name so.
fn pick(of: &ExportOf) -> Pick {
    match of {
        ExportOf::Run(trace) => Pick { trace: Some(*trace), ..Pick::default() },
        ExportOf::Session(session) => Pick { session: Some(session.clone()), ..Pick::default() },
        ExportOf::Filtered(_) => Pick::default(),
    }
}

fn picked(store: &Store, of: &ExportOf) -> anyhow::Result<Vec<Picked>> {
    let ExportOf::Filtered(filter) = of else { return Ok(store.picked(&pick(of))?) };
    let runs = store.list_traces(filter, usize::MAX)?.rows.into_iter();
    Ok(runs.map(|run| Picked { trace: run.trace, session: run.session, spans: run.spans }).collect())
}

/// A file that was not there before: no other one is written over.
fn new_file(folder: &Path, name: &str, ending: &str) -> io::Result<(File, PathBuf)> {
    for number in 1..=NAMES {
        let numbered = if number == 1 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{name}{numbered}.{ending}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((opened?, path)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let name = |(_, path): (File, PathBuf)| path.file_name().unwrap().to_str().unwrap().to_owned();
        let names: Vec<String> = (0..3).map(|_| name(new_file(folder.path(), "trip", "md").unwrap())).collect();
        assert_eq!(names, ["trip.md", "trip-2.md", "trip-3.md"]);
    }
}
