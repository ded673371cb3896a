//! Falls back to the input and output of agent and workflow spans where the model calls beneath them recorded no
//! messages (`conversations.md` 7, 8).
//!
//! Such spans repeat the question and the answer of the calls beneath them. So their messages make a conversation only
//! where no call beneath has any, and otherwise add no more than what is missing there: an answer, a question, a system
//! prompt.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
};

use super::{
    conversations::{Conversations, PlacedCall},
    exchange::{Exchange, TimedMessage},
    fingerprint::{ContentHash, Fingerprint, Fingerprints},
    limits::{AGENTS_BENEATH, Limited},
    loaded_trace::LoadedTrace,
    open_conversation::OpenConversation,
    tool_runs::result,
};
use crate::model::{
    Category, Content, ContentKind, ConversationMessage, Message, Part, Role, SpanId, Timestamp, ToolCall, ToolRun,
    json,
};

/// Where a text of at least so many letters is found within another one, the other one repeats it.
const LETTERS: usize = 16;

/// Adds an agent's answer after the messages of its calls, as an answer of the last of them, unless these calls and
/// their tools have that text already.
pub fn add_agent_answers(trace: &LoadedTrace, conversations: &mut Conversations, fingerprints: &mut Fingerprints) {
    let mut last: HashMap<usize, (usize, HashSet<usize>)> = HashMap::new();
    for (at, told) in conversations.calls.iter().enumerate() {
        if let Some(scope) = told.scope {
            let (newest, turns) = last.entry(scope).or_default();
            *newest = at;
            turns.insert(told.turn);
        }
    }
    let mut agents: Vec<_> = last.into_iter().collect();
    agents.sort_unstable_by_key(|(scope, _)| *scope);
    for (scope, (newest, turns)) in agents {
        let node = &trace.nodes()[scope];
        let told = conversations.calls[newest].clone();
        let is_own = trace.work.counted.of[scope].is_some_and(|call| trace.work.counted.calls[call].node == scope);
        if node.category != Category::Agent || node.failed() || told.failed || told.ended.is_none() || is_own {
            continue;
        }
        let mut exchange = trace.exchange([scope], fingerprints);
        exchange.drop_states();
        let conversation = &mut conversations.all[told.conversation];
        let Some(end) = conversation.messages.iter().rposition(|said| turns.contains(&said.turn)) else { continue };
        let mine = || conversation.messages.iter().filter(|said| turns.contains(&said.turn));
        let answer: Vec<&TimedMessage> = exchange
            .completion
            .iter()
            .filter(|line| line.message.role == Role::Assistant && has_text(&line.message))
            .collect();
        if answer.is_empty() || repeats(&answer, mine()) {
            continue;
        }
        let (span, turn) = (told.span, told.turn);
        let said = answer.into_iter().map(|line| {
            let parts =
                line.message.parts.iter().filter(|part| !matches!(part.content, Content::Call(_))).cloned().collect();
            let message = Arc::new(Message { parts, ..(*line.message).clone() });
            ConversationMessage::new(message, line.at, span, turn)
        });
        let after = conversation.messages.split_off(end + 1);
        conversation.messages.extend(said.chain(after));
    }
}

/// Whether a message has a text other than white space.
fn has_text(message: &Message) -> bool {
    message
        .parts
        .iter()
        .any(|part| matches!(&part.content, Content::Text(text) | Content::Refusal(text) if !text.trim().is_empty()))
}

/// Whether an agent's answer repeats what its calls and tools recorded: an answer, a result, the arguments of a tool
/// call, or all answers together.
///
/// A whole text is looked for in the other one, never a beginning: answers often begin alike. Only letters and digits
/// are compared, for programs lay texts out anew.
fn repeats<'s>(answer: &[&TimedMessage], said: impl Iterator<Item = &'s ConversationMessage>) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
    let answer: String = answer.iter().map(|line| letters(&line.message.plain_text())).collect();
    let is_long = |text: &str| text.chars().count() >= LETTERS;
    let mut answers = String::new();
    for message in said.filter(|said| said.message.role != Role::User).map(|said| &said.message) {
        for part in &message.parts {
            let text = match &part.content {
                Content::Text(text) | Content::Refusal(text) => letters(text),
                Content::Call(call) => letters(&json::to_string(&call.input)),
                Content::Result(result) => letters(&super::tool_runs::text(&result.content).unwrap_or_default()),
                Content::Json(value) => letters(&json::to_string(value)),
                Content::Reasoning(_) | Content::Media(_) | Content::Unknown(_) => continue,
            };
            let is_answer = message.role == Role::Assistant && !matches!(part.content, Content::Call(_));
            // A program may put more text around an answer, or take the essential part out of it.
            let holds = (is_long(&answer) && text.contains(&answer)) || text.ends_with(&answer);
            let is_held = is_answer && answer.contains(&text) && (is_long(&text) || part.truncated);
            if holds || is_held || (!is_answer && text.contains(&answer)) {
                return true;
            }
            if is_answer {
                answers.push_str(&text);
            }
        }
    }
    answer.is_empty() || answers.ends_with(&answer)
}

