//! The Cost pane: tokens and money, call by call, and how each number is made up.

mod arithmetic;
mod cache;
mod doubts;
mod forecast;
mod prompt;
mod sent_again;
mod table;

use std::sync::Arc;

use super::build::Builder;
use super::outline::{Blocks, Outline, Pane};
use super::{runs, tokens};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, CostParts, Detail, ModelCall, TokenUsage, Totals, Usd};
use crate::slots::Slot;
use cache::Break;
use doubts::{Doubt, Unexplained, apart, doubts, model_of, unexplained};
use forecast::Forecast;
use prompt::Split;
use table::Widths;

/// What the calls of a trace or of the traces of a session cost.
#[must_use]
pub fn blocks(detail: &Arc<Detail>) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    let mut calls: Vec<Call> = Vec::new();
    for (trace, (of, number)) in runs::numbered(detail).enumerate() {
        let turns = of.turns().into_iter().enumerate();
        calls.extend(turns.map(|(place, turn)| Call { trace, place, number, turn }));
    }
    let widths = Widths::of(&facts(detail, &calls));
    let breaks = detail.traces.iter().enumerate();
    let breaks: Vec<(usize, Break)> =
        breaks.flat_map(|(at, trace)| cache::breaks(trace).into_iter().map(move |found| (at, found))).collect();
    if calls.is_empty() {
        outline.push(Block::None, "none", 1, 0);
    } else {
        outline.push(Block::Sum, "sum", 2, 0);
        outline.push(Block::Models, "models", 4, 0);
        outline.push(Block::Money, "money", 6, 0);
        outline.push(Block::TableHead, "table", 2, 0);
        let mut before = None;
        for (at, call) in calls.iter().enumerate() {
            let trace = detail.traces[call.trace].trace;
            if let Some(number) = call.number.filter(|_| before.replace(call.trace) != Some(call.trace)) {
                outline.push(Block::TableRun { trace: call.trace, number }, ("run", trace), 1, 0);
            }
            let span = call.facts(detail).span;
            outline.push(Block::TableRow { call: at }, ("call", trace, span), 1, 0);
            outline.holds(span);
        }
        if let Some(largest) = largest(detail, &calls) {
            outline.push(Block::Prompt { call: largest }, "prompt", 7, 0);
        }
        let forecast = detail.traces.iter().enumerate().rev().find_map(|(at, trace)| Some((at, forecast::of(trace)?)));
        if let Some((trace, forecast)) = forecast {
            outline.push(Block::Forecast { trace, forecast }, "forecast", 2, 0);
        }
        for (nth, (trace, found)) in breaks.iter().enumerate() {
            let id = ("break", detail.traces[*trace].trace, detail.traces[*trace].calls[found.call].span);
            outline.push(Block::Break { nth }, id, if nth == 0 { 6 } else { 4 }, 0);
        }
        outline.push(Block::Sources, "sources", 3, 0);
    }
    outline.of(Costs { detail: detail.clone(), calls, widths, breaks })
}

/// About how many tokens of a call's prompt are in no text that is known, and how many it has. `None` where the tokens of
/// the prompt are not known.
#[must_use]
pub fn unaccounted(trace: &AssembledTrace, call: usize) -> Option<(u64, u64)> {
    let all = trace.calls.get(call)?.usage?.input()?;
    Some((Split::of(trace, call)?.unaccounted(), all))
}

#[derive(Debug)]
struct Costs {
    detail: Arc<Detail>,
    calls: Vec<Call>,
    widths: Widths,
    /// Where the cache broke: the trace's place in the answer, and the break.
    breaks: Vec<(usize, Break)>,
}

/// A counted call: its trace's place in the answer and its own in the trace, the run's number where there are several,
/// its turn in the trace if it takes one.
#[derive(Debug)]
struct Call {
    trace: usize,
    place: usize,
    number: Option<u64>,
    turn: Option<usize>,
}

