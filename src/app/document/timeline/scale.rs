//! From the time of a run to columns, and the ruler above them.

use std::time::Duration;

use crate::app::document::Stretch;
use crate::app::{format, wrap};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000 * MICRO;
const SECOND: u64 = 1_000 * MILLI;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Columns from one tick of the ruler to the next, at least.
const APART: u64 = 9;

/// So many columns for a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub window: Stretch,
    pub columns: usize,
}

impl Scale {
    /// The columns that a stretch of time touches, at least one; `None` where it lies outside of the window.
    pub fn columns(self, time: Stretch) -> Option<(usize, usize)> {
        let shown = time.common(self.window)?;
        let last = self.columns.saturating_sub(1);
        let first = self.column(shown.from).min(last);
        let length = u128::from(self.window.length()).max(1);
        let end = (u128::from(shown.until - self.window.from) * self.columns as u128).div_ceil(length);
        Some((first, usize::try_from(end).unwrap_or(usize::MAX).clamp(first + 1, self.columns.max(first + 1))))
    }

    /// The column that a moment is in.
    pub fn column(self, at: u64) -> usize {
        let length = u128::from(self.window.length()).max(1);
        let column = u128::from(at.saturating_sub(self.window.from)) * self.columns as u128 / length;
        usize::try_from(column).unwrap_or(usize::MAX)
    }

    /// `0s       10s      20s      30s   38s`: how long after `began`.
    pub fn ruler(self, began: u64) -> String {
        let length = self.window.length();
        if length == 0 || self.columns == 0 {
            return String::new();
        }
        let step = step(length, self.columns as u64);
        let offset = self.window.from.saturating_sub(began);
        let last = format::duration(Duration::from_nanos(self.window.until.saturating_sub(began)));
        // A part of a run ends between two ticks.
        let last = if self.window.from > began { tick(offset + length, step / 10) } else { last };
        let last_from = self.columns.saturating_sub(wrap::width(&last));
        let mut ruler = String::new();
        let mut at = offset.div_ceil(step) * step;
        while at <= offset + length {
            let column = self.column(began + at);
            let label = tick(at, step);
            let free = wrap::width(&ruler) + usize::from(!ruler.is_empty());
            if column + wrap::width(&label) + 1 >= last_from {
                break;
            }
            if column >= free {
                ruler.push_str(&" ".repeat(column - wrap::width(&ruler)));
                ruler.push_str(&label);
            }
            at += step;
        }
        let pad = last_from.saturating_sub(wrap::width(&ruler));
        format!("{ruler}{}{last}", " ".repeat(pad))
    }
}

/// The time from tick to tick: one that people count in.
fn step(length: u64, columns: u64) -> u64 {
    const STEPS: [u64; 16] = [
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        15 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        6 * HOUR,
        12 * HOUR,
    ];
    let least = (u128::from(length) * u128::from(APART)).div_ceil(u128::from(columns.max(1)));
    let least = u64::try_from(least).unwrap_or(u64::MAX).max(1);
    let decimals = (0..9).map(|power| 10u64.pow(power)).flat_map(|unit| [unit, 2 * unit, 5 * unit]);
    let day = 24 * HOUR;
    decimals.chain(STEPS).find(|step| *step >= least).unwrap_or_else(|| least.div_ceil(day).saturating_mul(day))
}

/// `250ms`, `1.25s`, `40s`, `1m30`, `2h15`: exact where the ruler has a tick each `step`.
fn tick(at: u64, step: u64) -> String {
    match at {
        0 => "0s".to_owned(),
        _ if at < MILLI && step < MILLI => format!("{}µs", at / MICRO),
        _ if at < SECOND && step < MILLI => format!("{}ms", decimals(at, MILLI, step)),
        _ if at < SECOND => format!("{}ms", at / MILLI),
        _ if at < MINUTE || step < SECOND => format!("{}s", decimals(at, SECOND, step)),
        _ if at < HOUR => format!("{}m{:02}", at / MINUTE, at % MINUTE / SECOND),
        _ => format!("{}h{:02}", at / HOUR, at % HOUR / MINUTE),
    }
}

/// A number of units with as many decimals as a step needs.
fn decimals(at: u64, unit: u64, step: u64) -> String {
    let (mut places, mut size) = (0, unit);
    while size > step && places < 6 {
        size /= 10;
        places += 1;
    }
    let fraction = at % unit / size.max(1);
    if places == 0 { (at / unit).to_string() } else { format!("{}.{fraction:0places$}", at / unit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(from: u64, until: u64, columns: usize) -> Scale {
        Scale { window: Stretch { from, until }, columns }
    }

    #[test]
    fn a_step_has_the_columns_that_it_touches_and_never_none() {
        let scale = scale(1_000, 2_000, 10);
        let columns = |from, until| scale.columns(Stretch { from, until });
        assert_eq!(columns(1_000, 2_000), Some((0, 10)));
        assert_eq!(columns(1_050, 1_051), Some((0, 1)));
        assert_eq!(columns(1_099, 1_101), Some((0, 2)));
        assert_eq!(columns(2_000, 2_000), Some((9, 10)));
        assert_eq!(columns(0, 1_100), Some((0, 1)));
        assert_eq!((columns(0, 999), columns(2_001, 3_000)), (None, None));
        // A run without any length.
        assert_eq!(
            super::Scale { window: Stretch { from: 5, until: 5 }, columns: 3 }.columns(Stretch { from: 5, until: 5 }),
            Some((0, 1))
        );
    }

    #[test]
    fn the_ruler_counts_in_steps_that_people_use() {
        let ruler = |until, columns| scale(7 * HOUR, 7 * HOUR + until, columns).ruler(7 * HOUR);
        assert_eq!(ruler(46 * SECOND, 46), "0s        10s       20s       30s          46s");
        assert_eq!(ruler(320 * MILLI, 24), "0s                 320ms");
        assert_eq!(ruler(95 * SECOND, 40), "0s          30s          1m00       1m35");
        assert_eq!(ruler(3 * HOUR, 30), "0s        1h00      2h00  3h00");
        assert_eq!(ruler(0, 30), "");
        assert_eq!(ruler(46 * SECOND, 3), "46s");
    }

    #[test]
    fn the_ruler_of_a_part_says_when_in_the_run_that_is() {
        let part = scale(12 * SECOND, 12 * SECOND + 400 * MILLI, 40);
        assert_eq!(part.ruler(0), "12.0s     12.1s     12.2s         12.40s");
        assert_eq!(part.ruler(12 * SECOND), "0s        100ms     200ms          400ms");
    }
}
