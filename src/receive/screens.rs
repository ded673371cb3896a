//! Screens of other machines that attach: `GET /api/v1/attach`, after which the connection is theirs.
//!
//! What crosses it is none of this room's business: it is handed on as a socket.

use std::{io, os::unix::net::UnixStream, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::{
    ExportSink, Refusal,
    admission::{Endpoint, text},
};

/// What a screen asks to speak instead of HTTP.
pub const PROTOCOL: &str = "sideseat-tui";

/// Is handed the connection of each screen that attaches. It must not wait for it.
pub type Screens = Arc<dyn Fn(UnixStream) + Send + Sync>;

/// Gives the connection to a screen.
pub(super) async fn attach<T: ExportSink>(State(endpoint): State<Endpoint<T>>, mut request: Request) -> Response<Body> {
    let screens = match allowed(&endpoint, &request) {
        Ok(screens) => screens,
        Err(refusal) => return endpoint.refuse_whole(&refusal, request),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let ended = match upgrade.await {
            Ok(upgraded) => carry(upgraded, &screens).await,
            Err(error) => Err(io::Error::other(error)),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "the connection of a screen ended");
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(PROTOCOL));
    response
}

/// Whether a screen may attach: it sees all that is stored, so it needs a token wherever this instance listens.
fn allowed<T: ExportSink>(endpoint: &Endpoint<T>, request: &Request) -> Result<Screens, Refusal> {
    let screens = endpoint.screens.clone().ok_or_else(|| Refusal::Path("no screen can attach here".to_owned()))?;
    if endpoint.token.is_none() {
        return Err(Refusal::Attach);
    }
    if request.method() != Method::GET || request.version() != Version::HTTP_11 || !wants(request.headers()) {
        return Err(Refusal::Path("screens attach here: sideseat-tui attach ADDRESS".to_owned()));
    }
    Ok(screens)
}

fn wants(headers: &HeaderMap) -> bool {
    text(headers, header::UPGRADE.as_str()).is_some_and(|name| name.eq_ignore_ascii_case(PROTOCOL))
}

/// Carries bytes both ways until one side ends.
async fn carry(upgraded: Upgraded, screens: &Screens) -> io::Result<()> {
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    let mut near = tokio::net::UnixStream::from_std(near)?;
    screens(far);
    tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut near).await.map(drop)
}
