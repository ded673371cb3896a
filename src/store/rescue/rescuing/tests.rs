//! Real files in which bytes were changed: nothing is lost but what cannot be read, that is said, and the file is kept.

use std::{fs, thread, time::Duration};

use super::*;
use crate::store::{
    Pick, Place, Store,
    file_blocks::{accept, wrong_blocks},
    tests::{rows, send, span, trace, written},
};

fn stored(store: &Store) -> u64 {
    store.picked(&Pick::default()).unwrap().iter().map(|picked| picked.spans).sum()
}

/// The files beside a store.
fn beside(path: &Path) -> Vec<String> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let all = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = all.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|other| other != name);
    names.sort_unstable();
    names
}

/// Changes two bytes of a block, so that the checksum does not tell which.
fn damage(bytes: &[u8], block: usize) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    for at in [5_000, 5_100] {
        damaged[12_288 + block * 262_144 + at] ^= 0x55;
    }
    damaged
}

fn is_log(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "wal")
}

#[test]
fn what_cannot_be_read_is_said_and_kept_and_all_else_is_there_wherever_the_damage_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let (mut has_lost, mut has_all) = (false, false);
    for block in 0..(whole.len() - 12_288) / 262_144 {
        let damaged = damage(&whole, block);
        fs::write(&path, &damaged).unwrap();
        let rescued = rescue(&path, &Arc::default(), &|_| ()).unwrap().unwrap();
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        let said = rescued.says(&path);
        let [kept] = &beside(&path).into_iter().filter(|name| !is_log(name)).collect::<Vec<_>>()[..] else {
            panic!("{:?}", beside(&path))
        };
        assert!(said.contains(kept) && fs::read(folder.path().join(kept)).unwrap() == damaged, "{said}");
        let there = stored(&store);
        if there == 800 {
            has_all = true;
            assert!(said.contains("nothing is lost") || said.contains("resource or scope is lost"), "{said}");
        } else {
            has_lost = true;
            assert!(said.contains(&format!("{} spans and log records", 800 - there)), "{said}");
        }
        store.wait_until_reprocessed().unwrap();
        let read: usize = (0..40).map(|run| rows(&store, &run.to_string()).spans.len()).sum();
        let raw = store.raw_spans(&(0..40).map(|run| trace(&run.to_string())).collect::<Vec<_>>()).unwrap();
        assert_eq!((read as u64, raw.values().map(Vec::len).sum::<usize>() as u64), (there, there));
        send(&store, [span("new", 1)]);
        store.close();
        // A second start finds nothing wrong.
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        assert_eq!((store.mended_in_words(), stored(&store)), (None, there + 1));
        store.close();
        fs::remove_file(folder.path().join(kept)).unwrap();
    }
    assert!(has_lost && has_all);
}

#[test]
fn what_a_kill_left_of_a_rescue_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let damaged = damage(&whole, 0);
    let making = with_suffix(&path, ".salvaging");
    let made = with_suffix(&path, ".salvaged");
    let open = || Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    // Before the new file was complete.
    fs::write(&path, &damaged).unwrap();
    fs::write(&making, &whole[..100_000]).unwrap();
    let store = open();
    assert!(store.mended_in_words().unwrap().contains("kept beside it as"));
    store.close();
    assert_eq!(beside(&path).len(), 1, "{:?}", beside(&path));
    fs::remove_file(folder.path().join(&beside(&path)[0])).unwrap();
    // Once it was complete, and once the old one had its other name too.
    for has_name in [false, true] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, &damaged).unwrap();
        fs::write(&made, &whole).unwrap();
        if has_name {
            fs::hard_link(&path, with_suffix(&path, ".damaged-7")).unwrap();
        }
        let store = open();
        assert!(store.mended_in_words().unwrap().contains("what could be read is in a new file"));
        assert_eq!(stored(&store), 800);
        store.close();
        let [kept] = &beside(&path)[..] else { panic!("{:?}", beside(&path)) };
        assert!(fs::read(folder.path().join(kept)).unwrap() == damaged);
        assert_eq!(kept.ends_with(".damaged-7"), has_name);
        fs::remove_file(folder.path().join(kept)).unwrap();
    }
}

