//! The scores that somebody gave a step, or the whole run.
//!
//! ```text
//!   ◇ relevance  0.9 pass      Answers what was asked.
//!   ◇ toxicity   ✗ Timeout     The judge did not answer.
//! ```

use super::super::build::Builder;
use super::super::hash::{HashMap, HashSet};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Evaluation, Node, SpanId};
use crate::slots::Slot;

/// A column of labels is no wider.
const LABEL: usize = 16;

/// How many evaluations there are of each span.
pub fn numbers(trace: &AssembledTrace) -> HashMap<SpanId, usize> {
    let mut numbers = HashMap::default();
    for span in trace.evaluations.iter().filter_map(|evaluation| evaluation.span) {
        *numbers.entry(span).or_insert(0) += 1;
    }
    numbers
}

/// The evaluations of a call, or where `span` is `None` of all that takes no turn.
pub fn of(trace: &AssembledTrace, span: Option<SpanId>) -> Vec<&Evaluation> {
    let all = trace.evaluations.iter();
    if let Some(span) = span {
        return all.filter(|evaluation| evaluation.span == Some(span)).collect();
    }
    let calls: HashSet<SpanId> =
        trace.calls.iter().filter(|call| call.category.takes_turns()).map(|call| call.span).collect();
    all.filter(|evaluation| !evaluation.span.is_some_and(|span| calls.contains(&span))).collect()
}

/// Writes evaluations, each on a line with its reason behind it. `about`: what each judges is named.
pub fn write(to: &mut Builder, trace: &AssembledTrace, evaluations: &[&Evaluation], about: bool) {
    to.gap();
    let names = evaluations.iter().map(|evaluation| wrap::width(&wrap::clean_line(&evaluation.name)));
    let widest = names.max().unwrap_or(0).min(to.width / 3);
    let judged: HashSet<SpanId> = evaluations.iter().filter_map(|of| of.span.filter(|_| about)).collect();
    let nodes = trace.tree.nodes.iter().filter(|node| !judged.is_empty() && judged.contains(&node.id));
    let nodes: HashMap<SpanId, &Node> = nodes.map(|node| (node.id, node)).collect();
    let scores: Vec<String> = evaluations.iter().map(|of| of.score.map(format::score).unwrap_or_default()).collect();
    let labels: Vec<String> =
        evaluations.iter().map(|of| of.label.as_deref().map(wrap::clean_line).unwrap_or_default()).collect();
    // Those of one turn stand in columns; a label that is a sentence is in none.
    let column = |texts: &[String]| texts.iter().map(|text| wrap::width(text)).max().unwrap_or(0);
    let (score_column, label_column) = (column(&scores), column(&labels).min(LABEL));
    let cell = |text: &str, column: usize| match column {
        0 => String::new(),
        _ => format!("{text}{} ", " ".repeat(column.saturating_sub(wrap::width(text)))),
    };
    for ((evaluation, score), label) in evaluations.iter().zip(&scores).zip(&labels) {
        let Evaluation { name, explanation, failure, .. } = evaluation;
        let name = wrap::cut(&wrap::clean_line(name), widest);
        let gap = " ".repeat(widest - wrap::width(&name) + 2);
        let mut texts = vec![Styled::new("◇ ", Slot::Accent), Styled::new(format!("{name}{gap}"), Slot::Text)];
        // Where there is neither, why stands in their place.
        if failure.is_none() || !(score.is_empty() && label.is_empty()) {
            texts.push(Styled::new(cell(score, score_column), Slot::JsonNumber));
            texts.push(Styled::new(cell(label, label_column), Slot::JsonString));
        }
        let failure = failure.as_ref().map(|failure| format!("✗ {} ", wrap::clean_line(failure)));
        texts.extend(failure.map(|failure| Styled::new(failure, Slot::Warning)));
        texts.extend(explanation.as_ref().map(|why| Styled::new(format!(" {}", wrap::clean_line(why)), Slot::Dim)));
        let node = evaluation.span.and_then(|span| nodes.get(&span));
        let of = node.map(|node| Styled::new(format!("  of {}", crate::app::step::called(node)), Slot::Dim));
        texts.extend(of);
        to.wrapped(2, 2, &texts);
    }
}
