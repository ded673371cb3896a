//! Assembles stored spans and log records, with their translations, into what a person reads: conversations, tool runs,
//! a tree of spans, failures and totals.
//!
//! The files of this folder in the order in which data walks through them:
//!
//! ```text
//!   digests: what lists need, from numbers alone (`summarize`)
//!     limits             how much is compared, and what is lost beyond
//!     text_hash          texts and values ─▶ hashes that ignore white space and the order of keys
//!     fingerprint        a message ─▶ what identifies it; the hashes of tool calls and results
//!     reading_digest     what one dialect read in a span or log record ─▶ hashes of its text and tools
//!     span_digest        a span or log record ─▶ numbers, names and hashes, without its messages
//!     reassign_logs      a log record that names one span and describes another ─▶ that other span
//!     span_tree          digests in any order ─▶ one node for each span, parents before children
//!     streams            a request and the end of its stream, as two spans ─▶ one call
//!     usage              what two records of one call report ─▶ its tokens and its cost
//!     call               one model call, merged from all its records
//!     same_call          two records ─▶ whether they are of one call
//!     calls              nodes ─▶ the model calls that count, each once
//!     tool_messages      the tool calls and results that the records of a call hold, each once
//!     join_tools         tool calls, executions and results ─▶ tool runs
//!     span_failure       a span ─▶ the failure that it records
//!     failures           failures ─▶ each once, at the deepest span that has it
//!     waits              nodes ─▶ what has to come before the trace is complete
//!     totals             all of these ─▶ name, state and sums of a trace
//!
//!   messages: what panes need, on top of that (`session`)
//!     loaded_trace       the rows of a trace beside its digests, with look-ups by node
//!     tree               nodes ─▶ the tree as shown: named, summed, numbered (`tree`)
//!     fill_missing       what one reading of a call lacks and another has
//!     exchange           all readings of a call ─▶ one system prompt, prompt and completion
//!     model_calls        counted calls ─▶ the calls as shown, and their exchanges
//!     prepared_exchange  an exchange ─▶ its messages as they are compared
//!     forks              exchanges ─▶ calls that part from the conversation that they continue
//!     open_conversation  one conversation: which messages of a prompt it does not hold yet
//!     conversations      all conversations: which one a prompt continues
//!     builder            exchanges, by start ─▶ conversations with every message once
//!     tool_runs          tool runs with arguments and results; results that no prompt has
//!     agents             messages of agents and workflows, where their calls have none
//!     definitions        the tools that were offered, each once
//!     backfill           answers of earlier traces, completed from the history of later ones
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

mod agents;
mod backfill;
mod builder;
mod call;
mod calls;
mod conversations;
mod definitions;
mod exchange;
mod failures;
mod fill_missing;
mod fingerprint;
mod forks;
mod join_tools;
mod limits;
mod loaded_trace;
mod model_calls;
mod open_conversation;
mod prepared_exchange;
mod reading_digest;
mod reassign_logs;
mod same_call;
mod span_digest;
mod span_failure;
mod span_tree;
mod streams;
mod text_hash;
mod tool_messages;
mod tool_runs;
mod totals;
mod tree;
mod usage;
mod waits;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::model::{
    AssembledTrace, Category, Content, Context, Conversation, ConversationId, Cost, GenAi, Opener, Timestamp, ToolRun,
    ToolStatus, TraceFailure, TraceRows, Tree, Value,
};
use builder::ConversationBuilder;
use conversations::Conversations;
use fingerprint::Fingerprints;
use loaded_trace::LoadedTrace;
use open_conversation::OpenConversation;
use prepared_exchange::PreparedExchange;
use text_hash::hash;

pub use span_digest::SpanDigest;
pub use totals::{TraceListing, summarize};

/// What a call cost, of which its records tell this together, and that was made then; `None` where there is no price.
pub type Price<'p> = &'p dyn Fn(&GenAi, Timestamp) -> Option<Cost>;

