//! The Cost pane: tokens and money, call by call, and how each number came about.

use super::build::Builder;
use super::{Anchor, Document, Folds, Run};
use crate::app::{format, wrap};
use crate::model::{Assembled, CallFacts, Detail, PriceSource, TokenUsage, Totals, Usd};

/// Columns of the context gauge.
const GAUGE: usize = 12;

#[must_use]
pub fn cost(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let totals: Totals = detail.traces.iter().map(|trace| trace.totals).sum();
    let calls: Vec<(&Assembled, usize, &CallFacts)> = detail
        .traces
        .iter()
        .flat_map(|trace| trace.calls.iter().enumerate().map(move |(turn, call)| (trace.as_ref(), turn, call)))
        .collect();
    if calls.is_empty() {
        to.line(vec![Run::new("No model was called: nothing to count.", "dim")]);
        return to.done();
    }
    sum(&mut to, &totals);
    to.blank();
    turns(&mut to, &calls);
    to.blank();
    models(&mut to, &calls);
    to.blank();
    money(&mut to, &calls);
    sources(&mut to, &calls);
    to.done()
}

fn sum(to: &mut Builder, totals: &Totals) {
    let amount = if totals.priced > 0 {
        format::money_exact(totals.cost)
    } else if totals.unpriced > 0 {
        "unpriced".to_owned()
    } else {
        "?".to_owned()
    };
    let mut line = vec![Run::new(amount, "tree.cost")];
    if totals.priced > 0 && totals.unpriced > 0 {
        line.push(Run::new(format!("  and {} calls without a price", totals.unpriced), "warning"));
    }
    let calls = if totals.model_calls == 1 { "call" } else { "calls" };
    line.push(Run::new(format!("   {} model {calls}", totals.model_calls), "dim"));
    to.line(line);
    let usage = &totals.usage;
    let cached = usage.cached_share().filter(|share| *share > 0.0);
    let cached = cached.map_or_else(String::new, |share| format!(" ({} from cache)", format::percent(share)));
    to.line(vec![Run::new(format!("in {}{cached}   out {}", exact(usage.input()), exact(usage.output)), "text")]);
}

/// A column of token counts.
struct Column {
    head: &'static str,
    slot: &'static str,
    of: fn(&TokenUsage) -> Option<u64>,
    /// Unknown means that there were none to tell of, as most calls have none.
    optional: bool,
    /// Also in a narrow pane.
    always: bool,
}

const COLUMNS: [Column; 5] = [
    Column { head: "in", slot: "cost.input", of: TokenUsage::input, optional: false, always: true },
    Column { head: "cached", slot: "cost.cache_read", of: |usage| usage.cache_read, optional: true, always: true },
    Column { head: "write", slot: "cost.cache_write", of: |usage| usage.cache_write, optional: true, always: false },
    Column { head: "out", slot: "cost.output", of: |usage| usage.output, optional: false, always: true },
    Column { head: "think", slot: "cost.reasoning", of: |usage| usage.reasoning, optional: true, always: false },
];

/// As wide as a row with all columns is.
const ALL_COLUMNS: usize = 50;

/// One row a call: how full its context was, its tokens, its cost.
fn turns(to: &mut Builder, calls: &[(&Assembled, usize, &CallFacts)]) {
    let gauges = calls.iter().any(|(_, _, call)| call.window.is_some()) && to.width >= 60;
    let context = if gauges { format!("{:<width$}", "context", width = GAUGE + 7) } else { String::new() };
    // In a narrow pane what a call cost is worth more than how its cache was written.
    let columns: Vec<Column> = COLUMNS.into_iter().filter(|column| column.always || to.width >= ALL_COLUMNS).collect();
    let names: Vec<String> = columns.iter().map(|column| format!("{:>6}", column.head)).collect();
    let head = format!("{:>4}  {context}{}  {:>8}", "turn", names.join(" "), "cost");
    to.line(vec![Run::new(head, "dim")]);
    let several = calls.iter().any(|(trace, ..)| trace.trace != calls[0].0.trace);
    let mut before = None;
    for (trace, turn, call) in calls {
        if several && before != Some(trace.trace) {
            before = Some(trace.trace);
            to.anchor(Anchor::Trace(trace.trace));
            let name = trace.name.as_deref().map_or_else(|| trace.trace.to_string(), wrap::clean_line);
            to.line(vec![Run::new(name, "title")]);
        }
        to.anchor(Anchor::Span(call.span));
        let usage = call.usage.unwrap_or_default();
        let mut line = vec![Run::new(format!("{:>4}  ", turn + 1), "dim")];
        if gauges {
            line.extend(gauge(&usage, call.window));
        }
        for column in &columns {
            let number = (column.of)(&usage);
            let text = if column.optional && number.is_none() { "·".to_owned() } else { format::known(number) };
            line.push(Run::new(format!("{text:>6} "), column.slot));
        }
        let cost = call_cost(call);
        line.push(Run::new(format!(" {cost:>8}"), if call.unpriced { "warning" } else { "tree.cost" }));
        to.line(line);
    }
}

