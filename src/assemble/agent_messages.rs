//! Messages of agent and workflow spans that the model calls beneath them lack: an agent's answer and its instructions,
//! and the question of a workflow (`conversations.md` 7, 8).
//!
//! Such spans repeat the question and the answer of the calls beneath them. So no more is taken from them than what is
//! missing there. That is decided from the exchanges of the calls, before any of them is placed in a conversation.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use super::{
    collected_exchange::StandaloneExchange, content_hash::ContentHash, exchange::TimedMessage,
    fingerprint::Fingerprints, hashes::PromptHash, loaded_trace::LoadedTrace, prepared_exchange::PreparedExchange,
    provenance::Provenance, shown_messages::PlacedMessage, tool_runs,
};
use crate::model::{Category, Content, ContentKind, ConversationMessage, Message, Part, Role, json};

/// Where a text of at least so many letters is found within another one, the other one repeats it.
const LETTERS: usize = 16;

/// Gives the last call of each agent the answer of the agent's span, unless the calls of that agent and their tools have
/// that text already. `calls` are in the order of their start.
pub fn add_answers(trace: &LoadedTrace, calls: &mut [PreparedExchange], fingerprints: &mut Fingerprints) {
    let mut answers: Vec<(usize, Vec<TimedMessage>)> = Vec::new();
    let later_answers = LazyCell::new(|| later_answers(calls));
    for (scope, of_agent) in by_agent(trace, calls) {
        let node = &trace.nodes()[scope];
        let is_counted = trace.work.counted.of[scope].is_some_and(|call| trace.work.counted.calls[call].node == scope);
        let Some(newest) = of_agent.last().copied() else { continue };
        let last = &calls[newest].placed;
        if node.failed() || last.failed || last.ended.is_none() || is_counted {
            continue;
        }
        let mut exchange = trace.exchange([scope], fingerprints);
        exchange.drop_states();
        let answer = exchange.completion.into_iter();
        let answer: Vec<TimedMessage> =
            answer.filter(|line| line.message.role == Role::Assistant && has_text(&line.message)).collect();
        if answer.is_empty() {
            continue;
        }
        let is_unanswered = calls[newest].completion.is_empty();
        let later = is_unanswered.then(|| later_answers.get(&newest)).flatten();
        let later = later.map(|(later, lines)| &calls[*later].lines[lines.clone()]).unwrap_or_default();
        if repeats(&answer, of_agent.iter().map(|at| &calls[*at]), is_unanswered, later) {
            continue;
        }
        let without_calls = |line: TimedMessage| {
            let parts = line.message.parts.iter().filter(|part| !matches!(part.content, Content::Call(_))).cloned();
            TimedMessage { message: Arc::new(Message { parts: parts.collect(), ..(*line.message).clone() }), ..line }
        };
        answers.push((newest, answer.into_iter().map(without_calls).collect()));
    }
    for (newest, answer) in answers {
        calls[newest].additions.answer = answer;
    }
}

/// Finds the answers that were not recorded with their calls and that the prompt of a later call of the same agent has:
/// for the index of the call without an answer, the index of the later call and the place of the answer in its `lines`.
fn later_answers(calls: &[PreparedExchange]) -> HashMap<usize, (usize, Range<usize>)> {
    let mut unanswered: HashMap<PromptHash, usize> = HashMap::new();
    let mut found = HashMap::new();
    for (at, call) in calls.iter().enumerate() {
        for (after, beginning) in call.chain.beginnings() {
            let Some(earlier) = unanswered.get(&beginning).copied() else { continue };
            let (theirs, own) = (&calls[earlier].placed, &call.placed);
            let is_answer = |line: &&TimedMessage| line.fingerprint.role == Role::Assistant;
            let length = call.lines[after..].iter().take_while(is_answer).count();
            if length > 0 && (theirs.scope == own.scope || (theirs.agent.is_some() && theirs.agent == own.agent)) {
                found.entry(earlier).or_insert((at, after..after + length));
            }
        }
        if let (true, Some(whole)) = (call.completion.is_empty(), call.chain.whole()) {
            unanswered.insert(whole, at);
        }
    }
    found
}