/// Assembles the traces of one session, or one lone trace: ordered by start, with the history that a
/// request repeats of earlier ones marked as such.
#[expect(clippy::needless_pass_by_value, reason = "what was assembled takes the place of the rows")]
pub fn session(traces: Vec<TraceRows>, price: Price) -> Vec<AssembledTrace> {
    let facts: Vec<Vec<SpanDigest>> = traces.iter().map(loaded_trace::facts).collect();
    let mut traces: Vec<LoadedTrace> =
        traces.iter().zip(&facts).map(|(rows, facts)| LoadedTrace::new(rows, facts, price)).collect();
    traces.sort_by_key(|trace| (trace.work.times().0, trace.rows.trace));
    let mut fingerprints = Fingerprints::default();
    let mut past = HashSet::new();
    let mut assembled: Vec<AssembledTrace> =
        traces.iter().map(|trace| counted(trace, &mut fingerprints, &mut past)).collect();
    answer_earlier(&traces, &mut assembled);
    backfill::recall(&mut assembled, &mut fingerprints);
    assembled
}

/// The span tree of one trace as the screen shows it: the same as [`AssembledTrace::tree`], without the work of making
/// conversations.
pub fn tree(rows: &TraceRows, price: Price) -> Tree {
    let digests = loaded_trace::facts(rows);
    tree::tree(&LoadedTrace::new(rows, &digests, price))
}

/// Assembles one trace, and notes which limits were reached.
fn counted(trace: &LoadedTrace, fingerprints: &mut Fingerprints, past: &mut HashSet<u64>) -> AssembledTrace {
    let (assembled, reached) = limits::counting(|| one(trace, fingerprints, past));
    AssembledTrace { limits: [trace.limits.clone(), reached].concat(), ..assembled }
}

