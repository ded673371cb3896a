//! Delivers the exports of a command: to the instance that is running, else into the store.

use std::{path::Path, slice, sync::Arc};

use tokio::{runtime::Handle, sync::Mutex, task};

use super::{
    answering::{Answering, Desk},
    complain,
    instance::{Health, Instance},
};
use crate::{
    config::{
        Db, Settings,
        instances::{self, Entry},
    },
    model::{Timestamp, TraceId},
    pricing::Prices,
    receive::{Accepted, Address, Counts, Export, ExportSink, Intake, Refusal},
    start,
    store::Store,
};

/// Sends every export to where it is stored. Cheap to clone.
#[derive(Clone)]
pub struct Delivery {
    settings: Arc<Settings>,
    /// Where this process listens: others find it there while it holds the store itself.
    address: Address,
    counts: Arc<Counts>,
    /// `None` until the first export, and after the instance stopped answering.
    destination: Arc<Mutex<Option<Destination>>>,
}

/// Where exports are stored.
enum Destination {
    /// Another process, which holds the store.
    Instance(Instance),
    /// This process.
    Store(Box<OwnStore>),
}

/// The store, held by this process until its command ends.
struct OwnStore {
    intake: Intake,
    store: Store,
    /// So that a second `run` sends its exports here, and commands that read are answered.
    answering: Answering,
}

/// What accepts exports at a [`Destination`], for use without holding its lock.
enum Acceptor {
    Instance(Instance),
    Intake(Intake),
}

impl Delivery {
    /// Knows no destination yet; `address` is where this process listens.
    #[must_use]
    pub fn new(settings: &Settings, address: Address) -> Self {
        Self { settings: Arc::new(settings.clone()), address, counts: Counts::new(), destination: Arc::default() }
    }

    /// Commits what waits and closes the store, if this process holds it.
    pub async fn close(self) {
        if let Some(Destination::Store(own)) = self.destination.lock().await.take() {
            let OwnStore { intake, store, answering } = *own;
            answering.close();
            drop(intake);
            // If the runtime ends first the store is closed all the same, and nobody waits for it.
            let _ = task::spawn_blocking(move || store.close()).await;
        }
    }

    async fn acceptor(&self) -> Result<Acceptor, Refusal> {
        let mut destination = self.destination.lock().await;
        let found = match destination.take() {
            Some(destination) => destination,
            None => self.find().await?,
        };
        Ok(match destination.insert(found) {
            Destination::Instance(instance) => Acceptor::Instance(instance.clone()),
            Destination::Store(own) => Acceptor::Intake(own.intake.clone()),
        })
    }

    /// Looks for the running instance, and opens the store if there is none. An instance may start and end while the
    /// command runs, so this is done at the first export, and again when the instance stops answering.
    async fn find(&self) -> Result<Destination, Refusal> {
        if let Some(instance) = running(&self.settings).await {
            return Ok(Destination::Instance(instance));
        }
        let settings = Arc::clone(&self.settings);
        let opened = task::spawn_blocking(move || {
            let prices = start::prices();
            start::open_store(&settings, &prices, &complain).map(|store| {
                if let Some(mended) = store.mended_in_words() {
                    complain(&mended);
                }
                (store, prices)
            })
        });
        let opened = opened.await.map_err(|_| Refusal::Panicked)?;
        let (store, prices) = opened.map_err(|error| Refusal::Failing(format!("{error:#}")))?;
        Ok(Destination::Store(Box::new(self.own(store, prices))))
    }

    fn own(&self, store: Store, prices: Arc<Prices>) -> OwnStore {
        let intake = Intake::new(store.writer(), prices, Arc::clone(&self.counts));
        let addresses = slice::from_ref(&self.address);
        let desk = Desk::new(&store, &self.counts, addresses, &Handle::current());
        // What `run` listens at is reached by this machine only, and takes what its program sends without a token.
        let answering = Answering::start(&self.settings, addresses, desk, None);
        OwnStore { intake, store, answering }
    }
}

