//! The readers: two threads that answer queries, each with a connection of its own.
//!
//! A slot is a place on the screen that shows one answer. The newest query of a slot replaces the others: one that
//! waits is dropped, one that runs is interrupted, and an answer to it that comes all the same is dropped.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
};

use duckdb::Connection;

use super::{
    DatabaseError, lock, open, panic_text,
    pool::{Database, PATIENCE, PooledConnection},
    queries,
    queue::WriteQueue,
    start,
};
use crate::{
    model::{Answer, Query, QuerySlot},
    pricing::Prices,
};

/// Number of reader threads.
const THREADS: usize = 2;

/// An answer, and the query that it answers.
#[derive(Debug)]
pub struct Answered {
    /// The slot that the query was for.
    pub slot: QuerySlot,
    /// The number that [`Readers::ask`] returned, or that [`Readers::ask_with`] was given.
    pub ticket: u64,
    /// The answer, or the error in words.
    pub answer: Result<Answer, String>,
}

/// Takes queries. Dropping it stops the threads.
pub struct Readers {
    pool: Arc<QueryPool>,
}

/// What the threads and those who ask share.
pub struct QueryPool {
    state: Mutex<State>,
    /// Wakes a thread when a query waits or the pool closes.
    asked: Condvar,
}

/// The queries that wait, and what each thread is doing.
#[derive(Default)]
struct State {
    /// The newest query of each slot that waits, with its ticket.
    waiting: HashMap<QuerySlot, (u64, Query)>,
    /// The slots that wait, in the order in which they began to. A newer query keeps its slot's place.
    order: VecDeque<QuerySlot>,
    /// One entry for each thread.
    threads: Vec<Thread>,
    /// Number of queries so far.
    tickets: u64,
    /// The threads end once this is set.
    closed: bool,
}

/// What a thread is doing, and how to stop it.
struct Thread {
    /// The slot whose query it runs; `None` while it waits.
    slot: Option<QuerySlot>,
    /// A newer query of that slot came, so the answer is not wanted any more.
    stale: bool,
    /// Its connection, to interrupt what it runs.
    connection: Arc<PooledConnection>,
}

/// What is called with each answer, on the reader's thread.
type Listener = dyn Fn(Answered) + Send + Sync;

impl Readers {
    /// Starts the threads; `answered` is called with each answer.
    pub(super) fn start(
        database: &Arc<Database>,
        queue: &Arc<WriteQueue>,
        prices: &Arc<Prices>,
        answered: Box<Listener>,
    ) -> Self {
        let answered: Arc<Listener> = answered.into();
        let connection: Vec<_> = (0..THREADS).map(|_| database.pooled()).collect();
        let threads = connection
            .iter()
            .map(|connection| Thread { slot: None, stale: false, connection: connection.clone() })
            .collect();
        let state = Mutex::new(State { threads, ..State::default() });
        let pool = Arc::new(QueryPool { state, asked: Condvar::new() });
        for (number, pooled) in connection.into_iter().enumerate() {
            let (pool, answered) = (pool.clone(), answered.clone());
            let (database, queue, prices) = (database.clone(), queue.clone(), prices.clone());
            let ask = move |query: &Query| {
                let ask = || {
                    pooled.with_room(|connection: &Connection| {
                        queries::answer(connection, &pooled, &database, &prices, query)
                    })
                };
                let mut answer = ask();
                if answer.as_ref().is_err_and(|trouble| open::is_corrupt(&trouble.to_string())) {
                    // Once what can be read is in a new file, nobody needs to know that something could not.
                    queue.damaged();
                    if queue.wait_until_looked_at(PATIENCE) {
                        answer = ask();
                    }
                }
                answer.map_err(|trouble: DatabaseError| open::with_advice(trouble.to_string()))
            };
            start("store-reader", move || pool.serve(number, ask, &*answered));
        }
        Self { pool }
    }

