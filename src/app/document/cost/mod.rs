//! The Cost pane: tokens and money, call by call, and how each number came about.

mod table;

use super::build::Builder;
use super::{Document, Folds, Run, runs};
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, CostParts, Detail, ModelCall, PriceSource, TokenUsage, Totals, Usd};
use crate::slots::Slot;

/// A counted call: its trace, the run's number where there are several, its turn in the trace if it takes one.
struct Call<'a> {
    trace: &'a AssembledTrace,
    number: Option<u64>,
    turn: Option<usize>,
    facts: &'a ModelCall,
}

#[must_use]
pub fn cost(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let totals: Totals = detail.traces.iter().map(|trace| trace.totals).sum();
    let mut calls: Vec<Call> = Vec::new();
    for (trace, number) in runs::each(&mut to, detail) {
        let turns = trace.turns().into_iter().zip(&trace.calls);
        calls.extend(turns.map(|(turn, facts)| Call { trace, number, turn, facts }));
    }
    if calls.is_empty() {
        to.line(vec![Run::new("No model call was recorded: nothing to count.", Slot::Dim)]);
        return to.done();
    }
    sum(&mut to, &totals, &calls);
    to.blank();
    table::turns(&mut to, &calls);
    to.blank();
    models(&mut to, &calls);
    to.blank();
    money(&mut to, &calls);
    sources(&mut to, &calls);
    to.done()
}

fn sum(to: &mut Builder, totals: &Totals, calls: &[Call]) {
    let amount = if totals.priced > 0 {
        format::money_exact(totals.cost)
    } else if totals.unpriced > 0 {
        "unpriced".to_owned()
    } else if calls.iter().all(|call| call.facts.failure.is_some()) {
        format::money(Usd(0))
    } else {
        "?".to_owned()
    };
    let mut line = vec![Run::new(amount, Slot::TreeCost)];
    if totals.priced > 0 && totals.unpriced > 0 {
        line.push(Run::new(format!("  and {} without a price", counted(totals.unpriced)), Slot::Warning));
    }
    let models = if totals.model_calls == 1 { "model call" } else { "model calls" };
    line.push(Run::new(format!("   {} {models}", totals.model_calls), Slot::Dim));
    to.wrapped(0, 0, &line);
    let usage = &totals.usage;
    let cached = usage.cached_share().filter(|share| *share > 0.0);
    let cached = cached.map_or_else(String::new, |share| format!(" ({} from cache)", format::percent(share)));
    to.line(vec![Run::new(format!("in {}{cached}   out {}", exact(usage.input()), exact(usage.output)), Slot::Text)]);
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
    window: Option<u64>,
}

fn models(to: &mut Builder, calls: &[Call]) {
    let mut models: Vec<Model> = Vec::new();
    for Call { facts: call, .. } in calls {
        let name = model_of(call);
        let usage = call.usage.unwrap_or_default();
        let cost = call.cost.as_ref().map_or(Usd(0), |cost| cost.total);
        let priced = u64::from(call.cost.is_some() || (call.failure.is_some() && !call.unpriced));
        let unpriced = u64::from(call.unpriced);
        match models.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                known.calls += 1;
                known.usage = known.usage + usage;
                known.cost = known.cost + cost;
                known.priced += priced;
                known.unpriced += unpriced;
            }
            None => models.push(Model { name, calls: 1, usage, cost, priced, unpriced, window: call.window }),
        }
    }
    // One model by two names may have two prices: then they have to be told apart.
    let short = |name: &str| wrap::clean_line(format::model(name));
    let is_alone = |name: &str| models.iter().filter(|model| short(model.name) == short(name)).count() == 1;
    let windows = table::window_of_all(calls).is_none();
    let edge = table::edge(to);
    to.line(vec![Run::new("by model", Slot::Dim)]);
    for model in &models {
        let name = if is_alone(model.name) { short(model.name) } else { wrap::clean_line(model.name) };
        let price = match (model.priced, model.unpriced) {
            (0, 0) => "?".to_owned(),
            (0, _) => "unpriced".to_owned(),
            (_, 0) => format::money(model.cost),
            _ => format!("{}+?", format::money(model.cost)),
        };
        let (calls, usage) = (counted(model.calls), &model.usage);
        let split = format!("{calls} · in {} out {}", format::known(usage.input()), format::known(usage.output));
        let window =
            model.window.filter(|_| windows).map(|window| format!("window {} · {split}", format::count(window)));
        let total = usage.total().map(|total| format!("{calls} · {} tokens", format::count(total)));
        let forms = [window, Some(split), total, Some(calls), Some(String::new())];
        // The name stands whole where anything else can give way to it.
        let room = edge.saturating_sub(2 + wrap::width(&name) + 2 + 10);
        let facts = forms.into_iter().flatten().find(|facts| wrap::width(facts) <= room).unwrap_or_default();
        let name = wrap::cut_middle(&name, edge.saturating_sub(2 + 2 + 10 + wrap::width(&facts)).max(5));
        let gap = edge.saturating_sub(2 + wrap::width(&name) + 10);
        to.line(vec![
            Run::new(format!("  {name}"), Slot::TreeLlm),
            Run::new(format!("{facts:>gap$}"), Slot::Dim),
            Run::new(format!("  {price:>8}"), Slot::TreeCost),
        ]);
    }
}

