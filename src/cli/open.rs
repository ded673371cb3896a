//! `open FILE…`: recorded telemetry on the screen, in memory; nothing is received and nothing is kept.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
};

use super::{BAD_INPUT, GOOD, demo::Stage, import, is_read_by_a_person, watch::wiring};
use crate::{
    config::{Settings, logging},
    receive::{Counts, Intake},
    start,
    store::{Place, Store},
    terminal::{self, Mode, Started, Wiring},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui open trip-planner-0af76519.json.gz   # what `x` on the screen, or `export --format otlp-json`, wrote
  sideseat-tui open captures/*.pb";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Files to look at
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Reads the files, and shows what is in them.
pub fn open(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    anyhow::ensure!(is_read_by_a_person(), "standard output is no terminal, so there is no screen to show files on");
    let keymap = super::keymap(settings)?;
    logging(settings)?;
    let runtime = start::runtime()?;
    let prices = start::prices();
    let store = Arc::new(Store::open(&Place::Memory, Arc::clone(&prices))?);
    let counts = Counts::new();
    let intake = Intake::new(store.writer(), prices, Arc::clone(&counts));
    let bad = import::into(&intake, &arguments.files, &runtime)?;
    let seen = counts.snapshot();
    if seen.spans == 0 && seen.logs == 0 {
        anyhow::ensure!(bad > 0, "there is no span and no log record in these files");
        return Ok(BAD_INPUT);
    }
    let (starting, started) = mpsc::channel();
    let stage = Stage::new(starting.clone(), runtime.handle().clone());
    // A screen that is gone already needs neither.
    let _ = starting.send(Started::Listening(Vec::new()));
    stage.live(store);
    if bad > 0 {
        stage.notice(format!("{bad} of {} files could not be read whole", arguments.files.len()));
    }
    let names: Vec<String> = arguments.files.iter().map(|file| settings.paths.shown(file)).collect();
    let wired = wiring(settings, keymap, started, &stage, Mode::Files, counts);
    let ended = terminal::run(Wiring { db: names.join(" "), ..wired });
    drop(intake);
    stage.close();
    runtime.shutdown_timeout(start::LAST_WORK);
    ended?;
    Ok(if bad == 0 { GOOD } else { BAD_INPUT })
}