/// Opens the conversations of agents beneath which no call has messages; those of workflows only where the trace has no
/// conversation by then.
///
/// `turns` is the number of counted calls. A message that belongs to none of them has a turn of its own, from that
/// number on.
pub fn add_silent_agents(
    trace: &LoadedTrace,
    runs: &[ToolRun],
    conversations: &mut Conversations,
    fingerprints: &mut Fingerprints,
    turns: usize,
) {
    let nodes = trace.nodes();
    // `told[at]` is the number of calls with messages before the node `at`. So `told[nodes[at].after] - told[at]` is
    // the number of those at and beneath it.
    let mut told = vec![0_usize; nodes.len() + 1];
    let speaking: HashSet<usize> =
        conversations.calls.iter().map(|told| trace.work.counted.calls[told.turn].node).collect();
    for at in 0..nodes.len() {
        told[at + 1] = told[at] + usize::from(speaking.contains(&at));
    }
    let silent = |at: usize| told[nodes[at].after] == told[at];
    let mut ran = ran(trace, runs);
    let mut calls: Vec<usize> = (0..turns).collect();
    calls.sort_unstable_by_key(|call| trace.work.counted.calls[*call].node);
    let mut silent_agents = SilentAgents { trace, conversations, calls, turn: turns };
    if silent_agents.conversations.calls.is_empty() {
        silent_agents.add_deliveries(fingerprints);
    }
    let mut heard: Vec<(usize, HashSet<ContentHash>)> = Vec::new();
    let answers = answers_alone(trace);
    let is_answer = |at: usize| trace.work.counted.of[at].is_some_and(|call| answers.contains(&call));
    let is_silent = |at: &usize| silent(*at) && is_agent(trace, *at) && !nodes[*at].relays() && !is_answer(*at);
    for at in (0..nodes.len()).rev().filter(is_silent) {
        let mut exchange = trace.exchange([at], fingerprints);
        exchange.drop_states();
        let beneath = silent_agents.calls_of(at);
        for call in beneath
            .iter()
            .filter(|call| answers.contains(call) && trace.scopes[trace.work.counted.calls[**call].node] == Some(at))
        {
            let answer = trace.exchange(trace.work.counted.calls[*call].nodes(), fingerprints).completion;
            for line in answer {
                // The agent may have recorded the same answer; it is listed once.
                exchange
                    .completion
                    .retain(|other| other.fingerprint.key.is_none() || other.fingerprint.key != line.fingerprint.key);
                exchange.completion.push(line);
            }
        }
        let said = || exchange.prompt.iter().chain(&exchange.completion);
        let keys: HashSet<ContentHash> = said().filter_map(|line| line.fingerprint.key).collect();
        let beneath = heard.iter().rev().within(&AGENTS_BENEATH).take_while(|(other, _)| *other < nodes[at].after);
        if !keys.is_empty() && beneath.clone().any(|(_, said)| keys.is_subset(said)) {
            continue;
        }
        // Where the agent's own messages have tool calls, none are made up from its tool runs.
        let calls = said().any(|line| line.message.parts.iter().any(|part| matches!(part.content, Content::Call(_))));
        let groups = ran.remove(&Some(at)).filter(|_| !calls).unwrap_or_default();
        silent_agents.add_conversation(at, exchange, groups);
        heard.push((at, keys));
    }
    // Calls outside of any agent that have no messages: the tools that ran for them make one conversation.
    let outside = |told: &PlacedCall| told.scope.is_none();
    if !silent_agents.conversations.calls.iter().any(outside)
        && let Some(call) = trace.work.counted.calls.iter().find(|call| trace.scopes[call.node].is_none())
        && let Some(groups) = ran.remove(&None)
    {
        silent_agents.add_conversation(call.node, Exchange::default(), groups);
    }
    if !silent_agents.conversations.all.is_empty() {
        return;
    }
    // Of nested workflows the top-most with messages has a conversation, together with the tools that ran in it.
    let node_of = |run: &&ToolRun| run.span.and_then(|span| trace.node_of(span));
    let groups = ran.remove(&None).unwrap_or_default().into_iter();
    let mut outside: Vec<(usize, Group)> =
        groups.filter_map(|group| Some((group.1.first().and_then(node_of)?, group))).collect();
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
            if silent_agents.add_conversation(at, exchange, groups.collect()) {
                next = nodes[at].after;
            }
        }
        at = next;
    }
}

