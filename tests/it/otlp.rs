//! OTLP over real sockets, byte by byte: what is taken, and that each refusal is what a sender needs to see.

use std::{io::Write as _, net::SocketAddr};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceResponse,
        trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    },
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tonic::Code;

use crate::program::{JSON, PROTOBUF, Program, Reply, exchange, fixture, get, items, post, request, span};

/// The most that is read of one body.
const LIMIT: usize = 64 << 20;

#[test]
fn the_health_of_both_http_ports_says_who_is_there() {
    let program = Program::serve(&[]);
    for address in [program.http(), program.sideseat()] {
        let reply = get(address, "/api/v1/health");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        let version = env!("CARGO_PKG_VERSION");
        let health = json!({ "status": "ok", "version": version, "server": "sideseat-tui", "pid": program.pid() });
        assert_eq!(reply.json(), health);
    }
}

#[test]
fn an_answer_is_in_the_encoding_of_its_request() {
    let program = Program::serve(&[]);
    let capture = fixture("bedrock/seed_converse.pb");
    let json = request(&[span(1, 1, "a")]);
    for (content_type, body, answered, says) in [
        ("application/x-protobuf", &capture, "application/x-protobuf", ""),
        ("application/protobuf", &capture, "application/x-protobuf", ""),
        ("application/json", &json, "application/json", "{}"),
        ("Application/JSON; charset=utf-8", &json, "application/json", "{}"),
    ] {
        for (address, path) in [(program.http(), "/v1/traces"), (program.sideseat(), "/otel/default/v1/traces")] {
            let reply = post(address, path, &[("content-type", content_type)], body);
            assert_eq!((reply.status, reply.text().as_str()), (200, says), "{content_type}");
            assert_eq!(reply.header("content-type"), Some(answered), "{content_type}");
        }
    }
}

