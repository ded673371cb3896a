//! What is known of a trace without its messages: totals, state, name, question.
//!
//! A row of a list and the pane that opens it are computed by the same functions, from [`SpanDigest`] alone.

use std::collections::{BTreeSet, HashSet};

use super::{
    Price,
    calls::{self, CountedCalls},
    evaluations,
    failures::{self, PlacedFailure},
    join_tools,
    joined_runs::JoinedRuns,
    reassign_logs,
    span_digest::{FailureDigest, SpanDigest},
    span_tree::SpanTree,
    steps::{self, Step},
    waits,
};
use crate::model::{
    CacheBreak, Category, Cost, CostParts, PriceSource, Project, RepeatSummary, Score, SessionId, Timestamp,
    TokenUsage, ToolStatus, Totals, TraceId, TraceState, Waits,
};

/// Longest failure in a list, in characters.
const FAILURE: usize = 160;
/// Most failures of a trace whose kinds and texts are kept for search.
const FAILURES: usize = 16;
/// More tools than this are not noted as called.
const CALLED_TOOLS: usize = 1000;

/// What a list shows of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceListing {
    /// The root's name, else that of the earliest span; `None` if there are only log records.
    pub name: Option<String>,
    /// See [`crate::model::TraceSummary::label`].
    pub label: Option<String>,
    /// That of the root, else of the earliest span; the default project if there are only log records.
    pub project: Project,
    /// The session of the root, else of the first span or log record that names one.
    pub session: Option<SessionId>,
    /// The end user, found in the same way.
    pub user: Option<String>,
    /// The service, found in the same way among spans.
    pub service: Option<String>,
    /// The agent framework, found in the same way.
    pub framework: Option<String>,
    /// The first question that the user asked in this trace, on one line.
    pub question: Option<String>,
    /// Start of the earliest span, or the time of the first log record if there is no span.
    pub started: Timestamp,
    /// `None` while any span runs.
    pub ended: Option<Timestamp>,
    /// The latest start or end of any span or log record.
    pub last_seen: Timestamp,
    /// Whether a span has no end yet, it failed or it went well.
    pub state: TraceState,
    /// What has to come before it is complete; `None` where nothing is missing.
    pub waits: Option<Waits>,
    /// Number of spans received; those made from log records are left out.
    pub spans: u64,
    /// Requested models of the counted calls, each once, in order.
    pub models: Vec<String>,
    /// Sums over the counted calls, tool runs and failures.
    pub totals: Totals,
    /// Whether any node is a model call, an agent's or a tool's work, or has messages.
    pub has_ai: bool,
    /// Its last failure on one line; `None` where nothing failed, or nothing is known of what did.
    pub failure: Option<String>,
    /// The kinds of its failures without what stands before their last dot, and all that is known of each in a line: each
    /// once, in order, the first [`FAILURES`].
    pub failure_kinds: Vec<String>,
    pub failure_texts: Vec<String>,
    /// Whether its last answer was cut at a limit of tokens.
    pub cut_off: bool,
    /// Its worst repeat.
    pub repeat: Option<RepeatSummary>,
    /// What it was judged by; `None` where nobody did.
    pub score: Option<Score>,
    /// The first turn whose prompt was cached much less than that of the turn before.
    pub cache_break: Option<CacheBreak>,
    /// The tool of which a complete trace has no result, though it went on after it was called.
    pub unanswered: Option<String>,
    /// Its counted calls, tool runs and payers.
    pub steps: Vec<Step>,
    /// The tools that are known to have been called, each once: also those of which only a later prompt says so.
    pub called_tools: Vec<String>,
}

/// Computes the listing of a trace from the digests of its spans and log records, in any order.
pub fn summarize(trace: TraceId, facts: &[SpanDigest], price: Price) -> TraceListing {
    TraceDigest::of(trace, facts, price).listing()
}

/// Everything that is computed from the digests of a trace: span tree, counted calls, tool runs and failures.
#[derive(Debug)]
pub struct TraceDigest<'a> {
    /// The spans and their log records.
    pub tree: SpanTree<'a>,
    /// The model calls that count.
    pub counted: CountedCalls,
    /// The tool runs.
    pub runs: JoinedRuns,
    /// Each failure once, by time.
    pub failures: Vec<PlacedFailure>,
    /// The root's digest, then those of the other spans by start, then those of the log records by time.
    pub sources: Vec<&'a SpanDigest>,
}

