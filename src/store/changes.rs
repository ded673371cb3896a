//! What commits changed. The changes of several commits are merged until a listener takes them; until then it is woken
//! once.

use std::sync::{Mutex, OnceLock};

use super::lock;
use crate::model::Changes;

/// The changes that were not taken yet, and the listener to wake.
#[derive(Default)]
pub struct ChangeFeed {
    untaken: Mutex<Changes>,
    /// Empty until the listener is there.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl ChangeFeed {
    /// Calls `wake` as soon as there are changes to take, and not again until they were taken. There is one listener: of
    /// several calls only the first counts.
    pub fn on_change(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let wake = self.wake.get_or_init(|| wake);
        if !lock(&self.untaken).is_empty() {
            wake();
        }
    }

    /// Takes the changes since the last call; empty if there are none.
    pub fn take(&self) -> Changes {
        std::mem::take(&mut *lock(&self.untaken))
    }

    /// Adds the changes of a commit, and wakes the listener if there were none before.
    pub(super) fn add(&self, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        let mut untaken = lock(&self.untaken);
        let first = untaken.is_empty();
        untaken.merge(changes);
        drop(untaken);
        if first && let Some(wake) = self.wake.get() {
            wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn changes_merge_behind_one_wake_up() {
        let feed = ChangeFeed::default();
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        feed.on_change(Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        let changes = || Changes { spans: 2, ..Changes::default() };
        feed.add(Changes::default());
        assert_eq!(woken.load(Ordering::Relaxed), 0);
        feed.add(changes());
        feed.add(changes());
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(feed.take().spans, 4);
        feed.add(changes());
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }
}
