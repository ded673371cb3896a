//! OTLP as protobuf. A request is put together from the bytes of its parts.

use opentelemetry_proto::tonic::{
    common::v1 as common, logs::v1 as logs, resource::v1 as resource, trace::v1 as trace,
};
use prost::Message as _;

use super::nest::{self, Nested};
use crate::model::{Attributes, Link, LogRecord, Resource, Scope, Span, SpanEvent, SpanId, TraceId, Value};

/// An OTLP `Span` message.
#[must_use]
pub fn span_bytes(span: &Span) -> Vec<u8> {
    let message = trace::Span {
        trace_id: span.trace.as_bytes().to_vec(),
        span_id: span.id.as_bytes().to_vec(),
        trace_state: span.trace_state.clone(),
        parent_span_id: span.parent.map(|id| id.as_bytes().to_vec()).unwrap_or_default(),
        flags: span.flags,
        name: span.name.clone(),
        kind: super::kind(span.kind),
        start_time_unix_nano: span.started.0,
        end_time_unix_nano: span.ended.unwrap_or_default().0,
        attributes: attributes(&span.attributes),
        dropped_attributes_count: span.dropped.attributes,
        events: span.events.iter().map(event).collect(),
        dropped_events_count: span.dropped.events,
        links: span.links.iter().map(link).collect(),
        dropped_links_count: span.dropped.links,
        status: Some(trace::Status {
            message: span.status.message.clone(),
            code: super::status_code(span.status.code),
        }),
    };
    message.encode_to_vec()
}

/// An OTLP `LogRecord` message.
#[must_use]
pub fn log_bytes(record: &LogRecord) -> Vec<u8> {
    let message = logs::LogRecord {
        time_unix_nano: record.at.0,
        observed_time_unix_nano: record.observed.0,
        severity_number: record.severity,
        severity_text: record.severity_text.clone(),
        body: Some(any(&record.body)),
        attributes: attributes(&record.attributes),
        dropped_attributes_count: record.dropped_attributes,
        flags: record.flags,
        trace_id: record.trace.as_ref().map(TraceId::as_bytes).map(Vec::from).unwrap_or_default(),
        span_id: record.span.as_ref().map(SpanId::as_bytes).map(Vec::from).unwrap_or_default(),
        event_name: super::event_name(record).to_owned(),
    };
    message.encode_to_vec()
}

/// A `ResourceSpans` message (a `ResourceLogs` is the same) with only the resource and its schema URL.
#[must_use]
pub fn resource_bytes(resource: &Resource) -> Vec<u8> {
    let message = trace::ResourceSpans {
        resource: Some(resource::Resource {
            attributes: attributes(&resource.attributes),
            dropped_attributes_count: resource.dropped_attributes,
            entity_refs: Vec::new(),
        }),
        scope_spans: Vec::new(),
        schema_url: resource.schema_url.clone(),
    };
    message.encode_to_vec()
}

/// A `ScopeSpans` message (a `ScopeLogs` is the same) with only the scope and its schema URL.
#[must_use]
pub fn scope_bytes(scope: &Scope) -> Vec<u8> {
    let message = trace::ScopeSpans {
        scope: Some(common::InstrumentationScope {
            name: scope.name.clone(),
            version: scope.version.clone(),
            attributes: attributes(&scope.attributes),
            dropped_attributes_count: scope.dropped_attributes,
        }),
        spans: Vec::new(),
        schema_url: scope.schema_url.clone(),
    };
    message.encode_to_vec()
}

/// One `ExportTraceServiceRequest`.
#[must_use]
pub fn traces_proto(spans: &[Span]) -> Vec<u8> {
    request(spans, span_bytes)
}

/// One `ExportLogsServiceRequest`.
#[must_use]
pub fn logs_proto(records: &[LogRecord]) -> Vec<u8> {
    request(records, log_bytes)
}

fn request<T: Nested>(items: &[T], bytes: fn(&T) -> Vec<u8>) -> Vec<u8> {
    let mut request = Vec::new();
    for under_resource in nest::nested(items) {
        let mut of_resource = resource_bytes(under_resource.resource);
        for under_scope in under_resource.scopes {
            let mut of_scope = scope_bytes(under_scope.scope);
            for item in under_scope.items {
                put(&mut of_scope, 2, &bytes(item));
            }
            put(&mut of_resource, 2, &of_scope);
        }
        put(&mut request, 1, &of_resource);
    }
    request
}

/// Appends a message as the field of that number, which is below 16.
fn put(message: &mut Vec<u8>, number: u8, field: &[u8]) {
    message.push(number << 3 | 2);
    prost::encode_length_delimiter(field.len(), message).expect("a Vec takes as many bytes as it is given");
    message.extend_from_slice(field);
}

fn event(event: &SpanEvent) -> trace::span::Event {
    trace::span::Event {
        time_unix_nano: event.at.0,
        name: event.name.clone(),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: event.dropped_attributes,
    }
}

fn link(link: &Link) -> trace::span::Link {
    trace::span::Link {
        trace_id: link.trace.clone(),
        span_id: link.span.clone(),
        trace_state: link.trace_state.clone(),
        attributes: attributes(&link.attributes),
        dropped_attributes_count: link.dropped_attributes,
        flags: link.flags,
    }
}

fn attributes(attributes: &Attributes) -> Vec<common::KeyValue> {
    attributes.iter().map(|(name, value)| entry(name, value)).collect()
}

fn entry(key: &str, value: &Value) -> common::KeyValue {
    common::KeyValue { key: key.to_owned(), value: Some(any(value)), ..common::KeyValue::default() }
}

fn any(value: &Value) -> common::AnyValue {
    use common::any_value::Value as Any;
    let value = match value {
        Value::Null => None,
        Value::Bool(yes) => Some(Any::BoolValue(*yes)),
        Value::Int(number) => Some(Any::IntValue(*number)),
        // OTLP has no unsigned integers, so no value that was decoded from OTLP is one.
        Value::UInt(number) => Some(Any::StringValue(number.to_string())),
        Value::Double(number) => Some(Any::DoubleValue(*number)),
        Value::String(text) => Some(Any::StringValue(text.clone())),
        Value::Bytes(bytes) => Some(Any::BytesValue(bytes.clone())),
        Value::Array(items) => Some(Any::ArrayValue(common::ArrayValue { values: items.iter().map(any).collect() })),
        Value::Map(entries) => {
            let values = entries.iter().map(|(key, value)| entry(key, value)).collect();
            Some(Any::KvlistValue(common::KeyValueList { values }))
        }
    };
    common::AnyValue { value }
}
