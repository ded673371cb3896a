//! The conversations of agents and workflows beneath which no model call has messages (`conversations.md` 8): what their
//! own spans have of question and answer, with the tools that ran in them.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
};

use super::{
    agent_messages::is_workflow,
    call::Call,
    collected_exchange::StandaloneExchange,
    content_hash::ContentHash,
    deliveries,
    exchange::{Exchange, TimedMessage},
    fingerprint::Fingerprints,
    limits::{AGENTS_BENEATH, Limited},
    loaded_trace::LoadedTrace,
    prepared_exchange::PreparedExchange,
    provenance::Provenance,
    silent_tools::{self, ToolGroup, calls_message, results_message},
    step_thoughts::{add_reasoning, thoughts_of_step},
};
use crate::model::{Category, Content, ConversationMessage, Message, Role, SpanId, Timestamp, ToolRun};

/// Collects the conversations of agents beneath which no call has messages; those of workflows only where the trace has
/// no conversation otherwise.
///
/// `calls` are the calls with messages, `runs` the tool runs of the trace. `turns` is the number of counted calls. A
/// message that belongs to none of them has a turn of its own, from that number on.
pub fn conversations(
    trace: &LoadedTrace,
    calls: &[PreparedExchange],
    runs: &[ToolRun],
    turns: usize,
    fingerprints: &mut Fingerprints,
) -> Vec<StandaloneExchange> {
    let mut groups = silent_tools::groups(trace, calls, runs);
    let mut silent = SilentAgents::new(trace, turns);
    if calls.is_empty() {
        silent.conversations = deliveries::conversations(trace, &mut silent.turn, fingerprints);
    }
    silent.add_agents(calls, &mut groups, fingerprints);
    // Calls outside of any agent that have no messages: the tools that ran for them make one conversation.
    if !calls.iter().any(|call| call.placed.scope.is_none())
        && let Some(call) = trace.work.counted.calls.iter().find(|call| trace.scopes[call.node].is_none())
        && let Some(groups) = groups.remove(&None)
    {
        silent.add_conversation(call.node, Exchange::default(), groups);
    }
    if calls.is_empty() && silent.conversations.is_empty() {
        silent.add_workflows(groups.remove(&None).unwrap_or_default(), fingerprints);
    }
    for conversation in &mut silent.conversations {
        add_instructions(trace, conversation, fingerprints);
    }
    silent.conversations
}

/// Puts the system messages of the agent around a conversation before its messages, if it has none.
fn add_instructions(trace: &LoadedTrace, conversation: &mut StandaloneExchange, fingerprints: &mut Fingerprints) {
    let agent = conversation.scope.filter(|scope| trace.nodes()[*scope].category == Category::Agent);
    let has_system = conversation.messages.iter().any(|placed| placed.shown.message.role == Role::System);
    let first = conversation.messages.first().map(|placed| (placed.shown.span, placed.shown.turn));
    let (Some(agent), false, Some((span, turn))) = (agent, has_system, first) else { return };
    let rest = mem::take(&mut conversation.messages);
    for line in trace.exchange([agent], fingerprints).system {
        conversation.push(ConversationMessage::new(line.message, line.at, span, turn), Provenance::AgentSpan);
    }
    conversation.messages.extend(rest);
}

/// Finds the calls that have an answer and no prompt, in an agent that has a prompt and in which no call has one. Their
/// answers become part of the conversation of that agent. Returns their indexes among the counted calls.
pub fn answers_alone(trace: &LoadedTrace) -> HashSet<usize> {
    let nodes = trace.nodes();
    let reading_digests = |at: usize| nodes[at].sources().flat_map(|(_, facts)| &facts.reading_digests);
    let has_prompt = |at: usize| reading_digests(at).any(|digest| digest.prompts);
    let calls = &trace.work.counted.calls;
    let mut with_prompt: Vec<usize> = calls.iter().flat_map(Call::nodes).filter(|at| has_prompt(*at)).collect();
    with_prompt.sort_unstable();
    let is_alone = |call: &Call| {
        let scope = trace.scopes[call.node].filter(|scope| nodes[*scope].category == Category::Agent)?;
        let until = |end: usize| with_prompt.partition_point(|at| *at < end);
        let answers = call.nodes().flat_map(reading_digests).any(|digest| digest.answers);
        (has_prompt(scope) && answers && until(scope) == until(nodes[scope].after)).then_some(())
    };
    calls.iter().enumerate().filter(|(_, call)| is_alone(call).is_some()).map(|(at, _)| at).collect()
}

