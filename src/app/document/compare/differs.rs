//! What is other in two steps that belong together.

use super::super::build::Builder;
use super::super::{diff, json, parts, short_error};
use super::sides::LETTERS;
use super::steps::{Pair, Step, Steps};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{ModelCall, ToolRun, ToolStatus, Value};
use crate::slots::Slot;

/// How two steps stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    Equal,
    /// The same was done in other words: another question, another answer, another result of the same call.
    Words,
    /// Something else was done.
    Other,
    /// Only the first run has it, or only the second.
    OnlyFirst,
    OnlySecond,
}

impl Likeness {
    /// The mark in front of both.
    #[must_use]
    pub fn mark(self) -> (&'static str, Slot) {
        match self {
            Self::Equal => ("=", Slot::Dim),
            Self::Words => ("≈", Slot::Dim),
            Self::Other => ("≠", Slot::Warning),
            Self::OnlyFirst => ("-", Slot::Error),
            Self::OnlySecond => ("+", Slot::Ok),
        }
    }

    /// Whether the runs part here.
    #[must_use]
    pub fn parts(self) -> bool {
        !matches!(self, Self::Equal | Self::Words)
    }
}

/// How a pair of steps stands to each other.
#[must_use]
pub fn likeness(runs: [&Steps; 2], pair: Pair) -> Likeness {
    match pair {
        [Some(_), None] => Likeness::OnlyFirst,
        [None, _] => Likeness::OnlySecond,
        [Some(Step::Said { conversation: left, .. }), Some(Step::Said { conversation: right, .. })]
            if speaker(runs[0], left) != speaker(runs[1], right) =>
        {
            Likeness::Other
        }
        [Some(Step::Asked { .. }), Some(Step::Asked { .. })] | [Some(Step::Said { .. }), Some(Step::Said { .. })] => {
            if texts(runs, pair).is_none_or(|[left, right]| left == right) {
                Likeness::Equal
            } else {
                Likeness::Words
            }
        }
        [Some(Step::Call(left)), Some(Step::Call(right))] => {
            let calls = [&runs[0].trace.calls[left], &runs[1].trace.calls[right]];
            let failed = calls.map(|call| call.failure.is_some());
            let called = [runs[0].tools_of(left), runs[1].tools_of(right)];
            let [stop, other_stop] = calls.map(|call| call.stop_reason.as_deref());
            if failed[0] != failed[1] || called[0] != called[1] || calls[0].agent != calls[1].agent {
                Likeness::Other
            } else if stop != other_stop
                || calls[0].model != calls[1].model
                || texts(runs, pair).is_some_and(|[left, right]| left != right)
            {
                Likeness::Words
            } else {
                Likeness::Equal
            }
        }
        [Some(Step::Tool(left)), Some(Step::Tool(right))] => {
            let runs = [&runs[0].trace.tools[left], &runs[1].trace.tools[right]];
            let failed = runs.map(|run| run.status == ToolStatus::Error);
            let [input, other_input] = runs.map(|run| run.input.hash());
            if runs[0].name != runs[1].name || failed[0] != failed[1] || input != other_input {
                Likeness::Other
            } else if runs[0].output != runs[1].output {
                Likeness::Words
            } else {
                Likeness::Equal
            }
        }
        [Some(_), Some(_)] => Likeness::Other,
    }
}

/// The agent of a conversation.
fn speaker(run: &Steps, conversation: usize) -> Option<&str> {
    run.trace.conversations[conversation].agent.as_deref()
}

fn texts(runs: [&Steps; 2], pair: Pair) -> Option<[String; 2]> {
    Some([runs[0].text(pair[0]?)?, runs[1].text(pair[1]?)?])
}

