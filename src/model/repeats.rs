//! When the same call of a tool, again and again, is worth a word, and when it is a loop: one rule for lists, sums and the
//! screen.

use std::{cmp::Reverse, collections::HashMap};

use serde::{Deserialize, Serialize};

use super::Usd;

/// So many equal calls are a loop if they fail, and a repeat if all return the same.
const FEW: usize = 3;
/// So many equal calls with the same good result are a loop.
const MANY: usize = 5;

/// How one run of a tool went, as far as it matters to a repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Failed,
    /// It returned something with this hash.
    Returned(u64),
    /// Nobody knows what it returned.
    Unknown,
}

/// Runs of one tool with the same arguments that all failed, or all returned the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EqualRuns {
    /// Their places among the runs, in order; at least three.
    pub runs: Vec<usize>,
    /// All of them failed.
    pub failing: bool,
}

impl EqualRuns {
    /// Whether it is more than a remark: it failed each time, or went on for long.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        self.failing || self.runs.len() >= MANY
    }

    /// The worst among some runs. `keys`: what the tool and the arguments of each are known by, `None` where the arguments
    /// are not known: nobody can say then that they were the same. `outcome`: how the run at a place went; it is asked only
    /// of runs that were repeated. Calls whose results change are polling, and no repeat.
    pub fn worst<K: Ord>(keys: impl Iterator<Item = Option<K>>, outcome: impl Fn(usize) -> Outcome) -> Option<Self> {
        let mut keys: Vec<(K, usize)> = keys.enumerate().filter_map(|(at, key)| Some((key?, at))).collect();
        keys.sort_unstable();
        let equal = keys.chunk_by(|left, right| left.0 == right.0).filter(|runs| runs.len() >= FEW);
        let found =
            equal.filter_map(|runs| Self::among(&runs.iter().map(|(_, at)| (*at, outcome(*at))).collect::<Vec<_>>()));
        found.max_by_key(|equal| (equal.is_loop(), equal.runs.len(), Reverse(equal.runs[0])))
    }

    /// The worst among runs with equal arguments.
    fn among(runs: &[(usize, Outcome)]) -> Option<Self> {
        let failed = runs.iter().filter(|(_, outcome)| *outcome == Outcome::Failed);
        let failed: Vec<usize> = failed.map(|(at, _)| *at).collect();
        if failed.len() >= FEW {
            return Some(Self { runs: failed, failing: true });
        }
        let mut by_result: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, outcome) in runs {
            if let Outcome::Returned(result) = outcome {
                by_result.entry(*result).or_default().push(*at);
            }
        }
        let same = by_result.into_values().max_by_key(|runs| (runs.len(), Reverse(runs[0])))?;
        (same.len() >= FEW).then_some(Self { runs: same, failing: false })
    }
}

/// The worst repeat of a trace, as its row says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatSummary {
    pub tool: String,
    pub times: u64,
    pub is_loop: bool,
    /// What the model calls cost that came after the second of the equal calls was asked for; `None` where no cost is
    /// known.
    pub spent: Option<Usd>,
}

#[cfg(test)]
mod tests {
    use super::{
        Outcome::{Failed, Returned, Unknown},
        *,
    };

    fn worst(runs: &[(Option<char>, Outcome)]) -> Option<(Vec<usize>, bool)> {
        let equal = EqualRuns::worst(runs.iter().map(|(key, _)| *key), |at| runs[at].1)?;
        Some((equal.runs.clone(), equal.is_loop()))
    }

    #[test]
    fn what_fails_three_times_is_a_loop_and_what_returns_the_same_from_five_times_on() {
        let same = |times: usize| vec![(Some('a'), Returned(7)); times];
        assert_eq!(worst(&same(2)), None);
        assert_eq!(worst(&same(3)), Some((vec![0, 1, 2], false)));
        assert_eq!(worst(&same(5)), Some((vec![0, 1, 2, 3, 4], true)));
        let failing = [(Some('a'), Failed), (Some('b'), Failed), (Some('a'), Failed), (Some('a'), Failed)];
        assert_eq!(worst(&failing), Some((vec![0, 2, 3], true)));
        assert_eq!(worst(&[same(4), failing.to_vec()].concat()), Some((vec![4, 6, 7], true)), "a loop is worse");
    }

    #[test]
    fn results_that_change_arguments_that_are_not_known_and_results_that_are_not_are_no_repeat() {
        assert_eq!(worst(&[(Some('a'), Returned(1)), (Some('a'), Returned(2)), (Some('a'), Returned(3))]), None);
        assert_eq!(worst(&[(None, Failed); 4]), None);
        assert_eq!(worst(&[(Some('a'), Unknown); 9]), None);
    }
}