    /// Asks a query and returns its ticket; never waits for the answer, which comes with the same ticket.
    pub fn ask(&self, slot: QuerySlot, query: Query) -> u64 {
        self.pool.ask(slot, query, None)
    }

    /// The same with a ticket that the caller chose.
    pub fn ask_with(&self, slot: QuerySlot, query: Query, ticket: u64) {
        self.pool.ask(slot, query, Some(ticket));
    }

    /// How many queries wait.
    pub fn waiting(&self) -> usize {
        lock(&self.pool.state).order.len()
    }

    /// The shared state, to close it when the store closes.
    pub(super) fn pool(&self) -> Weak<QueryPool> {
        Arc::downgrade(&self.pool)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.pool.close();
    }
}

impl QueryPool {
    /// Puts a query into its slot. A thread that runs an older query of the slot is interrupted.
    fn ask(&self, slot: QuerySlot, query: Query, ticket: Option<u64>) -> u64 {
        let mut state = lock(&self.state);
        state.tickets += 1;
        let ticket = ticket.unwrap_or(state.tickets);
        for thread in state.threads.iter_mut().filter(|thread| thread.slot.as_ref() == Some(&slot)) {
            thread.stale = true;
            // The thread cannot have gone on to another query: for that it needs the lock held here.
            thread.connection.interrupt();
        }
        if state.waiting.insert(slot.clone(), (ticket, query)).is_none() {
            state.order.push_back(slot);
        }
        self.asked.notify_one();
        ticket
    }

