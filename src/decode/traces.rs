//! One OTLP span in protobuf → [`Span`].

use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;

use super::{Malformed, value};
use crate::model::{
    Dropped, Link, Project, Resource, Scope, Span, SpanEvent, SpanId, SpanKind, Status, StatusCode, Timestamp, TraceId,
};

/// Reads one OTLP `Span` message.
///
/// # Errors
/// [`Malformed`] where it does not decode, or where its ids are zero or of wrong length.
pub fn span_from_raw(
    raw: &[u8],
    project: Project,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
) -> Result<Span, Malformed> {
    let sent = otlp::Span::decode(raw)?;
    let status = sent.status.unwrap_or_default();
    Ok(Span {
        project,
        trace: TraceId::from_bytes(&sent.trace_id).map_err(|error| Malformed::Id { which: "trace id", error })?,
        id: SpanId::from_bytes(&sent.span_id).map_err(|error| Malformed::Id { which: "span id", error })?,
        parent: SpanId::from_bytes(&sent.parent_span_id).ok(),
        flags: sent.flags,
        trace_state: sent.trace_state,
        name: sent.name,
        kind: kind(sent.kind),
        status: Status { code: status_code(status.code), message: status.message },
        started: Timestamp(sent.start_time_unix_nano),
        ended: Timestamp(sent.end_time_unix_nano).known(),
        attributes: value::attributes(sent.attributes),
        events: sent.events.into_iter().map(event).collect(),
        links: sent.links.into_iter().map(link).collect(),
        dropped: Dropped {
            attributes: sent.dropped_attributes_count,
            events: sent.dropped_events_count,
            links: sent.dropped_links_count,
        },
        scope,
        resource,
        synthetic: false,
    })
}

fn event(sent: otlp::span::Event) -> SpanEvent {
    SpanEvent {
        name: sent.name,
        at: Timestamp(sent.time_unix_nano),
        attributes: value::attributes(sent.attributes),
        dropped_attributes: sent.dropped_attributes_count,
    }
}

fn link(sent: otlp::span::Link) -> Link {
    Link {
        trace: sent.trace_id,
        span: sent.span_id,
        trace_state: sent.trace_state,
        flags: sent.flags,
        attributes: value::attributes(sent.attributes),
        dropped_attributes: sent.dropped_attributes_count,
    }
}

/// OTLP's numbers; one that it does not have is read as "unspecified".
pub(super) fn kind(number: i32) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

/// OTLP's numbers; one that it does not have is read as "unset".
pub(super) fn status_code(number: i32) -> StatusCode {
    match number {
        1 => StatusCode::Ok,
        2 => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}
