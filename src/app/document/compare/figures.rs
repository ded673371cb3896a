//! The sums of two sides, each with how much more or less the second has.

use std::time::Duration;

use super::super::build::Builder;
use super::sides::LETTERS;
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, ModelCall, TokenUsage, Usd};
use crate::slots::Slot;

/// Columns of the names.
const NAME: usize = 12;

/// The columns of numbers are no wider, so that the eye finds them beside their names.
const WIDEST: usize = 14;

/// One line: a name, both sides, and what the second has more.
#[derive(Debug, PartialEq, Eq)]
pub struct Figure {
    name: &'static str,
    sides: [String; 2],
    /// `+36s`; empty where both are equal or one of them is not known.
    more: String,
}

impl Figure {
    /// `None` where neither side has it.
    fn new<T: Copy + PartialOrd>(
        name: &'static str,
        sides: [Option<T>; 2],
        shown: impl Fn(T) -> String,
        more: impl Fn(T, T) -> String,
    ) -> Option<Self> {
        if sides.iter().all(Option::is_none) {
            return None;
        }
        let difference = match sides {
            [Some(left), Some(right)] if right > left => format!("+{}", more(right, left)),
            [Some(left), Some(right)] if left > right => format!("-{}", more(left, right)),
            _ => String::new(),
        };
        let sides = sides.map(|side| side.map_or_else(|| "?".to_owned(), &shown));
        Some(Self { name, sides, more: difference })
    }

    fn count(name: &'static str, sides: [Option<u64>; 2]) -> Option<Self> {
        Self::new(name, sides, format::count, |more, less| format::count(more.saturating_sub(less)))
    }

    fn time(name: &'static str, sides: [Option<Duration>; 2]) -> Option<Self> {
        Self::new(name, sides, format::duration, |more, less| format::duration(more.saturating_sub(less)))
    }

    fn money(name: &'static str, sides: [Option<Usd>; 2]) -> Option<Self> {
        Self::new(name, sides, format::money, |more, less| format::money(Usd(more.0.saturating_sub(less.0))))
    }
}

/// The sums of two runs.
#[must_use]
pub fn of_runs(sides: [&AssembledTrace; 2]) -> Vec<Figure> {
    let usage = sides.map(|trace| Some(trace.totals.usage));
    let took = sides.map(|trace| Some(trace.ended.unwrap_or(trace.last_seen).since(trace.started)));
    let totals = sides.map(|trace| trace.totals);
    let turns = sides.map(|trace| Some(trace.turns().into_iter().flatten().count() as u64));
    let some = |counts: [u64; 2]| counts.map(Some).filter_any(|count| count.is_some_and(|count| count > 0));
    let mut figures: Vec<Figure> = [
        Figure::time("time", took),
        Figure::count("turns", turns),
        Figure::count("tool calls", some(totals.map(|totals| totals.tool_calls))),
        Figure::count("failed tools", some(totals.map(|totals| totals.failed_tools))),
        Figure::count("errors", some(totals.map(|totals| totals.errors))),
    ]
    .into_iter()
    .flatten()
    .collect();
    figures.extend(tokens(usage));
    figures.extend(Figure::money("cost", totals.map(|totals| (totals.priced > 0).then_some(totals.cost))));
    figures
}

/// What is counted of two calls.
#[must_use]
pub fn of_calls(sides: [&ModelCall; 2]) -> Vec<Figure> {
    let took = sides.map(|call| call.ended.map(|ended| ended.since(call.started)));
    let mut figures: Vec<Figure> =
        [Figure::time("time", took), Figure::time("first token", sides.map(|call| call.ttft))]
            .into_iter()
            .flatten()
            .collect();
    figures.extend(tokens(sides.map(|call| call.usage)));
    figures.extend(Figure::money("cost", sides.map(|call| call.cost.as_ref().map(|cost| cost.total))));
    figures
}

fn tokens(usage: [Option<TokenUsage>; 2]) -> Vec<Figure> {
    let of = |kind: fn(&TokenUsage) -> Option<u64>| usage.map(|usage| usage.as_ref().and_then(kind));
    // Most senders have none of these: there is nothing to say then.
    let some = |counts: [Option<u64>; 2]| counts.filter_any(|count| count.is_some_and(|count| count > 0));
    let figures = [
        Figure::count("in", of(TokenUsage::input)),
        Figure::count("cached", some(of(|usage| usage.cache_read))),
        Figure::count("cache write", some(of(|usage| usage.cache_write))),
        Figure::count("out", of(|usage| usage.output)),
        Figure::count("reasoning", some(of(|usage| usage.reasoning))),
    ];
    figures.into_iter().flatten().collect()
}

/// Two counts, or none where neither is worth a line.
trait FilterAny {
    fn filter_any(self, is_worth: impl Fn(Option<u64>) -> bool) -> Self;
}

impl FilterAny for [Option<u64>; 2] {
    fn filter_any(self, is_worth: impl Fn(Option<u64>) -> bool) -> Self {
        if self.into_iter().any(is_worth) { self } else { [None; 2] }
    }
}

/// Writes the lines, each number under the letter of its side.
pub fn write(to: &mut Builder, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    let column = (to.width.saturating_sub(NAME) / 3).min(WIDEST);
    let head = LETTERS.map(|letter| format!("{letter:>column$}")).concat();
    let head = format!("{:NAME$}{head}", "");
    to.line(vec![Styled::new(head, Slot::Accent)]);
    for Figure { name, sides, more } in figures {
        let cell = |text: &str| format!("{}{text}", " ".repeat(column.saturating_sub(wrap::width(text))));
        to.line(vec![
            Styled::new(format!("{name:<NAME$}"), Slot::Dim),
            Styled::new(format!("{}{}", cell(&sides[0]), cell(&sides[1])), Slot::Text),
            Styled::new(cell(more), if more.starts_with('+') { Slot::Warning } else { Slot::Ok }),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_its_sign_and_what_is_unknown_has_none() {
        let more = |sides| Figure::count("in", sides).map(|figure| (figure.sides, figure.more));
        assert_eq!(more([Some(100), Some(340)]), Some((["100".into(), "340".into()], "+240".into())));
        assert_eq!(more([Some(2_000), Some(500)]), Some((["2.0k".into(), "500".into()], "-1.5k".into())));
        assert_eq!(more([Some(7), Some(7)]), Some((["7".into(), "7".into()], String::new())));
        assert_eq!(more([None, Some(7)]), Some((["?".into(), "7".into()], String::new())));
        assert_eq!(more([None, None]), None);
    }
}
