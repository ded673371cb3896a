//! The loop: take what waits, update, draw, sleep.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Signal, kill_current_process_group},
    stdio::stdout,
    termios::tcgetwinsize,
};

use super::{
    SaveView, ScreenError, Started,
    alerts::Alerter,
    ask,
    clipboard::{Clipboard, Refused},
    guard::{self, Tty},
    input::{Input, InputEvent},
    keys::Typed,
    pace::Pace,
    pager,
    picture::{Canvas, Painted, Wanted},
    screen::Screen,
    signals::ProcessSignal,
    viewer::Viewer,
};
use crate::{
    app::{Effect, Event, Export, Mode, Prepared, Seen, Showing, State, Tick, picture_keys, removed, update},
    model::{Removal, SpanId, Timestamp, TraceId},
    store::{Answered, Asks, Marked, Source},
    theme::{Depth, Theme, Themes},
};

/// What arrives at the loop.
pub enum Incoming {
    Input(InputEvent),
    Signal(ProcessSignal),
    Answered(Answered, Option<Box<Prepared>>),
    /// A store holds something new.
    Changed,
    Started(Started),
    /// Something outside has a notice for the status line.
    Notice(String),
    Painted(Wanted, Result<Painted, String>),
    /// Go on with what is not done yet.
    Work,
    /// No program took a text that is to be copied.
    NotCopied(Refused),
}

/// More than this is not taken at one go: a frame is due.
const AT_ONCE: usize = 1000;
/// A process that was sent the signal to stop does so by then, or never: nobody may be there to continue it.
const STOPPING: Duration = Duration::from_millis(300);

/// What effects and ticks reach.
pub struct Outside {
    pub themes: Themes,
    /// In force, and fitted to the terminal's colours.
    pub theme: Theme,
    pub depth: Depth,
    /// `None`: the terminal shows no pictures.
    pub canvas: Option<Canvas>,
    /// The terminal answers which colour its background has, and the theme is to fit it.
    pub asks: bool,
    pub seen: Box<dyn Fn() -> Seen + Send>,
    pub demo: Box<dyn Fn() + Send>,
    pub take_over: Box<dyn Fn() + Send>,
    pub mode: Mode,
    pub clipboard: Clipboard,
    pub export: super::Exports,
    pub alerter: Alerter,
    pub save_view: SaveView,
}

pub struct EventLoop {
    state: State,
    screen: Screen,
    tty: Arc<Tty>,
    input: Input,
    to_loop: Sender<Incoming>,
    outside: Outside,
    pace: Pace,
    /// What the detail shows, for the threads that answer.
    showing: Arc<Mutex<Showing>>,
    /// The store that is shown, and who answers for it.
    shown: Option<(Arc<dyn Source>, Box<dyn Asks>)>,
    viewer: Viewer,
    /// The picture that was asked for, and what was made of it.
    wanted: Option<Wanted>,
    painted: Option<Painted>,
    /// The one that is not of the demo, and how it is shown.
    real: Option<(Arc<dyn Source>, Mode)>,
    in_demo: bool,
    /// What arrived while the loop waited for something else.
    later: VecDeque<Incoming>,
    ends: bool,
}

impl EventLoop {
    pub fn new(
        state: State,
        screen: Screen,
        tty: Arc<Tty>,
        input: Input,
        to_loop: Sender<Incoming>,
        outside: Outside,
    ) -> Self {
        Self {
            state,
            screen,
            tty,
            input,
            to_loop,
            outside,
            pace: Pace::default(),
            showing: Arc::default(),
            shown: None,
            viewer: Viewer::default(),
            wanted: None,
            painted: None,
            real: None,
            in_demo: false,
            later: VecDeque::new(),
            ends: false,
        }
    }

    /// Runs until someone quits or the terminal is gone.
    pub fn run(mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        match self.run_until_ended(incoming) {
            // The terminal is gone: nobody would read an error.
            Err(ScreenError::Terminal(error)) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(()),
            ended => ended,
        }
    }

