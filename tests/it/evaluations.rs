//! Scores that different senders give, in whatever way they send them, stand at what they judge.

use serde_json::{Value, json};
use sideseat_tui::decode::{self, Encoding, Signal};
use sideseat_tui::model::{Answer, Detail, Judged, Project, Query, Subject, TraceId};
use sideseat_tui::store::{Place, Store};

use crate::replay::{prices, send_as};

const TRACE: &str = "abababababababababababababababab";
const CALL: &str = "2222222222222222";

/// Attributes of OTLP/JSON: texts, and numbers as doubles.
fn attributes(pairs: &Value) -> Value {
    let pairs = pairs.as_object().unwrap().iter();
    let value = |value: &Value| match value {
        Value::String(text) => json!({ "stringValue": text }),
        number => json!({ "doubleValue": number }),
    };
    pairs.map(|(key, given)| json!({ "key": key, "value": value(given) })).collect()
}

fn span(trace: &str, id: &str, name: &str, given: &Value, more: &Value) -> Value {
    let mut span = json!({
        "traceId": trace, "spanId": id, "name": name, "attributes": attributes(given),
        "startTimeUnixNano": "1000000000", "endTimeUnixNano": "2000000000",
    });
    span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "resourceSpans": [{ "scopeSpans": [{ "scope": { "name": "judge" }, "spans": [span] }] }] })
}

fn call() -> Value {
    let given = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
        "annotations.0.annotation.name": "hallucination", "annotations.0.annotation.label": "grounded",
        "trace.annotations.0.annotation.name": "retrieval", "trace.annotations.0.annotation.score": 0.92,
    });
    let relevance = json!({ "gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.8 });
    let event = json!({ "name": "gen_ai.evaluation.result", "attributes": attributes(&relevance) });
    span(TRACE, CALL, "chat gpt-4o", &given, &json!({ "events": [event] }))
}

/// A span that judges another one, which had ended.
fn carrier() -> Value {
    let given = json!({
        "openinference.span.kind": "EVALUATOR", "evaluations.0.evaluation.name": "faithful",
        "evaluations.0.evaluation.label": "yes", "evaluations.0.evaluation.annotator_kind": "HUMAN",
    });
    let links = json!({ "links": [{ "traceId": TRACE, "spanId": CALL }] });
    span(&"cd".repeat(16), "3333333333333333", "faithfulness", &given, &links)
}

fn detail(store: &Store, trace: TraceId) -> Detail {
    let Ok(Answer::Detail(Some(detail))) = store.answer(&Query::Detail { subject: Subject::Trace(trace) }) else {
        panic!("there is a detail")
    };
    (*detail).clone()
}

#[test]
fn a_score_stands_at_what_it_judges_whoever_sends_it_and_in_whatever_order() {
    let batch = json!({ "batch": [{ "id": "e", "type": "score-create", "timestamp": "1970-01-01T00:00:09Z",
        "body": { "id": "s", "traceId": TRACE, "observationId": CALL, "name": "helpful", "value": 1 } }] });
    let scores = decode::scores(&Project::default(), batch.to_string().as_bytes()).unwrap().request;
    let sent = [
        (Signal::Traces, call().to_string().into_bytes(), Encoding::Json),
        (Signal::Traces, carrier().to_string().into_bytes(), Encoding::Json),
        (Signal::Logs, scores, Encoding::Protobuf),
    ];
    for order in [[0, 1, 2], [2, 1, 0]] {
        let store = Store::open(&Place::Memory, prices()).unwrap();
        // What is sent again is there once.
        for at in order.into_iter().chain(order) {
            let (signal, body, encoding) = &sent[at];
            send_as(&store, *signal, body.clone(), *encoding);
        }
        let detail = detail(&store, TRACE.parse().unwrap());
        let mut found: Vec<_> = detail.traces[0]
            .evaluations
            .iter()
            .map(|of| (of.name.as_str(), of.span.is_some(), of.judged == Judged::Trace, of.judge.as_deref()))
            .collect();
        found.sort_unstable();
        let expected = [
            ("faithful", true, false, Some("human")),
            ("hallucination", true, false, None),
            ("helpful", true, false, None),
            ("relevance", true, false, None),
            ("retrieval", false, true, None),
        ];
        assert_eq!(found, expected, "{order:?}");
    }
}
