//! The loop: take what waits, update, draw, sleep.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Signal, kill_current_process_group},
};

use super::{
    ScreenError, Started, ask, clipboard,
    guard::{self, Tty},
    input::{Heard, Input},
    keys::Typed,
    pace::Pace,
    picture::{Canvas, Painted, Wanted},
    screen::Screen,
    signals::Told,
    viewer::Viewer,
};
use crate::{
    app::{Effect, Event, Mode, Seen, State, Tick, picture, update},
    model::Timestamp,
    store::{Answered, Readers, Store},
    theme::{Depth, Theme, Themes},
};

/// What arrives at the loop.
pub enum Happened {
    Heard(Heard),
    Signal(Told),
    Answered(Answered),
    /// A store holds something new.
    Changed,
    Started(Started),
    /// Something outside has a word for the status line.
    ConversationMessage(String),
    Painted(Wanted, Result<Painted, String>),
}

/// More than this is not taken at one go: a frame is due.
const AT_ONCE: usize = 1000;
/// A process that is told to stop does so by then, or never: nobody may be there to continue it.
const STOPPING: Duration = Duration::from_millis(300);

/// What effects and ticks reach.
pub struct Outside {
    pub themes: Themes,
    /// In force, and fitted to the terminal's colours.
    pub theme: Theme,
    pub depth: Depth,
    /// `None`: the terminal shows no pictures.
    pub canvas: Option<Canvas>,
    /// The terminal says its background's colour when asked, and the theme is to fit it.
    pub asks: bool,
    pub seen: Box<dyn Fn() -> Seen + Send>,
    pub demo: Box<dyn Fn() + Send>,
    pub mode: Mode,
    pub in_tmux: bool,
}

pub struct Looped {
    state: State,
    screen: Screen,
    tty: Arc<Tty>,
    input: Input,
    happens: Sender<Happened>,
    outside: Outside,
    pace: Pace,
    /// The store that is shown, and who answers for it.
    shown: Option<(Arc<Store>, Readers)>,
    viewer: Viewer,
    /// The picture that was asked for, and what was made of it.
    wanted: Option<Wanted>,
    painted: Option<Painted>,
    /// The one that is not of the demo.
    real: Option<Arc<Store>>,
    in_demo: bool,
    /// What arrived while the loop waited for something else.
    later: VecDeque<Happened>,
    ends: bool,
}

