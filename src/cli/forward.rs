//! Talks to a running instance over HTTP: is it there, and would it take this export.
//!
//! An export is passed on as it came (protobuf stays protobuf, JSON stays JSON), and what is answered becomes again
//! what the instance meant by it, so that it can be said on another wire.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use prost::Message;
use tokio::time::timeout;

use crate::{
    decode::{Encoding, Signal},
    model::{Value, json},
    receive::{Accepted, Export, Refusal},
};

/// Loopback answers at once or not at all.
const HEALTH_PATIENCE: Duration = Duration::from_secs(1);
/// Longer than a sender waits, so that the sender's patience decides.
const EXPORT_PATIENCE: Duration = Duration::from_mins(1);
/// An answer is a number and a sentence.
const ANSWER_LIMIT: usize = 256 * 1024;

/// A running instance that takes OTLP over HTTP.
#[derive(Debug, Clone)]
pub struct Instance {
    address: SocketAddr,
    client: Arc<Client<HttpConnector, Full<Bytes>>>,
}

/// What became of asking for an instance's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// A sideseat-tui of this process id.
    Beats { pid: u32 },
    /// Somebody listens, and says nothing: it may be suspended.
    Silent,
    /// Nobody listens, or somebody else does.
    Stranger,
}

/// An export did not reach the instance, or its answer did not come back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the running sideseat-tui does not answer: {0}")]
pub struct Unreachable(String);

impl Instance {
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self { address, client: Arc::new(Client::builder(TokioExecutor::new()).build_http()) }
    }

    /// Asks whether it is there.
    pub async fn pulse(&self) -> Pulse {
        let request = Request::get(format!("http://{}/api/v1/health", self.address)).body(Full::default());
        let Ok(request) = request else { return Pulse::Stranger };
        let Ok(answer) = timeout(HEALTH_PATIENCE, self.send(request)).await else { return Pulse::Silent };
        let Ok((StatusCode::OK, _, body)) = answer else { return Pulse::Stranger };
        let health = json::parse_bytes(&body).unwrap_or_default();
        let pid = health.get("pid").and_then(Value::as_count).and_then(|pid| u32::try_from(pid).ok());
        match (health.str("server"), pid) {
            (Some("sideseat-tui"), Some(pid)) => Pulse::Beats { pid },
            _ => Pulse::Stranger,
        }
    }

    /// Passes one export on, and gives what the instance said to it.
    pub async fn export(&self, export: Export) -> Result<Result<Accepted, Refusal>, Unreachable> {
        let Export { signal, project, body, encoding, peer: _ } = export;
        let path = match signal {
            Signal::Traces => "traces",
            Signal::Logs => "logs",
            Signal::Metrics => "metrics",
        };
        let kind = match encoding {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        };
        let request = Request::post(format!("http://{}/otel/{project}/v1/{path}", self.address))
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(body))
            .map_err(|error| Unreachable(error.to_string()))?;
        let patience = format!("nothing within {} s", EXPORT_PATIENCE.as_secs());
        let answer = timeout(EXPORT_PATIENCE, self.send(request)).await.map_err(|_| Unreachable(patience))?;
        let (status, retry_after, body) = answer.map_err(Unreachable)?;
        Ok(if status.is_success() {
            Ok(accepted(encoding, &body))
        } else {
            Err(refusal(status, retry_after, &said(encoding, &body)))
        })
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Option<Duration>, Bytes), String> {
        let answer = self.client.request(request).await.map_err(|error| cause(&error))?;
        let (status, retry_after) = (answer.status(), retry_after(&answer));
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        Ok((status, retry_after, body))
    }
}

/// hyper says "client error (Connect)" and keeps the reason beneath.
fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(beneath) = deepest.source() {
        deepest = beneath;
    }
    deepest.to_string()
}

fn retry_after(answer: &Response<Incoming>) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn accepted(encoding: Encoding, body: &[u8]) -> Accepted {
    let partial = match encoding {
        Encoding::Protobuf => ExportResponse::decode(body).unwrap_or_default().partial_success.unwrap_or_default(),
        Encoding::Json => partial_of_json(&json::parse_bytes(body).unwrap_or_default()),
    };
    Accepted { rejected: u64::try_from(partial.rejected).unwrap_or(0), why: partial.error_message }
}

