//! The only room that touches the terminal: takes it, listens, draws, and gives it back.
//!
//! ```text
//!   guard      raw mode on; off again on return, error, panic or signal
//!   ask        what must be asked before input starts: the background's colour, how pictures are shown
//!   input      a thread: bytes → events, by keys; signals: another
//!   event_loop take what waits, update, draw; pace: when
//!   screen     frames in one piece; careful: in their columns, whatever a terminal thinks of letters; glyphs: in ASCII
//!              where there is no more
//!   pager      the user's pager and editor, which have the terminal meanwhile
//!   clipboard  the system's, tmux's, OSC 52; viewer: the system's programs
//!   alerts     bell, notification, title of the window
//!   picture    pixels, in the terminal's way
//! ```

mod alerts;
mod ask;
mod careful;
mod clicks;
mod clipboard;
mod event_loop;
mod glyphs;
mod guard;
mod input;
mod keys;
mod pace;
mod pager;
mod picture;
mod screen;
mod signals;
mod viewer;

use std::{
    collections::BTreeMap,
    env, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::AtomicBool,
        mpsc::{self, Receiver},
    },
    thread,
};

use self::{
    alerts::Alerter,
    clipboard::Clipboard,
    event_loop::{EventLoop, Incoming},
    glyphs::Glyphs,
    guard::Guard,
    input::Input,
    picture::Canvas,
    screen::Screen,
};
pub use crate::app::{Alerts, Ended, Export, Listening, Mode, NewToken, ViewChange, history::Lines};
use crate::{
    app::{Seen, Sends, Start, State, format::Zone, picture::Shows, sdk::Sdk, wrap},
    keymap::Keymap,
    model::Timestamp,
    store::{Source, Store},
    theme::{Background, Depth, Theme, ThemeError, Themes},
};

/// Writes something of a store to a new file, and says where, or why not; `None`: of the store of another instance.
pub type Exports = Arc<dyn Fn(Option<&Store>, &Export) -> String + Send + Sync>;

/// What the screen is connected to.
pub struct Wiring {
    /// A theme's name; empty: `dark`, or `light` where the terminal is.
    pub theme: String,
    pub themes_dir: Option<PathBuf>,
    /// Whether marks, lines and blocks are drawn in ASCII; `None`: where the locale or the terminal has no others.
    pub ascii: Option<bool>,
    /// Whether characters of ambiguous width are two columns wide.
    pub wide_ambiguous: bool,
    /// Addresses of the web are sent as links.
    pub links: bool,
    pub keymap: Keymap,
    /// Saved filters by name.
    pub views: BTreeMap<String, String>,
    /// Changes them where they are kept.
    pub change_view: ChangeView,
    /// The lines that were taken before.
    pub lines: Lines,
    /// Keeps those that were taken since, once the screen ends.
    pub keep_lines: Box<dyn Fn(&Lines) + Send>,
    /// What is opened meanwhile: the first frame waits for none of it.
    pub started: Receiver<Started>,
    pub seen: Box<dyn Fn() -> Seen + Send>,
    /// Plays the recorded runs; their store comes as [`Started::Demo`].
    pub demo: Box<dyn Fn() + Send>,
    /// Sends something to whoever takes exports over HTTP at an address; what came of it comes by `started`.
    pub send: Box<dyn Fn(Sends, String, u16) + Send>,
    /// Takes the place of an instance that has ended; what comes of it comes by `started`.
    pub take_over: Box<dyn Fn() + Send>,
    /// The store's place, as people should read it.
    pub db: String,
    pub mode: Mode,
    /// Writes something of a store to a new file, and says where, or why not.
    pub export: Exports,
    /// How it reaches somebody who looks elsewhere.
    pub alerts: Alerts,
    /// What the first-run screen explains first.
    pub sdk: Sdk,
}

impl Wiring {
    /// A screen that is connected to nothing but what is opened meanwhile.
    #[must_use]
    pub fn unconnected(started: Receiver<Started>) -> Self {
        Self {
            theme: String::new(),
            themes_dir: None,
            ascii: None,
            wide_ambiguous: false,
            links: false,
            keymap: Keymap::default(),
            views: BTreeMap::new(),
            change_view: Box::new(|_| Ok(())),
            lines: Lines::new(),
            keep_lines: Box::new(|_| ()),
            started,
            seen: Box::new(Seen::default),
            demo: Box::new(|| ()),
            send: Box::new(|_, _, _| ()),
            take_over: Box::new(|| ()),
            db: String::new(),
            mode: Mode::Live,
            export: Arc::new(|_, _| String::new()),
            alerts: Alerts::default(),
            sdk: Sdk::default(),
        }
    }
}

/// Changes the filters that are kept under a name, or says why it cannot.
pub type ChangeView = Box<dyn Fn(&ViewChange) -> Result<(), String> + Send>;

/// What was opened behind the screen.
pub enum Started {
    Store(Arc<dyn Source>),
    /// The store of another instance.
    Attached(Arc<dyn Source>),
    /// That instance has ended.
    Ended(Ended),
    Token(NewToken),
    /// The screen shows this store; `None`: the real one again.
    Demo(Option<Arc<dyn Source>>),
    Listening(Vec<Listening>),
    /// Something that the user should know, for a moment on the screen.
    Notice(String),
    /// It cannot go on; the text says why and what to do.
    Failed(String),
}

