//! JSON that OTLP's own reader refuses, and that senders write nevertheless.

use serde_json::{Value, json};

use crate::program::{JSON, PROTOBUF, Program, post};

/// A way in which some sender writes JSON that OTLP's own reader refuses: fields of a span, and those fields as they
/// are stored. A field that is `null` there is not there.
const LENIENT: &[(&str, &str, &str)] = &[
    (
        "times as numbers",
        r#""startTimeUnixNano":1795341130200606774,"endTimeUnixNano":1795341130300606774,
           "events":[{"name":"e","timeUnixNano":1795341130250606774}]"#,
        r#"{"startTimeUnixNano":"1795341130200606774","endTimeUnixNano":"1795341130300606774",
            "events":[{"timeUnixNano":"1795341130250606774","name":"e"}]}"#,
    ),
    ("no times", r#""name":"n""#, r#"{"name":"n","startTimeUnixNano":null,"endTimeUnixNano":null}"#),
    (
        "a value of nothing",
        r#""attributes":[{"key":"a","value":{}},{"key":"b","value":null},{"key":"c"}]"#,
        r#"{"attributes":[{"key":"a","value":{}},{"key":"b","value":{}},{"key":"c","value":{}}]}"#,
    ),
    (
        "a value of an unknown kind",
        r#""attributes":[{"key":"a","value":{"futureValue":1}}]"#,
        r#"{"attributes":[{"key":"a","value":{}}]}"#,
    ),
    (
        "lists without values",
        r#""attributes":[{"key":"a","value":{"arrayValue":{}}},{"key":"b","value":{"kvlistValue":{}}}]"#,
        r#"{"attributes":[{"key":"a","value":{"arrayValue":{"values":[]}}},
                          {"key":"b","value":{"kvlistValue":{"values":[]}}}]}"#,
    ),
    (
        "enums by name",
        r#""kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":"m"}"#,
        r#"{"kind":3,"status":{"code":2,"message":"m"}}"#,
    ),
    ("enums by number", r#""kind":5,"status":{"code":1}"#, r#"{"kind":5,"status":{"code":1}}"#),
    ("no parent", r#""parentSpanId":null"#, r#"{"parentSpanId":null}"#),
    ("an empty parent", r#""parentSpanId":"""#, r#"{"parentSpanId":null}"#),
    ("a parent that is none", r#""parentSpanId":"abcd""#, r#"{"parentSpanId":null}"#),
    (
        "integers as numbers and as texts",
        r#""attributes":[{"key":"a","value":{"intValue":7}},{"key":"b","value":{"intValue":"-9007199254740993"}}]"#,
        r#"{"attributes":[{"key":"a","value":{"intValue":"7"}},{"key":"b","value":{"intValue":"-9007199254740993"}}]}"#,
    ),
    (
        "doubles as integers and as names",
        r#""attributes":[{"key":"a","value":{"doubleValue":5}},{"key":"b","value":{"doubleValue":"-Infinity"}}]"#,
        r#"{"attributes":[{"key":"a","value":{"doubleValue":5.0}},{"key":"b","value":{"doubleValue":"-Infinity"}}]}"#,
    ),
    (
        "fields that nobody knows",
        r#""name":"n","colour":{"of":["the","future"]},"attributes":[{"key":"a","value":{"stringValue":"v"},"x":1}]"#,
        r#"{"name":"n","attributes":[{"key":"a","value":{"stringValue":"v"}}]}"#,
    ),
    (
        "null for every list",
        r#""attributes":null,"events":null,"links":null,"status":null"#,
        r#"{"attributes":null,"events":null,"links":null,"status":{}}"#,
    ),
    (
        "names with underscores",
        r#""start_time_unix_nano":"5","end_time_unix_nano":6,"dropped_events_count":7,
           "attributes":[{"key":"a","value":{"string_value":"v"}}]"#,
        r#"{"startTimeUnixNano":"5","endTimeUnixNano":"6","droppedEventsCount":7,
            "attributes":[{"key":"a","value":{"stringValue":"v"}}]}"#,
    ),
];

#[test]
fn json_is_read_as_senders_write_it() {
    let mut program = Program::serve(&[]);
    for (number, (what, fields, _)) in LENIENT.iter().enumerate() {
        let span = format!(r#"{{"traceId":"{:032x}","spanId":"{:016x}",{fields}}}"#, 7, number + 1);
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
        let reply = post(program.http(), "/v1/traces", &[JSON], body.as_bytes());
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{what}");
    }
    program.stop();
    let spans = program.home().spans();
    assert_eq!(spans.len(), LENIENT.len());
    for (span, (what, _, stored)) in spans.iter().zip(LENIENT) {
        let stored: Value = serde_json::from_str(stored).unwrap();
        for (field, value) in stored.as_object().unwrap() {
            assert_eq!(&span[field], value, "{what}: {field}");
        }
    }
}

#[test]
fn ids_are_hex_in_any_case_or_base64_and_a_request_of_nothing_is_one_too() {
    let mut program = Program::serve(&[]);
    let body = |ids: &str| {
        let levels = r#"{"resource_spans":[{"resource":null,"scope_spans":[{"scope":null,"spans":[{"#;
        format!("{levels}{ids}}}]}}]}}]}}")
    };
    for ids in [
        r#""traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"B7AD6B7169203331""#,
        r#""trace_id":"CvdlGRbNQ92ESOshHIAxnA==","span_id":"t61rcWkgMzI=""#,
    ] {
        let reply = post(program.http(), "/v1/traces", &[JSON], body(ids).as_bytes());
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{ids}");
    }
    for nothing in ["{}", "", r#"{"resourceSpans":[]}"#] {
        let reply = post(program.http(), "/v1/traces", &[JSON], nothing.as_bytes());
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{nothing:?}");
    }
    assert_eq!(post(program.http(), "/v1/traces", &[PROTOBUF], b"").status, 200);
    program.stop();
    let ids: Vec<_> =
        program.home().spans().iter().map(|span| (span["traceId"].clone(), span["spanId"].clone())).collect();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    assert_eq!(ids, [(json!(trace), json!("b7ad6b7169203331")), (json!(trace), json!("b7ad6b7169203332"))]);
}
