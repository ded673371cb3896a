//! A client of another instance of this program: is it there, and does it accept an export.
//!
//! An export is sent on as it was received (protobuf stays protobuf, JSON stays JSON). The answer is read back into the
//! [`Accepted`] or the [`Refusal`] that it was made of, so that it can be answered over another protocol.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::timeout;

use crate::{
    config::Secret,
    decode::RpcStatus,
    model::{Program, Value, json},
    receive::{Accepted, Export, Refusal},
};

/// A process on this machine answers within milliseconds, or it is suspended.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
/// Longer than SDKs wait for an answer, so that the SDK gives up first.
const EXPORT_TIMEOUT: Duration = Duration::from_mins(1);
/// Most bytes that are read of an answer, which is a number and a sentence.
const ANSWER_LIMIT: usize = 256 * 1024;

/// The address of an instance that accepts OTLP over HTTP, with a client for it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Instance {
    address: SocketAddr,
    /// What it asks of senders.
    token: Option<Secret>,
    client: Arc<Client<HttpConnector, Full<Bytes>>>,
}

/// What a request for an instance's health shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// An instance of this program answers, with this process id.
    Answers { pid: u32 },
    /// The connection is accepted and nothing is answered in time: the process may be suspended.
    Silent,
    /// Nobody listens, or another program answers.
    NotOurs,
}

/// An export did not reach the instance, or its answer did not come back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the running sideseat-tui does not answer: {0}")]
pub struct Unreachable(String);

impl Instance {
    #[must_use]
    pub fn at(address: SocketAddr, token: Option<Secret>) -> Self {
        Self { address, token, client: Arc::new(Client::builder(TokioExecutor::new()).build_http()) }
    }

    /// Asks for its health; takes a second at most.
    pub async fn health(&self) -> Health {
        let request = Request::get(format!("http://{}/api/v1/health", self.address)).body(Full::default());
        let Ok(request) = request else { return Health::NotOurs };
        let Ok(answer) = timeout(HEALTH_TIMEOUT, self.send(request)).await else { return Health::Silent };
        let Ok((StatusCode::OK, _, body)) = answer else { return Health::NotOurs };
        let health = json::parse_bytes(&body).unwrap_or_default();
        let pid = health.get("pid").and_then(Value::as_count).and_then(|pid| u32::try_from(pid).ok());
        match (health.str("server"), pid) {
            (Some("sideseat-tui"), Some(pid)) => Health::Answers { pid },
            _ => Health::NotOurs,
        }
    }

    /// Sends an export on. The inner result is the instance's answer.
    ///
    /// # Errors
    /// There is no answer. The instance may have stored the export all the same.
    pub async fn export(&self, export: Export) -> Result<Result<Accepted, Refusal>, Unreachable> {
        let Export { signal, project, body, encoding, peer: _, waited: _ } = export;
        let request = self
            .post(&format!("/otel/{project}/v1/{}", signal.path()))
            .header(header::CONTENT_TYPE, encoding.content_type())
            .body(Full::new(body))
            .map_err(|error| Unreachable(error.to_string()))?;
        let nothing = format!("nothing within {} s", EXPORT_TIMEOUT.as_secs());
        let answer = timeout(EXPORT_TIMEOUT, self.send(request)).await.map_err(|_| Unreachable(nothing))?;
        let (status, retry_after, body) = answer.map_err(Unreachable)?;
        Ok(if status.is_success() {
            Ok(Accepted::decode(signal, encoding, &body))
        } else {
            Err(refusal(status, retry_after, &RpcStatus::decode_as(encoding, &body).message))
        })
    }

    /// Says how the program that `run` started is.
    ///
    /// # Errors
    /// There is no answer, or the instance is of a version that takes none of this.
    pub async fn announce(&self, program: &Program) -> Result<(), Unreachable> {
        let body = serde_json::to_vec(program).map_err(|error| Unreachable(error.to_string()))?;
        let request = self
            .post("/api/v1/programs")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .map_err(|error| Unreachable(error.to_string()))?;
        let answer = timeout(HEALTH_TIMEOUT, self.send(request)).await;
        let answer = answer.map_err(|_| Unreachable("nothing in time".to_owned()))?;
        match answer.map_err(Unreachable)? {
            (StatusCode::OK, ..) => Ok(()),
            (status, ..) => Err(Unreachable(status.to_string())),
        }
    }