impl Call {
    fn facts<'a>(&self, detail: &'a Detail) -> &'a ModelCall {
        &detail.traces[self.trace].calls[self.place]
    }
}

fn facts<'a>(detail: &'a Detail, calls: &[Call]) -> Vec<&'a ModelCall> {
    calls.iter().map(|call| call.facts(detail)).collect()
}

/// What one block shows.
#[derive(Debug)]
enum Block {
    /// That no model was called.
    None,
    Sum,
    TableHead,
    TableRun {
        trace: usize,
        number: u64,
    },
    TableRow {
        call: usize,
    },
    /// What fills the prompt of a call.
    Prompt {
        call: usize,
    },
    /// When the window will be full.
    Forecast {
        trace: usize,
        forecast: Forecast,
    },
    Break {
        nth: usize,
    },
    Models,
    Money,
    Sources,
}

impl Pane for Costs {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        let calls = || facts(&self.detail, &self.calls);
        match *block {
            Block::None => {
                to.line(vec![Styled::new("No model call was recorded: nothing to count.", Slot::Dim)]);
            }
            Block::Sum => {
                sum(to, &self.detail.sums, &calls());
                newest(to, &self.detail);
            }
            Block::TableHead => {
                to.blank();
                self.widths.head(to);
            }
            Block::TableRun { trace, number } => {
                let name = runs::name(&self.detail.traces[trace]);
                to.line(vec![Styled::new(format!("run {number} {name}"), Slot::Title)]);
            }
            Block::TableRow { call } => {
                let call = &self.calls[call];
                self.widths.row(to, call.facts(&self.detail), call.turn);
            }
            Block::Prompt { call } => {
                let call = &self.calls[call];
                if let Some(split) = Split::of(&self.detail.traces[call.trace], call.place) {
                    to.blank();
                    let named = runs::turn(call.turn, call.facts(&self.detail));
                    let run = call.number.map_or_else(String::new, |number| format!(" of run {number}"));
                    let text = format!("what fills the largest prompt, {named}{run} (estimated)");
                    to.wrapped(0, 2, &[Styled::new(text, Slot::Dim)]);
                    split.write(to);
                    if split.unaccounted() > 0 {
                        let text = "unaccounted: pictures and files, or texts that were not recorded";
                        to.wrapped(2, 2, &[Styled::new(text, Slot::Dim)]);
                    }
                }
            }
            Block::Forecast { trace, forecast } => {
                let of = |call: &&Call| call.trace == trace && call.place == forecast.call;
                let named = self.calls.iter().find(of).map(|call| runs::turn(call.turn, call.facts(&self.detail)));
                to.blank();
                foresee(to, &forecast, &named.unwrap_or_default());
            }
            Block::Break { nth } => {
                if nth == 0 {
                    to.blank();
                    to.line(vec![Styled::new("cache breaks", Slot::Dim)]);
                }
                let (trace, found) = self.breaks[nth];
                let trace = &self.detail.traces[trace];
                cache::write(to, trace, found, &trace.turns());
            }
            Block::Models => {
                to.blank();
                models(to, &calls());
            }
            Block::Money => {
                to.blank();
                money(to, &calls());
                sent_again::write(to, &self.detail);
                sent_again::after_loops(to, &self.detail);
            }
            Block::Sources => sources(to, &calls()),
        }
    }
}