/// The calls whose parent never came, so that they stand outside of the agent that made them: by the message with which
/// their prompt ends, when they began, in order.
struct Orphans(HashMap<ContentHash, Vec<Timestamp>>);

impl Orphans {
    fn new(trace: &LoadedTrace, calls: &[PreparedExchange]) -> Self {
        let mut by_question: HashMap<ContentHash, Vec<Timestamp>> = HashMap::new();
        for call in calls {
            let is_orphan =
                call.placed.scope.is_none() && call.placed.step.is_some_and(|step| trace.nodes()[step].span.is_none());
            if let Some(key) = call.lines.last().and_then(|line| line.fingerprint.key).filter(|_| is_orphan) {
                by_question.entry(key).or_default().push(call.placed.started);
            }
        }
        for began in by_question.values_mut() {
            began.sort_unstable();
        }
        Self(by_question)
    }

    /// Whether one of them began while an agent without an answer ran, and asks what that was asked.
    fn ask_for(&self, trace: &LoadedTrace, agent: usize, asked: &Exchange) -> bool {
        let node = &trace.nodes()[agent];
        let key = asked.prompt.last().and_then(|line| line.fingerprint.key).filter(|_| asked.completion.is_empty());
        let Some(began) = key.and_then(|key| self.0.get(&key)) else { return false };
        let first = began.partition_point(|at| *at < node.started);
        began.get(first).is_some_and(|at| node.ended.is_none_or(|ended| *at <= ended))
    }
}

/// Collects the conversations of agents and workflows of which no call has messages.
struct SilentAgents<'s, 'a> {
    trace: &'s LoadedTrace<'a>,
    conversations: Vec<StandaloneExchange>,
    /// The indexes of the counted calls, in the order of their nodes.
    calls: Vec<usize>,
    /// The next turn for messages that belong to no counted call.
    turn: usize,
}

impl<'s, 'a> SilentAgents<'s, 'a> {
    /// `turns` is the number of counted calls.
    fn new(trace: &'s LoadedTrace<'a>, turns: usize) -> Self {
        let mut calls: Vec<usize> = (0..turns).collect();
        calls.sort_unstable_by_key(|call| trace.work.counted.calls[*call].node);
        Self { trace, conversations: Vec::new(), calls, turn: turns }
    }

