//! Whether two records are of one model call, and whether a call span only sums up or wraps other calls (`calls.md` 2).

use std::{collections::HashSet, num::NonZeroU64};

use super::{
    call::Call,
    hashes::{CallHash, CallIdHash},
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
    text_hash::TextHash,
};
use crate::model::TokenUsage;

/// What two records show about being of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// They are of one call.
    Same,
    /// They are of two calls.
    Different,
    /// Nothing decides it: tokens and times may.
    None,
}

/// How much later than a span another may end and still count as ended within it: a millisecond, in nanoseconds.
pub const CLOCK: u64 = 1_000_000;

/// An answer of at least this many bytes, white space left out, is hardly given twice by chance.
const DISTINCTIVE: u64 = 16;

/// What two records show about being of one call: by response id, else by the tool calls of the answer, else by answer and
/// question, else by model.
pub fn compare(tree: &SpanTree, left: &Call, right: &Call) -> Evidence {
    if left.response(tree).is_some() && right.response(tree).is_some() {
        return if have_one_response(tree, left, right) { Evidence::Same } else { Evidence::Different };
    }
    let others: HashSet<_> = asked_tools(right.digests(tree)).collect();
    if !others.is_empty() && asked_tools(left.digests(tree)).any(|call| others.contains(&call)) {
        return Evidence::Same;
    }
    let (answers, others) = (completion_texts(left.digests(tree)), completion_texts(right.digests(tree)));
    let same_answer = any_equal(&answers, &others);
    let same_question = any_equal(&questions(left.digests(tree)), &questions(right.digests(tree)));
    match (same_answer, same_question) {
        (Some(true), Some(true) | None) => Evidence::Same,
        // Where two read one stream, one of them may have the arguments of both.
        (_, Some(true)) if share_call(tree, left, right) => Evidence::Same,
        // A framework may record the question in other words than it sends; a long answer is hardly given twice.
        (Some(true), Some(false)) if answers.iter().any(|answer| answer.len() >= DISTINCTIVE) => Evidence::Same,
        // Two records of one answer may differ, for instance where one has reasoning among the text: tokens decide.
        (Some(false), Some(true)) => Evidence::None,
        (Some(false), _) | (_, Some(false)) => Evidence::Different,
        (None, _) if are_of_other_models(tree, left, right) => Evidence::Different,
        (None, _) => Evidence::None,
    }
}

/// Whether two records say the same: they are of one call, whatever their tokens and times.
pub fn say_the_same(tree: &SpanTree, left: &Call, right: &Call) -> bool {
    compare(tree, left, right) == Evidence::Same || share_call(tree, left, right)
}

/// Whether a call span and the call with tokens beneath it are two records of one call. `only` is false if calls
/// without tokens lie beneath it too.
pub fn is_record_of(tree: &SpanTree, above: &Call, beneath: &Call, only: bool) -> bool {
    match compare(tree, above, beneath) {
        Evidence::Same => true,
        Evidence::Different => false,
        Evidence::None => match above.usage.filter(TokenUsage::has_tokens) {
            // A call that goes on after the one above it has ended is not part of it: it was only begun within it.
            Some(usage) => {
                let same_scope = above.scope(tree) == beneath.scope(tree);
                beneath.usage.is_some_and(|other| equal(usage, other))
                    && (!same_scope || encloses(tree, above, beneath))
            }
            None => only && encloses(tree, above, beneath),
        },
    }
}

