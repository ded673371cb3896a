//! What answers an export: written for the sender, and read where an export was sent on to another instance.

use opentelemetry_proto::tonic::collector::{logs::v1 as logs, metrics::v1 as metrics, trace::v1 as trace};
use prost::Message as _;
use serde_json::json;

use super::{Encoding, Signal};
use crate::model::{Value, json};

/// The answer to an export that was accepted: an `Export…ServiceResponse`, whose `partial_success` this is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Number of spans, log records or data points that were rejected; 0 if all were accepted.
    pub rejected: u64,
    /// Why, for the sender; empty if nothing was rejected.
    pub why: String,
}

impl Accepted {
    /// The message in the encoding of the export.
    #[must_use]
    pub fn encode(&self, signal: Signal, encoding: Encoding) -> Vec<u8> {
        let Self { rejected, why } = self;
        let is_whole = *rejected == 0 && why.is_empty();
        match encoding {
            Encoding::Protobuf if is_whole => Vec::new(),
            Encoding::Protobuf => protobuf(signal, i64::try_from(*rejected).unwrap_or(i64::MAX), why.clone()),
            Encoding::Json if is_whole => b"{}".to_vec(),
            Encoding::Json => {
                json!({"partialSuccess": {rejected_field(signal): rejected.to_string(), "errorMessage": why}})
                    .to_string()
                    .into_bytes()
            }
        }
    }

    /// Reads what [`Self::encode`] wrote. A body that cannot be read counts as one that accepts everything.
    #[must_use]
    pub fn decode(signal: Signal, encoding: Encoding, body: &[u8]) -> Self {
        let (rejected, why) = match encoding {
            Encoding::Protobuf => from_protobuf(signal, body).unwrap_or_default(),
            Encoding::Json => {
                let response = json::parse_bytes(body).unwrap_or_default();
                let partial = response.get("partialSuccess");
                let rejected =
                    partial.and_then(|partial| partial.get(rejected_field(signal))).and_then(Value::as_count);
                let why = partial.and_then(|partial| partial.str("errorMessage")).unwrap_or_default();
                return Self { rejected: rejected.unwrap_or(0), why: why.to_owned() };
            }
        };
        Self { rejected: u64::try_from(rejected).unwrap_or(0), why }
    }
}

fn rejected_field(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    }
}

fn protobuf(signal: Signal, rejected: i64, error_message: String) -> Vec<u8> {
    match signal {
        Signal::Traces => {
            let partial = trace::ExportTracePartialSuccess { rejected_spans: rejected, error_message };
            trace::ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
        Signal::Logs => {
            let partial = logs::ExportLogsPartialSuccess { rejected_log_records: rejected, error_message };
            logs::ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
        Signal::Metrics => {
            let partial = metrics::ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
            metrics::ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
    }
}

/// The number of rejected items and the message of a response; `None` if it cannot be read or has no partial success.
fn from_protobuf(signal: Signal, body: &[u8]) -> Option<(i64, String)> {
    match signal {
        Signal::Traces => {
            let partial = trace::ExportTraceServiceResponse::decode(body).ok()?.partial_success?;
            Some((partial.rejected_spans, partial.error_message))
        }
        Signal::Logs => {
            let partial = logs::ExportLogsServiceResponse::decode(body).ok()?.partial_success?;
            Some((partial.rejected_log_records, partial.error_message))
        }
        Signal::Metrics => {
            let partial = metrics::ExportMetricsServiceResponse::decode(body).ok()?.partial_success?;
            Some((partial.rejected_data_points, partial.error_message))
        }
    }
}

/// The answer to an export that was refused, over HTTP: a `google.rpc.Status` without its details.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    /// The gRPC status code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// Why, for the sender.
    #[prost(string, tag = "2")]
    pub message: String,
}

impl RpcStatus {
    /// The message in the encoding of the export.
    #[must_use]
    pub fn encode_as(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Protobuf => self.encode_to_vec(),
            Encoding::Json => json!({ "code": self.code, "message": self.message }).to_string().into_bytes(),
        }
    }

    /// Reads what [`Self::encode_as`] wrote. A body that cannot be read is a status without a message.
    #[must_use]
    pub fn decode_as(encoding: Encoding, body: &[u8]) -> Self {
        match encoding {
            Encoding::Protobuf => Self::decode(body).unwrap_or_default(),
            Encoding::Json => {
                let status = json::parse_bytes(body).unwrap_or_default();
                let code = status.get("code").and_then(Value::as_count).and_then(|code| i32::try_from(code).ok());
                let message = status.str("message").unwrap_or_default().to_owned();
                Self { code: code.unwrap_or_default(), message }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(rejected: u64, why: &str) -> Accepted {
        Accepted { rejected, why: why.to_owned() }
    }

    #[test]
    fn an_export_that_was_accepted_whole_gets_an_empty_response_and_any_other_the_reason() {
        assert_eq!(accepted(0, "").encode(Signal::Traces, Encoding::Protobuf), b"");
        assert_eq!(accepted(0, "").encode(Signal::Traces, Encoding::Json), b"{}");
        let partial = r#"{"partialSuccess":{"errorMessage":"an id of zeroes","rejectedLogRecords":"2"}}"#;
        assert_eq!(accepted(2, "an id of zeroes").encode(Signal::Logs, Encoding::Json), partial.as_bytes());
        let bytes = accepted(0, "not stored").encode(Signal::Metrics, Encoding::Protobuf);
        let read = metrics::ExportMetricsServiceResponse::decode(&*bytes).unwrap();
        assert_eq!(read.partial_success.unwrap().error_message, "not stored");
    }

    #[test]
    fn every_answer_comes_back_from_either_encoding() {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
                for sent in [accepted(0, ""), accepted(7, "an id of zeroes")] {
                    assert_eq!(Accepted::decode(signal, encoding, &sent.encode(signal, encoding)), sent);
                }
            }
            let sent = RpcStatus { code: 14, message: "the store is behind".to_owned() };
            assert_eq!(RpcStatus::decode_as(encoding, &sent.encode_as(encoding)), sent);
            assert_eq!(RpcStatus::decode_as(encoding, b"\xff<html>"), RpcStatus::default());
        }
    }
}
