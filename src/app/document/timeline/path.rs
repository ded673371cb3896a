//! The critical path: the steps that decided how long a run took. Had one of them been faster, so had the run.

use super::steps::{Families, Step};
use crate::app::document::Stretch;

/// For each step how much of the run's time it decided by itself, in nanoseconds; `None` for those beside the path.
///
/// From the end backwards: what a step waited for is the last step beneath it that had ended by then; before that step
/// began, it waited for the last one that had ended by that moment.
pub fn critical_path(steps: &[Step], families: &Families, within: Stretch) -> Vec<Option<u64>> {
    let mut decided = vec![None; steps.len()];
    // Steps on the path, and up to when.
    let mut open: Vec<(Option<usize>, u64)> = vec![(None, within.until)];
    let mut beneath = Vec::new();
    while let Some((at, until)) = open.pop() {
        let own = at.map_or(within, |at| steps[at].stretch(within.until));
        let (mut until, mut alone) = (until, 0);
        beneath.clear();
        beneath.extend_from_slice(families.beneath(at));
        beneath.sort_by_key(|at| steps[*at].end(within.until));
        for &child in beneath.iter().rev() {
            let step = &steps[child];
            let end = step.end(within.until).min(own.until);
            // Clocks differ: one that overlaps the next by less than a tenth of itself came before that.
            let late = end.saturating_sub(until);
            let is_before = late <= end.saturating_sub(step.from) / 10;
            if step.from >= until || until <= own.from || !is_before {
                continue;
            }
            alone += until.saturating_sub(end);
            open.push((Some(child), end.min(until)));
            until = step.from.max(own.from);
        }
        if let Some(at) = at {
            decided[at] = Some(alone + until.saturating_sub(own.from));
        }
    }
    decided
}
