//! One OTLP log record in protobuf → [`LogRecord`].

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1 as otlp;
use prost::Message as _;

use super::{Malformed, value};
use crate::model::{Attributes, LogRecord, Project, Resource, Scope, SpanId, Timestamp, TraceId};

/// Reads one OTLP `LogRecord` message. Ids that are zero or of wrong length are none.
///
/// # Errors
/// [`Malformed`] where it does not decode.
pub fn log_from_raw(
    raw: &[u8],
    project: Project,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
) -> Result<LogRecord, Malformed> {
    let sent = otlp::LogRecord::decode(raw)?;
    let attributes = value::attributes(sent.attributes);
    Ok(LogRecord {
        project,
        trace: TraceId::from_bytes(&sent.trace_id).ok(),
        span: SpanId::from_bytes(&sent.span_id).ok(),
        flags: sent.flags,
        at: Timestamp(sent.time_unix_nano),
        observed: Timestamp(sent.observed_time_unix_nano),
        severity: severity(sent.severity_number),
        severity_text: sent.severity_text,
        name: event_name(sent.event_name, &attributes),
        body: value::value(sent.body),
        attributes,
        dropped_attributes: sent.dropped_attributes_count,
        scope,
        resource,
    })
}

/// Before OTLP 1.5 had a field for it, the name of an event was an attribute.
pub(super) fn event_name(field: String, attributes: &Attributes) -> String {
    if field.is_empty() { attributes.str("event.name").unwrap_or_default().to_owned() } else { field }
}

/// OTLP's numbers; one that it does not have is read as "unspecified".
pub(super) fn severity(number: i32) -> i32 {
    if (0..=24).contains(&number) { number } else { 0 }
}
