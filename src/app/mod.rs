//! What the user is looking at: a state, moved by events, that asks for the outside world as data.
//!
//! ```text
//!   event -> update -> settle -> draw
//! ```
//!
//! An *event* (a key, an answer, a change, a tick) is the only way in. [`update()`] moves the state by one event and
//! returns effects: what the app wants from outside. `settle` then makes what follows from the rest of the state agree
//! with it again (the rows of the tree, what the detail shows) and asks for what is not known. `view` draws from
//! `&State` and writes nothing.
//!
//! The files, those first that use the others; none uses one that stands above it, and a test holds that:
//!
//! ```text
//!   update       one match over Event                       typing, lists, picture_keys: what it does to each overlay
//!   press        what a key does, and keys pressed ahead of an answer
//!   act          one match over Action
//!   cursor_keys  the cursors of tree and detail
//!   settle       what follows from the rest of the state, and what must be asked
//!   find_keys    a phrase in the detail                       exporting: what is written to a file
//!   marking      places that the store keeps under a letter
//!   jumps        to runs, turns, failures, and back         goals: the cursor goes there; oddities: what is odd in a run
//!   filter_line  the line of the filter: what it offers
//!   views        filters with a name
//!   failed_steps from one failed step to the next         comparing: prompts, and the mark
//!   pointing     what the mouse does
//!   panes        which pane has the keys                  stats_keys: what keys do in the statistics
//!   yank         what is copied of what the cursor is on
//!   deleting     runs and sessions, once that was confirmed  switches: settings that are on or off
//!   selecting    lines of the detail                      dropped: files whose paths are pasted; the test span
//!   tour         the hints of the demo
//!   hints        the footer                                 list_items: what the lists are of
//!   first_run    the screen of an empty store               runs: the states of the runs that are known
//!     ────────
//!   state        what is looked at
//!     ────────
//!   places       where the cursor goes, and where it has been  ahead: keys that wait for that
//!   picture      a picture that is laid over the screen
//!   event        everything that can happen, and everything the app can want from outside
//!   detail       the tabs over one answer                   tab_source: what makes them; document: their text
//!   browse       the tree                                   follow: the newest run
//!   list         a list to pick from, or help to read       find: what narrows it; item, help, line: its parts
//!   areas        where everything goes, for mouse and painter alike; split: how the width is divided
//!   verdict      what there is to say of a run before it is read
//!     ────────
//!   stats        the statistics: ranges, panels, where they go
//!   pane         an answer, the query it answers, what failed
//!   scroll       a cursor in a list of lines                activity: how fast spans arrive, and which traces did
//!   wrap, format text and numbers for people                styled: text in one style; sdk: what first_run explains
//!   target       what a click on a text does
//!   step         what a step is called, its letter          program: how what `run` started stands
//!   completion   what the filter's line offers
//!   switch       a setting that is on or off
//!   removed      what went, in words                        history: the lines of before
//!   waiting      the step that a run waits for              alerts: which runs ended while the screen watches
//! ```
//!
//! An *action*: a row of the table in `keymap/actions.rs`; the compiler then asks what it does in `act`; `hints` where it
//! only works sometimes, `picture_keys` if it does something beside a picture. A *pane*: its query and answer in `model`, a [`pane::Pane`] in
//! [`State`], a place in `areas`, the question in `settle`, the answer in `update`, a file in `view`. A *setting* that
//! the screen needs: a field of [`Start`], which `start` fills from `config`.

mod act;
pub mod activity;
pub mod ahead;
mod alerts;
pub mod areas;
pub mod browse;
mod comparing;
pub mod completion;
mod cursor_keys;
mod deleting;
pub mod detail;
pub mod document;
mod dropped;
pub mod event;
mod exporting;
mod failed_steps;
mod filter_line;
pub mod find;
mod find_keys;
pub mod first_run;
mod follow;
pub mod format;
mod goals;
pub mod help;
pub mod hints;
pub mod history;
pub mod item;
mod jumps;
pub mod line;
pub mod list;
pub mod list_items;
mod lists;
mod marking;
mod oddities;
pub mod pane;
mod panes;
pub mod picture;
pub mod picture_keys;
pub mod places;
mod pointing;
mod press;
pub mod program;
pub mod removed;
mod runs;
#[cfg(test)]
pub(crate) mod scene;
pub mod scroll;
pub mod sdk;
mod selecting;
mod settle;
pub mod split;
mod state;
pub mod stats;
mod stats_keys;
pub mod step;
pub mod styled;
pub mod switch;
mod switches;
pub mod tab_source;
pub mod target;
#[cfg(test)]
mod tests;
mod tour;
mod typing;
mod update;
mod value_at_cursor;
pub mod verdict;
pub mod views;
mod waiting;
pub mod wrap;
mod yank;

pub use areas::{Areas, Focus};
pub use browse::{Content, Row, RowId};
pub use detail::{OnePane, Prepared, Showing, Side};
pub use event::{
    Alerts, Effect, Ended, Event, Export, ExportForm, ExportOf, Listening, Mode, Mouse, MouseDoes, NewToken, Seen,
    Sends, Tick, ViewChange,
};
pub use item::Dropped;
pub use state::{Lamp, Notice, Stage, Start, State};
pub use update::update;
