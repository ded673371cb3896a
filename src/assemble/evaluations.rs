//! The scores that the spans and log records of a trace hold, each once.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use super::span_digest::SpanDigest;
use crate::model::{Evaluation, Judged, Score, SpanId, TraceRows};

/// The evaluations of a trace by time. Those that say the same are one, and of those with one id the newest stays.
pub fn of(rows: &TraceRows) -> Vec<Evaluation> {
    let spans = rows.spans.iter().map(|row| (Some(row.id), &row.translation));
    let logs = rows.logs.iter().map(|row| (row.span, &row.translation));
    let mut found: Vec<Evaluation> = Vec::new();
    for (span, translation) in spans.chain(logs) {
        found.extend(translation.evaluations.iter().map(|evaluation| of_span(evaluation, span)));
    }
    newest(found)
}

/// What lists show of the evaluations that the digests of a trace hold.
pub fn score(digests: &[&SpanDigest]) -> Option<Score> {
    let held = |digest: &&SpanDigest| {
        let evaluations = digest.facts.as_deref().map_or(&[][..], |facts| &facts.evaluations);
        evaluations.iter().map(|evaluation| of_span(evaluation, digest.span)).collect::<Vec<_>>()
    };
    together(digests.iter().flat_map(held).collect())
}

/// What lists show of some evaluations of one trace, or of one session.
pub fn together(evaluations: Vec<Evaluation>) -> Option<Score> {
    /// More names of what was judged than this say no more.
    const NAMES: usize = 64;
    let found = newest(evaluations);
    let number = found.iter().filter_map(|evaluation| evaluation.score).min_by(f64::total_cmp);
    let mut labels = found.iter().rev().filter_map(|evaluation| evaluation.label.as_ref());
    let last = labels.clone().next().filter(|_| number.is_none());
    let label = labels.find(|label| Score::says_failed(label)).or(last).cloned();
    let judged = found.iter().filter(|evaluation| evaluation.score.is_some() || evaluation.label.is_some());
    let names: BTreeSet<&str> = judged.map(|evaluation| evaluation.name.as_str()).collect();
    Score::of(number, label, names.into_iter().take(NAMES).map(|name| name.replace(['\n', '\r'], " ")).collect())
}

/// An evaluation with the span that it judges, where it came with that span.
fn of_span(evaluation: &Evaluation, span: Option<SpanId>) -> Evaluation {
    Evaluation { span: span.filter(|_| evaluation.judged == Judged::Span), ..evaluation.clone() }
}

/// Those that say the same are one, and of those with one id the newest stays.
fn newest(mut found: Vec<Evaluation>) -> Vec<Evaluation> {
    found.sort_by(order);
    found.dedup();
    let mut known = HashSet::new();
    let mut is_newest = |of: &Evaluation| {
        let id = of.id.as_ref();
        id.is_none_or(|id| known.insert((of.judged == Judged::Session, of.span, of.name.clone(), id.clone())))
    };
    let mut newest: Vec<Evaluation> = found.into_iter().rev().filter(|of| is_newest(of)).collect();
    newest.reverse();
    newest
}

fn texts(of: &Evaluation) -> [&Option<String>; 5] {
    [&of.label, &of.explanation, &of.failure, &of.judge, &of.id]
}

/// By time, then by all that they say, so that the order of arrival decides nothing.
fn order(left: &Evaluation, right: &Evaluation) -> Ordering {
    let score = |of: &Evaluation| of.score.unwrap_or(f64::NEG_INFINITY);
    (left.at, left.span, &left.name)
        .cmp(&(right.at, right.span, &right.name))
        .then_with(|| f64::total_cmp(&score(left), &score(right)))
        .then_with(|| texts(left).cmp(&texts(right)))
        .then_with(|| (left.judged as u8).cmp(&(right.judged as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, TraceId, Translation};
    use std::sync::Arc;

    /// A record of the trace that holds these evaluations.
    fn record(evaluations: &[Evaluation]) -> crate::model::LogRow {
        let translation = Translation { evaluations: evaluations.to_vec(), ..Translation::default() };
        crate::model::LogRow {
            trace: None,
            span: crate::model::SpanId::from_bytes(&[7; 8]).ok(),
            at: Timestamp(1),
            position: 0,
            name: String::new(),
            severity: 0,
            severity_text: String::new(),
            text: String::new(),
            translation: Arc::new(translation),
        }
    }

    #[test]
    fn each_is_there_once_the_newest_of_one_id_and_that_of_a_trace_judges_no_span() {
        let score = |at, name: &str, score, id: Option<&str>| Evaluation {
            at: Timestamp(at),
            name: name.into(),
            score: Some(score),
            id: id.map(str::to_owned),
            ..Evaluation::default()
        };
        let whole = Evaluation { judged: Judged::Trace, ..score(9, "tone", 1.0, None) };
        let (first, second) = (score(2, "accuracy", 0.1, Some("a")), score(3, "accuracy", 0.9, Some("a")));
        let other = score(2, "accuracy", 0.5, Some("b"));
        let logs = vec![
            record(&[whole.clone(), second.clone()]),
            record(&[first.clone(), other.clone()]),
            record(std::slice::from_ref(&whole)),
        ];
        let trace = TraceId::from_bytes(&[1; 16]).unwrap();
        let mut rows = TraceRows { logs, ..TraceRows::empty(trace) };
        let found = of(&rows);
        let shown: Vec<_> = found.iter().map(|of| (of.name.as_str(), of.score, of.span.is_some())).collect();
        assert_eq!(shown, [("accuracy", Some(0.5), true), ("accuracy", Some(0.9), true), ("tone", Some(1.0), false)]);
        rows.logs.reverse();
        assert_eq!(of(&rows), found);
    }
}