impl ExportSink for Delivery {
    async fn accept(&self, export: Export) -> Result<Accepted, Refusal> {
        let mut why = String::new();
        // The second time for an instance that ended since the last export.
        for _ in 0..2 {
            match self.acceptor().await? {
                Acceptor::Intake(intake) => return intake.accept(export).await,
                Acceptor::Instance(instance) => match instance.export(export.clone()).await {
                    Ok(answer) => return answer,
                    Err(unreachable) => {
                        why = unreachable.to_string();
                        let mut destination = self.destination.lock().await;
                        destination.take_if(|destination| matches!(destination, Destination::Instance(_)));
                    }
                },
            }
        }
        Err(Refusal::Failing(why))
    }

    /// Where another process holds the store, `run` announces it there itself.
    async fn program_ended(&self, unfinished: Vec<TraceId>, at: Timestamp) {
        let intake = match self.destination.lock().await.as_ref() {
            Some(Destination::Store(own)) => own.intake.clone(),
            Some(Destination::Instance(_)) | None => return,
        };
        intake.program_ended(unfinished, at).await;
    }

    fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

/// The running instance that a command without an address is for: the one that holds the file in force; if the user
/// chose no file, else the newest of all. `None` if none of them answers.
pub async fn running(settings: &Settings) -> Option<Instance> {
    let mut answering = answering(&settings.paths.instances()?).await;
    let entries: Vec<&Entry> = answering.iter().map(|(entry, _)| entry).collect();
    let chosen = choose(&entries, file(settings), settings.db.is_default())?;
    Some(answering.swap_remove(chosen).1)
}

/// The running instance that holds the file in force; `None` if none does or it does not answer.
pub async fn holder(settings: &Settings) -> Option<Instance> {
    let answering = answering(&settings.paths.instances()?).await;
    let entries: Vec<&Entry> = answering.iter().map(|(entry, _)| entry).collect();
    let chosen = choose(&entries, file(settings), false)?;
    answering.into_iter().nth(chosen).map(|(_, instance)| instance)
}

/// The instances that answer, the newest first.
///
/// An entry counts only while its instance is alive, so its address is not another process's. An instance that is silent
/// may be suspended, and one in another container may not be reached: both stay registered.
async fn answering(folder: &Path) -> Vec<(Entry, Instance)> {
    let mut answering = Vec::new();
    for entry in instances::alive(folder) {
        let Some(instance) = entry.http().map(|address| Instance::at(address, entry.token.clone())) else { continue };
        if instance.health().await == (Health::Answers { pid: entry.pid }) {
            answering.push((entry, instance));
        }
    }
    answering
}

/// The place of the entry that holds `file`, else of the first one if `any` will do.
fn choose(entries: &[&Entry], file: Option<&Path>, any: bool) -> Option<usize> {
    let holder = file.and_then(|file| entries.iter().position(|entry| entry.holds(file)));
    holder.or_else(|| (any && !entries.is_empty()).then_some(0))
}

/// The file in force; `None` for a store in memory.
fn file(settings: &Settings) -> Option<&Path> {
    match &settings.db.value {
        Db::File(file) => Some(file),
        Db::Memory => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::instances::Listening;

    #[tokio::test]
    async fn a_process_that_took_over_the_number_of_a_dead_one_is_no_instance() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stale = Entry {
            pid: std::process::id(),
            version: String::new(),
            started: String::new(),
            db: None,
            addresses: vec![Listening { what: "http".into(), address: nobody }],
            socket: None,
            token: None,
        };
        fs::write(folder.path().join("1.json"), serde_json::to_vec(&stale).unwrap()).unwrap();
        assert!(answering(folder.path()).await.is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_holder_of_the_file_is_meant_and_any_instance_only_where_no_file_was_chosen() {
        let entry = |db: &str| Entry {
            pid: 1,
            version: String::new(),
            started: String::new(),
            db: Some(db.into()),
            addresses: Vec::new(),
            socket: None,
            token: None,
        };
        let (newest, older) = (entry("/nowhere/a"), entry("/nowhere/b"));
        let entries = [&newest, &older];
        assert_eq!(choose(&entries, Some(Path::new("/nowhere/b")), true), Some(1));
        assert_eq!(choose(&entries, Some(Path::new("/nowhere/c")), true), Some(0));
        assert_eq!(choose(&entries, Some(Path::new("/nowhere/c")), false), None);
        assert_eq!(choose(&entries, None, false), None);
        assert_eq!(choose(&[], None, true), None);
    }
}
