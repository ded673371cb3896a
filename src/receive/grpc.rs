//! The three OTLP services over gRPC: one message in, one message out.
//!
//! The frame is read here and not by tonic: tonic answers a message that is too large or cannot be decompressed with
//! `OUT_OF_RANGE`, `RESOURCE_EXHAUSTED` or `INTERNAL`, after which SDKs send the same again, and it does not know the
//! memory budget of all bodies. The message is handed on as bytes, so that one bad span does not reject the others.

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, header},
};
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};

use super::{
    Export, ExportSink, Refusal,
    admission::{Caller, Endpoint, text},
    body::{self, Compression},
    budget,
};
use crate::{
    decode::{Encoding, Signal},
    model::Project,
};

/// The services, by their paths.
pub(super) const SERVICES: [(&str, Signal); 3] = [
    ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", Signal::Traces),
    ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", Signal::Logs),
    ("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", Signal::Metrics),
];

/// Bytes before a message: one says whether it is compressed, four are its length.
const FRAME_HEAD: usize = 5;

/// Answers a call of one of [`SERVICES`].
pub(super) async fn export<T: ExportSink>(
    State(endpoint): State<Endpoint<T>>,
    signal: Signal,
    request: Request,
) -> Response<Body> {
    let caller = Caller::of(&request);
    let (parts, mut body) = request.into_parts();
    match accept(&endpoint, &caller, signal, &parts.headers, &mut body).await {
        Ok(reply) => replied(&reply, parts.headers.get(header::CONTENT_TYPE)),
        Err(refusal) => endpoint.refuse(&caller, &refusal, body),
    }
}

async fn accept<T: ExportSink>(
    endpoint: &Endpoint<T>,
    caller: &Caller,
    signal: Signal,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Vec<u8>, Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let (essence, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    let encoding = match essence.trim() {
        "application/grpc" | "application/grpc+proto" => Encoding::Protobuf,
        "application/grpc+json" => Encoding::Json,
        other => return Err(Refusal::ContentType(other.to_owned())),
    };
    let project = match text(headers, "x-sideseat-project-id") {
        None | Some("") => Project::default(),
        Some(name) => name.parse()?,
    };
    let compression = Compression::named(text(headers, "grpc-encoding"))?;

    let mut share = endpoint.budget.share();
    let frame = body::read(body, budget::BODY + FRAME_HEAD, &mut share).await?;
    let (message, is_compressed) = unframed(&frame)?;
    let compression = match (is_compressed, compression) {
        (false, _) => Compression::None,
        (true, Compression::None) => {
            return Err(Refusal::Malformed("a compressed message, and no grpc-encoding".to_owned()));
        }
        (true, compression) => compression,
    };
    // The share of the budget is held until the sink has accepted the export, because its bytes are held until then.
    let (body, share) = body::decompress(message, compression, share).await?;
    let accepted = endpoint
        .sink
        .accept(Export { signal, project, body, encoding, peer: caller.peer, waited: share.waited() })
        .await?;
    Ok(accepted.encode(signal, encoding))
}

/// The one message of a request, without copying it, and whether it is compressed.
fn unframed(frame: &Bytes) -> Result<(Bytes, bool), Refusal> {
    let malformed = |what: &str| Refusal::Malformed(format!("the gRPC message {what}"));
    let Some((&[compressed, a, b, c, d], rest)) = frame.split_first_chunk::<FRAME_HEAD>() else {
        return Err(malformed("is missing"));
    };
    let is_compressed = match compressed {
        0 => false,
        1 => true,
        _ => return Err(malformed("has an unknown compression flag")),
    };
    let announced = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    match rest.len().cmp(&announced) {
        _ if announced > budget::BODY => Err(Refusal::TooLarge),
        std::cmp::Ordering::Less => Err(malformed("ends early")),
        std::cmp::Ordering::Greater => Err(malformed("is followed by another")),
        std::cmp::Ordering::Equal => Ok((frame.slice(FRAME_HEAD..), is_compressed)),
    }
}

/// The answer with this message. It is a few bytes, so it is never compressed, whatever the client accepts.
fn replied(message: &[u8], content_type: Option<&HeaderValue>) -> Response<Body> {
    let mut frame = BytesMut::with_capacity(FRAME_HEAD + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a reply has a few reasons of bounded length"));
    frame.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(frame.freeze()).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    let content_type = content_type.cloned().unwrap_or(HeaderValue::from_static("application/grpc"));
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,deflate,zstd"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(flag: u8, announced: u32, message: &[u8]) -> Bytes {
        let mut frame = vec![flag];
        frame.extend(announced.to_be_bytes());
        frame.extend(message);
        frame.into()
    }

    #[test]
    fn a_frame_gives_its_message_without_copying_it() {
        let frame = framed(1, 5, b"spans");
        let (message, is_compressed) = unframed(&frame).unwrap();
        assert_eq!((&message[..], is_compressed), (&b"spans"[..], true));
        assert_eq!(message.as_ptr(), frame[FRAME_HEAD..].as_ptr());
        assert_eq!(unframed(&framed(0, 0, b"")).unwrap().0, "");
    }

    #[test]
    fn a_frame_that_is_wrong_is_the_senders_mistake() {
        for (frame, expected) in [
            (Bytes::new(), "missing"),
            (Bytes::from_static(&[0, 0, 0]), "missing"),
            (framed(2, 0, b""), "flag"),
            (framed(0, 9, b"spans"), "early"),
            (framed(0, 2, b"spans"), "another"),
        ] {
            let Err(Refusal::Malformed(why)) = unframed(&frame) else { panic!("{frame:?} was taken") };
            assert!(why.contains(expected), "{why}");
        }
        assert_eq!(unframed(&framed(0, u32::MAX, b"")), Err(Refusal::TooLarge));
    }
}
