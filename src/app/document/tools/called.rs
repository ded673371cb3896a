//! The tool runs of an answer, each once, in order.

use super::super::hash::{HashMap, HashSet};
use super::super::ordinals::{Ordinal, ordinals};
use super::super::runs;
use crate::app::wrap;
use crate::model::{AssembledTrace, Content, Detail, SpanId, ToolRun};

/// One run of a tool.
#[derive(Debug)]
pub struct Called {
    /// The trace's place in the answer.
    pub trace: usize,
    /// The run's place among those of its trace.
    pub index: usize,
    pub name: String,
    pub ordinal: Ordinal,
    /// A hash of its arguments.
    pub input: u64,
    /// The call that asked for it, by its place in the trace.
    pub asked_by: Option<usize>,
    /// The turn that asked for it; `None` where no known call did, or one that takes no turn.
    pub asked_in_turn: Option<usize>,
    /// The number of the session's run that asked for it, where that is another one.
    pub asked_in_run: Option<u64>,
}

impl Called {
    pub fn run<'a>(&self, detail: &'a Detail) -> &'a ToolRun {
        &detail.traces[self.trace].tools[self.index]
    }
}

pub fn called(detail: &Detail) -> Vec<Called> {
    let elsewhere = Elsewhere::of(detail);
    let numbers: Vec<Option<u64>> = runs::numbered(detail).map(|(_, number)| number).collect();
    let askers: HashMap<Place, usize> = elsewhere.0.iter().map(|((asker, _), ran)| (*ran, *asker)).collect();
    let mut called = Vec::new();
    for (at, trace) in detail.traces.iter().enumerate() {
        let (names, turns, calls) = (Names::of(trace), trace.turns(), Calls::of(trace));
        for ((index, run), ordinal) in trace.tools.iter().enumerate().zip(ordinals(trace)) {
            let place = (at, index);
            if !elsewhere.has(place) {
                let asked_by = calls.that_asked(run);
                called.push(Called {
                    trace: at,
                    index,
                    name: names.of_run(run),
                    ordinal,
                    input: run.input.hash(),
                    asked_by,
                    asked_in_turn: asked_by.and_then(|call| turns.get(call).copied().flatten()),
                    asked_in_run: askers.get(&place).and_then(|asker| numbers[*asker]),
                });
            }
        }
    }
    called
}

/// A trace's place in the answer, and a run's among those of its trace.
type Place = (usize, usize);

/// Tool runs that another trace of the session holds as well: one knows of the call, the other has the span in which it
/// ran. Each one that only knows of the call, with the one that ran.
pub struct Elsewhere(HashMap<Place, Place>);

impl Elsewhere {
    pub fn of(detail: &Detail) -> Self {
        if detail.traces.len() < 2 {
            return Self(HashMap::default());
        }
        let mut runs: HashMap<(&str, &str), Vec<(Place, bool)>> = HashMap::default();
        for (trace, at) in detail.traces.iter().enumerate() {
            for (index, run) in at.tools.iter().enumerate() {
                if let Some(id) = run.call_id.as_deref() {
                    runs.entry((id, &run.name)).or_default().push(((trace, index), run.span.is_some()));
                }
            }
        }
        // An id that comes more than twice is that of a counter that began anew.
        let pairs = runs.into_values().filter_map(|same| match same.as_slice() {
            [(asked, false), (ran, true)] | [(ran, true), (asked, false)] if asked.0 != ran.0 => Some((*asked, *ran)),
            _ => None,
        });
        Self(pairs.collect())
    }

    pub fn has(&self, place: Place) -> bool {
        self.0.contains_key(&place)
    }
}

/// Which call of a trace asked for a run: the one that the run names, else that in whose answer the run's id is.
struct Calls<'a> {
    by_span: HashMap<SpanId, usize>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Calls<'a> {
    fn of(trace: &'a AssembledTrace) -> Self {
        let mut calls = Self { by_span: HashMap::default(), by_id: HashMap::default() };
        if trace.tools.is_empty() {
            return calls;
        }
        for (at, call) in trace.calls.iter().enumerate() {
            calls.by_span.entry(call.span).or_insert(at);
        }
        let unnamed = trace.tools.iter().filter(|run| run.called_by.is_none_or(|by| !calls.by_span.contains_key(&by)));
        let wanted: HashSet<&str> = unnamed.filter_map(|run| run.call_id.as_deref()).collect();
        if wanted.is_empty() {
            return calls;
        }
        let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
        for at in messages.filter(|at| !at.history) {
            for part in &at.message.parts {
                if let Content::Call(call) = &part.content
                    && let Some(id) = call.known_id().filter(|id| wanted.contains(id))
                {
                    calls.by_id.entry(id).or_insert(at.turn);
                }
            }
        }
        calls
    }

    fn that_asked(&self, run: &ToolRun) -> Option<usize> {
        let named = run.called_by.and_then(|caller| self.by_span.get(&caller));
        named.or_else(|| self.by_id.get(run.call_id.as_deref()?)).copied()
    }
}

/// What the tools of a trace are called.
struct Names<'a> {
    /// The names of the spans of runs without a name.
    spans: HashMap<SpanId, &'a str>,
}

impl<'a> Names<'a> {
    fn of(trace: &'a AssembledTrace) -> Self {
        let unnamed = trace.tools.iter().filter(|run| run.name.trim().is_empty());
        let wanted: HashSet<SpanId> = unnamed.filter_map(|run| run.span).collect();
        let mut spans = HashMap::default();
        if !wanted.is_empty() {
            for node in trace.tree.nodes.iter().filter(|node| wanted.contains(&node.id)) {
                spans.entry(node.id).or_insert(node.name.trim());
            }
        }
        Self { spans }
    }

    /// The name of a run's tool; of a run without one the name of its span.
    fn of_run(&self, run: &ToolRun) -> String {
        let named = Some(run.name.trim()).filter(|name| !name.is_empty());
        let span = || run.span.and_then(|span| self.spans.get(&span).copied());
        wrap::clean_line(named.or_else(span).filter(|name| !name.is_empty()).unwrap_or("unnamed tool"))
    }
}
