//! What was removed from the store, in words.

use super::format;
use crate::model::{Limit, Pruned, Removed};

/// `412 runs of 31 sessions: 18,204 spans and 12 log records`
#[must_use]
pub fn removed(removed: &Removed) -> String {
    let Removed { traces, sessions, spans, logs } = *removed;
    let logs = count(logs, "log record", "log records");
    let held = match (spans, removed.logs) {
        (0, _) => logs,
        (_, 0) => count(spans, "span", "spans"),
        (_, _) => format!("{} and {logs}", count(spans, "span", "spans")),
    };
    format!("{}: {held}", runs(traces, sessions))
}

/// `412 runs of 31 sessions were removed: the store is kept below 4.2 GB (keep_size)`
#[must_use]
pub fn pruned(pruned: &Pruned) -> String {
    let Removed { traces, sessions, .. } = pruned.removed;
    let why = match pruned.because {
        Limit::Size(size) => format!("the store is kept below {} (keep_size)", format::size(size)),
        Limit::Age(age) => format!("they were older than {} (keep_age)", format::duration(age)),
        Limit::Runs(most) => format!("the store keeps {} (keep_runs)", count(most, "run", "runs")),
    };
    format!("{} {} removed: {why}", runs(traces, sessions), if traces == 1 { "was" } else { "were" })
}

/// `412 runs of 31 sessions`
fn runs(traces: u64, sessions: u64) -> String {
    let of = if sessions == 0 { String::new() } else { format!(" of {}", count(sessions, "session", "sessions")) };
    format!("{}{of}", count(traces, "run", "runs"))
}

/// `1 run`, `1,204 runs`
#[must_use]
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", format::exact(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_said_in_words() {
        let some = Removed { traces: 1, sessions: 1, spans: 1204, logs: 2 };
        assert_eq!(removed(&some), "1 run of 1 session: 1,204 spans and 2 log records");
        assert_eq!(removed(&Removed { traces: 2, spans: 1, ..Removed::default() }), "2 runs: 1 span");
        assert_eq!(removed(&Removed { logs: 3, ..Removed::default() }), "0 runs: 3 log records");
        let because = Limit::Size(4 << 30);
        let said = pruned(&Pruned { times: 1, removed: some, because });
        assert_eq!(said, "1 run of 1 session was removed: the store is kept below 4.2 GB (keep_size)");
        let because = Limit::Runs(100);
        let said = pruned(&Pruned { times: 1, removed: Removed { traces: 2, ..some }, because });
        assert_eq!(said, "2 runs of 1 session were removed: the store keeps 100 runs (keep_runs)");
    }
}
