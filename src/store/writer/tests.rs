//! What one submission of a group does to the others.

use std::thread;

use duckdb::Connection;

use super::*;
use crate::store::{
    Place, Writer,
    tests::{span, submission},
};

/// The writer of a store in memory, and the queue that it takes from. Nothing runs yet.
pub fn writer() -> (StoreWriter, Arc<WriteQueue>) {
    let database = Database::open(&Place::Memory).unwrap();
    let (queue, items) = WriteQueue::new();
    let health = queue.health();
    let checkpointer = Arc::new(Checkpointer::new(&database, queue.clone(), health.clone()));
    let items = (queue.clone(), items);
    (StoreWriter::new(database, items, Arc::default(), health, checkpointer, Arc::default()), queue)
}

#[test]
fn a_poisoned_submission_fails_alone() {
    let (writer, door) = writer();
    let (database, health, changes) = (writer.database.clone(), writer.health.clone(), writer.changes.clone());
    let mut poisoned = submission([span("a", 1)]);
    poisoned.spans[0].stored.raw.row.clear();
    // All of them are in the queue before the writer looks, so they are one group.
    let sent = [submission([span("b", 1), span("a", 2)]), poisoned, submission([span("a", 3)])].map(|submission| {
        let writer = Writer::new(door.clone());
        let sent = thread::spawn(move || writer.submit_blocking(submission));
        thread::sleep(Duration::from_millis(50));
        sent
    });
    door.close();
    writer.run();
    let [first, poisoned, last] = sent.map(|sent| sent.join().unwrap());
    assert_eq!((first, last), (Ok(()), Ok(())));
    let refused = poisoned.unwrap_err().to_string();
    assert!(refused.contains("octet_length"), "{refused}");
    assert_eq!(lock(&health).failing, None);
    assert_eq!(changes.take().spans, 3);
    let sql = "select sum(spans)::ubigint from traces";
    let count = |connection: &Connection| Ok(connection.query_row(sql, [], |row| row.get::<_, u64>(0))?);
    assert_eq!(database.pooled().with(count).unwrap(), 3);
}
