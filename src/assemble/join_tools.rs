//! Joins a model's tool call, its execution and the result that was sent back into one tool run (`tools.md` 1).
//!
//! By id where there is one, else by name and arguments, else by name in order. All of it uses digests only, so a list
//! counts the same tool runs and failures as the pane that shows them.

use std::collections::{HashMap, HashSet};

use super::{
    calls::CountedCalls,
    content_hash::name_hash,
    limits::{Limited, RUNS_OF_ONE_KEY},
    reading_digest::{Spot, ToolCallDigest, ToolExecution, ToolResultDigest},
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
    tool_messages::{ToolMessages, tool_messages},
};
use crate::model::{Category, SpanId, Timestamp, ToolStatus};

/// One tool run: any of a call, an execution and a result.
#[derive(Debug, Clone)]
pub struct JoinedRun {
    /// Index of the counted call whose answer asks for the tool, and the tool call in it; `None` if no model call is
    /// known.
    pub called: Option<(usize, Source)>,
    /// The node of the execution; `None` if none is known.
    pub node: Option<usize>,
    /// A failed tool node beneath that node with the same call id; its failure is the run's.
    pub broke: Option<usize>,
    /// The arguments as the execution records them.
    pub input: Option<Source>,
    /// The result as the execution records it.
    pub output: Option<Source>,
    /// The result as a model saw it: in the first request that carries it, or in the answer that holds call and result.
    /// Also one that only an agent's own messages hold.
    pub seen: Option<Source>,
    /// The tool call in an agent's own messages, where no model call is known to have asked for it.
    pub reported: Option<Source>,
    /// How the run went.
    pub status: ToolStatus,
    /// Hash of the call id.
    id: Option<u64>,
    /// Hash of the tool's name.
    name: Option<u64>,
    /// Hash of name and arguments.
    asked: Option<u64>,
    /// Sort key: start and span id of the model call, and the index of the tool call in its answer; without a model
    /// call, those of the execution.
    order: (Timestamp, SpanId, usize),
}

impl JoinedRun {
    /// A run of which only its keys and its place among the runs are known.
    fn new(id: Option<u64>, name: u64, asked: Option<u64>, order: (Timestamp, SpanId, usize)) -> Self {
        Self {
            called: None,
            node: None,
            broke: None,
            input: None,
            output: None,
            seen: None,
            reported: None,
            status: ToolStatus::Pending,
            id,
            name: Some(name),
            asked,
            order,
        }
    }
}

/// Where a part stands in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Index of the span or log record among the digests of the trace.
    pub facts: usize,
    /// Whether it is in the prompt of its reading; otherwise in the completion.
    pub prompt: bool,
    /// Where it stands in the translation.
    pub spot: Spot,
}

/// The tool runs of a trace, and the results that its requests carry for calls of earlier traces.
#[derive(Debug, Default)]
pub struct JoinedRuns {
    /// In the order in which the calls were made.
    pub runs: Vec<JoinedRun>,
    /// Results with an id that no run of this trace has, each id once: hash of the id, whether it is an error (`None`
    /// if it states neither), and where it stands.
    pub foreign: Vec<(u64, Option<bool>, Source)>,
}

/// Runs under construction, with indices to find them.
#[derive(Default)]
struct Join {
    runs: Vec<JoinedRun>,
    /// Indices into `runs` by hash of the call id.
    by_id: HashMap<u64, Vec<usize>>,
    /// Indices into `runs` by hash of name and arguments.
    by_asked: HashMap<u64, Vec<usize>>,
    /// Indices into `runs` by hash of the tool's name.
    by_name: HashMap<u64, Vec<usize>>,
    /// Runs that a model asked for, in order.
    asked: Vec<usize>,
    /// Those of `asked` of which only the id of a response item is known.
    items: Vec<usize>,
    /// For each round and key of [`Join::free`], how many runs at the front of that index have an execution.
    taken: HashMap<(u8, u64), usize>,
    /// Failed tool nodes by the tool node above them that has the same call id.
    broke: HashMap<usize, usize>,
    foreign: Vec<(u64, Option<bool>, Source)>,
    /// The ids in `foreign`.
    seen_foreign: HashSet<u64>,
    /// For each node the nearest agent above it.
    agents: Vec<Option<usize>>,
    /// For each counted call its node.
    callers: Vec<usize>,
}

