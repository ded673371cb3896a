//! What OpenTelemetry's own SDK sends over real sockets arrives whole.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    Array, Context, InstrumentationScope, KeyValue, SpanId, StringValue, TraceFlags, TraceId,
    logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity},
    metrics::MeterProvider as _,
    trace::{
        Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, TraceState, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_otlp::{
    Compression, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
    WithTonicConfig as _,
};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data},
};
use opentelemetry_sdk::{Resource, logs::SdkLoggerProvider, metrics::SdkMeterProvider, trace::SdkTracerProvider};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tonic::metadata::MetadataMap;

use crate::program::{JSON, PROTOBUF, Program, post};

#[test]
fn whatever_way_an_sdk_sends_its_spans_arrive_whole() {
    let mut program = Program::serve(&[]);
    let runtime = Runtime::new().unwrap();
    let _within = runtime.enter();
    for (way, _, exporter) in ways(&program) {
        book_a_room(exporter, way);
    }
    program.stop();

    let (traces, _) = program.home().otlp();
    let by_service = by_service(&traces, "resourceSpans");
    for (way, ..) in ways(&program) {
        let scopes = by_service[way]["scopeSpans"].as_array().unwrap();
        assert_eq!(scopes.len(), 1, "{way}");
        assert_eq!(scopes[0]["scope"], json!({ "name": "front.desk", "version": "1.2" }), "{way}");
        let spans = scopes[0]["spans"].as_array().unwrap();
        assert_eq!(spans.len(), 2, "{way}");
        let [parent, child] =
            ["book a room", "look up"].map(|name| spans.iter().find(|span| span["name"] == name).unwrap());
        assert_eq!(child["parentSpanId"], parent["spanId"], "{way}");
        assert_eq!((&child["kind"], &child["status"]), (&json!(1), &json!({})), "{way}");
        for (field, value) in booked().as_object().unwrap() {
            assert_eq!(&parent[field], value, "{way}: {field}");
        }
    }
}

#[test]
fn a_project_is_what_its_sender_calls_it() {
    let mut program = Program::serve(&[]);
    let runtime = Runtime::new().unwrap();
    let _within = runtime.enter();
    let ways = ways(&program);
    let wanted: HashMap<_, _> = ways.iter().map(|(way, project, _)| (*way, *project)).collect();
    for (way, _, exporter) in ways {
        book_a_room(exporter, way);
    }
    let transcript = program.export();
    let traces = transcript["traces"].as_array().unwrap();
    let found: HashMap<_, _> =
        traces.iter().map(|trace| (trace["service"].as_str().unwrap(), trace["project"].as_str().unwrap())).collect();
    assert_eq!(found, wanted);

    let of_one = program.home().prints(&["export", "--format", "transcript", "--project", "my-app_2"]);
    let of_one: Value = serde_json::from_slice(&of_one).unwrap();
    assert_eq!(of_one["traces"].as_array().unwrap().len(), 1);
}

/// Every way in which an SDK can send: its name, the project that it sends for, and the exporter.
///
/// Make and use them within a runtime: the SDK's own clients work on it, whichever thread ends a span.
fn ways(program: &Program) -> Vec<(&'static str, &'static str, SpanExporter)> {
    let grpc = || SpanExporter::builder().with_tonic().with_endpoint(format!("http://{}", program.grpc()));
    let http = |protocol| {
        let endpoint = format!("http://{}/v1/traces", program.http());
        SpanExporter::builder().with_http().with_protocol(protocol).with_endpoint(endpoint)
    };
    let sideseat = format!("http://{}/otel/my-app_2/v1/traces", program.sideseat());
    let mut metadata = MetadataMap::new();
    metadata.insert("x-sideseat-project-id", "shop".parse().unwrap());
    let ways = [
        ("grpc", "default", grpc().build()),
        ("grpc, gzip", "default", grpc().with_compression(Compression::Gzip).build()),
        ("grpc, zstd", "default", grpc().with_compression(Compression::Zstd).build()),
        ("grpc, a project", "shop", grpc().with_metadata(metadata).build()),
        ("http, protobuf", "default", http(Protocol::HttpBinary).build()),
        ("http, protobuf, gzip", "default", http(Protocol::HttpBinary).with_compression(Compression::Gzip).build()),
        ("http, JSON", "default", http(Protocol::HttpJson).build()),
        ("http, JSON, gzip", "default", http(Protocol::HttpJson).with_compression(Compression::Gzip).build()),
        ("sideseat", "my-app_2", http(Protocol::HttpBinary).with_endpoint(sideseat).build()),
    ];
    ways.map(|(way, project, exporter)| (way, project, exporter.unwrap())).into()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_341_130 + seconds)
}

