//! Runs a command that reads the store, or removes something from it: in this process, or in the instance that holds it.
//!
//! ```text
//!   nobody holds the store ─▶ it is opened as the command needs it, which runs here
//!   an instance holds it   ─▶ asking ─▶ (socket) ─▶ answering: the same command runs there
//!                                                    its output comes back, and is written here
//! ```
//!
//! Either way the command sees the same [`Output`], and only this process writes files.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    BAD_INPUT, GOOD, asking, blobs::BlobFolder, candidates, complain, frames::Printer, is_read_by_a_person,
    tables::terminal_width,
};
use crate::{
    app::format::Zone,
    config::{Db, Settings},
    start::{self, HeldByUs},
    store::{OpenError, Store},
};

/// How a command uses the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// It only reads it: nothing of it is written.
    #[default]
    Read,
    /// It removes something from it.
    Remove,
}

/// A command that reads the store, or removes something from it.
pub trait Reads {
    /// How it uses the store.
    fn access(&self) -> Access {
        Access::Read
    }

    /// Refuses arguments that do not go together.
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// The file that it writes into instead of standard output.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// The folder that it writes images and documents into.
    fn blobs(&self) -> Option<&Path> {
        None
    }

    /// Whether a shell waits for it while it completes a command line: then it takes half a second at most, and says
    /// nothing but what it prints.
    fn is_for_a_shell(&self) -> bool {
        false
    }

    /// Prints what it finds; returns the exit code.
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8>;
}

/// Where a command prints, and for whom.
pub struct Output<'a> {
    pub printer: Printer,
    /// Standard output, or the file that the command writes into. The file is made when this is first written to, or
    /// flushed.
    pub out: &'a mut dyn Write,
    /// Takes messages for the user, for standard error.
    pub says: &'a dyn Fn(&str),
    /// Takes images and documents.
    pub blobs: &'a dyn BlobSink,
}

/// Takes images and documents, each with its name.
pub trait BlobSink {
    fn blob(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()>;
}

impl Printer {
    /// The one of this process.
    fn here() -> Self {
        Self { columns: terminal_width(), is_terminal: is_read_by_a_person(), zone: Zone::system_name() }
    }

