//! The panels of the statistics as tables: their columns and their rows.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use super::words;
use crate::app::{
    format::{self, Zone},
    styled::Styled,
    wrap,
};
use crate::model::{Attention, Group, Groups, Outcomes, Spread, Stats, Timed, Timestamp};
use crate::slots::Slot;

/// What nothing is drawn as.
const NONE: &str = "·";
/// Columns of a bar.
const BAR: usize = 8;

/// One table of the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Panel {
    #[default]
    Attention,
    Outcome,
    Speed,
    Models,
    Tools,
    Agents,
    Sessions,
    Users,
}

/// What the rows of a panel are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Cost,
    Calls,
    Slowest,
    Failed,
    Name,
}

/// A column: its heading, how wide it is, and how soon it is left out. One of no width takes what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub head: &'static str,
    pub width: usize,
    /// Where there is no room, columns are left out from the highest number down; one with 0 never is.
    pub left_out: u8,
}

const fn column(head: &'static str, width: usize, left_out: u8) -> Column {
    Column { head, width, left_out }
}

impl Panel {
    /// In the order in which one goes through them.
    pub const ALL: [Self; 8] = [
        Self::Attention,
        Self::Outcome,
        Self::Speed,
        Self::Models,
        Self::Tools,
        Self::Agents,
        Self::Sessions,
        Self::Users,
    ];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Attention => "Needs attention",
            Self::Outcome => "Outcome",
            Self::Speed => "Speed and cost",
            Self::Models => "Models",
            Self::Tools => "Tools",
            Self::Agents => "Agents",
            Self::Sessions => "Sessions",
            Self::Users => "Users",
        }
    }

    /// Its place among all.
    #[must_use]
    pub fn at(self) -> usize {
        Self::ALL.iter().position(|panel| *panel == self).unwrap_or_default()
    }

    /// The heading of a column; `~` marks percentiles that are not exact.
    #[must_use]
    pub fn head(self, column: &Column, stats: &Stats) -> &'static str {
        // Those of sessions and users always are.
        match column.head {
            "p50" if stats.rounded && !matches!(self, Self::Sessions | Self::Users) => "~p50",
            "p95" if stats.rounded && !matches!(self, Self::Sessions | Self::Users) => "~p95",
            head => head,
        }
    }

    /// By what its rows can be ordered, the usual first; none: they have one order.
    #[must_use]
    pub fn orders(self) -> &'static [Order] {
        match self {
            Self::Attention | Self::Outcome | Self::Speed => &[],
            Self::Tools => &[Order::Calls, Order::Failed, Order::Slowest, Order::Name],
            _ => &[Order::Cost, Order::Calls, Order::Failed, Order::Slowest, Order::Name],
        }
    }

    /// Its columns; the first has the name.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Attention => {
                &const { [column("run", 0, 0), column("why", 0, 0), column("cost", 7, 2), column("age", 4, 1)] }
            }
            Self::Outcome => {
                &const { [column("", 0, 0), column("runs", 6, 0), column("share", 5, 1), column("", BAR, 2)] }
            }
            Self::Speed => &const { [column("", 0, 0), column("p50", 7, 0), column("p95", 7, 0), column("max", 7, 1)] },
            Self::Models => {
                &const {
                    [
                        column("model", 0, 0),
                        column("calls", 5, 2),
                        column("err", 4, 4),
                        column("p50", 5, 3),
                        column("p95", 5, 3),
                        column("first", 5, 5),
                        column("in", 5, 6),
                        column("cached", 6, 7),
                        column("out", 5, 6),
                        column("cost", 7, 0),
                        column("", BAR, 8),
                    ]
                }
            }
            Self::Tools => {
                &const {
                    [
                        column("tool", 0, 0),
                        column("runs", 5, 0),
                        column("err", 4, 1),
                        column("p50", 5, 2),
                        column("p95", 5, 2),
                        column("max", 5, 4),
                        column("loops", 5, 1),
                        column("~tok", 5, 3),
                    ]
                }
            }
            Self::Agents => {
                &const {
                    [
                        column("agent", 0, 0),
                        column("calls", 5, 2),
                        column("err", 4, 3),
                        column("p50", 5, 5),
                        column("p95", 5, 4),
                        column("first", 5, 6),
                        column("tok", 5, 5),
                        column("cost", 7, 0),
                        column("", BAR, 7),
                    ]
                }
            }
            Self::Sessions | Self::Users => {
                &const {
                    [
                        column("", 0, 0),
                        column("runs", 5, 2),
                        column("fail", 4, 3),
                        column("loops", 5, 5),
                        column("p50", 5, 6),
                        column("p95", 5, 4),
                        column("tok", 5, 6),
                        column("cost", 7, 0),
                        column("", BAR, 7),
                    ]
                }
            }
        }
    }

    /// How many rows it has.
    #[must_use]
    pub fn length(self, stats: &Stats) -> usize {
        match self {
            Self::Attention => stats.attention.len(),
            Self::Outcome => outcomes(stats).count(),
            Self::Speed => {
                Timed::ALL.iter().filter(|timed| stats.took(**timed).is_some()).count()
                    + usize::from(stats.cost_of_run.is_some())
            }
            _ => self.groups(stats).map_or(0, |groups| groups.rows.len()),
        }
    }

    /// How many there are, with those that are left out.
    #[must_use]
    pub fn total(self, stats: &Stats) -> u64 {
        let length = self.length(stats) as u64;
        self.groups(stats).map_or(length, |groups| groups.total.max(length))
    }

    pub(super) fn groups(self, stats: &Stats) -> Option<&Groups> {
        match self {
            Self::Attention | Self::Outcome | Self::Speed => None,
            Self::Models => Some(&stats.models),
            Self::Tools => Some(&stats.tools),
            Self::Agents => Some(&stats.agents),
            Self::Sessions => Some(&stats.by_session),
            Self::Users => Some(&stats.users),
        }
    }

    /// The places of its rows in an order.
    #[must_use]
    pub fn sorted(self, stats: &Stats, order: Option<Order>) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.length(stats)).collect();
        let (Some(groups), Some(order)) = (self.groups(stats), order) else { return places };
        let of = |at: &usize| &groups.rows[*at];
        let slowest = |group: &Group| group.took.map(|took| took.p95);
        match order {
            Order::Cost => places.sort_by_key(|at| Reverse((of(at).cost, of(at).runs.max(of(at).calls)))),
            Order::Calls => places.sort_by_key(|at| Reverse((of(at).runs, of(at).calls))),
            Order::Slowest => places.sort_by_key(|at| Reverse(slowest(of(at)))),
            Order::Failed => places.sort_by_key(|at| Reverse(of(at).failed)),
            Order::Name => places.sort_by(|left, right| of(left).name.cmp(&of(right).name)),
        }
        places
    }

    /// The cells of a row, in the order of the columns.
    #[must_use]
    pub fn cells(self, stats: &Stats, at: usize, now: Timestamp, zone: &Zone) -> Vec<Styled> {
        let group = || self.groups(stats)?.rows.get(at);
        let cells = match self {
            Self::Attention => stats.attention.get(at).map(|run| attention(run, now, zone)),
            Self::Outcome => outcomes(stats).nth(at).map(|outcome| of_outcome(stats, outcome)),
            Self::Speed => speeds(stats).nth(at).map(|speed| of_speed(stats, speed)),
            Self::Models => group().map(|group| of_model(stats, group)),
            Self::Tools => group().map(of_tool),
            Self::Agents => group().map(|group| of_agent(stats, group)),
            Self::Sessions => group().map(|group| of_runs(stats, group, "(no session)")),
            Self::Users => group().map(|group| of_runs(stats, group, "(no user)")),
        };
        cells.unwrap_or_default()
    }
}

