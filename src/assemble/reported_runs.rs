//! Tool runs of which neither an answer of a model nor an execution is known: the tool calls in agents' own messages, and
//! those that only a later request has in its prompt (`tools.md` 1).

use std::iter;

use super::{
    calls::CountedCalls,
    hashes::RunKey,
    join_tools::Join,
    joined_runs::{JoinedRun, Source},
    limits::{Limited, RUNS_OF_ONE_KEY},
    reading_digest::{Spot, ToolCallDigest, ToolResultDigest},
    span_tree::SpanTree,
    tool_messages::tool_messages,
};
use crate::model::{Category, ToolStatus};

/// Where a call stands among those of its prompt.
fn place(Spot(_, message, part): Spot) -> usize {
    (message as usize).saturating_mul(0x1_0000).saturating_add(part as usize)
}

impl Join {
    /// The last counted call of the same agent that was over, and had not failed, when a counted call began.
    pub(super) fn call_before(&self, call: usize, tree: &SpanTree, counted: &CountedCalls) -> Option<usize> {
        let began = tree.nodes[self.callers[call]].started;
        let agent = self.agents[self.callers[call]];
        (0..call).rev().find(|earlier| {
            let ended = tree.nodes[self.callers[*earlier]].ended;
            let is_over = ended.is_some_and(|ended| ended <= began);
            is_over && !counted.calls[*earlier].failed && self.agents[self.callers[*earlier]] == agent
        })
    }

    /// Adds a run for a result whose call only the prompt of a counted call has. The calls: that one, and the one before it
    /// as in [`Self::call_before`].
    ///
    /// Some senders leave tool calls out of the answers, so that a later request is the first to have them: then the
    /// last call before that asked. Else it was an earlier trace's; if a session joins that with this one, the run is
    /// listed there. Where a question follows the result, an earlier turn asked for it and then broke off: it is no run of
    /// this one.
    pub(super) fn add_prompted(
        &mut self,
        (call, before): (usize, Option<usize>),
        facts: usize,
        given: &ToolResultDigest,
        tree: &SpanTree,
    ) {
        let Some(asked) = given.call else { return };
        let node = &tree.nodes[self.callers[call]];
        if before.map_or(self.in_session || given.asked_after, |before| self.asks[before]) {
            return;
        }
        let source = |spot| Some(Source { facts, prompt: true, spot });
        let (at, nth) = (self.runs.len(), place(asked.at));
        self.prompted.extend(before.map(|before| (at, before)));
        let status = if given.is_error == Some(true) { ToolStatus::Error } else { ToolStatus::Pending };
        self.push(JoinedRun {
            reported: source(asked.at),
            seen: source(given.at),
            result: Some(given.content),
            earlier: before.is_none(),
            status,
            ..JoinedRun::new(given.id, asked.name, Some(asked.call_hash), (node.started, node.id, nth))
        });
    }

    /// Says which call asked for a run that was executed, where only the prompt that carries its result has the call. The
    /// calls and the rest are those of [`Self::add_prompted`].
    pub(super) fn ask_later(&mut self, run: usize, before: Option<usize>, asked: Source, tree: &SpanTree) {
        let Some(before) = before.filter(|before| !self.asks[*before]) else { return };
        let run_of = &mut self.runs[run];
        let began = tree.nodes[self.callers[before]].started;
        if run_of.called.is_some() || run_of.reported.is_some() || run_of.order.0 < began {
            return;
        }
        run_of.reported = Some(asked);
        run_of.order.2 = place(asked.spot);
        self.prompted.push((run, before));
    }

    /// Says of each run that only a request has which call asked for it. Before, the order of the runs must not change.
    pub(super) fn attribute(&mut self, tree: &SpanTree) {
        for (run, call) in std::mem::take(&mut self.prompted) {
            let (node, run) = (&tree.nodes[self.callers[call]], &mut self.runs[run]);
            run.called = run.reported.map(|source| (call, source));
            run.order = (node.started, node.id, run.order.2);
        }
    }

