//! Which result answers which call: a call and its result are shown as one, in the turn that asked for it.

use std::{
    cell::{Cell, OnceCell},
    collections::VecDeque,
    iter,
};

use super::super::hash::{self, HashMap};
use crate::model::{Arguments, AssembledTrace, Content, ModelCall, SpanId, ToolCall, ToolResult, ToolRun};

/// A part of a message: the conversation's place in the trace, the message's in the conversation, the part's in the
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartPlace {
    pub conversation: usize,
    pub message: usize,
    pub part: usize,
}

impl PartPlace {
    /// The part's content; `None` where the trace has no such part.
    pub fn content(self, trace: &AssembledTrace) -> Option<&Content> {
        let message = trace.conversations.get(self.conversation)?.messages.get(self.message)?;
        Some(&message.message.parts.get(self.part)?.content)
    }

    pub fn call(self, trace: &AssembledTrace) -> Option<&ToolCall> {
        self.content(trace).and_then(|content| if let Content::Call(call) = content { Some(call) } else { None })
    }

    pub fn result(self, trace: &AssembledTrace) -> Option<&ToolResult> {
        self.content(trace).and_then(|content| if let Content::Result(result) = content { Some(result) } else { None })
    }
}

/// What is known of a call beyond its own part.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pair {
    /// Its execution: a place among the trace's tool runs.
    pub run: Option<usize>,
    pub result: Option<PartPlace>,
}

#[derive(Debug, Default)]
pub struct Pairs {
    /// The calls in reading order.
    calls: Vec<(PartPlace, Pair)>,
    /// Results that are shown with their calls, in reading order.
    shown_with_calls: Vec<PartPlace>,
    /// Calls that only the history holds, by id: their results may be new.
    in_history: HashMap<String, PartPlace>,
}

