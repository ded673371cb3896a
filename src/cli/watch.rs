//! Without a command: the screen, and the listeners behind it.
//!
//! ```text
//!   log ─▶ ports ─▶ screen                          drawn before the store is open, for which it never waits
//!            └─▶ (a thread) store ─▶ connections     Stage hands the store to the screen
//! ```

use std::{
    env,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use super::{GOOD, answering::Answering, complain, demo::Stage, is_read_by_a_person, serve, written};
use crate::{
    app::{self, format::Zone, sdk::Sdk},
    config::{Db, Settings, logging, views},
    frameworks::Project,
    keymap::Keymap,
    receive::{Address, Counts, Protocol, Refused},
    start::{self, Rooms},
    store::StoreHealth,
    terminal::{self, Alerts, Mode, Started, Wiring},
};

/// Shows the screen and receives; if standard output is no terminal, only receives.
pub fn watch(settings: &Settings) -> anyhow::Result<u8> {
    if !is_read_by_a_person() {
        complain("standard output is no terminal, so there is no screen; doing what `sideseat-tui serve` does");
        return serve::serve(settings, None);
    }
    let keymap = super::keymap(settings)?;
    logging(settings)?;
    let runtime = start::runtime()?;
    // Ports first: binding them takes a millisecond, and the error that one is taken should be printed before the screen is
    // drawn.
    let listeners = runtime.block_on(start::bind(settings))?;
    let addresses = listeners.addresses();
    let counts = Counts::new();
    let (starting, started) = mpsc::channel();
    let stage = Stage::new(starting.clone(), runtime.handle().clone());
    // A screen that is gone already needs no addresses.
    let _ = starting.send(Started::Listening(addresses.iter().map(shown).collect()));

    let opening = {
        let (settings, counts, stage, runtime) =
            (settings.clone(), counts.clone(), stage.clone(), runtime.handle().clone());
        thread::Builder::new().name("opening".to_owned()).spawn(move || {
            let rooms = Rooms::open(&settings, listeners, &counts, &runtime, |intake| stage.clone().before(intake));
            match &rooms {
                Ok(rooms) => {
                    stage.live(rooms.store.clone());
                    if let Some(mended) = rooms.store.mended_in_words() {
                        stage.notice(mended);
                    }
                }
                Err(error) => stage.failed(&format!("{error:#}")),
            }
            rooms.map(|rooms| (Answering::start(&settings, &addresses, rooms.store.read_access(), &runtime), rooms))
        })?
    };
    let ended = terminal::run(wiring(settings, keymap, started, &stage, Mode::Live, counts));

    stage.close();
    let rooms = opening.join().map_err(|_| anyhow::anyhow!("opening the store failed; the log says where"))?;
    // If the rooms could not be opened, that is why the screen ended.
    let (answering, rooms) = rooms?;
    answering.close();
    rooms.close(runtime.handle());
    runtime.shutdown_timeout(start::LAST_WORK);
    ended?;
    Ok(GOOD)
}

/// What the screen is connected to.
pub(super) fn wiring(
    settings: &Settings,
    keymap: Keymap,
    started: mpsc::Receiver<Started>,
    stage: &Stage,
    mode: Mode,
    counts: Arc<Counts>,
) -> Wiring {
    let (player, watched) = (stage.clone(), stage.clone());
    let file = settings.paths.views();
    let views = file.as_deref().map(views::read).transpose().unwrap_or_else(|why| {
        stage.notice(why);
        None
    });
    Wiring {
        theme: settings.theme.value.clone(),
        themes_dir: settings.paths.themes(),
        ascii: settings.ascii.value,
        keymap,
        views: views.unwrap_or_default(),
        save_view: Box::new(move |name, filter| match &file {
            Some(file) => views::save(file, name, filter),
            None => Err("no folder for settings is known".to_owned()),
        }),
        started,
        seen: Box::new(move || seen(&counts, watched.health())),
        demo: Box::new(move || player.play()),
        db: match &settings.db.value {
            Db::File(file) if mode == Mode::Live => settings.paths.shown(file),
            Db::File(_) | Db::Memory => "memory".to_owned(),
        },
        mode,
        export: Arc::new(written::write),
        alerts: Alerts { bell: settings.bell.value, notify: settings.notify.value, title: settings.title.value },
        sdk: env::current_dir().ok().and_then(|folder| Sdk::used_by(&Project::of(&folder))).unwrap_or_default(),
    }
}

/// An address as the screen shows it.
fn shown(address: &Address) -> app::Listening {
    let note = (address.port != address.wanted).then(|| {
        let holder = address.holder.as_deref().unwrap_or("somebody else");
        format!("{} is taken by {holder}", address.wanted)
    });
    app::Listening { what: address.what.as_str().to_owned(), address: address.ip.to_string(), port: address.port, note }
}

/// What was counted, as the screen shows it.
fn seen(counts: &Counts, health: StoreHealth) -> app::Seen {
    let seen = counts.snapshot();
    let refused = |refused: &Refused| {
        let Refused { at, peer, path, reason: _, why } = refused;
        format!("{} {path} from {peer}: {why}", Zone::system().clock(*at))
    };
    // Only `run` has a port for both protocols.
    let known = seen.open.iter().filter(|(protocol, _)| *protocol != Protocol::Any);
    app::Seen {
        connections: known.map(|(protocol, open)| (protocol.as_str().to_owned(), *open)).collect(),
        exports: seen.exports,
        spans: seen.spans,
        logs: seen.logs,
        metric_points: seen.points,
        refused: seen.refusals(),
        refusals: seen.last_refused.iter().rev().map(refused).collect(),
        failing: health.failing,
        disk_full: health.disk_full,
        pruned: health.pruned,
        programs: counts.programs.list(Instant::now()),
        reprocessing: health.reprocessing.map(|progress| (progress.done, progress.of)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_says_why_it_is_not_the_usual_one() {
        let usual =
            Address { what: Protocol::Http, ip: Ipv4Addr::LOCALHOST.into(), port: 4318, wanted: 4318, holder: None };
        assert_eq!(shown(&usual).note, None);
        let moved = Address { port: 4319, holder: Some("otelcol, pid 7".into()), ..usual };
        assert_eq!(shown(&moved).note.as_deref(), Some("4318 is taken by otelcol, pid 7"));
    }
}