impl<'a> TraceDigest<'a> {
    /// Computes all of it. The digests may come in any order.
    pub fn of(trace: TraceId, facts: &'a [SpanDigest], price: Price) -> Self {
        let mut tree = SpanTree::new(trace, facts);
        reassign_logs::reassign(&mut tree.nodes);
        let counted = calls::count(&tree, price);
        // A delivery that counts stands for the model call that made its message, so it is shown as one (`calls.md` 4).
        for call in &counted.calls {
            let node = &mut tree.nodes[call.node];
            if node.relays() && node.category == Category::Span {
                node.category = Category::Llm;
            }
        }
        let runs = join_tools::join(&tree, &counted, facts.iter().any(|digest| digest.session.is_some()));
        let failures = failures::failures(&tree, &counted, &runs);
        let sources = sources(&tree, facts);
        Self { tree, counted, runs, failures, sources }
    }

    /// The first value that the root, another span or a log record has, in this order.
    pub fn first<T>(&self, value: impl Fn(&'a SpanDigest) -> Option<T>) -> Option<T> {
        self.sources.iter().find_map(|facts| value(facts))
    }

    /// The digests of the spans, the root first.
    fn spans(&self) -> impl Iterator<Item = &'a SpanDigest> + '_ {
        self.sources.iter().copied().filter(|facts| !facts.is_log)
    }

    /// Running while any span has no end. Failed if the root failed; without a root, if any top-most span did.
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

    /// The latest start or end of any span or log record; of scores only where there is nothing else, for they may come
    /// long after the program has ended.
    pub fn last_seen(&self) -> Timestamp {
        let seen = |of_scores: bool| {
            let counted = self.sources.iter().filter(|digest| digest.only_judges() == of_scores);
            counted.map(|digest| digest.ended.unwrap_or(digest.started).max(digest.started)).max()
        };
        seen(false).or_else(|| seen(true)).unwrap_or_default()
    }

    /// What the trace waits for; `None` if it is complete.
    pub fn waits(&self) -> Option<Waits> {
        waits::waits(&self.tree, &self.sources)
    }

    /// The root's name, else that of the earliest span; `None` if there is no span.
    pub fn name(&self) -> Option<String> {
        self.spans().next().map(|facts| facts.name.to_string())
    }

    /// The name that people gave; see [`crate::model::TraceSummary::label`]. Without a root, or where that is
    /// plumbing, the first agent that ran tells it.
    pub fn label(&self) -> Option<String> {
        let nodes = &self.tree.nodes;
        let agent = || nodes.iter().position(|node| node.category == Category::Agent && node.span.is_some());
        let root = self.tree.root.filter(|root| !nodes[*root].is_plumbing());
        let at = root.or_else(agent)?;
        let (_, digest) = nodes[at].span?;
        match nodes[at].category {
            Category::Agent => agent_label(digest),
            Category::Span | Category::Chain => digest.given_name(),
            _ => None,
        }
        .map(str::to_owned)
    }

    /// The project of the root, else of the earliest span.
    pub fn project(&self) -> Project {
        self.spans().next().and_then(|facts| facts.project.clone()).unwrap_or_default()
    }

    /// Earliest start and latest end of the spans, or of the log records if there is no span. The end is `None` while
    /// anything runs.
    pub fn times(&self) -> (Timestamp, Option<Timestamp>) {
        let any_span = self.spans().next().is_some();
        let told = || self.sources.iter().filter(|facts| !any_span || !facts.is_log);
        let running = told().any(|facts| facts.ended.is_none());
        let ended = told().filter_map(|facts| facts.ended).max().filter(|_| !running);
        (told().map(|facts| facts.started).min().unwrap_or_default(), ended)
    }

    /// The sums over counted calls, payers, tool runs and failures.
    pub fn totals(&self) -> Totals {
        let Self { tree, counted, runs, failures, .. } = self;
        let own = || runs.runs.iter().filter(|run| !run.earlier);
        let mut totals = Totals {
            tool_calls: count(own().count()),
            pending_tools: count(own().filter(|run| run.status == ToolStatus::Pending).count()),
            failed_tools: count(own().filter(|run| run.status == ToolStatus::Error).count()),
            errors: count(failures.len()),
            ..Totals::default()
        };
        for call in &counted.calls {
            totals.model_calls += u64::from(tree.nodes[call.node].category.takes_turns());
            totals.usage = totals.usage + call.usage.unwrap_or_default();
            totals.cost = totals.cost + call.cost.as_ref().map(|cost| cost.total).unwrap_or_default();
            // What a provider refused costs nothing, and that is known.
            let free = call.failed && !call.has_tokens() && !call.broke_off;
            totals.priced += u64::from(call.cost.is_some() || free);
            totals.unpriced += u64::from(call.unpriced);
        }
        for payer in &counted.payers {
            totals.cost = totals.cost + tree.nodes[*payer].cost.map(|cost| cost.total).unwrap_or_default();
            totals.priced += 1;
        }
        totals
    }

    /// Requested models of the counted calls, each once, in order.
    fn models(&self) -> Vec<String> {
        let mut known = HashSet::new();
        let models = self.counted.calls.iter().filter_map(|call| call.model(&self.tree));
        models.filter(|model| known.insert(*model)).map(str::to_owned).collect()
    }

    /// The user's last text at the earliest node with a question that nobody has answered yet; without such a node, at
    /// the earliest one with any question.
    pub(super) fn question(&self) -> Option<String> {
        let mut nodes: Vec<usize> = (0..self.tree.nodes.len()).collect();
        // The sort is stable: of nodes that began at the same moment the outer one, which was asked, comes before its
        // parts.
        nodes.sort_by_key(|at| self.tree.nodes[*at].started);
        let asked = |anew: bool| {
            nodes.iter().map(|at| &self.tree.nodes[*at]).filter(|node| !node.unconfirmed).find_map(|node| {
                let asked = node.sources().filter(|(_, facts)| facts.anew || !anew);
                asked.filter_map(|(_, facts)| facts.question.as_deref()).last()
            })
        };
        asked(true).or_else(|| asked(false)).map(str::to_owned)
    }

    /// The kind and the message of a failure; each `None` where it is not known.
    fn described(&self, site: &PlacedFailure) -> (Option<&str>, Option<&str>) {
        let digest = |node: usize| self.tree.nodes[node].failure();
        let (own, other) = (digest(site.node), digest(site.described_by));
        let first =
            |value: fn(&FailureDigest) -> Option<&String>| own.and_then(value).or_else(|| other.and_then(value));
        (
            first(|failure| failure.kind.as_ref()).map(String::as_str),
            first(|failure| failure.message.as_ref()).map(String::as_str),
        )
    }

    /// The kinds and the texts of the failures.
    fn failure_names(&self) -> (Vec<String>, Vec<String>) {
        let (mut kinds, mut texts): (Vec<String>, Vec<String>) = Default::default();
        let add = |into: &mut Vec<String>, text: &str| {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if !line.is_empty() && into.len() < FAILURES && !into.contains(&line) {
                into.push(line);
            }
        };
        for site in &self.failures {
            let (kind, message) = self.described(site);
            add(&mut kinds, short(kind.unwrap_or_default()));
            add(&mut texts, &[kind, message].into_iter().flatten().collect::<Vec<_>>().join(": "));
            if texts.len() == FAILURES && kinds.len() == FAILURES {
                break;
            }
        }
        (kinds, texts)
    }

    /// The last failure on one line: its kind without what stands before its last dot, and its message.
    fn failure(&self) -> Option<String> {
        let (kind, message) = self.described(self.failures.last()?);
        let kind = kind.map(short);
        let message = message.and_then(|message| message.lines().find(|line| !line.trim().is_empty()));
        let texts: Vec<&str> = kind.into_iter().chain(message).map(str::trim).filter(|text| !text.is_empty()).collect();
        let text: String = texts.join(": ").chars().take(FAILURE).collect();
        Some(text).filter(|text| !text.is_empty())
    }

    /// Puts the listing together.
    fn listing(&self) -> TraceListing {
        let (started, ended) = self.times();
        let Self { tree, counted, runs, sources, failures: _ } = self;
        let counted = steps::Counted { tree, calls: counted, runs, digests: sources };
        let (failure_kinds, failure_texts) = self.failure_names();
        let (steps, waits) = (steps::steps(&counted), self.waits());
        let any_ai = self.tree.nodes.iter().any(|node| node.category.is_ai() || node.has_messages());
        TraceListing {
            name: self.name(),
            label: self.label(),
            project: self.project(),
            session: self.first(|facts| facts.session.as_deref()).map(SessionId::from),
            user: self.first(|facts| facts.user.as_deref()).map(str::to_owned),
            service: self.first(|facts| facts.service.as_deref()).map(str::to_owned),
            framework: self.first(|facts| facts.framework.as_deref()).map(str::to_owned),
            question: self.question(),
            started,
            ended,
            last_seen: self.last_seen(),
            state: self.state(),
            waits,
            spans: count(self.spans().filter(|facts| !facts.synthetic).count()),
            models: self.models(),
            totals: self.totals(),
            has_ai: any_ai || !self.counted.calls.is_empty(),
            failure: self.failure(),
            failure_kinds,
            failure_texts,
            cut_off: steps::is_cut_off(&counted),
            repeat: steps::repeat(&counted),
            score: evaluations::score(sources),
            cache_break: steps::cache_break(&steps),
            unanswered: if waits.is_none() { steps::unanswered(&counted) } else { None },
            steps,
            called_tools: self.called_tools(),
        }
    }

    fn called_tools(&self) -> Vec<String> {
        let facts = self.sources.iter().filter_map(|digest| digest.facts.as_ref());
        let names: BTreeSet<&str> = facts.flat_map(|facts| &facts.tool_names).map(|(_, name)| &**name).collect();
        names.into_iter().take(CALLED_TOOLS).map(on_one_line).collect()
    }
}

/// Names are stored one a line.
fn on_one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

/// A kind of failure without what stands before its last dot.
fn short(kind: &str) -> &str {
    kind.rsplit(['.', ':']).next().unwrap_or(kind)
}

/// The agent's name in a span's name: the conventions' `invoke_agent NAME` says the kind as well. `None` where it is the
/// model's name, which some senders write there.
fn agent_label(digest: &SpanDigest) -> Option<&str> {
    let name = digest.given_name()?;
    let name = name.strip_prefix("invoke_agent ").unwrap_or(name).trim();
    Some(name).filter(|name| !name.is_empty() && Some(*name) != digest.model.as_deref() && *name != "invoke_agent")
}

/// See [`TraceDigest::sources`].
fn sources<'a>(tree: &SpanTree<'a>, facts: &'a [SpanDigest]) -> Vec<&'a SpanDigest> {
    let mut nodes: Vec<usize> = (0..tree.nodes.len()).collect();
    nodes.sort_by_key(|at| (Some(*at) != tree.root, tree.nodes[*at].order()));
    let spans = nodes.into_iter().filter_map(|at| tree.nodes[at].span).map(|(_, facts)| facts);
    let mut logs: Vec<&SpanDigest> = facts.iter().filter(|facts| facts.is_log).collect();
    logs.sort_by_key(|facts| (facts.started, facts.rank));
    spans.chain(logs).collect()
}

/// A length as `u64`.
pub(super) fn count(number: usize) -> u64 {
    number as u64
}

/// The costs of several calls as one; `None` if there is none. Its parts and computed amount are known only if those of
/// all are.
pub fn sum<'c>(costs: impl Iterator<Item = &'c Cost>) -> Option<Cost> {
    costs.cloned().reduce(|left, right| Cost {
        total: left.total + right.total,
        parts: left.parts.zip(right.parts).map(|(left, right)| add(left, right)),
        source: if left.source == right.source { left.source } else { of_both(&left.source, &right.source) },
        computed: match (left.computed, right.computed) {
            (Some(left), Some(right)) => Some(left + right),
            _ => None,
        },
    })
}

/// Adds each part of two costs.
fn add(left: CostParts, right: CostParts) -> CostParts {
    CostParts {
        uncached_input: left.uncached_input + right.uncached_input,
        cache_read: left.cache_read + right.cache_read,
        cache_write: left.cache_write + right.cache_write,
        output: left.output + right.output,
    }
}

/// The price source of a sum of costs from two different sources.
fn of_both(left: &PriceSource, right: &PriceSource) -> PriceSource {
    let several = || "several models".to_owned();
    let (PriceSource::Table { table: first, .. }, PriceSource::Table { table: second, .. }) = (left, right) else {
        return PriceSource::Table { table: "several sources".to_owned(), model: several(), terms: None };
    };
    let table = if first == second { first } else { "several tables" };
    PriceSource::Table { table: table.to_owned(), model: several(), terms: None }
}

/// The token counts of several calls together; `None` if none reports any.
pub fn usage(calls: impl Iterator<Item = Option<TokenUsage>>) -> Option<TokenUsage> {
    calls.flatten().reduce(|left, right| left + right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usd;

    fn table(model: &str, total: i64) -> Cost {
        let source = PriceSource::Table { table: "t".to_owned(), model: model.to_owned(), terms: None };
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
