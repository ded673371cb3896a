//! The Cost pane: tokens and money, call by call, and how each number came about.

mod table;

use super::build::Builder;
use super::{Document, Folds, Run, runs};
use crate::app::{format, wrap};
use crate::model::{Assembled, CallFacts, Detail, PriceSource, TokenUsage, Totals, Usd};

/// A counted call: its trace, the run's number where there are several, its turn in the trace if it takes one.
struct Call<'a> {
    trace: &'a Assembled,
    number: Option<u64>,
    turn: Option<usize>,
    facts: &'a CallFacts,
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
        to.line(vec![Run::new("No model call was recorded: nothing to count.", "dim")]);
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
    let mut line = vec![Run::new(amount, "tree.cost")];
    if totals.priced > 0 && totals.unpriced > 0 {
        line.push(Run::new(format!("  and {} without a price", counted(totals.unpriced)), "warning"));
    }
    let models = if totals.model_calls == 1 { "model call" } else { "model calls" };
    line.push(Run::new(format!("   {} {models}", totals.model_calls), "dim"));
    to.wrapped(0, 0, &line);
    let usage = &totals.usage;
    let cached = usage.cached_share().filter(|share| *share > 0.0);
    let cached = cached.map_or_else(String::new, |share| format!(" ({} from cache)", format::percent(share)));
    to.line(vec![Run::new(format!("in {}{cached}   out {}", exact(usage.input()), exact(usage.output)), "text")]);
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
        let name = call.model.as_deref().or(call.response_model.as_deref()).unwrap_or("unknown model");
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
    to.line(vec![Run::new("by model", "dim")]);
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
            Run::new(format!("  {name}"), "tree.llm"),
            Run::new(format!("{facts:>gap$}"), "dim"),
            Run::new(format!("  {price:>8}"), "tree.cost"),
        ]);
    }
}

/// Where the money went, by kind of token.
fn money(to: &mut Builder, calls: &[Call]) {
    let parts: Vec<_> = calls.iter().filter_map(|call| call.facts.cost.as_ref()?.parts).collect();
    if parts.is_empty() {
        return;
    }
    to.line(vec![Run::new("where it went", "dim")]);
    for (name, slot, amount) in [
        ("input", "cost.input", parts.iter().map(|part| part.uncached_input).sum::<Usd>()),
        ("cache reads", "cost.cache_read", parts.iter().map(|part| part.cache_read).sum::<Usd>()),
        ("cache writes", "cost.cache_write", parts.iter().map(|part| part.cache_write).sum::<Usd>()),
        ("output", "cost.output", parts.iter().map(|part| part.output).sum::<Usd>()),
    ] {
        if amount.0 > 0 {
            to.line(vec![Run::new(format!("  {name:<14}"), slot), Run::new(format::money_exact(amount), "text")]);
        }
    }
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
    to.line(vec![Run::new("prices", "dim")]);
    for source in sources {
        to.wrapped(2, 2, &[Run::new(source, "dim")]);
    }
    let doubted: Vec<(Usd, Usd)> = calls.iter().filter_map(|call| doubted(call.facts)).collect();
    if !doubted.is_empty() {
        let (reported, computed): (Usd, Usd) =
            (doubted.iter().map(|cost| cost.0).sum(), doubted.iter().map(|cost| cost.1).sum());
        let calls = counted(doubted.len() as u64);
        let (reported, far) = (format::money_exact(reported), apart(reported, computed));
        let computed = format::money_exact(computed);
        let words = format!("! of {calls} the sender reports {reported}: {far} than by the price tables ({computed})");
        to.wrapped(2, 2, &[Run::new(words, "warning")]);
    }
}

/// What the sender reports of a call and what the price tables say, where they are more than a tenth apart.
fn doubted(call: &CallFacts) -> Option<(Usd, Usd)> {
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
