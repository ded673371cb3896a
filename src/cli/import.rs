//! `import FILE…`: recorded telemetry, into the store or through the instance that holds it.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, Read, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::{
    runtime::{Handle, Runtime},
    task::{JoinError, JoinSet},
    time::sleep,
};

use super::{
    BAD_INPUT, GOOD, complain, delivery,
    inputs::{self, Request},
    instance::Instance,
};
use crate::{
    app::format,
    config::{Settings, logging},
    decode::Signal,
    model::Project,
    receive::{Counts, Export, ExportSink as _, Intake, Refusal},
    start::{self, HeldByUs},
    store::Store,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui import traces.json.gz logs.json.gz
  sideseat-tui import captures/*.pb --db captures.duckdb
  curl -s https://example.org/traces.jsonl | sideseat-tui import -";

/// Number of requests that wait for their answer at once, so that they share commits. Their order does not matter: of two
/// records of a span the more complete one is kept.
const UNDER_WAY: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Store it as sent to this project
    #[arg(long, value_name = "NAME", default_value_t)]
    project: Project,
}

/// Reads every file, and complains about the bad ones.
pub fn import(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    logging(settings)?;
    let runtime = start::runtime()?;
    let destination = Destination::open(settings, &runtime)?;
    let mut importing = Importing {
        project: &arguments.project,
        destination: &destination,
        runtime: runtime.handle(),
        says: &complain,
        progress: progress(&arguments.files),
        metrics: false,
    };
    let mut bad = 0;
    for file in &arguments.files {
        bad += u64::from(!importing.file(file)?);
    }
    importing.progress.finish_and_clear();
    let files = format::exact(arguments.files.len() as u64 - bad);
    let metrics = if importing.metrics { "; metrics are not kept" } else { "" };
    writeln!(
        io::stdout(),
        "imported from {files} of {} files: {}{metrics}",
        arguments.files.len(),
        destination.close()
    )?;
    Ok(if bad == 0 { GOOD } else { BAD_INPUT })
}

/// Reads files into a store that is open. Returns how many of them were not read whole; what is wrong with them is printed.
pub fn into(intake: &Intake, files: &[PathBuf], runtime: &Runtime) -> anyhow::Result<u64> {
    let destination = Destination::Open(intake.clone());
    let mut importing = Importing {
        project: &Project::default(),
        destination: &destination,
        runtime: runtime.handle(),
        says: &complain,
        progress: progress(files),
        metrics: false,
    };
    let mut bad = 0;
    for file in files {
        bad += u64::from(!importing.file(file)?);
    }
    importing.progress.finish_and_clear();
    Ok(bad)
}

/// Reads files and sends what they hold to an instance. Prints nothing; returns what came of it, in words.
pub fn through(instance: Instance, files: &[PathBuf], runtime: &Handle) -> anyhow::Result<String> {
    let complaints = RefCell::new(Vec::new());
    let mut importing = Importing {
        project: &Project::default(),
        destination: &Destination::Instance(instance),
        runtime,
        says: &|why| complaints.borrow_mut().push(why.to_owned()),
        progress: ProgressBar::hidden(),
        metrics: false,
    };
    let mut whole = 0;
    for file in files {
        whole += usize::from(importing.file(file)?);
    }
    let why = complaints.borrow().first().map_or_else(String::new, |why| format!("; {why}"));
    Ok(match (files, whole) {
        ([one], 1) => format!("imported {}", one.display()),
        (files, whole) if files.len() == whole => format!("imported {whole} files"),
        ([_], _) => format!("not imported whole{why}"),
        (files, whole) => format!("imported {whole} of {} files whole{why}", files.len()),
    })
}

/// Where the requests are stored.
enum Destination {
    /// A store that somebody else closes.
    Open(Intake),
    /// This process holds the store.
    Store { store: Box<Store>, intake: Intake },
    /// Another process holds it.
    Instance(Instance),
}

/// The answer to one request: why it was not stored whole, for the complaints about its file.
///
/// # Errors
/// Why no other request can be stored either.
type Answer = anyhow::Result<Result<(), String>>;

impl Destination {
    fn open(settings: &Settings, runtime: &Runtime) -> anyhow::Result<Self> {
        let prices = start::prices();
        match start::open_store(settings, &prices, &complain) {
            Ok(store) => {
                if let Some(mended) = store.mended_in_words() {
                    complain(&mended);
                }
                let intake = Intake::new(store.writer(), prices, Counts::new());
                Ok(Self::Store { intake, store: Box::new(store) })
            }
            // The instance that holds the store can store it, and its screen shows it.
            Err(error) if error.is::<HeldByUs>() => {
                runtime.block_on(delivery::holder(settings)).map(Self::Instance).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a request, again and again while the store is behind.
    fn send(&self, export: Export) -> impl Future<Output = Answer> + Send + 'static {
        let acceptor = match self {
            Self::Store { intake, .. } | Self::Open(intake) => Ok(intake.clone()),
            Self::Instance(instance) => Err(instance.clone()),
        };
        async move {
            loop {
                let answer = match &acceptor {
                    Ok(intake) => intake.accept(export.clone()).await,
                    Err(instance) => instance.export(export.clone()).await?,
                };
                return match answer {
                    Ok(accepted) if accepted.rejected > 0 => Ok(Err(accepted.why)),
                    Ok(_) => Ok(Ok(())),
                    Err(Refusal::Busy { retry_after }) => {
                        sleep(retry_after).await;
                        continue;
                    }
                    Err(refusal @ (Refusal::Failing(_) | Refusal::Disk(_) | Refusal::Closing)) => Err(refusal.into()),
                    Err(refusal) => Ok(Err(refusal.to_string())),
                };
            }
        }
    }

    /// Closes the store, if it is held here. Returns what was stored, in words.
    fn close(self) -> String {
        match self {
            Self::Store { store, intake } => {
                let counts = intake.counts().snapshot();
                drop(intake);
                store.close();
                format!("{} spans, {} log records", format::exact(counts.spans), format::exact(counts.logs))
            }
            Self::Open(intake) => {
                let counts = intake.counts().snapshot();
                format!("{} spans, {} log records", format::exact(counts.spans), format::exact(counts.logs))
            }
            Self::Instance(_) => "taken by the sideseat-tui that is running".to_owned(),
        }
    }
}

/// What the reading of all files shares.
struct Importing<'a> {
    project: &'a Project,
    destination: &'a Destination,
    runtime: &'a Handle,
    /// Takes what is wrong with the files.
    says: &'a dyn Fn(&str),
    progress: ProgressBar,
    /// Whether any file held metrics, which are not kept.
    metrics: bool,
}

impl Importing<'_> {
    /// Reads one file. Returns whether all of it was stored.
    fn file(&mut self, path: &Path) -> anyhow::Result<bool> {
        let name = path.display().to_string();
        self.progress.set_message(name.clone());
        let mut complaints = Complaints { name, progress: self.progress.clone(), says: self.says, count: 0 };
        let input: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            match open(path) {
                Ok(file) => Box::new(self.progress.wrap_read(file)),
                Err(error) => {
                    complaints.add(&error.to_string());
                    return Ok(false);
                }
            }
        };
        let mut under_way = JoinSet::new();
        inputs::read(input, &mut |request| {
            match request {
                Ok(request) => {
                    self.metrics |= request.signal == Signal::Metrics;
                    under_way.spawn_on(self.destination.send(self.export(request)), self.runtime);
                }
                Err(bad) => complaints.add(&bad.to_string()),
            }
            while under_way.len() >= UNDER_WAY {
                complaints.take(self.runtime.block_on(under_way.join_next()))?;
            }
            anyhow::Ok(())
        })?;
        while !under_way.is_empty() {
            complaints.take(self.runtime.block_on(under_way.join_next()))?;
        }
        Ok(complaints.end())
    }

    fn export(&self, request: Request) -> Export {
        let Request { signal, encoding, body } = request;
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Export { signal, project: self.project.clone(), body, encoding, peer, waited: Duration::ZERO }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // Reading a folder fails with a less helpful error.
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

/// What is wrong with one file, printed as it is found.
struct Complaints<'a> {
    name: String,
    progress: ProgressBar,
    says: &'a dyn Fn(&str),
    count: usize,
}

impl Complaints<'_> {
    /// Most complaints that are printed: a file may have a million bad lines.
    const PRINTED: usize = 10;

    fn add(&mut self, why: &str) {
        self.count += 1;
        if self.count <= Self::PRINTED {
            self.progress.suspend(|| (self.says)(&format!("{}: {why}", self.name)));
        }
    }

    /// Adds what is wrong with one request; `None` is no request.
    fn take(&mut self, answer: Option<Result<Answer, JoinError>>) -> anyhow::Result<()> {
        match answer {
            None => {}
            Some(Ok(answer)) => {
                if let Err(why) = answer? {
                    self.add(&why);
                }
            }
            Some(Err(panicked)) => self.add(&panicked.to_string()),
        }
        Ok(())
    }

    /// Prints how many complaints were not printed. Returns whether there were none.
    fn end(self) -> bool {
        if let Some(more) = self.count.checked_sub(Self::PRINTED).filter(|more| *more > 0) {
            self.progress.suspend(|| (self.says)(&format!("{}: … and {more} more", self.name)));
        }
        self.count == 0
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress(files: &[PathBuf]) -> ProgressBar {
    let size = files.iter().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
    let progress = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {eta} {msg}") {
        progress.set_style(style);
    }
    progress
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(open(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