/// Adds the system prompt that an agent span has to the conversations of that agent which have none.
pub fn add_agent_instructions(trace: &LoadedTrace, conversations: &mut Conversations, fingerprints: &mut Fingerprints) {
    let is_system = |said: &ConversationMessage| said.message.role == Role::System;
    for conversation in conversations.all.iter_mut().filter(|conversation| !conversation.messages.iter().any(is_system))
    {
        let agent = conversation.scope.filter(|scope| trace.nodes()[*scope].category == Category::Agent);
        let (Some(agent), Some((span, turn))) =
            (agent, conversation.messages.first().map(|said| (said.span, said.turn)))
        else {
            continue;
        };
        let system = trace.exchange([agent], fingerprints).system.into_iter();
        let said = system.map(|line| ConversationMessage::new(line.message, line.at, span, turn));
        conversation.messages.splice(0..0, said.collect::<Vec<_>>());
    }
}

/// Adds the question that a workflow span has to the earliest conversation around which it is, if no conversation of
/// the trace has a message of the user.
///
/// Some instrumentations lose a whole request because of one image in it.
pub fn add_workflow_question(trace: &LoadedTrace, conversations: &mut Conversations, fingerprints: &mut Fingerprints) {
    let is_asked = |message: &Message| message.role == Role::User;
    if conversations.all.iter().flat_map(|conversation| &conversation.messages).any(|said| is_asked(&said.message)) {
        return;
    }
    let first = conversations
        .all
        .iter_mut()
        .filter(|conversation| !conversation.messages.is_empty())
        .min_by_key(|conversation| (conversation.started, conversation.first));
    let Some(conversation) = first else { return };
    let at = conversation.messages.iter().take_while(|said| said.message.role == Role::System).count();
    let Some((span, turn)) = conversation.messages.get(at).map(|said| (said.span, said.turn)) else { return };
    let nodes = trace.nodes();
    let mut asks = |node: usize| {
        let question = trace.exchange([node], fingerprints).prompt;
        let question: Vec<TimedMessage> =
            question.into_iter().filter(|line| is_asked(&line.message) && has_text(&line.message)).collect();
        (!question.is_empty()).then_some(question)
    };
    // Only a workflow around the conversation can have its question.
    let around = |node: &usize| is_workflow(trace, *node) && (*node..nodes[*node].after).contains(&conversation.node);
    let question = (0..nodes.len()).filter(around).find_map(&mut asks);
    let said = question
        .unwrap_or_default()
        .into_iter()
        .map(|line| ConversationMessage::new(line.message, line.at, span, turn));
    let after = conversation.messages.split_off(at);
    conversation.messages.extend(said.chain(after));
}

/// Finds the calls that have an answer and no prompt, in an agent that has a prompt and in which no call has one. Their
/// answers become part of the conversation of that agent. Returns their indexes among the counted calls.
pub fn answers_alone(trace: &LoadedTrace) -> HashSet<usize> {
    let nodes = trace.nodes();
    let reading_digests = |at: usize| nodes[at].sources().flat_map(|(_, facts)| &facts.reading_digests);
    let asks = |at: usize| reading_digests(at).any(|digest| digest.prompts);
    let calls = &trace.work.counted.calls;
    let mut asking: Vec<usize> = calls.iter().flat_map(super::call::Call::nodes).filter(|at| asks(*at)).collect();
    asking.sort_unstable();
    let is_alone = |call: &super::call::Call| {
        let scope = trace.scopes[call.node].filter(|scope| nodes[*scope].category == Category::Agent)?;
        let beneath = asking.partition_point(|at| *at < scope)..asking.partition_point(|at| *at < nodes[scope].after);
        let answers = call.nodes().flat_map(reading_digests).any(|digest| digest.answers);
        (asks(scope) && answers && beneath.is_empty()).then_some(())
    };
    calls.iter().enumerate().filter(|(_, call)| is_alone(call).is_some()).map(|(at, _)| at).collect()
}

