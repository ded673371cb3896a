//! `run -- CMD…`: a program with its telemetry sent here.
//!
//! ```text
//!   CMD ──OTLP──▶ a port of its own ──▶ Delivery: the running instance, else the store
//!                        └─▶ Tally: one line at the end
//!   CMD ──stderr──▶ our stderr, and its last lines kept
//!   Announcer: every second to the running instance that the program runs, at its end how it ended
//! ```
//!
//! The port is open before the program starts and until after it has ended, whether an instance runs or not.

mod announce;
mod environment;
mod stderr;
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
    sync::watch,
    task,
};

use self::{
    announce::{Announcer, Progress},
    stderr::{Copying, Stderr},
};

use super::{complain, delivery::Delivery};
use crate::{
    config::{Settings, logging},
    model::{Exit, ProgramEnd, Timestamp, TraceId},
    receive::{Accepted, Counts, Export, ExportSink, Listeners, Refusal},
    start::{self, InheritedUmask},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui run -- python my_agent.py
  sideseat-tui run --db today.duckdb -- pytest tests/agents -x
  OTEL_BSP_SCHEDULE_DELAY=2000 sideseat-tui run -- node agent.mjs      # what is set already stays

At the end, on stderr:
  sideseat-tui: 2 traces, 5 calls, 12k tokens, $.021, 0 errors";

/// The exit codes of shells for a command that does not exist, or cannot be executed.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Leave the program's stderr alone: its last lines are not shown where it fails
    #[arg(long)]
    pub inherit_stderr: bool,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}

/// Runs the program, and returns its exit code.
pub fn run(settings: &Settings, arguments: &Arguments, umask: InheritedUmask) -> anyhow::Result<u8> {
    logging(settings)?;
    let runtime = start::runtime()?;
    let ended = runtime.block_on(run_program(settings, arguments, umask));
    runtime.shutdown_background();
    ended
}

async fn run_program(settings: &Settings, arguments: &Arguments, umask: InheritedUmask) -> anyhow::Result<u8> {
    let Some((program, rest)) = arguments.command.split_first() else { anyhow::bail!("no command to run") };
    let listeners = Listeners::single().await?;
    let Some(address) = listeners.addresses().into_iter().next() else { anyhow::bail!("nothing to listen on") };
    let (progress, sent) = watch::channel(Progress::default());
    let (tally, exports) = tally::start(progress);
    let delivery = Delivery::new(settings, address.clone());
    let losses = Arc::<Losses>::default();
    let tallied = Tallied { delivery: delivery.clone(), exports, losses: Arc::clone(&losses) };
    // Before the program starts: a signal that arrives at once is handed to the program as well.
    let signals = Signals::new()?;
    let serving = listeners.serve(tallied);

    let mut command = Command::new(program);
    command.args(rest);
    environment::set(&mut command, address.socket());
    let copied = if arguments.inherit_stderr { None } else { copied_stderr(&mut command) };
    let child = match umask.around(|| command.spawn()) {
        Ok(child) => child,
        Err(error) => {
            complain(&format!("cannot run `{}`: {error}", program.to_string_lossy()));
            return Ok(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE });
        }
    };
    // The program alone holds the writing end from here on: what is read from it ends with the program.
    drop(command);
    let copying = copied.and_then(|copied| copied.copy().inspect_err(not_copied).ok());
    let announcer = child.id().map(|pid| Announcer::start(settings, pid, &arguments.command, sent));
    let status = signals.wait_for(child, copying.as_ref()).await?;
    let at = Timestamp::now();
    serving.close().await;
    let stderr = copying.map_or_else(Vec::new, |copying| task::block_in_place(|| copying.last_lines()));
    let tally = tally.await.unwrap_or_default();
    let unfinished = tally.unfinished(!status.success());
    delivery.program_ended(unfinished.clone(), at).await;
    if let Some(announcer) = announcer {
        announcer.finish(ProgramEnd { at, exit: exit(status), stderr, unfinished }).await;
    }
    delivery.close().await;
    match losses.why() {
        None => complain(&tally.to_string()),
        Some(why) => complain(&format!("not everything was stored ({why}); of what was: {tally}")),
    }
    Ok(code(status))
}

/// Opens what the program gets as its stderr; `None` where it keeps ours.
fn copied_stderr(command: &mut Command) -> Option<Stderr> {
    let opened = Stderr::open().inspect_err(not_copied).ok().flatten();
    opened.map(|(copied, writer)| {
        command.stderr(writer);
        copied
    })
}

