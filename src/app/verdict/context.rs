//! How full the model's context was, how much of the prompts came from a cache, and how long the first token took.

use std::time::Duration;

use crate::model::{AssembledTrace, CacheBreak, ModelCall};

/// Prompts that fill less of the window than so many percent are nothing to speak of.
const SHARE: u64 = 10;
/// What the prompts of a run were like.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextUse {
    /// Tokens of the prompt that filled its model's window most, and the size of that window.
    pub fullest: Option<(u64, u64)>,
    /// The share of all prompts that was read from a cache, 0 to 1; `None` where no call says so.
    pub cached: Option<f64>,
    pub fall: Option<CacheBreak>,
    /// The median time to the first token of the calls that say so.
    pub first_token: Option<Duration>,
}

/// What there is to say of a run's prompts; `None` where they are small.
pub fn of(trace: &AssembledTrace) -> Option<ContextUse> {
    let turns = trace.turns();
    let calls: Vec<(&ModelCall, usize)> =
        trace.calls.iter().zip(turns).filter_map(|(call, turn)| Some((call, turn?))).collect();
    let sums = trace.sums();
    let single = calls.iter().filter(|(call, _)| !sums.contains(&call.span));
    let filled = single.filter_map(|(call, _)| Some((call.usage?.input()?, call.window.filter(|window| *window > 0)?)));
    // Shares are compared without dividing: a/b < c/d where a·d < c·b.
    let fullest = filled.max_by(|left, right| {
        let product = |used: u64, window: u64| u128::from(used) * u128::from(window);
        product(left.0, right.1).cmp(&product(right.0, left.1))
    });
    let fall = fall(&calls);
    let is_full = fullest.is_some_and(|(used, window)| percent(used, window) >= SHARE);
    if fall.is_none() && !is_full {
        return None;
    }
    Some(ContextUse { fullest, cached: cached(&calls), fall, first_token: first_token(&calls) })
}

/// A part of a whole in percent, rounded down.
#[must_use]
pub fn percent(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 100 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
fn cached(calls: &[(&ModelCall, usize)]) -> Option<f64> {
    let reads = calls.iter().filter_map(|(call, _)| Some((call.usage?.cache_read?, call.usage?.input()?)));
    let (read, input) = reads.reduce(|left, right| (left.0 + right.0, left.1 + right.1))?;
    (read > 0 && input > 0).then(|| read as f64 / input as f64)
}

/// The first turn whose prompt was cached much less than the one before it by the same agent and model.
fn fall(calls: &[(&ModelCall, usize)]) -> Option<CacheBreak> {
    CacheBreak::first(calls.iter().map(|(call, turn)| {
        let share = call.usage.and_then(|usage| usage.cached_share());
        ((&call.agent, &call.model), *turn as u64, share)
    }))
}

fn first_token(calls: &[(&ModelCall, usize)]) -> Option<Duration> {
    let mut times: Vec<Duration> = calls.iter().filter_map(|(call, _)| call.ttft).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}
