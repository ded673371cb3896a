//! Which requests a port answers, and how the others are refused.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, Version, header},
    middleware::Next,
};

use super::{Address, ExportSink, Protocol, Refusal, Screens, Token, body, budget::Budget};
use crate::decode::Encoding;

/// The path of the health check.
pub(super) const HEALTH: &str = "/api/v1/health";

/// What the handlers of one port share.
#[derive(Clone)]
pub(super) struct Endpoint<T> {
    /// Where exports go.
    pub sink: T,
    /// The memory that bodies may take, shared by all ports.
    pub budget: Budget,
    /// The protocol of this port.
    pub protocol: Protocol,
    /// What requests need; `None` where only this machine reaches the ports.
    pub token: Option<Token>,
    /// Takes the connections of screens that attach.
    pub screens: Option<Screens>,
    /// All ports, so that a refusal can name the right one.
    pub addresses: Arc<[Address]>,
}

/// The address of the other end of a connection, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

/// What a refusal needs to know of a request.
pub(super) struct Caller {
    pub peer: SocketAddr,
    pub path: String,
    form: ReplyForm,
    version: Version,
    /// The request has an `Expect` header: its body is sent only if it is asked for.
    expects_continue: bool,
}

/// In which form a refusal is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplyForm {
    Http(Encoding),
    Grpc,
}

impl Caller {
    pub(super) fn of(request: &Request) -> Self {
        let unknown = SocketAddr::from((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        let headers = request.headers();
        let form = match encoding(headers) {
            _ if is_grpc(headers) => ReplyForm::Grpc,
            Ok(encoding) => ReplyForm::Http(encoding),
            // A request without one of OTLP's content types is most likely made by a person, who can read JSON.
            Err(_) => ReplyForm::Http(Encoding::Json),
        };
        Self {
            peer: request.extensions().get::<Peer>().map_or(unknown, |peer| peer.0),
            path: request.uri().path().to_owned(),
            form,
            version: request.version(),
            expects_continue: headers.contains_key(header::EXPECT),
        }
    }
}

impl<T: ExportSink> Endpoint<T> {
    /// Counts a refusal and answers it in the form that the caller reads. `unread` is what is left of the body.
    pub(super) fn refuse(&self, caller: &Caller, refusal: &Refusal, unread: Body) -> Response<Body> {
        self.sink.counts().refused(refusal.reason(), 1, caller.peer, &caller.path, &refusal.to_string());
        if caller.version < Version::HTTP_2 && !caller.expects_continue {
            body::drain(unread);
        }
        match caller.form {
            ReplyForm::Grpc => refusal.grpc_response(),
            ReplyForm::Http(encoding) => refusal.http_response(encoding),
        }
    }

    /// The same for a request of which nothing was read yet.
    pub(super) fn refuse_whole(&self, refusal: &Refusal, request: Request) -> Response<Body> {
        let caller = Caller::of(&request);
        self.refuse(&caller, refusal, request.into_body())
    }

    /// Names the first port with a protocol that `fits`: `HTTP is at http://127.0.0.1:4318`.
    fn directions(&self, name: &str, fits: impl Fn(Protocol) -> bool) -> String {
        match self.addresses.iter().find(|address| fits(address.what)) {
            Some(address) => format!("{name} is at http://{}", address.socket()),
            None => format!("{name} is switched off"),
        }
    }
}

/// Lets requests through to the handlers, but for those of web pages and those in another protocol than the port's.
pub(super) async fn admit<T: ExportSink>(
    State(endpoint): State<Endpoint<T>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    // A page of any site can make a browser post to a loopback port, also under a host name of its own that resolves to
    // this machine. Browsers send the origin of the page; SDKs send none.
    let origin = request.headers().get(header::ORIGIN).cloned();
    if let Some(origin) = &origin
        && !is_loopback(origin)
    {
        let origin = String::from_utf8_lossy(origin.as_bytes()).into_owned();
        return endpoint.refuse_whole(&Refusal::Origin(origin), request);
    }
    // Browsers send no origin with a GET to the page's own host. Where a token is needed, no page has it, and other machines
    // have names for this one.
    if request.method() == Method::GET
        && endpoint.token.is_none()
        && let Some(host) = foreign_host(&request)
    {
        return endpoint.refuse_whole(&Refusal::Host(host), request);
    }
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if let Some(origin) = &origin
        && is_preflight
    {
        return allowed(origin, request.headers());
    }
    // Whether somebody is there may be asked by anybody.
    if let Some(token) = &endpoint.token
        && request.uri().path() != HEALTH
        && let Err(refusal) = token.check(request.headers())
    {
        return endpoint.refuse_whole(&refusal, request);
    }
    let is_grpc = is_grpc(request.headers());
    if is_grpc && !endpoint.protocol.is_grpc() {
        let directions = endpoint.directions("gRPC", Protocol::is_grpc);
        return endpoint
            .refuse_whole(&Refusal::Path(format!("this port speaks OTLP over HTTP, {directions}")), request);
    }
    if !is_grpc && !endpoint.protocol.is_http() {
        let directions = endpoint.directions("OTLP over HTTP", Protocol::is_http);
        return endpoint.refuse_whole(&Refusal::Path(format!("this port speaks gRPC, {directions}")), request);
    }
    let mut response = next.run(request).await;
    if let Some(origin) = origin {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// The answer to a browser that asks whether a page of this machine may send an export.
fn allowed(origin: &HeaderValue, asked: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET"));
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// The host name of a request, if it is none of this machine's. An address is always right: a page cannot give itself one.
fn foreign_host(request: &Request) -> Option<String> {
    /// What containers call the machine that they run on.
    const FROM_CONTAINERS: [&str; 2] = ["host.docker.internal", "host.containers.internal"];
    let named = request.headers().get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let named = named.or_else(|| request.uri().authority().map(ToString::to_string))?;
    let host = named.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(&*named, |(host, _)| host);
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let is_known = name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok()
        || FROM_CONTAINERS.contains(&name.as_str());
    (!is_known).then_some(named)
}

/// Whether an `Origin` is that of a page that this machine serves.
fn is_loopback(origin: &HeaderValue) -> bool {
    let Some(uri) = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()) else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    is_local && matches!(uri.scheme_str(), Some("http" | "https"))
}

/// Whether a request is gRPC, of whatever kind.
fn is_grpc(headers: &HeaderMap) -> bool {
    text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|name| name.starts_with("application/grpc"))
}

/// The encoding that the content type names; a refusal if it is none of OTLP's.
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

/// A header's value, `None` if there is none. A value that is not ASCII is read as `?`, which is no valid content type,
/// encoding or project.
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

    #[test]
    fn only_names_of_this_machine_are_its_hosts() {
        let of = |host: &str| foreign_host(&Request::get("/").header("host", host).body(Body::empty()).unwrap());
        for own in ["localhost", "LOCALHOST:4318", "127.0.0.1:4318", "[::1]:4318", "[::1]", "host.docker.internal:1"] {
            assert_eq!(of(own), None, "{own}");
        }
        for foreign in ["evil.example", "evil.example:4318", "localhost.evil.example", "127.0.0.1.evil.example:80"] {
            assert_eq!(of(foreign).as_deref(), Some(foreign));
        }
    }

    #[test]
    fn a_preflight_is_answered_with_what_it_asks_for() {
        let asked = HeaderMap::from_iter([(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            HeaderValue::from_static("content-type,content-encoding"),
        )]);
        let answer = allowed(&HeaderValue::from_static("http://localhost:3000"), &asked);
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
        assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS], "content-type,content-encoding");
    }
}
