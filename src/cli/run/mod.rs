//! `run -- CMD…`: a program with its telemetry sent here.
//!
//! ```text
//!   CMD ──OTLP──▶ a port of its own ──▶ Passing: the running instance, else the store
//!                        └─▶ Tally: one line at the end
//! ```
//!
//! The port is there before the program starts and after it ends, whatever else runs or does not.

mod environment;
mod tally;

use std::{
    ffi::OsString,
    io::{self, ErrorKind, IsTerminal as _},
    os::unix::process::ExitStatusExt as _,
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{Pid, Signal as Sent, kill_process};
use tokio::{
    process::{Child, Command},
    signal::unix::{Signal, SignalKind, signal},
};

use super::{complain, passing::Passing};
use crate::{
    config::{Settings, logging},
    receive::{Accepted, Counts, Export, Listeners, Refusal, Taker},
    start,
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui run -- python my_agent.py
  sideseat-tui run --db today.duckdb -- pytest tests/agents -x
  OTEL_BSP_SCHEDULE_DELAY=2000 sideseat-tui run -- node agent.mjs      # what is set already stays

At the end, on stderr:
  sideseat-tui: 2 traces, 5 calls, 12k tokens, $.021, 0 errors";

/// What shells answer for a command that is not there, or is none.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Runs the program, and gives its exit code.
pub fn run(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    logging(settings)?;
    let runtime = start::runtime()?;
    let ended = runtime.block_on(ran(settings, &arguments.command));
    runtime.shutdown_background();
    ended
}

async fn ran(settings: &Settings, command: &[OsString]) -> anyhow::Result<u8> {
    let Some((program, arguments)) = command.split_first() else { anyhow::bail!("no command to run") };
    let listeners = Listeners::single(settings.bind.value.0).await?;
    let Some(address) = listeners.addresses().into_iter().next() else { anyhow::bail!("nothing to listen on") };
    let (tally, told) = tally::start();
    let passing = Passing::new(settings, address.clone());
    let lost = Arc::<Lost>::default();
    let counted = Counted { passing: passing.clone(), told, lost: Arc::clone(&lost) };
    // Before the program starts: a signal that comes at once is its own, too.
    let signals = Signals::new()?;
    let serving = listeners.serve(counted);

    let mut command = Command::new(program);
    command.args(arguments);
    environment::set(&mut command, address.socket());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            complain(&format!("cannot run `{}`: {error}", program.to_string_lossy()));
            return Ok(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE });
        }
    };
    let status = signals.wait_for(child).await?;
    serving.close().await;
    passing.close().await;
    let tally = tally.await.unwrap_or_default();
    match lost.why() {
        None => complain(&tally.to_string()),
        Some(why) => complain(&format!("not everything was stored ({why}); of what was: {tally}")),
    }
    Ok(code(status))
}

/// The program's own, or as shells say which signal ended it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Passes exports on and counts what was taken.
#[derive(Clone)]
struct Counted {
    passing: Passing,
    told: tally::Sender,
    lost: Arc<Lost>,
}

/// Why something was not stored.
#[derive(Default)]
struct Lost {
    /// Its sender gives it up.
    refused: Mutex<Option<String>>,
    /// Its sender tries again, and may have come through since.
    put_off: Mutex<Option<String>>,
}

impl Lost {
    fn note(&self, taken: &Result<Accepted, Refusal>) {
        let hold = |why: &'_ Mutex<Option<String>>, value| *why.lock().unwrap_or_else(PoisonError::into_inner) = value;
        match taken {
            Ok(_) => hold(&self.put_off, None),
            Err(refusal) if refusal.retry_after().is_some() => hold(&self.put_off, Some(refusal.to_string())),
            Err(refusal) => hold(&self.refused, Some(refusal.to_string())),
        }
    }

    fn why(&self) -> Option<String> {
        let of = |why: &Mutex<Option<String>>| why.lock().unwrap_or_else(PoisonError::into_inner).clone();
        of(&self.refused).or_else(|| of(&self.put_off))
    }
}

impl Taker for Counted {
    async fn take(&self, export: Export) -> Result<Accepted, Refusal> {
        let taken = self.passing.take(export.clone()).await;
        self.lost.note(&taken);
        if taken.is_ok() {
            // It is counted beside the answer, not before it; a counter that has died is only not told.
            let _ = self.told.send(export).await;
        }
        taken
    }

    fn counts(&self) -> &Arc<Counts> {
        self.passing.counts()
    }
}

/// Signals that would end us before the program ends.
struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the program, and hands it every signal that it did not get itself.
    async fn wait_for(mut self, mut child: Child) -> io::Result<ExitStatus> {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // From a terminal, ctrl-c and ctrl-\ reach both of us; a second one would cut the program's own ending short.
        let shared = io::stdin().is_terminal() || io::stderr().is_terminal();
        loop {
            let signal = tokio::select! {
                status = child.wait() => return status,
                _ = self.interrupt.recv() => (!shared).then_some(Sent::INT),
                _ = self.quit.recv() => (!shared).then_some(Sent::QUIT),
                _ = self.terminate.recv() => Some(Sent::TERM),
                _ = self.hang_up.recv() => Some(Sent::HUP),
            };
            if let (Some(pid), Some(signal)) = (pid, signal) {
                // It may have ended just now.
                let _ = kill_process(pid, signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_came_through_later_is_not_lost_and_what_was_refused_is() {
        let lost = Lost::default();
        let busy = Err(Refusal::Busy { retry_after: Duration::from_secs(2) });
        lost.note(&busy);
        assert!(lost.why().unwrap().contains("behind"));
        lost.note(&Ok(Accepted::default()));
        assert_eq!(lost.why(), None);
        lost.note(&Err(Refusal::TooLarge));
        lost.note(&Ok(Accepted::default()));
        assert!(lost.why().unwrap().contains("too large"));
    }

    #[test]
    fn the_exit_code_is_the_programs_or_names_the_signal() {
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
        assert_eq!(code(ExitStatus::from_raw(0)), 0);
    }
}
