//! What a click on a piece of text does, where that text says something that can be done or gone to.

use crate::keymap::Key;

/// Something to click on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The same as pressing this key.
    Key(Key),
    /// The row so many levels above the cursor of the tree.
    Above(usize),
    /// Filters by this as well.
    Filter(&'static str),
}
