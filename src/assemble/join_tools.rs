//! Joins a model's tool call, its execution and the result that was sent back into one tool run (`tools.md` 1).
//!
//! By id where there is one, else by name and arguments, else by name in order. All of it uses digests only, so a list
//! counts the same tool runs and failures as the pane that shows them.

use std::collections::{HashMap, HashSet};

use super::{
    calls::CountedCalls,
    hashes::{CallIdHash, RunKey},
    joined_runs::{JoinedRun, JoinedRuns, Source, status},
    limits::{Limited, RUNS_OF_ONE_KEY},
    reading_digest::{Spot, ToolCallDigest, ToolExecution},
    span_tree::SpanTree,
    tool_executions::{self, Executions, execution, executions},
    tool_messages::{ToolMessages, tool_messages},
    unmatched_results::Unmatched,
    unnamed_calls::UnnamedCalls,
};
use crate::model::{Category, SpanId, Timestamp, ToolStatus};

/// Runs under construction, with indices to find them.
#[derive(Default)]
pub(super) struct Join {
    pub(super) runs: Vec<JoinedRun>,
    /// Indices into `runs`, in order, by each key of a run.
    pub(super) index: HashMap<RunKey, Vec<usize>>,
    /// Runs that a model asked for, in order.
    called: Vec<usize>,
    /// Those of `called` of which only the id of a response item is known.
    items: Vec<usize>,
    /// For each key, how many runs at the front of its list in `index` have an execution.
    taken: HashMap<RunKey, usize>,
    /// As in [`Executions`].
    failed_parts: HashMap<usize, usize>,
    foreign: Vec<(CallIdHash, Option<bool>, Source)>,
    foreign_runs: Vec<JoinedRun>,
    /// The ids in `foreign`.
    seen_foreign: HashSet<CallIdHash>,
    /// For each node the nearest agent above it.
    pub(super) agents: Vec<Option<usize>>,
    /// For each counted call its node.
    pub(super) callers: Vec<usize>,
    /// For each counted call whether its answer is recorded with tool calls.
    pub(super) asks: Vec<bool>,
    /// Runs that only a request has, each with the counted call whose answer must have asked for it.
    pub(super) prompted: Vec<(usize, usize)>,
    /// Whether anything in the trace names a session.
    pub(super) in_session: bool,
}

/// Joins the tool runs of a trace. `in_session` is whether anything in it names a session.
pub fn join(tree: &SpanTree, counted: &CountedCalls, in_session: bool) -> JoinedRuns {
    let messages: Vec<ToolMessages> =
        counted.calls.iter().map(|call| tool_messages(call.nodes().map(|at| &tree.nodes[at]))).collect();
    let mut join = Join {
        agents: tree.above(|node| node.category == Category::Agent),
        callers: counted.calls.iter().map(|call| call.node).collect(),
        asks: messages.iter().map(|messages| !messages.calls.is_empty()).collect(),
        in_session,
        ..Join::default()
    };
    let mut unnamed = UnnamedCalls::new(&messages, tree);
    for (call, messages) in messages.iter().enumerate() {
        let node = &tree.nodes[counted.calls[call].node];
        for (nth, (facts, called)) in messages.calls.iter().enumerate() {
            let source = Source { facts: *facts, prompt: false, spot: called.at };
            let (called, repeated) = unnamed.named(call, **called);
            let order = (node.started, node.id, nth);
            join.add_call((call, source), &called, repeated, order, (tree, counted));
        }
    }
    join.execute(tree, &messages);
    for (call, messages) in messages.iter().enumerate() {
        join.add_results(call, messages, tree, counted);
    }
    join.take_from_agents(tree, counted);
    join.attribute(tree);
    let waits: Vec<bool> = join.waits(tree);
    let Join { mut runs, foreign, mut foreign_runs, .. } = join;
    for (run, waits) in runs.iter_mut().zip(waits) {
        run.status = status(run, waits, tree);
    }
    for run in &mut foreign_runs {
        run.status = status(run, false, tree);
    }
    // What a model had asked for when its answer broke off was not asked, unless it ran all the same.
    let broke_off = |run: &JoinedRun| run.called.is_some_and(|(call, _)| counted.calls[call].failed);
    runs.retain(|run| run.status != ToolStatus::Pending || run.node.is_some() || !broke_off(run));
    runs.sort_by_key(|run| run.order);
    let failed = runs.iter().filter(|run| run.status == ToolStatus::Error && run.failed_part.is_none());
    let failed_by_result = failed.filter_map(|run| run.node).filter(|at| !tree.nodes[*at].failed()).collect();
    JoinedRuns { runs, foreign, foreign_runs, failed_by_result }
}

