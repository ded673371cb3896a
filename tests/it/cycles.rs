//! Kills the program again and again, whatever it is doing, and compares what is stored with what was acknowledged.
//!
//! ```text
//!   Cycles ─▶ cycle: start it on the same store, several senders, kill -9 at some moment of what it does
//!          ─▶ verify: every trace that was acknowledged is there, whole and once, unless it was to be removed
//! ```
//!
//! A request is one trace of [`BATCH`] spans, which is stored in one transaction: of a trace that was not acknowledged
//! there is everything or nothing as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program::{Home, JSON, Program, request, try_post};

/// Spans of one request, and so of one trace.
const BATCH: u32 = 8;
const SENDERS: u32 = 4;
/// Runs that are kept where the program is to remove the others.
const KEPT: u64 = 1500;
/// Requests of one cycle: fewer than are kept.
const MOST: u32 = 1000;
/// Bytes of the log from which on the program writes a checkpoint.
const LOG: u64 = 64 << 20;

/// What the program is killed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It stores what is sent.
    Storing,
    /// It brings its log into its file while others send.
    Checkpoint,
    /// It closes, and brings its log into its file.
    Closing,
    /// It translates stored spans again.
    Rebuild,
    /// It removes old runs.
    Retention,
    /// It brings the tables of an earlier version up to date.
    Migration,
}

impl Moment {
    pub const ALL: [Self; 6] =
        [Self::Storing, Self::Checkpoint, Self::Closing, Self::Rebuild, Self::Retention, Self::Migration];
}

/// The cycles of one store.
pub struct Cycles {
    home: Home,
    random: Random,
    /// The number of the next trace.
    next: AtomicU32,
    /// The traces that were acknowledged.
    acknowledged: BTreeSet<u32>,
    /// Those of them that may have been removed.
    may_be_gone: BTreeSet<u32>,
    /// How often the program was killed at what.
    pub killed: BTreeMap<Moment, u32>,
    /// How long the longest start took.
    pub slowest_start: Duration,
}

/// What [`Cycles::verify`] found.
#[derive(Debug)]
pub struct Verified {
    pub acknowledged: usize,
    pub stored: usize,
    pub removed: usize,
}

impl Cycles {
    pub fn new(seed: u64) -> Self {
        Self {
            home: Home::new(),
            random: Random(seed | 1),
            next: AtomicU32::new(1),
            acknowledged: BTreeSet::new(),
            may_be_gone: BTreeSet::new(),
            killed: BTreeMap::new(),
            slowest_start: Duration::ZERO,
        }
    }

    /// A seed that is another one each time.
    pub fn any_seed() -> u64 {
        RandomState::new().hash_one(0)
    }

