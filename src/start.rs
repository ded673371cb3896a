//! Opens the rooms, hands each what it needs, and closes them in reverse order.
//!
//! ```text
//!   ports are bound ─▶ store is opened ─▶ ports are served ─▶ instance is registered, for other commands (`cli::answering`)
//! ```
//!
//! Closing: the entry is removed, nothing new is accepted, requests that were begun are answered, what waits is committed.
//! What only the screen needs is opened by the command that has a screen.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use rustix::{fs::Mode as Permissions, process::umask};
use tokio::runtime::{Handle, Runtime};

use crate::{
    config::{
        Db, Given, Port, Secret, Settings, TokenChoice,
        instances::{self, Entry, Registered},
    },
    model::{Limits, Timestamp},
    pricing::Prices,
    receive::{Address, Counts, ExportSink, Intake, Listeners, PortChoice, Ports, Screens, Serving, Token},
    store::{self, OpenError, Place, Store},
};

/// How long tokio's blocking pool may work on after everything is closed. It can only be work of a connection that was
/// aborted.
pub const LAST_WORK: Duration = Duration::from_secs(2);

/// The umask that this process was started with, which is not the one that it works with.
#[derive(Debug, Clone, Copy)]
pub struct InheritedUmask(Permissions);

/// Makes every file that is created from now on accessible to its owner only.
pub fn set_private_umask() -> InheritedUmask {
    InheritedUmask(umask(Permissions::RWXG | Permissions::RWXO))
}

impl InheritedUmask {
    /// Starts a program with this umask. Programs inherit the umask of the process that starts them.
    pub fn around<T>(self, start: impl FnOnce() -> T) -> T {
        let private = umask(self.0);
        let started = start();
        umask(private);
        started
    }
}

/// The price table. It is decoded on a thread of its own, so that the first export need not wait for that.
#[must_use]
pub fn prices() -> Arc<Prices> {
    let prices = Arc::new(Prices::bundled());
    let warming = Arc::clone(&prices);
    // Any look-up makes it decode.
    thread::spawn(move || warming.window(None, Some("claude-sonnet-4-5"), None));
    prices
}

/// The tokio runtime that serves connections.
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
    pub pid: u32,
    listening: Vec<String>,
    /// Its version.
    pub version: String,
    /// The socket at which it answers commands that read; `None` if it answers none.
    pub socket: Option<PathBuf>,
}

impl HeldByUs {
    /// Refuses an instance of another version: what asks it must be of the same.
    ///
    /// # Errors
    /// It is of another version; the text says what to do.
    pub fn same_version(&self) -> anyhow::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        anyhow::ensure!(
            self.version == version,
            "the sideseat-tui that holds the store (pid {}) is version {}, this one is {version}; use the same version for \
             both, or stop that one",
            self.pid,
            self.version
        );
        Ok(())
    }
}

/// Opens the store that the settings name for a command that only reads: nothing of it is written. `says` is handed what
/// takes long, in words.
///
/// # Errors
/// Those of [`open_store`].
pub fn open_to_read(settings: &Settings, says: impl Fn(&str)) -> anyhow::Result<Store> {
    let prices = Arc::new(Prices::bundled());
    // An instance that rescues it has it closed meanwhile, and answers once that is done.
    if let Db::File(file) = &settings.db.value
        && store::is_being_rescued(file)
        && let Some(held) = answering(settings)
    {
        return Err(held.into());
    }
    let opened = match &settings.db.value {
        Db::Memory => Store::open(&Place::Memory, prices),
        Db::File(file) => Store::open_to_read(file, prices, says),
    };
    opened.map_err(|error| named(settings, error))
}

/// The same, but `None` where the store could only be read in a copy, which takes long.
///
/// # Errors
/// Those of [`open_store`].
pub fn open_settled_to_read(settings: &Settings) -> anyhow::Result<Option<Store>> {
    let Db::File(file) = &settings.db.value else { return Ok(None) };
    Store::open_settled_to_read(file, Arc::new(Prices::bundled()), |_| {}).map_err(|error| named(settings, error))
}

/// Opens the store that the settings name to remove something from it; it must be there. `says` is handed what takes long, and
/// what was damaged.
///
/// # Errors
/// Those of [`open_store`].
pub fn open_to_remove(settings: &Settings, says: &dyn Fn(&str)) -> anyhow::Result<Store> {
    match &settings.db.value {
        Db::Memory => anyhow::bail!("a store in memory is gone with its program; name one with --db"),
        Db::File(file) => anyhow::ensure!(file.exists(), "there is no store at {}", file.display()),
    }
    let store = open_store(settings, &Arc::new(Prices::bundled()), says)?;
    if let Some(mended) = store.mended_in_words() {
        says(&mended);
    }
    Ok(store)
}

/// The instance that holds the store that the settings name, if it is known and answers; `None` also for a store in
/// memory.
#[must_use]
pub fn answering(settings: &Settings) -> Option<HeldByUs> {
    let Db::File(file) = &settings.db.value else { return None };
    holder(settings, file, None).filter(|held| held.socket.is_some())
}

/// Opens the store that the settings name. `says` is handed what takes long, in words.
///
/// # Errors
/// [`HeldByUs`], else [`OpenError`].
pub fn open_store(settings: &Settings, prices: &Arc<Prices>, says: &dyn Fn(&str)) -> anyhow::Result<Store> {
    let place = match &settings.db.value {
        Db::Memory => Place::Memory,
        Db::File(file) => Place::File(file.clone()),
    };
    Store::open_saying(&place, Arc::clone(prices), says).map_err(|error| named(settings, error))
}

