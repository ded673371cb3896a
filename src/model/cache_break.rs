//! Where a provider's cache of prompts broke: one rule for lists, sums and the screen.

use std::{collections::HashMap, hash::Hash};

use serde::{Deserialize, Serialize};

/// A cached share that falls by so many thousandths is a break of the cache.
const FALL: u64 = 300;

/// Where the share of the prompt that was read from a cache fell sharply. Shares are in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheBreak {
    pub before: u64,
    pub after: u64,
    /// Which turn it was, from 1.
    pub turn: u64,
}

impl CacheBreak {
    /// The first among model calls in order. Of each: the agent and the model, whose calls share a cache; which turn it is;
    /// the share of its prompt that was read from the cache, 0 to 1, `None` where nobody says.
    pub fn first<K: Eq + Hash>(calls: impl Iterator<Item = (K, u64, Option<f64>)>) -> Option<Self> {
        let mut before: HashMap<K, u64> = HashMap::new();
        for (of, turn, share) in calls {
            let Some(after) = share.map(thousandths) else { continue };
            if let Some(before) = before.insert(of, after)
                && before >= after + FALL
            {
                return Some(Self { before, after, turn });
            }
        }
        None
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is between 0 and 1")]
fn thousandths(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 1000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fall_among_the_calls_of_one_agent_and_model_is_found() {
        let first = |calls: &[(&str, f64)]| {
            let calls = calls.iter().zip(1..).map(|((of, share), turn)| (*of, turn, Some(*share)));
            CacheBreak::first(calls).map(|found| (found.before, found.after, found.turn))
        };
        assert_eq!(first(&[("a", 0.88), ("a", 0.89), ("a", 0.12), ("a", 0.0)]), Some((890, 120, 3)));
        assert_eq!(first(&[("a", 0.88), ("b", 0.0), ("a", 0.6)]), None);
        assert_eq!(
            CacheBreak::first([((), 1, Some(0.9)), ((), 2, None), ((), 3, Some(0.1))].into_iter()).unwrap().turn,
            3
        );
    }
}
