//! Answers commands that read or remove something, and screens, while this instance holds the store.
//!
//! A command is run here, and its output sent back; what a screen asks is answered as by the store itself (`screens`).
//!
//! They ask over a Unix socket beside the registry's entry of this instance, which names it. Only this user can connect.
//! Screens of other machines come over HTTP, with the token.

use std::{
    fs, io,
    io::{BufRead as _, BufReader, Read as _, Write},
    net::Shutdown,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{net::UnixListener, runtime::Handle};
use tokio_util::sync::CancellationToken;

use super::{
    BAD_INPUT, GOOD,
    frames::{Frame, REQUEST_LIMIT, Request},
    reading::{BlobSink, Output},
    screens::{self, Hello},
    seen::{seen, shown},
};
use crate::{
    config::{Secret, Settings, instances::Registered},
    model::{Rescue, Timestamp},
    receive::{Address, Counts, Screens},
    start,
    store::{ReadAccess, Store},
};

/// Most connections at once, those of screens among them; a command whose reader has stopped reading keeps its place.
const PLACES: usize = 16 + screens::MOST;
/// How long a command may take to say what it asks.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of output that are sent at once.
const PORTION: usize = 64 << 10;

/// Keeps this instance registered, and answers commands until it is closed.
pub struct Answering {
    registered: Option<Registered>,
    /// The socket's file; `None` if there is none.
    socket: Option<PathBuf>,
    closes: CancellationToken,
    desk: Desk,
}

/// Answers whoever connects, by the socket or over HTTP. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    open: Arc<Open>,
    access: ReadAccess,
    counts: Arc<Counts>,
    hello: Hello,
    runtime: Handle,
}

/// The connections that are being answered.
#[derive(Default)]
struct Open {
    places: Mutex<Vec<Place>>,
    /// Nobody else is answered.
    closed: AtomicBool,
}

struct Place {
    stream: Arc<UnixStream>,
    is_screen: bool,
}

impl Desk {
    /// Answers from this store, of this process.
    pub fn new(store: &Store, counts: &Arc<Counts>, addresses: &[Address], runtime: &Handle) -> Self {
        Self {
            open: Arc::default(),
            access: store.read_access(),
            counts: Arc::clone(counts),
            hello: Hello { pid: std::process::id(), listening: addresses.iter().map(shown).collect() },
            runtime: runtime.clone(),
        }
    }

    /// Takes the connections of screens, and of nobody else.
    pub fn screens(&self) -> Screens {
        let desk = self.clone();
        Arc::new(move |stream| desk.take(stream, true))
    }

    /// Answers a connection on a thread of its own. `only_screens`: no command may be run over it.
    fn take(&self, stream: UnixStream, only_screens: bool) {
        let stream = Arc::new(stream);
        if !self.open.enter(&stream) {
            let busy = Frame::Failed(format!("{PLACES} others are being answered; try again when one has ended"));
            let _ = busy.write(&mut &*stream);
            return;
        }
        let desk = self.clone();
        self.runtime.spawn_blocking(move || {
            let left = Leaving(&desk.open, &stream);
            desk.answer(&stream, only_screens);
            drop(left);
        });
    }

    /// Closes every connection.
    fn close(&self) {
        let mut places = self.open.places();
        self.open.closed.store(true, Ordering::Relaxed);
        for place in places.drain(..) {
            // It may be closed already.
            let _ = place.stream.shutdown(Shutdown::Both);
        }
    }

    /// Answers a connection, and sends how that ended.
    fn answer(&self, stream: &Arc<UnixStream>, only_screens: bool) {
        let end = match self.run(stream, only_screens) {
            Ok(Some(code)) => Frame::Ended(code),
            Ok(None) => return,
            Err(error) => Frame::Failed(format!("{error:#}")),
        };
        // Who asked may be gone.
        let _ = end.write(&mut &**stream);
    }

    /// Runs a command, and returns its exit code; or answers a screen.
    fn run(&self, stream: &Arc<UnixStream>, only_screens: bool) -> anyhow::Result<Option<u8>> {
        let request = request(stream)?;
        let version = env!("CARGO_PKG_VERSION");
        anyhow::ensure!(
            request.version == version,
            "{} is version {}, the sideseat-tui that holds the store is {version}; use the same version for both",
            if request.screen { "this screen" } else { "this command" },
            request.version
        );
        if !request.screen {
            anyhow::ensure!(!only_screens, "only screens attach over HTTP");
            return run(request, stream, &self.access).map(Some);
        }
        anyhow::ensure!(
            self.open.becomes_screen(stream),
            "{} other screens are attached already; close one of them",
            screens::MOST
        );
        let store = self.access.open();
        let ended = screens::serve(stream, &store, self.hello.clone(), &|| seen(&self.counts, store.health()));
        if let Err(error) = ended {
            tracing::debug!(%error, "a screen is gone");
        }
        Ok(None)
    }
}

impl Answering {
    /// Registers this instance and answers commands and screens. What fails is logged; the instance works all the same.
    pub fn start(settings: &Settings, addresses: &[Address], desk: Desk, token: Option<Secret>) -> Self {
        let closes = CancellationToken::new();
        let socket = match listen(settings, &desk.runtime) {
            Ok((path, listener)) => {
                desk.runtime.spawn(accept(listener, desk.clone(), closes.clone()));
                Some(path)
            }
            Err(error) => {
                tracing::warn!(%error, "commands that read will be refused while this instance runs");
                None
            }
        };
        let registered = start::register(settings, addresses, socket.clone(), token);
        Self { registered, socket, closes, desk }
    }

