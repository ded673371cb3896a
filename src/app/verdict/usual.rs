//! What a run cost against the runs of the same name before it.

use crate::model::{RunState, Timestamp, TraceSummary, Usd};

/// So many earlier runs are compared at most, and fewer than the least say nothing about what is usual.
const MOST: usize = 20;
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

/// Compares a run with the newest before it that have its label; those whose cost is not known whole are passed over.
/// `None` where it has no label, too few are known, or it did not cost twice the median.
pub fn of(run: &TraceSummary, runs: &[TraceSummary], now: Timestamp) -> Option<Unusual> {
    let label = run.label.as_deref()?;
    let priced = |run: &TraceSummary| run.totals.priced > 0;
    let is_earlier = |other: &&TraceSummary| {
        other.label.as_deref() == Some(label)
            && (other.started, other.trace) < (run.started, run.trace)
            && priced(other)
            && other.totals.unpriced == 0
            && other.run_state(now) != RunState::Running
    };
    let mut earlier: Vec<&TraceSummary> = runs.iter().filter(is_earlier).collect();
    earlier.sort_unstable_by_key(|run| run.started);
    let newest = earlier.len().saturating_sub(MOST);
    let mut costs: Vec<i64> = earlier[newest..].iter().map(|run| run.totals.cost.0).collect();
    costs.sort_unstable();
    let median = *costs.get(costs.len() / 2).filter(|median| costs.len() >= LEAST && **median > 0)?;
    let tenths = u64::try_from(i128::from(run.totals.cost.0) * 10 / i128::from(median)).ok()?;
    (priced(run) && tenths >= 20).then_some(Unusual { cost: run.totals.cost, tenths, of: costs.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Project, Totals, TraceId, TraceState};

    fn run(number: u8, label: &str, cents: i64) -> TraceSummary {
        let at = Timestamp(u64::from(number));
        TraceSummary {
            trace: TraceId::from_bytes(&[number; 16]).unwrap(),
            project: Project::default(),
            name: None,
            label: Some(label.to_owned()),
            session: None,
            user: None,
            service: None,
            framework: None,
            question: None,
            started: at,
            ended: Some(at),
            last_seen: at,
            state: TraceState::Ok,
            waits: None,
            spans: 1,
            models: Vec::new(),
            totals: Totals { cost: Usd(cents * 10_000_000_000), priced: 1, ..Totals::default() },
        }
    }

    #[test]
    fn a_run_is_compared_with_enough_runs_of_its_name_before_it() {
        fn found(runs: &[TraceSummary], run: &TraceSummary) -> Option<(u64, usize)> {
            of(run, runs, Timestamp(u64::MAX)).map(|found| (found.tenths, found.of))
        }
        let mut runs: Vec<TraceSummary> =
            (1..=5).map(|number| run(number, "planner", 4 + i64::from(number % 3))).collect();
        let dear = run(9, "planner", 26);
        runs.push(dear.clone());
        assert_eq!(found(&runs, &dear), Some((52, 5)));
        assert_eq!(found(&runs[1..], &dear), None, "four runs are too few");
        assert_eq!(found(&runs, &run(9, "planner", 9)), None, "it is below twice the median");
        assert_eq!(found(&runs, &run(9, "writer", 26)), None, "no other run has its name");
        assert_eq!(found(&runs, &run(3, "planner", 26)), None, "later runs say nothing");
    }
}
