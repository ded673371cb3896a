//! The terminal taken, and given back: on return, error, panic, signal and suspend.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic::{self, PanicHookInfo},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{Mode, OFlags},
    io::Errno,
    stdio,
    termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr},
};

/// The alternate screen (1049), no cursor (25), pastes (2004) and focus (1004) as events, the mouse's buttons and wheel
/// and where it is dragged (1002) in the form of SGR (1006).
const TAKE: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1004h\x1b[?1002h\x1b[?1006h";
/// The same in reverse. A panic may come in the middle of a frame, so the frame (2026) and its colours are ended too.
const GIVE_BACK: &[u8] =
    b"\x1b[?2031l\x1b[?1006l\x1b[?1002l\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[0m\x1b[?25h\x1b[?1049l";

/// The terminal says when its colours become dark or light (2031); those that do not know it ignore it.
const FOLLOW: &[u8] = b"\x1b[?2031h";

/// The mouse left to the terminal, and reported to the program.
pub const MOUSE: [&[u8]; 2] = [b"\x1b[?1006l\x1b[?1002l", b"\x1b[?1002h\x1b[?1006h"];

/// Puts the window's title onto the terminal's stack, and takes it from there.
const KEEP_TITLE: &[u8] = b"\x1b[22;2t";
const TITLE_BACK: &[u8] = b"\x1b[23;2t";

/// The beginnings of the names of threads that catch their own panics: those of the store report them as failed queries or
/// commits, those of tokio as the failure of one export or connection.
const CATCH_THEMSELVES: [&str; 2] = ["store-", "tokio"];

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// The terminal is ours until this is dropped.
pub struct Guard {
    tty: Arc<Tty>,
    /// The panic hook that was in force before.
    before: Arc<Hook>,
}

/// The terminal's device, and the settings that it had.
pub struct Tty {
    /// `None`: standard input is the terminal.
    opened: Option<OwnedFd>,
    /// Its settings before it was taken.
    found: Termios,
    /// It is ours at the moment.
    taken: AtomicBool,
    /// The title that the window had lies on the terminal's stack of titles.
    titled: AtomicBool,
    /// The terminal is to say when its colours change.
    follows: AtomicBool,
}

impl Guard {
    /// Takes the terminal. From now on a panic of any thread gives it back before it is reported.
    pub fn take() -> io::Result<Self> {
        let tty = Arc::new(Tty::open()?);
        tty.take().inspect_err(|_| _ = tty.give_back())?;
        let before: Arc<Hook> = panic::take_hook().into();
        let (hook_tty, hook_before) = (tty.clone(), before.clone());
        panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            if thread.name().is_some_and(|name| CATCH_THEMSELVES.iter().any(|own| name.starts_with(own))) {
                tracing::error!(%info, thread = thread.name(), "a panic was caught");
                return;
            }
            tracing::error!(%info, thread = thread.name(), "panic");
            hook_tty.give_back();
            hook_before(info);
            // Whatever else runs would go on drawing, or wait for a thread that is gone.
            std::process::exit(101);
        }));
        Ok(Self { tty, before })
    }

    #[must_use]
    pub fn tty(&self) -> Arc<Tty> {
        self.tty.clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.tty.give_back();
        let before = self.before.clone();
        panic::set_hook(Box::new(move |info| before(info)));
    }
}

impl Tty {
    fn open() -> io::Result<Self> {
        let opened = if isatty(stdio::stdin()) {
            None
        } else {
            Some(rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
        };
        let found = tcgetattr(opened.as_ref().map_or(stdio::stdin(), AsFd::as_fd))?;
        Ok(Self {
            opened,
            found,
            taken: AtomicBool::new(false),
            titled: AtomicBool::new(false),
            follows: AtomicBool::new(false),
        })
    }

    /// Where keys come from.
    pub fn input(&self) -> BorrowedFd<'_> {
        self.opened.as_ref().map_or(stdio::stdin(), AsFd::as_fd)
    }

    /// Raw mode, the other screen, and all that is to arrive as an event.
    pub fn take(&self) -> io::Result<()> {
        let mut raw = self.found.clone();
        raw.make_raw();
        self.taken.store(true, Ordering::SeqCst);
        tcsetattr(self.input(), OptionalActions::Now, &raw)?;
        write(TAKE)?;
        if self.follows.load(Ordering::SeqCst) { write(FOLLOW) } else { Ok(()) }
    }

    /// Has the terminal say from now on when its colours become dark or light.
    pub fn follow_colours(&self) -> io::Result<()> {
        if self.follows.swap(true, Ordering::SeqCst) { Ok(()) } else { write(FOLLOW) }
    }

    /// Has the terminal keep the title that its window has, until it is given back. A second call does nothing.
    pub fn keep_title(&self) -> io::Result<()> {
        if self.titled.swap(true, Ordering::SeqCst) { Ok(()) } else { write(KEEP_TITLE) }
    }

    /// Gives the window the title back that it had. A second call does nothing.
    pub fn title_back(&self) -> io::Result<()> {
        if self.titled.swap(false, Ordering::SeqCst) { write(TITLE_BACK) } else { Ok(()) }
    }

    /// Sets the terminal to what it was before it was taken; false where it was given back already: then nothing is done.
    ///
    /// What was typed or pointed at and not read yet is dropped: the shell must not take it for a command.
    pub fn give_back(&self) -> bool {
        let is_ours = self.taken.swap(false, Ordering::SeqCst);
        if is_ours {
            // There may be no terminal any more, and nobody would read an error.
            let _ = self.title_back();
            let _ = write(GIVE_BACK);
            let _ = tcsetattr(self.input(), OptionalActions::Flush, &self.found);
        }
        is_ours
    }
}

/// Writes to the terminal at once, past every buffer and lock of the standard library.
pub fn write(mut bytes: &[u8]) -> io::Result<()> {
    let out = stdio::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(out, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Another program that shares the terminal may have made it non-blocking.
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::new(&out, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
