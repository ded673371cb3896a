//! The scores that Langfuse's SDKs send over their own path → OpenTelemetry's log records of evaluations (`otlp.md` 6).
//!
//! ```text
//!   [{"id": "…", "traceId": "…", "observationId": "…", "name": "accuracy", "value": 0.9, "dataType": "NUMERIC",
//!     "comment": "…", "sessionId": "…", "environment": "…"}]            from Python's SDK 5 on; one alone without a list
//!   {"batch": [{"id": "…", "type": "score-create", "timestamp": "2026-11-29T10:00:00Z",
//!               "body": {…}}]}                                           older ones, as events among others
//! ```

use std::sync::Arc;

use super::{Malformed, encode};
use crate::model::{Attributes, LogRecord, Project, Resource, Scope, SpanId, Timestamp, TraceId, Value, json};

/// The scores of a body.
pub struct Scores {
    /// The scores as an `ExportLogsServiceRequest` in protobuf.
    pub request: Vec<u8>,
    /// What answers the sender, as JSON: what was taken, and what was not and why.
    pub reply: Vec<u8>,
    /// The HTTP status of that answer.
    pub status: u16,
    /// How many scores there are.
    pub taken: usize,
}

/// Most scores of a body; SDKs send some hundred.
const MOST: usize = 10_000;

/// Reads scores: events in a batch, a list, or one alone.
///
/// # Errors
/// [`Malformed`] if the body is no JSON, or none of these.
pub fn scores(project: &Project, body: &[u8]) -> Result<Scores, Malformed> {
    let body = json::parse_bytes(body)?;
    let events = body.get("batch").and_then(Value::as_array);
    if events.or(body.as_array()).is_some_and(|list| list.len() > MOST) {
        return Err(Malformed::Shape { what: "batch", found: "too long", wanted: "at most 10000 scores" });
    }
    let sent: Vec<(&Value, Result<Score, &'static str>)> = match (events, body.as_array()) {
        (Some(events), _) => events.iter().map(|event| (event, of_event(event))).collect(),
        (None, Some(list)) => list.iter().map(|score| (score, score_of(score, score.str("timestamp")))).collect(),
        (None, None) if body.get("name").is_some() => vec![(&body, score_of(&body, body.str("timestamp")))],
        _ => return Err(Malformed::Shape { what: "batch", found: "missing", wanted: "a list of scores" }),
    };
    let resource = Arc::<Resource>::default();
    let made_by = Arc::new(Scope { name: LogRecord::SCORED_BY.to_owned(), ..Scope::default() });
    let (mut records, mut successes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let entry = |key: &str, value: Value| (key.to_owned(), value);
    for (of, score) in sent {
        let id = of.get("id").cloned().unwrap_or_default();
        match score {
            Ok(score) => {
                successes.push(Value::Map(vec![entry("id", id), entry("status", Value::Int(201))]));
                records.push(score.record(project, &resource, &made_by));
            }
            Err(why) => {
                let status = entry("status", Value::Int(400));
                errors.push(Value::Map(vec![entry("id", id), status, entry("message", why.into())]));
            }
        }
    }
    let count = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let (status, reply) = if events.is_some() {
        (207, vec![entry("successes", Value::Array(successes)), entry("errors", Value::Array(errors))])
    } else if !errors.is_empty() {
        let counts = vec![entry("accepted", count(records.len())), entry("rejected", count(errors.len()))];
        (207, counts.into_iter().chain([entry("errors", Value::Array(errors))]).collect())
    } else if body.as_array().is_some() {
        (202, vec![entry("message", "Accepted".into())])
    } else {
        (200, vec![entry("id", body.get("id").cloned().unwrap_or_default())])
    };
    Ok(Scores {
        request: encode::logs_proto(&records),
        reply: json::to_string(&Value::Map(reply)).into_bytes(),
        status,
        taken: records.len(),
    })
}

/// One score, where it belongs and what it says.
struct Score {
    trace: Option<TraceId>,
    span: Option<SpanId>,
    /// When it was given; `None` if its sender does not say that.
    at: Option<Timestamp>,
    attributes: Vec<(String, Value)>,
}

impl Score {
    /// Its record. A time that its sender does not say is that of its arrival, and is also the one when it was observed:
    /// by that [`LogRecord::is_timed_on_arrival`] knows it.
    fn record(self, project: &Project, resource: &Arc<Resource>, scope: &Arc<Scope>) -> LogRecord {
        let now = Timestamp::now();
        let (at, observed) = self.at.map_or((now, now), |at| (at, Timestamp::default()));
        LogRecord {
            project: project.clone(),
            trace: self.trace,
            span: self.span,
            flags: 0,
            at,
            observed,
            severity: 9,
            severity_text: String::new(),
            name: "gen_ai.evaluation.result".to_owned(),
            body: Value::Null,
            attributes: Attributes::new(self.attributes),
            dropped_attributes: 0,
            scope: Arc::clone(scope),
            resource: Arc::clone(resource),
        }
    }
}

/// Reads an event, or says why it is not taken.
fn of_event(event: &Value) -> Result<Score, &'static str> {
    if event.str("type") != Some("score-create") {
        return Err("only scores are taken here; spans are sent over OTLP");
    }
    score_of(event.get("body").ok_or("the score has no body")?, event.str("timestamp"))
}

