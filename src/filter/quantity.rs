//! Numbers with units, as whole numbers of the smallest part that is kept: nothing is lost on the way there and back.

use std::time::Duration;

use super::keys::Measure;

/// Units by name with what one of them is, the first of equal ones the one that is printed; and how many decimals one has
/// whose name is empty.
struct Units {
    of: &'static [(&'static str, u64)],
    /// As people should write it.
    example: &'static str,
}

const MONEY: Units = Units { of: &[("", 1_000_000_000_000)], example: "$.10 or 2.50" };
const TIME: Units = Units {
    of: &[
        ("s", 1_000_000_000),
        ("", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
        ("m", 60_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
        ("w", 604_800_000_000_000),
    ],
    example: "500ms, 5s, 2m or 1h",
};
const SHARE: Units = Units { of: &[("%", 10), ("", 10)], example: "80%" };
const SCORE: Units = Units { of: &[("", 1000), ("%", 10)], example: ".5 or 80%" };
const COUNT: Units =
    Units { of: &[("", 1), ("k", 1_000), ("m", 1_000_000), ("g", 1_000_000_000)], example: "500, 20k or 1.5m" };

impl Measure {
    fn units(self) -> &'static Units {
        match self {
            Self::Cost => &MONEY,
            Self::Duration | Self::FirstToken => &TIME,
            Self::Cache | Self::Context => &SHARE,
            Self::Score => &SCORE,
            Self::Tokens | Self::Calls | Self::ToolRuns | Self::Errors | Self::Spans => &COUNT,
        }
    }

    /// Reads a value; else an example of how one is written.
    pub(super) fn read(self, text: &str) -> Result<u64, &'static str> {
        let units = self.units();
        let text = if self == Self::Cost { text.strip_prefix('$').unwrap_or(text) } else { text };
        units.read(text).ok_or(units.example)
    }

    /// Writes a value so that [`Self::read`] reads it.
    #[must_use]
    pub fn write(self, value: u64) -> String {
        match self {
            Self::Cost => format!("${}", decimal(value, 1_000_000_000_000)),
            Self::Cache | Self::Context => format!("{}%", decimal(value, 10)),
            Self::Score => decimal(value, 1000),
            Self::Duration | Self::FirstToken => time(value),
            Self::Tokens | Self::Calls | Self::ToolRuns | Self::Errors | Self::Spans => match value {
                0 => "0".to_owned(),
                value if value % 1_000_000 == 0 => format!("{}m", value / 1_000_000),
                value if value % 1_000 == 0 => format!("{}k", value / 1_000),
                value => value.to_string(),
            },
        }
    }
}

/// Reads how long ago something was; else an example.
pub fn read_time(text: &str) -> Result<Duration, &'static str> {
    // Without a unit nobody knows whether minutes or days are meant.
    let has_unit = text.ends_with(|c: char| c.is_ascii_alphabetic());
    let time = TIME.read(text).filter(|_| has_unit).ok_or("90s, 30m, 2h, 7d or 2w")?;
    Ok(Duration::from_nanos(time))
}

/// Writes a time so that [`read_time`] reads it.
pub fn write_time(time_ago: Duration) -> String {
    time(crate::model::nanoseconds(time_ago))
}

/// In the largest unit of which it is a whole number.
fn time(nanos: u64) -> String {
    let units =
        [("w", 604_800_000_000_000), ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000)];
    match units.iter().find(|(_, unit)| nanos >= *unit && nanos.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{}{name}", nanos / unit),
        None if nanos >= 1_000_000_000 || nanos == 0 => format!("{}s", decimal(nanos, 1_000_000_000)),
        None if nanos >= 1_000_000 => format!("{}ms", decimal(nanos, 1_000_000)),
        None => format!("{nanos}ns"),
    }
}

/// A number of parts, of which `one` make a whole, with the decimals that it has. `one` is a power of ten.
fn decimal(parts: u64, one: u64) -> String {
    let (whole, rest) = (parts / one, parts % one);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = usize::try_from(one.ilog10()).unwrap_or_default();
    let rest = format!("{rest:0digits$}");
    let whole = if whole == 0 { String::new() } else { whole.to_string() };
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

impl Units {
    fn read(&self, text: &str) -> Option<u64> {
        let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '_')).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (_, one) = self.of.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let is_number = number.bytes().any(|byte| byte.is_ascii_digit()) && !rest.contains('.');
        if !is_number {
            return None;
        }
        let whole = digits(whole);
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
        // What is smaller than the smallest part is nothing.
        let (mut part, mut sum) = (*one, 0_u64);
        for digit in digits(rest).bytes() {
            // A minute has no tenths that are a power of ten of nanoseconds, but a tenth of one is whole.
            part = part.checked_div(10)?;
            sum = sum.saturating_add(part.saturating_mul(u64::from(digit - b'0')));
        }
        Some(whole.saturating_mul(*one).saturating_add(sum))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read_with_their_units() {
        let read = |measure: Measure, text: &str| measure.read(text).ok();
        assert_eq!(read(Measure::Cost, ".10"), Some(100_000_000_000));
        assert_eq!(read(Measure::Cost, "$1.25"), Some(1_250_000_000_000));
        assert_eq!(read(Measure::Duration, "1.5s"), Some(1_500_000_000));
        assert_eq!(read(Measure::Duration, "5"), Some(5_000_000_000));
        assert_eq!(read(Measure::Duration, "1.5m"), Some(90_000_000_000));
        assert_eq!(read(Measure::Duration, "250ms"), Some(250_000_000));
        assert_eq!(read(Measure::Tokens, "20K"), Some(20_000));
        assert_eq!(read(Measure::Tokens, "1,500"), Some(1_500));
        assert_eq!(read(Measure::Cache, "12.5%"), Some(125));
        assert_eq!(read(Measure::Context, "80"), Some(800));
        assert_eq!(read(Measure::Calls, "99999999999999999999"), Some(u64::MAX));
        for (measure, wrong) in [
            (Measure::Cost, "ten"),
            (Measure::Cost, "$"),
            (Measure::Duration, "5x"),
            (Measure::Tokens, "1.2.3"),
            (Measure::Tokens, "-1"),
        ] {
            assert_eq!(read(measure, wrong), None, "{wrong}");
        }
        assert_eq!(read_time("2h"), Ok(Duration::from_hours(2)));
        assert!(read_time("2").is_err() && read_time("soon").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value: u64) {
            use Measure::{Cache, Calls, Context, Cost, Duration, FirstToken, Score, Tokens};
            for measure in [Cost, Duration, Tokens, Cache, Context, FirstToken, Calls, Score] {
                let text = measure.write(value);
                prop_assert_eq!(measure.read(&text), Ok(value), "{}", text);
            }
        }
    }
}
