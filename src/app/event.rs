//! Everything that can happen, and everything the app can want from outside.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{detail::Prepared, document::Opens, item::Dropped, target::Target};
use crate::{
    keymap::Key,
    model::{
        Answer, Changes, Filter, Program, Pruned, Query, QuerySlot, Removal, Rescue, SessionId, SpanId, Timestamp,
        TraceId,
    },
};

/// What happens to the app.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "each is dealt with at once: none are kept")]
pub enum Event {
    Key(Key),
    Mouse(Mouse),
    /// The button of the mouse went down at a place for the second time within a moment.
    DoubleClick {
        column: u16,
        row: u16,
    },
    /// A piece of text was clicked on that does this.
    Chose(Target),
    Resize {
        columns: u16,
        rows: u16,
    },
    /// Text pasted into the terminal, unchanged.
    Paste(String),
    /// These are the files that a pasted text names; empty where there is none of them.
    Dropped(Vec<Dropped>),
    /// The terminal's window gained (true) or lost the focus.
    Focus(bool),
    /// This theme fits the terminal's background.
    Fits(&'static str),
    /// A store can answer queries. What was shown of another one is forgotten.
    Opened(Mode),
    /// The same store can answer queries again, from elsewhere. What is shown stays until it has answered.
    Reopened(Mode),
    /// The instance that answers for what is shown does so no longer.
    Ended(Ended),
    /// Senders need this token.
    Token(NewToken),
    Listening(Vec<Listening>),
    Answered {
        slot: QuerySlot,
        ticket: u64,
        answer: Result<Answer, String>,
        /// What was worked out of the answer before; `None`: the screen does that itself, where there is anything to do.
        prepared: Option<Box<Prepared>>,
    },
    /// Something was stored.
    Changed(Changes),
    /// Something outside has a notice for the status line.
    Notice(String),
    /// A mark was set or taken away, or why not.
    Marked(String),
    /// The picture that is laid over the screen was painted, or why not.
    Painted(Result<(), String>),
    /// Go on with what is not done yet: what [`Effect::Work`] asked for.
    Work,
    Tick(Tick),
}

/// Nobody answers for what is shown any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What has happened, as a sentence.
    pub why: String,
    /// What can be done instead of quitting.
    pub offer: String,
}

/// A token that was made just now, and is shown this once.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    pub token: String,
    /// The variable that makes SDKs send it.
    pub line: String,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewToken")
    }
}

/// The only clock there is.
#[derive(Debug, Clone)]
pub struct Tick {
    pub now: Timestamp,
    pub seen: Seen,
    /// Why nothing can be stored just now.
    pub failing: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    pub column: u16,
    pub row: u16,
    pub does: MouseDoes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseDoes {
    /// The left button went down.
    Click,
    /// It was moved while it was down.
    Drag,
    /// It went up.
    Release,
    WheelUp,
    WheelDown,
}

/// What is sent through a socket that takes exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sends {
    TestSpan,
    /// What these hold.
    Files(Vec<PathBuf>),
}

/// What is written to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    pub of: ExportOf,
    pub form: ExportForm,
    /// What the name of the file begins with: letters, digits and hyphens.
    pub name: String,
}

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportOf {
    Run(TraceId),
    Session(SessionId),
    /// Every run that a filter lets through.
    Filtered(Filter),
}

/// In which form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportForm {
    /// As it was received, compressed.
    Otlp,
    Transcript,
    /// A page for a browser.
    Html,
    /// This text.
    Markdown(String),
}

/// What the screen shows: what arrives, or recorded runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    Live,
    Demo,
    /// Files that were opened to be looked at: nothing is received and nothing is kept.
    Files,
    /// What another instance receives and stores.
    Attached,
}

impl Mode {
    /// Whether something is received, here or by the other instance.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::Attached)
    }
}

/// What reaches somebody who looks elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alerts {
    pub bell: bool,
    pub notify: bool,
    /// The window's title.
    pub title: bool,
}

/// A change of the filters that are kept under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewChange {
    Save { name: String, filter: String },
    Drop { name: String },
    Rename { from: String, to: String },
}

/// An address that takes exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// `gRPC`, `HTTP`, `SideSeat`.
    pub what: String,
    pub address: String,
    pub port: u16,
    /// Such as that another port was taken, and by whom.
    pub note: Option<String>,
}

/// What the listeners have seen since they were opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// By listener, how many connections it accepted.
    pub connections: Vec<(String, u64)>,
    pub exports: u64,
    pub spans: u64,
    pub logs: u64,
    pub metric_points: u64,
    /// Whether senders need a token.
    pub needs_token: bool,
    pub refused: u64,
    /// How often each reason for a refusal occurred, the most frequent first.
    pub refused_for: Vec<(String, u64)>,
    /// The last few refusals, each in a line with its time, path and peer.
    pub refusals: Vec<String>,
    /// Why nothing can be received or stored just now.
    pub failing: Option<String>,
    /// What is stored needs more room than the disk has: how much is left.
    pub disk_full: Option<String>,
    /// The programs that `run` has started, the newest first: those that run, and those that failed.
    pub programs: Vec<Program>,
    /// What was removed last because of the limits; `None` if nothing was.
    pub pruned: Option<Pruned>,
    /// What was found wrong in the store's file while it was open, and what came of that; `None` if nothing was.
    pub damage: Option<String>,
    /// While a part of the store's file cannot be read: whether the rest is being put into a new file, or why that failed.
    pub rescue: Option<Rescue>,
    /// While stored spans and log records are translated again by a newer version: how many are done, and of how many.
    pub reprocessing: Option<(u64, u64)>,
}

/// What the app wants from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send [`Event::Work`] soon, after all that waits: something large is not done yet.
    Work,
    /// Send a query to the store; the answer comes back with this slot and ticket. It replaces an older query of the slot.
    Ask {
        slot: QuerySlot,
        query: Query,
        ticket: u64,
    },
    /// Copy a text; the user is told what it is (`arguments of book_room`), and what is known of where it went.
    Copy {
        text: String,
        what: String,
    },
    /// Write this to a new file in the folder that the program was started in.
    Export(Export),
    /// Let a letter mark a place of which the text says what it is; `None`: none any more.
    Mark {
        letter: char,
        place: Option<(TraceId, Option<SpanId>, String)>,
    },
    /// Show this in the system's program for it.
    OpenOutside(Opens),
    /// Paint with this theme from now on.
    SetTheme(String),
    /// Give the terminal back, stop, and go on when continued.
    Suspend,
    /// Let the terminal report the mouse, or leave it to the terminal itself.
    Mouse(bool),
    /// Show a text in the user's pager, or open it in the editor; `ending`: of the name of its file.
    Page {
        text: String,
        ending: &'static str,
        edit: bool,
    },
    /// Draw every cell again.
    Redraw,
    PlayDemo,
    /// Say by [`Event::Dropped`] which files there are: those of the first group of which all are there.
    Look(Vec<Vec<PathBuf>>),
    /// Send this to whoever takes exports over HTTP at this address; what came of it comes back as a notice.
    Send {
        what: Sends,
        host: String,
        port: u16,
    },
    /// Change the filters that are kept under a name.
    ChangeView(ViewChange),
    /// Draw marks and lines in ASCII, or no longer.
    Ascii(bool),
    /// Reach somebody who looks elsewhere by these from now on.
    Alerts(Alerts),
    /// Remove this from the store; what went comes back as a notice.
    Remove(Removal),
    /// Take the place of the instance that has ended: open its store here, and its ports.
    TakeOver,
    /// Runs have ended; the text says how many, and holds nothing that was received.
    Alert(String),
    Quit,
}