    /// Ends the threads: what runs is interrupted, and what waits is dropped.
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.threads.iter().for_each(|thread| thread.connection.interrupt());
        self.asked.notify_all();
    }

    /// Runs thread `number`: takes queries and reports answers until the pool closes. A panic is reported as an error.
    fn serve(&self, number: usize, ask: impl Fn(&Query) -> Result<Answer, String>, answered: &Listener) {
        while let Some((slot, ticket, query)) = self.next(number) {
            let caught = catch_unwind(AssertUnwindSafe(|| ask(&query)));
            let has_panicked = caught.is_err();
            let answer = caught.unwrap_or_else(|panic| Err(panic_text(&*panic)));
            if self.is_wanted(number, has_panicked) {
                answered(Answered { slot, ticket, answer });
            }
        }
    }

    /// Waits for a query and notes that thread `number` runs it; `None` when the pool is closed.
    fn next(&self, number: usize) -> Option<(QuerySlot, u64, Query)> {
        let is_idle = |state: &mut State| state.order.is_empty() && !state.closed;
        let state = self.asked.wait_while(lock(&self.state), is_idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        let slot = state.order.pop_front()?;
        let (ticket, query) = state.waiting.remove(&slot)?;
        let thread = state.threads.get_mut(number)?;
        (thread.slot, thread.stale) = (Some(slot.clone()), false);
        Some((slot, ticket, query))
    }

    /// Notes that thread `number` is done. Returns whether the answer is still wanted: no newer query came, and the
    /// pool is open.
    fn is_wanted(&self, number: usize, has_panicked: bool) -> bool {
        let mut state = lock(&self.state);
        let is_closed = state.closed;
        let Some(thread) = state.threads.get_mut(number) else { return false };
        thread.slot = None;
        if has_panicked {
            // A panic may have left a transaction open; it ends with the connection.
            thread.connection.close();
        }
        !thread.stale && !is_closed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{
        model::{Filter, TraceId},
        store::{Place, tests},
    };

    fn query(text: &str) -> Query {
        Query::Overview { filter: Filter { text: text.into(), ..Filter::default() }, today: None }
    }

    /// A pool of one thread, whose queries end when the test lets them.
    fn pool(connection: &Arc<PooledConnection>) -> Arc<QueryPool> {
        let threads = vec![Thread { slot: None, stale: false, connection: connection.clone() }];
        Arc::new(QueryPool { state: Mutex::new(State { threads, ..State::default() }), asked: Condvar::new() })
    }

    #[test]
    fn the_newest_query_of_a_slot_is_answered_and_the_older_ones_are_not() {
        let database = Database::open(&Place::Memory).unwrap();
        let pool = pool(&database.pooled());
        let (begun, begins) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        let serving = pool.clone();
        let thread = start("test", move || {
            let ask = |query: &Query| {
                begun.send(format!("{query:?}")).unwrap();
                ended.recv().unwrap();
                Ok(Answer::Overview(Box::default()))
            };
            serving.serve(0, ask, &move |answer: Answered| answered.send((answer.slot, answer.ticket)).unwrap());
        });
        let first = pool.ask(QuerySlot::Overview, query("one"), None);
        assert!(begins.recv().unwrap().contains("one"));
        let other = pool.ask(QuerySlot::Detail, query("other"), None);
        pool.ask(QuerySlot::Overview, query("two"), None);
        let third = pool.ask(QuerySlot::Overview, query("three"), None);
        assert!(first < other && other < third);
        for _ in 0..3 {
            end.send(()).unwrap();
        }
        assert!(begins.recv().unwrap().contains("other") && begins.recv().unwrap().contains("three"));
        assert_eq!(answers.recv().unwrap(), (QuerySlot::Detail, other));
        assert_eq!(answers.recv().unwrap(), (QuerySlot::Overview, third));
        pool.close();
        thread.join().unwrap();
        assert!(answers.recv().is_err());
    }

    #[test]
    fn a_stale_query_is_interrupted() {
        let database = Database::open(&Place::Memory).unwrap();
        let connection = database.pooled();
        let pool = pool(&connection);
        let (begun, begins) = mpsc::channel();
        let (answered, answers) = mpsc::channel();
        let serving = pool.clone();
        let thread = start("test", move || {
            let ask = |query: &Query| {
                let long = "select count(*) from range(1000000) a, range(1000000) b where hash(a.range, b.range) = 7";
                let sql = if format!("{query:?}").contains("long") { long } else { "select 1" };
                begun.send(()).unwrap();
                let run = |connection: &Connection| Ok(connection.execute_batch(sql)?);
                connection.with(run).map(|()| Answer::Overview(Box::default())).map_err(|trouble| trouble.to_string())
            };
            serving
                .serve(0, ask, &move |answer: Answered| answered.send((answer.ticket, answer.answer.is_ok())).unwrap());
        });
        pool.ask(QuerySlot::Overview, query("long"), None);
        begins.recv().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        pool.ask(QuerySlot::Overview, query("short"), Some(77));
        assert_eq!(answers.recv().unwrap(), (77, true));
        pool.close();
        thread.join().unwrap();
    }

    #[test]
    fn a_panic_is_an_answer_too() {
        let database = Database::open(&Place::Memory).unwrap();
        let pool = pool(&database.pooled());
        let (answered, answers) = mpsc::channel();
        let serving = pool.clone();
        let thread = start("test", move || {
            serving.serve(0, |_| panic!("out of cheese"), &move |answer| drop(answered.send(answer.answer.err())));
        });
        pool.ask(QuerySlot::Raw, query(""), None);
        assert_eq!(answers.recv().unwrap().as_deref(), Some("a panic: out of cheese"));
        pool.close();
        thread.join().unwrap();
    }

    #[test]
    fn questions_asked_of_a_store_are_answered_with_their_tickets() {
        let store = tests::memory();
        tests::send(&store, [tests::span("a", 1)]);
        let (answered, answers) = mpsc::channel();
        let answered = Mutex::new(answered);
        let readers = store.readers(Box::new(move |answer| drop(lock(&answered).send(answer))));
        let trace: TraceId = tests::trace("a");
        readers.ask_with(QuerySlot::Tree(trace), Query::Tree { trace }, 5);
        let answer = answers.recv().unwrap();
        assert_eq!((answer.ticket, answer.slot), (5, QuerySlot::Tree(trace)));
        assert!(matches!(answer.answer, Ok(Answer::Tree(tree)) if tree.nodes.len() == 1));
        store.close();
    }
}
