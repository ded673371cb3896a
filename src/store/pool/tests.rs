//! One file, of which connections come and go.

use std::{sync::mpsc, thread};

use super::*;

#[test]
fn a_transaction_that_was_left_open_keeps_no_other_from_beginning() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("create table t (n integer); begin transaction; insert into t values (1)").unwrap();
    transaction(&connection, &Mutex::default(), || Ok(connection.execute_batch("insert into t values (2)")?)).unwrap();
    let stored: i64 = connection.query_row("select sum(n)::bigint from t", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 2);
}

#[test]
fn the_engine_has_more_memory_while_somebody_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&Place::File(folder.path().join("a.duckdb"))).unwrap();
    let connection = database.pooled();
    let memory = || {
        let ask = |connection: &Connection| {
            let sql = "select value from duckdb_settings() where name = 'memory_limit'";
            Ok(connection.query_row(sql, [], |row| row.get::<_, String>(0))?)
        };
        connection.with(ask).unwrap()
    };
    let narrow = memory();
    assert!(database.wide_again().is_none());
    let first = database.wide();
    let wide = memory();
    assert_ne!(narrow, wide);
    drop(database.wide());
    assert_eq!(memory(), wide, "one still needs it");
    drop(first);
    assert_eq!(memory(), narrow);
    // A checkpoint has it once for what was stored then.
    let checkpoint = database.wide_again();
    assert!(checkpoint.is_some() && memory() == wide);
    drop(checkpoint);
    assert!(database.wide_again().is_none() && memory() == narrow);
}

#[test]
fn what_reads_has_more_memory_and_no_checkpoint_because_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&Place::File(folder.path().join("a.duckdb"))).unwrap();
    let connection = database.pooled();
    let memory = |connection: &Connection| {
        let sql = "select value from duckdb_settings() where name = 'memory_limit'";
        Ok(connection.query_row(sql, [], |row| row.get::<_, String>(0))?)
    };
    let (narrow, wide) = (connection.with(memory).unwrap(), connection.with_room(memory).unwrap());
    assert_ne!(narrow, wide);
    assert_eq!(connection.with(memory).unwrap(), narrow);
    assert!(database.wide_again().is_none());
    // Of two of which one needs more, both have that.
    let both = database.wide();
    assert!(![&narrow, &wide].contains(&&connection.with_room(memory).unwrap()));
    drop(both);
    assert_eq!(connection.with(memory).unwrap(), narrow);
}

#[test]
fn what_is_read_and_does_not_do_with_its_memory_has_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&Place::File(folder.path().join("a.duckdb"))).unwrap();
    let tried = std::cell::RefCell::new(Vec::new());
    let read = |connection: &Connection| {
        let sql = "select value from duckdb_settings() where name = 'memory_limit'";
        let memory = connection.query_row(sql, [], |row| row.get::<_, String>(0))?;
        let is_first = tried.borrow().is_empty();
        tried.borrow_mut().push(memory.clone());
        if is_first { Err(DatabaseError::Away("Out of Memory Error: none is left".to_owned())) } else { Ok(memory) }
    };
    let with_all = database.pooled().with_room(read).unwrap();
    let _wide = database.wide();
    assert!(tried.borrow()[0] != with_all && database.pooled().with_room(read).unwrap() == with_all);
    assert_eq!(tried.borrow().len(), 3, "{tried:?}");
}

#[test]
fn what_reads_waits_while_the_file_is_away_and_begins_again_where_it_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&Place::File(folder.path().join("a.duckdb"))).unwrap();
    let seven = |connection: &Connection| Ok(connection.query_row("select 7", [], |row| row.get::<_, i32>(0))?);
    // Asked while it is away.
    let (begins, begun) = mpsc::channel();
    thread::scope(|scope| {
        let (away, is_away) = mpsc::channel();
        let connection = database.pooled();
        let asked = scope.spawn(move || {
            is_away.recv().unwrap();
            begins.send(()).unwrap();
            connection.with_room(seven)
        });
        let not_cancelled = AtomicBool::new(false);
        let (waited, reopened) = database.reopen_after("it is moved", |_| {
            away.send(()).unwrap();
            begun.recv().unwrap();
            let at_once = database.pooled().with(seven).unwrap_err().to_string();
            (at_once, database.wait_until_open(Duration::ZERO, &not_cancelled).unwrap_err().to_string())
        });
        assert_eq!(waited.unwrap(), ("it is moved".to_owned(), "it is moved".to_owned()));
        reopened.unwrap();
        assert_eq!(asked.join().unwrap().unwrap(), 7);
    });
    // Broken off, in the middle of what it reads or before what it reads beside that.
    let (begins, begun) = mpsc::channel();
    let (connection, closings) = (database.pooled(), database.closings());
    thread::scope(|scope| {
        let asked = scope.spawn(|| {
            connection.with_room(|first| {
                begins.send(()).unwrap();
                let long = "select count(*) from range(20000) a, range(20000) b where hash(a.range, b.range) = 7";
                if database.closings() == closings {
                    first.execute_batch(long)?;
                }
                connection.beside().with(seven)
            })
        });
        begun.recv().unwrap();
        database.reopen().unwrap();
        assert_eq!(asked.join().unwrap().unwrap(), 7);
    });
    // What is closed for good is not waited for.
    database.close();
    assert!(matches!(database.pooled().with_room(seven), Err(DatabaseError::Away(_))));
}