/// Joins the tool runs of a trace.
pub fn join(tree: &SpanTree, counted: &CountedCalls) -> JoinedRuns {
    let mut join = Join {
        agents: tree.above(|node| node.category == Category::Agent),
        callers: counted.calls.iter().map(|call| call.node).collect(),
        ..Join::default()
    };
    let messages: Vec<ToolMessages> =
        counted.calls.iter().map(|call| tool_messages(call.nodes().map(|at| &tree.nodes[at]))).collect();
    for (call, messages) in messages.iter().enumerate() {
        let node = &tree.nodes[counted.calls[call].node];
        for (nth, (facts, called)) in messages.calls.iter().enumerate() {
            let source = Source { facts: *facts, prompt: false, spot: called.at };
            join.ask(call, source, called, (node.started, node.id, nth), tree, counted);
        }
    }
    join.execute(tree);
    for (call, messages) in messages.iter().enumerate() {
        join.bring(call, messages, tree, counted);
    }
    join.take_from_agents(tree, counted);
    let Join { mut runs, foreign, .. } = join;
    for run in &mut runs {
        run.status = status(run, tree);
    }
    runs.sort_by_key(|run| run.order);
    JoinedRuns { runs, foreign }
}

impl Join {
    /// Adds a run for a tool call in a model's answer, unless another record of that answer has added it.
    fn ask(
        &mut self,
        call: usize,
        source: Source,
        called: &ToolCallDigest,
        order: (Timestamp, SpanId, usize),
        tree: &SpanTree,
        counted: &CountedCalls,
    ) {
        // An id may repeat with the same arguments. If its answer overlaps the earlier one, it is another record of
        // that; else the sender's ids are a counter that began anew.
        let known = called.id.and_then(|id| self.by_id.get(&id)).into_iter().flatten();
        let again = known.copied().any(|known| {
            let run = &self.runs[known];
            let Some((earlier, _)) = run.called.filter(|_| run.asked == Some(called.asked)) else { return false };
            let ended = tree.nodes[counted.calls[earlier].node].ended;
            earlier == call || ended.is_none_or(|ended| order.0 < ended)
        });
        if again {
            return;
        }
        self.asked.push(self.runs.len());
        if called.item {
            self.items.push(self.runs.len());
        }
        let called_by = Some((call, source));
        self.push(JoinedRun { called: called_by, ..JoinedRun::new(called.id, called.name, Some(called.asked), order) });
    }

    /// Adds a run, and its keys to the indices.
    fn push(&mut self, run: JoinedRun) {
        let at = self.runs.len();
        for (key, index) in [(run.id, &mut self.by_id), (run.asked, &mut self.by_asked), (run.name, &mut self.by_name)]
        {
            if let Some(key) = key {
                index.entry(key).or_default().push(at);
            }
        }
        self.runs.push(run);
    }

