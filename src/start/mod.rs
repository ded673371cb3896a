//! Opens every room, hands each what it needs, and closes them in reverse.
//!
//! ```text
//!   watch   log ─▶ ports ─▶ screen ─┐          the screen is drawn before the store is open, and never waits for it
//!                    └─▶ (a thread) store ─▶ connections are served ─▶ known to `run` and `import`
//!   serve   the same in one line, without the screen
//! ```
//!
//! Closing: unknown to others, take nothing new, answer what is in flight, commit what waits.

mod log;
mod stage;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rustix::{fs::Mode as Permissions, process::umask};
use tokio::{
    runtime::{Handle, Runtime},
    signal::unix::{SignalKind, signal},
};

pub use log::logging;

use crate::{
    app::{self, format::clock},
    cli::registry::{self, Entry, Registered},
    config::{Db, Given, Port, Settings},
    model::Timestamp,
    pricing::Prices,
    receive::{Address, Counts, Intake, Listeners, PortChoice, Ports, Protocol, Refused, Serving, Taker},
    store::{OpenError, Place, Store},
    terminal::{self, Mode, Started, Wiring},
};
use stage::Stage;

/// How long work of the pool may go on after all is closed: it can only be of a connection that was given up.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Everything that is created from now on is for this user alone.
pub fn for_this_user_only() {
    umask(Permissions::RWXG | Permissions::RWXO);
}

/// The price table, which starts decoding itself on a thread of its own.
#[must_use]
pub fn prices() -> Arc<Prices> {
    let prices = Arc::new(Prices::bundled());
    let warming = Arc::clone(&prices);
    // Any question makes it decode; the first export should not wait for that.
    thread::spawn(move || warming.window(None, "claude-sonnet-4-5"));
    prices
}

/// What sockets are served with.
///
/// # Errors
/// The system gives no threads.
pub fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("tokio").enable_all().build()
}

/// The store is open in another instance.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is held by another sideseat-tui (pid {pid}, listening on {}); stop that one, or choose another file with --db",
    .path.display(), .listening.join(", ")
)]
pub struct HeldByUs {
    path: PathBuf,
    pid: u32,
    listening: Vec<String>,
}

/// Opens the store that the settings name.
///
/// # Errors
/// [`HeldByUs`], else [`OpenError`].
pub fn open_store(settings: &Settings, prices: &Arc<Prices>) -> anyhow::Result<Store> {
    let place = match &settings.db.value {
        Db::Memory => Place::Memory,
        Db::File(file) => Place::File(file.clone()),
    };
    Store::open(&place, Arc::clone(prices)).map_err(|error| match &error {
        OpenError::Held { path, pid } => match holder(settings, path, *pid) {
            Some(held) => held.into(),
            None => error.into(),
        },
        _ => error.into(),
    })
}

/// The instance that holds a file: of this process id, or of this file where the system does not say which process.
fn holder(settings: &Settings, path: &Path, pid: Option<u32>) -> Option<HeldByUs> {
    let mut entries = registry::alive(&settings.paths.instances()?).into_iter();
    let entry = entries.find(|entry| pid.map_or_else(|| entry.holds(path), |pid| entry.pid == pid))?;
    let listening = entry.addresses.iter().map(|listening| listening.address.to_string()).collect();
    Some(HeldByUs { path: path.to_owned(), pid: entry.pid, listening })
}

/// Binds the ports that the settings name.
///
/// # Errors
/// [`BindError`](crate::receive::BindError): a chosen port is taken.
pub async fn bind(settings: &Settings) -> anyhow::Result<Listeners> {
    fn choice(port: &Given<Port>) -> PortChoice {
        match port.value {
            Port::Off => PortChoice::Off,
            Port::Number(number) if port.is_default() => PortChoice::Default(number),
            Port::Number(number) => PortChoice::Chosen(number),
        }
    }
    let Settings { grpc_port, http_port, sideseat_port, .. } = settings;
    let ports = Ports { grpc: choice(grpc_port), http: choice(http_port), sideseat: choice(sideseat_port) };
    Ok(Listeners::bind(settings.bind.value.0, &ports).await?)
}

