//! How far back the statistics go.

use std::time::Duration;

use crate::model::{Timestamp, nanoseconds};

/// Runs that began within the last hour, day or week, or ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    Hour,
    #[default]
    Day,
    Week,
    All,
}

impl Range {
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::All];

    /// `24h`
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::All => "all",
        }
    }

    /// For how long each the cost is summed, and in how many stretches.
    fn stretches(self) -> Option<(Duration, u64)> {
        match self {
            Self::Hour => Some((Duration::from_mins(1), 60)),
            Self::Day => Some((Duration::from_mins(30), 48)),
            Self::Week => Some((Duration::from_hours(3), 56)),
            Self::All => None,
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
        let at = Self::ALL.iter().position(|range| *range == self).unwrap_or_default();
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
    }
}
