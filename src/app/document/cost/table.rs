//! The table of the Cost pane: a row a call, with how full its context was, its tokens and what it cost.

use super::super::build::Builder;
use super::arithmetic;
use super::doubts::doubted;
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{ModelCall, TokenUsage, Usd};
use crate::slots::Slot;

/// Columns of the gauge's bar, and of the bar with its share of the window.
const BAR: usize = 14;
const GAUGE: usize = BAR + 5;

/// Columns of `turn`.
const TURN: usize = 4;

/// Costs end here, also in a wider pane: the eye has to find them beside their rows.
const EDGE: usize = 72;

/// Where the costs of all rows end.
pub fn edge(to: &Builder) -> usize {
    to.width.min(EDGE)
}

/// A column of token counts.
#[derive(Clone, Copy)]
struct Column {
    head: &'static str,
    slot: Slot,
    of: fn(&TokenUsage) -> Option<u64>,
    /// An unknown number is taken for none: most calls have no such tokens.
    optional: bool,
}

const COLUMNS: [Column; 5] = [
    Column { head: "in", slot: Slot::CostInput, of: TokenUsage::input, optional: false },
    Column { head: "cached", slot: Slot::CostCacheRead, of: |usage| usage.cache_read, optional: true },
    Column { head: "write", slot: Slot::CostCacheWrite, of: |usage| usage.cache_write, optional: true },
    Column { head: "out", slot: Slot::CostOutput, of: |usage| usage.output, optional: false },
    Column { head: "think", slot: Slot::CostReasoning, of: |usage| usage.reasoning, optional: true },
];

impl Column {
    fn text(self, call: &ModelCall) -> String {
        let number = (self.of)(&call.usage.unwrap_or_default());
        if self.optional && number.is_none() { "·".to_owned() } else { format::known(number) }
    }
}

/// How wide the columns are, over all calls of an answer.
#[derive(Debug)]
pub struct Widths {
    /// Of each of [`COLUMNS`].
    columns: [usize; COLUMNS.len()],
    /// Whether any call has something to say in each of them.
    used: [bool; COLUMNS.len()],
    cost: usize,
    /// Whether any call's context window is known.
    windows: bool,
    /// The context window of the calls, where they all have the same.
    window: Option<u64>,
}

impl Widths {
    pub fn of(calls: &[&ModelCall]) -> Self {
        let width = |column: Column| {
            calls.iter().map(|call| wrap::width(&column.text(call))).fold(column.head.len(), usize::max)
        };
        let used = |column: Column| {
            !column.optional || calls.iter().any(|call| call.usage.and_then(|usage| (column.of)(&usage)) > Some(0))
        };
        Self {
            columns: COLUMNS.map(width),
            used: COLUMNS.map(used),
            cost: calls.iter().map(|call| wrap::width(&cost(call))).fold(4, usize::max),
            windows: calls.iter().any(|call| call.window.is_some()),
            window: window_of_all(calls),
        }
    }

    /// The fullest layout that fits. What a call cost is the last to go, the gauge gives way to numbers.
    fn layout(&self, to: &Builder) -> Layout {
        let all = || COLUMNS.into_iter().zip(self.columns).zip(self.used);
        let used = |least: &[&str]| -> Vec<(Column, usize)> {
            let used = all().filter(|((column, _), used)| *used && !least.contains(&column.head));
            used.map(|(column, _)| column).collect()
        };
        let forms = [
            (self.windows, 2, all().map(|(column, _)| column).collect()),
            (self.windows, 2, used(&[])),
            (false, 2, used(&[])),
            (false, 1, used(&[])),
            (false, 1, used(&["think"])),
            (false, 1, used(&["think", "write"])),
            (false, 1, used(&["think", "write", "cached"])),
        ];
        let mut layouts =
            forms.into_iter().map(|(gauge, gap, columns)| Layout { gauge, gap, columns, cost: self.cost });
        let last = layouts.next_back();
        let fits = layouts.find(|layout| layout.width() <= edge(to));
        let mut layout = fits.or(last).expect("there are several");
        layout.cost += edge(to).saturating_sub(layout.width());
        layout
    }

