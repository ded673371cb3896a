//! When a damaged file is looked at again that could not be rescued.

use std::time::{Duration, Instant};

/// How long after a rescue failed, or found nothing wrong, another one is tried; each time twice as long, up to the most.
const FIRST: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_mins(1) };
const MOST: Duration = Duration::from_hours(1);
/// How long after there was no room for one it is looked again.
const LOOKS: Duration = Duration::from_secs(10);

/// The moment, and how long that is after the last rescue.
#[derive(Debug, Clone, Copy)]
pub struct NextRescue {
    at: Instant,
    pause: Duration,
}

impl NextRescue {
    /// The one after another that was tried just now.
    pub fn after(before: Option<Self>) -> Self {
        let pause = before.map_or(FIRST, |before| before.pause.saturating_mul(2).min(MOST));
        Self { at: Instant::now() + pause, pause }
    }

    /// The same a little later, because there is no room for it now.
    pub fn put_off(self) -> Self {
        Self { at: Instant::now() + LOOKS, ..self }
    }

    pub fn at(self) -> Instant {
        self.at
    }

    pub fn is_due(self) -> bool {
        self.at <= Instant::now()
    }
}
