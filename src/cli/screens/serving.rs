//! Answers a screen: its queries, and whatever changes.
//!
//! A screen has readers of its own, so that it waits for nobody and nobody waits for it. One that reads slowly holds up
//! its own answers only: what changes meanwhile is merged until it is read, at worst into "everything has changed".

use std::{
    fmt::Display,
    io::{self, BufWriter, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::words::{self, ASKED, FromScreen, Hello, Reply, ToScreen};
use crate::{
    app::{Export, Seen, format::Zone},
    cli::{frames::Frame, written},
    store::{Answered, Listener, Readers, Store},
};

/// Most screens that are attached at once.
pub const MOST: usize = 8;
/// More queries than this do not wait; a screen has a place for each.
const QUERIES: usize = 512;
/// How often what the listeners have seen is sent.
const PERIOD: Duration = Duration::from_secs(1);
/// More files than this do not wait to be written; one is written at a time.
const FILES: usize = 8;
/// Bytes of a file that are sent at once: answers need not wait for more.
const PART: usize = 256 << 10;
/// Changes are sent this often at most.
const PACE: Duration = Duration::from_millis(50);

/// Answers a screen until it is gone, or the connection is closed.
pub fn serve(stream: &UnixStream, store: &Store, hello: Hello, seen: &dyn SeenNow) -> io::Result<()> {
    let to = Arc::new(ToScreens(Mutex::new(stream.try_clone()?)));
    let (wake, woken) = sync_channel(1);
    // Before the screen asks anything: it is told of every change that its answers do not have.
    let wakes = wake.clone();
    let listener = store.changes().listen(Box::new(move || drop(wakes.try_send(Wake::Changed))));
    to.send(&ToScreen::Hello(hello))?;
    let answers = Arc::clone(&to);
    let readers = store.readers(Box::new(move |answered| answers.answer(answered)));
    let (to, listener) = (&*to, &*listener);
    thread::scope(|scope| {
        thread::Builder::new().name("store-screen".to_owned()).spawn_scoped(scope, move || {
            // It fails once the other end is gone.
            let _ = tell(to, listener, &woken, seen);
            let _ = stream.shutdown(Shutdown::Both);
        })?;
        // Queries are answered meanwhile.
        let (files, wanted) = sync_channel::<Wanted>(FILES);
        thread::Builder::new().name("store-files".to_owned()).spawn_scoped(scope, move || {
            for file in wanted {
                let ticket = file.2;
                let sent = catch_unwind(AssertUnwindSafe(|| write(file, store, to)));
                let failed = |_| to.reply(ticket, Err::<Reply, _>("it could not be made: the log says why"));
                if sent.unwrap_or_else(failed).is_err() {
                    let _ = stream.shutdown(Shutdown::Both);
                    return;
                }
            }
        })?;
        let ended = ask(stream, store, &readers, to, &files);
        drop(files);
        let _ = stream.shutdown(Shutdown::Both);
        // Where a change waits there already, sending that fails.
        let _ = wake.try_send(Wake::Ends);
        ended
    })
}

/// What an instance knows of its listeners.
pub trait SeenNow: Send + Sync {
    fn seen(&self) -> Seen;
}

impl<F: Fn() -> Seen + Send + Sync> SeenNow for F {
    fn seen(&self) -> Seen {
        self()
    }
}

/// Why the thread that tells of changes is woken.
enum Wake {
    Changed,
    Ends,
}

/// Writes to a screen, a word at a time.
struct ToScreens(Mutex<UnixStream>);

impl ToScreens {
    fn send(&self, word: &ToScreen) -> io::Result<()> {
        let frame = words::encode(word)?;
        // A panic while it was locked has closed the connection.
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frame.write(&mut &*stream)
    }

    fn reply(&self, ticket: u64, reply: Result<Reply, impl Display>) -> io::Result<()> {
        self.send(&ToScreen::Reply { ticket, reply: reply.map_err(|error| error.to_string()) })
    }

    fn answer(&self, Answered { slot, ticket, answer }: Answered) {
        let word = ToScreen::Answered { slot, ticket, answer };
        let frame = words::encode(&word).or_else(|error| {
            let ToScreen::Answered { slot, ticket, .. } = word else { return Err(error) };
            words::encode(&ToScreen::Answered { slot, ticket, answer: Err(error.to_string()) })
        });
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if frame.and_then(|frame| frame.write(&mut &*stream)).is_err() {
            // Half a frame may have been written: nothing behind it could be read.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Sends what changes, until the connection is closed.
fn tell(to: &ToScreens, listener: &Listener, woken: &Receiver<Wake>, seen: &dyn SeenNow) -> io::Result<()> {
    let (mut last, mut due) = (None, Instant::now());
    loop {
        match woken.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(Wake::Changed) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Wake::Ends) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        if Instant::now() >= due {
            due = Instant::now() + PERIOD;
            let now = seen.seen();
            if last.as_ref() == Some(&now) {
                to.send(&ToScreen::Still)?;
            } else {
                last = Some(now.clone());
                to.send(&ToScreen::Seen(Box::new(now)))?;
            }
        }
        let changes = listener.take();
        if !changes.is_empty() {
            to.send(&ToScreen::Changed(changes))?;
            thread::sleep(PACE);
        }
    }
}

/// A file that a screen wants: what it is to hold, the reader's time zone, and what the reply is marked with.
type Wanted = (Export, Option<String>, u64);

/// Sends a file in parts, and how that ended. It fails once the screen is gone.
fn write((export, zone, ticket): Wanted, store: &Store, to: &ToScreens) -> io::Result<()> {
    let zone = zone.as_deref().and_then(Zone::named).unwrap_or_else(Zone::system);
    let mut parts = BufWriter::with_capacity(PART, Parts { to, ticket, lost: false });
    let written = written::fill(&mut parts, store, &export, &zone);
    // What is left after a failure is no file.
    if parts.into_parts().0.lost {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    to.reply(ticket, written.map(|()| Reply::Exported).map_err(|error| format!("{error:#}")))
}

/// Sends what is written into it to a screen.
struct Parts<'a> {
    to: &'a ToScreens,
    ticket: u64,
    /// The screen is gone.
    lost: bool,
}

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(PART)];
        let sent = self.to.send(&ToScreen::Part { ticket: self.ticket, bytes: bytes.to_vec() });
        self.lost |= sent.is_err();
        sent.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes what a screen asks, until the connection is closed.
fn ask(
    stream: &UnixStream,
    store: &Store,
    readers: &Readers,
    to: &ToScreens,
    files: &SyncSender<Wanted>,
) -> io::Result<()> {
    let mut stream = io::BufReader::new(stream);
    while let Some(frame) = Frame::read(&mut stream, ASKED)? {
        let Frame::Word(bytes) = frame else { return Err(io::ErrorKind::InvalidData.into()) };
        match words::decode(&bytes)? {
            FromScreen::Ask { slot, ticket, .. } if readers.waiting() >= QUERIES => {
                to.answer(Answered { slot, ticket, answer: Err("too much is asked at once".to_owned()) });
            }
            FromScreen::Ask { slot, query, ticket } => readers.ask_with(slot, query, ticket),
            FromScreen::Blob { sha256, ticket } => {
                to.reply(ticket, store.blob(&sha256).map(Reply::Blob))?;
            }
            FromScreen::Mark { letter, place, ticket } => {
                to.reply(ticket, store.mark(letter, place.as_ref()).map(|()| Reply::Marked))?;
            }
            // What the screen asks meanwhile waits: it would be of what goes just now.
            FromScreen::Remove { removal, ticket } => {
                to.reply(ticket, store.remove(removal).map(Reply::Removed))?;
            }
            FromScreen::Export { export, zone, ticket } => {
                if files.try_send((export, zone, ticket)).is_err() {
                    to.reply(ticket, Err(format!("{FILES} other files are to be written first")))?;
                }
            }
        }
    }
    Ok(())
}