/// What somebody's program does: a failed span with every kind of attribute, an event, a link and a child.
fn book_a_room(exporter: SpanExporter, service: &'static str) {
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter).with_resource(resource(service)).build();
    let tracer = provider.tracer_with_scope(InstrumentationScope::builder("front.desk").with_version("1.2").build());
    let state = TraceState::from_key_value([("vendor", "x")]).unwrap();
    let elsewhere =
        SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]), TraceFlags::SAMPLED, true, state);
    let list = |values: Array| opentelemetry::Value::Array(values);
    let mut parent = tracer
        .span_builder("book a room")
        .with_kind(SpanKind::Server)
        .with_start_time(at(0))
        .with_attributes([
            KeyValue::new("guest", "Zoë \u{1b}[31m\n"),
            KeyValue::new("guests", i64::MIN),
            KeyValue::new("price", 0.1),
            KeyValue::new("vip", true),
            KeyValue::new("list of booleans", list(Array::Bool(vec![true, false]))),
            KeyValue::new("list of doubles", list(Array::F64(vec![2.5, -0.25]))),
            KeyValue::new("list of integers", list(Array::I64(vec![i64::MAX, 0]))),
            KeyValue::new("list of nothing", list(Array::String(vec![]))),
            KeyValue::new("list of texts", list(Array::String(vec![StringValue::from("a"), "".into()]))),
        ])
        .with_links(vec![Link::new(elsewhere, vec![KeyValue::new("why", "retry")], 0)])
        .start(&tracer);
    parent.add_event_with_timestamp("asked", at(1), vec![KeyValue::new("beds", 2)]);
    parent.set_status(Status::error("no room"));
    let within = Context::new().with_remote_span_context(parent.span_context().clone());
    let mut child = tracer.span_builder("look up").with_start_time(at(1)).start_with_context(&tracer, &within);
    child.end_with_timestamp(at(2));
    parent.end_with_timestamp(at(3));
    provider.shutdown().unwrap();
}

/// The same as OTLP JSON, apart from the ids that the SDK makes up.
fn booked() -> Value {
    json!({
        "name": "book a room",
        "kind": 2,
        "flags": 0x101,
        "startTimeUnixNano": "1795341130000000000",
        "endTimeUnixNano": "1795341133000000000",
        "attributes": [
            { "key": "guest", "value": { "stringValue": "Zoë \u{1b}[31m\n" } },
            { "key": "guests", "value": { "intValue": "-9223372036854775808" } },
            { "key": "list of booleans",
              "value": { "arrayValue": { "values": [{ "boolValue": true }, { "boolValue": false }] } } },
            { "key": "list of doubles",
              "value": { "arrayValue": { "values": [{ "doubleValue": 2.5 }, { "doubleValue": -0.25 }] } } },
            { "key": "list of integers",
              "value": { "arrayValue": { "values": [{ "intValue": "9223372036854775807" }, { "intValue": "0" }] } } },
            { "key": "list of nothing", "value": { "arrayValue": { "values": [] } } },
            { "key": "list of texts",
              "value": { "arrayValue": { "values": [{ "stringValue": "a" }, { "stringValue": "" }] } } },
            { "key": "price", "value": { "doubleValue": 0.1 } },
            { "key": "vip", "value": { "boolValue": true } },
        ],
        "events": [{
            "timeUnixNano": "1795341131000000000",
            "name": "asked",
            "attributes": [{ "key": "beds", "value": { "intValue": "2" } }],
        }],
        "links": [{
            "traceId": "07070707070707070707070707070707",
            "spanId": "0909090909090909",
            "traceState": "vendor=x",
            "attributes": [{ "key": "why", "value": { "stringValue": "retry" } }],
            "flags": 0x301,
        }],
        "status": { "message": "no room", "code": 2 },
    })
}

fn resource(service: &'static str) -> Resource {
    Resource::builder_empty().with_attributes([KeyValue::new("service.name", service)]).build()
}

/// What each service sent. It sent all of it at once, so it is there once.
fn by_service(request: &Value, list: &str) -> HashMap<String, Value> {
    let mut by_service = HashMap::new();
    for under in request[list].as_array().unwrap() {
        let service = under["resource"]["attributes"][0]["value"]["stringValue"].as_str().unwrap().to_owned();
        assert!(by_service.insert(service.clone(), under.clone()).is_none(), "{service} is there twice");
    }
    by_service
}

