//! Which two clicks are a double click.

use std::time::{Duration, Instant};

/// Two clicks within this time, at one place, are one double click: what most desktops take.
const WITHIN: Duration = Duration::from_millis(400);

/// The last click that may be the first of two.
#[derive(Debug, Default)]
pub struct Clicks {
    first: Option<(u16, u16, Instant)>,
}

impl Clicks {
    /// Whether a click at this place is the second one of two. The one after that is a first one again.
    pub fn is_second(&mut self, column: u16, row: u16, now: Instant) -> bool {
        let first = self.first.take();
        let is_second = first.is_some_and(|(at, line, then)| {
            (at, line) == (column, row) && now.saturating_duration_since(then) <= WITHIN
        });
        if !is_second {
            self.first = Some((column, row, now));
        }
        is_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clicks_at_one_place_within_a_moment_are_one() {
        let (mut clicks, start) = (Clicks::default(), Instant::now());
        let mut click = |column, milliseconds| clicks.is_second(column, 4, start + Duration::from_millis(milliseconds));
        assert_eq!([click(3, 0), click(3, 100), click(3, 200), click(3, 300)], [false, true, false, true]);
        assert!(!click(3, 2000) && !click(5, 2100) && !click(3, 2200), "elsewhere");
        assert!(!click(3, 3000), "later");
    }
}
