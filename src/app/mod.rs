//! What the user is looking at: a state, moved by events, that asks for the outside world as data.
//!
//! ```text
//!   event     everything that can happen; everything the app can want
//!   state     what is looked at
//!   update    one match over Event, and over Action: act; settle: what follows from that
//!   pane      what is shown, what is asked, what failed
//!   browse    the tree; scroll: a cursor in a list; follow: the newest run
//!   detail    the tabs; document: their text; wrap, format: text and numbers for people
//!   picture   one laid over the screen
//!   line      a line being typed; list: a list to pick from; items: what lists are of; help: one to read
//!   hints     the footer
//!   first_run what an empty store says
//!   pulse     what needs a clock; standing: how runs stand by it
//!   areas     where everything goes
//! ```

mod act;
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
mod items;
pub mod line;
pub mod list;
pub mod pane;
pub mod picture;
pub mod pulse;
pub mod scroll;
mod settle;
pub mod standing;
mod state;
#[cfg(test)]
mod tests;
mod update;
pub mod wrap;

pub use areas::{Areas, Focus};
pub use browse::{Content, Row, RowId};
pub use detail::Tab;
pub use event::{Effect, Event, Listening, Mode, Mouse, MouseDoes, Seen, Tick};
pub use pulse::{Lamp, Pulse};
pub use state::{Notice, Stage, Start, State};
pub use update::update;
