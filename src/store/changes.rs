//! What commits changed. The changes of several commits are merged until a listener takes them; until then it is woken
//! once.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::lock;
use crate::model::Changes;

/// The changes that were not taken yet, and the listeners to wake.
#[derive(Default)]
pub struct ChangeFeed {
    untaken: Mutex<Changes>,
    /// Empty until the listener is there.
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// The screens of other processes.
    others: Mutex<Vec<Weak<Listener>>>,
}

/// One of several listeners, with the changes that it has not taken yet. However long it takes none, they need no more
/// room than [`Changes`] do.
pub struct Listener {
    untaken: Mutex<Changes>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Listener {
    /// Takes the changes since the last call, or since the listener began; empty if there are none.
    pub fn take(&self) -> Changes {
        std::mem::take(&mut *lock(&self.untaken))
    }

    fn add(&self, changes: Changes) {
        let mut untaken = lock(&self.untaken);
        let first = untaken.is_empty();
        untaken.merge(changes);
        drop(untaken);
        if first {
            (self.wake)();
        }
    }
}

impl ChangeFeed {
    /// Calls `wake` as soon as there are changes to take, and not again until they were taken. There is one such listener:
    /// of several calls only the first counts.
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

    /// One more listener, which hears of the changes from now on until it is dropped.
    pub fn listen(&self, wake: Box<dyn Fn() + Send + Sync>) -> Arc<Listener> {
        let listener = Arc::new(Listener { untaken: Mutex::default(), wake });
        let mut others = lock(&self.others);
        others.retain(|other| other.strong_count() > 0);
        others.push(Arc::downgrade(&listener));
        listener
    }

    /// Adds the changes of a commit, and wakes each listener that had taken all before.
    pub(super) fn add(&self, changes: Changes) {
        if changes.is_empty() {
            return;
        }
        for other in lock(&self.others).iter().filter_map(Weak::upgrade) {
            other.add(changes.clone());
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

    /// What counts how often it is called, and the count.
    fn counting() -> (Box<dyn Fn() + Send + Sync>, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let wake = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        (Box::new(wake), woken)
    }

    #[test]
    fn changes_merge_behind_one_wake_up() {
        let feed = ChangeFeed::default();
        let (wake, woken) = counting();
        feed.on_change(wake);
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

    #[test]
    fn each_listener_takes_all_changes_whatever_the_others_do() {
        let feed = ChangeFeed::default();
        let changes = || Changes { spans: 2, ..Changes::default() };
        feed.add(changes());
        let (wake, woken) = counting();
        let (slow, quick) = (feed.listen(Box::new(|| ())), feed.listen(wake));
        feed.add(changes());
        assert_eq!(quick.take().spans, 2, "what was before it began is none of its changes");
        feed.add(changes());
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert_eq!((slow.take().spans, quick.take().spans, feed.take().spans), (4, 2, 6));
        drop(slow);
        feed.add(changes());
        assert_eq!(quick.take().spans, 2);
    }
}
