//! What a screen shows: a store that is open in this process, or that of another instance.

use super::{Answered, Marked, Readers, Store, StoreError};
use crate::model::{Changes, Query, QuerySlot, Removal, Removed};

/// Is handed each answer, on any thread.
pub type OnAnswer = Box<dyn Fn(Answered) + Send + Sync>;
/// Is called on any thread.
pub type OnChange = Box<dyn Fn() + Send + Sync>;

/// Removes something.
pub type Remover = Box<dyn FnOnce(Removal) -> Result<Removed, StoreError> + Send>;

/// Answers queries, and says when what it holds has changed.
pub trait Source: Send + Sync {
    /// Starts to answer; each answer is handed to `answered`.
    fn answers(&self, answered: OnAnswer) -> Box<dyn Asks>;

    /// Calls `wake` as soon as there are changes to take, and not again until they were taken.
    fn on_change(&self, wake: OnChange);

    /// The changes since the last call; empty if there are none.
    fn take_changes(&self) -> Changes;

    /// Why nothing can be stored just now.
    fn failing(&self) -> Option<String>;

    /// The bytes of an image or document; `None` if no message carried it. It may take a while.
    fn blob(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Lets a letter mark a place, and no other; `None`: none at all. It is on the disk once this returns.
    fn mark(&self, letter: char, place: Option<&Marked>) -> Result<(), StoreError>;

    /// What removes something, and blocks until it has gone; it keeps no store open.
    fn remover(&self) -> Remover;

    /// The store itself, if it is open in this process.
    fn own(&self) -> Option<&Store>;
}

/// Takes queries until it is dropped; never waits.
pub trait Asks {
    /// Asks a query; the answer comes with the same slot and ticket. A newer query of a slot replaces the older one.
    fn ask_with(&self, slot: QuerySlot, query: Query, ticket: u64);
}

impl Source for Store {
    fn answers(&self, answered: OnAnswer) -> Box<dyn Asks> {
        Box::new(self.readers(answered))
    }

    fn on_change(&self, wake: OnChange) {
        self.changes().on_change(wake);
    }

    fn take_changes(&self) -> Changes {
        self.changes().take()
    }

    fn failing(&self) -> Option<String> {
        self.health().failing
    }

    fn blob(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        Self::blob(self, sha256)
    }

    fn mark(&self, letter: char, place: Option<&Marked>) -> Result<(), StoreError> {
        Self::mark(self, letter, place)
    }

    fn remover(&self) -> Remover {
        let writer = self.writer();
        Box::new(move |removal| writer.remove(removal))
    }

    fn own(&self) -> Option<&Store> {
        Some(self)
    }
}

impl Asks for Readers {
    fn ask_with(&self, slot: QuerySlot, query: Query, ticket: u64) {
        Self::ask_with(self, slot, query, ticket);
    }
}
