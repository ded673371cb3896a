//! The types of `model` → OTLP, as protobuf and as JSON. [`super`] reads back exactly what was written, with the items of
//! a resource and scope in the same order.

mod json;
mod nest;
mod proto;

pub use json::{logs_json, traces_json};
pub use proto::{log_bytes, logs_proto, resource_bytes, scope_bytes, span_bytes, traces_proto};

use crate::model::{LogRecord, SpanKind, StatusCode};

fn kind(kind: SpanKind) -> i32 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn status_code(code: StatusCode) -> i32 {
    match code {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    }
}

/// The field `event_name` of a record: empty if its name is in the attribute `event.name`.
fn event_name(record: &LogRecord) -> &str {
    if record.attributes.str("event.name") == Some(&record.name) { "" } else { &record.name }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        decode::{Encoding, log_from_raw, logs, resource_from_raw, scope_from_raw, span_from_raw, traces},
        model::{
            Attributes, Dropped, Link, Project, Resource, Scope, Span, SpanEvent, SpanId, Status, Timestamp, TraceId,
            Value,
        },
    };

    fn attributes() -> Attributes {
        let map = vec![("k".to_owned(), Value::Null), ("k".to_owned(), Value::Bytes(vec![0, 255]))];
        let entries = [
            ("text", Value::from("line\n\u{1b}[31m\"é\"")),
            ("text", Value::from("sent twice")),
            ("yes", Value::Bool(true)),
            ("least", Value::Int(i64::MIN)),
            ("whole", Value::Double(5.0)),
            ("third", Value::Double(1.0 / 3.0)),
            ("minus zero", Value::Double(-0.0)),
            ("endless", Value::Double(f64::NEG_INFINITY)),
            ("nested", Value::Array(vec![Value::Map(map), Value::Array(vec![]), Value::from("")])),
            ("", Value::Map(vec![])),
            ("unset", Value::Null),
        ];
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn scope() -> Scope {
        Scope {
            name: "lib".into(),
            version: "1.2".into(),
            attributes: attributes(),
            dropped_attributes: 3,
            schema_url: "https://example.test/scope".into(),
        }
    }

    fn resource() -> Resource {
        Resource { attributes: attributes(), dropped_attributes: 4, schema_url: "https://example.test/resource".into() }
    }

    fn rich(number: u8, scope: &Arc<Scope>, resource: &Arc<Resource>) -> Span {
        Span {
            project: Project::default(),
            trace: TraceId::from_bytes(&[9; 16]).unwrap(),
            id: SpanId::from_bytes(&[number; 8]).unwrap(),
            parent: SpanId::from_bytes(&[7; 8]).ok(),
            flags: 0x8000_0301,
            trace_state: "vendor=1".into(),
            name: "chat".into(),
            kind: SpanKind::Client,
            status: Status { code: StatusCode::Error, message: "refused".into() },
            started: Timestamp(u64::MAX),
            ended: Some(Timestamp(1)),
            attributes: attributes(),
            events: vec![SpanEvent {
                name: "e".into(),
                at: Timestamp(2),
                attributes: attributes(),
                dropped_attributes: u32::MAX,
            }],
            links: vec![Link {
                trace: vec![1, 2, 3],
                span: vec![],
                trace_state: "s".into(),
                flags: 1,
                attributes: attributes(),
                dropped_attributes: 1,
            }],
            dropped: Dropped { attributes: 1, events: 2, links: 3 },
            scope: scope.clone(),
            resource: resource.clone(),
            synthetic: false,
        }
    }

    fn record(span: &Span, name: &str) -> LogRecord {
        LogRecord {
            project: Project::default(),
            trace: Some(span.trace),
            span: Some(span.id),
            flags: 1,
            at: Timestamp(5),
            observed: Timestamp(6),
            severity: 9,
            severity_text: "INFO".into(),
            name: name.into(),
            body: Value::Map(vec![("content".into(), Value::from("hi"))]),
            attributes: [("event.name".to_owned(), Value::from("old"))].into_iter().collect(),
            dropped_attributes: 2,
            scope: span.scope.clone(),
            resource: span.resource.clone(),
        }
    }

    #[test]
    fn nothing_is_lost_in_either_encoding() {
        let (lib, host) = (Arc::new(scope()), Arc::new(resource()));
        // Equal to `lib`, but another allocation; and two that differ.
        let (same, other, bare) = (Arc::new(scope()), Arc::new(Scope::default()), Arc::new(Resource::default()));
        let spans = [rich(1, &lib, &host), rich(2, &other, &host), rich(3, &same, &host), rich(4, &lib, &bare)];
        let order = [&spans[0], &spans[2], &spans[1], &spans[3]];
        let bodies = [(Encoding::Protobuf, traces_proto(&spans)), (Encoding::Json, traces_json(&spans).into_bytes())];
        for (encoding, body) in bodies {
            let decoded = traces(&Project::default(), &body.into(), encoding).unwrap();
            assert_eq!(decoded.reasons, Vec::<String>::new());
            assert_eq!(decoded.items.iter().map(|received| &received.item).collect::<Vec<_>>(), order);
            assert_eq!(decoded.items[0].raw, span_bytes(&spans[0]));
        }
        assert_eq!(resource_from_raw(&resource_bytes(&host)).unwrap(), *host);
        assert_eq!(scope_from_raw(&scope_bytes(&lib)).unwrap(), *lib);
        let one = rich(1, &lib, &host);
        assert_eq!(span_from_raw(&span_bytes(&one), Project::default(), host, lib).unwrap(), one);
    }

    #[test]
    fn a_log_record_keeps_its_name_wherever_it_was() {
        let span = rich(1, &Arc::new(scope()), &Arc::new(resource()));
        let mut lone = record(&span, "old");
        (lone.trace, lone.span, lone.body) = (None, None, Value::Null);
        let records = [record(&span, "old"), record(&span, "new"), lone];
        let bodies = [(Encoding::Protobuf, logs_proto(&records)), (Encoding::Json, logs_json(&records).into_bytes())];
        for (encoding, body) in bodies {
            let decoded = logs(&Project::default(), &body.into(), encoding).unwrap();
            assert_eq!(decoded.items.into_iter().map(|received| received.item).collect::<Vec<_>>(), records);
        }
        let [first, ..] = &records;
        let again = log_from_raw(&log_bytes(first), Project::default(), first.resource.clone(), first.scope.clone());
        assert_eq!(again.unwrap(), *first);
    }

    #[test]
    fn json_has_the_form_of_the_specification() {
        let span = Span {
            attributes: [("n".to_owned(), Value::Int(5)), ("x".to_owned(), Value::Double(f64::NAN))]
                .into_iter()
                .collect(),
            events: vec![],
            links: vec![],
            ..rich(1, &Arc::new(Scope::default()), &Arc::new(Resource::default()))
        };
        let expected = concat!(
            r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"#,
            r#""traceId":"09090909090909090909090909090909","spanId":"0101010101010101","traceState":"vendor=1","#,
            r#""parentSpanId":"0707070707070707","flags":2147484417,"name":"chat","kind":3,"#,
            r#""startTimeUnixNano":"18446744073709551615","endTimeUnixNano":"1","attributes":["#,
            r#"{"key":"n","value":{"intValue":"5"}},{"key":"x","value":{"doubleValue":"NaN"}}],"#,
            r#""droppedAttributesCount":1,"droppedEventsCount":2,"droppedLinksCount":3,"#,
            r#""status":{"message":"refused","code":2}}]}]}]}"#
        );
        assert_eq!(traces_json(&[span]), expected);
        assert_eq!(logs_json(&[]), r#"{"resourceLogs":[]}"#);
        assert_eq!(traces_proto(&[]), b"");
    }

    #[test]
    fn no_beginning_of_a_span_panics() {
        let span = rich(1, &Arc::new(scope()), &Arc::new(resource()));
        let whole = span_bytes(&span);
        for end in 0..whole.len() {
            let read = span_from_raw(&whole[..end], Project::default(), span.resource.clone(), span.scope.clone());
            assert_ne!(read.ok(), Some(span.clone()));
        }
    }
}