fn sum(to: &mut Builder, totals: &Totals, calls: &[&ModelCall]) {
    let broken = calls.iter().filter(|call| call.broke_off).count() as u64;
    let lacking = calls.iter().filter(|call| call.lacks_price()).count() as u64;
    let is_part = totals.priced > 0 && (totals.unpriced == 0 || totals.cost.0 > 0);
    let amount = if is_part {
        format::money_exact(totals.cost)
    } else if lacking > 0 && lacking >= totals.unpriced {
        "unpriced".to_owned()
    } else if totals.unpriced > 0 {
        "?".to_owned()
    } else if calls.iter().all(|call| call.failure.is_some()) {
        format::money(Usd(0))
    } else {
        "?".to_owned()
    };
    let mut line = vec![Styled::new(amount, Slot::TreeCost)];
    if is_part && totals.unpriced > 0 {
        let unknown = if totals.unpriced == broken {
            format!("  and {} that broke off", counted(broken))
        } else {
            format!("  and {}", format::unknown_costs(totals.unpriced, lacking))
        };
        line.push(Styled::new(unknown, Slot::Warning));
    }
    let models = if totals.model_calls == 1 { "model call" } else { "model calls" };
    line.push(Styled::new(format!("   {} {models}", totals.model_calls), Slot::Dim));
    to.wrapped(0, 0, &line);
    let usage = &totals.usage;
    let cached = usage.cached_share().filter(|share| *share > 0.0);
    let cached = cached.map_or_else(String::new, |share| format!(" ({} from cache)", format::percent(share)));
    to.line(vec![Styled::new(
        format!("in {}{cached}   out {}", exact(usage.input()), exact(usage.output)),
        Slot::Text,
    )]);
}

/// `at turn 6 the window is 12% full; each turn adds ~1.9k tokens: ~93 more turns fit (estimated)`
fn foresee(to: &mut Builder, forecast: &Forecast, turn: &str) {
    let Forecast { used, window, growth, turns, .. } = *forecast;
    let percent = u64::try_from(u128::from(used) * 100 / u128::from(window.max(1))).unwrap_or(u64::MAX);
    let growth = tokens::about(growth);
    let left = match turns {
        0 => "the next turn does not fit".to_owned(),
        1 => "~1 more turn fits".to_owned(),
        turns => format!("~{turns} more turns fit"),
    };
    let slot = if turns < 5 { Slot::Warning } else { Slot::Dim };
    let text = format!("at {turn} the window is {percent}% full; each turn adds {growth} tokens: {left} (estimated)");
    to.wrapped(0, 2, &[Styled::new(text, slot)]);
}

/// That what follows is of the newest runs, where the sums above are of more.
fn newest(to: &mut Builder, detail: &Detail) {
    if detail.left_out > 0 {
        let runs = detail.left_out + detail.traces.len() as u64;
        let text = format!("in {} runs; beneath are the newest {}", format::exact(runs), detail.traces.len());
        to.wrapped(0, 0, &[Styled::new(text, Slot::Dim)]);
    }
}

/// The call with the largest prompt, where it is known what was sent.
fn largest(detail: &Detail, calls: &[Call]) -> Option<usize> {
    let input = |call: &ModelCall| call.usage.and_then(|usage| usage.input()).filter(|input| *input > 0);
    let sums: Vec<_> = detail.traces.iter().map(|trace| trace.sums()).collect();
    let is_single = |call: &Call| !sums[call.trace].contains(&call.facts(detail).span);
    let known = calls.iter().enumerate().filter(|(_, call)| !call.facts(detail).request.is_empty() && is_single(call));
    known.filter_map(|(at, call)| Some((input(call.facts(detail))?, at))).max().map(|(_, at)| at)
}

fn counted(calls: u64) -> String {
    if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") }
}

/// The calls of one model, added up.
struct Model<'a> {
    name: &'a str,
    calls: u64,
    usage: TokenUsage,
    cost: Usd,
    /// How many calls have a cost; a failed one without tokens costs nothing.
    priced: u64,
    unpriced: u64,
    /// Whether one of those has tokens.
    lacks_price: bool,
    window: Option<u64>,
}