/// Why the screen could not be shown, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    #[error(transparent)]
    Theme(#[from] ThemeError),
    #[error("the terminal: {0}")]
    Terminal(#[from] io::Error),
    #[error("this terminal (TERM=dumb) cannot place text; `sideseat-tui serve` receives without a screen")]
    Dumb,
    #[error("{0}")]
    Failed(String),
}

/// Shows the screen until someone quits. The terminal is as it was before, however this ends.
///
/// # Errors
/// A theme that cannot be used, no terminal or one that cannot place text, or what [`Started::Failed`] says.
pub fn run(wiring: Wiring) -> Result<(), ScreenError> {
    let variable = |name: &str| env::var(name).ok();
    if variable("TERM").as_deref() == Some("dumb") {
        return Err(ScreenError::Dumb);
    }
    let themes = Themes::load(wiring.themes_dir.as_deref())?;
    let depth = Depth::from_environment(variable);
    // A wrong name is reported before the terminal is taken.
    let mut theme = if wiring.theme.is_empty() { None } else { Some(themes.get(&wiring.theme)?) };

    // Before the terminal is taken: a signal in the first moments waits here instead of ending us with it in our hands.
    let (to_loop, incoming) = mpsc::channel();
    let (sender, away) = (to_loop.clone(), Arc::new(AtomicBool::new(false)));
    signals::listen(Arc::clone(&away), move |signal| sender.send(Incoming::Signal(signal)).is_ok())?;

    let guard = Guard::take()?;
    let tty = guard.tty();
    let by_terminal = theme.is_none() && depth != Depth::None;
    // The first frame waits for an answer only if its colours depend on it.
    let depends = theme.as_ref().is_none_or(Theme::depends_on_background) && depth != Depth::None;
    let answers = if depends { Some(ask::terminal(tty.input(), variable)?) } else { None };
    if theme.is_none() {
        let background = answers.as_ref().and_then(|answers| answers.background).unwrap_or(Background::Dark);
        theme = Some(themes.get(if by_terminal { background.theme() } else { "plain" })?);
    }
    let Some(theme) = theme else { return Ok(()) };

    let (columns, rows) = event_loop::size();
    let glyphs = Glyphs::of(wiring.ascii, variable);
    // Marks of two columns would break every frame: they are ASCII then.
    let wide = wiring.wide_ambiguous && glyphs != Glyphs::Ascii;
    wrap::set_wide_ambiguous(wide);
    let glyphs = if wide { Glyphs::AsciiMarks } else { glyphs };
    let mut state = State::new(Start {
        columns,
        rows,
        keymap: wiring.keymap,
        now: Timestamp::now(),
        mode: wiring.mode,
        zone: Zone::system(),
        db: wiring.db,
        theme: theme.name().to_owned(),
        themes: themes.names().to_vec(),
        views: wiring.views,
        lines: wiring.lines,
        by_terminal,
        ascii: glyphs != Glyphs::Unicode,
        alerts: wiring.alerts,
    });
    state.sdk = wiring.sdk;
    let mut screen = Screen::new(&state, glyphs, wiring.links && screen::takes_links(variable))?;
    screen.keep_ascii(wide);
    let background = answers.as_ref().and_then(|answers| answers.background);
    let theme = theme.fit(depth, background);
    screen.draw(&state, &theme, None)?;

    let answers = if let Some(answers) = answers {
        answers
    } else {
        let answers = ask::terminal(tty.input(), variable)?;
        // A terminal that does not know a question may have written it out.
        screen.forget(&state)?;
        screen.draw(&state, &theme, None)?;
        answers
    };
    let canvas = Canvas::of(answers.pictures, depth, variable);
    state.terminal = if canvas.is_some() { Shows::Pictures } else { Shows::Text };
    // A terminal that does not answer is not asked again.
    let asks = depth != Depth::None && answers.answered;
    if asks {
        tty.follow_colours()?;
    }
    let sender = to_loop.clone();
    let input = Input::start(tty.clone(), answers.typed, move |event| sender.send(Incoming::Input(event)).is_ok())?;
    let sender = to_loop.clone();
    let Wiring { started, seen, demo, send, take_over, mode, alerts, change_view, keep_lines, export, .. } = wiring;
    // Ends when the other end of `started` does, or the loop.
    let forward = move || started.into_iter().all(|opened| sender.send(Incoming::Started(opened)).is_ok());
    thread::Builder::new().name("started".into()).spawn(forward)?;

    let in_tmux = variable("TMUX").is_some_and(|tmux| !tmux.is_empty());
    let alerter = Alerter::new(alerts, variable, in_tmux);
    let clipboard = Clipboard::of(variable);
    let outside = event_loop::Outside {
        themes,
        theme,
        depth,
        background: answers.background,
        canvas,
        asks,
        seen,
        demo,
        send,
        take_over,
        mode,
        clipboard,
        export,
        alerter,
        change_view,
        keep_lines,
        away,
    };
    EventLoop::new(state, screen, tty, input, to_loop, outside).run(&incoming)
}
