//! Reads OTLP/JSON in every form that senders write it in (`otlp.md` 2).
//!
//! Field names may be in any case and have underscores, numbers may be texts, enums names or numbers, ids hex or base64,
//! and `null` is as good as absent. A body is malformed only if it is no JSON object, or if it has something else than a
//! list of objects where resources, scopes or items should be.

mod items;
mod lenient;

use std::sync::Arc;

use self::lenient::{Object, attributes, kind_of, list, text, u32_of};
use super::{Decoded, Malformed, Received, encode};
use crate::model::{LogRecord, Project, Resource, Scope, Span, Value, json};

/// The names of the three levels of a request of one signal, and of an item in the reasons for rejecting it.
struct Names {
    by_resource: &'static str,
    by_scope: &'static str,
    items: &'static str,
    item: &'static str,
}

const TRACES: Names = Names { by_resource: "resourceSpans", by_scope: "scopeSpans", items: "spans", item: "span" };
const LOGS: Names = Names { by_resource: "resourceLogs", by_scope: "scopeLogs", items: "logRecords", item: "record" };
const METRICS: Names =
    Names { by_resource: "resourceMetrics", by_scope: "scopeMetrics", items: "metrics", item: "metric" };

pub(super) fn traces(project: &Project, body: &[u8]) -> Result<Decoded<Span>, Malformed> {
    let item = |sent: Object, resource: &Arc<Resource>, scope: &Arc<Scope>| {
        let span = items::span(sent, project.clone(), resource.clone(), scope.clone())?;
        Ok(Received { raw: encode::span_bytes(&span).into(), item: span })
    };
    read(body, &TRACES, item)
}

pub(super) fn logs(project: &Project, body: &[u8]) -> Result<Decoded<LogRecord>, Malformed> {
    let item = |sent: Object, resource: &Arc<Resource>, scope: &Arc<Scope>| {
        let record = items::record(sent, project.clone(), resource.clone(), scope.clone());
        Ok(Received { raw: encode::log_bytes(&record).into(), item: record })
    };
    read(body, &LOGS, item)
}

pub(super) fn metric_points(body: &[u8]) -> Result<u64, Malformed> {
    const KINDS: [&str; 5] = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
    let mut points = 0;
    let mut count = |mut metric: Object| -> Result<(), Malformed> {
        for kind in KINDS {
            if let Some(mut data) = Object::of(metric.take(kind)) {
                points += u64::try_from(list(data.take("dataPoints"), "dataPoints")?.len()).unwrap_or(u64::MAX);
            }
        }
        Ok(())
    };
    let mut request = request(body)?;
    for under_resource in objects(request.take(METRICS.by_resource), METRICS.by_resource)? {
        let mut under_resource = under_resource?;
        for under_scope in objects(under_resource.take(METRICS.by_scope), METRICS.by_scope)? {
            let mut under_scope = under_scope?;
            list(under_scope.take(METRICS.items), METRICS.items)?
                .into_iter()
                .filter_map(Object::of)
                .try_for_each(&mut count)?;
        }
    }
    Ok(points)
}

fn read<T>(
    body: &[u8],
    names: &Names,
    item: impl Fn(Object, &Arc<Resource>, &Arc<Scope>) -> Result<Received<T>, Malformed>,
) -> Result<Decoded<T>, Malformed> {
    let mut decoded = Decoded::default();
    let mut request = request(body)?;
    for under_resource in objects(request.take(names.by_resource), names.by_resource)? {
        let mut under_resource = under_resource?;
        let resource = Arc::new(resource(&mut under_resource));
        for under_scope in objects(under_resource.take(names.by_scope), names.by_scope)? {
            let mut under_scope = under_scope?;
            let scope = Arc::new(scope(&mut under_scope));
            for (sent, number) in list(under_scope.take(names.items), names.items)?.into_iter().zip(1_u64..) {
                let found = kind_of(&sent);
                let read = Object::of(sent)
                    .ok_or(Malformed::Shape { what: "it", found, wanted: "an object" })
                    .and_then(|sent| item(sent, &resource, &scope));
                match read {
                    Ok(received) => decoded.items.push(received),
                    Err(error) => {
                        decoded.reject(|| format!("{} {number} of scope `{:.80}`: {error}", names.item, scope.name));
                    }
                }
            }
        }
    }
    Ok(decoded)
}

fn request(body: &[u8]) -> Result<Object, Malformed> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.is_empty() {
        return Ok(Object::default());
    }
    let body = json::parse_bytes(body)?;
    let found = kind_of(&body);
    Object::of(body).ok_or(Malformed::Shape { what: "the body", found, wanted: "an object" })
}

/// The objects of a list, without each `null`.
fn objects(value: Value, what: &'static str) -> Result<impl Iterator<Item = Result<Object, Malformed>>, Malformed> {
    let sent = list(value, what)?.into_iter().filter(|entry| *entry != Value::Null);
    Ok(sent.map(move |entry| {
        let found = kind_of(&entry);
        Object::of(entry).ok_or(Malformed::Shape { what, found, wanted: "a list of objects" })
    }))
}

