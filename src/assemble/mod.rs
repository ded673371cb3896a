//! Assembles stored spans and log records, with their translations, into what a person reads: conversations, tool runs,
//! a tree of spans, failures and totals.
//!
//! The files of this folder in the order in which data walks through them:
//!
//! ```text
//!   digests: what lists need, from numbers alone (`summarize`)
//!     limits                how much is compared, and what is lost beyond
//!     text_hash             texts and values ─▶ hashes that ignore white space and the order of keys
//!     content_hash          messages, tool calls, results ─▶ hashes of their content
//!     message_roles         a message as its sender wrote it ─▶ messages of one role, their parts in order
//!     hashes                hashes of ids, names, calls and prompts, each a type of its own
//!     fingerprint           a message ─▶ what identifies it: its content and its ids
//!     reading_digest        what one dialect read in a span or log record ─▶ hashes of its text and tools
//!     span_digest           a span or log record ─▶ numbers, names and hashes, without its messages
//!     reassign_logs         a log record that names one span and describes another ─▶ that other span
//!     span_tree             digests in any order ─▶ one node for each span, parents before children
//!     streams               a request and the end of its stream, as two spans ─▶ one call
//!     usage                 what two records of one call report ─▶ its tokens and its cost
//!     call                  one model call, merged from all its records
//!     same_call             two records ─▶ whether they are of one call
//!     broken_off            whether a call that failed may be billed all the same
//!     known_calls           which of the calls have tokens or a cost
//!     calls                 nodes ─▶ the model calls that count, each once
//!     tool_messages         the tool calls and results that the records of a call hold, each once
//!     joined_runs           tool runs as indexes into a trace
//!     tool_executions       which nodes are runs of a tool, and what identifies them
//!     unmatched_results     which results of a prompt are new and of no known run
//!     join_tools            tool calls, executions and results ─▶ tool runs
//!     reported_runs         those that only agents' own messages or later requests have
//!     span_failure          a span ─▶ the failure that it records
//!     failures              failures ─▶ each once, at the deepest span that has it
//!     waits                 nodes ─▶ what has to come before the trace is complete
//!     steps                 counted calls and tool runs ─▶ their numbers for statistics, the worst repeat
//!     totals                all of these ─▶ name, state and sums of a trace
//!     lone_calls            a trace that is one call ─▶ whether it is a record of a call of another trace
//!     ended_calls           calls as they end ─▶ pairs of which that may be so ─▶ which traces are put into others
//!
//!   what panes need, on top of that (`session`)
//!     loaded_trace          the rows of a trace beside its digests, with look-ups by node
//!     tool_runs             tool runs with names, arguments and results
//!     tree                  nodes ─▶ the tree as shown: named, summed, numbered
//!     definitions           the tools that were offered, each once
//!     retrievals            searches, rerankings and embeddings: what was asked and what came back
//!     evaluations           the scores that spans and records hold, each once
//!
//!   exchanges: collected from all sources before any is placed (`exchanges::collect`)
//!     provenance            the sources
//!     fill_missing          what one reading of a call lacks and another has
//!     reading_groups        the readings of a call ─▶ groups: by node, dialect and carrier
//!     exchange              all readings of a call ─▶ one system prompt, prompt and completion
//!     model_calls           counted calls ─▶ the calls as shown, and their exchanges
//!     prepared_exchange     an exchange ─▶ its messages as they are compared, and what other sources add
//!     requests              the prompts of exchanges ─▶ what each call was sent, what requests repeat kept once
//!     returned_results      results that tools returned and no request carries ─▶ the calls that asked for them
//!     agent_messages        answers, instructions and questions of agents and workflows ─▶ the calls that lack them
//!     silent_tools          tool runs that no message asks for ─▶ messages of the agent that they ran in
//!     deliveries            messages on their way between agents ─▶ standalone exchanges
//!     silent_agents         agents and workflows without calls that have messages ─▶ standalone exchanges
//!     collected_exchange    a call or a standalone exchange, with its place in the trace
//!     forks                 exchanges ─▶ calls that part from the conversation that they continue
//!
//!   conversations: built once (`builder::build`)
//!     entries               the messages of a conversation as they were sent, and how they are found
//!     shown_messages        the messages of a conversation as they are shown
//!     open_conversation     one conversation while it is built
//!     conversations         all conversations: which one a prompt continues
//!     continuation          a call ─▶ how it continues them
//!     new_in_prompt         a prompt ─▶ the messages that its conversation does not hold
//!     later_details         what a later request has of an earlier answer
//!     session_history       what earlier traces hold ─▶ how much of a first prompt is history
//!     builder               exchanges, by start ─▶ conversations with every message once
//!
//!   projections: from built conversations to what is shown
//!     shown_conversations   ordered, each with what opened it
//!     completed_runs        tool runs with their callers, and with results of later traces
//!     later_answers         answers completed from the history of later traces
//!     later_arguments       calls whose arguments were lost, from the same
//! ```
//!
//! Everything is pure: the same rows give the same result, whatever order they come in. Every step takes time in
//! proportion to what was sent, or that times its logarithm; nothing recurses into the depth of a trace.
//!
//! What is decided, and why, is in the documents of this folder:
//!
#![doc = include_str!("tree.md")]
#![doc = include_str!("calls.md")]
#![doc = include_str!("tools.md")]
#![doc = include_str!("failures.md")]
#![doc = include_str!("conversations.md")]

