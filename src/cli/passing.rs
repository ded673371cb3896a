//! Where a command's exports go: on to the instance that is running, else into the store.

use std::{path::Path, slice, sync::Arc};

use tokio::{sync::Mutex, task};

use super::forward::{Instance, Pulse};
use crate::{
    config::{
        Db, Settings,
        instances::{self, Entry, Registered},
    },
    pricing::Prices,
    receive::{Accepted, Address, Counts, Export, Intake, Refusal, Taker},
    start,
    store::Store,
};

/// Takes exports and sees to it that somebody stores them. Cheap to clone.
#[derive(Clone)]
pub struct Passing {
    settings: Arc<Settings>,
    /// Where others can reach us, while we hold the store ourselves.
    address: Address,
    counts: Arc<Counts>,
    way: Arc<Mutex<Option<Way>>>,
}

enum Way {
    On(Instance),
    In(OwnStore),
}

/// The store, held by this process for as long as its command lasts.
struct OwnStore {
    intake: Intake,
    store: Store,
    /// So that a second `run` passes its exports to us.
    registered: Option<Registered>,
}

/// A [`Way`] that can be gone without holding the lock.
enum Step {
    On(Instance),
    In(Intake),
}

impl Passing {
    #[must_use]
    pub fn new(settings: &Settings, address: Address) -> Self {
        Self { settings: Arc::new(settings.clone()), address, counts: Counts::new(), way: Arc::default() }
    }

    /// Commits what waits and lets go of the store, if it was held.
    pub async fn close(self) {
        if let Some(Way::In(OwnStore { intake, store, registered })) = self.way.lock().await.take() {
            drop((registered, intake));
            // It is closed also if the pool has gone; nobody can be told.
            let _ = task::spawn_blocking(move || store.close()).await;
        }
    }

    async fn step(&self) -> Result<Step, Refusal> {
        let mut way = self.way.lock().await;
        let found = match way.take() {
            Some(way) => way,
            None => self.find().await?,
        };
        Ok(match way.insert(found) {
            Way::On(instance) => Step::On(instance.clone()),
            Way::In(own) => Step::In(own.intake.clone()),
        })
    }

    /// The instance may come and go while a program runs, so it is looked for at its first export, and again when it
    /// stops answering.
    async fn find(&self) -> Result<Way, Refusal> {
        if let Some(instance) = running(&self.settings).await {
            return Ok(Way::On(instance));
        }
        let settings = Arc::clone(&self.settings);
        let opened = task::spawn_blocking(move || {
            let prices = start::prices();
            start::open_store(&settings, &prices).map(|store| (store, prices))
        });
        let opened = opened.await.map_err(|_| Refusal::Panicked)?;
        let (store, prices) = opened.map_err(|error| Refusal::Failing(format!("{error:#}")))?;
        Ok(Way::In(self.own(store, prices)))
    }

    fn own(&self, store: Store, prices: Arc<Prices>) -> OwnStore {
        let intake = Intake::new(store.writer(), prices, Arc::clone(&self.counts));
        OwnStore { intake, store, registered: start::register(&self.settings, slice::from_ref(&self.address)) }
    }
}

impl Taker for Passing {
    async fn take(&self, export: Export) -> Result<Accepted, Refusal> {
        let mut why = String::new();
        // The second time for an instance that has gone since the last export.
        for _ in 0..2 {
            match self.step().await? {
                Step::In(intake) => return intake.take(export).await,
                Step::On(instance) => match instance.export(export.clone()).await {
                    Ok(answer) => return answer,
                    Err(unreachable) => {
                        why = unreachable.to_string();
                        let mut way = self.way.lock().await;
                        way.take_if(|way| matches!(way, Way::On(_)));
                    }
                },
            }
        }
        Err(Refusal::Failing(why))
    }

    fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

/// The instance that a user means who names none: the one that holds the file in force; where no file was chosen, the
/// newest of all.
pub async fn running(settings: &Settings) -> Option<Instance> {
    let mut answering = answering(&settings.paths.instances()?).await;
    let entries: Vec<&Entry> = answering.iter().map(|(entry, _)| entry).collect();
    let chosen = choose(&entries, file(settings), settings.db.is_default())?;
    Some(answering.swap_remove(chosen).1)
}

/// The instance that holds the file in force, if it answers.
pub async fn holder(settings: &Settings) -> Option<Instance> {
    let answering = answering(&settings.paths.instances()?).await;
    let entries: Vec<&Entry> = answering.iter().map(|(entry, _)| entry).collect();
    let chosen = choose(&entries, file(settings), false)?;
    answering.into_iter().nth(chosen).map(|(_, instance)| instance)
}

/// The instances that answer, the newest first.
///
/// A process id may have been given to another process, so being alive is not enough. One that is silent stays known
/// (it may be suspended), one that is somebody else does not.
async fn answering(folder: &Path) -> Vec<(Entry, Instance)> {
    let mut answering = Vec::new();
    for entry in instances::alive(folder) {
        let Some(instance) = entry.http().map(Instance::at) else { continue };
        match instance.pulse().await {
            Pulse::Beats { pid } if pid == entry.pid => answering.push((entry, instance)),
            Pulse::Silent => {}
            Pulse::Beats { .. } | Pulse::Stranger => instances::forget(folder, &entry),
        }
    }
    answering
}

fn choose(entries: &[&Entry], file: Option<&Path>, any: bool) -> Option<usize> {
    let holder = file.and_then(|file| entries.iter().position(|entry| entry.holds(file)));
    holder.or_else(|| (any && !entries.is_empty()).then_some(0))
}

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
        };
        std::mem::forget(instances::register(folder.path(), &stale).unwrap());
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