    fn run_until_ended(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        loop {
            let rest = if self.later.is_empty() { self.pace.rests(Instant::now()) } else { Duration::ZERO };
            let first = match incoming.recv_timeout(rest) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let waited = std::mem::take(&mut self.later).into_iter();
            let all: Vec<Incoming> = waited.chain(first).chain(incoming.try_iter().take(AT_ONCE)).collect();
            if self.pace.ticks(Instant::now(), !all.is_empty()) {
                self.tick(incoming)?;
            }
            for one in all {
                self.take(one, incoming)?;
            }
            if self.pace.takes(Instant::now())
                && let Some((store, _)) = &self.shown
            {
                let changes = store.take_changes();
                if !changes.is_empty() {
                    self.event(Event::Changed(changes), incoming)?;
                }
            }
            if self.ends {
                return Ok(());
            }
            if self.pace.draws(Instant::now()) {
                self.paint()?;
                self.screen.draw(&self.state, &self.outside.theme, self.painted.as_ref())?;
                self.outside.alerter.show_title(&self.state.window_title(), &self.tty)?;
            }
        }
    }

    fn take(&mut self, one: Incoming, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        match one {
            Incoming::Input(InputEvent::Typed(typed)) => {
                if typed == Typed::Focus(true) && self.outside.asks {
                    ask::background()?;
                }
                self.event(typed.into(), incoming)
            }
            Incoming::Input(InputEvent::Gone) | Incoming::Signal(ProcessSignal::Ended | ProcessSignal::Interrupted) => {
                self.ends = true;
                Ok(())
            }
            Incoming::Signal(ProcessSignal::Resized) => self.resize(incoming),
            Incoming::Signal(ProcessSignal::Continued) => {
                // Stopped by someone else, perhaps: the shell has had the terminal since.
                self.tty.take()?;
                if !self.state.mouse {
                    guard::write(guard::MOUSE[0])?;
                }
                self.screen.forget(&self.state)?;
                self.resize(incoming)
            }
            Incoming::Answered(Answered { slot, ticket, answer }, prepared) => {
                self.event(Event::Answered { slot, ticket, answer, prepared }, incoming)
            }
            Incoming::Changed => {
                self.pace.changed = true;
                Ok(())
            }
            Incoming::Started(started) => self.started(started, incoming),
            Incoming::Notice(text) => self.event(Event::Notice(text), incoming),
            Incoming::Work => self.event(Event::Work, incoming),
            Incoming::NotCopied(refused) => {
                let told = self.outside.clipboard.send(&refused)?;
                self.event(Event::Notice(told), incoming)
            }
            // A picture that was closed meanwhile, or is wanted in another size by now, is dropped.
            Incoming::Painted(wanted, _) if self.wanted.as_ref() != Some(&wanted) => Ok(()),
            Incoming::Painted(_, painted) => {
                let (painted, went) = match painted {
                    Ok(painted) => (Some(painted), Ok(())),
                    Err(why) => (None, Err(why)),
                };
                self.painted = painted;
                self.event(Event::Painted(went), incoming)
            }
        }
    }

    /// Has the picture painted that the state lays over the screen, if it is not yet, or not in this size.
    fn paint(&mut self) -> Result<(), ScreenError> {
        let room = picture_keys::areas(&self.state).1.as_size();
        let wanted = self.state.picture.as_ref().map(|picture| (picture.what.clone(), room));
        if wanted == self.wanted {
            return Ok(());
        }
        if let Some(painted) = self.painted.take() {
            guard::write(&painted.forget())?;
        }
        self.wanted.clone_from(&wanted);
        if let (Some(wanted), Some(canvas), Some((store, _))) = (wanted, self.outside.canvas, &self.shown) {
            let to_loop = self.to_loop.clone();
            canvas.start(wanted, store, move |wanted, painted| drop(to_loop.send(Incoming::Painted(wanted, painted))));
        }
        Ok(())
    }

    fn started(&mut self, started: Started, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        match started {
            Started::Store(store) => self.show_real(store, self.outside.mode, incoming),
            Started::Attached(store) => self.show_real(store, Mode::Attached, incoming),
            Started::Ended(ended) => self.event(Event::Ended(ended), incoming),
            Started::Token(token) => self.event(Event::Token(token), incoming),
            Started::Demo(Some(store)) => {
                self.in_demo = true;
                self.show(store, Event::Opened(Mode::Demo), incoming)
            }
            Started::Demo(None) => {
                self.in_demo = false;
                match self.real.clone() {
                    Some((store, mode)) => self.show(store, Event::Opened(mode), incoming),
                    None => Ok(()),
                }
            }
            Started::Listening(listening) => self.event(Event::Listening(listening), incoming),
            Started::Notice(text) => self.event(Event::Notice(text), incoming),
            Started::Failed(why) => Err(ScreenError::Failed(why)),
        }
    }

