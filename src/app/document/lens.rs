//! Which part of a run's time is looked at.

use std::collections::HashMap;

use crate::model::TraceId;

/// The zoom of each run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lens {
    /// The part of its time that a run shows; none for a run that is shown whole.
    zooms: HashMap<TraceId, Stretch>,
}

/// Some of a run's time, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    pub from: u64,
    pub until: u64,
}

/// Where a line is in the time of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub trace: TraceId,
    /// What the line is about.
    pub own: Stretch,
    /// What its run shows of its time.
    pub window: Stretch,
    /// The time of its run.
    pub whole: Stretch,
}

/// Nobody looks closer than this, in nanoseconds.
const CLOSEST: u64 = 1_000;

impl Stretch {
    /// In nanoseconds.
    #[must_use]
    pub fn length(self) -> u64 {
        self.until.saturating_sub(self.from)
    }

    /// What two have in common, if anything.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let common = Self { from: self.from.max(other.from), until: self.until.min(other.until) };
        (common.from <= common.until).then_some(common)
    }

    fn middle(self) -> u64 {
        self.from + self.length() / 2
    }

    /// One of a length around a moment, within another one.
    fn around(middle: u64, length: u64, within: Self) -> Self {
        let last = within.until.saturating_sub(length).max(within.from);
        let from = middle.saturating_sub(length / 2).clamp(within.from, last);
        Self { from, until: from.saturating_add(length).min(within.until) }
    }
}

impl Lens {
    /// What is shown of a run's time.
    #[must_use]
    pub fn window(&self, trace: TraceId, whole: Stretch) -> Stretch {
        self.zooms.get(&trace).and_then(|zoom| zoom.common(whole)).unwrap_or(whole)
    }

    /// Whether only a part of a run's time is shown.
    #[must_use]
    pub fn is_zoomed(&self, trace: TraceId) -> bool {
        self.zooms.contains_key(&trace)
    }

    /// Shows half as much of a run's time, around what a line is about, or twice as much. False where nothing changes.
    pub fn zoom(&mut self, at: &Moment, closer: bool) -> bool {
        let window = at.window;
        let length = if closer { window.length() / 2 } else { window.length().saturating_mul(2) };
        if length >= at.whole.length() {
            return self.zooms.remove(&at.trace).is_some();
        }
        if length < CLOSEST {
            return false;
        }
        let middle = at.own.common(window).unwrap_or(at.own).middle();
        self.zooms.insert(at.trace, Stretch::around(middle, length, at.whole));
        true
    }

    /// Shows what is a quarter of the window earlier or later. False where the run is shown whole.
    pub fn pan(&mut self, at: &Moment, later: bool) -> bool {
        let Some(zoom) = self.zooms.get_mut(&at.trace) else { return false };
        let (length, step) = (zoom.length(), (zoom.length() / 4).max(1));
        let middle = zoom.middle();
        let middle = if later { middle.saturating_add(step) } else { middle.saturating_sub(step) };
        *zoom = Stretch::around(middle, length, at.whole);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Stretch = Stretch { from: 1_000_000, until: 9_000_000 };

    fn at(lens: &Lens, from: u64, until: u64) -> Moment {
        let trace = TraceId::from_bytes(&[1; 16]).unwrap();
        Moment { trace, own: Stretch { from, until }, window: lens.window(trace, WHOLE), whole: WHOLE }
    }

    #[test]
    fn zooming_in_stays_around_what_the_line_is_about_and_out_ends_at_the_whole() {
        let mut lens = Lens::default();
        let line = |lens: &Lens| at(lens, 6_000_000, 7_000_000);
        assert!(lens.zoom(&line(&lens), true));
        assert_eq!(line(&lens).window, Stretch { from: 4_500_000, until: 8_500_000 });
        assert!(lens.zoom(&line(&lens), true));
        assert_eq!(line(&lens).window, Stretch { from: 5_500_000, until: 7_500_000 });
        assert!(lens.zoom(&line(&lens), false) && lens.zoom(&line(&lens), false));
        assert_eq!(line(&lens).window, WHOLE);
        assert!(!lens.zoom(&line(&lens), false), "there is no more than the whole");
    }

    #[test]
    fn at_an_edge_the_window_stays_within_the_run() {
        let mut lens = Lens::default();
        assert!(!lens.pan(&at(&lens, 0, 0), true), "all of it is shown");
        assert!(lens.zoom(&at(&lens, 1_000_000, 1_000_000), true));
        assert_eq!(at(&lens, 0, 0).window, Stretch { from: 1_000_000, until: 5_000_000 });
        assert!(lens.pan(&at(&lens, 0, 0), false));
        assert_eq!(at(&lens, 0, 0).window.from, 1_000_000);
        for _ in 0..9 {
            assert!(lens.pan(&at(&lens, 0, 0), true));
        }
        assert_eq!(at(&lens, 0, 0).window, Stretch { from: 5_000_000, until: 9_000_000 });
        for _ in 0..40 {
            lens.zoom(&at(&lens, 9_000_000, 9_000_000), true);
        }
        let window = at(&lens, 0, 0).window;
        assert!(window.length() >= CLOSEST && window.until == WHOLE.until, "{window:?}");
    }
}
