//! What a model thought, where not the span of its call has it but a step around that (`conversations.md` 7).

use std::sync::Arc;

use super::{
    exchange::{Exchange, TimedMessage},
    fingerprint::Fingerprints,
    loaded_trace::LoadedTrace,
};
use crate::model::{Category, Content, ContentKind, Message, Part, Role};

/// Adds reasoning to an answer without any, from a chain span around the call that returned the same answer.
///
/// An SDK keeps a limited number of attributes for each span, and so drops the answer's details after a long prompt. Others
/// have thoughts only in the provider's response, which stands on the step around the call.
pub fn add_reasoning(trace: &LoadedTrace, node: usize, exchange: &mut Exchange, fingerprints: &mut Fingerprints) {
    const AROUND: usize = 3;
    let has_reasoning =
        |message: &Message| message.parts.iter().any(|part| matches!(part.content, Content::Reasoning(_)));
    let [line] = exchange.completion.as_mut_slice() else { return };
    if line.message.role != Role::Assistant || has_reasoning(&line.message) {
        return;
    }
    let nodes = trace.nodes();
    let steps = std::iter::successors(nodes[node].parent, |step| nodes[*step].parent);
    for step in steps.take_while(|step| nodes[*step].category == Category::Chain).take(AROUND) {
        let readings = trace.translations(step).flat_map(|translation| &translation.readings);
        let answers = readings
            .filter(|reading| reading.content != ContentKind::Fallback)
            .filter_map(|reading| reading.completion.last());
        for answer in answers.filter(|answer| has_reasoning(answer)) {
            if let [keyed] = &*fingerprints.keyed_messages(answer)
                && keyed.fingerprint.is(&line.fingerprint)
            {
                let parts = keyed.message.parts.clone();
                line.message = Arc::new(Message { role: Role::Assistant, name: line.message.name.clone(), parts });
                return;
            }
        }
    }
}

/// What a model thought before it did nothing but call tools, where the call's own span has nothing of the answer and the
/// step around it the thoughts. They are those of the first call in the step that did not fail.
pub fn thoughts_of_step(trace: &LoadedTrace, node: usize, fingerprints: &mut Fingerprints) -> Option<TimedMessage> {
    // A step of more nodes is the loop of an agent and none around a call.
    const MOST: usize = 1000;
    let nodes = trace.nodes();
    let step = nodes[node].parent.filter(|step| nodes[*step].category == Category::Chain)?;
    let readings = trace.translations(step).flat_map(|translation| &translation.readings);
    let readings = readings.filter(|reading| reading.content != ContentKind::Fallback);
    let mut answers = readings.filter_map(|reading| reading.completion.last());
    let is_thought = |message: &Message| {
        let is_reasoning = |part: &Part| matches!(part.content, Content::Reasoning(_));
        message.role == Role::Assistant && message.parts.iter().all(is_reasoning)
    };
    let answer = answers.find(|answer| is_thought(answer))?;
    let within = step + 1..nodes[step].after.min(step + MOST);
    let mut calls = within.filter(|at| nodes[*at].is_call());
    let went_well = calls.clone().find(|at| !nodes[*at].failed());
    if went_well.or_else(|| calls.next()) != Some(node) {
        return None;
    }
    let keyed = fingerprints.keyed_messages(answer).first()?.clone();
    let at = nodes[node].ended.unwrap_or(nodes[node].started);
    Some(TimedMessage { message: keyed.message, fingerprint: keyed.fingerprint, at })
}
