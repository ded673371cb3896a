//! Recorded requests, changed in every way that could be thought of, from the wire to the panes.
//!
//! ```text
//!   one or two captures ─▶ edits ─▶ OTLP ─▶ some bytes damaged ─▶ decode ─▶ translate ─▶ assemble ─▶ panes, transcript
//! ```
//!
//! `SIDESEAT_TUI_FUZZ_SECONDS=600 cargo test --release --test it fuzz` goes on for ten minutes. What fails is made as
//! small as it can be and kept in `tests/fuzz`, where it is tried first from then on, by everybody.

mod connections;
mod edits;
mod through;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

use bytes::Bytes;
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    test_runner::{TestCaseResult, TestError, TestRunner},
};
use sideseat_tui::model::{ContentId, LogRecord, Span};

use crate::properties::{VOCABULARY, items};
use crate::replay::captures;
use edits::Edit;

/// So many are tried where no time is given.
const USUAL: u32 = 300;

/// Captures above this many bytes are left out: they take the time of a hundred others.
pub(crate) const LARGEST: usize = 60_000;

static RECORDED: LazyLock<Vec<(Vec<Span>, Vec<LogRecord>)>> = LazyLock::new(|| {
    let small = captures()
        .into_iter()
        .filter(|capture| capture.bodies().iter().map(|(_, body)| body.len()).sum::<usize>() <= LARGEST);
    small.map(|capture| items(&capture)).collect()
});

/// One or two captures, edited, sent, and damaged on the way.
#[derive(Debug, Clone)]
struct Case {
    captures: Vec<Index>,
    edits: Vec<Edit>,
    damage: Vec<(Index, u8)>,
}

impl Case {
    fn requests(&self) -> (Bytes, Bytes) {
        let (mut spans, mut records) = (Vec::new(), Vec::new());
        for capture in &self.captures {
            let (more, others) = &RECORDED[capture.index(RECORDED.len())];
            spans.extend(more.iter().cloned());
            records.extend(others.iter().cloned());
        }
        edits::apply(&self.edits, &mut spans, &mut records);
        let (spans, records) = through::requests(&spans, &records);
        let mut spans = spans.to_vec();
        for (at, byte) in self.damage.iter().filter(|_| !spans.is_empty()).collect::<Vec<_>>() {
            let at = at.index(spans.len());
            spans[at] = *byte;
        }
        (spans.into(), records)
    }
}

fn case() -> impl Strategy<Value = Case> {
    let known = VOCABULARY.names.iter().chain(&VOCABULARY.words).cloned().collect::<Vec<_>>();
    let known: &'static [String] = Box::leak(known.into_boxed_slice());
    let captures = prop_oneof![3 => vec(any::<Index>(), 1), 1 => vec(any::<Index>(), 2)];
    let damage = prop_oneof![6 => Just(Vec::new()), 1 => vec((any::<Index>(), any::<u8>()), 1..4)];
    (captures, edits::edits(known), damage).prop_map(|(captures, edits, damage)| Case { captures, edits, damage })
}

/// Where what once failed is kept: `NAME.pb` and `NAME.logs.pb`.
fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn keep(case: &Case) -> String {
    let (spans, records) = case.requests();
    let name: String = ContentId::of(&[&spans[..], &records[..]].concat()).to_string().chars().take(12).collect();
    fs::create_dir_all(corpus()).unwrap();
    for (ending, body) in [("pb", spans), ("logs.pb", records)] {
        if !body.is_empty() {
            fs::write(corpus().join(format!("{name}.{ending}")), &body).unwrap();
        }
    }
    name
}

#[test]
fn what_once_failed_fails_no_more() {
    let mut tried = 0;
    for file in fs::read_dir(corpus()).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some((name, "pb")) = name.split_once('.') else { continue };
        let body = |ending: &str| Bytes::from(fs::read(corpus().join(format!("{name}{ending}"))).unwrap_or_default());
        let (spans, records) = (body(".pb"), body(".logs.pb"));
        let went = catch_unwind(AssertUnwindSafe(|| through::through(&spans, &records)));
        assert!(matches!(went, Ok(Ok(()))), "{name} fails again: {went:?}");
        tried += 1;
    }
    assert!(tried >= 3, "some are there from the beginning");
}

#[test]
fn changed_captures_are_read_to_the_end() {
    let seconds = std::env::var("SIDESEAT_TUI_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut tried = 0;
    loop {
        try_some(USUAL);
        tried += USUAL;
        if until.is_none_or(|until| Instant::now() > until) {
            break;
        }
    }
    eprintln!("{tried} cases");
}

fn try_some(cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&case(), |case| -> TestCaseResult {
        let (spans, records) = case.requests();
        through::through(&spans, &records)
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\nkept as {}: {case:#?}", keep(&case)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
