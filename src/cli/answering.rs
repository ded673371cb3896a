//! Answers the commands that read, or remove something, while this instance holds the store: each is run here, and its output sent back.
//!
//! They ask over a Unix socket beside the registry's entry of this instance, which names it. Only this user can connect.

use std::{
    fs, io,
    io::{BufRead as _, BufReader, Read as _, Write},
    net::Shutdown,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{net::UnixListener, runtime::Handle};
use tokio_util::sync::CancellationToken;

use super::{
    frames::{Frame, REQUEST_LIMIT, Request},
    reading::{BlobSink, Output},
};
use crate::{
    config::{Settings, instances::Registered},
    model::Timestamp,
    receive::Address,
    start,
    store::{ReadAccess, Store},
};

/// Most commands that are answered at once; one whose reader has stopped reading keeps its place.
const PLACES: usize = 16;
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
    open: Arc<Open>,
}

/// The connections of the commands that are being answered.
#[derive(Default)]
struct Open(Mutex<Vec<Arc<UnixStream>>>);

impl Answering {
    /// Registers this instance and answers commands. What fails is logged; the instance works all the same.
    pub fn start(settings: &Settings, addresses: &[Address], access: ReadAccess, runtime: &Handle) -> Self {
        let (closes, open) = (CancellationToken::new(), Arc::new(Open::default()));
        let socket = match listen(settings, runtime) {
            Ok((path, listener)) => {
                runtime.spawn(accept(listener, access, closes.clone(), Arc::clone(&open)));
                Some(path)
            }
            Err(error) => {
                tracing::warn!(%error, "commands that read will be refused while this instance runs");
                None
            }
        };
        let registered = start::register(settings, addresses, socket.clone());
        Self { registered, socket, closes, open }
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
        for stream in self.open.streams().drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
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

async fn accept(listener: UnixListener, access: ReadAccess, closes: CancellationToken, open: Arc<Open>) {
    loop {
        let accepted = tokio::select! {
            () = closes.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = accepted.and_then(|(stream, _)| {
            let stream = stream.into_std()?;
            stream.set_nonblocking(false)?;
            Ok(Arc::new(stream))
        });
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a command could not connect");
                // Such as too many open files: there will be more when others close.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (access, open) = (access.clone(), Arc::clone(&open));
        if open.enter(&stream) {
            tokio::task::spawn_blocking(move || {
                let left = Leaving(&open, &stream);
                answer(&stream, &access);
                drop(left);
            });
        } else {
            let busy = Frame::Failed(format!("{PLACES} other commands are reading; try again when one has ended"));
            let _ = busy.write(&mut &*stream);
        }
    }
}

impl Open {
    fn streams(&self) -> std::sync::MutexGuard<'_, Vec<Arc<UnixStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a connection a place; returns whether there was one.
    fn enter(&self, stream: &Arc<UnixStream>) -> bool {
        let mut open = self.streams();
        let has_room = open.len() < PLACES;
        if has_room {
            open.push(Arc::clone(stream));
        }
        has_room
    }
}

/// Gives back the place of a connection, and closes it, when it is dropped: also after a panic.
struct Leaving<'a>(&'a Open, &'a Arc<UnixStream>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let _ = self.1.shutdown(Shutdown::Both);
        self.0.streams().retain(|other| !Arc::ptr_eq(other, self.1));
    }
}

/// Runs the command that is asked for on a connection, and sends how it ended.
fn answer(stream: &Arc<UnixStream>, access: &ReadAccess) {
    let end = match run(stream, access) {
        Ok(code) => Frame::Ended(code),
        Err(error) => Frame::Failed(format!("{error:#}")),
    };
    // Who asked may be gone.
    let _ = end.write(&mut &**stream);
}

fn run(stream: &Arc<UnixStream>, access: &ReadAccess) -> anyhow::Result<u8> {
    let request = request(stream)?;
    let version = env!("CARGO_PKG_VERSION");
    anyhow::ensure!(
        request.version == version,
        "this command is version {}, the sideseat-tui that holds the store is {version}; use the same version for both",
        request.version
    );
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
    let mut out = Sent { stream, held: Vec::new() };
    let blobs = SentBlobs(stream);
    let code = reads.run(&store, &mut Output { printer: request.place, out: &mut out, says: &says, blobs: &blobs })?;
    out.send()?;
    Ok(code)
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
