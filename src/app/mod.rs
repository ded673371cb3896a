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
//! ```text
//!   event      everything that can happen; everything the app can want
//!   state      what is looked at; pane: an answer, the query it answers, what failed
//!   update     one match over Event; act: one over Action; typing: a line; lists: the lists that lie on top
//!   settle     what follows, and what must be asked
//!   areas      where everything goes, for mouse and painter alike
//!
//!   browse     the tree; scroll: a cursor in a list of lines; follow: the newest run
//!   activity   which runs are still going, by the clock; run_state: the states of runs; runs: of those in the state
//!   detail     the tabs, of the table in tabs; document: their text; wrap, format: text and numbers for people
//!   line       a line being typed; list: a list to pick from, find: what narrows it, item: what it holds,
//!              list_items: of what; help: one to read
//!   picture    one laid over the screen; picture_keys: what keys do then
//!   hints      the footer
//!   first_run  what an empty store shows
//! ```
//!
//! An *action*: a row of the table in `keymap/actions.rs`; the compiler then asks what it does in `act` and in
//! `picture_keys`, `hints` where it only works sometimes. A *pane*: its query and answer in `model`, a [`pane::Pane`] in
//! [`State`], a place in `areas`, the question in `settle`, the answer in `update`, a file in `view`. A *setting* that
//! the screen needs: a field of [`Start`], which `start` fills from `config`.

mod act;
pub mod activity;
pub mod areas;
pub mod browse;
pub mod detail;
pub mod document;
pub mod event;
pub mod find;
pub mod first_run;
mod follow;
pub mod format;
pub mod help;
pub mod hints;
pub mod item;
pub mod line;
pub mod list;
mod list_items;
mod lists;
pub mod pane;
pub mod picture;
pub mod picture_keys;
pub mod run_state;
mod runs;
#[cfg(test)]
pub(crate) mod scene;
pub mod scroll;
mod settle;
mod state;
pub mod tabs;
#[cfg(test)]
mod tests;
mod typing;
mod update;
pub mod wrap;

pub use activity::Activity;
pub use areas::{Areas, Focus};
pub use browse::{Content, Row, RowId};
pub use event::{Effect, Event, Listening, Mode, Mouse, MouseDoes, Seen, Tick};
pub use state::{Lamp, Notice, Stage, Start, State};
pub use tabs::{TABS, Tab};
pub use update::update;
