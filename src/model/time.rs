//! Moments, to the nanosecond.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z, as OTLP counts them. Zero means that the sender gave no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(nanoseconds(since))
    }

    /// `None` where OTLP's zero says that the time is unknown.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self.0 != 0).then_some(self)
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }
}

/// A duration in nanoseconds; what is longer than 584 years is as long as a `u64` can say.
#[must_use]
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with nine decimals: `2026-11-03T09:12:44.512000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_nanosecond(self.0.into()).expect("64 bits of nanoseconds end in 2554");
        write!(f, "{at:.9}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc_with_nine_decimals() {
        assert_eq!(Timestamp(1_762_161_164_512_000_001).to_string(), "2025-11-03T09:12:44.512000001Z");
        assert_eq!(Timestamp(951_827_696_000_000_000).to_string(), "2000-02-29T12:34:56.000000000Z");
        assert_eq!(Timestamp(u64::MAX).to_string(), "2554-07-21T23:34:33.709551615Z");
    }
}
