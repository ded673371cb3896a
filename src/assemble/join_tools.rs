//! A model's call, its execution and the result sent back, joined into one run (`tools.md` 1).
//!
//! By id where there is one, else by name and arguments, else by name in order. All of it is done on
//! facts, so that a list knows as many tool calls and failures as the pane that shows them.

use std::collections::{HashMap, HashSet};

use super::{
    calls::CountedCalls,
    fingerprint,
    reading_digest::{Heard, Spot, ToolCallDigest, ToolExecution, ToolResultDigest, hear},
    span_digest::SpanDigest,
    span_tree::{SpanNode, SpanTree},
};
use crate::model::{Category, SpanId, Timestamp, ToolStatus};

/// One run of a tool.
#[derive(Debug, Clone)]
pub struct JoinedRun {
    /// The counted call that asked for it, and where it did.
    pub called: Option<(usize, Source)>,
    /// The place of its execution.
    pub node: Option<usize>,
    /// The place within it that did the work, where that failed.
    pub broke: Option<usize>,
    /// What the execution was given and what it gave back.
    pub input: Option<Source>,
    pub output: Option<Source>,
    /// The result as the first request that carried it says it.
    pub seen: Option<Source>,
    /// The call as the agent around it tells it, where no call of a model does.
    pub heard: Option<Source>,
    pub status: ToolStatus,
    id: Option<u64>,
    name: Option<u64>,
    asked: Option<u64>,
    order: (Timestamp, SpanId, usize),
}

/// Where something was said: the index of a span or log record among the facts, and the part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub facts: usize,
    pub prompt: bool,
    pub spot: Spot,
}

/// The runs of a trace and the results that its requests brought for calls of earlier traces.
#[derive(Debug, Default)]
pub struct JoinedRuns {
    /// In the order in which the calls were made.
    pub runs: Vec<JoinedRun>,
    /// Id and place of results that no call of this trace asked for, each once.
    pub foreign: Vec<(u64, Option<bool>, Source)>,
}

/// The runs under construction, and where to find them.
#[derive(Default)]
struct Join {
    runs: Vec<JoinedRun>,
    by_id: HashMap<u64, Vec<usize>>,
    by_asked: HashMap<u64, Vec<usize>>,
    by_name: HashMap<u64, Vec<usize>>,
    /// Runs that calls asked for, and of these such as have only the id of an item.
    asked: Vec<usize>,
    items: Vec<usize>,
    /// Per key, how many runs at its front already have an execution.
    taken: HashMap<(u8, u64), usize>,
    /// Executions of one call within another that failed, by the outer one.
    broke: HashMap<usize, usize>,
    foreign: Vec<(u64, Option<bool>, Source)>,
    strange: HashSet<u64>,
    /// For each place the nearest agent around it.
    agents: Vec<Option<usize>>,
    /// For each counted call its place.
    callers: Vec<usize>,
}

/// Of runs that could be meant by name only so many are looked at.
const LOOKED_AT: usize = 256;

/// Joins the tool runs of a trace.
pub fn join(tree: &SpanTree, counted: &CountedCalls) -> JoinedRuns {
    let mut join = Join {
        agents: tree.above(|node| node.category == Category::Agent),
        callers: counted.calls.iter().map(|call| call.node).collect(),
        ..Join::default()
    };
    let heard: Vec<Heard> = counted.calls.iter().map(|call| hear(call.nodes().map(|at| &tree.nodes[at]))).collect();
    for (call, heard) in heard.iter().enumerate() {
        let node = &tree.nodes[counted.calls[call].node];
        for (nth, (facts, called)) in heard.calls.iter().enumerate() {
            let source = Source { facts: *facts, prompt: false, spot: called.at };
            join.ask(call, source, called, (node.started, node.id, nth), tree, counted);
        }
    }
    join.execute(tree);
    for (call, heard) in heard.iter().enumerate() {
        join.bring(call, heard, tree, counted);
    }
    join.overhear(tree, counted);
    let Join { mut runs, foreign, .. } = join;
    for run in &mut runs {
        run.status = status(run, tree);
    }
    runs.sort_by_key(|run| run.order);
    JoinedRuns { runs, foreign }
}

impl Join {
    /// A model asks for a tool.
    fn ask(
        &mut self,
        call: usize,
        source: Source,
        called: &ToolCallDigest,
        order: (Timestamp, SpanId, usize),
        tree: &SpanTree,
        counted: &CountedCalls,
    ) {
        // The same id again is the same call if two records of one answer overlap, else a counter that began anew.
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
        self.push(JoinedRun {
            called: Some((call, source)),
            node: None,
            broke: None,
            input: None,
            output: None,
            seen: None,
            heard: None,
            status: ToolStatus::Pending,
            id: called.id,
            name: Some(called.name),
            asked: Some(called.asked),
            order,
        });
    }

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