/// Tool runs that one answer asked for, with the index of its call among the counted calls; `None` where that is
/// unknown.
type Group<'r> = (Option<usize>, Vec<&'r ToolRun>);

/// Groups the tool runs that no message asks for, by the nearest agent or tool around them.
fn ran<'r>(trace: &LoadedTrace, runs: &'r [ToolRun]) -> HashMap<Option<usize>, Vec<Group<'r>>> {
    let calls = &trace.work.counted.calls;
    let mut asking: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (call, counted) in calls.iter().enumerate() {
        asking.entry(trace.scopes[counted.node]).or_default().push(call);
    }
    let mut ran: HashMap<Option<usize>, Vec<Group>> = HashMap::new();
    // A run that is known from an agent's own messages is shown with those.
    let heard = trace.work.runs.runs.iter().map(|run| run.reported.is_some());
    let tells = |run: &&ToolRun| run.called_by.is_none() && (!run.input.is_empty() || run.output.is_some());
    for run in runs.iter().zip(heard).filter(|(_, heard)| !heard).map(|(run, _)| run).filter(tells) {
        let Some(at) = run.span.and_then(|span| trace.node_of(span)) else { continue };
        let scope = trace.above[at];
        // The last call that began before a tool run is taken to have asked for it.
        let before = asking.get(&scope).and_then(|asking| {
            let node = &trace.nodes()[at];
            let of = |call: &usize| &trace.nodes()[calls[*call].node];
            let (before, later) = asking.split_at(asking.partition_point(|call| of(call).started <= node.started));
            // A call that is known from a log record may begin only when it ended, and its tools before that.
            let meanwhile = later.iter().take_while(|call| Some(of(call).started) < node.ended).within(&AGENTS_BENEATH);
            meanwhile.filter(|call| of(call).ended == Some(of(call).started)).last().or(before.last()).copied()
        });
        let groups = ran.entry(scope).or_default();
        match groups.last_mut().filter(|(call, _)| call.is_some() && *call == before) {
            Some((_, group)) => group.push(run),
            None => groups.push((before, vec![run])),
        }
    }
    ran
}

/// An agent of a runtime that delivers messages (`calls.md` 4): what it was sent and what it answered.
struct Mailbox {
    /// The conversation with all answers so far, each after what was sent before it.
    conversation: OpenConversation,
    /// What it was sent since its last answer.
    waiting: Vec<TimedMessage>,
    /// Messages of its next answer, each with the node that delivered it.
    keyed_messages: Vec<(usize, TimedMessage)>,
    /// The messages of its answers so far.
    told: HashSet<Identity>,
}

/// The key of a message, the ids of its tool calls, and those of the tool calls that its results answer.
type Identity = (Option<ContentHash>, Box<[u64]>, Box<[u64]>);

/// What identifies a message among the answers of an agent.
fn identity(fingerprint: &Fingerprint) -> Identity {
    (fingerprint.key, fingerprint.asks.clone(), fingerprint.answers.clone())
}

impl Mailbox {
    /// Keeps the messages of an answer that are not known yet: a team within a team delivers them once more.
    fn hold(&mut self, at: usize, keyed_messages: Vec<TimedMessage>) {
        let new =
            |line: &TimedMessage| line.message.role != Role::User && !self.told.contains(&identity(&line.fingerprint));
        let keyed_messages: Vec<TimedMessage> = keyed_messages.into_iter().filter(new).collect();
        self.keyed_messages.extend(keyed_messages.into_iter().map(|line| (at, line)));
    }
}

/// Builds the conversations of agents and workflows of which no call has messages.
struct SilentAgents<'s, 'a> {
    trace: &'s LoadedTrace<'a>,
    conversations: &'s mut Conversations,
    /// The indexes of the counted calls, in the order of their nodes.
    calls: Vec<usize>,
    /// The next turn for messages that belong to no counted call.
    turn: usize,
}