mod agent_messages;
mod broken_off;
mod builder;
mod call;
mod calls;
mod collected_exchange;
mod completed_runs;
mod content_hash;
mod continuation;
mod conversations;
mod definitions;
mod deliveries;
mod ended_calls;
mod entries;
mod evaluations;
mod exchange;
mod exchanges;
mod failures;
mod fill_missing;
mod fingerprint;
mod forks;
mod hashes;
mod join_tools;
mod joined_runs;
mod known_calls;
mod later_answers;
mod later_arguments;
mod later_details;
mod later_texts;
mod limits;
mod loaded_trace;
mod lone_calls;
mod message_roles;
mod model_calls;
mod new_in_prompt;
mod open_conversation;
mod prepared_exchange;
mod provenance;
mod reading_digest;
mod reading_groups;
mod reassign_logs;
mod reported_runs;
mod requests;
mod retrievals;
mod returned_results;
mod same_call;
mod session_history;
mod shown_conversations;
mod shown_messages;
mod silent_agents;
mod silent_tools;
mod span_digest;
mod span_failure;
mod span_tree;
mod step_thoughts;
mod steps;
mod streams;
mod text_hash;
mod tool_executions;
mod tool_messages;
mod tool_runs;
mod totals;
mod tree;
mod unmatched_results;
mod unnamed_calls;
mod usage;
mod waits;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::model::{
    AssembledTrace, Context, Conversation, Cost, Failure, GenAi, LimitReached, ModelCall, Timestamp, ToolRun,
    TraceFailure, TraceRows, Tree,
};
use builder::BuiltConversation;
use completed_runs::Callers;
use exchanges::Exchanges;
use fingerprint::Fingerprints;
use joined_runs::JoinedRun;
use loaded_trace::LoadedTrace;
use session_history::SessionHistory;
use text_hash::hash;

pub use ended_calls::{Adopted, Adoption, EndedCall, EndedCalls, KnownTraces, Pair};
pub use evaluations::together as score;
pub use span_digest::SpanDigest;
pub use steps::{Step, StepKind};
pub use totals::{TraceListing, summarize};

/// What a call cost, from the facts of all its records and the time at which it was made; `None` where there is no price.
pub type Price<'p> = &'p dyn Fn(&GenAi, Timestamp) -> Option<Cost>;

