//! A byte of the file changes: it is put right where that can be done, else what can be read is put into a new file, also
//! while the store is open; either is said.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
};

use super::*;
use crate::{
    model::{QuerySlot, Rescue},
    store::{lock, log_file::with_suffix, pool::Database, rescue::FIRST, salvage::read_all},
};

/// What came of a store in which something had changed.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    RightedAtOnce,
    RightedThen,
    RescuedAtOnce,
    RescuedThen,
    /// Nothing is in that block.
    Unread,
}

/// Opens the store, waits until its checksums were read, and sends a span. All that is not said to be lost is there.
fn opened(path: &Path) -> Outcome {
    let store = Store::open(&Place::File(path.to_owned()), Arc::default()).unwrap();
    while store.scanning.as_ref().is_some_and(|scanning| !scanning.is_finished()) {
        thread::sleep(Duration::from_millis(2));
    }
    send(&store, [span("new", 1)]);
    let (at_once, then) = (store.mended_in_words(), lock(&store.health).damage.clone());
    let said = at_once.clone().or_else(|| then.clone()).unwrap_or_default();
    store.wait_until_reprocessed().unwrap();
    let raw = |run: u8| store.raw_spans(&[trace(&run.to_string())]).unwrap().values().map(Vec::len).sum::<usize>();
    let there: usize = (0..40).map(raw).sum();
    for run in (0..40).step_by(13) {
        let subject = Subject::Trace(trace(&run.to_string()));
        store.answer(&Query::Detail { subject }).unwrap();
    }
    assert!(there == 800 || said.contains(&format!("{} spans and log records", 800 - there)), "{there}: {said}");
    match (at_once, then) {
        (Some(said), None) if said.contains("put right: nothing is lost") => Outcome::RightedAtOnce,
        (Some(_), None) => Outcome::RescuedAtOnce,
        (None, Some(said)) if said.contains("put right: nothing is lost") => Outcome::RightedThen,
        (None, Some(_)) => Outcome::RescuedThen,
        (None, None) if there == 800 => Outcome::Unread,
        both => panic!("{both:?}"),
    }
}

#[test]
fn what_changed_is_put_right_or_what_can_be_read_is_and_either_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let mut outcomes = Vec::new();
    for (nth, at) in (12_288..whole.len()).step_by(262_144 + 4_099).enumerate() {
        let mut damaged = whole.clone();
        damaged[at] ^= [0x55, 0x01, 0x80][nth % 3];
        if nth % 2 == 0 {
            // Of two the checksum does not tell.
            damaged[(at + 100).min(whole.len() - 1)] ^= 0x55;
        }
        fs::write(&path, &damaged).unwrap();
        let outcome = opened(&path);
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        assert_eq!(store.mended_in_words(), None, "{outcome:?}");
        store.close();
        outcomes.push(outcome);
    }
    for seen in [Outcome::RightedAtOnce, Outcome::RightedThen, Outcome::RescuedAtOnce, Outcome::RescuedThen] {
        assert!(outcomes.contains(&seen), "{seen:?} in {outcomes:?}");
    }
}

/// Makes a store that is opened though rows of it cannot be read; they stand in the part of the file that is looked at before it is
/// opened, or behind that.
fn damage(path: &Path, is_behind: bool) {
    let whole = written(path);
    let blocks = (12_288..whole.len() - 262_144).step_by(262_144);
    for block in blocks.filter(|block| (*block as u64 > FIRST) == is_behind) {
        let mut damaged = whole.clone();
        for place in [block + 5_000, block + 5_100] {
            damaged[place] ^= 0x55;
        }
        fs::write(path, &damaged).unwrap();
        if Database::open_to_read(path).is_ok_and(|opened| read_all(&opened.pooled(), &|| Ok(())).is_err()) {
            return;
        }
    }
    panic!("no such block has rows");
}

/// Keeps the new file of a rescue from being made until it is removed.
fn in_its_way(path: &Path) -> PathBuf {
    let folder = with_suffix(path, ".salvaging");
    fs::create_dir(&folder).unwrap();
    folder
}

/// Waits until the rescue stands so.
fn stands(store: &Store, is_so: impl Fn(Option<&Rescue>) -> bool) {
    for _ in 0..6000 {
        if is_so(store.health().rescue.as_ref()) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("{:?}", store.health());
}

#[test]
fn while_a_store_moves_to_its_new_file_nothing_that_is_asked_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    damage(&path, true);
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    assert_eq!((store.mended_in_words(), store.health().rescue), (None, None));
    let (answered, answers) = mpsc::channel();
    let answered = std::sync::Mutex::new(answered);
    let readers = store.readers(Box::new(move |answer| drop(lock(&answered).send(answer))));
    // Whatever comes first: the thread that reads all, or a question that needs what is damaged.
    for round in 0_u64.. {
        let is_over = store.health().damage.is_some();
        for run in 0..40_u8 {
            let trace = trace(&run.to_string());
            readers.ask_with(QuerySlot::Tree(trace), Query::Tree { trace }, round);
            let subject = Subject::Trace(trace);
            readers.ask_with(QuerySlot::Detail, Query::Detail { subject }, round);
            let answered = [answers.recv().unwrap(), answers.recv().unwrap()];
            assert!(answered.iter().all(|one| one.answer.is_ok() && one.ticket == round), "{answered:?}");
        }
        store.raw_spans(&[trace("7")]).unwrap();
        if is_over {
            break;
        }
    }
    stands(&store, |rescue| rescue.is_none());
    assert!(store.health().damage.unwrap().contains("kept beside it as"));
}

#[test]
fn a_rescue_that_fails_is_so_until_it_has_succeeded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    // Found while it is open, and found at the start, after which it is opened as it is.
    for is_found_at_once in [false, true] {
        damage(&path, !is_found_at_once);
        let way = in_its_way(&path);
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        stands(&store, |rescue| matches!(rescue, Some(Rescue::Failed(_))));
        assert_eq!(store.mended_in_words().is_some(), is_found_at_once);
        // What can be read is, and it is tried again until it can be done.
        assert!(store.held().unwrap().runs > 0);
        fs::remove_dir(way).unwrap();
        stands(&store, |rescue| rescue.is_none());
        assert!(store.health().damage.unwrap().contains("kept beside it as"));
        send(&store, [span("new", 1)]);
        assert_eq!(rows(&store, "new").spans.len(), 1);
        store.close();
        fs::remove_file(&path).unwrap();
    }
}