impl SilentAgents<'_, '_> {
    /// Opens the conversations of agents whose messages are only known from their delivery: before each answer stands
    /// what the agent was sent until then.
    fn add_deliveries(&mut self, fingerprints: &mut Fingerprints) {
        let nodes = self.trace.nodes();
        let mut mail: Vec<usize> =
            (0..nodes.len()).filter(|at| nodes[*at].relays() && is_free(self.trace, *at)).collect();
        mail.sort_by_key(|at| nodes[*at].order());
        let mut boxes: Vec<Mailbox> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for at in mail {
            let Some(agent) = self.trace.agent_of(at) else { continue };
            let Exchange { system, prompt, mut completion, .. } = self.trace.exchange([at], fingerprints);
            if nodes[at].category != Category::Agent {
                // The node delivers messages of an answer. An agent that was never sent anything has no conversation.
                if let Some(of) = known.get(&agent) {
                    boxes[*of].hold(at, completion);
                }
                continue;
            }
            // A team within a team delivers the messages of its members; those who have a conversation keep them there.
            // A tool result goes with the message before it.
            let mut others = false;
            completion.retain(|line| {
                if line.message.role != Role::Tool {
                    let by = line.message.name.as_deref().filter(|name| *name != agent);
                    others = by.is_some_and(|name| known.contains_key(name));
                }
                !others
            });
            let of = *known.entry(agent.clone()).or_insert_with(|| {
                let node = &nodes[at];
                let conversation =
                    OpenConversation::new(self.trace.scopes[at], Some(agent), (node.id, at), node.started);
                boxes.push(Mailbox {
                    conversation,
                    waiting: Vec::new(),
                    keyed_messages: Vec::new(),
                    told: HashSet::new(),
                });
                boxes.len() - 1
            });
            let Mailbox { conversation, waiting, keyed_messages, told } = &mut boxes[of];
            waiting.extend(system.into_iter().chain(prompt));
            if !completion.is_empty() {
                keyed_messages.clear();
                told.extend(completion.iter().map(|line| identity(&line.fingerprint)));
                let lines = mem::take(waiting).into_iter().chain(completion);
                self.append(conversation, at, lines.collect());
            }
        }
        let ran = self.ran();
        for Mailbox { mut conversation, waiting, keyed_messages, .. } in boxes {
            // What was sent to an agent after its last answer is left out: the agent never read it. One that never
            // answered is shown with what it was sent, if it ran; one that broke off, with the messages of its
            // unfinished answer as well.
            let began = ran.is_empty() || conversation.agent.as_ref().is_some_and(|agent| ran.contains(agent));
            if (conversation.messages.is_empty() && began) || !keyed_messages.is_empty() {
                let at = conversation.node;
                self.append(&mut conversation, at, waiting);
            }
            for (at, keyed) in keyed_messages {
                self.append(&mut conversation, at, vec![keyed]);
            }
            if !conversation.messages.is_empty() {
                self.conversations.open(conversation);
            }
        }
    }

    /// The names of the agents that have spans of their own, besides those that deliver messages.
    fn ran(&self) -> HashSet<String> {
        let nodes = self.trace.nodes();
        let made = |at: usize| {
            let operation = self.trace.first([at], |said| said.genai.operation.clone());
            operation.is_some_and(|operation| operation == "create_agent")
        };
        let is = |at: &usize| nodes[*at].category == Category::Agent && !nodes[*at].relays() && !made(*at);
        (0..nodes.len()).filter(is).filter_map(|at| self.trace.agent_of(at)).collect()
    }

    /// Adds messages to a conversation, all with one turn of their own.
    fn append(&mut self, conversation: &mut OpenConversation, at: usize, lines: Vec<TimedMessage>) {
        let (span, turn) = (self.trace.nodes()[at].id, self.turn);
        self.turn += 1;
        conversation
            .messages
            .extend(lines.into_iter().map(|line| ConversationMessage::new(line.message, line.at, span, turn)));
    }

    /// The indexes of the counted calls at and beneath a node.
    fn calls_of(&self, at: usize) -> &[usize] {
        let calls = &self.trace.work.counted.calls;
        let until = |node: usize| self.calls.partition_point(|call| calls[*call].node < node);
        &self.calls[until(at)..until(self.trace.nodes()[at].after)]
    }

