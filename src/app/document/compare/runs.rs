//! Two runs: where they part first, their sums, what their prompts begin with, then every step of both.

use std::ops::Range;
use std::sync::Arc;

use super::super::build::Builder;
use super::super::outline::{Blocks, Outline, Pane};
use super::super::prompt::delta;
use super::super::prompt::side::Side;
use super::super::prompt::tools::{self, Tools};
use super::super::{diff, json, parts};
use super::differs::{self, Likeness, likeness};
use super::figures::{self, Figure};
use super::sides::{LETTERS, side};
use super::steps::{Pair, Step, Steps, paired};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Detail, Message, Role, ToolStatus};
use crate::slots::Slot;

/// More equal steps than this in a row are behind one line.
const FEW: usize = 3;

/// In so many columns two steps stand beside each other.
const BESIDE: usize = 60;

/// Two runs beside each other.
#[must_use]
pub fn blocks(left: &Arc<AssembledTrace>, right: &Arc<AssembledTrace>) -> Box<dyn Blocks> {
    let runs = [Steps::of(left), Steps::of(right)];
    let pairs = paired(&runs[0], &runs[1]);
    let likenesses: Vec<Likeness> = pairs.iter().map(|pair| likeness([&runs[0], &runs[1]], *pair)).collect();
    let compared = TwoRuns {
        first: likenesses.iter().position(|likeness| likeness.parts()),
        figures: figures::of_runs([left, right]),
        begins: begins(&runs, &pairs),
        both: runs,
        pairs,
        likenesses,
    };
    let mut outline = Outline::default();
    outline.push(Block::Head, "head", 3, 0);
    outline.push(Block::Divergence, "divergence", 6, 0);
    outline.push(Block::Figures, "figures", 2 + compared.figures.len(), 0);
    if compared.begins.is_some() {
        outline.push(Block::Prompts, "prompts", 6, 0);
    }
    outline.push(Block::StepsHead, "steps", 2, 0);
    compared.list(&mut outline);
    outline.of(compared)
}

#[derive(Debug)]
struct TwoRuns {
    both: [Steps; 2],
    pairs: Vec<Pair>,
    /// One for each pair.
    likenesses: Vec<Likeness>,
    /// The first pair at which the runs part.
    first: Option<usize>,
    figures: Vec<Figure>,
    begins: Option<Begins>,
}

/// The first turns that belong together: what the prompts of both runs begin with.
#[derive(Debug)]
struct Begins {
    sides: [Side; 2],
    tools: Tools,
}

#[derive(Debug)]
enum Block {
    Head,
    Divergence,
    Figures,
    Prompts,
    StepsHead,
    /// Equal steps behind one line.
    Alike(Range<usize>),
    Row(usize),
}

impl Begins {
    /// Whether the runs were given something else.
    fn differs(&self) -> bool {
        let [left, right] = &self.sides;
        let system = |side: &Side| {
            let system = side.messages.iter().filter(|message| message.role == Role::System);
            system.map(|message| parts::text_of(message)).collect::<Vec<_>>()
        };
        let parameters = delta::parameters(Some(&left.facts().parameters), &right.facts().parameters);
        !self.tools.are_equal()
            || left.facts().model != right.facts().model
            || parameters.iter().any(|parameter| parameter.change != delta::Change::Same)
            || system(left) != system(right)
    }
}

/// The first pair of turns, with what was sent in each.
fn begins(runs: &[Steps; 2], pairs: &[Pair]) -> Option<Begins> {
    let calls = pairs.iter().find_map(|pair| match pair {
        [Some(Step::Call(left)), Some(Step::Call(right))] => Some([*left, *right]),
        _ => None,
    });
    let [left, right] = calls?;
    let side = |run: &Steps, call| Side::of(&Arc::new(Detail::whole(vec![run.trace.clone()])), 0, call);
    let (left, right) = (side(&runs[0], left)?, side(&runs[1], right)?);
    Some(Begins { tools: Tools::of(Some(&left), &right), sides: [left, right] })
}