impl Join {
    /// Adds a run for a tool call in a model's answer, unless another record of that answer has added it. `repeated` is
    /// the call as a later request has it, where its own record lacks its name.
    fn add_call(
        &mut self,
        (call, source): (usize, Source),
        called: &ToolCallDigest,
        repeated: Option<Source>,
        order: (Timestamp, SpanId, usize),
        (tree, counted): (&SpanTree, &CountedCalls),
    ) {
        // An id may repeat with the same arguments. If its answer overlaps the earlier one, it is another record of
        // that; else the sender's ids are a counter that began anew.
        let of_id = called.id.and_then(|id| self.index.get(&RunKey::Id(id))).into_iter().flatten();
        let is_recorded = of_id.copied().any(|of_id| {
            let run = &self.runs[of_id];
            let Some((earlier, _)) = run.called.filter(|_| run.call_hash == Some(called.call_hash)) else {
                return false;
            };
            let ended = tree.nodes[counted.calls[earlier].node].ended;
            earlier == call || ended.is_none_or(|ended| order.0 < ended)
        });
        if is_recorded {
            return;
        }
        self.called.push(self.runs.len());
        if called.item {
            self.items.push(self.runs.len());
        }
        let called_by = Some((call, source));
        self.push(JoinedRun {
            called: called_by,
            repeated,
            ..JoinedRun::new(called.id, called.name, Some(called.call_hash), order)
        });
    }

    /// Adds a run, and its keys to the indices.
    pub(super) fn push(&mut self, run: JoinedRun) {
        let at = self.runs.len();
        let keys = [run.id.map(RunKey::Id), run.call_hash.map(RunKey::Content), run.name.map(RunKey::Name)];
        for key in keys.into_iter().flatten() {
            self.index.entry(key).or_default().push(at);
        }
        self.runs.push(run);
    }

    /// Gives each execution to the call it belongs to, in three rounds: by id, by name and arguments, by name. What is
    /// left over becomes a run of its own, or, if its call was made in an earlier trace, one of that.
    fn execute(&mut self, tree: &SpanTree, messages: &[ToolMessages]) {
        let Executions { nodes: mut waiting, failed_parts } = executions(tree, &self.agents);
        self.failed_parts = failed_parts;
        let digest = |at: usize| execution(tree, at).map(|(_, execution)| execution);
        let keys: [&dyn Fn(usize) -> Option<RunKey>; 3] =
            [&|at| digest(at)?.id.map(RunKey::Id), &|at| digest(at)?.call_hash.map(RunKey::Content), &|at| {
                Some(RunKey::Name(tool_executions::name(tree, at)))
            }];
        for key in keys {
            waiting.retain(|at| {
                let run = key(*at).and_then(|key| self.free(key, digest(*at), *at, tree.nodes[*at].started));
                if let Some(run) = run {
                    self.set_execution(run, *at, tree);
                }
                run.is_none()
            });
        }
        let history = if self.in_session { history(messages) } else { HashSet::new() };
        let mut first_call: HashMap<Option<usize>, Timestamp> = HashMap::new();
        for caller in &self.callers {
            let began = first_call.entry(self.agents[*caller]).or_insert(tree.nodes[*caller].started);
            *began = (*began).min(tree.nodes[*caller].started);
        }
        for at in waiting {
            let node = &tree.nodes[at];
            let (id, call_hash) = digest(at).map_or((None, None), |digest| (digest.id, digest.call_hash));
            let name = tool_executions::name(tree, at);
            let mut run = JoinedRun::new(id, name, call_hash, (node.started, node.id, 0));
            executed(&mut run, at, self.failed_parts.get(&at).copied(), tree);
            // A model that its agent called before may have asked for it.
            let is_called = first_call.get(&self.agents[at]).is_some_and(|began| *began < node.started);
            if !is_called && id.is_some_and(|id| history.contains(&id)) {
                self.foreign_runs.push(run);
            } else {
                self.push(run);
            }
        }
    }