#[test]
fn a_new_file_that_is_older_than_what_was_stored_since_takes_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let made = with_suffix(&path, ".salvaged");
    drop(Store::open(&Place::File(made.clone()), Arc::default()).unwrap());
    let before = fs::metadata(&made).unwrap().modified().unwrap() - Duration::from_mins(1);
    File::options().write(true).open(&made).unwrap().set_modified(before).unwrap();
    let whole = written(&path);
    fs::write(&path, damage(&whole, 0)).unwrap();
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    assert!(!made.exists() && stored(&store) > 0, "{:?}", store.mended_in_words());
    store.close();
    // Nor does one whose place a store has that nothing is wrong with.
    fs::write(&path, &whole).unwrap();
    fs::write(&made, &whole[..100_000]).unwrap();
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    assert!(!made.exists() && stored(&store) == 800 && store.mended_in_words().is_none());
}

#[test]
fn a_block_of_zeros_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let mut damaged = whole.clone();
    damaged[12_288..12_288 + 262_144].fill(0);
    fs::write(&path, &damaged).unwrap();
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    assert!(store.mended_in_words().unwrap().contains("kept beside it as"));
    send(&store, [span("new", 1)]);
    store.close();
    assert!(beside(&path).iter().any(|kept| fs::read(folder.path().join(kept)).unwrap() == damaged));
}

#[test]
fn what_ended_the_program_three_times_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let damaged = damage(&whole, 0);
    fs::write(&path, &damaged).unwrap();
    // It describes the tables in all versions of the engine that were seen.
    assert!(!is_readable(&path), "the first block does not describe the tables");
    fs::write(with_suffix(&path, ".salvaging-tries"), "...").unwrap();
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    let said = store.mended_in_words().unwrap();
    assert!(said.contains("reading it has broken off 3 times: a new store was begun"), "{said}");
    let [kept] = &beside(&path).into_iter().filter(|name| !is_log(name)).collect::<Vec<_>>()[..] else {
        panic!("{:?}", beside(&path))
    };
    let whole_name = folder.path().join(kept).canonicalize().unwrap();
    assert!(said.contains(&format!("check --db {} --salvage", whole_name.display())), "{said}");
    assert_eq!(stored(&store), 0);
    send(&store, [span("new", 1)]);
    store.close();
    let [kept] = &beside(&path)[..] else { panic!("{:?}", beside(&path)) };
    assert!(fs::read(folder.path().join(kept)).unwrap() == damaged);
    fs::remove_file(folder.path().join(kept)).unwrap();
    // Nor is what can be opened all the same, at whatever start.
    let has_rows = |block: &usize| {
        fs::write(&path, damage(&whole, *block)).unwrap();
        is_readable(&path) && !is_all_readable(&path)
    };
    let block = (0..4).find(has_rows).expect("none of the blocks that are looked at first has rows");
    let damaged = damage(&whole, block);
    let tries = with_suffix(&path, ".salvaging-tries");
    fs::write(&tries, "...").unwrap();
    let error = rescue(&path, &Arc::default(), &|_| panic!("it is tried")).unwrap_err().to_string();
    assert!(error.contains("a.duckdb.salvaging-tries to have it tried again"), "{error}");
    for _ in 0..2 {
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        let said = store.mended_in_words().unwrap();
        assert!(said.contains("not tried any more") && !said.contains("by itself"), "{said}");
        assert!(matches!(store.health().rescue, Some(crate::model::Rescue::GivenUp(_))));
        assert!(stored(&store) > 0);
        store.close();
    }
    // Until the user wants it.
    fs::write(&path, &damaged).unwrap();
    fs::remove_file(&tries).unwrap();
    let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
    assert!(store.mended_in_words().unwrap().contains("kept beside it as"));
    store.close();
}

#[test]
fn what_fails_for_another_reason_than_what_is_stored_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let damaged = damage(&written(&path), 0);
    fs::write(&path, &damaged).unwrap();
    let began = std::cell::Cell::new(0);
    let source = || Source::of_doubtful(&path, tempfile::tempdir, &|| began.set(began.get() + 1));
    // A log that cannot be copied.
    let log = with_suffix(&path, ".wal");
    fs::create_dir(&log).unwrap();
    let error = rescue(&path, &Arc::default(), &|_| ()).unwrap_err();
    assert!(!is_readable(&path) && fs::read(&path).unwrap() == damaged, "{error}");
    assert_eq!(beside(&path), ["a.duckdb.wal"]);
    source().unwrap_err();
    assert_eq!(began.get(), 0, "a try is counted before it is one");
    fs::remove_dir(log).unwrap();
    drop(source().unwrap());
    assert_eq!(began.get(), 1);
    assert!(rescue(&path, &Arc::default(), &|_| ()).unwrap().is_some());
    for why in [
        "Too many open files (os error 24)",
        "Disk quota exceeded",
        "Out of Memory Error: x",
        "could not allocate block",
    ] {
        assert!(!is_of_what_is_read(why), "{why}");
    }
    for why in
        ["Data Corruption Error: x", "Serialization Error: Failed to deserialize", "INTERNAL Error: Failed to load"]
    {
        assert!(is_of_what_is_read(why), "{why}");
    }
}

