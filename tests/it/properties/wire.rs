//! Bytes ─▶ spans and log records, and back.

use std::sync::LazyLock;

use bytes::Bytes;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    test_runner::TestCaseResult,
};
use serde_json::{Value as Json, json};
use sideseat_tui::{
    decode::{self, Encoding, Signal, encode},
    model::Project,
};

use super::{
    arrival::items,
    cases,
    whatever::{record, span, text},
};
use crate::replay::captures;

fn decoded(body: &[u8], encoding: Encoding) -> TestCaseResult {
    let (project, body) = (Project::default(), Bytes::copy_from_slice(body));
    if let Ok(traces) = decode::traces(&project, &body, encoding) {
        for arrived in traces.items {
            let span = arrived.item;
            let again = decode::span_from_raw(&arrived.raw, project.clone(), span.resource.clone(), span.scope.clone())
                .unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{span:?}"));
        }
    }
    if let Ok(logs) = decode::logs(&project, &body, encoding) {
        for arrived in logs.items {
            let record = arrived.item;
            let again =
                decode::log_from_raw(&arrived.raw, project.clone(), record.resource.clone(), record.scope.clone())
                    .unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{record:?}"));
        }
    }
    // How many there are is not asked here.
    let _ = decode::metrics(&body, encoding);
    Ok(())
}

/// Recorded requests, as protobuf and as JSON.
static BODIES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut bodies = Vec::new();
    for capture in captures() {
        let (spans, records) = items(&capture);
        bodies.push(encode::traces_json(&spans).into_bytes());
        bodies.push(encode::logs_json(&records).into_bytes());
        bodies.extend(capture.bodies().into_iter().map(|(_, body)| body));
    }
    bodies.retain(|body| body.len() < 50_000);
    bodies
});

/// A recorded request with some bytes changed, some left out, and its end cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<u8>(), 0..4_usize);
    (select(BODIES.as_slice()), vec(change, 0..6), option::weighted(0.2, any::<Index>())).prop_map(
        |(mut body, changes, end)| {
            for (at, byte, gone) in changes {
                let at = at.index(body.len());
                body[at] = byte;
                body.drain(at..(at + gone).min(body.len() - 1));
            }
            if let Some(end) = end {
                body.truncate(end.index(body.len()));
            }
            body
        },
    )
}

/// A request that is JSON, with OTLP's names in the right or the wrong places.
fn json_request() -> impl Strategy<Value = Vec<u8>> {
    const NAMES: &[&str] = &[
        "resource",
        "scope",
        "name",
        "attributes",
        "key",
        "value",
        "traceId",
        "spanId",
        "parentSpanId",
        "kind",
        "startTimeUnixNano",
        "timeUnixNano",
        "events",
        "links",
        "status",
        "code",
        "message",
        "body",
        "severityNumber",
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
        "bytesValue",
        "arrayValue",
        "kvlistValue",
        "values",
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text().prop_map(Json::from),
        "[0-9a-f]{16}([0-9a-f]{16})?".prop_map(Json::from),
        select(&["SPAN_KIND_CLIENT", "STATUS_CODE_OK", "NaN", "AAH+/w==", "1795341130200606774"][..])
            .prop_map(Json::from),
    ];
    let tree = leaf.prop_recursive(6, 60, 5, |inner| {
        let object = vec((select(NAMES), inner.clone()), 0..6);
        let object =
            object.prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        prop_oneof![1 => vec(inner, 0..4).prop_map(Json::Array), 3 => object.prop_map(Json::Object)]
    });
    (vec(tree, 0..4), option::weighted(0.8, any::<[u8; 2]>())).prop_map(|(mut items, ids)| {
        if let Some([trace, span]) = ids {
            for item in items.iter_mut().filter_map(Json::as_object_mut) {
                item.insert("traceId".to_owned(), json!(format!("{trace:032x}")));
                item.insert("spanId".to_owned(), json!(format!("{span:016x}")));
            }
        }
        let spans = json!([{ "scopeSpans": [{ "spans": items }] }]);
        let logs = json!([{ "scopeLogs": [{ "logRecords": items }] }]);
        json!({ "resourceSpans": spans, "resourceLogs": logs }).to_string().into_bytes()
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_bytes_panic_the_decoder_and_what_it_reads_it_kept(
        body in prop_oneof![1 => vec(any::<u8>(), 0..200), 3 => damaged(), 2 => json_request()],
    ) {
        decoded(&body, Encoding::Protobuf)?;
        decoded(&body, Encoding::Json)?;
        for (signal, encoding) in decode::sniff_all(&body) {
            prop_assert!(matches!(signal, Signal::Traces | Signal::Logs | Signal::Metrics), "{encoding:?}");
        }
    }

    #[test]
    fn a_span_reads_as_it_was_written(span in span()) {
        let raw = encode::span_bytes(&span);
        let again = decode::span_from_raw(&raw, span.project.clone(), span.resource.clone(), span.scope.clone());
        prop_assert_eq!(&again.unwrap(), &span);
        let body = encode::traces_proto(std::slice::from_ref(&span)).into();
        let proto = decode::traces(&span.project, &body, Encoding::Protobuf).unwrap();
        prop_assert_eq!(&proto.reasons, &Vec::<String>::new());
        prop_assert_eq!(&proto.items[0].item, &span);
        let body = encode::traces_json(std::slice::from_ref(&span)).into();
        let json = decode::traces(&span.project, &body, Encoding::Json).unwrap();
        prop_assert_eq!(&json.reasons, &Vec::<String>::new());
        prop_assert_eq!(&json.items[0].item, &span);
    }

    #[test]
    fn a_log_record_reads_as_it_was_written(record in record()) {
        let raw = encode::log_bytes(&record);
        let again = decode::log_from_raw(&raw, record.project.clone(), record.resource.clone(), record.scope.clone());
        prop_assert_eq!(&again.unwrap(), &record);
        let body = encode::logs_proto(std::slice::from_ref(&record)).into();
        let proto = decode::logs(&record.project, &body, Encoding::Protobuf).unwrap();
        prop_assert_eq!(&proto.items[0].item, &record);
        let body = encode::logs_json(std::slice::from_ref(&record)).into();
        let json = decode::logs(&record.project, &body, Encoding::Json).unwrap();
        prop_assert_eq!(&json.items[0].item, &record);
    }
}