    /// Which runs wait for something, a person's consent: their executions ended without a result although what the tool
    /// was given is recorded, nothing says that they went well, and their agent called no model since.
    fn waits(&self, tree: &SpanTree) -> Vec<bool> {
        let mut latest: HashMap<Option<usize>, Timestamp> = HashMap::new();
        for caller in &self.callers {
            let began = latest.entry(self.agents[*caller]).or_default();
            *began = (*began).max(tree.nodes[*caller].started);
        }
        let waits = |run: &JoinedRun| {
            let Some(at) = run.node.filter(|_| run.input.is_some() && run.called.is_some()) else { return false };
            let went_well = execution(tree, at).is_some_and(|(_, execution)| execution.is_error == Some(false));
            let ended = tree.nodes[at].ended;
            !went_well && latest.get(&self.agents[at]).is_none_or(|began| ended.is_some_and(|ended| *began < ended))
        };
        self.runs.iter().map(waits).collect()
    }

    /// Node of the agent whose model call asked for a run; `None` also if no model call did.
    fn agent_of(&self, run: usize) -> Option<usize> {
        self.runs[run].called.and_then(|(call, _)| self.agents[self.callers[call]])
    }

    /// Finds the run for an execution at node `at` that began at `started`: one under `key` without an execution, if
    /// possible asked for before that, by the agent around the execution. `digest` is what the node states about it.
    fn free(&mut self, key: RunKey, digest: Option<&ToolExecution>, at: usize, started: Timestamp) -> Option<usize> {
        let (id, call_hash) = digest.map_or((None, None), |digest| (digest.id, digest.call_hash));
        let runs = self.index.get(&key)?;
        let taken = self.taken.entry(key).or_default();
        while runs.get(*taken).is_some_and(|run| self.runs[*run].node.is_some()) {
            *taken += 1;
        }
        let fits = |run: &&usize| {
            let run = &self.runs[**run];
            // By name alone, two different ids are two calls. Equal arguments outweigh the ids, because some senders
            // make new ones up.
            let ids = !matches!(key, RunKey::Name(_)) || run.id.is_none() || id.is_none();
            run.node.is_none() && ids
        };
        let free = runs[(*taken).min(runs.len())..].iter().within(&RUNS_OF_ONE_KEY).filter(fits);
        let before = |run: &&usize| self.runs[**run].order.0 <= started;
        let is_near = |run: &&usize| self.agent_of(**run) == self.agents[at];
        let is_meant = |run: &&usize| call_hash.is_some() && self.runs[**run].call_hash == call_hash;
        if matches!(key, RunKey::Id(_)) {
            // A counter that began anew: the call with these arguments, of this agent, the newest before the execution.
            // If none was before it, the first one, because clocks may disagree.
            let surest = free.clone().filter(before).enumerate();
            let surest = surest.max_by_key(|(nth, run)| (is_meant(run), is_near(run), *nth)).map(|(_, run)| run);
            surest.or_else(|| free.clone().next()).copied()
        } else {
            free.clone().filter(before).find(is_near).or_else(|| free.clone().find(before)).copied()
        }
    }