/// Reads a score that was given at a moment, or says why it is not taken.
fn score_of(body: &Value, moment: Option<&str>) -> Result<Score, &'static str> {
    let text = |key: &str| body.get(key).filter(|value| !value.is_empty()).map(Value::to_text);
    let name = text("name").ok_or("the score has no name")?;
    let session = text("sessionId");
    let trace = text("traceId");
    // Older SDKs have UUIDs for ids, with hyphens.
    let trace_id = trace.as_deref().and_then(|id| id.replace('-', "").parse::<TraceId>().ok());
    if trace.is_some() && trace_id.is_none() {
        return Err("traceId is no trace id of 32 hexadecimal digits");
    }
    if trace_id.is_none() && session.is_none() {
        return Err("the score names no trace and no session");
    }
    let span = text("observationId").and_then(|id| id.parse::<SpanId>().ok()).filter(|_| trace_id.is_some());
    let value = body.get("value").ok_or("the score has no value")?;
    let kind = body.str("dataType").unwrap_or_default();
    let said = value.as_str().map(str::to_owned);
    let is_text = matches!(kind, "TEXT" | "CORRECTION");
    let comment = text("comment");
    let (label, comment) = match said {
        Some(said) if is_text && comment.is_none() => (None, Some(said)),
        said => (said, comment),
    };
    let number = value.as_number().or_else(|| value.as_bool().map(|yes| if yes { 1.0 } else { 0.0 }));
    let number = number.filter(|number| number.is_finite());
    let as_boolean = number.filter(|_| kind == "BOOLEAN").map(|number| (number > 0.0).to_string());
    let label = label.or(as_boolean);
    let scope = match (trace_id, span) {
        (Some(_), Some(_)) => None,
        (Some(_), None) => Some("trace".to_owned()),
        (None, _) => Some("session".to_owned()),
    };
    let texts = [
        ("gen_ai.evaluation.name", Some(name)),
        ("gen_ai.evaluation.score.label", label),
        ("gen_ai.evaluation.explanation", comment),
        ("gen_ai.evaluation.id", text("id")),
        ("gen_ai.evaluation.scope", scope),
        ("session.id", session),
        ("langfuse.environment", text("environment")),
    ];
    let mut attributes: Vec<_> =
        texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::String(text?)))).collect();
    attributes.extend(number.map(|number| ("gen_ai.evaluation.score.value".to_owned(), Value::Double(number))));
    let moment = moment.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let at = moment.and_then(|moment| u64::try_from(moment.as_nanosecond()).ok());
    Ok(Score { trace: trace_id, span, at: at.map(Timestamp), attributes })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::decode::{Encoding, logs};

    fn taken(batch: &str) -> (Vec<LogRecord>, String) {
        let scores = scores(&Project::default(), format!(r#"{{"batch":[{batch}]}}"#).as_bytes()).unwrap();
        let decoded = logs(&Project::default(), &Bytes::from(scores.request), Encoding::Protobuf).unwrap();
        let records: Vec<_> = decoded.items.into_iter().map(|received| received.item).collect();
        assert_eq!(records.len(), scores.taken);
        (records, String::from_utf8(scores.reply).unwrap())
    }

    fn event(body: &str) -> String {
        format!(r#"{{"id":"e1","type":"score-create","timestamp":"1970-01-01T00:00:02Z","body":{body}}}"#)
    }

    #[test]
    fn a_score_is_a_record_of_what_it_judges() {
        let ids = r#""traceId":"abcdef1234567890abcdef1234567890","observationId":"abcdef1234567890""#;
        let (records, reply) = taken(&event(&format!(
            r#"{{"id":"s1","name":"accuracy","value":0.92,"dataType":"NUMERIC","comment":"good",{ids}}}"#
        )));
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!(record.span.unwrap().to_string(), "abcdef1234567890");
        assert_eq!((record.name.as_str(), record.at), ("gen_ai.evaluation.result", Timestamp(2_000_000_000)));
        assert_eq!(record.attributes.get("gen_ai.evaluation.score.value"), Some(&Value::Double(0.92)));
        assert_eq!(record.attributes.str("gen_ai.evaluation.explanation"), Some("good"));
        assert_eq!(reply, r#"{"successes":[{"id":"e1","status":201}],"errors":[]}"#);
    }

    #[test]
    fn a_list_of_scores_and_one_alone_are_taken_too() {
        let of = |body: &str| {
            let scores = scores(&Project::default(), body.as_bytes()).unwrap();
            (scores.taken, scores.status, String::from_utf8(scores.reply).unwrap())
        };
        let score = r#"{"id":"s","name":"a","value":1,"traceId":"abcdef1234567890abcdef1234567890"}"#;
        assert_eq!(of(&format!("[{score}]")), (1, 202, r#"{"message":"Accepted"}"#.to_owned()));
        assert_eq!(of(score), (1, 200, r#"{"id":"s"}"#.to_owned()));
        let (taken, status, reply) = of(&format!(r#"[{score},{{"name":"b","value":1}}]"#));
        assert_eq!((taken, status), (1, 207));
        assert!(reply.starts_with(r#"{"accepted":1,"rejected":1,"errors":[{"id":null,"#), "{reply}");
    }

    #[test]
    fn categories_booleans_and_texts_are_labels_and_reasons() {
        let trace = r#""traceId":"abcdef12-3456-7890-abcd-ef1234567890","name":"a""#;
        let said = |rest: &str| {
            let (records, _) = taken(&event(&format!("{{{trace},{rest}}}")));
            let of = |key: &str| records[0].attributes.get(&format!("gen_ai.evaluation.{key}")).map(Value::to_text);
            assert_eq!(of("scope").as_deref(), Some("trace"));
            [of("score.value"), of("score.label"), of("explanation")].map(Option::unwrap_or_default)
        };
        assert_eq!(said(r#""value":"positive","dataType":"CATEGORICAL""#), ["", "positive", ""]);
        assert_eq!(said(r#""value":1,"dataType":"BOOLEAN""#), ["1.0", "true", ""]);
        assert_eq!(said(r#""value":"Better so.","dataType":"TEXT""#), ["", "", "Better so."]);
    }

    #[test]
    fn what_is_no_score_is_answered_with_why() {
        let trace = r#"{"id":"e2","type":"trace-create","body":{"id":"t"}}"#;
        let (records, reply) = taken(&format!("{trace},{}", event(r#"{"name":"a","value":1}"#)));
        assert!(records.is_empty());
        assert!(reply.contains(r#"{"id":"e2","status":400,"message":"only scores"#), "{reply}");
        assert!(reply.contains("no trace and no session"), "{reply}");
        assert!(scores(&Project::default(), b"{}").is_err() && scores(&Project::default(), b"{").is_err());
    }
}
