//! Keys that wait for what is on its way.

use std::collections::VecDeque;

use crate::{keymap::Key, model::Timestamp};

/// The keys that were pressed ahead of an answer.
#[derive(Debug, Default)]
pub struct Ahead {
    pub(super) keys: VecDeque<Key>,
    /// Since when the first of them waits.
    pub(super) since: Timestamp,
    /// They have waited long enough.
    pub(super) is_over: bool,
}

impl Ahead {
    /// In the order in which they were pressed.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }
}
