//! Connections: accepts them, serves HTTP/1 or HTTP/2, whichever the client begins with, and closes them in order.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    ExportSink, Listeners, Protocol,
    admission::{Endpoint, Peer},
    budget::Budget,
    connections::{Connection, Connections, IDLE, begun},
    counts::Counts,
    http::router,
};

/// How long requests that were begun may take after [`Serving::close`].
const CLOSING: Duration = Duration::from_secs(5);
/// The tasks that serve the ports, until they are [closed](Self::close).
#[derive(Debug)]
pub struct Serving {
    closing: CancellationToken,
    accepting: Vec<JoinHandle<()>>,
}

impl Serving {
    /// Accepts nothing new, gives requests that were begun a few seconds to finish, and closes the ports.
    pub async fn close(self) {
        self.closing.cancel();
        for accepting in self.accepting {
            // A task that panicked has nothing left to finish.
            let _ = accepting.await;
        }
    }
}

impl Listeners {
    /// Serves every port; call it within a tokio runtime.
    #[expect(clippy::needless_pass_by_value, reason = "each port has its own, and the caller needs none")]
    pub fn serve<T: ExportSink>(self, sink: T) -> Serving {
        let closing = CancellationToken::new();
        let addresses: Arc<[_]> = self.addresses().into();
        let budget = Budget::default();
        let mut accepting = Vec::new();
        if self.token.is_some() {
            sink.counts().need_token();
        }
        for listening in self.listening {
            let protocol = listening.address.what;
            let counts = Arc::clone(sink.counts());
            let addresses = Arc::clone(&addresses);
            let (token, screens) = (self.token.clone(), self.screens.clone());
            let router =
                router(Endpoint { sink: sink.clone(), budget: budget.clone(), protocol, token, screens, addresses });
            let port = Port { protocol, router, counts, builder: builder() };
            let connections = Arc::new(Connections::default());
            for socket in listening.sockets {
                let connections = Arc::clone(&connections);
                accepting.push(tokio::spawn(accept(socket, port.clone(), connections, closing.clone())));
            }
        }
        Serving { closing, accepting }
    }
}

/// What serves the connections of one port.
#[derive(Clone)]
struct Port {
    protocol: Protocol,
    router: Router,
    counts: Arc<Counts>,
    builder: Builder<TokioExecutor>,
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // A connection keeps what it has read of a body that waits for its turn: by default up to 400 KiB.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(64 << 10);
    // With HTTP/2's default windows a sender of large batches would have to wait for an acknowledgement at every 64 KiB. Of
    // larger ones much would be here of bodies that wait for their turn.
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(IDLE)
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_frame_size(256 << 10)
        .max_concurrent_streams(256);
    builder
}