#[test]
fn a_body_comes_in_any_of_the_compressions_that_senders_use() {
    let mut program = Program::serve(&[]);
    let body = |number| request(&[span(1, number, "packed")]);
    let zlib = |body: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    let deflated = |body: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    for (encoding, body) in [
        ("identity", body(1)),
        ("gzip", gzip(&body(2))),
        ("GZIP", gzip(&body(3))),
        ("deflate", zlib(&body(4))),
        ("deflate", deflated(&body(5))),
        ("zstd", zstd::encode_all(body(6).as_slice(), 3).unwrap()),
    ] {
        let reply = post(program.http(), "/v1/traces", &[JSON, ("content-encoding", encoding)], &body);
        assert_eq!(reply.status, 200, "{encoding}: {}", reply.text());
    }
    program.stop();
    assert_eq!(program.home().spans().len(), 6);
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// What is wrong with a request, its headers and body, the status it gets, and what the reason must say.
type Wrong<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, &'a str);

#[test]
fn a_refused_request_is_told_why_in_its_own_encoding_and_costs_nothing_else() {
    let mut program = Program::serve(&[]);
    let bomb = gzip(&vec![b' '; LIMIT + 1]);
    let tight_bomb = zstd::encode_all(vec![0; LIMIT + 1].as_slice(), 3).unwrap();
    let (zipped, zstded) = (("content-encoding", "gzip"), ("content-encoding", "zstd"));
    let truncated = &fixture("bedrock/seed_converse.pb")[..1000];
    let wrong: &[Wrong] = &[
        ("no protobuf", &[PROTOBUF], b"hello", 400, "not OTLP"),
        ("half a protobuf", &[PROTOBUF], truncated, 400, "not OTLP"),
        ("no JSON", &[JSON], b"{\"resourceSpans\":", 400, "not OTLP"),
        ("another JSON", &[JSON], b"[]", 400, "not OTLP"),
        ("spans that are no list", &[JSON], b"{\"resourceSpans\":{}}", 400, "not OTLP"),
        ("not gzip", &[PROTOBUF, zipped], b"hello", 400, "decompressed"),
        ("another type", &[("content-type", "text/plain")], b"{}", 415, "text/plain"),
        ("no type", &[], b"{}", 415, "content type"),
        ("another encoding", &[JSON, ("content-encoding", "br")], b"{}", 415, "`br`"),
        ("a bomb", &[JSON, zipped], &bomb, 413, "64 MiB"),
        ("a bomb of protobuf", &[PROTOBUF, zstded], &tight_bomb, 413, "64 MiB"),
    ];
    for (what, headers, body, status, says) in wrong {
        let reply = post(program.http(), "/v1/traces", headers, body);
        assert_eq!(reply.status, *status, "{what}: {}", reply.text());
        let is_protobuf = headers.contains(&PROTOBUF);
        let content_type = if is_protobuf { PROTOBUF.1 } else { JSON.1 };
        assert_eq!(reply.header("content-type"), Some(content_type), "{what}");
        assert_eq!(reply.header("retry-after"), None, "{what}: sending it again would not help");
        let told = told(&reply);
        assert!(told.contains(says), "{what}: {told}");
    }
    let announced = (LIMIT + 1).to_string();
    let reply = exchange(program.http(), "POST", "/v1/traces", &[JSON, ("content-length", &announced)], b"").unwrap();
    assert_eq!(reply.status, 413);

    assert_eq!(post(program.http(), "/v1/traces", &[JSON], &request(&[span(1, 1, "good")])).status, 200);
    program.stop();
    assert_eq!(program.home().spans().len(), 1);
}

/// `google.rpc.Status`, in which OTLP over HTTP says what was wrong.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The reason that a refusal gives.
fn told(reply: &Reply) -> String {
    if reply.header("content-type") == Some(PROTOBUF.1) {
        RpcStatus::decode(reply.body.as_slice()).unwrap().message
    } else {
        reply.json()["message"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_sender_at_the_wrong_place_is_told_the_right_one() {
    let program = Program::serve(&[]);
    let long = format!("/otel/{}/v1/traces", "x".repeat(65));
    let grpc = ("content-type", "application/grpc");
    for (method, path, headers, status, says) in [
        ("POST", "/v1/trace", JSON, 404, "/v1/traces"),
        ("POST", "/otel/shop/v1/span/trace", JSON, 404, "/otel/shop/v1/traces"),
        ("POST", "/", JSON, 404, "/v1/traces"),
        ("GET", "/v1/traces", JSON, 405, "POST"),
        ("POST", "/otel/a.b/v1/traces", JSON, 400, "`a.b` is not a project"),
        ("POST", "/otel/a%20b/v1/logs", JSON, 400, "is not a project"),
        ("POST", &long, JSON, 400, "is not a project"),
    ] {
        let headers = [headers, ("content-length", "2")];
        let reply = exchange(program.http(), method, path, &headers, b"{}").unwrap();
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert!(told(&reply).contains(says), "{path}: {}", reply.text());
    }
    let reply = post(program.grpc(), "/v1/traces", &[JSON], b"{}");
    assert_eq!(reply.status, 404);
    assert!(told(&reply).contains(&format!("http://{}", program.http())), "{}", reply.text());
    let reply = post(program.http(), "/v1/traces", &[grpc], b"");
    let told = reply.header("grpc-message").unwrap().replace("%3A", ":").replace("%2F", "/");
    assert!(told.contains(&format!("http://{}", program.grpc())), "{told}");
}

#[test]
fn a_web_page_may_not_send_and_one_of_this_machine_may() {
    let mut program = Program::serve(&[]);
    for (number, (origin, status)) in [
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("http://[::1]:3000", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let body = request(&[span(1, u32::try_from(number).unwrap(), origin)]);
        for port in [program.http(), program.sideseat()] {
            let reply = post(port, "/v1/traces", &[JSON, ("origin", origin)], &body);
            assert_eq!(reply.status, status, "{origin}: {}", reply.text());
        }
    }
    let reply = exchange(program.http(), "GET", "/api/v1/health", &[("origin", "https://evil.example")], b"").unwrap();
    assert_eq!(reply.status, 403);
    program.stop();
    assert_eq!(program.home().spans().len(), 2);
}

/// A request of two good spans with a third between them.
fn with_one_bad(trace: u8, bad: Span) -> Vec<u8> {
    let good = |number: u8| Span { trace_id: vec![trace; 16], span_id: vec![number; 8], ..Span::default() };
    let scope = ScopeSpans { spans: vec![good(1), bad, good(3)], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

/// Requests with one bad span each, and what is wrong with it.
fn with_bad_spans() -> [(&'static str, Vec<u8>); 4] {
    let span = |trace: Vec<u8>, id: Vec<u8>, name: &str| Span {
        trace_id: trace,
        span_id: id,
        name: name.into(),
        ..Span::default()
    };
    let mut not_text = with_one_bad(4, span(vec![4; 16], vec![2; 8], "not UTF-8"));
    let at = not_text.windows(9).position(|bytes| bytes == b"not UTF-8").unwrap();
    not_text[at] = 0xff;
    [
        ("an id of zeroes", with_one_bad(1, span(vec![0; 16], vec![2; 8], ""))),
        ("an id of zeroes", with_one_bad(2, span(vec![2; 16], vec![0; 8], ""))),
        ("an id of 15 bytes", with_one_bad(3, span(vec![3; 15], vec![2; 8], ""))),
        ("UTF-8", not_text),
    ]
}

#[test]
fn one_bad_span_in_a_batch_costs_only_itself() {
    let mut program = Program::serve(&[]);
    for (why, body) in with_bad_spans() {
        let reply = post(program.http(), "/v1/traces", &[PROTOBUF], &body);
        assert_eq!(reply.status, 200, "{why}");
        let partial = ExportTraceServiceResponse::decode(reply.body.as_slice()).unwrap().partial_success.unwrap();
        assert_eq!(partial.rejected_spans, 1, "{why}");
        assert!(partial.error_message.contains(why), "{why}: {}", partial.error_message);
    }
    let mut bad = span(9, 2, "bad");
    bad["spanId"] = json!("abc");
    let reply = post(program.http(), "/v1/traces", &[JSON], &request(&[span(9, 1, "good"), bad]));
    let partial = &reply.json()["partialSuccess"];
    assert_eq!((reply.status, &partial["rejectedSpans"]), (200, &json!("1")));
    assert!(partial["errorMessage"].as_str().unwrap().contains("abc"), "{partial}");
    program.stop();
    assert_eq!(program.home().spans().len(), 4 * 2 + 1);
}

#[test]
fn grpc_says_no_so_that_senders_do_not_send_the_same_again() {
    let mut program = Program::serve(&[]);
    let bomb = gzip(&vec![0; LIMIT + 1]);
    let capture = fixture("bedrock/seed_converse.pb");
    for (what, headers, frame, code, says) in [
        ("no protobuf", &[][..], framed(0, b"hello"), Code::InvalidArgument, "not OTLP"),
        ("half a message", &[], framed(0, &capture)[..500].to_vec(), Code::InvalidArgument, "early"),
        ("half a protobuf", &[], framed(0, &capture[..500]), Code::InvalidArgument, "not OTLP"),
        ("no gzip", &[("grpc-encoding", "gzip")], framed(1, b"hello"), Code::InvalidArgument, "decompressed"),
        ("a bomb", &[("grpc-encoding", "gzip")], framed(1, &bomb), Code::InvalidArgument, "64 MiB"),
        ("another encoding", &[("grpc-encoding", "snappy")], framed(1, b"x"), Code::Unimplemented, "snappy"),
        ("no project", &[("x-sideseat-project-id", "a/b")], framed(0, b""), Code::InvalidArgument, "`a/b`"),
        ("a web page", &[("origin", "https://evil.example")], framed(0, b""), Code::PermissionDenied, "web page"),
    ] {
        let (status, _) = call(program.grpc(), headers, frame);
        assert_eq!(status.code(), code, "{what}: {status:?}");
        assert!(status.message().contains(says), "{what}: {status:?}");
    }
    for (why, body) in with_bad_spans() {
        let (status, reply) = call(program.grpc(), &[], framed(0, &body));
        assert_eq!(status.code(), Code::Ok, "{why}: {status:?}");
        let partial = ExportTraceServiceResponse::decode(reply).unwrap().partial_success.unwrap();
        assert_eq!(partial.rejected_spans, 1, "{why}");
        assert!(partial.error_message.contains(why), "{}", partial.error_message);
    }
    program.stop();
    assert_eq!(program.home().spans().len(), 4 * 2);
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// Calls the trace service with a frame that no client library would send: the status, and the message that came back.
fn call(address: SocketAddr, headers: &[(&str, &str)], frame: Vec<u8>) -> (tonic::Status, Bytes) {
    const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let mut request = Request::post(format!("http://{address}{EXPORT}")).header("content-type", "application/grpc");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(frame))).unwrap();
    Runtime::new().unwrap().block_on(async {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = tonic::Status::from_header_map(&trailers);
        let status = status.or_else(|| tonic::Status::from_header_map(&parts.headers)).unwrap();
        let reply = body.to_bytes();
        (status, reply.slice(reply.len().min(5)..))
    })
}

#[test]
fn a_span_sent_twice_or_first_in_part_is_one_span() {
    let mut program = Program::serve(&[]);
    let send = |spans: &[Value]| {
        let reply = post(program.http(), "/v1/traces", &[JSON], &request(spans));
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"));
    };
    let (twice, whole) = (span(1, 1, "twice"), span(1, 2, "whole"));
    let mut part = whole.clone();
    part["endTimeUnixNano"] = json!("0");
    part["name"] = json!("part");
    send(&[twice.clone(), twice.clone(), part]);
    send(&[twice]);
    send(&[whole]);
    program.stop();
    let spans = program.home().spans();
    let names: Vec<_> = spans.iter().map(|span| (&span["name"], &span["endTimeUnixNano"])).collect();
    let end = json!("1795341130300000000");
    assert_eq!(names, [(&json!("twice"), &end), (&json!("whole"), &end)]);
}

#[test]
fn a_log_record_may_come_before_its_span_and_without_one() {
    let mut program = Program::serve(&[]);
    let spans = span(1, 1, "late");
    let record = |span: Value| {
        json!({ "timeUnixNano": "1795341130200000000", "body": { "stringValue": "b" },
                                       "traceId": spans["traceId"], "spanId": span })
    };
    let records = [record(spans["spanId"].clone()), record(json!("")), json!({ "body": { "stringValue": "lone" } })];
    let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] });
    let reply = post(program.http(), "/v1/logs", &[JSON], logs.to_string().as_bytes());
    assert_eq!((reply.status, reply.text().as_str()), (200, "{}"));
    let bytes = post(program.http(), "/v1/logs", &[PROTOBUF], b"");
    assert_eq!(ExportLogsServiceResponse::decode(bytes.body.as_slice()).unwrap().partial_success, None);
    assert_eq!(post(program.http(), "/v1/traces", &[JSON], &request(&[spans])).status, 200);
    program.stop();
    let (_, logs) = program.home().otlp();
    assert_eq!(items(&logs, ["resourceLogs", "scopeLogs", "logRecords"]).len(), 3);
    let transcript = program.home().transcript();
    assert_eq!(transcript["traces"].as_array().unwrap().len(), 1, "{transcript}");
}
