//! A screen's end of a connection: what the other instance holds, as if it were here.

use std::{
    collections::HashMap,
    io::{self, BufReader, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    dial::Wire,
    words::{self, FromScreen, Hello, Reply, ToScreen},
};
use crate::{
    app::{Export, Seen, format::Zone},
    cli::frames::{FRAME_LIMIT, Frame, Printer, Request},
    model::{Changes, Query, QuerySlot},
    store::{Answered, Asks, Marked, OnAnswer, OnChange, Remover, Source, Store, StoreError},
};

/// How long an instance may take to say that it takes a screen.
const WELCOME: Duration = Duration::from_secs(5);
/// An instance says every second that it is there.
const SILENT: Duration = Duration::from_secs(5);
const LOST: Duration = Duration::from_secs(20);
/// How long an image may take.
const REPLY: Duration = Duration::from_mins(1);
/// Parts of a file that wait to be written here: a disk that is slower than the other side holds up the connection.
const PARTS: usize = 16;
/// Queries that wait to be sent; they are sent at once, unless the other side is suspended.
const UNSENT: usize = 1024;
/// What is decoded may nest, by less than this holds.
const STACK: usize = 16 << 20;

/// The store of another instance, for as long as the connection lasts. Cheap to clone.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

struct Inner {
    hello: Hello,
    wire: Wire,
    asks: SyncSender<FromScreen>,
    state: Mutex<State>,
}

/// What was asked for once, or why there is none.
type Replied = Result<Reply, String>;

/// Who waits for something that was asked for once.
#[derive(Clone)]
enum Waits {
    Reply(mpsc::Sender<Replied>),
    File(SyncSender<OfFile>),
}

/// What comes of a file.
enum OfFile {
    Part(Vec<u8>),
    /// It is whole, or why it never will be.
    End(Replied),
}

struct State {
    /// Is handed the answers, once somebody asks.
    answered: Option<Arc<OnAnswer>>,
    wake: Option<Arc<OnChange>>,
    untaken: Changes,
    seen: Seen,
    /// When the instance last sent anything.
    heard: Instant,
    /// The newest query of each slot that has no answer yet.
    asked: HashMap<QuerySlot, u64>,
    /// Who waits for a reply.
    waiting: HashMap<u64, Waits>,
    /// Number of replies that were asked for.
    tickets: u64,
    /// Why the connection has ended; `None` while it lasts.
    over: Option<String>,
}

impl Remote {
    /// Has the instance at the other end of a connection answer a screen. `ended` is called once, on a thread of its own,
    /// when the connection has ended, with the reason.
    ///
    /// # Errors
    /// The instance is of another version, takes no more screens, or does not answer.
    pub fn attach(wire: Wire, ended: impl FnOnce(String) + Send + 'static) -> anyhow::Result<Self> {
        let request = Request {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            words: Vec::new(),
            place: Printer::default(),
            screen: true,
        };
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        // One that takes no more reads nothing; what it says instead is read below.
        let _ = (&wire).write_all(&line);
        wire.set_read_timeout(Some(WELCOME))?;
        let mut from = BufReader::with_capacity(64 << 10, wire.try_clone()?);
        let hello = match Frame::read(&mut from, FRAME_LIMIT) {
            Ok(Some(Frame::Word(bytes))) => match words::decode(&bytes) {
                Ok(ToScreen::Hello(hello)) => hello,
                _ => anyhow::bail!("it answers as no sideseat-tui of this version does"),
            },
            Ok(Some(Frame::Failed(why))) => anyhow::bail!(why),
            Ok(Some(_)) => anyhow::bail!("it answers as no sideseat-tui of this version does"),
            Ok(None) => anyhow::bail!("it ended before it had answered"),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                anyhow::bail!("it does not answer; it may be suspended (`fg` in its terminal)")
            }
            Err(error) => return Err(error.into()),
        };
        wire.set_read_timeout(None)?;
        let (asks, asked) = mpsc::sync_channel(UNSENT);
        let state = State {
            answered: None,
            wake: None,
            untaken: Changes::default(),
            seen: Seen::default(),
            heard: Instant::now(),
            asked: HashMap::new(),
            waiting: HashMap::new(),
            tickets: 0,
            over: None,
        };
        let remote = Self(Arc::new(Inner { hello, wire, asks, state: Mutex::new(state) }));
        let writing = remote.0.wire.try_clone()?;
        thread::Builder::new().name("store-asks".to_owned()).spawn(move || write(&writing, &asked))?;
        let reading = remote.clone();
        thread::Builder::new().name("store-reads".to_owned()).stack_size(STACK).spawn(move || {
            let why = match reading.read(&mut from) {
                Ok(why) => why,
                Err(error) => error.to_string(),
            };
            reading.end(&why);
            ended(why);
        })?;
        Ok(remote)
    }

    /// What the instance said of itself.
    pub fn hello(&self) -> &Hello {
        &self.0.hello
    }

    /// What its listeners have seen.
    pub fn seen(&self) -> Seen {
        let state = self.state();
        let mut seen = state.seen.clone();
        let silent = state.heard.elapsed();
        if state.over.is_none() && silent > LOST && self.0.wire.is_far() {
            // Nothing ends a connection of which the other machine is gone.
            self.close();
        }
        if state.over.is_none() && silent > SILENT {
            seen.failing = Some("the sideseat-tui that stores does not answer; it may be suspended".to_owned());
        }
        seen
    }

    /// Whether the connection has ended.
    pub fn is_over(&self) -> bool {
        self.state().over.is_some()
    }

    /// Ends the connection.
    pub fn close(&self) {
        self.0.wire.close();
    }

    /// Takes what the instance sends until the connection ends; returns why it did.
    fn read(&self, from: &mut BufReader<Wire>) -> io::Result<String> {
        loop {
            let bytes = match Frame::read(from, FRAME_LIMIT)? {
                Some(Frame::Word(bytes)) => bytes,
                Some(Frame::Failed(why)) => return Ok(why),
                Some(_) => return Err(io::ErrorKind::InvalidData.into()),
                None => return Ok("it has ended".to_owned()),
            };
            let word = words::decode(&bytes)?;
            drop(bytes);
            self.take(word);
        }
    }

    fn take(&self, word: ToScreen) {
        let mut state = self.state();
        state.heard = Instant::now();
        match word {
            ToScreen::Hello(_) | ToScreen::Still => {}
            ToScreen::Seen(seen) => state.seen = *seen,
            ToScreen::Changed(changes) => {
                let first = state.untaken.is_empty();
                state.untaken.merge(changes);
                let wake = state.wake.clone().filter(|_| first);
                drop(state);
                if let Some(wake) = wake {
                    wake();
                }
            }
            ToScreen::Answered { slot, ticket, answer } => {
                if state.asked.get(&slot) == Some(&ticket) {
                    state.asked.remove(&slot);
                }
                let answered = state.answered.clone();
                drop(state);
                if let Some(answered) = answered {
                    answered(Answered { slot, ticket, answer });
                }
            }
            ToScreen::Part { ticket, bytes } => {
                let Some(Waits::File(file)) = state.waiting.get(&ticket).cloned() else { return };
                drop(state);
                if file.send(OfFile::Part(bytes)).is_err() {
                    // It could not be written: nobody waits for the rest.
                    self.state().waiting.remove(&ticket);
                }
            }
            ToScreen::Reply { ticket, reply } => {
                let waits = state.waiting.remove(&ticket);
                drop(state);
                // Who waited may have lost patience.
                match waits {
                    Some(Waits::Reply(waits)) => drop(waits.send(reply)),
                    Some(Waits::File(file)) => drop(file.send(OfFile::End(reply))),
                    None => {}
                }
            }
        }
    }

    /// Answers all that is under way with the reason.
    fn end(&self, why: &str) {
        self.close();
        let mut state = self.state();
        state.over = Some(why.to_owned());
        state.waiting.clear();
        let asked: Vec<_> = state.asked.drain().collect();
        let answered = state.answered.clone();
        drop(state);
        for (slot, ticket) in asked {
            if let Some(answered) = &answered {
                answered(Answered { slot, ticket, answer: Err(why.to_owned()) });
            }
        }
    }

    /// Asks for something once, and waits for the reply.
    fn once(&self, patience: Option<Duration>, word: impl FnOnce(u64) -> FromScreen) -> Result<Reply, StoreError> {
        let (waits, replied) = mpsc::channel();
        let ticket = self.ask_once(Waits::Reply(waits), word)?;
        let reply = match patience {
            Some(patience) => replied.recv_timeout(patience).ok(),
            // The end of the connection ends the waiting.
            None => replied.recv().ok(),
        };
        self.state().waiting.remove(&ticket);
        reply.ok_or(StoreError::Closed)?.map_err(StoreError::Query)
    }

    /// Asks for something once; returns what it is known by.
    fn ask_once(&self, waits: Waits, word: impl FnOnce(u64) -> FromScreen) -> Result<u64, StoreError> {
        let ticket = {
            let mut state = self.state();
            if state.over.is_some() {
                return Err(StoreError::Closed);
            }
            state.tickets += 1;
            let ticket = state.tickets;
            state.waiting.insert(ticket, waits);
            ticket
        };
        if self.0.asks.try_send(word(ticket)).is_err() {
            self.state().waiting.remove(&ticket);
            return Err(StoreError::Closed);
        }
        Ok(ticket)
    }

    /// Has the instance say what a file is to hold, and writes that as it comes.
    ///
    /// # Errors
    /// The instance cannot make it, the connection ends, or what `out` says.
    pub fn export(&self, export: &Export, out: &mut dyn Write) -> anyhow::Result<()> {
        let (file, comes) = mpsc::sync_channel(PARTS);
        let zone = Zone::system_name();
        self.ask_once(Waits::File(file), |ticket| FromScreen::Export { export: export.clone(), zone, ticket })?;
        for part in comes {
            match part {
                OfFile::Part(bytes) => out.write_all(&bytes)?,
                OfFile::End(Ok(_)) => return Ok(()),
                OfFile::End(Err(why)) => anyhow::bail!(why),
            }
        }
        anyhow::bail!("the connection to the other sideseat-tui was lost")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever is changed while it is locked is changed by one assignment.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what is asked until the connection ends, or nobody asks any more.
fn write(wire: &Wire, asked: &Receiver<FromScreen>) {
    for word in asked {
        let sent = words::encode(&word).and_then(|frame| frame.write(&mut &*wire));
        if sent.is_err() {
            wire.close();
            return;
        }
    }
}

impl Source for Remote {
    fn answers(&self, answered: OnAnswer) -> Box<dyn Asks> {
        self.state().answered = Some(Arc::new(answered));
        Box::new(self.clone())
    }

    fn on_change(&self, wake: OnChange) {
        let wake = Arc::new(wake);
        let mut state = self.state();
        state.wake = Some(Arc::clone(&wake));
        let is_due = !state.untaken.is_empty();
        drop(state);
        if is_due {
            wake();
        }
    }

    fn take_changes(&self) -> Changes {
        std::mem::take(&mut self.state().untaken)
    }

    fn failing(&self) -> Option<String> {
        // Its listeners have seen it.
        None
    }

    fn blob(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.once(Some(REPLY), |ticket| FromScreen::Blob { sha256: *sha256, ticket })? {
            Reply::Blob(bytes) => Ok(bytes),
            Reply::Marked | Reply::Removed(_) | Reply::Exported => Err(StoreError::Closed),
        }
    }

    fn mark(&self, letter: char, place: Option<&Marked>) -> Result<(), StoreError> {
        self.once(Some(REPLY), |ticket| FromScreen::Mark { letter, place: place.cloned(), ticket }).map(drop)
    }

    fn remover(&self) -> Remover {
        let remote = self.clone();
        Box::new(move |removal| match remote.once(None, |ticket| FromScreen::Remove { removal, ticket })? {
            Reply::Removed(removed) => Ok(removed),
            Reply::Blob(_) | Reply::Marked | Reply::Exported => Err(StoreError::Closed),
        })
    }

    fn own(&self) -> Option<&Store> {
        None
    }
}

impl Asks for Remote {
    fn ask_with(&self, slot: QuerySlot, query: Query, ticket: u64) {
        let mut state = self.state();
        let over = state.over.clone();
        if over.is_none() {
            state.asked.insert(slot.clone(), ticket);
            drop(state);
            if self.0.asks.try_send(FromScreen::Ask { slot: slot.clone(), query, ticket }).is_ok() {
                return;
            }
            state = self.state();
            state.asked.remove(&slot);
        }
        let answered = state.answered.clone();
        drop(state);
        if let Some(answered) = answered {
            let why = over.unwrap_or_else(|| "the other sideseat-tui takes no queries just now".to_owned());
            answered(Answered { slot, ticket, answer: Err(why) });
        }
    }
}