    /// Makes node `at` the execution of a run.
    fn set_execution(&mut self, run: usize, at: usize, tree: &SpanTree) {
        executed(&mut self.runs[run], at, self.failed_parts.get(&at).copied(), tree);
    }

    /// Gives the results that a model call carries to the runs they belong to. They are taken from the end, because the
    /// last results are those of the last calls. One that belongs to none, and whose call only this prompt has, is a run
    /// of its own.
    fn add_results(&mut self, call: usize, messages: &ToolMessages, tree: &SpanTree, counted: &CountedCalls) {
        let started = tree.nodes[counted.calls[call].node].started;
        let mut from_end: HashMap<(RunKey, bool), usize> = HashMap::new();
        let mut unmatched = Unmatched::default();
        let mut asked_later = Vec::new();
        for (facts, given) in messages.results.iter().rev() {
            let at = (given.prompt, call, started);
            // A counter that began anew: the run with the arguments of the call before the result, of this agent, else
            // the newest.
            let agent = self.agents[self.callers[call]];
            let surest = |runs: &'_ [usize]| {
                let runs = RUNS_OF_ONE_KEY.last(runs);
                let is_meant = |run: &usize| given.call.is_some() && self.runs[*run].call_hash == given.call_hash();
                let weigh = |(nth, run): &(usize, &usize)| (is_meant(run), self.agent_of(**run) == agent, *nth);
                runs.iter().enumerate().max_by_key(weigh).map(|(_, run)| *run)
            };
            let by_id = given.id.and_then(|id| surest(self.candidates(self.index.get(&RunKey::Id(id)), at)));
            let found = by_id.as_ref().or_else(|| {
                let key = match (given.call_hash(), given.name) {
                    (Some(content), _) => RunKey::Content(content),
                    (None, Some(name)) if given.id.is_none() => RunKey::Name(name),
                    _ => return None,
                };
                let candidates = self.candidates(self.index.get(&key), at);
                // Of several runs of one tool, a failed result belongs to one that failed, if there is one.
                let failed = |run: &&usize| self.runs[**run].node.is_some_and(|at| tree.nodes[at].failed());
                let fails = matches!(key, RunKey::Name(_)) && given.is_error == Some(true);
                let fails = fails && candidates.iter().rev().within(&RUNS_OF_ONE_KEY).any(|run| failed(&run));
                let skip = from_end.entry((key, fails)).or_default();
                *skip += 1;
                if fails {
                    candidates.iter().rev().within(&RUNS_OF_ONE_KEY).filter(failed).nth(*skip - 1)
                } else {
                    candidates.iter().rev().nth(*skip - 1)
                }
            });
            // The result names nothing, or it has an id where calls have only those of response items: the last result
            // is that of the last call.
            let by_order = || {
                let candidates = match given.id {
                    Some(_) if given.prompt && given.call.is_none() => self.candidates(Some(&self.items), at),
                    None if given.prompt && given.call.is_none() && given.name.is_none() => {
                        self.candidates(Some(&self.called), at)
                    }
                    _ => &[],
                };
                candidates.iter().rev().within(&RUNS_OF_ONE_KEY).find(|run| self.runs[**run].seen.is_none())
            };
            let found = found.or_else(by_order).copied();
            let source = Source { facts: *facts, prompt: given.prompt, spot: given.at };
            if let (Some(run), Some(asked), true) = (found, given.call, given.prompt)
                && self.runs[run].seen.is_none()
                && self.runs[run].called.is_none()
            {
                asked_later.push((run, Source { facts: *facts, prompt: true, spot: asked.at }));
            }
            match found.map(|run| &mut self.runs[run]) {
                // Calls are taken in order, so the first request that carries a result is the one that is kept.
                Some(run) if run.seen.is_none() => {
                    run.seen = Some(source);
                    let asked = given.call.map(|asked| (*facts, asked));
                    let asked = asked.or_else(|| messages.asked.get(&given.id?).copied());
                    let asked = asked.filter(|(_, asked)| given.prompt && Some(asked.call_hash) != run.call_hash);
                    let asked = asked.map(|(facts, asked)| Source { facts, prompt: true, spot: asked.at });
                    run.repeated = asked.or(run.repeated);
                    run.result = run.result.or(Some(given.content));
                    if given.is_error == Some(true) || given.id.is_some_and(|id| messages.failed.contains(&id)) {
                        run.status = ToolStatus::Error;
                    }
                }
                Some(_) => unmatched.repeats(*facts, given),
                None => {
                    unmatched.add(*facts, given);
                    if let Some(id) = given.id
                        && self.seen_foreign.insert(id)
                    {
                        self.foreign.push((id, given.is_error, source));
                    }
                }
            }
        }
        let mut fresh = unmatched.into_fresh().peekable();
        if fresh.peek().is_some() || !asked_later.is_empty() {
            let before = self.call_before(call, tree, counted);
            for (run, asked) in asked_later {
                self.ask_later(run, before, asked, tree);
            }
            for (facts, given) in fresh {
                self.add_prompted((call, before), facts, &given, tree);
            }
        }
    }

    /// Those of `runs` that a result can belong to. `at` is whether it is in a prompt, in which counted call, and
    /// when that began.
    ///
    /// In a prompt: runs asked for by earlier calls, else runs that nobody asked for and that began before. In a
    /// completion: runs that the same answer asked for.
    fn candidates<'r>(&self, runs: Option<&'r Vec<usize>>, at: (bool, usize, Timestamp)) -> &'r [usize] {
        let (prompt, call, started) = at;
        let runs = runs.map(Vec::as_slice).unwrap_or_default();
        // Runs that a model asked for come first, in the order of the calls; runs that only an execution is known of
        // follow.
        let caller = |run: &usize| self.runs[*run].called.map_or(usize::MAX, |(caller, _)| caller);
        let earlier = &runs[..runs.partition_point(|run| caller(run) < call)];
        if !prompt {
            let own = &runs[earlier.len()..];
            &own[..own.partition_point(|run| caller(run) == call)]
        } else if earlier.is_empty() {
            let ran = &runs[runs.partition_point(|run| caller(run) < usize::MAX)..];
            &ran[..ran.partition_point(|run| self.runs[*run].order.0 <= started)]
        } else {
            earlier
        }
    }
}

