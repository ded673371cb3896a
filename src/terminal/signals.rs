//! A thread that hands on the signals of the process.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::process::{Pid, getpgrp, getsid};
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH},
    iterator::Signals,
    low_level,
};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessSignal {
    /// The window has another size.
    Resized,
    /// It is to stop until it is continued: the terminal is given back before.
    Stopped,
    /// The process goes on after it was stopped.
    Continued,
    /// It is to end.
    Ended,
    /// Somebody pressed ctrl-c where the terminal makes that a signal: it is to end, too.
    Interrupted,
}

/// Starts a thread that hands on signals; `send` is false where nobody receives them any more. `away`: another program
/// has the terminal.
///
/// The thread outlives the screen. Once nobody receives signals any more, one that asks to end or to stop has its usual
/// effect again, so that a second ctrl-c ends a program that takes long to close. While another program has the terminal
/// there is nothing to give back: whoever stops that one stops this process with it.
pub fn listen(away: Arc<AtomicBool>, send: impl Fn(ProcessSignal) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP])?;
    let work = move || {
        for signal in signals.forever() {
            let asks = match signal {
                SIGWINCH => ProcessSignal::Resized,
                SIGCONT => ProcessSignal::Continued,
                SIGINT => ProcessSignal::Interrupted,
                SIGTSTP => ProcessSignal::Stopped,
                _ => ProcessSignal::Ended,
            };
            let is_here = asks != ProcessSignal::Stopped || !away.load(Ordering::SeqCst);
            if is_here && send(asks) {
                continue;
            }
            match asks {
                ProcessSignal::Ended | ProcessSignal::Interrupted => {
                    let _ = low_level::emulate_default_handler(signal);
                }
                ProcessSignal::Stopped => stop(),
                ProcessSignal::Resized | ProcessSignal::Continued => {}
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(work)?;
    Ok(())
}

/// Stops the process until somebody continues it; does nothing where nobody could.
pub fn stop() {
    if may_be_continued() {
        let _ = low_level::emulate_default_handler(SIGTSTP);
    }
}

/// Whether a shell that knows jobs started this process, and can continue it.
///
/// Such a shell gives each job a group of its own. The group of the session's leader is that of a program that a terminal
/// started without a shell: the system does not stop it either, as nobody could continue it.
pub fn may_be_continued() -> bool {
    getsid(None).is_ok_and(|session: Pid| session != getpgrp())
}
