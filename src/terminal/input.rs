//! A thread that waits for keys and hands them on as events.
//!
//! It sleeps until the terminal has something or [`Input`] wakes it, and never looks in between. While another program has
//! the terminal it steps aside. It reads the terminal itself and not by crossterm, whose reader is notified once of what
//! has arrived, reads 1024 bytes of it, and leaves the rest until the next key.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    guard::Tty,
    keys::{Keys, Typed},
};
use crate::platform::waking_pipe;

/// What follows an Esc within this time belongs to it; else it was pressed alone.
const BELONGS: Timespec = Timespec { tv_sec: 0, tv_nsec: 25_000_000 };
/// Nobody waits longer than this for the thread to step aside.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the thread hands on.
#[derive(Debug)]
pub enum InputEvent {
    Typed(Typed),
    /// The terminal is gone.
    Gone,
}

/// What the rest of the program has of the thread: to send it away from the terminal, to call it back, and to end it.
pub struct Input {
    shared: Arc<Shared>,
    wake: OwnedFd,
}

struct Shared {
    order: Mutex<Order>,
    changed: Condvar,
}

/// What the thread is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Listen,
    /// Leave the terminal alone.
    StepAside,
    /// The same; the thread has noted it.
    SteppedAside,
    End,
}

impl Shared {
    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Input {
    /// Starts listening. `typed`: bytes that were read from the terminal already. `send` is false where
    /// nobody receives any more.
    pub fn start(
        tty: Arc<Tty>,
        typed: Vec<u8>,
        send: impl Fn(InputEvent) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (woken, wake) = waking_pipe()?;
        let shared = Arc::new(Shared { order: Mutex::new(Order::Listen), changed: Condvar::new() });
        let mut listener = Listener { tty, woken, shared: shared.clone(), keys: Keys::default() };
        let listen = move || {
            let early = listener.keys.read(&typed);
            if early.into_iter().all(|typed| send(InputEvent::Typed(typed))) && listener.listen(&send).is_err() {
                send(InputEvent::Gone);
            }
        };
        thread::Builder::new().name("input".into()).spawn(listen)?;
        Ok(Self { shared, wake })
    }

    /// Leaves the terminal to someone else until [`Self::come_back`].
    pub fn step_aside(&self) {
        *self.shared.order() = Order::StepAside;
        self.wake();
        let has_not_yet = |order: &mut Order| *order == Order::StepAside;
        let _ = self.shared.changed.wait_timeout_while(self.shared.order(), PATIENCE, has_not_yet);
    }

    pub fn come_back(&self) {
        *self.shared.order() = Order::Listen;
        self.shared.changed.notify_all();
    }

    fn wake(&self) {
        // A full pipe wakes as well as one more byte would.
        let _ = rustix::io::write(&self.wake, &[0]);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        *self.shared.order() = Order::End;
        self.shared.changed.notify_all();
        self.wake();
    }
}

struct Listener {
    tty: Arc<Tty>,
    woken: OwnedFd,
    shared: Arc<Shared>,
    keys: Keys,
}

impl Listener {
    /// Listens until nobody receives any more; an error means that the terminal is gone.
    fn listen(&mut self, send: &impl Fn(InputEvent) -> bool) -> io::Result<()> {
        let mut bytes = [0; 4096];
        while self.may_listen() {
            let events = match self.wait()? {
                Ready::Terminal => match rustix::io::read(self.tty.input(), &mut bytes) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(read) => self.keys.read(bytes.get(..read).unwrap_or_default()),
                    Err(Errno::INTR | Errno::AGAIN) => Vec::new(),
                    Err(error) => return Err(error.into()),
                },
                Ready::Nothing => self.keys.pause(),
                Ready::Woken => Vec::new(),
            };
            if !events.into_iter().all(|typed| send(InputEvent::Typed(typed))) {
                break;
            }
        }
        Ok(())
    }

    /// Waits while it has to stand aside; false when it is to end.
    fn may_listen(&self) -> bool {
        let mut order = self.shared.order();
        if *order == Order::StepAside {
            *order = Order::SteppedAside;
            self.shared.changed.notify_all();
        }
        let aside = |order: &mut Order| matches!(order, Order::StepAside | Order::SteppedAside);
        let order = self.shared.changed.wait_while(order, aside);
        *order.unwrap_or_else(PoisonError::into_inner) == Order::Listen
    }

    /// Sleeps until there is something.
    fn wait(&self) -> io::Result<Ready> {
        let input = self.tty.input();
        let woken = self.woken.as_fd();
        let mut sources = [PollFd::new(&input, PollFlags::IN), PollFd::new(&woken, PollFlags::IN)];
        match poll(&mut sources, self.keys.waits().then_some(&BELONGS)) {
            Ok(0) => return Ok(Ready::Nothing),
            Err(Errno::INTR) => return Ok(Ready::Woken),
            ready => ready?,
        };
        let [input, woken] = sources.map(|source| source.revents());
        if !woken.is_empty() {
            let mut bytes = [0; 64];
            while matches!(rustix::io::read(&self.woken, &mut bytes), Ok(1..)) {}
            return Ok(Ready::Woken);
        }
        if input.contains(PollFlags::IN) {
            return Ok(Ready::Terminal);
        }
        Err(io::ErrorKind::NotConnected.into())
    }
}

/// What ended a wait.
enum Ready {
    Terminal,
    /// The terminal has sent nothing more for a moment.
    Nothing,
    Woken,
}