impl TwoRuns {
    fn list(&self, outline: &mut Outline<Block>) {
        let mut at = 0;
        while at < self.pairs.len() {
            let equal = self.likenesses[at..].iter().take_while(|likeness| **likeness == Likeness::Equal).count();
            let rows = if equal > FEW { at..at + equal } else { at..at + equal.max(1) };
            if equal > FEW {
                outline.push(Block::Alike(rows.clone()), ("alike", at), 1, 0);
            }
            for row in rows.clone() {
                if equal <= FEW {
                    outline.push(Block::Row(row), ("row", row), 1, 0);
                }
                // The tree's cursor is in the second run.
                if let Some(span) = self.pairs[row][1].and_then(|step| self.span(1, step)) {
                    outline.holds(span);
                }
            }
            at = rows.end;
        }
    }

    fn sides(&self) -> [&Steps; 2] {
        [&self.both[0], &self.both[1]]
    }

    fn span(&self, run: usize, step: Step) -> Option<crate::model::SpanId> {
        let trace = &self.both[run].trace;
        match step {
            Step::Asked { .. } => None,
            Step::Said { conversation, message } => Some(trace.conversations[conversation].messages[message].span),
            Step::Call(call) => Some(trace.calls[call].span),
            Step::Tool(tool) => trace.tools[tool].span,
        }
    }

    /// Where the runs part, with what is other there.
    fn divergence(&self, to: &mut Builder) {
        to.blank();
        let Some(first) = self.first else {
            let same = self.likenesses.iter().all(|likeness| *likeness == Likeness::Equal);
            let text = match (self.pairs.is_empty(), same) {
                (true, _) => "no step of either run is known",
                (false, true) => "no difference: the same steps, word by word",
                (false, false) => "no divergence: the same steps, in other words",
            };
            to.line(vec![Styled::new(text, Slot::Ok)]);
            return;
        };
        let pair = self.pairs[first];
        // What one run does beyond the other stands against what the other does next.
        let next = |run: usize| pair[run].or_else(|| self.pairs[first..].iter().find_map(|pair| pair[run]));
        let head = "first divergence: ";
        to.wrapped(0, 2, &[Styled::new(head, Slot::Warning), Styled::new(self.named([next(0), next(1)]), Slot::Title)]);
        for (run, letter) in LETTERS.into_iter().enumerate() {
            let text = next(run).map_or_else(|| "has ended".to_owned(), |step| self.brief(run, step));
            // Only among the steps a tool stands beneath its turn.
            let text = text.trim_start();
            to.wrapped(2, 4, &[Styled::new(format!("{letter} "), Slot::Accent), Styled::new(text, Slot::Text)]);
        }
        if self.likenesses[first] == Likeness::Other {
            differs::write(to, 4, self.sides(), pair);
        }
        self.prompts_part(to, first);
    }

    /// `turn 3`, or how both are called where that is not the same.
    fn named(&self, steps: Pair) -> String {
        let [left, right] = [0, 1].map(|run| steps[run].map(|step| self.name(run, step)));
        match (left, right) {
            (Some(left), Some(right)) if left == right => left,
            (Some(left), Some(right)) => format!("{left}, {right}"),
            (known, None) | (None, known) => known.unwrap_or_default(),
        }
    }

    fn name(&self, run: usize, step: Step) -> String {
        let trace = &self.both[run].trace;
        match step {
            Step::Asked { .. } => "the question".to_owned(),
            Step::Said { conversation, .. } => {
                let agent = trace.conversations[conversation].agent.as_deref().map(wrap::clean_line);
                agent.map_or_else(|| "the answer".to_owned(), |agent| format!("the answer of {agent}"))
            }
            Step::Call(call) => super::super::runs::turn(self.both[run].turns[call], &trace.calls[call]),
            Step::Tool(tool) => wrap::clean_line(&trace.tools[tool].name),
        }
    }

