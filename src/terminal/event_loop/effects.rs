//! Carries out what the app wants from outside. What a disk or a store may hold up has a thread of its own.

use std::{
    collections::VecDeque,
    fs,
    path::PathBuf,
    sync::{Arc, PoisonError, atomic::Ordering, mpsc::Receiver},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Signal, kill_current_process_group};

use super::{EventLoop, Incoming};
use crate::{
    app::{Dropped, Effect, Event, Export, Mode, removed, update},
    model::{Removal, SpanId, TraceId},
    store::Marked,
    terminal::{
        ScreenError, guard, pager,
        signals::{self, ProcessSignal},
    },
};

/// A process that was sent the signal to stop does so by then, or never: nobody may be there to continue it.
const STOPPING: Duration = Duration::from_millis(300);

impl EventLoop {
    /// Moves the state by an event, and carries out the effects of that.
    pub(super) fn event(&mut self, event: Event, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        let mut effects: VecDeque<Effect> = update(&mut self.state, event).into();
        *self.showing.lock().unwrap_or_else(PoisonError::into_inner) = self.state.detail.showing();
        self.pace.dirty = true;
        self.pace.focused = self.state.focused;
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Ask { slot, query, ticket } => {
                    if let Some((_, readers)) = &self.shown {
                        readers.ask_with(slot, query, ticket);
                    }
                }
                Effect::Work => drop(self.to_loop.send(Incoming::Work)),
                Effect::Copy { text, what } => {
                    let to_loop = self.to_loop.clone();
                    let then = move |went| {
                        let went = match went {
                            Ok(told) => Incoming::Notice(told),
                            Err(refused) => Incoming::NotCopied(refused),
                        };
                        drop(to_loop.send(went));
                    };
                    self.outside.clipboard.copy(text, what, then);
                }
                Effect::Export(what) => self.export(what),
                Effect::Mark { letter, place } => self.mark(letter, place),
                Effect::OpenOutside(what) => {
                    if let Some((store, _)) = &self.shown {
                        let to_loop = self.to_loop.clone();
                        let notify = move |text: String| drop(to_loop.send(Incoming::Notice(text)));
                        self.viewer.show(what, store, notify);
                    }
                }
                // The names come from the themes that were read.
                Effect::SetTheme(name) => self.outside.set_theme(&name),
                Effect::Suspend => self.suspend(incoming)?,
                Effect::Mouse(on) => guard::write(guard::MOUSE[usize::from(on)])?,
                Effect::Page { text, ending, edit } => {
                    let told = self.page(&text, ending, edit, incoming)?;
                    if let Some(told) = told {
                        effects.extend(update(&mut self.state, Event::Notice(told)));
                    }
                }
                Effect::Redraw => self.screen.forget(&self.state)?,
                Effect::PlayDemo => (self.outside.demo)(),
                Effect::Look(groups) => self.look(groups),
                Effect::Send { what, host, port } => (self.outside.send)(what, host, port),
                Effect::Ascii(on) => {
                    self.screen.set_ascii(on);
                    self.screen.forget(&self.state)?;
                }
                Effect::Alerts(alerts) => self.outside.alerter.set(alerts, &self.tty)?,
                Effect::ChangeView(change) => {
                    if let Err(why) = (self.outside.change_view)(&change) {
                        effects.extend(update(&mut self.state, Event::Notice(format!("not saved: {why}"))));
                    }
                }
                Effect::Remove(removal) => self.remove(removal),
                Effect::TakeOver => (self.outside.take_over)(),
                Effect::Alert(text) => self.outside.alerter.alert(&text)?,
                Effect::Quit => self.ends = true,
            }
        }
        Ok(())
    }

    /// Looks which files there are. A disk may take its time.
    fn look(&self, groups: Vec<Vec<PathBuf>>) {
        let to_loop = self.to_loop.clone();
        thread::spawn(move || {
            let there = |path: &PathBuf| {
                let file = path.metadata().ok().filter(fs::Metadata::is_file)?;
                Some(Dropped { path: path.clone(), bytes: file.len() })
            };
            let found = groups.iter().find_map(|paths| paths.iter().map(there).collect::<Option<Vec<_>>>());
            drop(to_loop.send(Incoming::Dropped(found.unwrap_or_default())));
        });
    }

    /// Writes a file; nobody waits for it.
    fn export(&self, what: Export) {
        let Some((store, _)) = &self.shown else { return };
        let (store, export, to_loop) = (Arc::clone(store), Arc::clone(&self.outside.export), self.to_loop.clone());
        std::thread::spawn(move || {
            let told = export(store.own(), &what);
            drop(store);
            drop(to_loop.send(Incoming::Notice(told)));
        });
    }

    /// Has the store keep a mark; nobody waits for its disk.
    fn mark(&self, letter: char, place: Option<(TraceId, Option<SpanId>, String)>) {
        let Some((store, _)) = &self.shown else { return };
        let (store, to_loop) = (Arc::clone(store), self.to_loop.clone());
        std::thread::spawn(move || {
            let place = place.map(|(trace, span, note)| Marked { trace, span, note });
            let notice = match (store.mark(letter, place.as_ref()), place) {
                (Ok(()), Some(place)) => format!("marked {letter}: {}", place.note),
                (Ok(()), None) => format!("{letter} marks nothing any more"),
                (Err(error), _) => format!("not marked: {error}"),
            };
            // The store is let go before the screen may end.
            drop(store);
            drop(to_loop.send(Incoming::Marked(notice)));
        });
    }

    /// Shows a text in the user's pager or editor, which has the terminal meanwhile; what is received goes on. In words, why
    /// it could not be shown.
    fn page(
        &mut self,
        text: &str,
        ending: &str,
        edit: bool,
        incoming: &Receiver<Incoming>,
    ) -> Result<Option<String>, ScreenError> {
        self.input.step_aside();
        self.tty.give_back();
        self.outside.away.store(true, Ordering::SeqCst);
        let told = pager::show(text, ending, edit).err().map(|error| error.to_string());
        self.outside.away.store(false, Ordering::SeqCst);
        // A ctrl-c was the pager's.
        let meanwhile = incoming.try_iter();
        self.later.extend(meanwhile.filter(|one| !matches!(one, Incoming::Signal(ProcessSignal::Interrupted))));
        self.take_again()?;
        Ok(told)
    }

    /// Takes the terminal again as it was.
    fn take_again(&mut self) -> Result<(), ScreenError> {
        self.tty.take()?;
        if !self.state.mouse {
            guard::write(guard::MOUSE[0])?;
        }
        self.outside.alerter.forget_title();
        self.input.come_back();
        self.screen.forget(&self.state)?;
        self.later.push_back(Incoming::Signal(ProcessSignal::Resized));
        Ok(())
    }

    /// Removes something from the store that is shown, on a thread of its own, and says what went.
    fn remove(&self, removal: Removal) {
        let Some((store, _)) = &self.shown else { return };
        let (remove, to_loop) = (store.remover(), self.to_loop.clone());
        let work = move || {
            let text = match remove(removal) {
                Ok(gone) if gone.is_empty() => "there was nothing to delete any more".to_owned(),
                Ok(gone) => format!("deleted {}", removed::removed(&gone)),
                Err(error) => format!("not deleted: {error}"),
            };
            drop(to_loop.send(Incoming::Notice(text)));
        };
        if let Err(error) = thread::Builder::new().name("removing".to_owned()).spawn(work) {
            drop(self.to_loop.send(Incoming::Notice(format!("not deleted: {error}"))));
        }
    }

    /// Stops the process and all that were started with it, as the terminal's own ctrl-z does.
    fn suspend(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        if !signals::may_be_continued() {
            return self
                .event(Event::Notice("no shell is here that could continue it: it goes on".to_owned()), incoming);
        }
        self.leave()?;
        kill_current_process_group(Signal::TSTP).map_err(std::io::Error::from)?;
        // This process is of that group as well: its own signal comes by the thread of the signals.
        self.wait_for(ProcessSignal::Stopped, incoming);
        self.stop(incoming)
    }

    /// Gives the terminal back, stops the process, and goes on when it is continued.
    pub(super) fn stop(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        if !signals::may_be_continued() {
            return Ok(());
        }
        self.leave()?;
        signals::stop();
        // It may take its time to stop every thread.
        self.wait_for(ProcessSignal::Continued, incoming);
        self.take_again()
    }

    /// Gives the terminal back, and says there what that means. A second call does nothing.
    fn leave(&mut self) -> Result<(), ScreenError> {
        self.input.step_aside();
        if self.tty.give_back() {
            let told: &[u8] = if self.state.mode == Mode::Attached {
                b"this screen of sideseat-tui is stopped until `fg`; the one that it is attached to goes on\r\n"
            } else {
                b"sideseat-tui is stopped and receives nothing until `fg`; `sideseat-tui serve` needs no screen\r\n"
            };
            guard::write(told)?;
        }
        Ok(())
    }

    /// Waits for a signal, but not for ever; what comes meanwhile is kept.
    fn wait_for(&mut self, signal: ProcessSignal, incoming: &Receiver<Incoming>) {
        let deadline = Instant::now() + STOPPING;
        while let Ok(one) = incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if matches!(one, Incoming::Signal(came) if came == signal) {
                break;
            }
            self.later.push_back(one);
        }
    }
}
