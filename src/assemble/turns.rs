//! The counted calls as the screen lists them, and as they are told.

use std::{collections::HashMap, sync::Arc};

use super::{
    agents,
    calls::Call,
    errors,
    merge::{Exchange, Line},
    same::Library,
    squash::hash,
    thread::Talk,
    trace::Trace,
};
use crate::model::{Category, Content, ContentKind, Instrumentation, Message, ModelCall, Parameters, Role};

/// What is shown of each counted call, and those that are part of a conversation, ready to be told.
pub fn turns(trace: &Trace, library: &mut Library) -> (Vec<ModelCall>, Vec<Talk>) {
    let calls = &trace.work.counted.calls;
    let last: HashMap<Option<usize>, usize> =
        calls.iter().enumerate().map(|(turn, call)| (trace.scopes[call.place], turn)).collect();
    let mut facts = Vec::with_capacity(calls.len());
    let mut talks = Vec::new();
    let answers = agents::answers_alone(trace);
    // Coding agents tell of a call in records that name no span of it.
    let mut logs = trace.rows.logs.iter().map(|log| &log.translation);
    let in_logs = logs.any(|said| !said.readings.is_empty());
    for (turn, call) in calls.iter().enumerate() {
        let place = &trace.places()[call.place];
        let mut exchange = trace.exchange(call.places(), library);
        if call.failed && exchange.prompt.is_empty() && last.get(&trace.scopes[call.place]) == Some(&turn) {
            lend(trace, call.place, &mut exchange, library);
        }
        think(trace, call.place, &mut exchange, library);
        let places = || call.places();
        let genai = |value: fn(&crate::model::GenAi) -> Option<String>| {
            trace.first(places(), |translation| value(&translation.genai))
        };
        facts.push(ModelCall {
            span: place.id,
            name: place.span.map(|(_, facts)| facts.name.to_string()).unwrap_or_default(),
            category: place.category,
            agent: trace.agent_of(call.place),
            provider: genai(|genai| genai.provider.clone()),
            model: genai(|genai| genai.model.clone()),
            response_model: genai(|genai| genai.response_model.clone()),
            parameters: parameters(trace, call.places()),
            started: place.started,
            ended: place.ended.and_then(|_| call.places().filter_map(|at| trace.places()[at].ended).max()),
            ttft: trace.first(places(), |translation| translation.genai.ttft),
            stop_reason: genai(|genai| genai.stop_reason.clone()),
            usage: call.usage,
            cost: call.cost.clone(),
            unpriced: call.unpriced,
            window: None,
            failure: trace.row(call.place).and_then(errors::of_span).or_else(|| {
                place.trouble()?;
                trace.first([call.place], |translation| translation.error.clone())
            }),
            unrecorded: if in_logs { None } else { unrecorded(trace, call, &exchange) },
            recording_hint: None,
            also: call.also.iter().map(|place| trace.places()[*place].id).collect(),
        });
        // Messages on their way are told as the conversation of the agent that they come from or go to.
        if !is_told(place.category) || place.relays() || repeats_agents(trace, call.place) {
            continue;
        }
        if !place.category.is_call() {
            exchange.drop_states();
        }
        if exchange.is_empty() || answers.contains(&turn) {
            continue;
        }
        let broken = trace.row(call.place).is_some_and(|row| row.status.code == crate::model::StatusCode::Error);
        talks.push(Talk {
            turn,
            span: place.id,
            place: call.place,
            scope: trace.scopes[call.place],
            step: place.parent,
            in_agent: trace.scopes[call.place].is_some_and(|scope| trace.places()[scope].category == Category::Agent),
            agent: trace.agent_of(call.place),
            model: call
                .places()
                .flat_map(|at| trace.places()[at].sources())
                .find_map(|(_, facts)| facts.model.as_ref())
                .map(hash),
            started: place.started,
            ended: place.ended,
            // An error that came with an answer was dealt with, unless the span itself says that it failed.
            failed: broken || (call.failed && exchange.completion.is_empty()),
            exchange,
        });
    }
    (facts, talks)
}

/// Who recorded a call of which nothing was said: the first of its records that is a span.
fn unrecorded(trace: &Trace, call: &Call, exchange: &Exchange) -> Option<Instrumentation> {
    let place = &trace.places()[call.place];
    let silent = place.category == Category::Llm && place.ended.is_some() && !call.failed && exchange.is_empty();
    let row = call.places().filter(|_| silent).find_map(|at| trace.row(at))?;
    Some(Instrumentation { scope: row.scope_name.clone(), framework: row.translation.context.framework.clone() })
}