    /// Its time zone.
    pub fn zone(&self) -> Zone {
        self.zone.as_deref().and_then(Zone::named).unwrap_or_else(Zone::system)
    }
}

/// Runs a command; `words` is the command line that it came from.
pub fn read(settings: &Settings, command: &dyn Reads, words: &[OsString]) -> anyhow::Result<u8> {
    if command.is_for_a_shell() {
        return Ok(for_a_shell(settings, command, words).unwrap_or(GOOD));
    }
    command.check()?;
    if let (Some(file), Db::File(db)) = (command.file(), &settings.db.value) {
        anyhow::ensure!(!is_of_store(db, file), "{} is the store itself; choose another file", file.display());
    }
    let printer = Printer::here();
    let mut out = Destination { file: command.file(), open: None };
    let blobs: Box<dyn BlobSink> = match command.blobs() {
        Some(folder) => Box::new(BlobFolder::make(folder)?),
        None => Box::new(NoBlobs),
    };
    match open(settings, command.access())? {
        Opened::Here(store) => {
            let code = command.run(&store, &mut Output { printer, out: &mut out, says: &complain, blobs: &*blobs })?;
            out.flush_if_open()?;
            let is_partial = store.is_partial();
            store.close();
            Ok(if is_partial && code == GOOD { BAD_INPUT } else { code })
        }
        Opened::There(held) => {
            let code = asking::ask(&held, words, printer, &mut out, &*blobs)?;
            out.flush_if_open()?;
            Ok(code)
        }
    }
}

/// The same for a shell that waits. A store that can only be read in a copy is not read.
fn for_a_shell(settings: &Settings, command: &dyn Reads, words: &[OsString]) -> anyhow::Result<u8> {
    candidates::end_in_time();
    let mut out = io::stdout().lock();
    match start::open_settled_to_read(settings) {
        Ok(None) => Ok(GOOD),
        Ok(Some(store)) => {
            let mut output = Output { printer: Printer::here(), out: &mut out, says: &|_| {}, blobs: &NoBlobs };
            command.run(&store, &mut output)
        }
        Err(error) => asking::ask(&error.downcast::<HeldByUs>()?, words, Printer::here(), &mut out, &NoBlobs),
    }
}

/// Who has the store open.
enum Opened {
    Here(Box<Store>),
    /// This instance.
    There(HeldByUs),
}

/// Opens the store, or finds the instance that holds it.
///
/// An instance that was just started holds the store for a moment before it is registered, and one that ends holds it for
/// a moment longer. So it is tried again for a second.
fn open(settings: &Settings, access: Access) -> anyhow::Result<Opened> {
    const PATIENCE: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_millis(50);
    let began = Instant::now();
    loop {
        let opened = match access {
            Access::Read => start::open_to_read(settings, complain),
            Access::Remove => start::open_to_remove(settings, &complain),
        };
        let error = match opened {
            Ok(store) => return Ok(Opened::Here(Box::new(store))),
            Err(error) => error,
        };
        let is_held = matches!(error.downcast_ref(), Some(OpenError::Held { .. }));
        match error.downcast::<HeldByUs>() {
            Ok(held) if held.socket.is_some() => return Ok(Opened::There(held)),
            Ok(held) => return Err(held.into()),
            Err(_) if is_held && began.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
}

/// Standard output, or a file that is made when it is first needed.
struct Destination<'a> {
    file: Option<&'a Path>,
    open: Option<Box<dyn Write>>,
}

impl Destination<'_> {
    fn opened(&mut self) -> io::Result<&mut dyn Write> {
        if self.open.is_none() {
            let open: Box<dyn Write> = match self.file {
                None => Box::new(BufWriter::with_capacity(64 << 10, io::stdout())),
                Some(path) => {
                    let named = |error: io::Error| {
                        io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
                    };
                    Box::new(BufWriter::new(File::create(path).map_err(named)?))
                }
            };
            self.open = Some(open);
        }
        self.open.as_deref_mut().map(|open| open as &mut dyn Write).ok_or_else(|| io::ErrorKind::Other.into())
    }

    fn flush_if_open(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Write for Destination<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.opened()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.opened()?.flush()
    }
}

/// For commands that write no images and documents.
struct NoBlobs;

impl BlobSink for NoBlobs {
    fn blob(&self, _: &str, _: &[u8]) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Whether a path is the store's file, or one that the engine keeps beside it: its name and a suffix, such as `.wal`.
fn is_of_store(db: &Path, output: &Path) -> bool {
    let whole = |path: &Path| {
        path.canonicalize().ok().or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(folder.canonicalize().ok()?.join(path.file_name()?))
        })
    };
    let (Some(db), Some(output)) = (whole(db), whole(output)) else { return false };
    let suffix = output.as_os_str().as_encoded_bytes().strip_prefix(db.as_os_str().as_encoded_bytes());
    suffix.is_some_and(|suffix| {
        suffix.is_empty()
            || suffix.starts_with(b".wal")
            || suffix.starts_with(b".tmp")
            || suffix.starts_with(b".reserve")
            || suffix.starts_with(b".salvag")
            || suffix.starts_with(b".damaged-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_and_its_log_are_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("a.duckdb");
        File::create(&db).unwrap();
        let of_store = |name: &str| is_of_store(&db, &folder.path().join(name));
        assert!(of_store("a.duckdb") && of_store("./a.duckdb.wal") && of_store("a.duckdb.wal.recovery"));
        assert!(!of_store("b.duckdb") && !of_store("a.duckdb.json"));
    }

    #[test]
    fn a_file_is_made_when_there_is_something_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        let mut out = Destination { file: Some(&path), open: None };
        out.flush_if_open().unwrap();
        assert!(!path.exists());
        out.flush().unwrap();
        assert!(path.exists());
        let missing = folder.path().join("no/such/folder");
        let refused = Destination { file: Some(&missing), open: None }.write(b"x").unwrap_err();
        assert!(refused.to_string().contains("cannot write"), "{refused}");
    }
}