    /// Tools run: each execution finds the call it belongs to, in three rounds from the surest to the least sure.
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
            // A tool right within a tool of the same name, or that runs the same call, is how that one is made. One that
            // an agent within it calls, or that has an id of its own, is another run.
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
            self.push(JoinedRun {
                called: None,
                node: None,
                broke: None,
                input: None,
                output: None,
                seen: None,
                heard: None,
                status: ToolStatus::Pending,
                id: said.id,
                name: Some(name(at)),
                asked: said.asked,
                order: (node.started, node.id, 0),
            });
            self.ran(self.runs.len() - 1, at, tree);
        }
    }

    /// The agent of whom a run was asked, `None` also where nobody asked.
    fn agent_of(&self, run: usize) -> Option<usize> {
        self.runs[run].called.and_then(|(call, _)| self.agents[self.callers[call]])
    }

    /// The first run under a key that has no execution yet and was asked for before one began.
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
            // Two ids that differ are two calls, unless the arguments say that the sender makes ids up anew.
            let ids = round != 2 || run.id.is_none() || said.id.is_none();
            run.node.is_none() && ids
        };
        let free = runs[(*taken).min(runs.len())..].iter().take(LOOKED_AT).filter(fits);
        let before = |run: &&usize| self.runs[**run].order.0 <= started;
        let is_near = |run: &&usize| self.agent_of(**run) == self.agents[at];
        let is_meant = |run: &&usize| said.asked.is_some() && self.runs[**run].asked == said.asked;
        if round == 0 {
            // A counter that begins anew names the call with these arguments, of this agent, the newest before the
            // execution; clocks may disagree.
            let surest = free.clone().filter(before).enumerate();
            let surest = surest.max_by_key(|(nth, run)| (is_meant(run), is_near(run), *nth)).map(|(_, run)| run);
            surest.or_else(|| free.clone().next()).copied()
        } else {
            free.clone().filter(before).find(is_near).or_else(|| free.clone().find(before)).copied()
        }
    }

    /// Notes an execution with the run it belongs to.
    fn ran(&mut self, run: usize, at: usize, tree: &SpanTree) {
        let run = &mut self.runs[run];
        run.node = Some(at);
        run.broke = self.broke.get(&at).copied();
        let mut partial = false;
        for (facts, said) in tree.nodes[at].sources() {
            let Some(execution) = &said.execution else { continue };
            let source = |spot: Spot, prompt| Source { facts, prompt, spot };
            let input = execution.input.map(|spot| source(spot, true));
            // What is said in part gives way to the whole.
            if run.input.is_none() || (partial && input.is_some()) {
                (run.input, partial) = (input, execution.partial);
            }
            run.output = run.output.or_else(|| execution.output.map(|spot| source(spot, false)));
            if execution.is_error == Some(true) {
                run.status = ToolStatus::Error;
            }
        }
    }

    /// Agents without known calls tell of what they called, and what came back.
    fn overhear(&mut self, tree: &SpanTree, counted: &CountedCalls) {
        let silent = |at: &usize| tree.nodes[*at].category == Category::Agent && counted.of[*at].is_none();
        for at in (0..tree.nodes.len()).filter(silent) {
            for (facts, said) in tree.nodes[at].sources() {
                for digest in
                    said.reading_digests.iter().filter(|digest| !digest.fallback || said.reading_digests.len() == 1)
                {
                    for called in &digest.calls {
                        self.heard(Source { facts, prompt: false, spot: called.at }, called);
                    }
                    for given in &digest.results {
                        self.returned(Source { facts, prompt: given.prompt, spot: given.at }, given);
                    }
                }
            }
        }
    }

    /// An agent tells of a call: of the first run that it can be of and that nobody asked for.
    fn heard(&mut self, source: Source, called: &ToolCallDigest) {
        let by_id = called.id.and_then(|id| self.by_id.get(&id));
        let by_asked = self.by_asked.get(&called.asked).filter(|_| by_id.is_none());
        let runs = by_id.or(by_asked).map(Vec::as_slice).unwrap_or_default();
        let fits = |run: &&usize| {
            let run = &self.runs[**run];
            run.called.is_none() && run.heard.is_none() && (run.id.is_none() || run.id == called.id)
        };
        let Some(at) = runs.iter().take(LOOKED_AT).find(fits).copied() else { return };
        self.runs[at].heard = Some(source);
        if let (None, Some(id)) = (self.runs[at].id, called.id) {
            self.runs[at].id = Some(id);
            self.by_id.entry(id).or_default().push(at);
        }
    }

    /// An agent tells what came back, where neither the tool nor a request does.
    fn returned(&mut self, source: Source, given: &ToolResultDigest) {
        let runs = given.id.and_then(|id| self.by_id.get(&id)).map(Vec::as_slice).unwrap_or_default();
        let fits = |run: &&usize| self.runs[**run].output.is_none() && self.runs[**run].seen.is_none();
        let Some(at) = runs.iter().take(LOOKED_AT).find(fits).copied() else { return };
        let run = &mut self.runs[at];
        run.seen = Some(source);
        if given.is_error == Some(true) {
            run.status = ToolStatus::Error;
        }
    }

    /// A request brings results: those of its last calls are its last ones.
    fn bring(&mut self, call: usize, heard: &Heard, tree: &SpanTree, counted: &CountedCalls) {
        let started = tree.nodes[counted.calls[call].node].started;
        let mut from_end: HashMap<(bool, bool, u64), usize> = HashMap::new();
        for (facts, given) in heard.results.iter().rev() {
            let at = (given.prompt, call, started);
            // A counter that begins anew names the call with the arguments that stand before the result, of this agent.
            let agent = self.agents[self.callers[call]];
            let surest = |runs: &'_ [usize]| {
                let runs = &runs[runs.len().saturating_sub(LOOKED_AT)..];
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
                // Of several runs of that name a failure is of one that failed.
                let failed = |run: &&usize| self.runs[**run].node.is_some_and(|at| tree.nodes[at].failed());
                let fails = !key.0 && given.is_error == Some(true);
                let fails = fails && known.iter().rev().take(LOOKED_AT).any(|run| failed(&run));
                let skip = from_end.entry((key.0, fails, key.1)).or_default();
                *skip += 1;
                if fails {
                    known.iter().rev().take(LOOKED_AT).filter(failed).nth(*skip - 1)
                } else {
                    known.iter().rev().nth(*skip - 1)
                }
            });
            // Without a word of what it answers, or with an id where calls have only those of items: the last result is
            // that of the last call.
            let by_order = || {
                let known = match given.id {
                    Some(_) if given.prompt && given.asked.is_none() => self.candidates(Some(&self.items), at),
                    None if given.prompt && given.asked.is_none() && given.name.is_none() => {
                        self.candidates(Some(&self.asked), at)
                    }
                    _ => &[],
                };
                known.iter().rev().take(LOOKED_AT).find(|run| self.runs[**run].seen.is_none())
            };
            let found = found.or_else(by_order).copied();
            let source = Source { facts: *facts, prompt: given.prompt, spot: given.at };
            match found.map(|run| &mut self.runs[run]) {
                // Requests are taken in order: the first one that carries a result tells it.
                Some(run) if run.seen.is_none() => {
                    run.seen = Some(source);
                    if given.is_error == Some(true) {
                        run.status = ToolStatus::Error;
                    }
                }
                Some(_) => {}
                None => {
                    if let Some(id) = given.id
                        && self.strange.insert(id)
                    {
                        self.foreign.push((id, given.is_error, source));
                    }
                }
            }
        }
    }

    /// The runs that a result in a call's prompt (or answer) can be of.
    fn candidates<'r>(&self, runs: Option<&'r Vec<usize>>, at: (bool, usize, Timestamp)) -> &'r [usize] {
        let (prompt, call, started) = at;
        let runs = runs.map(Vec::as_slice).unwrap_or_default();
        // Runs that a model asked for come first, in the order of the calls, then those that only ran.
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

/// What is known of how a run went.
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

/// The name of a tool that only its span's name tells.
fn named(node: &SpanNode) -> u64 {
    fingerprint::named(tool_name(node.span.map_or("", |(_, facts)| &facts.name)))
}

/// A tool's name out of that of its span.
pub fn tool_name(span: &str) -> &str {
    let name = span.strip_prefix("execute_tool ").or_else(|| span.strip_prefix("tools/call ")).unwrap_or(span);
    name.strip_suffix(".tool").unwrap_or(name).trim()
}

/// Spans in which a framework gathers parallel calls are no call of their own.
fn is_internal(node: &SpanNode) -> bool {
    node.span.is_some_and(|(_, facts): (usize, &SpanDigest)| facts.execution.as_ref().is_some_and(|run| run.merged))
}
