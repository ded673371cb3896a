//! Why an export is refused, and how that looks on either wire.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use prost::Message as _;
use tonic::{Code, Status};

use super::body;
use crate::{decode::Encoding, model::IdError, store::StoreError};

/// Why an export was refused. The text is for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the body is not OTLP: {0}")]
    Malformed(String),
    #[error("the body cannot be decompressed: {0}")]
    Compressed(String),
    #[error("the body is too large; at most {} MiB are read, decompressed", body::LIMIT >> 20)]
    TooLarge,
    #[error("the body did not arrive: {0}")]
    Unfinished(String),
    #[error("content type `{0}` is not OTLP; send application/x-protobuf or application/json")]
    ContentType(String),
    #[error("content encoding `{0}` is not known; send gzip, deflate, zstd or none")]
    ContentEncoding(String),
    #[error(transparent)]
    Project(#[from] IdError),
    #[error("a web page of `{0}` may not use this port")]
    Origin(String),
    #[error("nothing is at this path; {0}")]
    Path(String),
    #[error("{0} is not for this path; exports are sent with POST")]
    Method(String),
    #[error("the store is behind; try again in {} s", seconds(*.retry_after))]
    Busy { retry_after: Duration },
    #[error("the store cannot write: {0}")]
    Failing(String),
    #[error("sideseat-tui is closing")]
    Closing,
    #[error("reading the body failed inside sideseat-tui; its log says where")]
    Panicked,
}

/// Refusals by what a person would do about them; what they are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    Malformed,
    TooLarge,
    /// A content type or encoding that is not OTLP's.
    WrongType,
    /// A path, a method or a project that is not there.
    WrongPlace,
    Forbidden,
    Busy,
    Failing,
    Panicked,
    /// A span or a record in an export whose rest was taken.
    BadItem,
}

impl Reason {
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::TooLarge,
        Self::WrongType,
        Self::WrongPlace,
        Self::Forbidden,
        Self::Busy,
        Self::Failing,
        Self::Panicked,
        Self::BadItem,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "not OTLP",
            Self::TooLarge => "too large",
            Self::WrongType => "wrong content type",
            Self::WrongPlace => "wrong path",
            Self::Forbidden => "forbidden",
            Self::Busy => "store behind",
            Self::Failing => "store failing",
            Self::Panicked => "panicked",
            Self::BadItem => "bad span or record",
        }
    }
}

impl Refusal {
    /// How a refusal looks on either wire. Of these, clients retry only what is unavailable.
    #[must_use]
    pub fn on_the_wire(&self) -> (Code, StatusCode) {
        match self {
            Self::Malformed(_) | Self::Compressed(_) | Self::Project(_) => {
                (Code::InvalidArgument, StatusCode::BAD_REQUEST)
            }
            Self::TooLarge => (Code::InvalidArgument, StatusCode::PAYLOAD_TOO_LARGE),
            Self::Unfinished(_) => (Code::Cancelled, StatusCode::REQUEST_TIMEOUT),
            Self::ContentType(_) => (Code::InvalidArgument, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            // gRPC's own rule: it tells a client to send uncompressed.
            Self::ContentEncoding(_) => (Code::Unimplemented, StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::Origin(_) => (Code::PermissionDenied, StatusCode::FORBIDDEN),
            Self::Path(_) => (Code::Unimplemented, StatusCode::NOT_FOUND),
            Self::Method(_) => (Code::Unimplemented, StatusCode::METHOD_NOT_ALLOWED),
            Self::Busy { .. } | Self::Failing(_) | Self::Closing => {
                (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
            }
            Self::Panicked => (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Malformed(_) | Self::Compressed(_) | Self::Unfinished(_) => Reason::Malformed,
            Self::TooLarge => Reason::TooLarge,
            Self::ContentType(_) | Self::ContentEncoding(_) => Reason::WrongType,
            Self::Project(_) | Self::Path(_) | Self::Method(_) => Reason::WrongPlace,
            Self::Origin(_) => Reason::Forbidden,
            Self::Busy { .. } => Reason::Busy,
            Self::Failing(_) | Self::Closing => Reason::Failing,
            Self::Panicked => Reason::Panicked,
        }
    }

    /// When to try again, for refusals that pass.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Failing(_) | Self::Closing => Some(LONGEST_WAIT),
            _ => None,
        }
    }

    /// The answer of OTLP over HTTP: a `google.rpc.Status` in the encoding of the request.
    pub(super) fn over_http(&self, encoding: Encoding) -> Response<Body> {
        let (code, status) = self.on_the_wire();
        let body = RpcStatus { code: code as i32, message: self.to_string() };
        let (content_type, body) = match encoding {
            Encoding::Protobuf => ("application/x-protobuf", body.encode_to_vec()),
            Encoding::Json => {
                let body = serde_json::json!({ "code": body.code, "message": body.message });
                ("application/json", body.to_string().into_bytes())
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(wait) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
        }
        if let Self::ContentEncoding(_) = self {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, zstd"));
        }
        response
    }

    /// The answer over gRPC: a status and nothing else.
    pub(super) fn over_grpc(&self) -> Response<Body> {
        let (code, _) = self.on_the_wire();
        let mut response = Status::new(code, self.to_string()).into_http::<Body>();
        if let Self::ContentEncoding(_) = self {
            let known = HeaderValue::from_static("identity,gzip,deflate,zstd");
            response.headers_mut().insert("grpc-accept-encoding", known);
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { retry_after } => Self::Busy { retry_after },
            StoreError::Failing(why) | StoreError::Query(why) => Self::Failing(why),
            StoreError::Closed => Self::Closing,
        }
    }
}

/// Exporters drop what they are told to keep for longer than their own patience.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Whole seconds, as `Retry-After` counts: 1 to 5.
fn seconds(wait: Duration) -> u64 {
    let whole = wait.min(LONGEST_WAIT).as_millis().div_ceil(1000);
    u64::try_from(whole).unwrap_or(1).max(1)
}

/// `google.rpc.Status` without its details.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_retry_only_what_passes() {
        let busy = Refusal::Busy { retry_after: Duration::from_millis(200) };
        for refusal in [busy, Refusal::Failing("disk full".into()), Refusal::Closing] {
            assert_eq!(refusal.on_the_wire(), (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE));
            let response = refusal.over_http(Encoding::Json);
            let wait: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
            assert!((1..=5).contains(&wait), "{wait}");
        }
        for refusal in [Refusal::Malformed("x".into()), Refusal::TooLarge, Refusal::ContentType("a/b".into())] {
            assert_eq!(refusal.on_the_wire().0, Code::InvalidArgument);
            assert_eq!(refusal.retry_after(), None);
            assert!(refusal.over_http(Encoding::Json).headers().get(header::RETRY_AFTER).is_none());
        }
    }

    #[test]
    fn no_sender_waits_longer_than_five_seconds() {
        assert_eq!(seconds(Duration::from_hours(1)), 5);
        assert_eq!(seconds(Duration::from_millis(1200)), 2);
        assert_eq!(seconds(Duration::ZERO), 1);
    }

    #[test]
    fn a_grpc_refusal_has_its_code_and_its_reason() {
        let response = Refusal::Malformed("span 3 ends early".into()).over_grpc();
        assert_eq!(response.status(), StatusCode::OK);
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "the body is not OTLP: span 3 ends early");
    }

    #[test]
    fn every_reason_has_a_place_and_a_name_of_its_own() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place);
        }
        let names: std::collections::BTreeSet<_> = Reason::ALL.into_iter().map(Reason::as_str).collect();
        assert_eq!(names.len(), Reason::ALL.len());
    }
}
