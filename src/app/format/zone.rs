//! The time zone of the person who looks, its days, and times written in it.

use std::{env, fs, time::Duration};

use jiff::{Timestamp as Moment, tz::TimeZone};

use crate::model::Timestamp;

/// A day of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Tells it from any other; a later day has a larger one.
    pub number: i32,
    /// Its first moment, and that of the day after it.
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Day {
    /// Whether a moment is in it.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// The time zone of the person who looks: an input of the state, so that the same state is drawn alike everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

/// The rules of the system's time zone, without its name; `None` where they are not in the usual file, or another zone is
/// chosen by a variable. To find the name, `TimeZone::system` lists the files of all zones, for which the first frame
/// would wait.
fn local_rules() -> Option<TimeZone> {
    if env::var_os("TZ").is_some() {
        return None;
    }
    TimeZone::tzif("", &fs::read("/etc/localtime").ok()?).ok()
}

impl Zone {
    /// The time zone of the system.
    #[must_use]
    pub fn system() -> Self {
        Self(local_rules().unwrap_or_else(TimeZone::system))
    }

    /// The name of the time zone of the system; `None` if it has none.
    #[must_use]
    pub fn system_name() -> Option<String> {
        TimeZone::system().iana_name().map(str::to_owned)
    }

    /// The time zone of a name; `None` if it is not known.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The time of day: `17:42:09`. Empty where the time is unknown, or beyond what a calendar holds.
    #[must_use]
    pub fn clock(&self, at: Timestamp) -> String {
        self.written(at, "%H:%M:%S")
    }

    /// Day and time: `2026-11-03 17:42:09`.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        self.written(at, "%Y-%m-%d %H:%M:%S")
    }

    /// The day of a moment; `None` where the time is unknown, or beyond what a calendar holds.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Option<Day> {
        let moment = Moment::from_nanosecond(at.known()?.0.into()).ok()?.to_zoned(self.0.clone());
        let nanoseconds = |day: jiff::Zoned| Some(Timestamp(u64::try_from(day.timestamp().as_nanosecond()).ok()?));
        Some(Day {
            number: i32::from(moment.year()) * 1000 + i32::from(moment.day_of_year()),
            from: nanoseconds(moment.start_of_day().ok()?).unwrap_or_default(),
            until: nanoseconds(moment.tomorrow().ok()?.start_of_day().ok()?)?,
        })
    }

    /// A day, seen from now: `today`, `yesterday`, `Tuesday 24 Nov`, `24 Nov 2025`.
    #[must_use]
    pub fn day_name(&self, at: Timestamp, now: Timestamp) -> String {
        let days = |at: Timestamp| Some((self.day(at)?, self.written(at, "%Y")));
        let (Some((day, year)), Some((today, this_year))) = (days(at), days(now)) else { return String::new() };
        let before = today.from.0.checked_sub(1).and_then(|before| self.day(Timestamp(before)));
        if day.number == today.number {
            "today".to_owned()
        } else if before.is_some_and(|before| before.number == day.number) {
            "yesterday".to_owned()
        } else {
            self.written(at, if year == this_year { "%A %-d %b" } else { "%-d %b %Y" })
        }
    }

    /// When something was, seen from now: the time of day within the last day, else the day.
    #[must_use]
    pub fn when(&self, at: Timestamp, now: Timestamp) -> String {
        const DAY: Duration = Duration::from_hours(24);
        self.written(at, if now.since(at) < DAY { "%H:%M:%S" } else { "%Y-%m-%d" })
    }

    pub(super) fn written(&self, at: Timestamp, form: &str) -> String {
        let moment = at.known().and_then(|at| Moment::from_nanosecond(at.0.into()).ok());
        moment.map_or_else(String::new, |moment| moment.to_zoned(self.0.clone()).strftime(form).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_of_the_system_has_its_rules() {
        let (found, rules) = (Zone::system(), Zone(TimeZone::system()));
        for month in 0..24 {
            let at = Timestamp(1_700_000_000_000_000_000 + month * 2_629_746_000_000_000);
            assert_eq!(found.date(at), rules.date(at));
        }
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let (at, day) = (Timestamp(1_793_727_729_000_000_000), Duration::from_hours(24));
        let (utc, tokyo) = (Zone::default(), Zone(TimeZone::fixed(jiff::tz::offset(9))));
        assert_eq!((utc.clock(at), tokyo.clock(at)), ("17:42:09".to_owned(), "02:42:09".to_owned()));
        assert_eq!(
            (utc.date(at), tokyo.date(at)),
            ("2026-11-03 17:42:09".to_owned(), "2026-11-04 02:42:09".to_owned())
        );
        assert_eq!((utc.when(at, at), utc.when(at, at.plus(day))), ("17:42:09".to_owned(), "2026-11-03".to_owned()));
        assert_eq!(utc.clock(Timestamp(0)), "");
    }

    #[test]
    fn days_are_those_of_the_zone_and_are_called_as_people_call_them() {
        const HOUR: u64 = 3_600_000_000_000;
        // A Tuesday, 2026-11-03 17:42:09.
        let (now, utc) = (Timestamp(1_793_727_729_000_000_000), Zone::default());
        let name = |hours: u64| utc.day_name(Timestamp(now.0 - hours * HOUR), now);
        assert_eq!([name(0), name(17), name(18), name(41)], ["today", "today", "yesterday", "yesterday"]);
        assert_eq!([name(42), name(24 * 5), name(24 * 365)], ["Sunday 1 Nov", "Thursday 29 Oct", "3 Nov 2025"]);
        assert_eq!(utc.day_name(Timestamp(0), now), "");
        let day = utc.day(now).unwrap();
        assert!(day.holds(Timestamp(now.0 - 17 * HOUR)) && !day.holds(Timestamp(now.0 - 18 * HOUR)));
        assert!(day.holds(Timestamp(now.0 + 6 * HOUR)) && !day.holds(Timestamp(now.0 + 7 * HOUR)));
        let tokyo = Zone(TimeZone::fixed(jiff::tz::offset(9)));
        assert_eq!(tokyo.day(now).unwrap().number, day.number + 1);
        assert_eq!(utc.day(Timestamp(0)), None);
    }
}
