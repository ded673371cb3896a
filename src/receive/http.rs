//! The paths that a port answers: those of OTLP over HTTP, the health check, and those of gRPC.
//!
//! ```text
//!   POST /v1/{traces,logs,metrics}                  project "default"
//!   POST /otel/{project}/v1/{traces,logs,metrics}   the SideSeat SDK's form
//!   POST /api/public/otel/v1/{traces,logs,metrics}  project "default": where Langfuse's SDKs send spans
//!   POST /api/public/{scores,ingestion}             and their scores
//!   GET  /api/v1/health                             without a token, too
//!   GET  /api/v1/attach                             the screen of another machine, see screens
//!   POST /api/v1/programs                           `run` on this machine, of the program that it started
//!   POST /opentelemetry.proto.collector.….v1.….Service/Export   see grpc
//! ```

#[cfg(test)]
pub(super) mod tests;

use std::time::Instant;

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
    middleware,
    routing::{get, post},
};
use serde_json::json;

use super::{
    Accepted, Export, ExportSink, Refusal,
    admission::{Caller, Endpoint, HEALTH, admit, encoding, text},
    body::{self, Compression},
    budget, grpc, screens,
};
use crate::{
    decode::{self, Encoding, Signal},
    model::{Program, Project},
};

/// The handlers of one port.
pub(super) fn router<T: ExportSink>(endpoint: Endpoint<T>) -> Router {
    let mut router = Router::new()
        .route("/v1/{signal}", post(export))
        .route("/otel/{project}/v1/{signal}", post(project_export))
        .route("/api/public/otel/v1/{signal}", post(export))
        .route("/api/public/ingestion", post(scored))
        .route("/api/public/scores", post(scored))
        .route(HEALTH, get(health))
        .route("/api/v1/attach", get(screens::attach))
        .route("/api/v1/programs", post(announce));
    for (path, signal) in grpc::SERVICES {
        let answer = move |endpoint: State<Endpoint<T>>, request: Request| grpc::export(endpoint, signal, request);
        router = router.route(path, post(answer));
    }
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(endpoint.clone(), admit))
        .with_state(endpoint)
}

async fn export<T: ExportSink>(
    endpoint: State<Endpoint<T>>,
    Path(signal): Path<String>,
    request: Request,
) -> Response<Body> {
    answer(endpoint, &signal, Ok(Project::default()), request).await
}

async fn project_export<T: ExportSink>(
    endpoint: State<Endpoint<T>>,
    Path((project, signal)): Path<(String, String)>,
    request: Request,
) -> Response<Body> {
    answer(endpoint, &signal, project.parse().map_err(Refusal::Project), request).await
}

async fn answer<T: ExportSink>(
    State(endpoint): State<Endpoint<T>>,
    signal: &str,
    project: Result<Project, Refusal>,
    request: Request,
) -> Response<Body> {
    let caller = Caller::of(&request);
    let (parts, mut body) = request.into_parts();
    match accept(&endpoint, &caller, signal, project, &parts.headers, &mut body).await {
        Ok((signal, encoding, accepted)) => replied(encoding.content_type(), accepted.encode(signal, encoding)),
        Err(refusal) => endpoint.refuse(&caller, &refusal, body),
    }
}

