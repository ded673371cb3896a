//! Two records of one model call: their token counts and costs merged into one.

use std::cmp::Ordering;

use crate::model::{Cost, PriceSource, TokenUsage};

/// The token counts of two records of one call, merged; `None` if neither has any. `outer` is the record further from
/// the wire, such as a framework's around a client library's.
pub fn fullest(outer: Option<TokenUsage>, inner: Option<TokenUsage>) -> Option<TokenUsage> {
    let (Some(outer), Some(inner)) = (outer, inner) else { return outer.or(inner) };
    Some(TokenUsage {
        output: if near(outer.output, inner.output) { inner.output } else { outer.output.max(inner.output) },
        reasoning: outer.reasoning.max(inner.reasoning),
        // One record counts caches within the input and another does not, so the counts of the input are taken from one
        // record.
        ..if is_inner_fuller(outer, inner) { inner } else { outer }
    })
}

/// Whether the counts of the input are taken from the inner record: it splits the input into more counts; or into as
/// many, and both nearly agree on their sum or the inner one's is larger.
fn is_inner_fuller(outer: TokenUsage, inner: TokenUsage) -> bool {
    let split =
        |usage: TokenUsage| [usage.uncached_input, usage.cache_read, usage.cache_write].into_iter().flatten().count();
    match split(inner).cmp(&split(outer)) {
        Ordering::Equal => near(outer.input(), inner.input()) || inner.input() > outer.input(),
        fuller => fuller == Ordering::Greater,
    }
}

/// Whether two counts differ by at most two tokens and one per cent, because some instrumentations are off by the token
/// that a stream begins with. `false` if either is unknown.
fn near(left: Option<u64>, right: Option<u64>) -> bool {
    left.zip(right).is_some_and(|(left, right)| left.abs_diff(right) <= 2 + left.max(right) / 100)
}

/// Token counts and cost of one record of a call.
pub type UsageAndCost<'a> = (Option<TokenUsage>, Option<&'a Cost>);

/// The cost of a call with two records: a reported one, else that of the record whose input counts are used, else that
/// of the other; `None` if neither has one.
pub fn cost_of<'a>(outer: UsageAndCost<'a>, inner: UsageAndCost<'a>) -> Option<&'a Cost> {
    let reported = |(_, cost): UsageAndCost<'a>| cost.filter(|cost| cost.source == PriceSource::Reported);
    let fuller = match (outer.0, inner.0) {
        (Some(outer), Some(inner)) => is_inner_fuller(outer, inner),
        (outer, _) => outer.is_none(),
    };
    let (first, second) = if fuller { (inner, outer) } else { (outer, inner) };
    reported(outer).or_else(|| reported(inner)).or(first.1).or(second.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(uncached: u64, read: Option<u64>, output: u64) -> TokenUsage {
        let (uncached_input, output) = (Some(uncached), Some(output));
        TokenUsage { uncached_input, cache_read: read, output, ..TokenUsage::default() }
    }

    fn both(outer: TokenUsage, inner: TokenUsage) -> TokenUsage {
        fullest(Some(outer), Some(inner)).unwrap()
    }

    #[test]
    fn the_split_of_the_input_is_taken_as_a_whole() {
        let (split, whole) = (usage(200, Some(900), 20), usage(1100, None, 20));
        assert_eq!((both(split, whole), both(whole, split)), (split, split));
    }

    #[test]
    fn of_two_that_nearly_agree_the_inner_one_is_believed() {
        assert_eq!(both(usage(207, None, 46), usage(207, None, 45)).output, Some(45));
        // A record that saw only the beginning of a stream is not believed.
        assert_eq!(both(usage(207, None, 46), usage(207, None, 1)).output, Some(46));
        assert_eq!(fullest(None, Some(usage(1, None, 1))), Some(usage(1, None, 1)));
    }
}