/// Gives the calls of an agent the system messages of the agent's span, if none of them has any.
pub fn add_instructions(trace: &LoadedTrace, calls: &mut [PreparedExchange], fingerprints: &mut Fingerprints) {
    let is_system = |line: &TimedMessage| line.fingerprint.role == Role::System;
    for (scope, of_agent) in by_agent(trace, calls) {
        let has_system = |at: &usize| !calls[*at].system.is_empty() || calls[*at].lines.iter().any(is_system);
        if of_agent.iter().any(has_system) {
            continue;
        }
        let instructions = trace.exchange([scope], fingerprints).system;
        for at in of_agent {
            calls[at].additions.instructions.clone_from(&instructions);
        }
    }
}

/// The indexes of the calls of each agent, in order, by the node of the agent.
fn by_agent(trace: &LoadedTrace, calls: &[PreparedExchange]) -> BTreeMap<usize, Vec<usize>> {
    let mut by_agent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, call) in calls.iter().enumerate() {
        if let Some(scope) = call.placed.scope.filter(|scope| trace.nodes()[*scope].category == Category::Agent) {
            by_agent.entry(scope).or_default().push(at);
        }
    }
    by_agent
}

/// Gives the earliest exchange the question of a workflow span around it, if no exchange of the trace has a message of
/// the user.
///
/// Some instrumentations lose a whole request because of one image in it.
pub fn add_question(
    trace: &LoadedTrace,
    calls: &mut [PreparedExchange],
    standalone: &mut [StandaloneExchange],
    fingerprints: &mut Fingerprints,
) {
    let is_question = |message: &Message| message.role == Role::User;
    let asks =
        |call: &PreparedExchange| call.lines.iter().chain(&call.completion).any(|line| is_question(&line.message));
    let is_asked =
        |exchange: &StandaloneExchange| exchange.messages.iter().any(|placed| is_question(&placed.shown.message));
    if calls.iter().any(asks) || standalone.iter().any(is_asked) {
        return;
    }
    let call = calls.iter_mut().min_by_key(|call| (call.placed.started, call.placed.span));
    let other = standalone.iter_mut().min_by_key(|exchange| (exchange.started, exchange.first));
    let nodes = trace.nodes();
    // Only a workflow around the exchange can have its question.
    let mut question = |node: usize| -> Vec<TimedMessage> {
        let around = |at: &usize| is_workflow(trace, *at) && (*at..nodes[*at].after).contains(&node);
        let found = (0..nodes.len()).filter(around).find_map(|at| {
            let prompt = trace.exchange([at], fingerprints).prompt.into_iter();
            let question: Vec<TimedMessage> =
                prompt.filter(|line| is_question(&line.message) && has_text(&line.message)).collect();
            (!question.is_empty()).then_some(question)
        });
        found.unwrap_or_default()
    };
    match (call, other) {
        (Some(call), other)
            if other
                .as_ref()
                .is_none_or(|other| (call.placed.started, call.placed.span) <= (other.started, other.first)) =>
        {
            call.additions.question = question(call.placed.node);
        }
        (_, Some(exchange)) => {
            let system = exchange.messages.iter().take_while(|placed| placed.shown.message.role == Role::System);
            let at = system.count();
            let Some((span, turn)) = exchange.messages.get(at).map(|next| (next.shown.span, next.shown.turn)) else {
                return;
            };
            let question = question(exchange.node).into_iter().map(|line| PlacedMessage {
                shown: ConversationMessage::new(line.message, line.at, span, turn),
                provenance: Provenance::WorkflowSpan,
            });
            exchange.messages.splice(at..at, question);
        }
        (_, None) => {}
    }
}

