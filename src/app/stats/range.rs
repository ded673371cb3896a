//! How far back the statistics go.

use std::time::Duration;

use crate::model::{Timestamp, nanoseconds};

/// Runs that began within the last hour, day or week, or ever; or not before a run that somebody marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    Hour,
    #[default]
    Day,
    Week,
    All,
    /// The letter of the mark, and when the marked run began.
    Mark(char, Timestamp),
}

impl Range {
    /// Those that need no mark.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::All];

    /// `24h`; `'a` since the mark a.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Hour => "1h".to_owned(),
            Self::Day => "24h".to_owned(),
            Self::Week => "7d".to_owned(),
            Self::All => "all".to_owned(),
            Self::Mark(letter, _) => format!("'{letter}"),
        }
    }

    /// For how long each the cost is summed, and in how many stretches.
    fn stretches(self) -> Option<(Duration, u64)> {
        match self {
            Self::Hour => Some((Duration::from_mins(1), 60)),
            Self::Day => Some((Duration::from_mins(30), 48)),
            Self::Week => Some((Duration::from_hours(3), 56)),
            Self::All | Self::Mark(..) => None,
        }
    }

    /// The length of a stretch; `None`: as it comes.
    #[must_use]
    pub fn stretch(self) -> Option<Duration> {
        self.stretches().map(|(stretch, _)| stretch)
    }

    /// From when on a run counts; `None`: any does. It is where a stretch begins, so that it stays for a while.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        if let Self::Mark(_, from) = self {
            return Some(from);
        }
        let (stretch, number) = self.stretches()?;
        let stretch = nanoseconds(stretch);
        Some(Timestamp((now.0 - now.0 % stretch).saturating_sub(stretch.saturating_mul(number - 1))))
    }

    #[must_use]
    pub fn longer(self) -> Self {
        self.next(1)
    }

    #[must_use]
    pub fn shorter(self) -> Self {
        self.next(-1)
    }

    fn next(self, by: isize) -> Self {
        // What is since a mark is as long as it is: from there one goes to a day, which is where everybody begins.
        let Some(at) = Self::ALL.iter().position(|range| *range == self) else { return Self::default() };
        Self::ALL[at.saturating_add_signed(by).min(Self::ALL.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_where_a_stretch_of_it_does_and_stays_for_as_long() {
        let at = |minutes: u64| Timestamp(minutes * 60_000_000_000);
        let since = |minutes| Range::Day.since(at(minutes)).map(|since| since.0 / 60_000_000_000);
        assert_eq!(since(10_000), Some(9990 - 47 * 30));
        assert_eq!((since(10_019), since(10_020)), (since(10_000), Some(10_020 - 47 * 30)));
        assert_eq!(Range::All.since(at(1)), None);
        assert_eq!(Range::Hour.since(at(1)), Some(Timestamp(0)));
        assert_eq!(
            (Range::All.longer(), Range::Hour.shorter(), Range::Day.longer()),
            (Range::All, Range::Hour, Range::Week)
        );
        let mark = Range::Mark('a', at(7));
        assert_eq!((mark.since(at(9)), mark.stretch(), mark.longer()), (Some(at(7)), None, Range::Day));
    }
}