fn one(trace: &LoadedTrace, fingerprints: &mut Fingerprints, past: &mut HashSet<u64>) -> AssembledTrace {
    let LoadedTrace { rows, work, .. } = trace;
    let (calls, placed) = model_calls::turns(trace, fingerprints);
    let prepared: Vec<PreparedExchange> = placed.into_iter().filter_map(PreparedExchange::new).collect();
    let mut builder = ConversationBuilder::new(past, forks::forks(&prepared));
    for prepared in &prepared {
        builder.add(prepared);
    }
    let ConversationBuilder { mut conversations, prompts, .. } = builder;
    past.extend(prompts);
    let mut tools = tool_runs::runs(trace);
    tool_runs::trace_callers(&mut tools, &conversations.all);
    tool_runs::add_unseen_results(trace, &tools, &mut conversations.all);
    agents::add_agent_answers(trace, &mut conversations, fingerprints);
    agents::add_silent_agents(trace, &tools, &mut conversations, fingerprints, calls.len());
    agents::add_workflow_question(trace, &mut conversations, fingerprints);
    agents::add_agent_instructions(trace, &mut conversations, fingerprints);
    let said = conversations.all.iter().flat_map(|conversation| &conversation.messages).filter(|said| !said.history);
    past.extend(
        said.flat_map(|said| fingerprints.fingerprint(&said.message).answers.to_vec()).map(builder::result_key),
    );
    let (started, ended) = work.times();
    let only_roots = !rows.spans.is_empty() && rows.spans.iter().all(|row| row.translation.is_wrapper);
    AssembledTrace {
        trace: rows.trace,
        name: work.name(),
        project: work.project().to_string(),
        service: work.first(|facts| facts.service.as_deref()).map(str::to_owned),
        context: context(trace),
        started,
        ended,
        state: work.state(),
        last_seen: work.last_seen(),
        waits: work.waits(),
        tree: tree::tree(trace),
        only_wrapper_spans: only_roots && calls.is_empty(),
        calls,
        conversations: threads(trace, conversations),
        tools,
        definitions: definitions::merge(in_order(trace).flat_map(|translation| &translation.tools)),
        errors: errors(trace),
        totals: work.totals(),
        spans: totals::count(rows.spans.iter().filter(|row| !row.synthetic).count()),
        limits: Vec::new(),
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
    let mut known: HashMap<String, usize> = HashMap::new();
    let logs = trace.rows.logs.iter().filter(|log| log.span.is_none_or(|span| trace.node_of(span).is_none()));
    let mut logs: Vec<_> = logs.collect();
    logs.sort_by_key(|log| (log.at, hash((&log.name, &log.text))));
    for said in in_order(trace).chain(logs.into_iter().map(|log| &*log.translation)) {
        let Context { session, user, framework, environment, tags: tagged, metadata, display_name: _ } = &said.context;
        context.session = context.session.take().or_else(|| session.clone());
        context.user = context.user.take().or_else(|| user.clone());
        context.framework = context.framework.take().or_else(|| framework.clone());
        context.environment = context.environment.take().or_else(|| environment.clone());
        context.tags.extend(tagged.iter().filter(|tag| tags.insert((*tag).clone())).cloned());
        for (name, value) in metadata {
            known.entry(name.clone()).or_insert_with(|| {
                context.metadata.push((name.clone(), Value::clone(value)));
                context.metadata.len()
            });
        }
    }
    let root = trace.work.tree.root.and_then(|root| trace.row(root));
    context.display_name = root.and_then(|row| row.translation.context.display_name.clone());
    context
}

/// The conversations that were told, by the time of their first message.
fn threads(trace: &LoadedTrace, conversations: Conversations) -> Vec<Conversation> {
    let speaking: HashSet<usize> = conversations.all.iter().filter_map(|conversation| conversation.scope).collect();
    let mut conversations: Vec<OpenConversation> =
        conversations.all.into_iter().filter(|conversation| !conversation.messages.is_empty()).collect();
    conversations.sort_by_key(|conversation| {
        (conversation.messages.first().map(|said| said.at), conversation.started, conversation.first)
    });
    let thread = |conversation: OpenConversation| Conversation {
        id: ConversationId(trace.rows.trace, conversation.first),
        opened_by: opener(trace, &conversation, &speaking),
        agent: conversation.agent,
        messages: conversation.messages,
    };
    conversations.into_iter().map(thread).collect()
}

/// What started a sub-agent: the tool around it, else its own span within that of an agent who speaks as well.
fn opener(trace: &LoadedTrace, conversation: &OpenConversation, speaking: &HashSet<usize>) -> Option<Opener> {
    let mut agent = None;
    let mut next = conversation.scope.or(trace.above[conversation.node]);
    while let Some(at) = next {
        let node = &trace.nodes()[at];
        if node.category == Category::Tool {
            let id = trace.first([at], |said| said.genai.tool.as_ref()?.call_id.clone());
            let given = || {
                let called = |said: &crate::model::Translation| {
                    let parts = said.readings.iter().flat_map(|reading| &reading.prompt).flat_map(|said| &said.parts);
                    let mut calls = parts.filter_map(|part| match &part.content {
                        Content::Call(call) => call.known_id().map(str::to_owned),
                        _ => None,
                    });
                    calls.next()
                };
                trace.first([at], called)
            };
            return Some(Opener { span: node.id, call_id: id.or_else(given) });
        }
        match agent {
            None => agent = Some(node.id),
            Some(span) if speaking.contains(&at) => return Some(Opener { span, call_id: None }),
            Some(_) => {}
        }
        next = trace.above[at];
    }
    None
}

fn errors(trace: &LoadedTrace) -> Vec<TraceFailure> {
    let failure = |node: usize| {
        let own = trace.row(node).and_then(span_failure::of_span);
        own.or_else(|| trace.first([node], |translation| translation.error.clone())).unwrap_or_default()
    };
    let failures = trace.work.failures.iter().map(|failure_site| {
        let mut told = failure(failure_site.node);
        if failure_site.described_by != failure_site.node {
            let lent = failure(failure_site.described_by);
            told.kind = told.kind.or(lent.kind);
            told.message = told.message.or(lent.message);
            told.stack = told.stack.or(lent.stack);
        }
        TraceFailure { span: trace.nodes()[failure_site.node].id, at: failure_site.at, failure: told }
    });
    failures.collect()
}

/// Gives tool runs without a result the one that a later trace of the session brings.
///
/// Their traces' totals stay what they are: those of the trace alone, as in every list.
fn answer_earlier(traces: &[LoadedTrace], assembled: &mut [AssembledTrace]) {
    let mut open: HashMap<u64, (usize, usize)> = HashMap::new();
    for (nth, trace) in traces.iter().enumerate() {
        for (id, is_error, source) in &trace.work.runs.foreign {
            let Some((earlier, run)) = open.remove(id) else { continue };
            let Some(Content::Result(result)) = trace.part(*source).map(|part| &part.content) else { continue };
            let run: &mut ToolRun = &mut assembled[earlier].tools[run];
            run.output = Some(result.content.clone());
            if *is_error == Some(true) {
                run.status = ToolStatus::Error;
                run.error = run.error.take().or_else(|| tool_runs::text(&result.content));
            } else if run.status == ToolStatus::Pending {
                run.status = ToolStatus::Ok;
            }
        }
        for (at, run) in assembled[nth].tools.iter().enumerate() {
            if let (Some(id), None) = (&run.call_id, &run.output) {
                open.insert(hash(id), (nth, at));
            }
        }
    }
}