    /// Shows the real store. One after another is the same one, which somebody else holds now.
    fn show_real(
        &mut self,
        store: Arc<dyn Source>,
        mode: Mode,
        incoming: &Receiver<Incoming>,
    ) -> Result<(), ScreenError> {
        let again = self.real.replace((store.clone(), mode)).is_some();
        if self.in_demo {
            return Ok(());
        }
        self.show(store, if again { Event::Reopened(mode) } else { Event::Opened(mode) }, incoming)
    }

    /// Shows another store; whatever the last one still answers has old tickets.
    fn show(&mut self, store: Arc<dyn Source>, event: Event, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        let (to_loop, showing) = (self.to_loop.clone(), self.showing.clone());
        let readers = store.answers(Box::new(move |answered| {
            let showing = *showing.lock().unwrap_or_else(PoisonError::into_inner);
            let prepare = || Prepared::of(&answered.slot, &answered.answer, showing);
            // What panics here does so on the screen's thread as well, where the terminal is given back.
            let prepared = catch_unwind(AssertUnwindSafe(prepare)).ok().flatten();
            // The loop has ended once the screen is gone.
            let _ = to_loop.send(Incoming::Answered(answered, prepared));
        }));
        let to_loop = self.to_loop.clone();
        store.on_change(Box::new(move || {
            let _ = to_loop.send(Incoming::Changed);
        }));
        self.shown = Some((store, readers));
        self.event(event, incoming)
    }

    fn tick(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        let failing = self.shown.as_ref().and_then(|(store, _)| store.failing());
        let tick = Tick { now: Timestamp::now(), seen: (self.outside.seen)(), failing };
        self.event(Event::Tick(tick), incoming)
    }

    fn resize(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        let (columns, rows) = size();
        self.event(Event::Resize { columns, rows }, incoming)
    }

    fn event(&mut self, event: Event, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
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
                Effect::SetTheme(name) => {
                    // The names come from the themes that were read.
                    if let Ok(theme) = self.outside.themes.get(&name) {
                        self.outside.theme = theme.degrade(self.outside.depth);
                    }
                }
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
                Effect::SaveView { name, filter } => {
                    if let Err(why) = (self.outside.save_view)(&name, &filter) {
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

    /// Writes a file; nobody waits for it.
    fn export(&self, what: Export) {
        let Some((store, _)) = &self.shown else { return };
        let (store, export, to_loop) = (Arc::clone(store), Arc::clone(&self.outside.export), self.to_loop.clone());
        std::thread::spawn(move || {
            let told = match store.own() {
                Some(store) => export(store, &what),
                None => "not written: here `sideseat-tui export` does that, or x on the screen that stores".to_owned(),
            };
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
            drop(to_loop.send(Incoming::Notice(notice)));
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
        let told = pager::show(text, ending, edit).err().map(|error| error.to_string());
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

    /// Gives the terminal back, stops the process and all that were started with it, and goes on when continued.
    fn suspend(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        self.input.step_aside();
        self.tty.give_back();
        guard::write(
            b"sideseat-tui is stopped and receives nothing until `fg`; `sideseat-tui serve` needs no screen\r\n",
        )?;
        kill_current_process_group(Signal::TSTP).map_err(std::io::Error::from)?;
        // The signal may take its time to stop every thread, and a process nobody could continue is not stopped.
        let deadline = Instant::now() + STOPPING;
        while let Ok(one) = incoming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if matches!(one, Incoming::Signal(ProcessSignal::Continued)) {
                break;
            }
            self.later.push_back(one);
        }
        self.take_again()
    }
}

/// The window's columns and rows; usual ones where the terminal does not know.
pub fn size() -> (u16, u16) {
    let size = tcgetwinsize(stdout()).ok().map(|size| (size.ws_col, size.ws_row));
    size.filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24))
}