    /// Which message is the first that the prompts of the turns at or before a pair do not share.
    fn prompts_part(&self, to: &mut Builder, pair: usize) {
        let calls = self.pairs[..=pair].iter().rev().find_map(|pair| match pair {
            [Some(Step::Call(left)), Some(Step::Call(right))] => Some([*left, *right]),
            _ => None,
        });
        let Some([left, right]) = calls else { return };
        let (left, right) = (self.both[0].trace.sent(left), self.both[1].trace.sent(right));
        if left.is_empty() || right.is_empty() {
            return;
        }
        let equal = left.iter().zip(&right).take_while(|(left, right)| delta::is_same(left, right)).count();
        let dim = |text: String| [Styled::new(text, Slot::Dim)];
        let (Some(one), Some(other)) = (left.get(equal), right.get(equal)) else {
            if left.len() == right.len() {
                to.wrapped(2, 2, &dim("their prompts are equal up to there".to_owned()));
            }
            return;
        };
        let said = |message: &Message| {
            let text = wrap::cut(&parts::preview(&message.parts), 60);
            format!("{} \"{text}\"", message.role.as_str())
        };
        let (one, other) = if one.role == Role::System && other.role == Role::System {
            ("the system prompt".to_owned(), "another".to_owned())
        } else {
            (said(one), said(other))
        };
        let agree = match equal {
            0 => String::new(),
            1 => "prompts agree in message 1; ".to_owned(),
            _ => format!("prompts agree up to message {equal}; "),
        };
        to.wrapped(2, 2, &dim(format!("{agree}message {} is {one} against {other}", equal + 1)));
    }

    /// What both runs were given to begin with.
    fn prompts(to: &mut Builder, Begins { sides: [left, right], tools }: &Begins) {
        to.blank();
        to.rule(vec![Styled::new("── given ", Slot::MessageTurn)], vec![], Slot::MessageTurn);
        let prompt = |side: &Side| {
            let system = side.messages.iter().filter(|message| message.role == Role::System);
            system.map(|message| parts::text_of(message)).collect::<Vec<_>>().join("\n")
        };
        let (before, now) = (prompt(left), prompt(right));
        if before != now {
            let lines = diff::changed_lines(&before, &now);
            let lines = if lines == 1 { "1 line differs".to_owned() } else { format!("{lines} lines differ") };
            let head = vec![
                Styled::new("≠ ", Slot::Warning),
                Styled::new("system prompt  ", Slot::MessageSystem),
                Styled::new(lines, Slot::Dim),
            ];
            if to.fold("compare system".to_owned(), true, 0, head, vec![]) {
                diff::write(to, 4, &before, &now);
            }
        } else if !now.is_empty() {
            let line = [Styled::new("= ", Slot::Dim), Styled::new("system prompt", Slot::MessageSystem)];
            to.line([vec![parts::pad(2)], line.to_vec()].concat());
        }
        if tools.are_equal() {
            if tools.number() > 0 {
                let what = if tools.number() == 1 { "1 tool".to_owned() } else { format!("{} tools", tools.number()) };
                to.line(vec![parts::pad(2), Styled::new("= ", Slot::Dim), Styled::new(what, Slot::MessageTool)]);
            }
        } else {
            tools.write(to, Some(left), right, (false, false), "compare tools");
        }
        let parameters = delta::parameters(Some(&left.facts().parameters), &right.facts().parameters);
        let names = [left, right].map(|side| side.facts().model.as_deref().map(wrap::clean_line));
        if names[0] != names[1] {
            tools::differs(to, "model", names.map(|name| name.unwrap_or_else(|| "unknown".to_owned())));
        }
        for parameter in parameters.iter().filter(|parameter| parameter.change != delta::Change::Same) {
            let values = [parameter.before, parameter.now];
            let values = values.map(|value| value.map_or_else(|| "not set".to_owned(), json::brief));
            tools::differs(to, &wrap::clean_line(parameter.name), values);
        }
    }

