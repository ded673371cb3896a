//! Which store the screen looks at: the real one, or the recorded runs in memory.
//!
//! Recorded runs end with the first real export: whoever looks around should see their own program arrive.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc,
};
use std::thread;

use tokio::runtime::Handle;

use crate::{
    decode::Signal,
    pricing::Prices,
    receive::{Accepted, Counts, Export, Intake, Refusal, Taker},
    store::{Place, Store, StoreHealth},
    terminal::Started,
};

/// Tells the screen what it is to look at. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    tells: mpsc::Sender<Started>,
    runtime: Handle,
    playing: Arc<AtomicBool>,
    stores: Arc<Mutex<Stores>>,
}

#[derive(Default)]
struct Stores {
    live: Option<Arc<Store>>,
    /// Kept until all is closed: to close it while the screen lives would make the screen wait.
    demo: Option<Arc<Store>>,
    player: Option<Player>,
}

/// The thread that plays.
struct Player {
    /// Dropped, it stops the thread.
    goes_on: Option<mpsc::Sender<()>>,
    thread: thread::JoinHandle<()>,
}

impl Stage {
    pub fn new(tells: mpsc::Sender<Started>, runtime: Handle) -> Self {
        Self { tells, runtime, playing: Arc::default(), stores: Arc::default() }
    }

    /// The real store is open.
    pub fn live(&self, store: Arc<Store>) {
        self.stores().live = Some(Arc::clone(&store));
        self.tell(Started::Store(store));
    }

    /// It cannot be opened.
    pub fn failed(&self, why: &str) {
        self.tell(Started::Failed(why.to_owned()));
    }

    /// How the real store is doing.
    pub fn health(&self) -> StoreHealth {
        self.stores().live.as_ref().map(|store| store.health()).unwrap_or_default()
    }

    /// Plays the recorded runs into a store of their own, and has the screen look at that.
    pub fn play(&self) {
        if self.playing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (goes_on, stopped) = mpsc::channel();
        let stage = self.clone();
        let playing = thread::Builder::new().name("demo".to_owned()).spawn(move || {
            if let Err(error) = stage.play_until(&stopped) {
                tracing::warn!(%error, "the recorded runs were not played to their end");
            }
        });
        match playing {
            Ok(thread) => self.stores().player = Some(Player { goes_on: Some(goes_on), thread }),
            Err(error) => tracing::warn!(%error, "the recorded runs cannot be played"),
        }
    }

    fn play_until(&self, stopped: &mpsc::Receiver<()>) -> anyhow::Result<()> {
        let prices = Arc::new(Prices::bundled());
        let store = Arc::new(Store::open(&Place::Memory, Arc::clone(&prices))?);
        let intake = Intake::new(store.writer(), prices, Counts::new());
        self.stores().demo = Some(Arc::clone(&store));
        self.tell(Started::Demo(Some(store)));
        super::play(&intake, &self.runtime, stopped)?;
        Ok(())
    }

    /// What takes exports into the real store, and ends the recorded runs.
    pub fn before(self, intake: Intake) -> Watched {
        Watched { intake, stage: self }
    }

    fn arrived(&self) {
        if !self.playing.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Some(player) = &mut self.stores().player {
            player.goes_on = None;
        }
        self.tell(Started::Demo(None));
    }

    /// Stops the player and lets go of the stores.
    pub fn close(&self) {
        // Waited for outside the lock, which the player may want; it takes some store's milliseconds at most.
        let player = self.stores().player.take();
        if let Some(Player { goes_on, thread }) = player {
            drop(goes_on);
            // A player that panicked has stopped, too.
            let _ = thread.join();
        }
        let stores = std::mem::take(&mut *self.stores());
        drop(stores);
    }

    fn tell(&self, started: Started) {
        // A screen that is gone already need not know.
        let _ = self.tells.send(started);
    }

    fn stores(&self) -> MutexGuard<'_, Stores> {
        // Each change beneath it is one assignment, so it is whole whatever happened.
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An intake that notices when something real arrives.
#[derive(Clone)]
pub struct Watched {
    intake: Intake,
    stage: Stage,
}

impl Taker for Watched {
    async fn take(&self, export: Export) -> Result<Accepted, Refusal> {
        let shows = export.signal != Signal::Metrics;
        let taken = self.intake.take(export).await;
        if shows && taken.is_ok() {
            self.stage.arrived();
        }
        taken
    }

    fn counts(&self) -> &Arc<Counts> {
        self.intake.counts()
    }
}
