//! The same tool called again and again with the same arguments, and what the run spent after that began.

use super::hash;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, EqualRuns, Outcome, Part, ToolRun, ToolStatus, Usd, Value};

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

impl Repeat {
    /// `3 model calls · 69k tokens · $.194`: what came after it began; `None` where nothing did.
    #[must_use]
    pub fn spent(&self) -> Option<String> {
        let calls = match self.calls {
            0 => return None,
            1 => "1 model call".to_owned(),
            calls => format!("{} model calls", format::count(calls)),
        };
        let tokens = self.tokens.map(|tokens| format!("{} tokens", format::count(tokens)));
        let facts: Vec<String> = [Some(calls), tokens, self.cost.map(format::money)].into_iter().flatten().collect();
        Some(facts.join(" · "))
    }
}

/// The runs of a tool that are the worst repeat of a run, by the same rule as in its row of lists.
pub fn equal_runs(trace: &AssembledTrace) -> Option<EqualRuns> {
    // Arguments that were not recorded may be others each time, and what an earlier run called was not called here.
    let known = |run: &ToolRun| !run.earlier && *run.input != Value::Null;
    let key = |run: &ToolRun| known(run).then(|| hash::of((run.name.as_str(), run.input.hash())));
    EqualRuns::worst(trace.tools.iter().map(key), |at| outcome(&trace.tools[at]))
}

/// The worst repeat of a run.
pub fn of(trace: &AssembledTrace) -> Option<Repeat> {
    let equal = equal_runs(trace)?;
    let second = &trace.tools[*equal.runs.get(1)?];
    let (calls, tokens, cost) = spent_since(trace, second);
    Some(Repeat {
        tool: wrap::clean_line(&second.name),
        times: equal.runs.len(),
        failing: equal.failing,
        is_loop: equal.is_loop(),
        calls,
        tokens,
        cost,
    })
}

fn outcome(run: &ToolRun) -> Outcome {
    match (run.status, &run.output) {
        (ToolStatus::Error, _) => Outcome::Failed,
        (ToolStatus::Ok, Some(output)) => Outcome::Returned(result(output)),
        _ => Outcome::Unknown,
    }
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
