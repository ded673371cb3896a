//! The steps of a run as they are compared, and which steps of two runs belong together.

use std::sync::Arc;

use super::super::diff::{self, Stretch};
use super::super::hash::{self, HashMap};
use super::super::parts;
use crate::model::{AssembledTrace, Content, Part, Role, SpanId, Timestamp};

/// One step of a run, by places in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What the user said before a call: the places of the conversation and of the message.
    Asked {
        conversation: usize,
        message: usize,
    },
    Call(usize),
    Tool(usize),
    /// What was answered around the calls: only an agent's span has it.
    Said {
        conversation: usize,
        message: usize,
    },
}

/// The steps of a run in the order in which they happened: what was asked, the call, the tools that it asked for; and what
/// only agents' spans say that was asked and answered around the calls.
#[derive(Debug)]
pub struct Steps {
    pub trace: Arc<AssembledTrace>,
    pub all: Vec<Step>,
    /// What each is like: steps of two runs with the same number belong together. A call by its agent and the tools that
    /// it asked for, a tool by its name.
    keys: Vec<u64>,
    /// Which turn each call is; `None` for one that takes none.
    pub turns: Vec<Option<usize>>,
    /// The tool runs of each call.
    tools: Vec<Vec<usize>>,
    /// The messages that each call answered, by the places of their conversations and their own.
    answers: Vec<Vec<(usize, usize)>>,
}

impl Steps {
    #[must_use]
    pub fn of(trace: &Arc<AssembledTrace>) -> Self {
        let mut asked: HashMap<usize, Vec<Step>> = HashMap::default();
        let mut answers = vec![Vec::new(); trace.calls.len()];
        let mut around: Vec<(Timestamp, Step)> = Vec::new();
        for (conversation, of) in trace.conversations.iter().enumerate() {
            for (message, at) in of.messages.iter().enumerate().filter(|(_, at)| !at.history) {
                let is_own =
                    |part: &Part| matches!(part.content, Content::Text(_) | Content::Media(_)) && !part.relayed;
                let is_around = at.turn >= trace.calls.len();
                match at.message.role {
                    Role::User if is_around && at.message.parts.iter().any(is_own) => {
                        around.push((at.at, Step::Asked { conversation, message }));
                    }
                    Role::Assistant if is_around && !at.message.plain_text().trim().is_empty() => {
                        around.push((at.at, Step::Said { conversation, message }));
                    }
                    Role::User if at.message.parts.iter().any(is_own) => {
                        asked.entry(at.turn).or_default().push(Step::Asked { conversation, message });
                    }
                    Role::Assistant => {
                        if let Some(of) = answers.get_mut(at.turn) {
                            of.push((conversation, message));
                        }
                    }
                    _ => {}
                }
            }
        }
        let mut all = Self {
            trace: trace.clone(),
            all: Vec::new(),
            keys: Vec::new(),
            turns: trace.turns(),
            tools: tools_of_calls(trace),
            answers,
        };
        // The sort is stable: what is said at one moment stays in the order of its conversation.
        around.sort_by_key(|(at, _)| *at);
        let mut around = around.into_iter().peekable();
        for (at, call) in trace.calls.iter().enumerate() {
            while let Some((_, step)) = around.next_if(|(said, _)| *said <= call.started) {
                all.push_around(step);
            }
            for step in asked.remove(&at).unwrap_or_default() {
                all.push(step, hash::of("asked"));
            }
            let key = hash::of((call.category.as_str(), &call.agent, all.tools_of(at)));
            all.push(Step::Call(at), key);
            for tool in all.tools[at].clone() {
                all.push(Step::Tool(tool), hash::of(("tool", &trace.tools[tool].name)));
            }
        }
        around.for_each(|(_, step)| all.push_around(step));
        if trace.calls.is_empty() {
            for (tool, run) in trace.tools.iter().enumerate() {
                all.push(Step::Tool(tool), hash::of(("tool", &run.name)));
            }
        }
        all
    }

    fn push(&mut self, step: Step, key: u64) {
        self.all.push(step);
        self.keys.push(key);
    }

    fn push_around(&mut self, step: Step) {
        let key = match step {
            Step::Said { conversation, .. } => {
                let agent = self.trace.conversations.get(conversation).and_then(|of| of.agent.as_deref());
                hash::of(("said", agent))
            }
            _ => hash::of("asked"),
        };
        self.push(step, key);
    }

    /// The names of the tools that a call asked for, in order of name: parallel calls may come in any order.
    #[must_use]
    pub fn tools_of(&self, call: usize) -> Vec<&str> {
        let mut names: Vec<&str> = self.tools[call].iter().map(|tool| self.trace.tools[*tool].name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// What was asked or answered in a step; `None` for a tool.
    #[must_use]
    pub fn text(&self, step: Step) -> Option<String> {
        let message =
            |(conversation, message): (usize, usize)| &self.trace.conversations[conversation].messages[message].message;
        match step {
            Step::Asked { conversation, message: at } => Some(parts::text_of(message((conversation, at)))),
            Step::Said { conversation, message: at } => Some(message((conversation, at)).plain_text()),
            // Calls of tools are steps of their own.
            Step::Call(call) => {
                let texts = self.answers[call].iter().map(|at| message(*at).plain_text());
                Some(texts.collect::<Vec<_>>().join("\n"))
            }
            Step::Tool(_) => None,
        }
    }
}

/// The tool runs of each call of a trace, by their places.
fn tools_of_calls(trace: &AssembledTrace) -> Vec<Vec<usize>> {
    let places: HashMap<SpanId, usize> = trace.calls.iter().enumerate().map(|(at, call)| (call.span, at)).collect();
    let mut tools = vec![Vec::new(); trace.calls.len()];
    for (at, run) in trace.tools.iter().enumerate() {
        let by = run.called_by.and_then(|span| places.get(&span).copied());
        // One that nobody is known to have asked for comes after the call that began before it.
        let before = || trace.calls.partition_point(|call| Some(call.started) <= run.started).checked_sub(1);
        tools.get_mut(by.or_else(before).unwrap_or(0)).into_iter().for_each(|of| of.push(at));
    }
    tools
}

/// Steps of two runs beside each other; `None` where one run has no such step.
pub type Pair = [Option<Step>; 2];

/// All steps of both runs, in order: those that belong together in one pair.
#[must_use]
pub fn paired(left: &Steps, right: &Steps) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for Stretch { is_equal, before, now } in diff::stretches(&left.keys, &right.keys) {
        let (before, now) = (&left.all[before], &right.all[now]);
        if is_equal {
            pairs.extend(before.iter().zip(now).map(|(left, right)| [Some(*left), Some(*right)]));
            continue;
        }
        // In the place of a step stands one of the same kind.
        let alike = before
            .iter()
            .zip(now)
            .take_while(|(left, right)| std::mem::discriminant(*left) == std::mem::discriminant(*right));
        let alike = alike.count();
        pairs.extend(before.iter().zip(now).take(alike).map(|(left, right)| [Some(*left), Some(*right)]));
        pairs.extend(before[alike..].iter().map(|step| [Some(*step), None]));
        pairs.extend(now[alike..].iter().map(|step| [None, Some(*step)]));
    }
    pairs
}
