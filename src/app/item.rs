//! What lists are of, and their items.

use std::path::PathBuf;

use super::switch::Switch;
use crate::{
    keymap::{Action, Context},
    model::{OfSession, Removal, RunState, SessionId, TraceId},
};

/// A file whose path was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub path: PathBuf,
    pub bytes: u64,
}

/// What a list is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Sessions,
    /// The values by which one can filter.
    Facets,
    /// With the theme that was in force when it was opened.
    Themes {
        before: String,
    },
    /// Of everything that can be done or gone to; `of`: where it was opened.
    Palette {
        of: Context,
    },
    /// Whether to delete something, which is in words as well.
    Delete {
        deletes: Deletes,
        what: String,
    },
    /// Whether to import files that were dropped on the terminal.
    Import {
        files: Vec<Dropped>,
        what: String,
    },
    /// Of the keys of a context, and then all others.
    Help {
        of: Context,
    },
    /// Of what can be done once the instance that was attached to has ended.
    Ended,
    /// Of what to copy of a token that is shown once.
    Token,
}

/// What is deleted once that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletes {
    /// Of the store.
    Stored(Removal),
    /// A saved filter, by its name.
    View(String),
}

/// What picking an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Session(OfSession),
    AllSessions,
    /// A term of the filter language.
    Term(String),
    /// A saved filter, by its name.
    View(String),
    DeleteView(String),
    RenameView(String),
    Theme(String),
    /// Turns a setting on or off.
    Switch(Switch, bool),
    Keep,
    Delete,
    Import,
    Key(Action),
    /// Does what the key would.
    Does(Action),
    /// Goes to a run.
    Run(Option<SessionId>, TraceId),
    TakeOver,
    Copy(String),
    Quit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub pick: Pick,
    pub text: String,
    /// The state of a session.
    pub mark: Option<RunState>,
    /// The user and the failures of a session, the keys of an action.
    pub note: String,
    /// What stands in columns at the right, most needed first.
    pub cells: Vec<String>,
    /// The place of an action: those of one stand together under its heading. In the palette its name in `[keys]`, which is
    /// only searched.
    pub group: &'static str,
}

impl Item {
    /// An item without anything beside its text.
    #[must_use]
    pub fn new(pick: Pick, text: String) -> Self {
        Self { pick, text, mark: None, note: String::new(), cells: Vec::new(), group: "" }
    }
}