    /// `= turn 1 → search_hotels 3.1s │ turn 1 → search_hotels 3.3s`: a pair of steps, which opens where they differ.
    fn row(&self, to: &mut Builder, at: usize) {
        let (pair, likeness) = (self.pairs[at], self.likenesses[at]);
        if let Some(span) = pair[1].and_then(|step| self.span(1, step)) {
            to.anchor(span);
        }
        let (mark, slot) = likeness.mark();
        let texts = [0, 1].map(|run| pair[run].map(|step| self.brief(run, step)));
        let slot_of_text = if likeness.parts() { Slot::Text } else { Slot::Dim };
        let head = |left: String, right: String| {
            vec![
                Styled::new(format!("{mark} "), slot),
                Styled::new(left, slot_of_text),
                Styled::new(right, slot_of_text),
            ]
        };
        let head = if to.width >= BESIDE {
            // Beside the marks in front and the line between them.
            let column = (to.width - 4 - 3) / 2;
            let [left, right] = texts.map(Option::unwrap_or_default);
            let left = wrap::cut(&left, column);
            let gap = " ".repeat(column - wrap::width(&left));
            head(format!("{left}{gap} │ "), wrap::cut(&right, column))
        } else {
            match texts {
                [Some(left), Some(right)] if left != right => head(left, format!(" │ {right}")),
                [left, right] => head(left.or(right).unwrap_or_default(), String::new()),
            }
        };
        if likeness == Likeness::Equal {
            let line = [vec![parts::pad(2)], head].concat();
            to.line(line);
        } else if to.fold(format!("compare row {at}"), false, 0, head, vec![]) {
            differs::write(to, 6, self.sides(), pair);
        }
    }

    /// A step in a few words: `turn 2 → book_room  3.3s`.
    fn brief(&self, side: usize, step: Step) -> String {
        let steps = &self.both[side];
        let trace = &steps.trace;
        let name = self.name(side, step);
        match step {
            Step::Asked { .. } => format!("\"{}\"", parts::first_line(&steps.text(step).unwrap_or_default())),
            Step::Said { .. } => format!("{name} \"{}\"", parts::first_line(&steps.text(step).unwrap_or_default())),
            Step::Call(at) => {
                let call = &trace.calls[at];
                let took = call
                    .ended
                    .map_or_else(String::new, |end| format!(" {}", format::duration(end.since(call.started))));
                if let Some(failure) = differs::failure(call) {
                    return format!("{name}{took} ✗ {failure}");
                }
                let called = steps.tools_of(at);
                let text = steps.text(step).unwrap_or_default();
                let does = match called.as_slice() {
                    [] if text.trim().is_empty() => String::new(),
                    [] => format!(" \"{}\"", parts::first_line(&text)),
                    [one] => format!(" → {}", wrap::clean_line(one)),
                    [one, ..] if called.iter().all(|name| name == one) => {
                        format!(" → {} ×{}", wrap::clean_line(one), called.len())
                    }
                    several => format!(" → {}", wrap::clean_line(&several.join(", "))),
                };
                format!("{name}{took}{does}")
            }
            Step::Tool(at) => {
                let run = &trace.tools[at];
                let took = match (run.started, run.ended) {
                    (Some(started), Some(ended)) => format!(" {}", format::duration(ended.since(started))),
                    _ => String::new(),
                };
                let failed = if run.status == ToolStatus::Error { " ✗" } else { "" };
                format!("  {name}{took}{failed} {}", json::brief(&run.input))
            }
        }
    }
}

impl Pane for TwoRuns {
    type Block = Block;

    fn difference(&self, block: &Block) -> Option<usize> {
        match *block {
            Block::Row(at) => (self.likenesses[at] != Likeness::Equal).then_some(0),
            // Beneath its rule.
            Block::Prompts => self.begins.as_ref().is_some_and(Begins::differs).then_some(2),
            Block::Head | Block::Divergence | Block::Figures | Block::StepsHead | Block::Alike(_) => None,
        }
    }

    fn write(&self, block: &Block, to: &mut Builder) {
        match block {
            Block::Head => {
                for (letter, run) in LETTERS.into_iter().zip(&self.both) {
                    side(to, letter, &run.trace, None);
                }
            }
            Block::Divergence => self.divergence(to),
            Block::Figures => {
                to.blank();
                figures::write(to, &self.figures);
            }
            Block::Prompts => self.begins.iter().for_each(|begins| Self::prompts(to, begins)),
            Block::StepsHead => {
                to.blank();
                to.rule(vec![Styled::new("── steps ", Slot::MessageTurn)], vec![], Slot::MessageTurn);
            }
            Block::Alike(rows) => {
                let text = format!("{} equal steps", rows.len());
                let head = vec![Styled::new("= ", Slot::Dim), Styled::new(text, Slot::Dim)];
                if to.fold(format!("compare alike {}", rows.start), false, 0, head, vec![]) {
                    rows.clone().for_each(|row| self.row(to, row));
                }
            }
            Block::Row(at) => self.row(to, *at),
        }
    }
}
