//! What a run cost against the runs of the same name before it.

use crate::model::{Totals, Usd};

/// Fewer earlier runs than this say nothing about what is usual.
const LEAST: usize = 5;

/// A run that cost at least twice the median of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unusual {
    pub cost: Usd,
    /// The cost in tenths of the median.
    pub tenths: u64,
    /// How many runs the median is of.
    pub of: usize,
}

/// Compares what a run cost with what earlier ones did. `None` where too few are known, or it did not cost twice the
/// median.
pub fn of(run: &Totals, earlier: &[Usd]) -> Option<Unusual> {
    let mut costs: Vec<i64> = earlier.iter().map(|cost| cost.0).collect();
    costs.sort_unstable();
    let median = *costs.get(costs.len() / 2).filter(|median| costs.len() >= LEAST && **median > 0)?;
    let tenths = u64::try_from(i128::from(run.cost.0) * 10 / i128::from(median)).ok()?;
    (run.priced > 0 && tenths >= 20).then_some(Unusual { cost: run.cost, tenths, of: costs.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_compared_with_enough_runs_before_it() {
        fn found(cents: i64, earlier: &[i64]) -> Option<(u64, usize)> {
            let usd = |cents: i64| Usd(cents * 10_000_000_000);
            let earlier: Vec<Usd> = earlier.iter().copied().map(usd).collect();
            let run = Totals { cost: usd(cents), priced: 1, ..Totals::default() };
            of(&run, &earlier).map(|found| (found.tenths, found.of))
        }
        assert_eq!(found(26, &[5, 6, 4, 5, 6]), Some((52, 5)));
        assert_eq!(found(26, &[5, 6, 4, 5]), None, "four runs are too few");
        assert_eq!(found(9, &[5, 6, 4, 5, 6]), None, "it is below twice the median");
        assert_eq!(found(9, &[0; 9]), None, "nothing can be said of what costs nothing");
    }
}
