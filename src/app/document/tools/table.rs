//! The table above the tool runs, a row a tool: calls, errors, median and slowest, distinct arguments.

use std::time::Duration;

use super::super::build::Builder;
use super::super::hash::{HashMap, HashSet, fingerprint};
use super::called::Called;
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{Detail, ToolStatus};
use crate::slots::Slot;

/// Columns of the numbers behind a name, and of the last one of them.
const NUMBERS: usize = 26;
const DISTINCT: usize = 15;

#[derive(Debug)]
pub struct Table {
    /// In the order in which they were first called.
    pub tools: Vec<Tool>,
    /// Columns of the widest name.
    widest: usize,
}

/// The runs of one tool.
#[derive(Debug)]
pub struct Tool {
    pub name: String,
    calls: usize,
    failed: usize,
    /// How many differ in their arguments.
    distinct: usize,
    /// `None` where no run says how long it took.
    median: Option<Duration>,
    slowest: Option<Duration>,
}

impl Table {
    pub fn of(detail: &Detail, called: &[Called]) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::default();
        let mut tools: Vec<(Tool, HashSet<u64>, Vec<Duration>)> = Vec::new();
        for called in called {
            let run = called.run(detail);
            let place = *places.entry(&called.name).or_insert(tools.len());
            if place == tools.len() {
                let name = called.name.clone();
                let tool = Tool { name, calls: 0, failed: 0, distinct: 0, median: None, slowest: None };
                tools.push((tool, HashSet::default(), Vec::new()));
            }
            let (tool, inputs, times) = &mut tools[place];
            tool.calls += 1;
            tool.failed += usize::from(run.status == ToolStatus::Error);
            inputs.insert(fingerprint(&run.input));
            times.extend(run.started.zip(run.ended).map(|(started, ended)| ended.since(started)));
        }
        let tools = tools.into_iter().map(|(tool, inputs, mut times)| {
            times.sort_unstable();
            let last = times.len().saturating_sub(1);
            let (median, slowest) = (times.get(last / 2).copied(), times.get(last).copied());
            Tool { distinct: inputs.len(), median, slowest, ..tool }
        });
        let tools: Vec<Tool> = tools.collect();
        let widest = tools.iter().map(|tool| wrap::width(&tool.name)).max().unwrap_or(4).clamp(4, 28);
        Self { tools, widest }
    }

    /// Columns of the names, and whether there is room for how many arguments differ.
    fn columns(&self, to: &Builder) -> (usize, bool) {
        let widest = self.widest.min(to.width.saturating_sub(NUMBERS).max(4));
        (widest, widest + NUMBERS + DISTINCT <= to.width)
    }

    pub fn head(&self, to: &mut Builder) {
        let (widest, distinct) = self.columns(to);
        let head = format!("{:widest$}  {:>5}  {:>3}  {:>5}  {:>5}", "tool", "calls", "err", "p50", "max");
        to.line(vec![Styled::new(head + if distinct { "  distinct args" } else { "" }, Slot::Dim)]);
    }

    pub fn row(&self, to: &mut Builder, row: usize) {
        let (widest, distinct) = self.columns(to);
        let tool = &self.tools[row];
        let time = |time: Option<Duration>| time.map_or_else(|| "?".to_owned(), format::duration);
        let shown = wrap::cut_middle(&tool.name, widest);
        let padding = " ".repeat(widest - wrap::width(&shown));
        let failed = if tool.failed > 0 { Slot::Error } else { Slot::Dim };
        let mut row = vec![
            Styled::new(format!("{shown}{padding}"), Slot::MessageTool),
            Styled::new(format!("  {:>5}", tool.calls), Slot::Text),
            Styled::new(format!("  {:>3}", tool.failed), failed),
            Styled::new(format!("  {:>5}  {:>5}", time(tool.median), time(tool.slowest)), Slot::Text),
        ];
        row.extend(distinct.then(|| Styled::new(format!("  {} of {}", tool.distinct, tool.calls), Slot::Dim)));
        to.line(row);
    }
}
