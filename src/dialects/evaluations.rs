//! Scores that somebody gave what a span, a trace or a session did (`facts.md` 9).
//!
//! ```text
//!   event gen_ai.evaluation.result     OpenTelemetry's: a log record that names a span, or an event of the span
//!   gen_ai.evaluation.* of a span      the same on a span, mostly one that was made for it
//!   annotations.0.annotation.*         OpenInference's on any span, also `evaluations.0.evaluation.*`; with `trace.` or
//!                                      `session.` before it of the whole trace or session
//! ```
//!
//! A span that was made afterwards, to carry the score of another that had ended, has one link, to that other one.
//! What it carries becomes a log record of the other span, as if that had been sent: it belongs into the other's trace.

use super::{errors::EVALUATION, indexed};
use crate::model::{
    Attributes, Category, Evaluation, Judged, LogRecord, Source, Span, SpanId, Timestamp, TraceId, Translation, Value,
};

/// The attribute of a log record that was made of a span, with that span's id: it was not sent.
const CARRIER: &str = "evaluation.carrier.span_id";

/// Beginnings of the keys of lists of evaluations, the name of an item's object, and what it judges.
const LISTS: &[(&str, &str, Judged)] = &[
    ("annotations.", "annotation", Judged::Span),
    ("evaluations.", "evaluation", Judged::Span),
    ("trace.annotations.", "annotation", Judged::Trace),
    ("trace.evaluations.", "evaluation", Judged::Trace),
    ("session.annotations.", "annotation", Judged::Session),
    ("session.evaluations.", "evaluation", Judged::Session),
];

const NAME: &str = "gen_ai.evaluation.name";

/// The evaluations that a span or log record holds.
pub fn of(source: &Source) -> Vec<Evaluation> {
    let attributes = source.attributes;
    if source.is_log() {
        return if source.name == EVALUATION { one(attributes, source.at).into_iter().collect() } else { Vec::new() };
    }
    let events = source.events.iter().filter(|event| event.name == EVALUATION);
    let mut found: Vec<Evaluation> = events.filter_map(|event| one(&event.attributes, event.at)).collect();
    if attributes.has(NAME) {
        found.extend(one(attributes, source.at));
    }
    for (prefix, object, judged) in LISTS {
        let list = if attributes.has_prefix(prefix) { indexed::tree(attributes, prefix) } else { None };
        for item in list.as_ref().and_then(Value::as_array).unwrap_or_default() {
            let item = item.get(object).unwrap_or(item);
            found.extend(listed(item, *judged, source.at).filter(|evaluation| !is_known(&found, evaluation)));
        }
    }
    found
}

/// Whether the same was sent in the other terms already.
fn is_known(found: &[Evaluation], other: &Evaluation) -> bool {
    // What one of them does not say agrees with what the other says.
    let agree = |left: &Option<String>, right: &Option<String>| left.is_none() || right.is_none() || left == right;
    found.iter().any(|of| {
        of.judged == other.judged
            && of.score.map(f64::to_bits) == other.score.map(f64::to_bits)
            && of.name == other.name
            && of.label == other.label
            && agree(&of.judge, &other.judge)
            && agree(&of.id, &other.id)
            && agree(&of.explanation, &other.explanation)
    })
}

/// The evaluation in OpenTelemetry's attributes; `None` where they say nothing.
fn one(attributes: &Attributes, at: Timestamp) -> Option<Evaluation> {
    let text = |key: &str| attributes.str(key).map(str::to_owned);
    let judge = text("gen_ai.evaluation.annotator_kind").or_else(|| text("gen_ai.evaluation.evaluator.type"));
    says_something(Evaluation {
        judged: match attributes.str("gen_ai.evaluation.scope") {
            Some("trace") => Judged::Trace,
            Some("session") => Judged::Session,
            _ => Judged::Span,
        },
        span: None,
        at,
        name: text(NAME).unwrap_or_else(|| "evaluation".to_owned()),
        score: attributes.get("gen_ai.evaluation.score.value").and_then(number),
        label: text("gen_ai.evaluation.score.label"),
        explanation: text("gen_ai.evaluation.explanation"),
        failure: text("error.type"),
        judge: judge.map(|judge| judge.to_lowercase()),
        id: text("gen_ai.evaluation.id"),
    })
}

