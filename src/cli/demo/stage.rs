//! Which store the screen shows: the real one, or one in memory with the recorded runs.
//!
//! The recorded runs end with the first real export, so that it is seen at once.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc,
};
use std::thread;

use tokio::runtime::Handle;

use crate::{
    app::{Ended, Listening, NewToken, Seen},
    cli::{screens::Remote, seen::seen},
    config::Secret,
    decode::Signal,
    model::{Rescue, Timestamp, TraceId},
    pricing::Prices,
    receive::{Accepted, Counts, Export, ExportSink, Intake, Refusal},
    store::{Place, Store},
    terminal::Started,
};

/// Opens and closes the stores that the screen shows, and hands them to it. Cheap to clone.
#[derive(Clone)]
pub struct Stage {
    /// To the screen.
    started: mpsc::Sender<Started>,
    runtime: Handle,
    /// Whether the screen shows recorded runs.
    playing: Arc<AtomicBool>,
    stores: Arc<Mutex<Stores>>,
}

#[derive(Default)]
struct Stores {
    /// The real store; `None` until it is open, and while another instance holds it.
    live: Option<Arc<Store>>,
    /// The instance that holds it, if this process is attached to one.
    remote: Option<Remote>,
    /// The store of the recorded runs. It is kept until the program ends: to close it earlier would make the screen wait.
    demo: Option<Arc<Store>>,
    player: Option<Player>,
}

/// The thread that plays.
struct Player {
    /// Stops the thread when it is dropped.
    keep_playing: Option<mpsc::Sender<()>>,
    thread: thread::JoinHandle<()>,
}

impl Stage {
    pub fn new(started: mpsc::Sender<Started>, runtime: Handle) -> Self {
        Self { started, runtime, playing: Arc::default(), stores: Arc::default() }
    }

    /// Shows the real store, which is open now.
    pub fn live(&self, store: Arc<Store>) {
        let mut stores = self.stores();
        (stores.live, stores.remote) = (Some(Arc::clone(&store)), None);
        drop(stores);
        self.send(Started::Store(store));
    }

    /// Shows the store of another instance.
    pub fn attached(&self, remote: Remote) {
        self.stores().remote = Some(remote.clone());
        self.send(Started::Attached(Arc::new(remote)));
    }

    /// Says that the instance that this process was attached to has ended.
    pub fn ended(&self, ended: Ended) {
        self.send(Started::Ended(ended));
    }

    /// Says where exports are taken.
    pub fn listening(&self, listening: Vec<Listening>) {
        self.send(Started::Listening(listening));
    }

    /// Shows a token that was made just now, this once.
    pub fn token(&self, token: &Secret) {
        self.send(Started::Token(NewToken { token: token.reveal().to_owned(), line: token.line() }));
    }

    /// Shows something that the user should know of the real store.
    pub fn notice(&self, text: String) {
        self.send(Started::Notice(text));
    }

    /// Reports that the real store cannot be opened.
    pub fn failed(&self, why: &str) {
        self.send(Started::Failed(why.to_owned()));
    }

    /// What the listeners of the real store have seen, here or in the instance that holds it.
    pub fn seen(&self, counts: &Counts) -> Seen {
        let stores = self.stores();
        match &stores.remote {
            Some(remote) => remote.seen(),
            None => seen(counts, stores.live.as_ref().map(|store| store.health()).unwrap_or_default()),
        }
    }

    /// Shows the recorded runs, played into a store of their own. Does nothing if they are playing.
    pub fn play(&self) {
        if self.playing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (keep_playing, stopped) = mpsc::channel();
        let stage = self.clone();
        let playing = thread::Builder::new().name("demo".to_owned()).spawn(move || {
            if let Err(error) = stage.play_until(&stopped) {
                tracing::warn!(%error, "the recorded runs were not played to their end");
            }
        });
        match playing {
            Ok(thread) => self.stores().player = Some(Player { keep_playing: Some(keep_playing), thread }),
            Err(error) => tracing::warn!(%error, "the recorded runs cannot be played"),
        }
    }

    fn play_until(&self, stopped: &mpsc::Receiver<()>) -> anyhow::Result<()> {
        let prices = Arc::new(Prices::bundled());
        let store = Arc::new(Store::open(&Place::Memory, Arc::clone(&prices))?);
        let intake = Intake::new(store.writer(), prices, Counts::new());
        self.stores().demo = Some(Arc::clone(&store));
        self.send(Started::Demo(Some(store)));
        super::play(&intake, &self.runtime, stopped)?;
        Ok(())
    }

    /// A sink for the real store that ends the recorded runs at the first export.
    pub fn before(self, intake: Intake) -> EndsDemo {
        EndsDemo { intake, stage: self }
    }

    /// Ends the recorded runs and shows the real store again.
    fn end_demo(&self) {
        if !self.playing.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Some(player) = &mut self.stores().player {
            player.keep_playing = None;
        }
        self.send(Started::Demo(None));
    }

    /// Stops the player and drops the stores.
    pub fn close(&self) {
        // Joined without holding the lock, which the player may need.
        let player = self.stores().player.take();
        if let Some(Player { keep_playing, thread }) = player {
            drop(keep_playing);
            // A player that panicked has stopped, too.
            let _ = thread.join();
        }
        let stores = std::mem::take(&mut *self.stores());
        drop(stores);
    }

    fn send(&self, started: Started) {
        // A screen that is gone already need not know.
        let _ = self.started.send(started);
    }

    fn stores(&self) -> MutexGuard<'_, Stores> {
        // Each change under the lock is one assignment, so a panic leaves it whole.
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Stage::before`].
#[derive(Clone)]
pub struct EndsDemo {
    intake: Intake,
    stage: Stage,
}

impl ExportSink for EndsDemo {
    async fn accept(&self, export: Export) -> Result<Accepted, Refusal> {
        let is_shown = export.signal != Signal::Metrics;
        let answer = self.intake.accept(export).await;
        if is_shown && answer.is_ok() {
            self.stage.end_demo();
        }
        answer
    }

    async fn program_ended(&self, unfinished: Vec<TraceId>, at: Timestamp) {
        self.intake.program_ended(unfinished, at).await;
    }

    fn counts(&self) -> &Arc<Counts> {
        self.intake.counts()
    }

    fn is_failing(&self) -> bool {
        self.intake.is_failing()
    }

    fn rescue(&self) -> Option<Rescue> {
        self.intake.rescue()
    }
}
