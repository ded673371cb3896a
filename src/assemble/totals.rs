//! What is known of a trace without reading a word of it: its sums, its state, its name.
//!
//! A list's row and the pane that opens it are made by the same functions, from [`SpanDigest`] alone.

use std::collections::HashSet;

use super::{
    Price,
    calls::{self, CountedCalls},
    failures::{self, PlacedFailure},
    join_tools::{self, JoinedRuns},
    span_digest::SpanDigest,
    span_tree::SpanTree,
};
use crate::model::{
    Category, Cost, CostParts, PriceSource, Project, SessionId, Timestamp, TokenUsage, ToolStatus, Totals, TraceId,
    TraceState,
};

/// What a list shows of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceListing {
    /// The root's name, else that of the earliest span; `None` if only log records are known.
    pub name: Option<String>,
    pub project: Project,
    pub session: Option<SessionId>,
    pub user: Option<String>,
    pub service: Option<String>,
    pub framework: Option<String>,
    /// What the user first said in it, cut to a line.
    pub question: Option<String>,
    pub started: Timestamp,
    /// `None` while it runs.
    pub ended: Option<Timestamp>,
    pub last_seen: Timestamp,
    pub state: TraceState,
    /// Spans received, made-up ones left out.
    pub spans: u64,
    /// Models of counted calls, each once, in order.
    pub models: Vec<String>,
    pub totals: Totals,
    /// Whether anything in it is an agent's work.
    pub has_ai: bool,
}

/// Settles a trace from the facts of its spans and log records, in any order.
pub fn summarize(trace: TraceId, facts: &[SpanDigest], price: Price) -> TraceListing {
    TraceDigest::of(trace, facts, price).listing()
}

/// A trace worked through: its places, calls, tool runs and failures.
#[derive(Debug)]
pub struct TraceDigest<'a> {
    pub tree: SpanTree<'a>,
    pub counted: CountedCalls,
    pub runs: JoinedRuns,
    pub failures: Vec<PlacedFailure>,
    /// The root's facts, then those of the other spans by start, then log records by time.
    pub sources: Vec<&'a SpanDigest>,
}

impl<'a> TraceDigest<'a> {
    pub fn of(trace: TraceId, facts: &'a [SpanDigest], price: Price) -> Self {
        let mut tree = SpanTree::new(trace, facts);
        let counted = calls::count(&tree, price);
        // What hands on a call's answer and its tokens stands for that call, where nothing else tells of it.
        for call in &counted.calls {
            let node = &mut tree.nodes[call.node];
            if node.relays() && node.category == Category::Span {
                node.category = Category::Llm;
            }
        }
        let runs = join_tools::join(&tree, &counted);
        let failures = failures::failures(&tree, &counted);
        let sources = sources(&tree, facts);
        Self { tree, counted, runs, failures, sources }
    }