#[test]
fn rows_in_a_block_of_zeros_are_lost_and_all_others_are_rescued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let mut seen = 0;
    for block in 1..(whole.len() - 12_288) / 262_144 {
        let mut damaged = whole.clone();
        let at = 12_288 + block * 262_144;
        damaged[at..at + 262_144].fill(0);
        fs::write(&path, &damaged).unwrap();
        assert!(wrong_blocks(&path, u64::MAX).unwrap().is_empty());
        if !is_readable(&path) || is_all_readable(&path) {
            continue;
        }
        seen += 1;
        let rescued = rescue(&path, &Arc::default(), &|_| ()).unwrap().unwrap();
        assert!(fs::read(&rescued.kept).unwrap() == damaged);
        let store = Store::open(&Place::File(path.clone()), Arc::default()).unwrap();
        assert!(stored(&store) == 800 || rescued.lost().is_some());
        send(&store, [span("new", 1)]);
        store.close();
        assert!(is_all_readable(&path));
        fs::remove_file(rescued.kept).unwrap();
    }
    assert!(seen > 0, "no such block has rows");
}

#[test]
fn a_store_is_rescued_by_one_process_and_one_that_is_whole_by_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    assert_eq!(rescue(&path, &Arc::default(), &|_| ()).unwrap(), None);
    fs::write(&path, damage(&whole, 3)).unwrap();
    let alone = Lock::take(&path).unwrap();
    assert!(matches!(rescue(&path, &Arc::default(), &|_| ()), Err(OpenError::Held { .. })));
    drop(alone);
    let rescued: Vec<_> = thread::scope(|scope| {
        let rescue = || rescue(&path, &Arc::default(), &|_| ());
        let all = [scope.spawn(rescue), scope.spawn(rescue), scope.spawn(rescue)];
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(rescued.iter().filter(|one| matches!(one, Ok(Some(_)))).count(), 1, "{rescued:?}");
    assert_eq!(beside(&path).len(), 1, "{:?}", beside(&path));
}

#[test]
fn commands_read_what_can_be_read_of_a_damaged_store_and_leave_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    let mut has_lost = false;
    for block in 0..(whole.len() - 12_288) / 262_144 {
        let damaged = damage(&whole, block);
        fs::write(&path, &damaged).unwrap();
        let said = std::cell::RefCell::new(String::new());
        let store = Store::open_to_read(&path, Arc::default(), |says| *said.borrow_mut() += says).unwrap();
        let there = stored(&store);
        assert!(there == 800 || store.is_partial());
        if there < 800 {
            has_lost = true;
            assert!(said.borrow().contains(&format!("{} spans and log records", 800 - there)), "{said:?}");
        }
        store.close();
        assert!(fs::read(&path).unwrap() == damaged && beside(&path).is_empty());
    }
    assert!(has_lost);
}

#[test]
fn a_block_that_was_read_as_it_is_is_refused_again_where_rows_are_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.duckdb");
    let whole = written(&path);
    // Both a block of rows and the one that describes the tables.
    let mut damaged = damage(&damage(&whole, 0), 3);
    fs::write(&path, &damaged).unwrap();
    let wrong = wrong_blocks(&path, u64::MAX).unwrap();
    assert_eq!(wrong.len(), 2);
    let source = Source::of(&path, tempfile::tempdir).unwrap();
    assert!(source.is_doubtful && source.is_copy());
    let left = wrong_blocks(&source.path, u64::MAX).unwrap();
    assert_eq!(left, wrong[1..]);
    drop(source);
    assert!(fs::read(&path).unwrap() == damaged);
    accept(&path, &wrong).unwrap();
    damaged = fs::read(&path).unwrap();
    assert!(damaged != whole && wrong_blocks(&path, u64::MAX).unwrap().is_empty());
}
