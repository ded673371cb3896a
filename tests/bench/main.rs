//! What the product's promises cost, measured: `cargo bench [-- NAME…]`. Nothing here asserts a time.
//!
//! ```text
//!   ingest      spans a second and answer latency over the socket, the program in a process of its own
//!   translate   microseconds a span, each client's captures
//!   overwrite   ways to have a span once that was sent twice, with readers at work
//!   query       milliseconds a question, 100 k spans stored
//!   stats       milliseconds for the statistics of 500 k steps
//!   filters     milliseconds that a key in the filter's line costs, 10 k and 100 k runs stored
//!   draw        microseconds a frame
//!   frames      milliseconds from an event to its frame, with large answers in the detail
//!   start       milliseconds to the first frame, 100 k spans stored
//!   faults      milliseconds from the last span of each of nine faults to its words on the screen
//! ```
//!
//! What takes long runs only where it is named:
//!
//! ```text
//!   checkpoints how long a small export waits beside large ones, and what is written for a byte of the file
//!   crash       kill -9 at random moments of everything that the program does, 200 times
//!   overload    more than it can store, for a minute: what is refused, and how soon
//!   soak        a mixed load for half an hour, with old runs removed, a second screen and processes that read
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on says so by a panic")]

mod attached;
mod checkpoints;
mod crash;
#[path = "../it/cycles.rs"]
mod cycles;
mod draw;
mod faults;
#[path = "../it/faulty.rs"]
mod faulty;
mod filters;
mod frames;
mod ingest;
mod large;
mod load;
mod overload;
mod overwrite;
#[path = "../it/program.rs"]
#[allow(dead_code, reason = "the whole-program tests use all of it")]
mod program;
#[path = "../it/pty.rs"]
#[allow(dead_code, unused_imports, reason = "the whole-program tests use all of it")]
mod pty;
mod query;
mod rows;
mod soak;
mod start;
mod stats;
mod translate;

fn main() {
    // cargo adds `--bench`; what is left are names.
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|given| given == name);
    let benches: [(&str, fn()); 10] = [
        ("translate", translate::run),
        ("draw", draw::run),
        ("frames", frames::run),
        ("ingest", ingest::run),
        ("overwrite", overwrite::run),
        ("query", query::run),
        ("stats", stats::run),
        ("filters", filters::run),
        ("start", start::run),
        ("faults", faults::run),
    ];
    let long: [(&str, fn()); 4] =
        [("checkpoints", checkpoints::run), ("crash", crash::run), ("overload", overload::run), ("soak", soak::run)];
    let long = long.into_iter().filter(|(name, _)| names.iter().any(|given| given == name));
    for (name, run) in benches.into_iter().filter(|(name, _)| wanted(name)).chain(long) {
        println!("== {name}");
        run();
    }
}