/// The groups of runs that there are.
pub(super) fn outcomes(stats: &Stats) -> impl Iterator<Item = Outcomes> + '_ {
    Outcomes::ALL.into_iter().filter(|outcome| stats.runs(*outcome) > 0)
}

/// What took how long, of what there is; `None` stands for what a run cost.
pub(super) fn speeds(stats: &Stats) -> impl Iterator<Item = Option<(Timed, Spread<Duration>)>> + '_ {
    let timed = Timed::ALL.into_iter().filter_map(|timed| Some(Some((timed, stats.took(timed)?))));
    timed.chain(stats.cost_of_run.map(|_| None))
}

fn attention(run: &Attention, now: Timestamp, zone: &Zone) -> Vec<Styled> {
    let (mark, slot) = words::mark(run.why);
    let name = run.label.as_deref().or(run.question.as_deref()).map(wrap::clean_line);
    let name = name.unwrap_or_else(|| format!("{:.8}", run.trace.to_string()));
    let cost = match run.cost {
        Some(cost) => format::money(cost),
        None if run.unpriced => "?".to_owned(),
        None => NONE.to_owned(),
    };
    vec![
        Styled::new(format!("{mark} {name}"), slot),
        Styled::new(words::why(run), Slot::Text),
        Styled::new(cost, Slot::TreeCost),
        Styled::new(format::age(run.started, now, zone), Slot::Dim),
    ]
}

