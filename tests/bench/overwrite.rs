//! A span that is sent again: three ways to have it once, measured on a file with two readers at work.
//!
//! ```text
//!   primary key    insert or replace, by an index on (trace, id)
//!   keep newest    append; every reader takes the newest row of each span
//!   delete first   the writer knows what is stored: it deletes the few rows that come again, and appends
//! ```
//!
//! The store does the last. A tenth of the spans comes twice here, as from an SDK that sends a span when it starts
//! and again when it ends.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use duckdb::{Connection, params};

const SPANS: u64 = 100_000;
const GROUP: u64 = 2_000;
const SPANS_A_TRACE: u64 = 20;
/// One in so many comes again, a group later.
const AGAIN: u64 = 10;

struct Way {
    name: &'static str,
    key: &'static str,
    /// From `fresh`, which holds a group, into `spans`.
    write: &'static str,
    /// What readers read from.
    read: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        name: "primary key",
        key: ", primary key (trace, id)",
        write: "insert or replace into spans select * from fresh",
        read: "spans",
    },
    Way {
        name: "keep newest",
        key: "",
        write: "insert into spans select * from fresh",
        read: "(select * from spans qualify row_number() over (partition by trace, id order by arrived desc) = 1)",
    },
    Way {
        name: "delete first",
        key: "",
        write: "delete from spans where (trace, id) in (select (trace, id) from fresh where again);
                insert into spans select * from fresh",
        read: "spans",
    },
];

pub fn run() {
    for way in &WAYS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("overwrite.duckdb");
        measure(way, &path);
    }
}

fn measure(way: &Way, path: &Path) {
    let columns = "trace uhugeint, id ubigint, arrived ubigint, again boolean, output ubigint, raw blob";
    let connection = Connection::open_in_memory().unwrap();
    let path_text = path.to_str().unwrap();
    connection
        .execute_batch(&format!(
            "set threads = 2; set checkpoint_threshold = '1TB';
             attach '{path_text}' as store (row_group_size 30720); use store;
             create table spans ({columns}{}); create temp table fresh ({columns})",
            way.key
        ))
        .unwrap();
    let done = AtomicBool::new(false);
    let began = Instant::now();
    let (took, trees, sums) = std::thread::scope(|scope| {
        let reader = |sql: String| {
            let connection = connection.try_clone().unwrap();
            connection.execute_batch("use store").unwrap();
            let done = &done;
            scope.spawn(move || read_until(done, &connection, &sql))
        };
        let tree = reader(format!("select * from {} where trace = 7", way.read));
        let sum = reader(format!("select sum(output)::ubigint from {}", way.read));
        write(&connection, way);
        let took = began.elapsed();
        done.store(true, Ordering::Relaxed);
        (took, tree.join().unwrap(), sum.join().unwrap())
    });
    let sql = format!("select sum(output)::ubigint from {}", way.read);
    let total: u64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
    assert_eq!(total, SPANS, "each span counts once");
    connection.execute_batch("checkpoint").unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (SPANS + SPANS / AGAIN) as f64 / took.as_secs_f64();
    println!(
        "{:<14} {rate:>8.0} spans/s   a trace {:>9.2?}   a sum {:>9.2?}   (medians)   {} MB on disk",
        way.name,
        median(trees),
        median(sums),
        fs::metadata(path).unwrap().len() / 1_000_000
    );
}

/// Writes all groups, each one transaction: new spans, and some of the group before it once more.
fn write(connection: &Connection, way: &Way) {
    let raw: Vec<u8> = (0..600_u64).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
    for group in 0..=(SPANS / GROUP) {
        connection.execute_batch("begin transaction; delete from fresh").unwrap();
        let mut fresh = connection.appender_to_catalog_and_db("fresh", "temp", "main").unwrap();
        let first = group * GROUP;
        for n in first..(first + GROUP).min(SPANS) {
            fresh.append_row(params![u128::from(n / SPANS_A_TRACE), n, n, false, 1_u64, raw]).unwrap();
        }
        for n in (first.saturating_sub(GROUP)..first).filter(|n| n % AGAIN == 0) {
            fresh.append_row(params![u128::from(n / SPANS_A_TRACE), n, SPANS + n, true, 1_u64, raw]).unwrap();
        }
        fresh.flush().unwrap();
        drop(fresh);
        connection.execute_batch(way.write).unwrap();
        connection.execute_batch("commit").unwrap();
    }
}

/// How long each of a reader's questions took.
fn read_until(done: &AtomicBool, connection: &Connection, sql: &str) -> Vec<Duration> {
    let mut statement = connection.prepare(sql).unwrap();
    let mut times = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        let mut rows = statement.query([]).unwrap();
        while rows.next().unwrap().is_some() {}
        times.push(began.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    times
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
