//! The table above the tool runs, a row a tool: calls, errors, median and 95th percentile of the time, distinct
//! arguments, about how many tokens its results are.

use std::time::Duration;

use super::super::build::Builder;
use super::super::hash::{HashMap, HashSet};
use super::super::tokens;
use super::called::Called;
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{Detail, ToolStatus};
use crate::slots::Slot;

/// Columns of the numbers behind a name.
const NUMBERS: usize = 26;
/// Columns of the widths after those, which give way in a narrow pane: of distinct arguments, of the results' tokens.
const DISTINCT: usize = 15;
const RESULTS: usize = 13;
/// After the last title where columns are left out.
const MORE: &str = " …";

#[derive(Debug)]
pub struct Table {
    /// In the order in which they were first called.
    pub tools: Vec<Tool>,
    /// Columns of the widest name.
    widest: usize,
    /// Whether any tool has results.
    results: bool,
}

/// The runs of one tool.
#[derive(Debug, Default)]
pub struct Tool {
    pub name: String,
    calls: usize,
    failed: usize,
    /// How many differ in their arguments.
    distinct: usize,
    /// `None` where no run says how long it took.
    median: Option<Duration>,
    /// Of 20 runs 19 took at most this.
    p95: Option<Duration>,
    /// About how many bytes of text its results are; `None` where no run has one.
    results: Option<usize>,
}

impl Table {
    pub fn of(detail: &Detail, called: &[Called]) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::default();
        let mut tools: Vec<(Tool, HashSet<u64>, Vec<Duration>)> = Vec::new();
        for called in called {
            let run = called.run(detail);
            let place = *places.entry(&called.name).or_insert(tools.len());
            if place == tools.len() {
                let tool = Tool { name: called.name.clone(), ..Tool::default() };
                tools.push((tool, HashSet::default(), Vec::new()));
            }
            let (tool, inputs, times) = &mut tools[place];
            tool.calls += 1;
            tool.failed += usize::from(run.status == ToolStatus::Error);
            if let Some(output) = &run.output {
                *tool.results.get_or_insert(0) += tokens::bytes_of_parts(output);
            }
            inputs.insert(called.input);
            times.extend(run.started.zip(run.ended).map(|(started, ended)| ended.since(started)));
        }
        let tools = tools.into_iter().map(|(tool, inputs, mut times)| {
            times.sort_unstable();
            Tool { distinct: inputs.len(), median: percentile(&times, 50), p95: percentile(&times, 95), ..tool }
        });
        let tools: Vec<Tool> = tools.collect();
        let widest = tools.iter().map(|tool| wrap::width(&tool.name)).max().unwrap_or(4).clamp(4, 28);
        let results = tools.iter().any(|tool| tool.results.is_some());
        Self { tools, widest, results }
    }

    /// Columns of the names, whether there is room for how many arguments differ, and for the tokens of the results.
    fn columns(&self, to: &Builder) -> (usize, bool, bool) {
        // The name gives way to the numbers, down to some columns.
        let least = self.widest.min(12);
        let distinct = least + NUMBERS + DISTINCT <= to.width;
        let results = self.results && least + NUMBERS + DISTINCT + RESULTS <= to.width;
        let others = NUMBERS + if distinct { DISTINCT } else { 0 } + if results { RESULTS } else { 0 };
        (self.widest.min(to.width.saturating_sub(others).max(4)), distinct, results)
    }

    /// Whether there is more than there is room for.
    fn leaves_out(&self, distinct: bool, results: bool) -> bool {
        !distinct || (self.results && !results)
    }

    pub fn head(&self, to: &mut Builder) {
        let (widest, distinct, results) = self.columns(to);
        let mut head = format!("{:widest$}  {:>5}  {:>3}  {:>5}  {:>5}", "tool", "calls", "err", "p50", "p95");
        if distinct {
            head = format!("{head}{:>DISTINCT$}", "distinct args");
        }
        if results {
            head = format!("{head}{:>RESULTS$}", "result ~tok");
        }
        let has_room = wrap::width(&head) + wrap::width(MORE) <= to.width;
        if self.leaves_out(distinct, results) && has_room {
            head.push_str(MORE);
        }
        to.line(vec![Styled::new(head, Slot::Dim)]);
    }

    pub fn row(&self, to: &mut Builder, row: usize) {
        let (widest, distinct, results) = self.columns(to);
        let tool = &self.tools[row];
        let time = |time: Option<Duration>| time.map_or_else(|| "?".to_owned(), format::duration);
        let shown = wrap::cut_middle(&tool.name, widest);
        let padding = " ".repeat(widest - wrap::width(&shown));
        let failed = if tool.failed > 0 { Slot::Error } else { Slot::Dim };
        let mut row = vec![
            Styled::new(format!("{shown}{padding}"), Slot::MessageTool),
            Styled::new(format!("  {:>5}", tool.calls), Slot::Text),
            Styled::new(format!("  {:>3}", tool.failed), failed),
            Styled::new(format!("  {:>5}  {:>5}", time(tool.median), time(tool.p95)), Slot::Text),
        ];
        if distinct {
            let repeats = tool.distinct < tool.calls;
            let text = format!("{} of {} {}", tool.distinct, tool.calls, if repeats { "↻" } else { " " });
            row.push(Styled::new(format!("{text:>DISTINCT$}"), if repeats { Slot::Warning } else { Slot::Dim }));
        }
        if results {
            let text = tool.results.map_or_else(|| "·".to_owned(), |bytes| tokens::about(tokens::of_bytes(bytes)));
            row.push(Styled::new(format!("{text:>RESULTS$}"), Slot::Dim));
        }
        to.line(row);
    }
}

/// The least of some sorted times that so many percent of them do not exceed.
fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    times.get((times.len() * percent).div_ceil(100).max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=20).map(Duration::from_secs).collect();
        let of = |times: &[Duration], percent| percentile(times, percent).map(|time| time.as_secs());
        assert_eq!([of(&times, 50), of(&times, 95), of(&times[..3], 50)], [Some(10), Some(19), Some(2)]);
        assert_eq!([of(&times[..1], 50), of(&times[..1], 95), of(&[], 95)], [Some(1), Some(1), None]);
    }
}
