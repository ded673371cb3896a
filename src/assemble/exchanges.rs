//! Collects the exchanges of a trace from all sources, before any of them is placed in a conversation.
//!
//! ```text
//!   model calls ─────────────────────────────┐
//!   results that tools returned ─────────────┤
//!   answers and instructions of agent spans ─┼─▶ calls, with what other records have of their exchanges ─┐
//!   the question of a workflow span ─────────┘                                                           ├─▶ by start
//!   agents, workflows, deliveries and tools without any call that has messages ─▶ standalone exchanges ──┘
//! ```
//!
//! What depends on other exchanges is decided here, by the exchanges and not by the conversations that are made of them:
//! whether an agent's answer repeats that of its calls, whether any message is a question of the user, whether a tool call is part of a
//! message.

use std::collections::HashMap;

use super::{
    agent_messages, collected_exchange::CollectedExchange, fingerprint::Fingerprints, forks, loaded_trace::LoadedTrace,
    model_calls, prepared_exchange::PreparedExchange, requests, returned_results::ReturnedResults, silent_agents,
};
use crate::model::{ModelCall, ToolRun};

/// The exchanges of a trace.
#[derive(Debug)]
pub struct Exchanges {
    /// The counted calls as they are shown, also those without messages.
    pub calls: Vec<ModelCall>,
    /// All exchanges with messages, in the order of their start.
    pub all: Vec<CollectedExchange>,
    /// The calls that open conversations although their prompts continue another, as in [`forks::forks`].
    pub forks: HashMap<usize, usize>,
}

/// Collects the exchanges of a trace. `runs` are its tool runs.
pub fn collect(trace: &LoadedTrace, runs: &[ToolRun], fingerprints: &mut Fingerprints) -> Exchanges {
    let (mut calls, placed) = model_calls::turns(trace, fingerprints);
    let mut prepared: Vec<PreparedExchange> = placed.into_iter().filter_map(PreparedExchange::new).collect();
    requests::add(trace, &prepared, &mut calls);
    let mut returned = ReturnedResults::new(trace, runs);
    for call in &mut prepared {
        call.additions.results = returned.take(call.placed.turn, &call.completion);
    }
    agent_messages::add_answers(trace, &mut prepared, fingerprints);
    agent_messages::add_instructions(trace, &mut prepared, fingerprints);
    let mut standalone = silent_agents::conversations(trace, &prepared, runs, calls.len(), fingerprints);
    agent_messages::add_question(trace, &mut prepared, &mut standalone, fingerprints);
    let forks = forks::forks(&prepared);
    let prepared = prepared.into_iter().map(|call| CollectedExchange::Call(Box::new(call)));
    let mut all: Vec<CollectedExchange> =
        prepared.chain(standalone.into_iter().map(CollectedExchange::Standalone)).collect();
    all.sort_by_key(CollectedExchange::started);
    Exchanges { calls, all, forks }
}
