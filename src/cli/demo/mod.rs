//! `demo`: a story and recorded runs, played as if they happened now.
//!
//! The runs were recorded against a model that answers in milliseconds, so each is stretched until its steps can be
//! watched; a span is sent when it ends, as SDKs do. The story is there at once: nobody should wait for something to see.

mod recording;
mod stage;
mod story;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use bytes::Bytes;
use tokio::runtime::Handle;

pub use stage::Stage;

use super::{GOOD, is_read_by_a_person, watch::wiring};
use crate::{
    config::{Settings, logging},
    decode::{Encoding, Signal, encode},
    model::{Project, Span, Timestamp},
    receive::{Counts, Export, ExportSink, Refusal},
    start,
    terminal::{self, Mode, Started},
};
use recording::RECORDINGS;

/// The story is there at once, and looked at for so long before others begin.
const STORY: Duration = Duration::from_secs(5);
/// How long it waits between two runs.
const PAUSE: Duration = Duration::from_millis(700);

/// Opens the screen over a store in memory, and plays the recorded runs into it; nothing is received.
///
/// # Errors
/// There is no screen.
pub fn demo(settings: &Settings) -> anyhow::Result<u8> {
    anyhow::ensure!(is_read_by_a_person(), "standard output is no terminal, so there is no screen to play on");
    let keymap = super::keymap(settings)?;
    logging(settings)?;
    let runtime = start::runtime()?;
    let (starting, started) = mpsc::channel();
    let stage = Stage::new(starting.clone(), runtime.handle().clone());
    // A screen that is gone already need not know.
    let _ = starting.send(Started::Listening(Vec::new()));
    stage.play();
    let ended = terminal::run(wiring(settings, keymap, started, &stage, Mode::Demo, Counts::new()));
    stage.close();
    runtime.shutdown_timeout(start::LAST_WORK);
    ended?;
    Ok(GOOD)
}

/// Plays every recording to its end, or until the sending end of `stopped` sends or is dropped.
///
/// # Errors
/// The sink's refusals. A store in memory that nobody else uses refuses only while it closes.
///
/// # Panics
/// Never: the recordings are embedded.
pub fn play<T: ExportSink>(sink: &T, runtime: &Handle, stopped: &Receiver<()>) -> Result<(), Refusal> {
    let send = |spans: &[Span]| runtime.block_on(sink.accept(export(spans))).map(drop);
    let wait_for = |wait: Duration| matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout));

    let (first, others) = RECORDINGS.split_first().expect("there are recordings");
    send(&first.ending(Timestamp::now()))?;
    for (at, recording) in others.iter().enumerate() {
        if !wait_for(if at == 0 { STORY } else { PAUSE }) {
            break;
        }
        for span in recording.beginning(Timestamp::now()) {
            let ended = span.ended.unwrap_or(span.started);
            if !wait_for(ended.since(Timestamp::now())) {
                return Ok(());
            }
            send(&[span])?;
        }
    }
    Ok(())
}

fn export(spans: &[Span]) -> Export {
    Export {
        signal: Signal::Traces,
        project: Project::default(),
        body: Bytes::from(encode::traces_proto(spans)),
        encoding: Encoding::Protobuf,
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        waited: Duration::ZERO,
    }
}