fn not_copied(error: &io::Error) {
    tracing::warn!(%error, "the program's stderr is not read");
}

fn exit(status: ExitStatus) -> Exit {
    status.signal().map_or_else(|| Exit::Code(status.code().unwrap_or(-1)), Exit::Signal)
}

/// The program's exit code; if a signal ended it, 128 and the signal's number, as in shells.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Delivers exports, and has those that were accepted counted.
#[derive(Clone)]
struct Tallied {
    delivery: Delivery,
    /// To the tally.
    exports: tally::Sender,
    losses: Arc<Losses>,
}

/// Why exports were not stored; `None` if all were.
#[derive(Default)]
struct Losses {
    /// Why the last one was refused that its sender drops, whole or some of its spans or log records.
    refused: Mutex<Option<String>>,
    /// Why the last export was refused, if it was and its sender tries again.
    postponed: Mutex<Option<String>>,
}

impl Losses {
    fn note(&self, answer: &Result<Accepted, Refusal>) {
        let set = |why: &'_ Mutex<Option<String>>, value| *why.lock().unwrap_or_else(PoisonError::into_inner) = value;
        match answer {
            Ok(accepted) if accepted.rejected > 0 => {
                set(&self.postponed, None);
                set(&self.refused, Some(accepted.why.clone()));
            }
            Ok(_) => set(&self.postponed, None),
            Err(refusal) if refusal.retry_after().is_some() => set(&self.postponed, Some(refusal.to_string())),
            Err(refusal) => set(&self.refused, Some(refusal.to_string())),
        }
    }

    fn why(&self) -> Option<String> {
        let of = |why: &Mutex<Option<String>>| why.lock().unwrap_or_else(PoisonError::into_inner).clone();
        of(&self.refused).or_else(|| of(&self.postponed))
    }
}

impl ExportSink for Tallied {
    async fn accept(&self, export: Export) -> Result<Accepted, Refusal> {
        let answer = self.delivery.accept(export.clone()).await;
        self.losses.note(&answer);
        if answer.is_ok() {
            // If the tally has panicked its line is missing, and nothing else.
            let _ = self.exports.send(export).await;
        }
        answer
    }

    async fn program_ended(&self, unfinished: Vec<TraceId>, at: Timestamp) {
        self.delivery.program_ended(unfinished, at).await;
    }

    fn counts(&self) -> &Arc<Counts> {
        self.delivery.counts()
    }
}

/// The signals that would end this process before the program has ended.
struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hang_up: Signal,
    resized: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            resized: signal(SignalKind::window_change())?,
        })
    }

    /// Waits for the program, and sends it every signal that it did not get itself. The terminal that it writes its stderr
    /// to has the size of ours.
    async fn wait_for(mut self, mut child: Child, stderr: Option<&Copying>) -> io::Result<ExitStatus> {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // A terminal sends ctrl-c and ctrl-\ to both processes; sending them a second time would interrupt the program's
        // own cleaning up.
        let shared = io::stdin().is_terminal() || io::stderr().is_terminal();
        loop {
            let signal = tokio::select! {
                status = child.wait() => return status,
                _ = self.interrupt.recv() => (!shared).then_some(Sent::INT),
                _ = self.quit.recv() => (!shared).then_some(Sent::QUIT),
                _ = self.terminate.recv() => Some(Sent::TERM),
                _ = self.hang_up.recv() => Some(Sent::HUP),
                _ = self.resized.recv() => {
                    stderr.map(Copying::resize);
                    None
                }
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
    fn what_is_stored_at_a_later_attempt_is_not_lost_and_what_was_refused_is() {
        let losses = Losses::default();
        let busy = Err(Refusal::Busy { retry_after: Duration::from_secs(2) });
        losses.note(&busy);
        assert!(losses.why().unwrap().contains("behind"));
        losses.note(&Ok(Accepted::default()));
        assert_eq!(losses.why(), None);
        losses.note(&Err(Refusal::TooLarge));
        losses.note(&Ok(Accepted::default()));
        assert!(losses.why().unwrap().contains("too large"));
    }

    #[test]
    fn the_exit_code_is_the_programs_or_names_the_signal() {
        assert_eq!(code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
        assert_eq!(code(ExitStatus::from_raw(0)), 0);
    }
}
