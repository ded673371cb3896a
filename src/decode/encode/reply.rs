//! What a sender gets back.

use opentelemetry_proto::tonic::collector::{logs::v1 as logs, metrics::v1 as metrics, trace::v1 as trace};
use prost::Message as _;
use serde_json::json;

use super::super::{Encoding, Signal};

/// An `Export…ServiceResponse`: a plain yes, or which part was refused and why.
#[must_use]
pub fn reply(signal: Signal, encoding: Encoding, rejected: u64, why: &str) -> Vec<u8> {
    let all_is_well = rejected == 0 && why.is_empty();
    match encoding {
        Encoding::Protobuf if all_is_well => Vec::new(),
        Encoding::Protobuf => protobuf(signal, i64::try_from(rejected).unwrap_or(i64::MAX), why.to_owned()),
        Encoding::Json if all_is_well => b"{}".to_vec(),
        Encoding::Json => {
            let counted = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            json!({"partialSuccess": {counted: rejected.to_string(), "errorMessage": why}}).to_string().into_bytes()
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_yes_says_nothing_and_a_partial_one_says_why() {
        assert_eq!(reply(Signal::Traces, Encoding::Protobuf, 0, ""), b"");
        assert_eq!(reply(Signal::Traces, Encoding::Json, 0, ""), b"{}");
        let partial = r#"{"partialSuccess":{"errorMessage":"an id of zeroes","rejectedLogRecords":"2"}}"#;
        assert_eq!(reply(Signal::Logs, Encoding::Json, 2, "an id of zeroes"), partial.as_bytes());
        let bytes = reply(Signal::Metrics, Encoding::Protobuf, 0, "not stored");
        let read = metrics::ExportMetricsServiceResponse::decode(&*bytes).unwrap();
        assert_eq!(read.partial_success.unwrap().error_message, "not stored");
    }
}