    /// Gives each execution to the call it belongs to, in three rounds: by id, by name and arguments, by name. What is
    /// left over becomes a run of its own.
    fn execute(&mut self, tree: &SpanTree) {
        let tools = tree.above(|node| node.category == Category::Tool);
        let execution =
            |at: usize| tree.nodes[at].sources().find_map(|(facts, said)| Some((facts, said.execution.as_deref()?)));
        let name = |at: usize| {
            execution(at).and_then(|(_, execution)| execution.name).unwrap_or_else(|| named(&tree.nodes[at]))
        };
        let id = |at: usize| execution(at).and_then(|(_, execution)| execution.id);
        for (at, node) in tree.nodes.iter().enumerate().filter(|(_, node)| node.category == Category::Tool) {
            if let Some(outer) = tools[at].filter(|outer| node.failed() && id(*outer).is_some() && id(*outer) == id(at))
            {
                self.broke.insert(outer, at);
            }
        }
        let mut waiting: Vec<usize> = (0..tree.nodes.len())
            .filter(|at| tree.nodes[*at].category == Category::Tool && !is_internal(&tree.nodes[*at]))
            // A tool directly within a tool of the same name, or with the same call id, is how that one is implemented.
            // It is a run of its own if an agent in between called it, or if both have ids that differ.
            .filter(|at| {
                tools[*at].is_none_or(|above| {
                    let is_same_call = id(above).is_some() && id(*at) == id(above);
                    let is_other_call = id(above).is_some() && id(*at).is_some() && !is_same_call;
                    let is_within_agent = self.agents[*at].is_some_and(|agent| agent > above);
                    !is_same_call && (is_other_call || is_within_agent || name(above) != name(*at))
                })
            })
            .collect();
        waiting.sort_by_key(|at| tree.nodes[*at].order());
        let nothing = ToolExecution {
            id: None,
            name: None,
            asked: None,
            input: None,
            partial: false,
            output: None,
            is_error: None,
            merged: false,
        };
        let of = |at: usize| execution(at).map_or((None, &nothing), |(facts, execution)| (Some(facts), execution));
        for round in 0..3_u8 {
            waiting.retain(|at| {
                let (_, said) = of(*at);
                let key = match round {
                    0 => said.id,
                    1 => said.asked,
                    _ => Some(name(*at)),
                };
                let Some(run) = key.and_then(|key| self.free(round, key, said, *at, tree.nodes[*at].started)) else {
                    return true;
                };
                self.ran(run, *at, tree);
                false
            });
        }
        for at in waiting {
            let node = &tree.nodes[at];
            let (_, said) = of(at);
            self.push(JoinedRun::new(said.id, name(at), said.asked, (node.started, node.id, 0)));
            self.ran(self.runs.len() - 1, at, tree);
        }
    }

    /// Node of the agent whose model call asked for a run; `None` also if no model call did.
    fn agent_of(&self, run: usize) -> Option<usize> {
        self.runs[run].called.and_then(|(call, _)| self.agents[self.callers[call]])
    }