fn models(to: &mut Builder, calls: &[&ModelCall]) {
    let mut models: Vec<Model> = Vec::new();
    for call in calls {
        let name = model_of(call);
        let usage = call.usage.unwrap_or_default();
        let cost = call.cost.as_ref().map_or(Usd(0), |cost| cost.total);
        let priced = u64::from(call.cost.is_some() || (call.failure.is_some() && !call.unpriced));
        let (unpriced, lacks_price) = (u64::from(call.unpriced), call.lacks_price());
        match models.iter_mut().find(|model| model.name == name) {
            Some(model) => {
                model.calls += 1;
                model.usage = model.usage + usage;
                model.cost = model.cost + cost;
                model.priced += priced;
                model.unpriced += unpriced;
                model.lacks_price |= lacks_price;
            }
            None => {
                models.push(Model { name, calls: 1, usage, cost, priced, unpriced, lacks_price, window: call.window });
            }
        }
    }
    // One model by two names may have two prices: then they have to be told apart.
    let short = |name: &str| wrap::clean_line(format::model(name));
    let is_alone = |name: &str| models.iter().filter(|model| short(model.name) == short(name)).count() == 1;
    let windows = table::window_of_all(calls).is_none();
    let edge = table::edge(to);
    let price = |model: &Model| match (model.priced, model.unpriced) {
        (1.., 0) => format::money(model.cost),
        (0, _) if model.lacks_price => "unpriced".to_owned(),
        (0, _) => "?".to_owned(),
        _ => format::money_at_least(model.cost),
    };
    let wide = models.iter().map(|model| wrap::width(&price(model))).fold(8, usize::max);
    to.line(vec![Styled::new("by model", Slot::Dim)]);
    for model in &models {
        let price = price(model);
        let name = if is_alone(model.name) { short(model.name) } else { wrap::clean_line(model.name) };
        let (calls, usage) = (counted(model.calls), &model.usage);
        let split = format!("{calls} · in {} out {}", format::known(usage.input()), format::known(usage.output));
        let window =
            model.window.filter(|_| windows).map(|window| format!("window {} · {split}", format::count(window)));
        let total = usage.total().map(|total| format!("{calls} · {} tokens", format::count(total)));
        let forms = [window, Some(split), total, Some(calls), Some(String::new())];
        // The name stands whole where anything else can give way to it.
        let room = edge.saturating_sub(2 + wrap::width(&name) + 2 + 2 + wide);
        let facts = forms.into_iter().flatten().find(|facts| wrap::width(facts) <= room).unwrap_or_default();
        let name = wrap::cut_middle(&name, edge.saturating_sub(2 + 2 + 2 + wide + wrap::width(&facts)).max(5));
        let gap = edge.saturating_sub(2 + wrap::width(&name) + 2 + wide);
        to.line(vec![
            Styled::new(format!("  {name}"), Slot::TreeLlm),
            Styled::new(format!("{facts:>gap$}"), Slot::Dim),
            Styled::new(format!("  {price:>wide$}"), Slot::TreeCost),
        ]);
    }
}

/// Where the money went, by kind of token.
fn money(to: &mut Builder, calls: &[&ModelCall]) {
    let costs = calls.iter().filter_map(|call| call.cost.as_ref());
    let parts: Vec<_> = costs.clone().filter_map(|cost| Some((cost.parts?, cost.total))).collect();
    if parts.is_empty() {
        return;
    }
    let sum = |of: fn(&CostParts) -> Usd| parts.iter().map(|(part, _)| of(part)).sum::<Usd>();
    let tokens = [sum(|of| of.uncached_input), sum(|of| of.cache_read), sum(|of| of.cache_write), sum(|of| of.output)];
    let all: Usd = parts.iter().map(|(_, total)| *total).sum();
    // Of what a sender reports nobody knows what it is made of.
    let whole: Usd = costs.clone().filter(|cost| cost.parts.is_none()).map(|cost| cost.total).sum();
    // Some providers charge for a request itself.
    let requests = Usd((all.0 - tokens.iter().copied().sum::<Usd>().0).max(0));
    let [input, reads, writes, output] = tokens;
    to.line(vec![Styled::new("where it went", Slot::Dim)]);
    let names = [
        ("input", Slot::CostInput),
        ("cache reads", Slot::CostCacheRead),
        ("cache writes", Slot::CostCacheWrite),
        ("output", Slot::CostOutput),
        ("requests", Slot::Text),
        ("not split up", Slot::Dim),
    ];
    for ((name, slot), amount) in names.into_iter().zip(adding_up([input, reads, writes, output, requests, whole])) {
        if amount.0 > 0 {
            to.line(vec![
                Styled::new(format!("  {name:<14}"), slot),
                Styled::new(format::money_exact(amount), Slot::Text),
            ]);
        }
    }
}

