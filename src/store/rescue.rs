//! Puts what can be read of a damaged store into a new file, which takes the place of the old one. The old one is kept.
//!
//! ```text
//!   a lock ─▶ NAME.salvaging: what can be read ─▶ NAME.salvaged: the same, complete and on the disk
//!          ─▶ the old file is also called NAME.damaged-N, and so is its log ─▶ NAME.salvaged becomes NAME
//! ```
//!
//! There is a file at NAME at every moment. If the program is killed before the new one is complete, the next start begins
//! again; if it is killed after that, the next start goes on where it ended.

mod opening;
mod rescuing;
mod swap;

pub use opening::{FIRST, Ready, open};
pub use rescuing::{gave_up, lacks_room, rescue, why};