    /// Finds the run for an execution at node `at` that began at `started`: one under `key` without an execution, if
    /// possible asked for before that, by the agent around the execution. `round` selects the index: 0 by id, 1 by name
    /// and arguments, 2 by name.
    fn free(&mut self, round: u8, key: u64, said: &ToolExecution, at: usize, started: Timestamp) -> Option<usize> {
        let index = match round {
            0 => &self.by_id,
            1 => &self.by_asked,
            _ => &self.by_name,
        };
        let runs = index.get(&key)?;
        let taken = self.taken.entry((round, key)).or_default();
        while runs.get(*taken).is_some_and(|run| self.runs[*run].node.is_some()) {
            *taken += 1;
        }
        let fits = |run: &&usize| {
            let run = &self.runs[**run];
            // By name alone, two different ids are two calls. Equal arguments outweigh the ids, because some senders
            // make new ones up.
            let ids = round != 2 || run.id.is_none() || said.id.is_none();
            run.node.is_none() && ids
        };
        let free = runs[(*taken).min(runs.len())..].iter().within(&RUNS_OF_ONE_KEY).filter(fits);
        let before = |run: &&usize| self.runs[**run].order.0 <= started;
        let is_near = |run: &&usize| self.agent_of(**run) == self.agents[at];
        let is_meant = |run: &&usize| said.asked.is_some() && self.runs[**run].asked == said.asked;
        if round == 0 {
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
    fn ran(&mut self, run: usize, at: usize, tree: &SpanTree) {
        let run = &mut self.runs[run];
        run.node = Some(at);
        run.broke = self.broke.get(&at).copied();
        let mut partial = false;
        for (facts, said) in tree.nodes[at].sources() {
            let Some(execution) = &said.execution else { continue };
            let source = |spot: Spot, prompt| Source { facts, prompt, spot };
            let input = execution.input.map(|spot| source(spot, true));
            // A complete input replaces one that was cut.
            if run.input.is_none() || (partial && input.is_some()) {
                (run.input, partial) = (input, execution.partial);
            }
            run.output = run.output.or_else(|| execution.output.map(|spot| source(spot, false)));
            if execution.is_error == Some(true) {
                run.status = ToolStatus::Error;
            }
        }
    }

    /// Takes tool calls and results from the messages of agents that do not count as calls.
    fn take_from_agents(&mut self, tree: &SpanTree, counted: &CountedCalls) {
        let silent = |at: &usize| tree.nodes[*at].category == Category::Agent && counted.of[*at].is_none();
        for at in (0..tree.nodes.len()).filter(silent) {
            for (facts, said) in tree.nodes[at].sources() {
                for digest in
                    said.reading_digests.iter().filter(|digest| !digest.fallback || said.reading_digests.len() == 1)
                {
                    for called in &digest.calls {
                        self.report_call(Source { facts, prompt: false, spot: called.at }, called);
                    }
                    for given in &digest.results {
                        self.returned(Source { facts, prompt: given.prompt, spot: given.at }, given);
                    }
                }
            }
        }
    }

    /// Gives a tool call in an agent's messages to the first run with its id, else with its name and arguments, that no
    /// model call asked for.
    fn report_call(&mut self, source: Source, called: &ToolCallDigest) {
        let by_id = called.id.and_then(|id| self.by_id.get(&id));
        let by_asked = self.by_asked.get(&called.asked).filter(|_| by_id.is_none());
        let runs = by_id.or(by_asked).map(Vec::as_slice).unwrap_or_default();
        let fits = |run: &&usize| {
            let run = &self.runs[**run];
            run.called.is_none() && run.reported.is_none() && (run.id.is_none() || run.id == called.id)
        };
        let Some(at) = runs.iter().within(&RUNS_OF_ONE_KEY).find(fits).copied() else { return };
        self.runs[at].reported = Some(source);
        if let (None, Some(id)) = (self.runs[at].id, called.id) {
            self.runs[at].id = Some(id);
            self.by_id.entry(id).or_default().push(at);
        }
    }

    /// Gives a result in an agent's messages to a run with its id that has no result yet.
    fn returned(&mut self, source: Source, given: &ToolResultDigest) {
        let runs = given.id.and_then(|id| self.by_id.get(&id)).map(Vec::as_slice).unwrap_or_default();
        let fits = |run: &&usize| self.runs[**run].output.is_none() && self.runs[**run].seen.is_none();
        let Some(at) = runs.iter().within(&RUNS_OF_ONE_KEY).find(fits).copied() else { return };
        let run = &mut self.runs[at];
        run.seen = Some(source);
        if given.is_error == Some(true) {
            run.status = ToolStatus::Error;
        }
    }

    /// Gives the results that a model call carries to the runs they belong to. They are taken from the end, because the
    /// last results are those of the last calls.
    fn bring(&mut self, call: usize, messages: &ToolMessages, tree: &SpanTree, counted: &CountedCalls) {
        let started = tree.nodes[counted.calls[call].node].started;
        let mut from_end: HashMap<(bool, bool, u64), usize> = HashMap::new();
        for (facts, given) in messages.results.iter().rev() {
            let at = (given.prompt, call, started);
            // A counter that began anew: the run with the arguments of the call before the result, of this agent, else
            // the newest.
            let agent = self.agents[self.callers[call]];
            let surest = |runs: &'_ [usize]| {
                let runs = RUNS_OF_ONE_KEY.last(runs);
                let is_meant = |run: &usize| given.asked.is_some() && self.runs[*run].asked == given.asked;
                let weigh = |(nth, run): &(usize, &usize)| (is_meant(run), self.agent_of(**run) == agent, *nth);
                runs.iter().enumerate().max_by_key(weigh).map(|(_, run)| *run)
            };
            let by_id = given.id.and_then(|id| surest(self.candidates(self.by_id.get(&id), at)));
            let found = by_id.as_ref().or_else(|| {
                let (key, known) = match (given.asked, given.name) {
                    (Some(asked), _) => ((true, asked), self.candidates(self.by_asked.get(&asked), at)),
                    (None, Some(name)) if given.id.is_none() => {
                        ((false, name), self.candidates(self.by_name.get(&name), at))
                    }
                    _ => return None,
                };
                // Of several runs of one tool, a failed result belongs to one that failed, if there is one.
                let failed = |run: &&usize| self.runs[**run].node.is_some_and(|at| tree.nodes[at].failed());
                let fails = !key.0 && given.is_error == Some(true);
                let fails = fails && known.iter().rev().within(&RUNS_OF_ONE_KEY).any(|run| failed(&run));
                let skip = from_end.entry((key.0, fails, key.1)).or_default();
                *skip += 1;
                if fails {
                    known.iter().rev().within(&RUNS_OF_ONE_KEY).filter(failed).nth(*skip - 1)
                } else {
                    known.iter().rev().nth(*skip - 1)
                }
            });
            // The result names nothing, or it has an id where calls have only those of response items: the last result
            // is that of the last call.
            let by_order = || {
                let known = match given.id {
                    Some(_) if given.prompt && given.asked.is_none() => self.candidates(Some(&self.items), at),
                    None if given.prompt && given.asked.is_none() && given.name.is_none() => {
                        self.candidates(Some(&self.asked), at)
                    }
                    _ => &[],
                };
                known.iter().rev().within(&RUNS_OF_ONE_KEY).find(|run| self.runs[**run].seen.is_none())
            };
            let found = found.or_else(by_order).copied();
            let source = Source { facts: *facts, prompt: given.prompt, spot: given.at };
            match found.map(|run| &mut self.runs[run]) {
                // Calls are taken in order, so the first request that carries a result is the one that is kept.
                Some(run) if run.seen.is_none() => {
                    run.seen = Some(source);
                    if given.is_error == Some(true) {
                        run.status = ToolStatus::Error;
                    }
                }
                Some(_) => {}
                None => {
                    if let Some(id) = given.id
                        && self.seen_foreign.insert(id)
                    {
                        self.foreign.push((id, given.is_error, source));
                    }
                }
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
        let asked = &runs[..runs.partition_point(|run| caller(run) < call)];
        if !prompt {
            let own = &runs[asked.len()..];
            &own[..own.partition_point(|run| caller(run) == call)]
        } else if asked.is_empty() {
            let ran = &runs[runs.partition_point(|run| caller(run) < usize::MAX)..];
            &ran[..ran.partition_point(|run| self.runs[*run].order.0 <= started)]
        } else {
            asked
        }
    }
}

/// How a run went: failed if the execution, a part of it or the result is an error; well if there is a result or the
/// execution has ended; else pending.
fn status(run: &JoinedRun, tree: &SpanTree) -> ToolStatus {
    let node = run.node.map(|at| &tree.nodes[at]);
    if run.status == ToolStatus::Error || run.broke.is_some() || node.is_some_and(SpanNode::failed) {
        ToolStatus::Error
    } else if run.output.is_some() || run.seen.is_some() || node.is_some_and(|node| node.ended.is_some()) {
        ToolStatus::Ok
    } else {
        ToolStatus::Pending
    }
}

/// Hash of the tool's name, taken from the name of its span.
fn named(node: &SpanNode) -> u64 {
    name_hash(tool_name(node.span.map_or("", |(_, facts)| &facts.name)))
}

/// The name of a tool in that of its span: without `execute_tool `, `tools/call ` or `.tool`.
pub fn tool_name(span: &str) -> &str {
    let name = span.strip_prefix("execute_tool ").or_else(|| span.strip_prefix("tools/call ")).unwrap_or(span);
    name.strip_suffix(".tool").unwrap_or(name).trim()
}

/// Whether a span only gathers the results of parallel tool runs, each of which has a span of its own.
fn is_internal(node: &SpanNode) -> bool {
    node.span.is_some_and(|(_, facts): (usize, &SpanDigest)| facts.execution.as_ref().is_some_and(|run| run.merged))
}