    /// Opens a conversation with the messages of one node and the tools that ran in it. Returns `false`, and opens
    /// none, where there is neither.
    fn add_conversation(&mut self, at: usize, exchange: Exchange, groups: Vec<Group>) -> bool {
        let spoken = |lines: &[TimedMessage]| lines.iter().any(|line| line.message.role != Role::System);
        if !spoken(&exchange.prompt) && !spoken(&exchange.completion) && groups.is_empty() {
            return false;
        }
        let node = &self.trace.nodes()[at];
        // The prompt belongs to the first call beneath the node, and the answer to the last; both to the node where
        // there is no call.
        let calls = &self.trace.work.counted.calls;
        let of = |call: usize| (call, self.trace.nodes()[calls[call].node].id);
        let beneath = self.calls_of(at).to_vec();
        let own = (self.turn, node.id);
        let asked = beneath.first().map_or(own, |call| of(*call));
        let answered = beneath.last().map_or(own, |call| of(*call));
        self.turn += usize::from(asked == own);
        let say = |(turn, span): (usize, SpanId), message, at| ConversationMessage::new(message, at, span, turn);
        let mut conversation =
            OpenConversation::new(self.trace.scopes[at], self.trace.agent_of(at), (asked.1, at), node.started);
        conversation.messages.extend(exchange.system.into_iter().map(|line| say(asked, line.message, line.at)));
        let completion = if node.failed() { Vec::new() } else { exchange.completion };
        // The last call that began until then.
        let during = |at: Timestamp| {
            let started = |call: &&usize| self.trace.nodes()[calls[**call].node].started <= at;
            beneath.iter().filter(started).max_by_key(|call| self.trace.nodes()[calls[**call].node].order())
        };
        // Log records have times of their own, so messages and tool runs are put in the order of time.
        let mut told: Vec<(Timestamp, Vec<ConversationMessage>)> = Vec::new();
        for line in exchange.prompt {
            told.push((line.at, vec![say(asked, line.message, line.at)]));
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
            told.push((at, vec![say(call.map_or(answered, of), line.message, line.at)]));
        }
        for (call, runs) in groups {
            let caller = call.map_or(answered, of);
            let started = began(&runs);
            let ended = runs.iter().filter_map(|run| run.ended).min().unwrap_or(started);
            let results = results_message(&runs).map(|results| say(caller, results, ended));
            let asked = say(caller, calls_message(&runs), started);
            told.push((started, [asked].into_iter().chain(results).collect()));
        }
        // The sort is stable: at one time the prompt comes first, then the answer, then the tool calls.
        told.sort_by_key(|(at, _)| *at);
        conversation.messages.extend(told.into_iter().flat_map(|(_, said)| said));
        self.conversations.open(conversation);
        true
    }
}

/// Whether a node is an agent, or a call span that stands for no call of another span: the sum of several calls is one.
fn is_agent(trace: &LoadedTrace, at: usize) -> bool {
    matches!(trace.nodes()[at].category, Category::Agent | Category::Llm) && is_free(trace, at)
}

/// Whether a node is no second record of a counted call.
fn is_free(trace: &LoadedTrace, at: usize) -> bool {
    trace.work.counted.of[at].is_none_or(|call| trace.work.counted.calls[call].node == at)
}

/// Whether a node is a chain or plain span with messages in it that are more than a fallback reading.
fn is_workflow(trace: &LoadedTrace, at: usize) -> bool {
    let node = &trace.nodes()[at];
    let knows = || {
        trace.translations(at).flat_map(|said| &said.readings).any(|reading| reading.content != ContentKind::Fallback)
    };
    node.has_messages() && matches!(node.category, Category::Chain | Category::Span) && knows()
}

/// The tool calls that must have been made for these tools to run, as one message.
fn calls_message(runs: &[&ToolRun]) -> Arc<Message> {
    let call = |run: &&ToolRun| {
        let (id, name, input) = (run.call_id.clone(), run.name.clone(), run.input.clone());
        Part::new(Content::Call(ToolCall { id, item_id: None, name, input, server_side: false }))
    };
    Arc::new(Message::new(Role::Assistant, runs.iter().map(call).collect()))
}

/// Their results as one message; `None` where none of them is known.
fn results_message(runs: &[&ToolRun]) -> Option<Arc<Message>> {
    let parts: Vec<Part> = runs.iter().filter_map(|run| result(run)).collect();
    (!parts.is_empty()).then(|| Arc::new(Message::new(Role::Tool, parts)))
}