/// Where the money went, by kind of token.
fn money(to: &mut Builder, calls: &[Call]) {
    let costs = calls.iter().filter_map(|call| call.facts.cost.as_ref());
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
    to.line(vec![Run::new("where it went", Slot::Dim)]);
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
            to.line(vec![Run::new(format!("  {name:<14}"), slot), Run::new(format::money_exact(amount), Slot::Text)]);
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
fn sources(to: &mut Builder, calls: &[Call]) {
    let mut sources: Vec<String> = Vec::new();
    for call in calls {
        let Some(cost) = &call.facts.cost else { continue };
        let source = wrap::clean_line(&cost.source.to_string());
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    if sources.is_empty() {
        return;
    }
    to.blank();
    to.line(vec![Run::new("prices", Slot::Dim)]);
    for source in sources {
        to.wrapped(2, 2, &[Run::new(source, Slot::Dim)]);
    }
    for Doubt { model, calls, reported, computed } in doubts(calls) {
        let (calls, far) = (counted(calls), apart(reported, computed));
        let (reported, computed) = (format::money_exact(reported), format::money_exact(computed));
        let words =
            format!("! {model}: the sender reports {reported} for {calls}, {far} than the price tables ({computed})");
        to.wrapped(2, 2, &[Run::new(words, Slot::Warning)]);
    }
}

/// Calls of one model of which the sender reports more than the price tables say, or less.
struct Doubt {
    model: String,
    calls: u64,
    reported: Usd,
    computed: Usd,
}

fn doubts(calls: &[Call]) -> Vec<Doubt> {
    let mut doubts: Vec<Doubt> = Vec::new();
    for call in calls {
        let Some((reported, computed)) = doubted(call.facts) else { continue };
        let model = wrap::clean_line(model_of(call.facts));
        let more = |doubt: &Doubt| doubt.reported > doubt.computed;
        match doubts.iter_mut().find(|doubt| doubt.model == model && more(doubt) == (reported > computed)) {
            Some(known) => {
                known.calls += 1;
                known.reported = known.reported + reported;
                known.computed = known.computed + computed;
            }
            None => doubts.push(Doubt { model, calls: 1, reported, computed }),
        }
    }
    doubts
}

fn model_of(call: &ModelCall) -> &str {
    call.model.as_deref().or(call.response_model.as_deref()).unwrap_or("unknown model")
}

/// What the sender reports of a call and what the price tables say, where they are more than a tenth apart.
fn doubted(call: &ModelCall) -> Option<(Usd, Usd)> {
    let cost = call.cost.as_ref().filter(|cost| cost.source == PriceSource::Reported)?;
    let (reported, computed) = (cost.total, cost.computed?);
    let differ = (reported.0 - computed.0).unsigned_abs() * 10 > reported.0.max(computed.0).unsigned_abs();
    differ.then_some((reported, computed))
}

/// `25% more`.
fn apart(reported: Usd, computed: Usd) -> String {
    let (reported, computed) = (reported.0.max(0).unsigned_abs(), computed.0.max(0).unsigned_abs());
    if computed == 0 {
        return "more".to_owned();
    }
    let percent = reported.abs_diff(computed).saturating_mul(100) / computed;
    format!("{percent}% {}", if reported < computed { "less" } else { "more" })
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
        assert_eq!(shown, ["$0.000098", "$0.000091", "$0", "$0.000126", "$0", "$0"]);
        let shown = of([280_350_000, 0, 0, 125_400_000, 0, 0]);
        assert_eq!(shown, ["$0.000280", "$0", "$0", "$0.000126", "$0", "$0"], "together they are $0.000406");
        assert_eq!(of([5_000_000, 0, 0, 30, 0, 0]), ["$0.000005", "$0", "$0", "<$0.000001", "$0", "$0"]);
    }
}