fn of_outcome(stats: &Stats, outcome: Outcomes) -> Vec<Styled> {
    let (mark, slot) = words::mark(outcome);
    let (runs, all) = (stats.runs(outcome), stats.states.all());
    vec![
        Styled::new(format!("{mark} {}", words::short_word(outcome)), slot),
        Styled::new(format::count(runs), Slot::TreeNumber),
        Styled::new(share_text(runs, all), Slot::Dim),
        bar(runs, all, slot),
    ]
}

fn of_speed(stats: &Stats, speed: Option<(Timed, Spread<Duration>)>) -> Vec<Styled> {
    let number = |text: String| Styled::new(text, Slot::TreeNumber);
    match (speed, stats.cost_of_run) {
        (Some((timed, took)), _) => {
            let values = [took.p50, took.p95, took.max].map(format::duration).map(number);
            std::iter::once(Styled::new(timed.as_str(), Slot::Text)).chain(values).collect()
        }
        (None, cost) => {
            let cost = cost.unwrap_or_default();
            let costs = [cost.p50, cost.p95, cost.max].map(format::money).map(|cost| Styled::new(cost, Slot::TreeCost));
            std::iter::once(Styled::new("run cost", Slot::Text)).chain(costs).collect()
        }
    }
}

fn of_model(stats: &Stats, group: &Group) -> Vec<Styled> {
    let name = group.name.as_deref().map(|name| model_name(stats, name));
    let cached = group.usage.cached_share().map_or_else(|| NONE.to_owned(), format::percent);
    let [p50, p95, _] = times(group.took);
    let [first, ..] = times(group.first_token);
    vec![
        name_of(name.as_deref(), "(no model)"),
        number(group.calls),
        failed(group.failed, group.calls),
        p50,
        p95,
        first,
        tokens(group.usage.input()),
        Styled::new(cached, Slot::CostCacheRead),
        tokens(group.usage.output),
        cost(group),
        share(stats, group),
    ]
}

/// A model as people call it. Two models may have one such name: then their regions tell them apart, else their whole names.
fn model_name<'a>(stats: &Stats, name: &'a str) -> Cow<'a, str> {
    let names = || stats.models.rows.iter().filter_map(|group| group.name.as_deref());
    let short = format::model(name);
    if names().filter(|other| format::model(other) == short).count() <= 1 {
        return short.into();
    }
    let regional = format::regional_model(name);
    if names().filter(|other| format::regional_model(other) == regional).count() <= 1 { regional } else { name.into() }
}

fn of_agent(stats: &Stats, group: &Group) -> Vec<Styled> {
    let [p50, p95, _] = times(group.took);
    let [first, ..] = times(group.first_token);
    vec![
        name_of(group.name.as_deref(), "(no agent)"),
        number(group.calls),
        failed(group.failed, group.calls),
        p50,
        p95,
        first,
        tokens(group.usage.total()),
        cost(group),
        share(stats, group),
    ]
}