/// An item of one of [`LISTS`]; `None` where it says nothing.
fn listed(item: &Value, judged: Judged, at: Timestamp) -> Option<Evaluation> {
    let text = |key: &str| item.get(key).filter(|value| !value.is_empty()).map(Value::to_text);
    says_something(Evaluation {
        judged,
        span: None,
        at,
        name: text("name")?,
        score: item.get("score").and_then(number),
        label: text("label"),
        explanation: text("explanation"),
        failure: None,
        judge: text("annotator_kind").map(|judge| judge.to_lowercase()),
        id: text("identifier"),
    })
}

/// A score that is a number; a boolean is 1 or 0.
fn number(value: &Value) -> Option<f64> {
    value
        .as_number()
        .or_else(|| value.as_bool().map(|yes| if yes { 1.0 } else { 0.0 }))
        .filter(|score| score.is_finite())
}

fn says_something(evaluation: Evaluation) -> Option<Evaluation> {
    let Evaluation { score, label, explanation, failure, .. } = &evaluation;
    let says = score.is_some() || label.is_some() || explanation.is_some() || failure.is_some();
    says.then_some(evaluation)
}

/// Takes out of a span's translation what it says of another span, and makes log records of that one of it.
///
/// That is so where the span has one link and does no work of its own, as of a model or a tool: other spans have links
/// to what caused them, and judge themselves.
pub fn of_others(span: &Span, translation: &mut Translation) -> Vec<LogRecord> {
    let carries = matches!(translation.genai.category, Category::Evaluator | Category::Span | Category::Chain);
    let [link] = span.links.as_slice() else { return Vec::new() };
    if translation.evaluations.is_empty() || !carries {
        return Vec::new();
    }
    let (Ok(trace), Ok(judged)) = (TraceId::from_bytes(&link.trace), SpanId::from_bytes(&link.span)) else {
        return Vec::new();
    };
    if (trace, judged) == (span.trace, span.id) {
        return Vec::new();
    }
    let is_of_other = |evaluation: &Evaluation| evaluation.judged != Judged::Session;
    let (others, own) = std::mem::take(&mut translation.evaluations).into_iter().partition(is_of_other);
    translation.evaluations = own;
    let others: Vec<Evaluation> = others;
    others.into_iter().map(|evaluation| record(span, trace, judged, evaluation)).collect()
}

/// OpenTelemetry's record of an evaluation that a span carries of another.
fn record(carrier: &Span, trace: TraceId, span: SpanId, evaluation: Evaluation) -> LogRecord {
    let Evaluation { judged, at, name, score, label, explanation, failure, judge, id, span: _ } = evaluation;
    let mut attributes =
        vec![(NAME.to_owned(), Value::String(name)), (CARRIER.to_owned(), carrier.id.to_string().into())];
    attributes.extend(score.map(|score| ("gen_ai.evaluation.score.value".to_owned(), Value::Double(score))));
    let texts = [
        ("gen_ai.evaluation.score.label", label),
        ("gen_ai.evaluation.explanation", explanation),
        ("error.type", failure),
        ("gen_ai.evaluation.annotator_kind", judge),
        ("gen_ai.evaluation.id", id),
    ];
    attributes.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::String(text?)))));
    LogRecord {
        project: carrier.project.clone(),
        trace: Some(trace),
        span: (judged == Judged::Span).then_some(span),
        flags: 0,
        at: carrier.ended.or(at.known()).unwrap_or(carrier.started),
        observed: Timestamp::default(),
        severity: 9,
        severity_text: String::new(),
        name: EVALUATION.to_owned(),
        body: Value::Null,
        attributes: Attributes::new(attributes),
        dropped_attributes: 0,
        scope: carrier.scope.clone(),
        resource: carrier.resource.clone(),
    }
}

