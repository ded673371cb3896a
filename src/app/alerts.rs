//! What is told to whoever looks elsewhere: that runs ended.

use crate::model::StateCounts;

/// How many runs had ended when the counts were last looked at, and how many failed since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watched {
    /// `None` until the counts are known: what was stored before is no news.
    seen: Option<Ended>,
    pub failed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ended {
    all: u64,
    failed: u64,
}

impl Watched {
    /// Takes newer counts; returns a sentence where runs have ended since the last ones.
    pub fn note(&mut self, counts: &StateCounts) -> Option<String> {
        let StateCounts { running: _, never_ended, failed, recovered, done, until: _ } = *counts;
        let now = Ended { all: never_ended + failed + recovered + done, failed };
        let before = self.seen.replace(now)?;
        let (all, failed) = (now.all.saturating_sub(before.all), now.failed.saturating_sub(before.failed));
        self.failed += failed;
        let runs = |count: u64| if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
        match (all, failed) {
            // A run that reopened ends again, and is counted again then.
            (0, 0) => None,
            (_, 0) => Some(format!("{} ended", runs(all))),
            (all, failed) if all <= failed => Some(format!("{} failed", runs(failed))),
            (all, failed) => Some(format!("{} ended, {failed} failed", runs(all))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_while_somebody_watches_is_news() {
        let counts = |running, done, failed| StateCounts { running, failed, done, ..StateCounts::default() };
        let mut watched = Watched::default();
        assert_eq!(watched.note(&counts(1, 60, 4)), None);
        assert_eq!(watched.note(&counts(1, 60, 4)), None);
        assert_eq!(watched.note(&counts(2, 61, 4)).as_deref(), Some("1 run ended"));
        assert_eq!(watched.note(&counts(1, 61, 5)).as_deref(), Some("1 run failed"));
        assert_eq!(watched.note(&counts(0, 63, 6)).as_deref(), Some("3 runs ended, 1 failed"));
        assert_eq!(watched.failed, 2);
        // A late span reopens a run, and old ones are deleted.
        assert_eq!(watched.note(&counts(1, 62, 5)), None);
    }
}