async fn accept<T: ExportSink>(
    endpoint: &Endpoint<T>,
    caller: &Caller,
    signal: &str,
    project: Result<Project, Refusal>,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<(Signal, Encoding, Accepted), Refusal> {
    let signal = Signal::ALL.into_iter().find(|known| known.path() == signal);
    let signal = signal.ok_or_else(|| Refusal::Path(hint(&caller.path)))?;
    let project = project?;
    let encoding = encoding(headers)?;
    let compression = Compression::named(text(headers, header::CONTENT_ENCODING.as_str()))?;
    let mut share = endpoint.budget.share();
    let body = body::read(body, budget::BODY, &mut share).await?;
    // The share of the budget is held until the sink has accepted the export, because its bytes are held until then.
    let (body, share) = body::decompress(body, compression, share).await?;
    let export = Export { signal, project, body, encoding, peer: caller.peer, waited: share.waited() };
    Ok((signal, encoding, endpoint.sink.accept(export).await?))
}

/// Most bytes that a `run` says of its program.
const ANNOUNCEMENT: usize = 256 * 1024;

/// Takes what a `run` says of its program, a [`Program`] as JSON.
async fn announce<T: ExportSink>(State(endpoint): State<Endpoint<T>>, request: Request) -> Response<Body> {
    let caller = Caller::of(&request);
    let (parts, mut body) = request.into_parts();
    match announced(&endpoint, &caller, &parts.headers, &mut body).await {
        Ok(mut program) => {
            if let Some(ended) = &mut program.ended
                && !ended.unfinished.is_empty()
            {
                endpoint.sink.program_ended(std::mem::take(&mut ended.unfinished), ended.at).await;
            }
            endpoint.sink.counts().programs.announce(program, Instant::now());
            replied("application/json", b"{}".to_vec())
        }
        Err(refusal) => endpoint.refuse(&caller, &refusal, body),
    }
}

async fn announced<T: ExportSink>(
    endpoint: &Endpoint<T>,
    caller: &Caller,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Program, Refusal> {
    if !caller.peer.ip().is_loopback() {
        return Err(Refusal::Path("programs are announced from this machine only".to_owned()));
    }
    if encoding(headers)? != Encoding::Json {
        return Err(Refusal::ContentType("application/x-protobuf".to_owned()));
    }
    let body = body::read(body, ANNOUNCEMENT, &mut endpoint.budget.share()).await?;
    let program: Program = serde_json::from_slice(&body).map_err(|error| Refusal::Malformed(error.to_string()))?;
    Ok(program.bounded())
}

/// Most bytes of a batch of scores; SDKs send less than 3 MB.
const SCORES: usize = 8 << 20;

/// Takes the scores that Langfuse's SDKs send beside OTLP, as log records.
async fn scored<T: ExportSink>(State(endpoint): State<Endpoint<T>>, request: Request) -> Response<Body> {
    let caller = Caller::of(&request);
    let (parts, mut body) = request.into_parts();
    match take_scores(&endpoint, &caller, &parts.headers, &mut body).await {
        Ok((status, reply)) => {
            let mut response = replied("application/json", reply);
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            response
        }
        Err(refusal) => endpoint.refuse(&caller, &refusal, body),
    }
}

async fn take_scores<T: ExportSink>(
    endpoint: &Endpoint<T>,
    caller: &Caller,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<(u16, Vec<u8>), Refusal> {
    if encoding(headers)? != Encoding::Json {
        return Err(Refusal::ContentType("application/x-protobuf".to_owned()));
    }
    let compression = Compression::named(text(headers, header::CONTENT_ENCODING.as_str()))?;
    let mut share = endpoint.budget.share();
    let body = body::read(body, SCORES, &mut share).await?;
    let (body, share) = body::decompress(body, compression, share).await?;
    if body.len() > SCORES {
        return Err(Refusal::TooLarge);
    }
    let project = Project::default();
    let scores = decode::scores(&project, &body).map_err(|error| Refusal::Malformed(error.to_string()))?;
    if scores.taken == 0 {
        let hint =
            "scores with a trace id are taken here; send spans over OTLP, as the Python SDK does from 3 on".to_owned();
        return Err(Refusal::Path(hint));
    }
    let (signal, encoding) = (Signal::Logs, Encoding::Protobuf);
    endpoint
        .sink
        .accept(Export {
            signal,
            project,
            body: scores.request.into(),
            encoding,
            peer: caller.peer,
            waited: share.waited(),
        })
        .await?;
    Ok((scores.status, scores.reply))
}

/// The health check that SideSeat's SDK asks for in `validate_connection()`, and one instance of this program another.
/// It needs no token, so it does not say why nothing can be stored, nor why a damaged store could not be rescued.
async fn health<T: ExportSink>(State(endpoint): State<Endpoint<T>>) -> Response<Body> {
    let (version, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
    let status = if endpoint.sink.is_failing() { "failing" } else { "ok" };
    let mut health = json!({ "status": status, "version": version, "server": "sideseat-tui", "pid": pid });
    if let Some(rescue) = endpoint.sink.rescue() {
        health["rescue"] = rescue.word().into();
        health["advice"] = rescue.advice().into();
    }
    replied("application/json", health.to_string().into_bytes())
}

async fn nothing_here<T: ExportSink>(State(endpoint): State<Endpoint<T>>, request: Request) -> Response<Body> {
    let hint = hint(request.uri().path());
    endpoint.refuse_whole(&Refusal::Path(hint), request)
}

async fn wrong_method<T: ExportSink>(
    State(endpoint): State<Endpoint<T>>,
    method: Method,
    request: Request,
) -> Response<Body> {
    endpoint.refuse_whole(&Refusal::Method(method.to_string()), request)
}

/// The path that the sender of a request to this path most likely meant.
fn hint(path: &str) -> String {
    let wanted = ["trace", "log", "metric"].into_iter().find(|signal| path.to_ascii_lowercase().contains(signal));
    let mut parts = path.split('/');
    let project = parts.find(|part| *part == "otel").and_then(|_| parts.next()).filter(|name| !name.is_empty());
    let prefix = project.map_or(String::new(), |project| format!("/otel/{project}"));
    match wanted {
        Some(signal) => format!("the path is {prefix}/v1/{signal}s"),
        None => "sideseat-tui takes OTLP here: POST /v1/traces, /v1/logs or /v1/metrics".to_owned(),
    }
}

/// The answer 200 with this body.
fn replied(content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
