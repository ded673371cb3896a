//! Scores that somebody gave what a span did: OpenTelemetry's event `gen_ai.evaluation.result`.

use super::errors::EVALUATION;
use crate::model::{Attributes, Evaluation, LogRecord, Timestamp, Value};

/// The name of the records that hold one, as it is stored.
pub const RECORD: &str = EVALUATION;

/// The evaluation that a log record holds; `None` for any other record, and for one that names no score and no reason.
#[must_use]
pub fn of_record(record: &LogRecord) -> Option<Evaluation> {
    if record.name != RECORD {
        return None;
    }
    let evaluation = read(&record.attributes)?;
    Some(Evaluation { span: record.span, at: record.time(), ..evaluation })
}

/// An evaluation by its attributes, without what it judges.
fn read(attributes: &Attributes) -> Option<Evaluation> {
    let text = |key: &str| attributes.str(key).map(str::to_owned);
    let evaluation = Evaluation {
        span: None,
        at: Timestamp::default(),
        name: text("gen_ai.evaluation.name").unwrap_or_else(|| "evaluation".to_owned()),
        score: attributes.get("gen_ai.evaluation.score.value").and_then(Value::as_number),
        label: text("gen_ai.evaluation.score.label"),
        explanation: text("gen_ai.evaluation.explanation"),
        failure: text("error.type"),
    };
    let Evaluation { score, label, explanation, failure, .. } = &evaluation;
    let says = score.is_some() || label.is_some() || explanation.is_some() || failure.is_some();
    says.then_some(evaluation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_read_and_one_that_says_nothing_is_none() {
        let read = |attributes: &[(&str, Value)]| {
            read(&attributes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        let evaluation = read(&[
            ("gen_ai.evaluation.name", Value::from("accuracy")),
            ("gen_ai.evaluation.score.value", Value::Double(0.5)),
            ("gen_ai.evaluation.explanation", Value::from("Correct.")),
        ]);
        let evaluation = evaluation.unwrap();
        assert_eq!((evaluation.name.as_str(), evaluation.score), ("accuracy", Some(0.5)));
        assert_eq!(evaluation.explanation.as_deref(), Some("Correct."));
        assert_eq!(read(&[("gen_ai.evaluation.name", Value::from("empty"))]), None);
    }
}
