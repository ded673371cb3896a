//! A byte of the file changes: it is put right where that is noticed, or said.

use std::{
    fs,
    path::Path,
    sync::{Mutex, mpsc},
};

use super::*;
use crate::{model::QuerySlot, store::lock};

/// A store of forty runs with messages that hardly compress, closed; returns the bytes of its file.
fn written(path: &Path) -> Vec<u8> {
    let store = Store::open(&Place::File(path.to_owned()), Arc::default()).unwrap();
    for run in 0..40 {
        let spans = (1..=20).map(|id| {
            let noise = blake3::hash(&[run, id]).to_hex().repeat(12);
            span(&run.to_string(), id).with_prompt(&noise)
        });
        send(&store, spans);
    }
    store.close();
    fs::read(path).unwrap()
}

/// What came of a store in which a byte had changed.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It was put right before the file was opened.
    RightedAtOnce,
    /// It was put right when something could not be read.
    RightedThen,
    /// It is said that it cannot be.
    Said,
    /// Nobody reads it.
    Unread,
}

/// Opens the store, reads all of it as a screen does, and sends a span.
fn opened(path: &Path) -> Outcome {
    let store = match Store::open(&Place::File(path.to_owned()), Arc::default()) {
        Ok(store) => store,
        Err(error) => {
            assert!(error.to_string().contains("sideseat-tui check --mend"), "{error}");
            return Outcome::Said;
        }
    };
    let (answered, answers) = mpsc::channel();
    let answered = Mutex::new(answered);
    let readers = store.readers(Box::new(move |answer| drop(lock(&answered).send(answer.answer))));
    let subjects = (0..40).map(|run| Query::Detail { subject: Subject::Trace(trace(&run.to_string())) });
    let filter = Filter { text: "00".into(), ..Filter::default() };
    let sessions = Query::Sessions { filter, limit: 9 };
    for query in subjects.chain([sessions, Query::Overview { filter: Filter::default(), today: None }]) {
        // Where it is put right meanwhile, the screen asks once more.
        for _ in 0..1000 {
            readers.ask(QuerySlot::Detail, query.clone());
            let answer = answers.recv().unwrap();
            let damage = store.health().damage;
            match answer {
                Ok(_) => break,
                Err(_) if damage.as_ref().is_some_and(|damage| damage.contains("cannot be read, nor put right")) => {
                    return Outcome::Said;
                }
                Err(why) => assert!(!why.contains("checksum") || why.contains("check --mend"), "{why}"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
    if store.writer().submit_blocking(submission([span("new", 1)])).is_err() {
        // Nothing can be stored where the ids of what is stored cannot be read.
        assert!(store.health().failing.is_some_and(|why| why.contains("check --mend")));
        return Outcome::Said;
    }
    let is_righted = |said: Option<String>| said.is_some_and(|said| said.contains("put right: nothing is lost"));
    if is_righted(store.mended_in_words()) {
        Outcome::RightedAtOnce
    } else if is_righted(store.health().damage) {
        Outcome::RightedThen
    } else {
        Outcome::Unread
    }
}

#[test]
fn a_byte_that_changed_is_put_right_where_that_is_noticed_and_otherwise_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let mut outcomes = Vec::new();
    for (nth, at) in (12_288..whole.len()).step_by(131_072 + 4_099).enumerate() {
        fs::write(&path, &whole).unwrap();
        let mut damaged = whole.clone();
        damaged[at] ^= [0x55, 0x01, 0x80][nth % 3];
        fs::write(&path, &damaged).unwrap();
        let outcome = opened(&path);
        if matches!(outcome, Outcome::RightedAtOnce | Outcome::RightedThen) {
            let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
            assert_eq!(store.picked(&Pick::default()).unwrap().iter().map(|picked| picked.spans).sum::<u64>(), 801);
            assert_eq!((0..40).map(|run| rows(&store, &run.to_string()).spans.len()).sum::<usize>(), 800);
        }
        outcomes.push(outcome);
    }
    for seen in [Outcome::RightedAtOnce, Outcome::RightedThen, Outcome::Unread] {
        assert!(outcomes.contains(&seen), "{seen:?} in {outcomes:?}");
    }
}