/// Makes node `at` the execution of a run; `failed_part` is a failed part of it.
fn executed(run: &mut JoinedRun, at: usize, failed_part: Option<usize>, tree: &SpanTree) {
    run.node = Some(at);
    run.failed_part = failed_part;
    let mut partial = false;
    for (facts, digest) in tree.nodes[at].sources() {
        let Some(execution) = &digest.execution else { continue };
        let source = |spot: Spot, prompt| Source { facts, prompt, spot };
        let input = execution.input.map(|spot| source(spot, true));
        // A complete input replaces one that was cut.
        if run.input.is_none() || (partial && input.is_some()) {
            (run.input, partial) = (input, execution.partial);
        }
        if run.output.is_none() && execution.output.is_some() {
            run.result = Some(execution.content);
        }
        run.output = run.output.or_else(|| execution.output.map(|spot| source(spot, false)));
        if execution.is_error == Some(true) {
            run.status = ToolStatus::Error;
        }
    }
}

/// The ids of tool calls whose results requests bring. In a trace of a session an earlier trace may have made these calls.
fn history(messages: &[ToolMessages]) -> HashSet<CallIdHash> {
    let given = messages.iter().flat_map(|messages| &messages.results);
    given.filter(|(_, given)| given.prompt).filter_map(|(_, given)| given.id).collect()
}
