//! The conversations of agents whose messages are only known from their delivery, by a runtime that delivers messages
//! between agents (`calls.md` 4).

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use super::{
    collected_exchange::StandaloneExchange,
    content_hash::ContentHash,
    exchange::{Exchange, TimedMessage},
    fingerprint::{Fingerprint, Fingerprints},
    hashes::{CallIdHash, ResultKey},
    loaded_trace::LoadedTrace,
    provenance::Provenance,
};
use crate::model::{Category, ConversationMessage, Role};

/// An agent that messages are delivered to: what it was sent and what it answered.
struct Mailbox {
    /// The conversation with all answers so far, each after what was sent before it.
    conversation: StandaloneExchange,
    /// What the agent was sent since its last answer.
    waiting: Vec<TimedMessage>,
    /// Messages of its next answer, each with the node that delivered it.
    unfinished: Vec<(usize, TimedMessage)>,
    /// The messages of its answers so far.
    answers: HashSet<Identity>,
}

/// The key of a message, the ids of its tool calls, and those of the tool calls that its results answer.
type Identity = (Option<ContentHash>, Box<[CallIdHash]>, Box<[ResultKey]>);

/// What identifies a message among the answers of an agent.
fn identity(fingerprint: &Fingerprint) -> Identity {
    (fingerprint.key, fingerprint.call_ids.clone(), fingerprint.results.clone())
}

impl Mailbox {
    /// Keeps the messages of an answer that are not known yet: a team within a team delivers them once more.
    fn hold(&mut self, at: usize, lines: Vec<TimedMessage>) {
        let is_new = |line: &TimedMessage| {
            line.message.role != Role::User && !self.answers.contains(&identity(&line.fingerprint))
        };
        self.unfinished.extend(lines.into_iter().filter(is_new).map(|line| (at, line)));
    }
}

/// The conversations of these agents: before each answer stands what the agent was sent until then.
///
/// `turn` is the next free turn. The messages of each delivery have one of their own.
pub fn conversations(
    trace: &LoadedTrace,
    turn: &mut usize,
    fingerprints: &mut Fingerprints,
) -> Vec<StandaloneExchange> {
    let nodes = trace.nodes();
    let mut append = |conversation: &mut StandaloneExchange, at: usize, lines: Vec<TimedMessage>| {
        for line in lines {
            let shown = ConversationMessage::new(line.message, line.at, nodes[at].id, *turn);
            conversation.push(shown, Provenance::Delivery);
        }
        *turn += 1;
    };
    let mut deliveries: Vec<usize> =
        (0..nodes.len()).filter(|at| nodes[*at].relays() && !trace.is_other_record(*at)).collect();
    deliveries.sort_by_key(|at| nodes[*at].order());
    let mut boxes: Vec<Mailbox> = Vec::new();
    let mut of_agent: HashMap<String, usize> = HashMap::new();
    for at in deliveries {
        let Some(agent) = trace.agent_of(at) else { continue };
        let Exchange { system, prompt, mut completion, .. } = trace.exchange([at], fingerprints);
        if nodes[at].category != Category::Agent {
            // The node delivers messages of an answer. An agent that was never sent anything has no conversation.
            if let Some(of) = of_agent.get(&agent) {
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
                others = by.is_some_and(|name| of_agent.contains_key(name));
            }
            !others
        });
        let of = *of_agent.entry(agent.clone()).or_insert_with(|| {
            let node = &nodes[at];
            let (scope, agent, messages) = (trace.scopes[at], Some(agent), Vec::new());
            let conversation =
                StandaloneExchange { scope, agent, first: node.id, node: at, started: node.started, messages };
            let (waiting, unfinished, answers) = (Vec::new(), Vec::new(), HashSet::new());
            boxes.push(Mailbox { conversation, waiting, unfinished, answers });
            boxes.len() - 1
        });
        let Mailbox { conversation, waiting, unfinished, answers } = &mut boxes[of];
        waiting.extend(system.into_iter().chain(prompt));
        if !completion.is_empty() {
            unfinished.clear();
            answers.extend(completion.iter().map(|line| identity(&line.fingerprint)));
            append(conversation, at, mem::take(waiting).into_iter().chain(completion).collect());
        }
    }
    let ran = agents_with_spans(trace);
    let mut conversations = Vec::new();
    for Mailbox { mut conversation, waiting, unfinished, .. } in boxes {
        // What was sent to an agent after its last answer is left out: the agent never read it. One that never answered
        // is shown with what it was sent, if it ran; one that broke off, with the messages of its unfinished answer as
        // well.
        let began = ran.is_empty() || conversation.agent.as_ref().is_some_and(|agent| ran.contains(agent));
        if (conversation.messages.is_empty() && began) || !unfinished.is_empty() {
            let at = conversation.node;
            append(&mut conversation, at, waiting);
        }
        for (at, line) in unfinished {
            append(&mut conversation, at, vec![line]);
        }
        if !conversation.messages.is_empty() {
            conversations.push(conversation);
        }
    }
    conversations
}

/// The names of the agents that have spans of their own, besides those that deliver messages.
fn agents_with_spans(trace: &LoadedTrace) -> HashSet<String> {
    let nodes = trace.nodes();
    let is_made = |at: usize| {
        let operation = trace.first([at], |translation| translation.genai.operation.clone());
        operation.is_some_and(|operation| operation == "create_agent")
    };
    let is_agent = |at: &usize| nodes[*at].category == Category::Agent && !nodes[*at].relays() && !is_made(*at);
    (0..nodes.len()).filter(is_agent).filter_map(|at| trace.agent_of(at)).collect()
}
