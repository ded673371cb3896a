//! Signals, told as they come.

use std::{io, thread};

use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH},
    iterator::Signals,
    low_level,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The window has another size.
    Resized,
    /// The process goes on after it was stopped.
    Continued,
    /// It is to end.
    Ended,
}

/// Starts a thread that tells of signals; `tell` says whether anyone hears.
///
/// The thread outlives the screen: once nobody hears, a signal to end does again what it does by itself, so that a
/// second ctrl-c ends a program that is taking long to close.
pub fn listen(tell: impl Fn(Told) -> bool + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT])?;
    let work = move || {
        for signal in signals.forever() {
            let told = match signal {
                SIGWINCH => Told::Resized,
                SIGCONT => Told::Continued,
                _ => Told::Ended,
            };
            if !tell(told) && told == Told::Ended {
                let _ = low_level::emulate_default_handler(signal);
            }
        }
    };
    thread::Builder::new().name("signals".into()).spawn(work)?;
    Ok(())
}
