//! Which result answers which call: a call and what came of it are shown as one, in the turn that asked for it.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::model::{AssembledTrace, Content, SpanId, ToolCall, ToolResult};

/// A part of a message: the thread's place in the trace, the message's in the thread, the part's in the message.
pub type Spot = (usize, usize, usize);

/// What is known of a call beyond its own words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Its place among the trace's tool runs.
    pub run: Option<usize>,
    pub result: Option<&'a ToolResult>,
}

pub struct Pairs<'a> {
    asked: HashMap<Spot, Asked<'a>>,
    /// Results that are shown with their calls.
    told: HashSet<Spot>,
    /// Calls that only the history holds, by id: their results may be new.
    before: HashMap<&'a str, &'a ToolCall>,
}

impl<'a> Pairs<'a> {
    pub fn of(trace: &'a AssembledTrace) -> Self {
        let mut pairs = Self { asked: HashMap::new(), told: HashSet::new(), before: HashMap::new() };
        let mut runs = Runs::of(trace);
        for (at, thread) in trace.conversations.iter().enumerate() {
            let mut open = Open::default();
            for (index, said) in thread.messages.iter().enumerate() {
                for (position, part) in said.message.parts.iter().enumerate() {
                    let spot = (at, index, position);
                    match &part.content {
                        Content::Call(call) if said.history => {
                            pairs.before.extend(call.known_id().map(|id| (id, call)));
                        }
                        Content::Call(call) => {
                            let caller = trace.calls.get(said.turn).map(|call| call.span);
                            let run = runs.take(call, caller);
                            open.add(call, spot);
                            pairs.asked.insert(spot, Asked { run, result: None });
                        }
                        Content::Result(result) if !said.history => {
                            if let Some(call) = open.answered(result, &pairs.asked) {
                                let asked = pairs.asked.entry(call).or_default();
                                asked.result = asked.result.or(Some(result));
                                pairs.told.insert(spot);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        pairs
    }

    pub fn asked(&self, spot: Spot) -> Asked<'a> {
        self.asked.get(&spot).copied().unwrap_or_default()
    }

    /// Whether a result is shown with its call.
    pub fn is_told(&self, spot: Spot) -> bool {
        self.told.contains(&spot)
    }

    /// The call of an earlier run that a result answers.
    pub fn before(&self, result: &ToolResult) -> Option<&'a ToolCall> {
        self.before.get(result.call_id.as_deref()?).copied()
    }
}

/// The trace's tool runs that no call has been found for yet.
struct Runs<'a> {
    trace: &'a AssembledTrace,
    by_id: HashMap<&'a str, Vec<usize>>,
    by_caller: HashMap<SpanId, Vec<usize>>,
    taken: HashSet<usize>,
}

impl<'a> Runs<'a> {
    fn of(trace: &'a AssembledTrace) -> Self {
        let mut runs = Self { trace, by_id: HashMap::new(), by_caller: HashMap::new(), taken: HashSet::new() };
        for (at, run) in trace.tools.iter().enumerate() {
            if let Some(id) = run.call_id.as_deref() {
                runs.by_id.entry(id).or_default().push(at);
            }
            if let Some(caller) = run.called_by {
                runs.by_caller.entry(caller).or_default().push(at);
            }
        }
        runs
    }

    /// The run that a call led to: by id, else by name and arguments, else by name, among those of its turn.
    fn take(&mut self, call: &ToolCall, caller: Option<SpanId>) -> Option<usize> {
        let runs = &self.trace.tools;
        let with_id = call.known_id().and_then(|id| self.by_id.get(id)).into_iter().flatten();
        let of_turn = caller.and_then(|caller| self.by_caller.get(&caller)).into_iter().flatten();
        let of_turn = of_turn.filter(|at| runs[**at].name == call.name);
        let of_turn = of_turn.filter(|at| call.known_id().is_none() || runs[**at].call_id.is_none());
        // An id that is used again means the run of this turn.
        let with_id = with_id.filter(|at| runs[**at].called_by.is_none() || runs[**at].called_by == caller);
        let free = with_id.chain(of_turn).filter(|at| !self.taken.contains(*at));
        let weight = |at: usize| (runs[at].called_by == caller, runs[at].input == call.input);
        // The last of equals is taken by `max_by_key`, and the first one is wanted.
        let found = free.copied().rev().max_by_key(|at| weight(*at))?;
        self.taken.insert(found);
        Some(found)
    }
}

/// The calls of a thread so far, as their results name them.
#[derive(Default)]
struct Open<'a> {
    by_id: HashMap<&'a str, Spot>,
    /// Calls without an id, by the names of their tools, and those that have one.
    nameless: Vec<(&'a str, Spot)>,
    named: VecDeque<(&'a str, Spot)>,
}

impl<'a> Open<'a> {
    fn add(&mut self, call: &'a ToolCall, spot: Spot) {
        match call.known_id() {
            // A counter that begins anew means the newer call.
            Some(id) => {
                self.by_id.insert(id, spot);
                self.named.push_back((&call.name, spot));
            }
            None => self.nameless.push((&call.name, spot)),
        }
    }

    /// The call that a result is of. One that says what was said already is the same one, sent again.
    fn answered(&mut self, result: &ToolResult, asked: &HashMap<Spot, Asked>) -> Option<Spot> {
        if let Some(id) = &result.call_id {
            let spot = *self.by_id.get(id.as_str())?;
            let known = asked.get(&spot).and_then(|asked| asked.result);
            return known.is_none_or(|known| known.content == result.content).then_some(spot);
        }
        let fits = |(name, _): &(&str, Spot)| result.name.as_deref().is_none_or(|wanted| wanted == *name);
        if let Some(at) = self.nameless.iter().position(fits) {
            return Some(self.nameless.remove(at).1);
        }
        // Some frameworks send a result on without the id that they got with the call.
        let waits = |(_, spot): &(&str, Spot)| asked.get(spot).is_none_or(|asked| asked.result.is_none());
        while self.named.front().is_some_and(|call| !waits(call)) {
            self.named.pop_front();
        }
        self.named
            .iter()
            .filter(|call| result.name.is_some() && fits(call))
            .find(|call| waits(call))
            .map(|(_, spot)| *spot)
    }
}