fn of_tool(group: &Group) -> Vec<Styled> {
    let [p50, p95, max] = times(group.took);
    vec![
        name_of(group.name.as_deref(), "(no name)"),
        // It was offered and never called.
        if group.calls == 0 { Styled::new("never", Slot::Dim) } else { number(group.calls) },
        failed(group.failed, group.calls),
        p50,
        p95,
        max,
        loops(group),
        group.offered.as_ref().and_then(|offered| offered.tokens).map_or_else(
            || Styled::new(NONE, Slot::Dim),
            |tokens| Styled::new(format!("~{}", format::count(tokens)), Slot::TreeNumber),
        ),
    ]
}

fn of_runs(stats: &Stats, group: &Group, none: &str) -> Vec<Styled> {
    let [p50, p95, _] = times(group.took);
    vec![
        name_of(group.name.as_deref(), none),
        number(group.runs),
        failed(group.failed, group.runs),
        loops(group),
        p50,
        p95,
        tokens(group.usage.total()),
        cost(group),
        share(stats, group),
    ]
}

fn name_of(name: Option<&str>, none: &str) -> Styled {
    match name.map(wrap::clean_line).filter(|name| !name.trim().is_empty()) {
        Some(name) => Styled::new(name, Slot::Text),
        None => Styled::new(none, Slot::Dim),
    }
}

fn number(number: u64) -> Styled {
    Styled::new(format::count(number), Slot::TreeNumber)
}

fn tokens(tokens: Option<u64>) -> Styled {
    Styled::new(tokens.map_or_else(|| NONE.to_owned(), format::count), Slot::TreeNumber)
}

/// The share that failed.
fn failed(failed: u64, of: u64) -> Styled {
    if failed == 0 { Styled::new(NONE, Slot::Dim) } else { Styled::new(share_text(failed, of), Slot::Error) }
}

fn loops(group: &Group) -> Styled {
    match group.loops {
        0 => Styled::new(NONE, Slot::Dim),
        loops => Styled::new(format!("↻{}", format::count(loops)), Slot::Error),
    }
}

fn times(took: Option<Spread<Duration>>) -> [Styled; 3] {
    let time =
        |time: Option<Duration>| Styled::new(time.map_or_else(|| NONE.to_owned(), format::duration), Slot::TreeNumber);
    [time(took.map(|took| took.p50)), time(took.map(|took| took.p95)), time(took.map(|took| took.max))]
}

/// `$1.31`, `$1.31+` where some of it has no price, `?` where none of it has.
fn cost(group: &Group) -> Styled {
    let text = match (group.priced, group.unpriced) {
        (0, 0) if group.calls == 0 => NONE.to_owned(),
        (0, _) => "?".to_owned(),
        (_, 0) => format::money(group.cost),
        _ => format::money_at_least(group.cost),
    };
    Styled::new(text, Slot::TreeCost)
}

/// The share of all costs, as a bar.
fn share(stats: &Stats, group: &Group) -> Styled {
    let part = u64::try_from(group.cost.0).unwrap_or_default();
    bar(part, u64::try_from(stats.totals.cost.0).unwrap_or_default(), Slot::GaugeFull)
}

/// A part of a whole as a bar: a little is not nothing.
fn bar(part: u64, whole: u64, slot: Slot) -> Styled {
    let halves = u128::from(part) * 2 * BAR as u128 / u128::from(whole.max(1));
    let halves = usize::try_from(halves).unwrap_or(2 * BAR).clamp(usize::from(part > 0), 2 * BAR);
    Styled::new(format!("{}{}", "█".repeat(halves / 2), if halves % 2 == 1 { "▌" } else { "" }), slot)
}

#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
fn share_text(part: u64, whole: u64) -> String {
    if whole == 0 { NONE.to_owned() } else { format::percent(part as f64 / whole as f64) }
}
