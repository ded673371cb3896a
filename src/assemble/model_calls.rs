//! The counted calls in the form in which the screen lists them, and their exchanges, ready to be placed in
//! conversations.

use std::collections::HashMap;

use super::{
    call::{Call, is_short_for},
    exchange::{Exchange, TimedMessage},
    fingerprint::Fingerprints,
    hashes::ModelHash,
    loaded_trace::LoadedTrace,
    prepared_exchange::PlacedExchange,
    silent_agents, span_failure,
    step_thoughts::add_reasoning,
};
use crate::model::{
    Category, Content, Dropped, Instrumentation, ModelCall, Parameters, Request, Role, SpanRow, StatusCode,
};

/// Returns what is shown of each counted call, in order, and the exchanges of those calls that belong in a
/// conversation.
pub fn turns(trace: &LoadedTrace, fingerprints: &mut Fingerprints) -> (Vec<ModelCall>, Vec<PlacedExchange>) {
    let calls = &trace.work.counted.calls;
    let last: HashMap<Option<usize>, usize> =
        calls.iter().enumerate().map(|(turn, call)| (trace.scopes[call.node], turn)).collect();
    let mut facts = Vec::with_capacity(calls.len());
    let mut placed = Vec::new();
    let answers = silent_agents::answers_alone(trace);
    // Coding agents put messages into log records that do not name the call's span. Where there are such records, a
    // call without messages does not mean that its content was not recorded.
    let mut logs = trace.rows.logs.iter().map(|log| &log.translation);
    let in_logs = logs.any(|translation| !translation.readings.is_empty());
    for (turn, call) in calls.iter().enumerate() {
        let node = &trace.nodes()[call.node];
        let mut exchange = trace.exchange(call.nodes(), fingerprints);
        if call.failed && exchange.prompt.is_empty() && last.get(&trace.scopes[call.node]) == Some(&turn) {
            take_agents_prompt(trace, call.node, &mut exchange, fingerprints);
        }
        add_reasoning(trace, call.node, &mut exchange, fingerprints);
        let nodes = || call.nodes();
        let genai = |value: fn(&crate::model::GenAi) -> Option<String>| {
            trace.first(nodes(), |translation| value(&translation.genai))
        };
        let agent = trace.agent_of(call.node);
        facts.push(ModelCall {
            span: node.id,
            name: node.span.map(|(_, facts)| facts.name.to_string()).unwrap_or_default(),
            category: node.category,
            agent: agent.clone(),
            provider: genai(|genai| genai.provider.clone()),
            model: genai(|genai| genai.model.clone()).map(|model| {
                let fuller = call.model(trace.tree()).filter(|fuller| is_short_for(&model, fuller));
                fuller.map(str::to_owned).unwrap_or(model)
            }),
            response_model: genai(|genai| genai.response_model.clone()),
            parameters: parameters(trace, call.nodes()),
            request: Request::default(),
            started: node.started,
            ended: node.ended.and_then(|_| call.nodes().filter_map(|at| trace.nodes()[at].ended).max()),
            ttft: trace.first(nodes(), |translation| translation.genai.ttft),
            stop_reason: genai(|genai| genai.stop_reason.clone()),
            usage: call.usage,
            unexplained: call.usage.map_or(0, |usage| usage.unexplained(total(trace, call))),
            cost: call.cost.clone(),
            unpriced: call.unpriced,
            broke_off: call.broke_off,
            window: None,
            failure: trace.row(call.node).and_then(span_failure::of_span).or_else(|| {
                node.failure()?;
                trace.first([call.node], |translation| translation.error.clone())
            }),
            dropped: dropped(trace, call),
            unrecorded: if in_logs { None } else { unrecorded(trace, call, &exchange) },
            recording_hint: None,
            also: call.also.iter().map(|node| trace.nodes()[*node].id).collect(),
        });
        // A message between agents is part of the conversation of the agent that sent or received it.
        if !is_in_conversation(node.category) || node.relays() || repeats_agents(trace, call.node) {
            continue;
        }
        if !node.category.is_call() {
            exchange.drop_states();
        }
        if exchange.is_empty() || answers.contains(&turn) {
            continue;
        }
        // An error status whose cause is no failure, such as an agent that hands over, ends no answer.
        let is_error = |row: &SpanRow| row.status.code == StatusCode::Error && span_failure::of_span(row).is_some();
        let broken = trace.row(call.node).is_some_and(is_error);
        placed.push(PlacedExchange {
            turn,
            span: node.id,
            node: call.node,
            scope: trace.scopes[call.node],
            step: node.parent,
            in_agent: trace.scopes[call.node].is_some_and(|scope| trace.nodes()[scope].category == Category::Agent),
            sums_up: !node.category.is_call(),
            agent,
            model: call
                .nodes()
                .flat_map(|at| trace.nodes()[at].sources())
                .find_map(|(_, facts)| facts.model.as_ref())
                .map(ModelHash::of),
            started: node.started,
            ended: node.ended,
            // A failure beside an answer was recovered from, unless the span's own status is an error.
            failed: broken || (call.failed && exchange.completion.is_empty()),
            is_partial: dropped(trace, call).is_any(),
            exchange,
        });
    }
    (facts, placed)
}

