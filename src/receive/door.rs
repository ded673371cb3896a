//! The door of a port: who is let in, and how everyone else is told why not.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, Uri, Version, header},
    middleware::Next,
};

use super::{
    Address, Protocol, Refusal, Taker,
    body::{self, Budget},
};
use crate::decode::Encoding;

/// What every request is answered with.
#[derive(Clone)]
pub(super) struct Door<T> {
    pub taker: T,
    pub budget: Budget,
    /// What this port speaks.
    pub protocol: Protocol,
    /// All ports, to name the right one to who came to the wrong one.
    pub addresses: Arc<[Address]>,
}

/// Who is on the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

/// What a refusal needs to know of a request.
pub(super) struct Caller {
    pub peer: SocketAddr,
    pub path: String,
    wire: Wire,
    version: Version,
    /// It waits for our word before it sends its body.
    waits: bool,
}

/// In which form an answer goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Http(Encoding),
    Grpc,
}

impl Caller {
    pub(super) fn of(request: &Request) -> Self {
        let unknown = SocketAddr::from((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        let headers = request.headers();
        let wire = match encoding(headers) {
            _ if is_grpc(headers) => Wire::Grpc,
            Ok(encoding) => Wire::Http(encoding),
            // Who sends neither is most likely a person.
            Err(_) => Wire::Http(Encoding::Json),
        };
        Self {
            peer: request.extensions().get::<Peer>().map_or(unknown, |peer| peer.0),
            path: request.uri().path().to_owned(),
            wire,
            version: request.version(),
            waits: headers.contains_key(header::EXPECT),
        }
    }
}

impl<T: Taker> Door<T> {
    /// Counts a refusal and puts it into the caller's words.
    pub(super) fn refuse(&self, caller: &Caller, refusal: &Refusal, unread: Body) -> Response<Body> {
        self.taker.counts().refused(refusal.reason(), 1, caller.peer, &caller.path, &refusal.to_string());
        if caller.version < Version::HTTP_2 && !caller.waits {
            body::drain(unread);
        }
        match caller.wire {
            Wire::Grpc => refusal.over_grpc(),
            Wire::Http(encoding) => refusal.over_http(encoding),
        }
    }

    pub(super) fn refuse_whole(&self, refusal: &Refusal, request: Request) -> Response<Body> {
        let caller = Caller::of(&request);
        self.refuse(&caller, refusal, request.into_body())
    }

    /// `HTTP is at http://127.0.0.1:4318`, of the first port that will do.
    fn directions(&self, name: &str, will_do: impl Fn(Protocol) -> bool) -> String {
        match self.addresses.iter().find(|address| will_do(address.what)) {
            Some(address) => format!("{name} is at http://{}", address.socket()),
            None => format!("{name} is switched off"),
        }
    }
}

/// Refuses web pages, and who speaks another protocol than the port.
pub(super) async fn turn_away<T: Taker>(State(door): State<Door<T>>, request: Request, next: Next) -> Response<Body> {
    // A page from anywhere can make a browser post to a loopback port, and DNS can be made to call that
    // port its own. Browsers say where a page is from; SDKs say nothing.
    if let Some(origin) = request.headers().get(header::ORIGIN)
        && !is_loopback(origin)
    {
        let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
        return door.refuse_whole(&Refusal::Origin(origin), request);
    }
    let is_grpc = is_grpc(request.headers());
    if is_grpc && !door.protocol.is_grpc() {
        let way = door.directions("gRPC", Protocol::is_grpc);
        return door.refuse_whole(&Refusal::Path(format!("this port speaks OTLP over HTTP, {way}")), request);
    }
    if !is_grpc && !door.protocol.is_http() {
        let way = door.directions("OTLP over HTTP", Protocol::is_http);
        return door.refuse_whole(&Refusal::Path(format!("this port speaks gRPC, {way}")), request);
    }
    next.run(request).await
}

/// Whether an `Origin` is a page served by this machine.
fn is_loopback(origin: &HeaderValue) -> bool {
    let Some(uri) = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()) else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    here && matches!(uri.scheme_str(), Some("http" | "https"))
}

/// Whether a request is gRPC, of whatever kind.
fn is_grpc(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|name| name.starts_with("application/grpc"))
}

/// The encoding that a content type names.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let unknown = || Refusal::ContentType(content_type.to_owned());
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
        "application/json" => {
            let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
            let is_utf8 = charset.is_none_or(|name| {
                let name = name.trim_matches('"');
                ["utf-8", "utf8", "us-ascii"].iter().any(|known| known.eq_ignore_ascii_case(name))
            });
            if is_utf8 { Ok(Encoding::Json) } else { Err(unknown()) }
        }
        _ => Err(unknown()),
    }
}

/// A header's value; what is no text counts as `?`, which is no type, no encoding and no project.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_known_by_its_content_type() {
        let of = |value: &'static str| {
            is_grpc(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]))
        };
        assert!(of("application/grpc") && of("application/grpc+proto") && of("application/grpc-web"));
        assert!(!of("application/json") && !is_grpc(&HeaderMap::new()));
    }
}
