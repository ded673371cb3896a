//! One span or log record of OTLP/JSON.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    logs::v1::SeverityNumber,
    trace::v1::{span, status},
};

use super::{
    super::{Malformed, logs, traces},
    lenient::{Object, any, attributes, bytes_of_id, enumeration, id, text, time, u32_of},
};
use crate::model::{
    Dropped, Link, LogRecord, Project, Resource, Scope, Span, SpanEvent, SpanId, Status, TraceId, Value,
};

pub fn span(mut sent: Object, project: Project, resource: Arc<Resource>, scope: Arc<Scope>) -> Result<Span, Malformed> {
    let named_kind = |name: &str| span::SpanKind::from_str_name(name).map(|kind| kind as i32);
    let named_code = |name: &str| status::StatusCode::from_str_name(name).map(|code| code as i32);
    let mut status = Object::of(sent.take("status")).unwrap_or_default();
    Ok(Span {
        project,
        trace: id(sent.take("traceId"), 32, TraceId::from_bytes)
            .map_err(|error| Malformed::Id { which: "trace id", error })?,
        id: id(sent.take("spanId"), 16, SpanId::from_bytes)
            .map_err(|error| Malformed::Id { which: "span id", error })?,
        parent: id(sent.take("parentSpanId"), 16, SpanId::from_bytes).ok(),
        flags: u32_of(&sent.take("flags")),
        trace_state: text(sent.take("traceState")),
        name: text(sent.take("name")),
        kind: traces::kind(enumeration(&sent.take("kind"), named_kind)),
        status: Status {
            code: traces::status_code(enumeration(&status.take("code"), named_code)),
            message: text(status.take("message")),
        },
        started: time(&sent.take("startTimeUnixNano")),
        ended: time(&sent.take("endTimeUnixNano")).known(),
        attributes: attributes(sent.take("attributes")),
        events: objects(sent.take("events")).map(event).collect(),
        links: objects(sent.take("links")).map(link).collect(),
        dropped: Dropped {
            attributes: u32_of(&sent.take("droppedAttributesCount")),
            events: u32_of(&sent.take("droppedEventsCount")),
            links: u32_of(&sent.take("droppedLinksCount")),
        },
        scope,
        resource,
        synthetic: false,
    })
}

pub fn record(mut sent: Object, project: Project, resource: Arc<Resource>, scope: Arc<Scope>) -> LogRecord {
    let named_severity = |name: &str| SeverityNumber::from_str_name(name).map(|severity| severity as i32);
    let attributes = attributes(sent.take("attributes"));
    LogRecord {
        project,
        trace: id(sent.take("traceId"), 32, TraceId::from_bytes).ok(),
        span: id(sent.take("spanId"), 16, SpanId::from_bytes).ok(),
        flags: u32_of(&sent.take("flags")),
        at: time(&sent.take("timeUnixNano")),
        observed: time(&sent.take("observedTimeUnixNano")),
        severity: logs::severity(enumeration(&sent.take("severityNumber"), named_severity)),
        severity_text: text(sent.take("severityText")),
        name: logs::event_name(text(sent.take("eventName")), &attributes),
        body: any(sent.take("body")),
        attributes,
        dropped_attributes: u32_of(&sent.take("droppedAttributesCount")),
        scope,
        resource,
    }
}

fn event(mut sent: Object) -> SpanEvent {
    SpanEvent {
        name: text(sent.take("name")),
        at: time(&sent.take("timeUnixNano")),
        attributes: attributes(sent.take("attributes")),
        dropped_attributes: u32_of(&sent.take("droppedAttributesCount")),
    }
}

fn link(mut sent: Object) -> Link {
    Link {
        trace: bytes_of_id(&text(sent.take("traceId")), 32),
        span: bytes_of_id(&text(sent.take("spanId")), 16),
        trace_state: text(sent.take("traceState")),
        flags: u32_of(&sent.take("flags")),
        attributes: attributes(sent.take("attributes")),
        dropped_attributes: u32_of(&sent.take("droppedAttributesCount")),
    }
}

/// The objects of a list; anything else in it is ignored.
fn objects(value: Value) -> impl Iterator<Item = Object> {
    let items = if let Value::Array(items) = value { items } else { Vec::new() };
    items.into_iter().filter_map(Object::of)
}