impl Looped {
    pub fn new(
        state: State,
        screen: Screen,
        tty: Arc<Tty>,
        input: Input,
        happens: Sender<Happened>,
        outside: Outside,
    ) -> Self {
        Self {
            state,
            screen,
            tty,
            input,
            happens,
            outside,
            pace: Pace::default(),
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

    /// Goes round until someone quits or the terminal is gone.
    pub fn run(mut self, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        match self.go_round(happened) {
            // Nobody is left to be told that there is no terminal any more.
            Err(ScreenError::Terminal(error)) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(()),
            ended => ended,
        }
    }

    fn go_round(&mut self, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        loop {
            let rest = if self.later.is_empty() { self.pace.rests(Instant::now()) } else { Duration::ZERO };
            let first = match happened.recv_timeout(rest) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let waited = std::mem::take(&mut self.later).into_iter();
            let all: Vec<Happened> = waited.chain(first).chain(happened.try_iter().take(AT_ONCE)).collect();
            if self.pace.ticks(Instant::now(), !all.is_empty()) {
                self.tick(happened)?;
            }
            for one in all {
                self.take(one, happened)?;
            }
            if self.pace.takes(Instant::now())
                && let Some((store, _)) = &self.shown
            {
                let changes = store.changes().take();
                if !changes.is_empty() {
                    self.event(Event::Changed(changes), happened)?;
                }
            }
            if self.ends {
                return Ok(());
            }
            if self.pace.draws(Instant::now()) {
                self.paint()?;
                self.screen.draw(&self.state, &self.outside.theme, self.painted.as_ref())?;
            }
        }
    }

    fn take(&mut self, one: Happened, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        match one {
            Happened::Heard(Heard::Typed(typed)) => {
                if typed == Typed::Focus(true) && self.outside.asks {
                    ask::again()?;
                }
                self.event(typed.into(), happened)
            }
            Happened::Heard(Heard::Gone) | Happened::Signal(Told::Ended) => {
                self.ends = true;
                Ok(())
            }
            Happened::Signal(Told::Resized) => self.resize(happened),
            Happened::Signal(Told::Continued) => {
                // Stopped by someone else, perhaps: the shell has had the terminal since.
                self.tty.take()?;
                self.screen.forget(&self.state)?;
                self.resize(happened)
            }
            Happened::Answered(Answered { seat, ticket, answer }) => {
                self.event(Event::Answered { seat, ticket, answer }, happened)
            }
            Happened::Changed => {
                self.pace.changed = true;
                Ok(())
            }
            Happened::Started(started) => self.started(started, happened),
            Happened::ConversationMessage(text) => self.event(Event::ConversationMessage(text), happened),
            // Of a picture that was left, or is wanted in another size by now, nobody wants to know.
            Happened::Painted(wanted, _) if self.wanted.as_ref() != Some(&wanted) => Ok(()),
            Happened::Painted(_, painted) => {
                let (painted, went) = match painted {
                    Ok(painted) => (Some(painted), Ok(())),
                    Err(why) => (None, Err(why)),
                };
                self.painted = painted;
                self.event(Event::Painted(went), happened)
            }
        }
    }

    /// Has the picture painted that the state lays over the screen, if it is not yet, or not in this size.
    fn paint(&mut self) -> Result<(), ScreenError> {
        let room = picture::areas(&self.state).1.as_size();
        let wanted = self.state.picture.as_ref().map(|picture| (picture.what.clone(), room));
        if wanted == self.wanted {
            return Ok(());
        }
        if let Some(painted) = self.painted.take() {
            guard::write(&painted.forget())?;
        }
        self.wanted.clone_from(&wanted);
        if let (Some(wanted), Some(canvas), Some((store, _))) = (wanted, self.outside.canvas, &self.shown) {
            let tell = self.happens.clone();
            canvas.start(wanted, store, move |wanted, painted| drop(tell.send(Happened::Painted(wanted, painted))));
        }
        Ok(())
    }

    fn started(&mut self, started: Started, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        match started {
            Started::Store(store) => {
                self.real = Some(store.clone());
                if self.in_demo { Ok(()) } else { self.show(store, self.outside.mode, happened) }
            }
            Started::Demo(Some(store)) => {
                self.in_demo = true;
                self.show(store, Mode::Demo, happened)
            }
            Started::Demo(None) => {
                self.in_demo = false;
                match self.real.clone() {
                    Some(store) => self.show(store, self.outside.mode, happened),
                    None => Ok(()),
                }
            }
            Started::Listening(listening) => self.event(Event::Listening(listening), happened),
            Started::Failed(why) => Err(ScreenError::Failed(why)),
        }
    }

    /// Shows another store; whatever the last one still answers has old tickets.
    fn show(&mut self, store: Arc<Store>, mode: Mode, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        let tell = self.happens.clone();
        let readers = store.readers(Box::new(move |answered| {
            // Nobody hears any more once the screen is gone.
            let _ = tell.send(Happened::Answered(answered));
        }));
        let tell = self.happens.clone();
        store.changes().on_change(Box::new(move || {
            let _ = tell.send(Happened::Changed);
        }));
        self.shown = Some((store, readers));
        self.event(Event::Opened(mode), happened)
    }

    fn tick(&mut self, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        let failing = self.shown.as_ref().and_then(|(store, _)| store.health().failing);
        let tick = Tick { now: Timestamp::now(), seen: (self.outside.seen)(), failing };
        self.event(Event::Tick(tick), happened)
    }

    fn resize(&mut self, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        let (columns, rows) = size();
        self.event(Event::Resize { columns, rows }, happened)
    }

    fn event(&mut self, event: Event, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        let mut effects: VecDeque<Effect> = update(&mut self.state, event).into();
        self.pace.dirty = true;
        self.pace.focused = self.state.focused;
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Ask { seat, query, ticket } => {
                    if let Some((_, readers)) = &self.shown {
                        readers.ask_with(seat, query, ticket);
                    }
                }
                Effect::Copy(text) => {
                    if !clipboard::copy(&text, self.outside.in_tmux)? {
                        let said = Event::ConversationMessage("too long to copy through the terminal".to_owned());
                        effects.extend(update(&mut self.state, said));
                    }
                }
                Effect::OpenOutside(what) => {
                    if let Some((store, _)) = &self.shown {
                        let tell = self.happens.clone();
                        let said = move |text: String| drop(tell.send(Happened::ConversationMessage(text)));
                        self.viewer.show(what, store, said);
                    }
                }
                Effect::SetTheme(name) => {
                    // The names come from the themes that were read.
                    if let Ok(theme) = self.outside.themes.get(&name) {
                        self.outside.theme = theme.degrade(self.outside.depth);
                    }
                }
                Effect::Suspend => self.suspend(happened)?,
                Effect::Redraw => self.screen.forget(&self.state)?,
                Effect::PlayDemo => (self.outside.demo)(),
                Effect::Quit => self.ends = true,
            }
        }
        Ok(())
    }

    /// Gives the terminal back, stops the process and all that were started with it, and goes on when continued.
    fn suspend(&mut self, happened: &Receiver<Happened>) -> Result<(), ScreenError> {
        self.input.step_aside();
        self.tty.give_back();
        guard::write(
            b"sideseat-tui is stopped and receives nothing until `fg`; `sideseat-tui serve` needs no screen\r\n",
        )?;
        kill_current_process_group(Signal::TSTP).map_err(std::io::Error::from)?;
        // The signal may take its time to stop every thread, and a process nobody could continue is not stopped.
        let deadline = Instant::now() + STOPPING;
        while let Ok(one) = happened.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if matches!(one, Happened::Signal(Told::Continued)) {
                break;
            }
            self.later.push_back(one);
        }
        self.tty.take()?;
        self.input.come_back();
        self.screen.forget(&self.state)?;
        self.later.push_back(Happened::Signal(Told::Resized));
        Ok(())
    }
}

/// The window's size; a usual one where the terminal does not know.
pub fn size() -> (u16, u16) {
    crossterm::terminal::size().ok().filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24))
}