/// Whether a node is a chain or plain span with messages in it that are more than a fallback reading.
pub fn is_workflow(trace: &LoadedTrace, at: usize) -> bool {
    let node = &trace.nodes()[at];
    let is_read = || {
        let mut readings = trace.translations(at).flat_map(|translation| &translation.readings);
        readings.any(|reading| reading.content != ContentKind::Fallback)
    };
    node.has_messages() && matches!(node.category, Category::Chain | Category::Span) && is_read()
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
/// `calls` are those of the agent; `is_unanswered` is whether no answer is recorded with the last of them, and `later` is
/// that answer where only a later prompt has it. A whole
/// text is looked for in the other one, never a beginning: answers often begin alike. Only letters and digits
/// are compared, for programs lay texts out anew.
fn repeats<'c>(
    answer: &[TimedMessage],
    calls: impl Iterator<Item = &'c PreparedExchange>,
    is_unanswered: bool,
    later: &'c [TimedMessage],
) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
    let answer: String = answer.iter().map(|line| letters(&line.message.plain_text())).collect();
    let is_long = |text: &str| text.chars().count() >= LETTERS;
    let mut answers = String::new();
    for (role, part) in parts_of(calls, is_unanswered, later) {
        let text = match &part.content {
            Content::Text(text) | Content::Refusal(text) => letters(text),
            Content::Call(call) => letters(&json::to_string(&call.input)),
            Content::Result(result) => letters(&tool_runs::text(&result.content).unwrap_or_default()),
            Content::Json(value) => letters(&json::to_string(value)),
            Content::Reasoning(_) | Content::Media(_) | Content::Unknown(_) => continue,
        };
        let is_answer = role == Role::Assistant && !matches!(part.content, Content::Call(_));
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
    answer.is_empty() || answers.ends_with(&answer)
}

/// The parts of all messages of these calls but those of the user, each with the role of its message; then those of
/// `later`. Prompts repeat each other, and every message is read once. With `without_history` what the first prompt has
/// up to its last answer is left out: an earlier turn may have been answered in the same words.
fn parts_of<'c>(
    calls: impl Iterator<Item = &'c PreparedExchange>,
    without_history: bool,
    later: &'c [TimedMessage],
) -> Vec<(Role, &'c Part)> {
    // How often each message was read.
    let mut read: HashMap<ContentHash, usize> = HashMap::new();
    let mut parts = Vec::new();
    let add = |parts: &mut Vec<(Role, &'c Part)>, line: &'c TimedMessage| {
        parts.extend(line.message.parts.iter().map(|part| (line.message.role, part)));
    };
    for (nth, call) in calls.enumerate() {
        let is_answer = |line: &TimedMessage| line.fingerprint.role == Role::Assistant;
        let history = call.lines.iter().rposition(is_answer).filter(|_| without_history && nth == 0);
        let history = history.map_or(0, |last| last + 1);
        let lines = call.lines.iter().enumerate().map(|(at, line)| (at < history, line));
        let prompt = call.system.iter().map(|line| (false, line)).chain(lines);
        let prompt = prompt.filter(|(_, line)| line.message.role != Role::User);
        // Equal messages of one prompt are several messages.
        let mut in_prompt: HashMap<ContentHash, usize> = HashMap::new();
        for (is_history, line) in prompt {
            if let Some(key) = line.fingerprint.key {
                let nth = in_prompt.entry(key).or_default();
                *nth += 1;
                let read = read.entry(key).or_default();
                if *nth <= *read {
                    continue;
                }
                *read = *nth;
            }
            if !is_history {
                add(&mut parts, line);
            }
        }
        for line in &call.completion {
            if let Some(key) = line.fingerprint.key {
                *read.entry(key).or_default() += 1;
            }
            add(&mut parts, line);
        }
        let returned = call.additions.results.values().flatten();
        parts.extend(returned.map(|returned| (Role::Tool, &returned.part)));
    }
    for line in later {
        add(&mut parts, line);
    }
    parts
}
