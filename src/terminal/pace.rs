//! When to draw, and how long to sleep until then.

use std::time::{Duration, Instant};

/// 60 frames a second, at most.
const FRAME: Duration = Duration::from_millis(16);
/// Nobody looks closely at a window without the focus.
const UNFOCUSED: Duration = Duration::from_millis(500);
/// How often the clock moves.
const TICK: Duration = Duration::from_secs(1);
/// How old the clock may be when something happens.
const CLOCK: Duration = Duration::from_millis(250);
/// What commits changed is taken this often at most: each time is a round of questions to the store.
const CHANGES: Duration = Duration::from_millis(100);

/// Keeps the times at which things were last done.
#[derive(Debug)]
pub struct Pace {
    drawn: Option<Instant>,
    ticked: Option<Instant>,
    taken: Option<Instant>,
    /// Something is to be drawn.
    pub dirty: bool,
    /// Something changed in the store.
    pub changed: bool,
    pub focused: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { drawn: None, ticked: None, taken: None, dirty: true, changed: false, focused: true }
    }
}

impl Pace {
    /// Whether to draw now; if so it counts as drawn.
    pub fn draws(&mut self, now: Instant) -> bool {
        let due = self.dirty && is_due(self.drawn, self.frame(), now);
        if due {
            self.drawn = Some(now);
            self.dirty = false;
        }
        due
    }

    /// Whether the clock is to move: by itself every second; when something happened, sooner.
    pub fn ticks(&mut self, now: Instant, happened: bool) -> bool {
        let due = is_due(self.ticked, if happened { CLOCK } else { TICK }, now);
        if due {
            self.ticked = Some(now);
        }
        due
    }

    /// Whether to look at what changed.
    pub fn takes(&mut self, now: Instant) -> bool {
        let due = self.changed && is_due(self.taken, CHANGES, now);
        if due {
            self.taken = Some(now);
            self.changed = false;
        }
        due
    }

    /// How long to sleep, if nothing happens.
    #[must_use]
    pub fn rests(&self, now: Instant) -> Duration {
        let left = |last: Option<Instant>, every: Duration| {
            last.map_or(Duration::ZERO, |last| (last + every).saturating_duration_since(now))
        };
        let mut rest = left(self.ticked, TICK);
        if self.dirty {
            rest = rest.min(left(self.drawn, self.frame()));
        }
        if self.changed {
            rest = rest.min(left(self.taken, CHANGES));
        }
        rest
    }

    fn frame(&self) -> Duration {
        if self.focused { FRAME } else { UNFOCUSED }
    }
}

fn is_due(last: Option<Instant>, every: Duration, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_after_a_quiet_spell_is_drawn_at_once_and_the_next_waits_its_turn() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::default();
        assert!(pace.draws(at(0)));
        assert!(!pace.draws(at(5)), "nothing to draw");
        pace.dirty = true;
        assert!(!pace.draws(at(5)));
        pace.ticks(at(5), false);
        assert_eq!(pace.rests(at(5)), Duration::from_millis(11));
        assert!(pace.draws(at(16)));
        pace.dirty = true;
        assert!(pace.draws(at(900)));
    }

    #[test]
    fn quiet_means_asleep_until_the_next_second() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert!(pace.draws(start) && pace.ticks(start, false));
        assert_eq!(pace.rests(start), TICK);
        pace.changed = true;
        assert!(pace.takes(start));
        pace.changed = true;
        assert!(!pace.takes(start) && pace.rests(start) == CHANGES);
    }
}
