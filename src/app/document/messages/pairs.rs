//! Which result answers which call: a call and its result are shown as one, in the turn that asked for it.

use std::collections::VecDeque;

use super::super::hash::{HashMap, HashSet, fingerprint};
use crate::model::{AssembledTrace, Content, SpanId, ToolCall, ToolResult};

/// A part of a message: the conversation's place in the trace, the message's in the conversation, the part's in the
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

#[derive(Debug)]
pub struct Pairs {
    calls: HashMap<PartPlace, Pair>,
    /// Results that are shown with their calls.
    shown_with_calls: HashSet<PartPlace>,
    /// Calls that only the history holds, by id: their results may be new.
    in_history: HashMap<String, PartPlace>,
}

impl Pairs {
    pub fn of(trace: &AssembledTrace) -> Self {
        let mut pairs =
            Self { calls: HashMap::default(), shown_with_calls: HashSet::default(), in_history: HashMap::default() };
        let mut runs = Runs::of(trace);
        for (conversation, messages) in trace.conversations.iter().enumerate() {
            let mut open = Open::default();
            for (message, at) in messages.messages.iter().enumerate() {
                for (part, content) in at.message.parts.iter().enumerate() {
                    let place = PartPlace { conversation, message, part };
                    match &content.content {
                        Content::Call(call) if at.history => {
                            pairs.in_history.extend(call.known_id().map(str::to_owned).map(|id| (id, place)));
                        }
                        Content::Call(call) => {
                            let caller = trace.calls.get(at.turn).map(|call| call.span);
                            let run = runs.take(call, caller);
                            open.add(call, place);
                            pairs.calls.insert(place, Pair { run, result: None });
                        }
                        Content::Result(result) if !at.history => {
                            if let Some(call) = open.answered(trace, result, &pairs.calls) {
                                let pair = pairs.calls.entry(call).or_default();
                                pair.result = pair.result.or(Some(place));
                                pairs.shown_with_calls.insert(place);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        pairs
    }

    pub fn of_call(&self, place: PartPlace) -> Pair {
        self.calls.get(&place).copied().unwrap_or_default()
    }

    /// Whether a part is a result that is shown with its call.
    pub fn is_shown_with_call(&self, place: PartPlace) -> bool {
        self.shown_with_calls.contains(&place)
    }

    /// The call of the history that a result answers.
    pub fn call_in_history<'a>(&self, trace: &'a AssembledTrace, result: &ToolResult) -> Option<&'a ToolCall> {
        self.in_history.get(result.call_id.as_deref()?)?.call(trace)
    }
}

/// The trace's tool runs that no call has been found for yet.
struct Runs<'a> {
    trace: &'a AssembledTrace,
    /// Those with an id, by that and the call that asked for them, `None` where that is not known: an id that is used
    /// again means the run of the call's own turn.
    by_id: HashMap<(&'a str, Option<SpanId>), VecDeque<usize>>,
    /// The same, by their arguments as well.
    by_input: HashMap<(&'a str, Option<SpanId>, u64), VecDeque<usize>>,
    /// By the call that asked for them and the name of the tool.
    by_caller: HashMap<(SpanId, &'a str), Vec<usize>>,
    taken: Vec<bool>,
}

impl<'a> Runs<'a> {
    fn of(trace: &'a AssembledTrace) -> Self {
        let mut runs = Self {
            trace,
            by_id: HashMap::default(),
            by_input: HashMap::default(),
            by_caller: HashMap::default(),
            taken: vec![false; trace.tools.len()],
        };
        for (at, run) in trace.tools.iter().enumerate() {
            if let Some(id) = run.call_id.as_deref() {
                runs.by_id.entry((id, run.called_by)).or_default().push_back(at);
                runs.by_input.entry((id, run.called_by, fingerprint(&run.input))).or_default().push_back(at);
            }
            if let Some(caller) = run.called_by {
                runs.by_caller.entry((caller, &run.name)).or_default().push(at);
            }
        }
        runs
    }

    /// The run that a call led to: one of its own turn before one of which the turn is not known, one with its
    /// arguments before another, one with its id before one with none.
    fn take(&mut self, call: &'a ToolCall, caller: Option<SpanId>) -> Option<usize> {
        let input = fingerprint(&call.input);
        let found = caller.and_then(|caller| {
            self.with_id(call, Some(caller), Some(input))
                .or_else(|| self.of_turn(call, caller, true))
                .or_else(|| self.with_id(call, Some(caller), None))
                .or_else(|| self.of_turn(call, caller, false))
        });
        let found =
            found.or_else(|| self.with_id(call, None, Some(input)).or_else(|| self.with_id(call, None, None)))?;
        self.taken[found] = true;
        Some(found)
    }

    /// The first free run with the call's id, and these arguments where some are given.
    fn with_id(&mut self, call: &'a ToolCall, caller: Option<SpanId>, input: Option<u64>) -> Option<usize> {
        let id = call.known_id()?;
        let runs = match input {
            Some(input) => self.by_input.get_mut(&(id, caller, input)),
            None => self.by_id.get_mut(&(id, caller)),
        }?;
        while runs.front().is_some_and(|at| self.taken[*at]) {
            runs.pop_front();
        }
        runs.front().copied()
    }

    /// The first free run of the call's turn and tool, with its arguments or any; of a call with an id one without.
    fn of_turn(&self, call: &ToolCall, caller: SpanId, same_input: bool) -> Option<usize> {
        let mut runs = self.by_caller.get(&(caller, call.name.as_str()))?.iter().copied();
        runs.find(|at| {
            let run = &self.trace.tools[*at];
            !self.taken[*at]
                && (call.known_id().is_none() || run.call_id.is_none())
                && (!same_input || run.input == call.input)
        })
    }
}

/// The calls of a conversation so far, as their results name them.
#[derive(Default)]
struct Open<'a> {
    by_id: HashMap<&'a str, PartPlace>,
    /// Calls without an id, by the names of their tools, and those that have one.
    nameless: VecDeque<(&'a str, PartPlace)>,
    named: VecDeque<(&'a str, PartPlace)>,
}

impl<'a> Open<'a> {
    fn add(&mut self, call: &'a ToolCall, place: PartPlace) {
        match call.known_id() {
            // A counter that begins anew means the newer call.
            Some(id) => {
                self.by_id.insert(id, place);
                self.named.push_back((&call.name, place));
            }
            None => self.nameless.push_back((&call.name, place)),
        }
    }

    /// The call that a result is of. One that holds what a result before it held is the same one, sent again.
    fn answered(
        &mut self,
        trace: &AssembledTrace,
        result: &ToolResult,
        calls: &HashMap<PartPlace, Pair>,
    ) -> Option<PartPlace> {
        if let Some(id) = &result.call_id {
            let place = *self.by_id.get(id.as_str())?;
            let known = calls.get(&place).and_then(|pair| pair.result?.result(trace));
            return known.is_none_or(|known| known.content == result.content).then_some(place);
        }
        let fits = |(name, _): &(&str, PartPlace)| result.name.as_deref().is_none_or(|wanted| wanted == *name);
        if let Some(at) = self.nameless.iter().position(fits) {
            return self.nameless.remove(at).map(|(_, place)| place);
        }
        // Some frameworks send a result on without the id that they got with the call.
        let waits = |(_, place): &(&str, PartPlace)| calls.get(place).is_none_or(|pair| pair.result.is_none());
        while self.named.front().is_some_and(|call| !waits(call)) {
            self.named.pop_front();
        }
        self.named
            .iter()
            .filter(|call| result.name.is_some() && fits(call))
            .find(|call| waits(call))
            .map(|(_, place)| *place)
    }
}