/// What a refusal says in words.
fn said(encoding: Encoding, body: &[u8]) -> String {
    match encoding {
        Encoding::Protobuf => RpcStatus::decode(body).map(|status| status.message).unwrap_or_default(),
        Encoding::Json => json::parse_bytes(body).unwrap_or_default().str("message").unwrap_or("").to_owned(),
    }
}

/// The refusal that this answer was made of.
fn refusal(status: StatusCode, retry_after: Option<Duration>, said: &str) -> Refusal {
    let after = |preface: &str| said.strip_prefix(preface).unwrap_or(said).to_owned();
    match (status, retry_after) {
        (StatusCode::BAD_REQUEST, _) => Refusal::Malformed(after("the body is not OTLP: ")),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => Refusal::TooLarge,
        (StatusCode::SERVICE_UNAVAILABLE, Some(retry_after)) if said.starts_with("the store is behind") => {
            Refusal::Busy { retry_after }
        }
        _ if said.is_empty() => Refusal::Failing(status.to_string()),
        _ => Refusal::Failing(after("the store cannot write: ")),
    }
}

/// `rejectedSpans`, `rejectedLogRecords` or `rejectedDataPoints`, by signal.
fn partial_of_json(answer: &Value) -> PartialSuccess {
    let Some(partial) = answer.get("partialSuccess") else { return PartialSuccess::default() };
    let entries = partial.as_map().unwrap_or_default();
    let rejected = entries.iter().find(|(name, _)| name.starts_with("rejected"));
    let rejected = rejected.and_then(|(_, number)| number.as_count()).unwrap_or(0);
    PartialSuccess {
        rejected: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: partial.str("errorMessage").unwrap_or("").to_owned(),
    }
}

/// `ExportTraceServiceResponse`, and those of logs and metrics, which differ in names only.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`, in which OTLP over HTTP says what was wrong.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(string, tag = "2")]
    message: String,
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request with this and gives what it was asked.
    async fn answering(head: &str, body: &'static str) -> (Instance, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let instance = Instance::at(listener.local_addr().unwrap());
        let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (instance, asked)
    }

    fn export(encoding: Encoding) -> Export {
        Export {
            signal: Signal::Traces,
            project: "shop".parse().unwrap(),
            body: Bytes::from_static(b"{}"),
            encoding,
            peer: "127.0.0.1:1".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn an_export_is_passed_on_under_its_project_and_its_answer_comes_back() {
        let answer = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}"#;
        let (instance, asked) = answering("200 OK", answer).await;
        let answer = instance.export(export(Encoding::Json)).await.unwrap();
        assert_eq!(answer, Ok(Accepted { rejected: 2, why: "x".into() }));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /otel/shop/v1/traces HTTP/1.1"), "{asked}");
        assert!(asked.to_lowercase().contains("content-type: application/json"), "{asked}");
    }

    #[tokio::test]
    async fn a_refusal_comes_back_as_what_it_was() {
        let retry_after = Duration::from_secs(2);
        let (instance, _) = answering("503 Busy\r\nretry-after: 2", "\x12\x13the store is behind").await;
        let answer = instance.export(export(Encoding::Protobuf)).await.unwrap();
        assert_eq!(answer, Err(Refusal::Busy { retry_after }));
        let (instance, _) = answering("400 Bad", r#"{"code":3,"message":"the body is not OTLP: no"}"#).await;
        let answer = instance.export(export(Encoding::Json)).await.unwrap();
        assert_eq!(answer, Err(Refusal::Malformed("no".into())));
        let (instance, _) = answering("502 Bad Gateway", "").await;
        let answer = instance.export(export(Encoding::Json)).await.unwrap();
        assert_eq!(answer, Err(Refusal::Failing("502 Bad Gateway".into())));
        assert!(instance.export(export(Encoding::Json)).await.is_err(), "it is gone now");
    }

    #[tokio::test]
    async fn only_a_sideseat_tui_has_a_pulse() {
        let (ours, _) = answering("200 OK", r#"{"status":"ok","server":"sideseat-tui","pid":4242}"#).await;
        assert_eq!(ours.pulse().await, Pulse::Beats { pid: 4242 });
        let (other, _) = answering("200 OK", r#"{"status":"ok"}"#).await;
        assert_eq!(other.pulse().await, Pulse::Stranger);
        assert_eq!(ours.pulse().await, Pulse::Stranger, "it is gone now");
    }
}