/// Makes this process known to `run` and `import`; `None` where there is no place for that, which is logged.
#[must_use]
pub fn register(settings: &Settings, addresses: &[Address]) -> Option<Registered> {
    let listening = |address: &Address| registry::Listening {
        what: address.what.as_str().to_lowercase(),
        address: address.socket(),
    };
    let entry = Entry {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: Timestamp::now().to_string(),
        db: match &settings.db.value {
            Db::Memory => None,
            Db::File(file) => std::path::absolute(file).ok(),
        },
        addresses: addresses.iter().map(listening).collect(),
    };
    let registered = registry::register(&settings.paths.instances()?, &entry);
    registered.inspect_err(|error| tracing::warn!(%error, "`run` and `import` will not find this instance")).ok()
}

/// The rooms behind the screen, open.
struct Rooms {
    store: Arc<Store>,
    serving: Serving,
    registered: Option<Registered>,
}

impl Rooms {
    fn open<T: Taker>(
        settings: &Settings,
        listeners: Listeners,
        counts: &Arc<Counts>,
        runtime: &Handle,
        taker: impl FnOnce(Intake) -> T,
    ) -> anyhow::Result<Self> {
        let prices = prices();
        let store = Arc::new(open_store(settings, &prices)?);
        let addresses = listeners.addresses();
        let intake = Intake::new(store.writer(), prices, Arc::clone(counts));
        let serving = {
            let _within = runtime.enter();
            listeners.serve(taker(intake))
        };
        let registered = register(settings, &addresses);
        tracing::info!(db = %settings.db.value, ?addresses, "open");
        Ok(Self { store, serving, registered })
    }

    fn close(self, runtime: &Handle) {
        drop(self.registered);
        runtime.block_on(self.serving.close());
        if let Some(store) = Arc::into_inner(self.store) {
            store.close();
        }
        tracing::info!("closed");
    }
}

/// Receives without a screen until the process is told to stop; `ready` is told where it listens.
///
/// # Errors
/// Whatever keeps a room from opening.
pub fn serve(settings: &Settings, ready: impl FnOnce(&[Address]) -> io::Result<()>) -> anyhow::Result<()> {
    logging(settings)?;
    let runtime = runtime()?;
    let mut signals = runtime.block_on(async { StopSignals::new() })?;
    let listeners = runtime.block_on(bind(settings))?;
    let addresses = listeners.addresses();
    let rooms = Rooms::open(settings, listeners, &Counts::new(), runtime.handle(), |intake| intake)?;
    let ready = ready(&addresses);
    if ready.is_ok() {
        runtime.block_on(signals.arrival());
    }
    // Told again while closing, it ends at once: what was acknowledged is stored already.
    runtime.spawn(async move {
        signals.arrival().await;
        std::process::exit(130);
    });
    rooms.close(runtime.handle());
    runtime.shutdown_timeout(LAST_WORK);
    Ok(ready?)
}