/// Assembles the traces of one session, or one lone trace: ordered by start, with the history that a
/// request repeats of earlier ones marked as such.
#[expect(clippy::needless_pass_by_value, reason = "what was assembled takes the place of the rows")]
pub fn session(traces: Vec<TraceRows>, price: Price) -> Vec<AssembledTrace> {
    let digests: Vec<Vec<SpanDigest>> = traces.iter().map(loaded_trace::facts).collect();
    let mut traces: Vec<LoadedTrace> =
        traces.iter().zip(&digests).map(|(rows, digests)| LoadedTrace::new(rows, digests, price)).collect();
    traces.sort_by_key(|trace| (trace.work.times().0, trace.rows.trace));
    let mut fingerprints = Fingerprints::default();
    let runs: Vec<Vec<ToolRun>> = traces.iter().map(tool_runs::runs).collect();
    let later = completed_runs::later_results(&traces, &runs);
    let mut history = SessionHistory::default();
    let (mut calls, mut conversations, mut tools, mut limits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut found = Vec::new();
    for ((trace, mut runs), later) in traces.iter().zip(runs).zip(later) {
        let (exchanges, built, reached) = built(trace, &runs, &history, &mut fingerprints);
        completed_runs::name(&mut runs, &built);
        let messages = built.iter().flat_map(|conversation| &conversation.messages);
        history.add(&exchanges.all, messages, &mut fingerprints);
        let callers = Callers::of(&built, &runs);
        tools.push(completed_runs::complete(runs, later, callers));
        conversations.push(shown_conversations::shown(trace, built));
        calls.push(exchanges.calls);
        found.push(retrievals::of(trace, &mut fingerprints));
        limits.push([trace.limits.clone(), reached].concat());
    }
    let mut conversations = later_answers::complete(conversations, &calls, &mut fingerprints);
    later_texts::complete(&mut conversations);
    for (conversations, runs) in conversations.iter_mut().zip(&tools) {
        completed_runs::name_calls(conversations, runs);
    }
    later_arguments::complete(&mut conversations, &mut tools);
    let parts = calls.into_iter().zip(conversations).zip(tools.into_iter().zip(limits));
    let assembled = traces.iter().zip(parts);
    let assembled = assembled.zip(found).map(|((trace, ((calls, conversations), (tools, limits))), retrievals)| {
        AssembledTrace { retrievals, ..one(trace, calls, conversations, tools, limits) }
    });
    assembled.collect()
}

/// The exchanges of a trace, the conversations that are built of them, and the limits that were reached meanwhile.
fn built(
    trace: &LoadedTrace,
    runs: &[ToolRun],
    history: &SessionHistory,
    fingerprints: &mut Fingerprints,
) -> (Exchanges, Vec<BuiltConversation>, Vec<LimitReached>) {
    let ((exchanges, built), reached) = limits::counting(|| {
        let exchanges = exchanges::collect(trace, runs, fingerprints);
        let built = builder::build(&exchanges.all, history, &exchanges.forks);
        (exchanges, built)
    });
    (exchanges, built, reached)
}

/// The span tree of one trace as the screen shows it: the same as [`AssembledTrace::tree`], without the work of making
/// conversations.
pub fn tree(rows: &TraceRows, price: Price) -> Tree {
    let digests = loaded_trace::facts(rows);
    tree::tree(&LoadedTrace::new(rows, &digests, price))
}

/// One trace with its counted calls, conversations, tool runs, and the limits that were reached.
fn one(
    trace: &LoadedTrace,
    calls: Vec<ModelCall>,
    conversations: Vec<Conversation>,
    tools: Vec<ToolRun>,
    limits: Vec<LimitReached>,
) -> AssembledTrace {
    let LoadedTrace { rows, work, .. } = trace;
    let (started, ended) = work.times();
    let only_roots = !rows.spans.is_empty() && rows.spans.iter().all(|row| row.translation.is_wrapper);
    AssembledTrace {
        trace: rows.trace,
        name: work.name(),
        question: work.question(),
        project: work.project().to_string(),
        service: work.first(|digest| digest.service.as_deref()).map(str::to_owned),
        context: context(trace),
        started,
        ended,
        state: work.state(),
        last_seen: work.last_seen(),
        waits: work.waits().map(|waits| waits.after(work.last_seen(), rows.program_ended)),
        program_ended: rows.program_ended,
        tree: tree::tree(trace),
        only_wrapper_spans: only_roots && calls.is_empty(),
        calls,
        conversations,
        tools,
        retrievals: Vec::new(),
        evaluations: evaluations::of(rows),
        definitions: definitions::merge(in_order(trace).flat_map(|translation| &translation.tools)),
        errors: errors(trace),
        totals: work.totals(),
        spans: totals::count(rows.spans.iter().filter(|row| !row.synthetic).count()),
        limits,
    }
}

/// The translations of a trace by the start of their places.
fn in_order<'a>(trace: &LoadedTrace<'a>) -> impl Iterator<Item = &'a crate::model::Translation> {
    let nodes = trace.nodes();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|at| (Some(*at) != trace.work.tree.root, nodes[*at].order()));
    let found: Vec<_> = order.into_iter().flat_map(|at| trace.translations(at).collect::<Vec<_>>()).collect();
    found.into_iter()
}