    /// Adds the conversations of agents, the inner ones first. An agent that has no message but those of an agent
    /// beneath it has none.
    fn add_agents(
        &mut self,
        calls: &[PreparedExchange],
        groups: &mut HashMap<Option<usize>, Vec<ToolGroup>>,
        fingerprints: &mut Fingerprints,
    ) {
        let trace = self.trace;
        let nodes = trace.nodes();
        // `before[at]` is the number of calls with messages before the node `at`. So `before[nodes[at].after] -
        // before[at]` is the number of those at and beneath it.
        let mut before = vec![0_usize; nodes.len() + 1];
        let with_messages: HashSet<usize> = calls.iter().map(|call| call.placed.node).collect();
        for at in 0..nodes.len() {
            before[at + 1] = before[at] + usize::from(with_messages.contains(&at));
        }
        let mut collected: Vec<(usize, HashSet<ContentHash>)> = Vec::new();
        let orphans = Orphans::new(trace, calls);
        let answers = answers_alone(trace);
        let is_answer = |at: usize| trace.work.counted.of[at].is_some_and(|call| answers.contains(&call));
        let is_silent = |at: &usize| {
            before[nodes[*at].after] == before[*at] && is_agent(trace, *at) && !nodes[*at].relays() && !is_answer(*at)
        };
        for at in (0..nodes.len()).rev().filter(is_silent) {
            let mut exchange = trace.exchange([at], fingerprints);
            exchange.drop_states();
            let counted = &trace.work.counted.calls;
            let is_own = |call: &&usize| trace.scopes[counted[**call].node] == Some(at);
            for call in self.calls_of(at).iter().filter(is_own) {
                let node = counted[*call].node;
                let mut own = Exchange::default();
                if answers.contains(call) {
                    own = trace.exchange(counted[*call].nodes(), fingerprints);
                    add_reasoning(trace, node, &mut own, fingerprints);
                } else if !counted[*call].nodes().any(|at| nodes[at].has_messages()) {
                    own.completion.extend(thoughts_of_step(trace, node, fingerprints));
                }
                let answer = own.completion;
                // The call's span may last until the tools have run that it asked for.
                let asked = groups.get(&Some(at)).into_iter().flatten().filter(|(caller, _)| *caller == Some(*call));
                let began = asked.flat_map(|(_, runs)| runs).filter_map(|run| run.started).min();
                for mut line in answer {
                    line.at = began.map_or(line.at, |began| line.at.min(began));
                    // The agent may have recorded the same answer; it is listed once.
                    exchange.completion.retain(|other| {
                        other.fingerprint.key.is_none() || other.fingerprint.key != line.fingerprint.key
                    });
                    exchange.completion.push(line);
                }
            }
            if !groups.contains_key(&Some(at)) && orphans.ask_for(trace, at, &exchange) {
                continue;
            }
            let lines = || exchange.prompt.iter().chain(&exchange.completion);
            let keys: HashSet<ContentHash> = lines().filter_map(|line| line.fingerprint.key).collect();
            let mut beneath =
                collected.iter().rev().within(&AGENTS_BENEATH).take_while(|(other, _)| *other < nodes[at].after);
            if !keys.is_empty() && beneath.any(|(_, theirs)| keys.is_subset(theirs)) {
                continue;
            }
            // Where the agent's own messages have tool calls, none are made up from its tool runs.
            let has_calls =
                lines().any(|line| line.message.parts.iter().any(|part| matches!(part.content, Content::Call(_))));
            let own_groups = groups.remove(&Some(at)).filter(|_| !has_calls).unwrap_or_default();
            self.add_conversation(at, exchange, own_groups);
            collected.push((at, keys));
        }
    }

    /// Adds the conversations of workflows: of nested ones that of the top-most with messages, together with the tools
    /// that ran in it. `groups` are the tool runs outside of any agent.
    fn add_workflows(&mut self, groups: Vec<ToolGroup>, fingerprints: &mut Fingerprints) {
        let trace = self.trace;
        let nodes = trace.nodes();
        let node_of = |run: &&ToolRun| run.span.and_then(|span| trace.node_of(span));
        let mut outside: Vec<(usize, ToolGroup)> =
            groups.into_iter().filter_map(|group| Some((group.1.first().and_then(node_of)?, group))).collect();
        outside.sort_by_key(|(node, _)| *node);
        let mut at = 0;
        while at < nodes.len() {
            let mut next = at + 1;
            if is_workflow(trace, at) {
                let mut exchange = trace.exchange([at], fingerprints);
                exchange.drop_states();
                let until = |end: usize| outside.partition_point(|(node, _)| *node < end);
                let within = until(at)..until(nodes[at].after);
                let answers = exchange.completion.iter().any(|line| line.message.role == Role::Assistant);
                let groups = outside[within].iter_mut().filter(|_| answers).map(|(_, group)| mem::take(group));
                if self.add_conversation(at, exchange, groups.collect()) {
                    next = nodes[at].after;
                }
            }
            at = next;
        }
    }

    /// The indexes of the counted calls at and beneath a node.
    fn calls_of(&self, at: usize) -> &[usize] {
        let calls = &self.trace.work.counted.calls;
        let until = |node: usize| self.calls.partition_point(|call| calls[*call].node < node);
        &self.calls[until(at)..until(self.trace.nodes()[at].after)]
    }