/// The error, with the instance that holds the file if that is why.
pub fn named(settings: &Settings, error: OpenError) -> anyhow::Error {
    match &error {
        OpenError::Held { path, pid } => match holder(settings, path, *pid) {
            Some(held) => held.into(),
            None => error.into(),
        },
        _ => error.into(),
    }
}

/// The registered instance that holds a file: the one with this process id, or, if that is not known, the one that
/// registered this file.
fn holder(settings: &Settings, path: &Path, pid: Option<u32>) -> Option<HeldByUs> {
    let mut entries = instances::alive(&settings.paths.instances()?).into_iter();
    let entry = entries.find(|entry| pid.map_or_else(|| entry.holds(path), |pid| entry.pid == pid))?;
    let listening = entry.addresses.iter().map(|listening| listening.address.to_string()).collect();
    let Entry { pid, version, socket, .. } = entry;
    Some(HeldByUs { path: path.to_owned(), pid, listening, version, socket })
}

/// How much is kept, by the settings.
#[must_use]
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        size: settings.keep_size.value.most().map(|bytes| bytes.0),
        age: settings.keep_age.value.most().map(|age| age.0),
        runs: settings.keep_runs.value.most(),
    }
}

/// The token of this process.
#[derive(Debug, Clone, Default)]
pub struct OwnToken {
    /// `None`: only this machine reaches the ports, and no token is needed.
    pub secret: Option<Secret>,
    /// It was made just now, and nobody knows it yet.
    pub is_new: bool,
}

/// The token that senders need: the one that is set, or a new one. `is_seen`: a person sees what this process writes, and
/// so would a token that is made without having been asked for.
///
/// # Errors
/// What is set is no token, or there is none where other machines can reach the ports.
pub fn token(settings: &Settings, is_seen: bool) -> anyhow::Result<OwnToken> {
    let bind = settings.bind.value;
    let new = || -> anyhow::Result<OwnToken> { Ok(OwnToken { secret: Some(Secret::random()?), is_new: true }) };
    match &settings.token.value {
        Some(TokenChoice::This(secret)) => Ok(OwnToken { secret: Some(secret.clone()), is_new: false }),
        Some(TokenChoice::Generate) => new(),
        Some(TokenChoice::Unusable(why)) => anyhow::bail!("{why}"),
        None if bind.is_open() && is_seen => new(),
        None if bind.is_open() => anyhow::bail!(
            "other machines can reach {bind}, so senders need a token there; set SIDESEAT_TUI_TOKEN, or type: \
             sideseat-tui serve --bind {bind} --token generate"
        ),
        None => Ok(OwnToken::default()),
    }
}

/// Binds the ports that the settings name.
///
/// # Errors
/// [`BindError`](crate::receive::BindError): a chosen port is taken.
pub async fn bind(settings: &Settings, token: &OwnToken) -> anyhow::Result<Listeners> {
    fn choice(port: &Given<Port>) -> PortChoice {
        match port.value {
            Port::Off => PortChoice::Off,
            Port::Number(number) if port.is_default() => PortChoice::Default(number),
            Port::Number(number) => PortChoice::Chosen(number),
        }
    }
    let Settings { grpc_port, http_port, sideseat_port, .. } = settings;
    let ports = Ports { grpc: choice(grpc_port), http: choice(http_port), sideseat: choice(sideseat_port) };
    let token = token.secret.as_ref().map(|secret| Token::new(secret.reveal()));
    Ok(Listeners::bind(settings.bind.value.0, &ports, token).await?)
}

/// Registers this process, so that `run`, `import` and commands that read find it; the latter are answered at `socket`,
/// and the others send the token.
/// `None` if there is no folder for that or it cannot be written, which is logged.
#[must_use]
pub fn register(
    settings: &Settings,
    addresses: &[Address],
    socket: Option<PathBuf>,
    token: Option<Secret>,
) -> Option<Registered> {
    let listening = |address: &Address| instances::Listening {
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
        socket,
        token,
    };
    let registered = instances::register(&settings.paths.instances()?, &entry);
    registered.inspect_err(|error| tracing::warn!(%error, "other commands will not find this instance")).ok()
}

/// The open store, and the ports that are served for it.
pub struct Rooms {
    pub store: Arc<Store>,
    serving: Serving,
}

impl Rooms {
    /// Opens the store and serves the ports, which are bound already. `sink` makes what exports are handed to from the
    /// intake of the store, `screens` what takes the screens that attach. `says` is handed what takes long, in words.
    ///
    /// # Errors
    /// Those of [`open_store`].
    pub fn open<T: ExportSink>(
        settings: &Settings,
        listeners: Listeners,
        counts: &Arc<Counts>,
        runtime: &Handle,
        sink: impl FnOnce(Intake) -> T,
        screens: impl FnOnce(&Store) -> Screens,
        says: &dyn Fn(&str),
    ) -> anyhow::Result<Self> {
        let prices = prices();
        let store = Arc::new(open_store(settings, &prices, says)?);
        store.keep(limits(settings));
        let listeners = listeners.with_screens(screens(&store));
        let addresses = listeners.addresses();
        let intake = Intake::new(store.writer(), prices, Arc::clone(counts));
        let serving = {
            let _within = runtime.enter();
            listeners.serve(sink(intake))
        };
        tracing::info!(db = %settings.db.value, ?addresses, "open");
        Ok(Self { store, serving })
    }

    /// Closes them in reverse order. Everything that was accepted is stored then.
    pub fn close(self, runtime: &Handle) {
        runtime.block_on(self.serving.close());
        if let Some(store) = Arc::into_inner(self.store) {
            store.close();
        }
        tracing::info!("closed");
    }
}
