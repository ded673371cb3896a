//! Chooses what goes, on a thread of its own: the engine sorts all traces for that, and senders would wait meanwhile.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use duckdb::Connection;

use crate::{
    model::Removal,
    store::{
        DatabaseError,
        doomed::{self, By, Chosen},
        lock, panic_text,
        pool::Database,
        queue::WriteQueue,
        start,
    },
};

/// What goes next, and the bytes that are in use; or why that could not be found out.
type Outcome = Result<(Chosen, Option<u64>), DatabaseError>;

/// What is being chosen.
pub struct Choosing(Arc<Mutex<Option<Outcome>>>);

impl Choosing {
    /// Begins to choose; the writer, who takes from the queue, is woken when that is done. `futile`: the bytes in use up to
    /// which nothing goes for the size of the file.
    pub fn begin((database, queue): (Arc<Database>, Arc<WriteQueue>), removal: Removal, by: By, futile: u64) -> Self {
        let outcome = Arc::new(Mutex::new(None));
        let slot = outcome.clone();
        start("store-choose", move || {
            let choose = |connection: &Connection| {
                let used = doomed::used(connection, &database)?;
                // Where it was of no use to remove more for its size, the other limits hold all the same.
                let is_futile = by == By::Settings && used.is_some_and(|used| used <= futile);
                Ok((doomed::choose(connection, &removal, used.filter(|_| !is_futile), by)?, used))
            };
            let connection = database.pooled();
            let chosen = catch_unwind(AssertUnwindSafe(|| connection.with_room(choose)));
            let chosen = chosen.unwrap_or_else(|panic| Err(DatabaseError::Away(panic_text(&*panic))));
            *lock(&slot) = Some(chosen);
            queue.wake();
        });
        Self(outcome)
    }

    pub fn is_done(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// Takes what was chosen; `None` while that is not done.
    pub fn take(&self) -> Option<Outcome> {
        lock(&self.0).take()
    }
}