/// Whether two neighbours are records of one call: they have one response id; or two scopes recorded them at the same
/// time, both or neither failed, and answer and question agree. Equal tokens alone prove nothing, but those of a record
/// that lies within the other do, if it has no messages or asks for a tool under the same id. One that lies within
/// another and says nothing but that a model was asked is of that call; it does not know whether that failed. `first`
/// starts before `second`, or with it.
///
/// A record without words is like one without messages: where content is not captured, nothing but the ids of calls is.
pub fn are_twins(tree: &SpanTree, first: &Call, second: &Call) -> bool {
    let nodes = (&tree.nodes[first.node], &tree.nodes[second.node]);
    if nodes.0.category != nodes.1.category {
        return false;
    }
    if first.response(tree).is_some() && second.response(tree).is_some() {
        return have_one_response(tree, first, second);
    }
    let overlap = nodes.0.ended.is_none_or(|ended| nodes.1.started < ended);
    if first.scope(tree) == second.scope(tree) || !overlap {
        return false;
    }
    let is_within = nodes.0.started < nodes.1.started && nodes.1.ended.is_some() && nodes.0.ended.is_some();
    let is_within = is_within && encloses(tree, first, second);
    let is_bare = || !second.has_tokens() && second.response(tree).is_none() && says_no_more(tree, second, first);
    if first.failed != second.failed {
        return first.failed && is_within && is_bare() && !are_of_other_models(tree, first, second);
    }
    let tokens = (first.usage.filter(TokenUsage::has_tokens), second.usage.filter(TokenUsage::has_tokens));
    match (compare(tree, first, second), tokens) {
        (Evidence::Same, (Some(left), Some(right))) => equal(left, right),
        (Evidence::Same, _) => !are_of_other_models(tree, first, second),
        // Two failed calls without tokens have nothing to compare: one must end within the other.
        (Evidence::None, (None, None)) => first.failed && encloses(tree, first, second),
        (Evidence::None, (Some(left), Some(right))) => {
            let is_one = || {
                share_call(tree, first, second)
                    || says_no_more(tree, second, first)
                    || says_no_more(tree, first, second)
            };
            is_within && equal(left, right) && is_one()
        }
        (Evidence::None, (Some(_), None)) => is_within && is_bare() && !are_of_other_models(tree, first, second),
        _ => false,
    }
}

/// Whether two calls that are no neighbours are records of one call: two scopes recorded the one while the other ran, and
/// the evidence says that they are the same, or both failed. Of one beneath the other that was decided before. `first`
/// starts before `second`, or with it.
pub fn are_cousins(tree: &SpanTree, first: &Call, second: &Call) -> bool {
    let is_beneath = |above: usize, node: usize| node > above && node < tree.nodes[above].after;
    let is_nested = is_beneath(first.node, second.node) || is_beneath(second.node, first.node);
    let is_within = tree.nodes[first.node].ended.is_some() && encloses(tree, first, second);
    is_within
        && !is_nested
        && !share_scope(tree, first, second)
        && are_twins(tree, first, second)
        && ((first.failed && second.failed)
            || compare(tree, first, second) == Evidence::Same
            || (is_known_in_part(tree, second) && says_no_more(tree, second, first)))
}

/// Whether a record has a question, or is one of a span that never came: another's wrapper of a stream may keep the end of
/// it from an instrumentation, which then has sent only the log records of the request.
fn is_known_in_part(tree: &SpanTree, call: &Call) -> bool {
    tree.nodes[call.node].span.is_none() || !questions(call.digests(tree)).is_empty()
}

/// Whether one scope made records of both calls: then the second one's is of another call.
fn share_scope(tree: &SpanTree, first: &Call, second: &Call) -> bool {
    let of = |call: &Call| {
        let nodes = std::iter::once(call.node).chain(call.also.iter().copied());
        nodes.filter_map(|node| tree.nodes[node].span).map(|(_, digest)| digest.scope).collect::<HashSet<_>>()
    };
    !of(first).is_disjoint(&of(second))
}

/// Whether a call span's tokens are those of the calls beneath it together, of which there are at least two.
pub fn is_sum(above: &Call, beneath: &[&Call]) -> bool {
    let together = beneath.iter().filter_map(|call| call.usage).reduce(|left, right| left + right);
    let usage = above.usage.filter(|usage| usage.has_tokens() && beneath.len() > 1);
    usage.zip(together).is_some_and(|(usage, together)| equal(usage, together))
}

/// Whether a call span only wraps the calls beneath it: it has no answer and no tokens and asks nothing of its own, or
/// its answer is one of theirs.
pub fn is_wrapper(tree: &SpanTree, above: &Call, beneath: &[&Call]) -> bool {
    let answers = completion_texts(above.digests(tree));
    if answers.is_empty() && !above.has_tokens() {
        // It has at most a prompt: that of one of them, or none that can be compared.
        let own = questions(above.digests(tree));
        return beneath.iter().any(|other| any_equal(&own, &questions(other.digests(tree))) != Some(false));
    }
    beneath.iter().any(|other| any_equal(&answers, &completion_texts(other.digests(tree))) == Some(true))
}

/// Whether both calls name models, and no name of the one contains or is contained in one of the other. Letter case and
/// punctuation are left out.
fn are_of_other_models(tree: &SpanTree, left: &Call, right: &Call) -> bool {
    let plain = |call: &Call| -> Vec<String> {
        let models = call.digests(tree).filter_map(|digest| digest.model.as_deref());
        models
            .map(|model| model.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase())
            .collect()
    };
    let (left, right) = (plain(left), plain(right));
    let is_one =
        |left: &String| right.iter().any(|right| left.contains(right.as_str()) || right.contains(left.as_str()));
    !left.is_empty() && !right.is_empty() && !left.iter().any(is_one)
}