/// The instrumentation that recorded a model call without its messages, so that a hint can be given; `None` if there
/// are messages, or if the call failed or still runs.
fn unrecorded(trace: &LoadedTrace, call: &Call, exchange: &Exchange) -> Option<Instrumentation> {
    let node = &trace.nodes()[call.node];
    let silent = node.category == Category::Llm && node.ended.is_some() && !call.failed && exchange.is_empty();
    let row = call.nodes().filter(|_| silent).find_map(|at| trace.row(at))?;
    Some(Instrumentation { scope: row.scope_name.clone(), framework: row.translation.context.framework.clone() })
}

/// Takes the conversation of the agent around it as the prompt of a call that failed before its prompt was recorded:
/// that is what it was sent.
///
/// Only if the agent has assistant messages; otherwise its question is shown for the agent itself.
fn take_agents_prompt(trace: &LoadedTrace, node: usize, exchange: &mut Exchange, fingerprints: &mut Fingerprints) {
    let scope = trace.scopes[node].filter(|scope| trace.nodes()[*scope].category == Category::Agent);
    let Some(scope) = scope.filter(|scope| *scope != node) else { return };
    let mut theirs = trace.exchange([scope], fingerprints);
    theirs.drop_states();
    if !theirs.prompt.iter().any(|line| line.fingerprint.role == Role::Assistant) {
        return;
    }
    let sent = trace.nodes()[node].started;
    exchange.prompt = theirs.prompt.into_iter().map(|line| TimedMessage { at: sent, ..line }).collect();
    if exchange.system.is_empty() {
        exchange.system = theirs.system.into_iter().map(|line| TimedMessage { at: sent, ..line }).collect();
    }
}

/// Whether calls of a category belong in conversations. Embeddings, rerankings and the cost of tools do not.
fn is_in_conversation(category: Category) -> bool {
    matches!(category, Category::Llm | Category::Agent | Category::Chain | Category::Span)
}

/// Whether a node that counts but is no call has agents with messages beneath it: a crew with the sum of their tokens.
fn repeats_agents(trace: &LoadedTrace, node: usize) -> bool {
    let nodes = trace.nodes();
    let beneath = nodes.get(node + 1..nodes[node].after).unwrap_or_default();
    !nodes[node].category.is_call()
        && beneath.iter().any(|node| node.category == Category::Agent && node.has_messages())
}

/// What the senders of all records of a call threw away.
fn dropped(trace: &LoadedTrace, call: &Call) -> Dropped {
    let translations = call.nodes().flat_map(|node| trace.translations(node));
    translations.fold(Dropped::default(), |sum, translation| sum.and(translation.dropped))
}

/// The largest total of tokens that a record of a call reports; `None` where none does.
fn total(trace: &LoadedTrace, call: &Call) -> Option<u64> {
    let translations = call.nodes().flat_map(|node| trace.translations(node));
    translations.filter_map(|translation| translation.genai.reported.total).max()
}

/// The request parameters of all records of a call, sorted by name; of two values of one name the first.
fn parameters(trace: &LoadedTrace, nodes: impl Iterator<Item = usize>) -> Parameters {
    let mut parameters: Parameters = Vec::new();
    for (name, value) in
        nodes.flat_map(|node| trace.translations(node)).flat_map(|translation| &translation.genai.parameters)
    {
        if !parameters.iter().any(|(present, _)| present == name) {
            parameters.push((name.clone(), value.clone()));
        }
    }
    parameters.sort_by(|(left, _), (right, _)| left.cmp(right));
    parameters
}

impl Exchange {
    /// Removes messages that are nothing but JSON: a program's state, and no part of a conversation. Texts that happen
    /// to be JSON are kept in messages of the assistant, and on a side of the exchange that is known to be a
    /// conversation.
    pub fn drop_states(&mut self) {
        for (lines, is_conversation) in [&mut self.prompt, &mut self.completion].into_iter().zip(self.is_conversation) {
            // An agent's answer may well be JSON.
            let is_text = |line: &TimedMessage| is_conversation || line.message.role == Role::Assistant;
            lines.retain(|line| !line.message.parts.iter().all(|part| is_state(&part.content, is_text(line))));
        }
    }
}

/// Whether a part is JSON: a value, or a text that parses as an object or a list. Other texts that happen to be JSON,
/// such as `4` or `true`, are not. With `is_text` no text is.
fn is_state(part: &Content, is_text: bool) -> bool {
    match part {
        Content::Json(_) | Content::Unknown(_) => true,
        Content::Text(_) if is_text => false,
        Content::Text(text) => {
            let text = text.trim();
            (text.starts_with('{') || text.starts_with('[')) && crate::model::json::parse(text).is_ok()
        }
        Content::Reasoning(_) | Content::Call(_) | Content::Result(_) | Content::Media(_) | Content::Refusal(_) => {
            false
        }
    }
}
