//! What the detail's tabs show: an answer, as blocks, as lines cut to a width.
//!
//! ```text
//!   answer ── pane ──▶ outline: its blocks, by what they are about     once an answer
//!                         │
//!                       build: one block's lines, folds decided first   where somebody looks
//!                         │
//!                       layout: the document, its window                at one width
//! ```
//!
//! A pane (`messages`, `tools`, `reasoning`, `cost`, `raw`, `timeline`; `prompt` and `compare`, which lie over the
//! messages; `program`, in place of each of them) walks its answer once and lists blocks; nothing is formatted then.
//! `layout` has the blocks near the window written, keeps their lines until the answer, the width or a
//! fold of theirs is another, and knows the others by their heights. `detail` holds one document for each tab, and
//! which folds were moved. `update` scrolls by these lines and the view paints them, so both agree about where things
//! are.

mod build;
pub mod code;
pub mod compare;
pub mod cost;
mod diff;
mod extents;
pub(super) mod hash;
mod highlight;
mod json;
mod json_text;
mod large;
mod layout;
mod lens;
pub mod line;
mod long;
pub mod markdown;
pub mod messages;
pub mod needle;
pub(super) mod ordinals;
mod outline;
mod parts;
pub mod program;
pub mod prompt;
pub mod raw;
pub mod reasoning;
pub mod repeats;
mod runs;
mod segment;
pub mod stack;
pub mod table;
pub mod timeline;
mod tokens;
pub mod tools;

#[cfg(test)]
mod tests;

pub use layout::{Document, Hit, Place, Search, Selected};
pub use lens::{Lens, Moment, Stretch};
pub use line::{Copied, DocLine, Fold, FoldName, Folds, Joint, Opens, Piece};
pub(super) use messages::short_error;
pub use outline::{BlockId, Blocks, Counts};
pub(super) use parts::all_text;
pub use parts::{media_line, opaque};