/// Writes what is other in a pair of steps; of a step that only one run has, what it is.
pub fn write(to: &mut Builder, indent: usize, runs: [&Steps; 2], pair: Pair) {
    if let [Some(Step::Call(left)), Some(Step::Call(right))] = pair {
        let calls = [&runs[0].trace.calls[left], &runs[1].trace.calls[right]];
        let short = |model: &Option<String>| model.as_deref().map(|model| wrap::clean_line(format::model(model)));
        other(to, indent, "model", calls.map(|call| short(&call.model)));
        other(to, indent, "agent", calls.map(|call| call.agent.as_deref().map(wrap::clean_line)));
        other(to, indent, "finish", calls.map(|call| call.stop_reason.as_deref().map(wrap::clean_line)));
        other(to, indent, "calls", [runs[0].tools_of(left), runs[1].tools_of(right)].map(listed));
        other(to, indent, "failure", calls.map(failure));
    }
    if let [Some(Step::Said { conversation: left, .. }), Some(Step::Said { conversation: right, .. })] = pair {
        let speakers = [speaker(runs[0], left), speaker(runs[1], right)];
        other(to, indent, "agent", speakers.map(|speaker| speaker.map(wrap::clean_line)));
    }
    if let [Some(Step::Tool(left)), Some(Step::Tool(right))] = pair {
        return tools(to, indent, [&runs[0].trace.tools[left], &runs[1].trace.tools[right]]);
    }
    if let Some([left, right]) = texts(runs, pair) {
        if left != right {
            diff::write(to, indent, &left, &right);
        }
        return;
    }
    for (of, step) in runs.into_iter().zip(pair) {
        match step {
            Some(Step::Tool(run)) => {
                let run = &of.trace.tools[run];
                parts::table(to, indent, &run.input);
                let failed = run.status == ToolStatus::Error;
                if let Some(output) = &run.output {
                    to.mark(indent, Styled::new("←", Slot::MessageTool));
                    parts::result_content(to, indent + 2, output, if failed { Slot::Error } else { Slot::Text });
                }
            }
            Some(step) => to.text(indent, &of.text(step).unwrap_or_default(), Slot::Text),
            None => {}
        }
    }
}

/// Why a call failed, in a few words; `None` where it did not.
pub fn failure(call: &ModelCall) -> Option<String> {
    let failure = call.failure.as_ref()?;
    let kind = failure.kind.as_deref().map(short_error);
    Some(kind.or(failure.message.as_deref()).map_or_else(|| "failed".to_owned(), parts::first_line))
}

fn listed(names: Vec<&str>) -> Option<String> {
    let names: Vec<String> = names.into_iter().map(wrap::clean_line).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// `finish  A tool_use  B end_turn`: a fact of both, where it is not the same.
fn other(to: &mut Builder, indent: usize, name: &str, sides: [Option<String>; 2]) {
    let [left, right] = sides;
    if left == right {
        return;
    }
    let mut texts = vec![Styled::new(format!("{name}  "), Slot::Dim)];
    for (letter, side) in LETTERS.into_iter().zip([left, right]) {
        texts.push(Styled::new(format!("{letter} "), Slot::Accent));
        texts.push(Styled::new(format!("{}  ", side.as_deref().unwrap_or("none")), Slot::Text));
    }
    to.wrapped(indent, 2, &texts);
}

/// What is other in the arguments and the results of two runs of a tool.
fn tools(to: &mut Builder, indent: usize, runs: [&ToolRun; 2]) {
    other(to, indent, "tool", runs.map(|run| Some(wrap::clean_line(&run.name))));
    for (name, values) in arguments([&runs[0].input, &runs[1].input]) {
        let mut line = vec![Styled::new(format!("{name}  "), Slot::JsonKey)];
        for (letter, value) in LETTERS.into_iter().zip(values) {
            line.push(Styled::new(format!("{letter} "), Slot::Accent));
            line.push(Styled::new(format!("{}  ", value.map_or_else(|| "not given".to_owned(), brief)), Slot::Text));
        }
        to.wrapped(indent, 2, &line);
    }
    let [left, right] =
        runs.map(|run| run.output.as_deref().map(parts::all_text).or(run.error.clone()).unwrap_or_default());
    if left != right {
        to.line(vec![parts::pad(indent), Styled::new("result", Slot::Dim)]);
        diff::write(to, indent, &left, &right);
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", parts::first_line(text)),
        other => json::brief(other),
    }
}

/// The arguments that two calls do not have in common, each with both values.
fn arguments(inputs: [&Value; 2]) -> Vec<(String, [Option<&Value>; 2])> {
    let [left, right] = inputs;
    let (Some(first), Some(second)) = (left.as_map(), right.as_map()) else {
        return if left == right { Vec::new() } else { vec![("arguments".to_owned(), [Some(left), Some(right)])] };
    };
    let mut names: Vec<&String> = first.iter().map(|(name, _)| name).collect();
    names.extend(second.iter().map(|(name, _)| name).filter(|name| left.get(name).is_none()));
    let values = names.into_iter().map(|name| (wrap::clean_line(name), [left.get(name), right.get(name)]));
    values.filter(|(_, [left, right])| left != right).collect()
}