    pub fn head(&self, to: &mut Builder) {
        let layout = self.layout(to);
        let gap = " ".repeat(layout.gap);
        let mut head = vec![format!("{:>TURN$}", "turn")];
        if layout.gauge {
            let window = self.window.map_or_else(String::new, |window| format!(" {}", format::count(window)));
            head.push(format!("  {:<GAUGE$}", format!("context window{window}")));
        }
        head.extend(layout.columns.iter().map(|(column, width)| format!("{gap}{:>width$}", column.head)));
        head.push(format!("{gap}{:>width$}", "cost", width = layout.cost));
        to.line(vec![Styled::new(head.concat(), Slot::Dim)]);
    }

    /// One call: how full its context was, its tokens, its cost.
    pub fn row(&self, to: &mut Builder, call: &ModelCall, turn: Option<usize>) {
        let layout = self.layout(to);
        let gap = " ".repeat(layout.gap);
        to.anchor(call.span);
        let turn = turn.map_or_else(|| "·".to_owned(), |turn| turn.to_string());
        let name = format!("cost of call {}", call.span);
        let mark = if to.is_open(&name, false) { "▾" } else { "▸" };
        // A number of four digits needs the mark's place.
        let turn = if turn.len() < TURN { format!("{mark}{turn:>width$}", width = TURN - 1) } else { turn };
        let mut line = vec![Styled::new(turn, Slot::Dim)];
        if layout.gauge {
            line.extend(gauge(&call.usage.unwrap_or_default(), call.window));
        }
        for (column, width) in &layout.columns {
            line.push(Styled::new(format!("{gap}{:>width$}", column.text(call)), column.slot));
        }
        let doubted = call.lacks_price() || call.broke_off || doubted(call).is_some();
        let slot = if doubted { Slot::Warning } else { Slot::TreeCost };
        line.push(Styled::new(format!("{gap}{:>width$}", cost(call), width = layout.cost), slot));
        if to.fold_line(name, false, line) {
            arithmetic::write(to, call);
        }
    }
}

/// What there is room for.
struct Layout {
    gauge: bool,
    /// Between two columns.
    gap: usize,
    columns: Vec<(Column, usize)>,
    cost: usize,
}

impl Layout {
    fn width(&self) -> usize {
        let gauge = if self.gauge { 2 + GAUGE } else { 0 };
        let columns: usize = self.columns.iter().map(|(_, width)| self.gap + width).sum();
        TURN + gauge + columns + self.gap + self.cost
    }
}

/// The context window of the calls, where they all have the same.
pub fn window_of_all(calls: &[&ModelCall]) -> Option<u64> {
    let mut windows = calls.iter().map(|call| call.window);
    let first = windows.next().flatten()?;
    windows.all(|window| window == Some(first)).then_some(first)
}

/// `  ██▍········· 12%` of the model's window.
fn gauge(usage: &TokenUsage, window: Option<u64>) -> Vec<Styled> {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let (Some(used), Some(window)) = (usage.input(), window.filter(|window| *window > 0)) else {
        return vec![Styled::new(" ".repeat(2 + GAUGE), Slot::Text)];
    };
    let eighths = usize::try_from(used.saturating_mul(8 * BAR as u64) / window).unwrap_or(usize::MAX).min(8 * BAR);
    let (full, part) = (eighths / 8, EIGHTHS[eighths % 8]);
    let empty = BAR - full - usize::from(!part.is_empty());
    // A window that is nearly full is to be seen from afar.
    let slot = match used.saturating_mul(100) / window {
        0..75 => Slot::GaugeFull,
        75..90 => Slot::Warning,
        _ => Slot::Error,
    };
    // A little is not nothing.
    let share = match used.saturating_mul(100) / window {
        0 if used > 0 => "<1%".to_owned(),
        share => format!("{share}%"),
    };
    vec![
        Styled::new(format!("  {}{part}", "█".repeat(full)), slot),
        Styled::new("·".repeat(empty), Slot::GaugeEmpty),
        Styled::new(format!(" {share:>4}"), if slot == Slot::GaugeFull { Slot::Dim } else { slot }),
    ]
}

fn cost(call: &ModelCall) -> String {
    match &call.cost {
        Some(cost) => format::money(cost.total),
        None if call.broke_off => "?".to_owned(),
        None if call.lacks_price() => "unpriced".to_owned(),
        // Nobody is charged for what a provider refused.
        None if call.failure.is_some() => format::money(Usd(0)),
        None => "?".to_owned(),
    }
}