/// Amounts as they are shown, to a millionth, so that they add up to the sum that is shown: what rounding leaves over
/// goes to those that it took most from.
fn adding_up(amounts: [Usd; 6]) -> [Usd; 6] {
    /// A millionth of a dollar, in what money is counted in.
    const MILLIONTH: i64 = 1_000_000;
    let all = amounts.iter().copied().sum::<Usd>().0.saturating_add(MILLIONTH / 2);
    let mut left = all / MILLIONTH - amounts.iter().map(|amount| amount.0 / MILLIONTH).sum::<i64>();
    let mut shown = amounts.map(|amount| Usd(amount.0 - amount.0 % MILLIONTH));
    let mut order: Vec<usize> = (0..amounts.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(amounts[*at].0 % MILLIONTH));
    for at in order {
        if left > 0 && amounts[at].0 % MILLIONTH > 0 {
            shown[at] = shown[at] + Usd(MILLIONTH);
            left -= 1;
        } else if shown[at].0 == 0 {
            // A little is not nothing.
            shown[at] = amounts[at];
        }
    }
    shown
}

/// Who says what a call cost.
fn sources(to: &mut Builder, calls: &[&ModelCall]) {
    let mut sources: Vec<String> = Vec::new();
    for call in calls {
        let Some(cost) = &call.cost else { continue };
        let source = wrap::clean_line(&cost.source.to_string());
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let unexplained = unexplained(calls);
    if sources.is_empty() && unexplained.is_empty() {
        return;
    }
    to.blank();
    to.line(vec![Styled::new("prices", Slot::Dim)]);
    for source in sources {
        to.wrapped(2, 2, &[Styled::new(source, Slot::Dim)]);
    }
    for Doubt { model, calls, reported, computed } in doubts(calls) {
        let (calls, far) = (counted(calls), apart(reported, computed));
        let (reported, computed) = (format::money_exact(reported), format::money_exact(computed));
        let words =
            format!("! {model}: the sender reports {reported} for {calls}, {far} than the price tables ({computed})");
        to.wrapped(2, 2, &[Styled::new(words, Slot::Warning)]);
    }
    for Unexplained { model, calls, tokens } in unexplained {
        let (calls, tokens) = (counted(calls), format::exact(tokens));
        let words =
            format!("! {model}: the total sent has {tokens} tokens more than in and out, in {calls}: not priced");
        to.wrapped(2, 2, &[Styled::new(words, Slot::Warning)]);
    }
}

fn exact(number: Option<u64>) -> String {
    number.map_or_else(|| "?".to_owned(), format::exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_are_shown_add_up_to_the_sum_that_is_shown() {
        let of = |amounts: [i64; 6]| adding_up(amounts.map(Usd)).map(format::money_exact);
        let shown = of([98_400_000, 91_200_000, 0, 125_600_000, 0, 0]);
        assert_eq!(shown, ["$.000098", "$.000091", "$0", "$.000126", "$0", "$0"]);
        let shown = of([280_350_000, 0, 0, 125_400_000, 0, 0]);
        assert_eq!(shown, ["$.000280", "$0", "$0", "$.000126", "$0", "$0"], "together they are $.000406");
        assert_eq!(of([5_000_000, 0, 0, 30, 0, 0]), ["$.000005", "$0", "$0", "<$.000001", "$0", "$0"]);
    }
}