async fn accept(socket: TcpListener, port: Port, places: Arc<Connections>, closing: CancellationToken) {
    let mut connections = JoinSet::new();
    // The place is taken after a connection has come, so that an idle port makes no other connection go.
    let next = async || {
        let accepted = socket.accept().await;
        Some((accepted, places.place().await?))
    };
    while let Some(Some((accepted, place))) = closing.run_until_cancelled(next()).await {
        match accepted {
            Ok((stream, peer)) => {
                let (port, closing) = (port.clone(), closing.clone());
                connections.spawn(async move {
                    port.serve(stream, Peer(peer), &place.connection, closing).await;
                });
            }
            // Most likely the process has no file descriptor left, and would not have one at once.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

impl Port {
    /// Serves one connection until its client or this program ends it.
    async fn serve(self, stream: TcpStream, peer: Peer, connection: &Arc<Connection>, closing: CancellationToken) {
        let _open = self.counts.opened(self.protocol);
        // The answer is a few bytes, which must not wait for more to be sent with them.
        let _ = stream.set_nodelay(true);
        let stream = tokio::select! {
            stream = begun(stream) => stream,
            () = closing.cancelled() => None,
            () = connection.must_go() => None,
        };
        let Some(stream) = stream else { return };
        let (router, requests) = (self.router, Arc::clone(connection));
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let (under_way, answer) = (requests.request(), router.clone().oneshot(request));
            async move {
                let answer = answer.await;
                drop(under_way);
                answer
            }
        });
        let serving = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => Some(ended),
            () = closing.cancelled() => None,
            () = connection.must_go() => None,
        };
        let ended = if let Some(ended) = ended {
            Ok(ended)
        } else {
            serving.as_mut().graceful_shutdown();
            time::timeout(CLOSING, serving).await
        };
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(peer = %peer.0, %error, "a connection ended early"),
            Err(_) => tracing::debug!(peer = %peer.0, "a connection was closed before all was answered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use hyper_util::client::legacy::Client;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tonic::{Code, Status};

    use super::*;
    use crate::{
        decode::Signal,
        receive::{Reason, Token, body::tests as compressed, budget::BODY, http::tests::Fake},
    };

    const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    async fn serving(sink: &Fake) -> (Serving, SocketAddr) {
        let listeners = Listeners::single().await.unwrap();
        let address = listeners.addresses()[0].socket();
        (listeners.serve(sink.clone()), address)
    }

    fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[flag], &length[..], message].concat()
    }

    /// Calls over HTTP/2 as a gRPC client does: the status, and the reply's message.
    async fn call(address: SocketAddr, headers: &[(&str, &str)], frame: Vec<u8>) -> (Status, Bytes) {
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
        let mut request = Request::post(format!("http://{address}{EXPORT}")).header("content-type", "application/grpc");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = client.request(request.body(Full::new(frame.into())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&parts.headers));
        (status.unwrap(), body.to_bytes())
    }

    #[tokio::test]
    async fn grpc_takes_plain_gzip_and_zstd() {
        let sink = Fake::default();
        let (serving, address) = serving(&sink).await;
        for (headers, frame) in [
            (&[][..], framed(0, b"spans")),
            (&[("grpc-encoding", "gzip")], framed(1, &compressed::gzip(b"spans"))),
            (&[("grpc-encoding", "gzip")], framed(0, b"spans")),
            (&[("grpc-encoding", "zstd"), ("x-sideseat-project-id", "shop")], framed(1, &compressed::zstd(b"spans"))),
        ] {
            let (status, reply) = call(address, headers, frame).await;
            assert_eq!((status.code(), &reply[..5]), (Code::Ok, &[0, 0, 0, 0, 0][..]), "{headers:?}: {status:?}");
        }
        let exports = sink.accepted.lock().unwrap().clone();
        assert!(exports.iter().all(|export| export.body == "spans" && export.signal == Signal::Traces));
        assert_eq!(exports.last().unwrap().project.as_str(), "shop");
        serving.close().await;
    }

    #[tokio::test]
    async fn grpc_refusals_are_never_ones_that_clients_retry() {
        let (serving, address) = serving(&Fake::default()).await;
        let bomb = compressed::gzip(&vec![0; BODY + 1]);
        for (headers, frame) in [
            (&[("grpc-encoding", "gzip")][..], framed(1, &bomb)),
            (&[("grpc-encoding", "gzip")], framed(1, b"no gzip")),
            (&[], framed(1, b"no encoding")),
            (&[], framed(0, b"spans")[..7].to_vec()),
            (&[], framed(0, &vec![0; BODY + 1])),
            (&[("x-sideseat-project-id", "a/b")], framed(0, b"spans")),
        ] {
            let (status, _) = call(address, headers, frame).await;
            assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        }
        let (status, _) = call(address, &[("grpc-encoding", "snappy")], framed(1, b"spans")).await;
        assert_eq!(status.code(), Code::Unimplemented);
        serving.close().await;
    }

    #[tokio::test]
    async fn grpc_says_what_was_rejected_and_when_the_store_is_behind() {
        let sink = Fake { rejects: 2, ..Fake::default() };
        let (serving, address) = serving(&sink).await;
        let (status, reply) = call(address, &[], framed(0, b"spans")).await;
        assert_eq!(status.code(), Code::Ok);
        assert!(String::from_utf8_lossy(&reply).contains("an id of zeroes"));
        serving.close().await;

        let busy = super::super::Refusal::Busy { retry_after: Duration::from_secs(1) };
        let (serving, address) = self::serving(&Fake { refuses: Some(busy), ..Fake::default() }).await;
        assert_eq!(call(address, &[], framed(0, b"spans")).await.0.code(), Code::Unavailable);
        serving.close().await;
    }

    #[tokio::test]
    async fn where_there_is_a_token_grpc_needs_it_and_who_has_none_is_counted() {
        let sink = Fake::default();
        let mut listeners = Listeners::single().await.unwrap();
        listeners.token = Some(Token::new("a-token"));
        let address = listeners.addresses()[0].socket();
        let serving = listeners.serve(sink.clone());
        let (status, _) = call(address, &[], framed(0, b"spans")).await;
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains("OTEL_EXPORTER_OTLP_HEADERS"), "{status:?}");
        let (status, _) = call(address, &[("authorization", "Bearer another")], framed(0, b"spans")).await;
        assert_eq!(status.code(), Code::Unauthenticated);
        let (status, _) = call(address, &[("authorization", "Bearer a-token")], framed(0, b"spans")).await;
        assert_eq!(status.code(), Code::Ok);
        let seen = sink.counts.snapshot();
        assert_eq!((seen.refused, seen.needs_token), (vec![(Reason::NoToken, 1), (Reason::WrongToken, 1)], true));
        assert_eq!(sink.accepted.lock().unwrap().len(), 1);
        serving.close().await;
    }

    /// What a client reads that writes its whole request first, as most do.
    async fn posted(address: SocketAddr, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_client_sees_why_its_giant_was_refused_though_it_was_still_sending() {
        let sink = Fake::default();
        let (serving, address) = serving(&sink).await;
        let giant = vec![0; BODY + (8 << 20)];
        let head = format!(
            "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            giant.len()
        );
        let answer = posted(address, &head, &giant).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("at most 64 MiB"), "{answer}");
        assert!(sink.accepted.lock().unwrap().is_empty());
        serving.close().await;
    }

    #[tokio::test]
    async fn http_and_health_are_on_the_same_port_and_know_their_peer() {
        let sink = Fake::default();
        let (serving, address) = serving(&sink).await;
        let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                    content-type: application/json\r\ncontent-length: 2\r\n\r\n";
        assert!(posted(address, head, b"{}").await.starts_with("HTTP/1.1 200 "));
        assert!(sink.accepted.lock().unwrap()[0].peer.ip().is_loopback());
        let health =
            posted(address, "GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", b"").await;
        assert!(health.contains(r#""server":"sideseat-tui""#), "{health}");
        serving.close().await;
    }

    #[tokio::test]
    async fn connections_that_send_one_byte_keep_nobody_out() {
        let (serving, address) = serving(&Fake::default()).await;
        let mut silent = Vec::new();
        for _ in 0..300 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"P").await.unwrap();
            silent.push(stream);
        }
        let head = "GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        assert!(posted(address, head, b"").await.starts_with("HTTP/1.1 200 "));
        let (status, _) = call(address, &[], framed(0, b"spans")).await;
        assert_eq!(status.code(), Code::Ok);
        serving.close().await;
    }

    #[tokio::test]
    async fn closing_lets_go_of_idle_connections_and_of_the_port() {
        let sink = Fake::default();
        let (serving, address) = serving(&sink).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert!(idle.read(&mut [0; 512]).await.unwrap() > 0);
        let open = sink.counts().snapshot().open;
        assert!(open.contains(&(Protocol::Any, 2)), "{open:?}");
        let before = time::Instant::now();
        serving.close().await;
        assert!(before.elapsed() < CLOSING, "{:?}", before.elapsed());
        assert_eq!(idle.read(&mut [0; 512]).await.unwrap(), 0);
        let _ = silent.read(&mut [0; 512]).await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