/// Lends a call that failed before it said anything the whole conversation of its agent: that is what it was sent.
///
/// Where an agent tells no more than its question, that is told of the agent itself.
fn lend(trace: &Trace, place: usize, exchange: &mut Exchange, library: &mut Library) {
    let scope = trace.scopes[place].filter(|scope| trace.places()[*scope].category == Category::Agent);
    let Some(scope) = scope.filter(|scope| *scope != place) else { return };
    let mut theirs = trace.exchange([scope], library);
    theirs.drop_states();
    if !theirs.prompt.iter().any(|line| line.print.role == Role::Assistant) {
        return;
    }
    let sent = trace.places()[place].started;
    exchange.prompt = theirs.prompt.into_iter().map(|line| Line { at: sent, ..line }).collect();
    if exchange.system.is_empty() {
        exchange.system = theirs.system.into_iter().map(|line| Line { at: sent, ..line }).collect();
    }
}

/// Adds the reasoning of an answer that only the step around the call tells: what it gave back is that answer.
///
/// An SDK keeps so many attributes of a span, and drops the whole answer of a call with a long prompt.
fn think(trace: &Trace, place: usize, exchange: &mut Exchange, library: &mut Library) {
    const AROUND: usize = 3;
    let is_thought = |message: &Message| message.parts.iter().any(|part| matches!(part.content, Content::Reasoning(_)));
    let [line] = exchange.completion.as_mut_slice() else { return };
    if line.message.role != Role::Assistant || is_thought(&line.message) {
        return;
    }
    let places = trace.places();
    let steps = std::iter::successors(places[place].parent, |step| places[*step].parent);
    for step in steps.take_while(|step| places[*step].category == Category::Chain).take(AROUND) {
        let readings = trace.translations(step).flat_map(|said| &said.readings);
        let told = readings
            .filter(|reading| reading.content != ContentKind::Fallback)
            .filter_map(|reading| reading.completion.last());
        for told in told.filter(|told| is_thought(told)) {
            if let [piece] = &*library.pieces(told)
                && piece.print.is(&line.print)
            {
                let parts = piece.message.parts.clone();
                line.message = Arc::new(Message { role: Role::Assistant, name: line.message.name.clone(), parts });
                return;
            }
        }
    }
}

/// Embeddings, rerankings and what tools cost are calls, but no part of a conversation.
fn is_told(category: Category) -> bool {
    matches!(category, Category::Llm | Category::Agent | Category::Chain | Category::Span)
}

/// Whether a place that counts, but is no call, holds agents that speak for themselves: a crew's sum of tokens.
fn repeats_agents(trace: &Trace, place: usize) -> bool {
    let places = trace.places();
    let beneath = places.get(place + 1..places[place].after).unwrap_or_default();
    !places[place].category.is_call() && beneath.iter().any(|place| place.category == Category::Agent && place.speaks())
}

/// The parameters that the records of a call give, by name.
fn parameters(trace: &Trace, places: impl Iterator<Item = usize>) -> Parameters {
    let mut parameters: Parameters = Vec::new();
    for (name, value) in places.flat_map(|place| trace.translations(place)).flat_map(|said| &said.genai.parameters) {
        if !parameters.iter().any(|(known, _)| known == name) {
            parameters.push((name.clone(), value.clone()));
        }
    }
    parameters.sort_by(|(left, _), (right, _)| left.cmp(right));
    parameters
}

impl Exchange {
    /// Drops what is a program's state rather than something said: JSON alone.
    pub fn drop_states(&mut self) {
        for (lines, spoken) in [&mut self.prompt, &mut self.completion].into_iter().zip(self.spoken) {
            // What an agent answered may well be JSON.
            let spoken = |line: &Line| spoken || line.message.role == Role::Assistant;
            lines.retain(|line| !line.message.parts.iter().all(|part| is_state(&part.content, spoken(line))));
        }
    }
}

/// Whether a part is JSON, and not just a word or a number that happens to be; somebody's words may be all of that.
fn is_state(part: &Content, spoken: bool) -> bool {
    match part {
        Content::Json(_) | Content::Unknown(_) => true,
        Content::Text(_) if spoken => false,
        Content::Text(text) => {
            let text = text.trim();
            (text.starts_with('{') || text.starts_with('[')) && crate::model::json::parse(text).is_ok()
        }
        Content::Reasoning(_) | Content::Call(_) | Content::Result(_) | Content::Media(_) | Content::Refusal(_) => {
            false
        }
    }
}
