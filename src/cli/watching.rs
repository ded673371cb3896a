//! What is behind the screen: the store and the listeners of this process, or another instance that it is attached to.
//!
//! ```text
//!   Opening ─▶ Holds                    the store and the ports are open here
//!      │
//!      └─────▶ Attached ─▶ Ended ─▶ Opening     when the other instance ends: whoever comes next is attached to,
//!                                               or the user has this process take its place
//! ```

use std::{
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::runtime::Handle;

use super::{
    answering::Answering,
    demo::Stage,
    screens::{Address, Remote, Wire, dial},
    seen::shown,
    serve,
    written::{self, Holder},
};
use crate::{
    app::{Ended, Export},
    config::{Secret, Settings},
    receive::{Counts, Listeners},
    start::{self, HeldByUs, OwnToken, Rooms},
    store::OpenError,
};

/// How long a store may be held by an instance that does not answer: one that was just started, or that is closing.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
/// How long nobody may answer before that is said: another instance may take over at once.
const GAP: Duration = Duration::from_millis(500);
/// How often somebody to attach to is looked for.
const LOOK: Duration = Duration::from_millis(300);
const LOOK_FAR: Duration = Duration::from_secs(2);

/// What the screen is to show.
pub enum Shows {
    /// The store that the settings name, whoever holds it.
    Store,
    /// What the instance at this address holds.
    Far { address: Address, token: Option<Secret> },
}

/// What can be opened before there is a screen.
pub enum Prepared {
    Listening(Listeners, OwnToken),
    Reached(Wire),
    /// Another instance holds the store.
    Held,
}

/// What is behind the screen, and what puts something else there.
pub struct Watching {
    settings: Settings,
    shows: Shows,
    stage: Stage,
    runtime: Handle,
    counts: Arc<Counts>,
    now: Mutex<Now>,
}

/// What is behind the screen now.
enum Now {
    /// Something is being opened, by one thread.
    Opening,
    Attached(Remote),
    /// The other instance has ended.
    Ended,
    Holds(Box<Holds>),
    /// The screen has ended.
    Closed,
}

struct Holds {
    answering: Answering,
    rooms: Rooms,
}

impl Watching {
    pub fn new(settings: &Settings, shows: Shows, stage: &Stage, runtime: &Handle) -> Arc<Self> {
        Arc::new(Self {
            settings: settings.clone(),
            shows,
            stage: stage.clone(),
            runtime: runtime.clone(),
            counts: Counts::new(),
            now: Mutex::new(Now::Opening),
        })
    }

    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The place of what is shown, where the settings do not say it.
    pub fn place(&self) -> Option<String> {
        match &self.shows {
            Shows::Store => None,
            Shows::Far { address, .. } => Some(address.to_string()),
        }
    }

    /// Opens what takes a moment only, and may fail in a way that should be said before there is a screen.
    pub fn prepare(&self) -> anyhow::Result<Prepared> {
        match &self.shows {
            Shows::Far { address, token } => Ok(Prepared::Reached(dial(address, token.as_ref())?)),
            Shows::Store => match start::answering(&self.settings) {
                Some(held) => held.same_version().map(|()| Prepared::Held),
                None => self.bind().map(|(listeners, token)| Prepared::Listening(listeners, token)),
            },
        }
    }

    fn bind(&self) -> anyhow::Result<(Listeners, OwnToken)> {
        let token = start::token(&self.settings, true)?;
        let listeners = self.runtime.block_on(start::bind(&self.settings, &token))?;
        let listening = listeners.addresses().iter().map(shown).collect();
        self.stage.listening(listening);
        Ok((listeners, token))
    }

    /// Opens the store and serves the ports, or attaches to the instance that does.
    pub fn open(self: &Arc<Self>, mut prepared: Prepared) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            if matches!(*self.now(), Now::Closed) {
                return Ok(());
            }
            let opened = match prepared {
                Prepared::Reached(wire) => return self.attach(wire),
                Prepared::Listening(listeners, token) => self.hold(listeners, token),
                Prepared::Held => match self.connect()? {
                    Some(wire) => return self.attach(wire),
                    None => self.bind().and_then(|(listeners, token)| self.hold(listeners, token)),
                },
            };
            let Err(error) = opened else { return Ok(()) };
            // It may close just now, or have been started just now and not be registered yet.
            let is_held = match error.downcast_ref::<HeldByUs>() {
                Some(held) => held.socket.is_some(),
                None => matches!(error.downcast_ref(), Some(OpenError::Held { .. })),
            };
            if !is_held || began.elapsed() > PATIENCE {
                return Err(error);
            }
            thread::sleep(PAUSE);
            prepared = Prepared::Held;
        }
    }

    /// A connection to whoever holds what is shown; `None` if nobody does, or only for a moment longer.
    fn connect(&self) -> anyhow::Result<Option<Wire>> {
        match &self.shows {
            Shows::Far { address, token } => dial(address, token.as_ref()).map(Some),
            Shows::Store => {
                let Some(held) = start::answering(&self.settings) else { return Ok(None) };
                held.same_version()?;
                let socket = held.socket.as_deref().map(UnixStream::connect);
                Ok(socket.and_then(Result::ok).map(Wire::Unix))
            }
        }
    }

    fn attach(self: &Arc<Self>, wire: Wire) -> anyhow::Result<()> {
        let watching = Arc::clone(self);
        let remote = Remote::attach(wire, move |why| watching.lost(&why)).context("cannot attach")?;
        let mut now = self.now();
        if matches!(*now, Now::Closed) {
            remote.close();
            return Ok(());
        }
        anyhow::ensure!(!remote.is_over(), "the sideseat-tui that was attached to has ended");
        let listening = match &self.shows {
            Shows::Store => remote.hello().listening.clone(),
            Shows::Far { address, .. } => vec![address.listening()],
        };
        self.stage.listening(listening);
        self.stage.attached(remote.clone());
        if let Shows::Store = self.shows {
            let pid = remote.hello().pid;
            self.stage.notice(format!("attached to the sideseat-tui that holds this store (pid {pid})"));
        }
        *now = Now::Attached(remote);
        Ok(())
    }

    fn hold(&self, listeners: Listeners, token: OwnToken) -> anyhow::Result<()> {
        let (addresses, stage) = (listeners.addresses(), self.stage.clone());
        let (rooms, desk) = serve::open(
            &self.settings,
            listeners,
            &self.counts,
            &self.runtime,
            |intake| stage.before(intake),
            &|says| {
                self.stage.notice(says.to_owned());
            },
        )?;
        let mut now = self.now();
        if matches!(*now, Now::Closed) {
            rooms.close(&self.runtime);
            return Ok(());
        }
        self.stage.live(Arc::clone(&rooms.store));
        if let Some(mended) = rooms.store.mended_in_words() {
            self.stage.notice(mended);
        }
        let OwnToken { secret, is_new } = token;
        if let Some(secret) = secret.as_ref().filter(|_| is_new) {
            self.stage.token(secret);
        }
        let answering = Answering::start(&self.settings, &addresses, desk, secret);
        *now = Now::Holds(Box::new(Holds { answering, rooms }));
        Ok(())
    }

    /// The connection to the other instance has ended. Looks for the next one, on the caller's thread, and says that there
    /// is none.
    fn lost(self: &Arc<Self>, why: &str) {
        {
            let mut now = self.now();
            // Where it is being opened just now, whoever opens it deals with that.
            if !matches!(*now, Now::Attached(_)) {
                return;
            }
            *now = Now::Ended;
        }
        let (began, mut said) = (Instant::now(), false);
        loop {
            let looks = {
                let mut now = self.now();
                match *now {
                    Now::Ended => {
                        *now = Now::Opening;
                        true
                    }
                    // The user has this process take over.
                    Now::Opening => false,
                    Now::Attached(_) | Now::Holds(_) | Now::Closed => return,
                }
            };
            if looks {
                if let Ok(Some(wire)) = self.connect()
                    && self.attach(wire).is_ok()
                {
                    return;
                }
                let mut now = self.now();
                if matches!(*now, Now::Opening) {
                    *now = Now::Ended;
                }
            }
            if !said && began.elapsed() > GAP {
                said = true;
                self.stage.ended(self.ended(why));
            }
            thread::sleep(if matches!(self.shows, Shows::Store) { LOOK } else { LOOK_FAR });
        }
    }

    fn ended(&self, why: &str) -> Ended {
        match &self.shows {
            Shows::Store => Ended {
                why: "The sideseat-tui that received and stored has ended.".to_owned(),
                offer: "take over: open the store here, and listen".to_owned(),
            },
            Shows::Far { address, .. } => Ended {
                why: format!("The connection to {address} is lost: {why}."),
                offer: "connect again; it is tried every two seconds".to_owned(),
            },
        }
    }

    /// Has this process take the place of the instance that has ended.
    pub fn take_over(self: &Arc<Self>) {
        let watching = Arc::clone(self);
        let taking = thread::Builder::new().name("opening".to_owned()).spawn(move || watching.take());
        if let Err(error) = taking {
            tracing::warn!(%error, "no thread to take over");
        }
    }

    fn take(self: &Arc<Self>) {
        loop {
            let mut now = self.now();
            match *now {
                Now::Ended => {
                    *now = Now::Opening;
                    break;
                }
                // Somebody is being looked for.
                Now::Opening => drop(now),
                Now::Attached(_) | Now::Holds(_) | Now::Closed => return,
            }
            thread::sleep(PAUSE);
        }
        if let Err(error) = self.open(Prepared::Held) {
            let mut now = self.now();
            if matches!(*now, Now::Opening) {
                *now = Now::Ended;
                let Ended { offer, .. } = self.ended("");
                self.stage.ended(Ended { why: format!("{error:#}"), offer });
            }
        }
    }

    /// Writes something of what the other instance holds to a file here, and says where, or why not.
    pub fn export(&self, export: &Export) -> String {
        let remote = match &*self.now() {
            Now::Attached(remote) => remote.clone(),
            _ => return "nothing is written: the sideseat-tui that stored has ended".to_owned(),
        };
        written::write(&Holder::Remote(&remote), export)
    }

    /// Closes whatever is open. Everything that was accepted is stored then.
    pub fn close(&self) {
        let before = std::mem::replace(&mut *self.now(), Now::Closed);
        match before {
            Now::Holds(holds) => {
                holds.answering.close();
                holds.rooms.close(&self.runtime);
            }
            Now::Attached(remote) => remote.close(),
            Now::Opening | Now::Ended | Now::Closed => {}
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        // Each change under the lock is one assignment, so a panic leaves it whole.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