    /// Adds a conversation with the messages of one node and the tools that ran in it. Returns `false`, and adds none,
    /// where there is neither.
    fn add_conversation(&mut self, at: usize, exchange: Exchange, groups: Vec<ToolGroup>) -> bool {
        let is_empty = |lines: &[TimedMessage]| lines.iter().all(|line| line.message.role == Role::System);
        if is_empty(&exchange.prompt) && is_empty(&exchange.completion) && groups.is_empty() {
            return false;
        }
        let trace = self.trace;
        let node = &trace.nodes()[at];
        let provenance = if is_workflow(trace, at) { Provenance::WorkflowSpan } else { Provenance::AgentSpan };
        // The prompt belongs to the first call beneath the node, and the answer to the last; both to the node where
        // there is no call.
        let calls = &trace.work.counted.calls;
        let of = |call: usize| (call, trace.nodes()[calls[call].node].id);
        let beneath = self.calls_of(at).to_vec();
        let own = (self.turn, node.id);
        let first = beneath.first().map_or(own, |call| of(*call));
        let last = beneath.last().map_or(own, |call| of(*call));
        self.turn += usize::from(first == own);
        let shown = |(turn, span): (usize, SpanId), message: Arc<Message>, at: Timestamp| {
            ConversationMessage::new(message, at, span, turn)
        };
        let mut conversation = StandaloneExchange {
            scope: trace.scopes[at],
            agent: trace.agent_of(at),
            first: first.1,
            node: at,
            started: node.started,
            messages: Vec::new(),
        };
        for line in exchange.system {
            conversation.push(shown(first, line.message, line.at), provenance);
        }
        let completion = if node.failed() { Vec::new() } else { exchange.completion };
        // The last call that began until then.
        let during = |at: Timestamp| {
            let started = |call: &&usize| trace.nodes()[calls[**call].node].started <= at;
            beneath.iter().filter(started).max_by_key(|call| trace.nodes()[calls[**call].node].order())
        };
        // Log records have times of their own, so messages and tool runs are put in the order of time.
        let mut in_time: Vec<(Timestamp, ConversationMessage, Provenance)> = Vec::new();
        let answered = exchange.prompt.iter().rposition(|line| line.message.role == Role::Assistant);
        for (nth, line) in exchange.prompt.into_iter().enumerate() {
            let history = answered.is_some_and(|answered| nth <= answered) && line.message.role != Role::System;
            let message = ConversationMessage { history, ..shown(first, line.message, line.at) };
            in_time.push((line.at, message, provenance));
        }
        let began = |runs: &[&ToolRun]| runs.iter().filter_map(|run| run.started).min().unwrap_or(node.started);
        let times: HashMap<usize, (Timestamp, Option<Timestamp>)> = groups
            .iter()
            .filter_map(|(call, runs)| Some(((*call)?, (began(runs), runs.iter().filter_map(|run| run.ended).max()))))
            .collect();
        for line in completion {
            let call = during(line.at).copied();
            // Tools may begin while the answer that calls them is still streamed; it stands before them.
            let tools =
                call.and_then(|call| times.get(&call)).filter(|(_, ended)| ended.is_some_and(|ended| line.at < ended));
            let at = tools.map_or(line.at, |(started, _)| line.at.min(*started));
            in_time.push((at, shown(call.map_or(last, of), line.message, line.at), provenance));
        }
        for (call, runs) in groups {
            let caller = call.map_or(last, of);
            let started = began(&runs);
            let ended = runs.iter().filter_map(|run| run.ended).min().unwrap_or(started);
            in_time.push((started, shown(caller, calls_message(&runs), started), Provenance::ToolExecution));
            if let Some(results) = results_message(&runs) {
                in_time.push((started, shown(caller, results, ended), Provenance::ToolExecution));
            }
        }
        // The sort is stable: at one time the prompt comes first, then the answer, then the tool calls with results.
        in_time.sort_by_key(|(at, _, _)| *at);
        for (_, message, provenance) in in_time {
            conversation.push(message, provenance);
        }
        self.conversations.push(conversation);
        true
    }
}

/// Whether a node is an agent, or a call span that stands for no call of another span: the sum of several calls is one.
fn is_agent(trace: &LoadedTrace, at: usize) -> bool {
    matches!(trace.nodes()[at].category, Category::Agent | Category::Llm) && !trace.is_other_record(at)
}
