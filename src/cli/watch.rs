//! Without a command: the screen, and the listeners behind it, or the instance that holds the store already.
//!
//! ```text
//!   log ─▶ ports ─▶ screen                          drawn before the store is open, for which it never waits
//!            └─▶ (a thread) store ─▶ connections     Stage hands the store to the screen
//!
//!   another instance holds the store ─▶ (a thread) attach ─▶ Stage hands that one's store to the screen
//!                                         it ends ─▶ the screen offers to take its place
//! ```

use std::{
    env,
    sync::{Arc, mpsc},
    thread,
};

use super::{
    GOOD, complain,
    demo::Stage,
    is_read_by_a_person,
    sending::Sending,
    serve,
    watching::{Shows, Watching},
    written::{self, Holder},
};
use crate::{
    app::{ViewChange, history::MOST, sdk::Sdk},
    config::{Db, Settings, history, logging, views},
    frameworks::Project,
    keymap::Keymap,
    receive::Counts,
    start,
    terminal::{self, Alerts, Mode, Started, Wiring},
};

/// Shows the screen and receives; if standard output is no terminal, only receives.
pub fn watch(settings: &Settings) -> anyhow::Result<u8> {
    if !is_read_by_a_person() {
        complain("standard output is no terminal, so there is no screen; doing what `sideseat-tui serve` does");
        return serve::serve(settings, None);
    }
    show(settings, Shows::Store)
}

/// Shows the screen, over the store or over what another instance shows.
pub fn show(settings: &Settings, shows: Shows) -> anyhow::Result<u8> {
    let keymap = super::keymap(settings)?;
    logging(settings)?;
    let runtime = start::runtime()?;
    let (starting, started) = mpsc::channel();
    let stage = Stage::new(starting, runtime.handle().clone());
    let far = match &shows {
        Shows::Far { token, .. } => token.clone(),
        Shows::Store => None,
    };
    let watching = Watching::new(settings, shows, &stage, runtime.handle());
    // Ports first: binding them takes a millisecond, and the error that one is taken should be printed before the screen is
    // drawn.
    let prepared = watching.prepare()?;
    let opening = {
        let watching = Arc::clone(&watching);
        thread::Builder::new().name("opening".to_owned()).spawn(move || {
            let opened = watching.open(prepared);
            if let Err(error) = &opened {
                watching.stage().failed(&format!("{error:#}"));
            }
            opened
        })?
    };
    let mut wiring = wiring(settings, keymap, started, &stage, Mode::Live, watching.counts());
    if let Some(place) = watching.place() {
        wiring.db = place;
    }
    let taking = Arc::clone(&watching);
    if far.is_some() {
        let sending = Sending::new(settings, &stage, far);
        wiring.send = Box::new(move |what, host, port| sending.start(what, host, port));
    }
    wiring.take_over = Box::new(move || taking.take_over());
    let attached = Arc::clone(&watching);
    wiring.export = Arc::new(move |store, export| match store {
        Some(store) => written::write(&Holder::Store(store), export),
        None => attached.export(export),
    });
    let ended = terminal::run(wiring);

    stage.close();
    watching.close();
    let opened = opening.join().map_err(|_| anyhow::anyhow!("opening the store failed; the log says where"))?;
    runtime.shutdown_timeout(start::LAST_WORK);
    // If nothing could be opened, that is why the screen ended.
    opened?;
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
    let sending = Sending::new(settings, stage, None);
    let file = settings.paths.views();
    // Who keeps no spans wants nothing kept.
    let lines = settings.paths.history().filter(|_| settings.db.value != Db::Memory && mode.is_live());
    let views = file.as_deref().map(views::read).transpose().unwrap_or_else(|why| {
        stage.notice(why);
        None
    });
    Wiring {
        theme: settings.theme.value.clone(),
        themes_dir: settings.paths.themes(),
        ascii: settings.ascii.value,
        wide_ambiguous: settings.wide_ambiguous.value,
        links: settings.links.value,
        keymap,
        views: views.unwrap_or_default(),
        change_view: Box::new(move |change| match (&file, change) {
            (Some(file), ViewChange::Save { name, filter }) => views::save(file, name, filter),
            (Some(file), ViewChange::Drop { name }) => views::drop(file, name),
            (Some(file), ViewChange::Rename { from, to }) => views::rename(file, from, to),
            (None, _) => Err("no folder for settings is known".to_owned()),
        }),
        lines: lines.as_deref().map(history::read).unwrap_or_default(),
        keep_lines: Box::new(move |new| {
            let Some(file) = &lines else { return };
            if let Err(error) = history::add(file, new, MOST) {
                tracing::warn!(%error, "the lines that were typed are not kept");
            }
        }),
        started,
        seen: Box::new(move || watched.seen(&counts)),
        demo: Box::new(move || player.play()),
        send: Box::new(move |what, host, port| sending.start(what, host, port)),
        take_over: Box::new(|| ()),
        db: match &settings.db.value {
            Db::File(file) if mode == Mode::Live => settings.paths.shown(file),
            Db::File(_) | Db::Memory => "memory".to_owned(),
        },
        mode,
        export: Arc::new(|store, export| match store {
            Some(store) => written::write(&Holder::Store(store), export),
            None => "nothing is written: no store is open here".to_owned(),
        }),
        alerts: Alerts { bell: settings.bell.value, notify: settings.notify.value, title: settings.title.value },
        sdk: env::current_dir().ok().and_then(|folder| Sdk::used_by(&Project::of(&folder))).unwrap_or_default(),
    }
}