    /// The first value that the root, another span or a log record has.
    pub fn first<T>(&self, value: impl Fn(&'a SpanDigest) -> Option<T>) -> Option<T> {
        self.sources.iter().find_map(|facts| value(facts))
    }

    fn spans(&self) -> impl Iterator<Item = &'a SpanDigest> + '_ {
        self.sources.iter().copied().filter(|facts| !facts.is_log)
    }

    pub fn state(&self) -> TraceState {
        let failed = match self.tree.root {
            Some(root) => self.tree.nodes[root].failed(),
            None => self.tree.tops().any(super::span_tree::SpanNode::failed),
        };
        if self.spans().any(|facts| facts.ended.is_none()) {
            TraceState::Running
        } else if failed {
            TraceState::Error
        } else {
            TraceState::Ok
        }
    }

    pub fn name(&self) -> Option<String> {
        self.spans().next().map(|facts| facts.name.to_string())
    }

    pub fn project(&self) -> Project {
        self.spans().next().and_then(|facts| facts.project.clone()).unwrap_or_default()
    }

    /// Earliest start and latest end, of log records only where there is no span.
    pub fn times(&self) -> (Timestamp, Option<Timestamp>) {
        let any_span = self.spans().next().is_some();
        let told = || self.sources.iter().filter(|facts| !any_span || !facts.is_log);
        let running = told().any(|facts| facts.ended.is_none());
        let ended = told().filter_map(|facts| facts.ended).max().filter(|_| !running);
        (told().map(|facts| facts.started).min().unwrap_or_default(), ended)
    }

    pub fn totals(&self) -> Totals {
        let Self { tree, counted, runs, failures, .. } = self;
        let mut totals = Totals {
            tool_calls: count(runs.runs.len()),
            failed_tools: count(runs.runs.iter().filter(|run| run.status == ToolStatus::Error).count()),
            errors: count(failures.len()),
            ..Totals::default()
        };
        for call in &counted.calls {
            totals.model_calls += u64::from(tree.nodes[call.node].category.takes_turns());
            totals.usage = totals.usage + call.usage.unwrap_or_default();
            totals.cost = totals.cost + call.cost.as_ref().map(|cost| cost.total).unwrap_or_default();
            // A failed call that reports no tokens costs nothing, and that is known.
            let free = call.failed && !call.usage.is_some_and(|usage| usage.has_tokens());
            totals.priced += u64::from(call.cost.is_some() || free);
            totals.unpriced += u64::from(call.unpriced);
        }
        for payer in &counted.payers {
            totals.cost = totals.cost + tree.nodes[*payer].cost.map(|cost| cost.total).unwrap_or_default();
            totals.priced += 1;
        }
        totals
    }

    /// Models of counted calls as requested, each once, in order.
    fn models(&self) -> Vec<String> {
        let mut known = HashSet::new();
        let models = self.counted.calls.iter().filter_map(|call| {
            let mut sources = call.nodes().flat_map(|node| self.tree.nodes[node].sources());
            sources.find_map(|(_, facts)| facts.model.as_deref())
        });
        models.filter(|model| known.insert(*model)).map(str::to_owned).collect()
    }

    /// What was asked last at the first place where anything was that nobody had answered yet; else where anything was.
    fn question(&self) -> Option<String> {
        let mut nodes: Vec<usize> = (0..self.tree.nodes.len()).collect();
        // Stable: of those that began in one moment the outer one, which was asked, stands before its parts.
        nodes.sort_by_key(|at| self.tree.nodes[*at].started);
        let asked = |anew: bool| {
            nodes.iter().map(|at| &self.tree.nodes[*at]).filter(|node| !node.unconfirmed).find_map(|node| {
                let asked = node.sources().filter(|(_, facts)| facts.anew || !anew);
                asked.filter_map(|(_, facts)| facts.question.as_deref()).last()
            })
        };
        asked(true).or_else(|| asked(false)).map(str::to_owned)
    }

    fn listing(&self) -> TraceListing {
        let (started, ended) = self.times();
        let seen = self.sources.iter().map(|facts| facts.ended.unwrap_or(facts.started).max(facts.started));
        let any_ai = self.tree.nodes.iter().any(|node| node.category.is_ai() || node.speaks());
        TraceListing {
            name: self.name(),
            project: self.project(),
            session: self.first(|facts| facts.session.as_deref()).map(SessionId::from),
            user: self.first(|facts| facts.user.as_deref()).map(str::to_owned),
            service: self.first(|facts| facts.service.as_deref()).map(str::to_owned),
            framework: self.first(|facts| facts.framework.as_deref()).map(str::to_owned),
            question: self.question(),
            started,
            ended,
            last_seen: seen.max().unwrap_or(started),
            state: self.state(),
            spans: count(self.spans().filter(|facts| !facts.synthetic).count()),
            models: self.models(),
            totals: self.totals(),
            has_ai: any_ai || !self.counted.calls.is_empty(),
        }
    }
}

fn sources<'a>(tree: &SpanTree<'a>, facts: &'a [SpanDigest]) -> Vec<&'a SpanDigest> {
    let mut nodes: Vec<usize> = (0..tree.nodes.len()).collect();
    nodes.sort_by_key(|at| (Some(*at) != tree.root, tree.nodes[*at].order()));
    let spans = nodes.into_iter().filter_map(|at| tree.nodes[at].span).map(|(_, facts)| facts);
    let mut logs: Vec<&SpanDigest> = facts.iter().filter(|facts| facts.is_log).collect();
    logs.sort_by_key(|facts| (facts.started, facts.rank));
    spans.chain(logs).collect()
}

pub(super) fn count(number: usize) -> u64 {
    number as u64
}

/// Costs of several calls as one; `None` of none.
pub fn sum<'c>(costs: impl Iterator<Item = &'c Cost>) -> Option<Cost> {
    costs.cloned().reduce(|left, right| Cost {
        total: left.total + right.total,
        parts: left.parts.zip(right.parts).map(|(left, right)| add(left, right)),
        source: if left.source == right.source { left.source } else { several(&left.source, &right.source) },
        computed: match (left.computed, right.computed) {
            (Some(left), Some(right)) => Some(left + right),
            _ => None,
        },
    })
}

fn add(left: CostParts, right: CostParts) -> CostParts {
    CostParts {
        uncached_input: left.uncached_input + right.uncached_input,
        cache_read: left.cache_read + right.cache_read,
        cache_write: left.cache_write + right.cache_write,
        output: left.output + right.output,
    }
}

/// Who says what several calls cost.
fn several(left: &PriceSource, right: &PriceSource) -> PriceSource {
    let (PriceSource::Table { table: first, .. }, PriceSource::Table { table: second, .. }) = (left, right) else {
        return PriceSource::Table { table: "several sources".to_owned(), model: "several models".to_owned() };
    };
    let table = if first == second { first } else { "several tables" };
    PriceSource::Table { table: table.to_owned(), model: "several models".to_owned() }
}

/// Tokens of a list of calls together; `None` where none reports any.
pub fn usage(calls: impl Iterator<Item = Option<TokenUsage>>) -> Option<TokenUsage> {
    calls.flatten().reduce(|left, right| left + right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usd;

    fn table(model: &str, total: i64) -> Cost {
        let source = PriceSource::Table { table: "t".to_owned(), model: model.to_owned() };
        Cost { total: Usd(total), parts: Some(CostParts::default()), source, computed: None }
    }

    #[test]
    fn costs_of_several_models_say_so() {
        let cost = sum([table("a", 1), table("b", 2)].iter()).unwrap();
        assert_eq!((cost.total, cost.source.to_string()), (Usd(3), "t: several models".to_owned()));
        assert_eq!(sum([table("a", 1), table("a", 2)].iter()).unwrap().source.to_string(), "t: a");
        assert_eq!(sum([].iter()), None);
    }
}