/// Whether a call has ended when the one above it has. `true` while the one above runs.
fn encloses(tree: &SpanTree, above: &Call, beneath: &Call) -> bool {
    let ended = |call: &Call| tree.nodes[call.node].ended;
    ended(above).is_none_or(|above| ended(beneath).is_some_and(|beneath| beneath.0 <= above.0.saturating_add(CLOCK)))
}

/// The tool calls of the completion that have ids, each with its arguments: a counter alone is no id.
fn asked_tools<'a>(digests: impl Iterator<Item = &'a SpanDigest>) -> impl Iterator<Item = (CallIdHash, CallHash)> {
    let calls = digests.flat_map(|digest| &digest.reading_digests).flat_map(|reading| &reading.calls);
    calls.filter_map(|call| Some((call.id?, call.call_hash)))
}

/// Whether both answers ask for a tool under the same id, whatever arguments are recorded with it.
fn share_call(tree: &SpanTree, left: &Call, right: &Call) -> bool {
    let others: HashSet<CallIdHash> = asked_tools(right.digests(tree)).map(|(id, _)| id).collect();
    !others.is_empty() && asked_tools(left.digests(tree)).any(|(id, _)| others.contains(&id))
}

/// Hashes of the completion's texts, one for each dialect and carrier that found any.
fn completion_texts<'a>(digests: impl Iterator<Item = &'a SpanDigest>) -> Vec<TextHash> {
    let texts = digests.flat_map(|digest| &digest.reading_digests).map(|reading| reading.completion_text);
    texts.filter(|text| !text.is_empty()).collect()
}

/// Hashes of the user's last message, one for each dialect and carrier that found one.
fn questions<'a>(digests: impl Iterator<Item = &'a SpanDigest>) -> Vec<NonZeroU64> {
    digests.flat_map(|digest| &digest.reading_digests).filter_map(|reading| reading.question).collect()
}

/// Whether a record has no answer in words, and no question or call of a tool but those of the other: where content is not
/// captured, or a stream's end was not seen.
fn says_no_more(tree: &SpanTree, record: &Call, other: &Call) -> bool {
    let asked = questions(record.digests(tree));
    let is_silent = asked_tools(record.digests(tree)).next().is_none();
    completion_texts(record.digests(tree)).is_empty()
        && (is_silent || share_call(tree, record, other))
        && (asked.is_empty() || any_equal(&asked, &questions(other.digests(tree))) == Some(true))
}

/// Whether two records name one response. Some servers give all their responses one id, and those that come after each
/// other have other tokens or another answer.
fn have_one_response(tree: &SpanTree, left: &Call, right: &Call) -> bool {
    let ids = (left.response(tree), right.response(tree));
    if ids.0 != ids.1 {
        return false;
    }
    let nodes = [left, right].map(|call| &tree.nodes[call.node]);
    let is_before = |first: &SpanNode, second: &SpanNode| first.ended.is_some_and(|ended| ended <= second.started);
    if !is_before(nodes[0], nodes[1]) && !is_before(nodes[1], nodes[0]) {
        return true;
    }
    let tokens = left.usage.zip(right.usage).filter(|(left, right)| left.has_tokens() && right.has_tokens());
    let answers = [left, right].map(|call| completion_texts(call.digests(tree)));
    tokens.is_none_or(|(left, right)| equal(left, right)) && any_equal(&answers[0], &answers[1]) != Some(false)
}

/// Whether two records have a hash in common; `None` if either has none at all.
fn any_equal<T: PartialEq>(left: &[T], right: &[T]) -> Option<bool> {
    (!left.is_empty() && !right.is_empty()).then(|| left.iter().any(|hash| right.contains(hash)))
}

/// Whether two records have equal tokens. One may count caches within the input, or reasoning within the output, and
/// the other not.
fn equal(left: TokenUsage, right: TokenUsage) -> bool {
    let inputs = |usage: TokenUsage| [usage.input(), usage.uncached_input];
    let input = inputs(left).into_iter().flatten().any(|input| inputs(right).contains(&Some(input)));
    let outputs = |usage: TokenUsage| {
        let without_reasoning =
            usage.output.zip(usage.reasoning).and_then(|(output, reasoning)| output.checked_sub(reasoning));
        [usage.output, without_reasoning.or(usage.output)]
    };
    input && outputs(left).into_iter().any(|output| outputs(right).contains(&output))
}