fn resource(sent: &mut Object) -> Resource {
    let mut resource = Object::of(sent.take("resource")).unwrap_or_default();
    Resource {
        attributes: attributes(resource.take("attributes")),
        dropped_attributes: u32_of(&resource.take("droppedAttributesCount")),
        schema_url: text(sent.take("schemaUrl")),
    }
}

fn scope(sent: &mut Object) -> Scope {
    let mut scope = Object::of(sent.take("scope")).unwrap_or_default();
    Scope {
        name: text(scope.take("name")),
        version: text(scope.take("version")),
        attributes: attributes(scope.take("attributes")),
        dropped_attributes: u32_of(&scope.take("droppedAttributesCount")),
        schema_url: text(sent.take("schemaUrl")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::span_from_raw,
        model::{SpanKind, StatusCode, Timestamp},
    };

    const IDS: &str = r#""traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331""#;

    fn request(spans: &str) -> String {
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"scope":{{"name":"lib"}},"spans":[{spans}]}}]}}]}}"#)
    }

    fn decoded(body: &str) -> Decoded<Span> {
        traces(&Project::default(), body.as_bytes()).unwrap()
    }

    /// The one span of a request, whose protobuf form must say the same.
    fn span(fields: &str) -> Span {
        let mut decoded = decoded(&request(&format!("{{{IDS},{fields}}}")));
        assert_eq!(decoded.reasons, Vec::<String>::new());
        let Received { item, raw } = decoded.items.remove(0);
        let again = span_from_raw(&raw, item.project.clone(), item.resource.clone(), item.scope.clone());
        assert_eq!(again.unwrap(), item);
        item
    }

    fn value(any: &str) -> Value {
        let attribute =
            if any.is_empty() { r#"{"key":"a"}"#.into() } else { format!(r#"{{"key":"a","value":{any}}}"#) };
        span(&format!(r#""attributes":[{attribute}]"#)).attributes.get("a").unwrap().clone()
    }

    #[test]
    fn times_are_numbers_or_texts() {
        for time in ["1795341130200606774", r#""1795341130200606774""#] {
            let fields = format!(
                r#""startTimeUnixNano":{time},"endTimeUnixNano":{time},"events":[{{"name":"e","timeUnixNano":{time}}}]"#
            );
            let span = span(&fields);
            let time = Timestamp(1_795_341_130_200_606_774);
            assert_eq!((span.started, span.ended, span.events[0].at), (time, Some(time), time));
        }
        assert_eq!(span(r#""startTimeUnixNano":1.7953411302e18"#).started, Timestamp(1_795_341_130_200_000_000));
        assert_eq!(span(r#""name":"n""#).started, Timestamp(0));
        assert_eq!(span(r#""endTimeUnixNano":"0""#).ended, None);
    }

    #[test]
    fn a_value_of_nothing_or_of_an_unknown_kind_is_unset() {
        for any in ["", "null", "{}", r#"{"futureValue":1}"#, r#"{"stringValue":null}"#] {
            assert_eq!(value(any), Value::Null, "{any}");
        }
    }

    #[test]
    fn lists_without_values_are_empty() {
        assert_eq!(value(r#"{"arrayValue":{}}"#), Value::Array(vec![]));
        assert_eq!(value(r#"{"kvlistValue":{}}"#), Value::Map(vec![]));
        let nested = r#"{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"k","value":{}}]}},null]}}"#;
        assert_eq!(value(nested), Value::Array(vec![Value::Map(vec![("k".into(), Value::Null)]), Value::Null]));
    }

    #[test]
    fn enums_are_names_or_numbers() {
        for (kind, code) in [(r#""SPAN_KIND_CLIENT""#, r#""STATUS_CODE_OK""#), ("3", "1"), (r#""3""#, r#""1""#)] {
            let span = span(&format!(r#""kind":{kind},"status":{{"code":{code},"message":"m"}}"#));
            assert_eq!((span.kind, span.status.code), (SpanKind::Client, StatusCode::Ok));
        }
        let span = span(r#""kind":"SPAN_KIND_OTHER","status":{"code":-4}"#);
        assert_eq!((span.kind, span.status.code), (SpanKind::Internal, StatusCode::Unset));
    }

    #[test]
    fn null_stands_for_what_is_absent() {
        let span =
            span(r#""parentSpanId":null,"attributes":null,"events":[null],"links":null,"status":null,"name":null"#);
        assert_eq!((span.parent, span.name.as_str(), span.events.len()), (None, "", 0));
        let body = r#"{"resourceSpans":[null,{"resource":null,"scopeSpans":[{"spans":null}]},{"scopeSpans":null}]}"#;
        assert_eq!(decoded(body), Decoded::default());
    }

    #[test]
    fn a_request_of_nothing_is_a_request() {
        for body in ["{}", "", r#"{"foo":1}"#, r#"{"resourceSpans":null}"#, "\u{feff}{}"] {
            assert_eq!(decoded(body), Decoded::default(), "{body}");
        }
    }

    #[test]
    fn numbers_and_booleans_are_read_however_they_are_written() {
        for int in ["5", r#""5""#, "5.0"] {
            assert_eq!(value(&format!(r#"{{"intValue":{int}}}"#)), Value::Int(5));
        }
        assert_eq!(value(r#"{"intValue":"-9223372036854775808"}"#), Value::Int(i64::MIN));
        assert_eq!(value(r#"{"intValue":18446744073709551615}"#), Value::from("18446744073709551615"));
        assert_eq!(value(r#"{"doubleValue":5}"#), Value::Double(5.0));
        assert_eq!(value(r#"{"doubleValue":"-Infinity"}"#), Value::Double(f64::NEG_INFINITY));
        assert_eq!(value(r#"{"boolValue":"true"}"#), Value::Bool(true));
        assert_eq!(value(r#"{"bytesValue":"_-8="}"#), Value::Bytes(vec![0xff, 0xef]));
        assert_eq!(value(r#"{"bytesValue":"/+8"}"#), Value::Bytes(vec![0xff, 0xef]));
        assert_eq!(value(r#""bare""#), Value::from("bare"));
    }

    #[test]
    fn names_may_be_in_snake_case_and_unknown_fields_are_skipped() {
        let body = r#"{"x":[1],"resource_spans":[{"schema_url":"s","scope_spans":[{"spans":[{"new":{},
            "trace_id":"0AF7651916CD43DD8448EB211C80319C","span_id":"B7AD6B7169203331","start_time_unix_nano":7,
            "dropped_attributes_count":"2","attributes":[{"key":"a","value":{"string_value":"v"}}]}]}]}]}"#;
        let span = &decoded(body).items[0].item;
        assert_eq!(span.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((span.started.0, span.dropped.attributes, span.attributes.str("a")), (7, 2, Some("v")));
        assert_eq!(span.resource.schema_url, "s");
    }

    #[test]
    fn ids_may_be_in_base64() {
        let body =
            request(r#"{"traceId":"CvdlGRbNQ92ESOshHIAxnA==","spanId":"t61rcWkgMzE=","parentSpanId":"t61rcWkgMzI="}"#);
        let span = &decoded(&body).items[0].item;
        assert_eq!(span.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span.id.to_string(), "b7ad6b7169203331");
        assert_eq!(span.parent.unwrap().to_string(), "b7ad6b7169203332");
    }

    #[test]
    fn a_bad_span_in_the_middle_costs_only_itself() {
        let spans = format!(
            r#"{{{IDS}}},5,{{"traceId":"0af7","spanId":"b7ad6b7169203331"}},{{}},{{"traceId":"{:032}","spanId":"x"}},{{{IDS},"name":"last","parentSpanId":"12"}}"#,
            0
        );
        let decoded = decoded(&request(&spans));
        assert_eq!(decoded.items.len(), 2);
        assert_eq!((decoded.items[1].item.name.as_str(), decoded.items[1].item.parent), ("last", None));
        let reasons = [
            "span 2 of scope `lib`: it is a number, not an object",
            "span 3 of scope `lib`: trace id: an id of 2 bytes; 16 are needed",
            "span 4 of scope `lib`: trace id: an id of 0 bytes; 16 are needed",
            "span 5 of scope `lib`: trace id: an id of zeroes",
        ];
        assert_eq!(decoded.reasons, reasons);
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        for body in ["[]", "5", "null", "{", "\"\\ud800\"", r#"{"resourceSpans":{}}"#, r#"{"resourceSpans":[5]}"#] {
            assert!(traces(&Project::default(), body.as_bytes()).is_err(), "{body}");
        }
        assert!(traces(&Project::default(), b"{\"a\":\"\xff\"}").is_err());
        let deep = format!("{}{}", r#"{"resourceSpans":"#, "[".repeat(100_000));
        assert!(traces(&Project::default(), deep.as_bytes()).is_err());
    }

    #[test]
    fn log_records_take_their_name_from_a_field_or_an_attribute() {
        let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
            {"eventName":"new","body":{"stringValue":"hi"},"severityNumber":"SEVERITY_NUMBER_INFO2","traceId":"","spanId":"zz"},
            {"attributes":[{"key":"event.name","value":{"stringValue":"old"}}],"observedTimeUnixNano":"7","severityNumber":99},
            5]}]}]}"#;
        let decoded = logs(&Project::default(), body.as_bytes()).unwrap();
        assert_eq!(decoded.reasons, ["record 3 of scope ``: it is a number, not an object"]);
        let [new, old] = &decoded.items[..] else { panic!("two records") };
        assert_eq!((new.item.name.as_str(), new.item.severity, new.item.span), ("new", 10, None));
        assert_eq!(new.item.body, Value::from("hi"));
        assert_eq!((old.item.name.as_str(), old.item.severity, old.item.time()), ("old", 0, Timestamp(7)));
    }

    #[test]
    fn data_points_are_counted() {
        let body = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]}},
            {"exponential_histogram":{"data_points":[{}]}},{"gauge":{}},{"name":"none"},5]}]}]}"#;
        assert_eq!(metric_points(body.as_bytes()).unwrap(), 3);
        assert_eq!(metric_points(b"{}").unwrap(), 0);
    }
}
