use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::model::{Rescue, Timestamp, TraceId};
use crate::receive::{Address, Counts, Protocol, Reason, body::tests as compressed, budget::Budget};

/// Accepts everything, unless it is made with a refusal.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub counts: Arc<Counts>,
    pub accepted: Arc<Mutex<Vec<Export>>>,
    pub refuses: Option<Refusal>,
    pub rejects: u64,
    pub is_failing: bool,
    pub rescue: Option<Rescue>,
}

impl ExportSink for Fake {
    async fn accept(&self, export: Export) -> Result<Accepted, Refusal> {
        self.accepted.lock().unwrap().push(export);
        match &self.refuses {
            Some(refusal) => Err(refusal.clone()),
            None if self.rejects > 0 => Ok(Accepted { rejected: self.rejects, why: "an id of zeroes".into() }),
            None => Ok(Accepted::default()),
        }
    }

    async fn program_ended(&self, _: Vec<TraceId>, _: Timestamp) {}

    fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    fn is_failing(&self) -> bool {
        self.is_failing
    }

    fn rescue(&self) -> Option<Rescue> {
        self.rescue.clone()
    }
}

fn port(protocol: Protocol, sink: Fake) -> Router {
    let at = |what, port| Address { what, ip: Ipv4Addr::LOCALHOST.into(), port, wanted: port, holder: None };
    let addresses = [at(Protocol::Grpc, 4317), at(Protocol::Http, 4318)];
    let addresses = Arc::new(addresses);
    router(Endpoint { sink, budget: Budget::default(), protocol, token: None, screens: None, addresses })
}

fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn sent(sink: &Fake, request: Request) -> (StatusCode, HeaderMap, Bytes) {
    let response = port(Protocol::Http, sink.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
}

async fn status(request: Request) -> u16 {
    sent(&Fake::default(), request).await.0.as_u16()
}

#[tokio::test]
async fn both_paths_and_all_signals_are_taken() {
    let sink = Fake::default();
    for (path, project, signal) in [
        ("/v1/traces", "default", Signal::Traces),
        ("/v1/logs", "default", Signal::Logs),
        ("/v1/metrics", "default", Signal::Metrics),
        ("/otel/my_app-2/v1/traces", "my_app-2", Signal::Traces),
        ("/api/public/otel/v1/traces", "default", Signal::Traces),
    ] {
        assert_eq!(sent(&sink, post(path, &[PROTOBUF], "body")).await.0, 200, "{path}");
        let export = sink.accepted.lock().unwrap().pop().unwrap();
        assert_eq!((export.project.as_str(), export.signal), (project, signal));
        assert_eq!((&export.body[..], export.encoding), (&b"body"[..], Encoding::Protobuf));
    }
}

#[tokio::test]
async fn scores_are_taken_as_log_records_and_a_batch_without_any_is_refused() {
    let sink = Fake::default();
    let score = r#"{"id":"e","type":"score-create","body":{"name":"a","value":1,"traceId":"0123456789abcdef0123456789abcdef"}}"#;
    let spans = r#"{"id":"f","type":"span-create","body":{}}"#;
    let batch = |events: &str| post("/api/public/ingestion", &[JSON], format!(r#"{{"batch":[{events}]}}"#));
    let (status, _, body) = sent(&sink, batch(&format!("{score},{spans}"))).await;
    assert_eq!(status, 207);
    assert!(
        body.starts_with(br#"{"successes":[{"id":"e","status":201}],"errors":[{"id":"f","status":400"#),
        "{body:?}"
    );
    let export = sink.accepted.lock().unwrap().pop().unwrap();
    assert_eq!((export.signal, export.encoding), (Signal::Logs, Encoding::Protobuf));
    assert_eq!(sent(&sink, batch(spans)).await.0, 404);
    assert_eq!(sent(&sink, post("/api/public/ingestion", &[PROTOBUF], "x")).await.0, 415);
    assert!(sink.accepted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_answer_comes_in_the_type_of_the_request() {
    for (content_type, answered) in [
        ("application/x-protobuf", "application/x-protobuf"),
        ("application/protobuf", "application/x-protobuf"),
        ("application/json", "application/json"),
        ("Application/JSON; charset=UTF-8", "application/json"),
    ] {
        let (status, headers, _) =
            sent(&Fake::default(), post("/v1/traces", &[("content-type", content_type)], "")).await;
        assert_eq!((status.as_u16(), headers[header::CONTENT_TYPE].to_str().unwrap()), (200, answered));
    }
}

#[tokio::test]
async fn other_types_and_encodings_are_unsupported() {
    for content_type in ["text/plain", "application/json; charset=utf-16", "", "application/x-protobuf2"] {
        assert_eq!(status(post("/v1/traces", &[("content-type", content_type)], "")).await, 415, "{content_type}");
    }
    assert_eq!(status(post("/v1/traces", &[], "")).await, 415);
    let sink = Fake::default();
    let (status, headers, _) = sent(&sink, post("/v1/traces", &[JSON, ("content-encoding", "br")], "")).await;
    assert_eq!((status.as_u16(), headers["accept-encoding"].to_str().unwrap()), (415, "gzip, deflate, zstd"));
    assert_eq!(sink.counts.snapshot().refused, [(Reason::WrongType, 1)]);
}

#[tokio::test]
async fn compressed_bodies_arrive_decompressed() {
    let sink = Fake::default();
    for (name, body) in [("gzip", compressed::gzip(b"spans")), ("zstd", compressed::zstd(b"spans"))] {
        let request = post("/v1/traces", &[PROTOBUF, ("content-encoding", name)], body);
        assert_eq!(sent(&sink, request).await.0, 200);
        assert_eq!(sink.accepted.lock().unwrap().pop().unwrap().body, "spans");
    }
}

#[tokio::test]
async fn a_bomb_and_an_announced_giant_are_too_large() {
    let bomb = compressed::gzip(&vec![0; budget::BODY + 1]);
    assert_eq!(status(post("/v1/traces", &[PROTOBUF, ("content-encoding", "gzip")], bomb)).await, 413);
    assert_eq!(status(post("/v1/traces", &[PROTOBUF], vec![0; budget::BODY + 1])).await, 413);
}

#[tokio::test]
async fn a_refusal_is_a_status_in_the_type_of_the_request() {
    let sink = Fake { refuses: Some(Refusal::Malformed("span 2 ends early".into())), ..Fake::default() };
    let (status, _, body) = sent(&sink, post("/v1/traces", &[JSON], "{")).await;
    assert_eq!(status, 400);
    assert_eq!(body, r#"{"code":3,"message":"the body is not OTLP: span 2 ends early"}"#);
    let (_, headers, body) = sent(&sink, post("/v1/traces", &[PROTOBUF], "{")).await;
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-protobuf");
    assert_eq!((body[0], body[1], body[2]), (8, 3, 18));
    let refused = &sink.counts.snapshot().last_refused[0];
    assert_eq!((refused.path.as_str(), refused.reason), ("/v1/traces", Reason::Malformed));
}

#[tokio::test]
async fn a_busy_store_says_when_to_come_back() {
    let wait = std::time::Duration::from_mins(1);
    let sink = Fake { refuses: Some(Refusal::Busy { retry_after: wait }), ..Fake::default() };
    let (status, headers, _) = sent(&sink, post("/v1/traces", &[PROTOBUF], "")).await;
    assert_eq!((status.as_u16(), headers["retry-after"].to_str().unwrap()), (503, "5"));
}

#[tokio::test]
async fn a_wrong_project_path_or_method_is_named() {
    assert_eq!(status(post("/otel/a.b/v1/traces", &[PROTOBUF], "")).await, 400);
    assert_eq!(status(Request::get("/v1/traces").body(Body::empty()).unwrap()).await, 405);
    for (path, expected) in [
        ("/v1/trace", "the path is /v1/traces"),
        ("/v1/logs/v1/logs", "the path is /v1/logs"),
        ("/otel/shop/v1/trace", "the path is /otel/shop/v1/traces"),
        ("/", "POST /v1/traces"),
    ] {
        let (status, _, body) = sent(&Fake::default(), post(path, &[JSON], "")).await;
        assert_eq!(status, 404, "{path}");
        assert!(String::from_utf8_lossy(&body).contains(expected), "{path}: {body:?}");
    }
}

#[tokio::test]
async fn health_says_who_answers() {
    let (status, _, body) = sent(&Fake::default(), Request::get("/api/v1/health").body(Body::empty()).unwrap()).await;
    let health: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &health["status"], &health["server"]), (200, &"ok".into(), &"sideseat-tui".into()));
    assert_eq!(health["pid"], std::process::id());
    let failing = Fake { is_failing: true, ..Fake::default() };
    let (status, _, body) = sent(&failing, Request::get("/api/v1/health").body(Body::empty()).unwrap()).await;
    let health: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &health["status"]), (200, &"failing".into()));
    assert!(health.get("rescue").is_none());
    for (rescue, word) in [
        (Rescue::Running, "running"),
        (Rescue::Failed("/home/me is full".into()), "failed"),
        (Rescue::GivenUp("remove /home/me/a".into()), "given-up"),
    ] {
        let damaged = Fake { rescue: Some(rescue.clone()), ..Fake::default() };
        let (status, _, body) = sent(&damaged, Request::get("/api/v1/health").body(Body::empty()).unwrap()).await;
        let health: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &health["status"], &health["rescue"]), (200, &"ok".into(), &word.into()));
        assert_eq!(health["advice"], rescue.advice());
        assert!(!String::from_utf8_lossy(&body).contains("/home/me"));
    }
}

#[tokio::test]
async fn a_program_is_announced_by_this_machine_alone() {
    let program =
        r#"{"id":{"pid":812,"started":1},"command":"python agent.py","traces":0,"newest":[],"records":0,"ended":null}"#;
    let from = |address: [u8; 4]| {
        let mut request = post("/api/v1/programs", &[JSON], program);
        request.extensions_mut().insert(crate::receive::admission::Peer((address, 50_000).into()));
        request
    };
    let sink = Fake::default();
    assert_eq!(sent(&sink, from([10, 0, 0, 7])).await.0, 404);
    assert_eq!(sink.counts.programs.list(Instant::now()), []);
    assert_eq!(sent(&sink, from([127, 0, 0, 1])).await.0, 200);
    assert_eq!(sink.counts.programs.list(Instant::now())[0].command, "python agent.py");
    let mut odd = from([127, 0, 0, 1]);
    *odd.body_mut() = Body::from("[1]");
    assert_eq!(sent(&sink, odd).await.0, 400);
}

#[tokio::test]
async fn pages_of_this_machine_may_send_and_others_may_not() {
    for (origin, answered) in [
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://[::1]:8080", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://127.0.0.1.evil.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        assert_eq!(status(post("/v1/traces", &[PROTOBUF, ("origin", origin)], "")).await, answered, "{origin}");
    }
}

#[tokio::test]
async fn who_comes_to_the_wrong_port_is_told_the_right_one() {
    let grpc = ("content-type", "application/grpc");
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let response = port(Protocol::Http, Fake::default()).oneshot(post(path, &[grpc], "")).await.unwrap();
    let status = tonic::Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
    assert!(status.message().contains("127.0.0.1:4317"), "{status:?}");

    let response = port(Protocol::Grpc, Fake::default()).oneshot(post("/v1/traces", &[JSON], "{}")).await.unwrap();
    assert_eq!(response.status(), 404);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("http://127.0.0.1:4318"), "{body:?}");
}

#[tokio::test]
async fn one_port_can_speak_both() {
    let request = post("/v1/traces", &[PROTOBUF], "");
    assert_eq!(port(Protocol::Any, Fake::default()).oneshot(request).await.unwrap().status(), 200);
}
