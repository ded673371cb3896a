//! `serve`: listeners without a screen.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process,
    sync::{Arc, mpsc},
    thread,
};

use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::{
    GOOD,
    answering::{Answering, Desk},
    complain, tail,
};
use crate::{
    config::{Settings, logging},
    receive::{Address, Counts, ExportSink, Intake, Listeners},
    start::{self, OwnToken, Rooms},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui serve
  sideseat-tui serve --db build.duckdb --http-port 0 --grpc-port off    # any free port, no gRPC
  sideseat-tui serve --bind 0.0.0.0 --token generate                    # for other machines and containers

Prints, when it is ready:
  grpc 127.0.0.1:4317
  http 127.0.0.1:4318
  sideseat 127.0.0.1:5388";

/// The exit code when a second signal ended the program before everything was closed.
const INTERRUPTED: i32 = 130;

/// Receives until a signal asks it to stop. With `tail` it prints what runs do, and the addresses on stderr.
pub fn serve(settings: &Settings, tail: Option<&tail::Arguments>) -> anyhow::Result<u8> {
    logging(settings)?;
    let runtime = start::runtime()?;
    // Before the addresses are printed: a script that waits for them may send a signal at once.
    let mut signals = runtime.block_on(async { StopSignals::new() })?;
    let token = start::token(settings, io::stderr().is_terminal())?;
    let listeners = runtime.block_on(start::bind(settings, &token))?;
    let addresses = listeners.addresses();
    let (rooms, desk) = open(settings, listeners, &Counts::new(), runtime.handle(), |intake| intake, &complain)?;
    if let Some(mended) = rooms.store.mended_in_words() {
        complain(&mended);
    }
    let answering = Answering::start(settings, &addresses, desk, token.secret.clone());
    let printed = match tail {
        None => {
            let printed = print(&addresses);
            show(&token);
            if printed.is_ok() {
                runtime.block_on(signals.arrival());
            }
            printed.map_err(anyhow::Error::from)
        }
        Some(tail) => {
            show(&token);
            let listening: Vec<String> = addresses.iter().map(|address| address.socket().to_string()).collect();
            let ready = || complain(&format!("listening on {}", listening.join(", ")));
            let store = &rooms.store.read_access().open();
            let (stop, stopped) = mpsc::channel();
            let (end, ended) = oneshot::channel();
            thread::scope(|scope| {
                let following = scope.spawn(move || {
                    let followed = tail::follow(store, tail, &stopped, ready);
                    // Nobody reads any more, or nothing can be read.
                    let _ = end.send(());
                    followed
                });
                runtime.block_on(async {
                    tokio::select! {
                        () = signals.arrival() => {}
                        _ = ended => {}
                    }
                });
                drop(stop);
                following.join().unwrap_or_else(|_| Err(anyhow::anyhow!("printing failed; the log says where")))
            })
        }
    };
    // A second signal while it closes ends it at once: what was acknowledged is stored already.
    runtime.spawn(async move {
        signals.arrival().await;
        process::exit(INTERRUPTED);
    });
    answering.close();
    rooms.close(runtime.handle());
    runtime.shutdown_timeout(start::LAST_WORK);
    printed?;
    Ok(GOOD)
}

/// Opens the rooms, and what answers others from them. `says` is handed what takes long, in words.
pub fn open<T: ExportSink>(
    settings: &Settings,
    listeners: Listeners,
    counts: &Arc<Counts>,
    runtime: &Handle,
    sink: impl FnOnce(Intake) -> T,
    says: &dyn Fn(&str),
) -> anyhow::Result<(Rooms, Desk)> {
    let (addresses, mut desk) = (listeners.addresses(), None);
    let screens = |store: &_| desk.insert(Desk::new(store, counts, &addresses, runtime)).screens();
    let rooms = Rooms::open(settings, listeners, counts, runtime, sink, screens, says)?;
    let desk = desk.ok_or_else(|| anyhow::anyhow!("nothing answers other screens"))?;
    Ok((rooms, desk))
}

/// Shows a token that was made just now, once: nothing else has it.
fn show(token: &OwnToken) {
    if let Some(secret) = token.secret.as_ref().filter(|_| token.is_new) {
        let _ = writeln!(
            io::stderr(),
            "senders need this token, which is shown this once:\n  {}\nscreens that attach:\n  SIDESEAT_TUI_TOKEN={}",
            secret.line(),
            secret.reveal()
        );
    }
}

/// SIGINT and SIGTERM: one is a request to stop, a second one to stop at once.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn arrival(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// One address a line, for people and for scripts that wait for it.
fn print(addresses: &[Address]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in addresses {
        writeln!(out, "{} {}", address.what.as_str().to_lowercase(), address.socket())?;
    }
    out.flush()
}