/// Whether a log record was made of a span, which an import makes again.
#[must_use]
pub fn is_made(record: &LogRecord) -> bool {
    record.name == EVALUATION && record.attributes.has(CARRIER)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::sample::Sample;
    use super::*;
    use crate::model::Link;

    fn scores(sample: Sample) -> Vec<(String, Option<f64>, Option<String>, Judged)> {
        let found = sample.translate().evaluations;
        found.into_iter().map(|of| (of.name, of.score, of.label, of.judged)).collect()
    }

    #[test]
    fn a_record_and_an_event_of_a_span_are_read_and_what_says_nothing_is_none() {
        let name = [("gen_ai.evaluation.name", "accuracy")];
        let said = [name[0], ("gen_ai.evaluation.score.label", "pass")];
        let expected = vec![("accuracy".to_owned(), None, Some("pass".to_owned()), Judged::Span)];
        assert_eq!(scores(Sample::log(EVALUATION, "null").with(&said)), expected);
        assert_eq!(scores(Sample::span("chat").event(EVALUATION, &said)), expected);
        assert_eq!(scores(Sample::span("score").with(&said)), expected);
        assert_eq!(scores(Sample::log(EVALUATION, "null").with(&name)), []);
        assert_eq!(scores(Sample::log("other", "null").with(&said)), []);
        let score = Sample::log(EVALUATION, "null").with(&name).typed("gen_ai.evaluation.score.value", "0.5");
        assert_eq!(scores(score)[0].1, Some(0.5));
        // It is no message, and no failure of the span.
        let read = Sample::span("chat").event(EVALUATION, &[("error.type", "Timeout"), name[0]]).translate();
        assert_eq!(
            (read.error, read.readings.len(), read.evaluations[0].failure.as_deref()),
            (None, 0, Some("Timeout"))
        );
    }

    #[test]
    fn annotations_are_read_in_both_terms_and_of_all_scopes() {
        let sample = Sample::span("agent")
            .with(&[
                ("annotations.0.annotation.name", "hallucination"),
                ("annotations.0.annotation.label", "hallucinated"),
                ("annotations.0.annotation.annotator_kind", "LLM"),
                ("evaluations.0.evaluation.name", "hallucination"),
                ("evaluations.0.evaluation.label", "hallucinated"),
                ("trace.annotations.0.annotation.name", "retrieval"),
                ("session.evaluations.0.evaluation.name", "tone"),
                ("session.evaluations.0.evaluation.explanation", "kind"),
                ("annotations.1.annotation.name", "says nothing"),
            ])
            .typed("trace.annotations.0.annotation.score", "0.92");
        let read = sample.translate().evaluations;
        let found: Vec<_> = read.iter().map(|of| (of.name.as_str(), of.judged, of.score)).collect();
        let expected = [
            ("hallucination", Judged::Span, None),
            ("retrieval", Judged::Trace, Some(0.92)),
            ("tone", Judged::Session, None),
        ];
        assert_eq!(found, expected);
        assert_eq!(read[0].judge.as_deref(), Some("llm"));
    }

    #[test]
    fn what_a_span_carries_of_another_becomes_a_record_of_that() {
        let ids = |of: u8| (TraceId::from_bytes(&[of; 16]).unwrap(), SpanId::from_bytes(&[of; 8]).unwrap());
        let ((trace, id), (other_trace, other)) = (ids(1), ids(2));
        let evaluations = [Judged::Span, Judged::Trace, Judged::Session].map(|judged| Evaluation {
            judged,
            name: "a".into(),
            score: Some(1.0),
            ..Evaluation::default()
        });
        let link = Link {
            trace: vec![2; 16],
            span: vec![2; 8],
            trace_state: String::new(),
            flags: 0,
            attributes: Attributes::default(),
            dropped_attributes: 0,
        };
        let span = Span {
            project: crate::model::Project::default(),
            trace,
            id,
            parent: None,
            flags: 0,
            trace_state: String::new(),
            name: "score".into(),
            kind: crate::model::SpanKind::default(),
            status: crate::model::Status::default(),
            started: Timestamp(1),
            ended: Some(Timestamp(2)),
            attributes: Attributes::default(),
            events: Vec::new(),
            links: vec![link.clone()],
            dropped: crate::model::Dropped::default(),
            scope: Arc::default(),
            resource: Arc::default(),
            synthetic: false,
        };
        let translation = Translation { evaluations: evaluations.to_vec(), ..Translation::default() };
        let mut carried = translation.clone();
        let made = of_others(&span, &mut carried);
        assert_eq!(carried.evaluations, evaluations[2..]);
        let places: Vec<_> = made.iter().map(|record| (record.trace, record.span)).collect();
        assert_eq!(places, [(Some(other_trace), Some(other)), (Some(other_trace), None)]);
        assert!(made.iter().all(is_made));
        let read = super::super::translate(&Source::from(&made[0])).evaluations;
        assert_eq!((read[0].score, read[0].name.as_str()), (Some(1.0), "a"));
        // A model call with a link judges itself, and so does a span with two.
        let mut call = translation.clone();
        call.genai.category = Category::Llm;
        assert!(of_others(&span, &mut call).is_empty());
        let two = Span { links: vec![link.clone(), link], ..span };
        assert!(of_others(&two, &mut translation.clone()).is_empty());
    }
}
