//! How a refusal is answered over gRPC and over HTTP.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use tonic::{Code, Status};

use super::Refusal;
use crate::decode::{Encoding, RpcStatus};

/// Exporters drop an export if they are asked to wait for longer than they would anyway.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Refusal {
    /// The status codes over gRPC and over HTTP. SDKs send the same again only after `UNAVAILABLE` and 503.
    fn codes(&self) -> (Code, StatusCode) {
        match self {
            Self::Malformed(_) | Self::Compressed(_) | Self::Project(_) => {
                (Code::InvalidArgument, StatusCode::BAD_REQUEST)
            }
            // Not RESOURCE_EXHAUSTED, after which some SDKs send the same again, whether they are asked to or not.
            Self::TooLarge | Self::TooMuch { .. } => (Code::InvalidArgument, StatusCode::PAYLOAD_TOO_LARGE),
            Self::Unfinished(_) => (Code::Cancelled, StatusCode::REQUEST_TIMEOUT),
            Self::ContentType(_) => (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            // gRPC's own rule: it tells a client to send uncompressed.
            Self::ContentEncoding(_) => (Code::Unimplemented, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::NoToken | Self::WrongToken => (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
            Self::Origin(_) | Self::Host(_) | Self::Attach => (Code::PermissionDenied, StatusCode::FORBIDDEN),
            Self::Path(_) => (Code::Unimplemented, StatusCode::NOT_FOUND),
            Self::Method(_) => (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
            Self::Busy { .. } | Self::Failing(_) | Self::Closing => {
                (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
            }
            Self::Disk(_) | Self::Panicked => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The answer over HTTP: a `google.rpc.Status` in the encoding of the request.
    pub(super) fn http_response(&self, encoding: Encoding) -> Response<Body> {
        let (code, status) = self.codes();
        let body = RpcStatus { code: code as i32, message: self.to_string() }.encode_as(encoding);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()));
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if let Self::NoToken | Self::WrongToken = self {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::ContentEncoding(_) = self {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, zstd"));
        }
        response
    }

    /// The answer over gRPC: a status without a message.
    pub(super) fn grpc_response(&self) -> Response<Body> {
        let (code, _) = self.codes();
        let mut response = Status::new(code, self.to_string()).into_http::<Body>();
        if let Self::ContentEncoding(_) = self {
            let known = HeaderValue::from_static("identity,gzip,deflate,zstd");
            response.headers_mut().insert("grpc-accept-encoding", known);
        }
        response
    }
}

/// The seconds of `Retry-After`: whole ones, 1 to 5.
pub(super) fn seconds(wait: Duration) -> u64 {
    let whole = wait.min(LONGEST_WAIT).as_millis().div_ceil(1000);
    u64::try_from(whole).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    #[test]
    fn clients_retry_only_what_passes() {
        let busy = Refusal::Busy { retry_after: Duration::from_millis(200) };
        for refusal in [busy, Refusal::Failing("disk full".into()), Refusal::Closing] {
            assert_eq!(refusal.codes(), (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE));
            let response = refusal.http_response(Encoding::Json);
            let wait: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((1..=5).contains(&wait), "{wait}");
        }
        for refusal in [
            Refusal::Malformed("x".into()),
            Refusal::TooLarge,
            Refusal::TooMuch { mib: 500 },
            Refusal::ContentType("a/b".into()),
        ] {
            assert_eq!(refusal.codes().0, Code::InvalidArgument);
            assert_eq!(refusal.retry_after(), None);
            assert!(refusal.http_response(Encoding::Json).headers().get(header::RETRY_AFTER).is_none());
        }
        // A disk that fails does not take it later either.
        let broken = Refusal::from(StoreError::Disk("fsync failed".into()));
        assert_eq!(broken.codes(), (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!((broken.retry_after(), broken.to_string()), (None, "the store cannot write: fsync failed".into()));
    }

    #[test]
    fn no_sender_waits_longer_than_five_seconds() {
        assert_eq!(seconds(Duration::from_hours(1)), 5);
        assert_eq!(seconds(Duration::from_millis(1200)), 2);
        assert_eq!(seconds(Duration::ZERO), 1);
    }

    #[test]
    fn a_grpc_refusal_has_its_code_and_its_reason() {
        let response = Refusal::Malformed("span 3 ends early".into()).grpc_response();
        assert_eq!(response.status(), StatusCode::OK);
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "the body is not OTLP: span 3 ends early");
    }
}
