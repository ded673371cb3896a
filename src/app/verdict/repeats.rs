//! The same tool called again and again with the same arguments, and what the run spent after that began.

use crate::app::document::hash::{self, HashMap};
use crate::app::wrap;
use crate::model::{AssembledTrace, Part, ToolRun, ToolStatus, Usd};

/// So many equal calls are a loop if they fail, and are mentioned if all return the same.
const FEW: usize = 3;
/// So many equal calls with the same good result are a loop.
const MANY: usize = 5;

/// A tool that was called with the same arguments again and again, to no avail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    pub tool: String,
    pub times: usize,
    pub failing: bool,
    /// More than a remark: it went on for long, or failed each time.
    pub is_loop: bool,
    /// What the run's model calls took since the second of the equal calls was asked for.
    pub calls: u64,
    pub tokens: Option<u64>,
    /// `None` where no cost is known.
    pub cost: Option<Usd>,
}

/// The worst repeat of a run. Calls whose results change are polling, and no repeat.
pub fn of(trace: &AssembledTrace) -> Option<Repeat> {
    if trace.tools.len() < FEW {
        return None;
    }
    let key = |(at, run): (usize, &ToolRun)| (hash::of((run.name.as_str(), run.input.hash())), at);
    let mut runs: Vec<(u64, usize)> = trace.tools.iter().enumerate().map(key).collect();
    runs.sort_unstable();
    let equal = runs.chunk_by(|left, right| left.0 == right.0).filter(|runs| runs.len() >= FEW);
    let found = equal.filter_map(|runs| repeat(trace, &runs.iter().map(|(_, at)| *at).collect::<Vec<_>>()));
    found
        .max_by_key(|(repeat, first)| (repeat.is_loop, repeat.times, std::cmp::Reverse(*first)))
        .map(|(repeat, _)| repeat)
}

/// What some calls with equal arguments are, and which of them was the first.
fn repeat(trace: &AssembledTrace, runs: &[usize]) -> Option<(Repeat, usize)> {
    let failed: Vec<usize> = runs.iter().copied().filter(|at| trace.tools[*at].status == ToolStatus::Error).collect();
    let failing = failed.len() >= FEW;
    let same = if failing { failed } else { with_same_result(trace, runs) };
    if same.len() < FEW {
        return None;
    }
    let second = &trace.tools[same[1]];
    let (calls, tokens, cost) = spent_since(trace, second);
    let tool = wrap::clean_line(&second.name);
    let is_loop = failing || same.len() >= MANY;
    Some((Repeat { tool, times: same.len(), failing, is_loop, calls, tokens, cost }, same[0]))
}

/// The largest group of good runs that returned the same.
fn with_same_result(trace: &AssembledTrace, runs: &[usize]) -> Vec<usize> {
    let mut by_result: HashMap<u64, Vec<usize>> = HashMap::default();
    for at in runs {
        let run = &trace.tools[*at];
        if let Some(output) = run.output.as_ref().filter(|_| run.status == ToolStatus::Ok) {
            by_result.entry(result(output)).or_default().push(*at);
        }
    }
    by_result.into_values().max_by_key(|runs| (runs.len(), std::cmp::Reverse(runs[0]))).unwrap_or_default()
}

fn result(output: &[Part]) -> u64 {
    hash::of(format!("{:?}", output.iter().map(|part| &part.content).collect::<Vec<_>>()))
}

/// How many model calls came after the one that asked for a tool, their tokens and their cost.
fn spent_since(trace: &AssembledTrace, run: &ToolRun) -> (u64, Option<u64>, Option<Usd>) {
    let asked = trace.calls.iter().position(|call| Some(call.span) == run.called_by);
    let after = match (asked, run.started) {
        (Some(at), _) => &trace.calls[at + 1..],
        (None, Some(started)) => {
            let first = trace.calls.iter().position(|call| call.started >= started).unwrap_or(trace.calls.len());
            &trace.calls[first..]
        }
        (None, None) => &[],
    };
    let tokens = after.iter().filter_map(|call| call.usage?.total()).reduce(u64::saturating_add);
    let costs: Vec<Usd> = after.iter().filter_map(|call| Some(call.cost.as_ref()?.total)).collect();
    (after.len() as u64, tokens, (!costs.is_empty()).then(|| costs.into_iter().sum()))
}