    /// Starts the program, lets it be sent to, and kills it at that moment.
    pub fn cycle(&mut self, moment: Moment) {
        let mut arguments = Vec::new();
        match moment {
            Moment::Rebuild => self.change(
                "update spans set dialects = 1 where rowid > (select coalesce(max(rowid), 0) - 4000 from spans)",
            ),
            Moment::Migration => self.change(&undo_steps()),
            Moment::Retention => {
                arguments = vec!["--keep-runs".to_owned(), KEPT.to_string()];
                self.may_be_gone.extend(&self.acknowledged);
            }
            Moment::Storing | Moment::Checkpoint | Moment::Closing => {}
        }
        *self.killed.entry(moment).or_default() += 1;
        if moment == Moment::Migration {
            let mut child = self.home.command(&["serve"]).spawn().unwrap();
            thread::sleep(self.random.up_to(Duration::from_millis(120)));
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        let began = Instant::now();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut program = self.home.serve(&arguments);
        self.slowest_start = self.slowest_start.max(began.elapsed());
        let longest = self.random.up_to(Duration::from_millis(600));
        let late = self.random.up_to(Duration::from_millis(400));
        let padding = if moment == Moment::Checkpoint { 100_000 } else { 40 };
        let log = self.home.db().with_extension("duckdb.wal");
        let sent = self.send_until_ended(&mut program, padding, |program| {
            match moment {
                Moment::Checkpoint => {
                    let began = Instant::now();
                    while fs::metadata(&log).map_or(0, |log| log.len()) < LOG
                        && began.elapsed() < Duration::from_secs(20)
                    {
                        thread::sleep(Duration::from_millis(2));
                    }
                    thread::sleep(late);
                }
                Moment::Closing => {
                    thread::sleep(longest);
                    program.tell(Signal::TERM);
                    thread::sleep(late / 4);
                }
                _ => thread::sleep(longest),
            }
            program.kill9();
        });
        self.acknowledged.extend(sent);
    }

    /// Lets several senders send until `end` has ended the program; the numbers of the traces that were acknowledged.
    fn send_until_ended(&self, program: &mut Program, padding: usize, end: impl FnOnce(&mut Program)) -> BTreeSet<u32> {
        let (address, ended) = (program.http(), AtomicBool::new(false));
        let (acknowledged, sent) = (Mutex::new(BTreeSet::new()), AtomicU32::new(0));
        thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) && sent.fetch_add(1, Ordering::Relaxed) < MOST {
                        let trace = self.next.fetch_add(1, Ordering::Relaxed);
                        let spans: Vec<Value> = (1..=BATCH).map(|number| span(trace, number, padding)).collect();
                        match try_post(address, "/v1/traces", &[JSON], &request(&spans)) {
                            Ok(reply) if reply.status == 200 => drop(acknowledged.lock().unwrap().insert(trace)),
                            // It may be closing, or too busy.
                            Ok(reply) => assert!(reply.status == 503, "{}: {}", reply.status, reply.text()),
                            Err(_) => {}
                        }
                    }
                });
            }
            end(program);
            ended.store(true, Ordering::Relaxed);
        });
        acknowledged.into_inner().unwrap()
    }

    /// Opens the store once more, closes it in good order, and looks whether it is right.
    pub fn verify(&mut self) -> Verified {
        let mut program = self.home.serve(&[]);
        program.stop();
        let stored = self.stored();
        let broken: Vec<_> = stored.iter().filter(|(_, spans)| **spans != (BATCH.into(), BATCH.into())).collect();
        assert!(broken.is_empty(), "not whole, or doubled (spans, different ones): {broken:?}");
        let is_kept = |trace: &&u32| !self.may_be_gone.contains(trace);
        let lost: Vec<_> =
            self.acknowledged.iter().filter(is_kept).filter(|trace| !stored.contains_key(trace)).collect();
        assert!(lost.is_empty(), "{} of {} traces were lost: {lost:?}", lost.len(), self.acknowledged.len());
        for (what, sql) in WRONG {
            // After a migration rows are made anew in the background: that goes on whenever the program runs.
            for tries in 1..=20 {
                if self.number(sql) == 0 {
                    break;
                }
                let mut program = self.home.serve(&[]);
                thread::sleep(Duration::from_millis(100 * tries));
                program.stop();
            }
            assert_eq!(self.number(sql), 0, "{what}");
        }
        let removed = self.may_be_gone.iter().filter(|trace| !stored.contains_key(trace)).count();
        Verified { acknowledged: self.acknowledged.len(), stored: stored.len(), removed }
    }

    /// By trace, how many spans there are, and how many different ones.
    fn stored(&self) -> BTreeMap<u32, (u64, u64)> {
        let store = duckdb::Connection::open(self.home.db()).unwrap();
        let sql = "select (trace - (1::uhugeint << 100))::uinteger, count(*)::ubigint, count(distinct id)::ubigint
            from spans group by trace";
        let mut statement = store.prepare(sql).unwrap();
        let read = |row: &duckdb::Row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)));
        statement.query_map([], read).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn change(&self, sql: &str) {
        if self.home.db().exists() {
            duckdb::Connection::open(self.home.db()).unwrap().execute_batch(sql).unwrap();
        }
    }

    fn number(&self, sql: &str) -> i64 {
        duckdb::Connection::open(self.home.db()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// What no store has, however often it was killed.
const WRONG: [(&str, &str); 7] = [
    (
        "traces whose row was made from another number of spans",
        "select count(*) from (select trace, count(*) as held from spans group by trace) as held
         full join traces using (trace) where held is distinct from settled_from",
    ),
    ("traces with two rows", "select count(*) - count(distinct trace) from traces"),
    (
        "messages that a trace names and nobody has",
        "select count(*) from trace_contents where content not in (select id from contents)",
    ),
    ("messages that are there twice", "select count(*) - count(distinct id) from contents"),
    (
        "messages that no trace names",
        "select count(*) from contents where id not in (select content from trace_contents)",
    ),
    ("steps of no trace", "select count(*) from steps where trace not in (select trace from spans)"),
    (
        "traces that are in another one and listed as well, or in one that is not there",
        "select count(*) from adopted_traces
         where trace in (select trace from spans) or adopter not in (select trace from spans)",
    ),
];

/// One span of a model call, with a message that all have, one that its trace has, and so many bytes that nothing
/// compresses.
fn span(trace: u32, number: u32, padding: usize) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let mut random = Random((u64::from(trace) << 32 | u64::from(number)) ^ 0x9e37_79b9_7f4a_7c15);
    let noise: Vec<String> = (0..padding.div_ceil(16)).map(|_| format!("{:016x}", random.next())).collect();
    let noise = noise.concat();
    let said = |role: &str, text: &str| json!({ "role": role, "parts": [{ "type": "text", "content": text }] });
    let messages = json!([said("system", "You are kind."), said("user", &format!("Question {trace}"))]).to_string();
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    json!({
        "traceId": format!("{:032x}", u128::from(trace) + (1 << 100)),
        "spanId": format!("{:016x}", u64::from(number) + (1 << 60)),
        "name": "chat",
        "kind": 1,
        "startTimeUnixNano": (now - 1_000_000).to_string(),
        "endTimeUnixNano": now.to_string(),
        "attributes": [
            text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", "gpt-4o-mini"),
            text("gen_ai.input.messages", &messages),
            text("noise", &noise),
        ],
    })
}

/// Takes the tables back to those of the twelfth step of the schema.
fn undo_steps() -> String {
    const FIRST: usize = 12;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store/schema");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut undo = Vec::new();
    for file in files.iter().skip(FIRST) {
        let step = fs::read_to_string(file).unwrap();
        let statements = step.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(" ");
        for statement in statements.split(';') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            match words.as_slice() {
                ["create", "table", name, ..] => undo.push(format!("drop table {};", name.trim_end_matches('('))),
                ["alter", "table", table, "add", "column", column, ..] => {
                    undo.push(format!("alter table {table} drop column {column};"));
                }
                // What it changed in rows is worked out again.
                ["update", ..] | [] => {}
                other => panic!("{}: how is this undone? {other:?}", file.display()),
            }
        }
    }
    // What came last goes first.
    let undo: String = undo.into_iter().rev().collect();
    format!("begin; {undo} update meta set value = {FIRST} where name = 'schema'; commit")
}

/// Numbers that follow from a seed (xorshift).
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Any time up to this one.
    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX))
    }
}