#[test]
fn log_records_of_an_sdk_arrive_whole() {
    let mut program = Program::serve(&[]);
    let runtime = Runtime::new().unwrap();
    let _within = runtime.enter();
    let grpc = LogExporter::builder().with_tonic().with_endpoint(format!("http://{}", program.grpc())).build();
    let http = |protocol| {
        let endpoint = format!("http://{}/v1/logs", program.http());
        LogExporter::builder().with_http().with_protocol(protocol).with_endpoint(endpoint).build()
    };
    for (way, exporter) in
        [("grpc", grpc), ("http, protobuf", http(Protocol::HttpBinary)), ("http, JSON", http(Protocol::HttpJson))]
    {
        let exporter = exporter.unwrap();
        let provider = SdkLoggerProvider::builder().with_simple_exporter(exporter).with_resource(resource(way)).build();
        let logger = provider.logger("front.desk");
        let mut record = logger.create_log_record();
        record.set_event_name("room.booked");
        record.set_timestamp(at(0));
        record.set_observed_timestamp(at(1));
        record.set_severity_number(Severity::Warn2);
        record.set_severity_text("WARN2");
        record.set_trace_context(TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]), Some(TraceFlags::SAMPLED));
        record.add_attribute("guests", 2);
        let map = |key: &'static str, value| AnyValue::Map(Box::new(HashMap::from([(key.into(), value)])));
        let all = vec![
            AnyValue::Bytes(Box::new(vec![0, 1, 254, 255])),
            AnyValue::Double(0.5),
            AnyValue::Boolean(false),
            map("inner", AnyValue::ListAny(Box::default())),
        ];
        record.set_body(map("all", AnyValue::ListAny(Box::new(all))));
        logger.emit(record);
        provider.shutdown().unwrap();
    }
    program.stop();

    let (_, logs) = program.home().otlp();
    let by_service = by_service(&logs, "resourceLogs");
    assert_eq!(by_service.len(), 3);
    for (way, under) in by_service {
        let records = under["scopeLogs"][0]["logRecords"].as_array().unwrap();
        let expected = json!([{
            "timeUnixNano": "1795341130000000000",
            "observedTimeUnixNano": "1795341131000000000",
            "severityNumber": 14,
            "severityText": "WARN2",
            "body": { "kvlistValue": { "values": [{ "key": "all", "value": { "arrayValue": { "values": [
                { "bytesValue": "AAH+/w==" },
                { "doubleValue": 0.5 },
                { "boolValue": false },
                { "kvlistValue": { "values": [{ "key": "inner", "value": { "arrayValue": { "values": [] } } }] } },
            ] } } }] } },
            "attributes": [{ "key": "guests", "value": { "intValue": "2" } }],
            "flags": 1,
            "traceId": "07070707070707070707070707070707",
            "spanId": "0909090909090909",
            "eventName": "room.booked",
        }]);
        assert_eq!(json!(records), expected, "{way}");
    }
}

#[test]
fn metrics_are_thanked_for_and_let_go() {
    let mut program = Program::serve(&[]);
    let runtime = Runtime::new().unwrap();
    let provider = {
        let _within = runtime.enter();
        let exporter =
            MetricExporter::builder().with_tonic().with_endpoint(format!("http://{}", program.grpc())).build();
        SdkMeterProvider::builder().with_periodic_exporter(exporter.unwrap()).build()
    };
    provider.meter("front.desk").u64_counter("guests").build().add(2, &[]);
    provider.force_flush().unwrap();
    provider.shutdown().unwrap();

    let gauge = Gauge { data_points: vec![NumberDataPoint::default()] };
    let metric = Metric { name: "beds".into(), data: Some(Data::Gauge(gauge)), ..Metric::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let sent = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    let sent = ExportMetricsServiceRequest { resource_metrics: vec![sent] }.encode_to_vec();
    let reply = post(program.http(), "/v1/metrics", &[PROTOBUF], &sent);
    assert_eq!((reply.status, reply.body.len()), (200, 0), "a reply that says that some were rejected is not empty");
    let sent = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [{ "name": "beds", "gauge": {
        "dataPoints": [{ "asInt": "3", "timeUnixNano": "1" }] } }] }] }] });
    let reply = post(program.sideseat(), "/otel/default/v1/metrics", &[JSON], sent.to_string().as_bytes());
    assert_eq!((reply.status, reply.json()), (200, json!({})));
    assert_eq!(program.export()["traces"], json!([]));
}
