//! Places in the tree: where the cursor is to go once there is a row, where it has been, and the letter that is waited for.

use super::browse::RowId;
use crate::model::{SessionId, SpanId, TraceId};

/// Where the cursor goes once the row is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    Step(TraceId, SpanId),
    /// A run of a session, and a step of it.
    Run {
        session: Option<SessionId>,
        trace: TraceId,
        span: Option<SpanId>,
    },
    /// The first run of a session, or the last, in the order of the rows.
    RunOf {
        session: Option<SessionId>,
        first: bool,
        wants: Wants,
    },
    /// The step of a run that the verdict names.
    Proof(TraceId),
}

/// Which runs are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    Any,
    Failed,
    /// One in a loop.
    Odd,
}

/// A key that waits for a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// The place under the cursor is marked with it.
    Mark,
    /// The cursor goes to the place that it marks.
    GoTo,
    /// The statistics are of the runs since it.
    Since,
}

/// Where the cursor was: the row, and the session that it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    pub row: RowId,
    pub session: Option<SessionId>,
}

/// Where the cursor has been before each jump, the last one last.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    back: Vec<Spot>,
    forward: Vec<Spot>,
}

/// So many places are kept.
const KEPT: usize = 100;

impl Trail {
    /// A jump starts at a place: what lay ahead is forgotten.
    pub fn leave(&mut self, from: Spot) {
        self.forward.clear();
        if self.back.last() != Some(&from) {
            self.back.push(from);
        }
        if self.back.len() > KEPT {
            self.back.remove(0);
        }
    }

    /// The place before this one, or after it: where one was is kept on the other side.
    pub fn step(&mut self, from: Spot, back: bool) -> Option<Spot> {
        let (take, put) = if back { (&mut self.back, &mut self.forward) } else { (&mut self.forward, &mut self.back) };
        while let Some(to) = take.pop() {
            if to != from {
                put.push(from);
                return Some(to);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Spot {
        Spot { row: RowId::Session(Some(name.into())), session: Some(name.into()) }
    }

    #[test]
    fn back_and_forth_goes_through_where_one_has_been() {
        let mut trail = Trail::default();
        trail.leave(row("a"));
        trail.leave(row("b"));
        assert_eq!(trail.step(row("c"), true), Some(row("b")));
        assert_eq!(trail.step(row("b"), true), Some(row("a")));
        assert_eq!(trail.step(row("a"), true), None);
        assert_eq!(trail.step(row("a"), false), Some(row("b")));
        assert_eq!(trail.step(row("b"), false), Some(row("c")));
        assert_eq!(trail.step(row("c"), false), None);
        trail.leave(row("c"));
        assert_eq!(trail.step(row("d"), false), None, "a jump forgets what lay ahead");
    }

    #[test]
    fn only_so_many_places_are_kept() {
        let mut trail = Trail::default();
        for n in 0..500 {
            trail.leave(row(&n.to_string()));
        }
        assert_eq!(trail.back.len(), KEPT);
        assert_eq!(trail.step(row("x"), true), Some(row("499")));
    }
}