    /// Takes tool calls and results from the messages of agents that do not count as calls.
    pub(super) fn take_from_agents(&mut self, tree: &SpanTree, counted: &CountedCalls) {
        let silent = |at: &usize| tree.nodes[*at].category == Category::Agent && counted.of[*at].is_none();
        // From each node on the next that is a call's or a tool's.
        let mut recorded = vec![tree.nodes.len(); tree.nodes.len() + 1];
        for at in (0..tree.nodes.len()).rev() {
            let is_recorded = counted.of[at].is_some() || tree.nodes[at].category == Category::Tool;
            recorded[at] = if is_recorded { at } else { recorded[at + 1] };
        }
        let mut added = 0;
        for at in (0..tree.nodes.len()).filter(silent) {
            let node = &tree.nodes[at];
            // An agent within it may repeat its messages.
            if at >= added && recorded[at + 1] >= node.after {
                added = node.after;
                self.add_calls_of_agent(at, tree);
            }
            for (facts, digest) in tree.nodes[at].sources() {
                for reading in digest
                    .reading_digests
                    .iter()
                    .filter(|reading| !reading.fallback || digest.reading_digests.len() == 1)
                {
                    for called in &reading.calls {
                        self.report_call(Source { facts, prompt: false, spot: called.at }, called);
                    }
                    for given in &reading.results {
                        self.report_result(Source { facts, prompt: given.prompt, spot: given.at }, given);
                    }
                }
            }
        }
    }

    /// Adds the tool calls in the messages of an agent beneath which nothing is recorded.
    fn add_calls_of_agent(&mut self, at: usize, tree: &SpanTree) {
        let node = &tree.nodes[at];
        for (nth, (_, called)) in tool_messages(iter::once(node)).calls.into_iter().enumerate() {
            if called.id.is_none_or(|id| !self.index.contains_key(&RunKey::Id(id))) {
                let order = (node.started, node.id, nth);
                self.push(JoinedRun::new(called.id, called.name, Some(called.call_hash), order));
            }
        }
    }

    /// Gives a tool call in an agent's messages to the first run with its id, else with its name and arguments, that no
    /// model call asked for.
    fn report_call(&mut self, source: Source, called: &ToolCallDigest) {
        let by_id = called.id.and_then(|id| self.index.get(&RunKey::Id(id)));
        let by_content = self.index.get(&RunKey::Content(called.call_hash)).filter(|_| by_id.is_none());
        let runs = by_id.or(by_content).map(Vec::as_slice).unwrap_or_default();
        let fits = |run: &&usize| {
            let run = &self.runs[**run];
            run.called.is_none() && run.reported.is_none() && (run.id.is_none() || run.id == called.id)
        };
        let Some(at) = runs.iter().within(&RUNS_OF_ONE_KEY).find(fits).copied() else { return };
        self.runs[at].reported = Some(source);
        if let (None, Some(id)) = (self.runs[at].id, called.id) {
            self.runs[at].id = Some(id);
            self.index.entry(RunKey::Id(id)).or_default().push(at);
        }
    }

    /// Gives a result in an agent's messages to a run with its id that has no result yet.
    fn report_result(&mut self, source: Source, given: &ToolResultDigest) {
        let runs = given.id.and_then(|id| self.index.get(&RunKey::Id(id))).map(Vec::as_slice).unwrap_or_default();
        let fits = |run: &&usize| self.runs[**run].output.is_none() && self.runs[**run].seen.is_none();
        let Some(at) = runs.iter().within(&RUNS_OF_ONE_KEY).find(fits).copied() else { return };
        let run = &mut self.runs[at];
        run.seen = Some(source);
        run.result = run.result.or(Some(given.content));
        if given.is_error == Some(true) {
            run.status = ToolStatus::Error;
        }
    }
}
