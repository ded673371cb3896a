//! A byte of the file changes: it is put right where that can be done, else what can be read is put into a new file, also
//! while the store is open; either is said.

use std::{fs, path::Path};

use super::*;
use crate::store::lock;

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