/// What holds for the whole trace: of each the root's value, else that of the first span or record that has one.
fn context(trace: &LoadedTrace) -> Context {
    let mut context = Context::default();
    let mut tags = HashSet::new();
    let mut names: HashSet<&str> = HashSet::new();
    let logs = trace.rows.logs.iter().filter(|log| log.span.is_none_or(|span| trace.node_of(span).is_none()));
    let mut logs: Vec<_> = logs.collect();
    logs.sort_by_key(|log| (log.at, hash((&log.name, &log.text))));
    for translation in in_order(trace).chain(logs.into_iter().map(|log| &*log.translation)) {
        let Context { session, user, framework, environment, tags: tagged, metadata, display_name: _ } =
            &translation.context;
        context.session = context.session.take().or_else(|| session.clone());
        context.user = context.user.take().or_else(|| user.clone());
        context.framework = context.framework.take().or_else(|| framework.clone());
        context.environment = context.environment.take().or_else(|| environment.clone());
        context.tags.extend(tagged.iter().filter(|tag| tags.insert((*tag).clone())).cloned());
        for (name, value) in metadata {
            if names.insert(name) {
                context.metadata.push((name.clone(), value.clone()));
            }
        }
    }
    let root = trace.work.tree.root.and_then(|root| trace.row(root));
    context.display_name = root.and_then(|row| row.translation.context.display_name.clone());
    context
}

/// The failures of a trace. One without words takes those of the span that describes it.
fn errors(trace: &LoadedTrace) -> Vec<TraceFailure> {
    // Of a tool that failed by its result alone, that result.
    let runs = trace.work.runs.runs.iter().filter_map(|run| Some((run.node?, run)));
    let by_result: HashMap<usize, &JoinedRun> =
        runs.filter(|(node, _)| trace.work.runs.failed_by_result.contains(node)).collect();
    let failure = |node: usize| {
        let message = || tool_runs::reason(trace, by_result.get(&node)?);
        trace.failure(node).unwrap_or_else(|| Failure { message: message(), ..Failure::default() })
    };
    let failures = trace.work.failures.iter().map(|failure_site| {
        let mut own = failure(failure_site.node);
        if failure_site.described_by != failure_site.node {
            let other = failure(failure_site.described_by);
            own.kind = own.kind.or(other.kind);
            own.message = own.message.or(other.message);
            own.stack = own.stack.or(other.stack);
        }
        TraceFailure { span: trace.nodes()[failure_site.node].id, at: failure_site.at, failure: own }
    });
    failures.collect()
}