    /// Answers no further command, and breaks off those that are being answered.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        drop(self.registered.take());
        self.closes.cancel();
        self.desk.close();
        if let Some(socket) = &self.socket {
            let _ = fs::remove_file(socket);
            if socket.ends_with(ALONE)
                && let Some(folder) = socket.parent()
            {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// The name of a socket in a folder of its own.
const ALONE: &str = "socket";

/// Makes the socket, which only this user can connect to.
fn listen(settings: &Settings, runtime: &Handle) -> anyhow::Result<(PathBuf, UnixListener)> {
    let name = format!("{}-{:x}.sock", std::process::id(), Timestamp::now().0);
    let folder = settings.paths.instances().context("there is no folder for its socket")?;
    let _within = runtime.enter();
    let (path, listener) = match bind(&folder, &name) {
        Ok(bound) => bound,
        // The name of a socket may have some hundred bytes, and a folder may lie deep.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let folder = tempfile::Builder::new().prefix("sideseat-tui-").tempdir()?.keep();
            bind(&folder, ALONE)?
        }
        Err(error) => return Err(error.into()),
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok((path, listener))
}

fn bind(folder: &Path, name: &str) -> io::Result<(PathBuf, UnixListener)> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(name);
    UnixListener::bind(&path).map(|listener| (path, listener))
}

async fn accept(listener: UnixListener, desk: Desk, closes: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = closes.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = accepted.and_then(|(stream, _)| {
            let stream = stream.into_std()?;
            stream.set_nonblocking(false)?;
            Ok(stream)
        });
        match stream {
            Ok(stream) => desk.take(stream, false),
            Err(error) => {
                tracing::warn!(%error, "a command could not connect");
                // Such as too many open files: there will be more when others close.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl Open {
    fn places(&self) -> std::sync::MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection a place; returns whether there was one.
    fn enter(&self, stream: &Arc<UnixStream>) -> bool {
        let mut open = self.places();
        let has_room = open.len() < PLACES && !self.closed.load(Ordering::Relaxed);
        if has_room {
            open.push(Place { stream: Arc::clone(stream), is_screen: false });
        }
        has_room
    }

    /// Notes that a connection is that of a screen; returns whether there is room for one more.
    fn becomes_screen(&self, stream: &Arc<UnixStream>) -> bool {
        let mut open = self.places();
        let has_room = open.iter().filter(|place| place.is_screen).count() < screens::MOST;
        let place = open.iter_mut().find(|place| Arc::ptr_eq(&place.stream, stream));
        // One that is closed already has no place.
        place.filter(|_| has_room).map(|place| place.is_screen = true).is_some()
    }
}

/// Gives back the place of a connection, and closes it, when it is dropped: also after a panic.
struct Leaving<'a>(&'a Open, &'a Arc<UnixStream>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let _ = self.1.shutdown(Shutdown::Both);
        self.0.places().retain(|place| !Arc::ptr_eq(&place.stream, self.1));
    }
}

/// Runs the command that is asked for on a connection; returns its exit code.
fn run(request: Request, stream: &Arc<UnixStream>, access: &ReadAccess) -> anyhow::Result<u8> {
    let command = super::command_of(request.words)?;
    let reads = command.reads().context("the sideseat-tui that holds the store runs no such command for another")?;
    let store = access.open();
    watch(stream, &store)?;
    let says = |text: &str| {
        let _ = Frame::Says(text.to_owned()).write(&mut &**stream);
    };
    if let Some(progress) = store.health().reprocessing {
        says(&format!(
            "what another version understood is still being read again ({} of {}); what is printed is not final",
            progress.done, progress.of
        ));
    }
    let rescue = store.health().rescue;
    if let Some(rescue) = &rescue {
        says(&rescue.says());
    }
    let mut out = Sent { stream, held: Vec::new() };
    let blobs = SentBlobs(stream);
    let code = reads.run(&store, &mut Output { printer: request.place, out: &mut out, says: &says, blobs: &blobs })?;
    out.send()?;
    // As of a closed store of which a part cannot be read.
    Ok(if matches!(rescue, Some(Rescue::Failed(_) | Rescue::GivenUp(_))) && code == GOOD { BAD_INPUT } else { code })
}

fn request(stream: &UnixStream) -> anyhow::Result<Request> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = Vec::new();
    BufReader::new(stream.take(REQUEST_LIMIT)).read_until(b'\n', &mut line)?;
    stream.set_read_timeout(None)?;
    serde_json::from_slice(&line).context("this is no request that sideseat-tui knows")
}

/// Cancels what a command reads when whoever asked is gone. A command sends nothing after its request, so that whatever
/// comes is the end of the connection.
fn watch(stream: &Arc<UnixStream>, store: &Store) -> io::Result<()> {
    let (stream, canceller) = (Arc::clone(stream), store.canceller());
    thread::Builder::new().name("store-asked".to_owned()).spawn(move || {
        let _ = (&*stream).read(&mut [0]);
        canceller.cancel();
    })?;
    Ok(())
}

/// Sends output in portions.
struct Sent<'a> {
    stream: &'a UnixStream,
    held: Vec<u8>,
}

impl Sent<'_> {
    fn send(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        Frame::Out(std::mem::take(&mut self.held)).write(&mut &*self.stream)
    }
}

impl Write for Sent<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(PORTION)];
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PORTION {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        Frame::Out(Vec::new()).write(&mut &*self.stream)
    }
}

/// Sends images and documents.
struct SentBlobs<'a>(&'a UnixStream);

impl BlobSink for SentBlobs<'_> {
    fn blob(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(Frame::Blob(name.to_owned(), bytes.to_vec()).write(&mut &*self.0)?)
    }
}
