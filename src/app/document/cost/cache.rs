//! Where the share of a prompt that is read from a cache fell, and the first difference to the prompt before.
//!
//! Providers cache a prompt from its beginning, in the order tools, system, messages: from the first difference on
//! nothing is read from the cache.

use super::super::build::Builder;
use super::super::parts::{text_of, text_of_tool};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, ModelCall, Usd};
use crate::slots::Slot;

/// Fewer tokens are not worth a line; providers do not cache them either.
const WORTH: u64 = 256;

/// Characters of each side that are shown before the difference, and from it on.
const BEFORE: usize = 24;
const AFTER: usize = 40;

/// A call that read less from the cache than the call before it left there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The call, and the one before it, by their places in the trace.
    pub call: usize,
    pub before: usize,
    /// Tokens that were in the cache and were sent again in full.
    pub lost: u64,
}

/// The breaks of a trace, in the order of its calls.
pub fn breaks(trace: &AssembledTrace) -> Vec<Break> {
    let of = |(at, call): (usize, &ModelCall)| {
        let before = call.request.previous?;
        let lost = lost(trace.calls.get(before)?, call)?;
        Some(Break { call: at, before, lost })
    };
    trace.calls.iter().enumerate().filter_map(of).collect()
}

/// How many tokens the call before left in the cache that this one did not read; `None` where that is no fall.
fn lost(before: &ModelCall, now: &ModelCall) -> Option<u64> {
    let (cached, now) = (before.usage?, now.usage?);
    let left = cached.cache_read.unwrap_or(0) + cached.cache_write.unwrap_or(0);
    let expected = left.min(now.input()?);
    // Providers cache in blocks, so that a part is always missing.
    let lost = expected.saturating_sub(now.cache_read.unwrap_or(0));
    (lost >= WORTH && lost > expected / 2).then_some(lost)
}

/// What it cost to send those tokens again instead of reading them, by the rates that the two calls paid; `None` where
/// these are not known.
pub fn cost(trace: &AssembledTrace, found: Break) -> Option<Usd> {
    let [before, now] = [found.before, found.call].map(|at| trace.calls.get(at));
    let (before, now) = (before?, now?);
    let rate = |call: &ModelCall, read: bool| {
        let (usage, parts) = (call.usage?, call.cost.as_ref()?.parts?);
        let (tokens, amount) = if read {
            (usage.cache_read?, parts.cache_read)
        } else {
            let written = usage.cache_write.unwrap_or(0);
            // What was lost is written anew where the sender asks for that.
            if written >= found.lost {
                (written, parts.cache_write)
            } else {
                (usage.uncached_input?, parts.uncached_input)
            }
        };
        (tokens > 0).then(|| i128::from(amount.0) * 1000 / i128::from(tokens))
    };
    let read = rate(before, true).or_else(|| rate(now, true))?;
    let paid = rate(now, false)?;
    let cost = (paid - read) * i128::from(found.lost) / 1000;
    i64::try_from(cost).ok().filter(|cost| *cost > 0).map(Usd)
}

/// The first place where two prompts differ.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// `the system prompt`, `the definition of tool search`, `message 4 (user)`.
    pub place: String,
    /// Its number of characters from the start of that.
    pub offset: usize,
    /// Both sides around it; empty where one has ended.
    pub before: String,
    pub now: String,
}

/// `None` where the whole prompt before begins this one, or where nothing is known of either.
pub fn difference(trace: &AssembledTrace, found: Break) -> Option<Difference> {
    let [before, now] = [found.before, found.call].map(|at| trace.calls.get(at).map(|call| &call.request));
    let (before, now) = (before?, now?);
    if let Some(place) = before.tools.iter().zip(now.tools.iter()).position(|(before, now)| before != now) {
        let [left, right] = [&before.tools[place], &now.tools[place]];
        let named = if left.name == right.name {
            format!("the definition of tool {}", wrap::clean_line(&left.name))
        } else {
            format!("the order of the tools, at tool {}", place + 1)
        };
        return Some(at_character(named, &text_of_tool(left), &text_of_tool(right)));
    }
    if before.tools.len() != now.tools.len() {
        let place = format!("the tools: {} before, {} now", before.tools.len(), now.tools.len());
        return Some(Difference { place, offset: 0, before: String::new(), now: String::new() });
    }
    let left = trace.sent_at(found.before, now.shared)?;
    let place = format!("message {} ({})", now.shared + 1, left.role.as_str());
    let place = if left.role == crate::model::Role::System { "the system prompt".to_owned() } else { place };
    let right = trace.sent_at(found.call, now.shared).map_or_else(String::new, |message| text_of(message));
    Some(at_character(place, &text_of(left), &right))
}

fn at_character(place: String, before: &str, now: &str) -> Difference {
    let equal = before.chars().zip(now.chars()).take_while(|(before, now)| before == now).count();
    let around = |text: &str| {
        let from = equal.saturating_sub(BEFORE);
        text.chars().skip(from).take(equal - from + AFTER).collect::<String>()
    };
    Difference { place, offset: equal, before: around(before), now: around(now) }
}

/// `turn 3: 16k cached tokens sent again (cache 88% → 12%), ~$.046 more`, and beneath it where the prompts part.
pub fn write(to: &mut Builder, trace: &AssembledTrace, found: Break, turns: &[Option<usize>]) {
    let turn =
        |at: usize| turns.get(at).copied().flatten().map_or_else(|| "a call".to_owned(), |turn| format!("turn {turn}"));
    let share = |at: usize| {
        let share = trace.calls[at].usage.and_then(|usage| usage.cached_share()).unwrap_or(0.0);
        format::percent(share)
    };
    let cost = cost(trace, found).map_or_else(String::new, |cost| format!(", ~{} more", format::money(cost)));
    let (before, now) = (share(found.before), share(found.call));
    let fell = if before == now { String::new() } else { format!(" (cache {before} → {now})") };
    let head = format!("{}: {} cached tokens sent again{fell}{cost}", turn(found.call), format::count(found.lost));
    to.wrapped(2, 2, &[Styled::new(head, Slot::Warning)]);
    match difference(trace, found) {
        None => {
            let waited = trace.calls[found.before].ended.map(|ended| trace.calls[found.call].started.since(ended));
            let waited = waited.map_or_else(String::new, |waited| format!(" after {}", format::duration(waited)));
            let text = format!(
                "the prompt of {} is sent again unchanged{waited}: its cache had expired, or was not kept",
                turn(found.before)
            );
            to.wrapped(4, 2, &[Styled::new(text, Slot::Dim)]);
        }
        Some(Difference { place, before, now, .. }) if before.is_empty() && now.is_empty() => {
            to.wrapped(4, 2, &[Styled::new(format!("prompts part in {place}"), Slot::Dim)]);
        }
        Some(Difference { place, offset, before, now }) => {
            let text = format!("prompts part in {place} at character {}", format::exact(offset as u64 + 1));
            to.wrapped(4, 2, &[Styled::new(text, Slot::Dim)]);
            for (sign, text, slot) in [("-", before, Slot::Error), ("+", now, Slot::Ok)] {
                let text = if text.is_empty() { "nothing".to_owned() } else { wrap::clean_line(&text) };
                to.line(vec![Styled::new(format!("    {sign} "), slot), Styled::new(text, Slot::Text)]);
            }
        }
    }
}
