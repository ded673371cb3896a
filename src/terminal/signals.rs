//! A thread that hands on the signals of the process.

use std::{io, thread};

use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH},
    iterator::Signals,
    low_level,
};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessSignal {
    /// The window has another size.
    Resized,
    /// The process goes on after it was stopped.
    Continued,
    /// It is to end.
    Ended,
    /// Somebody pressed ctrl-c where the terminal makes that a signal: it is to end, too.
    Interrupted,
}

/// Starts a thread that hands on signals; `send` is false where nobody receives them any more.
///
/// The thread outlives the screen. Once nobody receives signals any more, one that asks to end has its usual effect again,
/// so that a second ctrl-c ends a program that takes long to close.
pub fn listen(send: impl Fn(ProcessSignal) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT, SIGQUIT])?;
    let work = move || {
        for signal in signals.forever() {
            let asks = match signal {
                SIGWINCH => ProcessSignal::Resized,
                SIGCONT => ProcessSignal::Continued,
                SIGINT => ProcessSignal::Interrupted,
                _ => ProcessSignal::Ended,
            };
            if !send(asks) && matches!(asks, ProcessSignal::Ended | ProcessSignal::Interrupted) {
                let _ = low_level::emulate_default_handler(signal);
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(work)?;
    Ok(())
}
