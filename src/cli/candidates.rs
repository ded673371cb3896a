//! `candidates`: names of stored sessions and traces, for the shell that completes a command line. No person calls it.
//!
//! The shell waits, so it takes half a second at most: after that the process ends itself, whatever it waits for. Only
//! names that no shell gives a meaning are offered, because senders choose them and a shell puts them into a command line
//! as they are.

use std::{process, thread, time::Duration};

use clap::ValueEnum;
use rustix::process::{Signal, getpid, kill_process};

use super::{
    GOOD,
    reading::{Output, Reads},
};
use crate::{
    app::{format, wrap::clean_line},
    model::{Answer, Filter, Query, SessionId},
    store::Store,
};

/// How long the shell waits at most, with some time for the process to start and to end.
const PATIENCE: Duration = Duration::from_millis(400);
/// So many of the newest are offered.
const NEWEST: usize = 200;
/// Most characters of a name that is offered, and of what is said of it.
const LONGEST: usize = 200;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(value_enum)]
    of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    Sessions,
    Traces,
}

/// Ends this process after a while, without any clean-up that could wait: it only reads, and leaves nothing behind.
pub fn end_in_time() {
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        let _ = kill_process(getpid(), Signal::KILL);
        process::abort();
    });
}

impl Reads for Arguments {
    fn is_for_a_shell(&self) -> bool {
        true
    }

    /// Prints a line each: the name, a tab, and what it is.
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let zone = output.printer.zone();
        let rows: Vec<(String, String)> = match self.of {
            Of::Sessions => {
                let query = Query::Sessions { filter: Filter::default(), limit: NEWEST };
                let Answer::Sessions(page) = store.answer(&query)? else { return Ok(GOOD) };
                let rows = page.rows.into_iter().filter_map(|row| {
                    let runs = format::exact(row.states.all());
                    Some((
                        row.session.as_ref().map(SessionId::to_string)?,
                        format!("{runs} runs, last {}", zone.date(row.last_seen)),
                    ))
                });
                rows.collect()
            }
            Of::Traces => {
                let rows = store.list_traces(&Filter::default(), NEWEST)?.rows.into_iter().rev();
                rows.map(|row| {
                    let says = row.question.or(row.label).or(row.name).unwrap_or_default();
                    (row.trace.to_string(), format!("{}  {says}", zone.date(row.started)))
                })
                .collect()
            }
        };
        for (name, says) in rows.iter().filter(|(name, _)| is_plain(name)) {
            let says: String = clean_line(says).chars().take(LONGEST).collect();
            writeln!(output.out, "{name}\t{says}")?;
        }
        Ok(GOOD)
    }
}

/// Whether no shell gives any character of a name a meaning, wherever it stands.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@/+,".contains(c);
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    begins_well && name.len() <= LONGEST && name.chars().all(is_plain) && !name.ends_with(['/', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_mean_nothing_to_a_shell_are_offered() {
        for name in ["trip-42", "0af7651916cd43dd8448eb211c80319c", "user:7/chat@2026.11", "_x"] {
            assert!(is_plain(name), "{name}");
        }
        let long = "x".repeat(LONGEST + 1);
        for name in
            ["", "-rf", "~root", "=ls", "$(reboot)", "a b", "a;b", "a`b`", "*", "a\tb", "a\u{1b}[2J", "é", "a/", &long]
        {
            assert!(!is_plain(name), "{name}");
        }
    }
}