/// SIGINT and SIGTERM: one is a request to stop, a second one to stop at once.
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn arrival(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Opens the screen and everything behind it.
///
/// # Errors
/// Whatever keeps a room from opening; the terminal has been given back by then.
pub fn watch(settings: &Settings) -> anyhow::Result<()> {
    logging(settings)?;
    let runtime = runtime()?;
    // Ports first: they are bound in a millisecond, and one that is taken is best said before the screen is there.
    let listeners = runtime.block_on(bind(settings))?;
    let counts = Counts::new();
    let (starting, started) = mpsc::channel();
    let stage = Stage::new(starting.clone(), runtime.handle().clone());
    // A screen that is gone already needs no addresses.
    let _ = starting.send(Started::Listening(listeners.addresses().iter().map(shown).collect()));

    let opening = {
        let (settings, counts, stage, runtime) =
            (settings.clone(), counts.clone(), stage.clone(), runtime.handle().clone());
        thread::Builder::new().name("opening".to_owned()).spawn(move || {
            let rooms = Rooms::open(&settings, listeners, &counts, &runtime, |intake| stage.clone().before(intake));
            match &rooms {
                Ok(rooms) => stage.live(rooms.store.clone()),
                Err(error) => stage.failed(&format!("{error:#}")),
            }
            rooms
        })?
    };
    let ended = terminal::run(wiring(settings, started, &stage, Mode::Live, counts));

    stage.close();
    let rooms = opening.join().map_err(|_| anyhow::anyhow!("opening the store failed; the log says where"))?;
    // What kept the rooms from opening is why the screen ended.
    rooms?.close(runtime.handle());
    runtime.shutdown_timeout(LAST_WORK);
    Ok(ended?)
}

/// Opens the screen over a store in memory, and plays the recorded runs into it.
///
/// # Errors
/// Whatever keeps the screen from opening.
pub fn demo(settings: &Settings) -> anyhow::Result<()> {
    logging(settings)?;
    let runtime = runtime()?;
    let (starting, started) = mpsc::channel();
    let stage = Stage::new(starting.clone(), runtime.handle().clone());
    let _ = starting.send(Started::Listening(Vec::new()));
    stage.play();
    let ended = terminal::run(wiring(settings, started, &stage, Mode::Demo, Counts::new()));
    stage.close();
    runtime.shutdown_timeout(LAST_WORK);
    Ok(ended?)
}

fn wiring(
    settings: &Settings,
    started: mpsc::Receiver<Started>,
    stage: &Stage,
    mode: Mode,
    counts: Arc<Counts>,
) -> Wiring {
    let (player, watched) = (stage.clone(), stage.clone());
    Wiring {
        theme: settings.theme.value.clone(),
        themes_dir: settings.paths.themes(),
        keys: settings.keys.value.clone(),
        started,
        seen: Box::new(move || seen(&counts, watched.failing())),
        demo: Box::new(move || player.play()),
        db: match &settings.db.value {
            Db::File(file) if mode == Mode::Live => settings.paths.shown(file),
            Db::File(_) | Db::Memory => "memory".to_owned(),
        },
        mode,
    }
}

/// An address as the screen shows it.
fn shown(address: &Address) -> app::Listening {
    let note = (address.port != address.wanted).then(|| {
        let holder = address.holder.as_deref().unwrap_or("somebody else");
        format!("{} is taken by {holder}", address.wanted)
    });
    app::Listening { what: address.what.as_str().to_owned(), address: address.ip.to_string(), port: address.port, note }
}

/// What was counted, as the screen shows it.
fn seen(counts: &Counts, failing: Option<String>) -> app::Seen {
    let seen = counts.snapshot();
    let refused = |refused: &Refused| {
        let Refused { at, peer, path, reason: _, why } = refused;
        format!("{} {path} from {peer}: {why}", clock(*at))
    };
    // `run` listens on a port that speaks both; a screen has none such.
    let known = seen.open.iter().filter(|(protocol, _)| *protocol != Protocol::Any);
    app::Seen {
        connections: known.map(|(protocol, open)| (protocol.as_str().to_owned(), *open)).collect(),
        exports: seen.exports,
        spans: seen.spans,
        logs: seen.logs,
        metric_points: seen.points,
        refused: seen.refusals(),
        refusals: seen.last_refused.iter().rev().map(refused).collect(),
        failing,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_says_why_it_is_not_the_usual_one() {
        let usual =
            Address { what: Protocol::Http, ip: Ipv4Addr::LOCALHOST.into(), port: 4318, wanted: 4318, holder: None };
        assert_eq!(shown(&usual).note, None);
        let moved = Address { port: 4319, holder: Some("otelcol, pid 7".into()), ..usual };
        assert_eq!(shown(&moved).note.as_deref(), Some("4318 is taken by otelcol, pid 7"));
    }
}
