//! `import FILE…`: recorded telemetry, into the store or through the instance that holds it.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::{runtime::Runtime, task::JoinSet, time::sleep};

use super::{
    BAD_INPUT, GOOD, complain,
    forward::Instance,
    inputs::{self, Request},
    passing,
};
use crate::{
    app::format,
    config::{Settings, logging},
    decode::Signal,
    model::Project,
    receive::{Counts, Export, Intake, Refusal, Taker as _},
    start::{self, HeldByUs},
    store::Store,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui import traces.json.gz logs.json.gz
  sideseat-tui import captures/*.pb --db captures.duckdb
  curl -s https://example.org/traces.jsonl | sideseat-tui import -";

/// So many requests are under way at once, so that they share commits. Their order does not matter: of two records
/// of a span the fuller one stays.
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

/// Reads every file; the bad ones are named.
pub fn import(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    logging(settings)?;
    let runtime = start::runtime()?;
    let way = Way::open(settings, &runtime)?;
    let mut importing = Importing {
        project: &arguments.project,
        way: &way,
        runtime: &runtime,
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
    writeln!(io::stdout(), "imported from {files} of {} files: {}{metrics}", arguments.files.len(), way.close())?;
    Ok(if bad == 0 { GOOD } else { BAD_INPUT })
}

/// Where it goes.
enum Way {
    In { store: Store, intake: Intake },
    On(Instance),
}

impl Way {
    fn open(settings: &Settings, runtime: &Runtime) -> anyhow::Result<Self> {
        let prices = start::prices();
        match start::open_store(settings, &prices) {
            Ok(store) => Ok(Self::In { intake: Intake::new(store.writer(), prices, Counts::new()), store }),
            // Who holds the store can take it; that is seen on its screen, too.
            Err(error) if error.is::<HeldByUs>() => {
                runtime.block_on(passing::holder(settings)).map(Self::On).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends what is to be stored; says what is wrong with it, or what makes going on pointless.
    fn sending(&self, export: Export) -> impl Future<Output = anyhow::Result<Result<(), String>>> + Send + 'static {
        let hand = match self {
            Self::In { intake, .. } => Ok(intake.clone()),
            Self::On(instance) => Err(instance.clone()),
        };
        async move {
            loop {
                let answer = match &hand {
                    Ok(intake) => intake.take(export.clone()).await,
                    Err(instance) => instance.export(export.clone()).await?,
                };
                return match answer {
                    Ok(accepted) if accepted.rejected > 0 => Ok(Err(accepted.why)),
                    Ok(_) => Ok(Ok(())),
                    Err(Refusal::Busy { retry_after }) => {
                        sleep(retry_after).await;
                        continue;
                    }
                    Err(refusal @ (Refusal::Failing(_) | Refusal::Closing)) => Err(refusal.into()),
                    Err(refusal) => Ok(Err(refusal.to_string())),
                };
            }
        }
    }

    /// Says what went in.
    fn close(self) -> String {
        match self {
            Self::In { store, intake } => {
                let seen = intake.counts().snapshot();
                drop(intake);
                store.close();
                format!("{} spans, {} log records", format::exact(seen.spans), format::exact(seen.logs))
            }
            Self::On(_) => "taken by the sideseat-tui that is running".to_owned(),
        }
    }
}

struct Importing<'a> {
    project: &'a Project,
    way: &'a Way,
    runtime: &'a Runtime,
    progress: ProgressBar,
    /// There were some.
    metrics: bool,
}

impl Importing<'_> {
    /// Reads one file; false where something was wrong with it.
    fn file(&mut self, path: &Path) -> anyhow::Result<bool> {
        let name = path.display().to_string();
        self.progress.set_message(name.clone());
        let mut complaints = Complaints { name, progress: self.progress.clone(), count: 0 };
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
        inputs::read(input, &mut |piece| {
            match piece {
                Ok(request) => {
                    self.metrics |= request.signal == Signal::Metrics;
                    under_way.spawn_on(self.way.sending(self.export(request)), self.runtime.handle());
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
        Export { signal, project: self.project.clone(), body, encoding, peer }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // Reading a folder says nothing so clear.
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
}

/// What is wrong with one file.
struct Complaints {
    name: String,
    progress: ProgressBar,
    count: usize,
}

type Answered = Option<Result<anyhow::Result<Result<(), String>>, tokio::task::JoinError>>;

impl Complaints {
    /// A file of a million bad lines is bad enough after the first few.
    const TOLD: usize = 10;

    fn add(&mut self, why: &str) {
        self.count += 1;
        if self.count <= Self::TOLD {
            self.progress.suspend(|| complain(&format!("{}: {why}", self.name)));
        }
    }

    /// Takes the answer to one request.
    fn take(&mut self, answer: Answered) -> anyhow::Result<()> {
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

    /// Whether there were none.
    fn end(self) -> bool {
        if let Some(more) = self.count.checked_sub(Self::TOLD).filter(|more| *more > 0) {
            self.progress.suspend(|| complain(&format!("{}: … and {more} more", self.name)));
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