    /// A request to a path, with the token if one is needed.
    fn post(&self, path: &str) -> http::request::Builder {
        let request = Request::post(format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal())),
            None => request,
        }
    }

    /// The status, the `Retry-After` if there is one, and the body of the answer; or why there is none.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Option<Duration>, Bytes), String> {
        let answer = self.client.request(request).await.map_err(|error| cause(&error))?;
        let (status, retry_after) = (answer.status(), retry_after(&answer));
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        Ok((status, retry_after, body))
    }
}

/// The innermost cause of an error: the outer ones of hyper only say "client error (Connect)".
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn retry_after(answer: &Response<Incoming>) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The refusal that an answer was made of; `message` is that of its status, empty if it has none.
fn refusal(status: StatusCode, retry_after: Option<Duration>, message: &str) -> Refusal {
    let without = |prefix: &str| message.strip_prefix(prefix).unwrap_or(message).to_owned();
    match (status, retry_after) {
        (StatusCode::BAD_REQUEST, _) => Refusal::Malformed(without("the body is not OTLP: ")),
        (StatusCode::PAYLOAD_TOO_LARGE, _) => Refusal::too_large(message),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, _) => Refusal::ContentType(message.to_owned()),
        (StatusCode::UNAUTHORIZED, _) if *message == Refusal::NoToken.to_string() => Refusal::NoToken,
        (StatusCode::UNAUTHORIZED, _) => Refusal::WrongToken,
        (StatusCode::FORBIDDEN, _) => Refusal::Origin(message.to_owned()),
        (StatusCode::NOT_FOUND, _) => Refusal::Path(without("nothing is at this path; ")),
        (StatusCode::INTERNAL_SERVER_ERROR, _) => match message.strip_prefix("the store cannot write: ") {
            Some(why) => Refusal::Disk(why.to_owned()),
            None => Refusal::Panicked,
        },
        (StatusCode::SERVICE_UNAVAILABLE, Some(retry_after)) if message.starts_with("the store is behind") => {
            Refusal::Busy { retry_after }
        }
        _ if message.is_empty() => Refusal::Failing(status.to_string()),
        _ => Refusal::Failing(without("the store cannot write: ")),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::decode::{Encoding, Signal};

    /// Answers one request with this; the task returns the request.
    async fn answering(head: &str, body: &'static str) -> (Instance, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let instance = Instance::at(listener.local_addr().unwrap(), Some(Secret::from("a-token-for-tests".to_owned())));
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
            waited: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn an_export_is_sent_on_under_its_project_and_its_answer_is_read_back() {
        let answer = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}"#;
        let (instance, asked) = answering("200 OK", answer).await;
        let answer = instance.export(export(Encoding::Json)).await.unwrap();
        assert_eq!(answer, Ok(Accepted { rejected: 2, why: "x".into() }));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /otel/shop/v1/traces HTTP/1.1"), "{asked}");
        assert!(asked.to_lowercase().contains("content-type: application/json"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: bearer a-token-for-tests"), "{asked}");
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
        for refused in [Refusal::NoToken, Refusal::WrongToken] {
            assert_eq!(refusal(StatusCode::UNAUTHORIZED, None, &refused.to_string()), refused);
        }
        for refused in [Refusal::TooLarge, Refusal::TooMuch { mib: 4711 }] {
            let read_back = refusal(StatusCode::PAYLOAD_TOO_LARGE, None, &refused.to_string());
            assert_eq!(read_back, refused);
        }
    }

    #[tokio::test]
    async fn only_a_sideseat_tui_answers_for_its_health() {
        let (ours, _) = answering("200 OK", r#"{"status":"ok","server":"sideseat-tui","pid":4242}"#).await;
        assert_eq!(ours.health().await, Health::Answers { pid: 4242 });
        let (other, _) = answering("200 OK", r#"{"status":"ok"}"#).await;
        assert_eq!(other.health().await, Health::NotOurs);
        assert_eq!(ours.health().await, Health::NotOurs, "it is gone now");
    }
}