impl Pairs {
    pub fn of(trace: &AssembledTrace) -> Self {
        let mut pairs = Self::default();
        let mut runs = Runs::of(trace);
        for (conversation, messages) in trace.conversations.iter().enumerate() {
            let calls = messages.messages.len().min(trace.tools.len());
            let mut open = Open { by_id: hash::map_for(calls), ..Open::default() };
            for (message, at) in messages.messages.iter().enumerate() {
                for (part, content) in at.message.parts.iter().enumerate() {
                    let place = PartPlace { conversation, message, part };
                    match &content.content {
                        Content::Call(call) if at.history => {
                            pairs.in_history.extend(call.known_id().map(str::to_owned).map(|id| (id, place)));
                        }
                        Content::Call(call) => {
                            let run = runs.take(call, trace.calls.get(at.turn));
                            open.add(call, pairs.calls.len());
                            pairs.calls.push((place, Pair { run, result: None }));
                        }
                        Content::Result(result) if !at.history => {
                            if let Some(call) = open.answered(trace, result, &pairs.calls) {
                                let (_, pair) = &mut pairs.calls[call];
                                pair.result = pair.result.or(Some(place));
                                pairs.shown_with_calls.push(place);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        pairs
    }

    /// The tool runs that calls led to, by their places among those of the trace.
    pub fn runs(&self) -> impl Iterator<Item = usize> {
        self.calls.iter().filter_map(|(_, pair)| pair.run)
    }

    pub fn of_call(&self, place: PartPlace) -> Pair {
        let at = self.calls.binary_search_by_key(&place, |(place, _)| *place);
        at.map_or_else(|_| Pair::default(), |at| self.calls[at].1)
    }

    /// Whether a part is a result that is shown with its call.
    pub fn is_shown_with_call(&self, place: PartPlace) -> bool {
        self.shown_with_calls.binary_search(&place).is_ok()
    }

    /// The call of the history that a result answers.
    pub fn call_in_history<'a>(&self, trace: &'a AssembledTrace, result: &ToolResult) -> Option<&'a ToolCall> {
        self.in_history.get(result.call_id.as_deref()?)?.call(trace)
    }
}

/// The trace's tool runs that no call has been found for yet, by what a call is found by: most calls need the first.
struct Runs<'a> {
    trace: &'a AssembledTrace,
    /// Those with an id, by that and the call that asked for them, `None` where that is not known: an id that is used
    /// again means the run of the call's own turn.
    by_id: Queues,
    /// The same, by their arguments as well. Made when a call needs it.
    by_input: OnceCell<Queues>,
    /// By the call that asked for them and the name of the tool. Made when a call needs it.
    by_caller: OnceCell<Queues>,
    /// Those of which neither the id nor the call that asked for them is known, by the name of the tool and the arguments.
    /// Made when a call needs it.
    unasked: OnceCell<Queues>,
    taken: Vec<bool>,
}

impl<'a> Runs<'a> {
    fn of(trace: &'a AssembledTrace) -> Self {
        let key = |run: &ToolRun| Some(hash::of((run.call_id.as_deref()?, run.called_by)));
        Self {
            trace,
            by_id: Queues::of(&trace.tools, key),
            by_input: OnceCell::new(),
            by_caller: OnceCell::new(),
            unasked: OnceCell::new(),
            taken: vec![false; trace.tools.len()],
        }
    }

    /// The run that a call led to: one of its own turn before one of which the turn is not known, one with its
    /// arguments before another, one with its id before one with none.
    fn take(&mut self, call: &ToolCall, caller: Option<&ModelCall>) -> Option<usize> {
        let found = caller.map(|caller| caller.span).and_then(|caller| {
            self.with_id(call, Some(caller), true)
                .or_else(|| self.of_turn(call, caller, true))
                .or_else(|| self.with_id(call, Some(caller), false))
                .or_else(|| self.of_turn(call, caller, false))
        });
        let found = found
            .or_else(|| self.with_id(call, None, true))
            .or_else(|| self.with_id(call, None, false))
            .or_else(|| self.unasked(call, caller))?;
        self.taken[found] = true;
        Some(found)
    }

    /// The first free run with the call's id, with its arguments or any.
    fn with_id(&self, call: &ToolCall, caller: Option<SpanId>, same_input: bool) -> Option<usize> {
        let id = call.known_id()?;
        let run = |at: usize| &self.trace.tools[at];
        let fits = |at: &usize| {
            let run = run(*at);
            run.call_id.as_deref() == Some(id) && run.called_by == caller && (!same_input || *run.input == call.input)
        };
        let first = self.by_id.first_free(hash::of((id, caller)), &self.taken)?;
        if !same_input || fits(&first) {
            return Some(first).filter(fits);
        }
        let key = |run: &ToolRun| Some(hash::of((run.call_id.as_deref()?, run.called_by, run.input.hash())));
        let runs = self.by_input.get_or_init(|| Queues::of(&self.trace.tools, key));
        runs.first_free(hash::of((id, caller, Arguments::hash_of(&call.input))), &self.taken).filter(fits)
    }

    /// The first free run of the call's tool with its arguments that nobody is known to have asked for, and that began
    /// after the call did.
    fn unasked(&self, call: &ToolCall, caller: Option<&ModelCall>) -> Option<usize> {
        let of = |name: &str, input: u64| hash::of((name, input));
        let key = |run: &ToolRun| {
            let unknown = run.called_by.is_none() && run.call_id.is_none() && run.span.is_some();
            unknown.then(|| of(&run.name, run.input.hash()))
        };
        let runs = self.unasked.get_or_init(|| Queues::of(&self.trace.tools, key));
        let found = runs.first_free(of(&call.name, Arguments::hash_of(&call.input)), &self.taken)?;
        let run = &self.trace.tools[found];
        let is_after = caller.is_none_or(|caller| run.started.is_none_or(|started| started >= caller.started));
        (run.name == call.name && *run.input == call.input && is_after).then_some(found)
    }

    /// The first free run of the call's turn and tool, with its arguments or any; of a call with an id one without.
    fn of_turn(&self, call: &ToolCall, caller: SpanId, same_input: bool) -> Option<usize> {
        let key = |run: &ToolRun| Some(hash::of((run.called_by?, run.name.as_str())));
        let runs = self.by_caller.get_or_init(|| Queues::of(&self.trace.tools, key));
        let mut runs = runs.all(hash::of((caller, call.name.as_str())));
        runs.find(|at| {
            let run = &self.trace.tools[*at];
            !self.taken[*at]
                && (call.known_id().is_none() || run.call_id.is_none())
                && run.name == call.name
                && (!same_input || *run.input == call.input)
        })
    }
}

/// Tool runs by the hash of a key, those of one key in order. There are many keys, so none has memory of its own.
struct Queues {
    first: HashMap<u64, Cell<usize>>,
    /// The next run with the same key; for the last one its own place.
    next: Vec<usize>,
}

impl Queues {
    /// `key`: of a run; `None`: it is in no queue.
    fn of(runs: &[ToolRun], key: impl Fn(&ToolRun) -> Option<u64>) -> Self {
        let mut queues = Self { first: hash::map_for(runs.len()), next: (0..runs.len()).collect() };
        for (at, run) in runs.iter().enumerate().rev() {
            if let Some(key) = key(run)
                && let Some(next) = queues.first.insert(key, Cell::new(at))
            {
                queues.next[at] = next.get();
            }
        }
        queues
    }

    /// The first run of a key that is not taken. What is taken stays so: it is not looked at twice.
    fn first_free(&self, key: u64, taken: &[bool]) -> Option<usize> {
        let first = self.first.get(&key)?;
        while taken[first.get()] {
            let next = self.next[first.get()];
            if next == first.replace(next) {
                return None;
            }
        }
        Some(first.get())
    }

    fn all(&self, key: u64) -> impl Iterator<Item = usize> {
        let next = |at: &usize| Some(self.next[*at]).filter(|next| next != at);
        iter::successors(self.first.get(&key).map(Cell::get), next)
    }
}

/// The calls of a conversation so far, as their results name them; each by its place in [`Pairs::calls`].
#[derive(Default)]
struct Open<'a> {
    by_id: HashMap<&'a str, usize>,
    /// Calls without an id, with the names of their tools, and those that have one.
    unidentified: VecDeque<(&'a str, usize)>,
    identified: VecDeque<(&'a str, usize)>,
}

impl<'a> Open<'a> {
    fn add(&mut self, call: &'a ToolCall, at: usize) {
        match call.known_id() {
            // A counter that begins anew means the newer call.
            Some(id) => {
                self.by_id.insert(id, at);
                self.identified.push_back((&call.name, at));
            }
            None => self.unidentified.push_back((&call.name, at)),
        }
    }

    /// The call that a result is of. One that holds what a result before it held is the same one, sent again.
    fn answered(&mut self, trace: &AssembledTrace, result: &ToolResult, calls: &[(PartPlace, Pair)]) -> Option<usize> {
        if let Some(id) = &result.call_id {
            let at = *self.by_id.get(id.as_str())?;
            let earlier = calls[at].1.result.and_then(|place| place.result(trace));
            return earlier.is_none_or(|earlier| earlier.content == result.content).then_some(at);
        }
        let fits = |(name, _): &(&str, usize)| result.name.as_deref().is_none_or(|wanted| wanted == *name);
        if let Some(at) = self.unidentified.iter().position(fits) {
            return self.unidentified.remove(at).map(|(_, at)| at);
        }
        // Some frameworks send a result on without the id that they got with the call.
        let waits = |(_, at): &(&str, usize)| calls[*at].1.result.is_none();
        while self.identified.front().is_some_and(|call| !waits(call)) {
            self.identified.pop_front();
        }
        self.identified
            .iter()
            .filter(|call| result.name.is_some() && fits(call))
            .find(|call| waits(call))
            .map(|(_, at)| *at)
    }
}
