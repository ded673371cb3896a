//! How much of what was paid for prompts was paid for what had been sent before, by what each prompt shares with the one
//! that it continues. Prompts have no token counts of their parts, so this is an estimate.

use super::super::build::Builder;
use super::super::{repeats, runs};
use crate::app::{format, styled::Styled};
use crate::model::{AssembledTrace, Detail, ModelCall, Usd};
use crate::slots::Slot;

/// What was paid for what a prompt had not for the first time, and for all else of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Input {
    again: Usd,
    new: Usd,
}

/// The sums over the calls of some traces; `None` where nothing was sent twice, as far as is known.
fn of<'t>(traces: impl IntoIterator<Item = &'t AssembledTrace>) -> Option<Input> {
    let traces = traces.into_iter();
    let calls = traces.flat_map(|trace| trace.calls.iter().filter_map(move |call| of_call(trace, call)));
    let sum =
        calls.fold(Input::default(), |sum, call| Input { again: sum.again + call.again, new: sum.new + call.new });
    (sum.again.0 > 0).then_some(sum)
}

/// `of the input, ~$.217 was for what had been sent before, ~$.036 for what was new (estimated)`
pub fn write(to: &mut Builder, detail: &Detail) {
    let Some(Input { again, new }) = of(detail.traces.iter().map(AsRef::as_ref)) else {
        return;
    };
    let [again, new] = [again, new].map(format::money);
    let text = format!("of the input, ~{again} was for what had been sent before, ~{new} for what was new (estimated)");
    to.wrapped(2, 2, &[Styled::new(text, Slot::Dim)]);
}

/// `after the loop of book_room began: 3 model calls · 69k tokens · $.194`, of each run that has one.
pub fn after_loops(to: &mut Builder, detail: &Detail) {
    for (trace, number) in runs::numbered(detail) {
        let Some(found) = repeats::of(trace).filter(|found| found.is_loop) else { continue };
        let Some(spent) = found.spent() else { continue };
        let run = number.map_or_else(String::new, |number| format!("run {number}: "));
        let text = format!("{run}after the loop of {} began: {spent}", found.tool);
        to.wrapped(2, 2, &[Styled::new(text, Slot::Warning)]);
    }
}

/// `None` where the cost of the prompt, or the number of its tokens, is not known.
fn of_call(trace: &AssembledTrace, call: &ModelCall) -> Option<Input> {
    let (usage, parts) = (call.usage?, call.cost.as_ref()?.parts?);
    let input = usage.input().filter(|input| *input > 0)?;
    // What is read from a cache was sent before, if not in this run.
    let read = usage.cache_read.unwrap_or(0).min(input);
    let again = shared(trace, call).unwrap_or(0).clamp(read, input);
    let paid = i128::from((parts.uncached_input + parts.cache_write).0);
    let paid_again = paid * i128::from(again - read) / i128::from((input - read).max(1));
    let paid_again = Usd(i64::try_from(paid_again).ok()?);
    Some(Input {
        again: parts.cache_read + paid_again,
        new: Usd(i64::try_from(paid).ok()?.saturating_sub(paid_again.0)),
    })
}

/// About how many tokens of a prompt the one before had as well: all of that one's, or a part where only its first
/// messages came again.
fn shared(trace: &AssembledTrace, call: &ModelCall) -> Option<u64> {
    let before = trace.calls.get(call.request.previous?)?;
    let (tokens, messages) = (before.usage?.input()?, before.request.len().max(1));
    let part = u128::from(tokens) * call.request.shared.min(messages) as u128 / messages as u128;
    u64::try_from(part).ok()
}