/// `██▍········· 12%  ` of the model's window.
fn gauge(usage: &TokenUsage, window: Option<u64>) -> Vec<Run> {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let (Some(used), Some(window)) = (usage.input(), window.filter(|window| *window > 0)) else {
        return vec![Run::new(" ".repeat(GAUGE + 7), "text")];
    };
    let eighths = usize::try_from(used.saturating_mul(8 * GAUGE as u64) / window).unwrap_or(usize::MAX).min(8 * GAUGE);
    let (full, part) = (eighths / 8, EIGHTHS[eighths % 8]);
    let empty = GAUGE - full - usize::from(!part.is_empty());
    let percent = used.saturating_mul(100) / window;
    vec![
        Run::new(format!("{}{part}", "█".repeat(full)), "gauge.full"),
        Run::new("·".repeat(empty), "gauge.empty"),
        Run::new(format!(" {percent:>3}%  "), "dim"),
    ]
}

fn models(to: &mut Builder, calls: &[(&Assembled, usize, &CallFacts)]) {
    let mut models: Vec<(String, usize, TokenUsage, Usd, u64)> = Vec::new();
    for (_, _, call) in calls {
        let name = call.model.as_deref().or(call.response_model.as_deref()).unwrap_or("unknown model");
        let usage = call.usage.unwrap_or_default();
        let cost = call.cost.as_ref().map_or(Usd(0), |cost| cost.total);
        match models.iter_mut().find(|(known, ..)| known == name) {
            Some((_, count, sum, spent, unpriced)) => {
                *count += 1;
                *sum = *sum + usage;
                *spent = *spent + cost;
                *unpriced += u64::from(call.unpriced);
            }
            None => models.push((name.to_owned(), 1, usage, cost, u64::from(call.unpriced))),
        }
    }
    to.line(vec![Run::new("by model", "dim")]);
    for (name, count, usage, cost, unpriced) in models {
        let price = if unpriced == count as u64 { "unpriced".to_owned() } else { format::money(cost) };
        to.spread(
            vec![Run::new(format!("  {}", wrap::clean_line(&name)), "tree.llm")],
            vec![
                Run::new(
                    format!("{count} × · in {} out {}  ", format::known(usage.input()), format::known(usage.output)),
                    "dim",
                ),
                Run::new(format!("{price:>8}"), "tree.cost"),
            ],
        );
    }
}

/// Where the money went, by kind of token.
fn money(to: &mut Builder, calls: &[(&Assembled, usize, &CallFacts)]) {
    let parts: Vec<_> = calls.iter().filter_map(|(_, _, call)| call.cost.as_ref()?.parts).collect();
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
fn sources(to: &mut Builder, calls: &[(&Assembled, usize, &CallFacts)]) {
    let mut sources: Vec<String> = Vec::new();
    for (_, _, call) in calls {
        let Some(cost) = &call.cost else { continue };
        let mut source = wrap::clean_line(&cost.source.to_string());
        if let (PriceSource::Reported, Some(computed)) = (&cost.source, cost.computed)
            && differs(cost.total, computed)
        {
            source.push_str("; the price table says ");
            source.push_str(&format::money_exact(computed));
        }
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
}

/// More than a tenth apart.
fn differs(reported: Usd, computed: Usd) -> bool {
    (reported.0 - computed.0).unsigned_abs() * 10 > reported.0.max(computed.0).unsigned_abs()
}

fn call_cost(call: &CallFacts) -> String {
    match &call.cost {
        Some(cost) => format::money(cost.total),
        None if call.unpriced => "unpriced".to_owned(),
        None if call.failure.is_some() => "failed".to_owned(),
        None => "?".to_owned(),
    }
}

fn exact(number: Option<u64>) -> String {
    number.map_or_else(|| "?".to_owned(), format::exact)
}
