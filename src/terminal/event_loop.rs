//! The loop: take what waits, update, draw, sleep. `effects`: what the app wants from outside meanwhile.

mod effects;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::AtomicBool,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{io::Errno, stdio::stdout, termios::tcgetwinsize};

use super::{
    ChangeView, Lines, ScreenError, Started,
    alerts::Alerter,
    ask,
    clicks::Clicks,
    clipboard::{Clipboard, Refused},
    guard::{self, Tty},
    input::{Input, InputEvent},
    keys::Typed,
    pace::Pace,
    picture::{Canvas, Painted, Wanted},
    screen::Screen,
    signals::ProcessSignal,
    viewer::Viewer,
};
use crate::{
    app::{Dropped, Event, Mode, Mouse, MouseDoes, Prepared, Seen, Sends, Showing, State, Tick, picture_keys},
    model::Timestamp,
    store::{Answered, Asks, Source},
    theme::{Background, Depth, Theme, Themes},
    view,
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
    /// A mark was set or taken away, or why not.
    Marked(String),
    Painted(Wanted, Result<Painted, String>),
    /// Files whose paths were pasted.
    Dropped(Vec<Dropped>),
    /// Go on with what is not done yet.
    Work,
    /// No program took a text that is to be copied.
    NotCopied(Refused),
}

/// More than this is not taken at one go: a frame is due.
const AT_ONCE: usize = 1000;

/// What effects and ticks reach.
pub struct Outside {
    pub themes: Themes,
    /// In force, and fitted to the terminal's colours.
    pub theme: Theme,
    pub depth: Depth,
    /// What the terminal has behind everything; `None`: it has not said.
    pub background: Option<Background>,
    /// `None`: the terminal shows no pictures.
    pub canvas: Option<Canvas>,
    /// The terminal answers which colour its background has.
    pub asks: bool,
    pub seen: Box<dyn Fn() -> Seen + Send>,
    pub demo: Box<dyn Fn() + Send>,
    pub send: Box<dyn Fn(Sends, String, u16) + Send>,
    pub take_over: Box<dyn Fn() + Send>,
    pub mode: Mode,
    pub clipboard: Clipboard,
    pub export: super::Exports,
    pub alerter: Alerter,
    pub change_view: ChangeView,
    pub keep_lines: Box<dyn Fn(&Lines) + Send>,
    /// Another program has the terminal; known to the thread of the signals.
    pub away: Arc<AtomicBool>,
}

impl Outside {
    /// Puts the theme of this name in force, if there is one.
    fn set_theme(&mut self, name: &str) {
        if let Ok(theme) = self.themes.get(name) {
            self.theme = theme.fit(self.depth, self.background);
        }
    }
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
    clicks: Clicks,
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
            clicks: Clicks::default(),
            later: VecDeque::new(),
            ends: false,
        }
    }

    /// Runs until someone quits or the terminal is gone.
    pub fn run(mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        let ended = self.run_until_ended(incoming);
        (self.outside.keep_lines)(self.state.history.news());
        match ended {
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
                if let Typed::Mouse(Mouse { column, row, does: MouseDoes::Click }) = typed {
                    let is_second = self.clicks.is_second(column, row, Instant::now());
                    // What is said there is done each time, as by a key.
                    if let Some(target) = view::target(&self.state, &self.outside.theme, column, row) {
                        return self.event(Event::Chose(target), incoming);
                    }
                    if is_second {
                        return self.event(Event::DoubleClick { column, row }, incoming);
                    }
                }
                if let Typed::Background(background) = typed {
                    self.outside.background = Some(background);
                    self.outside.set_theme(&self.state.theme);
                }
                self.event(typed.into(), incoming)
            }
            Incoming::Input(InputEvent::Gone) | Incoming::Signal(ProcessSignal::Ended | ProcessSignal::Interrupted) => {
                self.ends = true;
                Ok(())
            }
            Incoming::Signal(ProcessSignal::Resized) => self.resize(incoming),
            Incoming::Signal(ProcessSignal::Stopped) => self.stop(incoming),
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
            Incoming::Marked(text) => self.event(Event::Marked(text), incoming),
            Incoming::Work => self.event(Event::Work, incoming),
            Incoming::Dropped(files) => self.event(Event::Dropped(files), incoming),
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
        if let Some(replaced) = self.state.detail.take_replaced() {
            // Where no thread is to be had it is let go here.
            drop(thread::Builder::new().name("letting-go".to_owned()).spawn(move || drop(replaced)));
        }
        let failing = self.shown.as_ref().and_then(|(store, _)| store.failing());
        let tick = Tick { now: Timestamp::now(), seen: (self.outside.seen)(), failing };
        self.event(Event::Tick(tick), incoming)
    }

    fn resize(&mut self, incoming: &Receiver<Incoming>) -> Result<(), ScreenError> {
        let (columns, rows) = size();
        self.event(Event::Resize { columns, rows }, incoming)
    }
}

/// The window's columns and rows; usual ones where the terminal does not know.
pub fn size() -> (u16, u16) {
    let size = tcgetwinsize(stdout()).ok().map(|size| (size.ws_col, size.ws_row));
    size.filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24))
}
